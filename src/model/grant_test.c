/* SPDX-License-Identifier: Apache-2.0 */
#include "model/grant.h"

#include "base/json.h"
#include "base/test.h"

static Str body(Arena *arena, const char *path, const char *text, const char *more) {
        CLEANUP(buf_deinit) Buf out = { 0 };
        buf_printf(&out, "{\"path\":\"%s\",\"text\":", path);
        json_quote(&out, str_of(text));
        buf_printf(&out, "%s}", more);
        return buf_dup(&out, arena);
}

/* Two zones, and who may what in them. */
static Status fill(Test *t, Catalog *catalog) {
        CatalogCommit made;
        CatalogPut puts[] = {
                { STR("zone"), STR("shop"), STR("shop"),
                  body(&t->arena, "zones/shop/zone.yml", "", ",\"owner\":\"ann\",\"engineers\":[\"role shop_dev\"],\"members\":[\"role analyst\"]") },
                { STR("zone"), STR("finance"), STR("finance"),
                  body(&t->arena, "zones/finance/zone.yml", "", ",\"owner\":\"eve\",\"engineers\":[],\"members\":[\"fin\"]") },
                { STR("access"), STR("shop"), STR("access"),
                  body(&t->arena, "zones/shop/access.yml",
                       "rules:\n"
                       "- who: [role analyst]\n  on: [canonical.*]\n"
                       "- who: bo\n  on: [analytical.sales]\n  rows: region = principal.region\n"
                       "- who: [zone finance]\n  on: [egress.*, canonical.*]\n"
                       "- who: everyone\n  on: [tag:open]\n",
                       "") },
                { STR("policies"), STR(""), STR("policies"),
                  body(&t->arena, "policies.yml", "- tag: pii\n  who: everyone except [role dpo]\n  mask: hash\n", "") },
                { STR("model"), STR("shop"), STR("canonical.person"),
                  body(&t->arena, "zones/shop/canonical/person.sql", "-- column email: text, tag pii\nselect 'x' as email\n", "") },
                { STR("model"), STR("shop"), STR("analytical.public"), body(&t->arena, "zones/shop/analytical/public.sql", "-- tag: open\nselect 1 as a\n", "") },
        };
        CatalogChange change = { .author = STR("local:ann"), .via = STR("cli"), .puts = puts, .put_count = sizeof(puts) / sizeof(puts[0]) };
        return catalog_commit(catalog, &change, &t->arena, &made, &t->err);
}

TEST(who_may_read_what_follows_from_the_text) {
        CLEANUP(catalog_freep) Catalog *catalog = NULL;
        const char *path = arena_printf(&t->arena, "%s/catalog.sqlite", test_folder(t));
        CHECK_OK(catalog_create_sqlite(path, 1, STR("/store"), &t->err));
        CHECK_OK(catalog_open_sqlite(path, &catalog, &t->err));
        CHECK_OK(fill(t, catalog));
        Grants *grants;
        CHECK_OK(grants_load(catalog, &t->arena, &grants, &t->err));
        if (problems_any(grants_problems(grants)))
                test_fail(t, __FILE__, __LINE__, "%s", grants_problems(grants)->errors.items[0]->message);
        static const struct {
                const char *user, *role, *zone, *table;
                bool may;
        } cases[] = {
                { "root", "admin", "shop", "staging.orders", true },
                { "root", "admin", "shop", "canonical.person", true },
                { "ann", "", "shop", "staging.orders", true },
                { "ann", "", "shop", "quarantine.orders", true },
                { "ann", "", "shop", "canonical.person", true }, /* masked: see below */
                { "ann", "dpo", "shop", "canonical.person", true },
                { "ann", "", "finance", "egress.x", false },
                { "dev", "shop_dev", "shop", "staging.orders", true },
                { "cy", "analyst", "shop", "canonical.order", true },
                { "cy", "analyst", "shop", "canonical.person", true },
                { "cy", "analyst", "shop", "staging.orders", false },
                { "cy", "analyst", "shop", "quarantine.orders", false },
                { "bo", "", "shop", "analytical.sales", true }, /* some rows of it */
                { "bo", "", "shop", "analytical.public", true },
                { "fin", "", "shop", "egress.sales", true },
                { "fin", "", "shop", "canonical.order", false }, /* between zones products only */
                { "eve", "", "shop", "egress.sales", true },
                { "nobody", "", "shop", "canonical.order", false },
                { "nobody", "", "nowhere", "canonical.order", false },
                { "", "", "shop", "staging.orders", false },
        };
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                Str role = str_of(cases[i].role), stage, name;
                Account account = { .name = str_of(cases[i].user), .roles = &role, .role_count = role.size > 0, .is_admin = str_is(role, "admin") };
                str_cut(str_of(cases[i].table), '.', &stage, &name);
                if (grants_may_see(grants, &account, str_of(cases[i].zone), stage, name) != cases[i].may)
                        test_fail(t, __FILE__, __LINE__, "%s (%s) and %s.%s", cases[i].user, cases[i].role, cases[i].zone, cases[i].table);
        }
}
