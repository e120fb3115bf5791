/* SPDX-License-Identifier: Apache-2.0 */
/* PostgreSQL's patterns of to_char(), to_date() and to_timestamp() as the engine's, where both mean the same. */
#include "base/buf.h"
#include "govern/dialect.h"

/* Longer ones first. exact: in these letters only, since the case of the answer follows them. */
static const struct {
        const char *pattern, *ours;
        bool exact;
} PATTERNS[] = {
        { "FMMonth", "%B", true }, { "FMHH24", "%-H", false }, { "FMHH12", "%-I", false }, { "FMDay", "%A", true }, { "FMDDD", "%-j", false },
        { "FMMM", "%-m", false },  { "FMDD", "%-d", false },   { "FMHH", "%-I", false },   { "FMMI", "%-M", false }, { "FMSS", "%-S", false },
        { "HH24", "%H", false },   { "HH12", "%I", false },    { "YYYY", "%Y", false },    { "IYYY", "%G", false },
        { "Mon", "%b", true },     { "DDD", "%j", false },     { "YY", "%y", false },      { "MM", "%m", false },    { "DD", "%d", false },
        { "HH", "%I", false },     { "MI", "%M", false },      { "SS", "%S", false },      { "MS", "%g", false },    { "US", "%f", false },
        { "IW", "%V", false },     { "ID", "%u", false },      { "Dy", "%a", true },       { "AM", "%p", true },     { "PM", "%p", true },
};

static bool is_letter(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool take_pattern(Str *rest, Buf *out) {
        for (size_t i = 0; i < COUNT_OF(PATTERNS); i++) {
                Str pattern = str_of(PATTERNS[i].pattern), here = str_slice(*rest, 0, pattern.size);
                if (!str_equal_nocase(here, pattern) || (PATTERNS[i].exact && !str_equal(here, pattern)))
                        continue;
                buf_append_cstr(out, PATTERNS[i].ours);
                *rest = str_slice(*rest, pattern.size, rest->size);
                return true;
        }
        return false;
}

static void put_literal(Buf *out, char c) {
        if (c == '%')
                buf_append_byte(out, c);
        buf_append_byte(out, c);
}

bool dialect_time_format(Str format, Arena *arena, Str *out) {
        CLEANUP(buf_deinit) Buf made = { 0 };
        Str rest = format, quoted;
        while (rest.size > 0) {
                char c = rest.data[0];
                if (take_pattern(&rest, &made))
                        continue;
                if (is_letter(c))
                        return false;
                rest = str_slice(rest, 1, rest.size);
                if (c != '"') {
                        put_literal(&made, c);
                        continue;
                }
                if (!str_cut(rest, '"', &quoted, &rest) || str_find_byte(quoted, '\\') < quoted.size)
                        return false;
                for (size_t i = 0; i < quoted.size; i++)
                        put_literal(&made, quoted.data[i]);
        }
        *out = buf_dup(&made, arena);
        return true;
}
