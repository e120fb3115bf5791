/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Dry: every model and check of the project's text bound by a worker, in the order of building, over tables that have the
 * columns which the text gives them and no rows. Finds wrong columns, types and functions before anything is run, also
 * where no table exists yet, in models, checks, references and access rules, and tells which columns each table will have.
 */
#include "model/access_change.h"
#include "model/text.h"

typedef struct DrySpec {
        Lake *lake;      /* may be NULL. Else staged tables also have the columns that their files brought and no text names */
        CatalogAt at;
        Worker *worker;
        const ProjectText *text; /* linked, without problems; what is found is added to its problems */
        const Project *project;  /* whose access rules are looked at too; NULL = not */
        Problems *warnings;      /* of these; with project */
        AccessMisfits *misfits;  /* NULL: what is wrong with them is the text's problem; else it goes there */
} DrySpec;

typedef struct DryTable {
        bool known;      /* not where it, or what it reads, is wrong */
        LakeColumn *columns; /* without ids */
        size_t column_count;
} DryTable;

/*
 * What of the access rules does not fit, for those who go on all the same: nothing is added to the text's problems, and models
 * that are wrong are passed over. Does not ask the worker where there are no rules.
 */
Status dry_access(Lake *lake, CatalogAt at, Worker *worker, const ProjectText *text, const Project *project, Arena *arena, AccessMisfits *out,
                  Error *err);

/* *out has one for each node of the graph, by index. Fails only when the worker or the catalog does. */
Status dry_bind(const DrySpec *spec, Arena *arena, DryTable **out, Error *err);
