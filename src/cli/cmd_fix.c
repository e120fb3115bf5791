/* SPDX-License-Identifier: Apache-2.0 */
#include "base/time.h"
#include "base/vec.h"
#include "cli/fix_file.h"
#include "cli/shapes.h"
#include "cli/quarantine.h"
#include "model/fix.h"
#include "model/run.h"

enum { OPTION_FILE, OPTION_LINE, OPTION_RECORD, OPTION_DELIVERY, OPTION_SET, OPTION_TEXT, OPTION_DROP, OPTION_UNDO, OPTION_FROM,
       OPTION_WITHDRAW, OPTION_REASON };

static const Option options[] = {
        [OPTION_FILE] = { "file", 'f', "NAME", "the delivery, as the sender named it" },
        [OPTION_LINE] = { "line", 'n', "N", "the line on which the record begins" },
        [OPTION_RECORD] = { "record", 0, "N", "or its ordinal" },
        [OPTION_DELIVERY] = { "delivery", 0, "NUMBER", "which of several deliveries of one name" },
        [OPTION_SET] = { "set", 0, "COLUMN=VALUE", "what the field should have been; empty is NULL; several times for several", .repeats = true },
        [OPTION_TEXT] = { "text", 0, "RECORD", "what the whole record should have been" },
        [OPTION_DROP] = { "drop", 0, NULL, "give the record up: it is counted as skipped" },
        [OPTION_UNDO] = { "undo", 0, NULL, "take a fix back" },
        [OPTION_FROM] = { "from", 0, "FILE.csv", "an edited list of show quarantine -o csv: changed 'raw' corrects, state 'dropped' drops" },
        [OPTION_WITHDRAW] = { "withdraw", 0, "NAME", "give a whole delivery up: nothing of it counts any more; with --undo it is taken back" },
        [OPTION_REASON] = { "reason", 0, "TEXT", "why it is withdrawn" },
};

typedef VEC(FixRequest) Requests;

typedef struct Fixing {
        Cli *cli;
        FixSpec spec;
        Requests requests;
        KeptRecord *records; /* of each request, as it was */
        Str commit;
        RunReport report;
        KeptRecord *now;     /* of each request, as it is now; no name: it is in quarantine no more */
} Fixing;

/* ---- what is asked ---- */

static Status read_number(const Cli *cli, size_t option, int64_t *out, Error *err) {
        const char *given = cli_option(cli, option);
        if (given && (!str_to_int64(str_of(given), out) || *out < 1))
                return error_set(err, STATUS_USAGE, "--%s wants a number from 1, not '%s'", options[option].name, given);
        return STATUS_OK;
}

/* --set A=1 --set B=2: parted by OPTION_PARTED. */
static Status read_sets(Cli *cli, FixRequest *request, Error *err) {
        VEC(Str) columns = { 0 };
        VEC(Str) values = { 0 };
        Str left = str_of(cli_option(cli, OPTION_SET)), one, column, value;
        while (left.size) {
                str_cut(left, OPTION_PARTED, &one, &left);
                if (!str_cut(one, '=', &column, &value) || column.size == 0) {
                        error_set(err, STATUS_USAGE, "--set wants COLUMN=VALUE, not '%.*s'", STR_ARG(one));
                        return error_hint(err, "--set amount=12.50; an empty value is NULL");
                }
                vec_push(&cli->arena, &columns, column);
                vec_push(&cli->arena, &values, value);
        }
        request->columns = (StrList){ columns.items, columns.count };
        request->values = (StrList){ values.items, values.count };
        return STATUS_OK;
}

static Status ask_by_options(Fixing *f, Error *err) {
        Cli *cli = f->cli;
        FixRequest request = { .file = str_of(cli_option(cli, OPTION_FILE)),
                               .drop = cli_option(cli, OPTION_DROP) != NULL,
                               .undo = cli_option(cli, OPTION_UNDO) != NULL,
                               .whole = cli_option(cli, OPTION_TEXT) != NULL,
                               .text = str_of(cli_option(cli, OPTION_TEXT)) };
        TRY(read_number(cli, OPTION_LINE, &request.line, err));
        TRY(read_number(cli, OPTION_RECORD, &request.record, err));
        TRY(read_number(cli, OPTION_DELIVERY, &request.delivery, err));
        TRY(read_sets(cli, &request, err));
        if (request.file.size == 0 || request.line + request.record == 0) {
                error_set(err, STATUS_USAGE, "fix wants --file and --line: which record?");
                return error_hint(err, "lode show quarantine --rows lists them; --from takes an edited list");
        }
        if (request.drop + request.undo + request.whole + (request.columns.count > 0) != 1) {
                error_set(err, STATUS_USAGE, "fix wants one of --set, --text, --drop and --undo");
                return error_hint(err, "lode fix --help has examples");
        }
        vec_push(&cli->arena, &f->requests, request);
        return STATUS_OK;
}

