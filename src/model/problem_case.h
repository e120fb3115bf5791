/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* For the tests of this room: what the first problem of a text must be. */
#include "base/test.h"
#include "model/problems.h"

typedef struct ProblemCase {
        const char *text;
        Status status; /* OK: there must be none */
        int line, column;
        const char *hint; /* found in the hint */
} ProblemCase;

static inline void check_problem(Test *t, size_t index, const ProblemCase *wanted, const Problems *problems) {
        const Error none = { 0 };
        const Error *err = problems->errors.count ? problems->errors.items[0] : &none;
        bool placed = err->line == wanted->line && err->column == wanted->column;
        if (err->status != wanted->status || !placed || !strstr(err->hint, wanted->hint))
                test_fail(t, __FILE__, __LINE__, "case %zu: %s at %s:%d:%d: %s (%s)", index, status_name(err->status),
                          err->file, err->line, err->column, err->message, err->hint);
}
