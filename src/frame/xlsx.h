/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The reader of workbooks (see frame/reader.h): rows of the sheets that the format names, one after the other, as
 * records.
 *
 * A record is a row of a sheet, the ones that the file leaves out too, up to the last one that holds something; its line
 * is the row's number. Ordinals go on from sheet to sheet. Rows above the range and the skipped ones are the preamble;
 * those below the range count as footers; cells beside it are passed over.
 *
 * The first row that holds something is the header; where it stands once more it is skipped. A record is as wide as the range says, else as the header, else as
 * the first record: cells to the right of that make a row a record of another width. Later sheets have the same header,
 * or the file is HELD.
 *
 * A text cell comes in quotes; numbers, dates and truth values come bare and canonical (frame/xlsx_value.h), as do
 * errors (#N/A). An empty text is NULL, as nobody can tell it from an empty cell.
 */
#include "frame/reader.h"
#include "frame/xlsx_range.h"
#include "frame/xlsx_sheet.h"

extern const ReaderKind xlsx_kind;

/* Which sheets a format reads: in the workbook's order; those named, by name, number or pattern, or else the first one
 * that is not hidden. HELD: a name that the workbook does not have. */
Status xlsx_choose_sheets(const XlsxBook *book, StrList wanted, Arena *arena, size_t **out, size_t *out_count, Error *err);
/* Appends a cell as a field: in quotes if it is a text. */
void xlsx_put_field(Buf *out, const XlsxCell *cell);
