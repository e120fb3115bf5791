/* SPDX-License-Identifier: Apache-2.0 */
#include "iceberg/plan.h"

#include "iceberg/test_store.h"

static Schema schema_of(Test *t, Type type) {
        TypeField *field = ARENA_NEW(&t->arena, TypeField);
        *field = (TypeField){ .name = STR("c"), .id = 1, .type = type };
        return (Schema){ .fields = field, .field_count = 1 };
}

/* Does a file with such statistics stay? lower and upper NULL = absent. */
static bool stays(Test *t, Type type, ColumnStatistics column, PredicateKind kind, const Str *values, size_t count) {
        column.field_id = 1;
        DataFile file = { .path = STR("f"), .statistics = { .rows = 10, .bytes = 1, .columns = &column, .column_count = 1 } };
        Schema schema = schema_of(t, type);
        Predicate predicate = { 1, kind, values, count };
        return plan_file_may_match(&schema, &file, &predicate, 1);
}

static ColumnStatistics bounds(Str lower, Str upper) {
        return (ColumnStatistics){ .values = 10, .nulls = 0, .nans = 0, .bytes = 1, .has_lower = true, .has_upper = true,
                                   .lower = lower, .upper = upper };
}

TEST(numbers_are_pruned_by_their_bounds) {
        Type type = { .kind = TYPE_BIGINT };
        ColumnStatistics column = bounds(value_int64(&t->arena, 10), value_int64(&t->arena, 20));
        const struct {
                PredicateKind kind;
                int64_t value;
                bool stays;
        } rows[] = {
                { PREDICATE_EQ, 9, false },  { PREDICATE_EQ, 10, true },  { PREDICATE_EQ, 20, true },
                { PREDICATE_EQ, 21, false }, { PREDICATE_LT, 10, false }, { PREDICATE_LT, 11, true },
                { PREDICATE_LE, 9, false },  { PREDICATE_LE, 10, true },  { PREDICATE_GT, 20, false },
                { PREDICATE_GT, 19, true },  { PREDICATE_GE, 21, false }, { PREDICATE_GE, 20, true },
                { PREDICATE_NE, 10, true },  { PREDICATE_EQ, INT64_MIN, false },
        };
        for (size_t i = 0; i < COUNT_OF(rows); i++) {
                Str value = value_int64(&t->arena, rows[i].value);
                CHECK_INT(stays(t, type, column, rows[i].kind, &value, 1), rows[i].stays);
        }
        Str only = value_int64(&t->arena, 10), in[] = { value_int64(&t->arena, 1), value_int64(&t->arena, 30) };
        CHECK(!stays(t, type, bounds(only, only), PREDICATE_NE, &only, 1));
        CHECK(!stays(t, type, column, PREDICATE_IN, in, 2));
        in[1] = value_int64(&t->arena, 15);
        CHECK(stays(t, type, column, PREDICATE_IN, in, 2));
        CHECK(!stays(t, type, column, PREDICATE_IN, in, 0));
}

TEST(what_is_unknown_may_match) {
        Type type = { .kind = TYPE_BIGINT };
        Str value = value_int64(&t->arena, 5);
        ColumnStatistics unknown = { .values = -1, .nulls = -1, .nans = -1, .bytes = -1 };
        for (int kind = PREDICATE_EQ; kind <= PREDICATE_IS_NOT_NULL; kind++)
                CHECK(stays(t, type, unknown, (PredicateKind)kind, &value, kind < PREDICATE_IS_NULL));
        Str short_bound = STR("\1\2\3");
        CHECK(stays(t, type, bounds(short_bound, short_bound), PREDICATE_EQ, &value, 1));
        CHECK(stays(t, type, bounds(value, value), PREDICATE_EQ, &short_bound, 1));
}

TEST(nulls_are_counted_not_guessed) {
        Type type = { .kind = TYPE_TEXT };
        ColumnStatistics none = bounds(STR("a"), STR("b")), all = { .values = 10, .nulls = 10, .nans = -1, .bytes = 1 };
        Str value = STR("a");
        CHECK(!stays(t, type, none, PREDICATE_IS_NULL, NULL, 0));
        CHECK(stays(t, type, none, PREDICATE_IS_NOT_NULL, NULL, 0));
        CHECK(stays(t, type, all, PREDICATE_IS_NULL, NULL, 0));
        CHECK(!stays(t, type, all, PREDICATE_IS_NOT_NULL, NULL, 0));
        CHECK(!stays(t, type, all, PREDICATE_EQ, &value, 1));
        CHECK(!stays(t, type, all, PREDICATE_NE, &value, 1));
}

