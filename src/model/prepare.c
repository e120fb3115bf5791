/* SPDX-License-Identifier: Apache-2.0 */
#include "model/prepare.h"

#include "sql/rows.h"

/* ---- columns ---- */

static const LakeColumn *find_column(const LakeColumn *columns, size_t count, Str name) {
        for (size_t i = 0; i < count; i++)
                if (str_equal_nocase(columns[i].name, name))
                        return &columns[i];
        return NULL;
}

static Status hint_column(const LakeColumn *columns, size_t count, Str name, Arena *arena, Error *err) {
        Str *names = ARENA_ARRAY(arena, Str, count);
        for (size_t i = 0; i < count; i++)
                names[i] = columns[i].name;
        Str near = str_nearest(name, names, count);
        return near.size ? error_hint(err, "did you mean `%.*s`?", STR_ARG(near)) : error_hint(err, "add it to the SELECT, or take it out of the line");
}

static Status check_declared(const Model *model, const LakeColumn *columns, size_t count, Arena *arena, Error *err) {
        for (size_t i = 0; i < model->key_count; i++) {
                if (find_column(columns, count, model->key[i]))
                        continue;
                error_set(err, STATUS_NO_COLUMN, "the key '%.*s' is no column of the model's SELECT", STR_ARG(model->key[i]));
                hint_column(columns, count, model->key[i], arena, err);
                return model_place(model, model->key_line, model->key[i], err);
        }
        for (size_t i = 0; i < model->column_count; i++) {
                const ModelColumn *declared = &model->columns[i];
                const LakeColumn *found = find_column(columns, count, declared->name);
                if (!found) {
                        error_set(err, STATUS_NO_COLUMN, "the model declares column '%.*s', and its SELECT has none of that name",
                                  STR_ARG(declared->name));
                        hint_column(columns, count, declared->name, arena, err);
                } else if (declared->has_type && !type_same(declared->type, found->type)) {
                        Str wanted = type_print(arena, declared->type);
                        error_set(err, STATUS_SQL_TYPE, "column '%.*s' is declared %.*s, and its SELECT gives %.*s", STR_ARG(declared->name),
                                  STR_ARG(wanted), STR_ARG(type_print(arena, found->type)));
                        error_hint(err, "cast it in the SELECT, to %.*s, or change the line", STR_ARG(wanted));
                } else {
                        continue;
                }
                return model_place(model, declared->line, declared->name, err);
        }
        return STATUS_OK;
}

Status prepare_columns(const Model *model, const Statement *statement, Arena *arena, LakeColumn **out, size_t *out_count, Error *err) {
        const WorkerColumns *found = &statement->columns;
        LakeColumn *columns = ARENA_ARRAY(arena, LakeColumn, found->count);
        for (size_t i = 0; i < found->count; i++) {
                Str name = found->items[i].name;
                for (size_t j = 0; j < i; j++) {
                        if (!str_equal_nocase(columns[j].name, name))
                                continue;
                        error_set(err, STATUS_AMBIGUOUS, "two columns are called '%.*s'", STR_ARG(name));
                        error_place(err, model->path, model->text, model->body_offset);
                        return error_hint(err, "name one of them otherwise: ... as other_name");
                }
                columns[i].name = name;
                columns[i].hidden = str_is(name, "_file") || str_is(name, "_row");
                if (worker_table_type(&found->items[i], arena, &columns[i].type, err) != STATUS_OK)
                        return error_place(err, model->path, model->text, model->body_offset);
                for (size_t j = 0; j < model->column_count; j++)
                        if (str_equal_nocase(model->columns[j].name, name))
                                columns[i].about = model->columns[j].about;
        }
        TRY(check_declared(model, columns, found->count, arena, err));
        *out = columns;
        *out_count = found->count;
        return STATUS_OK;
}

/* ---- the statement ---- */

/* Whether a failure says something about the SQL, and nothing about the machine that looked at it. */
static bool is_about_sql(Status status) {
        return status_exit(status) == 2 && status != STATUS_LIMIT && status != STATUS_MEMORY && status != STATUS_TIMEOUT;
}

/*
 * A model that keeps the rows of what it reads carries their delivery and ordinal too, hidden, so that each of its rows
 * can be traced. *out_bound is false when it does not, or when what it reads has none. That a disk or a worker failed
 * means neither: without an error a table would silently lose its trace.
 */
