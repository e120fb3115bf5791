/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/leftover.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/vec.h"

typedef VEC(const char *) PathVec;

static bool is_temporary(Str name) {
        return str_starts_with(name, STR(".")) && str_ends_with(name, STR(".tmp"));
}

static Status find_temporary(Arena *arena, const char *folder, PathVec *out, Error *err) {
        DirEntry *entries = NULL;
        size_t count = 0;
        TRY(dir_list(folder, arena, &entries, &count, err));
        for (size_t i = 0; i < count; i++) {
                const char *path = path_join(arena, folder, arena_cstr(arena, entries[i].name));
                if (entries[i].is_dir)
                        TRY(find_temporary(arena, path, out, err));
                else if (is_temporary(entries[i].name))
                        vec_push(arena, out, path);
        }
        return STATUS_OK;
}

/* Listed first: a file that is begun after that is not in the list. */
Status land_sweep(Lake *lake, bool dry_run, int64_t *out_files, int64_t *out_bytes, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        PathVec paths = { 0 };
        *out_files = *out_bytes = 0;
        TRY(find_temporary(&arena, lake->store->landing_dir, &paths, err));
        if (file_is_locked(lake->store->claims_path))
                return STATUS_OK;
        for (size_t i = 0; i < paths.count; i++) {
                struct stat st;
                if (stat(paths.items[i], &st) < 0 || (!dry_run && unlink(paths.items[i]) < 0))
                        continue;
                *out_files += 1;
                *out_bytes += st.st_size;
        }
        return STATUS_OK;
}

static bool is_gone(Arena *arena, Str place) {
        const char *path = arena_cstr(arena, place);
        return path[0] == '/' && !file_exists(path) && file_exists(path_dir(arena, path));
}

Status seen_sweep(Lake *lake, int64_t before_us, size_t most, bool dry_run, int64_t *out_files, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        FileSeen *rows = NULL;
        size_t count = 0;
        *out_files = 0;
        TRY(catalog_files_seen(lake->catalog, STR_NONE, STR_NONE, &arena, &rows, &count, err));
        for (size_t i = 0; i < count && (size_t)*out_files < most; i++) {
                if (rows[i].looked_us >= before_us || !is_gone(&arena, rows[i].place))
                        continue;
                *out_files += 1;
                if (!dry_run)
                        TRY(catalog_forget_file(lake->catalog, rows[i].zone, rows[i].source, rows[i].place, err));
        }
        return STATUS_OK;
}
