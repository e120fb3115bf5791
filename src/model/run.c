/* SPDX-License-Identifier: Apache-2.0 */
#include "model/run.h"

#include "base/json.h"
#include "base/time.h"
#include "base/vec.h"
#include "intake/unpack.h"
#include "model/access_tests.h"
#include "model/scope.h"
#include "model/tidy.h"

/* A file that this run landed, until what became of it is told. */
typedef struct RunLanded {
        LandedFile landed;
        bool told;
} RunLanded;

typedef struct Run {
        Workspace *workspace;
        const RunOptions *options;
        Arena *arena;
        ProjectText text;
        Scope scope;
        VEC(RunLanded) landed;
        VEC(RunDelivery) deliveries;
        VEC(ModelReport) models;
        VEC(Error) errors, model_errors;
        VEC(Str) unclaimed, unclaimed_why;
        RunReport *report;
        Str audit; /* the log's head once this run stands in it, for every commit it makes */
        bool changed, failed, model_failed;
        bool superseded; /* another applied another text meanwhile: what is left is planned again */
} Run;

const char *run_state_name(RunState state) {
        static const char *const names[] = { "published", "nothing", "partly", "failed" };
        return names[state];
}

const char *build_state_name(BuildState state) {
        static const char *const names[] = { "built", "unchanged", "failed", "blocked" };
        return names[state];
}

static void progress(const Run *run, const char *what, Str name) {
        if (run->options->on_progress)
                run->options->on_progress(run->options->context, what, name);
}

static ChangeSetSpec commit_spec(const Run *run) {
        return (ChangeSetSpec){ .branch = run->options->branch, .author = run->workspace->principal.name, .via = workspace_via(run->workspace),
                                .audit = run->audit };
}

static bool is_interrupted(const Run *run) {
        return run->options->interrupted && *run->options->interrupted;
}

/* ---- text and selection ---- */

/* Told whoever works in the folder; a server's runs tell nobody. */
static Status look_at_access(Run *run, Worker *worker, Error *err) {
        Workspace *w = run->workspace;
        CatalogAt at = { .branch = run->options->branch };
        return w->applied ? STATUS_OK : dry_access(w->lake, at, worker, &run->text, w->project, run->arena, &run->report->misfits, err);
}

static Status load_text(Run *run, Error *err) {
        CLEANUP(worker_releasep) Worker *worker = NULL;
        TRY(worker_lease(run->workspace->pool, run->workspace->principal.name, &worker, err));
        TRY(text_load(run->workspace, worker, run->arena, &run->text, err));
        if (problems_any(run->text.problems))
                return project_first_problem(run->workspace->project, err);
        return look_at_access(run, worker, err);
}

static Status select_words(Run *run, Error *err) {
        return scope_new(run->workspace->project, &run->text, run->options->words, run->options->word_count, run->arena, &run->scope, err);
}

/* ---- arrivals ---- */

static void add_error(Run *run, const Error *err) {
        vec_push(run->arena, &run->errors, *err);
}

static void add_delivery(Run *run, RunDelivery delivery) {
        vec_push(run->arena, &run->deliveries, delivery);
        if (run->options->on_delivery)
                run->options->on_delivery(run->options->context, &delivery);
}

static void refuse_rivals(Run *run, const FoundFile *file) {
        Error err;
        error_set(&err, STATUS_AMBIGUOUS, "two sources claim '%.*s': %.*s and %.*s", STR_ARG(file->name), STR_ARG(file->feed->name),
                  STR_ARG(file->rival->name));
        error_hint(&err, "make the 'from' patterns of zones/%.*s/sources/%.*s.yml and %.*s.yml exclude each other", STR_ARG(file->zone),
                   STR_ARG(file->feed->name), STR_ARG(file->rival->name));
        add_error(run, &err);
        run->report->files.failed++;
        run->failed = true;
        add_delivery(run, (RunDelivery){ file->zone, file->feed->name, file->name, STR("failed"),
                                         arena_str(run->arena, str_of(err.message)), { .rules = NULL }, true });
}

