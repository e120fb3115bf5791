/* SPDX-License-Identifier: Apache-2.0 */
#include "iceberg/metadata.h"

#include <zlib.h>

#include "base/test.h"

#define SCHEMA_0                                                                                                    \
        "{\"type\":\"struct\",\"schema-id\":0,\"fields\":[{\"id\":1,\"name\":\"a\",\"required\":false,"             \
        "\"type\":\"long\"},{\"id\":2,\"name\":\"d\",\"required\":false,\"type\":\"date\",\"doc\":\"a day\"}]}"
#define SCHEMAS "\"current-schema-id\":0,\"schemas\":[" SCHEMA_0 "],"
#define SPECS                                                                                                       \
        "\"partition-specs\":[{\"spec-id\":0,\"fields\":[]},{\"spec-id\":1,\"fields\":[{\"source-id\":2,"           \
        "\"field-id\":1000,\"name\":\"d_month\",\"transform\":\"month\"},{\"source-id\":1,\"field-id\":1001,"       \
        "\"name\":\"z\",\"transform\":\"zorder[2]\"}]}],\"default-spec-id\":1,\"last-partition-id\":1001,"
#define ORDERS                                                                                                      \
        "\"sort-orders\":[{\"order-id\":0,\"fields\":[]},{\"order-id\":5,\"fields\":[{\"transform\":\"identity\","  \
        "\"source-id\":1,\"direction\":\"asc\",\"null-order\":\"nulls-first\"}]}],\"default-sort-order-id\":5,"
#define SNAPSHOTS                                                                                                      \
        "\"current-snapshot-id\":20,\"snapshots\":[{\"snapshot-id\":10,\"sequence-number\":1,\"timestamp-ms\":100,"    \
        "\"manifest-list\":\"/w/m1\",\"summary\":{\"operation\":\"append\",\"total-records\":\"7\"}},"                 \
        "{\"snapshot-id\":20,\"parent-snapshot-id\":10,\"sequence-number\":2,\"timestamp-ms\":200,"                    \
        "\"manifest-list\":\"/w/m2\",\"summary\":{\"operation\":\"delete\"},\"schema-id\":0}],"                        \
        "\"snapshot-log\":[{\"snapshot-id\":10,\"timestamp-ms\":100},{\"snapshot-id\":20,\"timestamp-ms\":200}],"      \
        "\"metadata-log\":[{\"metadata-file\":\"/w/v1.metadata.json\",\"timestamp-ms\":100}],"                         \
        "\"refs\":{\"main\":{\"snapshot-id\":20,\"type\":\"branch\",\"min-snapshots-to-keep\":4},\"eod\":{\"snapshot-" \
        "id\":10,\"type\":\"tag\","                                                                                    \
        "\"max-ref-age-ms\":9}},"
#define HEAD                                                                                                        \
        "\"table-uuid\":\"9c12d441-03fe-4693-9a96-a0705ddf69c1\",\"location\":\"/w/\",\"last-sequence-number\":2,"  \
        "\"last-updated-ms\":200,\"last-column-id\":2,"
#define OTHERS "\"properties\":{\"a.b\":\"c\"},\"statistics\":[{\"snapshot-id\":20}],\"later\":{\"x\":[1,2.5,null]}"
#define VERSION_2 "{\"format-version\":2," HEAD SCHEMAS SPECS ORDERS SNAPSHOTS OTHERS "}"
#define VERSION_1                                                                                                   \
        "{\"format-version\":1,\"location\":\"/w\",\"last-updated-ms\":5,\"last-column-id\":2,\"schema\":{"         \
        "\"type\":\"struct\",\"fields\":[{\"id\":1,\"name\":\"a\",\"required\":true,\"type\":\"int\"}]},"           \
        "\"partition-spec\":[{\"source-id\":1,\"name\":\"a\",\"transform\":\"identity\"}],"                         \
        "\"current-snapshot-id\":7,\"snapshots\":[{\"snapshot-id\":7,\"timestamp-ms\":5,"                           \
        "\"manifests\":[\"/w/m.avro\"]}]}"

