/* SPDX-License-Identifier: Apache-2.0 */
#include "model/check.h"

#include "base/vec.h"
#include "engine/data_row.h"
#include "sql/printer.h"

#define READING_PREFIX "WITH this AS (SELECT 1) SELECT 1 FROM this WHERE (\n"

const char *check_state_name(CheckState state) {
        static const char *const names[] = { "ok", "warn", "failed" };
        return names[state];
}

CheckSubject check_subject_of_model(const Model *model) {
        return (CheckSubject){ .zone = model->zone, .stage = str_of(stage_name(model->stage)), .table = model->name, .path = model->path,
                               .text = model->text };
}

CheckSubject check_subject_of_source(const Source *source) {
        return (CheckSubject){ .zone = source->zone, .stage = STR("staging"), .table = source->name, .path = source->path,
                               .text = source->text };
}

/* ---- promises ---- */

typedef VEC(ModelCheck) CheckVec;

static Str required_condition(Arena *arena, Str column) {
        CLEANUP(buf_deinit) Buf sql = { 0 };
        sql_quote_name(&sql, column);
        buf_append_cstr(&sql, " IS NOT NULL");
        return buf_dup(&sql, arena);
}

/* Several columns are compared as one value, in which NULL equals NULL; a single NULL is no value and repeats nothing. */
static void print_value(Buf *sql, const Str *columns, size_t count) {
        if (count == 1) {
                sql_quote_name(sql, columns[0]);
                return;
        }
        buf_append_cstr(sql, "{");
        for (size_t i = 0; i < count; i++) {
                buf_printf(sql, "%s'k%zu': ", i ? ", " : "", i);
                sql_quote_name(sql, columns[i]);
        }
        buf_append_cstr(sql, "}");
}

static Str unique_condition(Arena *arena, const Str *columns, size_t count) {
        CLEANUP(buf_deinit) Buf value = { 0 }, sql = { 0 };
        print_value(&value, columns, count);
        buf_printf(&sql, "%.*s NOT IN (SELECT %.*s FROM this", STR_ARG(buf_view(&value)), STR_ARG(buf_view(&value)));
        if (count == 1)
                buf_printf(&sql, " WHERE %.*s IS NOT NULL", STR_ARG(buf_view(&value)));
        buf_append_cstr(&sql, " GROUP BY 1 HAVING count(*) > 1)");
        return buf_dup(&sql, arena);
}

typedef enum Promise { PROMISE_REQUIRED, PROMISE_UNIQUE, PROMISE_KEY } Promise;

static void add_promise(CheckVec *checks, Arena *arena, Promise promise, const Str *columns, size_t count, int line) {
        static const struct {
                const char *name, *words;
        } kinds[] = {
                [PROMISE_REQUIRED] = { "required", "%.*s is never empty" },
                [PROMISE_UNIQUE] = { "unique", "no two rows have the same %.*s" },
                [PROMISE_KEY] = { "key", "no two rows have the same %.*s" },
        };
        CLEANUP(buf_deinit) Buf joined = { 0 };
        for (size_t i = 0; i < count; i++)
                buf_printf(&joined, "%s%.*s", i ? ", " : "", STR_ARG(columns[i]));
        Str list = buf_dup(&joined, arena);
        ModelCheck check = { .name = arena_strf(arena, "%s(%.*s)", kinds[promise].name, STR_ARG(list)),
                             .severity = CHECK_STOP,
                             .line = line,
                             .promise = arena_strf(arena, kinds[promise].words, STR_ARG(list)) };
        check.expression = promise == PROMISE_REQUIRED ? required_condition(arena, columns[0]) : unique_condition(arena, columns, count);
        vec_push(arena, checks, check);
}

/* A key of one column that is unique by its own line is asked once. */
static bool key_is_unique_column(const Model *model) {
        for (size_t i = 0; i < model->column_count && model->key_count == 1; i++)
                if (model->columns[i].unique && str_equal_nocase(model->columns[i].name, model->key[0]))
                        return true;
        return false;
}

void checks_of_model(const Model *model, Arena *arena, ModelCheck **out, size_t *out_count) {
        CheckVec checks = { 0 };
        if (model->key_count && !key_is_unique_column(model))
                add_promise(&checks, arena, PROMISE_KEY, model->key, model->key_count, model->key_line);
        for (size_t i = 0; i < model->column_count; i++) {
                const ModelColumn *column = &model->columns[i];
                if (column->required)
                        add_promise(&checks, arena, PROMISE_REQUIRED, &column->name, 1, column->line);
                if (column->unique)
                        add_promise(&checks, arena, PROMISE_UNIQUE, &column->name, 1, column->line);
        }
        for (size_t i = 0; i < model->check_count; i++)
                vec_push(arena, &checks, model->checks[i]);
        *out = checks.items;
        *out_count = checks.count;
}

