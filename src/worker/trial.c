/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every batch is typed once by the text as it is. The few records that a rule struck are typed field by field by the
 * settings meant for them; those that fit, column by column by each setting that has read everything so far, and only in
 * the columns that it can change.
 */
#include "worker/trial.h"

#include "base/hash.h"
#include "base/reason.h"
#include "base/vec.h"
#include "frame/nested.h"
#include "frame/reader.h"
#include "frame/typing.h"
#include "worker/fd_source.h"
#include "worker/fields.h"

/* One setting, compiled. */
typedef struct Tried {
        const TrialSetting *setting;
        TypingRules rules;
        Typing *typings; /* of each column */
        bool *changes;   /* whether a column may read otherwise */
        TrialVerdict verdict;
        VEC(Str) unread;
        bool dead; /* nothing more is to be learned of it */
} Tried;

typedef struct Trial {
        const TrialSpec *spec;
        Arena *arena;
        Arena batch; /* texts of one batch */
        RecordReader *reader;
        Fields fields;
        TypingRules rules;
        Typing *typings;
        Vector *vectors; /* as the text is */
        Vector scratch;  /* as a setting would have it */
        TypingFailures failures, others;
        Tried *tried;
        VEC(bool) failed; /* rows of the batch that do not fit */
        Error *err;
} Trial;

/* ---- what a setting changes ---- */

static bool lists_equal(StrList a, StrList b) {
        bool equal = a.count == b.count;
        for (size_t i = 0; i < a.count && equal; i++)
                equal = str_equal(a.items[i], b.items[i]);
        return equal;
}

static bool is_number(TypeKind kind) {
        return kind == TYPE_INT || kind == TYPE_BIGINT || kind == TYPE_FLOAT || kind == TYPE_DOUBLE || kind == TYPE_DECIMAL;
}

static bool is_moment(TypeKind kind) {
        return kind == TYPE_DATE || kind == TYPE_TIMESTAMP || kind == TYPE_TIMESTAMPTZ;
}

/* Lists and structs have values of any kind. */
static bool may_change(const Format *is, const Format *was, TypeKind kind) {
        if (kind == TYPE_LIST || kind == TYPE_STRUCT)
                return true;
        if (!lists_equal(is->nulls, was->nulls))
                return true;
        if (is_number(kind))
                return is->decimal != was->decimal || is->thousands != was->thousands || !lists_equal(is->currency, was->currency);
        if (is_moment(kind))
                return !lists_equal(is->dates, was->dates);
        return kind == TYPE_BOOLEAN && (!lists_equal(is->true_words, was->true_words) || !lists_equal(is->false_words, was->false_words));
}

static Status compile(Trial *t, const TrialSetting *setting, Tried *out) {
        const TrialSpec *spec = t->spec;
        *out = (Tried){ .setting = setting };
        TRY(format_check(&setting->format, t->err));
        TRY(typing_rules_init(&out->rules, &setting->format, t->arena, t->err));
        out->typings = ARENA_ARRAY(t->arena, Typing, spec->column_count);
        out->changes = ARENA_ARRAY(t->arena, bool, spec->column_count);
        for (size_t i = 0; i < spec->column_count; i++) {
                const SourceColumn *column = i == setting->column ? &setting->is : &spec->columns[i];
                TRY(typing_init(&out->typings[i], &out->rules, column, t->arena, t->err));
                out->changes[i] = i == setting->column || may_change(&setting->format, &spec->format, column->type.kind);
        }
        return STATUS_OK;
}

/* ---- records that do not fit ---- */

static void note_unread(Trial *t, Tried *tried, Str text) {
        text = str_slice(str_trim(text), 0, TRIAL_TEXT_MAX);
        while (text.size > 0 && !utf8_valid(text))
                text.size--;
        for (size_t i = 0; i < tried->unread.count; i++)
                if (str_equal(tried->unread.items[i], text))
                        return;
        if (tried->unread.count < TRIAL_UNREAD_MAX)
                vec_push(t->arena, &tried->unread, arena_str(t->arena, text));
        else
                tried->dead = true; /* it reads not all, and has said enough */
}

static bool reads(Trial *t, const Tried *tried, const RecordBatch *batch, TypingFailure failure) {
        Value value;
        bool is_null;
        size_t place = t->fields.places[failure.column];
        return place != NO_FIELD && typing_value(&tried->typings[failure.column], record_field(batch, failure.row, place), &t->batch, &value, &is_null) == RULE_NONE;
}

