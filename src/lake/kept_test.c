/* SPDX-License-Identifier: Apache-2.0 */
/* Files that hold some text instead of Parquet: nothing here reads rows. */
#include "base/file.h"
#include "base/test.h"
#include "lake/kept.h"
#include "lake/sweep.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static Lake *make_lake(Test *t) {
        Lake *lake = NULL;
        if (lake_create(arena_printf(&t->arena, "%s/store", test_folder(t)), &lake, &t->err) != STATUS_OK)
                panic("%s", t->err.message);
        return lake;
}

/* Two files of a build, somewhere in the store. */
static KeptBuild make_build(Test *t, Lake *lake, const char *table, const char *key) {
        KeptBuild build = { .table = str_of(table), .key = str_of(key), .files = ARENA_ARRAY(&t->arena, LakeFile, 2), .file_count = 2 };
        for (size_t i = 0; i < build.file_count; i++) {
                const char *path = arena_printf(&t->arena, "%s/%s-%zu", lake->store->run_dir, key, i);
                if (file_create(path, str_of(path), false, &t->err) != STATUS_OK)
                        panic("%s", t->err.message);
                build.files[i] = (LakeFile){ path, { .rows = 10 + (int64_t)i, .bytes = (int64_t)strlen(path) } };
        }
        return build;
}

static const char *record_path(Test *t, Lake *lake, const char *table) {
        return arena_printf(&t->arena, "%s/%s/kept", lake->store->built_dir, table);
}

TEST(a_build_is_found_under_its_key_and_no_other) {
        CLEANUP(lake_freep) Lake *lake = make_lake(t);
        KeptBuild build = make_build(t, lake, "shop.canonical.x", "aa"), found;
        CHECK(!kept_find(lake, build.table, build.key, &t->arena, &found));
        kept_put(lake, &build);
        CHECK(kept_find(lake, build.table, build.key, &t->arena, &found));
        CHECK_INT(found.file_count, 2);
        CHECK_INT(found.files[1].statistics.rows, 11);
        struct stat kept, made;
        CHECK_INT(stat(found.files[1].path, &kept), 0);
        CHECK_INT(stat(build.files[1].path, &made), 0);
        CHECK_INT(kept.st_ino, made.st_ino);
        CHECK(!kept_find(lake, build.table, STR("bb"), &t->arena, &found));
        CHECK(!kept_find(lake, STR("shop.canonical.y"), build.key, &t->arena, &found));
        SweepResult swept;
        CHECK_OK(lake_sweep(lake, 0, &swept, &t->err));
        CHECK(kept_find(lake, build.table, build.key, &t->arena, &found));
}

TEST(the_newest_build_of_a_table_takes_the_place_of_the_one_before) {
        CLEANUP(lake_freep) Lake *lake = make_lake(t);
        KeptBuild first = make_build(t, lake, "shop.canonical.x", "aa"), second = make_build(t, lake, "shop.canonical.x", "bb"), found;
        kept_put(lake, &first);
        kept_put(lake, &second);
        CHECK(!kept_find(lake, first.table, first.key, &t->arena, &found));
        CHECK(kept_find(lake, second.table, second.key, &t->arena, &found));
        DirEntry *entries;
        size_t count;
        CHECK_OK(dir_list(lake->store->built_dir, &t->arena, &entries, &count, &t->err));
        CHECK_INT(count, 1);
        kept_remove(lake, second.table);
        CHECK(!kept_find(lake, second.table, second.key, &t->arena, &found));
        CHECK_OK(dir_list(lake->store->built_dir, &t->arena, &entries, &count, &t->err));
        CHECK_INT(count, 0);
}

TEST(a_build_without_rows_is_kept_too) {
        CLEANUP(lake_freep) Lake *lake = make_lake(t);
        KeptBuild build = { .table = STR("shop.canonical.x"), .key = STR("aa") }, found;
        kept_put(lake, &build);
        CHECK(kept_find(lake, build.table, build.key, &t->arena, &found));
        CHECK_INT(found.file_count, 0);
}

static void cut_record(Test *t, Lake *lake) {
        CHECK_INT(truncate(record_path(t, lake, "shop.canonical.x"), 20), 0);
}
static void flip_record(Test *t, Lake *lake) {
        CLEANUP(close_fdp) int fd = open(record_path(t, lake, "shop.canonical.x"), O_WRONLY);
        CHECK_INT(pwrite(fd, "?", 1, 30), 1);
}
static void drop_record(Test *t, Lake *lake) {
        CHECK_INT(unlink(record_path(t, lake, "shop.canonical.x")), 0);
}
static void cut_file(Test *t, Lake *lake) {
        CHECK_INT(truncate(arena_printf(&t->arena, "%s/shop.canonical.x/1.parquet", lake->store->built_dir), 1), 0);
}
static void drop_file(Test *t, Lake *lake) {
        CHECK_INT(unlink(arena_printf(&t->arena, "%s/shop.canonical.x/0.parquet", lake->store->built_dir)), 0);
}

TEST(what_is_not_whole_is_not_there) {
        static const struct {
                const char *name;
                void (*damage)(Test *, Lake *);
        } cases[] = { { "cut record", cut_record }, { "flipped record", flip_record }, { "no record", drop_record },
                      { "cut file", cut_file },     { "no file", drop_file } };
        CLEANUP(lake_freep) Lake *lake = make_lake(t);
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                KeptBuild build = make_build(t, lake, "shop.canonical.x", arena_printf(&t->arena, "a%zu", i)), found;
                kept_put(lake, &build);
                CHECK(kept_find(lake, build.table, build.key, &t->arena, &found));
                cases[i].damage(t, lake);
                if (kept_find(lake, build.table, build.key, &t->arena, &found))
                        test_fail(t, __FILE__, __LINE__, "found after: %s", cases[i].name);
        }
}

TEST(what_is_old_or_half_made_is_tidied) {
        CLEANUP(lake_freep) Lake *lake = make_lake(t);
        KeptBuild build = make_build(t, lake, "shop.canonical.x", "aa"), other = make_build(t, lake, "shop.canonical.y", "bb"), found;
        kept_put(lake, &build);
        kept_put(lake, &other);
        const char *half = arena_printf(&t->arena, "%s/.tmp-1", lake->store->built_dir);
        CHECK_OK(dir_make(half, &t->err));
        CHECK_INT(kept_tidy(lake, KEPT_US), 0);
        struct timespec old[2] = { { .tv_sec = 1 }, { .tv_sec = 1 } };
        CHECK_INT(utimensat(AT_FDCWD, half, old, 0), 0);
        CHECK_INT(utimensat(AT_FDCWD, path_dir(&t->arena, record_path(t, lake, "shop.canonical.y")), old, 0), 0);
        CHECK_INT(kept_tidy(lake, KEPT_US), 2);
        CHECK(kept_find(lake, build.table, build.key, &t->arena, &found));
        CHECK(!kept_find(lake, other.table, other.key, &t->arena, &found));
}
