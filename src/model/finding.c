/* SPDX-License-Identifier: Apache-2.0 */
#include "model/finding.h"

#include "base/json.h"
#include "base/time.h"
#include "base/vec.h"
#include "lake/files.h"
#include "sql/printer.h"

#define RAW_EXAMPLE_MAX 500

static const struct {
        const char *name;
        TypeKind type;
} table_columns[] = {
#define X(label, kind) { label, TYPE_##kind },
        FINDINGS_COLUMNS(X)
#undef X
};
#define FOUND_COLUMNS 8 /* of them, those that a check itself gives */

/* One check that was asked. */
typedef struct Asked {
        Finding finding;
        Str *paths; /* of its rows, in the worker; none = none fail */
        size_t path_count;
} Asked;

struct Findings {
        FindingsSpec spec;
        Str now; /* the time that this attempt gives to what it finds */
        Table table;
        bool has_table;
        Finding *before; /* what was open */
        size_t before_count;
        StrList ahead; /* models of which that is not the published table's */
        VEC(Asked) asked;
        Worker *worker; /* leased when the first row is found; what was found lies in its folder */
        Str *old_paths;
        size_t old_count;
};

CatalogName findings_name(Str zone) {
        return (CatalogName){ STR("quarantine"), zone, STR("checks." FINDINGS_TABLE) };
}

/* ---- what is open ---- */

static Finding finding_read(const Json *json, Str zone) {
        return (Finding){ .zone = zone,
                          .model = json_string(json_get(json, "model")),
                          .rule = json_string(json_get(json, "rule")),
                          .severity = json_string(json_get(json, "severity")),
                          .message = json_string(json_get(json, "message")),
                          .rows = json_integer(json_get(json, "rows"), 0),
                          .raw = json_string(json_get(json, "raw")),
                          .file = json_integer(json_get(json, "file"), 0),
                          .row = json_integer(json_get(json, "row"), 0) };
}

static void finding_write(JsonWriter *w, const Finding *finding) {
        json_object(w);
        json_member_str(w, "model", finding->model);
        json_member_str(w, "rule", finding->rule);
        json_member_str(w, "severity", finding->severity);
        json_member_str(w, "message", finding->message);
        json_member_int(w, "rows", finding->rows);
        json_member_str(w, "raw", finding->raw);
        json_member_int(w, "file", finding->file);
        json_member_int(w, "row", finding->row);
        json_end(w);
}

typedef VEC(Finding) FindingVec;

static Status read_detail(const Table *table, Arena *arena, FindingVec *out, StrList *out_ahead, Error *err) {
        if (table->body.detail.size == 0)
                return STATUS_OK;
        Json *detail;
        TRY(json_parse(table->body.detail, "the detail of a quarantine table", arena, &detail, err));
        const Json *open = json_get(detail, "open");
        for (size_t i = 0; i < json_count(open); i++)
                vec_push(arena, out, finding_read(json_at(open, i), table->zone));
        const Json *ahead = json_get(detail, "ahead");
        *out_ahead = (StrList){ ARENA_ARRAY(arena, Str, json_count(ahead) + 1), 0 };
        for (size_t i = 0; i < json_count(ahead); i++)
                out_ahead->items[out_ahead->count++] = json_string(json_at(ahead, i));
        return STATUS_OK;
}

static int by_place(const void *a, const void *b) {
        const Finding *x = a, *y = b;
        int order = str_compare(x->zone, y->zone);
        if (order == 0)
                order = str_compare(x->model, y->model);
        return order ? order : str_compare(x->rule, y->rule);
}

Status findings_open(Lake *lake, CatalogAt at, Str zone, Arena *arena, Finding **out, size_t *out_count, Error *err) {
        Table *tables;
        size_t count;
        FindingVec open = { 0 };
        StrList ignored;
        TRY(lake_tables(lake, at, STR("quarantine"), zone, arena, &tables, &count, err));
        for (size_t i = 0; i < count; i++)
                if (str_equal(tables[i].name, findings_name(zone).name))
                        TRY(read_detail(&tables[i], arena, &open, &ignored, err));
        if (open.count)
                qsort(open.items, open.count, sizeof(Finding), by_place);
        *out = open.items;
        *out_count = open.count;
        return STATUS_OK;
}

