/* SPDX-License-Identifier: Apache-2.0 */
#include "lake/view.h"

#include "base/json.h"

Str view_body_print(Arena *arena, const ViewBody *view) {
        CLEANUP(buf_deinit) Buf out = { 0 };
        JsonWriter w = json_writer(&out, false);
        json_object(&w);
        json_member_str(&w, "sql", view->sql);
        json_member_str(&w, "path", view->path);
        json_member_str(&w, "about", view->about);
        json_member_str(&w, "fingerprint", view->fingerprint);
        json_member_str(&w, "contract", view->contract);
        json_key(&w, "columns");
        json_array(&w);
        for (size_t i = 0; i < view->column_count; i++) {
                json_object(&w);
                json_member_str(&w, "name", view->column_names[i]);
                json_member_str(&w, "type", type_print_duckdb(arena, view->column_types[i]));
                json_end(&w);
        }
        json_end(&w);
        json_key(&w, "inputs");
        json_array(&w);
        for (size_t i = 0; i < view->input_count; i++)
                json_put_str(&w, view->inputs[i].table);
        json_end(&w);
        json_key(&w, "lineage");
        lineage_print(&w, view->lineage, view->lineage_count);
        json_end(&w);
        return buf_dup(&out, arena);
}

static Status parse_columns(const Json *columns, Arena *arena, ViewBody *out, Error *err) {
        out->column_count = json_count(columns);
        out->column_names = ARENA_ARRAY(arena, Str, out->column_count);
        out->column_types = ARENA_ARRAY(arena, Type, out->column_count);
        for (size_t i = 0; i < out->column_count; i++) {
                Str type;
                TRY(json_want_string(json_at(columns, i), "name", &out->column_names[i], err));
                TRY(json_want_string(json_at(columns, i), "type", &type, err));
                if (!type_parse_duckdb(arena, type, &out->column_types[i]))
                        return error_set(err, STATUS_CORRUPT, "a view's body names an unknown type '%.*s'", STR_ARG(type));
        }
        return STATUS_OK;
}

Status view_body_parse(Str json, Arena *arena, ViewBody *out, Error *err) {
        Json *root;
        const Json *columns, *inputs;
        *out = (ViewBody){ 0 };
        TRY(json_parse(json, "a view's body", arena, &root, err));
        TRY(json_want_string(root, "sql", &out->sql, err));
        TRY(json_want_string(root, "path", &out->path, err));
        out->about = json_string(json_get(root, "about")); /* null when nothing is said */
        out->contract = json_string(json_get(root, "contract"));
        TRY(json_want_string(root, "fingerprint", &out->fingerprint, err));
        TRY(json_want_array(root, "columns", &columns, err));
        TRY(json_want_array(root, "inputs", &inputs, err));
        TRY(parse_columns(columns, arena, out, err));
        out->input_count = json_count(inputs);
        out->inputs = ARENA_ARRAY(arena, LakeInput, out->input_count);
        for (size_t i = 0; i < out->input_count; i++)
                out->inputs[i].table = json_string(json_at(inputs, i));
        lineage_parse(json_get(root, "lineage"), arena, &out->lineage, &out->lineage_count);
        return STATUS_OK;
}
