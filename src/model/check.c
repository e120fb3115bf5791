/* SPDX-License-Identifier: Apache-2.0 */
#include "model/check.h"

#include "engine/data_row.h"
#include "sql/printer.h"

const char *check_state_name(CheckState state) {
        static const char *const names[] = { "ok", "warn", "failed" };
        return names[state];
}

static Status take_count(void *context, Str data_row, Error *err) {
        DataRow row;
        Str value;
        bool is_null;
        if (!data_row_open(data_row, &row) || !data_row_next(&row, &value, &is_null) || !str_to_int64(value, context))
                return error_set(err, STATUS_WORKER_LOST, "a worker sent a row that is none");
        return STATUS_OK;
}

/* The condition stands on a line of its own, so that an error's column is one of the condition's. */
static Str question(Arena *arena, const Model *model, const ModelCheck *check) {
        CLEANUP(buf_deinit) Buf sql = { 0 };
        buf_append_cstr(&sql, "WITH this AS (SELECT * FROM ");
        sql_quote_name(&sql, model->zone);
        buf_printf(&sql, ".%s.", stage_name(model->stage));
        sql_quote_name(&sql, model->name);
        buf_printf(&sql, ") SELECT count(*) FROM this WHERE NOT coalesce((\n%.*s\n), true)", STR_ARG(check->expression));
        return buf_dup(&sql, arena);
}

static Status place(const Model *model, const ModelCheck *check, Error *err) {
        size_t shift = err->line == 2 && err->column > 0 ? utf8_prefix(check->expression, (size_t)err->column - 1) : 0;
        error_place(err, model->path, model->text, check->offset + shift);
        return error_context(err, "check %.*s", STR_ARG(check->name));
}

static Status open_one(const StatementSpec *spec, const Model *model, const ModelCheck *check, Arena *arena, Statement *out, Error *err) {
        Status status = statement_open(spec, question(arena, model, check), STR(""), arena, out, err);
        return status == STATUS_OK ? status : place(model, check, err);
}

Status checks_bind(const StatementSpec *spec, const Model *model, Arena *arena, Problems *problems, Error *err) {
        for (size_t i = 0; i < model->check_count; i++) {
                Statement statement;
                Status status = open_one(spec, model, &model->checks[i], arena, &statement, err);
                if (status != STATUS_OK && status_exit(status) != 2)
                        return status;
                if (status != STATUS_OK)
                        problems_take(problems, err);
        }
        return STATUS_OK;
}

static Status run_one(const StatementSpec *spec, const Model *model, const ModelCheck *check, Arena *arena, CheckReport *out, Error *err) {
        Statement statement;
        int64_t rows;
        *out = (CheckReport){ .check = check };
        TRY(open_one(spec, model, check, arena, &statement, err));
        if (statement_execute(&statement, take_count, &out->rows, &rows, err) != STATUS_OK)
                return place(model, check, err);
        if (out->rows > 0)
                out->state = check->severity == CHECK_WARN ? CHECK_STATE_WARN : CHECK_STATE_FAILED;
        return STATUS_OK;
}

Status checks_run(const StatementSpec *spec, const Model *model, Arena *arena, CheckReport **out, size_t *out_count, Error *err) {
        CheckReport *reports = ARENA_ARRAY(arena, CheckReport, model->check_count);
        for (size_t i = 0; i < model->check_count; i++)
                TRY(run_one(spec, model, &model->checks[i], arena, &reports[i], err));
        *out = reports;
        *out_count = model->check_count;
        return STATUS_OK;
}

Status checks_verdict(const Model *model, const CheckReport *reports, size_t count, Error *err) {
        for (size_t i = 0; i < count; i++) {
                if (reports[i].state != CHECK_STATE_FAILED)
                        continue;
                error_set(err, STATUS_CHECK_FAILED, "check %.*s does not hold for %lld row%s: the zone keeps the tables it had",
                          STR_ARG(reports[i].check->name), (long long)reports[i].rows, reports[i].rows == 1 ? "" : "s");
                error_place(err, model->path, model->text, reports[i].check->offset);
                return error_hint(err, "what was built is on the run's branch; 'else warn' publishes all the same");
        }
        return STATUS_OK;
}
