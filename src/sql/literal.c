/* SPDX-License-Identifier: Apache-2.0 */
#include "sql/literal.h"

#include <inttypes.h>

#include "base/buf.h"
#include "base/hash.h"

#define MICROS_OF_SECOND 1000000LL
#define MICROS_OF_DAY 86400000000LL
#define EXPONENT_MAX 1000

typedef struct Reading {
        Arena *arena;
        const char *why;
} Reading;

/* Into value->text and whatever else the type needs; false with why set. */
typedef bool (*ReadLiteral)(Reading *reading, Str text, SqlValue *value);

static bool fail(Reading *reading, const char *why) {
        reading->why = why;
        return false;
}

static bool is_digit(char c) {
        return c >= '0' && c <= '9';
}

static bool read_as_it_is(Reading *reading, Str text, SqlValue *value) {
        value->text = arena_str(reading->arena, text);
        return true;
}

/* ---- boolean: beginnings of words, as long as they are of one only ---- */

static bool read_boolean(Reading *reading, Str text, SqlValue *value) {
        static const struct {
                const char *word;
                size_t least;
                const char *means;
        } words[] = { { "true", 1, "true" }, { "false", 1, "false" }, { "yes", 1, "true" }, { "no", 1, "false" }, { "on", 2, "true" }, { "off", 2, "false" } };
        Str trimmed = str_trim(text);
        for (size_t i = 0; i < COUNT_OF(words); i++) {
                Str begin = str_slice(str_of(words[i].word), 0, trimmed.size);
                if (trimmed.size >= words[i].least && str_equal_nocase(begin, trimmed)) {
                        value->text = str_of(words[i].means);
                        return true;
                }
        }
        return read_as_it_is(reading, text, value);
}

/* ---- numeric ---- */

typedef struct Digits {
        Buf all; /* without sign, point and leading zeros */
        bool negative;
        int64_t scale; /* so many are behind the point; below 0: so many zeros are to follow */
} Digits;

static void digits_deinit(Digits *digits) {
        buf_deinit(&digits->all);
}

/* [sign]digits[.digits][e[sign]digits] */
static bool take_digits(Str text, Digits *out) {
        size_t at = text.size > 0 && (text.data[0] == '-' || text.data[0] == '+'), seen = 0;
        out->negative = at == 1 && text.data[0] == '-';
        bool point = false;
        for (; at < text.size && (is_digit(text.data[at]) || (text.data[at] == '.' && !point)); at++) {
                if (text.data[at] == '.') {
                        point = true;
                        continue;
                }
                seen++;
                out->scale += point;
                if (text.data[at] != '0' || out->all.size > 0)
                        buf_append_byte(&out->all, text.data[at]);
        }
        if (seen == 0)
                return false;
        if (at == text.size)
                return true;
        int64_t exponent;
        Str rest = str_slice(text, at + 1, text.size);
        rest = str_slice(rest, rest.size > 1 && rest.data[0] == '+' && is_digit(rest.data[1]), rest.size);
        if ((text.data[at] != 'e' && text.data[at] != 'E') || !str_to_int64(rest, &exponent) || exponent > EXPONENT_MAX || exponent < -EXPONENT_MAX)
                return false;
        out->scale -= exponent;
        return true;
}

static bool read_numeric(Reading *reading, Str text, SqlValue *value) {
        CLEANUP(digits_deinit) Digits digits = { 0 };
        Str trimmed = str_trim(text);
        bool plain = take_digits(trimmed, &digits) && digits.all.size <= LITERAL_PRECISION_MAX;
        while (plain && digits.scale < 0 && digits.all.size <= LITERAL_PRECISION_MAX) {
                if (digits.all.size > 0)
                        buf_append_byte(&digits.all, '0');
                digits.scale++;
        }
        Str all = buf_view(&digits.all);
        if (!plain || digits.scale > LITERAL_PRECISION_MAX || all.size > LITERAL_PRECISION_MAX) {
                value->type = STR("DOUBLE");
                return read_as_it_is(reading, trimmed, value);
        }
        int scale = (int)digits.scale, whole = (int)all.size > scale ? (int)all.size - scale : 0, zeros = whole > 0 ? 0 : scale - (int)all.size;
        int precision = (whole > 0 ? whole : 1) + scale;
        value->precision = precision > LITERAL_PRECISION_MAX ? LITERAL_PRECISION_MAX : precision;
        value->scale = scale;
        const char *sign = digits.negative ? "-" : "", *point = scale > 0 ? "." : "";
        Str front = whole > 0 ? str_slice(all, 0, (size_t)whole) : STR("0");
        value->text = arena_strf(reading->arena, "%s%.*s%s%.*s%.*s", sign, STR_ARG(front), point, zeros, "00000000000000000000000000000000000000",
                                 STR_ARG(str_slice(all, (size_t)whole, all.size)));
        return true;
}

