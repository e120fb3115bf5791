/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a file that says its types, Avro or Parquet by its first bytes: records are counted and none is lost, values
 * are such as their types hold, and their text reads back as the same values.
 */
#include "frame/fuzz_records.h"
#include "frame/typed.h"
#include "frame/typed_sniff.h"

static bool same(Type type, const Vector *a, const Vector *b, size_t row) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        if (a->nulls[row] != b->nulls[row])
                return false;
        return a->nulls[row] || str_equal(typed_print(&arena, type, a, row), typed_print(&arena, type, b, row));
}

/* Typing reads the text of a column back; columns of more digits than a text has are told apart by their print alone. */
static void check_column(const RecordBatch *batch, size_t column, const TypingRules *rules) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        const TypedColumn *typed = &batch->typed->columns[column];
        SourceColumn wanted = { .name = typed->key, .type = typed->type };
        Typing typing;
        Vector read = { 0 };
        TypingFailures failures = { 0 };
        Error err;
        require(typing_init(&typing, rules, &wanted, &arena, &err) == STATUS_OK, "a column has a type that text cannot have");
        typing_column(&typing, batch, column, column, &arena, &read, &failures);
        require(failures.count == 0, "a value's text does not fit its type");
        for (size_t row = 0; row < batch->rows; row++)
                require(same(typed->type, &typed->values, &read, row), "a value's text reads back as another value");
        vector_deinit(&read);
        typing_failures_deinit(&failures);
}

static void check_typed(RecordBatch *batch, int64_t *last, const TypingRules *rules) {
        for (size_t row = 0; row < batch->rows; row++) {
                require(batch->records[row] > *last, "a record's ordinal does not rise");
                *last = batch->records[row];
                check_fields(batch, row);
        }
        for (size_t i = 0; i < batch->width && batch->rows > 0; i++)
                check_column(batch, i, rules);
}

static int64_t read_all(const ReaderOptions *options, Str bytes) {
        static RecordReader *reader; /* warm from input to input, as in a worker */
        if (!reader)
                reader = reader_new();
        CLEANUP(arena_deinit) Arena arena = { 0 };
        TypingRules rules;
        Error err;
        Str left = bytes;
        int64_t last = 0;
        require(typing_rules_init(&rules, options->format, &arena, &err) == STATUS_OK, "the format has no rules");
        if (reader_start(reader, options, source_of_bytes(&left), &err) != STATUS_OK)
                return -1;
        for (bool end = false; !end;) {
                RecordBatch batch;
                if (reader_next(reader, &batch, &end, &err) != STATUS_OK)
                        return -1;
                if (options->values)
                        require(reader_text(reader, &batch, &err) == STATUS_OK, "values have no text");
                check_typed(&batch, &last, &rules);
        }
        const RecordCounts *counts = reader_counts(reader);
        check_sum(counts);
        require(reader_rows(reader) < 0 || reader_rows(reader) == counts->records || reader_width(reader) == 0, "not all records of the footer came");
        return counts->records;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        Str bytes = { (const char *)data, size };
        Format format = format_default();
        format.kind = typed_kind_of(bytes);
        if (format.kind == FORMAT_KIND_COUNT)
                return 0;
        format.record_limit = 1 << 16;
        Str names[] = { STR("addr"), STR("m.a") };
        ReaderOptions options = { .format = &format, .values = true };
        int64_t records = read_all(&options, bytes);
        options = (ReaderOptions){ .format = &format, .names = { names, COUNT_OF(names) } };
        require(read_all(&options, bytes) == records, "objects kept as text make other records");

        CLEANUP(arena_deinit) Arena arena = { 0 };
        Sniffed sniffed;
        SniffedRows rows;
        Error err;
        Str left = bytes;
        if (typed_sniff(format.kind, source_of_bytes(&left), 1 << 20, 5, &arena, &sniffed, &rows, &err) == STATUS_OK)
                require(rows.accepted + rows.quarantined <= rows.counts.records, "more rows than records");
        return 0;
}
