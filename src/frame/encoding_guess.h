/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * EncodingGuess: in which encoding a text is of which only bytes are known. A byte order mark says it, and so does text
 * that is UTF-8 throughout. All else is judged by what the candidates make of it: letters among letters, signs where
 * signs stand, the common characters of a language. Such a judgment is a doubt, with a piece of the text to look at.
 * Where no candidate gives sense it is UTF-8, whose framing finds the bytes that are none.
 */
#include "frame/encoding.h"

typedef struct EncodingGuess {
        const Encoding *encoding;
        Str what, assumed;        /* the doubt; empty if there is none */
        Str unsure[4];            /* an encoding, what it reads, another one, what that reads: nothing tells which; else empty */
} EncodingGuess;

/* raw: from the beginning of the text; whole: it is all of it. Texts lie in the arena. */
void encoding_guess(Str raw, bool whole, Arena *arena, EncodingGuess *out);

/* Whether the bytes are a text as mainframes write it, where 0x40 is a blank and letters and digits lie above 0x80. */
bool encoding_is_ebcdic(Str raw);
