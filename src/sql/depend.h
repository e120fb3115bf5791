/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What a statement reads, told from its tree alone: the relations by name, and a fingerprint of its meaning.
 *
 * Scoping is the engine's: WITH names are seen by the query that has them, by the CTEs after them, by everything
 * inside, and shadow relations of the same single name; a recursive CTE sees itself. Names compare without ASCII case.
 */
#include "base/hash.h"
#include "sql/tree.h"

typedef struct SqlDependency {
        Str zone, stage, name; /* zone and stage are empty where the statement has fewer parts */
        SqlPlace at;           /* its first mention */
} SqlDependency;

/* Each relation once, in the order of the text; CTEs left out. */
void sql_dependencies(const SqlQuery *query, Arena *arena, SqlDependency **out, size_t *out_count);

/* Equal for two texts that differ in white space, comments, keyword case and brackets only. */
Sha256 sql_fingerprint(Arena *arena, const SqlQuery *query);

/*
 * Scope: the CTE names in sight while a tree is walked from the top; also what binding walks with. One frame per query;
 * frames live on the walker's stack and point outwards.
 */
typedef struct SqlScope SqlScope;
struct SqlScope {
        const SqlScope *outer;
        const SqlQuery *query;
        size_t visible; /* CTEs of query in sight: all of them in its body, those before it inside a CTE */
};

/* Whether `name` is a CTE in sight. */
bool sql_scope_has(const SqlScope *scope, Str name);
