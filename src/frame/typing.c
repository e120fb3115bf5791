/* SPDX-License-Identifier: Apache-2.0 */
#include "frame/typing.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "base/time.h"
#include "frame/escapes.h"
#include "frame/nested.h"
#include "frame/typing_parts.h"
#include "frame/unseen.h"
#include "frame/xlsx_value.h"

#define DAY_US 86400000000ll
#define NUMBER_MAX 800 /* bytes of a number's text; more is none */

/* --- eight digits at a time ---
 * Digits are loaded as one word, the first of them lowest. Shifting up makes leading zero bytes of a shorter number. */

static inline uint64_t load8(const char *text) {
        uint64_t word;
        memcpy(&word, text, 8);
        return word;
}

/* size 1 to 8; may read 8 bytes whatever the size. Not digits: *bad is not 0. */
static inline uint64_t digits8(const char *text, size_t size, uint64_t *bad) {
        unsigned shift = (unsigned)(64 - 8 * size);
        uint64_t word = (load8(text) ^ 0x3030303030303030ull) << shift;
        *bad |= ((word + 0x7676767676767676ull) | word) & 0x8080808080808080ull;
        word = word * 10 + (word >> 8);
        return ((word & 0x000000ff000000ffull) * 0x000f424000000064ull +
                ((word >> 16) & 0x000000ff000000ffull) * 0x0000271000000001ull) >>
               32;
}

/* size 1 to 16 */
static inline uint64_t digits16(const char *text, size_t size, uint64_t *bad) {
        if (size <= 8)
                return digits8(text, size, bad);
        uint64_t high = digits8(text, size - 8, bad);
        return high * 100000000 + digits8(text + size - 8, 8, bad);
}

static const int64_t powers[19] = { 1,
                                    10,
                                    100,
                                    1000,
                                    10000,
                                    100000,
                                    1000000,
                                    10000000,
                                    100000000,
                                    1000000000,
                                    10000000000,
                                    100000000000,
                                    1000000000000,
                                    10000000000000,
                                    100000000000000,
                                    1000000000000000,
                                    10000000000000000,
                                    100000000000000000,
                                    1000000000000000000 };

Int128 typing_power(int exponent) {
        Int128 value = 1;
        for (; exponent >= 18; exponent -= 18)
                value *= powers[18];
        return value * powers[exponent];
}

/* --- numbers in general ---
 * [+-] digits [. digits] [e [+-] digits], with the source's decimal and thousands characters. */

typedef struct Number {
        bool negative;
        char digits[NUMBER_MAX]; /* without leading zeros */
        int count;
        int point;  /* digits before the decimal point; may be negative or beyond count */
        bool plain; /* digits alone, but for a sign and thousands */
} Number;

/* Digits of the whole part; thousands characters at groups of three, or nowhere. Indian groups are of two but the last. */
static bool take_whole(Str text, const TypingRules *rules, size_t *at, Number *number, bool *out_any) {
        size_t begin = *at, group = 0, usual = rules->thousands == THOUSANDS_INDIAN ? 2 : 3;
        char mark = thousands_mark(rules->thousands);
        bool grouped = false;
        for (; *at < text.size; ++*at) {
                char c = text.data[*at];
                if (mark && c == mark) {
                        if (group == 0 || group > usual || (grouped && group != usual))
                                return false;
                        grouped = true;
                        group = 0;
                        continue;
                }
                if (c < '0' || c > '9')
                        break;
                group++;
                if (number->count > 0 || c != '0')
                        number->digits[number->count++] = c;
        }
        *out_any = *at > begin;
        return !grouped || group == 3;
}

static bool take_exponent(Str text, size_t *at, int *out) {
        bool negative = false;
        int value = 0;
        ++*at;
        if (*at < text.size && (text.data[*at] == '-' || text.data[*at] == '+'))
                negative = text.data[(*at)++] == '-';
        size_t begin = *at;
        for (; *at < text.size && text.data[*at] >= '0' && text.data[*at] <= '9'; ++*at)
                value = value < 100000 ? value * 10 + (text.data[*at] - '0') : value;
        *out = negative ? -value : value;
        return *at > begin;
}

static bool read_number(Str text, const TypingRules *rules, Number *out) {
        out->negative = false;
        out->count = 0;
        out->plain = true;
        size_t at = 0;
        bool whole, fraction = false;
        if (text.size == 0 || text.size > NUMBER_MAX)
                return false;
        if (text.data[0] == '-' || text.data[0] == '+')
                out->negative = text.data[at++] == '-';
        if (!take_whole(text, rules, &at, out, &whole))
                return false;
        out->point = out->count;
        if (at < text.size && text.data[at] == rules->decimal) {
                out->plain = false;
                for (at++; at < text.size && text.data[at] >= '0' && text.data[at] <= '9'; at++) {
                        fraction = true;
                        if (out->count == 0 && text.data[at] == '0')
                                out->point--;
                        else
                                out->digits[out->count++] = text.data[at];
                }
        }
        if (!whole && !fraction)
                return false;
        if (at < text.size && (text.data[at] == 'e' || text.data[at] == 'E')) {
                int exponent;
                out->plain = false;
                if (!take_exponent(text, &at, &exponent))
                        return false;
                out->point += exponent;
        }
        return at == text.size;
}

/* --- numbers as people write them ---
 * With a currency, a percent sign, brackets or a minus behind; with blanks of several kinds between groups. */

typedef struct Undressing {
        const Format *format;
        Str text;
        bool negative, has_sign, has_currency, has_percent;
} Undressing;

static const char *const blanks[] = { " ", "\t", "\u00a0", "\u202f", "\u2009" };

