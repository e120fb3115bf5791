/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A publisher that dies at every system call which changes a disk, one after the other, and whose recovery dies too;
 * and one that finds the disk full at each.
 *
 * The calls are defined here, in the program, and so taken by our libraries and by SQLite instead of the C library's.
 * In a child whose `trouble_at` is N the Nth of them ends the process at once: writes after half of their bytes, the
 * others before they are made. Or, if `disk_full`, it fails with ENOSPC, and the process goes on. (Not so a sync: a
 * failed sync ends the process, which is the other case.) What power cuts take from the cache as well is not shown.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/test.h"
#include "lake/changeset.h"
#include "lake/sweep.h"

#define CRASHED 77
#define HERE (-100) /* AT_FDCWD, without fcntl.h and its own inline functions */

static long trouble_at; /* 0 = never */
static bool disk_full;
static long calls;

static bool in_trouble(void) {
        return trouble_at && ++calls == trouble_at;
}

/* Dies, or fails. */
static int give_trouble(void) {
        if (!disk_full)
                syscall(SYS_exit_group, CRASHED);
        errno = ENOSPC;
        return -1;
}

#define TAKE_OVER(result, name, symbol, ...)                                             \
        __attribute__((visibility("default"))) result name(__VA_ARGS__) __asm__(symbol); \
        result name(__VA_ARGS__)

TAKE_OVER(ssize_t, troubled_write, "write", int fd, const void *bytes, size_t size) {
        bool last = in_trouble();
        ssize_t done = syscall(SYS_write, fd, bytes, last ? size / 2 : size);
        return last ? give_trouble() : done;
}

static ssize_t do_pwrite(int fd, const void *bytes, size_t size, off_t at) {
        bool last = in_trouble();
        ssize_t done = syscall(SYS_pwrite64, fd, bytes, last ? size / 2 : size, at);
        return last ? give_trouble() : done;
}

TAKE_OVER(ssize_t, troubled_pwrite, "pwrite", int fd, const void *bytes, size_t size, off_t at) {
        return do_pwrite(fd, bytes, size, at);
}

TAKE_OVER(ssize_t, troubled_pwrite64, "pwrite64", int fd, const void *bytes, size_t size, off_t at) {
        return do_pwrite(fd, bytes, size, at);
}

#define TAKE_OVER_PLAIN(symbol, spared, parameters, arguments)                                    \
        __attribute__((visibility("default"))) int troubled_##symbol parameters __asm__(#symbol); \
        int troubled_##symbol parameters {                                                        \
                if (!(spared) && in_trouble())                                                    \
                        return give_trouble();                                                    \
                return (int)syscall arguments;                                                    \
        }

TAKE_OVER_PLAIN(fsync, disk_full, (int fd), (SYS_fsync, fd))
TAKE_OVER_PLAIN(fdatasync, disk_full, (int fd), (SYS_fdatasync, fd))
TAKE_OVER_PLAIN(ftruncate, false, (int fd, off_t size), (SYS_ftruncate, fd, size))
TAKE_OVER_PLAIN(ftruncate64, false, (int fd, off_t size), (SYS_ftruncate, fd, size))
TAKE_OVER_PLAIN(rename, false, (const char *from, const char *to), (SYS_renameat2, HERE, from, HERE, to, 0))
TAKE_OVER_PLAIN(link, false, (const char *from, const char *to), (SYS_linkat, HERE, from, HERE, to, 0))
TAKE_OVER_PLAIN(unlink, disk_full, (const char *path), (SYS_unlinkat, HERE, path, 0))
TAKE_OVER_PLAIN(rmdir, disk_full, (const char *path), (SYS_unlinkat, HERE, path, 0x200 /* AT_REMOVEDIR */))
TAKE_OVER_PLAIN(mkdir, false, (const char *path, mode_t mode), (SYS_mkdirat, HERE, path, mode))

/* ---- the store under test ---- */

static const LakeColumn columns[] = { { .name = { "id", 2 }, .type = { .kind = TYPE_BIGINT } } };

