/* SPDX-License-Identifier: Apache-2.0 */
#include "parquet/adopt.h"

#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "base/test.h"
#include "parquet/writer.h"

#define ROWS 30000u
#define GROUP 8192u

static const ParquetColumnSpec columns[] = {
        { STR("n"), { .kind = TYPE_BIGINT }, 1 },
        { STR("name"), { .kind = TYPE_TEXT }, 2 },
        { STR("x"), { .kind = TYPE_DOUBLE }, 3 },
        { STR("wide"), { .kind = TYPE_DECIMAL, .precision = 30, .scale = 4 }, 4 },
        { STR("yes"), { .kind = TYPE_BOOLEAN }, 5 },
};

static int empty_file(void) {
        int fd = memfd_create("file", MFD_CLOEXEC);
        if (fd < 0)
                panic("no memory file");
        return fd;
}

static Status write_file(Test *t, int fd, uint32_t rows, FileStatistics *out) {
        ParquetWriter *writer = parquet_writer_new();
        ParquetOptions options = { .name = "the file", .group_rows = GROUP };
        Status status = parquet_writer_start(writer, fd, columns, COUNT_OF(columns), &options, &t->err);
        for (uint32_t row = 0; row < rows && status == STATUS_OK; row++) {
                char name[32];
                int size = snprintf(name, sizeof(name), "name %u", row % 700);
                parquet_column_int64(parquet_column(writer, 0), (int64_t)row * 97 - 5000);
                if (row % 5 == 0)
                        parquet_column_null(parquet_column(writer, 1));
                else
                        parquet_column_bytes(parquet_column(writer, 1), name, (size_t)size);
                parquet_column_double(parquet_column(writer, 2), row % 100 == 3 ? __builtin_nan("") : row / 8.0);
                parquet_column_int128(parquet_column(writer, 3), ((Int128)row - 100) * 1000000000000000);
                parquet_column_bool(parquet_column(writer, 4), row % 3 == 0);
                status = parquet_row_end(writer, &t->err);
        }
        if (status == STATUS_OK)
                status = parquet_writer_finish(writer, &t->arena, out, &t->err);
        parquet_writer_free(writer);
        return status;
}

static Status read_fd_at(void *context, uint64_t offset, void *into, size_t size, size_t *out_got, Error *err) {
        ssize_t got = pread(*(const int *)context, into, size, (off_t)offset);
        *out_got = got < 0 ? 0 : (size_t)got;
        return got < 0 ? error_set(err, STATUS_IO, "cannot read") : STATUS_OK;
}

/* Reads columns `first` and up of the file, and makes them a file of their own. *out_done is false where it should be written anew. */
static Status adopt(Test *t, int in, int out, size_t first, bool *out_done, FileStatistics *statistics) {
        ParquetFooter footer;
        ParquetAdopted adopted[COUNT_OF(columns)];
        ParquetLeaf *leaves[COUNT_OF(columns)];
        const ParquetChunkSeen *seen[COUNT_OF(columns)];
        size_t count = COUNT_OF(columns) - first;
        ParquetBytes bytes = { read_fd_at, &in, (uint64_t)lseek(in, 0, SEEK_END) };
        TRY(parquet_footer_read(in, "the file", &t->arena, &footer, &t->err));
        for (size_t i = 0; i < count; i++) {
                adopted[i] = (ParquetAdopted){ columns[first + i].name, columns[first + i].type, columns[first + i].field_id, footer.leaves[first + i] };
                leaves[i] = parquet_leaf_new();
                parquet_leaf_start(leaves[i], adopted[i].node, bytes);
        }
        ParquetAdoption *adoption = parquet_adoption_new();
        Status status = STATUS_OK;
        *out_done = parquet_adoption_start(adoption, &footer, adopted, count);
        for (size_t g = 0; g < footer.group_count && *out_done && status == STATUS_OK; g++) {
                for (size_t i = 0; i < count; i++)
                        parquet_leaf_chunk(leaves[i], &footer.groups[g].chunks[first + i]);
                for (int64_t left = footer.groups[g].rows; left > 0 && status == STATUS_OK;) {
                        size_t part = left < 1000 ? (size_t)left : 1000;
                        for (size_t i = 0; i < count && status == STATUS_OK; i++) {
                                ParquetValues values;
                                status = parquet_leaf_read(leaves[i], part, &values, &t->err);
                                seen[i] = parquet_leaf_seen(leaves[i]);
                                *out_done = *out_done && status == STATUS_OK && parquet_adoption_values(adoption, i, &values);
                        }
                        left -= (int64_t)part;
                }
                *out_done = *out_done && status == STATUS_OK && parquet_adoption_group(adoption, g, seen);
        }
        ParquetAdopter adopter = { "the adopted file", 4711, 90, 91 };
        if (status == STATUS_OK && *out_done)
                status = parquet_adoption_finish(adoption, in, out, &adopter, &t->arena, statistics, &t->err);
        parquet_adoption_free(adoption);
        for (size_t i = 0; i < count; i++)
                parquet_leaf_free(leaves[i]);
        return status;
}