static bool drop_front(Str *text, Str what) {
        if (what.size == 0 || !str_starts_with(*text, what))
                return false;
        *text = str_slice(*text, what.size, text->size);
        return true;
}

static bool drop_back(Str *text, Str what) {
        if (what.size == 0 || !str_ends_with(*text, what))
                return false;
        *text = str_slice(*text, 0, text->size - what.size);
        return true;
}

static void drop_blanks(Str *text) {
        for (size_t i = 0; i < COUNT_OF(blanks);) {
                bool dropped = drop_front(text, str_of(blanks[i])) || drop_back(text, str_of(blanks[i]));
                i = dropped ? 0 : i + 1;
        }
}

static void drop_currency(Undressing *u) {
        StrList list = u->format->currency;
        for (size_t i = 0; i < list.count && !u->has_currency; i++)
                u->has_currency = drop_front(&u->text, list.items[i]) || drop_back(&u->text, list.items[i]);
}

static void drop_sign(Undressing *u) {
        if (u->has_sign)
                return;
        bool minus = drop_front(&u->text, STR("-")) || drop_front(&u->text, STR("\u2212"));
        u->has_sign = minus || drop_front(&u->text, STR("+"));
        if (!u->has_sign && u->format->negatives == NEGATIVES_BEHIND)
                u->has_sign = minus = drop_back(&u->text, STR("-"));
        u->negative |= minus;
}

static void drop_brackets(Undressing *u) {
        Str inner = u->text;
        if (u->format->negatives == NEGATIVES_PARENTHESES && drop_front(&inner, STR("(")) && drop_back(&inner, STR(")"))) {
                u->text = inner;
                u->negative = u->has_sign = true;
        }
}

/* Everything once, in any order that people have been seen to write. */
static void undress(Undressing *u) {
        for (size_t left = 0; left != u->text.size;) {
                left = u->text.size;
                drop_blanks(&u->text);
                if (!u->has_sign)
                        drop_brackets(u);
                drop_sign(u);
                drop_currency(u);
                if (u->format->percent != PERCENT_NONE && !u->has_percent)
                        u->has_percent = drop_back(&u->text, STR("%"));
        }
}

/* Blanks and apostrophes of every kind as the one that the source names. */
static Str plain_groups(Str text, char thousands, char copy[NUMBER_MAX]) {
        size_t size = 0;
        while (text.size > 0) {
                bool found = thousands == '\'' && drop_front(&text, STR("\u2019"));
                for (size_t i = 1; i < COUNT_OF(blanks) && thousands == ' ' && !found; i++)
                        found = drop_front(&text, str_of(blanks[i]));
                copy[size++] = found ? thousands : text.data[0];
                if (!found)
                        text = str_slice(text, 1, text.size);
        }
        return (Str){ copy, size };
}

/* A minus may be the typographer's. */
static bool read_plain(Str text, const TypingRules *rules, Number *out) {
        if (read_number(text, rules, out))
                return true;
        if (!drop_front(&text, STR("\u2212")) || (text.size > 0 && char_is_one_of(text.data[0], "+-")) || !read_number(text, rules, out))
                return false;
        out->negative = true;
        return true;
}

static bool read_numeral(Str text, const TypingRules *rules, Number *out) {
        if (!rules->dressed)
                return read_plain(text, rules, out);
        char copy[NUMBER_MAX];
        Undressing u = { .format = rules->format, .text = text };
        if (text.size > NUMBER_MAX)
                return false;
        undress(&u);
        Str bare = plain_groups(u.text, rules->thousands, copy);
        bool signs = bare.size > 0 && (bare.data[0] == '-' || bare.data[0] == '+');
        if (signs || !read_number(bare, rules, out))
                return false;
        out->negative = u.negative;
        if (u.has_percent && u.format->percent == PERCENT_FRACTION) {
                out->point -= 2;
                out->plain = false;
        }
        return true;
}

bool number_shape(const TypingRules *rules, Str text, NumberShape *out) {
        Number number;
        if (!read_plain(text, rules, &number))
                return false;
        size_t sign = text.data[0] == '-' || text.data[0] == '+' ? 1 : str_starts_with(text, STR("\u2212")) ? 3 : 0;
        char first = text.data[sign], second = text.size > sign + 1u ? text.data[sign + 1] : 0;
        size_t point = str_find_byte(text, rules->decimal);
        *out = (NumberShape){ .plain = number.plain,
                              .plus = text.data[0] == '+',
                              .padded = first == '0' && second >= '0' && second <= '9',
                              .grouped = rules->thousands && str_find_byte(text, thousands_mark(rules->thousands)) < text.size,
                              .exponent = str_find_byte(text, 'e') < text.size || str_find_byte(text, 'E') < text.size,
                              .digits = number.count };
        out->fraction = point < text.size && !out->exponent ? (int)(text.size - point - 1) : 0;
        out->whole = number.point > 0 ? number.point : 0;
        return true;
}

static void drop_trailing_zeros(Number *number) {
        while (number->count > 0 && number->digits[number->count - 1] == '0')
                number->count--;
}

/* --- one function per type, for trimmed text that is not empty --- */

static bool word_is_one(StrList list, const char *const *fallback, Str text) {
        for (size_t i = 0; i < list.count; i++) {
                if (str_equal_nocase(text, list.items[i]))
                        return true;
        }
        for (; list.count == 0 && *fallback; fallback++) {
                if (str_equal_nocase(text, str_of(*fallback)))
                        return true;
        }
        return false;
}

