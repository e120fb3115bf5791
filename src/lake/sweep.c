/* SPDX-License-Identifier: Apache-2.0 */
#include "lake/sweep.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/map.h"
#include "base/time.h"
#include "lake/intent.h"
#include "lake/kept.h"
#include "lake/publish.h"

#define OUTCOMES_KEPT_US (INT64_C(30) * 86400 * 1000000)

typedef struct Sweep {
        Lake *lake;
        Arena arena;
        SweepResult result;
} Sweep;

static void sweep_deinit(Sweep *sweep) {
        arena_deinit(&sweep->arena);
}

/* tables/UUID/data/X -> its folders go too, if the table was never published: a table that lives has metadata, and its
 * data folder stays although it is empty, for a writer may be about to make a file in it. */
static void remove_empty(Sweep *sweep, const char *path) {
        char *data = path_dir(&sweep->arena, path);
        char *table = path_dir(&sweep->arena, data);
        if (rmdir(path_join(&sweep->arena, table, "metadata")) < 0 && errno != ENOENT)
                return;
        if (rmdir(data) == 0)
                rmdir(table);
}

static void remove_file(Sweep *sweep, Str line) {
        Str below = arena_strf(&sweep->arena, "%s/", sweep->lake->store->tables_dir);
        const char *path = arena_cstr(&sweep->arena, line);
        struct stat st;
        if (!str_starts_with(line, below) || stat(path, &st) < 0)
                return;
        if (unlink(path) == 0) {
                sweep->result.files++;
                sweep->result.bytes += st.st_size;
        }
        remove_empty(sweep, path);
}

/* The owner is dead and nothing of it is in the queue any more: it was published, or it lost, or never came so far. */
static Status settle(Sweep *sweep, Str id, int fd, const char *path, Error *err) {
        IntentResult outcome;
        Error unknown = { 0 };
        Status status = catalog_intent(sweep->lake->catalog, id, &sweep->arena, &outcome, &unknown);
        if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
                *err = unknown;
                return status;
        }
        if (status == STATUS_NOT_FOUND || outcome.status != STATUS_OK) {
                Str list = STR_NONE, line;
                TRY(file_read_fd(fd, path, INTENT_SIZE_MAX, &sweep->arena, &list, err));
                while (str_cut(list, '\n', &line, &list))
                        remove_file(sweep, line);
        }
        unlink(path);
        sweep->result.intents++;
        return STATUS_OK;
}

static Status sweep_one(Sweep *sweep, Str id, Error *err) {
        const char *path = store_queue_path(sweep->lake->store, &sweep->arena, id, "files");
        CLEANUP(close_fdp) int fd = open(path, O_RDWR | O_CLOEXEC);
        if (fd < 0)
                return errno == ENOENT ? STATUS_OK : error_errno(err, errno, "cannot open '%s'", path);
        Error busy = { 0 };
        if (file_lock(fd, true, true, &busy) != STATUS_OK)
                return STATUS_OK;
        if (file_exists(store_queue_path(sweep->lake->store, &sweep->arena, id, "intent")))
                return STATUS_OK;
        return settle(sweep, id, fd, path, err);
}

/*
 * Half-written files: ID.tmp is to become ID.files, ID.WHAT.RANDOM.tmp to become ID.WHAT. The latter's writer holds the
 * lock of its ID.files (an intent) or the commit lock (a drain), so one without is dead, however young; the former is made
 * again if it was only slow (changeset.c).
 */
static void remove_temporary(Sweep *sweep, Str name) {
        const Store *store = sweep->lake->store;
        const char *path = path_join(&sweep->arena, store->queue_dir, arena_cstr(&sweep->arena, name));
        Str id, rest;
        str_cut(name, '.', &id, &rest);
        if (!str_is(rest, "tmp") && file_is_locked(store_queue_path(store, &sweep->arena, id, "files")))
                return;
        CLEANUP(close_fdp) int fd = open(path, O_RDWR | O_CLOEXEC);
        Error busy = { 0 };
        if (fd >= 0 && file_lock(fd, true, true, &busy) == STATUS_OK)
                unlink(path);
}

/* Outcomes of the living are kept, however old the clock makes them look: they have yet to be asked for. */
static Status forget_outcomes(Sweep *sweep, Error *err) {
        DirEntry *entries = NULL;
        size_t count = 0, living = 0;
        TRY(dir_list(sweep->lake->store->queue_dir, &sweep->arena, &entries, &count, err));
        Str *ids = ARENA_ARRAY(&sweep->arena, Str, count);
        for (size_t i = 0; i < count; i++) {
                Str rest;
                str_cut(entries[i].name, '.', &ids[living], &rest);
                living += str_is(rest, "files");
        }
        return catalog_forget_intents(sweep->lake->catalog, time_now_us() - OUTCOMES_KEPT_US, ids, living, err);
}

Status lake_sweep(Lake *lake, size_t max_intents, SweepResult *out, Error *err) {
        CLEANUP(sweep_deinit) Sweep sweep = { .lake = lake };
        CLEANUP(close_fdp) int lock = -1;
        TRY(publish_lock(lake, &lock, err));
        TRY(publish_drain_locked(lake, err));
        store_remove_unfinished(lake->store, "catalog.sqlite"); /* of who made the store and could not clean up */
        store_remove_unfinished(lake->store, "key");
        DirEntry *entries = NULL;
        size_t count = 0;
        TRY(dir_list(lake->store->queue_dir, &sweep.arena, &entries, &count, err));
        for (size_t i = 0; i < count && (max_intents == 0 || sweep.result.intents < max_intents); i++) {
                Str name = entries[i].name, files = STR(".files");
                if (str_ends_with(name, files))
                        TRY(sweep_one(&sweep, str_slice(name, 0, name.size - files.size), err));
                else if (str_ends_with(name, STR(".tmp")))
                        remove_temporary(&sweep, name);
        }
        /* Names that were removed must not come back after a power cut to find their outcome forgotten. */
        dir_sync(lake->store->queue_dir);
        TRY(forget_outcomes(&sweep, err));
        kept_tidy(lake, KEPT_US);
        *out = sweep.result;
        return STATUS_OK;
}