static void check_same_column(Test *t, const ColumnStatistics *got, const ColumnStatistics *wanted) {
        CHECK_INT(got->field_id, wanted->field_id);
        CHECK_INT(got->values, wanted->values);
        CHECK_INT(got->nulls, wanted->nulls);
        CHECK_INT(got->nans, wanted->nans);
        CHECK_INT(got->bytes, wanted->bytes);
        CHECK_STR(got->lower, wanted->lower);
        CHECK_STR(got->upper, wanted->upper);
}

TEST(pages_stay_and_statistics_are_those_of_the_values) {
        for (size_t first = 0; first < COUNT_OF(columns); first += 2) {
                CLEANUP(close_fdp) int in = empty_file();
                CLEANUP(close_fdp) int out = empty_file();
                FileStatistics written, adopted;
                ParquetFooter before, after;
                bool done;
                CHECK_OK(write_file(t, in, ROWS, &written));
                CHECK_OK(adopt(t, in, out, first, &done, &adopted));
                CHECK(done);
                CHECK_INT(adopted.rows, ROWS);
                CHECK_INT(adopted.bytes, lseek(out, 0, SEEK_END));
                CHECK_INT(adopted.split_count, (ROWS + GROUP - 1) / GROUP);
                for (size_t i = first; i < COUNT_OF(columns); i++)
                        check_same_column(t, &adopted.columns[i - first], &written.columns[i]);
                CHECK_OK(parquet_footer_read(in, "before", &t->arena, &before, &t->err));
                CHECK_OK(parquet_footer_read(out, "after", &t->arena, &after, &t->err));
                CHECK_INT(after.leaf_count, COUNT_OF(columns) - first + 2);
                CHECK_INT(after.group_count, before.group_count);
                for (size_t g = 0; g < after.group_count; g++) {
                        for (size_t i = first; i < COUNT_OF(columns); i++) {
                                const ParquetChunk *old = &before.groups[g].chunks[i], *new = &after.groups[g].chunks[i - first];
                                Str a, b;
                                char *space = arena_alloc(&t->arena, 2 * (size_t)old->compressed + 1);
                                CHECK_INT(new->compressed, old->compressed);
                                CHECK_INT(new->uncompressed, old->uncompressed);
                                CHECK_INT(pread(in, space, (size_t)old->compressed, old->offset), old->compressed);
                                CHECK_INT(pread(out, space + old->compressed, (size_t)old->compressed, new->offset), old->compressed);
                                a = (Str){ space, (size_t)old->compressed };
                                b = (Str){ space + old->compressed, (size_t)old->compressed };
                                CHECK(str_equal(a, b));
                                CHECK(first > 0 || new->offset == old->offset);
                                CHECK_STR(new->min, old->min);
                                CHECK_STR(new->max, old->max);
                        }
                }
                const ColumnStatistics *file = &adopted.columns[COUNT_OF(columns) - first], *row = file + 1;
                CHECK_STR(file->lower, value_int64(&t->arena, 4711));
                CHECK_STR(file->upper, value_int64(&t->arena, 4711));
                CHECK_STR(row->lower, value_int64(&t->arena, 1));
                CHECK_STR(row->upper, value_int64(&t->arena, ROWS));
        }
}

TEST(very_small_groups_are_written_anew) {
        CLEANUP(close_fdp) int in = empty_file();
        CLEANUP(close_fdp) int out = empty_file();
        FileStatistics written, adopted;
        bool done;
        CHECK_OK(write_file(t, in, GROUP * 20, &written));
        CHECK_OK(adopt(t, in, out, 0, &done, &adopted));
        CHECK(!done);
        CHECK_INT(lseek(out, 0, SEEK_END), 0);
}

