/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/connect.h"

#include "base/file.h"
#include "base/json.h"
#include "govern/account.h"
#include "model/grant.h"

#define DEFAULT_ADDRESS "127.0.0.1:5433"
#define DEFAULT_HTTP "127.0.0.1:8080"

typedef struct Connect {
        Arena *arena;
        Str user, host, port, database;
        Str http; /* host:port; empty: the server does without */
        const char *ca; /* NULL: the server takes connections in clear, from this machine */
} Connect;

/* From everywhere means from this machine's name, to those who copy the line. */
static Str reachable(Arena *arena, Str host) {
        char name[256] = "localhost";
        if (!str_is(host, "0.0.0.0") && !str_is(host, "::"))
                return host;
        (void)gethostname(name, sizeof(name) - 1);
        return arena_str(arena, str_of(name));
}

/* The first zone that it sees something of; else the database that shows all. */
static Status choose_database(Catalog *catalog, const Account *account, Arena *arena, Str *out, Error *err) {
        Grants *grants;
        CatalogObject *zones;
        size_t count;
        TRY(grants_load(catalog, arena, &grants, err));
        TRY(catalog_list(catalog, (CatalogAt){ 0 }, STR("zone"), STR(""), arena, &zones, &count, err));
        *out = STR("lode");
        for (size_t i = count; i > 0; i--)
                if (grants_may_enter(grants, account, zones[i - 1].name))
                        *out = zones[i - 1].name;
        return STATUS_OK;
}

/* Where what stands behind it begins; 0: there is none. */
static size_t last_colon(Str address) {
        size_t colon = address.size;
        while (colon > 0 && address.data[colon - 1] != ':')
                colon--;
        return colon;
}

/* With a token, which belongs to the user; in clear on loopback alone. */
static Str curl_line(const Connect *c) {
        bool clear = str_starts_with(c->http, STR("127.")) || str_starts_with(c->http, STR("localhost:"));
        const char *verify = !clear && c->ca ? arena_printf(c->arena, " --cacert %s", c->ca) : "";
        return arena_strf(c->arena, "curl -sS%s %s://%.*s/v1/query -H \"Authorization: Bearer $TOKEN\" -H 'Content-Type: application/sql' --data 'select 1'",
                          verify, clear ? "http" : "https", STR_ARG(c->http));
}

static Status collect(Workspace *workspace, Str user, Connect *out, Error *err) {
        Catalog *catalog = workspace->lake->catalog;
        Arena *arena = out->arena;
        Account account;
        Str address;
        TRY(account_load(catalog, user, arena, &account, err));
        Status status = catalog_meta(catalog, STR(META_SERVED), arena, &address, err);
        if (status == STATUS_NOT_FOUND)
                address = STR(DEFAULT_ADDRESS);
        else
                TRY(status);
        size_t colon = last_colon(address);
        out->user = account.name;
        out->host = reachable(arena, str_slice(address, 0, colon ? colon - 1 : 0));
        out->port = str_slice(address, colon, address.size);
        const char *ca = path_join(arena, workspace->lake->store->root, "tls/ca.pem");
        out->ca = file_exists(ca) ? ca : NULL;
        status = catalog_meta(catalog, STR(META_SERVED_HTTP), arena, &address, err);
        if (status == STATUS_NOT_FOUND)
                address = STR(DEFAULT_HTTP);
        else
                TRY(status);
        colon = last_colon(address);
        if (address.size > 0)
                out->http = arena_strf(arena, "%.*s:%.*s", STR_ARG(reachable(arena, str_slice(address, 0, colon ? colon - 1 : 0))),
                                       STR_ARG(str_slice(address, colon, address.size)));
        return choose_database(catalog, &account, arena, &out->database, err);
}

/* name, line; %s: what TLS adds */
static Str line_for(const Connect *c, const char *program) {
        Str at = arena_strf(c->arena, "%.*s:%.*s", STR_ARG(c->host), STR_ARG(c->port));
        if (strcmp(program, "curl") == 0)
                return curl_line(c);
        const char *verify = c->ca ? arena_printf(c->arena, "?sslmode=verify-full&sslrootcert=%s", c->ca) : "";
        if (strcmp(program, "psql") == 0)
                return arena_strf(c->arena, "psql \"postgresql://%.*s@%.*s/%.*s%s\"", STR_ARG(c->user), STR_ARG(at), STR_ARG(c->database), verify);
        if (strcmp(program, "python") == 0)
                return arena_strf(c->arena, "psycopg.connect(\"postgresql://%.*s:PASSWORD@%.*s/%.*s%s\")", STR_ARG(c->user), STR_ARG(at), STR_ARG(c->database), verify);
        if (strcmp(program, "jdbc") == 0 || strcmp(program, "dbeaver") == 0)
                return arena_strf(c->arena, "jdbc:postgresql://%.*s/%.*s?user=%.*s%s", STR_ARG(at), STR_ARG(c->database), STR_ARG(c->user),
                                  c->ca ? arena_printf(c->arena, "&sslmode=verify-full&sslrootcert=%s", c->ca) : "");
        if (strcmp(program, "power bi") == 0)
                return arena_strf(c->arena, "Get data > PostgreSQL database: server %.*s, database %.*s; user %.*s", STR_ARG(at), STR_ARG(c->database), STR_ARG(c->user));
        return arena_strf(c->arena, "Driver={PostgreSQL Unicode};Server=%.*s;Port=%.*s;Database=%.*s;UID=%.*s;SSLmode=%s", STR_ARG(c->host),
                          STR_ARG(c->port), STR_ARG(c->database), STR_ARG(c->user), c->ca ? "verify-full" : "prefer");
}

Status show_connect(Cli *cli, Workspace *workspace, Str user, Error *err) {
        static const char *const programs[] = { "psql", "python", "jdbc", "dbeaver", "power bi", "excel", "curl" };
        Connect connect = { .arena = &cli->arena };
        if (user.size == 0) {
                error_set(err, STATUS_USAGE, "whose connection? lode show connect USER");
                return error_hint(err, "lode user lists them");
        }
        TRY(collect(workspace, user, &connect, err));
        CLEANUP(buf_deinit) Buf json = { 0 };
        JsonWriter w = json_writer(&json, false);
        Str headers[] = { STR("program"), STR("line") };
        TextTable *table = text_table_new(&cli->arena, headers, COUNT_OF(headers));
        json_object(&w);
        for (size_t i = 0; i < COUNT_OF(programs); i++) {
                if (strcmp(programs[i], "curl") == 0 && connect.http.size == 0)
                        continue;
                Str line = line_for(&connect, programs[i]);
                json_member_str(&w, programs[i], line);
                text_table_row(table, (Str[]){ str_of(programs[i]), line });
        }
        json_member_str(&w, "ca", connect.ca ? str_of(connect.ca) : STR_NONE);
        json_end(&w);
        if (cli_json(cli)) {
                output_json(&json);
                return STATUS_OK;
        }
        text_table_print(table, &cli->output, stdout);
        if (connect.http.size > 0)
                output_note(&cli->output, PAINT_NONE, "$TOKEN is what lode token add NAME --for %.*s prints", STR_ARG(connect.user));
        if (connect.ca)
                output_note(&cli->output, PAINT_NONE, "clients verify the server by %s: copy it to where they run", connect.ca);
        return STATUS_OK;
}
