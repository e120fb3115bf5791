/* SPDX-License-Identifier: Apache-2.0 */
#include "server/refresh.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/log.h"
#include "base/map.h"
#include "base/thread.h"
#include "base/time.h"
#include "base/vec.h"
#include "lake/lake.h"
#include "lake/table.h"
#include "model/project.h"
#include "model/source.h"

#define SECOND 1000000LL
#define RETRY_FIRST_US (5 * SECOND)
#define RETRY_MOST_US (300 * SECOND)
#define YOUNG_S 10                /* a file that was written so lately may not be settled: a run may have left it */
#define YOUNG_LOOK_US (5 * SECOND) /* ... and then there is another */
#define KILL_US (20 * SECOND)     /* for a run that was told to stop */
#define DEPTH_MOST 16
#define FILES_MOST 1000000
#define WATCHES_MOST 10000
#define REPORT_MOST (64u << 20)
#define LINES_MOST 20 /* of one run, about its files */
#define WATCHED (IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_DELETE_SELF | IN_ONLYDIR | IN_EXCL_UNLINK)

typedef struct DueZone {
        char *name;
        RefreshKind kind;
        int64_t every_us, next_us; /* monotonic */
        bool named;                /* in the text as it is now */
        uint64_t behind, tried;    /* stands for what it reads that is newer than what its tables were built from, 0 = nothing;
                                    * and for what a run had its chance with */
} DueZone;

struct Refresh {
        RefreshOptions options;
        Lake *lake;
        pthread_t thread;
        int wake;    /* an eventfd: stop, or poke */
        int watcher; /* inotify; -1: it is not to be had, and looking must do */
        int lock;    /* STORE/commit/refresh: servers take turns */
        size_t watches;
        atomic_bool stopping, poked, running;
        atomic_int_fast64_t good_us, took_us;

        /* of the thread alone */
        Arena arena;          /* of one look */
        Arena seen_arena;
        Map seen;             /* files that a run has had its chance with: path, inode, size and time */
        VEC(DueZone) zones;
        Arena zone_arena;
        int64_t generation;   /* of the catalog, when the zones were read */
        int64_t heard, head;  /* of the catalog, and main's newest commit, when it was asked what zones read */
        int64_t behind_us;    /* since when a zone is behind; 0 = none is */
        int64_t first_us, last_us; /* of what came and was not taken yet; 0 = nothing did */
        bool forced;          /* a run is wanted, whether anything came or not */
        int64_t looked_us;
        int64_t retry_us, retry_after_us; /* when, and how long after the failure; 0 = there was none */
        int64_t again_us;     /* when it is asked whether young files were left; 0 = there were none */
        int64_t turn_us;      /* when it is asked again whether it is our turn */
};

/* ---- zones, as the applied text has them ---- */

static DueZone *find_zone(Refresh *refresh, Str name) {
        for (size_t i = 0; i < refresh->zones.count; i++)
                if (str_is(name, refresh->zones.items[i].name))
                        return &refresh->zones.items[i];
        return NULL;
}

static void take_zone(Refresh *refresh, const CatalogObject *object) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        Problems problems = { .arena = &arena };
        Zone zone = { .name = object->name };
        Json *root;
        Error ignored;
        if (json_parse(object->body, "the catalog", &arena, &root, &ignored) != STATUS_OK)
                return;
        zone_text_parse(&arena, "zone.yml", json_string(json_get(root, "text")), &problems, &zone);
        DueZone *due = find_zone(refresh, object->name);
        if (!due) {
                vec_push(&refresh->zone_arena, &refresh->zones, ((DueZone){ .name = arena_cstr(&refresh->zone_arena, object->name) }));
                due = &refresh->zones.items[refresh->zones.count - 1];
        }
        due->named = true;
        if (due->kind != zone.refresh || due->every_us != zone.refresh_us)
                due->next_us = time_monotonic_us() + zone.refresh_us;
        due->kind = zone.refresh;
        due->every_us = zone.refresh_us;
}

