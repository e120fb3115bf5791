/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * RecordReader: a delivery to batches of records, whatever its format. Each kind of format is a ReaderKind, a table of
 * functions over a state of its own; a reader keeps the state of every kind that it met, so that buffers stay warm
 * from file to file. One thread.
 */
#include "frame/batch.h"
#include "frame/input.h"

typedef struct ReaderOptions {
        const Format *format; /* checked; borrowed */
        size_t width;         /* fields of a record where the file itself does not say; 0 = as the first record */
        StrList names;        /* what the columns are called in the file, for kinds that must know before they read */
        StrList texts;        /* those that are text; a typed file may have them as bytes, which then must be UTF-8 */
        size_t needed;        /* so many of these, the first ones, must be there; the others may be left out */
        uint64_t limit;       /* decoded bytes beyond which the file is HELD; 0 = none */
        bool sample;          /* the source is the beginning of a file: what its end cuts is left out */
        bool places_only;     /* where records stand is all that is asked: their fields need not be there */
        bool values;          /* of a typed file: text only when reader_text() asks for it */
} ReaderOptions;

/* The functions of a kind; `state` is what its make() gave. They do what the calls below say. */
typedef struct ReaderKind {
        void *(*make)(void);
        void (*free)(void *state);
        Status (*start)(void *state, const ReaderOptions *options, Source source, Error *err);
        void (*header)(const void *state, Arena *arena, Str **out, size_t *out_count);
        size_t (*width)(const void *state);
        Status (*next)(void *state, RecordBatch *out, bool *out_end, Error *err);
        const RecordCounts *(*counts)(const void *state);
        uint64_t (*read_raw)(const void *state);
        Str (*key)(const void *state, size_t field); /* NULL: fields have a fixed place */
        const struct TypedColumn *(*column)(const void *state, size_t field); /* NULL: only their text tells types */
        Status (*text)(void *state, RecordBatch *batch, Error *err);          /* where `column` is */
        int64_t (*rows)(const void *state);                                    /* NULL: nobody knows before the end */
        int64_t (*nulls)(const void *state, size_t field);                     /* where `rows` is */
} ReaderKind;

typedef struct RecordReader RecordReader;

RecordReader *reader_new(void);
void reader_free(RecordReader *reader);
void reader_freep(RecordReader **reader);

/* Begins a file: reads what stands before its records. HELD where that is at fault; IO and HELD of Input. */
Status reader_start(RecordReader *reader, const ReaderOptions *options, Source source, Error *err);
/* The names that the file gives to its fields, in the arena. NULL and 0 where it gives none, or is empty. */
void reader_header(const RecordReader *reader, Arena *arena, Str **out, size_t *out_count);
size_t reader_width(const RecordReader *reader); /* 0 = not known: nothing was read yet, or the file is empty */

/* Whether fields are found by key: then there may be more with each batch, and a later batch is wider. */
bool reader_is_keyed(const RecordReader *reader);
Str reader_key(const RecordReader *reader, size_t field); /* of a keyed reader; borrowed until the next file */

/* Whether the file itself says of what types its fields are: then the column of a field, with its type. Such a reader is
 * keyed, and knows all its fields from the start. */
bool reader_is_typed(const RecordReader *reader);
const struct TypedColumn *reader_column(const RecordReader *reader, size_t field);
/* What a reader of that kind keeps of its file, for calls of the kind's own; NULL when the file is of another. */
const void *reader_state(const RecordReader *reader, const ReaderKind *kind);
/* What the file says of itself before it is read: its records, and the NULLs of a field; -1 where it does not. */
int64_t reader_rows(const RecordReader *reader);
int64_t reader_nulls(const RecordReader *reader, size_t field);
/* The text of a batch that came without. */
Status reader_text(RecordReader *reader, RecordBatch *batch, Error *err);

/* The next batch; *out_end when there is none. Some batches hold bad records alone. */
Status reader_next(RecordReader *reader, RecordBatch *out, bool *out_end, Error *err);
const RecordCounts *reader_counts(const RecordReader *reader); /* true for what was handed out so far */
uint64_t reader_read_raw(const RecordReader *reader);          /* compressed bytes read so far */
