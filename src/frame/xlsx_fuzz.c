/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever the bytes: a workbook is read or held, its counts add up, ordinals rise, every field lies inside its record;
 * and its sheets are sniffed. Bytes that begin as a zip archive are the whole file; of others the first says which part
 * of a good workbook they are: the sheet, its shared texts, or its styles.
 */
#include "frame/xlsx_pack.h"
#include "frame/xlsx_sniff.h"

#define SHEET                                                                                                   \
        "<worksheet><sheetData><row><c t='s'><v>0</v></c><c s='1'><v>60</v></c></row><row r='3'><c t='s'><v>1</v>" \
        "</c><c r='C3' s='2'><v>1.5</v></c></row></sheetData></worksheet>"

static void require(bool condition, const char *what) {
        if (!condition)
                panic("%s", what);
}

static void check_batch(const RecordBatch *batch, int64_t *last) {
        for (size_t row = 0; row < batch->rows; row++) {
                Str raw = record_text(batch, row);
                require(batch->records[row] > *last, "a record's ordinal does not rise");
                *last = batch->records[row];
                for (size_t i = 0; i < batch->width; i++) {
                        Str field = record_field(batch, row, i);
                        require(field.data >= raw.data && field.data + field.size <= raw.data + raw.size, "a field leaves its record");
                }
        }
}

static void read_records(Str bytes, bool header) {
        CLEANUP(reader_freep) RecordReader *reader = reader_new();
        Format format = format_default();
        Error err;
        format.kind = FORMAT_XLSX;
        format.header = header;
        format.footer = STR("^Total");
        format.record_limit = 10000;
        ReaderOptions options = { .format = &format, .limit = 10u << 20 };
        int64_t last = 0;
        bool end = false;
        Status status = reader_start(reader, &options, source_of_bytes(&bytes), &err);
        while (status == STATUS_OK && !end) {
                RecordBatch batch;
                status = reader_next(reader, &batch, &end, &err);
                if (status == STATUS_OK && !end)
                        check_batch(&batch, &last);
        }
        const RecordCounts *counts = reader_counts(reader);
        require(status == STATUS_OK || status == STATUS_HELD || status == STATUS_LIMIT, status_name(status));
        require(status != STATUS_OK || counts->records == counts->good + counts->bad + counts->headers + counts->blanks +
                                                                  counts->comments + counts->preamble + counts->footers,
                "records are not good, bad or skipped");
}

static void sniff_sheets(Str bytes) {
        CLEANUP(xlsx_book_freep) XlsxBook *book = NULL;
        CLEANUP(arena_deinit) Arena arena = { 0 };
        Error err;
        Source source = source_of_bytes(&bytes);
        if (xlsx_source_check(source, &err) != STATUS_OK || xlsx_book_open(source, &book, &err) != STATUS_OK)
                return;
        for (size_t i = 0; i < xlsx_sheet_count(book) && i < 4; i++) {
                XlsxSniffSpec spec = { book, i, 1u << 20 };
                Sniffed sniffed;
                bool whole;
                if (xlsx_sniff(&spec, &arena, &sniffed, &whole, &err) == STATUS_OK && sniffed.column_count > 0)
                        require(format_check(&sniffed.format, &err) == STATUS_OK, err.message);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        CLEANUP(buf_deinit) Buf made = { 0 };
        Str bytes = { (const char *)data, size };
        if (size > 0 && !str_starts_with(bytes, STR("PK"))) {
                Str part = str_slice(bytes, 1, size);
                int which = data[0] % 3;
                XlsxPack pack = xlsx_pack_sheet(which == 0 ? part : STR(SHEET), which == 1 ? part : STR("<sst><si><t>a</t></si></sst>"),
                                                which == 2 ? part : STR("<styleSheet/>"));
                xlsx_pack_write(&pack, &made);
                bytes = buf_view(&made);
        }
        read_records(bytes, true);
        read_records(bytes, false);
        sniff_sheets(bytes);
        return 0;
}