/* ---- birth and death ---- */

Status findings_new(const FindingsSpec *spec, Findings **out, Error *err) {
        Findings *f = ARENA_NEW(spec->arena, Findings);
        f->spec = *spec;
        f->now = time_print_us(spec->arena, time_now_us());
        Status status = spec->base.seq ? lake_table(spec->lake, spec->base, findings_name(spec->zone), spec->arena, &f->table, err)
                                       : STATUS_NOT_FOUND;
        if (status != STATUS_OK && status != STATUS_NOT_FOUND)
                return status;
        f->has_table = status == STATUS_OK;
        FindingVec before = { 0 };
        if (f->has_table)
                TRY(read_detail(&f->table, spec->arena, &before, &f->ahead, err));
        f->before = before.items;
        f->before_count = before.count;
        *out = f;
        return STATUS_OK;
}

void findings_free(Findings *findings) {
        if (findings)
                worker_releasep(&findings->worker);
}

static Status lease(Findings *f, Error *err) {
        if (f->worker)
                return STATUS_OK;
        TRY(worker_lease(f->spec.pool, arena_strf(f->spec.arena, "zone:%.*s", STR_ARG(f->spec.zone)), &f->worker, err));
        return f->has_table ? files_grant(f->spec.lake, f->worker, &f->table, f->spec.arena, &f->old_paths, &f->old_count, err)
                            : STATUS_OK;
}

/* ---- one check's rows ---- */

static bool is_row_mark(const WorkerColumn *column, const char *name) {
        return str_is(column->name, name) && column->has_type && column->type.kind == TYPE_BIGINT;
}

/* One value as JSON text: decimals exact, which to_json does not keep; NaN and infinities as strings, as everywhere. */
static void print_value(Buf *sql, const WorkerColumn *column) {
        CLEANUP(buf_deinit) Buf name = { 0 };
        buf_append_cstr(&name, "f.");
        sql_quote_name(&name, column->name);
        Str value = buf_view(&name);
        TypeKind kind = column->has_type ? column->type.kind : TYPE_TEXT;
        if (kind == TYPE_DECIMAL)
                buf_printf(sql, "coalesce(CAST(%.*s AS VARCHAR), 'null')", STR_ARG(value));
        else if (kind == TYPE_DOUBLE)
                buf_printf(sql, "coalesce(CASE WHEN isfinite(%.*s) THEN CAST(to_json(%.*s) AS VARCHAR) ELSE '\"' || %.*s || '\"' END, 'null')",
                           STR_ARG(value), STR_ARG(value), STR_ARG(value));
        else
                buf_printf(sql, "coalesce(CAST(to_json(%.*s) AS VARCHAR), 'null')", STR_ARG(value));
}

/* The visible values as a JSON object. */
static void print_raw(Buf *sql, const WorkerColumns *columns) {
        const char *comma = "{";
        buf_append_cstr(sql, "concat(");
        for (size_t i = 0; i < columns->count; i++) {
                Str name = columns->items[i].name;
                if (str_is(name, "_file") || str_is(name, "_row"))
                        continue;
                CLEANUP(buf_deinit) Buf key = { 0 };
                buf_append_cstr(&key, comma);
                JsonWriter w = json_writer(&key, false);
                json_put_str(&w, name);
                buf_append_cstr(&key, ":");
                sql_quote_text(sql, buf_view(&key));
                buf_append_cstr(sql, ", ");
                print_value(sql, &columns->items[i]);
                buf_append_cstr(sql, ", ");
                comma = ",";
        }
        buf_append_cstr(sql, *comma == '{' ? "'{}') AS raw" : "'}') AS raw");
}