static Status parse(Test *t, const char *text, TableMetadata **out) {
        t->err = (Error){ 0 };
        return metadata_parse(str_of(text), "t.metadata.json", &t->arena, out, &t->err);
}

static Str print(Test *t, const TableMetadata *metadata) {
        CLEANUP(buf_deinit) Buf text = { 0 };
        metadata_print(metadata, &text);
        return buf_dup(&text, &t->arena);
}

TEST(version_2_is_read_whole_and_written_back) {
        TableMetadata *m;
        CHECK_OK(parse(t, VERSION_2, &m));
        CHECK_STR(m->location, STR("/w"));
        CHECK_INT(m->schema_count, 1);
        CHECK_INT(m->spec_count, 2);
        CHECK_INT(metadata_spec(m, 1)->fields[0].transform.kind, TRANSFORM_MONTH);
        CHECK_INT(metadata_spec(m, 1)->fields[1].transform.kind, TRANSFORM_UNKNOWN);
        CHECK_INT(m->default_sort_order_id, 5);
        CHECK_INT(m->current_snapshot_id, 20);
        CHECK_INT(metadata_snapshot(m, 10)->parent_id, SNAPSHOT_NONE);
        CHECK_INT(metadata_snapshot(m, 10)->schema_id, -1);
        CHECK_INT(snapshot_summary_integer(metadata_snapshot(m, 10), "total-records"), 7);
        CHECK_INT(snapshot_summary_integer(metadata_snapshot(m, 20), "total-records"), -1);
        CHECK_INT(m->ref_count, 1);
        CHECK_INT(m->other_count, 2);

        Str text = print(t, m);
        TableMetadata *again;
        CHECK_OK(parse(t, text.data, &again));
        CHECK_STR(print(t, again), text);
        const char *const kept[] = { "a day",
                                     "zorder[2]",
                                     "nulls-first",
                                     "\"later\":{\"x\":[1,2.5,null]}",
                                     "a.b",
                                     "\"statistics\":[{\"snapshot-id\":20}]",
                                     "\"max-ref-age-ms\":9",
                                     "\"min-snapshots-to-keep\":4" };
        for (size_t i = 0; i < COUNT_OF(kept); i++)
                CHECK(str_find(text, str_of(kept[i])) < text.size);
}

TEST(version_1_is_read_with_what_it_leaves_out) {
        TableMetadata *m;
        CHECK_OK(parse(t, VERSION_1, &m));
        CHECK_INT(m->last_sequence_number, 0);
        CHECK_INT(metadata_current_schema(m)->field_count, 1);
        CHECK_INT(metadata_spec(m, 0)->fields[0].field_id, 1000);
        CHECK_INT(m->last_partition_id, 1000);
        const Snapshot *snapshot = metadata_current_snapshot(m);
        CHECK_INT(snapshot->manifest_count, 1);
        CHECK_INT(snapshot->manifest_list.size, 0);
        CHECK_INT(snapshot->sequence_number, 0);
}

TEST(no_snapshot_may_be_written_as_minus_one_null_or_nothing) {
        const char *const rows[] = { "\"current-snapshot-id\":-1,", "\"current-snapshot-id\":null,", "" };
        for (size_t i = 0; i < COUNT_OF(rows); i++) {
                TableMetadata *m;
                CHECK_OK(parse(t, arena_printf(&t->arena, "{\"format-version\":2,%s%s%s%s%s%s}", HEAD, SCHEMAS, SPECS,
                                               ORDERS, rows[i], OTHERS), &m));
                CHECK_INT(m->current_snapshot_id, SNAPSHOT_NONE);
                CHECK(!metadata_current_snapshot(m));
                Str text = print(t, m);
                CHECK_INT(str_find(text, STR("current-snapshot-id")), text.size);
        }
}

