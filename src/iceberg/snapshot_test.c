/* SPDX-License-Identifier: Apache-2.0 */
#include "iceberg/snapshot.h"

#include "iceberg/avro.h"
#include "iceberg/plan.h"
#include "iceberg/test_store.h"

#define START_MS INT64_C(1700000000000)

/* A table in a store: each step is parsed from what the step before wrote, as another process would. */
typedef struct Table {
        TestStore store;
        IcebergSource source;
        TableVersion version;
        const TableMetadata *metadata;
} Table;

static Status open_again(Test *t, Table *table) {
        const Str *bytes = map_get(&table->store.files, table->version.metadata_location);
        TableMetadata *metadata;
        TRY(metadata_parse(*bytes, "metadata", &t->arena, &metadata, &t->err));
        table->metadata = metadata;
        return STATUS_OK;
}

static Status start(Test *t, Table *table) {
        *table = (Table){ 0 };
        map_init(&table->store.files, &t->arena);
        table->source = test_store_source(&table->store);
        TypeField fields[] = { { .name = STR("id"), .type = { .kind = TYPE_BIGINT } },
                               { .name = STR("text"), .type = { .kind = TYPE_TEXT } } };
        TableMetadata *metadata;
        TRY(metadata_new(STR("/w/t/"), fields, 2, NULL, 0, START_MS, &t->arena, &metadata, &t->err));
        TRY(table_create(metadata, &t->arena, &table->version, &t->err));
        if (!test_store_write(&table->store, &table->version))
                return error_set(&t->err, STATUS_EXISTS, "a name was used twice");
        return open_again(t, table);
}

static Status commit(Test *t, Table *table, const TableChange *change) {
        TableVersion version;
        TRY(table_commit(table->metadata, table->version.metadata_location, change, &table->source, NULL, &t->arena,
                         &version, &t->err));
        if (!test_store_write(&table->store, &version))
                return error_set(&t->err, STATUS_EXISTS, "a name was used twice");
        table->version = version;
        return open_again(t, table);
}

static Status append(Test *t, Table *table, const char *path, int64_t rows) {
        DataFile file = test_file(&t->arena, path, rows, 0, rows);
        TableChange change = { .added = &file, .added_count = 1, .now_ms = START_MS + 1 };
        return commit(t, table, &change);
}

static Status plan(Test *t, Table *table, Plan *out) {
        return plan_files(table->metadata, NULL, NULL, 0, &table->source, NULL, &t->arena, out, &t->err);
}

static int64_t summary(const Table *table, const char *key) {
        return snapshot_summary_integer(metadata_current_snapshot(table->metadata), key);
}

TEST(a_new_table_is_empty_and_complete) {
        Table table;
        CHECK_OK(start(t, &table));
        CHECK_STR(table.metadata->location, STR("/w/t")); /* no slash at the end: paths would get two */
        CHECK(str_starts_with(table.version.metadata_location, STR("/w/t/metadata/00000-")));
        CHECK(str_ends_with(table.version.metadata_location, STR(".metadata.json")));
        CHECK_STR(metadata_property(table.metadata, "gc.enabled"), STR("false"));
        CHECK_INT(table.metadata->last_column_id, 2);
        CHECK_INT(table.metadata->last_partition_id, 999);
        CHECK_INT(table.metadata->uuid.size, 36);
        Plan empty;
        CHECK_OK(plan(t, &table, &empty));
        CHECK_INT(empty.file_count, 0);
        CHECK_INT(empty.total_files, 0);
}

