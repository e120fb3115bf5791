/* SPDX-License-Identifier: Apache-2.0 */
#include "govern/account.h"

#include "base/json.h"
#include "base/time.h"
#include "base/vec.h"

#define NAME_MAX_BYTES 63
#define TOKEN_SECRET_BYTES 20 /* 160 bits */
#define TOKEN_ID_BYTES 6
#define TOKEN_PREFIX "lode_"
#define ROLE_WORD "role " /* before a role where a user could stand: no user's name has a blank */

static const Str platform_roles[] = { { ROLE_ADMIN, sizeof(ROLE_ADMIN) - 1 }, { ROLE_AUDITOR, sizeof(ROLE_AUDITOR) - 1 } };

static CatalogName name_of(const char *kind, Str name) {
        return (CatalogName){ .kind = str_of(kind), .zone = STR(""), .name = name };
}

Status account_check_name(Str name, const char *what, Error *err) {
        bool good = name.size > 0 && name.size <= NAME_MAX_BYTES;
        for (size_t i = 0; i < name.size && good; i++) {
                char c = name.data[i];
                good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || char_is_one_of(c, "_.-@");
        }
        if (good)
                return STATUS_OK;
        return error_set(err, STATUS_BAD_VALUE, "'%.*s' cannot name a %s: 1 to %d letters, digits and _ . - @", STR_ARG(name), what, NAME_MAX_BYTES);
}

/* ---- bodies ---- */

static Str account_body(Arena *arena, const Account *account) {
        CLEANUP(buf_deinit) Buf out = { 0 };
        JsonWriter w = json_writer(&out, false);
        json_object(&w);
        json_member_strs(&w, "roles", account->roles, account->role_count);
        json_key(&w, "attributes");
        json_object(&w);
        for (size_t i = 0; i < account->attribute_count; i++) {
                json_key_str(&w, account->attributes[i].name);
                json_array(&w);
                for (size_t j = 0; j < account->attributes[i].value_count; j++)
                        json_put_str(&w, account->attributes[i].values[j]);
                json_end(&w);
        }
        json_end(&w);
        json_member_strs(&w, "may_act_as", account->may_act_as, account->may_act_as_count);
        json_member_bool(&w, "locked", account->locked);
        json_end(&w);
        return buf_dup(&out, arena);
}

static void read_strings(const Json *array, Arena *arena, Str **out, size_t *out_count) {
        size_t count = json_count(array);
        Str *items = ARENA_ARRAY(arena, Str, count);
        for (size_t i = 0; i < count; i++)
                items[i] = json_string(json_at(array, i));
        *out = items;
        *out_count = count;
}

static Status account_parse(Str name, Str body, Arena *arena, Account *out, Error *err) {
        Json *root;
        const Json *roles, *attributes, *may_act_as;
        TRY(json_parse(body, "an account", arena, &root, err));
        TRY(json_want_array(root, "roles", &roles, err));
        TRY(json_want_object(root, "attributes", &attributes, err));
        TRY(json_want_array(root, "may_act_as", &may_act_as, err));
        Account account = { .name = arena_str(arena, name), .locked = json_bool(json_get(root, "locked"), false) };
        read_strings(roles, arena, &account.roles, &account.role_count);
        read_strings(may_act_as, arena, &account.may_act_as, &account.may_act_as_count);
        account.attribute_count = json_count(attributes);
        account.attributes = ARENA_ARRAY(arena, Attribute, account.attribute_count);
        for (size_t i = 0; i < account.attribute_count; i++) {
                account.attributes[i].name = attributes->object.keys[i];
                read_strings(attributes->object.values[i], arena, &account.attributes[i].values, &account.attributes[i].value_count);
        }
        account.is_admin = account_has_role(&account, STR(ROLE_ADMIN));
        account.is_auditor = account_has_role(&account, STR(ROLE_AUDITOR));
        *out = account;
        return STATUS_OK;
}

/* ---- accounts ---- */

bool account_has_role(const Account *account, Str role) {
        for (size_t i = 0; i < account->role_count; i++)
                if (str_equal(account->roles[i], role))
                        return true;
        return false;
}

bool account_may_act_as(const Account *service, const Account *other) {
        if (service->is_admin)
                return true;
        if (other->is_admin || other->is_auditor)
                return false;
        for (size_t i = 0; i < service->may_act_as_count; i++) {
                Str who = service->may_act_as[i], role = str_slice(who, sizeof(ROLE_WORD) - 1, who.size);
                if (str_equal(who, other->name) || (str_starts_with(who, STR(ROLE_WORD)) && account_has_role(other, role)))
                        return true;
        }
        return false;
}

