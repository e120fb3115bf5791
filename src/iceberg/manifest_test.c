/* SPDX-License-Identifier: Apache-2.0 */
#include "iceberg/manifest.h"

#include "iceberg/avro.h"
#include "iceberg/test_store.h"

static Status new_table(Test *t, TableMetadata **out) {
        TypeField fields[] = { { .name = STR("a"), .type = { .kind = TYPE_BIGINT } },
                               { .name = STR("b"), .type = { .kind = TYPE_TEXT } },
                               { .name = STR("c"), .type = { .kind = TYPE_DECIMAL, .precision = 38, .scale = 3 } },
                               { .name = STR("d"), .type = { .kind = TYPE_DOUBLE } },
                               { .name = STR("e"), .type = { .kind = TYPE_TIMESTAMPTZ } },
                               { .name = STR("f"), .type = { .kind = TYPE_UUID } },
                               { .name = STR("g"), .type = { .kind = TYPE_BOOLEAN } },
                               { .name = STR("h"), .type = { .kind = TYPE_DATE } } };
        return metadata_new(STR("/w"), fields, COUNT_OF(fields), NULL, 0, 1, &t->arena, out, &t->err);
}

static void partition_by(Test *t, TableMetadata *metadata, const char *const *names, const char *const *transforms,
                         size_t count) {
        PartitionSpec *spec = ARENA_NEW(&t->arena, PartitionSpec);
        *spec = (PartitionSpec){ 0, ARENA_ARRAY(&t->arena, PartitionField, count), count };
        for (size_t i = 0; i < count; i++)
                spec->fields[i] =
                        (PartitionField){ schema_column(metadata_current_schema(metadata), str_of(names[i]))->id,
                                          1000 + (int)i, str_of(names[i]), transform_parse(str_of(transforms[i])) };
        metadata->specs = spec;
}

static Status write_read(Test *t, const TableMetadata *metadata, const ManifestEntry *entries, size_t count,
                         ManifestFile *line, Manifest *out) {
        *line = (ManifestFile){ .path = STR("/w/m.avro"), .sequence_number = 9, .added_snapshot_id = 77 };
        Str bytes;
        TRY(manifest_write(metadata, 0, entries, count, &t->arena, line, &bytes, &t->err));
        return manifest_read(bytes, line, &t->arena, out, &t->err);
}

TEST(all_statistics_come_back_and_unknown_stays_unknown) {
        TableMetadata *metadata;
        CHECK_OK(new_table(t, &metadata));
        ColumnStatistics columns[] = {
                { 1, 10, 3, -1, 100, true, true, value_int64(&t->arena, -5), value_int64(&t->arena, 5) },
                { 2, 10, 0, -1, -1, true, false, STR("a"), STR_NONE },
                { 3, 10, -1, -1, 5, false, true, STR_NONE, value_decimal(&t->arena, -1) },
                { 4, 10, 0, 2, 5, false, false, STR_NONE, STR_NONE },
                { 5, -1, 0, -1, -1, true, true, STR(""), STR("") },
        };
        int64_t splits[] = { 4, 1000, INT64_C(1) << 40 };
        ManifestEntry entry = { ENTRY_ADDED, 77, -1, -1,
                                { .path = STR("/w/a.parquet"), .has_sort_order = true, .sort_order_id = 3,
                                  .statistics = { 10, 4096, columns, COUNT_OF(columns), splits, 3 } } };
        ManifestFile line;
        Manifest manifest;
        CHECK_OK(write_read(t, metadata, &entry, 1, &line, &manifest));
        CHECK_INT(manifest.entry_count, 1);
        const ManifestEntry *got = &manifest.entries[0];
        CHECK_INT(got->status, ENTRY_ADDED);
        CHECK_INT(got->snapshot_id, 77);
        CHECK_INT(got->sequence_number, 9); /* inherited */
        CHECK_INT(got->file_sequence_number, 9);
        CHECK_STR(got->file.path, STR("/w/a.parquet"));
        CHECK_STR(got->file.format, STR("PARQUET"));
        CHECK_INT(got->file.sort_order_id, 3);
        CHECK_INT(got->file.statistics.rows, 10);
        CHECK_INT(got->file.statistics.bytes, 4096);
        CHECK_INT(got->file.statistics.split_count, 3);
        CHECK_INT(got->file.statistics.split_offsets[2], INT64_C(1) << 40);
        CHECK_INT(got->file.statistics.column_count, COUNT_OF(columns));
        for (size_t i = 0; i < COUNT_OF(columns); i++) {
                const ColumnStatistics *in = NULL;
                for (size_t k = 0; k < COUNT_OF(columns); k++) /* the order may be another */
                        if (columns[k].field_id == got->file.statistics.columns[i].field_id)
                                in = &columns[k];
                const ColumnStatistics *out = &got->file.statistics.columns[i];
                CHECK(in);
                CHECK_INT(out->values, in->values);
                CHECK_INT(out->nulls, in->nulls);
                CHECK_INT(out->nans, in->nans);
                CHECK_INT(out->bytes, in->bytes);
                CHECK_INT(out->has_lower, in->has_lower);
                CHECK_INT(out->has_upper, in->has_upper);
                CHECK_STR(out->lower, in->lower);
                CHECK_STR(out->upper, in->upper);
        }
        CHECK_INT(line.added_files, 1);
        CHECK_INT(line.added_rows, 10);
        CHECK_INT(line.existing_files + line.deleted_files, 0);
}

