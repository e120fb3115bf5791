/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * HTTP/1.1 (RFC 9110, 9112) as a client sends it, taken apart, and heads of answers put together. Pure: bytes in, structs
 * out. Stricter than the RFC demands wherever two readers could differ about where a request ends: line ends are CRLF and
 * nothing else, a field is never continued on the next line, Content-Length stands once and never beside Transfer-Encoding,
 * whose only coding is `chunked`. What breaks a rule ends its connection: nobody knows where the next request begins.
 *
 *      http_head_size()   how many bytes the first whole head has, or 0: more must come
 *      http_head_read()   the head taken apart
 *      http_body_take()   the bytes of its body, chunked or not, as they come
 *
 * Texts are borrowed from the head, arrays live in the arena. A refused request leaves in *out_status the number that answers
 * it (400, 414, 417, 431, 501, 505) and in err why (PROTOCOL; LIMIT).
 */
#include "base/arena.h"
#include "base/buf.h"

#define HTTP_HEAD_MAX 16384    /* bytes: request line, fields, the blank line */
#define HTTP_TARGET_MAX 8192   /* bytes */
#define HTTP_FIELDS_MAX 100
#define HTTP_CHUNK_LINE_MAX 256 /* bytes of a line that says how long a chunk is */
#define HTTP_TRAILER_MAX 8192   /* bytes of fields behind the last chunk, which mean nothing here */

typedef struct HttpField {
        Str name, value; /* the value without blanks around it */
} HttpField;

typedef struct HttpHead {
        Str method;
        Str path, query;   /* of the target; the query without its '?' */
        int minor;         /* HTTP/1.minor: 0 or 1 */
        HttpField *fields;
        size_t field_count;
        bool chunked;      /* length then means nothing */
        uint64_t length;   /* of the body */
        bool keep_alive;   /* the client wants the connection to live on */
        bool waits;        /* Expect: 100-continue: it sends the body only when told to */
} HttpHead;

Status http_head_size(Str bytes, size_t *out_size, int *out_status, Error *err);
Status http_head_read(Str bytes, Arena *arena, HttpHead *out, int *out_status, Error *err);
/* The first field of that name (any case), STR_NONE if there is none. */
Str http_field(const HttpHead *head, const char *name);
static inline bool http_has_body(const HttpHead *head) {
        return head->chunked || head->length > 0;
}

typedef enum HttpBodyState { HTTP_BODY_LENGTH, HTTP_BODY_CHUNK_SIZE, HTTP_BODY_CHUNK, HTTP_BODY_CHUNK_END, HTTP_BODY_TRAILER, HTTP_BODY_DONE } HttpBodyState;

typedef struct HttpBody {
        HttpBodyState state;
        uint64_t left;    /* bytes of the chunk, or of the whole */
        uint64_t got, most;
        size_t trailer;   /* bytes of it so far */
} HttpBody;

/* most: bytes beyond which it is refused (LIMIT, 413). */
Status http_body_begin(HttpBody *body, const HttpHead *head, uint64_t most, int *out_status, Error *err);
/* Takes what it understands of bytes and appends the body's part of it to `into` (NULL: dropped). DONE when all of it came. */
Status http_body_take(HttpBody *body, Str bytes, size_t *out_taken, Buf *into, int *out_status, Error *err);

/* The value of name=value in a query or form, %XX and '+' read; *out_found. BAD_VALUE for what is badly written. */
Status http_query_value(Str query, const char *name, Arena *arena, Str *out, bool *out_found, Error *err);
/* The names of a query, in order, for refusing those that mean nothing. BAD_VALUE. */
Status http_query_names(Str query, Arena *arena, Str **out, size_t *out_count, Error *err);

/* How much an Accept field likes a type such as "text/csv", 0 to 1000; an absent field takes everything. */
int http_accept_weight(Str accept, Str type);

/* "HTTP/1.1 200 OK" and its line end. */
void http_put_status(Buf *out, int status);
void http_put_field(Buf *out, const char *name, Str value);
const char *http_reason(int status);
