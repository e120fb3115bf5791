/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Span: what a condition of a WHERE says of a column of times, read so that nothing is left out which the engine would find: where
 * the session's time zone, summer time or the length of a month matter, a day or two are added. From conditions that compare
 * the column with a literal, or with now() and an interval before it; others say nothing. Pure.
 */
#include "sql/tree.h"

/* Microseconds since 1970: from <= t < to. */
typedef struct Span {
        int64_t from_us, to_us;
} Span;

#define SPAN_ALL ((Span){ INT64_MIN, INT64_MAX })

/* Narrows *span; false: it says nothing of the column. now_us: no later than the engine's now(). */
bool span_of_condition(const SqlExpr *condition, Str column, int64_t now_us, Span *span);
/* column = 'text'. */
bool span_equals(const SqlExpr *condition, Str column, Str *out);
