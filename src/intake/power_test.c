/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One who lands a file dies at every system call that changes a disk, one after the other; another then lands what there
 * is, and the power goes. What is not in ingress any more is in the ledger, and kept (lake/trouble.h).
 */
#include <sys/wait.h>

#include "base/file.h"
#include "base/test.h"
#include "intake/land.h"
#include "lake/trouble.h"

typedef struct Place {
        Test *t;
        const char *root, *project, *path; /* the store, the project, the file */
        Str text;                          /* what is in it */
} Place;

static Status land_all(const Place *place, Lake *lake, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        Str zone = STR("shop"), pattern = STR("ingress/*.csv");
        Feed feed = { .zone = zone, .name = STR("orders"), .patterns = &pattern, .pattern_count = 1, .load = FEED_APPEND,
                      .redelivery = FEED_REJECT, .reading = STR("text-1") };
        const Feed *feeds = &feed;
        DiscoverSpec spec = { place->project, &feeds, 1, &zone, 1 };
        FoundFile *found = NULL;
        size_t count = 0;
        TRY(discover_files(&spec, &arena, &found, &count, err));
        const FoundFile **files = ARENA_ARRAY(&arena, const FoundFile *, count);
        for (size_t i = 0; i < count; i++)
                files[i] = &found[i];
        return land_files(lake, files, count, NULL, &arena, ARENA_ARRAY(&arena, LandedFile, count), err);
}

/* The exit code of a child that lands what there is, and dies at that call; 0 = it does not die. */
static int land_in_child(const Place *place, long at) {
        int status = 0;
        pid_t child = fork();
        if (child == 0) {
                Error err = { 0 };
                Lake *lake = NULL;
                trouble_at = at;
                bool fine = lake_open(place->root, &lake, &err) == STATUS_OK && land_all(place, lake, &err) == STATUS_OK;
                if (!fine)
                        printf("# %s\n", err.message);
                lake_free(lake);
                _exit(!fine);
        }
        waitpid(child, &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Whether the ledger has the bytes, and they lie where it says. */
static void check_kept(const Place *place, bool *out) {
        Test *t = place->t;
        CLEANUP(arena_deinit) Arena arena = { 0 };
        CLEANUP(lake_freep) Lake *lake = NULL;
        Delivery *rows = NULL;
        size_t count = 0;
        *out = false;
        CHECK_OK(lake_open(place->root, &lake, &t->err));
        CHECK_OK(catalog_deliveries(lake->catalog, &(DeliveryQuery){ .zone = STR("shop") }, &arena, &rows, &count, &t->err));
        Str hash = sha256_hex(&arena, sha256_of(place->text));
        for (size_t i = 0; i < count; i++) {
                Str bytes = STR_NONE;
                if (!str_equal(rows[i].sha256, hash))
                        continue;
                CHECK_OK(file_read(store_absolute(lake->store, &arena, rows[i].landing), 100, &arena, &bytes, &t->err));
                *out = str_equal(bytes, place->text);
        }
}

TEST(a_power_cut_after_a_death_loses_no_file) {
        Place place = { .t = t };
        place.root = path_join(&t->arena, test_folder(t), "store");
        place.project = path_join(&t->arena, test_folder(t), "project");
        {
                CLEANUP(lake_freep) Lake *lake = NULL;
                CHECK_OK(lake_create(place.root, &lake, &t->err));
        }
        shadow = path_join(&t->arena, test_folder(t), "shadow");
        long point = 1, taken = 0;
        for (int code = CRASHED; code == CRASHED && point < 1000; point++) {
                bool kept = false;
                place.text = arena_strf(&t->arena, "id\n%ld\n", point);
                place.path = path_join(&t->arena, place.project, arena_printf(&t->arena, "ingress/shop/a%ld.csv", point));
                CHECK_OK(dir_make(path_dir(&t->arena, place.path), &t->err));
                CHECK_OK(file_write_text(place.path, place.text, &t->err));
                CHECK_OK(power_on(place.root, &t->err));
                code = land_in_child(&place, point);
                CHECK(code == 0 || code == CRASHED);
                CHECK_INT(land_in_child(&place, 0), 0);
                taken += !file_exists(place.path);
                CHECK_OK(power_off(place.root, 0, &t->err));
                check_kept(&place, &kept);
                CHECK(kept || file_exists(place.path));

                CHECK_OK(power_on(place.root, &t->err));
                CHECK_INT(land_in_child(&place, 0), 0);
        }
        CHECK(point > 20 && point < 1000 && taken > point / 2);
        shadow = NULL;
}
