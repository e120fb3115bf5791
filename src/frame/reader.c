/* SPDX-License-Identifier: Apache-2.0 */
#include "frame/reader.h"

#include <assert.h>

#include "frame/avro_reader.h"
#include "frame/csv.h"
#include "frame/fixed.h"
#include "frame/json_reader.h"
#include "frame/parquet_reader.h"
#include "frame/typed.h"
#include "frame/xlsx.h"

static const ReaderKind *const kinds[] = {
        [FORMAT_CSV] = &csv_kind,
        [FORMAT_XLSX] = &xlsx_kind,
        [FORMAT_JSON] = &json_kind,
        [FORMAT_JSONL] = &jsonl_kind,
        [FORMAT_FIXED] = &fixed_kind,
        [FORMAT_AVRO] = &avro_kind,
        [FORMAT_PARQUET] = &parquet_kind,
};

struct RecordReader {
        size_t kind;
        void *states[COUNT_OF(kinds)];
};

RecordReader *reader_new(void) {
        RecordReader *reader = calloc(1, sizeof(*reader));
        if (!reader)
                out_of_memory();
        return reader;
}

void reader_free(RecordReader *reader) {
        if (!reader)
                return;
        for (size_t i = 0; i < COUNT_OF(kinds); i++) {
                if (reader->states[i])
                        kinds[i]->free(reader->states[i]);
        }
        free(reader);
}

void reader_freep(RecordReader **reader) {
        reader_free(*reader);
        *reader = NULL;
}

Status reader_start(RecordReader *reader, const ReaderOptions *options, Source source, Error *err) {
        reader->kind = options->format->kind;
        assert(reader->kind < COUNT_OF(kinds));
        void **state = &reader->states[reader->kind];
        if (!*state)
                *state = kinds[reader->kind]->make();
        return kinds[reader->kind]->start(*state, options, source, err);
}

void reader_header(const RecordReader *reader, Arena *arena, Str **out, size_t *out_count) {
        kinds[reader->kind]->header(reader->states[reader->kind], arena, out, out_count);
}

size_t reader_width(const RecordReader *reader) {
        return kinds[reader->kind]->width(reader->states[reader->kind]);
}

bool reader_is_keyed(const RecordReader *reader) {
        return kinds[reader->kind]->key != NULL;
}

Str reader_key(const RecordReader *reader, size_t field) {
        return kinds[reader->kind]->key(reader->states[reader->kind], field);
}

bool reader_is_typed(const RecordReader *reader) {
        return kinds[reader->kind]->column != NULL;
}

const TypedColumn *reader_column(const RecordReader *reader, size_t field) {
        return kinds[reader->kind]->column(reader->states[reader->kind], field);
}

const void *reader_state(const RecordReader *reader, const ReaderKind *kind) {
        return kinds[reader->kind] == kind ? reader->states[reader->kind] : NULL;
}

int64_t reader_rows(const RecordReader *reader) {
        return kinds[reader->kind]->rows ? kinds[reader->kind]->rows(reader->states[reader->kind]) : -1;
}

int64_t reader_nulls(const RecordReader *reader, size_t field) {
        return kinds[reader->kind]->nulls ? kinds[reader->kind]->nulls(reader->states[reader->kind], field) : -1;
}

Status reader_text(RecordReader *reader, RecordBatch *batch, Error *err) {
        return batch->ends ? STATUS_OK : kinds[reader->kind]->text(reader->states[reader->kind], batch, err);
}

Status reader_next(RecordReader *reader, RecordBatch *out, bool *out_end, Error *err) {
        return kinds[reader->kind]->next(reader->states[reader->kind], out, out_end, err);
}

const RecordCounts *reader_counts(const RecordReader *reader) {
        return kinds[reader->kind]->counts(reader->states[reader->kind]);
}

uint64_t reader_read_raw(const RecordReader *reader) {
        return kinds[reader->kind]->read_raw(reader->states[reader->kind]);
}
