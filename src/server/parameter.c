/* SPDX-License-Identifier: Apache-2.0 */
#include "server/parameter.h"

#include <inttypes.h>
#include <stdarg.h>

#include "base/hash.h"
#include "base/time.h"
#include "base/vec.h"
#include "engine/client_type.h"
#include "sql/literal.h"

#define EPOCH_DAYS 10957 /* from 1970-01-01 to 2000-01-01 */
#define EPOCH_MICROS 946684800000000LL
#define MICROS_OF_DAY 86400000000LL

typedef struct Reading {
        size_t index; /* for messages */
        Arena *arena;
        Error *err;
} Reading;

/* Into value->text, and what the type needs; false with err set. */
typedef bool (*ReadValue)(Reading *reading, Str bytes, SqlValue *value);

static bool fail(Reading *reading, const char *what) {
        error_set(reading->err, STATUS_BAD_VALUE, "parameter $%zu: %s", reading->index, what);
        return false;
}

static void print(Reading *reading, SqlValue *value, const char *format, ...) PRINTF_LIKE(3, 4);
static void print(Reading *reading, SqlValue *value, const char *format, ...) {
        char text[128];
        va_list args;
        va_start(args, format);
        vsnprintf(text, sizeof(text), format, args);
        va_end(args);
        value->text = arena_str(reading->arena, str_of(text));
}

/* ---- text ---- */

static bool text_as_it_is(Reading *reading, Str bytes, SqlValue *value) {
        if (!utf8_valid(bytes) || str_find_byte(bytes, '\0') < bytes.size)
                return fail(reading, "a text that is not valid UTF-8");
        value->text = arena_str(reading->arena, bytes);
        return true;
}

/* What PostgreSQL takes for one; the engine would round 1.5 and read 0x10. */
static bool text_integer(Reading *reading, Str bytes, SqlValue *value) {
        Str digits = str_trim(bytes);
        bool minus = digits.size > 0 && digits.data[0] == '-', plus = digits.size > 0 && digits.data[0] == '+';
        digits = str_slice(digits, minus || plus, digits.size);
        uint64_t most = str_is(value->type, "BIGINT") ? INT64_MAX : str_is(value->type, "INTEGER") ? INT32_MAX : INT16_MAX, number;
        bool good = digits.size > 0;
        for (size_t i = 0; i < digits.size; i++)
                good &= digits.data[i] >= '0' && digits.data[i] <= '9';
        if (!text_as_it_is(reading, bytes, value))
                return false;
        if (!good)
                return fail(reading, "an integer is digits, with a sign before them at most");
        if (str_to_uint64(digits, &number) && number <= most + minus)
                return true;
        error_set(reading->err, STATUS_LIMIT, "parameter $%zu: an integer that its type has no room for", reading->index);
        return false;
}

static bool text_literal(Reading *reading, Str bytes, SqlValue *value) {
        const char *why;
        return text_as_it_is(reading, bytes, value) &&
               (literal_read(value->type, value->text, reading->arena, value, &why) || fail(reading, why));
}

/* Of the type BLOB by its name here: the engine's own text for bytes is another. */
static bool text_bytea(Reading *reading, Str bytes, SqlValue *value) {
        const char *why;
        return literal_read(STR("bytea"), bytes, reading->arena, value, &why) || fail(reading, why);
}

/* ---- binary ---- */

static bool wanted_size(Reading *reading, Str bytes, size_t size) {
        return bytes.size == size || fail(reading, "a binary value of the wrong size");
}

static bool binary_bool(Reading *reading, Str bytes, SqlValue *value) {
        if (!wanted_size(reading, bytes, 1))
                return false;
        value->text = bytes.data[0] ? STR("true") : STR("false");
        return true;
}

static bool binary_int2(Reading *reading, Str bytes, SqlValue *value) {
        Cursor cursor = cursor_of(bytes);
        print(reading, value, "%d", (int16_t)cursor_be16(&cursor));
        return wanted_size(reading, bytes, 2);
}

static bool binary_int4(Reading *reading, Str bytes, SqlValue *value) {
        Cursor cursor = cursor_of(bytes);
        print(reading, value, "%" PRId32, (int32_t)cursor_be32(&cursor));
        return wanted_size(reading, bytes, 4);
}

