/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Number style: which character is the decimal point in a file's numbers and which sets off thousands, told from all of
 * its columns together. 1,234 alone says neither; 0,5 or 12,34 says that the comma is the point, 1,234,567 or 1,234.5
 * that it is not; 12,34,567 that groups are of two digits, as in India.
 *
 * Plain data; texts lie in the arena that was given, examples in the texts.
 */
#include "frame/format.h"

/* What the numbers of a column say of '.' [0] and ',' [1]. All zero where the column holds no numbers. */
typedef struct NumberEvidence {
        size_t decimal[2];   /* values in which it must be the decimal point */
        size_t thousands[2]; /* values in which it must set off thousands */
        size_t either[2];    /* values in which it may be both, such as 1,234 */
        size_t indian, western;     /* values whose commas set off groups of two, and of three, and not the other */
        size_t blanks, apostrophes; /* values in which these set off thousands */
        Str example[2];      /* of either */
} NumberEvidence;

typedef struct NumberStyle {
        char decimal, thousands; /* thousands 0: none; or THOUSANDS_INDIAN */
        bool proven;             /* some value says so, and none the contrary */
} NumberStyle;

/* texts: trimmed, unquoted, neither empty nor a word for NULL. */
void number_evidence(const Str *texts, size_t count, NumberEvidence *out);
/* '.' or ',' if the column as a whole says that this is the decimal point; 0 if nothing is said. */
char number_evidence_vote(const NumberEvidence *column);
/* of: the columns of a file. Where nothing is proven a semicolon between fields says that the comma is the point. */
NumberStyle number_style_choose(const NumberEvidence *of, size_t count, char delimiter);
