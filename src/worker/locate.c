/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/locate.h"

#include "base/reason.h"
#include "frame/reader.h"
#include "frame/xlsx_range.h"
#include "worker/fd_source.h"

#define RAW_TOTAL_MAX (6u << 20) /* a reply holds 8 MB */

typedef struct Search {
        const LocateSpec *spec;
        Arena *arena;
        size_t next; /* index of the record looked for */
        size_t raw_total;
        LocateResult result;
} Search;

static Status take_row(Search *search, RecordBatch *batch, size_t row, Error *err) {
        RecordOrigin origin = record_origin(batch, row);
        search->raw_total += origin.raw.size;
        if (search->raw_total > RAW_TOTAL_MAX)
                return error_reason(err, LOCATED_SIZE, reason_number(RAW_TOTAL_MAX >> 20));
        search->result.items[search->result.count++] = (LocatedRecord){
                .record = batch->records[row],
                .line = origin.line,
                .offset = origin.offset,
                .length = origin.length,
                .raw = arena_str(search->arena, origin.raw),
        };
        if (origin.sheet.size > 0) {
                LocatedRecord *located = &search->result.items[search->result.count - 1];
                located->sheet = arena_str(search->arena, origin.sheet);
                located->cell = xlsx_cells_print(search->arena, origin.first_column, batch->width, origin.line);
        }
        return STATUS_OK;
}

/* Rows and wanted records both rise: one walk. A record that is no good row is passed over. */
static Status search_batch(Search *search, RecordBatch *batch, Error *err) {
        const LocateSpec *spec = search->spec;
        for (size_t row = 0; row < batch->rows && search->next < spec->record_count; row++) {
                while (search->next < spec->record_count && spec->records[search->next] < batch->records[row])
                        search->next++;
                if (search->next < spec->record_count && spec->records[search->next] == batch->records[row]) {
                        TRY(take_row(search, batch, row, err));
                        search->next++;
                }
        }
        return STATUS_OK;
}

Status locate_run(const LocateSpec *spec, int fd, Arena *arena, LocateResult *out, Error *err) {
        TRY(format_check(&spec->format, err));
        CLEANUP(reader_freep) RecordReader *reader = reader_new();
        Source source = source_of_fd(&fd);
        ReaderOptions options = { .format = &spec->format, .width = spec->width };
        TRY(reader_start(reader, &options, source, err));
        Search search = { .spec = spec, .arena = arena };
        search.result.items = ARENA_ARRAY(arena, LocatedRecord, spec->record_count);
        bool end = false;
        while (!end && search.next < spec->record_count) {
                RecordBatch batch;
                TRY(reader_next(reader, &batch, &end, err));
                if (!end)
                        TRY(search_batch(&search, &batch, err));
        }
        *out = search.result;
        return STATUS_OK;
}
