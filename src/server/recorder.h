/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Recorder: the server's own file of the audit log, which all its threads write to. A record is with the kernel when
 * recorder_write() returns, so that the death of the server loses none. What asks to be durable is on disk then: those that
 * wait at the same time share one sync, and nobody else waits for it. The others are synced once a second, so that a machine
 * that dies takes at most the records of its last second along.
 *
 * A thread of its own syncs, and every few seconds and at the end leaves the file's head in the catalog (lake/audit_heads.h):
 * a tail that somebody cuts off shows, as far as such a head reaches. It also sees, within a second, when what the log is to
 * keep of statements changes (model/audit_rule.h).
 */
#include "govern/audit.h"
#include "storage/layout.h"

typedef struct Recorder Recorder;

/* root: of the store. Nothing is written yet. */
Status recorder_open(const char *root, Recorder **out, Error *err);
void recorder_close(Recorder *recorder); /* syncs, and leaves the head; NULL is fine */

/* Any thread. A record that cannot be written is an error: what it would have told of must not happen. */
Status recorder_write(Recorder *recorder, const AuditRecord *record, bool durable, Error *err);
