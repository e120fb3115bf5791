/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/cell.h"

#include <math.h>

#include "base/json.h"
#include "base/shortest.h"
#include "base/time.h"
#include "base/value.h"

#define MICROS_OF_DAY 86400000000LL

/* Numbers: written from their end, two digits at a time. */

static const char PAIRS[] = "0001020304050607080910111213141516171819"
                            "2021222324252627282930313233343536373839"
                            "4041424344454647484950515253545556575859"
                            "6061626364656667686970717273747576777879"
                            "8081828384858687888990919293949596979899";

static char *print_unsigned(char *end, uint64_t value) {
        for (; value >= 10; value /= 100) {
                end -= 2;
                memcpy(end, &PAIRS[value % 100 * 2], 2);
                if (value < 100)
                        return end;
        }
        *--end = (char)('0' + value);
        return end;
}

static char *print_padded(char *end, uint64_t value, int width) {
        char *begin = print_unsigned(end, value);
        while (end - begin < width)
                *--begin = '0';
        return begin;
}

static char *print_wide(char *end, unsigned __int128 value) {
        static const uint64_t piece = 10000000000000000000ull; /* 10^19: the largest power that 64 bits hold */
        for (; value > UINT64_MAX; value /= piece)
                end = print_padded(end, (uint64_t)(value % piece), 19);
        return print_unsigned(end, (uint64_t)value);
}

/*
 * Short text is moved SHORT bytes at a time whatever its size, which is a few instructions instead of a call: what it is read
 * from and written to has so many bytes behind its begin.
 */
#define SHORT 32

static char *put(char *at, const char *bytes, ptrdiff_t size) {
        memcpy(at, bytes, SHORT);
        return at + size;
}

static void append_short(Buf *out, const char *begin, const char *end) {
        char *at = buf_reserve(out, SHORT);
        if (!at)
                return;
        memcpy(at, begin, SHORT);
        buf_added(out, (size_t)(end - begin));
}

static void append_number(Buf *out, bool negative, uint64_t magnitude) {
        char text[24 + SHORT], *end = text + 24;
        char *begin = print_unsigned(end, magnitude);
        if (negative)
                *--begin = '-';
        append_short(out, begin, end);
}

static void append_unsigned(Buf *out, uint64_t value) {
        append_number(out, false, value);
}

