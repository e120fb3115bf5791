/* SPDX-License-Identifier: Apache-2.0 */
#include "frame/builder.h"

#include "frame/scan.h"

#define BAD_PER_BATCH 4096
#define CELLS_PER_BATCH (1u << 20)

void builder_deinit(BatchBuilder *builder) {
        buf_deinit(&builder->text);
        free(builder->starts);
        free(builder->ends);
        free(builder->records);
        free(builder->origins);
        free(builder->bad);
        *builder = (BatchBuilder){ 0 };
}

void builder_start_file(BatchBuilder *builder) {
        builder->counts = (RecordCounts){ 0 };
        builder_start_batch(builder, 0);
}

void builder_start_batch(BatchBuilder *builder, size_t width) {
        builder->rows = builder->bad_count = 0;
        builder->width = width;
        buf_clear(&builder->text);
}

static void *grow(void *old, size_t count, size_t size) {
        void *grown = reallocarray(old, count, size);
        if (!grown)
                out_of_memory();
        return grown;
}

uint32_t *builder_row(BatchBuilder *builder) {
        if (builder->rows == builder->row_room) {
                builder->row_room = builder->row_room ? builder->row_room * 2 : 1024;
                builder->starts = grow(builder->starts, builder->row_room, sizeof(*builder->starts));
                builder->records = grow(builder->records, builder->row_room, sizeof(*builder->records));
                builder->origins = grow(builder->origins, builder->row_room, sizeof(*builder->origins));
        }
        size_t cells = (builder->rows + 1) * builder->width;
        if (cells > builder->cell_room || !builder->ends) {
                builder->cell_room = cells * 2 + 4096;
                builder->ends = grow(builder->ends, builder->cell_room, sizeof(*builder->ends));
        }
        builder->starts[builder->rows] = (uint32_t)builder->text.size;
        return builder->ends + builder->rows * builder->width;
}

void builder_end_row(BatchBuilder *builder, RecordOrigin origin) {
        builder->records[builder->rows] = ++builder->counts.records;
        builder->origins[builder->rows++] = origin;
        builder->counts.good++;
}

BadRecord *builder_bad(BatchBuilder *builder, Rule rule, RecordOrigin origin) {
        if (builder->bad_count == builder->bad_room) {
                builder->bad_room = builder->bad_room ? builder->bad_room * 2 : 64;
                builder->bad = grow(builder->bad, builder->bad_room, sizeof(*builder->bad));
        }
        BadRecord *bad = &builder->bad[builder->bad_count++];
        *bad = (BadRecord){ .rule = rule,
                            .record = ++builder->counts.records,
                            .line = origin.line,
                            .offset = origin.offset,
                            .length = origin.length,
                            .field = RECORD_NO_FIELD,
                            .raw = str_slice(origin.raw, 0, RECORD_RAW_MAX) };
        builder->counts.bad++;
        return bad;
}

bool builder_is_empty(const BatchBuilder *builder) {
        return builder->rows == 0 && builder->bad_count == 0;
}

bool builder_is_full(const BatchBuilder *builder) {
        return builder->bad_count >= BAD_PER_BATCH || (builder->rows + 1) * (builder->width + 1) > CELLS_PER_BATCH;
}

void builder_batch(BatchBuilder *builder, RecordBatch *out, bool *out_end) {
        memset(buf_reserve(&builder->text, SCAN_PADDING), 0, SCAN_PADDING);
        *out_end = builder_is_empty(builder);
        *out = (RecordBatch){ .text = builder->text.data,
                              .rows = builder->rows,
                              .width = builder->width,
                              .starts = builder->starts,
                              .ends = builder->ends,
                              .records = builder->records,
                              .origins = builder->origins,
                              .quoted = true,
                              .bad = builder->bad,
                              .bad_count = builder->bad_count };
}
