/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One batch of records at a time: the frame room cuts it and types it column by column into vectors; the rows that fit
 * go column by column into the data file, the records that do not into the quarantine file, in order of record. Both
 * files begin with their first row. Encoding goes on in the writer's own threads meanwhile.
 *
 * A Parquet file that has every column in its very type is first only read: if all of it fits, its pages become the data
 * file as they are. With the first record that does not, it is read from its beginning again, and written anew.
 */
#include "worker/stage.h"

#include <assert.h>

#include "base/hash.h"
#include "base/map.h"
#include "base/reason.h"
#include "base/vec.h"
#include "frame/guess.h"
#include "frame/xlsx_range.h"
#include "frame/reader.h"
#include "frame/typed.h"
#include "parquet/writer.h"
#include "worker/adopt.h"
#include "worker/fd_source.h"
#include "worker/fields.h"
#include "worker/fix.h"
#include "worker/nested.h"
#include "worker/rescue.h"

#define EXAMPLE_MAX 200          /* bytes of an example's text */
#define FIELD_SHOWN_MAX 60       /* bytes of a field inside a message */
#define UNKNOWN_VALUES_MAX 20000 /* texts of an unknown column that its type is guessed from */
#define UNKNOWN_BYTES_MAX (8u << 20)
#define RULES_TOLD_MAX 1000 /* pairs of column and rule; the most frequent ones */
#define PROGRESS_EVERY (16u << 20)

struct Stager {
        RecordReader *reader;
        RecordReader *fix_reader; /* for the texts of fixes; NULL until there is one */
        ParquetWriter *data, *quarantine;
        ParquetAdoption *adoption; /* NULL until a Parquet file comes */
        Vector *vectors;
        size_t vector_count;
        TypingFailures failures;
        Arena batch_arena; /* texts of one batch */
        bool *failed;      /* rows of the batch that do not fit */
        size_t failed_room;
};

typedef struct UnknownColumn {
        size_t field;
        VEC(Str) texts;
        size_t bytes;
        int64_t nulls; /* of a typed file */
} UnknownColumn;

#define NO_ROW SIZE_MAX

/* A record of the batch that a fix is for. */
typedef struct Fixed {
        const StageFix *fix;
        BadRecord record; /* where it stands, and its text */
        size_t row;       /* NO_ROW: it was malformed */
} Fixed;

typedef struct Job {
        Stager *stager;
        const StageSpec *spec;
        StageFiles files;
        Arena *arena;
        StageResult *result;
        Error *err;
        TypingRules rules;
        Typing *typings;
        Remarks *remarks; /* of each column */
        Fields fields;
        bool data_started, quarantine_started;
        StageRule **found; /* by column + 1 and rule; place 0 is for whole records */
        VEC(UnknownColumn) unknown;
        Map unknown_keys; /* of nested columns, by place and path: a StageUnknown each */
        VEC(Fixed) fixed;  /* of this batch */
        bool *as_is;       /* columns whose values the file has in their very type; NULL: it says no types */
        bool needs_text;   /* of every record of a typed file */
        bool *keyless;     /* rows of the batch whose key cannot be read; with witness_field_id */
        bool may_adopt;    /* it was not tried in vain */
        bool adopts;       /* pages stay as they are */
        bool in_vain;      /* they do not: once more */
} Job;

Stager *stager_new(void) {
        Stager *stager = calloc(1, sizeof(*stager));
        if (!stager)
                out_of_memory();
        stager->reader = reader_new();
        stager->data = parquet_writer_new();
        stager->quarantine = parquet_writer_new();
        return stager;
}

void stager_free(Stager *stager) {
        if (!stager)
                return;
        reader_free(stager->reader);
        reader_free(stager->fix_reader);
        parquet_writer_free(stager->data);
        parquet_writer_free(stager->quarantine);
        parquet_adoption_free(stager->adoption);
        for (size_t i = 0; i < stager->vector_count; i++)
                vector_deinit(&stager->vectors[i]);
        free(stager->vectors);
        free(stager->failed);
        typing_failures_deinit(&stager->failures);
        arena_deinit(&stager->batch_arena);
        free(stager);
}

void stager_freep(Stager **stager) {
        stager_free(*stager);
        *stager = NULL;
}

/* --- which field is which column --- */

static void note_missing(Job *job) {
        VEC(Str) missing = { 0 };
        for (size_t i = 0; i < job->spec->column_count; i++) {
                if (job->fields.places[i] == NO_FIELD)
                        vec_push(job->arena, &missing, job->spec->columns[i].name);
        }
        job->result->missing = (StrList){ missing.items, missing.count };
}

static void note_unknown(Job *job) {
        StrList header = job->result->header;
        bool *known = ARENA_ARRAY(job->arena, bool, header.count + 1);
        for (size_t i = 0; i < job->spec->column_count; i++) {
                if (job->fields.places[i] != NO_FIELD)
                        known[job->fields.places[i]] = true;
        }
        for (size_t i = 0; i < header.count; i++) {
                if (!known[i] && fields_find(job->spec->ignore, header.items[i]) == NO_FIELD)
                        vec_push(job->arena, &job->unknown, (UnknownColumn){ .field = i });
        }
}

/* A key that no column takes and nobody ignores. */
static void note_unknown_keys(Job *job, size_t from) {
        const Fields *fields = &job->fields;
        for (size_t field = from; field < fields->header.count; field++) {
                bool known = fields_find(job->spec->ignore, fields->header.items[field]) != NO_FIELD ||
                             fields_find(job->spec->ignore, fields_key(fields, field)) != NO_FIELD;
                for (size_t i = 0; i < job->spec->column_count && !known; i++)
                        known = fields->places[i] == field;
                if (!known)
                        vec_push(job->arena, &job->unknown, (UnknownColumn){ .field = field });
        }
}

/* --- files that say their types --- */

/* Words for "nothing" could be any value, so where there are some all is read as text. */
static bool is_as_is(const Job *job, size_t column, size_t place) {
        const SourceColumn *wanted = &job->spec->columns[column];
        size_t words = wanted->has_nulls ? wanted->nulls.count : job->spec->format.nulls.count;
        return words == 0 && type_equal(reader_column(job->stager->reader, place)->type, wanted->type);
}

static Status check_type(Job *job, size_t column, Type type) {
        const SourceColumn *wanted = &job->spec->columns[column];
        if (typed_fits(type, wanted->type, wanted->zone_file.size > 0))
                return STATUS_OK;
        return error_reason(job->err, TYPE_CLASH, reason_text(str_slice(wanted->name, 0, 60)), reason_text(type_print(job->arena, wanted->type)),
                            reason_text(type_print(job->arena, type)));
}