static Status read_zones(Refresh *refresh, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        CatalogObject *objects;
        size_t count;
        int64_t generation;
        TRY(catalog_generation(refresh->lake->catalog, &generation, err));
        if (generation == refresh->generation)
                return STATUS_OK;
        TRY(catalog_list(refresh->lake->catalog, (CatalogAt){ 0 }, STR("zone"), STR(""), &arena, &objects, &count, err));
        for (size_t i = 0; i < refresh->zones.count; i++)
                refresh->zones.items[i].named = false;
        for (size_t i = 0; i < count; i++)
                take_zone(refresh, &objects[i]);
        refresh->generation = generation;
        return STATUS_OK;
}

static bool waits_for_arrivals(const DueZone *zone) {
        return zone->named && zone->kind == REFRESH_ON_ARRIVAL;
}

static bool its_time_came(const DueZone *zone, int64_t now) {
        return zone->named && zone->kind == REFRESH_EVERY && now >= zone->next_us;
}

/* ---- what zones read of others ---- */

/*
 * Stands for the products of other zones that are newer than what the zone's tables were built from, whoever built them and
 * why. What is gone meanwhile is a matter of text.
 */
static Status find_newer(Refresh *refresh, Str zone, Arena *arena, uint64_t *out, Error *err) {
        Table *tables, now;
        size_t count;
        *out = 0;
        TRY(lake_tables(refresh->lake, (CatalogAt){ 0 }, STR("table"), zone, arena, &tables, &count, err));
        for (size_t i = 0; i < count; i++)
                for (size_t k = 0; k < tables[i].body.input_count; k++) {
                        const LakeInput *input = &tables[i].body.inputs[k];
                        CatalogName name = { .kind = STR("table") };
                        if (!str_cut(input->table, '.', &name.zone, &name.name) || str_equal(name.zone, zone))
                                continue;
                        Status status = lake_table(refresh->lake, (CatalogAt){ 0 }, name, arena, &now, err);
                        if (status == STATUS_NOT_FOUND || (status == STATUS_OK && now.body.rows_snapshot == input->snapshot))
                                continue;
                        TRY(status);
                        *out ^= hash64(arena_strf(arena, "%.*s %.*s %lld", STR_ARG(tables[i].name), STR_ARG(input->table), (long long)now.body.rows_snapshot));
                }
        return STATUS_OK;
}

static Status find_behind(Refresh *refresh, Error *err) {
        for (size_t i = 0; i < refresh->zones.count; i++) {
                CLEANUP(arena_deinit) Arena arena = { 0 };
                DueZone *zone = &refresh->zones.items[i];
                zone->behind = 0;
                if (waits_for_arrivals(zone))
                        TRY(find_newer(refresh, str_of(zone->name), &arena, &zone->behind, err));
        }
        return STATUS_OK;
}

static bool is_behind(const DueZone *zone) {
        return zone->behind && zone->behind != zone->tried;
}

/* Whether zones are due by what they read. It is asked when main has a new commit; whoever made that may be about to build the
 * rest too, so it has to be so for a moment. */
static Status look_at_inputs(Refresh *refresh, int64_t now, bool *due, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        CatalogCommit head;
        int64_t generation;
        *due = refresh->behind_us && now - refresh->behind_us >= refresh->options.quiet_us;
        TRY(catalog_generation(refresh->lake->catalog, &generation, err));
        if (generation == refresh->heard)
                return STATUS_OK;
        TRY(catalog_head(refresh->lake->catalog, STR(""), &arena, &head, err));
        if (head.seq != refresh->head) {
                bool any = false;
                TRY(read_zones(refresh, err));
                TRY(find_behind(refresh, err));
                for (size_t i = 0; i < refresh->zones.count; i++)
                        any |= is_behind(&refresh->zones.items[i]);
                refresh->behind_us = any ? (refresh->behind_us ? refresh->behind_us : now) : 0;
                *due = *due && any;
        }
        refresh->heard = generation;
        refresh->head = head.seq;
        return STATUS_OK;
}

/* ---- looking ---- */

