/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Account: a principal that logs in, and the roles there are. Who they are (roles, attributes, expiry) is in the history,
 * kind "principal" and "role"; what proves it (a SCRAM verifier, hashes of tokens) is a secret outside of it, so that it can
 * be withdrawn. What holds is always main's newest.
 *
 * Roles that mean something to the platform: admin (everything) and auditor (the audit log). Names are 1 to 63 bytes of
 * letters, digits and _ . - @, so that they can stand in access.yml, in a URI and in a log as they are.
 * Results live in the caller's arena.
 */
#include "catalog/catalog.h"

#define ROLE_ADMIN "admin"
#define ROLE_AUDITOR "auditor"

typedef struct Attribute {
        Str name;
        Str *values;
        size_t value_count;
} Attribute;

typedef struct Account {
        Str name;
        Str *roles;
        size_t role_count;
        Attribute *attributes;
        size_t attribute_count;
        Str *may_act_as; /* "bo", "role analyst": whose place it may take, by SET ROLE */
        size_t may_act_as_count;
        bool locked;
        bool is_admin, is_auditor; /* from the roles */
        Str version; /* as it was loaded: account_put() of what was changed meanwhile is CONFLICT. Empty: there is none yet; no data: whatever there is */
} Account;

/* NOT_FOUND. */
Status account_load(Catalog *catalog, Str name, Arena *arena, Account *out, Error *err);
Status account_list(Catalog *catalog, Arena *arena, Account **out, size_t *out_count, Error *err);
bool account_has_role(const Account *account, Str role);
/*
 * Whether a service may ask in the place of another. Never of one that has a role of the platform, unless it has admin itself:
 * what a service may do is bounded by those it serves.
 */
bool account_may_act_as(const Account *service, const Account *other);
/* BAD_VALUE with what a name may be. what: "user", "role" ... */
Status account_check_name(Str name, const char *what, Error *err);
/* Names of the roles there are, those of the platform first. */
Status role_list(Catalog *catalog, Arena *arena, Str **out, size_t *out_count, Error *err);

/* Who changes accounts, for the commit. */
typedef struct AccountChange {
        Str author, via, audit; /* as in CatalogChange */
} AccountChange;

/* New or changed, with its verifier (no data: that stays as it is), in one transaction. A role that does not exist is NOT_FOUND,
 * with a guess. */
Status account_put(Catalog *catalog, const AccountChange *change, const Account *account, Str verifier, Error *err);
/* With its verifier and its tokens, in one transaction. NOT_FOUND. */
Status account_remove(Catalog *catalog, const AccountChange *change, Str name, Error *err);
Status role_put(Catalog *catalog, const AccountChange *change, Str name, Error *err);    /* EXISTS */
/* NOT_FOUND; DENIED while somebody has it. */
Status role_remove(Catalog *catalog, const AccountChange *change, Str name, Error *err);

/* Verifiers, as text (SCRAM-SHA-256$...). NOT_FOUND. */
Status account_verifier(Catalog *catalog, Str name, Arena *arena, Str *out, Error *err);
Status account_set_verifier(Catalog *catalog, Str name, Str verifier, Error *err); /* empty: taken away */

/*
 * Tokens: lode_ID_SECRET, 160 random bits, kept as SHA-256. A token is a password for programs: it logs in as its principal,
 * inside TLS or over HTTP. That it exists is in the history (kind "token", its id as name); its hash is a secret.
 */
typedef struct Token {
        Str id, name, principal;
        int64_t made_us, expires_us; /* expires 0 = never */
} Token;

/* *out_text is shown once. NOT_FOUND: no such principal. */
Status token_make(Catalog *catalog, const AccountChange *change, Str name, Str principal, int64_t expires_us, Arena *arena,
                  Str *out_text, Error *err);
/* Which it is and whose; LOGIN for what is no token, a withdrawn or an expired one: all the same answer. */
Status token_check(Catalog *catalog, Str text, int64_t now_us, Arena *arena, Token *out, Error *err);
/* Whether one that was checked still holds, by its id: LOGIN. */
Status token_holds(Catalog *catalog, Str id, int64_t now_us, Error *err);
Status token_list(Catalog *catalog, Arena *arena, Token **out, size_t *out_count, Error *err);
/* By id or, where only one has it, by name. NOT_FOUND, AMBIGUOUS. */
Status token_remove(Catalog *catalog, const AccountChange *change, Str which, Error *err);
