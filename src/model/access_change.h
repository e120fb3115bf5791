/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Access change: who gains and who loses what, between the history's text and the project's. What a rule grants is told as it
 * stands there, with its rows, columns and masks; what a central policy takes away is told of each table that has its tag.
 * Principals are as the text names them, `role analyst`, `zone finance`, `everyone except role dpo`; who owns a zone, works in it
 * or is a member of it is of the zone, not of each of its tables.
 */
#include "lake/lake.h"
#include "model/project.h"

typedef struct AccessChange {
        Str principal;
        Str object;       /* zone.stage.table, or a zone */
        Str gains, loses; /* one of them, the other empty: read | write, with what limits it; owner | engineer | member; of a
                           * policy what it hides: `pii: hash` */
        Str tag, hidden;  /* of a policy: the tag, and the mask or (rows) the condition; else empty */
        bool rows;
} AccessChange;

/* What of the text's rules does not fit the tables that they are on: a rule withholds each table that it does not fit. Nor does
 * one give anything whose rows name what policies.yml masks, to whom that binds. */
typedef struct AccessMisfit {
        Str object, rule; /* zone.stage.table; as access_rule_print() has it */
        Str principal;    /* as who_print() has it; empty = all whom the rule names */
} AccessMisfit;

typedef struct AccessMisfits {
        Problems problems; /* the words that `lode check` has for it; its arena has to be set */
        Problems warnings; /* what else `lode check` warns of that stands in the rules: tags that nothing carries */
        VEC(AccessMisfit) tables;
        size_t masked; /* of the problems those that `lode check` has for warnings; the others are errors there */
} AccessMisfits;

/* Leaves out what such rules would give. */
void access_changes_fit(const AccessMisfits *misfits, AccessChange *changes, size_t *count);

/* Sorted by principal, then object. lake NULL: the history is empty. */
Status access_changes(const Project *project, Lake *lake, CatalogAt at, Arena *arena, AccessChange **out, size_t *out_count, Error *err);