static void take_landed(Run *run, const LandedFile *landed) {
        RunFiles *files = &run->report->files;
        const FoundFile *file = landed->file;
        RunDelivery delivery = { file->zone, file->feed->name, file->name, STR(""), landed->message, { .rules = NULL }, true };
        Error err;
        switch (landed->state) {
        case LAND_NEW:
                break; /* told when it is staged */
        case LAND_DUPLICATE:
                files->duplicate++;
                delivery.state = STR("duplicate");
                delivery.report.delivery = landed->delivery;
                if (str_is(landed->delivery.state, "held")) { /* so this one is as little in the tables as that */
                        run->failed = true;
                        error_set(&err, STATUS_HELD, "%.*s.%.*s: '%.*s' has %.*s", STR_ARG(file->zone), STR_ARG(file->feed->name), STR_ARG(file->name),
                                  STR_ARG(landed->message));
                        error_hint(&err, "lode show delivery %.*s.%.*s", STR_ARG(file->zone), STR_ARG(file->feed->name));
                        add_error(run, &err);
                }
                add_delivery(run, delivery);
                break;
        case LAND_HELD:
                files->held++;
                run->failed = true;
                error_set(&err, STATUS_HELD, "%.*s.%.*s: %.*s", STR_ARG(file->zone), STR_ARG(file->feed->name), STR_ARG(landed->message));
                add_error(run, &err);
                delivery.state = STR("held");
                delivery.report.delivery = landed->delivery;
                add_delivery(run, delivery);
                break;
        case LAND_FAILED:
                files->failed++;
                run->failed = true;
                error_set(&err, STATUS_IO, "%.*s", STR_ARG(landed->message));
                add_error(run, &err);
                delivery.state = STR("failed");
                add_delivery(run, delivery);
                break;
        case LAND_UNSETTLED:
                run->report->unsettled++;
                files->seen--;
                break;
        case LAND_KNOWN:
                files->seen--;
                break;
        }
}

/* A file that was taken, and would be found by each run for ever. */
static void tell_what_stays(Run *run, const LandedFile *landed) {
        if (landed->stays == 0)
                return;
        Error err;
        error_errno(&err, landed->stays, "'%s' was taken, and removing it failed", landed->file->path);
        error_hint(&err, "nothing of it is lost or taken twice, but each run finds it there again: let Lode write to its folder, or remove it");
        add_error(run, &err);
        run->failed = true;
}

/* Files of this run by the delivery that they became, so that staging's outcome is counted by file. */
static RunLanded *landed_now(Run *run, int64_t delivery) {
        for (size_t i = 0; i < run->landed.count; i++)
                if (run->landed.items[i].landed.state == LAND_NEW && run->landed.items[i].landed.delivery.id == delivery)
                        return &run->landed.items[i];
        return NULL;
}

static bool is_of_feed(const LandedFile *landed, const Feed *feed) {
        return str_equal(landed->file->feed->zone, feed->zone) && str_equal(landed->file->feed->name, feed->name);
}

Unclaimed unclaimed_file(const Project *project, const FoundFile *file, Arena *arena) {
        Str zone = file->zone, why;
        if (file->is_closed)
                why = STR("the folder may not be read: whoever made it must open it");
        else if (file->is_too_deep)
                why = arena_strf(arena, "it is a folder below %d others, and what lies in it is not looked at: move its files up", DISCOVER_DEPTH_MAX);
        else if (file->is_link)
                why = STR("it is a link, and links in ingress/ are not followed: put the file there, or name its path in a source's 'from'");
        else if (file->is_special)
                why = STR("it is a pipe, a socket or a device and no file, and is not read: remove it, and put a file there");
        else if (zone.size == 0)
                why = STR("it lies in no zone's folder: move it to ingress/ZONE/");
        else if (!project_zone(project, zone))
                why = arena_strf(arena, "there is no zone '%.*s': lode add ZONE makes one", STR_ARG(zone));
        else
                why = arena_strf(arena, "no source of the zone matches it: lode add %.*s FILE writes one, or widen the 'from' of one", STR_ARG(zone));
        return (Unclaimed){ arena_strf(arena, "ingress/%.*s%s%.*s", STR_ARG(zone), zone.size ? "/" : "", STR_ARG(file->name)), why };
}

