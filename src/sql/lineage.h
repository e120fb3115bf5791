/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Lineage: from which columns of which tables the values of each column of a SELECT come, by its tree alone.
 *
 * A source is direct: its value goes into the value, through whatever expression (`lower(email)`, `max(a + b)`, a comparison).
 * What only decides (WHERE, join conditions, GROUP BY, ORDER BY, the WHEN of a CASE, FILTER, a window's partition, EXISTS,
 * IS NULL) and what is only counted (`count`) is no source. Where the tree alone cannot say (the columns of a table
 * function, of a PIVOT, of COLUMNS(...)), everything that could be is one: a source may be named too many, never left out.
 *
 * Results live in the arena. One thread.
 */
#include "sql/tree.h"

typedef struct LineageTable {
        Str name; /* as sources shall name it: "shop.staging.orders" */
        Str *columns; /* what `*` gives, in order; others may be named all the same */
        size_t column_count;
} LineageTable;

typedef struct LineageTables {
        void *context;
        /* *out.name without data: there is none. */
        Status (*find)(void *context, const SqlNames *path, Arena *arena, LineageTable *out, Error *err);
} LineageTables;

typedef struct LineageSource {
        Str table, column;
} LineageSource;

typedef struct LineageColumn {
        Str name; /* empty: an expression without one; the engine calls it somehow */
        LineageSource *sources;
        size_t source_count;
        bool open; /* it stands for any number of columns with any names, and each may be of any of these */
} LineageColumn;

/* LIMIT where queries lie too deep in each other; what `find` fails with. */
Status sql_lineage(const SqlTree *tree, const LineageTables *tables, Arena *arena, LineageColumn **out, size_t *out_count, Error *err);
