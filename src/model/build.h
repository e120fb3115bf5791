/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Build: models become tables and views inside a change set; a zone's models are published together or not at all.
 *
 * A model is bound as its zone: its own stages whole, other zones' products only. It is built when its definition
 * (graph fingerprint) or the snapshot of anything it reads is not what its table says it was built from. A build
 * whose rows equal the old ones makes no new version. What another run published first is not built over: the zone is
 * planned again from what stands now. What was finished and did not come to be published is kept for the next (lake/kept.h).
 */
#include "model/check.h"
#include "model/text.h"

typedef enum BuildState { BUILD_BUILT, BUILD_UNCHANGED, BUILD_FAILED, BUILD_BLOCKED } BuildState;

typedef struct ModelReport {
        const Node *node;
        BuildState state;
        bool kept;        /* its files are those of a run that did not come to publish them */
        int64_t rows;
        int64_t added, changed, removed; /* -1 = not counted */
        int64_t us;
        CheckReport *checks; /* of a model that was built; those that were not asked say so */
        size_t check_count;
        Error error;      /* FAILED and BLOCKED */
} ModelReport;

typedef struct BuildSpec {
        Workspace *workspace;
        const ProjectText *text;
        const bool *chosen;       /* by node index */
        ChangeSetSpec commit;     /* message is made here */
        bool again;
        int64_t run;              /* its number, for what its checks find */
        Str failed_branch;        /* where what was built stays when another model of its zone failed: run/7 */
        void *context;
        void (*on_model)(void *context, const ModelReport *report);   /* may be NULL */
        void (*on_progress)(void *context, const Node *node);
} BuildSpec;

typedef struct BuildReport {
        ModelReport *items;
        size_t count;
        bool published;        /* a commit was made */
        bool failed;           /* a model failed: these zones keep what they had */
        bool superseded;       /* another applied another text of these zones meanwhile: nothing was built */
        bool kept;             /* ... and what was built is on spec->failed_branch */
        CatalogCommit commit;
        Str *drops;            /* tables and views that went, as their text had */
        size_t drop_count;
} BuildReport;

/* The zones' models, in order, and one publication. Several zones only where they need each other in a circle. */
Status build_zones(const BuildSpec *spec, const Str *zones, size_t zone_count, Arena *arena, BuildReport *out, Error *err);

/* "canonical.order" in zone "shop": the object's name. */
CatalogName model_table_name(Arena *arena, const Node *node);