static void note_unclaimed(Run *run, const FoundFile *file) {
        Unclaimed unclaimed = unclaimed_file(run->workspace->project, file, run->arena);
        Str why = unclaimed.why;
        vec_push(run->arena, &run->unclaimed, unclaimed.file);
        vec_push(run->arena, &run->unclaimed_why, why);
}

/* An archive that stays where it is, and why. */
static void take_unpacked(Run *run, const UnpackedFile *unpacked) {
        const FoundFile *file = unpacked->file;
        bool held = unpacked->state == UNPACK_HELD;
        if (unpacked->state == UNPACK_UNSETTLED)
                run->report->unsettled++;
        if (unpacked->state == UNPACK_DONE || unpacked->state == UNPACK_KNOWN || unpacked->state == UNPACK_UNSETTLED)
                return;
        Error err;
        error_set(&err, held ? STATUS_HELD : STATUS_IO, "%s%.*s%s%.*s: %.*s", file->in_ingress ? "ingress/" : "", STR_ARG(file->in_ingress ? file->zone : STR("")),
                  file->in_ingress ? "/" : "", STR_ARG(file->name), STR_ARG(unpacked->message));
        add_error(run, &err);
        run->report->files.seen++;
        *(held ? &run->report->files.held : &run->report->files.failed) += 1;
        run->failed = true;
        Str source = file->feed ? file->feed->name : STR("");
        add_delivery(run, (RunDelivery){ file->zone, source, file->name, held ? STR("held") : STR("failed"), unpacked->message, { .rules = NULL }, true });
}

/* Archives, whatever became of them, are no files to land. Nor is what an archive elsewhere holds and
 * nobody claims: it is nobody's, and there it still is. */
static bool stays_packed(const UnpackedFile *unpacked, size_t count, const FoundFile *file) {
        for (size_t i = 0; i < count; i++)
                if (strcmp(unpacked[i].file->path, file->path) == 0)
                        return true;
        if (!file->is_elsewhere || file->feed)
                return false;
        unlink(file->path);
        return true;
}

/* The files that wait, archives as their members. */
static Status find_files(Run *run, FoundFile **out, size_t *out_count, Error *err) {
        const Store *store = run->workspace->lake->store;
        FoundFile *found;
        UnpackedFile *unpacked;
        size_t count, unpacked_count, kept = 0;
        TRY(scope_discover(&run->scope, store, NULL, run->arena, &found, &count, err));
        UnpackSpec spec = { .lake = run->workspace->lake, .pool = run->workspace->pool, .interrupted = run->options->interrupted };
        TRY(unpack_archives(&spec, found, count, run->arena, &unpacked, &unpacked_count, err));
        if (unpacked_count > 0)
                TRY(scope_discover(&run->scope, store, NULL, run->arena, &found, &count, err));
        for (size_t i = 0; i < unpacked_count; i++)
                take_unpacked(run, &unpacked[i]);
        for (size_t i = 0; i < count; i++)
                if (!stays_packed(unpacked, unpacked_count, &found[i]))
                        found[kept++] = found[i];
        *out = found;
        *out_count = kept;
        return STATUS_OK;
}

/* By another text, which came in between, they are found once more, or have their source. */
static void forget_unclaimed(Run *run) {
        run->report->files.seen -= (int64_t)run->unclaimed.count;
        run->unclaimed.count = run->unclaimed_why.count = 0;
}

/*
 * Files are counted as seen here, where they are found, and as what they became where that is decided: a file that falls
 * between the two makes the sum wrong, which the tests look at.
 */
