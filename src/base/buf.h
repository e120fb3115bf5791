/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Buf: a growing byte buffer with a limit and a sticky failure: append many times, look once.
 * Owns its memory (malloc). Little-endian writers for messages and files.
 */
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
/* Room for size more bytes at the end, not yet counted; NULL if over the limit. Then buf_added(). */
void *buf_reserve(Buf *buf, size_t size);
static inline void buf_added(Buf *buf, size_t size) {
        buf->size += size;
}
void buf_append(Buf *buf, Str bytes);
void buf_append_cstr(Buf *buf, const char *text);
void buf_append_byte(Buf *buf, char byte);
/* The text between two marks, each mark inside it doubled: SQL names and literals, CSV fields. */
void buf_append_quoted(Buf *buf, Str text, char mark);
void buf_printf(Buf *buf, const char *format, ...) PRINTF_LIKE(2, 3);
void buf_u8(Buf *buf, uint8_t value);
void buf_u16(Buf *buf, uint16_t value);
void buf_u32(Buf *buf, uint32_t value);
void buf_u64(Buf *buf, uint64_t value);
void buf_f64(Buf *buf, double value);
void buf_patch_u32(Buf *buf, size_t at, uint32_t value);
/* Network order, for the PostgreSQL protocol. */
void buf_be16(Buf *buf, uint16_t value);
void buf_be32(Buf *buf, uint32_t value);
void buf_be64(Buf *buf, uint64_t value);
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
