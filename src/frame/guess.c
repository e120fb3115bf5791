/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every candidate is tried on all texts and leaves the race when too many do not fit, which for most is soon. The order
 * of candidates decides between those that fit: booleans, numbers, UUIDs, dates and timestamps, times, text. What is
 * rather the mark of a thing than a number is text before any of them is asked.
 */
#include "frame/guess.h"
#include "frame/hint.h"
#include "frame/identifier.h"
#include "frame/unseen.h"
#include "frame/usual.h"
#include "frame/xlsx_value.h"

#include "base/time.h"
#include "base/vec.h"

#define PATTERN_COUNT USUAL_PATTERN_COUNT
#define HINT_SAMPLE 500
#define WORD_COUNT USUAL_NULL_WORD_COUNT

typedef struct Guessing {
        const Format *format;
        Str name; /* of the column, or empty */
        Arena *arena;
        bool day_first;
        VEC(Str) texts; /* trimmed, unquoted, neither empty nor a word for NULL */
        size_t word_counts[WORD_COUNT];
        size_t quoted_empties;
        Pattern *patterns; /* the table, compiled */
        ColumnGuess *out;
} Guessing;

static void add_doubt(ColumnGuess *out, Str what, Str assumed) {
        if (out->doubt_count < GUESS_DOUBTS_MAX)
                out->doubts[out->doubt_count++] = (GuessDoubt){ what, assumed };
}

#define WORD_SIZE_MAX 4 /* of a word for NULL: most texts are longer */

static size_t null_word_of(Str text) {
        for (size_t i = 0; i < WORD_COUNT && text.size <= WORD_SIZE_MAX; i++) {
                if (text.data[0] == usual_null_words[i][0] && str_is(text, usual_null_words[i]))
                        return i;
        }
        return WORD_COUNT;
}

static void collect(Guessing *guessing, const Str *fields, size_t count) {
        for (size_t i = 0; i < count; i++) {
                Str bare = field_unquote(guessing->format, fields[i], guessing->arena), text = str_trim(bare);
                size_t word = text.size && !guessing->format->escapes ? null_word_of(text) : WORD_COUNT; /* a database has one word */
                bool null = field_is_null(guessing->format, fields[i]);
                if (null)
                        guessing->out->nulls++;
                else if (text.size == 0)
                        guessing->quoted_empties++;
                else if (word < WORD_COUNT)
                        guessing->word_counts[word]++;
                else
                        vec_push(guessing->arena, &guessing->texts, text);
                if (!null && text.size > 0 && guessing->out->example.data == NULL)
                        guessing->out->example = text;
        }
}

static size_t allowed_misfits(size_t count) {
        return count < 8 ? 0 : count / 8;
}

/* --- numbers --- */

typedef struct NumberStatistics {
        size_t fits, misfits;
        bool padded, plus, grouped, exponent, point;
        bool coded, reckoned; /* exponents that a code may have, such as 1E10; and such as a code has not: 1.0E10, 1E+10 */
        Str code;
        int whole, fraction, digits;
        Str misfit;
} NumberStatistics;

/* Digits, an E, digits. */
static bool is_code_like(Str text) {
        size_t letters = 0;
        for (size_t i = 0; i < text.size; i++) {
                letters += text.data[i] == 'e' || text.data[i] == 'E';
                if (char_is_one_of(text.data[i], "+-.,"))
                        return false;
        }
        return letters == 1;
}

static void survey_exponent(Str text, NumberStatistics *out) {
        out->exponent = true;
        if (!is_code_like(text)) {
                out->reckoned = true;
                return;
        }
        out->code = out->coded ? out->code : text;
        out->coded = true;
}

/* False when too many texts are none. */
static bool survey_numbers(const Guessing *guessing, char decimal, char thousands, NumberStatistics *out) {
        TypingRules rules = { .format = guessing->format, .decimal = decimal, .thousands = thousands };
        *out = (NumberStatistics){ .fits = 0 };
        for (size_t i = 0; i < guessing->texts.count; i++) {
                Str text = guessing->texts.items[i];
                NumberShape shape;
                if (guessing->format->kind == FORMAT_XLSX)
                        text = xlsx_shown(text, guessing->arena);
                if (!number_shape(&rules, text, &shape)) {
                        if (out->misfits++ == 0)
                                out->misfit = text;
                        if (out->misfits > allowed_misfits(guessing->texts.count))
                                return false;
                        continue;
                }
                out->fits++;
                out->padded |= shape.padded && shape.plain;
                out->plus |= shape.plus;
                out->grouped |= shape.grouped;
                if (shape.exponent)
                        survey_exponent(text, out);
                out->point |= !shape.plain && !shape.exponent;
                out->whole = shape.whole > out->whole ? shape.whole : out->whole;
                out->digits = shape.digits > out->digits ? shape.digits : out->digits;
                out->fraction = shape.fraction > out->fraction ? shape.fraction : out->fraction;
        }
        return out->fits > 0;
}

