/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Unseen: marks and blanks at the edges of a text that no eye sees and no ASCII blank is: a byte order mark, a zero-width
 * or no-break space. Text keeps them, since nothing is changed unsaid; but it equals no text without them, so it is told.
 */
#include "base/arena.h"

bool unseen_look(Str text); /* the slow part of the next */

/* Almost all texts begin and end with ASCII. */
static inline bool unseen_at_edge(Str text) {
        return text.size > 0 && ((text.data[0] | text.data[text.size - 1]) & 0x80) && unseen_look(text);
}

/* The text with each of them as `<U+FEFF>`, so that it can be seen. */
Str unseen_shown(Arena *arena, Str text);

/* What is said of so many texts, and what is made of them. */
#define UNSEEN_ASSUMED "kept, and so they equal no text without it"
Str unseen_words(Arena *arena, size_t count, Str first);
