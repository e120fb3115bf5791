/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Archive: what is in a zip or a tar, plain or compressed. What an archive is is told by its bytes; a workbook is a zip too
 * and none. unpack.h takes it apart. Plain data in the caller's arena.
 */
#include "base/arena.h"
#include "base/error.h"

#define ARCHIVE_MEMBERS_MAX 10000
#define ARCHIVE_NAME_MAX 400 /* bytes of a member's path */
#define ARCHIVE_DEPTH_MAX 8  /* folders */

typedef struct ArchiveMember {
        Str name; /* safe: archive_name() made it */
        uint64_t size;
} ArchiveMember;

typedef struct Archive {
        bool is_one;            /* else nothing was written and nothing follows */
        ArchiveMember *members; /* files alone, in the order of their bytes */
        size_t count;
        size_t dropped;         /* what a packing program put in for itself (__MACOSX, .DS_Store, Thumbs.db) */
} Archive;

/* Whether a file that begins so may be an archive; only unpacking tells. */
bool archive_may_be(Str head);

/*
 * A member's name as the path of a file below a folder: slashes between parts, no part that is empty, `.` or `..`, none
 * that discovery passes over (a dot before, .tmp behind: those get a `_`). Empty text: what is to be dropped. HELD: a name
 * that leads out of the archive or cannot be a file's.
 */
Status archive_name(Str as_written, Arena *arena, Str *out, Error *err);
