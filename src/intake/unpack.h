/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Unpack: archives become their members, each a file as if a sender had put it into ingress, called
 * ARCHIVE/MEMBER; discovery finds them in the store, and all that follows knows nothing of archives.
 *
 *   a worker writes the members, one after the other, into a file without a name
 *   they are copied to commit/unpacked/ZONE/.ID.i/MEMBER and made durable, then the folder loses its dot
 *   members are landed and removed from there as files in ingress are
 *   the archive is unlinked in ingress, and the folder after it, when no member is left
 *
 * So what nobody has landed is in the archive, and the archive where its sender put it: a member that no source wants is told
 * of at each run and lost to nobody. The folder's mark (archive_mark.h) says of which version of which archive it is. Where the
 * archive is gone, or another one by now, the folder is nothing and goes.
 *
 * An archive elsewhere, which some feed's pattern names, or members of it, is left where it is, and remembered as any file
 * elsewhere: by device, inode, size and times, and by its hash where these are younger than the last look. Its folder is
 * called ID.e.
 *
 * An archive is unpacked whole or not at all; one that lay in another stays a file, which a source may claim (and hold) or
 * nobody does.
 */
#include "engine/worker.h"
#include "intake/discover.h"
#include "lake/lake.h"

typedef enum UnpackState {
        UNPACK_DONE,
        UNPACK_HELD,      /* the archive is at fault, or something in it; it stays where it is */
        UNPACK_FAILED,    /* it could not be read or written; message says why */
        UNPACK_KNOWN,     /* unpacked before */
        UNPACK_UNSETTLED, /* somebody writes it still, or another run has it */
} UnpackState;

typedef struct UnpackedFile {
        const FoundFile *file;
        UnpackState state;
        Str message;
        size_t members, dropped;
} UnpackedFile;

typedef struct UnpackSpec {
        Lake *lake;            /* NULL only where it is looked */
        WorkerPool *pool;
        const char *look_into; /* NULL, or a folder of unpack_look_open(): nothing is remembered of the archives then */
        const volatile sig_atomic_t *interrupted; /* NULL = never */
} UnpackSpec;

/*
 * Those of the found files that are archives, with what became of each. Fails only when the store or all
 * workers do. INTERRUPTED.
 */
Status unpack_archives(const UnpackSpec *spec, const FoundFile *files, size_t count, Arena *arena, UnpackedFile **out, size_t *out_count, Error *err);

/* Removes archives of ingress whose members were all taken, members whose archive is gone, and what the dead left. */
void unpack_tidy(const Store *store, const char *project_root);

/* Whoever only wants to know what archives hold has them unpacked into a folder of its own. */
typedef struct UnpackLook {
        const char *folder;
        int lock; /* while it is held nobody takes the folder for a dead one's */
} UnpackLook;

/* store: NULL = there is none yet. Close it whatever it returns. */
Status unpack_look_open(const Store *store, Arena *arena, UnpackLook *out, Error *err);
void unpack_look_close(UnpackLook *look);
