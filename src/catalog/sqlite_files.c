/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files that commits added: which bytes the store must hold.
 */
#include "base/time.h"
#include "base/vec.h"
#include "catalog/sqlite.h"

/* Hashes are kept as their 32 bytes. */
static Str hash_text(Query *q, int column, Arena *arena) {
        CLEANUP(arena_deinit) Arena scratch = { 0 };
        return hex_of(arena, db_column_str(q, column, &scratch));
}

static CatalogFile file_row(Query *q, Arena *arena) {
        return (CatalogFile){ .seq = db_column_int(q, 0),
                              .path = db_column_str(q, 1, arena),
                              .sha256 = hash_text(q, 2, arena),
                              .bytes = db_column_int(q, 3),
                              .gone_us = db_column_int(q, 4),
                              .moved_sha256 = hash_text(q, 5, arena),
                              .moved_bytes = db_column_int(q, 6) };
}

static Status read_files(Query *q, Arena *arena, CatalogFile **out, size_t *out_count, Error *err) {
        VEC(CatalogFile) rows = { 0 };
        for (;;) {
                bool row = false;
                TRY(db_query_row(q, &row, err));
                if (!row)
                        break;
                vec_push(arena, &rows, file_row(q, arena));
        }
        *out = rows.items;
        *out_count = rows.count;
        return STATUS_OK;
}

Status sqlite_files(Catalog *catalog, const CatalogFileQuery *wanted, Arena *arena, CatalogFile **out,
                    size_t *out_count, Error *err) {
        CLEANUP(db_query_end) Query q = { 0 };
        if (wanted->seq)
                TRY(db_query(sqlite_of(catalog), &q, err, "select * from file where seq = ? and path = ?", "it", wanted->seq,
                             wanted->path));
        else
                TRY(db_query(sqlite_of(catalog), &q, err,
                     "select * from file where (seq, path) > (?, ?) and (? or gone_us = 0) order by seq, path limit ?",
                     "itii", wanted->after_seq, wanted->after_path.data ? wanted->after_path : STR(""),
                     (int64_t)wanted->gone, wanted->limit ? (int64_t)wanted->limit : (int64_t)-1));
        return read_files(&q, arena, out, out_count, err);
}

Status db_files_of(SqliteCatalog *db, int64_t seq, Arena *arena, CatalogFile **out, size_t *out_count, Error *err) {
        CLEANUP(db_query_end) Query q = { 0 };
        TRY(db_query(db, &q, err, "select * from file where seq = ? order by path", "i", seq));
        return read_files(&q, arena, out, out_count, err);
}

Status db_files_write(SqliteCatalog *db, int64_t seq, const CatalogFile *files, size_t count, Error *err) {
        for (size_t i = 0; i < count; i++) {
                Sha256 hash;
                if (!sha256_from_hex(files[i].sha256, &hash))
                        return error_set(err, STATUS_INTERNAL, "'%.*s' is added without its hash", STR_ARG(files[i].path));
                TRY(db_run(db, err, "insert into file values (?, ?, ?, ?, 0, null, null)", "itbi", seq, files[i].path,
                           (Str){ (const char *)hash.bytes, sizeof(hash.bytes) }, files[i].bytes));
        }
        return STATUS_OK;
}

/* One pass over all rows, however many paths there are: rows are in the order of commits, not of paths. */
static Status name_paths(SqliteCatalog *db, const Str *paths, size_t count, Error *err) {
        TRY(db_run(db, err, "create temp table if not exists named (path text primary key) strict, without rowid", ""));
        TRY(db_run(db, err, "delete from temp.named", ""));
        for (size_t i = 0; i < count; i++)
                TRY(db_run(db, err, "insert or ignore into temp.named values (?)", "t", paths[i]));
        return STATUS_OK;
}