bool reference_parts(const Model *model, Str reference, Str *zone, Str *stage, Str *table, Str *column) {
        Str parts[5], rest = reference;
        size_t count = 0;
        for (bool more = true; more && count < COUNT_OF(parts);) {
                more = str_cut(rest, '.', &parts[count], &rest);
                if (parts[count++].size == 0)
                        return false;
        }
        if (count != 3 && count != 4)
                return false;
        *zone = count == 4 ? parts[0] : model->zone;
        *stage = parts[count - 3];
        *table = parts[count - 2];
        *column = parts[count - 1];
        return true;
}

void checks_of_references(const Model *model, Arena *arena, ModelCheck **out, size_t *out_count) {
        CheckVec checks = { 0 };
        for (size_t i = 0; i < model->column_count; i++) {
                const ModelColumn *column = &model->columns[i];
                Str zone, stage, table, target;
                if (!reference_parts(model, column->reference, &zone, &stage, &table, &target))
                        continue;
                CLEANUP(buf_deinit) Buf sql = { 0 };
                sql_quote_name(&sql, column->name);
                buf_append_cstr(&sql, " IN (SELECT ");
                const Str path[] = { zone, stage, table };
                sql_quote_name(&sql, target);
                for (size_t k = 0; k < COUNT_OF(path); k++) {
                        buf_append_cstr(&sql, k ? "." : " FROM ");
                        sql_quote_name(&sql, path[k]);
                }
                buf_append_cstr(&sql, " WHERE ");
                sql_quote_name(&sql, target);
                buf_append_cstr(&sql, " IS NOT NULL)"); /* a NULL there would make every miss unknown, so hold */
                ModelCheck check = { .name = arena_strf(arena, "references(%.*s)", STR_ARG(column->name)),
                                     .expression = buf_dup(&sql, arena),
                                     .severity = CHECK_STOP,
                                     .line = column->line,
                                     .promise = arena_strf(arena, "every %.*s stands in %.*s", STR_ARG(column->name), STR_ARG(column->reference)) };
                vec_push(arena, &checks, check);
        }
        *out = checks.items;
        *out_count = checks.count;
}

void checks_of_source(const Source *source, Arena *arena, ModelCheck **out, size_t *out_count) {
        CheckVec checks = { 0 };
        for (size_t i = 0; i < source->column_count; i++) {
                const ColumnText *text = &source->column_texts[i];
                if (source->columns[i].required)
                        add_promise(&checks, arena, PROMISE_REQUIRED, &source->columns[i].name, 1, text->line);
                if (text->unique)
                        add_promise(&checks, arena, PROMISE_UNIQUE, &source->columns[i].name, 1, text->line);
        }
        *out = checks.items;
        *out_count = checks.count;
}

/* ---- questions ---- */

/* The condition stands on a line of its own, so that an error's column is one of the condition's. */
static void print_condition(Buf *sql, const ModelCheck *check) {
        buf_printf(sql, "(\n%.*s\n)", STR_ARG(check->expression));
}

static void print_this(Buf *sql, const CheckSubject *of, bool with_hidden) {
        buf_append_cstr(sql, "WITH this AS (SELECT *");
        for (size_t i = 0; i < of->hidden_count && with_hidden; i++) {
                buf_append_cstr(sql, ", ");
                sql_quote_name(sql, of->hidden[i]);
        }
        buf_append_cstr(sql, " FROM ");
        sql_quote_name(sql, of->zone);
        buf_printf(sql, ".%.*s.", STR_ARG(of->stage));
        sql_quote_name(sql, of->table);
        buf_append_cstr(sql, ") ");
}

static Str count_sql(const CheckSubject *of, const ModelCheck *check, Arena *arena) {
        CLEANUP(buf_deinit) Buf sql = { 0 };
        print_this(&sql, of, false);
        buf_append_cstr(&sql, "SELECT count(*) FROM this WHERE NOT coalesce(");
        print_condition(&sql, check);
        buf_append_cstr(&sql, ", true)");
        return buf_dup(&sql, arena);
}

static Str value_sql(const CheckSubject *of, const ModelCheck *check, Arena *arena) {
        CLEANUP(buf_deinit) Buf sql = { 0 };
        print_this(&sql, of, false);
        buf_append_cstr(&sql, "SELECT ");
        print_condition(&sql, check);
        buf_append_cstr(&sql, " FROM this");
        return buf_dup(&sql, arena);
}

