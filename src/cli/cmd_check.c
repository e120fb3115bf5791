/* SPDX-License-Identifier: Apache-2.0 */
#include "base/vec.h"
#include "cli/cli.h"
#include "cli/text_errors.h"
#include "model/access_names.h"
#include "model/access_tests.h"
#include "model/dry.h"
#include "model/inspect.h"
#include "model/run.h"
#include "model/select.h"

enum { OPTION_DATA };

static const Option options[] = {
        [OPTION_DATA] = { "data", 0, NULL, "ask all checks, keys and references of the tables as they are" },
};

typedef struct Check {
        Cli *cli;
        Workspace *workspace;
        ProjectText text;
        DryTable *tables;
        bool *chosen; /* by node index; NULL until the graph is whole */
        Problems *errors;
        Problems warnings;
        Inspection inspection;
        bool data;
} Check;

/* ---- what is told ---- */

static void problems_json(JsonWriter *w, const char *key, const Problems *problems) {
        json_key(w, key);
        json_array(w);
        for (size_t i = 0; i < problems->errors.count; i++)
                json_put_error(w, problems->errors.items[i], NULL);
        json_end(w);
}

static void print_json(const Check *check) {
        CLEANUP(buf_deinit) Buf json = { 0 };
        JsonWriter w = json_writer(&json, false);
        json_object(&w);
        json_member_str(&w, "state", problems_any(check->errors) ? STR("failed") : STR("ok"));
        problems_json(&w, "errors", check->errors);
        problems_json(&w, "warnings", &check->warnings);
        json_end(&w);
        output_json(&json);
}

static void print_counts(const Check *check) {
        const Inspection *i = &check->inspection;
        size_t sources = 0, models = 0;
        for (size_t n = 0; n < check->text.graph->count; n++)
                *(check->text.graph->nodes[n]->kind == NODE_SOURCE ? &sources : &models) += 1;
        if (check->data)
                printf("%s: %zu checks on %zu tables, %zu do not hold\n", problems_any(check->errors) ? "failed" : "ok", i->checks, i->tables,
                       check->errors->errors.count + check->errors->dropped);
        else if (!problems_any(check->errors))
                printf("ok: %zu zones, %zu sources, %zu models\n", check->workspace->project->zone_count, sources, models);
}

static void print_text(Check *check) {
        const Output *output = &check->cli->output;
        text_warnings(check->cli, &check->warnings);
        for (size_t i = 0; i < check->errors->errors.count; i++)
                output_error(output, check->errors->errors.items[i]);
        if (check->errors->dropped)
                output_note(output, PAINT_RED, "and %zu more", check->errors->dropped);
        print_counts(check);
}

/* 2 where the text is wrong, 1 where only the data or a contract is. */
static int exit_of(const Check *check) {
        int worst = 0;
        for (size_t i = 0; i < check->errors->errors.count; i++) {
                int exit = status_exit(check->errors->errors.items[i]->status);
                worst = exit > worst ? exit : worst;
        }
        return check->data && worst > 1 ? 1 : worst; /* the text was right, or there would be no data looked at */
}

/* ---- what is looked at ---- */

/* Of the problems those of the chosen nodes' files; what lies in no file of a node stays. */
static void keep_chosen(Check *check) {
        const Graph *graph = check->text.graph;
        size_t kept = 0;
        for (size_t i = 0; i < check->errors->errors.count; i++) {
                Error *err = check->errors->errors.items[i];
                bool other = false;
                for (size_t n = 0; n < graph->count && !other; n++) {
                        const Node *node = graph->nodes[n];
                        other = !check->chosen[n] && strcmp(node->model ? node->model->path : node->source->path, err->file) == 0;
                }
                if (!other)
                        check->errors->errors.items[kept++] = err;
        }
        check->errors->errors.count = kept;
}

static Status look_at_products(Check *check, Error *err) {
        const Graph *graph = check->text.graph;
        for (size_t i = 0; i < graph->count && check->workspace->lake; i++) {
                const Model *model = graph->nodes[i]->model;
                const DryTable *table = &check->tables[i];
                if (model && model->stage == STAGE_EGRESS && table->known)
                        TRY(inspect_product(check->workspace->lake, model, table->columns, table->column_count, check->errors, &check->cli->arena,
                                            err));
        }
        return STATUS_OK;
}

