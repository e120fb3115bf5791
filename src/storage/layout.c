/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/layout.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/file.h"
#include "base/time.h"

#define NAME_MAX_BYTES 128
#define RESERVE_MOST (UINT64_C(256) << 20)
#define RESERVE_SHARE 20 /* of a small file system: one twentieth */

static Store *store_at(const char *root) {
        Store *store = calloc(1, sizeof(*store));
        if (!store)
                out_of_memory();
        Arena *arena = &store->arena;
        store->root = arena_cstr(arena, str_of(root));
        store->catalog_path = path_join(arena, root, "catalog.sqlite");
        store->key_path = path_join(arena, root, "key");
        store->queue_dir = path_join(arena, root, "commit/queue");
        store->lock_path = path_join(arena, root, "commit/lock");
        store->claims_path = path_join(arena, root, "commit/claims");
        store->tables_dir = path_join(arena, root, "tables");
        store->landing_dir = path_join(arena, root, "landing");
        store->built_dir = path_join(arena, root, "built");
        store->arriving_dir = path_join(arena, root, "commit/arriving");
        store->unpacked_dir = path_join(arena, root, "commit/unpacked");
        store->run_dir = path_join(arena, root, "run");
        store->audit_dir = path_join(arena, root, "audit");
        return store;
}

void store_free(Store *store) {
        if (!store)
                return;
        arena_deinit(&store->arena);
        free(store);
}

void store_freep(Store **store) {
        store_free(*store);
        *store = NULL;
}

/* Links resolved: the root is compared with what the catalog recorded, whichever way one came. */
static Status resolve(const char *root, char **out, Error *err) {
        char *real = realpath(root, NULL);
        if (!real)
                return error_errno(err, errno, "cannot open the store '%s'", root);
        *out = real;
        return STATUS_OK;
}

/* Under another name first: the key is there whole or not at all, and of two that make it at once the first one's holds. */
static Status make_key(const Store *store, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        Sha256 key;
        random_bytes(key.bytes, sizeof(key.bytes));
        const char *path = arena_printf(&arena, "%s.%016llx.new", store->key_path, (unsigned long long)random_u64());
        CLEANUP(close_fdp) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd < 0)
                return error_errno(err, errno, "cannot make '%s'", path);
        Status status = fd_write_all(fd, (Str){ (const char *)key.bytes, sizeof(key.bytes) }, path, err);
        if (status == STATUS_OK) {
                fd_sync(fd, path);
                if (link(path, store->key_path) < 0 && errno != EEXIST)
                        status = error_errno(err, errno, "cannot make '%s'", store->key_path);
        }
        unlink(path);
        return status;
}

static Status make_lock(const Store *store, int *out_fd, Error *err) {
        CLEANUP(close_fdp) int fd = open(store->lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0)
                return error_errno(err, errno, "cannot make '%s'", store->lock_path);
        TRY(file_lock(fd, true, false, err));
        *out_fd = TAKE_FD(fd);
        return STATUS_OK;
}

/* Sixteen hexadecimal digits and .new, and SQLite's files beside that: what people call so is theirs. */
static bool is_unfinished(Str rest) {
        static const char *const ends[] = { ".new", ".new-journal", ".new-wal", ".new-shm" };
        for (size_t i = 0; i < 16; i++)
                if (i >= rest.size || !char_is_one_of(rest.data[i], "0123456789abcdef"))
                        return false;
        for (size_t i = 0; i < COUNT_OF(ends); i++)
                if (str_is(str_slice(rest, 16, rest.size), ends[i]))
                        return true;
        return false;
}

void store_remove_unfinished(const Store *store, const char *name) {
        CLEANUP(arena_deinit) Arena scratch = { 0 };
        DirEntry *entries = NULL;
        size_t count = 0;
        Error ignored;
        Str begin = arena_strf(&scratch, "%s.", name);
        if (dir_list(store->root, &scratch, &entries, &count, &ignored) != STATUS_OK)
                return;
        for (size_t i = 0; i < count; i++)
                if (str_starts_with(entries[i].name, begin) && is_unfinished(str_slice(entries[i].name, begin.size, entries[i].name.size)))
                        unlink(path_join(&scratch, store->root, arena_cstr(&scratch, entries[i].name)));
}

