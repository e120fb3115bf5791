/* SPDX-License-Identifier: Apache-2.0 */
/* Requests one after the other: read, logged in, answered. */
#include "base/time.h"
#include "base/vec.h"
#include "server/http_parts.h"

#include <sys/socket.h>

#define IDLE_US 75000000       /* between two requests */
#define BODY_US 600000000      /* for a whole body */
#define LINGER_US 2000000
#define DROP_MAX (64u << 10)   /* of a body that is not wanted: more than this costs the connection */
#define QUERY_BODY_MAX (4u << 20)
#define APPLY_BODY_MAX (32u << 20)

/* ---- life ---- */

Http *http_new(void) {
        Http *http = calloc(1, sizeof(*http));
        if (!http)
                out_of_memory();
        return http;
}

void http_free(Http *http) {
        if (!http)
                return;
        arena_deinit(&http->arena);
        buf_deinit(&http->content);
        free((void *)(uintptr_t)http->known.data);
        free(http);
}

/* ---- answers ---- */

static void put_date(Buf *out) {
        static const char *const days[] = { "Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed" }; /* 1970-01-01 was a Thursday */
        static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
        int64_t second = time_now_us() / 1000000, day = second / 86400;
        int year, month, of_month;
        civil_from_days((int32_t)day, &year, &month, &of_month);
        buf_printf(out, "Date: %s, %02d %s %04d %02d:%02d:%02d GMT\r\n", days[day % 7], of_month, months[month - 1], year,
                   (int)(second / 3600 % 24), (int)(second / 60 % 60), (int)(second % 60));
}

static void put_head(Session *session, int status, const char *type) {
        Http *http = session->http;
        Buf *out = &session->out;
        static const MetricsCounter classes[] = { METRICS_HTTP_2XX, METRICS_HTTP_2XX, METRICS_HTTP_2XX, METRICS_HTTP_2XX, METRICS_HTTP_4XX,
                                                  METRICS_HTTP_5XX };
        metrics_add(session->host->metrics, classes[status / 100], 1);
        http_put_status(out, status);
        put_date(out);
        if (type)
                http_put_field(out, "Content-Type", str_of(type));
        http_put_field(out, "Cache-Control", STR("no-store"));
        http_put_field(out, "X-Content-Type-Options", STR("nosniff"));
        if (status == 401)
                http_put_field(out, "WWW-Authenticate", STR("Bearer realm=\"lode\""));
        if (status == 405 || status == 204)
                http_put_field(out, "Allow", str_of(http->route ? http->route->methods : "GET, HEAD, POST, OPTIONS"));
        if (status == 429 || status == 503)
                http_put_field(out, "Retry-After", STR("1"));
        if (http->close)
                http_put_field(out, "Connection", STR("close"));
        else if (http->head.minor == 0)
                http_put_field(out, "Connection", STR("keep-alive"));
}

void http_answer(Session *session, int status, const char *type, Str body) {
        Error ignored;
        put_head(session, status, type);
        if (status != 204)
                buf_printf(&session->out, "Content-Length: %zu\r\n", body.size);
        buf_append_cstr(&session->out, "\r\n");
        if (!str_is(session->http->head.method, "HEAD"))
                buf_append(&session->out, body);
        if (session_flush(session, &ignored) != STATUS_OK)
                session->http->stage = HTTP_ENDED;
}

static void begin_stream(Session *session, const char *type) {
        Http *http = session->http;
        http->streaming = true;
        http->chunked = http->head.minor > 0;
        http->close |= !http->chunked; /* its end is the connection's */
        put_head(session, 200, type);
        buf_append_cstr(&session->out, http->chunked ? "Transfer-Encoding: chunked\r\n\r\n" : "\r\n");
}

Status http_stream(Session *session, const char *type, Str bytes, Error *err) {
        Http *http = session->http;
        if (!http->streaming)
                begin_stream(session, type);
        if (bytes.size == 0)
                return STATUS_OK; /* an empty chunk would be the end */
        if (http->chunked)
                buf_printf(&session->out, "%zx\r\n", bytes.size);
        buf_append(&session->out, bytes);
        if (http->chunked)
                buf_append_cstr(&session->out, "\r\n");
        return session_flush(session, err);
}