static bool binary_oid(Reading *reading, Str bytes, SqlValue *value) {
        Cursor cursor = cursor_of(bytes);
        print(reading, value, "%" PRIu32, cursor_be32(&cursor));
        return wanted_size(reading, bytes, 4);
}

static bool binary_int8(Reading *reading, Str bytes, SqlValue *value) {
        Cursor cursor = cursor_of(bytes);
        print(reading, value, "%" PRId64, (int64_t)cursor_be64(&cursor));
        return wanted_size(reading, bytes, 8);
}

static bool binary_float4(Reading *reading, Str bytes, SqlValue *value) {
        Cursor cursor = cursor_of(bytes);
        uint32_t bits = cursor_be32(&cursor);
        float number;
        memcpy(&number, &bits, sizeof(number));
        print(reading, value, "%.9g", (double)number);
        return wanted_size(reading, bytes, 4);
}

static bool binary_float8(Reading *reading, Str bytes, SqlValue *value) {
        Cursor cursor = cursor_of(bytes);
        uint64_t bits = cursor_be64(&cursor);
        double number;
        memcpy(&number, &bits, sizeof(number));
        print(reading, value, "%.17g", number);
        return wanted_size(reading, bytes, 8);
}

/* The digits of base 10,000 as decimal text; what the engine's decimal cannot hold becomes a double by its text. */
static bool binary_numeric(Reading *reading, Str bytes, SqlValue *value) {
        Cursor cursor = cursor_of(bytes);
        int count = cursor_be16(&cursor), weight = (int16_t)cursor_be16(&cursor);
        uint16_t sign = cursor_be16(&cursor), scale = cursor_be16(&cursor);
        if (cursor.failed || cursor_left(&cursor) != (size_t)count * 2)
                return fail(reading, "a numeric whose digits are not there");
        if (sign >= 0xc000) {
                value->type = STR("DOUBLE");
                value->text = sign == 0xc000 ? STR("NaN") : sign == 0xd000 ? STR("Infinity") : STR("-Infinity");
                return true;
        }
        if (weight > LITERAL_PRECISION_MAX / 4 || weight < -LITERAL_PRECISION_MAX ||
            scale > 4 * LITERAL_PRECISION_MAX) /* a value of two bytes could make us write 100,000 */
                return fail(reading, "a numeric of more than 38 digits");
        CLEANUP(buf_deinit) Buf out = { 0 };
        buf_append_cstr(&out, sign ? "-" : "");
        if (weight < 0)
                buf_append_byte(&out, '0');
        const uint8_t *digits = cursor.at;
        int groups_behind = (scale + 3) / 4;
        for (int group = weight < -1 ? -1 : weight; group >= -groups_behind; group--) {
                int at = weight - group;
                uint32_t digit = at >= 0 && at < count ? (uint32_t)digits[at * 2] << 8 | digits[at * 2 + 1] : 0;
                if (digit > 9999)
                        return fail(reading, "a numeric with a digit above 9999");
                if (group == -1)
                        buf_append_byte(&out, '.');
                buf_printf(&out, group == weight && group >= 0 ? "%u" : "%04u", digit);
        }
        size_t whole = str_find_byte(buf_view(&out), '.');
        Str text = str_slice(buf_view(&out), 0, scale == 0 ? whole : whole + 1 + scale);
        return text_literal(reading, text, value);
}

static bool binary_date(Reading *reading, Str bytes, SqlValue *value) {
        Cursor cursor = cursor_of(bytes);
        int32_t days = (int32_t)cursor_be32(&cursor);
        int year, month, day;
        if (!wanted_size(reading, bytes, 4))
                return false;
        if (days == INT32_MAX || days == INT32_MIN) {
                value->text = days > 0 ? STR("infinity") : STR("-infinity");
                return true;
        }
        if (days > INT32_MAX - EPOCH_DAYS)
                return fail(reading, "a date out of range");
        civil_from_days(days + EPOCH_DAYS, &year, &month, &day);
        print(reading, value, "%04d-%02d-%02d%s", year > 0 ? year : 1 - year, month, day, year > 0 ? "" : " (BC)");
        return true;
}

