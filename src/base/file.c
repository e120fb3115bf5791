/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include "base/vec.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#define COPY_BYTES (1u << 20)

Status file_read_fd(int fd, const char *name, size_t limit, Arena *arena, Str *out, Error *err) {
        struct stat st;
        if (fstat(fd, &st) < 0)
                return error_errno(err, errno, "cannot look at '%s'", name);
        if (S_ISDIR(st.st_mode))
                return error_set(err, STATUS_IO, "'%s' is a folder, not a file", name);
        size_t capacity = (size_t)st.st_size + 1; /* one more, to notice a file that grows */
        if ((uint64_t)st.st_size > limit)
                return error_set(err, STATUS_LIMIT, "'%s' has %lld bytes; at most %zu are read", name,
                                 (long long)st.st_size, limit);
        CLEANUP(buf_deinit) Buf buf = { .limit = limit + 1 };
        for (;;) {
                char *at = buf_reserve(&buf, capacity);
                if (!at)
                        return error_set(err, STATUS_LIMIT, "'%s' is larger than %zu bytes", name, limit);
                ssize_t got = read(fd, at, capacity);
                if (got < 0 && errno == EINTR)
                        continue;
                if (got < 0)
                        return error_errno(err, errno, "cannot read '%s'", name);
                if (got == 0)
                        break;
                buf_added(&buf, (size_t)got);
                capacity = (size_t)got < capacity ? capacity - (size_t)got : 4096;
                if (buf.size >= limit)
                        capacity = limit + 1 - buf.size;
                if (buf.size > limit)
                        return error_set(err, STATUS_LIMIT, "'%s' is larger than %zu bytes", name, limit);
        }
        *out = buf_dup(&buf, arena);
        return STATUS_OK;
}

