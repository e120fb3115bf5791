/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Review: what reading made of each record of a delivery, field by field. REVIEW: spec + descriptors (in, out) -> how many
 * records were skipped for what; the records themselves go to `out`, one entry after the other, since they may be many.
 */
#include "frame/batch.h"
#include "frame/misfit.h"

/* name, words: by what a field's value differs from its text */
#define CHANGE_TABLE(X)                                                        \
        X(TRIMMED,      "trimmed",      "blanks around it")                    \
        X(NULL_WORD,    "null_word",    "a word that means nothing")           \
        X(EMPTY_QUOTED, "empty_quoted", "an empty text in quotes")             \
        X(DATE_PATTERN, "date_pattern", "the source's patterns of dates")      \
        X(TIME_FORM,    "time_form",    "how dates and times are written here") \
        X(DECIMAL,      "decimal",      "the source's decimal character")      \
        X(THOUSANDS,    "thousands",    "the source's thousands character")    \
        X(NUMBER_FORM,  "number_form",  "how numbers of the type are written here") \
        X(WORD,         "boolean_word", "a word for true or false")            \
        X(UUID_FORM,    "uuid_form",    "how UUIDs are written here")

typedef enum Change {
#define X(name, text, words) CHANGE_##name,
        CHANGE_TABLE(X)
#undef X
                CHANGE_COUNT
} Change;

const char *change_name(Change change);

typedef enum ReviewState { REVIEW_SAME, REVIEW_CHANGED, REVIEW_QUARANTINED, REVIEW_STATES } ReviewState;

#define REVIEW_TEXT_MAX 4096 /* bytes of a text in an entry; a longer one is cut */

typedef struct ReviewedField {
        uint32_t column; /* of the spec */
        Change change;
        Str from, to;    /* to: data NULL where it became NULL */
} ReviewedField;

typedef struct ReviewEntry {
        ReviewState state;
        int64_t record, line;
        uint64_t offset; /* of a sheet its row, as fixes have it */
        ReviewedField *fields; /* CHANGED */
        size_t field_count;
        Rule rule;       /* QUARANTINED, as the misfit has it */
        uint32_t place;  /* of the column from 1; 0: the whole record */
        Str field, path;
        int64_t width, wanted;
} ReviewEntry;

typedef struct ReviewSpec {
        Format format;
        SourceColumn *columns;
        size_t column_count;
        StrList ignore;
        uint64_t input_limit;
        bool brief; /* no entries of records that are the same */
} ReviewSpec;

typedef struct ReviewResult {
        int64_t records, same, changed, quarantined, headers, blanks, comments, preamble, footers;
} ReviewResult;

void review_spec_write(Buf *out, const ReviewSpec *spec);
Status review_spec_read(Str bytes, Arena *arena, ReviewSpec *out, Error *err);
void review_result_write(Buf *out, const ReviewResult *result);
Status review_result_read(Str bytes, ReviewResult *out, Error *err);
void review_entry_write(Buf *out, const ReviewEntry *entry);
/* The next entry; CORRUPT where the bytes are none. Texts are borrowed from the bytes. */
Status review_entry_read(Cursor *cursor, size_t column_count, Arena *arena, ReviewEntry *out, Error *err);
