/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What `lode init` writes: an empty project, or with demo a small consultancy with its files. Never writes over
 * anything: a folder that holds a project, or a file of a name that is needed, is EXISTS and nothing is written.
 * Needs no network and no store.
 */
#include "base/arena.h"
#include "base/error.h"

typedef struct InitReport {
        const char *root; /* absolute */
        Str name;         /* of the project */
        Str *files;       /* relative to root, in the order written */
        size_t file_count;
        Str next; /* what to type now, a few lines */
} InitReport;

/* dir: made if absent; its last part gives the project's name. */
Status init_project(Arena *arena, const char *dir, bool demo, InitReport *out, Error *err);

/* What `lode add ZONE` makes where the zone is new: zones/ZONE/zone.yml with its owner (empty: none yet), and ingress/ZONE/. What is there
 * is left as it is; *out_new says whether the zone was made now. BAD_VALUE for a name that cannot be. */
Status init_zone(Arena *arena, const char *root, Str zone, Str owner, bool *out_new, Error *err);

/* A file of the demo, embedded at build time from src/cli/demo_files/. */
typedef struct DemoFile {
        const char
                *path; /* relative to the project's root; `later/...` are deliveries that the story drops afterwards */
        const char *data;
        size_t size;
} DemoFile;
extern const DemoFile demo_files[];
extern const size_t demo_file_count;
