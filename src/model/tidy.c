/* SPDX-License-Identifier: Apache-2.0 */
#include "model/tidy.h"

#include "base/time.h"
#include "base/vec.h"
#include "intake/leftover.h"
#include "model/audit_rule.h"
#include "model/select.h"
#include "model/text.h"

#define SEEN_MOST 1000

/* After a run */
#define RUN_INTENTS     64
#define RUN_FILES_LEAST 64                    /* small ones of a table, before a run merges them */
#define RUN_BYTES_MOST  (INT64_C(64) << 20)
#define RUN_TABLES_MOST 4

typedef struct Tidy {
        Workspace *workspace;
        const TidyOptions *options;
        Arena *arena;
        TidyReport *report;
        ChangeSetSpec commit;
        int64_t now_us;
        Map chosen; /* full names, when there is a SELECT */
        Map rules;  /* Retain, by zone */
        VEC(TidyTable) tables;
        VEC(Error) errors;
} Tidy;

static bool is_interrupted(const Tidy *tidy) {
        return tidy->options->interrupted && *tidy->options->interrupted;
}

/* ---- what time it is ---- */

/*
 * A clock that jumps ahead must not take for old what was written minutes ago, nor a store that was left alone for a year keep
 * all of it for ever. So a time far beyond the one that was believed last is believed when it is seen again a day later, and
 * until then things are as old as they were. Kept as "BELIEVED SEEN", microseconds; SEEN 0: nothing is doubted.
 */
#define META_CLOCK "tidy clock"
#define CLOCK_JUMP_US (INT64_C(86400) * 1000000)
#define CLOCK_NOTED_US (INT64_C(3600) * 1000000) /* not written anew for less */

typedef struct Clock {
        int64_t believed_us, seen_us;
} Clock;

static Status clock_load(Catalog *catalog, Arena *arena, Clock *out, Error *err) {
        Str text, believed, seen;
        Error absent = { 0 };
        CatalogCommit head;
        *out = (Clock){ 0 };
        Status status = catalog_meta(catalog, STR(META_CLOCK), arena, &text, &absent);
        if (status == STATUS_OK && str_cut(text, ' ', &believed, &seen) && str_to_int64(believed, &out->believed_us) &&
            str_to_int64(seen, &out->seen_us))
                return STATUS_OK;
        TRY(catalog_head(catalog, STR("main"), arena, &head, err));
        out->believed_us = head.seq ? head.at_us : time_now_us();
        return STATUS_OK;
}

/* Gives the time by which things are old; told: somebody says that the clock is right. */
static Status clock_look(Catalog *catalog, bool told, bool dry_run, int64_t now, Arena *arena, int64_t *out, Error *err) {
        Clock before, clock;
        TRY(clock_load(catalog, arena, &before, err));
        bool near = now <= before.believed_us + CLOCK_JUMP_US, again = before.seen_us && now - before.seen_us >= CLOCK_JUMP_US;
        if (told || near || again)
                clock = (Clock){ now, 0 };
        else
                clock = (Clock){ before.believed_us, before.seen_us && before.seen_us <= now ? before.seen_us : now };
        *out = clock.believed_us;
        bool same = clock.seen_us == before.seen_us && clock.believed_us >= before.believed_us && clock.believed_us - before.believed_us < CLOCK_NOTED_US;
        return same || dry_run ? STATUS_OK : catalog_put_meta(catalog, STR(META_CLOCK), arena_strf(arena, "%lld %lld", (long long)clock.believed_us, (long long)clock.seen_us), err);
}

/* ---- which tables ---- */

static Status select_words(Tidy *tidy, Error *err) {
        Workspace *workspace = tidy->workspace;
        const TidyOptions *options = tidy->options;
        map_init(&tidy->chosen, tidy->arena);
        if (options->word_count == 0)
                return STATUS_OK;
        TRY(workspace_workers(workspace, 1, options->interrupted, err));
        CLEANUP(worker_releasep) Worker *worker = NULL;
        ProjectText text;
        TRY(worker_lease(workspace->pool, workspace->principal.name, &worker, err));
        TRY(text_load(workspace, worker, tidy->arena, &text, err));
        if (problems_any(text.problems))
                return project_first_problem(workspace->project, err);
        bool *chosen = ARENA_ARRAY(tidy->arena, bool, text.graph->count);
        Str *words = ARENA_ARRAY(tidy->arena, Str, options->word_count);
        for (size_t i = 0; i < options->word_count; i++)
                words[i] = str_of(options->words[i]);
        TRY(select_nodes(text.graph, words, options->word_count, chosen, err));
        for (size_t i = 0; i < text.graph->count; i++)
                if (chosen[i])
                        map_put(&tidy->chosen, text.graph->nodes[i]->name, tidy);
        return STATUS_OK;
}

