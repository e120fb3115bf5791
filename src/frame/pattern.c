/* SPDX-License-Identifier: Apache-2.0 */
#include "frame/pattern.h"

#include "base/time.h"

#define PATTERN_LITERAL 255
#define DAY_US 86400000000ll

/* What a pattern has read so far. */
typedef struct Parts {
        int year, month, day, hour, minute, second;
        int64_t fraction; /* microseconds */
        int half;         /* 0 none, 1 AM, 2 PM */
        bool half_hours;  /* the hour is one of 12 */
        bool has_offset;
        int32_t offset;
} Parts;

typedef enum Unit { YEAR, MONTH, DAY, HOUR, MINUTE, SECOND, FRACTION, HALF, OFFSET } Unit;

/* A reader takes its part from the front of text, or says no. */
typedef bool (*PartReader)(Str *text, Parts *parts);

static bool take_digits(Str *text, size_t least, size_t most, int *out) {
        size_t size = 0;
        int value = 0;
        while (size < most && size < text->size && text->data[size] >= '0' && text->data[size] <= '9')
                value = value * 10 + (text->data[size++] - '0');
        if (size < least)
                return false;
        *text = str_slice(*text, size, text->size);
        *out = value;
        return true;
}

static bool take_year4(Str *text, Parts *parts) {
        return take_digits(text, 4, 4, &parts->year);
}
static bool take_year2(Str *text, Parts *parts) {
        if (!take_digits(text, 2, 2, &parts->year))
                return false;
        parts->year += parts->year < 70 ? 2000 : 1900;
        return true;
}
static bool take_month2(Str *text, Parts *parts) {
        return take_digits(text, 2, 2, &parts->month);
}
static bool take_month1(Str *text, Parts *parts) {
        return take_digits(text, 1, 2, &parts->month);
}
static bool take_day2(Str *text, Parts *parts) {
        return take_digits(text, 2, 2, &parts->day);
}
static bool take_day1(Str *text, Parts *parts) {
        return take_digits(text, 1, 2, &parts->day);
}
static bool take_hour2(Str *text, Parts *parts) {
        return take_digits(text, 2, 2, &parts->hour);
}
static bool take_hour1(Str *text, Parts *parts) {
        return take_digits(text, 1, 2, &parts->hour);
}
static bool take_half2(Str *text, Parts *parts) {
        parts->half_hours = true;
        return take_digits(text, 2, 2, &parts->hour);
}
static bool take_half1(Str *text, Parts *parts) {
        parts->half_hours = true;
        return take_digits(text, 1, 2, &parts->hour);
}
static bool take_minute(Str *text, Parts *parts) {
        return take_digits(text, 2, 2, &parts->minute);
}
static bool take_second(Str *text, Parts *parts) {
        return take_digits(text, 2, 2, &parts->second);
}

static bool take_fraction(Str *text, Parts *parts) {
        int value, scale = 6;
        size_t before = text->size;
        if (!take_digits(text, 1, 6, &value))
                return false;
        for (scale -= (int)(before - text->size); scale > 0; scale--)
                value *= 10;
        while (text->size > 0 && text->data[0] == '0') /* digits that say nothing */
                *text = str_slice(*text, 1, text->size);
        parts->fraction = value;
        return true;
}

static bool take_month_name(Str *text, Parts *parts) {
        static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
        for (int i = 0; i < 12; i++) {
                if (!str_equal_nocase(str_slice(*text, 0, 3), (Str){ names + i * 3, 3 }))
                        continue;
                parts->month = i + 1;
                *text = str_slice(*text, 3, text->size);
                return true;
        }
        return false;
}

static bool take_half(Str *text, Parts *parts) {
        Str word = str_slice(*text, 0, 2);
        parts->half = str_equal_nocase(word, STR("am")) ? 1 : str_equal_nocase(word, STR("pm")) ? 2 : 0;
        *text = str_slice(*text, 2, text->size);
        return parts->half != 0;
}