TEST(what_does_not_store_a_type_as_iceberg_does_is_written_anew) {
        ParquetNode root = { .name = STR("table") };
        const struct {
                ParquetNode node;
                Type type;
                bool can;
        } cases[] = {
                { { .physical = PARQUET_INT64 }, { .kind = TYPE_BIGINT }, true },
                { { .physical = PARQUET_INT32 }, { .kind = TYPE_BIGINT }, false },
                { { .physical = PARQUET_INT64, .duration = 1000 }, { .kind = TYPE_BIGINT }, false },
                { { .physical = PARQUET_INT32, .logical = PARQUET_LOGICAL_INTEGER, .bit_width = 16 }, { .kind = TYPE_INT }, true },
                { { .physical = PARQUET_INT32, .logical = PARQUET_LOGICAL_INTEGER, .bit_width = 32 }, { .kind = TYPE_INT }, false },
                { { .physical = PARQUET_INT64, .logical = PARQUET_LOGICAL_TIMESTAMP, .unit = PARQUET_MICROS }, { .kind = TYPE_TIMESTAMP }, true },
                { { .physical = PARQUET_INT64, .logical = PARQUET_LOGICAL_TIMESTAMP, .unit = PARQUET_MICROS }, { .kind = TYPE_TIMESTAMPTZ }, false },
                { { .physical = PARQUET_INT64, .logical = PARQUET_LOGICAL_TIMESTAMP, .unit = PARQUET_NANOS }, { .kind = TYPE_TIMESTAMP }, false },
                { { .physical = PARQUET_INT64, .logical = PARQUET_LOGICAL_TIMESTAMP, .unit = PARQUET_MILLIS }, { .kind = TYPE_TIMESTAMP }, false },
                { { .physical = PARQUET_INT96 }, { .kind = TYPE_TIMESTAMP }, false },
                { { .physical = PARQUET_FIXED, .type_length = 5, .logical = PARQUET_LOGICAL_DECIMAL, .precision = 10, .scale = 2 },
                  { .kind = TYPE_DECIMAL, .precision = 10, .scale = 2 }, true },
                { { .physical = PARQUET_FIXED, .type_length = 3, .logical = PARQUET_LOGICAL_DECIMAL, .precision = 10, .scale = 2 },
                  { .kind = TYPE_DECIMAL, .precision = 10, .scale = 2 }, false },
                { { .physical = PARQUET_BYTE_ARRAY, .logical = PARQUET_LOGICAL_DECIMAL, .precision = 10, .scale = 2 },
                  { .kind = TYPE_DECIMAL, .precision = 10, .scale = 2 }, false },
                { { .physical = PARQUET_BYTE_ARRAY, .logical = PARQUET_LOGICAL_STRING }, { .kind = TYPE_TEXT }, true },
                { { .physical = PARQUET_BYTE_ARRAY, .logical = PARQUET_LOGICAL_STRING }, { .kind = TYPE_BINARY }, false },
                { { .physical = PARQUET_FIXED, .type_length = 16, .logical = PARQUET_LOGICAL_UUID }, { .kind = TYPE_UUID }, true },
                { { .physical = PARQUET_FIXED, .type_length = 4 }, { .kind = TYPE_BINARY }, false },
                { { .physical = PARQUET_BOOLEAN }, { .kind = TYPE_BOOLEAN }, true },
                { { .physical = PARQUET_FLOAT }, { .kind = TYPE_DOUBLE }, false },
                { { .physical = PARQUET_INT64, .repetition = PARQUET_REPEATED }, { .kind = TYPE_BIGINT }, false },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                ParquetNode node = cases[i].node;
                node.is_leaf = true;
                node.parent = &root;
                CHECK_INT(parquet_can_adopt(&node, cases[i].type), cases[i].can);
        }
        ParquetNode group = { .parent = &root, .repetition = PARQUET_OPTIONAL };
        ParquetNode inside = { .parent = &group, .is_leaf = true, .repetition = PARQUET_OPTIONAL, .physical = PARQUET_INT64 };
        CHECK(!parquet_can_adopt(&inside, (Type){ .kind = TYPE_BIGINT })); /* two levels, where a column has one */
        inside.repetition = PARQUET_REQUIRED;
        CHECK(parquet_can_adopt(&inside, (Type){ .kind = TYPE_BIGINT }));
}
