/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Literal: values as PostgreSQL reads them from text, in the form in which the engine reads them. Most texts mean the same
 * to both and pass as they are, to be judged by the engine. Rewritten is what only PostgreSQL reads, and what the engine
 * would silently take for another value:
 *
 *   boolean               on, off, y, n ...
 *   numeric               its own digits decide the decimal (the engine's DECIMAL alone has three behind the point);
 *                         exponents are worked out; NaN, infinities and what has over 38 digits are doubles
 *   date, timestamp[tz]   0044-03-15 BC, 20260131, a zone behind a date
 *   interval              1 year -2 mons +3 days 04:05:06 ago, 1-2, 1 2:03:04, P1Y2M3DT4H5M6S
 *   bytea                 \x00ff, bytes with \nnn and \\
 *   arrays                {1,NULL,"a b"}, one dimension; _int4 is int4[]
 *
 * Pure; texts are anybody's.
 */
#include "sql/fill.h"

#define LITERAL_ITEMS_MAX 100000 /* of one array */
#define LITERAL_PRECISION_MAX 38 /* digits of the engine's decimals */

/* Reads the text of a value that is no list; type: the engine's word or one of SQL's, in any case. Sets value->type and
 * ->text, of a decimal the size. false: *out_why has words for a message ("a bytea with a lone backslash"). */
bool literal_read(Str type, Str text, Arena *arena, SqlValue *value, const char **out_why);
/* The same for an array in braces: value->items and, of decimals, the size that holds each. */
bool literal_read_array(Str type, Str text, Arena *arena, SqlValue *value, const char **out_why);
/* Another item of a list, of its type; *capacity is the caller's, 0 at first. */
SqlValue *literal_add_item(SqlValue *list, size_t *capacity, Arena *arena);
/* Of a list whose items were read one by one: decimals get one size that holds each. */
void literal_finish_array(SqlValue *list);

/* CAST('text' AS T) and T 'text' anywhere in a statement, read like this. BAD_VALUE with the place. */
Status literal_read_casts(SqlTree *tree, Arena *arena, Error *err);
