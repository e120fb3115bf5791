/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/review_message.h"

const char *change_name(Change change) {
        static const char *const names[] = {
#define X(name, text, words) text,
                CHANGE_TABLE(X)
#undef X
        };
        return change < CHANGE_COUNT ? names[change] : "";
}

static Status malformed(Error *err) {
        return error_set(err, STATUS_CORRUPT, "a message about a review breaks its format");
}

void review_spec_write(Buf *out, const ReviewSpec *spec) {
        format_write(out, &spec->format);
        source_columns_write(out, spec->columns, spec->column_count);
        str_list_write(out, spec->ignore);
        buf_u64(out, spec->input_limit);
        buf_u8(out, spec->brief);
}

Status review_spec_read(Str bytes, Arena *arena, ReviewSpec *out, Error *err) {
        Cursor cursor = cursor_of(bytes);
        ReviewSpec spec = { .columns = NULL };
        TRY(format_read(&cursor, arena, &spec.format, err));
        TRY(source_columns_read(&cursor, arena, &spec.columns, &spec.column_count, err));
        spec.ignore = str_list_read(&cursor, arena);
        spec.input_limit = cursor_u64(&cursor);
        spec.brief = cursor_u8(&cursor) != 0;
        if (cursor.failed || cursor_left(&cursor) > 0)
                return malformed(err);
        *out = spec;
        return STATUS_OK;
}

static const size_t counts[] = {
        offsetof(ReviewResult, records), offsetof(ReviewResult, same),     offsetof(ReviewResult, changed),
        offsetof(ReviewResult, headers), offsetof(ReviewResult, blanks),   offsetof(ReviewResult, comments),
        offsetof(ReviewResult, footers), offsetof(ReviewResult, preamble), offsetof(ReviewResult, quarantined),
};

void review_result_write(Buf *out, const ReviewResult *result) {
        for (size_t i = 0; i < COUNT_OF(counts); i++)
                buf_u64(out, (uint64_t) * (const int64_t *)(const void *)((const char *)result + counts[i]));
}

Status review_result_read(Str bytes, ReviewResult *out, Error *err) {
        Cursor cursor = cursor_of(bytes);
        ReviewResult result = { .records = 0 };
        for (size_t i = 0; i < COUNT_OF(counts); i++)
                *(int64_t *)(void *)((char *)&result + counts[i]) = cursor_tally(&cursor);
        if (cursor.failed || cursor_left(&cursor) > 0)
                return malformed(err);
        *out = result;
        return STATUS_OK;
}

void review_entry_write(Buf *out, const ReviewEntry *entry) {
        buf_u8(out, (uint8_t)entry->state);
        buf_u64(out, (uint64_t)entry->record);
        buf_u64(out, (uint64_t)entry->line);
        buf_u64(out, entry->offset);
        if (entry->state == REVIEW_CHANGED)
                buf_u32(out, (uint32_t)entry->field_count);
        for (size_t i = 0; entry->state == REVIEW_CHANGED && i < entry->field_count; i++) {
                const ReviewedField *field = &entry->fields[i];
                buf_u32(out, field->column);
                buf_u8(out, (uint8_t)field->change);
                buf_lstr(out, field->from);
                buf_u8(out, field->to.data == NULL);
                buf_lstr(out, field->to);
        }
        if (entry->state != REVIEW_QUARANTINED)
                return;
        buf_u16(out, (uint16_t)entry->rule);
        buf_u32(out, entry->place);
        buf_lstr(out, entry->field);
        buf_lstr(out, entry->path);
        buf_u64(out, (uint64_t)entry->width);
        buf_u64(out, (uint64_t)entry->wanted);
}

static Str text_of(Cursor *cursor) {
        Str text = cursor_str(cursor);
        if (text.size > REVIEW_TEXT_MAX || !utf8_valid(text))
                cursor->failed = true;
        return cursor->failed ? STR_NONE : text;
}

static void read_fields(Cursor *cursor, size_t column_count, Arena *arena, ReviewEntry *out) {
        out->field_count = cursor_count(cursor, 14);
        if (out->field_count > column_count)
                cursor->failed = true;
        if (cursor->failed)
                return;
        out->fields = ARENA_ARRAY(arena, ReviewedField, out->field_count + 1);
        for (size_t i = 0; i < out->field_count; i++) {
                ReviewedField *field = &out->fields[i];
                field->column = cursor_u32(cursor);
                uint8_t change = cursor_u8(cursor);
                field->from = text_of(cursor);
                bool is_null = cursor_u8(cursor) != 0;
                Str to = text_of(cursor);
                field->to = is_null ? STR_NONE : to.data ? to : STR("");
                field->change = (Change)change;
                cursor->failed |= field->column >= column_count || change >= CHANGE_COUNT;
        }
}

Status review_entry_read(Cursor *cursor, size_t column_count, Arena *arena, ReviewEntry *out, Error *err) {
        ReviewEntry entry = { .state = REVIEW_SAME };
        uint8_t state = cursor_u8(cursor);
        entry.record = cursor_tally(cursor);
        entry.line = cursor_tally(cursor);
        entry.offset = (uint64_t)cursor_tally(cursor);
        entry.state = (ReviewState)state;
        if (state == REVIEW_CHANGED)
                read_fields(cursor, column_count, arena, &entry);
        if (state == REVIEW_QUARANTINED) {
                uint16_t rule = cursor_u16(cursor);
                entry.rule = (Rule)rule;
                entry.place = cursor_u32(cursor);
                entry.field = text_of(cursor);
                entry.path = text_of(cursor);
                entry.width = cursor_tally(cursor);
                entry.wanted = cursor_tally(cursor);
                cursor->failed |= rule >= RULE_COUNT || entry.place > column_count || entry.field.size > MISFIT_FIELD_MAX;
        }
        if (cursor->failed || state >= REVIEW_STATES)
                return malformed(err);
        *out = entry;
        return STATUS_OK;
}
