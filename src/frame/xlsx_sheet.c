/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worksheet > sheetData > row (r, hidden) > c (r, t, s) > v, f, is > t. Elements count by their depth alone, so that a
 * namesake elsewhere in the part (extensions have some) is none.
 */
#include "frame/xlsx_sheet.h"

#include <stdlib.h>

#include "base/reason.h"

enum { DEPTH_PART = 2, DEPTH_ROW, DEPTH_CELL, DEPTH_VALUE };

typedef enum CellType { CELL_NUMBER, CELL_SHARED, CELL_TEXT, CELL_INLINE, CELL_BOOLEAN, CELL_ERROR, CELL_ISO_DATE } CellType;

typedef struct Cell {
        uint32_t column;
        CellType type;
        uint64_t style;
        bool known, has_value, has_formula; /* known: its column is read */
} Cell;

/* A cell of the row; its text is shared, or in the row's buffer from `at`. */
typedef struct RowCell {
        XlsxCell cell;
        size_t at;
} RowCell;

struct XlsxRows {
        XlsxRowsSpec spec;
        XlsxXml *xml;
        int depth, quiet_depth;
        bool in_data, in_row, in_cell, in_inline, in_text;
        int64_t number; /* of the row, or of the last one */
        bool hidden, too_long, in_order;
        uint32_t next_column;
        Cell cell;
        Buf value;    /* of the cell, as it stands */
        Buf texts;    /* of the row */
        size_t total; /* bytes of the row's texts, shared ones too */
        RowCell *cells;
        XlsxCell *given;
        size_t count, room;
        size_t merged;
};

/* --- places --- */

static void fail_cell(XlsxRows *rows, const char *place) {
        error_reason(xlsx_xml_fail(rows->xml), SHEET_CELL, reason_text(str_of(place)), reason_number(rows->number));
}

/* "B7" in row 7. */
static bool read_place(XlsxRows *rows, const char *place, uint32_t *out) {
        Str rest = str_of(place);
        int64_t row;
        size_t column = xlsx_column_parse(&rest);
        if (column == SIZE_MAX || !str_to_int64(rest, &row) || row != rows->number)
                return false;
        *out = (uint32_t)column;
        return true;
}

/* --- rows --- */

static void start_row(XlsxRows *rows, const char **attributes) {
        const char *place = xlsx_attribute(attributes, "r"), *hidden = xlsx_attribute(attributes, "hidden");
        int64_t number = rows->number + 1, last = rows->number;
        if (place && (!str_to_int64(str_of(place), &number) || number < 1 || number > XLSX_ROWS_MAX)) {
                error_reason(xlsx_xml_fail(rows->xml), SHEET_CELL, reason_text(str_of(place)), reason_number(last + 1));
                return;
        }
        if (number <= last || number > XLSX_ROWS_MAX) {
                error_reason(xlsx_xml_fail(rows->xml), SHEET_ROW, reason_number(number), reason_number(last));
                return;
        }
        rows->number = number;
        rows->hidden = hidden && (strcmp(hidden, "1") == 0 || strcmp(hidden, "true") == 0);
        rows->too_long = false;
        rows->in_order = true;
        rows->next_column = 0;
        rows->count = rows->total = 0;
        rows->in_row = true;
        buf_clear(&rows->texts);
}

static int compare_cells(const void *a, const void *b) {
        const RowCell *x = a, *y = b;
        return x->cell.column < y->cell.column ? -1 : x->cell.column > y->cell.column;
}

/* False: two cells in one place. */
static bool sort_cells(XlsxRows *rows) {
        if (rows->in_order)
                return true;
        qsort(rows->cells, rows->count, sizeof(*rows->cells), compare_cells);
        for (size_t i = 1; i < rows->count; i++) {
                if (rows->cells[i].cell.column != rows->cells[i - 1].cell.column)
                        continue;
                CLEANUP(buf_deinit) Buf place = { 0 };
                xlsx_column_print(&place, rows->cells[i].cell.column);
                buf_printf(&place, "%lld", (long long)rows->number);
                buf_append_byte(&place, 0);
                fail_cell(rows, place.data);
                return false;
        }
        return true;
}

