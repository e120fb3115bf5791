/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Reply: the messages of the server's side of the PostgreSQL protocol, appended to a Buf. Each is whole when the call
 * returns. Texts are cut at a NUL, which the protocol cannot carry. A Buf that reached its limit has `failed` set, as ever.
 */
#include "base/buf.h"

void reply_login_mechanisms(Buf *buf, bool plus); /* AuthenticationSASL */
void reply_login_continue(Buf *buf, Str data);    /* AuthenticationSASLContinue */
void reply_login_final(Buf *buf, Str data);       /* AuthenticationSASLFinal */
void reply_login_password(Buf *buf);              /* AuthenticationCleartextPassword; inside TLS only */
void reply_login_ok(Buf *buf);
void reply_protocol(Buf *buf, uint16_t minor, const Str *unknown, size_t count); /* NegotiateProtocolVersion, 3.minor */
void reply_setting(Buf *buf, Str name, Str value);     /* ParameterStatus */
void reply_cancel_key(Buf *buf, uint32_t process, Str key);

typedef enum ReplyState { REPLY_IDLE = 'I', REPLY_IN_TRANSACTION = 'T', REPLY_IN_FAILED_TRANSACTION = 'E' } ReplyState;
void reply_ready(Buf *buf, ReplyState state);

/* Messages without a body. */
typedef enum ReplyMark {
        REPLY_PARSED = '1',
        REPLY_BOUND = '2',
        REPLY_CLOSED = '3',
        REPLY_NO_DATA = 'n',
        REPLY_SUSPENDED = 's',
        REPLY_EMPTY_QUERY = 'I',
        REPLY_COPY_DONE = 'c',
} ReplyMark;
void reply_mark(Buf *buf, ReplyMark mark);

typedef struct ReplyColumn {
        Str name;
        uint32_t oid;
        int16_t size;      /* of the type, -1 where it varies */
        int32_t modifier;  /* -1 = none */
        uint16_t format;
} ReplyColumn;

void reply_columns(Buf *buf, const ReplyColumn *columns, size_t count); /* RowDescription */
void reply_parameters(Buf *buf, const uint32_t *oids, size_t count);    /* ParameterDescription */
void reply_complete(Buf *buf, Str tag);
void reply_copy_out(Buf *buf, uint16_t format, size_t column_count);    /* CopyOutResponse, all columns alike */

/* A row being made: begin, one call a column, end. */
size_t reply_row_begin(Buf *buf, size_t column_count);
void reply_row_value(Buf *buf, Str value);
void reply_row_end(Buf *buf, size_t mark);

typedef enum ReplySeverity { REPLY_NOTICE, REPLY_WARNING, REPLY_ERROR, REPLY_FATAL } ReplySeverity;

typedef struct ReplyError {
        ReplySeverity severity;
        Str sqlstate, message, detail, hint;
        int64_t position; /* in the client's text, in characters from 1; 0 = none */
} ReplyError;

/* ErrorResponse or, for the two mildest, NoticeResponse. */
void reply_error(Buf *buf, const ReplyError *error);