static Rule read_boolean(const Typing *typing, Str text, Value *out) {
        static const char *const trues[] = { "true", "t", "yes", "y", "1", "on", NULL };
        static const char *const falses[] = { "false", "f", "no", "n", "0", "off", NULL };
        const Format *format = typing->rules->format;
        out->boolean = word_is_one(format->true_words, trues, text);
        return out->boolean || word_is_one(format->false_words, falses, text) ? RULE_NONE : RULE_NOT_A_BOOLEAN;
}

static Rule read_integer(const Typing *typing, Str text, int64_t least, int64_t most, int64_t *out) {
        Number number;
        if (!read_numeral(text, typing->rules, &number))
                return RULE_NOT_A_NUMBER;
        if (!number.plain)
                return RULE_NOT_AN_INTEGER;
        if (number.count > 19)
                return RULE_OUT_OF_RANGE;
        Int128 value = 0;
        for (int i = 0; i < number.count; i++)
                value = value * 10 + (number.digits[i] - '0');
        if (number.negative)
                value = -value;
        *out = (int64_t)value;
        return value < least || value > most ? RULE_OUT_OF_RANGE : RULE_NONE;
}

static Rule read_int(const Typing *typing, Str text, Value *out) {
        int64_t value;
        Rule rule = read_integer(typing, text, INT32_MIN, INT32_MAX, &value);
        if (rule == RULE_NONE)
                out->int32 = (int32_t)value;
        return rule;
}

static Rule read_bigint(const Typing *typing, Str text, Value *out) {
        return read_integer(typing, text, INT64_MIN, INT64_MAX, &out->int64);
}

static Rule read_decimal(const Typing *typing, Str text, Value *out) {
        Number number;
        if (!read_numeral(text, typing->rules, &number))
                return RULE_NOT_A_NUMBER;
        drop_trailing_zeros(&number);
        out->decimal = 0;
        if (number.count == 0)
                return RULE_NONE;
        if (number.point > typing->type.precision - typing->type.scale)
                return RULE_OUT_OF_RANGE;
        int shift = typing->type.scale - (number.count - number.point); /* zeros that the scale adds */
        if (shift < 0)
                return RULE_TOO_MANY_DIGITS;
        for (int i = 0; i < number.count; i++)
                out->decimal = out->decimal * 10 + (number.digits[i] - '0');
        out->decimal *= typing_power(shift);
        if (number.negative)
                out->decimal = -out->decimal;
        return RULE_NONE;
}

static bool read_special(Str text, double *out) {
        static const struct {
                const char *word;
                double value;
        } words[] = {
                { "nan", NAN },           { "inf", INFINITY },       { "+inf", INFINITY },      { "-inf", -INFINITY },
                { "infinity", INFINITY }, { "+infinity", INFINITY }, { "-infinity", -INFINITY }
        };
        for (size_t i = 0; i < COUNT_OF(words); i++) {
                if (!str_equal_nocase(text, str_of(words[i].word)))
                        continue;
                *out = words[i].value;
                return true;
        }
        return false;
}

/* A number's digits as the C library reads them, which finds the nearest that there is. */
static bool read_scientific(const Typing *typing, Str text, char copy[static NUMBER_MAX + 32]) {
        Number number;
        if (!read_numeral(text, typing->rules, &number))
                return false;
        snprintf(copy, NUMBER_MAX + 32, "%s0.%.*se%d", number.negative ? "-" : "", number.count, number.digits,
                 number.count ? number.point : 0);
        return true;
}

static Rule read_double(const Typing *typing, Str text, Value *out) {
        char copy[NUMBER_MAX + 32];
        if (!read_scientific(typing, text, copy))
                return read_special(text, &out->number) ? RULE_NONE : RULE_NOT_A_NUMBER;
        out->number = strtod(copy, NULL);
        return isinf(out->number) ? RULE_OUT_OF_RANGE : RULE_NONE;
}

/* Not by way of a double: what is rounded twice need not be the nearest. */
static Rule read_float(const Typing *typing, Str text, Value *out) {
        char copy[NUMBER_MAX + 32];
        if (!read_scientific(typing, text, copy))
                return read_special(text, &out->number) ? RULE_NONE : RULE_NOT_A_NUMBER;
        out->number = strtof(copy, NULL);
        return isinf(out->number) ? RULE_OUT_OF_RANGE : RULE_NONE;
}

static bool read_moment(const Typing *typing, Str text, Moment *out) {
        const TypingRules *rules = typing->rules;
        bool any = false;
        for (size_t i = 0; i < rules->pattern_count; i++) {
                const Pattern *pattern = &rules->patterns[i];
                if (!pattern->date)
                        continue;
                any = true;
                if (pattern_read(pattern, text, out) || pattern_read_long(pattern, text, out))
                        return true;
        }
        return !any && iso_read_timestamp(text, out);
}

static Rule read_date(const Typing *typing, Str text, Value *out) {
        Moment moment;
        bool midnight = typing->rules->midnight_is_date;
        if (!read_moment(typing, text, &moment) || (moment.has_time && !(midnight && moment.micros == 0)))
                return RULE_NOT_A_DATE;
        out->int32 = moment.days;
        return RULE_NONE;
}

static Rule read_time(const Typing *typing, Str text, Value *out) {
        const TypingRules *rules = typing->rules;
        Moment moment;
        for (size_t i = 0; i < rules->pattern_count; i++) {
                if (!rules->patterns[i].time || rules->patterns[i].date ||
                    !pattern_read(&rules->patterns[i], text, &moment))
                        continue;
                out->int64 = moment.micros;
                return moment.has_offset ? RULE_NOT_A_TIME : RULE_NONE;
        }
        return iso_read_time(text, &out->int64) ? RULE_NONE : RULE_NOT_A_TIME;
}

