/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Inspect: what `lode check --data` looks at: every check, promise (required, unique, key) and reference of the text, on
 * the tables as they are published. Reads only. A check of a model is asked with the rights of its zone; a reference into
 * another zone, which the model itself may not read, with those of whoever asks.
 */
#include "model/check.h"
#include "model/text.h"

typedef struct Inspection {
        size_t tables, checks; /* looked at */
        size_t absent;         /* tables that are not built yet */
} Inspection;

/*
 * Of the chosen nodes (by index). What does not hold, and what cannot be asked, goes to errors with its place; what only
 * warns, and tables that are not there yet, to warnings. Fails only when the environment does.
 */
Status inspect_tables(Workspace *workspace, const ProjectText *text, const bool *chosen, Problems *errors, Problems *warnings,
                      Arena *arena, Inspection *out, Error *err);
/* A product that takes back what its published version promised: CONTRACT in problems. columns are those it would have. */
Status inspect_product(Lake *lake, const Model *model, const LakeColumn *columns, size_t count, Problems *problems, Arena *arena, Error *err);
