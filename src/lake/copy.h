/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Copying files of a store that are held to a hash; private to this room. */
#include <sys/types.h>

#include "base/hash.h"
#include "base/vec.h"
#include "lake/backup.h"

typedef struct CopyTally {
        int64_t files, bytes;      /* copied */
        int64_t done, total;       /* bytes, for progress; what needed no copying counts as done */
        void (*progress)(void *context, int64_t done, int64_t total);
        void *context;
        const volatile sig_atomic_t *interrupted;
        VEC(BackupDamage) damages;
} CopyTally;

typedef struct CopyFile {
        const char *from, *to;
        Str sha256;  /* hex; the copy is not kept if it has another */
        int64_t bytes;
        mode_t mode;
} CopyFile;

/* Folders of `to` are made. Not synced: sync_folder() once for all. *out_message is NULL, or why it was not taken: gone,
 * unreadable, other bytes. Failures to write are errors. */
Status copy_file_held(const CopyFile *file, CopyTally *tally, Arena *arena, const char **out_message, Error *err);
/* All that was written on the file system of a folder is on the disk when this returns. */
Status sync_folder(const char *folder, Error *err);
void copy_progress(CopyTally *tally, int64_t bytes);
Status copy_interrupted(const CopyTally *tally, Error *err);

/* Each file that a catalog's commits added and that has to be there, once; and each landed one. */
typedef struct StoredFile {
        Str path;    /* below the root */
        Str sha256;  /* what lies there: moved_sha256 where it was moved */
        int64_t bytes, seq;
        const CatalogFile *row; /* NULL: landed */
} StoredFile;
Status each_stored(Catalog *catalog, Status (*each)(void *context, const StoredFile *file, Error *err), void *context,
                   Error *err);
