/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * SqliteCatalog: the embedded back end, private to this room.
 *
 * Queries are written where they are used: `db_query(db, &row, err, "select ... where a = ? and b = ?", "ti", a, b)` binds
 * by a word of letters (t text, i int64, b bytes; a Str with data NULL binds NULL), db_query_row() steps. Prepared
 * statements are kept by the address of their text, so the text must be a literal.
 */
#include <sqlite3.h>

#include "catalog/chain.h"
#include "catalog/patience.h"

#define CATALOG_SCHEMA 1 /* sqlite's user_version */
#define DB_PAGE 4096
#define STATEMENTS_MAX 96

typedef struct SqliteCatalog {
        Catalog base;
        sqlite3 *db;
        char *path;
        int64_t own_writes;
        int64_t patience_us, waiting_since_us;
        struct {
                const char *sql;
                sqlite3_stmt *statement;
        } kept[STATEMENTS_MAX];
        size_t kept_count;
} SqliteCatalog;

typedef struct Query {
        SqliteCatalog *db;
        sqlite3_stmt *statement; /* in use; reset by db_query_end */
} Query;

static inline SqliteCatalog *sqlite_of(Catalog *catalog) {
        return (SqliteCatalog *)(void *)catalog;
}

extern const CatalogFunctions sqlite_functions;

/* Has this connection wait for others as catalog/patience.h says. */
void db_be_patient(SqliteCatalog *db);
/* The library's last failure on this connection as an Error. */
Status db_error(SqliteCatalog *db, int code, Error *err);
Status db_query(SqliteCatalog *db, Query *out, Error *err, const char *sql, const char *types, ...);
/* *out_row: whether there is one. */
Status db_query_row(Query *query, bool *out_row, Error *err);
void db_query_end(Query *query); /* for CLEANUP; a zeroed Query is fine */
/* Runs to the end. */
Status db_run(SqliteCatalog *db, Error *err, const char *sql, const char *types, ...);
/* One integer, or fallback where there is no row or it is NULL. */
Status db_query_int(SqliteCatalog *db, int64_t *out, int64_t fallback, Error *err, const char *sql, const char *types, ...);
/* The first column of all rows that are left. */
Status db_query_strs(Query *query, Arena *arena, Str **out, size_t *out_count, Error *err);
Str db_column_str(Query *query, int column, Arena *arena); /* data NULL for NULL */
int64_t db_column_int(Query *query, int column);

/* A transaction: rolled back at the end of the scope unless committed. */
typedef struct Transaction {
        SqliteCatalog *db;
        bool open;
} Transaction;
Status db_transaction_read(SqliteCatalog *db, Transaction *out, Error *err);
Status db_transaction_write(SqliteCatalog *db, Transaction *out, Error *err);
Status db_transaction_commit(Transaction *transaction, Error *err);
void db_transaction_end(Transaction *transaction); /* for CLEANUP */

/* A branch and where it comes from; base_id 0 = from nothing. */
typedef struct BranchRow {
        int64_t id, base_id, base_seq, head_seq;
        Str name;
} BranchRow;
Str db_branch_or_main(Str name);
Status db_branch_find(SqliteCatalog *db, Str name, Arena *arena, BranchRow *out, Error *err); /* NOT_FOUND */
Status db_branch_by_id(SqliteCatalog *db, int64_t id, Arena *arena, BranchRow *out, Error *err);
/* The head commit of a branch, its base's if it has none of its own; seq 0 if there is none at all. */
Status db_branch_head(SqliteCatalog *db, const BranchRow *branch, Arena *arena, CatalogCommit *out, Error *err);

/* What a name is at (branch, seq; 0 = head): *out_found false when it is absent or removed. */
typedef struct VersionRow {
        int64_t oid, seq;
        Str hash;
} VersionRow;
Status db_version_find(SqliteCatalog *db, const BranchRow *branch, int64_t seq, CatalogName name, Arena *arena, VersionRow *out,
                    bool *out_found, Error *err);

/* sqlite_sync.c: the VFS under which a failed sync ends the process */
const char *sqlite_vfs_name(void);

/* sqlite_read.c */
Status sqlite_get(Catalog *catalog, CatalogAt at, CatalogName name, Arena *arena, CatalogObject *out, Error *err);
Status sqlite_list(Catalog *catalog, CatalogAt at, Str kind, Str zone, Arena *arena, CatalogObject **out, size_t *out_count,
                   Error *err);
Status sqlite_history(Catalog *catalog, Str branch, CatalogName name, size_t limit, Arena *arena, CatalogObject **out,
                      size_t *out_count, Error *err);
