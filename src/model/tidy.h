/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Tidy: what keeps a store small and quick: leftovers of the dead go, small files become few, and what retention no
 * longer asks for is removed. Safe beside runs, queries and other tidies, and to kill at any time.
 *
 * What holds is the text in the history (the newest `zone.yml` that was applied to main), never the work tree: a
 * checkout that lacks a zone takes nothing from it.
 */
#include "lake/audit_heads.h"
#include "lake/compact.h"
#include "lake/retain.h"
#include "lake/sweep.h"
#include "model/workspace.h"

#define TIDY_RUNS_US   (INT64_C(30) * 86400 * 1000000) /* branches run/N of failed runs */
#define TIDY_SEEN_US   (INT64_C(90) * 86400 * 1000000) /* that a file outside of ingress was looked at */

typedef struct TidyOptions {
        const char **words; /* SELECT: whose tables are compacted and expire; with none also all that is no table's */
        size_t word_count;
        bool dry_run;
        bool clock_is_right; /* somebody says so: what is old by it goes, however far it is ahead */
        const volatile sig_atomic_t *interrupted;
        void *context;
        void (*on_table)(void *context, Str name); /* may be NULL */
} TidyOptions;

typedef struct TidyTable {
        Str name;
        CompactResult result;
} TidyTable;

typedef struct TidyReport {
        int64_t folders, folder_bytes;     /* of processes that died, below run/ */
        SweepResult swept;                 /* change sets of the dead; in a dry run their files are strays */
        int64_t landing_files, landing_bytes;
        Str *branches;                     /* of failed runs */
        size_t branch_count;
        int64_t seen;
        TidyTable *tables;                 /* that were compacted */
        size_t table_count;
        RetainResult retain;
        AuditRetired audit;                /* files of the audit log whose time is over */
        Error *errors;                     /* tables that could not be compacted; all else was done */
        size_t error_count;
        int64_t removed_bytes, us;
        int64_t ahead_us; /* not 0: the clock is so far ahead of the time that was believed last; that one was gone by */
} TidyReport;

Status tidy_store(Workspace *workspace, const TidyOptions *options, Arena *arena, TidyReport *out, Error *err);

/*
 * What every run ends with: change sets of the dead, and of the tables whose names are given (full, with or without
 * quarantine) those that have very many small files. Bounded in count, in bytes and so in time.
 */
Status tidy_after_run(Workspace *workspace, const ChangeSetSpec *commit, const Str *zones, size_t zone_count, Error *err);
