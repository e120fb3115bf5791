/* SPDX-License-Identifier: Apache-2.0 */
#include "model/text.h"

#include "base/vec.h"
#include "model/check.h"
#include "sql/allow.h"
#include "sql/depend.h"
#include "sql/lexer.h"

#define APPLY_TRIES 20 /* each lost one was won by another */

/* The kinds of objects that apply owns: whatever of them is not in the text goes. */
static const char *const text_kinds[] = { "project", "policies", "zone", "access", "terms", "source", "model" };

static bool is_text_kind(Str kind) {
        for (size_t i = 0; i < COUNT_OF(text_kinds); i++)
                if (str_is(kind, text_kinds[i]))
                        return true;
        return false;
}

/* ---- the graph ---- */

static bool is_named(const ProjectObject *object, const CatalogObject *other) {
        return str_equal(object->kind, other->kind) && str_equal(object->zone, other->zone) && str_equal(object->name, other->name);
}

/* A failure that lies in the text, not in the machine. */
static bool is_problem(Status status) {
        return status_exit(status) == 2;
}

typedef VEC(GraphRelation) RelationVec;

static bool is_of_model(const Model *model, const SqlDependency *found) {
        return str_equal_nocase(found->name, model->name) && str_equal_nocase(found->stage, str_of(stage_name(model->stage))) &&
               (found->zone.size == 0 || str_equal_nocase(found->zone, model->zone));
}

/* What a check reads must be there and be built before it is asked, as what the model itself reads; the model is. */
static Status add_check(Worker *worker, Arena *arena, const Model *model, const ModelCheck *check, RelationVec *relations, Error *err) {
        SqlTree *parsed;
        size_t shift, count;
        Str sql = check_reading_sql(check, arena, &shift);
        TRY(sql_expression(sql, shift, check->expression.size, err));
        TRY(statement_parse(worker, sql, STR(""), arena, &parsed, err));
        TRY(sql_allow_query(parsed, parsed->query, err));
        SqlDependency *found;
        sql_dependencies(parsed->query, arena, &found, &count);
        for (size_t i = 0; i < count; i++) {
                if (is_of_model(model, &found[i]))
                        continue;
                bool placed = check->offset && found[i].at.offset >= shift;
                GraphRelation relation = { found[i].zone, found[i].stage, found[i].name, placed ? check->offset + found[i].at.offset - shift : 0 };
                vec_push(arena, relations, relation);
        }
        return STATUS_OK;
}

static Status add_model(ProjectText *text, Worker *worker, Arena *arena, const Model *model, const SqlTree **tree, Error *err) {
        SqlTree *parsed;
        TRY(statement_parse(worker, model->text, str_of(model->path), arena, &parsed, err));
        TRY(sql_allow_query(parsed, parsed->query, err)); /* before anything is touched, not when it is built */
        SqlDependency *found;
        size_t count;
        sql_dependencies(parsed->query, arena, &found, &count);
        RelationVec relations = { 0 };
        for (size_t i = 0; i < count; i++) {
                GraphRelation relation = { found[i].zone, found[i].stage, found[i].name, found[i].at.offset == SQL_NOWHERE ? 0 : found[i].at.offset };
                vec_push(arena, &relations, relation);
        }
        CheckSubject subject = check_subject_of_model(model);
        for (size_t i = 0; i < model->check_count; i++) {
                Status status = add_check(worker, arena, model, &model->checks[i], &relations, err);
                if (status == STATUS_OK)
                        continue;
                check_error(&subject, &model->checks[i], err);
                if (!is_problem(status))
                        return status;
                problems_take(text->problems, err); /* those of the other checks are told too */
        }
        graph_add_model(text->graph, model, relations.items, relations.count, sql_fingerprint(arena, parsed->query));
        *tree = parsed;
        return STATUS_OK;
}

/*
 * What the history has of a text that came from it, in place of what this program would write: beside the text an object has
 * what a program made of it (a source's reading), and another version may make something else of the very same text.
 */