TEST(a_table_may_begin_with_its_first_rows) {
        Table table;
        CHECK_OK(start(t, &table));
        TypeField fields[] = { { .name = STR("id"), .type = { .kind = TYPE_BIGINT } } };
        TableMetadata *made;
        CHECK_OK(metadata_new(STR("/w/u"), fields, 1, NULL, 0, START_MS, &t->arena, &made, &t->err));
        table.metadata = made;
        table.version = (TableVersion){ 0 };
        CHECK_OK(append(t, &table, "/w/u/data/a.parquet", 3));
        CHECK(str_starts_with(table.version.metadata_location, STR("/w/u/metadata/00000-")));
        CHECK_INT(table.metadata->metadata_log_count, 0);
        CHECK_INT(table.metadata->last_sequence_number, 1);
        CHECK_STR(table.version.files[table.version.file_count - 1].path, table.version.metadata_location);
}

TEST(columns_may_change_with_the_rows) {
        Table table;
        CHECK_OK(start(t, &table));
        CHECK_OK(append(t, &table, "/w/t/data/a.parquet", 3));
        TypeField more[] = { { .name = STR("later"), .type = { .kind = TYPE_DATE } } };
        const TableMetadata *wider;
        CHECK_OK(metadata_with_schema(table.metadata, more, 1, SCHEMA_EXTEND, &t->arena, &wider, &t->err));
        table.metadata = wider;
        CHECK_OK(append(t, &table, "/w/t/data/b.parquet", 3));
        CHECK_INT(metadata_current_schema(table.metadata)->field_count, 3);
        CHECK_INT(metadata_snapshot_schema(table.metadata, &table.metadata->snapshots[0])->field_count, 2);
        CHECK_INT(metadata_current_snapshot(table.metadata)->schema_id, 1);
}

TEST(appends_add_up_in_the_summary) {
        Table table;
        CHECK_OK(start(t, &table));
        CHECK_OK(append(t, &table, "/w/t/data/a.parquet", 100));
        CHECK_OK(append(t, &table, "/w/t/data/b.parquet", 50));
        const struct {
                const char *key;
                int64_t value;
        } rows[] = {
                { "added-data-files", 1 }, { "added-records", 50 }, { "added-files-size", 500 },
                { "deleted-data-files", -1 }, { "deleted-records", -1 }, { "removed-files-size", -1 }, /* not said */
                { "changed-partition-count", 1 }, { "total-records", 150 }, { "total-data-files", 2 },
                { "total-files-size", 1500 }, { "total-delete-files", 0 }, { "total-position-deletes", 0 },
                { "total-equality-deletes", 0 },
        };
        for (size_t i = 0; i < COUNT_OF(rows); i++)
                CHECK_INT(summary(&table, rows[i].key), rows[i].value);
        const Snapshot *snapshot = metadata_current_snapshot(table.metadata);
        CHECK_STR(snapshot->operation, STR("append"));
        CHECK_INT(snapshot->sequence_number, 2);
        CHECK_INT(snapshot->parent_id, table.metadata->snapshots[0].id);
        CHECK_INT(table.version.total_rows, 150);
        CHECK_INT(table.version.total_files, 2);
        CHECK_INT(table.version.total_bytes, 1500);
        CHECK_INT(table.metadata->metadata_log_count, 2);
        CHECK(str_starts_with(table.version.metadata_location, STR("/w/t/metadata/00002-")));

        Plan files;
        CHECK_OK(plan(t, &table, &files));
        CHECK_INT(files.file_count, 2);
        CHECK_INT(files.rows, 150);
        CHECK_STR(files.files[0].file->path, STR("/w/t/data/b.parquet"));
        CHECK_INT(files.files[0].sequence_number, 2);
        CHECK_INT(files.files[1].sequence_number, 1);
        CHECK_OK(plan_files(table.metadata, &table.metadata->snapshots[0], NULL, 0, &table.source, NULL, &t->arena,
                            &files, &t->err));
        CHECK_INT(files.file_count, 1); /* as it was before */
}