static Status arrive(Run *run, Error *err) {
        FoundFile *found;
        size_t count;
        progress(run, "looking for files", STR(""));
        forget_unclaimed(run);
        TRY(find_files(run, &found, &count, err));
        VEC(const FoundFile *) claimed = { 0 };
        for (size_t i = 0; i < count; i++) {
                if (found[i].rival && (scope_has_feed(&run->scope, found[i].feed) || scope_has_feed(&run->scope, found[i].rival)))
                        refuse_rivals(run, &found[i]);
                else if (!found[i].feed && run->scope.whole)
                        note_unclaimed(run, &found[i]);
                else if (found[i].feed && !found[i].rival && scope_has_feed(&run->scope, found[i].feed))
                        vec_push(run->arena, &claimed, &found[i]);
                else
                        continue;
                run->report->files.seen++;
        }
        run->report->files.unclaimed = (int64_t)run->unclaimed.count;
        if (claimed.count)
                progress(run, "landing", STR(""));
        LandedFile *landed = ARENA_ARRAY(run->arena, LandedFile, claimed.count);
        Status status = land_files(run->workspace->lake, claimed.items, claimed.count, run->options->interrupted, run->arena, landed, err);
        if (status != STATUS_OK) { /* the next run sees them, or that they have landed */
                run->report->files.seen -= (int64_t)claimed.count;
                return status;
        }
        for (size_t i = 0; i < claimed.count; i++) {
                take_landed(run, &landed[i]);
                tell_what_stays(run, &landed[i]);
                vec_push(run->arena, &run->landed, (RunLanded){ .landed = landed[i] });
        }
        unpack_tidy(run->workspace->lake->store, run->workspace->project->root);
        return STATUS_OK;
}

/* ---- staging ---- */

static void on_stage_progress(void *context, const Feed *feed, Str name, int64_t done, int64_t total) {
        Run *run = context;
        Str words = arena_strf(run->arena, "%.*s.%.*s  %.*s (%lld of %lld)", STR_ARG(feed->zone), STR_ARG(feed->name), STR_ARG(name),
                               (long long)done + 1, (long long)total);
        progress(run, "staging", words);
}

static void take_staged(Run *run, const DeliveryReport *report, bool is_file) {
        const Delivery *delivery = &report->delivery;
        bool held = str_is(delivery->state, "held");
        if (is_file)
                *(held ? &run->report->files.held : &run->report->files.staged) += 1;
        if (held) {
                Error err;
                error_set(&err, STATUS_HELD, "%.*s.%.*s: '%.*s' is held: %.*s", STR_ARG(delivery->zone), STR_ARG(delivery->source),
                          STR_ARG(delivery->name), STR_ARG(delivery->message));
                error_hint(&err, "lode show delivery %.*s.%.*s", STR_ARG(delivery->zone), STR_ARG(delivery->source));
                add_error(run, &err);
                run->failed = true;
        }
        add_delivery(run, (RunDelivery){ delivery->zone, delivery->source, delivery->name, delivery->state, delivery->message, *report, is_file });
}

/* Files that this run landed and another, side by side, has staged. */
static Status tell_staged_elsewhere(Run *run, const Feed *feed, Error *err) {
        for (size_t i = 0; i < run->landed.count; i++) {
                RunLanded *file = &run->landed.items[i];
                if (file->told || file->landed.state != LAND_NEW || !is_of_feed(&file->landed, feed))
                        continue;
                DeliveryReport other = { 0 };
                TRY(catalog_delivery(run->workspace->lake->catalog, file->landed.delivery.id, run->arena, &other.delivery, err));
                file->told = true;
                take_staged(run, &other, true);
        }
        return STATUS_OK;
}

/* ---- a text that would hold what is staged ---- */

static Str withheld_key(Arena *arena, Str zone, Str source) {
        return arena_strf(arena, "withheld %.*s.%.*s", STR_ARG(zone), STR_ARG(source));
}

Status run_withheld(Lake *lake, Str zone, Str source, Arena *arena, Delivery **out, size_t *out_count, Error *err) {
        Str text;
        Json *list;
        *out_count = 0;
        Status status = catalog_meta(lake->catalog, withheld_key(arena, zone, source), arena, &text, err);
        if (status == STATUS_NOT_FOUND || (status == STATUS_OK && text.size == 0))
                return STATUS_OK;
        TRY(status);
        TRY(json_parse(text, "what is withheld of a source", arena, &list, err));
        *out = ARENA_ARRAY(arena, Delivery, json_count(list) + 1);
        for (size_t i = 0; i < json_count(list); i++)
                (*out)[(*out_count)++] = (Delivery){ .zone = zone, .source = source, .name = json_string(json_get(json_at(list, i), "name")),
                                                     .message = json_string(json_get(json_at(list, i), "message")) };
        return STATUS_OK;
}

