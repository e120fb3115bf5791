/* SPDX-License-Identifier: Apache-2.0 */
#include "model/name.h"

#include "base/buf.h"

/* Names that clients see as databases or schemas of the server itself. */
static const char *const reserved_names[] = {
        "lode", "postgres", "system", "temp", "information_schema", "pg_catalog"
};

/* ZONE.quarantine.rows holds what the checks of its models found, beside ZONE.quarantine.SOURCE. */
static bool is_reserved_source(Str name, const char *what) {
        return strcmp(what, "source") == 0 && str_is(name, "rows");
}

static bool is_lower(char c) {
        return c >= 'a' && c <= 'z';
}

static bool is_word(char c) {
        return is_lower(c) || (c >= '0' && c <= '9') || c == '_';
}

static bool is_reserved(Str name) {
        for (size_t i = 0; i < COUNT_OF(reserved_names); i++)
                if (str_is(name, reserved_names[i]))
                        return true;
        return false;
}

bool name_valid(Str name) {
        if (name.size == 0 || name.size > PROJECT_NAME_MAX || !is_lower(name.data[0]))
                return false;
        for (size_t i = 0; i < name.size; i++)
                if (!is_word(name.data[i]))
                        return false;
        return !is_reserved(name);
}

Status name_check(Str name, const char *what, Error *err) {
        if (name_valid(name) && !is_reserved_source(name, what))
                return STATUS_OK;
        if (is_reserved(name) || is_reserved_source(name, what)) {
                error_set(err, STATUS_BAD_VALUE, "\"%.*s\" is a name that Lode keeps for itself", STR_ARG(name));
                return error_hint(err, "choose another name for this %s", what);
        }
        CLEANUP(arena_deinit) Arena arena = { 0 };
        if (name.size > PROJECT_NAME_MAX)
                error_set(err, STATUS_BAD_VALUE, "the name of a %s has at most %d letters, \"%.20s...\" has %zu", what,
                          PROJECT_NAME_MAX, arena_cstr(&arena, name), name.size);
        else
                error_set(err, STATUS_BAD_VALUE,
                          "\"%.*s\" cannot be the name of a %s: lower-case letters a-z, digits and _, a letter first",
                          STR_ARG(name), what);
        Str good = name_from(&arena, name);
        return error_hint(err, "%.*s would do", STR_ARG(good));
}

Str name_from(Arena *arena, Str text) {
        CLEANUP(buf_deinit) Buf buf = { 0 };
        for (size_t i = 0; i < text.size && buf.size < PROJECT_NAME_MAX; i++) {
                char c = text.data[i];
                c = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
                if (is_word(c) && c != '_')
                        buf_append_byte(&buf, c);
                else if (buf.size > 0 && buf.data[buf.size - 1] != '_' && i + 1 < text.size)
                        buf_append_byte(&buf, '_');
        }
        while (buf.size > 0 && buf.data[buf.size - 1] == '_')
                buf.size--;
        Str name = buf_view(&buf);
        if (name.size == 0)
                return STR("data");
        if (!is_lower(name.data[0]) || is_reserved(name) || is_reserved_source(name, "source"))
                return str_slice(arena_strf(arena, "x_%.*s", STR_ARG(name)), 0, PROJECT_NAME_MAX);
        return arena_str(arena, name);
}

/* A project's name is a folder's, not SQL's: it may have capitals, dots and dashes. */
static bool project_char(char c, bool first) {
        bool word = is_word(c) || (c >= 'A' && c <= 'Z');
        return word || (!first && (c == '-' || c == '.'));
}

Str project_name_from(Arena *arena, Str folder) {
        Str name = arena_str(arena, str_slice(folder, 0, PROJECT_NAME_MAX));
        char *bytes = arena_cstr(arena, name);
        for (size_t i = 0; i < name.size; i++)
                if (!project_char(bytes[i], i == 0))
                        bytes[i] = '_';
        return name.size ? (Str){ bytes, name.size } : STR("project");
}
