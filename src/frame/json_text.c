/* SPDX-License-Identifier: Apache-2.0 */
#include "frame/json_text.h"

#include <stdlib.h>

#include "base/error.h"

static const char *const words[] = {
#define X(name, text) [JSON_FAULT_##name] = text,
        JSON_FAULT_TABLE(X)
#undef X
};

const char *json_fault_words(JsonFault fault) {
        return fault < JSON_FAULT_COUNT ? words[fault] : "";
}

void json_text_deinit(JsonText *json) {
        free(json->nesting);
        *json = (JsonText){ 0 };
}

bool json_text_fail(JsonText *json, JsonFault fault) {
        bool ends = json->at >= json->size;
        json->fault = !ends ? fault : json->whole ? JSON_FAULT_CUT : JSON_FAULT_MORE;
        if (!ends && json->text[json->at] == 0)
                json->fault = JSON_FAULT_NUL;
        if (!ends && json->one_line && json->text[json->at] == '\n')
                json->fault = JSON_FAULT_LINE_END;
        json->fault_at = json->at;
        return false;
}

void json_text_flaw(JsonText *json, JsonFault flaw, size_t at) {
        if (json->flaw != JSON_FAULT_NONE)
                return;
        json->flaw = flaw;
        json->flaw_at = at;
}

void json_text_blank(JsonText *json) {
        const char *text = json->text;
        while (text[json->at] == ' ' || text[json->at] == '\t' || text[json->at] == '\r' ||
               (text[json->at] == '\n' && !json->one_line))
                json->at++;
}

/* --- strings --- */

static inline uint64_t load8(const char *at) {
        uint64_t word;
        memcpy(&word, at, sizeof(word));
        return word;
}

#define EACH(byte) (0x0101010101010101ull * (byte))

/* The top bit of each byte that ends a run of plain text: a quote, a backslash, a control character. A false one may
 * stand above a true one, so only the lowest counts. */
static inline uint64_t special_bytes(uint64_t word) {
        uint64_t quote = word ^ EACH('"'), slash = word ^ EACH('\\');
        uint64_t found = ((quote - EACH(1)) & ~quote) | ((slash - EACH(1)) & ~slash) | ((word - EACH(0x20)) & ~word);
        return found & EACH(0x80);
}

/* Moves to the next special byte; the text's end is one. */
static inline void pass_plain(JsonText *json) {
        const char *text = json->text;
        uint64_t high = 0;
        size_t at = json->at;
        while (at + 8 <= json->size) {
                uint64_t word = load8(text + at), special = special_bytes(word);
                if (special) {
                        size_t plain = (size_t)__builtin_ctzll(special) / 8;
                        high |= word & (((uint64_t)1 << (plain * 8)) - 1);
                        at += plain;
                        break;
                }
                high |= word;
                at += 8;
        }
        while (at < json->size && text[at] != '"' && text[at] != '\\' && (unsigned char)text[at] >= 0x20)
                high |= (uint64_t)(text[at++] & 0x80) << 8;
        json->high |= (high & EACH(0x80)) != 0;
        json->at = at;
}

