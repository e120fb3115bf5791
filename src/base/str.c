/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

static bool is_space(char c) {
        return c == ' ' || (c >= '\t' && c <= '\r');
}

bool str_equal_nocase(Str a, Str b) {
        if (a.size != b.size)
                return false;
        for (size_t i = 0; i < a.size; i++)
                if (char_lower(a.data[i]) != char_lower(b.data[i]))
                        return false;
        return true;
}

bool str_is_one_of_nocase(Str s, const char *const *words, size_t count) {
        for (size_t i = 0; i < count; i++)
                if (str_equal_nocase(s, str_of(words[i])))
                        return true;
        return false;
}

int str_compare(Str a, Str b) {
        size_t common = a.size < b.size ? a.size : b.size;
        int order = common ? memcmp(a.data, b.data, common) : 0;
        return order ? order : (a.size > b.size) - (a.size < b.size);
}

bool str_starts_with(Str s, Str prefix) {
        return s.size >= prefix.size && str_equal(str_slice(s, 0, prefix.size), prefix);
}

bool str_ends_with(Str s, Str suffix) {
        return s.size >= suffix.size && str_equal(str_slice(s, s.size - suffix.size, s.size), suffix);
}

Str str_trim(Str s) {
        while (s.size && is_space(s.data[0]))
                s = str_slice(s, 1, s.size);
        while (s.size && is_space(s.data[s.size - 1]))
                s.size--;
        return s;
}

size_t str_find_byte(Str s, char byte) {
        const char *found = s.size ? memchr(s.data, byte, s.size) : NULL;
        return found ? (size_t)(found - s.data) : s.size;
}

size_t str_find(Str s, Str text) {
        if (text.size == 0)
                return 0;
        const char *found = s.size ? memmem(s.data, s.size, text.data, text.size) : NULL;
        return found ? (size_t)(found - s.data) : s.size;
}

bool str_cut(Str s, char separator, Str *head, Str *tail) {
        size_t at = str_find_byte(s, separator);
        *head = str_slice(s, 0, at);
        *tail = str_slice(s, at + 1, s.size);
        return at < s.size;
}

bool str_to_uint64(Str s, uint64_t *out) {
        if (s.size == 0)
                return false;
        uint64_t value = 0;
        for (size_t i = 0; i < s.size; i++) {
                unsigned digit = (unsigned char)s.data[i] - (unsigned)'0';
                if (digit > 9 || __builtin_mul_overflow(value, 10u, &value) ||
                    __builtin_add_overflow(value, digit, &value))
                        return false;
        }
        *out = value;
        return true;
}

bool str_to_int64(Str s, int64_t *out) {
        bool negative = s.size && s.data[0] == '-';
        if (s.size && (s.data[0] == '-' || s.data[0] == '+'))
                s = str_slice(s, 1, s.size);
        uint64_t value;
        if (!str_to_uint64(s, &value) || value > (uint64_t)INT64_MAX + negative)
                return false;
        *out = negative ? (int64_t)(0 - value) : (int64_t)value;
        return true;
}

/* One [abc] or [a-z] class at pattern[0]; *used = its bytes. A '[' that is never closed stands for itself. */
static bool class_matches(Str pattern, char c, size_t *used) {
        size_t at = 1;
        bool negated = at < pattern.size && (pattern.data[at] == '!' || pattern.data[at] == '^');
        if (negated)
                at++;
        bool found = false;
        for (size_t first = at; at < pattern.size && (pattern.data[at] != ']' || at == first); at++) {
                char from = pattern.data[at], to = from;
                if (at + 2 < pattern.size && pattern.data[at + 1] == '-' && pattern.data[at + 2] != ']') {
                        to = pattern.data[at + 2];
                        at += 2;
                }
                if ((unsigned char)c >= (unsigned char)from && (unsigned char)c <= (unsigned char)to)
                        found = true;
        }
        if (at >= pattern.size) {
                *used = 1;
                return c == '[';
        }
        *used = at + 1;
        return found != negated && c != '/';
}

/* Linear in practice: only the last star is ever tried again. */
bool str_matches_glob(Str text, Str pattern) {
        size_t t = 0, p = 0, star_p = SIZE_MAX, star_t = 0;
        while (t < text.size) {
                char c = text.data[t];
                size_t used = 1;
                bool match = false;
                if (p < pattern.size) {
                        char want = pattern.data[p];
                        if (want == '*') {
                                star_p = p++;
                                star_t = t;
                                continue;
                        }
                        if (want == '?')
                                match = c != '/';
                        else if (want == '[')
                                match = class_matches(str_slice(pattern, p, pattern.size), c, &used);
                        else
                                match = want == c;
                }
                if (match) {
                        t++;
                        p += used;
                        continue;
                }
                if (star_p == SIZE_MAX || text.data[star_t] == '/')
                        return false;
                t = ++star_t;
                p = star_p + 1;
        }
        while (p < pattern.size && pattern.data[p] == '*')
                p++;
        return p == pattern.size;
}

#define DISTANCE_MAX 64

