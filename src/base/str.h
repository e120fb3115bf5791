/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Str: a view of bytes that somebody else owns. Text is UTF-8 where a header does not say "bytes". Not ended
 * by NUL unless it came from str_of() or an arena's copy (arena_str and arena_printf always end theirs).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct Str {
        const char *data;
        size_t size;
} Str;

#define STR(literal) ((Str){ "" literal, sizeof(literal) - 1 })
#define STR_NONE ((Str){ NULL, 0 })
#define STR_ARG(s) (int)(s).size, (s).data /* for "%.*s" */

static inline Str str_of(const char *cstring) {
        return (Str){ cstring, cstring ? strlen(cstring) : 0 };
}

static inline bool str_equal(Str a, Str b) {
        return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static inline bool str_is(Str a, const char *cstring) {
        return str_equal(a, str_of(cstring));
}

/* From..to as byte offsets; both are cut to the size. */
static inline Str str_slice(Str s, size_t from, size_t to) {
        if (to > s.size)
                to = s.size;
        if (from > to)
                from = to;
        return (Str){ from ? s.data + from : s.data, to - from };
}

/* Without regard to case, or made lower case: ASCII letters only, here and wherever a name says nocase or lower. */
static inline char char_lower(char c) {
        return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* NUL is none of any: strchr() finds the end of the set for it. */
static inline bool char_is_one_of(char c, const char *set) {
        return c != 0 && strchr(set, c) != NULL;
}

bool str_equal_nocase(Str a, Str b);
bool str_is_one_of_nocase(Str s, const char *const *words, size_t count);
int str_compare(Str a, Str b);       /* bytewise, shorter first */
bool str_starts_with(Str s, Str prefix);
bool str_ends_with(Str s, Str suffix);
Str str_trim(Str s); /* ASCII white space at both ends */
/* Offset of the first byte or text, or s.size. */
size_t str_find_byte(Str s, char byte);
size_t str_find(Str s, Str text);
/* Splits at the first separator: what lies before goes to head, what lies after to tail; false if there is none
 * (then head is all of s and tail is empty). */
bool str_cut(Str s, char separator, Str *head, Str *tail);
/* Whole text as a decimal integer, optional sign; false on anything else or overflow. */
bool str_to_int64(Str s, int64_t *out);
bool str_to_uint64(Str s, uint64_t *out);
/* Shell-like pattern: * and ? and [abc]; * does not match '/'. */
bool str_matches_glob(Str text, Str pattern);
/* Edits (insert, delete, change, swap) that turn a into b; for guesses. Texts over 64 bytes count as far apart. */
size_t str_distance(Str a, Str b);
/* The candidate nearest to word, or STR_NONE if none is near enough to be worth a guess. */
Str str_nearest(Str word, const Str *candidates, size_t count);

bool str_is_ascii(Str s);
/* One of these; the second without regard to case. */
bool str_is_in(Str s, const Str *items, size_t count);
bool str_is_in_nocase(Str s, const Str *items, size_t count);
bool utf8_valid(Str s);            /* no surrogates, no overlong forms, <= U+10FFFF; NUL is valid */
size_t utf8_length(Str s);         /* code points of valid UTF-8 */
size_t utf8_prefix(Str s, size_t code_points); /* bytes of the first so many code points */
/* Decodes one code point at s.data[at]; returns its bytes (0 at the end, and for invalid input 1 with U+FFFD). */
size_t utf8_decode(Str s, size_t at, uint32_t *out);
size_t utf8_encode(uint32_t code_point, char out[4]);
