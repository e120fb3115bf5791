/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/landed.h"

#include "base/file.h"
#include "base/test.h"

#include <fcntl.h>
#include <unistd.h>

#define LANDING "landing/shop/orders/2026-11/x"

static Store *store_of(Test *t) {
        Store *store;
        if (store_create(path_join(&t->arena, test_folder(t), "store"), &store, &t->err) != STATUS_OK)
                panic("%s", t->err.message);
        return store;
}

static void put(Test *t, const Store *store, Str bytes) {
        const char *path = store_absolute(store, &t->arena, STR(LANDING));
        if (dir_make(path_dir(&t->arena, path), &t->err) != STATUS_OK || file_write_text(path, bytes, &t->err) != STATUS_OK)
                panic("%s", t->err.message);
}

TEST(only_the_bytes_that_arrived_are_good_for_anything) {
        static const struct {
                const char *stored;
                Status reading, wanted;
        } rows[] = {
                { "1,a\n2,b\n", STATUS_OK, STATUS_OK },
                { "1,a\n2,b\n", STATUS_HELD, STATUS_HELD },
                { "1,a\n2,c\n", STATUS_OK, STATUS_CORRUPT },
                { "1,a\n2,c\n", STATUS_HELD, STATUS_CORRUPT },
                { "1,a\n2,c\n", STATUS_WORKER_LOST, STATUS_CORRUPT },
                { "1,a\n2,c\n", STATUS_INTERRUPTED, STATUS_INTERRUPTED },
                { "1,a\n2,b", STATUS_OK, STATUS_CORRUPT },
                { "1,a\n2,b\n\n", STATUS_OK, STATUS_CORRUPT },
                { "", STATUS_OK, STATUS_CORRUPT },
        };
        CLEANUP(store_freep) Store *store = store_of(t);
        Delivery delivery = { .zone = STR("shop"), .source = STR("orders"), .name = STR("a.csv"), .landing = STR(LANDING),
                              .sha256 = sha256_hex(&t->arena, sha256_of(STR("1,a\n2,b\n"))) };
        for (size_t i = 0; i < COUNT_OF(rows); i++) {
                CLEANUP(landed_closep) Landed *landed = NULL;
                put(t, store, str_of(rows[i].stored));
                CHECK_OK(landed_open(store, &delivery, &landed, &t->err));
                Status status = rows[i].reading == STATUS_OK ? STATUS_OK : error_set(&t->err, rows[i].reading, "as read");
                CHECK_STATUS(landed_judge(landed, status, &t->err), rows[i].wanted);
                if (rows[i].wanted == STATUS_CORRUPT)
                        CHECK(strstr(t->err.message, LANDING) && strstr(t->err.message, "a.csv"));
        }
}

TEST(whoever_reads_the_descriptor_begins_at_the_beginning) {
        CLEANUP(store_freep) Store *store = store_of(t);
        CLEANUP(landed_closep) Landed *landed = NULL;
        Delivery delivery = { .landing = STR(LANDING), .sha256 = sha256_hex(&t->arena, sha256_of(STR("hello"))) };
        char got[8];
        put(t, store, STR("hello"));
        CHECK_OK(landed_open(store, &delivery, &landed, &t->err));
        CHECK_INT(read(landed_fd(landed), got, sizeof(got)), 5);
        CHECK_OK(landed_judge(landed, STATUS_OK, &t->err));
}

TEST(a_landed_file_that_is_gone_is_damage) {
        CLEANUP(store_freep) Store *store = store_of(t);
        Landed *landed = NULL;
        Delivery delivery = { .name = STR("a.csv"), .landing = STR(LANDING), .sha256 = STR("00") };
        CHECK_STATUS(landed_open(store, &delivery, &landed, &t->err), STATUS_CORRUPT);
        CHECK(landed == NULL);
}
