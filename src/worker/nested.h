/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Nested: values of lists and structs into the leaves of a Parquet column, with the levels that say where each belongs:
 * a definition level for everything optional and every list on the way down, a repetition level for the list that goes on.
 */
#include "frame/nested.h"
#include "parquet/writer.h"

/* One row: an entry or more to every leaf. column: the first leaf; NULL is NULL. */
void nested_put(ParquetColumn *column, const Type *type, const Nested *value);
