/* SPDX-License-Identifier: Apache-2.0 */
/* Enters the box in a child process and really tries what a worker must not be able to do. */
#include "worker/box.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include "base/file.h"
#include "base/test.h"

/* What a probe finds: the folder has worker/{g,out,spill}, sibling/g/secret, catalog, g/granted in worker. */
typedef struct Place {
        const char *folder;                                                  /* of everything */
        const char *worker, *sibling, *catalog, *granted, *written, *linked; /* paths */
        int granted_fd, catalog_fd;                                          /* opened before the box, for reading */
        pid_t victim;                                                        /* a process of ours outside */
} Place;

/* Probes answer 0 when they were refused (or, if they must work, when they worked), else an errno or 255. */
static int refused(long result) {
        if (result >= 0)
                return 255;
        return errno == EPERM || errno == EACCES || errno == EXDEV || errno == ENOSYS ? 0 : errno;
}

static int worked(long result) {
        return result >= 0 ? 0 : errno ? errno : 255;
}

static int try_read(const char *path) {
        return refused(open(path, O_RDONLY | O_CLOEXEC));
}

/* clang-format off */
#define PROBE(name) static int name(const Place *place UNUSED)

PROBE(read_passwd) { return try_read("/etc/passwd"); }
PROBE(read_sibling) { return try_read(place->sibling); }
PROBE(read_catalog) { return try_read(place->catalog); }
PROBE(read_environment) { return try_read("/proc/self/environ"); }
PROBE(read_memory_of_parent) {
        char path[64];
        snprintf(path, sizeof(path), "/proc/%d/mem", (int)getppid());
        return try_read(path);
}
PROBE(reopen_descriptor) {
        char path[64];
        snprintf(path, sizeof(path), "/proc/self/fd/%d", place->catalog_fd);
        return try_read(path);
}
PROBE(list_store) { return refused(open(place->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)); }
PROBE(list_root) { return refused(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC)); }
PROBE(read_through_link) { return try_read(place->linked); }
PROBE(write_granted) { return refused(open(place->granted, O_WRONLY | O_CLOEXEC)); }
PROBE(truncate_granted) { return refused(truncate(place->granted, 0)); }
PROBE(truncate_by_open) { return refused(open(place->granted, O_RDONLY | O_TRUNC | O_CLOEXEC)); }
PROBE(truncate_catalog) { return refused(truncate(place->catalog, 0)); }
PROBE(remove_granted) { return refused(unlink(place->granted)); }
PROBE(move_granted_out) { return refused(rename(place->granted, place->written)); }
PROBE(link_granted_out) { return refused(link(place->granted, place->written)); }
PROBE(symlink_out) { return refused(symlink("/etc/passwd", place->written)); }
PROBE(make_in_granted) {
        char path[4200];
        snprintf(path, sizeof(path), "%s/g/new", place->worker);
        return refused(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}
PROBE(make_in_tmp) { return refused(open("/tmp/lode-box-test", O_WRONLY | O_CREAT | O_CLOEXEC, 0600)); }
PROBE(chmod_granted) { return refused(chmod(place->granted, 0777)); }
PROBE(fchmod_granted) { return refused(fchmod(place->granted_fd, 0777)); }
PROBE(chown_granted) { return refused(chown(place->granted, 1, 1)); }
PROBE(set_times) { return refused(utimensat(AT_FDCWD, place->granted, NULL, 0)); }
PROBE(set_attribute) { return refused(setxattr(place->granted, "user.x", "y", 1, 0)); }
PROBE(make_socket) { return refused(socket(AF_INET, SOCK_STREAM, 0)); }
PROBE(make_unix_socket) { return refused(socket(AF_UNIX, SOCK_STREAM, 0)); }
PROBE(connect_somewhere) {
        struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(80), .sin_addr = { htonl(INADDR_LOOPBACK) } };
        return refused(connect(place->granted_fd, (struct sockaddr *)&to, sizeof(to)));
}
PROBE(run_program) {
        char *arguments[] = { (char[]){ "true" }, NULL };
        return refused(execv("/bin/true", arguments));
}
PROBE(make_process) { return refused(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)); }
PROBE(make_process_by_fork) { return refused(fork()); }
PROBE(make_process_by_clone3) { return refused(syscall(SYS_clone3, NULL, 0)); }
PROBE(make_namespace) { return refused(syscall(SYS_unshare, 0x10000000)); }
PROBE(kill_parent) { return refused(kill(getppid(), SIGTERM)); }
PROBE(kill_other) { return refused(kill(place->victim, SIGKILL)); }
PROBE(kill_by_thread) { return refused(syscall(SYS_tgkill, place->victim, place->victim, SIGKILL)); }
PROBE(trace_parent) { return refused(ptrace(PTRACE_ATTACH, getppid(), NULL, NULL)); }
PROBE(read_other_memory) { return refused(syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0)); }
PROBE(raise_limit) {
        struct rlimit limit = { 100000, 100000 };
        return refused(setrlimit(RLIMIT_NOFILE, &limit));
}
PROBE(leave_no_new_privileges) { return refused(setuid(0)); }
PROBE(map_code) { return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? 0 : 255; }
PROBE(make_code_of_data) {
        void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        return refused(mprotect(page, 4096, PROT_READ | PROT_EXEC));
}
PROBE(load_kernel_things) { return refused(syscall(SYS_bpf, 0, NULL, 0)); }
PROBE(use_ring) { return refused(syscall(SYS_io_uring_setup, 1, NULL)); }
PROBE(find_memory_file) { return refused(syscall(SYS_memfd_create, "x", 0)); }
PROBE(mount_something) { return refused(syscall(SYS_mount, "none", place->worker, "tmpfs", 0, NULL)); }

