/* SPDX-License-Identifier: Apache-2.0 */
#include "model/inspect.h"

#include "model/prepare.h"
#include "model/product.h"

typedef struct Inspect {
        Workspace *workspace;
        Arena *arena;
        Problems *errors, *warnings;
        Inspection *counts;
} Inspect;

/* What of one table is asked. */
typedef struct Subject {
        const Node *node;
        CheckSubject of;
        ModelCheck *checks;
        size_t count;
} Subject;

static Status exists(const Inspect *inspect, const Node *node, bool *out, Error *err) {
        static const char *const kinds[] = { "table", "view" };
        Str name = arena_strf(inspect->arena, "%.*s.%.*s", STR_ARG(node->stage), STR_ARG(node->table));
        *out = false;
        for (size_t i = 0; i < COUNT_OF(kinds) && !*out; i++) {
                CatalogObject object;
                Status status = catalog_get(inspect->workspace->lake->catalog, (CatalogAt){ 0 }, (CatalogName){ str_of(kinds[i]), node->zone, name },
                                            inspect->arena, &object, err);
                if (status != STATUS_OK && status != STATUS_NOT_FOUND)
                        return status;
                *out = status == STATUS_OK;
        }
        return STATUS_OK;
}

static void tell(const Inspect *inspect, const Subject *subject, const CheckReport *report) {
        if (report->rows == 0)
                return;
        const ModelCheck *check = report->check;
        Problems *to = check->severity == CHECK_WARN ? inspect->warnings : inspect->errors;
        Error *err = problems_add(to, STATUS_CHECK_FAILED, "%.*s: %.*s", STR_ARG(subject->node->name), STR_ARG(check_words(report, inspect->arena)));
        check_place(&subject->of, check, err);
        if (check->promise.size)
                error_hint(err, "must hold: %.*s", STR_ARG(check->promise));
        else if (check->severity == CHECK_QUARANTINE)
                error_hint(err, "rows that fail are taken out when the model is built: lode run --again %.*s", STR_ARG(subject->node->name));
}

/* What lies in the text or the data, not in the machine. */
static bool is_answer(Status status) {
        return status_exit(status) == 2 || status == STATUS_WORKER_LOST;
}

static Status ask(const Inspect *inspect, const Subject *subject, const ModelCheck *check, Principal principal, Error *err) {
        CLEANUP(worker_releasep) Worker *worker = NULL;
        TRY(worker_lease(inspect->workspace->pool, principal.name, &worker, err));
        StatementSpec spec = { .lake = inspect->workspace->lake, .worker = worker, .principal = principal, .default_zone = subject->node->zone };
        CheckReport report;
        Status status = check_ask(&spec, &subject->of, check, inspect->arena, &report, err);
        if (status != STATUS_OK && !is_answer(status))
                return status;
        if (status != STATUS_OK)
                problems_take(inspect->errors, err);
        else
                tell(inspect, subject, &report);
        inspect->counts->checks++;
        return STATUS_OK;
}

static Status inspect_node(const Inspect *inspect, const Node *node, Error *err) {
        Subject subject = { .node = node };
        bool there;
        if (node->kind == NODE_MODEL) {
                subject.of = check_subject_of_model(node->model);
                checks_of_model(node->model, inspect->arena, &subject.checks, &subject.count);
        } else {
                subject.of = check_subject_of_source(node->source);
                checks_of_source(node->source, inspect->arena, &subject.checks, &subject.count);
        }
        ModelCheck *references = NULL;
        size_t reference_count = 0;
        if (node->kind == NODE_MODEL)
                checks_of_references(node->model, inspect->arena, &references, &reference_count);
        if (subject.count + reference_count == 0)
                return STATUS_OK;
        TRY(exists(inspect, node, &there, err));
        if (!there) {
                inspect->counts->absent++;
                error_hint(problems_add(inspect->warnings, STATUS_NO_TABLE, "%.*s is not there yet, so nothing of it was checked", STR_ARG(node->name)),
                           "lode run makes it");
                return STATUS_OK;
        }
        inspect->counts->tables++;
        Principal zone = prepare_principal(node->zone, inspect->arena);
        for (size_t i = 0; i < subject.count; i++)
                TRY(ask(inspect, &subject, &subject.checks[i], zone, err));
        for (size_t i = 0; i < reference_count; i++)
                TRY(ask(inspect, &subject, &references[i], inspect->workspace->principal, err));
        return STATUS_OK;
}

Status inspect_tables(Workspace *workspace, const ProjectText *text, const bool *chosen, Problems *errors, Problems *warnings,
                      Arena *arena, Inspection *out, Error *err) {
        *out = (Inspection){ 0 };
        Inspect inspect = { workspace, arena, errors, warnings, out };
        for (size_t i = 0; i < text->graph->count; i++)
                if (chosen[i])
                        TRY(inspect_node(&inspect, text->graph->nodes[i], err));
        return STATUS_OK;
}

Status inspect_product(Lake *lake, const Model *model, const LakeColumn *columns, size_t count, Problems *problems, Arena *arena, Error *err) {
        Str ignored;
        CatalogCommit head;
        TRY(catalog_head(lake->catalog, STR(""), arena, &head, err));
        Status status = product_contract(lake, (CatalogAt){ .seq = head.seq }, model, columns, count, arena, &ignored, err);
        if (status != STATUS_CONTRACT)
                return status;
        problems_take(problems, err);
        return STATUS_OK;
}
