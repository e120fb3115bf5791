/* SPDX-License-Identifier: Apache-2.0 */
#include "frame/fixed.h"


#include "base/expression.h"
#include "base/reason.h"
#include "frame/builder.h"
#include "frame/scan.h"
#include "frame/skipped.h"
#include "frame/window.h"

typedef struct FixedReader {
        Window window;
        BatchBuilder batch;
        Format format;
        ReaderOptions options;
        Arena arena; /* of one file */
        FixedCut *cuts;  /* of each name, in its order */
        FixedCut *gaps;  /* what no cut covers before the last one's end */
        size_t gap_count;
        uint32_t last_from, last_to; /* where the last column begins that must be there, and where the last of all ends */
        bool has_footer, header_due;
        regex_t footer;
        uint32_t skip_due;
        uint32_t *places; /* where each character of a line begins, for lines that are not ASCII */
        size_t place_room;
        bool skipping; /* inside a line that is too long to keep */
        BadRecord long_line;
        Buf long_raw;
} FixedReader;

static void *make(void) {
        FixedReader *reader = calloc(1, sizeof(*reader));
        if (!reader)
                out_of_memory();
        window_init(&reader->window);
        return reader;
}

static void drop_footer(FixedReader *reader) {
        if (reader->has_footer)
                regfree(&reader->footer);
        reader->has_footer = false;
}

static void release(void *state) {
        FixedReader *reader = state;
        drop_footer(reader);
        window_deinit(&reader->window);
        builder_deinit(&reader->batch);
        arena_deinit(&reader->arena);
        buf_deinit(&reader->long_raw);
        free(reader->places);
        free(reader);
}

/* --- where the columns are --- */

static int compare_cuts(const void *a, const void *b) {
        const FixedCut *x = a, *y = b;
        return x->from < y->from ? -1 : x->from > y->from;
}

static void find_gaps(FixedReader *reader, size_t count) {
        FixedCut *sorted = ARENA_ARRAY(&reader->arena, FixedCut, count + 1);
        memcpy(sorted, reader->cuts, count * sizeof(*sorted));
        if (count > 1)
                qsort(sorted, count, sizeof(*sorted), compare_cuts);
        reader->gaps = ARENA_ARRAY(&reader->arena, FixedCut, count + 1);
        reader->gap_count = 0;
        uint32_t covered = 0;
        for (size_t i = 0; i < count; i++) {
                if (sorted[i].from > covered + 1)
                        reader->gaps[reader->gap_count++] = (FixedCut){ covered + 1, sorted[i].from - 1 };
                covered = sorted[i].to > covered ? sorted[i].to : covered;
        }
        reader->last_to = covered;
        reader->last_from = 0;
        for (size_t i = 0; i < reader->options.needed; i++)
                reader->last_from = reader->cuts[i].from > reader->last_from ? reader->cuts[i].from : reader->last_from;
}

static void read_cuts(FixedReader *reader) {
        StrList names = reader->options.names;
        reader->cuts = ARENA_ARRAY(&reader->arena, FixedCut, names.count + 1);
        for (size_t i = 0; i < names.count; i++)
                fixed_cut_parse(names.items[i], &reader->cuts[i]); /* what has no place any more is NULL */
        find_gaps(reader, names.count);
}

/* --- a line --- */

/* A line and where its characters are. */
typedef struct Line {
        size_t start, end; /* in the window, without the newline */
        size_t count;      /* characters */
        bool ascii;
} Line;

static Str line_text(const FixedReader *reader, const Line *line) {
        return (Str){ reader->window.buffer + line->start, line->end - line->start };
}

static void measure(FixedReader *reader, Line *line) {
        Str text = line_text(reader, line);
        line->ascii = str_is_ascii(text);
        line->count = text.size;
        if (line->ascii)
                return;
        if (text.size + 1 > reader->place_room) {
                reader->place_room = text.size * 2 + 1;
                reader->places = reallocarray(reader->places, reader->place_room, sizeof(*reader->places));
                if (!reader->places)
                        out_of_memory();
        }
        line->count = 0;
        for (size_t i = 0; i < text.size; i++)
                if ((text.data[i] & 0xc0) != 0x80)
                        reader->places[line->count++] = (uint32_t)i;
        reader->places[line->count] = (uint32_t)text.size;
}

/* Characters from..to of a line, as far as it has them, without blanks around. */
static Str cut_field(const FixedReader *reader, const Line *line, FixedCut cut) {
        Str text = line_text(reader, line);
        if (cut.from == 0)
                return STR("");
        size_t from = cut.from - 1 < line->count ? cut.from - 1 : line->count, to = cut.to < line->count ? cut.to : line->count;
        if (!line->ascii) {
                from = reader->places[from];
                to = reader->places[to];
        }
        return str_trim(str_slice(text, from, to));
}

