/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Text: the project's text made whole: every model parsed, the graph of what reads what, and its way into the history
 * (`apply`). A text with any problem is not applied at all.
 */
#include "lake/changeset.h"
#include "model/graph.h"
#include "model/statement.h"
#include "model/workspace.h"

typedef struct ProjectText {
        Graph *graph;
        const SqlTree **trees; /* by node index; NULL for sources */
        Problems *problems;    /* the project's own, with what parsing and linking found */
} ProjectText;

/* Parses every model with a worker and links the graph; what is wrong with the text is in problems. */
Status text_load(Workspace *workspace, Worker *worker, Arena *arena, ProjectText *out, Error *err);

typedef struct ApplyReport {
        bool changed;
        CatalogCommit commit; /* with its changes; the head when nothing changed */
} ApplyReport;

/* One commit that makes the history's text this text. `apply` must be of a text without problems. */
Status text_apply(Workspace *workspace, Str branch, Arena *arena, ApplyReport *out, Error *err);

/* What differs from the applied text: names of objects, "shop.source.orders" ... */
Status text_edited(Workspace *workspace, Arena *arena, Str **out, size_t *out_count, Error *err);
