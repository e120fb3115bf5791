/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Needed: which files below tables/ somebody needs: a version of a table that has not expired, a kept build, a change set
 * that lives or waits in the queue. Whoever removes files asks here first; private to this room.
 *
 * Without any lock this is right only in one order: what is to be removed is listed before anything here is asked, and
 * the steps go as they stand below. A change set notes a file before it makes it and forgets the note after its commit,
 * so a file that was listed is found in a note, or else already in the catalog.
 */
#include "base/map.h"
#include "lake/lake.h"

typedef struct Needed {
        Lake *lake;
        Arena *arena;
        Map files;   /* by absolute path; the value is not NULL */
        Map folders; /* those in which they lie, or will */
        Map lists;   /* snapshot id: Str, its manifest list; as metadata files named them */
        Map walked;  /* manifest lists and manifests that were read */
} Needed;

/* Asks in the right order: notes in the queue, versions. Bodies whose hash is a key of `without` (may be
 * NULL) do not count. CORRUPT or IO when a version's metadata cannot be read: then nothing may be removed. */
Status needed_load(Lake *lake, const Map *without, Arena *arena, Needed *out, Error *err);
/* The files of one table's version, added to `files`: metadata.json, the list, its manifests, its data. */
Status needed_add_version(Needed *needed, Str body, Error *err);
/* Nothing is needed yet: for walking versions that are to go. */
void needed_init(Needed *needed, Lake *lake, Arena *arena);
bool needed_has(const Needed *needed, Str path);
