/* SPDX-License-Identifier: Apache-2.0 */
#include "parquet/bounds.h"

#include <math.h>

#define ICEBERG_CUT 16     /* characters of text, bytes of binary */
#define STORED_TEXT_MAX 64 /* bytes of a text bound in the file that is not cut; under PARQUET_EXTREME_BYTES */

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "Parquet is little-endian, and so are the buffers here");

#define BOUNDS_OF_WHOLE(name, type)                                                        \
        static void name(ParquetBounds *bounds, const uint8_t *values, uint32_t count) {   \
                type min, max;                                                             \
                memcpy(&min, values, sizeof(min));                                         \
                max = min;                                                                 \
                for (uint32_t i = 1; i < count; i++) {                                     \
                        type value;                                                        \
                        memcpy(&value, values + (size_t)i * sizeof(value), sizeof(value)); \
                        min = value < min ? value : min;                                   \
                        max = value > max ? value : max;                                   \
                }                                                                          \
                bounds->min = min;                                                         \
                bounds->max = max;                                                         \
                bounds->known = true;                                                      \
        }

BOUNDS_OF_WHOLE(bounds_of_uint8, uint8_t)
BOUNDS_OF_WHOLE(bounds_of_int32, int32_t)
BOUNDS_OF_WHOLE(bounds_of_int64, int64_t)
BOUNDS_OF_WHOLE(bounds_of_int128, Int128)

/* A comparison with NaN is false, so NaN never becomes a bound. */
#define BOUNDS_OF_REAL(name, type)                                                          \
        static int64_t name(ParquetBounds *bounds, const uint8_t *values, uint32_t count) { \
                type min = (type)INFINITY, max = -(type)INFINITY;                           \
                uint32_t nans = 0;                                                          \
                for (uint32_t i = 0; i < count; i++) {                                      \
                        type value;                                                         \
                        memcpy(&value, values + (size_t)i * sizeof(value), sizeof(value));  \
                        nans += value != value;                                             \
                        min = value < min ? value : min;                                    \
                        max = value > max ? value : max;                                    \
                }                                                                           \
                bounds->known = nans < count;                                               \
                bounds->min_real = min == 0 ? -0.0 : (double)min;                           \
                bounds->max_real = max == 0 ? 0.0 : (double)max;                            \
                return nans;                                                                \
        }

BOUNDS_OF_REAL(bounds_of_float, float)
BOUNDS_OF_REAL(bounds_of_double, double)

static void bounds_of_uuid(ParquetBounds *bounds, const uint8_t *values, uint32_t count) {
        for (uint32_t i = 0; i < count; i++)
                parquet_bounds_add_text(bounds, (const char *)values + (size_t)i * 16, 16);
}

int64_t parquet_bounds_of(ParquetBounds *bounds, const ParquetColumn *column) {
        bounds->known = false;
        if (column->count == 0)
                return 0;
        if (column->kind == TYPE_FLOAT)
                return bounds_of_float(bounds, column->values, column->count);
        if (column->kind == TYPE_DOUBLE)
                return bounds_of_double(bounds, column->values, column->count);

        if (column->kind == TYPE_UUID)
                bounds_of_uuid(bounds, column->values, column->count);
        else if (column->width == 1)
                bounds_of_uint8(bounds, column->values, column->count);
        else if (column->width == 4)
                bounds_of_int32(bounds, column->values, column->count);
        else if (column->width == 8)
                bounds_of_int64(bounds, column->values, column->count);
        else
                bounds_of_int128(bounds, column->values, column->count);
        return 0;
}

void parquet_bounds_of_int64s(ParquetBounds *bounds, const int64_t *values, size_t count) {
        bounds_of_int64(bounds, (const uint8_t *)values, (uint32_t)count);
}

int64_t parquet_bounds_of_doubles(ParquetBounds *bounds, const double *values, size_t count) {
        return bounds_of_double(bounds, (const uint8_t *)values, (uint32_t)count);
}

static int compare_with_extreme(const char *data, size_t size, const ParquetExtreme *extreme) {
        size_t shared = size < extreme->size ? size : extreme->size;
        int order = shared > 0 ? memcmp(data, extreme->bytes, shared) : 0;
        if (order != 0 || size == extreme->size)
                return order;
        if (size < extreme->size)
                return -1;
        return extreme->is_cut ? 0 : 1; /* beyond what is kept they count as equal */
}

static void keep_extreme(ParquetExtreme *extreme, const char *data, size_t size, uint64_t prefix) {
        extreme->is_cut = size > PARQUET_EXTREME_BYTES;
        extreme->size = extreme->is_cut ? PARQUET_EXTREME_BYTES : (uint32_t)size;
        extreme->prefix = prefix;
        if (size > 0)
                memcpy(extreme->bytes, data, extreme->size);
}

void parquet_bounds_widen_text_(ParquetBounds *bounds, const char *data, size_t size, uint64_t prefix) {
        if (!bounds->known || compare_with_extreme(data, size, &bounds->min_text) < 0)
                keep_extreme(&bounds->min_text, data, size, prefix);
        if (!bounds->known || compare_with_extreme(data, size, &bounds->max_text) > 0)
                keep_extreme(&bounds->max_text, data, size, prefix);
        bounds->known = true;
}