static Rule read_timestamp(const Typing *typing, Str text, Value *out) {
        Moment moment;
        if (!read_moment(typing, text, &moment) || moment.has_offset)
                return RULE_NOT_A_TIMESTAMP;
        out->int64 = moment.days * DAY_US + moment.micros;
        return RULE_NONE;
}

static void remark(const Typing *typing, Remark which, Str text) {
        if (!typing->remarks || typing->remarks->of[which].count++ > 0)
                return;
        size_t size = text.size < REMARK_TEXT_MAX ? text.size : REMARK_TEXT_MAX;
        while (size < text.size && size > 0 && (text.data[size] & 0xc0) == 0x80)
                size--;
        memcpy(typing->remarks->of[which].text, text.data, size);
        typing->remarks->of[which].size = size;
}

/* An offset may lead out of the years 1 to 9999, beyond which few can read a time. */
static Rule in_the_calendar(int64_t micros) {
        return micros < DAYS_MIN * DAY_US || micros >= (DAYS_MAX + 1) * DAY_US ? RULE_OUT_OF_RANGE : RULE_NONE;
}

static Rule read_timestamptz(const Typing *typing, Str text, Value *out) {
        Moment moment;
        if (!read_moment(typing, text, &moment))
                return RULE_NOT_A_TIMESTAMP;
        int64_t local = moment.days * DAY_US + moment.micros;
        if (moment.has_offset) {
                out->int64 = local - moment.offset * 1000000ll;
                return in_the_calendar(out->int64);
        }
        if (!typing->zone)
                return RULE_NO_OFFSET;
        int times = zone_to_utc(typing->zone, local, &out->int64);
        if (times > 1)
                remark(typing, REMARK_TWICE, text);
        return times > 0 ? in_the_calendar(out->int64) : RULE_NO_SUCH_TIME;
}

