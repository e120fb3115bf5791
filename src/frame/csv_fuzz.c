/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever the bytes: records, newlines and skipped text tile the input, ordinals rise by one, lines never fall, the
 * counts add up, every field lies inside its record, and every type gives a value or a rule for every field. The first
 * bytes choose the dialect.
 */
#include "frame/csv.h"
#include "frame/fuzz_records.h"

static void check_order(Place *last, int64_t record, int64_t line, uint64_t offset, uint64_t length, uint64_t size) {
        require(record > last->record, "a record's ordinal does not rise");
        require(line >= last->line, "a record's line falls");
        require(offset >= last->end && offset + length <= size, "a record lies where it cannot");
        *last = (Place){ record, line, offset + length };
}

static void check_row(const RecordBatch *batch, size_t row, Str raw) {
        for (size_t i = 0; i < batch->width; i++) {
                Str field = record_field(batch, row, i);
                require(field.data >= raw.data && field.data + field.size <= raw.data + raw.size,
                        "a field leaves its record");
        }
}

static void check_tiles(RecordBatch *batch, Place *last, uint64_t size) {
        size_t row = 0, bad = 0;
        while (row < batch->rows || bad < batch->bad_count) {
                if (bad == batch->bad_count || (row < batch->rows && batch->records[row] < batch->bad[bad].record)) {
                        RecordOrigin origin = record_origin(batch, row);
                        check_row(batch, row, origin.raw);
                        check_order(last, batch->records[row], origin.line, origin.offset, origin.length, size);
                        row++;
                } else {
                        const BadRecord *wrong = &batch->bad[bad++];
                        check_order(last, wrong->record, wrong->line, wrong->offset, wrong->length, size);
                }
        }
}

static const Type types[] = {
        { .kind = TYPE_INT },  { .kind = TYPE_BIGINT },    { .kind = TYPE_DECIMAL, .precision = 18, .scale = 4 },
        { .kind = TYPE_DATE }, { .kind = TYPE_TIMESTAMP }, { .kind = TYPE_DECIMAL, .precision = 38, .scale = 10 },
        { .kind = TYPE_TEXT }, { .kind = TYPE_DOUBLE },    { .kind = TYPE_TIMESTAMPTZ },
        { .kind = TYPE_TIME }, { .kind = TYPE_UUID },      { .kind = TYPE_BOOLEAN },
};

static void type_batch(const Format *format, const RecordBatch *batch, Arena *arena) {
        TypingRules rules;
        Error err;
        require(typing_rules_init(&rules, format, arena, &err) == STATUS_OK, err.message);
        CLEANUP(vector_deinit) Vector vector = { .room = 0 };
        CLEANUP(typing_failures_deinit) TypingFailures failures = { .count = 0 };
        for (size_t i = 0; i < batch->width && i < COUNT_OF(types); i++) {
                Typing typing = { .rules = &rules, .type = types[i] };
                typing_column(&typing, batch, i, i, arena, &vector, &failures);
        }
        typing_failures_sort(&failures);
        require(failures.count <= batch->rows, "more failures than rows");
}

static void check_counts(const RecordCounts *counts, size_t size) {
        check_sum(counts);
        require(counts->bytes == size, "not every byte was read");
}

static void read_all(const Format *format, Str text) {
        static CsvReader *reader; /* warm from input to input, as in a worker */
        CLEANUP(arena_deinit) Arena arena = { 0 };
        Error err;
        size_t size = text.size;
        if (!reader)
                reader = csv_new();
        Place last = { 0 };
        if (csv_start(reader, format, source_of_bytes(&text), 0, 0, &err) != STATUS_OK)
                return;
        while (true) {
                RecordBatch batch;
                bool end;
                if (csv_next(reader, &batch, &end, &err) != STATUS_OK)
                        return;
                if (end)
                        break;
                type_batch(format, &batch, &arena);
                check_tiles(&batch, &last, size);
        }
        if (format->compression == FORMAT_PLAIN)
                check_counts(csv_counts(reader), size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        if (size < 2)
                return 0;
        Format format = format_default();
        uint8_t choice = data[0], more = data[1];
        format.delimiter = ",;\t|"[choice & 3];
        format.quote = choice & 4 ? '"' : choice & 8 ? '\'' : 0;
        format.escape = format.quote && choice & 16 ? '\\' : 0;
        if (choice & 16 && (!format.quote || more & 1)) {
                format.escape = 0;
                format.escapes = !format.quote && more & 2 ? ESCAPES_POSTGRES : ESCAPES_MYSQL;
        }
        format.header = choice & 32;
        format.comment = choice & 64 ? STR("#") : STR("");
        format.footer = choice & 128 ? STR("^Total") : STR("");
        format.skip = more & 3;
        format.record_limit = more & 4 ? 16 : FORMAT_RECORD_LIMIT;
        format.compression = more & 8 ? FORMAT_COMPRESSION_AUTO : FORMAT_PLAIN;
        Str text = { (const char *)data + 2, size - 2 };
        read_all(&format, text);
        if (more >> 4 == 1) /* one in sixteen: looking at a file costs more than reading it */
                sniff_all(text);
        return 0;
}
