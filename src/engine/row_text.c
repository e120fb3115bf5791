/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/row_text.h"

#include "base/hash.h"
#include "base/map.h"

Str *column_keys(Arena *arena, const WorkerColumns *columns) {
        Str *keys = ARENA_ARRAY(arena, Str, columns->count);
        Map seen;
        map_init(&seen, arena);
        for (size_t i = 0; i < columns->count; i++) {
                Str key = columns->items[i].name;
                for (int n = 1; map_has(&seen, key); n++)
                        key = arena_strf(arena, "%.*s_%d", STR_ARG(columns->items[i].name), n);
                map_put(&seen, key, keys);
                keys[i] = key;
        }
        return keys;
}

bool column_is_number(const WorkerColumn *column) {
        static const char *const names[] = { "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT",
                                             "UINTEGER", "UBIGINT", "UHUGEINT", "FLOAT", "DOUBLE", "pg_oid", "pg_regproc" };
        if (str_starts_with(column->engine_type, STR("DECIMAL(")) && column->engine_type.data[column->engine_type.size - 1] == ')')
                return true;
        for (size_t i = 0; i < COUNT_OF(names); i++)
                if (str_is(column->engine_type, names[i]))
                        return true;
        return false;
}

/* "2024-01-02 03:04:05+00" -> "2024-01-02T03:04:05+00:00" */
static void put_timestamp(JsonWriter *writer, Str value) {
        char text[64];
        size_t size = 0;
        for (size_t i = 0; i < value.size && size < sizeof(text) - 4; i++)
                text[size++] = value.data[i] == ' ' && i == 10 ? 'T' : value.data[i];
        bool short_offset = size > 19 && (text[size - 3] == '+' || text[size - 3] == '-');
        if (short_offset) {
                memcpy(text + size, ":00", 3);
                size += 3;
        }
        json_put_str(writer, (Str){ text, size });
}

static void put_binary(JsonWriter *writer, Str value) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        Str bytes;
        if (!str_starts_with(value, STR("\\x")) || !hex_decode(&arena, str_slice(value, 2, value.size), &bytes))
                bytes = value;
        json_put_str(writer, base64_encode(&arena, bytes));
}

void json_put_value(JsonWriter *writer, const WorkerColumn *column, Str value, bool is_null) {
        if (is_null) {
                json_put_null(writer);
                return;
        }
        bool has_letters = value.size && (char_is_one_of(value.data[0], "NIi") || str_starts_with(value, STR("-I")));
        if (column_is_number(column) && !has_letters)
                json_put_raw(writer, value);
        else if (str_is(column->engine_type, "BOOLEAN"))
                json_put_bool(writer, value.size && value.data[0] == 't');
        else if (str_starts_with(column->engine_type, STR("TIMESTAMP")) && str_find_byte(column->engine_type, '[') == column->engine_type.size)
                put_timestamp(writer, value);
        else if (str_is(column->engine_type, "BLOB"))
                put_binary(writer, value);
        else
                json_put_str(writer, value);
}

Str readable_value(const WorkerColumn *column, Str value, bool is_null) {
        if (is_null || !str_is(column->engine_type, "BOOLEAN"))
                return value;
        return value.size && value.data[0] == 't' ? STR("true") : STR("false");
}

void csv_put(Buf *out, Str value, bool is_null) {
        if (is_null)
                return;
        bool quote = value.size == 0;
        for (size_t i = 0; i < value.size && !quote; i++)
                quote = value.data[i] == ',' || value.data[i] == '"' || value.data[i] == '\n' || value.data[i] == '\r';
        if (!quote) {
                buf_append(out, value);
                return;
        }
        buf_append_quoted(out, value, '"');
}
