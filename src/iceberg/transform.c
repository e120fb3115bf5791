/* SPDX-License-Identifier: Apache-2.0 */
#include "iceberg/transform.h"

#include "base/time.h"

#define MICROSECONDS_PER_HOUR INT64_C(3600000000)
#define MICROSECONDS_PER_DAY (24 * MICROSECONDS_PER_HOUR)

/* ---- names ---- */

static const struct {
        const char *name;
        TransformKind kind;
} names[] = {
        { "identity", TRANSFORM_IDENTITY }, { "year", TRANSFORM_YEAR }, { "month", TRANSFORM_MONTH },
        { "day", TRANSFORM_DAY },           { "hour", TRANSFORM_HOUR }, { "void", TRANSFORM_VOID },
};

/* "bucket[16]": the number, or -1. */
static int bracketed(Str text, const char *name) {
        Str head = str_of(name);
        if (!str_starts_with(text, head) || !str_ends_with(text, STR("]")) || text.size < head.size + 3 ||
            text.data[head.size] != '[')
                return -1;
        int64_t width;
        if (!str_to_int64(str_slice(text, head.size + 1, text.size - 1), &width) || width < 1 || width > INT32_MAX)
                return -1;
        return (int)width;
}

Transform transform_parse(Str text) {
        for (size_t i = 0; i < COUNT_OF(names); i++)
                if (str_is(text, names[i].name))
                        return (Transform){ .kind = names[i].kind };
        int width = bracketed(text, "bucket");
        if (width > 0)
                return (Transform){ .kind = TRANSFORM_BUCKET, .width = width };
        width = bracketed(text, "truncate");
        if (width > 0)
                return (Transform){ .kind = TRANSFORM_TRUNCATE, .width = width };
        return (Transform){ .kind = TRANSFORM_UNKNOWN, .text = text };
}

Str transform_print(Arena *arena, Transform transform) {
        for (size_t i = 0; i < COUNT_OF(names); i++)
                if (transform.kind == names[i].kind)
                        return str_of(names[i].name);
        if (transform.kind == TRANSFORM_BUCKET)
                return arena_strf(arena, "bucket[%d]", transform.width);
        if (transform.kind == TRANSFORM_TRUNCATE)
                return arena_strf(arena, "truncate[%d]", transform.width);
        return arena_str(arena, transform.text);
}

/* ---- hash ---- */

static uint32_t rotate(uint32_t x, int by) {
        return x << by | x >> (32 - by);
}

static uint32_t murmur3_mix(uint32_t k) {
        return rotate(k * 0xcc9e2d51u, 15) * 0x1b873593u;
}

uint32_t murmur3_32(Str bytes) {
        const uint8_t *data = (const uint8_t *)bytes.data;
        uint32_t hash = 0;
        size_t at = 0;
        for (; at + 4 <= bytes.size; at += 4) {
                uint32_t k = (uint32_t)data[at] | (uint32_t)data[at + 1] << 8 | (uint32_t)data[at + 2] << 16 |
                             (uint32_t)data[at + 3] << 24;
                hash = rotate(hash ^ murmur3_mix(k), 13) * 5 + 0xe6546b64u;
        }
        uint32_t tail = 0;
        for (size_t i = bytes.size; i > at; i--)
                tail = tail << 8 | data[i - 1];
        hash ^= murmur3_mix(tail);
        hash ^= (uint32_t)bytes.size;
        hash = (hash ^ hash >> 16) * 0x85ebca6bu;
        hash = (hash ^ hash >> 13) * 0xc2b2ae35u;
        return hash ^ hash >> 16;
}

static int32_t hash_int64(int64_t value) {
        char bytes[8];
        for (int i = 0; i < 8; i++)
                bytes[i] = (char)((uint64_t)value >> (8 * i));
        return (int32_t)murmur3_32((Str){ bytes, sizeof(bytes) });
}

bool transform_hash(Type type, Str value, int32_t *out) {
        int64_t number;
        switch (type.kind) {
        case TYPE_INT:
        case TYPE_DATE: /* as a long of 8 bytes, although the specification says hashInt */
        case TYPE_BIGINT:
        case TYPE_TIME:
        case TYPE_TIMESTAMP:
        case TYPE_TIMESTAMPTZ:
                if (!value_read_int64(value, &number))
                        return false;
                *out = hash_int64(number);
                return true;
        case TYPE_DECIMAL: /* the single value is already the fewest bytes, big-endian */
        case TYPE_UUID:
        case TYPE_TEXT:
        case TYPE_BINARY:
                *out = (int32_t)murmur3_32(value);
                return true;
        case TYPE_BOOLEAN:
        case TYPE_FLOAT:
        case TYPE_DOUBLE:
        case TYPE_LIST:
        case TYPE_STRUCT:
        case TYPE_MAP:
                return false;
        }
        return false;
}

/* ---- application ---- */

