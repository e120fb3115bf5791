/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fixed width is told by places at which no line has anything but blanks: they stand between the columns. So columns
 * without a blank between them are not told apart, which is said. A place between two columns belongs to the one on its
 * left, unless the one on its right ends its values at one place, as numbers do.
 */
#include "base/vec.h"
#include "frame/fixed.h"
#include "frame/scan.h"
#include "frame/sniff_parts.h"

#define LINES_MIN 4
#define LINES_MAX 2000
#define PLACES_MAX 4096
#define FILLED_SHARE 3 /* a column has text in one of so many lines at least */

typedef struct FixedSniff {
        Arena *arena;
        Str *lines;
        size_t count;
        size_t places;  /* of the longest line */
        size_t *filled; /* of each place, the lines with text there */
        VEC(FixedCut) cuts;
} FixedSniff;

static bool is_plain(Str line) {
        for (size_t i = 0; i < line.size; i++)
                if ((unsigned char)line.data[i] < 0x20 || (unsigned char)line.data[i] >= 0x7f)
                        return false;
        return true;
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

/* False where the text is none that cuts could be told of: letters of several bytes, tabs, too few or too long lines. */
static bool take_lines(FixedSniff *sniff, Str text) {
        sniff->lines = ARENA_ARRAY(sniff->arena, Str, LINES_MAX);
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
                if (line.size > PLACES_MAX || !is_plain(line))
                        return false;
                sniff->places = line.size > sniff->places ? line.size : sniff->places;
                sniff->lines[sniff->count++] = line;
        }
        return sniff->count >= LINES_MIN;
}

static bool has_text(Str line, size_t place) {
        return place < line.size && line.data[place] != ' ';
}

static void count_places(FixedSniff *sniff) {
        sniff->filled = ARENA_ARRAY(sniff->arena, size_t, sniff->places + 1);
        for (size_t i = 0; i < sniff->count; i++)
                for (size_t place = 0; place < sniff->lines[i].size && !is_ruler(sniff->lines[i]); place++)
                        sniff->filled[place] += has_text(sniff->lines[i], place);
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

static Str cut_text(Str line, FixedCut cut) {
        return str_trim(str_slice(line, cut.from - 1, cut.to));
}

/* Values that begin at many places and end at one. */
static bool is_right_aligned(const FixedSniff *sniff, FixedCut cut) {
        size_t values = 0, begins = 0, ends = 0;
        for (size_t i = 0; i < sniff->count; i++) {
                if (cut_text(sniff->lines[i], cut).size == 0)
                        continue;
                values++;
                begins += has_text(sniff->lines[i], cut.from - 1);
                ends += has_text(sniff->lines[i], cut.to - 1);
        }
        return ends == values && begins < values;
}

/* Columns of which hardly any line has something are words of a prose that happens to be aligned. */
static bool are_columns(const FixedSniff *sniff) {
        for (size_t i = 0; i < sniff->cuts.count; i++) {
                size_t filled = 0;
                for (size_t k = 0; k < sniff->count; k++)
                        filled += cut_text(sniff->lines[k], sniff->cuts.items[i]).size > 0;
                if (filled * FILLED_SHARE < sniff->count)
                        return false;
        }
        return sniff->cuts.count > 1;
}

static void share_gaps(FixedSniff *sniff) {
        for (size_t i = 0; i + 1 < sniff->cuts.count; i++) {
                FixedCut *left = &sniff->cuts.items[i], *right = left + 1;
                if (is_right_aligned(sniff, *right) && !is_right_aligned(sniff, *left))
                        right->from = left->to + 2 > right->from ? right->from : left->to + 2;
                left->to = right->from - 1;
        }
        if (sniff->cuts.count > 0)
                sniff->cuts.items[0].from = 1;
}

/* The first line names the columns: it has a word with letters in each, and some column holds no text but there. */
static bool has_header(const FixedSniff *sniff, const Sniffed *without) {
        bool typed = false;
        for (size_t i = 0; i < sniff->cuts.count; i++) {
                Str name = cut_text(sniff->lines[0], sniff->cuts.items[i]);
                bool letters = false;
                for (size_t k = 0; k < name.size; k++)
                        letters |= (name.data[k] | 0x20) >= 'a' && (name.data[k] | 0x20) <= 'z';
                if (!letters)
                        return false;
                typed |= without->columns[i].guess.type.kind != TYPE_TEXT;
        }
        return typed || (sniff->count > 1 && is_ruler(sniff->lines[1]));
}

static void make_columns(const FixedSniff *sniff, size_t from, const Str *names, Sniffed *out) {
        CutColumn *columns = ARENA_ARRAY(sniff->arena, CutColumn, sniff->cuts.count + 1);
        for (size_t i = 0; i < sniff->cuts.count; i++) {
                FixedCut cut = sniff->cuts.items[i];
                Str *fields = ARENA_ARRAY(sniff->arena, Str, sniff->count + 1);
                size_t count = 0;
                for (size_t k = from; k < sniff->count; k++)
                        if (!is_ruler(sniff->lines[k]))
                                fields[count++] = cut_text(sniff->lines[k], cut);
                columns[i] = (CutColumn){ .name = names[i],
                                          .key = arena_strf(sniff->arena, "%u-%u", cut.from, cut.to),
                                          .fields = { fields, count } };
        }
        sniff_columns(columns, sniff->cuts.count, sniff->arena, out);
}

static void name_columns(const FixedSniff *sniff, bool header, Str *names) {
        Str *fields = ARENA_ARRAY(sniff->arena, Str, sniff->cuts.count + 1);
        for (size_t i = 0; i < sniff->cuts.count && header; i++)
                fields[i] = cut_text(sniff->lines[0], sniff->cuts.items[i]);
        names_of_header(header ? fields : NULL, sniff->cuts.count, sniff->arena, names, NULL);
}

static void find_ruler(const FixedSniff *sniff, Format *format) {
        for (size_t i = 0; i < sniff->count && i < LINES_MIN; i++)
                if (is_ruler(sniff->lines[i]))
                        format->comment = str_slice(sniff->lines[i], 0, 3);
}

bool sniff_fixed(Str text, bool whole, Arena *arena, Sniffed *out) {
        FixedSniff sniff = { .arena = arena };
        if (!take_lines(&sniff, text))
                return false;
        count_places(&sniff);
        find_runs(&sniff);
        if (!are_columns(&sniff) || sniff.cuts.count > FORMAT_COLUMNS_MAX)
                return false;
        share_gaps(&sniff);
        Sniffed made = { .format = format_default(), .whole = whole }, headless = made;
        made.format.kind = headless.format.kind = FORMAT_FIXED;
        find_ruler(&sniff, &made.format);
        Str *names = ARENA_ARRAY(arena, Str, sniff.cuts.count + 1);
        name_columns(&sniff, false, names);
        make_columns(&sniff, 1, names, &headless);
        made.format.header = has_header(&sniff, &headless);
        sniffed_doubt(arena, &made, STR(""),
                      STR("the lines look like fixed width: at some places none of them has anything but blanks"),
                      STR("columns are cut there; look at each `at`: columns without a blank between them are not told apart, and longer "
                          "values may come"));
        name_columns(&sniff, made.format.header, names);
        make_columns(&sniff, made.format.header ? 1 : 0, names, &made);
        *out = made;
        return true;
}
