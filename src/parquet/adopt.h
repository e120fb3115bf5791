/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * ParquetAdoption: somebody else's file as a data file of a table, its pages as they are: nothing is encoded again. Made
 * anew is what stands behind them: columns `_file` and `_row`, and a footer with the table's columns, their field ids, and
 * statistics of the values that were seen. What the file itself claims of its values is dropped, in the headers of its pages,
 * page indexes and bloom filters too: readers would leave out rows because of it, and nobody has proven it.
 *
 *      if (!parquet_adoption_start(adoption, footer, columns, count)) ...
 *      for each row group with rows, for each part of it that is read:
 *              parquet_adoption_values(adoption, i, &values) of each column i, whose chunk is not parquet_is_odd()
 *      and at the group's end:
 *              if (!parquet_adoption_group(adoption, group, seen)) ...
 *      TRY(parquet_adoption_finish(adoption, in, out, &names, arena, &statistics, err));
 *
 * Where one of these is false, the file is better written anew: its pages are of a kind that not every reader of Iceberg's
 * files takes, or they are not packed, or the groups are very small or very large. Whether the values are what their columns
 * may hold is for the caller to see (frame), before anything is finished.
 *
 * One thread. An adoption is kept: start() forgets the last file.
 */
#include "parquet/leaf.h"

typedef struct ParquetAdoption ParquetAdoption;

typedef struct ParquetAdopted {
        Str name;
        Type type;
        int field_id;
        const ParquetNode *node; /* of the file: parquet_can_adopt() */
} ParquetAdopted;

/* What `_file` and `_row` are, and which file it is. */
typedef struct ParquetAdopter {
        const char *name; /* of the file written, for errors */
        int64_t file;
        int file_field_id, row_field_id;
} ParquetAdopter;

ParquetAdoption *parquet_adoption_new(void);
void parquet_adoption_free(ParquetAdoption *adoption);

/* Whether a leaf's pages can be those of a column: not nested, and the type stored as Iceberg has it. */
bool parquet_can_adopt(const ParquetNode *node, Type type);
/* Whether pages that were met are such as only some readers take. */
bool parquet_is_odd(const ParquetChunkSeen *seen);

/* Columns are copied; the footer is borrowed until finish(). */
bool parquet_adoption_start(ParquetAdoption *adoption, const ParquetFooter *footer, const ParquetAdopted *columns, size_t count);
/* False where a value cannot be told, which typing refuses as well. */
bool parquet_adoption_values(ParquetAdoption *adoption, size_t column, const ParquetValues *values);
/* seen: of each column. Groups come in order; those without rows are left out. */
bool parquet_adoption_group(ParquetAdoption *adoption, size_t group, const ParquetChunkSeen *const *seen);
/* `in` is the file, read by place; `out` is empty and written from its beginning, by copying within the file system where that
 * shares bytes. Neither is synced. IO (also where `in` got shorter), DISK_FULL. */
Status parquet_adoption_finish(ParquetAdoption *adoption, int in, int out, const ParquetAdopter *adopter, Arena *arena,
                               FileStatistics *statistics, Error *err);
