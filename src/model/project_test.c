/* SPDX-License-Identifier: Apache-2.0 */
#include "model/project.h"

#include "base/file.h"
#include "base/json.h"
#include "base/test.h"

static void put(Test *t, const char *path, const char *text) {
        const char *whole = path_join(&t->arena, test_folder(t), path);
        Error err = { 0 };
        if (dir_make(path_dir(&t->arena, whole), &err) != STATUS_OK ||
            file_write_text(whole, str_of(text), &err) != STATUS_OK)
                test_fail(t, __FILE__, __LINE__, "%s", err.message);
}

static void put_shop(Test *t) {
        put(t, "p/lode.yml", "project: shop_data\n");
        put(t, "p/zones/shop/zone.yml", "owner: ann\nengineers: [role shop_dev]\n");
        put(t, "p/zones/shop/sources/orders.yml", "from: ingress/orders_*.csv\ncolumns:\n  order_no: text\n");
        put(t, "p/zones/shop/canonical/order.sql", "select * from staging.orders\n");
        put(t, "p/zones/shop/egress/sales.sql", "-- version: 1\nselect * from canonical.order\n");
        put(t, "p/zones/shop/README.md", "words");
        put(t, "p/zones/crm/terms.yml", "terms:\n- name: client\n  meaning: who pays\n");
}

TEST(a_project_is_found_upwards_and_loaded_whole) {
        put_shop(t);
        const char *root;
        CHECK_OK(project_find(&t->arena, path_join(&t->arena, test_folder(t), "p/zones/shop/sources"), &root, &t->err));
        CHECK_STR(str_of(root), arena_strf(&t->arena, "%s/p", test_folder(t)));

        Project *project;
        CHECK_OK(project_load(&t->arena, root, &project, &t->err));
        CHECK_OK(project_first_problem(project, &t->err));
        CHECK_STR(project->name, STR("shop_data"));
        CHECK_STR(str_of(project->store), arena_strf(&t->arena, "%s/shop_data.lode", test_folder(t)));
        CHECK_INT(project->zone_count, 2);
        CHECK_STR(project->zones[0]->name, STR("crm"));
        CHECK_INT(project->zones[0]->term_count, 1);
        CHECK_STR(project->zones[1]->owner, STR("ann"));
        CHECK_INT(project->zones[1]->engineer_count, 1);
        CHECK(project_source(project, STR("shop"), STR("orders")) != NULL);
        CHECK_INT(project->zones[1]->model_count, 2);
}

TEST(there_may_be_no_project) {
        const char *root;
        CHECK_STATUS(project_find(&t->arena, test_folder(t), &root, &t->err), STATUS_NO_PROJECT);
        CHECK(strstr(t->err.hint, "lode init") != NULL);
}

TEST(everything_wrong_in_a_project_is_told_at_once) {
        put_shop(t);
        put(t, "p/policies.yml", "- tag: pii\n");
        put(t, "p/zones/shop/sources/Orders-2.yml", "from: x\n");
        put(t, "p/zones/shop/sources/again.yml", "from: ingress/orders_*.csv\ncolumns: {a: int}\n");
        put(t, "p/zones/shop/sources/bad.yml", "form: x\n");
        put(t, "p/zones/shop/source/x.yml", "");
        put(t, "p/zones/shop/zone.yaml", "");
        put(t, "p/zones/shop/canonical/empty.sql", "");
        put(t, "p/zones/shop/canonical/latin.sql", "select '\xf8'");
        put(t, "p/zones/My Zone/zone.yml", "");
        static const struct {
                const char *file;
                Status status;
                const char *hint;
        } wanted[] = {
                { "policies.yml", STATUS_BAD_VALUE, "who" },
                { "zones/My Zone", STATUS_BAD_VALUE, "my_zone would do" },
                { "zones/shop/canonical/empty.sql", STATUS_SYNTAX, "SELECT" },
                { "zones/shop/canonical/latin.sql", STATUS_SYNTAX, "" },
                { "zones/shop/source", STATUS_UNKNOWN_KEY, "sources" },
                { "zones/shop/sources/Orders-2.yml", STATUS_BAD_VALUE, "orders_2 would do" },
                { "zones/shop/sources/bad.yml", STATUS_UNKNOWN_KEY, "from" },
                { "zones/shop/sources/orders.yml", STATUS_AMBIGUOUS, "narrow" },
                { "zones/shop/zone.yaml", STATUS_UNKNOWN_KEY, "zone.yml" },
        };
        Project *project;
        CHECK_OK(project_load(&t->arena, arena_printf(&t->arena, "%s/p", test_folder(t)), &project, &t->err));
        for (size_t i = 0; i < COUNT_OF(wanted); i++) {
                bool found = false;
                for (size_t k = 0; k < project->problems.errors.count; k++) {
                        const Error *err = project->problems.errors.items[k];
                        found = found || (strcmp(err->file, wanted[i].file) == 0 && err->status == wanted[i].status &&
                                          strstr(err->hint, wanted[i].hint));
                }
                if (!found)
                        test_fail(t, __FILE__, __LINE__, "nothing is said of %s", wanted[i].file);
        }
        CHECK(project_source(project, STR("shop"), STR("orders")) != NULL); /* what is right is there all the same */
        CHECK(project_first_problem(project, &t->err) != STATUS_OK);
}

