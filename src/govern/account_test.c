/* SPDX-License-Identifier: Apache-2.0 */
#include "govern/account.h"

#include "base/test.h"

static const AccountChange by_ann = { { "local:ann", 9 }, { "cli", 3 }, { NULL, 0 } };

static Status open_catalog(Test *t, Catalog **out) {
        const char *path = arena_printf(&t->arena, "%s/catalog.sqlite", test_folder(t));
        TRY(catalog_create_sqlite(path, 1, STR("/store"), &t->err));
        return catalog_open_sqlite(path, out, &t->err);
}

TEST(accounts_have_roles_and_attributes_that_are_kept) {
        CLEANUP(catalog_freep) Catalog *catalog = NULL;
        CHECK_OK(open_catalog(t, &catalog));
        Str roles[] = { STR("analyst"), STR("admin") }, values[] = { STR("EU"), STR("US") };
        Attribute region = { STR("region"), values, 2 };
        Account bo = { .name = STR("bo"), .roles = roles, .role_count = 2, .attributes = &region, .attribute_count = 1 }, again;
        CHECK_STATUS(account_put(catalog, &by_ann, &bo, STR_NONE, &t->err), STATUS_NOT_FOUND);
        CHECK_OK(role_put(catalog, &by_ann, STR("analyst"), &t->err));
        CHECK_STATUS(role_put(catalog, &by_ann, STR("analyst"), &t->err), STATUS_EXISTS);
        CHECK_STATUS(role_put(catalog, &by_ann, STR("admin"), &t->err), STATUS_EXISTS);
        CHECK_OK(account_put(catalog, &by_ann, &bo, STR_NONE, &t->err));
        CHECK_OK(account_load(catalog, STR("bo"), &t->arena, &again, &t->err));
        CHECK(again.is_admin && !again.is_auditor && account_has_role(&again, STR("analyst")));
        CHECK_STR(again.attributes[0].values[1], STR("US"));
        CHECK_STATUS(role_remove(catalog, &by_ann, STR("analyst"), &t->err), STATUS_DENIED);
        CHECK_OK(account_remove(catalog, &by_ann, STR("bo"), &t->err));
        CHECK_STATUS(account_load(catalog, STR("bo"), &t->arena, &again, &t->err), STATUS_NOT_FOUND);
        CHECK_OK(role_remove(catalog, &by_ann, STR("analyst"), &t->err));
}

TEST(a_service_acts_for_those_it_serves_and_never_for_the_platform) {
        Str analyst[] = { STR("analyst") }, both[] = { STR("analyst"), STR("admin") }, acts[] = { STR("role analyst"), STR("cy") };
        Account service = { .name = STR("bi"), .may_act_as = acts, .may_act_as_count = 2 }, admin = { .name = STR("ann"), .is_admin = true };
        Account bo = { .name = STR("bo"), .roles = analyst, .role_count = 1 }, chief = { .name = STR("di"), .roles = both, .role_count = 2, .is_admin = true };
        Account cy = { .name = STR("cy") }, auditor = { .name = STR("cy"), .is_auditor = true }, stranger = { .name = STR("analyst") };
        CHECK(account_may_act_as(&service, &bo) && account_may_act_as(&service, &cy) && account_may_act_as(&admin, &chief));
        CHECK(!account_may_act_as(&service, &chief) && !account_may_act_as(&service, &auditor) && !account_may_act_as(&service, &stranger));
        CHECK(!account_may_act_as(&bo, &cy) && !account_may_act_as(&bo, &service));
}

TEST(names_are_of_letters_that_can_stand_anywhere) {
        static const struct {
                const char *name;
                Status status;
        } cases[] = { { "bo", STATUS_OK },          { "bo.smith@example.org", STATUS_OK }, { "", STATUS_BAD_VALUE }, { "a b", STATUS_BAD_VALUE },
                      { "a\"b", STATUS_BAD_VALUE }, { "role analyst", STATUS_BAD_VALUE },  { "\xc3\xa9", STATUS_BAD_VALUE },
                      { "0123456789012345678901234567890123456789012345678901234567890123", STATUS_BAD_VALUE } };
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
                CHECK_STATUS(account_check_name(str_of(cases[i].name), "user", &t->err), cases[i].status);
}