TEST(the_callers_own_summary_keys_are_kept) {
        Table table;
        CHECK_OK(start(t, &table));
        Property own[] = { { STR("lode.commit"), STR("0123abcd") } };
        DataFile file = test_file(&t->arena, "/w/t/data/a.parquet", 1, 0, 1);
        TableChange change = { .added = &file, .added_count = 1, .now_ms = START_MS, .summary = own, .summary_count = 1,
                               .snapshot_id = 4711 };
        CHECK_OK(commit(t, &table, &change));
        const Snapshot *snapshot = metadata_current_snapshot(table.metadata);
        CHECK_STR(snapshot_summary(snapshot, "lode.commit"), STR("0123abcd"));
        CHECK_INT(snapshot->id, 4711);
        CHECK(str_starts_with(snapshot->manifest_list, STR("/w/t/metadata/snap-4711-1-")));
        CHECK_STATUS(commit(t, &table, &change), STATUS_INTERNAL); /* the id is taken */
}

TEST(a_replacement_leaves_only_the_new_files) {
        Table table;
        CHECK_OK(start(t, &table));
        CHECK_OK(append(t, &table, "/w/t/data/a.parquet", 100));
        CHECK_OK(append(t, &table, "/w/t/data/b.parquet", 50));
        DataFile file = test_file(&t->arena, "/w/t/data/c.parquet", 7, 0, 7);
        TableChange change = { .removal = REMOVE_ALL, .added = &file, .added_count = 1, .now_ms = START_MS + 2 };
        CHECK_OK(commit(t, &table, &change));
        CHECK_STR(metadata_current_snapshot(table.metadata)->operation, STR("overwrite"));
        CHECK_INT(summary(&table, "deleted-data-files"), 2);
        CHECK_INT(summary(&table, "deleted-records"), 150);
        CHECK_INT(summary(&table, "total-records"), 7);
        CHECK_INT(summary(&table, "total-data-files"), 1);
        Plan files;
        CHECK_OK(plan(t, &table, &files));
        CHECK_INT(files.file_count, 1);
        CHECK_INT(files.manifests, 3); /* the deleted entries are told once ... */
        CHECK_OK(append(t, &table, "/w/t/data/d.parquet", 1));
        CHECK_OK(plan(t, &table, &files));
        CHECK_INT(files.file_count, 2);
        CHECK_INT(files.manifests, 2); /* ... and gone from the next list */

        TableChange truncate = { .removal = REMOVE_ALL, .now_ms = START_MS + 3 };
        CHECK_OK(commit(t, &table, &truncate));
        CHECK_STR(metadata_current_snapshot(table.metadata)->operation, STR("delete"));
        CHECK_OK(plan(t, &table, &files));
        CHECK_INT(files.file_count, 0);
        CHECK_INT(summary(&table, "total-records"), 0);
}

TEST(files_are_exchanged_by_path_or_not_at_all) {
        Table table;
        CHECK_OK(start(t, &table));
        DataFile first[] = { test_file(&t->arena, "/w/t/data/a.parquet", 10, 0, 1),
                             test_file(&t->arena, "/w/t/data/b.parquet", 20, 0, 1) };
        TableChange two = { .added = first, .added_count = 2, .now_ms = START_MS };
        CHECK_OK(commit(t, &table, &two));
        Str gone[] = { STR("/w/t/data/a.parquet") };
        DataFile file = test_file(&t->arena, "/w/t/data/c.parquet", 9, 0, 7);
        TableChange change = { .removal = REMOVE_PATHS, .removed_paths = gone, .removed_count = 1, .added = &file,
                               .added_count = 1, .now_ms = START_MS };
        CHECK_OK(commit(t, &table, &change));
        CHECK_INT(summary(&table, "total-records"), 29);
        CHECK_INT(summary(&table, "deleted-records"), 10);
        Plan files;
        CHECK_OK(plan(t, &table, &files));
        CHECK_INT(files.file_count, 2);
        for (size_t i = 0; i < 2; i++) /* what stays keeps the sequence number it came with */
                CHECK_INT(files.files[i].sequence_number,
                          str_is(files.files[i].file->path, "/w/t/data/b.parquet") ? 1 : 2);

        Str location = table.version.metadata_location;
        change.added_count = 0;
        CHECK_STATUS(commit(t, &table, &change), STATUS_CONFLICT);
        CHECK_STR(table.version.metadata_location, location);
}

