/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * System: the relations that Lode makes of its own catalog, for one principal at one branch and commit: PostgreSQL's
 * pg_catalog and information_schema as clients want them, and the schema `lode`. Binding asks for them by name
 * (govern/bind.h, BindSystem); their rows are written as Parquet files when a statement names them, and only then,
 * and read through the same guarded scan as every table.
 *
 *   System *system;
 *   TRY(system_open(&spec, &system, err));
 *   source.system = system_bind(system);
 *
 * Nothing is in them that the principal may not see. The catalog is read once, at the first need; a System that is
 * kept answers as of then. One thread.
 */
#include "govern/bind.h"
#include "lake/lake.h"

typedef struct System System;

typedef struct SystemSetting {
        Str name, value;
} SystemSetting;

struct RowFile; /* system/rows.h */

/* A relation that the caller makes: sessions, access. It stands before one of ours with its name. source is the spec's. */
typedef struct SystemExtra {
        const char *schema, *name;
        const char *columns; /* "pid int4,usename name"; NULL: as PostgreSQL has them */
        Status (*make)(void *context, const BindSource *source, struct RowFile *file, Error *err);
        void *context;
} SystemExtra;

typedef struct SystemSession {
        Str database; /* that the client is connected to: a zone, "lode" or "postgres" */
        Str user;     /* session_user: who logged in, in whosever place it asks; empty: the principal. Grants nothing */
        const Str *path; /* schemas, in the order in which names without one are looked for; none = public */
        size_t path_count;
        const SystemSetting *settings; /* what SET changed or the server says of itself, before the usual ones */
        size_t setting_count;
        const SystemExtra *extras;
        size_t extra_count;
} SystemSession;

typedef struct SystemSpec {
        Lake *lake;
        CatalogAt at;
        Principal principal;
        SystemSession session;
        const Sight *sight; /* NULL: everything may be seen. Else asked for each table, quarantine and view */
        const BindSource *source; /* where policies find what they need; NULL: those who are limited see nothing */
        bool describing;          /* only columns are asked for: no rows are made */
        /* A new file that the worker can read: where to write it, and how SQL names it. */
        Status (*new_file)(void *context, Arena *arena, int *out_fd, Str *out_name, Error *err);
        /* The tree of a SELECT of ours; NULL: relations that are views (lode.quarantine) are not there. */
        Status (*parse)(void *context, Str sql, Arena *arena, const SqlTree **out, Error *err);
        void *context;
} SystemSpec;

/* Whether a schema, a relation or a column of these is called so, without regard to case. */
bool system_has_name(Str name);
/* Texts of the spec are borrowed for as long as the System lives. */
Status system_open(const SystemSpec *spec, System **out, Error *err);
void system_close(System *system); /* NULL is fine */
void system_closep(System **system);
const BindSystem *system_bind(System *system);
