/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Trouble with a disk, for tests. Included by the one source of a test program.
 *
 * The calls that change a disk are defined here, in the program, and so taken by our libraries and by SQLite instead of
 * the C library's. In a child whose `trouble_at` is N the Nth of them ends the process at once: writes after half of
 * their bytes, the others before they are made. Or, if `disk_full`, it fails with ENOSPC, and the process goes on. (Not
 * so a sync: a failed sync ends the process, which is the other case.)
 *
 * Or each call first asks `turn`, for a simulator that lets one process run at a time (sim_test.c).
 *
 * A power cut: with `shadow` set, each sync records what it made durable, a file's bytes or a folder's entries, by
 * inode. power_off() then builds the store again from that alone, or with a part of the rest by luck. Nothing else is
 * taken as durable: not a file's name because the file was synced, not a rename because a later one was.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"
#include "base/map.h"

#define CRASHED 77
#define TORN_PAGE 4096
#define HERE (-100) /* AT_FDCWD, without fcntl.h and its own inline functions */

static long trouble_at; /* 0 = never */
static bool disk_full;
static bool at_commits; /* of the calls only the sync of a journal that was emptied counts: what is committed is seen, not durable */
static long calls;

static const char *shadow; /* where syncs are recorded; NULL = they are not */
static bool recording;     /* our own calls do not count */

/* Waits until this process may go on: 0 and the call is made, -1 and the process dies in it, else it fails with that. */
static int (*turn)(void);
static int turn_gave;

static bool in_trouble(void) {
        if (recording)
                return false;
        if (turn)
                return (turn_gave = turn()) != 0;
        return trouble_at && !at_commits && ++calls == trouble_at;
}

/* Dies, or fails. */
static int give_trouble(void) {
        if (turn ? turn_gave < 0 : !disk_full)
                syscall(SYS_exit_group, CRASHED);
        errno = turn ? turn_gave : ENOSPC;
        return -1;
}

#define TAKE_OVER(result, name, symbol, ...)                                             \
        __attribute__((visibility("default"))) result name(__VA_ARGS__) __asm__(symbol); \
        result name(__VA_ARGS__)

TAKE_OVER(ssize_t, troubled_write, "write", int fd, const void *bytes, size_t size) {
        bool last = in_trouble();
        ssize_t done = syscall(SYS_write, fd, bytes, last ? size / 2 : size);
        return last ? give_trouble() : done;
}

static ssize_t do_pwrite(int fd, const void *bytes, size_t size, off_t at) {
        bool last = in_trouble();
        ssize_t done = syscall(SYS_pwrite64, fd, bytes, last ? size / 2 : size, at);
        return last ? give_trouble() : done;
}

TAKE_OVER(ssize_t, troubled_pwrite, "pwrite", int fd, const void *bytes, size_t size, off_t at) {
        return do_pwrite(fd, bytes, size, at);
}

TAKE_OVER(ssize_t, troubled_pwrite64, "pwrite64", int fd, const void *bytes, size_t size, off_t at) {
        return do_pwrite(fd, bytes, size, at);
}

#define TAKE_OVER_PLAIN(symbol, spared, parameters, arguments)                                    \
        __attribute__((visibility("default"))) int troubled_##symbol parameters __asm__(#symbol); \
        int troubled_##symbol parameters {                                                        \
                if (!(spared) && in_trouble())                                                    \
                        return give_trouble();                                                    \
                return (int)syscall arguments;                                                    \
        }

TAKE_OVER_PLAIN(ftruncate, false, (int fd, off_t size), (SYS_ftruncate, fd, size))
TAKE_OVER_PLAIN(ftruncate64, false, (int fd, off_t size), (SYS_ftruncate, fd, size))
TAKE_OVER_PLAIN(rename, false, (const char *from, const char *to), (SYS_renameat2, HERE, from, HERE, to, 0))
TAKE_OVER_PLAIN(link, false, (const char *from, const char *to), (SYS_linkat, HERE, from, HERE, to, 0))
TAKE_OVER_PLAIN(unlink, disk_full, (const char *path), (SYS_unlinkat, HERE, path, 0))
TAKE_OVER_PLAIN(rmdir, disk_full, (const char *path), (SYS_unlinkat, HERE, path, 0x200 /* AT_REMOVEDIR */))

/* ---- what is durable ---- */

typedef struct Inode {
        char key[64]; /* number and time of birth: numbers are used again */
        bool is_dir;
} Inode;

