/* SPDX-License-Identifier: Apache-2.0 */
#include "iceberg/snapshot.h"

#include "base/hash.h"
#include "base/vec.h"

/*
 * Manifests are merged by size tiers, as a log-structured store does: tier t holds those of 8^t to 8^(t+1) - 1 files,
 * and when TIER_FANOUT of a tier have come together they become one. So a table of n files has about
 * 7 * log8(MERGE_FILES_MAX) + n / MERGE_FILES_MAX manifests, and each entry is rewritten at most once a tier.
 */
#define TIER_FANOUT 8
#define MERGE_FILES_MAX 4096          /* a manifest of more is left alone */
#define MANIFEST_ENTRIES_TARGET 16384 /* a change of more is written as several: about 8 MB each */

typedef struct Totals {
        int64_t files, rows, bytes;
} Totals;

typedef struct Builder {
        const TableMetadata *base;
        const TableChange *change;
        const IcebergSource *source;
        ManifestCache *cache;
        Arena *arena;
        Error *err;

        Snapshot snapshot; /* the new one */
        Str uuid;          /* in the names of this version's manifests */
        VEC(IcebergFile) files;
        VEC(ManifestFile) made, kept;
        Totals added, removed;
        Map partitions; /* changed ones, by their bytes */
} Builder;

/* ---- manifests ---- */

static void count_change(Builder *b, const DataFile *file, int spec_id, Totals *totals) {
        if (file->content != CONTENT_DATA)
                return;
        totals->files++;
        totals->rows += file->statistics.rows;
        totals->bytes += file->statistics.bytes;
        CLEANUP(buf_deinit) Buf key = { 0 };
        buf_u32(&key, (uint32_t)spec_id);
        for (size_t i = 0; i < file->partition_count; i++) {
                buf_u8(&key, file->partition[i].is_null);
                buf_lstr(&key, file->partition[i].bytes);
        }
        map_put(&b->partitions, buf_view(&key), b);
}

/* Writes entries of one spec and content as new manifests. */
static Status make_manifests(Builder *b, int spec_id, const ManifestEntry *entries, size_t count) {
        for (size_t from = 0; from < count; from += MANIFEST_ENTRIES_TARGET) {
                size_t part = count - from < MANIFEST_ENTRIES_TARGET ? count - from : MANIFEST_ENTRIES_TARGET;
                ManifestFile manifest = {
                        .path = arena_strf(b->arena, "%.*s/metadata/%.*s-m%zu.avro", STR_ARG(b->base->location),
                                           STR_ARG(b->uuid), b->made.count),
                        .sequence_number = b->snapshot.sequence_number,
                        .added_snapshot_id = b->snapshot.id,
                };
                Str bytes;
                TRY(manifest_write(b->base, spec_id, entries + from, part, b->arena, &manifest, &bytes, b->err));
                vec_push(b->arena, &b->made, manifest);
                vec_push(b->arena, &b->files, (IcebergFile){ manifest.path, bytes });
        }
        return STATUS_OK;
}

static ManifestEntry deleted_entry(const Builder *b, const ManifestEntry *entry) {
        ManifestEntry deleted = *entry;
        deleted.status = ENTRY_DELETED;
        deleted.snapshot_id = b->snapshot.id;
        return deleted;
}

static ManifestEntry existing_entry(const ManifestEntry *entry) {
        ManifestEntry existing = *entry;
        existing.status = ENTRY_EXISTING;
        return existing;
}

static Status load(Builder *b, const ManifestFile *from, const Manifest **out) {
        TRY(manifest_load(b->source, b->cache, from, b->arena, out, b->err));
        /* Entries are written again by the spec's fields, so theirs must be the same ones. */
        const PartitionSpec *spec = metadata_spec(b->base, from->spec_id);
        bool same = spec && spec->field_count == (*out)->partition_count;
        for (size_t i = 0; same && i < spec->field_count; i++)
                same = spec->fields[i].field_id == (*out)->partition_ids[i];
        if (!same)
                return error_set(b->err, STATUS_CORRUPT, "%.*s: its partition fields are not those of spec %d",
                                 STR_ARG(from->path), from->spec_id);
        return STATUS_OK;
}

/* Those with nothing but deleted entries have told what they had to tell. */
static bool is_spent(const ManifestFile *manifest) {
        return manifest->added_files == 0 && manifest->existing_files == 0;
}

/* ---- removal ---- */

