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
        const uint8_t *at, *end; /* of the packed bytes */
        char *data;
        size_t size, room;
} Unpacking;

/* A number of so many bytes, least first; false where there are fewer. */
static inline bool take_number(Unpacking *u, size_t bytes, size_t *out) {
        size_t number = 0;
        if ((size_t)(u->end - u->at) < bytes)
                return false;
        for (size_t i = 0; i < bytes; i++)
                number |= (size_t)u->at[i] << (8 * i);
        u->at += bytes;
        *out = number;
        return true;
}

static inline bool take_literal(Unpacking *u, size_t length) {
        if (length > 60) {
                if (!take_number(u, length - 60, &length))
                        return false;
                length++;
        }
        if (length > (size_t)(u->end - u->at) || length > u->room - u->size)
                return false;
        memcpy(u->data + u->size, u->at, length);
        u->at += length;
        u->size += length;
        return true;
}

static inline bool take_copy(Unpacking *u, size_t offset, size_t length) {
        if (offset == 0 || offset > u->size || length > u->room - u->size)
                return false;
        char *to = u->data + u->size;
        const char *from = to - offset;
        u->size += length;
        if (offset >= length) {
                memcpy(to, from, length);
                return true;
        }
        for (size_t i = 0; i < length; i++)
                to[i] = from[i]; /* overlaps itself: byte by byte */
        return true;
}

/* A literal, or a copy of what is there already. False if broken. */
static inline bool take_element(Unpacking *u) {
        uint8_t tag = *u->at++;
        size_t length = (size_t)(tag >> 2) + 1, offset;
        if ((tag & 3) == 0)
                return take_literal(u, length);
        if ((tag & 3) == 1)
                return take_number(u, 1, &offset) && take_copy(u, (size_t)(tag >> 5) << 8 | offset, 4 + ((tag >> 2) & 7));
        return take_number(u, (tag & 3) == 2 ? 2 : 4, &offset) && take_copy(u, offset, length);
}

bool snappy_unpack(Str packed, char *into, size_t size) {
        Cursor in = cursor_of(packed);
        uint64_t said;
        if (!read_size(&in, &said) || said != size)
                return false;
        Unpacking u = { in.at, in.at + cursor_left(&in), into, 0, size };
        while (u.at < u.end)
                if (!take_element(&u))
                        return false;
        return u.size == size;
}
