/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Lineage: from which columns of which tables the values of each column of a SELECT come, by its tree alone.
 *
 * A column's sources are all columns that stand anywhere in its expression: in `lower(email)`, `max(a + b)`, `email = 'x'`,
 * `count(email)`, the WHEN of a CASE, a FILTER, a window's partition and order, and in a query inside the expression also what
 * says which rows that finds. Else a value could be spelled out, letter by letter, by conditions on it.
 * What decides is said by itself: the columns of WHERE, join conditions, GROUP BY, HAVING, QUALIFY, DISTINCT, set operations,
 * LIMIT and the order before it, of the statement and of what it reads FROM. An order without LIMIT decides nothing.
 * Where the tree alone cannot say (the columns of a table function, of a PIVOT, of COLUMNS(...)), everything that could be is
 * a source: one may be named too many, never left out.
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

typedef struct Lineage {
        LineageColumn *columns;
        size_t column_count;
        LineageSource *decides; /* each once */
        size_t decide_count;
} Lineage;

/* LIMIT where queries lie too deep in each other; what `find` fails with. */
Status sql_lineage(const SqlTree *tree, const LineageTables *tables, Arena *arena, Lineage *out, Error *err);
