/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables: every version that a commit put, against its Iceberg files, and these against each other. A manifest is read
 * once, however many versions name it. Where a file is damaged already, nothing more is said of it, but each version
 * that needs it is counted.
 */
#include <fcntl.h>

#include "base/file.h"
#include "lake/verify_files.h"
#include "parquet/footer.h"

#define BATCH 1000
#define COMMITS_TOLD 5

/* What a manifest adds up to. */
typedef struct ManifestFacts {
        int64_t files, rows, bytes;
        VEC(Str) damaged; /* paths below the root, itself included */
} ManifestFacts;

/* One version on its way. */
typedef struct Version {
        Verify *v;
        const CatalogVersion *row;
        TableBody body;
        Arena *scratch;
        bool damaged; /* something of it is: sums would not fit */
} Version;

static Str key_of(Arena *arena, Str kind, Str zone, Str name) {
        return arena_strf(arena, "%.*s\n%.*s\n%.*s", STR_ARG(kind), STR_ARG(zone), STR_ARG(name));
}

/* ---- whom a damage affects ---- */

static void add_table(Arena *arena, VerifyDamage *damage, Str name) {
        for (size_t i = 0; i < damage->table_count; i++)
                if (str_equal(damage->tables[i], name))
                        return;
        Str *tables = ARENA_ARRAY(arena, Str, damage->table_count + 1);
        for (size_t i = 0; i < damage->table_count; i++)
                tables[i] = damage->tables[i];
        tables[damage->table_count++] = name;
        damage->tables = tables;
}

static void affect(Version *version, VerifyDamage *damage) {
        Verify *v = version->v;
        const CatalogVersion *row = version->row;
        const int64_t *current = map_get(&v->current, key_of(version->scratch, row->kind, row->zone, row->name));
        version->damaged = true;
        add_table(v->arena, damage, verify_name(v->arena, row->kind, row->zone, row->name));
        damage->versions++;
        damage->current = damage->current || (current && *current == row->seq);
        if (damage->commit_count == COMMITS_TOLD)
                return;
        if (damage->commit_count == 0)
                damage->commits = ARENA_ARRAY(v->arena, Str, COMMITS_TOLD);
        damage->commits[damage->commit_count++] = arena_str(v->arena, row->commit);
}

static bool affect_file(Version *version, Str path) {
        VerifyDamage *damage = verify_damage_of(version->v, store_relative(&version->v->store, path));
        if (damage)
                affect(version, damage);
        return damage != NULL;
}

/* What is wrong between files that are whole, each for itself. */
#define INCONSISTENT(version, file, ...)                                                                       \
        affect((version), verify_damage((version)->v, "table", store_relative(&(version)->v->store, (file)), \
                                        "inconsistent", __VA_ARGS__))

/* ---- manifests ---- */

static Status read_here(void *context, Str path, Arena *arena, Str *out, Error *err) {
        return file_read(verify_place(context, arena, path), MANIFEST_SIZE_MAX, arena, out, err);
}

static IcebergSource source_of(Verify *v) {
        return (IcebergSource){ read_here, v };
}

/* Rows by the file's own footer. */
static void check_footer(Version *version, Str relative, const DataFile *file) {
        CLEANUP(arena_deinit) Arena scratch = { 0 };
        ParquetFooter footer;
        Error why = { 0 };
        const char *path = verify_place(version->v, &scratch, file->path);
        CLEANUP(close_fdp) int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return; /* removed by a tidy beside us, or else told already */
        if (parquet_footer_read(fd, path, &scratch, &footer, &why) != STATUS_OK)
                verify_damage(version->v, "data", relative, "altered", "its footer cannot be read: %s", why.message);
        else if (footer.rows != file->statistics.rows)
                verify_damage(version->v, "table", relative, "inconsistent", "it has %lld rows, and its manifest says %lld",
                              (long long)footer.rows, (long long)file->statistics.rows);
}

static void check_data_file(Version *version, const DataFile *file) {
        Verify *v = version->v;
        Str relative = store_relative(&v->store, file->path);
        KnownFile *known = verify_known(v, relative);
        if (!known) {
                verify_damage(v, "table", relative, "inconsistent", "a manifest names it, and no commit added it");
                return;
        }
        if (known->seen || known->gone)
                return;
        known->seen = true;
        if (verify_damage_of(v, relative))
                return;
        if (known->bytes != file->statistics.bytes)
                verify_damage(v, "table", relative, "inconsistent", "it has %lld bytes, and its manifest says %lld",
                              (long long)known->bytes, (long long)file->statistics.bytes);
        else
                check_footer(version, relative, file);
}

