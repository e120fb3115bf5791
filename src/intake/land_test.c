/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/land.h"

#include "base/file.h"
#include "base/test.h"

#include <fcntl.h>
#include <sys/file.h>

typedef struct Fixture {
        Lake *lake;
        Feed feed;
        Str pattern;
} Fixture;

static void fixture_free(Fixture *f) {
        lake_free(f->lake);
}

static void fixture_make(Test *t, Fixture *f, FeedLoad load) {
        *f = (Fixture){ .pattern = STR("ingress/*.csv") };
        f->feed = (Feed){ .zone = STR("shop"), .name = STR("orders"), .patterns = &f->pattern, .pattern_count = 1, .load = load,
                          .settle_us = 5000000, .redelivery = load == FEED_REPLACE ? FEED_REDELIVERY_REPLACE : FEED_REJECT, .reading = STR("text-1") };
        if (lake_create(path_join(&t->arena, test_folder(t), "store"), &f->lake, &t->err) != STATUS_OK)
                panic("%s", t->err.message);
}

static const char *drop(Test *t, const char *name, const char *text) {
        const char *path = path_join(&t->arena, test_folder(t), arena_printf(&t->arena, "project/ingress/shop/%s", name));
        if (dir_make(path_dir(&t->arena, path), &t->err) != STATUS_OK || file_write_text(path, str_of(text), &t->err) != STATUS_OK)
                panic("%s", t->err.message);
        return path;
}

/* Everything that waits, by name; between its being found and its being read, that file becomes a link. NULL: none does. */
static Status land_all_but(Test *t, Fixture *f, const char *link_path, LandedFile **out, size_t *out_count) {
        const Feed *feed = &f->feed;
        Str zone = STR("shop");
        DiscoverSpec spec = { path_join(&t->arena, test_folder(t), "project"), &feed, 1, &zone, 1 };
        FoundFile *found;
        TRY(discover_files(&spec, &t->arena, &found, out_count, &t->err));
        const FoundFile **files = ARENA_ARRAY(&t->arena, const FoundFile *, *out_count);
        for (size_t i = 0; i < *out_count; i++)
                files[i] = &found[i];
        *out = ARENA_ARRAY(&t->arena, LandedFile, *out_count);
        if (link_path && (unlink(link_path) < 0 || symlink("/etc/passwd", link_path) < 0))
                panic("cannot link '%s'", link_path);
        return land_files(f->lake, files, *out_count, NULL, &t->arena, *out, &t->err);
}

static Status land_all(Test *t, Fixture *f, LandedFile **out, size_t *out_count) {
        return land_all_but(t, f, NULL, out, out_count);
}

TEST(a_file_is_kept_under_its_hash_and_taken_out_of_ingress) {
        CLEANUP(fixture_free) Fixture f;
        fixture_make(t, &f, FEED_APPEND);
        const char *path = drop(t, "a.csv", "hello\n");
        LandedFile *landed;
        size_t count;
        CHECK_OK(land_all(t, &f, &landed, &count));
        CHECK_INT(count, 1);
        CHECK_INT(landed[0].state, LAND_NEW);
        Str hash = sha256_hex(&t->arena, sha256_of(STR("hello\n")));
        CHECK_STR(landed[0].delivery.sha256, hash);
        CHECK(str_ends_with(landed[0].delivery.landing, hash));
        Str kept;
        CHECK_OK(file_read(store_absolute(f.lake->store, &t->arena, landed[0].delivery.landing), 100, &t->arena, &kept, &t->err));
        CHECK_STR(kept, STR("hello\n"));
        CHECK(!file_exists(path));
        Delivery delivery;
        CHECK_OK(catalog_delivery(f.lake->catalog, landed[0].delivery.id, &t->arena, &delivery, &t->err));
        CHECK_STR(delivery.state, STR("landed"));
        CHECK_INT(delivery.bytes, 6);
}

TEST(equal_bytes_land_once_in_one_batch_and_over_several) {
        CLEANUP(fixture_free) Fixture f;
        fixture_make(t, &f, FEED_APPEND);
        drop(t, "a.csv", "same\n");
        drop(t, "b.csv", "same\n");
        LandedFile *landed;
        size_t count;
        CHECK_OK(land_all(t, &f, &landed, &count));
        CHECK_INT(landed[0].state, LAND_NEW);
        CHECK_INT(landed[1].state, LAND_DUPLICATE);
        drop(t, "c.csv", "same\n");
        CHECK_OK(land_all(t, &f, &landed, &count));
        CHECK_INT(count, 1);
        CHECK_INT(landed[0].state, LAND_DUPLICATE);
}