TEST(existing_and_deleted_entries_keep_their_numbers) {
        TableMetadata *metadata;
        CHECK_OK(new_table(t, &metadata));
        DataFile file = test_file(&t->arena, "/w/a.parquet", 4, 0, 1);
        ManifestEntry entries[] = { { ENTRY_EXISTING, 5, 2, 1, file }, { ENTRY_DELETED, 77, 1, 1, file },
                                    { ENTRY_ADDED, 77, -1, -1, file } };
        ManifestFile line;
        Manifest manifest;
        CHECK_OK(write_read(t, metadata, entries, 3, &line, &manifest));
        CHECK_INT(manifest.entries[0].sequence_number, 2);
        CHECK_INT(manifest.entries[0].file_sequence_number, 1);
        CHECK_INT(manifest.entries[0].snapshot_id, 5);
        CHECK_INT(manifest.entries[1].sequence_number, 1);
        CHECK_INT(manifest.entries[2].sequence_number, 9);
        CHECK_INT(line.min_sequence_number, 2); /* of those that live */
        CHECK_INT(line.existing_rows, 4);
        CHECK_INT(line.deleted_rows, 4);
}

TEST(partition_values_of_every_type_come_back) {
        TableMetadata *metadata;
        CHECK_OK(new_table(t, &metadata));
        const char *const names[] = { "a", "b", "c", "d", "e", "f", "g", "h", "e", "h" };
        const char *const transforms[] = { "identity", "truncate[4]", "identity", "identity", "identity",
                                           "identity", "identity", "identity", "hour", "day" };
        partition_by(t, metadata, names, transforms, COUNT_OF(names));
        Arena *a = &t->arena;
        PartitionValue values[] = {
                { false, value_int64(a, INT64_MIN) }, { false, STR("äb") },  { false, value_decimal(a, -1234567) },
                { false, value_double(a, -1.5) },     { false, value_int64(a, -1) },
                { false, STR("0123456789abcdef") },   { false, STR("\x01") }, { false, value_int32(a, -719162) },
                { false, value_int32(a, -1) },        { true, STR_NONE },
        };
        PartitionValue nulls[COUNT_OF(values)];
        for (size_t i = 0; i < COUNT_OF(values); i++)
                nulls[i] = (PartitionValue){ true, STR_NONE };
        ManifestEntry entries[2] = { { ENTRY_ADDED, 77, -1, -1, test_file(a, "/w/a", 1, 0, 1) },
                                     { ENTRY_ADDED, 77, -1, -1, test_file(a, "/w/b", 1, 0, 1) } };
        entries[0].file.partition = values;
        entries[1].file.partition = nulls;
        entries[0].file.partition_count = entries[1].file.partition_count = COUNT_OF(values);
        ManifestFile line;
        Manifest manifest;
        CHECK_OK(write_read(t, metadata, entries, 2, &line, &manifest));
        CHECK_INT(manifest.partition_count, COUNT_OF(values));
        for (size_t i = 0; i < COUNT_OF(values); i++) {
                CHECK_INT(manifest.partition_ids[i], 1000 + (int)i);
                CHECK_INT(manifest.entries[0].file.partition[i].is_null, values[i].is_null);
                CHECK_STR(manifest.entries[0].file.partition[i].bytes, values[i].bytes);
                CHECK(manifest.entries[1].file.partition[i].is_null);
                CHECK(line.partitions[i].contains_null);
                CHECK_INT(line.partitions[i].has_lower, !values[i].is_null);
                CHECK_STR(line.partitions[i].upper, values[i].bytes);
        }
        entries[0].file.partition_count = 3;
        CHECK_STATUS(write_read(t, metadata, entries, 2, &line, &manifest), STATUS_INTERNAL);
}

