/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What archive.c and archive_zip.c share. For this room only. */
#include "base/map.h"
#include "base/vec.h"
#include "frame/unpack.h"

#define ARCHIVE_BLOCK (128u << 10)

typedef struct Unpacking {
        Source source;
        ArchiveSink sink;
        Arena *arena;
        VEC(ArchiveMember) members;
        Map names;
        size_t dropped;
        uint64_t bytes; /* of all members */
        Error *err;
} Unpacking;

/* Announces a member whose bytes follow; *out_dropped: they are not to be written. */
Status unpacking_member(Unpacking *unpacking, Str as_written, uint64_t size, bool *out_dropped);
/* LIMIT of what may come of an archive of so many bytes. */
Status unpacking_check_size(const Unpacking *unpacking, uint64_t archive_size);
bool archive_is_zip(Str head);
/* A workbook: *out_is_one = false. */
Status archive_unzip(Unpacking *unpacking, bool *out_is_one);
