/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Workspace: what a verb works with: the project's text, its store, a pool of workers, and who is at work. Opened once
 * per process, closed at its end; one thread. The text's problems are left in project->problems: a verb that needs it
 * whole calls project_first_problem().
 */
#include "engine/worker.h"
#include "govern/audit.h"
#include "govern/bind.h"
#include "lake/lake.h"
#include "model/project.h"

/* Text that was not read from the work tree of whoever runs the command line. */
typedef struct TextOrigin {
        Str via;     /* as in AuditRecord */
        Str git;     /* the commit that it was taken from, if it is known */
        int64_t seq; /* it was put together with what main had at this commit, and is stale beyond it */
} TextOrigin;

typedef struct Workspace {
        Arena arena;
        Project *project;
        Lake *lake;        /* NULL when no store is there and none was asked for */
        WorkerPool *pool;  /* NULL unless asked for */
        Principal principal;
        Audit *audit;      /* NULL without a store */
        bool audited;      /* something was written to it */
        const TextOrigin *origin; /* NULL: the work tree */
        bool discreet;         /* whoever sent the text is told nothing of zones that do not grant it, see graph.h */
        const struct Decision *decisions; /* of the text as text_load() read it last, see decide.h */
        size_t decision_count;
        bool applied;          /* the text is main's own, not that of the project's folder */
        const char *temporary; /* the workers' folder where there is no store, or the applied text's; removed at the end */
} Workspace;

typedef struct WorkspaceSpec {
        const char *folder;  /* where to look for the project; NULL = here */
        bool store;          /* open it: NO_STORE when it is not there */
        bool make_store;     /* ... or make it */
        bool store_if_there; /* ... or do without */
        bool had_store;      /* ... unless the project had one: then NO_STORE, as where it is to be made */
        bool applied;        /* the text that main has, in place of the folder's; with a store only */
        bool workers;        /* start workers, in the background; without a store they stand in a temporary folder */
        int ready;           /* how many */
        const volatile sig_atomic_t *interrupted;
} WorkspaceSpec;

Status workspace_open(const WorkspaceSpec *spec, Workspace **out, Error *err);
/* Starts workers in the store's folder, if there are none yet. */
Status workspace_workers(Workspace *workspace, int ready, const volatile sig_atomic_t *interrupted, Error *err);
void workspace_close(Workspace *workspace); /* NULL is fine */
void workspace_closep(Workspace **workspace);

/* Reads the text again; what was read before stays valid until the workspace is closed. */
Status workspace_reload(Workspace *workspace, Error *err);

/* One line in the audit log, of what only reads: who (this principal, by the command line) is filled in. It is on disk, and the
 * catalog knows of it, when the workspace is closed. */
Status workspace_audit(Workspace *workspace, AuditRecord record, Error *err);
/* The same of what is about to change something: it is on disk, and the catalog knows of it, before anything is changed, so
 * that nothing is left to be written when the verb answers. out_head, NULL or the log's head as the commit carries it. */
Status workspace_audit_change(Workspace *workspace, AuditRecord record, Arena *arena, Str *out_head, Error *err);
/* By what way its principal came: "cli" unless the text has another origin. */
Str workspace_via(const Workspace *workspace);
/* The log's head as commits carry it, "FILE:SEQUENCE:HASH"; what it covers is on disk and the catalog knows of it. Empty
 * without a store. */
Str workspace_audit_head(Workspace *workspace, Arena *arena);

/* The commit that --at names on a branch (empty = main); text NULL = its head. */
Status workspace_at(Workspace *workspace, Str branch, const char *text, CatalogAt *out, Error *err);
/* HEAD of the project's git repository, "+dirty" behind it when something is not committed; empty without git. */
Str workspace_git(Workspace *workspace);