/* Its columns are met all at once. */
static Status match_types(Job *job) {
        const StageSpec *spec = job->spec;
        job->as_is = ARENA_ARRAY(job->arena, bool, spec->column_count + 1);
        job->needs_text = spec->fix_count > 0 || spec->raw_field_id || spec->extra_field_id;
        for (size_t i = 0; i < spec->column_count; i++) {
                size_t place = job->fields.places[i];
                if (place == NO_FIELD)
                        continue;
                TRY(check_type(job, i, reader_column(job->stager->reader, place)->type));
                job->as_is[i] = is_as_is(job, i, place);
                job->needs_text |= !job->as_is[i];
        }
        return STATUS_OK;
}

/* All that the table is to have is the file's own, but for `_file` and `_row`. */
static void start_adopting(Job *job) {
        Stager *stager = job->stager;
        if (!job->may_adopt || job->needs_text || job->spec->witness_field_id)
                return;
        if (!stager->adoption)
                stager->adoption = parquet_adoption_new();
        job->adopts = adopt_start(stager->adoption, stager->reader, job->spec, job->fields.places, job->arena);
}

static void meet_keys(Job *job, size_t width) {
        size_t before = job->fields.header.count;
        fields_meet(&job->fields, job->stager->reader, width);
        note_unknown_keys(job, before);
        job->result->header = job->fields.header;
        job->result->keys = (StrList){ job->fields.keys.items, job->fields.keys.count };
}

static Status match_columns(Job *job) {
        TRY(fields_match(job->stager->reader, job->spec->columns, job->spec->column_count, job->arena, &job->fields, job->err));
        if (reader_is_keyed(job->stager->reader))
                return STATUS_OK;
        job->result->header = job->fields.header;
        note_missing(job);
        note_unknown(job);
        return STATUS_OK;
}

/* --- the two files --- */

static Status start_data(Job *job) {
        if (job->data_started)
                return STATUS_OK;
        const StageSpec *spec = job->spec;
        size_t count = spec->column_count;
        ParquetColumnSpec *columns = ARENA_ARRAY(job->arena, ParquetColumnSpec, count + 4);
        for (size_t i = 0; i < count; i++)
                columns[i] = (ParquetColumnSpec){ spec->columns[i].name, spec->columns[i].type,
                                                  spec->columns[i].field_id };
        columns[count] = (ParquetColumnSpec){ STR("_file"), { .kind = TYPE_BIGINT }, spec->file_field_id };
        columns[count + 1] = (ParquetColumnSpec){ STR("_row"), { .kind = TYPE_BIGINT }, spec->row_field_id };
        count += 2;
        if (spec->raw_field_id)
                columns[count++] = (ParquetColumnSpec){ STR("_raw"), { .kind = TYPE_TEXT }, spec->raw_field_id };
        else if (spec->extra_field_id)
                columns[count++] = (ParquetColumnSpec){ STR("_extra"), { .kind = TYPE_TEXT }, spec->extra_field_id };
        if (spec->witness_field_id)
                columns[count++] = (ParquetColumnSpec){ STR("_witness"), { .kind = TYPE_BIGINT }, spec->witness_field_id };
        ParquetOptions options = { .name = "the data file", .threads = spec->threads > 8 ? 8 : (int)spec->threads };
        TRY(parquet_writer_start(job->stager->data, job->files.data, columns, count, &options, job->err));
        job->data_started = true;
        return STATUS_OK;
}

static Status start_quarantine(Job *job) {
        static const ParquetColumnSpec columns[] = {
#define X(key, id, name, type) { STR(name), { .kind = TYPE_##type }, id },
                QUARANTINE_TABLE(X)
#undef X
        };
        if (job->quarantine_started)
                return STATUS_OK;
        ParquetOptions options = { .name = "the quarantine file" };
        TRY(parquet_writer_start(job->stager->quarantine, job->files.quarantine, columns, COUNT_OF(columns), &options,
                                 job->err));
        job->quarantine_started = true;
        return STATUS_OK;
}

/* Of the data file. */
static size_t witness_place(const StageSpec *spec) {
        return spec->column_count + 2 + (spec->raw_field_id || spec->extra_field_id);
}

/* So many whole rows were appended column by column. */
static Status end_rows(ParquetWriter *writer, size_t rows, Error *err) {
        writer->rows += (uint32_t)rows;
        return writer->rows >= writer->rows_due ? parquet_writer_flush(writer, err) : STATUS_OK;
}

/* --- texts that are told --- */

/* UTF-8 whatever the bytes are: what is not becomes U+FFFD, and so does NUL, which not every client can hold. */
static Str printable(Arena *arena, Str bytes) {
        if (utf8_valid(bytes) && !memchr(bytes.data ? bytes.data : "", 0, bytes.size))
                return bytes;
        char *text = arena_alloc_raw(arena, bytes.size * 3 + 1);
        size_t size = 0;
        for (size_t at = 0; at < bytes.size;) {
                uint32_t point;
                size_t step = utf8_decode(bytes, at, &point);
                size += utf8_encode(point ? point : 0xfffd, text + size);
                at += step;
        }
        return (Str){ text, size };
}

/* The first so many bytes of a text, whole characters, with dots if it was cut. */
static Str shown(Arena *arena, Str text, size_t most) {
        if (text.size <= most)
                return text;
        while (most > 0 && (text.data[most] & 0xc0) == 0x80)
                most--;
        return arena_strf(arena, "%.*s...", (int)most, text.data);
}

/* --- rows that fit --- */

typedef struct RowRange {
        size_t from, to;
        const bool *failed; /* NULL: none */
} RowRange;

/* The loop over rows that fit; `put` appends values[row]. */
#define PUT_ROWS(range, nulls, column, put)                        \
        for (size_t row = (range).from; row < (range).to; row++) { \
                if ((range).failed && (range).failed[row])         \
                        continue;                                  \
                if ((nulls)[row])                                  \
                        parquet_column_null(column);               \
                else                                               \
                        put;                                       \
        }

