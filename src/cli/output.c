/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/output.h"

#include "base/vec.h"

#include <stdarg.h>
#include <sys/ioctl.h>

Output output_of(const Arguments *arguments) {
        Output output = {
                .format = arguments->output,
                .terminal_out = isatty(STDOUT_FILENO),
                .terminal_err = isatty(STDERR_FILENO),
                .quiet = arguments->quiet,
                .verbose = arguments->verbose,
        };
        const char *no_color = getenv("NO_COLOR");
        bool never = arguments->color == COLOR_NEVER || (arguments->color == COLOR_AUTO && no_color && *no_color);
        bool always = arguments->color == COLOR_ALWAYS;
        output.color_out = always || (!never && output.terminal_out);
        output.color_err = always || (!never && output.terminal_err);
        return output;
}

const char *paint(bool color, Paint which) {
        static const char *const escapes[] = { "\033[0m", "\033[1m", "\033[2m", "\033[31m", "\033[32m", "\033[33m" };
        return color ? escapes[which] : "";
}

static bool progress_shown;

/* Before anything goes to stderr: what was said first stands first, also where both end in one file. */
static void clear_progress(void) {
        fflush(stdout);
        if (progress_shown)
                fputs("\r\033[K", stderr);
        progress_shown = false;
}

void output_progress(const Output *output, const char *format, ...) {
        if (!output->terminal_err || output->quiet)
                return;
        clear_progress();
        if (!format)
                return;
        va_list args;
        va_start(args, format);
        vfprintf(stderr, format, args);
        va_end(args);
        fflush(stderr);
        progress_shown = true;
}

/* Names and texts come from files: what is in them must not speak to the terminal. Line breaks stay. */
static void print_plain(FILE *out, const char *format, va_list args) {
        CLEANUP(freep) char *text = NULL;
        if (vasprintf(&text, format, args) < 0)
                return;
        for (const unsigned char *c = (const unsigned char *)text; *c; c++)
                if ((*c < 0x20 && *c != '\n' && *c != '\t') || *c == 0x7F)
                        fprintf(out, "\\x%02x", *c);
                else
                        fputc(*c, out);
}

static void PRINTF_LIKE(2, 3) print_plain_args(FILE *out, const char *format, ...) {
        va_list args;
        va_start(args, format);
        print_plain(out, format, args);
        va_end(args);
}

void output_note(const Output *output, Paint color, const char *format, ...) {
        if (output->quiet)
                return;
        clear_progress();
        if (color != PAINT_NONE)
                fputs(paint(output->color_err, color), stderr);
        va_list args;
        va_start(args, format);
        print_plain(stderr, format, args);
        va_end(args);
        if (color != PAINT_NONE)
                fputs(paint(output->color_err, PAINT_NONE), stderr);
        fputc('\n', stderr);
}

void output_json(Buf *json) {
        buf_append_byte(json, '\n');
        fwrite(json->data, 1, json->size, stdout);
}

/* ---- errors ---- */

static void member_or_null(JsonWriter *writer, const char *key, const char *text) {
        json_key(writer, key);
        if (*text)
                json_put_cstr(writer, text);
        else
                json_put_null(writer);
}

static void place_or_null(JsonWriter *writer, const char *key, int value) {
        json_key(writer, key);
        if (value > 0)
                json_put_int(writer, value);
        else
                json_put_null(writer);
}

void error_json(JsonWriter *writer, const Error *err) {
        json_object(writer);
        json_member_str(writer, "code", str_of(status_code(err->status)));
        json_member_str(writer, "sqlstate", str_of(status_sqlstate(err->status)));
        json_member_str(writer, "message", str_of(err->message));
        member_or_null(writer, "file", err->file);
        place_or_null(writer, "line", err->line);
        place_or_null(writer, "column", err->column);
        member_or_null(writer, "hint", err->hint);
        json_end(writer);
}

static void print_caret(const Output *output, const Error *err) {
        fprintf(stderr, "%s%5d |%s %s\n      %s|%s ", paint(output->color_err, PAINT_DIM), err->line,
                paint(output->color_err, PAINT_NONE), err->excerpt, paint(output->color_err, PAINT_DIM),
                paint(output->color_err, PAINT_NONE));
        Str line = str_of(err->excerpt);
        size_t before = utf8_prefix(line, (size_t)(err->column > 0 ? err->column - 1 : 0));
        for (size_t i = 0; i < before;) { /* keep tabs, so that the caret stands right below */
                uint32_t code;
                i += utf8_decode(line, i, &code);
                fputc(code == '\t' ? '\t' : ' ', stderr);
        }
        fprintf(stderr, "%s^%s\n", paint(output->color_err, PAINT_RED), paint(output->color_err, PAINT_NONE));
}

void output_error(const Output *output, const Error *err) {
        clear_progress();
        if (output->format == OUTPUT_JSON) {
                CLEANUP(buf_deinit) Buf json = { 0 };
                JsonWriter writer = json_writer(&json, false);
                json_object(&writer);
                json_key(&writer, "error");
                error_json(&writer, err);
                json_end(&writer);
                fprintf(stderr, "%.*s\n", STR_ARG(buf_view(&json)));
                return;
        }
        fprintf(stderr, "%serror[%s]%s ", paint(output->color_err, PAINT_RED), status_code(err->status),
                paint(output->color_err, PAINT_NONE));
        if (err->file[0] && err->line > 0)
                fprintf(stderr, "%s:%d:%d  ", err->file, err->line, err->column);
        else if (err->file[0])
                fprintf(stderr, "%s  ", err->file);
        print_plain_args(stderr, "%s\n", err->message);
        if (err->line > 0 && err->excerpt[0])
                print_caret(output, err);
        if (err->hint[0]) {
                fprintf(stderr, "      %s", paint(output->color_err, PAINT_DIM));
                print_plain_args(stderr, "%s", err->hint);
                fprintf(stderr, "%s\n", paint(output->color_err, PAINT_NONE));
        }
        if (output->verbose && err->raised_file)
                fprintf(stderr, "      raised at %s:%d\n", err->raised_file, err->raised_line);
}

