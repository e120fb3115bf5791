/* SPDX-License-Identifier: Apache-2.0 */
#include "base/time.h"
#include "cli/cli.h"
#include "cli/shapes.h"
#include "model/workspace.h"

enum { OPTION_AT, OPTION_FROM, OPTION_REMOVE };

static const Option options[] = {
        [OPTION_AT] = { "at", 0, "COMMIT|TIME", "begin there (else at the newest commit)" },
        [OPTION_FROM] = { "from", 0, "BRANCH", "begin on this branch (else main)" },
        [OPTION_REMOVE] = { "remove", 0, NULL, "forget the branch; its commits stay in the history" },
};

static Status list(Cli *cli, Workspace *workspace, Error *err) {
        CatalogBranch *branches;
        size_t count;
        TRY(catalog_branches(workspace->lake->catalog, &cli->arena, &branches, &count, err));
        CLEANUP(buf_deinit) Buf json = { 0 };
        JsonWriter w = json_writer(&json, false);
        Str headers[] = { STR("branch"), STR("commit"), STR("begun") };
        TextTable *table = text_table_new(&cli->arena, headers, COUNT_OF(headers));
        json_array(&w);
        for (size_t i = 0; i < count; i++) {
                Str begun = branches[i].head.size ? time_print_us(&cli->arena, branches[i].at_us) : STR("");
                json_object(&w);
                json_member_str(&w, "branch", branches[i].name);
                shape_text(&w, "commit", branches[i].head);
                shape_text(&w, "begun", begun);
                json_end(&w);
                text_table_row(table, (Str[]){ branches[i].name, str_slice(branches[i].head, 0, 12), str_slice(begun, 0, 19) });
        }
        json_end(&w);
        if (cli_json(cli))
                output_json(&json);
        else
                text_table_print(table, &cli->output, stdout);
        return STATUS_OK;
}

/* Letters, digits and -_./ between them, so that a name never needs quotes; run/N belongs to failed runs. */
static Status check_name(Str name, Error *err) {
        bool good = name.size > 0 && name.size <= 100;
        for (size_t i = 0; i < name.size && good; i++) {
                char c = name.data[i];
                bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
                good = letter || (i > 0 && i + 1 < name.size && char_is_one_of(c, "-_./"));
        }
        if (!good)
                return error_set(err, STATUS_BAD_VALUE, "'%.*s' cannot be a branch: letters, digits and - _ . / between them", STR_ARG(name));
        if (str_starts_with(name, STR("run/")))
                return error_set(err, STATUS_BAD_VALUE, "branches run/N are made by runs that fail");
        return STATUS_OK;
}

static Status make(Cli *cli, Workspace *workspace, Str name, Error *err) {
        TRY(check_name(name, err));
        CatalogAt base;
        TRY(workspace_at(workspace, str_of(cli_option(cli, OPTION_FROM)), cli_option(cli, OPTION_AT), &base, err));
        Status status = catalog_branch_create(workspace->lake->catalog, name, base, err);
        if (status == STATUS_EXISTS && str_is(name, "main"))
                return error_hint(err, "every store has it; lode branch lists all");
        if (status == STATUS_EXISTS)
                return error_hint(err, "lode branch lists them; lode branch %.*s --remove forgets it", STR_ARG(name));
        TRY(status);
        output_note(&cli->output, PAINT_NONE, "branch %.*s: lode run --branch %.*s changes nothing on main", STR_ARG(name), STR_ARG(name));
        return STATUS_OK;
}

static Status forget(Cli *cli, Workspace *workspace, Str name, Error *err) {
        TRY(catalog_branch_remove(workspace->lake->catalog, name, err));
        output_note(&cli->output, PAINT_NONE, "branch %.*s is forgotten; its commits stay in the history", STR_ARG(name));
        return STATUS_OK;
}

static Status run(Cli *cli, Error *err) {
        TRY(cli_want_words(cli, &verb_branch, 0, 1, err));
        TRY(cli_want_formats(cli, false, false, err));
        CLEANUP(workspace_closep) Workspace *workspace = NULL;
        WorkspaceSpec spec = { .folder = cli->arguments.folder, .store = true };
        TRY(workspace_open(&spec, &workspace, err));
        if (cli->arguments.word_count == 0)
                return list(cli, workspace, err);
        Str name = str_of(cli->arguments.words[0]);
        AuditRecord record = { .action = cli_option(cli, OPTION_REMOVE) ? STR("branch remove") : STR("branch"), .objects = &name,
                               .object_count = 1, .rows = -1, .bytes = -1 };
        TRY(workspace_audit_change(workspace, record, &cli->arena, NULL, err));
        if (cli_option(cli, OPTION_REMOVE))
                return forget(cli, workspace, name, err);
        return make(cli, workspace, name, err);
}

const Verb verb_branch = {
        .name = "branch",
        .usage = "branch [NAME]",
        .words = "lines of commits: list them, or begin one",
        .help = "A branch begins as what main is, costs nothing, and is read and run on with --branch. Merging one back is not\n"
                "built yet: what was tried is run on main as well. Branches run/N hold what a failed run built.\n\n"
                "  lode branch try && lode run --branch try\n"
                "  lode branch then --at 2026-11-01",
        .options = options,
        .option_count = COUNT_OF(options),
        .run = run,
};