static void print_mark(Buf *sql, const WorkerColumns *columns, const char *name) {
        bool there = false;
        for (size_t i = 0; i < columns->count; i++)
                there |= is_row_mark(&columns->items[i], name);
        buf_printf(sql, ", CAST(%s%s AS BIGINT) AS %s", there ? "f." : "", there ? name : "NULL", name);
}

static void print_text_as(Buf *sql, Str value, const char *name) {
        sql_quote_text(sql, value);
        buf_printf(sql, " AS %s, ", name);
}

/* The rows that fail, as a SELECT that the findings' worker may run, and its columns. */
typedef struct Failing {
        Str sql;
        WorkerColumns columns;
} Failing;

static void print_found(Buf *sql, const Finding *finding, const Failing *failing) {
        buf_append_cstr(sql, "SELECT ");
        print_text_as(sql, finding->model, "model");
        print_text_as(sql, finding->rule, "rule");
        print_text_as(sql, finding->severity, "severity");
        print_text_as(sql, finding->message, "message");
        buf_append_cstr(sql, "raw, _file, _row, count(*) AS copies FROM (SELECT ");
        print_raw(sql, &failing->columns);
        print_mark(sql, &failing->columns, "_file");
        print_mark(sql, &failing->columns, "_row");
        buf_printf(sql, " FROM (%.*s) AS f) GROUP BY raw, _file, _row", STR_ARG(failing->sql));
}

#define SAME_ROW(a, b) a ".raw = " b ".raw AND " a "._file IS NOT DISTINCT FROM " b "._file AND " a "._row IS NOT DISTINCT FROM " b "._row"

/* Rows that are in the table stay in it; an even spread of the others fills up. */
static void print_sample(Buf *sql, const Findings *f, const Finding *finding, Str found) {
        buf_printf(sql, "WITH g AS (%.*s) SELECT g.* FROM g ", STR_ARG(found));
        const char *first = "";
        if (f->old_count) {
                buf_append_cstr(sql, "LEFT JOIN (SELECT raw, _file, _row FROM ");
                files_print(sql, f->old_paths, f->old_count);
                buf_append_cstr(sql, " WHERE state = 'open' AND model = ");
                sql_quote_text(sql, finding->model);
                buf_append_cstr(sql, " AND rule = ");
                sql_quote_text(sql, finding->rule);
                buf_append_cstr(sql, ") AS k ON " SAME_ROW("k", "g") " ");
                first = "k.raw IS NULL, ";
        }
        buf_printf(sql, "ORDER BY %shash(g.raw), g.raw, g._file, g._row LIMIT %d", first, FINDINGS_SAMPLE);
}

static void shape_columns(WorkerBuildColumn *columns, size_t count) {
        for (size_t i = 0; i < count; i++)
                columns[i] = (WorkerBuildColumn){ str_of(table_columns[i].name), (int)i + 1, { .kind = table_columns[i].type } };
}

static Status take_example(Findings *f, Asked *asked, Error *err) {
        CLEANUP(buf_deinit) Buf sql = { 0 };
        buf_append_cstr(&sql, "SELECT raw, _file, _row FROM ");
        files_print(&sql, asked->paths, asked->path_count);
        buf_append_cstr(&sql, " ORDER BY _file, _row, raw LIMIT 1");
        OneRow one;
        TRY(files_ask(f->worker, buf_view(&sql), f->spec.arena, &one, err));
        if (one.rows == 0)
                return STATUS_OK; /* a condition that is not the same twice */
        if (one.count != 3)
                return error_set(err, STATUS_WORKER_LOST, "a worker sent a row that is none");
        Str raw = one.values[0];
        size_t cut = utf8_prefix(raw, RAW_EXAMPLE_MAX);
        asked->finding.raw = cut < raw.size ? arena_strf(f->spec.arena, "%.*s...", STR_ARG(str_slice(raw, 0, cut))) : raw;
        str_to_int64(one.values[1], &asked->finding.file);
        str_to_int64(one.values[2], &asked->finding.row);
        return STATUS_OK;
}

