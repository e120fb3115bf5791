/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/discover.h"

#include "base/file.h"
#include "base/test.h"

static void put(Test *t, const char *name) {
        const char *path = path_join(&t->arena, test_folder(t), name);
        if (dir_make(path_dir(&t->arena, path), &t->err) != STATUS_OK || file_write_text(path, STR("x"), &t->err) != STATUS_OK)
                panic("%s", t->err.message);
}

TEST(every_file_in_ingress_is_found_and_claimed_by_pattern) {
        static const char *const present[] = {
                "ingress/shop/orders_1.csv", "ingress/shop/deep/orders_2.csv", "ingress/shop/note.txt", "ingress/shop/.hidden.csv",
                "ingress/shop/orders_3.csv.part", "ingress/other/orders_4.csv", "drop/stock_1.csv", "drop/else.txt",
        };
        for (size_t i = 0; i < COUNT_OF(present); i++)
                put(t, present[i]);
        Str order_patterns[] = { STR("ingress/orders_*.csv"), STR("ingress/deep/*") };
        Str stock_patterns[] = { STR("drop/stock_*.csv") };
        Feed orders = { .zone = STR("shop"), .name = STR("orders"), .patterns = order_patterns, .pattern_count = 2 };
        Feed stock = { .zone = STR("shop"), .name = STR("stock"), .patterns = stock_patterns, .pattern_count = 1 };
        const Feed *feeds[] = { &orders, &stock };
        Str zones[] = { STR("shop") };
        DiscoverSpec spec = { test_folder(t), feeds, 2, zones, 1 };
        FoundFile *found;
        size_t count;
        CHECK_OK(discover_files(&spec, &t->arena, &found, &count, &t->err));
        static const struct {
                const char *name, *feed;
        } wanted[] = { { "deep/orders_2.csv", "orders" }, { "drop/stock_1.csv", "stock" }, { "note.txt", NULL }, { "orders_1.csv", "orders" } };
        CHECK_INT(count, COUNT_OF(wanted));
        for (size_t i = 0; i < count; i++) {
                CHECK_STR(found[i].name, str_of(wanted[i].name));
                CHECK((found[i].feed != NULL) == (wanted[i].feed != NULL));
                if (found[i].feed)
                        CHECK_STR(found[i].feed->name, str_of(wanted[i].feed));
                CHECK(found[i].rival == NULL);
        }
}

TEST(a_file_that_two_feeds_claim_names_both) {
        put(t, "ingress/shop/orders_1.csv");
        Str some[] = { STR("ingress/orders_*.csv") }, all[] = { STR("ingress/*") };
        Feed orders = { .zone = STR("shop"), .name = STR("orders"), .patterns = some, .pattern_count = 1 };
        Feed everything = { .zone = STR("shop"), .name = STR("everything"), .patterns = all, .pattern_count = 1 };
        const Feed *feeds[] = { &orders, &everything };
        Str zones[] = { STR("shop") };
        DiscoverSpec spec = { test_folder(t), feeds, 2, zones, 1 };
        FoundFile *found;
        size_t count;
        CHECK_OK(discover_files(&spec, &t->arena, &found, &count, &t->err));
        CHECK_INT(count, 1);
        CHECK(found[0].feed == &orders && found[0].rival == &everything);
}

TEST(a_file_has_one_name_however_a_pattern_spells_its_path) {
        put(t, "in/x.csv");
        const char *base = strrchr(test_folder(t), '/') + 1;
        const Str cases[] = {
                STR("in/x.csv"), STR("./in/x.csv"), STR("in//x*.csv"), STR("in/./x.csv"), STR("none/../in/x.csv"), STR("in/../in/?.csv"),
                arena_strf(&t->arena, "../%s/in/x.csv", base), arena_strf(&t->arena, "%s/in/x.csv", test_folder(t)),
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Str pattern = cases[i];
                Feed feed = { .zone = STR("shop"), .name = STR("a"), .patterns = &pattern, .pattern_count = 1 };
                const Feed *feeds[] = { &feed };
                Str zones[] = { STR("shop") };
                DiscoverSpec spec = { test_folder(t), feeds, 1, zones, 1 };
                FoundFile *found;
                size_t count;
                CHECK_OK(discover_files(&spec, &t->arena, &found, &count, &t->err));
                CHECK_INT(count, 1);
                CHECK_STR(found[0].name, STR("in/x.csv"));
        }
}

