/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Statement: a SELECT on its way: parsed by a worker, read into our tree, bound (govern/bind.h) at one branch and
 * commit, its files granted to that worker, prepared there. Errors carry the place in the user's own text.
 * Lives in the arena; the worker must outlive it, and its grants end when the worker is released.
 */
#include "base/vec.h"
#include "engine/worker.h"
#include "govern/audit.h"
#include "govern/bind.h"
#include "lake/source.h"
#include "lake/view.h"
#include "model/landing.h"
#include "system/system.h"

typedef struct StatementSpec {
        Lake *lake;
        Worker *worker;
        CatalogAt at;
        ChangeSet *overlay;  /* NULL, or what this run built so far */
        const BindSource *source; /* instead of the lake, where nothing will be executed; NULL = the lake */
        Principal principal;
        Str default_zone;    /* may be empty */
        const SystemSession *session; /* NULL: no system relations (models, views) */
        const Sight *sight;  /* NULL: everything may be known of */
        bool parameters;     /* $1 may stand in it: only to be described, not to be run */
        bool describing;     /* ... and that alone is wanted now */
        TimeZone zone;       /* of times with one; empty: UTC */
        bool client;         /* the text is a client's of PostgreSQL, read by statement_parse_client() */
} StatementSpec;

typedef struct Statement {
        StatementSpec spec;
        SqlTree *tree;
        LakeSource source;    /* what was planned: files, bytes */
        LakeSource now_lake;  /* main's newest, for what policies read */
        BindSource now;
        Landing landing;
        BoundStatement bound;
        WorkerColumns columns;
        VEC(Str) granted;     /* the files of the store that it reads */
} Statement;

/* The user's text as our tree. name: the file it stands in, empty for what was typed. */
Status statement_parse(Worker *worker, Str text, Str name, Arena *arena, SqlTree **out, Error *err);
/* The same for a client of PostgreSQL (sql/client.h). */
Status statement_parse_client(Worker *worker, Str text, Str name, Arena *arena, SqlTree **out, Error *err);
/* What limits spec's principal on a table, by its full name; *out = NULL: there is none. */
Status statement_policy(const StatementSpec *spec, Str zone, Str stage, Str name, Arena *arena, Relation **out, const Policy **out_policy,
                        Error *err);
/* Where the values of a tree's columns come from, by the relations that binding it would find; see sql/lineage.h. */
Status statement_lineage(const StatementSpec *spec, const SqlTree *tree, Arena *arena, Lineage *out, Error *err);
/* Binds a tree and prepares it. */
Status statement_bind(const StatementSpec *spec, SqlTree *tree, Arena *arena, Statement *out, Error *err);
/* Both. */
Status statement_open(const StatementSpec *spec, Str text, Str name, Arena *arena, Statement *out, Error *err);
Status statement_execute(Statement *statement, WorkerRowSink sink, void *context, int64_t *out_rows, Error *err);
/* An error of the worker about statement's printed text, moved to the user's, or the name of the file that is damaged; returns
 * its status. */
Status statement_error(const Statement *statement, Error *err);
/* What it reads, for the audit log: objects, columns and the versions of what limits them. In the arena. */
void statement_audit(const Statement *statement, Arena *arena, AuditRecord *record);
/* Of one that was refused: the relations that its text names. tree NULL: it was not even read. */
void statement_audit_names(const SqlTree *tree, Str default_zone, Arena *arena, AuditRecord *record);
