/* SPDX-License-Identifier: Apache-2.0 */
#include "frame/xlsx_value.h"

#include <math.h>
#include <stdlib.h>

#include "base/time.h"

#define DAY_MS 86400000ll
#define NUMBER_MAX 400 /* bytes of a number's text; more is none */
#define DIGITS_EXACT 15 /* so many survive a double */

/* --- number formats --- */

static const struct {
        int64_t first, last;
        XlsxKind kind;
} builtins[] = {
        { 9, 10, XLSX_PERCENT },  { 14, 17, XLSX_DATE }, { 18, 21, XLSX_TIME },     { 22, 22, XLSX_MOMENT },
        { 27, 31, XLSX_DATE },    { 32, 33, XLSX_TIME }, { 34, 36, XLSX_DATE },     { 45, 45, XLSX_TIME },
        { 46, 46, XLSX_DURATION }, { 47, 47, XLSX_TIME }, { 50, 58, XLSX_DATE },
};

XlsxKind xlsx_kind_of_builtin(int64_t id) {
        for (size_t i = 0; i < COUNT_OF(builtins); i++) {
                if (id >= builtins[i].first && id <= builtins[i].last)
                        return builtins[i].kind;
        }
        return XLSX_NUMBER;
}

/* What a code is made of, letters without case. */
typedef struct CodeParts {
        bool date, month, time, duration, percent; /* month: an m, which beside hours or seconds is minutes */
} CodeParts;

/* [h], [mm] and [ss] count on beyond a day; all else in brackets is a colour, a condition or a locale. */
static bool is_elapsed(Str inside) {
        if (inside.size == 0 || inside.size > 2)
                return false;
        char first = (char)(inside.data[0] | 0x20), last = (char)(inside.data[inside.size - 1] | 0x20);
        return first == last && char_is_one_of(first, "hms");
}

/* The word at the beginning of a code that holds letters and is no part of a date; 0: none. */
static size_t word_size(Str code) {
        static const char *const words[] = { "General", "Standard", "AM/PM", "A/P" };
        for (size_t i = 0; i < COUNT_OF(words); i++) {
                Str word = str_of(words[i]);
                if (str_equal_nocase(str_slice(code, 0, word.size), word))
                        return word.size;
        }
        return 0;
}

/* How many bytes at the beginning of a code are literal, or say nothing of dates. */
static size_t literal_size(Str code, CodeParts *parts) {
        char c = code.data[0];
        if (c == '"') {
                size_t end = str_find_byte(str_slice(code, 1, code.size), '"');
                return end + 2;
        }
        if (c == '\\' || c == '_' || c == '*')
                return 2;
        if (c == '[') {
                size_t end = str_find_byte(code, ']');
                parts->duration |= is_elapsed(str_slice(code, 1, end));
                return end + 1;
        }
        if ((c == 'E' || c == 'e') && code.size > 1 && (code.data[1] == '+' || code.data[1] == '-'))
                return 2;
        return word_size(code);
}

static void take_letter(char letter, CodeParts *parts) {
        parts->date |= char_is_one_of(letter, "yde");
        parts->month |= letter == 'm';
        parts->time |= char_is_one_of(letter, "hs");
        parts->percent |= letter == '%';
}

XlsxKind xlsx_kind_of_code(Str code) {
        CodeParts parts = { 0 };
        for (size_t at = 0; at < code.size && code.data[at] != ';';) {
                size_t literal = literal_size(str_slice(code, at, code.size), &parts);
                if (literal == 0 && code.data[at])
                        take_letter(code.data[at] == '%' ? '%' : (char)(code.data[at] | 0x20), &parts);
                at += literal ? literal : 1;
        }
        if (parts.duration)
                return XLSX_DURATION;
        if (parts.date || (parts.month && !parts.time))
                return parts.time ? XLSX_MOMENT : XLSX_DATE;
        return parts.time ? XLSX_TIME : parts.percent ? XLSX_PERCENT : XLSX_NUMBER;
}

