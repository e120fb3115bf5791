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

static Status take_record(Search *search, LocatedRecord record, Error *err) {
        search->raw_total += record.raw.size;
        if (search->raw_total > RAW_TOTAL_MAX)
                return error_reason(err, LOCATED_SIZE, reason_number(RAW_TOTAL_MAX >> 20));
        record.raw = arena_str(search->arena, record.raw);
        record.sheet = arena_str(search->arena, record.sheet);
        search->result.items[search->result.count++] = record;
        return STATUS_OK;
}

/* Whether that record is the one looked for. Records are asked in rising order, as the wanted ones are. */
static bool is_wanted(Search *search, int64_t record) {
        const LocateSpec *spec = search->spec;
        while (search->next < spec->record_count && spec->records[search->next] < record)
                search->next++;
        if (search->next == spec->record_count || spec->records[search->next] != record)
                return false;
        search->next++;
        return true;
}

static Status search_bad(Search *search, const BadRecord *bad, Error *err) {
        if (!is_wanted(search, bad->record))
                return STATUS_OK;
        LocatedRecord located = { .record = bad->record, .line = bad->line, .offset = bad->offset, .length = bad->length, .raw = bad->raw, .sheet = bad->sheet };
        if (bad->sheet.size > 0)
                located.cell = xlsx_cells_print(search->arena, bad->first_column, bad->width ? bad->width : 1, bad->line);
        return take_record(search, located, err);
}

static LocatedRecord located_row(Search *search, RecordBatch *batch, size_t row) {
        RecordOrigin origin = record_origin(batch, row);
        LocatedRecord located = { .record = batch->records[row], .line = origin.line, .offset = origin.offset, .length = origin.length,
                                  .raw = origin.raw, .sheet = origin.sheet };
        if (origin.sheet.size > 0)
                located.cell = xlsx_cells_print(search->arena, origin.first_column, batch->width, origin.line);
        return located;
}

/* Good and malformed records in their order: one walk. The malformed are in a table where somebody corrected them. */
static Status search_batch(Search *search, RecordBatch *batch, Error *err) {
        size_t bad = 0;
        for (size_t row = 0; row < batch->rows; row++) {
                for (; bad < batch->bad_count && batch->bad[bad].record < batch->records[row]; bad++)
                        TRY(search_bad(search, &batch->bad[bad], err));
                if (!is_wanted(search, batch->records[row]))
                        continue;
                TRY(take_record(search, located_row(search, batch, row), err));
        }
        for (; bad < batch->bad_count; bad++)
                TRY(search_bad(search, &batch->bad[bad], err));
        return STATUS_OK;
}

Status locate_run(const LocateSpec *spec, int fd, Arena *arena, LocateResult *out, Error *err) {
        TRY(format_check(&spec->format, err));
        CLEANUP(reader_freep) RecordReader *reader = reader_new();
        Source source = source_of_fd(&fd);
        ReaderOptions options = { .format = &spec->format, .width = spec->width, .places_only = true };
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
