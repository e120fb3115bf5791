/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Sniffing one sheet of a workbook: where its table is, what its header is, and the types of its columns, with every
 * doubt said. What stands above the table and below it (titles, notes, totals) is told apart from records, and so are
 * cells beside it, with an empty column between.
 *
 * Types are those that the spreadsheet gave its cells: a column of texts is text, though they look like numbers.
 */
#include "frame/sniff.h"
#include "frame/xlsx.h"

/* How much is looked at, of the cells' texts; whole: that was all. No columns: the sheet holds nothing. */
typedef struct XlsxSniffSpec {
        XlsxBook *book; /* borrowed */
        size_t sheet;
        size_t sample_bytes;
} XlsxSniffSpec;

Status xlsx_sniff(const XlsxSniffSpec *spec, Arena *arena, Sniffed *out, bool *out_whole, Error *err);