TEST(compaction_is_called_replace) {
        Table table;
        CHECK_OK(start(t, &table));
        CHECK_OK(append(t, &table, "/w/t/data/a.parquet", 10));
        Str gone[] = { STR("/w/t/data/a.parquet") };
        DataFile file = test_file(&t->arena, "/w/t/data/b.parquet", 10, 0, 10);
        TableChange change = { .removal = REMOVE_PATHS, .removed_paths = gone, .removed_count = 1, .added = &file,
                               .added_count = 1, .same_rows = true, .now_ms = START_MS };
        CHECK_OK(commit(t, &table, &change));
        CHECK_STR(metadata_current_snapshot(table.metadata)->operation, STR("replace"));
}

TEST(history_and_manifests_stay_bounded_over_many_appends) {
        Table table;
        CHECK_OK(start(t, &table));
        size_t most_manifests = 0;
        for (int i = 0; i < 300; i++) {
                CHECK_OK(append(t, &table, arena_printf(&t->arena, "/w/t/data/%d.parquet", i), 1));
                Plan files;
                CHECK_OK(plan(t, &table, &files));
                CHECK_INT(files.file_count, i + 1);
                CHECK_INT(files.total_rows, i + 1);
                most_manifests = files.manifests > most_manifests ? files.manifests : most_manifests;
        }
        CHECK(most_manifests <= 3 * 7); /* seven of each tier that 300 files reach */
        CHECK_INT(table.metadata->snapshot_count, METADATA_HISTORY_MAX);
        CHECK_INT(table.metadata->metadata_log_count, METADATA_LOG_MAX);
        CHECK_INT(table.metadata->snapshot_log_count, METADATA_HISTORY_MAX);
        CHECK_INT(summary(&table, "total-records"), 300);
        Plan files;
        CHECK_OK(plan(t, &table, &files));
        for (size_t i = 0; i < files.file_count; i++) { /* whatever was merged: file n came with commit n + 1 */
                Str path = files.files[i].file->path;
                int64_t number;
                CHECK(str_to_int64(str_slice(path, strlen("/w/t/data/"), path.size - strlen(".parquet")), &number));
                CHECK_INT(files.files[i].sequence_number, number + 1);
        }
}

TEST(a_clock_that_goes_back_does_not_take_the_table_with_it) {
        Table table;
        CHECK_OK(start(t, &table));
        DataFile file = test_file(&t->arena, "/w/t/data/a.parquet", 1, 0, 1);
        TableChange change = { .added = &file, .added_count = 1, .now_ms = START_MS - 3600000 };
        CHECK_OK(commit(t, &table, &change));
        CHECK_INT(table.metadata->last_updated_ms, START_MS);
        CHECK_INT(metadata_current_snapshot(table.metadata)->timestamp_ms, START_MS);
        CHECK_INT(table.metadata->metadata_log[0].timestamp_ms, START_MS);
}

TEST(tags_keep_their_snapshot_in_the_history) {
        Table table;
        CHECK_OK(start(t, &table));
        CHECK_OK(append(t, &table, "/w/t/data/first.parquet", 1));
        int64_t first = table.metadata->current_snapshot_id;
        SnapshotRef tag = { .name = STR("audit"), .snapshot_id = first, .is_tag = true, .min_snapshots = -1,
                            .max_snapshot_age_ms = -1, .max_ref_age_ms = 1000 };
        TableMetadata *tagged = ARENA_NEW(&t->arena, TableMetadata);
        *tagged = *table.metadata;
        tagged->refs = &tag;
        tagged->ref_count = 1;
        table.metadata = tagged;
        for (int i = 0; i < METADATA_HISTORY_MAX + 5; i++)
                CHECK_OK(append(t, &table, arena_printf(&t->arena, "/w/t/data/%d.parquet", i), 1));
        CHECK(metadata_snapshot(table.metadata, first));
        CHECK_INT(table.metadata->snapshot_count, METADATA_HISTORY_MAX + 1);
        CHECK_INT(table.metadata->refs[0].max_ref_age_ms, 1000);
        CHECK(table.metadata->refs[0].is_tag);
}