Status sqlite_log(Catalog *catalog, Str branch, int64_t before, size_t limit, Arena *arena, CatalogCommit **out,
                  size_t *out_count, Error *err);
Status sqlite_head(Catalog *catalog, Str branch, Arena *arena, CatalogCommit *out, Error *err);
Status sqlite_find(Catalog *catalog, Str branch, Str text, Arena *arena, CatalogCommit *out, Error *err);
Status sqlite_versions(Catalog *catalog, const CatalogVersion *after, size_t limit, Arena *arena, CatalogVersion **out,
                       size_t *out_count, Error *err);
Status sqlite_audit_heads(Catalog *catalog, Arena *arena, Str **out, size_t *out_count, Error *err);
Status sqlite_verify(Catalog *catalog, int64_t *out_count, Error *err);
Status sqlite_branches(Catalog *catalog, Arena *arena, CatalogBranch **out, size_t *out_count, Error *err);

/* sqlite.c */
Status db_secret_write(SqliteCatalog *db, Str name, Str bytes, Error *err); /* empty: taken away */

/* sqlite_write.c */
Status sqlite_commit(Catalog *catalog, const CatalogChange *changes, size_t count, const IntentResult *results,
                     size_t result_count, Arena *arena, CatalogCommit *outs, Error *err);
Status sqlite_branch_create(Catalog *catalog, Str name, CatalogAt base, Error *err);
Status sqlite_branch_remove(Catalog *catalog, Str name, Error *err);

/* sqlite_ledger.c */
Status sqlite_intent(Catalog *catalog, Str id, Arena *arena, IntentResult *out, Error *err);
Status sqlite_forget_intents(Catalog *catalog, int64_t before_us, const Str *living, size_t living_count, Error *err);
Status sqlite_ledger(Catalog *catalog, const Delivery *deliveries, size_t delivery_count, const FileSeen *files,
                     size_t file_count, Error *err);
Status sqlite_deliveries(Catalog *catalog, const DeliveryQuery *wanted, Arena *arena, Delivery **out, size_t *out_count,
                         Error *err);
Status sqlite_file_seen(Catalog *catalog, Str zone, Str source, Str place, Arena *arena, FileSeen *out, Error *err);
Status sqlite_files_seen(Catalog *catalog, Str zone, Str source, Arena *arena, FileSeen **out, size_t *out_count, Error *err);
Status sqlite_forget_file(Catalog *catalog, Str zone, Str source, Str place, Error *err);
/* sqlite_pages.c: checksums in every page. The name of the layer, for sqlite3_open_v2; begins it where needed. */
const char *db_pages_vfs(void);
/* Room for the checksum in each page; before the first one is written. */
Status db_pages_reserve(SqliteCatalog *db, Error *err);

/* sqlite_files.c */
Status sqlite_files(Catalog *catalog, const CatalogFileQuery *wanted, Arena *arena, CatalogFile **out, size_t *out_count,
                    Error *err);
Status sqlite_files_moved(Catalog *catalog, const CatalogFile *files, size_t count, Error *err);
Status sqlite_move(Catalog *catalog, Str root, Str codec, Error *err);
Status sqlite_moves(Catalog *catalog, Arena *arena, CatalogMove **out, size_t *out_count, Error *err);
Status sqlite_files_gone(Catalog *catalog, const Str *paths, size_t count, Error *err);
Status sqlite_files_published(Catalog *catalog, const Str *paths, size_t count, Arena *arena, Str **out, size_t *out_count,
                              Error *err);
/* The files of one commit, sorted by path. */
Status db_files_of(SqliteCatalog *db, int64_t seq, Arena *arena, CatalogFile **out, size_t *out_count, Error *err);
Status db_files_write(SqliteCatalog *db, int64_t seq, const CatalogFile *files, size_t count, Error *err);
/* sqlite_expiry.c */
Status sqlite_replaced(Catalog *catalog, Str kind, Arena *arena, CatalogReplaced **out, size_t *out_count, Error *err);
Status sqlite_expire(Catalog *catalog, Str kind, const Str *hashes, size_t count, Str rule, size_t *out_count, Error *err);
Status sqlite_expired(Catalog *catalog, Str hash, Arena *arena, CatalogExpired *out, Error *err);
Status sqlite_live_bodies(Catalog *catalog, Str kind, Arena *arena, Str **out, size_t *out_count, Error *err);

/* Inside a transaction of the caller's; seq 0 = no commit. */
Status db_ledger_write(SqliteCatalog *db, const Delivery *deliveries, size_t delivery_count, const FileSeen *files,
                    size_t file_count, int64_t seq, Error *err);
Status db_intent_write(SqliteCatalog *db, const IntentResult *result, Error *err);
