/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Building the next version of a table. Pure: it takes the table as it is and a change, and gives the files to write
 * (manifests, the manifest list, metadata.json) and the new metadata. Nothing is written here, so a builder that lost
 * a race calls again with the winner's metadata as base; the data files stay as they are.
 *
 *   TableChange change = { .added = files, .added_count = n, .now_ms = now };
 *   TableVersion version;
 *   TRY(table_commit(base, base_location, &change, &source, NULL, arena, &version, err));
 *   for each version.files: write it durably; then move the pointer to version.metadata_location.
 *
 * Growth is bounded: manifests of about the same size are merged when eight of them have come together, metadata.json
 * keeps the last METADATA_HISTORY_MAX snapshots.
 */
#include "iceberg/manifest.h"

typedef enum TableRemoval {
        REMOVE_NOTHING, /* append */
        REMOVE_ALL,     /* replace the whole content; without new files: truncate */
        REMOVE_PATHS,   /* copy-on-write: these files go, others come. CONFLICT if one is no longer in the table */
} TableRemoval;

typedef struct TableChange {
        TableRemoval removal;
        const Str *removed_paths;
        size_t removed_count;
        const DataFile *added; /* of the default partition spec, content CONTENT_DATA */
        size_t added_count;
        bool same_rows;        /* compaction: the operation is called "replace" */
        const Property *summary; /* the caller's own keys, as lode.commit */
        size_t summary_count;
        int64_t now_ms;        /* never goes back: an earlier one than the table's becomes the table's */
        int64_t snapshot_id;   /* 0 = a random one */
} TableChange;

typedef struct TableVersion {
        IcebergFile *files; /* in the order of writing; metadata.json is the last */
        size_t file_count;
        Str metadata_location;
        const TableMetadata *metadata;
        const Snapshot *snapshot;
        int64_t total_rows, total_files, total_bytes; /* of the table now; -1 if unknown (foreign parent) */
} TableVersion;

/*
 * base_location is the file that base was read from; empty for a table that has none yet (metadata_new): then the
 * first file of the table is the one made here. cache may be NULL. Where columns change too, base is the result of
 * metadata_with_schema. SQL_REFUSED for a table of version 1 or 3, CONFLICT (above), CORRUPT for its own files.
 */
Status table_commit(const TableMetadata *base, Str base_location, const TableChange *change,
                    const IcebergSource *source, ManifestCache *cache, Arena *arena, TableVersion *out, Error *err);

/* The same table without the snapshots that were followed by another before keep_from_ms; those that a branch or tag
 * names and the current one stay. base itself if there are none. */
const TableMetadata *metadata_trim(const TableMetadata *base, int64_t keep_from_ms, Arena *arena);
/* The same table with another metadata.json: as after metadata_trim(). out->snapshot is the current one, or NULL; the totals
 * are unknown. */
Status table_rewrite_metadata(const TableMetadata *metadata, Str base_location, Arena *arena, TableVersion *out,
                              Error *err);

/* A new table's first file, without a snapshot. */
Status table_create(const TableMetadata *metadata, Arena *arena, TableVersion *out, Error *err);
