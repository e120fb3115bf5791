/* SPDX-License-Identifier: Apache-2.0 */
#include "model/build.h"

#include "base/time.h"
#include "base/vec.h"
#include "lake/blame.h"
#include "lake/kept.h"
#include "lake/files.h"
#include "model/finding.h"
#include "model/prepare.h"
#include "model/product.h"
#include "sql/printer.h"

#define PUBLISH_TRIES 20 /* each lost one was won by another */
#define COUNT_ROWS_MAX 1000000 /* differences are counted up to so many rows */

typedef struct Build {
        const BuildSpec *spec;
        const Str *zones;
        size_t zone_count;
        Arena *arena;
        ChangeSet *set;
        Findings **findings; /* by zone; NULL until one is looked at */
        VEC(ModelReport) reports;
        VEC(Str) drops; /* tables and views that go */
} Build;

/* One model, while it is made. */
typedef struct Making {
        Build *b;
        Worker *worker;
        const Node *node;
        ModelReport *report;
        StatementSpec spec; /* as its zone, over what this run built so far */
        CheckSubject subject;
        ModelCheck *checks;
        size_t check_count;
} Making;

/* Where the model's rows are now: in the change set, and as the worker that made them names them. */
typedef struct Rows {
        LakeFile *files;
        Str *paths;
        size_t count;
        int64_t rows;
} Rows;

CatalogName model_table_name(Arena *arena, const Node *node) {
        return (CatalogName){ STR("table"), node->zone, arena_strf(arena, "%.*s.%.*s", STR_ARG(node->stage), STR_ARG(node->table)) };
}

static CatalogName view_name(Arena *arena, const Node *node) {
        CatalogName name = model_table_name(arena, node);
        name.kind = STR("view");
        return name;
}

static Str fingerprint_hex(Arena *arena, const Node *node) {
        return sha256_hex(arena, node->fingerprint);
}

/* ---- what it reads, now ---- */

static CatalogName name_of_input(Arena *arena, Str full_name) {
        Str zone, rest;
        str_cut(full_name, '.', &zone, &rest);
        return (CatalogName){ STR("table"), arena_str(arena, zone), arena_str(arena, rest) };
}

/* out_content, which may be NULL: the hash of its rows, empty where nobody made one. */
static Status current_input(Build *b, Str full_name, LakeInput *out, Str *out_content, Error *err) {
        CatalogName name = name_of_input(b->arena, full_name);
        const ChangeTable *changed = changeset_find(b->set, name);
        Table table;
        if (changed) {
                *out = change_table_input(changed, b->arena);
        } else {
                TRY(lake_table(b->spec->workspace->lake, changeset_base(b->set), name, b->arena, &table, err));
                *out = (LakeInput){ full_name, table.body.rows_snapshot, table.body.rows_sequence };
        }
        if (out_content)
                *out_content = changed ? change_table(changed)->body.content : table.body.content;
        return STATUS_OK;
}

static Status is_current(Build *b, const Node *node, const Table *table, bool *out, Error *err) {
        *out = false;
        if (b->spec->again || !str_equal(table->body.fingerprint, fingerprint_hex(b->arena, node)))
                return STATUS_OK;
        if (node->model->stage == STAGE_EGRESS && !contract_says(table->body.detail, node->model))
                return STATUS_OK;
        for (size_t i = 0; i < table->body.input_count; i++) {
                LakeInput now;
                Status status = current_input(b, table->body.inputs[i].table, &now, NULL, err);
                if (status == STATUS_NOT_FOUND)
                        return STATUS_OK;
                TRY(status);
                if (now.snapshot != table->body.inputs[i].snapshot)
                        return STATUS_OK;
        }
        *out = true;
        return STATUS_OK;
}

typedef VEC(LakeInput) InputVec;

static bool has_input(const InputVec *inputs, Str name) {
        for (size_t i = 0; i < inputs->count; i++)
                if (str_equal(inputs->items[i].table, name))
                        return true;
        return false;
}

/* What a statement of the model reads: its own or one of its checks', which may read the model itself. */
static Status add_inputs(Build *b, const Node *node, const BoundRelation *relations, size_t count, InputVec *inputs, Error *err) {
        for (size_t i = 0; i < count; i++) {
                const BoundRelation *relation = &relations[i];
                if (relation->kind != RELATION_TABLE || str_is(relation->stage, "quarantine"))
                        continue;
                Str name = arena_strf(b->arena, "%.*s.%.*s.%.*s", STR_ARG(relation->zone), STR_ARG(relation->stage), STR_ARG(relation->name));
                if (has_input(inputs, name) || str_equal(name, node->name))
                        continue;
                LakeInput input;
                TRY(current_input(b, name, &input, NULL, err));
                vec_push(b->arena, inputs, input);
        }
        return STATUS_OK;
}

/* ---- rows: what is new ---- */

