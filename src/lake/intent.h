/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Intent: a change set as bytes, so that whoever holds the commit lock can publish it, its owner dead or alive.
 *
 * File commit/queue/ID.intent: "LODEINT1", the fields below through base/buf.h, and the SHA-256 of all before. It is
 * put under its name by rename and not synced: what power cuts short, its checksum tells, and nobody was answered yet.
 * The data files that it names were synced before. Private to this room.
 */
#include "lake/changeset.h"

#define INTENT_SIZE_MAX ((size_t)1 << 30)

typedef struct IntentTable {
        CatalogName name;
        Str base_hash;         /* of the body at the base; empty = the table is new */
        int64_t base_rows;     /* its rows_snapshot */
        TableWrite write;
        bool model;            /* the rule of "replace, inputs" */
        bool unchanged;        /* rows are the base's; only inputs, fingerprint, about and detail are recorded */
        TableBody body;        /* as the writer wants it; snapshot is the one to make */
        LakeFile *files;
        size_t file_count;
        bool partial;          /* TABLE_REPLACE: the table's files stay but the removed ones */
        Str *removed;          /* with partial; TABLE_COMPACT: the files whose rows are in `files` now */
        size_t removed_count;
        int64_t keep_from_ms;  /* TABLE_COMPACT: snapshots replaced before leave metadata.json; 0 = they stay */
} IntentTable;

/* An object to put, or to remove (body.data NULL), and its body's hash at the base (empty = absent). */
typedef struct IntentObject {
        CatalogName name;
        Str base_hash;
        Str body;
} IntentObject;

typedef struct Intent {
        Str id;
        Str branch, author, via, message, git, audit;
        IntentTable *tables;
        size_t table_count;
        IntentObject *objects;
        size_t object_count;
        Delivery *deliveries;
        size_t delivery_count;
        FileSeen *files;
        size_t file_count;
} Intent;

void intent_write(const Store *store, const Intent *intent, Buf *out);
/* CORRUPT for anything that is not whole. Copies into the arena. */
Status intent_read(const Store *store, Str bytes, Arena *arena, Intent *out, Error *err);
