/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /v1/query: one question, its answer as JSON or CSV, streamed. It goes the way of every question (portal.c): the same
 * binding, rights, limits and audit. An answer that fits a buffer goes out with its length; a longer one in chunks, and when
 * it fails on the way the last chunk never comes.
 */
#include <math.h>

#include "engine/data_row.h"
#include "engine/row_text.h"
#include "server/http_parts.h"

#define TIMEOUT_MAX 86400.0 /* seconds */

enum { OID_BOOL = 16, OID_INT8 = 20, OID_FLOAT8 = 701 };

typedef struct Question {
        Str sql, zone, branch, as_of, as;
        bool csv;
        double timeout; /* seconds; 0 = none of its own */
        const Json *parameters;
} Question;

/* ---- what is asked ---- */

static Status read_text(const Json *value, const char *name, Str *out, Error *err) {
        if (value->kind != JSON_STRING)
                return error_set(err, STATUS_BAD_VALUE, "\"%s\" is no text", name);
        *out = value->string;
        return STATUS_OK;
}

static Status read_format(Str word, bool *out_csv, Error *err) {
        *out_csv = str_is(word, "csv");
        if (*out_csv || str_is(word, "json"))
                return STATUS_OK;
        error_set(err, STATUS_BAD_VALUE, "there is no format '%.*s'", STR_ARG(word));
        return error_hint(err, "json or csv");
}

static Status read_timeout(double seconds, double *out, Error *err) {
        if (!(seconds > 0 && seconds <= TIMEOUT_MAX))
                return error_set(err, STATUS_BAD_VALUE, "the timeout is no number of seconds up to %.0f", TIMEOUT_MAX);
        *out = seconds;
        return STATUS_OK;
}

static Status read_member(Str key, const Json *value, Question *out, Error *err) {
        Str word;
        if (str_is(key, "sql"))
                return read_text(value, "sql", &out->sql, err);
        if (str_is(key, "zone"))
                return read_text(value, "zone", &out->zone, err);
        if (str_is(key, "branch"))
                return read_text(value, "branch", &out->branch, err);
        if (str_is(key, "as_of"))
                return read_text(value, "as_of", &out->as_of, err);
        if (str_is(key, "as"))
                return read_text(value, "as", &out->as, err);
        if (str_is(key, "format")) {
                TRY(read_text(value, "format", &word, err));
                return read_format(word, &out->csv, err);
        }
        if (str_is(key, "timeout"))
                return read_timeout(value->kind == JSON_REAL ? value->real : (double)json_integer(value, 0), &out->timeout, err);
        if (str_is(key, "parameters")) {
                out->parameters = value;
                return value->kind == JSON_ARRAY ? STATUS_OK : error_set(err, STATUS_BAD_VALUE, "\"parameters\" is no list");
        }
        error_set(err, STATUS_UNKNOWN_KEY, "a question has no \"%.*s\"", STR_ARG(key));
        return error_hint(err, "it has sql, parameters, zone, branch, as_of, as, format and timeout");
}

static Status read_json(Session *session, Question *out, Error *err) {
        Json *root;
        Status status = json_parse(buf_view(&session->http->content), "", &session->http->arena, &root, err);
        if (status == STATUS_CORRUPT) { /* a client's text, not a stored one */
                err->status = STATUS_SYNTAX;
                return err->status;
        }
        TRY(status);
        if (root->kind != JSON_OBJECT)
                return error_set(err, STATUS_SYNTAX, "a question is an object, as in {\"sql\": \"select 1\"}");
        for (size_t i = 0; i < root->object.count; i++)
                TRY(read_member(root->object.keys[i], root->object.values[i], out, err));
        return STATUS_OK;
}

/* What the client takes best; of what it takes alike, JSON. */
static Status read_accept(Http *http, bool *out_csv, Error *err) {
        Str accept = http_field(&http->head, "accept");
        int json = http_accept_weight(accept, STR("application/json")), csv = http_accept_weight(accept, STR("text/csv"));
        *out_csv = csv > json;
        if (json + csv > 0)
                return STATUS_OK;
        http->refusal = 406;
        error_set(err, STATUS_BAD_VALUE, "an answer can be application/json or text/csv, and the client takes neither");
        return error_hint(err, "change the field Accept, or leave it out");
}

