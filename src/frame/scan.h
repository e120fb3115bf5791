/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Scan: where fields and records of CSV text end, and the first quote that stands in a wrong place. It looks at 64
 * bytes at a time where the processor can (AVX2, chosen at run time) and at single bytes elsewhere; both give the
 * same answers. It knows bytes only: no widths, no comments, no limits.
 *
 * A line ends with LF, with CRLF, or with a CR that no LF follows; files mix them. Inside quotes they are text, as they
 * are behind an escape.
 */
#include "base/str.h"

#define SCAN_PADDING 64 /* readable bytes that must follow the text; their content does not matter */

typedef struct ScanDialect {
        char delimiter;
        char quote, escape; /* 0 = none */
        bool outside;       /* the escape holds outside of quotes too: what follows it ends no field */
} ScanDialect;

typedef struct Scan {
        size_t count;           /* ends found, without those that were there before */
        size_t newlines;        /* how many of these end a record; a CRLF is found at its LF */
        size_t stop;            /* where the scan ended: `to`, or at a wrong quote */
        bool wrong;             /* the quote at `stop` opens inside a field, or closes before it ends */
        bool open;              /* the scan ended inside a quoted field */
        bool quoted, high, nul; /* the text has quotes, bytes over 127, NUL bytes */
} Scan;

/*
 * Scans text[from, to), which begins with a record. The offsets of the delimiters and newlines that end fields go to
 * `ends`, which has room for to - from + SCAN_PADDING of them.
 */
typedef void (*ScanFunction)(const ScanDialect *dialect, const char *text, size_t from, size_t to, uint32_t *ends,
                             Scan *out);

void scan_bytes(const ScanDialect *dialect, const char *text, size_t from, size_t to, uint32_t *ends, Scan *out);
/* The first newline in text[from, to), quotes or not: the LF of a CRLF; `to` if there is none. */
size_t scan_line_end(const char *text, size_t from, size_t to);
/* How many lines end in text[from, to). Looks at one byte more. */
size_t scan_count_lines(const char *text, size_t from, size_t to);

/* Of bytes at which a scan found an end. */
static inline bool scan_is_newline(char byte) {
        return byte == '\n' || byte == '\r';
}

/* The fastest on this machine for this dialect. */
ScanFunction scan_choose(const ScanDialect *dialect);
