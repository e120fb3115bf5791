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
        Arena *arena;              /* of the paths below */
        VEC(const char *) written; /* and not synced yet */
} CopyTally;

typedef struct CopyFile {
        const char *from, *to;
        Str sha256;  /* hex; the copy is not kept if it has another */
        int64_t bytes;
        mode_t mode;
} CopyFile;

/* With parents; the names of all that are made are on the disk when it returns. *out_new: it was not there. */
Status folder_make_durable(const char *path, bool *out_new, Error *err);
/* The mark of a folder that is being written: the file FOLDER/unfinished. What it says tells it from one of somebody's. */
Status folder_mark(const char *folder, Error *err);
/* It has the mark, or nothing but what is there before the mark is whole. */
bool folder_is_ours(const char *folder, Arena *arena);
/* The store or backup that `path` would lie in; NULL: in none. */
const char *folder_around(const char *path, Arena *arena);
/* Folders of `to` are made. Not synced: copy_sync() once for all. *out_message is NULL, or why it was not taken: gone,
 * unreadable, other bytes. Failures to write are errors. */
Status copy_file_held(const CopyFile *file, CopyTally *tally, Arena *arena, const char **out_message, Error *err);
/* The same for bytes that are not a copy. */
Status write_file_held(const char *path, Str bytes, mode_t mode, CopyTally *tally, Error *err);
/* All that was written since is on the disk when this returns, its folders up to `top` too. Together at the end: the disk
 * has written most of it by itself then, and one commit of the file system's journal serves all. */
Status copy_sync(CopyTally *tally, const char *top, Error *err);
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
