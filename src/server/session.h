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
 * A thread that may not hold a worker never waits for a client either: what its socket does not take stays with the session,
 * which then wants out (SESSION_WANTS_OUT). After a number of messages it gives way to others (SESSION_WANTS_TURN).
 *
 * From any thread: session_cancel(), session_stop(), session_view().
 */
#include <stdatomic.h>

#include "engine/worker.h"
#include "govern/audit.h"
#include "lake/lake.h"
#include "model/grant.h"
#include "server/known.h"
#include "server/admission.h"
#include "server/backoff.h"
#include "server/metrics.h"
#include "server/tls.h"

typedef struct Session Session;

typedef enum SessionState { SESSION_STARTING, SESSION_IDLE, SESSION_ACTIVE, SESSION_WAITING, SESSION_IN_TRANSACTION, SESSION_FAILED } SessionState;

/* What others may be told of a session: pg_stat_activity, lode.sessions. Texts may be cut. Times are microseconds since 1970; 0 = none. */
typedef struct SessionView {
        uint32_t process;
        const char *via; /* pg, http */
        char principal[64], database[64], application[64], address[48];
        int port;
        SessionState state;
        int64_t began_us, transaction_us, statement_us, changed_us;
        int64_t statements, rows; /* since it began */
        char statement[1024]; /* that runs, or ran last */
} SessionView;

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
        Admission *admission;
        Backoff *backoff;
        void *context;
        /* Writes a line of the audit log, durable if asked for. */
        Status (*audit)(void *context, const AuditRecord *record, bool durable, Error *err);
        /* Ends what runs in the session with this key. */
        void (*cancel)(void *context, uint32_t process, Str key);
        /* Text was applied: what it says is built by the next refresh, which may begin. */
        void (*applied)(void *context);
        /* What the server is doing at this moment. */
        void (*now)(void *context, MetricsNow *out);
        /* Each session that is logged in, one after the other. The view is valid during the call. */
        void (*each)(void *context, void (*see)(void *see_context, const SessionView *view), void *see_context);
        /* Ends what runs in a session, or the session, for its principal or an administrator; whether there was such a one. */
        bool (*signal)(void *context, uint32_t process, Str principal, bool administrator, bool end);
} SessionHost;

/* What a thread brings along. */
typedef struct SessionThread {
        Lake *lake;
        GrantCache *grants; /* of this thread */
        LimitCache *limits;
        KnownNames *known;
        bool has_worker;    /* it may lease one */
} SessionThread;

typedef enum SessionWant {
        SESSION_WANTS_BYTES,
        SESSION_WANTS_OUT,    /* the socket must take bytes first (TLS handshake) */
        SESSION_WANTS_TIME,   /* nothing before session_deadline() */
        SESSION_WANTS_TURN,   /* it could go on; others first */
        SESSION_WANTS_WORKER, /* its ticket is reserved, or runs and wants another turn */
        SESSION_ENDED,
} SessionWant;

/* Where a connection comes from. */
typedef struct SessionPeer {
        char address[48];
        char network[48]; /* what counts as one place: the address, of IPv6 its /64 */
        int port;
        bool is_local; /* loopback */
        bool is_http;  /* it speaks HTTP and not PostgreSQL's protocol */
} SessionPeer;

/* Takes the socket. process numbers sessions in the cancel key and pg_backend_pid(). */
Session *session_new(const SessionHost *host, int socket, uint32_t process, const SessionPeer *peer);
void session_free(Session *session);
SessionWant session_run(Session *session, const SessionThread *thread);

int session_socket(const Session *session);
uint32_t session_process(const Session *session);
bool session_key_is(const Session *session, Str key);
/* When it is to be looked at although nothing came (login deadline, idle time-outs), monotonic; 0 = never. */
int64_t session_deadline(const Session *session);
/* The deadline passed: what it waited for is over (SESSION_WANTS_TIME), or the client is told and the session ends. */
SessionWant session_expire(Session *session, const SessionThread *thread);
/* Ends one that has not logged in. */
void session_drop(Session *session, const char *sqlstate, const char *words);
/* Its principal's, or its address's as long as nobody has logged in. */
Party *session_party(const Session *session);
bool session_is_in(const Session *session);
/* The place in line of its statement. */
Ticket *session_ticket(Session *session);
/* When a statement that waits in line is to be turned away; 0 = never. */
int64_t session_line_deadline(const Session *session);
/* Taken out of the line: the next message that wants a worker fails, by its time-out or as if it were cancelled. */
void session_turn_away(Session *session, bool timed_out);
/* False before it logged in. Any thread. */
bool session_view(Session *session, SessionView *out);

/* The running statement fails with 57014. Nothing happens when none runs. Any thread. */
void session_cancel(Session *session);
/* The running statement makes way for other processes. Any thread. */
void session_make_way(Session *session);
/* The server ends: the running statement is ended, and then the connection (57P01). Any thread. */
void session_stop(Session *session);
