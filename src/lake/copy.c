/* SPDX-License-Identifier: Apache-2.0 */
#include "lake/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/map.h"

#define PIECE ((size_t)1 << 20)
#define BATCH 10000

Status copy_interrupted(const CopyTally *tally, Error *err) {
        if (tally->interrupted && *tally->interrupted)
                return error_set(err, STATUS_INTERRUPTED, "interrupted; run it again to go on");
        return STATUS_OK;
}

void copy_progress(CopyTally *tally, int64_t bytes) {
        tally->done += bytes;
        if (tally->progress)
                tally->progress(tally->context, tally->done, tally->total);
}

Status folder_make_durable(const char *path, bool *out_new, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        char *absolute = path_absolute(&arena, path), *there = absolute;
        while (!file_exists(there) && strcmp(there, "/") != 0)
                there = path_dir(&arena, there);
        *out_new = there != absolute;
        TRY(dir_make(absolute, err));
        for (char *at = absolute; strlen(at) > strlen(there);) {
                at = path_dir(&arena, at);
                dir_sync(at);
        }
        return STATUS_OK;
}

static Str mark_text(void) {
        return STR("lode writes into this folder\n");
}

Status folder_mark(const char *folder, Error *err) {
        CLEANUP(arena_deinit) Arena scratch = { 0 };
        return file_create(path_join(&scratch, folder, "unfinished"), mark_text(), true, err);
}

bool folder_is_ours(const char *folder, Arena *arena) {
        DirEntry *entries = NULL;
        size_t count = 0, known = 0;
        Str bytes = STR_NONE;
        Error absent = { 0 };
        if (file_read(path_join(arena, folder, "unfinished"), mark_text().size, arena, &bytes, &absent) == STATUS_OK &&
            str_equal(bytes, mark_text()))
                return true;
        if (dir_list(folder, arena, &entries, &count, &absent) != STATUS_OK)
                return false;
        for (size_t i = 0; i < count; i++)
                known += entries[i].is_file && (str_is(entries[i].name, "unfinished") || str_is(entries[i].name, "lock") ||
                                                str_is(entries[i].name, "readers"));
        return known == count;
}

static bool is_store_or_backup(const char *folder, Arena *arena) {
        Backup backup = { 0 };
        Error absent = { 0 };
        if (file_exists(path_join(arena, folder, "catalog.sqlite")) && file_exists(path_join(arena, folder, "commit")))
                return true;
        return backup_read(folder, arena, &backup, &absent) == STATUS_OK && backup.is_whole;
}

const char *folder_around(const char *path, Arena *arena) {
        const char *there = path_dir(arena, path_absolute(arena, path));
        while (!file_exists(there) && strcmp(there, "/") != 0)
                there = path_dir(arena, there);
        CLEANUP(freep) char *real = realpath(there, NULL);
        for (const char *at = real ? arena_cstr(arena, str_of(real)) : "/"; strcmp(at, "/") != 0; at = path_dir(arena, at))
                if (is_store_or_backup(at, arena))
                        return at;
        return NULL;
}

/* *out_failed: errno of reading, or 0. */
static Status copy_bytes(int from, int to, const char *name, CopyTally *tally, Sha256 *out_hash, int64_t *out_size,
                         int *out_failed, Error *err) {
        CLEANUP(sha256_freep) Sha256Stream *stream = sha256_new();
        CLEANUP(buf_deinit) Buf piece = { 0 };
        char *bytes = buf_reserve(&piece, PIECE);
        *out_failed = 0;
        *out_size = 0;
        for (;;) {
                TRY(copy_interrupted(tally, err));
                ssize_t got = read(from, bytes, PIECE);
                if (got < 0 && errno == EINTR)
                        continue;
                *out_failed = got < 0 ? errno : 0;
                if (got <= 0)
                        break;
                sha256_update(stream, (Str){ bytes, (size_t)got });
                TRY(fd_write_all(to, (Str){ bytes, (size_t)got }, name, err));
                *out_size += got;
                copy_progress(tally, got);
        }
        *out_hash = sha256_finish(TAKE_PTR(stream));
        return STATUS_OK;
}

static Status make_target(const CopyFile *file, Arena *arena, int *out_fd, Error *err) {
        CLEANUP(close_fdp) int fd = open(file->to, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, file->mode);
        if (fd < 0 && errno == ENOENT) {
                TRY(dir_make(path_dir(arena, file->to), err));
                fd = open(file->to, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, file->mode);
        }
        if (fd < 0)
                return error_errno(err, errno, "cannot make '%s'", file->to);
        *out_fd = TAKE_FD(fd);
        return STATUS_OK;
}

