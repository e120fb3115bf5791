/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Staging: one feed's deliveries on their way into its tables, as the files of stage.h's work share it. For this room only.
 *
 *   stage.c          what is read, and what is published of it
 *   stage_read.c     a worker reads deliveries; what becomes of each
 *   stage_evolve.c   columns that deliveries bring, and types that they make wider
 *   stage_fold.c     the table of a merge or history, out of its log
 *   stage_repeats.c  keys that come twice in it
 */
#include "base/vec.h"
#include "intake/fixes.h"
#include "intake/fold.h"
#include "intake/order.h"
#include "intake/stage.h"

/* One delivery that is read, and what came of it. */
typedef struct Reading {
        DeliveryReport *report;
        StageResult result;
        const char *data_path, *quarantine_path;
        bool accepted; /* its rows go into the table */
        VEC(Str) grown; /* keys of its nested columns that this staging made fields of */
} Reading;

/* A column whose type is made wider, since numbers of a delivery are beyond it. */
typedef struct Widening {
        Type type, narrow;  /* as it is read now, and before the try */
        int64_t struck;     /* records that were beyond the narrow one */
        bool trying, vain;
} Widening;

typedef struct Staging {
        const StageContext *context;
        const Feed *feed;
        Arena *arena;
        FixList fixes;    /* of the source's records, as the history has them */
        Delivery *ledger; /* all of the source, newest first */
        size_t ledger_count;
        const Delivery *in_force; /* of a replace source: the one that is the table; NULL = none */
        VEC(Delivery) withdrawn; /* by people, and not in the ledger yet */
        bool leaves;             /* any of these is in the table */
        VEC(int64_t) refused; /* deliveries that were to take the place of others, and are held */
        bool rebuild;         /* the table is made anew: from all of its deliveries, or for the first time */
        VEC(Reading) readings;
        const Table *before;  /* as it was at the start of this try; NULL = it was not */
        VEC(KeyName) key_names; /* as the table has them, and those that this try gave */
        VEC(LakeColumn) evolved; /* columns beyond the text's: text, or what a file says that they are */
        Widening *widenings;  /* of each of the text's columns */
        ChangeSet *set;
        ChangeTable *table, *quarantine;
        ChangeTable *log;     /* of merge and history: all rows, of which the table is made; else NULL */
        Worker *worker;
        VEC(Str) granted; /* the files of the store that it reads, to make the table of its log */
} Staging;

/* What is published: the files of deliveries that were accepted. */
typedef struct Files {
        LakeFile *data, *quarantine;
        size_t data_count, quarantine_count;
} Files;

static inline bool staging_is(const Delivery *delivery, const char *state) {
        return str_is(delivery->state, state);
}

CatalogName feed_table_name(Arena *arena, Str zone, Str source);
/* Where a delivery's rows go as they are. */
static inline ChangeTable *staging_rows(const Staging *s) {
        return s->log ? s->log : s->table;
}

/* By which text, and with which fixes, a delivery is read. */
static inline Str staging_reading(const Staging *s, const Delivery *delivery) {
        return fixes_reading(&s->fixes, s->feed->reading, delivery->id, s->arena);
}

/* The worker that this staging has, or another where that was lost. */
Status staging_worker(Staging *s, Error *err);
/* Reads every delivery that is to be read, and judges it; fails only for the environment. */
Status staging_take_all(Staging *s, Error *err);
/* What earlier deliveries made of the columns. */
Status staging_load_evolved(Staging *s, Error *err);
/* Whether the struct in which the key stands can have so many fields more. */
bool staging_can_grow(const Staging *s, const StageUnknown *unknown, size_t more);
/* The column that a key's values go to; empty where nobody knows yet. */
Str staging_name_of_key(const Staging *s, Str path);
/* Whether the deliveries are to be read again, with more or wider columns. */
bool staging_evolve(Staging *s);
/* What became of the table's columns, for people, each behind "; "; empty when they stay, or begin. */
Str staging_column_changes(const Staging *s);
/* Of deliveries whose rows a load has: which records nothing but their place tells from another of the same key. */
Status staging_tell_repeats(Staging *s, const FoldSpec *fold, Error *err);
/* The table out of the log, with these files in it: equal rows make no new version. */
Status staging_fold(Staging *s, const Files *files, Error *err);
