/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Output: how results and errors look. Results go to stdout, all else to stderr; on a terminal with colour and aligned
 * columns, elsewhere plain.
 */
#include "base/json.h"
#include "cli/options.h"

typedef struct Output {
        OutputFormat format;
        bool color_out, color_err; /* escapes may be used */
        bool terminal_out, terminal_err;
        bool quiet, verbose;
} Output;

Output output_of(const Arguments *arguments);

typedef enum Paint { PAINT_NONE, PAINT_BOLD, PAINT_DIM, PAINT_RED, PAINT_GREEN, PAINT_YELLOW } Paint;
const char *paint(bool color, Paint paint); /* the escape, or "" */

/* error[CODE] file:line:column  what / the line / a caret / hint; or one line of JSON. To stderr. */
void output_error(const Output *output, const Error *err);

/* One line on stderr, unless quiet. */
void output_note(const Output *output, Paint color, const char *format, ...) PRINTF_LIKE(3, 4);
/* A line of a thing's page: its title, and names with commas between; none where there are none. */
void output_names(Arena *arena, const char *title, const Str *names, size_t count);
/* A line that the next progress or note overwrites; only on a terminal. NULL clears it. */
void output_progress(const Output *output, const char *format, ...) PRINTF_LIKE(2, 3);

/*
 * Text on stdout: after the words in color (may be "") those of the format, and no newline. What is in them cannot speak
 * to the terminal, wherever it comes from; line breaks stay.
 */
void output_say(const Output *output, Paint color, const char *words, const char *format, ...) PRINTF_LIKE(4, 5);

/* A name or another text that somebody else chose, on one line: with its line breaks it could look like lines of ours. */
Str output_line(Arena *arena, Str text);

/* The document on stdout with its newline. */
void output_json(Buf *json);

/*
 * TextTable: rows gathered, then printed with aligned columns. Numbers go right. Cells are cut on a terminal so that a
 * row stays one line.
 */
typedef struct TextTable TextTable;
TextTable *text_table_new(Arena *arena, const Str *headers, size_t count);
void text_table_right(TextTable *table, size_t column);
void text_table_row(TextTable *table, const Str *cells); /* copied; data NULL prints as nothing */
void text_table_print(TextTable *table, const Output *output, FILE *out);
/* After a print: the row that was added last, with the widths as they were, and forgets it. */
void text_table_print_last(TextTable *table, FILE *out);
size_t text_table_rows(const TextTable *table);
/* Columns on a terminal that the text takes (wide and combining characters counted roughly). */
size_t text_width(Str text);
