/* SPDX-License-Identifier: Apache-2.0 */
#include "model/trace.h"

#include "base/json.h"
#include "base/vec.h"
#include "engine/data_row.h"
#include "intake/landed.h"
#include "model/applied.h"
#include "model/run.h"
#include "model/statement.h"
#include "sql/rows.h"


typedef struct Trace {
        const TraceSpec *spec;
        Arena *arena;
        Worker *worker;
        const Model *model;  /* the applied text's; NULL for a staged table */
        Statement statement;
        bool grouped;        /* a row of the model is of many records */
        Str keys;            /* ... and these of its columns say which */
        size_t file_at, row_at, own_at; /* of its columns: `_file`, `_row`, and the first that is neither */
        VEC(TracedRow) rows;
        int64_t taken;
} Trace;

/* ---- what was meant ---- */

/* The same last name elsewhere, else the nearest spelling, of the tables and views there are. */
static Status hint_table(Trace *t, Error *err) {
        static const char *const kinds[] = { "table", "view" };
        const TraceSpec *spec = t->spec;
        VEC(Str) names = { 0 };
        Error ignored = { 0 }; /* no guess, then */
        for (size_t k = 0; k < COUNT_OF(kinds); k++) {
                CatalogObject *objects;
                size_t count;
                if (catalog_list(spec->workspace->lake->catalog, spec->at, str_of(kinds[k]), STR(""), t->arena, &objects, &count, &ignored) == STATUS_OK)
                        for (size_t i = 0; i < count; i++)
                                vec_push(t->arena, &names, arena_strf(t->arena, "%.*s.%.*s", STR_ARG(objects[i].zone), STR_ARG(objects[i].name)));
        }
        Str last = spec->table, head;
        while (str_cut(last, '.', &head, &last))
                ;
        Str suffix = arena_strf(t->arena, ".%.*s", STR_ARG(head));
        for (size_t i = 0; i < names.count; i++)
                if (str_ends_with(names.items[i], suffix))
                        return error_hint(err, "did you mean %.*s?", STR_ARG(names.items[i]));
        Str near = str_nearest(spec->table, names.items, names.count);
        return near.size ? error_hint(err, "did you mean %.*s?", STR_ARG(near))
                         : error_hint(err, "a table is named zone.stage.table; lode show table lists them");
}

static Status no_column(const Trace *t, Error *err) {
        size_t count = t->statement.columns.count;
        Str *names = ARENA_ARRAY(t->arena, Str, count);
        for (size_t i = 0; i < count; i++)
                names[i] = t->statement.columns.items[i].name;
        error_set(err, STATUS_NO_COLUMN, "%.*s has no column '%.*s'", STR_ARG(t->spec->table), STR_ARG(t->spec->column));
        Str near = str_nearest(t->spec->column, names, count);
        return near.size ? error_hint(err, "did you mean %.*s?", STR_ARG(near))
                         : error_hint(err, "lode show %.*s lists its columns", STR_ARG(t->spec->table));
}

/* ---- the statement that gives rows with their delivery and ordinal ---- */

static Status predicate_tree(Trace *t, SqlTree **out, Error *err) {
        Str text = arena_strf(t->arena, SQL_PREDICATE_PREFIX "%.*s" SQL_PREDICATE_SUFFIX, STR_ARG(t->spec->where));
        Status status = statement_parse(t->worker, text, STR(""), t->arena, out, err);
        if (status == STATUS_OK)
                return STATUS_OK;
        /* show the place in what the user typed */
        int shift = (int)sizeof(SQL_PREDICATE_PREFIX) - 1;
        if (err->line == 1 && err->column > shift)
                error_place_line(err, NULL, t->spec->where, 1, err->column - shift);
        return status;
}

/* The model's text as it was applied at that commit. */
static Status applied_model(Trace *t, Str zone, Str stage, Str name, const Model **out, Error *err) {
        CatalogObject object;
        CatalogName wanted = { STR("model"), zone, arena_strf(t->arena, "%.*s.%.*s", STR_ARG(stage), STR_ARG(name)) };
        Status status = catalog_get(t->spec->workspace->lake->catalog, t->spec->at, wanted, t->arena, &object, err);
        *out = NULL;
        if (status == STATUS_NOT_FOUND)
                return STATUS_OK;
        TRY(status);
        Json *body;
        Str text;
        ModelStage parsed_stage;
        TRY(json_parse(object.body, "a model's body", t->arena, &body, err));
        TRY(json_want_string(body, "text", &text, err));
        if (!stage_parse(stage, &parsed_stage))
                return error_set(err, STATUS_CORRUPT, "a model of an unknown stage '%.*s'", STR_ARG(stage));
        Problems problems = { .arena = t->arena };
        char *path = arena_printf(t->arena, "zones/%.*s/%.*s/%.*s.sql", STR_ARG(zone), STR_ARG(stage), STR_ARG(name));
        *out = model_parse(t->arena, zone, parsed_stage, name, path, text, &problems);
        return STATUS_OK;
}