/* The first gap with text in it, behind the last column too; its `from` is 0 if there is none. */
static FixedCut find_text_outside(const FixedReader *reader, const Line *line) {
        for (size_t i = 0; i < reader->gap_count; i++)
                if (cut_field(reader, line, reader->gaps[i]).size > 0)
                        return reader->gaps[i];
        FixedCut rest = { reader->last_to + 1, UINT32_MAX };
        bool is_long = line->count > reader->last_to && cut_field(reader, line, rest).size > 0;
        return is_long ? rest : (FixedCut){ 0 };
}

static bool has_text_outside(const FixedReader *reader, const Line *line) {
        return find_text_outside(reader, line).from > 0;
}

/* The character of a gap, from 1, at which its text begins. */
static uint32_t find_text_in(const FixedReader *reader, const Line *line, FixedCut gap) {
        for (uint32_t at = gap.from; at < gap.to; at++)
                if (cut_field(reader, line, (FixedCut){ at, at }).size > 0)
                        return at;
        return gap.to;
}

static RecordOrigin origin_of(FixedReader *reader, const Line *line) {
        return (RecordOrigin){ .offset = window_offset(&reader->window, line->start),
                               .length = window_raw_size(&reader->window, line->start, line->end),
                               .line = window_line(&reader->window, line->start),
                               .raw = line_text(reader, line) };
}

static void put_row(FixedReader *reader, const Line *line) {
        BatchBuilder *batch = &reader->batch;
        uint32_t *ends = builder_row(batch);
        for (size_t i = 0; i < batch->width; i++) {
                Str field = cut_field(reader, line, reader->cuts[i]);
                if (field.size > 0 && field.data[0] == '"')
                        buf_append_quoted(&batch->text, field, '"');
                else
                        buf_append(&batch->text, field);
                ends[i] = (uint32_t)batch->text.size;
                buf_append_byte(&batch->text, ',');
        }
        builder_end_row(batch, origin_of(reader, line));
}

static void put_undecoded(FixedReader *reader, const Line *line) {
        size_t at = utf8_prefix(line_text(reader, line), SIZE_MAX);
        Rule rule = input_sizes(reader->window.input) ? RULE_INVALID_BYTES : RULE_INVALID_UTF8;
        BadRecord *bad = builder_bad(&reader->batch, rule, origin_of(reader, line));
        bad->wrong_at = bad->offset + window_raw_size(&reader->window, line->start, line->start + at);
}

static void put_bad(FixedReader *reader, Rule rule, const Line *line) {
        BadRecord *bad = builder_bad(&reader->batch, rule, origin_of(reader, line));
        bad->width = line->count;
        bad->wanted = reader->last_to;
}

static void put_outside(FixedReader *reader, const Line *line) {
        FixedCut gap = find_text_outside(reader, line);
        BadRecord *bad = builder_bad(&reader->batch, RULE_TEXT_OUTSIDE, origin_of(reader, line));
        bad->width = find_text_in(reader, line, gap);
        bad->wanted = gap.from - 1;
}

static bool is_footer(const FixedReader *reader, Str text) {
        regmatch_t bounds = { .rm_so = 0, .rm_eo = (regoff_t)text.size };
        return reader->has_footer && regexec(&reader->footer, text.data, 1, &bounds, REG_STARTEND) == 0;
}

/* The counter of a line that is no record of the table; NULL if it is one. */
static int64_t *skip_counter(FixedReader *reader, Str text) {
        RecordCounts *counts = &reader->batch.counts;
        if (reader->skip_due > 0) {
                reader->skip_due--;
                return &counts->preamble;
        }
        if (str_trim(text).size == 0)
                return &counts->blanks;
        if (reader->format.comment.size > 0 && str_starts_with(text, reader->format.comment))
                return &counts->comments;
        if (reader->header_due) {
                reader->header_due = false;
                return &counts->headers;
        }
        return is_footer(reader, text) ? &counts->footers : NULL;
}

/* Of what an expression or a comment skips. */
static void look_at_skipped(FixedReader *reader, Line *line) {
        measure(reader, line);
        if (reader->options.places_only || reader->options.names.count < 2 || line->count < reader->last_from || has_text_outside(reader, line))
                return;
        for (size_t i = 0; i < reader->options.names.count; i++)
                if (!skipped_is_value(cut_field(reader, line, reader->cuts[i]), 0))
                        return;
        skipped_note_full(&reader->batch.counts, origin_of(reader, line).line);
}

