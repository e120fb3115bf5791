/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What access.yml and policies.yml say, against the tables that the text makes: `on` names tables that are there, `rows` is
 * a condition over every table it is put on, `mask` and `columns` name columns, masks are SQL over the row. Found before
 * anything is applied, since a rule that cannot be bound withholds its tables.
 *
 * A rule must fit every table that it is on, those of a pattern (`stage.*`, `tag:NAME`) too. `principal.NAME` is a value of any
 * type. What a condition and a mask may be made of is govern/entitle.h's to say. A tag that nothing carries is a warning, and so
 * are `rows` that name what policies.yml masks: they give nothing to whom that binds.
 */
#include "model/access_change.h"
#include "model/dry.h"
#include "model/statement.h"

typedef struct AccessCheck {
        const StatementSpec *spec; /* over the text's tables; its principal may read them all */
        const Project *project;
        const Graph *graph;
        const DryTable *tables; /* by node index */
        const SqlTree *const *trees; /* so too */
        Problems *problems;
        Problems *warnings; /* what is no error, and gives nobody anything */
        AccessMisfits *misfits; /* NULL: not wanted. Its tables only */
        Arena *arena;
} AccessCheck;

/* Everything that is wrong goes to problems; fails only when the worker does. */
Status access_check(const AccessCheck *check, Error *err);
