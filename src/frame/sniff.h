/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Sniff: from the first bytes of a file that nobody described to a Format and typed columns, with every doubt said.
 *
 * The dialect is the one in which most records have one width and most fields look like something (a number, a date, a
 * word, a text in quotes), not the one without errors. Records of other widths before the first of that width are a
 * preamble, after the last of it a footer; a first record that differs from its columns is a header. Types: guess.h.
 *
 * Bytes in, plain data out; all texts lie in the arena or in the sample.
 */
#include "frame/guess.h"
#include "frame/reader.h"

typedef struct SniffedColumn {
        Str name; /* see names_of_header() */
        StrList dates; /* patterns of its own, where the file's would clash with them */
        Str key;  /* what its records call it, where that is not its name */
        ColumnGuess guess;
} SniffedColumn;

typedef struct SniffedDoubt {
        Str column, what, assumed; /* column is empty where the whole file is meant */
} SniffedDoubt;

typedef struct Sniffed {
        Format format;
        SniffedColumn *columns;
        size_t column_count;
        SniffedDoubt *doubts;
        size_t doubt_count;
        bool whole; /* the sample was all of the file */
} Sniffed;

/* sample: decoded bytes, from the beginning of the file; whole: it is all of it. HELD where there are no records. */
Status sniff_format(Str sample, bool whole, Arena *arena, Sniffed *out, Error *err);

/* Why a column has another name than its header's text, which was trimmed: for doubts. */
Str sniff_why_renamed(Arena *arena, Str written);

/* What the format and columns make of a text: the counts, and up to preview_max rows as text (data == NULL is NULL). */
typedef struct SniffedRows {
        RecordCounts counts;
        int64_t accepted, quarantined;
        Str *preview;
        size_t preview_count;
} SniffedRows;
/* source: the sample, or the whole file. Of CSV that is not whole, no more than whole records. */
Status sniff_rows(const Sniffed *sniffed, Source source, size_t preview_max, Arena *arena, SniffedRows *out,
                  Error *err);
