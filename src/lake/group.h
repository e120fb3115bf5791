/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Group: the change sets that one drain publishes together, each planned over what those before it leave. Planning
 * reads the catalog and Iceberg's files and works out bytes; it writes nothing. Private to this room.
 *
 * Lives in the arena, as long as one drain; the commit lock is held all the while.
 */
#include "base/map.h"
#include "base/vec.h"
#include "lake/intent.h"
#include "lake/store_files.h"

typedef struct Group {
        Lake *lake;
        Arena *arena;
        Str id;                        /* of the drain */
        Map working;                   /* branch, kind, zone, name, each ended by NUL: Working (group.c) */
        Map revisions;                 /* delivery id: int64_t, what the row's revision will be */
        Map pending;                   /* path of a file that is not written yet: Str, its bytes */
        IcebergSource source;          /* sees the pending files too */
        VEC(IcebergFile) files;        /* to be written before the transaction */
        Map fresh;                     /* metadata folders of tables that are not there yet */
        VEC(CatalogChange) changes;    /* one commit each */
        VEC(IntentResult) results;     /* of those that lost */
        VEC(Str) settled;              /* intents whose outcome the transaction records, or did before */
} Group;

void group_init(Group *group, Lake *lake, Arena *arena);
/*
 * Takes a change set in: its files and its commit. Nothing of it is taken unless it fits: CONFLICT as changeset.h says,
 * NOT_FOUND for its branch, CORRUPT for a table of ours that cannot be read.
 */
Status group_plan(Group *group, const Intent *intent, Error *err);
