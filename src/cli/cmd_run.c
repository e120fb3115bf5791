/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "base/time.h"
#include "catalog/patience.h"
#include "cli/access_shape.h"
#include "cli/shapes.h"
#include "cli/text_errors.h"
#include "lake/runs.h"
#include "model/run.h"
#include "server/refresh.h"

enum { OPTION_BRANCH, OPTION_AGAIN, OPTION_REPLAY, OPTION_APPLIED, OPTION_WATCH };

static const Option options[] = {
        [OPTION_BRANCH] = { "branch", 0, "BRANCH", "build models there; files are taken on main only" },
        [OPTION_AGAIN] = { "again", 0, NULL, "although nothing changed" },
        [OPTION_REPLAY] = { "replay", 0, NULL, "try held deliveries and open quarantine again" },
        [OPTION_APPLIED] = { "applied", 0, NULL, "by the text that is applied, whatever the folder has" },
        [OPTION_WATCH] = { "watch", 0, NULL, "go on, whenever files arrive" },
};

/* ---- what is told on the way ---- */

static const char *counted(Arena *arena, int64_t count) {
        return count_print(arena, count).data;
}

static void on_apply(void *context, const ApplyReport *report, AccessMisfits *misfits) {
        Cli *cli = context;
        text_warnings(cli, &misfits->problems);
        if (report->changed)
                output_note(&cli->output, PAINT_NONE, "applied    the project's text (%zu change%s)", report->commit.change_count,
                            report->commit.change_count == 1 ? "" : "s");
        decisions_print(cli, report->decisions, report->decision_count);
}

static void tell_staged(Cli *cli, const RunDelivery *d) {
        const Delivery *delivery = &d->report.delivery;
        Arena *arena = &cli->arena;
        output_note(&cli->output, PAINT_NONE, "staged     %.*s.%-22.*s %10s rows  %s%s  %.*s", STR_ARG(d->zone), STR_ARG(d->source),
                    counted(arena, delivery->accepted),
                    delivery->quarantined ? arena_printf(arena, "%s quarantined, ", counted(arena, delivery->quarantined)) : "",
                    delivery->skipped ? arena_printf(arena, "%s skipped", counted(arena, delivery->skipped)) : "0 skipped", STR_ARG(d->name));
        if (d->message.size)
                output_note(&cli->output, PAINT_YELLOW, "           %.*s", STR_ARG(d->message));
}

/* `shop.orders`; of an archive that no source claims as a whole the zone is all there is. */
static Str who_reads(Cli *cli, const RunDelivery *d) {
        return d->source.size ? arena_strf(&cli->arena, "%.*s.%.*s", STR_ARG(d->zone), STR_ARG(d->source)) : d->zone;
}

static void on_delivery(void *context, const RunDelivery *delivery) {
        Cli *cli = context;
        RunDelivery shown = *delivery, *d = &shown;
        shown.name = output_line(&cli->arena, delivery->name);
        shown.message = output_line(&cli->arena, delivery->message);
        if (str_is(d->state, "staged"))
                tell_staged(cli, d);
        else if (str_is(d->state, "duplicate"))
                output_note(&cli->output, PAINT_DIM, "duplicate  %.*s.%-22.*s %.*s: %.*s", STR_ARG(d->zone), STR_ARG(d->source), STR_ARG(d->name),
                            STR_ARG(d->message));
        else
                output_note(&cli->output, PAINT_RED, "%-10.*s %-30s %.*s: %.*s", STR_ARG(d->state), who_reads(cli, d).data, STR_ARG(d->name), STR_ARG(d->message));
}

static void tell_checks(Cli *cli, const ModelReport *m) {
        for (size_t i = 0; i < m->check_count; i++) {
                if (m->checks[i].state != CHECK_STATE_WARN)
                        continue;
                bool left = m->checks[i].check->severity == CHECK_QUARANTINE;
                const char *gone = m->checks[i].of_table ? ": none of its rows is kept" : ": not in the table";
                output_note(&cli->output, PAINT_YELLOW, "%-10s %s  %.*s%s", left ? "quarantine" : "warning", m->node->name.data,
                            STR_ARG(check_words(&m->checks[i], &cli->arena)), left ? gone : "");
        }
}