/* A folder that has files of a store and no catalog is a store that lost it. A new catalog in it would answer as if
 * nothing had ever been loaded, and its sweep would take the files for rubbish. */
static Status refuse_remains(const char *root, Error *err) {
        static const char *const folders[] = { "tables", "landing" };
        CLEANUP(arena_deinit) Arena scratch = { 0 };
        for (size_t i = 0; i < COUNT_OF(folders); i++) {
                DirEntry *entries;
                size_t count;
                Status status = dir_list(path_join(&scratch, root, folders[i]), &scratch, &entries, &count, err);
                if (status == STATUS_NOT_FOUND)
                        continue;
                TRY(status);
                if (count == 0)
                        continue;
                error_set(err, STATUS_CORRUPT, "the store '%s' has data and no catalog: its catalog.sqlite is gone", root);
                return error_hint(err, "put catalog.sqlite back from a backup; `store:` in lode.yml may name another "
                                       "folder for a new store");
        }
        return STATUS_OK;
}

Status store_create(const char *root, Store **out, Error *err) {
        CLEANUP(arena_deinit) Arena scratch = { 0 };
        const char *absolute = path_absolute(&scratch, root);
        if (file_exists(path_join(&scratch, absolute, "catalog.sqlite")))
                return error_set(err, STATUS_EXISTS, "there is a store already: '%s'", absolute);
        TRY(refuse_remains(absolute, err));
        bool is_new = !file_exists(absolute);
        TRY(dir_make(absolute, err));
        if (is_new && chmod(absolute, 0700) < 0)
                return error_errno(err, errno, "cannot keep '%s' to its owner", absolute);
        CLEANUP(freep) char *real = NULL;
        TRY(resolve(absolute, &real, err));
        CLEANUP(store_freep) Store *store = store_at(real);
        const char *folders[] = { store->queue_dir, store->arriving_dir, store->tables_dir, store->landing_dir,
                                  store->run_dir,   store->audit_dir };
        for (size_t i = 0; i < COUNT_OF(folders); i++)
                TRY(dir_make(folders[i], err));
        CLEANUP(close_fdp) int lock = -1;
        TRY(make_lock(store, &lock, err));
        store_remove_unfinished(store, "key");
        if (!file_exists(store->key_path))
                TRY(make_key(store, err));
        dir_sync(path_dir(&scratch, store->lock_path));
        dir_sync(real);
        dir_sync(path_dir(&scratch, real));
        *out = TAKE_PTR(store);
        return STATUS_OK;
}

Status store_open(const char *root, Store **out, Error *err) {
        CLEANUP(arena_deinit) Arena scratch = { 0 };
        const char *absolute = path_absolute(&scratch, root);
        if (!file_exists(path_join(&scratch, absolute, "catalog.sqlite"))) {
                TRY(refuse_remains(absolute, err)); /* a run would begin none either */
                error_set(err, STATUS_NO_STORE, "no store at '%s'", absolute);
                return error_hint(err, "`store:` in lode.yml says where it lies; the first `lode run` makes it");
        }
        CLEANUP(freep) char *real = NULL;
        TRY(resolve(absolute, &real, err));
        *out = store_at(real);
        return STATUS_OK;
}

Status store_check(const Store *store, int64_t recorded_format, Str recorded_root, Error *err) {
        if (recorded_format != STORE_FORMAT) {
                error_set(err, STATUS_STORE_FORMAT, "the store '%s' has format %lld; this lode reads format %d",
                          store->root, (long long)recorded_format, STORE_FORMAT);
                return error_hint(err, recorded_format > STORE_FORMAT
                                               ? "it was written by a newer lode: install that one"
                                               : "it was written by an older lode: use that one");
        }
        if (!str_equal(recorded_root, str_of(store->root))) {
                error_set(err, STATUS_STORE_MOVED, "store moved from %.*s to %s", STR_ARG(recorded_root), store->root);
                return error_hint(err,
                                  "its tables name their files by absolute paths: move it back, or mount it there; to put "
                                  "a store elsewhere: lode backup DIR, then lode restore DIR STORE");
        }
        return STATUS_OK;
}