/* For `status`, until a run of the source goes well. */
static Status keep_withheld(const Run *run, const Feed *feed, const StageReport *report, Error *err) {
        Arena *arena = run->arena;
        Catalog *catalog = run->workspace->lake->catalog;
        Delivery *before;
        size_t count;
        TRY(run_withheld(run->workspace->lake, feed->zone, feed->name, arena, &before, &count, err));
        if (!report->withheld && count == 0)
                return STATUS_OK;
        CLEANUP(buf_deinit) Buf json = { 0 };
        JsonWriter w = json_writer(&json, false);
        json_array(&w);
        for (size_t i = 0; i < report->count && report->withheld; i++) {
                json_object(&w);
                json_member_str(&w, "name", report->items[i].delivery.name);
                json_member_str(&w, "message", report->items[i].delivery.message);
                json_end(&w);
        }
        json_end(&w);
        return catalog_put_meta(catalog, withheld_key(arena, feed->zone, feed->name), report->withheld ? buf_view(&json) : STR(""), err);
}

static void tell_landed(Run *run, RunLanded *file, Str words) {
        const Feed *feed = file->landed.file->feed;
        file->told = true;
        run->report->files.held++;
        RunDelivery delivery = { feed->zone, feed->name, file->landed.file->name, STR("held"), words, { .rules = NULL }, true };
        delivery.report.delivery = file->landed.delivery;
        add_delivery(run, delivery);
}

/* What of this run's files waits with a feed (NULL: whosever they are) is landed, and staged when that is put right. */
static void tell_waiting(Run *run, const Feed *feed, Str words) {
        for (size_t i = 0; i < run->landed.count; i++) {
                RunLanded *file = &run->landed.items[i];
                if (!file->told && file->landed.state == LAND_NEW && (!feed || is_of_feed(&file->landed, feed)))
                        tell_landed(run, file, words);
        }
}

/* The table stays as it was; whose fault it is says the error, at the source's text. */
static void tell_withheld(Run *run, const Feed *feed, const Source *source, const StageReport *report) {
        const Delivery *first = &report->items[0].delivery;
        for (size_t i = 0; i < report->count; i++) {
                const Delivery *delivery = &report->items[i].delivery;
                Str words = arena_strf(run->arena, "it is in the table, and by the source's text as it is now would be held: %.*s",
                                       STR_ARG(delivery->message));
                add_delivery(run, (RunDelivery){ delivery->zone, delivery->source, delivery->name, STR("held"), words, report->items[i], false });
        }
        tell_waiting(run, feed, STR("it is landed and waits: the source's text as it is now would hold deliveries that are in its table"));
        Error err;
        Str more = report->count > 1 ? arena_strf(run->arena, " and %zu more", report->count - 1) : STR("");
        error_set(&err, STATUS_HELD, "%.*s.%.*s stays as it was: by this text '%.*s'%.*s, in its table now, would be held: %.*s", STR_ARG(feed->zone),
                  STR_ARG(feed->name), STR_ARG(first->name), STR_ARG(more), STR_ARG(first->message));
        error_hint(&err, "correct this text or take the edit back, then lode run");
        if (source)
                error_place_line(&err, source->path, source->text, 1, 1);
        add_error(run, &err);
        run->failed = true;
}

/* What is stored of one source is damaged: its table stays as it was, and no other source waits for it. */
static void tell_damaged(Run *run, const Feed *feed, const Error *err) {
        add_error(run, err);
        tell_waiting(run, feed, STR("it is landed and waits: something that is stored of its source is damaged"));
        run->failed = run->report->damaged = true;
}

