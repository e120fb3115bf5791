/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * BatchBuilder: a batch whose canonical text its reader writes itself.
 *
 *      uint32_t *ends = builder_row(&builder);
 *      for each field: append its text to builder.text, ends[i] = builder.text.size, append one byte
 *      builder_end_row(&builder, origin);
 *
 * Counts records, good and bad. Buffers stay for the next batch and the next file. Memory is its own.
 */
#include "frame/batch.h"

typedef struct BatchBuilder {
        Buf text;
        uint32_t *starts, *ends;
        int64_t *records;
        RecordOrigin *origins;
        size_t rows, row_room, cell_room;
        size_t width; /* of all rows of this batch; set before the first */
        BadRecord *bad;
        size_t bad_count, bad_room;
        RecordCounts counts; /* of the file */
} BatchBuilder;

void builder_deinit(BatchBuilder *builder);
void builder_start_file(BatchBuilder *builder);
void builder_start_batch(BatchBuilder *builder, size_t width);

/* Where the ends of the next row's fields go; its text begins where the text ends. */
uint32_t *builder_row(BatchBuilder *builder);
void builder_end_row(BatchBuilder *builder, RecordOrigin origin);
/* A bad record; raw is cut at RECORD_RAW_MAX. Valid until the next one. */
BadRecord *builder_bad(BatchBuilder *builder, Rule rule, RecordOrigin origin);
static inline void builder_skip(BatchBuilder *builder, int64_t *counter) {
        builder->counts.records++;
        ++*counter;
}

bool builder_is_empty(const BatchBuilder *builder);
bool builder_is_full(const BatchBuilder *builder);
/* All of it; *out_end when it is empty. */
void builder_batch(BatchBuilder *builder, RecordBatch *out, bool *out_end);
