/* SPDX-License-Identifier: Apache-2.0 */
#include "server/recorder.h"

#include <time.h>

#include "base/file.h"
#include "base/log.h"
#include "base/thread.h"
#include "base/time.h"
#include "lake/audit_heads.h"
#include "lake/lake.h"
#include "model/audit_rule.h"

#define SECOND_US 1000000
#define ANCHOR_US (5 * SECOND_US)

struct Recorder {
        Lake *lake; /* the thread's */
        pthread_t thread;
        bool started;
        int64_t generation; /* of the catalog whose rule is in force */

        pthread_mutex_t lock; /* guards what follows; never held while something is synced */
        pthread_cond_t ends;
        Audit *audit;
        int64_t written; /* records */
        Arena arenas[2]; /* heads[i] lives in arenas[i] */
        AuditHead heads[2]; /* of the file that is written now, and of the one before it */
        bool closing;

        pthread_mutex_t syncing; /* taken before lock; guards synced */
        int64_t synced; /* records that are on disk */
};

/* ---- to disk ---- */

/* Those that were written when this began are on disk when it returns. */
static void sync_written(Recorder *recorder) {
        pthread_mutex_lock(&recorder->lock);
        int64_t written = recorder->written;
        CLEANUP(close_fdp) int fd = audit_take_unsynced(recorder->audit);
        pthread_mutex_unlock(&recorder->lock);
        if (fd >= 0)
                fd_sync(fd, "the audit log");
        recorder->synced = written;
}

/* Whoever comes while others sync finds, once they are done, that the next sync was for it too, or makes that one. */
static void sync_up_to(Recorder *recorder, int64_t record) {
        pthread_mutex_lock(&recorder->syncing);
        if (recorder->synced < record)
                sync_written(recorder);
        pthread_mutex_unlock(&recorder->syncing);
}

/* ---- heads ---- */

static void keep_head(Recorder *recorder, const AuditHead *head) {
        if (!str_equal(head->file, recorder->heads[0].file)) {
                Arena spare = recorder->arenas[1];
                arena_reset(&spare);
                recorder->arenas[1] = recorder->arenas[0];
                recorder->heads[1] = recorder->heads[0];
                recorder->arenas[0] = spare;
                recorder->heads[0].file = arena_str(&recorder->arenas[0], head->file);
        }
        recorder->heads[0].sequence = head->sequence;
        recorder->heads[0].hash = head->hash;
}

/* Only what is on disk is told of. A catalog that cannot be written now is told of at the next time. */
static void anchor(Recorder *recorder) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        AuditHead heads[2];
        pthread_mutex_lock(&recorder->lock);
        int64_t written = recorder->written;
        for (size_t i = 0; i < COUNT_OF(heads); i++) {
                heads[i] = recorder->heads[i];
                heads[i].file = arena_str(&arena, heads[i].file);
        }
        pthread_mutex_unlock(&recorder->lock);
        sync_up_to(recorder, written);
        for (size_t i = 0; i < COUNT_OF(heads); i++) {
                Error err = { 0 };
                if (lake_audit_anchor(recorder->lake->catalog, NULL, &heads[i], &err) != STATUS_OK)
                        log_warn("audit", "the head of the audit log was not kept: %s", err.message);
        }
}

/* ---- the rule in force ---- */

/* A text that cannot be read leaves what was: apply takes none in. */
static void look_at_rule(Recorder *recorder, int64_t *generation) {
        AuditRule rule;
        int64_t now;
        Error err = { 0 };
        Catalog *catalog = recorder->lake->catalog;
        if (catalog_generation(catalog, &now, &err) != STATUS_OK || now == *generation)
                return;
        if (audit_rule_load(catalog, &rule, &err) != STATUS_OK) {
                log_warn("audit", "what the log is to keep cannot be read: %s", err.message);
                return;
        }
        *generation = now;
        pthread_mutex_lock(&recorder->lock);
        audit_set_text(recorder->audit, rule.statements);
        pthread_mutex_unlock(&recorder->lock);
}

