/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* FixedCut: where on a line of fixed width a column is, as a source writes it: `9-20`, or `9` for one character. */
#include "base/str.h"

#define FIXED_PLACE_MAX 65536

typedef struct FixedCut {
        uint32_t from, to; /* characters from 1, both included */
} FixedCut;

bool fixed_cut_parse(Str text, FixedCut *out);
