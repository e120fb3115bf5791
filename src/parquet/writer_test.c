/* SPDX-License-Identifier: Apache-2.0 */
#include "parquet/writer.h"

#include <fcntl.h>
#include <math.h>

#include "base/file.h"
#include "base/test.h"
#include "base/vec.h"
#include "parquet/bounds.h"
#include "parquet/footer.h"

typedef struct Output {
        ParquetWriter *writer;
        char *path;
        int fd;
        FileStatistics statistics;
        ParquetFooter footer;
} Output;

static void output_deinit(Output *output) {
        parquet_writer_freep(&output->writer);
        close_fdp(&output->fd);
}

static Output output_new(Test *t, const char *path) {
        Output output = { .writer = parquet_writer_new() };
        output.path = path ? arena_printf(&t->arena, "%s", path)
                           : arena_printf(&t->arena, "%s/x.parquet", test_folder(t));
        output.fd = open(output.path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        return output;
}

/* The file again from its beginning, for another start(). */
static void output_rewind(Output *output) {
        if (ftruncate(output->fd, 0) < 0 || lseek(output->fd, 0, SEEK_SET) < 0)
                panic("cannot begin the file again");
}

static Status output_finish(Test *t, Output *output) {
        TRY(parquet_writer_finish(output->writer, &t->arena, &output->statistics, &t->err));
        return parquet_footer_read(output->fd, output->path, &t->arena, &output->footer, &t->err);
}

static Type decimal(int precision, int scale) {
        return (Type){ .kind = TYPE_DECIMAL, .precision = precision, .scale = scale };
}

#define FLAT(name) ((Type){ .kind = TYPE_##name })

/* ---- the file that outsiders read (tests/test_parquet_outsiders.py knows the same formulas) ---- */

enum {
        C_BOOLEAN,
        C_INT,
        C_BIGINT,
        C_FLOAT,
        C_DOUBLE,
        C_DECIMAL9,
        C_DECIMAL18,
        C_DECIMAL38,
        C_DATE,
        C_TIME,
        C_TIMESTAMP,
        C_TIMESTAMPTZ,
        C_UUID,
        C_FEW,
        C_MANY,
        C_BINARY,
        C_CONSTANT,
        C_NOTHING,
        SAMPLE_COLUMNS
};
#define SAMPLE_ROWS 20003
#define SAMPLE_GROUP 8192

static const char *const sample_names[] = { "boolean",   "int",       "bigint", "float",  "double",    "decimal9",
                                            "decimal18", "decimal38", "date",   "time",   "timestamp", "timestamptz",
                                            "uuid",      "few",       "many",   "binary", "constant",  "nothing" };

static void sample_columns(ParquetColumnSpec *columns) {
        const Type types[] = { FLAT(BOOLEAN),   FLAT(INT),         FLAT(BIGINT),   FLAT(FLOAT), FLAT(DOUBLE),
                               decimal(9, 2),   decimal(18, 3),    decimal(38, 5), FLAT(DATE),  FLAT(TIME),
                               FLAT(TIMESTAMP), FLAT(TIMESTAMPTZ), FLAT(UUID),     FLAT(TEXT),  FLAT(TEXT),
                               FLAT(BINARY),    FLAT(BIGINT),      FLAT(TEXT) };
        for (int i = 0; i < SAMPLE_COLUMNS; i++)
                columns[i] = (ParquetColumnSpec){ str_of(sample_names[i]), types[i], 10 + i };
}

static Int128 sample_long(int64_t row) {
        Int128 value = row * 1000003 - 7;
        for (int i = 0; i < 25; i++)
                value *= 10;
        return value - row;
}

static void append_text(Arena *arena, ParquetColumn *column, int index, int64_t row) {
        Str text = STR_NONE;
        if (index == C_FEW)
                text = row % 50 == 0 ? STR_NONE : arena_strf(arena, "value %d", (int)(row % 50));
        else if (index == C_MANY && row % 500 == 3)
                text = (Str){ memset(arena_alloc(arena, 40000), 'z', 40000), 40000 };
        else
                text = arena_strf(arena, "%lld é漢🙂 %lld", (long long)(row * 7919 % 10007), (long long)row);
        parquet_column_bytes(column, text.data, text.size);
}

static void append_sample(Arena *arena, ParquetColumn *column, int index, int64_t row) {
        uint8_t uuid[16];
        switch (index) {
        case C_BOOLEAN:
                parquet_column_bool(column, row % 3 == 0);
                break;
        case C_INT:
                parquet_column_int32(column, (int32_t)((uint32_t)row * 2654435761u));
                break;
        case C_BIGINT:
                parquet_column_int64(column, row * 97000291 - 500000000000);
                break;
        case C_FLOAT:
                parquet_column_float(column, (float)row / 4 - 100);
                break;
        case C_DOUBLE:
                parquet_column_double(column, row % 1000 == 17 ? (double)NAN : (double)row / 8);
                break;
        case C_DECIMAL9:
                parquet_column_int64(column, row % 100 - 50);
                break;
        case C_DECIMAL18:
                parquet_column_int128(column, (Int128)row * 12345678901 - 1);
                break;
        case C_DECIMAL38:
                parquet_column_int128(column, row % 2 ? sample_long(row) : -sample_long(row));
                break;
        case C_DATE:
                parquet_column_int32(column, (int32_t)(row % 40000 - 10000));
                break;
        case C_TIME:
                parquet_column_int64(column, row * 1234567 % 86400000000);
                break;
        case C_TIMESTAMP:
        case C_TIMESTAMPTZ:
                parquet_column_int64(column, row / 10 * 1000001 - 1000000000000000);
                break;
        case C_UUID:
                for (int i = 0; i < 16; i++)
                        uuid[i] = (uint8_t)(row >> (i % 3 * 8));
                parquet_column_uuid(column, uuid);
                break;
        case C_CONSTANT:
                parquet_column_int64(column, 42);
                break;
        default:
                append_text(arena, column, index, row);
        }
}

static bool sample_is_null(int index, int64_t row) {
        return index == C_NOTHING || (index != C_CONSTANT && row % 11 == index % 11);
}

static Status start_sample(Test *t, Output *output, int threads) {
        ParquetColumnSpec columns[SAMPLE_COLUMNS];
        sample_columns(columns);
        ParquetPair pair = { STR("note"), STR("written by a test") };
        ParquetOptions options = {
                .threads = threads, .group_rows = SAMPLE_GROUP, .metadata = &pair, .metadata_count = 1
        };
        return parquet_writer_start(output->writer, output->fd, columns, SAMPLE_COLUMNS, &options, &t->err);
}

static void append_or_null(Arena *arena, Output *output, int index, int64_t row) {
        ParquetColumn *column = parquet_column(output->writer, (size_t)index);
        if (sample_is_null(index, row))
                parquet_column_null(column);
        else
                append_sample(arena, column, index, row);
}

static void append_and_cancel(Arena *arena, Output *output, int64_t row) {
        for (int i = 0; i < SAMPLE_COLUMNS - row / 13 % 3; i++) {
                if ((row + i) % 5 == 0)
                        parquet_column_null(parquet_column(output->writer, (size_t)i));
                else if (i != C_NOTHING)
                        append_sample(arena, parquet_column(output->writer, (size_t)i), i, SAMPLE_ROWS + row);
        }
        parquet_row_cancel(output->writer);
}

/* Every thirteenth row is begun and taken back first. */
static Status write_sample(Test *t, Output *output, int threads) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        TRY(start_sample(t, output, threads));
        for (int64_t row = 0; row < SAMPLE_ROWS; row++) {
                if (row % 13 == 0)
                        append_and_cancel(&arena, output, row);
                for (int i = 0; i < SAMPLE_COLUMNS; i++)
                        append_or_null(&arena, output, i, row);
                TRY(parquet_row_end(output->writer, &t->err));
                if (row % 1000 == 0)
                        arena_reset(&arena);
        }
        return output_finish(t, output);
}

