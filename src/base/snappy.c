/* SPDX-License-Identifier: Apache-2.0 */
#include "base/snappy.h"

static bool read_size(Cursor *in, uint64_t *out) {
        uint64_t size = 0;
        for (int shift = 0; shift <= 28; shift += 7) {
                uint8_t byte = cursor_u8(in);
                size |= (uint64_t)(byte & 0x7f) << shift;
                if (!(byte & 0x80)) {
                        *out = size;
                        return !in->failed;
                }
        }
        return false;
}

bool snappy_size(Str packed, uint64_t *out) {
        Cursor in = cursor_of(packed);
        return read_size(&in, out);
}

typedef struct Unpacking {
        char *data;
        size_t size, room;
} Unpacking;

static bool take_literal(Cursor *in, Unpacking *out, size_t length) {
        if (length > 60) {
                size_t extra = length - 60;
                length = 0;
                for (size_t i = 0; i < extra; i++)
                        length |= (size_t)cursor_u8(in) << (8 * i);
                length++;
        }
        Str literal = cursor_bytes(in, length);
        if (in->failed || length > out->room - out->size)
                return false;
        if (length > 0)
                memcpy(out->data + out->size, literal.data, length);
        out->size += length;
        return true;
}

/* A literal, or a copy of what is there already. False if broken. */
static bool take_element(Cursor *in, Unpacking *out) {
        uint8_t tag = cursor_u8(in);
        if ((tag & 3) == 0)
                return take_literal(in, out, (size_t)(tag >> 2) + 1);
        size_t length = (size_t)(tag >> 2) + 1, offset;
        if ((tag & 3) == 1) {
                length = 4 + ((tag >> 2) & 7);
                offset = (size_t)(tag >> 5) << 8 | cursor_u8(in);
        } else {
                offset = (tag & 3) == 2 ? cursor_u16(in) : cursor_u32(in);
        }
        if (in->failed || offset == 0 || offset > out->size || length > out->room - out->size)
                return false;
        char *to = out->data + out->size;
        const char *from = to - offset;
        out->size += length;
        if (offset >= length) {
                memcpy(to, from, length);
                return true;
        }
        for (size_t i = 0; i < length; i++)
                to[i] = from[i]; /* overlaps itself: byte by byte */
        return true;
}

bool snappy_unpack(Str packed, char *into, size_t size) {
        Cursor in = cursor_of(packed);
        Unpacking out = { into, 0, size };
        uint64_t said;
        if (!read_size(&in, &said) || said != size)
                return false;
        while (cursor_left(&in) > 0)
                if (!take_element(&in, &out))
                        return false;
        return out.size == size;
}
