/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "base/time.h"
#include "cli/cli.h"
#include "cli/shapes.h"
#include "cli/verified.h"
#include "lake/backup.h"
#include "model/workspace.h"

enum { OPTION_DAMAGED, OPTION_DAMAGED_TOO };

static const Option options[] = {
        [OPTION_DAMAGED] = { "damaged", 0, NULL, "no new store: put back files of this one that are damaged or gone" },
        [OPTION_DAMAGED_TOO] = { "damaged-too", 0, NULL, "go on where files of the backup are damaged, without them" },
};

static Status project_store(Cli *cli, const char **out, Error *err) {
        const char *root;
        Project *project;
        TRY(project_find(&cli->arena, cli->arguments.folder, &root, err));
        TRY(project_load(&cli->arena, root, &project, err));
        *out = project->store;
        return STATUS_OK;
}

/* A store in which no line can be written is restored all the same. */
static void audit(Cli *cli, const char *store, const char *action) {
        Error ignored = { 0 };
        Audit *log = audit_open(path_join(&cli->arena, store, "audit"), "cli");
        Str from = str_of(cli->arguments.words[0]);
        AuditRecord record = { .principal = principal_local(&cli->arena).name, .via = STR("cli"), .action = str_of(action),
                               .objects = &from, .object_count = 1, .rows = -1, .bytes = -1 };
        audit_record(log, &record, &cli->arena, NULL, &ignored);
        audit_close(log);
}

/* ---- files of the store that is there ---- */

static void print_put_back(const Cli *cli, const Str *done, size_t done_count, const VerifyReport *report) {
        CLEANUP(buf_deinit) Buf json = { 0 };
        JsonWriter w = json_writer(&json, false);
        size_t left = report->damage_count - done_count;
        if (!cli_json(cli)) {
                for (size_t i = 0; i < done_count; i++)
                        output_say(&cli->output, PAINT_NONE, "", "put back  %.*s\n", STR_ARG(done[i]));
                printf("%zu files put back, %zu damages left%s\n", done_count, left, left ? ": lode verify names them" : "");
                return;
        }
        json_object(&w);
        json_member_strs(&w, "put_back", done, done_count);
        json_member_int(&w, "left", (int64_t)left);
        json_end(&w);
        output_json(&json);
}

static Status restore_damaged(Cli *cli, const Backup *backup, Error *err) {
        const char *root = NULL;
        CLEANUP(store_freep) Store *store = NULL;
        if (cli->arguments.word_count > 1) {
                error_set(err, STATUS_USAGE, "--damaged mends the project's own store, and '%s' would be another", cli->arguments.words[1]);
                return error_hint(err, "lode restore DIR --damaged; or, without it, lode restore DIR STORE makes a new one");
        }
        TRY(project_store(cli, &root, err));
        TRY(store_open(root, &store, err));
        VerifySpec spec = { .folder = store->root, .catalog_path = store->catalog_path, .progress = verified_progress,
                            .context = &cli->output, .interrupted = &cli_interrupted };
        VerifyReport report;
        Str *done = NULL;
        size_t count = 0;
        TRY(lake_verify(&spec, &cli->arena, &report, err));
        output_progress(&cli->output, NULL);
        audit(cli, store->root, "restore damaged");
        TRY(lake_put_back(store->root, backup, report.damages, report.damage_count, &cli->arena, &done, &count, err));
        print_put_back(cli, done, count, &report);
        cli->exit_code = count < report.damage_count ? 1 : 0;
        return STATUS_OK;
}

/* ---- a new store ---- */

static void print_restored(const Cli *cli, const Backup *backup, const RestoreResult *result, double seconds) {
        CLEANUP(arena_deinit) Arena scratch = { 0 };
        if (!cli_json(cli)) {
                verified_damages_text(cli, result->damages, result->damage_count, "damaged in the backup, and not restored");
                printf("%s is the store of commit %.*s: %lld files, %.*s, in %.1f s\n", result->root,
                       STR_ARG(str_slice(backup->commit, 0, 12)), (long long)result->files,
                       STR_ARG(bytes_print(&scratch, (uint64_t)result->bytes)), seconds);
                output_note(&cli->output, PAINT_NONE, "`store: %s` in lode.yml makes a project use it", result->root);
                return;
        }
        CLEANUP(buf_deinit) Buf json = { 0 };
        JsonWriter w = json_writer(&json, false);
        json_object(&w);
        json_member_str(&w, "store", str_of(result->root));
        shape_text(&w, "commit", backup->commit);
        json_member_int(&w, "files", result->files);
        json_member_int(&w, "bytes", result->bytes);
        json_member_int(&w, "rewritten_files", result->rewritten);
        json_key(&w, "seconds");
        json_put_double(&w, seconds);
        verified_damages_json(&w, result->damages, result->damage_count);
        json_end(&w);
        output_json(&json);
}

static Status restore_store(Cli *cli, const Backup *backup, Error *err) {
        const char *root = cli->arguments.word_count > 1 ? cli->arguments.words[1] : NULL;
        if (!root)
                TRY(project_store(cli, &root, err));
        RestoreSpec spec = { .damaged_too = cli_option(cli, OPTION_DAMAGED_TOO) != NULL, .progress = verified_progress,
                             .context = &cli->output, .interrupted = &cli_interrupted };
        RestoreResult result;
        int64_t started = time_monotonic_us();
        TRY(lake_restore(backup, root, &spec, &cli->arena, &result, err));
        output_progress(&cli->output, NULL);
        audit(cli, result.root, "restore");
        print_restored(cli, backup, &result, (double)(time_monotonic_us() - started) / 1e6);
        cli->exit_code = result.damage_count ? 1 : 0;
        return STATUS_OK;
}

static Status run(Cli *cli, Error *err) {
        TRY(cli_want_words(cli, &verb_restore, 1, 2, err));
        TRY(cli_want_formats(cli, false, false, err));
        Backup backup;
        CLEANUP(close_fdp) int held = -1;
        TRY(backup_hold(cli->arguments.words[0], &held, err));
        TRY(backup_read(cli->arguments.words[0], &cli->arena, &backup, err));
        return cli_option(cli, OPTION_DAMAGED) ? restore_damaged(cli, &backup, err) : restore_store(cli, &backup, err);
}

const Verb verb_restore = {
        .name = "restore",
        .usage = "restore DIR [STORE]",
        .words = "a store from a backup, at any place; or single files of this one",
        .help = "Makes the store that lode backup copied to DIR again at STORE (else where the project's store belongs), which must not\n"
                "be there yet. Tables, history and commit ids are the same wherever it lies. With --damaged it puts back, into the\n"
                "store that is there, the files that lode verify finds damaged or gone, and nothing else.\n\n"
                "  lode restore /mnt/disk2/shop ../shop.lode\n"
                "  lode restore /mnt/disk2/shop --damaged",
        .options = options,
        .option_count = COUNT_OF(options),
        .run = run,
};
