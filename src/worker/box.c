/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/box.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "base/reason.h"

#define BOX_FILES 4096
#define BOX_NICE 5

/* Landlock, as the kernel's documentation has it; the headers of Debian 12 end at an older ABI. */
enum {
        LANDLOCK_READ_FILE = 1u << 2,
        LANDLOCK_READ_DIR = 1u << 3,
        LANDLOCK_WRITE_FILE = 1u << 1,
        LANDLOCK_REMOVE_DIR = 1u << 4,
        LANDLOCK_REMOVE_FILE = 1u << 5,
        LANDLOCK_MAKE_DIR = 1u << 7,
        LANDLOCK_MAKE_REG = 1u << 8,
        LANDLOCK_TRUNCATE = 1u << 14, /* ABI 3 */
        LANDLOCK_VERSION_FLAG = 1,
        LANDLOCK_PATH_BENEATH = 1,
};

/* What each ABI can refuse: rights on files, on TCP, and (as scopes) on signals and abstract sockets. */
static const struct {
        int abi;
        uint64_t files, net, scopes;
} LANDLOCK_ABIS[] = {
        { 1, 0x1fff, 0, 0 }, { 2, 0x3fff, 0, 0 }, { 3, 0x7fff, 0, 0 },
        { 4, 0x7fff, 3, 0 }, { 5, 0xffff, 3, 0 }, { 6, 0xffff, 3, 3 },
};

struct landlock_rules { /* struct landlock_ruleset_attr of ABI 6; older kernels take a zero tail */
        uint64_t files, net, scopes;
};

struct landlock_path { /* struct landlock_path_beneath_attr */
        uint64_t allowed;
        int32_t parent;
} __attribute__((packed));

#define RIGHTS_READ (LANDLOCK_READ_FILE | LANDLOCK_READ_DIR)
#define RIGHTS_WRITE                                                                                          \
        (RIGHTS_READ | LANDLOCK_WRITE_FILE | LANDLOCK_REMOVE_DIR | LANDLOCK_REMOVE_FILE | LANDLOCK_MAKE_DIR | \
         LANDLOCK_MAKE_REG | LANDLOCK_TRUNCATE)

static Status allow_path(int rules, uint64_t handled, const char *folder, const char *name, uint64_t rights,
                         bool must_exist, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        const char *path = folder ? arena_printf(&arena, "%s/%s", folder, name) : name;
        CLEANUP(close_fdp) int fd = open(path, O_PATH | O_CLOEXEC);
        if (fd < 0 && !must_exist)
                return STATUS_OK;
        if (fd < 0)
                return error_reason(err, BOX_PATH, reason_errno(errno));
        struct landlock_path rule = { .allowed = rights & handled, .parent = fd };
        if (syscall(SYS_landlock_add_rule, rules, LANDLOCK_PATH_BENEATH, &rule, 0) < 0)
                return error_reason(err, BOX_RULE, reason_errno(errno));
        return STATUS_OK;
}

static Status restrict_files(const char *folder, Error *err) {
        int abi = (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_VERSION_FLAG);
        if (abi < 1)
                return error_reason(err, BOX_LANDLOCK, reason_errno(errno));
        struct landlock_rules wanted = { 0 };
        for (size_t i = 0; i < COUNT_OF(LANDLOCK_ABIS) && LANDLOCK_ABIS[i].abi <= abi; i++)
                wanted = (struct landlock_rules){ LANDLOCK_ABIS[i].files, LANDLOCK_ABIS[i].net,
                                                  LANDLOCK_ABIS[i].scopes };

        CLEANUP(close_fdp) int rules = (int)syscall(SYS_landlock_create_ruleset, &wanted, sizeof(wanted), 0);
        if (rules < 0 && errno == E2BIG) /* an older kernel that minds even a zero tail */
                rules = (int)syscall(SYS_landlock_create_ruleset, &wanted, sizeof(wanted.files), 0);
        if (rules < 0)
                return error_reason(err, BOX_RULES, reason_errno(errno));
        TRY(allow_path(rules, wanted.files, folder, "g", RIGHTS_READ, true, err));
        TRY(allow_path(rules, wanted.files, folder, "out", RIGHTS_WRITE, true, err));
        TRY(allow_path(rules, wanted.files, folder, "spill", RIGHTS_WRITE, true, err));
        /* The engine reads its memory limit there, and ends the process when it may not. */
        TRY(allow_path(rules, wanted.files, NULL, "/proc/self/cgroup", LANDLOCK_READ_FILE, false, err));
        TRY(allow_path(rules, wanted.files, NULL, "/sys/fs/cgroup", RIGHTS_READ, false, err));
        if (syscall(SYS_landlock_restrict_self, rules, 0) < 0)
                return error_reason(err, BOX_RESTRICT, reason_errno(errno));
        return STATUS_OK;
}

