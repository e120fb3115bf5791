/* SPDX-License-Identifier: Apache-2.0 */
#include "model/decide.h"

#include "base/vec.h"
#include "sql/lineage.h"

typedef struct Tags {
        Str *items;
        size_t count;
} Tags;

/* A table as the text has it. */
typedef struct Columns {
        Str *names;
        Tags *tags; /* of each, those that a policy rules on */
        size_t count;
} Columns;

typedef struct Finder {
        const Project *project;
        const Graph *graph;
        Arena *arena;
        Columns *tables; /* by node index */
        const Node *node; /* that is looked at */
        VEC(Decision) found;
} Finder;

static bool has(const Tags *tags, Str tag) {
        for (size_t i = 0; i < tags->count; i++)
                if (str_equal(tags->items[i], tag))
                        return true;
        return false;
}

static bool is_ruled(const Finder *f, Str tag) {
        for (size_t i = 0; i < f->project->policies.count; i++)
                if (str_equal(f->project->policies.items[i].tag, tag))
                        return true;
        return false;
}

static void add_tag(const Finder *f, Tags *tags, Str tag) {
        if (!is_ruled(f, tag) || has(tags, tag))
                return;
        Str *all = ARENA_ARRAY(f->arena, Str, tags->count + 1);
        for (size_t i = 0; i < tags->count; i++)
                all[i] = tags->items[i];
        all[tags->count] = tag;
        *tags = (Tags){ all, tags->count + 1 };
}

static void add_tags(const Finder *f, Tags *tags, const Str *more, size_t count) {
        for (size_t i = 0; i < count; i++)
                add_tag(f, tags, more[i]);
}

static Columns columns_new(const Finder *f, size_t count) {
        return (Columns){ ARENA_ARRAY(f->arena, Str, count), ARENA_ARRAY(f->arena, Tags, count), count };
}

static void take_source(Finder *f, const Source *source) {
        Columns columns = columns_new(f, source->column_count);
        for (size_t i = 0; i < columns.count; i++) {
                columns.names[i] = source->columns[i].name;
                columns.tags[i] = (Tags){ 0 };
                add_tags(f, &columns.tags[i], source->column_texts[i].tags, source->column_texts[i].tag_count);
        }
        f->tables[f->node->index] = columns;
}

/* ---- models ---- */

/* By the name that the model says; those that the graph resolved are the only ones. */
static const Node *find_node(const Finder *f, const SqlNames *path) {
        size_t n = path->count;
        for (size_t i = 0; i < f->node->need_count; i++) {
                const Node *need = f->node->needs[i];
                if (str_equal_nocase(need->table, path->items[n - 1]) && (n < 2 || str_equal_nocase(need->stage, path->items[n - 2])) &&
                    (n < 3 ? str_equal(need->zone, f->node->zone) || n == 1 : str_equal_nocase(need->zone, path->items[n - 3])))
                        return need;
        }
        return NULL;
}

static Status find_table(void *context, const SqlNames *path, Arena *arena UNUSED, LineageTable *out, Error *err UNUSED) {
        const Finder *f = context;
        const Node *need = find_node(f, path);
        if (need)
                *out = (LineageTable){ need->name, f->tables[need->index].names, f->tables[need->index].count };
        return STATUS_OK;
}

static const Tags *tags_of(const Finder *f, const LineageSource *source) {
        static const Tags none = { 0 };
        const Node *node = graph_node(f->graph, source->table);
        for (size_t i = 0; node && i < f->tables[node->index].count; i++)
                if (str_equal_nocase(f->tables[node->index].names[i], source->column))
                        return &f->tables[node->index].tags[i];
        return &none;
}

static const ModelColumn *column_text(const Model *model, Str name) {
        for (size_t i = 0; i < model->column_count; i++)
                if (str_equal_nocase(model->columns[i].name, name))
                        return &model->columns[i];
        return NULL;
}