static int hex_digit(char c) {
        if (c >= '0' && c <= '9')
                return c - '0';
        char lower = (char)(c | 0x20);
        return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* Four hex digits; -1 if they are not there. */
static int32_t hex4(const char *text, size_t left) {
        int32_t value = 0;
        for (size_t i = 0; i < 4; i++) {
                int digit = i < left ? hex_digit(text[i]) : -1;
                if (digit < 0)
                        return -1;
                value = value * 16 + digit;
        }
        return value;
}

static bool is_first_half(int32_t unit) {
        return unit >= 0xd800 && unit < 0xdc00;
}

static bool is_second_half(int32_t unit) {
        return unit >= 0xdc00 && unit < 0xe000;
}

/* At `\u`: passes it, and the second half of a pair with it. */
static bool pass_unit(JsonText *json) {
        size_t start = json->at;
        for (json->at += 2; json->at < start + 6; json->at++)
                if (json->at >= json->size || hex_digit(json->text[json->at]) < 0)
                        return json_text_fail(json, JSON_FAULT_BAD_ESCAPE);
        int32_t unit = hex4(json->text + start + 2, 4);
        if (unit == 0)
                json_text_flaw(json, JSON_FAULT_NUL, start);
        if (is_second_half(unit))
                json_text_flaw(json, JSON_FAULT_LONE_SURROGATE, start);
        if (!is_first_half(unit))
                return true;
        if (json->size - json->at < 6 && !json->whole && memchr(json->text + json->at, '"', json->size - json->at) == NULL) {
                json->at = json->size;
                return json_text_fail(json, JSON_FAULT_MORE);
        }
        bool pair = json->size - json->at >= 6 && json->text[json->at] == '\\' && json->text[json->at + 1] == 'u' &&
                    is_second_half(hex4(json->text + json->at + 2, 4));
        if (pair)
                json->at += 6;
        else
                json_text_flaw(json, JSON_FAULT_LONE_SURROGATE, start);
        return true;
}

static bool pass_escape(JsonText *json) {
        if (json->at + 1 >= json->size) {
                json->at = json->size;
                return json_text_fail(json, JSON_FAULT_BAD_ESCAPE);
        }
        char c = json->text[json->at + 1];
        if (c == 'u')
                return pass_unit(json);
        if (!char_is_one_of(c, "\"\\/bfnrt"))
                return json_text_fail(json, JSON_FAULT_BAD_ESCAPE);
        json->at += 2;
        return true;
}

bool json_text_string(JsonText *json, JsonString *out) {
        if (json->at >= json->size || json->text[json->at] != '"')
                return json_text_fail(json, JSON_FAULT_NO_VALUE);
        size_t start = ++json->at;
        out->escaped = false;
        while (true) {
                pass_plain(json);
                if (json->at >= json->size)
                        return json_text_fail(json, JSON_FAULT_CUT);
                if (json->text[json->at] == '"')
                        break;
                if (json->text[json->at] != '\\')
                        return json_text_fail(json, JSON_FAULT_CONTROL);
                out->escaped = true;
                if (!pass_escape(json))
                        return false;
        }
        out->inside = (Str){ json->text + start, json->at++ - start };
        return true;
}

size_t json_unescape(Str inside, char *into) {
        static const char names[] = "\"\\/bfnrt", means[] = "\"\\/\b\f\n\r\t";
        size_t size = 0;
        for (size_t i = 0; i < inside.size; i++) {
                if (inside.data[i] != '\\') {
                        into[size++] = inside.data[i];
                        continue;
                }
                char c = inside.data[++i];
                if (c != 'u') {
                        into[size++] = means[strchr(names, c) - names];
                        continue;
                }
                int32_t unit = hex4(inside.data + i + 1, inside.size - i - 1), second = -1;
                i += 4;
                if (is_first_half(unit) && inside.size - i > 6 && inside.data[i + 1] == '\\' && inside.data[i + 2] == 'u')
                        second = hex4(inside.data + i + 3, 4);
                uint32_t point = (uint32_t)unit;
                if (is_second_half(second)) {
                        point = 0x10000 + (((uint32_t)unit & 0x3ff) << 10) + ((uint32_t)second & 0x3ff);
                        i += 6;
                } else if (is_first_half(unit) || is_second_half(unit)) {
                        point = 0xfffd;
                }
                size += utf8_encode(point, into + size);
        }
        return size;
}

/* --- numbers and words --- */

static bool is_digit(char c) {
        return c >= '0' && c <= '9';
}

static size_t pass_digits(JsonText *json) {
        size_t start = json->at;
        while (is_digit(json->text[json->at]))
                json->at++;
        return json->at - start;
}

bool json_text_number(JsonText *json, Str *out) {
        const char *text = json->text;
        size_t start = json->at;
        json->at += text[json->at] == '-';
        bool zero = text[json->at] == '0';
        size_t digits = pass_digits(json);
        if (digits == 0 || (zero && digits > 1))
                return json_text_fail(json, JSON_FAULT_BAD_NUMBER);
        if (text[json->at] == '.') {
                json->at++;
                if (pass_digits(json) == 0)
                        return json_text_fail(json, JSON_FAULT_BAD_NUMBER);
        }
        if ((text[json->at] | 0x20) == 'e') {
                json->at++;
                json->at += text[json->at] == '+' || text[json->at] == '-';
                if (pass_digits(json) == 0)
                        return json_text_fail(json, JSON_FAULT_BAD_NUMBER);
        }
        if (json->at >= json->size && !json->whole)
                return json_text_fail(json, JSON_FAULT_MORE);
        char c = text[json->at], letter = (char)(c | 0x20);
        if (json->at < json->size && ((letter >= 'a' && letter <= 'z') || c == '.' || c == '+' || c == '-'))
                return json_text_fail(json, JSON_FAULT_BAD_NUMBER);
        *out = (Str){ text + start, json->at - start };
        return true;
}

bool json_text_word(JsonText *json, Str *out) {
        static const char *const known[] = { "true", "false", "null" };
        size_t start = json->at, end = start;
        while ((json->text[end] | 0x20) >= 'a' && (json->text[end] | 0x20) <= 'z')
                end++;
        if (end >= json->size && !json->whole) {
                json->at = json->size;
                return json_text_fail(json, JSON_FAULT_MORE);
        }
        *out = (Str){ json->text + start, end - start };
        for (size_t i = 0; i < COUNT_OF(known); i++) {
                if (str_is(*out, known[i])) {
                        json->at = end;
                        return true;
                }
        }
        return json_text_fail(json, end > start ? JSON_FAULT_BAD_WORD : JSON_FAULT_NO_VALUE);
}

/* --- objects and lists --- */

bool json_text_key(JsonText *json, JsonString *out) {
        json_text_blank(json);
        if (json->at >= json->size || json->text[json->at] != '"')
                return json_text_fail(json, JSON_FAULT_NO_KEY);
        if (!json_text_string(json, out))
                return false;
        json_text_blank(json);
        if (json->at >= json->size || json->text[json->at] != ':')
                return json_text_fail(json, JSON_FAULT_NO_COLON);
        json->at++;
        json_text_blank(json);
        return true;
}

bool json_text_next(JsonText *json, char close, bool *out_end) {
        json_text_blank(json);
        char c = json->text[json->at];
        if (json->at >= json->size || (c != ',' && c != close))
                return json_text_fail(json, JSON_FAULT_NO_COMMA);
        json->at++;
        *out_end = c == close;
        if (*out_end)
                return true;
        json_text_blank(json);
        if (json->at >= json->size || json->text[json->at] == close)
                return json_text_fail(json, JSON_FAULT_TRAILING_COMMA);
        return true;
}

static bool pass_scalar(JsonText *json) {
        char c = json->text[json->at];
        JsonString string;
        Str text;
        if (json->at >= json->size)
                return json_text_fail(json, JSON_FAULT_NO_VALUE);
        if (c == '"')
                return json_text_string(json, &string);
        return c == '-' || is_digit(c) ? json_text_number(json, &text) : json_text_word(json, &text);
}

static void note_level(JsonText *json, size_t level, bool object) {
        if (level / 8 >= json->nesting_room) {
                json->nesting_room = json->nesting_room ? json->nesting_room * 2 : 64;
                json->nesting = realloc(json->nesting, json->nesting_room);
                if (!json->nesting)
                        out_of_memory();
        }
        uint8_t bit = (uint8_t)(1u << (level % 8));
        json->nesting[level / 8] = (uint8_t)(object ? json->nesting[level / 8] | bit : json->nesting[level / 8] & ~bit);
}

static bool level_is_object(const JsonText *json, size_t level) {
        return (json->nesting[level / 8] >> (level % 8)) & 1;
}

/* One value, or the beginning of one that has parts; *out_opened tells which. */
static bool begin_value(JsonText *json, size_t *levels, size_t depth, bool *out_opened) {
        char c = json->text[json->at];
        *out_opened = false;
        if (c != '{' && c != '[')
                return pass_scalar(json);
        if (depth + *levels >= JSON_DEPTH_MAX)
                json_text_flaw(json, JSON_FAULT_TOO_DEEP, json->at);
        json->at++;
        json_text_blank(json);
        if (json->at < json->size && json->text[json->at] == (c == '{' ? '}' : ']')) {
                json->at++;
                return true;
        }
        note_level(json, (*levels)++, c == '{');
        *out_opened = true;
        JsonString key;
        return c == '[' || json_text_key(json, &key);
}

/* Behind a value: closes what ends there, until a comma. */
static bool end_value(JsonText *json, size_t *levels) {
        while (*levels > 0) {
                bool object = level_is_object(json, *levels - 1), end;
                JsonString key;
                if (!json_text_next(json, object ? '}' : ']', &end))
                        return false;
                if (!end)
                        return !object || json_text_key(json, &key);
                --*levels;
        }
        return true;
}

bool json_text_value(JsonText *json, size_t depth, Str *out) {
        size_t start = json->at, levels = 0;
        do {
                bool opened;
                if (!begin_value(json, &levels, depth, &opened))
                        return false;
                if (!opened && !end_value(json, &levels))
                        return false;
        } while (levels > 0);
        *out = (Str){ json->text + start, json->at - start };
        return true;
}