TEST(nan_stands_above_every_number) {
        Type type = { .kind = TYPE_DOUBLE };
        Arena *a = &t->arena;
        ColumnStatistics column = bounds(value_double(a, -1), value_double(a, 1));
        Str two = value_double(a, 2), nan = value_double(a, __builtin_nan("")), minus = value_double(a, -0.0);
        CHECK(!stays(t, type, column, PREDICATE_GT, &two, 1));
        column.nans = 1;
        CHECK(stays(t, type, column, PREDICATE_GT, &two, 1));
        CHECK(stays(t, type, column, PREDICATE_GE, &two, 1));
        CHECK(!stays(t, type, column, PREDICATE_EQ, &two, 1));
        column.nans = -1;
        CHECK(stays(t, type, column, PREDICATE_GT, &two, 1));
        CHECK(stays(t, type, column, PREDICATE_EQ, &nan, 1));
        CHECK(stays(t, type, column, PREDICATE_LT, &nan, 1));
        ColumnStatistics zero = bounds(value_double(a, 0.0), value_double(a, 0.0));
        CHECK(stays(t, type, zero, PREDICATE_EQ, &minus, 1));
}

TEST(cut_text_bounds_never_prune_too_much) {
        Type type = { .kind = TYPE_TEXT };
        Str longer = STR("abcdefghijklmnopqrstuvwxyz");
        ColumnStatistics column = bounds(STR("abcdefghijklmnop"), STR("abcdefghijklmnoq"));
        CHECK(stays(t, type, column, PREDICATE_EQ, &longer, 1));
        CHECK(stays(t, type, column, PREDICATE_GT, &longer, 1));
        CHECK(stays(t, type, column, PREDICATE_LT, &longer, 1));
        Str lower = STR("abcdefghijklmnop");
        CHECK(stays(t, type, bounds(lower, lower), PREDICATE_NE, &lower, 1));
        Str before = STR("abc"), after = STR("\xc3\xa4");
        CHECK(!stays(t, type, column, PREDICATE_EQ, &before, 1));
        CHECK(!stays(t, type, column, PREDICATE_EQ, &after, 1)); /* bytes are unsigned */
}

TEST(decimal_bounds_are_big_endian_and_signed) {
        Type type = { .kind = TYPE_DECIMAL, .precision = 38, .scale = 2 };
        ColumnStatistics column = bounds(value_decimal(&t->arena, -300), value_decimal(&t->arena, 70000));
        Str inside = value_decimal(&t->arena, -1), below = value_decimal(&t->arena, -301),
            above = value_decimal(&t->arena, (Int128)1 << 100);
        CHECK(stays(t, type, column, PREDICATE_EQ, &inside, 1));
        CHECK(!stays(t, type, column, PREDICATE_EQ, &below, 1));
        CHECK(!stays(t, type, column, PREDICATE_EQ, &above, 1));
}

TEST(bounds_from_before_a_widening_are_understood) {
        Str four = value_int32(&t->arena, -5), value = value_int64(&t->arena, -4), real = value_float(&t->arena, 1.5F),
            wide = value_double(&t->arena, 1.5);
        CHECK(!stays(t, (Type){ .kind = TYPE_BIGINT }, bounds(four, four), PREDICATE_EQ, &value, 1));
        value = value_int64(&t->arena, -5);
        CHECK(stays(t, (Type){ .kind = TYPE_BIGINT }, bounds(four, four), PREDICATE_EQ, &value, 1));
        CHECK(stays(t, (Type){ .kind = TYPE_DOUBLE }, bounds(real, real), PREDICATE_EQ, &wide, 1));
        Str late = value_int64(&t->arena, 1);
        CHECK(stays(t, (Type){ .kind = TYPE_TIMESTAMP }, bounds(four, four), PREDICATE_EQ, &late, 1));
}

TEST(an_unknown_column_prunes_nothing) {
        ColumnStatistics column = bounds(value_int64(&t->arena, 1), value_int64(&t->arena, 2));
        column.field_id = 1;
        DataFile file = { .path = STR("f"), .statistics = { .rows = 10, .columns = &column, .column_count = 1 } };
        Schema schema = schema_of(t, (Type){ .kind = TYPE_BIGINT });
        Str value = value_int64(&t->arena, 9);
        Predicate predicates[] = { { 7, PREDICATE_EQ, &value, 1 }, { 1, PREDICATE_EQ, &value, 1 } };
        CHECK(plan_file_may_match(&schema, &file, predicates, 1));
        CHECK(!plan_file_may_match(&schema, &file, predicates, 2));
}

/* ---- partitions and manifests ---- */

typedef struct PartitionedTable {
        TestStore store;
        IcebergSource source;
        TableVersion version;
} PartitionedTable;

#define DAY_US INT64_C(86400000000)

