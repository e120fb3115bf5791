/* SPDX-License-Identifier: Apache-2.0 */
/* From the first byte to ReadyForQuery: encryption, start-up packet, login. */
#include <inttypes.h>

#include "base/time.h"
#include "server/session_parts.h"

#define OUR_MINOR 2         /* protocol 3.2: longer cancel keys */

static void refuse(Session *session, const char *sqlstate, const char *words, const char *hint) {
        Error ignored;
        reply_error(&session->out, &(ReplyError){ .severity = REPLY_FATAL, .sqlstate = str_of(sqlstate), .message = str_of(words), .hint = str_of(hint) });
        (void)session_flush(session, &ignored);
        session->stage = STAGE_ENDED;
}

static void refuse_error(Session *session, const Error *err) {
        if (session_hides(session, err))
                refuse(session, error_state(err), "the store cannot answer this now", "try again later");
        else
                refuse(session, session->sqlstate ? session->sqlstate : error_state(err), err->message, err->hint);
}

/* ---- encryption ---- */

static bool begin_tls(Session *session) {
        transport_begin_tls(&session->transport, session->host->tls);
        session->stage = STAGE_HANDSHAKE;
        return true;
}

static void answer_request(Session *session, bool yes) {
        Error ignored;
        buf_append_byte(&session->out, yes ? 'S' : 'N');
        (void)session_flush(session, &ignored);
}

/* What a client sent in clear behind its request would be taken for what came encrypted (CVE-2021-23214). */
static void request_tls(Session *session) {
        bool can = session->host->tls && !session->transport.tls;
        if (can && session->in_taken < session->in.size) {
                refuse(session, "08P01", "something in clear behind a request for encryption", "");
                return;
        }
        answer_request(session, can);
        if (can)
                begin_tls(session);
}

static bool shake(Session *session, SessionWant *out_want) {
        TransportGot got = transport_shake(&session->transport);
        *out_want = got == TRANSPORT_WANTS_OUT ? SESSION_WANTS_OUT : SESSION_WANTS_BYTES;
        bool strange = got == TRANSPORT_DATA && session->is_direct && !transport_has_protocol(&session->transport); /* maybe a browser, led here */
        if (got == TRANSPORT_ENDED || strange)
                session->stage = STAGE_ENDED;
        else if (got == TRANSPORT_DATA)
                session->stage = STAGE_STARTUP;
        return got == TRANSPORT_ENDED || got == TRANSPORT_DATA;
}

/* ---- who it is ---- */

static Status no_login(Error *err) {
        return error_set(err, STATUS_LOGIN, "the password is wrong, or there is no such user");
}

/* detail: where from, and how often in a row, of those that failed. They are many when somebody guesses: made durable with others. */
Status login_audit(Session *session, Str user, Str detail, bool denied, Error *err) {
        static const MetricsCounter counters[2][2] = { { METRICS_PG_LOGINS, METRICS_PG_LOGINS_FAILED }, { METRICS_HTTP_LOGINS, METRICS_HTTP_LOGINS_FAILED } };
        AuditRecord record = { .principal = user, .via = session_via(session), .action = STR("login"), .rows = -1, .bytes = -1, .denied = denied, .statement = detail };
        metrics_add(session->host->metrics, counters[session->http != NULL][denied], 1);
        return session->host->audit(session->host->context, &record, false, err); /* what it asks is no more durable, and disks stall */
}

Status login_enter(Session *session, Error *err) {
        Account *account = &session->account;
        Str name = account->name;
        Status status = account_load(session->thread->lake->catalog, name, &session->arena, account, err);
        if (status == STATUS_NOT_FOUND || (status == STATUS_OK && account->locked))
                return no_login(err);
        TRY(status);
        session->login = account->name;
        session->asked_by = NULL;
        session->within = NULL;
        session->principal = (Principal){ .name = account->name, .administrator = account->is_admin, .auditor = account->is_auditor };
        TRY(session_choose_database(session, err));
        return session_check_start(session, err);
}

/* A connection more of this principal. */
static Status join(Session *session, Error *err) {
        TRY(login_enter(session, err));
        TRY(session_join(session, err));
        return login_audit(session, session->account.name, STR(""), false, err);
}

static void welcome(Session *session) {
        Error err = { 0 }, ignored;
        backoff_succeeded(session->host->backoff, str_of(session->peer.network), session->user);
        if (join(session, &err) != STATUS_OK) {
                (void)login_audit(session, session->account.name, str_of(err.message), true, &ignored);
                refuse_error(session, &err);
                return;
        }
        if (settings_get(session->settings, STR("session_authorization")).size == 0) /* said with the connection */
                settings_begin_with(session->settings, STR("session_authorization"), session->account.name);
        settings_begin_with(session->settings, STR("is_superuser"), session->account.is_admin ? STR("on") : STR("off"));
        reply_login_ok(&session->out);
        session_report_settings(session);
        if (session->other_encoding)
                session_warn(session, "22023", "texts come in UTF8, not in the encoding that was asked for: set that of the terminal to it (Windows: chcp 65001)");
        reply_cancel_key(&session->out, session->process, (Str){ session->key, session->key_size });
        reply_ready(&session->out, REPLY_IDLE);
        session->stage = STAGE_READY;
        session->deadline_us = 0;
        session_show(session, SESSION_IDLE, STR(""));
        (void)session_flush(session, &err);
}

