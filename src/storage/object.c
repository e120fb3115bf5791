/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/object.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/vec.h"

typedef struct FolderStore {
        ObjectStore base;
        char *root;
} FolderStore;

static FolderStore *folder_of(ObjectStore *store) {
        return (FolderStore *)(void *)store;
}

static Status check_key(Str key, Error *err) {
        Str rest = key, part;
        bool more = true;
        bool fine = key.size > 0 && key.size < 1024;
        while (fine && more) {
                more = str_cut(rest, '/', &part, &rest);
                fine = part.size > 0 && !str_is(part, ".") && !str_is(part, "..") && !memchr(part.data, 0, part.size);
        }
        return fine ? STATUS_OK : error_set(err, STATUS_BAD_VALUE, "'%.*s' is no object's key", STR_ARG(key));
}

static Status key_path(FolderStore *store, Str key, Arena *arena, char **out, Error *err) {
        TRY(check_key(key, err));
        *out = arena_printf(arena, "%s/%.*s", store->root, STR_ARG(key));
        return STATUS_OK;
}

/* Whole under another name first, then a link, which fails where the key exists: no reader sees half of it. */
static Status folder_put(ObjectStore *base, Str key, Str bytes, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        char *path = NULL;
        TRY(key_path(folder_of(base), key, &arena, &path, err));
        TRY(dir_make(path_dir(&arena, path), err));
        char *temporary = arena_printf(&arena, "%s.%016llx.tmp", path, (unsigned long long)random_u64());
        Status status = file_create(temporary, bytes, false, err);
        if (status == STATUS_OK && link(temporary, path) < 0)
                status = errno == EEXIST ? error_set(err, STATUS_EXISTS, "'%.*s' exists already", STR_ARG(key))
                                         : error_errno(err, errno, "cannot write '%s'", path);
        unlink(temporary);
        if (status == STATUS_OK)
                dir_sync(path_dir(&arena, path));
        return status;
}

static Status folder_get(ObjectStore *base, Str key, size_t limit, Arena *arena, Str *out, Error *err) {
        char *path = NULL;
        TRY(key_path(folder_of(base), key, arena, &path, err));
        return file_read(path, limit, arena, out, err);
}

static Status folder_get_range(ObjectStore *base, Str key, uint64_t offset, size_t size, Arena *arena, Str *out,
                               Error *err) {
        char *path = NULL;
        TRY(key_path(folder_of(base), key, arena, &path, err));
        CLEANUP(close_fdp) int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0 && errno == ENOENT)
                return error_set(err, STATUS_NOT_FOUND, "no '%s'", path);
        if (fd < 0)
                return error_errno(err, errno, "cannot open '%s'", path);
        struct stat st;
        if (fstat(fd, &st) < 0)
                return error_errno(err, errno, "cannot stat '%s'", path);
        uint64_t left = offset < (uint64_t)st.st_size ? (uint64_t)st.st_size - offset : 0;
        size_t wanted = size < left ? size : (size_t)left, got = 0;
        char *data = arena_alloc_raw(arena, wanted + 1);
        while (got < wanted) {
                ssize_t n = pread(fd, data + got, wanted - got, (off_t)(offset + got));
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return error_errno(err, errno, "cannot read '%s'", path);
                if (n == 0)
                        break;
                got += (size_t)n;
        }
        data[got] = 0;
        *out = (Str){ data, got };
        return STATUS_OK;
}

typedef VEC(ObjectInfo) ObjectVec;

