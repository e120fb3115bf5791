/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Unpack: an archive to the bytes of its members, one after the other. Nothing is taken from an archive that is not wholly
 * understood: a member that is encrypted, a link, outside of the archive, there twice, or of bytes that are not as the
 * archive says makes all of it HELD, and so does one that unpacks to more than a bomb would.
 *
 * Pure: bytes come from a Source with read_at, and go to a function of the caller's. One thread.
 */
#include "frame/archive.h"
#include "frame/input.h"

typedef struct ArchiveSink {
        Status (*write)(void *context, Str bytes, Error *err);
        void *context;
} ArchiveSink;

/* Members' names lie in the arena. HELD: see above. IO of source and sink. */
Status archive_unpack(Source source, ArchiveSink sink, Arena *arena, Archive *out, Error *err);