TEST(nan_is_never_a_bound) {
        TableMetadata *metadata;
        CHECK_OK(new_table(t, &metadata));
        const char *const names[] = { "d" }, *const transforms[] = { "identity" };
        partition_by(t, metadata, names, transforms, 1);
        PartitionValue values[] = { { false, value_double(&t->arena, __builtin_nan("")) },
                                    { false, value_double(&t->arena, 2) } };
        ManifestEntry entries[2];
        for (size_t i = 0; i < 2; i++) {
                entries[i] = (ManifestEntry){ ENTRY_ADDED, 77, -1, -1, test_file(&t->arena, "/w/a", 1, 0, 1) };
                entries[i].file.partition = &values[i];
                entries[i].file.partition_count = 1;
        }
        ManifestFile line;
        Manifest manifest;
        CHECK_OK(write_read(t, metadata, entries, 2, &line, &manifest));
        CHECK_INT(line.partitions[0].contains_nan, 1);
        CHECK_STR(line.partitions[0].lower, value_double(&t->arena, 2));
        CHECK_STR(line.partitions[0].upper, value_double(&t->arena, 2));
}

TEST(odd_partition_names_become_valid_avro) {
        TableMetadata *metadata;
        CHECK_OK(new_table(t, &metadata));
        const char *const names[] = { "a", "b", "h" }, *const transforms[] = { "identity", "identity", "day" };
        partition_by(t, metadata, names, transforms, 3);
        metadata->specs->fields[0].name = STR("9.lives");
        metadata->specs->fields[1].name = STR("ü \"x\"");
        metadata->specs->fields[2].name = STR("plain_1");
        ManifestFile line = { .path = STR("/w/m.avro") };
        Str bytes;
        CHECK_OK(manifest_write(metadata, 0, NULL, 0, &t->arena, &line, &bytes, &t->err));
        AvroReader reader;
        CHECK_OK(avro_open(bytes, "m", &t->arena, &reader, &t->err));
        const AvroNode *partition = reader.schema->fields[4].type->fields[3].type;
        CHECK_STR(partition->name, STR("r102"));
        CHECK_STR(partition->fields[0].name, STR("_9_x2Elives"));
        CHECK_STR(partition->fields[1].name, STR("_xFC_x20_x22x_x22"));
        CHECK_STR(partition->fields[2].name, STR("plain_1"));
        CHECK_STR(partition->fields[2].type->branches[1]->logical, STR("date")); /* a day is an int that is a date */
        Str schema = avro_header(&reader, "avro.schema");
        CHECK(str_find(schema, STR("\"iceberg-field-name\":\"9.lives\"")) < schema.size);
}

/* Writers choose names, order and what they leave out; ids alone count. */
TEST(fields_are_found_by_id_and_unknown_ones_skipped) {
        const char *schema =
                "{\"type\":\"record\",\"name\":\"entry\",\"fields\":["
                "{\"name\":\"data_file\",\"type\":{\"type\":\"record\",\"name\":\"f\",\"fields\":["
                "{\"name\":\"new\",\"type\":{\"type\":\"map\",\"values\":\"string\"},\"field-id\":999},"
                "{\"name\":\"size\",\"type\":\"int\",\"field-id\":104},"
                "{\"name\":\"where\",\"type\":\"string\",\"field-id\":100},"
                "{\"name\":\"block_size_in_bytes\",\"type\":\"long\",\"field-id\":105},"
                "{\"name\":\"rows\",\"type\":[\"long\",\"null\"],\"field-id\":103}]},\"field-id\":2},"
                "{\"name\":\"what\",\"type\":\"int\",\"field-id\":0}]}";
        CLEANUP(buf_deinit) Buf out = { 0 };
        CLEANUP(avro_writer_deinit) AvroWriter writer = { 0 };
        avro_writer_init(&writer, &out, str_of(schema), AVRO_CODEC_NULL, NULL, 0);
        avro_put_long(&writer, 1);
        avro_put_bytes(&writer, STR("k"));
        avro_put_bytes(&writer, STR("v"));
        avro_put_long(&writer, 0);
        avro_put_long(&writer, 555);
        avro_put_bytes(&writer, STR("/w/x.parquet"));
        avro_put_long(&writer, 67108864);
        avro_put_long(&writer, 0);
        avro_put_long(&writer, 12);
        avro_put_long(&writer, ENTRY_ADDED);
        avro_record_end(&writer);
        avro_finish(&writer);
        ManifestFile from = { .path = STR("/w/v1.avro"), .added_snapshot_id = 3, .spec_id = 4 };
        Manifest manifest;
        CHECK_OK(manifest_read(buf_view(&out), &from, &t->arena, &manifest, &t->err)); /* no header keys: version 1 */
        CHECK_INT(manifest.entry_count, 1);
        CHECK_STR(manifest.entries[0].file.path, STR("/w/x.parquet"));
        CHECK_INT(manifest.entries[0].file.statistics.bytes, 555);
        CHECK_INT(manifest.entries[0].file.statistics.rows, 12);
        CHECK_INT(manifest.entries[0].file.content, CONTENT_DATA);
        CHECK_INT(manifest.entries[0].snapshot_id, 3);
        CHECK_INT(manifest.entries[0].sequence_number, 0);
        CHECK_INT(manifest.spec_id, 4);
        CHECK_INT(manifest.entries[0].file.statistics.column_count, 0);
}

