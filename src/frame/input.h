/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Input: the bytes of a delivery, decompressed on the way, and as UTF-8 if they are asked for as text. Where they come
 * from is a function of the caller's. Compression (decompress.h) is told by the first bytes, never by a name; a file
 * may have several members, one after the other. What is damaged, cut short, or compressed in a way not read yet is HELD: the
 * file is at fault.
 */
#include "frame/encoding.h"
#include "frame/format.h"

/*
 * Two ways to the same bytes; a reader takes one of them. read: from front to back, up to size bytes into `into`;
 * *out_got == 0 means the end. read_at: any place, for formats that begin at their end (zip); NULL where the bytes
 * only come once. `size` is theirs, where read_at is.
 */
typedef struct Source {
        Status (*read)(void *context, void *into, size_t size, size_t *out_got, Error *err);
        void *context;
        Status (*read_at)(void *context, uint64_t offset, void *into, size_t size, size_t *out_got, Error *err);
        uint64_t size;
} Source;

/* A source over bytes in memory, for tests and samples: context is a Str, which read() moves on. */
Source source_of_bytes(Str *bytes);

/* A file of so many bytes and more is a bomb when it holds more than so many times what was sent. */
#define INPUT_BOMB_BYTES (1ull << 30)
#define INPUT_BOMB_RATIO 1000u
static inline bool input_is_bomb(uint64_t raw, uint64_t decoded) {
        return decoded > INPUT_BOMB_BYTES && decoded / INPUT_BOMB_RATIO > raw;
}

typedef struct Input Input;

Input *input_new(void); /* keeps its buffers and its decompressor from file to file */
void input_free(Input *input);
void input_freep(Input **input);

/* limit: decoded bytes beyond which the file is HELD; 0 = none. */
Status input_start(Input *input, Source source, FormatCompression compression, uint64_t limit, Error *err);
/* The same for bytes of any kind: none are refused for what they begin with. */
Status input_start_bytes(Input *input, Source source, uint64_t limit, Error *err);
/*
 * The same for text of a source: it comes as UTF-8, whatever the format or a byte order mark says it is in. Where the
 * format says an encoding of one byte a letter, and all letters beyond ASCII are UTF-8 from front to back, the text is
 * UTF-8: a sender went over to it, and no word in another encoding looks so. That is looked for first, with read_at.
 */
Status input_start_text(Input *input, Source source, const Format *format, uint64_t limit, Error *err);
/* Fills `into` whole unless the end comes first. *out_got < size means the end. */
Status input_read(Input *input, void *into, size_t size, size_t *out_got, Error *err);
uint64_t input_read_raw(const Input *input);     /* bytes taken from the source so far */
uint64_t input_read_decoded(const Input *input); /* the same after decompression and before letters were decoded */
const EncodingSizes *input_sizes(const Input *input); /* of the text's letters in the delivery; NULL: as read */
