/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * ChangeSet: what a run wants to change, over a base commit; private until changeset_publish() makes it one commit.
 *
 *      ChangeSet *set;     changeset_new(lake, &spec, &set, err)
 *      ChangeTable *table; changeset_table(set, name, &table_spec, &table, err)     columns get their ids here
 *                          changeset_new_file(set, table, &path, &fd, err)          hand fd to the worker
 *                          changeset_append(set, table, files, count, err)          what the worker wrote
 *                          changeset_ledger(set, deliveries, n, files, m)
 *                          changeset_publish(set, &commit, err)
 *
 * A change set holds the lock of its intent (commit/queue/ID.lock) from birth to changeset_free(); every data file it
 * makes is noted in ID.files first, so that files of a dead one are found and swept, and those of a living one never.
 * What conflicts (STATUS_CONFLICT from publish; nothing was published; run again from a fresh base):
 *   append            never: it is rebased on whatever was published since; only a changed column (id or type) conflicts
 *   replace           when the table was published by another since the base; a partial one also when a file that it removes
 *                     was compacted away
 *   replace, inputs   (a model) only when the version published since was built from newer inputs, or from the same by the
 *                     same definition, so that there is nothing left to publish
 *   compact           when a file that it replaces is no longer in the table; it conflicts with no other write: a version
 *                     of equal rows counts as the one before
 *   objects           when the object was changed since the base, unless to the same body
 *   ledger            when a row's `expect` does not hold
 * Everything given is copied. One thread.
 */
#include "lake/table.h"

typedef struct ChangeSet ChangeSet;
typedef struct ChangeTable ChangeTable;

typedef struct ChangeSetSpec {
        Str branch;   /* empty = main */
        Str author, via, message, git, audit; /* as in CatalogChange */
} ChangeSetSpec;

/* The base is the branch's head now. */
Status changeset_new(Lake *lake, const ChangeSetSpec *spec, ChangeSet **out, Error *err);
/* Releases it; data files of one that was not published are removed. */
void changeset_free(ChangeSet *set);
void changeset_freep(ChangeSet **set);
CatalogAt changeset_base(const ChangeSet *set);
void changeset_set_message(ChangeSet *set, Str message);
void changeset_set_audit(ChangeSet *set, Str audit);
/* Publishes there instead: a branch that was made at this set's base (a failed run's, which nobody else writes). */
void changeset_set_branch(ChangeSet *set, Str branch);

typedef enum TableWrite {
        TABLE_APPEND,  /* columns of the table that are not named stay; a type may only widen (int to bigint, float to
                        * double, decimal to more digits at the same scale), else SQL_TYPE: replace instead */
        TABLE_REPLACE, /* the columns become these; a name of the same type, or of a narrower one, keeps its id, and so does
                        * a column that `was` another */
        TABLE_COMPACT, /* the same rows in other files, the same columns: changeset_compact_table() */
} TableWrite;

typedef struct ChangeTableSpec {
        Str kind;     /* staging | model | quarantine | log */
        TableWrite write;
        const LakeColumn *columns; /* ids are ignored */
        size_t column_count;
        Str about;
} ChangeTableSpec;

/* Loads the table at the base or begins a new one, and settles its columns. name.kind is one of table_kinds.
 * Once per table and change set. *out lives as long as the set. */
Status changeset_table(ChangeSet *set, CatalogName name, const ChangeTableSpec *spec, ChangeTable **out, Error *err);
/* The table as the change set will leave it: columns with their ids, uuid, location; counts are those of the base. */
const Table *change_table(const ChangeTable *table);
bool change_table_is_new(const ChangeTable *table);
/* Whether each of the base's columns is still there under its name. If not, its files are no longer read by names. */
bool change_table_keeps_names(const ChangeTable *table);
/* The table of that name in this set; NULL if the set does not touch it. */
ChangeTable *changeset_find(ChangeSet *set, CatalogName name);
/* As an input of another model of this set: its snapshot and sequence number as they will be once published (they are
 * corrected at publication if another came first). */
