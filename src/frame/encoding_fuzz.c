/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever the bytes: in one piece or in many they become the same text; it is UTF-8 but for the marks of bytes that
 * mean nothing; and its size in the delivery, told from the text, is the delivery's. The first byte chooses the
 * encoding, the second the pieces.
 */
#include "base/buf.h"
#include "base/error.h"
#include "frame/encoding_guess.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const names[] = { "utf-16le", "utf-16be", "cp1252",   "shift_jis", "gbk",   "euc-kr", "big5",
                                     "euc-jp",   "cp1250",   "cp1251",   "koi8-r",    "cp437", "cp850",  "macroman",
                                     "latin1",   "iso-8859-2", "iso-8859-15", "cp1253", "cp1254", "iso-8859-7", "iso-8859-9" };

static void require(bool condition, const char *what) {
        if (!condition)
                panic("%s", what);
}

static Str decode(const Encoding *encoding, Str raw, size_t piece, Arena *arena) {
        char *out = arena_alloc_raw(arena, raw.size * ENCODING_GROWTH + 1);
        size_t size = 0, at = 0, end = 0;
        while (end < raw.size || at < raw.size) {
                size_t made;
                end = raw.size - end > piece ? end + piece : raw.size;
                size_t used = encoding_decode(encoding, str_slice(raw, at, end), end == raw.size, out + size, &made);
                require(end - at - used < ENCODING_HELD_MAX, "more is kept back than a letter");
                at += used;
                size += made;
                require(size <= at * ENCODING_GROWTH, "a byte becomes more than it may");
        }
        return (Str){ out, size };
}

static void check_text(Str text) {
        for (size_t at = 0; at < text.size;) {
                uint32_t point;
                size_t size = utf8_decode(text, at, &point);
                require(size > 1 || (uint8_t)text.data[at] < 0x80 || (uint8_t)text.data[at] == ENCODING_WRONG, "what comes is no UTF-8");
                at += size;
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        if (size < 2)
                return 0;
        CLEANUP(arena_deinit) Arena arena = { 0 };
        const Encoding *encoding = encoding_find(str_of(names[data[0] % COUNT_OF(names)]));
        Str raw = { (const char *)data + 2, size - 2 };
        Str whole = decode(encoding, raw, SIZE_MAX, &arena);
        require(str_equal(whole, decode(encoding, raw, data[1] + 1u, &arena)), "the pieces in which bytes come change the text");
        check_text(whole);
        EncodingSizes *sizes = encoding_sizes_new(encoding);
        require(encoding_raw_size(sizes, whole) == raw.size, "the text's size in the delivery is not the delivery's");
        encoding_sizes_free(sizes);
        EncodingGuess guess;
        encoding_guess(raw, true, &arena, &guess);
        require(guess.encoding != NULL, "no encoding is guessed");
        return 0;
}
