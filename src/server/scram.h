/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Scram: the server's side of SCRAM-SHA-256 and SCRAM-SHA-256-PLUS (RFC 5802, 7677; channel binding tls-server-end-point,
 * RFC 5929; as PostgreSQL has it, RFC 7677 without a user name in the exchange). Pure: texts in, texts out.
 *
 * A server keeps verifiers, from which a password cannot be had back. For a user that does not exist the same exchange
 * is held with a verifier made of the user's name and a secret of the store: same steps, same time, and it never ends well.
 *
 *      scram_begin(&scram, &verifier, known, binding)
 *      scram_first(&scram, mechanism, client's first, arena, &server's first, err)
 *      scram_final(&scram, client's final, arena, &server's final, err)      LOGIN: wrong password, or no such user
 *
 * One exchange, one thread. PROTOCOL for what is no SCRAM, LOGIN for what is refused; both end the connection.
 */
#include "base/arena.h"
#include "base/error.h"
#include "base/hash.h"

#define SCRAM_MECHANISM "SCRAM-SHA-256"
#define SCRAM_MECHANISM_PLUS "SCRAM-SHA-256-PLUS"
#define SCRAM_ITERATIONS 4096          /* PostgreSQL's; the cost falls on the client */
#define SCRAM_ITERATIONS_MAX 1000000   /* of a verifier that a client made (\password) */
#define SCRAM_SALT_SIZE 16
#define SCRAM_SALT_MAX 64
#define SCRAM_MESSAGE_MAX 4096

typedef struct ScramVerifier {
        uint32_t iterations;
        uint8_t salt[SCRAM_SALT_MAX];
        size_t salt_size;
        Sha256 stored_key, server_key;
} ScramVerifier;

/* With a new salt. */
void scram_verifier_make(Str password, ScramVerifier *out);
/* The verifier of nobody: the same for the same user and secret, so that asking twice tells nothing. */
void scram_verifier_mock(Str user, Str secret, ScramVerifier *out);
/* PostgreSQL's form: SCRAM-SHA-256$ITERATIONS:SALT$STOREDKEY:SERVERKEY, in base64. */
Str scram_verifier_print(Arena *arena, const ScramVerifier *verifier);
/* BAD_VALUE. What psql's \password sends is of this form. */
Status scram_verifier_parse(Str text, Arena *arena, ScramVerifier *out, Error *err);
/* Whether this is its password, in constant time: for logins that send it inside TLS. */
bool scram_verifier_fits(const ScramVerifier *verifier, Str password);

typedef struct Scram {
        ScramVerifier verifier;
        bool known;
        Str binding;      /* hash of the server's certificate; empty: no TLS, -PLUS was not offered */
        bool plus;        /* what the client chose */
        Str header;       /* its gs2 header */
        Str bare;         /* its first message without it */
        Str first;        /* our answer */
        Str nonce;        /* both halves */
} Scram;

/* binding is borrowed for the exchange; empty when there is no TLS, or its certificate's hash cannot be told. */
void scram_begin(Scram *scram, const ScramVerifier *verifier, bool known, Str binding);
Status scram_first(Scram *scram, Str mechanism, Str message, Arena *arena, Str *out, Error *err);
Status scram_final(Scram *scram, Str message, Arena *arena, Str *out, Error *err);
/* For tests: the server's half of the nonce is this, not random. */
Status scram_first_with(Scram *scram, Str mechanism, Str message, Str nonce, Arena *arena, Str *out, Error *err);
