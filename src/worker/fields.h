/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Which field of a record is which column of a source: by name where the file has a header, else by place. */
#include "frame/reader.h"

#define NO_FIELD SIZE_MAX /* the file lacks the column */

typedef struct Fields {
        StrList header; /* names as names_of_header() gives them */
        size_t *places; /* of each column, its place in the record */
} Fields;

size_t fields_find(StrList header, Str name); /* without regard to case; NO_FIELD */

/* A file was begun and its width is known. HELD where a header names none of the columns. */
Status fields_match(const RecordReader *reader, const SourceColumn *columns, size_t count, Arena *arena, Fields *out, Error *err);
