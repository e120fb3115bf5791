/* SPDX-License-Identifier: Apache-2.0 */
#include "server/scram.h"

#include "base/test.h"

/* The example of RFC 7677, section 3. */
#define RFC_PASSWORD "pencil"
#define RFC_SALT "W22ZaJ0SNY7soEsUEjb6gQ=="
#define RFC_CLIENT_FIRST "n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
#define RFC_SERVER_NONCE "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
#define RFC_SERVER_FIRST "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
#define RFC_WITHOUT_PROOF "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
#define RFC_PROOF ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
#define RFC_SERVER_FINAL "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="

/* A verifier with the salt of the example: by the parser of PostgreSQL's form, with keys made the long way. */
static void rfc_verifier(Test *t, ScramVerifier *out) {
        Str salt;
        base64_decode(&t->arena, STR(RFC_SALT), &salt);
        Sha256 salted = pbkdf2_sha256(STR(RFC_PASSWORD), salt, SCRAM_ITERATIONS);
        Str key = { (const char *)salted.bytes, SHA256_SIZE };
        Sha256 client_key = hmac_sha256(key, STR("Client Key"));
        *out = (ScramVerifier){ .iterations = SCRAM_ITERATIONS, .salt_size = salt.size };
        memcpy(out->salt, salt.data, salt.size);
        out->stored_key = sha256_of((Str){ (const char *)client_key.bytes, SHA256_SIZE });
        out->server_key = hmac_sha256(key, STR("Server Key"));
}

TEST(the_exchange_is_that_of_rfc_7677) {
        ScramVerifier verifier;
        Scram scram;
        Str answer;
        rfc_verifier(t, &verifier);
        scram_begin(&scram, &verifier, true, STR_NONE);
        CHECK_OK(scram_first_with(&scram, STR("SCRAM-SHA-256"), STR(RFC_CLIENT_FIRST), STR(RFC_SERVER_NONCE), &t->arena, &answer, &t->err));
        CHECK_STR(answer, STR(RFC_SERVER_FIRST));
        CHECK_OK(scram_final(&scram, STR(RFC_WITHOUT_PROOF RFC_PROOF), &t->arena, &answer, &t->err));
        CHECK_STR(answer, STR(RFC_SERVER_FINAL));
}