/* What a look finds is young or old. */
static char young_mark, old_mark;
#define YOUNG ((void *)&young_mark)
#define OLD ((void *)&old_mark)

/* Names of files that a sender still writes, by intake's rules. */
static bool is_half_written(Str name) {
        static const char *const endings[] = { ".tmp", ".part", ".filepart" };
        bool is = name.size > 0 && name.data[0] == '.';
        for (size_t i = 0; i < COUNT_OF(endings) && !is; i++)
                is = str_ends_with(name, str_of(endings[i]));
        return is;
}

/* Everything below a folder, and a watch on each folder in it. */
static void look_below(Refresh *refresh, const char *folder, int depth, Map *found) {
        DirEntry *entries;
        size_t count;
        Error ignored;
        struct stat st;
        if (depth > DEPTH_MOST || dir_list(folder, &refresh->arena, &entries, &count, &ignored) != STATUS_OK)
                return;
        if (refresh->watcher >= 0 && refresh->watches < WATCHES_MOST && inotify_add_watch(refresh->watcher, folder, WATCHED) > 0)
                refresh->watches++; /* again is no second watch; the count is of one look */
        for (size_t i = 0; i < count; i++) {
                const char *path = path_join(&refresh->arena, folder, arena_cstr(&refresh->arena, entries[i].name));
                if (entries[i].is_dir)
                        look_below(refresh, path, depth + 1, found);
                else if (!is_half_written(entries[i].name) && found->count < FILES_MOST && lstat(path, &st) == 0)
                        map_put(found,
                                arena_strf(&refresh->arena, "%s %llu %lld %lld.%09ld", path, (unsigned long long)st.st_ino, (long long)st.st_size,
                                           (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec),
                                time_now_us() / SECOND - st.st_mtim.tv_sec < YOUNG_S ? YOUNG : OLD);
        }
}

/* The folder of a pattern, as far as no letter in it stands for others. */
static const char *fixed_folder(Refresh *refresh, Str pattern) {
        size_t end = 0;
        while (end < pattern.size && !char_is_one_of(pattern.data[end], "*?["))
                end++;
        while (end > 0 && pattern.data[end - 1] != '/')
                end--;
        const char *folder = arena_cstr(&refresh->arena, str_slice(pattern, 0, end));
        return *folder == '/' ? folder : path_join(&refresh->arena, refresh->options.project, folder);
}

/* Folders outside of ingress/ that a source reads are looked at flat: they are other people's, and may be large. */
static void look_outside(Refresh *refresh, Map *found) {
        CatalogObject *objects;
        size_t count;
        Error ignored;
        if (catalog_list(refresh->lake->catalog, (CatalogAt){ 0 }, STR("source"), STR(""), &refresh->arena, &objects, &count, &ignored) != STATUS_OK)
                return;
        for (size_t i = 0; i < count; i++) {
                Json *root;
                Str rest;
                DueZone *zone = find_zone(refresh, objects[i].zone);
                if (!zone || !waits_for_arrivals(zone) || json_parse(objects[i].body, "the catalog", &refresh->arena, &root, &ignored) != STATUS_OK)
                        continue;
                const Json *from = json_get(root, "from");
                for (size_t j = 0; j < json_count(from); j++) {
                        Str pattern = json_string(json_at(from, j));
                        if (!source_is_ingress(pattern, &rest))
                                look_below(refresh, fixed_folder(refresh, pattern), DEPTH_MOST, found);
                }
        }
}

static void look(Refresh *refresh, Map *found) {
        arena_reset(&refresh->arena);
        map_init(found, &refresh->arena);
        refresh->watches = 0;
        const char *ingress = path_join(&refresh->arena, refresh->options.project, "ingress");
        if (refresh->watcher >= 0)
                (void)inotify_add_watch(refresh->watcher, ingress, WATCHED);
        for (size_t i = 0; i < refresh->zones.count; i++)
                if (waits_for_arrivals(&refresh->zones.items[i]))
                        look_below(refresh, path_join(&refresh->arena, ingress, refresh->zones.items[i].name), 0, found);
        look_outside(refresh, found);
        refresh->looked_us = time_monotonic_us();
}

static bool has_new(const Refresh *refresh, const Map *found) {
        for (size_t i = 0; i < found->count; i++)
                if (!map_has(&refresh->seen, found->entries[i].key))
                        return true;
        return false;
}

/* Whether files are left of those that were young when a run had its chance with them. */
static bool has_left_young(const Refresh *refresh, const Map *found) {
        for (size_t i = 0; i < found->count; i++)
                if (map_get(&refresh->seen, found->entries[i].key) == YOUNG)
                        return true;
        return false;
}

static void remember(Refresh *refresh, const Map *found) {
        arena_reset(&refresh->seen_arena);
        map_init(&refresh->seen, &refresh->seen_arena);
        refresh->again_us = 0;
        for (size_t i = 0; i < found->count; i++) {
                map_put(&refresh->seen, found->entries[i].key, found->entries[i].value);
                if (found->entries[i].value == YOUNG)
                        refresh->again_us = time_monotonic_us() + YOUNG_LOOK_US;
        }
}

/* ---- one run ---- */

extern char **environ;

typedef struct Child {
        pid_t process;
        int handle; /* a pidfd */
        int out, errors;
} Child;

static void child_deinit(Child *child) {
        close_fdp(&child->handle);
        close_fdp(&child->out);
        close_fdp(&child->errors);
}

static Status spawn_run(Refresh *refresh, const Str *zones, size_t count, Child *out, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        VEC(char *) words = { 0 };
        static const char *const fixed[] = { "lode", "run", "--applied", "-o", "json", "-q", "-C" };
        *out = (Child){ .handle = -1, .out = memfd_create("run", MFD_CLOEXEC), .errors = memfd_create("errors", MFD_CLOEXEC) };
        if (out->out < 0 || out->errors < 0)
                return error_errno(err, errno, "cannot make room for a run's report");
        for (size_t i = 0; i < COUNT_OF(fixed); i++)
                vec_push(&arena, &words, arena_cstr(&arena, str_of(fixed[i])));
        vec_push(&arena, &words, arena_cstr(&arena, str_of(refresh->options.project)));
        for (size_t i = 0; i < count; i++)
                vec_push(&arena, &words, arena_cstr(&arena, zones[i]));
        vec_push(&arena, &words, NULL);
        posix_spawn_file_actions_t actions;
        posix_spawnattr_t attributes;
        sigset_t none, all;
        sigemptyset(&none);
        sigfillset(&all);
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        posix_spawn_file_actions_adddup2(&actions, out->out, STDOUT_FILENO);
        posix_spawn_file_actions_adddup2(&actions, out->errors, STDERR_FILENO);
        posix_spawnattr_init(&attributes);
        /* Its own process group: Ctrl-C is for the server, which then ends it in its own way. */
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
        posix_spawnattr_setsigmask(&attributes, &none);
        posix_spawnattr_setsigdefault(&attributes, &all);
        int failed = posix_spawn(&out->process, "/proc/self/exe", &actions, &attributes, words.items, environ);
        posix_spawnattr_destroy(&attributes);
        posix_spawn_file_actions_destroy(&actions);
        if (failed)
                return error_errno(err, failed, "cannot start a run");
        out->handle = (int)syscall(SYS_pidfd_open, out->process, 0);
        return STATUS_OK;
}

/* Until the process ended. When the server stops it is told to, and in the end made to. */
static int wait_for_run(Refresh *refresh, const Child *child) {
        int status;
        int64_t told_us = 0;
        for (;;) {
                struct pollfd fd = { .fd = child->handle, .events = POLLIN };
                (void)poll(&fd, 1, 100);
                pid_t got = waitpid(child->process, &status, WNOHANG);
                if (got == child->process || (got < 0 && errno != EINTR))
                        return got < 0 ? -1 : status;
                if (!atomic_load(&refresh->stopping))
                        continue;
                if (told_us == 0) {
                        kill(child->process, SIGTERM);
                        told_us = time_monotonic_us();
                } else if (time_monotonic_us() - told_us > KILL_US) {
                        kill(child->process, SIGKILL);
                }
        }
}

static Str read_back(int fd, Arena *arena) {
        Str text = STR("");
        Error ignored;
        if (lseek(fd, 0, SEEK_SET) < 0 || file_read_fd(fd, "a run's report", REPORT_MOST, arena, &text, &ignored) != STATUS_OK)
                return STR("");
        return text;
}

static void count_files(Refresh *refresh, const Json *report) {
        static const struct {
                const char *state;
                MetricsCounter counter;
        } states[] = { { "staged", METRICS_ARRIVALS_STAGED }, { "duplicate", METRICS_ARRIVALS_DUPLICATE }, { "held", METRICS_ARRIVALS_HELD },
                       { "failed", METRICS_ARRIVALS_FAILED } };
        const Json *files = json_get(report, "files");
        for (size_t i = 0; i < COUNT_OF(states); i++)
                metrics_add(refresh->options.metrics, states[i].counter, (uint64_t)json_integer(json_get(files, states[i].state), 0));
}

/* The first error that the run told, as its line of JSON has it. */
static Str told_error(Str text, Arena *arena) {
        Json *root;
        Error ignored;
        while (text.size > 0) {
                Str line;
                if (!str_cut(text, '\n', &line, &text))
                        text = STR_NONE;
                if (str_starts_with(line, STR("{\"error\"")) && json_parse(line, "a run", arena, &root, &ignored) == STATUS_OK)
                        return json_string(json_get(json_get(root, "error"), "message"));
        }
        return STR("a run ended without a word");
}

/* For `status`, which asks the catalog. A run that could do its work takes it away again. */
static void note(Refresh *refresh, Str what) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        Error ignored;
        Str text = arena_strf(&arena, "%.*s  %.*s", STR_ARG(time_print_us(&arena, time_now_us())), STR_ARG(what));
        (void)catalog_put_meta(refresh->lake->catalog, STR(META_REFRESH), text, &ignored);
}

