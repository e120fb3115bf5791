/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "base/vec.h"
#include "cli/cli.h"
#include "cli/rows.h"
#include "engine/row_text.h"
#include "model/grant.h"
#include "model/statement.h"
#include "model/workspace.h"
#include "sql/printer.h"

#include <errno.h>
#include <fcntl.h>

#define SQL_FILE_MAX (1u << 20)
#define HELD_MOST ((size_t)64 << 10) /* bytes of rows that wait for the audit log */

enum { OPTION_FILE, OPTION_AT, OPTION_BRANCH, OPTION_AS };

static const Option options[] = {
        [OPTION_FILE] = { "file", 'f', "FILE", "read the SQL from a file (- = standard input)" },
        [OPTION_AT] = { "at", 0, "COMMIT|TIME", "as it was then" },
        [OPTION_BRANCH] = { "branch", 0, "BRANCH", "which line of commits (else main)" },
        [OPTION_AS] = { "as", 0, "PRINCIPAL", "as that principal would be answered" },
};

/* Other than text of the project, SQL may come through a pipe: -f <(command). */
static Status read_sql_file(Cli *cli, const char *file, Str *out_text, Error *err) {
        CLEANUP(close_fdp) int fd = open(file, O_RDONLY | O_CLOEXEC);
        if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
                return error_set(err, STATUS_NOT_FOUND, "there is no file '%s'", file);
        if (fd < 0)
                return error_errno(err, errno, "cannot open '%s'", file);
        return file_read_fd(fd, file, SQL_FILE_MAX, &cli->arena, out_text, err);
}

static Status read_sql(Cli *cli, Str *out_text, Str *out_name, Error *err) {
        const char *file = cli_option(cli, OPTION_FILE);
        if (!file) {
                Status status = cli_want_words(cli, &verb_query, 1, 1, err);
                if (cli->arguments.word_count > 1)
                        error_hint(err, "put all of the SQL between quotes: lode query 'select ...'");
                TRY(status);
                *out_text = str_of(cli->arguments.words[0]);
                *out_name = STR("");
                return STATUS_OK;
        }
        TRY(cli_want_words(cli, &verb_query, 0, 0, err));
        *out_name = str_of(file);
        if (strcmp(file, "-") == 0)
                return file_read_fd(STDIN_FILENO, "standard input", SQL_FILE_MAX, &cli->arena, out_text, err);
        Status status = read_sql_file(cli, file, out_text, err);
        if (status == STATUS_NOT_FOUND)
                error_hint(err, "paths are taken from where you stand, not from the project's folder");
        return status;
}

static Status copy_out(const char *path, Error *err) {
        CLEANUP(close_fdp) int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return error_errno(err, errno, "cannot open the answer");
        char block[65536];
        for (ssize_t got; (got = read(fd, block, sizeof(block))) != 0;) {
                if (got < 0)
                        return error_errno(err, errno, "cannot read the answer");
                TRY(fd_write_all(STDOUT_FILENO, (Str){ block, (size_t)got }, "standard output", err));
        }
        return STATUS_OK;
}

/* The answer under the names of `keys`: columns of a file must differ, those of an answer need not. */
static Str renamed(Arena *arena, Str sql, const WorkerColumns *columns, const Str *keys) {
        bool differs = false;
        for (size_t i = 0; i < columns->count; i++)
                differs |= !str_equal(keys[i], columns->items[i].name);
        if (!differs)
                return sql;
        CLEANUP(buf_deinit) Buf out = { 0 };
        buf_printf(&out, "SELECT * FROM (%.*s\n) AS answer(", STR_ARG(sql));
        for (size_t i = 0; i < columns->count; i++) {
                buf_append_cstr(&out, i ? ", " : "");
                sql_quote_name(&out, keys[i]);
        }
        buf_append_cstr(&out, ")");
        return buf_dup(&out, arena);
}

