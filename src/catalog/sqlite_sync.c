/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SQLite's way to the disk, but for what it does when a sync or a read fails. SQLite rolls back and lets its caller try again,
 * and of a folder it does not even look at the result; here a failed sync ends the process, as everywhere in Lode
 * (base/file.h): what was being committed is not answered, and the journal on the disk decides for the next process.
 *
 * The unix VFS stays in charge of everything else. A file that it opened gets a copy of its table of methods, in which
 * xSync and xRead are ours.
 */
#include <errno.h>
#include <pthread.h>

#include "base/file.h"
#include "catalog/sqlite.h"

#define TABLES_MOST 8 /* the unix VFS has one per way of locking */

typedef struct Methods {
        sqlite3_io_methods ours; /* first: a file points here */
        const sqlite3_io_methods *real;
} Methods;

static Methods tables[TABLES_MOST];
static size_t table_count;
static pthread_mutex_t tables_lock = PTHREAD_MUTEX_INITIALIZER;

static sqlite3_vfs *unix_vfs;
static sqlite3_vfs our_vfs;

static int sync_or_end(sqlite3_file *file, int flags) {
        const Methods *methods = (const Methods *)(const void *)file->pMethods;
        int code = methods->real->xSync(file, flags);
        if (code != SQLITE_OK)
                sync_failed("the catalog", errno ? errno : EIO);
        return code;
}

/* SQLite takes a read that fails with EIO for damage to its file. It may be a cable: what is damaged is told by checksums. */
static int read_or_fail(sqlite3_file *file, void *out, int size, sqlite3_int64 offset) {
        const Methods *methods = (const Methods *)(const void *)file->pMethods;
        int code = methods->real->xRead(file, out, size, offset);
        return code == SQLITE_IOERR_CORRUPTFS ? SQLITE_IOERR_READ : code;
}

static const sqlite3_io_methods *methods_over(const sqlite3_io_methods *real) {
        size_t at = 0;
        pthread_mutex_lock(&tables_lock);
        while (at < table_count && tables[at].real != real)
                at++;
        if (at == TABLES_MOST)
                panic("SQLite has more kinds of files than are known");
        if (at == table_count) {
                tables[at] = (Methods){ .ours = *real, .real = real };
                tables[at].ours.xSync = sync_or_end;
                tables[at].ours.xRead = read_or_fail;
                table_count++;
        }
        pthread_mutex_unlock(&tables_lock);
        return &tables[at].ours;
}

/* Makes the file, with the rights that SQLite gives it, and its name lasts. */
static int create_to_last(const char *name, sqlite3_file *file, int flags) {
        int code = unix_vfs->xOpen(unix_vfs, name, file, flags, NULL);
        if (code != SQLITE_OK)
                return code;
        file->pMethods->xClose(file);
        CLEANUP(arena_deinit) Arena arena = { 0 };
        dir_sync(path_dir(&arena, name));
        return SQLITE_OK;
}

/*
 * A journal's name must last before anything relies on the journal. SQLite syncs its folder with the first sync of each
 * journal that it was free to create, and ignores the outcome. So it is made here first, and SQLite is never free to.
 */
static int open_file(sqlite3_vfs *vfs UNUSED, const char *name, sqlite3_file *file, int flags, int *out_flags) {
        bool may_create = name && flags & (SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_WAL) && flags & SQLITE_OPEN_CREATE;
        if (may_create && !file_exists(name)) {
                int code = create_to_last(name, file, flags);
                if (code != SQLITE_OK)
                        return code;
        }
        if (may_create)
                flags &= ~SQLITE_OPEN_CREATE;
        int code = unix_vfs->xOpen(unix_vfs, name, file, flags, out_flags);
        if (code == SQLITE_OK)
                file->pMethods = methods_over(file->pMethods);
        return code;
}

static void make_vfs(void) {
        unix_vfs = sqlite3_vfs_find("unix");
        if (!unix_vfs)
                panic("SQLite has no unix files");
        our_vfs = *unix_vfs; /* its private data too, by which its other functions know themselves */
        our_vfs.zName = "lode";
        our_vfs.pNext = NULL;
        our_vfs.xOpen = open_file;
        sqlite3_vfs_register(&our_vfs, 0);
}

const char *sqlite_vfs_name(void) {
        static pthread_once_t once = PTHREAD_ONCE_INIT;
        pthread_once(&once, make_vfs);
        return our_vfs.zName;
}
