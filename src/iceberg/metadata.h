/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * TableMetadata: the root of an Iceberg table, one immutable JSON file a version (spec, "Table Metadata").
 *
 * Versions 1 to 3 are read, 2 is written. What a version of ours does not know is kept and written back as it was.
 * A TableMetadata lives in the arena that made it and is not changed: the functions here give a new one that shares
 * what is the same. All locations are absolute, without a slash at the end.
 */
#include "iceberg/schema.h"
#include "iceberg/transform.h"

#define METADATA_SIZE_MAX ((size_t)256 << 20)
#define METADATA_HISTORY_MAX 100 /* snapshots that are kept: every commit writes them all again */
#define METADATA_LOG_MAX 20      /* entries of metadata-log */
#define SNAPSHOT_NONE INT64_C(-1)

typedef struct Property {
        Str key, value;
} Property;

typedef struct Snapshot {
        int64_t id;
        int64_t parent_id; /* SNAPSHOT_NONE */
        int64_t sequence_number;
        int64_t timestamp_ms;
        Str manifest_list;     /* empty in old tables of version 1, which name manifests instead */
        Str *manifests;
        size_t manifest_count;
        Str operation;         /* append, replace, overwrite, delete; may be empty in version 1 */
        Property *summary;     /* without operation */
        size_t summary_count;
        int schema_id;         /* -1 = not said */
        int64_t first_row_id;  /* version 3, else -1 */
        int64_t added_rows;    /* version 3, else -1 */
} Snapshot;

typedef struct SnapshotLogEntry {
        int64_t snapshot_id, timestamp_ms;
} SnapshotLogEntry;

typedef struct MetadataLogEntry {
        Str file;
        int64_t timestamp_ms;
} MetadataLogEntry;

typedef struct SnapshotRef {
        Str name;
        int64_t snapshot_id;
        bool is_tag;
        int64_t min_snapshots, max_snapshot_age_ms, max_ref_age_ms; /* -1 = not said */
} SnapshotRef;

typedef struct Verbatim {
        Str key;
        const Json *value;
} Verbatim;

typedef struct TableMetadata {
        int format_version;
        Str uuid; /* may be empty in version 1 */
        Str location;
        int64_t last_sequence_number;
        int64_t last_updated_ms;
        int last_column_id;
        Schema *schemas;
        size_t schema_count;
        int current_schema_id;
        PartitionSpec *specs;
        size_t spec_count;
        int default_spec_id, last_partition_id;
        const Json *sort_orders; /* NULL = the unsorted one */
        int default_sort_order_id;
        Property *properties;
        size_t property_count;
        int64_t current_snapshot_id; /* SNAPSHOT_NONE */
        Snapshot *snapshots;
        size_t snapshot_count;
        SnapshotLogEntry *snapshot_log;
        size_t snapshot_log_count;
        MetadataLogEntry *metadata_log;
        size_t metadata_log_count;
        SnapshotRef *refs; /* main is not among them: it is current_snapshot_id ... */
        size_t ref_count;
        SnapshotRef main;  /* ... and here is only how long others shall keep it; of no name if nothing is said */
        int64_t next_row_id; /* version 3, else -1 */
        Verbatim *others;    /* statistics, partition-statistics, and keys of later versions */
        size_t other_count;
} TableMetadata;

/* A file for the caller to write: a new name, never one that exists. */
typedef struct IcebergFile {
        Str path;
        Str bytes;
} IcebergFile;

/* Gzipped files are inflated. CORRUPT (with the file's place where JSON itself is broken), LIMIT, SQL_REFUSED
 * for a format version that is not known. */
Status metadata_parse(Str bytes, const char *name, Arena *arena, TableMetadata **out, Error *err);
void metadata_print(const TableMetadata *metadata, Buf *out);
/* The list of a spec's fields, as metadata and manifests have it. */
void partition_spec_print(JsonWriter *writer, const PartitionSpec *spec);

/*
 * A table that has no file yet: version 2, unpartitioned, no snapshot, fresh ids from 1, a new uuid. properties may
 * be empty and come on top of those that every table of ours has (metadata.c: gc.enabled=false and so on).
 */
Status metadata_new(Str location, const TypeField *fields, size_t field_count, const Property *properties,
                    size_t property_count, int64_t now_ms, Arena *arena, TableMetadata **out, Error *err);
/* The same table with other columns (schema_evolve); base itself if nothing changes. A schema that the table had
 * before gets its old id. */
Status metadata_with_schema(const TableMetadata *base, const TypeField *fields, size_t field_count,
                            SchemaChange change, Arena *arena, const TableMetadata **out, Error *err);
/* The next version of the file: its name follows previous_location's number (empty = the first, 00000), its
 * metadata-log takes previous_location in. *metadata becomes what was written. */
IcebergFile metadata_file(const TableMetadata **metadata, Str previous_location, int64_t previous_updated_ms,
                          Arena *arena);

const Schema *metadata_schema(const TableMetadata *metadata, int schema_id); /* NULL if absent */
const Schema *metadata_current_schema(const TableMetadata *metadata);        /* never NULL */
/* The schema that a snapshot was written with, else the current one. */
const Schema *metadata_snapshot_schema(const TableMetadata *metadata, const Snapshot *snapshot);
const PartitionSpec *metadata_spec(const TableMetadata *metadata, int spec_id); /* NULL if absent */
const Snapshot *metadata_snapshot(const TableMetadata *metadata, int64_t snapshot_id); /* NULL if absent */
const Snapshot *metadata_current_snapshot(const TableMetadata *metadata);              /* NULL if none */
Str metadata_property(const TableMetadata *metadata, const char *key);                 /* STR_NONE if absent */
Str snapshot_summary(const Snapshot *snapshot, const char *key);                       /* STR_NONE if absent */
int64_t snapshot_summary_integer(const Snapshot *snapshot, const char *key);           /* -1 if absent */
