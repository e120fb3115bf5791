/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Box: takes from this process everything that a worker does not need, for good. Entered once, by the only thread,
 * after the libraries are loaded and before the engine opens (threads that exist already would stay outside).
 *
 *      no new privileges; ends with its parent; not dumpable; limits on address space, files and cores
 *      Landlock: reads FOLDER/g, writes FOLDER/out and FOLDER/spill, and the two files the engine cannot open without
 *      seccomp: a list of allowed system calls; any other answers EPERM
 *
 * A worker built with a sanitizer (SANITIZED) has no limit on its address space, for their shadow takes terabytes; all
 * else of the box holds for it.
 *
 * Descriptors that are open already keep working; that is how a worker gets users' files.
 */
#include "base/arena.h"
#include "base/error.h"

typedef struct BoxOptions {
        const char *folder;     /* holds g/, out/ and spill/ */
        uint64_t address_limit; /* bytes of address space; 0 = no limit */
        int parent;             /* the process to die with; 0 = nobody */
        bool limits_only;       /* no Landlock and no seccomp: LODE_UNSAFE_NO_SANDBOX */
} BoxOptions;

/* SANDBOX when this kernel lacks Landlock or seccomp. A half-entered box is no box: the process must end. */
Status box_enter(const BoxOptions *options, Error *err);
