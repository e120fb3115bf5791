/* SPDX-License-Identifier: Apache-2.0 */
#include "lake/kept.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/time.h"

#define MAGIC "LODEKEP1"
#define RECORD "kept"
#define RECORD_SIZE_MAX ((size_t)64 << 20)
#define HALF_MADE_US (INT64_C(600) * 1000000) /* a folder that is being filled or emptied is so for a moment */
#define TEMPORARY ".tmp-"

/* Names this start of the kernel: what was in its memory alone is gone with it. In one read: these files have no second. */
static bool boot_id(Arena *arena, Str *out) {
        char text[64];
        CLEANUP(close_fdp) int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
        ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof(text));
        if (got <= 0)
                return false;
        *out = arena_str(arena, (Str){ text, (size_t)got });
        return true;
}

static char *folder_of(const Lake *lake, Str table, Arena *arena) {
        return path_join(arena, lake->store->built_dir, arena_cstr(arena, table));
}

static char *temporary_folder(const Lake *lake, Arena *arena) {
        return arena_printf(arena, "%s/%s%016llx", lake->store->built_dir, TEMPORARY, (unsigned long long)random_u64());
}

/* First out of sight, so that nobody finds half of it. */
static void remove_folder(const Lake *lake, const char *folder) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        Error ignored;
        const char *aside = temporary_folder(lake, &arena);
        if (rename(folder, aside) == 0)
                (void)dir_remove_all(aside, &ignored);
}

/* ---- the record ---- */

static Str record_of(const KeptBuild *build, Str boot, Buf *out) {
        buf_append_cstr(out, MAGIC);
        buf_lstr(out, boot);
        buf_lstr(out, build->key);
        buf_u32(out, (uint32_t)build->file_count);
        for (size_t i = 0; i < build->file_count; i++)
                file_statistics_write(out, &build->files[i].statistics);
        Sha256 sum = sha256_of(buf_view(out));
        buf_append(out, (Str){ (const char *)sum.bytes, sizeof(sum.bytes) });
        return buf_view(out);
}

static bool open_record(Str bytes, Cursor *out) {
        Str magic = STR(MAGIC);
        if (bytes.size < magic.size + SHA256_SIZE || !str_starts_with(bytes, magic))
                return false;
        Str content = str_slice(bytes, 0, bytes.size - SHA256_SIZE);
        Sha256 sum = sha256_of(content);
        *out = cursor_of(str_slice(content, magic.size, content.size));
        return memcmp(sum.bytes, bytes.data + content.size, SHA256_SIZE) == 0;
}

static bool read_files(Cursor *cursor, const char *folder, Arena *arena, KeptBuild *out) {
        Error ignored;
        out->file_count = cursor_count(cursor, 16);
        out->files = ARENA_ARRAY(arena, LakeFile, out->file_count);
        for (size_t i = 0; i < out->file_count; i++) {
                LakeFile *file = &out->files[i];
                struct stat st;
                file->path = arena_printf(arena, "%s/%zu.parquet", folder, i);
                if (file_statistics_read(cursor, arena, &file->statistics, &ignored) != STATUS_OK ||
                    stat(file->path, &st) < 0 || st.st_size != file->statistics.bytes)
                        return false;
        }
        return !cursor->failed && cursor_left(cursor) == 0;
}

/* The record of a folder up to its files; false when it is not whole or of another boot. */
static bool read_head(const char *folder, Arena *arena, Cursor *cursor, Str *out_key) {
        Str bytes, boot;
        Error ignored;
        if (file_read(path_join(arena, folder, RECORD), RECORD_SIZE_MAX, arena, &bytes, &ignored) != STATUS_OK ||
            !open_record(bytes, cursor) || !boot_id(arena, &boot) || !str_equal(cursor_str(cursor), boot))
                return false;
        *out_key = cursor_str(cursor);
        return !cursor->failed;
}

/* ---- putting and finding ---- */

static bool fill(const KeptBuild *build, const char *folder, Arena *arena) {
        CLEANUP(buf_deinit) Buf record = { .limit = RECORD_SIZE_MAX };
        Str boot;
        Error ignored;
        if (!boot_id(arena, &boot) || mkdir(folder, 0700) < 0)
                return false;
        for (size_t i = 0; i < build->file_count; i++)
                if (link(build->files[i].path, arena_printf(arena, "%s/%zu.parquet", folder, i)) < 0)
                        return false;
        record_of(build, boot, &record);
        return !record.failed && file_write_text(path_join(arena, folder, RECORD), buf_view(&record), &ignored) == STATUS_OK;
}

void kept_put(Lake *lake, const KeptBuild *build) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        Error ignored;
        const char *folder = temporary_folder(lake, &arena);
        if (dir_make(lake->store->built_dir, &ignored) != STATUS_OK)
                return;
        bool done = fill(build, folder, &arena);
        if (done) {
                const char *place = folder_of(lake, build->table, &arena);
                remove_folder(lake, place);
                done = rename(folder, place) == 0; /* not where another was quicker: one of them is enough */
        }
        if (!done)
                (void)dir_remove_all(folder, &ignored);
}

bool kept_find(Lake *lake, Str table, Str key, Arena *arena, KeptBuild *out) {
        const char *folder = folder_of(lake, table, arena);
        Cursor cursor;
        Str kept_key;
        *out = (KeptBuild){ .table = table, .key = key };
        return read_head(folder, arena, &cursor, &kept_key) && str_equal(kept_key, key) &&
               read_files(&cursor, folder, arena, out);
}

void kept_remove(Lake *lake, Str table) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        remove_folder(lake, folder_of(lake, table, &arena));
}

/* ---- upkeep ---- */

static bool is_stale(const char *folder, Str name, int64_t age_us, Arena *arena) {
        struct stat st;
        Cursor cursor;
        Str key;
        if (stat(folder, &st) < 0)
                return false;
        int64_t age = time_now_us() - (int64_t)st.st_mtim.tv_sec * 1000000;
        if (str_starts_with(name, STR(TEMPORARY)))
                return age > HALF_MADE_US;
        return age > age_us || !read_head(folder, arena, &cursor, &key);
}

size_t kept_tidy(Lake *lake, int64_t age_us) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        DirEntry *entries = NULL;
        Error ignored;
        size_t count = 0, removed = 0;
        if (dir_list(lake->store->built_dir, &arena, &entries, &count, &ignored) != STATUS_OK)
                return 0;
        for (size_t i = 0; i < count; i++) {
                const char *folder = path_join(&arena, lake->store->built_dir, arena_cstr(&arena, entries[i].name));
                if (!entries[i].is_dir || !is_stale(folder, entries[i].name, age_us, &arena))
                        continue;
                remove_folder(lake, folder);
                removed++;
        }
        return removed;
}
