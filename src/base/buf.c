/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>

void buf_deinit(Buf *buf) {
        free(buf->data);
        *buf = (Buf){ .limit = buf->limit };
}

void buf_clear(Buf *buf) {
        buf->size = 0;
        buf->failed = false;
}

void *buf_grow(Buf *buf, size_t size) {
        size_t wanted;
        if (buf->failed || __builtin_add_overflow(buf->size, size, &wanted) || (buf->limit && wanted > buf->limit)) {
                buf->failed = true;
                return NULL;
        }
        if (wanted > buf->capacity || !buf->data) {
                size_t capacity = buf->capacity ? buf->capacity * 2 : 256;
                if (capacity < wanted)
                        capacity = wanted;
                buf->data = realloc(buf->data, capacity);
                if (!buf->data)
                        out_of_memory();
                buf->capacity = capacity;
        }
        return buf->data + buf->size;
}

void buf_append_cstr(Buf *buf, const char *text) {
        buf_append(buf, str_of(text));
}

void buf_append_quoted(Buf *buf, Str text, char mark) {
        buf_append_byte(buf, mark);
        for (size_t at; (at = str_find_byte(text, mark)) < text.size; text = str_slice(text, at + 1, text.size)) {
                buf_append(buf, str_slice(text, 0, at + 1));
                buf_append_byte(buf, mark);
        }
        buf_append(buf, text);
        buf_append_byte(buf, mark);
}

void buf_printf(Buf *buf, const char *format, ...) {
        va_list args, again;
        va_start(args, format);
        va_copy(again, args);
        int size = vsnprintf(NULL, 0, format, again);
        va_end(again);
        char *at = size < 0 ? NULL : buf_reserve(buf, (size_t)size + 1);
        if (at) {
                vsnprintf(at, (size_t)size + 1, format, args);
                buf->size += (size_t)size;
        } else {
                buf->failed = true;
        }
        va_end(args);
}

void buf_patch_u32(Buf *buf, size_t at, uint32_t value) {
        if (buf->failed || at > buf->size || buf->size - at < sizeof(value))
                return;
        value = htole32(value);
        memcpy(buf->data + at, &value, sizeof(value));
}

void buf_patch_be32(Buf *buf, size_t at, uint32_t value) {
        buf_patch_u32(buf, at, le32toh(htobe32(value)));
}

void buf_cstr(Buf *buf, Str text) {
        buf_append(buf, str_slice(text, 0, str_find_byte(text, '\0')));
        buf_append_byte(buf, '\0');
}

void buf_lstr(Buf *buf, Str bytes) {
        if (bytes.size > UINT32_MAX) {
                buf->failed = true;
                return;
        }
        buf_u32(buf, (uint32_t)bytes.size);
        buf_append(buf, bytes);
}

Str buf_dup(const Buf *buf, Arena *arena) {
        return arena_str(arena, buf_view(buf));
}

Cursor cursor_of(Str bytes) {
        const uint8_t *start = (const uint8_t *)bytes.data;
        static const uint8_t nothing[1];
        if (!start)
                start = nothing;
        return (Cursor){ start, start + bytes.size, false };
}

static bool take(Cursor *cursor, void *out, size_t size) {
        if (cursor->failed || cursor_left(cursor) < size) {
                cursor->failed = true;
                cursor->at = cursor->end;
                memset(out, 0, size);
                return false;
        }
        memcpy(out, cursor->at, size);
        cursor->at += size;
        return true;
}

uint8_t cursor_u8(Cursor *cursor) {
        uint8_t value;
        take(cursor, &value, sizeof(value));
        return value;
}

uint16_t cursor_u16(Cursor *cursor) {
        uint16_t value;
        take(cursor, &value, sizeof(value));
        return le16toh(value);
}

uint32_t cursor_u32(Cursor *cursor) {
        uint32_t value;
        take(cursor, &value, sizeof(value));
        return le32toh(value);
}

uint64_t cursor_u64(Cursor *cursor) {
        uint64_t value;
        take(cursor, &value, sizeof(value));
        return le64toh(value);
}

double cursor_f64(Cursor *cursor) {
        uint64_t bits = cursor_u64(cursor);
        double value;
        memcpy(&value, &bits, sizeof(value));
        return value;
}

uint16_t cursor_be16(Cursor *cursor) {
        uint16_t value;
        take(cursor, &value, sizeof(value));
        return be16toh(value);
}

uint32_t cursor_be32(Cursor *cursor) {
        uint32_t value;
        take(cursor, &value, sizeof(value));
        return be32toh(value);
}

uint64_t cursor_be64(Cursor *cursor) {
        uint64_t value;
        take(cursor, &value, sizeof(value));
        return be64toh(value);
}

Str cursor_cstr(Cursor *cursor) {
        Str left = { (const char *)cursor->at, cursor_left(cursor) };
        Str text = cursor_bytes(cursor, str_find_byte(left, '\0'));
        cursor_u8(cursor);
        return cursor->failed ? STR_NONE : text;
}

Str cursor_bytes(Cursor *cursor, size_t size) {
        if (cursor->failed || cursor_left(cursor) < size) {
                cursor->failed = true;
                cursor->at = cursor->end;
                return STR_NONE;
        }
        Str bytes = { (const char *)cursor->at, size };
        cursor->at += size;
        return bytes;
}

Str cursor_str(Cursor *cursor) {
        return cursor_bytes(cursor, cursor_u32(cursor));
}

uint32_t cursor_count(Cursor *cursor, size_t min_size) {
        uint32_t count = cursor_u32(cursor);
        if (min_size && count > cursor_left(cursor) / min_size) {
                cursor->failed = true;
                return 0;
        }
        return count;
}

int64_t cursor_tally(Cursor *cursor) {
        uint64_t tally = cursor_u64(cursor);
        if (tally <= (uint64_t)CURSOR_TALLY_MAX)
                return (int64_t)tally;
        cursor->failed = true;
        return 0;
}
