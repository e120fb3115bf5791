/* SPDX-License-Identifier: Apache-2.0 */
#include "server/http.h"

#include "base/test.h"

#define HOST "Host: lode\r\n"

/* Reads one head; 200 when it is fine. */
static int status_of(Test *t, const char *text, HttpHead *out) {
        size_t size;
        int status = 200;
        if (http_head_size(str_of(text), &size, &status, &t->err) != STATUS_OK)
                return status;
        if (size == 0)
                return 0;
        return http_head_read((Str){ text, size }, &t->arena, out, &status, &t->err) == STATUS_OK ? 200 : status;
}

TEST(heads_are_taken_or_refused_with_their_number) {
        static const struct {
                const char *text;
                int status; /* 0: more must come */
        } cases[] = {
                { "GET / HTTP/1.1\r\n" HOST "\r\n", 200 },
                { "\r\nGET / HTTP/1.1\r\n" HOST "\r\n", 200 },
                { "GET http://lode/ready HTTP/1.1\r\n" HOST "\r\n", 200 },
                { "OPTIONS * HTTP/1.1\r\n" HOST "\r\n", 200 },
                { "GET / HTTP/1.0\r\n\r\n", 200 },
                { "GET / HTTP/1.1\r\n" HOST, 0 },
                { "GET / HTTP/1.1\r\n" HOST "\r", 0 },
                { "", 0 },
                { "GET / HTTP/1.1\r\n\r\n", 400 },                        /* no Host */
                { "GET / HTTP/1.1\r\n" HOST HOST "\r\n", 400 },
                { "GET / HTTP/1.1\n" HOST "\r\n", 400 },                  /* bare LF */
                { "GET / HTTP/1.1\r\n" HOST "A: b\nC: d\r\n\r\n", 400 },
                { "GET / HTTP/1.1\r\n" HOST "A: b\rC: d\r\n\r\n", 400 },  /* bare CR */
                { "GET / HTTP/1.1\r\n" HOST "A: b\r\n c\r\n\r\n", 400 },  /* continued */
                { "GET / HTTP/1.1\r\n A: b\r\n" HOST "\r\n", 400 },
                { "GET / HTTP/1.1\r\n" HOST "A : b\r\n\r\n", 400 },
                { "GET / HTTP/1.1\r\n" HOST ": b\r\n\r\n", 400 },
                { "GET / HTTP/1.1\r\n" HOST "A\r\n\r\n", 400 },
                { "GET / HTTP/1.1\r\n" HOST "A: \x01\r\n\r\n", 400 },
                { "GET  / HTTP/1.1\r\n" HOST "\r\n", 400 },
                { "GET / HTTP/1.1 \r\n" HOST "\r\n", 505 },
                { "GET /\xc3\xa4 HTTP/1.1\r\n" HOST "\r\n", 400 },
                { "GET lode HTTP/1.1\r\n" HOST "\r\n", 400 },
                { "GET * HTTP/1.1\r\n" HOST "\r\n", 400 },
                { "GET /\r\n\r\n", 400 },
                { "G(T / HTTP/1.1\r\n" HOST "\r\n", 400 },
                { "GET / HTTP/2.0\r\n" HOST "\r\n", 505 },
                { "GET / http/1.1\r\n" HOST "\r\n", 400 },
                { "PRI * HTTP/2.0\r\n\r\n", 505 },
                { "\x16\x03\x01\x02\r\n\r\n", 400 }, /* TLS */
                /* two ways to read where the body ends */
                { "POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400 },
                { "POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\nContent-Length: 3\r\n\r\n", 400 },
                { "POST / HTTP/1.1\r\n" HOST "Content-Length: 3, 3\r\n\r\n", 400 },
                { "POST / HTTP/1.1\r\n" HOST "Content-Length: +3\r\n\r\n", 400 },
                { "POST / HTTP/1.1\r\n" HOST "Content-Length: 0x3\r\n\r\n", 400 },
                { "POST / HTTP/1.1\r\n" HOST "Content-Length:\r\n\r\n", 400 },
                { "POST / HTTP/1.1\r\n" HOST "Content-Length: 9999999999999999999999\r\n\r\n", 413 },
                { "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400 },
                { "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n", 501 },
                { "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: xchunked\r\n\r\n", 501 },
                { "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: identity\r\n\r\n", 501 },
                { "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: \x0b" "chunked\r\n\r\n", 400 },
                { "POST / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n", 400 },
                { "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: Chunked\r\n\r\n", 200 },
                { "POST / HTTP/1.1\r\n" HOST "Expect: 100-continue\r\n\r\n", 200 },
                { "POST / HTTP/1.1\r\n" HOST "Expect: a-cake\r\n\r\n", 417 },
                { "POST / HTTP/1.1\r\n" HOST "Authorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n", 400 },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                HttpHead head;
                int status = status_of(t, cases[i].text, &head);
                if (status != cases[i].status)
                        test_fail(t, __FILE__, __LINE__, "%d, wanted %d: %s", status, cases[i].status, cases[i].text);
        }
}

TEST(a_head_says_what_it_holds) {
        HttpHead head;
        CHECK_INT(status_of(t, "POST /v1/query?zone=shop&x HTTP/1.1\r\nhOST: a:1\r\nContent-Length:  12 \r\nACCEPT: \t text/csv\t\r\nExpect: 100-Continue\r\n"
                               "\r\n", &head), 200);
        CHECK_STR(head.method, STR("POST"));
        CHECK_STR(head.path, STR("/v1/query"));
        CHECK_STR(head.query, STR("zone=shop&x"));
        CHECK_STR(http_field(&head, "accept"), STR("text/csv"));
        CHECK(http_field(&head, "cookie").data == NULL);
        CHECK_INT(head.length, 12);
        CHECK(head.keep_alive && head.waits && !head.chunked);
        static const struct {
                const char *fields;
                bool keep_alive;
        } cases[] = { { "HTTP/1.1\r\nHost: a\r\n", true },
                      { "HTTP/1.1\r\nHost: a\r\nConnection: close\r\n", false },
                      { "HTTP/1.1\r\nHost: a\r\nConnection: te , Close\r\n", false },
                      { "HTTP/1.0\r\n", false },
                      { "HTTP/1.0\r\nConnection: Keep-Alive\r\n", true } };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                CHECK_INT(status_of(t, arena_printf(&t->arena, "GET / %s\r\n", cases[i].fields), &head), 200);
                CHECK_INT(head.keep_alive, cases[i].keep_alive);
        }
}

TEST(heads_over_their_size_are_refused) {
        CLEANUP(buf_deinit) Buf text = { 0 };
        HttpHead head;
        buf_append_cstr(&text, "GET /");
        for (int i = 0; i < HTTP_HEAD_MAX; i++)
                buf_append_byte(&text, 'a');
        CHECK_INT(status_of(t, buf_dup(&text, &t->arena).data, &head), 414);
        buf_clear(&text);
        buf_append_cstr(&text, "GET / HTTP/1.1\r\nHost: a\r\nCookie: ");
        for (int i = 0; i < HTTP_HEAD_MAX; i++)
                buf_append_byte(&text, 'a');
        CHECK_INT(status_of(t, buf_dup(&text, &t->arena).data, &head), 431);
        buf_clear(&text);
        buf_append_cstr(&text, "GET / HTTP/1.1\r\nHost: a\r\n");
        for (int i = 0; i < HTTP_FIELDS_MAX; i++)
                buf_append_cstr(&text, "a: b\r\n");
        buf_append_cstr(&text, "\r\n");
        CHECK_INT(status_of(t, buf_dup(&text, &t->arena).data, &head), 431);
}

/* The body that comes of a head's fields and bytes, cut in pieces of so many; the number that refuses it, or 0: more must come. */
static int body_of(Test *t, const char *fields, Str bytes, size_t piece, Buf *into, size_t *out_left) {
        HttpHead head;
        HttpBody body;
        int status = 200;
        const char *text = arena_printf(&t->arena, "POST / HTTP/1.1\r\nHost: a\r\n%s\r\n", fields);
        if (status_of(t, text, &head) != 200 || http_body_begin(&body, &head, 20, &status, &t->err) != STATUS_OK)
                return status;
        size_t at = 0;
        for (size_t end = 0; end < bytes.size && body.state != HTTP_BODY_DONE;) {
                end = end + piece < bytes.size ? end + piece : bytes.size;
                size_t taken;
                if (http_body_take(&body, str_slice(bytes, at, end), &taken, into, &status, &t->err) != STATUS_OK)
                        return status;
                at += taken;
        }
        *out_left = bytes.size - at;
        return body.state == HTTP_BODY_DONE ? 200 : 0;
}

TEST(bodies_are_taken_however_they_are_cut) {
        static const struct {
                const char *fields, *bytes, *body;
                int status;
                size_t left;
        } cases[] = {
                { "", "GET", "", 200, 3 },
                { "Content-Length: 3\r\n", "abcGET", "abc", 200, 3 },
                { "Content-Length: 3\r\n", "ab", "ab", 0, 0 },
                { "Content-Length: 21\r\n", "", "", 413, 0 },
                { "Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n2;a=b\r\nde\r\n0\r\n\r\nGET", "abcde", 200, 3 },
                { "Transfer-Encoding: chunked\r\n", "0A\r\n0123456789\r\n0\r\nx: y\r\nz: 1\r\n\r\n", "0123456789", 200, 0 },
                { "Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n0\r\n", "abc", 0, 0 },
                { "Transfer-Encoding: chunked\r\n", "3\nabc\r\n0\r\n\r\n", "", 400, 0 },
                { "Transfer-Encoding: chunked\r\n", "3\r\nabcd\r\n0\r\n\r\n", "abc", 400, 0 },
                { "Transfer-Encoding: chunked\r\n", "3\r\nabc\n0\r\n\r\n", "abc", 400, 0 },
                { "Transfer-Encoding: chunked\r\n", "3 \r\nabc\r\n0\r\n\r\n", "", 400, 0 },
                { "Transfer-Encoding: chunked\r\n", "0x3\r\nabc\r\n0\r\n\r\n", "", 400, 0 },
                { "Transfer-Encoding: chunked\r\n", "-3\r\nabc\r\n0\r\n\r\n", "", 400, 0 },
                { "Transfer-Encoding: chunked\r\n", "\r\nabc\r\n0\r\n\r\n", "", 400, 0 },
                { "Transfer-Encoding: chunked\r\n", "0000000000003\r\nabc\r\n0\r\n\r\n", "", 400, 0 },
                { "Transfer-Encoding: chunked\r\n", "ffffffffffff\r\nabc\r\n0\r\n\r\n", "", 413, 0 },
                { "Transfer-Encoding: chunked\r\n", "15\r\nabc\r\n0\r\n\r\n", "", 413, 0 },
                { "Transfer-Encoding: chunked\r\n", "0\r\nno field\r\n\r\n", "", 400, 0 },
                { "Transfer-Encoding: chunked\r\n", "0\r\n a: b\r\n\r\n", "", 400, 0 },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                for (size_t piece = 1; piece < 50; piece += piece < 4 ? 1 : 40) {
                        CLEANUP(buf_deinit) Buf into = { 0 };
                        Str bytes = str_of(cases[i].bytes);
                        size_t left = 0;
                        int status = body_of(t, cases[i].fields, bytes, piece, &into, &left);
                        if (status != cases[i].status || (status < 400 && !str_equal(buf_view(&into), str_of(cases[i].body))))
                                test_fail(t, __FILE__, __LINE__, "%d '%.*s' in pieces of %zu: %s", status, STR_ARG(buf_view(&into)), piece, cases[i].bytes);
                        if (status == 200 && piece > 4)
                                CHECK_INT(left, cases[i].left);
                }
        }
        CLEANUP(buf_deinit) Buf long_line = { 0 }, into = { 0 };
        size_t left;
        for (int i = 0; i < HTTP_CHUNK_LINE_MAX + 2; i++)
                buf_append_byte(&long_line, i ? 'x' : '3');
        long_line.data[1] = ';';
        CHECK_INT(body_of(t, "Transfer-Encoding: chunked\r\n", buf_view(&long_line), 50, &into, &left), 400);
        buf_clear(&long_line);
        buf_append_cstr(&long_line, "0\r\n");
        for (int i = 0; i < HTTP_TRAILER_MAX; i++)
                buf_append_cstr(&long_line, "a: b\r\n");
        CHECK_INT(body_of(t, "Transfer-Encoding: chunked\r\n", buf_view(&long_line), 50, &into, &left), 431);
}

TEST(values_of_an_address_are_decoded) {
        static const struct {
                const char *query, *value; /* NULL: BAD_VALUE; "-": not there */
        } cases[] = {
                { "a=1", "1" }, { "b=2&a=1", "1" }, { "a", "" }, { "a=x%20y+z%2B", "x y z+" }, { "%61=1", "1" }, { "", "-" }, { "aa=1", "-" },
                { "a=%2", NULL }, { "a=%zz", NULL }, { "a=%00", NULL }, { "a=%ff", NULL }, { "a=1&a=1", NULL }, { "&&a=1&", "1" },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Str value = STR("-");
                bool found;
                Status status = http_query_value(str_of(cases[i].query), "a", &t->arena, &value, &found, &t->err);
                CHECK_INT(status, cases[i].value ? STATUS_OK : STATUS_BAD_VALUE);
                if (cases[i].value)
                        CHECK_STR(value, str_of(cases[i].value));
        }
}

TEST(accept_is_weighed) {
        static const struct {
                const char *accept;
                int json, csv;
        } cases[] = {
                { "", 1000, 1000 }, { "*/*", 1000, 1000 }, { "text/csv", 0, 1000 }, { "application/json", 1000, 0 },
                { "text/*;q=0.5, application/json;q=0.25", 250, 500 }, { "*/*;q=0.1, TEXT/CSV", 100, 1000 },
                { "application/xml", 0, 0 }, { "text/csv;q=0", 0, 0 }, { "text/csv;q=0, */*", 1000, 0 }, { "text/csv; header=present; q=0.3", 0, 300 },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                CHECK_INT(http_accept_weight(str_of(cases[i].accept), STR("application/json")), cases[i].json);
                CHECK_INT(http_accept_weight(str_of(cases[i].accept), STR("text/csv")), cases[i].csv);
        }
}