TEST(all_types_are_written_for_outsiders) {
        CLEANUP(output_deinit) Output output = output_new(t, getenv("LODE_PARQUET_SAMPLE"));
        CHECK_OK(write_sample(t, &output, 1));

        CHECK_INT(output.statistics.rows, SAMPLE_ROWS);
        CHECK_INT(output.footer.rows, SAMPLE_ROWS);
        CHECK_INT(output.statistics.split_count, 3);
        CHECK_INT(output.statistics.column_count, SAMPLE_COLUMNS);
        CHECK_INT(output.statistics.bytes, output.footer.file_size);
        TypeField *fields;
        size_t count;
        CHECK_OK(parquet_footer_fields(&output.footer, &t->arena, &fields, &count, &t->err));
        ParquetColumnSpec columns[SAMPLE_COLUMNS];
        sample_columns(columns);
        for (size_t i = 0; i < SAMPLE_COLUMNS; i++) {
                CHECK_STR(fields[i].name, columns[i].name);
                CHECK_INT(fields[i].id, columns[i].field_id);
                CHECK(type_equal(fields[i].type, columns[i].type));
                int64_t nulls = 0;
                for (int64_t row = 0; row < SAMPLE_ROWS; row++)
                        nulls += sample_is_null((int)i, row);
                CHECK_INT(output.statistics.columns[i].nulls, nulls);
                CHECK_INT(output.statistics.columns[i].values, SAMPLE_ROWS);
        }
}

