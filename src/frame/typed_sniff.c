/* SPDX-License-Identifier: Apache-2.0 */
#include "frame/typed_sniff.h"

#include "base/reason.h"
#include "frame/avro_reader.h"
#include "frame/json_tree.h"
#include "frame/parquet_reader.h"
#include "frame/sniff_parts.h"
#include "frame/typed.h"
#include "frame/unseen.h"

/* What the bytes of a column look like. */
typedef struct BytesLook {
        int64_t words, others; /* values that are text for eyes, and that are not */
} BytesLook;

/* Its texts with what no eye sees at an edge. */
typedef struct UnseenLook {
        size_t count;
        Str first;
} UnseenLook;

typedef struct TypedSniff {
        RecordReader *reader;
        Arena *arena;
        Sniffed *out;
        SniffedRows *rows;
        size_t preview_max;
        BytesLook *looks; /* of each column */
        UnseenLook *unseen;
} TypedSniff;

FormatKind typed_kind_of(Str head) {
        if (str_starts_with(head, PARQUET_FILE_MAGIC) || str_starts_with(head, PARQUET_FILE_MAGIC_ENCRYPTED))
                return FORMAT_PARQUET;
        return str_starts_with(head, AVRO_MAGIC) ? FORMAT_AVRO : FORMAT_KIND_COUNT;
}

static void name_columns(TypedSniff *sniff) {
        Arena *arena = sniff->arena;
        Sniffed *out = sniff->out;
        Map taken;
        map_init(&taken, arena);
        out->column_count = reader_width(sniff->reader);
        out->columns = ARENA_ARRAY(arena, SniffedColumn, out->column_count + 1);
        for (size_t i = 0; i < out->column_count; i++) {
                const TypedColumn *column = reader_column(sniff->reader, i);
                Str key = arena_str(arena, reader_key(sniff->reader, i)), wanted = json_path_name(key, arena);
                Str name = name_claim(&taken, arena, wanted, i + 1);
                out->columns[i] = (SniffedColumn){ .name = name, .key = key, .guess = { .type = column->type } };
                if (!str_equal(name, wanted))
                        sniffed_doubt(arena, out, name, arena_strf(arena, "'%.*s' gives a name that is taken", STR_ARG(key)),
                                      arena_strf(arena, "named %.*s", STR_ARG(name)));
                if (column->doubt)
                        sniffed_doubt(arena, out, name, str_of(column->doubt), str_of(column->assumed));
        }
}

static bool is_words(Str bytes) {
        bool plain = utf8_valid(bytes);
        for (size_t i = 0; i < bytes.size && plain; i++)
                plain = (uint8_t)bytes.data[i] >= 0x20 || (bytes.data[i] >= '\t' && bytes.data[i] <= '\r');
        return plain;
}

static void look_at_bytes(const TypedColumn *column, size_t rows, BytesLook *look) {
        for (size_t row = 0; row < rows; row++)
                if (!column->values.nulls[row] && column->values.texts[row].size > 0)
                        *(is_words(column->values.texts[row]) ? &look->words : &look->others) += 1;
}

static void look_at_texts(TypedSniff *sniff, const TypedColumn *column, size_t rows, UnseenLook *look) {
        for (size_t row = 0; row < rows; row++) {
                Str text = column->values.texts[row];
                if (!column->values.nulls[row] && unseen_at_edge(text) && look->count++ == 0)
                        look->first = arena_str(sniff->arena, text);
        }
}

static void doubt_unseen(TypedSniff *sniff) {
        for (size_t i = 0; i < sniff->out->column_count; i++)
                if (sniff->unseen[i].count > 0)
                        sniffed_doubt(sniff->arena, sniff->out, sniff->out->columns[i].name,
                                      unseen_words(sniff->arena, sniff->unseen[i].count, sniff->unseen[i].first), STR(UNSEEN_ASSUMED));
}

static Str words_of_hex(Arena *arena, Str hex) {
        char *words = arena_alloc_raw(arena, hex.size);
        size_t size = 0;
        for (size_t i = 2; i + 1 < hex.size; i += 2)
                words[size++] = (char)strtol((char[]){ hex.data[i], hex.data[i + 1], 0 }, NULL, 16);
        return (Str){ words, size };
}

