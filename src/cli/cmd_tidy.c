/* SPDX-License-Identifier: Apache-2.0 */
#include "base/time.h"
#include "base/vec.h"
#include "cli/cli.h"
#include "cli/shapes.h"
#include "model/tidy.h"

enum { OPTION_DRY_RUN };

static const Option options[] = {
        [OPTION_DRY_RUN] = { "dry-run", 0, NULL, "only say what would be removed and merged, and why" },
};

static void on_table(void *context, Str name) {
        Cli *cli = context;
        output_progress(&cli->output, "looking at %.*s", STR_ARG(name));
}

/* One reason for which something goes, with how much. */
typedef struct SweepReason {
        Str what, why;
        int64_t files, bytes;
} SweepReason;

typedef VEC(SweepReason) SweepReasons;

static void add_reason(Cli *cli, SweepReasons *reasons, Str what, Str why, int64_t files, int64_t bytes) {
        if (files)
                vec_push(&cli->arena, reasons, (SweepReason){ what, why, files, bytes });
}

static SweepReasons reasons_of(Cli *cli, const TidyReport *r) {
        SweepReasons reasons = { 0 };
        add_reason(cli, &reasons, STR("run/"), STR("folders of processes that died"), r->folders, r->folder_bytes);
        add_reason(cli, &reasons, STR("landing/"), STR("half-copied files of runs that died"), r->landing_files, r->landing_bytes);
        add_reason(cli, &reasons, STR("tables/"), STR("files of runs that died before they were published"),
                   (int64_t)r->swept.files + r->retain.stray_files, r->swept.bytes + r->retain.stray_bytes);
        add_reason(cli, &reasons, STR("audit/"), STR("records older than `audit: keep:` of lode.yml says"), r->audit.files, r->audit.bytes);
        for (size_t i = 0; i < r->retain.table_count; i++) {
                const RetainTable *table = &r->retain.tables[i];
                Str name = arena_strf(&cli->arena, "%.*s.%.*s", STR_ARG(table->name.zone), STR_ARG(table->name.name));
                if (!str_is(table->name.kind, "table"))
                        name = arena_strf(&cli->arena, "%.*s (%.*s)", STR_ARG(name), STR_ARG(table->name.kind));
                Str why = arena_strf(&cli->arena, "%lld old version%s: %.*s", (long long)table->versions,
                                     table->versions == 1 ? "" : "s", STR_ARG(table->rule));
                vec_push(&cli->arena, &reasons, (SweepReason){ name, why, table->files, table->bytes });
        }
        return reasons;
}

static void print_json(const TidyReport *r, const SweepReasons *reasons, bool dry_run) {
        CLEANUP(buf_deinit) Buf json = { 0 };
        JsonWriter w = json_writer(&json, false);
        json_object(&w);
        json_member_bool(&w, "dry_run", dry_run);
        json_key(&w, "removed");
        json_array(&w);
        for (size_t i = 0; i < reasons->count; i++) {
                const SweepReason *reason = &reasons->items[i];
                json_object(&w);
                json_member_str(&w, "what", reason->what);
                json_member_str(&w, "why", reason->why);
                json_member_int(&w, "files", reason->files);
                json_member_int(&w, "bytes", reason->bytes);
                json_end(&w);
        }
        json_end(&w);
        json_member_int(&w, "removed_bytes", r->removed_bytes);
        json_key(&w, "compacted");
        json_array(&w);
        for (size_t i = 0; i < r->table_count; i++) {
                const CompactResult *done = &r->tables[i].result;
                json_object(&w);
                json_member_str(&w, "table", r->tables[i].name);
                json_member_int(&w, "files_before", done->files_before);
                json_member_int(&w, "files_after", done->files_after);
                json_member_int(&w, "bytes_before", done->bytes_before);
                shape_count(&w, "bytes_after", dry_run ? -1 : done->bytes_after);
                json_end(&w);
        }
        json_end(&w);
        json_key(&w, "branches");
        json_array(&w);
        for (size_t i = 0; i < r->branch_count; i++)
                json_put_str(&w, r->branches[i]);
        json_end(&w);
        json_member_int(&w, "seen", r->seen);
        json_key(&w, "errors");
        json_array(&w);
        for (size_t i = 0; i < r->error_count; i++)
                json_put_error(&w, &r->errors[i], NULL);
        json_end(&w);
        json_key(&w, "seconds");
        json_put_double(&w, (double)r->us / 1e6);
        json_end(&w);
        output_json(&json);
}