static Status collect(Findings *f, const Failing *failing, bool all, Asked *asked, Error *err) {
        CLEANUP(buf_deinit) Buf found = { 0 }, sample = { 0 };
        print_found(&found, &asked->finding, failing);
        if (!all)
                print_sample(&sample, f, &asked->finding, buf_view(&found));
        WorkerBuildColumn columns[FOUND_COLUMNS];
        shape_columns(columns, FOUND_COLUMNS);
        WorkerFile *files;
        size_t count;
        TRY(worker_build(f->worker, buf_view(all ? &found : &sample), columns, FOUND_COLUMNS, f->spec.arena, &files, &count, err));
        asked->paths = ARENA_ARRAY(f->spec.arena, Str, count);
        asked->path_count = count;
        for (size_t i = 0; i < count; i++)
                asked->paths[i] = str_of(files[i].path);
        return take_example(f, asked, err);
}

static Asked asked_of(const Findings *f, const CheckSubject *of, const CheckReport *report) {
        const ModelCheck *check = report->check;
        return (Asked){ .finding = { .zone = of->zone,
                                     .model = arena_strf(f->spec.arena, "%.*s.%.*s", STR_ARG(of->stage), STR_ARG(of->table)),
                                     .rule = check->name,
                                     .severity = str_of(severity_name(check->severity)),
                                     .message = check->promise.size ? check->promise : check->expression,
                                     .rows = report->rows } };
}

/* The condition asked once more: a sample of rows that stay where they are need not be of the very moment of the count. */
static Status select_failing(Findings *f, const StatementSpec *as, const CheckSubject *of, const CheckReport *report, Failing *out, Error *err) {
        StatementSpec spec = *as;
        spec.worker = f->worker;
        Statement *statement = ARENA_NEW(f->spec.arena, Statement);
        TRY(statement_open(&spec, check_failing_sql(of, report->check, report->of_table, f->spec.arena), STR(""), f->spec.arena, statement, err));
        *out = (Failing){ statement->bound.sql, statement->columns };
        return STATUS_OK;
}

static Status select_judged(Findings *f, const JudgedRows *judged, Failing *out, Error *err) {
        Arena *arena = f->spec.arena;
        CLEANUP(buf_deinit) Buf sql = { 0 };
        out->columns = (WorkerColumns){ ARENA_ARRAY(arena, WorkerColumn, judged->column_count), judged->column_count };
        for (size_t i = 0; i < judged->column_count; i++) {
                out->columns.items[i] = (WorkerColumn){ .name = judged->columns[i].name, .has_type = true, .type = judged->columns[i].type };
                buf_append_cstr(&sql, i ? ", " : "SELECT ");
                sql_quote_name(&sql, judged->columns[i].name);
        }
        Str *granted = ARENA_ARRAY(arena, Str, judged->file_count);
        for (size_t i = 0; i < judged->file_count; i++) {
                const char *path;
                TRY(worker_grant(f->worker, arena_cstr(arena, judged->files[i]), arena, &path, err));
                granted[i] = str_of(path);
        }
        buf_append_cstr(&sql, " FROM ");
        files_print(&sql, granted, judged->file_count);
        buf_append_cstr(&sql, " WHERE NOT ");
        sql_quote_name(&sql, judged->verdict);
        out->sql = buf_dup(&sql, arena);
        return STATUS_OK;
}

Status findings_take(Findings *f, const StatementSpec *as, const CheckSubject *of, const CheckReport *report, Error *err) {
        Asked asked = asked_of(f, of, report);
        if (report->rows > 0) {
                Failing failing;
                TRY(lease(f, err));
                TRY(select_failing(f, as, of, report, &failing, err));
                TRY(collect(f, &failing, false, &asked, err));
        }
        vec_push(f->spec.arena, &f->asked, asked);
        return STATUS_OK;
}

Status findings_take_judged(Findings *f, const CheckSubject *of, const CheckReport *report, const JudgedRows *judged, Error *err) {
        Asked asked = asked_of(f, of, report);
        if (report->rows > 0) {
                Failing failing;
                TRY(lease(f, err));
                TRY(select_judged(f, judged, &failing, err));
                TRY(collect(f, &failing, true, &asked, err));
        }
        vec_push(f->spec.arena, &f->asked, asked);
        return STATUS_OK;
}

