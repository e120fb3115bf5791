/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/as_of.h"


#include "base/buf.h"
#include "base/expression.h"
#include "base/time.h"

#define NAME_MAX_BYTES 4096

struct AsOfReader {
        regex_t compiled;
};

/* ---- the text ---- */

/* POSIX knows no \d. Inside [ ] it is a range, outside a class of its own. */
static Str posix_of(Arena *arena, Str text) {
        CLEANUP(buf_deinit) Buf out = { 0 };
        bool in_brackets = false;
        for (size_t i = 0; i < text.size; i++) {
                char c = text.data[i], next = i + 1 < text.size ? text.data[i + 1] : 0;
                if (c == '\\' && next == 'd') {
                        buf_append_cstr(&out, in_brackets ? "0-9" : "[0-9]");
                        i++;
                } else if (c == '\\' && next && !in_brackets) {
                        buf_append(&out, str_slice(text, i, i + 2));
                        i++;
                } else {
                        if (c == '[' && !in_brackets)
                                in_brackets = true;
                        else if (c == ']')
                                in_brackets = false;
                        buf_append_byte(&out, c);
                }
        }
        return buf_dup(&out, arena);
}

/* What stands between the quotes, where \\ is one backslash and \" a quote; other backslashes are the expression's. */
static Str unquoted(Arena *arena, Str text) {
        CLEANUP(buf_deinit) Buf out = { 0 };
        for (size_t i = 1; i + 1 < text.size; i++) {
                char c = text.data[i], next = text.data[i + 1];
                if (c == '\\' && (next == '\\' || next == '"') && i + 2 < text.size)
                        i++;
                buf_append_byte(&out, c == '\\' && i + 1 < text.size ? text.data[i] : c);
        }
        return buf_dup(&out, arena);
}

static bool is_quoted(Str text) {
        return text.size >= 2 && (text.data[0] == '"' || text.data[0] == '\'') && text.data[text.size - 1] == text.data[0];
}

static Status parse_name(Str rest, Arena *arena, AsOf *out, Error *err) {
        Str expression = posix_of(arena, is_quoted(rest) ? unquoted(arena, rest) : rest);
        regex_t compiled;
        char why[EXPRESSION_WHY] = "it is empty";
        if (expression.size == 0 || !expression_compile(expression, 0, &compiled, why)) {
                error_set(err, STATUS_BAD_VALUE, "the expression of `as_of` does not parse: %s", why);
                return error_hint(err, "for example   as_of: name \"_(\\d{4}-\\d{2}-\\d{2})\\.csv\"");
        }
        regfree(&compiled);
        *out = (AsOf){ AS_OF_NAME, expression };
        return STATUS_OK;
}

Status as_of_parse(Str text, Arena *arena, AsOf *out, Error *err) {
        Str word, rest;
        text = str_trim(text);
        str_cut(text, ' ', &word, &rest);
        rest = str_trim(rest);
        if (str_is(text, "landed")) {
                *out = (AsOf){ .kind = AS_OF_LANDED, .text = STR("") };
                return STATUS_OK;
        }
        if (str_is(word, "name") && rest.size)
                return parse_name(rest, arena, out, err);
        if (str_is(word, "column") && rest.size) {
                *out = (AsOf){ AS_OF_COLUMN, arena_str(arena, is_quoted(rest) ? unquoted(arena, rest) : rest) };
                return STATUS_OK;
        }
        error_set(err, STATUS_BAD_VALUE, "`as_of` cannot be \"%.*s\"", STR_ARG(str_slice(text, 0, 80)));
        return error_hint(err, "it is landed, column NAME, or name \"EXPRESSION\" such as name \"_(\\d{4}-\\d{2}-\\d{2})\"");
}

Str as_of_print(const AsOf *as_of, Arena *arena) {
        switch (as_of->kind) {
        case AS_OF_NAME: {
                CLEANUP(buf_deinit) Buf out = { 0 };
                buf_append_cstr(&out, "name \"");
                for (size_t i = 0; i < as_of->text.size; i++) {
                        if (as_of->text.data[i] == '"' || as_of->text.data[i] == '\\')
                                buf_append_byte(&out, '\\');
                        buf_append_byte(&out, as_of->text.data[i]);
                }
                buf_append_byte(&out, '"');
                return buf_dup(&out, arena);
        }
        case AS_OF_COLUMN:
                return arena_strf(arena, "column %.*s", STR_ARG(as_of->text));
        case AS_OF_UNSAID:
        case AS_OF_LANDED:
                break;
        }
        return STR("landed");
}

/* ---- names ---- */

AsOfReader *as_of_reader_new(const AsOf *as_of) {
        AsOfReader *reader = calloc(1, sizeof(*reader));
        char why[EXPRESSION_WHY];
        if (!reader || !expression_compile(as_of->text, 0, &reader->compiled, why))
                out_of_memory(); /* it parsed before */
        return reader;
}

void as_of_reader_freep(AsOfReader **reader) {
        if (!*reader)
                return;
        regfree(&(*reader)->compiled);
        free(*reader);
        *reader = NULL;
}

/* So many digits from *at on, whatever stands before them; false when fewer are left. */
static bool take_digits(Str text, size_t *at, int count, int *out) {
        size_t i = *at;
        while (i < text.size && (text.data[i] < '0' || text.data[i] > '9'))
                i++;
        *out = 0;
        for (int taken = 0; taken < count; taken++, i++) {
                if (i >= text.size || text.data[i] < '0' || text.data[i] > '9')
                        return false;
                *out = *out * 10 + (text.data[i] - '0');
        }
        *at = i;
        return true;
}

static bool has_digits(Str text, size_t at) {
        for (; at < text.size; at++)
                if (text.data[at] >= '0' && text.data[at] <= '9')
                        return true;
        return false;
}

/* Year, month, day, hour, minute, second; what is left out is the beginning. */
static bool read_parts(Str text, int64_t *out_us) {
        int parts[6] = { 0, 1, 1, 0, 0, 0 };
        size_t at = 0;
        if (!take_digits(text, &at, 4, &parts[0]))
                return false;
        for (int i = 1; i < 6 && has_digits(text, at); i++)
                if (!take_digits(text, &at, 2, &parts[i]))
                        return false;
        if (has_digits(text, at) || !civil_valid(parts[0], parts[1], parts[2]) || parts[3] > 23 || parts[4] > 59 || parts[5] > 59)
                return false;
        int64_t seconds = (int64_t)days_from_civil(parts[0], parts[1], parts[2]) * 86400 + parts[3] * 3600 + parts[4] * 60 + parts[5];
        *out_us = seconds * 1000000;
        return true;
}

bool as_of_read(const AsOfReader *reader, Str name, int64_t *out_us) {
        regmatch_t found[2];
        char copy[NAME_MAX_BYTES];
        if (name.size >= sizeof(copy))
                return false;
        memcpy(copy, name.data, name.size);
        copy[name.size] = 0;
        if (regexec(&reader->compiled, copy, COUNT_OF(found), found, 0) != 0)
                return false;
        const regmatch_t *part = found[1].rm_so >= 0 ? &found[1] : &found[0];
        return read_parts(str_slice(name, (size_t)part->rm_so, (size_t)part->rm_eo), out_us);
}