TEST(what_is_not_right_is_refused_at_its_step) {
        static const struct {
                const char *mechanism, *first, *final;
                const char *binding;
                bool unknown;
                Status at_first, at_final;
        } cases[] = {
                { "SCRAM-SHA-256", RFC_CLIENT_FIRST, RFC_WITHOUT_PROOF RFC_PROOF, "", true, STATUS_OK, STATUS_LOGIN },
                { "SCRAM-SHA-256", RFC_CLIENT_FIRST, RFC_WITHOUT_PROOF ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVA=", "", false,
                  STATUS_OK, STATUS_LOGIN },
                { "SCRAM-SHA-256", RFC_CLIENT_FIRST, RFC_WITHOUT_PROOF ",p=dHzb", "", false, STATUS_OK, STATUS_PROTOCOL },
                { "SCRAM-SHA-256", RFC_CLIENT_FIRST, RFC_WITHOUT_PROOF, "", false, STATUS_OK, STATUS_PROTOCOL },
                { "SCRAM-SHA-256", RFC_CLIENT_FIRST, "c=biws,r=rOprNGfwEbeRWgbNEkqO" RFC_PROOF, "", false, STATUS_OK, STATUS_PROTOCOL },
                { "SCRAM-SHA-256", RFC_CLIENT_FIRST, "c=eSws,r=rOprNGfwEbeRWgbNEkqO" RFC_SERVER_NONCE RFC_PROOF, "", false, STATUS_OK,
                  STATUS_LOGIN },
                { "SCRAM-SHA-256", RFC_CLIENT_FIRST, "", "", false, STATUS_OK, STATUS_PROTOCOL },
                { "SCRAM-SHA-256", RFC_CLIENT_FIRST, ",,,,", "", false, STATUS_OK, STATUS_PROTOCOL },
                /* the client could bind, was offered it and says that it was not: a man in the middle */
                { "SCRAM-SHA-256", "y,,n=,r=abc", "", "hash", false, STATUS_LOGIN, STATUS_OK },
                { "SCRAM-SHA-256", "p=tls-server-end-point,,n=,r=abc", "", "hash", false, STATUS_PROTOCOL, STATUS_OK },
                { "SCRAM-SHA-256-PLUS", "n,,n=,r=abc", "", "hash", false, STATUS_PROTOCOL, STATUS_OK },
                { "SCRAM-SHA-256-PLUS", "p=tls-unique,,n=,r=abc", "", "hash", false, STATUS_PROTOCOL, STATUS_OK },
                { "SCRAM-SHA-256-PLUS", "p=tls-server-end-point,,n=,r=abc", "", "", false, STATUS_PROTOCOL, STATUS_OK },
                { "SCRAM-SHA-1", RFC_CLIENT_FIRST, "", "", false, STATUS_PROTOCOL, STATUS_OK },
                { "SCRAM-SHA-256", "n,a=other,n=user,r=abc", "", "", false, STATUS_LOGIN, STATUS_OK },
                { "SCRAM-SHA-256", "n,,m=ext,n=user,r=abc", "", "", false, STATUS_PROTOCOL, STATUS_OK },
                { "SCRAM-SHA-256", "n,,n=user,r=", "", "", false, STATUS_PROTOCOL, STATUS_OK },
                { "SCRAM-SHA-256", "n", "", "", false, STATUS_PROTOCOL, STATUS_OK },
                { "SCRAM-SHA-256", "", "", "", false, STATUS_PROTOCOL, STATUS_OK },
        };
        ScramVerifier verifier;
        rfc_verifier(t, &verifier);
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                Scram scram;
                Str answer;
                scram_begin(&scram, &verifier, !cases[i].unknown, str_of(cases[i].binding));
                Status status = scram_first_with(&scram, str_of(cases[i].mechanism), str_of(cases[i].first), STR(RFC_SERVER_NONCE),
                                                 &t->arena, &answer, &t->err);
                if (status != cases[i].at_first)
                        test_fail(t, __FILE__, __LINE__, "case %zu: the first message gives %s", i, status_name(status));
                if (status != STATUS_OK)
                        continue;
                status = scram_final(&scram, str_of(cases[i].final), &t->arena, &answer, &t->err);
                if (status != cases[i].at_final)
                        test_fail(t, __FILE__, __LINE__, "case %zu: the last message gives %s", i, status_name(status));
        }
}

/* A client's side, to try what the RFC has no example for. */
static Str client_final(Arena *arena, Str password, const ScramVerifier *verifier, Str header_and_binding, Str bare, Str server_first) {
        Str nonce, rest;
        str_cut(str_slice(server_first, 2, server_first.size), ',', &nonce, &rest);
        Sha256 salted = pbkdf2_sha256(password, (Str){ (const char *)verifier->salt, verifier->salt_size }, verifier->iterations);
        Sha256 key = hmac_sha256((Str){ (const char *)salted.bytes, SHA256_SIZE }, STR("Client Key"));
        Sha256 stored = sha256_of((Str){ (const char *)key.bytes, SHA256_SIZE });
        Str without = arena_strf(arena, "c=%.*s,r=%.*s", STR_ARG(base64_encode(arena, header_and_binding)), STR_ARG(nonce));
        Str auth = arena_strf(arena, "%.*s,%.*s,%.*s", STR_ARG(bare), STR_ARG(server_first), STR_ARG(without));
        Sha256 signature = hmac_sha256((Str){ (const char *)stored.bytes, SHA256_SIZE }, auth);
        for (size_t i = 0; i < SHA256_SIZE; i++)
                key.bytes[i] ^= signature.bytes[i];
        return arena_strf(arena, "%.*s,p=%.*s", STR_ARG(without), STR_ARG(base64_encode(arena, (Str){ (const char *)key.bytes, SHA256_SIZE })));
}

