/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * ParquetBounds: smallest and largest value of a column chunk, or of several, in the form that fits the column's
 * type, and how they are stored in the file and told to Iceberg. Internal to this room.
 *
 * NaN is never a bound, and a zero bound of floating point is -0.0 below and +0.0 above. Of long texts only the
 * start is kept, enough for the 16 characters that Iceberg wants and to see that there is more.
 */
#include "parquet/writer.h"

#define PARQUET_EXTREME_BYTES 80

/* The start of a text. */
typedef struct ParquetExtreme {
        uint32_t size; /* of what is kept */
        bool is_cut;
        uint64_t prefix; /* its first 8 bytes, big-endian, padded by zeros: compares fast */
        char bytes[PARQUET_EXTREME_BYTES];
} ParquetExtreme;

typedef struct ParquetBounds {
        bool known;      /* false while there was no value that is neither null nor NaN */
        Int128 min, max; /* whole numbers, decimals, times, booleans */
        double min_real, max_real;
        ParquetExtreme min_text, max_text; /* text, binary, UUID */
} ParquetBounds;

/* One bound as the file's statistics hold it. */
typedef struct ParquetBound {
        Str bytes;
        bool is_exact;
} ParquetBound;

/* All values of a column that is stored in a fixed width. Returns how many are NaN. */
int64_t parquet_bounds_of(ParquetBounds *bounds, const ParquetColumn *column);
/* The same of values that lie in an array; there is at least one. */
void parquet_bounds_of_int64s(ParquetBounds *bounds, const int64_t *values, size_t count);
int64_t parquet_bounds_of_doubles(ParquetBounds *bounds, const double *values, size_t count);
/* Widens by a text; its eight bytes from data on can be read whatever its size. */
static inline void parquet_bounds_add_text(ParquetBounds *bounds, const char *data, size_t size);
/* Widens a to hold b too. */
void parquet_bounds_merge(ParquetBounds *a, const ParquetBounds *b);

/* As min_value and max_value; false where there is none. Long text is cut. */
bool parquet_bounds_stored(const ParquetBounds *bounds, Type type, Arena *arena, ParquetBound *min, ParquetBound *max);
/* As Iceberg's lower and upper bounds. */
void parquet_bounds_told(const ParquetBounds *bounds, Type type, Arena *arena, ColumnStatistics *out);
/* Iceberg's bounds of text and binary: at most 16 characters or bytes; false where no upper bound is so short. */
Str parquet_cut_lower(Arena *arena, Type type, Str value);
bool parquet_cut_upper(Arena *arena, Type type, Str value, Str *out);

/* The bytes that a decimal of that precision needs at least. */
int parquet_decimal_length(int precision);
/* Two's complement, big-endian, in so many bytes. */
void parquet_decimal_bytes(Int128 value, int length, uint8_t *out);

void parquet_bounds_widen_text_(ParquetBounds *bounds, const char *data, size_t size, uint64_t prefix);

static inline uint64_t parquet_prefix_(const char *data, size_t size) {
        uint64_t bytes;
        memcpy(&bytes, data, sizeof(bytes));
        bytes = __builtin_bswap64(bytes);
        if (size < sizeof(bytes))
                bytes &= size == 0 ? 0 : ~0ull << (64 - 8 * size);
        return bytes;
}

static inline void parquet_bounds_add_text(ParquetBounds *bounds, const char *data, size_t size) {
        uint64_t prefix = parquet_prefix_(data, size);
        if (__builtin_expect(!bounds->known || prefix <= bounds->min_text.prefix || prefix >= bounds->max_text.prefix,
                             0))
                parquet_bounds_widen_text_(bounds, data, size, prefix);
}