static void failed(Refresh *refresh, Str why) {
        refresh->retry_after_us = refresh->retry_after_us ? refresh->retry_after_us * 2 : RETRY_FIRST_US;
        if (refresh->retry_after_us > RETRY_MOST_US)
                refresh->retry_after_us = RETRY_MOST_US;
        refresh->retry_us = time_monotonic_us() + refresh->retry_after_us;
        metrics_add(refresh->options.metrics, METRICS_REFRESHES_FAILED, 1);
        log_warn("refresh", "%.*s; it is tried again in %lld s", STR_ARG(why), (long long)(refresh->retry_after_us / SECOND));
        note(refresh, why);
}

/* What became of a file that was not simply staged, a line each; a run that holds a thousand does not fill the log. */
static void log_files(const Json *report) {
        static const char *const states[] = { "held", "failed", "duplicate" };
        const Json *deliveries = json_get(report, "deliveries");
        size_t lines = 0, more = 0;
        for (size_t i = 0; i < COUNT_OF(states); i++)
                for (size_t k = 0; k < json_count(deliveries); k++) {
                        const Json *file = json_at(deliveries, k);
                        if (!str_is(json_string(json_get(file, "state")), states[i]))
                                continue;
                        if (++lines > LINES_MOST) {
                                more++;
                                continue;
                        }
                        Str why = json_string(json_get(file, "message"));
                        log_line(i < 2 ? LOG_WARN : LOG_INFO, "refresh", "%s: %.*s.staging.%.*s: %.*s%s%.*s", states[i],
                                 STR_ARG(json_string(json_get(file, "zone"))), STR_ARG(json_string(json_get(file, "source"))),
                                 STR_ARG(json_string(json_get(file, "name"))), why.size ? ": " : "", STR_ARG(why));
                }
        if (more > 0)
                log_warn("refresh", "and %zu more that were held, failed or came twice: lode status lists them", more);
}

