/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reader keeps a window of the decoded file in a buffer. csv_next() scans the window from the first byte that no
 * record has claimed yet, so that every record is scanned once, but for the one that the end of the window cuts.
 *
 *      buffer:  [ claimed by earlier batches | at ... size | padding ]
 *
 * Records of one batch may come from several scans: a wrong quote ends a scan, its line is put aside, and the next scan
 * begins on the line after. The ends of good records are packed to the front of one array as the batch grows.
 */
#include "frame/csv.h"


#include "base/expression.h"
#include "base/reason.h"
#include "base/vec.h"
#include "frame/escapes.h"
#include "frame/skipped.h"

#define WINDOW (1u << 20)
#define BAD_PER_BATCH 4096

struct CsvReader {
        Input *input;
        Format format;
        ScanDialect dialect;
        ScanFunction scan;
        bool footer_made;
        regex_t footer;
        Str footer_prefix; /* what every footer begins with; spares most records the expression */

        char *buffer;
        size_t capacity, at, size; /* capacity leaves room for the padding */
        uint64_t offset;           /* of buffer[0] in the delivery */
        size_t told_at;            /* buffer[told_at] lies at told_offset in the delivery: asked for last */
        uint64_t told_offset;
        bool ended;                /* nothing follows the window */
        int64_t line;              /* of buffer[at] */
        size_t width;
        bool header_read, utf8;
        Buf header_text;
        VEC(uint32_t) header_ends;
        Arena header_arena;

        bool skipping; /* inside a line that is too long to keep; `long_line` is its record */
        BadRecord long_line;
        Buf long_raw;

        uint32_t *ends, *starts;
        int64_t *records;
        size_t room; /* of ends, in bytes of window */
        size_t rows;
        BadRecord *bad;
        size_t bad_count, bad_room;
        bool quoted;
        RecordCounts counts;
};

CsvReader *csv_new(void) {
        CsvReader *reader = calloc(1, sizeof(*reader));
        if (!reader)
                out_of_memory();
        reader->input = input_new();
        return reader;
}

static void drop_footer(CsvReader *reader) {
        if (reader->footer_made)
                regfree(&reader->footer);
        reader->footer_made = false;
}

void csv_free(CsvReader *reader) {
        if (!reader)
                return;
        drop_footer(reader);
        input_free(reader->input);
        free(reader->buffer);
        free(reader->ends);
        free(reader->starts);
        free(reader->records);
        free(reader->bad);
        buf_deinit(&reader->header_text);
        buf_deinit(&reader->long_raw);
        arena_deinit(&reader->header_arena);
        free(reader);
}

void csv_freep(CsvReader **reader) {
        csv_free(*reader);
        *reader = NULL;
}

static void *grow(void *old, size_t count, size_t size) {
        void *grown = reallocarray(old, count, size);
        if (!grown)
                out_of_memory();
        return grown;
}

/* Room for a window of `size` bytes: its text and all that a scan of it can find. */
static void make_room(CsvReader *reader, size_t size) {
        if (size <= reader->capacity)
                return;
        reader->buffer = grow(reader->buffer, size + SCAN_PADDING, 1);
        reader->ends = grow(reader->ends, size + 2 * SCAN_PADDING, sizeof(*reader->ends));
        reader->starts = grow(reader->starts, size + SCAN_PADDING, sizeof(*reader->starts));
        reader->records = grow(reader->records, size + SCAN_PADDING, sizeof(*reader->records));
        reader->capacity = size;
}

static uint64_t raw_size(const CsvReader *reader, size_t start, size_t end) {
        return encoding_raw_size(input_sizes(reader->input), (Str){ reader->buffer + start, end - start });
}

/* Where a byte of the window lies in the delivery. Counts on from the one asked for before. */
static uint64_t offset_of(CsvReader *reader, size_t at) {
        if (at < reader->told_at) {
                reader->told_at = 0;
                reader->told_offset = reader->offset;
        }
        reader->told_offset += raw_size(reader, reader->told_at, at);
        reader->told_at = at;
        return reader->told_offset;
}

