/* SPDX-License-Identifier: Apache-2.0 */
#include "base/value.h"

#include "base/hash.h"
#include "base/time.h"

#define BOUND_CODE_POINTS 16
#define US_PER_SECOND 1000000LL

static Str copy(Arena *arena, const void *bytes, size_t size) {
        return arena_str(arena, (Str){ bytes, size });
}

Str value_int32(Arena *arena, int32_t value) {
        uint32_t bits = htole32((uint32_t)value);
        return copy(arena, &bits, sizeof(bits));
}

Str value_int64(Arena *arena, int64_t value) {
        uint64_t bits = htole64((uint64_t)value);
        return copy(arena, &bits, sizeof(bits));
}

Str value_float(Arena *arena, float value) {
        uint32_t bits;
        memcpy(&bits, &value, sizeof(bits));
        return value_int32(arena, (int32_t)bits);
}

Str value_double(Arena *arena, double value) {
        uint64_t bits;
        memcpy(&bits, &value, sizeof(bits));
        return value_int64(arena, (int64_t)bits);
}

Str value_decimal(Arena *arena, Int128 unscaled) {
        uint8_t bytes[16];
        for (int i = 15; i >= 0; i--) {
                bytes[i] = (uint8_t)unscaled;
                unscaled >>= 8;
        }
        size_t skip = 0; /* a leading byte is spare when it only repeats the sign of the next one */
        while (skip < 15 && ((bytes[skip] == 0 && bytes[skip + 1] < 0x80) || (bytes[skip] == 0xFF && bytes[skip + 1] >= 0x80)))
                skip++;
        return copy(arena, bytes + skip, 16 - skip);
}

bool value_read_int64(Str bytes, int64_t *out) {
        Cursor cursor = cursor_of(bytes);
        if (bytes.size == 4)
                *out = (int32_t)cursor_u32(&cursor);
        else if (bytes.size == 8)
                *out = (int64_t)cursor_u64(&cursor);
        else
                return false;
        return true;
}

bool value_read_double(Str bytes, double *out) {
        Cursor cursor = cursor_of(bytes);
        if (bytes.size == 8) {
                *out = cursor_f64(&cursor);
                return true;
        }
        if (bytes.size != 4)
                return false;
        uint32_t bits = cursor_u32(&cursor);
        float value;
        memcpy(&value, &bits, sizeof(value));
        *out = (double)value;
        return true;
}

bool value_read_decimal(Str bytes, Int128 *out) {
        if (bytes.size < 1 || bytes.size > 16)
                return false;
        unsigned __int128 value = (unsigned char)bytes.data[0] >= 0x80 ? ~(unsigned __int128)0 : 0;
        for (size_t i = 0; i < bytes.size; i++)
                value = value << 8 | (unsigned char)bytes.data[i];
        *out = (Int128)value;
        return true;
}

Str value_lower_text(Arena *arena, Str text) {
        return arena_str(arena, str_slice(text, 0, utf8_prefix(text, BOUND_CODE_POINTS)));
}

bool value_upper_text(Arena *arena, Str text, Str *out) {
        size_t size = utf8_prefix(text, BOUND_CODE_POINTS);
        if (size == text.size) {
                *out = arena_str(arena, text);
                return true;
        }
        /* raise the last code point that can be raised, and drop what follows it */
        while (size > 0) {
                size_t start = size - 1;
                while (start > 0 && ((unsigned char)text.data[start] & 0xC0) == 0x80)
                        start--;
                uint32_t code;
                utf8_decode(str_slice(text, 0, size), start, &code);
                if (code < 0x10FFFF) {
                        code = code == 0xD7FF ? 0xE000 : code + 1;
                        char raised[4];
                        size_t raised_size = utf8_encode(code, raised);
                        char *bytes = arena_alloc_raw(arena, start + raised_size + 1);
                        memcpy(bytes, text.data, start);
                        memcpy(bytes + start, raised, raised_size);
                        bytes[start + raised_size] = '\0';
                        *out = (Str){ bytes, start + raised_size };
                        return true;
                }
                size = start;
        }
        return false;
}