static Status stage_one(Run *run, const Feed *feed, const Source *source, Error *err) {
        StageContext context = {
                .lake = run->workspace->lake,
                .pool = run->workspace->pool,
                .principal = arena_strf(run->arena, "zone:%.*s", STR_ARG(feed->zone)),
                .commit = commit_spec(run),
                .again = run->options->again,
                .replay = run->options->replay,
                .reread_allowed = run->options->yes,
                .reread_limit = source ? source->reread_bytes : 0,
                .threads = 2,
                .context = run,
                .on_progress = on_stage_progress,
        };
        StageReport report;
        Status status = stage_feed(&context, feed, run->arena, &report, err);
        if (status == STATUS_CORRUPT) {
                tell_damaged(run, feed, err);
                return STATUS_OK;
        }
        TRY(status);
        run->changed |= report.changed;
        run->superseded |= report.superseded;
        if (report.superseded)
                return STATUS_OK;
        TRY(keep_withheld(run, feed, &report, err));
        if (report.withheld) {
                tell_withheld(run, feed, source, &report);
                return STATUS_OK;
        }
        for (size_t i = 0; i < report.count; i++) {
                RunLanded *file = landed_now(run, report.items[i].delivery.id);
                take_staged(run, &report.items[i], file && !file->told);
                if (file)
                        file->told = true;
        }
        return tell_staged_elsewhere(run, feed, err);
}

static Status stage_all(Run *run, Error *err) {
        for (size_t i = 0; i < run->scope.feed_count; i++) {
                const Feed *feed = run->scope.feeds[i];
                if (!run->scope.feed_chosen[i] || run->superseded)
                        continue;
                if (is_interrupted(run))
                        return error_set(err, STATUS_INTERRUPTED, "interrupted; what is staged stays, the next run goes on");
                TRY(stage_one(run, feed, project_source(run->workspace->project, feed->zone, feed->name), err));
        }
        return STATUS_OK;
}

/* ---- models, zone by zone ---- */

static bool needs_zone(const Run *run, Str zone, Str other) {
        const Graph *graph = run->text.graph;
        for (size_t i = 0; i < graph->count; i++) {
                const Node *node = graph->nodes[i];
                if (!run->scope.chosen[i] || node->kind != NODE_MODEL || !str_equal(node->zone, zone))
                        continue;
                for (size_t j = 0; j < node->need_count; j++) {
                        const Node *need = node->needs[j];
                        if (need->kind == NODE_MODEL && run->scope.chosen[need->index] && str_equal(need->zone, other))
                                return true;
                }
        }
        return false;
}

/* A zone is free when it needs none of those that wait. */
static bool is_free(const Run *run, const Str *waiting, size_t count, size_t index) {
        for (size_t i = 0; i < count; i++)
                if (i != index && needs_zone(run, waiting[index], waiting[i]))
                        return false;
        return true;
}

/* Told again after another plan: what was built stays built. */
static void add_model(Run *run, const ModelReport *report) {
        for (size_t i = 0; i < run->models.count; i++) {
                ModelReport *known = &run->models.items[i];
                if (!str_equal(known->node->name, report->node->name))
                        continue;
                if (known->state != BUILD_BUILT || report->state != BUILD_UNCHANGED)
                        *known = *report;
                return;
        }
        vec_push(run->arena, &run->models, *report);
}

static Status build_group(Run *run, const Str *zones, size_t count, Error *err) {
        BuildSpec spec = {
                .workspace = run->workspace,
                .text = &run->text,
                .chosen = run->scope.chosen,
                .commit = commit_spec(run),
                .again = run->options->again,
                .run = run->report->run,
                .failed_branch = arena_strf(run->arena, "run/%lld", (long long)run->report->run),
                .context = run->options->context,
                .on_model = run->options->on_model,
        };
        progress(run, "building", zones[0]);
        BuildReport report;
        TRY(build_zones(&spec, zones, count, run->arena, &report, err));
        run->changed |= report.published;
        run->superseded |= report.superseded;
        run->model_failed |= report.failed;
        if (report.kept)
                run->report->failed_branch = spec.failed_branch;
        for (size_t i = 0; i < report.drop_count && run->options->on_drop; i++)
                run->options->on_drop(run->options->context, report.drops[i]);
        for (size_t i = 0; i < report.count; i++) {
                add_model(run, &report.items[i]);
                if (report.items[i].state != BUILD_FAILED)
                        continue;
                run->report->damaged |= report.items[i].error.status == STATUS_CORRUPT;
                vec_push(run->arena, &run->model_errors, report.items[i].error);
        }
        return STATUS_OK;
}

