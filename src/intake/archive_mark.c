/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/archive_mark.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/time.h"

#define MARK_SIZE_MAX 8192
#define CLOCK_GRAIN_US 2000000 /* more than that of any file system */

static int64_t nanoseconds(struct timespec t) {
        return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

ArchiveMark archive_mark_of(Str name, const struct stat *st) {
        return (ArchiveMark){ .name = name,
                              .sha256 = STR(""),
                              .device = (int64_t)st->st_dev,
                              .inode = (int64_t)st->st_ino,
                              .size = st->st_size,
                              .mtime_ns = nanoseconds(st->st_mtim),
                              .ctime_ns = nanoseconds(st->st_ctim),
                              .read_us = time_now_us() };
}

Status archive_mark_write(const ArchiveMark *mark, const char *folder, Arena *arena, Error *err) {
        Str text = arena_strf(arena, "%" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %.*s\n%.*s", mark->device, mark->inode,
                              mark->size, mark->mtime_ns, mark->ctime_ns, mark->read_us, STR_ARG(mark->sha256), STR_ARG(mark->name));
        return file_replace(path_join(arena, folder, ARCHIVE_MARK_FILE), text, err);
}

bool archive_mark_read(const char *folder, Arena *arena, ArchiveMark *out) {
        Str text, numbers;
        Error ignored;
        *out = (ArchiveMark){ 0 };
        if (file_read(path_join(arena, folder, ARCHIVE_MARK_FILE), MARK_SIZE_MAX, arena, &text, &ignored) != STATUS_OK ||
            !str_cut(text, '\n', &numbers, &out->name) || out->name.size == 0)
                return false;
        int64_t *const wanted[] = { &out->device, &out->inode, &out->size, &out->mtime_ns, &out->ctime_ns, &out->read_us };
        for (size_t i = 0; i < COUNT_OF(wanted); i++) {
                Str number;
                if (!str_cut(numbers, ' ', &number, &numbers) || !str_to_int64(number, wanted[i]))
                        return false;
        }
        out->sha256 = numbers;
        return true;
}

bool archive_mark_fits(const ArchiveMark *mark, const struct stat *st) {
        return S_ISREG(st->st_mode) && mark->device == (int64_t)st->st_dev && mark->inode == (int64_t)st->st_ino && mark->size == st->st_size &&
               mark->mtime_ns == nanoseconds(st->st_mtim) && mark->ctime_ns == nanoseconds(st->st_ctim);
}

bool archive_mark_is_young(const ArchiveMark *mark) {
        return mark->read_us <= mark->ctime_ns / 1000 + CLOCK_GRAIN_US;
}
