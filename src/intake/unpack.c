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
#include "intake/archive_mark.h"
#include "intake/land.h"

#define HEAD_SIZE 512 /* what tells an archive */
#define COPY_BLOCK (1u << 20)
#define SETTLE_US 5000000

typedef struct Unpacker {
        Lake *lake;            /* NULL: there is none, and what was unpacked before is not known */
        const char *into;      /* as commit/unpacked */
        bool only_looks;       /* nothing is remembered, and nobody waits for us */
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
        ArchiveMark mark;
        const char *folder; /* ZONE's in commit/unpacked */
        const char *name;   /* ID.i or ID.e */
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

/* Only what a sender made is unpacked: not what came out of an archive. Nor what lies where no zone is. */
static bool is_candidate(const FoundFile *file) {
        return (file->in_ingress || file->feed) && file->archive.size == 0 && S_ISREG(file->st.st_mode) && !file->is_closed && !file->is_stray;
}

/* --- those elsewhere --- */

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

/* Folders that hold members of the archive of ingress, of this version of it or of an earlier one. */
static StrList folders_of(Unpacker *u, const FoundFile *file) {
        DirEntry *entries = NULL;
        size_t count = 0;
        Error ignored;
        ArchiveMark mark;
        const char *zone = arena_printf(u->arena, "%s/%.*s", u->lake->store->unpacked_dir, STR_ARG(file->zone));
        if (dir_list(zone, u->arena, &entries, &count, &ignored) != STATUS_OK)
                return (StrList){ 0 };
        StrList out = { ARENA_ARRAY(u->arena, Str, count + 1), 0 };
        for (size_t i = 0; i < count; i++) {
                const char *path = path_join(u->arena, zone, arena_cstr(u->arena, entries[i].name));
                if (entries[i].name.data[0] != '.' && str_ends_with(entries[i].name, STR("." UNPACKED_INGRESS)) && archive_mark_read(path, u->arena, &mark) &&
                    str_equal(mark.name, file->name))
                        out.items[out.count++] = str_of(path);
        }
        return out;
}

/*
 * Whether it was unpacked as it is, by an earlier run or by another one just now. The same bytes under the same name bring nothing,
 * whoever copied them there or changed whose they are: then the mark is told of it.
 */
static bool is_unpacked(Unpacker *u, const Unpacking *unpacking) {
        StrList folders = folders_of(u, unpacking->file);
        ArchiveMark now = archive_mark_of(unpacking->file->name, &unpacking->st), mark;
        Error ignored;
        for (size_t i = 0; i < folders.count; i++) {
                if (!archive_mark_read(folders.items[i].data, u->arena, &mark) || mark.file.size != now.file.size)
                        continue;
                bool fits = archive_mark_fits(&mark, &unpacking->st);
                if (fits && !file_seen_is_young(&mark.file))
                        return true;
                if (now.file.sha256.size == 0 && hash_file(unpacking->fd, u->arena, &now.file.sha256, &ignored) != STATUS_OK)
                        return false;
                if (str_equal(now.file.sha256, mark.file.sha256))
                        return archive_mark_write(&now, folders.items[i].data, u->arena, &ignored) == STATUS_OK;
        }
        return false;
}

/* What was unpacked of earlier versions and not taken is not there any more. */
static void forget_others(Unpacker *u, const Unpacking *unpacking, const char *folder) {
        StrList folders = folders_of(u, unpacking->file);
        Error ignored;
        for (size_t i = 0; i < folders.count; i++)
                if (!str_is(folders.items[i], folder))
                        dir_remove_all(folders.items[i].data, &ignored);
}

/* Whether it was unpacked for this feed before. Where its times do not tell for certain, its content does. */
static bool was_unpacked(Unpacker *u, const FoundFile *file, const Feed *feed, int fd) {
        FileSeen seen;
        Error ignored;
        Str sha256;
        if (catalog_file_seen(u->lake->catalog, file->zone, feed->name, str_of(file->path), u->arena, &seen, &ignored) != STATUS_OK ||
            !str_is(seen.state, "unpacked") || seen.size != file->st.st_size)
                return false;
        bool same = file_seen_fits(&seen, &file->st) && !file_seen_is_young(&seen);
        return same || (hash_file(fd, u->arena, &sha256, &ignored) == STATUS_OK && str_equal(sha256, seen.sha256));
}

static Status remember(Unpacker *u, const Unpacking *unpacking) {
        const FoundFile *file = unpacking->file;
        const Feed *feeds[] = { file->feed, file->rival };
        FileSeen rows[COUNT_OF(feeds)];
        size_t count = 0;
        for (size_t i = 0; i < COUNT_OF(feeds); i++) {
                if (!feeds[i])
                        continue;
                FileSeen *row = &rows[count++];
                *row = file_seen_of(&unpacking->st);
                row->zone = file->zone;
                row->source = feeds[i]->name;
                row->place = str_of(file->path);
                row->sha256 = unpacking->mark.file.sha256;
                row->state = STR("unpacked");
        }
        return catalog_ledger(u->lake->catalog, NULL, 0, rows, count, u->err);
}

/* False, with the result told, if it is not to be had. A lock of the file's own keeps other runs off. */
static bool open_archive(Unpacker *u, Unpacking *unpacking) {
        const FoundFile *file = unpacking->file;
        if (u->lake && !file->in_ingress && was_unpacked(u, file, file->feed, unpacking->fd) &&
            (!file->rival || was_unpacked(u, file, file->rival, unpacking->fd))) {
                tell(unpacking, UNPACK_KNOWN, STR(""));
                return false;
        }
        if (!u->only_looks && (flock(unpacking->fd, LOCK_EX | LOCK_NB) < 0 || !file_exists(file->path))) {
                tell(unpacking, UNPACK_UNSETTLED, STR("another run is taking it"));
                return false;
        }
        if (fstat(unpacking->fd, &unpacking->st) < 0 || !land_is_settled(unpacking->fd, &unpacking->st, file->feed ? file->feed->settle_us : SETTLE_US)) {
                tell(unpacking, UNPACK_UNSETTLED, STR("somebody is still writing it"));
                return false;
        }
        if (u->lake && file->in_ingress && is_unpacked(u, unpacking)) {
                tell(unpacking, UNPACK_KNOWN, STR(""));
                return false;
        }
        return true;
}

/* --- the worker's part --- */

static Status open_spool(Unpacker *u, Unpacking *unpacking) {
        const char *folder = u->only_looks ? u->into : u->lake->store->arriving_dir;
        const char *path = arena_printf(u->arena, "%s/%016llx", folder, (unsigned long long)random_u64());
        unpacking->spool = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (unpacking->spool < 0)
                return error_errno(u->err, errno, "cannot create a file in '%s'", folder);
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

static Status write_members(Unpacker *u, const Unpacking *unpacking, const char *top) {
        TRY(archive_mark_write(&unpacking->mark, top, u->arena, u->err));
        Str block = { arena_alloc_raw(u->arena, COPY_BLOCK), COPY_BLOCK };
        uint64_t offset = 0;
        Str synced = STR("");
        for (size_t i = 0; i < unpacking->archive.count; i++) {
                const ArchiveMember *member = &unpacking->archive.members[i];
                const char *path = arena_printf(u->arena, "%s/%.*s", top, STR_ARG(member->name));
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

/* All members, or none: the folder has a dot until it is whole, and a lock that dies with its writer. */
static Status keep_members(Unpacker *u, Unpacking *unpacking) {
        unpacking->folder = arena_printf(u->arena, "%s/%.*s", u->into, STR_ARG(unpacking->file->zone));
        unpacking->name = arena_printf(u->arena, "%016llx.%s", (unsigned long long)random_u64(),
                                       unpacking->file->in_ingress ? UNPACKED_INGRESS : UNPACKED_ELSEWHERE);
        unpacking->mark = archive_mark_of(unpacking->file->name, &unpacking->st);
        TRY(hash_file(unpacking->fd, u->arena, &unpacking->mark.file.sha256, u->err));
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
        dir_sync(u->into);
        if (unpacking->file->in_ingress && !u->only_looks)
                forget_others(u, unpacking, final);
        return unpacking->file->in_ingress || u->only_looks ? STATUS_OK : remember(u, unpacking);
}

static Status check_room(const Unpacker *u, int64_t bytes) {
        return u->lake ? store_check_reserve(u->lake->store, (uint64_t)bytes, u->err) : STATUS_OK;
}

static Status take(Unpacker *u, Unpacking *unpacking) {
        TRY(open_spool(u, unpacking));
        TRY(check_room(u, unpacking->st.st_size));
        TRY(ask_worker(u, unpacking));
        if (!unpacking->archive.is_one)
                return STATUS_OK;
        struct stat spooled;
        if (fstat(unpacking->spool, &spooled) == 0)
                TRY(check_room(u, spooled.st_size));
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

Status unpack_archives(const UnpackSpec *spec, const FoundFile *files, size_t count, Arena *arena, UnpackedFile **out, size_t *out_count, Error *err) {
        Unpacker u = { .lake = spec->lake, .pool = spec->pool, .arena = arena, .err = err, .only_looks = spec->look_into != NULL };
        u.into = spec->look_into ? spec->look_into : spec->lake->store->unpacked_dir;
        const volatile sig_atomic_t *interrupted = spec->interrupted;
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

/* Folders below that are empty by now. True if nothing but the archive's mark is left. */
static bool remove_empty(const char *folder, Arena *arena, int depth) {
        DirEntry *entries = NULL;
        size_t count = 0;
        Error ignored;
        bool empty = true;
        if (depth > ARCHIVE_DEPTH_MAX || dir_list(folder, arena, &entries, &count, &ignored) != STATUS_OK)
                return false;
        for (size_t i = 0; i < count; i++) {
                bool mark = depth == 0 && entries[i].name.data[0] == '.'; /* or half of a new one */
                const char *path = path_join(arena, folder, arena_cstr(arena, entries[i].name));
                empty &= mark || (entries[i].is_dir && remove_empty(path, arena, depth + 1));
        }
        return empty && (depth == 0 || rmdir(folder) == 0);
}

/*
 * An archive of ingress goes when all its members were taken, and its members when it was taken back. The folder stays while
 * the archive does: it says what of it is left to take. Of one that changed unpack_archives() says more.
 */
static bool is_done_with(const char *project_root, Str zone, const char *folder, Arena *arena) {
        ArchiveMark mark;
        struct stat st;
        if (!archive_mark_read(folder, arena, &mark))
                return true;
        const char *path = arena_printf(arena, "%s/ingress/%.*s/%.*s", project_root, STR_ARG(zone), STR_ARG(mark.name));
        if (lstat(path, &st) < 0)
                return errno == ENOENT || errno == ENOTDIR;
        if (!archive_mark_fits(&mark, &st) || !remove_empty(folder, arena, 0) || unlink(path) < 0)
                return false;
        dir_sync(path_dir(arena, path));
        return true;
}

static void tidy_folder(const char *project_root, Str zone, Str name, const char *folder, Arena *arena) {
        Error ignored;
        bool elsewhere = str_ends_with(name, STR("." UNPACKED_ELSEWHERE));
        if (elsewhere ? remove_empty(folder, arena, 0) : is_done_with(project_root, zone, folder, arena))
                dir_remove_all(folder, &ignored);
}

static void remove_if_dead(const char *folder) {
        Error ignored;
        CLEANUP(close_fdp) int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
                dir_remove_all(folder, &ignored);
}

void unpack_tidy(const Store *store, const char *project_root) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        DirEntry *zones = NULL, *folders = NULL;
        size_t zone_count = 0, count = 0;
        Error ignored;
        if (dir_list(store->unpacked_dir, &arena, &zones, &zone_count, &ignored) != STATUS_OK)
                return;
        for (size_t i = 0; i < zone_count; i++) {
                const char *zone = path_join(&arena, store->unpacked_dir, arena_cstr(&arena, zones[i].name));
                if (zones[i].name.data[0] == '.') {
                        remove_if_dead(zone);
                        continue;
                }
                if (dir_list(zone, &arena, &folders, &count, &ignored) != STATUS_OK)
                        continue;
                for (size_t j = 0; j < count; j++) {
                        const char *folder = path_join(&arena, zone, arena_cstr(&arena, folders[j].name));
                        if (folders[j].name.data[0] == '.')
                                remove_if_dead(folder);
                        else
                                tidy_folder(project_root, zones[i].name, folders[j].name, folder, &arena);
                }
        }
}

/* --- looking --- */

Status unpack_look_open(const Store *store, Arena *arena, UnpackLook *out, Error *err) {
        const char *temporary = getenv("TMPDIR");
        *out = (UnpackLook){ NULL, -1 };
        char *folder = store ? arena_printf(arena, "%s/.%016llx", store->unpacked_dir, (unsigned long long)random_u64())
                             : arena_printf(arena, "%s/lode-XXXXXX", temporary && temporary[0] == '/' ? temporary : "/tmp");
        if (store)
                TRY(dir_make(folder, err));
        else if (!mkdtemp(folder))
                return error_errno(err, errno, "cannot make a folder '%s'", folder);
        out->folder = folder;
        out->lock = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (out->lock < 0 || flock(out->lock, LOCK_EX | LOCK_NB) < 0)
                return error_errno(err, errno, "cannot lock '%s'", folder);
        return STATUS_OK;
}

void unpack_look_close(UnpackLook *look) {
        Error ignored;
        if (look->folder)
                dir_remove_all(look->folder, &ignored);
        look->folder = NULL;
        close_fdp(&look->lock);
}
