/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Fixed width as records: each line is one, and each column is cut out of it at places that the source names. Blanks
 * around a field do not count; a field of blanks is NULL.
 *
 * Places are characters from 1, both ends included: `1-8`. A line may end inside its last column, whose blanks some
 * programs leave out; one that ends before is bad (WRONG_LENGTH), and so is text where no column is (TEXT_OUTSIDE).
 * Lines of blanks, comments, footers, the preamble and a header are skipped. Lines end as in CSV.
 */
#include "frame/fixed_cut.h"
#include "frame/reader.h"

extern const ReaderKind fixed_kind;
