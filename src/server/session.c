/* SPDX-License-Identifier: Apache-2.0 */
/* The messages of a session that is logged in, and what all its parts share. */
#include <stdarg.h>

#include "base/time.h"
#include "base/vec.h"
#include "server/session_parts.h"

#define READ_SIZE (64u << 10)
#define STOPPED_WORDS "terminating connection due to administrator command"
#define ABORTED_WORDS "current transaction is aborted, commands ignored until end of transaction block"
#define CANCELLED_WORDS "canceling statement due to user request"
#define PREPARED_WEIGHT (32u << 10) /* bytes that a prepared statement is counted as */
#define STEPS_OF_TURN 64             /* messages, and time, after which others have a turn */
#define TURN_US 2000

/* ---- life ---- */

Session *session_new(const SessionHost *host, int socket, uint32_t process, const SessionPeer *peer) {
        Session *session = calloc(1, sizeof(*session));
        if (!session)
                out_of_memory();
        session->host = host;
        session->process = process;
        session->peer = *peer;
        session->settings = settings_new();
        session->key_size = KEY_SIZE;
        random_bytes(session->key, KEY_SIZE);
        session->deadline_us = time_monotonic_us() + host->login_us;
        session->party = admission_arrive(host->admission, str_of(peer->network));
        limits_default(&session->limits);
        session_extras(session);
        pthread_mutex_init(&session->lock, NULL);
        transport_init(&session->transport, socket);
        if (peer->is_http)
                session->http = http_new();
        return session;
}

static void drop_portals(Session *session) {
        while (session->portals)
                session_drop_portal(session, str_of(session->portals->name));
}

void session_free(Session *session) {
        drop_portals(session);
        while (session->statements)
                session_drop_statement(session, str_of(session->statements->name));
        session_end_transaction(session, false);
        settings_free(session->settings);
        http_free(session->http);
        Error ignored;
        (void)admission_weigh(session->host->admission, session->party, &session->weight, 0, &ignored);
        admission_leave(session->host->admission, session->party);
        arena_deinit(&session->arena);
        arena_deinit(&session->account_arena);
        arena_deinit(&session->at_arena);
        buf_deinit(&session->in);
        buf_deinit(&session->out);
        transport_deinit(&session->transport);
        pthread_mutex_destroy(&session->lock);
        free(session);
}

int session_socket(const Session *session) {
        return session->transport.socket;
}

uint32_t session_process(const Session *session) {
        return session->process;
}

bool session_key_is(const Session *session, Str key) {
        return bytes_equal_constant_time(key, (Str){ session->key, session->key_size });
}

int64_t session_deadline(const Session *session) {
        return session->deadline_us;
}

Party *session_party(const Session *session) {
        return session->party;
}

bool session_is_in(const Session *session) {
        return session->is_in;
}

Status session_join(Session *session, Error *err) {
        Admission *admission = session->host->admission;
        Party *party;
        TRY(limits_now(session->thread->limits, session->thread->lake->catalog, &session->account, &session->limits, err));
        TRY(admission_join(admission, &session->account, &session->limits, &party, err));
        (void)admission_weigh(admission, session->party, &session->weight, 0, err);
        admission_leave(admission, session->party);
        session->party = party;
        session->is_in = true;
        return STATUS_OK;
}

Ticket *session_ticket(Session *session) {
        return &session->ticket;
}

int64_t session_line_deadline(const Session *session) {
        int64_t most = session_time(session, "statement_timeout", LIMIT_STATEMENT_TIME);
        return most > 0 ? session->ticket.since_us + most : 0;
}

void session_turn_away(Session *session, bool timed_out) {
        session->turned_away = true;
        session->timed_out = timed_out;
}

/* ---- what others are told ---- */

static void cut(char *to, size_t room, Str text) {
        size_t size = text.size < room ? text.size : room - 1;
        while (size > 0 && size < text.size && ((uint8_t)text.data[size] & 0xc0) == 0x80)
                size--; /* no half characters */
        if (size > 0)
                memcpy(to, text.data, size);
        to[size] = '\0';
}

void session_show(Session *session, SessionState state, Str statement) {
        SessionView *view = &session->view;
        int64_t now = time_now_us();
        bool inside = session->transaction == TRANSACTION_BLOCK || session->transaction == TRANSACTION_FAILED;
        pthread_mutex_lock(&session->lock);
        if (view->began_us == 0) {
                *view = (SessionView){ .process = session->process, .via = session->http ? "http" : "pg", .port = session->peer.port, .began_us = now };
                cut(view->address, sizeof(view->address), str_of(session->peer.address));
        }
        cut(view->principal, sizeof(view->principal), session_answerable(session)); /* over HTTP each request has its own */
        cut(view->database, sizeof(view->database), session->database);
        view->statement_us = state == SESSION_ACTIVE ? now : view->statement_us;
        view->statements = session->statement_total;
        view->rows = session->row_total;
        if (statement.data)
                cut(view->statement, sizeof(view->statement), statement);
        if (state != SESSION_ACTIVE && state != SESSION_WAITING)
                cut(view->application, sizeof(view->application), settings_get(session->settings, STR("application_name")));
        view->transaction_us = !inside && state == SESSION_IDLE ? 0 : view->transaction_us ? view->transaction_us : now;
        view->changed_us = view->state == state ? view->changed_us : now;
        view->state = state;
        pthread_mutex_unlock(&session->lock);
}

bool session_view(Session *session, SessionView *out) {
        pthread_mutex_lock(&session->lock);
        *out = session->view;
        pthread_mutex_unlock(&session->lock);
        return out->began_us > 0;
}

/* ---- from other threads ---- */

void session_cancel(Session *session) {
        pthread_mutex_lock(&session->lock);
        if (session->busy)
                atomic_store(&session->cancelled, true);
        if (session->working)
                worker_interrupt(session->working);
        pthread_mutex_unlock(&session->lock);
}

void session_busy(Session *session, bool busy) {
        pthread_mutex_lock(&session->lock);
        session->busy = busy;
        if (!busy)
                atomic_store(&session->cancelled, false);
        pthread_mutex_unlock(&session->lock);
}

void session_make_way(Session *session) {
        pthread_mutex_lock(&session->lock);
        if (session->working)
                worker_make_way(session->working);
        pthread_mutex_unlock(&session->lock);
}

void session_stop(Session *session) {
        atomic_store(&session->stopped, true);
        session_cancel(session);
        transport_stop(&session->transport);
}

