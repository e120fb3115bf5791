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

/* By their code points, both cases; what begins with a mark has it as a character of its own (U+0300 to U+036F), which is left out. */
static const struct {
        uint32_t from, to;
        const char *letters;
} LATIN[] = {
        { 0xC0, 0xC3, "a" },    { 0xC4, 0xC4, "ae" },   { 0xC5, 0xC5, "a" },    { 0xC6, 0xC6, "ae" },   { 0xC7, 0xC7, "c" },    { 0xC8, 0xCB, "e" },
        { 0xCC, 0xCF, "i" },    { 0xD0, 0xD0, "d" },    { 0xD1, 0xD1, "n" },    { 0xD2, 0xD5, "o" },    { 0xD6, 0xD6, "oe" },   { 0xD8, 0xD8, "oe" },
        { 0xD9, 0xDB, "u" },    { 0xDC, 0xDC, "ue" },   { 0xDD, 0xDD, "y" },    { 0xDE, 0xDE, "th" },   { 0xDF, 0xDF, "ss" },   { 0xE0, 0xE3, "a" },
        { 0xE4, 0xE4, "ae" },   { 0xE5, 0xE5, "a" },    { 0xE6, 0xE6, "ae" },   { 0xE7, 0xE7, "c" },    { 0xE8, 0xEB, "e" },    { 0xEC, 0xEF, "i" },
        { 0xF0, 0xF0, "d" },    { 0xF1, 0xF1, "n" },    { 0xF2, 0xF5, "o" },    { 0xF6, 0xF6, "oe" },   { 0xF8, 0xF8, "oe" },   { 0xF9, 0xFB, "u" },
        { 0xFC, 0xFC, "ue" },   { 0xFD, 0xFD, "y" },    { 0xFE, 0xFE, "th" },   { 0xFF, 0xFF, "y" },    { 0x100, 0x105, "a" },  { 0x106, 0x10D, "c" },
        { 0x10E, 0x111, "d" },  { 0x112, 0x11B, "e" },  { 0x11C, 0x123, "g" },  { 0x124, 0x127, "h" },  { 0x128, 0x131, "i" },  { 0x134, 0x135, "j" },
        { 0x136, 0x138, "k" },  { 0x139, 0x142, "l" },  { 0x143, 0x148, "n" },  { 0x14C, 0x151, "o" },  { 0x152, 0x153, "oe" }, { 0x154, 0x159, "r" },
        { 0x15A, 0x161, "s" },  { 0x162, 0x167, "t" },  { 0x168, 0x173, "u" },  { 0x174, 0x175, "w" },  { 0x176, 0x178, "y" },  { 0x179, 0x17E, "z" },
        { 0x218, 0x219, "s" },  { 0x21A, 0x21B, "t" },  { 0x300, 0x36F, "" },   { 0x1E9E, 0x1E9E, "ss" },
};

/* NULL: no letter that others stand for. */
static const char *latin_letters(uint32_t code) {
        for (size_t i = 0; i < COUNT_OF(LATIN); i++)
                if (code >= LATIN[i].from && code <= LATIN[i].to)
                        return LATIN[i].letters;
        return NULL;
}

Str name_from(Arena *arena, Str text) {
        CLEANUP(buf_deinit) Buf buf = { 0 };
        for (size_t i = 0, size; i < text.size && buf.size < PROJECT_NAME_MAX; i += size) {
                uint32_t code;
                size = utf8_decode(text, i, &code);
                char c = text.data[i];
                c = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
                const char *letters = latin_letters(code);
                if (code == 0x308 && buf.size > 0 && char_is_one_of(buf.data[buf.size - 1], "aou"))
                        letters = "e"; /* two dots that stand apart, as macOS has them */
                if (letters)
                        buf_append_cstr(&buf, letters);
                else if (is_word(c) && c != '_')
                        buf_append_byte(&buf, c);
                else if (buf.size > 0 && buf.data[buf.size - 1] != '_' && i + size < text.size)
                        buf_append_byte(&buf, '_');
        }
        buf.size = buf.size > PROJECT_NAME_MAX ? PROJECT_NAME_MAX : buf.size;
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
