/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Pattern: a date or time as a source writes it (the letters are in frame/format.h), compiled; and ISO 8601, which
 * needs none. Reading is exact: a date that does not exist or a second that is not there does not fit.
 */
#include "frame/format.h"
#include "frame/rule.h"

#define PATTERN_STEPS_MAX 48

typedef struct PatternStep {
        uint8_t part; /* an index into the table of parts, or PATTERN_LITERAL */
        char literal;
} PatternStep;

typedef struct Pattern {
        PatternStep steps[PATTERN_STEPS_MAX];
        size_t count;
        bool date, time, offset; /* what it reads */
} Pattern;

/* A point in local time, and its offset from UTC if the text says one. */
typedef struct Moment {
        int32_t days;   /* since 1970-01-01 */
        int64_t micros; /* of the day */
        bool has_time, has_offset;
        int32_t offset; /* seconds east of UTC */
} Moment;

/* BAD_VALUE: an unknown letter, a part twice, no whole date or time in it. */
Status pattern_compile(Str text, Pattern *out, Error *err);
bool pattern_read(const Pattern *pattern, Str text, Moment *out);
/* A date by the pattern, then a blank or 'T' and an ISO time, then perhaps an offset. */
bool pattern_read_long(const Pattern *pattern, Str text, Moment *out);

/* The text that the pattern reads as this point: for finding patterns that read one text as two. */
Str pattern_print(const Pattern *pattern, const int date_time[6], Arena *arena);

bool iso_read_date(Str text, int32_t *out_days);
/* HH:mm, HH:mm:ss, HH:mm:ss.f, up to six digits that are not zero. */
bool iso_read_time(Str text, int64_t *out_micros);
/* Date alone, or date, blank or 'T', and time; then perhaps Z, +hh, +hhmm, +hh:mm. */
bool iso_read_timestamp(Str text, Moment *out);
