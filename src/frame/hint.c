/* SPDX-License-Identifier: Apache-2.0 */
#include "frame/hint.h"

#include "frame/typing.h"
#include "frame/usual.h"

#define MISFITS_SHARE 8 /* as many as a guess allows: one in so many */
#define FORMATS_MAX 3   /* of dates in one column */
#define EXAMPLE_MAX 30
#define DATE_SIZE_MAX 40

static Str currencies[] = { { "\u20ac", 3 }, { "$", 1 },   { "\u00a3", 2 }, { "\u00a5", 2 }, { "kr.", 3 }, { "kr", 2 },  { "EUR", 3 }, { "USD", 3 },
                            { "GBP", 3 },    { "CHF", 3 }, { "DKK", 3 },    { "SEK", 3 },    { "NOK", 3 }, { "JPY", 3 }, { "PLN", 3 }, { "CZK", 3 } };

static size_t allowed(size_t count) {
        return count < MISFITS_SHARE ? 0 : count / MISFITS_SHARE;
}

static Str example_of(Str text) {
        return str_slice(text, 0, text.size < EXAMPLE_MAX ? text.size : EXAMPLE_MAX);
}

static bool is_dressed(Str text) {
        for (size_t i = 0; i < text.size; i++)
                if (!char_is_one_of(text.data[i], "0123456789.,+") && (text.data[i] != '-' || i > 0))
                        return true;
        return false;
}

/* out_dressed: the first that it reads and that is no bare number. */
static bool reads_numbers(const Format *format, const Str *texts, size_t count, Arena *arena, Str *out_dressed) {
        TypingRules rules = { .format = format, .decimal = format->decimal, .thousands = format->thousands, .dressed = true };
        Typing typing = { .rules = &rules, .type = { .kind = TYPE_DOUBLE } };
        size_t misfits = 0;
        for (size_t i = 0; i < count && misfits <= allowed(count); i++) {
                Value value;
                bool null;
                bool fits = typing_value(&typing, texts[i], arena, &value, &null) == RULE_NONE;
                misfits += !fits;
                if (fits && !null && out_dressed->size == 0 && is_dressed(texts[i]))
                        *out_dressed = texts[i];
        }
        return misfits <= allowed(count);
}

static bool any_has(const Str *texts, size_t count, Str part) {
        for (size_t i = 0; i < count; i++) {
                if (str_find(texts[i], part) < texts[i].size)
                        return true;
        }
        return false;
}

/* All that occur: whoever gives the column a number's type must know that there are several. */
static void put_currencies(Buf *out, const Str *texts, size_t count) {
        size_t found = 0;
        for (size_t i = 0; i < COUNT_OF(currencies); i++) {
                bool part = false; /* "$" of "US$" */
                for (size_t k = 0; k < COUNT_OF(currencies) && !part; k++)
                        part = k != i && str_find(currencies[k], currencies[i]) < currencies[k].size && any_has(texts, count, currencies[k]);
                if (part || !any_has(texts, count, currencies[i]))
                        continue;
                buf_printf(out, "%s\"%.*s\"", found++ ? ", " : ", currency: [", STR_ARG(currencies[i]));
        }
        buf_append_cstr(out, found > 1 ? "] (amounts of several currencies then stand in one column)" : found ? "]" : "");
}

/* The keys that the texts need beyond what the format says already. */
static Str keys_of(const Format *format, const Format *needed, const Str *texts, size_t count, Arena *arena) {
        CLEANUP(buf_deinit) Buf out = { 0 };
        put_currencies(&out, texts, count);
        if (any_has(texts, count, STR("%")))
                buf_append_cstr(&out, ", percent: number (12% is 12) or percent: fraction (12% is 0.12)");
        if (any_has(texts, count, STR("(")))
                buf_append_cstr(&out, ", negatives: parentheses");
        else if (needed->negatives == NEGATIVES_BEHIND)
                buf_append_cstr(&out, ", negatives: behind");
        if (needed->decimal != (format->decimal ? format->decimal : '.'))
                buf_printf(&out, ", decimal: \"%c\"", needed->decimal);
        if (needed->thousands != format->thousands)
                buf_printf(&out, needed->thousands == THOUSANDS_INDIAN ? ", thousands: %.*s" : ", thousands: \"%.*s\"", STR_ARG(thousands_name(&needed->thousands)));
        Str keys = buf_dup(&out, arena);
        return str_slice(keys, keys.size < 2 ? keys.size : 2, keys.size);
}

