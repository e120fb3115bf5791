/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/functions.h"

#include "base/buf.h"
#include "base/hash.h"

/* clang-format off */
const char *const FUNCTION_TYPES[] = {
        "BOOLEAN",   "TINYINT",  "SMALLINT", "INTEGER",   "BIGINT",      "UTINYINT",     "USMALLINT",    "UINTEGER",
        "UBIGINT",   "HUGEINT",  "UHUGEINT", "FLOAT",     "DOUBLE",      "DATE",         "TIME",         "TIMESTAMP",
        "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "TIMESTAMP WITH TIME ZONE", "TIME WITH TIME ZONE", "INTERVAL",
        "UUID",      "VARCHAR",  "BLOB",     NULL,
};
/* clang-format on */

/* BIGINT -> bigint, DECIMAL(12,2) -> decimal_12_2; false if the spelling is not that of a flat type. */
static bool spell(Buf *out, Str type) {
        bool gap = false;
        for (size_t i = 0; i < type.size; i++) {
                char c = type.data[i];
                bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
                if (!letter && !(c == ' ' || c == '(' || c == ',' || (c == ')' && i + 1 == type.size)))
                        return false;
                if (letter && gap)
                        buf_append_byte(out, '_');
                if (letter)
                        buf_append_byte(out, c >= 'A' && c <= 'Z' ? (char)(c + 32) : c);
                gap = !letter;
        }
        return true;
}

static bool is_flat(Str type) {
        if (str_starts_with(type, STR("DECIMAL(")) && str_find_byte(type, ')') + 1 == type.size)
                return true;
        for (size_t i = 0; FUNCTION_TYPES[i]; i++) {
                if (str_is(type, FUNCTION_TYPES[i]))
                        return true;
        }
        return false;
}

Str function_name_of(Arena *arena, Str engine_type) {
        CLEANUP(buf_deinit) Buf name = { 0 };
        buf_append_cstr(&name, "lode_v_");
        if (!is_flat(engine_type) || !spell(&name, engine_type)) {
                buf_clear(&name);
                buf_printf(&name, "lode_v_%016llx", (unsigned long long)hash64_stable(engine_type));
        }
        return buf_dup(&name, arena);
}

Str function_name(Arena *arena, Type type) {
        return function_name_of(arena, type_print_duckdb(arena, type));
}