/* Spreadsheets end lines inside a cell as they please. */
static bool same_text(Str a, Str b) {
        size_t i = 0, j = 0;
        while (true) {
                while (i < a.size && a.data[i] == '\r')
                        i++;
                while (j < b.size && b.data[j] == '\r')
                        j++;
                if (i == a.size || j == b.size)
                        return i == a.size && j == b.size;
                if (a.data[i++] != b.data[j++])
                        return false;
        }
}

static const KeptRecord *kept_of_row(const FixRow *row, const KeptRecord *kept, size_t count) {
        const KeptRecord *found = NULL;
        for (size_t i = 0; i < count; i++)
                if (kept[i].record == row->record && str_equal(kept[i].name, row->name) && (!found || kept[i].delivery == row->delivery))
                        found = &kept[i];
        return found;
}

static Status ask_by_row(Fixing *f, const FixRow *row, const KeptRecord *kept, size_t count, Error *err) {
        if (!str_equal(row->zone, f->spec.zone) || !str_equal(row->source, f->spec.source))
                return error_set(err, STATUS_BAD_VALUE, "line %lld of the list is of %.*s.%.*s, not of %.*s.%.*s", (long long)row->line,
                                 STR_ARG(row->zone), STR_ARG(row->source), STR_ARG(f->spec.zone), STR_ARG(f->spec.source));
        const KeptRecord *record = kept_of_row(row, kept, count);
        FixRequest request = { .file = row->name, .record = row->record, .delivery = row->delivery };
        if (str_equal_nocase(row->state, STR("dropped")) || str_equal_nocase(row->state, STR("drop"))) {
                request.drop = true;
        } else if (record && !same_text(row->raw, record->raw)) {
                request.whole = true;
                request.text = row->raw;
        } else if (record) {
                return STATUS_OK; /* nobody touched it */
        }
        if (record)
                request.delivery = record->delivery;
        vec_push(&f->cli->arena, &f->requests, request);
        return STATUS_OK;
}

static Status ask_by_list(Fixing *f, const char *path, Error *err) {
        static const size_t others[] = { OPTION_FILE, OPTION_LINE, OPTION_RECORD, OPTION_DELIVERY, OPTION_SET, OPTION_TEXT, OPTION_DROP, OPTION_UNDO };
        for (size_t i = 0; i < COUNT_OF(others); i++)
                if (cli_option(f->cli, others[i]))
                        return error_set(err, STATUS_USAGE, "--from takes all from its list: it does not go with --%s", options[others[i]].name);
        FixRow *rows;
        KeptRecord *kept;
        size_t row_count, kept_count;
        TRY(fix_file_read(path, &f->cli->arena, &rows, &row_count, err));
        TRY(fix_quarantine(&f->spec, &f->cli->arena, &kept, &kept_count, err));
        for (size_t i = 0; i < row_count; i++)
                TRY(ask_by_row(f, &rows[i], kept, kept_count, err));
        return STATUS_OK;
}

/* ---- what became of it ---- */

static Status look_again(Fixing *f, Error *err) {
        KeptRecord *kept;
        size_t count;
        TRY(fix_quarantine(&f->spec, &f->cli->arena, &kept, &count, err));
        f->now = ARENA_ARRAY(&f->cli->arena, KeptRecord, f->requests.count + 1);
        for (size_t i = 0; i < f->requests.count; i++)
                for (size_t j = 0; j < count; j++)
                        if (kept[j].delivery == f->records[i].delivery && kept[j].offset == f->records[i].offset)
                                f->now[i] = kept[j];
        return STATUS_OK;
}

static Str state_of(const Fixing *f, size_t i) {
        return f->now[i].name.size ? f->now[i].state : STR("accepted");
}

static bool is_asked_for(const Fixing *f, int64_t delivery) {
        for (size_t i = 0; i < f->requests.count; i++)
                if (f->records[i].delivery == delivery)
                        return true;
        return false;
}

static void tell_sums(Str zone, Str source, const char *what, const Delivery *sums) {
        printf("%.*s.%.*s %s: %lld records = %lld accepted + %lld quarantined + %lld skipped\n", STR_ARG(zone), STR_ARG(source), what,
               (long long)sums->records, (long long)sums->accepted, (long long)sums->quarantined, (long long)sums->skipped);
}