/* The window slides: claimed bytes go, new ones come. Positions of the last batch are void after it. */
static Status fill(CsvReader *reader, Error *err) {
        size_t left = reader->size - reader->at;
        if (reader->at > 0) {
                reader->offset = reader->told_offset = offset_of(reader, reader->at);
                reader->told_at = 0;
                memmove(reader->buffer, reader->buffer + reader->at, left);
                reader->size = left;
                reader->at = 0;
        }
        make_room(reader, left >= WINDOW / 2 ? left * 2 : WINDOW);
        size_t got;
        TRY(input_read(reader->input, reader->buffer + left, reader->capacity - left, &got, err));
        reader->ended = left + got < reader->capacity;
        reader->size = left + got;
        reader->counts.bytes = input_read_decoded(reader->input);
        memset(reader->buffer + reader->size, 0, SCAN_PADDING);
        return STATUS_OK;
}

/* Claims everything before `at`; the lines of it are counted. */
static void claim(CsvReader *reader, size_t at) {
        reader->line += (int64_t)scan_count_lines(reader->buffer, reader->at, at);
        reader->at = at;
}

static size_t find_newline(const CsvReader *reader, size_t from) {
        return scan_line_end(reader->buffer, from, reader->size);
}

/* The end of a record's text, where its newline is at `end`: a CR before an LF or the end of the file is not part of it. */
static size_t without_cr(const CsvReader *reader, size_t start, size_t end) {
        bool half = end > start && reader->buffer[end - 1] == '\r' &&
                    (end == reader->size || reader->buffer[end] == '\n');
        return half ? end - 1 : end;
}

/* What an expression that begins with ^ and plain characters needs its records to begin with. */
static Str literal_prefix(Str expression) {
        if (expression.size == 0 || expression.data[0] != '^')
                return STR_NONE;
        size_t size = 1;
        while (size < expression.size && !char_is_one_of(expression.data[size], "^$.[]()*+?{}|\\"))
                size++;
        if (size < expression.size && char_is_one_of(expression.data[size], "*?{|"))
                return STR_NONE; /* the last character may be absent, or all of it is one choice of several */
        return memchr(expression.data, '|', expression.size) ? STR_NONE : str_slice(expression, 1, size);
}

static Status compile_footer(CsvReader *reader, Error *err) {
        drop_footer(reader);
        if (reader->format.footer.size == 0)
                return STATUS_OK;
        char why[EXPRESSION_WHY];
        if (!expression_compile(reader->format.footer, REG_NOSUB, &reader->footer, why))
                return error_set(err, STATUS_BAD_VALUE, "footer: '%.*s' is not a regular expression: %s",
                                 STR_ARG(reader->format.footer), why);
        reader->footer_made = true;
        reader->footer_prefix = literal_prefix(reader->format.footer);
        return STATUS_OK;
}

static bool is_footer(const CsvReader *reader, size_t start, size_t end) {
        Str raw = { reader->buffer + start, end - start };
        if (reader->format.escapes == ESCAPES_POSTGRES && str_is(raw, ESCAPES_END))
                return true;
        if (!reader->footer_made || !str_starts_with(raw, reader->footer_prefix))
                return false;
        regmatch_t bounds = { .rm_so = 0, .rm_eo = (regoff_t)raw.size };
        return regexec(&reader->footer, raw.data, 1, &bounds, REG_STARTEND) == 0;
}

static bool is_comment(const CsvReader *reader, size_t start) {
        Str rest = { reader->buffer + start, reader->size - start };
        return reader->format.comment.size > 0 && str_starts_with(rest, reader->format.comment);
}

/* Where a record's text begins: files that were joined have byte order marks inside, which are no letters. */
static size_t after_mark(const CsvReader *reader, size_t start) {
        Str rest = { reader->buffer + start, reader->size - start };
        return str_starts_with(rest, STR("\xef\xbb\xbf")) ? start + 3 : start;
}