/* ---- dates ---- */

static bool all_digits(Str text) {
        for (size_t i = 0; i < text.size; i++)
                if (!is_digit(text.data[i]))
                        return false;
        return true;
}

/* What is before a last word, if that is what the text ends with. */
static bool drop_end(Str *text, const char *word) {
        size_t size = strlen(word);
        if (text->size <= size || !str_equal_nocase(str_slice(*text, text->size - size, text->size), str_of(word)))
                return false;
        *text = str_trim(str_slice(*text, 0, text->size - size));
        return true;
}

/* The engine has (BC) behind the date. 20260131 is one, too. */
static Str date_for_engine(Arena *arena, Str date, bool before_christ) {
        Str text = date;
        if (date.size == 8 && all_digits(date))
                text = arena_strf(arena, "%.4s-%.2s-%.2s", date.data, date.data + 4, date.data + 6);
        return before_christ ? arena_strf(arena, "%.*s (BC)", STR_ARG(text)) : text;
}

/* pgjdbc writes a date with a zone, "1970-01-01 +00", and PostgreSQL leaves that out. */
static bool read_date(Reading *reading, Str text, SqlValue *value) {
        Str whole = str_trim(text), date, zone;
        bool before_christ = drop_end(&whole, " BC");
        if (!before_christ)
                drop_end(&whole, " AD");
        if (str_cut(whole, ' ', &date, &zone) && zone.size > 0 && (zone.data[0] == '+' || zone.data[0] == '-'))
                whole = date;
        return read_as_it_is(reading, date_for_engine(reading->arena, whole, before_christ), value);
}

static bool read_timestamp(Reading *reading, Str text, SqlValue *value) {
        Str whole = str_trim(text);
        bool before_christ = drop_end(&whole, " BC");
        if (!before_christ)
                drop_end(&whole, " AD");
        size_t end = 0;
        while (end < whole.size && whole.data[end] != ' ' && whole.data[end] != 'T')
                end++;
        Str date = date_for_engine(reading->arena, str_slice(whole, 0, end), before_christ);
        Str time = str_trim(str_slice(whole, end + (end < whole.size && whole.data[end] == 'T'), whole.size));
        bool both = time.size > 0 && (before_christ || date.size != end);
        value->text = both ? arena_strf(reading->arena, "%.*s %.*s", STR_ARG(date), STR_ARG(time))
                           : arena_str(reading->arena, time.size > 0 ? whole : date);
        return true;
}

/* ---- intervals ---- */

typedef struct Span {
        int64_t months, days, micros;
        bool failed; /* does not fit */
} Span;

/* A number as it is written: 1.5 is 1 and 0.5, -1.5 both negative. */
typedef struct Amount {
        int64_t whole;
        double fraction;
} Amount;