/* Checks that do not hold, and what else kept a zone from being published. */
static void log_errors(const Json *errors) {
        size_t count = json_count(errors);
        for (size_t i = 0; i < count && i < LINES_MOST; i++) {
                const Json *error = json_at(errors, i);
                Str file = json_string(json_get(error, "file"));
                log_warn("refresh", "error[%.*s] %.*s%s%.*s", STR_ARG(json_string(json_get(error, "code"))), STR_ARG(file),
                         file.size ? ": " : "", STR_ARG(json_string(json_get(error, "message"))));
        }
        if (count > LINES_MOST)
                log_warn("refresh", "and %zu errors more: lode show run lists them", count - LINES_MOST);
}

/* zones: "shop, till". */
static void log_run(const Json *report, Str zones, bool partly) {
        const Json *files = json_get(report, "files");
        size_t errors = json_count(json_get(report, "errors"));
        Str state = partly ? STR("partly") : json_string(json_get(report, "state"));
        log_line(partly ? LOG_WARN : LOG_INFO, "refresh", "run %lld of %.*s, %.*s: %lld staged, %lld duplicate, %lld held, %lld failed, %zu error%s",
                 (long long)json_integer(json_get(report, "run"), 0), STR_ARG(zones), STR_ARG(state),
                 (long long)json_integer(json_get(files, "staged"), 0), (long long)json_integer(json_get(files, "duplicate"), 0),
                 (long long)json_integer(json_get(files, "held"), 0), (long long)json_integer(json_get(files, "failed"), 0),
                 errors, errors == 1 ? "" : "s");
        log_files(report);
        log_errors(json_get(report, "errors"));
}

