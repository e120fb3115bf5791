/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/parse.h"

#include "base/json.h"

#define TREE_MAX (MESSAGE_CONTROL_MAX - 64) /* bytes of JSON that fit in one answer */

/* json_serialize_sql() reports errors inside its result, under other names than exceptions have. */
static Failure failure_of_tree(const Json *tree, Arena *arena) {
        Str message = json_string(json_get(tree, "error_message"));
        if (str_starts_with(message, STR("Only SELECT")))
                return (Failure){ .kind = FAILURE_NOT_SELECT, .position = -1 };
        CLEANUP(buf_deinit) Buf text = { 0 };
        JsonWriter writer = json_writer(&text, false);
        json_object(&writer);
        json_member_str(&writer, "exception_type", STR("Parser"));
        json_member_str(&writer, "exception_message", message);
        json_member_str(&writer, "position", json_string(json_get(tree, "position")));
        json_end(&writer);
        buf_append_byte(&text, '\0');
        return engine_failure(text.data, arena);
}

/*
 * The result begins {"error":false,"statements":[ ... ]} when all is well. How many statements there are is asked of
 * the extractor and not of the tree, so that a tree of megabytes is not read twice.
 */
static bool count_is_one(Engine *engine, Str sql, Arena *arena, Failure *failure) {
        duckdb_extracted_statements statements = NULL;
        idx_t count = duckdb_extract_statements(engine->parse, arena_cstr(arena, sql), &statements);
        duckdb_destroy_extracted(&statements);
        if (count == 1)
                return true;
        *failure = (Failure){ .kind = FAILURE_NOT_ONE,
                              .position = -1,
                              .arguments = { arena_strf(arena, "%llu", (unsigned long long)count) } };
        return false;
}

static bool take_tree(Engine *engine, Str sql, Str json, Arena *arena, Str *out_json, Failure *failure) {
        if (!str_starts_with(json, STR("{\"error\":false,"))) {
                Json *tree;
                Error err;
                if (json_parse(json, NULL, arena, &tree, &err) != STATUS_OK)
                        *failure = (Failure){ .kind = FAILURE_OTHER,
                                              .position = -1,
                                              .detail = arena_str(arena, str_of(err.message)) };
                else
                        *failure = failure_of_tree(tree, arena);
                return false;
        }
        if (!count_is_one(engine, sql, arena, failure))
                return false;
        if (json.size > TREE_MAX) {
                *failure = (Failure){ .kind = FAILURE_TREE_SIZE, .position = -1, .arguments = { arena_strf(arena, "%u", TREE_MAX) } };
                return false;
        }
        *out_json = arena_str(arena, json);
        return true;
}

bool parse_sql(Engine *engine, Str sql, Arena *arena, Str *out_json, Failure *failure) {
        CLEANUP(engine_result_deinit) duckdb_result result = { 0 };
        if (duckdb_bind_varchar_length(engine->parser, 1, sql.data ? sql.data : "", sql.size) != DuckDBSuccess ||
            duckdb_execute_prepared(engine->parser, &result) != DuckDBSuccess) {
                *failure = engine_failure(duckdb_result_error(&result), arena);
                return false;
        }
        duckdb_data_chunk chunk = duckdb_fetch_chunk(result);
        if (!chunk) {
                *failure = (Failure){ .kind = FAILURE_OTHER, .position = -1, .detail = STR("no tree") };
                return false;
        }
        duckdb_string_t *text = duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 0));
        Str json = { duckdb_string_t_data(text), duckdb_string_t_length(*text) };
        bool taken = take_tree(engine, sql, json, arena, out_json, failure);
        duckdb_destroy_data_chunk(&chunk);
        return taken;
}
