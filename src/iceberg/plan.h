/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Planning: which files of a snapshot can hold rows that satisfy a conjunction of simple predicates. Manifests are
 * left out by their partition summaries, then files by their partition values, then by their bounds and counts.
 * Unknown always means "may match". Rows of the files left still have to be filtered by whoever reads them.
 */
#include "iceberg/manifest.h"

typedef enum PredicateKind {
        PREDICATE_EQ,
        PREDICATE_NE,
        PREDICATE_LT,
        PREDICATE_LE,
        PREDICATE_GT,
        PREDICATE_GE,
        PREDICATE_IS_NULL,
        PREDICATE_IS_NOT_NULL,
        PREDICATE_IN,
} PredicateKind;

/* Values are single values (base/value.h) of the column's type in the schema that is planned with; none is NULL. */
typedef struct Predicate {
        int field_id;
        PredicateKind kind;
        const Str *values; /* one; any number for IN; none for the null tests */
        size_t value_count;
} Predicate;

typedef struct PlannedFile {
        const DataFile *file; /* path, statistics; lives in the cache, or in the arena if there is none */
        int64_t sequence_number;
        int spec_id;
} PlannedFile;

typedef struct Plan {
        PlannedFile *files;
        size_t file_count;
        int64_t rows, bytes; /* of the files left */
        PlannedFile *deletes; /* delete files of other engines, not pruned: a reader that ignores them is wrong */
        size_t delete_count;
        int64_t total_files, total_rows; /* before pruning; -1 if not known without decoding what was pruned */
        size_t manifests, manifests_read;
        const Schema *schema; /* planned with: the snapshot's if snapshot was given, else the current one */
} Plan;

/* snapshot NULL = the current one (an empty table gives an empty plan). cache may be NULL. */
Status plan_files(const TableMetadata *metadata, const Snapshot *snapshot, const Predicate *predicates,
                  size_t predicate_count, const IcebergSource *source, ManifestCache *cache, Arena *arena, Plan *out,
                  Error *err);

/* Whether rows of this file may satisfy all of them. type is looked up in schema; an unknown column may match. */
bool plan_file_may_match(const Schema *schema, const DataFile *file, const Predicate *predicates, size_t count);
