/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/archive_mark.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/file.h"

#define MARK_SIZE_MAX 8192

ArchiveMark archive_mark_of(Str name, const struct stat *st) {
        ArchiveMark mark = { .name = name, .file = file_seen_of(st) };
        mark.file.sha256 = STR("");
        return mark;
}

Status archive_mark_write(const ArchiveMark *mark, const char *folder, Arena *arena, Error *err) {
        Str text = arena_strf(arena, "%" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %.*s\n%.*s", mark->file.device,
                              mark->file.inode, mark->file.size, mark->file.mtime_ns, mark->file.ctime_ns, mark->file.looked_us, STR_ARG(mark->file.sha256), STR_ARG(mark->name));
        return file_replace(path_join(arena, folder, ARCHIVE_MARK_FILE), text, err);
}

bool archive_mark_read(const char *folder, Arena *arena, ArchiveMark *out) {
        Str text, numbers;
        Error ignored;
        *out = (ArchiveMark){ 0 };
        if (file_read(path_join(arena, folder, ARCHIVE_MARK_FILE), MARK_SIZE_MAX, arena, &text, &ignored) != STATUS_OK ||
            !str_cut(text, '\n', &numbers, &out->name) || out->name.size == 0)
                return false;
        int64_t *const wanted[] = { &out->file.device, &out->file.inode, &out->file.size, &out->file.mtime_ns, &out->file.ctime_ns, &out->file.looked_us };
        for (size_t i = 0; i < COUNT_OF(wanted); i++) {
                Str number;
                if (!str_cut(numbers, ' ', &number, &numbers) || !str_to_int64(number, wanted[i]))
                        return false;
        }
        out->file.sha256 = numbers;
        return true;
}

bool archive_mark_fits(const ArchiveMark *mark, const struct stat *st) {
        return S_ISREG(st->st_mode) && file_seen_fits(&mark->file, st);
}