static Status with_rows(const StatementSpec *spec, const SqlTree *tree, Arena *arena, Statement *out, bool *out_bound, Error *err) {
        SqlDependency source;
        SqlTree *carrying;
        Error refused;
        *out_bound = false;
        if (!sql_row_source(tree, &source, NULL) || sql_trace_model(tree, NULL, arena, &carrying, &refused) != STATUS_OK)
                return STATUS_OK;
        Status status = statement_bind(spec, carrying, arena, out, &refused);
        *out_bound = status == STATUS_OK;
        if (*out_bound || is_about_sql(status))
                return STATUS_OK;
        *err = refused;
        return status;
}

/*
 * Two columns of one name: as the model stands that is refused, but the statement that carries rows would have the engine
 * call the second NAME_1 in silence. So such a model is bound by itself first.
 */
static Status names_twice(const StatementSpec *spec, SqlTree *tree, Arena *arena, bool *out, Error *err) {
        SqlDependency source;
        Statement plain;
        *out = false;
        if (!sql_row_source(tree, &source, NULL))
                return STATUS_OK;
        TRY(statement_bind(spec, tree, arena, &plain, err));
        for (size_t i = 0; i < plain.columns.count; i++)
                for (size_t j = 0; j < i; j++)
                        *out |= str_equal_nocase(plain.columns.items[i].name, plain.columns.items[j].name);
        return STATUS_OK;
}

Status prepare_model(const StatementSpec *spec, const Model *model, const SqlTree *tree, Arena *arena, Statement *out, Error *err) {
        SqlTree *own = ARENA_NEW(arena, SqlTree);
        *own = *tree;
        bool twins = false;
        if (model->kind == MODEL_TABLE)
                TRY(names_twice(spec, own, arena, &twins, err));
        bool bound = false;
        if (model->kind == MODEL_TABLE && !twins)
                TRY(with_rows(spec, own, arena, out, &bound, err));
        return bound ? STATUS_OK : statement_bind(spec, own, arena, out, err);
}

static void add_sources(LakeLineage *to, const LineageColumn *from, Arena *arena) {
        LineageSource *all = ARENA_ARRAY(arena, LineageSource, to->source_count + from->source_count);
        for (size_t i = 0; i < to->source_count; i++)
                all[i] = to->sources[i];
        for (size_t i = 0; i < from->source_count; i++)
                all[to->source_count + i] = from->sources[i];
        to->sources = all;
        to->source_count += from->source_count;
}

/* Where places do not tell: what has its name, or may have; a name that the engine made is that of an expression without one. */
static LakeLineage line_by_name(const LineageColumn *lines, size_t count, Str name, Arena *arena) {
        LakeLineage out = { .column = name };
        bool named = false;
        for (size_t i = 0; i < count; i++)
                named |= !lines[i].open && str_equal_nocase(lines[i].name, name);
        for (size_t i = 0; i < count; i++)
                if (lines[i].open || str_equal_nocase(lines[i].name, named ? name : STR("")))
                        add_sources(&out, &lines[i], arena);
        return out;
}

Status prepare_lineage(const StatementSpec *spec, const SqlTree *tree, const LakeColumn *columns, size_t count, Arena *arena, LakeLineage **out,
                       size_t *out_count, Error *err) {
        Lineage lineage;
        size_t visible = 0;
        TRY(statement_lineage(spec, tree, arena, &lineage, err));
        const LineageColumn *lines = lineage.columns;
        size_t line_count = lineage.column_count;
        for (size_t i = 0; i < count; i++)
                visible += !columns[i].hidden;
        bool by_place = line_count == visible;
        for (size_t i = 0; i < line_count; i++)
                by_place &= !lines[i].open;
        *out = ARENA_ARRAY(arena, LakeLineage, count);
        *out_count = 0;
        for (size_t i = 0, at = 0; i < count; i++) {
                if (columns[i].hidden)
                        continue;
                LakeLineage line = { .column = columns[i].name };
                if (by_place)
                        add_sources(&line, &lines[at++], arena);
                else
                        line = line_by_name(lines, line_count, columns[i].name, arena);
                if (line.source_count > 0)
                        (*out)[(*out_count)++] = line;
        }
        return STATUS_OK;
}

Principal prepare_principal(Str zone, Arena *arena) {
        return (Principal){ .name = arena_strf(arena, "zone:%.*s", STR_ARG(zone)), .zone = zone };
}