/* Where the model wishes it and policies.yml agrees, a tag ends. */
static bool is_lifted(const Finder *f, const ModelColumn *text, Str tag) {
        const Tags untags = text ? (Tags){ text->untags, text->untag_count } : (Tags){ 0 };
        return has(&untags, tag) && policies_let_go(&f->project->policies, tag, f->node->zone, f->node->stage, f->node->table, text->name);
}

static void take_columns(Finder *f, const Model *model, const Lineage *lineage) {
        Columns columns = columns_new(f, lineage->column_count);
        for (size_t i = 0; i < columns.count; i++) {
                const LineageColumn *line = &lineage->columns[i];
                const ModelColumn *text = column_text(model, line->name);
                Tags *tags = &columns.tags[i];
                columns.names[i] = line->name;
                *tags = (Tags){ 0 };
                add_tags(f, tags, model->tags, model->tag_count);
                if (text)
                        add_tags(f, tags, text->tags, text->tag_count);
                for (size_t k = 0; k < line->source_count; k++) {
                        const Tags *from = tags_of(f, &line->sources[k]);
                        for (size_t t = 0; t < from->count; t++)
                                if (!is_lifted(f, text, from->items[t]))
                                        add_tag(f, tags, from->items[t]);
                }
        }
        f->tables[f->node->index] = columns;
}

static void take_decisions(Finder *f, const Lineage *lineage) {
        for (size_t i = 0; i < lineage->decide_count; i++) {
                const LineageSource *by = &lineage->decides[i];
                const Tags *tags = tags_of(f, by);
                for (size_t t = 0; t < tags->count; t++) {
                        Str column = arena_strf(f->arena, "%.*s.%.*s", STR_ARG(by->table), STR_ARG(by->column));
                        vec_push(f->arena, &f->found, ((Decision){ f->node, column, tags->items[t] }));
                }
        }
}

/* The text once through; what each table's columns carry is in f->tables afterwards. */
static Status walk(Finder *f, const SqlTree *const *trees, Error *err) {
        f->tables = ARENA_ARRAY(f->arena, Columns, f->graph->count);
        for (size_t i = 0; i < f->graph->count; i++) {
                Lineage lineage;
                f->node = f->graph->nodes[i];
                f->tables[i] = (Columns){ 0 };
                if (f->node->kind == NODE_SOURCE) {
                        take_source(f, f->node->source);
                        continue;
                }
                TRY(sql_lineage(trees[i], &(LineageTables){ f, find_table }, f->arena, &lineage, err));
                take_columns(f, f->node->model, &lineage);
                take_decisions(f, &lineage);
        }
        return STATUS_OK;
}

Status decide_find(const Project *project, const Graph *graph, const SqlTree *const *trees, Arena *arena, Decision **out, size_t *out_count, Error *err) {
        Finder f = { .project = project, .graph = graph, .arena = arena };
        if (project->policies.count > 0)
                TRY(walk(&f, trees, err));
        *out = f.found.items;
        *out_count = f.found.count;
        return STATUS_OK;
}

Status decide_masked(const Project *project, const Graph *graph, const SqlTree *const *trees, Arena *arena, Masked **out, size_t *out_count, Error *err) {
        Finder f = { .project = project, .graph = graph, .arena = arena };
        VEC(Masked) found = { 0 };
        if (project->policies.count > 0)
                TRY(walk(&f, trees, err));
        for (size_t i = 0; f.tables && i < graph->count; i++)
                for (size_t c = 0; c < f.tables[i].count; c++)
                        for (size_t p = 0; p < project->policies.count; p++) {
                                const CentralPolicy *policy = &project->policies.items[p];
                                if (policy->mask.size > 0 && has(&f.tables[i].tags[c], policy->tag))
                                        vec_push(arena, &found, ((Masked){ graph->nodes[i], f.tables[i].names[c], policy->tag, policy }));
                        }
        *out = found.items;
        *out_count = found.count;
        return STATUS_OK;
}

Str decide_print(Arena *arena, const Decision *decision) {
        return arena_strf(arena, "%.*s decides by %.*s (%.*s): its values can be spelled out by that", STR_ARG(decision->node->name),
                          STR_ARG(decision->column), STR_ARG(decision->tag));
}
