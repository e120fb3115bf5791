/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "base/time.h"
#include "cli/cli.h"
#include "cli/verified.h"
#include "lake/backup.h"
#include "model/workspace.h"

enum { OPTION_QUICK, OPTION_BACKUP };

static const Option options[] = {
        [OPTION_QUICK] = { "quick", 0, NULL, "sizes and footers, not every byte of landed files and data" },
        [OPTION_BACKUP] = { "backup", 0, "DIR", "a backup instead of the project's store" },
};

/* Who verified is worth a line, after the log was looked at; rows: how many damages. A store so damaged that no line
 * can be written is verified all the same. */
static void audit(Cli *cli, const VerifySpec *spec, size_t damages) {
        Error ignored = { 0 };
        const char *folder = path_join(&cli->arena, spec->folder, "audit");
        if (!file_exists(folder))
                return;
        Audit *log = audit_open(folder, "cli");
        AuditRecord record = { .principal = principal_local(&cli->arena).name, .via = STR("cli"), .action = STR("verify"),
                               .objects = spec->names, .object_count = spec->name_count, .rows = (int64_t)damages,
                               .bytes = -1 };
        audit_record(log, &record, &cli->arena, NULL, &ignored);
        audit_close(log);
}

static Status of_store(Cli *cli, VerifySpec *spec, Error *err) {
        const char *root;
        Project *project;
        TRY(project_find(&cli->arena, cli->arguments.folder, &root, err));
        TRY(project_load(&cli->arena, root, &project, err));
        CLEANUP(store_freep) Store *store = NULL;
        TRY(store_open(project->store, &store, err));
        spec->folder = arena_cstr(&cli->arena, str_of(store->root));
        spec->catalog_path = arena_cstr(&cli->arena, str_of(store->catalog_path));
        return STATUS_OK;
}

static Status of_backup(Cli *cli, VerifySpec *spec, int *out_held, Error *err) {
        Backup backup;
        TRY(backup_hold(cli_option(cli, OPTION_BACKUP), out_held, err));
        TRY(backup_read(cli_option(cli, OPTION_BACKUP), &cli->arena, &backup, err));
        spec->folder = backup.folder;
        spec->catalog_path = backup.catalog_path;
        spec->is_backup = true;
        spec->is_whole = backup.is_whole;
        spec->catalog_sha256 = backup.catalog_sha256;
        return STATUS_OK;
}

static Status run(Cli *cli, Error *err) {
        TRY(cli_want_formats(cli, false, false, err));
        Str *names = ARENA_ARRAY(&cli->arena, Str, cli->arguments.word_count);
        for (size_t i = 0; i < cli->arguments.word_count; i++)
                names[i] = str_of(cli->arguments.words[i]);
        VerifySpec spec = { .quick = cli_option(cli, OPTION_QUICK) != NULL,
                            .names = names,
                            .name_count = cli->arguments.word_count,
                            .progress = verified_progress,
                            .context = &cli->output,
                            .interrupted = &cli_interrupted };
        CLEANUP(close_fdp) int held = -1;
        TRY(cli_option(cli, OPTION_BACKUP) ? of_backup(cli, &spec, &held, err) : of_store(cli, &spec, err));
        VerifyReport report;
        int64_t started = time_monotonic_us();
        TRY(lake_verify(&spec, &cli->arena, &report, err));
        output_progress(&cli->output, NULL);
        if (!spec.is_backup)
                audit(cli, &spec, report.damage_count);
        verified_print(cli, &report, spec.quick, (double)(time_monotonic_us() - started) / 1e6);
        cli->exit_code = report.damage_count ? 1 : 0;
        return STATUS_OK;
}

const Verb verb_verify = {
        .name = "verify",
        .usage = "verify [TABLE|ZONE...]",
        .words = "whether everything stored still is what was written",
        .help = "Reads the store, or a backup, and compares every byte with its hash: landed files, data, Iceberg's files, the\n"
                "history, the audit log, the catalog itself. Names what is damaged, whom that affects and what to do; exit 1 then.\n"
                "Changes nothing, and may run beside everything else.\n\n"
                "  lode verify\n"
                "  lode verify shop.staging.orders --quick",
        .options = options,
        .option_count = COUNT_OF(options),
        .run = run,
};
