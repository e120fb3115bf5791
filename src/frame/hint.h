/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Hint: which keys of a source would read texts that no type fits as they stand: numbers with a currency, a percent
 * sign or brackets, dates in several formats. Nothing is decided here: somebody who knows the file must.
 */
#include "frame/format.h"
#include "frame/pattern.h"

typedef struct Hint {
        Str what, how; /* what the texts look like; what a source would have to say. In the arena */
} Hint;

/* texts: trimmed, unquoted, neither empty nor a word for NULL. False where they look like no numbers. */
bool hint_numbers(const Format *format, const Str *texts, size_t count, Arena *arena, Hint *out);
/* Words for yes and no, numbers with a unit or a mark for debit and credit, numbers with two decimal points, months by name. */
bool hint_words(const Str *texts, size_t count, Arena *arena, Hint *out);
/* patterns: all of usual.h, compiled. False where they look like no dates. */
bool hint_dates(const Format *format, const Pattern *patterns, const Str *texts, size_t count, Arena *arena, Hint *out);
