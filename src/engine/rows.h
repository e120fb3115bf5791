/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Rows: the answer of a statement, taken from a worker as fast as the caller wants it and no faster: what is not asked
 * for stays with the worker, whose engine stops when the socket between is full. So an open portal costs a worker and a
 * few hundred kilobytes, however long the answer is.
 *
 *      worker_rows_begin(worker, &spec, &rows, err)
 *      worker_rows_next(rows, most, &messages, &count, &done, err)      until done
 *      worker_rows_end(rows)                                            an answer not read to its end is stopped
 *
 * The worker serves nothing else in between. Any thread, one at a time. Messages are whole; each one's type and length
 * were looked at, so that a worker cannot speak to a client in any other way than by rows.
 */
#include "engine/worker.h"

/* How values are written. One kind of message for the whole answer. */
typedef enum RowsAnswer {
        ROWS_PLAIN,       /* DataRow, text as PostgreSQL's but nested values as JSON: for our own programs */
        ROWS_FORMATS,     /* DataRow, each column in its format: for clients */
        ROWS_COPY_TEXT,   /* CopyData of a row each, as COPY (FORMAT text) has it */
        ROWS_COPY_CSV,
        ROWS_COPY_BINARY, /* its header and trailer are left to the caller */
        ROWS_ANSWERS
} RowsAnswer;

/* Of ROWS_COPY_TEXT and ROWS_COPY_CSV; the words are COPY's. */
typedef struct CopyFormat {
        char delimiter, quote, escape;
        Str null;
} CopyFormat;

typedef struct ExecuteSpec {
        Str sql;
        RowsAnswer answer;
        const uint16_t *formats; /* ROWS_FORMATS: 0 text, 1 binary; none = all text, one = for all. ROWS_COPY_CSV: 1 = quote always */
        size_t format_count;
        CopyFormat copy;
} ExecuteSpec;

void execute_spec_write(Buf *out, const ExecuteSpec *spec);
/* For the worker. Texts are borrowed, formats live in the arena; CORRUPT. */
Status execute_spec_read(Str bytes, Arena *arena, ExecuteSpec *out, Error *err);

typedef struct WorkerRows WorkerRows;

Status worker_rows_begin(Worker *worker, const ExecuteSpec *spec, WorkerRows **out, Error *err);
/* At least one row, at most `most` (0 = as many as came together), as messages that are valid until the next call. *out_done:
 * there are no more; known only once the worker said so, so the last rows and the end come by two calls. */
Status worker_rows_next(WorkerRows *rows, int64_t most, Str *out_messages, int64_t *out_count, bool *out_done, Error *err);
/* The worker may take so long from then (monotonic; 0 = no limit); begin() takes what its calls may. Time in which nobody asks
 * counts not. */
void worker_rows_allow(WorkerRows *rows, int64_t began_us, int64_t us);
/* Asked about that often while rows are waited for or taken: what it fails with is what next() fails with, and the answer is to
 * be ended. A new one takes the place of the last. */
void worker_rows_watch(WorkerRows *rows, int64_t every_us, Status (*watch)(void *context, Error *err), void *context);
void worker_rows_end(WorkerRows *rows); /* NULL is fine */
void worker_rows_endp(WorkerRows **rows);
