/* SPDX-License-Identifier: Apache-2.0 */
#include "base/time.h"
#include "cli/cli.h"
#include "model/trace.h"

enum { OPTION_WHERE, OPTION_COLUMN, OPTION_BRANCH, OPTION_AT, OPTION_LIMIT };

static const Option options[] = {
        [OPTION_WHERE] = { "where", 'w', "PREDICATE", "which rows, as SQL over the table's columns" },
        [OPTION_COLUMN] = { "column", 0, "COLUMN", "show this column's value beside each row" },
        [OPTION_BRANCH] = { "branch", 0, "BRANCH", "which line of commits (else main)" },
        [OPTION_AT] = { "at", 0, "COMMIT|TIME", "as it was then" },
        [OPTION_LIMIT] = { "limit", 'n', "COUNT", "at most so many rows (else 1000)" },
};

/* Only of rows that were corrected: all others have the shape that they always had. */
static void put_fix(JsonWriter *w, const RecordFix *fix) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        json_key(w, "fix");
        json_object(w);
        json_member_str(w, "author", fix->author);
        json_member_str(w, "time", time_print_us(&arena, fix->time_us));
        json_key(w, "set");
        json_object(w);
        for (size_t i = 0; i < fix->columns.count; i++) {
                json_key_str(w, fix->columns.items[i]);
                json_put_str(w, fix->values.items[i]);
        }
        json_end(w);
        json_key(w, "text");
        json_put_str(w, fix->whole ? fix->text : STR_NONE);
        json_end(w);
}

/* fixed by local:ann on 2026-05-02 10:00:00: amount = 12.50 */
static void print_fix(Cli *cli, const RecordFix *fix) {
        CLEANUP(buf_deinit) Buf words = { 0 };
        for (size_t i = 0; i < fix->columns.count; i++)
                buf_printf(&words, "%s%.*s = %.*s", i ? ", " : "", STR_ARG(fix->columns.items[i]), STR_ARG(fix->values.items[i]));
        if (fix->whole)
                buf_append(&words, fix->text);
        output_say(&cli->output, PAINT_NONE, "", "  fixed by %.*s at %.*s: %.*s\n", STR_ARG(fix->author),
                   STR_ARG(time_print_us(&cli->arena, fix->time_us)), (int)words.size, words.data);
}

static void print_json(const TraceReport *report) {
        CLEANUP(buf_deinit) Buf json = { 0 };
        JsonWriter w = json_writer(&json, false);
        json_array(&w);
        for (size_t i = 0; i < report->count; i++) {
                const TracedRow *row = &report->items[i];
                json_object(&w);
                json_member_str(&w, "table", row->table);
                json_member_str(&w, "key", row->key);
                json_member_int(&w, "delivery", row->delivery);
                json_member_str(&w, "name", row->name);
                json_member_int(&w, "line", row->line);
                if (row->sheet.size) {
                        json_member_str(&w, "sheet", row->sheet);
                        json_member_str(&w, "cell", row->cell);
                } else {
                        json_member_int(&w, "offset", (int64_t)row->offset);
                        json_member_int(&w, "length", (int64_t)row->length);
                }
                json_member_str(&w, "raw", row->raw);
                if (row->fix)
                        put_fix(&w, row->fix);
                json_end(&w);
        }
        json_end(&w);
        output_json(&json);
}