static bool is_chosen(const Tidy *tidy, CatalogName name) {
        if (tidy->options->word_count == 0)
                return true;
        CLEANUP(arena_deinit) Arena scratch = { 0 };
        return map_has(&tidy->chosen, arena_strf(&scratch, "%.*s.%.*s", STR_ARG(name.zone), STR_ARG(name.name)));
}

/* ---- rules ---- */

/* The last that a zone said, should it have been taken out of the text since. */
static Status load_rule(Tidy *tidy, Str zone, Retain *out, Error *err) {
        CatalogObject *versions = NULL;
        size_t count = 0;
        CatalogName name = { STR("zone"), zone, zone };
        TRY(catalog_history(tidy->workspace->lake->catalog, STR(""), name, 2, tidy->arena, &versions, &count, err));
        Str text = STR("");
        for (size_t i = count; i-- > 0;) {
                if (!versions[i].body.data)
                        continue;
                Json *json = NULL;
                TRY(json_parse(versions[i].body, NULL, tidy->arena, &json, err));
                text = json_string(json_get(json, "text"));
        }
        const char *path = arena_printf(tidy->arena, "zones/%.*s/zone.yml", STR_ARG(zone));
        return zone_retain_parse(tidy->arena, path, text, out, err);
}

static Status rule_of_zone(Tidy *tidy, Str zone, const Retain **out, Error *err) {
        Retain *known = map_get(&tidy->rules, zone);
        if (!known) {
                known = ARENA_NEW(tidy->arena, Retain);
                TRY(load_rule(tidy, zone, known, err));
                map_put(&tidy->rules, zone, known);
        }
        *out = known;
        return STATUS_OK;
}

static Str keep_words(Arena *arena, int64_t us) {
        static const struct {
                int64_t us;
                const char *unit;
        } units[] = { { INT64_C(86400000000), "d" }, { INT64_C(3600000000), "h" }, { 60000000, "m" }, { 1000000, "s" } };
        for (size_t i = 0; i < COUNT_OF(units); i++)
                if (us && us % units[i].us == 0)
                        return arena_strf(arena, "%lld%s", (long long)(us / units[i].us), units[i].unit);
        return us ? arena_strf(arena, "%lldms", (long long)(us / 1000)) : STR("0s");
}

/* Quarantine is kept as the staging that it was kept from, and so is the log that a table is made of. */
static Status rule_of(void *context, CatalogName name, RetainRule *out, Error *err) {
        Tidy *tidy = context;
        const Retain *retain = NULL;
        Str stage, rest;
        *out = (RetainRule){ RETAIN_FOREVER, STR("") };
        if (!is_chosen(tidy, name))
                return STATUS_OK;
        TRY(rule_of_zone(tidy, name.zone, &retain, err));
        str_cut(name.name, '.', &stage, &rest);
        const struct {
                const char *stage;
                int64_t us;
        } stages[] = { { "canonical", retain->canonical_us },
                       { "analytical", retain->analytical_us },
                       { "egress", retain->egress_us },
                       { "staging", retain->staging_us } };
        size_t i = 0;
        while (i + 1 < COUNT_OF(stages) && (str_is(name.kind, "quarantine") || !str_is(stage, stages[i].stage)))
                i++;
        *out = (RetainRule){ stages[i].us, arena_strf(tidy->arena, "`retain: %s: %.*s` of zone %.*s", stages[i].stage,
                                                      STR_ARG(keep_words(tidy->arena, stages[i].us)), STR_ARG(name.zone)) };
        return STATUS_OK;
}

/* ---- compaction ---- */

static Status compact_table(Tidy *tidy, const Table *table, CompactSpec *spec, CompactResult *out, Error *err) {
        CompactWorker by = { .lake = tidy->workspace->lake, .principal = arena_strf(tidy->arena, "zone:%.*s", STR_ARG(table->zone)) };
        spec->commit = tidy->commit;
        spec->name = (CatalogName){ table->kind, table->zone, table->name };
        spec->merge = compact_by_worker;
        spec->context = &by;
        spec->interrupted = tidy->options->interrupted;
        *out = (CompactResult){ 0 };
        if (!spec->dry_run)
                TRY(workspace_workers(tidy->workspace, 1, spec->interrupted, err));
        by.pool = tidy->workspace->pool;
        return lake_compact(tidy->workspace->lake, spec, out, err);
}

/* What ends all of it rather than one table. */
static bool is_environment(Status status) {
        return status == STATUS_IO || status == STATUS_DISK_FULL || status == STATUS_INTERRUPTED || status == STATUS_ENGINE ||
               status == STATUS_SANDBOX;
}