static Status read_address(Session *session, Question *out, Error *err) {
        static const char *const names[] = { "zone", "branch", "as_of", "as", "format", "timeout" };
        Str format, timeout;
        TRY(http_arguments_known(session, names, COUNT_OF(names), err));
        TRY(http_argument(session, "zone", &out->zone, err));
        TRY(http_argument(session, "branch", &out->branch, err));
        TRY(http_argument(session, "as_of", &out->as_of, err));
        TRY(http_argument(session, "as", &out->as, err));
        TRY(http_argument(session, "format", &format, err));
        TRY(http_argument(session, "timeout", &timeout, err));
        if (format.size > 0)
                TRY(read_format(format, &out->csv, err));
        if (timeout.size > 0) {
                char *end;
                TRY(read_timeout(strtod(arena_cstr(&session->http->arena, timeout), &end), &out->timeout, err));
                if (*end)
                        return error_set(err, STATUS_BAD_VALUE, "the timeout is no number of seconds");
        }
        return STATUS_OK;
}

#define CURL_DATA "application/x-www-form-urlencoded" /* what curl -d says unless it is told */

static Status read_question(Session *session, Question *out, Error *err) {
        Http *http = session->http;
        Str type = http_field(&http->head, "content-type");
        type = str_trim(str_slice(type, 0, str_find_byte(type, ';')));
        Str coding = http_field(&http->head, "content-encoding");
        if (coding.size > 0 && !str_equal_nocase(coding, STR("identity"))) {
                http->refusal = 415;
                error_set(err, STATUS_USAGE, "the body is encoded as '%.*s', which is not read here", STR_ARG(coding));
                return error_hint(err, "send it as it is, without Content-Encoding");
        }
        TRY(read_accept(http, &out->csv, err));
        TRY(read_address(session, out, err));
        if (str_equal_nocase(type, STR("application/sql")) || str_equal_nocase(type, STR("text/plain")))
                out->sql = buf_view(&http->content);
        else if (str_equal_nocase(type, STR(HTTP_JSON)) || str_equal_nocase(type, STR(CURL_DATA)))
                TRY(read_json(session, out, err));
        else
                http->refusal = 415;
        if (http->refusal)
                return error_set(err, STATUS_USAGE, "the body's Content-Type is neither application/json nor application/sql");
        if (str_starts_with(str_trim(out->sql), STR("{")) && out->sql.data == http->content.data) { /* no statement begins so */
                http->refusal = 415;
                error_set(err, STATUS_USAGE, "the body looks like JSON, and its Content-Type says that it is SQL");
                return error_hint(err, "send it with Content-Type: application/json");
        }
        if (!utf8_valid(out->sql) || str_find_byte(out->sql, '\0') < out->sql.size)
                return session_refuse(session, "22021", STATUS_BAD_VALUE, err, "the SQL is not UTF-8, or has a NUL in it");
        if (str_trim(out->sql).size == 0)
                return error_set(err, STATUS_BAD_VALUE, "there is no \"sql\" in the question");
        return STATUS_OK;
}

/* ---- who asks, and where ---- */

static Status take_settings(Session *session, const Question *question, Error *err) {
        if (question->zone.size > 0) {
                session->database = question->zone;
                TRY(login_enter(session, err));
        }
        if (question->branch.size > 0)
                TRY(settings_set(session->settings, STR("lode.branch"), question->branch, false, err));
        if (question->as_of.size > 0)
                TRY(settings_set(session->settings, STR("lode.as_of"), question->as_of, false, err));
        if (question->as.size > 0)
                TRY(session_set(session, STR("role"), question->as, false, err));
        if (question->timeout > 0)
                TRY(settings_set(session->settings, STR("statement_timeout"),
                                 arena_strf(&session->http->arena, "%.0f", ceil(question->timeout * 1000)), false, err));
        return STATUS_OK;
}

/* ---- parameters ---- */

static Status parameter_text(const Json *value, size_t index, Arena *arena, WireParameter *out, uint32_t *out_oid, Error *err) {
        CLEANUP(buf_deinit) Buf text = { 0 };
        JsonWriter w = json_writer(&text, false);
        static const uint32_t oids[] = { [JSON_FALSE] = OID_BOOL, [JSON_TRUE] = OID_BOOL, [JSON_INTEGER] = OID_INT8, [JSON_REAL] = OID_FLOAT8,
                                         [JSON_STRING] = 0, [JSON_NULL] = 0 };
        if (value->kind == JSON_ARRAY || value->kind == JSON_OBJECT) {
                error_set(err, STATUS_BAD_VALUE, "parameter %zu is a list or an object", index);
                return error_hint(err, "write a list as text: \"{1,2}\"");
        }
        *out_oid = oids[value->kind];
        out->null = value->kind == JSON_NULL;
        if (value->kind == JSON_STRING) {
                out->bytes = value->string;
                return STATUS_OK;
        }
        json_put_tree(&w, value);
        out->bytes = buf_dup(&text, arena);
        return STATUS_OK;
}