bool hint_numbers(const Format *format, const Str *texts, size_t count, Arena *arena, Hint *out) {
        char decimal = format->decimal ? format->decimal : '.', other = decimal == '.' ? ',' : '.';
        const char styles[][2] = { { decimal, format->thousands }, { decimal, other }, { decimal, ' ' }, { decimal, '\'' },
                                   { other, 0 },                   { other, decimal }, { other, ' ' },   { other, '\'' },    { '.', THOUSANDS_INDIAN } };
        for (size_t i = 0; i < COUNT_OF(styles); i++) {
                for (int negatives = NEGATIVES_PARENTHESES; negatives <= NEGATIVES_BEHIND; negatives++) {
                        Format tried = *format;
                        tried.decimal = styles[i][0];
                        tried.thousands = styles[i][1];
                        tried.percent = PERCENT_NUMBER;
                        tried.negatives = (FormatNegatives)negatives;
                        tried.currency = (StrList){ currencies, COUNT_OF(currencies) };
                        Str dressed = STR("");
                        if (!reads_numbers(&tried, texts, count, arena, &dressed))
                                continue;
                        Str keys = keys_of(format, &tried, texts, count, arena);
                        if (keys.size == 0)
                                return false;
                        out->what = arena_strf(arena, "values such as %.*s look like numbers", STR_ARG(example_of(dressed.size > 0 ? dressed : texts[0])));
                        out->how = arena_strf(arena, "text; a number's type reads them with %.*s", STR_ARG(keys));
                        return true;
                }
        }
        return false;
}

/* --- dates --- */

/* Marks what the pattern reads of what is not read yet. */
static size_t count_read(const Pattern *pattern, const Str *texts, size_t count, bool *read, bool mark) {
        size_t found = 0;
        for (size_t i = 0; i < count; i++) {
                Moment moment;
                if (read[i] || (!pattern_read(pattern, texts[i], &moment) && !pattern_read_long(pattern, texts[i], &moment)))
                        continue;
                found++;
                read[i] = mark;
        }
        return found;
}

/* Most texts are far from any date, and soon told so. */
static bool may_be_dates(const Str *texts, size_t count) {
        size_t misfits = 0;
        for (size_t i = 0; i < count && misfits <= allowed(count); i++) {
                size_t digits = 0;
                for (size_t k = 0; k < texts[i].size && k < DATE_SIZE_MAX; k++)
                        digits += texts[i].data[k] >= '0' && texts[i].data[k] <= '9';
                misfits += digits < 3 || texts[i].size > DATE_SIZE_MAX;
        }
        return misfits <= allowed(count);
}

bool hint_dates(const Format *format, const Pattern *patterns, const Str *texts, size_t count, Arena *arena, Hint *out) {
        Str chosen[FORMATS_MAX];
        bool *read = ARENA_ARRAY(arena, bool, count + 1);
        size_t left = count, used = 0;
        CLEANUP(buf_deinit) Buf list = { 0 };
        if (!may_be_dates(texts, count))
                return false;
        while (left > allowed(count)) {
                size_t best = 0, most = 0;
                for (size_t i = 0; i < USUAL_PATTERN_COUNT; i++) {
                        size_t found = count_read(&patterns[i], texts, count, read, false);
                        if (found > most)
                                most = found, best = i;
                }
                if (most == 0 || used == FORMATS_MAX)
                        return false;
                left -= count_read(&patterns[best], texts, count, read, true);
                chosen[used++] = str_of(usual_patterns[best].text);
                buf_printf(&list, "%s%s", used > 1 ? ", " : "", usual_patterns[best].text);
        }
        if (used < 2)
                return false;
        Format with = *format;
        Error err;
        with.dates = (StrList){ chosen, used };
        bool clash = format_check_dates(&with, &err) != STATUS_OK;
        out->what = arena_strf(arena, "dates in %zu formats, such as %.*s", used, STR_ARG(example_of(texts[0])));
        out->how = arena_strf(arena, clash ? "text; %.*s would read them, but clash: one text would be two dates" : "text; dates: [%.*s] would read them, if days and months stand as it says",
                              STR_ARG(buf_view(&list)));
        return true;
}