/* ---- the table as it must be ---- */

static const Asked *find_asked(const Findings *f, Str model, Str rule) {
        for (size_t i = 0; i < f->asked.count; i++)
                if (str_equal(f->asked.items[i].finding.model, model) && str_equal(f->asked.items[i].finding.rule, rule))
                        return &f->asked.items[i];
        return NULL;
}

/* The checks of the zone's text: what is open of others is dropped. */
static void collect_known(const Findings *f, const Graph *graph, FindingVec *out) {
        Arena *arena = f->spec.arena;
        for (size_t i = 0; i < graph->count; i++) {
                const Node *node = graph->nodes[i];
                if (node->kind != NODE_MODEL || !str_equal(node->zone, f->spec.zone))
                        continue;
                ModelCheck *checks;
                size_t count;
                checks_of_model(node->model, arena, &checks, &count);
                for (size_t k = 0; k < count; k++) {
                        Finding known = { .model = arena_strf(arena, "%.*s.%.*s", STR_ARG(node->stage), STR_ARG(node->table)),
                                          .rule = checks[k].name };
                        vec_push(arena, out, known);
                }
        }
}

static bool is_known(const FindingVec *known, const Finding *finding) {
        for (size_t i = 0; i < known->count; i++)
                if (str_equal(known->items[i].model, finding->model) && str_equal(known->items[i].rule, finding->rule))
                        return true;
        return false;
}

static bool was_asked(const Findings *f, Str model) {
        for (size_t i = 0; i < f->asked.count; i++)
                if (str_equal(f->asked.items[i].finding.model, model))
                        return true;
        return false;
}

bool findings_are_ahead(const Findings *f, Str stage, Str table) {
        return str_is_in(arena_strf(f->spec.arena, "%.*s.%.*s", STR_ARG(stage), STR_ARG(table)), f->ahead.items, f->ahead.count);
}

static bool had_rows(const Findings *f, Str model) {
        for (size_t i = 0; i < f->before_count; i++)
                if (str_equal(f->before[i].model, model))
                        return true;
        return false;
}

/* Those that stay behind what was asked of them: of this build, unless it is published, and of earlier ones. A model of
 * which nothing was open and nothing is has nothing to take back. */
static StrList ahead_after(const Findings *f, bool published) {
        Arena *arena = f->spec.arena;
        StrList out = { ARENA_ARRAY(arena, Str, f->ahead.count + f->asked.count + 1), 0 };
        for (size_t i = 0; i < f->ahead.count; i++)
                if (!published || !was_asked(f, f->ahead.items[i]))
                        out.items[out.count++] = f->ahead.items[i];
        for (size_t i = 0; i < f->asked.count && !published; i++) {
                const Finding *finding = &f->asked.items[i].finding;
                if ((finding->rows > 0 || had_rows(f, finding->model)) && !str_is_in(finding->model, out.items, out.count))
                        out.items[out.count++] = finding->model;
        }
        return out;
}

static bool is_nothing_new(const Findings *f, const FindingVec *known, bool published) {
        if (ahead_after(f, published).count != f->ahead.count)
                return false;
        for (size_t i = 0; i < f->asked.count; i++)
                if (f->asked.items[i].finding.rows > 0)
                        return false;
        for (size_t i = 0; i < f->before_count; i++)
                if (!is_known(known, &f->before[i]) || find_asked(f, f->before[i].model, f->before[i].rule))
                        return false;
        return true;
}

/* A relation of the table's columns without rows, where there is no file. */
static void print_empty(Buf *sql, size_t columns, Arena *arena) {
        buf_append_cstr(sql, "(SELECT ");
        for (size_t i = 0; i < columns; i++)
                buf_printf(sql, "%sCAST(NULL AS %.*s) AS %s", i ? ", " : "",
                           STR_ARG(type_print_duckdb(arena, (Type){ .kind = table_columns[i].type })), table_columns[i].name);
        buf_append_cstr(sql, " WHERE false)");
}

