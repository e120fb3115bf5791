/* SPDX-License-Identifier: Apache-2.0 */
/* The pool: starting worker processes, their folders, and who gets which. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/time.h"
#include "engine/worker_parts.h"

#define DEFAULT_MOST 8
#define DEFAULT_THREADS_MAX 8
#define DEFAULT_MEMORY (2ull << 30)
#define DEFAULT_START_US 20000000
#define ADDRESS_BEYOND_MEMORY (2ull << 30) /* libraries, stacks, allocator reserves: address space, not memory */
#define SEND_PATIENCE_S 10
#define START_TRIES 3
#define PROBE "a probe" /* no principal has a blank in its name */
#define ROWS_BUFFER (1 << 20) /* bytes of rows between the two processes */

enum { WORKER_CONTROL = 3, WORKER_ROWS = 4, WORKER_FIRST_FREE = 10 };

/* Folders */

static Status make_folder(const char *path, Error *err) {
        if (mkdir(path, 0700) < 0 && errno != EEXIST)
                return error_errno(err, errno, "cannot make '%s'", path);
        return STATUS_OK;
}

/* The lock file of a server's folder, locked, if nobody else holds it. -1: somebody does, or it is gone. */
static int lock_folder(const char *folder) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        const char *path = path_join(&arena, folder, "lock");
        CLEANUP(close_fdp) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        Error err;
        struct stat held, named;
        if (fd < 0 || file_lock(fd, true, true, &err) != STATUS_OK)
                return -1;
        /* A sweeper may have removed the folder between the two calls; then the lock is on nothing. */
        if (fstat(fd, &held) < 0 || stat(path, &named) < 0 || held.st_ino != named.st_ino)
                return -1;
        return TAKE_FD(fd);
}

/* Of the files below that have no other name: a granted file is a table's too. */
static int64_t bytes_below(const char *folder) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        DirEntry *entries;
        size_t count;
        Error err;
        int64_t bytes = 0;
        if (dir_list(folder, &arena, &entries, &count, &err) != STATUS_OK)
                return 0;
        for (size_t i = 0; i < count; i++) {
                struct stat st;
                const char *path = path_join(&arena, folder, arena_cstr(&arena, entries[i].name));
                if (entries[i].is_dir)
                        bytes += bytes_below(path);
                else if (lstat(path, &st) == 0 && st.st_nlink == 1)
                        bytes += st.st_size;
        }
        return bytes;
}

void worker_folders_sweep(const char *run_folder, bool dry_run, int64_t *out_folders, int64_t *out_bytes) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        DirEntry *entries;
        size_t count;
        Error err;
        *out_folders = *out_bytes = 0;
        if (dir_list(run_folder, &arena, &entries, &count, &err) != STATUS_OK)
                return;
        for (size_t i = 0; i < count; i++) {
                const char *folder = path_join(&arena, run_folder, arena_cstr(&arena, entries[i].name));
                if (!entries[i].is_dir)
                        continue;
                CLEANUP(close_fdp) int lock = lock_folder(folder);
                if (lock < 0)
                        continue;
                *out_folders += 1;
                *out_bytes += bytes_below(folder);
                if (!dry_run)
                        (void)dir_remove_all(folder, &err);
        }
}

static Status make_server_folder(WorkerPool *pool, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        TRY(dir_make(pool->options.run_folder, err));
        for (int attempt = 0; attempt < 16; attempt++) {
                const char *folder = arena_printf(&arena, "%s/%d-%08x", pool->options.run_folder, (int)getpid(),
                                                  (unsigned)random_u64());
                TRY(make_folder(folder, err));
                pool->lock_file = lock_folder(folder);
                if (pool->lock_file < 0)
                        continue;
                pool->folder = strdup(folder);
                worker_folders_sweep(pool->options.run_folder, false, &(int64_t){ 0 }, &(int64_t){ 0 });
                return STATUS_OK;
        }
        return error_set(err, STATUS_IO, "cannot lock a folder for workers in '%s'", pool->options.run_folder);
}

/* Starting */