static void put_column(ParquetColumn *column, const Vector *vector, Type type, RowRange range) {
        switch (type.kind) {
        case TYPE_BOOLEAN:
                PUT_ROWS(range, vector->nulls, column, parquet_column_bool(column, vector->int64s[row] != 0));
                return;
        case TYPE_FLOAT:
                PUT_ROWS(range, vector->nulls, column, parquet_column_float(column, (float)vector->numbers[row]));
                return;
        case TYPE_DOUBLE:
                PUT_ROWS(range, vector->nulls, column, parquet_column_double(column, vector->numbers[row]));
                return;
        case TYPE_UUID:
                PUT_ROWS(range, vector->nulls, column, parquet_column_uuid(column, vector->uuids[row]));
                return;
        case TYPE_LIST:
        case TYPE_STRUCT:
                for (size_t row = range.from; row < range.to; row++)
                        if (!range.failed || !range.failed[row])
                                nested_put(column, &type, vector->nulls[row] ? NULL : vector->nested[row]);
                return;
        case TYPE_TEXT:
        case TYPE_BINARY:
                PUT_ROWS(range, vector->nulls, column,
                         parquet_column_bytes(column, vector->texts[row].data, vector->texts[row].size));
                return;
        default:
                if (typing_is_wide(type)) {
                        PUT_ROWS(range, vector->nulls, column, parquet_column_int128(column, vector->decimals[row]));
                } else {
                        PUT_ROWS(range, vector->nulls, column, parquet_column_int64(column, vector->int64s[row]));
                }
        }
}

static void put_nulls(ParquetColumn *column, Type type, size_t count) {
        for (size_t i = 0; i < count; i++) {
                if (type_is_nested(type))
                        nested_put(column, &type, NULL);
                else
                        parquet_column_null(column);
        }
}

/* --- keys of nested columns that their types lack --- */

static const NestedUnknown *unknown_of(const Job *job, size_t column, size_t row) {
        const Vector *vector = &job->stager->vectors[column];
        bool is_there = type_is_nested(job->spec->columns[column].type) && job->fields.places[column] != NO_FIELD && !vector->nulls[row];
        return is_there ? vector->nested[row]->unknown : NULL;
}

static void note_unknown_key(Job *job, size_t column, const NestedUnknown *unknown) {
        Map *keys = &job->unknown_keys;
        Str key = arena_strf(&job->stager->batch_arena, "%zu.%.*s", column, STR_ARG(unknown->path));
        if (!keys->arena)
                map_init(keys, job->arena);
        if (keys->count > TYPE_STRUCT_FIELDS_MAX || map_has(keys, key))
                return;
        StageUnknown *told = ARENA_NEW(job->arena, StageUnknown);
        *told = (StageUnknown){ .place = column + 1,
                                .path = arena_str(job->arena, unknown->path),
                                .type = { .kind = TYPE_TEXT },
                                .example = arena_str(job->arena, printable(job->arena, shown(job->arena, unknown->text, EXAMPLE_MAX))) };
        map_put(keys, key, told);
}

static void note_unknown_inside(Job *job, RowRange range) {
        for (size_t i = 0; i < job->spec->column_count; i++) {
                if (!type_is_nested(job->spec->columns[i].type))
                        continue;
                for (size_t row = range.from; row < range.to; row++)
                        for (const NestedUnknown *u = range.failed && range.failed[row] ? NULL : unknown_of(job, i, row); u; u = u->next)
                                note_unknown_key(job, i, u);
        }
}

static RescueKey *keys_to_rescue(const Job *job, size_t row, size_t *out_count) {
        Arena *arena = &job->stager->batch_arena;
        VEC(RescueKey) keys = { 0 };
        for (size_t i = 0; i < job->spec->column_count; i++)
                for (const NestedUnknown *u = unknown_of(job, i, row); u; u = u->next)
                        vec_push(arena, &keys, ((RescueKey){ nested_path_print(job->spec->columns[i].name, u->path, arena), u->text }));
        *out_count = keys.count;
        return keys.items;
}

static size_t count_fitting(RowRange range) {
        size_t count = range.to - range.from;
        for (size_t row = range.from; range.failed && row < range.to; row++)
                count -= range.failed[row];
        return count;
}

/* What the record has beyond the columns. */
static void put_extra(const Job *job, const RecordBatch *batch, RowRange range, ParquetColumn *column) {
        RescueField *fields = ARENA_ARRAY(&job->stager->batch_arena, RescueField, job->unknown.count + 1);
        for (size_t i = 0; i < job->unknown.count; i++) {
                size_t field = job->unknown.items[i].field;
                fields[i] = (RescueField){ field, job->result->header.items[field] };
        }
        for (size_t row = range.from; row < range.to; row++) {
                if (range.failed && range.failed[row])
                        continue;
                size_t key_count;
                const RescueKey *keys = keys_to_rescue(job, row, &key_count);
                Str text = rescue_text(&job->spec->format, batch, row, fields, job->unknown.count, keys, key_count, &job->stager->batch_arena);
                if (text.data)
                        parquet_column_bytes(column, text.data, text.size);
                else
                        parquet_column_null(column);
        }
}

/* What stands in the delivery, as it stands there. */
static void put_raw(const RecordBatch *batch, RowRange range, ParquetColumn *column) {
        RecordBatch walk = *batch; /* which counts lines on its own */
        for (size_t row = range.from; row < range.to; row++) {
                if (range.failed && range.failed[row])
                        continue;
                Str raw = record_origin(&walk, row).raw;
                parquet_column_bytes(column, raw.data ? raw.data : "", raw.size);
        }
}

static const Vector *values_of(const Job *job, const RecordBatch *batch, size_t column) {
        bool as_is = job->as_is && job->as_is[column] && batch->typed;
        return as_is ? &batch->typed->columns[job->fields.places[column]].values : &job->stager->vectors[column];
}

static Status put_range(Job *job, const RecordBatch *batch, RowRange range) {
        const StageSpec *spec = job->spec;
        ParquetWriter *writer = job->stager->data;
        size_t count = count_fitting(range);
        for (size_t i = 0; i < spec->column_count; i++) {
                if (job->fields.places[i] == NO_FIELD)
                        put_nulls(parquet_column(writer, i), spec->columns[i].type, count);
                else
                        put_column(parquet_column(writer, i), values_of(job, batch, i), spec->columns[i].type, range);
        }
        ParquetColumn *file = parquet_column(writer, spec->column_count), *ordinal = file + 1;
        for (size_t i = 0; i < count; i++)
                parquet_column_int64(file, spec->file_id);
        for (size_t row = range.from; row < range.to; row++) {
                if (!range.failed || !range.failed[row])
                        parquet_column_int64(ordinal, batch->records[row]);
        }
        if (spec->raw_field_id)
                put_raw(batch, range, ordinal + 1);
        else if (spec->extra_field_id)
                put_extra(job, batch, range, ordinal + 1);
        if (spec->witness_field_id)
                put_nulls(parquet_column(writer, witness_place(spec)), (Type){ .kind = TYPE_BIGINT }, count);
        note_unknown_inside(job, range);
        job->result->accepted += (int64_t)count;
        return end_rows(writer, count, job->err);
}

