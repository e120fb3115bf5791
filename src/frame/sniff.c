/* SPDX-License-Identifier: Apache-2.0 */
#include "frame/sniff.h"

#include <stdio.h>

#include "base/map.h"
#include "base/reason.h"
#include "base/vec.h"
#include "frame/csv.h"
#include "frame/escapes.h"
#include "frame/guess_nested.h"
#include "frame/languages.h"
#include "frame/sniff_log.h"
#include "frame/sniff_parts.h"
#include "frame/sniff_totals.h"

#define SCORED_BYTES (256u << 10) /* a dialect is judged by these */
#define SCORED_LINES 3            /* and by no fewer lines than these */
#define PREAMBLE_LINES_MAX 100
#define FOOTER_RECORDS_MAX 5
#define NAME_SIZE_MAX 64
#define DOUBTS_MAX 500

typedef struct Record {
        size_t start, end; /* without the newline and the CR before it */
        size_t line;       /* from 1 */
        size_t width;      /* 0: a line with a quote in a wrong place */
        bool total;        /* says something of the table, and is no record of it */
} Record;

typedef VEC(Record) Records;

typedef struct Sniffing {
        Str text;
        bool whole;
        Arena *arena;
        Sniffed *out;
        uint32_t *ends; /* scratch of a scan */
        size_t too_wide; /* fields of a record under a delimiter that gives most records too many; 0: none does */
        SniffedLog log;  /* what: NULL if the text is no log */
        bool settled;    /* the format has its dialect already */
} Sniffing;

void sniffed_doubt(Arena *arena, Sniffed *out, Str column, Str what, Str assumed) {
        if (out->doubt_count == DOUBTS_MAX)
                return; /* nobody reads on */
        if (!out->doubts)
                out->doubts = ARENA_ARRAY(arena, SniffedDoubt, DOUBTS_MAX);
        out->doubts[out->doubt_count++] = (SniffedDoubt){ column, what, assumed };
}

static void add_doubt(Sniffing *sniffing, Str column, Str what, Str assumed) {
        sniffed_doubt(sniffing->arena, sniffing->out, column, what, assumed);
}

/* --- records in a dialect --- */

/* A byte order mark before a record, as files have that were joined, is none of its letters. */
static size_t after_mark(Str text, size_t start) {
        return str_starts_with(str_slice(text, start, text.size), STR("\xef\xbb\xbf")) ? start + 3 : start;
}

static void add_record(Sniffing *sniffing, Records *records, size_t start, size_t end, size_t *line, size_t width) {
        const char *text = sniffing->text.data;
        start = after_mark(sniffing->text, start);
        end = end < start ? start : end;
        bool half = end > start && text[end - 1] == '\r' && (end == sniffing->text.size || text[end] == '\n');
        vec_push(sniffing->arena, records, (Record){ .start = start, .end = half ? end - 1 : end, .line = *line, .width = width });
        *line += scan_count_lines(text, start, end < sniffing->text.size ? end + 1 : end);
}

static void cut_records(Sniffing *sniffing, const Format *format, size_t size, Records *out) {
        ScanDialect dialect = csv_dialect(format);
        const char *text = sniffing->text.data;
        size_t start = 0, line = 1;
        while (start < size) {
                Scan scan;
                scan_bytes(&dialect, text, start, size, sniffing->ends, &scan);
                size_t first = 0;
                for (size_t i = 0; i < scan.count; i++) {
                        if (!scan_is_newline(text[sniffing->ends[i]]))
                                continue;
                        add_record(sniffing, out, start, sniffing->ends[i], &line, i - first + 1);
                        start = sniffing->ends[i] + 1;
                        first = i + 1;
                }
                if (start >= size)
                        return;
                if (!scan.wrong && !scan.open) {
                        if (sniffing->whole && size == sniffing->text.size)
                                add_record(sniffing, out, start, size, &line, scan.count - first + 1);
                        return;
                }
                if (scan.open && size < sniffing->text.size)
                        return;
                if (after_mark(sniffing->text, start) > start) { /* a quote behind it looked like one in the middle of a field */
                        start += 3;
                        continue;
                }
                size_t end = scan_line_end(text, start, size);
                add_record(sniffing, out, start, end, &line, 0);
                start = end + 1;
        }
}

static bool is_blank(const Sniffing *sniffing, const Record *record, char delimiter) {
        for (size_t i = record->start; i < record->end; i++) {
                char c = sniffing->text.data[i];
                if (c != ' ' && c != '\t' && c != delimiter)
                        return false;
        }
        return true;
}

/* The width that most records have; of equals the larger. */
static size_t common_width(const Sniffing *sniffing, const Format *format, const Records *records, size_t *out_count,
                           size_t *out_total) {
        size_t *counts = ARENA_ARRAY(sniffing->arena, size_t, FORMAT_COLUMNS_MAX + 1), best = 1;
        *out_total = 0;
        for (size_t i = 0; i < records->count; i++) {
                const Record *record = &records->items[i];
                if (is_blank(sniffing, record, format->delimiter))
                        continue;
                ++*out_total;
                if (record->width > 0 && record->width <= FORMAT_COLUMNS_MAX)
                        counts[record->width]++;
        }
        for (size_t width = 1; width <= FORMAT_COLUMNS_MAX; width++) {
                if (counts[width] > 0 && counts[width] >= counts[best])
                        best = width;
        }
        *out_count = counts[best];
        return best;
}

/* --- how much a field looks like something --- */

static bool is_number_like(Str text) {
        size_t digits = 0;
        for (size_t i = 0; i < text.size; i++) {
                char c = text.data[i];
                if (c >= '0' && c <= '9')
                        digits++;
                else if (!char_is_one_of(c, "+-.,eE%' "))
                        return false;
        }
        return digits > 0;
}

/* No character of another dialect in it, unless as prose has them: a comma before a blank, a colon in a time. */
static bool is_known(const Format *format, Str field) {
        if (field.size == 0 || field_is_quoted(format, field))
                return true;
        Str text = str_trim(field);
        if (text.size == 0 || is_number_like(text))
                return true;
        if (text.size > 1 && (text.data[0] == '\'' || text.data[0] == '"') && text.data[text.size - 1] == text.data[0])
                return false;
        for (size_t i = 0; i < text.size; i++) {
                char c = text.data[i];
                bool before_blank = i + 1 < text.size && text.data[i + 1] == ' ';
                if (c == ';' || c == '|' || c == '\t' || c == '"' || (c == ',' && !before_blank))
                        return false;
        }
        return true;
}

/* What a reading of `"` as an ordinary character leaves behind. */
typedef struct Foreign {
        size_t quoted, torn; /* fields that begin with it; and that do not end with it, so that others hold their rest */
        size_t own;          /* fields in the dialect's own quotes */
        bool before;         /* the field before it in the record begins with one, and ends with one that a backslash may quote */
} Foreign;

static void look_for_quotes(const Format *format, Str field, Foreign *foreign) {
        char last = field.size > 1 ? field.data[field.size - 1] : 0;
        foreign->own += format->quote && last == format->quote && field.data[0] == format->quote;
        bool begins = format->quote != '"' && field.size > 0 && field.data[0] == '"';
        foreign->quoted += begins;
        foreign->torn += begins ? last != '"' : foreign->before && last == '"';
        foreign->before = begins && field.size > 2 && last == '"' && field.data[field.size - 2] == '\\';
}

/* A dialect without `"` must not cut what stands in it, and one with another quote must have fields in it. */
static double foreign_factor(const Format *format, const Foreign *foreign, size_t records) {
        if (format->quote == '\'' && foreign->own == 0)
                return 0;
        if (foreign->torn * 10 > records)
                return 0.005;
        return foreign->quoted > 0 ? 0.5 : 1;
}

static double known_share(Sniffing *sniffing, const Format *format, const Records *records, size_t width) {
        size_t known = 0, all = 0, looked = 0;
        Foreign foreign = { 0 };
        ScanDialect dialect = csv_dialect(format);
        for (size_t i = 0; i < records->count && all < 50000; i++) {
                const Record *record = &records->items[i];
                if (record->width != width)
                        continue;
                Scan scan;
                scan_bytes(&dialect, sniffing->text.data, record->start, record->end, sniffing->ends, &scan);
                size_t start = record->start;
                foreign.before = false;
                looked++;
                for (size_t field = 0; field <= scan.count; field++) {
                        size_t end = field < scan.count ? sniffing->ends[field] : record->end;
                        look_for_quotes(format, (Str){ sniffing->text.data + start, end - start }, &foreign);
                        known += is_known(format, (Str){ sniffing->text.data + start, end - start });
                        all++;
                        start = end + 1;
                }
        }
        return all ? (double)known / (double)all * foreign_factor(format, &foreign, looked) : 0;
}

/* A file with more columns than can be kept would otherwise look like one of a single column. */
static void look_for_width(Sniffing *sniffing, const Records *records) {
        size_t wide = 0, width = 0;
        for (size_t i = 0; i < records->count; i++) {
                if (records->items[i].width <= FORMAT_COLUMNS_MAX)
                        continue;
                wide++;
                width = records->items[i].width;
        }
        if (wide * 2 > records->count)
                sniffing->too_wide = width;
}

static double score_of(Sniffing *sniffing, const Format *format, size_t size) {
        Records records = { 0 };
        size_t count, total;
        cut_records(sniffing, format, size, &records);
        size_t width = common_width(sniffing, format, &records, &count, &total);
        if (total == 0)
                return 0;
        look_for_width(sniffing, &records);
        double share = (double)count / (double)total;
        double columns = width > 1 ? (double)(width - 1) / (double)width : 0.01;
        return share * share * columns * known_share(sniffing, format, &records, width);
}

static const char delimiters[] = { ',', ';', '\t', '|' };
static const char quotes[][2] = { { '"', 0 }, { '\'', 0 }, { 0, 0 }, { '"', '\\' }, { '\'', '\\' } };

/* What parts fields in some files and stands within them in many: only where nothing else parts the lines, and all alike. */
static const char rarer[] = { '\x01', '\x1f', '^', '~' };

#define ALIKE_LEAST 3   /* so many lines */
#define NO_COLUMNS 0.02 /* a score of lines of one field */

/* The fields of each record; 0: they differ, the first one aside, of which *out_first tells: a header may not have a name for each. */
static size_t width_of_all(Sniffing *sniffing, const Format *format, size_t size, size_t *out_first) {
        Records records = { 0 };
        size_t width = 0, count = 0;
        bool first = true;
        *out_first = 0;
        cut_records(sniffing, format, size, &records);
        for (size_t i = 0; i < records.count; i++) {
                const Record *record = &records.items[i];
                if (is_blank(sniffing, record, format->delimiter))
                        continue;
                if (!first && (record->width == 0 || (count > 0 && record->width != width)))
                        return 0;
                *out_first = first ? record->width : *out_first;
                width = first ? 0 : record->width;
                count += !first;
                first = false;
        }
        return count + 1 < ALIKE_LEAST ? 0 : width;
}

/* A header of one name is that of x^2, and of ~/file too; and ~/file may stand in all lines. */
static void try_rarer(Sniffing *sniffing, Format *format, size_t size) {
        for (size_t i = 0; i < COUNT_OF(rarer) * 2; i++) {
                Format tried = format_default();
                size_t width, first;
                tried.delimiter = rarer[i / 2];
                tried.quote = i % 2 ? 0 : '"';
                if (memchr(sniffing->text.data, tried.delimiter, size) == NULL)
                        continue;
                width = width_of_all(sniffing, &tried, size, &first);
                if (width < 2 || first < 2 || (width == 2 && sniffing->text.data[0] == tried.delimiter))
                        continue;
                format->delimiter = tried.delimiter;
                format->quote = tried.quote;
                format->escape = 0;
                return;
        }
}