/* Types are what the statement makes of its parameters; where it leaves that open, what the JSON value is. */
static Status prepare(Session *session, const Question *question, const Command *command, Prepared **out, Error *err) {
        Prepared *prepared;
        size_t given = json_count(question->parameters), open = 0;
        uint32_t *types = ARENA_ARRAY(&session->http->arena, uint32_t, given);
        Status status = prepared_make(session, question->sql, command, NULL, 0, &prepared, err);
        TRY(status);
        if (prepared->type_count != given) {
                error_set(err, STATUS_BAD_VALUE, "the statement has %zu parameters, and %zu are given", prepared->type_count, given);
                prepared_release(prepared);
                return error_hint(err, "\"parameters\" is a list: its first value is $1");
        }
        for (size_t i = 0; i < given; i++) {
                WireParameter ignored;
                status = parameter_text(json_at(question->parameters, i), i + 1, &session->http->arena, &ignored, &types[i], err);
                if (status != STATUS_OK) {
                        prepared_release(prepared);
                        return status;
                }
                open += prepared->types[i] == 0 && types[i] != 0;
                types[i] = prepared->types[i] ? prepared->types[i] : types[i];
        }
        if (open > 0) {
                prepared_release(prepared);
                TRY(prepared_make(session, question->sql, command, types, given, &prepared, err));
        }
        *out = prepared;
        return STATUS_OK;
}

static Status bind_values(Session *session, const Question *question, Portal *portal, Error *err) {
        const Prepared *prepared = portal->prepared;
        portal->values = ARENA_ARRAY(&portal->arena, SqlValue, prepared->type_count);
        for (size_t i = 0; i < prepared->type_count; i++) {
                WireParameter parameter = { 0 };
                JsonKind kind = json_at(question->parameters, i)->kind;
                uint16_t format = kind == JSON_REAL ? PARAMETER_LITERAL : 0; /* 2.0 is how some write integers */
                uint32_t ignored;
                TRY(parameter_text(json_at(question->parameters, i), i + 1, &session->http->arena, &parameter, &ignored, err));
                Status status = parameter_read(i + 1, prepared->types[i], format, &parameter, &portal->arena, &portal->values[i], err);
                if (status != STATUS_OK) {
                        session->sqlstate = status == STATUS_LIMIT ? "22003" : "22P02";
                        return err->status = STATUS_SQL_DATA;
                }
        }
        return STATUS_OK;
}

/* ---- the answer ---- */

typedef struct Answer {
        Session *session;
        Portal *portal;
        bool csv, has_begun;
        Str *keys;
        Buf out;
        JsonWriter json;
} Answer;

static void answer_deinit(Answer *answer) {
        buf_deinit(&answer->out);
}

static const char *answer_type(const Answer *answer) {
        return answer->csv ? HTTP_CSV : HTTP_JSON;
}

/* The names as a client of PostgreSQL gets them; in JSON each must be another. */
static void begin_answer(Answer *answer) {
        const Prepared *prepared = answer->portal->prepared;
        Arena *arena = &answer->session->http->arena;
        WorkerColumns named = { ARENA_ARRAY(arena, WorkerColumn, prepared->column_count), prepared->column_count, NULL, 0 };
        answer->has_begun = true;
        for (size_t i = 0; i < named.count; i++)
                named.items[i].name = prepared->columns[i].name;
        if (!answer->csv) {
                answer->keys = column_keys(arena, &named);
                json_array(&answer->json);
                return;
        }
        for (size_t i = 0; i < named.count; i++) {
                if (i > 0)
                        buf_append_byte(&answer->out, ',');
                csv_put(&answer->out, named.items[i].name, false);
        }
        buf_append_byte(&answer->out, '\n');
}

static Status put_row(Answer *answer, Str message, Error *err) {
        const WorkerColumns *columns = &answer->portal->statement.columns;
        DataRow row;
        if (!data_row_open(message, &row) || row.column_count != columns->count)
                return error_set(err, STATUS_WORKER_LOST, "a worker sent a row that is none");
        if (!answer->csv)
                json_object(&answer->json);
        for (size_t i = 0; i < columns->count; i++) {
                Str value;
                bool is_null;
                if (!data_row_next(&row, &value, &is_null))
                        return error_set(err, STATUS_WORKER_LOST, "a worker sent a row that is none");
                if (answer->csv) {
                        if (i > 0)
                                buf_append_byte(&answer->out, ',');
                        csv_put(&answer->out, readable_value(&columns->items[i], value, is_null), is_null);
                        continue;
                }
                json_key_str(&answer->json, answer->keys[i]);
                json_put_value(&answer->json, &columns->items[i], value, is_null);
        }
        if (answer->csv)
                buf_append_byte(&answer->out, '\n');
        else
                json_end(&answer->json);
        return STATUS_OK;
}