static Status build_all(Run *run, Error *err) {
        Str *waiting, *gone;
        size_t count = run->scope.zone_count, gone_count;
        TRY(scope_gone_zones(&run->scope, run->workspace->lake->catalog, (CatalogAt){ .branch = run->options->branch }, run->arena, &gone,
                             &gone_count, err));
        waiting = ARENA_ARRAY(run->arena, Str, count + gone_count);
        memcpy(waiting, run->scope.zones, count * sizeof(Str));
        for (size_t i = 0; i < gone_count; i++)
                waiting[count++] = gone[i];
        while (count > 0 && !run->superseded) {
                if (is_interrupted(run))
                        return error_set(err, STATUS_INTERRUPTED, "interrupted; what is published stays, the next run goes on");
                size_t free_at = 0;
                while (free_at < count && !is_free(run, waiting, count, free_at))
                        free_at++;
                if (free_at == count) /* they need each other in a circle: together */
                        return build_group(run, waiting, count, err);
                TRY(build_group(run, &waiting[free_at], 1, err));
                memmove(&waiting[free_at], &waiting[free_at + 1], (count - free_at - 1) * sizeof(Str));
                count--;
        }
        return STATUS_OK;
}

/* ---- the whole ---- */

static void finish(Run *run) {
        RunReport *report = run->report;
        report->deliveries = run->deliveries.items;
        report->delivery_count = run->deliveries.count;
        report->models = run->models.items;
        report->model_count = run->models.count;
        for (size_t i = 0; i < run->model_errors.count; i++)
                add_error(run, &run->model_errors.items[i]);
        run->failed |= run->model_failed;
        report->errors = run->errors.items;
        report->error_count = run->errors.count;
        report->unclaimed = run->unclaimed.items;
        report->unclaimed_why = run->unclaimed_why.items;
        report->unclaimed_count = run->unclaimed.count;
        bool changed = run->changed || report->apply.changed;
        report->state = run->failed ? (run->changed ? RUN_PARTLY : RUN_FAILED) : changed ? RUN_PUBLISHED : RUN_NOTHING;
}

/* The run itself, before it changes anything; what it changed is in the commits, which carry this line's hash. */
static Status audit_start(Run *run, Error *err) {
        VEC(Str) objects = { 0 };
        for (size_t i = 0; i < run->text.graph->count; i++)
                if (run->scope.chosen[i])
                        vec_push(run->arena, &objects, run->text.graph->nodes[i]->name);
        AuditRecord record = { .action = STR("run"), .objects = objects.items, .object_count = objects.count, .rows = -1, .bytes = -1 };
        return workspace_audit_change(run->workspace, record, run->arena, &run->audit, err);
}

/* There is one ledger of deliveries, and it is main's: a file that were staged on a branch alone would be missing on main. */
static bool is_on_main(const Run *run) {
        return run->options->branch.size == 0 || str_is(run->options->branch, "main");
}

static Status take_files(Run *run, Error *err) {
        TRY(arrive(run, err));
        return stage_all(run, err);
}

/* The project's text, read and in the history. Whoever edits while we read is waited for. */
static Status apply_text(Run *run, Error *err) {
        ApplyReport *report = &run->report->apply;
        if (run->workspace->applied) {
                TRY(load_text(run, err));
                TRY(select_words(run, err));
                return catalog_head(run->workspace->lake->catalog, run->options->branch, run->arena, &report->commit, err);
        }
        for (int i = 0; i < TEXT_TRIES; i++) {
                if (i > 0)
                        TRY(workspace_reload(run->workspace, err));
                TRY(load_text(run, err));
                TRY(select_words(run, err));
                TRY(text_apply(run->workspace, run->options->branch, run->arena, report, err));
                if (!report->stale)
                        return STATUS_OK;
        }
        return text_unsettled(err);
}

