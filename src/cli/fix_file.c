/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/fix_file.h"

#include "base/file.h"
#include "base/vec.h"
#include "frame/reader.h"

#define FILE_MAX (256u << 20)

enum { AT_ZONE, AT_SOURCE, AT_NAME, AT_RECORD, AT_RAW, AT_STATE, NEEDED, AT_DELIVERY = NEEDED, PLACES };

static const char *const labels[PLACES] = { "zone", "source", "name", "record", "raw", "state", "delivery" };

typedef struct Reading {
        const char *path;
        Arena *arena;
        const Format *format;
        size_t places[PLACES];
        VEC(FixRow) rows;
} Reading;

/* What stands most often in the first line. */
static char delimiter_of(Str text) {
        static const char all[] = { ',', ';', '\t' };
        size_t counts[sizeof(all)] = { 0 }, best = 0;
        for (size_t i = 0; i < text.size && text.data[i] != '\n' && text.data[i] != '\r'; i++)
                for (size_t j = 0; j < sizeof(all); j++)
                        counts[j] += text.data[i] == all[j];
        for (size_t j = 1; j < sizeof(all); j++)
                if (counts[j] > counts[best])
                        best = j;
        return all[best];
}

static Status find_places(Reading *reading, const RecordReader *reader, Error *err) {
        Str *fields;
        size_t count;
        reader_header(reader, reading->arena, &fields, &count);
        for (size_t i = 0; i < PLACES; i++) {
                reading->places[i] = SIZE_MAX;
                for (size_t j = 0; j < count; j++)
                        if (str_equal_nocase(str_trim(fields[j]), str_of(labels[i])))
                                reading->places[i] = j;
                if (reading->places[i] < SIZE_MAX || i >= NEEDED)
                        continue;
                error_set(err, STATUS_BAD_VALUE, "'%s' has no column '%s'", reading->path, labels[i]);
                return error_hint(err, "lode show quarantine ZONE.SOURCE -o csv writes such a list; keep its columns");
        }
        return STATUS_OK;
}

static Str text_at(const Reading *reading, const RecordBatch *batch, size_t row, size_t which) {
        if (reading->places[which] >= batch->width)
                return STR("");
        return arena_str(reading->arena, field_unquote(reading->format, record_field(batch, row, reading->places[which]), reading->arena));
}

static Status take_batch(Reading *reading, RecordBatch *batch, Error *err) {
        if (batch->bad_count > 0)
                return error_set(err, STATUS_BAD_VALUE, "line %lld of '%s' is no record of the list", (long long)batch->bad[0].line, reading->path);
        for (size_t row = 0; row < batch->rows; row++) {
                FixRow item = { .line = record_origin(batch, row).line };
                item.zone = text_at(reading, batch, row, AT_ZONE);
                item.source = text_at(reading, batch, row, AT_SOURCE);
                item.name = text_at(reading, batch, row, AT_NAME);
                item.raw = text_at(reading, batch, row, AT_RAW);
                item.state = text_at(reading, batch, row, AT_STATE);
                str_to_int64(text_at(reading, batch, row, AT_DELIVERY), &item.delivery);
                if (!str_to_int64(text_at(reading, batch, row, AT_RECORD), &item.record) || item.record < 1)
                        return error_set(err, STATUS_BAD_VALUE, "line %lld of '%s' says no record", (long long)item.line, reading->path);
                vec_push(reading->arena, &reading->rows, item);
        }
        return STATUS_OK;
}

static Status read_all(Reading *reading, RecordReader *reader, Str text, Error *err) {
        ReaderOptions options = { .format = reading->format };
        TRY(reader_start(reader, &options, source_of_bytes(&text), err));
        TRY(find_places(reading, reader, err));
        while (true) {
                RecordBatch batch;
                bool end;
                TRY(reader_next(reader, &batch, &end, err));
                if (end)
                        return STATUS_OK;
                TRY(take_batch(reading, &batch, err));
        }
}

Status fix_file_read(const char *path, Arena *arena, FixRow **out, size_t *out_count, Error *err) {
        Str text;
        TRY(file_read(path, FILE_MAX, arena, &text, err));
        Format format = format_default();
        format.delimiter = delimiter_of(text);
        Reading reading = { .path = path, .arena = arena, .format = &format };
        CLEANUP(reader_freep) RecordReader *reader = reader_new();
        TRY(read_all(&reading, reader, text, err));
        *out = reading.rows.items;
        *out_count = reading.rows.count;
        return STATUS_OK;
}
