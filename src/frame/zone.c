/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A TZif file: a header "TZif", a version byte, 15 unused bytes and six counts (big-endian u32), then the data of
 * version 1 with 32-bit times. From version 2 on, a second header and the same with 64-bit times follow, then a footer:
 * newline, a POSIX TZ rule for all times after the last transition, newline. We read the second part alone.
 *
 * A rule: NAME OFFSET [NAME [OFFSET] , Mm.w.d [/TIME] , Mm.w.d [/TIME]], offsets counted west of Greenwich. Only the
 * M form of dates is read, and Jn; the tz database uses no other.
 */
#include "frame/zone.h"

#include "base/buf.h"
#include "base/time.h"

#define HEADER_SIZE 44
#define DAY_SECONDS 86400ll

typedef struct ZoneDay {
        bool julian;
        int month, week,
                weekday; /* week 5 = the last; julian: weekday holds the day of the year, 29 February left out */
        int64_t time;
} ZoneDay;

struct Zone {
        int64_t *times;
        int32_t *offsets; /* from times[i] on */
        size_t count;
        int32_t first_offset; /* before all transitions */
        bool has_rule, has_summer;
        int32_t standard, summer;
        ZoneDay begins, ends;
};

typedef struct Counts {
        uint32_t utc, standard, leaps, times, types, letters;
        char version;
} Counts;

static uint32_t big32(Cursor *cursor) {
        return __builtin_bswap32(cursor_u32(cursor));
}

static bool read_counts(Cursor *cursor, Counts *out) {
        if (!str_equal(cursor_bytes(cursor, 4), STR("TZif")))
                return false;
        out->version = (char)cursor_u8(cursor);
        cursor_bytes(cursor, 15);
        uint32_t *counts[] = { &out->utc, &out->standard, &out->leaps, &out->times, &out->types, &out->letters };
        for (size_t i = 0; i < COUNT_OF(counts); i++) {
                *counts[i] = big32(cursor);
                if (*counts[i] > ZONE_FILE_MAX)
                        return false;
        }
        return !cursor->failed && out->types > 0;
}

/* Seconds east of UTC that a clock on Earth may show, with the RFC's room beyond a day. */
static bool is_offset(int64_t seconds) {
        return seconds > -25 * 3600 && seconds < 26 * 3600;
}

static bool read_times(Cursor *cursor, const Counts *counts, Arena *arena, Zone *zone) {
        Str times = cursor_bytes(cursor, (size_t)counts->times * 8), indexes = cursor_bytes(cursor, counts->times);
        Str types = cursor_bytes(cursor, (size_t)counts->types * 6);
        cursor_bytes(cursor, counts->letters + (size_t)counts->leaps * 12 + counts->standard + counts->utc);
        if (cursor->failed)
                return false;
        int32_t *offsets = ARENA_ARRAY(arena, int32_t, counts->types);
        Cursor type = cursor_of(types);
        for (size_t i = 0; i < counts->types; i++) {
                offsets[i] = (int32_t)big32(&type);
                if (!is_offset(offsets[i]))
                        return false;
                cursor_bytes(&type, 2);
        }
        zone->first_offset = offsets[0];
        zone->count = counts->times;
        zone->times = ARENA_ARRAY(arena, int64_t, zone->count + 1);
        zone->offsets = ARENA_ARRAY(arena, int32_t, zone->count + 1);
        Cursor time = cursor_of(times);
        for (size_t i = 0; i < zone->count; i++) {
                uint8_t index = (uint8_t)indexes.data[i];
                zone->times[i] = (int64_t)__builtin_bswap64(cursor_u64(&time));
                if (index >= counts->types || (i > 0 && zone->times[i] <= zone->times[i - 1]))
                        return false;
                zone->offsets[i] = offsets[index];
        }
        return true;
}

static bool take_number(Str *text, int *out) {
        size_t size = 0;
        int value = 0;
        while (size < text->size && size < 4 && text->data[size] >= '0' && text->data[size] <= '9')
                value = value * 10 + (text->data[size++] - '0');
        *text = str_slice(*text, size, text->size);
        *out = value;
        return size > 0;
}

static bool take_byte(Str *text, char byte) {
        if (text->size == 0 || text->data[0] != byte)
                return false;
        *text = str_slice(*text, 1, text->size);
        return true;
}

/* [+-]h[:mm[:ss]] in seconds */
static bool take_seconds(Str *text, int64_t *out) {
        bool minus = take_byte(text, '-');
        if (!minus)
                take_byte(text, '+');
        int hours, minutes = 0, seconds = 0;
        if (!take_number(text, &hours))
                return false;
        if (take_byte(text, ':') &&
            (!take_number(text, &minutes) || (take_byte(text, ':') && !take_number(text, &seconds))))
                return false;
        *out = (hours * 60ll + minutes) * 60 + seconds;
        if (minus)
                *out = -*out;
        return true;
}

static bool take_name(Str *text) {
        size_t size = 0;
        if (take_byte(text, '<')) {
                size = str_find_byte(*text, '>');
                *text = str_slice(*text, size + 1, text->size);
                return true;
        }
        while (size < text->size && !char_is_one_of(text->data[size], "+-0123456789,"))
                size++;
        *text = str_slice(*text, size, text->size);
        return size >= 3;
}

