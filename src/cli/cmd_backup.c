/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "base/time.h"
#include "cli/cli.h"
#include "cli/shapes.h"
#include "cli/verified.h"
#include "lake/backup.h"
#include "model/workspace.h"

static void print_json(const BackupResult *result, double seconds) {
        CLEANUP(buf_deinit) Buf json = { 0 };
        JsonWriter w = json_writer(&json, false);
        json_object(&w);
        json_member_str(&w, "backup", str_of(result->backup.folder));
        shape_text(&w, "commit", result->backup.commit);
        json_member_str(&w, "at", result->backup.at);
        json_member_int(&w, "files", result->backup.files);
        json_member_int(&w, "bytes", result->backup.bytes);
        json_member_int(&w, "copied_files", result->copied_files);
        json_member_int(&w, "copied_bytes", result->copied_bytes);
        json_member_int(&w, "removed_files", result->removed_files);
        json_key(&w, "seconds");
        json_put_double(&w, seconds);
        verified_damages_json(&w, result->damages, result->damage_count);
        json_end(&w);
        output_json(&json);
}

static void print_text(const Cli *cli, const BackupResult *result, double seconds) {
        CLEANUP(arena_deinit) Arena scratch = { 0 };
        verified_damages_text(cli, result->damages, result->damage_count,
                              "damaged in the store and not in the backup; lode verify says what to do");
        printf("backup of commit %.*s: %lld files, %.*s; copied %lld files, %.*s, in %.1f s\n",
               STR_ARG(str_slice(result->backup.commit, 0, 12)), (long long)result->backup.files,
               STR_ARG(bytes_print(&scratch, (uint64_t)result->backup.bytes)), (long long)result->copied_files,
               STR_ARG(bytes_print(&scratch, (uint64_t)result->copied_bytes)), seconds);
        output_note(&cli->output, PAINT_NONE, "it holds the store's key and secrets: keep it as safe as the store");
}

/* A backup in ingress/ would be delivered, and one in zones/ read as the project's text. */
static Status want_place(const Project *project, const char *folder, Error *err) {
        static const char *const kept[] = { "ingress", "zones" };
        CLEANUP(arena_deinit) Arena scratch = { 0 };
        const char *there = path_absolute(&scratch, folder);
        while (!file_exists(there) && strcmp(there, "/") != 0)
                there = path_dir(&scratch, there);
        CLEANUP(freep) char *real = realpath(there, NULL);
        for (size_t i = 0; real && i < COUNT_OF(kept); i++) {
                CLEANUP(freep) char *inside = realpath(path_join(&scratch, project->root, kept[i]), NULL);
                size_t size = inside ? strlen(inside) : 0;
                if (!inside || strncmp(real, inside, size) != 0 || (real[size] != '/' && real[size] != '\0'))
                        continue;
                error_set(err, STATUS_BAD_VALUE, "cannot back up into '%s': it lies in the project's %s/", folder, kept[i]);
                return error_hint(err, "name a folder of its own on another disk: lode backup /mnt/disk2/%.*s", STR_ARG(project->name));
        }
        return STATUS_OK;
}

/* Whoever may read the project may not read the store, and git would take the key. */
static void warn_of_place(const Cli *cli, const Project *project, const char *folder) {
        CLEANUP(freep) char *real = realpath(folder, NULL);
        CLEANUP(freep) char *root = realpath(project->root, NULL);
        size_t size = root ? strlen(root) : 0;
        if (real && root && strncmp(real, root, size) == 0 && (real[size] == '/' || real[size] == '\0'))
                output_note(&cli->output, PAINT_YELLOW, "'%s' lies in the project's folder: keep it out of git and of all who may read the text, or name a "
                            "folder elsewhere", folder);
}

static Status run(Cli *cli, Error *err) {
        TRY(cli_want_words(cli, &verb_backup, 1, 1, err));
        if (!*cli->arguments.words[0])
                return error_set(err, STATUS_USAGE, "backup wants the folder that it writes to, and its name is empty");
        TRY(cli_want_formats(cli, false, false, err));
        CLEANUP(workspace_closep) Workspace *workspace = NULL;
        WorkspaceSpec open = { .folder = cli->arguments.folder, .store = true };
        TRY(workspace_open(&open, &workspace, err));
        TRY(want_place(workspace->project, cli->arguments.words[0], err));
        Str folder = str_of(cli->arguments.words[0]);
        AuditRecord record = { .action = STR("backup"), .objects = &folder, .object_count = 1, .rows = -1, .bytes = -1 };
        TRY(workspace_audit_change(workspace, record, &cli->arena, NULL, err));
        BackupSpec spec = { .progress = verified_progress, .context = &cli->output, .interrupted = &cli_interrupted };
        BackupResult result;
        int64_t started = time_monotonic_us();
        TRY(lake_backup(workspace->lake, cli->arguments.words[0], &spec, &cli->arena, &result, err));
        output_progress(&cli->output, NULL);
        double seconds = (double)(time_monotonic_us() - started) / 1e6;
        if (cli_json(cli))
                print_json(&result, seconds);
        else
                print_text(cli, &result, seconds);
        warn_of_place(cli, workspace->project, cli->arguments.words[0]);
        cli->exit_code = result.damage_count ? 1 : 0;
        return STATUS_OK;
}

const Verb verb_backup = {
        .name = "backup",
        .usage = "backup DIR",
        .words = "the store as of now, in a folder of its own; again copies what is new",
        .help = "Copies what the newest commit of every branch and all of the history need, each file held to its hash. Runs may go\n"
                "on meanwhile. Killed at any moment, DIR is the older backup or the new one, and the next call goes on. DIR holds\n"
                "the store's key and secrets, and is made for its owner alone.\n\n"
                "  lode backup /mnt/disk2/shop\n"
                "  lode backup /mnt/disk2/shop && lode verify --backup /mnt/disk2/shop",
        .run = run,
};
