/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fixed width is told by places at which no line has anything but blanks: they stand between the columns. So columns
 * without a blank between them are not told apart, which is said. A place between two columns belongs to the one on its
 * left, since its values begin at one place and may be longer than those seen; but before a number the blanks are the
 * number's, and one place between stays nobody's: text in it is a value that is longer than its column, and quarantine.
 *
 * A line of dashes under the header, as database clients print it, says where the columns are, and nothing is guessed.
 * Places are characters and not bytes.
 */
#include "base/vec.h"
#include "frame/fixed.h"
#include "frame/scan.h"
#include "frame/sniff_parts.h"

#define LINES_MIN 2
#define LINES_SURE 4 /* of fewer it takes more to be told */
#define LINES_MAX 2000
#define PLACES_MAX 4096
#define FILLED_SHARE 3 /* a column has text in one of so many lines at least */

typedef struct FixedLine {
        Str text;
        Str plain;        /* a byte for each character: those that are not ASCII are letters, whatever they are */
        uint32_t *places; /* where each character begins in text; NULL: all are of one byte */
} FixedLine;

typedef struct FixedSniff {
        Arena *arena;
        FixedLine *lines;
        size_t count;
        size_t places;  /* of the longest line */
        size_t *filled; /* of each place, the lines with text there */
        VEC(FixedCut) cuts;
        bool ruled;     /* the cuts are those of a line of dashes */
} FixedSniff;

static bool has_controls(Str line) {
        for (size_t i = 0; i < line.size; i++)
                if ((unsigned char)line.data[i] < 0x20 || line.data[i] == 0x7f)
                        return true;
        return false;
}

static FixedLine line_of(Str text, Arena *arena) {
        FixedLine line = { text, text, NULL };
        size_t count = 0;
        for (size_t i = 0; i < text.size; i++)
                count += (text.data[i] & 0xc0) != 0x80;
        if (count == text.size)
                return line;
        char *plain = arena_alloc_raw(arena, count);
        line.places = ARENA_ARRAY(arena, uint32_t, count + 1);
        count = 0;
        for (size_t i = 0; i < text.size; i++) {
                if ((text.data[i] & 0xc0) == 0x80)
                        continue;
                plain[count] = (unsigned char)text.data[i] < 0x80 ? text.data[i] : 'x';
                line.places[count++] = (uint32_t)i;
        }
        line.places[count] = (uint32_t)text.size;
        line.plain = (Str){ plain, count };
        return line;
}

/* Lines of dashes under a header are no records. */
static bool is_ruler(Str line) {
        size_t dashes = 0;
        for (size_t i = 0; i < line.size; i++) {
                if (line.data[i] != '-' && line.data[i] != '=' && line.data[i] != ' ')
                        return false;
                dashes += line.data[i] != ' ';
        }
        return dashes >= 3;
}

/* False where the text is none that cuts could be told of: tabs, what is no text, too few or too long lines. */
static bool take_lines(FixedSniff *sniff, Str text) {
        sniff->lines = ARENA_ARRAY(sniff->arena, FixedLine, LINES_MAX);
        while (text.size > 0 && sniff->count < LINES_MAX) {
                Str line, rest;
                str_cut(text, '\n', &line, &rest);
                text = rest;
                if (str_ends_with(line, STR("\r")))
                        line.size--;
                while (line.size > 0 && line.data[line.size - 1] == ' ')
                        line.size--;
                if (line.size == 0)
                        continue;
                if (line.size > PLACES_MAX || has_controls(line) || !utf8_valid(line))
                        return false;
                FixedLine *taken = &sniff->lines[sniff->count++];
                *taken = line_of(line, sniff->arena);
                sniff->places = taken->plain.size > sniff->places ? taken->plain.size : sniff->places;
        }
        return sniff->count >= LINES_MIN;
}

static bool has_text(Str line, size_t place) {
        return place < line.size && line.data[place] != ' ';
}

