/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Map: text to pointer, in an arena, in order of insertion (so that everything printed from one is stable).
 * Keys are copied into the arena. No removal. Nothing is ever hashed with a fixed seed.
 */
#include "base/arena.h"

typedef struct MapEntry {
        Str key;
        void *value;
        uint64_t hash;
} MapEntry;

typedef struct Map {
        Arena *arena;
        MapEntry *entries; /* in order of insertion; entries[0..count) may be walked */
        size_t count, capacity;
        uint32_t *slots;
        size_t slot_count;
} Map;

void map_init(Map *map, Arena *arena);
void *map_get(const Map *map, Str key); /* NULL if absent */
bool map_has(const Map *map, Str key);
void map_put(Map *map, Str key, void *value); /* replaces */
/* The place of key's value, made with NULL in it if absent. Stale after the next put. */
void **map_at(Map *map, Str key);
