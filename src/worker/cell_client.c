/* SPDX-License-Identifier: Apache-2.0 */
/* Values as a PostgreSQL client wants them: the binary formats, and arrays in both (PostgreSQL's *send functions). */
#include "engine/client_type.h"
#include "worker/cell.h"
#include "worker/engine.h"

#define EPOCH_DAYS 10957                 /* from 1970-01-01 to 2000-01-01 */
#define EPOCH_MICROS 946684800000000LL   /* the same */
#define GROUP 10000u                     /* numeric's digits have this base */
#define GROUPS_MAX 12                    /* of a 128-bit integer with a scale */
#define NUMERIC_NEGATIVE 0x4000

/* ---- numbers ---- */

#define SEND_INTEGER(name, type, wide, append)                        \
        static void name(Buf *out, const Column *column, idx_t row) { \
                append(out, (wide)((const type *)column->data)[row]); \
        }
SEND_INTEGER(send_int8, int8_t, uint16_t, buf_be16)
SEND_INTEGER(send_uint8, uint8_t, uint16_t, buf_be16)
SEND_INTEGER(send_int16, int16_t, uint16_t, buf_be16)
SEND_INTEGER(send_uint16, uint16_t, uint32_t, buf_be32)
SEND_INTEGER(send_int32, int32_t, uint32_t, buf_be32)
SEND_INTEGER(send_uint32, uint32_t, uint64_t, buf_be64)
SEND_INTEGER(send_int64, int64_t, uint64_t, buf_be64)
SEND_INTEGER(send_oid, int64_t, uint32_t, buf_be32)
SEND_INTEGER(send_bits32, uint32_t, uint32_t, buf_be32) /* float */
SEND_INTEGER(send_bits64, uint64_t, uint64_t, buf_be64) /* double */
SEND_INTEGER(send_boolean, uint8_t, uint8_t, buf_u8)

/* Groups of four decimal digits, aligned on the point, least significant first; at most GROUPS_MAX. */
static int split_groups(unsigned __int128 magnitude, int scale, uint16_t *groups) {
        static const uint16_t powers[] = { 1, 10, 100, 1000 };
        int count = 0, odd = scale % 4;
        if (odd) {
                groups[count++] = (uint16_t)((uint16_t)(magnitude % powers[odd]) * powers[4 - odd]);
                magnitude /= powers[odd];
        }
        for (; magnitude > UINT64_MAX; magnitude /= GROUP)
                groups[count++] = (uint16_t)(magnitude % GROUP);
        for (uint64_t rest = (uint64_t)magnitude; rest > 0; rest /= GROUP)
                groups[count++] = (uint16_t)(rest % GROUP);
        return count;
}

/* Int16 digits, weight of the first, sign, digits shown behind the point; then the groups. */
static void send_numeric(Buf *out, bool negative, unsigned __int128 magnitude, int scale) {
        uint16_t groups[GROUPS_MAX];
        int count = split_groups(magnitude, scale, groups), from = 0;
        int weight = count - (scale + 3) / 4 - 1;
        while (count > 0 && groups[count - 1] == 0) { /* leading */
                count--;
                weight--;
        }
        while (from < count && groups[from] == 0) /* trailing */
                from++;
        buf_be16(out, (uint16_t)(count - from));
        buf_be16(out, count > from ? (uint16_t)(int16_t)weight : 0);
        buf_be16(out, negative && count > from ? NUMERIC_NEGATIVE : 0);
        buf_be16(out, (uint16_t)scale);
        for (int i = count; i > from; i--)
                buf_be16(out, groups[i - 1]);
}

static void send_signed(Buf *out, __int128 value, int scale) {
        send_numeric(out, value < 0, value < 0 ? 0 - (unsigned __int128)value : (unsigned __int128)value, scale);
}

static __int128 wide_of(const Column *column, idx_t row) {
        duckdb_hugeint value = ((const duckdb_hugeint *)column->data)[row];
        return (__int128)((unsigned __int128)(uint64_t)value.upper << 64 | value.lower);
}

