/* SPDX-License-Identifier: Apache-2.0 */
#include "model/dry.h"

#include "base/map.h"
#include "base/vec.h"
#include "intake/stage.h"
#include "model/access_check.h"
#include "model/applied.h"
#include "model/check.h"
#include "model/prepare.h"
#include "model/scope.h"

typedef struct Dry {
        const DrySpec *spec;
        Arena *arena;
        DryTable *tables; /* by node index */
        Map parsed; /* const SqlTree, by the text of a rule: each is asked for once for every table and person it concerns */
} Dry;

/* ---- what a source's table looks like ---- */

typedef VEC(LakeColumn) ColumnVec;

static LakeColumn *find_column(const ColumnVec *columns, Str name) {
        for (size_t i = 0; i < columns->count; i++)
                if (str_equal_nocase(columns->items[i].name, name))
                        return &columns->items[i];
        return NULL;
}

static bool is_earlier_name(const Source *source, Str name) {
        for (size_t i = 0; i < source->column_count; i++)
                if (str_equal_nocase(source->columns[i].was, name))
                        return true;
        return false;
}

/* Whether a column of the table that the text does not name will stay: not when the text that is applied made it and another
 * column reads its field now, or when it was named otherwise than its field. */
static bool will_stay(const Source *now, const Source *applied, Str name) {
        Str field = name;
        for (size_t i = 0; applied && i < applied->column_count; i++)
                if (str_equal_nocase(applied->columns[i].name, name))
                        field = source_column_in_file(&applied->columns[i]);
        for (size_t i = 0; i < now->column_count; i++)
                if (str_equal_nocase(source_column_in_file(&now->columns[i]), field))
                        return false;
        return str_equal_nocase(field, name) && !is_earlier_name(now, name);
}

