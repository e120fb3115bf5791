/* SPDX-License-Identifier: Apache-2.0 */
#include "base/time.h"
#include "cli/cli.h"
#include "cli/shapes.h"
#include "model/workspace.h"

enum { OPTION_BRANCH, OPTION_LIMIT };

static const Option options[] = {
        [OPTION_BRANCH] = { "branch", 0, "BRANCH", "which line of commits (else main)" },
        [OPTION_LIMIT] = { "limit", 'n', "COUNT", "at most so many (else all in JSON, 20 in text)" },
};

static void print_json(Cli *cli, const CatalogCommit *log, size_t count) {
        CLEANUP(buf_deinit) Buf json = { 0 };
        JsonWriter w = json_writer(&json, false);
        json_array(&w);
        for (size_t i = 0; i < count; i++) {
                json_object(&w);
                json_member_str(&w, "commit", log[i].id);
                shape_text(&w, "parent", log[i].parent);
                json_member_str(&w, "branch", log[i].branch);
                json_member_str(&w, "author", log[i].author);
                json_member_str(&w, "time", time_print_us(&cli->arena, log[i].at_us));
                json_member_str(&w, "message", log[i].message);
                shape_text(&w, "git", log[i].git);
                json_key(&w, "changes");
                json_array(&w);
                for (size_t j = 0; j < log[i].change_count; j++) {
                        const CatalogChangeRow *row = &log[i].changes[j];
                        json_object(&w);
                        json_member_str(&w, "kind", row->kind);
                        json_member_str(&w, "name", row->zone.size ? arena_strf(&cli->arena, "%.*s.%.*s", STR_ARG(row->zone), STR_ARG(row->name)) : row->name);
                        json_member_str(&w, "change", row->body_hash.size ? STR("put") : STR("remove"));
                        json_end(&w);
                }
                json_end(&w);
                json_end(&w);
        }
        json_end(&w);
        output_json(&json);
}

static void print_text(Cli *cli, const CatalogCommit *log, size_t count) {
        Str headers[] = { STR("commit"), STR("time"), STR("author"), STR("message") };
        TextTable *table = text_table_new(&cli->arena, headers, COUNT_OF(headers));
        for (size_t i = 0; i < count; i++) {
                Str when = str_slice(time_print_us(&cli->arena, log[i].at_us), 0, 19);
                text_table_row(table, (Str[]){ str_slice(log[i].id, 0, 12), when, log[i].author, log[i].message });
        }
        text_table_print(table, &cli->output, stdout);
}

static Status run(Cli *cli, Error *err) {
        TRY(cli_want_words(cli, &verb_log, 0, 0, err));
        TRY(cli_want_formats(cli, false, false, err));
        int64_t limit = cli_json(cli) ? 0 : 20;
        const char *given = cli_option(cli, OPTION_LIMIT);
        if (given && (!str_to_int64(str_of(given), &limit) || limit < 1))
                return error_set(err, STATUS_USAGE, "--limit wants a number from 1, not '%s'", given);
        const char *branch = cli_option(cli, OPTION_BRANCH);
        CLEANUP(workspace_closep) Workspace *workspace = NULL;
        WorkspaceSpec spec = { .folder = cli->arguments.folder, .store = true };
        TRY(workspace_open(&spec, &workspace, err));
        CatalogCommit *log;
        size_t count;
        TRY(catalog_log(workspace->lake->catalog, str_of(branch), 0, (size_t)limit, &cli->arena, &log, &count, err));
        cli_tell_branch(cli, branch);
        if (cli_json(cli))
                print_json(cli, log, count);
        else
                print_text(cli, log, count);
        return STATUS_OK;
}

const Verb verb_log = {
        .name = "log",
        .usage = "log",
        .words = "the history, newest first",
        .help = "Every step of the platform's history: text applied, files staged, models built. Any commit or time can be\n"
                "asked about with query --at.\n\n"
                "  lode log -n 5\n"
                "  lode log -o json",
        .options = options,
        .option_count = COUNT_OF(options),
        .run = run,
};