static void print_relation(Buf *sql, const char *name, const Str *paths, size_t count, size_t columns, Arena *arena) {
        buf_printf(sql, "%s AS ", name);
        if (count == 0) {
                print_empty(sql, columns, arena);
                return;
        }
        buf_append_cstr(sql, "(SELECT * FROM ");
        files_print(sql, paths, count);
        buf_append_cstr(sql, ")");
}

static void print_known(Buf *sql, const Findings *f, const FindingVec *known) {
        buf_append_cstr(sql, "known AS (SELECT * FROM (VALUES ('', '', false)");
        for (size_t i = 0; i < known->count; i++) {
                const Finding *one = &known->items[i];
                buf_append_cstr(sql, ", (");
                sql_quote_text(sql, one->model);
                buf_append_cstr(sql, ", ");
                sql_quote_text(sql, one->rule);
                buf_printf(sql, ", %s)", find_asked(f, one->model, one->rule) ? "true" : "false");
        }
        buf_append_cstr(sql, ") AS v(model, rule, asked))");
}

#define SAME_FINDING "o.state = 'open' AND o.model = n.model AND o.rule = n.rule AND " SAME_ROW("o", "n")

static void print_table(Buf *sql, const Findings *f, const FindingVec *known) {
        Arena *arena = f->spec.arena;
        VEC(Str) found = { 0 };
        for (size_t i = 0; i < f->asked.count; i++)
                for (size_t k = 0; k < f->asked.items[i].path_count; k++)
                        vec_push(arena, &found, f->asked.items[i].paths[k]);
        buf_append_cstr(sql, "WITH ");
        print_relation(sql, "old", f->old_paths, f->old_count, COUNT_OF(table_columns), arena);
        buf_append_cstr(sql, ", ");
        print_relation(sql, "now", found.items, found.count, FOUND_COLUMNS, arena);
        buf_append_cstr(sql, ", ");
        print_known(sql, f, known);
        const char *run = arena_printf(arena, "%lld", (long long)f->spec.run);
        const char *at = arena_printf(arena, "CAST('%.*s' AS TIMESTAMPTZ)", STR_ARG(f->now));
        buf_printf(sql,
                   ", moved AS (SELECT o.model, o.rule, coalesce(n.severity, o.severity) AS severity, coalesce(n.message, o.message) AS message, "
                   "o.raw, o._file, o._row, coalesce(n.copies, o.copies) AS copies, CASE WHEN o.state <> 'open' OR n.raw IS NOT NULL THEN o.state "
                   "WHEN k.rule IS NULL THEN 'dropped' WHEN k.asked THEN 'replayed' ELSE 'open' END AS state, o.run, o.first_seen, "
                   "o.closed_run, o.closed_at FROM old AS o LEFT JOIN now AS n ON " SAME_FINDING
                   " LEFT JOIN known AS k ON o.model = k.model AND o.rule = k.rule UNION ALL "
                   "SELECT n.model, n.rule, n.severity, n.message, n.raw, n._file, n._row, n.copies, 'open', %s, %s, NULL, NULL "
                   "FROM now AS n WHERE NOT EXISTS (SELECT 1 FROM old AS o WHERE " SAME_FINDING ")), "
                   "closed AS (SELECT * REPLACE (coalesce(closed_run, %s) AS closed_run, coalesce(closed_at, %s) AS closed_at) "
                   "FROM moved WHERE state <> 'open') SELECT * FROM moved WHERE state = 'open' UNION ALL SELECT * FROM closed "
                   "QUALIFY row_number() OVER (PARTITION BY model, rule ORDER BY closed_run DESC, hash(raw), raw, _file, _row) <= %d",
                   run, at, run, at, FINDINGS_CLOSED);
}

