/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Plain names that are words of the engine: at, by, show, pivot and others are names to PostgreSQL 15 (none of them is reserved
 * there, most are no words of it at all), and the engine takes them in quotes only. For a text that the engine could not parse
 * they are put under stand-ins of as many bytes, so that places in one are places in the other, and the names of its answer are
 * put back. Which of them stand as names is told by their neighbours; what stands as a keyword stays one.
 */
#include "base/arena.h"

/* false: there is none in it, or the text has letters of our stand-ins itself. */
bool sql_plain_names(Str text, Arena *arena, Str *out);
/* In the engine's JSON of such a text. */
Str sql_plain_names_back(Str json, Arena *arena);
