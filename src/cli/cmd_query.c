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

/* The engine writes the file; it is passed on as it is. */
static Status answer_parquet(Cli *cli, Statement *statement, int64_t *out_rows, int64_t *out_bytes, Error *err) {
        if (isatty(STDOUT_FILENO))
                return error_set(err, STATUS_USAGE, "-o parquet writes binary data: send it to a file with > answer.parquet");
        const WorkerColumns *columns = &statement->columns;
        Str *keys = column_keys(&cli->arena, columns);
        WorkerBuildColumn *build = ARENA_ARRAY(&cli->arena, WorkerBuildColumn, columns->count);
        for (size_t i = 0; i < columns->count; i++) {
                build[i] = (WorkerBuildColumn){ .name = keys[i], .field_id = (int)i + 1 };
                TRY(worker_table_type(&columns->items[i], &cli->arena, &build[i].type, err));
        }
        WorkerFile *files;
        size_t count;
        Str sql = renamed(&cli->arena, statement->bound.sql, columns, keys);
        if (worker_build(statement->spec.worker, sql, build, columns->count, &cli->arena, &files, &count, err) != STATUS_OK)
                return statement_error(statement, err);
        if (count != 1)
                return error_set(err, STATUS_INTERNAL, "%zu files for one answer", count);
        *out_rows = files[0].statistics.rows;
        *out_bytes = files[0].statistics.bytes;
        return copy_out(files[0].path, err);
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

/* What was answered, or, when it was refused, what was asked. bytes: of the answer; -1 = not known. */
static Status audit_answer(Workspace *workspace, const Asker *asker, const Statement *statement, bool denied, Str text, int64_t rows, int64_t bytes, Error *err) {
        AuditRecord record = { .action = STR("query"), .rows = rows, .bytes = bytes, .denied = denied, .sql = text };
        if (asker->is_other)
                record.action = arena_strf(&workspace->arena, "query as %.*s", STR_ARG(asker->principal.name));
        if (denied)
                statement_audit_names(statement->tree, STR(""), &workspace->arena, &record);
        else
                statement_audit(statement, &workspace->arena, &record);
        return workspace_audit(workspace, record, err);
}

/* Rows on their way to the printer, counted. */
typedef struct Counted {
        RowPrinter *printer;
        int64_t bytes;
} Counted;

static Status count_and_print(void *context, Str message, Error *err) {
        Counted *counted = context;
        counted->bytes += (int64_t)message.size;
        return row_printer_sink(counted->printer, message, err);
}

static Status answer_rows(Cli *cli, Statement *statement, int64_t *out_rows, int64_t *out_bytes, Error *err) {
        if (cli->output.format == OUTPUT_PARQUET)
                return answer_parquet(cli, statement, out_rows, out_bytes, err);
        CLEANUP(row_printer_freep) RowPrinter *printer = row_printer_new(&cli->arena, &statement->columns, &cli->output);
        Counted counted = { .printer = printer };
        Status status = statement_execute(statement, count_and_print, &counted, out_rows, err);
        *out_bytes = counted.bytes;
        TRY(status);
        return row_printer_finish(printer, err);
}

static Status answer(Cli *cli, Workspace *workspace, const Asker *asker, CatalogAt at, Str text, Str name, Error *err) {
        CLEANUP(worker_releasep) Worker *worker = NULL;
        TRY(worker_lease(workspace->pool, asker->principal.name, &worker, err));
        SystemSession session = { .database = STR("lode") };
        StatementSpec spec = { .lake = workspace->lake, .worker = worker, .at = at, .principal = asker->principal, .session = &session,
                               .sight = asker->is_other ? &asker->sight : NULL };
        Statement statement = { 0 };
        Status status = statement_open(&spec, text, name, &cli->arena, &statement, err);
        if (status != STATUS_OK) {
                Error ignored; /* what was refused is told; that it was asked is kept */
                (void)audit_answer(workspace, asker, &statement, true, text, -1, -1, &ignored);
                return status;
        }
        int64_t rows = -1, bytes = -1;
        status = answer_rows(cli, &statement, &rows, &bytes, err);
        Error audit_err;
        Status audited = audit_answer(workspace, asker, &statement, false, text, rows, bytes, &audit_err);
        TRY(status);
        if (audited != STATUS_OK) {
                *err = audit_err;
                return audited;
        }
        if (cli->output.format == OUTPUT_TEXT && cli->output.terminal_out)
                output_note(&cli->output, PAINT_DIM, "%lld row%s", (long long)rows, rows == 1 ? "" : "s");
        if (cli->output.verbose && !asker->is_other) /* how many files a condition leaves tells of rows that are hidden */
                output_note(&cli->output, PAINT_DIM, "%lld of %lld files read", (long long)statement.source.files,
                            (long long)statement.source.total_files);
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
                "-o json, csv and parquet stream; --at answers as it was at a commit (lode log) or a time.\n"
                "--as answers as that principal would be answered by lode serve, and is audited.\n\n"
                "  lode query 'select count(*) from crm.canonical.client'\n"
                "  lode query -o csv --at 2026-11-01 -f question.sql > answer.csv",
        .options = options,
        .option_count = COUNT_OF(options),
        .run = run,
};
