/* SPDX-License-Identifier: Apache-2.0 */
#include "lake/needed.h"

#include "base/file.h"
#include "base/json.h"
#include "base/vec.h"
#include "lake/intent.h"
#include "lake/store_files.h"
#include "lake/table.h"

#define LOAD_TRIES 20

void needed_init(Needed *needed, Lake *lake, Arena *arena) {
        *needed = (Needed){ .lake = lake, .arena = arena };
        map_init(&needed->files, arena);
        map_init(&needed->folders, arena);
        map_init(&needed->lists, arena);
        map_init(&needed->walked, arena);
}

bool needed_has(const Needed *needed, Str path) {
        return map_has(&needed->files, path);
}

static void add(Needed *needed, Str path) {
        void **place = map_at(&needed->files, path);
        if (*place)
                return;
        *place = needed;
        CLEANUP(arena_deinit) Arena scratch = { 0 };
        map_put(&needed->folders, str_of(path_dir(&scratch, arena_cstr(&scratch, path))), needed);
}

/* ---- notes in the queue ---- */

static Status add_lines(Needed *needed, const char *path, Error *err) {
        CLEANUP(arena_deinit) Arena scratch = { 0 };
        Str list = STR_NONE, line;
        Error absent = { 0 };
        Status status = file_read(path, INTENT_SIZE_MAX, &scratch, &list, &absent);
        if (status == STATUS_NOT_FOUND) /* forgotten meanwhile: the catalog has it, or its files are gone */
                return STATUS_OK;
        if (status != STATUS_OK) {
                *err = absent;
                return status;
        }
        while (str_cut(list, '\n', &line, &list))
                if (line.size > 0)
                        add(needed, line);
        return STATUS_OK;
}

/* A power cut may take the note, which is not synced, and leave the intent: whoever drains would publish it. One that is
 * not whole is never published. */
static Status add_intent(Needed *needed, const char *path, Error *err) {
        CLEANUP(arena_deinit) Arena scratch = { 0 };
        Str bytes = STR_NONE;
        Error why = { 0 };
        Intent intent;
        Status status = file_read(path, INTENT_SIZE_MAX, &scratch, &bytes, &why);
        if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
                *err = why;
                return status;
        }
        if (status == STATUS_NOT_FOUND || intent_read(needed->lake->store, bytes, &scratch, &intent, &why) != STATUS_OK)
                return STATUS_OK;
        for (size_t i = 0; i < intent.table_count; i++)
                for (size_t k = 0; k < intent.tables[i].file_count; k++)
                        add(needed, str_of(intent.tables[i].files[k].path));
        return STATUS_OK;
}

/* Of the dead whose intent is not in the queue either: nobody will publish that any more. */
static bool is_dead(Needed *needed, Str id) {
        const Store *store = needed->lake->store;
        return !file_is_locked(store_queue_path(store, needed->arena, id, "files")) &&
               !file_exists(store_queue_path(store, needed->arena, id, "intent"));
}

static Status add_notes(Needed *needed, Error *err) {
        DirEntry *entries = NULL;
        size_t count = 0;
        const char *folder = needed->lake->store->queue_dir;
        TRY(dir_list(folder, needed->arena, &entries, &count, err));
        for (size_t i = 0; i < count; i++) {
                Str name = entries[i].name, files = STR(".files");
                bool is_list = str_ends_with(name, files);
                const char *path = path_join(needed->arena, folder, arena_cstr(needed->arena, name));
                if (str_ends_with(name, STR(".intent")))
                        TRY(add_intent(needed, path, err));
                if (!is_list && !str_ends_with(name, STR(".drain")))
                        continue;
                if (!is_list || !is_dead(needed, str_slice(name, 0, name.size - files.size)))
                        TRY(add_lines(needed, path, err));
        }
        return STATUS_OK;
}

/* ---- versions ---- */

/* Paths are compared as they are written: one that leads elsewhere would make files of this store look as if nobody needed
 * them, so it ends the matter. */
static Status add_stored(Needed *needed, Str path, Error *err) {
        const char *tables = needed->lake->store->tables_dir;
        size_t size = strlen(tables);
        if (!str_starts_with(path, str_of(tables)) || path.size <= size || path.data[size] != '/')
                return error_set(err, STATUS_CORRUPT, "a table of this store names the file '%.*s', which lies outside of it",
                                 STR_ARG(path));
        add(needed, path);
        return STATUS_OK;
}

static Str id_key(const int64_t *id) {
        return (Str){ (const char *)id, sizeof(*id) };
}

