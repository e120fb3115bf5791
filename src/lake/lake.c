/* SPDX-License-Identifier: Apache-2.0 */
#include "lake/lake.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"
#include "lake/publish.h"
#include "lake/store_files.h"

static Lake *lake_with(Store *store) {
        Lake *lake = calloc(1, sizeof(*lake));
        if (!lake || !(lake->manifests = calloc(1, sizeof(*lake->manifests))))
                out_of_memory();
        lake->store = store;
        return lake;
}

static Status check_meta(Lake *lake, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        Str format, root;
        int64_t number = 0;
        TRY(catalog_meta(lake->catalog, STR("format"), &arena, &format, err));
        TRY(catalog_meta(lake->catalog, STR("root"), &arena, &root, err));
        if (!str_to_int64(format, &number))
                return error_set(err, STATUS_CORRUPT, "the store's format '%.*s' is no number", STR_ARG(format));
        return store_check(lake->store, number, root, err);
}

/* So that a key of which a bit flipped is not taken for the store's own. Says nothing about the key: it is random. */
static Status note_key(const Store *store, const char *catalog_path, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        CLEANUP(catalog_freep) Catalog *catalog = NULL;
        Sha256 hash;
        int64_t size = 0;
        TRY(file_hash(store->key_path, &hash, &size, err));
        TRY(catalog_open_sqlite(catalog_path, &catalog, err));
        return catalog_put_meta(catalog, STR(LAKE_KEY_HASH), sha256_hex(&arena, hash), err);
}

static Status open_catalog(Lake *lake, Error *err) {
        TRY(catalog_open_sqlite(lake->store->catalog_path, &lake->catalog, err));
        return check_meta(lake, err);
}

/* The catalog is made under another name: a store has its catalog whole or is none. */
static Status make_catalog(const Store *store, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        const char *path = arena_printf(&arena, "%s.%016llx.new", store->catalog_path,
                                        (unsigned long long)random_u64());
        CLEANUP(close_fdp) int lock = open(store->lock_path, O_RDWR | O_CLOEXEC);
        if (lock < 0)
                return error_errno(err, errno, "cannot open '%s'", store->lock_path);
        TRY(file_lock(lock, true, false, err));
        if (file_exists(store->catalog_path))
                return error_set(err, STATUS_EXISTS, "there is a store already: '%s'", store->root);
        store_remove_unfinished(store, "catalog.sqlite");
        TRY(catalog_create_sqlite(path, STORE_FORMAT, str_of(store->root), err));
        TRY(note_key(store, path, err));
        if (link(path, store->catalog_path) < 0) {
                int errnum = errno;
                unlink(path);
                if (errnum == EEXIST)
                        return error_set(err, STATUS_EXISTS, "there is a store already: '%s'", store->root);
                return error_errno(err, errnum, "cannot make '%s'", store->catalog_path);
        }
        store_remove_unfinished(store, "catalog.sqlite"); /* its other name, and its journal */
        dir_sync(store->root);
        return STATUS_OK;
}

/* What a killed run had handed in is published before anybody looks: its ledger rows decide what is still to do. A
 * failure here is not the opener's; the next publication meets it again. */
static void finish_the_dead(Lake *lake) {
        if (!publish_has_orphans(lake) || file_is_locked(lake->store->lock_path)) /* who holds it does it, or nobody can now */
                return;
        CLEANUP(arena_deinit) Arena arena = { 0 };
        CatalogCommit commit;
        bool unknown = false;
        Error ignored = { 0 };
        publish_drain(lake, STR_NONE, STR_NONE, &arena, &commit, &unknown, &ignored);
}

Status lake_create(const char *root, Lake **out, Error *err) {
        CLEANUP(store_freep) Store *store = NULL;
        TRY(store_create(root, &store, err));
        TRY(make_catalog(store, err));
        CLEANUP(lake_freep) Lake *lake = lake_with(TAKE_PTR(store));
        TRY(open_catalog(lake, err));
        *out = TAKE_PTR(lake);
        return STATUS_OK;
}

Status lake_open(const char *root, Lake **out, Error *err) {
        CLEANUP(store_freep) Store *store = NULL;
        TRY(store_open(root, &store, err));
        CLEANUP(lake_freep) Lake *lake = lake_with(TAKE_PTR(store));
        TRY(open_catalog(lake, err));
        finish_the_dead(lake);
        *out = TAKE_PTR(lake);
        return STATUS_OK;
}

void lake_free(Lake *lake) {
        if (!lake)
                return;
        manifest_cache_deinit(lake->manifests);
        free(lake->manifests);
        catalog_free(lake->catalog);
        store_free(lake->store);
        free(lake);
}

void lake_freep(Lake **lake) {
        lake_free(*lake);
        *lake = NULL;
}

/* ---- store_files.h ---- */

static Status read_metadata_file(void *context, Str path, Arena *arena, Str *out, Error *err) {
        (void)context;
        return file_read(arena_cstr(arena, path), MANIFEST_SIZE_MAX, arena, out, err);
}

IcebergSource lake_iceberg_source(void) {
        return (IcebergSource){ read_metadata_file, NULL };
}

Status lake_metadata(Str location, const IcebergSource *source, Arena *arena, TableMetadata **out, Error *err) {
        Str bytes = STR_NONE;
        TRY(source->read(source->context, location, arena, &bytes, err));
        return metadata_parse(bytes, arena_cstr(arena, location), arena, out, err);
}
