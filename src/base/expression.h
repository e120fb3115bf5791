/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Expression: a POSIX extended regular expression (IEEE 1003.1, 9.4) as users write it. The C library compiles it, but
 * it copies what is repeated (`a+` as `aa*`, `a{9}` nine times; so 40 pluses are 2^40 copies), calls itself for every
 * parenthesis, and notes for each place all others that can be reached without reading anything. What would take its
 * memory or its stack is refused here, before. So are references back, `(a*)\1`: the standard has none in extended
 * expressions, the C library has, and does not come to an end on a name of 250 letters.
 */
#include <regex.h>

#include "base/str.h"

#define EXPRESSION_WHY 128

/* flags: REG_NOSUB or 0. False: out_why says why not, in a few words, and *out is nothing. Else regfree() it. */
bool expression_compile(Str text, int flags, regex_t *out, char out_why[EXPRESSION_WHY]);
