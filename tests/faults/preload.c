/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trouble with a disk for whole runs: a library that is loaded before the C library's own calls (LD_PRELOAD), into
 * lode and into every worker that lode starts, boxed as it is. Each call that changes a disk, or reads a file, is counted if
 * it is to be, over all of these processes; at chosen ones it fails, is cut short, is not made at all, or the process ends. The calls can be
 * logged with all their bytes, from which tests/powercut.py builds what a power cut could have left. It can also set
 * the clock wrong.
 *
 * What is to happen stands in the file that LODE_FAULTS names (control.h). Only raw system calls are made, of those
 * that the box allows; no descriptor and no memory is taken.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "control.h"

#define VISIBLE __attribute__((visibility("default")))
#define HERE (-100)      /* AT_FDCWD, and flags: fcntl.h would bring open as an inline function */
#define FLAG_CREATE 0100
#define FLAG_EXCLUSIVE 0200
#define FLAG_EMPTY 01000
#define FLAG_APPEND 02000
#define GET_FLAGS 3      /* F_GETFL */
#define REMOVE_FOLDER 0x200 /* AT_REMOVEDIR */
#define PATHS_MOST 4096

/* Under another name, so that the C library's headers, which know some of these as macros or inline, do not mind. */
#define TAKE_OVER(result, symbol, ...)                                \
        VISIBLE result taken_##symbol(__VA_ARGS__) __asm__(#symbol); \
        result taken_##symbol(__VA_ARGS__)

static struct Control *control; /* NULL: nobody asked for trouble */
static char *control_path;

/* ---- what is to happen ---- */

static bool is_counted(enum Kind kind) {
        return control && (control->kinds >> kind & 1);
}

static void end_process(void) {
        syscall(SYS_tgkill, (long)getpid(), syscall(SYS_gettid), SIGKILL); /* which the box allows */
        syscall(SYS_exit_group, 137);
}

/* Counts a call; what is to happen to it. */
static enum Action trouble_with(enum Kind kind, const char *path) {
        if (!is_counted(kind))
                return ACTION_NONE;
        uint64_t call = __atomic_add_fetch(&control->calls, 1, __ATOMIC_SEQ_CST);
        if (control->at == 0 || call < control->at || call > control->until)
                return ACTION_NONE;
        if (__atomic_add_fetch(&control->hits, 1, __ATOMIC_SEQ_CST) == 1) {
                control->hit_kind = kind;
                control->hit_process = getpid();
                snprintf(control->hit_path, sizeof(control->hit_path), "%s", path ? path : "");
        }
        return (enum Action)control->action;
}

/* ---- the log ---- */

/* Held around a call and its record, so that the order of records is the order of calls, over all processes. */
static bool log_begin(void) {
        if (!control || control->log_size == 0)
                return false;
        while (__atomic_exchange_n(&control->log_lock, 1, __ATOMIC_ACQUIRE))
                syscall(SYS_sched_yield);
        return true;
}

static void log_end(bool held) {
        if (held)
                __atomic_store_n(&control->log_lock, 0, __ATOMIC_RELEASE);
}

static uint32_t length_of(const char *path) {
        return path ? (uint32_t)strnlen(path, PATHS_MOST) : 0;
}

static void log_record(struct Record record, const char *path, const char *other, const void *data) {
        record.process = getpid();
        record.path_size = (int32_t)length_of(path);
        record.other_size = (int32_t)length_of(other);
        uint64_t size = sizeof(record) + (uint64_t)record.path_size + (uint64_t)record.other_size + record.data_size;
        size = (size + 7) & ~UINT64_C(7);
        if (control->log_used + size > control->log_size)
                end_process(); /* a log with a hole proves nothing */
        record.size = (uint32_t)size;
        char *at = (char *)control + CONTROL_SIZE + control->log_used;
        memcpy(at, &record, sizeof(record));
        at += sizeof(record);
        memcpy(at, path ? path : "", (size_t)record.path_size);
        at += record.path_size;
        memcpy(at, other ? other : "", (size_t)record.other_size);
        at += record.other_size;
        memcpy(at, data ? data : "", record.data_size);
        control->log_used += size;
}

