/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/stage_message.h"

#include "frame/nested.h"

static Status malformed(Error *err, const char *what) {
        return error_set(err, STATUS_CORRUPT, "%s between lode and its worker is malformed", what);
}

static Str text_of(Cursor *cursor, Arena *arena) {
        Str text = cursor_str(cursor);
        if (!utf8_valid(text))
                cursor->failed = true;
        return cursor->failed ? STR_NONE : arena_str(arena, text);
}

/* --- STAGE --- */

static void fix_write(Buf *out, const StageFix *fix) {
        buf_u64(out, fix->offset);
        buf_u64(out, fix->raw_hash);
        buf_u8(out, fix->drop);
        buf_u8(out, fix->whole);
        buf_lstr(out, fix->text);
        str_list_write(out, fix->columns);
        str_list_write(out, fix->values);
        buf_lstr(out, fix->column);
        buf_lstr(out, fix->rule);
        buf_lstr(out, fix->message);
}

static void fix_read(Cursor *cursor, Arena *arena, StageFix *out) {
        out->offset = cursor_u64(cursor);
        out->raw_hash = cursor_u64(cursor);
        out->drop = cursor_u8(cursor) != 0;
        out->whole = cursor_u8(cursor) != 0;
        out->text = text_of(cursor, arena);
        out->columns = str_list_read(cursor, arena);
        out->values = str_list_read(cursor, arena);
        out->column = text_of(cursor, arena);
        out->rule = text_of(cursor, arena);
        out->message = text_of(cursor, arena);
        cursor->failed |= out->columns.count != out->values.count;
}

static void fixes_write(Buf *out, const StageSpec *spec) {
        buf_u32(out, (uint32_t)spec->fix_count);
        for (size_t i = 0; i < spec->fix_count; i++)
                fix_write(out, &spec->fixes[i]);
}

static void fixes_read(Cursor *cursor, Arena *arena, StageSpec *spec) {
        spec->fix_count = cursor_count(cursor, 42);
        if (spec->fix_count > STAGE_FIXES_MAX)
                cursor->failed = true;
        if (cursor->failed)
                return;
        spec->fixes = ARENA_ARRAY(arena, StageFix, spec->fix_count + 1);
        for (size_t i = 0; i < spec->fix_count; i++) {
                fix_read(cursor, arena, &spec->fixes[i]);
                cursor->failed |= i > 0 && spec->fixes[i].offset <= spec->fixes[i - 1].offset;
        }
}

static void keys_write(Buf *out, const StageSpec *spec) {
        buf_u32(out, (uint32_t)spec->witness_field_id);
        buf_u32(out, (uint32_t)spec->key_count);
        for (size_t i = 0; i < spec->key_count; i++)
                buf_u32(out, (uint32_t)spec->keys[i]);
}

static void keys_read(Cursor *cursor, Arena *arena, StageSpec *spec) {
        spec->witness_field_id = (int)cursor_u32(cursor);
        spec->key_count = cursor_count(cursor, 4);
        if (cursor->failed)
                return;
        spec->keys = ARENA_ARRAY(arena, size_t, spec->key_count + 1);
        for (size_t i = 0; i < spec->key_count; i++) {
                spec->keys[i] = cursor_u32(cursor);
                cursor->failed |= spec->keys[i] >= spec->column_count;
        }
}

void stage_spec_write(Buf *out, const StageSpec *spec) {
        format_write(out, &spec->format);
        source_columns_write(out, spec->columns, spec->column_count);
        str_list_write(out, spec->ignore);
        buf_u64(out, (uint64_t)spec->file_id);
        buf_u32(out, (uint32_t)spec->file_field_id);
        buf_u32(out, (uint32_t)spec->row_field_id);
        buf_u32(out, (uint32_t)spec->extra_field_id);
        buf_u32(out, spec->threads);
        buf_u64(out, spec->input_limit);
        buf_u32(out, (uint32_t)spec->raw_field_id);
        keys_write(out, spec);
        fixes_write(out, spec);
}