static bool all_fit(const Guessing *guessing, Type type, char thousands) {
        TypingRules rules = { .format = guessing->format, .decimal = '.', .thousands = thousands };
        Typing typing = { .rules = &rules, .type = type };
        for (size_t i = 0; i < guessing->texts.count; i++) {
                Str text = guessing->texts.items[i];
                Value value;
                bool null;
                NumberShape shape;
                if (guessing->format->kind == FORMAT_XLSX)
                        text = xlsx_shown(text, guessing->arena);
                if (number_shape(&rules, text, &shape) &&
                    typing_value(&typing, text, guessing->arena, &value, &null) != RULE_NONE)
                        return false;
        }
        return true;
}

static bool is_of_texts(const Guessing *guessing) {
        return guessing->format->kind == FORMAT_CSV || guessing->format->kind == FORMAT_FIXED;
}

/* Text keeps what a number would lose. */
static bool must_stay_text(const Guessing *guessing, const NumberStatistics *numbers, ColumnGuess *out) {
        bool codes = numbers->coded && !numbers->reckoned && !numbers->point && is_of_texts(guessing);
        if (numbers->padded)
                add_doubt(out, STR("some numbers begin with zeros"), STR("text, which keeps them"));
        else if (numbers->plus && !numbers->point)
                add_doubt(out, STR("some numbers begin with a plus"), STR("text, which keeps it"));
        else if (codes)
                add_doubt(out, arena_strf(guessing->arena, "values such as %.*s may be codes, or numbers with an exponent", STR_ARG(numbers->code)),
                          STR("text, which keeps codes; if they are numbers, the type is double"));
        else
                return false;
        return true;
}

static Type decimal_type(int precision, int scale) {
        return (Type){ .kind = TYPE_DECIMAL, .precision = precision, .scale = scale };
}

static bool whole_type(const Guessing *guessing, const NumberStatistics *numbers, char thousands, Type *out) {
        static const TypeKind kinds[] = { TYPE_INT, TYPE_BIGINT };
        for (size_t i = 0; i < COUNT_OF(kinds); i++) {
                *out = (Type){ .kind = kinds[i] };
                if (all_fit(guessing, *out, thousands))
                        return true;
        }
        *out = decimal_type(38, 0);
        add_doubt(guessing->out, STR("numbers of more than 18 digits"),
                  numbers->digits <= 38 ? STR("decimal(38,0), every digit kept") : STR("text"));
        return numbers->digits <= 38;
}

/* Few decimals, as money has them: exact. Many: measured values, where a double keeps all there is, up to 17 digits. */
static bool fraction_type(const Guessing *guessing, const NumberStatistics *numbers, Type *out) {
        if (!numbers->exponent && numbers->fraction <= 4 && numbers->whole <= 14) {
                *out = decimal_type(18, numbers->fraction <= 2 ? 2 : 4);
                return true;
        }
        if (numbers->digits <= 17) {
                *out = (Type){ .kind = TYPE_DOUBLE };
                return true;
        }
        bool fits = !numbers->exponent && numbers->whole + numbers->fraction <= 38;
        add_doubt(guessing->out, STR("numbers of more than 17 digits, which a double would round"),
                  fits ? STR("a decimal that keeps every digit") : STR("text"));
        *out = decimal_type(38, numbers->fraction);
        return fits;
}

#define DAYS_FROM_SPREADSHEET 25569 /* of 1970-01-01 */

static bool is_named_date(Str name) {
        static const char *const words[] = { "date", "dates", "datum", "day", "tag", "dat", "dt", "fecha", "budat", "bldat", "*datum", "*date", "*dat", "jour", "dia", NULL };
        return name_has_word(name, words);
}

/* Five digits at the beginning, and no more of them. */
static bool is_day_number(Str text) {
        for (size_t i = 0; i < 5; i++)
                if (i >= text.size || text.data[i] < '0' || text.data[i] > '9')
                        return false;
        return text.size == 5 || text.data[5] == '.' || text.data[5] == ',';
}

