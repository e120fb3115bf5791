/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* XlsxRange: a part of a sheet, as people write it: B3:F200, B3:F (down to the last row), B:F, B3 (all from there on). */
#include "base/buf.h"

#define XLSX_COLUMNS_MAX 16384 /* of the format: XFD */
#define XLSX_ROWS_MAX    1048576

typedef struct XlsxRange {
        uint32_t first_column, last_column; /* from 0, both counted in; XLSX_COLUMNS_MAX - 1: to the end */
        int64_t first_row, last_row;        /* from 1; XLSX_ROWS_MAX: to the end */
        bool has_last_column;               /* it says so: records then have that width */
} XlsxRange;

XlsxRange xlsx_range_all(void);
/* BAD_VALUE. An empty text is all of the sheet. */
Status xlsx_range_parse(Str text, XlsxRange *out, Error *err);

/* "AB7" is 27: takes the letters off the front of the text. SIZE_MAX if there are none, or no column is so far right. */
size_t xlsx_column_parse(Str *text);
/* 27 -> "AB" */
void xlsx_column_print(Buf *out, size_t column);
/* Cells of one row, from 0: "AB7", or "A7:F7". */
Str xlsx_cells_print(Arena *arena, size_t first_column, size_t count, int64_t row);
