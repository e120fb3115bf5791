/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * ArchiveMark: of which archive the members in a folder of commit/unpacked/ZONE/ are: its name, and, if it lies in ingress,
 * which version of it. An archive that is gone or changed has members no more. A file `.archive` of that folder, written
 * before the folder gets its name, and again when the same bytes lie there as another file.
 */
#include "intake/file_seen.h"

typedef struct ArchiveMark {
        Str name;      /* as discovery calls it */
        FileSeen file; /* the version, when its bytes were read, and their SHA-256; nothing else of it */
} ArchiveMark;

#define ARCHIVE_MARK_FILE ".archive"

ArchiveMark archive_mark_of(Str name, const struct stat *st);
/* Whole or not at all; in the place of another. */
Status archive_mark_write(const ArchiveMark *mark, const char *folder, Arena *arena, Error *err);
/* False where there is none, or none that was written whole. */
bool archive_mark_read(const char *folder, Arena *arena, ArchiveMark *out);
/* A file, and that version of it. */
bool archive_mark_fits(const ArchiveMark *mark, const struct stat *st);
