/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/sqlite.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/time.h"
#include "base/vec.h"

/*
 * Rollback journal with synchronous=FULL, the journal truncated at commit: then SQLite syncs it once more, and a commit
 * is durable when it returns. (Deleting it, the default, leaves the folder unsynced: after a power cut the journal may
 * be back and undo what was answered.) WAL would let readers and the writer pass each other, but before 3.51.3 SQLite
 * could lose a write in it (its WAL-reset bug), so the library decides.
 */
#define WAL_SINCE 3051003

static const char schema[] =
        "create table meta (key text primary key, value text not null) strict, without rowid;"
        "create table branch (id integer primary key autoincrement, name text not null unique,"
        " base_branch integer not null, base_seq integer not null, head_seq integer not null, at_us integer not null)"
        " strict;"
        "create table commit_ (seq integer primary key autoincrement, id text not null unique, parent text not null,"
        " merge_parent text not null, branch text not null, author text not null, via text not null,"
        " at_us integer not null, message text not null, git text not null, audit text not null, files text not null) strict;"
        "create index commit_branch on commit_ (branch, seq);"
        "create index commit_time on commit_ (branch, at_us);"
        "create table object (oid integer primary key autoincrement, kind text not null, zone text not null,"
        " name text not null, born integer not null, gone integer) strict;"
        "create index object_name on object (kind, zone, name);"
        "create table version (branch integer not null, oid integer not null, seq integer not null, body_hash text,"
        " primary key (branch, oid, seq)) strict, without rowid;"
        "create index version_seq on version (seq);"
        "create table head (branch integer not null, oid integer not null, seq integer not null, body_hash text,"
        " primary key (branch, oid)) strict, without rowid;"
        "create table body (hash text primary key, bytes blob) strict;"
        /* By commit, so that writing one touches the last page only. */
        "create table file (seq integer not null, path text not null, sha256 blob not null, bytes integer not null,"
        " gone_us integer not null, moved_sha256 blob, moved_bytes integer, primary key (seq, path)) strict,"
        " without rowid;"
        "create table moved (at_us integer primary key, seq integer not null, root text not null, codec text not null)"
        " strict;"
        "create table delivery (id integer primary key, zone text not null, source text not null, name text not null,"
        " sha256 text not null, bytes integer not null, as_of text not null, landed_us integer not null,"
        " landing text not null, state text not null, records integer not null, accepted integer not null,"
        " quarantined integer not null, skipped integer not null, message text not null, spec text not null,"
        " detail text not null, revision integer not null, seq integer not null) strict;"
        "create unique index delivery_bytes on delivery (zone, source, sha256, as_of);"
        "create index delivery_landed on delivery (landed_us, id);"
        "create table file_seen (zone text not null, source text not null, place text not null, device integer"
        " not null, inode integer not null, size integer not null, mtime_ns integer not null, ctime_ns integer not null,"
        " looked_us integer not null, sha256 text not null, delivery integer not null, state text not null,"
        " message text not null, primary key (zone, source, place)) strict, without rowid;"
        "create table intent (id text primary key, status integer not null, message text not null, seq integer"
        " not null, at_us integer not null) strict, without rowid;"
        "create table expired (hash text primary key, at_us integer not null, rule text not null) strict, without rowid;"
        "create table secret (name text primary key, bytes blob not null) strict;";

/* The disk's fault, a permission's, or whoever put something else in its place. */
static Status failed(const SqliteCatalog *db, int code, const char *words, Error *err) {
        int errnum = db->db ? sqlite3_system_errno(db->db) : 0;
        error_set(err, STATUS_IO, "the catalog '%s' failed: %s%s%s (%d)", db->path, words, errnum ? ": " : "", errnum ? strerror(errnum) : "",
                  db->db ? sqlite3_extended_errcode(db->db) : code);
        return error_hint(err, "nothing is half-done: see to its disk or its permissions, and run it again");
}