static void print_text(Cli *cli, const TraceReport *report) {
        if (report->count == 0)
                puts("no row fits");
        for (size_t i = 0; i < report->count; i++) {
                TracedRow shown = report->items[i], *row = &shown;
                shown.name = output_line(&cli->arena, row->name);
                shown.key = output_line(&cli->arena, row->key);
                output_say(&cli->output, PAINT_BOLD, arena_cstr(&cli->arena, row->table), "  %.*s\n", STR_ARG(row->key));
                if (row->sheet.size)
                        output_say(&cli->output, PAINT_NONE, "", "  from %.*s, sheet %.*s, %.*s\n  %.*s\n", STR_ARG(row->name), STR_ARG(row->sheet),
                                   STR_ARG(row->cell), STR_ARG(row->raw));
                else if (row->length == 0)
                        output_say(&cli->output, PAINT_NONE, "", "  from %.*s, record %lld\n  %.*s\n", STR_ARG(row->name), (long long)row->line, STR_ARG(row->raw));
                else
                        output_say(&cli->output, PAINT_NONE, "", "  from %.*s, line %lld (bytes %llu to %llu)\n  %.*s\n", STR_ARG(row->name),
                                   (long long)row->line, (unsigned long long)row->offset, (unsigned long long)(row->offset + row->length), STR_ARG(row->raw));
                if (row->fix)
                        print_fix(cli, row->fix);
        }
        if (report->grouped && report->count)
                output_note(&cli->output, PAINT_NONE, "each row of %.*s is made of all records of its group", STR_ARG(report->items[0].table));
        if (report->more)
                output_note(&cli->output, PAINT_YELLOW, "there are more; --limit shows them");
}

static Status run(Cli *cli, Error *err) {
        TRY(cli_want_words(cli, &verb_trace, 1, 1, err));
        TRY(cli_want_formats(cli, false, false, err));
        int64_t limit = 1000;
        const char *given = cli_option(cli, OPTION_LIMIT);
        if (given && (!str_to_int64(str_of(given), &limit) || limit < 1 || limit > LOCATE_RECORDS_MAX))
                return error_set(err, STATUS_USAGE, "--limit wants a number from 1 to %d, not '%s'", LOCATE_RECORDS_MAX, given);
        if (!cli_option(cli, OPTION_WHERE)) {
                error_set(err, STATUS_USAGE, "trace wants --where: which rows?");
                return error_hint(err, "lode trace %s --where \"column = 'value'\"", cli->arguments.words[0]);
        }
        const char *branch = cli_option(cli, OPTION_BRANCH);
        CLEANUP(workspace_closep) Workspace *workspace = NULL;
        WorkspaceSpec spec = { .folder = cli->arguments.folder, .store = true, .workers = true, .interrupted = &cli_interrupted };
        TRY(workspace_open(&spec, &workspace, err));
        TraceSpec trace = {
                .workspace = workspace,
                .table = str_of(cli->arguments.words[0]),
                .where = str_of(cli_option(cli, OPTION_WHERE)),
                .column = str_of(cli_option(cli, OPTION_COLUMN)),
                .limit = limit,
        };
        TRY(workspace_at(workspace, str_of(branch), cli_option(cli, OPTION_AT), &trace.at, err));
        AuditRecord record = { .action = STR("trace"), .objects = &trace.table, .object_count = 1, .rows = -1, .bytes = -1, .sql = trace.where };
        TRY(workspace_audit(workspace, record, err));
        TraceReport report;
        TRY(trace_rows(&trace, &cli->arena, &report, err));
        cli_tell_branch(cli, branch);
        if (cli_json(cli))
                print_json(&report);
        else
                print_text(cli, &report);
        return STATUS_OK;
}

const Verb verb_trace = {
        .name = "trace",
        .usage = "trace TABLE --where PREDICATE",
        .words = "the way back: delivery, file, line and raw text of what made these rows",
        .help = "For rows of a staged table, and of models that keep the rows of one (a SELECT over one table or view, with\n"
                "lookups joined to it): which delivery each came from, on which line, and the text that stood there. For a\n"
                "model that groups by keys: all records that went into the groups that PREDICATE names by their keys.\n\n"
                "  lode trace crm.canonical.client --where \"client_no = 'K1001'\"\n"
                "  lode trace crm.analytical.per_month --where \"month = '2026-05-01'\"\n"
                "  lode trace shop.staging.orders --where 'order_no = 4711' -o json",
        .options = options,
        .option_count = COUNT_OF(options),
        .run = run,
};