static Status send_some(Answer *answer, Error *err) {
        TRY(http_stream(answer->session, answer_type(answer), buf_view(&answer->out), err));
        buf_clear(&answer->out);
        return STATUS_OK;
}

/* Each message: 'D', its length, the row. The worker's frame was looked at already. */
static Status take_rows(void *context, Str messages, Error *err) {
        Answer *answer = context;
        if (!answer->has_begun)
                begin_answer(answer);
        while (messages.size > 0) {
                Cursor cursor = cursor_of(messages);
                (void)cursor_u8(&cursor);
                size_t size = (size_t)cursor_be32(&cursor) + 1;
                if (cursor.failed || size > messages.size)
                        return error_set(err, STATUS_WORKER_LOST, "a worker sent a row that is none");
                TRY(put_row(answer, str_slice(messages, 0, size), err));
                messages = str_slice(messages, size, messages.size);
                if (answer->out.size < FLUSH_SIZE)
                        continue;
                TRY(portal_announce(answer->session, answer->portal, err));
                TRY(send_some(answer, err));
        }
        return STATUS_OK;
}

static Status end_answer(Answer *answer, Error *err) {
        if (!answer->has_begun)
                begin_answer(answer);
        if (!answer->csv) {
                json_end(&answer->json);
                buf_append_byte(&answer->out, '\n');
        }
        if (!answer->session->http->streaming) {
                http_answer(answer->session, 200, answer_type(answer), buf_view(&answer->out));
                return STATUS_OK;
        }
        TRY(send_some(answer, err));
        return http_stream_end(answer->session, err);
}

/* In the middle of an answer: JSON gets the error as its last line, where no array can go on; then the bytes stop short. */
static void end_broken(Answer *answer, const Error *why) {
        Error ignored;
        if (!answer->session->http->streaming || answer->session->transport.ended)
                return;
        if (!answer->csv) {
                buf_append_byte(&answer->out, '\n');
                http_error_json(answer->session, why, &answer->out);
        }
        (void)send_some(answer, &ignored);
}

static Status pour(Session *session, Portal *portal, bool csv, Error *err) {
        CLEANUP(answer_deinit) Answer answer = { .session = session, .portal = portal, .csv = csv };
        answer.json = json_writer(&answer.out, false);
        Status status = portal_pour(session, portal, take_rows, &answer, err);
        if (status == STATUS_OK)
                return end_answer(&answer, err);
        end_broken(&answer, err);
        return status;
}

/* ---- all of it ---- */

static Status read_command(const Question *question, Arena *arena, Command *out, Error *err) {
        Command *commands;
        size_t count;
        TRY(commands_split(question->sql, arena, &commands, &count, err));
        if (count != 1)
                return error_set(err, STATUS_SQL_REFUSED, "a request asks one question, and this text has %zu", count);
        TRY(command_read(question->sql, commands, arena, err));
        *out = commands[0];
        if (out->kind == COMMAND_QUERY)
                return STATUS_OK;
        error_set(err, STATUS_SQL_REFUSED, "only questions are answered here: SELECT, WITH, VALUES, FROM");
        return error_hint(err, "branch, time and timeout are fields of the request");
}

static Status ask(Session *session, const Question *question, const Command *command, Error *err) {
        Prepared *prepared;
        TRY(prepare(session, question, command, &prepared, err));
        Portal *portal = portal_new(prepared);
        Status status = bind_values(session, question, portal, err);
        if (status == STATUS_OK)
                status = pour(session, portal, question->csv, err);
        portal_free(session, portal);
        prepared_release(prepared);
        return status;
}

/* Where the place counts from the statement's begin, it is made one of the text that was sent. */
static void place(const Question *question, const Command *command, Error *err) {
        size_t at;
        size_t offset = command->inner.data ? command->inner_offset : 0;
        if (session_error_offset(err, question->sql, offset, &at))
                error_place(err, "", question->sql, at);
}

Status http_query(Session *session, Error *err) {
        Question question = { 0 };
        Command command = { 0 };
        TRY(read_question(session, &question, err));
        TRY(take_settings(session, &question, err));
        session_begin(session, TRANSACTION_IMPLICIT);
        session->statement_total++;
        session_show(session, SESSION_ACTIVE, question.sql);
        Status status = read_command(&question, &session->http->arena, &command, err);
        if (status == STATUS_OK)
                status = ask(session, &question, &command, err);
        else
                session_tell_unread(session, question.sql);
        if (status != STATUS_OK)
                place(&question, &command, err);
        return status;
}
