/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"
#include "model/init.h"

enum { OPTION_DEMO };

static const Option options[] = { [OPTION_DEMO] = { "demo", 0, NULL, "a small consultancy: three zones, messy files, models" } };

static void print_json(const InitReport *report) {
        CLEANUP(buf_deinit) Buf json = { 0 };
        JsonWriter w = json_writer(&json, false);
        json_object(&w);
        json_member_str(&w, "project", report->name);
        json_member_str(&w, "root", str_of(report->root));
        json_key(&w, "files");
        json_array(&w);
        for (size_t i = 0; i < report->file_count; i++)
                json_put_str(&w, report->files[i]);
        json_end(&w);
        json_end(&w);
        output_json(&json);
}

static Status run(Cli *cli, Error *err) {
        TRY(cli_want_words(cli, &verb_init, 0, 1, err));
        TRY(cli_want_formats(cli, false, false, err));
        const char *folder = cli->arguments.word_count ? cli->arguments.words[0] : cli->arguments.folder ? cli->arguments.folder : ".";
        InitReport report;
        TRY(init_project(&cli->arena, folder, cli_option(cli, OPTION_DEMO) != NULL, &report, err));
        if (cli_json(cli)) {
                print_json(&report);
                return STATUS_OK;
        }
        printf("project %.*s in %s: %zu files\n", STR_ARG(report.name), report.root, report.file_count);
        output_note(&cli->output, PAINT_NONE, "%.*s", STR_ARG(report.next));
        return STATUS_OK;
}

const Verb verb_init = {
        .name = "init",
        .usage = "init [DIR] [--demo]",
        .words = "a new project",
        .help = "Makes a project: a folder of text that says what a company's data is. Writes over nothing.\n"
                "The data itself lies beside it, in ../NAME.lode, and is made by the first run.\n\n"
                "  lode init shop\n"
                "  lode init --demo demo && cd demo && lode run",
        .options = options,
        .option_count = COUNT_OF(options),
        .run = run,
};