Status session_work_with(Session *session, Worker *worker, Error *err) {
        pthread_mutex_lock(&session->lock);
        session->working = worker;
        pthread_mutex_unlock(&session->lock);
        bool stopped = atomic_load(&session->stopped);
        if (!stopped && !atomic_load(&session->cancelled))
                return STATUS_OK;
        session_work_done(session);
        return stopped ? session_refuse(session, "57P01", STATUS_INTERRUPTED, err, STOPPED_WORDS) : session_refuse(session, "57014", STATUS_INTERRUPTED, err, CANCELLED_WORDS);
}

void session_work_done(Session *session) {
        pthread_mutex_lock(&session->lock);
        session->working = NULL;
        pthread_mutex_unlock(&session->lock);
}

Str session_via(const Session *session) {
        return session->http ? STR("http") : STR("pg");
}

/* ---- replies ---- */

bool session_is_patient(const Session *session) {
        return session->thread && session->thread->has_worker;
}

Status session_flush(Session *session, Error *err) {
        Buf *out = &session->out;
        size_t sent = out->size;
        Status status = out->failed ? error_set(err, STATUS_LIMIT, "an answer that cannot be sent")
                        : session_is_patient(session)
                                ? transport_write(&session->transport, buf_view(out), session->host->patience_us, err)
                                : transport_write_some(&session->transport, buf_view(out), &sent, err);
        metrics_add(session->host->metrics, METRICS_SENT, sent);
        if (status == STATUS_OK && sent < out->size) {
                memmove(out->data, out->data + sent, out->size - sent);
                out->size -= sent;
                return STATUS_OK;
        }
        buf_clear(out);
        if (out->capacity > 2 * FLUSH_SIZE)
                buf_deinit(out);
        if (status != STATUS_OK)
                session->transport.ended = true;
        return status;
}

Status session_flush_some(Session *session, Error *err) {
        return session->out.size < FLUSH_SIZE ? STATUS_OK : session_flush(session, err);
}

Status session_refuse(Session *session, const char *sqlstate, Status status, Error *err, const char *format, ...) {
        char words[512];
        va_list args;
        va_start(args, format);
        vsnprintf(words, sizeof(words), format, args);
        va_end(args);
        session->sqlstate = sqlstate;
        return error_set(err, status, "%s", words);
}

void session_warn(Session *session, const char *sqlstate, const char *words) {
        reply_error(&session->out, &(ReplyError){ .severity = REPLY_WARNING, .sqlstate = str_of(sqlstate), .message = str_of(words) });
}

bool session_error_offset(const Error *error, Str text, size_t offset, size_t *out) {
        if (error->line == 0 || error->file[0])
                return false; /* none, or in a file of somebody's */
        size_t at = offset;
        for (int line = 1; line < error->line; line++) {
                Str rest = str_slice(text, at, text.size);
                at += str_find_byte(rest, '\n') + 1;
                if (at > text.size)
                        return false;
        }
        Str rest = str_slice(text, at, text.size);
        *out = at + utf8_prefix(rest, error->column > 0 ? (size_t)error->column - 1 : 0);
        return true;
}

/* As a client of PostgreSQL counts it: characters from 1; 0 = none. */
static int64_t position_of(const Error *error, Str text, size_t offset) {
        size_t at;
        return session_error_offset(error, text, offset, &at) ? (int64_t)utf8_length(str_slice(text, 0, at)) + 1 : 0;
}

static bool is_inside(Status status) {
        static const Status inside[] = { STATUS_INTERNAL, STATUS_CORRUPT, STATUS_IO, STATUS_DISK_FULL, STATUS_NO_STORE, STATUS_STORE_FORMAT,
                                         STATUS_STORE_MOVED, STATUS_ENGINE, STATUS_SANDBOX };
        for (size_t i = 0; i < COUNT_OF(inside); i++)
                if (inside[i] == status)
                        return true;
        return false;
}

bool session_hides(const Session *session, const Error *error) {
        return is_inside(error->status) && !session->principal.administrator;
}

static void fatal(Session *session, const char *sqlstate, const char *words) {
        Error ignored;
        reply_error(&session->out, &(ReplyError){ .severity = REPLY_FATAL, .sqlstate = str_of(sqlstate), .message = str_of(words) });
        (void)session_flush(session, &ignored);
        session->stage = STAGE_ENDED;
}

void session_reply_error(Session *session, const Error *error, Str text, size_t offset) {
        const char *sqlstate = session->sqlstate ? session->sqlstate : error_state(error);
        bool cancelled = error->status == STATUS_INTERRUPTED && atomic_load(&session->cancelled);
        if (error->status == STATUS_INTERRUPTED && atomic_load(&session->stopped)) {
                fatal(session, "57P01", STOPPED_WORDS);
                return;
        }
        bool hidden = session_hides(session, error);
        if (cancelled && atomic_load(&session->stopped))
                return; /* what ends the session is told as the reason, by run() */
        ReplyError reply = {
                .severity = REPLY_ERROR,
                .sqlstate = str_of(sqlstate),
                .message = cancelled ? STR(CANCELLED_WORDS)
                           : hidden  ? STR("the store cannot answer this now")
                                     : str_of(error->message),
                .hint = hidden ? STR("an administrator who asks the same is told why") : str_of(error->hint),
                .position = position_of(error, text, offset),
        };
        reply_error(&session->out, &reply);
        session->sqlstate = NULL;
        atomic_store(&session->cancelled, false);
}

void session_report_settings(Session *session) {
        Str value;
        for (const char *name; (name = settings_next_report(session->settings, &value));)
                reply_setting(&session->out, str_of(name), value);
}

static void ready(Session *session) {
        static const ReplyState states[] = { [TRANSACTION_NONE] = REPLY_IDLE, [TRANSACTION_IMPLICIT] = REPLY_IDLE,
                                             [TRANSACTION_BLOCK] = REPLY_IN_TRANSACTION, [TRANSACTION_FAILED] = REPLY_IN_FAILED_TRANSACTION };
        if (atomic_load(&session->stopped))
                return;
        session_report_settings(session);
        reply_ready(&session->out, states[session->transaction]);
}

/* ---- names ---- */

static Named **find_named(Named **list, Str name) {
        while (*list && !str_is(name, (*list)->name))
                list = &(*list)->next;
        return list;
}

static void add_named(Named **list, Str name, Prepared *prepared, Portal *portal) {
        Named *named = calloc(1, sizeof(*named));
        char *copy = strndup(name.data ? name.data : "", name.size);
        if (!named || !copy)
                out_of_memory();
        *named = (Named){ .next = *list, .name = copy, .prepared = prepared, .portal = portal };
        *list = named;
}