Status http_stream_end(Session *session, Error *err) {
        if (session->http->chunked)
                buf_append_cstr(&session->out, "0\r\n\r\n");
        return session_flush(session, err);
}

void http_error_json(Session *session, const Error *error, Buf *out) {
        JsonWriter w = json_writer(out, false);
        Error shown = *error;
        if (session_hides(session, error)) {
                error_set(&shown, error->status, "the server cannot answer this now");
                error_hint(&shown, "an administrator who asks the same is told why");
                shown.file[0] = '\0';
                shown.line = shown.column = 0;
        }
        json_object(&w);
        json_key(&w, "error");
        json_put_error(&w, &shown, session->sqlstate);
        json_end(&w);
        buf_append_byte(out, '\n');
}

static void answer_error(Session *session, int status, const Error *error) {
        CLEANUP(buf_deinit) Buf json = { 0 };
        http_error_json(session, error, &json);
        session->sqlstate = NULL;
        http_answer(session, status, HTTP_JSON, buf_view(&json));
}

/* Limits of a principal or of the server (53300, 53400) are to be tried again; all else is as the table of errors has it. */
static int status_of(const Session *session, const Error *error) {
        const char *sqlstate = session->sqlstate;
        if (session->http->refusal)
                return session->http->refusal;
        return sqlstate && strncmp(sqlstate, "533", 3) == 0 ? 429 : sqlstate && strncmp(sqlstate, "534", 3) == 0 ? 429 : status_http(error->status);
}

/* ---- from one request to the next ---- */

static void begin_linger(Session *session) {
        if (session->out.size == 0)
                transport_finish(&session->transport);
        session->http->stage = HTTP_LINGERING;
        session->deadline_us = time_monotonic_us() + LINGER_US;
}