/* Numbers without the zeros that a scale adds, so that 5 and 5.00 are the same. */
static Str shown_value(Trial *t, const Typing *typing, Value value) {
        Str shown = typing_print(typing, value, &t->batch);
        if (typing->type.kind != TYPE_DECIMAL || typing->type.scale == 0)
                return shown;
        while (shown.data[shown.size - 1] == '0')
                shown.size--;
        shown.size -= shown.data[shown.size - 1] == '.';
        return shown;
}

/* The record's failures, from the one that it is quarantined for. */
static void try_misfit(Trial *t, Tried *tried, const RecordBatch *batch, const TypingFailure *failures, size_t count) {
        Value value;
        bool is_null = false, is_kept_out = false;
        const Typing *typing = &tried->typings[tried->setting->column];
        Str field = record_field(batch, failures->row, t->fields.places[failures->column]);
        tried->verdict.misfits++;
        if (typing_value(typing, field, &t->batch, &value, &is_null) != RULE_NONE) {
                note_unread(t, tried, field_unquote(&tried->setting->format, field, &t->batch));
                return;
        }
        tried->verdict.fit++;
        for (size_t i = 1; i < count && !is_kept_out; i++)
                is_kept_out = !reads(t, tried, batch, failures[i]);
        tried->verdict.left += is_kept_out;
        Str shown = is_null ? STR_NONE : shown_value(t, typing, value);
        tried->verdict.reading = tried->verdict.reading * 31 + hash64_stable(shown) + is_null;
}

static void try_misfits(Trial *t, const RecordBatch *batch) {
        const TypingFailure *items = t->failures.items;
        for (size_t i = 0, count; i < t->failures.count; i += count) {
                for (count = 1; i + count < t->failures.count && items[i + count].row == items[i].row;)
                        count++;
                if (t->fields.places[items[i].column] == NO_FIELD)
                        continue; /* no setting finds a column that the file lacks */
                for (size_t k = 0; k < t->spec->setting_count; k++) {
                        Tried *tried = &t->tried[k];
                        if (!tried->dead && tried->setting->column == items[i].column && tried->setting->rule == items[i].rule)
                                try_misfit(t, tried, batch, items + i, count);
                }
        }
}

/* ---- records that do ---- */

static bool is_same(Type type, const Vector *a, const Vector *b, size_t row, Arena *arena) {
        if (a->nulls[row] || b->nulls[row])
                return a->nulls[row] && b->nulls[row];
        switch (type.kind) {
        case TYPE_LIST:
        case TYPE_STRUCT:
                return str_equal(nested_print(&type, a->nested[row], arena), nested_print(&type, b->nested[row], arena));
        case TYPE_TEXT:
                return str_equal(a->texts[row], b->texts[row]);
        case TYPE_FLOAT:
        case TYPE_DOUBLE:
                return memcmp(&a->numbers[row], &b->numbers[row], sizeof(double)) == 0;
        case TYPE_UUID:
                return memcmp(a->uuids[row], b->uuids[row], sizeof(*a->uuids)) == 0;
        default:
                return typing_is_wide(type) ? memcmp(&a->decimals[row], &b->decimals[row], sizeof(Int128)) == 0 : a->int64s[row] == b->int64s[row];
        }
}

/* Marks the rows that read otherwise, of those in which the column did fit. One that gets another type holds the same where it
 * can be read: all types that are tried hold what the one before them held. */
static void compare_column(Trial *t, const Tried *tried, const RecordBatch *batch, size_t column, bool *differs) {
        size_t place = t->fields.places[column];
        if (place == NO_FIELD)
                return;
        bool *unfit = ARENA_ARRAY(&t->batch, bool, batch->rows + 1);
        for (size_t i = 0; i < t->failures.count; i++)
                unfit[t->failures.items[i].row] |= t->failures.items[i].column == column;
        t->others.count = 0;
        typing_column(&tried->typings[column], batch, place, column, &t->batch, &t->scratch, &t->others);
        for (size_t i = 0; i < t->others.count; i++)
                differs[t->others.items[i].row] |= !unfit[t->others.items[i].row];
        Type type = t->spec->columns[column].type;
        if (!type_equal(type, tried->typings[column].type))
                return;
        for (size_t row = 0; row < batch->rows; row++)
                if (!unfit[row] && !is_same(type, &t->vectors[column], &t->scratch, row, &t->batch))
                        differs[row] = true;
}

