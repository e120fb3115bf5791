/* SPDX-License-Identifier: Apache-2.0 */
#include "frame/xlsx.h"


#include "base/expression.h"
#include "base/reason.h"
#include "frame/skipped.h"

#define BATCH_BYTES (1u << 20)
#define NAMES_SHOWN 40 /* bytes of what stands in the header, in a message */

typedef struct XlsxReader {
        const Format *format;
        XlsxRange range;
        uint64_t limit;
        Arena arena; /* of the file */
        XlsxBook *book;
        size_t *sheets, sheet_count, next_sheet;
        XlsxRows *rows;
        Str sheet; /* the name of the one that is read */
        bool wants_header;
        Str *names; /* the header's texts */
        bool has_names;
        size_t width;
        int64_t base, row; /* records before this sheet; the last row of it that was counted */
        uint64_t bytes;    /* of the sheets before */
        regex_t footer;
        bool has_footer;
        RecordCounts counts;
        /* the batch */
        Buf text, starts, ends, records, origins, bads, raws, line;
        bool handed; /* and may go */
        bool headers_differ;
} XlsxReader;

/* --- which sheets --- */

static bool is_wanted(const XlsxBook *book, size_t sheet, Str wanted) {
        const XlsxSheet *it = xlsx_sheet(book, sheet);
        bool is_pattern = str_find_byte(wanted, '*') < wanted.size || str_find_byte(wanted, '?') < wanted.size;
        return is_pattern ? str_matches_glob(it->name, wanted) : xlsx_sheet_find(book, wanted) == sheet;
}

static size_t first_sheet(const XlsxBook *book) {
        for (size_t i = 0; i < xlsx_sheet_count(book); i++) {
                if (!xlsx_sheet(book, i)->hidden)
                        return i;
        }
        return 0;
}

Status xlsx_choose_sheets(const XlsxBook *book, StrList wanted, Arena *arena, size_t **out, size_t *out_count, Error *err) {
        size_t count = xlsx_sheet_count(book), chosen = 0;
        size_t *sheets = ARENA_ARRAY(arena, size_t, count + 1);
        bool *found = ARENA_ARRAY(arena, bool, wanted.count + 1);
        for (size_t i = 0; i < count; i++) {
                bool any = wanted.count == 0 && i == first_sheet(book);
                for (size_t k = 0; k < wanted.count; k++) {
                        bool is_it = is_wanted(book, i, wanted.items[k]);
                        found[k] |= is_it;
                        any |= is_it;
                }
                if (any)
                        sheets[chosen++] = i;
        }
        for (size_t k = 0; k < wanted.count; k++) {
                if (!found[k])
                        return error_reason(err, SHEET_NONE, reason_text(str_slice(wanted.items[k], 0, NAMES_SHOWN)),
                                            reason_text(xlsx_sheet_names(book, arena)));
        }
        *out = sheets;
        *out_count = chosen;
        return STATUS_OK;
}

/* --- fields --- */

void xlsx_put_field(Buf *out, const XlsxCell *cell) {
        if (cell->kind == XLSX_TEXT)
                buf_append_quoted(out, cell->text, '"');
        else
                buf_append(out, cell->text);
}

/* All fields of a row, of empty cells too; the ends of the first `width` of them. */
static void put_fields(const XlsxReader *reader, const XlsxRow *row, size_t width, Buf *text, Buf *ends) {
        size_t next = 0;
        for (size_t i = 0; i < width; i++) {
                const XlsxCell *cell = next < row->count ? &row->cells[next] : NULL;
                if (cell && cell->column == reader->range.first_column + i) {
                        xlsx_put_field(text, cell);
                        next++;
                }
                if (ends)
                        buf_u32(ends, (uint32_t)text->size);
                buf_append_byte(text, ',');
        }
}

static size_t width_of(const XlsxReader *reader, const XlsxRow *row) {
        return row->count ? row->cells[row->count - 1].column - reader->range.first_column + 1 : 0;
}

/* --- one row --- */

static void count_gap(XlsxReader *reader, int64_t to) {
        int64_t data = reader->range.first_row + reader->format->skip;
        for (int64_t row = reader->row + 1; row < to;) {
                bool above = row < data, below = row > reader->range.last_row;
                int64_t end = above && data < to ? data : to;
                *(above ? &reader->counts.preamble : below ? &reader->counts.footers : &reader->counts.blanks) += end - row;
                row = end;
        }
        if (to > reader->row)
                reader->row = to - 1;
        reader->counts.records = reader->base + reader->row;
}

