/* SPDX-License-Identifier: Apache-2.0 */
#include "lake/publish.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"
#include "lake/group.h"

#define DRAIN_TRIES 5 /* again only when somebody wrote to the catalog beside the lock */

/* ---- the lock and the queue ---- */

Status publish_lock(Lake *lake, int *out_fd, Error *err) {
        CLEANUP(close_fdp) int fd = open(lake->store->lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0)
                return error_errno(err, errno, "cannot open '%s'", lake->store->lock_path);
        TRY(file_lock(fd, true, false, err));
        *out_fd = TAKE_FD(fd);
        return STATUS_OK;
}

/* Ids in the queue that have a file of that suffix, oldest first. */
static Status queue_list(Lake *lake, const char *suffix, Arena *arena, Str **out, size_t *out_count, Error *err) {
        DirEntry *entries = NULL;
        size_t count = 0, found = 0;
        TRY(dir_list(lake->store->queue_dir, arena, &entries, &count, err));
        Str *ids = ARENA_ARRAY(arena, Str, count);
        Str ending = str_of(suffix);
        for (size_t i = 0; i < count; i++)
                if (str_ends_with(entries[i].name, ending))
                        ids[found++] = str_slice(entries[i].name, 0, entries[i].name.size - ending.size);
        *out = ids;
        *out_count = found;
        return STATUS_OK;
}

bool publish_has_orphans(Lake *lake) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        Error ignored = { 0 };
        Str *ids = NULL;
        size_t count = 0;
        if (queue_list(lake, ".intent", &arena, &ids, &count, &ignored) != STATUS_OK)
                return false;
        for (size_t i = 0; i < count; i++)
                if (!file_is_locked(store_queue_path(lake->store, &arena, ids[i], "files")))
                        return true;
        return false;
}

/* ---- what a dead drain left ---- */

static Status tidy_drain(Lake *lake, Str id, Arena *arena, Error *err) {
        const char *path = store_queue_path(lake->store, arena, id, "drain");
        IntentResult result;
        Status status = catalog_intent(lake->catalog, id, arena, &result, err);
        if (status == STATUS_NOT_FOUND) {
                Str list = STR_NONE, line;
                TRY(file_read(path, INTENT_SIZE_MAX, arena, &list, err));
                while (str_cut(list, '\n', &line, &list))
                        unlink(arena_cstr(arena, line));
        } else if (status != STATUS_OK)
                return status;
        unlink(path);
        return STATUS_OK;
}

Status publish_tidy_drains(Lake *lake, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        Str *ids = NULL;
        size_t count = 0;
        TRY(queue_list(lake, ".drain", &arena, &ids, &count, err));
        for (size_t i = 0; i < count; i++)
                TRY(tidy_drain(lake, ids[i], &arena, err));
        return STATUS_OK;
}

/* ---- one change set ---- */

static bool is_passing(Status status) {
        return status == STATUS_IO || status == STATUS_DISK_FULL;
}

/* An intent that can never be published gets its outcome; one that failed for a passing reason stays for the next try. */
static Status take_intent(Group *group, Str id, Str own, Error *err) {
        Arena *arena = group->arena;
        IntentResult known;
        Error why = { 0 };
        Status status = catalog_intent(group->lake->catalog, id, arena, &known, &why);
        if (status == STATUS_OK) {
                vec_push(arena, &group->settled, id);
                return STATUS_OK;
        }
        if (status != STATUS_NOT_FOUND) {
                *err = why;
                return status;
        }
        Str bytes = STR_NONE;
        Intent intent;
        status = file_read(store_queue_path(group->lake->store, arena, id, "intent"), INTENT_SIZE_MAX, arena, &bytes,
                           &why);
        if (status == STATUS_NOT_FOUND)
                return STATUS_OK;
        if (status == STATUS_OK)
                status = intent_read(group->lake->store, bytes, arena, &intent, &why);
        if (status == STATUS_OK && !str_equal(intent.id, id))
                status = error_set(&why, STATUS_CORRUPT, "a change set in the queue has another's name");
        if (status == STATUS_OK)
                status = group_plan(group, &intent, &why);
        if (is_passing(status)) {
                if (!str_equal(id, own))
                        return STATUS_OK;
                *err = why;
                return status;
        }
        if (status != STATUS_OK)
                vec_push(arena, &group->results,
                         (IntentResult){
                                 .intent = id, .status = status, .message = arena_str(arena, str_of(why.message)) });
        vec_push(arena, &group->settled, id);
        return STATUS_OK;
}

/* ---- the group ---- */

/* Its folder, empty so far, may have been removed by who tidies and made again just now, or by one who died then. That of
 * a table that lives is never empty. */
