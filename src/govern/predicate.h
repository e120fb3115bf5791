/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * From `column OP literal` in a WHERE to a Predicate that planning understands. Only where the engine's comparison is
 * exactly the single values' one: integers with integers, decimals with numbers that their scale holds, text with
 * text, dates and timestamps with literals written in full, booleans. Everything else is left to the engine alone.
 */
#include "iceberg/plan.h"
#include "sql/tree.h"

/* The column of a condition of these shapes, or NULL: COMPARISON (either way round), BETWEEN, IN, IS [NOT] NULL. */
const SqlExpr *predicate_column(const SqlExpr *expr);

/*
 * Adds the predicates (BETWEEN: two) that the condition is for a column of this type; returns how many, 0 to 2.
 * expr is one for which predicate_column() was not NULL.
 */
size_t predicate_make(const SqlExpr *expr, int field_id, Type type, Arena *arena, Predicate out[2]);
