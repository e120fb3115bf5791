/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An alias by duckdb_register_logical_type(): CREATE TYPE would give a name that results do not show. Functions are not
 * found for an alias unless a cast says that it may go for its base.
 */
#include "worker/catalog_types.h"

#include "base/reason.h"

static const struct {
        const char *name;
        duckdb_type made_of;
        bool list; /* of these */
} TYPES[] = {
        { "pg_oid", DUCKDB_TYPE_BIGINT, false },         { "pg_regproc", DUCKDB_TYPE_BIGINT, false },
        { "pg_name", DUCKDB_TYPE_VARCHAR, false },       { "pg_char", DUCKDB_TYPE_VARCHAR, false },
        { "pg_int2vector", DUCKDB_TYPE_SMALLINT, true }, { "pg_oidvector", DUCKDB_TYPE_BIGINT, true },
};

static void cast_deinit(duckdb_cast_function *function) {
        duckdb_destroy_cast_function(function);
}

static bool same_bytes(duckdb_function_info info UNUSED, idx_t count UNUSED, duckdb_vector input, duckdb_vector output) {
        duckdb_vector_reference_vector(output, input);
        return true;
}

static bool define_cast(Engine *engine, duckdb_logical_type from, duckdb_logical_type to) {
        CLEANUP(cast_deinit) duckdb_cast_function function = duckdb_create_cast_function();
        duckdb_cast_function_set_source_type(function, from);
        duckdb_cast_function_set_target_type(function, to);
        duckdb_cast_function_set_implicit_cast_cost(function, 1);
        duckdb_cast_function_set_function(function, same_bytes);
        return duckdb_register_cast_function(engine->run, function) == DuckDBSuccess;
}

static duckdb_logical_type made_of(size_t i) {
        duckdb_logical_type plain = duckdb_create_logical_type(TYPES[i].made_of);
        if (!TYPES[i].list)
                return plain;
        duckdb_logical_type list = duckdb_create_list_type(plain);
        duckdb_destroy_logical_type(&plain);
        return list;
}

Status catalog_types_define(Engine *engine, Error *err) {
        for (size_t i = 0; i < COUNT_OF(TYPES); i++) {
                CLEANUP(engine_type_deinit) duckdb_logical_type base = made_of(i);
                CLEANUP(engine_type_deinit) duckdb_logical_type alias = made_of(i);
                duckdb_logical_type_set_alias(alias, TYPES[i].name);
                if (duckdb_register_logical_type(engine->run, alias, NULL) != DuckDBSuccess || !define_cast(engine, alias, base))
                        return error_reason(err, ENGINE_TYPE, reason_number((int64_t)i + 1));
        }
        return STATUS_OK;
}