/* Old writers do not say that bytes are text. */
static void settle_bytes(TypedSniff *sniff) {
        Sniffed *out = sniff->out;
        for (size_t i = 0; i < out->column_count; i++) {
                ColumnGuess *guess = &out->columns[i].guess;
                if (sniff->looks[i].words == 0 || sniff->looks[i].others > 0)
                        continue;
                guess->type = (Type){ .kind = TYPE_TEXT };
                guess->example = words_of_hex(sniff->arena, guess->example);
                for (size_t row = 0; row < sniff->rows->preview_count; row++) {
                        Str *shown = &sniff->rows->preview[row * out->column_count + i];
                        if (shown->data)
                                *shown = words_of_hex(sniff->arena, *shown);
                }
                sniffed_doubt(sniff->arena, out, out->columns[i].name, STR("the file has it as bytes, and all of those that were looked at are words"),
                              STR("text"));
        }
}

static void take_batch(TypedSniff *sniff, const RecordBatch *batch) {
        Sniffed *out = sniff->out;
        for (size_t i = 0; i < out->column_count; i++) {
                const TypedColumn *column = &batch->typed->columns[i];
                ColumnGuess *guess = &out->columns[i].guess;
                if (column->type.kind == TYPE_BINARY)
                        look_at_bytes(column, batch->rows, &sniff->looks[i]);
                else if (column->type.kind == TYPE_TEXT)
                        look_at_texts(sniff, column, batch->rows, &sniff->unseen[i]);
                for (size_t row = 0; row < batch->rows; row++) {
                        guess->nulls += column->values.nulls[row];
                        if (guess->example.data || column->values.nulls[row])
                                continue;
                        guess->example = arena_str(sniff->arena, typed_print(sniff->arena, column->type, &column->values, row));
                }
        }
        SniffedRows *rows = sniff->rows;
        for (size_t row = 0; row < batch->rows && rows->preview_count < sniff->preview_max; row++) {
                Str *put = rows->preview + rows->preview_count++ * out->column_count;
                for (size_t i = 0; i < out->column_count; i++) {
                        const TypedColumn *column = &batch->typed->columns[i];
                        bool null = column->values.nulls[row];
                        put[i] = null ? STR_NONE : arena_str(sniff->arena, typed_print(sniff->arena, column->type, &column->values, row));
                }
        }
}

/* What the file says of the part that was not read. */
static void take_told(TypedSniff *sniff) {
        Sniffed *out = sniff->out;
        int64_t rows = reader_rows(sniff->reader);
        if (out->whole || rows < 0)
                return;
        out->whole = true;
        sniff->rows->counts.records = rows;
        for (size_t i = 0; i < out->column_count; i++) {
                int64_t nulls = reader_nulls(sniff->reader, i);
                if (nulls >= 0)
                        out->columns[i].guess.nulls = nulls;
        }
}

Status typed_sniff(FormatKind kind, Source source, size_t sample_bytes, size_t preview_max, Arena *arena, Sniffed *out, SniffedRows *rows,
                   Error *err) {
        CLEANUP(reader_freep) RecordReader *reader = reader_new();
        *out = (Sniffed){ .format = format_default() };
        *rows = (SniffedRows){ .preview_count = 0 };
        out->format.kind = kind;
        TypedSniff sniff = { .reader = reader, .arena = arena, .out = out, .rows = rows, .preview_max = preview_max };
        ReaderOptions options = { .format = &out->format, .values = true };
        TRY(reader_start(reader, &options, source, err));
        name_columns(&sniff);
        if (out->column_count == 0)
                return error_reason(err, NO_RECORDS);
        sniff.looks = ARENA_ARRAY(arena, BytesLook, out->column_count + 1);
        sniff.unseen = ARENA_ARRAY(arena, UnseenLook, out->column_count + 1);
        rows->preview = ARENA_ARRAY(arena, Str, preview_max * out->column_count + 1);
        while (!out->whole && reader_read_raw(reader) < sample_bytes) {
                RecordBatch batch;
                TRY(reader_next(reader, &batch, &out->whole, err));
                if (!out->whole)
                        take_batch(&sniff, &batch);
        }
        rows->counts = *reader_counts(reader);
        rows->quarantined = rows->counts.bad;
        settle_bytes(&sniff);
        doubt_unseen(&sniff);
        take_told(&sniff);
        rows->accepted = rows->counts.records - rows->quarantined;
        return STATUS_OK;
}
