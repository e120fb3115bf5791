/* SPDX-License-Identifier: Apache-2.0 */
#include "iceberg/plan.h"

#include "base/vec.h"

/* What is known of the values of one column, in one file or one partition. */
typedef struct Range {
        Type type;
        bool has_lower, has_upper;
        Str lower, upper;
        bool exact;    /* the bounds are values that occur, not cut ones */
        bool may_null; /* a NULL may be among them */
        bool all_null;
        bool may_nan;
} Range;

/* A predicate with its column's type; with partitions, on the partition value instead. */
typedef struct Test {
        int field_id;
        Type type;
        PredicateKind kind;
        const Str *values;
        size_t value_count;
} Test;

/* ---- ranges ---- */

static bool is_floating(TypeKind kind) {
        return kind == TYPE_FLOAT || kind == TYPE_DOUBLE;
}

static bool compare_integers(TypeKind kind, Str a, Str b, int *out) {
        int64_t x, y;
        bool may_be_narrow = kind == TYPE_INT || kind == TYPE_DATE || kind == TYPE_BIGINT;
        if (!may_be_narrow && (a.size != 8 || b.size != 8))
                return false; /* 4 bytes would be days, not microseconds */
        if (!value_read_int64(a, &x) || !value_read_int64(b, &y))
                return false;
        *out = (x > y) - (x < y);
        return true;
}

static bool compare_floats(Str a, Str b, int *out) {
        double x, y;
        if (!value_read_double(a, &x) || !value_read_double(b, &y) || x != x || y != y)
                return false;
        *out = (x > y) - (x < y);
        return true;
}

static bool compare_decimals(Str a, Str b, int *out) {
        Int128 x, y;
        if (!value_read_decimal(a, &x) || !value_read_decimal(b, &y))
                return false;
        *out = (x > y) - (x < y);
        return true;
}

/*
 * Compares two single values; false where one is not a value of the type. Unlike value_compare it takes what comes
 * from outside: broken ones, and those of older files, 4 bytes in a column that is a bigint or a double now.
 */
static bool compare(Type type, Str a, Str b, int *out) {
        switch (type.kind) {
        case TYPE_BOOLEAN:
                if (a.size != 1 || b.size != 1)
                        return false;
                *out = (a.data[0] != 0) - (b.data[0] != 0);
                return true;
        case TYPE_INT:
        case TYPE_DATE:
        case TYPE_BIGINT:
        case TYPE_TIME:
        case TYPE_TIMESTAMP:
        case TYPE_TIMESTAMPTZ:
                return compare_integers(type.kind, a, b, out);
        case TYPE_FLOAT:
        case TYPE_DOUBLE:
                return compare_floats(a, b, out);
        case TYPE_DECIMAL:
                return compare_decimals(a, b, out);
        case TYPE_TEXT:
        case TYPE_BINARY:
                *out = str_compare(a, b);
                return true;
        case TYPE_UUID: /* readers disagree on the order of its bytes */
        case TYPE_LIST:
        case TYPE_STRUCT:
        case TYPE_MAP:
                return false;
        }
        return false;
}

/* Whether the bound and the value are known to stand so; unknown = false. */
static bool lower_above(const Range *range, Str value, bool or_equal) {
        int order;
        return range->has_lower && compare(range->type, range->lower, value, &order) &&
               (order > 0 || (or_equal && order == 0));
}

static bool upper_below(const Range *range, Str value, bool or_equal) {
        int order;
        return range->has_upper && compare(range->type, range->upper, value, &order) &&
               (order < 0 || (or_equal && order == 0));
}

static bool may_equal(const Range *range, Str value) {
        if (range->type.kind == TYPE_UUID)
                return !(range->has_lower && range->has_upper && range->exact &&
                         str_equal(range->lower, range->upper) && !str_equal(range->lower, value));
        return !lower_above(range, value, false) && !upper_below(range, value, false);
}