static void drop_named(Session *session, Named **place) {
        Named *named = *place;
        *place = named->next;
        session->statement_count -= named->prepared != NULL;
        session->portal_count -= named->portal != NULL;
        prepared_release(named->prepared);
        portal_free(session, named->portal);
        free(named->name);
        free(named);
}

Prepared *session_find_statement(Session *session, Str name) {
        Named *named = *find_named(&session->statements, name);
        return named ? named->prepared : NULL;
}

Portal *session_find_portal(Session *session, Str name) {
        Named *named = *find_named(&session->portals, name);
        return named ? named->portal : NULL;
}

void session_drop_statement(Session *session, Str name) {
        Named **place = find_named(&session->statements, name);
        if (*place)
                drop_named(session, place);
}

void session_drop_portal(Session *session, Str name) {
        Named **place = find_named(&session->portals, name);
        if (*place)
                drop_named(session, place);
}

static Status check_count(size_t count, const char *what, Error *err) {
        if (count < NAMED_MOST)
                return STATUS_OK;
        error_set(err, STATUS_LIMIT, "a session may have %d %s at a time", NAMED_MOST, what);
        return error_hint(err, "close those that are done with: DEALLOCATE, CLOSE, or the driver's own way");
}

Status session_keep_statement(Session *session, Str name, Prepared *prepared, Error *err) {
        session_drop_statement(session, name);
        Status status = check_count(session->statement_count, "prepared statements", err);
        if (status != STATUS_OK) {
                prepared_release(prepared);
                return status;
        }
        session->statement_count++;
        add_named(&session->statements, name, prepared, NULL);
        return STATUS_OK;
}

Status session_keep_portal(Session *session, Str name, Portal *portal, Error *err) {
        session_drop_portal(session, name);
        Status status = check_count(session->portal_count, "portals and cursors", err);
        if (status != STATUS_OK) {
                portal_free(session, portal);
                return status;
        }
        session->portal_count++;
        portal->level = settings_level(session->settings);
        add_named(&session->portals, name, NULL, portal);
        return STATUS_OK;
}

/* ---- transactions ---- */

void session_begin(Session *session, Transaction transaction) {
        if (session->transaction == TRANSACTION_NONE)
                settings_begin_transaction(session->settings);
        session->transaction = transaction;
}

static void forget_at(Session *session) {
        session->has_at = false;
        arena_reset(&session->at_arena);
}

void session_end_transaction(Session *session, bool committed) {
        for (Named **place = &session->portals; *place;) {
                Portal *portal = (*place)->portal;
                portal->kept |= committed && portal->hold;
                portal->level = 0;
                if (portal->kept)
                        place = &(*place)->next;
                else
                        drop_named(session, place);
        }
        while (session->savepoints) {
                Savepoint *top = session->savepoints;
                session->savepoints = top->below;
                free(top->name);
                free(top);
        }
        if (session->transaction != TRANSACTION_NONE)
                session_end_settings(session, committed);
        session->transaction = TRANSACTION_NONE;
        session->is_one_of = false;
        forget_at(session);
}

void session_undo(Session *session, size_t level) {
        session_undo_settings(session, level);
        for (Named **place = &session->portals; *place;) {
                if ((*place)->portal->level >= level && !(*place)->portal->kept)
                        drop_named(session, place);
                else
                        place = &(*place)->next;
        }
}

/* Settings are as they were at once, as PostgreSQL has it: back to the newest savepoint, or to the transaction's begin. */
static void fail_transaction(Session *session) {
        if (session->transaction != TRANSACTION_BLOCK)
                return;
        session->transaction = TRANSACTION_FAILED;
        session_undo_settings(session, settings_level(session->settings));
}

Status session_at(Session *session, CatalogAt *out, Error *err) {
        Str branch = settings_get(session->settings, STR("lode.branch")), as_of = settings_get(session->settings, STR("lode.as_of"));
        bool is_it = session->has_at && str_equal(branch, session->at.branch) && str_equal(as_of, session->at_as_of);
        if (!is_it) {
                Catalog *catalog = session->thread->lake->catalog;
                CatalogCommit commit;
                if (as_of.size > 0)
                        TRY(catalog_find(catalog, branch, as_of, &session->at_arena, &commit, err));
                else
                        TRY(catalog_head(catalog, branch, &session->at_arena, &commit, err));
                session->at = (CatalogAt){ .branch = arena_str(&session->at_arena, branch), .seq = commit.seq };
                session->at_as_of = arena_str(&session->at_arena, as_of);
                session->has_at = true;
        }
        *out = session->at;
        return STATUS_OK;
}

Str session_service(const Session *session) {
        return str_equal(session->login, session->principal.name) ? STR_NONE : session->login;
}

static Status load_login(Session *session, Arena *arena, Account *out, Error *err) {
        Catalog *catalog = session->thread->lake->catalog;
        Status status = session->token.size > 0 ? token_holds(catalog, session->token, time_now_us(), err) : STATUS_OK;
        if (status == STATUS_OK)
                status = account_load(catalog, session->login, arena, out, err);
        if (status == STATUS_NOT_FOUND || status == STATUS_LOGIN || (status == STATUS_OK && out->locked))
                return session_refuse(session, "28000", STATUS_LOGIN, err, "this login was withdrawn");
        return status;
}

Str session_answerable(const Session *session) {
        return session->within ? session->login : session->principal.name;
}

/* Owners of zones look at these with the eyes of others, but for administrators': these see everything, as everybody knows. */
static Status may_look_as(Session *session, const Account *login, const Account *other, bool *out, Error *err) {
        const Grants *grants;
        TRY(grants_now(session->thread->grants, session->thread->lake->catalog, &grants, err));
        *out = !other->is_admin && grants_owns(grants, login);
        return STATUS_OK;
}

/* The same for one that there is not and one that it may not be: who there is, is not for it to know. */
static Status load_other(Session *session, const Account *login, Str name, Arena *arena, Account *out, const Account **out_within, Error *err) {
        Status status = account_load(session->thread->lake->catalog, name, arena, out, err);
        if (status != STATUS_OK && status != STATUS_NOT_FOUND)
                return status;
        bool is_there = status == STATUS_OK && !out->locked, looks = false;
        if (is_there && account_may_act_as(login, out))
                return STATUS_OK;
        if (is_there)
                TRY(may_look_as(session, login, out, &looks, err));
        *out_within = looks ? login : NULL;
        if (looks)
                return STATUS_OK;
        session_refuse(session, "42501", STATUS_DENIED, err, "permission denied to set role \"%.*s\"", STR_ARG(name));
        return error_hint(err, "whose place it may take is said by lode user set %.*s --may-act-as WHO", STR_ARG(session->login));
}