/* In parts that the row group has room for. */
static Status put_rows(Job *job, const RecordBatch *batch, const bool *failed) {
        if (count_fitting((RowRange){ 0, batch->rows, failed }) == 0)
                return STATUS_OK;
        TRY(start_data(job));
        ParquetWriter *writer = job->stager->data;
        for (size_t from = 0; from < batch->rows;) {
                size_t room = parquet_rows_room(writer), left = batch->rows - from;
                RowRange range = { from, from + (left < room ? left : room), failed };
                TRY(put_range(job, batch, range));
                from = range.to;
        }
        return STATUS_OK;
}

/* --- records that do not --- */

typedef struct Rejected {
        BadRecord bad;
        size_t column; /* of the spec; NO_FIELD: the whole record */
        Str field;     /* as it stands */
        const RecordBatch *batch;
        size_t row;    /* in the batch, whose columns are in the vectors; NO_ROW: no field can be told from another */
} Rejected;

static Misfit misfit_of(const Job *job, const Rejected *record, Arena *arena) {
        const BadRecord *bad = &record->bad;
        Misfit misfit = { .rule = bad->rule, .width = (int64_t)bad->width, .wanted = (int64_t)bad->wanted };
        if (bad->rule == RULE_INVALID_UTF8 || bad->rule == RULE_INVALID_BYTES)
                misfit_place(bad, &misfit.width, &misfit.wanted);
        if (record->column == NO_FIELD)
                return misfit;
        misfit.column = &job->spec->columns[record->column];
        Str field = field_unquote(&job->spec->format, record->field, arena);
        misfit.field = field;
        if (type_is_nested(misfit.column->type))
                nested_look_inside(&misfit, &job->typings[record->column], field, arena);
        misfit.field = shown(arena, printable(arena, str_slice(misfit.field, 0, 2 * FIELD_SHOWN_MAX)), FIELD_SHOWN_MAX);
        return misfit;
}

static void count_rule(Job *job, const Rejected *record, const Misfit *misfit) {
        size_t place = record->column == NO_FIELD ? 0 : record->column + 1;
        StageRule **slot = &job->found[place * RULE_COUNT + record->bad.rule];
        if (*slot) {
                (*slot)->count++;
                return;
        }
        Arena *arena = job->arena;
        Str text = record->column == NO_FIELD ? record->bad.raw : record->field;
        text = shown(arena, printable(arena, str_slice(text, 0, 2 * EXAMPLE_MAX)), EXAMPLE_MAX);
        *slot = ARENA_NEW(arena, StageRule);
        **slot = (StageRule){ .rule = misfit->rule,
                              .place = place,
                              .count = 1,
                              .record = record->bad.record,
                              .line = record->bad.line,
                              .text = arena_str(arena, text),
                              .field = arena_str(arena, misfit->field),
                              .path = arena_str(arena, misfit->path),
                              .width = misfit->width,
                              .wanted = misfit->wanted };
}

/* One row of the quarantine. */
typedef struct Kept {
        Str column, rule, message, state;
        Str cells; /* of a workbook */
} Kept;

static Status put_kept(Job *job, const BadRecord *bad, const Kept *kept) {
        TRY(start_quarantine(job));
        ParquetWriter *writer = job->stager->quarantine;
        bool is_cell = bad->sheet.size > 0;
        const struct {
                int64_t number;
                bool none;
        } numbers[] = { { job->spec->file_id, false },
                        { bad->record, false },
                        { bad->line, false },
                        { (int64_t)bad->offset, is_cell },
                        { (int64_t)bad->length, is_cell } };
        for (size_t i = 0; i < COUNT_OF(numbers); i++) {
                if (numbers[i].none)
                        parquet_column_null(parquet_column(writer, i));
                else
                        parquet_column_int64(parquet_column(writer, i), numbers[i].number);
        }
        const struct {
                Str text;
                bool none;
        } texts[] = { { kept->column, kept->column.size == 0 },
                      { kept->rule, false },
                      { kept->message, false },
                      { printable(&job->stager->batch_arena, bad->raw), false },
                      { bad->sheet, !is_cell },
                      { kept->cells, !is_cell },
                      { kept->state, false } };
        for (size_t i = 0; i < COUNT_OF(texts); i++) {
                ParquetColumn *into = parquet_column(writer, COUNT_OF(numbers) + i);
                if (texts[i].none)
                        parquet_column_null(into);
                else
                        parquet_column_bytes(into, texts[i].text.data, texts[i].text.size);
        }
        return parquet_row_end(writer, job->err);
}

/* The cell of the field, or all of the row; empty where there is no sheet. */
static Str cells_of(const Job *job, const BadRecord *bad, size_t column, Arena *arena) {
        size_t field = column == NO_FIELD ? NO_FIELD : job->fields.places[column];
        if (bad->sheet.size == 0)
                return STR("");
        if (field == NO_FIELD)
                return xlsx_cells_print(arena, bad->first_column, bad->width ? bad->width : job->result->header.count, bad->line);
        return xlsx_cells_print(arena, bad->first_column + field, 1, bad->line);
}

/* A record that no column can be cut from, in a table of the records as they landed. */
static Status put_malformed(Job *job, const BadRecord *bad) {
        const StageSpec *spec = job->spec;
        TRY(start_data(job));
        ParquetWriter *writer = job->stager->data;
        for (size_t i = 0; i < spec->column_count; i++)
                parquet_column_null(parquet_column(writer, i));
        ParquetColumn *file = parquet_column(writer, spec->column_count);
        Str raw = printable(&job->stager->batch_arena, bad->raw);
        parquet_column_int64(file, spec->file_id);
        parquet_column_int64(file + 1, bad->record);
        parquet_column_bytes(file + 2, raw.data ? raw.data : "", raw.size);
        job->result->accepted++;
        return parquet_row_end(writer, job->err);
}

static bool is_key(const StageSpec *spec, size_t column) {
        for (size_t i = 0; i < spec->key_count; i++)
                if (spec->keys[i] == column)
                        return true;
        return false;
}

