/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What `lode show quarantine -o csv` wrote and somebody edited in a spreadsheet. Columns are found by name, in any order;
 * commas, semicolons or tabs part them, as the spreadsheet pleased. Numbers that it rounded are no harm: a record is known by
 * the delivery's name and its ordinal.
 */
#include "base/arena.h"
#include "base/error.h"

typedef struct FixRow {
        int64_t line; /* of the edited file */
        Str zone, source, name, raw, state;
        int64_t delivery, record; /* 0: not said, or not a number any more */
} FixRow;

/* BAD_VALUE, with the line, where it is not such a list. */
Status fix_file_read(const char *path, Arena *arena, FixRow **out, size_t *out_count, Error *err);
