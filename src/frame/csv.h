/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * CsvReader: CSV bytes to records, RFC 4180 and the dialect of a Format, in batches of about a megabyte.
 *
 * Every byte of the delivery belongs to one record or to the newline after one. A record is good (it has the width and
 * is handed on), bad (with the rule it breaks) or skipped (preamble, header, blank, comment, footer), and is counted:
 * records = good + bad + skipped.
 *
 * Lines end with LF, CRLF or a lone CR, also mixed.
 *
 * A quote that opens inside an unquoted field, one that closes before the end of its field, or one that is never
 * closed (at the record limit or the end of the file) makes the physical line on which its record began bad; reading
 * goes on with the next line. So one stray quote costs one line. Text of another width, of bytes that are not UTF-8,
 * or with NUL bytes is bad as the record it is.
 *
 * Blank is a record with no bytes but delimiters, or, where it would be of the wrong width, blanks.
 *
 * One thread. Buffers grow up to the record limit and stay for the next file.
 */
#include "frame/input.h"
#include "frame/rule.h"
#include "frame/scan.h"

#define CSV_RAW_MAX (1u << 20) /* bytes of a bad record's text that are handed on; `length` says what it had */

typedef struct CsvBad {
        Rule rule;
        int64_t record, line;    /* from 1 */
        uint64_t offset, length; /* bytes of the delivery after decompression, without the newline */
        size_t width;            /* WRONG_WIDTH: the fields it has */
        Str raw;                 /* not always UTF-8; cut at CSV_RAW_MAX */
} CsvBad;

/* Borrowed from the reader, until the next call. */
typedef struct CsvBatch {
        const char *text;
        uint64_t offset; /* of text[0] in the delivery */
        size_t rows, width;
        const uint32_t *starts; /* of each row, where its first field begins */
        const uint32_t *ends;   /* rows * width: where each field ends; the next begins one byte later */
        const int64_t *records; /* of each row: its ordinal among all records, from 1 */
        bool quoted;            /* there may be fields in quotes */
        const CsvBad *bad;      /* in order of record, between the rows */
        size_t bad_count;
        size_t line_at; /* text[line_at] is on physical line `line` */
        int64_t line;
} CsvBatch;

typedef struct CsvCounts {
        int64_t records, good, bad;
        int64_t headers, blanks, comments, preamble, footers; /* the skipped ones */
        uint64_t bytes;                                       /* of the delivery, decompressed */
} CsvCounts;

typedef struct CsvReader CsvReader;

CsvReader *csv_new(void);
void csv_free(CsvReader *reader);
void csv_freep(CsvReader **reader);

/*
 * Begins a file: reads preamble and header. The format is borrowed and was checked. width: fields of a record where
 * the format has no header; 0 = as the first record. HELD when the header itself is malformed; IO and HELD of Input.
 */
Status csv_start(CsvReader *reader, const Format *format, Source source, size_t width, uint64_t limit, Error *err);
/* The header's fields, unquoted, in the arena. NULL and 0 without a header or for an empty file. */
void csv_header(const CsvReader *reader, Arena *arena, Str **out, size_t *out_count);
size_t csv_width(const CsvReader *reader); /* 0 = not known: nothing was read yet, or the file is empty */

/* The next batch; *out_end when there is none. Some batches hold bad records alone. */
Status csv_next(CsvReader *reader, CsvBatch *out, bool *out_end, Error *err);
const CsvCounts *csv_counts(const CsvReader *reader); /* true for what was handed out so far */
uint64_t csv_read_raw(const CsvReader *reader);       /* compressed bytes read so far */

/* Field `column` of a row as it stands in the text, quotes included. */
static inline Str csv_field(const CsvBatch *batch, size_t row, size_t column) {
        const uint32_t *ends = batch->ends + row * batch->width;
        uint32_t start = column ? ends[column - 1] + 1 : batch->starts[row];
        return (Str){ batch->text + start, ends[column] - start };
}
static inline Str csv_raw(const CsvBatch *batch, size_t row) {
        uint32_t end = batch->ends[row * batch->width + batch->width - 1];
        return (Str){ batch->text + batch->starts[row], end - batch->starts[row] };
}
/* The physical line where a row begins. Counts on from the row asked before, so rows are asked in rising order. */
int64_t csv_line(CsvBatch *batch, size_t row);

/* Whether a field as it stands is in quotes, and its text without them (in the arena if something was escaped). */
bool csv_is_quoted(const Format *format, Str field);
Str csv_unquote(const Format *format, Str field, Arena *arena);
