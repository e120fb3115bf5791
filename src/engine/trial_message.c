/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/trial_message.h"

static Status malformed(Error *err) {
        return error_set(err, STATUS_CORRUPT, "a message about trials breaks its format");
}

static void setting_write(Buf *out, const TrialSetting *setting) {
        buf_u32(out, setting->column);
        buf_u16(out, (uint16_t)setting->rule);
        format_write(out, &setting->format);
        source_columns_write(out, &setting->is, 1);
}

void trial_spec_write(Buf *out, const TrialSpec *spec) {
        format_write(out, &spec->format);
        source_columns_write(out, spec->columns, spec->column_count);
        str_list_write(out, spec->ignore);
        buf_u64(out, spec->input_limit);
        buf_u8(out, spec->accepted);
        buf_u32(out, (uint32_t)spec->setting_count);
        for (size_t i = 0; i < spec->setting_count; i++)
                setting_write(out, &spec->settings[i]);
}

static Status setting_read(Cursor *cursor, const TrialSpec *spec, Arena *arena, TrialSetting *out, Error *err) {
        out->column = cursor_u32(cursor);
        uint16_t rule = cursor_u16(cursor);
        TRY(format_read(cursor, arena, &out->format, err));
        SourceColumn *columns;
        size_t count;
        TRY(source_columns_read(cursor, arena, &columns, &count, err));
        if (cursor->failed || rule >= RULE_COUNT || out->column >= spec->column_count || count != 1)
                return malformed(err);
        out->is = columns[0];
        out->rule = (Rule)rule;
        return STATUS_OK;
}

Status trial_spec_read(Str bytes, Arena *arena, TrialSpec *out, Error *err) {
        Cursor cursor = cursor_of(bytes);
        TrialSpec spec = { .columns = NULL };
        TRY(format_read(&cursor, arena, &spec.format, err));
        TRY(source_columns_read(&cursor, arena, &spec.columns, &spec.column_count, err));
        spec.ignore = str_list_read(&cursor, arena);
        spec.input_limit = cursor_u64(&cursor);
        spec.accepted = cursor_u8(&cursor) != 0;
        spec.setting_count = cursor_count(&cursor, 16);
        if (cursor.failed || spec.setting_count > TRIAL_SETTINGS_MAX)
                return malformed(err);
        spec.settings = ARENA_ARRAY(arena, TrialSetting, spec.setting_count + 1);
        for (size_t i = 0; i < spec.setting_count; i++)
                TRY(setting_read(&cursor, &spec, arena, &spec.settings[i], err));
        if (cursor.failed || cursor_left(&cursor) > 0)
                return malformed(err);
        *out = spec;
        return STATUS_OK;
}

void trial_result_write(Buf *out, const TrialResult *result) {
        buf_u32(out, (uint32_t)result->count);
        for (size_t i = 0; i < result->count; i++) {
                const TrialVerdict *item = &result->items[i];
                buf_u64(out, (uint64_t)item->misfits);
                buf_u64(out, (uint64_t)item->fit);
                buf_u64(out, (uint64_t)item->left);
                buf_u64(out, (uint64_t)item->accepted);
                buf_u64(out, (uint64_t)item->same);
                buf_u64(out, (uint64_t)item->broken);
                buf_u64(out, item->reading);
                str_list_write(out, item->unread);
        }
}

static bool is_possible(const TrialVerdict *verdict) {
        bool texts = verdict->unread.count <= TRIAL_UNREAD_MAX;
        for (size_t i = 0; i < verdict->unread.count && texts; i++)
                texts = verdict->unread.items[i].size <= TRIAL_TEXT_MAX && utf8_valid(verdict->unread.items[i]);
        return texts && verdict->fit <= verdict->misfits && verdict->left <= verdict->fit && verdict->same <= verdict->accepted;
}

Status trial_result_read(Str bytes, Arena *arena, TrialResult *out, Error *err) {
        Cursor cursor = cursor_of(bytes);
        TrialResult result = { .count = cursor_count(&cursor, 60) };
        result.items = ARENA_ARRAY(arena, TrialVerdict, result.count + 1);
        for (size_t i = 0; i < result.count; i++) {
                TrialVerdict *item = &result.items[i];
                item->misfits = cursor_tally(&cursor);
                item->fit = cursor_tally(&cursor);
                item->left = cursor_tally(&cursor);
                item->accepted = cursor_tally(&cursor);
                item->same = cursor_tally(&cursor);
                item->broken = cursor_tally(&cursor);
                item->reading = cursor_u64(&cursor);
                item->unread = str_list_read(&cursor, arena);
                if (cursor.failed || !is_possible(item))
                        return malformed(err);
        }
        if (cursor.failed || cursor_left(&cursor) > 0)
                return malformed(err);
        *out = result;
        return STATUS_OK;
}
