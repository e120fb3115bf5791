/* SPDX-License-Identifier: Apache-2.0 */
#include "model/statement.h"

#include "base/json.h"
#include "sql/lexer.h"

Status statement_parse(Worker *worker, Str text, Str name, Arena *arena, SqlTree **out, Error *err) {
        TRY(sql_classify(text, name, err));
        Str json;
        Status status = worker_parse(worker, text, arena, &json, err);
        if (status != STATUS_OK) {
                if (name.size && err->line > 0)
                        snprintf(err->file, sizeof(err->file), "%.*s", STR_ARG(name));
                return status;
        }
        return sql_tree_read(json, text, name, arena, out, err);
}

static Status grant(void *context, const char *path, Arena *arena, Str *out, Error *err) {
        const Statement *statement = context;
        const char *granted;
        TRY(worker_grant(statement->spec.worker, path, arena, &granted, err));
        *out = str_of(granted);
        return STATUS_OK;
}

static Status view_tree(void *context, const CatalogObject *object, Arena *arena, const SqlTree **out, Error *err) {
        const Statement *statement = context;
        ViewBody view;
        TRY(view_body_parse(object->body, arena, &view, err));
        SqlTree *tree;
        TRY(statement_parse(statement->spec.worker, view.sql, view.path, arena, &tree, err));
        *out = tree;
        return STATUS_OK;
}

Status statement_error(const Statement *statement, Error *err) {
        const Failure *failure = worker_failure(statement->spec.worker);
        if (failure && failure->position >= 0)
                bind_error_place(err, statement->tree, &statement->bound, (size_t)failure->position);
        return err->status;
}

Status statement_bind(const StatementSpec *spec, SqlTree *tree, Arena *arena, Statement *out, Error *err) {
        *out = (Statement){ .spec = *spec, .tree = tree };
        out->source = (LakeSource){
                .lake = spec->lake, .at = spec->at, .overlay = spec->overlay, .grant = grant, .view = view_tree, .context = out,
        };
        BindSource source = spec->source ? *spec->source : lake_bind_source(&out->source);
        BindRequest request = { .principal = spec->principal, .default_zone = spec->default_zone, .source = &source };
        TRY(bind_statement(tree, &request, arena, &out->bound, err));
        if (worker_prepare(spec->worker, out->bound.sql, arena, &out->columns, err) != STATUS_OK)
                return statement_error(out, err);
        return STATUS_OK;
}

Status statement_open(const StatementSpec *spec, Str text, Str name, Arena *arena, Statement *out, Error *err) {
        SqlTree *tree;
        TRY(statement_parse(spec->worker, text, name, arena, &tree, err));
        return statement_bind(spec, tree, arena, out, err);
}

Status statement_execute(Statement *statement, WorkerRowSink sink, void *context, int64_t *out_rows, Error *err) {
        Status status = worker_execute(statement->spec.worker, statement->bound.sql, sink, context, out_rows, err);
        return status == STATUS_OK ? status : statement_error(statement, err);
}

/* ---- views ---- */

Str view_body_print(Arena *arena, const ViewBody *view) {
        CLEANUP(buf_deinit) Buf out = { 0 };
        JsonWriter w = json_writer(&out, false);
        json_object(&w);
        json_member_str(&w, "sql", view->sql);
        json_member_str(&w, "path", view->path);
        json_member_str(&w, "about", view->about);
        json_member_str(&w, "fingerprint", view->fingerprint);
        json_member_str(&w, "contract", view->contract);
        json_key(&w, "columns");
        json_array(&w);
        for (size_t i = 0; i < view->column_count; i++) {
                json_object(&w);
                json_member_str(&w, "name", view->column_names[i]);
                json_member_str(&w, "type", type_print_duckdb(arena, view->column_types[i]));
                json_end(&w);
        }
        json_end(&w);
        json_key(&w, "inputs");
        json_array(&w);
        for (size_t i = 0; i < view->input_count; i++)
                json_put_str(&w, view->inputs[i].table);
        json_end(&w);
        json_end(&w);
        return buf_dup(&out, arena);
}

static Status parse_columns(const Json *columns, Arena *arena, ViewBody *out, Error *err) {
        out->column_count = json_count(columns);
        out->column_names = ARENA_ARRAY(arena, Str, out->column_count);
        out->column_types = ARENA_ARRAY(arena, Type, out->column_count);
        for (size_t i = 0; i < out->column_count; i++) {
                Str type;
                TRY(json_want_string(json_at(columns, i), "name", &out->column_names[i], err));
                TRY(json_want_string(json_at(columns, i), "type", &type, err));
                if (!type_parse_duckdb(arena, type, &out->column_types[i]))
                        return error_set(err, STATUS_CORRUPT, "a view's body names an unknown type '%.*s'", STR_ARG(type));
        }
        return STATUS_OK;
}

Status view_body_parse(Str json, Arena *arena, ViewBody *out, Error *err) {
        Json *root;
        const Json *columns, *inputs;
        *out = (ViewBody){ 0 };
        TRY(json_parse(json, "a view's body", arena, &root, err));
        TRY(json_want_string(root, "sql", &out->sql, err));
        TRY(json_want_string(root, "path", &out->path, err));
        out->about = json_string(json_get(root, "about")); /* null when nothing is said */
        out->contract = json_string(json_get(root, "contract"));
        TRY(json_want_string(root, "fingerprint", &out->fingerprint, err));
        TRY(json_want_array(root, "columns", &columns, err));
        TRY(json_want_array(root, "inputs", &inputs, err));
        TRY(parse_columns(columns, arena, out, err));
        out->input_count = json_count(inputs);
        out->inputs = ARENA_ARRAY(arena, LakeInput, out->input_count);
        for (size_t i = 0; i < out->input_count; i++)
                out->inputs[i].table = json_string(json_at(inputs, i));
        return STATUS_OK;
}