static void print_text(Cli *cli, const TidyReport *r, const SweepReasons *reasons, bool dry_run) {
        Arena *arena = &cli->arena;
        Str removed_headers[] = { str_of(dry_run ? "would remove" : "removed"), STR("files"), STR("bytes"), STR("because") };
        TextTable *removed = text_table_new(arena, removed_headers, COUNT_OF(removed_headers));
        for (size_t i = 0; i < reasons->count; i++) {
                const SweepReason *reason = &reasons->items[i];
                text_table_row(removed, (Str[]){ reason->what, count_print(arena, reason->files),
                                                 bytes_print(arena, (uint64_t)reason->bytes), reason->why });
        }
        Str merged_headers[] = { str_of(dry_run ? "would merge" : "merged"), STR("files"), STR("into"), STR("bytes") };
        TextTable *merged = text_table_new(arena, merged_headers, COUNT_OF(merged_headers));
        for (size_t i = 0; i < r->table_count; i++) {
                const CompactResult *done = &r->tables[i].result;
                text_table_row(merged, (Str[]){ r->tables[i].name, count_print(arena, done->files_before),
                                                count_print(arena, done->files_after),
                                                bytes_print(arena, (uint64_t)done->bytes_before) });
        }
        for (size_t i = 1; i < 3; i++) {
                text_table_right(removed, i);
                text_table_right(merged, i);
        }
        text_table_right(merged, 3);
        if (reasons->count)
                text_table_print(removed, &cli->output, stdout);
        if (r->table_count)
                text_table_print(merged, &cli->output, stdout);
        for (size_t i = 0; i < r->branch_count; i++)
                output_note(&cli->output, PAINT_NONE, "branch %.*s of a failed run %s", STR_ARG(r->branches[i]),
                            dry_run ? "would be forgotten" : "is forgotten");
        printf("%s %s, %s table%s %s, in %s\n", dry_run ? "would free" : "freed",
               bytes_print(arena, (uint64_t)r->removed_bytes).data, count_print(arena, (int64_t)r->table_count).data,
               r->table_count == 1 ? "" : "s", dry_run ? "to compact" : "compacted", duration_print(arena, r->us).data);
}

static Status run(Cli *cli, Error *err) {
        TRY(cli_want_formats(cli, false, false, err));
        bool dry_run = cli_option(cli, OPTION_DRY_RUN) != NULL;
        CLEANUP(workspace_closep) Workspace *workspace = NULL;
        WorkspaceSpec spec = { .folder = cli->arguments.folder, .store = true };
        TRY(workspace_open(&spec, &workspace, err));
        TidyOptions tidy = { .words = cli->arguments.words,
                             .word_count = cli->arguments.word_count,
                             .dry_run = dry_run,
                             .clock_is_right = cli->arguments.yes,
                             .interrupted = &cli_interrupted,
                             .context = cli,
                             .on_table = on_table };
        TidyReport report;
        TRY(tidy_store(workspace, &tidy, &cli->arena, &report, err));
        output_progress(&cli->output, NULL);
        SweepReasons reasons = reasons_of(cli, &report);
        if (cli_json(cli))
                print_json(&report, &reasons, dry_run);
        else
                print_text(cli, &report, &reasons, dry_run);
        if (report.ahead_us)
                output_note(&cli->output, PAINT_YELLOW, "the clock is %s ahead of the last run or tidy: nothing that is only old by it goes, until a tidy a day from "
                            "now finds it so too; lode tidy --yes when it is right", duration_print(&cli->arena, report.ahead_us).data);
        for (size_t i = 0; i < report.error_count; i++)
                output_error(&cli->output, &report.errors[i]);
        cli->exit_code = report.error_count ? 1 : 0;
        return STATUS_OK;
}

const Verb verb_tidy = {
        .name = "tidy",
        .usage = "tidy [SELECT...]",
        .words = "remove what nobody needs, merge small files, apply retention",
        .help = "Removes what processes that died left behind, merges many small data files of a table into few, and removes\n"
                "the files of versions that are older than `retain:` in the zone's applied zone.yml says (30 days unless it\n"
                "says otherwise). Rows are the same afterwards, and what any branch shows stays. Says what it removes, why,\n"
                "and how many bytes. Safe beside runs and queries, and to interrupt at any time. Landed files stay forever.\n"
                "SELECT names tables, as in run: then only these are compacted and expire. Where the clock has gone ahead by more than\n"
                "a day since the last run or tidy, nothing expires by it before a day has passed; --yes says that it is right.\n\n"
                "  lode tidy --dry-run\n"
                "  lode tidy shop",
        .options = options,
        .option_count = COUNT_OF(options),
        .run = run,
};