static Status take_table(Tidy *tidy, const Table *table, Error *err) {
        CompactSpec spec = { .dry_run = tidy->options->dry_run };
        TidyTable done = { .name = table_full_name(tidy->arena, table) };
        if (!str_is(table->kind, "table"))
                done.name = arena_strf(tidy->arena, "%.*s (%.*s)", STR_ARG(done.name), STR_ARG(table->kind));
        if (is_interrupted(tidy))
                return error_set(err, STATUS_INTERRUPTED, "interrupted; what is tidied stays, the next tidy goes on");
        if (tidy->options->on_table)
                tidy->options->on_table(tidy->options->context, done.name);
        Status status = compact_table(tidy, table, &spec, &done.result, err);
        if (done.result.files_before)
                vec_push(tidy->arena, &tidy->tables, done);
        if (status == STATUS_OK || status == STATUS_NOT_FOUND) /* dropped meanwhile */
                return STATUS_OK;
        error_context(err, "compacting %.*s", STR_ARG(done.name));
        if (is_environment(status))
                return status;
        vec_push(tidy->arena, &tidy->errors, *err);
        return STATUS_OK;
}

/* Made of a log, and written again where rows change: large files would be written again more often. It merges its own. */
static bool is_folded(const Tidy *tidy, const Table *table) {
        CatalogObject log;
        Error absent;
        CatalogName name = { STR("log"), table->zone, table->name };
        return str_is(table->kind, "table") &&
               catalog_get(tidy->workspace->lake->catalog, (CatalogAt){ 0 }, name, tidy->arena, &log, &absent) == STATUS_OK;
}

static Status compact_all(Tidy *tidy, Error *err) {
        for (size_t k = 0; k < TABLE_KIND_COUNT; k++) {
                Table *tables = NULL;
                size_t count = 0;
                TRY(lake_tables(tidy->workspace->lake, (CatalogAt){ 0 }, str_of(table_kinds[k]), STR(""), tidy->arena, &tables,
                                &count, err));
                for (size_t i = 0; i < count; i++)
                        if (tables[i].body.files >= COMPACT_LEAST_FILES &&
                            is_chosen(tidy, (CatalogName){ tables[i].kind, tables[i].zone, tables[i].name }) && !is_folded(tidy, &tables[i]))
                                TRY(take_table(tidy, &tables[i], err));
        }
        return STATUS_OK;
}

/* ---- leftovers ---- */

static bool is_failed_run(const Tidy *tidy, const CatalogBranch *branch) {
        return str_starts_with(branch->name, STR("run/")) && branch->at_us < tidy->now_us - TIDY_RUNS_US;
}

static Status drop_branches(Tidy *tidy, Error *err) {
        CatalogBranch *branches = NULL;
        size_t count = 0;
        VEC(Str) dropped = { 0 };
        TRY(catalog_branches(tidy->workspace->lake->catalog, tidy->arena, &branches, &count, err));
        for (size_t i = 0; i < count; i++) {
                Error refused = { 0 };
                if (!is_failed_run(tidy, &branches[i]))
                        continue;
                /* one that somebody made a branch of stays */
                if (tidy->options->dry_run ||
                    catalog_branch_remove(tidy->workspace->lake->catalog, branches[i].name, &refused) == STATUS_OK)
                        vec_push(tidy->arena, &dropped, branches[i].name);
        }
        tidy->report->branches = dropped.items;
        tidy->report->branch_count = dropped.count;
        return STATUS_OK;
}

static Status sweep_leftovers(Tidy *tidy, Error *err) {
        TidyReport *report = tidy->report;
        Lake *lake = tidy->workspace->lake;
        bool dry_run = tidy->options->dry_run;
        worker_folders_sweep(lake->store->run_dir, dry_run, &report->folders, &report->folder_bytes);
        if (!dry_run)
                TRY(lake_sweep(lake, 0, &report->swept, err));
        TRY(land_sweep(lake, dry_run, &report->landing_files, &report->landing_bytes, err));
        TRY(seen_sweep(lake, tidy->now_us - TIDY_SEEN_US, SEEN_MOST, dry_run, &report->seen, err));
        return drop_branches(tidy, err);
}

/* ---- the whole ---- */

static Status retain(Tidy *tidy, Error *err) {
        bool all = tidy->options->word_count == 0;
        RetainSpec spec = { .rule = rule_of,
                            .context = tidy,
                            .commit = tidy->commit,
                            .now_us = tidy->now_us,
                            .readers_us = RETAIN_READERS_US,
                            .strays = all,
                            .dry_run = tidy->options->dry_run };
        return lake_retain(tidy->workspace->lake, &spec, tidy->arena, &tidy->report->retain, err);
}

static Status audit(Tidy *tidy, Error *err) {
        if (tidy->options->dry_run)
                return STATUS_OK;
        AuditRecord record = { .action = STR("tidy"), .rows = -1, .bytes = -1 };
        return workspace_audit_change(tidy->workspace, record, tidy->arena, &tidy->commit.audit, err);
}