static bool carries_rows(const Table *table) {
        return table_column(table, STR("_file")) && table_column(table, STR("_row"));
}

/* Its keys, for a model whose rows are each of many records. */
static Str names_of(const Trace *t, const SqlTree *ungrouped) {
        CLEANUP(buf_deinit) Buf names = { 0 };
        for (size_t i = 0; i < ungrouped->query->select.list.count; i++) {
                const SqlExpr *item = ungrouped->query->select.list.items[i];
                Str name = item->alias;
                if (name.size == 0 && item->kind == SQL_COLUMN_REF)
                        name = item->column.items[item->column.count - 1];
                if (name.size)
                        buf_printf(&names, "%s%.*s", names.size ? ", " : "", STR_ARG(name));
        }
        return buf_dup(&names, t->arena);
}

/* A statement as it is followed down: through the views of its own zone that it reads, to a table with the pair. */
typedef struct Way {
        Str zone;
        SqlTree *tree;
        Str view; /* the last that was gone into */
        bool found;
} Way;

/* Why a model's rows have no single record behind them, and what has. */
static Status refuse(const Trace *t, const Way *way, Error *err) {
        SqlDependency source, *reads;
        size_t count;
        const char *why = NULL;
        if (sql_row_source(way->tree, &source, &why) || !why)
                why = "what it reads does not say where its rows came from";
        error_set(err, STATUS_SQL_REFUSED, "the rows of %.*s cannot be traced one by one: %.*s%s%s", STR_ARG(t->spec->table), STR_ARG(way->view),
                  way->view.size ? ", a view below it: " : "", why);
        sql_dependencies(way->tree->query, t->arena, &reads, &count);
        if (count == 0)
                return err->status;
        Str from = reads[0].zone.size ? reads[0].zone : way->zone;
        return error_hint(err, "trace what it reads: lode trace %.*s.%.*s.%.*s --where ...", STR_ARG(from), STR_ARG(reads[0].stage),
                          STR_ARG(reads[0].name));
}

/* One model further down; *out_more is false at its end. */
static Status step_down(Trace *t, Way *way, bool *out_more, Error *err) {
        SqlDependency source;
        *out_more = false;
        if (!sql_row_source(way->tree, &source, NULL))
                return STATUS_OK;
        Str zone = source.zone.size ? source.zone : way->zone;
        Table table;
        CatalogName wanted = { STR("table"), zone, arena_strf(t->arena, "%.*s.%.*s", STR_ARG(source.stage), STR_ARG(source.name)) };
        Status status = lake_table(t->spec->workspace->lake, t->spec->at, wanted, t->arena, &table, err);
        way->found = status == STATUS_OK && carries_rows(&table);
        if (status != STATUS_NOT_FOUND || !str_equal(zone, way->zone))
                return status == STATUS_NOT_FOUND ? STATUS_OK : status;
        const Model *view;
        SqlTree *below, *joined;
        TRY(applied_model(t, zone, source.stage, source.name, &view, err));
        if (!view)
                return STATUS_OK;
        TRY(statement_parse(t->worker, view->text, str_of(view->path), t->arena, &below, err));
        joined = sql_inline(way->tree, below, t->arena);
        if (joined) {
                way->tree = joined;
                way->view = arena_strf(t->arena, "%.*s.%.*s", STR_ARG(zone), STR_ARG(wanted.name));
        }
        *out_more = joined != NULL;
        return STATUS_OK;
}

/* The model's statement, ungrouped, over the table whose records its rows are of. */
static Status follow(Trace *t, Way *way, Error *err) {
        enum { VIEWS_MAX = 32 };
        SqlTree *ungrouped;
        if (sql_ungroup(way->tree, t->arena, &ungrouped)) {
                t->keys = names_of(t, ungrouped);
                t->grouped = true;
                way->tree = ungrouped;
        }
        bool more = true;
        for (int i = 0; i < VIEWS_MAX && more; i++)
                TRY(step_down(t, way, &more, err));
        return STATUS_OK;
}