static void count_places(FixedSniff *sniff) {
        sniff->filled = ARENA_ARRAY(sniff->arena, size_t, sniff->places + 1);
        for (size_t i = 0; i < sniff->count; i++)
                for (size_t place = 0; place < sniff->lines[i].plain.size && !is_ruler(sniff->lines[i].text); place++)
                        sniff->filled[place] += has_text(sniff->lines[i].plain, place);
}

static void find_runs(FixedSniff *sniff) {
        for (size_t place = 0; place < sniff->places;) {
                if (sniff->filled[place] == 0) {
                        place++;
                        continue;
                }
                size_t begin = place;
                while (place < sniff->places && sniff->filled[place] > 0)
                        place++;
                vec_push(sniff->arena, &sniff->cuts, (FixedCut){ (uint32_t)begin + 1, (uint32_t)place });
        }
}

static Str cut_text(const FixedLine *line, FixedCut cut) {
        size_t from = cut.from - 1 < line->plain.size ? cut.from - 1 : line->plain.size, to = cut.to < line->plain.size ? cut.to : line->plain.size;
        return line->places ? str_trim(str_slice(line->text, line->places[from], line->places[to])) : str_trim(str_slice(line->text, from, to));
}

/* A number as it is written anywhere; not a date, whose length is always the same, nor one that leading zeros keep at its length. */
static bool is_number(Str text) {
        size_t digits = 0, dots = 0;
        bool sign = text.size > 0 && (text.data[0] == '-' || text.data[0] == '+');
        for (size_t i = sign; i < text.size; i++) {
                char c = text.data[i];
                digits += c >= '0' && c <= '9';
                dots += c == '.';
                bool last_sign = c == '-' && i + 1 == text.size;
                if (!(c >= '0' && c <= '9') && c != '.' && c != ',' && c != '\'' && !last_sign)
                        return false;
        }
        bool padded = digits > 1 && dots == 0 && text.data[sign] == '0' && memchr(text.data, ',', text.size) == NULL;
        return digits > 0 && !padded && !(dots == 2 && digits >= 4 && digits <= 8 && text.data[text.size - 4] != '.');
}

typedef enum Alignment { ALIGN_LEFT, ALIGN_RIGHT, ALIGN_ANY } Alignment;

/* How a column's values stand, the first line's aside, which may be a header. ANY: all are of one length. */
static Alignment alignment_of(const FixedSniff *sniff, FixedCut cut, bool *out_numbers) {
        size_t values = 0, begins = 0, ends = 0, numbers = 0;
        for (size_t i = sniff->count > 2 ? 1 : 0; i < sniff->count; i++) {
                Str text = cut_text(&sniff->lines[i], cut);
                if (text.size == 0 || is_ruler(sniff->lines[i].text))
                        continue;
                values++;
                begins += has_text(sniff->lines[i].plain, cut.from - 1);
                ends += has_text(sniff->lines[i].plain, cut.to - 1);
                numbers += is_number(text);
        }
        *out_numbers = values > 0 && numbers * 10 >= values * 9;
        if (begins == values)
                return ends == values ? ALIGN_ANY : ALIGN_LEFT;
        return ends == values ? ALIGN_RIGHT : ALIGN_LEFT;
}

static size_t filled_lines(const FixedSniff *sniff, FixedCut cut) {
        size_t filled = 0;
        for (size_t k = 0; k < sniff->count; k++)
                filled += cut_text(&sniff->lines[k], cut).size > 0;
        return filled;
}

/* Of two or three lines: no field is empty, some column has numbers, and somewhere columns stand apart as words do not. */
static bool are_columns_surely(const FixedSniff *sniff) {
        bool any_numbers = false, apart = false;
        for (size_t i = 0; i < sniff->cuts.count; i++) {
                bool numbers;
                alignment_of(sniff, sniff->cuts.items[i], &numbers);
                any_numbers |= numbers;
                apart |= i > 0 && sniff->cuts.items[i].from > sniff->cuts.items[i - 1].to + 2;
                if (filled_lines(sniff, sniff->cuts.items[i]) < sniff->count)
                        return false;
        }
        return any_numbers && apart;
}

