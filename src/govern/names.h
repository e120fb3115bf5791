/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What a statement mentions, by name alone and without scopes: enough to know which columns of a relation it can touch,
 * so that a scan carries no more than those, and hidden columns only where they are named. Coarse on the safe side: a
 * name mentioned anywhere counts everywhere.
 */
#include "base/map.h"
#include "sql/tree.h"

typedef struct Mentioned {
        Map names;       /* every part of every column reference, lower case */
        Map singles;     /* of these, the references of one part: may also mean a whole row */
        Map parameters;  /* names of lambda parameters, lower case */
        Map uses;        /* the very references that a lambda's parameter is meant by: addresses of SqlExpr */
        Map outputs;     /* aliases given to expressions and columns, lower case */
        bool everything; /* a star, COLUMNS, NATURAL JOIN, PIVOT, #1: all columns can be touched */
        bool subqueries; /* there are expressions that hold queries, or joined subqueries that may be lateral */
} Mentioned;

void mentioned_collect(const SqlQuery *query, Arena *arena, Mentioned *out);
bool mentioned_has(const Map *names, Str name); /* any case */
bool mentioned_is_parameter(const Mentioned *mentioned, const SqlExpr *column);