static bool inode_at(int folder, const char *path, int flags, Inode *out) {
        struct statx st;
        if (statx(folder, path, flags, STATX_TYPE | STATX_INO | STATX_BTIME, &st) < 0)
                return false;
        snprintf(out->key, sizeof(out->key), "%llx-%llx-%x", (unsigned long long)st.stx_ino,
                 (unsigned long long)st.stx_btime.tv_sec, st.stx_btime.tv_nsec);
        out->is_dir = S_ISDIR(st.stx_mode);
        return true;
}

/* What has just been made at this path has nothing of the inode that had its number before, within the same tick. */
static void begin_anew(const char *path) {
        char place[4096];
        Inode inode;
        if (!shadow || recording || !inode_at(HERE, path, 0, &inode))
                return;
        snprintf(place, sizeof(place), "%s/%s", shadow, inode.key);
        syscall(SYS_unlinkat, HERE, place, 0);
}

TAKE_OVER(int, troubled_mkdir, "mkdir", const char *path, mode_t mode) {
        if (in_trouble())
                return give_trouble();
        int made = (int)syscall(SYS_mkdirat, HERE, path, mode);
        if (made == 0)
                begin_anew(path);
        return made;
}

static Status list_folder(const char *path, Arena *arena, Str *out, Error *err) {
        DirEntry *entries = NULL;
        size_t count = 0;
        CLEANUP(buf_deinit) Buf lines = { 0 };
        TRY(dir_list(path, arena, &entries, &count, err));
        for (size_t i = 0; i < count; i++) {
                Inode inode;
                if (inode_at(HERE, path_join(arena, path, arena_cstr(arena, entries[i].name)), 0, &inode))
                        buf_printf(&lines, "%s %c %.*s\n", inode.key, inode.is_dir ? 'd' : 'f', STR_ARG(entries[i].name));
        }
        *out = buf_dup(&lines, arena);
        return STATUS_OK;
}

/* Through the descriptor itself: closing another one on the catalog would give back SQLite's locks. False: it is only
 * for writing. */
static bool read_descriptor(int fd, Arena *arena, Str *out) {
        struct stat st;
        if (fd < 0 || fstat(fd, &st) < 0)
                return false;
        char *bytes = arena_alloc(arena, (size_t)st.st_size + 1);
        *out = (Str){ bytes, (size_t)st.st_size };
        return pread(fd, bytes, (size_t)st.st_size, 0) == st.st_size;
}

/* What it is now is what a power cut leaves of it. fd may be -1. */
static Status record(int fd, const char *path, const Inode *inode, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        Str bytes, before;
        Error absent = { 0 };
        const char *place = path_join(&arena, shadow, inode->key);
        if (inode->is_dir)
                TRY(list_folder(path, &arena, &bytes, err));
        else if (!read_descriptor(fd, &arena, &bytes))
                TRY(file_read(path, 64u << 20, &arena, &bytes, err));
        if (file_read(place, 64u << 20, &arena, &before, &absent) == STATUS_OK && str_equal(before, bytes))
                return STATUS_OK;
        return file_write_text(place, bytes, err);
}

/* Nothing is really synced: no power is cut here, and the disk of whoever runs the tests is busy enough. */
static int synced(int fd) {
        Inode inode;
        if (!shadow || recording || !inode_at(fd, "", 0x1000 /* AT_EMPTY_PATH */, &inode))
                return 0;
        char path[64];
        Error err = { 0 };
        recording = true;
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        if (record(fd, path, &inode, &err) != STATUS_OK)
                panic("%s", err.message);
        recording = false;
        return 0;
}

static bool is_emptied_journal(int fd) {
        char place[64], path[4096];
        struct stat st;
        snprintf(place, sizeof(place), "/proc/self/fd/%d", fd);
        ssize_t size = readlink(place, path, sizeof(path));
        return size > 0 && str_ends_with((Str){ path, (size_t)size }, STR("-journal")) && fstat(fd, &st) == 0 && st.st_size == 0;
}

/* A sync does not fail: that would end the process, which is the other case. */
static bool dies_syncing(int fd) {
        if (trouble_at && at_commits && !recording)
                return is_emptied_journal(fd) && ++calls == trouble_at;
        return !disk_full && in_trouble() && (!turn || turn_gave < 0);
}

TAKE_OVER(int, troubled_fsync, "fsync", int fd) {
        return dies_syncing(fd) ? give_trouble() : synced(fd);
}

TAKE_OVER(int, troubled_fdatasync, "fdatasync", int fd) {
        return dies_syncing(fd) ? give_trouble() : synced(fd);
}

