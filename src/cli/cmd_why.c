/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/why.h"
#include "engine/data_row.h"
#include "model/grant.h"
#include "model/statement.h"
#include "sql/printer.h"

/* What one account sees of one table. */
typedef struct Answer {
        Account account;
        Str zone, stage, name;
        bool granted, whole; /* all of it, as it is */
        Str why_not; /* what of the rules does not fit, if that is it */
        GrantReason *reasons;
        size_t reason_count;
        bool has_row;
        int64_t matching, seen; /* rows that fit ROW, for an administrator and for the account */
} Answer;

static Status split_table(Str full, Answer *out, Error *err) {
        Str rest;
        if (str_cut(full, '.', &out->zone, &rest) && str_cut(rest, '.', &out->stage, &out->name) && out->name.size > 0)
                return STATUS_OK;
        error_set(err, STATUS_USAGE, "'%.*s' is no table's full name", STR_ARG(full));
        return error_hint(err, "write zone.stage.table; lode show table lists them");
}

static Status take_count(void *context, Str message, Error *err) {
        DataRow row;
        Str value;
        bool null;
        if (!data_row_open(message, &row) || !data_row_next(&row, &value, &null) || !str_to_int64(value, context))
                return error_set(err, STATUS_CORRUPT, "a count that is none");
        return STATUS_OK;
}

static Status count_rows(const StatementSpec *spec, const Answer *answer, Str row, Arena *arena, int64_t *out, Error *err) {
        CLEANUP(buf_deinit) Buf sql = { 0 };
        const Str path[] = { answer->zone, answer->stage, answer->name };
        buf_append_cstr(&sql, "SELECT count(*) FROM ");
        for (size_t i = 0; i < COUNT_OF(path); i++) {
                buf_append_cstr(&sql, i ? "." : "");
                sql_quote_name(&sql, path[i]);
        }
        buf_printf(&sql, " WHERE (\n%.*s\n)", STR_ARG(row));
        Statement *statement = ARENA_NEW(arena, Statement);
        TRY(statement_open(spec, buf_dup(&sql, arena), STR(""), arena, statement, err));
        return statement_execute(statement, take_count, out, NULL, err);
}

static Status find_out(Workspace *workspace, Worker *worker, const Grants *grants, Str row, Arena *arena, Answer *answer, Error *err) {
        Viewer viewer = { .grants = grants, .account = &answer->account };
        Sight sight = viewer_sight(&viewer);
        StatementSpec spec = { .lake = workspace->lake, .worker = worker, .sight = &sight,
                               .principal = { .name = answer->account.name, .administrator = answer->account.is_admin } };
        Relation *relation;
        const Policy *policy;
        TRY(statement_policy(&spec, answer->zone, answer->stage, answer->name, arena, &relation, &policy, err));
        if (!relation) {
                error_set(err, STATUS_NO_TABLE, "no table '%.*s.%.*s.%.*s'", STR_ARG(answer->zone), STR_ARG(answer->stage), STR_ARG(answer->name));
                return error_hint(err, "lode show table lists them");
        }
        answer->granted = !policy || !policy->nothing;
        answer->whole = !policy;
        answer->why_not = policy && policy->nothing ? policy->why : STR_NONE;
        grants_why(grants, &answer->account, answer->zone, answer->stage, answer->name, arena, &answer->reasons, &answer->reason_count);
        if (row.size == 0)
                return STATUS_OK;
        answer->has_row = true;
        StatementSpec all = { .lake = workspace->lake, .worker = worker, .principal = workspace->principal };
        TRY(count_rows(&all, answer, row, arena, &answer->matching, err));
        return answer->granted ? count_rows(&spec, answer, row, arena, &answer->seen, err) : STATUS_OK;
}

/* ---- shown ---- */

static void member_or_null(JsonWriter *w, const char *name, Str text) {
        json_member_str(w, name, text.size > 0 ? text : STR_NONE);
}

static void print_json(JsonWriter *w, const Answer *answer, Arena *arena) {
        json_object(w);
        json_member_str(w, "principal", answer->account.name);
        json_member_str(w, "object", arena_strf(arena, "%.*s.%.*s.%.*s", STR_ARG(answer->zone), STR_ARG(answer->stage), STR_ARG(answer->name)));
        json_member_bool(w, "granted", answer->granted);
        json_key(w, "rules");
        json_array(w);
        for (size_t i = 0; i < answer->reason_count; i++) {
                const GrantReason *reason = &answer->reasons[i];
                json_object(w);
                member_or_null(w, "file", reason->file);
                json_member_int(w, "line", reason->line);
                json_member_str(w, "grants", reason->grants);
                member_or_null(w, "rows", reason->rows);
                member_or_null(w, "mask", reason->mask);
                json_end(w);
        }
        json_end(w);
        if (answer->has_row) {
                json_member_int(w, "matching", answer->matching);
                json_member_int(w, "seen", answer->seen);
        }
        json_end(w);
}