static bool all_of(const char *text, size_t size, char a, char b, char c) {
        for (size_t i = 0; i < size; i++) {
                if (text[i] != a && text[i] != b && text[i] != c)
                        return false;
        }
        return true;
}

static bool is_blank_record(const CsvReader *reader, const char *text, size_t size) {
        char delimiter = reader->dialect.delimiter;
        if (reader->dialect.outside)
                return size == 0 && reader->width != 1;
        return all_of(text, size, delimiter, delimiter, delimiter);
}

static void add_bad(CsvReader *reader, Rule rule, int64_t line, size_t start, size_t end, size_t width) {
        if (reader->bad_count == reader->bad_room) {
                reader->bad_room = reader->bad_room ? reader->bad_room * 2 : 64;
                reader->bad = grow(reader->bad, reader->bad_room, sizeof(*reader->bad));
        }
        size_t size = end - start < RECORD_RAW_MAX ? end - start : RECORD_RAW_MAX;
        reader->bad[reader->bad_count++] = (BadRecord){
                .rule = rule,
                .record = ++reader->counts.records,
                .line = line,
                .offset = offset_of(reader, start),
                .length = raw_size(reader, start, end),
                .width = width,
                .wanted = reader->width,
                .raw = { reader->buffer + start, size },
        };
        reader->counts.bad++;
}

/* With the field and the place of the first byte that is no text. */
static void add_undecoded(CsvReader *reader, const uint32_t *ends, int64_t line, size_t start, size_t end) {
        size_t at = start + utf8_prefix((Str){ reader->buffer + start, end - start }, SIZE_MAX), field = 0;
        while (ends[field] < at)
                field++;
        add_bad(reader, reader->utf8 ? RULE_INVALID_UTF8 : RULE_INVALID_BYTES, line, start, end, 0);
        BadRecord *bad = &reader->bad[reader->bad_count - 1];
        bad->field = field;
        bad->wrong_at = bad->offset + raw_size(reader, start, at);
}

static void skip_one(CsvReader *reader, int64_t *counter) {
        reader->counts.records++;
        ++*counter;
}

/* What an expression or the beginning of a comment skips, and looks like a record of the table: counted, since it may be one. */
static void look_at_skipped(CsvReader *reader, const uint32_t *ends, size_t count, size_t start, size_t end, int64_t line) {
        Str text = { reader->buffer + start, end - start };
        if (count != reader->width || count < 2 || str_equal(text, buf_view(&reader->header_text)))
                return;
        for (size_t i = 0, at = start; i < count; i++) {
                size_t to = i + 1 < count ? ends[i] : end;
                Str field = { reader->buffer + at, to - at };
                if (!skipped_is_value(field, reader->dialect.quote))
                        return;
                at = to + 1;
        }
        skipped_note_full(&reader->counts, line);
}

/* "#1 Motors", but not "# a remark". */
static bool may_be_value(const CsvReader *reader, size_t start, size_t end) {
        size_t behind = start + reader->format.comment.size;
        return behind < end && !char_is_one_of(reader->buffer[behind], " #-=*\t");
}

static void add_row(CsvReader *reader, const uint32_t *ends, size_t start, size_t end) {
        uint32_t *put = reader->ends + reader->rows * reader->width;
        memmove(put, ends, reader->width * sizeof(*ends));
        put[reader->width - 1] = (uint32_t)end;
        reader->starts[reader->rows] = (uint32_t)start;
        reader->records[reader->rows++] = ++reader->counts.records;
        reader->counts.good++;
}

/* What is known of all text of one scan, so that single records need no look. */
typedef struct Flags {
        bool utf8, nul;
} Flags;

