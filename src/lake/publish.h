/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Publish: the commit without a daemon. Change sets lie in STORE/commit/queue/ as ID.intent; whoever gets the kernel
 * lock STORE/commit/lock drains the queue: checks each against what was published since, writes the Iceberg files of
 * all of them, and adds their commits in one catalog transaction, which also records each one's outcome under its id.
 * So a waiter that gets the lock afterwards finds its outcome there, and so does one that was killed and came back.
 *
 * What is left behind by a death, and who clears it (nothing needs a repair step; the locks die with their holders):
 *   between intent and commit        the next holder publishes it (or drops it, if it lost)
 *   while draining                   ID.drain lists the metadata files; the next holder asks the catalog whether the
 *                                    drain's transaction was done, and removes them if not
 *   before the intent was written    ID.files lists the data files and its lock is free: lake_sweep()
 *
 * Simplification of this version: every change set of a drained group becomes its own snapshot, metadata.json and
 * commit, all written in one batch and one transaction; appends are not yet folded into one manifest.
 *
 * Private to this room.
 */
#include "lake/lake.h"

/* The file lists that a dead drain left; call with the commit lock held. */
Status publish_tidy_drains(Lake *lake, Error *err);

/* Takes the commit lock (blocks), drains, gives the outcome of `id`, whose branch that is. id empty: only drains.
 * *out_unknown with a failure: it may be published now or later, so nothing of it may be removed. */
Status publish_drain(Lake *lake, Str branch, Str id, Arena *arena, CatalogCommit *out, bool *out_unknown, Error *err);
/* The same with the lock held already. */
Status publish_drain_locked(Lake *lake, Error *err);
/* Whether the queue holds an intent whose owner is dead. */
bool publish_has_orphans(Lake *lake);

/* The commit lock; closing the descriptor gives it back. */
Status publish_lock(Lake *lake, int *out_fd, Error *err);
