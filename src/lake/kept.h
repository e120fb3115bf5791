/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Kept: the files that a build made, kept beside the tables for the next run, since their change set may never be published:
 * another model of the zone failed, or the run was killed or interrupted.
 *
 *      STORE/built/ZONE.STAGE.TABLE/kept, 0.parquet, 1.parquet ...      hard links; the newest build of a table only
 *
 * A key says what must be equal for a build to be used again: definition, inputs, columns. It is a cache: nothing depends on
 * it and nothing of it is synced. So it outlives a kill and not a restart of the machine: what was written under another
 * boot, or is not whole, is not there. Whatever else goes wrong with it is no error either. Any number of processes.
 */
#include "lake/table.h"

#define KEPT_US (INT64_C(7) * 86400 * 1000000)

typedef struct KeptBuild {
        Str table;       /* "shop.canonical.order" */
        Str key;         /* hex */
        LakeFile *files; /* to put: anywhere on the store's file system; found: in STORE/built */
        size_t file_count;
} KeptBuild;

/* In the place of what was kept of that table. */
void kept_put(Lake *lake, const KeptBuild *build);
/* False when nothing is kept of that table under this key. The files may vanish at any time: link them, and build anew
 * when that fails. */
bool kept_find(Lake *lake, Str table, Str key, Arena *arena, KeptBuild *out);
/* Once a table is published, what was kept of it is of no use. */
void kept_remove(Lake *lake, Str table);
/* Removes what is of another boot, older than age_us or half-made; gives how many tables. Every sweep does, with KEPT_US. */
size_t kept_tidy(Lake *lake, int64_t age_us);