Status stage_spec_read(Str bytes, Arena *arena, StageSpec *out, Error *err) {
        Cursor cursor = cursor_of(bytes);
        StageSpec spec = { .columns = NULL };
        TRY(format_read(&cursor, arena, &spec.format, err));
        TRY(source_columns_read(&cursor, arena, &spec.columns, &spec.column_count, err));
        spec.ignore = str_list_read(&cursor, arena);
        spec.file_id = (int64_t)cursor_u64(&cursor);
        spec.file_field_id = (int)cursor_u32(&cursor);
        spec.row_field_id = (int)cursor_u32(&cursor);
        spec.extra_field_id = (int)cursor_u32(&cursor);
        spec.threads = cursor_u32(&cursor);
        spec.input_limit = cursor_u64(&cursor);
        spec.raw_field_id = (int)cursor_u32(&cursor);
        keys_read(&cursor, arena, &spec);
        fixes_read(&cursor, arena, &spec);
        if (cursor.failed || cursor_left(&cursor) > 0)
                return malformed(err, "a staging job");
        *out = spec;
        return STATUS_OK;
}

/* The plain counts of a result, in their order in the message. */
static const size_t result_counts[] = {
        offsetof(StageResult, records),  offsetof(StageResult, accepted), offsetof(StageResult, quarantined),
        offsetof(StageResult, skipped),  offsetof(StageResult, headers),  offsetof(StageResult, blanks),
        offsetof(StageResult, comments), offsetof(StageResult, preamble), offsetof(StageResult, footers),
        offsetof(StageResult, bytes),    offsetof(StageResult, dropped),  offsetof(StageResult, fixed),
        offsetof(StageResult, unmet),    offsetof(StageResult, full),     offsetof(StageResult, full_line),
        offsetof(StageResult, witnesses), offsetof(StageResult, keyless),
};

static void rule_write(Buf *out, const StageRule *rule) {
        buf_u16(out, (uint16_t)rule->rule);
        buf_u32(out, (uint32_t)rule->place);
        buf_u64(out, (uint64_t)rule->count);
        buf_u64(out, (uint64_t)rule->record);
        buf_u64(out, (uint64_t)rule->line);
        buf_u64(out, (uint64_t)rule->width);
        buf_u64(out, (uint64_t)rule->wanted);
        buf_lstr(out, rule->text);
        buf_lstr(out, rule->field);
        buf_lstr(out, rule->path);
}

static void rule_read(Cursor *cursor, const StageSpec *spec, Arena *arena, StageRule *out) {
        uint16_t rule = cursor_u16(cursor);
        out->place = cursor_u32(cursor);
        out->count = cursor_tally(cursor);
        out->record = cursor_tally(cursor);
        out->line = cursor_tally(cursor);
        out->width = cursor_tally(cursor);
        out->wanted = cursor_tally(cursor);
        out->text = text_of(cursor, arena);
        out->field = text_of(cursor, arena);
        out->path = text_of(cursor, arena);
        bool known = rule > RULE_NONE && rule < RULE_COUNT && out->place <= spec->column_count;
        if (cursor->failed || !known || out->text.size > STAGE_EXAMPLE_MAX || out->field.size > MISFIT_FIELD_MAX || out->path.size > MISFIT_FIELD_MAX) {
                cursor->failed = true;
                return;
        }
        out->rule = (Rule)rule;
        Misfit misfit = { .rule = out->rule, .column = out->place ? &spec->columns[out->place - 1] : NULL, .field = out->field, .path = out->path,
                          .width = out->width, .wanted = out->wanted };
        out->column = misfit.column ? misfit.column->name : STR("");
        out->message = misfit_words(&misfit, arena);
}

static void remark_write(Buf *out, const StageRemark *remark) {
        buf_u8(out, (uint8_t)remark->remark);
        buf_u32(out, (uint32_t)remark->place);
        buf_u64(out, (uint64_t)remark->count);
        buf_lstr(out, remark->text);
}

