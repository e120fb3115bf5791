/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A delivery's bytes, however compressed and in whatever pieces they come: the same text each time, never beyond the
 * limit. The first byte chooses the size of the pieces.
 */
#include "frame/input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LIMIT (1u << 20)

typedef struct Drip {
        Str left;
        size_t most; /* bytes at a time */
} Drip;

static Status drip(void *context, void *into, size_t size, size_t *out_got, Error *err) {
        Drip *from = context;
        Source source = source_of_bytes(&from->left);
        return source.read(source.context, into, size < from->most ? size : from->most, out_got, err);
}

/* All that can be read, as (status, size, a sum of the bytes). */
static Status read_all(Input *input, Str bytes, size_t piece, uint64_t *out_sum) {
        static uint8_t into[1 << 16];
        Error err = { 0 };
        Drip from = { bytes, piece };
        uint64_t sum = 0, decoded = 0;
        Status status = input_start(input, (Source){ drip, &from }, FORMAT_COMPRESSION_AUTO, LIMIT, &err);
        for (size_t got = sizeof(into); status == STATUS_OK && got == sizeof(into);) {
                status = input_read(input, into, sizeof(into), &got, &err);
                for (size_t i = 0; status == STATUS_OK && i < got; i++)
                        sum = sum * 31 + into[i] + 1;
                decoded += status == STATUS_OK ? got : 0;
        }
        if (status != STATUS_OK && err.message[0] == '\0')
                panic("refused without a word");
        if (decoded > LIMIT)
                panic("%llu bytes came through a limit of %u", (unsigned long long)decoded, LIMIT);
        *out_sum = sum;
        return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static Input *input; /* warm from file to file, as in a worker */
        if (size < 1)
                return 0;
        if (!input)
                input = input_new();
        Str bytes = { (const char *)data + 1, size - 1 };
        uint64_t whole, pieces;
        Status first = read_all(input, bytes, SIZE_MAX, &whole);
        Status second = read_all(input, bytes, data[0] + 1u, &pieces);
        if (first != second || (first == STATUS_OK && whole != pieces))
                panic("the pieces in which bytes come change what they are");
        return 0;
}