/* Exit 0 and 1: the run did its work, and tells what it held back. */
static void ended(Refresh *refresh, Str report_text, Str zones, bool partly, Arena *arena) {
        Json *report;
        Error err;
        if (json_parse(report_text, "a run", arena, &report, &err) != STATUS_OK) {
                failed(refresh, STR("a run's report cannot be read"));
                return;
        }
        count_files(refresh, report);
        refresh->retry_after_us = 0;
        refresh->retry_us = 0;
        metrics_add(refresh->options.metrics, partly ? METRICS_REFRESHES_PARTLY : METRICS_REFRESHES_OK, 1);
        atomic_store(&refresh->good_us, time_now_us());
        log_run(report, zones, partly);
}

static Str zones_told(const Str *zones, size_t count, Arena *arena) {
        CLEANUP(buf_deinit) Buf out = { 0 };
        for (size_t i = 0; i < count && i < LINES_MOST; i++)
                buf_printf(&out, "%s%.*s", i ? ", " : "", STR_ARG(zones[i]));
        if (count > LINES_MOST)
                buf_printf(&out, " and %zu more", count - LINES_MOST);
        return buf_dup(&out, arena);
}

/* Without a zone named the run is of all of them: then what no zone claims is counted too. */
static Status run_once(Refresh *refresh, const Str *zones, size_t count, bool all, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        CLEANUP(child_deinit) Child child;
        TRY(spawn_run(refresh, zones, all ? 0 : count, &child, err));
        int status = wait_for_run(refresh, &child);
        int exit_code = status >= 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
        if (exit_code == 0 || exit_code == 1)
                ended(refresh, read_back(child.out, &arena), zones_told(zones, count, &arena), exit_code == 1, &arena);
        else if (!atomic_load(&refresh->stopping))
                failed(refresh, told_error(read_back(child.errors, &arena), &arena));
        return STATUS_OK;
}

/* Whether this server may: another one's run is waited for, and what it took is not there any more afterwards. */
static bool take_turn(Refresh *refresh) {
        Error ignored;
        return file_lock(refresh->lock, true, true, &ignored) == STATUS_OK;
}