TEST(other_format_versions_are_not_written) {
        Table table;
        CHECK_OK(start(t, &table));
        TableMetadata other = *table.metadata;
        other.format_version = 3;
        TableChange change = { .now_ms = START_MS };
        TableVersion version;
        CHECK_STATUS(table_commit(&other, STR_NONE, &change, &table.source, NULL, &t->arena, &version, &t->err),
                     STATUS_SQL_REFUSED);
}

TEST(a_parent_without_totals_gives_none_rather_than_wrong_ones) {
        Table table;
        CHECK_OK(start(t, &table));
        CHECK_OK(append(t, &table, "/w/t/data/a.parquet", 10));
        TableMetadata bare = *table.metadata;
        Snapshot snapshot = bare.snapshots[0];
        snapshot.summary_count = 0;
        bare.snapshots = &snapshot;
        table.metadata = &bare;
        CHECK_OK(append(t, &table, "/w/t/data/b.parquet", 10));
        CHECK_INT(summary(&table, "total-records"), -1);
        CHECK_INT(summary(&table, "added-records"), 10);
        CHECK_INT(table.version.total_rows, -1);
}

TEST(manifests_carry_the_names_and_headers_that_readers_need) {
        Table table;
        CHECK_OK(start(t, &table));
        CHECK_OK(append(t, &table, "/w/t/data/a.parquet", 10));
        const Snapshot *snapshot = metadata_current_snapshot(table.metadata);
        const Str *list_bytes = map_get(&table.store.files, snapshot->manifest_list);
        AvroReader list;
        CHECK_OK(avro_open(*list_bytes, "list", &t->arena, &list, &t->err));
        CHECK_STR(list.schema->name, STR("manifest_file"));
        CHECK_STR(avro_header(&list, "parent-snapshot-id"), STR("null"));
        CHECK_STR(avro_header(&list, "sequence-number"), STR("1"));
        CHECK_STR(avro_header(&list, "format-version"), STR("2"));

        ManifestList lines;
        CHECK_OK(manifest_list_read(*list_bytes, "list", &t->arena, &lines, &t->err));
        CHECK_INT(lines.count, 1);
        CHECK_INT(lines.manifests[0].added_rows, 10);
        const Str *bytes = map_get(&table.store.files, lines.manifests[0].path);
        CHECK_INT(lines.manifests[0].length, bytes->size);
        AvroReader manifest;
        CHECK_OK(avro_open(*bytes, "manifest", &t->arena, &manifest, &t->err));
        CHECK_STR(manifest.schema->name, STR("manifest_entry"));
        CHECK_STR(avro_header(&manifest, "content"), STR("data"));
        CHECK_STR(avro_header(&manifest, "partition-spec"), STR("[]"));
        CHECK_STR(avro_header(&manifest, "schema-id"), STR("0"));
        const char *const ids[] = { "\"field-id\":117", "\"field-id\":118", "\"field-id\":126", "\"field-id\":130",
                                    "\"element-id\":133", "\"element-id\":136", "\"logicalType\":\"map\"" };
        for (size_t i = 0; i < COUNT_OF(ids); i++) { /* of keys, values and elements too */
                Str text = avro_header(&manifest, "avro.schema");
                CHECK(str_find(text, str_of(ids[i])) < text.size);
        }
        Json *json;
        Schema schema;
        CHECK_OK(json_parse(avro_header(&manifest, "schema"), "schema", &t->arena, &json, &t->err));
        CHECK_OK(schema_parse(json, &t->arena, &schema, &t->err)); /* the table's, not the manifest's */
        CHECK(schema_equal(&schema, metadata_current_schema(table.metadata)));
}
