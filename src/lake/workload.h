/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Workload: what tests let many processes do to one store at once, so that every fault of the commit protocol shows.
 *
 * One zone, "shop":
 *      canonical.balance0..2   three tables of one data file each; its row count is the balance; their sum never changes
 *      staging.list0..3        lists to append to; an element is a data file with that many rows
 *      note list4..5           lists as objects, "1 2 3": read, modified and written
 *      staging.delivered       list6: elements are deliveries, each once, exactly if the ledger says that it is staged
 *      staging.churn0..2       begun empty, appended to, dropped, built and kept, compacted; their old versions expire at
 *                              once: nothing depends on them
 *      canonical.churn0..2     models of those, one row more; and of these analytical.churn0..2, by the same change set. One that
 *                              is called current has the rows that it ought to have
 * A data file holds its own path, so a torn or missing one is seen.
 *
 * Everything that is tried is recorded in memory that all processes share, before and after, so what was answered to a
 * process that is killed afterwards is known. work_check() compares the store with it; call it when nobody works.
 */
#include <stdatomic.h>

#include "lake/history.h"
#include "lake/lake.h"

#define WORK_LISTS 7 /* the first four and the last are tables, two are objects */
#define WORK_OBJECTS_FROM 4
#define WORK_DELIVERED 6
#define WORK_BALANCES 3
#define WORK_SUM 3000
#define WORK_CHURNS 3
#define WORK_RECORDS_MAX 65536
#define WORK_VALUES_MAX (1 << 23)

typedef struct WorkRecord {
        _Atomic int outcome; /* HistoryOutcome; unknown from the beginning */
        int64_t began, ended;
        int64_t seq; /* of its commit, 0 if none */
        char commit[65];
        uint32_t element; /* the same in every list that it is appended to; 0 = none */
        bool appends[WORK_LISTS];
        bool reads[WORK_LISTS];
        uint32_t read_from[WORK_LISTS], read_count[WORK_LISTS]; /* in values */
} WorkRecord;

typedef struct WorkShared {
        _Atomic int64_t events;
        _Atomic uint32_t elements, record_count, value_count;
        _Atomic bool stop;
        _Atomic uint32_t published, refused, unknown, read, swept;
        _Atomic bool broken;
        char words[1024]; /* of the first thing found broken */
        WorkRecord records[WORK_RECORDS_MAX];
        uint32_t values[WORK_VALUES_MAX];
} WorkShared;

typedef struct Work {
        Lake *lake;
        WorkShared *shared;
        uint64_t chance; /* the state of its luck */
        bool troubled;   /* the disk may fail: IO, DISK_FULL and LIMIT are answers too */
} Work;

typedef enum WorkKind {
        WORK_TRANSFER,
        WORK_APPEND,
        WORK_STAGE,
        WORK_CHURN,
        WORK_READ,
        WORK_SWEEP,
        WORK_RETAIN,
        WORK_COMPACT,
} WorkKind;

WorkShared *work_shared_new(void); /* zeroed, shared with every child; the test's end frees it */
void work_shared_free(WorkShared *shared);
uint64_t work_chance(uint64_t *state, uint64_t below); /* 0 .. below - 1 */

/* The three balances. */
Status work_setup(Lake *lake, Error *err);
/* One thing of that kind. False: something is broken, and shared->words says what. */
bool work_once(Work *work, WorkKind kind);
/* Recovers the store and looks at every commit of it; CORRUPT with what is wrong. strict: nothing failed but processes, so
 * the sweep alone must leave no rubbish; else the removal of strays helps it. final: the whole history is judged too. */
Status work_check(const char *root, WorkShared *shared, bool strict, bool final, Error *err);