/* All that lies below is durable as it is; places get the path of each inode. */
static Status record_all(const char *path, Map *places, bool to_shadow, Error *err) {
        Inode inode;
        Str listing, line, key, rest, kind, name;
        if (!inode_at(HERE, path, 0, &inode))
                return error_set(err, STATUS_NOT_FOUND, "no '%s'", path);
        if (to_shadow)
                TRY(record(-1, path, &inode, err));
        map_put(places, str_of(inode.key), arena_cstr(places->arena, str_of(path)));
        if (!inode.is_dir)
                return STATUS_OK;
        TRY(list_folder(path, places->arena, &listing, err));
        while (str_cut(listing, '\n', &line, &listing)) {
                str_cut(line, ' ', &key, &rest);
                str_cut(rest, ' ', &kind, &name);
                TRY(record_all(path_join(places->arena, path, arena_cstr(places->arena, name)), places, to_shadow, err));
        }
        return STATUS_OK;
}

typedef struct PowerCut {
        Arena *arena;
        Map places;    /* where each inode lies in the store as the process left it */
        uint64_t luck; /* 0: nothing survives that was not synced; else the seed of what does, by whole files and folders */
} PowerCut;

static bool survives(PowerCut *cut) {
        if (cut->luck == 0)
                return false;
        cut->luck = cut->luck * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        return cut->luck >> 63;
}

/* Some pages of a file as they were, some as last synced, as a kernel writes them back: in any order. */
static Str torn(PowerCut *cut, Str now, Str synced_bytes) {
        size_t size = survives(cut) ? now.size : synced_bytes.size;
        char *bytes = arena_alloc(cut->arena, size + 1);
        for (size_t at = 0; at < size; at += TORN_PAGE) {
                Str from = survives(cut) ? now : synced_bytes;
                size_t end = at + TORN_PAGE < size ? at + TORN_PAGE : size;
                if (at < from.size)
                        memcpy(bytes + at, from.data + at, (end < from.size ? end : from.size) - at);
        }
        return (Str){ bytes, size };
}

/* The bytes or the listing that the cut leaves of an inode: as last synced (nothing if never), or as it was, or torn. */
static Str what_is_left(PowerCut *cut, Str key, bool is_dir) {
        Error err = { 0 };
        Str bytes = STR(""), before = STR("");
        const char *now = map_get(&cut->places, key);
        if (file_read(path_join(cut->arena, shadow, arena_cstr(cut->arena, key)), 64u << 20, cut->arena, &before,
                      &err) != STATUS_OK)
                before = STR("");
        if (!now || !survives(cut) ||
            (is_dir ? list_folder(now, cut->arena, &bytes, &err)
                    : file_read(now, 64u << 20, cut->arena, &bytes, &err)) != STATUS_OK)
                return before;
        return is_dir || survives(cut) ? bytes : torn(cut, bytes, before);
}

/* A file that is left as it was stays the same inode, which spares most of the writing. */
static Status rebuild_file(PowerCut *cut, Str key, const char *place, Error *err) {
        Str left = what_is_left(cut, key, false), bytes;
        const char *now = map_get(&cut->places, key);
        Error absent = { 0 };
        if (now && file_read(now, 64u << 20, cut->arena, &bytes, &absent) == STATUS_OK && str_equal(bytes, left) &&
            link(now, place) == 0)
                return STATUS_OK;
        return file_write_text(place, left, err);
}

static Status rebuild(PowerCut *cut, Str key, const char *path, Error *err) {
        Str listing = what_is_left(cut, key, true), line, child, rest, kind, name;
        TRY(dir_make(path, err));
        while (str_cut(listing, '\n', &line, &listing)) {
                str_cut(line, ' ', &child, &rest);
                str_cut(rest, ' ', &kind, &name);
                const char *place = path_join(cut->arena, path, arena_cstr(cut->arena, name));
                if (str_is(kind, "d"))
                        TRY(rebuild(cut, child, place, err));
                else
                        TRY(rebuild_file(cut, child, place, err));
        }
        return STATUS_OK;
}

/* From now on all of it is durable as it is. */
static Status power_on(const char *root, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        Map places;
        map_init(&places, &arena);
        TRY(dir_make(shadow, err));
        return record_all(root, &places, true, err);
}

static Status power_off(const char *root, uint64_t luck, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        PowerCut cut = { .arena = &arena, .luck = luck };
        Inode inode;
        const char *old = arena_printf(&arena, "%s.old", root);
        map_init(&cut.places, &arena);
        if (rename(root, old) < 0 || !inode_at(HERE, old, 0, &inode))
                return error_set(err, STATUS_IO, "cannot set the store aside");
        TRY(record_all(old, &cut.places, false, err));
        TRY(rebuild(&cut, str_of(inode.key), root, err));
        return dir_remove_all(old, err);
}