TEST(the_store_may_not_lie_in_the_project) {
        static const struct {
                const char *text;
                Status status;
                int line, column;
        } cases[] = {
                { "store: data\n", STATUS_BAD_VALUE, 1, 1 },
                { "project: x\nstore: ./.lode\n", STATUS_BAD_VALUE, 2, 1 },
                { "store: ../elsewhere\n", STATUS_OK, 0, 0 },
                { "store: /srv/lode\n", STATUS_OK, 0, 0 },
                { "store: s3://b/c\n", STATUS_OK, 0, 0 },
                { "", STATUS_OK, 0, 0 },
                { "project: Big Shop\n", STATUS_BAD_VALUE, 1, 10 },
                { "projct: x\n", STATUS_UNKNOWN_KEY, 1, 1 },
                { "project: My-Shop.2\n", STATUS_OK, 0, 0 },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                put(t, "q/lode.yml", cases[i].text);
                Project *project;
                CHECK_OK(project_load(&t->arena, arena_printf(&t->arena, "%s/q", test_folder(t)), &project, &t->err));
                Error err = { 0 };
                project_first_problem(project, &err);
                if (err.status != cases[i].status || err.line != cases[i].line || err.column != cases[i].column)
                        test_fail(t, __FILE__, __LINE__, "case %zu: %s at %d:%d: %s", i, status_name(err.status),
                                  err.line, err.column, err.message);
        }
}

TEST(names_are_checked_and_made) {
        static const struct {
                const char *text;
                bool valid;
                const char *made;
        } cases[] = {
                { "shop", true, "shop" },
                { "Shop", false, "shop" },
                { "2025", false, "x_2025" },
                { "a-b c.csv", false, "a_b_c_csv" },
                { "", false, "data" },
                { "_a", false, "a" },
                { "order_1", true, "order_1" },
                { "ordré", false, "ordre" },
                { "größe", false, "groesse" },
                { "Kunden Übersicht (März)", false, "kunden_uebersicht_maerz" },
                { "MA\xCC\x88RZ e\xCC\x81t\xCC\x88", false, "maerz_et" },
                { "Žluťoučký kůň, Łódź, İzmir", false, "zlutoucky_kun_lodz_izmir" },
                { "注文 \xFFx", false, "x" },
                { "a1234567890123456789012345678901234567890123456789012345678901ä", false,
                  "a1234567890123456789012345678901234567890123456789012345678901a" },
                { "lode", false, "x_lode" },
                { "---", false, "data" },
                { "a123456789012345678901234567890123456789012345678901234567890123", false,
                  "a12345678901234567890123456789012345678901234567890123456789012" },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                CHECK_INT(name_valid(str_of(cases[i].text)), cases[i].valid);
                CHECK_STR(name_from(&t->arena, str_of(cases[i].text)), str_of(cases[i].made));
                CHECK(name_valid(name_from(&t->arena, str_of(cases[i].text))));
                CHECK_STATUS(name_check(str_of(cases[i].text), "zone", &t->err),
                             cases[i].valid ? STATUS_OK : STATUS_BAD_VALUE);
        }
}

TEST(equal_text_gives_equal_objects) {
        put_shop(t);
        const char *root = arena_printf(&t->arena, "%s/p", test_folder(t));
        Project *one, *two;
        ProjectObject *a, *b;
        size_t count, again;
        CHECK_OK(project_load(&t->arena, root, &one, &t->err));
        CHECK_OK(project_load(&t->arena, root, &two, &t->err));
        project_objects(one, &t->arena, &a, &count);
        project_objects(two, &t->arena, &b, &again);
        CHECK_INT(count, again);
        CHECK_INT(count, 7); /* project, crm and its terms, shop, a source, two models */
        for (size_t i = 0; i < count; i++) {
                CHECK_STR(a[i].body, b[i].body);
                Json *json;
                CHECK_OK(json_parse(a[i].body, NULL, &t->arena, &json, &t->err));
                CHECK(json_string(json_get(json, "path")).size > 0);
        }
        CHECK_STR(a[4].kind, STR("source"));
        CHECK_STR(a[4].name, STR("orders"));
        CHECK_STR(a[5].name, STR("canonical.order"));
}