TEST(impossible_entries_are_refused) {
        TableMetadata *metadata;
        CHECK_OK(new_table(t, &metadata));
        ManifestFile line;
        Manifest manifest;
        ManifestEntry entry = { ENTRY_ADDED, 1, -1, -1, test_file(&t->arena, "", 1, 0, 1) };
        CHECK_STATUS(write_read(t, metadata, &entry, 1, &line, &manifest), STATUS_CORRUPT);
        entry.file = test_file(&t->arena, "/w/a", -1, 0, 1);
        CHECK_STATUS(write_read(t, metadata, &entry, 1, &line, &manifest), STATUS_CORRUPT);
        ManifestList list = { &line, 1 };
        Snapshot snapshot = { .id = 1, .parent_id = SNAPSHOT_NONE };
        line.path = STR_NONE;
        ManifestList again;
        CHECK_STATUS(manifest_list_read(manifest_list_write(&list, &snapshot, &t->arena), "list", &t->arena, &again,
                                        &t->err), STATUS_CORRUPT);
}

TEST(a_manifest_list_comes_back_line_by_line) {
        PartitionSummary summaries[] = { { true, 1, true, true, STR("a"), STR("b") }, { false, -1, false, false } };
        ManifestFile lines[] = {
                { STR("/w/1.avro"), 100, 0, false, 7, 3, 42, 1, 2, 3, 10, 20, 30, NULL, 0 },
                { STR("/w/2.avro"), 200, 5, true, 8, 8, 43, 0, 0, 1, 0, 0, 9, summaries, 2 },
        };
        ManifestList list = { lines, 2 }, got;
        Snapshot snapshot = { .id = 43, .parent_id = 42, .sequence_number = 8 };
        Str bytes = manifest_list_write(&list, &snapshot, &t->arena);
        CHECK_OK(manifest_list_read(bytes, "list", &t->arena, &got, &t->err));
        CHECK_INT(got.count, 2);
        for (size_t i = 0; i < 2; i++) {
                CHECK_STR(got.manifests[i].path, lines[i].path);
                CHECK_INT(got.manifests[i].length, lines[i].length);
                CHECK_INT(got.manifests[i].spec_id, lines[i].spec_id);
                CHECK_INT(got.manifests[i].is_deletes, lines[i].is_deletes);
                CHECK_INT(got.manifests[i].sequence_number, lines[i].sequence_number);
                CHECK_INT(got.manifests[i].min_sequence_number, lines[i].min_sequence_number);
                CHECK_INT(got.manifests[i].added_snapshot_id, lines[i].added_snapshot_id);
                CHECK_INT(got.manifests[i].added_files, lines[i].added_files);
                CHECK_INT(got.manifests[i].deleted_rows, lines[i].deleted_rows);
                CHECK_INT(got.manifests[i].partition_count, lines[i].partition_count);
        }
        CHECK_INT(got.manifests[1].partitions[0].contains_nan, 1);
        CHECK_INT(got.manifests[1].partitions[1].contains_nan, -1);
        CHECK(got.manifests[1].partitions[0].contains_null && !got.manifests[1].partitions[1].contains_null);
        CHECK_STR(got.manifests[1].partitions[0].upper, STR("b"));
        CHECK(!got.manifests[1].partitions[1].has_lower);
}