/* One record with its field ends, the newline's place last. `end` is without the CR of a CRLF. */
static void take_record(CsvReader *reader, const uint32_t *ends, size_t count, size_t start, size_t end, int64_t line,
                        Flags flags) {
        const char *text = reader->buffer + start;
        size_t size = end - start;
        char delimiter = reader->dialect.delimiter;
        if (is_blank_record(reader, text, size))
                skip_one(reader, &reader->counts.blanks);
        else if (is_footer(reader, start, end)) {
                look_at_skipped(reader, ends, count, start, end, line);
                skip_one(reader, &reader->counts.footers);
        } else if (size > reader->format.record_limit)
                add_bad(reader, RULE_RECORD_TOO_LONG, line, start, end, 0);
        else if (count != reader->width && !reader->dialect.outside && all_of(text, size, ' ', '\t', delimiter))
                skip_one(reader, &reader->counts.blanks);
        else if (count != reader->width)
                add_bad(reader, RULE_WRONG_WIDTH, line, start, end, count);
        else if (flags.nul && memchr(text, 0, size))
                add_bad(reader, RULE_NUL_BYTE, line, start, end, count);
        else if (!flags.utf8 && !utf8_valid((Str){ text, size }))
                add_undecoded(reader, ends, line, start, end);
        else
                add_row(reader, ends, start, end);
}

/*
 * The common case: every record of the scan has the width, none is blank, too long or otherwise special. Then the ends
 * stay where they are. False, with nothing changed, if that is not so.
 */
static bool take_all(CsvReader *reader, const uint32_t *ends, const Scan *scan, Flags flags) {
        size_t width = reader->width;
        if (width < 2 || scan->newlines * width != scan->count || !flags.utf8 || flags.nul || reader->footer_made ||
            reader->format.comment.size > 0)
                return false;
        const char *text = reader->buffer;
        uint32_t *starts = reader->starts + reader->rows;
        size_t start = reader->at;
        for (size_t row = 0; row < scan->newlines; row++) {
                uint32_t end = ends[row * width + width - 1];
                if (!scan_is_newline(text[end]) || end - start < width || end - start > reader->format.record_limit)
                        return false;
                if (end - start == width && text[end - 1] == '\r')
                        return false; /* perhaps delimiters alone */
                if (text[start] == '\xef' && after_mark(reader, start) > start)
                        return false;
                starts[row] = (uint32_t)start;
                start = end + 1;
        }
        return true;
}

static void keep_all(CsvReader *reader, const Scan *scan) {
        size_t width = reader->width;
        uint32_t *last = reader->ends + reader->rows * width + width - 1;
        for (size_t row = 0; row < scan->newlines; row++, last += width) {
                *last = (uint32_t)without_cr(reader, reader->starts[reader->rows], *last);
                reader->records[reader->rows++] = ++reader->counts.records;
        }
        reader->counts.good += (int64_t)scan->newlines;
}

/* Walks the records of a scan one by one. Returns where the scan must be left for another: the end of its last whole
 * record, or the line after a comment that holds quotes. */
static size_t take_each(CsvReader *reader, const uint32_t *ends, const Scan *scan, Flags flags, bool *out_again) {
        size_t start = reader->at, first = 0, counted = reader->at;
        int64_t line = reader->line;
        for (size_t i = 0; i < scan->count; i++) {
                if (!scan_is_newline(reader->buffer[ends[i]]))
                        continue;
                size_t end = ends[i];
                line += (int64_t)scan_count_lines(reader->buffer, counted, start);
                counted = start;
                start = after_mark(reader, start);
                if (is_comment(reader, start)) {
                        if (may_be_value(reader, start, end))
                                look_at_skipped(reader, ends + first, i - first + 1, start, without_cr(reader, start, end), line);
                        skip_one(reader, &reader->counts.comments);
                        size_t line_end = find_newline(reader, start);
                        if (line_end != end) {
                                *out_again = true;
                                return line_end + 1;
                        }
                } else {
                        take_record(reader, ends + first, i - first + 1, start, without_cr(reader, start, end), line,
                                    flags);
                }
                start = end + 1;
                first = i + 1;
        }
        return start;
}