/* at timestamp, partitioned by day(at) and bucket[4](id); a commit of one file for each of four days. */
static Status make_partitioned(Test *t, PartitionedTable *table) {
        Arena *a = &t->arena;
        *table = (PartitionedTable){ 0 };
        map_init(&table->store.files, a);
        table->source = test_store_source(&table->store);
        TypeField fields[] = { { .name = STR("id"), .type = { .kind = TYPE_BIGINT } },
                               { .name = STR("at"), .type = { .kind = TYPE_TIMESTAMP } } };
        TableMetadata *metadata;
        TRY(metadata_new(STR("/w/t"), fields, 2, NULL, 0, 1, a, &metadata, &t->err));
        PartitionField parts[] = { { 2, 1000, STR("at.day"), transform_parse(STR("day")) },
                                   { 1, 1001, STR("4 buckets"), transform_parse(STR("bucket[4]")) } };
        PartitionSpec *spec = ARENA_NEW(a, PartitionSpec);
        *spec = (PartitionSpec){ 0, arena_alloc(a, sizeof(parts)), COUNT_OF(parts) };
        memcpy(spec->fields, parts, sizeof(parts));
        metadata->specs = spec;
        metadata->last_partition_id = 1001;
        TRY(table_create(metadata, a, &table->version, &t->err));
        for (int64_t day = -2; day < 2; day++) {
                DataFile file = test_file(a, arena_printf(a, "/w/t/day%d.parquet", (int)day), 5, day, day);
                PartitionValue values[2] = { 0 };
                Type bigint = { .kind = TYPE_BIGINT };
                values[0].bytes = value_int32(a, (int32_t)day);
                transform_apply(parts[1].transform, bigint, value_int64(a, day), a, &values[1].bytes);
                file.partition = values;
                file.partition_count = 2;
                file.statistics.column_count = 0; /* partitions alone shall prune */
                TableChange change = { .added = &file, .added_count = 1, .now_ms = 2 };
                Str location = table->version.metadata_location;
                TRY(table_commit(table->version.metadata, location, &change, &table->source, NULL, a, &table->version,
                                 &t->err));
                test_store_write(&table->store, &table->version);
        }
        return STATUS_OK;
}

TEST(partitions_prune_manifests_before_they_are_read) {
        PartitionedTable table;
        CHECK_OK(make_partitioned(t, &table));
        const struct {
                int field_id;
                PredicateKind kind;
                int64_t value;
                size_t files;
        } rows[] = {
                { 2, PREDICATE_EQ, -DAY_US - 1, 1 },     /* the day before the day before 1970 */
                { 2, PREDICATE_LT, 0, 3 },               /* day 0 is widened in: 0 itself is excluded by its rows */
                { 2, PREDICATE_LE, -1, 2 },
                { 2, PREDICATE_GT, DAY_US, 1 },
                { 2, PREDICATE_GE, 2 * DAY_US, 0 },
                { 2, PREDICATE_NE, 0, 4 },
                { 2, PREDICATE_IS_NULL, 0, 0 },
                { 2, PREDICATE_IS_NOT_NULL, 0, 4 },
                { 1, PREDICATE_GT, 100, 4 },             /* buckets have no order */
        };
        for (size_t i = 0; i < COUNT_OF(rows); i++) {
                Str value = value_int64(&t->arena, rows[i].value);
                bool is_null_test = rows[i].kind == PREDICATE_IS_NULL || rows[i].kind == PREDICATE_IS_NOT_NULL;
                Predicate predicate = { rows[i].field_id, rows[i].kind, &value, is_null_test ? 0 : 1 };
                Plan plan;
                CHECK_OK(plan_files(table.version.metadata, NULL, &predicate, 1, &table.source, NULL, &t->arena, &plan,
                                    &t->err));
                CHECK_INT(plan.file_count, rows[i].files);
                CHECK_INT(plan.manifests_read, rows[i].files); /* each commit made one manifest of one file */
                CHECK_INT(plan.total_files, 4);
                CHECK_INT(plan.total_rows, 20);
        }
        Str one = value_int64(&t->arena, 1);
        Predicate equal = { 1, PREDICATE_EQ, &one, 1 };
        Plan plan;
        CHECK_OK(plan_files(table.version.metadata, NULL, &equal, 1, &table.source, NULL, &t->arena, &plan, &t->err));
        CHECK(plan.file_count >= 1 && plan.file_count < 4);
}

TEST(the_cache_reads_each_file_once) {
        PartitionedTable table;
        CHECK_OK(make_partitioned(t, &table));
        CLEANUP(manifest_cache_deinit) ManifestCache cache = { 0 };
        table.store.reads = 0;
        Plan plan;
        for (int i = 0; i < 3; i++) {
                CHECK_OK(plan_files(table.version.metadata, NULL, NULL, 0, &table.source, &cache, &t->arena, &plan, &t->err));
                CHECK_INT(plan.file_count, 4);
                CHECK_INT(table.store.reads, 5); /* the list and four manifests */
        }
        manifest_cache_trim(&cache, SIZE_MAX);
        CHECK(cache.bytes > 0);
        manifest_cache_trim(&cache, 0);
        CHECK_INT(cache.bytes, 0);
        CHECK_OK(plan_files(table.version.metadata, NULL, NULL, 0, &table.source, &cache, &t->arena, &plan, &t->err));
        CHECK_INT(table.store.reads, 10);
}
