/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The guarded scan: the SQL text by which one use of a relation reads it, with what policy withholds left out behind a
 * barrier. The rules and what they were measured against are in README.md of this room.
 *
 *   no policy     SELECT "a", "b" FROM read_parquet([...], schema=MAP{field id: ...})
 *   masks         SELECT f(mask) AS "a", "b" FROM ...
 *   row filter    SELECT f("a") AS "a", "b" AS "b" FROM (SELECT ... WHERE policy AND conjuncts [OFFSET 0])
 *
 * where f is the flattening function of engine/functions.h. Every column that meets an expression goes through it:
 * dictionaries, statistics and list children of hidden rows do not cross. No condition crosses a volatile column, so that
 * OFFSET 0 is needed only where there may be a condition without one. In a correlated subquery the engine would make cross
 * products of volatile columns: there the scan must stand outside, as a CTE (`hoist` in bind.c).
 *
 * Columns are found by field id; one that a file does not have reads NULL; a table without files is an empty SELECT of the
 * right types. Knows nothing of names in the statement around it: what it prints refers to itself alone.
 */
#include "govern/bind.h"

/* A column that this principal reads as something else. The expression names the table's columns, and what
 * govern/entitle.h made of subqueries. */
typedef struct PolicyMask {
        Str column;
        const SqlExpr *expr;
        Type type; /* what the column then is */
} PolicyMask;

/* What limits a principal on a relation, already united over all rules that hold. */
struct Policy {
        Str name;                  /* for the audit log: a version or hash */
        const SqlExpr *row_filter; /* over the table's columns, literals and entitlements; NULL = all rows */
        PolicyMask *masks;
        size_t mask_count;
        SqlNames withheld; /* columns that do not exist for this principal */
        bool strict;       /* nothing of the user's is copied behind the barrier */
        bool hashes;       /* a mask is `hash`: BoundStatement.hashes */
        bool nothing;      /* the relation is not there for this principal; */
        Str why;           /* ... and what does not fit, for whoever may change it */
};

typedef struct GuardedUse {
        const Relation *relation;
        const bool *carried; /* one per column: whether the scan gives it */
        const Str *paths;
        size_t path_count;
        Str source;                      /* instead of files: a bracketed SELECT (a view's) */
        const Policy *policy;            /* or NULL */
        const SqlExpr *const *conjuncts; /* of the user's, harmless: moved or copied behind the barrier */
        size_t conjunct_count;
        bool veiled;      /* rows of it are hidden although it has no row filter of its own: a policy's, or a view's around it */
        bool by_id;       /* columns by field id also where names would do */
        Str outline;      /* of a veiled table: by guard_outline(); empty: read by id */
        const bool *flat; /* row filter: per column, whether it must go through the function (govern/flat.h); NULL: all */
        bool open;        /* row filter: no OFFSET 0, so that the engine may plan through it */
} GuardedUse;

/* Whether rows of the table are hidden from whoever asks. */
bool guard_is_veiled(const GuardedUse *use);
/* Whether planning may know of it what its files say of themselves, or an outline does: then it is read by name. */
bool guard_is_named(const GuardedUse *use);
/* Before the scan of a veiled table, which holds `rows` rows (-1 = unknown): sets use->outline where there can be one. */
Status guard_outline(GuardedUse *use, const BindSource *source, int64_t rows, Arena *arena, Error *err);

/*
 * The text, in brackets, without alias. A policy that names a column which the relation lacks is DENIED: it withholds the
 * whole relation. out_types gets the types whose flattening functions it names (for worker_define); may be NULL.
 */
Status guard_scan(const GuardedUse *use, Arena *arena, Str *out, Type **out_types, size_t *out_type_count, Error *err);

/* Aliases of the tables that a policy's subqueries read: these and a number. */
#define GUARD_ENTITLED "_lode_entitled_"
/* The mask `hash`, which the worker has: text to HMAC-SHA-256 in hex, NULL to NULL. */
#define GUARD_HASH "lode_hash"

/* Whether the policy says that this column is not there. */
bool policy_withholds(const Policy *policy, Str column);
const PolicyMask *policy_mask(const Policy *policy, Str column); /* NULL = none */