static void sync_fresh(Group *group) {
        for (size_t i = 0; i < group->fresh.count; i++)
                dir_sync(path_dir(group->arena, arena_cstr(group->arena, group->fresh.entries[i].key)));
        if (group->fresh.count)
                dir_sync(group->lake->store->tables_dir);
}

/* Its folder, empty as it may be, goes when another tidies at the very moment. */
static Status write_file(const char *folder, const char *path, Str bytes, Error *err) {
        Status status = file_create(path, bytes, false, err);
        for (int i = 1; i < DIR_TRIES && status == STATUS_IO && err->number == ENOENT; i++) {
                TRY(dir_make(folder, err));
                status = file_create(path, bytes, false, err);
        }
        return status;
}

static Status write_files(Group *group, Error *err) {
        if (group->files.count == 0)
                return STATUS_OK;
        CLEANUP(buf_deinit) Buf list = { 0 };
        for (size_t i = 0; i < group->files.count; i++) {
                buf_append(&list, group->files.items[i].path);
                buf_append_byte(&list, '\n');
        }
        TRY(file_write_text(store_queue_path(group->lake->store, group->arena, group->id, "drain"), buf_view(&list),
                            err));
        Map folders;
        map_init(&folders, group->arena);
        for (size_t i = 0; i < group->files.count; i++) {
                char *path = arena_cstr(group->arena, group->files.items[i].path);
                char *folder = path_dir(group->arena, path);
                if (!map_has(&folders, str_of(folder)))
                        TRY(dir_make(folder, err));
                map_put(&folders, str_of(folder), group);
                TRY(write_file(folder, path, group->files.items[i].bytes, err));
        }
        for (size_t i = 0; i < folders.count; i++)
                dir_sync(arena_cstr(group->arena, folders.entries[i].key));
        sync_fresh(group);
        return STATUS_OK;
}

static void unwrite_files(Group *group) {
        for (size_t i = 0; i < group->files.count; i++)
                unlink(arena_cstr(group->arena, group->files.items[i].path));
        if (group->files.count)
                unlink(store_queue_path(group->lake->store, group->arena, group->id, "drain"));
}

static Status commit_group(Group *group, Error *err) {
        /* A transaction makes those before it durable too; without one, what is known already may be of one who died
         * before his last sync. */
        if (group->changes.count + group->results.count == 0)
                return group->settled.count ? catalog_settle(group->lake->catalog, err) : STATUS_OK;
        Status status = write_files(group, err);
        if (status != STATUS_OK) {
                unwrite_files(group);
                return status;
        }
        if (group->files.count)
                vec_push(group->arena, &group->results, (IntentResult){ .intent = group->id });
        CatalogCommit *commits = ARENA_ARRAY(group->arena, CatalogCommit, group->changes.count);
        status = catalog_commit_all(group->lake->catalog, group->changes.items, group->changes.count,
                                    group->results.items, group->results.count, group->arena, commits, err);
        /* A refusal was rolled back for certain. A failure of the disk leaves the outcome open: nothing is removed, the
         * next holder asks the catalog about this drain. */
        if (status != STATUS_OK && !is_passing(status))
                unwrite_files(group);
        if (status == STATUS_OK && group->files.count)
                unlink(store_queue_path(group->lake->store, group->arena, group->id, "drain"));
        return status;
}

/* only: that one intent, or empty for all. */
static Status drain_once(Lake *lake, Str own, Str only, Arena *arena, Error *err) {
        Group group;
        group_init(&group, lake, arena);
        Str *ids = NULL;
        size_t count = 0;
        TRY(queue_list(lake, ".intent", arena, &ids, &count, err));
        for (size_t i = 0; i < count; i++)
                if (only.size == 0 || str_equal(only, ids[i]))
                        TRY(take_intent(&group, ids[i], own, err));
        TRY(commit_group(&group, err));
        for (size_t i = 0; i < group.settled.count; i++)
                unlink(store_queue_path(lake->store, arena, group.settled.items[i], "intent"));
        return STATUS_OK;
}

static Status drain_tries(Lake *lake, Str own, Str only, Error *err) {
        Status status = STATUS_OK;
        for (int attempt = 0; attempt < DRAIN_TRIES; attempt++) {
                CLEANUP(arena_deinit) Arena arena = { 0 };
                status = drain_once(lake, own, only, &arena, err);
                if (status == STATUS_OK || is_passing(status))
                        return status;
        }
        return status;
}

/* One that the catalog refuses although it looked fine must not hold up the others: it gets that as its outcome. */
static Status refuse(Lake *lake, Str id, Arena *arena, const Error *why, Error *err) {
        IntentResult result = { .intent = id, .status = why->status, .message = str_of(why->message) };
        TRY(catalog_commit_all(lake->catalog, NULL, 0, &result, 1, arena, NULL, err));
        unlink(store_queue_path(lake->store, arena, id, "intent"));
        return STATUS_OK;
}

