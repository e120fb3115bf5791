/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Plan: what `apply` and `run` would do now, and why, with nothing touched: not the store, which may not even be there, nor
 * a file that waits. Archives are looked into, in a folder of their own that goes afterwards. A run right after does what the plan says; it does less where what it makes turns out to be what stood
 * there already, since nothing is made again over equal rows.
 */
#include "intake/land.h"
#include "intake/stage.h"
#include "model/dry.h"

typedef enum PlanWhy {
        PLAN_EDITED,   /* its own text: new, or another than its table was made by */
        PLAN_UPSTREAM, /* the text of something that it reads */
        PLAN_NEW_DATA, /* what it reads got or will get rows: files that wait or have landed, a table that was published */
} PlanWhy;

/* A source that would be read or a model that would be built, in the order of building. */
typedef struct PlanStep {
        const Node *node;
        PlanWhy why;
        bool is_new;        /* no table yet */
        bool wants_yes;     /* of a source: more is read again than it allows without being asked */
        int64_t files;      /* of a source: deliveries to read */
        int64_t rows, bytes; /* to read, at most; -1 = nobody knows before it is read or built */
} PlanStep;

typedef struct PlanBreak {
        Str table, what;
        bool refused;       /* a run refuses it: the product's version is the one that promises it */
        bool new_version;   /* its text is a higher version, which may take back what it likes */
        Str *used_by;
        size_t used_by_count;
} PlanBreak;

/* A table or view of a source or a model that is gone. Older commits keep it, and a source's landed files stay. */
typedef struct PlanDrop {
        Str table;
        bool is_source;
        int64_t rows, bytes; /* -1: a view */
} PlanDrop;

/* Files that wait; a branch takes none. */
typedef struct PlanFiles {
        int64_t count, bytes;              /* that would be staged */
        int64_t duplicate, held, unsettled, unclaimed, refused;
} PlanFiles;

typedef struct PlanReport {
        ProjectText text;
        TextChange *changes;
        size_t change_count;
        PlanStep *steps;
        size_t step_count;
        PlanDrop *drops;
        size_t drop_count;
        PlanBreak *breaks;
        size_t break_count;
        AccessChange *access;
        size_t access_count; /* without what misfits withholds */
        Decision *decisions; /* of the models whose text would be put */
        size_t decision_count;
        AccessMisfits misfits;
        PlanFiles files;
} PlanReport;

typedef struct PlanOptions {
        const char **words; /* SELECT */
        size_t word_count;
        Str branch;
        bool packed; /* archives are not looked into: each counts as a file, if any source may want it */
        const volatile sig_atomic_t *interrupted; /* NULL = never */
} PlanOptions;

/* Problems of the text are left in workspace->project->problems, the first is in err; those of models that do not fit what they
 * read are there too and are no failure: the plan is whole. A branch that is not there: NOT_FOUND. */
Status plan_project(Workspace *workspace, const PlanOptions *options, Arena *arena, PlanReport *out, Error *err);
const char *plan_why_name(PlanWhy why);
