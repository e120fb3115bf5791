/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Table: a table as users mean it, at one commit: columns with ids, counts, and where its files are. It is what the
 * catalog's body says (JSON, TableBody below), so nothing here opens an Iceberg file but lake_plan().
 *
 * Object kinds: "table" (staging and models; name "staging.orders"), "quarantine" (name "staging.orders"
 * too, and "checks.rows" for the rows of a zone's models that a check found) and "log" (name "staging.orders": all rows of
 * a merge or history source; no name in SQL leads to it).
 * Everything lies in the caller's arena and is read-only.
 */
#include "base/json.h"
#include "base/type.h"
#include "base/value.h"
#include "iceberg/plan.h"
#include "lake/lake.h"
#include "sql/lineage.h"

typedef struct LakeColumn {
        Str name;
        int id;        /* Iceberg field id; 0 where it is yet to be given */
        Type type;
        bool hidden;   /* _file, _row: readable by name, left out of `*` */
        Str about;     /* Iceberg's doc */
        Str was;       /* for changeset_table() alone: its earlier name, whose id it keeps; empty = none */
} LakeColumn;

/* What a model read: the table's full name, the snapshot that its rows are of and that one's sequence number (which one
 * is newer). Compaction does not change them. */
typedef struct LakeInput {
        Str table;     /* "shop.staging.orders" */
        int64_t snapshot;
        int64_t sequence;
} LakeInput;

/* From which columns ("shop.staging.orders", "email") the values of a column of a model come; see sql/lineage.h. */
typedef struct LakeLineage {
        Str column;
        LineageSource *sources;
        size_t source_count;
} LakeLineage;

typedef struct TableBody {
        Str kind;              /* staging | model | quarantine */
        Str uuid;              /* the Iceberg table's, and its folder's name */
        Str location;          /* absolute */
        Str metadata_location; /* absolute */
        int64_t snapshot;      /* 0 = no data yet */
        int64_t sequence;      /* Iceberg's last sequence number */
        int64_t rows_snapshot; /* the newest that changed the rows: compaction makes a snapshot of equal rows */
        int64_t rows_sequence;
        int schema_id, last_column_id;
        LakeColumn *columns;
        size_t column_count;
        int64_t rows, files, bytes;
        LakeInput *inputs;
        size_t input_count;
        LakeLineage *lineage; /* of its columns, those without a source left out */
        size_t lineage_count;
        Str about;
        Str content;           /* hash of the rows as the writer defined it; empty = unknown */
        Str fingerprint;       /* of the build that made or confirmed the rows; empty = none */
        Str detail;            /* JSON of whoever wrote it, or empty */
} TableBody;

typedef struct Table {
        int64_t oid;
        Str kind, zone, name;  /* as in the catalog */
        int64_t seq;           /* the commit that put this version */
        Str commit;
        int64_t changed_us;
        Str body_hash;
        TableBody body;
} Table;

typedef struct LakeFile {
        const char *path;      /* absolute */
        FileStatistics statistics;
        /* Set by changeset_publish() alone: what the catalog will hold the file to. No worker is asked. */
        Str sha256;            /* hex */
        int64_t bytes;
} LakeFile;

/* The kinds of objects whose body is a table's. */
#define TABLE_KIND_COUNT 3
extern const char *const table_kinds[TABLE_KIND_COUNT];
bool table_is_kind(Str kind);

/* Kind is one of them. NOT_FOUND. */
Status lake_table(Lake *lake, CatalogAt at, CatalogName name, Arena *arena, Table *out, Error *err);
/* All of a kind, sorted by zone and name; zone may be empty. */
Status lake_tables(Lake *lake, CatalogAt at, Str kind, Str zone, Arena *arena, Table **out, size_t *out_count, Error *err);
/* EXPIRED for a version whose files retention removed (lake/retain.h), whether they are gone already or not. */
Status lake_table_kept(Lake *lake, const Table *table, Error *err);
/* What SQL calls zone.quarantine.NAME: of a source, or, called "rows", of the zone's checks. Borrows nothing. */
CatalogName quarantine_name(Arena *arena, Str zone, Str name);
/* "shop.staging.orders" */
Str table_full_name(Arena *arena, const Table *table);
const LakeColumn *table_column(const Table *table, Str name); /* as written; NULL if absent */

/* {"email": ["shop.staging.orders", "email", ...]}: for the bodies of tables and views. */
void lineage_print(JsonWriter *w, const LakeLineage *lineage, size_t count);
void lineage_parse(const Json *object, Arena *arena, LakeLineage **out, size_t *out_count);

/* JSON both ways; reading checks everything (CORRUPT). In it locations are below the store's root (those outside stay as
 * they are): bodies are hashed into the history, and the history does not change when a store is restored elsewhere. */
Str table_body_print(const Store *store, Arena *arena, const TableBody *body);
Status table_body_parse(const Store *store, Str json, Arena *arena, TableBody *out, Error *err);

/* ---- which files a scan needs ---- */

typedef struct LakeScanFile {
        const char *path;      /* absolute */
        int64_t rows, bytes;
} LakeScanFile;

typedef struct LakeScan {
        LakeScanFile *files;
        size_t file_count;
        int64_t rows, bytes;   /* of the files left */
        int64_t total_files;   /* of the table */
} LakeScan;

/* The data files that may hold rows which fulfil all predicates (iceberg/plan.h; pruning only: the rows still have to
 * be filtered). Predicates name columns by id. SQL_REFUSED for a table with foreign delete files, EXPIRED as above. */
Status lake_plan(Lake *lake, const Table *table, const Predicate *predicates, size_t predicate_count, Arena *arena,
                 LakeScan *out, Error *err);
