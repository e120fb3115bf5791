/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "cli/cli.h"
#include "cli/connect.h"
#include "model/workspace.h"
#include "server/server.h"

enum { OPTION_PG, OPTION_HTTP, OPTION_TLS, OPTION_KEY, OPTION_STATEMENTS, OPTION_CONNECTIONS, OPTION_TIMEOUT, OPTION_NO_REFRESH };

#define DEFAULT_PORT 5433
#define DEFAULT_HTTP_PORT 8080

static const Option options[] = {
        [OPTION_PG] = { "pg", 0, "HOST:PORT", "where PostgreSQL clients connect (else 127.0.0.1:5433; port 0: any free one)" },
        [OPTION_HTTP] = { "http", 0, "HOST:PORT", "where HTTP is answered (else 127.0.0.1:8080; port 0: any free one; off: not at all)" },
        [OPTION_TLS] = { "tls", 0, "CERT", "certificate with its chain, PEM; off loopback one is made in the store" },
        [OPTION_KEY] = { "key", 0, "KEY", "the certificate's key, PEM" },
        [OPTION_STATEMENTS] = { "statements", 0, "N", "how many run at once (else twice the processors)" },
        [OPTION_NO_REFRESH] = { "no-refresh", 0, NULL, "take no files and build nothing, whatever `refresh` of the zones says" },
        [OPTION_CONNECTIONS] = { "connections", 0, "N", "how many may be logged in (else 1,000)" },
        [OPTION_TIMEOUT] = { "statement-timeout", 0, "SECONDS", "how long one may run (else as long as it takes)" },
};

/* HOST:PORT, [IPv6]:PORT, or only one of the two. */
static Status read_address(Arena *arena, const char *text, const char **out_host, int *out_port, Error *err) {
        Str whole = str_of(text);
        size_t colon = whole.size;
        while (colon > 0 && whole.data[colon - 1] != ':' && whole.data[colon - 1] != ']')
                colon--;
        bool has_port = colon > 0 && whole.data[colon - 1] == ':';
        Str host = has_port ? str_slice(whole, 0, colon - 1) : whole;
        int64_t port = *out_port;
        if (has_port && (!str_to_int64(str_slice(whole, colon, whole.size), &port) || port < 0 || port > 65535)) {
                error_set(err, STATUS_USAGE, "'%s' has no port that can be listened on", text);
                return error_hint(err, "HOST:PORT, as in 127.0.0.1:%d", *out_port);
        }
        if (host.size > 2 && host.data[0] == '[')
                host = str_slice(host, 1, host.size - 1);
        if (host.size > 0)
                *out_host = arena_cstr(arena, host);
        *out_port = (int)port;
        return STATUS_OK;
}

static Status read_number(const char *text, const char *what, int64_t least, int64_t *out, Error *err) {
        if (str_to_int64(str_of(text), out) && *out >= least && *out <= 1000000)
                return STATUS_OK;
        return error_set(err, STATUS_USAGE, "'%s' is no %s", text, what);
}

static Status read_options(Cli *cli, ServerOptions *out, Error *err) {
        const char *pg = cli_option(cli, OPTION_PG), *http = cli_option(cli, OPTION_HTTP), *statements = cli_option(cli, OPTION_STATEMENTS), *connections = cli_option(cli, OPTION_CONNECTIONS), *timeout = cli_option(cli, OPTION_TIMEOUT);
        int64_t number;
        out->version = cli_version;
        out->port = DEFAULT_PORT;
        out->http_port = DEFAULT_HTTP_PORT;
        out->without_http = http && strcmp(http, "off") == 0;
        out->certificate = cli_option(cli, OPTION_TLS);
        out->key = cli_option(cli, OPTION_KEY);
        if (!out->certificate != !out->key)
                return error_set(err, STATUS_USAGE, "--tls and --key belong together");
        if (pg)
                TRY(read_address(&cli->arena, pg, &out->host, &out->port, err));
        if (http && !out->without_http)
                TRY(read_address(&cli->arena, http, &out->http_host, &out->http_port, err));
        if (statements) {
                TRY(read_number(statements, "number of statements", 1, &number, err));
                out->statements = (size_t)number;
        }
        if (connections) {
                TRY(read_number(connections, "number of connections", 1, &number, err));
                out->connections_most = (size_t)number;
        }
        if (timeout) {
                TRY(read_number(timeout, "number of seconds", 1, &number, err));
                out->statement_us = number * 1000000;
        }
        return STATUS_OK;
}