static void on_model(void *context, const ModelReport *m) {
        Cli *cli = context;
        tell_checks(cli, m);
        Arena *arena = &cli->arena;
        const char *name = m->node->name.data;
        if (m->state == BUILD_UNCHANGED) {
                if (cli->output.verbose)
                        output_note(&cli->output, PAINT_DIM, "unchanged  %s", name);
                return;
        }
        if (m->state != BUILD_BUILT) {
                output_note(&cli->output, PAINT_RED, "%-10s %s  %s", build_state_name(m->state), name, m->error.message);
                return;
        }
        const char *from = m->kept ? "  (finished by an earlier run)" : "";
        if (m->rows < 0)
                output_note(&cli->output, PAINT_NONE, "built      %-30s %10s", name, "view");
        else if (m->added >= 0)
                output_note(&cli->output, PAINT_NONE, "built      %-30s %10s rows  +%s ~%s -%s%s", name, counted(arena, m->rows),
                            counted(arena, m->added), counted(arena, m->changed), counted(arena, m->removed), from);
        else
                output_note(&cli->output, PAINT_NONE, "built      %-30s %10s rows%s", name, counted(arena, m->rows), from);
}

static void on_drop(void *context, Str table) {
        Cli *cli = context;
        output_note(&cli->output, PAINT_YELLOW, "dropped    %.*s: its text is gone; older commits keep it", STR_ARG(table));
}

static void on_progress(void *context, const char *what, Str name) {
        Cli *cli = context;
        output_progress(&cli->output, "%s %.*s", what, STR_ARG(name));
}

/* ---- the report ---- */

/* A duplicate was not read: what its twin had is not counted again. */
static void delivery_json(JsonWriter *w, const RunDelivery *d) {
        Delivery delivery = d->report.delivery;
        delivery.zone = d->zone;
        delivery.source = d->source;
        delivery.name = d->name;
        delivery.state = d->state;
        delivery.message = d->message;
        if (str_is(d->state, "duplicate"))
                delivery.records = delivery.accepted = delivery.quarantined = delivery.skipped = 0;
        json_object(w);
        shape_delivery(w, &delivery);
        json_end(w);
}

static void model_json(JsonWriter *w, const ModelReport *m) {
        json_object(w);
        json_member_str(w, "table", m->node->name);
        json_member_str(w, "kind", str_of(model_kind_name(m->node->model->kind)));
        json_member_str(w, "state", str_of(build_state_name(m->state)));
        shape_count(w, "rows", m->rows);
        shape_count(w, "added", m->added);
        shape_count(w, "changed", m->changed);
        shape_count(w, "removed", m->removed);
        json_key(w, "seconds");
        json_put_double(w, (double)m->us / 1e6);
        json_key(w, "checks");
        json_array(w);
        for (size_t i = 0; i < m->check_count; i++) {
                if (!m->checks[i].asked)
                        continue;
                json_object(w);
                json_member_str(w, "name", m->checks[i].check->name);
                json_member_str(w, "severity", str_of(severity_name(m->checks[i].check->severity)));
                json_member_str(w, "state", str_of(check_state_name(m->checks[i].state)));
                json_member_int(w, "rows", m->checks[i].rows);
                json_end(w);
        }
        json_end(w);
        json_end(w);
}

static void run_error_json(JsonWriter *w, const Error *e) {
        json_object(w);
        json_member_str(w, "code", str_of(status_code(e->status)));
        json_member_str(w, "message", str_of(e->message));
        shape_text(w, "file", str_of(e->file));
        shape_count(w, "line", e->line ? e->line : -1);
        shape_count(w, "column", e->column ? e->column : -1);
        shape_text(w, "hint", str_of(e->hint));
        json_end(w);
}

static void report_json(const RunReport *r, Buf *out) {
        JsonWriter w = json_writer(out, false);
        json_object(&w);
        json_member_int(&w, "run", r->run);
        json_member_str(&w, "branch", r->branch);
        shape_text(&w, "commit", r->commit);
        json_member_str(&w, "state", str_of(run_state_name(r->state)));
        json_key(&w, "seconds");
        json_put_double(&w, (double)r->us / 1e6);
        shape_files(&w, &r->files);
        json_key(&w, "unclaimed");
        json_array(&w);
        for (size_t i = 0; i < r->unclaimed_count; i++)
                json_put_str(&w, r->unclaimed[i]);
        json_end(&w);
        json_key(&w, "deliveries");
        json_array(&w);
        for (size_t i = 0; i < r->delivery_count; i++)
                delivery_json(&w, &r->deliveries[i]);
        json_end(&w);
        json_key(&w, "models");
        json_array(&w);
        for (size_t i = 0; i < r->model_count; i++)
                model_json(&w, &r->models[i]);
        json_end(&w);
        json_key(&w, "errors");
        json_array(&w);
        for (size_t i = 0; i < r->error_count; i++)
                run_error_json(&w, &r->errors[i]);
        json_end(&w);
        json_end(&w);
}

