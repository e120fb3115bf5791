/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * XlsxRows: the rows of one sheet, from top to bottom, as the cells that hold something. A row that the file leaves out
 * does not come; a cell without a value (a style alone), or with an empty text, is none. A cell's place is what it says,
 * or, where it says nothing, after the one before it; what the file says about its size is not believed.
 *
 * A row's cells hold at most `row_limit` bytes of text; a row of more comes without them, marked too_long.
 *
 * HELD: rows that go back, cells in another row's place, twice in one place, or beyond the columns that are read.
 */
#include "frame/xlsx_book.h"
#include "frame/xlsx_range.h"

typedef struct XlsxCell {
        uint32_t column; /* from 0 */
        XlsxKind kind;
        Str text; /* canonical; of XLSX_TEXT as it is */
} XlsxCell;

typedef struct XlsxRow {
        int64_t number; /* from 1 */
        bool hidden, too_long;
        const XlsxCell *cells; /* by column, rising; borrowed until the next row */
        size_t count;
} XlsxRow;

typedef struct XlsxRowsSpec {
        XlsxBook *book; /* loaded; borrowed */
        size_t sheet;
        uint32_t first_column, last_column; /* others are passed over; from 0, both counted in */
        size_t row_limit;
        uint64_t part_limit; /* decompressed bytes of the sheet; 0 = none */
        bool (*take)(void *context, const XlsxRow *row); /* false: pause after this row */
        void *context;
} XlsxRowsSpec;

typedef struct XlsxRows XlsxRows;

Status xlsx_rows_open(const XlsxRowsSpec *spec, XlsxRows **out, Error *err);
void xlsx_rows_free(XlsxRows *rows);
void xlsx_rows_freep(XlsxRows **rows);
/* Takes rows until one asks for a pause, or a piece of the file is read. */
Status xlsx_rows_step(XlsxRows *rows, bool *out_end, Error *err);
/* Of the cells that are merged with others: how many ranges go over several rows. Known at the end. */
size_t xlsx_rows_merged(const XlsxRows *rows);
uint64_t xlsx_rows_bytes(const XlsxRows *rows); /* decompressed bytes of the sheet, read so far */
