/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The flattening functions: names by which the printed SQL reaches the worker's C functions.
 *
 * A guarded scan passes columns through one of them, so that no expression of the user's sees the dictionary, the
 * statistics or the child elements of rows that the policy hides. There is one per type; it is volatile and returns its
 * argument. Names are `lode_v_bigint`, `lode_v_decimal_12_2`, `lode_v_<hash>` for nested types; a name is
 * fixed by the type's engine text alone. Qualify them as `memory.main.lode_v_bigint` or leave them bare. Flat types but
 * decimals are defined from the start; for decimals and nested types worker_define() tells the worker first.
 */
#include "base/type.h"

Str function_name(Arena *arena, Type type);
/* The same from the engine's own spelling of the type, as type_print_duckdb() gives it. */
Str function_name_of(Arena *arena, Str engine_type);
/* The types whose functions exist in every worker, by engine spelling; ends with NULL. */
extern const char *const FUNCTION_TYPES[];