static void print_text(Cli *cli, const Project *project, const RunReport *r) {
        if (!file_exists(path_join(&cli->arena, project->root, "ingress"))) /* git does not keep it */
                output_note(&cli->output, PAINT_YELLOW, "there is no folder ingress/ in %s: what is dropped into ingress/ZONE/ is taken", project->root);
        for (size_t i = 0; i < r->unclaimed_count && i < 10; i++)
                output_note(&cli->output, PAINT_YELLOW, "unclaimed  %s: %.*s", output_line(&cli->arena, r->unclaimed[i]).data, STR_ARG(r->unclaimed_why[i]));
        if (r->unclaimed_count > 10)
                output_note(&cli->output, PAINT_YELLOW, "unclaimed  and %zu more", r->unclaimed_count - 10);
        for (size_t i = 0; i < r->error_count; i++)
                if (r->errors[i].file[0] || r->errors[i].number || r->errors[i].status == STATUS_CORRUPT)
                        output_error(&cli->output, &r->errors[i]);
        if (r->failed_branch.size)
                output_note(&cli->output, PAINT_YELLOW, "what was built of a zone that failed stays on branch %.*s: lode query --branch %.*s ...",
                            STR_ARG(r->failed_branch), STR_ARG(r->failed_branch));
        const RunFiles *f = &r->files;
        printf("run %lld %s in %s: %lld file%s seen = %lld staged + %lld duplicate + %lld held + %lld failed + %lld unclaimed\n",
               (long long)r->run, run_state_name(r->state), duration_print(&cli->arena, r->us).data, (long long)f->seen,
               f->seen == 1 ? "" : "s", (long long)f->staged, (long long)f->duplicate, (long long)f->held, (long long)f->failed,
               (long long)f->unclaimed);
        if (r->unsettled)
                output_note(&cli->output, PAINT_YELLOW, "%lld file%s still being written; the next run takes %s", (long long)r->unsettled,
                            r->unsettled == 1 ? " is" : "s are", r->unsettled == 1 ? "it" : "them");
        int64_t quarantined = 0;
        for (size_t i = 0; i < r->delivery_count; i++)
                if (str_is(r->deliveries[i].state, "staged"))
                        quarantined += r->deliveries[i].report.delivery.quarantined;
        if (quarantined)
                output_note(&cli->output, PAINT_YELLOW, "%s record%s did not fit and %s in quarantine: lode show quarantine",
                            counted(&cli->arena, quarantined), quarantined == 1 ? "" : "s", quarantined == 1 ? "is" : "are");
}

/* What a run that ended with 1 wants done. */
static Str next_command(const RunReport *r, Arena *arena) {
        Str again = str_is(r->branch, "main") ? STR("lode run") : arena_strf(arena, "lode run --branch %.*s", STR_ARG(r->branch));
        if (r->damaged)
                return STR("lode verify names all that is damaged; put it back, then lode run");
        if (r->files.held)
                return STR("lode show delivery says why it was held; correct the file or its source, then lode run --replay");
        for (size_t i = 0; i < r->model_count; i++)
                for (size_t k = 0; k < r->models[i].check_count; k++)
                        if (r->models[i].checks[k].state == CHECK_STATE_FAILED)
                                return arena_strf(arena, "lode show run has the checks that failed; correct the rows or the model, then %.*s", STR_ARG(again));
        if (r->files.failed)
                return STR("lode show run has what failed; correct it, then lode run");
        return arena_strf(arena, "correct the text above, then %.*s; lode show run tells all of it again", STR_ARG(again));
}

/* A refresh by the server that found nothing to do says nothing, and would push a run that failed out of those that are kept. */
static bool is_worth_keeping(bool applied, const RunReport *r) {
        return !applied || r->state != RUN_NOTHING || r->delivery_count > 0 || r->error_count > 0;
}