static int hex_digit(char c) {
        if (c >= '0' && c <= '9')
                return c - '0';
        char lower = (char)(c | 0x20);
        return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

static Rule read_uuid(const Typing *typing, Str text, Value *out) {
        (void)typing;
        if (text.size != 36)
                return RULE_NOT_A_UUID;
        size_t at = 0;
        for (int i = 0; i < 16; i++) {
                if (i == 4 || i == 6 || i == 8 || i == 10) {
                        if (text.data[at++] != '-')
                                return RULE_NOT_A_UUID;
                }
                int high = hex_digit(text.data[at]), low = hex_digit(text.data[at + 1]);
                if (high < 0 || low < 0)
                        return RULE_NOT_A_UUID;
                out->uuid[i] = (uint8_t)(high << 4 | low);
                at += 2;
        }
        return RULE_NONE;
}

typedef Rule (*ValueReader)(const Typing *typing, Str text, Value *out);

static const ValueReader readers[] = {
        [TYPE_BOOLEAN] = read_boolean,     [TYPE_INT] = read_int,
        [TYPE_BIGINT] = read_bigint,       [TYPE_FLOAT] = read_float,
        [TYPE_DOUBLE] = read_double,       [TYPE_DECIMAL] = read_decimal,
        [TYPE_DATE] = read_date,           [TYPE_TIME] = read_time,
        [TYPE_TIMESTAMP] = read_timestamp, [TYPE_TIMESTAMPTZ] = read_timestamptz,
        [TYPE_UUID] = read_uuid,
};

/* --- NULL, empty and quoted --- */

bool typing_has_reader(Type type) {
        return type.kind == TYPE_TEXT || (type.kind < COUNT_OF(readers) && readers[type.kind]);
}

Rule typing_read_plain(const Typing *typing, Str text, Value *out) {
        return readers[typing->type.kind](typing, text, out);
}

static bool is_null_word(const TypingRules *rules, Str text) {
        StrList nulls = rules->format->nulls;
        for (size_t i = 0; i < nulls.count; i++) {
                if (nulls.items[i].size > 0 && str_equal(text, nulls.items[i]))
                        return true;
        }
        return false;
}

bool typing_is_null_word(const TypingRules *rules, Str text) {
        return is_null_word(rules, text);
}

static Rule null_value(const Typing *typing, bool *out_null) {
        *out_null = true;
        return typing->required ? RULE_REQUIRED_MISSING : RULE_NONE;
}

/* Whether a word for NULL is one in quotes too, in text: where all texts have them. */
static bool quoted_may_be_null(const TypingRules *rules) {
        return rules->cells || (rules->own_words && (rules->format->kind == FORMAT_JSON || rules->format->kind == FORMAT_JSONL));
}

static bool is_exact_number(Type type) {
        return type.kind == TYPE_INT || type.kind == TYPE_BIGINT || type.kind == TYPE_DECIMAL;
}

/* As PostgreSQL writes bytes: \x and two digits for each. */
static Rule read_binary(Str text, Arena *arena, Value *out) {
        if (!str_starts_with(text, STR("\\x")) || text.size % 2 != 0)
                return RULE_NOT_BINARY;
        size_t size = text.size / 2 - 1;
        char *bytes = arena_alloc_raw(arena, size + 1);
        for (size_t i = 0; i < size; i++) {
                int high = hex_digit(text.data[2 * i + 2]), low = hex_digit(text.data[2 * i + 3]);
                if (high < 0 || low < 0)
                        return RULE_NOT_BINARY;
                bytes[i] = (char)(high << 4 | low);
        }
        out->text = (Str){ bytes, size };
        return RULE_NONE;
}

Rule typing_value(const Typing *typing, Str field, Arena *arena, Value *out, bool *out_null) {
        const TypingRules *rules = typing->rules;
        *out_null = false;
        if (field_is_null(rules->format, field))
                return null_value(typing, out_null);
        bool quoted = field_is_quoted(rules->format, field) || field.size == 0, text = typing->type.kind == TYPE_TEXT;
        Str bare;
        Rule rule = field_text(rules->format, field, arena, &bare);
        if (rule != RULE_NONE)
                return rule;
        bool cell = rules->cells && !quoted;
        if (text) {
                if (((!quoted || quoted_may_be_null(rules)) && is_null_word(rules, bare)) || (bare.size == 0 && rules->own_words && rules->empty_is_null))
                        return null_value(typing, out_null);
                out->text = bare;
                if (typing->remarks && unseen_at_edge(bare))
                        remark(typing, REMARK_UNSEEN, bare);
                return cell && bare.data[0] == '#' ? RULE_CELL_ERROR : RULE_NONE;
        }
        Str trimmed = str_trim(bare);
        if (is_null_word(rules, bare) || is_null_word(rules, trimmed) ||
            (trimmed.size == 0 && (!quoted || rules->empty_is_null)))
                return null_value(typing, out_null);
        if (trimmed.size == 0)
                return RULE_EMPTY_QUOTED;
        if (type_is_nested(typing->type)) {
                NestedFault fault;
                return cell && trimmed.data[0] == '#' ? RULE_CELL_ERROR : nested_read(typing, trimmed, arena, &out->nested, &fault);
        }
        if (typing->type.kind == TYPE_BINARY)
                return read_binary(trimmed, arena, out);
        if (!cell)
                return readers[typing->type.kind](typing, trimmed, out);
        Typing canonical = *typing;
        canonical.rules = rules->cells;
        if (rules->format->kind == FORMAT_XLSX && is_exact_number(typing->type))
                trimmed = xlsx_shown(trimmed, arena);
        return trimmed.data[0] == '#' ? RULE_CELL_ERROR : readers[typing->type.kind](&canonical, trimmed, out);
}

/* --- whole columns --- */

bool typing_is_wide(Type type) {
        return type.kind == TYPE_DECIMAL && type.precision > 18;
}

void typing_failures_add(TypingFailures *failures, size_t row, size_t column, Rule rule) {
        if (failures->count == failures->room) {
                failures->room = failures->room ? failures->room * 2 : 256;
                failures->items = reallocarray(failures->items, failures->room, sizeof(*failures->items));
                if (!failures->items)
                        out_of_memory();
        }
        failures->items[failures->count++] = (TypingFailure){ (uint32_t)row, (uint32_t)column, rule };
}

/* Puts a value where its kind lies in a vector. */
static void put_value(const Typing *typing, Value value, Vector *out, size_t row) {
        switch (typing->type.kind) {
        case TYPE_BOOLEAN:
                out->int64s[row] = value.boolean;
                return;
        case TYPE_INT:
        case TYPE_DATE:
                out->int64s[row] = value.int32;
                return;
        case TYPE_FLOAT:
        case TYPE_DOUBLE:
                out->numbers[row] = value.number;
                return;
        case TYPE_DECIMAL:
                if (typing_is_wide(typing->type))
                        out->decimals[row] = value.decimal;
                else
                        out->int64s[row] = (int64_t)value.decimal;
                return;
        case TYPE_UUID:
                memcpy(out->uuids[row], value.uuid, 16);
                return;
        case TYPE_TEXT:
        case TYPE_BINARY:
                out->texts[row] = value.text;
                return;
        case TYPE_LIST:
        case TYPE_STRUCT:
                out->nested[row] = value.nested;
                return;
        default:
                out->int64s[row] = value.int64;
        }
}

typedef struct ColumnRun {
        const Typing *typing;
        const RecordBatch *batch;
        size_t from, column;
        Arena *arena;
        Vector *out;
        TypingFailures *failures;
} ColumnRun;

/* The general way, for a field that the fast one does not know. */
static __attribute__((noinline)) void slow_field(const ColumnRun *run, Str field, size_t row) {
        Value value = { .int64 = 0 };
        bool null;
        Rule rule = typing_value(run->typing, field, run->arena, &value, &null);
        if (rule != RULE_NONE)
                typing_failures_add(run->failures, row, run->column, rule);
        run->out->nulls[row] = null || rule != RULE_NONE;
        if (!run->out->nulls[row])
                put_value(run->typing, value, run->out, row);
}

/* Reads a field and stores its value if it is of the common kind; false for what the general way must look at. */
typedef bool (*FastReader)(const ColumnRun *run, const char *text, size_t size, size_t row);

/*
 * Always inlined, and the reader with it: one loop per type. unquotes: the reader wants the text without its quotes;
 * one that has quotes inside is none that it knows.
 */
static inline __attribute__((always_inline)) void run_fields(const ColumnRun *run, FastReader reader, bool unquotes) {
        const RecordBatch *batch = run->batch;
        const TypingRules *rules = run->typing->rules;
        const uint32_t *end = batch->ends + run->from;
        bool *nulls = run->out->nulls, ask_words = unquotes && rules->words_have_digits;
        char quote = unquotes && batch->quoted ? rules->format->quote : 0;
        for (size_t row = 0; row < batch->rows; row++, end += batch->width) {
                size_t start = run->from ? end[-1] + 1u : batch->starts[row];
                const char *text = batch->text + start;
                size_t size = *end - start, quotes = quote && size > 2 && text[0] == quote;
                Str inside = { text + quotes, size - 2 * quotes };
                bool word = ask_words && is_null_word(rules, inside);
                if (__builtin_expect(!word && reader(run, inside.data, inside.size, row), 1))
                        nulls[row] = false;
                else
                        slow_field(run, (Str){ text, size }, row);
        }
}

/* So many digits fit for certain. */
static inline bool fast_integer(const ColumnRun *run, const char *text, size_t size, size_t row, size_t most) {
        bool minus = size > 0 && text[0] == '-';
        uint64_t bad = 0;
        if (size - minus - 1 >= most)
                return false;
        int64_t value = (int64_t)digits16(text + minus, size - minus, &bad);
        run->out->int64s[row] = minus ? -value : value;
        return bad == 0;
}

static inline bool fast_int(const ColumnRun *run, const char *text, size_t size, size_t row) {
        return fast_integer(run, text, size, row, 9);
}

static inline bool fast_bigint(const ColumnRun *run, const char *text, size_t size, size_t row) {
        return fast_integer(run, text, size, row, 16);
}

/* Where the decimal point is, if there are at most `most` digits after it; else size. Most have exactly so many. */
static inline size_t find_point(const char *text, size_t size, size_t most, char point) {
        if (size > most && text[size - most - 1] == point)
                return size - most - 1;
        for (size_t i = 1; i <= most && i <= size; i++) {
                if (text[size - i] == point)
                        return size - i;
        }
        return size;
}

static inline bool fast_decimal(const ColumnRun *run, const char *text, size_t size, size_t row) {
        const Typing *typing = run->typing;
        size_t scale = (size_t)typing->type.scale, whole_most = (size_t)typing->type.precision - scale;
        bool minus = size > 0 && text[0] == '-';
        text += minus;
        size -= minus;
        size_t whole = find_point(text, size, scale, typing->rules->decimal), fraction = size - whole;
        uint64_t bad = 0;
        if (typing->rules->cells && size > 16) /* perhaps more digits than a spreadsheet shows */
                return false;
        if (whole - 1 >= (whole_most < 16 ? whole_most : 16))
                return false;
        int64_t value = (int64_t)digits16(text, whole, &bad) * powers[scale];
        if (fraction > 0) {
                fraction--; /* the point */
                if (fraction - 1 >= 16)
                        return false;
                value += (int64_t)digits16(text + whole + 1, fraction, &bad) * powers[scale - fraction];
        }
        run->out->int64s[row] = minus ? -value : value;
        return bad == 0;
}

/* Up to 15 digits are exact in a double, as are the powers of ten to 10^15: one correctly rounded division. */
static inline bool fast_double(const ColumnRun *run, const char *text, size_t size, size_t row) {
        bool minus = size > 0 && text[0] == '-';
        text += minus;
        size -= minus;
        if (size - 1 >= 16)
                return false;
        const char *point = memchr(text, run->typing->rules->decimal, size);
        size_t whole = point ? (size_t)(point - text) : size, fraction = point ? size - whole - 1 : 0;
        if (whole - 1 >= 15 || whole + fraction > 15 || (point && fraction == 0))
                return false;
        uint64_t bad = 0;
        int64_t value = (int64_t)digits16(text, whole, &bad);
        if (fraction > 0)
                value = value * powers[fraction] + (int64_t)digits16(text + whole + 1, fraction, &bad);
        double number = (double)value / (double)powers[fraction];
        run->out->numbers[row] = minus ? -number : number;
        return bad == 0;
}

static inline bool fast_date(const ColumnRun *run, const char *text, size_t size, size_t row) {
        int32_t days;
        if (!iso_read_date((Str){ text, size }, &days))
                return false;
        run->out->int64s[row] = days;
        return true;
}

static inline bool two_digits(const char *text, int most, int *out) {
        unsigned high = (unsigned)(text[0] - '0'), low = (unsigned)(text[1] - '0');
        *out = (int)(high * 10 + low);
        return high <= 9 && low <= 9 && *out <= most;
}

/* yyyy-MM-dd HH:mm:ss */
static inline bool fast_timestamp(const ColumnRun *run, const char *text, size_t size, size_t row) {
        int32_t days;
        int hour, minute, second;
        if (size != 19 || (text[10] != ' ' && text[10] != 'T') || text[13] != ':' || text[16] != ':' ||
            !iso_read_date((Str){ text, 10 }, &days) || !two_digits(text + 11, 23, &hour) ||
            !two_digits(text + 14, 59, &minute) || !two_digits(text + 17, 59, &second))
                return false;
        run->out->int64s[row] = days * DAY_US + ((hour * 60 + minute) * 60 + second) * 1000000ll;
        return true;
}

static inline bool fast_text(const ColumnRun *run, const char *text, size_t size, size_t row) {
        const TypingRules *rules = run->typing->rules;
        char quote = rules->format->quote, escape = rules->format->escape ? rules->format->escape : quote;
        bool dump = rules->format->escapes != ESCAPES_NONE;
        if (size == 0 || (dump && memchr(text, ESCAPES_BYTE, size)))
                return false;
        if (!quote || text[0] != quote) {
                run->out->texts[row] = (Str){ text, size };
                if ((rules->cells && text[0] == '#') || (run->typing->remarks && unseen_at_edge(run->out->texts[row])))
                        return false;
                return rules->format->nulls.count == 0 || !is_null_word(rules, run->out->texts[row]);
        }
        run->out->texts[row] = (Str){ text + 1, size - 2 };
        if (run->typing->remarks && size > 2 && unseen_at_edge(run->out->texts[row]))
                return false;
        if (rules->format->nulls.count > 0 && quoted_may_be_null(rules) && is_null_word(rules, run->out->texts[row]))
                return false;
        return size > 2 && (dump || !memchr(text + 1, escape, size - 2));
}

static inline bool fast_none(const ColumnRun *run, const char *text, size_t size, size_t row) {
        (void)run, (void)text, (void)size, (void)row;
        return false;
}

static void run_int(const ColumnRun *run) {
        run_fields(run, fast_int, true);
}
static void run_bigint(const ColumnRun *run) {
        run_fields(run, fast_bigint, true);
}
static void run_decimal(const ColumnRun *run) {
        run_fields(run, fast_decimal, true);
}
static void run_double(const ColumnRun *run) {
        run_fields(run, fast_double, true);
}
static void run_date(const ColumnRun *run) {
        run_fields(run, fast_date, true);
}
static void run_timestamp(const ColumnRun *run) {
        run_fields(run, fast_timestamp, true);
}
static void run_text(const ColumnRun *run) {
        run_fields(run, fast_text, false);
}
static void run_slow(const ColumnRun *run) {
        run_fields(run, fast_none, false);
}

/* Wide enough for any type: another file may have another column in this place. */
static void vector_reserve(Vector *vector, size_t rows) {
        if (rows <= vector->room && vector->int64s)
                return;
        size_t room = rows < 4096 ? 4096 : rows + rows / 4;
        free(vector->int64s);
        free(vector->nulls);
        vector->int64s = aligned_alloc(16, room * 16);
        vector->nulls = malloc(room);
        if (!vector->int64s || !vector->nulls)
                out_of_memory();
        vector->room = room;
}

/* The patterns of a source replace ISO; the fast way knows ISO alone. */
static bool dates_are_iso(const TypingRules *rules) {
        for (size_t i = 0; i < rules->pattern_count; i++) {
                if (rules->patterns[i].date)
                        return str_is(rules->format->dates.items[i], "yyyy-MM-dd");
        }
        return true;
}

/* Fast ways know one way to write a value, so they need that texts are written as cells are. */
static bool has_one_way(const TypingRules *rules) {
        return !rules->cells || (rules->decimal == '.' && rules->thousands == 0 && dates_are_iso(rules));
}

static void (*choose_run(const Typing *typing))(const ColumnRun *) {
        if (typing->type.kind != TYPE_TEXT && !has_one_way(typing->rules))
                return run_slow;
        switch (typing->type.kind) {
        case TYPE_INT:
                return run_int;
        case TYPE_BIGINT:
                return run_bigint;
        case TYPE_DECIMAL:
                return typing_is_wide(typing->type) ? run_slow : run_decimal;
        case TYPE_DOUBLE:
                return run_double;
        case TYPE_DATE:
                return dates_are_iso(typing->rules) ? run_date : run_slow;
        case TYPE_TIMESTAMP:
                return dates_are_iso(typing->rules) ? run_timestamp : run_slow;
        case TYPE_TEXT:
                return run_text;
        default:
                return run_slow;
        }
}

void typing_column(const Typing *typing, const RecordBatch *batch, size_t from, size_t column, Arena *arena, Vector *out,
                   TypingFailures *failures) {
        vector_reserve(out, batch->rows);
        ColumnRun run = { typing, batch, from, column, arena, out, failures };
        choose_run(typing)(&run);
}

void vector_deinit(Vector *vector) {
        free(vector->int64s);
        free(vector->nulls);
        *vector = (Vector){ 0 };
}

void typing_failures_deinit(TypingFailures *failures) {
        free(failures->items);
        *failures = (TypingFailures){ 0 };
}

static int compare_failures(const void *a, const void *b) {
        const TypingFailure *x = a, *y = b;
        if (x->row != y->row)
                return x->row < y->row ? -1 : 1;
        return x->column < y->column ? -1 : x->column > y->column;
}

void typing_failures_order(TypingFailures *failures) {
        if (failures->count > 1)
                qsort(failures->items, failures->count, sizeof(*failures->items), compare_failures);
}

void typing_failures_sort(TypingFailures *failures) {
        typing_failures_order(failures);
        if (failures->count < 2)
                return;
        size_t kept = 1;
        for (size_t i = 1; i < failures->count; i++) {
                if (failures->items[i].row != failures->items[kept - 1].row)
                        failures->items[kept++] = failures->items[i];
        }
        failures->count = kept;
}

void typing_look_at_texts(const Typing *typing, const Vector *texts, size_t rows) {
        for (size_t row = 0; row < rows; row++)
                if (!texts->nulls[row] && unseen_at_edge(texts->texts[row]))
                        remark(typing, REMARK_UNSEEN, texts->texts[row]);
}

/* --- making and printing --- */

/* How a spreadsheet's own values are read, whatever the source says of texts. */
static const TypingRules *rules_of_cells(const TypingRules *rules, Arena *arena) {
        TypingRules *cells = ARENA_NEW(arena, TypingRules);
        Format *format = ARENA_NEW(arena, Format);
        *format = *rules->format;
        format->true_words = format->false_words = (StrList){ 0 };
        *cells = (TypingRules){ .format = format, .decimal = '.', .midnight_is_date = true };
        return cells;
}

static bool has_digit(Str text) {
        for (size_t i = 0; i < text.size; i++) {
                if (text.data[i] >= '0' && text.data[i] <= '9')
                        return true;
        }
        return false;
}

Status typing_rules_init(TypingRules *rules, const Format *format, Arena *arena, Error *err) {
        TypingRules made = { .format = format,
                             .decimal = format->decimal ? format->decimal : '.',
                             .thousands = format->thousands,
                             .pattern_count = format->dates.count };
        made.dressed = format->currency.count > 0 || format->percent || format->negatives || made.thousands == ' ' || made.thousands == '\'';
        made.patterns = ARENA_ARRAY(arena, Pattern, made.pattern_count);
        for (size_t i = 0; i < made.pattern_count; i++)
                TRY(pattern_compile(format->dates.items[i], &made.patterns[i], err));
        for (size_t i = 0; i < format->nulls.count; i++)
                made.empty_is_null |= format->nulls.items[i].size == 0;
        for (size_t i = 0; i < format->nulls.count; i++)
                made.words_have_digits |= has_digit(format->nulls.items[i]);
        if (format->kind == FORMAT_XLSX || format_is_typed(format->kind))
                made.cells = rules_of_cells(&made, arena);
        *rules = made;
        return STATUS_OK;
}

/* A column that says how its values are written has rules of its own. */
static Status rules_of_column(const TypingRules *rules, const SourceColumn *column, Arena *arena, const TypingRules **out, Error *err) {
        *out = rules;
        if (column->dates.count == 0 && !column->has_nulls && !column->decimal && !column->has_thousands && !column->has_currency)
                return STATUS_OK;
        Format *format = ARENA_NEW(arena, Format);
        TypingRules *own = ARENA_NEW(arena, TypingRules);
        *format = format_of_column(rules->format, column);
        if (format_check_column(rules->format, column, err) != STATUS_OK || typing_rules_init(own, format, arena, err) != STATUS_OK)
                return error_context(err, "column %.*s", STR_ARG(column->name));
        own->own_words = column->has_nulls;
        *out = own;
        return STATUS_OK;
}

Status typing_init(Typing *typing, const TypingRules *rules, const SourceColumn *column, Arena *arena, Error *err) {
        if (column->type.kind != TYPE_BINARY && !nested_type_is_readable(column->type))
                return error_set(err, STATUS_BAD_VALUE, "column %.*s: text cannot be read as %.*s",
                                 STR_ARG(column->name), STR_ARG(type_print(arena, column->type)));
        const Zone *zone = NULL;
        if (column->zone_file.size > 0 && zone_parse(column->zone_file, arena, &zone, err) != STATUS_OK)
                return error_context(err, "column %.*s: zone %.*s", STR_ARG(column->name), STR_ARG(column->zone));
        const TypingRules *own;
        TRY(rules_of_column(rules, column, arena, &own, err));
        *typing = (Typing){ .rules = own, .type = column->type, .required = column->required, .zone = zone };
        return STATUS_OK;
}

static Str print_micros(Arena *arena, int64_t micros) {
        int64_t seconds = micros / 1000000, fraction = micros % 1000000;
        Str text = arena_strf(arena, "%02d:%02d:%02d", (int)(seconds / 3600), (int)(seconds / 60 % 60),
                              (int)(seconds % 60));
        if (fraction == 0)
                return text;
        text = arena_strf(arena, "%.*s.%06d", STR_ARG(text), (int)fraction);
        while (text.data[text.size - 1] == '0')
                text.size--;
        return text;
}

static Str print_moment(Arena *arena, int64_t micros, const char *suffix) {
        int64_t days = micros / DAY_US - (micros % DAY_US < 0);
        Str date = date_print(arena, (int32_t)days), time = print_micros(arena, micros - days * DAY_US);
        return arena_strf(arena, "%.*s %.*s%s", STR_ARG(date), STR_ARG(time), suffix);
}

/* The fewest digits from `least` on that are this number; as a float where it is one. */
static Str print_number(Arena *arena, double number, int least, bool is_float) {
        char text[40];
        if (isnan(number))
                return STR("nan");
        for (int digits = least; digits <= 17; digits++) {
                snprintf(text, sizeof(text), "%.*g", digits, number);
                if (is_float ? strtof(text, NULL) == (float)number : strtod(text, NULL) == number)
                        break;
        }
        return arena_str(arena, str_of(text));
}

static Str print_binary(Arena *arena, Str bytes) {
        static const char digits[] = "0123456789abcdef";
        char *text = arena_alloc_raw(arena, bytes.size * 2 + 2);
        text[0] = '\\';
        text[1] = 'x';
        for (size_t i = 0; i < bytes.size; i++) {
                text[2 * i + 2] = digits[(uint8_t)bytes.data[i] >> 4];
                text[2 * i + 3] = digits[(uint8_t)bytes.data[i] & 15];
        }
        return (Str){ text, bytes.size * 2 + 2 };
}

static Str print_uuid(Arena *arena, const uint8_t *bytes) {
        char text[37];
        size_t at = 0;
        for (int i = 0; i < 16; i++) {
                if (i == 4 || i == 6 || i == 8 || i == 10)
                        text[at++] = '-';
                at += (size_t)snprintf(text + at, sizeof(text) - at, "%02x", bytes[i]);
        }
        return arena_str(arena, (Str){ text, at });
}

Str typing_print(const Typing *typing, Value value, Arena *arena) {
        switch (typing->type.kind) {
        case TYPE_BOOLEAN:
                return value.boolean ? STR("true") : STR("false");
        case TYPE_INT:
                return arena_strf(arena, "%d", value.int32);
        case TYPE_DATE:
                return date_print(arena, value.int32);
        case TYPE_TIME:
                return print_micros(arena, value.int64);
        case TYPE_TIMESTAMP:
                return print_moment(arena, value.int64, "");
        case TYPE_TIMESTAMPTZ:
                return print_moment(arena, value.int64, "+00");
        case TYPE_FLOAT:
                return print_number(arena, value.number, 6, true);
        case TYPE_DOUBLE:
                return print_number(arena, value.number, 15, false);
        case TYPE_DECIMAL:
                return int128_print(arena, value.decimal, typing->type.scale);
        case TYPE_UUID:
                return print_uuid(arena, value.uuid);
        case TYPE_TEXT:
                return value.text;
        case TYPE_LIST:
        case TYPE_STRUCT:
                return nested_print(&typing->type, value.nested, arena);
        case TYPE_BINARY:
                return print_binary(arena, value.text);
        default:
                return arena_strf(arena, "%lld", (long long)value.int64);
        }
}