Status session_may_act_as(Session *session, Str name, Arena *arena, Error *err) {
        Account login, other;
        const Account *within = NULL;
        TRY(load_login(session, arena, &login, err));
        return load_other(session, &login, name, arena, &other, &within, err);
}

Str session_stands_for(const Session *session) {
        Str role = settings_get(session->settings, STR("role")), authorization = settings_get(session->settings, STR("session_authorization"));
        if (role.size > 0 && !str_is(role, "none"))
                return role;
        return authorization.size > 0 ? authorization : session->login;
}

static Str keep_name(Session *session, Str name) {
        ActedAs *known = session->acted_as;
        while (known && !str_equal(known->name, name))
                known = known->next;
        if (known)
                return known->name;
        known = ARENA_NEW(&session->arena, ActedAs);
        *known = (ActedAs){ .next = session->acted_as, .name = arena_str(&session->arena, name) };
        session->acted_as = known;
        return session->acted_as->name;
}

Str session_worker_name(Session *session) {
        Str chosen = session_stands_for(session);
        CLEANUP(buf_deinit) Buf both = { 0 };
        if (str_equal(chosen, session->login))
                return session->login;
        buf_printf(&both, "%.*s as %.*s", STR_ARG(session->login), STR_ARG(chosen)); /* no name has a blank in it */
        return keep_name(session, buf_view(&both));
}

static Status load_accounts(Session *session, Arena *arena, Account *out, const Account **out_within, Error *err) {
        Str chosen = keep_name(session, session_stands_for(session));
        Account *login = ARENA_NEW(arena, Account);
        *out_within = NULL;
        TRY(load_login(session, arena, login, err));
        *out = *login;
        return str_equal(chosen, session->login) ? STATUS_OK : load_other(session, login, chosen, arena, out, out_within, err);
}

/* Nothing was written since they were asked for. A token also ends by time. */
static bool knows_accounts(const Session *session, const GrantCache *cache) {
        return session->asked_by == cache && session->asked_at == cache->generation && session->token.size == 0 &&
               str_equal(session->asked_for, session_stands_for(session));
}

static Status refresh_accounts(Session *session, Error *err) {
        const GrantCache *cache = session->thread->grants;
        Account account;
        const Account *within;
        Arena arena = { 0 };
        if (knows_accounts(session, cache))
                return STATUS_OK;
        session->asked_by = NULL;
        int64_t generation = cache->generation; /* what is asked for now is of then or newer */
        Status status = load_accounts(session, &arena, &account, &within, err);
        if (status != STATUS_OK)
                arena_deinit(&arena);
        TRY(status);
        arena_deinit(&session->account_arena);
        session->account_arena = arena;
        account.name = keep_name(session, account.name);
        session->account = account;
        session->within = within;
        session->principal = (Principal){ .name = account.name, .administrator = account.is_admin, .auditor = account.is_auditor && !within };
        session->asked_for = keep_name(session, session_stands_for(session));
        session->asked_at = generation;
        session->asked_by = cache;
        return STATUS_OK;
}

Status session_refresh(Session *session, Error *err) {
        Catalog *catalog = session->thread->lake->catalog;
        TRY(grants_now(session->thread->grants, catalog, &session->grants, err));
        TRY(refresh_accounts(session, err));
        session->grants = session->thread->grants->grants; /* which may have been loaded again on the way */
        const Account *within = session->within;
        session->viewer = (Viewer){ session->grants, &session->account, within, &session->thread->grants->trees, session_worker_name(session) };
        session->sight = viewer_sight(&session->viewer);
        return limits_at(session->thread->limits, catalog, session->thread->grants->generation, within ? within : &session->account, &session->limits, err);
}

/* In a transaction that failed only its end is heard. */
static Status check_transaction(Session *session, const Command *command, Error *err) {
        bool ends = command->kind == COMMAND_COMMIT || command->kind == COMMAND_ROLLBACK || command->kind == COMMAND_ROLLBACK_TO ||
                    command->kind == COMMAND_EMPTY;
        if (session->transaction != TRANSACTION_FAILED || ends)
                return STATUS_OK;
        return session_refuse(session, "25P02", STATUS_SQL_REFUSED, err, ABORTED_WORDS);
}

/* ---- simple queries ---- */

/* Whether it may be run again, for rows that are left of it or for none. */
static bool goes_on(const Command *command) {
        return command->kind == COMMAND_EXECUTE || command->kind == COMMAND_EMPTY || command->kind == COMMAND_SHOW ||
               command->kind == COMMAND_EXPLAIN || (command->kind == COMMAND_FETCH && !command->move);
}

Status session_run_portal(Session *session, Portal *portal, int64_t most, Error *err) {
        const Command *command = &portal->prepared->command;
        bool asks = command->kind == COMMAND_QUERY || portal->is_cursor;
        if (portal->failed || (!asks && portal->has_run && !goes_on(command)))
                return session_refuse(session, "55000", STATUS_SQL_REFUSED, err, "this portal cannot be run again");
        portal->has_run = true;
        portal->running = true;
        portal->most = most;
        Status status = asks ? portal_run(session, portal, most, err) : perform(session, portal, err);
        portal->running = false;
        portal->failed |= status != STATUS_OK;
        if (portal->doomed)
                portal_free(session, portal);
        return status;
}

static Status run_simple(Session *session, Str sql, const Command *command, Error *err) {
        Prepared *prepared;
        TRY(check_transaction(session, command, err));
        TRY(prepared_make_at_once(session, sql, command, &prepared, err));
        Status status = STATUS_OK;
        if (prepared->type_count > 0) {
                status = session_refuse(session, "42P02", STATUS_SQL_SYNTAX, err, "there is no parameter $1");
        } else {
                Portal *portal = portal_new(prepared); /* in no list: only we can free it */
                const Portal *cursor = command->kind == COMMAND_FETCH ? session_find_portal(session, command->name) : NULL;
                if (cursor && cursor->prepared->command.binary)
                        for (size_t i = 0; i < prepared->column_count; i++)
                                portal->formats[i] = 1;
                portal->columns_ahead = prepared->at_once || command->kind == COMMAND_FETCH || command->kind == COMMAND_EXECUTE;
                if (prepared->has_rows && !portal->columns_ahead)
                        portal_reply_columns(session, portal);
                status = session_run_portal(session, portal, 0, err);
                portal_free(session, portal);
        }
        prepared_release(prepared);
        return status;
}