static void send_decimal(Buf *out, const Column *column, idx_t row) {
        switch (column->width) {
        case 2:
                send_signed(out, ((const int16_t *)column->data)[row], column->scale);
                break;
        case 4:
                send_signed(out, ((const int32_t *)column->data)[row], column->scale);
                break;
        case 8:
                send_signed(out, ((const int64_t *)column->data)[row], column->scale);
                break;
        default:
                send_signed(out, wide_of(column, row), column->scale);
        }
}

static void send_uint64(Buf *out, const Column *column, idx_t row) {
        send_numeric(out, false, ((const uint64_t *)column->data)[row], 0);
}

static void send_hugeint(Buf *out, const Column *column, idx_t row) {
        send_signed(out, wide_of(column, row), 0);
}

static void send_uhugeint(Buf *out, const Column *column, idx_t row) {
        send_numeric(out, false, (unsigned __int128)wide_of(column, row), 0);
}

/* ---- dates and times: counted from 2000-01-01; the engine's infinities are the largest number and its negative ---- */

static void send_date(Buf *out, const Column *column, idx_t row) {
        int32_t days = ((const int32_t *)column->data)[row];
        if (days == INT32_MAX || days == -INT32_MAX)
                buf_be32(out, days > 0 ? INT32_MAX : (uint32_t)INT32_MIN);
        else
                buf_be32(out, (uint32_t)(days - EPOCH_DAYS));
}

/* From units of 10^-scale seconds. What microseconds cannot count is infinite. */
static void send_timestamp(Buf *out, const Column *column, idx_t row) {
        static const int64_t factors[] = { [0] = 1000000, [3] = 1000, [6] = 1, [9] = 1 };
        int64_t value = ((const int64_t *)column->data)[row], micros;
        if (value == INT64_MAX || value == -INT64_MAX) {
                buf_be64(out, value > 0 ? INT64_MAX : (uint64_t)INT64_MIN);
                return;
        }
        if (column->scale == 9)
                value = value / 1000 - (value % 1000 < 0);
        if (__builtin_mul_overflow(value, factors[column->scale], &micros) || __builtin_sub_overflow(micros, EPOCH_MICROS, &micros))
                micros = value > 0 ? INT64_MAX : INT64_MIN;
        buf_be64(out, (uint64_t)micros);
}

/* Microseconds, and seconds west of Greenwich. */
static void send_timetz(Buf *out, const Column *column, idx_t row) {
        uint64_t bits = ((const uint64_t *)column->data)[row];
        buf_be64(out, bits >> 24);
        buf_be32(out, (uint32_t)((int32_t)(bits & 0xffffff) - 57599));
}

static void send_interval(Buf *out, const Column *column, idx_t row) {
        duckdb_interval value = ((const duckdb_interval *)column->data)[row];
        buf_be64(out, (uint64_t)value.micros);
        buf_be32(out, (uint32_t)value.days);
        buf_be32(out, (uint32_t)value.months);
}

/* ---- bytes ---- */

static void send_string(Buf *out, const Column *column, idx_t row) {
        buf_append(out, cell_string(column, row));
}

/* The engine flips the top bit (worker/cell.c). */
static void send_uuid(Buf *out, const Column *column, idx_t row) {
        duckdb_hugeint value = ((const duckdb_hugeint *)column->data)[row];
        buf_be64(out, (uint64_t)value.upper ^ 1ull << 63);
        buf_be64(out, value.lower);
}

