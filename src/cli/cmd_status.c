/* SPDX-License-Identifier: Apache-2.0 */
#include "base/time.h"
#include "base/vec.h"
#include "cli/cli.h"
#include "cli/product.h"
#include "cli/quarantine.h"
#include "cli/shapes.h"
#include "cli/text_change.h"
#include "intake/discover.h"
#include "intake/land.h"
#include "intake/stage.h"
#include "model/plan.h"
#include "model/run.h"
#include "model/text.h"
#include "server/refresh.h"

#define UNCLAIMED_SHOWN 5
#define STEPS_SHOWN 5

typedef struct StatusReport {
        RunFiles files;  /* seen: what waits now; staged, duplicate ...: what the last looks said */
        QuarantineRule *rules;
        size_t rule_count;
        Delivery *held; /* of archives that no source has: without one, and in no ledger */
        size_t held_count, archive_count;
        int64_t landed;         /* taken, and staged by no run yet: one that failed before it could */
        Delivery *doubts; /* that may be in a table twice */
        size_t doubt_count;
        Str *failed;
        size_t failed_count;
        LateProduct *late;
        size_t late_count;
        Unclaimed *unclaimed;
        size_t unclaimed_count;
        TextChange *edited;
        size_t edited_count;
        PlanStep *steps; /* what the text that is applied would have built, besides what waits */
        size_t step_count;
        const char *next;
} StatusReport;

/* Those outside of ingress stay where they are, so whether one waits is what a run would say of it. */
static Status count_outside(Cli *cli, Workspace *workspace, const FoundFile *found, size_t count, StatusReport *report, Error *err) {
        VEC(const FoundFile *) outside = { 0 };
        for (size_t i = 0; i < count; i++)
                if (!found[i].in_ingress && found[i].feed && !found[i].rival)
                        vec_push(&cli->arena, &outside, &found[i]);
        LandedFile *landed = ARENA_ARRAY(&cli->arena, LandedFile, outside.count);
        TRY(land_look(workspace->lake, outside.items, outside.count, &cli_interrupted, &cli->arena, landed, err));
        /* A duplicate brings nothing; it may be the very file that the last run took, too new to be known by its times. */
        for (size_t i = 0; i < outside.count; i++)
                report->files.seen += landed[i].state != LAND_KNOWN && landed[i].state != LAND_DUPLICATE;
        return STATUS_OK;
}

/* Of archives only the last run knows: they are in no ledger before they are unpacked. */
static const Json *last_run(Cli *cli, Workspace *workspace) {
        Str text;
        Json *last;
        Error ignored;
        bool known = workspace->lake && catalog_meta(workspace->lake->catalog, STR("last_run"), &cli->arena, &text, &ignored) == STATUS_OK &&
                     json_parse(text, NULL, &cli->arena, &last, &ignored) == STATUS_OK;
        return known ? last : NULL;
}

/* True: the last run could not unpack it, and it is noted why. */
static bool note_held_archive(Cli *cli, const Json *last, const FoundFile *file, StatusReport *report) {
        const Json *deliveries = last ? json_get(last, "deliveries") : NULL;
        for (size_t i = 0; i < json_count(deliveries); i++) {
                const Json *row = json_at(deliveries, i);
                if (!str_is(json_string(json_get(row, "state")), "held") || json_string(json_get(row, "sha256")).size > 0 ||
                    !str_equal(json_string(json_get(row, "zone")), file->zone) || !str_equal(json_string(json_get(row, "name")), file->name))
                        continue;
                Delivery held = { .zone = file->zone, .source = STR(""), .name = file->name };
                held.message = arena_str(&cli->arena, json_string(json_get(row, "message")));
                report->held[report->held_count++] = held;
                report->archive_count++;
                report->files.held++;
                return true;
        }
        return false;
}