/* Where an error's place counts from: the statement's own text, or that of the question inside. */
static size_t text_offset(const Command *command) {
        return command->inner.data ? command->inner_offset : 0;
}

/* All are read before any runs, as PostgreSQL parses the whole text first. */
static Status run_all(Session *session, Str sql, Arena *arena, size_t *out_offset, Error *err) {
        Command *commands;
        size_t count;
        Status status = commands_split(sql, arena, &commands, &count, err);
        for (size_t i = 0; status == STATUS_OK && i < count; i++)
                status = command_read(sql, &commands[i], arena, err);
        if (status != STATUS_OK)
                session_tell_unread(session, sql);
        TRY(status);
        if (count == 0)
                reply_mark(&session->out, REPLY_EMPTY_QUERY);
        session->is_one_of |= count > 1;
        for (size_t i = 0; i < count; i++) {
                if (session->transaction == TRANSACTION_NONE)
                        session_begin(session, TRANSACTION_IMPLICIT);
                *out_offset = text_offset(&commands[i]);
                if (i > 0)
                        session->began_us = time_monotonic_us(); /* each has its own */
                TRY(run_simple(session, sql, &commands[i], err));
        }
        return STATUS_OK;
}

/* refused: why it is not even tried, or OK. */
static void handle_query(Session *session, const WireMessage *message, const Error *refused) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        Error err = *refused;
        size_t offset = 0;
        session_drop_statement(session, STR(""));
        session_drop_portal(session, STR(""));
        Status status = refused->status;
        if (status == STATUS_OK)
                status = utf8_valid(message->sql)
                                 ? run_all(session, message->sql, &arena, &offset, &err)
                                 : session_refuse(session, "22021", STATUS_BAD_VALUE, &err, "invalid byte sequence for encoding \"UTF8\"");
        if (status != STATUS_OK) {
                fail_transaction(session);
                session_reply_error(session, &err, message->sql, offset);
        }
        if (session->transaction == TRANSACTION_IMPLICIT)
                session_end_transaction(session, status == STATUS_OK);
        ready(session);
}

/* PostgreSQL's clients have called none for twenty years, but one that does is answered. */
static void handle_function(Session *session) {
        Error err;
        bool failed = session->transaction == TRANSACTION_FAILED;
        if (failed)
                session_refuse(session, "25P02", STATUS_SQL_REFUSED, &err, ABORTED_WORDS);
        else
                session_refuse(session, "0A000", STATUS_SQL_REFUSED, &err, "calls of functions by message are not supported");
        fail_transaction(session);
        session_reply_error(session, &err, STR_NONE, 0);
        if (session->transaction == TRANSACTION_IMPLICIT)
                session_end_transaction(session, false);
        ready(session);
}

/* ---- extended queries ---- */

static Status parse(Session *session, const WireMessage *message, size_t *out_offset, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        Command *commands, empty = { 0 };
        size_t count;
        if (!utf8_valid(message->sql))
                return session_refuse(session, "22021", STATUS_BAD_VALUE, err, "invalid byte sequence for encoding \"UTF8\"");
        Status status = commands_split(message->sql, &arena, &commands, &count, err);
        if (status == STATUS_OK && count == 1)
                status = command_read(message->sql, commands, &arena, err);
        if (status != STATUS_OK)
                session_tell_unread(session, message->sql);
        TRY(status);
        if (count > 1)
                return session_refuse(session, "42601", STATUS_SQL_SYNTAX, err, "cannot insert multiple commands into a prepared statement");
        if (message->name.size > 0 && session_find_statement(session, message->name))
                return session_refuse(session, "42P05", STATUS_EXISTS, err, "prepared statement \"%.*s\" already exists", STR_ARG(message->name));
        Command *command = count > 0 ? commands : &empty;
        *out_offset = text_offset(command);
        TRY(check_transaction(session, command, err));
        Prepared *prepared;
        TRY(prepared_make(session, message->sql, command, message->types, message->type_count, &prepared, err));
        TRY(session_keep_statement(session, message->name, prepared, err));
        reply_mark(&session->out, REPLY_PARSED);
        return STATUS_OK;
}

Status session_no_statement(Session *session, Str name, Error *err) {
        if (name.size == 0)
                return session_refuse(session, "26000", STATUS_NOT_FOUND, err, "unnamed prepared statement does not exist");
        return session_refuse(session, "26000", STATUS_NOT_FOUND, err, "prepared statement \"%.*s\" does not exist", STR_ARG(name));
}

static Status check_format(Session *session, uint16_t format, Error *err) {
        if (format <= 1)
                return STATUS_OK;
        return session_refuse(session, "22023", STATUS_BAD_VALUE, err, "unsupported format code: %u", format);
}

static Status bind_values(Session *session, const WireMessage *message, Portal *portal, Error *err) {
        const Prepared *prepared = portal->prepared;
        if (message->parameter_count != prepared->type_count)
                return session_refuse(session, "08P01", STATUS_PROTOCOL, err, "bind message supplies %zu parameters, but prepared statement requires %zu",
                                      message->parameter_count, prepared->type_count);
        if (message->parameter_formats.count > 1 && message->parameter_formats.count != message->parameter_count)
                return session_refuse(session, "08P01", STATUS_PROTOCOL, err, "bind message has %zu parameter formats but %zu parameters",
                                      message->parameter_formats.count, message->parameter_count);
        if (prepared->has_rows && message->result_formats.count > 1 && message->result_formats.count != prepared->column_count)
                return session_refuse(session, "08P01", STATUS_PROTOCOL, err, "bind message has %zu result formats but query has %zu columns",
                                      message->result_formats.count, prepared->column_count);
        portal->values = ARENA_ARRAY(&portal->arena, SqlValue, prepared->type_count);
        for (size_t i = 0; i < prepared->type_count; i++) {
                uint16_t format = wire_format(&message->parameter_formats, i);
                TRY(check_format(session, format, err));
                Status status = parameter_read(i + 1, prepared->types[i], format, &message->parameters[i], &portal->arena, &portal->values[i], err);
                if (status != STATUS_OK) {
                        bool text = utf8_valid(message->parameters[i].bytes);
                        session->sqlstate = status == STATUS_LIMIT ? "22003" : format == 1 ? "22P03" : text ? "22P02" : "22021";
                        return status;
                }
        }
        for (size_t i = 0; prepared->has_rows && i < prepared->column_count; i++)
                portal->formats[i] = wire_format(&message->result_formats, i);
        return STATUS_OK;
}