/* Everything goes: a manifest of deleted entries for each old one, so that incremental readers see it. */
static Status remove_all(Builder *b, const ManifestList *list) {
        for (size_t m = 0; m < list->count; m++) {
                if (is_spent(&list->manifests[m]))
                        continue;
                const Manifest *manifest;
                TRY(load(b, &list->manifests[m], &manifest));
                VEC(ManifestEntry) deleted = { 0 };
                for (size_t i = 0; i < manifest->entry_count; i++) {
                        const ManifestEntry *entry = &manifest->entries[i];
                        if (entry->status == ENTRY_DELETED)
                                continue;
                        vec_push(b->arena, &deleted, deleted_entry(b, entry));
                        count_change(b, &entry->file, list->manifests[m].spec_id, &b->removed);
                }
                TRY(make_manifests(b, list->manifests[m].spec_id, deleted.items, deleted.count));
        }
        return STATUS_OK;
}

/* Rewrites a manifest if it holds any of the paths; *gone grows by those found. */
static Status remove_from(Builder *b, const ManifestFile *from, const Map *paths, size_t *gone) {
        const Manifest *manifest;
        TRY(load(b, from, &manifest));
        size_t found = 0;
        for (size_t i = 0; i < manifest->entry_count; i++)
                found += manifest->entries[i].status != ENTRY_DELETED && map_has(paths, manifest->entries[i].file.path);
        if (found == 0) {
                vec_push(b->arena, &b->kept, *from);
                return STATUS_OK;
        }
        ManifestEntry *entries = ARENA_ARRAY(b->arena, ManifestEntry, manifest->entry_count);
        size_t count = 0;
        for (size_t i = 0; i < manifest->entry_count; i++) {
                const ManifestEntry *entry = &manifest->entries[i];
                if (entry->status == ENTRY_DELETED)
                        continue;
                if (!map_has(paths, entry->file.path)) {
                        entries[count++] = existing_entry(entry);
                        continue;
                }
                entries[count++] = deleted_entry(b, entry);
                count_change(b, &entry->file, from->spec_id, &b->removed);
        }
        *gone += found;
        return make_manifests(b, from->spec_id, entries, count);
}

static Status remove_paths(Builder *b, const ManifestList *list) {
        Map paths;
        map_init(&paths, b->arena);
        for (size_t i = 0; i < b->change->removed_count; i++)
                map_put(&paths, b->change->removed_paths[i], b);
        size_t gone = 0;
        for (size_t m = 0; m < list->count; m++) {
                if (is_spent(&list->manifests[m]))
                        continue;
                if (list->manifests[m].is_deletes)
                        vec_push(b->arena, &b->kept, list->manifests[m]);
                else
                        TRY(remove_from(b, &list->manifests[m], &paths, &gone));
        }
        if (gone != paths.count)
                return error_set(b->err, STATUS_CONFLICT,
                                 "%zu of the %zu files to be replaced are no longer in the table", paths.count - gone,
                                 paths.count);
        return STATUS_OK;
}

static void keep_all(Builder *b, const ManifestList *list) {
        for (size_t m = 0; m < list->count; m++)
                if (!is_spent(&list->manifests[m]))
                        vec_push(b->arena, &b->kept, list->manifests[m]);
}

/* ---- addition ---- */

static int tier_of(int64_t files) {
        int tier = 0;
        for (; files >= TIER_FANOUT; files /= TIER_FANOUT)
                tier++;
        return tier;
}

static bool may_merge(const Builder *b, const ManifestFile *manifest, int tier) {
        return !manifest->is_deletes && manifest->spec_id == b->base->default_spec_id && manifest->added_files >= 0 &&
               manifest->existing_files >= 0 && manifest->added_files + manifest->existing_files <= MERGE_FILES_MAX &&
               tier_of(manifest->added_files + manifest->existing_files) <= tier;
}

/*
 * How far the new files' manifest swallows old ones: from its own tier upwards while eight come together. Gives the
 * highest tier that is merged, or -1.
 */
static int merge_depth(const Builder *b, size_t new_files) {
        int64_t files = (int64_t)new_files;
        int depth = -1;
        for (int tier = tier_of(files); files <= MERGE_FILES_MAX; tier++) {
                size_t count = 1;
                int64_t merged = (int64_t)new_files;
                for (size_t i = 0; i < b->kept.count; i++) {
                        if (!may_merge(b, &b->kept.items[i], tier))
                                continue;
                        count += tier_of(b->kept.items[i].added_files + b->kept.items[i].existing_files) == tier;
                        merged += b->kept.items[i].added_files + b->kept.items[i].existing_files;
                }
                if (count < TIER_FANOUT)
                        return depth;
                depth = tier;
                files = merged;
                if (tier_of(files) <= tier)
                        return depth;
        }
        return depth;
}