/* A line that begins at `at` and is bad as a line, whatever the quotes in it say. */
static void take_line(CsvReader *reader, Rule rule, size_t line_end) {
        size_t end = without_cr(reader, reader->at, line_end);
        if (is_comment(reader, reader->at))
                skip_one(reader, &reader->counts.comments);
        else if (is_footer(reader, reader->at, end))
                skip_one(reader, &reader->counts.footers);
        else
                add_bad(reader, rule, reader->line, reader->at, end, 0);
        claim(reader, line_end < reader->size ? line_end + 1 : line_end);
}

/* The end of the last letter that the window holds whole: a letter's size is told of all of it. */
static size_t letters_end(const CsvReader *reader) {
        size_t lead = reader->size;
        while (lead > reader->at && reader->size - lead < 3 && (reader->buffer[lead - 1] & 0xc0) == 0x80)
                lead--;
        if (lead == reader->at || (reader->buffer[lead - 1] & 0xc0) != 0xc0)
                return reader->size;
        Str letter = { reader->buffer + lead - 1, reader->size - (lead - 1) };
        return utf8_valid(letter) || reader->ended ? reader->size : lead - 1;
}

/* A line that began at `at` is over the limit and its end is not in sight: what follows is dropped up to there. */
static void start_skipping(CsvReader *reader) {
        size_t end = letters_end(reader), size = end - reader->at;
        buf_clear(&reader->long_raw);
        buf_append(&reader->long_raw, (Str){ reader->buffer + reader->at, size < RECORD_RAW_MAX ? size : RECORD_RAW_MAX });
        reader->long_line = (BadRecord){ .rule = RULE_RECORD_TOO_LONG,
                                         .line = reader->line,
                                         .offset = offset_of(reader, reader->at),
                                         .length = raw_size(reader, reader->at, end) };
        reader->at = end;
        reader->skipping = true;
}

static void skip_line(CsvReader *reader) {
        size_t end = find_newline(reader, reader->at);
        bool goes_on = end == reader->size && !reader->ended;
        if (goes_on)
                end = letters_end(reader);
        reader->long_line.length += raw_size(reader, reader->at, end);
        if (goes_on) {
                reader->at = end;
                return;
        }
        reader->skipping = false;
        add_bad(reader, RULE_RECORD_TOO_LONG, 0, reader->at, reader->at, 0);
        BadRecord *bad = &reader->bad[reader->bad_count - 1];
        reader->long_line.record = bad->record;
        *bad = reader->long_line;
        bad->raw = buf_view(&reader->long_raw);
        claim(reader, end < reader->size ? end + 1 : end);
}

/* The rest of the window after its last whole record. True if it could be dealt with, false if more bytes are needed. */
static bool take_rest(CsvReader *reader, const Scan *scan, uint32_t *ends, size_t *count) {
        size_t line_end = find_newline(reader, reader->at);
        bool line_known = line_end < reader->size || reader->ended;
        bool over = reader->size - reader->at > reader->format.record_limit;
        if (reader->at == reader->size)
                return false;
        if (after_mark(reader, reader->at) > reader->at) { /* a quote behind it looked like one in the middle of a field */
                reader->at += 3;
                return true;
        }
        if ((scan->wrong || (scan->open && (reader->ended || over)) || is_comment(reader, reader->at)) && line_known) {
                take_line(reader, RULE_BAD_QUOTE, line_end);
                return true;
        }
        if (reader->ended) {
                /* the last record, without a newline: it gets the end of the text as its end */
                ends[(*count)++] = (uint32_t)reader->size;
                Flags flags = { !scan->high ||
                                        utf8_valid((Str){ reader->buffer + reader->at, reader->size - reader->at }),
                                scan->nul };
                take_record(reader, ends, *count, reader->at, without_cr(reader, reader->at, reader->size),
                            reader->line, flags);
                claim(reader, reader->size);
                return true;
        }
        if (over)
                start_skipping(reader);
        return false;
}