TEST(channel_binding_holds_only_for_the_certificate_that_was_seen) {
        static const struct {
                const char *seen;
                Status wanted;
        } cases[] = { { "the hash", STATUS_OK }, { "another", STATUS_LOGIN }, { "", STATUS_LOGIN } };
        ScramVerifier verifier;
        scram_verifier_make(STR("secret"), &verifier);
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                Scram scram;
                Str answer, bare = STR("n=,r=clientnonce");
                scram_begin(&scram, &verifier, true, STR("the hash"));
                CHECK_OK(scram_first(&scram, STR("SCRAM-SHA-256-PLUS"), STR("p=tls-server-end-point,,n=,r=clientnonce"), &t->arena, &answer,
                                     &t->err));
                Str bound = arena_strf(&t->arena, "p=tls-server-end-point,,%s", cases[i].seen);
                Str final = client_final(&t->arena, STR("secret"), &verifier, bound, bare, answer);
                CHECK_STATUS(scram_final(&scram, final, &t->arena, &answer, &t->err), cases[i].wanted);
        }
}

TEST(an_empty_password_never_logs_in) {
        static const struct {
                const char *password;
                Status wanted;
        } cases[] = { { "secret", STATUS_OK }, { "", STATUS_LOGIN } };
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                ScramVerifier verifier;
                Scram scram;
                Str answer, bare = STR("n=,r=clientnonce");
                scram_verifier_make(str_of(cases[i].password), &verifier);
                scram_begin(&scram, &verifier, true, STR_NONE);
                CHECK_OK(scram_first(&scram, STR("SCRAM-SHA-256"), STR("n,,n=,r=clientnonce"), &t->arena, &answer, &t->err));
                Str final = client_final(&t->arena, str_of(cases[i].password), &verifier, STR("n,,"), bare, answer);
                CHECK_STATUS(scram_final(&scram, final, &t->arena, &answer, &t->err), cases[i].wanted);
        }
}

TEST(a_verifier_goes_round_in_postgresqls_form) {
        ScramVerifier verifier, again;
        scram_verifier_make(STR("pass word\xc3\xa9"), &verifier);
        Str text = scram_verifier_print(&t->arena, &verifier);
        CHECK(str_starts_with(text, STR("SCRAM-SHA-256$4096:")));
        CHECK_OK(scram_verifier_parse(text, &t->arena, &again, &t->err));
        CHECK(scram_verifier_fits(&again, STR("pass word\xc3\xa9")));
        CHECK(!scram_verifier_fits(&again, STR("pass word")));
        CHECK(!scram_verifier_fits(&again, STR_NONE));
}

TEST(texts_that_are_no_verifiers_are_refused_and_not_quoted) {
        static const char *const cases[] = {
                "", "secret", "md5abc", "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$AAAA:BBBB",
                "SCRAM-SHA-256$1:W22ZaJ0SNY7soEsUEjb6gQ==$6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=:6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
                "SCRAM-SHA-256$99999999999:W22ZaJ0SNY7soEsUEjb6gQ==$6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=:6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
                "SCRAM-SHA-256$4096:$6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=:6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
        };
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                ScramVerifier verifier;
                CHECK_STATUS(scram_verifier_parse(str_of(cases[i]), &t->arena, &verifier, &t->err), STATUS_BAD_VALUE);
                CHECK(!strstr(t->err.message, "secret"));
        }
}

TEST(nobodys_verifier_is_the_same_each_time_and_differs_by_user) {
        ScramVerifier a, again, other;
        scram_verifier_mock(STR("ann"), STR("store"), &a);
        scram_verifier_mock(STR("ann"), STR("store"), &again);
        scram_verifier_mock(STR("bo"), STR("store"), &other);
        CHECK(memcmp(a.salt, again.salt, a.salt_size) == 0);
        CHECK(memcmp(a.salt, other.salt, a.salt_size) != 0);
        CHECK_INT(a.iterations, SCRAM_ITERATIONS);
        CHECK_INT(a.salt_size, SCRAM_SALT_SIZE);
}
