/* SPDX-License-Identifier: Apache-2.0 */
#include "server/scram.h"

#define NONCE_BYTES 18 /* 24 characters of base64 */

static Str hash_view(const Sha256 *hash) {
        return (Str){ (const char *)hash->bytes, SHA256_SIZE };
}

static Str salt_view(const ScramVerifier *verifier) {
        return (Str){ (const char *)verifier->salt, verifier->salt_size };
}

/* ---- verifiers ---- */

static void derive(Str password, const ScramVerifier *verifier, Sha256 *stored_key, Sha256 *server_key) {
        Sha256 salted = pbkdf2_sha256(password, salt_view(verifier), verifier->iterations);
        Sha256 client_key = hmac_sha256(hash_view(&salted), STR("Client Key"));
        *stored_key = sha256_of(hash_view(&client_key));
        *server_key = hmac_sha256(hash_view(&salted), STR("Server Key"));
        explicit_bzero(&salted, sizeof(salted));
        explicit_bzero(&client_key, sizeof(client_key));
}

void scram_verifier_make(Str password, ScramVerifier *out) {
        *out = (ScramVerifier){ .iterations = SCRAM_ITERATIONS, .salt_size = SCRAM_SALT_SIZE };
        random_bytes(out->salt, SCRAM_SALT_SIZE);
        derive(password, out, &out->stored_key, &out->server_key);
}

void scram_verifier_mock(Str user, Str secret, ScramVerifier *out) {
        *out = (ScramVerifier){ .iterations = SCRAM_ITERATIONS, .salt_size = SCRAM_SALT_SIZE };
        Sha256 salt = hmac_sha256(secret, user);
        memcpy(out->salt, salt.bytes, SCRAM_SALT_SIZE);
        out->stored_key = hmac_sha256(secret, hash_view(&salt));
        out->server_key = hmac_sha256(secret, hash_view(&out->stored_key));
}

bool scram_verifier_fits(const ScramVerifier *verifier, Str password) {
        Sha256 stored_key, server_key;
        derive(password, verifier, &stored_key, &server_key);
        return bytes_equal_constant_time(hash_view(&stored_key), hash_view(&verifier->stored_key));
}

Str scram_verifier_print(Arena *arena, const ScramVerifier *verifier) {
        return arena_strf(arena, SCRAM_MECHANISM "$%u:%.*s$%.*s:%.*s", verifier->iterations,
                          STR_ARG(base64_encode(arena, salt_view(verifier))),
                          STR_ARG(base64_encode(arena, hash_view(&verifier->stored_key))),
                          STR_ARG(base64_encode(arena, hash_view(&verifier->server_key))));
}

static bool read_key(Str text, Arena *arena, Sha256 *out) {
        Str bytes;
        if (!base64_decode(arena, text, &bytes) || bytes.size != SHA256_SIZE)
                return false;
        memcpy(out->bytes, bytes.data, SHA256_SIZE);
        return true;
}

static bool read_verifier(Str text, Arena *arena, ScramVerifier *out) {
        Str mechanism, iterations, salt, stored_key, rest, bytes;
        uint64_t count;
        if (!str_cut(text, '$', &mechanism, &rest) || !str_is(mechanism, SCRAM_MECHANISM) ||
            !str_cut(rest, ':', &iterations, &rest) || !str_cut(rest, '$', &salt, &rest) || !str_cut(rest, ':', &stored_key, &rest))
                return false;
        if (!str_to_uint64(iterations, &count) || count < SCRAM_ITERATIONS || count > SCRAM_ITERATIONS_MAX)
                return false;
        if (!base64_decode(arena, salt, &bytes) || bytes.size == 0 || bytes.size > SCRAM_SALT_MAX)
                return false;
        out->iterations = (uint32_t)count;
        out->salt_size = bytes.size;
        memcpy(out->salt, bytes.data, bytes.size);
        return read_key(stored_key, arena, &out->stored_key) && read_key(rest, arena, &out->server_key);
}

