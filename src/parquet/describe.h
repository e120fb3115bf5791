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

/* One row group, whose chunks lie one after the other from start on. Scratch lies in the arena. */
void parquet_describe_group(Buf *out, const ParquetColumnInfo *columns, size_t column_count, int64_t start,
                            size_t ordinal, Arena *scratch);
/* All that follows the last row group: footer, its length, magic. groups: what parquet_describe_group() wrote. */
void parquet_describe_file(Buf *out, const ParquetColumnSpec *specs, size_t spec_count, const ParquetColumnInfo *columns,
                           size_t column_count, int64_t rows, Str groups, size_t group_count, const ParquetPair *metadata, size_t metadata_count);
