/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as JSON lines and as a document: records are counted, stand where they say, and none is lost or overlaps. */
#include "frame/json_reader.h"

#include "frame/fuzz_records.h"

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
