/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Arena: memory that lives and dies together: a request, a statement, a parsed document. Nothing in it is freed
 * alone. Not thread-safe; one thread at a time. Out of memory ends the process: any size that came from a file
 * or a client is compared with a named limit before it gets here.
 */
#include <stddef.h>

#include "base/cleanup.h"
#include "base/str.h"

typedef struct ArenaBlock ArenaBlock;
typedef struct Arena {
        ArenaBlock *blocks;
        char *at, *end;
        size_t total; /* bytes handed out, for limits and tests */
} Arena;

/* A zeroed Arena is a valid empty one. */
void arena_deinit(Arena *arena); /* takes NULL's content too: `CLEANUP(arena_deinit) Arena arena = { 0 };` */
void arena_reset(Arena *arena);  /* forgets all, keeps the newest block */
void *arena_alloc(Arena *arena, size_t size); /* zeroed, aligned for any type */
void *arena_alloc_raw(Arena *arena, size_t size); /* not zeroed */
void *arena_grow(Arena *arena, void *old, size_t old_size, size_t new_size); /* in place if it is the newest */
Str arena_str(Arena *arena, Str s);             /* a copy, ended by NUL */
Str arena_lower(Arena *arena, Str s);           /* the same with ASCII letters in lower case */
Str arena_join(Arena *arena, const Str *items, size_t count, const char *between); /* one text, ended by NUL */
char *arena_cstr(Arena *arena, Str s);          /* the same as C string; an inner NUL cuts it for its readers */
char *arena_printf(Arena *arena, const char *format, ...) PRINTF_LIKE(2, 3);
Str arena_strf(Arena *arena, const char *format, ...) PRINTF_LIKE(2, 3);

#define ARENA_NEW(arena, type) ((type *)arena_alloc(arena, sizeof(type)))
#define ARENA_ARRAY(arena, type, count) ((type *)arena_alloc_array(arena, count, sizeof(type)))
void *arena_alloc_array(Arena *arena, size_t count, size_t size); /* checked multiplication */
