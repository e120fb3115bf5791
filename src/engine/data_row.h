/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * DataRow: one result row as the PostgreSQL protocol has it ('D', Int32 length, Int16 columns, then per column
 * Int32 size or -1 and the bytes; big-endian), in text format. Workers make whole messages; here they are read,
 * with every size checked.
 */
#include "base/buf.h"

typedef struct DataRow {
        Cursor cursor;
        size_t column_count, at;
} DataRow;

/* Takes a whole message; false if it is not one, from its first byte to its last. */
bool data_row_open(Str message, DataRow *out);
/* The next column, NULL as STR_NONE with *out_null set; false after the last. */
bool data_row_next(DataRow *row, Str *out_value, bool *out_null);
