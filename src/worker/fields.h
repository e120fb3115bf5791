/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Which field of a record is which column of a source: by name where the file has a header, by key where its records
 * have keys (then more may be met with every batch), else by place.
 */
#include "base/vec.h"
#include "frame/reader.h"

#define NO_FIELD SIZE_MAX /* the file lacks the column, or none of its records so far has it */

typedef struct Fields {
        StrList header; /* names as names_of_header() gives them; of keys, those that were met */
        size_t *places; /* of each column, its place in the record */
        const SourceColumn *columns;
        size_t column_count;
        Arena *arena;
        bool *own;      /* of each column: it is found by its own name, not by that of keys inside each other */
        Map taken; /* names of keys */
        VEC(Str) names, keys;
} Fields;

size_t fields_find(StrList header, Str name); /* without regard to case; NO_FIELD */

/* What columns, and those to be ignored, are called in the file, for readers that must know before they read; of keyed
 * ones what columns were called before, too. */
StrList fields_wanted(const Format *format, const SourceColumn *columns, size_t count, StrList ignore, Arena *arena);

/* What those of them are called that are text. */
StrList fields_texts(const SourceColumn *columns, size_t count, Arena *arena);

/* A file was begun and its width is known. HELD where a header names none of the columns. */
Status fields_match(const RecordReader *reader, const SourceColumn *columns, size_t count, Arena *arena, Fields *out, Error *err);

/* Before a batch of a keyed reader is looked at, with its width; at the end, with the reader's. */
void fields_meet(Fields *fields, const RecordReader *reader, size_t width);
Str fields_key(const Fields *fields, size_t field); /* as the file has it; of a keyed reader */
/* At the end of a keyed file: HELD when its records have keys, and none is a column's. */
Status fields_check(const Fields *fields, Error *err);