static void run(Refresh *refresh, const Map *found, bool arrivals) {
        int64_t now = time_monotonic_us();
        VEC(Str) due = { 0 };
        size_t named = 0;
        Error err = { 0 };
        if (!take_turn(refresh)) {
                refresh->turn_us = now + SECOND;
                return;
        }
        if (find_behind(refresh, &err) != STATUS_OK) { /* another server may have built it meanwhile */
                file_unlock(refresh->lock);
                failed(refresh, str_of(err.message));
                return;
        }
        refresh->behind_us = 0;
        for (size_t i = 0; i < refresh->zones.count; i++) {
                const DueZone *zone = &refresh->zones.items[i];
                named += zone->named;
                if ((arrivals && waits_for_arrivals(zone)) || its_time_came(zone, now) || is_behind(zone))
                        vec_push(&refresh->arena, &due, str_of(zone->name));
        }
        if (arrivals) {
                remember(refresh, found);
                refresh->forced = false;
                refresh->first_us = refresh->last_us = 0;
        }
        atomic_store(&refresh->running, true);
        if (due.count > 0 && run_once(refresh, due.items, due.count, due.count == named, &err) != STATUS_OK)
                failed(refresh, str_of(err.message));
        for (size_t i = 0; refresh->retry_after_us == 0 && i < refresh->zones.count; i++) {
                DueZone *zone = &refresh->zones.items[i];
                zone->tried = zone->behind ? zone->behind : zone->tried;
                if (its_time_came(zone, now))
                        zone->next_us = now + zone->every_us;
        }
        atomic_store(&refresh->running, false);
        atomic_store(&refresh->took_us, time_monotonic_us() - now);
        file_unlock(refresh->lock);
}

/* ---- the thread ---- */

static bool is_any_due(const Refresh *refresh, int64_t now) {
        for (size_t i = 0; i < refresh->zones.count; i++)
                if (its_time_came(&refresh->zones.items[i], now))
                        return true;
        return false;
}

/* True when events told of something. A writer that closed its file is an arrival, though nothing of the file has changed. */
static bool drain_events(Refresh *refresh) {
        _Alignas(struct inotify_event) char block[16384];
        uint64_t ignored;
        bool any = false;
        for (ssize_t got; refresh->watcher >= 0 && (got = read(refresh->watcher, block, sizeof(block))) > 0;) {
                for (ssize_t at = 0; at < got;) {
                        const struct inotify_event *event = (const void *)(block + at);
                        bool is_file = event->len > 0 && !is_half_written(str_of(event->name));
                        refresh->forced |= is_file && (event->mask & IN_CLOSE_WRITE);
                        any |= is_file || (event->mask & (IN_ISDIR | IN_Q_OVERFLOW | IN_DELETE_SELF));
                        at += (ssize_t)(sizeof(*event) + event->len);
                }
        }
        (void)!read(refresh->wake, &ignored, sizeof(ignored));
        return any;
}

static void wait_a_moment(const Refresh *refresh) {
        struct pollfd fds[] = { { .fd = refresh->wake, .events = POLLIN }, { .fd = refresh->watcher, .events = POLLIN } };
        bool hurries = refresh->first_us || refresh->forced;
        (void)poll(fds, refresh->watcher >= 0 ? 2 : 1, hurries ? 100 : 1000);
}

/* What came and no run had its chance with; when nothing is left of it, another server was faster. */
static void take_note(Refresh *refresh, const Map *found, bool told, int64_t now) {
        if (refresh->again_us && now >= refresh->again_us) {
                refresh->forced |= has_left_young(refresh, found);
                refresh->again_us = 0;
        }
        if (!refresh->forced && !has_new(refresh, found))
                refresh->first_us = refresh->last_us = 0;
        else if (!refresh->first_us)
                refresh->first_us = refresh->last_us = now;
        else if (told)
                refresh->last_us = now;
}