void parquet_bounds_merge(ParquetBounds *a, const ParquetBounds *b) {
        if (!b->known)
                return;
        if (!a->known) {
                *a = *b;
                return;
        }
        a->min = b->min < a->min ? b->min : a->min;
        a->max = b->max > a->max ? b->max : a->max;
        a->min_real = b->min_real < a->min_real ? b->min_real : a->min_real;
        a->max_real = b->max_real > a->max_real ? b->max_real : a->max_real;
        if (compare_with_extreme(b->min_text.bytes, b->min_text.size, &a->min_text) < 0)
                a->min_text = b->min_text;
        if (compare_with_extreme(b->max_text.bytes, b->max_text.size, &a->max_text) > 0)
                a->max_text = b->max_text;
}

int parquet_decimal_length(int precision) {
        int length = 1;
        Int128 limit = 127, digits = 1;
        for (int i = 0; i < precision; i++)
                digits *= 10;
        for (; limit < digits - 1; length++)
                limit = limit << 8 | 255;
        return length;
}

void parquet_decimal_bytes(Int128 value, int length, uint8_t *out) {
        for (int i = length - 1; i >= 0; i--, value >>= 8)
                out[i] = (uint8_t)value;
}

static Str stored_value(Int128 whole, double real, Type type, Arena *arena) {
        switch (type.kind) {
        case TYPE_BOOLEAN:
                return arena_str(arena, (Str){ whole ? "\1" : "\0", 1 });
        case TYPE_FLOAT:
                return value_float(arena, (float)real);
        case TYPE_DOUBLE:
                return value_double(arena, real);
        case TYPE_INT:
        case TYPE_DATE:
                return value_int32(arena, (int32_t)whole);
        case TYPE_DECIMAL:
                if (type.precision <= 9)
                        return value_int32(arena, (int32_t)whole);
                if (type.precision > 18) {
                        int length = parquet_decimal_length(type.precision);
                        uint8_t *bytes = arena_alloc(arena, (size_t)length);
                        parquet_decimal_bytes(whole, length, bytes);
                        return (Str){ (char *)bytes, (size_t)length };
                }
                return value_int64(arena, (int64_t)whole);
        default:
                return value_int64(arena, (int64_t)whole);
        }
}

static Str extreme_text(const ParquetExtreme *extreme) {
        return (Str){ extreme->bytes, extreme->size };
}

static bool is_text(TypeKind kind) {
        return kind == TYPE_TEXT || kind == TYPE_BINARY || kind == TYPE_UUID;
}

static bool stored_text(const ParquetBounds *bounds, Type type, Arena *arena, ParquetBound *min, ParquetBound *max) {
        Str low = extreme_text(&bounds->min_text), high = extreme_text(&bounds->max_text);
        *min = (ParquetBound){ arena_str(arena, low), true };
        *max = (ParquetBound){ arena_str(arena, high), true };
        if (low.size > STORED_TEXT_MAX)
                *min = (ParquetBound){ parquet_cut_lower(arena, type, low), false };
        if (high.size > STORED_TEXT_MAX) {
                max->is_exact = false;
                return parquet_cut_upper(arena, type, high, &max->bytes);
        }
        return true;
}

bool parquet_bounds_stored(const ParquetBounds *bounds, Type type, Arena *arena, ParquetBound *min, ParquetBound *max) {
        if (!bounds->known)
                return false;
        if (is_text(type.kind))
                return stored_text(bounds, type, arena, min, max);
        *min = (ParquetBound){ stored_value(bounds->min, bounds->min_real, type, arena), true };
        *max = (ParquetBound){ stored_value(bounds->max, bounds->max_real, type, arena), true };
        return true;
}

Str parquet_cut_lower(Arena *arena, Type type, Str value) {
        if (type.kind == TYPE_TEXT)
                return value_lower_text(arena, value);
        return arena_str(arena, str_slice(value, 0, ICEBERG_CUT));
}

bool parquet_cut_upper(Arena *arena, Type type, Str value, Str *out) {
        if (type.kind == TYPE_TEXT)
                return value_upper_text(arena, value, out);

        Str cut = arena_str(arena, str_slice(value, 0, ICEBERG_CUT));
        if (value.size > ICEBERG_CUT) {
                while (cut.size > 0 && (uint8_t)cut.data[cut.size - 1] == 0xff)
                        cut.size--;
                if (cut.size == 0)
                        return false;
                char *last = arena_cstr(arena, cut);
                last[cut.size - 1]++;
                cut.data = last;
        }
        *out = cut;
        return true;
}

void parquet_bounds_told(const ParquetBounds *bounds, Type type, Arena *arena, ColumnStatistics *out) {
        if (!bounds->known)
                return;
        out->has_lower = true;
        out->has_upper = true;
        if (type.kind == TYPE_TEXT || type.kind == TYPE_BINARY) {
                out->lower = parquet_cut_lower(arena, type, extreme_text(&bounds->min_text));
                out->has_upper = parquet_cut_upper(arena, type, extreme_text(&bounds->max_text), &out->upper);
        } else if (type.kind == TYPE_UUID) {
                out->lower = arena_str(arena, extreme_text(&bounds->min_text));
                out->upper = arena_str(arena, extreme_text(&bounds->max_text));
        } else if (type.kind == TYPE_DECIMAL) {
                out->lower = value_decimal(arena, bounds->min);
                out->upper = value_decimal(arena, bounds->max);
        } else {
                out->lower = stored_value(bounds->min, bounds->min_real, type, arena);
                out->upper = stored_value(bounds->max, bounds->max_real, type, arena);
        }
}
