/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A publisher that dies at every system call which changes a disk, one after the other, and whose recovery dies too;
 * one that finds the disk full at each; one under which the power goes, taking what was not synced (trouble.h); and one
 * that is stopped at each while others publish and sweep, some of them weeks ahead by their clock, and then goes on.
 */
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/test.h"
#include "lake/changeset.h"
#include "lake/sweep.h"
#include "lake/trouble.h"

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

/* What was landed before, or never was. */
static Status land(Lake *lake, int64_t id, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        Delivery row = { .id = id, .zone = STR("shop"), .source = STR("o"), .name = STR("o"), .state = STR("landed") };
        row.sha256 = arena_strf(&arena, "%lld", (long long)id);
        Error known = { 0 };
        Status status = catalog_ledger(lake->catalog, &row, 1, NULL, 0, &known);
        if (status != STATUS_OK && status != STATUS_CONFLICT)
                *err = known;
        return status == STATUS_CONFLICT ? STATUS_OK : status;
}

static int child_stage(const char *root, long round) {
        char fresh[64];
        Error err = { 0 };
        Lake *lake = NULL;
        snprintf(fresh, sizeof(fresh), "staging.t%ld", round);
        Status status = lake_open(root, &lake, &err);
        if (status == STATUS_OK)
                status = land(lake, round, &err);
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

/* The exit code of a child that is in trouble at the Nth call; round 0: it only recovers. */
static int in_child(const char *root, long round, long at, bool full) {
        int status = 0;
        pid_t child = fork();
        if (child == 0) {
                trouble_at = at;
                disk_full = full;
                _exit(round ? child_stage(root, round) : child_recover(root));
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

static const char *new_store(Test *t) {
        const char *root = arena_printf(&t->arena, "%s/store", test_folder(t));
        CLEANUP(lake_freep) Lake *lake = NULL;
        if (dir_remove_all(root, &t->err) != STATUS_OK || lake_create(root, &lake, &t->err) != STATUS_OK)
                test_fail(t, __FILE__, __LINE__, "%s", t->err.message);
        return root;
}

/* Round after round with the trouble at a later call, until it comes too late: each round stages one delivery, first
 * in trouble, then the same again without. */
static void trouble_everywhere(Test *t, bool full) {
        const char *root = new_store(t);
        /* Every seventh call in turn; LODE_TEST_FULL takes each one. */
        long step = getenv("LODE_TEST_FULL") ? 1 : 7, point = 1 + getpid() % step, rounds = 0, calls_in_time = 0;
        for (int quiet = 0; quiet < 2 && point < 1000; point += step) {
                size_t staged = 0;
                int code = in_child(root, ++rounds, point, full);
                CHECK(code == 0 || code == (full ? 1 : CRASHED));
                int recovery = in_child(root, 0, 1 + (point * 7) % 23, full);
                CHECK(recovery == 0 || recovery == (full ? 1 : CRASHED));
                CHECK_OK(check_consistent(root, &staged, &t->err));
                CHECK((long)staged == rounds || (long)staged == rounds - 1);
                CHECK(code != 0 || (long)staged == rounds);

                CHECK_INT(in_child(root, rounds, 0, false), 0);
                CHECK_INT(in_child(root, 0, 0, false), 0);
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

/* One round: with the power cut at that call, and then the same again with a cut after its end. */
static void cut_and_repeat(Test *t, const char *root, long round, long point, int *out_code) {
        size_t staged = 0;
        CHECK_OK(power_on(root, &t->err));
        int code = *out_code = in_child(root, round, point, false);
        CHECK(code == 0 || code == CRASHED);
        CHECK_OK(power_off(root, round % 3 ? (uint64_t)point * 7919 : 0, &t->err));
        CHECK_OK(check_consistent(root, &staged, &t->err));
        CHECK((long)staged == round || (long)staged == round - 1);
        CHECK(code != 0 || (long)staged == round);

        CHECK_OK(power_on(root, &t->err));
        CHECK_INT(in_child(root, round, 0, false), 0);
        CHECK_OK(power_off(root, 0, &t->err));
        CHECK_OK(check_consistent(root, &staged, &t->err));
        CHECK_INT(staged, round);
        CHECK_INT(in_child(root, 0, 0, false), 0);
}

#define ROUNDS_OF_A_STORE 12 /* it grows, and all of it is read for each cut */

TEST(a_power_cut_at_any_call_keeps_all_that_was_answered) {
        const char *root = NULL;
        long step = getenv("LODE_TEST_FULL") ? 1 : 13, point = 1 + getpid() % step;
        shadow = arena_printf(&t->arena, "%s/shadow", test_folder(t));
        for (int quiet = 0, round = 0; quiet < 2 && point < 1000 && !t->failed; point += step, round++) {
                int code = 0;
                if (round % ROUNDS_OF_A_STORE == 0) {
                        CHECK_OK(dir_remove_all(shadow, &t->err));
                        CHECK_OK(dir_make(shadow, &t->err));
                        root = new_store(t);
                }
                cut_and_repeat(t, root, 1 + round % ROUNDS_OF_A_STORE, point, &code);
                quiet = code == 0 ? quiet + 1 : 0;
        }
        CHECK(point < 1000);
        shadow = NULL;
}

/* Opens the store and says whether the delivery is staged: 0 = it is. The queue is synced as by whoever hands in next. */
static int child_ask(const char *root, long round) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        CLEANUP(lake_freep) Lake *lake = NULL;
        Error err = { 0 };
        Delivery row = { .state = STR("") };
        if (lake_open(root, &lake, &err) != STATUS_OK || catalog_delivery(lake->catalog, round, &arena, &row, &err) != STATUS_OK)
                return 1;
        dir_sync(lake->store->queue_dir);
        return !str_is(row.state, "staged");
}

static int asked_in_child(const char *root, long round) {
        int status = 0;
        pid_t child = fork();
        if (child == 0)
                _exit(child_ask(root, round));
        waitpid(child, &status, 0);
        return status;
}

/* What a tidy does that finds nothing in a folder but what a dead drain left. */
static void remove_empty_folders(Arena *arena, const char *root) {
        const char *tables = path_join(arena, root, "tables");
        DirEntry *entries = NULL;
        size_t count = 0;
        Error ignored = { 0 };
        if (dir_list(tables, arena, &entries, &count, &ignored) != STATUS_OK)
                return;
        for (size_t i = 0; i < count; i++)
                rmdir(path_join(arena, path_join(arena, tables, arena_cstr(arena, entries[i].name)), "metadata"));
}

/* One dies at that call, another looks at what it did, and the power goes: what was seen stays. */
static void look_and_cut(Test *t, const char *root, long round, long point, bool *out_died, bool *out_seen) {
        size_t staged = 0;
        CHECK_OK(power_on(root, &t->err));
        int code = in_child(root, round, point, false);
        CHECK(code == 0 || code == CRASHED);
        remove_empty_folders(&t->arena, root);
        *out_died = code == CRASHED;
        *out_seen = asked_in_child(root, round) == 0;
        CHECK_OK(power_off(root, 0, &t->err));
        CHECK_OK(check_consistent(root, &staged, &t->err));
        CHECK((long)staged >= round - !*out_seen);
        CHECK_OK(power_on(root, &t->err));
        CHECK_INT(in_child(root, round, 0, false), 0);
}

/* The last of them is that of the publication. */
TEST(a_power_cut_keeps_what_was_seen_of_one_who_died_before_a_commit_was_durable) {
        const char *root = new_store(t);
        bool died = true, seen = false;
        long seen_of_dead = 0, point = 0;
        shadow = arena_printf(&t->arena, "%s/shadow", test_folder(t));
        at_commits = true;
        while (died && point < 20 && !t->failed) {
                point++;
                look_and_cut(t, root, point, point, &died, &seen);
                seen_of_dead += died && seen;
        }
        at_commits = false;
        shadow = NULL;
        CHECK(!died && seen_of_dead > 0);
}

#define CALLS_MAX 1024
#define NEAR_CALLS 16

/* The first call at which it has been handed in. */
static void find_call(Test *t, const char *root, long *rounds, long *out) {
        const char *queue = arena_printf(&t->arena, "%s/commit/queue", root);
        long from = 1, to = CALLS_MAX;
        while (from < to) {
                long middle = (from + to) / 2;
                bool is = in_child(root, ++*rounds, middle, false) == 0 || count_files(&t->arena, queue, ".intent") ||
                          asked_in_child(root, *rounds) == 0;
                CHECK_INT(in_child(root, *rounds, 0, false), 0);
                *(is ? &to : &from) = is ? middle : middle + 1;
        }
        *out = from;
}

/* A folder that another has removed is made anew, by who publishes for the dead. */
TEST(a_power_cut_keeps_what_was_seen_in_folders_that_were_made_anew) {
        const char *root = new_store(t);
        long rounds = 0, seen_of_dead = 0, handed_in = 0;
        find_call(t, root, &rounds, &handed_in);
        CHECK(handed_in > 10 && handed_in < CALLS_MAX);
        shadow = arena_printf(&t->arena, "%s/shadow", test_folder(t));
        for (long i = 0; i < NEAR_CALLS && !t->failed; i++) {
                bool died = false, seen = false;
                look_and_cut(t, root, ++rounds, handed_in + i, &died, &seen);
                seen_of_dead += died && seen;
        }
        shadow = NULL;
        CHECK(seen_of_dead > 2);
}

/* ---- standing still ---- */

#define AHEAD_S (40 * 86400) /* more than outcomes are kept */
#define PATIENCE_MS 150      /* with others, who wait if the one that stands still has a lock */

static long ahead_s;

TAKE_OVER(int, ahead_clock_gettime, "clock_gettime", clockid_t clock, struct timespec *out) {
        int result = (int)syscall(SYS_clock_gettime, clock, out);
        if (clock == CLOCK_REALTIME)
                out->tv_sec += ahead_s;
        return result;
}

static long stop_at;

static int stand_still(void) {
        if (++calls == stop_at)
                raise(SIGSTOP);
        return 0;
}

/* The process id of a child that stages a delivery and stops at that call, or comes to its end before. */
static pid_t start_and_stop(const char *root, long round, long at) {
        pid_t child = fork();
        if (child == 0) {
                stop_at = at;
                turn = stand_still;
                _exit(child_stage(root, round));
        }
        return child;
}

static pid_t start_others(const char *root, long round, bool ahead) {
        pid_t child = fork();
        if (child == 0) {
                ahead_s = ahead ? AHEAD_S : 0;
                _exit(child_stage(root, round) || child_recover(root));
        }
        return child;
}

/* Waits so long for a child to end; -1: it has not. */
static int exit_within(pid_t child, int patience_ms) {
        int status = 0;
        for (int i = 0; i < patience_ms; i++) {
                if (waitpid(child, &status, WNOHANG) == child)
                        return WIFEXITED(status) ? WEXITSTATUS(status) : 99;
                usleep(1000);
        }
        return -1;
}

TEST(a_publisher_that_stands_still_at_any_call_goes_on_to_be_right_or_refused) {
        const char *root = new_store(t);
        long step = getenv("LODE_TEST_FULL") ? 1 : 17, rounds = 0, overtaken = 0;
        for (long point = 1 + getpid() % step; point < 1000; point += step) {
                int status = 0;
                size_t staged = 0;
                pid_t still = start_and_stop(root, ++rounds, point);
                CHECK(waitpid(still, &status, WUNTRACED) == still);
                if (!WIFSTOPPED(status)) {
                        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0 && rounds > 5);
                        break;
                }
                pid_t others = start_others(root, 10000 + rounds, rounds % 2);
                int others_code = exit_within(others, PATIENCE_MS);
                overtaken += others_code >= 0;
                kill(still, SIGCONT);
                int code = exit_within(still, 60000);
                if (others_code < 0)
                        others_code = exit_within(others, 60000);
                CHECK(code == 0 || code == 1);
                CHECK(others_code == 0 || others_code == 1);
                CHECK_OK(check_consistent(root, &staged, &t->err));
                CHECK((long)staged <= 2 * rounds && (long)staged >= 2 * rounds - 2);

                /* whoever was refused runs again, as the words say */
                CHECK_INT(in_child(root, rounds, 0, false), 0);
                CHECK_INT(in_child(root, 10000 + rounds, 0, false), 0);
                CHECK_INT(in_child(root, 0, 0, false), 0);
                CHECK_OK(check_consistent(root, &staged, &t->err));
                CHECK_INT(staged, 2 * rounds);
                CHECK_INT(count_files(&t->arena, root, ".parquet"), 4 * rounds);
        }
        CHECK(overtaken > 0);
}
