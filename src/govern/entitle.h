/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What a policy says in SQL, made fit to stand inside a guarded scan. Its names are told apart here, by us, before the
 * engine sees them: each is a column of the table that the policy is on, or of a table that the policy itself reads
 * (an entitlement); there is no third thing that a name could mean, so nothing in a user's statement can be caught by it.
 *
 *   region = 'EU' and amount < 100
 *   customer in (select customer from canonical.entitlement where login = 'bo')
 *   exists (select 1 from canonical.team t join canonical.member m on m.team = t.id where t.region = region)
 *
 * Entitlements are tables (not views) of the policy's own zone, or of any zone for a central policy; they are read whole,
 * and as of now: main's newest, whatever the statement reads. A subquery stands after IN or EXISTS only, and has SELECT,
 * FROM with inner and left joins, and WHERE.
 *
 * Nothing throws. What could is put inside TRY, so that a row on which it fails is one that does not match; what
 * cannot be (the two sides of IN with a subquery) has to be columns of one type, or casts to one.
 */
#include "govern/bind.h"

typedef struct Entitle {
        const Relation *relation;
        const bool *known;        /* one per column: whether the policy may name it; NULL = any */
        const BindSource *source; /* its `now` has the entitlements; without one, policies with subqueries do not fit */
        Str zone;                 /* whose policy it is; empty = a central one */
        Arena *arena;
        size_t tables;            /* counts the aliases: the same Entitle for all expressions of one scan */
} Entitle;

/*
 * Changes the expression in place; it holds no `principal.NAME` any more. DENIED for a name that is not there, SQL_REFUSED
 * for a form that policies do not have and for functions and types that are not allowed.
 */
Status entitle_condition(Entitle *entitle, SqlExpr **expr, Error *err);
/* The same for a value (a mask): NULL where it fails. */
Status entitle_value(Entitle *entitle, SqlExpr **expr, Error *err);
