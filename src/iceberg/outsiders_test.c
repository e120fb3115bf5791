/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables for other programs to judge: tests/test_iceberg_outsiders.py puts Parquet files into LODE_ICEBERG_SAMPLE and
 * runs this, which lists them in a plain and in a partitioned table; on its own this checks that they can be made.
 */
#include <sys/stat.h>

#include "base/file.h"
#include "iceberg/snapshot.h"
#include "iceberg/test_store.h"

#define FILES 20
#define ROWS 10

typedef struct Sample {
        Test *t;
        const char *folder;
        IcebergSource source;
        TableVersion version;
} Sample;

static Status read_from_disk(void *context UNUSED, Str path, Arena *arena, Str *out, Error *err) {
        return file_read(arena_cstr(arena, path), MANIFEST_SIZE_MAX, arena, out, err);
}

static Status write_to_disk(Sample *sample) {
        for (size_t i = 0; i < sample->version.file_count; i++) {
                const IcebergFile *file = &sample->version.files[i];
                TRY(file_create(arena_cstr(&sample->t->arena, file->path), file->bytes, false, &sample->t->err));
        }
        return STATUS_OK;
}

/* Numbered from 1 in this order, and then 10 the element of tags, 11 and 12 the fields of place. */
static const TypeField tag_fields[] = { { STR("element"), 0, false, { .kind = TYPE_TEXT } } };
static const TypeField place_fields[] = { { STR("x"), 0, false, { .kind = TYPE_INT } },
                                          { STR("y"), 0, false, { .kind = TYPE_TEXT } } };
static const TypeField column_fields[] = {
        { STR("id"), 0, false, { .kind = TYPE_BIGINT } },
        { STR("name"), 0, false, { .kind = TYPE_TEXT } },
        { STR("price"), 0, false, { .kind = TYPE_DECIMAL, .precision = 9, .scale = 2 } },
        { STR("day"), 0, false, { .kind = TYPE_DATE } },
        { STR("at"), 0, false, { .kind = TYPE_TIMESTAMPTZ } },
        { STR("weight"), 0, false, { .kind = TYPE_DOUBLE } },
        { STR("key"), 0, false, { .kind = TYPE_UUID } },
        { STR("tags"), 0, false, { .kind = TYPE_LIST } },
        { STR("place"), 0, false, { .kind = TYPE_STRUCT } },
};

static TypeField *columns(Arena *arena) {
        TypeField *fields = arena_alloc(arena, sizeof(column_fields));
        memcpy(fields, column_fields, sizeof(column_fields));
        fields[7].type.fields = arena_alloc(arena, sizeof(tag_fields));
        memcpy(fields[7].type.fields, tag_fields, sizeof(tag_fields));
        fields[7].type.field_count = COUNT_OF(tag_fields);
        fields[8].type.fields = arena_alloc(arena, sizeof(place_fields));
        memcpy(fields[8].type.fields, place_fields, sizeof(place_fields));
        fields[8].type.field_count = COUNT_OF(place_fields);
        return fields;
}

/* Names that are no Avro names, and every kind of transform. */
static const struct {
        int source_id;
        const char *name, *transform;
} parts[] = {
        { 4, "day.month", "month" },   { 2, "9😀name", "truncate[3]" }, { 3, "price", "identity" },
        { 7, "key bucket", "bucket[4]" }, { 7, "key", "identity" },       { 4, "day_day", "day" },
        { 5, "at_hour", "hour" },
};

static void partition(TableMetadata *metadata, Arena *arena) {
        PartitionField *fields = ARENA_ARRAY(arena, PartitionField, COUNT_OF(parts));
        for (size_t i = 0; i < COUNT_OF(parts); i++)
                fields[i] = (PartitionField){ parts[i].source_id, 1000 + (int)i, str_of(parts[i].name),
                                              transform_parse(str_of(parts[i].transform)) };
        metadata->specs[0].fields = fields;
        metadata->specs[0].field_count = COUNT_OF(parts);
        metadata->last_partition_id = 1000 + (int)COUNT_OF(parts) - 1;
}