static void end_row(XlsxRows *rows) {
        rows->in_row = false;
        if (!sort_cells(rows))
                return;
        for (size_t i = 0; i < rows->count; i++) {
                rows->given[i] = rows->cells[i].cell;
                if (!rows->given[i].text.data)
                        rows->given[i].text.data = rows->texts.data + rows->cells[i].at;
        }
        XlsxRow row = { .number = rows->number, .hidden = rows->hidden, .too_long = rows->too_long,
                        .cells = rows->given, .count = rows->count };
        if (!rows->spec.take(rows->spec.context, &row))
                xlsx_xml_pause(rows->xml);
}

/* --- cells --- */

static CellType type_of(const char *text) {
        static const struct {
                const char *text;
                CellType type;
        } types[] = { { "n", CELL_NUMBER },       { "s", CELL_SHARED },  { "str", CELL_TEXT },   { "inlineStr", CELL_INLINE },
                      { "b", CELL_BOOLEAN }, { "e", CELL_ERROR }, { "d", CELL_ISO_DATE } };
        for (size_t i = 0; text && i < COUNT_OF(types); i++) {
                if (strcmp(text, types[i].text) == 0)
                        return types[i].type;
        }
        return CELL_NUMBER;
}

static void start_cell(XlsxRows *rows, const char **attributes) {
        const char *place = NULL, *type = NULL, *style = NULL;
        for (const char **at = attributes; *at; at += 2) {
                if (strcmp(at[0], "r") == 0)
                        place = at[1];
                else if (strcmp(at[0], "t") == 0)
                        type = at[1];
                else if (strcmp(at[0], "s") == 0)
                        style = at[1];
        }
        rows->cell = (Cell){ .column = rows->next_column, .type = type_of(type) };
        if (place && !read_place(rows, place, &rows->cell.column)) {
                fail_cell(rows, place);
                return;
        }
        if (style)
                str_to_uint64(str_of(style), &rows->cell.style);
        rows->cell.known = rows->cell.column >= rows->spec.first_column && rows->cell.column <= rows->spec.last_column;
        rows->next_column = rows->cell.column + 1;
        rows->in_cell = true;
        buf_clear(&rows->value);
}

static RowCell *add_cell(XlsxRows *rows) {
        if (rows->count == rows->room) {
                rows->room = rows->room ? rows->room * 2 : 64;
                rows->cells = reallocarray(rows->cells, rows->room, sizeof(*rows->cells));
                rows->given = reallocarray(rows->given, rows->room, sizeof(*rows->given));
                if (!rows->cells || !rows->given)
                        out_of_memory();
        }
        RowCell *cell = &rows->cells[rows->count++];
        *cell = (RowCell){ .cell = { .column = rows->cell.column } };
        rows->in_order &= rows->count < 2 || cell[-1].cell.column < cell->cell.column;
        return cell;
}

static bool is_date(XlsxKind kind) {
        return kind >= XLSX_DATE && kind <= XLSX_DURATION;
}

/* A code such as 01067 is a number that is shown with zeros: they belong to it, and a column of numbers reads it all the same. */
static void put_zeros(XlsxRows *rows, size_t from, int zeros) {
        char *text = rows->texts.data + from;
        size_t size = rows->texts.size - from, missing = (size_t)zeros > size ? (size_t)zeros - size : 0;
        for (size_t i = 0; i < size && missing > 0; i++)
                if (text[i] < '0' || text[i] > '9')
                        return;
        for (size_t i = 0; i < missing; i++)
                buf_append_byte(&rows->texts, '0');
        text = rows->texts.data + from;
        memmove(text + missing, text, size);
        memset(text, '0', missing);
}

