/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Text: the project's text made whole: every model parsed, the graph of what reads what, and its way into the history
 * (`apply`). A text with any problem is not applied at all.
 */
#include "lake/changeset.h"
#include "model/access_change.h"
#include "model/decide.h"
#include "model/graph.h"
#include "model/statement.h"
#include "model/workspace.h"

typedef struct ProjectText {
        Graph *graph;
        const SqlTree **trees; /* by node index; NULL for sources */
        ProjectObject *objects; /* as the history will have them */
        size_t object_count;
        Problems *problems;    /* the project's own, with what parsing and linking found */
} ProjectText;

/* Parses every model with a worker and links the graph; what is wrong with the text is in problems. */
Status text_load(Workspace *workspace, Worker *worker, Arena *arena, ProjectText *out, Error *err);

typedef struct ApplyReport {
        bool stale;            /* the project's files are no longer what was read: nothing was done, read them again */
        bool changed;
        AccessChange *access;
        size_t access_count;
        Decision *decisions;   /* of the models that were put */
        size_t decision_count;
        CatalogCommit commit; /* with its changes; the head when nothing changed */
} ApplyReport;

#define TEXT_TRIES 5 /* somebody who edits while we read is soon done */

/* CONFLICT for files that were edited each time that they were read. */
Status text_unsettled(Error *err);
/* One commit that makes the history's text this text. `apply` must be of a text without problems. */
Status text_apply(Workspace *workspace, Str branch, Arena *arena, ApplyReport *out, Error *err);

/* Whether the history's text is the one in the project's files as they are now. */
Status text_is_applied(Workspace *workspace, Str branch, Arena *arena, bool *out, Error *err);

typedef struct TextChange {
        Str kind, zone, name;
        bool removed, added; /* neither: another text */
} TextChange;

/* The workspace's decisions of those models (zone.stage.name) that are named. */
void text_decisions(const Workspace *workspace, const Str *models, size_t count, Arena *arena, Decision **out, size_t *out_count);
/* What apply would put and remove, sorted as commits list it. Without a store all is new. */
Status text_changes(Workspace *workspace, CatalogAt at, Arena *arena, TextChange **out, size_t *out_count, Error *err);