/* Lands, stages and builds; with superseded, what was left when another's text came in between. */
static Status work(Run *run, Error *err) {
        run->superseded = run->model_failed = false;
        run->model_errors.count = 0;
        if (is_on_main(run))
                TRY(take_files(run, err));
        return build_all(run, err);
}

/*
 * Another run or apply put another text into the history while we worked by ours. If it is the text of this folder, edited
 * meanwhile, the rest is done by that. If it is another checkout's, two people want different things: we do not undo theirs.
 */
static Status follow_text(Run *run, Error *err) {
        bool applied = run->workspace->applied; /* whatever it is now, it is what we work by */
        if (!applied)
                TRY(text_is_applied(run->workspace, run->options->branch, run->arena, &applied, err));
        if (applied) {
                TRY(workspace_reload(run->workspace, err));
                TRY(load_text(run, err));
                return select_words(run, err);
        }
        CatalogCommit head;
        TRY(catalog_head(run->workspace->lake->catalog, run->options->branch, run->arena, &head, err));
        error_set(err, STATUS_CONFLICT, "another text than this folder's was applied while this run worked; the newest commit is %.12s by %.*s",
                  head.id.data, STR_ARG(head.author));
        return error_hint(err, "what is published stays; lode plan tells how this folder differs, lode run applies it again");
}

/* By what is in force now; whom a test is about may ask the next moment. */
static Status test_access(Run *run, Error *err) {
        Problems problems = { .arena = run->arena };
        Grants *grants;
        size_t count;
        if (!is_on_main(run))
                return STATUS_OK;
        TRY(grants_load(run->workspace->lake->catalog, run->arena, &grants, err));
        TRY(access_tests_run(run->workspace, grants, &problems, run->arena, &count, err));
        for (size_t i = 0; i < problems.errors.count; i++)
                add_error(run, problems.errors.items[i]);
        run->failed |= problems.errors.count > 0;
        return STATUS_OK;
}

static Status run_steps(Run *run, Error *err) {
        TRY(apply_text(run, err));
        run->report->misfits.problems.arena = run->arena;
        if (!is_on_main(run))
                TRY(scope_unread(&run->scope, run->workspace->lake, run->options->branch, &run->report->misfits.problems, run->arena, err));
        else
                TRY(scope_left_behind(&run->scope, run->workspace->lake, (CatalogAt){ .branch = run->options->branch }, &run->report->misfits.problems,
                                      run->arena, err));
        if (run->options->on_apply)
                run->options->on_apply(run->options->context, &run->report->apply, &run->report->misfits);
        TRY(catalog_next(run->workspace->lake->catalog, STR("run"), &run->report->run, err));
        TRY(audit_start(run, err));
        TRY(work(run, err));
        for (int i = 1; run->superseded; i++) {
                if (i == TEXT_TRIES)
                        return text_unsettled(err);
                TRY(follow_text(run, err));
                TRY(work(run, err));
        }
        tell_waiting(run, NULL, STR("it is landed and waits: while this run worked, a text without its source was applied"));
        TRY(test_access(run, err));
        ChangeSetSpec commit = commit_spec(run);
        commit.branch = STR("");
        TRY(tidy_after_run(run->workspace, &commit, run->scope.zones, run->scope.zone_count, err));
        CatalogCommit head;
        TRY(catalog_head(run->workspace->lake->catalog, run->options->branch, run->arena, &head, err));
        run->report->commit = head.id;
        return STATUS_OK;
}

Status run_project(Workspace *workspace, const RunOptions *options, Arena *arena, RunReport *out, Error *err) {
        int64_t start = time_monotonic_us();
        *out = (RunReport){ .branch = options->branch.size ? options->branch : STR("main") };
        Run run = { .workspace = workspace, .options = options, .arena = arena, .report = out };
        Status status = run_steps(&run, err);
        if (status != STATUS_OK && out->run) {
                tell_waiting(&run, NULL, STR("it is landed and waits: the run came to no end, and the next one goes on with it"));
                add_error(&run, err);
                run.failed = true;
        }
        finish(&run);
        out->us = time_monotonic_us() - start;
        return status;
}