/* Without `nans`, b is read from a footer: that tells no bounds of a column that has NaN. */
static bool same_statistics(const FileStatistics *a, const FileStatistics *b, bool nans) {
        bool same = a->rows == b->rows && a->bytes == b->bytes && a->column_count == b->column_count &&
                    a->split_count == b->split_count;
        for (size_t i = 0; same && i < a->split_count; i++)
                same = a->split_offsets[i] == b->split_offsets[i];
        for (size_t i = 0; same && i < a->column_count; i++) {
                const ColumnStatistics *x = &a->columns[i], *y = &b->columns[i];
                same = x->field_id == y->field_id && x->values == y->values && x->nulls == y->nulls &&
                       x->bytes == y->bytes && (!nans || x->nans == y->nans);
                bool bounded = nans || x->nans == 0;
                same = same && y->has_lower == (bounded && x->has_lower) && y->has_upper == (bounded && x->has_upper) &&
                       (!bounded || (str_equal(x->lower, y->lower) && str_equal(x->upper, y->upper)));
        }
        return same;
}

TEST(the_footer_tells_the_same_statistics_as_the_writer) {
        CLEANUP(output_deinit) Output output = output_new(t, NULL);
        CHECK_OK(write_sample(t, &output, 1));
        FileStatistics read;
        CHECK_OK(parquet_file_statistics(output.fd, output.path, &t->arena, &read, &t->err));
        CHECK(same_statistics(&output.statistics, &read, false));
}

TEST(threads_and_warm_writers_give_the_same_bytes) {
        CLEANUP(output_deinit) Output output = output_new(t, NULL);
        Str first = STR_NONE;
        for (int i = 0; i < 6; i++) {
                output_rewind(&output);
                CHECK_OK(write_sample(t, &output, i % 3 + 1));
                Str bytes;
                CHECK_OK(file_read(output.path, 64 << 20, &t->arena, &bytes, &t->err));
                if (i == 0)
                        first = bytes;
                CHECK(str_equal(first, bytes));
        }
}

/* ---- bounds, as Iceberg wants them ---- */

typedef struct OneColumn {
        ParquetColumnSpec spec;
        ParquetOptions options;
} OneColumn;

static Status start_one(Test *t, Output *output, Type type) {
        ParquetColumnSpec column = { STR("c"), type, 1 };
        output_rewind(output);
        return parquet_writer_start(output->writer, output->fd, &column, 1, NULL, &t->err);
}

static void end_row(Test *t, Output *output) {
        if (parquet_row_end(output->writer, &t->err) != STATUS_OK)
                panic("%s", t->err.message);
}