/* A path as the log has it: absolute, or relative to the folder whose inode is told. */
static const char *logged_path(int folder, const char *path, char *space, uint64_t *out_folder) {
        struct stat st;
        *out_folder = 0;
        if (path[0] == '/')
                return path;
        if (folder != HERE) {
                if (fstat(folder, &st) == 0)
                        *out_folder = st.st_ino;
                return path;
        }
        if (!getcwd(space, PATHS_MOST - 1 - length_of(path)))
                return path;
        strncat(space, "/", 2);
        return strncat(space, path, length_of(path));
}

static bool stat_fd(int fd, struct Record *record, struct stat *st) {
        if (fstat(fd, st) < 0 || !(S_ISREG(st->st_mode) || S_ISDIR(st->st_mode)))
                return false;
        record->device = st->st_dev;
        record->inode = st->st_ino;
        return true;
}

static void log_sync(int fd, enum Kind kind) {
        struct Record record = { .kind = (uint16_t)kind };
        struct stat st;
        if (stat_fd(fd, &record, &st))
                log_record(record, NULL, NULL, NULL);
}

/* ---- writes ---- */

static ssize_t write_out(int fd, const void *bytes, size_t size, off_t at, bool positioned) {
        return positioned ? syscall(SYS_pwrite64, fd, bytes, size, at) : syscall(SYS_write, fd, bytes, size);
}

/* Where a write goes: it is asked before, for afterwards the file's position has moved. */
static bool where_it_goes(int fd, off_t at, bool positioned, struct Record *record) {
        struct stat st;
        if (!stat_fd(fd, record, &st))
                return false;
        if (positioned)
                record->offset = (uint64_t)at;
        else if (syscall(SYS_fcntl, fd, GET_FLAGS) & FLAG_APPEND)
                record->offset = (uint64_t)st.st_size;
        else
                record->offset = (uint64_t)lseek(fd, 0, SEEK_CUR);
        return true;
}

static ssize_t logged_write(int fd, const void *bytes, size_t size, off_t at, bool positioned) {
        struct Record record = { .kind = KIND_WRITE };
        bool held = log_begin();
        bool known = held && where_it_goes(fd, at, positioned, &record);
        ssize_t done = write_out(fd, bytes, size, at, positioned);
        if (known && done > 0) {
                record.data_size = (uint32_t)done;
                log_record(record, NULL, NULL, bytes);
        }
        int kept = errno;
        log_end(held);
        errno = kept;
        return done;
}

static ssize_t do_write(enum Kind kind, int fd, const void *bytes, size_t size, off_t at) {
        bool positioned = kind == KIND_PWRITE;
        struct stat st;
        if (!is_counted(kind) || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) /* pipes and sockets are no disk */
                return logged_write(fd, bytes, size, at, positioned);
        switch (trouble_with(kind, NULL)) {
        case ACTION_FAIL:
                errno = control->error;
                return -1;
        case ACTION_SHORT:
                return logged_write(fd, bytes, (size + 1) / 2, at, positioned);
        case ACTION_KILL:
                write_out(fd, bytes, size / 2, at, positioned);
                end_process();
                return -1;
        case ACTION_SWALLOW:
                return (ssize_t)size;
        default:
                return logged_write(fd, bytes, size, at, positioned);
        }
}

TAKE_OVER(ssize_t, write, int fd, const void *bytes, size_t size) {
        return do_write(KIND_WRITE, fd, bytes, size, 0);
}

TAKE_OVER(ssize_t, pwrite, int fd, const void *bytes, size_t size, off_t at) {
        return do_write(KIND_PWRITE, fd, bytes, size, at);
}

TAKE_OVER(ssize_t, pwrite64, int fd, const void *bytes, size_t size, off_t at) {
        return do_write(KIND_PWRITE, fd, bytes, size, at);
}

/* Who copies within the kernel writes by hand then, so that its bytes are counted and logged like any others. */
TAKE_OVER(ssize_t, copy_file_range, int from, off_t *from_at, int to, off_t *to_at, size_t size, unsigned flags) {
        if (!control)
                return syscall(SYS_copy_file_range, from, from_at, to, to_at, size, flags);
        errno = ENOSYS;
        return -1;
}

