/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Usual: what people usually write for dates and for "nothing", tried wherever a file does not say. */
#include "base/str.h"

#define USUAL_PATTERN_COUNT 35
#define USUAL_NULL_WORD_COUNT 13

/* Of two patterns that read the same texts as different days, `twin` is the index of the other, -1 = none; the one listed
 * first has the day first. */
typedef struct UsualPattern {
        const char *text;
        int twin;
} UsualPattern;

extern const UsualPattern usual_patterns[USUAL_PATTERN_COUNT];

/* Texts that occur among values of a type and stand for none of them. */
extern const char *const usual_null_words[USUAL_NULL_WORD_COUNT];

/* One of these, or of some that nobody would assume unasked, without regard to case. */
bool usual_is_null_word(Str text);
