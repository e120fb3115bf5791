/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Where the rows of a statement come from, for `lode trace`.
 *
 * A statement preserves rows when each of its output rows is one row of one relation, so that the relation's `_file` and
 * `_row` may stand beside it: one SELECT without aggregates, DISTINCT, GROUP BY, set operations, LIMIT or unnesting,
 * from one relation, or from joins in which that relation is the row source: it stands leftmost and every other side
 * is LEFT JOINed (or SEMI or ANTI). A join may repeat a row; each repetition still is that row. WHERE, QUALIFY, window
 * functions and ORDER BY are fine. A CTE or subquery as the source is gone into when it preserves rows itself.
 */
#include "sql/depend.h"

/* False when the statement does not preserve rows; out_why (may be NULL) then says why, for the user. */
bool sql_row_source(const SqlTree *tree, SqlDependency *out, const char **out_why);

/*
 * The way back: SELECT <_file>, <_row>, * over the model's own statement with those two carried through, restricted by
 * the user's predicate over the model's output columns. `predicate` is the tree of the user's text parsed inside
 * `SELECT * FROM t WHERE (PREDICATE)` (text and all errors stay the user's); NULL = all rows. The names of the first two
 * columns are `_file` and `_row`, or, where the model has columns so named itself, those columns.
 *
 * out is a new tree in the arena, over model->text, to be bound with the model's zone like the model itself.
 * SQL_REFUSED when the model does not preserve rows.
 */
Status sql_trace_rows(const SqlTree *model, const SqlTree *predicate, Arena *arena, SqlTree **out, Error *err);

/* SELECT _file, _row, * over a relation with hidden columns, restricted likewise: trace of a staged table. */
SqlTree *sql_trace_table(const SqlDependency *table, const SqlTree *predicate, Arena *arena);

/* The WHERE of a tree made from `SELECT * FROM t WHERE (...)`, if it has exactly that form and nothing beside. */
Status sql_predicate_of(const SqlTree *tree, const SqlExpr **out, Error *err);