/* 1 where a condition about the table does not hold: there is no row that it could name a column of. */
static Str table_sql(const CheckSubject *of, const ModelCheck *check, Arena *arena) {
        CLEANUP(buf_deinit) Buf sql = { 0 };
        print_this(&sql, of, false);
        buf_append_cstr(&sql, "SELECT CASE WHEN coalesce(");
        print_condition(&sql, check);
        buf_append_cstr(&sql, ", true) THEN 0 ELSE 1 END");
        return buf_dup(&sql, arena);
}

Str check_reading_sql(const ModelCheck *check, Arena *arena, size_t *out_shift) {
        *out_shift = sizeof(READING_PREFIX) - 1;
        return arena_strf(arena, READING_PREFIX "%.*s\n)", STR_ARG(check->expression));
}

Str check_failing_sql(const CheckSubject *of, const ModelCheck *check, bool of_table, Arena *arena) {
        CLEANUP(buf_deinit) Buf sql = { 0 };
        print_this(&sql, of, true);
        buf_append_cstr(&sql, of_table ? "SELECT (SELECT count(*) FROM this) AS \"rows\"" : "SELECT * FROM this");
        buf_append_cstr(&sql, " WHERE NOT coalesce(");
        print_condition(&sql, check);
        buf_append_cstr(&sql, ", true)");
        return buf_dup(&sql, arena);
}

/* No column of a table is called so: a name of the project's SQL has no blank that nobody quoted on purpose. */
Str check_verdict(size_t index, Arena *arena) {
        return arena_strf(arena, "verdict of check %zu", index);
}

Str check_judging_sql(const CheckSubject *of, const ModelCheck *checks, size_t count, Arena *arena) {
        CLEANUP(buf_deinit) Buf sql = { 0 };
        print_this(&sql, of, true);
        buf_append_cstr(&sql, "SELECT *");
        for (size_t i = 0; i < count; i++) {
                if (checks[i].severity != CHECK_QUARANTINE)
                        continue;
                buf_append_cstr(&sql, ", coalesce(");
                print_condition(&sql, &checks[i]);
                buf_append_cstr(&sql, ", true) AS ");
                sql_quote_name(&sql, check_verdict(i, arena));
        }
        buf_append_cstr(&sql, " FROM this");
        return buf_dup(&sql, arena);
}

/* ---- asking ---- */

Status check_place(const CheckSubject *of, const ModelCheck *check, Error *err) {
        if (check->offset)
                return error_place(err, of->path, of->text, check->offset);
        return error_place_line(err, of->path, of->text, check->line ? check->line : 1, 1);
}

Status check_error(const CheckSubject *of, const ModelCheck *check, Error *err) {
        bool own = check->offset && err->line == 2 && err->column > 0; /* the line that print_condition gives it */
        size_t shift = own ? utf8_prefix(check->expression, (size_t)err->column - 1) : 0;
        if (own)
                error_place(err, of->path, of->text, check->offset + shift);
        else
                check_place(of, check, err);
        return error_context(err, "check %.*s", STR_ARG(check->name));
}

/* 1 and 'yes' would be taken for true in silence. */
static Status want_condition(const WorkerColumns *columns, Error *err) {
        if (columns->count == 1 && columns->items[0].has_type && columns->items[0].type.kind == TYPE_BOOLEAN)
                return STATUS_OK;
        if (columns->count == 1)
                error_set(err, STATUS_SQL_TYPE, "it is no condition: it gives %.*s where true or false is wanted",
                          STR_ARG(columns->items[0].engine_type));
        else
                error_set(err, STATUS_SQL_TYPE, "it is more than one condition");
        return error_hint(err, "a check is what must be true of a row, for example   amount >= 0");
}

typedef struct Naming {
        bool column, brackets;
} Naming;

static Status note_naming(void *context, SqlExpr **place, Error *err UNUSED) {
        static const bool names[SQL_TEMPLATE + 1] = { [SQL_COLUMN_REF] = true, [SQL_STAR] = true, [SQL_POSITIONAL_REFERENCE] = true };
        Naming *naming = context;
        naming->column |= names[(*place)->kind];
        naming->brackets |= (*place)->kind == SQL_SUBQUERY;
        return STATUS_OK;
}

/* Outside of brackets no column is named; inside, one of the row may be. */
static bool may_be_of_table(const SqlTree *tree, Error *err) {
        Naming naming = { .brackets = false };
        const SqlVisitor visitor = { .expr = note_naming, .context = &naming, .shallow = true };
        return sql_visit_query_parts(tree->query, &visitor, err) == STATUS_OK && naming.brackets && !naming.column;
}

