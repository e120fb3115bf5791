/* SPDX-License-Identifier: Apache-2.0 */
#include "model/problems.h"

#include <stdarg.h>

static Error *problems_slot(Problems *problems) {
        if (problems->errors.count >= PROBLEMS_MAX) {
                problems->dropped++;
                problems->spare = (Error){ 0 };
                return &problems->spare;
        }

        Error *slot = ARENA_NEW(problems->arena, Error);
        vec_push(problems->arena, &problems->errors, slot);
        return slot;
}

Error *problems_add(Problems *problems, Status status, const char *format, ...) {
        char message[sizeof(problems->spare.message)];
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(message, sizeof(message), format, arguments);
        va_end(arguments);

        Error *slot = problems_slot(problems);
        error_set(slot, status, "%s", message);
        return slot;
}

void problems_take(Problems *problems, const Error *err) {
        *problems_slot(problems) = *err;
}

static int problem_compare(const Error *a, const Error *b) {
        int files = strcmp(a->file, b->file);
        if (files != 0)
                return files;
        return a->line != b->line ? a->line - b->line : a->column - b->column;
}

/* Insertion sort: stable, and at most PROBLEMS_MAX items. */
void problems_sort(Problems *problems) {
        Error **items = problems->errors.items;
        for (size_t i = 1; i < problems->errors.count; i++) {
                Error *moving = items[i];
                size_t at = i;
                for (; at > 0 && problem_compare(items[at - 1], moving) > 0; at--)
                        items[at] = items[at - 1];
                items[at] = moving;
        }
}