static void remark_read(Cursor *cursor, const StageSpec *spec, Arena *arena, StageRemark *out) {
        uint8_t remark = cursor_u8(cursor);
        out->place = cursor_u32(cursor);
        out->count = cursor_tally(cursor);
        out->text = text_of(cursor, arena);
        cursor->failed |= remark >= REMARK_COUNT || out->place >= spec->column_count || out->text.size > STAGE_EXAMPLE_MAX;
        if (cursor->failed)
                return;
        out->remark = (Remark)remark;
        out->column = spec->columns[out->place].name;
}

static void unknown_write(Buf *out, const StageUnknown *unknown) {
        buf_lstr(out, unknown->place ? unknown->path : unknown->name);
        buf_u32(out, (uint32_t)unknown->place);
        type_write(out, unknown->type);
        buf_u64(out, (uint64_t)unknown->nulls);
        buf_lstr(out, unknown->example);
}

static void unknown_read(Cursor *cursor, const StageSpec *spec, Arena *arena, StageUnknown *out) {
        out->name = text_of(cursor, arena);
        out->place = cursor_u32(cursor);
        cursor->failed |= out->place > spec->column_count;
        if (out->place && !cursor->failed) {
                out->path = out->name;
                out->name = nested_path_print(spec->columns[out->place - 1].name, out->path, arena);
        }
        out->type = type_read(cursor, arena);
        out->nulls = cursor_tally(cursor);
        out->example = text_of(cursor, arena);
}

void stage_result_write(Buf *out, const StageResult *result) {
        for (size_t i = 0; i < COUNT_OF(result_counts); i++)
                buf_u64(out, (uint64_t) * (const int64_t *)(const void *)((const char *)result + result_counts[i]));
        file_statistics_write(out, &result->data);
        file_statistics_write(out, &result->quarantine);
        buf_u32(out, (uint32_t)result->rule_count);
        for (size_t i = 0; i < result->rule_count; i++)
                rule_write(out, &result->rules[i]);
        buf_u32(out, (uint32_t)result->remark_count);
        for (size_t i = 0; i < result->remark_count; i++)
                remark_write(out, &result->remarks[i]);
        str_list_write(out, result->header);
        str_list_write(out, result->keys);
        buf_u32(out, (uint32_t)result->unknown_count);
        for (size_t i = 0; i < result->unknown_count; i++)
                unknown_write(out, &result->unknown[i]);
        str_list_write(out, result->missing);
}

Status stage_result_read(Str bytes, const StageSpec *spec, Arena *arena, StageResult *out, Error *err) {
        Cursor cursor = cursor_of(bytes);
        StageResult result = { .records = 0 };
        for (size_t i = 0; i < COUNT_OF(result_counts); i++)
                *(int64_t *)(void *)((char *)&result + result_counts[i]) = cursor_tally(&cursor);
        TRY(file_statistics_read(&cursor, arena, &result.data, err));
        TRY(file_statistics_read(&cursor, arena, &result.quarantine, err));
        result.rule_count = cursor_count(&cursor, 58);
        result.rules = ARENA_ARRAY(arena, StageRule, result.rule_count);
        for (size_t i = 0; i < result.rule_count; i++)
                rule_read(&cursor, spec, arena, &result.rules[i]);
        result.remark_count = cursor_count(&cursor, 17);
        result.remarks = ARENA_ARRAY(arena, StageRemark, result.remark_count + 1);
        for (size_t i = 0; i < result.remark_count; i++)
                remark_read(&cursor, spec, arena, &result.remarks[i]);
        result.header = str_list_read(&cursor, arena);
        result.keys = str_list_read(&cursor, arena);
        if (result.keys.count != 0 && result.keys.count != result.header.count)
                cursor.failed = true;
        result.unknown_count = cursor_count(&cursor, 23);
        result.unknown = ARENA_ARRAY(arena, StageUnknown, result.unknown_count);
        for (size_t i = 0; i < result.unknown_count; i++)
                unknown_read(&cursor, spec, arena, &result.unknown[i]);
        result.missing = str_list_read(&cursor, arena);
        if (cursor.failed || cursor_left(&cursor) > 0)
                return malformed(err, "the result of a staging job");
        if (result.records != result.accepted + result.quarantined + result.skipped ||
            result.data.rows != result.accepted + result.witnesses || result.witnesses > result.quarantined ||
            result.keyless > result.quarantined || (result.witnesses && !spec->witness_field_id) || result.fixed > result.accepted || result.dropped > result.skipped ||
            result.quarantine.rows != result.quarantined + result.fixed + result.dropped)
                return error_set(err, STATUS_CORRUPT,
                                 "a worker's counts of records do not add up: %lld of which %lld accepted, "
                                 "%lld quarantined, %lld skipped",
                                 (long long)result.records, (long long)result.accepted, (long long)result.quarantined,
                                 (long long)result.skipped);
        *out = result;
        return STATUS_OK;
}

