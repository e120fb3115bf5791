/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Outline: a Parquet file that has a table's columns and no row, and whose footer says that it has so many rows. It is put
 * before a table's files where rows of them are hidden or where they are not alike, and tells the engine, by whose footer it
 * plans, all that it is to know: names, types (of files under other schemas too), and how many rows to expect. With a file among
 * others that has no statistics the engine has none for any column, so that nothing it does before it reads depends on a
 * hidden value.
 *
 * It lies in the worker's folder until the lease ends, the same again under the same name. One call, one thread.
 */
#include "engine/worker.h"
#include "govern/bind.h"

/* wanted: per column of the relation. *out is empty where none is, or one holds a map. IO, DISK_FULL. */
Status outline_grant(Worker *worker, const Relation *relation, const bool *wanted, int64_t rows, Arena *arena, Str *out, Error *err);

/* How many rows a table of so many is said to have: the next power of four, of strict tables the next power of 256. So the
 * plan tells of hidden rows no more than the rough size of the table, which the time to read it tells better. */
int64_t outline_rows(int64_t rows, bool strict);