static const struct {
        const char *name; /* with or without an s */
        char letter;      /* in ISO 8601: date part in capitals, time part in small ones */
        int64_t months, days, micros;
} UNITS[] = {
        { "microsecond", 0, 0, 0, 1 },          { "us", 0, 0, 0, 1 },           { "usec", 0, 0, 0, 1 },
        { "millisecond", 0, 0, 0, 1000 },       { "ms", 0, 0, 0, 1000 },        { "msec", 0, 0, 0, 1000 },
        { "second", 's', 0, 0, MICROS_OF_SECOND }, { "sec", 0, 0, 0, MICROS_OF_SECOND }, { "s", 0, 0, 0, MICROS_OF_SECOND },
        { "minute", 'm', 0, 0, 60 * MICROS_OF_SECOND }, { "min", 0, 0, 0, 60 * MICROS_OF_SECOND }, { "m", 0, 0, 0, 60 * MICROS_OF_SECOND },
        { "hour", 'h', 0, 0, 3600 * MICROS_OF_SECOND }, { "hr", 0, 0, 0, 3600 * MICROS_OF_SECOND }, { "h", 0, 0, 0, 3600 * MICROS_OF_SECOND },
        { "day", 'D', 0, 1, 0 },                { "d", 0, 0, 1, 0 },            { "week", 'W', 0, 7, 0 },
        { "w", 0, 0, 7, 0 },                    { "month", 'M', 1, 0, 0 },      { "mon", 0, 1, 0, 0 },
        { "year", 'Y', 12, 0, 0 },              { "yr", 0, 12, 0, 0 },          { "y", 0, 12, 0, 0 },
        { "decade", 0, 120, 0, 0 },             { "century", 0, 1200, 0, 0 },   { "centurie", 0, 1200, 0, 0 },
        { "millennium", 0, 12000, 0, 0 },
};

static void add(Span *span, int64_t *part, int64_t count, int64_t size) {
        int64_t product = 0;
        span->failed |= __builtin_mul_overflow(count, size, &product) || __builtin_add_overflow(*part, product, part);
}

static int64_t rounded(double number) {
        return (int64_t)(number < 0 ? number - 0.5 : number + 0.5);
}

/* What is behind the point goes on into the next smaller parts, a month having 30 days. */
static void add_unit(Span *span, Amount amount, size_t unit) {
        add(span, &span->months, amount.whole, UNITS[unit].months);
        add(span, &span->days, amount.whole, UNITS[unit].days);
        add(span, &span->micros, amount.whole, UNITS[unit].micros);
        if (amount.fraction == 0)
                return;
        double days = amount.fraction * (double)UNITS[unit].days;
        if (UNITS[unit].months == 1)
                days = amount.fraction * 30;
        else
                add(span, &span->months, rounded(amount.fraction * (double)UNITS[unit].months), 1);
        add(span, &span->days, (int64_t)days, 1);
        add(span, &span->micros, rounded((days - (double)(int64_t)days) * (double)MICROS_OF_DAY), 1);
        add(span, &span->micros, rounded(amount.fraction * (double)UNITS[unit].micros), 1);
}

static bool find_unit(Str word, size_t *out) {
        for (size_t i = 0; i < COUNT_OF(UNITS); i++) {
                Str name = str_of(UNITS[i].name);
                bool plural = word.size == name.size + 1 && (word.data[name.size] == 's' || word.data[name.size] == 'S');
                if (str_equal_nocase(plural ? str_slice(word, 0, name.size) : word, name)) {
                        *out = i;
                        return true;
                }
        }
        return false;
}

static bool find_letter(char letter, bool of_time, size_t *out) {
        char wanted = (char)(of_time ? letter | 0x20 : letter & ~0x20);
        for (size_t i = 0; i < COUNT_OF(UNITS); i++)
                if (UNITS[i].letter == wanted) {
                        *out = i;
                        return true;
                }
        return false;
}

static void skip_spaces(Str *rest) {
        *rest = str_trim(*rest);
}

static size_t take_while_digits(Str *rest, Str *out) {
        size_t size = 0;
        while (size < rest->size && is_digit(rest->data[size]))
                size++;
        *out = str_slice(*rest, 0, size);
        *rest = str_slice(*rest, size, rest->size);
        return size;
}

/* [sign]digits[.digits]; *out_sign is -1 or 1, so that -0 is told apart. */
static bool take_amount(Str *rest, Amount *out, int *out_sign) {
        *out_sign = rest->size > 0 && rest->data[0] == '-' ? -1 : 1;
        if (rest->size > 0 && (rest->data[0] == '-' || rest->data[0] == '+'))
                *rest = str_slice(*rest, 1, rest->size);
        Str whole, fraction = STR_NONE;
        take_while_digits(rest, &whole);
        if (rest->size > 0 && rest->data[0] == '.') {
                *rest = str_slice(*rest, 1, rest->size);
                take_while_digits(rest, &fraction);
        }
        *out = (Amount){ 0 };
        if (whole.size + fraction.size == 0 || (whole.size > 0 && !str_to_int64(whole, &out->whole)))
                return false;
        double scale = 0.1;
        for (size_t i = 0; i < fraction.size; i++, scale /= 10)
                out->fraction += (fraction.data[i] - '0') * scale;
        out->whole *= *out_sign;
        out->fraction *= *out_sign;
        return true;
}

