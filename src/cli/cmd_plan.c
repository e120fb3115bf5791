/* SPDX-License-Identifier: Apache-2.0 */
#include "base/time.h"
#include "cli/access_shape.h"
#include "cli/shapes.h"
#include "cli/text_change.h"
#include "cli/text_errors.h"
#include "model/access_names.h"
#include "model/plan.h"
#include "model/text_shape.h"

enum { OPTION_BRANCH };

static const Option options[] = { [OPTION_BRANCH] = { "branch", 0, "BRANCH", "what would be done there (else on main)" } };

/* ---- as JSON ---- */

static void steps_json(JsonWriter *w, const PlanReport *r) {
        json_key(w, "steps");
        json_array(w);
        for (size_t i = 0; i < r->step_count; i++) {
                json_object(w);
                json_member_str(w, "table", r->steps[i].node->name);
                json_member_str(w, "why", str_of(plan_why_name(r->steps[i].why)));
                shape_count(w, "rows_to_read", r->steps[i].rows);
                shape_count(w, "bytes_to_read", r->steps[i].bytes);
                json_end(w);
        }
        for (size_t i = 0; i < r->drop_count; i++) {
                json_object(w);
                json_member_str(w, "table", r->drops[i].table);
                json_member_str(w, "why", STR("removed"));
                shape_count(w, "rows_to_read", r->drops[i].rows);
                shape_count(w, "bytes_to_read", r->drops[i].bytes);
                json_end(w);
        }
        json_end(w);
}

static void breaks_json(JsonWriter *w, const PlanReport *r) {
        json_key(w, "breaks");
        json_array(w);
        for (size_t i = 0; i < r->break_count; i++) {
                json_object(w);
                json_member_str(w, "table", r->breaks[i].table);
                json_member_str(w, "what", r->breaks[i].what);
                json_member_strs(w, "used_by", r->breaks[i].used_by, r->breaks[i].used_by_count);
                json_end(w);
        }
        json_end(w);
}

static void print_json(Cli *cli, const PlanReport *r) {
        CLEANUP(buf_deinit) Buf json = { 0 };
        JsonWriter w = json_writer(&json, false);
        json_object(&w);
        json_key(&w, "text");
        shape_text_changes(&w, r->changes, r->change_count, &cli->arena);
        steps_json(&w, r);
        breaks_json(&w, r);
        access_json(&w, r->access, r->access_count);
        json_end(&w);
        output_json(&json);
        decisions_print(cli, r->decisions, r->decision_count);
}

/* ---- as text ---- */

static void print_changes(Cli *cli, const PlanReport *r) {
        if (r->change_count)
                puts("text");
        for (size_t i = 0; i < r->change_count; i++)
                text_change_print(&cli->output, "  ", &r->changes[i], &cli->arena);
}

/* "2 files, 14 MB" where there are any. */
static void print_counted(const char *comma, int64_t count, const char *words) {
        if (count)
                printf("%s%lld %s", comma, (long long)count, words);
}

static void print_files(Cli *cli, const PlanFiles *f) {
        if (f->count + f->duplicate + f->held + f->unsettled + f->unclaimed + f->refused == 0)
                return;
        printf("files\n  %lld waiting", (long long)f->count);
        if (f->count)
                printf(", %s", bytes_print(&cli->arena, (uint64_t)f->bytes).data);
        print_counted("; ", f->duplicate, "duplicate: the same as one that came before");
        print_counted("; ", f->held, "held: the name came before with other bytes, or an archive cannot be unpacked");
        print_counted("; ", f->refused, "failed: two sources claim it or nobody can read it");
        print_counted("; ", f->unsettled, "still being written");
        print_counted("; ", f->unclaimed, "unclaimed: no source takes it");
        putchar('\n');
}

static Str counted(Arena *arena, int64_t count) {
        return count < 0 ? STR("?") : count_print(arena, count);
}

static Str sized(Arena *arena, int64_t bytes) {
        return bytes < 0 ? STR("?") : bytes_print(arena, (uint64_t)bytes);
}

static Str why_words(Arena *arena, const PlanStep *step) {
        if (step->is_new && step->why == PLAN_EDITED)
                return STR("new");
        if (step->node->kind == NODE_SOURCE && step->files)
                return arena_strf(arena, "%s, %s file%s", plan_why_name(step->why), count_print(arena, step->files).data, step->files == 1 ? "" : "s");
        return str_of(plan_why_name(step->why));
}

static void print_steps(Cli *cli, const PlanReport *r) {
        if (r->step_count == 0)
                return;
        puts("steps");
        Str headers[] = { STR("  table"), STR("why"), STR("rows"), STR("bytes") };
        TextTable *table = text_table_new(&cli->arena, headers, COUNT_OF(headers));
        text_table_right(table, 2);
        text_table_right(table, 3);
        for (size_t i = 0; i < r->step_count; i++) {
                const PlanStep *step = &r->steps[i];
                bool is_view = step->node->kind == NODE_MODEL && step->node->model->kind == MODEL_VIEW;
                text_table_row(table, (Str[]){ arena_strf(&cli->arena, "  %.*s", STR_ARG(step->node->name)), why_words(&cli->arena, step),
                                               is_view ? STR("view") : counted(&cli->arena, step->rows),
                                               is_view ? STR_NONE : sized(&cli->arena, step->bytes) });
        }
        text_table_print(table, &cli->output, stdout);
}

