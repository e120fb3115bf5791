/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/fix.h"

#include "frame/escapes.h"
#include "frame/scan.h"

/* In a dump: nothing is NULL, as it is elsewhere. */
static Str field_with_escapes(const Format *format, Str value, Arena *arena) {
        CLEANUP(buf_deinit) Buf out = { 0 };
        if (value.size == 0)
                return STR(ESCAPES_NULL);
        for (size_t i = 0; i < value.size; i++) {
                if (value.data[i] == ESCAPES_BYTE || (format->quote && value.data[i] == format->quote))
                        buf_append_byte(&out, ESCAPES_BYTE);
                buf_append_byte(&out, value.data[i]);
        }
        return buf_dup(&out, arena);
}

/* A value as a field: bare, unless it would be taken for a field in quotes. */
static Str field_of_value(const Format *format, Str value, Arena *arena) {
        if (format->escapes)
                return field_with_escapes(format, value, arena);
        if (!format->quote || value.size == 0 || value.data[0] != format->quote)
                return value;
        CLEANUP(buf_deinit) Buf out = { 0 };
        char escape = format->escape ? format->escape : format->quote;
        buf_append_byte(&out, format->quote);
        for (size_t i = 0; i < value.size; i++) {
                if (value.data[i] == format->quote || value.data[i] == escape)
                        buf_append_byte(&out, escape);
                buf_append_byte(&out, value.data[i]);
        }
        buf_append_byte(&out, format->quote);
        return buf_dup(&out, arena);
}

/* The record's fields with the corrected ones in their places, one byte between them. False: a column has no place. */
static bool set_fields(const StageFix *fix, const FixPlace *at, Arena *arena, RecordBatch *out) {
        size_t width = at->batch->width;
        Str *fields = ARENA_ARRAY(arena, Str, width + 1);
        for (size_t i = 0; i < width; i++)
                fields[i] = record_field(at->batch, at->row, i);
        for (size_t i = 0; i < fix->columns.count; i++) {
                if (at->places[i] >= width)
                        return false;
                fields[at->places[i]] = field_of_value(at->format, fix->values.items[i], arena);
        }
        CLEANUP(buf_deinit) Buf text = { 0 };
        uint32_t *ends = ARENA_ARRAY(arena, uint32_t, width + 1);
        for (size_t i = 0; i < width; i++) {
                buf_append(&text, fields[i]);
                ends[i] = (uint32_t)text.size;
                buf_append(&text, STR("\n"));
        }
        buf_append(&text, (Str){ (char[SCAN_PADDING]){ 0 }, SCAN_PADDING }); /* typing looks ahead */
        *out = (RecordBatch){ .text = buf_dup(&text, arena).data, .rows = 1, .width = width, .ends = ends, .quoted = true };
        out->starts = ARENA_ARRAY(arena, uint32_t, 1);
        return true;
}

static bool is_json(const Format *format) {
        return format->kind == FORMAT_JSON || format->kind == FORMAT_JSONL;
}

/* Text that is one record, and nothing else of the delivery. */
static Format format_of_record(const Format *format) {
        Format alone = *format;
        if (is_json(format))
                alone.kind = FORMAT_JSON;
        else if (format->kind != FORMAT_FIXED)
                alone.kind = FORMAT_CSV; /* what the quarantine shows of a sheet's row is text, too */
        alone.compression = FORMAT_PLAIN;
        alone.encoding = alone.comment = alone.footer = alone.records = STR_NONE;
        alone.header = is_json(format);
        alone.skip = 0;
        return alone;
}

/* A key that no column takes has no place to go: it must not be lost. */
static Status match_keys(const RecordReader *reader, const FixPlace *at, Arena *arena, FixedRecord *out, Error *err) {
        const StageSpec *spec = at->spec;
        size_t taken = 0;
        out->fields = ARENA_NEW(arena, Fields);
        TRY(fields_match(reader, spec->columns, spec->column_count, arena, out->fields, err));
        fields_meet(out->fields, reader, out->batch.width);
        for (size_t i = 0; i < spec->column_count; i++)
                taken += out->fields->places[i] != NO_FIELD;
        for (size_t i = 0; i < out->batch.width; i++)
                taken += fields_find(spec->ignore, out->fields->header.items[i]) != NO_FIELD;
        out->width = out->batch.width;
        out->wanted = taken;
        if (taken >= out->batch.width)
                out->rule = RULE_NONE;
        return STATUS_OK;
}

/* The first record of the text, whole and alone; else what is wrong with it. */
static Status frame_text(Str text, const Format *format, const FixPlace *at, RecordReader *reader, Arena *arena, FixedRecord *out,
                         Error *err) {
        const StageSpec *spec = at->spec;
        ReaderOptions options = { .format = format,
                                  .width = at->width,
                                  .names = fields_wanted(format, spec->columns, spec->column_count, spec->ignore, arena),
                                  .needed = spec->column_count };
        bool end = false;
        *out = (FixedRecord){ .rule = RULE_WRONG_WIDTH, .wanted = at->width };
        if (reader_start(reader, &options, source_of_bytes(&text), err) != STATUS_OK || reader_next(reader, &out->batch, &end, err) != STATUS_OK)
                return err->status == STATUS_HELD ? STATUS_OK : err->status; /* it is no text of one record */
        if (end)
                return STATUS_OK;
        const RecordBatch *batch = &out->batch;
        if (batch->bad_count > 0) {
                out->rule = batch->bad[0].rule;
                out->width = batch->bad[0].width;
                out->wanted = batch->bad[0].wanted;
        } else if (batch->rows == 1 && reader_is_keyed(reader)) {
                return match_keys(reader, at, arena, out, err);
        } else if (batch->rows == 1 && batch->width == at->width) {
                out->rule = RULE_NONE;
        } else {
                out->width = batch->rows * batch->width;
        }
        return STATUS_OK;
}

Status fix_record(const StageFix *fix, const FixPlace *at, RecordReader *reader, Arena *arena, FixedRecord *out, Error *err) {
        *out = (FixedRecord){ .rule = RULE_NONE };
        if (fix->whole) {
                Format *alone = ARENA_NEW(arena, Format);
                *alone = format_of_record(at->format);
                TRY(frame_text(fix->text, alone, at, reader, arena, out, err));
        } else if (!at->batch || !set_fields(fix, at, arena, &out->batch)) {
                out->rule = RULE_WRONG_WIDTH;
        }
        int64_t *ordinal = ARENA_NEW(arena, int64_t);
        *ordinal = at->record;
        out->batch.records = ordinal;
        return STATUS_OK;
}
