/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>

#define BLOCK_SIZE (64u << 10)
#define ALIGNMENT 16

struct ArenaBlock {
        ArenaBlock *older;
        size_t size;
        _Alignas(ALIGNMENT) char data[];
};

static void *must(void *pointer) {
        if (!pointer)
                out_of_memory();
        return pointer;
}

static void add_block(Arena *arena, size_t size) {
        /* blocks double with the arena, so that a big document takes few of them */
        size_t wanted = arena->total < (4u << 20) ? arena->total : (4u << 20);
        if (wanted < BLOCK_SIZE)
                wanted = BLOCK_SIZE;
        if (!arena->blocks)
                wanted = 4096;
        if (wanted < size)
                wanted = size;
        ArenaBlock *block = must(malloc(sizeof(*block) + wanted));
        block->older = arena->blocks;
        block->size = wanted;
        arena->blocks = block;
        arena->at = block->data;
        arena->end = block->data + wanted;
}

void arena_deinit(Arena *arena) {
        for (ArenaBlock *block = arena->blocks; block;) {
                ArenaBlock *older = block->older;
                free(block);
                block = older;
        }
        *arena = (Arena){ 0 };
}

void arena_reset(Arena *arena) {
        ArenaBlock *kept = arena->blocks;
        if (!kept)
                return;
        for (ArenaBlock *block = kept->older; block;) {
                ArenaBlock *older = block->older;
                free(block);
                block = older;
        }
        kept->older = NULL;
        *arena = (Arena){ .blocks = kept, .at = kept->data, .end = kept->data + kept->size };
}

void *arena_alloc_raw(Arena *arena, size_t size) {
        if (size > SIZE_MAX / 2)
                out_of_memory();
        size_t rounded = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
        if (rounded == 0)
                rounded = ALIGNMENT;
        if ((size_t)(arena->end - arena->at) < rounded)
                add_block(arena, rounded);
        void *result = arena->at;
        arena->at += rounded;
        arena->total += rounded;
        return result;
}

void *arena_alloc(Arena *arena, size_t size) {
        return memset(arena_alloc_raw(arena, size), 0, size);
}

void *arena_alloc_array(Arena *arena, size_t count, size_t size) {
        size_t total;
        if (__builtin_mul_overflow(count, size, &total))
                out_of_memory();
        return arena_alloc(arena, total);
}

void *arena_grow(Arena *arena, void *old, size_t old_size, size_t new_size) {
        size_t old_rounded = (old_size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
        size_t new_rounded = (new_size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
        bool is_newest = old && old_size && (char *)old + old_rounded == arena->at;
        if (is_newest && new_rounded >= old_rounded && (size_t)(arena->end - arena->at) >= new_rounded - old_rounded) {
                arena->at += new_rounded - old_rounded;
                arena->total += new_rounded - old_rounded;
                return old;
        }
        void *result = arena_alloc_raw(arena, new_size);
        if (old && old_size)
                memcpy(result, old, old_size);
        return result;
}

Str arena_str(Arena *arena, Str s) {
        char *copy = arena_alloc_raw(arena, s.size + 1);
        if (s.size)
                memcpy(copy, s.data, s.size);
        copy[s.size] = '\0';
        return (Str){ copy, s.size };
}

Str arena_join(Arena *arena, const Str *items, size_t count, const char *between) {
        size_t gap = strlen(between), size = count > 1 ? (count - 1) * gap : 0;
        for (size_t i = 0; i < count; i++)
                size += items[i].size;
        char *text = arena_alloc_raw(arena, size + 1), *at = text;
        for (size_t i = 0; i < count; i++) {
                at = mempcpy(at, between, i ? gap : 0);
                at = items[i].size ? mempcpy(at, items[i].data, items[i].size) : at;
        }
        *at = '\0';
        return (Str){ text, size };
}

Str arena_lower(Arena *arena, Str s) {
        char *copy = arena_cstr(arena, s);
        for (size_t i = 0; i < s.size; i++)
                copy[i] = char_lower(copy[i]);
        return (Str){ copy, s.size };
}

char *arena_cstr(Arena *arena, Str s) {
        char *copy = arena_alloc_raw(arena, s.size + 1);
        if (s.size)
                memcpy(copy, s.data, s.size);
        copy[s.size] = '\0';
        return copy;
}

static Str print(Arena *arena, const char *format, va_list args) {
        va_list again;
        va_copy(again, args);
        int size = vsnprintf(NULL, 0, format, again);
        va_end(again);
        if (size < 0)
                panic("a format string cannot be printed: %s", format);
        char *text = arena_alloc_raw(arena, (size_t)size + 1);
        vsnprintf(text, (size_t)size + 1, format, args);
        return (Str){ text, (size_t)size };
}

char *arena_printf(Arena *arena, const char *format, ...) {
        va_list args;
        va_start(args, format);
        Str result = print(arena, format, args);
        va_end(args);
        return arena_cstr(arena, result);
}

Str arena_strf(Arena *arena, const char *format, ...) {
        va_list args;
        va_start(args, format);
        Str result = print(arena, format, args);
        va_end(args);
        return result;
}
