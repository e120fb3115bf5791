/* SPDX-License-Identifier: Apache-2.0 */
#include "frame/xlsx_range.h"

size_t xlsx_column_parse(Str *text) {
        size_t column = 0, at = 0;
        for (; at < text->size && at < 4; at++) {
                char c = (char)(text->data[at] | 0x20);
                if (c < 'a' || c > 'z')
                        break;
                column = column * 26 + (size_t)(c - 'a' + 1);
        }
        *text = str_slice(*text, at, text->size);
        return at == 0 || at > 3 || column > XLSX_COLUMNS_MAX ? SIZE_MAX : column - 1;
}

void xlsx_column_print(Buf *out, size_t column) {
        char letters[8];
        size_t at = sizeof(letters);
        for (column++; column > 0; column = (column - 1) / 26)
                letters[--at] = (char)('A' + (column - 1) % 26);
        buf_append(out, (Str){ letters + at, sizeof(letters) - at });
}

Str xlsx_cells_print(Arena *arena, size_t first_column, size_t count, int64_t row) {
        CLEANUP(buf_deinit) Buf text = { 0 };
        xlsx_column_print(&text, first_column);
        buf_printf(&text, "%lld", (long long)row);
        if (count > 1) {
                buf_append_byte(&text, ':');
                xlsx_column_print(&text, first_column + count - 1);
                buf_printf(&text, "%lld", (long long)row);
        }
        return buf_dup(&text, arena);
}

XlsxRange xlsx_range_all(void) {
        return (XlsxRange){ .last_column = XLSX_COLUMNS_MAX - 1, .first_row = 1, .last_row = XLSX_ROWS_MAX };
}

/* A corner: a column, and perhaps a row. */
static bool parse_corner(Str text, uint32_t *out_column, int64_t *out_row) {
        size_t column = xlsx_column_parse(&text);
        if (column == SIZE_MAX)
                return false;
        *out_column = (uint32_t)column;
        return text.size == 0 ||
               (text.data[0] != '+' && str_to_int64(text, out_row) && *out_row >= 1 && *out_row <= XLSX_ROWS_MAX);
}

Status xlsx_range_parse(Str text, XlsxRange *out, Error *err) {
        XlsxRange range = xlsx_range_all();
        Str from, to;
        if (text.size == 0) {
                *out = range;
                return STATUS_OK;
        }
        range.has_last_column = str_cut(text, ':', &from, &to);
        bool good = parse_corner(from, &range.first_column, &range.first_row) &&
                    (!range.has_last_column || parse_corner(to, &range.last_column, &range.last_row));
        if (!good) {
                error_set(err, STATUS_BAD_VALUE, "range: '%.*s' is no part of a sheet", STR_ARG(text));
                return error_hint(err, "such as B3:F200, or B3:F for all rows from 3 on");
        }
        if (range.first_column > range.last_column || range.first_row > range.last_row)
                return error_set(err, STATUS_BAD_VALUE, "range: '%.*s' ends before it begins", STR_ARG(text));
        *out = range;
        return STATUS_OK;
}
