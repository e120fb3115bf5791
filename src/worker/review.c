/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/review.h"

#include "base/file.h"
#include "base/reason.h"
#include "base/vec.h"
#include "frame/nested.h"
#include "frame/reader.h"
#include "frame/typing.h"
#include "worker/fd_source.h"
#include "worker/fields.h"

#define FLUSH_BYTES (1u << 20)

typedef struct Review {
        const ReviewSpec *spec;
        Arena *arena;
        Arena batch; /* texts of one record */
        RecordReader *reader;
        Fields fields;
        TypingRules rules;
        Typing *typings;
        int out;
        Buf entries;
        ReviewResult result;
        Error *err;
} Review;

/* ---- one field ---- */

static bool has(Str text, char c) {
        return c && str_find_byte(text, c) < text.size;
}

static Change change_of_number(const Review *r, Str text) {
        char thousands = thousands_mark(r->rules.thousands), decimal = r->rules.decimal;
        if (has(text, thousands))
                return CHANGE_THOUSANDS;
        return decimal != '.' && has(text, decimal) ? CHANGE_DECIMAL : CHANGE_NUMBER_FORM;
}

static Change change_of(const Review *r, TypeKind kind, Str text, Str value) {
        if (str_equal(str_trim(text), value))
                return CHANGE_TRIMMED;
        switch (kind) {
        case TYPE_BOOLEAN:
                return CHANGE_WORD;
        case TYPE_UUID:
                return CHANGE_UUID_FORM;
        case TYPE_DATE:
        case TYPE_TIMESTAMP:
        case TYPE_TIMESTAMPTZ:
                return r->rules.pattern_count > 0 ? CHANGE_DATE_PATTERN : CHANGE_TIME_FORM;
        case TYPE_TIME:
                return CHANGE_TIME_FORM;
        default:
                return change_of_number(r, text);
        }
}

/* Whole characters of it, and none that is no text. */
static Str shown(Review *r, Str text, size_t most) {
        text = str_slice(text, 0, most);
        char *copy = arena_alloc_raw(&r->batch, text.size + 1);
        size_t size = 0;
        for (size_t at = 0; at < text.size;) {
                uint32_t point;
                size_t step = utf8_decode(text, at, &point);
                if (point == 0xfffd && step == 1)
                        copy[size++] = '?';
                else
                        for (size_t i = 0; i < step; i++)
                                copy[size++] = text.data[at + i];
                at += step;
        }
        return (Str){ copy, size };
}

/* RULE_NONE: the field fits, and *out says by what it changed, if *out_changed. */
static Rule review_field(Review *r, size_t column, Str field, ReviewedField *out, bool *out_changed) {
        const Typing *typing = &r->typings[column];
        Value value;
        bool is_null = false;
        Rule rule = typing_value(typing, field, &r->batch, &value, &is_null);
        *out_changed = false;
        if (rule != RULE_NONE)
                return rule;
        if (type_is_nested(typing->type) && !is_null)
                return RULE_NONE; /* JSON of one meaning is written in many ways */
        Str text = field_unquote(&r->spec->format, field, &r->batch);
        Str print = is_null ? STR_NONE : typing_print(typing, value, &r->batch);
        if (is_null ? field_is_null(&r->spec->format, field) : str_equal(text, print))
                return RULE_NONE;
        Change change = is_null ? (text.size ? CHANGE_NULL_WORD : CHANGE_EMPTY_QUOTED) : change_of(r, typing->type.kind, text, print);
        *out = (ReviewedField){ (uint32_t)column, change, shown(r, text, REVIEW_TEXT_MAX), is_null ? STR_NONE : shown(r, print, REVIEW_TEXT_MAX) };
        *out_changed = true;
        return RULE_NONE;
}

/* ---- one record ---- */

static Status put_entry(Review *r, const ReviewEntry *entry) {
        int64_t *counts[] = { &r->result.same, &r->result.changed, &r->result.quarantined };
        (*counts[entry->state])++;
        if (!r->spec->brief || entry->state != REVIEW_SAME)
                review_entry_write(&r->entries, entry);
        if (r->entries.size < FLUSH_BYTES)
                return STATUS_OK;
        TRY(fd_write_all(r->out, buf_view(&r->entries), "a review", r->err));
        buf_clear(&r->entries);
        return STATUS_OK;
}

