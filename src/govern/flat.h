/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Flat: which columns of filtered scans must go through a flattening function, and which scans may do without OFFSET 0.
 *
 * A column stays bare only where every use of it in the statement is one that was measured to show nothing of hidden rows:
 * an output, a key of GROUP BY, DISTINCT, ORDER BY or a window, the only argument of count, sum, min, max, avg, first, last
 * or list, or one side of an equality between two columns of one declared type. Any other use touches it. By names, so
 * coarse on the safe side: what touches a name touches it in every relation, and an alias touches what it stands for.
 *
 * Collected while a statement is bound, query by query; asked when all of it is known. One statement, one thread.
 */
#include "base/map.h"
#include "base/vec.h"
#include "govern/bind.h"

/* What the query around knows of its names. */
typedef struct FlatScope {
        const void *context;
        /* The column of a scan that the reference surely means, here or further out; NULL when that is not certain. */
        const RelationColumn *(*column)(const void *context, SqlNames parts);
        bool (*is_alias)(const void *context, Str name);
} FlatScope;

typedef struct FlatConsumed { /* a query inside an expression: what becomes of its only output */
        const SqlQuery *query;
        const RelationColumn *equals; /* it is compared to this column by IN; NULL: it may become anything */
        bool ignored;                 /* EXISTS */
} FlatConsumed;

typedef struct Flat {
        Arena *arena;
        bool everything; /* all columns, whatever is touched */
        bool throwing;   /* a condition without a column: it could be computed on any row, beside a policy */
        bool unordered;  /* which rows come first is seen, in an order that groups have made */
        Map touched;     /* names in lower case */
        VEC(SqlNames) aliases; /* two names: what touches the first touches the second, for which it stands */
        VEC(Str) keys;         /* of groups */
        VEC(FlatConsumed) consumed;
} Flat;

void flat_init(Flat *flat, Arena *arena);
/* Before the query's expressions are bound, and after its FROM is known. */
void flat_query(Flat *flat, const SqlQuery *query, const FlatScope *scope);
/* Once everything was seen. */
void flat_settle(Flat *flat);
/* After flat_settle(). */
bool flat_must(const Flat *flat, const RelationColumn *column);
