/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as lines of fixed width, cut at places that may overlap, leave gaps and end far behind the line: records are
 * counted, stand where they say, and none is lost or overlaps; fields are text. The first two bytes choose.
 */
#include "frame/fixed.h"

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
        for (bool end = false; !end;) {
                RecordBatch batch;
                if (reader_next(reader, &batch, &end, &err) != STATUS_OK)
                        return -1;
                if (!options->places_only) {
                        require(end || batch.width == options->names.count, "a batch has not the columns that were asked for");
                        check_batch(&batch, &last, text);
                }
        }
        const RecordCounts *counts = reader_counts(reader);
        check_sum(counts);
        return counts->records;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        if (size < 2)
                return 0;
        uint8_t choice = data[0], more = data[1];
        static Str places[][3] = {
                { STR("1-4"), STR("5-7"), STR("9-12") },
                { STR("9-12"), STR("1"), STR("3-5") },
                { STR("2-6"), STR("4-9"), STR("1-65536") },
                { STR("1"), STR("2"), STR("3") },
        };
        Str text = { (const char *)data + 2, size - 2 };
        if (str_starts_with(text, STR("\xff\xfe")) || str_starts_with(text, STR("\xfe\xff")))
                return 0; /* UTF-16: what stands in the delivery is not the record's text */
        Format format = format_default();
        format.kind = FORMAT_FIXED;
        format.compression = FORMAT_PLAIN;
        format.header = choice & 16;
        format.comment = choice & 32 ? STR("#") : STR_NONE;
        format.footer = choice & 64 ? STR("^Total") : STR_NONE;
        format.record_limit = choice & 128 ? 16 : FORMAT_RECORD_LIMIT;
        format.skip = more & 3;
        size_t count = 1 + (choice >> 2 & 3) % COUNT_OF(places[0]);
        ReaderOptions options = { .format = &format, .names = { places[choice & 3], count }, .needed = more & 4 ? 1 : count,
                                  .sample = more & 8 };
        int64_t records = read_all(&options, text);
        options.places_only = true;
        int64_t alone = read_all(&options, text);
        require(records < 0 || records == alone, "records are cut otherwise where only their places are asked for");
        if (more >> 4 == 1)
                sniff_all(text);
        return 0;
}
