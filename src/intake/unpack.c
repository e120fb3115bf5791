/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/time.h"
#include "base/vec.h"
#include "engine/unpack_message.h"
#include "intake/land.h"

#define HEAD_SIZE 512 /* what tells an archive */
#define COPY_BLOCK (1u << 20)
#define SETTLE_US 5000000

typedef struct Unpacker {
        Lake *lake;
        WorkerPool *pool;
        Worker *worker; /* leased for the zone of the last archive */
        Str zone;
        Arena *arena;
        Error *err;
} Unpacker;

/* One archive on its way. */
typedef struct Unpacking {
        const FoundFile *file;
        UnpackedFile *result;
        int fd, spool;
        struct stat st;
        Archive archive;
        const char *folder; /* ZONE's in commit/unpacked */
        const char *name;   /* ID.N */
} Unpacking;

static void tell(Unpacking *unpacking, UnpackState state, Str message) {
        unpacking->result->state = state;
        unpacking->result->message = message;
}

static Str words_of(const Error *err, Arena *arena) {
        return arena_strf(arena, "%s%s%s", err->message, err->hint[0] ? "; " : "", err->hint);
}

/* --- is it one, and nobody else's --- */

static bool may_be_archive(int fd) {
        char head[HEAD_SIZE];
        ssize_t got = pread(fd, head, sizeof(head), 0);
        return got > 0 && archive_may_be((Str){ head, (size_t)got });
}

/* Only what a sender made is unpacked: not what came out of an archive. */
static bool is_candidate(const FoundFile *file) {
        return (file->in_ingress || file->feed) && file->archive.size == 0 && S_ISREG(file->st.st_mode) && !file->is_closed;
}

/* --- those elsewhere --- */

