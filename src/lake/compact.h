/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Compact: many small data files of a table become few, with the same rows, `_file` and `_row` included.
 *
 * It is one Iceberg snapshot of operation `replace` a round, published like any other change (lake/publish.h): appends
 * of others are kept beside it, and who replaced the table in the meantime wins. Versions from before keep their files,
 * so a reader of an older snapshot notices nothing. A version that compaction made counts as the one before wherever
 * rows matter: models are not built again (TableBody.rows_snapshot).
 *
 * Which files: those below a quarter of the target, smallest first, up to the last that weighs no more than all before
 * it together: so a byte is rewritten about log2(target / its file's size) times in its life, however often this is
 * called.
 */
#include "engine/worker.h"
#include "lake/changeset.h"

#define COMPACT_TARGET_BYTES (INT64_C(128) << 20)
#define COMPACT_LEAST_FILES 8

/*
 * Writes the rows of the files as one new file of the change set's table and proves that they are equal; CORRUPT when
 * they are not. compact_by_worker(), or a stand-in of tests.
 */
typedef Status (*CompactMerge)(void *context, ChangeSet *set, ChangeTable *table, const LakeScanFile *files,
                               size_t count, Arena *arena, LakeFile *out, Error *err);

typedef struct CompactSpec {
        ChangeSetSpec commit;     /* its message is made here */
        CatalogName name;
        int64_t target_bytes;     /* of a new file; 0 = COMPACT_TARGET_BYTES */
        size_t least_files;       /* fewer small ones are left alone; 0 = COMPACT_LEAST_FILES */
        int64_t most_bytes;       /* at most so much is read; 0 = all there is */
        bool dry_run;             /* only counts what would be done */
        CompactMerge merge;
        void *context;
        const volatile sig_atomic_t *interrupted;
} CompactSpec;

typedef struct CompactResult {
        int64_t files_before, files_after; /* of those that were merged */
        int64_t bytes_before, bytes_after; /* after: 0 in a dry run */
        int64_t rounds;
} CompactResult;

/*
 * Rounds of at most about 1 GB, until nothing is left to do. A round that lost against a replacement is tried again over
 * what stands now. What earlier rounds did stays when a later one fails; *out says what was done.
 */
Status lake_compact(Lake *lake, const CompactSpec *spec, CompactResult *out, Error *err);

/* The context of compact_by_worker. */
typedef struct CompactWorker {
        Lake *lake;
        WorkerPool *pool;
        Str principal;
} CompactWorker;

Status compact_by_worker(void *context, ChangeSet *set, ChangeTable *table, const LakeScanFile *files, size_t count,
                         Arena *arena, LakeFile *out, Error *err);