/* What the last run found out by reading; of a text that was edited since, the next one will. */
static Status look_at_withheld(Check *check, Error *err) {
        const Graph *graph = check->text.graph;
        for (size_t i = 0; i < graph->count && check->workspace->lake; i++) {
                const Source *source = graph->nodes[i]->source;
                Delivery *rows;
                size_t count = 0;
                if (source && check->chosen[i])
                        TRY(run_withheld(check->workspace->lake, source->zone, source->name, &check->cli->arena, &rows, &count, err));
                if (count == 0)
                        continue;
                Error *warning = problems_add(&check->warnings, STATUS_HELD, "the table of %.*s.%.*s stays as it was: by the text that is applied, %zu of its "
                                              "deliveries would be held, as '%.*s': %.*s", STR_ARG(source->zone), STR_ARG(source->name), count,
                                              STR_ARG(rows[0].name), STR_ARG(rows[0].message));
                error_place_line(warning, source->path, source->text, 1, 1);
        }
        return STATUS_OK;
}

static Status look_at_text(Check *check, Error *err) {
        Workspace *workspace = check->workspace;
        Arena *arena = &check->cli->arena;
        CLEANUP(worker_releasep) Worker *worker = NULL;
        TRY(worker_lease(workspace->pool, workspace->principal.name, &worker, err));
        TRY(text_load(workspace, worker, arena, &check->text, err));
        if (problems_any(check->errors))
                return STATUS_OK;
        const Arguments *arguments = &check->cli->arguments;
        Str *words = ARENA_ARRAY(arena, Str, arguments->word_count);
        for (size_t i = 0; i < arguments->word_count; i++)
                words[i] = str_of(arguments->words[i]);
        check->chosen = ARENA_ARRAY(arena, bool, check->text.graph->count);
        TRY(select_nodes(check->text.graph, words, arguments->word_count, check->chosen, err));
        DrySpec dry = { .lake = workspace->lake, .worker = worker, .text = &check->text, .project = workspace->project, .warnings = &check->warnings };
        TRY(access_names_check(workspace->project, workspace->lake ? workspace->lake->catalog : NULL, arena, &check->warnings, err));
        project_terms_check(workspace->project, arena, &check->warnings);
        TRY(dry_bind(&dry, arena, &check->tables, err));
        TRY(look_at_products(check, err));
        TRY(look_at_withheld(check, err));
        keep_chosen(check);
        return STATUS_OK;
}

static Status look_at_data(Check *check, Error *err) {
        AuditRecord record = { .action = STR("check --data"), .rows = -1, .bytes = -1 };
        TRY(workspace_audit(check->workspace, record, err));
        size_t tests;
        check->data = true;
        TRY(inspect_tables(check->workspace, &check->text, check->chosen, check->errors, &check->warnings, &check->cli->arena,
                           &check->inspection, err));
        const Grants *grants = grants_of_project(check->workspace->project, &check->cli->arena);
        return access_tests_run(check->workspace, grants, check->errors, &check->cli->arena, &tests, err);
}

static Status run(Cli *cli, Error *err) {
        TRY(cli_want_formats(cli, false, false, err));
        CLEANUP(workspace_closep) Workspace *workspace = NULL;
        bool data = cli_option(cli, OPTION_DATA) != NULL;
        WorkspaceSpec spec = { .folder = cli->arguments.folder, .store = data, .store_if_there = true, .workers = true, .interrupted = &cli_interrupted };
        TRY(workspace_open(&spec, &workspace, err));
        Check check = { .cli = cli, .workspace = workspace, .errors = &workspace->project->problems, .warnings = { .arena = &cli->arena } };
        TRY(look_at_text(&check, err));
        if (data && !problems_any(check.errors))
                TRY(look_at_data(&check, err));
        problems_sort(check.errors);
        problems_sort(&check.warnings);
        if (cli_json(cli))
                print_json(&check);
        else
                print_text(&check);
        cli->exit_code = exit_of(&check);
        return STATUS_OK;
}

const Verb verb_check = {
        .name = "check",
        .usage = "check [SELECT...]",
        .words = "everything that can be wrong in the project's text, or in the data",
        .help = "Reads all of the project's text, parses every model and check, and looks that what they read exists and has the\n"
                "columns, types and functions that they use, also where no table is made yet. Touches no data.\n"
                "With --data it asks every check, every promise (required, unique, key) and every reference of the tables as they\n"
                "are, and every test of access.test.yml, and writes nothing: exit 1 when one does not hold; what only warns is told.\n"
                "Users, roles, zones and tags that access.yml names and that are not there are warned of, with a guess.\n\n"
                "  lode check\n"
                "  lode check shop --data",
        .options = options,
        .option_count = COUNT_OF(options),
        .run = run,
};
