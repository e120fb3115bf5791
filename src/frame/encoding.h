/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Encoding: how letters became bytes, and their way back to UTF-8. The tables of the encodings of one and two bytes are
 * made at build time of Python's codecs (encoding_generate.py): iconv's modules cannot be loaded in a worker's box.
 *
 * A byte that has no meaning where it stands becomes ENCODING_WRONG, which no UTF-8 holds, so the framer finds it as it
 * finds bad UTF-8: in its record, at its place. Since each letter has one size in each encoding, and ENCODING_WRONG has
 * one byte, the size of a decoded text in the delivery is told from the text alone.
 *
 * Pure functions over constant tables, but for EncodingSizes, which its owner frees. Any thread.
 */
#include "base/arena.h"
#include "base/str.h"

#define ENCODING_WRONG 0xff
#define ENCODING_GROWTH 3 /* a byte becomes at most so many */
#define ENCODING_HELD_MAX 4 /* bytes of a letter */

typedef struct Encoding Encoding;

/* By any of the names that people write, without regard to case, blanks and dashes. NULL: none is called so. */
const Encoding *encoding_find(Str name);
/* The name nearest to a misspelled one; STR_NONE if none is near. */
Str encoding_nearest(Str name);
Str encoding_name(const Encoding *encoding); /* as `lode add` writes it */
/* The names for a message, commas between. */
Str encoding_names(Arena *arena);
bool encoding_is_utf8(const Encoding *encoding);
bool encoding_is_single(const Encoding *encoding); /* one byte a letter */

/*
 * Which encoding a text is really in that begins with `head`: a byte order mark says more than a source does, and
 * tells the order of UTF-16; where that has none, the place of its zero bytes does.
 */
const Encoding *encoding_of_text(const Encoding *said, Str head);

/*
 * Decodes a part of a text to UTF-8. `out` has room for ENCODING_GROWTH bytes of each. Returns how many bytes of raw it
 * used: all but the beginning of a letter that is not whole (none of that where the part is the last).
 */
size_t encoding_decode(const Encoding *encoding, Str raw, bool last, char *out, size_t *out_size);

#define ENCODING_NO_POINT UINT32_MAX
/* The letter at raw.data[at], or ENCODING_NO_POINT; returns its bytes, 0 if it is not whole. */
size_t encoding_letter(const Encoding *encoding, Str raw, size_t at, uint32_t *out);

/* How many bytes each letter has in the delivery. NULL is UTF-8: as many as here. */
typedef struct EncodingSizes EncodingSizes;
EncodingSizes *encoding_sizes_new(const Encoding *encoding);
void encoding_sizes_free(EncodingSizes *sizes);
/* The bytes in the delivery of whole letters that were decoded. */
uint64_t encoding_raw_size(const EncodingSizes *sizes, Str decoded);
