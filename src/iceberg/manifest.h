/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Manifests: the lists of data files of a table, and the list of those lists (spec, "Manifests", "Manifest Lists").
 *
 * Read by field id, in whatever order and with whatever names the writer chose; what is absent is unknown (-1, NULL),
 * never 0. Decoded manifests are immutable, as their files are, so a ManifestCache keeps them by path.
 */
#include "base/map.h"
#include "iceberg/metadata.h"

#define MANIFEST_SIZE_MAX ((size_t)512 << 20) /* of one file, as stored */

typedef enum FileContent { CONTENT_DATA, CONTENT_POSITION_DELETES, CONTENT_EQUALITY_DELETES } FileContent;

typedef struct PartitionValue {
        bool is_null;
        Str bytes; /* a single value, base/value.h */
} PartitionValue;

typedef struct DataFile {
        FileContent content;
        Str path;
        Str format;                /* "PARQUET"; empty is taken as that when writing */
        PartitionValue *partition; /* one for each field of the spec; of none if unpartitioned */
        size_t partition_count;
        /* rows, bytes, columns, split offsets. In what was read, values and nulls of a column may be -1: unknown. */
        FileStatistics statistics;
        int *equality_ids;
        size_t equality_count;
        bool has_sort_order;
        int sort_order_id;
        Str referenced_data_file;  /* position deletes; empty = not said */
        int64_t content_offset, content_bytes; /* deletion vectors of version 3, else 0 */
} DataFile;

typedef enum EntryStatus { ENTRY_EXISTING, ENTRY_ADDED, ENTRY_DELETED } EntryStatus;

typedef struct ManifestEntry {
        EntryStatus status;
        int64_t snapshot_id;          /* inherited ones are filled in when reading */
        int64_t sequence_number;      /* likewise; -1 when writing = inherit */
        int64_t file_sequence_number; /* likewise */
        DataFile file;
} ManifestEntry;

typedef struct PartitionSummary {
        bool contains_null;
        int contains_nan; /* 0, 1, -1 = unknown */
        bool has_lower, has_upper;
        Str lower, upper;
} PartitionSummary;

/* One line of a manifest list. Counts are -1 where version 1 left them out. */
typedef struct ManifestFile {
        Str path;
        int64_t length;
        int spec_id;
        bool is_deletes;
        int64_t sequence_number, min_sequence_number, added_snapshot_id;
        int64_t added_files, existing_files, deleted_files;
        int64_t added_rows, existing_rows, deleted_rows;
        PartitionSummary *partitions;
        size_t partition_count;
} ManifestFile;

typedef struct Manifest {
        int spec_id;
        bool is_deletes;
        const int *partition_ids; /* field ids of the partition values, in the order that entries have them */
        size_t partition_count;
        ManifestEntry *entries;
        size_t entry_count;
} Manifest;

typedef struct ManifestList {
        ManifestFile *manifests;
        size_t count;
} ManifestList;

/* bytes must live as long as the result, which points into them and into the arena. name is for errors. */
Status manifest_list_read(Str bytes, const char *name, Arena *arena, ManifestList *out, Error *err);
/* from is the line of the list that named the manifest: the sequence number and snapshot that entries inherit. */
Status manifest_read(Str bytes, const ManifestFile *from, Arena *arena, Manifest *out, Error *err);

/* Version 2. The file's bytes go to the arena. */
Str manifest_list_write(const ManifestList *list, const Snapshot *snapshot, Arena *arena);
/* Fills `out`'s counts, bounds and length; path, sequence number and snapshot of it are the caller's and are set
 * before. INTERNAL if an entry's partition does not fit the spec. */
Status manifest_write(const TableMetadata *metadata, int spec_id, const ManifestEntry *entries, size_t entry_count,
                      Arena *arena, ManifestFile *out, Str *out_bytes, Error *err);

/* Where the bytes of a table's own files come from: the caller's storage. The bytes are put into the arena. */
typedef struct IcebergSource {
        Status (*read)(void *context, Str path, Arena *arena, Str *out, Error *err);
        void *context;
} IcebergSource;

/*
 * Cache of decoded manifests and lists by path. One thread at a time; what it gives is valid until
 * manifest_cache_trim or _deinit, so trim when nobody holds a plan. A zeroed one is valid and empty.
 */
typedef struct ManifestCache {
        Arena keys;
        Map manifests, lists;
        size_t bytes;
        uint64_t hits, misses;
} ManifestCache;

void manifest_cache_deinit(ManifestCache *cache);
/* Empties it if it holds more than limit bytes. */
void manifest_cache_trim(ManifestCache *cache, size_t limit);

/* Through the cache; with NULL for it, into the arena. */
Status manifest_load(const IcebergSource *source, ManifestCache *cache, const ManifestFile *from, Arena *arena,
                     const Manifest **out, Error *err);
/* Of a snapshot; without one (NULL) an empty list. Version 1's tables without a list are understood. */
Status manifest_list_load(const IcebergSource *source, ManifestCache *cache, const Snapshot *snapshot, Arena *arena,
                          const ManifestList **out, Error *err);
