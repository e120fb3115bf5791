/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Infer: of which type a parameter is that nobody gave one. PostgreSQL's rules, in three steps:
 *
 *   infer_written()  what stands there: $1::int, array[$1]::date[], and what its functions take: left(x, $1), round($1, 2)
 *   infer_ask()      of the rest, changes a statement that is only described so that the engine can tell: in x + $1 the
 *                    parameter is what x is, in SELECT x UNION SELECT $1 too; a parameter whose place says nothing (SELECT $1,
 *                    $1 IS NULL) becomes a NULL there, for one that the engine does not know costs it all the others. What is
 *                    left is numbered anew: the engine tells of no gaps
 *   infer_take()     what the engine said, as PostgreSQL has it: interval * $1 is a number
 *
 * Pure; types are OIDs, 0 = not known.
 */
#include "sql/tree.h"

typedef struct Inferred {
        uint32_t *types; /* types[i] is that of $i+1 */
        char *operators; /* beside which it stands: + - * / %; NUL: none. As many */
        size_t count;
        size_t *asked; /* which parameter the changed statement's $i+1 is, from 0 */
        size_t asked_count;
} Inferred;

Status infer_written(const SqlTree *tree, Inferred *inferred, Error *err);
/* Changes the tree, whose parameters that have a type are values already. */
Status infer_ask(SqlTree *tree, Inferred *inferred, Arena *arena, Error *err);
/* index: of the changed statement's parameters, from 0. */
void infer_take(Inferred *inferred, size_t index, uint32_t oid);