/* --- SNIFF --- */

void sniff_spec_write(Buf *out, const SniffSpec *spec) {
        buf_lstr(out, spec->name);
        buf_u64(out, spec->sample_bytes);
        buf_u64(out, spec->input_limit);
        buf_u32(out, spec->sheet);
}

Status sniff_spec_read(Str bytes, Arena *arena, SniffSpec *out, Error *err) {
        Cursor cursor = cursor_of(bytes);
        SniffSpec spec = { .name = text_of(&cursor, arena) };
        spec.sample_bytes = cursor_u64(&cursor);
        spec.input_limit = cursor_u64(&cursor);
        spec.sheet = cursor_u32(&cursor);
        if (cursor.failed || cursor_left(&cursor) > 0)
                return malformed(err, "a sniffing job");
        *out = spec;
        return STATUS_OK;
}

static void columns_write(Buf *out, const SniffResult *result) {
        buf_u32(out, (uint32_t)result->column_count);
        for (size_t i = 0; i < result->column_count; i++) {
                const SniffColumn *column = &result->columns[i];
                buf_lstr(out, column->column.name);
                buf_lstr(out, column->column.from);
                type_write(out, column->column.type);
                str_list_write(out, column->column.dates);
                buf_u64(out, (uint64_t)column->nulls);
                buf_lstr(out, column->example);
                str_list_write(out, column->reads);
                buf_u8(out, (uint8_t)column->decimal);
                buf_u8(out, (uint8_t)column->thousands);
                buf_u8(out, column->unsure);
        }
}

static bool dates_are_good(StrList dates) {
        Format own = format_default();
        Error ignored;
        own.dates = dates;
        return format_check_dates(&own, &ignored) == STATUS_OK;
}

/* One of some characters, or 0. */
static char mark_read(Cursor *cursor, const char *known) {
        char mark = (char)cursor_u8(cursor);
        cursor->failed |= mark && !char_is_one_of(mark, known);
        return mark;
}

static void columns_read(Cursor *cursor, Arena *arena, SniffResult *out) {
        out->column_count = cursor_count(cursor, 34);
        out->columns = ARENA_ARRAY(arena, SniffColumn, out->column_count);
        for (size_t i = 0; i < out->column_count; i++) {
                SniffColumn *column = &out->columns[i];
                column->column.name = text_of(cursor, arena);
                column->column.from = text_of(cursor, arena);
                column->column.type = type_read(cursor, arena);
                column->column.dates = str_list_read(cursor, arena);
                if (!cursor->failed && !dates_are_good(column->column.dates))
                        cursor->failed = true;
                column->nulls = cursor_tally(cursor);
                column->example = text_of(cursor, arena);
                column->reads = str_list_read(cursor, arena);
                if (!cursor->failed && !dates_are_good(column->reads))
                        cursor->failed = true;
                column->decimal = mark_read(cursor, ".,");
                column->thousands = mark_read(cursor, ".,' i");
                column->unsure = cursor_u8(cursor) != 0;
        }
}