/* --- words --- */

#define WORD_MAX 20

/* Two words that are all there is, and mean yes and no. */
static bool hint_booleans(const Str *texts, size_t count, Arena *arena, Hint *out) {
        static const char *const pairs[][2] = { { "yes", "no" },  { "y", "n" },          { "on", "off" },    { "ja", "nein" },  { "j", "n" },   { "wahr", "falsch" },
                                                { "oui", "non" }, { "vrai", "faux" }, { "si", "no" },    { "s\u00ed", "no" },
                                                { "sim", "n\u00e3o" }, { "verdadero", "falso" }, { "vero", "falso" }, { "ja", "nee" },  { "ja", "nej" }, { "tak", "nie" } };
        for (size_t i = 0; i < COUNT_OF(pairs); i++) {
                Str word[2] = { STR(""), STR("") };
                size_t found = 0;
                for (size_t k = 0; k < count && found == k; k++)
                        for (size_t side = 0; side < 2 && found == k; side++) {
                                if (!str_equal_nocase(texts[k], str_of(pairs[i][side])))
                                        continue;
                                word[side] = word[side].size ? word[side] : texts[k];
                                found++;
                        }
                if (found < count || word[0].size == 0 || word[1].size == 0)
                        continue;
                out->what = arena_strf(arena, "%.*s and %.*s may be words for true and false", STR_ARG(word[0]), STR_ARG(word[1]));
                out->how = i < 3 ? STR("text; the type boolean reads them")
                                 : arena_strf(arena, "text; the type boolean reads them with true: [%.*s], false: [%.*s]", STR_ARG(word[0]), STR_ARG(word[1]));
                return true;
        }
        return false;
}

static bool reads_as(Str text, char decimal, char thousands) {
        TypingRules rules = { .decimal = decimal, .thousands = thousands };
        NumberShape shape;
        return number_shape(&rules, text, &shape);
}

static bool is_some_number(Str text) {
        return reads_as(text, '.', ',') || reads_as(text, ',', '.') || reads_as(text, '.', ' ') || reads_as(text, ',', ' ');
}

/* Each a number by one decimal point or the other, and some by only one. */
static bool hint_two_styles(const Str *texts, size_t count, Arena *arena, Hint *out) {
        Str only[2] = { STR(""), STR("") };
        size_t misfits = 0;
        for (size_t i = 0; i < count && misfits <= allowed(count); i++) {
                bool point = reads_as(texts[i], '.', ','), comma = reads_as(texts[i], ',', '.');
                misfits += !point && !comma;
                if (point != comma)
                        only[comma] = texts[i];
        }
        if (misfits > allowed(count) || only[0].size == 0 || only[1].size == 0)
                return false;
        out->what = arena_strf(arena, "numbers with two decimal points, such as %.*s and %.*s", STR_ARG(example_of(only[0])), STR_ARG(example_of(only[1])));
        out->how = STR("text; a source has one 'decimal'");
        return true;
}

