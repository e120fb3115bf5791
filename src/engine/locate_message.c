/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/locate_message.h"

static Status malformed(Error *err) {
        return error_set(err, STATUS_CORRUPT, "a message about records' places breaks its format");
}

void locate_spec_write(Buf *out, const LocateSpec *spec) {
        format_write(out, &spec->format);
        buf_u32(out, spec->width);
        buf_u32(out, (uint32_t)spec->record_count);
        for (size_t i = 0; i < spec->record_count; i++)
                buf_u64(out, (uint64_t)spec->records[i]);
}

Status locate_spec_read(Str bytes, Arena *arena, LocateSpec *out, Error *err) {
        Cursor cursor = cursor_of(bytes);
        LocateSpec spec = { 0 };
        TRY(format_read(&cursor, arena, &spec.format, err));
        spec.width = cursor_u32(&cursor);
        spec.record_count = cursor_count(&cursor, sizeof(uint64_t));
        spec.records = ARENA_ARRAY(arena, int64_t, spec.record_count);
        bool rising = true;
        for (size_t i = 0; i < spec.record_count; i++) {
                spec.records[i] = (int64_t)cursor_u64(&cursor);
                rising &= spec.records[i] > (i ? spec.records[i - 1] : 0);
        }
        if (cursor.failed || cursor_left(&cursor) > 0 || !rising || spec.record_count > LOCATE_RECORDS_MAX ||
            spec.width > FORMAT_COLUMNS_MAX)
                return malformed(err);
        *out = spec;
        return STATUS_OK;
}

void locate_result_write(Buf *out, const LocateResult *result) {
        buf_u32(out, (uint32_t)result->count);
        for (size_t i = 0; i < result->count; i++) {
                const LocatedRecord *item = &result->items[i];
                buf_u64(out, (uint64_t)item->record);
                buf_u64(out, (uint64_t)item->line);
                buf_u64(out, item->offset);
                buf_u64(out, item->length);
                buf_lstr(out, item->raw);
                buf_lstr(out, item->sheet);
                buf_lstr(out, item->cell);
        }
}

Status locate_result_read(Str bytes, Arena *arena, LocateResult *out, Error *err) {
        Cursor cursor = cursor_of(bytes);
        LocateResult result = { .count = cursor_count(&cursor, 44) };
        result.items = ARENA_ARRAY(arena, LocatedRecord, result.count);
        for (size_t i = 0; i < result.count; i++) {
                LocatedRecord *item = &result.items[i];
                item->record = cursor_tally(&cursor);
                item->line = cursor_tally(&cursor);
                item->offset = (uint64_t)cursor_tally(&cursor);
                item->length = (uint64_t)cursor_tally(&cursor);
                item->raw = arena_str(arena, cursor_str(&cursor));
                item->sheet = arena_str(arena, cursor_str(&cursor));
                item->cell = arena_str(arena, cursor_str(&cursor));
        }
        if (cursor.failed || cursor_left(&cursor) > 0)
                return malformed(err);
        *out = result;
        return STATUS_OK;
}