static void put_bad(XlsxReader *reader, const XlsxRow *row, Rule rule) {
        size_t begin = reader->raws.size;
        size_t width = width_of(reader, row);
        put_fields(reader, row, width, &reader->raws, NULL);
        size_t size = reader->raws.size - begin - (width > 0);
        if (size > RECORD_RAW_MAX) {
                size = RECORD_RAW_MAX;
                reader->raws.size = begin + size;
        }
        BadRecord bad = { .rule = rule, .record = reader->base + row->number, .line = row->number, .width = width, .wanted = reader->width,
                          .sheet = reader->sheet, .first_column = reader->range.first_column,
                          .raw = { (const char *)begin, size } }; /* an offset until the batch is whole */
        buf_append(&reader->bads, (Str){ (const char *)&bad, sizeof(bad) });
        reader->counts.bad++;
}

static void put_good(XlsxReader *reader, const XlsxRow *row) {
        RecordOrigin origin = { .line = row->number, .sheet = reader->sheet, .first_column = reader->range.first_column };
        buf_u32(&reader->starts, (uint32_t)reader->text.size);
        put_fields(reader, row, reader->width, &reader->text, &reader->ends);
        buf_u64(&reader->records, (uint64_t)(reader->base + row->number));
        buf_append(&reader->origins, (Str){ (const char *)&origin, sizeof(origin) });
        reader->counts.good++;
}

static void take_header(XlsxReader *reader, const XlsxRow *row) {
        size_t width = reader->range.has_last_column ? reader->range.last_column - reader->range.first_column + 1
                                                     : width_of(reader, row);
        Str *names = ARENA_ARRAY(&reader->arena, Str, width + 1);
        for (size_t i = 0; i < row->count; i++)
                names[row->cells[i].column - reader->range.first_column] = arena_str(&reader->arena, row->cells[i].text);
        reader->counts.headers++;
        reader->wants_header = false;
        if (!reader->has_names) {
                reader->names = names;
                reader->width = width;
                reader->has_names = true;
                return;
        }
        reader->headers_differ = width != reader->width;
        for (size_t i = 0; i < width && !reader->headers_differ; i++)
                reader->headers_differ = !str_equal_nocase(str_trim(names[i]), str_trim(reader->names[i]));
}

/* The header once more, as long lists that were pasted together have it. */
static bool repeats_header(const XlsxReader *reader, const XlsxRow *row) {
        size_t next = 0;
        if (!reader->has_names || reader->wants_header || width_of(reader, row) > reader->width)
                return false;
        for (size_t i = 0; i < reader->width; i++) {
                bool there = next < row->count && row->cells[next].column == reader->range.first_column + i;
                if (!str_equal(there ? row->cells[next].text : STR(""), reader->names[i]))
                        return false;
                next += there;
        }
        return true;
}

/* The row as people see it: what an expression of theirs is about. */
static Str plain_text(XlsxReader *reader, const XlsxRow *row) {
        buf_clear(&reader->line);
        size_t column = reader->range.first_column;
        for (size_t i = 0; i < row->count; i++) {
                for (; column < row->cells[i].column; column++)
                        buf_append_byte(&reader->line, ',');
                buf_append(&reader->line, row->cells[i].text);
        }
        buf_append_byte(&reader->line, 0);
        return str_slice(buf_view(&reader->line), 0, reader->line.size - 1);
}

/* The count of what is skipped for its text, or NULL. */
static int64_t *skipped_for(XlsxReader *reader, const XlsxRow *row) {
        Str comment = reader->format->comment;
        if (!reader->has_footer && comment.size == 0)
                return NULL;
        Str text = plain_text(reader, row);
        if (comment.size > 0 && str_starts_with(text, comment))
                return &reader->counts.comments;
        bool is_footer = reader->has_footer && regexec(&reader->footer, text.data, 0, NULL, 0) == 0;
        return is_footer ? &reader->counts.footers : NULL;
}

static void look_at_skipped(XlsxReader *reader, const XlsxRow *row) {
        if (row->count < 2 || row->count != reader->width || repeats_header(reader, row))
                return;
        for (size_t i = 0; i < row->count; i++)
                if (!skipped_is_value(row->cells[i].text, 0))
                        return;
        skipped_note_full(&reader->counts, row->number);
}