static Status take_entries(Builder *b, const ManifestFile *from, ManifestEntry *entries, size_t room, size_t *count) {
        const Manifest *manifest;
        TRY(load(b, from, &manifest));
        for (size_t i = 0; i < manifest->entry_count; i++) {
                if (manifest->entries[i].status == ENTRY_DELETED)
                        continue;
                if (*count == room)
                        return error_set(b->err, STATUS_CORRUPT, "%.*s: holds more files than its list says",
                                         STR_ARG(from->path));
                entries[(*count)++] = existing_entry(&manifest->entries[i]);
        }
        return STATUS_OK;
}

static void add_new_entries(Builder *b, ManifestEntry *entries, size_t *count) {
        for (size_t i = 0; i < b->change->added_count; i++) {
                /* Without sequence numbers: they are inherited from the list, which alone is rewritten on a retry. */
                entries[(*count)++] = (ManifestEntry){ ENTRY_ADDED, b->snapshot.id, -1, -1, b->change->added[i] };
                count_change(b, &b->change->added[i], b->base->default_spec_id, &b->added);
        }
}

static Status add_files(Builder *b) {
        if (b->change->added_count == 0)
                return STATUS_OK;
        int depth = merge_depth(b, b->change->added_count);
        size_t room = b->change->added_count;
        for (size_t i = 0; i < b->kept.count; i++)
                if (may_merge(b, &b->kept.items[i], depth))
                        room += (size_t)(b->kept.items[i].added_files + b->kept.items[i].existing_files);
        ManifestEntry *entries = ARENA_ARRAY(b->arena, ManifestEntry, room);
        size_t count = 0, left = 0;
        add_new_entries(b, entries, &count);
        for (size_t i = 0; i < b->kept.count; i++) {
                if (may_merge(b, &b->kept.items[i], depth))
                        TRY(take_entries(b, &b->kept.items[i], entries, room, &count));
                else
                        b->kept.items[left++] = b->kept.items[i];
        }
        b->kept.count = left;
        return make_manifests(b, b->base->default_spec_id, entries, count);
}

/* ---- snapshot ---- */

typedef VEC(Property) Properties;

/* As others do, only what is not zero: a hundred of these are written again with every commit. */
static void put_count(Builder *b, Properties *summary, const char *key, int64_t value) {
        if (value == 0)
                return;
        vec_push(b->arena, summary, (Property){ str_of(key), arena_strf(b->arena, "%lld", (long long)value) });
}

/* The parent's and the change; left out if the parent's is not known. */
static int64_t put_total(Builder *b, Properties *summary, const char *key, int64_t delta) {
        const Snapshot *parent = metadata_current_snapshot(b->base);
        /* Where all goes it does not matter what the parent had. */
        int64_t before = parent && b->change->removal != REMOVE_ALL ? snapshot_summary_integer(parent, key) : 0;
        if (before < 0)
                return -1;
        int64_t total = before + delta > 0 ? before + delta : 0;
        vec_push(b->arena, summary, (Property){ str_of(key), arena_strf(b->arena, "%lld", (long long)total) });
        return total;
}

static void summarize_change(Builder *b, TableVersion *out) {
        Properties summary = { 0 };
        bool all = b->change->removal == REMOVE_ALL;
        put_count(b, &summary, "added-data-files", b->added.files);
        put_count(b, &summary, "added-records", b->added.rows);
        put_count(b, &summary, "added-files-size", b->added.bytes);
        put_count(b, &summary, "deleted-data-files", b->removed.files);
        put_count(b, &summary, "deleted-records", b->removed.rows);
        put_count(b, &summary, "removed-files-size", b->removed.bytes);
        put_count(b, &summary, "changed-partition-count", (int64_t)b->partitions.count);
        out->total_rows = put_total(b, &summary, "total-records", b->added.rows - (all ? 0 : b->removed.rows));
        out->total_files = put_total(b, &summary, "total-data-files", b->added.files - (all ? 0 : b->removed.files));
        out->total_bytes = put_total(b, &summary, "total-files-size", b->added.bytes - (all ? 0 : b->removed.bytes));
        /* Ours writes no delete files, and leaves those of others where they are. */
        put_total(b, &summary, "total-delete-files", 0);
        put_total(b, &summary, "total-position-deletes", 0);
        put_total(b, &summary, "total-equality-deletes", 0);
        for (size_t i = 0; i < b->change->summary_count; i++)
                vec_push(b->arena, &summary, (Property){ arena_str(b->arena, b->change->summary[i].key),
                                                         arena_str(b->arena, b->change->summary[i].value) });
        b->snapshot.summary = summary.items;
        b->snapshot.summary_count = summary.count;
}