/* A new one under its name: portals of the old keep what they were bound to. */
static Status prepare_again(Session *session, Str name, Prepared **prepared, Error *err) {
        Prepared *made;
        TRY(prepared_make(session, (*prepared)->sql, &(*prepared)->command, NULL, 0, &made, err));
        TRY(session_keep_statement(session, name, made, err));
        *prepared = made;
        return STATUS_OK;
}

static Status bind(Session *session, const WireMessage *message, Error *err) {
        Prepared *prepared = session_find_statement(session, message->name);
        if (!prepared)
                return session_no_statement(session, message->name, err);
        TRY(check_transaction(session, &prepared->command, err));
        if (session->transaction == TRANSACTION_FAILED && prepared->command.kind == COMMAND_EMPTY)
                return session_refuse(session, "25P02", STATUS_SQL_REFUSED, err, ABORTED_WORDS);
        if (message->portal.size > 0 && session_find_portal(session, message->portal))
                return session_refuse(session, "42P03", STATUS_EXISTS, err, "cursor \"%.*s\" already exists", STR_ARG(message->portal));
        if (perform_is_outdated(session, prepared))
                TRY(prepare_again(session, message->name, &prepared, err));
        Portal *portal = portal_new(prepared);
        Status status = bind_values(session, message, portal, err);
        if (status != STATUS_OK) {
                portal_free(session, portal);
                return status;
        }
        TRY(session_keep_portal(session, message->portal, portal, err));
        reply_mark(&session->out, REPLY_BOUND);
        return STATUS_OK;
}

/* To a client that asks what a parameter is, what nobody knows is text. */
static void reply_types(Session *session, const Prepared *prepared, Arena *arena) {
        uint32_t *types = ARENA_ARRAY(arena, uint32_t, prepared->type_count);
        for (size_t i = 0; i < prepared->type_count; i++)
                types[i] = prepared->types[i] ? prepared->types[i] : 25;
        reply_parameters(&session->out, types, prepared->type_count);
}

static Status check_described(Session *session, const Prepared *prepared, Error *err) {
        if (session->transaction != TRANSACTION_FAILED || !prepared->has_rows)
                return STATUS_OK;
        return session_refuse(session, "25P02", STATUS_SQL_REFUSED, err, ABORTED_WORDS);
}

static Status describe(Session *session, const WireMessage *message, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        if (message->is_portal) {
                Portal *portal = session_find_portal(session, message->name);
                if (!portal)
                        return session_refuse(session, "34000", STATUS_NOT_FOUND, err, "portal \"%.*s\" does not exist", STR_ARG(message->name));
                TRY(check_described(session, portal->prepared, err));
                if (portal->prepared->has_rows || portal->is_cursor)
                        portal_reply_columns(session, portal);
                else
                        reply_mark(&session->out, REPLY_NO_DATA);
                return STATUS_OK;
        }
        Prepared *prepared = session_find_statement(session, message->name);
        if (!prepared)
                return session_no_statement(session, message->name, err);
        TRY(check_described(session, prepared, err));
        reply_types(session, prepared, &arena);
        if (prepared->has_rows)
                reply_columns(&session->out, prepared->columns, prepared->column_count);
        else
                reply_mark(&session->out, REPLY_NO_DATA);
        return STATUS_OK;
}

static Status execute(Session *session, const WireMessage *message, size_t *out_offset, Error *err) {
        Portal *portal = session_find_portal(session, message->name);
        if (!portal)
                return session_refuse(session, "34000", STATUS_NOT_FOUND, err, "portal \"%.*s\" does not exist", STR_ARG(message->name));
        *out_offset = text_offset(&portal->prepared->command);
        TRY(check_transaction(session, &portal->prepared->command, err));
        for (size_t i = 0; i < portal->prepared->column_count; i++)
                TRY(check_format(session, portal->formats[i], err));
        Status status = session_run_portal(session, portal, message->rows > 0 ? message->rows : 0, err);
        session->is_one_of |= session->transaction == TRANSACTION_IMPLICIT;
        return status;
}

static Status close_named(Session *session, const WireMessage *message) {
        if (message->is_portal)
                session_drop_portal(session, message->name);
        else
                session_drop_statement(session, message->name);
        reply_mark(&session->out, REPLY_CLOSED); /* also of what was not there */
        return STATUS_OK;
}

static Str text_of(Session *session, const WireMessage *message) {
        if (message->type == WIRE_PARSE)
                return message->sql;
        Portal *portal = message->type == WIRE_EXECUTE ? session_find_portal(session, message->name) : NULL;
        return portal ? portal->prepared->sql : STR_NONE;
}

static Status extended(Session *session, const WireMessage *message, size_t *out_offset, Error *err) {
        if (session->transaction == TRANSACTION_NONE)
                session_begin(session, TRANSACTION_IMPLICIT);
        switch (message->type) {
        case WIRE_PARSE:
                return parse(session, message, out_offset, err);
        case WIRE_BIND:
                return bind(session, message, err);
        case WIRE_DESCRIBE:
                return describe(session, message, err);
        case WIRE_EXECUTE:
                return execute(session, message, out_offset, err);
        default:
                return close_named(session, message);
        }
}

/* An error is sent at once, not with the Sync: clients wait for it. */
static void handle_extended(Session *session, const WireMessage *message, const Error *refused) {
        Error err = *refused, ignored;
        size_t offset = 0;
        if (session->skipping || (refused->status == STATUS_OK && extended(session, message, &offset, &err) == STATUS_OK))
                return;
        session->skipping = true;
        fail_transaction(session);
        session_reply_error(session, &err, text_of(session, message), offset);
        (void)session_flush(session, &ignored);
}

static void handle_sync(Session *session, const Error *refused) {
        if (refused->status != STATUS_OK) {
                session->skipping = true;
                fail_transaction(session);
                session_reply_error(session, refused, STR_NONE, 0);
        }
        if (session->transaction == TRANSACTION_IMPLICIT)
                session_end_transaction(session, !session->skipping);
        session->skipping = false;
        ready(session);
}

/* ---- the stream of messages ---- */

