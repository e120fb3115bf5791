/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * AsOf: of which time a delivery speaks, as a source's text says it:
 *
 *      landed            when it landed
 *      name "REGEX"      what the expression finds in the file's name: its first group, or all of it
 *      column C          what stands in column C, the same in every record (rows have it: nothing here reads them)
 *
 * What is found in a name is a date from the year on: digits, whatever stands between them. 2024-05-01, 20240501,
 * 2024_05 and 2024-05-01T13.30 are dates; times are UTC. The expression is a POSIX extended one, with \d for a digit.
 */
#include "base/arena.h"
#include "base/error.h"

typedef enum AsOfKind {
        AS_OF_UNSAID, /* as landed; but where rows say themselves which is newer, it does not count */
        AS_OF_LANDED,
        AS_OF_NAME,
        AS_OF_COLUMN,
} AsOfKind;

typedef struct AsOf {
        AsOfKind kind;
        Str text; /* NAME: the expression as POSIX has it; COLUMN: the column */
} AsOf;

/* BAD_VALUE with the words. */
Status as_of_parse(Str text, Arena *arena, AsOf *out, Error *err);
/* As it was written, or could have been. */
Str as_of_print(const AsOf *as_of, Arena *arena);

/* The expression, compiled: one for many names. */
typedef struct AsOfReader AsOfReader;
AsOfReader *as_of_reader_new(const AsOf *as_of); /* kind NAME */
void as_of_reader_freep(AsOfReader **reader);
/* Microseconds since 1970; false when the name holds no such date. */
bool as_of_read(const AsOfReader *reader, Str name, int64_t *out_us);