static Str operation(const TableChange *change) {
        if (change->same_rows)
                return STR("replace");
        if (change->removal == REMOVE_NOTHING)
                return STR("append");
        return change->added_count == 0 ? STR("delete") : STR("overwrite");
}

static int64_t new_snapshot_id(const TableMetadata *base) {
        for (;;) {
                int64_t id = (int64_t)(random_u64() & INT64_MAX);
                if (id > 0 && !metadata_snapshot(base, id))
                        return id;
        }
}

static void start_snapshot(Builder *b) {
        const TableMetadata *base = b->base;
        /* Java refuses metadata whose times go back. */
        int64_t now = b->change->now_ms > base->last_updated_ms ? b->change->now_ms : base->last_updated_ms;
        b->snapshot = (Snapshot){
                .id = b->change->snapshot_id ? b->change->snapshot_id : new_snapshot_id(base),
                .parent_id = base->current_snapshot_id,
                .sequence_number = base->last_sequence_number + 1,
                .timestamp_ms = now,
                .operation = operation(b->change),
                .schema_id = base->current_schema_id,
                .first_row_id = -1,
                .added_rows = -1,
        };
        b->uuid = uuid_new(b->arena);
        map_init(&b->partitions, b->arena);
}

static void make_list(Builder *b) {
        ManifestList list = { .count = b->made.count + b->kept.count };
        list.manifests = ARENA_ARRAY(b->arena, ManifestFile, list.count);
        for (size_t i = 0; i < b->made.count; i++)
                list.manifests[i] = b->made.items[i];
        for (size_t i = 0; i < b->kept.count; i++)
                list.manifests[b->made.count + i] = b->kept.items[i];
        b->snapshot.manifest_list = arena_strf(b->arena, "%.*s/metadata/snap-%lld-1-%.*s.avro",
                                               STR_ARG(b->base->location), (long long)b->snapshot.id, STR_ARG(b->uuid));
        Str bytes = manifest_list_write(&list, &b->snapshot, b->arena);
        vec_push(b->arena, &b->files, (IcebergFile){ b->snapshot.manifest_list, bytes });
}

/* ---- metadata ---- */

static bool is_referenced(const TableMetadata *m, int64_t snapshot_id) {
        for (size_t i = 0; i < m->ref_count; i++)
                if (m->refs[i].snapshot_id == snapshot_id)
                        return true;
        return snapshot_id == m->current_snapshot_id;
}

/* The last of the history, with the new snapshot; branches and tags keep theirs. */
static void add_snapshot(TableMetadata *m, const Snapshot *snapshot, Arena *arena) {
        size_t drop = m->snapshot_count + 1 > METADATA_HISTORY_MAX ? m->snapshot_count + 1 - METADATA_HISTORY_MAX : 0;
        Snapshot *snapshots = ARENA_ARRAY(arena, Snapshot, m->snapshot_count + 1);
        size_t count = 0;
        for (size_t i = 0; i < m->snapshot_count; i++)
                if (i >= drop || is_referenced(m, m->snapshots[i].id))
                        snapshots[count++] = m->snapshots[i];
        snapshots[count++] = *snapshot;
        m->snapshots = snapshots;
        m->snapshot_count = count;
        m->current_snapshot_id = snapshot->id;
}

/* Everything up to an entry whose snapshot has gone goes too: the log has no holes. Gives where it begins. */
static size_t log_start(const TableMetadata *m) {
        size_t from = 0;
        for (size_t i = 0; i < m->snapshot_log_count; i++)
                if (!metadata_snapshot(m, m->snapshot_log[i].snapshot_id))
                        from = i + 1;
        return from;
}

static void add_log(TableMetadata *m, const Snapshot *snapshot, Arena *arena) {
        size_t from = log_start(m);
        size_t count = m->snapshot_log_count - from;
        SnapshotLogEntry *log = ARENA_ARRAY(arena, SnapshotLogEntry, count + 1);
        for (size_t i = 0; i < count; i++)
                log[i] = m->snapshot_log[from + i];
        log[count] = (SnapshotLogEntry){ snapshot->id, snapshot->timestamp_ms };
        m->snapshot_log = log;
        m->snapshot_log_count = count + 1;
}