static void append_signed(Buf *out, int64_t value) {
        append_number(out, value < 0, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

#define PRINT_INTEGER(name, type, append)                             \
        static void name(Buf *out, const Column *column, idx_t row) { \
                append(out, ((const type *)column->data)[row]);       \
        }
PRINT_INTEGER(print_int8, int8_t, append_signed)
PRINT_INTEGER(print_int16, int16_t, append_signed)
PRINT_INTEGER(print_int32, int32_t, append_signed)
PRINT_INTEGER(print_int64, int64_t, append_signed)
PRINT_INTEGER(print_uint8, uint8_t, append_unsigned)
PRINT_INTEGER(print_uint16, uint16_t, append_unsigned)
PRINT_INTEGER(print_uint32, uint32_t, append_unsigned)
PRINT_INTEGER(print_uint64, uint64_t, append_unsigned)

/* Digits of magnitude with `scale` of them behind a point. */
static void append_wide(Buf *out, bool negative, unsigned __int128 magnitude, int scale) {
        char text[48 + SHORT], *end = text + 48;
        char *begin = print_wide(end, magnitude);
        while (end - begin <= scale)
                *--begin = '0';
        if (scale > 0) {
                begin--;
                memmove(begin, begin + 1, (size_t)(end - begin) - 1 - (size_t)scale);
                end[-scale - 1] = '.';
        }
        if (negative)
                *--begin = '-';
        if (end - begin <= SHORT)
                append_short(out, begin, end);
        else
                buf_append(out, (Str){ begin, (size_t)(end - begin) });
}

static void append_int128(Buf *out, Int128 value, int scale) {
        append_wide(out, value < 0, value < 0 ? 0 - (unsigned __int128)value : (unsigned __int128)value, scale);
}

static Int128 int128_of(duckdb_hugeint value) {
        return (Int128)(((unsigned __int128)(uint64_t)value.upper << 64) | value.lower);
}

static void print_hugeint(Buf *out, const Column *column, idx_t row) {
        append_int128(out, int128_of(((const duckdb_hugeint *)column->data)[row]), 0);
}

static void print_uhugeint(Buf *out, const Column *column, idx_t row) {
        duckdb_uhugeint value = ((const duckdb_uhugeint *)column->data)[row];
        append_wide(out, false, (unsigned __int128)value.upper << 64 | value.lower, 0);
}

static void print_decimal(Buf *out, const Column *column, idx_t row) {
        switch (column->width) {
        case 2:
                append_int128(out, ((const int16_t *)column->data)[row], column->scale);
                break;
        case 4:
                append_int128(out, ((const int32_t *)column->data)[row], column->scale);
                break;
        case 8:
                append_int128(out, ((const int64_t *)column->data)[row], column->scale);
                break;
        default:
                append_int128(out, int128_of(((const duckdb_hugeint *)column->data)[row]), column->scale);
                break;
        }
}

static void print_boolean(Buf *out, const Column *column, idx_t row) {
        buf_append_byte(out, ((const bool *)column->data)[row] ? 't' : 'f');
}

/* These write forwards and give the end of what they wrote. */

static char *put_zeros(char *at, int count) {
        for (; count > 0; count--)
                *at++ = '0';
        return at;
}

static char *put_pair(char *at, unsigned value) {
        memcpy(at, &PAIRS[value * 2], 2);
        return at + 2;
}

static char *put_padded(char *at, uint64_t value, int width) {
        char text[24 + SHORT], *end = text + 24;
        char *begin = print_padded(end, value, width);
        return put(at, begin, end - begin);
}

/*
 * digits x 10^exponent as PostgreSQL lays floats out: plain between 1e-4 and 10^plain, otherwise d.ddde+XX. digits has no
 * trailing zeros; exponent is that of its first digit.
 */
static char *put_digits(char *at, const char *digits, int count, int exponent, int plain) {
        if (exponent < -4 || exponent >= plain) {
                at = put(at, digits, 1);
                if (count > 1) {
                        *at++ = '.';
                        at = put(at, digits + 1, count - 1);
                }
                *at++ = 'e';
                *at++ = exponent < 0 ? '-' : '+';
                return put_padded(at, (uint64_t)abs(exponent), 2);
        }
        if (exponent < 0) {
                *at++ = '0';
                *at++ = '.';
                at = put_zeros(at, -1 - exponent);
                return put(at, digits, count);
        }
        int whole = exponent + 1;
        if (count <= whole)
                return put_zeros(put(at, digits, count), whole - count);
        at = put(at, digits, whole);
        *at++ = '.';
        return put(at, digits + whole, count - whole);
}

static void append_shortest(Buf *out, Shortest value, bool negative, int plain) {
        char digits[24 + SHORT], *end = digits + 24, text[32 + SHORT], *at = text;
        char *begin = print_unsigned(end, value.digits);
        int count = (int)(end - begin);
        if (negative)
                *at++ = '-';
        at = put_digits(at, begin, count, value.exponent + count - 1, plain);
        append_short(out, text, at);
}

static bool append_special(Buf *out, double value) {
        if (isnan(value))
                buf_append_cstr(out, "NaN");
        else if (isinf(value))
                buf_append_cstr(out, value < 0 ? "-Infinity" : "Infinity");
        else if (value == 0)
                buf_append_cstr(out, signbit(value) ? "-0" : "0");
        else
                return false;
        return true;
}

static void print_double(Buf *out, const Column *column, idx_t row) {
        double value = ((const double *)column->data)[row];
        if (!append_special(out, value))
                append_shortest(out, shortest_double(fabs(value)), value < 0, 15);
}

static void print_float(Buf *out, const Column *column, idx_t row) {
        float value = ((const float *)column->data)[row];
        if (!append_special(out, (double)value))
                append_shortest(out, shortest_float(fabsf(value)), value < 0, 6);
}

/* Dates and times */

static void append_padded(Buf *out, int64_t value, int width) {
        char text[24], *end = text + sizeof(text);
        char *begin = print_padded(end, (uint64_t)value, width);
        buf_append(out, (Str){ begin, (size_t)(end - begin) });
}

/* Years before 1 are printed as BC, behind everything else. */
static bool append_date(Buf *out, int32_t days) {
        char text[32 + SHORT], *at = text;
        int year, month, day;
        civil_from_days(days, &year, &month, &day);
        unsigned counted = (unsigned)(year > 0 ? year : 1 - year);
        at = counted < 10000 ? put_pair(put_pair(at, counted / 100), counted % 100) : put_padded(at, counted, 4);
        *at++ = '-';
        at = put_pair(at, (unsigned)month);
        *at++ = '-';
        at = put_pair(at, (unsigned)day);
        append_short(out, text, at);
        return year <= 0;
}

/* hh:mm:ss and as much fraction as there is. */
static void append_time(Buf *out, int64_t micros) {
        char text[32 + SHORT], *at = text;
        int64_t seconds = micros / 1000000, fraction = micros % 1000000;
        at = seconds < 360000 ? put_pair(at, (unsigned)(seconds / 3600)) : put_padded(at, (uint64_t)(seconds / 3600), 2);
        *at++ = ':';
        at = put_pair(at, (unsigned)(seconds / 60 % 60));
        *at++ = ':';
        at = put_pair(at, (unsigned)(seconds % 60));
        if (fraction > 0) {
                int width = 6;
                for (; fraction % 10 == 0; width--)
                        fraction /= 10;
                *at++ = '.';
                at = put_padded(at, (uint64_t)fraction, width);
        }
        append_short(out, text, at);
}

static void print_date(Buf *out, const Column *column, idx_t row) {
        int32_t days = ((const int32_t *)column->data)[row];
        if (days == INT32_MAX || days == -INT32_MAX)
                buf_append_cstr(out, days > 0 ? "infinity" : "-infinity");
        else if (append_date(out, days))
                buf_append_cstr(out, " BC");
}

static bool append_infinity(Buf *out, int64_t value) {
        bool infinite = value == INT64_MAX || value == -INT64_MAX;
        if (infinite)
                buf_append_cstr(out, value > 0 ? "infinity" : "-infinity");
        return infinite;
}

/* True: the year was before Christ, and " BC" belongs behind everything. */
static bool append_timestamp(Buf *out, int64_t value, int scale) {
        static const int64_t PER_SECOND[] = { [0] = 1, [3] = 1000, [6] = 1000000, [9] = 1000000000 };
        int64_t units = PER_SECOND[scale] * 86400;
        int64_t days = value / units - (value % units < 0);
        int64_t rest = value - days * units; /* since midnight; nanoseconds are cut */
        int64_t micros = scale == 9 ? rest / 1000 : rest * (1000000 / PER_SECOND[scale]);
        bool before_christ = append_date(out, (int32_t)days);
        buf_append_byte(out, ' ');
        append_time(out, micros);
        return before_christ;
}

/* +02, +05:30, -00:25:21 */
static void append_offset(Buf *out, int64_t offset) {
        int64_t size = offset < 0 ? -offset : offset;
        buf_append_byte(out, offset < 0 ? '-' : '+');
        append_padded(out, size / 3600, 2);
        if (size % 3600) {
                buf_append_byte(out, ':');
                append_padded(out, size / 60 % 60, 2);
        }
        if (size % 60) {
                buf_append_byte(out, ':');
                append_padded(out, size % 60, 2);
        }
}

static void print_timestamp(Buf *out, const Column *column, idx_t row) {
        int64_t value = ((const int64_t *)column->data)[row];
        if (!append_infinity(out, value) && append_timestamp(out, value, column->scale))
                buf_append_cstr(out, " BC");
}

static const Zone *session_zone; /* see cell_use_zone() */

void cell_use_zone(const Zone *zone) {
        session_zone = zone;
}

static void print_timestamptz(Buf *out, const Column *column, idx_t row) {
        int64_t value = ((const int64_t *)column->data)[row], local;
        if (append_infinity(out, value))
                return;
        int64_t second = value / 1000000 - (value % 1000000 < 0);
        int32_t offset = session_zone ? zone_offset(session_zone, second) : 0;
        if (__builtin_add_overflow(value, offset * 1000000ll, &local)) { /* at the very end of time */
                local = value;
                offset = 0;
        }
        bool before_christ = append_timestamp(out, local, column->scale);
        append_offset(out, offset);
        if (before_christ)
                buf_append_cstr(out, " BC");
}

static void print_time(Buf *out, const Column *column, idx_t row) {
        append_time(out, ((const int64_t *)column->data)[row]);
}

/* The engine keeps microseconds in the upper 40 bits and 57599 - offset in the lower 24. */
static void print_timetz(Buf *out, const Column *column, idx_t row) {
        uint64_t bits = ((const uint64_t *)column->data)[row];
        int64_t offset = 57599 - (int64_t)(bits & 0xffffff);
        append_time(out, (int64_t)(bits >> 24));
        append_offset(out, offset);
}

typedef struct IntervalPrint {
        bool begun, negative; /* something is printed, and the last of it was negative */
} IntervalPrint;

static void append_part(Buf *out, IntervalPrint *state, int64_t value, const char *unit) {
        if (value == 0)
                return;
        buf_append_cstr(out, state->begun ? " " : "");
        if (state->begun && state->negative && value > 0)
                buf_append_byte(out, '+');
        append_signed(out, value);
        buf_printf(out, " %s%s", unit, value == 1 ? "" : "s");
        *state = (IntervalPrint){ .begun = true, .negative = value < 0 };
}

static void print_interval(Buf *out, const Column *column, idx_t row) {
        duckdb_interval value = ((const duckdb_interval *)column->data)[row];
        IntervalPrint state = { 0 };
        append_part(out, &state, value.months / 12, "year");
        append_part(out, &state, value.months % 12, "mon");
        append_part(out, &state, value.days, "day");
        if (value.micros == 0 && state.begun)
                return;
        buf_append_cstr(out, state.begun ? " " : "");
        if (value.micros < 0)
                buf_append_byte(out, '-');
        else if (state.begun && state.negative)
                buf_append_byte(out, '+');
        append_time(out, value.micros < 0 ? -value.micros : value.micros);
}

/* Texts and bytes */

static void print_text(Buf *out, const Column *column, idx_t row) {
        buf_append(out, cell_string(column, row));
}

static void append_hex(Buf *out, Str bytes) {
        char *to = buf_reserve(out, 2 * bytes.size);
        if (!to)
                return;
        for (size_t i = 0; i < bytes.size; i++) {
                to[2 * i] = "0123456789abcdef"[(uint8_t)bytes.data[i] >> 4];
                to[2 * i + 1] = "0123456789abcdef"[bytes.data[i] & 15];
        }
        buf_added(out, 2 * bytes.size);
}

static void print_blob(Buf *out, const Column *column, idx_t row) {
        buf_append_cstr(out, "\\x");
        append_hex(out, cell_string(column, row));
}

/* First byte: how many bits of padding lie before the first bit. */
static void print_bits(Buf *out, const Column *column, idx_t row) {
        Str bits = cell_string(column, row);
        size_t from = bits.size > 0 ? 8 + (size_t)(bits.data[0] & 7) : 0;
        for (size_t i = from; i < bits.size * 8; i++)
                buf_append_byte(out, (bits.data[i / 8] >> (7 - i % 8)) & 1 ? '1' : '0');
}

/* The engine flips the top bit, so that the order of hugeints is the order of UUIDs. */
static void print_uuid(Buf *out, const Column *column, idx_t row) {
        duckdb_hugeint value = ((const duckdb_hugeint *)column->data)[row];
        uint64_t upper = (uint64_t)value.upper ^ 1ull << 63;
        buf_printf(out, "%08llx-%04llx-%04llx-%04llx-%012llx", (unsigned long long)(upper >> 32),
                   (unsigned long long)(upper >> 16 & 0xffff), (unsigned long long)(upper & 0xffff),
                   (unsigned long long)(value.lower >> 48), (unsigned long long)(value.lower & 0xffffffffffffull));
}

static void print_enum(Buf *out, const Column *column, idx_t row) {
        uint32_t index = column->width == 1   ? ((const uint8_t *)column->data)[row]
                         : column->width == 2 ? ((const uint16_t *)column->data)[row]
                                              : ((const uint32_t *)column->data)[row];
        buf_append(out, column->names[index]);
}

static void print_nothing(Buf *out UNUSED, const Column *column UNUSED, idx_t row UNUSED) {}

/* Nested values, as JSON */

static void print_json(Buf *out, const Column *column, idx_t row) {
        if (cell_is_null(column, row)) {
                buf_append_cstr(out, "null");
        } else if (!column->quoted) {
                column->print(out, column, row);
        } else {
                CLEANUP(buf_deinit) Buf text = { .limit = out->limit };
                column->print(&text, column, row);
                json_quote(out, buf_view(&text));
        }
}

static void print_json_boolean(Buf *out, const Column *column, idx_t row) {
        buf_append_cstr(out, ((const bool *)column->data)[row] ? "true" : "false");
}

static void print_json_double(Buf *out, const Column *column, idx_t row) {
        double value = ((const double *)column->data)[row];
        if (isfinite(value)) {
                print_double(out, column, row);
        } else {
                buf_append_byte(out, '"');
                append_special(out, value);
                buf_append_byte(out, '"');
        }
}

static void print_json_float(Buf *out, const Column *column, idx_t row) {
        float value = ((const float *)column->data)[row];
        if (isfinite(value)) {
                print_float(out, column, row);
        } else {
                buf_append_byte(out, '"');
                append_special(out, (double)value);
                buf_append_byte(out, '"');
        }
}

static void append_elements(Buf *out, const Column *child, idx_t from, idx_t count) {
        buf_append_byte(out, '[');
        for (idx_t i = 0; i < count && !out->failed; i++) {
                buf_append_cstr(out, i ? ", " : "");
                print_json(out, child, from + i);
        }
        buf_append_byte(out, ']');
}

static void print_list(Buf *out, const Column *column, idx_t row) {
        duckdb_list_entry entry = ((const duckdb_list_entry *)column->data)[row];
        append_elements(out, column->children, entry.offset, entry.length);
}

static void print_array(Buf *out, const Column *column, idx_t row) {
        append_elements(out, column->children, row * (idx_t)column->width, (idx_t)column->width);
}

static void print_struct(Buf *out, const Column *column, idx_t row) {
        buf_append_byte(out, '{');
        for (size_t i = 0; i < column->child_count; i++) {
                buf_append_cstr(out, i ? ", " : "");
                json_quote(out, column->names[i]);
                buf_append_cstr(out, ": ");
                print_json(out, &column->children[i], row);
        }
        buf_append_byte(out, '}');
}

/* A key of any type becomes a member's name: its text. */
static void print_map(Buf *out, const Column *column, idx_t row) {
        duckdb_list_entry entry = ((const duckdb_list_entry *)column->data)[row];
        buf_append_byte(out, '{');
        for (idx_t i = 0; i < entry.length && !out->failed; i++) {
                CLEANUP(buf_deinit) Buf key = { .limit = out->limit };
                column->children[0].print(&key, &column->children[0], entry.offset + i);
                buf_append_cstr(out, i ? ", " : "");
                json_quote(out, buf_view(&key));
                buf_append_cstr(out, ": ");
                print_json(out, &column->children[1], entry.offset + i);
        }
        buf_append_byte(out, '}');
}

/* Which printer for which type */

typedef struct CellRow {
        duckdb_type id;
        CellPrinter print, in_json; /* in_json NULL: the same */
        bool quoted;
        int scale;
} CellRow;

static const CellRow CELLS[] = {
        { DUCKDB_TYPE_BOOLEAN, print_boolean, print_json_boolean, false, 0 },
        { DUCKDB_TYPE_TINYINT, print_int8, NULL, false, 0 },
        { DUCKDB_TYPE_SMALLINT, print_int16, NULL, false, 0 },
        { DUCKDB_TYPE_INTEGER, print_int32, NULL, false, 0 },
        { DUCKDB_TYPE_BIGINT, print_int64, NULL, false, 0 },
        { DUCKDB_TYPE_UTINYINT, print_uint8, NULL, false, 0 },
        { DUCKDB_TYPE_USMALLINT, print_uint16, NULL, false, 0 },
        { DUCKDB_TYPE_UINTEGER, print_uint32, NULL, false, 0 },
        { DUCKDB_TYPE_UBIGINT, print_uint64, NULL, false, 0 },
        { DUCKDB_TYPE_HUGEINT, print_hugeint, NULL, false, 0 },
        { DUCKDB_TYPE_UHUGEINT, print_uhugeint, NULL, false, 0 },
        { DUCKDB_TYPE_DECIMAL, print_decimal, NULL, false, 0 },
        { DUCKDB_TYPE_FLOAT, print_float, print_json_float, false, 0 },
        { DUCKDB_TYPE_DOUBLE, print_double, print_json_double, false, 0 },
        { DUCKDB_TYPE_DATE, print_date, NULL, true, 0 },
        { DUCKDB_TYPE_TIME, print_time, NULL, true, 0 },
        { DUCKDB_TYPE_TIME_TZ, print_timetz, NULL, true, 0 },
        { DUCKDB_TYPE_TIMESTAMP, print_timestamp, NULL, true, 6 },
        { DUCKDB_TYPE_TIMESTAMP_S, print_timestamp, NULL, true, 0 },
        { DUCKDB_TYPE_TIMESTAMP_MS, print_timestamp, NULL, true, 3 },
        { DUCKDB_TYPE_TIMESTAMP_NS, print_timestamp, NULL, true, 9 },
        { DUCKDB_TYPE_TIMESTAMP_TZ, print_timestamptz, NULL, true, 6 },
        { DUCKDB_TYPE_INTERVAL, print_interval, NULL, true, 0 },
        { DUCKDB_TYPE_UUID, print_uuid, NULL, true, 0 },
        { DUCKDB_TYPE_VARCHAR, print_text, NULL, true, 0 },
        { DUCKDB_TYPE_BLOB, print_blob, NULL, true, 0 },
        { DUCKDB_TYPE_BIT, print_bits, NULL, true, 0 },
        { DUCKDB_TYPE_ENUM, print_enum, NULL, true, 0 },
        { DUCKDB_TYPE_SQLNULL, print_nothing, NULL, false, 0 },
        { DUCKDB_TYPE_LIST, print_list, NULL, false, 0 },
        { DUCKDB_TYPE_ARRAY, print_array, NULL, false, 0 },
        { DUCKDB_TYPE_STRUCT, print_struct, NULL, false, 0 },
        { DUCKDB_TYPE_MAP, print_map, NULL, false, 0 },
};

static const CellRow *find_row(duckdb_type id) {
        for (size_t i = 0; i < COUNT_OF(CELLS); i++) {
                if (CELLS[i].id == id)
                        return &CELLS[i];
        }
        return NULL;
}

static size_t child_count(duckdb_type id, duckdb_logical_type type) {
        switch (id) {
        case DUCKDB_TYPE_LIST:
        case DUCKDB_TYPE_ARRAY:
                return 1;
        case DUCKDB_TYPE_MAP:
                return 2;
        case DUCKDB_TYPE_STRUCT:
                return duckdb_struct_type_child_count(type);
        default:
                return 0;
        }
}

/* To be destroyed by the caller. */
static duckdb_logical_type child_type(duckdb_type id, duckdb_logical_type type, size_t i) {
        switch (id) {
        case DUCKDB_TYPE_LIST:
                return duckdb_list_type_child_type(type);
        case DUCKDB_TYPE_ARRAY:
                return duckdb_array_type_child_type(type);
        case DUCKDB_TYPE_MAP:
                return i == 0 ? duckdb_map_type_key_type(type) : duckdb_map_type_value_type(type);
        default:
                return duckdb_struct_type_child_type(type, i);
        }
}

bool cell_can_print(duckdb_logical_type type) {
        duckdb_type id = duckdb_get_type_id(type);
        bool can = find_row(id) != NULL;
        for (size_t i = 0, count = child_count(id, type); can && i < count; i++) {
                duckdb_logical_type child = child_type(id, type, i);
                can = cell_can_print(child);
                duckdb_destroy_logical_type(&child);
        }
        return can;
}

static const Str *enum_names(duckdb_logical_type type, Arena *arena) {
        uint32_t count = duckdb_enum_dictionary_size(type);
        Str *names = ARENA_ARRAY(arena, Str, count);
        for (uint32_t i = 0; i < count; i++) {
                char *name = duckdb_enum_dictionary_value(type, i);
                names[i] = arena_str(arena, str_of(name));
                duckdb_free(name);
        }
        return names;
}

static const Str *field_names(duckdb_logical_type type, size_t count, Arena *arena) {
        Str *names = ARENA_ARRAY(arena, Str, count);
        for (size_t i = 0; i < count; i++) {
                char *name = duckdb_struct_type_child_name(type, i);
                names[i] = arena_str(arena, str_of(name));
                duckdb_free(name);
        }
        return names;
}

static int bytes_of(duckdb_type internal) {
        switch (internal) {
        case DUCKDB_TYPE_UTINYINT:
                return 1;
        case DUCKDB_TYPE_SMALLINT:
        case DUCKDB_TYPE_USMALLINT:
                return 2;
        case DUCKDB_TYPE_INTEGER:
        case DUCKDB_TYPE_UINTEGER:
                return 4;
        case DUCKDB_TYPE_BIGINT:
                return 8;
        default:
                return 16;
        }
}

static ColumnShape shape_of(duckdb_type id) {
        switch (id) {
        case DUCKDB_TYPE_LIST:
                return COLUMN_LIST;
        case DUCKDB_TYPE_ARRAY:
                return COLUMN_ARRAY;
        case DUCKDB_TYPE_STRUCT:
                return COLUMN_STRUCT;
        case DUCKDB_TYPE_MAP:
                return COLUMN_MAP;
        default:
                return COLUMN_FLAT;
        }
}

void column_of_type(duckdb_logical_type type, Arena *arena, Column *out) {
        duckdb_type id = duckdb_get_type_id(type);
        const CellRow *row = find_row(id);
        *out = (Column){ .print = row->print, .shape = shape_of(id), .quoted = row->quoted, .scale = row->scale };
        if (id == DUCKDB_TYPE_DECIMAL) {
                out->scale = duckdb_decimal_scale(type);
                out->width = bytes_of(duckdb_decimal_internal_type(type));
        } else if (id == DUCKDB_TYPE_ENUM) {
                out->width = bytes_of(duckdb_enum_internal_type(type));
                out->names = enum_names(type, arena);
        } else if (id == DUCKDB_TYPE_ARRAY) {
                out->width = (int)duckdb_array_type_array_size(type);
        }
        out->child_count = child_count(id, type);
        out->children = ARENA_ARRAY(arena, Column, out->child_count);
        if (id == DUCKDB_TYPE_STRUCT)
                out->names = field_names(type, out->child_count, arena);
        for (size_t i = 0; i < out->child_count; i++) {
                duckdb_logical_type child = child_type(id, type, i);
                const CellRow *child_row = find_row(duckdb_get_type_id(child));
                column_of_type(child, arena, &out->children[i]);
                bool is_key = id == DUCKDB_TYPE_MAP && i == 0;
                if (child_row->in_json && !is_key)
                        out->children[i].print = child_row->in_json;
                duckdb_destroy_logical_type(&child);
        }
}

void column_bind(Column *column, duckdb_vector vector) {
        column->data = duckdb_vector_get_data(vector);
        column->validity = duckdb_vector_get_validity(vector);
        switch (column->shape) {
        case COLUMN_FLAT:
                break;
        case COLUMN_LIST:
                column_bind(column->children, duckdb_list_vector_get_child(vector));
                break;
        case COLUMN_ARRAY:
                column_bind(column->children, duckdb_array_vector_get_child(vector));
                break;
        case COLUMN_MAP: {
                duckdb_vector entries = duckdb_list_vector_get_child(vector);
                column_bind(&column->children[0], duckdb_struct_vector_get_child(entries, 0));
                column_bind(&column->children[1], duckdb_struct_vector_get_child(entries, 1));
                break;
        }
        case COLUMN_STRUCT:
                for (size_t i = 0; i < column->child_count; i++)
                        column_bind(&column->children[i], duckdb_struct_vector_get_child(vector, i));
                break;
        }
}
