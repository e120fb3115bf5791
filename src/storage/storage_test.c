/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/stat.h>

#include "base/file.h"
#include "base/test.h"
#include "storage/layout.h"

TEST(a_store_is_made_once_and_opened_by_any_way_to_it) {
        const char *root = arena_printf(&t->arena, "%s/a/shop.lode", test_folder(t));
        CLEANUP(store_freep) Store *store = NULL;
        CHECK_STATUS(store_open(root, &store, &t->err), STATUS_NO_STORE);
        CHECK_OK(store_create(root, &store, &t->err));
        CHECK(file_exists(store->queue_dir) && file_exists(store->lock_path) && file_exists(store->audit_dir));
        Sha256 key;
        CHECK_OK(store_key(store, &key, &t->err));
        struct stat st;
        CHECK(stat(store->key_path, &st) == 0);
        CHECK_INT(st.st_mode & 0777, 0600);
        CHECK(stat(root, &st) == 0);
        CHECK_INT(st.st_mode & 0777, 0700);

        CHECK_OK(file_create(store->catalog_path, STR("x"), true, &t->err));
        CLEANUP(store_freep) Store *again = NULL;
        CHECK_STATUS(store_create(root, &again, &t->err), STATUS_EXISTS);
        const char *way = arena_printf(&t->arena, "%s/link", test_folder(t));
        CHECK(symlink(root, way) == 0);
        CHECK_OK(store_open(way, &again, &t->err));
        CHECK_STR(str_of(again->root), str_of(store->root));
}

TEST(a_moved_or_foreign_store_is_refused_with_a_sentence) {
        CLEANUP(store_freep) Store *store = NULL;
        CHECK_OK(store_create(arena_printf(&t->arena, "%s/s", test_folder(t)), &store, &t->err));
        CHECK_OK(store_check(store, STORE_FORMAT, str_of(store->root), &t->err));
        CHECK_STATUS(store_check(store, STORE_FORMAT + 1, str_of(store->root), &t->err), STATUS_STORE_FORMAT);
        CHECK_STATUS(store_check(store, STORE_FORMAT, STR("/old/s"), &t->err), STATUS_STORE_MOVED);
        CHECK_STR(str_of(t->err.message), arena_strf(&t->arena, "store moved from /old/s to %s", store->root));
}

TEST(landing_folders_have_safe_names_and_the_month) {
        CLEANUP(store_freep) Store *store = NULL;
        CHECK_OK(store_create(arena_printf(&t->arena, "%s/s", test_folder(t)), &store, &t->err));
        static const struct {
                const char *zone, *source;
                int64_t at;
                const char *expected; /* NULL = refused */
        } cases[] = {
                { "shop", "orders", 0, "landing/shop/orders/1970-01" },
                { "shop", "orders-2.x", INT64_C(1795658400000000), "landing/shop/orders-2.x/2026-11" },
                { "shop", "orders", -1, "landing/shop/orders/1969-12" },
                { "..", "orders", 0, NULL },
                { "shop", "a/b", 0, NULL },
                { "shop", "", 0, NULL },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                char *got = NULL;
                Status status = store_landing_dir(store, &t->arena, str_of(cases[i].zone), str_of(cases[i].source),
                                                  cases[i].at, &got, &t->err);
                CHECK_INT(status, cases[i].expected ? STATUS_OK : STATUS_BAD_VALUE);
                if (cases[i].expected)
                        CHECK_STR(store_relative(store, str_of(got)), str_of(cases[i].expected));
        }
        CHECK_STR(str_of(store_absolute(store, &t->arena, STR("landing/x"))),
                  arena_strf(&t->arena, "%s/landing/x", store->root));
}
