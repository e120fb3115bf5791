/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Wire: what a PostgreSQL client sends, taken apart. Frontend messages of protocol 3 (PostgreSQL 15 documentation,
 * "Frontend/Backend Protocol"), the packets before them included. Pure: bytes in, structs out; every size is checked
 * against what is really there before anything is believed, and nothing is allocated by a size that a client named.
 *
 *      wire_frame()          how many bytes the first whole packet has, or 0: more must come
 *      wire_startup_read()   a packet without a type: StartupMessage, SSLRequest, GSSENCRequest, CancelRequest
 *      wire_message_read()   a packet with one
 *
 * Texts are borrowed from the packet, arrays live in the arena. Texts of messages may be any bytes but NUL: that a statement
 * is not UTF-8 is an error of that statement and the session's to tell. Errors are PROTOCOL (SQLSTATE 08P01) and LIMIT; both end
 * the connection, since after them nobody knows where the next message begins. A message of a known type whose parts do not fill
 * it (broken) costs its own statement only, as it does in PostgreSQL.
 */
#include "base/buf.h"

#define WIRE_STARTUP_MAX 10000          /* bytes of a packet before login, as PostgreSQL has it */
#define WIRE_LOGIN_MAX 8192             /* of a message while logging in */
#define WIRE_MESSAGE_MAX (64u << 20)    /* afterwards */
#define WIRE_NAME_MAX 63                /* of a statement, portal or user, bytes: PostgreSQL's NAMEDATALEN - 1 */

typedef enum WireStage {
        WIRE_STAGE_STARTUP, /* no type byte yet */
        WIRE_STAGE_LOGIN,
        WIRE_STAGE_SESSION,
} WireStage;

Status wire_frame(WireStage stage, Str bytes, size_t *out_size, Error *err);

typedef enum WireStartupKind { WIRE_STARTUP, WIRE_STARTUP_TLS, WIRE_STARTUP_GSS, WIRE_STARTUP_CANCEL } WireStartupKind;

typedef struct WireSetting {
        Str name, value;
} WireSetting;

typedef struct WireStartup {
        WireStartupKind kind;
        /* STARTUP: major is 3. A minor above ours and unknown options are answered by NegotiateProtocolVersion. */
        uint16_t minor;
        Str user, database;       /* database is the user's name when it was not given */
        WireSetting *settings;    /* all others, in order: settings of the session */
        size_t setting_count;
        Str *unknown;             /* names that begin with _pq_. */
        size_t unknown_count;
        /* CANCEL */
        uint32_t process;
        Str key;                  /* 4 bytes in protocol 3.0, 4 to 256 in 3.2 */
} WireStartup;

Status wire_startup_read(Str packet, Arena *arena, WireStartup *out, Error *err);

/* type byte, name */
#define WIRE_MESSAGE_TABLE(X)                                                                                   \
        X('Q', QUERY) X('P', PARSE) X('B', BIND) X('D', DESCRIBE) X('E', EXECUTE) X('C', CLOSE) X('H', FLUSH)  \
        X('S', SYNC) X('X', TERMINATE) X('d', COPY_DATA) X('c', COPY_DONE) X('f', COPY_FAIL) X('p', PASSWORD)  \
        X('F', FUNCTION)

typedef enum WireType {
#define X(byte, name) WIRE_##name = byte,
        WIRE_MESSAGE_TABLE(X)
#undef X
} WireType;

typedef struct WireParameter {
        bool null;
        Str bytes;
} WireParameter;

/* Format codes: 0 text, 1 binary. None at all means text for every value, one holds for every value. */
typedef struct WireFormats {
        uint16_t *codes;
        size_t count;
} WireFormats;

typedef struct WireMessage {
        WireType type;
        const char *broken;     /* its name, if its parts do not fill it: nothing else of it is known then; else NULL */
        Str sql;                /* QUERY, PARSE */
        Str name;               /* PARSE, BIND: the statement; DESCRIBE, CLOSE, EXECUTE: what is named. Empty = the unnamed */
        Str portal;             /* BIND */
        bool is_portal;         /* DESCRIBE, CLOSE: a portal, not a statement */
        uint32_t *types;        /* PARSE: OIDs, 0 = not told */
        size_t type_count;
        WireParameter *parameters; /* BIND */
        size_t parameter_count;
        WireFormats parameter_formats, result_formats;
        int32_t rows;           /* EXECUTE: at most; 0 = all */
        Str bytes;              /* COPY_DATA, COPY_FAIL (the reason), PASSWORD: the body */
} WireMessage;

Status wire_message_read(Str message, Arena *arena, WireMessage *out, Error *err);
/* The code for value `index`; the reader has looked that there are 0, 1 or as many codes as values. */
uint16_t wire_format(const WireFormats *formats, size_t index);

/* The two PASSWORD bodies of SASL, which only their place tells apart. */
typedef struct WireSaslInitial {
        Str mechanism;
        bool has_response;
        Str response;
} WireSaslInitial;

Status wire_sasl_initial_read(Str body, WireSaslInitial *out, Error *err);