static Status review_row(Review *r, RecordBatch *batch, size_t row) {
        RecordOrigin origin = record_origin(batch, row);
        ReviewEntry entry = { .record = batch->records[row], .line = origin.line, .wanted = (int64_t)r->fields.header.count };
        entry.offset = origin.sheet.size ? (uint64_t)origin.line : origin.offset;
        arena_reset(&r->batch);
        entry.fields = ARENA_ARRAY(&r->batch, ReviewedField, r->spec->column_count + 1);
        for (size_t i = 0; i < r->spec->column_count && entry.state != REVIEW_QUARANTINED; i++) {
                size_t place = r->fields.places[i];
                Str field = place < batch->width ? record_field(batch, row, place) : STR("");
                bool changed = false, missing = place >= batch->width;
                Rule rule = missing ? (r->spec->columns[i].required ? RULE_REQUIRED_MISSING : RULE_NONE)
                                    : review_field(r, i, field, &entry.fields[entry.field_count], &changed);
                entry.field_count += changed;
                if (rule == RULE_NONE)
                        continue;
                entry.state = REVIEW_QUARANTINED;
                entry.rule = rule;
                entry.place = (uint32_t)i + 1;
                Misfit misfit = { .rule = rule, .field = field_unquote(&r->spec->format, field, &r->batch), .wanted = entry.wanted };
                if (type_is_nested(r->spec->columns[i].type))
                        nested_look_inside(&misfit, &r->typings[i], misfit.field, &r->batch);
                entry.field = shown(r, misfit.field, MISFIT_FIELD_MAX);
                entry.path = misfit.path;
                entry.width = misfit.width;
                entry.wanted = misfit.wanted;
        }
        if (entry.state != REVIEW_QUARANTINED && entry.field_count > 0)
                entry.state = REVIEW_CHANGED;
        return put_entry(r, &entry);
}

static Status review_bad(Review *r, const BadRecord *bad) {
        ReviewEntry entry = { .state = REVIEW_QUARANTINED, .record = bad->record, .line = bad->line, .rule = bad->rule, .width = (int64_t)bad->width,
                              .wanted = (int64_t)bad->wanted };
        bool undecoded = bad->rule == RULE_INVALID_UTF8 || bad->rule == RULE_INVALID_BYTES;
        if (undecoded)
                misfit_place(bad, &entry.width, &entry.wanted); /* as staging tells it: where, and in which column */
        for (size_t i = 0; undecoded && i < r->spec->column_count && !entry.place; i++)
                if (r->fields.places[i] == bad->field)
                        entry.place = (uint32_t)i + 1;
        entry.offset = bad->sheet.size ? (uint64_t)bad->line : bad->offset;
        return put_entry(r, &entry);
}

/* Good and malformed records in their order. */
static Status review_batch(Review *r, RecordBatch *batch) {
        size_t bad = 0;
        for (size_t row = 0; row < batch->rows; row++) {
                for (; bad < batch->bad_count && batch->bad[bad].record < batch->records[row]; bad++)
                        TRY(review_bad(r, &batch->bad[bad]));
                TRY(review_row(r, batch, row));
        }
        for (; bad < batch->bad_count; bad++)
                TRY(review_bad(r, &batch->bad[bad]));
        return STATUS_OK;
}

/* ---- the file ---- */

static Status prepare(Review *r) {
        const ReviewSpec *spec = r->spec;
        TRY(format_check(&spec->format, r->err));
        if (spec->column_count == 0)
                return error_reason(r->err, REFUSED);
        TRY(typing_rules_init(&r->rules, &spec->format, r->arena, r->err));
        r->typings = ARENA_ARRAY(r->arena, Typing, spec->column_count);
        for (size_t i = 0; i < spec->column_count; i++)
                TRY(typing_init(&r->typings[i], &r->rules, &spec->columns[i], r->arena, r->err));
        return STATUS_OK;
}

static Status read_file(Review *r, int in) {
        const ReviewSpec *spec = r->spec;
        TRY(prepare(r));
        ReaderOptions options = { .format = &spec->format,
                                  .width = spec->column_count + spec->ignore.count,
                                  .names = fields_wanted(&spec->format, spec->columns, spec->column_count, spec->ignore, r->arena),
                                  .texts = fields_texts(spec->columns, spec->column_count, r->arena),
                                  .limit = spec->input_limit };
        TRY(reader_start(r->reader, &options, source_of_fd(&in), r->err));
        bool keyed = reader_is_keyed(r->reader);
        if (reader_width(r->reader) == 0 && !keyed)
                return STATUS_OK;
        TRY(fields_match(r->reader, spec->columns, spec->column_count, r->arena, &r->fields, r->err));
        for (bool end = false; !end;) {
                RecordBatch batch;
                TRY(reader_next(r->reader, &batch, &end, r->err));
                if (end)
                        break;
                if (keyed)
                        fields_meet(&r->fields, r->reader, batch.width);
                TRY(review_batch(r, &batch));
        }
        return fd_write_all(r->out, buf_view(&r->entries), "a review", r->err);
}

Status review_run(const ReviewSpec *spec, int in, int out, Arena *arena, ReviewResult *result, Error *err) {
        Review r = { .spec = spec, .arena = arena, .reader = reader_new(), .out = out, .err = err };
        Status status = read_file(&r, in);
        if (status == STATUS_OK) {
                const RecordCounts *counts = reader_counts(r.reader);
                *result = r.result;
                result->records = counts->records;
                result->headers = counts->headers;
                result->blanks = counts->blanks;
                result->comments = counts->comments;
                result->preamble = counts->preamble;
                result->footers = counts->footers;
        }
        reader_free(r.reader);
        buf_deinit(&r.entries);
        arena_deinit(&r.batch);
        return status;
}