static Str print_detail(const Findings *f, const FindingVec *known, bool published) {
        CLEANUP(buf_deinit) Buf out = { 0 };
        JsonWriter w = json_writer(&out, false);
        json_object(&w);
        json_key(&w, "open");
        json_array(&w);
        for (size_t i = 0; i < f->before_count; i++)
                if (is_known(known, &f->before[i]) && !find_asked(f, f->before[i].model, f->before[i].rule))
                        finding_write(&w, &f->before[i]);
        for (size_t i = 0; i < f->asked.count; i++)
                if (f->asked.items[i].finding.rows > 0)
                        finding_write(&w, &f->asked.items[i].finding);
        json_end(&w);
        StrList ahead = ahead_after(f, published);
        if (ahead.count)
                json_member_strs(&w, "ahead", ahead.items, ahead.count);
        json_end(&w);
        return buf_dup(&out, f->spec.arena);
}

static Status same_base(const Findings *f, ChangeSet *set, Error *err) {
        Table now;
        Status status = lake_table(f->spec.lake, changeset_base(set), findings_name(f->spec.zone), f->spec.arena, &now, err);
        if (status != STATUS_OK && status != STATUS_NOT_FOUND)
                return status;
        if ((status == STATUS_OK) == f->has_table && (!f->has_table || str_equal(now.body_hash, f->table.body_hash)))
                return STATUS_OK;
        return error_set(err, STATUS_CONFLICT, "another run has changed what the checks of zone %.*s found", STR_ARG(f->spec.zone));
}

static Status open_table(const Findings *f, ChangeSet *set, ChangeTable **out, Error *err) {
        LakeColumn columns[COUNT_OF(table_columns)];
        for (size_t i = 0; i < COUNT_OF(table_columns); i++)
                columns[i] = (LakeColumn){ .name = str_of(table_columns[i].name), .type = { .kind = table_columns[i].type } };
        ChangeTableSpec spec = { .kind = STR("quarantine"), .write = TABLE_REPLACE, .columns = columns, .column_count = COUNT_OF(columns),
                                 .about = STR("rows for which a check did not hold") };
        return changeset_table(set, findings_name(f->spec.zone), &spec, out, err);
}

static Status build_files(Findings *f, ChangeSet *set, ChangeTable *table, Str sql, ReplaceSpec *replace, Error *err) {
        Arena *arena = f->spec.arena;
        WorkerBuildColumn columns[COUNT_OF(table_columns)];
        shape_columns(columns, COUNT_OF(columns));
        for (size_t i = 0; i < COUNT_OF(columns); i++)
                columns[i].field_id = change_table(table)->body.columns[i].id;
        WorkerFile *built;
        size_t built_count, count = 0;
        TRY(worker_build(f->worker, sql, columns, COUNT_OF(columns), arena, &built, &built_count, err));
        LakeFile *files = ARENA_ARRAY(arena, LakeFile, built_count);
        Str *paths = ARENA_ARRAY(arena, Str, built_count);
        for (size_t i = 0; i < built_count; i++) {
                if (built[i].statistics.rows == 0)
                        continue;
                files[count].statistics = built[i].statistics;
                TRY(changeset_adopt_file(set, table, built[i].path, &files[count].path, err));
                paths[count++] = str_of(built[i].path);
        }
        replace->files = files;
        replace->file_count = count;
        return files_hash(f->worker, paths, count, arena, &replace->content, err);
}

Status findings_settle(Findings *f, const Graph *graph, bool published, ChangeSet *set, Error *err) {
        FindingVec known = { 0 };
        collect_known(f, graph, &known);
        if (is_nothing_new(f, &known, published))
                return STATUS_OK;
        TRY(same_base(f, set, err));
        TRY(lease(f, err));
        ChangeTable *table;
        TRY(open_table(f, set, &table, err));
        CLEANUP(buf_deinit) Buf sql = { 0 };
        print_table(&sql, f, &known);
        ReplaceSpec replace = { 0 };
        TRY(build_files(f, set, table, buf_view(&sql), &replace, err));
        TRY(changeset_replace(set, table, &replace, NULL, err));
        changeset_set_detail(set, table, print_detail(f, &known, published));
        return STATUS_OK;
}
