/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flat types: the output refers to the input, which the engine flattens before it calls a C function, so the
 * dictionary with the hidden rows' values is gone. Nested types: flattening leaves the child vector shared, with
 * the elements of hidden rows in it, so the selected rows are copied.
 *
 * Volatile: neither folded (a function of one argument that is not is folded when statistics say that the column is
 * constant), nor evaluated per dictionary entry, nor crossed by filters.
 */
#include "worker/flatten.h"

#include "base/reason.h"
#include "engine/functions.h"

static void flatten_flat(duckdb_function_info info UNUSED, duckdb_data_chunk input, duckdb_vector output) {
        duckdb_vector_reference_vector(output, duckdb_data_chunk_get_vector(input, 0));
}

static void flatten_deep(duckdb_function_info info UNUSED, duckdb_data_chunk input, duckdb_vector output) {
        idx_t count = duckdb_data_chunk_get_size(input);
        duckdb_selection_vector all = duckdb_create_selection_vector(count);
        sel_t *rows = duckdb_selection_vector_get_data_ptr(all);
        for (idx_t i = 0; i < count; i++)
                rows[i] = (sel_t)i;
        duckdb_vector_copy_sel(duckdb_data_chunk_get_vector(input, 0), output, all, count, 0, 0);
        duckdb_destroy_selection_vector(all);
}

static bool is_nested(duckdb_type id) {
        return id == DUCKDB_TYPE_LIST || id == DUCKDB_TYPE_STRUCT || id == DUCKDB_TYPE_MAP || id == DUCKDB_TYPE_ARRAY ||
               id == DUCKDB_TYPE_UNION || id == DUCKDB_TYPE_VARIANT;
}

static bool define(Engine *engine, Str engine_type, duckdb_logical_type type, Arena *arena) {
        duckdb_scalar_function function = duckdb_create_scalar_function();
        duckdb_scalar_function_set_name(function, arena_cstr(arena, function_name_of(arena, engine_type)));
        duckdb_scalar_function_add_parameter(function, type);
        duckdb_scalar_function_set_volatile(function);
        duckdb_scalar_function_set_return_type(function, type);
        duckdb_scalar_function_set_special_handling(function); /* NULLs pass too */
        duckdb_scalar_function_set_function(function,
                                            is_nested(duckdb_get_type_id(type)) ? flatten_deep : flatten_flat);
        bool defined = duckdb_register_scalar_function(engine->run, function) == DuckDBSuccess;
        duckdb_destroy_scalar_function(&function);
        return defined;
}

static void prepared_deinit(duckdb_prepared_statement *prepared) {
        duckdb_destroy_prepare(prepared);
}

/* The engine reads its own spelling. */
static bool type_of_name(Engine *engine, Str name, duckdb_logical_type *out, Arena *arena, Failure *failure) {
        CLEANUP(prepared_deinit) duckdb_prepared_statement probe = NULL;
        const char *sql = arena_printf(arena, "SELECT CAST(NULL AS %.*s)", STR_ARG(name));
        if (duckdb_prepare(engine->run, sql, &probe) != DuckDBSuccess) {
                *failure = engine_failure(duckdb_prepare_error(probe), arena);
                return false;
        }
        *out = duckdb_prepared_statement_column_logical_type(probe, 0);
        return *out != NULL;
}

bool flatten_define(Engine *engine, Str engine_type, Arena *arena, Failure *failure) {
        if (map_has(&engine->defined, engine_type))
                return true;
        CLEANUP(engine_type_deinit) duckdb_logical_type type = NULL;
        if (!type_of_name(engine, engine_type, &type, arena, failure))
                return false;
        if (!define(engine, engine_type, type, arena)) {
                *failure = (Failure){ .kind = FAILURE_NO_TYPE, .position = -1, .arguments = { engine_type } };
                return false;
        }
        map_put(&engine->defined, engine_type, engine);
        return true;
}

Status flatten_define_all(Engine *engine, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        for (size_t i = 0; FUNCTION_TYPES[i]; i++) {
                Str name = str_of(FUNCTION_TYPES[i]);
                CLEANUP(engine_type_deinit) duckdb_logical_type type = duckdb_create_logical_type(engine_type_id(name));
                if (!define(engine, name, type, &arena))
                        return error_reason(err, ENGINE_FUNCTION, reason_number((int64_t)i + 1));
                map_put(&engine->defined, name, engine);
        }
        return STATUS_OK;
}
