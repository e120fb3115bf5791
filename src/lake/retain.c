/* SPDX-License-Identifier: Apache-2.0 */
#include "lake/retain.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/time.h"
#include "base/vec.h"
#include "lake/needed.h"
#include "lake/store_files.h"

#define PUBLISH_TRIES 8

/* A file that lies below tables/. */
typedef struct Found {
        Str path;
        int64_t bytes;
} Found;

/* One table, by the rule under which its versions go. */
typedef struct Owner {
        RetainTable report;
        int64_t keep_us;
        VEC(CatalogReplaced) versions;
} Owner;

typedef struct Retain {
        const RetainSpec *spec;
        Lake *lake;
        Arena *arena;
        VEC(Found) found;
        VEC(Owner *) owners;
        Map by_table;  /* Owner, by kind, zone and name */
        Map expiring;  /* body hashes */
        Map file_owner; /* path of a file of an expiring version: Owner */
} Retain;

/* ---- what lies there ---- */

/* One that goes meanwhile held nothing. */
static Status list_folder(Retain *retain, const char *folder, Error *err) {
        DirEntry *entries = NULL;
        size_t count = 0;
        Status status = dir_list(folder, retain->arena, &entries, &count, err);
        if (status == STATUS_NOT_FOUND)
                return STATUS_OK;
        TRY(status);
        for (size_t i = 0; i < count; i++) {
                struct stat st;
                const char *path = path_join(retain->arena, folder, arena_cstr(retain->arena, entries[i].name));
                if (entries[i].is_file && stat(path, &st) == 0)
                        vec_push(retain->arena, &retain->found, (Found){ str_of(path), st.st_size });
        }
        return STATUS_OK;
}

static Status list_tables(Retain *retain, Error *err) {
        static const char *const parts[] = { "data", "metadata" };
        DirEntry *entries = NULL;
        size_t count = 0;
        const char *tables = retain->lake->store->tables_dir;
        TRY(dir_list(tables, retain->arena, &entries, &count, err));
        for (size_t i = 0; i < count; i++)
                for (size_t k = 0; k < COUNT_OF(parts) && entries[i].is_dir; k++) {
                        const char *table = path_join(retain->arena, tables, arena_cstr(retain->arena, entries[i].name));
                        TRY(list_folder(retain, path_join(retain->arena, table, parts[k]), err));
                }
        return STATUS_OK;
}

/* ---- which versions ---- */

static Owner *owner_of(Retain *retain, const CatalogReplaced *version, const RetainRule *rule) {
        Arena *arena = retain->arena;
        Str key = arena_strf(arena, "%.*s %.*s %.*s", STR_ARG(version->kind), STR_ARG(version->zone), STR_ARG(version->name));
        void **place = map_at(&retain->by_table, key);
        if (*place)
                return *place;
        Owner *owner = ARENA_NEW(arena, Owner);
        owner->report.name = (CatalogName){ version->kind, version->zone, version->name };
        owner->report.rule = arena_str(arena, rule->words);
        owner->keep_us = rule->keep_us;
        *place = owner;
        vec_push(arena, &retain->owners, owner);
        return owner;
}

static bool is_over(const RetainSpec *spec, int64_t keep_us, int64_t until_us) {
        if (keep_us == RETAIN_FOREVER)
                return false;
        int64_t keep = keep_us > spec->readers_us ? keep_us : spec->readers_us;
        return until_us < spec->now_us - keep;
}

static Status choose_versions(Retain *retain, const char *kind, Error *err) {
        CatalogReplaced *rows = NULL;
        size_t count = 0;
        TRY(catalog_replaced(retain->lake->catalog, str_of(kind), retain->arena, &rows, &count, err));
        for (size_t i = 0; i < count; i++) {
                RetainRule rule;
                TRY(retain->spec->rule(retain->spec->context, (CatalogName){ rows[i].kind, rows[i].zone, rows[i].name },
                                       &rule, err));
                if (!rows[i].body.data || !is_over(retain->spec, rule.keep_us, rows[i].until_us))
                        continue;
                Owner *owner = owner_of(retain, &rows[i], &rule);
                owner->report.versions++;
                vec_push(retain->arena, &owner->versions, rows[i]);
                map_put(&retain->expiring, rows[i].body_hash, owner);
        }
        return STATUS_OK;
}

