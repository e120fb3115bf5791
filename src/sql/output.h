/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Output: what PostgreSQL calls the columns of an answer where nobody named them: count, ?column?, case, the function's or
 * the type's name. The engine would say count_star() and (a + 1).
 */
#include "sql/tree.h"

/* names has what the engine calls them, in order; those that PostgreSQL calls otherwise are replaced. Texts live in the
 * tree's arena or are constants. Behind a star, columns are counted from the right. */
void sql_output_names(const SqlTree *tree, Str *names, size_t count);
