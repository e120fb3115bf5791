/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Misfit: one record that did not fit, as facts, and the sentence that people read of it. A worker writes the sentence
 * into the quarantine's rows; in its report it sends the facts, and `lode` makes the sentence anew.
 */
#include "frame/batch.h"
#include "frame/rule.h"

#define MISFIT_FIELD_MAX 64 /* bytes of the field in the sentence, with the dots of one that was cut */

typedef struct Misfit {
        Rule rule;
        const SourceColumn *column; /* NULL: the whole record */
        Str path;                   /* of what does not fit inside a list or struct, as NestedFault has it; at most MISFIT_FIELD_MAX bytes */
        Str field;                  /* what stands in it, at most MISFIT_FIELD_MAX bytes of UTF-8 */
        int64_t width, wanted;      /* WRONG_WIDTH: the record's fields, and how many belong. WRONG_LENGTH:
                                     * its characters, and where the columns end. TEXT_OUTSIDE: the character, from 1, at
                                     * which it begins, and where the column before it ends. INVALID_UTF8 and
                                     * INVALID_BYTES: width is where in the delivery the first wrong byte lies, if wanted is 0. BAD_JSON:
                                     * the byte of the record, from 1, and the JsonFault */
} Misfit;

/* Of INVALID_UTF8 and INVALID_BYTES. */
void misfit_place(const BadRecord *bad, int64_t *out_width, int64_t *out_wanted);

/* In the arena. What a terminal would act on is shown as `?`. */
Str misfit_words(const Misfit *misfit, Arena *arena);