static bool same_columns(const Table *table, const LakeColumn *columns, size_t count) {
        if (table->body.column_count != count)
                return false;
        for (size_t i = 0; i < count; i++)
                if (!str_equal(table->body.columns[i].name, columns[i].name) || !type_equal(table->body.columns[i].type, columns[i].type))
                        return false;
        return true;
}

/* One row per distinct visible row: its key, a hash of it, how often it stands there. */
static void print_side(Buf *sql, const char *name, const Model *model, const LakeColumn *columns, size_t column_count, const Str *paths,
                       size_t count) {
        buf_printf(sql, "%s AS (SELECT ", name);
        for (size_t i = 0; i < model->key_count; i++) {
                sql_quote_name(sql, model->key[i]);
                buf_printf(sql, " AS k%zu, ", i);
        }
        buf_append_cstr(sql, "hash(t) AS h, count(*) AS n FROM (SELECT ");
        const char *comma = "";
        for (size_t i = 0; i < column_count; i++) {
                if (columns[i].hidden)
                        continue;
                buf_append_cstr(sql, comma);
                sql_quote_name(sql, columns[i].name);
                comma = ", ";
        }
        buf_append_cstr(sql, " FROM ");
        files_print(sql, paths, count);
        buf_append_cstr(sql, ") AS t GROUP BY ALL)");
}

/*
 * Rows that came and went, by the hash of the whole row; with a key, rows of one key that differ are changes. Large or
 * reshaped tables are not compared: the counts stay unknown.
 */
static Status count_difference(Build *b, Worker *worker, const Model *model, const Table *old, const LakeColumn *columns, size_t column_count,
                               const Str *paths, size_t count, ModelReport *report, Error *err) {
        if (!old || old->body.rows == 0 || count == 0) {
                report->added = report->rows;
                report->removed = old ? old->body.rows : 0;
                report->changed = 0;
                return STATUS_OK;
        }
        if (!same_columns(old, columns, column_count) || old->body.rows > COUNT_ROWS_MAX || report->rows > COUNT_ROWS_MAX)
                return STATUS_OK;
        Str *before;
        size_t before_count;
        TRY(files_grant(b->spec->workspace->lake, worker, old, b->arena, &before, &before_count, err));
        CLEANUP(buf_deinit) Buf sql = { 0 };
        buf_append_cstr(&sql, "WITH ");
        print_side(&sql, "a", model, columns, column_count, paths, count);
        buf_append_cstr(&sql, ", ");
        print_side(&sql, "b", model, columns, column_count, before, before_count);
        if (model->key_count == 0) {
                buf_append_cstr(&sql, " SELECT coalesce(sum(greatest(coalesce(a.n, 0) - coalesce(b.n, 0), 0)), 0), 0, "
                                      "coalesce(sum(greatest(coalesce(b.n, 0) - coalesce(a.n, 0), 0)), 0) FROM a FULL JOIN b ON a.h = b.h");
        } else {
                buf_append_cstr(&sql, " SELECT count(*) FILTER (b.h IS NULL), count(*) FILTER (a.h <> b.h), count(*) FILTER (a.h IS NULL) "
                                      "FROM a FULL JOIN b ON true");
                for (size_t i = 0; i < model->key_count; i++)
                        buf_printf(&sql, " AND a.k%zu IS NOT DISTINCT FROM b.k%zu", i, i);
        }
        OneRow one;
        TRY(files_ask(worker, buf_view(&sql), b->arena, &one, err));
        report->added = one_row_integer(&one, 0);
        report->changed = one_row_integer(&one, 1);
        report->removed = one_row_integer(&one, 2);
        return STATUS_OK;
}

/* ---- checks ---- */

static Status findings_of(Build *b, Str zone, Findings **out, Error *err) {
        size_t at = 0;
        while (!str_equal(b->zones[at], zone))
                at++;
        if (!b->findings[at]) {
                FindingsSpec spec = { b->spec->workspace->lake, b->spec->workspace->pool, changeset_base(b->set), zone, b->spec->run, b->arena };
                TRY(findings_new(&spec, &b->findings[at], err));
        }
        *out = b->findings[at];
        return STATUS_OK;
}

static void free_findings(Build *b) {
        for (size_t i = 0; i < b->zone_count; i++) {
                findings_free(b->findings[i]);
                b->findings[i] = NULL;
        }
}

static bool takes_out(const Making *m, size_t index) {
        return m->checks[index].severity == CHECK_QUARANTINE;
}

/* Those that quarantine, over all rows that were made; or the others, over those that stay. */
static Status ask_checks(const Making *m, bool quarantine, Error *err) {
        Findings *findings;
        TRY(findings_of(m->b, m->node->zone, &findings, err));
        m->report->check_count = m->check_count;
        for (size_t i = 0; i < m->check_count; i++) {
                if (takes_out(m, i) != quarantine)
                        continue;
                CheckReport *report = &m->report->checks[i];
                TRY(check_ask(&m->spec, &m->subject, &m->checks[i], m->b->arena, report, err));
                if (!quarantine)
                        TRY(findings_take(findings, &m->spec, &m->subject, report, err));
        }
        return STATUS_OK;
}

