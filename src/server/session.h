/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Session: one connection that speaks the PostgreSQL protocol, from its first byte to its last: login, simple and extended
 * queries, portals and cursors, transactions, COPY. Its state is here; its rules are those that PostgreSQL 15 shows
 * (skip until Sync after an error of the extended protocol, portals that end with their transaction, implicit transactions).
 * A connection that speaks HTTP is a session too (http_session.c): each request logs in by itself, and what it asks goes the
 * same way to the same answer, under the same limits.
 *
 * A session belongs to one thread at a time. The loop gives it to a thread when bytes came; session_run() handles every
 * whole message there is and comes back when it needs more. What needs a worker is left to the threads that may hold one:
 * then it comes back with SESSION_WANTS_WORKER, having done nothing of that message. So a client that waits, or thinks,
 * holds no thread; an open portal holds its worker and nothing else.
 *
 * From any thread: session_cancel(), session_stop().
 */
#include <stdatomic.h>

#include "engine/worker.h"
#include "govern/audit.h"
#include "lake/lake.h"
#include "model/grant.h"
#include "server/metrics.h"
#include "server/tls.h"

typedef struct Session Session;

/* What all sessions share. Immutable, or with a lock of its own. */
typedef struct SessionHost {
        WorkerPool *pool;
        const TlsContext *tls;   /* NULL: none is offered */
        bool require_tls;
        const TlsContext *http_tls; /* of connections that speak HTTP */
        bool http_requires_tls;
        const char *root;        /* the store's folder */
        Metrics *metrics;
        Str secret;              /* of the store: for logins of users that do not exist */
        int64_t login_us;        /* a login may take so long */
        int64_t patience_us;     /* a client that takes no byte for so long is dropped */
        int64_t statement_us;    /* a statement may take so long, unless the session says less; 0 = no limit */
        size_t portals_most;     /* open at once in one session */
        atomic_size_t *held;     /* portals of all sessions that keep a worker while their client thinks; no more than held_most */
        size_t held_most;
        void *context;
        /* Writes a line of the audit log, durable if asked for. */
        Status (*audit)(void *context, const AuditRecord *record, bool durable, Error *err);
        /* Ends what runs in the session with this key. */
        void (*cancel)(void *context, uint32_t process, Str key);
        /* What the server is doing at this moment. */
        void (*now)(void *context, MetricsNow *out);
} SessionHost;

/* What a thread brings along. */
typedef struct SessionThread {
        Lake *lake;
        GrantCache *grants; /* of this thread */
        bool has_worker;    /* it may lease one */
} SessionThread;

typedef enum SessionWant {
        SESSION_WANTS_BYTES,
        SESSION_WANTS_OUT,    /* the socket must take bytes first (TLS handshake) */
        SESSION_WANTS_WORKER,
        SESSION_ENDED,
} SessionWant;

/* Takes the socket. process numbers sessions in the cancel key and pg_backend_pid(). is_local: from loopback. is_http: it speaks
 * HTTP and not PostgreSQL's protocol. */
Session *session_new(const SessionHost *host, int socket, uint32_t process, bool is_local, bool is_http);
void session_free(Session *session);
SessionWant session_run(Session *session, const SessionThread *thread);

int session_socket(const Session *session);
uint32_t session_process(const Session *session);
bool session_key_is(const Session *session, Str key);
/* When it is to be looked at although nothing came (login deadline, idle time-outs), monotonic; 0 = never. */
int64_t session_deadline(const Session *session);
/* The deadline passed: tells the client and ends. */
void session_expire(Session *session);

/* The running statement fails with 57014. Nothing happens when none runs. Any thread. */
void session_cancel(Session *session);
/* The server ends: the running statement is ended, and then the connection (57P01). Any thread. */
void session_stop(Session *session);