/* What must work */
PROBE(read_granted) { return worked(open(place->granted, O_RDONLY | O_CLOEXEC)); }
PROBE(read_by_descriptor) {
        char byte;
        return worked(pread(place->catalog_fd, &byte, 1, 0));
}
PROBE(write_out) {
        int fd = open(place->written, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (fd < 0 || write(fd, "abc", 3) != 3 || ftruncate(fd, 1) < 0 || fsync(fd) < 0)
                return errno;
        return worked(unlink(place->written));
}
static void *nothing(void *context) { return context; }
PROBE(start_thread) {
        pthread_t thread;
        int failed = pthread_create(&thread, NULL, nothing, NULL);
        return failed ? failed : pthread_join(thread, NULL);
}
PROBE(ask_whether_alive) { return worked(kill(getpid(), 0)); }
/* clang-format on */

typedef struct Probe {
        const char *name;
        int (*run)(const Place *place);
} Probe;

#define P(name) \
        { #name, name }
/* clang-format off */
static const Probe PROBES[] = {
        P(read_passwd), P(read_sibling), P(read_catalog), P(read_environment), P(read_memory_of_parent), P(reopen_descriptor),
        P(list_store), P(list_root), P(read_through_link), P(write_granted), P(truncate_granted), P(truncate_by_open),
        P(truncate_catalog), P(remove_granted), P(move_granted_out), P(link_granted_out), P(symlink_out), P(make_in_granted),
        P(make_in_tmp), P(chmod_granted), P(fchmod_granted), P(chown_granted), P(set_times), P(set_attribute),
        P(make_socket), P(make_unix_socket), P(connect_somewhere), P(run_program), P(make_process), P(make_process_by_fork),
        P(make_process_by_clone3), P(make_namespace), P(kill_parent), P(kill_other), P(kill_by_thread), P(trace_parent),
        P(read_other_memory), P(raise_limit), P(leave_no_new_privileges), P(map_code), P(make_code_of_data),
        P(load_kernel_things), P(use_ring), P(find_memory_file), P(mount_something),
        P(read_granted), P(read_by_descriptor), P(write_out), P(start_thread), P(ask_whether_alive),
};
/* clang-format on */

static Place place_make(Test *t) {
        const char *folder = test_folder(t);
        Arena *a = &t->arena;
        Place place = {
                .folder = folder,
                .worker = path_join(a, folder, "worker"),
                .sibling = path_join(a, folder, "sibling/g/secret"),
                .catalog = path_join(a, folder, "catalog.db"),
                .granted = path_join(a, folder, "worker/g/granted"),
                .written = path_join(a, folder, "worker/out/written"),
                .linked = path_join(a, folder, "worker/g/link"),
        };
        static const char *const FOLDERS[] = { "worker/g", "worker/out", "worker/spill", "sibling/g" };
        for (size_t i = 0; i < COUNT_OF(FOLDERS); i++)
                (void)dir_make(path_join(a, folder, FOLDERS[i]), &t->err);
        (void)file_write_text(place.sibling, STR("secret"), &t->err);
        (void)file_write_text(place.catalog, STR("catalog"), &t->err);
        (void)file_write_text(place.granted, STR("granted"), &t->err);
        if (symlink(place.catalog, place.linked) < 0)
                panic("no symbolic link");
        place.granted_fd = open(place.granted, O_RDONLY | O_CLOEXEC);
        place.catalog_fd = open(place.catalog, O_RDONLY | O_CLOEXEC);
        return place;
}

enum { NO_BOX = 254 };

/* The probe's answer from inside a box, in a process of its own. */
static int run_boxed(const Place *place, const Probe *probe) {
        pid_t child = fork();
        if (child == 0) {
                Error err = { 0 };
                BoxOptions options = { .folder = place->worker, .parent = (int)getppid() };
                if (box_enter(&options, &err) != STATUS_OK)
                        _exit(NO_BOX);
                errno = 0;
                _exit(probe->run(place));
        }
        int state;
        if (waitpid(child, &state, 0) < 0)
                return 253;
        return WIFEXITED(state) ? WEXITSTATUS(state) : 252;
}

static void end_victim(pid_t *victim) {
        kill(*victim, SIGKILL);
        waitpid(*victim, NULL, 0);
}

TEST(the_box_keeps_everything_out_that_a_worker_does_not_need) {
        Place place = place_make(t);
        CLEANUP(end_victim) pid_t victim = fork();
        if (victim == 0)
                for (;;)
                        pause();
        place.victim = victim;
        for (size_t i = 0; i < COUNT_OF(PROBES); i++) {
                int got = run_boxed(&place, &PROBES[i]);
                if (got == NO_BOX) {
                        test_skip(t, "this kernel has no Landlock or no seccomp");
                        return;
                }
                if (got != 0)
                        test_fail(t, __FILE__, __LINE__, "%s answers %d (%s)", PROBES[i].name, got,
                                  got == 255 ? "it worked" : strerror(got));
        }
        int state;
        CHECK_INT(waitpid(victim, &state, WNOHANG), 0); /* still alive */
        Str text;
        CHECK_OK(file_read(place.granted, 100, &t->arena, &text, &t->err));
        CHECK_STR(text, STR("granted"));
        CHECK_OK(file_read(place.catalog, 100, &t->arena, &text, &t->err));
        CHECK_STR(text, STR("catalog"));
}

/* What the kernel enforces as a list of system calls must not depend on which ones anybody thought of. */
TEST(a_system_call_that_is_not_on_the_list_is_refused) {
        Place place = place_make(t);
        /* clang-format off */
        static const long CALLS[] = {
                SYS_acct, SYS_add_key, SYS_adjtimex, SYS_chroot, SYS_delete_module, SYS_fanotify_init, SYS_finit_module,
                SYS_init_module, SYS_kexec_load, SYS_keyctl, SYS_mbind, SYS_mincore, SYS_mknodat,
                SYS_name_to_handle_at, SYS_open_by_handle_at, SYS_perf_event_open, SYS_personality, SYS_pidfd_open, SYS_pivot_root,
                SYS_process_vm_writev, SYS_quotactl, SYS_reboot, SYS_request_key, SYS_setdomainname, SYS_sethostname,
                SYS_setns, SYS_settimeofday, SYS_shmget, SYS_swapon, SYS_syslog, SYS_umount2, SYS_userfaultfd, SYS_vmsplice,
                SYS_accept, SYS_bind, SYS_listen, SYS_socketpair, SYS_pipe2, SYS_eventfd2, SYS_inotify_init1, SYS_signalfd4,
                SYS_timerfd_create, SYS_execveat, SYS_fchown, SYS_fchmodat, SYS_fsetxattr,
                SYS_fremovexattr, SYS_tkill, SYS_setpriority, SYS_ioctl, SYS_chdir, SYS_fchdir, SYS_landlock_create_ruleset,
#ifdef __x86_64__
                SYS_ioperm, SYS_iopl, SYS_lchown, SYS_mknod, SYS_vfork,
#endif
        };
        /* clang-format on */
        pid_t child = fork();
        if (child == 0) {
                Error err = { 0 };
                if (box_enter(&(BoxOptions){ .folder = place.worker }, &err) != STATUS_OK)
                        _exit(NO_BOX);
                for (size_t i = 0; i < COUNT_OF(CALLS); i++) {
                        errno = 0;
                        if (syscall(CALLS[i], -1, 0, 0, 0, 0, 0) != -1 || errno != EPERM)
                                _exit((int)i + 1);
                }
                _exit(0);
        }
        int state;
        CHECK_INT(waitpid(child, &state, 0), child);
        if (WIFEXITED(state) && WEXITSTATUS(state) == NO_BOX)
                test_skip(t, "this kernel has no Landlock or no seccomp");
        else
                CHECK_INT(WIFEXITED(state) ? WEXITSTATUS(state) : 252, 0);
}

TEST(a_link_made_after_the_box_is_readable) {
        Place place = place_make(t);
        int pipes[2];
        CHECK_INT(pipe(pipes), 0);
        pid_t child = fork();
        if (child == 0) {
                Error err = { 0 };
                char byte, path[4200];
                if (box_enter(&(BoxOptions){ .folder = place.worker }, &err) != STATUS_OK)
                        _exit(NO_BOX);
                if (read(pipes[0], &byte, 1) != 1)
                        _exit(1);
                snprintf(path, sizeof(path), "%s/g/later", place.worker);
                _exit(worked(open(path, O_RDONLY | O_CLOEXEC)));
        }
        usleep(50000);
        CHECK_INT(link(place.catalog, path_join(&t->arena, place.worker, "g/later")), 0);
        CHECK_INT(write(pipes[1], "x", 1), 1);
        int state;
        CHECK_INT(waitpid(child, &state, 0), child);
        close(pipes[0]);
        close(pipes[1]);
        CHECK(WIFEXITED(state) && (WEXITSTATUS(state) == 0 || WEXITSTATUS(state) == NO_BOX));
}
