/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Codec: the ways in which a delivery may be compressed, each told by its first bytes and read by the same three
 * functions. What is decompressed is somebody else's: a decoder takes no more memory than CODEC_MEMORY.
 *
 * A file may hold several members of one codec, one after the other; codec_start() is called before each.
 */
#include "base/str.h"

#define CODEC_MEMORY (128u << 20)  /* of the windows and dictionaries of one decoder */
#define CODEC_MEMORY_MB (CODEC_MEMORY >> 20)

typedef enum CodecStep { CODEC_MORE, CODEC_END, CODEC_DAMAGED, CODEC_TOO_LARGE } CodecStep;

/* What is left of both sides; a step moves on. */
typedef struct CodecBytes {
        const uint8_t *in;
        size_t in_size;
        uint8_t *out;
        size_t out_size;
} CodecBytes;

typedef struct Codec {
        const char *name;
        const char *magic;
        size_t magic_size;
        bool (*start)(void **state); /* makes the state, or makes it new; false: the library does not start */
        CodecStep (*step)(void *state, CodecBytes *bytes);
        void (*free)(void *state);
} Codec;

#define CODEC_COUNT 4
extern const Codec codecs[CODEC_COUNT];

/* The codec whose data begins so; NULL: none. */
const Codec *codec_of(Str head);
/* Whether another member may begin with this byte. */
bool codec_goes_on(const Codec *codec, uint8_t first);
