/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* For this room's tests: a storage of files in memory, as IcebergSource, and data files to put into tables. */
#include "base/test.h"
#include "iceberg/snapshot.h"

typedef struct TestStore {
        Map files; /* Str by path */
        size_t reads;
} TestStore;

static inline Status test_store_read(void *context, Str path, Arena *arena, Str *out, Error *err) {
        TestStore *store = context;
        store->reads++;
        const Str *bytes = map_get(&store->files, path);
        if (!bytes)
                return error_set(err, STATUS_NOT_FOUND, "no file '%.*s'", STR_ARG(path));
        *out = arena_str(arena, *bytes);
        return STATUS_OK;
}

static inline IcebergSource test_store_source(TestStore *store) {
        return (IcebergSource){ test_store_read, store };
}

/* False if a name is used twice: files are never overwritten. */
static inline bool test_store_write(TestStore *store, const TableVersion *version) {
        for (size_t i = 0; i < version->file_count; i++) {
                if (map_has(&store->files, version->files[i].path))
                        return false;
                Str *copy = ARENA_NEW(store->files.arena, Str);
                *copy = version->files[i].bytes;
                map_put(&store->files, version->files[i].path, copy);
        }
        return true;
}

/* A file of rows whose first column (id 1, bigint) goes from lower to upper, without nulls. */
static inline DataFile test_file(Arena *arena, const char *path, int64_t rows, int64_t lower, int64_t upper) {
        ColumnStatistics *column = ARENA_NEW(arena, ColumnStatistics);
        *column = (ColumnStatistics){ .field_id = 1, .values = rows, .nulls = 0, .nans = -1, .bytes = rows * 4,
                                      .has_lower = true, .has_upper = true, .lower = value_int64(arena, lower),
                                      .upper = value_int64(arena, upper) };
        int64_t *offsets = ARENA_NEW(arena, int64_t);
        *offsets = 4;
        return (DataFile){ .path = arena_str(arena, str_of(path)),
                           .statistics = { rows, rows * 10, column, 1, offsets, 1 } };
}