/* Staged tables and models built from them carry the pair; others are followed through their own SQL, as it is at that commit. */
static Status traced_tree(Trace *t, Str zone, Str stage, Str name, SqlTree **out, Error *err) {
        SqlTree *predicate, *model;
        TRY(predicate_tree(t, &predicate, err));
        if (!str_is(stage, "staging"))
                TRY(applied_model(t, zone, stage, name, &t->model, err));
        Table table;
        CatalogName wanted = { STR("table"), zone, arena_strf(t->arena, "%.*s.%.*s", STR_ARG(stage), STR_ARG(name)) };
        Status status = lake_table(t->spec->workspace->lake, t->spec->at, wanted, t->arena, &table, err);
        if (status != STATUS_OK && status != STATUS_NOT_FOUND)
                return status;
        if (status == STATUS_OK && carries_rows(&table)) {
                SqlDependency relation = { .zone = zone, .stage = stage, .name = name };
                return sql_trace_table(&relation, predicate, t->arena, out, err);
        }
        if (!t->model) {
                error_set(err, STATUS_NO_TABLE, "there is no table '%.*s'", STR_ARG(t->spec->table));
                return hint_table(t, err);
        }
        TRY(statement_parse(t->worker, t->model->text, str_of(t->model->path), t->arena, &model, err));
        Way way = { .zone = zone, .tree = model };
        TRY(follow(t, &way, err));
        if (!way.found || sql_trace_model(way.tree, predicate, t->arena, out, err) != STATUS_OK)
                return refuse(t, &way, err);
        return STATUS_OK;
}

/* ---- rows ---- */

static bool is_key_column(const Trace *t, Str name, size_t index) {
        if (t->spec->column.size)
                return str_equal_nocase(name, t->spec->column);
        for (size_t i = 0; t->model && i < t->model->key_count; i++)
                if (str_equal_nocase(t->model->key[i], name))
                        return true;
        return (!t->model || t->model->key_count == 0) && index == t->own_at;
}

static Status take_row(void *context, Str data_row, Error *err) {
        Trace *t = context;
        if (t->taken++ >= t->spec->limit)
                return STATUS_OK;
        DataRow row;
        TracedRow traced = { .table = t->spec->table };
        CLEANUP(buf_deinit) Buf key = { 0 };
        if (!data_row_open(data_row, &row))
                return error_set(err, STATUS_WORKER_LOST, "a worker sent a row that is none");
        bool is_null;
        size_t index = 0;
        for (Str value; data_row_next(&row, &value, &is_null); index++) {
                if (index == t->file_at)
                        str_to_int64(value, &traced.delivery);
                else if (index == t->row_at)
                        str_to_int64(value, &traced.record);
                else if (index < t->statement.columns.count && is_key_column(t, t->statement.columns.items[index].name, index))
                        buf_printf(&key, "%s%.*s=%.*s", key.size ? ", " : "", STR_ARG(t->statement.columns.items[index].name), STR_ARG(value));
        }
        traced.key = buf_dup(&key, t->arena);
        vec_push(t->arena, &t->rows, traced);
        return STATUS_OK;
}

/* They stand first unless the model names them itself. */
static void find_places(Trace *t) {
        const WorkerColumns *columns = &t->statement.columns;
        t->own_at = columns->count;
        for (size_t i = columns->count; i-- > 0;) {
                if (str_equal_nocase(columns->items[i].name, STR("_file")))
                        t->file_at = i;
                else if (str_equal_nocase(columns->items[i].name, STR("_row")))
                        t->row_at = i;
                else
                        t->own_at = i;
        }
}

static Status run_statement(Trace *t, Str zone, SqlTree *tree, Error *err) {
        StatementSpec spec = { .lake = t->spec->workspace->lake, .worker = t->worker, .at = t->spec->at,
                               .principal = t->spec->workspace->principal, .default_zone = zone };
        Status status = statement_bind(&spec, tree, t->arena, &t->statement, err);
        if (status == STATUS_NO_COLUMN && t->grouped)
                return t->keys.size ? error_hint(err, "a row of %.*s is made of many records: --where may ask for %.*s",
                                                 STR_ARG(t->spec->table), STR_ARG(t->keys))
                                    : error_hint(err, "its one row is made of many records: --where true shows them");
        TRY(status);
        find_places(t);
        if (t->spec->column.size) {
                bool found = false;
                for (size_t i = 0; i < t->statement.columns.count; i++)
                        found |= str_equal_nocase(t->statement.columns.items[i].name, t->spec->column);
                if (!found)
                        return no_column(t, err);
        }
        int64_t rows;
        return statement_execute(&t->statement, take_row, t, &rows, err);
}

/* ---- their places ---- */

static int by_delivery(const void *a, const void *b) {
        const TracedRow *x = *(TracedRow *const *)a, *y = *(TracedRow *const *)b;
        if (x->delivery != y->delivery)
                return x->delivery < y->delivery ? -1 : 1;
        return (x->record > y->record) - (x->record < y->record);
}