/* That records go is a record itself, and stands before they do. */
static Status retire_audit(Tidy *tidy, Error *err) {
        AuditRule rule;
        Lake *lake = tidy->workspace->lake;
        TRY(audit_rule_load(lake->catalog, &rule, err));
        if (rule.keep_us == INT64_MAX || rule.keep_us > tidy->now_us)
                return STATUS_OK;
        Str since = date_print(tidy->arena, (int32_t)((tidy->now_us - rule.keep_us) / INT64_C(86400000000)));
        AuditRetired found;
        TRY(lake_audit_retire(lake->catalog, lake->store->audit_dir, since, true, &found, err));
        if (tidy->options->dry_run || found.files == 0) {
                tidy->report->audit = found;
                return STATUS_OK;
        }
        AuditRecord record = { .action = STR("audit retire"), .rows = -1, .bytes = found.bytes, .statement = arena_strf(tidy->arena, "records before %.*s", STR_ARG(since)) };
        TRY(workspace_audit_change(tidy->workspace, record, tidy->arena, NULL, err));
        return lake_audit_retire(lake->catalog, lake->store->audit_dir, since, false, &tidy->report->audit, err);
}

static Status tidy_steps(Tidy *tidy, Error *err) {
        int64_t now = tidy->now_us;
        TRY(clock_look(tidy->workspace->lake->catalog, tidy->options->clock_is_right, tidy->options->dry_run, now, tidy->arena, &tidy->now_us, err));
        tidy->report->ahead_us = now - tidy->now_us;
        TRY(select_words(tidy, err));
        TRY(audit(tidy, err));
        if (tidy->options->word_count == 0)
                TRY(sweep_leftovers(tidy, err));
        if (tidy->options->word_count == 0)
                TRY(retire_audit(tidy, err));
        TRY(compact_all(tidy, err));
        return retain(tidy, err);
}

Status tidy_store(Workspace *workspace, const TidyOptions *options, Arena *arena, TidyReport *out, Error *err) {
        int64_t start = time_monotonic_us();
        *out = (TidyReport){ 0 };
        Tidy tidy = { .workspace = workspace,
                      .options = options,
                      .arena = arena,
                      .report = out,
                      .commit = { .author = workspace->principal.name, .via = STR("cli") },
                      .now_us = time_now_us() };
        map_init(&tidy.rules, arena);
        Status status = tidy_steps(&tidy, err);
        out->tables = tidy.tables.items;
        out->table_count = tidy.tables.count;
        out->errors = tidy.errors.items;
        out->error_count = tidy.errors.count;
        out->removed_bytes = out->folder_bytes + out->swept.bytes + out->landing_bytes + out->retain.bytes + out->audit.bytes;
        out->us = time_monotonic_us() - start;
        return status;
}

/* ---- after a run ---- */

static bool in_zones(const Str *zones, size_t count, Str zone) {
        for (size_t i = 0; i < count; i++)
                if (str_equal(zones[i], zone))
                        return true;
        return false;
}

/* A table that cannot be compacted is no reason for a run to fail: `lode tidy` tells why. */
static Status compact_few(Tidy *tidy, const char *kind, const Str *zones, size_t zone_count, size_t *left, Error *err) {
        Table *tables = NULL;
        size_t count = 0;
        TRY(lake_tables(tidy->workspace->lake, (CatalogAt){ 0 }, str_of(kind), STR(""), tidy->arena, &tables, &count, err));
        for (size_t i = 0; i < count && *left > 0; i++) {
                const TableBody *body = &tables[i].body;
                if (body->files < RUN_FILES_LEAST || body->bytes / body->files > COMPACT_TARGET_BYTES / 4 ||
                    !in_zones(zones, zone_count, tables[i].zone))
                        continue;
                CompactSpec spec = { .least_files = RUN_FILES_LEAST, .most_bytes = RUN_BYTES_MOST };
                CompactResult done;
                Error ignored = { 0 };
                (void)compact_table(tidy, &tables[i], &spec, &done, &ignored);
                *left -= done.files_before > 0;
        }
        return STATUS_OK;
}

Status tidy_after_run(Workspace *workspace, const ChangeSetSpec *commit, const Str *zones, size_t zone_count, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        TidyOptions options = { 0 };
        Tidy tidy = { .workspace = workspace, .options = &options, .arena = &arena, .commit = *commit };
        SweepResult swept;
        size_t left = RUN_TABLES_MOST;
        int64_t ignored;
        TRY(clock_look(workspace->lake->catalog, false, false, time_now_us(), &arena, &ignored, err));
        TRY(lake_sweep(workspace->lake, RUN_INTENTS, &swept, err));
        for (size_t i = 0; i < TABLE_KIND_COUNT; i++)
                TRY(compact_few(&tidy, table_kinds[i], zones, zone_count, &left, err));
        return STATUS_OK;
}