static bool are_between(const Guessing *guessing, double least, double most) {
        TypingRules rules = { .format = guessing->format, .decimal = guessing->format->decimal == ',' ? ',' : '.' };
        Typing typing = { .rules = &rules, .type = { .kind = TYPE_DOUBLE } };
        for (size_t i = 0; i < guessing->texts.count; i++) {
                Value value;
                bool null;
                if (typing_value(&typing, guessing->texts.items[i], guessing->arena, &value, &null) != RULE_NONE || value.number < least || value.number > most)
                        return false;
        }
        return true;
}

static Pattern compiled(const char *text) {
        Pattern pattern;
        Error err;
        if (pattern_compile(str_of(text), &pattern, &err) != STATUS_OK)
                panic("%s", err.message);
        return pattern;
}

/* 20260105: eight digits each that are a day. */
static bool are_days(const Guessing *guessing) {
        Pattern pattern = compiled("yyyyMMdd");
        for (size_t i = 0; i < guessing->texts.count; i++) {
                Moment moment;
                int year, month, day;
                if (guessing->texts.items[i].size != 8 || !pattern_read(&pattern, guessing->texts.items[i], &moment))
                        return false;
                civil_from_days(moment.days, &year, &month, &day);
                if (year < 1900 || year > 2100)
                        return false;
        }
        return true;
}

/* Numbers that may be days: eight digits are, where the name says so; of days that a spreadsheet counted it is only spoken. */
static void doubt_days(const Guessing *guessing, bool whole) {
        ColumnGuess *out = guessing->out;
        Str first = guessing->texts.items[0];
        bool named = is_named_date(guessing->name);
        if (whole && is_of_texts(guessing) && are_days(guessing)) {
                if (named) {
                        out->type = (Type){ .kind = TYPE_DATE };
                        out->dates[out->date_count++] = STR("yyyyMMdd");
                        out->decimal = 0;
                }
                add_doubt(out, arena_strf(guessing->arena, "values such as %.*s may be dates or numbers", STR_ARG(first)),
                          named ? STR("dates, yyyyMMdd") : STR("numbers; if they are dates, the type is date, with dates: [yyyyMMdd]"));
        } else if (named && is_day_number(first) && are_between(guessing, 20000, 80000)) {
                int days = 0;
                for (size_t i = 0; i < 5; i++)
                        days = days * 10 + (first.data[i] - '0');
                add_doubt(out,
                          arena_strf(guessing->arena, "values such as %.*s may be days as a spreadsheet counts them, %.*s", STR_ARG(first),
                                     STR_ARG(date_print(guessing->arena, days - DAYS_FROM_SPREADSHEET))),
                          STR("numbers; as days they are date '1899-12-30' + the number, in a model"));
        }
}

/* What is no number in a decimal may be one in a double: NaN and infinity. */
static void recount_misfits(const Guessing *guessing) {
        TypingRules rules = { .format = guessing->format, .decimal = guessing->out->decimal, .thousands = guessing->out->thousands };
        Typing typing = { .rules = &rules, .type = { .kind = TYPE_DOUBLE } };
        guessing->out->misfits = 0;
        for (size_t i = 0; i < guessing->texts.count; i++) {
                Value value;
                bool null;
                if (typing_value(&typing, guessing->texts.items[i], guessing->arena, &value, &null) != RULE_NONE && guessing->out->misfits++ == 0)
                        guessing->out->misfit = guessing->texts.items[i];
        }
}

static bool try_numbers(const Guessing *guessing, char decimal, char thousands) {
        NumberStatistics numbers;
        ColumnGuess *out = guessing->out;
        if (!survey_numbers(guessing, decimal, thousands, &numbers) || (thousands && !numbers.grouped))
                return false;
        out->misfits = (int64_t)numbers.misfits;
        out->misfit = numbers.misfit;
        out->type = (Type){ .kind = TYPE_TEXT };
        Type type;
        bool whole = !numbers.point && !numbers.exponent;
        if (must_stay_text(guessing, &numbers, out) ||
            !(whole ? whole_type(guessing, &numbers, thousands, &type) : fraction_type(guessing, &numbers, &type))) {
                out->misfits = 0;
                return true;
        }
        out->type = type;
        out->thousands = thousands;
        out->decimal = whole && !thousands ? 0 : decimal;
        if (type.kind == TYPE_DOUBLE && out->misfits > 0)
                recount_misfits(guessing);
        if (out->misfits == 0 && !thousands)
                doubt_days(guessing, whole);
        return true;
}

