/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What a session is made of; for session.c (messages), login.c, portal.c (statements and answers) and perform.c (the
 * session's own statements) alone.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "engine/rows.h"
#include "govern/account.h"
#include "model/statement.h"
#include "server/command.h"
#include "server/parameter.h"
#include "server/reply.h"
#include "server/scram.h"
#include "server/session.h"
#include "server/setting.h"
#include "server/timezone.h"
#include "server/transport.h"
#include "server/wire.h"

#define TLS_FIRST_BYTE 0x16 /* of a TLS handshake without a request before it (PostgreSQL 17) */
#define TOKEN_USER "token" /* logs in by a token, inside TLS or from this machine */
#define KEY_SIZE 32 /* of a cancel key in protocol 3.2; 3.0 has 4 bytes */
#define NAMED_MOST 1000 /* prepared statements, and portals, of one session */
#define SAVEPOINTS_MOST 10000 /* at a time, in one transaction */
#define FLUSH_SIZE (256u << 10) /* bytes of replies that are collected before they are sent */

/* A statement that was parsed and described; one that runs at once is described by its run. Shared by name and portals; freed with
 * its last holder. */
typedef struct Prepared {
        int holders;
        Arena arena;
        Str sql;             /* all that the client sent; command.text lies in it */
        Command command;
        SqlTree *tree;       /* of what has to be asked of an engine, else NULL */
        uint32_t *types;     /* of the parameters: OIDs */
        size_t type_count;
        ReplyColumn *columns; /* formats 0 */
        size_t column_count;
        bool has_rows;        /* an answer with rows, though it may have no columns */
        bool at_once;         /* it runs now, once and without parameters: it is not described before that */
} Prepared;

/* Names of those in whose place a session asked: portals and workers have them as long as it lives. */
typedef struct ActedAs {
        struct ActedAs *next;
        Str name;
} ActedAs;

/* Takes rows in place of the client: whole DataRow messages, ROWS_PLAIN. */
typedef Status (*RowsSink)(void *context, Str messages, Error *err);

typedef enum PortalState { PORTAL_NEW, PORTAL_OPEN, PORTAL_DONE } PortalState;

typedef struct Portal {
        Arena arena;
        Prepared *prepared;  /* held */
        SqlValue *values;
        uint16_t *formats;   /* one a column */
        PortalState state;
        bool hold;           /* outlives its transaction, */
        size_t level;        /* of savepoints in which it was made */
        bool kept;           /* ... and did: what fails later does not end it */
        bool held;           /* counted by the admission */
        bool columns_ahead;  /* the client is to be told the columns when they are known, before the first row */
        bool copy_ahead;     /* the header of a binary COPY is to be sent with its first row */
        bool is_cursor;      /* made by DECLARE: its rows are the question's, though its statement is the DECLARE */
        bool has_run;        /* a statement of the session's own: most do so once */
        int64_t most;        /* rows that this run may send; 0 = all */
        bool running, doomed; /* doomed: to be freed when it has run */
        Statement statement; /* OPEN */
        Str principal;       /* for whom it was opened: nobody else is given its rows */
        Str *versions;       /* of what limits the principal on each relation of it */
        int64_t generation;  /* of the catalog when that was looked at last */
        bool revoked;        /* what it reads is not granted any more */
        Worker *worker;
        WorkerRows *rows;
        int64_t taken, taken_bytes;
        int64_t scanned; /* bytes of data files, as far as this reader may know them */
        int64_t began_us;    /* monotonic; when it was opened */
        bool told;           /* to the audit log and the metrics: how it ended */
        bool announced;      /* to the audit log: that it was begun */
        RowsSink sink;       /* NULL: rows go to the client */
        void *sink_context;
        bool failed;         /* while it ran: what is left of it would pass for its end */
        bool at_end;         /* it was asked for more rows than there were; a FETCH: all were sent */
        int64_t owed;        /* of a cursor: rows that a FETCH was asked for and has not sent yet, */
        int64_t owed_to;     /* ... which one: its fetch_number */
        int64_t fetch_number; /* of a FETCH that has begun, by Session.fetch_count; 0: it has not */
        struct Portal *inner; /* of EXECUTE: what it runs; owned */
        Buf own;             /* rows that the session itself made, */
        size_t own_at;       /* ... and how many bytes of them were sent */
} Portal;

typedef struct Named { /* in a short list: drivers keep a few */
        struct Named *next;
        char *name;
        Prepared *prepared; /* of a statement */
        Portal *portal;     /* of a portal */
} Named;

typedef enum Stage { STAGE_STARTUP, STAGE_HANDSHAKE, STAGE_SASL_FIRST, STAGE_SASL_FINAL, STAGE_TOKEN, STAGE_READY, STAGE_ENDED } Stage;

/* IMPLICIT: a simple query, or an extended one until its Sync. */
typedef enum Transaction { TRANSACTION_NONE, TRANSACTION_IMPLICIT, TRANSACTION_BLOCK, TRANSACTION_FAILED } Transaction;

typedef struct Savepoint {
        struct Savepoint *below;
        char *name;
        size_t level; /* of settings.h */
} Savepoint;

typedef struct Http Http; /* http_session.c */

struct Session {
        const SessionHost *host;
        Http *http; /* it speaks HTTP; NULL: PostgreSQL's protocol */
        Transport transport;
        Buf in, out;
        size_t in_taken;
        Stage stage;
        bool is_direct; /* TLS without a request before it: then the client has to name the protocol (ALPN) */
        uint32_t process;
        char key[KEY_SIZE];
        size_t key_size;
        SessionPeer peer;
        int64_t deadline_us;
        int64_t expects_us; /* SESSION_WANTS_TIME until then; 0: it does not */
        bool delayed;       /* its login has waited for the failures of others */

        /* who */
        Arena arena;      /* lives as long as the login */
        Str token;       /* the id of that by which it logged in; empty: by a password */
        Str login;       /* who logged in, and */
        Account account; /* in whose place it asks: itself, or by SET ROLE another. Its name is in arena, the rest in account_arena once it was asked for again */
        const Account *within; /* who logged in, where it sees with another's eyes what lies in zones of its own; else NULL */
        Arena account_arena;
        const GrantCache *asked_by; /* the thread that asked for the accounts last, NULL: they have to be; at which generation of its */
        int64_t asked_at;           /* catalog, and for whom: generations are counted by connection */
        Str asked_for;
        ActedAs *acted_as;
        Principal principal;
        const Grants *grants; /* while a question is bound */
        Viewer viewer;
        Sight sight;
        Str user; /* as the client called itself */
        bool other_encoding; /* than UTF8 was asked for by it, and is told so */
        Str database, zone; /* zone is empty in the databases that show all */
        Scram scram;
        Settings *settings;
        Party *party;     /* its address's until it logged in */
        bool is_in;
        Limits limits;    /* as they were at its last statement */
        Ticket ticket;    /* of its statement */
        size_t weight;    /* bytes that its party is told it holds */

        /* what is going on */
        const SessionThread *thread; /* while it runs */
        Transaction transaction;
        Savepoint *savepoints;
        bool has_at;
        CatalogAt at;     /* what the transaction reads, once it has read; other settings of lode.* than then end it */
        Str at_as_of;
        Arena at_arena;
        bool skipping;    /* until Sync */
        bool is_one_of;   /* what runs is one of several statements of a message, or of a pipeline without Sync */
        Named *statements, *portals;
        size_t statement_count, portal_count;
        int64_t fetch_count;
        int64_t began_us; /* monotonic: the statement that is being answered, the line included; 0: none is */
        size_t answered;  /* statements, since this thread took it */
        int64_t statement_total, row_total; /* since it logged in */
        bool turned_away, timed_out; /* its statement was, from the line */
        SystemExtra extras[4];

        /* reached from other threads */
        pthread_mutex_t lock; /* guards busy, working and view */
        SessionView view;
        bool busy; /* from a message that came whole to the end of what it asks: only then can it be cancelled */
        Worker *working;
        atomic_bool cancelled, stopped;

        const char *sqlstate; /* of the error on its way, by session_refuse() */
};

/* ---- session.c ---- */
/* Sends what was collected; a thread that may not wait (session_is_patient) as much as the socket takes. */
Status session_flush(Session *session, Error *err);
bool session_is_patient(const Session *session);
/* ... when there is much of it. */
Status session_flush_some(Session *session, Error *err);
/* Only a busy session can be cancelled; one that is no longer forgets that it was. */
void session_busy(Session *session, bool busy);
/* From now worker_interrupt() reaches it. INTERRUPTED if it was cancelled already. */
Status session_work_with(Session *session, Worker *worker, Error *err);
void session_work_done(Session *session);
Prepared *session_find_statement(Session *session, Str name);
Portal *session_find_portal(Session *session, Str name);
Status session_no_statement(Session *session, Str name, Error *err); /* 26000 */
void session_drop_statement(Session *session, Str name);
void session_drop_portal(Session *session, Str name);
/* LIMIT: a session has NAMED_MOST of each. */
Status session_keep_statement(Session *session, Str name, Prepared *prepared, Error *err);
Status session_keep_portal(Session *session, Str name, Portal *portal, Error *err);
/* Sends at most `most` rows (0 = all) and what ends them. */
Status session_run_portal(Session *session, Portal *portal, int64_t most, Error *err);
/* Who asked, beside the one whose rights held; empty where it is the same. */
Str session_service(const Session *session);
/* Whose worker the next statement gets: who asks in another's place has one apart from that one's. session_refresh() finds out
 * whether it may ask so. */
Str session_worker_name(Session *session);
/* 42501 unless it may ask in the place of that one. */
Status session_may_act_as(Session *session, Str name, Arena *arena, Error *err);
/* Who is answerable for what it asks: others are told of it by this name, and by it they may end it. */
Str session_answerable(const Session *session);
/* What the transaction reads: branch and commit, fixed by its first question. */
Status session_at(Session *session, CatalogAt *out, Error *err);
/* Who may see what, as it is in force now; asked before every question. LOGIN when the account is gone meanwhile. */
Status session_refresh(Session *session, Error *err);
void session_end_transaction(Session *session, bool committed);
/* What was made since this level of savepoints began: cursors are closed, and settings are as they were. */
void session_undo(Session *session, size_t level);
void session_begin(Session *session, Transaction transaction);

/* An error whose SQLSTATE no Status has: 34000, 25P02 ...; returns the status. */
Status session_refuse(Session *session, const char *sqlstate, Status status, Error *err, const char *format, ...) PRINTF_LIKE(5, 6);
/* ParameterStatus for each setting that changed since the client was told. */
void session_report_settings(Session *session);
/* A NoticeResponse of severity WARNING. */
void session_warn(Session *session, const char *sqlstate, const char *words);
/* An error as the client gets it; text is what it sent, where the error's place counts from `offset`. */
void session_reply_error(Session *session, const Error *error, Str text, size_t offset);

/* "pg", "http": how it came, for the audit log. */
Str session_via(const Session *session);
/* In whose place it asks, as its settings say; its own, if in nobody's. */
Str session_stands_for(const Session *session);
/* Whether what failed names files of the store: an administrator's matter, and nothing that others can do anything about. */
bool session_hides(const Session *session, const Error *error);
/* The error's place, which counts from `offset` of text: bytes from the text's begin; false where it has none in there. */
bool session_error_offset(const Error *error, Str text, size_t offset, size_t *out);
/* The rest of what was read moves to the front, and more is read. */
TransportGot session_read_more(Session *session);
/* What was read and not taken yet. */
Str session_waiting(const Session *session);
void session_take(Session *session, size_t size);

/* ---- http_session.c ---- */
Http *http_new(void);
void http_free(Http *http); /* NULL is fine */
/* As session_run(). */
SessionWant http_run(Session *session);
void http_expire(Session *session);
/* Its principal's party, by the limits in force; what it was of before, it leaves. BUSY. */
Status session_join(Session *session, Error *err);
/* A place in line for a statement that wants a worker. BUSY; INTERRUPTED or TIMEOUT when it was in line and turned away. */
Status session_reserve(Session *session, Lane lane, Error *err);
/* What the socket did not take before is sent first; true: it still takes no more. */
bool session_is_clogged(Session *session);
/* The shorter of its own setting and its principal's limit; 0 = none. */
int64_t session_time(const Session *session, const char *setting, LimitKind kind);
/* From when its time counts. */
int64_t session_began(const Session *session);
/* What others are told. */
void session_show(Session *session, SessionState state, Str statement);

/* ---- login.c ---- */
/* Handles one packet before the session is ready. False: more bytes are needed. */
bool login_step(Session *session, SessionWant *out_want);
/* Loads the account that session->account.name names and enters session->database. LOGIN when there is none or it is locked. */
Status login_enter(Session *session, Error *err);
Status login_audit(Session *session, Str user, Str detail, bool denied, Error *err);

/* ---- names.c ---- */
/* Which database, of those that this user may enter: a zone, or one that shows all. 3D000. */
Status session_choose_database(Session *session, Error *err);
/* SET: also asks the catalog where a value names something in it. */
Status session_set(Session *session, Str name, Str value, bool local, Error *err);
Status session_reset(Session *session, Str name, Error *err);
/* As a transaction ends; in whose place the session asks then, the audit log is told. */
void session_end_settings(Session *session, bool committed);
/* To a level of savepoints; told alike. */
void session_undo_settings(Session *session, size_t level);
/* The settings of lode.* that came with the connection. */
Status session_check_start(Session *session, Error *err);
/* What a question sees of this session: database, search path, settings; and its time zone. In the arena. */
Status session_describe(Session *session, Arena *arena, SystemSession *out, TimeZone *zone, Error *err);
/* set_config() and current_setting() of a statement become texts; `now`: what is to be set is set. */
Status session_fill_settings(Session *session, SqlTree *tree, bool now, Arena *arena, Error *err);

/* ---- portal.c ---- */
/* Whether it is a question, to be prepared and run by a worker. */
bool command_asks(const Command *command);
/* ... that is answered without one. */
bool command_is_literal(const Command *command);
/* For a question: parses, binds and describes it. types: OIDs that the client gave, 0 = it leaves that open. */
Status prepared_make(Session *session, Str sql, const Command *command, const uint32_t *types, size_t type_count, Prepared **out,
                     Error *err);
/* The same for a portal that runs at once: a plain question is bound and prepared once instead of twice. */
Status prepared_make_at_once(Session *session, Str sql, const Command *command, Prepared **out, Error *err);
Prepared *prepared_hold(Prepared *prepared);
void prepared_release(Prepared *prepared);
Portal *portal_new(Prepared *prepared);
void portal_free(Session *session, Portal *portal);
/* Sends up to `most` rows (0 = all) and what ends them: CommandComplete or PortalSuspended. */
Status portal_run(Session *session, Portal *portal, int64_t most, Error *err);
/* What a FETCH still owes is passed over: whoever else uses the cursor stands behind it, as in PostgreSQL, where it was run whole. */
Status portal_settle(Session *session, Portal *cursor, Error *err);
/* Rows of a cursor, without an end. */
Status portal_fetch(Session *session, Portal *portal, int64_t most, bool silent, int64_t *out_count, Error *err);
/* All of a COPY. */
Status portal_copy(Session *session, Portal *portal, Error *err);
/* All rows to a sink, whose failure ends it. portal->statement.columns describes them from its first call on. */
Status portal_pour(Session *session, Portal *portal, RowsSink sink, void *context, Error *err);
/*
 * Before anything of an answer leaves that is not at its end: that it was begun is in the audit log then, whatever happens; how it
 * ended is a record of its own. Once for a portal. Where it fails nothing may leave.
 */
Status portal_announce(Session *session, Portal *portal, Error *err);
/* To the audit log: a text that is no statement, or none that is known. */
void session_tell_unread(Session *session, Str sql);
void portal_reply_columns(Session *session, Portal *portal);

/* One row of text for each relation: what is read of it. Goes to portal->own. */
Status portal_explain(Session *session, Portal *portal, Error *err);

/* ---- perform.c ---- */
/* Whether running it may need a worker. */
bool command_wants_worker(const Command *command);
/* The columns of what a statement of the session itself answers with; EXPLAIN's too. */
Status perform_describe(Session *session, Prepared *prepared, Error *err);
/* Whether the cursor that a FETCH reads, or the statement that an EXECUTE runs, has other columns by now than it was described with. */
bool perform_is_outdated(Session *session, const Prepared *prepared);
/* pg_stat_activity, lode.sessions, lode.access. */
void session_extras(Session *session);
/* Runs a portal whose statement is not a question. Replies with all but the columns. */
Status perform(Session *session, Portal *portal, Error *err);