/* ---- finished before, and not published ---- */

/*
 * What must be equal for a finished build to be used again: the definition, the rows that it read and the columns with the
 * ids that its files carry. Rows are told by their hash where there is one, since a snapshot of a change set that was never
 * published names nothing.
 */
static Status build_key(const Making *m, const Table *shape, const InputVec *inputs, Str *out, Error *err) {
        CLEANUP(buf_deinit) Buf key = { 0 };
        Arena *arena = m->b->arena;
        buf_lstr(&key, m->node->name);
        buf_lstr(&key, fingerprint_hex(arena, m->node));
        for (size_t i = 0; i < inputs->count; i++) {
                LakeInput input;
                Str content;
                TRY(current_input(m->b, inputs->items[i].table, &input, &content, err));
                buf_lstr(&key, input.table);
                buf_lstr(&key, content.size ? content : arena_strf(arena, "%lld", (long long)input.snapshot));
        }
        for (size_t i = 0; i < shape->body.column_count; i++) {
                const LakeColumn *column = &shape->body.columns[i];
                buf_lstr(&key, column->name);
                buf_u32(&key, (uint32_t)column->id);
                buf_lstr(&key, type_print(arena, column->type));
        }
        *out = sha256_hex(arena, sha256_of(buf_view(&key)));
        return STATUS_OK;
}

/* False when nothing fits, or when it vanished meanwhile. */
static bool take_kept(const Making *m, ChangeTable *table, Str key, Rows *out) {
        Build *b = m->b;
        KeptBuild kept;
        Error ignored;
        if (b->spec->again || !kept_find(b->spec->workspace->lake, m->node->name, key, b->arena, &kept))
                return false;
        *out = (Rows){ .files = kept.files, .paths = ARENA_ARRAY(b->arena, Str, kept.file_count), .count = kept.file_count };
        for (size_t i = 0; i < kept.file_count; i++) {
                LakeFile *file = &out->files[i];
                const char *granted;
                if (changeset_adopt_file(b->set, table, file->path, &file->path, &ignored) != STATUS_OK ||
                    worker_grant(m->worker, file->path, b->arena, &granted, &ignored) != STATUS_OK)
                        return false;
                out->paths[i] = str_of(granted);
                out->rows += file->statistics.rows;
        }
        return true;
}

/* ---- one table ---- */