Status db_error(SqliteCatalog *db, int code, Error *err) {
        const char *words = db->db ? sqlite3_errmsg(db->db) : sqlite3_errstr(code);
        if (code == SQLITE_IOERR_DATA) {
                error_set(err, STATUS_CORRUPT, "the catalog '%s' is damaged: a page of it is not what was written", db->path);
                return error_hint(err, "lode verify names what is damaged; lode restore gives a store from a backup");
        }
        switch (code & 0xff) {
        case SQLITE_FULL:
                return error_set(err, STATUS_DISK_FULL, "no space left for the catalog '%s'", db->path);
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
                return error_set(err, STATUS_CORRUPT, "the catalog '%s' is damaged: %s", db->path, words);
        case SQLITE_BUSY:
                if (file_lock_is_interrupted())
                        return error_set(err, STATUS_IO, "another process held the catalog '%s'", db->path);
                error_set(err, STATUS_IO, "the catalog '%s' was busy for %d s", db->path, (int)(CATALOG_PATIENCE_US / 1000000));
                return error_hint(err, "another process holds it; run again");
        case SQLITE_NOMEM:
                out_of_memory();
        default:
                return failed(db, code, words, err);
        }
}

/* ---- patience ---- */

static _Atomic int64_t gave_up_us; /* monotonic, when a whole minute was waited out; 0 = never */

int64_t catalog_patience(Catalog *catalog, int64_t us) {
        SqliteCatalog *db = sqlite_of(catalog);
        int64_t before = db->patience_us;
        db->patience_us = us;
        return before;
}

static int on_busy(void *context, int times) {
        SqliteCatalog *db = context;
        int64_t now = time_monotonic_us(), gave_up = gave_up_us, patience = db->patience_us;
        if (times == 0)
                db->waiting_since_us = now;
        bool hurries = (gave_up && now - gave_up < CATALOG_PATIENCE_US) || file_lock_is_interrupted();
        if (hurries && patience > CATALOG_MOMENT_US)
                patience = CATALOG_MOMENT_US;
        if (now - db->waiting_since_us >= patience) {
                if (patience == CATALOG_PATIENCE_US)
                        gave_up_us = now;
                return 0;
        }
        usleep(times < 10 ? 1000u << (times / 2) : 50000);
        return 1;
}

void db_be_patient(SqliteCatalog *db) {
        db->patience_us = CATALOG_PATIENCE_US;
        sqlite3_busy_handler(db->db, on_busy, db);
}

/* ---- statements ---- */

static Status statement_of(SqliteCatalog *db, const char *sql, sqlite3_stmt **out, Error *err) {
        for (size_t i = 0; i < db->kept_count; i++) {
                if (db->kept[i].sql != sql)
                        continue;
                assert(!sqlite3_stmt_busy(db->kept[i].statement));
                *out = db->kept[i].statement;
                return STATUS_OK;
        }
        assert(db->kept_count < STATEMENTS_MAX);
        int code = sqlite3_prepare_v3(db->db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL);
        if (code != SQLITE_OK)
                return db_error(db, code, err);
        db->kept[db->kept_count].sql = sql;
        db->kept[db->kept_count++].statement = *out;
        return STATUS_OK;
}

static int bind_one(sqlite3_stmt *statement, int at, char type, va_list *args) {
        if (type == 'i')
                return sqlite3_bind_int64(statement, at, va_arg(*args, int64_t));
        Str value = va_arg(*args, Str);
        if (!value.data && type == 't')
                return sqlite3_bind_null(statement, at);
        const char *bytes = value.data ? value.data : "";
        if (type == 't')
                return sqlite3_bind_text64(statement, at, bytes, value.size, SQLITE_TRANSIENT, SQLITE_UTF8);
        return sqlite3_bind_blob64(statement, at, bytes, value.size, SQLITE_TRANSIENT);
}

static Status query_v(SqliteCatalog *db, Query *out, Error *err, const char *sql, const char *types, va_list *args) {
        sqlite3_stmt *statement = NULL;
        TRY(statement_of(db, sql, &statement, err));
        assert((size_t)sqlite3_bind_parameter_count(statement) == strlen(types));
        for (int i = 0; types[i]; i++) {
                int code = bind_one(statement, i + 1, types[i], args);
                if (code != SQLITE_OK)
                        return db_error(db, code, err);
        }
        *out = (Query){ db, statement };
        return STATUS_OK;
}

Status db_query(SqliteCatalog *db, Query *out, Error *err, const char *sql, const char *types, ...) {
        va_list args;
        va_start(args, types);
        Status status = query_v(db, out, err, sql, types, &args);
        va_end(args);
        return status;
}

Status db_query_row(Query *query, bool *out_row, Error *err) {
        int code = sqlite3_step(query->statement);
        if (code != SQLITE_ROW && code != SQLITE_DONE)
                return db_error(query->db, code, err);
        *out_row = code == SQLITE_ROW;
        return STATUS_OK;
}

