/* SPDX-License-Identifier: Apache-2.0 */
#include "frame/unseen.h"

#include "base/buf.h"

#define EXAMPLE_MAX 24 /* bytes */

static bool is_unseen(uint32_t point) {
        static const struct {
                uint32_t first, last;
        } ranges[] = {
                { 0x85, 0x85 }, { 0xa0, 0xa0 }, { 0xad, 0xad }, { 0x1680, 0x1680 }, { 0x180e, 0x180e }, { 0x2000, 0x200f }, { 0x2028, 0x202f }, { 0x205f, 0x2064 }, { 0x2066, 0x206f }, { 0x3000, 0x3000 }, { 0xfeff, 0xfeff },
        };
        for (size_t i = 0; i < COUNT_OF(ranges); i++)
                if (point >= ranges[i].first && point <= ranges[i].last)
                        return true;
        return false;
}

bool unseen_look(Str text) {
        uint32_t point;
        if (utf8_decode(text, 0, &point) && is_unseen(point))
                return true;
        size_t last = text.size - 1;
        while (last > 0 && (text.data[last] & 0xc0) == 0x80)
                last--;
        return utf8_decode(text, last, &point) && is_unseen(point);
}

Str unseen_shown(Arena *arena, Str text) {
        CLEANUP(buf_deinit) Buf out = { 0 };
        for (size_t at = 0; at < text.size;) {
                uint32_t point;
                size_t step = utf8_decode(text, at, &point);
                if (is_unseen(point))
                        buf_printf(&out, "<U+%04X>", point);
                else
                        buf_append(&out, str_slice(text, at, at + step));
                at += step;
        }
        return buf_dup(&out, arena);
}

Str unseen_words(Arena *arena, size_t count, Str first) {
        Str example = str_slice(first, 0, EXAMPLE_MAX);
        while (example.size > 0 && !utf8_valid(example))
                example.size--;
        return arena_strf(arena, "%zu value%s with what no eye sees, such as '%.*s'", count, count == 1 ? " begins or ends" : "s begin or end",
                          STR_ARG(unseen_shown(arena, example)));
}