static void compare_rows(Trial *t, Tried *tried, const RecordBatch *batch) {
        bool *differs = ARENA_ARRAY(&t->batch, bool, batch->rows + 1);
        for (size_t i = 0; i < t->spec->column_count; i++)
                if (tried->changes[i])
                        compare_column(t, tried, batch, i, differs);
        for (size_t row = 0; row < batch->rows; row++) {
                tried->verdict.accepted += !t->failed.items[row];
                tried->verdict.same += !t->failed.items[row] && !differs[row];
                tried->verdict.broken += t->failed.items[row] && differs[row];
        }
        tried->dead |= tried->verdict.same < tried->verdict.accepted || tried->verdict.broken > 0;
}

/* ---- the file ---- */

static void type_batch(Trial *t, const RecordBatch *batch) {
        arena_reset(&t->batch);
        t->failures.count = 0;
        for (size_t i = 0; i < t->spec->column_count; i++)
                if (t->fields.places[i] != NO_FIELD)
                        typing_column(&t->typings[i], batch, t->fields.places[i], i, &t->batch, &t->vectors[i], &t->failures);
        typing_failures_order(&t->failures);
        t->failed.count = 0;
        for (size_t row = 0; row < batch->rows; row++)
                vec_push(t->arena, &t->failed, false);
        for (size_t i = 0; i < t->failures.count; i++)
                t->failed.items[t->failures.items[i].row] = true;
}

static void try_batch(Trial *t, const RecordBatch *batch) {
        if (batch->rows == 0)
                return;
        type_batch(t, batch);
        try_misfits(t, batch);
        for (size_t i = 0; i < t->spec->setting_count && t->spec->accepted; i++)
                if (!t->tried[i].dead && t->tried[i].unread.count == 0)
                        compare_rows(t, &t->tried[i], batch);
}

static Status prepare(Trial *t) {
        const TrialSpec *spec = t->spec;
        TRY(format_check(&spec->format, t->err));
        if (spec->column_count == 0)
                return error_reason(t->err, REFUSED);
        TRY(typing_rules_init(&t->rules, &spec->format, t->arena, t->err));
        t->typings = ARENA_ARRAY(t->arena, Typing, spec->column_count);
        t->vectors = ARENA_ARRAY(t->arena, Vector, spec->column_count);
        for (size_t i = 0; i < spec->column_count; i++)
                TRY(typing_init(&t->typings[i], &t->rules, &spec->columns[i], t->arena, t->err));
        t->tried = ARENA_ARRAY(t->arena, Tried, spec->setting_count + 1);
        for (size_t i = 0; i < spec->setting_count; i++)
                TRY(compile(t, &spec->settings[i], &t->tried[i]));
        return STATUS_OK;
}

static Status read_file(Trial *t, int fd) {
        const TrialSpec *spec = t->spec;
        TRY(prepare(t));
        ReaderOptions options = { .format = &spec->format,
                                  .width = spec->column_count + spec->ignore.count,
                                  .names = fields_wanted(&spec->format, spec->columns, spec->column_count, spec->ignore, t->arena),
                                  .texts = fields_texts(spec->columns, spec->column_count, t->arena),
                                  .needed = spec->column_count,
                                  .limit = spec->input_limit };
        TRY(reader_start(t->reader, &options, source_of_fd(&fd), t->err));
        bool keyed = reader_is_keyed(t->reader);
        if (reader_width(t->reader) == 0 && !keyed)
                return STATUS_OK;
        TRY(fields_match(t->reader, spec->columns, spec->column_count, t->arena, &t->fields, t->err));
        while (true) {
                RecordBatch batch;
                bool end;
                TRY(reader_next(t->reader, &batch, &end, t->err));
                if (end)
                        return STATUS_OK;
                if (keyed)
                        fields_meet(&t->fields, t->reader, batch.width);
                try_batch(t, &batch);
        }
}

static void release(Trial *t) {
        reader_freep(&t->reader);
        for (size_t i = 0; t->vectors && i < t->spec->column_count; i++)
                vector_deinit(&t->vectors[i]);
        vector_deinit(&t->scratch);
        typing_failures_deinit(&t->failures);
        typing_failures_deinit(&t->others);
        arena_deinit(&t->batch);
}

Status trial_run(const TrialSpec *spec, int fd, Arena *arena, TrialResult *out, Error *err) {
        Trial t = { .spec = spec, .arena = arena, .reader = reader_new(), .err = err };
        Status status = read_file(&t, fd);
        release(&t);
        TRY(status);
        TrialResult result = { ARENA_ARRAY(arena, TrialVerdict, spec->setting_count + 1), spec->setting_count };
        for (size_t i = 0; i < result.count; i++) {
                result.items[i] = t.tried[i].verdict;
                result.items[i].unread = (StrList){ t.tried[i].unread.items, t.tried[i].unread.count };
        }
        *out = result;
        return STATUS_OK;
}
