/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns of SIMILAR TO as regular expressions that match the same, whole texts: % and _ as in LIKE, | ( ) [ ] * + ? { } as in
 * a regular expression, all else itself. */
#include "base/buf.h"
#include "govern/dialect.h"

typedef struct Pattern {
        Str text, escape;
        size_t at;
        bool in_class; /* between [ and ] */
        Buf *out;
} Pattern;

static bool is_letter_or_digit(char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static void put_literal(Buf *out, char c) {
        if (char_is_one_of(c, "\\^$.|()[]*+?{}-"))
                buf_append_byte(out, '\\');
        buf_append_byte(out, c);
}

/* Behind the escape; false for what is none: nothing, or a letter that no class of characters has. */
static bool take_escaped(Pattern *pattern) {
        if (pattern->at >= pattern->text.size)
                return false;
        char c = pattern->text.data[pattern->at++];
        if (is_letter_or_digit(c)) {
                buf_append_byte(pattern->out, '\\');
                buf_append_byte(pattern->out, c);
                return char_is_one_of(c, "dDsSwW");
        }
        put_literal(pattern->out, c);
        return c != '"'; /* parts for substring() */
}

static void take_plain(Pattern *pattern, char c) {
        bool opens = !pattern->in_class && c == '[';
        if (pattern->in_class && c != '\\')
                buf_append_byte(pattern->out, c);
        else if (c == '%')
                buf_append_cstr(pattern->out, ".*");
        else if (c == '_')
                buf_append_byte(pattern->out, '.');
        else if (c == '(')
                buf_append_cstr(pattern->out, "(?:");
        else if (char_is_one_of(c, "\\^$."))
                put_literal(pattern->out, c);
        else
                buf_append_byte(pattern->out, c);
        pattern->in_class = opens || (pattern->in_class && c != ']');
        if (opens && pattern->at < pattern->text.size && pattern->text.data[pattern->at] == '^')
                buf_append_byte(pattern->out, pattern->text.data[pattern->at++]);
}

bool dialect_similar(Str text, Str escape, Arena *arena, Str *out) {
        CLEANUP(buf_deinit) Buf regex = { 0 };
        Pattern pattern = { .text = text, .escape = escape, .out = &regex };
        buf_append_cstr(&regex, "(?s)"); /* % is ends of lines too */
        while (pattern.at < text.size) {
                if (escape.size > 0 && str_starts_with(str_slice(text, pattern.at, text.size), escape)) {
                        pattern.at += escape.size;
                        if (!take_escaped(&pattern))
                                return false;
                        continue;
                }
                take_plain(&pattern, text.data[pattern.at++]);
        }
        *out = buf_dup(&regex, arena);
        return true;
}
