/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/text_errors.h"
#include "model/dry.h"

static void print_json(const Problems *problems) {
        CLEANUP(buf_deinit) Buf json = { 0 };
        JsonWriter w = json_writer(&json, false);
        json_object(&w);
        json_member_str(&w, "state", problems_any(problems) ? STR("failed") : STR("ok"));
        json_key(&w, "errors");
        json_array(&w);
        for (size_t i = 0; i < problems->errors.count; i++)
                error_json(&w, problems->errors.items[i]);
        json_end(&w);
        json_key(&w, "warnings");
        json_array(&w);
        json_end(&w);
        json_end(&w);
        output_json(&json);
}

static Status run(Cli *cli, Error *err) {
        TRY(cli_want_words(cli, &verb_check, 0, 0, err));
        TRY(cli_want_formats(cli, false, false, err));
        CLEANUP(workspace_closep) Workspace *workspace = NULL;
        WorkspaceSpec spec = { .folder = cli->arguments.folder, .store_if_there = true, .workers = true, .interrupted = &cli_interrupted };
        TRY(workspace_open(&spec, &workspace, err));
        Problems *problems = &workspace->project->problems;
        CLEANUP(worker_releasep) Worker *worker = NULL;
        TRY(worker_lease(workspace->pool, workspace->principal.name, &worker, err));
        ProjectText text;
        TRY(text_load(workspace, worker, &cli->arena, &text, err));
        if (!problems_any(problems)) {
                DrySpec dry = { .lake = workspace->lake, .worker = worker, .text = &text };
                DryTable *tables;
                TRY(dry_bind(&dry, &cli->arena, &tables, err));
        }
        if (cli_json(cli)) {
                problems_sort(problems);
                print_json(problems);
                cli->exit_code = problems_any(problems) ? 2 : 0;
                return STATUS_OK;
        }
        TRY(text_errors(cli, problems, err));
        size_t sources = 0, models = 0;
        for (size_t i = 0; i < text.graph->count; i++)
                *(text.graph->nodes[i]->kind == NODE_SOURCE ? &sources : &models) += 1;
        printf("ok: %zu zones, %zu sources, %zu models\n", workspace->project->zone_count, sources, models);
        return STATUS_OK;
}

const Verb verb_check = {
        .name = "check",
        .usage = "check",
        .words = "everything that can be wrong in the project's text",
        .help = "Reads all of the project's text, parses every model and check, and looks that what they read exists and has the\n"
                "columns, types and functions that they use, also where no table is made yet. Touches no data.\n\n"
                "  lode check\n"
                "  lode check -o json",
        .run = run,
};