static Status table_before(Build *b, const Node *node, Table *storage, const Table **out, Error *err) {
        Status status = lake_table(b->spec->workspace->lake, changeset_base(b->set), model_table_name(b->arena, node), b->arena, storage, err);
        *out = status == STATUS_OK ? storage : NULL;
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* sql: bound, or ours over files of the worker. */
static Status write_files(const Making *m, Str sql, ChangeTable *table, Rows *out, Error *err) {
        Build *b = m->b;
        const Table *shape = change_table(table);
        WorkerBuildColumn *columns = ARENA_ARRAY(b->arena, WorkerBuildColumn, shape->body.column_count);
        for (size_t i = 0; i < shape->body.column_count; i++)
                columns[i] = (WorkerBuildColumn){ shape->body.columns[i].name, shape->body.columns[i].id, shape->body.columns[i].type };
        WorkerFile *built;
        size_t count;
        TRY(worker_build(m->worker, sql, columns, shape->body.column_count, b->arena, &built, &count, err));
        *out = (Rows){ .files = ARENA_ARRAY(b->arena, LakeFile, count), .paths = ARENA_ARRAY(b->arena, Str, count) };
        for (size_t i = 0; i < count; i++) {
                if (built[i].statistics.rows == 0)
                        continue; /* a table without rows has no file */
                LakeFile *file = &out->files[out->count];
                file->statistics = built[i].statistics;
                TRY(changeset_adopt_file(b->set, table, built[i].path, &file->path, err));
                out->paths[out->count++] = str_of(built[i].path);
                out->rows += built[i].statistics.rows;
        }
        return STATUS_OK;
}

/* By the engine, or from a run that did not come to publish it. */
static Status make_rows(const Making *m, const Statement *statement, ChangeTable *table, const InputVec *inputs, Rows *out, Error *err) {
        Str key;
        TRY(build_key(m, change_table(table), inputs, &key, err));
        m->report->kept = take_kept(m, table, key, out);
        if (m->report->kept)
                return STATUS_OK;
        if (write_files(m, statement->bound.sql, table, out, err) != STATUS_OK)
                return statement_error(statement, err);
        KeptBuild kept = { .table = m->node->name, .key = key, .files = out->files, .file_count = out->count };
        kept_put(m->b->spec->workspace->lake, &kept);
        return STATUS_OK;
}

/* The rows as they are for now, so that checks and what they read see them. */
static Status show_rows(const Making *m, ChangeTable *table, const Rows *rows, Error *err) {
        ReplaceSpec replace = { .files = rows->files, .file_count = rows->count, .model = true };
        return changeset_replace(m->b->set, table, &replace, NULL, err);
}

/* All rows once more, each with the verdicts of the checks that quarantine, in files of the worker. */
static Status judge_rows(const Making *m, const ChangeTable *table, WorkerFile **out, size_t *out_count, Error *err) {
        Arena *arena = m->b->arena;
        const TableBody *body = &change_table(table)->body;
        WorkerBuildColumn *columns = ARENA_ARRAY(arena, WorkerBuildColumn, body->column_count + m->check_count);
        size_t count = 0;
        for (; count < body->column_count; count++)
                columns[count] = (WorkerBuildColumn){ body->columns[count].name, body->columns[count].id, body->columns[count].type };
        for (size_t i = 0; i < m->check_count; i++)
                if (takes_out(m, i))
                        columns[count++] = (WorkerBuildColumn){ check_verdict(i, arena), body->last_column_id + 1 + (int)i, { .kind = TYPE_BOOLEAN } };
        Statement judging;
        TRY(statement_open(&m->spec, check_judging_sql(&m->subject, m->checks, m->check_count, arena), STR(""), arena, &judging, err));
        Status status = worker_build(m->worker, judging.bound.sql, columns, count, arena, out, out_count, err);
        return status == STATUS_OK ? status : statement_error(&judging, err);
}

static Status count_verdict(const Making *m, const JudgedRows *judged, int64_t *out, Error *err) {
        CLEANUP(buf_deinit) Buf sql = { 0 };
        buf_append_cstr(&sql, "SELECT count(*) FROM ");
        files_print(&sql, judged->files, judged->file_count);
        buf_append_cstr(&sql, " WHERE NOT ");
        sql_quote_name(&sql, judged->verdict);
        OneRow one;
        TRY(files_ask(m->worker, buf_view(&sql), m->b->arena, &one, err));
        *out = one_row_integer(&one, 0);
        return STATUS_OK;
}

/* Rows of which every verdict holds, as the table has them. */
static Str passing_sql(const Making *m, const TableBody *body, const JudgedRows *judged) {
        CLEANUP(buf_deinit) Buf sql = { 0 };
        for (size_t i = 0; i < body->column_count; i++) {
                buf_append_cstr(&sql, i ? ", " : "SELECT ");
                sql_quote_name(&sql, body->columns[i].name);
        }
        buf_append_cstr(&sql, " FROM ");
        files_print(&sql, judged->files, judged->file_count);
        const char *word = " WHERE ";
        for (size_t i = 0; i < m->check_count; i++) {
                if (!takes_out(m, i))
                        continue;
                buf_append_cstr(&sql, word);
                sql_quote_name(&sql, check_verdict(i, m->b->arena));
                word = " AND ";
        }
        return buf_dup(&sql, m->b->arena);
}

/* The rows for which a check that quarantines does not hold: into the findings, and out of the table. */
static Status take_out_failing(const Making *m, ChangeTable *table, Rows *rows, Error *err) {
        Arena *arena = m->b->arena;
        const TableBody *body = &change_table(table)->body;
        Findings *findings;
        TRY(findings_of(m->b, m->node->zone, &findings, err));
        JudgedRows judged = { .columns = body->columns, .column_count = body->column_count };
        const int64_t made = rows->rows;
        bool any = false;
        for (size_t i = 0; i < m->check_count; i++)
                any |= takes_out(m, i) && made && m->report->checks[i].rows > 0;
        if (any) {
                WorkerFile *files;
                TRY(judge_rows(m, table, &files, &judged.file_count, err));
                Str *paths = ARENA_ARRAY(arena, Str, judged.file_count);
                for (size_t i = 0; i < judged.file_count; i++)
                        paths[i] = str_of(files[i].path);
                judged.files = paths;
                TRY(write_files(m, passing_sql(m, body, &judged), table, rows, err));
                TRY(show_rows(m, table, rows, err));
        }
        for (size_t i = 0; i < m->check_count; i++) {
                if (!takes_out(m, i))
                        continue;
                CheckReport *report = &m->report->checks[i];
                int64_t count = 0;
                judged.verdict = check_verdict(i, arena);
                if (any)
                        TRY(count_verdict(m, &judged, &count, err));
                if (report->of_table && report->rows && made == 0) { /* no row can leave */
                        TRY(findings_take(findings, &m->spec, &m->subject, report, err));
                        continue;
                }
                check_counted(report, count);
                TRY(findings_take_judged(findings, &m->subject, report, &judged, err));
        }
        return STATUS_OK;
}

static void note_hidden(Making *m, const LakeColumn *columns, size_t count) {
        m->subject.hidden = ARENA_ARRAY(m->b->arena, Str, count);
        for (size_t i = 0; i < count; i++)
                if (columns[i].hidden)
                        m->subject.hidden[m->subject.hidden_count++] = columns[i].name;
}

static Status lineage_of(const Making *m, const LakeColumn *columns, size_t count, LakeLineage **out, size_t *out_count, Error *err) {
        return prepare_lineage(&m->spec, m->b->spec->text->trees[m->node->index], columns, count, m->b->arena, out, out_count, err);
}

static Status build_table(Making *m, Statement *statement, Error *err) {
        Build *b = m->b;
        const Node *node = m->node;
        const Model *model = node->model;
        Table storage;
        const Table *before;
        TRY(table_before(b, node, &storage, &before, err));
        ChangeTableSpec spec = { .kind = STR("model"), .write = TABLE_REPLACE, .about = model->about };
        LakeColumn *columns;
        LakeLineage *lineage;
        TRY(prepare_columns(model, statement, b->arena, &columns, &spec.column_count, err));
        spec.columns = columns;
        Str contract;
        TRY(product_contract(b->spec->workspace->lake, changeset_base(b->set), model, columns, spec.column_count, b->arena, &contract, err));
        InputVec inputs = { 0 };
        TRY(add_inputs(b, node, statement->bound.relations, statement->bound.relation_count, &inputs, err)); /* before this table is in the set */
        ChangeTable *table;
        TRY(changeset_table(b->set, model_table_name(b->arena, node), &spec, &table, err));
        changeset_set_detail(b->set, table, contract);
        Rows rows = { 0 };
        TRY(make_rows(m, statement, table, &inputs, &rows, err));
        TRY(show_rows(m, table, &rows, err));
        note_hidden(m, columns, spec.column_count);
        TRY(ask_checks(m, true, err));
        TRY(take_out_failing(m, table, &rows, err));
        TRY(ask_checks(m, false, err));
        for (size_t i = 0; i < m->check_count; i++)
                TRY(add_inputs(b, node, m->report->checks[i].reads, m->report->checks[i].read_count, &inputs, err));
        ReplaceSpec replace = { .files = rows.files, .file_count = rows.count, .model = true, .inputs = inputs.items,
                                .input_count = inputs.count, .fingerprint = fingerprint_hex(b->arena, node), .prove = b->spec->again };
        TRY(lineage_of(m, columns, spec.column_count, &lineage, &replace.lineage_count, err));
        replace.lineage = lineage;
        TRY(files_hash(m->worker, rows.paths, rows.count, b->arena, &replace.content, err));
        bool unchanged = false;
        TRY(changeset_replace(b->set, table, &replace, &unchanged, err));
        m->report->rows = rows.rows;
        m->report->state = unchanged ? BUILD_UNCHANGED : BUILD_BUILT;
        if (unchanged)
                return STATUS_OK;
        Status counted = count_difference(b, m->worker, model, before, columns, spec.column_count, rows.paths, rows.count, m->report, err);
        Error damage;
        if (counted != STATUS_OK && before && lake_prove_table(b->spec->workspace->lake, before, &damage) == STATUS_CORRUPT)
                return STATUS_OK; /* these take the place of what is damaged */
        return counted;
}

/* ---- one view ---- */

static Status build_view(Making *m, Statement *statement, Error *err) {
        Build *b = m->b;
        const Node *node = m->node;
        LakeColumn *columns;
        ViewBody view = { .sql = node->model->text, .path = str_of(node->model->path), .about = node->model->about,
                          .fingerprint = fingerprint_hex(b->arena, node) };
        TRY(prepare_columns(node->model, statement, b->arena, &columns, &view.column_count, err));
        view.column_names = ARENA_ARRAY(b->arena, Str, view.column_count);
        view.column_types = ARENA_ARRAY(b->arena, Type, view.column_count);
        for (size_t i = 0; i < view.column_count; i++) {
                view.column_names[i] = columns[i].name;
                view.column_types[i] = columns[i].type;
        }
        TRY(product_contract(b->spec->workspace->lake, changeset_base(b->set), node->model, columns, view.column_count, b->arena,
                             &view.contract, err));
        InputVec inputs = { 0 };
        for (size_t i = 0; i < node->need_count; i++)
                vec_push(b->arena, &inputs, (LakeInput){ .table = node->needs[i]->name });
        TRY(lineage_of(m, columns, view.column_count, &view.lineage, &view.lineage_count, err));
        view.inputs = inputs.items;
        view.input_count = inputs.count;
        Str body = view_body_print(b->arena, &view);
        CatalogObject old;
        Status found = catalog_get(b->spec->workspace->lake->catalog, changeset_base(b->set), view_name(b->arena, node), b->arena, &old, err);
        m->report->state = found == STATUS_OK && str_equal(old.body, body) ? BUILD_UNCHANGED : BUILD_BUILT;
        m->report->rows = -1;
        TRY(changeset_put_object(b->set, view_name(b->arena, node), body, err));
        return ask_checks(m, false, err);
}

/* ---- a zone's models ---- */

static bool in_zones(const Build *b, Str zone) {
        for (size_t i = 0; i < b->zone_count; i++)
                if (str_equal(b->zones[i], zone))
                        return true;
        return false;
}

static const ModelReport *report_of(const Build *b, const Node *node) {
        for (size_t i = 0; i < b->reports.count; i++)
                if (b->reports.items[i].node == node)
                        return &b->reports.items[i];
        return NULL;
}

static const Node *blocked_by(const Build *b, const Node *node) {
        for (size_t i = 0; i < node->need_count; i++) {
                const ModelReport *need = report_of(b, node->needs[i]);
                if (need && (need->state == BUILD_FAILED || need->state == BUILD_BLOCKED))
                        return node->needs[i];
        }
        return NULL;
}

/* As the zone, over what this run built so far. */
static StatementSpec statement_spec(Build *b, Worker *worker, const Node *node) {
        return (StatementSpec){
                .lake = b->spec->workspace->lake,
                .worker = worker,
                .at = changeset_base(b->set),
                .overlay = b->set,
                .principal = prepare_principal(node->zone, b->arena),
                .default_zone = node->zone,
        };
}

static Status is_unchanged(Build *b, const Node *node, ModelReport *report, bool *out, Error *err) {
        Table table;
        *out = false;
        if (node->model->kind == MODEL_VIEW)
                return STATUS_OK; /* a view costs nothing to bind again, and its columns may have changed below it */
        Status status = lake_table(b->spec->workspace->lake, changeset_base(b->set), model_table_name(b->arena, node), b->arena, &table, err);
        if (status == STATUS_NOT_FOUND)
                return STATUS_OK;
        TRY(status);
        TRY(is_current(b, node, &table, out, err));
        report->rows = table.body.rows;
        Findings *findings;
        TRY(findings_of(b, node->zone, &findings, err));
        *out = *out && !findings_are_ahead(findings, node->stage, node->table);
        return STATUS_OK;
}

static Status build_model(Build *b, const Node *node, ModelReport *report, Error *err) {
        bool unchanged;
        TRY(is_unchanged(b, node, report, &unchanged, err));
        if (unchanged) {
                report->state = BUILD_UNCHANGED;
                return STATUS_OK;
        }
        if (b->spec->on_progress)
                b->spec->on_progress(b->spec->context, node);
        CLEANUP(worker_releasep) Worker *worker = NULL;
        TRY(worker_lease(b->spec->workspace->pool, arena_strf(b->arena, "zone:%.*s", STR_ARG(node->zone)), &worker, err));
        Statement *statement = ARENA_NEW(b->arena, Statement);
        Making m = { b, worker, node, report, statement_spec(b, worker, node), check_subject_of_model(node->model), NULL, 0 };
        TRY(prepare_model(&m.spec, node->model, b->spec->text->trees[node->index], b->arena, statement, err));
        checks_of_model(node->model, b->arena, &m.checks, &m.check_count);
        report->checks = ARENA_ARRAY(b->arena, CheckReport, m.check_count);
        bool is_view = node->model->kind == MODEL_VIEW;
        /* a model that was the other kind before */
        CatalogName other = is_view ? model_table_name(b->arena, node) : view_name(b->arena, node);
        TRY(changeset_remove_object(b->set, other, err));
        TRY(is_view ? build_view(&m, statement, err) : build_table(&m, statement, err));
        return checks_verdict(&m.subject, report->checks, report->check_count, err);
}

/* What ends the whole run rather than one model. Damage does not: it is of the files that the model reads. */
static bool is_environment(Status status) {
        return status == STATUS_IO || status == STATUS_DISK_FULL || status == STATUS_INTERRUPTED || status == STATUS_ENGINE ||
               status == STATUS_SANDBOX || status == STATUS_CONFLICT;
}

static Status take_model(Build *b, const Node *node, Error *err) {
        ModelReport report = { .node = node, .added = -1, .changed = -1, .removed = -1 };
        int64_t start = time_monotonic_us();
        const Node *blocker = blocked_by(b, node);
        if (blocker) {
                report.state = BUILD_BLOCKED;
                error_set(&report.error, STATUS_MODEL_FAILED, "waits for %.*s", STR_ARG(blocker->name));
        } else {
                Status status = build_model(b, node, &report, err);
                if (status != STATUS_OK && is_environment(status))
                        return error_context(err, "building %.*s", STR_ARG(node->name));
                if (status != STATUS_OK) {
                        report.state = BUILD_FAILED;
                        report.error = *err;
                        if (!report.error.file[0])
                                error_place(&report.error, node->model->path, STR(""), 0);
                }
        }
        report.us = time_monotonic_us() - start;
        if (report.state == BUILD_UNCHANGED && report.added < 0)
                report.added = report.changed = report.removed = 0;
        vec_push(b->arena, &b->reports, report);
        return STATUS_OK;
}

/* Another run's text may have sources and models that ours does not know. */
static Status is_in_history(Build *b, const CatalogObject *table, bool *out, Error *err) {
        CatalogObject text;
        Str stage, source;
        str_cut(table->name, '.', &stage, &source);
        CatalogName name = str_is(stage, "staging") ? (CatalogName){ STR("source"), table->zone, source }
                                                    : (CatalogName){ STR("model"), table->zone, table->name };
        Status status = catalog_get(b->spec->workspace->lake->catalog, changeset_base(b->set), name, b->arena, &text, err);
        *out = status == STATUS_OK;
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/*
 * Tables and views of sources and models that are no longer in the text go with the next publication of their zone. Older
 * commits keep them; a source's landed files, its quarantine and its ledger stay, so that one that comes back is read from
 * them again.
 */
static Status drop_removed(Build *b, Error *err) {
        static const char *const kinds[] = { "table", "view", "log" };
        const Graph *graph = b->spec->text->graph;
        for (size_t k = 0; k < COUNT_OF(kinds); k++) {
                CatalogObject *objects;
                size_t count;
                TRY(catalog_list(b->spec->workspace->lake->catalog, changeset_base(b->set), str_of(kinds[k]), STR(""), b->arena, &objects,
                                 &count, err));
                for (size_t i = 0; i < count; i++) {
                        Str full = arena_strf(b->arena, "%.*s.%.*s", STR_ARG(objects[i].zone), STR_ARG(objects[i].name));
                        bool wanted = false;
                        if (!in_zones(b, objects[i].zone) || graph_node(graph, full))
                                continue;
                        TRY(is_in_history(b, &objects[i], &wanted, err));
                        if (wanted)
                                continue;
                        TRY(changeset_remove_object(b->set, (CatalogName){ objects[i].kind, objects[i].zone, objects[i].name }, err));
                        if (!str_is(objects[i].kind, "log"))
                                vec_push(b->arena, &b->drops, full);
                }
        }
        return STATUS_OK;
}

static Str commit_message(const Build *b) {
        size_t built = 0;
        const Node *last = NULL;
        for (size_t i = 0; i < b->reports.count; i++) {
                if (b->reports.items[i].state != BUILD_BUILT)
                        continue;
                built++;
                last = b->reports.items[i].node;
        }
        if (built == 1)
                return arena_strf(b->arena, "build %.*s", STR_ARG(last->name));
        if (built == 0 && b->drops.count)
                return arena_strf(b->arena, "drop %.*s%s", STR_ARG(b->drops.items[0]), b->drops.count > 1 ? " and others" : "");
        if (built == 0)
                return arena_strf(b->arena, "build %.*s: nothing new but what is known of it", STR_ARG(b->zones[0]));
        return arena_strf(b->arena, "build %.*s: %zu models", STR_ARG(b->zones[0]), built);
}

/* What the checks found, into the set that publishes the models, or, where they are not published, by itself. */
static Status settle_findings(Build *b, bool published, ChangeSet *set, Error *err) {
        for (size_t i = 0; i < b->zone_count; i++) {
                Findings *findings;
                TRY(findings_of(b, b->zones[i], &findings, err));
                TRY(findings_settle(findings, b->spec->text->graph, published, set, err));
        }
        return STATUS_OK;
}

static Status publish_findings(Build *b, Error *err) {
        CLEANUP(changeset_freep) ChangeSet *set = NULL;
        CatalogCommit ignored;
        TRY(changeset_new(b->spec->workspace->lake, &b->spec->commit, &set, err));
        TRY(settle_findings(b, false, set, err));
        changeset_set_message(set, arena_strf(b->arena, "checks of %.*s: what they found, nothing else published", STR_ARG(b->zones[0])));
        return changeset_is_empty(set) ? STATUS_OK : changeset_publish(set, b->arena, &ignored, err);
}

static bool any_built(const Build *b) {
        for (size_t i = 0; i < b->reports.count; i++)
                if (b->reports.items[i].state == BUILD_BUILT || b->reports.items[i].check_count)
                        return true;
        return false;
}

/* The failed run's branch: to be looked at, and in nobody's way. */
static Status keep_failed(Build *b, BuildReport *out, Error *err) {
        Str branch = b->spec->failed_branch;
        if (!any_built(b) || branch.size == 0)
                return STATUS_OK;
        Status status = catalog_branch_create(b->spec->workspace->lake->catalog, branch, changeset_base(b->set), err);
        if (status != STATUS_OK && status != STATUS_EXISTS)
                return status;
        changeset_set_branch(b->set, branch);
        changeset_set_message(b->set, arena_strf(b->arena, "%.*s, not published: a model failed", STR_ARG(commit_message(b))));
        CatalogCommit ignored;
        TRY(changeset_publish(b->set, b->arena, &ignored, err));
        out->kept = true;
        return STATUS_OK;
}

/* ---- whose text it is ---- */

static const ProjectObject *own_object(const Build *b, const Node *node) {
        const ProjectText *text = b->spec->text;
        bool is_source = node->kind == NODE_SOURCE;
        Str name = is_source ? node->table : model_table_name(b->arena, node).name;
        for (size_t i = 0; i < text->object_count; i++) {
                const ProjectObject *object = &text->objects[i];
                if (str_is(object->kind, is_source ? "source" : "model") && str_equal(object->zone, node->zone) && str_equal(object->name, name))
                        return object;
        }
        return NULL;
}

static void mark_needs(const Node *node, bool *marked) {
        if (marked[node->index])
                return;
        marked[node->index] = true;
        for (size_t i = 0; i < node->need_count; i++)
                mark_needs(node->needs[i], marked);
}

/* The models that are built and all that goes into their fingerprints, in other zones too. */
static bool *held_nodes(const Build *b) {
        const Graph *graph = b->spec->text->graph;
        bool *held = ARENA_ARRAY(b->arena, bool, graph->count);
        for (size_t i = 0; i < graph->count; i++)
                if (graph->nodes[i]->kind == NODE_MODEL && b->spec->chosen[i] && in_zones(b, graph->nodes[i]->zone))
                        mark_needs(graph->nodes[i], held);
        return held;
}

/*
 * That the history's text at the set's base is the one we build by, and that it still is when the set is published: another
 * run may have applied a newer one, and what is built by an older must not take its place.
 */
static Status hold_text(Build *b, bool *out_superseded, Error *err) {
        const Graph *graph = b->spec->text->graph;
        const bool *held = held_nodes(b);
        for (size_t i = 0; i < graph->count; i++) {
                if (!held[i])
                        continue;
                const ProjectObject *own = own_object(b, graph->nodes[i]);
                CatalogName name = { own->kind, own->zone, own->name };
                CatalogObject applied;
                Status status = catalog_get(b->spec->workspace->lake->catalog, changeset_base(b->set), name, b->arena, &applied, err);
                if (status != STATUS_OK && status != STATUS_NOT_FOUND)
                        return status;
                *out_superseded |= status == STATUS_NOT_FOUND || !str_equal(applied.body, own->body);
                changeset_require_object(b->set, name, own->body);
        }
        return STATUS_OK;
}

static void drop_kept(const Build *b) {
        for (size_t i = 0; i < b->reports.count; i++)
                if (b->reports.items[i].state == BUILD_BUILT || b->reports.items[i].kept)
                        kept_remove(b->spec->workspace->lake, b->reports.items[i].node->name);
}

static Status build_once(Build *b, BuildReport *out, Error *err) {
        const Graph *graph = b->spec->text->graph;
        b->reports.count = b->drops.count = 0;
        *out = (BuildReport){ 0 };
        TRY(changeset_new(b->spec->workspace->lake, &b->spec->commit, &b->set, err));
        TRY(hold_text(b, &out->superseded, err));
        if (out->superseded)
                return STATUS_OK;
        for (size_t i = 0; i < graph->count; i++) {
                const Node *node = graph->nodes[i];
                if (node->kind == NODE_MODEL && b->spec->chosen[node->index] && in_zones(b, node->zone))
                        TRY(take_model(b, node, err));
        }
        for (size_t i = 0; i < b->reports.count; i++)
                out->failed |= b->reports.items[i].state == BUILD_FAILED || b->reports.items[i].state == BUILD_BLOCKED;
        if (out->failed) {
                TRY(publish_findings(b, err));
                TRY(keep_failed(b, out, err));
        } else {
                TRY(settle_findings(b, true, b->set, err));
                TRY(drop_removed(b, err));
                changeset_set_message(b->set, commit_message(b));
                int64_t base = changeset_base(b->set).seq;
                if (!changeset_is_empty(b->set)) {
                        TRY(changeset_publish(b->set, b->arena, &out->commit, err));
                        out->published = out->commit.seq > base;
                }
                drop_kept(b);
                out->drops = b->drops.items;
                out->drop_count = b->drops.count;
        }
        out->items = b->reports.items;
        out->count = b->reports.count;
        return STATUS_OK;
}

Status build_zones(const BuildSpec *spec, const Str *zones, size_t zone_count, Arena *arena, BuildReport *out, Error *err) {
        Build b = { .spec = spec, .zones = zones, .zone_count = zone_count, .arena = arena,
                    .findings = ARENA_ARRAY(arena, Findings *, zone_count) };
        Status status = STATUS_CONFLICT;
        for (int i = 0; i < PUBLISH_TRIES && status == STATUS_CONFLICT; i++) {
                status = build_once(&b, out, err);
                free_findings(&b);
                changeset_freep(&b.set);
        }
        if (status == STATUS_OK && spec->on_model)
                for (size_t i = 0; i < out->count; i++)
                        spec->on_model(spec->context, &out->items[i]);
        return status;
}