/* That its key was there, whatever else it says; one that says no key stands for all of them. */
static Status put_witness(Job *job, const Rejected *record) {
        const StageSpec *spec = job->spec;
        const bool keyed = record->row != NO_ROW && !job->keyless[record->row];
        if (!keyed && job->result->keyless++ > 0)
                return STATUS_OK;
        TRY(start_data(job));
        ParquetWriter *writer = job->stager->data;
        for (size_t i = 0; i < spec->column_count; i++) {
                if (keyed && is_key(spec, i) && job->fields.places[i] != NO_FIELD)
                        put_column(parquet_column(writer, i), values_of(job, record->batch, i), spec->columns[i].type,
                                   (RowRange){ record->row, record->row + 1, NULL });
                else
                        put_nulls(parquet_column(writer, i), spec->columns[i].type, 1);
        }
        parquet_column_int64(parquet_column(writer, spec->column_count), spec->file_id);
        parquet_column_int64(parquet_column(writer, spec->column_count + 1), record->bad.record);
        if (spec->extra_field_id)
                parquet_column_null(parquet_column(writer, spec->column_count + 2));
        parquet_column_int64(parquet_column(writer, witness_place(spec)), keyed ? WITNESS_KEY : WITNESS_ANY);
        job->result->witnesses++;
        return parquet_row_end(writer, job->err);
}

static Status put_bad(Job *job, const Rejected *record) {
        if (job->spec->raw_field_id)
                return put_malformed(job, &record->bad);
        Arena *arena = &job->stager->batch_arena;
        const BadRecord *bad = &record->bad;
        Str column = record->column == NO_FIELD ? STR("") : job->spec->columns[record->column].name;
        Misfit misfit = misfit_of(job, record, arena);
        Kept kept = { column, str_of(rule_name(bad->rule)), misfit_words(&misfit, arena), STR("open"), cells_of(job, bad, record->column, arena) };
        count_rule(job, record, &misfit);
        job->result->quarantined++;
        if (job->spec->witness_field_id)
                TRY(put_witness(job, record));
        return put_kept(job, bad, &kept);
}

static Rejected bad_of_failure(const Job *job, RecordBatch *batch, TypingFailure failure) {
        RecordOrigin origin = record_origin(batch, failure.row);
        size_t field = job->fields.places[failure.column];
        BadRecord bad = { .rule = failure.rule,
                          .record = batch->records[failure.row],
                          .line = origin.line,
                          .offset = origin.offset,
                          .length = origin.length,
                          .raw = str_slice(origin.raw, 0, RECORD_RAW_MAX),
                          .sheet = origin.sheet,
                          .first_column = origin.first_column };
        return (Rejected){ bad, failure.column, field == NO_FIELD ? STR("") : record_field(batch, failure.row, field), batch, failure.row };
}

/* Bytes that are no text are in one field; the rest of what is wrong with a record is wrong with all of it. */
static Rejected rejected_of_bad(const Job *job, const BadRecord *bad) {
        size_t column = NO_FIELD;
        bool undecoded = bad->rule == RULE_INVALID_UTF8 || bad->rule == RULE_INVALID_BYTES;
        bool one_field = undecoded || bad->value.data;
        for (size_t i = 0; one_field && i < job->spec->column_count && column == NO_FIELD; i++) {
                if (job->fields.places[i] == bad->field)
                        column = i;
        }
        return (Rejected){ *bad, column, bad->value.data && column != NO_FIELD ? bad->value : bad->raw, NULL, NO_ROW };
}

/* Both lists are in order of record. */
static Status put_quarantine(Job *job, RecordBatch *batch) {
        const TypingFailures *failures = &job->stager->failures;
        size_t f = 0, b = 0;
        while (f < failures->count || b < batch->bad_count) {
                Rejected record;
                if (f == failures->count ||
                    (b < batch->bad_count && batch->bad[b].record < batch->records[failures->items[f].row]))
                        record = rejected_of_bad(job, &batch->bad[b++]);
                else
                        record = bad_of_failure(job, batch, failures->items[f++]);
                TRY(put_bad(job, &record));
        }
        return STATUS_OK;
}

/* --- typing --- */

static void type_missing(Job *job, const RecordBatch *batch, size_t column) {
        if (!job->spec->columns[column].required)
                return;
        for (size_t row = 0; row < batch->rows; row++)
                typing_failures_add(&job->stager->failures, row, column, RULE_REQUIRED_MISSING);
}

static void look_as_is(Job *job, const RecordBatch *batch, size_t column) {
        const bool *nulls = values_of(job, batch, column)->nulls;
        if (job->spec->columns[column].type.kind == TYPE_TEXT)
                typing_look_at_texts(&job->typings[column], values_of(job, batch, column), batch->rows);
        for (size_t row = 0; row < batch->rows && job->spec->columns[column].required; row++)
                if (nulls[row])
                        typing_failures_add(&job->stager->failures, row, column, RULE_REQUIRED_MISSING);
}

static void note_keyless(Job *job, const RecordBatch *batch) {
        const TypingFailures *failures = &job->stager->failures;
        if (!job->spec->witness_field_id)
                return;
        job->keyless = ARENA_ARRAY(&job->stager->batch_arena, bool, batch->rows + 1);
        for (size_t i = 0; i < failures->count; i++)
                job->keyless[failures->items[i].row] |= is_key(job->spec, failures->items[i].column);
}

/* Every column into its vector; of each row that does not fit the first failure stays. */
static void type_rows(Job *job, const RecordBatch *batch) {
        Stager *stager = job->stager;
        stager->failures.count = 0;
        for (size_t i = 0; i < job->spec->column_count && batch->rows > 0; i++) {
                if (job->fields.places[i] == NO_FIELD)
                        type_missing(job, batch, i);
                else if (job->as_is && job->as_is[i] && batch->typed)
                        look_as_is(job, batch, i);
                else
                        typing_column(&job->typings[i], batch, job->fields.places[i], i, &stager->batch_arena, &stager->vectors[i],
                                      &stager->failures);
        }
        note_keyless(job, batch);
        typing_failures_sort(&stager->failures);
}

/* --- records that somebody corrected --- */