/* ---- tables ---- */

typedef struct Cells {
        Str *items;
} Cells;

struct TextTable {
        Arena *arena;
        size_t columns;
        Str *headers;
        bool *right;
        size_t *widths;
        VEC(Cells) rows;
};

size_t text_width(Str text) {
        size_t width = 0, at = 0;
        while (at < text.size) {
                uint32_t c;
                at += utf8_decode(text, at, &c);
                bool combining = (c >= 0x300 && c <= 0x36F) || c == 0x200D || (c >= 0xFE00 && c <= 0xFE0F);
                bool wide = (c >= 0x1100 && c <= 0x115F) || (c >= 0x2E80 && c <= 0xA4CF) || (c >= 0xAC00 && c <= 0xD7A3) ||
                            (c >= 0xF900 && c <= 0xFAFF) || (c >= 0xFF00 && c <= 0xFF60) || (c >= 0x1F300 && c <= 0x1FAFF);
                width += combining ? 0 : wide ? 2 : 1;
        }
        return width;
}

TextTable *text_table_new(Arena *arena, const Str *headers, size_t count) {
        TextTable *table = ARENA_NEW(arena, TextTable);
        table->arena = arena;
        table->columns = count;
        table->headers = ARENA_ARRAY(arena, Str, count);
        table->right = ARENA_ARRAY(arena, bool, count);
        table->widths = ARENA_ARRAY(arena, size_t, count);
        for (size_t i = 0; i < count; i++) {
                table->headers[i] = arena_str(arena, headers[i]);
                table->widths[i] = text_width(headers[i]);
        }
        return table;
}

void text_table_right(TextTable *table, size_t column) {
        table->right[column] = true;
}

size_t text_table_rows(const TextTable *table) {
        return table->rows.count;
}

/* Control characters would break the lines apart, or speak to the terminal. */
static Str printable(Arena *arena, Str text) {
        bool clean = true;
        for (size_t i = 0; i < text.size; i++)
                clean &= (unsigned char)text.data[i] >= 0x20 && text.data[i] != 0x7F;
        if (clean)
                return arena_str(arena, text);
        CLEANUP(buf_deinit) Buf out = { 0 };
        for (size_t i = 0; i < text.size; i++) {
                unsigned char c = (unsigned char)text.data[i];
                if (c == '\n' || c == '\r' || c == '\t')
                        buf_printf(&out, "\\%c", c == '\n' ? 'n' : c == '\r' ? 'r' : 't');
                else if (c < 0x20 || c == 0x7F)
                        buf_printf(&out, "\\x%02x", c);
                else
                        buf_append_byte(&out, (char)c);
        }
        return buf_dup(&out, arena);
}

void text_table_row(TextTable *table, const Str *cells) {
        Cells row = { ARENA_ARRAY(table->arena, Str, table->columns) };
        for (size_t i = 0; i < table->columns; i++) {
                row.items[i] = cells[i].data ? printable(table->arena, cells[i]) : STR_NONE;
                size_t width = text_width(row.items[i]);
                if (width > table->widths[i])
                        table->widths[i] = width;
        }
        vec_push(table->arena, &table->rows, row);
}

/* Widths that fit the terminal: the widest columns give way first. */
static void fit(TextTable *table, size_t available) {
        for (;;) {
                size_t total = 0, widest = 0;
                for (size_t i = 0; i < table->columns; i++) {
                        total += table->widths[i] + 2;
                        if (table->widths[i] > table->widths[widest])
                                widest = i;
                }
                if (total <= available + 2 || table->widths[widest] <= 12)
                        return;
                size_t over = total - available - 2;
                size_t cut = table->widths[widest] - 12;
                table->widths[widest] -= over < cut ? over : cut;
        }
}

static void print_cell(FILE *out, Str cell, size_t width, bool right, bool last) {
        size_t taken = text_width(cell);
        if (taken > width) {
                size_t points = width - 1, bytes = utf8_prefix(cell, points);
                fprintf(out, "%.*s\xE2\x80\xA6", (int)bytes, cell.data);
                taken = width;
                right = false;
        } else if (!right) {
                fprintf(out, "%.*s", STR_ARG(cell));
        }
        if (right)
                fprintf(out, "%*s%.*s", (int)(width - taken), "", STR_ARG(cell));
        else if (!last)
                fprintf(out, "%*s", (int)(width - taken), "");
        if (!last)
                fputs("  ", out);
}

static void print_row(const TextTable *table, Cells row, FILE *out) {
        for (size_t i = 0; i < table->columns; i++)
                print_cell(out, row.items[i], table->widths[i], table->right[i], i + 1 == table->columns);
        fputc('\n', out);
}

void text_table_print(TextTable *table, const Output *output, FILE *out) {
        struct winsize size;
        if (output->terminal_out && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20)
                fit(table, size.ws_col);
        fputs(paint(output->color_out, PAINT_BOLD), out);
        for (size_t i = 0; i < table->columns; i++)
                print_cell(out, table->headers[i], table->widths[i], table->right[i], i + 1 == table->columns);
        fprintf(out, "%s\n", paint(output->color_out, PAINT_NONE));
        for (size_t r = 0; r < table->rows.count; r++)
                print_row(table, table->rows.items[r], out);
}

void text_table_print_last(TextTable *table, FILE *out) {
        print_row(table, table->rows.items[--table->rows.count], out);
}