/* A metadata file names the lists of a hundred snapshots, so most versions need not be parsed for theirs. */
static Status list_of(Needed *needed, const TableBody *body, Str *out, Error *err) {
        const Str *known = map_get(&needed->lists, id_key(&body->snapshot));
        if (!known) {
                CLEANUP(arena_deinit) Arena scratch = { 0 };
                IcebergSource source = lake_iceberg_source();
                TableMetadata *metadata = NULL;
                TRY(lake_metadata(body->metadata_location, &source, &scratch, &metadata, err));
                for (size_t i = 0; i < metadata->snapshot_count; i++) {
                        Str *list = ARENA_NEW(needed->arena, Str);
                        *list = arena_str(needed->arena, metadata->snapshots[i].manifest_list);
                        map_put(&needed->lists, id_key(&metadata->snapshots[i].id), list);
                }
                known = map_get(&needed->lists, id_key(&body->snapshot));
        }
        if (!known)
                return error_set(err, STATUS_CORRUPT, "'%.*s' lacks snapshot %lld", STR_ARG(body->metadata_location),
                                 (long long)body->snapshot);
        *out = *known;
        return STATUS_OK;
}

static Status add_manifest(Needed *needed, const ManifestFile *from, Error *err) {
        void **place = map_at(&needed->walked, from->path);
        if (*place)
                return STATUS_OK;
        *place = needed;
        CLEANUP(arena_deinit) Arena scratch = { 0 };
        IcebergSource source = lake_iceberg_source();
        const Manifest *manifest = NULL;
        TRY(manifest_load(&source, NULL, from, &scratch, &manifest, err));
        TRY(add_stored(needed, from->path, err));
        for (size_t i = 0; i < manifest->entry_count; i++)
                if (manifest->entries[i].status != ENTRY_DELETED)
                        TRY(add_stored(needed, manifest->entries[i].file.path, err));
        return STATUS_OK;
}

Status needed_add_version(Needed *needed, Str text, Error *err) {
        CLEANUP(arena_deinit) Arena scratch = { 0 };
        TableBody body;
        TRY(table_body_parse(needed->lake->store, text, &scratch, &body, err));
        TRY(add_stored(needed, body.metadata_location, err));
        if (body.snapshot == 0)
                return STATUS_OK;
        Str path;
        TRY(list_of(needed, &body, &path, err));
        /* Not `files`: a note of a drain names lists too, and what those name is not in it. */
        void **place = map_at(&needed->walked, path);
        if (*place)
                return STATUS_OK;
        *place = needed;
        IcebergSource source = lake_iceberg_source();
        const ManifestList *list = NULL;
        Snapshot snapshot = { .id = body.snapshot, .manifest_list = path };
        TRY(manifest_list_load(&source, NULL, &snapshot, &scratch, &list, err));
        for (size_t i = 0; i < list->count; i++)
                TRY(add_manifest(needed, &list->manifests[i], err));
        return add_stored(needed, path, err);
}

/* The newest first: their metadata files name the lists of those before. */
typedef struct Version {
        Str body;
        int64_t sequence;
} Version;

static int newest_first(const void *left, const void *right) {
        const Version *a = left, *b = right;
        return a->sequence > b->sequence ? -1 : a->sequence < b->sequence;
}

static bool has_expired(Needed *needed, Str body) {
        CLEANUP(arena_deinit) Arena scratch = { 0 };
        CatalogExpired expired;
        Error ignored;
        return catalog_expired(needed->lake->catalog, sha256_hex(&scratch, sha256_of(body)), &scratch, &expired, &ignored) == STATUS_OK;
}

/* *out_outdated: one of them expired while they were read, and its files went. */
static Status add_versions(Needed *needed, Str kind, const Map *without, bool *out_outdated, Error *err) {
        Str *bodies = NULL;
        size_t count = 0, left = 0;
        TRY(catalog_live_bodies(needed->lake->catalog, kind, needed->arena, &bodies, &count, err));
        Version *versions = ARENA_ARRAY(needed->arena, Version, count);
        for (size_t i = 0; i < count; i++) {
                CLEANUP(arena_deinit) Arena scratch = { 0 };
                TableBody body;
                if (without && map_has(without, sha256_hex(&scratch, sha256_of(bodies[i]))))
                        continue;
                TRY(table_body_parse(needed->lake->store, bodies[i], &scratch, &body, err));
                versions[left++] = (Version){ bodies[i], body.sequence };
        }
        if (left > 1)
                qsort(versions, left, sizeof(*versions), newest_first);
        for (size_t i = 0; i < left; i++) {
                Status status = needed_add_version(needed, versions[i].body, err);
                if (status != STATUS_OK && has_expired(needed, versions[i].body))
                        *out_outdated = true;
                TRY(status);
        }
        return STATUS_OK;
}

static Status load(Needed *needed, const Map *without, bool *out_outdated, Error *err) {
        *out_outdated = false;
        TRY(add_notes(needed, err));
        for (size_t i = 0; i < TABLE_KIND_COUNT; i++)
                TRY(add_versions(needed, str_of(table_kinds[i]), without, out_outdated, err));
        return STATUS_OK;
}

/* From its beginning when another took versions away meanwhile: what was read of one of them is half of something. */
Status needed_load(Lake *lake, const Map *without, Arena *arena, Needed *out, Error *err) {
        bool outdated = true;
        Status status = STATUS_OK;
        for (int i = 0; i < LOAD_TRIES && outdated; i++) {
                needed_init(out, lake, arena);
                status = load(out, without, &outdated, err);
        }
        return status;
}