static bool take_row(void *context, const XlsxRow *row) {
        XlsxReader *reader = context;
        if (row->count == 0 && !row->too_long)
                return true;
        count_gap(reader, row->number);
        reader->row = row->number;
        reader->counts.records = reader->base + row->number;
        if (row->number < reader->range.first_row + reader->format->skip) {
                reader->counts.preamble++;
                return true;
        }
        if (row->number > reader->range.last_row) {
                reader->counts.footers++;
                return true;
        }
        int64_t *skipped = row->too_long ? NULL : skipped_for(reader, row);
        if (skipped) {
                ++*skipped;
                look_at_skipped(reader, row);
                return true;
        }
        if (reader->wants_header && !row->too_long) {
                take_header(reader, row);
                return false;
        }
        if (!row->too_long && repeats_header(reader, row)) {
                reader->counts.headers++;
                return true;
        }
        if (reader->width == 0)
                reader->width = width_of(reader, row);
        if (row->too_long || width_of(reader, row) > reader->width)
                put_bad(reader, row, row->too_long ? RULE_RECORD_TOO_LONG : RULE_WRONG_WIDTH);
        else
                put_good(reader, row);
        return reader->text.size < BATCH_BYTES && reader->raws.size < BATCH_BYTES;
}

/* --- sheets, one after the other --- */

static Status open_sheet(XlsxReader *reader, Error *err) {
        size_t sheet = reader->sheets[reader->next_sheet++];
        XlsxRowsSpec spec = { .book = reader->book,
                              .sheet = sheet,
                              .first_column = reader->range.first_column,
                              .last_column = reader->range.last_column,
                              .row_limit = reader->format->record_limit,
                              .part_limit = reader->limit,
                              .take = take_row,
                              .context = reader };
        reader->sheet = arena_str(&reader->arena, xlsx_sheet(reader->book, sheet)->name);
        reader->base = reader->counts.records;
        reader->row = 0;
        reader->wants_header = reader->format->header;
        return xlsx_rows_open(&spec, &reader->rows, err);
}

/* Goes on a little; *out_end when the last sheet has ended. */
static Status step(XlsxReader *reader, bool *out_end, Error *err) {
        *out_end = !reader->rows && reader->next_sheet == reader->sheet_count;
        if (*out_end)
                return STATUS_OK;
        if (!reader->rows)
                TRY(open_sheet(reader, err));
        bool end;
        TRY(xlsx_rows_step(reader->rows, &end, err));
        reader->counts.bytes = reader->bytes + xlsx_rows_bytes(reader->rows);
        if (reader->headers_differ)
                return error_reason(err, SHEET_HEADER, reason_text(reader->sheet));
        if (!end)
                return STATUS_OK;
        reader->bytes = reader->counts.bytes;
        xlsx_rows_freep(&reader->rows);
        return STATUS_OK;
}

/* --- the kind --- */

static void *make(void) {
        XlsxReader *reader = calloc(1, sizeof(*reader));
        if (!reader)
                out_of_memory();
        return reader;
}

static void clear(XlsxReader *reader) {
        xlsx_rows_freep(&reader->rows);
        xlsx_book_freep(&reader->book);
        if (reader->has_footer)
                regfree(&reader->footer);
        reader->has_footer = false;
        arena_reset(&reader->arena);
}

static void free_reader(void *state) {
        XlsxReader *reader = state;
        clear(reader);
        Buf *bufs[] = { &reader->text, &reader->starts, &reader->ends, &reader->records,
                        &reader->origins, &reader->bads, &reader->raws, &reader->line };
        for (size_t i = 0; i < COUNT_OF(bufs); i++)
                buf_deinit(bufs[i]);
        arena_deinit(&reader->arena);
        free(reader);
}

static void clear_batch(XlsxReader *reader) {
        Buf *bufs[] = { &reader->text, &reader->starts, &reader->ends, &reader->records,
                        &reader->origins, &reader->bads, &reader->raws };
        for (size_t i = 0; i < COUNT_OF(bufs); i++)
                buf_clear(bufs[i]);
        reader->handed = false;
}

static Status start_footer(XlsxReader *reader, Error *err) {
        char why[EXPRESSION_WHY];
        if (reader->format->footer.size == 0)
                return STATUS_OK;
        if (!expression_compile(reader->format->footer, REG_NOSUB, &reader->footer, why))
                return error_reason(err, REFUSED);
        reader->has_footer = true;
        return STATUS_OK;
}