static int64_t nanoseconds(struct timespec t) {
        return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static Status hash_file(int fd, Arena *arena, Str *out, Error *err) {
        CLEANUP(sha256_freep) Sha256Stream *stream = sha256_new();
        char *block = arena_alloc_raw(arena, COPY_BLOCK);
        ssize_t got;
        for (off_t at = 0; (got = pread(fd, block, COPY_BLOCK, at)) != 0; at += got) {
                if (got < 0)
                        return error_errno(err, errno, "cannot read an archive");
                sha256_update(stream, (Str){ block, (size_t)got });
        }
        *out = sha256_hex(arena, sha256_finish(stream));
        stream = NULL;
        return STATUS_OK;
}

/* Whether it was unpacked for this feed before. Where its times do not tell for certain, its content does. */
static bool was_unpacked(Unpacker *u, const FoundFile *file, const Feed *feed, int fd) {
        FileSeen seen;
        Error ignored;
        Str sha256;
        const struct stat *st = &file->st;
        if (catalog_file_seen(u->lake->catalog, file->zone, feed->name, str_of(file->path), u->arena, &seen, &ignored) != STATUS_OK ||
            !str_is(seen.state, "unpacked") || seen.size != st->st_size)
                return false;
        bool same = seen.device == (int64_t)st->st_dev && seen.inode == (int64_t)st->st_ino && seen.mtime_ns == nanoseconds(st->st_mtim) &&
                    seen.ctime_ns == nanoseconds(st->st_ctim) && seen.looked_us > seen.ctime_ns / 1000 + 2000000;
        return same || (hash_file(fd, u->arena, &sha256, &ignored) == STATUS_OK && str_equal(sha256, seen.sha256));
}

static Status remember(Unpacker *u, const Unpacking *unpacking, Str sha256) {
        const FoundFile *file = unpacking->file;
        const Feed *feeds[] = { file->feed, file->rival };
        FileSeen rows[COUNT_OF(feeds)];
        size_t count = 0;
        for (size_t i = 0; i < COUNT_OF(feeds); i++)
                if (feeds[i])
                        rows[count++] = (FileSeen){ .zone = file->zone,
                                                    .source = feeds[i]->name,
                                                    .place = str_of(file->path),
                                                    .device = (int64_t)unpacking->st.st_dev,
                                                    .inode = (int64_t)unpacking->st.st_ino,
                                                    .size = unpacking->st.st_size,
                                                    .mtime_ns = nanoseconds(unpacking->st.st_mtim),
                                                    .ctime_ns = nanoseconds(unpacking->st.st_ctim),
                                                    .looked_us = time_now_us(),
                                                    .sha256 = sha256,
                                                    .state = STR("unpacked") };
        return catalog_ledger(u->lake->catalog, NULL, 0, rows, count, u->err);
}

/* False, with the result told, if it is not to be had. A lock of the file's own keeps other runs off. */
static bool open_archive(Unpacker *u, Unpacking *unpacking) {
        const FoundFile *file = unpacking->file;
        if (!file->in_ingress && was_unpacked(u, file, file->feed, unpacking->fd) && (!file->rival || was_unpacked(u, file, file->rival, unpacking->fd))) {
                tell(unpacking, UNPACK_KNOWN, STR(""));
                return false;
        }
        if (flock(unpacking->fd, LOCK_EX | LOCK_NB) < 0 || !file_exists(file->path)) {
                tell(unpacking, UNPACK_UNSETTLED, STR("another run is taking it"));
                return false;
        }
        if (fstat(unpacking->fd, &unpacking->st) < 0 || !land_is_settled(unpacking->fd, &unpacking->st, file->feed ? file->feed->settle_us : SETTLE_US)) {
                tell(unpacking, UNPACK_UNSETTLED, STR("somebody is still writing it"));
                return false;
        }
        return true;
}

/* --- the worker's part --- */

static Status open_spool(Unpacker *u, Unpacking *unpacking) {
        const char *path = arena_printf(u->arena, "%s/%016llx", u->lake->store->arriving_dir, (unsigned long long)random_u64());
        unpacking->spool = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (unpacking->spool < 0)
                return error_errno(u->err, errno, "cannot create a file in '%s'", u->lake->store->arriving_dir);
        unlink(path);
        return STATUS_OK;
}

static Status lease(Unpacker *u, Str zone) {
        if (u->worker && !worker_is_lost(u->worker) && str_equal(u->zone, zone))
                return STATUS_OK;
        worker_releasep(&u->worker);
        u->zone = zone;
        return worker_lease(u->pool, arena_strf(u->arena, "zone:%.*s", STR_ARG(zone)), &u->worker, u->err);
}

static Status ask_worker(Unpacker *u, Unpacking *unpacking) {
        Str reply;
        struct stat spooled;
        uint64_t sum = 0;
        int fds[] = { unpacking->fd, unpacking->spool };
        TRY(lease(u, unpacking->file->zone));
        TRY(worker_unpack(u->worker, fds, COUNT_OF(fds), u->arena, &reply, u->err));
        TRY(archive_read(reply, u->arena, &unpacking->archive, u->err));
        for (size_t i = 0; i < unpacking->archive.count; i++)
                sum += unpacking->archive.members[i].size;
        if (fstat(unpacking->spool, &spooled) < 0 || sum != (uint64_t)spooled.st_size)
                return error_set(u->err, STATUS_CORRUPT, "a worker says of an archive what its bytes do not");
        return STATUS_OK;
}

/* --- members as files --- */

static Status copy_member(Unpacker *u, int from, uint64_t offset, uint64_t size, const char *path, Str block) {
        CLEANUP(close_fdp) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd < 0)
                return error_errno(u->err, errno, "cannot create '%s'", path);
        while (size > 0) {
                size_t part = size < block.size ? (size_t)size : block.size;
                ssize_t got = pread(from, (char *)(uintptr_t)block.data, part, (off_t)offset);
                if (got <= 0)
                        return error_errno(u->err, got < 0 ? errno : EIO, "cannot read what was unpacked");
                TRY(fd_write_all(fd, (Str){ block.data, (size_t)got }, path, u->err));
                offset += (uint64_t)got;
                size -= (uint64_t)got;
        }
        fd_sync(fd, path);
        return STATUS_OK;
}

/* Every folder between the member and the top, whose entries must last too. */
static void sync_folders(Unpacker *u, const char *path, const char *top) {
        for (const char *folder = path_dir(u->arena, path); strlen(folder) >= strlen(top); folder = path_dir(u->arena, folder))
                dir_sync(folder);
}

static Status write_name(Unpacker *u, const Unpacking *unpacking, const char *top) {
        const char *path = path_join(u->arena, top, UNPACKED_NAME);
        CLEANUP(close_fdp) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd < 0)
                return error_errno(u->err, errno, "cannot create '%s'", path);
        TRY(fd_write_all(fd, unpacking->file->name, path, u->err));
        fd_sync(fd, path);
        return STATUS_OK;
}

