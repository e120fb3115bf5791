/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Problems: everything that is wrong in a project's text, collected instead of stopping at the first.
 *
 * Errors live in the arena. A reader adds one, places it (yaml_error_place, error_place) and goes on. Beyond
 * PROBLEMS_MAX further ones are only counted, so that a wrong file of a megabyte stays readable.
 */
#include "base/error.h"
#include "base/vec.h"

#define PROBLEMS_MAX 200

typedef struct Problems {
        Arena *arena;
        VEC(Error *) errors;
        size_t dropped; /* beyond PROBLEMS_MAX */
        Error spare;    /* where those are written, so that callers need no second path */
} Problems;

/* Never NULL; valid until the next call when over the limit. Place it and hint at once. */
Error *problems_add(Problems *problems, Status status, const char *format, ...) PRINTF_LIKE(3, 4);
/* A copy of an error that somebody else filled. */
void problems_take(Problems *problems, const Error *err);
/* By file, then line, then column; stable. */
void problems_sort(Problems *problems);
static inline bool problems_any(const Problems *problems) {
        return problems->errors.count > 0;
}
