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

static bool reads_numbers(const Format *format, const Str *texts, size_t count, Arena *arena) {
        TypingRules rules = { .format = format, .decimal = format->decimal, .thousands = format->thousands, .dressed = true };
        Typing typing = { .rules = &rules, .type = { .kind = TYPE_DOUBLE } };
        size_t misfits = 0;
        for (size_t i = 0; i < count && misfits <= allowed(count); i++) {
                Value value;
                bool null;
                misfits += typing_value(&typing, texts[i], arena, &value, &null) != RULE_NONE;
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

/* The keys that the texts need beyond what the format says already. */
static Str keys_of(const Format *format, const Format *needed, const Str *texts, size_t count, Arena *arena) {
        CLEANUP(buf_deinit) Buf out = { 0 };
        for (size_t i = 0; i < COUNT_OF(currencies); i++) {
                if (any_has(texts, count, currencies[i])) {
                        buf_printf(&out, ", currency: [\"%.*s\"]", STR_ARG(currencies[i]));
                        break;
                }
        }
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

static Str first_dressed(const Str *texts, size_t count) {
        for (size_t i = 0; i < count; i++) {
                for (size_t k = 0; k < texts[i].size; k++) {
                        if (!strchr("0123456789.,+-", texts[i].data[k]))
                                return texts[i];
                }
        }
        return texts[0];
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
                        if (!reads_numbers(&tried, texts, count, arena))
                                continue;
                        Str keys = keys_of(format, &tried, texts, count, arena);
                        if (keys.size == 0)
                                return false;
                        out->what = arena_strf(arena, "values such as %.*s look like numbers", STR_ARG(example_of(first_dressed(texts, count))));
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