static Status write_members(Unpacker *u, const Unpacking *unpacking, const char *top) {
        if (!unpacking->file->in_ingress)
                TRY(write_name(u, unpacking, top));
        Str block = { arena_alloc_raw(u->arena, COPY_BLOCK), COPY_BLOCK };
        uint64_t offset = 0;
        Str synced = STR("");
        for (size_t i = 0; i < unpacking->archive.count; i++) {
                const ArchiveMember *member = &unpacking->archive.members[i];
                const char *path = unpacking->file->in_ingress
                                           ? arena_printf(u->arena, "%s/%.*s/%.*s", top, STR_ARG(unpacking->file->name), STR_ARG(member->name))
                                           : arena_printf(u->arena, "%s/%.*s", top, STR_ARG(member->name));
                char *folder = path_dir(u->arena, path);
                TRY(dir_make(folder, u->err));
                TRY(copy_member(u, unpacking->spool, offset, member->size, path, block));
                offset += member->size;
                bool last = i + 1 == unpacking->archive.count || !str_equal(synced, str_of(folder));
                synced = str_of(folder);
                if (last)
                        sync_folders(u, path, top);
        }
        sync_folders(u, arena_printf(u->arena, "%s/x", top), top);
        return STATUS_OK;
}

static void remove_archive(const Unpacking *unpacking) {
        struct stat now;
        const char *path = unpacking->file->path;
        bool same = stat(path, &now) == 0 && now.st_dev == unpacking->st.st_dev && now.st_ino == unpacking->st.st_ino &&
                    now.st_mtim.tv_sec == unpacking->st.st_mtim.tv_sec && now.st_mtim.tv_nsec == unpacking->st.st_mtim.tv_nsec;
        if (same)
                unlink(path);
}

/* All members, or none: the folder has a dot until it is whole, and a lock that dies with its writer. */
static Status keep_members(Unpacker *u, Unpacking *unpacking) {
        const Store *store = u->lake->store;
        unpacking->folder = arena_printf(u->arena, "%s/%.*s", store->unpacked_dir, STR_ARG(unpacking->file->zone));
        Str sha256, of = unpacking->file->in_ingress ? arena_strf(u->arena, "%zu", unpacking->file->name.size) : STR("e");
        unpacking->name = arena_printf(u->arena, "%016llx.%.*s", (unsigned long long)random_u64(), STR_ARG(of));
        const char *top = arena_printf(u->arena, "%s/.%s", unpacking->folder, unpacking->name);
        TRY(dir_make(top, u->err));
        CLEANUP(close_fdp) int lock = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (lock < 0 || flock(lock, LOCK_EX | LOCK_NB) < 0)
                return error_errno(u->err, errno, "cannot lock '%s'", top);
        Status status = write_members(u, unpacking, top);
        if (status != STATUS_OK) {
                Error ignored;
                dir_remove_all(top, &ignored);
                return status;
        }
        const char *final = path_join(u->arena, unpacking->folder, unpacking->name);
        if (rename(top, final) < 0)
                return error_errno(u->err, errno, "cannot rename to '%s'", final);
        dir_sync(unpacking->folder);
        dir_sync(store->unpacked_dir);
        if (!unpacking->file->in_ingress) {
                TRY(hash_file(unpacking->fd, u->arena, &sha256, u->err));
                return remember(u, unpacking, sha256);
        }
        remove_archive(unpacking);
        return STATUS_OK;
}

static Status take(Unpacker *u, Unpacking *unpacking) {
        TRY(open_spool(u, unpacking));
        TRY(store_check_reserve(u->lake->store, (uint64_t)unpacking->st.st_size, u->err));
        TRY(ask_worker(u, unpacking));
        if (!unpacking->archive.is_one)
                return STATUS_OK;
        struct stat spooled;
        if (fstat(unpacking->spool, &spooled) == 0)
                TRY(store_check_reserve(u->lake->store, (uint64_t)spooled.st_size, u->err));
        if (unpacking->archive.count == 0)
                return error_set(u->err, STATUS_HELD, "the archive has no members");
        TRY(keep_members(u, unpacking));
        unpacking->result->members = unpacking->archive.count;
        unpacking->result->dropped = unpacking->archive.dropped;
        return STATUS_OK;
}

