/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Escapes: what a backslash means in the fields of database dumps. COPY of PostgreSQL: \b \f \n \r \t \v, one to three
 * octal digits, x with one or two hexadecimal ones; SELECT INTO OUTFILE and mysqldump --tab of MySQL: \0 \b \n \r \t \Z.
 * Before any other byte the backslash is dropped. A field that is \N alone is NULL; that is asked before (field_is_null).
 */
#include "base/arena.h"
#include "frame/format.h"
#include "frame/rule.h"

#define ESCAPES_BYTE '\\'
#define ESCAPES_NULL "\\N"
#define ESCAPES_END "\\." /* a line of its own after the records of PostgreSQL's old protocol and of pg_dump */

/*
 * The characters that a field stands for, in the arena; `text` itself where it has no backslash, or does not fit.
 * BAD_ESCAPE: a backslash with nothing behind it; bytes over 127 that make no letters, or whose letters nobody knows,
 * since the delivery is not UTF-8. NUL_BYTE: as everywhere.
 */
Rule escapes_read(const Format *format, Str text, Arena *arena, Str *out);

/* For sniffing: whether this dialect's writers put a backslash before this byte; '\n' and the delimiter aside. */
bool escapes_are_written(FormatEscapes escapes, char byte);
