/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * RecordBatch: some records of a delivery as their fields' text, whatever format they came from.
 *
 * A field is canonical text, which typing reads: bare, or in the format's quotes with quotes inside escaped as the
 * format says. An empty one without quotes is NULL. The fields of a row lie one after the other with one byte between
 * them. A reader of text whose fields are written like that (CSV) points into its window; any other writes them into
 * a buffer of its own and says of each row where it came from.
 *
 * Every record is good (handed on), bad (with the rule it breaks) or skipped, and is counted:
 * records = good + bad + skipped.
 */
#include "frame/encoding.h"
#include "frame/format.h"
#include "frame/rule.h"

#define RECORD_NO_FIELD (SIZE_MAX - 1) /* of a BadRecord: nobody knows in which field */
#define RECORD_RAW_MAX (1u << 20) /* bytes of a bad record's text that are handed on; `length` says what it had */

/* Where a record stands in its delivery, and as what. */
typedef struct RecordOrigin {
        uint64_t offset, length; /* bytes of the delivery after decompression and before decoding, without the newline */
        int64_t line;            /* from 1, where it begins; of a sheet its row */
        Str raw;
        Str sheet;             /* of a workbook, where offset says nothing; else empty */
        uint32_t first_column; /* of the sheet, from 0: where the first field stands */
} RecordOrigin;

#define BAD_RECORD_NOWHERE UINT64_MAX /* a value of a typed file has no place of its own */

typedef struct BadRecord {
        Rule rule;
        int64_t record, line;    /* from 1 */
        uint64_t offset, length; /* as in RecordOrigin */
        size_t width, wanted;    /* WRONG_WIDTH: the fields it has, and how many belong; others: see misfit.h */
        size_t field;            /* INVALID_UTF8, INVALID_BYTES: the field with the first byte that is no text, if known */
        uint64_t wrong_at;       /* where in the delivery that is, or BAD_RECORD_NOWHERE */
        Str raw;                 /* not always UTF-8; cut at RECORD_RAW_MAX */
        Str sheet;               /* as in RecordOrigin, and the column */
        uint32_t first_column;
        Str value; /* of a typed file: what `field` holds, where that alone is wrong; else NULL */
} BadRecord;

/* Borrowed from the reader, until the next call. text, starts, ends and origins are NULL where ReaderOptions said `values`,
 * until reader_text(). */
typedef struct RecordBatch {
        const char *text;
        size_t rows, width;
        const uint32_t *starts;      /* of each row, where its first field begins */
        const uint32_t *ends;        /* rows * width: where each field ends; the next begins one byte later */
        const int64_t *records;      /* of each row: its ordinal among all records, from 1 */
        const RecordOrigin *origins; /* of each row; NULL: its fields are its raw text */
        bool quoted;                 /* there may be fields in quotes */
        const BadRecord *bad;        /* in order of record, between the rows */
        size_t bad_count;
        const EncodingSizes *sizes; /* of the text's letters in the delivery; NULL: as here */
        size_t line_at;             /* text[line_at] is on physical line `line`, at `offset` of the delivery */
        int64_t line;
        uint64_t offset;
        const struct TypedBatch *typed; /* the same rows as values of the file's own types (typed.h); NULL: it has none */
} RecordBatch;

typedef struct RecordCounts {
        int64_t records, good, bad;
        int64_t headers, blanks, comments, preamble, footers; /* the skipped ones */
        uint64_t bytes;                                       /* of the delivery, decompressed */
        int64_t full, full_line; /* comments and footers with a value in each field, as records have; the line of the first */
} RecordCounts;

/* Field `column` of a row as it stands in the text, quotes included. */
static inline Str record_field(const RecordBatch *batch, size_t row, size_t column) {
        const uint32_t *ends = batch->ends + row * batch->width;
        uint32_t start = column ? ends[column - 1] + 1 : batch->starts[row];
        return (Str){ batch->text + start, ends[column] - start };
}

/* All fields of a row, as they stand. */
static inline Str record_text(const RecordBatch *batch, size_t row) {
        uint32_t end = batch->ends[row * batch->width + batch->width - 1];
        return (Str){ batch->text + batch->starts[row], end - batch->starts[row] };
}

/* Counts lines and bytes on from the row asked before, so rows are asked in rising order. */
RecordOrigin record_origin(RecordBatch *batch, size_t row);

/* Whether a field as it stands is NULL whatever the words for it: empty, or \N in a dump. */
bool field_is_null(const Format *format, Str field);
/* Whether a field as it stands is in quotes, and its text without them (in the arena if something was escaped). */
bool field_is_quoted(const Format *format, Str field);
Str field_unquote(const Format *format, Str field, Arena *arena);
/* The same for a field that may have escapes which mean nothing; then the field as it stands, and the rule. */
Rule field_text(const Format *format, Str field, Arena *arena, Str *out);