static void doubts_write(Buf *out, const SniffResult *result) {
        buf_u32(out, (uint32_t)result->doubt_count);
        for (size_t i = 0; i < result->doubt_count; i++) {
                buf_lstr(out, result->doubts[i].column);
                buf_lstr(out, result->doubts[i].what);
                buf_lstr(out, result->doubts[i].assumed);
        }
}

static void doubts_read(Cursor *cursor, Arena *arena, SniffResult *out) {
        out->doubt_count = cursor_count(cursor, 12);
        out->doubts = ARENA_ARRAY(arena, Doubt, out->doubt_count);
        for (size_t i = 0; i < out->doubt_count; i++) {
                Doubt *doubt = &out->doubts[i];
                doubt->column = text_of(cursor, arena);
                doubt->what = text_of(cursor, arena);
                doubt->assumed = text_of(cursor, arena);
                cursor->failed |= doubt->what.size > STAGE_EXAMPLE_MAX || doubt->assumed.size > STAGE_EXAMPLE_MAX;
        }
}

/* A value of the preview: a byte that says whether it is there, then its text. */
static void preview_write(Buf *out, const SniffResult *result) {
        buf_u32(out, (uint32_t)result->preview_count);
        for (size_t i = 0; i < result->preview_count * result->column_count; i++) {
                buf_u8(out, result->preview[i].data != NULL);
                buf_lstr(out, result->preview[i]);
        }
}

static void preview_read(Cursor *cursor, Arena *arena, SniffResult *out) {
        out->preview_count = cursor_u32(cursor);
        if (out->preview_count > SNIFF_PREVIEW_ROWS)
                cursor->failed = true;
        if (cursor->failed)
                return;
        size_t count = out->preview_count * out->column_count;
        out->preview = ARENA_ARRAY(arena, Str, count);
        for (size_t i = 0; i < count; i++) {
                bool there = cursor_u8(cursor) != 0;
                Str text = text_of(cursor, arena);
                out->preview[i] = there ? text : STR_NONE;
        }
}

void sniff_result_write(Buf *out, const SniffResult *result) {
        format_write(out, &result->format);
        columns_write(out, result);
        doubts_write(out, result);
        preview_write(out, result);
        buf_u64(out, (uint64_t)result->records);
        buf_u64(out, (uint64_t)result->accepted);
        buf_u64(out, (uint64_t)result->quarantined);
        buf_u64(out, (uint64_t)result->skipped);
        buf_u8(out, result->whole);
        buf_u8(out, result->ascii);
        buf_u32(out, (uint32_t)result->sheet_count);
        for (size_t i = 0; i < result->sheet_count; i++) {
                buf_lstr(out, result->sheets[i].name);
                buf_u8(out, result->sheets[i].hidden);
        }
}

Status sniff_result_read(Str bytes, Arena *arena, SniffResult *out, Error *err) {
        Cursor cursor = cursor_of(bytes);
        SniffResult result = { .columns = NULL };
        TRY(format_read(&cursor, arena, &result.format, err));
        columns_read(&cursor, arena, &result);
        doubts_read(&cursor, arena, &result);
        preview_read(&cursor, arena, &result);
        result.records = cursor_tally(&cursor);
        result.accepted = cursor_tally(&cursor);
        result.quarantined = cursor_tally(&cursor);
        result.skipped = cursor_tally(&cursor);
        result.whole = cursor_u8(&cursor) != 0;
        result.ascii = cursor_u8(&cursor) != 0;
        result.sheet_count = cursor_count(&cursor, 5);
        result.sheets = ARENA_ARRAY(arena, SniffSheet, result.sheet_count);
        for (size_t i = 0; i < result.sheet_count; i++)
                result.sheets[i] = (SniffSheet){ text_of(&cursor, arena), cursor_u8(&cursor) != 0 };
        if (cursor.failed || cursor_left(&cursor) > 0)
                return malformed(err, "the result of a sniffing job");
        *out = result;
        return STATUS_OK;
}