/* Whether the condition is about the table, with its statement if so: it can be asked where there is no row. */
static Status open_of_table(const StatementSpec *spec, const CheckSubject *of, const ModelCheck *check, Arena *arena, Statement *out,
                            bool *out_is, Error *err) {
        SqlTree *tree;
        Error other;
        *out_is = false;
        if (check->promise.size)
                return STATUS_OK;
        TRY(statement_parse(spec->worker, table_sql(of, check, arena), STR(""), arena, &tree, err));
        if (!may_be_of_table(tree, err))
                return STATUS_OK;
        Status status = statement_bind(spec, tree, arena, out, &other);
        *out_is = status == STATUS_OK;
        if (status == STATUS_OK || status_exit(status) == 2)
                return STATUS_OK;
        *err = other;
        return status;
}

static Status open_one(const StatementSpec *spec, const CheckSubject *of, const ModelCheck *check, Arena *arena, Statement *out,
                       bool *out_of_table, Error *err) {
        Status status = statement_open(spec, value_sql(of, check, arena), STR(""), arena, out, err);
        if (status == STATUS_OK)
                status = want_condition(&out->columns, err);
        if (status == STATUS_OK)
                status = open_of_table(spec, of, check, arena, out, out_of_table, err);
        if (status == STATUS_OK && !*out_of_table)
                status = statement_open(spec, count_sql(of, check, arena), STR(""), arena, out, err);
        if (status == STATUS_SQL_BIND && !err->hint[0])
                error_hint(err, "of the whole table a check asks in brackets:   (select sum(amount) from this) > 0");
        return status == STATUS_OK ? status : check_error(of, check, err);
}

Status checks_bind(const StatementSpec *spec, const Model *model, Arena *arena, Problems *problems, Error *err) {
        CheckSubject of = check_subject_of_model(model);
        for (size_t i = 0; i < model->check_count; i++) {
                Statement statement;
                bool of_table;
                Status status = open_one(spec, &of, &model->checks[i], arena, &statement, &of_table, err);
                if (status != STATUS_OK && status_exit(status) != 2)
                        return status;
                if (status != STATUS_OK)
                        problems_take(problems, err);
        }
        return STATUS_OK;
}

static Status take_count(void *context, Str data_row, Error *err) {
        DataRow row;
        Str value;
        bool is_null;
        if (!data_row_open(data_row, &row) || !data_row_next(&row, &value, &is_null) || !str_to_int64(value, context))
                return error_set(err, STATUS_WORKER_LOST, "a worker sent a row that is none");
        return STATUS_OK;
}

Status check_ask(const StatementSpec *spec, const CheckSubject *of, const ModelCheck *check, Arena *arena, CheckReport *out, Error *err) {
        Statement statement;
        int64_t rows;
        *out = (CheckReport){ .check = check };
        TRY(open_one(spec, of, check, arena, &statement, &out->of_table, err));
        if (statement_execute(&statement, take_count, &out->rows, &rows, err) != STATUS_OK)
                return check_error(of, check, err);
        out->asked = true;
        out->reads = statement.bound.relations;
        out->read_count = statement.bound.relation_count;
        check_counted(out, out->rows);
        return STATUS_OK;
}

void check_counted(CheckReport *report, int64_t rows) {
        report->rows = rows;
        report->state = CHECK_STATE_OK;
        if (rows > 0)
                report->state = report->check->severity == CHECK_STOP ? CHECK_STATE_FAILED : CHECK_STATE_WARN;
}

/* ---- words ---- */

Str check_words(const CheckReport *report, Arena *arena) {
        const ModelCheck *check = report->check;
        const char *rows = report->rows == 1 ? "row" : "rows";
        if (report->of_table)
                return arena_strf(arena, "check %.*s does not hold for the table", STR_ARG(check->name));
        if (!check->promise.size)
                return arena_strf(arena, "check %.*s does not hold for %lld %s", STR_ARG(check->name), (long long)report->rows, rows);
        return arena_strf(arena, "the promise %.*s does not hold for %lld %s", STR_ARG(check->name), (long long)report->rows, rows);
}

Status checks_verdict(const CheckSubject *of, const CheckReport *reports, size_t count, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        for (size_t i = 0; i < count; i++) {
                if (reports[i].state != CHECK_STATE_FAILED)
                        continue;
                error_set(err, STATUS_CHECK_FAILED, "%.*s: the zone keeps the tables it had", STR_ARG(check_words(&reports[i], &arena)));
                check_place(of, reports[i].check, err);
                return error_hint(err, "lode show quarantine %.*s.%.*s.%.*s --rows lists them; what was built is on the run's branch",
                                  STR_ARG(of->zone), STR_ARG(of->stage), STR_ARG(of->table));
        }
        return STATUS_OK;
}