static Status applied_or_none(Dry *dry, const Node *node, Source **out, Error *err) {
        Status status = applied_source(dry->spec->lake, dry->spec->at, node->zone, node->table, dry->arena, out, err);
        if (status == STATUS_NOT_FOUND)
                *out = NULL;
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* Columns that deliveries brought and the text does not know, and wider types. */
static Status add_evolved(Dry *dry, const Node *node, ColumnVec *columns, Error *err) {
        Table table;
        Source *applied;
        CatalogName name = { STR("table"), node->zone, arena_strf(dry->arena, "staging.%.*s", STR_ARG(node->table)) };
        if (!dry->spec->lake || (node->source->evolve != EVOLVE_COLUMNS && node->source->evolve != EVOLVE_WIDEN))
                return STATUS_OK;
        Status status = lake_table(dry->spec->lake, dry->spec->at, name, dry->arena, &table, err);
        if (status == STATUS_NOT_FOUND)
                return STATUS_OK;
        TRY(status);
        TRY(applied_or_none(dry, node, &applied, err));
        for (size_t i = 0; i < table.body.column_count; i++) {
                const LakeColumn *column = &table.body.columns[i];
                LakeColumn *known = find_column(columns, column->name);
                if (known && node->source->evolve == EVOLVE_WIDEN && schema_type_widens(known->type, column->type))
                        known->type = column->type;
                if (!known && !column->hidden && !name_is_reserved(column->name) && will_stay(node->source, applied, column->name))
                        vec_push(dry->arena, columns, *column);
        }
        return STATUS_OK;
}

static Status look_at_source(Dry *dry, const Node *node, Error *err) {
        const Source *source = node->source;
        ColumnVec columns = { 0 };
        for (size_t i = 0; i < source->column_count; i++)
                vec_push(dry->arena, &columns, (LakeColumn){ .name = source->columns[i].name, .type = source->columns[i].type });
        TRY(add_evolved(dry, node, &columns, err));
        if (source->evolve == EVOLVE_RESCUE)
                vec_push(dry->arena, &columns, (LakeColumn){ .name = STR("_extra"), .type = { .kind = TYPE_TEXT } });
        if (source->load == LOAD_HISTORY) {
                Type time = feed_time_type(feed_of_source(dry->arena, source));
                vec_push(dry->arena, &columns, (LakeColumn){ .name = STR("_valid_from"), .type = time });
                vec_push(dry->arena, &columns, (LakeColumn){ .name = STR("_valid_to"), .type = time });
        }
        static const char *const hidden[] = { "_file", "_row" };
        for (size_t i = 0; i < COUNT_OF(hidden); i++)
                vec_push(dry->arena, &columns, (LakeColumn){ .name = str_of(hidden[i]), .type = { .kind = TYPE_BIGINT }, .hidden = true });
        dry->tables[node->index] = (DryTable){ true, columns.items, columns.count };
        return STATUS_OK;
}

/* ---- the text as binding sees it ---- */

static void set_columns(Relation *relation, const LakeColumn *columns, size_t count, Arena *arena) {
        relation->columns = ARENA_ARRAY(arena, RelationColumn, count);
        relation->column_count = count;
        for (size_t i = 0; i < count; i++)
                relation->columns[i] = (RelationColumn){ columns[i].name, columns[i].type, (int)i + 1, columns[i].hidden };
}

static Status resolve(void *context, Str zone, Str stage, Str name, Arena *arena, Relation **out, Error *err UNUSED) {
        const Dry *dry = context;
        const Graph *graph = dry->spec->text->graph;
        const Node *node = graph_node(graph, arena_lower(arena, arena_strf(arena, "%.*s.%.*s.%.*s", STR_ARG(zone), STR_ARG(stage), STR_ARG(name))));
        *out = NULL;
        if (!node || !dry->tables[node->index].known)
                return STATUS_OK;
        const DryTable *table = &dry->tables[node->index];
        Relation *relation = ARENA_NEW(arena, Relation);
        *relation = (Relation){ .kind = RELATION_TABLE, .zone = node->zone, .stage = node->stage, .name = node->table };
        set_columns(relation, table->columns, table->column_count, arena);
        if (node->kind == NODE_MODEL && node->model->kind == MODEL_VIEW) {
                relation->kind = RELATION_VIEW;
                relation->view = dry->spec->text->trees[node->index];
        }
        *out = relation;
        return STATUS_OK;
}

static Status no_files(void *context UNUSED, const Relation *relation UNUSED, const Predicate *predicates UNUSED, size_t count UNUSED,
                       Arena *arena UNUSED, BindFiles *out, Error *err UNUSED) {
        *out = (BindFiles){ 0 };
        return STATUS_OK;
}

static Status names(void *context, Arena *arena, Str **out, size_t *out_count, Error *err UNUSED) {
        const Dry *dry = context;
        const Graph *graph = dry->spec->text->graph;
        *out = ARENA_ARRAY(arena, Str, graph->count);
        for (size_t i = 0; i < graph->count; i++)
                (*out)[i] = graph->nodes[i]->name;
        *out_count = graph->count;
        return STATUS_OK;
}

/* Whoever changes a tree copies it. */
static Status parse(void *context, Str sql, Arena *arena UNUSED, const SqlTree **out, Error *err) {
        Dry *dry = context;
        SqlTree *tree = map_get(&dry->parsed, sql);
        if (!tree) {
                TRY(statement_parse(dry->spec->worker, sql, STR(""), dry->arena, &tree, err));
                map_put(&dry->parsed, sql, tree);
        }
        *out = tree;
        return STATUS_OK;
}

/* ---- models ---- */

/* What lies in the text, not in the machine. */
static bool is_problem(Status status) {
        return status_exit(status) == 2;
}

static Status look_at_model(Dry *dry, const StatementSpec *spec, const Node *node, DryTable *out, Error *err) {
        Statement *statement = ARENA_NEW(dry->arena, Statement);
        const Model *model = node->model;
        TRY(prepare_model(spec, model, dry->spec->text->trees[node->index], dry->arena, statement, err));
        return prepare_columns(model, statement, dry->arena, &out->columns, &out->column_count, err);
}

static Status take_model(Dry *dry, const Node *node, Error *err) {
        for (size_t i = 0; i < node->need_count; i++)
                if (!dry->tables[node->needs[i]->index].known)
                        return STATUS_OK; /* it is told of already, and all else would follow from it */
        BindSource source = { .context = dry, .resolve = resolve, .files = no_files, .names = names };
        StatementSpec spec = { .worker = dry->spec->worker, .source = &source, .principal = prepare_principal(node->zone, dry->arena),
                               .default_zone = node->zone };
        DryTable *table = &dry->tables[node->index];
        Status status = look_at_model(dry, &spec, node, table, err);
        table->known = status == STATUS_OK;
        if (status == STATUS_OK)
                return checks_bind(&spec, node->model, dry->arena, dry->spec->text->problems, err);
        if (!is_problem(status))
                return error_context(err, "looking at %.*s", STR_ARG(node->name));
        if (!err->file[0])
                error_place(err, node->model->path, node->model->text, node->model->body_offset);
        problems_take(dry->spec->text->problems, err);
        return STATUS_OK;
}

/* ---- references ---- */

static Error *bad_reference(const Dry *dry, const Model *model, const ModelColumn *column, Status status, const char *what, Str name) {
        Error *err = problems_add(dry->spec->text->problems, status, "the reference of column '%.*s' names %s '%.*s'", STR_ARG(column->name), what,
                                  STR_ARG(name));
        model_place(model, column->line, column->reference, err);
        return err;
}

static void look_at_reference(const Dry *dry, const Model *model, const ModelColumn *column) {
        Str zone, stage, table, target;
        if (!reference_parts(model, column->reference, &zone, &stage, &table, &target)) {
                Error *err = bad_reference(dry, model, column, STATUS_BAD_VALUE, "no column:", column->reference);
                error_hint(err, "write   -> ZONE.STAGE.TABLE.COLUMN");
                return;
        }
        Str full = arena_strf(dry->arena, "%.*s.%.*s.%.*s", STR_ARG(zone), STR_ARG(stage), STR_ARG(table));
        const Node *node = graph_node(dry->spec->text->graph, full);
        if (!node) {
                const Graph *graph = dry->spec->text->graph;
                Error *err = bad_reference(dry, model, column, STATUS_NO_TABLE, "no table:", full);
                Str *all = ARENA_ARRAY(dry->arena, Str, graph->count);
                for (size_t i = 0; i < graph->count; i++)
                        all[i] = graph->nodes[i]->name;
                Str near = str_nearest(full, all, graph->count);
                error_hint(err, near.size ? "did you mean %.*s?" : "%.*slode show table lists them", STR_ARG(near));
                return;
        }
        const DryTable *there = &dry->tables[node->index];
        Str *names = ARENA_ARRAY(dry->arena, Str, there->column_count);
        for (size_t i = 0; i < there->column_count; i++) {
                names[i] = there->columns[i].name;
                if (str_equal_nocase(names[i], target))
                        return;
        }
        if (!there->known)
                return; /* it is told of already */
        Error *err = bad_reference(dry, model, column, STATUS_NO_COLUMN, "no column:", column->reference);
        Str near = str_nearest(target, names, there->column_count);
        if (near.size)
                error_hint(err, "did you mean `%.*s`?", STR_ARG(near));
}

/* ---- access ---- */

static Status look_at_access(Dry *dry, Error *err) {
        if (!dry->spec->project)
                return STATUS_OK;
        BindSource source = { .context = dry, .resolve = resolve, .files = no_files, .names = names, .parse = parse };
        source.now = &source;
        Principal whole = { .name = STR("access"), .administrator = true };
        StatementSpec spec = { .worker = dry->spec->worker, .source = &source, .principal = whole };
        AccessMisfits *misfits = dry->spec->misfits;
        AccessCheck check = { .spec = &spec, .project = dry->spec->project, .graph = dry->spec->text->graph, .tables = dry->tables,
                              .trees = dry->spec->text->trees,
                              .problems = misfits ? &misfits->problems : dry->spec->text->problems, .warnings = dry->spec->warnings,
                              .misfits = misfits, .arena = dry->arena };
        return access_check(&check, err);
}

Status dry_bind(const DrySpec *spec, Arena *arena, DryTable **out, Error *err) {
        const Graph *graph = spec->text->graph;
        Dry dry = { .spec = spec, .arena = arena, .tables = ARENA_ARRAY(arena, DryTable, graph->count) };
        map_init(&dry.parsed, arena);
        for (size_t i = 0; i < graph->count; i++) {
                const Node *node = graph->nodes[i];
                TRY(node->kind == NODE_SOURCE ? look_at_source(&dry, node, err) : take_model(&dry, node, err));
        }
        for (size_t i = 0; i < graph->count; i++) {
                const Model *model = graph->nodes[i]->model;
                for (size_t k = 0; model && k < model->column_count; k++)
                        if (model->columns[k].reference.size)
                                look_at_reference(&dry, model, &model->columns[k]);
        }
        TRY(look_at_access(&dry, err));
        *out = dry.tables;
        return STATUS_OK;
}

static bool has_rules(const Project *project) {
        bool any = project->policies.count > 0;
        for (size_t z = 0; z < project->zone_count; z++)
                any |= project->zones[z]->access.rule_count > 0;
        return any;
}

Status dry_access(Lake *lake, CatalogAt at, Worker *worker, const ProjectText *text, const Project *project, Arena *arena, AccessMisfits *out,
                  Error *err) {
        Problems untold = { .arena = arena };
        ProjectText own = *text;
        DryTable *tables;
        *out = (AccessMisfits){ .problems = { .arena = arena }, .warnings = { .arena = arena } };
        if (!has_rules(project))
                return STATUS_OK;
        own.problems = &untold;
        DrySpec spec = { .lake = lake, .at = at, .worker = worker, .text = &own, .project = project, .warnings = &out->warnings, .misfits = out };
        return dry_bind(&spec, arena, &tables, err);
}