/* The source is read whole: a line for each delivery whose record was asked for or that is not staged, one for the others. */
static void tell_deliveries(Fixing *f) {
        Delivery others = { 0 };
        size_t count = 0;
        for (size_t i = 0; i < f->report.delivery_count; i++) {
                const Delivery *d = &f->report.deliveries[i].report.delivery;
                if (is_asked_for(f, d->id) || !str_is(d->state, "staged")) {
                        tell_sums(d->zone, d->source, output_line(&f->cli->arena, d->name).data, d);
                        continue;
                }
                count++;
                others.records += d->records;
                others.accepted += d->accepted;
                others.quarantined += d->quarantined;
                others.skipped += d->skipped;
        }
        if (count)
                tell_sums(f->spec.zone, f->spec.source, arena_printf(&f->cli->arena, "%zu other file%s", count, count == 1 ? "" : "s"), &others);
}

static void tell(Fixing *f) {
        bool is_news = f->commit.size > 0;
        if (f->requests.count > 0 && !is_news)
                output_note(&f->cli->output, PAINT_NONE, "nothing changed: %s fixed so already", f->requests.count == 1 ? "the record is" : "all of these records are");
        for (size_t i = 0; i < f->requests.count; i++) {
                const KeptRecord *record = &f->records[i], *now = &f->now[i];
                bool open = str_is(state_of(f, i), "open");
                if (!is_news && !open)
                        continue;
                output_note(&f->cli->output, open && !f->requests.items[i].undo ? PAINT_RED : PAINT_NONE, "%-10.*s %s line %lld%s%.*s",
                            STR_ARG(state_of(f, i)), output_line(&f->cli->arena, record->name).data, (long long)record->line, open ? ": " : "",
                            open ? (int)now->message.size : 0, now->message.data);
        }
        tell_deliveries(f);
}

static void tell_json(Fixing *f) {
        CLEANUP(buf_deinit) Buf json = { 0 };
        JsonWriter w = json_writer(&json, false);
        json_object(&w);
        shape_text(&w, "commit", f->commit);
        json_key(&w, "records");
        json_array(&w);
        for (size_t i = 0; i < f->requests.count; i++) {
                json_object(&w);
                json_member_str(&w, "name", f->records[i].name);
                json_member_int(&w, "delivery", f->records[i].delivery);
                json_member_int(&w, "record", f->records[i].record);
                json_member_int(&w, "line", f->records[i].line);
                json_member_str(&w, "state", state_of(f, i));
                shape_text(&w, "message", f->now[i].message);
                json_end(&w);
        }
        json_end(&w);
        json_key(&w, "deliveries");
        json_array(&w);
        for (size_t i = 0; i < f->report.delivery_count; i++) {
                json_object(&w);
                shape_delivery(&w, &f->report.deliveries[i].report.delivery);
                json_end(&w);
        }
        json_end(&w);
        json_end(&w);
        output_json(&json);
}

/* The source is read again by what is applied, and what is built on it made anew. */
static Status replay(Fixing *f, Error *err) {
        Cli *cli = f->cli;
        const char *words[] = { arena_printf(&cli->arena, "%.*s.staging.%.*s+", STR_ARG(f->spec.zone), STR_ARG(f->spec.source)) };
        RunOptions run = { .words = words, .word_count = 1, .yes = cli->arguments.yes, .interrupted = &cli_interrupted };
        return run_project(f->spec.workspace, &run, &cli->arena, &f->report, err);
}

static Status fix(Fixing *f, Error *err) {
        Cli *cli = f->cli;
        const char *from = cli_option(cli, OPTION_FROM);
        TRY(from ? ask_by_list(f, from, err) : ask_by_options(f, err));
        f->records = ARENA_ARRAY(&cli->arena, KeptRecord, f->requests.count + 1);
        f->now = ARENA_ARRAY(&cli->arena, KeptRecord, f->requests.count + 1);
        Str object = str_of(cli->arguments.words[0]);
        AuditRecord record = { .action = STR("fix"), .objects = &object, .object_count = 1, .rows = (int64_t)f->requests.count, .bytes = -1 };
        TRY(workspace_audit_change(f->spec.workspace, record, &cli->arena, NULL, err));
        if (f->requests.count > 0) {
                TRY(fix_records(&f->spec, f->requests.items, f->requests.count, &cli->arena, f->records, &f->commit, err));
                TRY(replay(f, err));
                TRY(look_again(f, err));
        }
        if (cli_json(cli))
                tell_json(f);
        else
                tell(f);
        if (f->requests.count == 0 && !cli_json(cli))
                puts("nothing in the list differs from the quarantine");
        for (size_t i = 0; i < f->requests.count; i++)
                if (str_is(state_of(f, i), "open") && !f->requests.items[i].undo)
                        cli->exit_code = 1;
        if (f->report.state == RUN_PARTLY || f->report.state == RUN_FAILED)
                cli->exit_code = 1;
        return STATUS_OK;
}

/* ---- whole deliveries ---- */