/* ---- the thread ---- */

static struct timespec in_a_second(void) {
        struct timespec at;
        clock_gettime(CLOCK_MONOTONIC, &at);
        at.tv_sec++;
        return at;
}

static void *run(void *context) {
        Recorder *recorder = context;
        int64_t synced = 0, anchored = 0, anchored_us = 0, generation = recorder->generation;
        bool closing = false;
        while (!closing) {
                struct timespec until = in_a_second();
                pthread_mutex_lock(&recorder->lock);
                while (!recorder->closing && pthread_cond_timedwait(&recorder->ends, &recorder->lock, &until) == 0)
                        ;
                int64_t written = recorder->written;
                closing = recorder->closing;
                pthread_mutex_unlock(&recorder->lock);
                look_at_rule(recorder, &generation);
                if (written > synced)
                        sync_up_to(recorder, written);
                synced = written;
                if (written == anchored || (!closing && time_monotonic_us() - anchored_us < ANCHOR_US))
                        continue;
                anchor(recorder);
                anchored = written;
                anchored_us = time_monotonic_us();
        }
        return NULL;
}

/* ---- the calls ---- */

/* A file of one's own, so that its chain has one writer. */
static Audit *open_file(const Store *store) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        return audit_open(store->audit_dir, arena_printf(&arena, "server-%08llx", (unsigned long long)(random_u64() & 0xffffffff)));
}

Status recorder_open(const char *root, Recorder **out, Error *err) {
        Recorder *recorder = calloc(1, sizeof(*recorder));
        if (!recorder)
                out_of_memory();
        pthread_condattr_t attributes;
        pthread_condattr_init(&attributes);
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
        pthread_cond_init(&recorder->ends, &attributes);
        pthread_condattr_destroy(&attributes);
        pthread_mutex_init(&recorder->lock, NULL);
        pthread_mutex_init(&recorder->syncing, NULL);
        Status status = lake_open(root, &recorder->lake, err);
        if (status == STATUS_OK) {
                recorder->audit = open_file(recorder->lake->store);
                recorder->generation = -1;
                look_at_rule(recorder, &recorder->generation);
                int failed = thread_begin(&recorder->thread, run, recorder);
                recorder->started = failed == 0;
                if (failed)
                        status = error_errno(err, failed, "cannot start the thread that keeps the audit log");
        }
        if (status != STATUS_OK) {
                recorder_close(recorder);
                return status;
        }
        *out = recorder;
        return STATUS_OK;
}

void recorder_close(Recorder *recorder) {
        if (!recorder)
                return;
        pthread_mutex_lock(&recorder->lock);
        recorder->closing = true;
        pthread_cond_signal(&recorder->ends);
        pthread_mutex_unlock(&recorder->lock);
        if (recorder->started)
                pthread_join(recorder->thread, NULL);
        audit_close(recorder->audit);
        lake_free(recorder->lake);
        pthread_cond_destroy(&recorder->ends);
        pthread_mutex_destroy(&recorder->lock);
        pthread_mutex_destroy(&recorder->syncing);
        for (size_t i = 0; i < COUNT_OF(recorder->arenas); i++)
                arena_deinit(&recorder->arenas[i]);
        free(recorder);
}

Status recorder_write(Recorder *recorder, const AuditRecord *record, bool durable, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        AuditHead head;
        pthread_mutex_lock(&recorder->lock);
        Status status = audit_record(recorder->audit, record, &arena, &head, err);
        if (status == STATUS_OK) {
                recorder->written++;
                keep_head(recorder, &head);
        }
        int64_t written = recorder->written;
        pthread_mutex_unlock(&recorder->lock);
        if (status == STATUS_OK && durable)
                sync_up_to(recorder, written);
        return status;
}
