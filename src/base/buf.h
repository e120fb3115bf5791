/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Buf: a growing byte buffer with a limit and a sticky failure: append many times, look once.
 * Owns its memory (malloc). Little-endian writers for messages and files.
 */
#include <endian.h>
#include <string.h>

#include "base/arena.h"
#include "base/error.h"

typedef struct Buf {
        char *data;
        size_t size, capacity;
        size_t limit;  /* 0 = none; an append beyond it is dropped whole and sets failed */
        bool failed;
} Buf;

void buf_deinit(Buf *buf);
void buf_clear(Buf *buf); /* keeps the memory */
void *buf_grow(Buf *buf, size_t size); /* buf_reserve() when there is no room yet */
/* Room for size more bytes at the end, not yet counted; NULL if over the limit. Then buf_added(). */
static inline void *buf_reserve(Buf *buf, size_t size) {
        bool fits = buf->data && !buf->failed && size <= buf->capacity - buf->size;
        return fits && (buf->limit == 0 || size <= buf->limit - buf->size) ? buf->data + buf->size : buf_grow(buf, size);
}
static inline void buf_added(Buf *buf, size_t size) {
        buf->size += size;
}
/* These are in every loop over values: a known size becomes one move. */
static inline void buf_append(Buf *buf, Str bytes) {
        void *at = buf_reserve(buf, bytes.size);
        if (!at || !bytes.size)
                return;
        memcpy(at, bytes.data, bytes.size);
        buf_added(buf, bytes.size);
}
void buf_append_cstr(Buf *buf, const char *text);
static inline void buf_append_byte(Buf *buf, char byte) {
        buf_append(buf, (Str){ &byte, 1 });
}
/* The text between two marks, each mark inside it doubled: SQL names and literals, CSV fields. */
void buf_append_quoted(Buf *buf, Str text, char mark);
void buf_printf(Buf *buf, const char *format, ...) PRINTF_LIKE(2, 3);
#define BUF_WRITER(name, type, convert)                                               \
        static inline void name(Buf *buf, type value) {                               \
                type bytes = convert(value);                                          \
                buf_append(buf, (Str){ (const char *)&bytes, sizeof(bytes) });        \
        }
BUF_WRITER(buf_u8, uint8_t, )
BUF_WRITER(buf_u16, uint16_t, htole16)
BUF_WRITER(buf_u32, uint32_t, htole32)
BUF_WRITER(buf_u64, uint64_t, htole64)
/* Network order, for the PostgreSQL protocol. */
BUF_WRITER(buf_be16, uint16_t, htobe16)
BUF_WRITER(buf_be32, uint32_t, htobe32)
BUF_WRITER(buf_be64, uint64_t, htobe64)
#undef BUF_WRITER
void buf_patch_u32(Buf *buf, size_t at, uint32_t value);
void buf_patch_be32(Buf *buf, size_t at, uint32_t value);
void buf_cstr(Buf *buf, Str text); /* ended by a NUL; the text is cut at its first own */
/* A u32 length and the bytes: the pair of cursor_str(). */
void buf_lstr(Buf *buf, Str bytes);
static inline Str buf_view(const Buf *buf) {
        return (Str){ buf->data, buf->size };
}
Str buf_dup(const Buf *buf, Arena *arena);

/*
 * Cursor: a bounded reader with the same sticky failure. After a failure every read gives zero or an empty view.
 */
typedef struct Cursor {
        const uint8_t *at, *end;
        bool failed;
} Cursor;

Cursor cursor_of(Str bytes);
static inline size_t cursor_left(const Cursor *cursor) {
        return (size_t)(cursor->end - cursor->at);
}
uint8_t cursor_u8(Cursor *cursor);
uint16_t cursor_u16(Cursor *cursor);
uint32_t cursor_u32(Cursor *cursor);
uint64_t cursor_u64(Cursor *cursor);
double cursor_f64(Cursor *cursor);
uint16_t cursor_be16(Cursor *cursor);
uint32_t cursor_be32(Cursor *cursor);
uint64_t cursor_be64(Cursor *cursor);
Str cursor_cstr(Cursor *cursor);               /* up to a NUL, which is passed; borrowed */
Str cursor_bytes(Cursor *cursor, size_t size); /* borrowed */
Str cursor_str(Cursor *cursor);                /* u32 length, then bytes; borrowed */
/* A u32 count of things that take at least min_size bytes each: fails when so many cannot follow. */
uint32_t cursor_count(Cursor *cursor, size_t min_size);
/* A u64 count of rows or bytes: fails above CURSOR_TALLY_MAX, so that no sum of a few of them overflows. */
#define CURSOR_TALLY_MAX ((int64_t)1 << 50)
int64_t cursor_tally(Cursor *cursor);