/* How much of the text judges a dialect: so that lines are among it, however long a header of many names is. */
static size_t scored_size(Str text) {
        size_t size = 0;
        for (int lines = 0; lines < SCORED_LINES && size < text.size; lines++)
                size = scan_line_end(text.data, size, text.size) + 1;
        size = size < SCORED_BYTES ? SCORED_BYTES : size;
        return size < text.size ? size : text.size;
}

static void choose_dialect(Sniffing *sniffing, Format *format) {
        size_t size = scored_size(sniffing->text);
        double best = -1, second = 0;
        Format tried = *format;
        for (size_t d = 0; d < COUNT_OF(delimiters); d++) {
                double best_of_delimiter = 0;
                for (size_t q = 0; q < COUNT_OF(quotes); q++) {
                        tried.delimiter = delimiters[d];
                        tried.quote = quotes[q][0];
                        tried.escape = quotes[q][1];
                        double score = score_of(sniffing, &tried, size);
                        if (score > best_of_delimiter)
                                best_of_delimiter = score;
                        if (score <= best * 1.001)
                                continue;
                        if (best > 0 && format->delimiter != tried.delimiter)
                                second = best;
                        best = score;
                        format->delimiter = tried.delimiter;
                        format->quote = tried.quote;
                        format->escape = tried.escape;
                }
                if (delimiters[d] != format->delimiter && best_of_delimiter > second)
                        second = best_of_delimiter;
        }
        if (best > 0.1 && second > best * 0.9)
                add_doubt(sniffing, STR(""), STR("another delimiter fits almost as well"),
                          arena_strf(sniffing->arena, "'%s'",
                                     format->delimiter == '\t' ? "tab" : (char[]){ format->delimiter, 0 }));
        if (best < NO_COLUMNS)
                try_rarer(sniffing, format, size);
}

/* --- escapes of a database's dump --- */

typedef struct EscapeSigns {
        size_t records, of_width;
        size_t nulls;   /* fields that are \N */
        size_t joins;   /* a backslash before a delimiter or a line end */
        size_t letters; /* before what the database writes one before */
        size_t foreign; /* before anything else */
        size_t quoted;  /* fields in double quotes */
        bool first_is_data;
        Str example; /* a field with a letter */
} EscapeSigns;

static void look_at_field(const Format *format, Str field, EscapeSigns *signs) {
        if (str_is(field, ESCAPES_NULL)) {
                signs->nulls++;
                return;
        }
        signs->quoted += field.size > 1 && field.data[0] == '"' && field.data[field.size - 1] == '"';
        for (size_t i = 0; i < field.size; i++) {
                if (field.data[i] != ESCAPES_BYTE)
                        continue;
                char next = ++i < field.size ? field.data[i] : 0;
                if (next == format->delimiter || scan_is_newline(next)) {
                        signs->joins++;
                } else if (next != 'N' && escapes_are_written(format->escapes, next)) {
                        signs->letters++;
                        signs->example = field;
                } else {
                        signs->foreign++;
                }
        }
}

static size_t look_for_escapes(Sniffing *sniffing, const Format *format, size_t size, EscapeSigns *signs) {
        Records records = { 0 };
        ScanDialect dialect = csv_dialect(format);
        *signs = (EscapeSigns){ 0 };
        cut_records(sniffing, format, size, &records);
        size_t width = common_width(sniffing, format, &records, &signs->of_width, &signs->records);
        for (size_t i = 0; i < records.count; i++) {
                const Record *record = &records.items[i];
                if (record->width != width)
                        continue;
                Scan scan;
                scan_bytes(&dialect, sniffing->text.data, record->start, record->end, sniffing->ends, &scan);
                size_t start = record->start;
                for (size_t field = 0; field <= scan.count; field++) {
                        size_t end = field < scan.count ? sniffing->ends[field] : record->end;
                        Str text = { sniffing->text.data + start, end - start };
                        look_at_field(format, text, signs);
                        signs->first_is_data |= i == 0 && (str_is(text, ESCAPES_NULL) || is_number_like(text));
                        start = end + 1;
                }
        }
        return width;
}

/* Whether a dump is what this reading makes of the text, and no other one would do. */
static bool is_dump(Sniffing *sniffing, Format tried, size_t size) {
        EscapeSigns signs, plain;
        bool tab = tried.delimiter == '\t';
        size_t width = look_for_escapes(sniffing, &tried, size, &signs);
        if (width < 2 || signs.of_width * 50 < signs.records * 49 || signs.foreign > 0 || signs.quoted * 10 > (tab ? signs.of_width : 0))
                return false;
        if (tried.escapes == ESCAPES_POSTGRES) {
                bool dump = signs.joins == 0 && signs.nulls > 0 && (signs.letters > 0 || (tab && signs.first_is_data));
                if (!dump && tab && signs.letters > 0 && signs.joins == 0)
                        add_doubt(sniffing, STR(""), arena_strf(sniffing->arena, "backslashes, as in '%.*s', may stand for other characters", STR_ARG(str_slice(signs.example, 0, 40))),
                                  STR("text as it is; if a database wrote the file, write escapes: postgres and quote: none"));
                return dump;
        }
        tried.escapes = ESCAPES_NONE;
        if (signs.joins == 0)
                return false;
        (void)look_for_escapes(sniffing, &tried, size, &plain);
        return plain.of_width * signs.records < signs.of_width * plain.records;
}

static void choose_escapes(Sniffing *sniffing, Format *format) {
        static const struct {
                FormatEscapes escapes;
                const char *name, *writer;
        } dumps[] = { { ESCAPES_POSTGRES, "postgres", "COPY of PostgreSQL" }, { ESCAPES_MYSQL, "mysql", "SELECT INTO OUTFILE of MySQL" } };
        size_t size = sniffing->text.size < SCORED_BYTES ? sniffing->text.size : SCORED_BYTES;
        const char tried[] = { '\t', format->delimiter };
        if (!memchr(sniffing->text.data, ESCAPES_BYTE, sniffing->text.size))
                return;
        for (size_t i = 0; i < COUNT_OF(tried) * COUNT_OF(dumps); i++) {
                Format dump = *format;
                dump.delimiter = tried[i / 2];
                dump.quote = dump.escape = 0;
                dump.escapes = dumps[i % 2].escapes;
                if ((i >= 2 && tried[1] == tried[0]) || !is_dump(sniffing, dump, size))
                        continue;
                *format = dump;
                add_doubt(sniffing, STR(""), arena_strf(sniffing->arena, "backslashes stand for other characters, as %s writes them, and \\N for NULL", dumps[i % 2].writer),
                          arena_strf(sniffing->arena, "escapes: %s", dumps[i % 2].name));
                return;
        }
}

/* --- what is not data: preamble, comments, footer --- */

static bool starts_with(const Sniffing *sniffing, const Record *record, char c) {
        return record->end > record->start && sniffing->text.data[record->start] == c;
}

/* One such line may be a title, and a later file may have records that begin so: several tell of a habit. */
static void find_comments(Sniffing *sniffing, Format *format, const Records *records, size_t width) {
        size_t found = 0;
        for (size_t i = 0; i < records->count; i++)
                found += starts_with(sniffing, &records->items[i], '#') && records->items[i].width != width;
        if (found < 2 || format->comment.size > 0)
                return;
        format->comment = STR("#");
        add_doubt(sniffing, STR(""), arena_strf(sniffing->arena, "%zu lines that begin with # are no records of the table", found),
                  STR("comments, skipped, as every line is that begins so"));
}

/* The record with which the table begins: the first of the width that is followed by another of it, if not by a broken one. */
static size_t first_of_table(const Sniffing *sniffing, const Format *format, const Records *records, size_t width) {
        for (size_t i = 0; i < records->count; i++) {
                if (records->items[i].width != width || is_blank(sniffing, &records->items[i], format->delimiter))
                        continue;
                size_t next = i + 1;
                while (next < records->count && (records->items[next].width == 0 || is_blank(sniffing, &records->items[next], format->delimiter)))
                        next++;
                if (next == records->count || records->items[next].width == width)
                        return i;
        }
        return 0;
}

static void find_preamble(Sniffing *sniffing, Format *format, const Records *records, size_t first, size_t width) {
        size_t junk = 0;
        for (size_t i = 0; i < first; i++) {
                const Record *record = &records->items[i];
                bool comment = format->comment.size > 0 && starts_with(sniffing, record, '#');
                junk += !comment && !is_blank(sniffing, record, format->delimiter);
        }
        size_t lines = first < records->count ? records->items[first].line - 1 : 0;
        if (junk == 0 || width < 2 || lines > PREAMBLE_LINES_MAX)
                return;
        format->skip = (uint32_t)lines;
        add_doubt(sniffing, STR(""),
                  arena_strf(sniffing->arena,
                             lines == 1 ? "the first line is no record of the table"
                                        : "the first %zu lines are no records of the table",
                             lines),
                  STR("a preamble, skipped"));
}

/* Letters at the beginning of a footer, by which its expression knows it again. */
static Str footer_word(Str text) {
        size_t size = 0;
        while (size < text.size && size < 24 && (((text.data[size] | 0x20) >= 'a' && (text.data[size] | 0x20) <= 'z') || (text.data[size] & 0x80)))
                size++;
        while (size > 0 && size < text.size && (text.data[size] & 0xc0) == 0x80)
                size--; /* no half of a letter */
        return str_slice(text, 0, size);
}

static Str text_of(const Sniffing *sniffing, const Record *record) {
        return str_slice(sniffing->text, record->start, record->end);
}

/* The first field has something in it, and no other one: below a total that is a line about the file. */
static bool is_remark(const Sniffing *sniffing, const Record *record, size_t width, char delimiter) {
        Str first, rest;
        str_cut(text_of(sniffing, record), delimiter, &first, &rest);
        for (size_t i = 0; i < rest.size; i++)
                if (rest.data[i] != delimiter && rest.data[i] != ' ')
                        return false;
        return record->width == width && width > 1 && str_trim(first).size > 0;
}

/* A word that begins records of the table cannot tell a footer. */
static bool word_is_free(const Sniffing *sniffing, const Records *records, size_t count, Str word) {
        for (size_t i = 0; i < count; i++)
                if (str_starts_with(text_of(sniffing, &records->items[i]), word))
                        return false;
        return true;
}

static Str join_expressions(Arena *arena, Str first, Str second) {
        if (first.size == 0 || second.size == 0)
                return first.size ? first : second;
        return arena_strf(arena, "%.*s|%.*s", STR_ARG(first), STR_ARG(second));
}

/*
 * What a footer looks like as a whole, so that no record is taken for one: the word, then as many fields as it has where
 * they are too few for a record; nothing more in them, of a remark as wide as one; else all of it, numbers aside.
 */