static int compare_int64(int64_t a, int64_t b) {
        return (a > b) - (a < b);
}

int value_compare(Type type, Str a, Str b) {
        int64_t x, y;
        double p, q;
        Int128 m, n;
        switch (type.kind) {
        case TYPE_INT:
        case TYPE_BIGINT:
        case TYPE_DATE:
        case TYPE_TIME:
        case TYPE_TIMESTAMP:
        case TYPE_TIMESTAMPTZ:
                if (value_read_int64(a, &x) && value_read_int64(b, &y))
                        return compare_int64(x, y);
                return str_compare(a, b);
        case TYPE_FLOAT:
        case TYPE_DOUBLE:
                if (value_read_double(a, &p) && value_read_double(b, &q))
                        return (p > q) - (p < q);
                return str_compare(a, b);
        case TYPE_DECIMAL:
                if (value_read_decimal(a, &m) && value_read_decimal(b, &n))
                        return (m > n) - (m < n);
                return str_compare(a, b);
        case TYPE_BOOLEAN:
        case TYPE_UUID:
        case TYPE_TEXT:
        case TYPE_BINARY:
        case TYPE_LIST:
        case TYPE_STRUCT:
        case TYPE_MAP:
                break;
        }
        return str_compare(a, b);
}

Str int128_print(Arena *arena, Int128 unscaled, int scale) {
        char text[48];
        size_t at = sizeof(text);
        bool negative = unscaled < 0;
        unsigned __int128 rest = negative ? 0 - (unsigned __int128)unscaled : (unsigned __int128)unscaled;
        int digits = 0;
        do {
                if (digits == scale && scale > 0)
                        text[--at] = '.';
                text[--at] = (char)('0' + (int)(rest % 10));
                rest /= 10;
                digits++;
        } while (rest > 0 || digits <= scale);
        if (negative)
                text[--at] = '-';
        return copy(arena, text + at, sizeof(text) - at);
}

static Str print_time_of_day(Arena *arena, int64_t us) {
        int seconds = (int)(us / US_PER_SECOND), fraction = (int)(us % US_PER_SECOND);
        if (fraction == 0)
                return arena_strf(arena, "%02d:%02d:%02d", seconds / 3600, seconds / 60 % 60, seconds % 60);
        return arena_strf(arena, "%02d:%02d:%02d.%06d", seconds / 3600, seconds / 60 % 60, seconds % 60, fraction);
}

static Str print_double(Arena *arena, double value) {
        char text[40];
        for (int digits = 15; digits <= 17; digits++) {
                snprintf(text, sizeof(text), "%.*g", digits, value);
                if (strtod(text, NULL) == value)
                        break;
        }
        return arena_str(arena, str_of(text));
}

static Str print_uuid(Arena *arena, Str bytes) {
        Str hex = hex_of(arena, bytes);
        if (hex.size != 32)
                return hex;
        const char *h = hex.data;
        return arena_strf(arena, "%.8s-%.4s-%.4s-%.4s-%.12s", h, h + 8, h + 12, h + 16, h + 20);
}