/* System calls that a worker's life uses, whatever their arguments. */
/* clang-format off */
static const int ALLOWED[] = {
        SCMP_SYS(access), SCMP_SYS(brk), SCMP_SYS(clock_getres), SCMP_SYS(clock_gettime), SCMP_SYS(clock_nanosleep),
        SCMP_SYS(close), SCMP_SYS(copy_file_range), SCMP_SYS(dup), SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(faccessat), SCMP_SYS(faccessat2),
        SCMP_SYS(fadvise64), SCMP_SYS(fallocate), SCMP_SYS(fcntl), SCMP_SYS(fdatasync), SCMP_SYS(fstat),
        SCMP_SYS(fstatfs), SCMP_SYS(fsync), SCMP_SYS(ftruncate), SCMP_SYS(futex), SCMP_SYS(getcpu), SCMP_SYS(getcwd),
        SCMP_SYS(getdents64), SCMP_SYS(geteuid), SCMP_SYS(getpid), SCMP_SYS(getppid), SCMP_SYS(getrandom),
        SCMP_SYS(getrusage), SCMP_SYS(gettid), SCMP_SYS(gettimeofday), SCMP_SYS(getuid), SCMP_SYS(lseek),
        SCMP_SYS(lstat), SCMP_SYS(madvise), SCMP_SYS(mkdir), SCMP_SYS(mkdirat), SCMP_SYS(mremap), SCMP_SYS(munmap),
        SCMP_SYS(nanosleep), SCMP_SYS(newfstatat), SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(poll),
        SCMP_SYS(pread64), SCMP_SYS(preadv), SCMP_SYS(pwrite64), SCMP_SYS(pwritev), SCMP_SYS(read),
        SCMP_SYS(readlink), SCMP_SYS(readv), SCMP_SYS(recvfrom), SCMP_SYS(recvmsg), SCMP_SYS(rename),
        SCMP_SYS(renameat), SCMP_SYS(renameat2), SCMP_SYS(restart_syscall), SCMP_SYS(rmdir), SCMP_SYS(rseq),
        SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn), SCMP_SYS(sched_getaffinity),
        SCMP_SYS(sched_yield), SCMP_SYS(sendmsg), SCMP_SYS(sendto), SCMP_SYS(set_robust_list), SCMP_SYS(set_tid_address),
        SCMP_SYS(sigaltstack), SCMP_SYS(stat), SCMP_SYS(statfs), SCMP_SYS(statx), SCMP_SYS(sysinfo), SCMP_SYS(time),
        SCMP_SYS(uname), SCMP_SYS(unlink), SCMP_SYS(unlinkat), SCMP_SYS(write), SCMP_SYS(writev),
#ifdef __x86_64__
        SCMP_SYS(arch_prctl),
#endif
};
/* clang-format on */

/* Allowed only when the argument, under the mask, has the value. */
static const struct {
        int call;
        unsigned argument;
        uint64_t mask, value;
} ALLOWED_IF[] = {
        { SCMP_SYS(clone), 0, 0x00010000 /* CLONE_THREAD */, 0x00010000 }, /* threads, never processes */
        { SCMP_SYS(mmap), 2, PROT_EXEC, 0 },                               /* nothing new can be run */
        { SCMP_SYS(mprotect), 2, PROT_EXEC, 0 },
        { SCMP_SYS(kill), 1, UINT64_MAX, 0 },      /* the engine asks whether a spill file's owner lives */
        { SCMP_SYS(prlimit64), 2, UINT64_MAX, 0 }, /* limits are read, not set */
        { SCMP_SYS(prctl), 0, UINT64_MAX, PR_SET_NAME },
        { SCMP_SYS(prctl), 0, UINT64_MAX, 0x53564d41 /* PR_SET_VMA, glibc's names for its memory */ },
};

static int fill_filter(scmp_filter_ctx filter) {
        for (size_t i = 0; i < COUNT_OF(ALLOWED); i++) {
                int failed = seccomp_rule_add(filter, SCMP_ACT_ALLOW, ALLOWED[i], 0);
                if (failed)
                        return failed;
        }
        for (size_t i = 0; i < COUNT_OF(ALLOWED_IF); i++) {
                struct scmp_arg_cmp compare = { .arg = ALLOWED_IF[i].argument,
                                                .op = SCMP_CMP_MASKED_EQ,
                                                .datum_a = ALLOWED_IF[i].mask,
                                                .datum_b = ALLOWED_IF[i].value };
                int failed = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, ALLOWED_IF[i].call, 1, &compare);
                if (failed)
                        return failed;
        }
        /* abort() signals its own process */
        int failed = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
                                      SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid()));
        if (failed)
                return failed;
        /* clone3 hides its flags behind a pointer; glibc falls back to clone */
        return seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
}

static Status restrict_calls(Error *err) {
        scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
        if (!filter)
                return error_reason(err, BOX_FILTER);
        int failed = fill_filter(filter);
        if (!failed)
                failed = seccomp_load(filter);
        seccomp_release(filter);
        if (failed)
                return error_reason(err, BOX_CALLS, reason_errno(-failed));
        return STATUS_OK;
}

static Status limit(int resource, uint64_t most, Reason refused, Error *err) {
        struct rlimit wanted = { .rlim_cur = most, .rlim_max = most };
        struct rlimit now;
        if (getrlimit(resource, &now) == 0 && now.rlim_max < most)
                wanted.rlim_cur = wanted.rlim_max = now.rlim_max;
        if (setrlimit(resource, &wanted) < 0)
                return error_reason_of(err, refused, reason_errno(errno));
        return STATUS_OK;
}

static Status die_with(int parent, Error *err) {
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
                return error_reason(err, BOX_PARENT, reason_errno(errno));
        if (getppid() != parent) /* it died before the line above */
                _exit(1);
        return STATUS_OK;
}

Status box_enter(const BoxOptions *options, Error *err) {
        if (options->parent)
                TRY(die_with(options->parent, err));
        TRY(limit(RLIMIT_CORE, 0, REASON_BOX_CORES, err));
        TRY(limit(RLIMIT_NOFILE, BOX_FILES, REASON_BOX_OPEN_FILES, err));
        if (options->address_limit && !SANITIZED)
                TRY(limit(RLIMIT_AS, options->address_limit, REASON_BOX_ADDRESSES, err));
        setpriority(PRIO_PROCESS, 0, BOX_NICE); /* the server's own work goes first; not worth failing for */
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                return error_reason(err, BOX_PRIVILEGES, reason_errno(errno));
        if (options->limits_only)
                return STATUS_OK;
        prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
        TRY(restrict_files(options->folder, err));
        return restrict_calls(err);
}
