/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/rows.h"

#include "engine/data_row.h"
#include "engine/row_text.h"

#include <errno.h>

#define FLUSH_BYTES (256u << 10)

struct RowPrinter {
        Arena *arena;
        const WorkerColumns *columns;
        const Output *output;
        Str *keys;
        Buf out;
        JsonWriter json;
        TextTable *table;
        Str *cells;
        int64_t rows;
};

/* Nobody prints into a pipe that is closed, a disk that is full, or past a signal that ended a wait for the reader. */
static Status written(Error *err) {
        return ferror(stdout) ? error_errno(err, errno, "cannot write the answer") : STATUS_OK;
}

static Status flush(RowPrinter *p, size_t least, Error *err) {
        if (p->out.size < least)
                return STATUS_OK;
        fwrite(p->out.data, 1, p->out.size, stdout);
        buf_clear(&p->out);
        return written(err);
}

RowPrinter *row_printer_new(Arena *arena, const WorkerColumns *columns, const Output *output) {
        RowPrinter *p = ARENA_NEW(arena, RowPrinter);
        p->arena = arena;
        p->columns = columns;
        p->output = output;
        p->keys = column_keys(arena, columns);
        p->cells = ARENA_ARRAY(arena, Str, columns->count);
        if (output->format == OUTPUT_JSON) {
                p->json = json_writer(&p->out, false);
                json_array(&p->json);
        } else if (output->format == OUTPUT_CSV) {
                for (size_t i = 0; i < columns->count; i++) {
                        if (i)
                                buf_append_byte(&p->out, ',');
                        csv_put(&p->out, columns->items[i].name, false);
                }
                buf_append_byte(&p->out, '\n');
        } else {
                Str *names = ARENA_ARRAY(arena, Str, columns->count);
                for (size_t i = 0; i < columns->count; i++)
                        names[i] = columns->items[i].name;
                p->table = text_table_new(arena, names, columns->count);
                for (size_t i = 0; i < columns->count; i++)
                        if (column_is_number(&columns->items[i]))
                                text_table_right(p->table, i);
        }
        return p;
}

static Status bad_row(Error *err) {
        return error_set(err, STATUS_WORKER_LOST, "a worker sent a row that is none");
}

static Status add_json(RowPrinter *p, DataRow *row, Error *err) {
        json_object(&p->json);
        for (size_t i = 0; i < p->columns->count; i++) {
                Str value;
                bool is_null;
                if (!data_row_next(row, &value, &is_null))
                        return bad_row(err);
                json_key_str(&p->json, p->keys[i]);
                json_put_value(&p->json, &p->columns->items[i], value, is_null);
        }
        json_end(&p->json);
        return flush(p, FLUSH_BYTES, err);
}

static Status add_csv(RowPrinter *p, DataRow *row, Error *err) {
        for (size_t i = 0; i < p->columns->count; i++) {
                Str value;
                bool is_null;
                if (!data_row_next(row, &value, &is_null))
                        return bad_row(err);
                if (i)
                        buf_append_byte(&p->out, ',');
                csv_put(&p->out, readable_value(&p->columns->items[i], value, is_null), is_null);
        }
        buf_append_byte(&p->out, '\n');
        return flush(p, FLUSH_BYTES, err);
}

static void print_gathered(RowPrinter *p) {
        text_table_print(p->table, p->output, stdout);
        fflush(stdout);
}

static Status add_text(RowPrinter *p, DataRow *row, Error *err) {
        for (size_t i = 0; i < p->columns->count; i++) {
                bool is_null;
                if (!data_row_next(row, &p->cells[i], &is_null))
                        return bad_row(err);
                p->cells[i] = is_null ? STR_NONE : readable_value(&p->columns->items[i], p->cells[i], false);
        }
        text_table_row(p->table, p->cells);
        if (p->rows == ROWS_LOOKED_AT)
                print_gathered(p);
        else if (p->rows > ROWS_LOOKED_AT)
                text_table_print_last(p->table, stdout);
        return written(err);
}

Status row_printer_sink(void *printer, Str data_row, Error *err) {
        RowPrinter *p = printer;
        DataRow row;
        if (!data_row_open(data_row, &row) || row.column_count != p->columns->count)
                return bad_row(err);
        p->rows++;
        if (p->output->format == OUTPUT_JSON)
                return add_json(p, &row, err);
        return p->output->format == OUTPUT_CSV ? add_csv(p, &row, err) : add_text(p, &row, err);
}

Status row_printer_finish(RowPrinter *p, Error *err) {
        if (p->output->format == OUTPUT_JSON) {
                json_end(&p->json);
                buf_append_byte(&p->out, '\n');
        } else if (p->table && p->rows < ROWS_LOOKED_AT) {
                print_gathered(p);
        }
        Status status = flush(p, 1, err);
        if (status == STATUS_OK && (fflush(stdout) != 0 || ferror(stdout)))
                return error_errno(err, errno, "cannot write the answer");
        return status;
}

void row_printer_freep(RowPrinter **p) {
        if (*p)
                buf_deinit(&(*p)->out);
        *p = NULL;
}
