/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What a connection that speaks HTTP is made of; for http_session.c (requests, logins, answers), http_query.c and
 * http_apply.c alone. Requests of one connection are answered one after the other, in order; what a client sent ahead waits
 * in the session's buffer. A request logs in by its token before its body is read: what nobody may send is not taken.
 */
#include "server/http.h"
#include "server/session_parts.h"

typedef enum HttpStage {
        HTTP_OPENING, /* TLS or not: told by the first byte */
        HTTP_SHAKING,
        HTTP_HEAD,
        HTTP_BODY,
        HTTP_ACTION,  /* the request is whole */
        HTTP_DROPPING, /* the rest of a body that nobody wants */
        HTTP_LINGERING, /* the last answer was sent; what still comes is dropped, so that the client can read it */
        HTTP_ENDED,
} HttpStage;

/* What an address does. */
typedef struct HttpRoute {
        const char *path;
        const char *methods;   /* "GET, HEAD": what Allow says */
        bool public;           /* nobody logs in */
        bool wants_worker;
        uint64_t body_most;    /* 0: it takes none */
        Status (*check)(Session *session, Error *err); /* before the body is read; may be NULL */
        /* Answers, by http_answer() or http_stream_*(). What fails is answered by the caller, unless the head was sent. */
        Status (*act)(Session *session, Error *err);
} HttpRoute;

struct Http {
        HttpStage stage;
        Arena arena;        /* of the request */
        HttpHead head;
        HttpBody body;
        Buf content;        /* the body, as far as it came */
        const HttpRoute *route;
        int64_t body_until_us; /* monotonic */
        bool has_begun;     /* bytes of the request's head came */
        bool close;         /* the connection ends with this answer */
        bool streaming, chunked; /* the head of an answer of unknown length was sent */
        int refusal;        /* the status of what fails, where HTTP has one of its own (406, 415); 0 = the error's */
        bool broken;        /* ... and the answer is not whole: the client must see that */
        Str known;          /* the principal whose login on this connection is in the audit log; malloc'ed */
};

#define HTTP_JSON "application/json"
#define HTTP_CSV "text/csv; charset=utf-8"

/* A whole answer. type NULL: no body. */
void http_answer(Session *session, int status, const char *type, Str body);
/* An answer of unknown length: bytes as they come; the first call sends the head (200). */
Status http_stream(Session *session, const char *type, Str bytes, Error *err);
Status http_stream_end(Session *session, Error *err);

/* A field of the request by the address; STR_NONE if it is not there. BAD_VALUE. */
Status http_argument(Session *session, const char *name, Str *out, Error *err);
/* BAD_VALUE for what the address has and nobody reads. */
Status http_arguments_known(Session *session, const char *const *names, size_t count, Error *err);
/* {"error": ...}; what is the store's own is hidden from those whom it does not concern. */
void http_error_json(Session *session, const Error *error, Buf *out);

/* ---- http_query.c ---- */
Status http_query(Session *session, Error *err);
/* ---- http_apply.c ---- */
Status http_apply_check(Session *session, Error *err);
Status http_apply(Session *session, Error *err);