static bool take_day(Str *text, ZoneDay *out) {
        *out = (ZoneDay){ .time = 2 * 3600 };
        if (!take_byte(text, ','))
                return false;
        if (take_byte(text, 'J')) {
                out->julian = true;
                if (!take_number(text, &out->weekday))
                        return false;
        } else if (!take_byte(text, 'M') || !take_number(text, &out->month) || !take_byte(text, '.') ||
                   !take_number(text, &out->week) || !take_byte(text, '.') || !take_number(text, &out->weekday)) {
                return false;
        }
        if (take_byte(text, '/') && !take_seconds(text, &out->time))
                return false;
        return out->julian
                       ? out->weekday >= 1 && out->weekday <= 365
                       : out->month >= 1 && out->month <= 12 && out->week >= 1 && out->week <= 5 && out->weekday <= 6;
}

static bool read_rule(Str rule, Zone *zone) {
        int64_t west;
        if (rule.size == 0)
                return true;
        if (!take_name(&rule) || !take_seconds(&rule, &west))
                return false;
        if (!is_offset(-west))
                return false;
        zone->has_rule = true;
        zone->standard = (int32_t)-west;
        if (rule.size == 0)
                return true;
        if (!take_name(&rule))
                return false;
        zone->has_summer = true;
        zone->summer = zone->standard + 3600;
        if (rule.size > 0 && rule.data[0] != ',') {
                if (!take_seconds(&rule, &west) || !is_offset(-west))
                        return false;
                zone->summer = (int32_t)-west;
        }
        return take_day(&rule, &zone->begins) && take_day(&rule, &zone->ends) && rule.size == 0;
}

static bool parse(Str bytes, Arena *arena, Zone *zone) {
        Cursor cursor = cursor_of(bytes);
        Counts counts;
        if (!read_counts(&cursor, &counts) || counts.version < '2')
                return false;
        cursor_bytes(&cursor, counts.times * 5u + counts.types * 6u + counts.letters + counts.leaps * 8u +
                                      counts.standard + counts.utc);
        if (!read_counts(&cursor, &counts) || !read_times(&cursor, &counts, arena, zone))
                return false;
        Str rest = { (const char *)cursor.at, cursor_left(&cursor) };
        return take_byte(&rest, '\n') && read_rule(str_slice(rest, 0, str_find_byte(rest, '\n')), zone);
}

Status zone_parse(Str bytes, Arena *arena, const Zone **out, Error *err) {
        Zone *zone = ARENA_NEW(arena, Zone);
        if (bytes.size > ZONE_FILE_MAX || !parse(bytes, arena, zone))
                return error_set(err, STATUS_BAD_VALUE, "the time zone's file is not one that can be read");
        *out = zone;
        return STATUS_OK;
}

/* Seconds since 1970 of a rule's day in a year, in local time of nobody. */
static int64_t day_seconds(const ZoneDay *day, int year) {
        int32_t days;
        if (day->julian) {
                bool leap = civil_valid(year, 2, 29);
                days = days_from_civil(year, 1, 1) + day->weekday - 1 + (leap && day->weekday >= 60);
        } else {
                int32_t first = days_from_civil(year, day->month, 1);
                int weekday = (int)(((first % 7) + 7 + 4) % 7); /* 1970-01-01 was a Thursday */
                days = first + (day->weekday - weekday + 7) % 7 + (day->week - 1) * 7;
                int32_t next = day->month == 12 ? days_from_civil(year + 1, 1, 1)
                                                : days_from_civil(year, day->month + 1, 1);
                while (days >= next)
                        days -= 7;
        }
        return days * DAY_SECONDS + day->time;
}

static int32_t rule_offset(const Zone *zone, int64_t utc) {
        if (!zone->has_summer)
                return zone->standard;
        int64_t days = utc / DAY_SECONDS - (utc % DAY_SECONDS < 0);
        int year, month, day;
        civil_from_days((int32_t)days, &year, &month, &day);
        int64_t begins = day_seconds(&zone->begins, year) - zone->standard,
                ends = day_seconds(&zone->ends, year) - zone->summer;
        bool summer = begins < ends ? utc >= begins && utc < ends : utc >= begins || utc < ends;
        return summer ? zone->summer : zone->standard;
}

int32_t zone_offset(const Zone *zone, int64_t utc) {
        if (zone->count == 0 || utc < zone->times[0])
                return zone->count == 0 && zone->has_rule ? rule_offset(zone, utc) : zone->first_offset;
        if (utc >= zone->times[zone->count - 1] && zone->has_rule)
                return rule_offset(zone, utc);
        size_t low = 0, high = zone->count;
        while (high - low > 1) {
                size_t middle = (low + high) / 2;
                if (zone->times[middle] <= utc)
                        low = middle;
                else
                        high = middle;
        }
        return zone->offsets[low];
}

/*
 * Clocks move by hours, so the offset of a local time is the one in force a day before or a day after it. The earlier
 * one first: where both are right, it gives the first of the two instants.
 */
int zone_to_utc(const Zone *zone, int64_t local, int64_t *out) {
        int64_t seconds = local / 1000000 - (local % 1000000 < 0), rest = local - seconds * 1000000;
        int32_t offsets[] = { zone_offset(zone, seconds - DAY_SECONDS), zone_offset(zone, seconds + DAY_SECONDS) };
        int count = 0;
        for (size_t i = 0; i < (offsets[0] == offsets[1] ? 1 : COUNT_OF(offsets)); i++) {
                int64_t utc = seconds - offsets[i];
                if (zone_offset(zone, utc) != offsets[i])
                        continue;
                if (count++ == 0)
                        *out = utc * 1000000 + rest;
        }
        return count;
}

const Zone *zone_fixed(Arena *arena, int32_t offset) {
        Zone *zone = ARENA_NEW(arena, Zone);
        *zone = (Zone){ .first_offset = offset };
        return zone;
}