TEST(an_absolute_pattern_finds_files_anywhere) {
        put(t, "elsewhere/a_1.csv");
        Str patterns[] = { arena_strf(&t->arena, "%s/elsewhere/a_*.csv", test_folder(t)) };
        Feed feed = { .zone = STR("shop"), .name = STR("a"), .patterns = patterns, .pattern_count = 1 };
        const Feed *feeds[] = { &feed };
        Str zones[] = { STR("shop") };
        DiscoverSpec spec = { "/nonexistent/project", feeds, 1, zones, 1 };
        FoundFile *found;
        size_t count;
        CHECK_OK(discover_files(&spec, &t->arena, &found, &count, &t->err));
        CHECK_INT(count, 1);
        CHECK(!found[0].in_ingress);
}

TEST(a_folder_that_may_not_be_read_stops_nobody_else) {
        if (geteuid() == 0) {
                test_skip(t, "root may read everything");
                return;
        }
        put(t, "ingress/shop/orders_1.csv");
        put(t, "ingress/shop/closed/orders_2.csv");
        const char *closed = path_join(&t->arena, test_folder(t), "ingress/shop/closed");
        CHECK_INT(chmod(closed, 0), 0);
        Str patterns[] = { STR("ingress/*.csv") };
        Feed orders = { .zone = STR("shop"), .name = STR("orders"), .patterns = patterns, .pattern_count = 1 };
        const Feed *feeds[] = { &orders };
        Str zones[] = { STR("shop") };
        DiscoverSpec spec = { test_folder(t), feeds, 1, zones, 1, false };
        FoundFile *found;
        size_t count;
        Status status = discover_files(&spec, &t->arena, &found, &count, &t->err);
        CHECK_INT(chmod(closed, 0700), 0);
        CHECK_INT(status, STATUS_OK);
        CHECK_INT(count, 2);
        CHECK(found[0].is_closed && found[0].feed == NULL);
        CHECK_STR(found[1].name, STR("orders_1.csv"));
}

TEST(what_is_no_file_is_found_and_never_claimed) {
        static const char *const names[] = { "orders_broken.csv", "orders_folder.csv", "orders_pipe.csv" };
        put(t, "ingress/shop/orders_1.csv");
        const char *folder = path_join(&t->arena, test_folder(t), "ingress/shop");
        CHECK_INT(symlink("/nowhere/at/all", path_join(&t->arena, folder, names[0])), 0);
        CHECK_INT(symlink(test_folder(t), path_join(&t->arena, folder, names[1])), 0);
        CHECK_INT(mkfifo(path_join(&t->arena, folder, names[2]), 0600), 0);
        char *deep = arena_printf(&t->arena, "%s", folder);
        for (int i = 0; i < DISCOVER_DEPTH_MAX + 1; i++)
                deep = arena_printf(&t->arena, "%s/%s", deep, "z");
        CHECK_OK(dir_make(deep, &t->err));
        Str patterns[] = { STR("ingress/*.csv") };
        Feed orders = { .zone = STR("shop"), .name = STR("orders"), .patterns = patterns, .pattern_count = 1 };
        const Feed *feeds[] = { &orders };
        Str zones[] = { STR("shop") };
        DiscoverSpec spec = { test_folder(t), feeds, 1, zones, 1, false };
        FoundFile *found;
        size_t count;
        CHECK_OK(discover_files(&spec, &t->arena, &found, &count, &t->err));
        CHECK_INT(count, 5);
        CHECK(found[0].feed == &orders);
        for (size_t i = 0; i < COUNT_OF(names); i++) {
                CHECK_STR(found[i + 1].name, str_of(names[i]));
                CHECK(found[i + 1].feed == NULL);
                CHECK(i < 2 ? found[i + 1].is_link : found[i + 1].is_special);
        }
        CHECK(found[4].is_too_deep && found[4].feed == NULL);
}