TEST(what_is_missing_or_unknown_is_refused_with_its_name) {
        const struct {
                const char *text;
                Status status;
                const char *says;
        } rows[] = {
                { "", STATUS_CORRUPT, "" },
                { "[]", STATUS_CORRUPT, "not an object" },
                { "{}", STATUS_CORRUPT, "format-version" },
                { "{\"format-version\":4}", STATUS_SQL_REFUSED, "4" },
                { "{\"format-version\":0}", STATUS_SQL_REFUSED, "0" },
                { "{\"format-version\":2}", STATUS_CORRUPT, "location" },
                { "{\"format-version\":2," HEAD SPECS OTHERS "}", STATUS_CORRUPT, "schemas" },
                { "{\"format-version\":2," HEAD "\"schemas\":[" SCHEMA_0 "],\"current-schema-id\":3," SPECS OTHERS "}",
                  STATUS_CORRUPT, "current schema 3" },
                { "{\"format-version\":2," HEAD SCHEMAS
                  "\"partition-specs\":[],\"default-spec-id\":1,\"last-partition-id\":1000," OTHERS "}",
                  STATUS_CORRUPT, "spec 1" },
                { "{\"format-version\":2," HEAD SCHEMAS "\"default-spec-id\":1," ORDERS OTHERS "}", STATUS_CORRUPT,
                  "partition-specs" },
                { "{\"format-version\":2," HEAD SCHEMAS "\"partition-specs\":[],\"default-spec-id\":1," ORDERS OTHERS
                  "}",
                  STATUS_CORRUPT, "last-partition-id" },
                { "{\"format-version\":2," HEAD SCHEMAS SPECS OTHERS "}", STATUS_CORRUPT, "sort-orders" },
                { "{\"format-version\":2," HEAD SCHEMAS SPECS ORDERS "\"current-snapshot-id\":9," OTHERS "}",
                  STATUS_CORRUPT, "snapshot 9" },
                { "{\"format-version\":2,\"location\":\"/w\",\"last-updated-ms\":1,\"last-column-id\":1}",
                  STATUS_CORRUPT, "table-uuid" },
                { "{\"format-version\":3," HEAD SCHEMAS SPECS ORDERS OTHERS "}", STATUS_CORRUPT, "next-row-id" },
                { "{\"format-version\":3,\"next-row-id\":-5," HEAD SCHEMAS SPECS ORDERS OTHERS "}", STATUS_CORRUPT, "next-row-id is -5" },
        };
        for (size_t i = 0; i < COUNT_OF(rows); i++) {
                TableMetadata *m;
                CHECK_STATUS(parse(t, rows[i].text, &m), rows[i].status);
                CHECK(str_find(str_of(t->err.message), str_of(rows[i].says)) < strlen(t->err.message) ||
                      !rows[i].says[0]);
        }
}

TEST(version_3_is_read_and_keeps_its_row_ids) {
        TableMetadata *m;
        CHECK_OK(parse(t, "{\"format-version\":3,\"next-row-id\":77," HEAD SCHEMAS SPECS ORDERS OTHERS "}", &m));
        CHECK_INT(m->next_row_id, 77);
        Str text = print(t, m);
        CHECK(str_find(text, STR("\"next-row-id\":77")) < text.size);
}

