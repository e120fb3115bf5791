/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A simulator: committers, readers and one who sweeps, compacts and lets expire, as processes of which one runs at a
 * time. At every call that changes the disk, opens a file, takes a lock or waits, a process hands its turn back, and a
 * seed says whose is next, whether the call fails, whether the process dies in it, whether the power goes, and what the
 * clock says. So the code, the catalog and the kernel's locks are the real ones, and yet a seed gives the same story each
 * time. Threads of one process would not do: whoever dies in a call must leave its locks, its descriptors and what SQLite
 * knows of both as a death leaves them, and that only the kernel does.
 *
 *      LODE_SIM_SEED=N        that one seed, as a failure prints it
 *      LODE_SIM_SEEDS=N       so many of them (5; 200 in the full suite)
 *      LODE_SIM_STEPS=N       turns per seed (10000)
 *
 * After every power cut, and at the end, the store is recovered and judged (workload.h). Seeds come in weathers: in calm
 * ones not even rubbish may be left, in others everything goes wrong that can.
 */
#include <semaphore.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#include "base/hash.h"
#include "base/test.h"
#include "lake/trouble.h"
#include "lake/workload.h"

#define ACTORS 7
#define BROKEN 99 /* what an actor ends with that saw something wrong */
#define STEPS 10000
#define LAST_TURNS 400000 /* that finishing what was begun may take */
#define DAY_US (INT64_C(86400) * 1000000)
#define START_US (INT64_C(1764115200) * 1000000)

enum { GIVE_NOTHING = 0, GIVE_DEATH = -1 };

typedef struct Actor {
        sem_t go;
        pid_t process;
        bool running; /* has a process */
        bool waiting; /* for a lock: it may try again, and will not get far */
        bool failed;  /* a call of it was made to fail */
        long asleep_until;
        int give; /* with its next turn */
        uint64_t chance;
} Actor;

typedef struct Sim {
        sem_t controller;
        Actor actors[ACTORS];
        int64_t now_us;
        uint64_t chance; /* the controller's random bytes: the first names in the store */
        long steps;
        bool may_fail; /* calls are made to fail, answers are lost, or locks are held for minutes */
        WorkShared work;
} Sim;

static Sim *sim;
static int self = -1; /* an actor's number; -1: the controller, who is never held up */

/* ---- turns ---- */

static void wait_for(sem_t *turn_of) {
        while (sem_wait(turn_of) < 0)
                if (errno != EINTR)
                        panic("cannot wait for a turn");
}

static int hand_back(bool waiting) {
        if (self < 0)
                return GIVE_NOTHING;
        Actor *me = &sim->actors[self];
        me->waiting = waiting;
        sem_post(&sim->controller);
        wait_for(&me->go);
        return me->give;
}

static int take_turn(void) {
        return hand_back(false);
}

/* For calls that no half of can be done: whether it may be made; if not, errno says why. */
static bool may_go(bool waiting) {
        if (recording)
                return true;
        int given = hand_back(waiting);
        if (given == GIVE_DEATH)
                syscall(SYS_exit_group, CRASHED);
        errno = given;
        return given == GIVE_NOTHING;
}

/* Calls that only read give the turn back now and then. */
static bool only_reads(bool reads) {
        return self < 0 || (reads && work_chance(&sim->actors[self].chance, 4) != 0);
}

static int do_open(const char *path, int flags, mode_t mode) {
        bool ours = strstr(path, "/store/") != NULL;
        if (ours && !only_reads((flags & 03) == 0 /* O_RDONLY */) && !may_go(false))
                return -1;
        bool fresh = ours && (flags & 0100 /* O_CREAT */) && syscall(SYS_faccessat, HERE, path, 0) < 0;
        int fd = (int)syscall(SYS_openat, HERE, path, flags, mode);
        if (fresh && fd >= 0)
                begin_anew(path);
        return fd;
}

#define TAKE_OVER_OPEN(symbol)                                                                 \
        TAKE_OVER(int, sim_##symbol, #symbol, const char *path, int flags, ...) {              \
                va_list args;                                                                  \
                va_start(args, flags);                                                         \
                mode_t mode = flags & 0100 /* O_CREAT */ ? (mode_t)va_arg(args, unsigned) : 0; \
                va_end(args);                                                                  \
                return do_open(path, flags, mode);                                             \
        }
TAKE_OVER_OPEN(open)
TAKE_OVER_OPEN(open64)

