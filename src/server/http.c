/* SPDX-License-Identifier: Apache-2.0 */
#include "server/http.h"

#include <inttypes.h>

#include "base/vec.h"

#define LENGTH_DIGITS_MAX 15  /* of a Content-Length */
#define CHUNK_DIGITS_MAX 12   /* hexadecimal */
#define EMPTY_LINES_MAX 1     /* before a request line, as the RFC asks for */

/* ---- characters ---- */

static bool is_token_byte(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || char_is_one_of(c, "!#$%&'*+-.^_`|~");
}

static bool is_token(Str text) {
        for (size_t i = 0; i < text.size; i++)
                if (!is_token_byte(text.data[i]))
                        return false;
        return text.size > 0;
}

static bool is_visible(Str text) {
        for (size_t i = 0; i < text.size; i++)
                if (text.data[i] <= ' ' || text.data[i] == 0x7f) /* bytes above ASCII are negative, and refused too */
                        return false;
        return text.size > 0;
}

static bool is_field_value(Str text) {
        for (size_t i = 0; i < text.size; i++) {
                unsigned char c = (unsigned char)text.data[i];
                if ((c < ' ' && c != '\t') || c == 0x7f)
                        return false;
        }
        return true;
}

static Str trim_blanks(Str text) {
        while (text.size > 0 && (text.data[0] == ' ' || text.data[0] == '\t'))
                text = str_slice(text, 1, text.size);
        while (text.size > 0 && (text.data[text.size - 1] == ' ' || text.data[text.size - 1] == '\t'))
                text.size--;
        return text;
}