static Status drain_singly(Lake *lake, Str own, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        Str *ids = NULL;
        size_t count = 0;
        TRY(queue_list(lake, ".intent", &arena, &ids, &count, err));
        for (size_t i = 0; i < count; i++) {
                Error why = { 0 };
                Status status = drain_tries(lake, own, ids[i], &why);
                if (status != STATUS_OK && !is_passing(status))
                        TRY(refuse(lake, ids[i], &arena, &why, err));
                if (is_passing(status) && str_equal(ids[i], own)) {
                        *err = why;
                        return status;
                }
        }
        return STATUS_OK;
}

static Status drain(Lake *lake, Str own, Error *err) {
        TRY(publish_tidy_drains(lake, err));
        Status status = drain_tries(lake, own, STR_NONE, err);
        return status == STATUS_OK || is_passing(status) ? status : drain_singly(lake, own, err);
}

/* ---- the outcome ---- */

static Status not_known(Error *err, bool *out_unknown) {
        *out_unknown = true;
        return error_hint(err, "whether it was published is not known; run again: nothing is taken twice");
}

/* What the catalog recorded. Once it says "published", nothing that fails afterwards may turn that into a failure: the
 * caller would take its files back. */
static Status tell(Lake *lake, Str branch, const IntentResult *result, Arena *arena, CatalogCommit *out, Error *err) {
        if (result->status != STATUS_OK) {
                error_set(err, result->status, "%.*s", STR_ARG(result->message));
                return result->status == STATUS_CONFLICT ? error_hint(err, "nothing of this was published; run again")
                                                         : result->status;
        }
        CatalogCommit *commits = NULL;
        size_t count = 0;
        Error ignored = { 0 };
        *out = (CatalogCommit){ .seq = result->seq, .id = result->commit };
        if (result->seq && catalog_log(lake->catalog, branch, result->seq + 1, 1, arena, &commits, &count, &ignored) ==
                                   STATUS_OK && count)
                *out = commits[0];
        return STATUS_OK;
}

/* The drain went through, so ours is settled. If nothing is known of it, its outcome was forgotten: it is old. */
static Status outcome(Lake *lake, Str branch, Str id, Arena *arena, CatalogCommit *out, bool *out_unknown, Error *err) {
        IntentResult result;
        Status status = catalog_intent(lake->catalog, id, arena, &result, err);
        return status == STATUS_OK ? tell(lake, branch, &result, arena, out, err) : not_known(err, out_unknown);
}

/* An outcome leaves the queue when it is durable, so of one that is still there that is not known. */
static Status tell_known(Lake *lake, Str branch, const IntentResult *known, Arena *arena, CatalogCommit *out, bool *out_unknown,
                         Error *err) {
        if (file_exists(store_queue_path(lake->store, arena, known->intent, "intent")) &&
            catalog_settle(lake->catalog, err) != STATUS_OK)
                return not_known(err, out_unknown);
        return tell(lake, branch, known, arena, out, err);
}

/* The drain failed. Ours is withdrawn, unless it is published all the same or that cannot be told: only an intent that
 * we ourselves took out of the queue, with no outcome on record, is certainly not published and never will be. */
static Status withdraw(Lake *lake, Str branch, Str id, Status why, Arena *arena, CatalogCommit *out, bool *out_unknown,
                       Error *err) {
        IntentResult result;
        Error asking = { 0 };
        Status known = catalog_intent(lake->catalog, id, arena, &result, &asking);
        if (known == STATUS_OK)
                return tell_known(lake, branch, &result, arena, out, out_unknown, err);
        if (known == STATUS_NOT_FOUND && unlink(store_queue_path(lake->store, arena, id, "intent")) == 0)
                return why;
        return not_known(err, out_unknown);
}

Status publish_drain(Lake *lake, Str branch, Str id, Arena *arena, CatalogCommit *out, bool *out_unknown, Error *err) {
        CLEANUP(close_fdp) int lock = -1;
        IntentResult known;
        Error asking = { 0 };
        Status status = publish_lock(lake, &lock, err);
        if (status != STATUS_OK) /* without the lock another may be publishing ours at this very moment */
                return not_known(err, out_unknown);
        *out_unknown = false;
        if (id.size == 0)
                return drain(lake, id, err);
        if (catalog_intent(lake->catalog, id, arena, &known, &asking) == STATUS_OK)
                return tell_known(lake, branch, &known, arena, out, out_unknown, err);
        status = drain(lake, id, err);
        if (status != STATUS_OK)
                return withdraw(lake, branch, id, status, arena, out, out_unknown, err);
        return outcome(lake, branch, id, arena, out, out_unknown, err);
}

Status publish_drain_locked(Lake *lake, Error *err) {
        return drain(lake, STR_NONE, err);
}