static Status list_under(FolderStore *store, Str below, Arena *arena, ObjectVec *objects, Error *err) {
        CLEANUP(arena_deinit) Arena scratch = { 0 };
        DirEntry *entries = NULL;
        size_t count = 0;
        char *folder = arena_printf(&scratch, "%s/%.*s", store->root, STR_ARG(below));
        Status status = dir_list(folder, &scratch, &entries, &count, err);
        if (status == STATUS_NOT_FOUND || !file_exists(folder))
                return STATUS_OK;
        TRY(status);
        for (size_t i = 0; i < count; i++) {
                Str key = arena_strf(arena, "%.*s%.*s%s", STR_ARG(below), STR_ARG(entries[i].name),
                                     entries[i].is_dir ? "/" : "");
                struct stat st;
                if (entries[i].is_dir)
                        TRY(list_under(store, key, arena, objects, err));
                else if (entries[i].is_file && !str_ends_with(key, STR(".tmp")) &&
                         stat(arena_printf(&scratch, "%s/%.*s", store->root, STR_ARG(key)), &st) == 0)
                        vec_push(arena, objects, (ObjectInfo){ key, (uint64_t)st.st_size });
        }
        return STATUS_OK;
}

static int info_compare(const void *a, const void *b) {
        return str_compare(((const ObjectInfo *)a)->key, ((const ObjectInfo *)b)->key);
}

static Status folder_list(ObjectStore *base, Str prefix, Arena *arena, ObjectInfo **out, size_t *out_count,
                          Error *err) {
        ObjectVec objects = { 0 };
        if (prefix.size && prefix.data[prefix.size - 1] != '/')
                return error_set(err, STATUS_BAD_VALUE, "'%.*s' ends at no folder", STR_ARG(prefix));
        if (prefix.size)
                TRY(check_key(str_slice(prefix, 0, prefix.size - 1), err));
        TRY(list_under(folder_of(base), prefix, arena, &objects, err));
        if (objects.count > 1)
                qsort(objects.items, objects.count, sizeof(*objects.items), info_compare);
        *out = objects.items;
        *out_count = objects.count;
        return STATUS_OK;
}

static Status folder_remove(ObjectStore *base, Str key, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        char *path = NULL;
        TRY(key_path(folder_of(base), key, &arena, &path, err));
        if (unlink(path) < 0 && errno != ENOENT)
                return error_errno(err, errno, "cannot remove '%s'", path);
        return STATUS_OK;
}

static void folder_free(ObjectStore *base) {
        FolderStore *store = folder_of(base);
        free(store->root);
        free(store);
}

static const ObjectStoreFunctions folder_functions = {
        .put_if_absent = folder_put,
        .get_range = folder_get_range,
        .get = folder_get,
        .list = folder_list,
        .remove = folder_remove,
        .free = folder_free,
};

Status object_store_folder(const char *root, ObjectStore **out, Error *err) {
        struct stat st;
        if (stat(root, &st) < 0)
                return error_errno(err, errno, "cannot open '%s'", root);
        if (!S_ISDIR(st.st_mode))
                return error_set(err, STATUS_IO, "'%s' is no folder", root);
        FolderStore *store = calloc(1, sizeof(*store));
        if (!store || !(store->root = strdup(root)))
                out_of_memory();
        store->base.functions = &folder_functions;
        *out = &store->base;
        return STATUS_OK;
}

void object_store_freep(ObjectStore **store) {
        if (*store)
                (*store)->functions->free(*store);
        *store = NULL;
}

Status object_put_if_absent(ObjectStore *store, Str key, Str bytes, Error *err) {
        return store->functions->put_if_absent(store, key, bytes, err);
}

Status object_get(ObjectStore *store, Str key, size_t limit, Arena *arena, Str *out, Error *err) {
        return store->functions->get(store, key, limit, arena, out, err);
}

Status object_get_range(ObjectStore *store, Str key, uint64_t offset, size_t size, Arena *arena, Str *out, Error *err) {
        return store->functions->get_range(store, key, offset, size, arena, out, err);
}

Status object_list(ObjectStore *store, Str prefix, Arena *arena, ObjectInfo **out, size_t *out_count, Error *err) {
        return store->functions->list(store, prefix, arena, out, out_count, err);
}

Status object_remove(ObjectStore *store, Str key, Error *err) {
        return store->functions->remove(store, key, err);
}