/* Each a number, some in brackets and some with their sign behind. */
static bool hint_two_negatives(const Str *texts, size_t count, Arena *arena, Hint *out) {
        Str brackets = STR(""), behind = STR("");
        for (size_t i = 0; i < count; i++) {
                Str text = texts[i], inside = text.size > 2 ? str_trim(str_slice(text, 1, text.size - 1)) : STR("");
                bool is_bracket = inside.size > 0 && text.data[0] == '(' && text.data[text.size - 1] == ')' && is_some_number(inside);
                bool is_behind = text.size > 1 && text.data[text.size - 1] == '-' && is_some_number(str_trim(str_slice(text, 0, text.size - 1)));
                if (!is_bracket && !is_behind && !is_some_number(text))
                        return false;
                brackets = is_bracket ? text : brackets;
                behind = is_behind ? text : behind;
        }
        if (brackets.size == 0 || behind.size == 0)
                return false;
        out->what = arena_strf(arena, "negative numbers in two forms, such as %.*s and %.*s", STR_ARG(example_of(brackets)), STR_ARG(example_of(behind)));
        out->how = STR("text; a source has one 'negatives', and a model reads the other");
        return true;
}

/* --- days and times that patterns leave --- */

/* Groups of digits with one mark between them, at most four; 0: it is made otherwise. */
static size_t cut_digits(Str text, char *mark, int values[4], size_t sizes[4]) {
        size_t groups = 0;
        *mark = 0;
        memset(sizes, 0, 4 * sizeof(*sizes));
        memset(values, 0, 4 * sizeof(*values));
        for (size_t i = 0; i < text.size; i++) {
                char c = text.data[i];
                if (c >= '0' && c <= '9') {
                        values[groups] = values[groups] * 10 + (c - '0');
                        if (++sizes[groups] > 4)
                                return 0;
                        continue;
                }
                if (sizes[groups] == 0 || groups == 3 || (*mark && *mark != c) || !char_is_one_of(c, "-./:"))
                        return 0;
                *mark = c;
                groups++;
        }
        return text.size > 0 && sizes[groups] > 0 ? groups + 1 : 0;
}

static bool hint_minutes(const Str *texts, size_t count, Arena *arena, Hint *out) {
        bool short_hour = false;
        for (size_t i = 0; i < count; i++) {
                int values[4];
                size_t sizes[4];
                char mark;
                if (cut_digits(texts[i], &mark, values, sizes) != 2 || mark != ':' || sizes[0] > 2 || sizes[1] != 2 || values[0] > 23 || values[1] > 59)
                        return false;
                short_hour |= sizes[0] == 1;
        }
        if (count == 0)
                return false;
        out->what = arena_strf(arena, "values such as %.*s look like times without seconds", STR_ARG(example_of(texts[0])));
        out->how = arena_strf(arena, "text; time(%s) reads them", short_hour ? "H:mm" : "HH:mm");
        return true;
}

/* Written by a pattern that is not taken by itself: versions look like 1.3.24 too, and two readings of 3/1/24 are right. */
static bool hint_patterns(const Str *texts, size_t count, Arena *arena, Hint *out) {
        static const struct {
                const char *pattern, *type, *what;
        } odd[] = { { "d.M.yy", "date", "dates" },
                    { "M/d/yy h:mm a", "timestamp", "dates with times" },
                    { "d/M/yy h:mm a", "timestamp", "dates with times" },
                    { "M/d/yy, h:mm a", "timestamp", "dates with times" },
                    { "d/M/yy, h:mm a", "timestamp", "dates with times" },
                    { "h:mm a", "time", "times" },
                    { "h:mm:ss a", "time", "times" } };
        for (size_t i = 0; i < COUNT_OF(odd) && count > 0; i++) {
                Pattern pattern;
                Moment moment;
                Error err;
                size_t fits = 0;
                if (pattern_compile(str_of(odd[i].pattern), &pattern, &err) != STATUS_OK)
                        continue;
                while (fits < count && pattern_read(&pattern, texts[fits], &moment))
                        fits++;
                if (fits < count)
                        continue;
                out->what = arena_strf(arena, "values such as %.*s may be %s", STR_ARG(example_of(texts[0])), odd[i].what);
                out->how = arena_strf(arena, "text; the type %s(%s) reads them", odd[i].type, odd[i].pattern);
                return true;
        }
        return false;
}