/* P1Y2M3DT4H5M6S, without its P. */
static bool read_iso(Str rest, Span *span) {
        bool of_time = false, any = false;
        while (rest.size > 0) {
                Amount amount;
                int sign;
                size_t unit;
                if (rest.data[0] == 'T' && !of_time) {
                        of_time = true;
                        rest = str_slice(rest, 1, rest.size);
                        continue;
                }
                if (!take_amount(&rest, &amount, &sign) || rest.size == 0 || !find_letter(rest.data[0], of_time, &unit))
                        return false;
                add_unit(span, amount, unit);
                rest = str_slice(rest, 1, rest.size);
                any = true;
        }
        return any;
}

/* The rest of hours:minutes[:seconds[.fraction]], behind the hours. */
static bool read_clock(Str *rest, int64_t hours, int sign, Span *span) {
        Str minutes;
        int64_t minute;
        Amount seconds = { 0 };
        int ignored;
        *rest = str_slice(*rest, 1, rest->size);
        if (take_while_digits(rest, &minutes) == 0 || !str_to_int64(minutes, &minute) || minute > 59)
                return false;
        if (rest->size > 0 && rest->data[0] == ':') {
                *rest = str_slice(*rest, 1, rest->size);
                if (rest->size == 0 || !is_digit(rest->data[0]) || !take_amount(rest, &seconds, &ignored) || seconds.whole > 60)
                        return false;
        }
        add(span, &span->micros, hours, 3600 * MICROS_OF_SECOND);
        add(span, &span->micros, sign * minute, 60 * MICROS_OF_SECOND);
        add(span, &span->micros, sign * seconds.whole, MICROS_OF_SECOND);
        add(span, &span->micros, sign * rounded(seconds.fraction * (double)MICROS_OF_SECOND), 1);
        return true;
}

/* years-months, behind the years. */
static bool read_years_months(Str *rest, int64_t years, int sign, Span *span) {
        Str text;
        int64_t months;
        *rest = str_slice(*rest, 1, rest->size);
        if (take_while_digits(rest, &text) == 0 || !str_to_int64(text, &months) || months > 11)
                return false;
        add(span, &span->months, years, 12);
        add(span, &span->months, sign * months, 1);
        return true;
}

static Str take_word(Str *rest) {
        size_t size = 0;
        while (size < rest->size && ((rest->data[size] | 0x20) >= 'a' && (rest->data[size] | 0x20) <= 'z'))
                size++;
        Str word = str_slice(*rest, 0, size);
        *rest = str_slice(*rest, size, rest->size);
        return word;
}

/* What a number alone counts: days before a time of day, seconds otherwise. */
static size_t unit_of_bare(Str rest) {
        size_t unit = 0;
        find_unit(str_find_byte(rest, ':') < rest.size ? STR("day") : STR("second"), &unit);
        return unit;
}

static void negate(Span *span) {
        Span back = { .failed = span->failed };
        add(&back, &back.months, span->months, -1);
        add(&back, &back.days, span->days, -1);
        add(&back, &back.micros, span->micros, -1);
        *span = back;
}

static bool read_parts(Str rest, Span *span) {
        bool any = false;
        for (skip_spaces(&rest); rest.size > 0; skip_spaces(&rest)) {
                Amount amount;
                int sign;
                size_t unit;
                if (any && str_equal_nocase(rest, STR("ago"))) {
                        negate(span);
                        return true;
                }
                if (!take_amount(&rest, &amount, &sign))
                        return false;
                any = true;
                char next = rest.size > 0 ? rest.data[0] : '\0';
                if (amount.fraction == 0 && (next == ':' || next == '-')) {
                        if (!(next == ':' ? read_clock : read_years_months)(&rest, amount.whole, sign, span))
                                return false;
                        continue;
                }
                skip_spaces(&rest);
                Str word = take_word(&rest);
                if (word.size == 0)
                        unit = unit_of_bare(rest);
                else if (!find_unit(word, &unit))
                        return false;
                add_unit(span, amount, unit);
        }
        return any;
}

