/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Totals: the rows of a table that say something of it and are no records: totals and subtotals, balances, numbers of
 * rows, numbers of pages, drawn lines; at its end or between records, the word in any column.
 *
 * A word alone makes no such row ("Total" may be a customer). The row must also be unlike the records: a column that they
 * fill is empty, or the word stands where they have numbers; or it is the last one and begins with the word alone. The
 * expression that is found fits such rows as a whole, and no other row of the table.
 *
 * Everything lies in the caller's arena.
 */
#include "frame/format.h"

typedef enum TotalKind {
        TOTAL_NONE,
        TOTAL_WORD,    /* "Total:" */
        TOTAL_OF,      /* "North Total", "Summe Konto 4000" */
        TOTAL_BALANCE, /* "Opening balance" */
        TOTAL_COUNT,   /* "Page 2 of 3", "(12 rows)" */
        TOTAL_STARS,   /* "**", as SAP has it */
} TotalKind;

/* What a field's text says, without quotes; out_word, if not NULL: the part of it that tells. */
TotalKind total_kind(Str text, Str *out_word);

/* A field of a drawn line: "-----". */
bool total_is_rule(Str text);

/* A table as it stands. */
typedef struct TotalsTable {
        char delimiter, quote; /* 0: no quotes */
        size_t width, rows;
        size_t first;      /* the rows before it are no records: the header */
        const Str *fields; /* rows * width */
        const Str *raws;   /* of each row: what an expression is tried on */
        bool whole;        /* the last row is the file's */
        bool ragged;       /* a row's raw text ends with its last field that is not empty */
} TotalsTable;

typedef struct TotalsFound {
        bool *rows; /* of each row: it is such a one */
        size_t count;
        Str expression, example; /* of all of them; and one of them */
} TotalsFound;

void totals_find(const TotalsTable *table, Arena *arena, TotalsFound *out);

/* Whether an expression can be made of it, which is text itself: one line of UTF-8, without NUL. */
bool totals_can_be_told(Str text);
/* A text as an expression has it: numbers are any numbers. */
void totals_put_literal(Buf *out, Str text);
/* What parts fields, and a field of whatever text, in an expression. */
Str totals_delimiter(char delimiter);
Str totals_any_field(char delimiter, Arena *arena);