Status scram_verifier_parse(Str text, Arena *arena, ScramVerifier *out, Error *err) {
        ScramVerifier verifier = { 0 };
        if (!read_verifier(text, arena, &verifier)) /* never quoted: it may be a password */
                return error_set(err, STATUS_BAD_VALUE, "not a verifier of SCRAM-SHA-256");
        *out = verifier;
        return STATUS_OK;
}

/* ---- the exchange ---- */

static Status not_scram(Error *err, const char *what) {
        return error_set(err, STATUS_PROTOCOL, "the login is not SCRAM as RFC 5802 has it: %s", what);
}

void scram_begin(Scram *scram, const ScramVerifier *verifier, bool known, Str binding) {
        *scram = (Scram){ .verifier = *verifier, .known = known, .binding = binding };
}

/* The attribute `name=` at the head of *rest, which then begins behind the comma. */
static bool take_attribute(Str *rest, char name, Str *out) {
        if (rest->size < 2 || rest->data[0] != name || rest->data[1] != '=')
                return false;
        Str value;
        if (!str_cut(str_slice(*rest, 2, rest->size), ',', &value, rest)) {
                *out = value;
                *rest = STR_NONE;
                return true;
        }
        *out = value;
        return true;
}

static bool is_printable(Str text) {
        for (size_t i = 0; i < text.size; i++)
                if (text.data[i] < 0x21 || text.data[i] > 0x7e || text.data[i] == ',')
                        return false;
        return text.size > 0;
}

/* "p=tls-server-end-point,," | "y,," | "n,,": what the client knows of channel binding. A client that could but thinks
 * that we cannot ("y"), when we offered it, has been lied to by somebody between us. */
static Status read_gs2(Scram *scram, Str *rest, Error *err) {
        Str flag, authorization, message = *rest;
        if (!str_cut(message, ',', &flag, rest) || !str_cut(*rest, ',', &authorization, rest))
                return not_scram(err, "no channel binding flag");
        scram->header = str_slice(message, 0, (size_t)(rest->data - message.data));
        if (authorization.size > 0)
                return error_set(err, STATUS_LOGIN, "a login for another user (authzid) is not supported");
        if (scram->plus) {
                if (!str_is(flag, "p=tls-server-end-point"))
                        return not_scram(err, "with -PLUS the channel binding is tls-server-end-point");
                return STATUS_OK;
        }
        if (str_is(flag, "y") && scram->binding.size > 0)
                return error_set(err, STATUS_LOGIN, "the client thinks that this server offers no channel binding, but it does: "
                                                    "somebody may stand between");
        if (!str_is(flag, "y") && !str_is(flag, "n"))
                return not_scram(err, "the channel binding flag does not fit the mechanism");
        return STATUS_OK;
}

static Status choose(Scram *scram, Str mechanism, Error *err) {
        scram->plus = str_is(mechanism, SCRAM_MECHANISM_PLUS);
        if (scram->plus ? scram->binding.size > 0 : str_is(mechanism, SCRAM_MECHANISM))
                return STATUS_OK;
        return error_set(err, STATUS_PROTOCOL, "the client chose a login mechanism that was not offered");
}

Status scram_first_with(Scram *scram, Str mechanism, Str message, Str nonce, Arena *arena, Str *out, Error *err) {
        Str rest = message, user, client_nonce;
        TRY(choose(scram, mechanism, err));
        if (message.size > SCRAM_MESSAGE_MAX)
                return not_scram(err, "a message too long");
        TRY(read_gs2(scram, &rest, err));
        scram->bare = rest;
        if (!take_attribute(&rest, 'n', &user)) /* its user name is not looked at: the start-up packet said it */
                return not_scram(err, "no user name where one belongs");
        if (!take_attribute(&rest, 'r', &client_nonce) || !is_printable(client_nonce))
                return not_scram(err, "no nonce");
        scram->header = arena_str(arena, scram->header);
        scram->bare = arena_str(arena, scram->bare);
        scram->nonce = arena_strf(arena, "%.*s%.*s", STR_ARG(client_nonce), STR_ARG(nonce));
        scram->first = arena_strf(arena, "r=%.*s,s=%.*s,i=%u", STR_ARG(scram->nonce),
                                  STR_ARG(base64_encode(arena, salt_view(&scram->verifier))), scram->verifier.iterations);
        *out = scram->first;
        return STATUS_OK;
}