/* The fix of the record that begins there and reads like this; NULL where there is none. */
static const StageFix *find_fix(Job *job, uint64_t offset, Str raw) {
        const StageSpec *spec = job->spec;
        size_t low = 0, high = spec->fix_count;
        while (low < high) {
                size_t middle = low + (high - low) / 2;
                if (spec->fixes[middle].offset < offset)
                        low = middle + 1;
                else
                        high = middle;
        }
        if (low == spec->fix_count || spec->fixes[low].offset != offset)
                return NULL;
        Str kept = printable(&job->stager->batch_arena, str_slice(raw, 0, RECORD_RAW_MAX));
        if (spec->fixes[low].raw_hash != hash64_stable(kept))
                return NULL;
        job->result->unmet--;
        return &spec->fixes[low];
}

static void add_fixed(Job *job, const StageFix *fix, BadRecord bad, size_t row) {
        bad.raw = str_slice(bad.raw, 0, RECORD_RAW_MAX);
        vec_push(&job->stager->batch_arena, &job->fixed, (Fixed){ fix, bad, row });
}

static void take_fixed_rows(Job *job, const RecordBatch *batch) {
        RecordBatch walk = *batch; /* which counts lines on its own */
        for (size_t row = 0; row < batch->rows; row++) {
                RecordOrigin origin = record_origin(&walk, row);
                const StageFix *fix = find_fix(job, origin.sheet.size ? (uint64_t)origin.line : origin.offset, origin.raw);
                BadRecord record = { .record = batch->records[row], .line = origin.line, .offset = origin.offset, .length = origin.length, .sheet = origin.sheet, .first_column = origin.first_column, .raw = origin.raw };
                if (fix)
                        add_fixed(job, fix, record, row);
        }
}

static void take_fixed_bad(Job *job, RecordBatch *batch) {
        BadRecord *others = ARENA_ARRAY(&job->stager->batch_arena, BadRecord, batch->bad_count + 1);
        size_t count = 0;
        for (size_t i = 0; i < batch->bad_count; i++) {
                const BadRecord *bad = &batch->bad[i];
                const StageFix *fix = find_fix(job, bad->sheet.size ? (uint64_t)bad->line : bad->offset, bad->raw);
                if (fix)
                        add_fixed(job, fix, batch->bad[i], NO_ROW);
                else
                        others[count++] = batch->bad[i];
        }
        batch->bad = others;
        batch->bad_count = count;
}

static bool is_fixed_row(const Job *job, size_t row) {
        for (size_t i = 0; i < job->fixed.count; i++)
                if (job->fixed.items[i].row == row)
                        return true;
        return false;
}

/* Sets aside the batch's records that a fix is for: they are neither put into the table nor into quarantine as they stand. */
static void take_fixed(Job *job, RecordBatch *batch) {
        TypingFailures *failures = &job->stager->failures;
        memset(&job->fixed, 0, sizeof(job->fixed));
        if (job->spec->fix_count == 0)
                return;
        take_fixed_rows(job, batch);
        take_fixed_bad(job, batch);
        size_t kept = 0;
        for (size_t i = 0; i < failures->count; i++)
                if (!is_fixed_row(job, failures->items[i].row))
                        failures->items[kept++] = failures->items[i];
        failures->count = kept;
}

/* What became of it stays in the quarantine, with the reason for which it was there. */
static Status put_closed(Job *job, const Fixed *fixed, Str state) {
        const StageFix *fix = fixed->fix;
        Kept kept = { fix->column, fix->rule, fix->message, state, cells_of(job, &fixed->record, NO_FIELD, &job->stager->batch_arena) };
        return put_kept(job, &fixed->record, &kept);
}

/* column NO_FIELD: it is none that could be typed. */
static Status put_unfit(Job *job, const Fixed *fixed, const FixedRecord *made, size_t column, Str field) {
        Rejected rejected = { fixed->record, column, field, &made->batch, column == NO_FIELD ? NO_ROW : 0 };
        rejected.bad.rule = made->rule;
        rejected.bad.width = made->width;
        rejected.bad.wanted = made->wanted;
        return put_bad(job, &rejected);
}

static size_t *places_of_fix(const Job *job, const StageFix *fix) {
        size_t *places = ARENA_ARRAY(&job->stager->batch_arena, size_t, fix->columns.count + 1);
        for (size_t i = 0; i < fix->columns.count; i++) {
                places[i] = NO_FIELD;
                for (size_t j = 0; j < job->spec->column_count; j++)
                        if (str_equal_nocase(job->spec->columns[j].name, fix->columns.items[i]))
                                places[i] = job->fields.places[j];
        }
        return places;
}

static Status put_made(Job *job, const Fixed *fixed, FixedRecord *made) {
        Stager *stager = job->stager;
        type_rows(job, &made->batch);
        if (stager->failures.count > 0) {
                TypingFailure failure = stager->failures.items[0];
                size_t place = job->fields.places[failure.column];
                made->rule = failure.rule;
                made->width = 0;
                return put_unfit(job, fixed, made, failure.column, place == NO_FIELD ? STR("") : record_field(&made->batch, 0, place));
        }
        job->result->fixed++;
        TRY(put_rows(job, &made->batch, NULL));
        return put_closed(job, fixed, STR("replayed"));
}

static Status put_fixed(Job *job, const RecordBatch *batch, const Fixed *fixed) {
        Stager *stager = job->stager;
        if (fixed->fix->drop) {
                job->result->dropped++;
                return put_closed(job, fixed, STR("dropped"));
        }
        FixedRecord made;
        if (!stager->fix_reader)
                stager->fix_reader = reader_new();
        FixPlace at = { &job->spec->format, job->result->header.count, places_of_fix(job, fixed->fix), job->spec, fixed->row == NO_ROW ? NULL : batch,
                        fixed->row, fixed->record.record };
        TRY(fix_record(fixed->fix, &at, stager->fix_reader, &stager->batch_arena, &made, job->err));
        if (made.rule != RULE_NONE)
                return put_unfit(job, fixed, &made, NO_FIELD, STR(""));
        Fields fields = job->fields;
        size_t unknown_count = job->unknown.count;
        if (made.fields) {
                job->fields = *made.fields;
                job->unknown.count = 0;
        }
        Status status = put_made(job, fixed, &made);
        job->fields = fields;
        job->unknown.count = unknown_count;
        return status;
}

static Status put_all_fixed(Job *job, const RecordBatch *batch) {
        for (size_t i = 0; i < job->fixed.count; i++)
                TRY(put_fixed(job, batch, &job->fixed.items[i]));
        return STATUS_OK;
}

/* --- columns that the source does not know --- */