TEST(a_known_name_with_other_bytes_is_held_and_kept) {
        CLEANUP(fixture_free) Fixture f;
        fixture_make(t, &f, FEED_APPEND);
        drop(t, "a.csv", "one\n");
        LandedFile *landed;
        size_t count;
        CHECK_OK(land_all(t, &f, &landed, &count));
        drop(t, "a.csv", "two\n");
        CHECK_OK(land_all(t, &f, &landed, &count));
        CHECK_INT(landed[0].state, LAND_HELD);
        CHECK(str_find(landed[0].message, STR("redelivery: replace")) < landed[0].message.size);
        CHECK(file_exists(store_absolute(f.lake->store, &t->arena, landed[0].delivery.landing)));
}

TEST(a_snapshot_that_comes_back_is_a_new_delivery) {
        CLEANUP(fixture_free) Fixture f;
        fixture_make(t, &f, FEED_REPLACE);
        static const struct {
                const char *text;
                LandState expected;
        } steps[] = { { "a\n", LAND_NEW }, { "a\n", LAND_DUPLICATE }, { "b\n", LAND_NEW }, { "a\n", LAND_NEW } };
        for (size_t i = 0; i < COUNT_OF(steps); i++) {
                drop(t, "s.csv", steps[i].text);
                LandedFile *landed;
                size_t count;
                CHECK_OK(land_all(t, &f, &landed, &count));
                CHECK_INT(landed[0].state, steps[i].expected);
        }
}

/* The first of two files cannot land; then it can. */
static void land_behind_a_failure(Test *t, FeedLoad load, LandState second, const char *says) {
        CLEANUP(fixture_free) Fixture f;
        fixture_make(t, &f, load);
        const char *first = drop(t, "s_1.csv", "a\n");
        drop(t, "s_2.csv", "b\n");
        LandedFile *landed;
        size_t count;
        CHECK_OK(land_all_but(t, &f, first, &landed, &count));
        CHECK_INT(landed[0].state, LAND_FAILED);
        CHECK_INT(landed[1].state, second);
        CHECK(!*says || str_find(landed[1].message, str_of(says)) < landed[1].message.size);
        CHECK_INT(unlink(first), 0);
        drop(t, "s_1.csv", "a\n");
        CHECK_OK(land_all(t, &f, &landed, &count));
        for (size_t i = 0; i < count; i++)
                CHECK_INT(landed[i].state, LAND_NEW);
}

TEST(no_snapshot_overtakes_one_that_could_not_land) {
        land_behind_a_failure(t, FEED_REPLACE, LAND_FAILED, "waits for 's_1.csv'");
}

TEST(a_failure_holds_up_nobody_where_no_delivery_undoes_another) {
        land_behind_a_failure(t, FEED_APPEND, LAND_NEW, "");
}

TEST(snapshots_of_one_batch_end_at_the_last_one) {
        CLEANUP(fixture_free) Fixture f;
        fixture_make(t, &f, FEED_REPLACE);
        LandedFile *landed;
        size_t count;
        drop(t, "1.csv", "a\n");
        CHECK_OK(land_all(t, &f, &landed, &count));
        drop(t, "1.csv", "b\n");
        drop(t, "2.csv", "a\n"); /* in force before this batch, but not any more after its first */
        drop(t, "3.csv", "a\n");
        CHECK_OK(land_all(t, &f, &landed, &count));
        CHECK_INT(count, 3);
        CHECK_INT(landed[0].state, LAND_NEW);
        CHECK_INT(landed[1].state, LAND_NEW);
        CHECK_INT(landed[2].state, LAND_DUPLICATE);
        CHECK_INT(landed[2].delivery.id, landed[1].delivery.id);
}