const TableMetadata *metadata_trim(const TableMetadata *base, int64_t keep_from_ms, Arena *arena) {
        TableMetadata *m = ARENA_NEW(arena, TableMetadata);
        *m = *base;
        m->snapshots = ARENA_ARRAY(arena, Snapshot, base->snapshot_count);
        m->snapshot_count = 0;
        for (size_t i = 0; i < base->snapshot_count; i++) {
                bool stays = i + 1 == base->snapshot_count || base->snapshots[i + 1].timestamp_ms >= keep_from_ms;
                if (stays || is_referenced(base, base->snapshots[i].id))
                        m->snapshots[m->snapshot_count++] = base->snapshots[i];
        }
        if (m->snapshot_count == base->snapshot_count)
                return base;
        while (m->metadata_log_count && m->metadata_log->timestamp_ms < keep_from_ms) {
                m->metadata_log++;
                m->metadata_log_count--;
        }
        size_t from = log_start(m);
        m->snapshot_log += from;
        m->snapshot_log_count -= from;
        return m;
}

static void make_metadata(Builder *b, Str base_location, TableVersion *out) {
        TableMetadata *m = ARENA_NEW(b->arena, TableMetadata);
        *m = *b->base;
        m->last_sequence_number = b->snapshot.sequence_number;
        m->last_updated_ms = b->snapshot.timestamp_ms;
        add_snapshot(m, &b->snapshot, b->arena);
        add_log(m, &b->snapshot, b->arena);
        out->metadata = m;
        IcebergFile file = metadata_file(&out->metadata, base_location, b->base->last_updated_ms, b->arena);
        vec_push(b->arena, &b->files, file);
        out->metadata_location = file.path;
        out->snapshot = metadata_current_snapshot(out->metadata);
        out->files = b->files.items;
        out->file_count = b->files.count;
}

static Status check_change(const TableMetadata *base, const TableChange *change, Error *err) {
        if (base->format_version != 2) {
                error_set(err, STATUS_SQL_REFUSED, "a table of Iceberg format version %d is read, not written",
                          base->format_version);
                return error_hint(err, "format version 2 is written; copy the table into a new one");
        }
        if (change->snapshot_id && metadata_snapshot(base, change->snapshot_id))
                return error_set(err, STATUS_INTERNAL, "snapshot %lld exists already", (long long)change->snapshot_id);
        for (size_t i = 0; i < change->added_count; i++)
                if (change->added[i].content != CONTENT_DATA)
                        return error_set(err, STATUS_INTERNAL, "%.*s: not a data file", STR_ARG(change->added[i].path));
        return STATUS_OK;
}

Status table_commit(const TableMetadata *base, Str base_location, const TableChange *change,
                    const IcebergSource *source, ManifestCache *cache, Arena *arena, TableVersion *out, Error *err) {
        TRY(check_change(base, change, err));
        Builder b = { .base = base, .change = change, .source = source, .cache = cache, .arena = arena, .err = err };
        start_snapshot(&b);
        const ManifestList *list;
        TRY(manifest_list_load(source, cache, metadata_current_snapshot(base), arena, &list, err));
        if (change->removal == REMOVE_ALL)
                TRY(remove_all(&b, list));
        else if (change->removal == REMOVE_PATHS)
                TRY(remove_paths(&b, list));
        else
                keep_all(&b, list);
        TRY(add_files(&b));
        TableVersion version = { 0 };
        summarize_change(&b, &version);
        make_list(&b);
        make_metadata(&b, base_location, &version);
        *out = version;
        return STATUS_OK;
}

Status table_rewrite_metadata(const TableMetadata *metadata, Str base_location, Arena *arena, TableVersion *out,
                              Error *err) {
        TRY(check_change(metadata, &(TableChange){ .removal = REMOVE_NOTHING }, err));
        TableVersion version = { .file_count = 1, .files = ARENA_NEW(arena, IcebergFile) };
        TableMetadata *copy = ARENA_NEW(arena, TableMetadata);
        *copy = *metadata;
        version.metadata = copy;
        version.files[0] = metadata_file(&version.metadata, base_location, metadata->last_updated_ms, arena);
        version.metadata_location = version.files[0].path;
        version.snapshot = metadata_current_snapshot(version.metadata);
        version.total_rows = version.total_files = version.total_bytes = -1;
        *out = version;
        return STATUS_OK;
}

Status table_create(const TableMetadata *metadata, Arena *arena, TableVersion *out, Error *err) {
        if (metadata->format_version != 2)
                return error_set(err, STATUS_SQL_REFUSED, "a table of Iceberg format version %d is not written",
                                 metadata->format_version);
        TableVersion version = { .metadata = metadata, .file_count = 1, .files = ARENA_NEW(arena, IcebergFile) };
        version.files[0] = metadata_file(&version.metadata, STR_NONE, 0, arena);
        version.metadata_location = version.files[0].path;
        version.snapshot = NULL;
        *out = version;
        return STATUS_OK;
}
