/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Findings: the rows for which a check did not hold, kept in one table per zone with their history: ZONE.quarantine.rows.
 *
 *      Findings *f;   findings_new(&spec, &f, err)          what the table says at a base commit
 *                     findings_take(f, ...)                 each check that was asked, with the rows it found
 *                     findings_settle(f, graph, set, err)   into a change set, with the models or by themselves
 *
 * A row of the table is a row of a model as JSON, the check, and its state: `open` since `run`; `replayed`, a later build
 * asked again and it was not among the rows that fail; `dropped`, the check or the model is gone. An open row that fails
 * again is the same row: model, rule, values, _file and _row make it, `copies` says how many are equal. All rows are kept
 * of a check that quarantines, since nothing else has them; of others FINDINGS_SAMPLE, spread evenly by their hash, with
 * those that are there already first. Of those no longer open the newest FINDINGS_CLOSED of each check. The exact counts of
 * what is open stand in the table's detail, so that `status` reads no file; so do the models whose last build, of which
 * that is, was not published: when their text is taken back, the table is current and what is known of it is not.
 *
 * A conflict with another run's findings is a CONFLICT of the set's publication: build again. One thread; everything but
 * the worker lives in the arena.
 */
#include "lake/changeset.h"
#include "model/check.h"
#include "model/graph.h"

#define FINDINGS_SAMPLE 1000
#define FINDINGS_CLOSED 10000
#define FINDINGS_TABLE  "rows" /* ZONE.quarantine.rows; no source may be called so */

/* The table's columns, in order. */
#define FINDINGS_COLUMNS(X)                                                                                        \
        X("model", TEXT) X("rule", TEXT) X("severity", TEXT) X("message", TEXT) X("raw", TEXT) X("_file", BIGINT) \
        X("_row", BIGINT) X("copies", BIGINT) X("state", TEXT) X("run", BIGINT) X("first_seen", TIMESTAMPTZ)      \
        X("closed_run", BIGINT) X("closed_at", TIMESTAMPTZ)

CatalogName findings_name(Str zone);

/* What is open of one check. */
typedef struct Finding {
        Str zone;
        Str model;    /* "canonical.order" */
        Str rule, severity, message; /* the check's name; the condition as written */
        int64_t rows; /* exact */
        Str raw;      /* one of them */
        int64_t file, row; /* its delivery and record, 0 where it is of no single one */
} Finding;

/* All that is open, by zone and model; zone may be empty. */
Status findings_open(Lake *lake, CatalogAt at, Str zone, Arena *arena, Finding **out, size_t *out_count, Error *err);

typedef struct Findings Findings;

typedef struct FindingsSpec {
        Lake *lake;
        WorkerPool *pool;
        CatalogAt base;
        Str zone;
        int64_t run;
        Arena *arena;
} FindingsSpec;

Status findings_new(const FindingsSpec *spec, Findings **out, Error *err);
void findings_free(Findings *findings); /* NULL is fine */
/* That a check was asked, and the rows it finds in what as->overlay holds. */
Status findings_take(Findings *findings, const StatementSpec *as, const CheckSubject *of, const CheckReport *report, Error *err);

/* Rows that were judged: files anywhere on the store's file system, with a boolean column that says which hold. */
typedef struct JudgedRows {
        const Str *files;
        size_t file_count;
        Str verdict;               /* that column's name */
        const LakeColumn *columns; /* the others */
        size_t column_count;
} JudgedRows;

/* The same, where the rows that fail have left the table. */
Status findings_take_judged(Findings *findings, const CheckSubject *of, const CheckReport *report, const JudgedRows *judged, Error *err);
/* Whether what is known of the model is of a build that was not published: of its table it says nothing, and the checks
 * must be asked again though the table is current. */
bool findings_are_ahead(const Findings *findings, Str stage, Str table);
/* Puts the table as it now must be into the set; nothing when nothing changes. published: with the models that were asked.
 * CONFLICT when the set's base has another version of it than `base` had. */
Status findings_settle(Findings *findings, const Graph *graph, bool published, ChangeSet *set, Error *err);