static Status ask_to_withdraw(const Cli *cli, WithdrawRequest *out, Error *err) {
        static const size_t others[] = { OPTION_FILE, OPTION_LINE, OPTION_RECORD, OPTION_SET, OPTION_TEXT, OPTION_DROP, OPTION_FROM };
        for (size_t i = 0; i < COUNT_OF(others); i++)
                if (cli_option(cli, others[i]))
                        return error_set(err, STATUS_USAGE, "--withdraw is about a whole delivery: it does not go with --%s", options[others[i]].name);
        *out = (WithdrawRequest){ .name = str_of(cli_option(cli, OPTION_WITHDRAW)),
                                  .reason = str_trim(str_of(cli_option(cli, OPTION_REASON))),
                                  .undo = cli_option(cli, OPTION_UNDO) != NULL };
        TRY(read_number(cli, OPTION_DELIVERY, &out->delivery, err));
        if (out->reason.size > 0 || out->undo)
                return STATUS_OK;
        error_set(err, STATUS_USAGE, "--withdraw wants a --reason");
        return error_hint(err, "--reason 'sent by mistake': whoever misses the rows will read it");
}

static Status withdraw(Fixing *f, Error *err) {
        Cli *cli = f->cli;
        WithdrawRequest request;
        Delivery delivery;
        TRY(ask_to_withdraw(cli, &request, err));
        Str objects[] = { str_of(cli->arguments.words[0]), request.name };
        AuditRecord record = { .action = request.undo ? STR("take back") : STR("withdraw"), .objects = objects, .object_count = COUNT_OF(objects),
                               .rows = -1, .bytes = -1, .statement = request.reason };
        TRY(workspace_audit_change(f->spec.workspace, record, &cli->arena, NULL, err));
        TRY(fix_withdraw(&f->spec, &request, &cli->arena, &delivery, &f->commit, err));
        TRY(replay(f, err));
        TRY(catalog_delivery(f->spec.workspace->lake->catalog, delivery.id, &cli->arena, &delivery, err));
        if (cli_json(cli))
                tell_json(f);
        else
                output_note(&cli->output, PAINT_NONE, "%-10.*s %.*s.%.*s  %s%s%.*s", STR_ARG(delivery.state), STR_ARG(delivery.zone),
                            STR_ARG(delivery.source), output_line(&cli->arena, delivery.name).data, delivery.message.size ? ": " : "", STR_ARG(delivery.message));
        if (f->report.state == RUN_PARTLY || f->report.state == RUN_FAILED)
                cli->exit_code = 1;
        return STATUS_OK;
}

static Status run(Cli *cli, Error *err) {
        TRY(cli_want_words(cli, &verb_fix, 1, 1, err));
        TRY(cli_want_formats(cli, false, false, err));
        CLEANUP(workspace_closep) Workspace *workspace = NULL;
        WorkspaceSpec spec = { .folder = cli->arguments.folder, .store = true, .applied = true, .workers = true, .interrupted = &cli_interrupted };
        TRY(workspace_open(&spec, &workspace, err));
        Fixing f = { .cli = cli, .spec = { .workspace = workspace } };
        Str scope = str_of(cli->arguments.words[0]);
        if (!str_cut(scope, '.', &f.spec.zone, &f.spec.source))
                return error_set(err, STATUS_USAGE, "fix wants ZONE.SOURCE, not '%.*s'", STR_ARG(scope));
        TRY(show_scope_check(workspace->project, scope, &cli->arena, err));
        return cli_option(cli, OPTION_WITHDRAW) ? withdraw(&f, err) : fix(&f, err);
}

const Verb verb_fix = {
        .name = "fix",
        .usage = "fix ZONE.SOURCE --file NAME --line N",
        .words = "correct single records of the quarantine, give them up, or withdraw a delivery",
        .help = "What landed is never changed: a correction stands beside it in the history, with its author, and is applied\n"
                "whenever the source is read, exactly once. The source is read again at once and what is built on it made anew.\n"
                "A corrected record counts as accepted, a dropped one as skipped; both stay in the quarantine's history.\n"
                "Exit 1 when a record still does not fit.\n"
                "--withdraw takes a whole delivery out: its rows leave, its bytes stay landed, and --undo takes it back.\n\n"
                "  lode fix shop.orders --file orders_2026-05-01.csv --line 7 --set amount=12.50\n"
                "  lode show quarantine shop.orders -o csv > q.csv     (edit 'raw' in a spreadsheet; write 'dropped' into 'state')\n"
                "  lode fix shop.orders --from q.csv\n"
                "  lode fix shop.orders --withdraw orders_2026-05-01.csv --reason 'a test file, sent by mistake'",
        .options = options,
        .option_count = COUNT_OF(options),
        .run = run,
};
