/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Files: Parquet files that a worker may read, as a part of SQL that is Lode's own. What is printed here never passes
 * through binding, so nothing of a user's may be in it: names are quoted, values are quoted, files are granted ones.
 */
#include "engine/worker.h"
#include "lake/table.h"

/* read_parquet([...]); count must not be 0. */
void files_print(Buf *sql, const Str *paths, size_t count);
/* (SELECT ... FROM ...) of files as the table has its columns now: found by their ids, NULL where a file has none of it.
 * No rows when count is 0. */
void files_scan_print(Buf *sql, const Table *table, const Str *paths, size_t count, Arena *arena);
/* The table's data files, granted to the worker: their names for SQL. */
Status files_grant(Lake *lake, Worker *worker, const Table *table, Arena *arena, Str **out, size_t *out_count, Error *err);
/* A hash of all rows of the files, whatever their order; equal text, equal rows. */
Status files_hash(Worker *worker, const Str *paths, size_t count, Arena *arena, Str *out, Error *err);

#define ONE_ROW_MAX 8

/* The last row of an answer: values as text, NULL as an empty one. */
typedef struct OneRow {
        Str values[ONE_ROW_MAX];
        size_t count;
        int64_t rows; /* of the answer */
} OneRow;

Status files_ask(Worker *worker, Str sql, Arena *arena, OneRow *out, Error *err);
/* -1 where there is none. */
int64_t one_row_integer(const OneRow *one, size_t index);
