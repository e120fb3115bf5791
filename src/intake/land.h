/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Land: files become deliveries. Each is copied once, hashed while copying, made durable, recorded in the ledger, and
 * only then taken out of ingress; a crash at any point loses nothing and doubles nothing:
 *
 *   copy to commit/arriving, hash             a crash leaves a file that nobody has locked; the next landing removes it
 *   fdatasync all, rename to landing/Z/S/YYYY-MM/HASH, fsync the folders
 *   one ledger transaction (row "landed")     from here on the file is acknowledged
 *   unlink in ingress                         a crash before it: the next run sees a duplicate; where bytes that came
 *                                             before may be news, because the ledger remembers the file until its
 *                                             removal lasts
 *
 * Up to LAND_BATCH files share the syncs and the transaction. Bytes never change once they have their name.
 */
#include "intake/discover.h"
#include "intake/order.h"
#include "lake/lake.h"

#include <signal.h>

#define LAND_BATCH 256

typedef enum LandState {
        LAND_NEW,       /* a delivery was recorded; staging reads it from the ledger */
        LAND_DUPLICATE, /* this source has these bytes already */
        LAND_HELD,      /* same name, other bytes, and the source rejects that */
        LAND_FAILED,    /* could not be read or written; message says why */
        LAND_UNSETTLED, /* somebody still writes it, or another run has it: not counted, the next run looks again */
        LAND_KNOWN,     /* lies outside ingress and has not changed since it was last taken: not counted */
} LandState;

typedef struct LandedFile {
        const FoundFile *file;
        LandState state;
        Delivery delivery; /* NEW and HELD: its row. DUPLICATE: that of the same bytes */
        Str message;
        int stays;         /* errno: it was taken and could not be removed from ingress. Each run will find it again, a duplicate */
} LandedFile;

/*
 * Lands claimed files (file->feed set, no rival). One result per file, in order. Fails only when the store or the
 * ledger does (DISK_FULL below the reserve, storage/layout.h); what is wrong with one file is in its result.
 * INTERRUPTED when that is set meanwhile (NULL = never): what has landed is recorded, what was half copied is gone.
 */
Status land_files(Lake *lake, const FoundFile *const *files, size_t count, const volatile sig_atomic_t *interrupted, Arena *arena,
                  LandedFile *out, Error *err);

/*
 * What land_files() would say, touching nothing. lake may be NULL: a store without deliveries. Only files that have the size
 * of another of their source are read, since no others can be duplicates; the hash of those that were not is empty in their
 * delivery, and so is where it landed.
 */
Status land_look(Lake *lake, const FoundFile *const *files, size_t count, const volatile sig_atomic_t *interrupted, Arena *arena,
                 LandedFile *out, Error *err);

/* Whether nobody writes the open file any more. */
bool land_is_settled(int fd, const struct stat *st, int64_t settle_us);
/* Of ingress without following a link. -1 and errno. */
int land_open(const FoundFile *file, Arena *arena);

/* `_file`: 63 bits of SHA-256 over the source's name, the content hash and as_of. */
int64_t delivery_id(Str zone, Str source, Str sha256, Str as_of);