Str value_print(Arena *arena, Type type, Str bytes) {
        int64_t integer = 0;
        double real = 0;
        Int128 decimal = 0;
        switch (type.kind) {
        case TYPE_BOOLEAN:
                return bytes.size && bytes.data[0] ? STR("true") : STR("false");
        case TYPE_INT:
        case TYPE_BIGINT:
                value_read_int64(bytes, &integer);
                return arena_strf(arena, "%lld", (long long)integer);
        case TYPE_FLOAT:
        case TYPE_DOUBLE:
                value_read_double(bytes, &real);
                return print_double(arena, real);
        case TYPE_DECIMAL:
                value_read_decimal(bytes, &decimal);
                return int128_print(arena, decimal, type.scale);
        case TYPE_DATE:
                value_read_int64(bytes, &integer);
                return date_print(arena, (int32_t)integer);
        case TYPE_TIME:
                value_read_int64(bytes, &integer);
                return print_time_of_day(arena, integer);
        case TYPE_TIMESTAMP:
        case TYPE_TIMESTAMPTZ: {
                value_read_int64(bytes, &integer);
                Str text = time_print_us(arena, integer);
                return type.kind == TYPE_TIMESTAMPTZ ? text : str_slice(text, 0, text.size - 1);
        }
        case TYPE_UUID:
                return print_uuid(arena, bytes);
        case TYPE_TEXT:
                return bytes;
        case TYPE_BINARY:
        case TYPE_LIST:
        case TYPE_STRUCT:
        case TYPE_MAP:
                break;
        }
        return hex_of(arena, bytes);
}

/* ---- statistics as a message ---- */

#define COLUMN_BYTES_MIN 45 /* the fixed part of one column's entry */

void file_statistics_write(Buf *out, const FileStatistics *statistics) {
        buf_u64(out, (uint64_t)statistics->rows);
        buf_u64(out, (uint64_t)statistics->bytes);
        buf_u32(out, (uint32_t)statistics->column_count);
        for (size_t i = 0; i < statistics->column_count; i++) {
                const ColumnStatistics *column = &statistics->columns[i];
                buf_u32(out, (uint32_t)column->field_id);
                buf_u64(out, (uint64_t)column->values);
                buf_u64(out, (uint64_t)column->nulls);
                buf_u64(out, (uint64_t)column->nans);
                buf_u64(out, (uint64_t)column->bytes);
                buf_u8(out, (uint8_t)(column->has_lower | column->has_upper << 1));
                buf_lstr(out, column->has_lower ? column->lower : STR_NONE);
                buf_lstr(out, column->has_upper ? column->upper : STR_NONE);
        }
        buf_u32(out, (uint32_t)statistics->split_count);
        for (size_t i = 0; i < statistics->split_count; i++)
                buf_u64(out, (uint64_t)statistics->split_offsets[i]);
}

static bool read_column(Cursor *cursor, Arena *arena, ColumnStatistics *out) {
        out->field_id = (int)cursor_u32(cursor);
        out->values = cursor_tally(cursor);
        out->nulls = cursor_tally(cursor);
        out->nans = (int64_t)cursor_u64(cursor);
        out->bytes = (int64_t)cursor_u64(cursor);
        uint8_t flags = cursor_u8(cursor);
        out->has_lower = flags & 1;
        out->has_upper = flags & 2;
        out->lower = arena_str(arena, cursor_str(cursor));
        out->upper = arena_str(arena, cursor_str(cursor));
        return out->nulls <= out->values && out->nans >= -1 && out->nans <= out->values && out->bytes >= -1 &&
               out->bytes <= CURSOR_TALLY_MAX;
}

Status file_statistics_read(Cursor *cursor, Arena *arena, FileStatistics *out, Error *err) {
        FileStatistics read = { .rows = cursor_tally(cursor) };
        bool sound = true;
        read.bytes = cursor_tally(cursor);
        read.column_count = cursor_count(cursor, COLUMN_BYTES_MIN);
        read.columns = ARENA_ARRAY(arena, ColumnStatistics, read.column_count);
        for (size_t i = 0; i < read.column_count; i++)
                sound &= read_column(cursor, arena, &read.columns[i]);
        read.split_count = cursor_count(cursor, sizeof(uint64_t));
        read.split_offsets = ARENA_ARRAY(arena, int64_t, read.split_count);
        for (size_t i = 0; i < read.split_count; i++)
                read.split_offsets[i] = cursor_tally(cursor);
        if (cursor->failed || !sound)
                return error_set(err, STATUS_CORRUPT, "a message about a data file breaks its format");
        *out = read;
        return STATUS_OK;
}