/* ="00123", which a spreadsheet takes for a formula whose value is a text. */
static bool hint_formulas(const Str *texts, size_t count, Arena *arena, Hint *out) {
        for (size_t i = 0; i < count; i++)
                if (texts[i].size < 3 || !str_starts_with(texts[i], STR("=\"")) || texts[i].data[texts[i].size - 1] != '"')
                        return false;
        if (count == 0)
                return false;
        out->what = arena_strf(arena, "values such as %.*s are texts dressed as formulas for a spreadsheet", STR_ARG(example_of(texts[0])));
        out->how = STR("text with the dress; trim(name, '=\"') in a model takes it off");
        return true;
}

static bool is_day(int year, int month, int day) {
        static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
        bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        return month >= 1 && month <= 12 && day >= 1 && day <= days[month - 1] + (month == 2 && leap);
}

/* All written as dates are, and some of no day that there is: 2025-02-30. */
static bool hint_no_day(const Str *texts, size_t count, Arena *arena, Hint *out) {
        Str day = STR(""), none = STR("");
        size_t lacking = 0;
        char first = 0;
        for (size_t i = 0; i < count; i++) {
                int v[4];
                size_t sizes[4];
                char mark;
                bool three = cut_digits(texts[i], &mark, v, sizes) == 3 && mark != ':' && (first == 0 || mark == first);
                bool year_first = three && sizes[0] == 4 && sizes[1] <= 2 && sizes[2] <= 2, year_last = three && sizes[2] == 4 && sizes[0] <= 2 && sizes[1] <= 2;
                if (!year_first && !year_last)
                        return false;
                first = mark;
                bool good = year_first ? is_day(v[0], v[1], v[2]) : is_day(v[2], v[1], v[0]) || is_day(v[2], v[0], v[1]);
                *(good ? &day : &none) = texts[i];
                lacking += !good;
        }
        if (lacking == 0 || lacking * 2 > count)
                return false;
        out->what = arena_strf(arena, "dates such as %.*s, and %zu of %zu as %.*s that are no day of any calendar", STR_ARG(day), lacking, count, STR_ARG(none));
        out->how = STR("text; the type date reads the others and quarantines these");
        return true;
}

