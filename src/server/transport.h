/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Transport: the bytes of one connection, in clear or through TLS. Reading never waits; transport_write() waits for a slow
 * client as long as it is told to, and for nobody else. Owns the socket. One thread at a time; transport_stop() from any.
 */
#include <stdatomic.h>

#include "base/buf.h"
#include "server/tls.h"

typedef struct ssl_st SSL; /* OpenSSL's own name for it */

#define TRANSPORT_LOOK_MS 200

typedef struct Transport {
        int socket; /* non-blocking */
        SSL *tls;   /* NULL: in clear */
        bool is_shaking; /* the TLS handshake is not over */
        atomic_bool stop; /* writing gives up, within TRANSPORT_LOOK_MS */
        bool ended;      /* nothing more can be read or written */
} Transport;

typedef enum TransportGot {
        TRANSPORT_DATA,
        TRANSPORT_NOTHING,   /* none has come yet */
        TRANSPORT_WANTS_OUT, /* TLS must write before it can read on */
        TRANSPORT_ENDED,
} TransportGot;

void transport_init(Transport *transport, int socket);
void transport_deinit(Transport *transport);
/* Goes on with the handshake; call when the socket is ready until is_shaking is false or it ended. */
void transport_begin_tls(Transport *transport, const TlsContext *context);
/* Whether both sides named the protocol that is spoken inside (ALPN). */
bool transport_has_protocol(const Transport *transport);
TransportGot transport_shake(Transport *transport);
/* The first byte, left where it is; -1 = none yet or ended. */
int transport_peek(Transport *transport);
/* What there is, at most so many bytes more. */
TransportGot transport_read(Transport *transport, Buf *into, size_t most);
/* All of it. IO when the client is gone, TIMEOUT when it took nothing for so long, INTERRUPTED after transport_stop(). */
Status transport_write(Transport *transport, Str bytes, int64_t patience_us, Error *err);
/* What the socket takes at once, perhaps nothing. IO when the client is gone. */
Status transport_write_some(Transport *transport, Str bytes, size_t *out_sent, Error *err);
/* Nothing more will be written: the client sees the end, and may go on sending. */
void transport_finish(Transport *transport);
void transport_stop(Transport *transport);