/* The file says its type: the first value and the number of NULLs are all that is wanted. */
static void collect_typed(Job *job, const RecordBatch *batch, UnknownColumn *unknown) {
        const TypedColumn *column = &batch->typed->columns[unknown->field];
        for (size_t row = 0; row < batch->rows; row++) {
                unknown->nulls += column->values.nulls[row];
                if (!column->values.nulls[row] && unknown->texts.count == 0)
                        vec_push(job->arena, &unknown->texts, arena_str(job->arena, typed_print(&job->stager->batch_arena, column->type, &column->values, row)));
        }
}

static void collect_unknown(Job *job, const RecordBatch *batch) {
        for (size_t i = 0; i < job->unknown.count; i++) {
                UnknownColumn *unknown = &job->unknown.items[i];
                if (batch->typed) {
                        collect_typed(job, batch, unknown);
                        continue;
                }
                for (size_t row = 0; row < batch->rows; row++) {
                        if (unknown->texts.count == UNKNOWN_VALUES_MAX || unknown->bytes > UNKNOWN_BYTES_MAX)
                                break;
                        Str field = arena_str(job->arena, record_field(batch, row, unknown->field));
                        unknown->bytes += field.size;
                        vec_push(job->arena, &unknown->texts, field);
                }
        }
}

static StageUnknown told_unknown(const Job *job, const UnknownColumn *unknown) {
        Str example = unknown->texts.count > 0 ? unknown->texts.items[0] : STR_NONE;
        return (StageUnknown){ .name = job->result->header.items[unknown->field],
                               .type = reader_column(job->stager->reader, unknown->field)->type,
                               .nulls = unknown->nulls,
                               .example = printable(job->arena, shown(job->arena, example, EXAMPLE_MAX)) };
}

static void guess_unknown(Job *job) {
        StageResult *result = job->result;
        const Map *keys = &job->unknown_keys;
        result->unknown_count = job->unknown.count + keys->count;
        result->unknown = ARENA_ARRAY(job->arena, StageUnknown, result->unknown_count + 1);
        for (size_t i = 0; i < keys->count; i++)
                result->unknown[job->unknown.count + i] = *(StageUnknown *)keys->entries[i].value;
        for (size_t i = 0; i < job->unknown.count; i++) {
                const UnknownColumn *unknown = &job->unknown.items[i];
                ColumnGuess guess;
                if (reader_is_typed(job->stager->reader)) {
                        result->unknown[i] = told_unknown(job, unknown);
                        continue;
                }
                guess_column(&job->spec->format, unknown->texts.items, unknown->texts.count, true, job->arena, &guess);
                /* the source's own patterns and characters hold, so only what fits them is typed */
                bool plain = guess.misfits == 0 && guess.date_count == 0 && guess.thousands == 0 &&
                             guess.null_count == 0 && !guess.empty_is_null &&
                             (guess.decimal == 0 || guess.decimal == job->rules.decimal);
                result->unknown[i] = (StageUnknown){
                        .name = result->header.items[unknown->field],
                        .type = plain ? guess.type : (Type){ .kind = TYPE_TEXT },
                        .nulls = guess.nulls,
                        .example = printable(job->arena, shown(job->arena, guess.example, EXAMPLE_MAX)),
                };
        }
}

/* --- the job --- */

/* Rows that are not put into the table as they stand. */
static void mark_failed(Job *job, size_t rows) {
        Stager *stager = job->stager;
        if (rows > stager->failed_room) {
                free(stager->failed);
                stager->failed_room = rows + rows / 4;
                stager->failed = malloc(stager->failed_room);
                if (!stager->failed)
                        out_of_memory();
        }
        if (rows > 0)
                memset(stager->failed, 0, rows);
        for (size_t i = 0; i < stager->failures.count; i++)
                stager->failed[stager->failures.items[i].row] = true;
        for (size_t i = 0; i < job->fixed.count; i++)
                if (job->fixed.items[i].row != NO_ROW)
                        stager->failed[job->fixed.items[i].row] = true;
}

/* Records that were all looked at: if each fits, their pages are the table's. */
static void adopt_records(Job *job, const RecordBatch *batch) {
        Stager *stager = job->stager;
        bool all_fit = stager->failures.count == 0 && batch->bad_count == 0;
        job->in_vain = !all_fit || !adopt_batch(stager->adoption, stager->reader, job->spec, job->fields.places, &stager->batch_arena);
        job->result->accepted += (int64_t)batch->rows;
        collect_unknown(job, batch);
}

static Status stage_batch(Job *job, RecordBatch *batch) {
        Stager *stager = job->stager;
        arena_reset(&stager->batch_arena);
        if (job->needs_text)
                TRY(reader_text(stager->reader, batch, job->err));
        type_rows(job, batch);
        if (job->adopts) {
                adopt_records(job, batch);
                return STATUS_OK;
        }
        if (job->as_is && stager->failures.count > 0)
                TRY(reader_text(stager->reader, batch, job->err)); /* the quarantine shows it */
        take_fixed(job, batch);
        bool all_fit = stager->failures.count == 0 && job->fixed.count == 0;
        if (!all_fit)
                mark_failed(job, batch->rows);
        TRY(put_rows(job, batch, all_fit ? NULL : stager->failed));
        TRY(put_quarantine(job, batch));
        collect_unknown(job, batch);
        return put_all_fixed(job, batch);
}

static Status stage_batches(Job *job, StageProgress progress) {
        uint64_t reported = 0;
        while (true) {
                RecordBatch batch;
                bool end;
                TRY(reader_next(job->stager->reader, &batch, &end, job->err));
                if (end)
                        return STATUS_OK;
                if (reader_is_keyed(job->stager->reader))
                        meet_keys(job, batch.width);
                TRY(stage_batch(job, &batch));
                if (job->in_vain)
                        return STATUS_OK;
                uint64_t raw = reader_read_raw(job->stager->reader);
                if (!progress.report || raw - reported < PROGRESS_EVERY)
                        continue;
                reported = raw;
                if (!progress.report(progress.context, raw))
                        return error_reason(job->err, INTERRUPTED);
        }
}

static Status stage_records(Job *job, StageProgress progress) {
        RecordReader *reader = job->stager->reader;
        bool keyed = reader_is_keyed(reader);
        if (reader_width(reader) == 0 && !keyed)
                return STATUS_OK;
        TRY(match_columns(job));
        if (reader_is_typed(reader)) {
                meet_keys(job, reader_width(reader));
                TRY(match_types(job));
                start_adopting(job);
        }
        TRY(stage_batches(job, progress));
        if (!keyed || job->in_vain)
                return STATUS_OK;
        meet_keys(job, reader_width(reader)); /* those that never had a value */
        note_missing(job);
        return fields_check(&job->fields, job->err);
}