/* The text and kind of a cell's value; false: it holds nothing. */
static bool put_value(XlsxRows *rows, XlsxKind *out_kind, Str *out_shared) {
        const Cell *cell = &rows->cell;
        Str value = buf_view(&rows->value), trimmed = str_trim(value);
        uint64_t index;
        XlsxKind kind = xlsx_style(rows->spec.book, cell->style);
        switch (cell->type) {
        case CELL_SHARED:
                *out_kind = XLSX_TEXT;
                if (trimmed.size == 0)
                        return false;
                if (!str_to_uint64(trimmed, &index) || !xlsx_text(rows->spec.book, index, out_shared)) {
                        error_reason(xlsx_xml_fail(rows->xml), SHEET_TEXT, reason_text(trimmed));
                        return false;
                }
                return out_shared->size > 0;
        case CELL_TEXT:
        case CELL_INLINE:
                *out_kind = XLSX_TEXT;
                if (value.size > 0)
                        rows->value.size = xlsx_unescape(rows->value.data, value.size);
                buf_append(&rows->texts, buf_view(&rows->value));
                return value.size > 0;
        case CELL_BOOLEAN:
                *out_kind = XLSX_BOOLEAN;
                buf_append(&rows->texts, str_is(trimmed, "1") || str_equal_nocase(trimmed, STR("true")) ? STR("true")
                                                                                                         : STR("false"));
                return trimmed.size > 0;
        case CELL_ERROR:
                *out_kind = XLSX_ERROR;
                buf_append(&rows->texts, trimmed);
                return trimmed.size > 0;
        case CELL_ISO_DATE:
                *out_kind = kind == XLSX_NUMBER ? XLSX_MOMENT : kind;
                buf_append(&rows->texts, trimmed);
                return trimmed.size > 0;
        case CELL_NUMBER:
                break;
        }
        *out_kind = kind;
        if (trimmed.size == 0)
                return false;
        size_t from = rows->texts.size;
        bool number = is_date(kind) ? xlsx_days(&rows->texts, trimmed, kind, xlsx_from_1904(rows->spec.book))
                                    : xlsx_number(&rows->texts, trimmed);
        if (number)
                put_zeros(rows, from, kind == XLSX_NUMBER ? xlsx_zeros(rows->spec.book, cell->style) : 0);
        if (number)
                return true;
        *out_kind = XLSX_TEXT; /* a text that says it is a number */
        buf_append(&rows->texts, value);
        return true;
}

/*
 * A formula without a value is not nothing: whoever opens the file sees one. Some programs write an empty value where
 * they have not calculated any, which only of a text is one.
 */
static bool is_not_calculated(const XlsxRows *rows) {
        const Cell *cell = &rows->cell;
        bool may_be_empty = cell->type == CELL_TEXT || cell->type == CELL_INLINE;
        return cell->has_formula && (!cell->has_value || (!may_be_empty && str_trim(buf_view(&rows->value)).size == 0));
}

static void end_cell(XlsxRows *rows) {
        rows->in_cell = rows->in_inline = rows->in_text = false;
        if (!rows->cell.known || rows->too_long)
                return;
        size_t at = rows->texts.size;
        Str shared = STR_NONE;
        XlsxKind kind;
        if (is_not_calculated(rows)) {
                kind = XLSX_ERROR;
                buf_append_cstr(&rows->texts, XLSX_UNKNOWN_VALUE);
        } else if (!put_value(rows, &kind, &shared)) {
                rows->texts.size = at;
                return;
        }
        if (rows->cell.column >= FORMAT_COLUMNS_MAX) {
                CLEANUP(buf_deinit) Buf place = { 0 };
                xlsx_column_print(&place, rows->cell.column);
                buf_printf(&place, "%lld", (long long)rows->number);
                error_reason(xlsx_xml_fail(rows->xml), SHEET_COLUMN, reason_text(buf_view(&place)),
                             reason_number(FORMAT_COLUMNS_MAX));
                return;
        }
        RowCell *cell = add_cell(rows);
        cell->at = at;
        cell->cell.kind = kind;
        cell->cell.text = shared.data ? shared : (Str){ NULL, rows->texts.size - at };
        rows->total += cell->cell.text.size + 1;
        if (rows->total > rows->spec.row_limit) {
                rows->too_long = true;
                rows->count = 0;
                buf_clear(&rows->texts);
        }
}

/* --- events --- */