Status account_load(Catalog *catalog, Str name, Arena *arena, Account *out, Error *err) {
        CatalogObject object;
        Status status = catalog_get(catalog, (CatalogAt){ 0 }, name_of("principal", name), arena, &object, err);
        if (status == STATUS_NOT_FOUND)
                return error_set(err, STATUS_NOT_FOUND, "there is no user '%.*s'", STR_ARG(name));
        TRY(status);
        TRY(account_parse(object.name, object.body, arena, out, err));
        out->version = object.body_hash;
        return STATUS_OK;
}

Status account_list(Catalog *catalog, Arena *arena, Account **out, size_t *out_count, Error *err) {
        CatalogObject *objects;
        size_t count;
        TRY(catalog_list(catalog, (CatalogAt){ 0 }, STR("principal"), STR(""), arena, &objects, &count, err));
        Account *accounts = ARENA_ARRAY(arena, Account, count);
        for (size_t i = 0; i < count; i++)
                TRY(account_parse(objects[i].name, objects[i].body, arena, &accounts[i], err));
        *out = accounts;
        *out_count = count;
        return STATUS_OK;
}

/* What is to be done, without who does it. What lets in and what says for whom change in one transaction. */
static Status commit(Catalog *catalog, const AccountChange *change, CatalogChange what, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        CatalogCommit made;
        what.author = change->author;
        what.via = change->via;
        what.audit = change->audit;
        Status status = catalog_commit(catalog, &what, &arena, &made, err);
        if (status != STATUS_CONFLICT)
                return status;
        error_set(err, STATUS_CONFLICT, "somebody else changed it at the same time");
        return error_hint(err, "nothing was changed; the same command again goes by what holds now");
}

static Str secret_name(Arena *arena, const char *kind, Str name) {
        return arena_strf(arena, "%s:%.*s", kind, STR_ARG(name));
}

static Status check_role(Str role, Str *roles, size_t count, Error *err) {
        for (size_t i = 0; i < count; i++)
                if (str_equal(roles[i], role))
                        return STATUS_OK;
        error_set(err, STATUS_NOT_FOUND, "there is no role '%.*s'", STR_ARG(role));
        Str guess = str_nearest(role, roles, count);
        return guess.size ? error_hint(err, "did you mean '%.*s'?", STR_ARG(guess)) : error_hint(err, "lode role add %.*s makes it", STR_ARG(role));
}

static Status check_others(Catalog *catalog, const Account *account, Arena *arena, Error *err) {
        Str *roles;
        size_t count;
        Account other;
        TRY(role_list(catalog, arena, &roles, &count, err));
        for (size_t i = 0; i < account->role_count; i++)
                TRY(check_role(account->roles[i], roles, count, err));
        for (size_t i = 0; i < account->may_act_as_count; i++) {
                Str who = account->may_act_as[i];
                if (str_starts_with(who, STR(ROLE_WORD)))
                        TRY(check_role(str_slice(who, sizeof(ROLE_WORD) - 1, who.size), roles, count, err));
                else
                        TRY(account_load(catalog, who, arena, &other, err));
        }
        return STATUS_OK;
}

Status account_put(Catalog *catalog, const AccountChange *change, const Account *account, Str verifier, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        TRY(account_check_name(account->name, "user", err));
        TRY(check_others(catalog, account, &arena, err));
        CatalogPut put = { STR("principal"), STR(""), account->name, account_body(&arena, account) };
        CatalogCheck check = { STR("principal"), STR(""), account->name, account->version };
        CatalogSecret secret = { secret_name(&arena, "verifier", account->name), verifier };
        CatalogChange what = { .message = arena_strf(&arena, "user %.*s", STR_ARG(account->name)), .puts = &put, .put_count = 1,
                               .checks = &check, .check_count = account->version.data != NULL,
                               .secrets = &secret, .secret_count = verifier.data != NULL };
        return commit(catalog, change, what, err);
}

Status account_remove(Catalog *catalog, const AccountChange *change, Str name, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        Account account;
        Token *tokens;
        size_t count;
        TRY(account_load(catalog, name, &arena, &account, err));
        TRY(token_list(catalog, &arena, &tokens, &count, err));
        CatalogName *gone = ARENA_ARRAY(&arena, CatalogName, count + 1);
        CatalogSecret *secrets = ARENA_ARRAY(&arena, CatalogSecret, count + 1);
        size_t gone_count = 0;
        for (size_t i = 0; i < count; i++) {
                if (!str_equal(tokens[i].principal, name))
                        continue;
                secrets[gone_count] = (CatalogSecret){ .name = secret_name(&arena, "token", tokens[i].id) };
                gone[gone_count++] = name_of("token", tokens[i].id);
        }
        secrets[gone_count] = (CatalogSecret){ .name = secret_name(&arena, "verifier", name) };
        gone[gone_count++] = name_of("principal", name);
        CatalogChange what = { .message = arena_strf(&arena, "user %.*s removed", STR_ARG(name)), .removes = gone, .remove_count = gone_count,
                               .secrets = secrets, .secret_count = gone_count };
        return commit(catalog, change, what, err);
}