static void print_text(Cli *cli, const Answer *answer) {
        const Output *output = &cli->output;
        const char *sees = !answer->granted ? "does not see" : answer->whole ? "sees" : "sees part of";
        bool named = false;
        output_say(output, PAINT_BOLD, arena_cstr(&cli->arena, answer->account.name), " %s %.*s.%.*s.%.*s\n", sees, STR_ARG(answer->zone),
                   STR_ARG(answer->stage), STR_ARG(answer->name));
        for (size_t i = 0; i < answer->reason_count; i++) {
                const GrantReason *reason = &answer->reasons[i];
                named |= !reason->takes;
                if (reason->file.size > 0)
                        output_say(output, PAINT_NONE, "", "  %.*s:%d", STR_ARG(reason->file), reason->line);
                output_say(output, PAINT_NONE, "", "  %.*s", STR_ARG(reason->grants));
                if (reason->rows.size > 0)
                        output_say(output, PAINT_NONE, "", "; rows: %.*s", STR_ARG(reason->rows));
                if (reason->mask.size > 0)
                        output_say(output, PAINT_NONE, "", "; mask: %.*s", STR_ARG(reason->mask));
                output_say(output, PAINT_NONE, "", "\n");
        }
        if (!named)
                output_say(output, PAINT_NONE, "", "  no rule names this user and this table\n");
        if (answer->why_not.size > 0)
                output_say(output, PAINT_YELLOW, "", "  withheld: %.*s\n", STR_ARG(answer->why_not));
        if (answer->has_row)
                output_say(output, PAINT_NONE, "", "  %lld of %lld rows that fit\n", (long long)answer->seen, (long long)answer->matching);
}

/* ---- verbs ---- */

static Status run(Cli *cli, Error *err) {
        TRY(cli_want_words(cli, &verb_why, 2, 3, err));
        TRY(cli_want_formats(cli, false, false, err));
        Answer answer = { 0 };
        TRY(split_table(str_of(cli->arguments.words[1]), &answer, err));
        CLEANUP(workspace_closep) Workspace *workspace = NULL;
        WorkspaceSpec spec = { .folder = cli->arguments.folder, .store = true, .workers = true, .interrupted = &cli_interrupted };
        TRY(workspace_open(&spec, &workspace, err));
        CLEANUP(worker_releasep) Worker *worker = NULL;
        TRY(worker_lease(workspace->pool, workspace->principal.name, &worker, err));
        Grants *grants;
        TRY(grants_load(workspace->lake->catalog, &cli->arena, &grants, err));
        Status status = account_load(workspace->lake->catalog, str_of(cli->arguments.words[0]), &cli->arena, &answer.account, err);
        if (status == STATUS_NOT_FOUND)
                error_hint(err, "lode user lists them");
        TRY(status);
        Str row = cli->arguments.word_count > 2 ? str_of(cli->arguments.words[2]) : STR_NONE;
        Str object = str_of(cli->arguments.words[1]);
        AuditRecord record = { .action = STR("why"), .objects = &object, .object_count = 1, .rows = -1, .bytes = -1, .sql = row };
        TRY(workspace_audit(workspace, record, err));
        TRY(find_out(workspace, worker, grants, row, &cli->arena, &answer, err));
        if (!cli_json(cli)) {
                print_text(cli, &answer);
                return STATUS_OK;
        }
        CLEANUP(buf_deinit) Buf json = { 0 };
        JsonWriter w = json_writer(&json, false);
        print_json(&w, &answer, &cli->arena);
        output_json(&json);
        return STATUS_OK;
}

Status show_access(Cli *cli, Workspace *workspace, Str table, Error *err) {
        Answer asked = { 0 };
        TRY(split_table(table, &asked, err));
        AuditRecord record = { .action = STR("show access"), .objects = &table, .object_count = 1, .rows = -1, .bytes = -1 };
        TRY(workspace_audit(workspace, record, err));
        CLEANUP(worker_releasep) Worker *worker = NULL;
        TRY(workspace_workers(workspace, 1, &cli_interrupted, err));
        TRY(worker_lease(workspace->pool, workspace->principal.name, &worker, err));
        Grants *grants;
        Account *accounts;
        size_t count;
        TRY(grants_load(workspace->lake->catalog, &cli->arena, &grants, err));
        TRY(account_list(workspace->lake->catalog, &cli->arena, &accounts, &count, err));
        CLEANUP(buf_deinit) Buf json = { 0 };
        JsonWriter w = json_writer(&json, false);
        size_t granted = 0;
        json_array(&w);
        for (size_t i = 0; i < count; i++) {
                Answer answer = asked;
                answer.account = accounts[i];
                TRY(find_out(workspace, worker, grants, STR_NONE, &cli->arena, &answer, err));
                worker_revoke_all(worker);
                if (!answer.granted)
                        continue;
                granted++;
                if (cli_json(cli))
                        print_json(&w, &answer, &cli->arena);
                else
                        print_text(cli, &answer);
        }
        json_end(&w);
        if (cli_json(cli))
                output_json(&json);
        else if (granted == 0)
                puts("nobody sees it but who runs lode on the store's files");
        return STATUS_OK;
}

const Verb verb_why = {
        .name = "why",
        .usage = "why PRINCIPAL TABLE [ROW]",
        .words = "which rules let somebody see a table, or withhold it",
        .help = "Tells whether a user sees a table, and each line of text that grants something of it or takes it away, by what\n"
                "is in force. ROW is a condition over the table's columns: how many of the rows that fit it the user sees.\n\n"
                "  lode why bo shop.canonical.order\n"
                "  lode why bo shop.canonical.order \"order_no = 'A-1'\"",
        .run = run,
};
