/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The reviewed names: functions, table functions, types and collations of DuckDB 2.0.0 that a statement may use.
 * Everything else is refused, whatever the engine would make of it. The lists were started from duckdb_functions() of
 * that version and gone through by name; a new version of the engine needs a new review.
 *
 * Not on the lists, for what they reach or tell: files, settings, variables, sequences, sleeping, logs, other
 * connections, plans, SQL given as text, aggregate states, statistics of a column (stats, vector_type, bitstring_agg
 * without bounds), sum_no_overflow, catalog functions of PostgreSQL's names (the wire serves its own).
 */
#include "sql/tree.h"

/* SQL_REFUSED with the place and, where there is one, what to use instead. */
Status sql_allow_query(const SqlTree *tree, const SqlQuery *query, Error *err);
/* The same for one expression of the tree. */
Status sql_allow_expr(const SqlTree *tree, const SqlExpr *expr, Error *err);

bool sql_function_is_allowed(Str name); /* scalar, aggregate and window functions, any case */
bool sql_table_function_is_allowed(Str name);
bool sql_type_is_allowed(Str name);
bool sql_collation_is_allowed(Str name);  /* nocase, noaccent and such, joined by dots */
bool sql_function_is_aggregate(Str name); /* of those allowed */
