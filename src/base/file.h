/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Files on a local disk: whole reads, durable replacement, locks. Paths are C strings.
 * "Durable" means: the bytes are synced, then the name, then the folder. A failed sync ends the process, with the exit
 * status of IO and without another word on standard output: what the kernel then holds is unknown, and a second try
 * would lie (PostgreSQL learned that for everyone in 2018). What a dead process leaves, the next one makes good.
 */
#include <signal.h>

#include "base/buf.h"
#include "base/hash.h"

/* NOT_FOUND, IO, LIMIT. The bytes are ended by a NUL that is not counted. */
Status file_read(const char *path, size_t limit, Arena *arena, Str *out, Error *err);
Status file_read_fd(int fd, const char *name, size_t limit, Arena *arena, Str *out, Error *err);
/* For reading, without ever waiting. NOT_FOUND, IO (also for a pipe or a device). */
Status file_open(const char *path, int *out_fd, Error *err);
/* SHA-256 and size of what lies from offset 0 to the end, read piece by piece; limit: only so many bytes (-1 = all). The
 * descriptor's position does not matter and stays. IO. */
Status fd_hash(int fd, const char *name, int64_t limit, Sha256 *out, int64_t *out_size, Error *err);
/* NOT_FOUND, IO (also for what is no plain file). */
Status file_hash(const char *path, Sha256 *out, int64_t *out_size, Error *err);
Status fd_write_all(int fd, Str bytes, const char *name, Error *err);
/* So many bytes of a file, from a place in it, to where `to` stands, which `name` is; shared by both files where the file
 * system can do that. IO (also where there are fewer), DISK_FULL. */
Status fd_copy(int from, int64_t at, int64_t size, int to, const char *name, Error *err);
/* Syncs or ends the process. */
void fd_sync(int fd, const char *name);
void dir_sync(const char *path);
/* For other libraries that sync by themselves: ends the process because of what became of this file. */
void sync_failed(const char *name, int errnum) NORETURN;
/* A new file that must not exist: written, synced; its folder is synced too unless sync_dir is false. */
Status file_create(const char *path, Str bytes, bool sync_dir, Error *err);
/* Replaces by a temporary file and rename, durable. */
Status file_replace(const char *path, Str bytes, Error *err);
/* Plain write for text that the user will keep in git (temporary file and rename, not synced). */
Status file_write_text(const char *path, Str bytes, Error *err);
bool file_exists(const char *path);
Status dir_make(const char *path, Error *err); /* with parents; an existing one is fine */
#define DIR_TRIES 20 /* where others remove a folder as long as it is empty: how often it is made before something is in it */
Status dir_remove_all(const char *path, Error *err); /* absent is fine */

typedef struct DirEntry {
        Str name;
        bool is_dir, is_file;
} DirEntry;
/* Sorted bytewise by name, without . and ..; links are what they lead to, a broken one is neither folder nor file. */
Status dir_list(const char *path, Arena *arena, DirEntry **out, size_t *out_count, Error *err);

/* Open-file-description locks: they die with the last descriptor. Blocks unless `try`; try gives CONFLICT. INTERRUPTED only
 * as file_lock_heed() says. */
Status file_lock(int fd, bool exclusive, bool try_only, Error *err);
/* From now on a wait for a lock ends where a signal has come and its handler has set this: whoever holds the lock may be
 * stopped for ever. Of the whole process; NULL, as it begins: no signal ends one. Call it before there are threads. */
void file_lock_heed(const volatile sig_atomic_t *interrupted);
/* Whether that flag is set: for other waits for other processes. */
bool file_lock_is_interrupted(void);
void file_unlock(int fd);
/* An exclusive lock on one byte, for one of many things that share a lock file; false when another process has it. */
bool file_lock_byte(int fd, int64_t offset);
/* Whether somebody holds an exclusive lock on the file right now. True as well when that cannot be told (no descriptors
 * left, say): who asks wants to remove what belongs to the dead. An absent file is not locked. */
bool file_is_locked(const char *path);

char *path_join(Arena *arena, const char *a, const char *b);
const char *path_base(const char *path); /* after the last slash */
char *path_dir(Arena *arena, const char *path);
char *path_absolute(Arena *arena, const char *path); /* against the working folder; lexical, no links resolved */