/* Files are looked at when events told of some, and by themselves now and then. */
static void turn(Refresh *refresh) {
        Error err;
        Map found;
        const RefreshOptions *options = &refresh->options;
        int64_t now = time_monotonic_us();
        bool told = drain_events(refresh);
        if (refresh->retry_us && now >= refresh->retry_us) {
                refresh->retry_us = 0;
                refresh->forced = true;
        }
        if (atomic_exchange(&refresh->poked, false))
                refresh->forced = told = true;
        bool behind = false;
        if (look_at_inputs(refresh, now, &behind, &err) != STATUS_OK && refresh->retry_us <= now) {
                failed(refresh, str_of(err.message));
                return;
        }
        bool every = is_any_due(refresh, now) || behind, again = refresh->again_us && now >= refresh->again_us;
        if (!told && !refresh->forced && !refresh->first_us && !every && !again && now - refresh->looked_us < options->look_us)
                return;
        if (refresh->retry_us > now || refresh->turn_us > now)
                return; /* what was told meanwhile is found by the look that comes then */
        if (read_zones(refresh, &err) != STATUS_OK) {
                failed(refresh, str_of(err.message));
                return;
        }
        look(refresh, &found);
        take_note(refresh, &found, told, now);
        bool quiet = refresh->first_us && (now - refresh->last_us >= options->quiet_us || now - refresh->first_us >= options->longest_us);
        if (quiet || every)
                run(refresh, &found, quiet);
}

static void *thread_main(void *argument) {
        Refresh *refresh = argument;
        while (!atomic_load(&refresh->stopping)) {
                turn(refresh);
                wait_a_moment(refresh);
        }
        return NULL;
}

static void refresh_free(Refresh *refresh) {
        close_fdp(&refresh->wake);
        close_fdp(&refresh->watcher);
        close_fdp(&refresh->lock);
        lake_free(refresh->lake);
        arena_deinit(&refresh->arena);
        arena_deinit(&refresh->seen_arena);
        arena_deinit(&refresh->zone_arena);
        free(refresh);
}

static Status open_all(Refresh *refresh, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        TRY(lake_open(refresh->options.store, &refresh->lake, err));
        const char *lock = path_join(&arena, refresh->options.store, "commit/refresh");
        refresh->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        refresh->watcher = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
        refresh->lock = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (refresh->wake < 0 || refresh->lock < 0)
                return error_errno(err, errno, "cannot open '%s'", lock);
        return STATUS_OK;
}

Status refresh_start(const RefreshOptions *options, Refresh **out, Error *err) {
        Refresh *refresh = calloc(1, sizeof(*refresh));
        if (!refresh)
                out_of_memory();
        refresh->options = *options;
        refresh->wake = refresh->watcher = refresh->lock = -1;
        refresh->generation = refresh->heard = refresh->head = -1;
        map_init(&refresh->seen, &refresh->seen_arena);
        if (options->quiet_us == 0)
                refresh->options.quiet_us = SECOND;
        if (options->longest_us == 0)
                refresh->options.longest_us = 10 * SECOND;
        if (options->look_us == 0)
                refresh->options.look_us = 15 * SECOND;
        Status status = open_all(refresh, err);
        if (status == STATUS_OK && thread_begin(&refresh->thread, thread_main, refresh) != 0)
                status = error_set(err, STATUS_IO, "cannot start a thread");
        if (status != STATUS_OK) {
                refresh_free(refresh);
                return status;
        }
        *out = refresh;
        return STATUS_OK;
}

static void wake_up(Refresh *refresh) {
        uint64_t one = 1;
        if (write(refresh->wake, &one, sizeof(one)) < 0)
                return; /* full: it is awake */
}

void refresh_poke(Refresh *refresh) {
        if (!refresh)
                return;
        atomic_store(&refresh->poked, true);
        wake_up(refresh);
}

void refresh_now(Refresh *refresh, int64_t *out_good_us, int64_t *out_took_us, bool *out_running) {
        *out_good_us = refresh ? atomic_load(&refresh->good_us) : 0;
        *out_took_us = refresh ? atomic_load(&refresh->took_us) : 0;
        *out_running = refresh && atomic_load(&refresh->running);
}

void refresh_stop(Refresh *refresh) {
        if (!refresh)
                return;
        atomic_store(&refresh->stopping, true);
        wake_up(refresh);
}

void refresh_close(Refresh *refresh) {
        if (!refresh)
                return;
        refresh_stop(refresh);
        pthread_join(refresh->thread, NULL);
        refresh_free(refresh);
}
