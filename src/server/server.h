/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Server: listens for clients of PostgreSQL and of HTTP, and moves connections between one epoll loop and two groups of threads. The loop waits for bytes
 * and owns no work; *light* threads handle what needs no worker (logins, settings, cursors that are closed); *heavy* ones,
 * started as they are needed, handle the rest. A connection that waits for its client holds no thread. Who is next, and who
 * may do how much, is the admission's to say (admission.h).
 *
 * Each thread has an open store of its own (one catalog connection); all share the pool of workers and the audit log.
 * server_run() blocks until it is told to stop: then nothing new is accepted, what runs may end within the drain time, and
 * idle clients are told that the server goes down (57P01).
 */
#include <signal.h>

#include "base/error.h"

typedef struct Server Server;

/* Zero in a member means its default. */
typedef struct ServerOptions {
        const char *store;       /* the store's folder */
        const char *version;     /* of this program, for the metrics */
        const char *host;        /* address to listen on for clients of PostgreSQL; default 127.0.0.1 */
        int port;                /* 0 = any free one */
        bool without_http;
        const char *http_host;   /* likewise */
        int http_port;
        const char *certificate, *key; /* PEM files; off loopback they are made in the store if none are given */
        const char *project;     /* the project's folder, in whose ingress/ files arrive; NULL: nothing is refreshed */
        size_t statements;       /* at once; default twice the processors, 4 to 32 */
        size_t connections_most; /* logged in; default 1,000 */
        int64_t statement_us;    /* a statement may take so long; default no limit */
        int64_t drain_us;        /* default 10 s */
        int64_t login_us;        /* default 10 s */
        int64_t patience_us;     /* default 60 s */
} ServerOptions;

/* Listens. NO_STORE and the like; USAGE for an address that cannot be listened on; SANDBOX where workers cannot be boxed. */
Status server_open(const ServerOptions *options, Server **out, Error *err);
int server_port(const Server *server);
int server_http_port(const Server *server); /* -1 without HTTP */
/* The CA that clients need to know it by; NULL without TLS, or with a certificate of the operator's. */
const char *server_ca(const Server *server);
Status server_run(Server *server, const volatile sig_atomic_t *stop, Error *err);
void server_close(Server *server); /* NULL is fine */
void server_closep(Server **server);