static Status take_applied(const Workspace *w, Arena *arena, ProjectText *text, Error *err) {
        CatalogObject *present;
        size_t count;
        if (!w->applied)
                return STATUS_OK;
        TRY(catalog_list(w->lake->catalog, (CatalogAt){ .seq = w->origin->seq }, STR(""), STR(""), arena, &present, &count, err));
        for (size_t i = 0; i < text->object_count; i++)
                for (size_t j = 0; j < count; j++)
                        if (is_named(&text->objects[i], &present[j]))
                                text->objects[i].body = present[j].body;
        return STATUS_OK;
}

static Status find_decisions(Workspace *w, const ProjectText *text, Arena *arena, Error *err) {
        Decision *found;
        TRY(decide_find(w->project, text->graph, text->trees, arena, &found, &w->decision_count, err));
        w->decisions = found;
        return STATUS_OK;
}

Status text_load(Workspace *w, Worker *worker, Arena *arena, ProjectText *out, Error *err) {
        Project *project = w->project;
        out->graph = graph_new(arena);
        out->graph->discreet = w->discreet;
        project_objects(project, arena, &out->objects, &out->object_count);
        TRY(take_applied(w, arena, out, err));
        out->problems = &project->problems;
        VEC(const SqlTree *) trees = { 0 };
        VEC(const Model *) models = { 0 };
        for (size_t z = 0; z < project->zone_count; z++) {
                const Zone *zone = project->zones[z];
                for (size_t i = 0; i < zone->source_count; i++)
                        graph_add_source(out->graph, zone->sources[i]);
                for (size_t i = 0; i < zone->model_count; i++) {
                        const SqlTree *tree = NULL;
                        Status status = add_model(out, worker, arena, zone->models[i], &tree, err);
                        if (status != STATUS_OK && !is_problem(status))
                                return status;
                        if (status != STATUS_OK)
                                problems_take(out->problems, err);
                        vec_push(arena, &trees, tree);
                        vec_push(arena, &models, zone->models[i]);
                }
        }
        if (problems_any(out->problems))
                return STATUS_OK; /* what is missing would only make more problems that are none */
        graph_link(out->graph, project, out->problems);
        out->trees = ARENA_ARRAY(arena, const SqlTree *, out->graph->count);
        for (size_t i = 0; i < out->graph->count; i++)
                for (size_t j = 0; j < models.count; j++)
                        if (out->graph->nodes[i]->model == models.items[j])
                                out->trees[i] = trees.items[j];
        return problems_any(out->problems) ? STATUS_OK : find_decisions(w, out, arena, err);
}

void text_decisions(const Workspace *w, const Str *models, size_t count, Arena *arena, Decision **out, size_t *out_count) {
        VEC(Decision) found = { 0 };
        for (size_t i = 0; i < w->decision_count; i++)
                for (size_t k = 0; k < count; k++)
                        if (str_equal(models[k], w->decisions[i].node->name)) {
                                vec_push(arena, &found, w->decisions[i]);
                                break;
                        }
        *out = found.items;
        *out_count = found.count;
}

/* ---- apply ---- */

static bool has_object(const ProjectObject *objects, size_t count, const CatalogObject *wanted) {
        for (size_t i = 0; i < count; i++)
                if (is_named(&objects[i], wanted))
                        return true;
        return false;
}

static bool same_objects(const ProjectObject *a, size_t a_count, const ProjectObject *b, size_t b_count) {
        if (a_count != b_count)
                return false;
        for (size_t i = 0; i < a_count; i++)
                if (!str_equal(a[i].kind, b[i].kind) || !str_equal(a[i].zone, b[i].zone) || !str_equal(a[i].name, b[i].name) ||
                    !str_equal(a[i].body, b[i].body))
                        return false;
        return true;
}