static bool read_interval(Reading *reading, Str text, SqlValue *value) {
        Str rest = str_trim(text);
        Span span = { 0 };
        if (rest.size > 0 && rest.data[0] == '@')
                rest = str_slice(rest, 1, rest.size);
        bool iso = rest.size > 0 && (rest.data[0] | 0x20) == 'p';
        bool known = iso ? read_iso(str_slice(rest, 1, rest.size), &span) : read_parts(rest, &span);
        if (!known)
                return read_as_it_is(reading, text, value);
        if (span.failed || span.months > INT32_MAX || span.months < INT32_MIN || span.days > INT32_MAX || span.days < INT32_MIN)
                return fail(reading, "an interval out of range");
        value->text = arena_strf(reading->arena, "%" PRId64 " months %" PRId64 " days %" PRId64 " microseconds", span.months, span.days, span.micros);
        return true;
}

/* ---- bytea: the engine writes a byte as \x0A ---- */

static bool octal_at(Str text, size_t at) {
        for (size_t i = 1; i <= 3; i++)
                if (at + i >= text.size || text.data[at + i] < '0' || text.data[at + i] > (i == 1 ? '3' : '7'))
                        return false;
        return true;
}

static bool read_hex_bytes(Reading *reading, Str digits, Buf *out) {
        Str raw;
        if (!hex_decode(reading->arena, digits, &raw))
                return fail(reading, "a bytea whose hexadecimal digits are not");
        for (size_t i = 0; i < raw.size; i++)
                buf_printf(out, "\\x%02X", (uint8_t)raw.data[i]);
        return true;
}

static bool read_escaped_bytes(Reading *reading, Str text, Buf *out) {
        for (size_t i = 0; i < text.size; i++) {
                uint32_t byte = (uint8_t)text.data[i];
                if (byte == '\\' && i + 1 < text.size && text.data[i + 1] == '\\') {
                        i++;
                } else if (byte == '\\' && octal_at(text, i)) {
                        byte = (uint32_t)(text.data[i + 1] - '0') << 6 | (uint32_t)(text.data[i + 2] - '0') << 3 | (uint32_t)(text.data[i + 3] - '0');
                        i += 3;
                } else if (byte == '\\') {
                        return fail(reading, "a bytea with a lone backslash");
                }
                buf_printf(out, "\\x%02X", byte);
        }
        return true;
}

static bool read_bytea(Reading *reading, Str text, SqlValue *value) {
        CLEANUP(buf_deinit) Buf out = { 0 };
        bool good = str_starts_with(text, STR("\\x")) ? read_hex_bytes(reading, str_slice(text, 2, text.size), &out) : read_escaped_bytes(reading, text, &out);
        if (good)
                value->text = buf_dup(&out, reading->arena);
        return good;
}

/* ---- by type ---- */

static const struct {
        const char *word, *engine;
        ReadLiteral read;
} READERS[] = {
        { "boolean", "BOOLEAN", read_boolean },
        { "bool", "BOOLEAN", read_boolean },
        { "decimal", "DECIMAL", read_numeric },
        { "numeric", "DECIMAL", read_numeric },
        { "date", "DATE", read_date },
        { "timestamp", "TIMESTAMP", read_timestamp },
        { "timestamptz", "TIMESTAMPTZ", read_timestamp },
        { "timestamp with time zone", "TIMESTAMPTZ", read_timestamp },
        { "interval", "INTERVAL", read_interval },
        { "bytea", "BLOB", read_bytea },
};

static ReadLiteral reader_of(Str type, Str *out_engine) {
        *out_engine = type;
        for (size_t i = 0; i < COUNT_OF(READERS); i++)
                if (str_equal_nocase(type, str_of(READERS[i].word))) {
                        *out_engine = str_of(READERS[i].engine);
                        return READERS[i].read;
                }
        return read_as_it_is;
}

bool literal_read(Str type, Str text, Arena *arena, SqlValue *value, const char **out_why) {
        Reading reading = { .arena = arena };
        ReadLiteral read = reader_of(type, &value->type);
        bool good = read(&reading, text, value);
        *out_why = reading.why;
        return good;
}