/* Whether it may need a worker; told by its first words alone. */
static bool wants_worker(Session *session, const WireMessage *message) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        Error ignored;
        Command *commands;
        size_t count;
        if (message->type == WIRE_EXECUTE) {
                Portal *portal = session_find_portal(session, message->name);
                return portal && portal->state != PORTAL_DONE && command_wants_worker(&portal->prepared->command);
        }
        if (message->type != WIRE_QUERY && message->type != WIRE_PARSE)
                return false;
        if (session->skipping || commands_split(message->sql, &arena, &commands, &count, &ignored) != STATUS_OK)
                return false;
        for (size_t i = 0; i < count; i++)
                if (command_read(message->sql, &commands[i], &arena, &ignored) == STATUS_OK && command_wants_worker(&commands[i]))
                        return true;
        return false;
}

static void handle(Session *session, const WireMessage *message, const Error *refused) {
        switch (message->type) {
        case WIRE_QUERY:
                if (!session->skipping)
                        handle_query(session, message, refused);
                break;
        case WIRE_PARSE:
        case WIRE_BIND:
        case WIRE_DESCRIBE:
        case WIRE_EXECUTE:
        case WIRE_CLOSE:
                handle_extended(session, message, refused);
                break;
        case WIRE_SYNC:
                handle_sync(session, refused);
                break;
        case WIRE_FLUSH:
                if (refused->status != STATUS_OK)
                        handle_extended(session, message, refused);
                break;
        case WIRE_COPY_DATA: /* left over from a COPY that failed: PostgreSQL drops them too */
        case WIRE_COPY_DONE:
        case WIRE_COPY_FAIL:
                break;
        case WIRE_TERMINATE:
                session->stage = STAGE_ENDED;
                break;
        case WIRE_PASSWORD:
                fatal(session, "08P01", "a password where nobody asked for one");
                break;
        case WIRE_FUNCTION:
                if (!session->skipping)
                        handle_function(session);
                break;
        }
}

Str session_waiting(const Session *session) {
        return str_slice(buf_view(&session->in), session->in_taken, session->in.size);
}

void session_take(Session *session, size_t size) {
        session->in_taken += size;
        if (session->in_taken < session->in.size)
                return;
        buf_clear(&session->in);
        session->in_taken = 0;
        if (session->in.capacity > 4 * READ_SIZE)
                buf_deinit(&session->in);
}

/* ---- places in line ---- */

#define SYSTEM_TEXT_MOST 20000 /* bytes of a statement that asks the catalogue */

/* Names of relations and functions that read nobody's data; pg_sleep() is as long as it says. */
static bool names_catalogue(Str text) {
        static const Str words[] = { { "information_schema", 18 }, { "lode.", 5 } };
        for (size_t i = 0; i < COUNT_OF(words); i++)
                if (str_find(text, words[i]) < text.size)
                        return true;
        for (size_t at; (at = str_find(text, STR("pg_"))) < text.size; text = str_slice(text, at + 3, text.size))
                if (!str_starts_with(str_slice(text, at, text.size), STR("pg_sleep")))
                        return true;
        return false;
}

/* Whether it seems to ask the catalogue only: told by words. What is taken for it by mistake waits less behind its own
 * principal's statements, and nothing else. */
static Lane lane_of(Session *session, const WireMessage *message) {
        Str text = message->type == WIRE_QUERY ? message->sql : text_of(session, message);
        return text.size <= SYSTEM_TEXT_MOST && names_catalogue(text) ? LANE_SYSTEM : LANE_QUESTIONS;
}

Status session_reserve(Session *session, Lane lane, Error *err) {
        if (session->turned_away) {
                bool timed_out = session->timed_out;
                session->turned_away = session->timed_out = false;
                if (!timed_out)
                        return session_refuse(session, "57014", STATUS_INTERRUPTED, err, CANCELLED_WORDS);
                error_set(err, STATUS_TIMEOUT, "the statement waited in line for longer than it may take");
                return error_hint(err, "fewer at a time, or a longer statement_timeout");
        }
        if (session->is_in)
                TRY(limits_now(session->thread->limits, session->thread->lake->catalog, session->within ? session->within : &session->account, &session->limits, err));
        return admission_reserve(session->host->admission, &session->ticket, session->party, lane, &session->limits, err);
}

/* Whether it must wait for a thread that may hold a worker, or let others have this one between two statements. */
static bool must_wait(Session *session, const WireMessage *message) {
        bool begins = message->type == WIRE_QUERY || message->type == WIRE_PARSE || message->type == WIRE_BIND;
        if (session->skipping)
                return false;
        if (!session->thread->has_worker)
                return wants_worker(session, message);
        return begins && session->answered > 0 && admission_wanted(session->host->admission, &session->ticket);
}

/* ---- */

/* What it makes the server keep. */
static Status weigh(Session *session, Error *err) {
        size_t bytes = session->in.capacity + session->statement_count * PREPARED_WEIGHT;
        return admission_weigh(session->host->admission, session->party, &session->weight, bytes, err);
}

/* One message; false: it is not whole yet, or it waits for a worker. */
static bool session_step(Session *session, SessionWant *out_want) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        Error err = { 0 };
        WireMessage message;
        size_t size;
        *out_want = SESSION_WANTS_BYTES;
        Status status = wire_frame(WIRE_STAGE_SESSION, session_waiting(session), &size, &err);
        session_busy(session, status == STATUS_OK && size > 0);
        if (status == STATUS_OK && size == 0)
                return false;
        if (status == STATUS_OK)
                status = wire_message_read(str_slice(session_waiting(session), 0, size), &arena, &message, &err);
        if (status != STATUS_OK) {
                fatal(session, status_sqlstate(status), err.message);
                return true;
        }
        if (session->began_us == 0)
                session->began_us = time_monotonic_us();
        if (message.broken)
                error_set(&err, STATUS_PROTOCOL, "a message %s whose parts do not fill it", message.broken);
        else if (must_wait(session, &message) && (session->thread->has_worker || session_reserve(session, lane_of(session, &message), &err) == STATUS_OK)) {
                session_show(session, SESSION_WAITING, message.type == WIRE_QUERY ? message.sql : text_of(session, &message));
                *out_want = SESSION_WANTS_WORKER;
                return false;
        }
        bool runs = message.type == WIRE_QUERY || message.type == WIRE_EXECUTE;
        session->answered += runs;
        session->statement_total += runs;
        if (runs || message.type == WIRE_PARSE)
                session_show(session, SESSION_ACTIVE, message.type == WIRE_QUERY ? message.sql : text_of(session, &message));
        handle(session, &message, &err);
        if (runs || message.type == WIRE_SYNC) /* as PostgreSQL has it */
                session->began_us = 0;
        bool flush = message.type == WIRE_FLUSH || message.type == WIRE_SYNC || message.type == WIRE_QUERY || message.type == WIRE_FUNCTION;
        session_take(session, size);
        if (message.type == WIRE_SYNC || message.type == WIRE_QUERY)
                session_busy(session, false);
        if (flush && session_flush(session, &err) != STATUS_OK)
                session->stage = STAGE_ENDED;
        return true;
}