/* What the project's files say now, in the order of project_objects. */
static Status read_again(const Workspace *w, Arena *arena, ProjectObject **out, size_t *out_count, Error *err) {
        Project *now;
        TRY(project_load(arena, w->project->root, &now, err));
        project_objects(now, arena, out, out_count);
        return STATUS_OK;
}

/*
 * Whether the files were edited since this process read them. Asked after a change set's base was taken: so of two that
 * apply, the one that read first and publishes last finds out, either here or by a conflict.
 */
static Status is_stale(const Workspace *w, CatalogAt base, bool *out, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        ProjectObject *now, *read;
        size_t now_count, read_count;
        if (w->origin) { /* its files are nobody else's, but a part of them is the history's own */
                *out = base.seq != w->origin->seq;
                return STATUS_OK;
        }
        TRY(read_again(w, &arena, &now, &now_count, err));
        project_objects(w->project, &arena, &read, &read_count);
        *out = !same_objects(now, now_count, read, read_count);
        return STATUS_OK;
}

typedef VEC(Str) Names;

static void add_name(Arena *arena, Names *names, Str zone, Str name) {
        vec_push(arena, names, zone.size ? arena_strf(arena, "%.*s.%.*s", STR_ARG(zone), STR_ARG(name)) : name);
}

static bool is_present(const ProjectObject *object, const CatalogObject *present, size_t count) {
        for (size_t i = 0; i < count; i++)
                if (is_named(object, &present[i]))
                        return str_equal(object->body, present[i].body);
        return false;
}

/* changed: what the change set puts or removes. */
static Status fill(ChangeSet *set, Workspace *w, Arena *arena, Names *changed, Error *err) {
        ProjectObject *objects;
        CatalogObject *present;
        size_t count, present_count;
        project_objects(w->project, arena, &objects, &count);
        TRY(catalog_list(w->lake->catalog, changeset_base(set), STR(""), STR(""), arena, &present, &present_count, err));
        for (size_t i = 0; i < count; i++) {
                if (!is_present(&objects[i], present, present_count))
                        add_name(arena, changed, objects[i].zone, objects[i].name);
                TRY(changeset_put_object(set, (CatalogName){ objects[i].kind, objects[i].zone, objects[i].name }, objects[i].body, err));
        }
        for (size_t i = 0; i < present_count; i++) {
                if (!is_text_kind(present[i].kind) || has_object(objects, count, &present[i]))
                        continue;
                add_name(arena, changed, present[i].zone, present[i].name);
                TRY(changeset_remove_object(set, (CatalogName){ present[i].kind, present[i].zone, present[i].name }, err));
        }
        return STATUS_OK;
}

Status text_unsettled(Error *err) {
        error_set(err, STATUS_CONFLICT, "the project's files were edited each time that they were read");
        return error_hint(err, "run again when whoever edits them is done");
}

static Status audit_decisions(Workspace *w, const ApplyReport *report, Arena *arena, Error *err) {
        for (size_t i = 0; i < report->decision_count; i++) {
                const Decision *decision = &report->decisions[i];
                AuditRecord record = { .action = STR("apply"), .objects = &decision->node->name, .object_count = 1, .columns = &decision->column,
                                       .column_count = 1, .rows = -1, .bytes = -1, .statement = decide_print(arena, decision) };
                TRY(workspace_audit(w, record, err));
        }
        return STATUS_OK;
}

static Status commit_changes(Workspace *w, Str branch, CatalogCommit *commit, Arena *arena, Error *err) {
        CatalogCommit *log;
        size_t count;
        TRY(catalog_log(w->lake->catalog, branch, commit->seq + 1, 1, arena, &log, &count, err));
        if (count && log[0].seq == commit->seq)
                *commit = log[0];
        return STATUS_OK;
}

