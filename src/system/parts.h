/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What a System is made of; for the files of this room alone. Fixed rows are encoded once per process, behind a lock.
 *
 * A relation is made by its maker: a function that adds its rows. Relations without a maker have the rows that
 * PostgreSQL itself has in every database (pg15.h), or none.
 */
#include "system/rows.h"
#include "system/world.h"

struct System {
        SystemSpec spec;
        Arena arena;
        World world;
        bool has_world;
        bool usual_path; /* nobody said where names without a schema are looked for */
        BindSystem bind;
        RowFile file;
        Map made; /* relation's name to its files */
        const SystemUse *use; /* while a maker that is `by_use` works */
};

typedef Status (*Maker)(System *system, RowFile *file, Error *err);

typedef struct MadeRelation {
        const char *schema, *name;
        const char *columns; /* NULL: as PostgreSQL has them */
        Maker make;
        Maker fixed; /* or NULL: rows that are the same for everybody and for ever; gets no System */
        bool (*is_for)(const Principal *principal); /* or NULL: for everybody. For others it is not there */
        bool by_use; /* rows are many, and made anew for each use: those that System.use asks for, and maybe more */
} MadeRelation;

/* A view: its text for this principal. */
typedef struct ViewRelation {
        const char *schema, *name;
        const char *columns; /* of that text */
        Status (*text)(System *system, Arena *arena, Str *out, Error *err);
} ViewRelation;

extern const ViewRelation LODE_VIEWS[]; /* ends with a row without a name */

/* Each ends with a row without a name. */
extern const MadeRelation PG_CATALOG_RELATIONS[], PG_VIEW_RELATIONS[], INFORMATION_SCHEMA_RELATIONS[], LODE_RELATIONS[];

/* The schema lode's own, for the world. */
void system_own_tables(System *system, WorldTable **out, size_t *out_count);
/* Read at the first call. */
Status system_world(System *system, const World **out, Error *err);
