/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * CsvReader: CSV bytes to records, RFC 4180 and the dialect of a Format, in batches of about a megabyte.
 *
 * Every byte of the delivery belongs to one record or to the newline after one. A record is good (it has the width), bad
 * or skipped (preamble, header, blank, comment, footer).
 *
 * Lines end with LF, CRLF or a lone CR, also mixed.
 *
 * A quote that opens inside an unquoted field, one that closes before the end of its field, or one that is never
 * closed (at the record limit or the end of the file) makes the physical line on which its record began bad; reading
 * goes on with the next line. So one stray quote costs one line. Text of another width, of bytes that are not of its
 * encoding, or with NUL bytes is bad as the record it is.
 *
 * The text is UTF-8, whatever the delivery is in. Offsets and lengths are bytes of the delivery all the same.
 *
 * Blank is a record with no bytes but delimiters, or, where it would be of the wrong width, blanks. In a dump with escapes
 * empty fields are texts, so there it is only the empty line where a record has several fields.
 *
 * One thread. Buffers grow up to the record limit and stay for the next file.
 */
#include "frame/reader.h"
#include "frame/scan.h"

typedef struct CsvReader CsvReader;

CsvReader *csv_new(void);
void csv_free(CsvReader *reader);
void csv_freep(CsvReader **reader);

/*
 * Begins a file: reads preamble and header. The format is borrowed and was checked. width: fields of a record where
 * the format has no header; 0 = as the first record. HELD when the header itself is malformed; IO and HELD of Input.
 */
Status csv_start(CsvReader *reader, const Format *format, Source source, size_t width, uint64_t limit, Error *err);
/* What of a format the scan goes by. */
ScanDialect csv_dialect(const Format *format);

/* The header's fields, unquoted, in the arena. NULL and 0 without a header or for an empty file. */
void csv_header(const CsvReader *reader, Arena *arena, Str **out, size_t *out_count);
size_t csv_width(const CsvReader *reader); /* 0 = not known: nothing was read yet, or the file is empty */

/* The next batch; *out_end when there is none. Some batches hold bad records alone. */
Status csv_next(CsvReader *reader, RecordBatch *out, bool *out_end, Error *err);
const RecordCounts *csv_counts(const CsvReader *reader); /* true for what was handed out so far */
uint64_t csv_read_raw(const CsvReader *reader);       /* compressed bytes read so far */

extern const ReaderKind csv_kind; /* the same, for RecordReader */