bool transform_takes(Transform transform, TypeKind source) {
        bool is_instant = source == TYPE_TIMESTAMP || source == TYPE_TIMESTAMPTZ;
        bool is_nested = source == TYPE_LIST || source == TYPE_STRUCT || source == TYPE_MAP;
        switch (transform.kind) {
        case TRANSFORM_IDENTITY:
                return !is_nested;
        case TRANSFORM_BUCKET:
                return !is_nested && source != TYPE_BOOLEAN && source != TYPE_FLOAT && source != TYPE_DOUBLE;
        case TRANSFORM_TRUNCATE:
                return source == TYPE_INT || source == TYPE_BIGINT || source == TYPE_DECIMAL || source == TYPE_TEXT ||
                       source == TYPE_BINARY;
        case TRANSFORM_YEAR:
        case TRANSFORM_MONTH:
        case TRANSFORM_DAY:
                return source == TYPE_DATE || is_instant;
        case TRANSFORM_HOUR:
                return is_instant;
        case TRANSFORM_VOID:
        case TRANSFORM_UNKNOWN:
                return true;
        }
        return false;
}

Type transform_result(Transform transform, Type source) {
        switch (transform.kind) {
        case TRANSFORM_BUCKET:
        case TRANSFORM_YEAR:
        case TRANSFORM_MONTH:
        case TRANSFORM_HOUR:
                return (Type){ .kind = TYPE_INT };
        case TRANSFORM_DAY:
                return (Type){ .kind = TYPE_DATE };
        case TRANSFORM_IDENTITY:
        case TRANSFORM_TRUNCATE:
        case TRANSFORM_VOID:
        case TRANSFORM_UNKNOWN:
                return source;
        }
        return source;
}

static int64_t floor_divide(int64_t a, int64_t b) {
        int64_t quotient = a / b;
        return a % b < 0 ? quotient - 1 : quotient;
}

static bool truncate_integer(Type source, int64_t width, Str value, Arena *arena, Str *out) {
        int64_t number, truncated;
        if (!value_read_int64(value, &number))
                return false;
        int64_t rest = ((number % width) + width) % width;
        if (__builtin_sub_overflow(number, rest, &truncated))
                return false;
        if (source.kind == TYPE_INT && truncated < INT32_MIN)
                return false;
        *out = source.kind == TYPE_INT ? value_int32(arena, (int32_t)truncated) : value_int64(arena, truncated);
        return true;
}

static bool truncate_value(Type source, int width, Str value, Arena *arena, Str *out) {
        if (source.kind == TYPE_INT || source.kind == TYPE_BIGINT)
                return truncate_integer(source, width, value, arena, out);
        if (source.kind == TYPE_DECIMAL) {
                Int128 unscaled;
                if (!value_read_decimal(value, &unscaled))
                        return false;
                *out = value_decimal(arena, unscaled - ((unscaled % width) + width) % width);
                return true;
        }
        if (source.kind == TYPE_TEXT) {
                *out = str_slice(value, 0, utf8_prefix(value, (size_t)width));
                return true;
        }
        *out = str_slice(value, 0, (size_t)width);
        return true;
}

/* Whole years, months or days since 1970, rounded down; hours of an instant. */
static bool apply_time(TransformKind kind, Type source, Str value, Arena *arena, Str *out) {
        int64_t number;
        if (!value_read_int64(value, &number))
                return false;
        if (kind == TRANSFORM_HOUR) {
                int64_t hours = floor_divide(number, MICROSECONDS_PER_HOUR);
                if (hours != (int32_t)hours)
                        return false;
                *out = value_int32(arena, (int32_t)hours);
                return true;
        }
        int64_t days = source.kind == TYPE_DATE ? number : floor_divide(number, MICROSECONDS_PER_DAY);
        int year, month, day;
        civil_from_days((int32_t)days, &year, &month, &day);
        int32_t result = kind == TRANSFORM_YEAR    ? year - 1970
                         : kind == TRANSFORM_MONTH ? (year - 1970) * 12 + month - 1
                                                   : (int32_t)days;
        *out = value_int32(arena, result);
        return true;
}

bool transform_apply(Transform transform, Type source, Str value, Arena *arena, Str *out) {
        if (!transform_takes(transform, source.kind))
                return false;
        int32_t hash;
        switch (transform.kind) {
        case TRANSFORM_IDENTITY:
                *out = value;
                return true;
        case TRANSFORM_BUCKET:
                if (!transform_hash(source, value, &hash))
                        return false;
                *out = value_int32(arena, (hash & INT32_MAX) % transform.width);
                return true;
        case TRANSFORM_TRUNCATE:
                return truncate_value(source, transform.width, value, arena, out);
        case TRANSFORM_YEAR:
        case TRANSFORM_MONTH:
        case TRANSFORM_DAY:
        case TRANSFORM_HOUR:
                return apply_time(transform.kind, source, value, arena, out);
        case TRANSFORM_VOID:
        case TRANSFORM_UNKNOWN:
                return false;
        }
        return false;
}

bool transform_keeps_order(Transform transform) {
        return transform.kind != TRANSFORM_BUCKET && transform.kind != TRANSFORM_VOID &&
               transform.kind != TRANSFORM_UNKNOWN;
}