static bool is_only(const Range *range, Str value) {
        int low, high;
        return range->exact && !range->may_nan && range->has_lower && range->has_upper &&
               compare(range->type, range->lower, value, &low) && compare(range->type, range->upper, value, &high) &&
               low == 0 && high == 0;
}

/* NaN is above every number for the engines that read here, so an upper bound says nothing where one may be. */
static bool range_may_match(const Range *range, const Test *test) {
        if (test->kind == PREDICATE_IS_NULL)
                return range->may_null;
        if (range->all_null)
                return false;
        if (test->kind == PREDICATE_IS_NOT_NULL)
                return true;
        if (test->kind == PREDICATE_IN) {
                for (size_t i = 0; i < test->value_count; i++)
                        if (may_equal(range, test->values[i]))
                                return true;
                return false;
        }
        if (test->value_count != 1)
                return true;
        Str value = test->values[0];
        switch (test->kind) {
        case PREDICATE_EQ:
                return may_equal(range, value);
        case PREDICATE_NE:
                return !is_only(range, value);
        case PREDICATE_LT:
                return !lower_above(range, value, true);
        case PREDICATE_LE:
                return !lower_above(range, value, false);
        case PREDICATE_GT:
                return range->may_nan || !upper_below(range, value, true);
        case PREDICATE_GE:
                return range->may_nan || !upper_below(range, value, false);
        case PREDICATE_IS_NULL:
        case PREDICATE_IS_NOT_NULL:
        case PREDICATE_IN:
                break;
        }
        return true;
}

/* ---- files ---- */

static const ColumnStatistics *find_column(const FileStatistics *statistics, int field_id) {
        for (size_t i = 0; i < statistics->column_count; i++)
                if (statistics->columns[i].field_id == field_id)
                        return &statistics->columns[i];
        return NULL;
}

static Range column_range(Type type, const FileStatistics *statistics, const ColumnStatistics *column) {
        bool is_text = type.kind == TYPE_TEXT || type.kind == TYPE_BINARY;
        return (Range){
                .type = type,
                .has_lower = column->has_lower,
                .has_upper = column->has_upper,
                .lower = column->lower,
                .upper = column->upper,
                .exact = !is_text,
                .may_null = column->nulls != 0,
                .all_null = column->nulls >= 0 && column->nulls == statistics->rows &&
                            (column->values < 0 || column->values == statistics->rows),
                .may_nan = is_floating(type.kind) && column->nans != 0,
        };
}

static bool file_may_match(const DataFile *file, const Test *tests, size_t count) {
        if (file->statistics.rows == 0)
                return false;
        for (size_t i = 0; i < count; i++) {
                const ColumnStatistics *column = find_column(&file->statistics, tests[i].field_id);
                if (!column)
                        continue;
                Range range = column_range(tests[i].type, &file->statistics, column);
                if (!range_may_match(&range, &tests[i]))
                        return false;
        }
        return true;
}

/* Only columns of the top level: counts of a leaf in a list or struct are not counts of rows. */
static Test *make_tests(const Schema *schema, const Predicate *predicates, size_t count, Arena *arena,
                        size_t *out_count) {
        Test *tests = ARENA_ARRAY(arena, Test, count);
        size_t made = 0;
        for (size_t i = 0; i < count; i++) {
                for (size_t f = 0; f < schema->field_count; f++) {
                        const TypeField *field = &schema->fields[f];
                        if (field->id == predicates[i].field_id && !type_is_nested(field->type))
                                tests[made++] = (Test){ field->id, field->type, predicates[i].kind,
                                                        predicates[i].values, predicates[i].value_count };
                }
        }
        *out_count = made;
        return tests;
}

bool plan_file_may_match(const Schema *schema, const DataFile *file, const Predicate *predicates, size_t count) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        size_t test_count;
        const Test *tests = make_tests(schema, predicates, count, &arena, &test_count);
        return file_may_match(file, tests, test_count);
}

/* ---- partitions ---- */