/* Only what a client cannot take for a whole answer: the bytes stop, and where only that would end one, the connection breaks. */
static void break_off(Session *session, bool chunked) {
        struct linger at_once = { .l_onoff = 1 };
        metrics_add(session->host->metrics, METRICS_HTTP_BROKEN, 1);
        if (!chunked)
                (void)setsockopt(session->transport.socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
        session->transport.ended = true; /* TLS does not say good-bye either: that would be an end in peace */
        session->http->stage = HTTP_ENDED;
}

static void end_request(Session *session) {
        Http *http = session->http;
        bool broken = http->broken, close = http->close, chunked = http->chunked;
        if (session->transaction != TRANSACTION_NONE)
                session_end_transaction(session, true);
        http->head = (HttpHead){ 0 };
        http->route = NULL;
        http->streaming = http->chunked = http->has_begun = http->broken = false;
        http->refusal = 0;
        buf_deinit(&http->content);
        arena_reset(&http->arena);
        if (http->stage == HTTP_ENDED)
                return;
        if (broken) {
                break_off(session, chunked);
        } else if (close) {
                begin_linger(session);
        } else {
                http->stage = HTTP_HEAD;
                session->deadline_us = time_monotonic_us() + IDLE_US;
        }
}

/* Answers in place of what the request asked for. A body that has not come is dropped if it is small, else the connection ends. */
static void turn_down(Session *session, int status, const Error *error) {
        Http *http = session->http;
        bool is_short = !http->head.chunked && http->head.length <= DROP_MAX && !http->head.waits;
        bool has_rest = http_has_body(&http->head) && http->body.state != HTTP_BODY_DONE;
        http->close |= has_rest && !is_short;
        if (error)
                answer_error(session, status, error);
        else
                http_answer(session, status, NULL, STR(""));
        if (http->stage == HTTP_ENDED || !has_rest || http->close) {
                end_request(session);
                return;
        }
        Error ignored;
        int refused;
        (void)http_body_begin(&http->body, &http->head, DROP_MAX, &refused, &ignored);
        http->stage = HTTP_DROPPING;
        session->deadline_us = time_monotonic_us() + session->host->login_us;
}

/* What broke the rules of HTTP: nobody knows where the next request begins. */
static void turn_down_for_good(Session *session, int status, const Error *error) {
        session->http->close = true;
        answer_error(session, status, error);
        end_request(session);
}

/* ---- what is public ---- */

static Status health(Session *session, Error *err UNUSED) {
        http_answer(session, 200, HTTP_JSON, STR("{\"status\":\"ok\"}\n"));
        return STATUS_OK;
}

/* The store answers, and there is a worker to work with. */
static Status ready(Session *session, Error *err) {
        int64_t generation;
        TRY(catalog_generation(session->thread->lake->catalog, &generation, err));
        TRY(worker_pool_probe(session->host->pool, err));
        http_answer(session, 200, HTTP_JSON, STR("{\"status\":\"ready\"}\n"));
        return STATUS_OK;
}

static Status metrics(Session *session, Error *err UNUSED) {
        CLEANUP(buf_deinit) Buf page = { 0 };
        MetricsNow now;
        session->host->now(session->host->context, &now);
        bool by_token = http_field(&session->http->head, "authorization").data != NULL;
        metrics_print(session->host->metrics, &now, !by_token || session->account.is_admin, &page);
        http_answer(session, 200, "text/plain; version=0.0.4; charset=utf-8", buf_view(&page));
        return STATUS_OK;
}

/* ---- routes ---- */

static const HttpRoute routes[] = {
        { .path = "/v1/query", .methods = "POST, OPTIONS", .wants_worker = true, .body_most = QUERY_BODY_MAX, .act = http_query },
        { .path = "/v1/apply", .methods = "POST, OPTIONS", .wants_worker = true, .body_most = APPLY_BODY_MAX, .check = http_apply_check, .act = http_apply },
        { .path = "/health", .methods = "GET, HEAD, OPTIONS", .public = true, .act = health },
        { .path = "/ready", .methods = "GET, HEAD, OPTIONS", .public = true, .wants_worker = true, .act = ready },
        { .path = "/metrics", .methods = "GET, HEAD, OPTIONS", .act = metrics },
};

static const HttpRoute *find_route(Str path) {
        for (size_t i = 0; i < COUNT_OF(routes); i++)
                if (str_is(path, routes[i].path))
                        return &routes[i];
        return NULL;
}

static bool takes_method(const HttpRoute *route, Str method) {
        Str rest = str_of(route->methods), one;
        while (rest.size > 0) {
                bool more = str_cut(rest, ',', &one, &rest);
                if (str_equal(str_trim(one), method))
                        return true;
                if (!more)
                        break;
        }
        return false;
}

/* ---- logins ---- */

static Status no_token(Session *session, Error *err) {
        Error ignored;
        (void)login_audit(session, session->account.name.size ? session->account.name : STR("token"), arena_strf(&session->http->arena, "from %s", session->peer.address), true, &ignored);
        error_set(err, STATUS_LOGIN, "the token is none, is expired or was withdrawn");
        return error_hint(err, "send Authorization: Bearer TOKEN, with a token of lode token add");
}

static Status read_token(const HttpHead *head, Str *out, Error *err) {
        Str scheme, token, field = http_field(head, "authorization");
        if (!field.data) {
                error_set(err, STATUS_LOGIN, "who asks is not said");
                return error_hint(err, "send Authorization: Bearer TOKEN, with a token of lode token add");
        }
        if (!str_cut(field, ' ', &scheme, &token) || !str_equal_nocase(scheme, STR("bearer"))) {
                error_set(err, STATUS_LOGIN, "the only Authorization that is taken here is Bearer");
                return error_hint(err, "send Authorization: Bearer TOKEN, with a token of lode token add");
        }
        *out = str_trim(token);
        return STATUS_OK;
}

/* As a new session would be: nothing is left of who asked before on this connection. */
static void forget_login(Session *session) {
        settings_free(session->settings);
        session->settings = settings_new();
        session->account = (Account){ 0 };
        session->within = NULL;
        session->principal = (Principal){ 0 };
        session->zone = session->database = session->login = session->token = STR("");
        session->acted_as = NULL;
        arena_reset(&session->arena);
        arena_reset(&session->account_arena);
}

/* One line in the audit log for each principal of a connection; each statement has its own. */
static Status note_login(Session *session, Error *err) {
        Http *http = session->http;
        if (str_equal(http->known, session->account.name))
                return STATUS_OK;
        TRY(session_join(session, err));
        TRY(login_audit(session, session->account.name, STR(""), false, err));
        free((void *)(uintptr_t)http->known.data);
        char *copy = strndup(session->account.name.data, session->account.name.size);
        if (!copy)
                out_of_memory();
        http->known = str_of(copy);
        return STATUS_OK;
}

static Status log_in(Session *session, Error *err) {
        Str text;
        Token token;
        TRY(read_token(&session->http->head, &text, err));
        Status status = token_check(session->thread->lake->catalog, text, time_now_us(), &session->arena, &token, err);
        if (status == STATUS_OK) {
                session->account.name = token.principal;
                session->token = token.id;
                session->database = STR("lode");
                status = login_enter(session, err);
        }
        if (status == STATUS_LOGIN)
                return no_token(session, err);
        TRY(status);
        settings_begin_with(session->settings, STR("session_authorization"), session->account.name);
        settings_begin_with(session->settings, STR("is_superuser"), session->account.is_admin ? STR("on") : STR("off"));
        return note_login(session, err);
}

/* The page of counters says nothing of anybody's data: whoever is on this machine may read it, and whoever has a token. */
static bool needs_login(const Session *session, const HttpRoute *route) {
        return !route->public && !(route->act == metrics && session->peer.is_local && !http_field(&session->http->head, "authorization").data);
}

/* ---- reading a request ---- */

static void begin_body(Session *session) {
        Http *http = session->http;
        Error err = { 0 };
        int status;
        if (http_has_body(&http->head) && http->route->body_most == 0) {
                error_set(&err, STATUS_LIMIT, "this address takes no body");
                turn_down(session, 413, &err);
                return;
        }
        if (http_body_begin(&http->body, &http->head, http->route->body_most, &status, &err) != STATUS_OK) {
                turn_down_for_good(session, status, &err);
                return;
        }
        if (http->body.state == HTTP_BODY_DONE) {
                http->stage = HTTP_ACTION;
                session->deadline_us = 0;
                return;
        }
        if (http->head.waits && session_waiting(session).size == 0) {
                buf_append_cstr(&session->out, "HTTP/1.1 100 Continue\r\n\r\n");
                if (session_flush(session, &err) != STATUS_OK) {
                        http->stage = HTTP_ENDED;
                        return;
                }
        }
        http->stage = HTTP_BODY;
        http->body_until_us = time_monotonic_us() + BODY_US;
        session->deadline_us = time_monotonic_us() + session->host->patience_us;
}

static void begin_request(Session *session) {
        Http *http = session->http;
        Error err = { 0 };
        http->body = (HttpBody){ .state = http_has_body(&http->head) ? HTTP_BODY_LENGTH : HTTP_BODY_DONE };
        http->close = !http->head.keep_alive;
        http->route = find_route(http->head.path);
        bool asks_options = str_is(http->head.method, "OPTIONS");
        if (asks_options && (http->route || str_is(http->head.path, "*"))) {
                turn_down(session, 204, NULL);
                return;
        }
        if (!http->route) {
                error_set(&err, STATUS_NOT_FOUND, "there is no such address");
                error_hint(&err, "there are /v1/query, /v1/apply, /health, /ready and /metrics");
                turn_down(session, 404, &err);
                return;
        }
        if (!takes_method(http->route, http->head.method)) {
                error_set(&err, STATUS_USAGE, "this address does not take that method");
                error_hint(&err, "it takes %s", http->route->methods);
                turn_down(session, 405, &err);
                return;
        }
        forget_login(session);
        Status status = needs_login(session, http->route) ? log_in(session, &err) : STATUS_OK;
        if (status == STATUS_OK && http->route->check)
                status = http->route->check(session, &err);
        if (status != STATUS_OK)
                turn_down(session, status_of(session, &err), &err);
        else
                begin_body(session);
}

/* ---- steps: true = go on with the next ---- */

/* More bytes, or why not. */
static bool read_on(Session *session, SessionWant *out_want) {
        TransportGot got = session_read_more(session);
        *out_want = got == TRANSPORT_WANTS_OUT ? SESSION_WANTS_OUT : SESSION_WANTS_BYTES;
        if (got == TRANSPORT_ENDED)
                session->http->stage = HTTP_ENDED;
        return got == TRANSPORT_DATA || got == TRANSPORT_ENDED;
}

static void refuse_clear(Session *session) {
        Error err = { 0 };
        error_set(&err, STATUS_LOGIN, "this server takes encrypted connections only");
        error_hint(&err, "begin the address with https://");
        turn_down_for_good(session, 400, &err);
}

static bool step_opening(Session *session, SessionWant *out_want) {
        Http *http = session->http;
        *out_want = SESSION_WANTS_BYTES;
        int first = transport_peek(&session->transport);
        if (first < 0 && !session->transport.ended)
                return false;
        if (session->transport.ended) {
                http->stage = HTTP_ENDED;
        } else if (first == TLS_FIRST_BYTE && session->host->http_tls) {
                transport_begin_tls(&session->transport, session->host->http_tls);
                http->stage = HTTP_SHAKING;
        } else if (session->host->http_requires_tls) {
                refuse_clear(session);
        } else {
                http->stage = HTTP_HEAD;
        }
        return true;
}

static bool step_shaking(Session *session, SessionWant *out_want) {
        TransportGot got = transport_shake(&session->transport);
        *out_want = got == TRANSPORT_WANTS_OUT ? SESSION_WANTS_OUT : SESSION_WANTS_BYTES;
        if (got == TRANSPORT_ENDED)
                session->http->stage = HTTP_ENDED;
        else if (got == TRANSPORT_DATA)
                session->http->stage = HTTP_HEAD;
        return got == TRANSPORT_ENDED || got == TRANSPORT_DATA;
}

static bool step_head(Session *session, SessionWant *out_want) {
        Http *http = session->http;
        Error err = { 0 };
        size_t size;
        int status;
        Str waiting = session_waiting(session);
        if (waiting.size > 0 && !http->has_begun) {
                http->has_begun = true;
                session->deadline_us = time_monotonic_us() + session->host->login_us;
        }
        if (http_head_size(waiting, &size, &status, &err) != STATUS_OK) {
                turn_down_for_good(session, status, &err);
                return true;
        }
        if (size == 0)
                return read_on(session, out_want);
        Str head = arena_str(&http->arena, str_slice(waiting, 0, size)); /* the buffer moves on */
        session_take(session, size);
        if (http_head_read(head, &http->arena, &http->head, &status, &err) != STATUS_OK)
                turn_down_for_good(session, status, &err);
        else
                begin_request(session);
        return true;
}

/* What came of the body; false: all that came was taken, and it is not whole. */
static bool take_body(Session *session, Buf *into, bool *out_failed) {
        Http *http = session->http;
        Error err = { 0 };
        size_t taken;
        int status;
        *out_failed = http_body_take(&http->body, session_waiting(session), &taken, into, &status, &err) != STATUS_OK;
        if (*out_failed)
                turn_down_for_good(session, status, &err);
        else
                session_take(session, taken);
        return *out_failed || http->body.state == HTTP_BODY_DONE;
}

static bool step_body(Session *session, SessionWant *out_want) {
        Http *http = session->http;
        bool failed;
        if (take_body(session, &http->content, &failed)) {
                if (!failed) {
                        http->stage = HTTP_ACTION;
                        session->deadline_us = 0;
                }
                return true;
        }
        int64_t soon = time_monotonic_us() + session->host->patience_us;
        session->deadline_us = soon < http->body_until_us ? soon : http->body_until_us;
        return read_on(session, out_want);
}

static bool step_dropping(Session *session, SessionWant *out_want) {
        bool failed;
        if (!take_body(session, NULL, &failed))
                return read_on(session, out_want);
        if (!failed)
                end_request(session);
        return true;
}

static bool step_action(Session *session, SessionWant *out_want) {
        Http *http = session->http;
        Error err = { 0 }, ignored;
        session_busy(session, true);
        if (session->began_us == 0)
                session->began_us = time_monotonic_us();
        bool must_wait = http->route->wants_worker && !session->thread->has_worker;
        Status status = must_wait ? session_reserve(session, http->route->public ? LANE_SYSTEM : LANE_QUESTIONS, &err) : STATUS_OK;
        if (must_wait && status == STATUS_OK) {
                session_show(session, SESSION_WAITING, http->route->public ? STR_NONE : http->head.path);
                *out_want = SESSION_WANTS_WORKER;
                return false;
        }
        if (status == STATUS_OK)
                status = http->route->act(session, &err);
        if (status != STATUS_OK && http->streaming) {
                http->broken = http->close = true;
                (void)session_flush(session, &ignored);
        } else if (status != STATUS_OK) {
                answer_error(session, status_of(session, &err), &err);
        }
        session->sqlstate = NULL;
        session->began_us = 0;
        session_busy(session, false);
        end_request(session);
        return true;
}

static bool step_lingering(Session *session, SessionWant *out_want) {
        session_take(session, session_waiting(session).size);
        return read_on(session, out_want);
}

SessionWant http_run(Session *session) {
        static bool (*const steps[])(Session *, SessionWant *) = {
                [HTTP_OPENING] = step_opening, [HTTP_SHAKING] = step_shaking,   [HTTP_HEAD] = step_head,          [HTTP_BODY] = step_body,
                [HTTP_ACTION] = step_action,   [HTTP_DROPPING] = step_dropping, [HTTP_LINGERING] = step_lingering,
        };
        Http *http = session->http;
        SessionWant want = SESSION_WANTS_BYTES;
        while (http->stage != HTTP_ENDED && !atomic_load(&session->stopped)) {
                if (!session->thread->has_worker && session_is_clogged(session))
                        return SESSION_WANTS_OUT;
                if (!steps[http->stage](session, &want))
                        return want;
        }
        return SESSION_ENDED;
}

void http_expire(Session *session) {
        Http *http = session->http;
        Error err = { 0 };
        bool is_inside = (http->stage == HTTP_HEAD && http->has_begun) || http->stage == HTTP_BODY;
        if (is_inside) {
                http->close = true;
                error_set(&err, STATUS_TIMEOUT, "the request took too long to come");
                answer_error(session, 408, &err);
        }
        http->stage = HTTP_ENDED;
}

/* ---- arguments ---- */

Status http_argument(Session *session, const char *name, Str *out, Error *err) {
        bool found;
        *out = STR_NONE;
        return http_query_value(session->http->head.query, name, &session->http->arena, out, &found, err);
}

Status http_arguments_known(Session *session, const char *const *names, size_t count, Error *err) {
        Str *given, *known = ARENA_ARRAY(&session->http->arena, Str, count);
        size_t given_count;
        for (size_t i = 0; i < count; i++)
                known[i] = str_of(names[i]);
        TRY(http_query_names(session->http->head.query, &session->http->arena, &given, &given_count, err));
        for (size_t i = 0; i < given_count; i++) {
                bool found = false;
                for (size_t j = 0; j < count; j++)
                        found |= str_equal(given[i], known[j]);
                if (found)
                        continue;
                error_set(err, STATUS_UNKNOWN_KEY, "the address says %.*s, which means nothing here", STR_ARG(given[i]));
                Str near = str_nearest(given[i], known, count);
                return near.size ? error_hint(err, "did you mean %.*s?", STR_ARG(near)) : err->status;
        }
        return STATUS_OK;
}
