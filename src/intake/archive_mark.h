/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * ArchiveMark: of which archive the members in a folder of commit/unpacked/ZONE/ are: its name, and, if it lies in ingress,
 * which version of it. An archive that is gone or changed has members no more. A file `.archive` of that folder, written
 * before the folder gets its name, and again when the same bytes lie there as another file.
 */
#include "base/str.h"
#include "base/arena.h"
#include "base/error.h"

#include <sys/stat.h>

typedef struct ArchiveMark {
        Str name;        /* as discovery calls it */
        Str sha256;
        int64_t device, inode, size, mtime_ns, ctime_ns;
        int64_t read_us; /* when its bytes were read */
} ArchiveMark;

#define ARCHIVE_MARK_FILE ".archive"

ArchiveMark archive_mark_of(Str name, const struct stat *st);
/* Whole or not at all; in the place of another. */
Status archive_mark_write(const ArchiveMark *mark, const char *folder, Arena *arena, Error *err);
/* False where there is none, or none that was written whole. */
bool archive_mark_read(const char *folder, Arena *arena, ArchiveMark *out);
/* By device, inode, size and times. */
bool archive_mark_fits(const ArchiveMark *mark, const struct stat *st);
/* Read so soon after the last change that a change since need not show in its times: then its bytes must tell. */
bool archive_mark_is_young(const ArchiveMark *mark);