/* The tests that a spec's partition values must pass; field_id is then the index into the spec. */
typedef struct SpecTests {
        int spec_id;
        Test *tests;
        size_t count;
} SpecTests;

static PredicateKind widened(PredicateKind kind) {
        return kind == PREDICATE_LT ? PREDICATE_LE : kind == PREDICATE_GT ? PREDICATE_GE : kind;
}

/* The inclusive projection: whatever row passes test, its partition value passes *out. False if nothing follows. */
static bool project(const Test *test, const PartitionField *field, Arena *arena, Test *out) {
        Transform transform = field->transform;
        bool is_identity = transform.kind == TRANSFORM_IDENTITY;
        bool is_null_test = test->kind == PREDICATE_IS_NULL || test->kind == PREDICATE_IS_NOT_NULL;
        if (transform.kind == TRANSFORM_VOID || transform.kind == TRANSFORM_UNKNOWN ||
            !transform_takes(transform, test->type.kind))
                return false;
        *out = *test;
        out->type = transform_result(transform, test->type);
        if (is_identity || is_null_test)
                return true;
        if (test->kind == PREDICATE_NE)
                return false;
        if (test->kind != PREDICATE_EQ && test->kind != PREDICATE_IN && !transform_keeps_order(transform))
                return false;
        out->kind = widened(test->kind);
        Str *values = ARENA_ARRAY(arena, Str, test->value_count);
        for (size_t i = 0; i < test->value_count; i++)
                if (!transform_apply(transform, test->type, test->values[i], arena, &values[i]))
                        return false;
        out->values = values;
        return true;
}

static SpecTests project_all(const TableMetadata *metadata, int spec_id, const Test *tests, size_t count,
                             Arena *arena) {
        SpecTests result = { .spec_id = spec_id };
        const PartitionSpec *spec = metadata_spec(metadata, spec_id);
        if (!spec || spec->field_count == 0 || count == 0)
                return result;
        result.tests = ARENA_ARRAY(arena, Test, spec->field_count * count);
        for (size_t f = 0; f < spec->field_count; f++) {
                for (size_t i = 0; i < count; i++) {
                        Test projected;
                        if (tests[i].field_id != spec->fields[f].source_id ||
                            !project(&tests[i], &spec->fields[f], arena, &projected))
                                continue;
                        projected.field_id = (int)f;
                        result.tests[result.count++] = projected;
                }
        }
        return result;
}

static bool manifest_may_match(const ManifestFile *manifest, const SpecTests *spec) {
        for (size_t i = 0; i < spec->count; i++) {
                const Test *test = &spec->tests[i];
                if ((size_t)test->field_id >= manifest->partition_count)
                        continue;
                const PartitionSummary *summary = &manifest->partitions[test->field_id];
                Range range = {
                        .type = test->type,
                        .has_lower = summary->has_lower,
                        .has_upper = summary->has_upper,
                        .lower = summary->lower,
                        .upper = summary->upper,
                        .may_null = summary->contains_null,
                        .all_null = summary->contains_null && summary->contains_nan == 0 && !summary->has_lower,
                        .may_nan = is_floating(test->type.kind) && summary->contains_nan != 0,
                };
                if (!range_may_match(&range, test))
                        return false;
        }
        return true;
}

static bool partition_may_match(const DataFile *file, const SpecTests *spec) {
        for (size_t i = 0; i < spec->count; i++) {
                const Test *test = &spec->tests[i];
                if ((size_t)test->field_id >= file->partition_count)
                        continue;
                const PartitionValue *value = &file->partition[test->field_id];
                Range range = {
                        .type = test->type,
                        .has_lower = !value->is_null,
                        .has_upper = !value->is_null,
                        .lower = value->bytes,
                        .upper = value->bytes,
                        .exact = true,
                        .may_null = value->is_null,
                        .all_null = value->is_null,
                        .may_nan = is_floating(test->type.kind),
                };
                if (!range_may_match(&range, test))
                        return false;
        }
        return true;
}

