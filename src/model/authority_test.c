/* SPDX-License-Identifier: Apache-2.0 */
#include "model/authority.h"

#include "base/json.h"
#include "base/test.h"

static Grants *load(Test *t) {
        CLEANUP(catalog_freep) Catalog *catalog = NULL;
        const char *path = arena_printf(&t->arena, "%s/catalog.sqlite", test_folder(t));
        Str shop = STR("{\"path\":\"zones/shop/zone.yml\",\"text\":\"\",\"owner\":\"ann\",\"engineers\":[\"role dev\"],\"members\":[]}");
        Str open_ = STR("{\"path\":\"zones/open/zone.yml\",\"text\":\"\",\"owner\":\"\",\"engineers\":[],\"members\":[]}");
        CatalogPut puts[] = { { STR("zone"), STR("shop"), STR("shop"), shop }, { STR("zone"), STR("open"), STR("open"), open_ } };
        CatalogChange change = { .author = STR("local:ann"), .via = STR("cli"), .puts = puts, .put_count = COUNT_OF(puts) };
        CatalogCommit made;
        Grants *grants = NULL;
        if (catalog_create_sqlite(path, 1, STR("/store"), &t->err) != STATUS_OK || catalog_open_sqlite(path, &catalog, &t->err) != STATUS_OK ||
            catalog_commit(catalog, &change, &t->arena, &made, &t->err) != STATUS_OK || grants_load(catalog, &t->arena, &grants, &t->err) != STATUS_OK)
                return NULL;
        return grants;
}

TEST(text_is_changed_by_those_to_whom_it_belongs) {
        Grants *grants = load(t);
        CHECK(grants != NULL);
        Source inside = { .zone = STR("shop"), .name = STR("in"), .from = (Str[]){ STR("ingress/*.csv") }, .from_count = 1 };
        Source outside = { .zone = STR("shop"), .name = STR("out"), .from = (Str[]){ STR("ingress/*.csv"), STR("/etc/passwd") }, .from_count = 2 };
        Zone zone = { .name = STR("shop"), .sources = (Source *[]){ &inside, &outside }, .source_count = 2 };
        Project next = { .zones = (Zone *[]){ &zone }, .zone_count = 1 };
        static const struct {
                TextChange change;
                const char *path;
                bool owner, engineer; /* an administrator may all, a stranger nothing */
        } cases[] = {
                { { { "project", 7 }, { "", 0 }, { "project", 7 }, false, false }, "lode.yml", false, false },
                { { { "policies", 8 }, { "", 0 }, { "policies", 8 }, true, false }, "policies.yml", false, false },
                { { { "zone", 4 }, { "shop", 4 }, { "shop", 4 }, false, false }, "zones/shop/zone.yml", true, false },
                { { { "zone", 4 }, { "new", 3 }, { "new", 3 }, false, true }, "zones/new/zone.yml", false, false },
                { { { "zone", 4 }, { "open", 4 }, { "open", 4 }, false, false }, "zones/open/zone.yml", false, false },
                { { { "access", 6 }, { "shop", 4 }, { "access", 6 }, true, false }, "zones/shop/access.yml", true, false },
                { { { "terms", 5 }, { "shop", 4 }, { "terms", 5 }, false, true }, "zones/shop/terms.yml", true, true },
                { { { "source", 6 }, { "shop", 4 }, { "in", 2 }, false, true }, "zones/shop/sources/in.yml", true, true },
                { { { "source", 6 }, { "shop", 4 }, { "out", 3 }, false, false }, "zones/shop/sources/out.yml", false, false },
                { { { "source", 6 }, { "shop", 4 }, { "out", 3 }, true, false }, "zones/shop/sources/out.yml", true, true },
                { { { "source", 6 }, { "new", 3 }, { "in", 2 }, false, true }, "zones/new/sources/in.yml", false, false },
                { { { "model", 5 }, { "shop", 4 }, { "egress.sales", 12 }, false, false }, "zones/shop/egress/sales.sql", true, true },
                { { { "model", 5 }, { "open", 4 }, { "egress.sales", 12 }, false, false }, "zones/open/egress/sales.sql", false, false },
                { { { "anything", 8 }, { "shop", 4 }, { "x", 1 }, false, false }, "lode.yml", false, false },
        };
        Account accounts[] = { { .name = STR("root"), .is_admin = true }, { .name = STR("ann") },
                               { .name = STR("dan"), .roles = (Str[]){ STR("dev") }, .role_count = 1 }, { .name = STR("eve") } };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                bool may[] = { true, cases[i].owner, cases[i].engineer, false };
                CHECK_STR(str_of(authority_path(&cases[i].change, &t->arena)), str_of(cases[i].path));
                for (size_t a = 0; a < COUNT_OF(accounts); a++) {
                        Problems problems = { .arena = &t->arena };
                        authority_check(grants, &accounts[a], &next, &cases[i].change, 1, &problems);
                        if (problems_any(&problems) == may[a])
                                test_fail(t, __FILE__, __LINE__, "%s by account %zu: %s", cases[i].path, a, may[a] ? "denied" : "allowed");
                        if (problems_any(&problems))
                                CHECK_STR(str_of(problems.errors.items[0]->file), str_of(cases[i].path));
                }
        }
        CHECK(grants_may_apply(grants, &accounts[0]) && grants_may_apply(grants, &accounts[1]) && grants_may_apply(grants, &accounts[2]));
        CHECK(!grants_may_apply(grants, &accounts[3]));
}
