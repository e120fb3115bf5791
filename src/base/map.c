/* SPDX-License-Identifier: Apache-2.0 */
/* Open addressing over indexes into the ordered entries; slot 0 = free, else index + 1. */
#include "base/map.h"

#include "base/hash.h"

void map_init(Map *map, Arena *arena) {
        *map = (Map){ .arena = arena };
}

static size_t find_slot(const Map *map, Str key, uint64_t hash) {
        size_t mask = map->slot_count - 1;
        size_t at = (size_t)hash & mask;
        while (map->slots[at]) {
                const MapEntry *entry = &map->entries[map->slots[at] - 1];
                if (entry->hash == hash && str_equal(entry->key, key))
                        break;
                at = (at + 1) & mask;
        }
        return at;
}

static void grow(Map *map) {
        map->slot_count = map->slot_count ? map->slot_count * 2 : 16;
        map->slots = ARENA_ARRAY(map->arena, uint32_t, map->slot_count);
        for (size_t i = 0; i < map->count; i++)
                map->slots[find_slot(map, map->entries[i].key, map->entries[i].hash)] = (uint32_t)i + 1;
}

static MapEntry *find(const Map *map, Str key) {
        if (map->count == 0)
                return NULL;
        uint32_t index = map->slots[find_slot(map, key, hash64(key))];
        return index ? &map->entries[index - 1] : NULL;
}

void *map_get(const Map *map, Str key) {
        MapEntry *entry = find(map, key);
        return entry ? entry->value : NULL;
}

bool map_has(const Map *map, Str key) {
        return find(map, key) != NULL;
}

void **map_at(Map *map, Str key) {
        if ((map->count + 1) * 4 > map->slot_count * 3)
                grow(map);
        uint64_t hash = hash64(key);
        size_t slot = find_slot(map, key, hash);
        if (!map->slots[slot]) {
                if (map->count == map->capacity) {
                        size_t capacity = map->capacity ? map->capacity * 2 : 8;
                        map->entries = arena_grow(map->arena, map->entries, map->count * sizeof(MapEntry),
                                                  capacity * sizeof(MapEntry));
                        map->capacity = capacity;
                }
                map->entries[map->count++] = (MapEntry){ .key = arena_str(map->arena, key), .hash = hash };
                map->slots[slot] = (uint32_t)map->count;
        }
        return &map->entries[map->slots[slot] - 1].value;
}

void map_put(Map *map, Str key, void *value) {
        *map_at(map, key) = value;
}
