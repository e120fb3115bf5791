/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/copy_row.h"

static size_t begin(Buf *out, char type) {
        buf_append_byte(out, type);
        buf_be32(out, 0);
        return out->size;
}

static void end(Buf *out, size_t mark) {
        buf_patch_be32(out, mark - 4, (uint32_t)(out->size - mark + 4));
}

/* Int16 columns, then each as Int32 size (-1 for NULL) and bytes: the body of a DataRow, and a row of binary COPY. */
static void append_values(RowWriter *writer, Buf *out, idx_t row) {
        buf_be16(out, (uint16_t)writer->column_count);
        for (size_t i = 0; i < writer->column_count; i++) {
                const Column *column = &writer->columns[i];
                buf_be32(out, UINT32_MAX);
                if (cell_is_null(column, row))
                        continue;
                size_t at = out->size;
                column->print(out, column, row);
                buf_patch_be32(out, at - 4, (uint32_t)(out->size - at));
        }
}

static void write_data_row(RowWriter *writer, Buf *out, idx_t row) {
        size_t mark = begin(out, 'D');
        append_values(writer, out, row);
        end(out, mark);
}

static void write_copy_binary(RowWriter *writer, Buf *out, idx_t row) {
        size_t mark = begin(out, 'd');
        append_values(writer, out, row);
        end(out, mark);
}

static Str print_field(RowWriter *writer, const Column *column, idx_t row) {
        buf_clear(&writer->field);
        column->print(&writer->field, column, row);
        return buf_view(&writer->field);
}

/* What COPY's text format escapes, by letter; 0 for what stands for itself. */
static char escape_of(char byte, char delimiter) {
        switch (byte) {
        case '\b':
                return 'b';
        case '\f':
                return 'f';
        case '\n':
                return 'n';
        case '\r':
                return 'r';
        case '\t':
                return 't';
        case '\v':
                return 'v';
        case '\\':
                return '\\';
        default:
                return byte == delimiter ? byte : '\0';
        }
}

static void append_escaped(Buf *out, Str text, char delimiter) {
        size_t from = 0;
        for (size_t i = 0; i < text.size; i++) {
                char letter = escape_of(text.data[i], delimiter);
                if (!letter)
                        continue;
                buf_append(out, str_slice(text, from, i));
                buf_append_byte(out, '\\');
                buf_append_byte(out, letter);
                from = i + 1;
        }
        buf_append(out, str_slice(text, from, text.size));
}

static void write_copy_text(RowWriter *writer, Buf *out, idx_t row) {
        const CopyFormat *copy = &writer->spec->copy;
        size_t mark = begin(out, 'd');
        for (size_t i = 0; i < writer->column_count; i++) {
                const Column *column = &writer->columns[i];
                if (i > 0)
                        buf_append_byte(out, copy->delimiter);
                if (cell_is_null(column, row))
                        buf_append(out, copy->null);
                else
                        append_escaped(out, print_field(writer, column, row), copy->delimiter);
        }
        buf_append_byte(out, '\n');
        end(out, mark);
}

/* As PostgreSQL decides it: what would be read as NULL, as the end of data or as more than one field is quoted. */
static bool must_quote(const CopyFormat *copy, Str text, bool only) {
        if (str_equal(text, copy->null) || (only && str_is(text, "\\.")))
                return true;
        for (size_t i = 0; i < text.size; i++) {
                char byte = text.data[i];
                if (byte == copy->delimiter || byte == copy->quote || byte == '\n' || byte == '\r')
                        return true;
        }
        return false;
}

static void append_in_quotes(Buf *out, const CopyFormat *copy, Str text) {
        buf_append_byte(out, copy->quote);
        for (size_t i = 0; i < text.size; i++) {
                if (text.data[i] == copy->quote || text.data[i] == copy->escape)
                        buf_append_byte(out, copy->escape);
                buf_append_byte(out, text.data[i]);
        }
        buf_append_byte(out, copy->quote);
}

static void write_copy_csv(RowWriter *writer, Buf *out, idx_t row) {
        const CopyFormat *copy = &writer->spec->copy;
        size_t mark = begin(out, 'd');
        for (size_t i = 0; i < writer->column_count; i++) {
                const Column *column = &writer->columns[i];
                if (i > 0)
                        buf_append_byte(out, copy->delimiter);
                if (cell_is_null(column, row)) {
                        buf_append(out, copy->null);
                        continue;
                }
                Str text = print_field(writer, column, row);
                if (row_format(writer->spec, i) == 1 || must_quote(copy, text, writer->column_count == 1))
                        append_in_quotes(out, copy, text);
                else
                        buf_append(out, text);
        }
        buf_append_byte(out, '\n');
        end(out, mark);
}

WriteRow row_writer(RowsAnswer answer) {
        static const WriteRow writers[ROWS_ANSWERS] = {
                [ROWS_PLAIN] = write_data_row,       [ROWS_FORMATS] = write_data_row,       [ROWS_COPY_TEXT] = write_copy_text,
                [ROWS_COPY_CSV] = write_copy_csv,    [ROWS_COPY_BINARY] = write_copy_binary,
        };
        return writers[answer];
}

uint16_t row_format(const ExecuteSpec *spec, size_t column) {
        if (spec->answer == ROWS_COPY_BINARY)
                return 1;
        if (spec->format_count == 0)
                return 0;
        return spec->formats[spec->format_count == 1 ? 0 : column < spec->format_count ? column : 0];
}