/* *out_is_one: it is an archive, and the result says what became of it. */
static Status unpack_one(Unpacker *u, const FoundFile *file, UnpackedFile *result, bool *out_is_one) {
        CLEANUP(close_fdp) int fd = land_open(file, u->arena);
        *out_is_one = false;
        if (fd < 0 || !may_be_archive(fd))
                return STATUS_OK; /* landing says what is wrong with it */
        *result = (UnpackedFile){ .file = file };
        Unpacking unpacking = { .file = file, .result = result, .fd = fd, .spool = -1 };
        *out_is_one = true;
        if (!open_archive(u, &unpacking))
                return STATUS_OK;
        Status status = take(u, &unpacking);
        close_fdp(&unpacking.spool);
        if (status == STATUS_OK) {
                *out_is_one = unpacking.archive.is_one;
                return STATUS_OK;
        }
        if (status == STATUS_ENGINE || status == STATUS_SANDBOX || status == STATUS_INTERRUPTED || status == STATUS_DISK_FULL)
                return status;
        bool held = status == STATUS_HELD || status == STATUS_WORKER_LOST || status == STATUS_MEMORY || status == STATUS_TIMEOUT;
        tell(&unpacking, held ? UNPACK_HELD : UNPACK_FAILED, words_of(u->err, u->arena));
        return STATUS_OK;
}

Status unpack_archives(Lake *lake, WorkerPool *pool, const FoundFile *files, size_t count, const volatile sig_atomic_t *interrupted, Arena *arena,
                       UnpackedFile **out, size_t *out_count, Error *err) {
        Unpacker u = { .lake = lake, .pool = pool, .arena = arena, .err = err };
        VEC(UnpackedFile) found = { 0 };
        Status status = STATUS_OK;
        for (size_t i = 0; i < count && status == STATUS_OK; i++) {
                UnpackedFile result;
                bool is_one = false;
                bool again = i > 0 && strcmp(files[i].path, files[i - 1].path) == 0; /* a workbook that several feeds read */
                if (again || !is_candidate(&files[i]))
                        continue;
                if (interrupted && *interrupted)
                        status = error_set(err, STATUS_INTERRUPTED, "interrupted; '%s' waits for the next run", files[i].path);
                else
                        status = unpack_one(&u, &files[i], &result, &is_one);
                if (is_one)
                        vec_push(arena, &found, result);
        }
        worker_releasep(&u.worker);
        *out = found.items;
        *out_count = found.count;
        return status;
}

/* --- tidying --- */

/* Folders below that are empty by now; one that holds something stays, and so do those above it. */
static void remove_empty(const char *folder, Arena *arena, int depth) {
        DirEntry *entries = NULL;
        size_t count = 0;
        Error ignored;
        if (depth > ARCHIVE_DEPTH_MAX + DISCOVER_DEPTH_MAX || dir_list(folder, arena, &entries, &count, &ignored) != STATUS_OK)
                return;
        for (size_t i = 0; i < count; i++) {
                if (entries[i].is_dir)
                        remove_empty(path_join(arena, folder, arena_cstr(arena, entries[i].name)), arena, depth + 1);
        }
        if (depth == 0 && dir_list(folder, arena, &entries, &count, &ignored) == STATUS_OK && count == 1 && str_is(entries[0].name, UNPACKED_NAME))
                unlink(path_join(arena, folder, UNPACKED_NAME));
        rmdir(folder);
}

static void remove_if_dead(const char *folder) {
        Error ignored;
        CLEANUP(close_fdp) int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
                dir_remove_all(folder, &ignored);
}

void unpack_tidy(const Store *store) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        DirEntry *zones = NULL, *folders = NULL;
        size_t zone_count = 0, count = 0;
        Error ignored;
        if (dir_list(store->unpacked_dir, &arena, &zones, &zone_count, &ignored) != STATUS_OK)
                return;
        for (size_t i = 0; i < zone_count; i++) {
                const char *zone = path_join(&arena, store->unpacked_dir, arena_cstr(&arena, zones[i].name));
                if (dir_list(zone, &arena, &folders, &count, &ignored) != STATUS_OK)
                        continue;
                for (size_t j = 0; j < count; j++) {
                        const char *folder = path_join(&arena, zone, arena_cstr(&arena, folders[j].name));
                        if (folders[j].name.data[0] == '.')
                                remove_if_dead(folder);
                        else
                                remove_empty(folder, &arena, 0);
                }
        }
}