enum {
        READ_LOCK = 0,
        UNLOCK = 2,
        SET_LOCK = 6,
        OWN_SET_LOCK = 37,
        OWN_SET_LOCK_WAIT = 38
}; /* F_RDLCK, F_UNLCK, F_SETLK, F_OFD_SETLK, F_OFD_SETLKW */

static int do_fcntl(int fd, int command, long argument) {
        bool locks = command == SET_LOCK || command == OWN_SET_LOCK || command == OWN_SET_LOCK_WAIT;
        if (self < 0 || !locks || ((const short *)argument)[0] == UNLOCK)
                return (int)syscall(SYS_fcntl, fd, command, argument);
        if (!only_reads(((const short *)argument)[0] == READ_LOCK) && !may_go(false))
                return -1;
        if (command != OWN_SET_LOCK_WAIT)
                return (int)syscall(SYS_fcntl, fd, command, argument);
        while (syscall(SYS_fcntl, fd, OWN_SET_LOCK, argument) < 0) {
                if (errno != EAGAIN && errno != EACCES)
                        return -1;
                if (!may_go(true))
                        return -1;
        }
        return 0;
}

#define TAKE_OVER_FCNTL(symbol)                                           \
        TAKE_OVER(int, sim_##symbol, #symbol, int fd, int command, ...) { \
                va_list args;                                             \
                va_start(args, command);                                  \
                long argument = va_arg(args, long);                       \
                va_end(args);                                             \
                return do_fcntl(fd, command, argument);                   \
        }
TAKE_OVER_FCNTL(fcntl)
TAKE_OVER_FCNTL(fcntl64)

/* ---- the clock and chance ---- */

static int sleep_us(int64_t us) {
        if (self < 0)
                return 0;
        sim->now_us += us;
        return may_go(true) ? 0 : -1;
}

TAKE_OVER(int, sim_usleep, "usleep", unsigned us) {
        return sleep_us(us);
}

TAKE_OVER(int, sim_nanosleep, "nanosleep", const struct timespec *wanted, struct timespec *left UNUSED) {
        return sleep_us(wanted->tv_sec * INT64_C(1000000) + wanted->tv_nsec / 1000);
}

TAKE_OVER(int, sim_clock_gettime, "clock_gettime", clockid_t clock, struct timespec *out) {
        if (!sim || clock != CLOCK_REALTIME)
                return (int)syscall(SYS_clock_gettime, clock, out);
        *out = (struct timespec){ .tv_sec = sim->now_us / 1000000, .tv_nsec = sim->now_us % 1000000 * 1000 };
        return 0;
}

TAKE_OVER(ssize_t, sim_getrandom, "getrandom", void *out, size_t size, unsigned flags) {
        if (!sim)
                return syscall(SYS_getrandom, out, size, flags);
        uint64_t *chance = self < 0 ? &sim->chance : &sim->actors[self].chance;
        for (size_t i = 0; i < size; i++)
                ((unsigned char *)out)[i] = (unsigned char)work_chance(chance, 256);
        return (ssize_t)size;
}

/* ---- the actors ---- */

/* What each kind of actor does: the weights of WorkKind, in tenths. */
static const unsigned char habits[ACTORS][8] = {
        { 6, 2, 1, 1, 0, 0, 0, 0 },  { 3, 4, 2, 1, 0, 0, 0, 0 }, { 1, 4, 3, 2, 0, 0, 0, 0 }, { 1, 2, 2, 4, 0, 0, 0, 1 },
        { 0, 0, 0, 0, 10, 0, 0, 0 }, { 1, 1, 1, 0, 7, 0, 0, 0 }, { 0, 0, 0, 0, 0, 6, 2, 2 },
};

static WorkKind choose_kind(Work *work) {
        uint64_t drawn = work_chance(&work->chance, 10);
        size_t kind = 0;
        for (; drawn >= habits[self][kind]; kind++)
                drawn -= habits[self][kind];
        return (WorkKind)kind;
}

/* ---- answers that do not arrive ---- */

/* A catalog of which commits and questions for an outcome fail now and then, and a commit that fails may be done. */
static const CatalogFunctions *real;

static bool is_lost(void) {
        return sim->may_fail && work_chance(&sim->actors[self].chance, 8) == 0;
}

static Status lose(Error *err) {
        sim->actors[self].failed = true;
        return error_set(err, STATUS_IO, "the answer did not arrive");
}

static Status lossy_commit(Catalog *catalog, const CatalogChange *changes, size_t count, const IntentResult *results,
                           size_t result_count, Arena *arena, CatalogCommit *outs, Error *err) {
        if (is_lost())
                return lose(err);
        TRY(real->commit(catalog, changes, count, results, result_count, arena, outs, err));
        return is_lost() ? lose(err) : STATUS_OK;
}