size_t str_distance(Str a, Str b) {
        if (a.size > DISTANCE_MAX || b.size > DISTANCE_MAX)
                return SIZE_MAX;
        size_t rows[3][DISTANCE_MAX + 1];
        size_t *before = rows[0], *last = rows[1], *now = rows[2];
        for (size_t j = 0; j <= b.size; j++)
                last[j] = j;
        memset(rows[0], 0, sizeof(rows[0]));
        for (size_t i = 1; i <= a.size; i++) {
                now[0] = i;
                for (size_t j = 1; j <= b.size; j++) {
                        bool same = char_lower(a.data[i - 1]) == char_lower(b.data[j - 1]);
                        size_t best = last[j - 1] + !same;
                        if (last[j] + 1 < best)
                                best = last[j] + 1;
                        if (now[j - 1] + 1 < best)
                                best = now[j - 1] + 1;
                        if (i > 1 && j > 1 && char_lower(a.data[i - 1]) == char_lower(b.data[j - 2]) &&
                            char_lower(a.data[i - 2]) == char_lower(b.data[j - 1]) && before[j - 2] + 1 < best)
                                best = before[j - 2] + 1;
                        now[j] = best;
                }
                size_t *oldest = before;
                before = last;
                last = now;
                now = oldest;
        }
        return last[b.size];
}

Str str_nearest(Str word, const Str *candidates, size_t count) {
        size_t best = word.size / 3 + 2; /* must be nearer than this */
        Str nearest = STR_NONE;
        for (size_t i = 0; i < count; i++) {
                size_t distance = str_distance(word, candidates[i]);
                if (distance < best && distance < candidates[i].size) {
                        best = distance;
                        nearest = candidates[i];
                }
        }
        return nearest;
}

/* Bytes of the valid sequence at s.data[at], or 0. */
static size_t utf8_sequence(Str s, size_t at, uint32_t *out) {
        const unsigned char *b = (const unsigned char *)s.data + at;
        size_t left = s.size - at;
        if (b[0] < 0x80) {
                *out = b[0];
                return 1;
        }
        size_t size = b[0] >= 0xF0 ? 4 : b[0] >= 0xE0 ? 3 : 2;
        if (b[0] < 0xC2 || b[0] > 0xF4 || left < size)
                return 0;
        uint32_t value = b[0] & (0x7Fu >> size);
        for (size_t i = 1; i < size; i++) {
                if ((b[i] & 0xC0) != 0x80)
                        return 0;
                value = value << 6 | (b[i] & 0x3F);
        }
        static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
        if (value < least[size] || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF))
                return 0;
        *out = value;
        return size;
}

bool str_is_ascii(Str s) {
        uint8_t all = 0;
        for (size_t i = 0; i < s.size; i++)
                all |= (uint8_t)s.data[i];
        return all < 0x80;
}

bool str_is_in(Str s, const Str *items, size_t count) {
        for (size_t i = 0; i < count; i++)
                if (str_equal(items[i], s))
                        return true;
        return false;
}

bool str_is_in_nocase(Str s, const Str *items, size_t count) {
        for (size_t i = 0; i < count; i++)
                if (str_equal_nocase(items[i], s))
                        return true;
        return false;
}

bool utf8_valid(Str s) {
        size_t at = 0;
        while (at < s.size) {
                /* eight ASCII bytes at a time */
                uint64_t word;
                while (at + 8 <= s.size && (memcpy(&word, s.data + at, 8), (word & 0x8080808080808080u) == 0))
                        at += 8;
                if (at >= s.size)
                        break;
                uint32_t code;
                size_t size = utf8_sequence(s, at, &code);
                if (size == 0)
                        return false;
                at += size;
        }
        return true;
}

size_t utf8_length(Str s) {
        size_t count = 0;
        for (size_t i = 0; i < s.size; i++)
                count += ((unsigned char)s.data[i] & 0xC0) != 0x80;
        return count;
}

size_t utf8_prefix(Str s, size_t code_points) {
        size_t at = 0;
        while (at < s.size && code_points > 0) {
                uint32_t code;
                size_t size = utf8_sequence(s, at, &code);
                if (size == 0)
                        break;
                at += size;
                code_points--;
        }
        return at;
}

size_t utf8_decode(Str s, size_t at, uint32_t *out) {
        if (at >= s.size)
                return 0;
        size_t size = utf8_sequence(s, at, out);
        if (size)
                return size;
        *out = 0xFFFD;
        return 1;
}

size_t utf8_encode(uint32_t code_point, char out[4]) {
        if (code_point < 0x80) {
                out[0] = (char)code_point;
                return 1;
        }
        size_t size = code_point < 0x800 ? 2 : code_point < 0x10000 ? 3 : 4;
        for (size_t i = size - 1; i > 0; i--) {
                out[i] = (char)(0x80 | (code_point & 0x3F));
                code_point >>= 6;
        }
        static const unsigned char lead[] = { 0, 0, 0xC0, 0xE0, 0xF0 };
        out[0] = (char)(lead[size] | code_point);
        return size;
}