static Status add_table(ChangeSet *set, const char *name, Error *err) {
        ChangeTable *table = NULL;
        const char *path = NULL;
        CLEANUP(close_fdp) int fd = -1;
        ChangeTableSpec spec = { .kind = STR("staging"), .write = TABLE_APPEND, .columns = columns, .column_count = 1 };
        TRY(changeset_table(set, (CatalogName){ STR("table"), STR("shop"), str_of(name) }, &spec, &table, err));
        TRY(changeset_new_file(set, table, &path, &fd, err));
        TRY(fd_write_all(fd, str_of(path), path, err));
        LakeFile file = { path, { .rows = 10, .bytes = (int64_t)strlen(path) } };
        return changeset_append(set, table, &file, 1, err);
}

/* Stages what the ledger holds as landed, into two tables, one of them new: what a run does. */
static Status stage_landed(Lake *lake, const char *fresh, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        Delivery *rows = NULL;
        size_t count = 0;
        TRY(catalog_deliveries(lake->catalog, &(DeliveryQuery){ .state = STR("landed") }, &arena, &rows, &count, err));
        if (count == 0)
                return STATUS_OK;
        CLEANUP(changeset_freep) ChangeSet *set = NULL;
        CatalogCommit commit;
        TRY(changeset_new(lake, &(ChangeSetSpec){ .author = STR("a"), .via = STR("t"), .message = STR("m") }, &set,
                          err));
        TRY(add_table(set, "staging.orders", err));
        TRY(add_table(set, fresh, err));
        rows[0].state = STR("staged");
        changeset_ledger(set, rows, 1, NULL, 0);
        return changeset_publish(set, &arena, &commit, err);
}

static int child_stage(const char *root, const char *fresh) {
        Error err = { 0 };
        Lake *lake = NULL;
        Status status = lake_open(root, &lake, &err);
        if (status == STATUS_OK)
                status = stage_landed(lake, fresh, &err);
        if (status != STATUS_OK && !disk_full)
                fprintf(stderr, "# %s\n", err.message);
        lake_free(lake);
        return status != STATUS_OK;
}

static int child_recover(const char *root) {
        Error err = { 0 };
        Lake *lake = NULL;
        SweepResult swept;
        Status status = lake_open(root, &lake, &err);
        if (status == STATUS_OK)
                status = lake_sweep(lake, 0, &swept, &err);
        if (status != STATUS_OK && !disk_full)
                fprintf(stderr, "# %s\n", err.message);
        lake_free(lake);
        return status != STATUS_OK;
}