static const char *find_program(const char *wanted, Arena *arena) {
        const char *named = wanted ? wanted : getenv("LODE_WORKER");
        if (named && *named)
                return named;
        char self[4096];
        ssize_t size = readlink("/proc/self/exe", self, sizeof(self) - 1);
        if (size < 0)
                return NULL;
        self[size] = '\0';
        return path_join(arena, path_dir(arena, self), "lode-worker");
}

static bool says_no_box(void) {
        const char *said = getenv("LODE_UNSAFE_NO_SANDBOX");
        return said && strcmp(said, "1") == 0;
}

/* Pairs above the numbers that the child will use, so that moving them there overwrites nothing. */
static Status make_pair(int *ours, int *theirs, Error *err) {
        int pair[2];
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
                return error_errno(err, errno, "cannot make a socket pair");
        *ours = pair[0];
        *theirs = fcntl(pair[1], F_DUPFD_CLOEXEC, WORKER_FIRST_FREE);
        close(pair[1]);
        if (*theirs < 0)
                return error_errno(err, errno, "cannot make a socket pair");
        return STATUS_OK;
}

static Status spawn(Worker *worker, int control, int rows, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        const WorkerOptions *options = &worker->pool->options;
        /*
         * The kernel's parent-death signal is tied to the thread that starts the worker: only the first thread lasts
         * as long as the process. A worker that another thread starts ends when it sees its sockets closed.
         */
        char *arguments[] = {
                arena_printf(&arena, "lode-worker"),
                worker->folder,
                arena_printf(&arena, "%llu", (unsigned long long)worker->memory_limit),
                arena_printf(&arena, "%d", options->threads),
                arena_printf(&arena, "%llu", (unsigned long long)(worker->memory_limit + ADDRESS_BEYOND_MEMORY)),
                arena_printf(&arena, "%d", gettid() == getpid() ? (int)getpid() : 0),
                arena_printf(&arena, "%s", options->without_box ? "nobox" : "box"),
                NULL,
        };
        /* Nothing of ours reaches it, no secrets, no locale, no time zone; only where libraries may lie. */
        char *environment[3] = { arena_printf(&arena, "TZ=UTC") };
        size_t variables = 1;
        if (getenv("LD_LIBRARY_PATH"))
                environment[variables++] = arena_printf(&arena, "LD_LIBRARY_PATH=%s", getenv("LD_LIBRARY_PATH"));

        posix_spawn_file_actions_t actions;
        posix_spawnattr_t attributes;
        sigset_t none, all;
        sigemptyset(&none);
        sigfillset(&all);
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, control, WORKER_CONTROL);
        posix_spawn_file_actions_adddup2(&actions, rows, WORKER_ROWS);
        posix_spawnattr_init(&attributes);
        /* Its own process group: Ctrl-C on a terminal is for lode, which then interrupts in its own way. */
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
        posix_spawnattr_setsigmask(&attributes, &none);
        posix_spawnattr_setsigdefault(&attributes, &all);
        int failed = posix_spawn(&worker->process, options->program, &actions, &attributes, arguments, environment);
        posix_spawnattr_destroy(&attributes);
        posix_spawn_file_actions_destroy(&actions);
        if (failed) {
                worker->process = 0;
                error_set(err, STATUS_ENGINE, "cannot start '%s': %s", options->program, strerror(failed));
                return error_hint(err, "lode-worker must lie beside lode; LODE_WORKER names another place");
        }
        return STATUS_OK;
}

