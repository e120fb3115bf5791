/* SPDX-License-Identifier: Apache-2.0 */
#include "frame/xlsx_sniff.h"

#include <stdlib.h>

#include "base/map.h"
#include "base/vec.h"
#include "frame/sniff_totals.h"
#include "frame/usual.h"

#define PREAMBLE_ROWS_MAX 100
#define TYPICAL_ROWS      50 /* so many are looked at to know how full a row is */
#define NAMES_BELOW_MAX   10 /* rows in which a better header is looked for */
#define FOOTERS_MAX       5
#define DOUBTS_MAX        500
#define SHOWN_MAX         40 /* bytes of a cell in a doubt */

typedef struct Grid {
        Arena *arena;
        Sniffed *out;
        VEC(XlsxRow) rows; /* those that hold something */
        size_t bytes, sample_bytes;
        bool whole;
        size_t hidden, merged;
        VEC(SniffedDoubt) doubts;
        /* the table: rows [first, last) of them are records, the one before is the header if there is one */
        size_t first, last;
        bool has_header;
        uint32_t left, right; /* its columns */
        size_t strays;        /* cells beside it, and one of them */
        XlsxCell stray;
        int64_t stray_row;
        uint32_t header_right;
} Grid;

static void add_doubt(Grid *grid, Str column, Str what, Str assumed) {
        if (grid->doubts.count < DOUBTS_MAX)
                vec_push(grid->arena, &grid->doubts, (SniffedDoubt){ column, what, assumed });
}

static Str shown(Grid *grid, Str text) {
        size_t size = text.size;
        if (size <= SHOWN_MAX)
                return text;
        for (size = SHOWN_MAX; size > 0 && (text.data[size] & 0xc0) == 0x80;)
                size--;
        return arena_strf(grid->arena, "%.*s...", (int)size, text.data);
}

/* --- the cells --- */

static bool take_row(void *context, const XlsxRow *row) {
        Grid *grid = context;
        if (row->count == 0)
                return true;
        XlsxRow copy = *row;
        XlsxCell *cells = ARENA_ARRAY(grid->arena, XlsxCell, row->count);
        for (size_t i = 0; i < row->count; i++) {
                cells[i] = row->cells[i];
                cells[i].text = arena_str(grid->arena, row->cells[i].text);
                grid->bytes += row->cells[i].text.size + sizeof(XlsxCell);
        }
        copy.cells = cells;
        grid->hidden += row->hidden;
        vec_push(grid->arena, &grid->rows, copy);
        return grid->bytes < grid->sample_bytes;
}

static Status read_grid(Grid *grid, const XlsxSniffSpec *spec, Error *err) {
        CLEANUP(xlsx_rows_freep) XlsxRows *rows = NULL;
        XlsxRowsSpec wanted = { .book = spec->book,
                                .sheet = spec->sheet,
                                .last_column = XLSX_COLUMNS_MAX - 1,
                                .row_limit = FORMAT_RECORD_LIMIT,
                                .take = take_row,
                                .context = grid };
        TRY(xlsx_book_load(spec->book, err));
        TRY(xlsx_rows_open(&wanted, &rows, err));
        bool end = false;
        while (!end && grid->bytes < grid->sample_bytes)
                TRY(xlsx_rows_step(rows, &end, err));
        grid->whole = end;
        grid->merged = xlsx_rows_merged(rows);
        return STATUS_OK;
}