/* Files that wait, by whether a source claims them. */
static Status count_files(Cli *cli, Workspace *workspace, StatusReport *report, Error *err) {
        const Project *project = workspace->project;
        VEC(const Feed *) feeds = { 0 };
        VEC(Str) zones = { 0 };
        for (size_t z = 0; z < project->zone_count; z++) {
                vec_push(&cli->arena, &zones, project->zones[z]->name);
                for (size_t i = 0; i < project->zones[z]->source_count; i++)
                        vec_push(&cli->arena, &feeds, feed_of_source(&cli->arena, project->zones[z]->sources[i]));
        }
        DiscoverSpec spec = { project->root, feeds.items, feeds.count, zones.items, zones.count, true, { workspace->lake ? workspace->lake->store->unpacked_dir : NULL } };
        FoundFile *found;
        size_t count;
        TRY(discover_files(&spec, &cli->arena, &found, &count, err));
        const Json *last = last_run(cli, workspace);
        report->unclaimed = ARENA_ARRAY(&cli->arena, Unclaimed, count);
        report->held = ARENA_ARRAY(&cli->arena, Delivery, count);
        for (size_t i = 0; i < count; i++) {
                if (found[i].unpacked || (found[i].is_elsewhere && !found[i].feed)) /* its members are told of; and those that are nobody's */
                        continue;
                bool held = note_held_archive(cli, last, &found[i], report);
                if (held)
                        found[i].feed = NULL; /* and so it does not wait */
                if (held || !found[i].in_ingress)
                        continue;
                report->files.seen++;
                report->files.failed += found[i].rival != NULL;
                if (!found[i].feed && !(discover_is_archive(found[i].name) && project_zone(project, found[i].zone))) /* a run unpacks those */
                        report->unclaimed[report->unclaimed_count++] = unclaimed_file(project, &found[i], &cli->arena);
        }
        report->files.unclaimed = (int64_t)report->unclaimed_count;
        return count_outside(cli, workspace, found, count, report, err);
}

/* Held, and no later delivery of the same name was staged: that one was the sender's or the user's answer. */
static bool still_held(const Delivery *rows, size_t count, size_t at) {
        if (!str_is(rows[at].state, "held"))
                return false;
        for (size_t i = 0; i < count; i++)
                if (rows[i].landed_us > rows[at].landed_us && str_is(rows[i].state, "staged") && str_equal(rows[i].name, rows[at].name) &&
                    str_equal(rows[i].source, rows[at].source) && str_equal(rows[i].zone, rows[at].zone))
                        return false;
        return true;
}

typedef VEC(Delivery) DeliveryVec;

/* They are in the table still, which stays as it was because of them. */
static Status add_withheld(Cli *cli, Workspace *workspace, DeliveryVec *held, Error *err) {
        const Project *project = workspace->project;
        for (size_t z = 0; z < project->zone_count; z++)
                for (size_t i = 0; i < project->zones[z]->source_count; i++) {
                        const Source *source = project->zones[z]->sources[i];
                        Delivery *rows;
                        size_t count;
                        TRY(run_withheld(workspace->lake, source->zone, source->name, &cli->arena, &rows, &count, err));
                        for (size_t k = 0; k < count; k++) {
                                rows[k].message = arena_strf(&cli->arena, "it is in the table, which stays as it was: by the source's text as it was applied last "
                                                                          "it would be held: %.*s", STR_ARG(rows[k].message));
                                vec_push(&cli->arena, held, rows[k]);
                        }
                }
        return STATUS_OK;
}

static bool is_in_doubt(const Delivery *delivery) {
        return str_is(delivery->state, "staged") && str_find(delivery->message, STR(FEED_NAMESAKE)) < delivery->message.size;
}

