/* SPDX-License-Identifier: Apache-2.0 */
/* The payload of EXECUTE: lstr sql, u8 answer, u32 count, {u16 format}, u8 delimiter, u8 quote, u8 escape, lstr null. */
#include "engine/rows.h"

void execute_spec_write(Buf *out, const ExecuteSpec *spec) {
        buf_lstr(out, spec->sql);
        buf_u8(out, (uint8_t)spec->answer);
        buf_u32(out, (uint32_t)spec->format_count);
        for (size_t i = 0; i < spec->format_count; i++)
                buf_u16(out, spec->formats[i]);
        buf_u8(out, (uint8_t)spec->copy.delimiter);
        buf_u8(out, (uint8_t)spec->copy.quote);
        buf_u8(out, (uint8_t)spec->copy.escape);
        buf_lstr(out, spec->copy.null);
}

Status execute_spec_read(Str bytes, Arena *arena, ExecuteSpec *out, Error *err) {
        Cursor cursor = cursor_of(bytes);
        ExecuteSpec spec = { .sql = cursor_str(&cursor) };
        uint8_t answer = cursor_u8(&cursor);
        spec.answer = (RowsAnswer)answer;
        spec.format_count = cursor_count(&cursor, sizeof(uint16_t));
        uint16_t *formats = ARENA_ARRAY(arena, uint16_t, spec.format_count);
        for (size_t i = 0; i < spec.format_count; i++)
                formats[i] = cursor_u16(&cursor);
        spec.formats = formats;
        spec.copy.delimiter = (char)cursor_u8(&cursor);
        spec.copy.quote = (char)cursor_u8(&cursor);
        spec.copy.escape = (char)cursor_u8(&cursor);
        spec.copy.null = cursor_str(&cursor);
        if (cursor.failed || cursor_left(&cursor) > 0 || answer >= ROWS_ANSWERS)
                return error_set(err, STATUS_CORRUPT, "an EXECUTE message that cannot be read");
        *out = spec;
        return STATUS_OK;
}
