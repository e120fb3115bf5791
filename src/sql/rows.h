/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Where the rows of a statement come from, for `lode trace`.
 *
 * A statement preserves rows when each of its output rows is one row of one relation, so that the relation's `_file` and
 * `_row` may stand beside it: one SELECT without aggregates, DISTINCT, GROUP BY, set operations, LIMIT or unnesting,
 * from one relation, or from joins of which it is the leftmost (INNER, LEFT, SEMI, ANTI, ASOF; never RIGHT, FULL,
 * CROSS, NATURAL or POSITIONAL). A join may repeat a row; each repetition still is that row. WHERE, QUALIFY, window
 * functions and ORDER BY are fine. A subquery, or a CTE that is used once, is gone into when it preserves rows itself.
 */
#include "sql/depend.h"

/* What a predicate is wrapped in to be parsed, so that it can only be a condition: PREFIX, the user's text, SUFFIX. */
#define SQL_PREDICATE_PREFIX "SELECT * FROM t WHERE ("
#define SQL_PREDICATE_SUFFIX "\n)"

/* False when the statement does not preserve rows; out_why (may be NULL) then says why, for the user. */
bool sql_row_source(const SqlTree *tree, SqlDependency *out, const char **out_why);

/*
 * The condition in a tree of wrapped text, its places counted in the user's own text again. SQL_REFUSED when the text was
 * more than a condition, or holds a subquery (it would read with the rights of whatever it is put into).
 */
Status sql_predicate_of(const SqlTree *wrapped, Arena *arena, SqlExpr **out, Str *out_text, Error *err);

/*
 * Below groups: the model's own statement without its GROUP BY or DISTINCT, and of its output only what is no aggregate: one
 * row for each that goes into a group, beside the group's keys. False, and *out is left, when the outermost query does not
 * group, or when more than its keys decides which groups there are (HAVING, QUALIFY, LIMIT, DISTINCT ON, grouping sets).
 */
bool sql_ungroup(const SqlTree *model, Arena *arena, SqlTree **out);

/* The model with the statement of the view that it reads put in the place of its name; both read names by the same zone.
 * NULL when it does not preserve rows. Places are of no text any more. */
SqlTree *sql_inline(const SqlTree *model, const SqlTree *source, Arena *arena);

/*
 * The way back: the model's own statement with the source's `_file` and `_row` carried through as its first columns (or
 * where they are, if the model has columns so named), restricted by a condition over the model's output columns.
 * `predicate` is a wrapped tree as above, or NULL for all rows. out is a new tree to be bound with the model's zone;
 * its text is the user's condition. SQL_REFUSED when the model does not preserve rows.
 */
Status sql_trace_model(const SqlTree *model, const SqlTree *predicate, Arena *arena, SqlTree **out, Error *err);

/* The same for a relation that has `_file` and `_row` itself: SELECT _file, _row, * FROM table WHERE ... */
Status sql_trace_table(const SqlDependency *table, const SqlTree *predicate, Arena *arena, SqlTree **out, Error *err);