/* One scan and what it found. True if the window holds more to scan. */
static bool take_scan(CsvReader *reader) {
        uint32_t *ends = reader->ends + reader->rows * reader->width;
        Scan scan;
        reader->scan(&reader->dialect, reader->buffer, reader->at, reader->size, ends, &scan);
        reader->quoted |= scan.quoted;
        Str text = { reader->buffer + reader->at, scan.stop - reader->at };
        Flags flags = { !scan.high, scan.nul };
        size_t whole = scan.count;
        while (whole > 0 && !scan_is_newline(reader->buffer[ends[whole - 1]]))
                whole--;
        size_t rest = scan.count - whole; /* fields of the record that is not whole */
        if (scan.high)
                flags.utf8 = utf8_valid(str_slice(text, 0, whole ? ends[whole - 1] - reader->at : 0));
        Scan records = scan;
        records.count = whole;
        if (whole > 0 && take_all(reader, ends, &records, flags)) {
                size_t next = ends[whole - 1] + 1;
                keep_all(reader, &records);
                claim(reader, next);
        } else {
                bool again = false;
                size_t next = take_each(reader, ends, &records, flags, &again);
                claim(reader, next);
                if (again)
                        return true;
        }
        uint32_t *after = reader->ends + reader->rows * reader->width;
        memmove(after, ends + whole, rest * sizeof(*ends));
        return take_rest(reader, &scan, after, &rest);
}

Status csv_next(CsvReader *reader, RecordBatch *out, bool *out_end, Error *err) {
        reader->rows = reader->bad_count = 0;
        reader->quoted = false;
        size_t line_at = reader->at;
        int64_t line = reader->line;
        uint64_t offset = offset_of(reader, line_at);
        while (reader->rows == 0 && reader->bad_count == 0) {
                if (reader->skipping) {
                        skip_line(reader);
                } else if (reader->at < reader->size && reader->width > 0) {
                        bool more = true;
                        while (more && reader->bad_count < BAD_PER_BATCH)
                                more = take_scan(reader);
                }
                if (reader->rows > 0 || reader->bad_count > 0)
                        break;
                if (reader->ended && reader->at == reader->size)
                        break;
                if (!reader->ended)
                        TRY(fill(reader, err));
                line_at = reader->at;
                line = reader->line;
                offset = offset_of(reader, line_at);
        }
        *out_end = reader->rows == 0 && reader->bad_count == 0;
        *out = (RecordBatch){ .text = reader->buffer,
                              .rows = reader->rows,
                              .width = reader->width,
                              .starts = reader->starts,
                              .ends = reader->ends,
                              .records = reader->records,
                              .quoted = reader->quoted,
                              .bad = reader->bad,
                              .bad_count = reader->bad_count,
                              .sizes = input_sizes(reader->input),
                              .line_at = line_at,
                              .line = line,
                              .offset = offset };
        return STATUS_OK;
}

/* --- the beginning of a file --- */

static void skip_mark(CsvReader *reader) {
        reader->at = after_mark(reader, reader->at);
}

/* Makes the window hold the whole line at `at`, if the limit allows; *out_end is its newline or the end. */
static Status whole_line(CsvReader *reader, size_t *out_end, Error *err) {
        while (find_newline(reader, reader->at) == reader->size && !reader->ended) {
                if (reader->size - reader->at > reader->format.record_limit)
                        return error_reason(err, RECORD_LIMIT, reason_number(reader->line),
                                            reason_number(reader->format.record_limit));
                TRY(fill(reader, err));
        }
        *out_end = find_newline(reader, reader->at);
        return STATUS_OK;
}

static Status skip_preamble(CsvReader *reader, Error *err) {
        for (uint32_t i = 0; i < reader->format.skip; i++) {
                size_t end;
                TRY(whole_line(reader, &end, err));
                if (reader->at == reader->size)
                        return STATUS_OK;
                skip_one(reader, &reader->counts.preamble);
                claim(reader, end < reader->size ? end + 1 : end);
        }
        return STATUS_OK;
}

