/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Single values as bytes, as Iceberg's bounds hold them (spec, appendix D "Binary single-value serialization"),
 * and the column statistics that every writer of data files hands to whoever records them.
 *
 * boolean 0/1; int, date 4 bytes LE; long, time, timestamp(tz) 8 bytes LE (microseconds); float, double IEEE LE;
 * decimal: unscaled two's complement, big-endian, fewest bytes; uuid 16 bytes; text UTF-8; binary raw.
 */
#include "base/buf.h"
#include "base/type.h"

typedef __int128 Int128;

Str value_int32(Arena *arena, int32_t value);
Str value_int64(Arena *arena, int64_t value);
Str value_double(Arena *arena, double value);
Str value_float(Arena *arena, float value);
Str value_decimal(Arena *arena, Int128 unscaled);
bool value_read_int64(Str bytes, int64_t *out);  /* 4 or 8 bytes */
bool value_read_double(Str bytes, double *out);  /* 4 or 8 bytes */
bool value_read_decimal(Str bytes, Int128 *out);
/* Bounds of text: the first 16 code points; an upper bound's last one is raised, never to a surrogate, and the
 * bound is left out (false) when it cannot be. */
Str value_lower_text(Arena *arena, Str text);
bool value_upper_text(Arena *arena, Str text, Str *out);
/* How two bounds of one type compare; both must be well-formed. Binary and text bytewise. */
int value_compare(Type type, Str a, Str b);
/* For people and JSON: 12.50, 2026-11-26, text as it is. */
Str value_print(Arena *arena, Type type, Str bytes);
Str int128_print(Arena *arena, Int128 unscaled, int scale);

typedef struct ColumnStatistics {
        int field_id;
        int64_t values;      /* rows, nulls included (Iceberg's value_counts) */
        int64_t nulls;
        int64_t nans;        /* -1 = unknown */
        int64_t bytes;       /* in the file, compressed; -1 = unknown */
        bool has_lower, has_upper;
        Str lower, upper;    /* single values, already cut for Iceberg */
} ColumnStatistics;

/* What is known of one data file that was just written. */
typedef struct FileStatistics {
        int64_t rows;
        int64_t bytes;
        ColumnStatistics *columns;
        size_t column_count;
        int64_t *split_offsets; /* where each row group begins */
        size_t split_count;
} FileStatistics;

/* For messages between processes; reading copies into the arena and checks every size. */
void file_statistics_write(Buf *out, const FileStatistics *statistics);
Status file_statistics_read(Cursor *cursor, Arena *arena, FileStatistics *out, Error *err);