LakeInput change_table_input(const ChangeTable *table, Arena *arena);
/* lake_plan() on the table as the set will leave it, for models that read models of the same set. */
Status changeset_plan(ChangeSet *set, const ChangeTable *table, const Predicate *predicates, size_t predicate_count,
                      Arena *arena, LakeScan *out, Error *err);

/* An empty new file in the table's data folder, open for writing and reading (the caller closes fd). */
Status changeset_new_file(ChangeSet *set, ChangeTable *table, const char **path, int *fd, Error *err);
/* A file that a worker wrote elsewhere in the store (run/.../out/x.parquet) is hard-linked into the table's data folder. */
Status changeset_adopt_file(ChangeSet *set, ChangeTable *table, const char *from, const char **path, Error *err);

/* Files with rows 0 are left out. May be called several times. */
Status changeset_append(ChangeSet *set, ChangeTable *table, const LakeFile *files, size_t count, Error *err);

typedef struct ReplaceSpec {
        const LakeFile *files;
        size_t file_count;
        bool model;                /* the rule of "replace, inputs" */
        const LakeInput *inputs;
        size_t input_count;
        const LakeLineage *lineage;
        size_t lineage_count;
        bool partial;              /* the base's files stay but these, of the base; and so do the names of its columns */
        const Str *removed;
        size_t removed_count;
        Str content;               /* hash of the rows; equal to the base's, with equal columns: unchanged. Empty = unknown */
        bool prove;                /* ... and the base's files are what was published: they are read and hashed */
        Str fingerprint;
} ReplaceSpec;

/* The table's rows become these files. *out_unchanged (may be NULL): content and columns are the base's, so the files
 * are dropped again; inputs and fingerprint are still recorded. A second call takes the place of the first. */
Status changeset_replace(ChangeSet *set, ChangeTable *table, const ReplaceSpec *spec, bool *out_unchanged, Error *err);
/* For the same rows in other files: the table as it is. NOT_FOUND. Once per table and change set. */
Status changeset_compact_table(ChangeSet *set, CatalogName name, ChangeTable **out, Error *err);
/* The rows of the removed files are in these now: that they are equal is the caller's to prove. May be called several
 * times. */
Status changeset_compact(ChangeSet *set, ChangeTable *table, const Str *removed, size_t removed_count,
                         const LakeFile *files, size_t count, Error *err);
/* Snapshots that were replaced before this leave metadata.json, as their files are to go (metadata_trim()). */
void changeset_trim(ChangeTable *table, int64_t keep_from_ms);

/* JSON of the writer, kept in the table's body. */
void changeset_set_detail(ChangeSet *set, ChangeTable *table, Str detail);

/* Objects of the project's text and the like; the same body as the base's is no change. */
Status changeset_put_object(ChangeSet *set, CatalogName name, Str body, Error *err);
/* An absent one is no change. Removing a table drops it from this commit on; older commits keep it. */
Status changeset_remove_object(ChangeSet *set, CatalogName name, Error *err);
/* What the set was made by and does not change: CONFLICT unless the object has this body when the set is published. Alone it
 * is nothing to publish. */
void changeset_require_object(ChangeSet *set, CatalogName name, Str body);
/* Whether the set changes that object; *out_body is what it will be, data NULL when it is removed. */
bool changeset_object(const ChangeSet *set, CatalogName name, Str *out_body);
void changeset_ledger(ChangeSet *set, const Delivery *deliveries, size_t delivery_count, const FileSeen *files,
                      size_t file_count);

/* Whether anything would be published. */
bool changeset_is_empty(const ChangeSet *set);
/*
 * Publishes as one commit, together with whatever others wait (lake/publish.h). Then the set may only be freed.
 * Nothing that changes objects: the ledger rows are written and the head is given back. CONFLICT as above; IO and
 * DISK_FULL leave the store as it was. Once this returns OK the commit is durable.
 */
Status changeset_publish(ChangeSet *set, Arena *arena, CatalogCommit *out, Error *err);
/* After a failed publish: it could not be learnt whether it is published, or will be. Otherwise nothing of it ever is. */
bool changeset_is_unknown(const ChangeSet *set);
