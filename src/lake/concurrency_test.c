/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many processes on one store at full speed: eight commit, four read, two tidy, and some of them are killed or stopped
 * for a while at any moment. workload.h says what they do and what must hold. Nothing here can be told twice the same way;
 * for that there is sim_test.c.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/test.h"
#include "base/time.h"
#include "lake/workload.h"

#define COMMITTERS 8
#define READERS 4
#define TIDYING 2
#define PROCESSES (COMMITTERS + READERS + TIDYING)
#define END_US (INT64_C(60) * 1000000)

typedef struct Crowd {
        const char *root;
        WorkShared *shared;
        WorkKind committing[2]; /* what committers do, the first twice as often */
        pid_t processes[PROCESSES];
        uint64_t chance;
        long killed, stopped;
} Crowd;

static bool is_tidying(int number) {
        return number >= COMMITTERS + READERS;
}

static WorkKind kind_of(const Crowd *crowd, int number, Work *work) {
        static const WorkKind upkeep[] = { WORK_SWEEP, WORK_SWEEP, WORK_RETAIN, WORK_COMPACT };
        if (is_tidying(number))
                return upkeep[work_chance(&work->chance, COUNT_OF(upkeep))];
        if (number >= COMMITTERS)
                return WORK_READ;
        return crowd->committing[work_chance(&work->chance, 3) == 0];
}

/* Opens the store for a while, as a run does, and begins again. */
static bool work_until_stopped(const Crowd *crowd, int number) {
        Work work = { .shared = crowd->shared, .chance = random_u64() };
        while (!atomic_load(&crowd->shared->stop)) {
                Error err = { 0 };
                CLEANUP(lake_freep) Lake *lake = NULL;
                if (lake_open(crowd->root, &lake, &err) != STATUS_OK) {
                        fprintf(stderr, "# %s\n", err.message);
                        return false;
                }
                work.lake = lake;
                for (int i = 0; i < 20 && !atomic_load(&crowd->shared->stop); i++)
                        if (!work_once(&work, kind_of(crowd, number, &work)))
                                return false;
                if (is_tidying(number))
                        usleep(20000);
        }
        return true;
}

static void start(Crowd *crowd, int number) {
        pid_t process = fork();
        if (process == 0)
                _exit(work_until_stopped(crowd, number) ? 0 : 1);
        crowd->processes[number] = process;
}

/* Kills one and starts another in its place, or lets one stand still a moment while the others go on. */
static void disturb(Crowd *crowd) {
        int number = (int)work_chance(&crowd->chance, PROCESSES);
        pid_t process = crowd->processes[number];
        if (work_chance(&crowd->chance, 3) == 0) {
                kill(process, SIGSTOP);
                usleep((useconds_t)work_chance(&crowd->chance, 60000));
                kill(process, SIGCONT);
                crowd->stopped++;
                return;
        }
        int status = 0;
        kill(process, SIGKILL);
        waitpid(process, &status, 0);
        crowd->killed += WIFSIGNALED(status);
        start(crowd, number);
}

/* Every process ends, and well. */
static bool end(Crowd *crowd) {
        bool fine = true;
        int64_t until = time_monotonic_us() + END_US;
        atomic_store(&crowd->shared->stop, true);
        for (int i = 0; i < PROCESSES; i++) {
                int status = 0;
                while (waitpid(crowd->processes[i], &status, WNOHANG) == 0) {
                        if (time_monotonic_us() > until)
                                kill(crowd->processes[i], SIGKILL);
                        usleep(1000);
                }
                fine = fine && status == 0;
        }
        return fine;
}

static bool has_worked(WorkShared *shared) {
        return atomic_load(&shared->published) > 0 && atomic_load(&shared->read) > 0;
}

/* A disk that stands still for a moment is given another. */
static bool is_over(WorkShared *shared, int64_t until) {
        int64_t now = time_monotonic_us();
        return atomic_load(&shared->broken) || (now >= until && has_worked(shared)) || now >= until + END_US;
}

static void run_crowd(Test *t, const WorkKind *committing, int64_t for_us, bool disturbed) {
        Crowd crowd = { .chance = random_u64(), .committing = { committing[0], committing[1] } };
        crowd.root = arena_printf(&t->arena, "%s/store", test_folder(t));
        CHECK_OK(dir_remove_all(crowd.root, &t->err));
        {
                CLEANUP(lake_freep) Lake *lake = NULL;
                CHECK_OK(lake_create(crowd.root, &lake, &t->err));
                CHECK_OK(work_setup(lake, &t->err));
        }
        crowd.shared = work_shared_new();
        fflush(stdout);
        for (int i = 0; i < PROCESSES; i++)
                start(&crowd, i);
        int64_t until = time_monotonic_us() + for_us;
        while (!is_over(crowd.shared, until)) {
                usleep(10000);
                if (disturbed)
                        disturb(&crowd);
        }
        bool ended = end(&crowd);
        WorkShared *shared = crowd.shared;
        /* A retention that dies once the catalog says that versions are gone leaves their files to a removal of strays. */
        bool strict = !(disturbed && committing[1] == WORK_CHURN);
        Status status = ended && !atomic_load(&shared->broken)
                                ? work_check(crowd.root, shared, strict, true, &t->err)
                                : error_set(&t->err, STATUS_INTERNAL, "%s", shared->words[0] ? shared->words : "a process failed");
        printf("# %u published, %u refused, %u unknown, %u read, %u swept; %ld killed, %ld stopped\n",
               atomic_load(&shared->published), atomic_load(&shared->refused), atomic_load(&shared->unknown),
               atomic_load(&shared->read), atomic_load(&shared->swept), crowd.killed, crowd.stopped);
        bool worked = has_worked(shared);
        work_shared_free(shared);
        CHECK_OK(status);
        CHECK(worked);
}

/* Rounds in the full suite (LODE_TEST_FULL), or one. */
static void rounds_of(Test *t, const WorkKind *committing, bool disturbed) {
        int rounds = getenv("LODE_TEST_FULL") ? 100 : 1;
        for (int i = 0; i < rounds && !t->failed; i++)
                run_crowd(t, committing, disturbed ? 1200000 : 800000, disturbed);
}

TEST(eight_move_amounts_between_three_tables_and_four_see_the_sum_never_change) {
        rounds_of(t, (WorkKind[]){ WORK_TRANSFER, WORK_TRANSFER }, false);
}

TEST(nor_does_it_change_when_they_are_killed_and_stopped) {
        rounds_of(t, (WorkKind[]){ WORK_TRANSFER, WORK_STAGE }, true);
}

TEST(appends_of_all_are_kept_once_and_no_dependency_is_a_cycle) {
        rounds_of(t, (WorkKind[]){ WORK_APPEND, WORK_TRANSFER }, false);
}

TEST(nor_when_they_are_killed_and_stopped) {
        rounds_of(t, (WorkKind[]){ WORK_APPEND, WORK_CHURN }, true);
}