Status scram_first(Scram *scram, Str mechanism, Str message, Arena *arena, Str *out, Error *err) {
        char bytes[NONCE_BYTES];
        random_bytes(bytes, sizeof(bytes));
        return scram_first_with(scram, mechanism, message, base64_encode(arena, (Str){ bytes, sizeof(bytes) }), arena, out, err);
}

/* What the client must send back in c=: its own header and, with -PLUS, the certificate's hash. */
static bool is_bound(const Scram *scram, Str channel, Arena *arena) {
        Str binding = scram->plus ? scram->binding : STR_NONE;
        char *wanted = arena_alloc_raw(arena, scram->header.size + binding.size + 1);
        memcpy(wanted, scram->header.data, scram->header.size);
        if (binding.size > 0)
                memcpy(wanted + scram->header.size, binding.data, binding.size);
        Str expected = base64_encode(arena, (Str){ wanted, scram->header.size + binding.size });
        return bytes_equal_constant_time(channel, expected);
}

static bool is_proven(const Scram *scram, Str auth, Str proof) {
        Sha256 client_key, signature = hmac_sha256(hash_view(&scram->verifier.stored_key), auth);
        for (size_t i = 0; i < SHA256_SIZE; i++)
                client_key.bytes[i] = (uint8_t)proof.data[i] ^ signature.bytes[i];
        Sha256 stored_key = sha256_of(hash_view(&client_key));
        explicit_bzero(&client_key, sizeof(client_key));
        return bytes_equal_constant_time(hash_view(&stored_key), hash_view(&scram->verifier.stored_key));
}

Status scram_final(Scram *scram, Str message, Arena *arena, Str *out, Error *err) {
        Str rest = message, channel, nonce, ignored, proof, proof_text;
        if (message.size > SCRAM_MESSAGE_MAX)
                return not_scram(err, "a message too long");
        if (!take_attribute(&rest, 'c', &channel) || !take_attribute(&rest, 'r', &nonce))
                return not_scram(err, "no channel binding or no nonce in the last message");
        const char *proof_at = rest.data;
        while (!take_attribute(&rest, 'p', &proof_text)) { /* extensions that we do not know may stand before it */
                if (!str_cut(rest, ',', &ignored, &rest))
                        return not_scram(err, "no proof in the last message");
                proof_at = rest.data;
        }
        if (rest.size > 0 || !base64_decode(arena, proof_text, &proof) || proof.size != SHA256_SIZE)
                return not_scram(err, "the proof is not a proof");
        if (!bytes_equal_constant_time(nonce, scram->nonce))
                return not_scram(err, "another nonce than ours");
        if (!is_bound(scram, channel, arena))
                return error_set(err, STATUS_LOGIN, "the channel binding does not fit: the client sees another certificate");
        Str without_proof = str_slice(message, 0, (size_t)(proof_at - message.data) - 1);
        Str auth = arena_strf(arena, "%.*s,%.*s,%.*s", STR_ARG(scram->bare), STR_ARG(scram->first), STR_ARG(without_proof));
        bool proven = is_proven(scram, auth, proof);
        if (!proven || !scram->known || scram_verifier_fits(&scram->verifier, STR_NONE)) /* no password is no proof */
                return error_set(err, STATUS_LOGIN, "the password is wrong, or there is no such user");
        Sha256 signature = hmac_sha256(hash_view(&scram->verifier.server_key), auth);
        *out = arena_strf(arena, "v=%.*s", STR_ARG(base64_encode(arena, hash_view(&signature))));
        return STATUS_OK;
}