static Str footer_expression(const Sniffing *sniffing, const Record *record, Str word, size_t width, char delimiter) {
        CLEANUP(buf_deinit) Buf out = { 0 };
        Str text = text_of(sniffing, record), any = totals_any_field(delimiter, sniffing->arena);
        buf_append_byte(&out, '^');
        if (word.size == 0 || record->width > width || record->width == 0 || memchr(text.data, '"', text.size)) {
                totals_put_literal(&out, text);
        } else {
                totals_put_literal(&out, word);
                buf_append(&out, any);
                for (size_t i = 1; i < record->width; i++) {
                        buf_append(&out, totals_delimiter(delimiter));
                        buf_append(&out, record->width < width ? any : STR(" *"));
                }
        }
        buf_append_byte(&out, '$');
        return buf_dup(&out, sniffing->arena);
}

static bool is_countable(const Sniffing *sniffing, const Record *record) {
        return total_kind(text_of(sniffing, record), NULL) == TOTAL_COUNT;
}

/* A text of one line that stands at the end of a table, and is none of it. */
static bool has_footer_word(const Sniffing *sniffing, const Records *records, size_t at, Str *out_word) {
        const Record *record = &records->items[at];
        Str text = text_of(sniffing, record);
        *out_word = footer_word(text);
        if (!totals_can_be_told(text))
                return false;
        if (text.size > 1 && text.data[0] == '*')
                *out_word = STR("*");
        if ((out_word->size >= 3 || str_is(*out_word, "*")) && word_is_free(sniffing, records, at, *out_word))
                return true;
        *out_word = STR("");
        return is_countable(sniffing, record);
}

static void find_footer(Sniffing *sniffing, Format *format, const Records *records, size_t first, size_t width) {
        size_t last = records->count, found = 0, told = 0; /* told: up to the highest one that is no mere remark */
        Str expression = STR(""), all = STR("");
        if (!sniffing->whole || width < 2)
                return;
        for (; last > first + 1 && found < FOOTER_RECORDS_MAX; last--) {
                const Record *record = &records->items[last - 1];
                Str word;
                if (is_blank(sniffing, record, format->delimiter))
                        continue;
                if (!record->total) {
                        bool footer = record->width != width;
                        if ((!footer && !is_remark(sniffing, record, width, format->delimiter)) || !has_footer_word(sniffing, records, last - 1, &word))
                                break;
                        Str one = footer_expression(sniffing, record, word, width, format->delimiter);
                        all = join_expressions(sniffing->arena, all, one);
                        found++;
                        if (!footer)
                                continue;
                }
                told = found;
                expression = all;
        }
        if (told == 0 || found == FOOTER_RECORDS_MAX)
                return;
        format->footer = join_expressions(sniffing->arena, format->footer, expression);
        add_doubt(sniffing, STR(""),
                  arena_strf(sniffing->arena, "the last %zu record%s no part of the table", told, told == 1 ? " is" : "s are"),
                  arena_strf(sniffing->arena, "a footer, %.*s, skipped", STR_ARG(expression)));
}

/* The fields of a record as they stand. */
static size_t cut_fields(const Sniffing *sniffing, const Format *format, const Record *record, Str *out, size_t most) {
        ScanDialect dialect = csv_dialect(format);
        Scan scan;
        scan_bytes(&dialect, sniffing->text.data, record->start, record->end, sniffing->ends, &scan);
        size_t start = record->start, count = 0;
        for (; count <= scan.count && count < most; count++) {
                size_t end = count < scan.count ? sniffing->ends[count] : record->end;
                out[count] = str_slice(sniffing->text, start, end);
                start = end + 1;
        }
        return count;
}

static void take_totals(Sniffing *sniffing, Format *format, Records *records, const size_t *at, const TotalsFound *found) {
        for (size_t i = 0; at[i] != SIZE_MAX; i++) {
                if (!found->rows[i])
                        continue;
                records->items[at[i]].total = true;
                records->items[at[i]].width = 1;
        }
        format->footer = found->expression;
        add_doubt(sniffing, STR(""),
                  arena_strf(sniffing->arena, "%zu record%s of the table, such as '%.*s'", found->count,
                             found->count == 1 ? " says something" : "s say something",
                             (int)(found->example.size < 60 ? found->example.size : 60), found->example.data),
                  arena_strf(sniffing->arena, "a total, a balance or a count, skipped by footer: %.*s", STR_ARG(found->expression)));
}

/* Whether any field says something of the table: most tables have none, and are not looked at twice. */
static bool may_have_totals(const Sniffing *sniffing, const Format *format, const Records *records, size_t first, size_t width) {
        Str *fields = ARENA_ARRAY(sniffing->arena, Str, width + 1);
        for (size_t i = first + 1; i < records->count; i++) {
                if (records->items[i].width != width)
                        continue;
                cut_fields(sniffing, format, &records->items[i], fields, width);
                for (size_t k = 0; k < width; k++) {
                        Str text = field_unquote(format, fields[k], sniffing->arena);
                        if (total_kind(text, NULL) != TOTAL_NONE || total_is_rule(text))
                                return true;
                }
        }
        return false;
}

/* Totals, balances and lines of pages, wherever they stand. */
static void find_totals(Sniffing *sniffing, Format *format, Records *records, size_t first, size_t width) {
        if (width < 2 || !may_have_totals(sniffing, format, records, first, width))
                return;
        Str *fields = ARENA_ARRAY(sniffing->arena, Str, records->count * width + 1), *raws = ARENA_ARRAY(sniffing->arena, Str, records->count + 1);
        size_t *at = ARENA_ARRAY(sniffing->arena, size_t, records->count + 1), rows = 0;
        for (size_t i = first; i < records->count; i++) {
                const Record *record = &records->items[i];
                if (record->width != width || is_blank(sniffing, record, format->delimiter))
                        continue;
                cut_fields(sniffing, format, record, fields + rows * width, width);
                raws[rows] = text_of(sniffing, record);
                at[rows++] = i;
        }
        at[rows] = SIZE_MAX;
        TotalsTable table = { .delimiter = format->delimiter, .quote = format->quote, .width = width, .rows = rows, .first = 1,
                              .fields = fields, .raws = raws, .whole = sniffing->whole };
        TotalsFound found;
        totals_find(&table, sniffing->arena, &found);
        if (found.count > 0)
                take_totals(sniffing, format, records, at, &found);
}

#define DRAWN "^[-+= ]*(---|===)[-+= ]*$"

/* A line of dashes alone, with no delimiter in it: psql and mysql draw them above, below and under the header. */
static bool is_drawn(Str text) {
        size_t run = 0, longest = 0;
        for (size_t i = 0; i < text.size; i++) {
                if (!char_is_one_of(text.data[i], "-+= "))
                        return false;
                run = (text.data[i] == '-' || text.data[i] == '=') && (i == 0 || text.data[i - 1] == text.data[i]) ? run + 1 : 1;
                longest = text.data[i] != ' ' && text.data[i] != '+' && run > longest ? run : longest;
        }
        return longest >= 3;
}

static void find_drawn(Sniffing *sniffing, Format *format, Records *records, size_t first, size_t width) {
        size_t found = 0;
        if (width < 2 || char_is_one_of(format->delimiter, "-+= "))
                return;
        for (size_t i = first; i < records->count; i++) {
                Record *record = &records->items[i];
                if (record->total || record->width != 1 || !is_drawn(text_of(sniffing, record)))
                        continue;
                record->total = true;
                found++;
        }
        if (found == 0)
                return;
        format->footer = join_expressions(sniffing->arena, format->footer, STR(DRAWN));
        add_doubt(sniffing, STR(""), arena_strf(sniffing->arena, found == 1 ? "%zu line is drawn and no record" : "%zu lines are drawn and no records", found),
                  STR("skipped by footer: " DRAWN));
}

/* --- the table's fields --- */

typedef struct Table {
        size_t width, rows;
        Str *fields; /* rows * width, as they stand; the first row may be the header */
        RecordCounts counts;
        int64_t broken[RULE_COUNT]; /* the bad records, by rule */
} Table;

static Status read_table(Sniffing *sniffing, const Format *format, size_t width, Table *out, Error *err) {
        CLEANUP(csv_freep) CsvReader *reader = csv_new();
        VEC(Str) fields = { 0 };
        Format plain = *format;
        plain.header = false;
        Str left = sniffing->text;
        TRY(csv_start(reader, &plain, source_of_bytes(&left), width, 0, err));
        *out = (Table){ .width = width };
        while (true) {
                RecordBatch batch;
                bool end;
                TRY(csv_next(reader, &batch, &end, err));
                if (end)
                        break;
                for (size_t i = 0; i < batch.bad_count; i++)
                        out->broken[batch.bad[i].rule]++;
                for (size_t row = 0; row < batch.rows; row++) {
                        Str raw = arena_str(sniffing->arena, record_text(&batch, row));
                        for (size_t i = 0; i < width; i++) {
                                Str field = record_field(&batch, row, i);
                                size_t at = (size_t)(field.data - batch.text) - batch.starts[row];
                                vec_push(sniffing->arena, &fields, str_slice(raw, at, at + field.size));
                        }
                        out->rows++;
                }
        }
        out->fields = fields.items;
        out->counts = *csv_counts(reader);
        return STATUS_OK;
}

static Str *column_of(const Sniffing *sniffing, const Table *table, size_t from_row, size_t column, size_t *out_count) {
        size_t count = table->rows > from_row ? table->rows - from_row : 0;
        Str *fields = ARENA_ARRAY(sniffing->arena, Str, count + 1);
        for (size_t i = 0; i < count; i++)
                fields[i] = table->fields[(from_row + i) * table->width + column];
        *out_count = count;
        return fields;
}

/* --- header or not --- */

