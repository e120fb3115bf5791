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

/* What would speak to the terminal instead of being shown: C0, DEL, C1, and what turns the direction of writing. */
static bool is_control(uint32_t code) {
        return code < 0x20 || (code >= 0x7F && code < 0xA0) || (code >= 0x202A && code <= 0x202E) ||
               (code >= 0x2066 && code <= 0x2069);
}

/* Names and texts come from files and from workers: \x1b stands for a control character, \xff for what is not UTF-8. */
static void put_plain(Buf *out, Str text, bool keep_lines) {
        for (size_t at = 0; at < text.size;) {
                uint32_t code;
                size_t size = utf8_decode(text, at, &code);
                bool broken = code == 0xFFFD && size == 1;
                if (keep_lines && (code == '\n' || code == '\t'))
                        buf_append_byte(out, (char)code);
                else if (code == '\n' || code == '\r' || code == '\t')
                        buf_printf(out, "\\%c", code == '\n' ? 'n' : code == '\r' ? 'r' : 't');
                else if (broken || (code < 0x80 && is_control(code)))
                        buf_printf(out, "\\x%02x", (unsigned char)text.data[at]);
                else if (is_control(code))
                        buf_printf(out, "\\u%04x", code);
                else
                        buf_append(out, str_slice(text, at, at + size));
                at += size;
        }
}

Str output_line(Arena *arena, Str text) {
        CLEANUP(buf_deinit) Buf out = { 0 };
        put_plain(&out, text, false);
        return buf_dup(&out, arena);
}

/* Line breaks stay. */
static void print_plain(FILE *out, const char *format, va_list args) {
        CLEANUP(freep) char *text = NULL;
        if (vasprintf(&text, format, args) < 0)
                return;
        CLEANUP(buf_deinit) Buf plain = { 0 };
        put_plain(&plain, str_of(text), true);
        fwrite(plain.data, 1, plain.size, out);
}

void output_progress(const Output *output, const char *format, ...) {
        if (!output->terminal_err || output->quiet)
                return;
        clear_progress();
        if (!format)
                return;
        va_list args;
        va_start(args, format);
        print_plain(stderr, format, args);
        va_end(args);
        fflush(stderr);
        progress_shown = true;
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

void output_say(const Output *output, Paint color, const char *words, const char *format, ...) {
        if (words[0]) {
                fputs(paint(output->color_out, color), stdout);
                print_plain_args(stdout, "%s", words);
                fputs(paint(output->color_out, PAINT_NONE), stdout);
        }
        va_list args;
        va_start(args, format);
        print_plain(stdout, format, args);
        va_end(args);
}

void output_json(Buf *json) {
        buf_append_byte(json, '\n');
        fwrite(json->data, 1, json->size, stdout);
}

/* ---- errors ---- */

static void print_caret(const Output *output, const Error *err) {
        fprintf(stderr, "%s%5d |%s ", paint(output->color_err, PAINT_DIM), err->line, paint(output->color_err, PAINT_NONE));
        print_plain_args(stderr, "%s", err->excerpt);
        fprintf(stderr, "\n      %s|%s ", paint(output->color_err, PAINT_DIM), paint(output->color_err, PAINT_NONE));
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
                json_put_error(&writer, err, NULL);
                json_end(&writer);
                fprintf(stderr, "%.*s\n", STR_ARG(buf_view(&json)));
                return;
        }
        fprintf(stderr, "%serror[%s]%s ", paint(output->color_err, PAINT_RED), status_code(err->status),
                paint(output->color_err, PAINT_NONE));
        if (err->file[0] && err->line > 0)
                print_plain_args(stderr, "%s:%d:%d  ", err->file, err->line, err->column);
        else if (err->file[0])
                print_plain_args(stderr, "%s  ", err->file);
        CLEANUP(arena_deinit) Arena scratch = { 0 };
        fprintf(stderr, "%.*s\n", STR_ARG(output_line(&scratch, str_of(err->message))));
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
                table->headers[i] = output_line(arena, headers[i]);
                table->widths[i] = text_width(table->headers[i]);
        }
        return table;
}

void text_table_right(TextTable *table, size_t column) {
        table->right[column] = true;
}

size_t text_table_rows(const TextTable *table) {
        return table->rows.count;
}

void text_table_row(TextTable *table, const Str *cells) {
        Cells row = { ARENA_ARRAY(table->arena, Str, table->columns) };
        for (size_t i = 0; i < table->columns; i++) {
                row.items[i] = cells[i].data ? output_line(table->arena, cells[i]) : STR_NONE;
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

void output_names(Arena *arena, const char *title, const Str *names, size_t count) {
        Str all = output_line(arena, arena_join(arena, names, count, ", "));
        if (all.size > 0)
                printf("%-11s%.*s\n", title, STR_ARG(all));
}

void text_table_print_last(TextTable *table, FILE *out) {
        print_row(table, table->rows.items[--table->rows.count], out);
}