static void take_line(FixedReader *reader, Line *line) {
        Str text = line_text(reader, line);
        int64_t *skipped = skip_counter(reader, text);
        if (skipped) {
                if (skipped == &reader->batch.counts.comments || skipped == &reader->batch.counts.footers)
                        look_at_skipped(reader, line);
                builder_skip(&reader->batch, skipped);
                return;
        }
        measure(reader, line);
        if (text.size > reader->format.record_limit)
                put_bad(reader, RULE_RECORD_TOO_LONG, line);
        else if (!line->ascii && !utf8_valid(text))
                put_undecoded(reader, line);
        else if (memchr(text.data, 0, text.size))
                put_bad(reader, RULE_NUL_BYTE, line);
        else if (reader->options.places_only)
                put_row(reader, line);
        else if (line->count < reader->last_from)
                put_bad(reader, RULE_WRONG_LENGTH, line);
        else if (has_text_outside(reader, line))
                put_outside(reader, line);
        else
                put_row(reader, line);
}

/* --- the file --- */

/* A line that is over the limit and whose end is not in sight: what follows is dropped up to there. */
static void start_skipping(FixedReader *reader) {
        Window *window = &reader->window;
        Line line = { .start = window->at, .end = window->size };
        RecordOrigin origin = origin_of(reader, &line);
        buf_clear(&reader->long_raw);
        buf_append(&reader->long_raw, str_slice(origin.raw, 0, RECORD_RAW_MAX));
        reader->long_line = (BadRecord){ .line = origin.line, .offset = origin.offset, .length = origin.length };
        window_claim(window, window->size);
        reader->skipping = true;
}

static void skip_on(FixedReader *reader, size_t end, bool line_ends) {
        Window *window = &reader->window;
        reader->long_line.length += window_raw_size(window, window->at, end);
        if (!line_ends) {
                window_claim(window, end);
                return;
        }
        RecordOrigin origin = { .line = reader->long_line.line, .offset = reader->long_line.offset,
                                .length = reader->long_line.length, .raw = buf_view(&reader->long_raw) };
        builder_bad(&reader->batch, RULE_RECORD_TOO_LONG, origin);
        reader->skipping = false;
        window_claim(window, end < window->size ? end + 1 : end);
}

/* True if a line was dealt with, false if the window holds no whole one. */
static bool step(FixedReader *reader) {
        Window *window = &reader->window;
        if (window->at == window->size)
                return false;
        size_t end = scan_line_end(window->buffer, window->at, window->size);
        bool line_ends = end < window->size || window->ended;
        if (reader->skipping) {
                skip_on(reader, end, line_ends);
                return line_ends;
        }
        if (!line_ends || (end == window->size && reader->options.sample)) {
                if (!window->ended && window->size - window->at > reader->format.record_limit)
                        start_skipping(reader);
                return false;
        }
        bool half = end > window->at && window->buffer[end - 1] == '\r' && (end == window->size || window->buffer[end] == '\n');
        Line line = { .start = window->at, .end = end - half };
        take_line(reader, &line);
        window_claim(window, end < window->size ? end + 1 : end);
        return true;
}

static Status next(void *state, RecordBatch *out, bool *out_end, Error *err) {
        FixedReader *reader = state;
        BatchBuilder *batch = &reader->batch;
        builder_start_batch(batch, reader->options.places_only ? 0 : reader->options.names.count);
        while (!builder_is_full(batch)) {
                if (step(reader))
                        continue;
                if (reader->window.ended || !builder_is_empty(batch))
                        break;
                TRY(window_fill(&reader->window, err));
        }
        builder_batch(batch, out, out_end);
        batch->counts.bytes = input_read_decoded(reader->window.input);
        return STATUS_OK;
}

static Status start(void *state, const ReaderOptions *options, Source source, Error *err) {
        FixedReader *reader = state;
        reader->options = *options;
        reader->format = *options->format;
        reader->skipping = false;
        reader->header_due = reader->format.header;
        reader->skip_due = reader->format.skip;
        arena_reset(&reader->arena);
        drop_footer(reader);
        if (reader->format.footer.size > 0) {
                char why[EXPRESSION_WHY];
                if (!expression_compile(reader->format.footer, REG_NOSUB, &reader->footer, why))
                        return error_reason(err, REFUSED);
                reader->has_footer = true;
        }
        read_cuts(reader);
        builder_start_file(&reader->batch);
        return window_start(&reader->window, source, &reader->format, options->limit, err);
}

/* Columns are called by their places. */
static void header(const void *state, Arena *arena, Str **out, size_t *out_count) {
        const FixedReader *reader = state;
        *out_count = reader->options.names.count;
        *out = ARENA_ARRAY(arena, Str, *out_count + 1);
        for (size_t i = 0; i < *out_count; i++)
                (*out)[i] = arena_str(arena, reader->options.names.items[i]);
}

static size_t width(const void *state) {
        return ((const FixedReader *)state)->options.names.count;
}

static const RecordCounts *counts(const void *state) {
        return &((const FixedReader *)state)->batch.counts;
}

static uint64_t read_raw(const void *state) {
        return input_read_raw(((const FixedReader *)state)->window.input);
}

const ReaderKind fixed_kind = { make, release, start, header, width, next, counts, read_raw, NULL };