/* Z, +hh, +hhmm or +hh:mm */
static bool take_offset(Str *text, Parts *parts) {
        if (text->size == 0)
                return false;
        char sign = text->data[0];
        *text = str_slice(*text, 1, text->size);
        parts->has_offset = true;
        parts->offset = 0;
        if (sign == 'Z' || sign == 'z')
                return true;
        int hours, minutes = 0;
        if ((sign != '+' && sign != '-') || !take_digits(text, 2, 2, &hours))
                return false;
        if (text->size > 0 && text->data[0] == ':')
                *text = str_slice(*text, 1, text->size);
        if (text->size > 0 && !take_digits(text, 2, 2, &minutes))
                return false;
        parts->offset = (hours * 60 + minutes) * 60 * (sign == '-' ? -1 : 1);
        return hours <= 15 && minutes <= 59;
}

/* longer spellings before shorter ones of the same letter */
static const struct {
        const char *letters;
        PartReader take;
        Unit unit;
} part_table[] = {
        { "yyyy", take_year4, YEAR },
        { "yy", take_year2, YEAR },
        { "MMM", take_month_name, MONTH },
        { "MM", take_month2, MONTH },
        { "M", take_month1, MONTH },
        { "dd", take_day2, DAY },
        { "d", take_day1, DAY },
        { "HH", take_hour2, HOUR },
        { "H", take_hour1, HOUR },
        { "hh", take_half2, HOUR },
        { "h", take_half1, HOUR },
        { "mm", take_minute, MINUTE },
        { "ss", take_second, SECOND },
        { "SSSSSS", take_fraction, FRACTION },
        { "SSSSS", take_fraction, FRACTION },
        { "SSSS", take_fraction, FRACTION },
        { "SSS", take_fraction, FRACTION },
        { "SS", take_fraction, FRACTION },
        { "S", take_fraction, FRACTION },
        { "a", take_half, HALF },
        { "XXX", take_offset, OFFSET },
};

static Status add_step(Pattern *pattern, uint8_t part, char literal, Str text, Error *err) {
        if (pattern->count == PATTERN_STEPS_MAX)
                return error_set(err, STATUS_BAD_VALUE, "date pattern '%.*s' is too long", STR_ARG(text));
        pattern->steps[pattern->count++] = (PatternStep){ part, literal };
        return STATUS_OK;
}