static Status finish_adoption(Job *job) {
        const StageSpec *spec = job->spec;
        ParquetAdopter adopter = { "the data file", spec->file_id, spec->file_field_id, spec->row_field_id };
        if (job->result->accepted == 0)
                return STATUS_OK;
        return parquet_adoption_finish(job->stager->adoption, job->files.in, job->files.data, &adopter, job->arena, &job->result->data, job->err);
}

static Status finish_files(Job *job) {
        if (job->adopts)
                return finish_adoption(job);
        if (job->data_started)
                TRY(parquet_writer_finish(job->stager->data, job->arena, &job->result->data, job->err));
        if (job->quarantine_started)
                TRY(parquet_writer_finish(job->stager->quarantine, job->arena, &job->result->quarantine, job->err));
        return STATUS_OK;
}

static int compare_rules(const void *a, const void *b) {
        const StageRule *x = a, *y = b;
        if (x->count != y->count)
                return x->count > y->count ? -1 : 1;
        return x->record < y->record ? -1 : x->record > y->record;
}

static void collect_rules(Job *job) {
        size_t places = (job->spec->column_count + 1) * RULE_COUNT;
        VEC(StageRule) rules = { 0 };
        for (size_t i = 0; i < places; i++) {
                if (job->found[i])
                        vec_push(job->arena, &rules, *job->found[i]);
        }
        if (rules.count > 1)
                qsort(rules.items, rules.count, sizeof(*rules.items), compare_rules);
        job->result->rules = rules.items;
        job->result->rule_count = rules.count < RULES_TOLD_MAX ? rules.count : RULES_TOLD_MAX;
}

static void collect_remarks(Job *job) {
        VEC(StageRemark) remarks = { 0 };
        for (size_t i = 0; i < job->spec->column_count; i++) {
                for (int j = 0; j < REMARK_COUNT; j++) {
                        Str text = { job->remarks[i].of[j].text, job->remarks[i].of[j].size };
                        if (job->remarks[i].of[j].count > 0)
                                vec_push(job->arena, &remarks, ((StageRemark){ .remark = (Remark)j, .place = i, .count = job->remarks[i].of[j].count, .text = printable(job->arena, text) }));
                }
        }
        job->result->remarks = remarks.items;
        job->result->remark_count = remarks.count;
}

static void take_counts(Job *job) {
        const RecordCounts *counts = reader_counts(job->stager->reader);
        StageResult *result = job->result;
        result->records = counts->records;
        result->headers = counts->headers;
        result->blanks = counts->blanks;
        result->comments = counts->comments;
        result->preamble = counts->preamble;
        result->footers = counts->footers;
        result->full = counts->full;
        result->full_line = counts->full_line;
        result->skipped = counts->headers + counts->blanks + counts->comments + counts->preamble + counts->footers + result->dropped;
        result->bytes = (int64_t)counts->bytes;
}

static Status check_spec(const StageSpec *spec, Error *err) {
        TRY(format_check(&spec->format, err));
        if (spec->column_count == 0 || spec->column_count > FORMAT_COLUMNS_MAX)
                return error_reason(err, REFUSED);
        return STATUS_OK;
}

static Status prepare(Job *job) {
        const StageSpec *spec = job->spec;
        Stager *stager = job->stager;
        TRY(check_spec(spec, job->err));
        TRY(typing_rules_init(&job->rules, &spec->format, job->arena, job->err));
        job->typings = ARENA_ARRAY(job->arena, Typing, spec->column_count);
        job->remarks = ARENA_ARRAY(job->arena, Remarks, spec->column_count);
        for (size_t i = 0; i < spec->column_count; i++) {
                TRY(typing_init(&job->typings[i], &job->rules, &spec->columns[i], job->arena, job->err));
                job->typings[i].remarks = &job->remarks[i];
        }
        if (spec->column_count > stager->vector_count) {
                stager->vectors = reallocarray(stager->vectors, spec->column_count, sizeof(*stager->vectors));
                if (!stager->vectors)
                        out_of_memory();
                memset(stager->vectors + stager->vector_count, 0,
                       (spec->column_count - stager->vector_count) * sizeof(*stager->vectors));
                stager->vector_count = spec->column_count;
        }
        job->found = ARENA_ARRAY(job->arena, StageRule *, (spec->column_count + 1) * RULE_COUNT);
        return STATUS_OK;
}

static Status run(Job *job, StageProgress progress) {
        const StageSpec *spec = job->spec;
        TRY(prepare(job));
        job->result->unmet = (int64_t)spec->fix_count;
        Source source = source_of_fd(&job->files.in);
        ReaderOptions options = { .format = &spec->format,
                                  .width = spec->column_count + spec->ignore.count,
                                  .names = fields_wanted(&spec->format, spec->columns, spec->column_count, spec->ignore, job->arena),
                                  .texts = fields_texts(spec->columns, spec->column_count, job->arena),
                                  .needed = spec->column_count,
                                  .values = true,
                                  .limit = spec->input_limit };
        TRY(reader_start(job->stager->reader, &options, source, job->err));
        TRY(stage_records(job, progress));
        if (job->in_vain)
                return STATUS_OK;
        TRY(finish_files(job));
        take_counts(job);
        collect_rules(job);
        collect_remarks(job);
        guess_unknown(job);
        const StageResult *result = job->result;
        if (result->records != result->accepted + result->quarantined + result->skipped)
                return error_reason(job->err, COUNTS, reason_number(result->records), reason_number(result->accepted),
                                    reason_number(result->quarantined), reason_number(result->skipped));
        return STATUS_OK;
}

Status stage_run(Stager *stager, const StageSpec *spec, StageFiles files, StageProgress progress, Arena *arena,
                 StageResult *out, Error *err) {
        StageResult result = { .records = 0 };
        Job job = { .stager = stager, .spec = spec, .files = files, .arena = arena, .result = &result, .err = err, .may_adopt = true };
        Status status = run(&job, progress);
        if (status == STATUS_OK && job.in_vain) {
                result = (StageResult){ .records = 0 };
                job = (Job){ .stager = stager, .spec = spec, .files = files, .arena = arena, .result = &result, .err = err };
                status = run(&job, progress);
        }
        arena_reset(&stager->batch_arena);
        if (status != STATUS_OK) {
                parquet_writer_abort(stager->data);
                parquet_writer_abort(stager->quarantine);
                return status;
        }
        *out = result;
        return STATUS_OK;
}
