/* SPDX-License-Identifier: Apache-2.0 */
#include "model/plan.h"

#include "base/vec.h"
#include "intake/unpack.h"
#include "model/build.h"
#include "model/product.h"
#include "model/scope.h"

#define VIEW_DEPTH 100

typedef struct Planner {
        Workspace *workspace;
        const PlanOptions *options;
        Arena *arena;
        PlanReport *out;
        CatalogAt at;      /* one commit, read as a whole */
        Scope scope;
        DryTable *dry;
        LandedFile *landed;
        size_t landed_count;
        PlanStep **by_node; /* NULL: it stays as it is */
} Planner;

const char *plan_why_name(PlanWhy why) {
        static const char *const names[] = { "edited", "upstream", "new data" };
        return names[why];
}

/* ---- the text ---- */

static Status read_text(Planner *plan, Error *err) {
        Workspace *w = plan->workspace;
        if (problems_any(&w->project->problems))
                return project_first_problem(w->project, err);
        CLEANUP(worker_releasep) Worker *worker = NULL;
        TRY(worker_lease(w->pool, w->principal.name, &worker, err));
        TRY(text_load(w, worker, plan->arena, &plan->out->text, err));
        if (problems_any(&w->project->problems))
                return project_first_problem(w->project, err);
        Problems warnings = { .arena = plan->arena };
        plan->out->misfits.problems.arena = plan->arena;
        DrySpec dry = { .lake = w->lake, .at = plan->at, .worker = worker, .text = &plan->out->text, .project = w->project, .warnings = &warnings,
                        .misfits = &plan->out->misfits };
        return dry_bind(&dry, plan->arena, &plan->dry, err); /* models that would fail are among the project's problems */
}

static Status find_head(Planner *plan, Error *err) {
        Str branch = plan->options->branch;
        plan->at = (CatalogAt){ .branch = branch };
        if (!plan->workspace->lake) {
                if (branch.size == 0 || str_is(branch, "main"))
                        return STATUS_OK;
                error_set(err, STATUS_NOT_FOUND, "there is no branch '%.*s': the store is not made yet", STR_ARG(branch));
                return error_hint(err, "the first lode run makes it");
        }
        CatalogCommit head;
        TRY(catalog_head(plan->workspace->lake->catalog, branch, plan->arena, &head, err));
        plan->at.seq = head.seq;
        return STATUS_OK;
}

/* Nothing is there yet: the catalog would take commit 0 for its head. */
static bool is_empty(const Planner *plan) {
        return !plan->workspace->lake || plan->at.seq == 0;
}

