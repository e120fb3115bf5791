/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Prepare: a model as the statement that makes it, and the columns that its table will have. The same for a build, over
 * tables as they are, and for a look at the text alone (model/dry.h), over tables that need not exist.
 */
#include "model/model_file.h"
#include "model/statement.h"

/*
 * The model bound and prepared with the rights that spec says. A table that keeps the rows of what it reads carries their
 * delivery and ordinal too, hidden, so that each of its rows can be traced. The tree is left as it was.
 */
Status prepare_model(const StatementSpec *spec, const Model *model, const SqlTree *tree, Arena *arena, Statement *out, Error *err);
/* Its columns, without ids; SQL_TYPE, AMBIGUOUS, NO_COLUMN where they cannot be a table's or are not what the model's own
 * lines say, with the place in its file. */
Status prepare_columns(const Model *model, const Statement *statement, Arena *arena, LakeColumn **out, size_t *out_count, Error *err);
/* From where the values of these columns come, for the body of the table or view. */
Status prepare_lineage(const StatementSpec *spec, const SqlTree *tree, const LakeColumn *columns, size_t count, Arena *arena, LakeLineage **out,
                       size_t *out_count, Error *err);
/* As its zone: own stages whole, other zones' products only. */
Principal prepare_principal(Str zone, Arena *arena);