TEST(bounds_of_floating_point_skip_nan_and_have_signed_zeros) {
        static const struct {
                double values[3];
                bool known;
                double lower, upper;
                int64_t nans;
        } cases[] = {
                { { 1, 2, 3 }, true, 1, 3, 0 },
                { { NAN, 2, -3 }, true, -3, 2, 1 },
                { { NAN, NAN, NAN }, false, 0, 0, 3 },
                { { 0.0, 0.0, 5 }, true, -0.0, 5, 0 },
                { { -1, -0.0, -0.0 }, true, -1, 0.0, 0 },
                { { INFINITY, -INFINITY, NAN }, true, -INFINITY, INFINITY, 1 },
        };
        CLEANUP(output_deinit) Output output = output_new(t, NULL);
        for (size_t i = 0; i < COUNT_OF(cases); i++)
                for (int single = 0; single < 2; single++) {
                        CHECK_OK(start_one(t, &output, single ? FLAT(FLOAT) : FLAT(DOUBLE)));
                        for (int j = 0; j < 3; j++) {
                                ParquetColumn *column = parquet_column(output.writer, 0);
                                if (single)
                                        parquet_column_float(column, (float)cases[i].values[j]);
                                else
                                        parquet_column_double(column, cases[i].values[j]);
                                end_row(t, &output);
                        }
                        CHECK_OK(output_finish(t, &output));
                        ColumnStatistics got = output.statistics.columns[0];
                        CHECK_INT(got.nans, cases[i].nans);
                        CHECK_INT(got.has_lower, cases[i].known);
                        CHECK_INT(got.has_upper, cases[i].known);
                        if (!cases[i].known)
                                continue;
                        double lower, upper;
                        CHECK(value_read_double(got.lower, &lower) && value_read_double(got.upper, &upper));
                        CHECK(lower == cases[i].lower && signbit(lower) == signbit(cases[i].lower));
                        CHECK(upper == cases[i].upper && signbit(upper) == signbit(cases[i].upper));
                }
}

TEST(bounds_of_text_are_cut_to_16_characters) {
        static const struct {
                const char *values[2];
                const char *lower, *upper; /* NULL = none */
        } cases[] = {
                { { "a", "b" }, "a", "b" },
                { { "b", "" }, "", "b" },
                { { "abcdefghijklmnop", "abcdefghijklmnopq" }, "abcdefghijklmnop", "abcdefghijklmnoq" },
                { { "éééééééééééééééééé", "é" }, "é", "éééééééééééééééê" },
                { { "\U0010FFFF\U0010FFFF\U0010FFFF\U0010FFFF\U0010FFFF\U0010FFFF\U0010FFFF\U0010FFFF"
                    "\U0010FFFF\U0010FFFF\U0010FFFF\U0010FFFF\U0010FFFF\U0010FFFF\U0010FFFF\U0010FFFFx",
                    "a" },
                  "a",
                  NULL },
                { { "prefix long enough to tie", "prefix long enough to tie, and more" },
                  "prefix long enou",
                  "prefix long enov" },
        };
        CLEANUP(output_deinit) Output output = output_new(t, NULL);
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                CHECK_OK(start_one(t, &output, FLAT(TEXT)));
                for (int j = 0; j < 2; j++) {
                        parquet_column_bytes(parquet_column(output.writer, 0), cases[i].values[j],
                                             strlen(cases[i].values[j]));
                        end_row(t, &output);
                }
                CHECK_OK(output_finish(t, &output));
                ColumnStatistics got = output.statistics.columns[0];
                CHECK_STR(got.lower, str_of(cases[i].lower));
                CHECK_INT(got.has_upper, cases[i].upper != NULL);
                if (cases[i].upper)
                        CHECK_STR(got.upper, str_of(cases[i].upper));
        }
}