int xlsx_zeros_of_code(Str code) {
        size_t zeros = 0;
        Str first = str_slice(code, 0, str_find_byte(code, ';'));
        while (zeros < first.size && first.data[zeros] == '0')
                zeros++;
        return zeros > 1 && zeros == first.size && zeros <= XLSX_ZEROS_MAX ? (int)zeros : 0;
}

/* --- numbers --- */

typedef struct Digits {
        bool negative;
        bool plain;             /* neither a point nor an exponent */
        char digits[NUMBER_MAX]; /* neither zeros before nor, after the point, behind */
        int count, point;       /* the value is 0.digits times ten to the point */
} Digits;

static bool is_digit(char c) {
        return c >= '0' && c <= '9';
}

static void add_digit(Digits *out, char digit, bool after_point) {
        if (out->count > 0 || digit != '0')
                out->digits[out->count++] = digit;
        else if (after_point)
                out->point--;
}

static bool read_exponent(Str text, size_t at, Digits *out) {
        bool negative = at < text.size && text.data[at] == '-';
        int exponent = 0;
        if (at < text.size && (text.data[at] == '-' || text.data[at] == '+'))
                at++;
        size_t begin = at;
        for (; at < text.size && is_digit(text.data[at]); at++)
                exponent = exponent < 10000 ? exponent * 10 + (text.data[at] - '0') : exponent;
        out->point += negative ? -exponent : exponent;
        return at == text.size && at > begin;
}

static bool read_digits(Str text, Digits *out) {
        size_t at = 0, seen = 0;
        *out = (Digits){ .plain = true };
        if (text.size == 0 || text.size > NUMBER_MAX)
                return false;
        if (text.data[0] == '-' || text.data[0] == '+')
                out->negative = text.data[at++] == '-';
        for (; at < text.size && is_digit(text.data[at]); at++, seen++)
                add_digit(out, text.data[at], false);
        out->point = out->count;
        if (at < text.size && text.data[at] == '.') {
                out->plain = false;
                for (at++; at < text.size && is_digit(text.data[at]); at++, seen++)
                        add_digit(out, text.data[at], true);
        }
        if (seen == 0)
                return false;
        if (at < text.size && (text.data[at] == 'e' || text.data[at] == 'E')) {
                out->plain = false;
                if (!read_exponent(text, at + 1, out))
                        return false;
        } else if (at < text.size) {
                return false;
        }
        while (out->count > 0 && out->digits[out->count - 1] == '0')
                out->count--;
        return true;
}

static void put_zeros(Buf *out, int count) {
        for (int i = 0; i < count; i++)
                buf_append_byte(out, '0');
}

static void put_digits(Buf *out, const Digits *number) {
        Str digits = { number->digits, (size_t)number->count };
        int point = number->point, after = number->count - point;
        if (number->count == 0) {
                buf_append_byte(out, '0');
                return;
        }
        if (number->negative)
                buf_append_byte(out, '-');
        if (point > XLSX_PLAIN_DIGITS || after > XLSX_PLAIN_DIGITS) {
                buf_append(out, str_slice(digits, 0, 1));
                if (digits.size > 1)
                        buf_append_byte(out, '.');
                buf_append(out, str_slice(digits, 1, digits.size));
                buf_printf(out, "e%d", point - 1);
                return;
        }
        if (point <= 0) {
                buf_append_cstr(out, "0.");
                put_zeros(out, -point);
                buf_append(out, digits);
                return;
        }
        buf_append(out, str_slice(digits, 0, (size_t)point));
        put_zeros(out, point - number->count);
        if (after > 0) {
                buf_append_byte(out, '.');
                buf_append(out, str_slice(digits, (size_t)point, digits.size));
        }
}

/* Most are: digits that stand as they are. */
static bool is_short_integer(Str text) {
        size_t minus = text.size > 0 && text.data[0] == '-';
        if (text.size - minus - 1 >= DIGITS_EXACT || text.data[minus] == '0')
                return false;
        for (size_t i = minus; i < text.size; i++) {
                if (!is_digit(text.data[i]))
                        return false;
        }
        return true;
}