static Status worker_start(Worker *worker, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        static const char *const PARTS[] = { "", "/g", "/out", "/spill" };
        for (size_t i = 0; i < COUNT_OF(PARTS); i++)
                TRY(make_folder(arena_printf(&arena, "%s%s", worker->folder, PARTS[i]), err));
        worker->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (worker->wake < 0)
                return error_errno(err, errno, "cannot make an eventfd");
        CLEANUP(close_fdp) int control = -1;
        CLEANUP(close_fdp) int rows = -1;
        TRY(make_pair(&worker->control, &control, err));
        TRY(make_pair(&worker->rows, &rows, err));
        int size = ROWS_BUFFER;
        (void)setsockopt(rows, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
        struct timeval patience = { .tv_sec = SEND_PATIENCE_S }; /* with a worker that does not read */
        (void)setsockopt(worker->control, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
        inbox_init(&worker->control_inbox, worker->control, MESSAGE_CONTROL_MAX);
        inbox_init(&worker->rows_inbox, worker->rows, MESSAGE_ROWS_MAX);
        worker->started_us = time_monotonic_us();
        return spawn(worker, control, rows, err);
}

/* Not in the list any more. */
static void worker_free(Worker *worker) {
        Error err;
        worker_kill(worker);
        (void)worker_reap(worker, &err);
        if (worker->folder)
                (void)dir_remove_all(worker->folder, &err);
        close_fdp(&worker->control);
        close_fdp(&worker->rows);
        close_fdp(&worker->wake);
        inbox_deinit(&worker->control_inbox);
        inbox_deinit(&worker->rows_inbox);
        arena_deinit(&worker->memory);
        arena_deinit(&worker->defined_memory);
        free(worker->folder);
        free(worker->principal);
        free(worker);
}

/* Under the lock: adds a worker that has just been started. */
static Status add_worker(WorkerPool *pool, uint64_t memory, Worker **out, Error *err) {
        Worker *worker = calloc(1, sizeof(*worker));
        if (!worker)
                out_of_memory();
        worker->pool = pool;
        worker->memory_limit = memory;
        worker->control = worker->rows = worker->wake = -1;
        map_init(&worker->defined, &worker->defined_memory);
        if (asprintf(&worker->folder, "%s/%u", pool->folder, pool->started++) < 0)
                out_of_memory();
        Status status = worker_start(worker, err);
        if (status != STATUS_OK) {
                worker_free(worker);
                return status;
        }
        worker->next = pool->workers;
        pool->workers = worker;
        pool->alive++;
        *out = worker;
        return STATUS_OK;
}

static void remove_worker(WorkerPool *pool, Worker *worker) {
        for (Worker **at = &pool->workers; *at; at = &(*at)->next) {
                if (*at == worker) {
                        *at = worker->next;
                        pool->alive--;
                        break;
                }
        }
}

static void free_all(Worker *workers) {
        for (Worker *worker = workers; worker; worker = worker->next)
                worker_kill(worker); /* all at once, then wait for each */
        while (workers) {
                Worker *worker = workers;
                workers = worker->next;
                worker_free(worker);
        }
}

/* The pool */

static int default_threads(void) {
        int count = get_nprocs();
        return count > DEFAULT_THREADS_MAX ? DEFAULT_THREADS_MAX : count < 1 ? 1 : count;
}

static void take_options(const WorkerOptions *options, WorkerOptions *out) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        const char *program = find_program(options->program, &arena);
        *out = *options;
        out->run_folder = strdup(path_absolute(&arena, options->run_folder));
        out->program = strdup(program ? program : "lode-worker");
        out->ready = options->ready > 0 ? options->ready : 1;
        out->most = options->most > 0 ? options->most : DEFAULT_MOST;
        out->memory_limit = options->memory_limit > 0 ? options->memory_limit : DEFAULT_MEMORY;
        out->threads = options->threads > 0 ? options->threads : default_threads();
        out->start_timeout_us = options->start_timeout_us > 0 ? options->start_timeout_us : DEFAULT_START_US;
        out->without_box = options->without_box || says_no_box();
}

Status worker_pool_open(const WorkerOptions *options, WorkerPool **out, Error *err) {
        WorkerPool *pool = calloc(1, sizeof(*pool));
        if (!pool)
                out_of_memory();
        pool->lock_file = -1;
        take_options(options, &pool->options);
        pthread_mutex_init(&pool->lock, NULL);
        pthread_cond_init(&pool->freed, NULL);
        if (pool->options.without_box)
                fprintf(stderr, "lode: LODE_UNSAFE_NO_SANDBOX: SQL and files are read without a box\n");
        Status status = make_server_folder(pool, err);
        Worker *worker;
        for (int i = 0; status == STATUS_OK && i < pool->options.ready && i < pool->options.most; i++)
                status = add_worker(pool, pool->options.memory_limit, &worker, err);
        if (status != STATUS_OK) {
                worker_pool_close(pool);
                return status;
        }
        *out = pool;
        return STATUS_OK;
}

void worker_pool_close(WorkerPool *pool) {
        if (!pool)
                return;
        free_all(pool->workers);
        Error err;
        if (pool->folder)
                (void)dir_remove_all(pool->folder, &err);
        close_fdp(&pool->lock_file);
        pthread_cond_destroy(&pool->freed);
        pthread_mutex_destroy(&pool->lock);
        free(pool->folder);
        free((void *)(uintptr_t)pool->options.run_folder);
        free((void *)(uintptr_t)pool->options.program);
        free(pool);
}

void worker_pool_closep(WorkerPool **pool) {
        worker_pool_close(*pool);
        *pool = NULL;
}

/* Leases */

static bool belongs_to(const Worker *worker, Str principal) {
        return worker->principal && str_equal(str_of(worker->principal), principal);
}

/* Killed by somebody while it was idle: its sockets are closed before its process is to be had. */
static bool is_dead(const Worker *worker) {
        struct pollfd control = { .fd = worker->control };
        siginfo_t info = { 0 };
        if (poll(&control, 1, 0) > 0 && (control.revents & (POLLHUP | POLLERR)))
                return true;
        return waitid(P_PID, (id_t)worker->process, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid != 0;
}

/* The oldest with this much memory: it is nearest to its HELLO. */
static Worker *find_virgin(WorkerPool *pool, uint64_t memory) {
        Worker *virgin = NULL;
        for (Worker *worker = pool->workers; worker; worker = worker->next) {
                if (!worker->principal && worker->memory_limit == memory)
                        virgin = worker;
        }
        return virgin;
}

/* An idle worker of this principal, else a virgin one. */
static Worker *find_worker(WorkerPool *pool, const WorkerWish *wish) {
        for (Worker *worker = pool->workers; worker; worker = worker->next) {
                if (!worker->leased && belongs_to(worker, wish->principal) && worker->memory_limit == wish->memory)
                        return worker;
        }
        return find_virgin(pool, wish->memory);
}

static Worker *find_idle(WorkerPool *pool) {
        for (Worker *worker = pool->workers; worker; worker = worker->next) {
                if (!worker->leased)
                        return worker;
        }
        return NULL;
}

/* Out of the list, to be ended where nobody waits for the lock. */
static void put_away(WorkerPool *pool, Worker *worker, Worker **away) {
        remove_worker(pool, worker);
        worker->next = *away;
        *away = worker;
}

/* Under the lock. A worker for this principal, by start if need be; waits while all are leased. */
static Status choose(WorkerPool *pool, const WorkerWish *wish, Worker **away, Worker **out, Error *err) {
        for (;;) {
                Worker *worker = find_worker(pool, wish);
                if (worker && is_dead(worker)) {
                        put_away(pool, worker, away);
                        continue;
                }
                if (worker) {
                        *out = worker;
                        return STATUS_OK;
                }
                if (pool->alive < pool->options.most)
                        return add_worker(pool, wish->memory, out, err);
                Worker *idle = find_idle(pool); /* somebody else's: it makes room, and is never handed over */
                if (idle) {
                        put_away(pool, idle, away);
                        continue;
                }
                pthread_cond_wait(&pool->freed, &pool->lock);
        }
}

static Status lease_locked(WorkerPool *pool, const WorkerWish *wish, Worker **away, Worker **out, Error *err) {
        Worker *worker;
        TRY(choose(pool, wish, away, &worker, err));
        worker->leased = true;
        worker->leases++;
        if (!worker->principal)
                worker->principal = strndup(wish->principal.data ? wish->principal.data : "", wish->principal.size);
        *out = worker;
        if (pool->options.refill && pool->alive < pool->options.most && !find_virgin(pool, wish->memory)) {
                Worker *next;
                Error ignored; /* the lease at hand is good; the next one will tell */
                (void)add_worker(pool, wish->memory, &next, &ignored);
        }
        return STATUS_OK;
}

static Status lease_once(WorkerPool *pool, const WorkerWish *wish, Worker **out, Error *err) {
        Worker *worker, *away = NULL;
        pthread_mutex_lock(&pool->lock);
        Status status = lease_locked(pool, wish, &away, &worker, err);
        pthread_mutex_unlock(&pool->lock);
        free_all(away);
        TRY(status);
        status = worker_greet(worker, err);
        if (status != STATUS_OK) {
                worker->lost = true;
                worker_release(worker);
                return status;
        }
        *out = worker;
        return STATUS_OK;
}

/* The engine crashes while it opens, about once in a thousand times on a busy machine: nothing was asked of it yet, so
 * another one is started instead. */
Status worker_lease_for(WorkerPool *pool, const WorkerWish *wish, Worker **out, Error *err) {
        Status status = STATUS_WORKER_LOST;
        WorkerWish whole = { wish->principal, wish->memory ? wish->memory : pool->options.memory_limit };
        for (int i = 0; i < START_TRIES && status == STATUS_WORKER_LOST; i++)
                status = lease_once(pool, &whole, out, err);
        return status;
}

Status worker_lease(WorkerPool *pool, Str principal, Worker **out, Error *err) {
        return worker_lease_for(pool, &(WorkerWish){ .principal = principal }, out, err);
}

bool worker_is_new(const Worker *worker) {
        return worker->leases == 1;
}

void worker_release(Worker *worker) {
        if (!worker)
                return;
        WorkerPool *pool = worker->pool;
        worker_take_rank(worker);
        worker_allow(worker, 0, 0);
        if (!worker->lost)
                worker_clean(worker);
        pthread_mutex_lock(&pool->lock);
        worker->leased = false;
        worker->idle_us = time_monotonic_us();
        bool lost = worker->lost;
        if (lost)
                remove_worker(pool, worker);
        pthread_cond_signal(&pool->freed);
        pthread_mutex_unlock(&pool->lock);
        if (lost)
                worker_free(worker);
}

void worker_pool_trim(WorkerPool *pool, int64_t idle_us) {
        Worker *away = NULL, *next;
        int64_t now = time_monotonic_us();
        pthread_mutex_lock(&pool->lock);
        for (Worker *worker = pool->workers; worker; worker = next) {
                next = worker->next;
                if (!worker->leased && worker->principal && now - worker->idle_us > idle_us)
                        put_away(pool, worker, &away);
        }
        pthread_mutex_unlock(&pool->lock);
        free_all(away);
}

void worker_releasep(Worker **worker) {
        worker_release(*worker);
        *worker = NULL;
}

/* Under the lock. NULL: all there may be are at work. */
static Status take_for_probe(WorkerPool *pool, Worker **away, Worker **out, Error *err) {
        Worker *worker;
        while ((worker = find_virgin(pool, pool->options.memory_limit)) && is_dead(worker))
                put_away(pool, worker, away);
        if (!worker && pool->alive < pool->options.most)
                TRY(add_worker(pool, pool->options.memory_limit, &worker, err));
        if (worker) {
                worker->leased = true;
                worker->principal = strdup(PROBE); /* so that no lease takes it meanwhile */
        }
        *out = worker;
        return STATUS_OK;
}

Status worker_pool_probe(WorkerPool *pool, Error *err) {
        Worker *worker = NULL, *away = NULL;
        pthread_mutex_lock(&pool->lock);
        Status status = take_for_probe(pool, &away, &worker, err);
        pthread_mutex_unlock(&pool->lock);
        free_all(away);
        if (!worker)
                return status;
        status = worker_greet(worker, err);
        if (status != STATUS_OK) {
                worker->lost = true;
                worker_release(worker);
                return status;
        }
        pthread_mutex_lock(&pool->lock); /* nobody's again: it was asked nothing */
        free(worker->principal);
        worker->principal = NULL;
        worker->leased = false;
        pthread_cond_signal(&pool->freed);
        pthread_mutex_unlock(&pool->lock);
        return STATUS_OK;
}

void worker_pool_counts(WorkerPool *pool, int *out_alive, int *out_leased) {
        *out_leased = 0;
        pthread_mutex_lock(&pool->lock);
        *out_alive = pool->alive;
        for (const Worker *worker = pool->workers; worker; worker = worker->next)
                *out_leased += worker->leased;
        pthread_mutex_unlock(&pool->lock);
}

pid_t worker_process(const Worker *worker) {
        return worker->process;
}

bool worker_is_lost(const Worker *worker) {
        return worker->lost;
}