Status text_apply(Workspace *w, Str branch, Arena *arena, ApplyReport *out, Error *err) {
        ChangeSetSpec spec = { .branch = branch, .author = w->principal.name, .via = workspace_via(w),
                               .message = STR("apply the project's text"), .git = w->origin ? w->origin->git : workspace_git(w) };
        Status status = STATUS_CONFLICT;
        Str head = STR_NONE;
        for (int i = 0; i < APPLY_TRIES && status == STATUS_CONFLICT; i++) {
                CLEANUP(changeset_freep) ChangeSet *set = NULL;
                Names changed = { 0 };
                TRY(changeset_new(w->lake, &spec, &set, err));
                *out = (ApplyReport){ 0 };
                TRY(is_stale(w, changeset_base(set), &out->stale, err));
                if (out->stale)
                        return STATUS_OK;
                TRY(fill(set, w, arena, &changed, err));
                out->changed = !changeset_is_empty(set);
                TRY(access_changes(w->project, w->lake, changeset_base(set), arena, &out->access, &out->access_count, err));
                if (!out->changed)
                        return catalog_head(w->lake->catalog, branch, arena, &out->commit, err);
                text_decisions(w, changed.items, changed.count, arena, &out->decisions, &out->decision_count);
                if (i == 0) {
                        TRY(audit_decisions(w, out, arena, err));
                        AuditRecord record = { .action = STR("apply"), .objects = changed.items, .object_count = changed.count, .rows = -1, .bytes = -1 };
                        TRY(workspace_audit_change(w, record, arena, &head, err));
                }
                changeset_set_audit(set, head);
                status = changeset_publish(set, arena, &out->commit, err);
        }
        TRY(status);
        return commit_changes(w, branch, &out->commit, arena, err);
}

Status text_is_applied(Workspace *w, Str branch, Arena *arena, bool *out, Error *err) {
        ProjectObject *objects;
        CatalogObject *present;
        size_t count, present_count, matched = 0, applied = 0;
        TRY(read_again(w, arena, &objects, &count, err));
        TRY(catalog_list(w->lake->catalog, (CatalogAt){ .branch = branch }, STR(""), STR(""), arena, &present, &present_count, err));
        for (size_t j = 0; j < present_count; j++) {
                applied += is_text_kind(present[j].kind);
                for (size_t i = 0; i < count; i++)
                        matched += is_named(&objects[i], &present[j]) && str_equal(objects[i].body, present[j].body);
        }
        *out = matched == count && applied == count;
        return STATUS_OK;
}

static int compare_text(const void *a, const void *b) {
        const TextChange *x = a, *y = b;
        int kind = str_compare(x->kind, y->kind), zone = str_compare(x->zone, y->zone);
        return kind ? kind : zone ? zone : str_compare(x->name, y->name);
}

static const CatalogObject *find_present(const CatalogObject *present, size_t count, const ProjectObject *object) {
        for (size_t i = 0; i < count; i++)
                if (is_named(object, &present[i]))
                        return &present[i];
        return NULL;
}

Status text_changes(Workspace *w, CatalogAt at, Arena *arena, TextChange **out, size_t *out_count, Error *err) {
        ProjectObject *objects;
        CatalogObject *present = NULL;
        size_t count, present_count = 0;
        VEC(TextChange) changes = { 0 };
        project_objects(w->project, arena, &objects, &count);
        if (w->lake)
                TRY(catalog_list(w->lake->catalog, at, STR(""), STR(""), arena, &present, &present_count, err));
        for (size_t i = 0; i < count; i++) {
                const CatalogObject *before = find_present(present, present_count, &objects[i]);
                if (!before || !str_equal(before->body, objects[i].body))
                        vec_push(arena, &changes, (TextChange){ objects[i].kind, objects[i].zone, objects[i].name, false, !before });
        }
        for (size_t i = 0; i < present_count; i++)
                if (is_text_kind(present[i].kind) && !has_object(objects, count, &present[i]))
                        vec_push(arena, &changes, (TextChange){ present[i].kind, present[i].zone, present[i].name, true, false });
        if (changes.count)
                qsort(changes.items, changes.count, sizeof(*changes.items), compare_text);
        *out = changes.items;
        *out_count = changes.count;
        return STATUS_OK;
}