static void denied(Session *session, const Error *why) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        Error err = *why, ignored;
        int count;
        backoff_failed(session->host->backoff, str_of(session->peer.network), session->user, time_monotonic_us(), &count);
        Str detail = arena_strf(&arena, "from %s, failure %d in a row%s", session->peer.address, count, session->delayed ? ", delayed" : "");
        (void)login_audit(session, session->account.name, detail, true, &ignored);
        refuse_error(session, &err);
}

/* What proves who it is waits for as long as those who failed before it have earned; everything else goes on. */
static bool must_delay(Session *session, SessionWant *out_want) {
        int64_t now = time_monotonic_us();
        if (session->expects_us > now) {
                session->stage = STAGE_ENDED; /* nothing but its hanging up wakes it before its time */
                return false;
        }
        if (session->delayed || (session->stage != STAGE_SASL_FINAL && session->stage != STAGE_TOKEN))
                return false;
        int64_t until = backoff_until(session->host->backoff, str_of(session->peer.network), session->user, now);
        if (until <= now)
                return false;
        session->delayed = true;
        session->expects_us = until;
        session->deadline_us += until - now;
        *out_want = SESSION_WANTS_TIME;
        return true;
}

/* ---- SCRAM ---- */

/* The same steps whether there is such a user or not. */
static Status begin_scram(Session *session, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        ScramVerifier verifier;
        Str text;
        Catalog *catalog = session->thread->lake->catalog;
        Status status = account_verifier(catalog, session->account.name, &arena, &text, err);
        if (status != STATUS_OK && status != STATUS_NOT_FOUND)
                return status;
        bool known = status == STATUS_OK && scram_verifier_parse(text, &arena, &verifier, err) == STATUS_OK;
        if (!known)
                scram_verifier_mock(session->account.name, session->host->secret, &verifier);
        Str binding = session->transport.tls ? tls_binding(session->host->tls) : STR_NONE;
        scram_begin(&session->scram, &verifier, known, binding);
        reply_login_mechanisms(&session->out, binding.size > 0);
        session->stage = STAGE_SASL_FIRST;
        return session_flush(session, err);
}

static Status sasl_first(Session *session, Str body, Error *err) {
        WireSaslInitial initial;
        Str answer;
        TRY(wire_sasl_initial_read(body, &initial, err));
        if (!initial.has_response)
                return error_set(err, STATUS_PROTOCOL, "a login without its first message");
        TRY(scram_first(&session->scram, initial.mechanism, initial.response, &session->arena, &answer, err));
        reply_login_continue(&session->out, answer);
        session->stage = STAGE_SASL_FINAL;
        return session_flush(session, err);
}

static Status sasl_final(Session *session, Str body, Error *err) {
        Str answer;
        TRY(scram_final(&session->scram, body, &session->arena, &answer, err));
        reply_login_final(&session->out, answer);
        return STATUS_OK;
}

/* ---- tokens ---- */

static Status begin_token(Session *session, Error *err) {
        if (!session->transport.tls && !session->peer.is_local)
                return error_set(err, STATUS_LOGIN, "a token is taken inside TLS only");
        reply_login_password(&session->out);
        session->stage = STAGE_TOKEN;
        return session_flush(session, err);
}

static Status take_token(Session *session, Str body, Error *err) {
        Str text = str_slice(body, 0, str_find_byte(body, '\0'));
        Token token;
        TRY(token_check(session->thread->lake->catalog, text, time_now_us(), &session->arena, &token, err));
        session->account.name = token.principal;
        session->token = token.id;
        return STATUS_OK;
}

/* ---- the start-up packet ---- */

/* -c name=value and --name=value, as `options` has them. */
static void take_options(Session *session, Str options) {
        while (options.size > 0) {
                Str word, name, value;
                if (!str_cut(options, ' ', &word, &options))
                        options = STR_NONE;
                if (str_starts_with(word, STR("--")))
                        word = str_slice(word, 2, word.size);
                else if (str_starts_with(word, STR("-c")))
                        word = str_slice(word, 2, word.size);
                Error ignored;
                if (str_cut(word, '=', &name, &value) && settings_set(session->settings, name, value, false, &ignored) == STATUS_OK)
                        settings_begin_with(session->settings, name, settings_get(session->settings, name));
        }
}