static Status start(void *state, const ReaderOptions *options, Source source, Error *err) {
        XlsxReader *reader = state;
        clear(reader);
        clear_batch(reader);
        reader->format = options->format;
        reader->limit = options->limit;
        reader->counts = (RecordCounts){ 0 };
        reader->next_sheet = 0;
        reader->base = reader->row = 0;
        reader->bytes = 0;
        reader->names = NULL;
        reader->has_names = reader->headers_differ = false;
        TRY(xlsx_range_parse(reader->format->range, &reader->range, err));
        reader->width = options->width;
        if (reader->range.has_last_column)
                reader->width = reader->range.last_column - reader->range.first_column + 1;
        else if (reader->format->header)
                reader->width = 0;
        TRY(start_footer(reader, err));
        TRY(xlsx_source_check(source, err));
        TRY(xlsx_book_open(source, &reader->book, err));
        TRY(xlsx_choose_sheets(reader->book, reader->format->sheets, &reader->arena, &reader->sheets, &reader->sheet_count, err));
        TRY(xlsx_book_load(reader->book, err));
        bool end = false;
        while (!end && reader->width == 0 && !reader->has_names)
                TRY(step(reader, &end, err));
        while (!end && reader->format->header && !reader->has_names)
                TRY(step(reader, &end, err));
        return STATUS_OK;
}

static void header(const void *state, Arena *arena, Str **out, size_t *out_count) {
        const XlsxReader *reader = state;
        *out = NULL;
        *out_count = 0;
        if (!reader->has_names)
                return;
        *out = ARENA_ARRAY(arena, Str, reader->width + 1);
        *out_count = reader->width;
        for (size_t i = 0; i < reader->width; i++)
                (*out)[i] = arena_str(arena, reader->names[i]);
}

/* Nothing but a header: the width is known and there are no records; no header at all: it is not. */
static size_t width(const void *state) {
        const XlsxReader *reader = state;
        return reader->format->header && !reader->has_names ? 0 : reader->width;
}

/* Texts moved while the batch grew: pointers are made now. */
static void finish_batch(XlsxReader *reader, RecordBatch *out) {
        size_t rows = reader->records.size / sizeof(int64_t);
        *out = (RecordBatch){ .text = reader->text.data,
                              .rows = rows,
                              .width = reader->width,
                              .starts = (const uint32_t *)(const void *)reader->starts.data,
                              .ends = (const uint32_t *)(const void *)reader->ends.data,
                              .records = (const int64_t *)(const void *)reader->records.data,
                              .origins = (const RecordOrigin *)(const void *)reader->origins.data,
                              .quoted = true,
                              .bad = (const BadRecord *)(const void *)reader->bads.data,
                              .bad_count = reader->bads.size / sizeof(BadRecord) };
        RecordOrigin *origins = (RecordOrigin *)(void *)reader->origins.data;
        for (size_t i = 0; i < rows; i++) {
                origins[i].raw = record_text(out, i);
                origins[i].length = origins[i].raw.size;
        }
        BadRecord *bad = (BadRecord *)(void *)reader->bads.data;
        for (size_t i = 0; i < out->bad_count; i++) {
                bad[i].raw.data = reader->raws.data + (uintptr_t)bad[i].raw.data;
                bad[i].length = bad[i].raw.size;
        }
}

static Status next(void *state, RecordBatch *out, bool *out_end, Error *err) {
        XlsxReader *reader = state;
        bool end = false;
        if (reader->handed)
                clear_batch(reader);
        reader->handed = true;
        while (!end && reader->text.size < BATCH_BYTES && reader->raws.size < BATCH_BYTES)
                TRY(step(reader, &end, err));
        *out_end = end && reader->records.size == 0 && reader->bads.size == 0;
        if (*out_end)
                return STATUS_OK;
        finish_batch(reader, out);
        return STATUS_OK;
}

static const RecordCounts *counts(const void *state) {
        return &((const XlsxReader *)state)->counts;
}

static uint64_t read_raw(const void *state) {
        const XlsxReader *reader = state;
        return reader->book ? xlsx_read_raw(reader->book) : 0;
}

const ReaderKind xlsx_kind = { .make = make,
                               .free = free_reader,
                               .start = start,
                               .header = header,
                               .width = width,
                               .next = next,
                               .counts = counts,
                               .read_raw = read_raw };
