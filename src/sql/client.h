/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The text of a PostgreSQL client as the engine is to read it, byte for byte as long, so that places in one are places
 * in the other: words outside of quotes in lower case, as PostgreSQL takes names; E'...' and U&'...' as plain '...' of
 * the characters that their escapes stand for, with blanks behind to fill the place; FROM ONLY t as FROM t, for no table has
 * others below it; ROWS FROM (...) as a call of SQL_ROWS_FROM.
 *
 * BAD_VALUE (22021) for escapes that are no UTF-8 text, SQL_SYNTAX for broken ones, SQL_REFUSED for X'...', which is bits
 * in PostgreSQL and bytes in the engine; each with its place.
 */
#include "base/arena.h"
#include "base/error.h"

#define SQL_ROWS_FROM "rows of" /* no function's name */

Status sql_client_text(Str text, Arena *arena, Str *out, Error *err);