static Status count_deliveries(Cli *cli, Workspace *workspace, StatusReport *report, Error *err) {
        DeliveryQuery query = { 0 };
        Delivery *rows;
        size_t count;
        TRY(catalog_deliveries(workspace->lake->catalog, &query, &cli->arena, &rows, &count, err));
        DeliveryVec held = { 0 }, doubts = { 0 };
        for (size_t i = 0; i < report->held_count; i++)
                vec_push(&cli->arena, &held, report->held[i]);
        for (size_t i = 0; i < count; i++) {
                report->files.staged += str_is(rows[i].state, "staged");
                report->landed += str_is(rows[i].state, "landed") && project_source(workspace->project, rows[i].zone, rows[i].source);
                if (is_in_doubt(&rows[i]) && project_source(workspace->project, rows[i].zone, rows[i].source))
                        vec_push(&cli->arena, &doubts, rows[i]);
                if (!still_held(rows, count, i) || !project_source(workspace->project, rows[i].zone, rows[i].source)) /* or its text is gone */
                        continue;
                report->files.held++;
                vec_push(&cli->arena, &held, rows[i]);
        }
        TRY(add_withheld(cli, workspace, &held, err));
        report->doubts = doubts.items;
        report->doubt_count = doubts.count;
        report->held = held.items;
        report->held_count = held.count;
        TRY(quarantine_rules(workspace->lake, (CatalogAt){ 0 }, rows, count, STR(""), &cli->arena, &report->rules, &report->rule_count, err));
        quarantine_leave_removed(workspace->project, report->rules, &report->rule_count);
        return STATUS_OK;
}

/* Models that the last run could not build; that a server cannot even run. */
static void load_failed(Cli *cli, Workspace *workspace, StatusReport *report) {
        Str text;
        Json *last;
        Error ignored;
        VEC(Str) failed = { 0 };
        if (catalog_meta(workspace->lake->catalog, STR("last_run"), &cli->arena, &text, &ignored) == STATUS_OK &&
            json_parse(text, NULL, &cli->arena, &last, &ignored) == STATUS_OK) {
                const Json *models = json_get(last, "models");
                for (size_t i = 0; i < json_count(models); i++)
                        if (str_is(json_string(json_get(json_at(models, i), "state")), "failed"))
                                vec_push(&cli->arena, &failed, json_string(json_get(json_at(models, i), "table")));
        }
        if (catalog_meta(workspace->lake->catalog, STR(META_REFRESH), &cli->arena, &text, &ignored) == STATUS_OK && text.size > 0)
                vec_push(&cli->arena, &failed, arena_strf(&cli->arena, "refresh by the server: %.*s", STR_ARG(text)));
        report->failed = failed.items;
        report->failed_count = failed.count;
}

/*
 * What a run would build, and whether it would refuse the text: then what is wrong with it is in the project's problems. That
 * asks a worker; a machine that has none to give is told by whatever needs one, and all else of this screen stands.
 */
static void look_ahead(Cli *cli, Workspace *workspace, StatusReport *report) {
        PlanOptions options = { .packed = true, .interrupted = &cli_interrupted };
        PlanReport plan;
        Error ignored;
        if (problems_any(&workspace->project->problems) || workspace->project->zone_count == 0)
                return;
        if (workspace_workers(workspace, 1, &cli_interrupted, &ignored) != STATUS_OK)
                return;
        if (plan_project(workspace, &options, &cli->arena, &plan, &ignored) != STATUS_OK || problems_any(&workspace->project->problems))
                return;
        report->steps = plan.steps;
        report->step_count = plan.step_count;
}

static const char *next_command(const StatusReport *report, const Workspace *workspace) {
        if (problems_any(&workspace->project->problems))
                return "lode check";
        if (workspace->project->zone_count == 0)
                return "lode add ZONE FILE";
        if (report->files.seen > report->files.unclaimed || report->edited_count || report->landed || !workspace->lake)
                return "lode run";
        if (report->held_count)
                return report->held_count > report->archive_count ? "lode show delivery" : "lode show run";
        if (report->failed_count)
                return "lode show run";
        if (report->step_count)
                return "lode run";
        if (report->files.unclaimed)
                return "lode add ZONE ingress/ZONE/FILE";
        return report->rule_count ? "lode show quarantine" : "lode show table";
}