/* Columns of which hardly any line has something are words of a prose that happens to be aligned. */
static bool are_columns(const FixedSniff *sniff) {
        for (size_t i = 0; i < sniff->cuts.count; i++)
                if (filled_lines(sniff, sniff->cuts.items[i]) * FILLED_SHARE < sniff->count)
                        return false;
        return sniff->cuts.count > 1 && (sniff->count >= LINES_SURE || are_columns_surely(sniff));
}

static void share_gaps(FixedSniff *sniff) {
        for (size_t i = 0; i + 1 < sniff->cuts.count; i++) {
                FixedCut *left = &sniff->cuts.items[i], *right = left + 1;
                bool numbers, left_numbers;
                Alignment before = alignment_of(sniff, *left, &left_numbers), after = alignment_of(sniff, *right, &numbers);
                bool to_right = after == ALIGN_RIGHT || (numbers && after == ALIGN_ANY);
                if (!to_right) {
                        left->to = right->from - 1;
                        continue;
                }
                /* a column that ends at one place ends there, whatever comes */
                right->from = left->to + (before == ALIGN_RIGHT ? 1 : 2);
        }
        if (sniff->cuts.count > 0)
                sniff->cuts.items[0].from = 1;
}

/* --- a line of dashes --- */

/* One run of dashes over each column; false where lines have text between them, but for what ends the file. */
static bool find_ruled(FixedSniff *sniff) {
        if (sniff->count < 2 || !is_ruler(sniff->lines[1].text) || is_ruler(sniff->lines[0].text))
                return false;
        Str ruler = sniff->lines[1].plain;
        for (size_t place = 0; place < ruler.size;) {
                size_t begin = place;
                while (place < ruler.size && ruler.data[place] != ' ')
                        place++;
                if (place > begin)
                        vec_push(sniff->arena, &sniff->cuts, (FixedCut){ (uint32_t)begin + 1, (uint32_t)place });
                while (place < ruler.size && ruler.data[place] == ' ')
                        place++;
        }
        size_t outside = 0;
        for (size_t i = 0; i < sniff->count; i++) {
                bool between = sniff->lines[i].plain.size > ruler.size;
                for (size_t place = 0; place < ruler.size; place++)
                        between |= ruler.data[place] == ' ' && has_text(sniff->lines[i].plain, place);
                outside += between && i + 1 < sniff->count;
        }
        sniff->ruled = sniff->cuts.count > 1 && outside == 0;
        if (!sniff->ruled)
                sniff->cuts.count = 0;
        return sniff->ruled;
}

/* `(3 rows affected)`, in whatever language. */
static void find_count_line(FixedSniff *sniff, bool whole, Sniffed *out) {
        Str last = sniff->lines[sniff->count - 1].text;
        bool counts = whole && sniff->count > 2 && last.size > 4 && last.data[0] == '(' && last.data[last.size - 1] == ')' && last.data[1] >= '0' &&
                      last.data[1] <= '9' && str_find_byte(last, ' ') < last.size;
        if (!counts)
                return;
        sniff->count--;
        out->format.footer = STR("^\\([0-9]+ [^0-9]*\\)$");
        sniffed_doubt(sniff->arena, out, STR(""), arena_strf(sniff->arena, "the last line is '%.*s'", STR_ARG(last)),
                      STR("it is no record, and lines like it are skipped (footer)"));
}