static Status find_table(const Planner *plan, const Node *node, Table *out, bool *found, Error *err) {
        *found = false;
        if (is_empty(plan))
                return STATUS_OK;
        Status status = lake_table(plan->workspace->lake, plan->at, model_table_name(plan->arena, node), plan->arena, out, err);
        *found = status == STATUS_OK;
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static void add_step(Planner *plan, PlanStep step) {
        PlanStep *copy = ARENA_NEW(plan->arena, PlanStep);
        *copy = step;
        plan->by_node[step.node->index] = copy;
        plan->out->step_count++;
}

/* ---- files and sources ---- */

static bool is_on_main(const Planner *plan) {
        return plan->options->branch.size == 0 || str_is(plan->options->branch, "main");
}

static void count_landed(Planner *plan, const LandedFile *landed) {
        PlanFiles *files = &plan->out->files;
        switch (landed->state) {
        case LAND_NEW:
                files->count++;
                files->bytes += landed->delivery.bytes;
                break;
        case LAND_DUPLICATE:
                files->duplicate++;
                break;
        case LAND_HELD:
                files->held++;
                break;
        case LAND_FAILED:
                files->refused++;
                break;
        case LAND_UNSETTLED:
                files->unsettled++;
                break;
        case LAND_KNOWN:
                break;
        }
}

static void count_unpacked(Planner *plan, const UnpackedFile *unpacked) {
        PlanFiles *files = &plan->out->files;
        files->held += unpacked->state == UNPACK_HELD;
        files->refused += unpacked->state == UNPACK_FAILED;
        files->unsettled += unpacked->state == UNPACK_UNSETTLED;
}

static bool is_unpacked(const UnpackedFile *unpacked, size_t count, const FoundFile *file) {
        for (size_t i = 0; i < count; i++)
                if (strcmp(unpacked[i].file->path, file->path) == 0)
                        return true;
        return false;
}

/* What waits, archives as their members. */
static Status find_files(Planner *plan, const char *look_into, FoundFile **out, size_t *out_count, Error *err) {
        Workspace *w = plan->workspace;
        const Store *store = w->lake ? w->lake->store : NULL;
        UnpackSpec spec = { .lake = w->lake, .pool = w->pool, .look_into = look_into, .interrupted = plan->options->interrupted };
        FoundFile *found;
        UnpackedFile *unpacked = NULL;
        size_t count, unpacked_count = 0;
        *out_count = 0;
        TRY(scope_discover(&plan->scope, store, NULL, plan->arena, &found, &count, err));
        if (look_into)
                TRY(unpack_archives(&spec, found, count, plan->arena, &unpacked, &unpacked_count, err));
        if (unpacked_count > 0)
                TRY(scope_discover(&plan->scope, store, look_into, plan->arena, &found, &count, err));
        for (size_t i = 0; i < unpacked_count; i++)
                count_unpacked(plan, &unpacked[i]);
        for (size_t i = 0; i < count; i++) {
                bool nobodys = found[i].is_elsewhere && !found[i].feed;
                if (!found[i].unpacked && !nobodys && !is_unpacked(unpacked, unpacked_count, &found[i]))
                        found[(*out_count)++] = found[i];
        }
        *out = found;
        return STATUS_OK;
}

/* As a run sorts what it finds. */
static Status look_at_files(Planner *plan, const char *look_into, Error *err) {
        FoundFile *found;
        size_t count;
        TRY(find_files(plan, look_into, &found, &count, err));
        VEC(const FoundFile *) claimed = { 0 };
        for (size_t i = 0; i < count; i++) {
                const FoundFile *file = &found[i];
                if (file->rival && (scope_has_feed(&plan->scope, file->feed) || scope_has_feed(&plan->scope, file->rival)))
                        plan->out->files.refused++;
                else if (!file->feed && plan->scope.whole)
                        plan->out->files.unclaimed++;
                else if (file->feed && !file->rival && scope_has_feed(&plan->scope, file->feed))
                        vec_push(plan->arena, &claimed, file);
        }
        plan->landed = ARENA_ARRAY(plan->arena, LandedFile, claimed.count);
        plan->landed_count = claimed.count;
        TRY(land_look(plan->workspace->lake, claimed.items, claimed.count, plan->options->interrupted, plan->arena, plan->landed, err));
        for (size_t i = 0; i < claimed.count; i++)
                count_landed(plan, &plan->landed[i]);
        return STATUS_OK;
}

static Status look_for_files(Planner *plan, Error *err) {
        CLEANUP(unpack_look_close) UnpackLook look = { NULL, -1 };
        if (!plan->options->packed)
                TRY(unpack_look_open(plan->workspace->lake ? plan->workspace->lake->store : NULL, plan->arena, &look, err));
        return look_at_files(plan, look.folder, err);
}

/* Newest first, as the ledger will list them: of those that land together the last is the newest. */
static Delivery *arriving_at(const Planner *plan, const Feed *feed, size_t *out_count) {
        Delivery *arriving = ARENA_ARRAY(plan->arena, Delivery, plan->landed_count);
        *out_count = 0;
        for (size_t i = plan->landed_count; i-- > 0;) {
                const LandedFile *landed = &plan->landed[i];
                if (landed->file->feed == feed && (landed->state == LAND_NEW || landed->state == LAND_HELD))
                        arriving[(*out_count)++] = landed->delivery;
        }
        return arriving;
}

static Status plan_source(Planner *plan, const Node *node, const Feed *feed, Error *err) {
        StageContext context = { .lake = plan->workspace->lake, .commit = { .branch = plan->options->branch } };
        size_t count;
        Delivery *arriving = arriving_at(plan, feed, &count);
        StagePlan stage;
        TRY(stage_plan(&context, feed, arriving, count, plan->arena, &stage, err));
        if (stage.deliveries == 0 && !stage.rebuild)
                return STATUS_OK;
        bool by_text = stage.other_text || (stage.is_new && stage.deliveries == 0);
        add_step(plan, (PlanStep){ .node = node, .why = by_text ? PLAN_EDITED : PLAN_NEW_DATA, .is_new = stage.is_new,
                                   .wants_yes = node->source->reread_bytes && stage.reread > node->source->reread_bytes,
                                   .files = (int64_t)stage.deliveries, .rows = stage.records, .bytes = stage.bytes });
        return STATUS_OK;
}

static const Node *node_of_feed(const Planner *plan, const Feed *feed) {
        return graph_node(plan->out->text.graph, arena_strf(plan->arena, "%.*s.staging.%.*s", STR_ARG(feed->zone), STR_ARG(feed->name)));
}

static Status plan_sources(Planner *plan, Error *err) {
        if (!is_on_main(plan)) /* the ledger is main's */
                return scope_unread(&plan->scope, plan->workspace->lake, plan->options->branch, &plan->out->misfits.problems, plan->arena, err);
        if (!is_empty(plan))
                TRY(scope_left_behind(&plan->scope, plan->workspace->lake, plan->at, &plan->out->misfits.problems, plan->arena, err));
        TRY(look_for_files(plan, err));
        for (size_t i = 0; i < plan->scope.feed_count; i++)
                if (plan->scope.feed_chosen[i])
                        TRY(plan_source(plan, node_of_feed(plan, plan->scope.feeds[i]), plan->scope.feeds[i], err));
        return STATUS_OK;
}

/* ---- models ---- */

static void add_size(int64_t *sum, int64_t more) {
        *sum = *sum < 0 || more < 0 ? -1 : *sum + more;
}

/* What reading this would cost, as it stands and with what would come to it. */
static Status add_reading(const Planner *plan, const Node *need, int depth, PlanStep *step, Error *err) {
        if (need->kind == NODE_MODEL && need->model->kind == MODEL_VIEW) {
                for (size_t i = 0; i < need->need_count && depth < VIEW_DEPTH; i++)
                        TRY(add_reading(plan, need->needs[i], depth + 1, step, err));
                return STATUS_OK;
        }
        Table table;
        bool found;
        TRY(find_table(plan, need, &table, &found, err));
        const PlanStep *before = plan->by_node[need->index];
        bool is_source = need->kind == NODE_SOURCE;
        if (is_source && before && (before->why == PLAN_EDITED || !found)) { /* made anew from its files */
                add_size(&step->rows, before->rows);
                add_size(&step->bytes, before->bytes);
                return STATUS_OK;
        }
        add_size(&step->rows, !found || (is_source && before) ? -1 : table.body.rows);
        add_size(&step->bytes, !found ? -1 : table.body.bytes);
        if (is_source && before)
                add_size(&step->bytes, before->bytes);
        return STATUS_OK;
}

static const ProjectObject *own_object(const Planner *plan, const Node *node) {
        const ProjectText *text = &plan->out->text;
        Str name = model_table_name(plan->arena, node).name;
        for (size_t i = 0; i < text->object_count; i++) {
                const ProjectObject *object = &text->objects[i];
                if (str_is(object->kind, "model") && str_equal(object->zone, node->zone) && str_equal(object->name, name))
                        return object;
        }
        return NULL;
}

/* Whether the model's own text is what it was at the commit that made its table; then something above it was edited. */
static Status why_edited(const Planner *plan, const Node *node, int64_t seq, PlanWhy *out, Error *err) {
        const ProjectObject *own = own_object(plan, node);
        CatalogObject then;
        CatalogAt at = { plan->at.branch, seq };
        Status status = catalog_get(plan->workspace->lake->catalog, at, (CatalogName){ own->kind, own->zone, own->name }, plan->arena, &then, err);
        bool same = status == STATUS_OK && str_equal(then.body, own->body);
        *out = same ? PLAN_UPSTREAM : PLAN_EDITED;
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static Status input_moved(const Planner *plan, const LakeInput *input, bool *out, Error *err) {
        const Node *node = graph_node(plan->out->text.graph, input->table);
        Table table;
        bool found = false;
        *out = true;
        if (!node || plan->by_node[node->index])
                return STATUS_OK;
        TRY(find_table(plan, node, &table, &found, err));
        *out = !found || table.body.rows_snapshot != input->snapshot;
        return STATUS_OK;
}

/* *out_why is set when the table would be built. */
static Status table_needs(const Planner *plan, const Node *node, const Table *table, bool *out, PlanWhy *out_why, Error *err) {
        *out = !str_equal(table->body.fingerprint, sha256_hex(plan->arena, node->fingerprint));
        if (*out)
                return why_edited(plan, node, table->seq, out_why, err);
        *out_why = PLAN_NEW_DATA;
        for (size_t i = 0; i < table->body.input_count && !*out; i++)
                TRY(input_moved(plan, &table->body.inputs[i], out, err));
        return STATUS_OK;
}

/* A view is text: rows change nothing of it. */
static Status view_needs(const Planner *plan, const Node *node, bool *out_new, bool *out, PlanWhy *out_why, Error *err) {
        CatalogName name = model_table_name(plan->arena, node);
        name.kind = STR("view");
        CatalogObject object;
        ViewBody view;
        Status status = is_empty(plan) ? STATUS_NOT_FOUND : catalog_get(plan->workspace->lake->catalog, plan->at, name, plan->arena, &object, err);
        *out_new = *out = status == STATUS_NOT_FOUND;
        *out_why = PLAN_EDITED;
        if (status == STATUS_NOT_FOUND)
                return STATUS_OK;
        TRY(status);
        TRY(view_body_parse(object.body, plan->arena, &view, err));
        *out = !str_equal(view.fingerprint, sha256_hex(plan->arena, node->fingerprint));
        return *out ? why_edited(plan, node, object.seq, out_why, err) : STATUS_OK;
}

static Status plan_model(Planner *plan, const Node *node, Error *err) {
        PlanStep step = { .node = node };
        bool wanted = true;
        if (node->model->kind == MODEL_VIEW) {
                TRY(view_needs(plan, node, &step.is_new, &wanted, &step.why, err));
        } else {
                Table table;
                bool found;
                TRY(find_table(plan, node, &table, &found, err));
                step.is_new = !found;
                if (found)
                        TRY(table_needs(plan, node, &table, &wanted, &step.why, err));
                for (size_t i = 0; i < node->need_count && wanted; i++)
                        TRY(add_reading(plan, node->needs[i], 0, &step, err));
        }
        if (wanted)
                add_step(plan, step);
        return STATUS_OK;
}

static Status plan_models(Planner *plan, Error *err) {
        const Graph *graph = plan->out->text.graph;
        for (size_t i = 0; i < graph->count; i++) {
                if (plan->options->interrupted && *plan->options->interrupted)
                        return error_set(err, STATUS_INTERRUPTED, "interrupted");
                if (graph->nodes[i]->kind == NODE_MODEL && plan->scope.chosen[i])
                        TRY(plan_model(plan, graph->nodes[i], err));
        }
        return STATUS_OK;
}

static void list_steps(Planner *plan) {
        const Graph *graph = plan->out->text.graph;
        plan->out->steps = ARENA_ARRAY(plan->arena, PlanStep, plan->out->step_count);
        size_t at = 0;
        for (size_t i = 0; i < graph->count; i++)
                if (plan->by_node[i])
                        plan->out->steps[at++] = *plan->by_node[i];
}

/* ---- what goes, and what breaks ---- */

static bool in_scope(const Planner *plan, Str zone) {
        for (size_t i = 0; i < plan->scope.zone_count; i++)
                if (str_equal(plan->scope.zones[i], zone))
                        return true;
        return plan->scope.whole && !project_zone(plan->workspace->project, zone);
}

static Str *losers_of(const Planner *plan, Str table, size_t *out_count) {
        Str *who = ARENA_ARRAY(plan->arena, Str, plan->out->access_count);
        *out_count = 0;
        for (size_t i = 0; i < plan->out->access_count; i++)
                if (str_equal(plan->out->access[i].object, table) && plan->out->access[i].loses.size)
                        who[(*out_count)++] = plan->out->access[i].principal;
        return who;
}

typedef struct Fates {
        VEC(PlanDrop) drops;
        VEC(PlanBreak) breaks;
} Fates;

static Status size_of_drop(const Planner *plan, const CatalogObject *object, PlanDrop *drop, Error *err) {
        Table table;
        drop->rows = drop->bytes = -1;
        if (!str_is(object->kind, "table"))
                return STATUS_OK;
        TRY(lake_table(plan->workspace->lake, plan->at, (CatalogName){ object->kind, object->zone, object->name }, plan->arena, &table, err));
        drop->rows = table.body.rows;
        drop->bytes = table.body.bytes;
        return STATUS_OK;
}

/* Tables and views of sources and models that are no longer in the text. */
static Status list_drops(const Planner *plan, Fates *fates, Error *err) {
        static const char *const kinds[] = { "table", "view" };
        for (size_t k = 0; k < COUNT_OF(kinds) && !is_empty(plan); k++) {
                CatalogObject *objects;
                size_t count;
                TRY(catalog_list(plan->workspace->lake->catalog, plan->at, str_of(kinds[k]), STR(""), plan->arena, &objects, &count, err));
                for (size_t i = 0; i < count; i++) {
                        Str full = arena_strf(plan->arena, "%.*s.%.*s", STR_ARG(objects[i].zone), STR_ARG(objects[i].name));
                        if (!in_scope(plan, objects[i].zone) || graph_node(plan->out->text.graph, full))
                                continue;
                        PlanDrop drop = { .table = full, .is_source = str_starts_with(objects[i].name, STR("staging.")) };
                        TRY(size_of_drop(plan, &objects[i], &drop, err));
                        vec_push(plan->arena, &fates->drops, drop);
                        if (!str_starts_with(objects[i].name, STR("egress.")))
                                continue;
                        PlanBreak gone = { .table = full, .what = STR("the product is no longer in the text") };
                        gone.used_by = losers_of(plan, full, &gone.used_by_count);
                        vec_push(plan->arena, &fates->breaks, gone);
                }
        }
        return STATUS_OK;
}

/* Those of other zones that read it, and those whom the zone gives it to. */
static Str *readers_of(const Planner *plan, const Node *node, size_t *out_count) {
        const Zone *zone = project_zone(plan->workspace->project, node->zone);
        VEC(Str) readers = { 0 };
        for (size_t i = 0; i < node->needed_by_count; i++)
                if (!str_equal(node->needed_by[i]->zone, node->zone))
                        vec_push(plan->arena, &readers, node->needed_by[i]->name);
        for (size_t r = 0; r < zone->access.rule_count; r++) {
                const AccessRule *rule = &zone->access.rules[r];
                if (!access_rule_means(rule, node->stage, node->table, node->model->tags, node->model->tag_count))
                        continue;
                for (size_t w = 0; w < rule->who_count; w++)
                        vec_push(plan->arena, &readers, who_print(plan->arena, &rule->who[w]));
        }
        *out_count = readers.count;
        return readers.items;
}

/* A product's promises that would be taken back. In a higher version that is allowed and breaks its readers all the same. */
static Status compare_product(const Planner *plan, const Node *node, Fates *fates, Error *err) {
        const DryTable *dry = &plan->dry[node->index];
        Contract before, now = contract_of(node->model, dry->columns, dry->column_count, plan->arena);
        bool found = false;
        TRY(product_published(plan->workspace->lake, plan->at, node->zone, node->table, plan->arena, &before, &found, err));
        Error why;
        if (!found)
                return STATUS_OK;
        PlanBreak broken = { .table = node->name, .refused = contract_compare(&before, &now, node->model, &why) != STATUS_OK };
        if (!broken.refused) {
                broken.new_version = now.version > before.version;
                now.version = before.version;
                if (contract_compare(&before, &now, node->model, &why) == STATUS_OK)
                        return STATUS_OK;
        }
        broken.what = arena_str(plan->arena, str_of(why.message));
        broken.used_by = readers_of(plan, node, &broken.used_by_count);
        vec_push(plan->arena, &fates->breaks, broken);
        return STATUS_OK;
}

static Status find_fates(Planner *plan, Error *err) {
        const Graph *graph = plan->out->text.graph;
        Fates fates = { 0 };
        TRY(list_drops(plan, &fates, err));
        for (size_t i = 0; i < graph->count && !is_empty(plan); i++)
                if (graph->nodes[i]->kind == NODE_MODEL && graph->nodes[i]->model->stage == STAGE_EGRESS && plan->dry[i].known)
                        TRY(compare_product(plan, graph->nodes[i], &fates, err));
        plan->out->drops = fates.drops.items;
        plan->out->drop_count = fates.drops.count;
        plan->out->breaks = fates.breaks.items;
        plan->out->break_count = fates.breaks.count;
        return STATUS_OK;
}

/* ---- the whole ---- */

static void find_decisions(const Planner *plan) {
        PlanReport *out = plan->out;
        Str *models = ARENA_ARRAY(plan->arena, Str, out->change_count);
        size_t count = 0;
        for (size_t i = 0; i < out->change_count; i++)
                if (str_is(out->changes[i].kind, "model") && !out->changes[i].removed)
                        models[count++] = arena_strf(plan->arena, "%.*s.%.*s", STR_ARG(out->changes[i].zone), STR_ARG(out->changes[i].name));
        text_decisions(plan->workspace, models, count, plan->arena, &out->decisions, &out->decision_count);
}

Status plan_project(Workspace *w, const PlanOptions *options, Arena *arena, PlanReport *out, Error *err) {
        *out = (PlanReport){ 0 };
        Planner plan = { .workspace = w, .options = options, .arena = arena, .out = out };
        TRY(find_head(&plan, err));
        TRY(read_text(&plan, err));
        TRY(scope_new(w->project, &out->text, options->words, options->word_count, arena, &plan.scope, err));
        plan.by_node = ARENA_ARRAY(arena, PlanStep *, out->text.graph->count);
        TRY(text_changes(w, plan.at, arena, &out->changes, &out->change_count, err));
        TRY(access_changes(w->project, is_empty(&plan) ? NULL : w->lake, plan.at, arena, &out->access, &out->access_count, err));
        access_changes_fit(&out->misfits, out->access, &out->access_count);
        find_decisions(&plan);
        TRY(plan_sources(&plan, err));
        TRY(plan_models(&plan, err));
        list_steps(&plan);
        return find_fates(&plan, err);
}
