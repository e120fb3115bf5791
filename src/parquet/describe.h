/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the footer says of a file being written: how each type is stored, and the Thrift that says so. Internal to
 * this room.
 */
#include "parquet/encode.h"
#include "parquet/footer.h"

/* What a leaf is in the file, and what is known of it so far. */
typedef struct ParquetColumnInfo {
        const Str *path; /* names from the column down */
        size_t path_count;
        Type type;
        int field_id;
        ParquetPhysical physical;
        int fixed_length;           /* of PARQUET_FIXED, else 0 */
        int converted;              /* the older annotation */
        bool is_required;           /* its pages have no levels */
        bool has_bounds;            /* the footer tells smallest and largest */
        int64_t values, nulls, nans, bytes; /* of the row groups written */
        ParquetBounds bounds;
        ParquetChunkMemory memory;
        ParquetEncoded encoded; /* the newest chunk */
} ParquetColumnInfo;

/* Forgets all but the memory of encoded. */
void parquet_column_info_start(ParquetColumnInfo *info, Type type, int field_id, const Str *path, size_t path_count);
/* One leaf of the columns: its type, id and path in the arena, and how many levels there are above its values. */
typedef struct ParquetLeaf {
        Type type;
        int field_id;
        Str *path;
        size_t path_count;
        unsigned definition_max, repetition_max;
        bool is_flat; /* the column itself */
} ParquetLeaf;

/* The leaves of all columns in order; firsts gets the first of each column. */
size_t parquet_leaves(const ParquetColumnSpec *columns, size_t count, Arena *arena, ParquetLeaf **out, uint32_t *firsts);
/* Bytes that a value takes in a ParquetColumn; 0 for text and binary. */
uint8_t parquet_width_of(Type type);

/* The newest chunk: its pages, `size` bytes from offset on. Scratch lies in the arena. */
void parquet_describe_chunk(Buf *out, const ParquetColumnInfo *info, int64_t offset, int64_t size, Arena *scratch);
/* Adds the newest chunk to what is known of the column. */
void parquet_column_info_count(ParquetColumnInfo *info, int64_t size);

typedef struct ParquetGroupInfo {
        int64_t rows, start;      /* where its first page is */
        int64_t stored, unpacked; /* bytes of all its chunks */
} ParquetGroupInfo;

/* One row group. chunks: what parquet_describe_chunk() wrote of each of its columns. */
void parquet_describe_group(Buf *out, const ParquetGroupInfo *group, Str chunks, size_t column_count, size_t ordinal);
/* What is known of the whole columns; rows, bytes and splits are the caller's. */
void parquet_tell_columns(const ParquetColumnInfo *columns, size_t column_count, Arena *arena, FileStatistics *out);
/* All that follows the last row group: footer, its length, magic. groups: what parquet_describe_group() wrote. */
void parquet_describe_file(Buf *out, const ParquetColumnSpec *specs, size_t spec_count, const ParquetColumnInfo *columns,
                           size_t column_count, int64_t rows, Str groups, size_t group_count, const ParquetPair *metadata, size_t metadata_count);
