/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Mistake: what somebody may have meant who wrote SQL that cannot be parsed: a keyword that is misspelt, LIMIT 10, 20,
 * TOP 10, FOR UPDATE. Pure; of the text alone.
 */
#include "base/arena.h"
#include "base/str.h"

/* A sentence for the hint of a syntax error at this byte of the text; empty where there is none. */
Str sql_mistake(Str text, size_t offset, Arena *arena);
/* Whether nothing but blanks and comments stands behind the token at this byte: the text may only end too early. */
bool sql_is_last(Str text, size_t offset);