/* ---- roles ---- */

Status role_list(Catalog *catalog, Arena *arena, Str **out, size_t *out_count, Error *err) {
        CatalogObject *objects;
        size_t count, platform = COUNT_OF(platform_roles);
        TRY(catalog_list(catalog, (CatalogAt){ 0 }, STR("role"), STR(""), arena, &objects, &count, err));
        Str *roles = ARENA_ARRAY(arena, Str, count + platform);
        memcpy(roles, platform_roles, sizeof(platform_roles));
        for (size_t i = 0; i < count; i++)
                roles[platform + i] = objects[i].name;
        *out = roles;
        *out_count = count + platform;
        return STATUS_OK;
}

Status role_put(Catalog *catalog, const AccountChange *change, Str name, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        Str *roles;
        size_t count;
        TRY(account_check_name(name, "role", err));
        TRY(role_list(catalog, &arena, &roles, &count, err));
        for (size_t i = 0; i < count; i++)
                if (str_equal(roles[i], name))
                        return error_set(err, STATUS_EXISTS, "there is a role '%.*s' already", STR_ARG(name));
        CatalogPut put = { STR("role"), STR(""), name, STR("{}") };
        return commit(catalog, change, (CatalogChange){ .message = arena_strf(&arena, "role %.*s", STR_ARG(name)), .puts = &put, .put_count = 1 }, err);
}

Status role_remove(Catalog *catalog, const AccountChange *change, Str name, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        Account *accounts;
        size_t count;
        TRY(account_list(catalog, &arena, &accounts, &count, err));
        for (size_t i = 0; i < count; i++) {
                if (!account_has_role(&accounts[i], name))
                        continue;
                error_set(err, STATUS_DENIED, "user '%.*s' has the role '%.*s'", STR_ARG(accounts[i].name), STR_ARG(name));
                return error_hint(err, "lode user set %.*s --no-role %.*s first", STR_ARG(accounts[i].name), STR_ARG(name));
        }
        CatalogName gone = name_of("role", name);
        CatalogChange what = { .message = arena_strf(&arena, "role %.*s removed", STR_ARG(name)), .removes = &gone, .remove_count = 1 };
        Status status = commit(catalog, change, what, err);
        if (status == STATUS_NOT_FOUND)
                return error_set(err, STATUS_NOT_FOUND, "there is no role '%.*s'", STR_ARG(name));
        return status;
}

/* ---- secrets ---- */

Status account_verifier(Catalog *catalog, Str name, Arena *arena, Str *out, Error *err) {
        return catalog_secret(catalog, secret_name(arena, "verifier", name), arena, out, err);
}

Status account_set_verifier(Catalog *catalog, Str name, Str verifier, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        return catalog_put_secret(catalog, secret_name(&arena, "verifier", name), verifier, err);
}

/* ---- tokens ---- */

static Str random_hex(Arena *arena, size_t size) {
        char bytes[32];
        random_bytes(bytes, size);
        return hex_of(arena, (Str){ bytes, size });
}

static Str token_body(Arena *arena, const Token *token) {
        CLEANUP(buf_deinit) Buf out = { 0 };
        JsonWriter w = json_writer(&out, false);
        json_object(&w);
        json_member_str(&w, "name", token->name);
        json_member_str(&w, "principal", token->principal);
        json_member_int(&w, "made_us", token->made_us);
        json_member_int(&w, "expires_us", token->expires_us);
        json_end(&w);
        return buf_dup(&out, arena);
}

static Status token_parse(Str id, Str body, Arena *arena, Token *out, Error *err) {
        Json *root;
        Token token = { .id = id };
        TRY(json_parse(body, "a token", arena, &root, err));
        TRY(json_want_string(root, "name", &token.name, err));
        TRY(json_want_string(root, "principal", &token.principal, err));
        TRY(json_want_integer(root, "made_us", &token.made_us, err));
        TRY(json_want_integer(root, "expires_us", &token.expires_us, err));
        *out = token;
        return STATUS_OK;
}