static int hex_digit(char c) {
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static Status refuse(int *out_status, int status, Error *err, const char *words) {
        *out_status = status;
        return error_set(err, status == 413 || status == 414 || status == 431 ? STATUS_LIMIT : STATUS_PROTOCOL, "%s", words);
}

/* ---- the head ---- */

/* The next line without its end; false when it has none yet. A CR or LF by itself is left in it, to be refused. */
static bool next_line(Str *rest, Str *out_line) {
        size_t end = str_find(*rest, STR("\r\n"));
        if (end >= rest->size)
                return false;
        *out_line = str_slice(*rest, 0, end);
        *rest = str_slice(*rest, end + 2, rest->size);
        return true;
}

/* A bare LF that others might take for the end of a line is refused before the head is whole. */
static bool has_bare_line_end(Str bytes) {
        for (size_t i = 0; i < bytes.size; i++) {
                if (bytes.data[i] == '\n' && (i == 0 || bytes.data[i - 1] != '\r'))
                        return true;
                if (bytes.data[i] == '\r' && i + 1 < bytes.size && bytes.data[i + 1] != '\n')
                        return true;
        }
        return false;
}

static size_t skip_empty_lines(Str bytes) {
        size_t at = 0;
        for (int i = 0; i < EMPTY_LINES_MAX && str_starts_with(str_slice(bytes, at, bytes.size), STR("\r\n")); i++)
                at += 2;
        return at;
}

Status http_head_size(Str bytes, size_t *out_size, int *out_status, Error *err) {
        size_t skipped = skip_empty_lines(bytes);
        Str head = str_slice(bytes, skipped, bytes.size < HTTP_HEAD_MAX ? bytes.size : HTTP_HEAD_MAX);
        size_t end = str_find(head, STR("\r\n\r\n"));
        *out_size = 0;
        if (has_bare_line_end(str_slice(head, 0, end < head.size ? end + 4 : head.size)))
                return refuse(out_status, 400, err, "a line of the request ends with CR or LF alone");
        if (end < head.size) {
                *out_size = skipped + end + 4;
                return STATUS_OK;
        }
        if (bytes.size < HTTP_HEAD_MAX)
                return STATUS_OK;
        bool is_line = str_find(head, STR("\r\n")) >= HTTP_TARGET_MAX;
        return is_line ? refuse(out_status, 414, err, "the address is longer than 8 kB")
                       : refuse(out_status, 431, err, "the request's head is larger than 16 kB");
}

static Status read_version(Str text, HttpHead *out, int *out_status, Error *err) {
        if (str_is(text, "HTTP/1.1") || str_is(text, "HTTP/1.0")) {
                out->minor = text.data[7] - '0';
                return STATUS_OK;
        }
        if (str_starts_with(text, STR("HTTP/")))
                return refuse(out_status, 505, err, "the version is not HTTP/1.1");
        return refuse(out_status, 400, err, "the request's first line is not METHOD TARGET HTTP/1.1");
}

/* "/path?query"; "http://host/path" as proxies send it; "*" of OPTIONS. */
static Status read_target(Str target, HttpHead *out, int *out_status, Error *err) {
        static const char *const schemes[] = { "http://", "https://" };
        if (target.size > HTTP_TARGET_MAX)
                return refuse(out_status, 414, err, "the address is longer than 8 kB");
        if (!is_visible(target))
                return refuse(out_status, 400, err, "the address has a byte that none may have");
        for (size_t i = 0; i < COUNT_OF(schemes); i++) {
                if (!str_starts_with(target, str_of(schemes[i])))
                        continue;
                target = str_slice(target, strlen(schemes[i]), target.size);
                target = str_slice(target, str_find_byte(target, '/'), target.size);
                if (target.size == 0)
                        target = STR("/");
                break;
        }
        bool is_star = str_is(target, "*") && str_is(out->method, "OPTIONS");
        if (target.data[0] != '/' && !is_star)
                return refuse(out_status, 400, err, "the address is no path");
        str_cut(target, '?', &out->path, &out->query);
        if (str_find_byte(target, '?') == target.size)
                out->query = STR("");
        return STATUS_OK;
}

static Status read_request_line(Str line, HttpHead *out, int *out_status, Error *err) {
        Str rest, version, target;
        if (!str_cut(line, ' ', &out->method, &rest) || !str_cut(rest, ' ', &target, &version) || !is_token(out->method))
                return refuse(out_status, 400, err, "the request's first line is not METHOD TARGET HTTP/1.1");
        TRY(read_version(version, out, out_status, err));
        return read_target(target, out, out_status, err);
}

static Status read_field(Str line, HttpField *out, int *out_status, Error *err) {
        if (line.size > 0 && (line.data[0] == ' ' || line.data[0] == '\t'))
                return refuse(out_status, 400, err, "a field is continued on the next line");
        if (!str_cut(line, ':', &out->name, &out->value) || !is_token(out->name))
                return refuse(out_status, 400, err, "a field is not NAME: VALUE");
        out->value = trim_blanks(out->value);
        if (!is_field_value(out->value))
                return refuse(out_status, 400, err, "a field's value has a byte that none may have");
        return STATUS_OK;
}

static Status read_length(Str value, HttpHead *out, int *out_status, Error *err) {
        bool digits = value.size > 0;
        for (size_t i = 0; i < value.size; i++)
                digits &= value.data[i] >= '0' && value.data[i] <= '9';
        if (!digits)
                return refuse(out_status, 400, err, "Content-Length is no number");
        if (value.size > LENGTH_DIGITS_MAX || !str_to_uint64(value, &out->length))
                return refuse(out_status, 413, err, "the body is larger than any that is taken here");
        return STATUS_OK;
}

static Status read_coding(Str value, HttpHead *out, int *out_status, Error *err) {
        if (out->minor == 0)
                return refuse(out_status, 400, err, "HTTP/1.0 has no Transfer-Encoding");
        if (!str_equal_nocase(value, STR("chunked")))
                return refuse(out_status, 501, err, "the only Transfer-Encoding that is taken here is chunked");
        out->chunked = true;
        return STATUS_OK;
}

static Status read_expect(Str value, HttpHead *out, int *out_status, Error *err) {
        if (!str_equal_nocase(value, STR("100-continue")))
                return refuse(out_status, 417, err, "the only Expect that is met here is 100-continue");
        out->waits = out->minor > 0;
        return STATUS_OK;
}

static Status read_connection(Str value, HttpHead *out, int *out_status UNUSED, Error *err UNUSED) {
        while (value.size > 0) {
                Str token;
                str_cut(value, ',', &token, &value);
                if (str_equal_nocase(trim_blanks(token), STR("close")))
                        out->keep_alive = false;
                else if (str_equal_nocase(trim_blanks(token), STR("keep-alive")) && out->minor == 0)
                        out->keep_alive = true;
        }
        return STATUS_OK;
}

static Status read_host(Str value, HttpHead *out UNUSED, int *out_status, Error *err) {
        return value.size == 0 || is_visible(value) ? STATUS_OK : refuse(out_status, 400, err, "Host is no name");
}

/* Fields that decide about the request itself. Each may stand once, where two readers could follow different ones. */
static const struct {
        const char *name;
        bool once;
        Status (*read)(Str value, HttpHead *out, int *out_status, Error *err);
} known_fields[] = {
        { "content-length", true, read_length },
        { "transfer-encoding", true, read_coding },
        { "host", true, read_host },
        { "expect", true, read_expect },
        { "connection", false, read_connection },
        { "authorization", true, NULL },
        { "content-type", true, NULL },
        { "content-encoding", true, NULL },
};

static Status read_known(HttpHead *out, int *out_status, Error *err) {
        bool seen[COUNT_OF(known_fields)] = { 0 };
        for (size_t i = 0; i < out->field_count; i++) {
                for (size_t k = 0; k < COUNT_OF(known_fields); k++) {
                        if (!str_equal_nocase(out->fields[i].name, str_of(known_fields[k].name)))
                                continue;
                        if (seen[k] && known_fields[k].once) {
                                *out_status = 400;
                                return error_set(err, STATUS_PROTOCOL, "the field %s stands twice", known_fields[k].name);
                        }
                        seen[k] = true;
                        if (known_fields[k].read)
                                TRY(known_fields[k].read(out->fields[i].value, out, out_status, err));
                }
        }
        if (seen[0] && seen[1])
                return refuse(out_status, 400, err, "Content-Length and Transfer-Encoding in one request");
        if (!seen[2] && out->minor > 0)
                return refuse(out_status, 400, err, "a request of HTTP/1.1 names its Host");
        return STATUS_OK;
}

Status http_head_read(Str bytes, Arena *arena, HttpHead *out, int *out_status, Error *err) {
        HttpHead head = { 0 };
        Str rest = str_slice(bytes, skip_empty_lines(bytes), bytes.size), line;
        VEC(HttpField) fields = { 0 };
        *out_status = 400;
        if (!next_line(&rest, &line))
                return refuse(out_status, 400, err, "a request without a first line");
        TRY(read_request_line(line, &head, out_status, err));
        while (next_line(&rest, &line) && line.size > 0) {
                HttpField field;
                if (fields.count == HTTP_FIELDS_MAX)
                        return refuse(out_status, 431, err, "the request has more than 100 fields");
                TRY(read_field(line, &field, out_status, err));
                vec_push(arena, &fields, field);
        }
        head.fields = fields.items;
        head.field_count = fields.count;
        head.keep_alive = head.minor > 0;
        TRY(read_known(&head, out_status, err));
        *out = head;
        return STATUS_OK;
}

Str http_field(const HttpHead *head, const char *name) {
        for (size_t i = 0; i < head->field_count; i++)
                if (str_equal_nocase(head->fields[i].name, str_of(name)))
                        return head->fields[i].value;
        return STR_NONE;
}

/* ---- the body ---- */

static Status too_large(const HttpBody *body, int *out_status, Error *err) {
        *out_status = 413;
        return error_set(err, STATUS_LIMIT, "the body is larger than the %" PRIu64 " bytes that this address takes", body->most);
}

Status http_body_begin(HttpBody *body, const HttpHead *head, uint64_t most, int *out_status, Error *err) {
        *body = (HttpBody){ .state = head->chunked ? HTTP_BODY_CHUNK_SIZE : HTTP_BODY_LENGTH, .left = head->length, .most = most };
        if (!head->chunked && head->length > most)
                return too_large(body, out_status, err);
        if (!head->chunked && head->length == 0)
                body->state = HTTP_BODY_DONE;
        return STATUS_OK;
}

/* SIZE[;extension], which is passed over. */
static Status read_chunk_size(HttpBody *body, Str line, int *out_status, Error *err) {
        size_t digits = 0;
        body->left = 0;
        for (; digits < line.size && hex_digit(line.data[digits]) >= 0; digits++)
                body->left = body->left * 16 + (uint64_t)hex_digit(line.data[digits]);
        Str extension = str_slice(line, digits, line.size);
        if (digits == 0 || digits > CHUNK_DIGITS_MAX || (extension.size > 0 && extension.data[0] != ';') || !is_field_value(extension))
                return refuse(out_status, 400, err, "a chunk's length is no number");
        if (body->left > body->most - body->got)
                return too_large(body, out_status, err);
        body->state = body->left ? HTTP_BODY_CHUNK : HTTP_BODY_TRAILER;
        return STATUS_OK;
}

static Status take_line(HttpBody *body, Str *rest, bool *out_more, int *out_status, Error *err) {
        Str line, before = *rest;
        bool is_trailer = body->state == HTTP_BODY_TRAILER;
        size_t most = !is_trailer ? HTTP_CHUNK_LINE_MAX : body->trailer < HTTP_TRAILER_MAX ? HTTP_TRAILER_MAX - body->trailer : 0;
        size_t seen = rest->size < most + 2 ? rest->size : most + 2;
        Str window = str_slice(*rest, 0, seen);
        *out_more = next_line(&window, &line);
        if (has_bare_line_end(*out_more ? str_slice(before, 0, line.size + 2) : window))
                return refuse(out_status, 400, err, "a line of the body's chunks ends with CR or LF alone");
        if (!*out_more)
                return seen < most + 2 ? STATUS_OK : refuse(out_status, is_trailer ? 431 : 400, err, "a line of the body's chunks is too long");
        *rest = str_slice(before, line.size + 2, before.size);
        if (!is_trailer)
                return read_chunk_size(body, line, out_status, err);
        HttpField ignored;
        body->trailer += line.size + 2;
        if (line.size == 0)
                body->state = HTTP_BODY_DONE;
        return line.size == 0 ? STATUS_OK : read_field(line, &ignored, out_status, err);
}

static void take_bytes(HttpBody *body, Str *rest, Buf *into) {
        size_t size = rest->size < body->left ? rest->size : (size_t)body->left;
        if (into)
                buf_append(into, str_slice(*rest, 0, size));
        *rest = str_slice(*rest, size, rest->size);
        body->left -= size;
        body->got += size;
        if (body->left == 0)
                body->state = body->state == HTTP_BODY_LENGTH ? HTTP_BODY_DONE : HTTP_BODY_CHUNK_END;
}

Status http_body_take(HttpBody *body, Str bytes, size_t *out_taken, Buf *into, int *out_status, Error *err) {
        Str rest = bytes;
        bool more = true;
        *out_taken = 0;
        while (more && rest.size > 0 && body->state != HTTP_BODY_DONE) {
                switch (body->state) {
                case HTTP_BODY_LENGTH:
                case HTTP_BODY_CHUNK:
                        take_bytes(body, &rest, into);
                        break;
                case HTTP_BODY_CHUNK_END:
                        if (rest.data[0] != '\r' || (rest.size > 1 && rest.data[1] != '\n'))
                                return refuse(out_status, 400, err, "a chunk is longer than it says");
                        more = rest.size > 1;
                        if (more) {
                                rest = str_slice(rest, 2, rest.size);
                                body->state = HTTP_BODY_CHUNK_SIZE;
                        }
                        break;
                default:
                        TRY(take_line(body, &rest, &more, out_status, err));
                }
        }
        *out_taken = bytes.size - rest.size;
        return STATUS_OK;
}

/* ---- queries and types ---- */

static Status decode(Str text, Arena *arena, Str *out, Error *err) {
        CLEANUP(buf_deinit) Buf read = { 0 };
        for (size_t i = 0; i < text.size; i++) {
                char c = text.data[i];
                if (c == '%') {
                        bool whole = i + 2 < text.size;
                        int high = whole ? hex_digit(text.data[i + 1]) : -1, low = whole ? hex_digit(text.data[i + 2]) : -1;
                        if (high < 0 || low < 0)
                                return error_set(err, STATUS_BAD_VALUE, "the address has a %% without two hexadecimal digits");
                        if (high * 16 + low == 0)
                                return error_set(err, STATUS_BAD_VALUE, "the address has a NUL (%%00) in it");
                        c = (char)(high * 16 + low);
                        i += 2;
                }
                buf_append_byte(&read, text.data[i] == '+' && c == '+' ? ' ' : c);
        }
        *out = buf_dup(&read, arena);
        return utf8_valid(*out) ? STATUS_OK : error_set(err, STATUS_BAD_VALUE, "the address has a value that is not UTF-8");
}

Status http_query_value(Str query, const char *name, Arena *arena, Str *out, bool *out_found, Error *err) {
        *out_found = false;
        while (query.size > 0) {
                Str pair, key, value;
                if (!str_cut(query, '&', &pair, &query))
                        query = STR_NONE;
                if (!str_cut(pair, '=', &key, &value))
                        value = STR("");
                TRY(decode(key, arena, &key, err));
                if (!str_is(key, name))
                        continue;
                if (*out_found)
                        return error_set(err, STATUS_BAD_VALUE, "the address says %s twice", name);
                TRY(decode(value, arena, out, err));
                *out_found = true;
        }
        return STATUS_OK;
}

Status http_query_names(Str query, Arena *arena, Str **out, size_t *out_count, Error *err) {
        VEC(Str) names = { 0 };
        while (query.size > 0) {
                Str pair, key, value;
                if (!str_cut(query, '&', &pair, &query))
                        query = STR_NONE;
                str_cut(pair, '=', &key, &value);
                TRY(decode(key, arena, &key, err));
                if (pair.size > 0)
                        vec_push(arena, &names, key);
        }
        *out = names.items;
        *out_count = names.count;
        return STATUS_OK;
}

/* q=0.8 as 800; 1000 without one. */
static int read_weight(Str parameters) {
        while (parameters.size > 0) {
                Str one, key, value;
                if (!str_cut(parameters, ';', &one, &parameters))
                        parameters = STR_NONE;
                if (!str_cut(one, '=', &key, &value) || !str_equal_nocase(trim_blanks(key), STR("q")))
                        continue;
                value = trim_blanks(value);
                int weight = value.size > 0 && value.data[0] == '1' ? 1000 : 0, unit = 100;
                for (size_t i = 2; i < value.size && weight < 1000 && unit > 0; i++, unit /= 10)
                        if (value.data[i] >= '0' && value.data[i] <= '9')
                                weight += unit * (value.data[i] - '0');
                return weight;
        }
        return 1000;
}

int http_accept_weight(Str accept, Str type) {
        int found = 0, best = -1; /* the most specific range decides */
        if (trim_blanks(accept).size == 0)
                return 1000;
        Str family = str_slice(type, 0, str_find_byte(type, '/'));
        while (accept.size > 0) {
                Str one, range, parameters;
                if (!str_cut(accept, ',', &one, &accept))
                        accept = STR_NONE;
                if (!str_cut(one, ';', &range, &parameters))
                        parameters = STR_NONE;
                range = trim_blanks(range);
                Str head, tail;
                bool has_slash = str_cut(range, '/', &head, &tail);
                int rank = str_equal_nocase(range, type)                                              ? 2
                           : has_slash && str_is(tail, "*") && str_equal_nocase(head, family)         ? 1
                           : str_is(range, "*/*")                                                     ? 0
                                                                                                      : -1;
                if (rank > best) {
                        best = rank;
                        found = read_weight(parameters);
                }
        }
        return found;
}

/* ---- answers ---- */

const char *http_reason(int status) {
        static const struct {
                int status;
                const char *words;
        } reasons[] = {
                { 100, "Continue" }, { 200, "OK" }, { 204, "No Content" }, { 400, "Bad Request" }, { 401, "Unauthorized" },
                { 403, "Forbidden" }, { 404, "Not Found" }, { 405, "Method Not Allowed" }, { 406, "Not Acceptable" },
                { 408, "Request Timeout" }, { 409, "Conflict" }, { 410, "Gone" }, { 413, "Content Too Large" },
                { 414, "URI Too Long" }, { 415, "Unsupported Media Type" }, { 417, "Expectation Failed" },
                { 422, "Unprocessable Content" }, { 429, "Too Many Requests" }, { 431, "Request Header Fields Too Large" },
                { 499, "Client Closed Request" }, { 500, "Internal Server Error" }, { 501, "Not Implemented" },
                { 503, "Service Unavailable" }, { 505, "HTTP Version Not Supported" },
        };
        for (size_t i = 0; i < COUNT_OF(reasons); i++)
                if (reasons[i].status == status)
                        return reasons[i].words;
        return "Unknown";
}

void http_put_status(Buf *out, int status) {
        buf_printf(out, "HTTP/1.1 %d %s\r\n", status, http_reason(status));
}

void http_put_field(Buf *out, const char *name, Str value) {
        buf_printf(out, "%s: %.*s\r\n", name, STR_ARG(value));
}