static Status take_settings(Session *session, const WireStartup *startup, Error *err) {
        for (size_t i = 0; i < startup->setting_count; i++) {
                const WireSetting *setting = &startup->settings[i];
                if (str_is(setting->name, "options")) {
                        take_options(session, setting->value);
                        continue;
                }
                if (str_is(setting->name, "replication")) {
                        bool on;
                        if (!setting_boolean(setting->value, &on) || on)
                                return error_set(err, STATUS_SQL_REFUSED, "replication is not supported");
                        continue;
                }
                Status status = settings_set(session->settings, setting->name, setting->value, false, err);
                if (status == STATUS_NOT_FOUND)
                        continue; /* a driver's own; PostgreSQL would refuse it, but nothing is lost by it */
                if (status != STATUS_OK && str_is(setting->name, "client_encoding")) {
                        session->other_encoding = true; /* as psql asks in a console of Windows */
                        continue;
                }
                TRY(status);
                settings_begin_with(session->settings, setting->name, arena_str(&session->arena, settings_get(session->settings, setting->name)));
        }
        return STATUS_OK;
}

static Status start(Session *session, const WireStartup *startup, Error *err) {
        if (session->host->require_tls && !session->transport.tls) {
                session->sqlstate = "28000";
                error_set(err, STATUS_LOGIN, "this server takes encrypted connections only");
                return error_hint(err, "add sslmode=require to the connection");
        }
        if (startup->minor > OUR_MINOR || startup->unknown_count > 0)
                reply_protocol(&session->out, startup->minor > OUR_MINOR ? OUR_MINOR : startup->minor, startup->unknown, startup->unknown_count);
        if (startup->minor < OUR_MINOR)
                session->key_size = sizeof(uint32_t);
        session->account.name = session->user = arena_str(&session->arena, startup->user);
        session->database = arena_str(&session->arena, startup->database);
        TRY(take_settings(session, startup, err));
        return str_is(startup->user, TOKEN_USER) ? begin_token(session, err) : begin_scram(session, err);
}

static void take_packet(Session *session, Str packet) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        WireStartup startup;
        Error err = { 0 };
        if (wire_startup_read(packet, &arena, &startup, &err) != STATUS_OK) {
                refuse_error(session, &err);
                return;
        }
        session->in_taken += packet.size;
        switch (startup.kind) {
        case WIRE_STARTUP_TLS:
                request_tls(session);
                break;
        case WIRE_STARTUP_GSS:
                answer_request(session, false);
                break;
        case WIRE_STARTUP_CANCEL:
                session->host->cancel(session->host->context, startup.process, startup.key);
                session->stage = STAGE_ENDED;
                break;
        case WIRE_STARTUP:
                if (start(session, &startup, &err) != STATUS_OK)
                        refuse_error(session, &err);
                break;
        }
}

static void take_message(Session *session, Str packet) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        WireMessage message;
        Error err = { 0 };
        Status status = wire_message_read(packet, &arena, &message, &err);
        session->in_taken += packet.size;
        if (status == STATUS_OK && message.type == WIRE_TERMINATE) {
                session->stage = STAGE_ENDED;
                return;
        }
        if (status == STATUS_OK && message.type != WIRE_PASSWORD)
                status = error_set(&err, STATUS_PROTOCOL, "a message other than the login's");
        bool last = session->stage != STAGE_SASL_FIRST;
        if (status == STATUS_OK && session->stage == STAGE_SASL_FIRST)
                status = sasl_first(session, message.bytes, &err);
        else if (status == STATUS_OK)
                status = session->stage == STAGE_SASL_FINAL ? sasl_final(session, message.bytes, &err) : take_token(session, message.bytes, &err);
        if (status != STATUS_OK)
                denied(session, &err);
        else if (last)
                welcome(session);
}

bool login_step(Session *session, SessionWant *out_want) {
        Error err = { 0 };
        size_t size;
        *out_want = SESSION_WANTS_BYTES;
        if (session->stage == STAGE_HANDSHAKE)
                return shake(session, out_want);
        bool startup = session->stage == STAGE_STARTUP;
        Str bytes = str_slice(buf_view(&session->in), session->in_taken, session->in.size);
        if (startup && bytes.size == 0 && !session->transport.tls && session->host->tls && transport_peek(&session->transport) == TLS_FIRST_BYTE) {
                session->is_direct = true;
                return begin_tls(session);
        }
        if (wire_frame(startup ? WIRE_STAGE_STARTUP : WIRE_STAGE_LOGIN, bytes, &size, &err) != STATUS_OK) {
                refuse_error(session, &err);
                return true;
        }
        if (size == 0 || must_delay(session, out_want))
                return false;
        if (session->stage == STAGE_ENDED)
                return true;
        /* the packet's bytes stay where they are until the session reads on */
        (startup ? take_packet : take_message)(session, str_slice(bytes, 0, size));
        return true;
}