static bool guess_number(const Guessing *guessing) {
        static const char styles[][2] = { { '.', 0 },    { ',', 0 },   { '.', ',' },  { ',', '.' },
                                          { '.', '\'' }, { ',', ' ' }, { ',', '\'' }, { '.', ' ' }, { '.', THOUSANDS_INDIAN } };
        const Format *format = guessing->format;
        /* in a workbook numbers are cells, and texts that look like some are only spoken of */
        bool thousands_are_known = format->decimal && format->kind != FORMAT_XLSX;
        for (size_t i = 0; i < COUNT_OF(styles); i++) {
                if (format->decimal && format->decimal != styles[i][0])
                        continue;
                if (thousands_are_known && styles[i][1] && styles[i][1] != format->thousands)
                        continue;
                if (try_numbers(guessing, styles[i][0], styles[i][1]))
                        return true;
        }
        return false;
}

/* --- dates --- */

typedef struct DateStatistics {
        size_t fits, times, offsets;
        Str misfit;
} DateStatistics;

static bool read_by(const Pattern *pattern, Str text, Moment *out) {
        return pattern_read(pattern, text, out) || pattern_read_long(pattern, text, out);
}

static DateStatistics survey_dates(const Guessing *guessing, const Pattern *pattern, size_t most_misfits) {
        DateStatistics found = { .fits = 0 };
        size_t misfits = 0;
        for (size_t i = 0; i < guessing->texts.count && misfits <= most_misfits; i++) {
                Moment moment;
                if (!read_by(pattern, guessing->texts.items[i], &moment)) {
                        if (misfits++ == 0)
                                found.misfit = guessing->texts.items[i];
                        continue;
                }
                found.fits++;
                found.times += moment.has_time;
                found.offsets += moment.has_offset;
        }
        return found;
}

static void compile_patterns(Guessing *guessing) {
        Error err;
        guessing->patterns = ARENA_ARRAY(guessing->arena, Pattern, PATTERN_COUNT);
        for (size_t i = 0; i < PATTERN_COUNT; i++) {
                if (pattern_compile(str_of(usual_patterns[i].text), &guessing->patterns[i], &err) != STATUS_OK)
                        panic("%s", err.message);
        }
}

#define PATTERN_SAMPLE 128

/* Whether it reads any of some texts from everywhere: one that reads most of all does, and most patterns read none. */
static bool may_fit(const Guessing *guessing, const Pattern *pattern) {
        size_t count = guessing->texts.count, some = count < PATTERN_SAMPLE ? count : PATTERN_SAMPLE;
        Moment moment;
        for (size_t i = 0; i < some; i++)
                if (read_by(pattern, guessing->texts.items[i * count / some], &moment))
                        return true;
        return false;
}

/* The pattern that fits most; of twins that fit alike, the one whose order is preferred. */
static size_t best_pattern(const Guessing *guessing, DateStatistics *out, bool *out_tie) {
        const Pattern *all = guessing->patterns;
        DateStatistics found[PATTERN_COUNT];
        size_t best = PATTERN_COUNT;
        for (size_t i = 0; i < PATTERN_COUNT; i++) {
                found[i] = (DateStatistics){ .fits = 0 };
                if (may_fit(guessing, &all[i]))
                        found[i] = survey_dates(guessing, &all[i], guessing->texts.count / 2);
                if (found[i].fits > (best < PATTERN_COUNT ? found[best].fits : 0))
                        best = i;
        }
        *out_tie = false;
        if (best == PATTERN_COUNT)
                return best;
        int twin = usual_patterns[best].twin;
        if (twin >= 0 && found[twin].fits == found[best].fits) {
                *out_tie = true;
                if (!guessing->day_first)
                        best = (size_t)twin;
        }
        *out = found[best];
        return best;
}