/* ---- arrays of one dimension ---- */

SqlValue *literal_add_item(SqlValue *list, size_t *capacity, Arena *arena) {
        if (list->item_count == *capacity) {
                size_t wanted = *capacity ? *capacity * 2 : 8;
                list->items = arena_grow(arena, list->items, *capacity * sizeof(SqlValue), wanted * sizeof(SqlValue));
                *capacity = wanted;
        }
        SqlValue *item = &list->items[list->item_count++];
        *item = (SqlValue){ .type = list->type };
        return item;
}

/* All elements of a decimal array get one type that holds each. */
static void widen(SqlValue *list, const SqlValue *item) {
        int whole = list->precision - list->scale, item_whole = item->precision - item->scale;
        if (item->precision == 0 || item->null)
                return;
        list->scale = item->scale > list->scale ? item->scale : list->scale;
        list->precision = (item_whole > whole ? item_whole : whole) + list->scale;
}

void literal_finish_array(SqlValue *list) {
        for (size_t i = 0; i < list->item_count; i++)
                widen(list, &list->items[i]);
        for (size_t i = 0; i < list->item_count; i++)
                if (str_is(list->items[i].type, "DOUBLE") || list->precision > LITERAL_PRECISION_MAX)
                        list->type = STR("DOUBLE");
        if (str_is(list->type, "DOUBLE"))
                list->precision = list->scale = 0;
}

/* An element, from *at: quoted or bare; what is between is unescaped. */
static bool next_element(Reading *reading, Str text, size_t *at, Str *out, bool *out_quoted) {
        CLEANUP(buf_deinit) Buf element = { 0 };
        bool quoted = *at < text.size && text.data[*at] == '"';
        for (*at += quoted; *at < text.size; ++*at) {
                char c = text.data[*at];
                if (quoted ? c == '"' : c == ',' || c == '}')
                        break;
                if (c == '{' && !quoted)
                        return fail(reading, "an array of more than one dimension");
                if (c == '\\' && ++*at == text.size)
                        break;
                buf_append_byte(&element, text.data[*at]);
        }
        if (*at >= text.size)
                return fail(reading, "an array that is not closed");
        *at += quoted;
        Str whole = buf_dup(&element, reading->arena);
        *out = quoted ? whole : str_trim(whole);
        *out_quoted = quoted;
        return true;
}

static size_t skip_blanks(Str text, size_t at) {
        while (at < text.size && text.data[at] == ' ')
                at++;
        return at;
}

static bool read_items(Reading *reading, Str text, ReadLiteral read, SqlValue *list) {
        size_t capacity = 0;
        for (size_t at = 1;;) {
                Str element;
                bool quoted;
                if (list->item_count == LITERAL_ITEMS_MAX)
                        return fail(reading, "an array of more than 100,000 elements");
                at = skip_blanks(text, at);
                if (!next_element(reading, text, &at, &element, &quoted))
                        return false;
                SqlValue *item = literal_add_item(list, &capacity, reading->arena);
                item->null = !quoted && str_equal_nocase(element, STR("null"));
                if (!item->null && !read(reading, element, item))
                        return false;
                at = skip_blanks(text, at);
                char end = at < text.size ? text.data[at++] : '\0';
                if (end == '}')
                        return at == text.size || fail(reading, "something behind an array's }");
                if (end != ',')
                        return fail(reading, "an array whose elements are not parted by commas");
        }
}

bool literal_read_array(Str type, Str text, Arena *arena, SqlValue *value, const char **out_why) {
        Reading reading = { .arena = arena };
        ReadLiteral read = reader_of(type, &value->type);
        Str trimmed = str_trim(text);
        value->is_list = true;
        bool good = trimmed.size >= 2 && trimmed.data[0] == '{' ? str_is(str_trim(str_slice(trimmed, 1, trimmed.size)), "}") ||
                                                                           read_items(&reading, trimmed, read, value)
                                                                 : fail(&reading, "an array begins with {");
        literal_finish_array(value);
        *out_why = reading.why;
        return good;
}

/* ---- in a statement ---- */

typedef struct Casts {
        const SqlTree *tree;
        Arena *arena;
} Casts;