/* The first line names the columns: it has a word with letters in each, and some column holds no text but there. */
static bool has_header(const FixedSniff *sniff, const Sniffed *without) {
        bool typed = false;
        if (sniff->ruled)
                return true;
        for (size_t i = 0; i < sniff->cuts.count; i++) {
                Str name = str_slice(sniff->lines[0].plain, sniff->cuts.items[i].from - 1, sniff->cuts.items[i].to);
                bool letters = false;
                for (size_t k = 0; k < name.size; k++)
                        letters |= (name.data[k] | 0x20) >= 'a' && (name.data[k] | 0x20) <= 'z';
                if (!letters)
                        return false;
                typed |= without->columns[i].guess.type.kind != TYPE_TEXT;
        }
        return typed || (sniff->count > 1 && is_ruler(sniff->lines[1].text));
}

static void make_columns(const FixedSniff *sniff, size_t from, const Str *names, Sniffed *out) {
        CutColumn *columns = ARENA_ARRAY(sniff->arena, CutColumn, sniff->cuts.count + 1);
        for (size_t i = 0; i < sniff->cuts.count; i++) {
                FixedCut cut = sniff->cuts.items[i];
                Str *fields = ARENA_ARRAY(sniff->arena, Str, sniff->count + 1);
                size_t count = 0;
                for (size_t k = from; k < sniff->count; k++)
                        if (!is_ruler(sniff->lines[k].text))
                                fields[count++] = cut_text(&sniff->lines[k], cut);
                columns[i] = (CutColumn){ .name = names[i],
                                          .key = arena_strf(sniff->arena, "%u-%u", cut.from, cut.to),
                                          .fields = { fields, count } };
        }
        sniff_columns(columns, sniff->cuts.count, sniff->arena, out);
}

static void name_columns(const FixedSniff *sniff, bool header, Str *names) {
        Str *fields = ARENA_ARRAY(sniff->arena, Str, sniff->cuts.count + 1);
        for (size_t i = 0; i < sniff->cuts.count && header; i++)
                fields[i] = cut_text(&sniff->lines[0], sniff->cuts.items[i]);
        names_of_header(header ? fields : NULL, sniff->cuts.count, sniff->arena, names, NULL);
}

static void find_ruler(const FixedSniff *sniff, Format *format) {
        for (size_t i = 0; i < sniff->count && i < LINES_SURE; i++)
                if (is_ruler(sniff->lines[i].text)) {
                        Str ruler = sniff->lines[i].text;
                        size_t run = str_find_byte(ruler, ' ');
                        format->comment = str_slice(ruler, 0, run > 3 ? run : 3);
                }
}

static bool find_cuts(FixedSniff *sniff) {
        if (find_ruled(sniff))
                return true;
        count_places(sniff);
        find_runs(sniff);
        if (!are_columns(sniff))
                return false;
        share_gaps(sniff);
        return true;
}

bool sniff_fixed(Str text, bool whole, Arena *arena, Sniffed *out) {
        FixedSniff sniff = { .arena = arena };
        if (!take_lines(&sniff, text) || !find_cuts(&sniff) || sniff.cuts.count > FORMAT_COLUMNS_MAX)
                return false;
        Sniffed made = { .format = format_default(), .whole = whole }, headless = made;
        made.format.kind = headless.format.kind = FORMAT_FIXED;
        find_ruler(&sniff, &made.format);
        if (sniff.ruled)
                find_count_line(&sniff, whole, &made);
        Str *names = ARENA_ARRAY(arena, Str, sniff.cuts.count + 1);
        name_columns(&sniff, false, names);
        make_columns(&sniff, 1, names, &headless);
        made.format.header = has_header(&sniff, &headless);
        if (!sniff.ruled)
                sniffed_doubt(arena, &made, STR(""),
                              STR("the lines look like fixed width: at some places none of them has anything but blanks"),
                              STR("columns are cut there; look at each `at`: columns without a blank between them are not told apart, and longer "
                                  "values may come"));
        name_columns(&sniff, made.format.header, names);
        make_columns(&sniff, made.format.header ? 1 : 0, names, &made);
        *out = made;
        return true;
}