/* A pipe that nobody writes would be waited for. */
Status file_open(const char *path, int *out_fd, Error *err) {
        CLEANUP(close_fdp) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
                return error_set(err, STATUS_NOT_FOUND, "there is no file '%s'", path);
        if (fd < 0)
                return error_errno(err, errno, "cannot open '%s'", path);
        struct stat st;
        if (fstat(fd, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
                return error_set(err, STATUS_IO, "'%s' is a pipe or a device, not a file", path);
        *out_fd = TAKE_FD(fd);
        return STATUS_OK;
}

Status file_read(const char *path, size_t limit, Arena *arena, Str *out, Error *err) {
        CLEANUP(close_fdp) int fd = -1;
        TRY(file_open(path, &fd, err));
        return file_read_fd(fd, path, limit, arena, out, err);
}

#define HASH_PIECE ((size_t)256 << 10) /* stays in the cache of the processor between reading and hashing */

Status fd_hash(int fd, const char *name, int64_t limit, Sha256 *out, int64_t *out_size, Error *err) {
        CLEANUP(sha256_freep) Sha256Stream *stream = sha256_new();
        CLEANUP(buf_deinit) Buf piece = { 0 };
        char *bytes = buf_reserve(&piece, HASH_PIECE);
        int64_t size = 0;
        while (limit < 0 || size < limit) {
                size_t wanted = limit >= 0 && limit - size < (int64_t)HASH_PIECE ? (size_t)(limit - size) : HASH_PIECE;
                ssize_t got = pread(fd, bytes, wanted, size);
                if (got < 0 && errno == EINTR)
                        continue;
                if (got < 0)
                        return error_errno(err, errno, "cannot read '%s'", name);
                if (got == 0)
                        break;
                sha256_update(stream, (Str){ bytes, (size_t)got });
                size += got;
        }
        *out = sha256_finish(TAKE_PTR(stream));
        *out_size = size;
        return STATUS_OK;
}

Status file_hash(const char *path, Sha256 *out, int64_t *out_size, Error *err) {
        CLEANUP(close_fdp) int fd = -1;
        TRY(file_open(path, &fd, err));
        return fd_hash(fd, path, -1, out, out_size, err);
}

Status fd_write_all(int fd, Str bytes, const char *name, Error *err) {
        while (bytes.size > 0) {
                ssize_t written = write(fd, bytes.data, bytes.size);
                if (written < 0 && errno == EINTR)
                        continue;
                if (written < 0)
                        return error_errno(err, errno, "cannot write '%s'", name);
                bytes = str_slice(bytes, (size_t)written, bytes.size);
        }
        return STATUS_OK;
}

/* What the kernel does not copy by itself, between two file systems say. */
static Status copy_by_hand(int from, int64_t at, int64_t size, int to, const char *name, Error *err) {
        CLEANUP(buf_deinit) Buf part = { 0 };
        while (size > 0) {
                size_t wanted = size < COPY_BYTES ? (size_t)size : COPY_BYTES;
                buf_clear(&part);
                ssize_t got = pread(from, buf_reserve(&part, wanted), wanted, (off_t)at);
                if (got < 0 && errno == EINTR)
                        continue;
                if (got < 0)
                        return error_errno(err, errno, "cannot read what '%s' is made of", name);
                if (got == 0)
                        return error_set(err, STATUS_IO, "what '%s' is made of got shorter meanwhile", name);
                buf_added(&part, (size_t)got);
                TRY(fd_write_all(to, buf_view(&part), name, err));
                at += got;
                size -= got;
        }
        return STATUS_OK;
}

Status fd_copy(int from, int64_t at, int64_t size, int to, const char *name, Error *err) {
        loff_t place = at;
        while (size > 0) {
                ssize_t done = copy_file_range(from, &place, to, NULL, (size_t)size, 0);
                if (done < 0 && errno == EINTR)
                        continue;
                if (done < 0 && (errno == ENOSPC || errno == EDQUOT))
                        return error_errno(err, errno, "cannot write '%s'", name);
                if (done <= 0)
                        return copy_by_hand(from, place, size, to, name, err);
                size -= done;
        }
        return STATUS_OK;
}

void sync_failed(const char *name, int errnum) {
        Error err = { 0 };
        error_errno(&err, errnum, "'%s' cannot be synced to the disk, so this ends here", name);
        error_hint(&err, "nothing of it was acknowledged; look after the disk (dmesg tells), then run again");
        process_end(&err);
}

/* EINVAL: a pipe or another thing that has no disk behind it. Not so EROFS: it is what ext4 answers when it gave up. */
void fd_sync(int fd, const char *name) {
        while (fdatasync(fd) < 0) {
                if (errno == EINVAL)
                        return;
                if (errno != EINTR)
                        sync_failed(name, errno);
        }
}

void dir_sync(const char *path) {
        CLEANUP(close_fdp) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                sync_failed(path, errno);
        while (fsync(fd) < 0) {
                if (errno == EINVAL)
                        return;
                if (errno != EINTR)
                        sync_failed(path, errno);
        }
}

static void sync_parent(const char *path) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        dir_sync(path_dir(&arena, path));
}

Status file_create(const char *path, Str bytes, bool sync_dir, Error *err) {
        CLEANUP(close_fdp) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        if (fd < 0 && errno == EEXIST)
                return error_set(err, STATUS_EXISTS, "'%s' exists already", path);
        if (fd < 0)
                return error_errno(err, errno, "cannot create '%s'", path);
        Status status = fd_write_all(fd, bytes, path, err);
        if (status != STATUS_OK) {
                unlink(path);
                return status;
        }
        fd_sync(fd, path);
        if (sync_dir)
                sync_parent(path);
        return STATUS_OK;
}

static Status replace(const char *path, Str bytes, bool durable, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        char *temporary = arena_printf(&arena, "%s.%016llx.tmp", path, (unsigned long long)random_u64());
        CLEANUP(close_fdp) int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        if (fd < 0)
                return error_errno(err, errno, "cannot create '%s'", temporary);
        Status status = fd_write_all(fd, bytes, temporary, err);
        if (status == STATUS_OK && durable)
                fd_sync(fd, temporary);
        if (status == STATUS_OK && rename(temporary, path) < 0)
                status = error_errno(err, errno, "cannot rename to '%s'", path);
        if (status != STATUS_OK) {
                unlink(temporary);
                return status;
        }
        if (durable)
                sync_parent(path);
        return STATUS_OK;
}

Status file_replace(const char *path, Str bytes, Error *err) {
        return replace(path, bytes, true, err);
}

Status file_write_text(const char *path, Str bytes, Error *err) {
        return replace(path, bytes, false, err);
}

bool file_exists(const char *path) {
        struct stat st;
        return stat(path, &st) == 0;
}

static Status make_folders(const char *path, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        char *copy = arena_cstr(&arena, str_of(path));
        for (char *at = copy + 1;; at++) {
                if (*at != '/' && *at != '\0')
                        continue;
                char kept = *at;
                *at = '\0';
                if (mkdir(copy, 0755) < 0 && errno != EEXIST && errno != EISDIR)
                        return error_errno(err, errno, "cannot make the folder '%s'", copy);
                *at = kept;
                if (kept == '\0')
                        break;
        }
        struct stat st;
        if (stat(path, &st) < 0)
                return error_errno(err, errno, "cannot look at '%s'", path);
        if (!S_ISDIR(st.st_mode))
                return error_set(err, STATUS_IO, "'%s' is in the way: it is not a folder", path);
        return STATUS_OK;
}

/* A parent may go, empty as it is, before there is anything in it. */
Status dir_make(const char *path, Error *err) {
        Status status = make_folders(path, err);
        for (int i = 1; i < DIR_TRIES && status == STATUS_IO && err->number == ENOENT; i++)
                status = make_folders(path, err);
        return status;
}

static void closedirp(DIR **dir) {
        if (*dir)
                closedir(*dir);
}

static Status remove_in(int parent, const char *name, int depth, Error *err) {
        if (unlinkat(parent, name, 0) == 0 || errno == ENOENT)
                return STATUS_OK;
        if (errno != EISDIR && errno != EPERM)
                return error_errno(err, errno, "cannot remove '%s'", name);
        if (depth > 64)
                return error_set(err, STATUS_LIMIT, "'%s' lies too deep to be removed", name);
        int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        CLEANUP(closedirp) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
        if (!dir) {
                Status status = error_errno(err, errno, "cannot open the folder '%s'", name);
                if (fd >= 0)
                        close(fd);
                return status;
        }
        for (struct dirent *entry; (entry = readdir(dir));) {
                if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
                        continue;
                TRY(remove_in(dirfd(dir), entry->d_name, depth + 1, err));
        }
        if (unlinkat(parent, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
                return error_errno(err, errno, "cannot remove the folder '%s'", name);
        return STATUS_OK;
}

Status dir_remove_all(const char *path, Error *err) {
        return remove_in(AT_FDCWD, path, 0, err);
}

static int by_name(const void *a, const void *b) {
        return str_compare(((const DirEntry *)a)->name, ((const DirEntry *)b)->name);
}

Status dir_list(const char *path, Arena *arena, DirEntry **out, size_t *out_count, Error *err) {
        CLEANUP(closedirp) DIR *dir = opendir(path);
        if (!dir && (errno == ENOENT || errno == ENOTDIR))
                return error_set(err, STATUS_NOT_FOUND, "there is no folder '%s'", path);
        if (!dir)
                return error_errno(err, errno, "cannot open the folder '%s'", path);
        VEC(DirEntry) entries = { 0 };
        for (;;) {
                errno = 0;
                struct dirent *entry = readdir(dir);
                if (!entry && errno)
                        return error_errno(err, errno, "cannot read the folder '%s'", path);
                if (!entry)
                        break;
                if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
                        continue;
                struct stat st;
                if (fstatat(dirfd(dir), entry->d_name, &st, 0) < 0 && fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                        continue; /* gone since */
                vec_push(arena, &entries,
                         (DirEntry){ arena_str(arena, str_of(entry->d_name)), S_ISDIR(st.st_mode), S_ISREG(st.st_mode) });
        }
        if (entries.count)
                qsort(entries.items, entries.count, sizeof(DirEntry), by_name);
        *out = entries.items;
        *out_count = entries.count;
        return STATUS_OK;
}

static const volatile sig_atomic_t *lock_interrupted;

void file_lock_heed(const volatile sig_atomic_t *interrupted) {
        lock_interrupted = interrupted;
}

bool file_lock_is_interrupted(void) {
        return lock_interrupted && *lock_interrupted;
}

Status file_lock(int fd, bool exclusive, bool try_only, Error *err) {
        struct flock lock = { .l_type = exclusive ? F_WRLCK : F_RDLCK, .l_whence = SEEK_SET };
        while (fcntl(fd, try_only ? F_OFD_SETLK : F_OFD_SETLKW, &lock) < 0) {
                if (errno == EINTR && file_lock_is_interrupted())
                        return error_set(err, STATUS_INTERRUPTED, "interrupted while another process held a lock");
                if (errno == EINTR)
                        continue;
                if (errno == EAGAIN || errno == EACCES)
                        return error_set(err, STATUS_CONFLICT, "another process holds the lock");
                return error_errno(err, errno, "cannot lock");
        }
        return STATUS_OK;
}

void file_unlock(int fd) {
        struct flock lock = { .l_type = F_UNLCK, .l_whence = SEEK_SET };
        fcntl(fd, F_OFD_SETLK, &lock);
}

bool file_lock_byte(int fd, int64_t offset) {
        struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = offset, .l_len = 1 };
        return fcntl(fd, F_OFD_SETLK, &lock) == 0;
}

bool file_is_locked(const char *path) {
        CLEANUP(close_fdp) int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return errno != ENOENT;
        struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET };
        return fcntl(fd, F_OFD_GETLK, &lock) < 0 || lock.l_type != F_UNLCK;
}

char *path_join(Arena *arena, const char *a, const char *b) {
        size_t size = strlen(a);
        bool slash = size > 0 && a[size - 1] == '/';
        return arena_printf(arena, "%s%s%s", a, slash || size == 0 ? "" : "/", b);
}

const char *path_base(const char *path) {
        const char *slash = strrchr(path, '/');
        return slash ? slash + 1 : path;
}

char *path_dir(Arena *arena, const char *path) {
        const char *slash = strrchr(path, '/');
        if (!slash)
                return arena_cstr(arena, STR("."));
        if (slash == path)
                return arena_cstr(arena, STR("/"));
        return arena_cstr(arena, (Str){ path, (size_t)(slash - path) });
}

/* Drops "." and resolves ".." by text. */
static char *normalize(Arena *arena, const char *path) {
        char *out = arena_alloc(arena, strlen(path) + 2);
        size_t size = 0;
        Str rest = str_of(path), part;
        while (rest.size) {
                str_cut(rest, '/', &part, &rest);
                if (part.size == 0 || str_is(part, "."))
                        continue;
                if (str_is(part, "..")) {
                        while (size > 0 && out[--size] != '/')
                                ;
                        continue;
                }
                out[size++] = '/';
                memcpy(out + size, part.data, part.size);
                size += part.size;
        }
        if (size == 0)
                out[size++] = '/';
        out[size] = '\0';
        return out;
}

char *path_absolute(Arena *arena, const char *path) {
        if (path[0] == '/')
                return normalize(arena, path);
        CLEANUP(freep) char *here = getcwd(NULL, 0);
        return normalize(arena, path_join(arena, here ? here : "/", path));
}