static Status lossy_intent(Catalog *catalog, Str id, Arena *arena, IntentResult *out, Error *err) {
        return is_lost() ? lose(err) : real->intent(catalog, id, arena, out, err);
}

static void make_lossy(Catalog *catalog) {
        static CatalogFunctions lossy;
        real = catalog->functions;
        lossy = *real;
        lossy.commit = lossy_commit;
        lossy.intent = lossy_intent;
        catalog->functions = &lossy;
}

/* Opens the store for a while, as a run does, and begins again. */
static bool act(const char *root) {
        Actor *me = &sim->actors[self];
        Work work = { .shared = &sim->work, .chance = me->chance, .troubled = sim->may_fail };
        while (!atomic_load(&sim->work.stop)) {
                Error err = { 0 };
                CLEANUP(lake_freep) Lake *lake = NULL;
                Status status = lake_open(root, &lake, &err);
                if (status != STATUS_OK && !sim->may_fail) {
                        snprintf(sim->work.words, sizeof(sim->work.words), "opening: %s", err.message);
                        atomic_store(&sim->work.broken, true);
                        return false;
                }
                work.lake = lake;
                if (lake)
                        make_lossy(lake->catalog);
                for (uint64_t left = 1 + work_chance(&work.chance, 6); status == STATUS_OK && left; left--) {
                        if (atomic_load(&sim->work.stop))
                                break;
                        if (!work_once(&work, choose_kind(&work)))
                                return false;
                }
        }
        return true;
}

static void actor_start(int number, const char *root, uint64_t chance) {
        Actor *actor = &sim->actors[number];
        *actor = (Actor){ .running = true, .chance = chance };
        sem_init(&actor->go, 1, 0);
        fflush(stdout);
        pid_t process = fork();
        if (process < 0)
                panic("cannot start an actor: %s", strerror(errno));
        if (process != 0) {
                actor->process = process;
                return;
        }
        self = number;
        turn = take_turn;
        wait_for(&actor->go);
        if (actor->give == GIVE_DEATH)
                _exit(CRASHED);
        bool fine = act(root);
        actor->running = false;
        sem_post(&sim->controller);
        _exit(fine ? 0 : BROKEN);
}

static void reap(Actor *actor, int *out_status) {
        while (waitpid(actor->process, out_status, 0) < 0 && errno == EINTR)
                ;
        actor->running = false;
}

static void actor_kill(Actor *actor) {
        int status;
        if (!actor->running)
                return;
        kill(actor->process, SIGKILL);
        reap(actor, &status);
}

/* ---- the controller ---- */

/* How likely each thing is, as one in so many turns; 0 = never. */
typedef struct Weather {
        const char *name;
        unsigned death, failure, power, stall, jump;
        bool strict; /* not even rubbish may be left */
} Weather;

static const Weather weathers[] = {
        { "calm", 0, 0, 0, 0, 1000, true },           { "deaths", 250, 0, 0, 1200, 2000, true },
        { "failures", 0, 200, 0, 0, 2000, false },    { "power", 900, 0, 2500, 0, 2500, false },
        { "storm", 400, 300, 4000, 1200, 700, false },
};

typedef struct Controller {
        Test *t;
        const char *root, *shadow;
        const Weather *weather;
        uint64_t seed, chance;
        int last;
        long born; /* how many actors so far, so that each has its own luck */
        long deaths, failures, cuts;
} Controller;

static bool once_in(Controller *c, unsigned turns) {
        return turns && work_chance(&c->chance, turns) == 0;
}

static void start(Controller *c, int number) {
        actor_start(number, c->root, c->seed * UINT64_C(1000003) + (uint64_t)++c->born);
}

/* Mostly whoever ran before, else anybody who is not asleep. -1: nobody is left. */
static int next_actor(Controller *c) {
        int awake[ACTORS], count = 0;
        for (int i = 0; i < ACTORS; i++)
                if (sim->actors[i].running && sim->actors[i].asleep_until <= sim->steps)
                        awake[count++] = i;
        for (int i = 0; i < ACTORS && count == 0; i++)
                if (sim->actors[i].running)
                        awake[count++] = i;
        if (count == 0)
                return -1;
        const Actor *last = &sim->actors[c->last];
        if (last->running && !last->waiting && last->asleep_until <= sim->steps && work_chance(&c->chance, 4) != 0)
                return c->last;
        return awake[work_chance(&c->chance, (uint64_t)count)];
}