static void print_time(char *out, size_t size, int64_t micros) {
        snprintf(out, size, "%02d:%02d:%02d.%06d", (int)(micros / 3600000000), (int)(micros / 60000000 % 60),
                 (int)(micros / 1000000 % 60), (int)(micros % 1000000));
}

static bool binary_timestamp(Reading *reading, Str bytes, SqlValue *value) {
        Cursor cursor = cursor_of(bytes);
        int64_t micros = (int64_t)cursor_be64(&cursor);
        int year, month, day;
        char time[32];
        if (!wanted_size(reading, bytes, 8))
                return false;
        if (micros == INT64_MAX || micros == INT64_MIN) {
                value->text = micros > 0 ? STR("infinity") : STR("-infinity");
                return true;
        }
        int64_t days = micros / MICROS_OF_DAY, in_day = micros % MICROS_OF_DAY;
        if (in_day < 0) {
                in_day += MICROS_OF_DAY;
                days--;
        }
        print_time(time, sizeof(time), in_day);
        civil_from_days((int)days + EPOCH_DAYS, &year, &month, &day);
        print(reading, value, "%04d-%02d-%02d%s %s%s", year > 0 ? year : 1 - year, month, day, year > 0 ? "" : " (BC)",
              time, str_is(value->type, "TIMESTAMPTZ") ? "+00" : "");
        return true;
}

static bool binary_time(Reading *reading, Str bytes, SqlValue *value) {
        Cursor cursor = cursor_of(bytes);
        int64_t micros = (int64_t)cursor_be64(&cursor);
        char time[32];
        if (!wanted_size(reading, bytes, 8) || micros < 0 || micros > MICROS_OF_DAY)
                return fail(reading, "a time of day out of range");
        print_time(time, sizeof(time), micros);
        value->text = arena_str(reading->arena, str_of(time));
        return true;
}

static bool binary_timetz(Reading *reading, Str bytes, SqlValue *value) {
        Cursor cursor = cursor_of(bytes);
        int64_t micros = (int64_t)cursor_be64(&cursor);
        int32_t west = (int32_t)cursor_be32(&cursor);
        char time[32];
        if (!wanted_size(reading, bytes, 12) || micros < 0 || micros > MICROS_OF_DAY || west <= -57600 || west >= 57600)
                return fail(reading, "a time of day out of range");
        int east = west > 0 ? west : -west;
        print_time(time, sizeof(time), micros);
        print(reading, value, "%s%c%02d:%02d:%02d", time, west > 0 ? '-' : '+', east / 3600, east / 60 % 60, east % 60);
        return true;
}

static bool binary_interval(Reading *reading, Str bytes, SqlValue *value) {
        Cursor cursor = cursor_of(bytes);
        int64_t micros = (int64_t)cursor_be64(&cursor);
        int32_t days = (int32_t)cursor_be32(&cursor), months = (int32_t)cursor_be32(&cursor);
        print(reading, value, "%" PRId32 " months %" PRId32 " days %" PRId64 " microseconds", months, days, micros);
        return wanted_size(reading, bytes, 16);
}

static bool binary_uuid(Reading *reading, Str bytes, SqlValue *value) {
        if (!wanted_size(reading, bytes, 16))
                return false;
        value->text = hex_of(reading->arena, bytes);
        return true;
}

static bool binary_bytea(Reading *reading, Str bytes, SqlValue *value) {
        return text_bytea(reading, arena_strf(reading->arena, "\\x%.*s", STR_ARG(hex_of(reading->arena, bytes))), value);
}

/* Int32 bits, then they from the left. */
static bool binary_bits(Reading *reading, Str bytes, SqlValue *value) {
        Cursor cursor = cursor_of(bytes);
        uint32_t count = cursor_be32(&cursor);
        if (cursor.failed || count > INT32_MAX || cursor_left(&cursor) != (size_t)(count + 7) / 8)
                return fail(reading, "a string of bits whose bits are not there");
        char *text = arena_alloc(reading->arena, (size_t)count + 1);
        for (uint32_t i = 0; i < count; i++)
                text[i] = (cursor.at[i / 8] >> (7 - i % 8) & 1) ? '1' : '0';
        value->text = (Str){ text, count };
        return true;
}

