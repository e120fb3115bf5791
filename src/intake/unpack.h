/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Unpack: archives become their members, each a file as if a sender had put it into ingress, called
 * ARCHIVE/MEMBER; discovery finds them in the store, and all that follows knows nothing of archives.
 *
 *   a worker writes the members, one after the other, into a file without a name
 *   they are copied to commit/unpacked/ZONE/.ID.N/ARCHIVE/MEMBER and made durable, then the folder loses its dot
 *   the archive is unlinked in ingress         a crash before it: the next run unpacks it again, and lands duplicates
 *
 * An archive elsewhere, which some feed's pattern names, or members of it, is left where it is, and remembered as any file
 * elsewhere: by device, inode, size and times, and by its hash where these are younger than the last look. Its folder is
 * called ID.e and has its name in a file `.name`, since that may lead anywhere.
 *
 * N is the length of the archive's name. An archive is unpacked whole or not at all; one that lay in another stays a file,
 * which a source may claim (and hold) or nobody does. What nobody claims stays in commit/unpacked/ and is told of.
 */
#include "engine/worker.h"
#include "intake/discover.h"
#include "lake/lake.h"

typedef enum UnpackState {
        UNPACK_DONE,
        UNPACK_HELD,      /* the archive is at fault, or something in it; it stays where it is */
        UNPACK_FAILED,    /* it could not be read or written; message says why */
        UNPACK_KNOWN,     /* elsewhere, and unpacked before */
        UNPACK_UNSETTLED, /* somebody writes it still, or another run has it */
} UnpackState;

typedef struct UnpackedFile {
        const FoundFile *file;
        UnpackState state;
        Str message;
        size_t members, dropped;
} UnpackedFile;

/*
 * Those of the found files that are archives, with what became of each. Fails only when the store or all
 * workers do. INTERRUPTED when that is set meanwhile (NULL = never).
 */
Status unpack_archives(Lake *lake, WorkerPool *pool, const FoundFile *files, size_t count, const volatile sig_atomic_t *interrupted, Arena *arena,
                       UnpackedFile **out, size_t *out_count, Error *err);

/* Removes folders whose members were all taken, and what the dead left half unpacked. */
void unpack_tidy(const Store *store);