TEST(a_token_lets_in_until_it_expires_or_is_withdrawn) {
        CLEANUP(catalog_freep) Catalog *catalog = NULL;
        CHECK_OK(open_catalog(t, &catalog));
        Account ci = { .name = STR("ci") };
        Str text, short_lived;
        Token token;
        CHECK_STATUS(token_make(catalog, &by_ann, STR("x"), STR("ci"), 0, &t->arena, &text, &t->err), STATUS_NOT_FOUND);
        CHECK_OK(account_put(catalog, &by_ann, &ci, STR_NONE, &t->err));
        CHECK_OK(token_make(catalog, &by_ann, STR("nightly"), STR("ci"), 0, &t->arena, &text, &t->err));
        CHECK_OK(token_make(catalog, &by_ann, STR("short"), STR("ci"), 1000, &t->arena, &short_lived, &t->err));
        CHECK_OK(token_check(catalog, text, 5000, &t->arena, &token, &t->err));
        CHECK_STR(token.principal, STR("ci"));
        CHECK_OK(token_holds(catalog, token.id, 5000, &t->err));
        CHECK_OK(token_check(catalog, short_lived, 999, &t->arena, &token, &t->err));
        CHECK_STATUS(token_check(catalog, short_lived, 1000, &t->arena, &token, &t->err), STATUS_LOGIN);
        CHECK_STATUS(token_check(catalog, arena_strf(&t->arena, "%.*sx", STR_ARG(text)), 0, &t->arena, &token, &t->err), STATUS_LOGIN);
        CHECK_STATUS(token_check(catalog, STR("lode_"), 0, &t->arena, &token, &t->err), STATUS_LOGIN);
        CHECK_STATUS(token_check(catalog, STR("lode_zz_zz"), 0, &t->arena, &token, &t->err), STATUS_LOGIN);
        CHECK_STATUS(token_check(catalog, STR(""), 0, &t->arena, &token, &t->err), STATUS_LOGIN);
        CHECK_OK(token_check(catalog, text, 5000, &t->arena, &token, &t->err));
        CHECK_OK(token_remove(catalog, &by_ann, STR("nightly"), &t->err));
        CHECK_STATUS(token_holds(catalog, token.id, 5000, &t->err), STATUS_LOGIN);
        CHECK_STATUS(token_check(catalog, text, 5000, &t->arena, &token, &t->err), STATUS_LOGIN);
        CHECK_OK(account_remove(catalog, &by_ann, STR("ci"), &t->err));
        CHECK_STATUS(token_check(catalog, short_lived, 0, &t->arena, &token, &t->err), STATUS_LOGIN);
}

TEST(a_verifier_is_no_part_of_the_history) {
        CLEANUP(catalog_freep) Catalog *catalog = NULL;
        CHECK_OK(open_catalog(t, &catalog));
        Account bo = { .name = STR("bo") };
        CatalogCommit before, after;
        Str verifier;
        CHECK_OK(account_put(catalog, &by_ann, &bo, STR_NONE, &t->err));
        CHECK_OK(catalog_head(catalog, STR(""), &t->arena, &before, &t->err));
        CHECK_OK(account_put(catalog, &by_ann, &bo, STR("SCRAM-SHA-256$x"), &t->err)); /* nothing else of it changes */
        CHECK_OK(account_verifier(catalog, STR("bo"), &t->arena, &verifier, &t->err));
        CHECK_STR(verifier, STR("SCRAM-SHA-256$x"));
        CHECK_OK(catalog_head(catalog, STR(""), &t->arena, &after, &t->err));
        CHECK_INT(after.seq, before.seq);
        CHECK_OK(account_set_verifier(catalog, STR("bo"), STR(""), &t->err));
        CHECK_STATUS(account_verifier(catalog, STR("bo"), &t->arena, &verifier, &t->err), STATUS_NOT_FOUND);
}

TEST(who_changes_what_somebody_else_changed_meanwhile_is_told) {
        CLEANUP(catalog_freep) Catalog *catalog = NULL;
        CHECK_OK(open_catalog(t, &catalog));
        Account bo = { .name = STR("bo"), .version = STR("") }, one, other;
        Str verifier;
        CHECK_OK(account_put(catalog, &by_ann, &bo, STR("v1"), &t->err));
        CHECK_STATUS(account_put(catalog, &by_ann, &bo, STR("v2"), &t->err), STATUS_CONFLICT);
        CHECK_OK(account_load(catalog, STR("bo"), &t->arena, &one, &t->err));
        other = one;
        other.locked = true;
        CHECK_OK(account_put(catalog, &by_ann, &other, STR_NONE, &t->err));
        CHECK_STATUS(account_put(catalog, &by_ann, &one, STR("v3"), &t->err), STATUS_CONFLICT);
        CHECK_OK(account_load(catalog, STR("bo"), &t->arena, &one, &t->err));
        CHECK_OK(account_verifier(catalog, STR("bo"), &t->arena, &verifier, &t->err));
        CHECK(one.locked);
        CHECK_STR(verifier, STR("v1"));
}