static void note_merge(XlsxRows *rows, const char *range) {
        Str from, to;
        if (!range || !str_cut(str_of(range), ':', &from, &to))
                return;
        xlsx_column_parse(&from);
        xlsx_column_parse(&to);
        rows->merged += !str_equal(from, to);
}

static void start_in_cell(XlsxRows *rows, const char *name) {
        bool is_t = strcmp(name, "t") == 0, is_inline = rows->cell.type == CELL_INLINE; /* one that has a v too means its is */
        if (rows->depth == DEPTH_VALUE) {
                rows->in_text = !is_inline && strcmp(name, "v") == 0;
                rows->in_inline = is_inline && strcmp(name, "is") == 0;
                rows->cell.has_value |= rows->in_text || rows->in_inline;
                rows->cell.has_formula |= strcmp(name, "f") == 0;
        } else if (rows->in_inline && strcmp(name, "rPh") == 0 && !rows->quiet_depth) {
                rows->quiet_depth = rows->depth;
        } else if (rows->in_inline && is_t) {
                rows->in_text = !rows->quiet_depth;
        }
}

static void on_start(void *context, const char *name, const char **attributes) {
        XlsxRows *rows = context;
        rows->depth++;
        if (rows->in_cell) {
                start_in_cell(rows, name);
                return;
        }
        if (rows->in_row) {
                if (rows->depth == DEPTH_CELL && strcmp(name, "c") == 0)
                        start_cell(rows, attributes);
        } else if (rows->in_data) {
                if (rows->depth == DEPTH_ROW && strcmp(name, "row") == 0)
                        start_row(rows, attributes);
        } else if (rows->depth == DEPTH_PART) {
                rows->in_data = strcmp(name, "sheetData") == 0;
        } else if (strcmp(name, "mergeCell") == 0) {
                note_merge(rows, xlsx_attribute(attributes, "ref"));
        }
}

static void on_end(void *context, const char *name) {
        (void)name;
        XlsxRows *rows = context;
        int depth = rows->depth--;
        if (rows->in_cell) {
                rows->in_text = false;
                if (depth == rows->quiet_depth)
                        rows->quiet_depth = 0;
                if (depth == DEPTH_VALUE)
                        rows->in_inline = false;
                if (depth == DEPTH_CELL)
                        end_cell(rows);
        } else if (rows->in_row && depth == DEPTH_ROW) {
                end_row(rows);
        } else if (rows->in_data && depth == DEPTH_PART) {
                rows->in_data = false;
        }
}

static void on_text(void *context, Str text) {
        XlsxRows *rows = context;
        if (!rows->in_text || !rows->cell.known || rows->too_long)
                return;
        if (rows->value.size + text.size > rows->spec.row_limit) {
                rows->too_long = true;
                rows->count = 0;
                return;
        }
        buf_append(&rows->value, text);
}

Status xlsx_rows_open(const XlsxRowsSpec *spec, XlsxRows **out, Error *err) {
        static const XlsxEvents events = { on_start, on_end, on_text };
        CLEANUP(xlsx_rows_freep) XlsxRows *rows = calloc(1, sizeof(*rows));
        if (!rows)
                out_of_memory();
        rows->spec = *spec;
        TRY(xlsx_sheet_xml(spec->book, spec->sheet, spec->part_limit, &events, rows, &rows->xml, err));
        *out = TAKE_PTR(rows);
        return STATUS_OK;
}

void xlsx_rows_free(XlsxRows *rows) {
        if (!rows)
                return;
        xlsx_xml_free(rows->xml);
        buf_deinit(&rows->value);
        buf_deinit(&rows->texts);
        free(rows->cells);
        free(rows->given);
        free(rows);
}

void xlsx_rows_freep(XlsxRows **rows) {
        xlsx_rows_free(*rows);
        *rows = NULL;
}

Status xlsx_rows_step(XlsxRows *rows, bool *out_end, Error *err) {
        return xlsx_xml_step(rows->xml, out_end, err);
}

size_t xlsx_rows_merged(const XlsxRows *rows) {
        return rows->merged;
}

uint64_t xlsx_rows_bytes(const XlsxRows *rows) {
        return xlsx_xml_bytes(rows->xml);
}