static bool is_name_like(Str text) {
        size_t letters = 0;
        if (text.size == 0 || text.size > NAME_SIZE_MAX || text.data[0] == '{' || text.data[0] == '[')
                return false;
        for (size_t i = 0; i < text.size; i++) {
                unsigned char c = (unsigned char)text.data[i];
                letters += (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
                letters += c >= 0x80;
        }
        return letters > 0 && !is_number_like(text);
}

static bool fits_type(const Sniffing *sniffing, const Format *format, const ColumnGuess *guess, Str field) {
        ColumnGuess one;
        guess_column(format, &field, 1, true, sniffing->arena, &one);
        static const TypeKind whole[] = { TYPE_INT, TYPE_BIGINT }, wide[] = { TYPE_DOUBLE, TYPE_DECIMAL };
        bool a = false, b = false;
        for (size_t i = 0; i < 2; i++) {
                a |= one.type.kind == whole[i] || one.type.kind == wide[i];
                b |= guess->type.kind == whole[i] || guess->type.kind == wide[i];
        }
        return one.type.kind == guess->type.kind || (a && b);
}

/* All values of one length, or all capitals and digits: then a header of another kind shows. */
typedef struct Shape {
        bool fixed, capitals;
        size_t size;
} Shape;

static bool is_capitals(Str text) {
        for (size_t i = 0; i < text.size; i++) {
                char c = text.data[i];
                if (!((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')))
                        return false;
        }
        return text.size > 0;
}

static Shape shape_of(const Sniffing *sniffing, const Format *format, const Str *fields, size_t count) {
        Shape shape = { .fixed = true, .capitals = true };
        size_t seen = 0;
        for (size_t i = 0; i < count; i++) {
                Str text = field_unquote(format, fields[i], sniffing->arena);
                if (text.size == 0 || str_is(text, "\\N"))
                        continue;
                if (seen++ == 0)
                        shape.size = text.size;
                shape.fixed &= text.size == shape.size;
                shape.capitals &= is_capitals(text);
        }
        if (seen < 5)
                return (Shape){ 0 };
        return shape;
}

/* A text without its blanks and with every number in it a 9. */
static Str make_of(Str text, Arena *arena) {
        char *make = arena_alloc_raw(arena, text.size + 1);
        size_t size = 0;
        for (size_t i = 0; i < text.size; i++) {
                bool digit = text.data[i] >= '0' && text.data[i] <= '9';
                char as = digit ? '9' : text.data[i];
                if (as != ' ' && !(digit && size > 0 && make[size - 1] == '9'))
                        make[size++] = as;
        }
        return (Str){ make, size };
}

/* Whether a text differs from most of the others in its numbers alone: 'row 1' among 'row 2', 'row 3'. */
static bool is_made_alike(const Sniffing *sniffing, const Format *format, Str text, const Str *others, size_t count) {
        Str make = make_of(text, sniffing->arena);
        size_t alike = 0, all = 0;
        if (count < 2 || str_find_byte(make, '9') == make.size)
                return false;
        for (size_t i = 0; i < count && i < 1000; i++) {
                Str other = str_trim(field_unquote(format, others[i], sniffing->arena));
                alike += str_equal(make_of(other, sniffing->arena), make);
                all += other.size > 0;
        }
        return alike * 5 >= all * 4 && all > 1;
}

#define VOTES_SAMPLE 4000

typedef struct Votes {
        int header, data;   /* strong: types and shapes */
        int above, within;  /* of these the strongest: a word above numbers or dates, and a value of the type itself */
        bool names, unique; /* weak: all fields look like names, all differ */
        bool recurs;        /* a field of the first row occurs again in its column */
} Votes;

/*
 * The ones before the first bar and behind the last, where each line begins and ends with one. Any other column without a
 * value has a name in a header: a first record that has nothing there either is rather one of the records.
 */
static bool is_margin(const Sniffing *sniffing, const Format *format, const Table *table, size_t column) {
        size_t last = table->width - 1;
        if (table->width < 3 || (column > 0 && column < last))
                return false;
        for (size_t row = 0; row < table->rows; row++) {
                const Str *fields = &table->fields[row * table->width];
                if (str_trim(field_unquote(format, fields[0], sniffing->arena)).size > 0 || str_trim(field_unquote(format, fields[last], sniffing->arena)).size > 0)
                        return false;
        }
        return true;
}

static void vote_column(const Sniffing *sniffing, const Format *format, const Table *table, size_t column,
                        Votes *votes) {
        size_t count;
        Str first = table->fields[column], *rest = column_of(sniffing, table, 1, column, &count);
        Str text = str_trim(field_unquote(format, first, sniffing->arena));
        ColumnGuess guess;
        votes->names &= is_name_like(text) || (text.size == 0 && is_margin(sniffing, format, table, column));
        for (size_t i = 0; i < count && !votes->recurs; i++)
                votes->recurs = text.size > 0 &&
                                str_equal(str_trim(field_unquote(format, rest[i], sniffing->arena)), text);
        if (text.size == 0)
                return;
        for (size_t i = 0; count > VOTES_SAMPLE && i < VOTES_SAMPLE; i++) /* records from everywhere tell it as well as all */
                rest[i] = rest[i * count / VOTES_SAMPLE];
        count = count < VOTES_SAMPLE ? count : VOTES_SAMPLE;
        guess_column(format, rest, count, true, sniffing->arena, &guess);
        if (guess.type.kind != TYPE_TEXT) {
                if (fits_type(sniffing, format, &guess, first))
                        votes->data++, votes->within++;
                else if (!str_is(text, "\\N") && is_name_like(text))
                        votes->header++, votes->above++;
                return;
        }
        if (is_number_like(text) || is_made_alike(sniffing, format, text, rest, count))
                votes->data++;
        Shape shape = shape_of(sniffing, format, rest, count);
        if (shape.fixed)
                text.size == shape.size ? votes->data++ : votes->header++;
        else if (shape.capitals)
                is_capitals(text) ? votes->data++ : votes->header++;
}

static bool all_differ(const Sniffing *sniffing, const Format *format, const Table *table) {
        Map seen;
        map_init(&seen, sniffing->arena);
        for (size_t i = 0; i < table->width; i++) {
                Str text = str_trim(field_unquote(format, table->fields[i], sniffing->arena));
                if (text.size == 0 && is_margin(sniffing, format, table, i))
                        continue;
                if (map_has(&seen, text))
                        return false;
                map_put(&seen, text, &seen);
        }
        return true;
}

static bool begins_with_digit(const Sniffing *sniffing, const Format *format, const Table *table) {
        for (size_t i = 0; i < table->width; i++) {
                Str text = str_trim(field_unquote(format, table->fields[i], sniffing->arena));
                if (text.size > 0 && text.data[0] >= '0' && text.data[0] <= '9')
                        return true;
        }
        return false;
}

/* A year, as 2024; 0: the text is none. */
static int year_of(Str text) {
        int year = 0;
        if (text.size != 4)
                return 0;
        for (size_t i = 0; i < 4; i++) {
                if (text.data[i] < '0' || text.data[i] > '9')
                        return 0;
                year = year * 10 + text.data[i] - '0';
        }
        return year >= 1900 && year <= 2100 ? year : 0;
}

/* 2024-01-31, 31.01.2024, 01/2024, 2024-01: digits with marks between them, and a year. */
static bool is_date_like(Str text) {
        size_t marks = 0, digits = 0;
        for (size_t i = 0; i < text.size; i++) {
                bool digit = text.data[i] >= '0' && text.data[i] <= '9';
                if (!digit && (i == 0 || !char_is_one_of(text.data[i], "-./")))
                        return false;
                digits += digit;
                marks += !digit;
        }
        bool year = text.size > 4 && (year_of(str_slice(text, 0, 4)) > 0 || year_of(str_slice(text, text.size - 4, text.size)) > 0);
        return year && marks >= 1 && marks <= 2 && digits >= 5 && digits <= 8 && text.data[text.size - 1] != '.';
}

static bool is_period(Str text) {
        return year_of(text) > 0 || is_date_like(text);
}

/* Whether most values below are years or dates as well: then the one at the top may be one of them. */
static bool has_periods_below(const Sniffing *sniffing, const Format *format, const Table *table, size_t column) {
        size_t count, periods = 0, values = 0;
        Str *rest = column_of(sniffing, table, 1, column, &count);
        for (size_t i = 0; i < count && i < VOTES_SAMPLE; i++) {
                Str text = str_trim(field_unquote(format, rest[i], sniffing->arena));
                values += text.size > 0;
                periods += is_period(text);
        }
        return periods * 2 > values;
}

/* Years or dates, each another one and years in their order, above values that are none; names or nothing before them. */
static bool names_periods(const Sniffing *sniffing, const Format *format, const Table *table) {
        size_t periods = 0, others = 0;
        int last = 0, step = 0;
        for (size_t i = 0; i < table->width; i++) {
                Str text = str_trim(field_unquote(format, table->fields[i], sniffing->arena));
                int year = year_of(text);
                if (!is_period(text)) {
                        others++;
                        if (text.size > 0 && !is_name_like(text))
                                return false;
                        continue;
                }
                if (year > 0 && last > 0) {
                        if (year == last || (step != 0 && (year > last) != (step > 0)))
                                return false;
                        step = year - last;
                }
                last = year > 0 ? year : last;
                if (has_periods_below(sniffing, format, table, i))
                        return false;
                periods++;
        }
        return periods > 1 && others > 0 && table->rows > 1 && all_differ(sniffing, format, table);
}

static bool decide_header(Sniffing *sniffing, const Format *format, const Table *table) {
        Votes votes = { .names = true };
        if (table->rows == 0)
                return true;
        if (table->rows == 1 && begins_with_digit(sniffing, format, table)) {
                add_doubt(sniffing, STR(""), STR("the only record could be a header"), STR("data, since a field begins with a digit"));
                return false;
        }
        if (names_periods(sniffing, format, table)) {
                add_doubt(sniffing, STR(""), STR("the first record holds years or dates, above values that are none"), STR("a header"));
                return true;
        }
        for (size_t i = 0; i < table->width; i++)
                vote_column(sniffing, format, table, i, &votes);
        votes.unique = all_differ(sniffing, format, table);
        if (votes.header > 0 && votes.data == 0)
                return true;
        if (votes.data > 0 && votes.header == 0) {
                if (votes.names && votes.unique && !votes.recurs)
                        add_doubt(sniffing, STR(""), STR("the first record could be a header"),
                                  STR("data, as it is like the rest"));
                return false;
        }
        if (votes.above > 1 && votes.within == 0 && votes.names && votes.unique && !votes.recurs)
                return true; /* whatever the shapes of texts look like */
        bool header = votes.header != votes.data ? votes.header > votes.data
                                                 : votes.names && votes.unique && !votes.recurs;
        add_doubt(sniffing, STR(""), STR("little tells whether the first record is a header"),
                  header ? STR("a header") : STR("data; the columns are column_1, column_2, ..."));
        return header;
}

/* The same where nothing is told of it yet. */
static bool is_surely_header(Sniffing *sniffing, const Format *format, const Table *table) {
        size_t doubts = sniffing->out->doubt_count;
        bool header = decide_header(sniffing, format, table), sure = sniffing->out->doubt_count == doubts;
        sniffing->out->doubt_count = doubts;
        return header && sure;
}

/* The rows that are not the first one once more. */
static Table without_repeats(const Sniffing *sniffing, const Table *table) {
        Table once = *table;
        once.fields = ARENA_ARRAY(sniffing->arena, Str, table->rows * table->width + 1);
        once.rows = 0;
        for (size_t row = 0; row < table->rows; row++) {
                const Str *fields = &table->fields[row * table->width];
                bool repeats = row > 0;
                for (size_t i = 0; i < table->width && repeats; i++)
                        repeats = str_equal(fields[i], table->fields[i]);
                if (!repeats)
                        memcpy(&once.fields[once.rows++ * table->width], fields, table->width * sizeof(*fields));
        }
        return once;
}

/* Whether the table with this record at its top has it for a header, and nothing speaks against that. */
static Status begins_with_header(Sniffing *sniffing, const Format *format, const Record *record, size_t width, bool *out, Error *err) {
        Format from = *format;
        Table table;
        from.skip = (uint32_t)(record->line - 1);
        TRY(read_table(sniffing, &from, width, &table, err));
        Table once = without_repeats(sniffing, &table); /* as on each page of a printed list */
        *out = once.rows > 1 && is_surely_header(sniffing, &from, &once);
        return STATUS_OK;
}

/*
 * A header, or the first record, may be followed by records of another width; the table begins there all the same, unless
 * lines of one field lie between, or what comes later is a header.
 */
static Status look_above(Sniffing *sniffing, const Format *format, const Records *records, size_t width, size_t *first, Error *err) {
        size_t top = 0;
        bool header, later;
        while (top < *first && (records->items[top].width != width || is_blank(sniffing, &records->items[top], format->delimiter)))
                top++;
        if (top == *first || width < 2)
                return STATUS_OK;
        TRY(begins_with_header(sniffing, format, &records->items[top], width, &header, err));
        TRY(begins_with_header(sniffing, format, &records->items[*first], width, &later, err));
        for (size_t i = top; i < *first && !header; i++)
                later |= records->items[i].width == 1;
        if (header || !later)
                *first = top;
        return STATUS_OK;
}

#define PADDED_MAX 20 /* lines of a preamble that a spreadsheet filled up with delimiters */

static size_t count_filled(Sniffing *sniffing, const Format *format, const Record *record, Str *fields, size_t width, bool *out_last) {
        size_t filled = 0;
        cut_fields(sniffing, format, record, fields, width);
        for (size_t i = 0; i < width; i++)
                filled += str_trim(field_unquote(format, fields[i], sniffing->arena)).size > 0;
        *out_last = str_trim(field_unquote(format, fields[width - 1], sniffing->arena)).size > 0;
        return filled;
}

/*
 * Lines above the header may be as wide as the table, since a spreadsheet writes them so: then they have half as many
 * fields filled as the header, or fewer, and the last one is empty. The table begins below them if a header stands there.
 */
static Status pass_padded(Sniffing *sniffing, const Format *format, const Records *records, size_t width, size_t *first, Error *err) {
        Str *fields = ARENA_ARRAY(sniffing->arena, Str, width + 1);
        size_t most = 0, at = *first;
        bool last = false, header;
        for (; at < records->count && at < *first + PADDED_MAX; at++) {
                const Record *record = &records->items[at];
                if (is_blank(sniffing, record, format->delimiter))
                        continue;
                if (record->width != width)
                        return STATUS_OK;
                size_t filled = count_filled(sniffing, format, record, fields, width, &last);
                if (last && filled >= most * 2)
                        break;
                most = filled > most ? filled : most;
                if (last || most * 2 > width)
                        return STATUS_OK;
        }
        if (most == 0 || at == records->count || at == *first + PADDED_MAX)
                return STATUS_OK;
        TRY(begins_with_header(sniffing, format, &records->items[at], width, &header, err));
        if (header)
                *first = at;
        return STATUS_OK;
}

/* --- columns --- */

static void guess_columns(const Sniffing *sniffing, const Format *format, const Table *table, bool day_first) {
        Sniffed *out = sniffing->out;
        for (size_t i = 0; i < table->width; i++) {
                size_t count;
                Str *fields = column_of(sniffing, table, format->header ? 1 : 0, i, &count);
                guess_named(format, out->columns[i].name, fields, count, day_first, sniffing->arena, &out->columns[i].guess);
        }
}

/* The decimal and thousands characters are the file's, not a column's. */
static NumberStyle settle_numbers(Format *format, const NumberEvidence *evidence, size_t width) {
        NumberStyle style = number_style_choose(evidence, width, format->delimiter);
        format->decimal = style.decimal;
        format->thousands = style.thousands;
        return style;
}

static NumberEvidence *evidence_of(const Sniffing *sniffing, const Format *format, const Table *table) {
        NumberEvidence *evidence = ARENA_ARRAY(sniffing->arena, NumberEvidence, table->width + 1);
        for (size_t i = 0; i < table->width; i++) {
                size_t count;
                Str *fields = column_of(sniffing, table, format->header ? 1 : 0, i, &count);
                guess_evidence(format, sniffing->out->columns[i].name, fields, count, sniffing->arena, &evidence[i]);
        }
        return evidence;
}

static bool is_number_type(Type type) {
        return type.kind == TYPE_INT || type.kind == TYPE_BIGINT || type.kind == TYPE_DECIMAL || type.kind == TYPE_DOUBLE;
}

/* A column whose numbers have the other decimal point must not be read by this one. */
static bool keep_other_style(Sniffing *sniffing, const NumberStyle *style, const NumberEvidence *evidence, SniffedColumn *column) {
        char vote = number_evidence_vote(evidence);
        if (!vote || vote == style->decimal)
                return false;
        column->guess.type = (Type){ .kind = TYPE_TEXT };
        column->guess.misfits = 0;
        column->guess.doubt_count = column->guess.null_count = 0;
        column->guess.empty_is_null = false;
        add_doubt(sniffing, column->name,
                  arena_strf(sniffing->arena, "its numbers have '%c' as the decimal point, and other columns '%c'", vote, style->decimal),
                  STR("text, since a file has one 'decimal'"));
        return true;
}

/* 1,234 is a little over one, or more than a thousand, and nothing in the file tells. */
static void doubt_numbers(Sniffing *sniffing, const NumberStyle *style, const NumberEvidence *evidence, size_t width) {
        for (size_t i = 0; i < width; i++) {
                SniffedColumn *column = &sniffing->out->columns[i];
                if (keep_other_style(sniffing, style, &evidence[i], column) || style->proven || !is_number_type(column->guess.type))
                        continue;
                int mark = evidence[i].either[1] > 0;
                bool point = style->decimal == (mark ? ',' : '.');
                Str example = evidence[i].example[mark];
                if (evidence[i].either[mark] == 0 || number_evidence_vote(&evidence[i]))
                        continue;
                char character = mark ? ',' : '.', other = mark ? '.' : ',';
                column->guess.unsure = true;
                add_doubt(sniffing, column->name,
                          arena_strf(sniffing->arena, "in numbers such as %.*s, '%c' may be the decimal point or set off thousands, and no value tells which",
                                     STR_ARG(example), character),
                          point ? arena_strf(sniffing->arena, "it is the decimal point; if not, write decimal: \"%c\" and thousands: \"%c\", and an integer type", other, character)
                                : arena_strf(sniffing->arena, "it sets off thousands; if not, write decimal: \"%c\" without 'thousands', and a decimal type", character));
        }
}

static bool has_month_first(const ColumnGuess *guess) {
        for (size_t i = 0; i < guess->date_count; i++) {
                if (str_starts_with(guess->dates[i], STR("M")) && !str_starts_with(guess->dates[i], STR("MMM")))
                        return true;
        }
        return false;
}

static void add_text(const Sniffing *sniffing, StrList *list, Str text) {
        for (size_t i = 0; i < list->count; i++) {
                if (str_equal(list->items[i], text))
                        return;
        }
        Str *items = ARENA_ARRAY(sniffing->arena, Str, list->count + 1);
        if (list->count > 0)
                memcpy(items, list->items, list->count * sizeof(*items));
        items[list->count] = text;
        *list = (StrList){ items, list->count + 1 };
}

static void keep_dates(Sniffing *sniffing, size_t column) {
        SniffedColumn *sniffed = &sniffing->out->columns[column];
        for (size_t i = 0; i < sniffed->guess.date_count; i++)
                add_text(sniffing, &sniffed->dates, sniffed->guess.dates[i]);
        add_doubt(sniffing, sniffed->name, STR("dates in a pattern that clashes with another column's"), STR("a pattern of its own"));
}

/* Patterns are the file's too; a column whose pattern clashes with those before it keeps them for itself. */
static void settle_dates(Sniffing *sniffing, Format *format, size_t width) {
        Error err;
        bool iso = false;
        for (size_t i = 0; i < width; i++) {
                ColumnGuess *guess = &sniffing->out->columns[i].guess;
                Format with = *format;
                iso |= guess->iso;
                for (size_t j = 0; j < guess->date_count; j++)
                        add_text(sniffing, &with.dates, guess->dates[j]);
                if (format_check_dates(&with, &err) == STATUS_OK)
                        format->dates = with.dates;
                else
                        keep_dates(sniffing, i);
        }
        if (iso && format->dates.count > 0)
                add_text(sniffing, &format->dates, STR("yyyy-MM-dd"));
}

static void settle_nulls(Sniffing *sniffing, Format *format, size_t width) {
        bool empty = false;
        for (size_t i = 0; i < width; i++) {
                ColumnGuess *guess = &sniffing->out->columns[i].guess;
                empty |= guess->empty_is_null;
                for (size_t j = 0; j < guess->null_count; j++)
                        add_text(sniffing, &format->nulls, guess->null_words[j]);
        }
        for (size_t i = 0; i < format->nulls.count; i++) {
                if (!str_is(format->nulls.items[i], "\\N"))
                        add_doubt(sniffing, STR(""),
                                  arena_strf(sniffing->arena, "'%.*s' stands among values of other types",
                                             STR_ARG(format->nulls.items[i])),
                                  format->kind != FORMAT_JSON && format->kind != FORMAT_JSONL ? STR("NULL, in text columns too") : STR("NULL, but not in text columns"));
        }
        if (empty)
                add_text(sniffing, &format->nulls, STR(""));
}

static void take_doubts(Sniffing *sniffing, size_t width) {
        for (size_t i = 0; i < width; i++) {
                const SniffedColumn *column = &sniffing->out->columns[i];
                for (size_t j = 0; j < column->guess.doubt_count; j++)
                        add_doubt(sniffing, column->name, column->guess.doubts[j].what,
                                  column->guess.doubts[j].assumed);
        }
}

/* What the format says of the values holds against what their texts look like. */
static void keep_kind(Sniffing *sniffing, FieldKind kind, StrList fields, SniffedColumn *column) {
        TypeKind guessed = column->guess.type.kind;
        bool text = kind == FIELD_MIXED || kind == FIELD_NESTED ||
                    (kind == FIELD_TEXTS && (guessed <= TYPE_DECIMAL || guessed == TYPE_TEXT));
        if (!text)
                return;
        column->guess = (ColumnGuess){ .type = { .kind = TYPE_TEXT },
                                       .nulls = column->guess.nulls,
                                       .example = column->guess.example };
        if (kind == FIELD_MIXED)
                add_doubt(sniffing, column->name, STR("values of several kinds, such as texts and numbers"), STR("text"));
        if (kind == FIELD_NESTED && !guess_nested(&sniffing->out->format, fields, sniffing->arena, &column->guess.type))
                add_doubt(sniffing, column->name, STR("lists or objects"), STR("JSON text"));
}

static void guess_cut(Sniffing *sniffing, const CutColumn *cut, bool day_first, SniffedColumn *out) {
        *out = (SniffedColumn){ .name = cut->name, .key = cut->key };
        guess_named(&sniffing->out->format, cut->name, cut->fields.items, cut->fields.count, day_first, sniffing->arena, &out->guess);
        out->guess.nulls += cut->absent;
}

void sniff_columns(const CutColumn *columns, size_t count, Arena *arena, Sniffed *out) {
        Sniffing sniffing = { .arena = arena, .out = out };
        bool month_first = false;
        out->columns = ARENA_ARRAY(arena, SniffedColumn, count + 1);
        out->column_count = count;
        NumberEvidence *evidence = ARENA_ARRAY(arena, NumberEvidence, count + 1);
        NumberStyle style = { .decimal = out->format.decimal };
        if (out->format.kind == FORMAT_FIXED) { /* JSON has a style of its own */
                for (size_t i = 0; i < count; i++)
                        guess_evidence(&out->format, columns[i].name, columns[i].fields.items, columns[i].fields.count, arena, &evidence[i]);
                style = settle_numbers(&out->format, evidence, count);
        }
        for (size_t i = 0; i < count; i++) {
                guess_cut(&sniffing, &columns[i], true, &out->columns[i]);
                month_first |= has_month_first(&out->columns[i].guess);
        }
        for (size_t i = 0; i < count; i++) {
                if (month_first)
                        guess_cut(&sniffing, &columns[i], false, &out->columns[i]);
                keep_kind(&sniffing, columns[i].kind, columns[i].fields, &out->columns[i]);
        }
        doubt_numbers(&sniffing, &style, evidence, count);
        settle_dates(&sniffing, &out->format, count);
        settle_nulls(&sniffing, &out->format, count);
        take_doubts(&sniffing, count);
}

/* Whether the columns from this one on have no value, as where each record ends with a delimiter. */
static bool are_empty_from(const Sniffing *sniffing, const Format *format, const Table *table, size_t from) {
        for (size_t row = 0; row < table->rows; row++)
                for (size_t i = from; i < table->width; i++)
                        if (str_trim(field_unquote(format, table->fields[row * table->width + i], sniffing->arena)).size > 0)
                                return false;
        return true;
}

/*
 * A header of another width than the records is part of the preamble, since no record fits it. Its names still are the
 * columns' names, by place; but where it has too few of them, only if the columns beyond are empty: a decimal comma without
 * quotes, and names of rows without a name of their own, move the fields that they should stand above. NULL if the line
 * before the table is none; *out_short: it is one, with too few names.
 */
static Str *header_of_other_width(Sniffing *sniffing, const Format *format, const Record *record, const Table *table, bool *out_short) {
        ScanDialect dialect = csv_dialect(format);
        size_t width = table->width;
        Scan scan;
        *out_short = false;
        if (!record || record->width < 2 || format->header)
                return NULL;
        scan_bytes(&dialect, sniffing->text.data, record->start, record->end, sniffing->ends, &scan);
        Str *fields = ARENA_ARRAY(sniffing->arena, Str, width);
        size_t start = record->start, named = 0, filled = 0;
        for (size_t i = 0; i <= scan.count && i < width; i++) {
                size_t end = i < scan.count ? sniffing->ends[i] : record->end;
                Str field = { sniffing->text.data + start, end - start };
                fields[i] = str_trim(field_unquote(format, arena_str(sniffing->arena, field), sniffing->arena));
                filled += fields[i].size > 0;
                named += is_name_like(fields[i]);
                start = end + 1;
        }
        if (named < 2 || named < filled || named * 2 < width)
                return NULL;
        *out_short = record->width < width && !are_empty_from(sniffing, format, table, record->width);
        if (*out_short)
                return NULL;
        add_doubt(
                sniffing, STR(""),
                arena_strf(sniffing->arena, "the header has %zu fields and the records have %zu", record->width, width),
                STR("its names go to the columns by place"));
        return fields;
}

Str sniff_why_renamed(Arena *arena, Str written) {
        if (written.size == 0)
                return STR("the header gives this column no name");
        return arena_strf(arena,
                          name_is_reserved(written) ? "'%.*s' is a name that Lode keeps for itself"
                                                    : "another column is named '%.*s' too",
                          STR_ARG(written));
}

/* above: the names of a header of another width; NULL = there is none. */
static void name_columns(Sniffing *sniffing, const Format *format, const Table *table, Str *above) {
        size_t width = table->width;
        Str *names = ARENA_ARRAY(sniffing->arena, Str, width + 1), *fields = above;
        bool *renamed = ARENA_ARRAY(sniffing->arena, bool, width + 1);
        if (format->header)
                fields = ARENA_ARRAY(sniffing->arena, Str, width + 1);
        for (size_t i = 0; i < width && format->header && table->rows > 0; i++)
                fields[i] = field_unquote(format, table->fields[i], sniffing->arena);
        names_of_header(fields, width, sniffing->arena, names, renamed);
        for (size_t i = 0; i < width; i++) {
                sniffing->out->columns[i].name = names[i];
                if (!format->header || !renamed[i])
                        continue;
                add_doubt(sniffing, names[i], sniff_why_renamed(sniffing->arena, str_trim(fields[i])),
                          arena_strf(sniffing->arena, "named %.*s", STR_ARG(names[i])));
        }
}

/* --- the whole --- */

static void doubt_bad(Sniffing *sniffing, const Table *table) {
        int64_t encoding = table->broken[RULE_INVALID_UTF8], others = table->counts.bad - encoding;
        long long records = (long long)table->counts.records;
        if (encoding > 0)
                add_doubt(sniffing, STR(""),
                          arena_strf(sniffing->arena,
                                     "%lld of %lld records hold bytes that are no text of the file's encoding",
                                     (long long)encoding, records),
                          STR("they go to quarantine"));
        if (others > 0)
                add_doubt(sniffing, STR(""),
                          arena_strf(sniffing->arena, "%lld of %lld records are malformed or of another width",
                                     (long long)others, records),
                          STR("they go to quarantine"));
}

static Status no_rows(const Table *table, Error *err) {
        if (table->broken[RULE_INVALID_UTF8] > 0)
                return error_reason(err, TEXT_UTF8);
        if (table->broken[RULE_NUL_BYTE] > 0)
                return error_reason(err, TEXT_NUL);
        return error_reason(err, NO_CSV);
}

/* The last record before the table that is not blank. */
static const Record *record_before(const Sniffing *sniffing, const Format *format, const Records *records,
                                   size_t first) {
        while (first > 0 && is_blank(sniffing, &records->items[first - 1], format->delimiter))
                first--;
        return first > 0 ? &records->items[first - 1] : NULL;
}

/*
 * Lines before the table are passed over only where something says that they are none of it: a header follows, or is the
 * last of them, or they have no delimiter and several records follow. Else they would be records that are lost.
 */
static bool preamble_is_one(const Sniffing *sniffing, const Format *format, const Records *records, size_t first, const Table *table,
                            const Str *above) {
        if (format->skip == 0 || format->header || above)
                return true;
        for (size_t i = 0; i < first; i++)
                if (records->items[i].width != 1 && !is_blank(sniffing, &records->items[i], format->delimiter))
                        return false;
        return table->rows >= 3;
}

/* The lines are records after all, of another width, and will be quarantined as that. */
static void keep_preamble(Sniffing *sniffing, Format *format) {
        Sniffed *out = sniffing->out;
        size_t kept = 0;
        format->skip = 0;
        for (size_t i = 0; i < out->doubt_count; i++)
                if (!str_is(out->doubts[i].assumed, "a preamble, skipped"))
                        out->doubts[kept++] = out->doubts[i];
        out->doubt_count = kept;
}

/* Whether the first record could be a header: one of another width is none. */
static bool begins_with_width(const Sniffing *sniffing, const Format *format, const Records *records, size_t width) {
        size_t i = 0;
        while (i < records->count && is_blank(sniffing, &records->items[i], format->delimiter))
                i++;
        return i < records->count && records->items[i].width == width;
}

#define OTHER_TABLE_RECORDS 3 /* so many of one width, one after the other, are a table */

#define PAIRS_WIDTH 3  /* fields at most of a line that says one thing of the file: "Saldo;1.234,56;EUR" */
#define PAIRS_LINES 20
#define PAIRS_TABLE 5  /* columns at least of the table that stands below them */

static bool has_digit(Str text) {
        for (size_t i = 0; i < text.size; i++)
                if (text.data[i] >= '0' && text.data[i] <= '9')
                        return true;
        return false;
}

/*
 * Lines such as "IBAN;DE89..." and "Kunde;Ann Bo" above a much wider table, as banks write them: keys with a text each, some
 * with digits and some without. A table has a header above other values, or values of one kind: all are names, or numbers.
 */
static Status are_pairs(Sniffing *sniffing, const Format *format, const Records *records, size_t from, size_t end, size_t width, bool *out, Error *err) {
        size_t own = records->items[from].width;
        Sniffing part = *sniffing;
        Format plain = *format;
        Table table;
        *out = false;
        if (own > PAIRS_WIDTH || end - from > PAIRS_LINES || width < PAIRS_TABLE || width < own * 2)
                return STATUS_OK;
        plain.skip = 0;
        plain.footer = STR("");
        part.text = str_slice(sniffing->text, records->items[from].start, records->items[end - 1].end);
        TRY(read_table(&part, &plain, own, &table, err));
        size_t digits = 0;
        for (size_t row = 0; row < table.rows; row++) {
                if (!is_name_like(str_trim(field_unquote(format, table.fields[row * own], sniffing->arena))))
                        return STATUS_OK;
                digits += has_digit(table.fields[row * own + 1]);
        }
        if (digits == 0 || digits == table.rows)
                return STATUS_OK;
        for (size_t i = 1; i < own; i++) {
                size_t count;
                ColumnGuess guess;
                Str *fields = column_of(sniffing, &table, 0, i, &count);
                guess_column(&plain, fields, count, true, sniffing->arena, &guess);
                if (guess.type.kind != TYPE_TEXT)
                        return STATUS_OK;
        }
        *out = table.rows > 0 && !is_surely_header(sniffing, &plain, &table);
        return STATUS_OK;
}

/* What stands above the table and is a table as well would be lost as a preamble: the file is refused instead. */
static Status refuse_other_table(Sniffing *sniffing, const Format *format, const Records *records, size_t first, size_t width, Error *err) {
        size_t run = 0;
        for (size_t i = 0; i < first; i++) {
                bool pairs;
                run = i > 0 && records->items[i].width == records->items[i - 1].width && records->items[i].width > 1 ? run + 1 : 1;
                if (run < OTHER_TABLE_RECORDS)
                        continue;
                while (i + 1 < first && records->items[i + 1].width == records->items[i].width) {
                        i++;
                        run++;
                }
                TRY(are_pairs(sniffing, format, records, i - run + 1, i + 1, width, &pairs, err));
                if (!pairs)
                        return error_reason(err, SEVERAL_TABLES, reason_number((int64_t)records->items[i - run + 1].line),
                                            reason_number((int64_t)records->items[i].line), reason_number((int64_t)records->items[first].line));
        }
        return STATUS_OK;
}

/* A line that may part tables: a blank one, or a title. */
static bool is_parting(const Sniffing *sniffing, const Format *format, const Record *record) {
        return is_blank(sniffing, record, format->delimiter) ||
               (record->width == 1 && !record->total && !(format->comment.size > 0 && starts_with(sniffing, record, '#')));
}

#define PARTS_LOOKED_AT 50

/* Whether records begin with a header of their own, that is not the table's. */
static Status has_own_header(Sniffing *sniffing, const Format *format, const Records *records, size_t first, size_t begin, size_t end,
                             size_t width, bool *out_names, bool *out, Error *err) {
        const Record *header = &records->items[begin], *own = &records->items[first];
        Sniffing part = *sniffing;
        Format plain = *format;
        Table table;
        *out = *out_names = false;
        if (str_equal(str_slice(sniffing->text, header->start, header->end), str_slice(sniffing->text, own->start, own->end)))
                return STATUS_OK;
        plain.skip = 0;
        plain.footer = STR("");
        part.text = str_slice(sniffing->text, header->start, records->items[end - 1].end);
        TRY(read_table(&part, &plain, width, &table, err));
        bool names = table.rows > 1;
        for (size_t i = 0; i < width && names; i++)
                names = is_name_like(str_trim(field_unquote(format, table.fields[i], sniffing->arena)));
        *out = names && is_surely_header(sniffing, &plain, &table);
        *out_names = names && all_differ(sniffing, &plain, &table);
        return STATUS_OK;
}

/*
 * `Report for,January`, a blank line, and then a header: one line that has as many fields as the table is a title, as it would be
 * with fewer. Nothing follows it that it could be the header of.
 */
static Status pass_title(Sniffing *sniffing, const Format *format, const Records *records, size_t width, size_t *first, Error *err) {
        size_t begin = *first + 1, end;
        bool names, is_header;
        while (begin < records->count && is_blank(sniffing, &records->items[begin], format->delimiter))
                begin++;
        if (begin == *first + 1 || begin >= records->count || records->items[begin].width != width)
                return STATUS_OK;
        for (end = begin + 1; end < records->count && records->items[end].width == width && !is_blank(sniffing, &records->items[end], format->delimiter);)
                end++;
        if (end - begin < OTHER_TABLE_RECORDS)
                return STATUS_OK;
        TRY(has_own_header(sniffing, format, records, *first, begin, end, width, &names, &is_header, err));
        *first = is_header ? begin : *first;
        return STATUS_OK;
}

/* A table below the table would be quarantined as records of another width, passed over as a footer, or loaded as rows. */
static Status refuse_table_below(Sniffing *sniffing, const Format *format, const Records *records, size_t first, size_t width, Error *err) {
        size_t looked = 0;
        bool names = false;
        int64_t line = 0;
        for (size_t i = first + 1; i < records->count && width > 1; i++) {
                const Record *begin = &records->items[i];
                if (is_parting(sniffing, format, begin) || begin->width < 2 || !is_parting(sniffing, format, &records->items[i - 1]))
                        continue;
                size_t end = i + 1;
                while (end < records->count && records->items[end].width == begin->width && !is_blank(sniffing, &records->items[end], format->delimiter))
                        end++;
                bool other = begin->width != width && end - i >= OTHER_TABLE_RECORDS;
                if (begin->width == width && looked++ < PARTS_LOOKED_AT)
                        TRY(has_own_header(sniffing, format, records, first, i, end, width, &names, &other, err));
                line = (int64_t)begin->line;
                if (other)
                        return error_reason(err, SEVERAL_TABLES, reason_number((int64_t)begin->line),
                                            reason_number((int64_t)records->items[end - 1].line), reason_number((int64_t)records->items[first].line));
                i = end - 1;
        }
        if (looked == 1 && names) /* texts below texts: it may be either */
                add_doubt(sniffing, STR(""), arena_strf(sniffing->arena, "line %lld, below a line that is no record, could be the header of another table", (long long)line),
                          STR("data; put another table into a file of its own"));
        return STATUS_OK;
}

/* An expression that is one text, and nothing else. */
static Str expression_of(Arena *arena, Str text) {
        CLEANUP(buf_deinit) Buf out = { 0 };
        buf_append_byte(&out, '^');
        for (size_t i = 0; i < text.size; i++) {
                if (char_is_one_of(text.data[i], ".[]{}()\\*+?^$|"))
                        buf_append_byte(&out, '\\');
                buf_append_byte(&out, text.data[i]);
        }
        buf_append_byte(&out, '$');
        return buf_dup(&out, arena);
}

static bool has_equal_rows(const Sniffing *sniffing, const Table *table) {
        Map seen;
        map_init(&seen, sniffing->arena);
        for (size_t row = 1; row < table->rows; row++) {
                CLEANUP(buf_deinit) Buf text = { 0 };
                for (size_t i = 0; i < table->width; i++)
                        buf_lstr(&text, table->fields[row * table->width + i]);
                if (map_has(&seen, buf_view(&text)))
                        return true;
                map_put(&seen, buf_dup(&text, sniffing->arena), &seen);
        }
        return false;
}

/* Files that were joined have their header in the middle, too: it is none of the data. */
static void skip_repeated_header(Sniffing *sniffing, Format *format, const Record *header, Table *table) {
        Table once = without_repeats(sniffing, table);
        size_t repeats = table->rows - once.rows;
        Str text = str_slice(sniffing->text, header->start, header->end);
        if (repeats == 0 || once.rows < 2 || table->width < 2 || !totals_can_be_told(text))
                return;
        size_t doubts = sniffing->out->doubt_count;
        bool is_header = decide_header(sniffing, format, &once), sure = sniffing->out->doubt_count == doubts;
        sniffing->out->doubt_count = doubts;
        if (!is_header || (!sure && has_equal_rows(sniffing, &once)))
                return; /* records may be equal, too */
        Str line = expression_of(sniffing->arena, text);
        format->footer = format->footer.size ? arena_strf(sniffing->arena, "%.*s|%.*s", STR_ARG(format->footer), STR_ARG(line)) : line;
        add_doubt(sniffing, STR(""), arena_strf(sniffing->arena, "the header stands again on %zu record%s", repeats, repeats == 1 ? "" : "s"),
                  STR("skipped there"));
        *table = once;
}

static void settle_dialect(Sniffing *sniffing, Format *format) {
        if (sniffing->settled)
                return;
        if (!sniff_log(sniffing->text, sniffing->arena, format, &sniffing->log)) {
                choose_dialect(sniffing, format);
                choose_escapes(sniffing, format);
                return;
        }
        add_doubt(sniffing, STR(""), arena_strf(sniffing->arena, "the lines are those of %s", sniffing->log.what),
                  format->delimiter == '\t' ? STR("delimiter: tab, and its names") : STR("delimiter: space, and its names"));
}

/* NULL if the log has other fields than are known of its kind. */
static Str *names_of_log(const Sniffing *sniffing, size_t width) {
        const SniffedLog *log = &sniffing->log;
        if (!log->what || log->name_count < width)
                return NULL;
        Str *names = ARENA_ARRAY(sniffing->arena, Str, width);
        memcpy(names, log->names, width * sizeof(*names));
        return names;
}

static Status sniff_table(Sniffing *sniffing, Format *format, Error *err) {
        Records records = { 0 };
        size_t count, total;
        settle_dialect(sniffing, format);
        cut_records(sniffing, format, sniffing->text.size, &records);
        size_t width = common_width(sniffing, format, &records, &count, &total);
        if (total == 0)
                return error_reason(err, NO_RECORDS);
        if (width == 1 && sniffing->too_wide)
                return error_reason(err, FILE_WIDTH, reason_number((int64_t)sniffing->too_wide),
                                    reason_number(FORMAT_COLUMNS_MAX));
        find_comments(sniffing, format, &records, width);
        size_t first = first_of_table(sniffing, format, &records, width);
        TRY(refuse_other_table(sniffing, format, &records, first, width, err));
        TRY(look_above(sniffing, format, &records, width, &first, err));
        if (width > 2)
                TRY(pass_padded(sniffing, format, &records, width, &first, err));
        if (width > 1)
                TRY(pass_title(sniffing, format, &records, width, &first, err));
        find_totals(sniffing, format, &records, first, width);
        find_drawn(sniffing, format, &records, first, width);
        TRY(refuse_table_below(sniffing, format, &records, first, width, err));
        find_preamble(sniffing, format, &records, first, width);
        find_footer(sniffing, format, &records, first, width);

        Table table;
        TRY(read_table(sniffing, format, width, &table, err));
        if (table.rows == 0)
                return no_rows(&table, err);
        Sniffed *out = sniffing->out;
        out->columns = ARENA_ARRAY(sniffing->arena, SniffedColumn, width);
        out->column_count = width;
        if (first < records.count)
                skip_repeated_header(sniffing, format, &records.items[first], &table);
        size_t doubts = out->doubt_count;
        format->header = !sniffing->log.what && decide_header(sniffing, format, &table);
        const Record *before = format->skip > 0 ? record_before(sniffing, format, &records, first) : NULL;
        bool is_short;
        Str *above = header_of_other_width(sniffing, format, before, &table, &is_short);
        if (format->skip > 0 && format->header && table.rows == 1)
                return error_reason(err, NO_CSV); /* lines, and one of them of two fields: prose */
        if (!preamble_is_one(sniffing, format, &records, first, &table, above)) {
                out->doubt_count = doubts; /* of the header, which is looked for once more */
                keep_preamble(sniffing, format);
                TRY(read_table(sniffing, format, width, &table, err));
                format->header = begins_with_width(sniffing, format, &records, width) && decide_header(sniffing, format, &table);
        }
        if (is_short)
                add_doubt(sniffing, STR(""), arena_strf(sniffing->arena, "the header has %zu fields and the records have %zu, and nothing tells which name is whose", before->width, width),
                          STR("no names, and the header goes to quarantine; are decimal commas or delimiters in texts not quoted? if not, write the names in their order"));
        name_columns(sniffing, format, &table, sniffing->log.what ? names_of_log(sniffing, width) : above);
        guess_columns(sniffing, format, &table, true);
        bool month_first = false;
        for (size_t i = 0; i < width; i++)
                month_first |= has_month_first(&out->columns[i].guess);
        NumberEvidence *evidence = evidence_of(sniffing, format, &table);
        NumberStyle style = settle_numbers(format, evidence, width);
        guess_columns(sniffing, format, &table, !month_first);
        doubt_numbers(sniffing, &style, evidence, width);
        settle_dates(sniffing, format, width);
        settle_nulls(sniffing, format, width);
        take_doubts(sniffing, width);
        doubt_bad(sniffing, &table);
        return STATUS_OK;
}

/* Bytes of a first line `sep=;`, with its end; 0: there is none. */
static size_t sep_line(Str text) {
        if (text.size < 6 || !str_equal_nocase(str_slice(text, 0, 4), STR("sep=")))
                return 0;
        if (text.data[5] == '\n')
                return 6;
        return text.data[5] == '\r' ? 6 + (text.size > 6 && text.data[6] == '\n') : 0;
}

static bool begins_with(Str text, const char *word) {
        return str_equal_nocase(str_slice(text, 0, strlen(word)), str_of(word));
}

static bool begins_with_any(Str text, const char *const *words, size_t count) {
        for (size_t i = 0; i < count; i++)
                if (begins_with(text, words[i]))
                        return true;
        return false;
}

/* Pages and pieces of them: reports are saved as a table's markup, whatever their name says. */
static Status refuse_markup(Str text, Error *err) {
        static const char *const html[] = { "<!doctype html", "<html", "<head>", "<body", "<table", "<div", "<meta", "<style", "<tr>", "<p>", "<!--[if" };
        text = str_trim(text);
        if (begins_with_any(text, html, COUNT_OF(html)))
                return error_reason(err, IS_HTML);
        return str_starts_with(text, STR("<?xml")) ? error_reason(err, IS_NO_TABLE, reason_text(STR("XML"))) : STATUS_OK;
}

/* The text behind the comments and blank lines with which a script begins. */
static Str behind_comments(Str text) {
        while (true) {
                Str line, rest;
                text = str_trim(text);
                bool block = begins_with(text, "/*") && !begins_with(text, "/*!");
                if (!block && !begins_with(text, "--"))
                        return text;
                str_cut(text, '\n', &line, &rest);
                line = str_trim(line);
                while (block && rest.size > 0 && !(line.size > 1 && line.data[line.size - 1] == '/' && line.data[line.size - 2] == '*')) {
                        str_cut(rest, '\n', &line, &rest);
                        line = str_trim(line);
                }
                text = rest;
        }
}

/* Statements, which databases and their tools write to hold a table: they are to be run, not read. */
static Status refuse_statements(Str text, Error *err) {
        static const char *const begins[] = { "create table ", "create database ", "create schema ", "drop table ", "insert into ", "begin;", "begin transaction",
                                              "set ", "/*!", "pragma ", "use ", "copy ", "alter table ", "lock tables ", "start transaction", "update ", "\\restrict " };
        static const char *const inside[] = { "\ncreate table ", "\ninsert into ", "\ncopy ", "\ndrop table ", "\nalter table ", "\nset ", "\nvalues" };
        bool other = false;
        Str first = behind_comments(text);
        if (!begins_with_any(first, begins, COUNT_OF(begins)))
                return STATUS_OK;
        bool ends = false;
        for (size_t i = 0; i < first.size && i < SCORED_BYTES; i++) {
                if (first.data[i] == ';')
                        ends |= i + 1 == first.size || scan_is_newline(first.data[i + 1]);
                if (first.data[i] == '\n')
                        other |= begins_with_any(str_slice(first, i, first.size), inside, COUNT_OF(inside));
        }
        static const char *const sure[] = { "create table ", "insert into ", "/*!", "pragma ", "drop table " };
        if (ends && (other || begins_with_any(first, sure, COUNT_OF(sure))))
                return error_reason(err, IS_NO_TABLE, reason_text(STR("a script of SQL statements, as a dump of a database is")));
        return STATUS_OK;
}

/* JSON that is dressed up as something else: with comments above it, or as the call of a function. */
static Status refuse_dressed_json(Str text, Error *err) {
        Str behind = str_trim(text), line;
        bool comments = str_starts_with(behind, STR("//")) || str_starts_with(behind, STR("/*"));
        while (str_starts_with(behind, STR("//"))) {
                str_cut(behind, '\n', &line, &behind);
                behind = str_trim(behind);
        }
        if (comments && sniff_is_json(behind_comments(behind), false))
                return error_reason(err, IS_DRESSED_JSON, reason_text(STR("with comments above it")));
        size_t name = 0;
        while (name < behind.size && (language_letter((unsigned char)behind.data[name]) || char_is_one_of(behind.data[name], "0123456789_$.")))
                name++;
        if (name > 0 && name < behind.size && behind.data[name] == '(' && sniff_is_json(str_trim(str_slice(behind, name + 1, behind.size)), false))
                return error_reason(err, IS_DRESSED_JSON, reason_text(STR("inside the call of a function")));
        return STATUS_OK;
}

#define PROSE_WORDS 6 /* of a line: fewer may be a name or an address */

/* Lines of many words, with empty ones between their paragraphs. */
static bool is_prose(Str text) {
        size_t lines = 0, blank = 0, wordy = 0;
        for (Str line, rest; text.size > 0; text = rest) {
                str_cut(text, '\n', &line, &rest);
                line = str_trim(line);
                size_t words = line.size > 0;
                for (size_t i = 1; i < line.size; i++)
                        words += line.data[i] == ' ' && line.data[i - 1] != ' ';
                lines++;
                blank += line.size == 0;
                wordy += words >= PROSE_WORDS;
        }
        return blank >= 2 && blank * 20 >= lines && wordy >= 3 && wordy * 3 >= lines - blank;
}

/* A few lines, and one of them with commas, behind each a blank: that is a sentence, and no record. */
static bool is_letter_of_words(Str text, char delimiter) {
        size_t lines = 0, with = 0, words = 0;
        if (delimiter != ',')
                return false;
        for (Str line, rest; text.size > 0; text = rest) {
                str_cut(text, '\n', &line, &rest);
                line = str_trim(line);
                lines += line.size > 0;
                with += str_find_byte(line, ',') < line.size;
                for (size_t i = 0; i < line.size; i++) {
                        words += i > 0 && line.data[i] == ' ';
                        if ((line.data[i] == ',' && i + 1 < line.size && line.data[i + 1] != ' ') || (line.data[i] >= '0' && line.data[i] <= '9'))
                                return false;
                }
        }
        return lines > 1 && with == 1 && words >= PROSE_WORDS;
}

/* A blank within it is no end of a column. */
static bool is_moment(TypeKind kind) {
        return kind == TYPE_DATE || kind == TYPE_TIME || kind == TYPE_TIMESTAMP || kind == TYPE_TIMESTAMPTZ;
}

#define BLANKS_WIDTH 3 /* fields at least, where blanks part them */

/*
 * Blanks stand in most texts, so they part fields only where nothing else does, where each line has as many of them, and more
 * than half of what then are columns are numbers, dates or the like. They stand in numbers of phones, cards and accounts too:
 * those have one name above them, or two, or a plus before the first.
 */
static bool sniff_blanks(const Sniffing *sniffing, Sniffed *out) {
        Sniffing again = *sniffing;
        Sniffed made = { .format = format_default(), .whole = sniffing->whole };
        Error none;
        size_t size = sniffing->text.size < SCORED_BYTES ? sniffing->text.size : SCORED_BYTES, typed = 0, first;
        again.out = &made;
        again.settled = true;
        made.format.delimiter = ' ';
        size_t width = width_of_all(&again, &made.format, size, &first);
        if (width < BLANKS_WIDTH || first > width || first + 1 < width || first < BLANKS_WIDTH || sniffing->text.data[0] == '+')
                return false;
        made.format.decimal = 0;
        if (sniff_table(&again, &made.format, &none) != STATUS_OK)
                return false;
        for (size_t i = 0; i < made.column_count; i++)
                typed += made.columns[i].guess.type.kind != TYPE_TEXT;
        if (typed * 2 <= made.column_count)
                return false;
        add_doubt(&again, STR(""), STR("nothing but blanks parts the lines, and each has as many"), STR("delimiter: space"));
        *out = made;
        return true;
}

Status sniff_format(Str sample, bool whole, Arena *arena, Sniffed *out, Error *err) {
        Sniffed made = { .format = format_default(), .whole = whole };
        Sniffing sniffing = { .whole = whole, .arena = arena, .out = &made };
        Str text = str_starts_with(sample, STR("\xef\xbb\xbf")) ? str_slice(sample, 3, sample.size) : sample;
        if (sniff_is_json(text, whole))
                return sniff_json(text, whole, arena, out, err);
        TRY(refuse_markup(text, err));
        TRY(refuse_statements(text, err));
        TRY(refuse_dressed_json(text, err));
        while (!whole && text.size > 0 && !scan_is_newline(text.data[text.size - 1]))
                text.size--; /* the cut record is no evidence */
        char *padded = arena_alloc_raw(arena, text.size + SCAN_PADDING);
        memcpy(padded, text.data ? text.data : "", text.size);
        memset(padded + text.size, 0, SCAN_PADDING);
        size_t hint = sep_line(text); /* a line for spreadsheets, and for nobody else */
        sniffing.text = (Str){ padded + hint, text.size - hint };
        CLEANUP(freep) uint32_t *ends = malloc((text.size + 2 * SCAN_PADDING) * sizeof(*ends));
        if (!ends)
                out_of_memory();
        sniffing.ends = ends;
        made.format.decimal = 0; /* not known yet */
        if (sniff_table(&sniffing, &made.format, err) != STATUS_OK)
                return error_is_reason(err, REASON_NO_CSV) && sniff_blanks(&sniffing, out) ? STATUS_OK : STATUS_HELD;
        const ColumnGuess *one = made.column_count == 1 ? &made.columns[0].guess : NULL;
        bool lines = one && !is_moment(one->type.kind), known = lines && (one->type.kind != TYPE_TEXT || one->doubt_count > 0); /* 1 234 567 */
        if (lines && (sniff_fixed(sniffing.text, whole, arena, out) || (!known && sniff_blanks(&sniffing, out))))
                return STATUS_OK;
        if ((made.column_count == 1 && is_prose(sniffing.text)) || is_letter_of_words(sniffing.text, made.format.delimiter))
                return error_reason(err, IS_PROSE);
        made.format.skip += hint > 0;
        *out = made;
        return STATUS_OK;
}

/* --- what the format makes of the text --- */

typedef struct RowsReading {
        const Sniffed *sniffed;
        TypingRules rules;
        Typing *typings;
        Vector *vectors;
        TypingFailures failures;
        size_t preview_max;
        Arena *arena;
        SniffedRows *out;
} RowsReading;

static void rows_reading_deinit(RowsReading *reading) {
        for (size_t i = 0; reading->vectors && i < reading->sniffed->column_count; i++)
                vector_deinit(&reading->vectors[i]);
        typing_failures_deinit(&reading->failures);
}

static void preview_row(RowsReading *reading, const RecordBatch *batch, size_t row) {
        size_t width = reading->sniffed->column_count;
        Str *put = reading->out->preview + reading->out->preview_count++ * width;
        for (size_t i = 0; i < width; i++) {
                Value value;
                bool null = i >= batch->width;
                if (!null)
                        typing_value(&reading->typings[i], record_field(batch, row, i), reading->arena, &value, &null);
                put[i] = null ? STR_NONE
                              : arena_str(reading->arena, typing_print(&reading->typings[i], value, reading->arena));
        }
}

static void count_batch(RowsReading *reading, const RecordBatch *batch, Arena *scratch) {
        reading->failures.count = 0;
        for (size_t i = 0; i < reading->sniffed->column_count && i < batch->width && batch->rows > 0; i++)
                typing_column(&reading->typings[i], batch, i, i, scratch, &reading->vectors[i], &reading->failures);
        typing_failures_sort(&reading->failures);
        reading->out->accepted += (int64_t)(batch->rows - reading->failures.count);
        reading->out->quarantined += (int64_t)(batch->bad_count + reading->failures.count);
        size_t failed = 0;
        for (size_t row = 0; row < batch->rows && reading->out->preview_count < reading->preview_max; row++) {
                if (failed < reading->failures.count && reading->failures.items[failed].row == row)
                        failed++;
                else
                        preview_row(reading, batch, row);
        }
}

static StrList keys_of(const Sniffed *sniffed, Arena *arena) {
        StrList keys = { ARENA_ARRAY(arena, Str, sniffed->column_count + 1), sniffed->column_count };
        for (size_t i = 0; i < sniffed->column_count; i++)
                keys.items[i] = sniffed->columns[i].key.size > 0 ? sniffed->columns[i].key : sniffed->columns[i].name;
        return keys;
}

static Status read_rows(RowsReading *reading, Source source, Error *err) {
        const Sniffed *sniffed = reading->sniffed;
        CLEANUP(reader_freep) RecordReader *reader = reader_new();
        CLEANUP(arena_deinit) Arena scratch = { 0 };
        TRY(typing_rules_init(&reading->rules, &sniffed->format, reading->arena, err));
        for (size_t i = 0; i < sniffed->column_count; i++) {
                SourceColumn column = { .name = sniffed->columns[i].name, .type = sniffed->columns[i].guess.type, .dates = sniffed->columns[i].dates };
                TRY(typing_init(&reading->typings[i], &reading->rules, &column, reading->arena, err));
        }
        ReaderOptions options = { .format = &sniffed->format,
                                  .width = sniffed->column_count,
                                  .names = keys_of(sniffed, reading->arena),
                                  .needed = sniffed->column_count,
                                  .sample = !sniffed->whole };
        TRY(reader_start(reader, &options, source, err));
        bool keyed = reader_is_keyed(reader);
        while (true) {
                RecordBatch batch;
                bool end;
                TRY(reader_next(reader, &batch, &end, err));
                if (end)
                        break;
                if (keyed || batch.width == sniffed->column_count)
                        count_batch(reading, &batch, &scratch);
                arena_reset(&scratch);
        }
        reading->out->counts = *reader_counts(reader);
        return STATUS_OK;
}

Status sniff_rows(const Sniffed *sniffed, Source source, size_t preview_max, Arena *arena, SniffedRows *out,
                  Error *err) {
        SniffedRows made = { .preview = ARENA_ARRAY(arena, Str, preview_max * sniffed->column_count + 1) };
        CLEANUP(rows_reading_deinit)
        RowsReading reading = { .sniffed = sniffed, .preview_max = preview_max, .arena = arena, .out = &made };
        reading.typings = ARENA_ARRAY(arena, Typing, sniffed->column_count);
        reading.vectors = ARENA_ARRAY(arena, Vector, sniffed->column_count);
        TRY(read_rows(&reading, source, err));
        *out = made;
        return STATUS_OK;
}
