/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Languages: how likely letters beyond ASCII are what somebody wrote, by which letters a language has, how often, and between
 * what they stand. Tells encodings of one byte a letter apart: read by a wrong one, a text is in no language.
 */
#include "base/str.h"

/* What is known of a letter's neighbours. */
typedef struct LetterPlace {
        uint32_t before, point, after;
} LetterPlace;

#define LANGUAGE_COUNT 20

/* The logarithm of how likely the letter is in each language of the script; adds to `sums`. */
void languages_weigh(const LetterPlace *place, double sums[LANGUAGE_COUNT]);
bool language_letter(uint32_t point);  /* of an alphabet, ASCII included */