/* Another pattern for the texts that the first does not read, if it clashes with nothing. */
static size_t second_pattern(const Guessing *guessing, size_t first, size_t *out_fits) {
        const Pattern *all = guessing->patterns;
        size_t best = PATTERN_COUNT;
        *out_fits = 0;
        for (size_t i = 0; i < PATTERN_COUNT; i++) {
                Str pair[] = { str_of(usual_patterns[first].text), str_of(usual_patterns[i].text) };
                Format both = *guessing->format;
                both.dates = (StrList){ pair, 2 };
                Error err;
                if (i == first || (int)i == usual_patterns[first].twin || format_check_dates(&both, &err) != STATUS_OK)
                        continue;
                size_t fits = 0;
                for (size_t j = 0; j < guessing->texts.count; j++) {
                        Moment moment;
                        fits += !read_by(&all[first], guessing->texts.items[j], &moment) &&
                                read_by(&all[i], guessing->texts.items[j], &moment);
                }
                if (fits > *out_fits) {
                        *out_fits = fits;
                        best = i;
                }
        }
        return best;
}

static void doubt_order(const Guessing *guessing, size_t pattern) {
        Moment moment;
        Str example = guessing->texts.items[0];
        guessing->out->unsure = true;
        for (size_t i = 0; i < guessing->texts.count; i++) {
                example = guessing->texts.items[i];
                if (read_by(&guessing->patterns[pattern], example, &moment))
                        break;
        }
        add_doubt(guessing->out,
                  arena_strf(guessing->arena,
                             "dates such as %.*s can be read with the day or the month first, and "
                             "no value tells which",
                             STR_ARG(example)),
                  arena_strf(guessing->arena, "%s: the %s is first", usual_patterns[pattern].text,
                             guessing->day_first ? "day" : "month"));
}

#define YEARS_AHEAD 10       /* beyond which a year of two digits is rather of the last century */
#define YEARS_AHEAD_FULL 100 /* and one of four stands for "never" */

static bool is_named_birth(Str name) {
        static const char *const words[] = { "birth", "birthday", "birthdate", "born", "dob", "geb", "gebdat", "geburt", "geburtsdatum", "geburtstag", "naissance", "nacimiento", "nascita", NULL };
        return name_has_word(name, words);
}

/* Years of two digits stand for others than they may mean, and some dates are none. */
static void doubt_years(const Guessing *guessing, size_t pattern) {
        Str text = str_of(usual_patterns[pattern].text), last = STR(""), first = STR("");
        bool two = str_find(text, STR("yy")) < text.size && str_find(text, STR("yyyy")) == text.size;
        int now, month, day, latest = 0, earliest = 10000;
        civil_from_days((int32_t)(time_now_us() / 86400000000), &now, &month, &day);
        for (size_t i = 0; i < guessing->texts.count; i++) {
                Moment moment;
                int year;
                if (!read_by(&guessing->patterns[pattern], guessing->texts.items[i], &moment))
                        continue;
                civil_from_days(moment.days, &year, &month, &day);
                last = year > latest ? guessing->texts.items[i] : last;
                first = year < earliest ? guessing->texts.items[i] : first;
                latest = year > latest ? year : latest;
                earliest = year < earliest ? year : earliest;
        }
        if (two && (latest > now + YEARS_AHEAD || (earliest < 2000 && latest >= 2000) || is_named_birth(guessing->name)))
                add_doubt(guessing->out,
                          arena_strf(guessing->arena, "years of two digits: %.*s is %d, and %.*s is %d", STR_ARG(first), earliest, STR_ARG(last), latest),
                          STR("1970 to 2069; if others are meant, a model moves them by a century"));
        else if (!two && latest > now + YEARS_AHEAD_FULL)
                add_doubt(guessing->out, arena_strf(guessing->arena, "dates such as %.*s are far in the future", STR_ARG(last)),
                          STR("dates; if they stand for none, name them in 'nulls'"));
}

static bool guess_date(const Guessing *guessing) {
        DateStatistics found;
        bool tie;
        size_t count = guessing->texts.count, best = best_pattern(guessing, &found, &tie);
        if (best == PATTERN_COUNT || found.fits * 2 <= count)
                return false;
        ColumnGuess *out = guessing->out;
        size_t misfits = count - found.fits, extra = 0, second = PATTERN_COUNT;
        if (misfits > 1)
                second = second_pattern(guessing, best, &extra);
        if (extra > 1)
                misfits -= extra;
        if (misfits > allowed_misfits(count))
                return false;
        if (found.offsets > 0 && found.offsets < found.fits) {
                add_doubt(out, STR("some times say their offset from UTC and some do not"), STR("text"));
                return false;
        }
        out->type.kind = found.offsets ? TYPE_TIMESTAMPTZ : found.times ? TYPE_TIMESTAMP : TYPE_DATE;
        out->iso = best == 0;
        out->dates[out->date_count++] = str_of(usual_patterns[best].text);
        if (extra > 1)
                out->dates[out->date_count++] = str_of(usual_patterns[second].text);
        if (out->iso && out->date_count == 1)
                out->date_count = 0;
        out->misfits = (int64_t)misfits;
        out->misfit = found.misfit;
        if (tie)
                doubt_order(guessing, best);
        doubt_years(guessing, best);
        if (extra > 1)
                add_doubt(out, STR("dates in two formats"),
                          arena_strf(guessing->arena, "%s, and %s where that does not fit", usual_patterns[best].text,
                                     usual_patterns[second].text));
        if (out->type.kind == TYPE_TIMESTAMP)
                add_doubt(out, STR("times say no zone"), STR("timestamp, without a zone"));
        return true;
}