TEST(gzipped_metadata_is_read) {
        char packed[4096];
        z_stream stream = { 0 };
        CHECK_INT(deflateInit2(&stream, 6, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
        Bytef text[] = VERSION_2;
        stream.next_in = text;
        stream.avail_in = sizeof(text) - 1;
        stream.next_out = (Bytef *)packed;
        stream.avail_out = sizeof(packed);
        CHECK_INT(deflate(&stream, Z_FINISH), Z_STREAM_END);
        size_t size = sizeof(packed) - stream.avail_out;
        deflateEnd(&stream);
        TableMetadata *m;
        CHECK_OK(metadata_parse((Str){ packed, size }, "t.gz.metadata.json", &t->arena, &m, &t->err));
        CHECK_INT(m->snapshot_count, 2);
        CHECK_STATUS(metadata_parse((Str){ packed, size / 2 }, "t.gz", &t->arena, &m, &t->err), STATUS_CORRUPT);
}

TEST(columns_change_by_schemas_that_are_never_used_twice) {
        TypeField a[] = { { .name = STR("a"), .type = { .kind = TYPE_INT } } };
        TypeField ab[] = { a[0], { .name = STR("b"), .type = { .kind = TYPE_TEXT } } };
        TableMetadata *first;
        const TableMetadata *same, *second, *third;
        CHECK_OK(metadata_new(STR("/w"), a, 1, NULL, 0, 1, &t->arena, &first, &t->err));
        CHECK_OK(metadata_with_schema(first, a, 1, SCHEMA_EXTEND, &t->arena, &same, &t->err));
        CHECK(same == first);
        CHECK_OK(metadata_with_schema(first, ab, 2, SCHEMA_EXTEND, &t->arena, &second, &t->err));
        CHECK_INT(second->current_schema_id, 1);
        CHECK_INT(second->last_column_id, 2);
        CHECK_INT(first->schema_count, 1); /* what came in is as it was */
        CHECK_OK(metadata_with_schema(second, a, 1, SCHEMA_REPLACE, &t->arena, &third, &t->err));
        CHECK_INT(third->current_schema_id, 0); /* it had that schema before */
        CHECK_INT(third->schema_count, 2);
        CHECK_OK(metadata_with_schema(third, ab, 2, SCHEMA_EXTEND, &t->arena, &second, &t->err));
        CHECK_INT(schema_column(metadata_current_schema(second), STR("b"))->id, 3); /* not the b that went */
        CHECK_INT(second->current_schema_id, 2);
}

TEST(files_are_numbered_after_the_one_before) {
        const struct {
                const char *previous, *prefix;
        } rows[] = {
                { "", "/w/metadata/00000-" },
                { "/w/metadata/00009-7c0c.metadata.json", "/w/metadata/00010-" },
                { "/w/metadata/v41.metadata.json", "/w/metadata/00042-" },
                { "/w/metadata/00009-7c0c.gz.metadata.json", "/w/metadata/00010-" },
                { "/w/metadata/123456-a.metadata.json", "/w/metadata/123457-" },
                { "/w/12/other.json", "/w/metadata/00000-" },
        };
        TypeField a[] = { { .name = STR("a"), .type = { .kind = TYPE_INT } } };
        for (size_t i = 0; i < COUNT_OF(rows); i++) {
                TableMetadata *made;
                CHECK_OK(metadata_new(STR("/w"), a, 1, NULL, 0, 1, &t->arena, &made, &t->err));
                const TableMetadata *m = made;
                IcebergFile file = metadata_file(&m, str_of(rows[i].previous), 5, &t->arena);
                CHECK(str_starts_with(file.path, str_of(rows[i].prefix)));
                CHECK_INT(m->metadata_log_count, rows[i].previous[0] ? 1 : 0);
                CHECK_INT(made->metadata_log_count, 0);
        }
}

TEST(properties_of_the_caller_win) {
        TypeField a[] = { { .name = STR("a"), .type = { .kind = TYPE_INT } } };
        Property own[] = { { STR("gc.enabled"), STR("true") }, { STR("comment"), STR("x") } };
        TableMetadata *m;
        CHECK_OK(metadata_new(STR("/w"), a, 1, own, 2, 1, &t->arena, &m, &t->err));
        CHECK_STR(metadata_property(m, "gc.enabled"), STR("true"));
        CHECK_STR(metadata_property(m, "comment"), STR("x"));
        CHECK_STR(metadata_property(m, "write.format.default"), STR("parquet"));
        CHECK(!metadata_property(m, "none").data);
}