static bool is_letter(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The part whose letters are exactly the run of one letter at the front of text. */
static Status find_part(Str rest, Str text, uint8_t *out_part, size_t *out_size, Error *err) {
        size_t run = 1;
        while (run < rest.size && rest.data[run] == rest.data[0])
                run++;
        for (size_t i = 0; i < COUNT_OF(part_table); i++) {
                if (!str_is(str_slice(rest, 0, run), part_table[i].letters))
                        continue;
                *out_part = (uint8_t)i;
                *out_size = run;
                return STATUS_OK;
        }
        error_set(err, STATUS_BAD_VALUE, "date pattern '%.*s': '%.*s' means nothing", STR_ARG(text), (int)run,
                  rest.data);
        return error_hint(err,
                          "the letters are yyyy yy MMM MM M dd d HH H hh h mm ss S a XXX; other text goes in single "
                          "quotes; for example dd/MM/yyyy HH:mm");
}

/* `dM` reads 111 in two ways, and nothing says where `S` ends: a number of any length needs something else behind it. */
static Status check_ends(const Pattern *pattern, Str text, Error *err) {
        for (size_t i = 0; i + 1 < pattern->count; i++) {
                uint8_t part = pattern->steps[i].part, next = pattern->steps[i + 1].part;
                bool digit = next == PATTERN_LITERAL
                                     ? pattern->steps[i + 1].literal >= '0' && pattern->steps[i + 1].literal <= '9'
                                     : part_table[next].unit <= FRACTION && part_table[next].take != take_month_name;
                if (part == PATTERN_LITERAL || !digit)
                        continue;
                if (part_table[part].unit == FRACTION || strlen(part_table[part].letters) == 1)
                        return error_set(err, STATUS_BAD_VALUE,
                                         "date pattern '%.*s': digits follow '%s', so nothing says where it ends",
                                         STR_ARG(text), part_table[part].letters);
        }
        return STATUS_OK;
}

static Status add_quoted(Pattern *pattern, Str text, size_t *at, Error *err) {
        size_t end = *at + 1;
        while (end < text.size && text.data[end] != '\'')
                TRY(add_step(pattern, PATTERN_LITERAL, text.data[end++], text, err));
        if (end == text.size)
                return error_set(err, STATUS_BAD_VALUE, "date pattern '%.*s': a single quote is not closed",
                                 STR_ARG(text));
        *at = end + 1;
        return STATUS_OK;
}

static Status check_units(Pattern *pattern, unsigned seen, Str text, Error *err) {
        unsigned date = seen & (1u << YEAR | 1u << MONTH | 1u << DAY);
        pattern->date = date != 0;
        pattern->time = (seen & 1u << HOUR) != 0;
        pattern->offset = (seen & 1u << OFFSET) != 0;
        if (pattern->date && date != (1u << YEAR | 1u << MONTH | 1u << DAY)) {
                error_set(err, STATUS_BAD_VALUE, "date pattern '%.*s' needs year, month and day", STR_ARG(text));
                if (seen & 1u << MINUTE && !(seen & 1u << MONTH))
                        return error_hint(err, "the month is MM; mm is minutes");
                return error_hint(err, "for example yyyy-MM-dd, dd/MM/yyyy or d MMM yy");
        }
        if (pattern->time != ((seen & 1u << MINUTE) != 0) || (!pattern->time && (seen & ~date)))
                return error_set(err, STATUS_BAD_VALUE, "date pattern '%.*s': a time needs hour and minute",
                                 STR_ARG(text));
        if (!pattern->date && !pattern->time)
                return error_set(err, STATUS_BAD_VALUE, "date pattern '%.*s' reads neither date nor time",
                                 STR_ARG(text));
        return STATUS_OK;
}

Status pattern_compile(Str text, Pattern *out, Error *err) {
        Pattern pattern = { .count = 0 };
        unsigned seen = 0;
        for (size_t at = 0; at < text.size;) {
                char c = text.data[at];
                if (c == '\'') {
                        TRY(add_quoted(&pattern, text, &at, err));
                        continue;
                }
                if (!is_letter(c) || c == 'T') {
                        TRY(add_step(&pattern, PATTERN_LITERAL, c, text, err));
                        at++;
                        continue;
                }
                uint8_t part;
                size_t size;
                TRY(find_part(str_slice(text, at, text.size), text, &part, &size, err));
                if (seen & 1u << part_table[part].unit)
                        return error_set(err, STATUS_BAD_VALUE, "date pattern '%.*s' says one part twice: '%.*s'",
                                         STR_ARG(text), (int)size, text.data + at);
                seen |= 1u << part_table[part].unit;
                TRY(add_step(&pattern, part, 0, text, err));
                at += size;
        }
        TRY(check_units(&pattern, seen, text, err));
        TRY(check_ends(&pattern, text, err));
        *out = pattern;
        return STATUS_OK;
}

static bool hour_of(const Parts *parts, int *out) {
        if (!parts->half_hours) {
                *out = parts->hour;
                return parts->hour <= 23;
        }
        if (parts->hour < 1 || parts->hour > 12)
                return false;
        *out = parts->hour % 12 + (parts->half == 2 ? 12 : 0);
        return true;
}

static bool day_micros(const Parts *parts, int64_t *out) {
        int hour;
        if (!hour_of(parts, &hour) || parts->minute > 59 || parts->second > 59)
                return false;
        *out = ((hour * 60ll + parts->minute) * 60 + parts->second) * 1000000 + parts->fraction;
        return true;
}

/* Takes what the pattern says from the front of text. */
static bool take_pattern(const Pattern *pattern, Str *text, Moment *out) {
        Parts parts = { .year = 1970, .month = 1, .day = 1 };
        for (size_t i = 0; i < pattern->count; i++) {
                PatternStep step = pattern->steps[i];
                if (step.part != PATTERN_LITERAL) {
                        if (!part_table[step.part].take(text, &parts))
                                return false;
                        continue;
                }
                if (text->size == 0 || text->data[0] != step.literal)
                        return false;
                *text = str_slice(*text, 1, text->size);
        }
        int64_t micros;
        if (!civil_valid(parts.year, parts.month, parts.day) || !day_micros(&parts, &micros))
                return false;
        *out = (Moment){ days_from_civil(parts.year, parts.month, parts.day), micros, pattern->time, parts.has_offset,
                         parts.offset };
        return true;
}

bool pattern_read(const Pattern *pattern, Str text, Moment *out) {
        Moment moment;
        if (!take_pattern(pattern, &text, &moment) || text.size > 0)
                return false;
        *out = moment;
        return true;
}

Str pattern_print(const Pattern *pattern, const int date_time[6], Arena *arena) {
        static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
        Str text = STR("");
        for (size_t i = 0; i < pattern->count; i++) {
                PatternStep step = pattern->steps[i];
                if (step.part == PATTERN_LITERAL) {
                        text = arena_strf(arena, "%.*s%c", STR_ARG(text), step.literal);
                        continue;
                }
                Unit unit = part_table[step.part].unit;
                int width = (int)strlen(part_table[step.part].letters);
                if (unit == MONTH && width == 3)
                        text = arena_strf(arena, "%.*s%.3s", STR_ARG(text), months + (date_time[1] - 1) * 3);
                else if (unit <= SECOND)
                        text = arena_strf(arena, "%.*s%0*d", STR_ARG(text), width,
                                          unit == YEAR && width == 2 ? date_time[0] % 100 : date_time[unit]);
                else
                        text = arena_strf(arena, "%.*s%s", STR_ARG(text),
                                          unit == FRACTION ? "0"
                                          : unit == HALF   ? "AM"
                                                           : "Z");
        }
        return text;
}

static bool take_iso_time(Str *text, Parts *parts) {
        if (!take_hour2(text, parts) || text->size == 0 || text->data[0] != ':')
                return false;
        *text = str_slice(*text, 1, text->size);
        if (!take_minute(text, parts))
                return false;
        if (text->size == 0 || text->data[0] != ':')
                return true;
        *text = str_slice(*text, 1, text->size);
        if (!take_second(text, parts))
                return false;
        if (text->size == 0 || (text->data[0] != '.' && text->data[0] != ','))
                return true;
        *text = str_slice(*text, 1, text->size);
        return take_fraction(text, parts);
}

/* Nothing, or a blank or 'T', a time, and perhaps an offset, up to the end. */
static bool read_time_after(Str text, Moment *moment) {
        if (text.size == 0)
                return true;
        if (text.data[0] != ' ' && text.data[0] != 'T')
                return false;
        text = str_slice(text, 1, text.size);
        Parts parts = { 0 };
        if (!take_iso_time(&text, &parts))
                return false;
        if (text.size > 0 && text.data[0] == ' ')
                text = str_slice(text, 1, text.size);
        if (text.size > 0 && !take_offset(&text, &parts))
                return false;
        moment->has_time = true;
        moment->has_offset = parts.has_offset;
        moment->offset = parts.offset;
        return text.size == 0 && day_micros(&parts, &moment->micros);
}

bool pattern_read_long(const Pattern *pattern, Str text, Moment *out) {
        Moment moment;
        if (pattern->time || !take_pattern(pattern, &text, &moment) || !read_time_after(text, &moment))
                return false;
        *out = moment;
        return true;
}

bool iso_read_date(Str text, int32_t *out_days) {
        if (text.size != 10 || text.data[4] != '-' || text.data[7] != '-')
                return false;
        unsigned digit[8], bad = 0;
        static const uint8_t places[8] = { 0, 1, 2, 3, 5, 6, 8, 9 };
        for (int i = 0; i < 8; i++) {
                digit[i] = (unsigned)(text.data[places[i]] - '0');
                bad |= digit[i] > 9;
        }
        int year = (int)(digit[0] * 1000 + digit[1] * 100 + digit[2] * 10 + digit[3]);
        int month = (int)(digit[4] * 10 + digit[5]), day = (int)(digit[6] * 10 + digit[7]);
        if (bad || !civil_valid(year, month, day))
                return false;
        *out_days = days_from_civil(year, month, day);
        return true;
}

bool iso_read_time(Str text, int64_t *out_micros) {
        Parts parts = { 0 };
        return take_iso_time(&text, &parts) && text.size == 0 && day_micros(&parts, out_micros);
}

bool iso_read_timestamp(Str text, Moment *out) {
        Moment moment = { 0 };
        if (text.size < 10 || !iso_read_date(str_slice(text, 0, 10), &moment.days) ||
            !read_time_after(str_slice(text, 10, text.size), &moment))
                return false;
        *out = moment;
        return true;
}