/* --- the rest --- */

static bool try_type(const Guessing *guessing, TypeKind kind) {
        static Str trues[] = { { "true", 4 }, { "t", 1 } }, falses[] = { { "false", 5 }, { "f", 1 } };
        Format format = format_default();
        format.true_words = (StrList){ trues, COUNT_OF(trues) };
        format.false_words = (StrList){ falses, COUNT_OF(falses) };
        TypingRules rules = { .format = &format, .decimal = '.' };
        Typing typing = { .rules = &rules, .type = { .kind = kind } };
        size_t misfits = 0, most = allowed_misfits(guessing->texts.count);
        for (size_t i = 0; i < guessing->texts.count; i++) {
                Value value;
                bool null;
                if (typing_value(&typing, guessing->texts.items[i], guessing->arena, &value, &null) == RULE_NONE)
                        continue;
                if (misfits++ == 0)
                        guessing->out->misfit = guessing->texts.items[i];
                if (misfits > most)
                        return false;
        }
        guessing->out->misfits = (int64_t)misfits;
        guessing->out->type = (Type){ .kind = kind };
        return true;
}

/* T and F are words for true and false where both occur, and nothing else does. */
static bool are_letters(const Guessing *guessing) {
        size_t trues = 0, falses = 0, all = guessing->texts.count;
        for (size_t i = 0; i < all; i++) {
                trues += str_equal_nocase(guessing->texts.items[i], STR("t"));
                falses += str_equal_nocase(guessing->texts.items[i], STR("f"));
        }
        if (trues + falses == 0 || (trues > 0 && falses > 0 && trues + falses == all))
                return false;
        return trues + falses + allowed_misfits(all) >= all;
}

static bool stays_letters(const Guessing *guessing) {
        if (!are_letters(guessing))
                return false;
        add_doubt(guessing->out, arena_strf(guessing->arena, "values such as %.*s may be words for true and false, or letters", STR_ARG(guessing->texts.items[0])),
                  STR("text; if they are words, the type is boolean"));
        return true;
}

static bool stays_identifier(const Guessing *guessing) {
        Str what;
        if (!is_of_texts(guessing) || !identifier_find(guessing->name, guessing->texts.items, guessing->texts.count, guessing->arena, &what))
                return false;
        add_doubt(guessing->out, what, STR("text, which keeps them as they are written; if they are amounts, give the column a number's type"));
        return true;
}

static bool find_hint(const Guessing *guessing, const Str *texts, size_t count, Hint *out) {
        return hint_numbers(guessing->format, texts, count, guessing->arena, out) ||
               hint_dates(guessing->format, guessing->patterns, texts, count, guessing->arena, out) || hint_words(texts, count, guessing->arena, out);
}

/* Words for NULL are texts in a column of text: whoever gives it the type that was told must give it these as well. */
static Str with_null_words(const Guessing *guessing, Str how) {
        CLEANUP(buf_deinit) Buf out = { 0 };
        buf_append(&out, how);
        bool any = false;
        for (size_t i = 1; i < WORD_COUNT; i++) {
                if (guessing->word_counts[i] == 0)
                        continue;
                bool plain = usual_null_words[i][0] != '"' && !strpbrk(usual_null_words[i], "|()'., ");
                buf_printf(&out, plain ? "%s%s" : "%s\"%s\"", any ? " | " : ", and behind the type nulls(", usual_null_words[i]);
                any = true;
        }
        buf_append_cstr(&out, any ? ")" : "");
        return any ? buf_dup(&out, guessing->arena) : how;
}