Status sqlite_files_gone(Catalog *catalog, const Str *paths, size_t count, Error *err) {
        SqliteCatalog *db = sqlite_of(catalog);
        CLEANUP(db_transaction_end) Transaction transaction = { 0 };
        TRY(db_transaction_write(db, &transaction, err));
        TRY(name_paths(db, paths, count, err));
        TRY(db_run(db, err, "update file set gone_us = ? where gone_us = 0 and path in (select path from temp.named)", "i",
                   time_now_us()));
        return db_transaction_commit(&transaction, err);
}

Status sqlite_files_published(Catalog *catalog, const Str *paths, size_t count, Arena *arena, Str **out, size_t *out_count,
                              Error *err) {
        SqliteCatalog *db = sqlite_of(catalog);
        CLEANUP(db_query_end) Query q = { 0 };
        TRY(name_paths(db, paths, count, err));
        *out = ARENA_ARRAY(arena, Str, count);
        TRY(db_query(db, &q, err, "select distinct path from file where path in (select path from temp.named) order by path", ""));
        for (bool row = false;;) {
                TRY(db_query_row(&q, &row, err));
                if (!row)
                        return STATUS_OK;
                (*out)[(*out_count)++] = db_column_str(&q, 0, arena);
        }
}

/* ---- a store at another path ---- */

static Status move_row(SqliteCatalog *db, const CatalogFile *file, Error *err) {
        Sha256 hash;
        bool moved = file->moved_sha256.size > 0;
        if (moved && !sha256_from_hex(file->moved_sha256, &hash))
                return error_set(err, STATUS_INTERNAL, "'%.*s' is moved without its hash", STR_ARG(file->path));
        if (!moved)
                return db_run(db, err, "update file set moved_sha256 = null, moved_bytes = null where seq = ? and path = ?",
                              "it", file->seq, file->path);
        return db_run(db, err, "update file set moved_sha256 = ?, moved_bytes = ? where seq = ? and path = ?", "biit",
                      (Str){ (const char *)hash.bytes, sizeof(hash.bytes) }, file->moved_bytes, file->seq, file->path);
}

Status sqlite_files_moved(Catalog *catalog, const CatalogFile *files, size_t count, Error *err) {
        SqliteCatalog *db = sqlite_of(catalog);
        CLEANUP(db_transaction_end) Transaction transaction = { 0 };
        TRY(db_transaction_write(db, &transaction, err));
        for (size_t i = 0; i < count; i++)
                TRY(move_row(db, &files[i], err));
        return db_transaction_commit(&transaction, err);
}

Status sqlite_move(Catalog *catalog, Str root, Str codec, Error *err) {
        SqliteCatalog *db = sqlite_of(catalog);
        CLEANUP(db_transaction_end) Transaction transaction = { 0 };
        TRY(db_transaction_write(db, &transaction, err));
        TRY(db_run(db, err,
                   "insert into moved select max(?, coalesce((select max(at_us) + 1 from moved), 0)), (select"
                   " coalesce(max(seq), 0) from commit_), (select value from meta where key = 'root'), ?",
                   "it", time_now_us(), codec));
        TRY(db_run(db, err, "update meta set value = ? where key = 'root'", "t", root));
        return db_transaction_commit(&transaction, err);
}

Status sqlite_moves(Catalog *catalog, Arena *arena, CatalogMove **out, size_t *out_count, Error *err) {
        CLEANUP(db_query_end) Query q = { 0 };
        VEC(CatalogMove) rows = { 0 };
        TRY(db_query(sqlite_of(catalog), &q, err, "select seq, root, codec, at_us from moved order by at_us", ""));
        for (;;) {
                bool row = false;
                TRY(db_query_row(&q, &row, err));
                if (!row)
                        break;
                vec_push(arena, &rows,
                         (CatalogMove){ db_column_int(&q, 0), db_column_str(&q, 1, arena), db_column_str(&q, 2, arena),
                                        db_column_int(&q, 3) });
        }
        *out = rows.items;
        *out_count = rows.count;
        return STATUS_OK;
}
