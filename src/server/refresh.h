/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Refresh: takes what arrives, and builds what depends on it, as each zone's `refresh` says: on arrival, every so often, or
 * not at all. One thread watches the folders that files arrive in (inotify, and a look now and then for file systems that
 * tell nothing), waits until it is quiet for a moment, and runs `lode run --applied` for the zones that are due.
 *
 * Why a program of its own: a run opens files of anybody's, holds a great deal of memory for a while and may be killed; the
 * server must not notice. It is the same program and the same way that people run by hand, so it does the same things, and
 * the catalog lets several runs work side by side. Servers that share a store take turns by a lock: what one took, the next
 * does not find any more.
 *
 * What fails for reasons outside (disk, catalog, a killed process) is tried again, later each time, up to five minutes. That
 * files were held or models failed is no such reason: it is told, and waits for other text or other files.
 */
#include "base/error.h"
#include "server/metrics.h"

/* Catalog meta: when and why the last one could not do its work, for `status`; empty once one could. */
#define META_REFRESH "refresh"

typedef struct Refresh Refresh;

typedef struct RefreshOptions {
        const char *store;   /* the store's folder */
        const char *project; /* the project's: its ingress/, and where runs stand */
        Metrics *metrics;
        int64_t quiet_us;    /* how long nothing must have come; default 1 s */
        int64_t longest_us;  /* ... but no longer than this after the first; default 10 s */
        int64_t look_us;     /* how often it looks by itself; default 15 s */
} RefreshOptions;

/* Starts the thread. IO. */
Status refresh_start(const RefreshOptions *options, Refresh **out, Error *err);
/* Something else calls for a refresh: text that was applied. Any thread. */
void refresh_poke(Refresh *refresh);
/* For metrics: when the last good one ended (wall clock, 0 = none), how long the last one took, whether one runs. */
void refresh_now(Refresh *refresh, int64_t *out_good_us, int64_t *out_took_us, bool *out_running);
/* No run begins any more, and one that is on its way is interrupted, which loses nothing. Returns at once. NULL is fine. */
void refresh_stop(Refresh *refresh);
/* ... and waits for its end. */
void refresh_close(Refresh *refresh);