/* What looks like numbers or dates and is text says what would read it. Some of many texts are asked first. */
static void give_hint(const Guessing *guessing) {
        FormatKind kind = guessing->format->kind;
        size_t count = guessing->texts.count;
        Hint hint;
        if (guessing->out->doubt_count > 0 || guessing->format->decimal == 0 || kind == FORMAT_JSON || kind == FORMAT_JSONL)
                return;
        if (count > HINT_SAMPLE) {
                Str *some = ARENA_ARRAY(guessing->arena, Str, HINT_SAMPLE);
                for (size_t i = 0; i < HINT_SAMPLE; i++)
                        some[i] = guessing->texts.items[i * count / HINT_SAMPLE];
                if (!find_hint(guessing, some, HINT_SAMPLE, &hint))
                        return;
        }
        if (find_hint(guessing, guessing->texts.items, count, &hint))
                add_doubt(guessing->out, hint.what, with_null_words(guessing, hint.how));
}

static void choose_type(Guessing *guessing) {
        if (guessing->texts.count == 0 || stays_letters(guessing) || stays_identifier(guessing))
                return;
        if (try_type(guessing, TYPE_BOOLEAN) || guess_number(guessing) || try_type(guessing, TYPE_UUID))
                return;
        compile_patterns(guessing);
        if (guess_date(guessing) || try_type(guessing, TYPE_TIME))
                return;
        guessing->out->misfits = 0;
        guessing->out->misfit = STR_NONE;
        give_hint(guessing);
}

/* In text only \N is surely no text; in other types every such word is. */
static void take_nulls(const Guessing *guessing) {
        ColumnGuess *out = guessing->out;
        bool text = out->type.kind == TYPE_TEXT;
        for (size_t i = 0; i < WORD_COUNT; i++) {
                if (guessing->word_counts[i] == 0 || (text && i > 0))
                        continue;
                out->nulls += (int64_t)guessing->word_counts[i];
                if (out->null_count < COUNT_OF(out->null_words))
                        out->null_words[out->null_count++] = str_of(usual_null_words[i]);
        }
        if (!text && guessing->quoted_empties > 0) {
                out->empty_is_null = true;
                out->nulls += (int64_t)guessing->quoted_empties;
        }
}

void guess_evidence(const Format *format, Str name, const Str *fields, size_t count, Arena *arena, NumberEvidence *out) {
        ColumnGuess unused = { .nulls = 0 };
        Guessing guessing = { .format = format, .name = name, .arena = arena, .out = &unused };
        collect(&guessing, fields, count);
        *out = (NumberEvidence){ .blanks = 0 };
        if (guessing.texts.count > 0 && stays_identifier(&guessing))
                return;
        number_evidence(guessing.texts.items, guessing.texts.count, out);
}

static void doubt_unseen(const Guessing *guessing) {
        size_t count = 0;
        Str first = STR_NONE;
        for (size_t i = 0; i < guessing->texts.count; i++)
                if (unseen_at_edge(guessing->texts.items[i]) && count++ == 0)
                        first = guessing->texts.items[i];
        if (count > 0)
                add_doubt(guessing->out, unseen_words(guessing->arena, count, first), STR(UNSEEN_ASSUMED));
}

void guess_column(const Format *format, const Str *fields, size_t count, bool day_first, Arena *arena,
                  ColumnGuess *out) {
        guess_named(format, STR(""), fields, count, day_first, arena, out);
}

void guess_named(const Format *format, Str name, const Str *fields, size_t count, bool day_first, Arena *arena, ColumnGuess *out) {
        *out = (ColumnGuess){ .type = { .kind = TYPE_TEXT } };
        Guessing guessing = { .format = format, .name = name, .arena = arena, .day_first = day_first, .out = out };
        collect(&guessing, fields, count);
        if (guessing.texts.count > 0) /* rather than a word for NULL that came first */
                out->example = guessing.texts.items[0];
        choose_type(&guessing);
        take_nulls(&guessing);
        doubt_unseen(&guessing);
        if (guessing.texts.count == 0)
                add_doubt(out, STR("no value in what was looked at"), STR("text"));
        if (out->misfits > 0)
                add_doubt(out,
                          arena_strf(arena, "%lld of %zu values do not fit, such as '%.*s'", (long long)out->misfits,
                                     guessing.texts.count, (int)(out->misfit.size < 40 ? out->misfit.size : 40),
                                     out->misfit.data),
                          STR("they go to quarantine"));
}