static int choose_gift(Controller *c) {
        static const int failures[] = { ENOSPC, EIO, EMFILE, ENOLCK };
        if (once_in(c, c->weather->death))
                return GIVE_DEATH;
        if (once_in(c, c->weather->failure))
                return failures[work_chance(&c->chance, COUNT_OF(failures))];
        return GIVE_NOTHING;
}

/* Waits for the turn to be handed back; false: it was the actor's last. */
static bool comes_back(Actor *actor) {
        for (;;) {
                struct timespec until;
                syscall(SYS_clock_gettime, CLOCK_REALTIME, &until);
                until.tv_sec++;
                siginfo_t end = { 0 };
                if (sem_timedwait(&sim->controller, &until) == 0)
                        return actor->running;
                if (waitid(P_PID, (id_t)actor->process, &end, WEXITED | WNOHANG | WNOWAIT) != 0 || !end.si_pid)
                        continue;
                /* on a busy machine it may have handed its last turn back just now: that must not count for the next */
                while (sem_trywait(&sim->controller) < 0 && errno == EINTR)
                        ;
                return false;
        }
}

/* Lets one actor run to its next call. False: something is wrong. */
static bool step(Controller *c, int number, int gift) {
        Actor *actor = &sim->actors[number];
        int status = 0;
        actor->give = gift;
        actor->failed |= gift > 0;
        c->last = number;
        sem_post(&actor->go);
        if (gift != GIVE_DEATH && comes_back(actor))
                return true;
        reap(actor, &status);
        bool expected = gift == GIVE_DEATH ? WIFEXITED(status) && WEXITSTATUS(status) == CRASHED : status == 0;
        /* a folder that cannot be opened to be synced ends the process, as it should */
        if (expected || (actor->failed && WIFEXITED(status) && WEXITSTATUS(status) != BROKEN))
                return true;
        if (!sim->work.words[0])
                snprintf(sim->work.words, sizeof(sim->work.words), "actor %d ended with status 0x%x at turn %ld",
                         number, (unsigned)status, sim->steps);
        return false;
}

static bool judge(Controller *c, bool final, const char *when) {
        Test *t = c->t;
        if (work_check(c->root, &sim->work, c->weather->strict, final, &t->err) == STATUS_OK)
                return true;
        snprintf(sim->work.words, sizeof(sim->work.words), "%s: %s", when, t->err.message);
        return false;
}

static bool cut_power(Controller *c) {
        for (int i = 0; i < ACTORS; i++)
                actor_kill(&sim->actors[i]);
        uint64_t luck = work_chance(&c->chance, 3) ? work_chance(&c->chance, UINT64_MAX) | 1 : 0;
        c->cuts++;
        if (power_off(c->root, luck, &c->t->err) != STATUS_OK || !judge(c, false, "after a power cut") ||
            power_on(c->root, &c->t->err) != STATUS_OK)
                return false;
        for (int i = 0; i < ACTORS; i++)
                start(c, i);
        return true;
}

static void change_clock(Controller *c) {
        static const int64_t jumps[] = { -DAY_US, DAY_US, -DAY_US / 24, 40 * DAY_US, -40 * DAY_US };
        sim->now_us += (int64_t)work_chance(&c->chance, 200);
        if (once_in(c, c->weather->jump))
                sim->now_us += jumps[work_chance(&c->chance, COUNT_OF(jumps))];
}

static bool one_step(Controller *c) {
        int number = next_actor(c), gift = choose_gift(c);
        change_clock(c);
        if (once_in(c, c->weather->power))
                return cut_power(c);
        if (once_in(c, c->weather->stall))
                sim->actors[work_chance(&c->chance, ACTORS)].asleep_until = sim->steps + 1000;
        c->deaths += gift == GIVE_DEATH;
        c->failures += gift > 0;
        if (!step(c, number, gift))
                return false;
        if (!sim->actors[number].running)
                start(c, number);
        return true;
}

/* Nothing is thrown at them any more; each ends what it is about. */
static bool finish(Controller *c) {
        atomic_store(&sim->work.stop, true);
        for (int i = 0; i < ACTORS; i++)
                sim->actors[i].asleep_until = 0;
        for (long left = LAST_TURNS; left; left--) {
                int number = next_actor(c);
                if (number < 0)
                        return true;
                sim->now_us += 100;
                if (!step(c, number, GIVE_NOTHING))
                        return false;
        }
        snprintf(sim->work.words, sizeof(sim->work.words), "they do not come to an end");
        return false;
}