static void print_json(Workspace *workspace, const StatusReport *r, Arena *arena) {
        CLEANUP(buf_deinit) Buf json = { 0 };
        JsonWriter w = json_writer(&json, false);
        json_object(&w);
        json_member_str(&w, "store", str_of(workspace->project->store));
        json_member_str(&w, "branch", STR("main"));
        json_member_str(&w, "principal", workspace->principal.name);
        shape_files(&w, &r->files);
        json_key(&w, "quarantine");
        json_array(&w);
        for (size_t i = 0; i < r->rule_count; i++) {
                json_object(&w);
                json_member_str(&w, "source", r->rules[i].source);
                json_member_str(&w, "rule", r->rules[i].rule);
                json_member_int(&w, "rows", r->rules[i].rows);
                json_end(&w);
        }
        json_end(&w);
        json_key(&w, "held");
        json_array(&w);
        for (size_t i = 0; i < r->held_count; i++) {
                json_object(&w);
                json_member_str(&w, "zone", r->held[i].zone);
                json_member_str(&w, "source", r->held[i].source);
                json_member_str(&w, "name", r->held[i].name);
                json_member_str(&w, "message", r->held[i].message);
                json_end(&w);
        }
        json_end(&w);
        json_member_strs(&w, "failed", r->failed, r->failed_count);
        json_key(&w, "edited");
        shape_text_changes(&w, r->edited, r->edited_count, arena);
        json_member_str(&w, "next", str_of(r->next));
        json_end(&w);
        output_json(&json);
}

static void print_wrong(Cli *cli, Workspace *workspace, size_t count) {
        problems_sort(&workspace->project->problems);
        const Error *first = workspace->project->problems.errors.items[0];
        const char *where = first->file[0] ? arena_printf(&cli->arena, "%s:%d: ", first->file, first->line) : "";
        output_say(&cli->output, PAINT_RED, "text", "        %zu error%s: %s %s%s\n", count, count == 1 ? "" : "s, the first", status_code(first->status), where,
                   first->message);
}

/* Applied, and not yet what the tables are made by. */
static void print_steps(const StatusReport *r) {
        for (size_t i = 0; i < r->step_count && i < STEPS_SHOWN; i++)
                printf("%s%.*s  %s\n", i ? "            " : "not built   ", STR_ARG(r->steps[i].node->name),
                       r->steps[i].is_new && r->steps[i].why == PLAN_EDITED ? "new" : plan_why_name(r->steps[i].why));
        if (r->step_count > STEPS_SHOWN)
                printf("            and %zu more: lode plan\n", r->step_count - STEPS_SHOWN);
}

static void print_held(Cli *cli, const Delivery *held) {
        Str name = output_line(&cli->arena, held->name), why = output_line(&cli->arena, held->message);
        const char *form = held->source.size ? "        %.*s.%.*s  %.*s: %.*s\n" : "        ingress/%.*s%.*s/%.*s: %.*s\n";
        output_say(&cli->output, PAINT_RED, "held", form, STR_ARG(held->zone), STR_ARG(held->source), STR_ARG(name), STR_ARG(why));
}