/* ---- planning ---- */

typedef struct Planner {
        const TableMetadata *metadata;
        const IcebergSource *source;
        ManifestCache *cache;
        Arena *arena;
        const Test *tests;
        size_t test_count;
        VEC(SpecTests) specs;
        VEC(PlannedFile) files, deletes;
        Plan plan;
} Planner;

static const SpecTests *tests_of_spec(Planner *planner, int spec_id) {
        for (size_t i = 0; i < planner->specs.count; i++)
                if (planner->specs.items[i].spec_id == spec_id)
                        return &planner->specs.items[i];
        SpecTests made = project_all(planner->metadata, spec_id, planner->tests, planner->test_count, planner->arena);
        vec_push(planner->arena, &planner->specs, made);
        return &planner->specs.items[planner->specs.count - 1];
}

static void count_manifest(Plan *plan, const ManifestFile *manifest) {
        plan->manifests++;
        if (manifest->is_deletes)
                return;
        if (manifest->added_files < 0 || manifest->existing_files < 0 || plan->total_files < 0)
                plan->total_files = -1;
        else
                plan->total_files += manifest->added_files + manifest->existing_files;
        if (manifest->added_rows < 0 || manifest->existing_rows < 0 || plan->total_rows < 0)
                plan->total_rows = -1;
        else
                plan->total_rows += manifest->added_rows + manifest->existing_rows;
}

static Status plan_manifest(Planner *planner, const ManifestFile *from, Error *err) {
        if (from->added_files == 0 && from->existing_files == 0)
                return STATUS_OK;
        const SpecTests *spec = tests_of_spec(planner, from->spec_id);
        if (!from->is_deletes && !manifest_may_match(from, spec))
                return STATUS_OK;
        const Manifest *manifest;
        TRY(manifest_load(planner->source, planner->cache, from, planner->arena, &manifest, err));
        planner->plan.manifests_read++;
        spec = tests_of_spec(planner, manifest->spec_id);
        for (size_t i = 0; i < manifest->entry_count; i++) {
                const ManifestEntry *entry = &manifest->entries[i];
                if (entry->status == ENTRY_DELETED)
                        continue;
                PlannedFile planned = { &entry->file, entry->sequence_number, manifest->spec_id };
                if (entry->file.content != CONTENT_DATA) {
                        vec_push(planner->arena, &planner->deletes, planned);
                        continue;
                }
                if (!partition_may_match(&entry->file, spec) ||
                    !file_may_match(&entry->file, planner->tests, planner->test_count))
                        continue;
                vec_push(planner->arena, &planner->files, planned);
                planner->plan.rows += entry->file.statistics.rows;
                planner->plan.bytes += entry->file.statistics.bytes;
        }
        return STATUS_OK;
}

Status plan_files(const TableMetadata *metadata, const Snapshot *snapshot, const Predicate *predicates,
                  size_t predicate_count, const IcebergSource *source, ManifestCache *cache, Arena *arena, Plan *out,
                  Error *err) {
        Planner planner = { .metadata = metadata, .source = source, .cache = cache, .arena = arena };
        planner.plan.schema = snapshot ? metadata_snapshot_schema(metadata, snapshot)
                                       : metadata_current_schema(metadata);
        planner.tests = make_tests(planner.plan.schema, predicates, predicate_count, arena, &planner.test_count);
        const ManifestList *list;
        TRY(manifest_list_load(source, cache, snapshot ? snapshot : metadata_current_snapshot(metadata), arena, &list,
                               err));
        for (size_t i = 0; i < list->count; i++) {
                count_manifest(&planner.plan, &list->manifests[i]);
                TRY(plan_manifest(&planner, &list->manifests[i], err));
        }
        planner.plan.files = planner.files.items;
        planner.plan.file_count = planner.files.count;
        planner.plan.deletes = planner.deletes.items;
        planner.plan.delete_count = planner.deletes.count;
        *out = planner.plan;
        return STATUS_OK;
}