/* A worker writes the file; it is passed on as it is. */
static Status build_file(Cli *cli, Statement *statement, WorkerFile *out, Error *err) {
        bool arrow = cli->output.format == OUTPUT_ARROW;
        if (isatty(STDOUT_FILENO))
                return error_set(err, STATUS_USAGE, "-o %s writes binary data: send it to a file with > answer.%s", arrow ? "arrow" : "parquet",
                                 arrow ? "arrows" : "parquet");
        const WorkerColumns *columns = &statement->columns;
        Str *keys = column_keys(&cli->arena, columns);
        WorkerBuildColumn *build = ARENA_ARRAY(&cli->arena, WorkerBuildColumn, columns->count);
        for (size_t i = 0; i < columns->count; i++) {
                build[i] = (WorkerBuildColumn){ .name = keys[i], .type = { .kind = TYPE_TEXT } };
                if (!str_is(columns->items[i].engine_type, "\"NULL\"")) /* of no type: as PostgreSQL tells of it */
                        TRY(worker_table_type(&columns->items[i], &cli->arena, &build[i].type, err));
        }
        WorkerFile *files;
        size_t count;
        Str sql = renamed(&cli->arena, statement->bound.sql, columns, keys);
        if (arrow && worker_build_arrow(statement->spec.worker, sql, build, columns->count, &cli->arena, out, err) == STATUS_OK)
                return STATUS_OK;
        if (arrow || worker_build(statement->spec.worker, sql, build, columns->count, &cli->arena, &files, &count, err) != STATUS_OK)
                return statement_error(statement, err);
        if (count != 1)
                return error_set(err, STATUS_INTERNAL, "%zu files for one answer", count);
        *out = files[0];
        return STATUS_OK;
}

/* Who is answered: whoever runs the command, or with --as somebody else as the server would answer them. */
typedef struct Asker {
        Principal principal;
        bool is_other;
        Account account;
        Grants *grants;
        Viewer viewer;
        Sight sight;
} Asker;

static Status find_asker(Workspace *workspace, const char *as, Asker *out, Error *err) {
        *out = (Asker){ .principal = workspace->principal };
        if (!as || str_is(workspace->principal.name, as))
                return STATUS_OK;
        Catalog *catalog = workspace->lake->catalog;
        Status status = account_load(catalog, str_of(as), &workspace->arena, &out->account, err);
        if (status == STATUS_NOT_FOUND)
                error_hint(err, "lode show principal lists whom there is");
        TRY(status);
        TRY(grants_load(catalog, &workspace->arena, &out->grants, err));
        out->is_other = true;
        out->principal = (Principal){ .name = out->account.name, .administrator = out->account.is_admin, .auditor = out->account.is_auditor };
        out->viewer = (Viewer){ .grants = out->grants, .account = &out->account };
        out->sight = viewer_sight(&out->viewer);
        return STATUS_OK;
}

/* One answer on its way. */
typedef struct Answer {
        Cli *cli;
        Workspace *workspace;
        const Asker *asker;
        Str text;
        Statement statement;
        RowPrinter *printer;
        Buf held;            /* rows that are not printed yet, each behind its length */
        bool begun;          /* printed from */
        int64_t rows, bytes; /* that came; -1 = not known */
} Answer;

static void answer_deinit(Answer *answer) {
        row_printer_freep(&answer->printer);
        buf_deinit(&answer->held);
}

/* To the audit log. Nothing is shown before it is written there. */
static Status record(Answer *answer, const char *action, bool denied, Error *err) {
        Arena *arena = &answer->workspace->arena;
        AuditRecord record = { .action = str_of(action), .rows = answer->rows, .bytes = answer->bytes, .denied = denied, .sql = answer->text };
        if (answer->asker->is_other)
                record.action = arena_strf(arena, "%s as %.*s", action, STR_ARG(answer->asker->principal.name));
        if (denied)
                statement_audit_names(answer->statement.tree, STR(""), arena, &record);
        else
                statement_audit(&answer->statement, arena, &record);
        return workspace_audit(answer->workspace, record, err);
}

static Status print_held(Answer *answer, Error *err) {
        Cursor rows = cursor_of(buf_view(&answer->held));
        while (cursor_left(&rows) > 0)
                TRY(row_printer_sink(answer->printer, cursor_str(&rows), err));
        buf_clear(&answer->held);
        answer->begun = true;
        return STATUS_OK;
}

/* A long answer is recorded as begun before its first rows are shown, and again when it ends. */
static Status take_row(void *context, Str row, Error *err) {
        Answer *answer = context;
        answer->rows++;
        answer->bytes += (int64_t)row.size;
        if (answer->begun)
                return row_printer_sink(answer->printer, row, err);
        buf_lstr(&answer->held, row);
        if (answer->held.size < HELD_MOST)
                return STATUS_OK;
        Answer so_far = *answer;
        so_far.rows = so_far.bytes = -1;
        TRY(record(&so_far, "query begun", false, err));
        return print_held(answer, err);
}