/* A byte that says the version, which is 1, and text. */
static bool binary_jsonb(Reading *reading, Str bytes, SqlValue *value) {
        if (bytes.size == 0 || bytes.data[0] != 1)
                return fail(reading, "a jsonb of another version");
        return text_as_it_is(reading, str_slice(bytes, 1, bytes.size), value);
}

/* ---- the types ---- */

/* clang-format off */
static const struct {
        uint32_t oid, array;
        const char *engine;
        ReadValue text, binary;
} TYPES[] = {
        { OID_BOOL,        1000, "BOOLEAN",     text_literal,  binary_bool },
        { OID_BYTEA,       1001, "BLOB",        text_bytea,    binary_bytea },
        { OID_INT8,        1016, "BIGINT",      text_integer,  binary_int8 },
        { OID_INT2,        1005, "SMALLINT",    text_integer,  binary_int2 },
        { OID_INT4,        1007, "INTEGER",     text_integer,  binary_int4 },
        { OID_OID,         1028, "BIGINT",      text_as_it_is, binary_oid },
        { OID_TEXT,        1009, "VARCHAR",     text_as_it_is, text_as_it_is },
        { OID_VARCHAR,     1015, "VARCHAR",     text_as_it_is, text_as_it_is },
        { OID_BPCHAR,      1014, "VARCHAR",     text_as_it_is, text_as_it_is },
        { OID_NAME,        1003, "VARCHAR",     text_as_it_is, text_as_it_is },
        { OID_JSON,        199,  "VARCHAR",     text_as_it_is, text_as_it_is },
        { OID_JSONB,       3807, "VARCHAR",     text_as_it_is, binary_jsonb },
        { OID_FLOAT4,      1021, "FLOAT",       text_as_it_is, binary_float4 },
        { OID_FLOAT8,      1022, "DOUBLE",      text_as_it_is, binary_float8 },
        { OID_DATE,        1182, "DATE",        text_literal,  binary_date },
        { OID_TIME,        1183, "TIME",        text_as_it_is, binary_time },
        { OID_TIMESTAMP,   1115, "TIMESTAMP",   text_literal,  binary_timestamp },
        { OID_TIMESTAMPTZ, 1185, "TIMESTAMPTZ", text_literal,  binary_timestamp },
        { OID_TIMETZ,      1270, "TIMETZ",      text_as_it_is, binary_timetz },
        { OID_INTERVAL,    1187, "INTERVAL",    text_literal,  binary_interval },
        { OID_NUMERIC,     1231, "DECIMAL",     text_literal,  binary_numeric },
        { OID_UUID,        2951, "UUID",        text_as_it_is, binary_uuid },
        { OID_CHAR,        1002, "VARCHAR",     text_as_it_is, text_as_it_is },
        { OID_VARBIT,      1563, "BIT",         text_as_it_is, binary_bits },
        { OID_BIT,         1561, "BIT",         text_as_it_is, binary_bits },
};
/* clang-format on */

typedef enum Place { PLACE_NONE, PLACE_SCALAR, PLACE_ARRAY } Place;

static Place find_type(uint32_t oid, size_t *out) {
        for (size_t i = 0; i < COUNT_OF(TYPES); i++) {
                *out = i;
                if (TYPES[i].oid == oid)
                        return PLACE_SCALAR;
                if (TYPES[i].array == oid)
                        return PLACE_ARRAY;
        }
        return PLACE_NONE;
}

uint32_t parameter_oid(Str engine_type) {
        return engine_type.size > 0 ? client_type_of(engine_type).oid : 0;
}

/* clang-format off */
static const struct {
        const char *word;
        uint32_t oid;
} WORDS[] = {
        { "int", OID_INT4 }, { "integer", OID_INT4 }, { "int4", OID_INT4 }, { "bigint", OID_INT8 }, { "int8", OID_INT8 }, { "smallint", OID_INT2 },
        { "int2", OID_INT2 }, { "oid", OID_OID }, { "text", OID_TEXT }, { "string", OID_TEXT }, { "varchar", OID_VARCHAR }, { "bpchar", OID_BPCHAR },
        { "name", OID_NAME }, { "boolean", OID_BOOL }, { "bool", OID_BOOL }, { "numeric", OID_NUMERIC }, { "decimal", OID_NUMERIC },
        { "real", OID_FLOAT4 }, { "float4", OID_FLOAT4 }, { "float8", OID_FLOAT8 }, { "double precision", OID_FLOAT8 }, { "date", OID_DATE },
        { "time", OID_TIME }, { "timetz", OID_TIMETZ }, { "timestamp", OID_TIMESTAMP }, { "timestamptz", OID_TIMESTAMPTZ }, { "interval", OID_INTERVAL },
        { "uuid", OID_UUID }, { "bytea", OID_BYTEA }, { "json", OID_JSON }, { "jsonb", OID_JSONB }, { "bit", OID_BIT }, { "varbit", OID_VARBIT },
};
/* clang-format on */

