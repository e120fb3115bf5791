/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as JSON lines and as a document: records are counted, stand where they say, and none is lost or overlaps. */
#include "frame/json_reader.h"

#include "frame/sniff.h"

static void require(bool condition, const char *what) {
        if (!condition)
                panic("%s", what);
}

typedef struct Place {
        int64_t record, line;
        uint64_t end;
} Place;

static void check_place(Place *last, int64_t record, RecordOrigin origin, Str text) {
        require(record > last->record, "a record's ordinal does not rise");
        require(origin.line >= last->line, "a record's line falls");
        require(origin.offset >= last->end && origin.offset + origin.length <= text.size, "a record lies where it cannot");
        Str there = str_slice(text, origin.offset, origin.offset + (origin.raw.size < origin.length ? origin.raw.size : origin.length));
        require(str_equal(there, origin.raw), "a record's text is not what stands there");
        *last = (Place){ record, origin.line, origin.offset + origin.length };
}

static void check_fields(const RecordBatch *batch, size_t row) {
        for (size_t i = 0; i < batch->width; i++) {
                Str field = record_field(batch, row, i);
                require(utf8_valid(field), "a field is not UTF-8");
                require(!memchr(field.data, 0, field.size), "a field holds a NUL byte");
                require(field.size != 1 || field.data[0] != '"', "a field opens a quote and never closes it");
        }
}

static void check_batch(RecordBatch *batch, Place *last, Str text) {
        size_t row = 0, bad = 0;
        while (row < batch->rows || bad < batch->bad_count) {
                if (bad == batch->bad_count || (row < batch->rows && batch->records[row] < batch->bad[bad].record)) {
                        check_fields(batch, row);
                        check_place(last, batch->records[row], record_origin(batch, row), text);
                        row++;
                } else {
                        const BadRecord *wrong = &batch->bad[bad++];
                        RecordOrigin origin = { wrong->offset, wrong->length, wrong->line, .raw = wrong->raw };
                        check_place(last, wrong->record, origin, text);
                }
        }
}

/* How many records there are; -1 where the file is held. */
static int64_t read_all(const ReaderOptions *options, Str text) {
        static RecordReader *reader; /* warm from input to input, as in a worker */
        if (!reader)
                reader = reader_new();
        Error err;
        Place last = { 0 };
        Str left = text;
        if (reader_start(reader, options, source_of_bytes(&left), &err) != STATUS_OK)
                return -1;
        size_t width = 0;
        for (bool end = false; !end;) {
                RecordBatch batch;
                if (reader_next(reader, &batch, &end, &err) != STATUS_OK)
                        return -1;
                require(batch.width >= width && batch.width <= reader_width(reader), "a batch is narrower than the one before");
                width = batch.width;
                if (!options->places_only)
                        check_batch(&batch, &last, text);
        }
        const RecordCounts *counts = reader_counts(reader);
        require(counts->records == counts->good + counts->bad + counts->blanks, "the counts do not add up");
        for (size_t i = 0; i < reader_width(reader); i++)
                require(utf8_valid(reader_key(reader, i)), "a key is not UTF-8");
        return counts->records;
}

static void sniff_all(Str text) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        Sniffed sniffed;
        SniffedRows rows;
        Error err;
        if (sniff_format(text, true, &arena, &sniffed, &err) != STATUS_OK)
                return;
        require(format_check(&sniffed.format, &err) == STATUS_OK, err.message);
        if (sniff_rows(&sniffed, source_of_bytes(&text), 5, &arena, &rows, &err) == STATUS_OK)
                require(rows.accepted + rows.quarantined <= rows.counts.records, "more rows than records");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        if (size < 1)
                return 0;
        uint8_t choice = data[0];
        Str names[] = { STR("a"), STR("b.c") }, text = { (const char *)data + 1, size - 1 };
        if (str_starts_with(text, STR("\xff\xfe")) || str_starts_with(text, STR("\xfe\xff")))
                return 0; /* UTF-16: what stands in the delivery is not the record's text */
        Format format = format_default();
        format.kind = choice & 1 ? FORMAT_JSON : FORMAT_JSONL;
        format.compression = FORMAT_PLAIN;
        format.records = (choice & 3) == 3 ? STR("a.b") : STR_NONE;
        format.record_limit = choice & 4 ? 32 : FORMAT_RECORD_LIMIT;
        ReaderOptions options = { .format = &format, .names = { names, choice & 8 ? COUNT_OF(names) : 0 }, .sample = choice & 16 };
        int64_t records = read_all(&options, text);
        options.places_only = true;
        int64_t places = read_all(&options, text);
        require(records < 0 || records == places, "records are cut otherwise where only their places are asked for");
        if (choice >> 5 == 7)
                sniff_all(text);
        return 0;
}