/* Out of a double come 17 digits where fewer say the same. */
static void shorten(Digits *number, Str text) {
        char copy[NUMBER_MAX + 1], made[40];
        memcpy(copy, text.data, text.size);
        copy[text.size] = 0;
        double value = strtod(copy, NULL);
        if (!isfinite(value) || value == 0)
                return;
        for (int digits = DIGITS_EXACT; digits <= 17; digits++) {
                snprintf(made, sizeof(made), "%.*e", digits - 1, value);
                if (strtod(made, NULL) == value)
                        break;
        }
        read_digits(str_of(made), number);
}

bool xlsx_number(Buf *out, Str text) {
        if (is_short_integer(text)) {
                buf_append(out, text);
                return true;
        }
        Digits number;
        if (!read_digits(text, &number))
                return false;
        if (number.count > DIGITS_EXACT && !number.plain)
                shorten(&number, text);
        put_digits(out, &number);
        return true;
}

Str xlsx_shown(Str text, Arena *arena) {
        Digits number;
        if (text.size <= DIGITS_EXACT + 1 || !read_digits(text, &number) || number.plain || number.count <= DIGITS_EXACT)
                return text;
        return arena_strf(arena, "%.*g", DIGITS_EXACT, strtod(arena_cstr(arena, text), NULL));
}

/* --- days --- */

/* printf would be a tenth of a sheet's reading. */
static void put_two(Buf *out, int64_t number) {
        char digits[2] = { (char)('0' + number / 10), (char)('0' + number % 10) };
        buf_append(out, (Str){ digits, 2 });
}

static void put_time(Buf *out, int64_t ms) {
        int64_t hours = ms / 3600000, rest = ms % 3600000;
        if (hours < 100)
                put_two(out, hours);
        else
                buf_printf(out, "%lld", (long long)hours);
        buf_append_byte(out, ':');
        put_two(out, rest / 60000);
        buf_append_byte(out, ':');
        put_two(out, rest / 1000 % 60);
        if (ms % 1000 == 0)
                return;
        buf_printf(out, ".%03d", (int)(ms % 1000));
        while (out->size > 0 && out->data[out->size - 1] == '0')
                out->size--;
}

/* In the 1900 system day 60 is a 29 February that was none, so the days before it are a day later. */
static void put_day(Buf *out, int64_t day, bool from_1904) {
        if (!from_1904 && (day == 0 || day == 60)) {
                buf_append_cstr(out, day == 0 ? "1900-01-00" : "1900-02-29");
                return;
        }
        int32_t begin = from_1904 ? days_from_civil(1904, 1, 1) : days_from_civil(1899, 12, day < 60 ? 31 : 30);
        int year, month, of_month;
        civil_from_days(begin + (int32_t)day, &year, &month, &of_month);
        put_two(out, year / 100);
        put_two(out, year % 100);
        buf_append_byte(out, '-');
        put_two(out, month);
        buf_append_byte(out, '-');
        put_two(out, of_month);
}

/* To the millisecond, which is what a spreadsheet shows at most: a double has no more of a time of these years. */
static bool read_days(Str text, int64_t *out_ms) {
        char copy[NUMBER_MAX + 1];
        Digits number;
        if (!read_digits(text, &number))
                return false;
        memcpy(copy, text.data, text.size);
        copy[text.size] = 0;
        double days = strtod(copy, NULL);
        if (!(days >= 0 && days < 2958466)) /* the end of 9999 */
                return false;
        double whole = floor(days);
        *out_ms = (int64_t)whole * DAY_MS + llround((days - whole) * (double)DAY_MS);
        return true;
}

bool xlsx_days(Buf *out, Str text, XlsxKind kind, bool from_1904) {
        int64_t ms, last = days_from_civil(9999, 12, 31) - (int64_t)days_from_civil(1904, 1, 1);
        if (!read_days(text, &ms) || (from_1904 && ms / DAY_MS > last))
                return xlsx_number(out, text);
        if (kind == XLSX_DURATION || (kind == XLSX_TIME && ms < DAY_MS)) {
                put_time(out, ms);
                return true;
        }
        put_day(out, ms / DAY_MS, from_1904);
        if (kind != XLSX_DATE || ms % DAY_MS != 0) {
                buf_append_byte(out, ' ');
                put_time(out, ms % DAY_MS);
        }
        return true;
}