static Status locate(Trace *t, const Delivery *delivery, const LocateSpec *spec, LocateResult *out, Error *err) {
        CLEANUP(landed_closep) Landed *landed = NULL;
        TRY(landed_open(t->spec->workspace->lake->store, delivery, &landed, err));
        CLEANUP(buf_deinit) Buf request = { 0 };
        locate_spec_write(&request, spec);
        Str reply;
        int fd = landed_fd(landed);
        TRY(landed_judge(landed, worker_locate(t->worker, buf_view(&request), &fd, 1, t->arena, &reply, err), err));
        return locate_result_read(reply, t->arena, out, err);
}

/* rows: those of one delivery, by record. */
static Status place_delivery(Trace *t, TracedRow **rows, size_t count, Error *err) {
        Delivery delivery;
        Status status = catalog_delivery(t->spec->workspace->lake->catalog, rows[0]->delivery, t->arena, &delivery, err);
        if (status == STATUS_NOT_FOUND)
                return error_set(err, STATUS_CORRUPT, "the ledger does not know delivery %lld", (long long)rows[0]->delivery);
        TRY(status);
        Source *source; /* as it was read: by the text at that commit */
        TRY(applied_source(t->spec->workspace->lake, t->spec->at, delivery.zone, delivery.source, t->arena, &source, err));
        LocateSpec spec = { .format = source->format, .width = (uint32_t)(source->column_count + source->ignore.count) };
        spec.records = ARENA_ARRAY(t->arena, int64_t, count);
        for (size_t i = 0; i < count; i++)
                if (i == 0 || rows[i]->record != rows[i - 1]->record)
                        spec.records[spec.record_count++] = rows[i]->record;
        LocateResult found;
        FixList *fixes = ARENA_NEW(t->arena, FixList);
        TRY(fixes_load(t->spec->workspace->lake->catalog, t->spec->at, delivery.zone, delivery.source, t->arena, fixes, err));
        Delivery *all;
        size_t all_count;
        TRY(catalog_deliveries(t->spec->workspace->lake->catalog, &(DeliveryQuery){ .zone = delivery.zone, .source = delivery.source }, t->arena, &all,
                               &all_count, err));
        fixes_hand_on(fixes, all, all_count, false, t->arena);
        TRY(locate(t, &delivery, &spec, &found, err));
        for (size_t i = 0, at = 0; i < count; i++) {
                while (at < found.count && found.items[at].record < rows[i]->record)
                        at++;
                rows[i]->name = delivery.name;
                if (at == found.count || found.items[at].record != rows[i]->record)
                        return error_set(err, STATUS_CORRUPT, "record %lld is not in the landed file of '%.*s'", (long long)rows[i]->record,
                                         STR_ARG(delivery.name));
                rows[i]->line = found.items[at].line;
                rows[i]->offset = found.items[at].offset;
                rows[i]->length = found.items[at].length;
                rows[i]->sheet = found.items[at].sheet;
                rows[i]->cell = found.items[at].cell;
                uint64_t place = found.items[at].sheet.size ? (uint64_t)found.items[at].line : found.items[at].offset;
                rows[i]->fix = fixes_find(fixes, delivery.id, place);
                rows[i]->raw = rows[i]->fix ? rows[i]->fix->raw : found.items[at].raw;
        }
        return STATUS_OK;
}

static Status place_rows(Trace *t, Error *err) {
        size_t count = t->rows.count;
        TracedRow **sorted = ARENA_ARRAY(t->arena, TracedRow *, count);
        for (size_t i = 0; i < count; i++)
                sorted[i] = &t->rows.items[i];
        if (count)
                qsort(sorted, count, sizeof(*sorted), by_delivery);
        for (size_t from = 0; from < count;) {
                size_t to = from + 1;
                while (to < count && sorted[to]->delivery == sorted[from]->delivery)
                        to++;
                TRY(place_delivery(t, &sorted[from], to - from, err));
                from = to;
        }
        return STATUS_OK;
}

static Status trace_with(Trace *t, Error *err) {
        Str zone, stage, name, rest;
        if (!str_cut(t->spec->table, '.', &zone, &rest) || !str_cut(rest, '.', &stage, &name) || name.size == 0) {
                error_set(err, STATUS_USAGE, "'%.*s' is no table's full name", STR_ARG(t->spec->table));
                return hint_table(t, err);
        }
        TRY(worker_lease(t->spec->workspace->pool, t->spec->workspace->principal.name, &t->worker, err));
        SqlTree *tree;
        TRY(traced_tree(t, zone, stage, name, &tree, err));
        TRY(run_statement(t, zone, tree, err));
        return place_rows(t, err);
}

Status trace_rows(const TraceSpec *spec, Arena *arena, TraceReport *out, Error *err) {
        Trace t = { .spec = spec, .arena = arena };
        Status status = trace_with(&t, err);
        worker_release(t.worker);
        TRY(status);
        *out = (TraceReport){ t.rows.items, t.rows.count, .more = t.taken > spec->limit, .grouped = t.grouped };
        return STATUS_OK;
}
