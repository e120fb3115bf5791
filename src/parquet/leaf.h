/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * ParquetLeaf: one column of a Parquet file, read record by record in parts of any size: its levels, and its values as
 * arrays of one kind. It goes through the chunks that it is given one after the other.
 *
 *      parquet_leaf_start(leaf, node, bytes);           once per file
 *      parquet_leaf_chunk(leaf, chunk, rows);           per row group
 *      parquet_leaf_read(leaf, 1000, &values, err);     until the group's rows are read
 *
 * Errors: HELD (the file is damaged, or uses what is not read; with the column's name), IO. Values point into memory of the
 * leaf, until the next call. One thread.
 */
#include "parquet/page.h"
#include "parquet/values.h"

typedef struct ParquetLeaf ParquetLeaf;

/* What was read. An entry is a value, a null, or an empty list; it has a value where its definition is `most`. */
typedef struct ParquetValues {
        size_t entries, count; /* count: of values */
        const uint8_t *definitions, *repetitions; /* of each entry; a record begins where repetition is 0 */
        uint8_t most;                             /* the definition of a value */
        ParquetArray values;
} ParquetValues;

#define PARQUET_RECORD_ENTRIES_MAX (1u << 24) /* of one part of records */

ParquetLeaf *parquet_leaf_new(void);
void parquet_leaf_free(ParquetLeaf *leaf);
void parquet_leaf_start(ParquetLeaf *leaf, const ParquetNode *node, ParquetBytes bytes);
void parquet_leaf_chunk(ParquetLeaf *leaf, const ParquetChunk *chunk);
/* Exactly so many records; HELD when there are fewer. */
Status parquet_leaf_read(ParquetLeaf *leaf, size_t records, ParquetValues *out, Error *err);

/* What was met of its chunk so far; of a flat column whose records were all read, all of it that is needed. */
const ParquetChunkSeen *parquet_leaf_seen(const ParquetLeaf *leaf);

/* How often a node and those above it may be absent, and how many lists it is in. */
uint8_t parquet_definition_of(const ParquetNode *node);
uint8_t parquet_repetition_of(const ParquetNode *node);