static bool make_store(Controller *c) {
        CLEANUP(lake_freep) Lake *lake = NULL;
        Error *err = &c->t->err;
        if (dir_remove_all(c->root, err) != STATUS_OK || dir_remove_all(c->shadow, err) != STATUS_OK ||
            lake_create(c->root, &lake, err) != STATUS_OK || work_setup(lake, err) != STATUS_OK)
                return false;
        lake_freep(&lake);
        shadow = c->weather->power ? c->shadow : NULL;
        return !shadow || power_on(c->root, err) == STATUS_OK;
}

/* The whole story of one seed. */
static bool simulate(Controller *c, long steps) {
        sim->now_us = START_US;
        sim->chance = c->seed;
        sim->may_fail = c->weather->failure || c->weather->stall;
        sem_init(&sim->controller, 1, 0);
        if (!make_store(c))
                return false;
        for (int i = 0; i < ACTORS; i++)
                start(c, i);
        bool fine = true;
        for (sim->steps = 0; fine && sim->steps < steps; sim->steps++)
                fine = one_step(c);
        fine = fine && finish(c);
        for (int i = 0; i < ACTORS; i++)
                actor_kill(&sim->actors[i]);
        shadow = NULL;
        return fine && judge(c, true, "at the end");
}

/* ---- the tests ---- */

static long number_of(const char *variable, long fallback) {
        const char *text = getenv(variable);
        int64_t value = 0;
        return text && str_to_int64(str_of(text), &value) ? (long)value : fallback;
}

static Sim *sim_new(void) {
        Sim *made = mmap(NULL, sizeof(*made), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (made == MAP_FAILED)
                panic("no memory to share");
        return made;
}

/* Hashes of bodies, and with them some orders, depend on the store's path; so it is always the same, unless another run on
 * this machine has it. The descriptor holds its lock. */
static const char *take_place(Test *t, int *out_fd) {
        const char *base = getenv("TMPDIR");
        const char *place = arena_printf(&t->arena, "%s/lode-sim-%u", base && *base ? base : "/tmp",
                                         (unsigned)getuid());
        const char *lock = arena_printf(&t->arena, "%s/lock", place);
        if (dir_make(place, &t->err) == STATUS_OK)
                *out_fd = sim_open(lock, 02 | 0100 | 02000000 /* O_RDWR | O_CREAT | O_CLOEXEC */, 0600);
        if (*out_fd >= 0 && file_lock(*out_fd, true, true, &t->err) == STATUS_OK)
                return place;
        printf("# another run has '%s': these stories are not told the same way again\n", place);
        return test_folder(t);
}

static bool run_seed(Test *t, const char *place, uint64_t seed, long steps) {
        Controller c = { .t = t, .seed = seed, .chance = seed * UINT64_C(0x9e3779b97f4a7c15) + 1 };
        c.root = arena_printf(&t->arena, "%s/store", place);
        c.weather = &weathers[seed % COUNT_OF(weathers)];
        c.shadow = arena_printf(&t->arena, "%s/shadow", place);
        sim = sim_new();
        bool fine = simulate(&c, steps);
        if (!fine)
                test_fail(t, __FILE__, __LINE__, "LODE_SIM_SEED=%llu (%s): %s", (unsigned long long)seed,
                          c.weather->name, sim->work.words[0] ? sim->work.words : t->err.message);
        WorkShared *work = &sim->work;
        printf("# seed %llu (%s): %u published, %u refused, %u unknown, %u read, %u swept; %ld deaths, %ld failures, "
               "%ld power cuts\n",
               (unsigned long long)seed, c.weather->name, atomic_load(&work->published), atomic_load(&work->refused),
               atomic_load(&work->unknown), atomic_load(&work->read), atomic_load(&work->swept), c.deaths, c.failures,
               c.cuts);
        munmap(sim, sizeof(*sim));
        sim = NULL;
        return fine;
}

TEST(whatever_happens_in_whatever_order_nothing_is_lost_or_doubled) {
        long seed = number_of("LODE_SIM_SEED", -1), steps = number_of("LODE_SIM_STEPS", STEPS);
        long seeds = number_of("LODE_SIM_SEEDS", getenv("LODE_TEST_FULL") ? 200 : 5);
        CLEANUP(close_fdp) int lock = -1;
        const char *place = take_place(t, &lock);
        if (seed >= 0)
                run_seed(t, place, (uint64_t)seed, steps);
        for (long i = 0; seed < 0 && i < seeds; i++)
                if (!run_seed(t, place, (uint64_t)i, steps))
                        break;
        dir_remove_all(place, &t->err);
}
