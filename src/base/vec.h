/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * VEC(T): a growing array in an arena. `VEC(int) v = { 0 }; vec_push(arena, &v, 7); v.items[0]`.
 * Old storage stays in the arena when it grows, so a pointer to an item is stale after a push.
 */
#include "base/arena.h"

#define VEC(type)              \
        struct {               \
                type *items;   \
                size_t count;  \
                size_t capacity; \
        }

#define vec_reserve(arena, vec, wanted)                                                                      \
        do {                                                                                                 \
                if ((vec)->capacity < (wanted)) {                                                            \
                        size_t new_capacity_ = (vec)->capacity ? (vec)->capacity * 2 : 8;                    \
                        while (new_capacity_ < (wanted))                                                     \
                                new_capacity_ *= 2;                                                          \
                        (vec)->items = arena_grow(arena, (vec)->items, (vec)->count * sizeof(*(vec)->items), \
                                                  new_capacity_ * sizeof(*(vec)->items));                    \
                        (vec)->capacity = new_capacity_;                                                     \
                }                                                                                            \
        } while (0)

#define vec_push(arena, vec, ...)                              \
        do {                                                   \
                vec_reserve(arena, vec, (vec)->count + 1);     \
                (vec)->items[(vec)->count++] = (__VA_ARGS__);  \
        } while (0)