/* Int32 bits, then they from the left. The engine pads in front: a byte says by how many bits, and they are set. */
static void send_bits(Buf *out, const Column *column, idx_t row) {
        Str bits = cell_string(column, row);
        size_t padding = bits.size > 0 ? (size_t)(bits.data[0] & 7) : 0;
        size_t count = bits.size > 1 ? (bits.size - 1) * 8 - padding : 0;
        buf_be32(out, (uint32_t)count);
        for (size_t i = 0; i < (count + 7) / 8; i++) {
                uint32_t two = (uint32_t)(uint8_t)bits.data[1 + i] << 8 | (i + 2 < bits.size ? (uint8_t)bits.data[2 + i] : 0);
                uint8_t byte = (uint8_t)(two << padding >> 8);
                size_t left = count - i * 8;
                buf_u8(out, left < 8 ? (uint8_t)(byte & 0xff00u >> left) : byte);
        }
}

/* ---- arrays of one dimension ---- */

static idx_t elements_of(const Column *column, idx_t row, idx_t *out_from) {
        if (column->shape == COLUMN_ARRAY) {
                *out_from = row * (idx_t)column->width;
                return (idx_t)column->width;
        }
        duckdb_list_entry entry = ((const duckdb_list_entry *)column->data)[row];
        *out_from = entry.offset;
        return entry.length;
}

static bool has_null(const Column *child, idx_t from, idx_t count) {
        for (idx_t i = 0; i < count; i++)
                if (cell_is_null(child, from + i))
                        return true;
        return false;
}

/* Int32 dimensions, whether there are NULLs, element OID; for the one dimension length and lower bound; the values. */
static void send_elements(Buf *out, const Column *column, idx_t row, bool vector) {
        const Column *child = column->children;
        idx_t from, count = elements_of(column, row, &from);
        buf_be32(out, count > 0 || vector);
        buf_be32(out, has_null(child, from, count));
        buf_be32(out, column->element);
        if (count == 0 && !vector)
                return;
        buf_be32(out, (uint32_t)count);
        buf_be32(out, !vector);
        for (idx_t i = 0; i < count && !out->failed; i++) {
                buf_be32(out, UINT32_MAX);
                if (cell_is_null(child, from + i))
                        continue;
                size_t at = out->size;
                child->print(out, child, from + i);
                buf_patch_be32(out, at - 4, (uint32_t)(out->size - at));
        }
}

static void send_array(Buf *out, const Column *column, idx_t row) {
        send_elements(out, column, row, false);
}

/* int2vector and oidvector: of one dimension also where they are empty, and counted from 0. */
static void send_vector(Buf *out, const Column *column, idx_t row) {
        send_elements(out, column, row, true);
}

static void print_vector(Buf *out, const Column *column, idx_t row) {
        const Column *child = column->children;
        idx_t from, count = elements_of(column, row, &from);
        for (idx_t i = 0; i < count && !out->failed; i++) {
                buf_append_cstr(out, i ? " " : "");
                child->print(out, child, from + i);
        }
}

static bool needs_quotes(Str text) {
        if (text.size == 0 || str_equal_nocase(text, STR("null")))
                return true;
        for (size_t i = 0; i < text.size; i++)
                if (text.data[i] == 0 || char_is_one_of(text.data[i], "{},\"\\ \t\n\r\v\f"))
                        return true;
        return false;
}

static void append_element(Buf *out, Str text) {
        if (!needs_quotes(text)) {
                buf_append(out, text);
                return;
        }
        buf_append_byte(out, '"');
        for (size_t i = 0; i < text.size; i++) {
                if (text.data[i] == '"' || text.data[i] == '\\')
                        buf_append_byte(out, '\\');
                buf_append_byte(out, text.data[i]);
        }
        buf_append_byte(out, '"');
}

static void print_array(Buf *out, const Column *column, idx_t row) {
        const Column *child = column->children;
        CLEANUP(buf_deinit) Buf text = { .limit = out->limit };
        idx_t from, count = elements_of(column, row, &from);
        buf_append_byte(out, '{');
        for (idx_t i = 0; i < count && !out->failed; i++) {
                buf_append_cstr(out, i ? "," : "");
                if (cell_is_null(child, from + i)) {
                        buf_append_cstr(out, "NULL");
                        continue;
                }
                buf_clear(&text);
                child->print(&text, child, from + i);
                append_element(out, buf_view(&text));
        }
        buf_append_byte(out, '}');
}