/* ---- reads ---- */

/* Of the actions only FAIL and KILL mean something here. */
static bool read_is_made(enum Kind kind, int fd) {
        struct stat st;
        if (!is_counted(kind) || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
                return true;
        switch (trouble_with(kind, NULL)) {
        case ACTION_FAIL:
                errno = control->error;
                return false;
        case ACTION_KILL:
                end_process();
                return false;
        default:
                return true;
        }
}

TAKE_OVER(ssize_t, read, int fd, void *bytes, size_t size) {
        return read_is_made(KIND_READ, fd) ? syscall(SYS_read, fd, bytes, size) : -1;
}

TAKE_OVER(ssize_t, pread, int fd, void *bytes, size_t size, off_t at) {
        return read_is_made(KIND_PREAD, fd) ? syscall(SYS_pread64, fd, bytes, size, at) : -1;
}

TAKE_OVER(ssize_t, pread64, int fd, void *bytes, size_t size, off_t at) {
        return read_is_made(KIND_PREAD, fd) ? syscall(SYS_pread64, fd, bytes, size, at) : -1;
}

/* What the headers make of a read into memory whose size they know. */
TAKE_OVER(ssize_t, __read_chk, int fd, void *bytes, size_t size, size_t room) {
        (void)room;
        return read_is_made(KIND_READ, fd) ? syscall(SYS_read, fd, bytes, size) : -1;
}

TAKE_OVER(ssize_t, __pread_chk, int fd, void *bytes, size_t size, off_t at, size_t room) {
        (void)room;
        return read_is_made(KIND_PREAD, fd) ? syscall(SYS_pread64, fd, bytes, size, at) : -1;
}

TAKE_OVER(ssize_t, __pread64_chk, int fd, void *bytes, size_t size, off_t at, size_t room) {
        (void)room;
        return read_is_made(KIND_PREAD, fd) ? syscall(SYS_pread64, fd, bytes, size, at) : -1;
}

/* ---- the others ---- */

/* Whether the call is to be made; if not, what it returns instead. */
static bool is_made(enum Kind kind, const char *path, int *out_instead) {
        enum Action action = trouble_with(kind, path);
        *out_instead = action == ACTION_SWALLOW ? 0 : -1;
        if (action == ACTION_KILL)
                end_process();
        if (action == ACTION_FAIL)
                errno = control->error;
        return action == ACTION_NONE || action == ACTION_SHORT;
}

static int do_sync(enum Kind kind, int fd) {
        int instead;
        if (!is_made(kind, NULL, &instead))
                return instead;
        bool held = log_begin();
        int result = (int)syscall(kind == KIND_FSYNC ? SYS_fsync : SYS_fdatasync, fd);
        if (held && result == 0)
                log_sync(fd, kind);
        int kept = errno;
        log_end(held);
        errno = kept;
        return result;
}

TAKE_OVER(int, fsync, int fd) {
        return do_sync(KIND_FSYNC, fd);
}

TAKE_OVER(int, fdatasync, int fd) {
        return do_sync(KIND_FDATASYNC, fd);
}

static int do_truncate(int fd, off_t size) {
        struct Record record = { .kind = KIND_TRUNCATE, .offset = (uint64_t)size };
        struct stat st;
        int instead;
        if (!is_made(KIND_TRUNCATE, NULL, &instead))
                return instead;
        bool held = log_begin();
        int result = (int)syscall(SYS_ftruncate, fd, size);
        if (held && result == 0 && stat_fd(fd, &record, &st))
                log_record(record, NULL, NULL, NULL);
        int kept = errno;
        log_end(held);
        errno = kept;
        return result;
}

TAKE_OVER(int, ftruncate, int fd, off_t size) {
        return do_truncate(fd, size);
}

TAKE_OVER(int, ftruncate64, int fd, off_t size) {
        return do_truncate(fd, size);
}

/* Calls that name things. `number` with its arguments is the system call. */
static int do_named(enum Kind kind, int folder, const char *path, const char *other, long number, long a, long b,
                    long c, long d, long e) {
        struct Record record = { .kind = (uint16_t)kind };
        char space[PATHS_MOST], other_space[PATHS_MOST];
        uint64_t ignored;
        struct stat st;
        int instead;
        if (!is_made(kind, path, &instead))
                return instead;
        bool held = log_begin();
        bool was = held && fstatat(folder, path, &st, 0x100 /* AT_SYMLINK_NOFOLLOW */) == 0;
        int result = (int)syscall(number, a, b, c, d, e);
        int kept = errno;
        if (held && result == 0) {
                if (!was)
                        was = fstatat(folder, path, &st, 0x100) == 0;
                record.device = was ? st.st_dev : 0;
                record.inode = was ? st.st_ino : 0;
                const char *absolute = logged_path(folder, path, space, &record.folder);
                log_record(record, absolute, other ? logged_path(HERE, other, other_space, &ignored) : NULL, NULL);
        }
        log_end(held);
        errno = kept;
        return result;
}

TAKE_OVER(int, rename, const char *from, const char *to) {
        return do_named(KIND_RENAME, HERE, from, to, SYS_renameat2, HERE, (long)from, HERE, (long)to, 0);
}

TAKE_OVER(int, link, const char *from, const char *to) {
        return do_named(KIND_LINK, HERE, from, to, SYS_linkat, HERE, (long)from, HERE, (long)to, 0);
}

TAKE_OVER(int, unlink, const char *path) {
        return do_named(KIND_UNLINK, HERE, path, NULL, SYS_unlinkat, HERE, (long)path, 0, 0, 0);
}

TAKE_OVER(int, rmdir, const char *path) {
        return do_named(KIND_RMDIR, HERE, path, NULL, SYS_unlinkat, HERE, (long)path, REMOVE_FOLDER, 0, 0);
}

TAKE_OVER(int, unlinkat, int folder, const char *path, int flags) {
        enum Kind kind = flags & REMOVE_FOLDER ? KIND_RMDIR : KIND_UNLINK;
        return do_named(kind, folder, path, NULL, SYS_unlinkat, folder, (long)path, flags, 0, 0);
}

TAKE_OVER(int, mkdir, const char *path, mode_t mode) {
        return do_named(KIND_MKDIR, HERE, path, NULL, SYS_mkdirat, HERE, (long)path, (long)mode, 0, 0);
}

TAKE_OVER(int, mkdirat, int folder, const char *path, mode_t mode) {
        return do_named(KIND_MKDIR, folder, path, NULL, SYS_mkdirat, folder, (long)path, (long)mode, 0, 0);
}

/* ---- open ---- */

static int do_open(int folder, const char *path, int flags, mode_t mode) {
        enum Kind kind = flags & FLAG_CREATE ? KIND_CREATE : KIND_OPEN;
        struct Record record = { .kind = KIND_CREATE };
        char space[PATHS_MOST];
        struct stat st;
        int instead;
        if (!is_made(kind, path, &instead))
                return -1; /* no descriptor can be made up */
        bool changes = flags & (FLAG_CREATE | FLAG_EMPTY);
        bool held = changes && log_begin();
        bool was = held && fstatat(folder, path, &st, 0) == 0;
        int fd = (int)syscall(SYS_openat, folder, path, flags, mode);
        int kept = errno;
        if (held && fd >= 0 && stat_fd(fd, &record, &st)) {
                record.flags = (uint16_t)((was ? 0 : RECORD_MADE) | (flags & FLAG_EMPTY ? RECORD_EMPTIED : 0));
                const char *absolute = logged_path(folder, path, space, &record.folder);
                if (record.flags)
                        log_record(record, absolute, NULL, NULL);
        }
        log_end(held);
        errno = kept;
        return fd;
}

#define TAKE_OVER_OPEN(symbol)                               \
        TAKE_OVER(int, symbol, const char *path, int flags, ...) { \
                va_list arguments;                           \
                va_start(arguments, flags);                  \
                mode_t mode = flags & FLAG_CREATE ? va_arg(arguments, mode_t) : 0; \
                va_end(arguments);                           \
                return do_open(HERE, path, flags, mode);     \
        }

#define TAKE_OVER_OPENAT(symbol)                             \
        TAKE_OVER(int, symbol, int folder, const char *path, int flags, ...) { \
                va_list arguments;                           \
                va_start(arguments, flags);                  \
                mode_t mode = flags & FLAG_CREATE ? va_arg(arguments, mode_t) : 0; \
                va_end(arguments);                           \
                return do_open(folder, path, flags, mode);   \
        }

TAKE_OVER_OPEN(open)
TAKE_OVER_OPEN(open64)
TAKE_OVER_OPENAT(openat)
TAKE_OVER_OPENAT(openat64)

/* What the headers make of an open whose flags they cannot see. */
TAKE_OVER(int, __open_2, const char *path, int flags) {
        return do_open(HERE, path, flags, 0);
}

TAKE_OVER(int, __open64_2, const char *path, int flags) {
        return do_open(HERE, path, flags, 0);
}

TAKE_OVER(int, __openat_2, int folder, const char *path, int flags) {
        return do_open(folder, path, flags, 0);
}

TAKE_OVER(int, __openat64_2, int folder, const char *path, int flags) {
        return do_open(folder, path, flags, 0);
}

TAKE_OVER(DIR *, opendir, const char *path) {
        static DIR *(*real)(const char *);
        int instead;
        if (!real)
                real = (DIR * (*)(const char *)) dlsym(RTLD_NEXT, "opendir");
        return is_made(KIND_OPEN, path, &instead) ? real(path) : NULL;
}

/* ---- the clock ---- */

static int64_t clock_shift(clockid_t clock) {
        if (!control || (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE))
                return 0;
        return __atomic_load_n(&control->calls, __ATOMIC_SEQ_CST) >= control->clock_at ? control->clock_shift : 0;
}

TAKE_OVER(int, clock_gettime, clockid_t clock, struct timespec *out) {
        int result = (int)syscall(SYS_clock_gettime, clock, out);
        if (result == 0)
                out->tv_sec += clock_shift(clock);
        return result;
}

TAKE_OVER(int, gettimeofday, struct timeval *restrict out, void *restrict zone) {
        struct timespec now;
        (void)zone;
        taken_clock_gettime(CLOCK_REALTIME, &now);
        *out = (struct timeval){ now.tv_sec, now.tv_nsec / 1000 };
        return 0;
}

TAKE_OVER(time_t, time, time_t *out) {
        struct timespec now;
        taken_clock_gettime(CLOCK_REALTIME, &now);
        if (out)
                *out = now.tv_sec;
        return now.tv_sec;
}

/* ---- into lode, and from there into its workers ---- */

__attribute__((constructor)) static void begin(void) {
        struct stat st;
        control_path = getenv("LODE_FAULTS");
        if (!control_path)
                return;
        int fd = (int)syscall(SYS_openat, HERE, control_path, 02 /* O_RDWR */, 0);
        if (fd < 0 || fstat(fd, &st) < 0)
                return;
        void *mapped = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        syscall(SYS_close, fd);
        if (mapped == MAP_FAILED || ((struct Control *)mapped)->magic != CONTROL_MAGIC)
                return;
        control = mapped;
        uint32_t index = __atomic_fetch_add(&control->process_count, 1, __ATOMIC_SEQ_CST);
        if (index < CONTROL_PROCESSES)
                control->processes[index] = getpid();
}

/* lode gives a worker an environment of its own, without any of ours: the two variables are added to it. */
TAKE_OVER(int, posix_spawn, pid_t *process, const char *path, const posix_spawn_file_actions_t *actions,
          const posix_spawnattr_t *attributes, char *const arguments[], char *const environment[]) {
        static int (*real)(pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *,
                           char *const[], char *const[]);
        char library[PATHS_MOST], faults[PATHS_MOST], *with[64];
        size_t count = 0;
        if (!real)
                *(void **)&real = dlsym(RTLD_NEXT, "posix_spawn");
        for (; environment[count] && count < 60; count++)
                with[count] = environment[count];
        if (control) {
                snprintf(library, sizeof(library), "LD_PRELOAD=%s", getenv("LD_PRELOAD"));
                snprintf(faults, sizeof(faults), "LODE_FAULTS=%s", control_path);
                with[count++] = library;
                with[count++] = faults;
        }
        with[count] = NULL;
        return real(process, path, actions, attributes, arguments, with);
}
