/* SPDX-License-Identifier: Apache-2.0 */
#include "lake/files.h"

#include "engine/data_row.h"
#include "lake/blame.h"
#include "sql/printer.h"

void files_print(Buf *sql, const Str *paths, size_t count) {
        buf_append_cstr(sql, "read_parquet([");
        for (size_t i = 0; i < count; i++) {
                if (i)
                        buf_append_cstr(sql, ", ");
                sql_quote_text(sql, paths[i]);
        }
        buf_append_cstr(sql, "], hive_partitioning = false)");
}

static void print_columns(Buf *sql, const Table *table, bool as_null, Arena *arena) {
        for (size_t i = 0; i < table->body.column_count; i++) {
                const LakeColumn *column = &table->body.columns[i];
                buf_append_cstr(sql, i ? ", " : "");
                if (as_null)
                        buf_printf(sql, "CAST(NULL AS %.*s) AS ", STR_ARG(type_print_duckdb(arena, column->type)));
                bool whole = !as_null && column->type.kind == TYPE_STRUCT; /* the engine fails inside when it is to read one field that a file lacks */
                if (whole) {
                        buf_append_cstr(sql, "coalesce(");
                        sql_quote_name(sql, column->name);
                        buf_append_cstr(sql, ", NULL) AS ");
                }
                sql_quote_name(sql, column->name);
        }
}

void files_scan_print(Buf *sql, const Table *table, const Str *paths, size_t count, Arena *arena) {
        buf_append_cstr(sql, "(SELECT ");
        print_columns(sql, table, count == 0, arena);
        if (count == 0) {
                buf_append_cstr(sql, " WHERE false)");
                return;
        }
        buf_append_cstr(sql, " FROM read_parquet([");
        for (size_t i = 0; i < count; i++) {
                buf_append_cstr(sql, i ? ", " : "");
                sql_quote_text(sql, paths[i]);
        }
        buf_append_cstr(sql, "], schema=MAP {");
        for (size_t i = 0; i < table->body.column_count; i++) {
                const LakeColumn *column = &table->body.columns[i];
                buf_printf(sql, "%s%d: {name: ", i ? ", " : "", column->id);
                sql_quote_text(sql, column->name);
                buf_append_cstr(sql, ", type: ");
                sql_quote_text(sql, type_print_duckdb(arena, column->type));
                buf_append_cstr(sql, ", default_value: NULL}");
        }
        buf_append_cstr(sql, "}, hive_partitioning=false))");
}

Status files_grant(Lake *lake, Worker *worker, const Table *table, Arena *arena, Str **out, size_t *out_count, Error *err) {
        LakeScan scan;
        TRY(lake_plan(lake, table, NULL, 0, arena, &scan, err));
        Str *paths = ARENA_ARRAY(arena, Str, scan.file_count);
        for (size_t i = 0; i < scan.file_count; i++) {
                const char *granted;
                TRY(lake_grant(lake, worker, scan.files[i].path, arena, &granted, err));
                paths[i] = str_of(granted);
        }
        *out = paths;
        *out_count = scan.file_count;
        return STATUS_OK;
}

Status files_hash(Worker *worker, const Str *paths, size_t count, Arena *arena, Str *out, Error *err) {
        if (count == 0) {
                *out = STR("0");
                return STATUS_OK;
        }
        CLEANUP(buf_deinit) Buf sql = { 0 };
        buf_append_cstr(&sql, "SELECT count(*), coalesce(sum(hash(t)), 0), coalesce(bit_xor(hash(t)), 0) FROM ");
        files_print(&sql, paths, count);
        buf_append_cstr(&sql, " AS t");
        OneRow one;
        TRY(files_ask(worker, buf_view(&sql), arena, &one, err));
        *out = arena_strf(arena, "%.*s:%.*s:%.*s", STR_ARG(one.values[0]), STR_ARG(one.values[1]), STR_ARG(one.values[2]));
        return STATUS_OK;
}

/* ---- one row ---- */

typedef struct Taking {
        Arena *arena;
        OneRow *one;
} Taking;

static Status take_row(void *context, Str data_row, Error *err) {
        Taking *taking = context;
        OneRow *one = taking->one;
        DataRow row;
        if (!data_row_open(data_row, &row))
                return error_set(err, STATUS_WORKER_LOST, "a worker sent a row that is none");
        one->count = 0;
        bool is_null;
        for (Str value; one->count < ONE_ROW_MAX && data_row_next(&row, &value, &is_null);)
                one->values[one->count++] = is_null ? STR("") : arena_str(taking->arena, value);
        return STATUS_OK;
}

Status files_ask(Worker *worker, Str sql, Arena *arena, OneRow *out, Error *err) {
        *out = (OneRow){ 0 };
        Taking taking = { arena, out };
        return worker_execute(worker, sql, take_row, &taking, &out->rows, err);
}

int64_t one_row_integer(const OneRow *one, size_t index) {
        int64_t value = -1;
        return index < one->count && str_to_int64(one->values[index], &value) ? value : -1;
}
