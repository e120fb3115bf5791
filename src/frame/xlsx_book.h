/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * XlsxBook: a workbook as its sheets, and what all of them share: the texts that cells name by number, the kinds of the
 * number formats, the day on which counting begins. What is shared is read when the first sheet is. It is held in
 * memory, with a limit: XLSX_TEXTS_MAX bytes of texts and their list.
 *
 * Errors: HELD where the file is at fault; IO of the source. One thread.
 */
#include "frame/xlsx_value.h"
#include "frame/xlsx_xml.h"

#define XLSX_TEXTS_MAX  (256u << 20)
#define XLSX_PART_MAX   (64u << 20) /* of the parts that list sheets, relations and formats */
#define XLSX_SHEETS_MAX 4096

typedef struct XlsxSheet {
        Str name;
        const char *part;
        bool hidden;
} XlsxSheet;

typedef struct XlsxBook XlsxBook;

/* Whether the bytes may be a workbook: a zip archive. HELD with the words for what old and encrypted ones are instead. */
Status xlsx_source_check(Source source, Error *err);

/* The source is borrowed. WORKBOOK_NOT where it is a zip archive, or none, without a workbook in it. */
Status xlsx_book_open(Source source, XlsxBook **out, Error *err);
void xlsx_book_free(XlsxBook *book);
void xlsx_book_freep(XlsxBook **book);

/* In the workbook's order; charts are no sheets. */
size_t xlsx_sheet_count(const XlsxBook *book);
const XlsxSheet *xlsx_sheet(const XlsxBook *book, size_t index);
/* By name without case, else by its number from 1; SIZE_MAX if there is none. */
size_t xlsx_sheet_find(const XlsxBook *book, Str wanted);
/* 'Jan', 'Feb', ...: for messages. */
Str xlsx_sheet_names(const XlsxBook *book, Arena *arena);

/* Everything that cells refer to. Once is enough. */
Status xlsx_book_load(XlsxBook *book, Error *err);
bool xlsx_text(const XlsxBook *book, uint64_t index, Str *out); /* borrowed; false: there is no such text */
XlsxKind xlsx_style(const XlsxBook *book, uint64_t index);
int xlsx_zeros(const XlsxBook *book, uint64_t style); /* digits that a number is shown with at least; 0: as it is */
bool xlsx_from_1904(const XlsxBook *book);
Status xlsx_sheet_xml(XlsxBook *book, size_t index, uint64_t limit, const XlsxEvents *events, void *context, XlsxXml **out,
                      Error *err);
uint64_t xlsx_read_raw(const XlsxBook *book);

/* Replaces _xHHHH_, the format's way to write what XML cannot hold, in place; returns the new size. */
size_t xlsx_unescape(char *text, size_t size);