/* ---- metadata.json names no snapshot whose files are to go ---- */

/* Whether a table, as it is now, names such; a table that is not there any more does not. */
static Status wants_trim(Retain *retain, const Owner *owner, bool *out, Error *err) {
        CLEANUP(arena_deinit) Arena scratch = { 0 };
        Table table;
        *out = false;
        Status status = lake_table(retain->lake, (CatalogAt){ 0 }, owner->report.name, &scratch, &table, err);
        if (status == STATUS_NOT_FOUND)
                return STATUS_OK;
        TRY(status);
        IcebergSource source = lake_iceberg_source();
        TableMetadata *metadata = NULL;
        TRY(lake_metadata(table.body.metadata_location, &source, &scratch, &metadata, err));
        *out = metadata_trim(metadata, (retain->spec->now_us - owner->keep_us) / 1000, &scratch) != metadata;
        return STATUS_OK;
}

static Status try_trim(Retain *retain, ChangeSet **set, Error *err) {
        size_t tables = 0;
        for (size_t i = 0; i < retain->owners.count; i++) {
                const Owner *owner = retain->owners.items[i];
                bool wanted;
                TRY(wants_trim(retain, owner, &wanted, err));
                if (!wanted)
                        continue;
                ChangeTable *table = NULL;
                if (!*set)
                        TRY(changeset_new(retain->lake, &retain->spec->commit, set, err));
                TRY(changeset_compact_table(*set, owner->report.name, &table, err));
                changeset_trim(table, (retain->spec->now_us - owner->keep_us) / 1000);
                tables++;
        }
        if (tables == 0)
                return STATUS_OK;
        CatalogCommit commit;
        changeset_set_message(*set, arena_strf(retain->arena, "tidy: %zu table%s without old versions", tables,
                                               tables == 1 ? "" : "s"));
        return changeset_publish(*set, retain->arena, &commit, err);
}

static Status trim_metadata(Retain *retain, Error *err) {
        Status status = STATUS_CONFLICT;
        for (int i = 0; i < PUBLISH_TRIES && (status == STATUS_CONFLICT || status == STATUS_NOT_FOUND); i++) {
                CLEANUP(changeset_freep) ChangeSet *set = NULL;
                status = try_trim(retain, &set, err);
        }
        return status;
}

/* ---- which files ---- */

/* To tell by which rule a file goes. Of a version that an earlier call had begun to remove not all may be found. */
static void note_owners(Retain *retain) {
        for (size_t i = 0; i < retain->owners.count; i++) {
                Owner *owner = retain->owners.items[i];
                Needed had;
                needed_init(&had, retain->lake, retain->arena);
                for (size_t k = owner->versions.count; k-- > 0;) {
                        Error ignored = { 0 };
                        (void)needed_add_version(&had, owner->versions.items[k].body, &ignored);
                }
                for (size_t k = 0; k < had.files.count; k++)
                        map_put(&retain->file_owner, had.files.entries[k].key, owner);
        }
}

static Status mark_expired(Retain *retain, Error *err) {
        for (size_t i = 0; i < retain->owners.count; i++) {
                const Owner *owner = retain->owners.items[i];
                Str *hashes = ARENA_ARRAY(retain->arena, Str, owner->versions.count);
                for (size_t k = 0; k < owner->versions.count; k++)
                        hashes[k] = owner->versions.items[k].body_hash;
                size_t ignored;
                TRY(catalog_expire(retain->lake->catalog, owner->report.name.kind, hashes, owner->versions.count,
                                   owner->report.rule, &ignored, err));
        }
        return STATUS_OK;
}

/* Names that are made here; what somebody else put into the folders is not ours to remove. */
static bool is_ours(Str path) {
        return str_ends_with(path, STR(".parquet")) || str_ends_with(path, STR(".avro")) ||
               str_ends_with(path, STR(".metadata.json"));
}

static bool may_go(const Needed *needed, const Found *found) {
        return !needed_has(needed, found->path) && is_ours(found->path);
}

/* Files that a call before this one had begun to remove, and did not live to: their versions have expired already, so
 * nobody chooses them again. */