/* Blank lines and comments before the first record. */
static Status skip_before(CsvReader *reader, Error *err) {
        while (true) {
                size_t end;
                TRY(whole_line(reader, &end, err));
                if (reader->at == reader->size)
                        return STATUS_OK;
                size_t size = without_cr(reader, reader->at, end) - reader->at;
                bool comment = is_comment(reader, reader->at);
                char delimiter = reader->dialect.delimiter;
                const char *text = reader->buffer + reader->at;
                bool dump = reader->dialect.outside;
                if (!comment && !(dump ? is_blank_record(reader, text, size) : all_of(text, size, ' ', delimiter, delimiter)))
                        return STATUS_OK;
                skip_one(reader, comment ? &reader->counts.comments : &reader->counts.blanks);
                claim(reader, end < reader->size ? end + 1 : end);
        }
}

static Status malformed_header(const CsvReader *reader, Error *err) {
        return error_reason(err, HEADER_QUOTE, reason_number(reader->line));
}

/* The ends of the first record, at `at`; its newline last. Looks line by line: a window is long, a header short. */
static Status first_record(CsvReader *reader, size_t *out_count, Error *err) {
        size_t looked = 0;
        while (true) {
                size_t end = scan_line_end(reader->buffer, reader->at + looked, reader->size);
                size_t to = reader->size - end > 2 ? end + 2
                                                   : reader->size; /* a CR ends a line if the next byte is seen */
                Scan scan;
                reader->scan(&reader->dialect, reader->buffer, reader->at, to, reader->ends, &scan);
                for (size_t i = 0; i < scan.count; i++) {
                        if (!scan_is_newline(reader->buffer[reader->ends[i]]))
                                continue;
                        *out_count = i + 1;
                        return STATUS_OK;
                }
                looked = to - reader->at;
                if (scan.wrong || (scan.open && to == reader->size && reader->ended))
                        return malformed_header(reader, err);
                if (to < reader->size) {
                        looked = looked * 2 < reader->size - reader->at ? looked * 2 : looked;
                        continue;
                }
                if (reader->ended) {
                        reader->ends[scan.count] = (uint32_t)reader->size;
                        *out_count = scan.count + 1;
                        return STATUS_OK;
                }
                if (looked > reader->format.record_limit)
                        return error_reason(err, HEADER_LIMIT, reason_number(reader->line),
                                            reason_number(reader->format.record_limit));
                TRY(fill(reader, err));
        }
}

static Status read_header(CsvReader *reader, Error *err) {
        size_t count;
        TRY(first_record(reader, &count, err));
        size_t start = reader->at, newline = reader->ends[count - 1], end = without_cr(reader, start, newline);
        if (count > FORMAT_COLUMNS_MAX)
                return error_reason(err, HEADER_WIDTH, reason_number((int64_t)count), reason_number(FORMAT_COLUMNS_MAX));
        Str text = { reader->buffer + start, end - start };
        if (text.size > FORMAT_HEADER_MAX)
                return error_reason(err, HEADER_SIZE, reason_number((int64_t)text.size), reason_number(FORMAT_HEADER_MAX));
        if (!utf8_valid(text))
                return error_reason(err, HEADER_UTF8, reason_number(reader->line));
        if (memchr(text.data, 0, text.size))
                return error_reason(err, HEADER_NUL, reason_number(reader->line));
        buf_append(&reader->header_text, text);
        for (size_t i = 0; i < count; i++) {
                uint32_t at = i + 1 < count ? reader->ends[i] : (uint32_t)end;
                vec_push(&reader->header_arena, &reader->header_ends, at - (uint32_t)start);
        }
        reader->header_read = true;
        reader->width = count;
        skip_one(reader, &reader->counts.headers);
        claim(reader, newline < reader->size ? newline + 1 : newline);
        return STATUS_OK;
}