static void print_text(Cli *cli, Workspace *workspace, const StatusReport *r) {
        const Output *o = &cli->output;
        printf("store       %s%s\nbranch      main\nprincipal   %.*s\n", workspace->project->store,
               workspace->lake ? "" : " (not there yet: the first run makes it)", STR_ARG(workspace->principal.name));
        printf("files       %lld waiting, %lld of them unclaimed; %lld deliveries staged, %lld held\n", (long long)r->files.seen,
               (long long)r->files.unclaimed, (long long)r->files.staged, (long long)r->files.held);
        if (r->landed)
                output_say(o, PAINT_YELLOW, "landed", "      %lld, taken and not staged yet: the next run does\n", (long long)r->landed);
        size_t wrong = workspace->project->problems.errors.count;
        if (wrong)
                print_wrong(cli, workspace, wrong);
        for (size_t i = 0; i < r->held_count; i++)
                print_held(cli, &r->held[i]);
        for (size_t i = 0; i < r->doubt_count; i++)
                output_say(o, PAINT_YELLOW, "twice?", "      %.*s.%.*s  %s: %s\n", STR_ARG(r->doubts[i].zone), STR_ARG(r->doubts[i].source),
                           output_line(&cli->arena, r->doubts[i].name).data, output_line(&cli->arena, r->doubts[i].message).data);
        for (size_t i = 0; i < r->rule_count; i++)
                output_say(o, PAINT_YELLOW, "quarantine", "  %.*s  %.*s%s%.*s%s: %s\n", STR_ARG(r->rules[i].source), STR_ARG(r->rules[i].rule), r->rules[i].severity.size ? " (" : "",
                       STR_ARG(r->rules[i].severity), r->rules[i].severity.size ? ")" : "", count_print(&cli->arena, r->rules[i].rows).data);
        for (size_t i = 0; i < r->failed_count; i++)
                output_say(o, PAINT_RED, "failed", "      %.*s\n", STR_ARG(r->failed[i]));
        for (size_t i = 0; i < r->late_count; i++)
                output_say(o, PAINT_YELLOW, "late", "        %.*s  %s\n", STR_ARG(r->late[i].product), late_product_words(&cli->arena, &r->late[i]));
        for (size_t i = 0; i < r->unclaimed_count && i < UNCLAIMED_SHOWN; i++)
                output_say(o, PAINT_YELLOW, "unclaimed", "   %s: %.*s\n", output_line(&cli->arena, r->unclaimed[i].file).data, STR_ARG(r->unclaimed[i].why));
        if (r->unclaimed_count > UNCLAIMED_SHOWN)
                output_say(o, PAINT_YELLOW, "unclaimed", "   and %zu more\n", r->unclaimed_count - UNCLAIMED_SHOWN);
        if (r->edited_count)
                puts("text        edited and not applied:");
        for (size_t i = 0; i < r->edited_count; i++)
                text_change_print(o, "            ", &r->edited[i], &cli->arena);
        print_steps(r);
        printf("next        %s\n", r->next);
}

static Status run(Cli *cli, Error *err) {
        TRY(cli_want_words(cli, &verb_status, 0, 0, err));
        TRY(cli_want_formats(cli, false, false, err));
        CLEANUP(workspace_closep) Workspace *workspace = NULL;
        WorkspaceSpec spec = { .folder = cli->arguments.folder, .store_if_there = true, .had_store = true };
        TRY(workspace_open(&spec, &workspace, err));
        StatusReport report = { 0 };
        TRY(count_files(cli, workspace, &report, err));
        if (workspace->lake) {
                TRY(count_deliveries(cli, workspace, &report, err));
                load_failed(cli, workspace, &report);
                TRY(late_products(workspace, &cli->arena, &report.late, &report.late_count, err));
                TRY(text_changes(workspace, (CatalogAt){ 0 }, &cli->arena, &report.edited, &report.edited_count, err));
        }
        look_ahead(cli, workspace, &report);
        report.next = next_command(&report, workspace);
        if (cli_json(cli))
                print_json(workspace, &report, &cli->arena);
        else
                print_text(cli, workspace, &report);
        return STATUS_OK;
}

const Verb verb_status = {
        .name = "status",
        .usage = "status",
        .words = "one screen: what waits, what did not fit, what to do next",
        .help = "Says where the store is and who you are, what waits in ingress, what is held or in quarantine, which models\n"
                "failed, what was edited and not applied, what is applied and not built, and the next command.\n\n"
                "  lode status\n"
                "  lode status -o json",
        .run = run,
};