TransportGot session_read_more(Session *session) {
        Str left = session_waiting(session);
        if (session->in_taken > 0 && left.size > 0)
                memmove(session->in.data, left.data, left.size);
        session->in.size = left.size;
        session->in_taken = 0;
        return transport_read(&session->transport, &session->in, READ_SIZE);
}

static int64_t shorter(int64_t a, int64_t b) {
        return a == 0 ? b : b == 0 || a < b ? a : b;
}

int64_t session_time(const Session *session, const char *setting, LimitKind kind) {
        int64_t own = 0, limit = session->limits.value[kind];
        setting_duration(settings_get(session->settings, str_of(setting)), &own);
        return shorter(own, limit == LIMIT_NONE ? 0 : limit);
}

int64_t session_began(const Session *session) {
        return session->began_us ? session->began_us : time_monotonic_us();
}

static bool in_transaction(const Session *session) {
        return session->transaction == TRANSACTION_BLOCK || session->transaction == TRANSACTION_FAILED;
}

static int64_t idle_time(const Session *session) {
        return in_transaction(session) ? session_time(session, "idle_in_transaction_session_timeout", LIMIT_IDLE_TRANSACTION_TIME)
                                       : session_time(session, "idle_session_timeout", LIMIT_IDLE_TIME);
}

static int64_t next_deadline(const Session *session) {
        if (session->out.size > 0)
                return time_monotonic_us() + session->host->patience_us;
        if (session->stage != STAGE_READY)
                return session->expects_us ? session->expects_us : session->deadline_us;
        int64_t us = idle_time(session);
        return us > 0 ? time_monotonic_us() + us : 0;
}

/* Which limit it was, where it is written, and what to do. */
static void tell_idle(Session *session) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        bool inside = in_transaction(session);
        LimitKind kind = inside ? LIMIT_IDLE_TRANSACTION_TIME : LIMIT_IDLE_TIME;
        int64_t us = idle_time(session);
        bool limit = us == session->limits.value[kind];
        Str words = arena_strf(&arena, "terminating connection due to %s timeout: %.1f s (%.*s)", inside ? "idle-in-transaction" : "idle-session", (double)us / 1e6,
                               STR_ARG(limit ? limit_place(&session->limits, kind, &arena) : arena_strf(&arena, "SET %s of this session", limit_name(kind))));
        fatal(session, inside ? "25P03" : "57P05", arena_cstr(&arena, words));
}

void session_drop(Session *session, const char *sqlstate, const char *words) {
        if (!session->http)
                fatal(session, sqlstate, words);
}

SessionWant session_expire(Session *session, const SessionThread *thread) {
        if (session->expects_us) {
                session->expects_us = 0;
                return session_run(session, thread);
        }
        session->thread = thread;
        if (session->http)
                http_expire(session);
        else
        if (session->stage != STAGE_READY)
                fatal(session, "08P01", "the login took too long");
        else if (session->out.size == 0)
                tell_idle(session);
        session->stage = STAGE_ENDED;
        drop_portals(session);
        session->thread = NULL;
        return SESSION_ENDED;
}

/* The very first byte tells TLS from everything else, and must stay for it. */
static bool must_peek(const Session *session) {
        return session->stage == STAGE_STARTUP && !session->transport.tls && session->in.size == session->in_taken;
}

bool session_is_clogged(Session *session) {
        Error ignored;
        if (session->out.size > 0 && session_flush(session, &ignored) != STATUS_OK)
                session->stage = STAGE_ENDED;
        return session->stage != STAGE_ENDED && session->out.size > 0;
}

/* Steps until nothing is left to do, or others should have a turn. */
static SessionWant run(Session *session) {
        SessionWant want = SESSION_WANTS_BYTES;
        int64_t began = time_monotonic_us();
        size_t steps = 0;
        while (session->stage != STAGE_ENDED) {
                if (!session->thread->has_worker) {
                        if (session->out.size >= FLUSH_SIZE && session_is_clogged(session))
                                return SESSION_WANTS_OUT;
                        if (steps++ == STEPS_OF_TURN || time_monotonic_us() - began > TURN_US)
                                return SESSION_WANTS_TURN;
                }
                if (atomic_load(&session->stopped)) {
                        fatal(session, "57P01", STOPPED_WORDS);
                        break;
                }
                bool stepped = session->stage == STAGE_READY ? session_step(session, &want) : login_step(session, &want);
                if (stepped)
                        continue;
                if (want != SESSION_WANTS_BYTES)
                        return want;
                if (session->transport.is_shaking)
                        return want;
                int first = must_peek(session) ? transport_peek(&session->transport) : 0;
                if (first < 0 && !session->transport.ended)
                        return SESSION_WANTS_BYTES;
                if (first == TLS_FIRST_BYTE && session->host->tls)
                        continue;
                TransportGot got = session_read_more(session);
                if (got == TRANSPORT_NOTHING)
                        return session_is_clogged(session) ? SESSION_WANTS_OUT : SESSION_WANTS_BYTES;
                if (got == TRANSPORT_WANTS_OUT)
                        return SESSION_WANTS_OUT;
                if (got == TRANSPORT_ENDED)
                        break;
                Error err;
                if (weigh(session, &err) != STATUS_OK)
                        fatal(session, status_sqlstate(err.status), err.message);
        }
        return SESSION_ENDED;
}

/* Where a thread leaves it. */
static void show_state(Session *session, SessionWant want) {
        bool inside = in_transaction(session), in = session->http ? session->is_in : session->stage == STAGE_READY;
        if (in && want != SESSION_WANTS_WORKER && want != SESSION_WANTS_TURN)
                session_show(session, !inside ? SESSION_IDLE : session->transaction == TRANSACTION_FAILED ? SESSION_FAILED : SESSION_IN_TRANSACTION, STR_NONE);
}

SessionWant session_run(Session *session, const SessionThread *thread) {
        session->thread = thread;
        session->answered = 0;
        SessionWant want = session->transport.ended ? SESSION_ENDED : session->http ? http_run(session) : run(session);
        if (want == SESSION_ENDED)
                drop_portals(session); /* here, where somebody may wait for their workers */
        show_state(session, want);
        session->thread = NULL;
        if (!session->http || want == SESSION_WANTS_OUT)
                session->deadline_us = next_deadline(session);
        return want;
}