static Status guess_width(CsvReader *reader, Error *err) {
        size_t count;
        TRY(first_record(reader, &count, err));
        if (count > FORMAT_COLUMNS_MAX)
                return error_reason(err, RECORD_WIDTH, reason_number(reader->line), reason_number((int64_t)count),
                                    reason_number(FORMAT_COLUMNS_MAX));
        reader->width = count;
        return STATUS_OK;
}

ScanDialect csv_dialect(const Format *format) {
        bool dump = format->escapes != ESCAPES_NONE;
        return (ScanDialect){ format->delimiter, format->quote, dump ? ESCAPES_BYTE : format->escape, dump };
}

static void reset(CsvReader *reader, const Format *format, size_t width) {
        reader->format = *format;
        reader->dialect = csv_dialect(format);
        reader->at = reader->size = reader->told_at = 0;
        reader->offset = reader->told_offset = 0;
        reader->ended = reader->skipping = reader->header_read = false;
        reader->line = 1;
        reader->width = width;
        reader->rows = reader->bad_count = 0;
        reader->counts = (RecordCounts){ 0 };
        buf_clear(&reader->header_text);
        arena_reset(&reader->header_arena);
        memset(&reader->header_ends, 0, sizeof(reader->header_ends));
}

Status csv_start(CsvReader *reader, const Format *format, Source source, size_t width, uint64_t limit, Error *err) {
        reset(reader, format, format->header ? 0 : width);
        reader->scan = scan_choose(&reader->dialect);
        TRY(compile_footer(reader, err));
        TRY(input_start_text(reader->input, source, format, limit, err));
        reader->utf8 = input_sizes(reader->input) == NULL;
        TRY(fill(reader, err));
        skip_mark(reader);
        TRY(skip_preamble(reader, err));
        TRY(skip_before(reader, err));
        if (reader->at == reader->size)
                return STATUS_OK;
        if (format->header)
                return read_header(reader, err);
        return reader->width > 0 ? STATUS_OK : guess_width(reader, err);
}

void csv_header(const CsvReader *reader, Arena *arena, Str **out, size_t *out_count) {
        *out = NULL;
        *out_count = 0;
        if (!reader->header_read)
                return;
        *out_count = reader->header_ends.count;
        *out = ARENA_ARRAY(arena, Str, *out_count);
        size_t start = 0;
        for (size_t i = 0; i < *out_count; i++) {
                size_t end = reader->header_ends.items[i];
                Str field = str_slice(buf_view(&reader->header_text), start, end);
                (*out)[i] = arena_str(arena, field_unquote(&reader->format, field, arena));
                start = end + 1;
        }
}

size_t csv_width(const CsvReader *reader) {
        return reader->width;
}

const RecordCounts *csv_counts(const CsvReader *reader) {
        return &reader->counts;
}

uint64_t csv_read_raw(const CsvReader *reader) {
        return input_read_raw(reader->input);
}

/* --- as a kind of reader --- */

static void *kind_make(void) {
        return csv_new();
}

static void kind_free(void *state) {
        csv_free(state);
}

static Status kind_start(void *state, const ReaderOptions *options, Source source, Error *err) {
        return csv_start(state, options->format, source, options->width, options->limit, err);
}

static void kind_header(const void *state, Arena *arena, Str **out, size_t *out_count) {
        csv_header(state, arena, out, out_count);
}

static size_t kind_width(const void *state) {
        return csv_width(state);
}

static Status kind_next(void *state, RecordBatch *out, bool *out_end, Error *err) {
        return csv_next(state, out, out_end, err);
}

static const RecordCounts *kind_counts(const void *state) {
        return csv_counts(state);
}

static uint64_t kind_read_raw(const void *state) {
        return csv_read_raw(state);
}

const ReaderKind csv_kind = { kind_make,  kind_free, kind_start,  kind_header,
                              kind_width, kind_next, kind_counts, kind_read_raw, NULL };