static void add_entry(Version *version, ManifestFacts *facts, const ManifestEntry *entry) {
        Verify *v = version->v;
        if (entry->status == ENTRY_DELETED)
                return;
        check_data_file(version, &entry->file);
        Str relative = store_relative(&v->store, entry->file.path);
        if (verify_damage_of(v, relative))
                vec_push(v->arena, &facts->damaged, arena_str(v->arena, relative));
        facts->files++;
        facts->rows += entry->file.statistics.rows;
        facts->bytes += entry->file.statistics.bytes;
}

static ManifestFacts *facts_of(Version *version, const ManifestFile *from) {
        Verify *v = version->v;
        Str relative = store_relative(&v->store, from->path);
        ManifestFacts *facts = map_get(&v->manifests, relative);
        if (facts)
                return facts;
        facts = ARENA_NEW(v->arena, ManifestFacts);
        map_put(&v->manifests, relative, facts);
        CLEANUP(arena_deinit) Arena scratch = { 0 };
        IcebergSource source = source_of(v);
        const Manifest *manifest = NULL;
        const KnownFile *known = verify_known(v, relative);
        Error why = { 0 };
        if (!known)
                verify_damage(v, "table", relative, "inconsistent", "a manifest list names it, and no commit added it");
        else if (!verify_damage_of(v, relative) && known->bytes != from->length)
                verify_damage(v, "table", relative, "inconsistent", "it has %lld bytes, and its list says %lld",
                              (long long)known->bytes, (long long)from->length);
        if (verify_damage_of(v, relative)) {
                vec_push(v->arena, &facts->damaged, arena_str(v->arena, relative));
                return facts;
        }
        if (manifest_load(&source, NULL, from, &scratch, &manifest, &why) != STATUS_OK) {
                verify_damage(v, "manifest", relative, "altered", "%s", why.message);
                vec_push(v->arena, &facts->damaged, arena_str(v->arena, relative));
                return facts;
        }
        for (size_t i = 0; i < manifest->entry_count; i++)
                add_entry(version, facts, &manifest->entries[i]);
        return facts;
}

/* ---- one version ---- */

static void check_totals(Version *version, const ManifestFacts *sum) {
        const TableBody *body = &version->body;
        if (version->damaged || (sum->rows == body->rows && sum->files == body->files && sum->bytes == body->bytes))
                return;
        INCONSISTENT(version, body->metadata_location,
                     "its files hold %lld rows in %lld files, and the catalog says %lld in %lld", (long long)sum->rows,
                     (long long)sum->files, (long long)body->rows, (long long)body->files);
}

static void check_list(Version *version, const Snapshot *snapshot) {
        Verify *v = version->v;
        IcebergSource source = source_of(v);
        const ManifestList *list = NULL;
        Error why = { 0 };
        ManifestFacts sum = { 0 };
        if (affect_file(version, snapshot->manifest_list))
                return;
        if (!verify_known(v, store_relative(&v->store, snapshot->manifest_list))) {
                INCONSISTENT(version, snapshot->manifest_list, "a snapshot names it, and no commit added it");
                return;
        }
        if (manifest_list_load(&source, NULL, snapshot, version->scratch, &list, &why) != STATUS_OK) {
                affect(version, verify_damage(v, "manifest", store_relative(&v->store, snapshot->manifest_list), "altered",
                                              "%s", why.message));
                return;
        }
        for (size_t i = 0; i < list->count; i++) {
                const ManifestFacts *facts = facts_of(version, &list->manifests[i]);
                sum.files += facts->files;
                sum.rows += facts->rows;
                sum.bytes += facts->bytes;
                for (size_t k = 0; k < facts->damaged.count; k++)
                        affect_file(version, facts->damaged.items[k]);
        }
        check_totals(version, &sum);
}

static bool same_columns(const TableBody *body, const Schema *schema) {
        if (schema->field_count != body->column_count)
                return false;
        for (size_t i = 0; i < schema->field_count; i++)
                if (schema->fields[i].id != body->columns[i].id || !str_equal(schema->fields[i].name, body->columns[i].name))
                        return false;
        return true;
}

static void check_metadata(Version *version) {
        const TableBody *body = &version->body;
        TableMetadata *metadata = NULL;
        IcebergSource source = source_of(version->v);
        Error why = { 0 };
        if (lake_metadata(body->metadata_location, &source, version->scratch, &metadata, &why) != STATUS_OK) {
                affect(version, verify_damage(version->v, "metadata",
                                              store_relative(&version->v->store, body->metadata_location), "altered", "%s",
                                              why.message));
                return;
        }
        const Snapshot *snapshot = body->snapshot ? metadata_snapshot(metadata, body->snapshot) : NULL;
        if (!str_equal(metadata->uuid, body->uuid) || !str_equal(metadata->location, body->location))
                INCONSISTENT(version, body->metadata_location, "it is of another table than the catalog says");
        else if (!same_columns(body, metadata_current_schema(metadata)))
                INCONSISTENT(version, body->metadata_location, "its columns are not those that the catalog says");
        else if (body->snapshot && !snapshot)
                INCONSISTENT(version, body->metadata_location, "it lacks snapshot %lld", (long long)body->snapshot);
        else if (snapshot)
                check_list(version, snapshot);
}

