/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What a number in a cell stands for. A spreadsheet keeps dates and times as numbers of days; the cell's number format
 * tells them from quantities. The texts made here are canonical: a plain decimal number, ISO 8601, true and false.
 *
 * A date is what the spreadsheet shows. So day 60 of the 1900 system is 1900-02-29, a day that never was: no date
 * column takes it. Day 0 is 1900-01-00, likewise.
 */
#include "base/arena.h"
#include "base/buf.h"

typedef enum XlsxKind {
        XLSX_NUMBER,
        XLSX_DATE,     /* years, months or days */
        XLSX_MOMENT,   /* a date and a time */
        XLSX_TIME,     /* hours, minutes or seconds */
        XLSX_DURATION, /* [h]:mm: hours beyond 24 */
        XLSX_PERCENT,  /* a number that is shown times 100 */
        /* what no format makes of a number */
        XLSX_TEXT,
        XLSX_BOOLEAN,
        XLSX_ERROR, /* #N/A, #DIV/0!; a formula that nobody has calculated is XLSX_UNKNOWN_VALUE */
        XLSX_KIND_COUNT
} XlsxKind;

#define XLSX_UNKNOWN_VALUE "#NOT-CALCULATED"

/* A format's code, its first section: yyyy-mm-dd;@ is a date. */
XlsxKind xlsx_kind_of_code(Str code);
/* Digits that a code shows at least: 00000 shows 1067 as 01067. 0: it is not made of zeros alone. */
#define XLSX_ZEROS_MAX 30
int xlsx_zeros_of_code(Str code);
/* One of the formats that every spreadsheet has without writing its code. */
XlsxKind xlsx_kind_of_builtin(int64_t id);

/*
 * Appends the canonical text of a number as it stands in the file. Nothing of it is lost: more than 15 digits with a
 * point or an exponent come from a double, and are written as the shortest text that is the same double; all else is
 * written digit for digit, without an exponent where that takes no more than XLSX_PLAIN_DIGITS. False: it is no number.
 */
#define XLSX_PLAIN_DIGITS 40
bool xlsx_number(Buf *out, Str text);
/*
 * A number made above as a spreadsheet shows it: what a double has beyond 15 digits is the trace of a calculation
 * (0.30000000000000004), and no digit of anybody's. Integers without an exponent stay as they are. In the arena, or `text`.
 */
Str xlsx_shown(Str text, Arena *arena);
/* The same for a number of days; what no calendar has is written as the number. */
bool xlsx_days(Buf *out, Str text, XlsxKind kind, bool from_1904);