/* The store's folder, as the project names it: what is served is applied, so the work tree is not looked at again. */
static Status find_store(Cli *cli, ServerOptions *out, Error *err) {
        CLEANUP(workspace_closep) Workspace *workspace = NULL;
        WorkspaceSpec spec = { .folder = cli->arguments.folder, .store = true };
        TRY(workspace_open(&spec, &workspace, err));
        out->store = arena_cstr(&cli->arena, str_of(workspace->lake->store->root));
        if (!cli_option(cli, OPTION_NO_REFRESH))
                out->project = arena_cstr(&cli->arena, str_of(workspace->project->root));
        AuditRecord record = { .action = STR("serve"), .rows = -1, .bytes = -1 };
        return workspace_audit(workspace, record, err);
}

/* That it ended in an orderly way; one that was killed has no such record. */
static Status note_end(Cli *cli, Error *err) {
        CLEANUP(workspace_closep) Workspace *workspace = NULL;
        WorkspaceSpec spec = { .folder = cli->arguments.folder, .store = true };
        TRY(workspace_open(&spec, &workspace, err));
        AuditRecord record = { .action = STR("serve end"), .rows = -1, .bytes = -1 };
        return workspace_audit(workspace, record, err);
}

/* For `show connect`. */
static Status note_addresses(Cli *cli, Str address, Str http, Error *err) {
        CLEANUP(workspace_closep) Workspace *workspace = NULL;
        WorkspaceSpec spec = { .folder = cli->arguments.folder, .store = true };
        TRY(workspace_open(&spec, &workspace, err));
        TRY(catalog_put_meta(workspace->lake->catalog, STR(META_SERVED), address, err));
        return catalog_put_meta(workspace->lake->catalog, STR(META_SERVED_HTTP), http, err);
}

static Status run(Cli *cli, Error *err) {
        ServerOptions spec = { 0 };
        TRY(cli_want_words(cli, &verb_serve, 0, 0, err));
        TRY(cli_want_formats(cli, false, false, err));
        TRY(read_options(cli, &spec, err));
        TRY(find_store(cli, &spec, err));
        log_set_level(cli->output.quiet ? LOG_WARN : LOG_INFO);
        CLEANUP(server_closep) Server *server = NULL;
        TRY(server_open(&spec, &server, err));
        Str address = arena_strf(&cli->arena, "%s:%d", spec.host ? spec.host : "127.0.0.1", server_port(server));
        Str http = STR("");
        if (server_http_port(server) >= 0)
                http = arena_strf(&cli->arena, "%s:%d", spec.http_host ? spec.http_host : "127.0.0.1", server_http_port(server));
        TRY(note_addresses(cli, address, http, err));
        /* a contract: programs that start us wait for this line */
        fprintf(stderr, "ready pg=%.*s", STR_ARG(address));
        if (http.size > 0)
                fprintf(stderr, " http=%.*s", STR_ARG(http));
        fputc('\n', stderr);
        if (server_ca(server))
                output_note(&cli->output, PAINT_DIM, "clients know this server by %s", server_ca(server));
        fflush(stderr);
        TRY(server_run(server, &cli_interrupted, err));
        Error ignored;
        (void)note_end(cli, &ignored);
        return STATUS_OK;
}

const Verb verb_serve = {
        .name = "serve",
        .usage = "serve",
        .words = "PostgreSQL clients and HTTP: connect, log in and ask",
        .help = "Serves what is applied, never the work tree, until SIGTERM or Ctrl-C: then nothing new is accepted and what runs\n"
                "may end. The line 'ready pg=HOST:PORT http=HOST:PORT' on standard error says that clients can connect. Logins are\n"
                "made by lode user add, tokens for HTTP by lode token add. Off loopback everything is encrypted, with a certificate\n"
                "that is made in the store if none is given. Files that arrive are taken, and what depends on them is built, as\n"
                "`refresh` in each zone.yml says (on arrival, every 15m, manual).\n\n"
                "  lode serve\n"
                "  lode serve --pg 0.0.0.0:5432 --tls server.pem --key server.key",
        .options = options,
        .option_count = COUNT_OF(options),
        .run = run,
};