/* The exit code of a child that is in trouble at the Nth call; fresh NULL: it only recovers. */
static int in_child(const char *root, const char *fresh, long at, bool full) {
        int status = 0;
        pid_t child = fork();
        if (child == 0) {
                trouble_at = at;
                disk_full = full;
                _exit(fresh ? child_stage(root, fresh) : child_recover(root));
        }
        waitpid(child, &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static size_t count_files(Arena *arena, const char *folder, const char *ending) {
        DirEntry *entries = NULL;
        size_t count = 0, found = 0;
        Error err = { 0 };
        if (dir_list(folder, arena, &entries, &count, &err) != STATUS_OK)
                return 0;
        for (size_t i = 0; i < count; i++) {
                if (entries[i].is_dir)
                        found += count_files(arena, path_join(arena, folder, arena_cstr(arena, entries[i].name)),
                                             ending);
                else
                        found += str_ends_with(entries[i].name, str_of(ending));
        }
        return found;
}

/* Both tables have a delivery's rows exactly if the ledger says that it is staged. */
static Status check_consistent(const char *root, size_t *out_staged, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        CLEANUP(lake_freep) Lake *lake = NULL;
        Delivery *rows = NULL;
        Table *tables = NULL;
        size_t staged = 0, count = 0;
        int64_t files[2] = { 0, 0 }, commits = 0;
        TRY(lake_open(root, &lake, err));
        TRY(catalog_verify_chain(lake->catalog, &commits, err));
        TRY(catalog_deliveries(lake->catalog, &(DeliveryQuery){ .state = STR("staged") }, &arena, &rows, &staged, err));
        TRY(lake_tables(lake, (CatalogAt){ 0 }, STR("table"), STR(""), &arena, &tables, &count, err));
        for (size_t i = 0; i < count; i++) {
                LakeScan scan;
                TRY(lake_plan(lake, &tables[i], NULL, 0, &arena, &scan, err));
                for (size_t k = 0; k < scan.file_count; k++) {
                        Str bytes;
                        TRY(file_read(scan.files[k].path, 4096, &arena, &bytes, err));
                        if (!str_is(bytes, scan.files[k].path))
                                return error_set(err, STATUS_CORRUPT, "'%s' is broken", scan.files[k].path);
                }
                files[!str_is(tables[i].name, "staging.orders")] += (int64_t)scan.file_count;
        }
        if (files[0] != (int64_t)staged || files[1] != (int64_t)staged)
                return error_set(err, STATUS_CORRUPT, "%zu staged, but %lld and %lld files", staged,
                                 (long long)files[0], (long long)files[1]);
        *out_staged = staged;
        return STATUS_OK;
}

static Status land(const char *root, int64_t id, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        CLEANUP(lake_freep) Lake *lake = NULL;
        TRY(lake_open(root, &lake, err));
        Delivery row = { .id = id, .zone = STR("shop"), .source = STR("o"), .name = STR("o"), .state = STR("landed") };
        row.sha256 = arena_strf(&arena, "%lld", (long long)id);
        return catalog_ledger(lake->catalog, &row, 1, NULL, 0, err);
}

/* Round after round with the trouble at a later call, until it comes too late: each round stages one delivery, first
 * in trouble, then the same again without. */
static void trouble_everywhere(Test *t, bool full) {
        const char *root = arena_printf(&t->arena, "%s/store", test_folder(t));
        {
                CLEANUP(lake_freep) Lake *lake = NULL;
                CHECK_OK(lake_create(root, &lake, &t->err));
        }
        /* Every sixth call in turn; LODE_TEST_FULL takes each one. */
        long step = getenv("LODE_TEST_FULL") ? 1 : 6, point = 1 + getpid() % step, rounds = 0, calls_in_time = 0;
        for (int quiet = 0; quiet < 2 && point < 1000; point += step) {
                size_t staged = 0;
                const char *fresh = arena_printf(&t->arena, "staging.t%ld", ++rounds);
                CHECK_OK(land(root, rounds, &t->err));
                int code = in_child(root, fresh, point, full);
                CHECK(code == 0 || code == (full ? 1 : CRASHED));
                int recovery = in_child(root, NULL, 1 + (point * 7) % 23, full);
                CHECK(recovery == 0 || recovery == (full ? 1 : CRASHED));
                CHECK_OK(check_consistent(root, &staged, &t->err));
                CHECK((long)staged == rounds || (long)staged == rounds - 1);
                CHECK(code != 0 || (long)staged == rounds);

                CHECK_INT(in_child(root, fresh, 0, false), 0);
                CHECK_INT(in_child(root, NULL, 0, false), 0);
                CHECK_OK(check_consistent(root, &staged, &t->err));
                CHECK_INT(staged, rounds);
                CHECK_INT(count_files(&t->arena, root, ".parquet"), 2 * rounds);
                quiet = code == 0 ? quiet + 1 : 0;
                calls_in_time = code == 0 ? calls_in_time : point;
        }
        CHECK(point < 1000 && calls_in_time > 20); /* the calls were really taken over */
        const char *queue = arena_printf(&t->arena, "%s/commit/queue", root);
        CHECK_INT(count_files(&t->arena, queue, ".files") + count_files(&t->arena, queue, ".drain"), 0);
        CHECK_INT(count_files(&t->arena, queue, ".intent"), 0);
}

TEST(a_publisher_that_dies_at_any_call_leaves_the_old_whole_or_the_new_whole) {
        trouble_everywhere(t, false);
}

TEST(a_full_disk_at_any_call_is_an_error_and_loses_nothing) {
        trouble_everywhere(t, true);
}
