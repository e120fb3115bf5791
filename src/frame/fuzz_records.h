/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * For this room's fuzz targets: what holds of the records of any file, whatever reads it. Included once per target.
 */
#include "frame/reader.h"
#include "frame/sniff.h"

static inline void require(bool condition, const char *what) {
        if (!condition)
                panic("%s", what);
}

typedef struct Place {
        int64_t record, line;
        uint64_t end;
} Place;

static inline void check_place(Place *last, int64_t record, RecordOrigin origin, Str text) {
        require(record > last->record, "a record's ordinal does not rise");
        require(origin.line >= last->line, "a record's line falls");
        require(origin.offset >= last->end && origin.offset + origin.length <= text.size, "a record lies where it cannot");
        Str there = str_slice(text, origin.offset, origin.offset + (origin.raw.size < origin.length ? origin.raw.size : origin.length));
        require(str_equal(there, origin.raw), "a record's text is not what stands there");
        *last = (Place){ record, origin.line, origin.offset + origin.length };
}

static inline void check_fields(const RecordBatch *batch, size_t row) {
        for (size_t i = 0; i < batch->width; i++) {
                Str field = record_field(batch, row, i);
                require(utf8_valid(field), "a field is not UTF-8");
                require(!memchr(field.data, 0, field.size), "a field holds a NUL byte");
                require(field.size != 1 || field.data[0] != '"', "a field opens a quote and never closes it");
        }
}

static inline void check_batch(RecordBatch *batch, Place *last, Str text) {
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

static inline void check_sum(const RecordCounts *counts) {
        require(counts->records == counts->good + counts->bad + counts->headers + counts->blanks + counts->comments +
                                           counts->preamble + counts->footers,
                "the counts do not add up");
}

static inline void sniff_all(Str text) {
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