/* As a power cut leaves it: the ledger has the file, and its removal from ingress is undone. */
TEST(a_snapshot_whose_removal_did_not_last_is_not_taken_for_a_newer_one) {
        CLEANUP(fixture_free) Fixture f;
        fixture_make(t, &f, FEED_REPLACE);
        LandedFile *landed;
        size_t count;
        struct stat st;
        const char *path = drop(t, "1.csv", "a\n");
        CHECK(stat(path, &st) == 0);
        CHECK_OK(land_all(t, &f, &landed, &count));
        FileSeen seen = { .zone = STR("shop"), .source = STR("orders"), .place = str_of(path), .size = 2, .state = STR("landed"),
                          .mtime_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec,
                          .sha256 = landed[0].delivery.sha256, .delivery = landed[0].delivery.id };
        FileSeen absent;
        CHECK_STATUS(catalog_file_seen(f.lake->catalog, seen.zone, seen.source, seen.place, &t->arena, &absent, &t->err),
                     STATUS_NOT_FOUND); /* once the removal lasts, nothing is remembered */
        drop(t, "2.csv", "b\n");
        CHECK_OK(land_all(t, &f, &landed, &count));

        drop(t, "1.csv", "a\n");
        const struct timespec times[] = { st.st_mtim, st.st_mtim };
        CHECK(utimensat(AT_FDCWD, path, times, 0) == 0);
        CHECK_OK(catalog_ledger(f.lake->catalog, NULL, 0, &seen, 1, &t->err));
        CHECK_OK(land_all(t, &f, &landed, &count));
        CHECK_INT(landed[0].state, LAND_DUPLICATE);
        CHECK(!file_exists(path));
}

TEST(a_file_that_somebody_writes_is_left_for_later) {
        CLEANUP(fixture_free) Fixture f;
        fixture_make(t, &f, FEED_APPEND);
        const char *path = drop(t, "a.csv", "half");
        CLEANUP(close_fdp) int writer = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
        LandedFile *landed;
        size_t count;
        CHECK_OK(land_all(t, &f, &landed, &count));
        CHECK_INT(landed[0].state, LAND_UNSETTLED);
        CHECK(file_exists(path));
        close_fdp(&writer);
        CHECK_OK(land_all(t, &f, &landed, &count));
        CHECK_INT(landed[0].state, LAND_NEW);
}

TEST(a_file_that_another_run_of_this_store_lands_is_left_to_it) {
        CLEANUP(fixture_free) Fixture f;
        fixture_make(t, &f, FEED_APPEND);
        drop(t, "a.csv", "one\n");
        CLEANUP(close_fdp) int claims = open(f.lake->store->claims_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        CHECK_OK(file_lock(claims, true, true, &t->err)); /* every claim there can be */
        LandedFile *landed;
        size_t count;
        CHECK_OK(land_all(t, &f, &landed, &count));
        CHECK_INT(landed[0].state, LAND_UNSETTLED);
        close_fdp(&claims);
        CHECK_OK(land_all(t, &f, &landed, &count));
        CHECK_INT(landed[0].state, LAND_NEW);
}

/* Two stores, or two sources of one, may read the same file at the same time. */
TEST(a_lock_on_the_file_itself_does_not_matter) {
        CLEANUP(fixture_free) Fixture f;
        fixture_make(t, &f, FEED_APPEND);
        CLEANUP(close_fdp) int other = open(drop(t, "a.csv", "one\n"), O_RDONLY | O_CLOEXEC);
        CHECK(flock(other, LOCK_EX | LOCK_NB) == 0);
        LandedFile *landed;
        size_t count;
        CHECK_OK(land_all(t, &f, &landed, &count));
        CHECK_INT(landed[0].state, LAND_NEW);
}

TEST(more_files_than_a_batch_land_all) {
        CLEANUP(fixture_free) Fixture f;
        fixture_make(t, &f, FEED_APPEND);
        for (int i = 0; i < LAND_BATCH + 20; i++)
                drop(t, arena_printf(&t->arena, "f%04d.csv", i), arena_printf(&t->arena, "%d\n", i));
        LandedFile *landed;
        size_t count;
        CHECK_OK(land_all(t, &f, &landed, &count));
        CHECK_INT(count, LAND_BATCH + 20);
        for (size_t i = 0; i < count; i++)
                CHECK_INT(landed[i].state, LAND_NEW);
        Delivery *rows;
        size_t row_count;
        DeliveryQuery query = { .zone = STR("shop") };
        CHECK_OK(catalog_deliveries(f.lake->catalog, &query, &t->arena, &rows, &row_count, &t->err));
        CHECK_INT(row_count, LAND_BATCH + 20);
}

TEST(delivery_ids_tell_source_content_and_time_apart) {
        int64_t id = delivery_id(STR("shop"), STR("orders"), STR("abc"), STR(""));
        CHECK(id > 0);
        CHECK(id == delivery_id(STR("shop"), STR("orders"), STR("abc"), STR("")));
        CHECK(id != delivery_id(STR("shop"), STR("orders"), STR("abc"), STR("2026")));
        CHECK(id != delivery_id(STR("sho"), STR("porders"), STR("abc"), STR("")));
}