/* Of a run that came to no end: what it did is done. Where the catalog cannot be written either, the log tells what it published. */
static void keep_unended(Workspace *workspace, const RunReport *report) {
        CLEANUP(buf_deinit) Buf json = { 0 };
        Error ignored;
        if (!report->run || !workspace->lake)
                return;
        report_json(report, &json);
        int64_t patience = catalog_patience(workspace->lake->catalog, CATALOG_MOMENT_US);
        (void)runs_keep(workspace->lake->catalog, buf_view(&json), false, &ignored);
        catalog_patience(workspace->lake->catalog, patience);
}

static Status run_once(Cli *cli, Error *err) {
        const char *branch = cli_option(cli, OPTION_BRANCH);
        CLEANUP(workspace_closep) Workspace *workspace = NULL;
        WorkspaceSpec spec = { .folder = cli->arguments.folder, .make_store = true, .workers = true, .ready = 2, .interrupted = &cli_interrupted };
        spec.applied = cli_option(cli, OPTION_APPLIED) != NULL;
        if (spec.applied && branch)
                return error_set(err, STATUS_USAGE, "--applied means the text of main: it does not go with --branch");
        TRY(workspace_open(&spec, &workspace, err));
        TRY(text_errors(cli, &workspace->project->problems, err));
        cli_tell_branch(cli, branch);
        RunOptions run_options = {
                .words = cli->arguments.words,
                .word_count = cli->arguments.word_count,
                .branch = str_of(branch),
                .again = cli_option(cli, OPTION_AGAIN) != NULL,
                .replay = cli_option(cli, OPTION_REPLAY) != NULL,
                .yes = cli->arguments.yes,
                .interrupted = &cli_interrupted,
                .context = cli,
                .on_apply = on_apply,
                .on_delivery = on_delivery,
                .on_model = on_model,
                .on_drop = on_drop,
                .on_progress = on_progress,
        };
        RunReport report;
        Status status = run_project(workspace, &run_options, &cli->arena, &report, err);
        if (status != STATUS_OK && problems_any(&workspace->project->problems))
                return text_errors(cli, &workspace->project->problems, err);
        if (status != STATUS_OK) {
                keep_unended(workspace, &report);
                return status;
        }
        output_progress(&cli->output, NULL);
        CLEANUP(buf_deinit) Buf json = { 0 };
        report_json(&report, &json);
        if (is_worth_keeping(spec.applied, &report))
                TRY(runs_keep(workspace->lake->catalog, buf_view(&json), true, err)); /* for status, show run and lode.runs */
        TRY(catalog_put_meta(workspace->lake->catalog, STR(META_REFRESH), STR(""), err)); /* what a server failed at is done */
        if (cli_json(cli))
                output_json(&json);
        else
                print_text(cli, workspace->project, &report);
        cli->exit_code = report.damaged ? status_exit(STATUS_CORRUPT) : report.state == RUN_PARTLY || report.state == RUN_FAILED ? 1 : 0;
        if (cli->exit_code && !cli_json(cli))
                output_note(&cli->output, PAINT_NONE, "next: %.*s", STR_ARG(next_command(&report, &cli->arena)));
        return STATUS_OK;
}

static Status run(Cli *cli, Error *err) {
        TRY(cli_want_formats(cli, false, false, err));
        if (!cli_option(cli, OPTION_WATCH))
                return run_once(cli, err);
        while (!cli_interrupted) {
                TRY(run_once(cli, err));
                fflush(stdout);
                for (int i = 0; i < 20 && !cli_interrupted; i++)
                        usleep(100000);
        }
        return error_set(err, STATUS_INTERRUPTED, "stopped watching");
}

const Verb verb_run = {
        .name = "run",
        .usage = "run [SELECT...]",
        .words = "land what arrived, type it, build what depends on it, publish",
        .help = "Applies the project's text, lands the files in ingress/, types them into staging, builds the models that\n"
                "depend on what changed, and publishes. Safe to run again and to interrupt at any time. Tables whose source, model\n"
                "or zone is gone from the text are dropped; older commits keep them.\n"
                "SELECT names what to run: a zone, zone.stage.table, +x (and what it needs), x+ (and what needs it),\n"
                "stage:canonical. Exit 1 when a delivery was held or a model failed; all else is published.\n\n"
                "  lode run\n"
                "  lode run crm +finance.analytical.revenue",
        .options = options,
        .option_count = COUNT_OF(options),
        .run = run,
};