/* File n has the ids from 10 n; all else is the same in all its rows, but weight: NULL, NaN, then n. */
static DataFile data_file(Sample *sample, const TableMetadata *metadata, int n) {
        Arena *a = &sample->t->arena;
        char key[16] = { (char)0xf0 };
        key[15] = (char)n;
        Str values[] = {
                [1] = value_int64(a, n * ROWS),           [2] = arena_strf(a, "name%04d", n),
                [3] = value_decimal(a, n * 100 - 500),    [4] = value_int32(a, n * 10 - 30),
                [5] = value_int64(a, n * INT64_C(3600000000) - 1), [6] = value_double(a, n),
                [7] = arena_str(a, (Str){ key, sizeof(key) }),
        };
        ColumnStatistics *statistics = ARENA_ARRAY(a, ColumnStatistics, COUNT_OF(values) - 1);
        for (int id = 1; id < (int)COUNT_OF(values); id++)
                statistics[id - 1] = (ColumnStatistics){ id, ROWS, id == 6, id == 6 ? 1 : -1, 40, true, true,
                                                         values[id], values[id] };
        statistics[0].upper = value_int64(a, n * ROWS + ROWS - 1);

        char *path = arena_printf(a, "%s/data/%d.parquet", sample->folder, n);
        struct stat found = { .st_size = 100 };
        (void)stat(path, &found);
        int64_t *splits = ARENA_NEW(a, int64_t);
        *splits = 4;
        DataFile file = { .path = str_of(path),
                          .statistics = { ROWS, found.st_size, statistics, COUNT_OF(values) - 1, splits, 1 } };
        const PartitionSpec *spec = metadata_spec(metadata, 0);
        file.partition_count = spec->field_count;
        file.partition = ARENA_ARRAY(a, PartitionValue, spec->field_count);
        for (size_t i = 0; i < spec->field_count; i++) {
                int source = spec->fields[i].source_id;
                file.partition[i].is_null =
                        !transform_apply(spec->fields[i].transform,
                                         schema_field(metadata_current_schema(metadata), source)->type, values[source],
                                         a, &file.partition[i].bytes);
        }
        return file;
}

static Status commit_to_disk(Sample *sample, const TableMetadata *base, const TableChange *change) {
        TRY(table_commit(base, sample->version.metadata_location, change, &sample->source, NULL, &sample->t->arena,
                         &sample->version, &sample->t->err));
        return write_to_disk(sample);
}

/* Twenty appends; then a column is added while the first and the last file are removed. */
static Status make_table(Sample *sample, const char *name, bool partitioned) {
        Arena *a = &sample->t->arena;
        Error *err = &sample->t->err;
        TableMetadata *metadata;
        TRY(dir_make(arena_printf(a, "%s/%s/metadata", sample->folder, name), err));
        TRY(metadata_new(arena_strf(a, "%s/%s", sample->folder, name), columns(a), COUNT_OF(column_fields), NULL, 0,
                         INT64_C(1700000000000), a, &metadata, err));
        if (partitioned)
                partition(metadata, a);
        TRY(table_create(metadata, a, &sample->version, err));
        TRY(write_to_disk(sample));
        const Property own = { STR("lode.commit"), STR("17") };
        for (int n = 0; n < FILES; n++) {
                DataFile file = data_file(sample, metadata, n);
                TableChange append = { .added = &file, .added_count = 1, .summary = &own, .summary_count = 1,
                                       .now_ms = INT64_C(1700000000001) + n };
                TRY(commit_to_disk(sample, sample->version.metadata, &append));
        }
        TRY(file_create(arena_printf(a, "%s/%s/appended", sample->folder, name), sample->version.metadata_location,
                        false, err));
        TypeField extra = { STR("extra"), 0, false, { .kind = TYPE_INT } };
        const TableMetadata *wider;
        TRY(metadata_with_schema(sample->version.metadata, &extra, 1, SCHEMA_EXTEND, a, &wider, err));
        Str gone[] = { arena_strf(a, "%s/data/0.parquet", sample->folder),
                       arena_strf(a, "%s/data/%d.parquet", sample->folder, FILES - 1) };
        TableChange removal = { .removal = REMOVE_PATHS, .removed_paths = gone, .removed_count = COUNT_OF(gone),
                                .now_ms = INT64_C(1700000000100) };
        TRY(commit_to_disk(sample, wider, &removal));
        return file_create(arena_printf(a, "%s/%s/removed", sample->folder, name), sample->version.metadata_location,
                           false, err);
}

TEST(tables_are_written_for_outsiders) {
        const char *folder = getenv("LODE_ICEBERG_SAMPLE");
        Sample sample = { .t = t, .folder = folder ? folder : test_folder(t), .source = { read_from_disk, NULL } };
        CHECK_OK(make_table(&sample, "plain", false));
        CHECK_INT(sample.version.total_rows, (FILES - 2) * ROWS);
        CHECK_OK(make_table(&sample, "parted", true));
        CHECK_INT(sample.version.total_files, FILES - 2);
}