/* A type of one word without sizes: INTEGER, or pg_catalog.int4. */
static bool bare_type(const SqlExpr *type, Str *out) {
        const SqlNames *path = &type->type.path;
        bool bare = type->kind == SQL_TYPE && type->type.children.count == 0 && path->count > 0 &&
                    (path->count == 1 || str_equal_nocase(path->items[0], STR("pg_catalog")));
        *out = bare ? path->items[path->count - 1] : STR_NONE;
        return bare;
}

static bool is_list_of(const SqlExpr *type, Str *out) {
        return type->kind == SQL_TYPE && type->type.path.count == 1 && str_is(type->type.path.items[0], "list") && type->type.children.count == 1 &&
               bare_type(type->type.children.items[0], out);
}

static bool is_numeric(const SqlExpr *type) {
        Str name = type->kind == SQL_TYPE && type->type.path.count > 0
                           ? type->type.path.items[type->type.path.count - 1]
                           : STR_NONE;
        return str_equal_nocase(name, STR("decimal")) || str_equal_nocase(name, STR("numeric"));
}

/* CAST(CAST(x AS numeric(9,2)) AS numeric): the outer one changes nothing in PostgreSQL, and the scale in the engine. */
static SqlExpr *without_numeric_casts(SqlExpr *cast) {
        Str name;
        while (cast->kind == SQL_CAST && cast->cast.child->kind == SQL_CAST &&
               is_numeric(cast->cast.child->cast.type) && is_numeric(cast->cast.type) &&
               bare_type(cast->cast.type, &name)) {
                cast->cast.child->alias = cast->alias;
                cast = cast->cast.child;
        }
        return cast;
}

/* _int4 is PostgreSQL's own name of int4[]. */
static void change_array_name(Arena *arena, SqlExpr *type) {
        Str name;
        if (!bare_type(type, &name) || name.size < 2 || name.data[0] != '_')
                return;
        SqlExpr *element = ARENA_NEW(arena, SqlExpr);
        *element = *type;
        element->type.path = (SqlNames){ ARENA_NEW(arena, Str), 1 };
        element->type.path.items[0] = str_slice(name, 1, name.size);
        type->type.path = (SqlNames){ ARENA_NEW(arena, Str), 1 };
        type->type.path.items[0] = STR("list");
        type->type.children = (SqlExprs){ ARENA_NEW(arena, SqlExpr *), 1 };
        type->type.children.items[0] = element;
}

static Status read_cast(void *context, SqlExpr **place, Error *err) {
        const Casts *casts = context;
        SqlExpr *cast = *place = without_numeric_casts(*place);
        if (cast->kind == SQL_CAST)
                change_array_name(casts->arena, cast->cast.type);
        if (cast->kind != SQL_CAST || cast->cast.child->kind != SQL_CONSTANT || cast->cast.child->constant.literal != SQL_STRING)
                return STATUS_OK;
        Str text = cast->cast.child->constant.text, type, engine;
        SqlValue value = { 0 };
        const char *why = NULL;
        bool good = true;
        if (bare_type(cast->cast.type, &type) && reader_of(type, &engine) != read_as_it_is)
                good = literal_read(type, text, casts->arena, &value, &why);
        else if (is_list_of(cast->cast.type, &type) && str_starts_with(str_trim(text), STR("{")))
                good = literal_read_array(type, text, casts->arena, &value, &why);
        else
                return STATUS_OK;
        if (!good && cast->cast.try_cast)
                return STATUS_OK;
        if (!good) {
                error_set(err, STATUS_BAD_VALUE, "%s", why);
                err->sqlstate = "22P02";
                return sql_error_place(err, casts->tree, cast->cast.child->at);
        }
        SqlExpr *read = sql_value_expr(casts->arena, &value);
        read->alias = cast->alias;
        read->at = cast->at;
        read->cast.child->at = cast->cast.child->at;
        read->cast.try_cast = cast->cast.try_cast;
        *place = read;
        return STATUS_OK;
}

Status literal_read_casts(SqlTree *tree, Arena *arena, Error *err) {
        Casts casts = { tree, arena };
        SqlVisitor visitor = { .expr = read_cast, .context = &casts };
        return sql_visit_query(tree->query, &visitor, err);
}