static void check_version(Verify *v, const CatalogVersion *row) {
        CLEANUP(arena_deinit) Arena scratch = { 0 };
        Version version = { .v = v, .row = row, .scratch = &scratch };
        Error why = { 0 };
        if (table_body_parse(&v->store, row->body, &scratch, &version.body, &why) != STATUS_OK) {
                verify_damage(v, "history", STR(""), "altered", "commit %.*s: the entry of %.*s.%.*s cannot be read: %s",
                              STR_ARG(row->commit), STR_ARG(row->zone), STR_ARG(row->name), why.message);
                return;
        }
        Str relative = store_relative(&v->store, version.body.metadata_location);
        const KnownFile *known = verify_known(v, relative);
        if (known && known->gone)
                return; /* it has expired */
        v->report.versions++;
        if (!known)
                INCONSISTENT(&version, version.body.metadata_location, "the catalog names it, and no commit added it");
        else if (!affect_file(&version, version.body.metadata_location))
                check_metadata(&version);
}

/* ---- all of them ---- */

typedef void (*EachVersion)(Verify *v, const CatalogVersion *row);

static bool is_wanted(const Verify *v, const CatalogVersion *row) {
        return table_is_kind(row->kind) && row->body.data &&
               verify_wants(v, row->kind, row->zone, row->name);
}

static Status each_version(Verify *v, EachVersion each, Error *err) {
        CLEANUP(arena_deinit) Arena batch = { 0 };
        CatalogVersion last = { 0 };
        for (size_t count = BATCH; count == BATCH;) {
                CatalogVersion *rows = NULL;
                arena_reset(&batch);
                TRY(catalog_versions(v->catalog, &last, BATCH, &batch, &rows, &count, err));
                for (size_t i = 0; i < count; i++) {
                        TRY(verify_interrupted(v, err));
                        if (is_wanted(v, &rows[i]))
                                each(v, &rows[i]);
                        last = (CatalogVersion){ .seq = rows[i].seq, .branch_id = rows[i].branch_id, .oid = rows[i].oid };
                }
        }
        return STATUS_OK;
}

static void note_name(Verify *v, const CatalogVersion *row) {
        CLEANUP(arena_deinit) Arena scratch = { 0 };
        TableBody body;
        Error ignored = { 0 };
        if (table_body_parse(&v->store, row->body, &scratch, &body, &ignored) != STATUS_OK || map_has(&v->names, body.uuid))
                return;
        Str *name = ARENA_NEW(v->arena, Str);
        *name = verify_name(v->arena, row->kind, row->zone, row->name);
        map_put(&v->names, body.uuid, name);
}

static Status note_current(Verify *v, Str kind, Error *err) {
        CatalogObject *objects = NULL;
        size_t count = 0;
        TRY(catalog_list(v->catalog, (CatalogAt){ 0 }, kind, STR(""), v->arena, &objects, &count, err));
        for (size_t i = 0; i < count; i++)
                map_put(&v->current, key_of(v->arena, objects[i].kind, objects[i].zone, objects[i].name), &objects[i].seq);
        return STATUS_OK;
}

static bool is_known_name(Verify *v, Str wanted) {
        for (size_t i = 0; i < v->names.count; i++) {
                const Str *name = v->names.entries[i].value;
                if (str_equal(*name, wanted) || (str_starts_with(*name, wanted) && name->data[wanted.size] == '.'))
                        return true;
        }
        return false;
}

Status verify_table_names(Verify *v, Error *err) {
        TRY(each_version(v, note_name, err));
        for (size_t i = 0; i < v->spec->name_count; i++) {
                Str wanted = v->spec->names[i];
                if (is_known_name(v, wanted))
                        continue;
                error_set(err, STATUS_NOT_FOUND, "there never was a zone or a table '%.*s' with data", STR_ARG(wanted));
                return error_hint(err, "lode show lists the tables");
        }
        for (size_t i = 0; i < TABLE_KIND_COUNT; i++)
                TRY(note_current(v, str_of(table_kinds[i]), err));
        return STATUS_OK;
}

static void check_known_version(Verify *v, const CatalogVersion *row) {
        if (row->seq <= v->until)
                check_version(v, row);
}

Status verify_tables(Verify *v, Error *err) {
        return each_version(v, check_known_version, err);
}