void db_query_end(Query *query) {
        if (!query->statement)
                return;
        sqlite3_reset(query->statement);
        sqlite3_clear_bindings(query->statement);
        query->statement = NULL;
}

Status db_run(SqliteCatalog *db, Error *err, const char *sql, const char *types, ...) {
        CLEANUP(db_query_end) Query q = { 0 };
        va_list args;
        va_start(args, types);
        Status status = query_v(db, &q, err, sql, types, &args);
        va_end(args);
        if (status != STATUS_OK)
                return status;
        bool row = false;
        return db_query_row(&q, &row, err);
}

Status db_query_int(SqliteCatalog *db, int64_t *out, int64_t fallback, Error *err, const char *sql, const char *types,
                    ...) {
        CLEANUP(db_query_end) Query q = { 0 };
        va_list args;
        va_start(args, types);
        Status status = query_v(db, &q, err, sql, types, &args);
        va_end(args);
        if (status != STATUS_OK)
                return status;
        bool row = false;
        TRY(db_query_row(&q, &row, err));
        *out = row && sqlite3_column_type(q.statement, 0) != SQLITE_NULL ? db_column_int(&q, 0) : fallback;
        return STATUS_OK;
}

Status db_query_strs(Query *query, Arena *arena, Str **out, size_t *out_count, Error *err) {
        VEC(Str) rows = { 0 };
        for (;;) {
                bool row = false;
                TRY(db_query_row(query, &row, err));
                if (!row)
                        break;
                vec_push(arena, &rows, db_column_str(query, 0, arena));
        }
        *out = rows.items;
        *out_count = rows.count;
        return STATUS_OK;
}

Str db_column_str(Query *query, int column, Arena *arena) {
        if (sqlite3_column_type(query->statement, column) == SQLITE_NULL)
                return STR_NONE;
        const char *data = sqlite3_column_blob(query->statement, column);
        return arena_str(arena, (Str){ data ? data : "", (size_t)sqlite3_column_bytes(query->statement, column) });
}

int64_t db_column_int(Query *query, int column) {
        return sqlite3_column_int64(query->statement, column);
}

/* ---- transactions ---- */

static Status transaction_begin(SqliteCatalog *db, const char *sql, Transaction *out, Error *err) {
        TRY(db_run(db, err, sql, ""));
        *out = (Transaction){ db, true };
        return STATUS_OK;
}

Status db_transaction_read(SqliteCatalog *db, Transaction *out, Error *err) {
        static const char begin[] = "begin";
        return transaction_begin(db, begin, out, err);
}

Status db_transaction_write(SqliteCatalog *db, Transaction *out, Error *err) {
        static const char begin[] = "begin immediate";
        db->own_writes++;
        return transaction_begin(db, begin, out, err);
}

Status db_transaction_commit(Transaction *transaction, Error *err) {
        TRY(db_run(transaction->db, err, "commit", ""));
        transaction->open = false;
        return STATUS_OK;
}

void db_transaction_end(Transaction *transaction) {
        if (!transaction->open)
                return;
        /* SQLite may have rolled back by itself (disk full); then this fails, which is as good. */
        Error ignored = { 0 };
        db_run(transaction->db, &ignored, "rollback", "");
        transaction->open = false;
}

/* ---- open and create ---- */

static void sqlite_free(Catalog *catalog) {
        SqliteCatalog *db = sqlite_of(catalog);
        for (size_t i = 0; i < db->kept_count; i++)
                sqlite3_finalize(db->kept[i].statement);
        sqlite3_close(db->db);
        free(db->path);
        free(db);
}

static void sqlite_freep(SqliteCatalog **db) {
        if (*db)
                sqlite_free(&(*db)->base);
}

static Status exec(SqliteCatalog *db, const char *sql, Error *err) {
        int code = sqlite3_exec(db->db, sql, NULL, NULL, NULL);
        return code == SQLITE_OK ? STATUS_OK : db_error(db, code, err);
}