static const XlsxCell *cell_at(const XlsxRow *row, uint32_t column) {
        size_t low = 0, high = row->count;
        while (low < high) {
                size_t middle = (low + high) / 2;
                if (row->cells[middle].column < column)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low < row->count && row->cells[low].column == column ? &row->cells[low] : NULL;
}

static size_t count_texts(const XlsxRow *row) {
        size_t texts = 0;
        for (size_t i = 0; i < row->count; i++)
                texts += row->cells[i].kind == XLSX_TEXT;
        return texts;
}

/* --- the header --- */

static int compare_sizes(const void *a, const void *b) {
        const size_t *x = a, *y = b;
        return *x < *y ? -1 : *x > *y;
}

/* How many cells most of the rows after this one have. */
static size_t typical_count(const Grid *grid, size_t row) {
        size_t counts[TYPICAL_ROWS], n = 0;
        for (size_t i = row + 1; i < grid->rows.count && n < TYPICAL_ROWS; i++)
                counts[n++] = grid->rows.items[i].count;
        if (n == 0)
                return grid->rows.items[row].count;
        qsort(counts, n, sizeof(*counts), compare_sizes);
        return counts[n / 2];
}

/* The first row that is about as full as those below it; what is emptier is a title or a note. */
static size_t find_first(const Grid *grid) {
        for (size_t i = 0; i < grid->rows.count && i < PREAMBLE_ROWS_MAX; i++) {
                size_t count = grid->rows.items[i].count, typical = typical_count(grid, i);
                if (count * 10 >= typical * 6 && (count > 1 || typical <= 1))
                        return i;
        }
        return 0;
}

typedef struct Votes {
        size_t header, data;
        bool recurs, unique; /* a name occurs again in its column; no two names are alike */
} Votes;

/* A text above other things is a name; one above texts may be one of them. */
static void vote_column(const Grid *grid, const XlsxCell *name, size_t from, Votes *votes) {
        size_t same = 0, other = 0;
        for (size_t i = from; i < grid->rows.count; i++) {
                const XlsxCell *cell = cell_at(&grid->rows.items[i], name->column);
                if (!cell)
                        continue;
                if (str_equal(cell->text, name->text))
                        votes->recurs = true;
                else
                        *(cell->kind == name->kind ? &same : &other) += 1;
        }
        if (name->kind == XLSX_TEXT)
                votes->header += other > same * 4;
        else
                votes->data += same > other;
}

static Votes vote(const Grid *grid, size_t row) {
        const XlsxRow *names = &grid->rows.items[row];
        Votes votes = { .unique = true };
        Map seen;
        map_init(&seen, grid->arena);
        for (size_t i = 0; i < names->count; i++) {
                vote_column(grid, &names->cells[i], row + 1, &votes);
                votes.unique &= !map_has(&seen, names->cells[i].text);
                map_put(&seen, names->cells[i].text, &seen);
        }
        return votes;
}

/* A row of texts soon below that has more names, of which some stand above other things than texts: what is above it is
 * then a title of several cells. */
static size_t find_better(const Grid *grid, size_t first) {
        const XlsxRow *rows = grid->rows.items;
        for (size_t i = first + 1; i < grid->rows.count && i <= first + NAMES_BELOW_MAX; i++) {
                if (count_texts(&rows[i]) < rows[i].count)
                        break;
                if (rows[i].count > rows[first].count && vote(grid, i).header > 0)
                        return i;
        }
        return first;
}

static bool is_year(const XlsxCell *cell) {
        return cell->kind == XLSX_NUMBER && cell->text.size == 4 && str_compare(cell->text, STR("1900")) >= 0 && str_compare(cell->text, STR("2100")) <= 0;
}

static bool is_period(const XlsxCell *cell) {
        return cell->kind == XLSX_DATE || is_year(cell);
}

/* Whether most cells below are years or dates as well: then the one at the top may be one of them. */
static bool has_periods_below(const Grid *grid, size_t row, uint32_t column) {
        size_t periods = 0, values = 0;
        for (size_t i = row + 1; i < grid->rows.count && values < TYPICAL_ROWS; i++) {
                const XlsxCell *cell = cell_at(&grid->rows.items[i], column);
                values += cell != NULL;
                periods += cell && is_period(cell);
        }
        return periods * 2 > values;
}

/* Years or dates that rise or fall, above values that are none; texts or nothing before them. */
static bool names_periods(const Grid *grid, size_t row) {
        const XlsxRow *names = &grid->rows.items[row];
        size_t periods = 0;
        const XlsxCell *last = NULL;
        int order = 0;
        for (size_t i = 0; i < names->count; i++) {
                const XlsxCell *cell = &names->cells[i];
                if (cell->kind == XLSX_TEXT)
                        continue;
                int now = last ? str_compare(cell->text, last->text) : order;
                if (!is_period(cell) || (last && (now == 0 || (order != 0 && (now > 0) != (order > 0)))) || has_periods_below(grid, row, cell->column))
                        return false;
                order = now;
                last = cell;
                periods++;
        }
        bool corner = periods < names->count || (row + 1 < grid->rows.count && grid->rows.items[row + 1].cells[0].column < names->cells[0].column);
        return periods > 1 && corner && row + 1 < grid->rows.count;
}

static bool decide_header(Grid *grid, size_t row) {
        const XlsxRow *names = &grid->rows.items[row];
        if (names_periods(grid, row)) {
                add_doubt(grid, STR(""), STR("the first record holds years or dates, above values that are none"), STR("a header"));
                return true;
        }
        Votes votes = vote(grid, row);
        size_t texts = count_texts(names);
        if (votes.header > 0 && votes.header >= votes.data && texts * 2 >= names->count)
                return true;
        if (texts < names->count)
                return false;
        bool header = votes.unique && !votes.recurs;
        add_doubt(grid, STR(""), STR("little tells whether the first record is a header"),
                  header ? STR("a header") : STR("data; the columns are column_1, column_2, ..."));
        return header;
}

/* --- its columns --- */

/* A text at the end of the header with nothing below it, and an empty column between, is a note beside the table. */
static bool drop_last_name(Grid *grid, const XlsxRow *top, const bool *used) {
        size_t last = top->count;
        while (last > 0 && top->cells[last - 1].column > grid->right)
                last--;
        if (!grid->has_header || last < 3 || used[grid->right] || used[grid->right - 1] ||
            top->cells[last - 2].column == grid->right - 1)
                return false;
        grid->right = grid->header_right = top->cells[last - 2].column;
        return true;
}

/* How far two parts of a table have the same rows; the name of the header that stands in both. */
typedef struct Parts {
        size_t both, left, right; /* rows with cells in both of them, in one alone */
        bool named_alike;
} Parts;

static Parts compare_parts(const Grid *grid, const XlsxRow *top, uint32_t gap) {
        Parts parts = { 0 };
        for (size_t i = grid->first; i < grid->rows.count; i++) {
                const XlsxRow *row = &grid->rows.items[i];
                bool left = false, right = false;
                for (size_t k = 0; k < row->count; k++) {
                        left |= row->cells[k].column >= grid->left && row->cells[k].column < gap;
                        right |= row->cells[k].column > gap && row->cells[k].column <= grid->right;
                }
                *(left && right ? &parts.both : left ? &parts.left : &parts.right) += left || right;
        }
        for (size_t i = 0; i < top->count; i++)
                for (size_t k = i + 1; k < top->count; k++)
                        parts.named_alike |= top->cells[i].column < gap && top->cells[k].column > gap && str_equal_nocase(str_trim(top->cells[i].text), str_trim(top->cells[k].text));
        return parts;
}

/*
 * An empty column without a name may part two tables that stand side by side. They are two where their rows are not the
 * same, or their headers have a name in common; else the column may be there for the looks alone, which is said.
 */
static void part_tables(Grid *grid, const XlsxRow *top, const bool *used) {
        for (uint32_t gap = grid->left + 1; grid->has_header && gap < grid->right; gap++) {
                if (used[gap] || cell_at(top, gap))
                        continue;
                Parts parts = compare_parts(grid, top, gap);
                Str place = xlsx_cells_print(grid->arena, gap, 1, top->number);
                bool apart = parts.named_alike || parts.left > 0 || parts.right > 0;
                if (!apart) {
                        add_doubt(grid, STR(""), arena_strf(grid->arena, "below the empty cell %.*s is an empty column", STR_ARG(place)),
                                  STR("one table; if they are two, a source with a range for each reads them"));
                        continue;
                }
                add_doubt(grid, STR(""), arena_strf(grid->arena, "right of %.*s and an empty column is another table", STR_ARG(place)),
                          STR("no part of this one, and not read; a source with a range of its own reads it"));
                grid->right = grid->header_right = gap - 1;
                return;
        }
}

static void find_columns(Grid *grid, const XlsxRow *top) {
        bool *used = ARENA_ARRAY(grid->arena, bool, FORMAT_COLUMNS_MAX + 1);
        grid->left = top->cells[0].column;
        grid->right = grid->header_right = top->cells[top->count - 1].column;
        for (size_t i = grid->first; i < grid->rows.count; i++) {
                const XlsxRow *row = &grid->rows.items[i];
                for (size_t k = 0; k < row->count; k++)
                        used[row->cells[k].column] = true;
        }
        while (drop_last_name(grid, top, used))
                ;
        while (grid->left > 0 && used[grid->left - 1])
                grid->left--;
        while (used[grid->right + 1])
                grid->right++;
        part_tables(grid, top, used);
        for (size_t i = grid->first - grid->has_header; i < grid->rows.count; i++) {
                const XlsxRow *row = &grid->rows.items[i];
                for (size_t k = 0; k < row->count; k++) {
                        if (row->cells[k].column >= grid->left && row->cells[k].column <= grid->right)
                                continue;
                        if (grid->strays++ == 0) {
                                grid->stray = row->cells[k];
                                grid->stray_row = row->number;
                        }
                }
        }
}

static void doubt_strays(Grid *grid) {
        if (grid->strays == 0)
                return;
        Str place = xlsx_cells_print(grid->arena, grid->stray.column, 1, grid->stray_row);
        add_doubt(grid, STR(""),
                  arena_strf(grid->arena, "%zu cell%s beside the table, such as %.*s: '%.*s'", grid->strays,
                             grid->strays == 1 ? " stands" : "s stand", STR_ARG(place), STR_ARG(shown(grid, grid->stray.text))),
                  STR("no part of it, and not read"));
}

/* --- the end of the table --- */

static bool is_in_table(const Grid *grid, const XlsxCell *cell) {
        return cell->column >= grid->left && cell->column <= grid->right;
}

static const XlsxCell *first_cell(const Grid *grid, const XlsxRow *row, size_t *out_count) {
        const XlsxCell *first = NULL;
        *out_count = 0;
        for (size_t i = 0; i < row->count; i++) {
                if (!is_in_table(grid, &row->cells[i]))
                        continue;
                first = first ? first : &row->cells[i];
                ++*out_count;
        }
        return first;
}

/* A row as an expression knows it again: commas for empty cells, then its only text, by its first word if it may be so. */
static Str footer_expression(Grid *grid, const XlsxCell *first, Str word) {
        CLEANUP(buf_deinit) Buf out = { 0 };
        buf_append_byte(&out, '^');
        for (uint32_t column = grid->left; column < first->column; column++)
                buf_append_byte(&out, ',');
        bool whole = word.size < 3 || memchr(first->text.data, ',', first->text.size);
        totals_put_literal(&out, whole ? first->text : word);
        buf_append_cstr(&out, whole ? "$" : "[^,]*$");
        return buf_dup(&out, grid->arena);
}

/* No record of the table begins so. */
static bool prefix_is_free(const Grid *grid, const XlsxCell *first, size_t last, Str text) {
        for (size_t i = grid->first; i < last; i++) {
                const XlsxCell *cell = cell_at(&grid->rows.items[i], first->column);
                if (cell && str_starts_with(cell->text, text))
                        return false;
        }
        return true;
}

/* Its number of cells says so; only at the end of a table whose rows have more. */
static bool is_footer(const Grid *grid, const XlsxRow *row, size_t typical, const XlsxCell **out_first) {
        size_t count;
        *out_first = first_cell(grid, row, &count);
        if (!*out_first || (*out_first)->kind != XLSX_TEXT)
                return false;
        return count == 1 && typical > 2 && !memchr((*out_first)->text.data, '\n', (*out_first)->text.size);
}

static void find_footer(Grid *grid, Format *format) {
        size_t typical = grid->first < grid->rows.count ? typical_count(grid, grid->first) : 0, found = 0;
        Str expression = STR(""), example = STR("");
        grid->last = grid->rows.count;
        if (!grid->whole || grid->rows.count < grid->first + 3)
                return;
        while (found < FOOTERS_MAX && grid->last > grid->first + 1) {
                const XlsxRow *row = &grid->rows.items[grid->last - 1];
                const XlsxCell *first;
                size_t count;
                if (!first_cell(grid, row, &count)) { /* cells beside the table alone */
                        grid->last--;
                        continue;
                }
                if (!is_footer(grid, row, typical, &first))
                        break;
                size_t size = 0;
                while (size < first->text.size && (first->text.data[size] | 0x20) >= 'a' && (first->text.data[size] | 0x20) <= 'z')
                        size++;
                Str word = str_slice(first->text, 0, size);
                if (size < 3 || !prefix_is_free(grid, first, grid->last - 1, word))
                        word = STR("");
                if (word.size == 0 && !prefix_is_free(grid, first, grid->last - 1, str_slice(first->text, 0, SHOWN_MAX)))
                        break;
                Str one = footer_expression(grid, first, word);
                expression = expression.size ? arena_strf(grid->arena, "%.*s|%.*s", STR_ARG(expression), STR_ARG(one)) : one;
                example = first->text;
                grid->last--;
                found++;
        }
        if (found == 0)
                return;
        format->footer = format->footer.size ? arena_strf(grid->arena, "%.*s|%.*s", STR_ARG(format->footer), STR_ARG(expression)) : expression;
        add_doubt(grid, STR(""),
                  arena_strf(grid->arena, "the last %zu row%s no part of the table, such as '%.*s'", found,
                             found == 1 ? " is" : "s are", STR_ARG(shown(grid, example))),
                  arena_strf(grid->arena, "a footer, skipped by %.*s", STR_ARG(shown(grid, expression))));
}

/* --- totals --- */

/* A row's texts, a field for each column of the table; what an expression of its source is tried on. */
static Str row_texts(Grid *grid, const XlsxRow *row, Str *fields) {
        CLEANUP(buf_deinit) Buf out = { 0 };
        uint32_t column = grid->left;
        for (size_t i = 0; i < row->count; i++) {
                if (!is_in_table(grid, &row->cells[i]))
                        continue;
                for (; column < row->cells[i].column; column++)
                        buf_append_byte(&out, ',');
                fields[column - grid->left] = row->cells[i].text;
                buf_append(&out, row->cells[i].text);
        }
        return buf_dup(&out, grid->arena);
}

static void take_totals(Grid *grid, Format *format, const TotalsFound *found) {
        size_t kept = grid->first;
        for (size_t i = grid->first; i < grid->rows.count; i++)
                if (!found->rows[i - grid->first])
                        grid->rows.items[kept++] = grid->rows.items[i];
        grid->rows.count = kept;
        format->footer = found->expression;
        add_doubt(grid, STR(""),
                  arena_strf(grid->arena, "%zu row%s of the table, such as '%.*s'", found->count, found->count == 1 ? " says something" : "s say something",
                             STR_ARG(shown(grid, found->example))),
                  arena_strf(grid->arena, "a total, a balance or a count, skipped by footer: %.*s", STR_ARG(found->expression)));
}

/* Totals, balances and counts, wherever they stand. */
static void find_totals(Grid *grid, Format *format) {
        size_t width = grid->right - grid->left + 1, rows = grid->rows.count - grid->first;
        bool may = false;
        for (size_t i = grid->first; i < grid->rows.count && !may; i++)
                for (size_t k = 0; k < grid->rows.items[i].count && !may; k++)
                        may = total_kind(grid->rows.items[i].cells[k].text, NULL) != TOTAL_NONE;
        if (!may)
                return;
        Str *fields = ARENA_ARRAY(grid->arena, Str, rows * width + 1), *raws = ARENA_ARRAY(grid->arena, Str, rows + 1);
        for (size_t i = 0; i < rows; i++)
                raws[i] = row_texts(grid, &grid->rows.items[grid->first + i], fields + i * width);
        TotalsTable table = { .delimiter = ',', .width = width, .rows = rows, .fields = fields, .raws = raws, .whole = grid->whole, .ragged = true };
        TotalsFound found;
        totals_find(&table, grid->arena, &found);
        if (found.count > 0)
                take_totals(grid, format, &found);
}

/* --- types --- */

typedef struct Column {
        size_t kinds[XLSX_KIND_COUNT], not_available, unknown;
        Str error;
        VEC(Str) fields; /* without errors */
} Column;

/* The header once more, which is skipped wherever it stands. */
static bool repeats_header(const Grid *grid, const XlsxRow *row) {
        if (!grid->has_header)
                return false;
        const XlsxRow *names = &grid->rows.items[grid->first - 1];
        for (uint32_t column = grid->left; column <= grid->right; column++) {
                const XlsxCell *name = cell_at(names, column), *cell = cell_at(row, column);
                if (!name != !cell || (name && !str_equal(name->text, cell->text)))
                        return false;
        }
        return true;
}

/* Whether a row of texts has one in a column that has hardly any above it. */
static bool is_strange(const Grid *grid, const XlsxRow *row, const size_t *texts, const size_t *others) {
        for (size_t i = 0; i < row->count; i++) {
                size_t column = row->cells[i].column - grid->left;
                if (is_in_table(grid, &row->cells[i]) && others[column] > 0 && texts[column] * 8 <= others[column])
                        return true;
        }
        return false;
}

static void count_kinds(const Grid *grid, const XlsxRow *row, size_t *texts, size_t *others) {
        for (size_t i = 0; i < row->count; i++) {
                const XlsxCell *cell = &row->cells[i];
                if (is_in_table(grid, cell) && cell->kind != XLSX_ERROR)
                        (cell->kind == XLSX_TEXT ? texts : others)[cell->column - grid->left]++;
        }
}

/*
 * After an empty row another header: said, since nobody can tell whether it is meant as one table. Gives where it stands,
 * else the table's end: what follows says nothing about the types of what is above.
 */
static size_t find_stacked(Grid *grid) {
        size_t width = grid->right - grid->left + 1;
        size_t *texts = ARENA_ARRAY(grid->arena, size_t, width), *others = ARENA_ARRAY(grid->arena, size_t, width);
        for (size_t i = grid->first; i < grid->last; i++) {
                const XlsxRow *row = &grid->rows.items[i];
                bool begins = i > grid->first && i + 1 < grid->last && row->number > row[-1].number + 1 && row->count > 1 &&
                              count_texts(row) == row->count && !repeats_header(grid, row);
                if (begins && is_strange(grid, row, texts, others)) {
                        add_doubt(grid, STR(""), arena_strf(grid->arena, "another table seems to begin in row %lld", (long long)row->number),
                                  STR("rows of this one; those that do not fit go to quarantine. A source with a range of its own reads it"));
                        return i;
                }
                count_kinds(grid, row, texts, others);
        }
        return grid->last;
}

static void collect_cell(Grid *grid, const XlsxCell *cell, Column *column) {
        CLEANUP(buf_deinit) Buf field = { 0 };
        if (!cell) {
                vec_push(grid->arena, &column->fields, STR(""));
                return;
        }
        column->kinds[cell->kind]++;
        if (cell->kind == XLSX_ERROR) {
                column->not_available += str_is(cell->text, "#N/A");
                column->unknown += str_is(cell->text, XLSX_UNKNOWN_VALUE);
                column->error = cell->text;
                return;
        }
        xlsx_put_field(&field, cell);
        vec_push(grid->arena, &column->fields, buf_dup(&field, grid->arena));
}

static void collect(Grid *grid, size_t last, Column *columns) {
        for (size_t i = grid->first; i < last; i++) {
                const XlsxRow *row = &grid->rows.items[i];
                size_t next = 0, count;
                if (repeats_header(grid, row) || !first_cell(grid, row, &count))
                        continue;
                for (uint32_t c = grid->left; c <= grid->right; c++) {
                        while (next < row->count && row->cells[next].column < c)
                                next++;
                        bool there = next < row->count && row->cells[next].column == c;
                        collect_cell(grid, there ? &row->cells[next] : NULL, &columns[c - grid->left]);
                }
        }
}

static bool is_null_word(Str text) {
        for (size_t i = 0; i < USUAL_NULL_WORD_COUNT; i++) {
                if (str_is(text, usual_null_words[i]))
                        return true;
        }
        return text.size == 0;
}

static size_t count_null_words(const Column *column, Arena *arena, const Format *format) {
        size_t words = 0;
        for (size_t i = 0; i < column->fields.count; i++) {
                Str field = column->fields.items[i];
                words += field_is_quoted(format, field) && is_null_word(str_trim(field_unquote(format, field, arena)));
        }
        return words;
}

static void make_text(ColumnGuess *guess) {
        guess->type = (Type){ .kind = TYPE_TEXT };
        guess->misfits = 0;
        guess->date_count = guess->null_count = guess->doubt_count = 0;
        guess->empty_is_null = false;
        guess->thousands = 0;
}

static void guess_type(Grid *grid, const Format *format, const Column *column, SniffedColumn *out) {
        ColumnGuess *guess = &out->guess;
        size_t texts = column->kinds[XLSX_TEXT], all = 0;
        for (size_t i = 0; i < XLSX_KIND_COUNT; i++)
                all += i == XLSX_ERROR ? 0 : column->kinds[i];
        guess_named(format, out->name, column->fields.items, column->fields.count, true, grid->arena, guess);
        Type seen = guess->type;
        size_t words = texts > 0 ? count_null_words(column, grid->arena, format) : 0;
        if (texts == 0 || (texts < all && (texts == words || (texts - words) * 8 <= all)))
                return;
        make_text(guess);
        Str type = type_print(grid->arena, seen);
        if (texts == all && seen.kind != TYPE_TEXT)
                add_doubt(grid, out->name, arena_strf(grid->arena, "the texts in it look like %.*s", STR_ARG(type)),
                          STR("text, as the spreadsheet has them"));
        else if (texts < all)
                add_doubt(grid, out->name, arena_strf(grid->arena, "%zu of %zu values are texts and the others are not", texts, all),
                          STR("text"));
}

static void doubt_cells(Grid *grid, const Column *column, Str name) {
        size_t others = column->kinds[XLSX_ERROR] - column->not_available - column->unknown;
        if (column->kinds[XLSX_PERCENT] > 0)
                add_doubt(grid, name, STR("shown as percent"), STR("the numbers behind it: 25% is 0.25"));
        if (column->kinds[XLSX_DURATION] > 0)
                add_doubt(grid, name, STR("lengths of time, which have no type"), STR("texts such as 36:15:00, or times below a day"));
        if (column->unknown > 0)
                add_doubt(grid, name, arena_strf(grid->arena, "%zu formula%s never calculated", column->unknown, column->unknown == 1 ? " was" : "s were"),
                          STR("they go to quarantine; save the file in a spreadsheet program"));
        if (others > 0)
                add_doubt(grid, name, arena_strf(grid->arena, "%zu cell%s such as %.*s", others, others == 1 ? " is an error" : "s are errors", STR_ARG(column->error)),
                          STR("they go to quarantine"));
}

static void add_null_word(Grid *grid, Format *format, Str word) {
        for (size_t i = 0; i < format->nulls.count; i++) {
                if (str_equal(format->nulls.items[i], word))
                        return;
        }
        Str *items = ARENA_ARRAY(grid->arena, Str, format->nulls.count + 1);
        for (size_t i = 0; i < format->nulls.count; i++)
                items[i] = format->nulls.items[i];
        items[format->nulls.count] = word;
        format->nulls = (StrList){ items, format->nulls.count + 1 };
        add_doubt(grid, STR(""), arena_strf(grid->arena, "'%.*s' stands among values of other types", STR_ARG(word)),
                  STR("NULL, in text columns too"));
}

static void type_columns(Grid *grid, Format *format) {
        size_t width = grid->right - grid->left + 1;
        Column *columns = ARENA_ARRAY(grid->arena, Column, width);
        collect(grid, find_stacked(grid), columns);
        for (size_t i = 0; i < width; i++) {
                SniffedColumn *out = &grid->out->columns[i];
                guess_type(grid, format, &columns[i], out);
                doubt_cells(grid, &columns[i], out->name);
                for (size_t k = 0; k < out->guess.doubt_count; k++)
                        add_doubt(grid, out->name, out->guess.doubts[k].what, out->guess.doubts[k].assumed);
        }
        for (size_t i = 0; i < width; i++) {
                const ColumnGuess *guess = &grid->out->columns[i].guess;
                for (size_t k = 0; k < guess->null_count; k++)
                        add_null_word(grid, format, guess->null_words[k]);
                if (columns[i].not_available > 0)
                        add_null_word(grid, format, STR("#N/A"));
        }
}

/* --- names, and where the table is --- */

static void name_columns(Grid *grid) {
        size_t width = grid->right - grid->left + 1;
        Str *fields = ARENA_ARRAY(grid->arena, Str, width + 1), *names = ARENA_ARRAY(grid->arena, Str, width + 1);
        bool *renamed = ARENA_ARRAY(grid->arena, bool, width + 1);
        const XlsxRow *header = grid->has_header ? &grid->rows.items[grid->first - 1] : NULL;
        for (size_t i = 0; header && i < header->count; i++)
                fields[header->cells[i].column - grid->left] = header->cells[i].text;
        names_of_header(header ? fields : NULL, width, grid->arena, names, renamed);
        for (size_t i = 0; i < width; i++) {
                grid->out->columns[i].name = names[i];
                if (header && renamed[i])
                        add_doubt(grid, names[i], sniff_why_renamed(grid->arena, str_trim(fields[i])),
                                  arena_strf(grid->arena, "named %.*s", STR_ARG(names[i])));
        }
}

static void doubt_preamble(Grid *grid, size_t top) {
        if (top == 0)
                return;
        Str text = grid->rows.items[0].cells[0].text;
        add_doubt(grid, STR(""),
                  arena_strf(grid->arena, "above the table stand%s %zu row%s, such as '%.*s'", top == 1 ? "s" : "", top,
                             top == 1 ? "" : "s", STR_ARG(shown(grid, text))),
                  STR("a preamble, skipped"));
}

/* As a person would write it: `skip` where the columns need no words, else a range. */
static void place_table(Grid *grid, Format *format, size_t top) {
        int64_t row = top > 0 ? grid->rows.items[top].number : 1;
        bool needs_columns = grid->left > 0 || grid->strays > 0 || (grid->has_header && grid->right > grid->header_right);
        if (!needs_columns) {
                format->skip = (uint32_t)(row - 1);
                return;
        }
        CLEANUP(buf_deinit) Buf range = { 0 };
        xlsx_column_print(&range, grid->left);
        if (row > 1)
                buf_printf(&range, "%lld", (long long)row);
        buf_append_byte(&range, ':');
        xlsx_column_print(&range, grid->right);
        format->range = buf_dup(&range, grid->arena);
}

/* A row of names with gaps, right above records that have none: emptier than they are, and a header all the same. */
static bool is_sparse_header(const Grid *grid, size_t row) {
        const XlsxRow *names = &grid->rows.items[row];
        return names->number + 1 == names[1].number && names->count > 1 && count_texts(names) == names->count &&
               count_texts(&names[1]) < names[1].count && names->cells[names->count - 1].column <= names[1].cells[names[1].count - 1].column;
}

static void find_table(Grid *grid, Format *format) {
        size_t top = find_better(grid, find_first(grid));
        grid->has_header = decide_header(grid, top);
        if (!grid->has_header && top > 0 && is_sparse_header(grid, top - 1)) {
                grid->has_header = true;
                top--;
        }
        format->header = grid->has_header;
        grid->first = top + grid->has_header;
        doubt_preamble(grid, top);
        find_columns(grid, &grid->rows.items[top]);
        doubt_strays(grid);
        find_totals(grid, format);
        find_footer(grid, format);
        place_table(grid, format, top);
}

static void doubt_look(Grid *grid) {
        if (grid->hidden > 0)
                add_doubt(grid, STR(""), arena_strf(grid->arena, "%zu row%s hidden, perhaps by a filter", grid->hidden, grid->hidden == 1 ? " is" : "s are"),
                          STR("records like the others"));
        if (grid->merged > 0)
                add_doubt(grid, STR(""), arena_strf(grid->arena, "%zu cell%s merged over several rows", grid->merged, grid->merged == 1 ? " is" : "s are"),
                          STR("a value in the first of them, and none in the others"));
        if (!grid->whole)
                add_doubt(grid, STR(""), arena_strf(grid->arena, "types are told by the first %zu rows", grid->rows.count),
                          STR("the others are like them"));
}

Status xlsx_sniff(const XlsxSniffSpec *spec, Arena *arena, Sniffed *out, bool *out_whole, Error *err) {
        Sniffed made = { .format = format_default() };
        Grid grid = { .arena = arena, .out = &made, .sample_bytes = spec->sample_bytes };
        made.format.kind = FORMAT_XLSX;
        TRY(read_grid(&grid, spec, err));
        if (xlsx_sheet_count(spec->book) > 1) {
                made.format.sheets = (StrList){ ARENA_NEW(arena, Str), 1 };
                made.format.sheets.items[0] = arena_str(arena, xlsx_sheet(spec->book, spec->sheet)->name);
        }
        if (grid.rows.count > 0) {
                find_table(&grid, &made.format);
                made.column_count = grid.right - grid.left + 1;
                made.columns = ARENA_ARRAY(arena, SniffedColumn, made.column_count);
                name_columns(&grid);
                type_columns(&grid, &made.format);
                doubt_look(&grid);
        }
        made.doubts = grid.doubts.items;
        made.doubt_count = grid.doubts.count;
        *out = made;
        *out_whole = grid.whole;
        return STATUS_OK;
}