Status copy_file_held(const CopyFile *file, CopyTally *tally, Arena *arena, const char **out_message, Error *err) {
        Sha256 hash, wanted;
        int64_t size = 0;
        int failed = 0;
        *out_message = NULL;
        TRY(copy_interrupted(tally, err));
        CLEANUP(close_fdp) int from = open(file->from, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        if (from < 0) {
                *out_message = errno == ENOENT ? "it is gone" : arena_printf(arena, "it cannot be opened: %s", strerror(errno));
                return STATUS_OK;
        }
        CLEANUP(close_fdp) int to = -1;
        TRY(make_target(file, arena, &to, err));
        Status status = copy_bytes(from, to, file->to, tally, &hash, &size, &failed, err);
        bool same = status == STATUS_OK && !failed && size == file->bytes && sha256_from_hex(file->sha256, &wanted) &&
                    memcmp(hash.bytes, wanted.bytes, sizeof(hash.bytes)) == 0;
        if (!same)
                unlink(file->to);
        TRY(status);
        if (failed)
                *out_message = arena_printf(arena, "it cannot be read: %s", strerror(failed));
        else if (!same)
                *out_message = "its bytes are not those that were written";
        if (same)
                vec_push(tally->arena, &tally->written, arena_cstr(tally->arena, str_of(file->to)));
        tally->files += same;
        tally->bytes += same ? size : 0;
        return STATUS_OK;
}

Status write_file_held(const char *path, Str bytes, mode_t mode, CopyTally *tally, Error *err) {
        CLEANUP(close_fdp) int to = -1;
        CopyFile file = { .to = path, .mode = mode };
        TRY(make_target(&file, tally->arena, &to, err));
        TRY(fd_write_all(to, bytes, path, err));
        vec_push(tally->arena, &tally->written, path);
        return STATUS_OK;
}

static void sync_folders(const Map *folders) {
        for (size_t i = 0; i < folders->count; i++)
                dir_sync(folders->entries[i].key.data);
}

Status copy_sync(CopyTally *tally, const char *top, Error *err) {
        CLEANUP(arena_deinit) Arena scratch = { 0 };
        Map folders;
        map_init(&folders, &scratch);
        map_put(&folders, str_of(top), tally);
        for (size_t i = 0; i < tally->written.count; i++) {
                const char *path = tally->written.items[i];
                CLEANUP(close_fdp) int fd = open(path, O_RDONLY | O_CLOEXEC);
                if (fd < 0)
                        return error_errno(err, errno, "cannot open '%s'", path);
                fd_sync(fd, path);
                for (char *folder = path_dir(&scratch, path); strlen(folder) > strlen(top); folder = path_dir(&scratch, folder))
                        if (!map_has(&folders, str_of(folder)))
                                map_put(&folders, str_of(folder), tally);
                        else
                                break;
        }
        sync_folders(&folders);
        tally->written.count = 0;
        return STATUS_OK;
}

/* ---- what a catalog names ---- */

typedef struct Each {
        Status (*each)(void *context, const StoredFile *file, Error *err);
        void *context;
} Each;

static Status each_added(Each *each, const CatalogFile *row, Error *err) {
        bool moved = row->moved_sha256.size > 0;
        StoredFile file = { row->path, moved ? row->moved_sha256 : row->sha256, moved ? row->moved_bytes : row->bytes,
                            row->seq, row };
        return row->gone_us ? STATUS_OK : each->each(each->context, &file, err);
}

static Status each_landed(Catalog *catalog, Each *each, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        Delivery *rows = NULL;
        size_t count = 0;
        TRY(catalog_deliveries(catalog, &(DeliveryQuery){ 0 }, &arena, &rows, &count, err));
        for (size_t i = 0; i < count; i++) {
                StoredFile file = { rows[i].landing, rows[i].sha256, rows[i].bytes, 0, NULL };
                if (rows[i].landing.size)
                        TRY(each->each(each->context, &file, err));
        }
        return STATUS_OK;
}

Status each_stored(Catalog *catalog, Status (*each_file)(void *context, const StoredFile *file, Error *err), void *context,
                   Error *err) {
        CLEANUP(arena_deinit) Arena batch = { 0 };
        CLEANUP(buf_deinit) Buf last = { 0 };
        Each each = { .each = each_file, .context = context };
        CatalogFileQuery query = { .limit = BATCH };
        for (size_t count = BATCH; count == BATCH;) {
                CatalogFile *files = NULL;
                arena_reset(&batch);
                TRY(catalog_files(catalog, &query, &batch, &files, &count, err));
                for (size_t i = 0; i < count; i++)
                        TRY(each_added(&each, &files[i], err));
                if (count == 0)
                        break;
                buf_clear(&last);
                buf_append(&last, files[count - 1].path);
                query.after_seq = files[count - 1].seq;
                query.after_path = buf_view(&last);
        }
        return each_landed(catalog, &each, err);
}