Status token_make(Catalog *catalog, const AccountChange *change, Str name, Str principal, int64_t expires_us, Arena *arena,
                  Str *out_text, Error *err) {
        Account account;
        TRY(account_check_name(name, "token", err));
        TRY(account_load(catalog, principal, arena, &account, err));
        Token token = { .id = random_hex(arena, TOKEN_ID_BYTES), .name = name, .principal = principal, .made_us = time_now_us(),
                        .expires_us = expires_us };
        Str text = arena_strf(arena, TOKEN_PREFIX "%.*s_%.*s", STR_ARG(token.id), STR_ARG(random_hex(arena, TOKEN_SECRET_BYTES)));
        Sha256 hash = sha256_of(text);
        CatalogPut put = { STR("token"), STR(""), token.id, token_body(arena, &token) };
        CatalogCheck check = { STR("principal"), STR(""), account.name, account.version }; /* none for somebody who is taken away meanwhile */
        CatalogSecret secret = { secret_name(arena, "token", token.id), { (const char *)hash.bytes, SHA256_SIZE } };
        CatalogChange what = { .message = arena_strf(arena, "token %.*s for %.*s", STR_ARG(name), STR_ARG(principal)), .puts = &put, .put_count = 1,
                               .checks = &check, .check_count = 1, .secrets = &secret, .secret_count = 1 };
        TRY(commit(catalog, change, what, err));
        *out_text = text;
        return STATUS_OK;
}

static Status no_token(Error *err) {
        return error_set(err, STATUS_LOGIN, "the token is wrong, expired or withdrawn");
}

static Status token_find(Catalog *catalog, Str id, int64_t now_us, Arena *arena, Token *out, Error *err) {
        CatalogObject object;
        Status status = catalog_get(catalog, (CatalogAt){ 0 }, name_of("token", id), arena, &object, err);
        if (status == STATUS_NOT_FOUND)
                return no_token(err);
        TRY(status);
        TRY(token_parse(object.name, object.body, arena, out, err));
        return out->expires_us != 0 && out->expires_us <= now_us ? no_token(err) : STATUS_OK;
}

Status token_holds(Catalog *catalog, Str id, int64_t now_us, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        Token token;
        return token_find(catalog, id, now_us, &arena, &token, err);
}

Status token_check(Catalog *catalog, Str text, int64_t now_us, Arena *arena, Token *out, Error *err) {
        Str id, secret, kept;
        if (!str_starts_with(text, STR(TOKEN_PREFIX)) || !str_cut(str_slice(text, sizeof(TOKEN_PREFIX) - 1, text.size), '_', &id, &secret))
                return no_token(err);
        Sha256 hash = sha256_of(text), nothing = { 0 };
        Status status = catalog_secret(catalog, secret_name(arena, "token", id), arena, &kept, err);
        bool known = status == STATUS_OK && kept.size == SHA256_SIZE;
        if (status != STATUS_OK && status != STATUS_NOT_FOUND)
                return status;
        Str against = known ? kept : (Str){ (const char *)nothing.bytes, SHA256_SIZE };
        if (!bytes_equal_constant_time((Str){ (const char *)hash.bytes, SHA256_SIZE }, against) || !known)
                return no_token(err);
        return token_find(catalog, id, now_us, arena, out, err);
}

Status token_list(Catalog *catalog, Arena *arena, Token **out, size_t *out_count, Error *err) {
        CatalogObject *objects;
        size_t count;
        TRY(catalog_list(catalog, (CatalogAt){ 0 }, STR("token"), STR(""), arena, &objects, &count, err));
        Token *tokens = ARENA_ARRAY(arena, Token, count);
        for (size_t i = 0; i < count; i++)
                TRY(token_parse(objects[i].name, objects[i].body, arena, &tokens[i], err));
        *out = tokens;
        *out_count = count;
        return STATUS_OK;
}

Status token_remove(Catalog *catalog, const AccountChange *change, Str which, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        Token *tokens, *found = NULL;
        size_t count;
        TRY(token_list(catalog, &arena, &tokens, &count, err));
        for (size_t i = 0; i < count; i++) {
                if (!str_equal(tokens[i].id, which) && !str_equal(tokens[i].name, which))
                        continue;
                if (found)
                        return error_set(err, STATUS_AMBIGUOUS, "more than one token has the name '%.*s': lode token lists their ids", STR_ARG(which));
                found = &tokens[i];
        }
        if (!found)
                return error_set(err, STATUS_NOT_FOUND, "there is no token '%.*s'", STR_ARG(which));
        CatalogName gone = name_of("token", found->id);
        CatalogSecret secret = { .name = secret_name(&arena, "token", found->id) };
        CatalogChange what = { .message = arena_strf(&arena, "token %.*s removed", STR_ARG(found->name)), .removes = &gone, .remove_count = 1,
                               .secrets = &secret, .secret_count = 1 };
        return commit(catalog, change, what, err);
}
