/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * TLS: the server's certificate, and what a client may bind its login to (RFC 5929, tls-server-end-point). TLS 1.2 and
 * 1.3; a client that offers protocols (ALPN) must offer the listener's: PostgreSQL 17 wants that for direct TLS, and what was
 * meant for one listener is not taken by the other. Immutable once made: any thread.
 */
#include "base/arena.h"
#include "base/error.h"

typedef struct TlsContext TlsContext;
typedef struct ssl_ctx_st SSL_CTX;

typedef enum TlsProtocol { TLS_POSTGRESQL, TLS_HTTP } TlsProtocol;

/* PEM files: the certificate with its chain, and the key. BAD_VALUE says which file and what is wrong with it. */
Status tls_open(const char *certificate, const char *key, TlsProtocol protocol, TlsContext **out, Error *err);
void tls_close(TlsContext *context); /* NULL is fine */
SSL_CTX *tls_of(const TlsContext *context);
/* Hash of the certificate by the hash of its signature; empty where that is none (Ed25519): then -PLUS is not offered. */
Str tls_binding(const TlsContext *context);

/*
 * Makes a CA and a server certificate (RSA 2048, SHA-256, for these names and addresses) in a folder unless they are there:
 * ca.pem, server.pem, server.key (0600). The CA's key is not kept. IO.
 */
Status tls_make(const char *folder, const char *const *names, size_t count, Error *err);
