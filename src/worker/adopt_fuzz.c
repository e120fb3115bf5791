/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a Parquet file that is staged with the columns that it says: records are conserved, and the data file, whether
 * its pages are the delivery's or were written anew, has a footer that holds and reads as the same values.
 */
#include "frame/parquet_reader.h"
#include "frame/typed.h"
#include "worker/fd_source.h"
#include "worker/memory_file.h"
#include "worker/stage.h"

#define COLUMNS_MOST 40

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition, const char *what) {
        if (!condition)
                panic("%s", what);
}

/* All columns of the file, by their keys and types; false where two have one key, and either may be meant. */
static bool columns_of(RecordReader *reader, const Format *format, int fd, Arena *arena, StageSpec *spec) {
        ReaderOptions options = { .format = format };
        Error err;
        if (reader_start(reader, &options, source_of_fd(&fd), &err) != STATUS_OK)
                return false;
        spec->column_count = reader_width(reader);
        if (spec->column_count == 0 || spec->column_count > COLUMNS_MOST)
                return false;
        spec->columns = ARENA_ARRAY(arena, SourceColumn, spec->column_count);
        for (size_t i = 0; i < spec->column_count; i++) {
                const TypedColumn *column = reader_column(reader, i);
                for (size_t j = 0; j < i; j++)
                        if (str_equal_nocase(spec->columns[j].from, column->key))
                                return false;
                spec->columns[i] = (SourceColumn){ .name = arena_strf(arena, "c%zu", i),
                                                   .from = arena_str(arena, column->key),
                                                   .type = type_copy(arena, column->type),
                                                   .field_id = (int)i + 1 };
        }
        return true;
}

/* Each record's fields as text, with what separates them; the first `width` ones. */
static void print_all(RecordReader *reader, const Format *format, int fd, size_t width, Buf *out) {
        ReaderOptions options = { .format = format };
        Error err;
        require(reader_start(reader, &options, source_of_fd(&fd), &err) == STATUS_OK, "a staged file is none");
        for (bool end = false; !end;) {
                RecordBatch batch;
                require(reader_next(reader, &batch, &end, &err) == STATUS_OK, "a staged file cannot be read");
                require(batch.bad_count == 0, "a staged file has bad records");
                for (size_t row = 0; row < batch.rows; row++)
                        for (size_t i = 0; i < width; i++) {
                                buf_append(out, record_field(&batch, row, i));
                                buf_append_byte(out, '\n');
                        }
        }
}

static void check_data(const StageSpec *spec, const StageResult *result, int in, int out, Arena *arena) {
        static RecordReader *reader;
        ParquetFooter footer;
        Error err;
        if (!reader)
                reader = reader_new();
        require(parquet_footer_read(out, "staged", arena, &footer, &err) == STATUS_OK, "a data file has no footer");
        require(footer.rows == result->accepted && result->data.rows == result->accepted, "a data file has another number of rows");
        require(footer.leaf_count == spec->column_count + 2, "a data file has other columns");
        require(footer.file_size == result->data.bytes, "a data file has another size");
        for (size_t i = 0; i < footer.leaf_count; i++)
                require(footer.leaves[i]->field_id > 0, "a column has no id");
        if (result->quarantined > 0)
                return;
        CLEANUP(buf_deinit) Buf before = { 0 };
        CLEANUP(buf_deinit) Buf after = { 0 };
        print_all(reader, &spec->format, in, spec->column_count, &before);
        print_all(reader, &spec->format, out, spec->column_count, &after);
        require(str_equal(buf_view(&before), buf_view(&after)), "a data file has other values than the delivery");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static Stager *stager; /* warm from input to input, as in a worker */
        static RecordReader *reader;
        CLEANUP(arena_deinit) Arena arena = { 0 };
        if (!stager)
                stager = stager_new();
        if (!reader)
                reader = reader_new();
        Format format = format_default();
        format.kind = FORMAT_PARQUET;
        format.compression = FORMAT_PLAIN;
        format.record_limit = 1 << 16;
        StageSpec spec = { .format = format, .file_id = 1, .file_field_id = 1001, .row_field_id = 1002, .input_limit = 1 << 20 };
        CLEANUP(close_fdp) int in = memory_file((Str){ (const char *)data, size });
        CLEANUP(close_fdp) int out = memory_file(STR(""));
        CLEANUP(close_fdp) int quarantine = memory_file(STR(""));
        if (!columns_of(reader, &format, in, &arena, &spec))
                return 0;
        StageResult r;
        Error err;
        if (stage_run(stager, &spec, (StageFiles){ in, out, quarantine }, (StageProgress){ NULL, NULL }, &arena, &r, &err) != STATUS_OK) {
                require(err.status != STATUS_INTERNAL, err.message);
                return 0;
        }
        require(r.records == r.accepted + r.quarantined + r.skipped, "records are lost");
        if (r.accepted > 0)
                check_data(&spec, &r, in, out, &arena);
        return 0;
}
