/* SPDX-License-Identifier: Apache-2.0 */
#include "base/time.h"

#include <time.h>

#define US_PER_SECOND 1000000
#define US_PER_DAY (86400LL * US_PER_SECOND)

static int64_t clock_us(clockid_t clock) {
        struct timespec now;
        clock_gettime(clock, &now);
        return (int64_t)now.tv_sec * US_PER_SECOND + now.tv_nsec / 1000;
}

int64_t time_now_us(void) {
        return clock_us(CLOCK_REALTIME);
}

int64_t time_monotonic_us(void) {
        return clock_us(CLOCK_MONOTONIC);
}

/* Years are counted from March, so that the leap day is the last of its year; an era is 400 of them. */
int32_t days_from_civil(int year, int month, int day) {
        year -= month <= 2;
        int era = (year >= 0 ? year : year - 399) / 400;
        int year_of_era = year - era * 400;
        int day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
        int day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        return era * 146097 + day_of_era - 719468;
}

void civil_from_days(int32_t days, int *year, int *month, int *day) {
        int64_t shifted = (int64_t)days + 719468;
        int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
        int day_of_era = (int)(shifted - era * 146097);
        int year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
        int day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        int from_march = (5 * day_of_year + 2) / 153;
        *day = day_of_year - (153 * from_march + 2) / 5 + 1;
        *month = from_march < 10 ? from_march + 3 : from_march - 9;
        *year = (int)(year_of_era + era * 400) + (*month <= 2);
}

bool civil_valid(int year, int month, int day) {
        static const int lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
        if (year < 1 || year > 9999 || month < 1 || month > 12 || day < 1)
                return false;
        bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
        return day <= lengths[month - 1] + (month == 2 && leap);
}

static int64_t floor_days(int64_t us, int64_t *rest) {
        int64_t days = us / US_PER_DAY;
        *rest = us % US_PER_DAY;
        if (*rest < 0) {
                *rest += US_PER_DAY;
                days--;
        }
        return days;
}

Str date_print(Arena *arena, int32_t days) {
        int year, month, day;
        civil_from_days(days, &year, &month, &day);
        return arena_strf(arena, "%04d-%02d-%02d", year, month, day);
}

Str time_print_us(Arena *arena, int64_t us) {
        int64_t rest;
        Str date = date_print(arena, (int32_t)floor_days(us, &rest));
        int seconds = (int)(rest / US_PER_SECOND);
        return arena_strf(arena, "%.*sT%02d:%02d:%02d.%06dZ", STR_ARG(date), seconds / 3600, seconds / 60 % 60,
                          seconds % 60, (int)(rest % US_PER_SECOND));
}

/* Takes `count` digits from the front of *s. */
static bool digits(Str *s, size_t count, int *out) {
        if (s->size < count)
                return false;
        int value = 0;
        for (size_t i = 0; i < count; i++) {
                if (s->data[i] < '0' || s->data[i] > '9')
                        return false;
                value = value * 10 + (s->data[i] - '0');
        }
        *s = str_slice(*s, count, s->size);
        *out = value;
        return true;
}

static bool accept(Str *s, const char *any) {
        if (!s->size || !char_is_one_of(s->data[0], any))
                return false;
        *s = str_slice(*s, 1, s->size);
        return true;
}

static bool parse_fraction(Str *s, int *us) {
        int value = 0, scale = 100000, count = 0;
        while (s->size && s->data[0] >= '0' && s->data[0] <= '9') {
                if (++count > 6)
                        return false;
                value += (s->data[0] - '0') * scale;
                scale /= 10;
                *s = str_slice(*s, 1, s->size);
        }
        *us = value;
        return count > 0;
}

static bool parse_offset(Str *s, int64_t *us) {
        *us = 0;
        if (s->size == 0 || accept(s, "Zz"))
                return true;
        bool negative = s->data[0] == '-';
        int hours, minutes = 0;
        if (!accept(s, "+-") || !digits(s, 2, &hours) || hours > 15)
                return false;
        if (s->size) {
                accept(s, ":");
                if (!digits(s, 2, &minutes) || minutes > 59)
                        return false;
        }
        *us = (negative ? -1 : 1) * (hours * 60LL + minutes) * 60 * US_PER_SECOND;
        return true;
}

bool time_parse_us(Str s, int64_t *out) {
        s = str_trim(s);
        int year, month, day, hour = 0, minute = 0, second = 0, fraction = 0;
        int64_t offset = 0;
        if (!digits(&s, 4, &year) || !accept(&s, "-") || !digits(&s, 2, &month) || !accept(&s, "-") ||
            !digits(&s, 2, &day) || !civil_valid(year, month, day))
                return false;
        if (s.size) {
                if (!accept(&s, "Tt ") || !digits(&s, 2, &hour) || !accept(&s, ":") || !digits(&s, 2, &minute))
                        return false;
                if (accept(&s, ":") && !digits(&s, 2, &second))
                        return false;
                if (accept(&s, ".") && !parse_fraction(&s, &fraction))
                        return false;
                if (hour > 23 || minute > 59 || second > 59 || !parse_offset(&s, &offset) || s.size)
                        return false;
        }
        *out = days_from_civil(year, month, day) * US_PER_DAY +
               (hour * 3600LL + minute * 60 + second) * US_PER_SECOND + fraction - offset;
        return true;
}

Str duration_print(Arena *arena, int64_t us) {
        if (us < 1000)
                return arena_strf(arena, "%lld us", (long long)us);
        if (us < 100000)
                return arena_strf(arena, "%lld ms", (long long)us / 1000);
        if (us < 60LL * US_PER_SECOND)
                return arena_strf(arena, "%.1f s", (double)us / US_PER_SECOND);
        int64_t seconds = us / US_PER_SECOND;
        if (seconds < 3600)
                return arena_strf(arena, "%lld m %02lld s", (long long)seconds / 60, (long long)seconds % 60);
        return arena_strf(arena, "%lld h %02lld m", (long long)seconds / 3600, (long long)seconds / 60 % 60);
}

Str bytes_print(Arena *arena, uint64_t bytes) {
        static const char *const units[] = { "bytes", "KB", "MB", "GB", "TB", "PB", "EB" };
        double value = (double)bytes;
        size_t unit = 0;
        while (value >= 999.5 && unit + 1 < COUNT_OF(units)) {
                value /= 1000;
                unit++;
        }
        if (unit == 0)
                return arena_strf(arena, bytes == 1 ? "1 byte" : "%llu bytes", (unsigned long long)bytes);
        return arena_strf(arena, value < 9.95 ? "%.1f %s" : "%.0f %s", value, units[unit]);
}

Str count_print(Arena *arena, int64_t count) {
        char plain[24], grouped[32];
        int size = snprintf(plain, sizeof(plain), "%lld", (long long)count);
        int first = count < 0;
        int at = 0;
        for (int i = 0; i < size; i++) {
                if (i > first && (size - i) % 3 == 0)
                        grouped[at++] = ',';
                grouped[at++] = plain[i];
        }
        return arena_str(arena, (Str){ grouped, (size_t)at });
}
