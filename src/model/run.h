/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Run: the whole way, once: apply the text, land what arrived, stage it, build what depends on it, publish.
 *
 * A source is published when it is staged; a zone's models together or not at all; no zone waits for another's
 * failure. What fails in a run never undoes the apply. Safe to run again, and to kill, at any time; several runs may
 * work on one store side by side.
 */
#include "intake/land.h"
#include "intake/stage.h"
#include "model/build.h"
#include "model/dry.h"
#include "model/scope.h"

/* What became of one file or one delivery. */
typedef struct RunDelivery {
        Str zone, source, name;
        Str state;       /* staged | duplicate | held | failed */
        Str message;
        DeliveryReport report; /* staged, held: the whole; else only what is known */
        bool is_file;    /* a file seen in this run, so counted in `files` */
} RunDelivery;

typedef struct RunFiles {
        int64_t seen, staged, duplicate, held, failed, unclaimed; /* seen = the sum of the others */
} RunFiles;

/* What lies in ingress and no source takes; a run and `status` tell of it in the same words. */
typedef struct Unclaimed {
        Str file, why; /* below the project; why, and what to do */
} Unclaimed;
Unclaimed unclaimed_file(const Project *project, const FoundFile *file, Arena *arena);

/*
 * A source whose table stays as it was, since by its text, as it was applied last, deliveries that are in the table would be
 * held (StageReport.withheld): which, and why. None is usual. Known from the last run of the source.
 */
Status run_withheld(Lake *lake, Str zone, Str source, Arena *arena, Delivery **out, size_t *out_count, Error *err);

typedef struct RunOptions {
        const char **words; /* SELECT */
        size_t word_count;
        Str branch;
        bool again, replay, yes;
        const volatile sig_atomic_t *interrupted;
        void *context; /* the callbacks may be NULL */
        void (*on_apply)(void *context, const ApplyReport *report, AccessMisfits *misfits);
        void (*on_delivery)(void *context, const RunDelivery *delivery);
        void (*on_model)(void *context, const ModelReport *model);
        void (*on_drop)(void *context, Str table); /* a table or view whose text is gone */
        void (*on_progress)(void *context, const char *what, Str name);
} RunOptions;

typedef enum RunState { RUN_PUBLISHED, RUN_NOTHING, RUN_PARTLY, RUN_FAILED } RunState;

typedef struct RunReport {
        int64_t run;
        Str branch, commit;
        Str failed_branch;   /* holds what was built where a zone was not published; empty = nothing */
        RunState state;
        int64_t us;
        ApplyReport apply;
        AccessMisfits misfits; /* of the folder's text; no error of the run */
        RunFiles files;
        Str *unclaimed, *unclaimed_why; /* the file below the project; why, and what to do */
        size_t unclaimed_count;
        RunDelivery *deliveries;
        size_t delivery_count;
        ModelReport *models;
        size_t model_count;
        Error *errors;       /* of files and models, in order */
        size_t error_count;
        bool damaged;        /* stored bytes are not what was written: the environment is at fault, as the errors tell */
        int64_t unsettled;   /* files somebody still writes: the next run looks again */
} RunReport;

/* Problems of the text are left in workspace->project->problems and end the run before anything is touched (the first
 * is in err). Otherwise fails only when the environment does. */
Status run_project(Workspace *workspace, const RunOptions *options, Arena *arena, RunReport *out, Error *err);
const char *run_state_name(RunState state);
const char *build_state_name(BuildState state);
