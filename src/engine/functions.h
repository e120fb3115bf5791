/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The flattening functions: names by which the printed SQL reaches the worker's C functions.
 *
 * A guarded scan passes columns through one of them, so that no expression of the user's sees the dictionary, the
 * statistics or the child elements of rows that the policy hides. There are two forms of each, per type:
 *
 *      v(x)      volatile
 *      k(x, n)   not volatile; n is the Parquet scan's file_row_number (BIGINT), and keeps it from being folded
 *
 * They return x. Names are `lode_v_bigint`, `lode_k_decimal_12_2`, `lode_v_<hash>` for nested types; a name is
 * fixed by the type's engine text alone. Qualify them as `memory.main.lode_v_bigint` or leave them bare. Flat types but
 * decimals are defined from the start; for decimals and nested types worker_define() tells the worker first.
 */
#include "base/type.h"

typedef enum FunctionForm { FUNCTION_VOLATILE, FUNCTION_KEYED } FunctionForm;

Str function_name(Arena *arena, FunctionForm form, Type type);
/* The same from the engine's own spelling of the type, as type_print_duckdb() gives it. */
Str function_name_of(Arena *arena, FunctionForm form, Str engine_type);
/* The types whose functions exist in every worker, by engine spelling; ends with NULL. */
extern const char *const FUNCTION_TYPES[];