static Status connect_to(const char *path, int flags, SqliteCatalog **out, Error *err) {
        CLEANUP(sqlite_freep) SqliteCatalog *db = calloc(1, sizeof(*db));
        if (!db || !(db->path = strdup(path)))
                out_of_memory();
        db->base.functions = &sqlite_functions;
        int code = sqlite3_open_v2(path, &db->db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE, db_pages_vfs());
        if (code != SQLITE_OK)
                return db_error(db, code, err);
        db_be_patient(db);
        sqlite3_extended_result_codes(db->db, 1);
        sqlite3_db_config(db->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
        sqlite3_db_config(db->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
        TRY(exec(db, "pragma synchronous=full; pragma temp_store=memory; pragma cell_size_check=on;", err));
        *out = TAKE_PTR(db);
        return STATUS_OK;
}

Status catalog_create_sqlite(const char *path, int64_t format, Str root, Error *err) {
        if (file_exists(path))
                return error_set(err, STATUS_EXISTS, "there is a catalog already: '%s'", path);
        CLEANUP(sqlite_freep) SqliteCatalog *db = NULL;
        TRY(connect_to(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, &db, err));
        TRY(exec(db, "pragma page_size=4096;", err));
        TRY(db_pages_reserve(db, err));
        if (sqlite3_libversion_number() >= WAL_SINCE)
                TRY(exec(db, "pragma journal_mode=wal;", err));
        CLEANUP(db_transaction_end) Transaction transaction = { 0 };
        TRY(db_transaction_write(db, &transaction, err));
        TRY(exec(db, schema, err));
        TRY(db_run(db, err, "insert into branch values (1, 'main', 0, 0, 0, ?)", "i", time_now_us()));
        TRY(db_run(db, err, "insert into meta select 'format', cast(? as text)", "i", format));
        TRY(db_run(db, err, "insert into meta values ('root', ?)", "t", root));
        TRY(exec(db, "pragma user_version=1;", err));
        return db_transaction_commit(&transaction, err);
}

static Status check_journal(SqliteCatalog *db, Error *err) {
        CLEANUP(db_query_end) Query q = { 0 };
        bool row = false;
        TRY(db_query(db, &q, err, "pragma journal_mode", ""));
        TRY(db_query_row(&q, &row, err));
        const unsigned char *mode = row ? sqlite3_column_text(q.statement, 0) : NULL;
        if (mode && strcmp((const char *)mode, "wal") == 0 && sqlite3_libversion_number() >= WAL_SINCE)
                return STATUS_OK;
        /* This also leads back a WAL that a newer library made on another machine. */
        db_query_end(&q);
        return exec(db, "pragma journal_mode=truncate;", err);
}

Status catalog_open_sqlite(const char *path, Catalog **out, Error *err) {
        if (!file_exists(path))
                return error_set(err, STATUS_NO_STORE, "there is no catalog at '%s'", path);
        CLEANUP(sqlite_freep) SqliteCatalog *db = NULL;
        TRY(connect_to(path, SQLITE_OPEN_READWRITE, &db, err));
        int64_t version = 0;
        TRY(db_query_int(db, &version, 0, err, "pragma user_version", ""));
        if (version == 0) { /* no catalog is ever there without its tables */
                error_set(err, STATUS_CORRUPT, "the catalog '%s' is damaged: there is nothing in it", path);
                return error_hint(err, "lode restore makes the store again from a backup; the files of tables and landing need not be damaged");
        }
        if (version != CATALOG_SCHEMA)
                return error_set(err, STATUS_STORE_FORMAT,
                                 "the catalog '%s' has tables of version %lld; this lode knows %d", path,
                                 (long long)version, CATALOG_SCHEMA);
        TRY(check_journal(db, err));
        *out = &TAKE_PTR(db)->base;
        return STATUS_OK;
}

/* ---- meta, secrets, generation ---- */

static Status one_value(SqliteCatalog *db, const char *sql, Str key, const char *what, Arena *arena, Str *out,
                        Error *err) {
        CLEANUP(db_query_end) Query q = { 0 };
        bool row = false;
        TRY(db_query(db, &q, err, sql, "t", key));
        TRY(db_query_row(&q, &row, err));
        if (!row)
                return error_set(err, STATUS_NOT_FOUND, "the catalog has no %s '%.*s'", what, STR_ARG(key));
        *out = db_column_str(&q, 0, arena);
        return STATUS_OK;
}

static Status sqlite_meta(Catalog *catalog, Str key, Arena *arena, Str *out, Error *err) {
        static const char sql[] = "select value from meta where key = ?";
        return one_value(sqlite_of(catalog), sql, key, "setting", arena, out, err);
}

static Status sqlite_secret(Catalog *catalog, Str name, Arena *arena, Str *out, Error *err) {
        static const char sql[] = "select bytes from secret where name = ?";
        return one_value(sqlite_of(catalog), sql, name, "secret", arena, out, err);
}

static Status sqlite_put_meta(Catalog *catalog, Str key, Str value, Error *err) {
        SqliteCatalog *db = sqlite_of(catalog);
        db->own_writes++;
        return db_run(db, err, "insert or replace into meta values (?, ?)", "tt", key, value);
}

static Status sqlite_next(Catalog *catalog, Str key, int64_t *out, Error *err) {
        SqliteCatalog *db = sqlite_of(catalog);
        CLEANUP(arena_deinit) Arena arena = { 0 };
        CLEANUP(db_transaction_end) Transaction transaction = { 0 };
        TRY(db_transaction_write(db, &transaction, err));
        TRY(db_run(db, err, "insert into meta values (?, '1') on conflict (key) do update set value = cast(cast(value as integer) + 1 as text)", "t", key));
        Str text;
        TRY(sqlite_meta(catalog, key, &arena, &text, err));
        if (!str_to_int64(text, out))
                return error_set(err, STATUS_CORRUPT, "the catalog's setting '%.*s' is no number", STR_ARG(key));
        return db_transaction_commit(&transaction, err);
}

Status db_secret_write(SqliteCatalog *db, Str name, Str bytes, Error *err) {
        if (bytes.size == 0)
                return db_run(db, err, "delete from secret where name = ?", "t", name);
        return db_run(db, err, "insert or replace into secret values (?, ?)", "tb", name, bytes);
}

static Status sqlite_put_secret(Catalog *catalog, Str name, Str bytes, Error *err) {
        SqliteCatalog *db = sqlite_of(catalog);
        db->own_writes++;
        return db_secret_write(db, name, bytes, err);
}

static Status sqlite_generation(Catalog *catalog, int64_t *out, Error *err) {
        SqliteCatalog *db = sqlite_of(catalog);
        int64_t others = 0;
        TRY(db_query_int(db, &others, 0, err, "pragma data_version", ""));
        *out = (others << 32) + db->own_writes;
        return STATUS_OK;
}

/* A commit can be seen once its journal is truncated, or its frames are in the WAL, and is durable when that is synced. The
 * pages themselves are synced before. A descriptor of SQLite's own file would, closed, take SQLite's locks with it. */
static Status sqlite_settle(Catalog *catalog, Error *err) {
        static const char *const endings[] = { "-journal", "-wal" };
        CLEANUP(arena_deinit) Arena arena = { 0 };
        for (size_t i = 0; i < COUNT_OF(endings); i++) {
                const char *path = arena_printf(&arena, "%s%s", sqlite_of(catalog)->path, endings[i]);
                CLEANUP(close_fdp) int fd = open(path, O_RDONLY | O_CLOEXEC);
                if (fd < 0 && errno != ENOENT)
                        return error_errno(err, errno, "cannot open '%s'", path);
                if (fd >= 0)
                        fd_sync(fd, path);
        }
        return STATUS_OK;
}

const CatalogFunctions sqlite_functions = {
        .get = sqlite_get,
        .list = sqlite_list,
        .history = sqlite_history,
        .log = sqlite_log,
        .head = sqlite_head,
        .find = sqlite_find,
        .commit = sqlite_commit,
        .settle = sqlite_settle,
        .intent = sqlite_intent,
        .forget_intents = sqlite_forget_intents,
        .ledger = sqlite_ledger,
        .deliveries = sqlite_deliveries,
        .file_seen = sqlite_file_seen,
        .files_seen = sqlite_files_seen,
        .forget_file = sqlite_forget_file,
        .replaced = sqlite_replaced,
        .expire = sqlite_expire,
        .expired = sqlite_expired,
        .live_bodies = sqlite_live_bodies,
        .branches = sqlite_branches,
        .branch_create = sqlite_branch_create,
        .branch_remove = sqlite_branch_remove,
        .secret = sqlite_secret,
        .put_secret = sqlite_put_secret,
        .meta = sqlite_meta,
        .put_meta = sqlite_put_meta,
        .files = sqlite_files,
        .files_gone = sqlite_files_gone,
        .files_published = sqlite_files_published,
        .files_moved = sqlite_files_moved,
        .move = sqlite_move,
        .moves = sqlite_moves,
        .versions = sqlite_versions,
        .next = sqlite_next,
        .audit_heads = sqlite_audit_heads,
        .verify = sqlite_verify,
        .generation = sqlite_generation,
        .free = sqlite_free,
};