static Status answer_rows(Answer *answer, Error *err) {
        int64_t count;
        Error ignored;
        answer->printer = row_printer_new(&answer->cli->arena, &answer->statement.columns, &answer->cli->output);
        answer->rows = answer->bytes = 0;
        Status status = statement_execute(&answer->statement, take_row, answer, &count, err);
        if (status != STATUS_OK) {
                if (!answer->begun)
                        answer->rows = answer->bytes = 0; /* what came is not shown */
                (void)record(answer, "query", false, &ignored);
                return status;
        }
        TRY(record(answer, "query", false, err));
        TRY(print_held(answer, err));
        return row_printer_finish(answer->printer, err);
}

static Status answer_file(Answer *answer, Error *err) {
        WorkerFile file = { 0 };
        Error ignored;
        Status status = build_file(answer->cli, &answer->statement, &file, err);
        if (status != STATUS_OK) {
                (void)record(answer, "query", false, &ignored);
                return status;
        }
        answer->rows = file.statistics.rows;
        answer->bytes = file.statistics.bytes;
        TRY(record(answer, "query", false, err));
        return copy_out(file.path, err);
}

static Status answer(Cli *cli, Workspace *workspace, const Asker *asker, CatalogAt at, Str text, Str name, Error *err) {
        CLEANUP(worker_releasep) Worker *worker = NULL;
        TRY(worker_lease(workspace->pool, asker->principal.name, &worker, err));
        SystemSession session = { .database = STR("lode") };
        StatementSpec spec = { .lake = workspace->lake, .worker = worker, .at = at, .principal = asker->principal, .session = &session,
                               .sight = asker->is_other ? &asker->sight : NULL };
        CLEANUP(answer_deinit) Answer answer = { .cli = cli, .workspace = workspace, .asker = asker, .text = text, .rows = -1, .bytes = -1 };
        const Output *output = &cli->output;
        Status status = statement_open(&spec, text, name, &cli->arena, &answer.statement, err);
        if (status != STATUS_OK) {
                Error ignored; /* what was refused is told; that it was asked is kept */
                (void)record(&answer, "query", true, &ignored);
                return status;
        }
        bool file = output->format == OUTPUT_PARQUET || output->format == OUTPUT_ARROW;
        TRY(file ? answer_file(&answer, err) : answer_rows(&answer, err));
        if (output->format == OUTPUT_TEXT && output->terminal_out)
                output_note(output, PAINT_DIM, "%lld row%s", (long long)answer.rows, answer.rows == 1 ? "" : "s");
        if (output->verbose && !asker->is_other) /* how many files a condition leaves tells of rows that are hidden */
                output_note(output, PAINT_DIM, "%lld of %lld files read", (long long)answer.statement.source.files,
                            (long long)answer.statement.source.total_files);
        return STATUS_OK;
}

static Status run(Cli *cli, Error *err) {
        TRY(cli_want_formats(cli, true, true, err));
        Str text, name;
        TRY(read_sql(cli, &text, &name, err));
        const char *branch = cli_option(cli, OPTION_BRANCH);
        CLEANUP(workspace_closep) Workspace *workspace = NULL;
        WorkspaceSpec spec = { .folder = cli->arguments.folder, .store = true, .workers = true, .interrupted = &cli_interrupted };
        TRY(workspace_open(&spec, &workspace, err));
        Asker asker;
        TRY(find_asker(workspace, cli_option(cli, OPTION_AS), &asker, err));
        CatalogAt at;
        TRY(workspace_at(workspace, str_of(branch), cli_option(cli, OPTION_AT), &at, err));
        cli_tell_branch(cli, branch);
        return answer(cli, workspace, &asker, at, text, name, err);
}

const Verb verb_query = {
        .name = "query",
        .usage = "query SQL | -f FILE",
        .words = "an answer",
        .help = "Answers one SELECT. Tables are named zone.stage.table: crm.staging.clients, crm.canonical.client.\n"
                "-o json and csv stream, parquet and arrow (an IPC stream) are files; --at answers as it was at a commit (lode log) or a time.\n"
                "--as answers as that principal would be answered by lode serve, and is audited.\n\n"
                "  lode query 'select count(*) from crm.canonical.client'\n"
                "  lode query -o csv --at 2026-11-01 -f question.sql > answer.csv",
        .options = options,
        .option_count = COUNT_OF(options),
        .run = run,
};