/* The word behind the number, and whether a blank stands between. False: it is no number with a word. */
static bool cut_unit(Str text, Str *unit, bool *blank) {
        size_t at = text.size;
        while (at > 0 && !(text.data[at - 1] >= '0' && text.data[at - 1] <= '9'))
                at--;
        Str number = str_slice(text, 0, at), rest = str_slice(text, at, text.size);
        *unit = str_trim(rest);
        *blank = unit->size < rest.size;
        for (size_t i = 0; i < unit->size; i++) {
                char c = unit->data[i];
                if (!(((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c & 0x80) || c == '/' || c == '.'))
                        return false;
        }
        return unit->size > 0 && unit->size < WORD_MAX && is_some_number(number);
}

static bool is_one_of(Str text, const char *const *words) {
        for (; *words; words++)
                if (str_equal_nocase(text, str_of(*words)))
                        return true;
        return false;
}

static bool hint_units(const Str *texts, size_t count, Arena *arena, Hint *out) {
        static const char *const sides[] = { "s", "h", "soll", "haben", "dr", "cr", "db", "dr.", "cr.", "debit", "credit", "d", "c", NULL };
        static const char *const known[] = { "kg", "g", "mg", "t", "lb", "lbs", "oz", "km", "m", "cm", "mm", "mi", "ft", "in", "l", "ml", "hl", "min", "kb", "mb", "gb", "kwh", "kw", "w", NULL };
        Str first = STR(""), unit;
        size_t fits = 0, marked = 0, measured = 0;
        bool blank, one = true;
        for (size_t i = 0; i < count && i - fits <= allowed(count); i++) {
                if (!cut_unit(texts[i], &unit, &blank))
                        continue;
                first = fits++ == 0 ? texts[i] : first;
                marked += is_one_of(unit, sides);
                measured += blank || is_one_of(unit, known);
                Str before;
                bool ignored;
                one &= cut_unit(first, &before, &ignored) && str_equal_nocase(before, unit);
        }
        if (count < 2 || fits == 0 || fits + allowed(count) < count)
                return false;
        if (marked == fits && measured == fits)
                out->what = arena_strf(arena, "values such as %.*s are numbers with a mark for debit or credit", STR_ARG(example_of(first)));
        else if (one && measured == fits)
                out->what = arena_strf(arena, "values such as %.*s are numbers with a unit", STR_ARG(example_of(first)));
        else
                return false;
        out->how = STR("text; a model takes the number out of them");
        return true;
}

/* The first letters of months, in small letters, that no pattern reads: those of other languages, and English ones in full. */
static bool is_month(Str word) {
        static const char *const months[] = { "january", "february", "march", "april", "june", "july", "august", "september", "october", "november", "december",
                                              "januar", "j\u00e4nner", "februar", "m\u00e4rz", "m\u00e4r", "mrz", "mai", "juni", "juli", "okt", "oktober", "dez", "dezember",
                                              "janvier", "janv", "f\u00e9vrier", "f\u00e9vr", "mars", "avril", "avr", "juin", "juillet", "juil", "ao\u00fbt", "septembre", "sept", "octobre", "novembre",
                                              "d\u00e9cembre", "d\u00e9c", "enero", "ene", "febrero", "marzo", "abril", "abr", "mayo", "junio", "julio", "agosto", "ago", "septiembre", "octubre", "noviembre",
                                              "diciembre", "dic", "gennaio", "gen", "febbraio", "aprile", "maggio", "mag", "giugno", "giu", "luglio", "lug", "settembre", "set", "ottobre", "ott", "dicembre",
                                              "januari", "februari", "maart", "mrt", "mei", "augustus", "maj", "janeiro", "fevereiro", "mar\u00e7o", "maio", "junho", "julho", "setembro", "outubro", "dezembro", NULL };
        return is_one_of(word, months);
}

static bool hint_months(const Str *texts, size_t count, Arena *arena, Hint *out) {
        size_t fits = 0, foreign = 0;
        Str example = STR("");
        for (size_t i = 0; i < count && i - fits <= allowed(count); i++) {
                Str text = texts[i], word = STR("");
                size_t digits = 0, words = 0;
                for (size_t at = 0; at < text.size && text.size <= DATE_SIZE_MAX;) {
                        size_t end = at;
                        while (end < text.size && (((text.data[end] | 0x20) >= 'a' && (text.data[end] | 0x20) <= 'z') || (text.data[end] & 0x80)))
                                end++;
                        digits += text.data[at] >= '0' && text.data[at] <= '9';
                        if (end - at > 2) {
                                word = str_slice(text, at, end);
                                words++;
                        }
                        at = end > at ? end : at + 1;
                }
                if (digits < 3 || digits > 8 || words != 1)
                        continue;
                fits++;
                foreign += is_month(word);
                example = is_month(word) ? text : example;
        }
        if (foreign == 0 || foreign * 2 < fits || fits + allowed(count) < count)
                return false;
        out->what = arena_strf(arena, "dates such as %.*s name their months in full or in another language", STR_ARG(example_of(example)));
        out->how = STR("text; patterns read MMM as Jan to Dec alone, so a model makes dates of them");
        return true;
}

bool hint_words(const Str *texts, size_t count, Arena *arena, Hint *out) {
        return hint_booleans(texts, count, arena, out) || hint_two_styles(texts, count, arena, out) || hint_units(texts, count, arena, out) ||
               hint_months(texts, count, arena, out) || hint_two_negatives(texts, count, arena, out) || hint_minutes(texts, count, arena, out) ||
               hint_no_day(texts, count, arena, out) || hint_patterns(texts, count, arena, out) || hint_formulas(texts, count, arena, out);
}