TEST(bounds_of_binary_are_cut_to_16_bytes) {
        static const struct {
                Str value;
                bool has_upper;
                Str lower, upper;
        } cases[] = {
                { { "\1\2", 2 }, true, { "\1\2", 2 }, { "\1\2", 2 } },
                { { "0123456789abcdefg", 17 }, true, { "0123456789abcdef", 16 }, { "0123456789abcdeg", 16 } },
                { { "012345678\xff\xff\xff\xff\xff\xff\xff\xff", 17 },
                  true,
                  { "012345678\xff\xff\xff\xff\xff\xff\xff", 16 },
                  { "012345679", 9 } },
                { { "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 17 },
                  false,
                  { "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 16 },
                  { NULL, 0 } },
        };
        CLEANUP(output_deinit) Output output = output_new(t, NULL);
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                CHECK_OK(start_one(t, &output, FLAT(BINARY)));
                parquet_column_bytes(parquet_column(output.writer, 0), cases[i].value.data, cases[i].value.size);
                end_row(t, &output);
                CHECK_OK(output_finish(t, &output));
                ColumnStatistics got = output.statistics.columns[0];
                CHECK_STR(got.lower, cases[i].lower);
                CHECK_INT(got.has_upper, cases[i].has_upper);
                if (cases[i].has_upper)
                        CHECK_STR(got.upper, cases[i].upper);
        }
}

static Int128 power_of_ten(int exponent) {
        Int128 value = 1;
        for (int i = 0; i < exponent; i++)
                value *= 10;
        return value;
}

TEST(decimals_take_the_fewest_bytes_that_hold_their_precision) {
        static const struct {
                int precision, length;
        } cases[] = { { 1, 1 },  { 2, 1 },   { 3, 2 },   { 9, 4 },   { 18, 8 }, { 19, 9 },
                      { 21, 9 }, { 22, 10 }, { 35, 15 }, { 36, 16 }, { 38, 16 } };
        for (size_t i = 0; i < COUNT_OF(cases); i++)
                CHECK_INT(parquet_decimal_length(cases[i].precision), cases[i].length);
}

TEST(bounds_of_decimals_of_every_width_keep_their_sign) {
        static const int precisions[] = { 1, 9, 10, 18, 19, 28, 38 };
        CLEANUP(output_deinit) Output output = output_new(t, NULL);
        for (size_t i = 0; i < COUNT_OF(precisions); i++) {
                Int128 most = power_of_ten(precisions[i]) - 1;
                CHECK_OK(start_one(t, &output, decimal(precisions[i], 0)));
                for (int sign = -1; sign <= 1; sign++) {
                        parquet_column_int128(parquet_column(output.writer, 0), sign * most);
                        end_row(t, &output);
                }
                CHECK_OK(output_finish(t, &output));
                FileStatistics read;
                CHECK_OK(parquet_footer_statistics(&output.footer, &t->arena, &read, &t->err));
                CHECK(same_statistics(&output.statistics, &read, true));
                Int128 lower, upper;
                CHECK(value_read_decimal(read.columns[0].lower, &lower) &&
                      value_read_decimal(read.columns[0].upper, &upper));
                CHECK(lower == -most && upper == most);
        }
}

/* ---- row groups, dictionaries, cancelling ---- */

TEST(no_rows_give_a_valid_file_without_bounds) {
        CLEANUP(output_deinit) Output output = output_new(t, NULL);
        ParquetColumnSpec columns[SAMPLE_COLUMNS];
        sample_columns(columns);
        CHECK_OK(parquet_writer_start(output.writer, output.fd, columns, SAMPLE_COLUMNS, NULL, &t->err));
        CHECK_OK(output_finish(t, &output));
        CHECK_INT(output.statistics.rows, 0);
        CHECK_INT(output.statistics.split_count, 0);
        CHECK_INT(output.statistics.column_count, SAMPLE_COLUMNS);
        CHECK(!output.statistics.columns[0].has_lower);
}

TEST(a_cancelled_row_leaves_no_trace_in_the_bounds) {
        CLEANUP(output_deinit) Output output = output_new(t, NULL);
        ParquetColumnSpec columns[] = { { STR("text"), FLAT(TEXT), 1 }, { STR("number"), FLAT(INT), 2 } };
        CHECK_OK(parquet_writer_start(output.writer, output.fd, columns, 2, NULL, &t->err));
        parquet_row_cancel(output.writer);
        for (int i = 0; i < 5000; i++) {
                Str text = arena_strf(&t->arena, "m%d", i % 700);
                parquet_column_bytes(parquet_column(output.writer, 0), i % 2 ? "a" : "z", 1);
                parquet_row_cancel(output.writer);
                parquet_column_int32(parquet_column(output.writer, 1), i % 2 ? 1000000 : -1000000);
                parquet_column_bytes(parquet_column(output.writer, 0), text.data, text.size);
                parquet_row_cancel(output.writer);
                parquet_column_bytes(parquet_column(output.writer, 0), text.data, text.size);
                parquet_column_int32(parquet_column(output.writer, 1), i);
                end_row(t, &output);
        }
        CHECK_OK(output_finish(t, &output));
        CHECK_INT(output.statistics.rows, 5000);
        CHECK_STR(output.statistics.columns[0].lower, STR("m0"));
        CHECK_STR(output.statistics.columns[0].upper, STR("m99"));
        CHECK_STR(output.statistics.columns[1].lower, value_int32(&t->arena, 0));
        CHECK_STR(output.statistics.columns[1].upper, value_int32(&t->arena, 4999));
}

TEST(cancelling_the_row_in_which_a_dictionary_is_given_up_keeps_the_values) {
        CLEANUP(output_deinit) Output output = output_new(t, NULL);
        CHECK_OK(start_one(t, &output, FLAT(TEXT)));
        ParquetColumn *column = parquet_column(output.writer, 0);
        int rows = 0;
        while (!column->plain) {
                Str text = arena_strf(&t->arena, "distinct %d", rows);
                parquet_column_bytes(column, text.data, text.size);
                if (column->plain)
                        break;
                end_row(t, &output);
                rows++;
                CHECK(rows < 100000);
        }
        size_t with = column->bytes;
        parquet_row_cancel(output.writer);
        CHECK(column->bytes < with);
        CHECK_INT(column->size, column->bytes);
        CHECK_INT(column->count, rows);
        CHECK_OK(output_finish(t, &output));
        CHECK_INT(output.statistics.rows, rows);
        CHECK_STR(output.statistics.columns[0].lower, STR("distinct 0"));
}

TEST(much_text_ends_a_row_group_early) {
        CLEANUP(output_deinit) Output output = output_new(t, NULL);
        ParquetColumnSpec column = { STR("c"), FLAT(TEXT), 1 };
        ParquetOptions options = { .group_bytes = 1 << 20, .threads = 2 };
        CHECK_OK(parquet_writer_start(output.writer, output.fd, &column, 1, &options, &t->err));
        char *text = arena_alloc(&t->arena, 10000);
        for (int i = 0; i < 1000; i++) {
                memset(text, 'a' + i % 26, 10000);
                memcpy(text, &(int){ i }, 4);
                for (int j = 0; j < 4; j++)
                        text[j] = (char)('a' + (text[j] & 15));
                parquet_column_bytes(parquet_column(output.writer, 0), text, 10000);
                end_row(t, &output);
        }
        CHECK_OK(output_finish(t, &output));
        CHECK_INT(output.footer.rows, 1000);
        CHECK(output.footer.group_count >= 9 && output.footer.group_count <= 12);
}

TEST(long_texts_repeated_or_not_keep_memory_bounded) {
        CLEANUP(output_deinit) Output output = output_new(t, NULL);
        CHECK_OK(start_one(t, &output, FLAT(TEXT)));
        ParquetColumn *column = parquet_column(output.writer, 0);
        char *text = memset(arena_alloc(&t->arena, 800000), 'x', 800000);
        for (int i = 0; i < 1030; i++) {
                text[0] = i < 1000 ? 'x'
                                   : (char)('a' + i % 30); /* from one text to many, the dictionary past its limit */
                parquet_column_bytes(column, text, 800000);
                CHECK(column->bytes <= PARQUET_GROUP_BYTES + 1000000 && column->capacity <= 2 * PARQUET_GROUP_BYTES);
                end_row(t, &output);
        }
        CHECK_OK(output_finish(t, &output));
        CHECK_INT(output.footer.rows, 1030);
        CHECK(output.footer.group_count >= 32 && output.footer.group_count <= 40);
        CHECK(output.footer.file_size < 200000);
}

TEST(columns_can_be_filled_a_batch_at_a_time) {
        CLEANUP(output_deinit) Output output = output_new(t, NULL);
        CHECK_OK(write_sample(t, &output, 1));
        Str by_rows, by_columns;
        CHECK_OK(file_read(output.path, 64 << 20, &t->arena, &by_rows, &t->err));

        output_rewind(&output);
        CHECK_OK(start_sample(t, &output, 2));
        for (int64_t from = 0; from < SAMPLE_ROWS;) {
                int64_t room = (int64_t)parquet_rows_room(output.writer), to = from + (room < 1000 ? room : 1000);
                to = to < SAMPLE_ROWS ? to : SAMPLE_ROWS;
                for (int i = 0; i < SAMPLE_COLUMNS; i++)
                        for (int64_t row = from; row < to; row++)
                                append_or_null(&t->arena, &output, i, row);
                CHECK_OK(parquet_rows_end(output.writer, (size_t)(to - from), &t->err));
                from = to;
        }
        CHECK_OK(output_finish(t, &output));
        CHECK_OK(file_read(output.path, 64 << 20, &t->arena, &by_columns, &t->err));
        CHECK(str_equal(by_rows, by_columns));
}

TEST(wide_tables_have_shorter_row_groups) {
        CLEANUP(output_deinit) Output output = output_new(t, NULL);
        ParquetColumnSpec *columns = ARENA_ARRAY(&t->arena, ParquetColumnSpec, 1000);
        for (int i = 0; i < 1000; i++)
                columns[i] = (ParquetColumnSpec){ arena_strf(&t->arena, "c%d", i), FLAT(BIGINT), i + 1 };
        CHECK_OK(parquet_writer_start(output.writer, output.fd, columns, 1000, NULL, &t->err));
        CHECK(output.writer->rows_due <= PARQUET_GROUP_BYTES / 8000 && output.writer->rows_due >= 1024);
        CHECK_INT(output.writer->rows_due % 8, 0);
}

/* What PyArrow, DuckDB and PyIceberg read of such files is in tests/test_nested.py. */
TEST(nested_columns_have_a_leaf_for_each_value_and_their_own_counts) {
        CLEANUP(output_deinit) Output output = output_new(t, NULL);
        TypeField parts[] = { { .name = STR("x"), .id = 3, .type = FLAT(INT) }, { .name = STR("y"), .id = 4, .type = FLAT(TEXT) } };
        TypeField element = { .name = STR("element"), .id = 2, .type = { .kind = TYPE_STRUCT, .fields = parts, .field_count = 2 } };
        TypeField one = { .name = STR("z"), .id = 6, .type = FLAT(BOOLEAN) };
        ParquetColumnSpec columns[] = { { STR("list"), { .kind = TYPE_LIST, .fields = &element, .field_count = 1 }, 1 },
                                        { STR("struct"), { .kind = TYPE_STRUCT, .fields = &one, .field_count = 1 }, 5 },
                                        { STR("flat"), FLAT(BIGINT), 7 } };
        CHECK_OK(parquet_writer_start(output.writer, output.fd, columns, COUNT_OF(columns), NULL, &t->err));
        CHECK_INT(output.writer->column_count, 4);
        for (int row = 0; row < 3000; row++) {
                ParquetColumn *x = parquet_column(output.writer, 0), *y = x + 1, *z = parquet_column(output.writer, 1);
                for (int i = 0; i < row % 4 || i == 0; i++) {
                        bool there = row % 4 > 0;
                        parquet_leaf_entry(x, there ? 4 : 1, i > 0);
                        parquet_leaf_entry(y, there ? 3 : 1, i > 0);
                        if (there)
                                parquet_column_int32(x, row + i);
                }
                parquet_leaf_entry(z, row % 3 == 0 ? 2 : (unsigned)row % 3 - 1, 0);
                if (row % 3 == 0)
                        parquet_column_bool(z, row % 2);
                parquet_column_int64(parquet_column(output.writer, 2), row);
                CHECK_OK(parquet_row_end(output.writer, &t->err));
        }
        CHECK_OK(output_finish(t, &output));
        CHECK_INT(output.footer.rows, 3000);
        TypeField *fields;
        size_t count;
        CHECK_OK(parquet_footer_fields(&output.footer, &t->arena, &fields, &count, &t->err));
        CHECK_INT(count, 3);
        CHECK_STR(type_print(&t->arena, fields[0].type), STR("list<struct<x int, y text>>"));
        CHECK_INT(fields[0].type.fields[0].id, 2);
        CHECK_INT(fields[1].type.fields[0].id, 6);
        const ParquetChunk *chunks = output.footer.groups[0].chunks;
        CHECK_INT(chunks[0].values, 3000 / 4 * (1 + 1 + 2 + 3));
        CHECK_INT(chunks[0].nulls, 3000 / 4);
        CHECK_INT(chunks[1].nulls, chunks[1].values);
        CHECK(!chunks[0].has_min);
        CHECK_INT(chunks[2].values, 3000);
        CHECK_INT(chunks[2].nulls, 2000);
        CHECK(chunks[2].has_min && chunks[2].has_max);
        CHECK_INT(output.statistics.column_count, 4);
        CHECK_INT(output.statistics.columns[0].field_id, 3);
        CHECK_INT(output.statistics.columns[0].values, chunks[0].values);
        CHECK(!output.statistics.columns[0].has_lower && output.statistics.columns[2].has_lower);
}

TEST(what_cannot_be_written_is_refused) {
        CLEANUP(output_deinit) Output output = output_new(t, NULL);
        TypeField element = { .name = STR("element"), .type = FLAT(INT) };
        Type list = { .kind = TYPE_LIST, .fields = &element, .field_count = 1 };
        TypeField pair[] = { { .name = STR("key"), .id = 2, .type = FLAT(TEXT) }, { .name = STR("value"), .id = 3, .type = FLAT(INT) } };
        Type map = { .kind = TYPE_MAP, .fields = pair, .field_count = 2 };
        ParquetColumnSpec nested = { STR("c"), list, 1 }, maps = { STR("c"), map, 1 }, no_id = { STR("c"), FLAT(INT), 0 };
        ParquetColumnSpec twice[] = { { STR("a"), FLAT(INT), 7 }, { STR("b"), FLAT(INT), 7 } };
        ParquetColumnSpec fine = { STR("c"), FLAT(INT), 1 };
        ParquetOptions crowd = { .threads = 99 }, odd = { .group_rows = 12 };
        const struct {
                const ParquetColumnSpec *columns;
                size_t count;
                const ParquetOptions *options;
                Status wanted;
        } cases[] = {
                { &nested, 1, NULL, STATUS_BAD_VALUE }, { &maps, 1, NULL, STATUS_SQL_TYPE },   { &no_id, 1, NULL, STATUS_BAD_VALUE },
                { twice, 2, NULL, STATUS_BAD_VALUE },   { &fine, 0, NULL, STATUS_BAD_VALUE },
                { &fine, 1, &crowd, STATUS_BAD_VALUE }, { &fine, 1, &odd, STATUS_BAD_VALUE },
                { &fine, 1, NULL, STATUS_OK },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++)
                CHECK_STATUS(parquet_writer_start(output.writer, output.fd, cases[i].columns, cases[i].count,
                                                  cases[i].options, &t->err),
                             cases[i].wanted);
}

TEST(a_full_disk_fails_the_file_and_the_writer_can_go_on) {
        CLEANUP(close_fdp) int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
        if (full < 0) {
                test_skip(t, "no /dev/full here");
                return;
        }
        CLEANUP(output_deinit) Output output = output_new(t, NULL);
        ParquetColumnSpec column = { STR("c"), FLAT(BIGINT), 1 };
        for (int threads = 1; threads <= 2; threads++) {
                ParquetOptions options = { .threads = threads, .name = "full.parquet" };
                CHECK_OK(parquet_writer_start(output.writer, full, &column, 1, &options, &t->err));
                Status status = STATUS_OK;
                uint64_t noise = 1;
                for (int i = 0; i < 600000 && status == STATUS_OK; i++) {
                        noise = noise * 6364136223846793005u + 1442695040888963407u;
                        parquet_column_int64(parquet_column(output.writer, 0), (int64_t)noise);
                        status = parquet_row_end(output.writer, &t->err);
                }
                CHECK_INT(status, STATUS_DISK_FULL);
                FileStatistics statistics;
                CHECK_STATUS(parquet_writer_finish(output.writer, &t->arena, &statistics, &t->err), STATUS_DISK_FULL);
        }
        output_rewind(&output);
        CHECK_OK(write_sample(t, &output, 2));
}

TEST(abort_half_way_leaves_a_usable_writer) {
        CLEANUP(output_deinit) Output output = output_new(t, NULL);
        ParquetColumnSpec column = { STR("c"), FLAT(BIGINT), 1 };
        ParquetOptions options = { .threads = 2 };
        for (int round = 0; round < 3; round++) {
                output_rewind(&output);
                CHECK_OK(parquet_writer_start(output.writer, output.fd, &column, 1, &options, &t->err));
                for (int i = 0; i < 130000; i++) {
                        parquet_column_int64(parquet_column(output.writer, 0), i);
                        end_row(t, &output);
                }
                parquet_writer_abort(output.writer);
        }
        output_rewind(&output);
        CHECK_OK(write_sample(t, &output, 2));
        CHECK_INT(output.footer.rows, SAMPLE_ROWS);
}