static Status note_begun(Retain *retain, const Needed *needed, Map *out, Error *err) {
        size_t count = 0, published_count = 0;
        Str *paths = ARENA_ARRAY(retain->arena, Str, retain->found.count), *published = NULL;
        map_init(out, retain->arena);
        for (size_t i = 0; i < retain->found.count && !retain->spec->strays; i++) {
                const Found *found = &retain->found.items[i];
                if (may_go(needed, found) && !map_has(&retain->file_owner, found->path))
                        paths[count++] = store_relative(retain->lake->store, found->path);
        }
        TRY(catalog_files_published(retain->lake->catalog, paths, count, retain->arena, &published, &published_count, err));
        for (size_t i = 0; i < published_count; i++)
                map_put(out, published[i], retain);
        return STATUS_OK;
}

static bool goes(const Retain *retain, const Needed *needed, const Map *begun, const Found *found) {
        if (!may_go(needed, found))
                return false;
        return retain->spec->strays || map_has(&retain->file_owner, found->path) ||
               map_has(begun, store_relative(retain->lake->store, found->path));
}

/* A folder that a change set of the living has noted stays, empty or not. */
static void remove_empty_folder(const Needed *needed, const char *folder) {
        if (!map_has(&needed->folders, str_of(folder)))
                rmdir(folder);
}

static void remove_file(Retain *retain, const Needed *needed, const Found *found) {
        const char *path = arena_cstr(retain->arena, found->path);
        unlink(path);
        char *folder = path_dir(retain->arena, path);
        char *table = path_dir(retain->arena, folder);
        remove_empty_folder(needed, folder);
        if (!map_has(&needed->folders, str_of(path_join(retain->arena, table, "data"))) &&
            !map_has(&needed->folders, str_of(path_join(retain->arena, table, "metadata"))))
                rmdir(table);
}

static void count_file(Retain *retain, const Found *found, RetainResult *result) {
        Owner *owner = map_get(&retain->file_owner, found->path);
        *(owner ? &owner->report.files : &result->stray_files) += 1;
        *(owner ? &owner->report.bytes : &result->stray_bytes) += found->bytes;
        result->files++;
        result->bytes += found->bytes;
}

/* The catalog knows that they are gone before they are: what it does not know to be gone has to be there. */
static Status remove_files(Retain *retain, const Needed *needed, RetainResult *result, Error *err) {
        size_t count = 0;
        Map begun;
        TRY(note_begun(retain, needed, &begun, err));
        const Found **going = ARENA_ARRAY(retain->arena, const Found *, retain->found.count);
        Str *paths = ARENA_ARRAY(retain->arena, Str, retain->found.count);
        for (size_t i = 0; i < retain->found.count; i++) {
                const Found *found = &retain->found.items[i];
                if (!goes(retain, needed, &begun, found))
                        continue;
                count_file(retain, found, result);
                paths[count] = store_relative(retain->lake->store, found->path);
                going[count++] = found;
        }
        if (retain->spec->dry_run)
                return STATUS_OK;
        TRY(catalog_files_gone(retain->lake->catalog, paths, count, err));
        for (size_t i = 0; i < count; i++)
                remove_file(retain, needed, going[i]);
        return STATUS_OK;
}

/* What is there is listed before anybody is asked whether he needs it: see lake/needed.h. */
Status lake_retain(Lake *lake, const RetainSpec *spec, Arena *arena, RetainResult *out, Error *err) {
        Retain retain = { .spec = spec, .lake = lake, .arena = arena };
        RetainResult result = { 0 };
        map_init(&retain.by_table, arena);
        map_init(&retain.expiring, arena);
        map_init(&retain.file_owner, arena);
        TRY(list_tables(&retain, err));
        for (size_t i = 0; i < TABLE_KIND_COUNT; i++)
                TRY(choose_versions(&retain, table_kinds[i], err));
        note_owners(&retain);
        if (!spec->dry_run) {
                TRY(trim_metadata(&retain, err));
                TRY(mark_expired(&retain, err));
        }
        Needed needed;
        TRY(needed_load(lake, spec->dry_run ? &retain.expiring : NULL, arena, &needed, err));
        TRY(remove_files(&retain, &needed, &result, err));
        result.tables = ARENA_ARRAY(arena, RetainTable, retain.owners.count);
        for (size_t i = 0; i < retain.owners.count; i++)
                result.tables[result.table_count++] = retain.owners.items[i]->report;
        *out = result;
        return STATUS_OK;
}
