/* SPDX-License-Identifier: Apache-2.0 */
#include "lake/blame.h"

#include "base/file.h"
#include "base/map.h"

#define FILES_AT_ONCE 4096

/* What a reader of files says when it does not mean the statement: its words for what it did not expect to read. */
static bool is_about_bytes(Str sentence) {
        static const char *const words[] = { "arquet", "ecompress", "TProtocol", "orrupt", "magic bytes", "ut of buffer", "ead past", "nvalid UTF", "Snappy", "ZSTD", "before it is defined" };
        for (size_t i = 0; i < COUNT_OF(words); i++)
                if (str_find(sentence, str_of(words[i])) < sentence.size)
                        return true;
        return false;
}

static bool may_be_damage(const Worker *worker, Status status) {
        const Failure *failure = worker_failure(worker);
        if (status == STATUS_WORKER_LOST)
                return true;
        if (!failure)
                return false;
        switch (failure->kind) {
        case FAILURE_FILE:
        case FAILURE_ENGINE:
        case FAILURE_OTHER:
                return true;
        default:
                return is_about_bytes(failure->detail);
        }
}

/* Whether it is not what was published. */
static bool is_damaged(const Lake *lake, const CatalogFile *file, Arena *arena) {
        Error ignored = { 0 };
        Sha256 hash;
        int64_t size = 0;
        Str wanted = file->moved_sha256.size ? file->moved_sha256 : file->sha256;
        Status status = file_hash(store_absolute(lake->store, arena, file->path), &hash, &size, &ignored);
        return status == STATUS_NOT_FOUND || (status == STATUS_OK && !str_equal(sha256_hex(arena, hash), wanted));
}

/* The catalog has its files in the order of commits: one pass over all, whatever is asked of them. */
static Status find_damaged(Lake *lake, const Map *wanted, Arena *arena, Str *out, Error *err) {
        CatalogFileQuery query = { .limit = FILES_AT_ONCE };
        for (;;) {
                CLEANUP(arena_deinit) Arena batch = { 0 };
                CatalogFile *files;
                size_t count;
                TRY(catalog_files(lake->catalog, &query, &batch, &files, &count, err));
                for (size_t i = 0; i < count; i++) {
                        if (!map_has(wanted, files[i].path) || !is_damaged(lake, &files[i], &batch))
                                continue;
                        *out = arena_str(arena, files[i].path);
                        return STATUS_OK;
                }
                if (count < FILES_AT_ONCE)
                        return STATUS_OK;
                query.after_seq = files[count - 1].seq;
                query.after_path = arena_str(arena, files[count - 1].path);
        }
}

Status lake_prove(Lake *lake, const Str *paths, size_t count, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        Map wanted;
        Str damaged = STR("");
        map_init(&wanted, &arena);
        for (size_t i = 0; i < count; i++)
                map_put(&wanted, store_relative(lake->store, paths[i]), &wanted);
        TRY(find_damaged(lake, &wanted, &arena, &damaged, err));
        if (damaged.size == 0)
                return STATUS_OK;
        const char *path = store_absolute(lake->store, &arena, damaged);
        error_set(err, STATUS_CORRUPT, "a stored file is damaged: '%s' is %s", path, file_exists(path) ? "not what was published" : "gone");
        return error_hint(err, "lode verify names all that is damaged and what needs it; lode restore DIR --damaged puts it back from a backup, "
                               "lode run TABLE --again makes the table again");
}

Status lake_prove_table(Lake *lake, const Table *table, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        LakeScan scan;
        TRY(lake_plan(lake, table, NULL, 0, &arena, &scan, err));
        Str *paths = ARENA_ARRAY(&arena, Str, scan.file_count + 1);
        for (size_t i = 0; i < scan.file_count; i++)
                paths[i] = str_of(scan.files[i].path);
        return lake_prove(lake, paths, scan.file_count, err);
}

Status lake_grant(Lake *lake, Worker *worker, const char *path, Arena *arena, const char **out_path, Error *err) {
        Error damage = { 0 };
        Str name = str_of(path);
        Status status = worker_grant(worker, path, arena, out_path, err);
        if (status != STATUS_OK && lake && !file_exists(path) && lake_prove(lake, &name, 1, &damage) == STATUS_CORRUPT)
                *err = damage;
        return status == STATUS_OK ? STATUS_OK : err->status;
}

Status lake_blame(Lake *lake, const Worker *worker, const Str *paths, size_t count, Error *err) {
        Error damage = { 0 };
        if (may_be_damage(worker, err->status) && lake_prove(lake, paths, count, &damage) == STATUS_CORRUPT)
                *err = damage;
        return err->status;
}