Status store_check_reserve(const Store *store, uint64_t bytes, Error *err) {
        CLEANUP(arena_deinit) Arena scratch = { 0 };
        struct statvfs disk;
        if (statvfs(store->root, &disk) < 0)
                return error_errno(err, errno, "cannot look at the disk of '%s'", store->root);
        uint64_t total = (uint64_t)disk.f_blocks * disk.f_frsize, free_bytes = (uint64_t)disk.f_bavail * disk.f_frsize;
        uint64_t reserve = total / RESERVE_SHARE < RESERVE_MOST ? total / RESERVE_SHARE : RESERVE_MOST;
        if (free_bytes >= reserve && free_bytes - reserve >= bytes)
                return STATUS_OK;
        error_set(err, STATUS_DISK_FULL, "%.*s are free where the store '%s' lies, and %.*s of them are the catalog's reserve",
                  STR_ARG(bytes_print(&scratch, free_bytes)), store->root, STR_ARG(bytes_print(&scratch, reserve)));
        return error_hint(err, "make room there and run again; nothing was taken, what arrived is still where it was");
}

bool store_name_valid(Str name) {
        if (name.size == 0 || name.size > NAME_MAX_BYTES || name.data[0] == '.')
                return false;
        for (size_t i = 0; i < name.size; i++) {
                char c = name.data[i];
                bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
                            c == '-' || c == '.';
                if (!fine)
                        return false;
        }
        return true;
}

static Status check_name(Str name, Error *err) {
        if (store_name_valid(name))
                return STATUS_OK;
        return error_set(err, STATUS_BAD_VALUE,
                         "'%.*s' cannot be a name in the store: letters, digits, '_', '-' and '.', at most %d bytes",
                         STR_ARG(name), NAME_MAX_BYTES);
}

Status store_landing_dir(const Store *store, Arena *arena, Str zone, Str source, int64_t landed_at_us, char **out,
                         Error *err) {
        TRY(check_name(zone, err));
        TRY(check_name(source, err));
        int year, month, day;
        int64_t days = landed_at_us / INT64_C(86400000000) - (landed_at_us % INT64_C(86400000000) < 0);
        civil_from_days((int32_t)days, &year, &month, &day);
        *out = arena_printf(arena, "%s/%.*s/%.*s/%04d-%02d", store->landing_dir, STR_ARG(zone), STR_ARG(source), year,
                            month);
        return STATUS_OK;
}

char *store_table_dir(const Store *store, Arena *arena, Str uuid) {
        return arena_printf(arena, "%s/%.*s", store->tables_dir, STR_ARG(uuid));
}

char *store_table_data_dir(const Store *store, Arena *arena, Str uuid) {
        return arena_printf(arena, "%s/%.*s/data", store->tables_dir, STR_ARG(uuid));
}

char *store_table_metadata_dir(const Store *store, Arena *arena, Str uuid) {
        return arena_printf(arena, "%s/%.*s/metadata", store->tables_dir, STR_ARG(uuid));
}

char *store_queue_path(const Store *store, Arena *arena, Str id, const char *suffix) {
        return arena_printf(arena, "%s/%.*s.%s", store->queue_dir, STR_ARG(id), suffix);
}

Str store_relative(const Store *store, Str path) {
        Str root = str_of(store->root);
        if (path.size <= root.size + 1 || !str_starts_with(path, root) || path.data[root.size] != '/')
                return path;
        return str_slice(path, root.size + 1, path.size);
}

char *store_absolute(const Store *store, Arena *arena, Str relative) {
        if (relative.size && relative.data[0] == '/')
                return arena_cstr(arena, relative);
        return arena_printf(arena, "%s/%.*s", store->root, STR_ARG(relative));
}

Status store_key(const Store *store, Sha256 *out, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        Str bytes;
        TRY(file_read(store->key_path, 4096, &arena, &bytes, err));
        if (bytes.size != sizeof(out->bytes))
                return error_set(err, STATUS_CORRUPT, "'%s' has %zu bytes where a key has %zu", store->key_path,
                                 bytes.size, sizeof(out->bytes));
        memcpy(out->bytes, bytes.data, sizeof(out->bytes));
        return STATUS_OK;
}