/* ---- which writer for which type ---- */

static const struct {
        duckdb_type id;
        CellPrinter send;
} SENDERS[] = {
        { DUCKDB_TYPE_BOOLEAN, send_boolean },      { DUCKDB_TYPE_TINYINT, send_int8 },
        { DUCKDB_TYPE_SMALLINT, send_int16 },       { DUCKDB_TYPE_INTEGER, send_int32 },
        { DUCKDB_TYPE_BIGINT, send_int64 },         { DUCKDB_TYPE_UTINYINT, send_uint8 },
        { DUCKDB_TYPE_USMALLINT, send_uint16 },     { DUCKDB_TYPE_UINTEGER, send_uint32 },
        { DUCKDB_TYPE_UBIGINT, send_uint64 },       { DUCKDB_TYPE_HUGEINT, send_hugeint },
        { DUCKDB_TYPE_UHUGEINT, send_uhugeint },    { DUCKDB_TYPE_DECIMAL, send_decimal },
        { DUCKDB_TYPE_FLOAT, send_bits32 },         { DUCKDB_TYPE_DOUBLE, send_bits64 },
        { DUCKDB_TYPE_DATE, send_date },            { DUCKDB_TYPE_TIME, send_int64 },
        { DUCKDB_TYPE_TIME_TZ, send_timetz },       { DUCKDB_TYPE_TIMESTAMP, send_timestamp },
        { DUCKDB_TYPE_TIMESTAMP_S, send_timestamp }, { DUCKDB_TYPE_TIMESTAMP_MS, send_timestamp },
        { DUCKDB_TYPE_TIMESTAMP_NS, send_timestamp }, { DUCKDB_TYPE_TIMESTAMP_TZ, send_timestamp },
        { DUCKDB_TYPE_INTERVAL, send_interval },    { DUCKDB_TYPE_UUID, send_uuid },
        { DUCKDB_TYPE_VARCHAR, send_string },       { DUCKDB_TYPE_BLOB, send_string },
        { DUCKDB_TYPE_BIT, send_bits },
};

/* NULL: its text is its binary form (enums, JSON). */
static CellPrinter sender_of(duckdb_type id) {
        for (size_t i = 0; i < COUNT_OF(SENDERS); i++)
                if (SENDERS[i].id == id)
                        return SENDERS[i].send;
        return NULL;
}

/* An alias of BIGINT that clients take for 32 bits. */
static bool is_oid(duckdb_logical_type type, Arena *arena) {
        uint32_t oid = client_type_of(engine_type_name(type, arena)).oid;
        return oid == OID_OID || oid == OID_REGPROC;
}

static void flat_for_client(Column *column, duckdb_logical_type type, uint16_t format, Arena *arena) {
        duckdb_type id = duckdb_get_type_id(type);
        CellPrinter send = format == 1 ? sender_of(id) : NULL;
        if (send)
                column->print = send == send_int64 && is_oid(type, arena) ? send_oid : send;
}

void column_for_client(Column *column, duckdb_logical_type type, uint16_t format, Arena *arena) {
        if (column->shape == COLUMN_FLAT) {
                flat_for_client(column, type, format, arena);
                return;
        }
        uint32_t oid = client_type_of(engine_type_name(type, arena)).oid, vector = client_type_vector(oid);
        column->element = vector ? vector : client_type_element(oid);
        if (column->element == 0)
                return; /* JSON, in either format */
        CLEANUP(engine_type_deinit)
        duckdb_logical_type child =
                column->shape == COLUMN_LIST ? duckdb_list_type_child_type(type) : duckdb_array_type_child_type(type);
        column_of_type(child, arena, column->children); /* not as in JSON */
        flat_for_client(column->children, child, format, arena);
        if (vector == OID_OID && format == 1)
                column->children->print = send_oid;
        column->print = vector ? (format == 1 ? send_vector : print_vector) : format == 1 ? send_array : print_array;
}