uint32_t parameter_oid_of_word(Str word) {
        Str bare = str_trim(str_slice(word, 0, str_find_byte(word, '(')));
        for (size_t i = 0; i < COUNT_OF(WORDS); i++)
                if (str_equal_nocase(bare, str_of(WORDS[i].word)))
                        return WORDS[i].oid;
        return 0;
}

uint32_t parameter_array_of(uint32_t oid) {
        size_t i;
        return find_type(oid, &i) == PLACE_SCALAR ? TYPES[i].array : 0;
}

/* ---- arrays of one dimension ---- */

static bool text_array(Reading *reading, Str bytes, ReadValue read, SqlValue *list) {
        const char *why;
        SqlValue checked = { 0 };
        if (!text_as_it_is(reading, bytes, &checked))
                return false;
        Str type = read == text_bytea ? STR("bytea") : list->type;
        return literal_read_array(type, checked.text, reading->arena, list, &why) || fail(reading, why);
}

static bool binary_array(Reading *reading, Str bytes, ReadValue read, SqlValue *list) {
        Cursor cursor = cursor_of(bytes);
        uint32_t dimensions = cursor_be32(&cursor);
        cursor_be32(&cursor); /* whether it has NULLs */
        cursor_be32(&cursor); /* OID of the elements: the parameter's own says it */
        if (cursor.failed || dimensions > 1)
                return fail(reading, "an array of more than one dimension");
        if (dimensions == 0)
                return cursor_left(&cursor) == 0 || fail(reading, "an empty array with elements");
        uint32_t count = cursor_be32(&cursor);
        cursor_be32(&cursor); /* lower bound */
        if (cursor.failed || count > LITERAL_ITEMS_MAX || count > cursor_left(&cursor) / 4)
                return fail(reading, "an array whose elements are not there");
        size_t capacity = 0;
        for (uint32_t i = 0; i < count; i++) {
                uint32_t size = cursor_be32(&cursor);
                SqlValue *item = literal_add_item(list, &capacity, reading->arena);
                item->null = size == UINT32_MAX;
                Str element = item->null ? STR_NONE : cursor_bytes(&cursor, size);
                if (cursor.failed)
                        return fail(reading, "an array whose elements are not there");
                if (!item->null && !read(reading, element, item))
                        return false;
        }
        literal_finish_array(list);
        return cursor_left(&cursor) == 0 || fail(reading, "an array with something behind it");
}

Status parameter_read(size_t index, uint32_t oid, uint16_t format, const WireParameter *parameter, Arena *arena, SqlValue *out,
                      Error *err) {
        Reading reading = { index, arena, err };
        size_t i = 0;
        Place place = find_type(oid, &i);
        SqlValue value = { .null = parameter->null, .type = place == PLACE_NONE ? STR("") : str_of(TYPES[i].engine),
                           .is_list = place == PLACE_ARRAY };
        ReadValue read = place == PLACE_NONE ? text_as_it_is : format == 1 ? TYPES[i].binary : TYPES[i].text;
        if (read == text_integer && format == PARAMETER_LITERAL)
                read = text_as_it_is;
        bool good = true;
        if (parameter->null)
                good = true;
        else if (place == PLACE_ARRAY)
                good = (format == 1 ? binary_array : text_array)(&reading, parameter->bytes, read, &value);
        else
                good = read(&reading, parameter->bytes, &value);
        if (!good)
                return err->status;
        if (value.null && str_is(value.type, "DECIMAL")) /* the engine's DECIMAL alone is DECIMAL(18,3) */
                value.precision = LITERAL_PRECISION_MAX, value.scale = 10;
        *out = value;
        return STATUS_OK;
}
