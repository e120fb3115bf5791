/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Decide: which models choose their rows by a column that a policy masks (WHERE, a join, GROUP BY ...). No tag follows that
 * way, and who writes such a model can spell the column's values out, so it is told where the text changes, and kept in the
 * audit log. Tags are followed through the text alone, in the order of building; a table need not exist.
 */
#include "model/graph.h"
#include "sql/tree.h"

typedef struct Decision {
        const Node *node; /* of the model */
        Str column;       /* zone.stage.table.column, which has the tag by itself or by what it is made of */
        Str tag;
} Decision;

/* trees: by node index, NULL for sources. By node, then as the lineage has them; none without policies. LIMIT. */
Status decide_find(const Project *project, const Graph *graph, const SqlTree *const *trees, Arena *arena, Decision **out, size_t *out_count, Error *err);
/* "shop.canonical.letters decides by shop.staging.people.email (pii): its values can be spelled out by that" */
Str decide_print(Arena *arena, const Decision *decision);

/* A column that a policy masks, as the text has it. */
typedef struct Masked {
        const Node *node;
        Str column, tag;
        const CentralPolicy *policy;
} Masked;

/* Each column and each policy that masks it; by node. As decide_find(). */
Status decide_masked(const Project *project, const Graph *graph, const SqlTree *const *trees, Arena *arena, Masked **out, size_t *out_count, Error *err);
