/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/mask_hash.h"

#include "base/hash.h"

typedef struct HashKey {
        size_t size;
        char bytes[];
} HashKey;

static void hash_rows(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output) {
        const HashKey *key = duckdb_scalar_function_get_extra_info(info);
        duckdb_vector texts = duckdb_data_chunk_get_vector(input, 0);
        uint64_t *valid = duckdb_vector_get_validity(texts);
        duckdb_string_t *values = duckdb_vector_get_data(texts);
        idx_t count = duckdb_data_chunk_get_size(input);
        for (idx_t i = 0; i < count; i++) {
                if (valid && !duckdb_validity_row_is_valid(valid, i)) {
                        duckdb_vector_ensure_validity_writable(output);
                        duckdb_validity_set_row_invalid(duckdb_vector_get_validity(output), i);
                        continue;
                }
                CLEANUP(arena_deinit) Arena arena = { 0 };
                Str text = { duckdb_string_t_data(&values[i]), duckdb_string_t_length(values[i]) };
                Str hex = sha256_hex(&arena, hmac_sha256((Str){ key->bytes, key->size }, text));
                duckdb_vector_assign_string_element_len(output, i, hex.data, hex.size);
        }
}

bool mask_hash_define(Engine *engine, Str key) {
        HashKey *kept = arena_alloc(&engine->memory, sizeof(HashKey) + key.size);
        kept->size = key.size;
        memcpy(kept->bytes, key.data, key.size);
        duckdb_logical_type text = duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR);
        duckdb_scalar_function function = duckdb_create_scalar_function();
        duckdb_scalar_function_set_name(function, "lode_hash");
        duckdb_scalar_function_add_parameter(function, text);
        duckdb_scalar_function_set_return_type(function, text);
        duckdb_scalar_function_set_special_handling(function);
        duckdb_scalar_function_set_extra_info(function, kept, NULL);
        duckdb_scalar_function_set_function(function, hash_rows);
        bool defined = duckdb_register_scalar_function(engine->run, function) == DuckDBSuccess;
        duckdb_destroy_scalar_function(&function);
        duckdb_destroy_logical_type(&text);
        return defined;
}
