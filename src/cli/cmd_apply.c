/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/access_shape.h"
#include "cli/text_errors.h"
#include "model/access_names.h"
#include "model/dry.h"
#include "model/text.h"
#include "model/text_shape.h"

enum { OPTION_BRANCH };

static const Option options[] = { [OPTION_BRANCH] = { "branch", 0, "BRANCH", "where to put it (else main)" } };

static void print_json(Cli *cli, const ApplyReport *report, Str branch) {
        CLEANUP(buf_deinit) Buf json = { 0 };
        JsonWriter w = json_writer(&json, false);
        json_object(&w);
        apply_json(&w, report, branch, &cli->arena);
        json_end(&w);
        output_json(&json);
        decisions_print(cli, report->decisions, report->decision_count);
}

static void print_text(Cli *cli, const ApplyReport *report) {
        if (!report->changed) {
                puts("nothing to apply: the history has this text already");
                return;
        }
        printf("applied as commit %.12s\n", report->commit.id.data);
        for (size_t i = 0; i < report->commit.change_count; i++) {
                const CatalogChangeRow *row = &report->commit.changes[i];
                printf("  %s %-8.*s %.*s%s%.*s\n", row->body_hash.size ? "put   " : "remove", STR_ARG(row->kind), STR_ARG(row->zone),
                       row->zone.size ? "." : "", STR_ARG(row->name));
        }
        access_print(&cli->output, report->access, report->access_count);
        decisions_print(cli, report->decisions, report->decision_count);
}

/* What `lode check` says of the same text. A rule that does not fit is an error there, and is said to who wants errors only: the text
 * is in force all the same, since what it takes away must not wait for what it cannot give. */
static Status tell_misfits(Cli *cli, Workspace *workspace, AccessMisfits *misfits, Error *err) {
        Problems *problems = &misfits->problems;
        bool quiet = cli->output.quiet, unfit = problems->errors.count > misfits->masked;
        for (size_t i = 0; i < misfits->warnings.errors.count; i++)
                problems_take(problems, misfits->warnings.errors.items[i]);
        TRY(access_names_check(workspace->project, workspace->lake->catalog, &cli->arena, problems, err));
        project_terms_check(workspace->project, &cli->arena, problems);
        cli->output.quiet = quiet && !unfit;
        text_warnings(cli, problems);
        cli->output.quiet = quiet;
        cli->exit_code = unfit ? 1 : 0;
        return STATUS_OK;
}

static Status run(Cli *cli, Error *err) {
        TRY(cli_want_words(cli, &verb_apply, 0, 0, err));
        TRY(cli_want_formats(cli, false, false, err));
        const char *branch = cli_option(cli, OPTION_BRANCH);
        CLEANUP(workspace_closep) Workspace *workspace = NULL;
        WorkspaceSpec spec = { .folder = cli->arguments.folder, .make_store = true, .workers = true, .interrupted = &cli_interrupted };
        TRY(workspace_open(&spec, &workspace, err));
        TRY(text_errors(cli, &workspace->project->problems, err));
        CLEANUP(worker_releasep) Worker *worker = NULL;
        TRY(worker_lease(workspace->pool, workspace->principal.name, &worker, err));
        cli_tell_branch(cli, branch);
        ApplyReport report = { .stale = true };
        AccessMisfits misfits;
        for (int i = 0; i < TEXT_TRIES && report.stale; i++) {
                ProjectText text;
                if (i > 0)
                        TRY(workspace_reload(workspace, err));
                TRY(text_load(workspace, worker, &cli->arena, &text, err));
                TRY(text_errors(cli, text.problems, err));
                TRY(dry_access(workspace->lake, (CatalogAt){ .branch = str_of(branch) }, worker, &text, workspace->project, &cli->arena, &misfits, err));
                if (cli_interrupted)
                        return error_set(err, STATUS_INTERRUPTED, "interrupted; nothing was applied");
                TRY(text_apply(workspace, str_of(branch), &cli->arena, &report, err));
        }
        if (report.stale)
                return text_unsettled(err);
        access_changes_fit(&misfits, report.access, &report.access_count);
        TRY(tell_misfits(cli, workspace, &misfits, err));
        if (cli_json(cli))
                print_json(cli, &report, branch ? str_of(branch) : STR("main"));
        else
                print_text(cli, &report);
        return STATUS_OK;
}

const Verb verb_apply = {
        .name = "apply",
        .usage = "apply",
        .words = "put the project's text into the history as one commit",
        .help = "Reads the project's text, checks it, and makes it one commit of the history. Access holds from the next\n"
                "statement; sources and models from the next run, which builds each model that fits what it reads (lode check and\n"
                "lode plan look at that beforehand). With any error of the text nothing is applied, but for rules that do not fit\n"
                "a table: they withhold it, all else holds, and the exit is 1.\n\n"
                "  lode apply\n"
                "  lode apply --branch try",
        .options = options,
        .option_count = COUNT_OF(options),
        .run = run,
};
