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
        DataFile file = { .path = STR("f"),
                          .statistics = { .rows = 10, .bytes = 1, .columns = &column, .column_count = 1 } };
        Schema schema = schema_of(t, type);
        Predicate predicate = { 1, kind, values, count };
        return plan_file_may_match(&schema, &file, &predicate, 1);
}

static ColumnStatistics bounds(Str lower, Str upper) {
        return (ColumnStatistics){ .values = 10,
                                   .nulls = 0,
                                   .nans = 0,
                                   .bytes = 1,
                                   .has_lower = true,
                                   .has_upper = true,
                                   .lower = lower,
                                   .upper = upper };
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
                CHECK_OK(plan_files(table.version.metadata, NULL, NULL, 0, &table.source, &cache, &t->arena, &plan,
                                    &t->err));
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

/* ---- never too much: files of random values against random predicates, judged row by row ---- */

typedef struct Random {
        uint64_t state;
} Random;

static uint64_t next(Random *random) {
        random->state = random->state * 6364136223846793005u + 1442695040888963407u;
        return random->state >> 33;
}

/* Few different values, so that predicates often meet them; -1 = NULL is the caller's. */
static Str random_value(Test *t, Random *random, TypeKind kind) {
        static const char *const texts[] = { "", "a", "aaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaab", "aaaaaaaaaaaaaaab",
                                             "ää", "\xf4\x8f\xbf\xbf\xf4\x8f\xbf\xbf", "zzzzzzzzzzzzzzzzzzzzzz" };
        static const double numbers[] = { -1e300, -1, -0.0, 0.0, 1, 1.5, 1e300, __builtin_nan("") };
        int64_t small = (int64_t)(next(random) % 9) - 4;
        switch (kind) {
        case TYPE_BIGINT:
                return value_int64(&t->arena, small);
        case TYPE_DATE:
                return value_int32(&t->arena, (int32_t)small * 20);
        case TYPE_TIMESTAMP:
                return value_int64(&t->arena, small * 1800000000 + (int64_t)(next(random) % 3) - 1);
        case TYPE_DECIMAL:
                return value_decimal(&t->arena, (Int128)small * small * small * 77);
        case TYPE_DOUBLE:
                return value_double(&t->arena, numbers[next(random) % COUNT_OF(numbers)]);
        default:
                return arena_str(&t->arena, str_of(texts[next(random) % COUNT_OF(texts)]));
        }
}

/* As the engines order values: NaN equals itself and is above all. */
static int order_of(TypeKind kind, Str a, Str b) {
        if (kind == TYPE_TEXT)
                return str_compare(a, b);
        if (kind == TYPE_DECIMAL) {
                Int128 x = 0, y = 0;
                value_read_decimal(a, &x);
                value_read_decimal(b, &y);
                return (x > y) - (x < y);
        }
        if (kind == TYPE_DOUBLE) {
                double x = 0, y = 0;
                value_read_double(a, &x);
                value_read_double(b, &y);
                if (x != x || y != y)
                        return (x != x) - (y != y);
                return (x > y) - (x < y);
        }
        int64_t x = 0, y = 0;
        value_read_int64(a, &x);
        value_read_int64(b, &y);
        return (x > y) - (x < y);
}

static bool row_matches(TypeKind kind, const PartitionValue *row, const Predicate *predicate) {
        if (predicate->kind == PREDICATE_IS_NULL || predicate->kind == PREDICATE_IS_NOT_NULL)
                return row->is_null == (predicate->kind == PREDICATE_IS_NULL);
        if (row->is_null)
                return false;
        for (size_t i = 0; i < predicate->value_count; i++) {
                int order = order_of(kind, row->bytes, predicate->values[i]);
                bool equal = predicate->kind == PREDICATE_EQ || predicate->kind == PREDICATE_IN;
                if ((equal && order == 0) || (predicate->kind == PREDICATE_NE && order != 0) ||
                    (predicate->kind == PREDICATE_LT && order < 0) || (predicate->kind == PREDICATE_LE && order <= 0) ||
                    (predicate->kind == PREDICATE_GT && order > 0) || (predicate->kind == PREDICATE_GE && order >= 0))
                        return true;
        }
        return false;
}

/* Statistics as a writer makes them. */
static ColumnStatistics statistics_of_rows(Test *t, TypeKind kind, const PartitionValue *rows, size_t count) {
        ColumnStatistics column = { .field_id = 1, .values = (int64_t)count };
        for (size_t i = 0; i < count; i++) {
                double number;
                if (rows[i].is_null) {
                        column.nulls++;
                } else if (kind == TYPE_DOUBLE && value_read_double(rows[i].bytes, &number) && number != number) {
                        column.nans++;
                } else {
                        if (!column.has_lower || order_of(kind, rows[i].bytes, column.lower) < 0)
                                column.lower = rows[i].bytes;
                        if (!column.has_upper || order_of(kind, rows[i].bytes, column.upper) > 0)
                                column.upper = rows[i].bytes;
                        column.has_lower = column.has_upper = true;
                }
        }
        if (kind == TYPE_TEXT && column.has_lower) {
                column.lower = value_lower_text(&t->arena, column.lower);
                column.has_upper = value_upper_text(&t->arena, column.upper, &column.upper);
        }
        return column;
}

static Predicate random_predicate(Test *t, Random *random, TypeKind kind) {
        Predicate predicate = { .field_id = 1, .kind = (PredicateKind)(next(random) % (PREDICATE_IN + 1)) };
        bool is_null_test = predicate.kind == PREDICATE_IS_NULL || predicate.kind == PREDICATE_IS_NOT_NULL;
        predicate.value_count = is_null_test ? 0 : predicate.kind == PREDICATE_IN ? next(random) % 4 : 1;
        Str *values = ARENA_ARRAY(&t->arena, Str, predicate.value_count + 1);
        for (size_t i = 0; i < predicate.value_count; i++)
                values[i] = random_value(t, random, kind);
        predicate.values = values;
        return predicate;
}

static const TypeKind random_kinds[] = { TYPE_BIGINT, TYPE_DATE, TYPE_TIMESTAMP, TYPE_DECIMAL, TYPE_DOUBLE, TYPE_TEXT };

TEST(no_file_with_a_matching_row_is_ever_pruned) {
        Random random = { 1 };
        size_t pruned = 0, matched = 0;
        for (int round = 0; round < 20000; round++) {
                arena_reset(&t->arena);
                TypeKind kind = random_kinds[next(&random) % COUNT_OF(random_kinds)];
                PartitionValue rows[4] = { 0 };
                size_t count = 1 + next(&random) % COUNT_OF(rows);
                for (size_t i = 0; i < count; i++) {
                        rows[i].is_null = next(&random) % 4 == 0;
                        rows[i].bytes = rows[i].is_null ? STR_NONE : random_value(t, &random, kind);
                }
                ColumnStatistics column = statistics_of_rows(t, kind, rows, count);
                if (next(&random) % 8 == 0)
                        column.nulls = column.nans = -1;
                DataFile file = { .path = STR("f"), .statistics = { (int64_t)count, 1, &column, 1, NULL, 0 } };
                Predicate predicate = random_predicate(t, &random, kind);
                Schema schema = schema_of(t, (Type){ .kind = kind, .precision = 20, .scale = 2 });
                bool matches = false;
                for (size_t i = 0; i < count; i++)
                        matches = matches || row_matches(kind, &rows[i], &predicate);
                bool kept = plan_file_may_match(&schema, &file, &predicate, 1);
                CHECK(kept || !matches);
                pruned += !kept;
                matched += matches;
        }
        CHECK(pruned > 4000 && matched > 4000); /* it does prune, and the cases do match */
}

TEST(no_partition_with_a_matching_row_is_ever_pruned) {
        static const struct {
                const char *transform;
                TypeKind kind;
        } specs[] = {
                { "identity", TYPE_BIGINT }, { "identity", TYPE_TEXT }, { "identity", TYPE_DOUBLE },
                { "identity", TYPE_DECIMAL }, { "bucket[3]", TYPE_BIGINT }, { "bucket[3]", TYPE_TEXT },
                { "truncate[2]", TYPE_BIGINT }, { "truncate[2]", TYPE_TEXT }, { "truncate[50]", TYPE_DECIMAL },
                { "year", TYPE_DATE }, { "month", TYPE_DATE }, { "day", TYPE_DATE }, { "day", TYPE_TIMESTAMP },
                { "hour", TYPE_TIMESTAMP }, { "void", TYPE_BIGINT }, { "later", TYPE_BIGINT },
        };
        Random random = { 2 };
        size_t pruned = 0, matched = 0;
        for (int round = 0; round < 4000; round++) {
                arena_reset(&t->arena);
                size_t pick = next(&random) % COUNT_OF(specs);
                Type type = { .kind = specs[pick].kind, .precision = 20, .scale = 2 };
                TypeField field = { .name = STR("c"), .type = type };
                TableMetadata *metadata;
                CHECK_OK(metadata_new(STR("/w"), &field, 1, NULL, 0, 1, &t->arena, &metadata, &t->err));
                PartitionField part = { 1, 1000, STR("p"), transform_parse(str_of(specs[pick].transform)) };
                PartitionSpec spec = { 0, &part, 1 };
                metadata->specs = &spec;
                PartitionValue row = { .is_null = next(&random) % 5 == 0 }, value = { .is_null = true };
                if (!row.is_null) {
                        row.bytes = random_value(t, &random, type.kind);
                        value.is_null = !transform_apply(part.transform, type, row.bytes, &t->arena, &value.bytes);
                }
                DataFile file = {
                        .path = STR("/w/f"), .partition = &value, .partition_count = 1, .statistics = { .rows = 1 }
                };
                TestStore store = { 0 };
                map_init(&store.files, &t->arena);
                IcebergSource source = test_store_source(&store);
                TableChange change = { .added = &file, .added_count = 1, .now_ms = 1 };
                TableVersion version;
                CHECK_OK(table_commit(metadata, STR_NONE, &change, &source, NULL, &t->arena, &version, &t->err));
                test_store_write(&store, &version);

                Predicate predicate = random_predicate(t, &random, type.kind);
                Plan plan;
                CHECK_OK(plan_files(version.metadata, NULL, &predicate, 1, &source, NULL, &t->arena, &plan, &t->err));
                bool matches = row_matches(type.kind, &row, &predicate);
                CHECK(plan.file_count == 1 || !matches);
                pruned += plan.file_count == 0;
                matched += matches;
        }
        CHECK(pruned > 500 && matched > 500);
}