static void print_drops(Cli *cli, const PlanReport *r) {
        if (r->drop_count == 0)
                return;
        puts("goes");
        Str headers[] = { STR("  table"), STR("rows"), STR("bytes"), STR("what stays") };
        TextTable *table = text_table_new(&cli->arena, headers, COUNT_OF(headers));
        text_table_right(table, 1);
        text_table_right(table, 2);
        for (size_t i = 0; i < r->drop_count; i++) {
                const PlanDrop *drop = &r->drops[i];
                text_table_row(table, (Str[]){ arena_strf(&cli->arena, "  %.*s", STR_ARG(drop->table)),
                                               drop->rows < 0 ? STR("view") : count_print(&cli->arena, drop->rows),
                                               drop->rows < 0 ? STR_NONE : bytes_print(&cli->arena, (uint64_t)drop->bytes),
                                               drop->is_source ? STR("older commits, landed files, quarantine") : STR("older commits") });
        }
        text_table_print(table, &cli->output, stdout);
}

static void print_breaks(const Cli *cli, const PlanReport *r) {
        CLEANUP(arena_deinit) Arena scratch = { 0 };
        if (r->break_count)
                puts("breaks");
        for (size_t i = 0; i < r->break_count; i++) {
                const PlanBreak *broken = &r->breaks[i];
                printf("  %s%.*s%s  %.*s\n", paint(cli->output.color_out, PAINT_RED), STR_ARG(broken->table), paint(cli->output.color_out, PAINT_NONE),
                       STR_ARG(output_line(&scratch, broken->what)));
                if (broken->refused)
                        puts("    a run refuses it, and its zone keeps the tables that it has");
                else if (broken->new_version)
                        puts("    its new version allows that: tell those who read it");
                for (size_t k = 0; k < broken->used_by_count; k++)
                        printf("    used by %.*s\n", STR_ARG(broken->used_by[k]));
        }
}

static const char *next_command(Cli *cli, const PlanReport *r, const char *branch) {
        CLEANUP(buf_deinit) Buf words = { 0 };
        buf_append_cstr(&words, "lode run");
        for (size_t i = 0; i < cli->arguments.word_count; i++)
                buf_printf(&words, " %s", cli->arguments.words[i]);
        if (branch)
                buf_printf(&words, " --branch %s", branch);
        for (size_t i = 0; i < r->step_count; i++)
                if (r->steps[i].wants_yes) {
                        buf_append_cstr(&words, " --yes");
                        break;
                }
        return arena_cstr(&cli->arena, buf_view(&words));
}

static bool is_nothing(const PlanReport *r) {
        const PlanFiles *f = &r->files;
        return r->change_count + r->step_count + r->drop_count == 0 && f->count + f->duplicate + f->held + f->refused == 0;
}

static void print_next(Cli *cli, const PlanReport *r, const char *branch) {
        if (!is_nothing(r))
                printf("%s: %s\n", r->break_count ? "look at what breaks; then" : "next", next_command(cli, r, branch));
        else if (r->files.unclaimed)
                puts("next: lode add ZONE ingress/ZONE/FILE");
        else
                puts("nothing to do: the text is applied, no file waits and every table is up to date");
}

static void print_text(Cli *cli, const PlanReport *r, const char *branch) {
        print_changes(cli, r);
        print_files(cli, &r->files);
        print_steps(cli, r);
        print_drops(cli, r);
        print_breaks(cli, r);
        access_print(&cli->output, r->access, r->access_count);
        decisions_print(cli, r->decisions, r->decision_count);
        print_next(cli, r, branch);
}

/* Whoever reads who gains what hears too of names that nobody has. */
static Status tell_absent(Cli *cli, Workspace *workspace, const PlanReport *report, Error *err) {
        Problems absent = { .arena = &cli->arena };
        if (report->access_count == 0)
                return STATUS_OK;
        TRY(access_names_check(workspace->project, workspace->lake ? workspace->lake->catalog : NULL, &cli->arena, &absent, err));
        problems_sort(&absent);
        text_warnings(cli, &absent);
        return STATUS_OK;
}

static Status run(Cli *cli, Error *err) {
        TRY(cli_want_formats(cli, false, false, err));
        const char *branch = cli_option(cli, OPTION_BRANCH);
        CLEANUP(workspace_closep) Workspace *workspace = NULL;
        WorkspaceSpec spec = { .folder = cli->arguments.folder, .store_if_there = true, .had_store = true, .workers = true, .interrupted = &cli_interrupted };
        TRY(workspace_open(&spec, &workspace, err));
        TRY(text_errors(cli, &workspace->project->problems, err));
        PlanOptions plan_options = { .words = cli->arguments.words, .word_count = cli->arguments.word_count, .branch = str_of(branch),
                                     .interrupted = &cli_interrupted };
        PlanReport report;
        Status status = plan_project(workspace, &plan_options, &cli->arena, &report, err);
        if (status != STATUS_OK && problems_any(&workspace->project->problems))
                return text_errors(cli, &workspace->project->problems, err);
        TRY(status);
        cli_tell_branch(cli, branch);
        text_warnings(cli, &report.misfits.problems);
        TRY(tell_absent(cli, workspace, &report, err));
        if (cli_json(cli))
                print_json(cli, &report);
        else
                print_text(cli, &report, branch);
        return text_errors(cli, &workspace->project->problems, err); /* of models, which do not keep what else would happen from being told */
}

const Verb verb_plan = {
        .name = "plan",
        .usage = "plan [SELECT...]",
        .words = "what apply and run would do, and why; touches nothing",
        .help = "Tells how the project's text differs from the history's, which sources would be read and which models built,\n"
                "why (their own text was edited, text upstream was, new data), and at most how many rows and bytes that reads\n"
                "(? = not known before it is read or built). What would break for readers of products, and who would gain or\n"
                "lose whole tables. SELECT as for run.\n\n"
                "  lode plan\n"
                "  lode plan crm+ --branch try",
        .options = options,
        .option_count = COUNT_OF(options),
        .run = run,
};
