/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Tar: an archive of small text files, read whole and strictly: POSIX ustar with the extended headers that pax, GNU tar, git
 * and Python write for long names. Only plain files and folders may be in it. A link, a device, a sparse file, an absolute
 * path, a `..`, a name twice or a size beyond the limits refuses the whole archive, and the error says which entry. Pure:
 * nothing is written anywhere. Contents are borrowed from the bytes; names live in the arena.
 */
#include "base/arena.h"
#include "base/error.h"

typedef struct TarLimits {
        size_t files;
        size_t file_bytes; /* of one */
} TarLimits;

typedef struct TarFile {
        Str path; /* "zones/shop/zone.yml": relative, no "." or ".." in it, valid UTF-8 */
        Str bytes;
} TarFile;

/* In the archive's order. *out_comment: of `git archive`, the commit; empty without one. BAD_VALUE, LIMIT. */
Status tar_read(Str bytes, const TarLimits *limits, Arena *arena, TarFile **out, size_t *out_count, Str *out_comment, Error *err);
