/* SPDX-License-Identifier: Apache-2.0 */
#include "server/timezone.h"

#include <math.h>
#include <stdlib.h>

#include "base/file.h"
#include "frame/zone.h"

#define ZONES "/usr/share/zoneinfo"
#define DAY 86400

static Status no_zone(Str text, const char *why, Error *err) {
        error_set(err, STATUS_BAD_VALUE, "invalid value for parameter \"TimeZone\": \"%.*s\"%s", STR_ARG(text), why);
        return error_hint(err, "names are those of the tz database: Europe/Copenhagen, America/New_York, UTC");
}

/* ---- always so many seconds ---- */

static bool take_digits(Str *text, int64_t *out) {
        size_t size = 0;
        while (size < text->size && text->data[size] >= '0' && text->data[size] <= '9')
                size++;
        bool is = size > 0 && size <= 3 && str_to_int64(str_slice(*text, 0, size), out);
        *text = str_slice(*text, size, text->size);
        return is;
}

static bool take_sign(Str *text, bool *out_minus) {
        bool sign = text->size > 0 && (text->data[0] == '+' || text->data[0] == '-');
        *out_minus = sign && text->data[0] == '-';
        *text = str_slice(*text, sign, text->size);
        return sign;
}

bool timezone_seconds(Str text, int64_t *out) {
        int64_t parts[3] = { 0 };
        bool minus;
        take_sign(&text, &minus);
        for (size_t i = 0; i < COUNT_OF(parts); i++) {
                if (!take_digits(&text, &parts[i]) || (i > 0 && parts[i] > 59))
                        return false;
                if (text.size == 0)
                        break;
                if (text.data[0] != ':' || i + 1 == COUNT_OF(parts))
                        return false;
                text = str_slice(text, 1, text.size);
        }
        *out = (parts[0] * 60 + parts[1]) * 60 + parts[2];
        if (minus)
                *out = -*out;
        return true;
}

/* [+-]hh[:mm[:ss]] */
static Str print_offset(Arena *arena, int64_t seconds) {
        int64_t size = seconds < 0 ? -seconds : seconds;
        char sign = seconds < 0 ? '-' : '+';
        if (size % 60)
                return arena_strf(arena, "%c%02d:%02d:%02d", sign, (int)(size / 3600), (int)(size / 60 % 60), (int)(size % 60));
        return size % 3600 ? arena_strf(arena, "%c%02d:%02d", sign, (int)(size / 3600), (int)(size / 60 % 60))
                           : arena_strf(arena, "%c%02d", sign, (int)(size / 3600));
}

Str timezone_fixed_name(Arena *arena, int64_t seconds) {
        Str east = print_offset(arena, seconds), west = print_offset(arena, -seconds);
        if (seconds == 0)
                west = STR("-00");
        return arena_strf(arena, "<%.*s>%.*s", STR_ARG(east), STR_ARG(west));
}

static Status use_fixed(Str text, int64_t seconds, Arena *arena, TimeZone *zone, Error *err) {
        if (seconds <= -DAY || seconds >= DAY)
                return no_zone(text, " (a day or more from Greenwich)", err);
        int64_t size = seconds < 0 ? -seconds : seconds;
        if (zone)
                *zone = (TimeZone){ .name = arena_strf(arena, "GMT%c%02d:%02d:%02d", seconds < 0 ? '-' : '+', (int)(size / 3600),
                                                       (int)(size / 60 % 60), (int)(size % 60)),
                                    .offset = (int32_t)seconds };
        return STATUS_OK;
}

/* Hours, with a fraction if need be. */
static bool is_hours(Str text, int64_t *out_seconds) {
        char number[32], *end;
        for (size_t i = 0; i < text.size; i++)
                if (!char_is_one_of(text.data[i], "0123456789.+-"))
                        return false;
        if (text.size == 0 || text.size >= sizeof(number))
                return false;
        snprintf(number, sizeof(number), "%.*s", STR_ARG(text));
        double hours = strtod(number, &end);
        if (*end != '\0' || fabs(hours) > 1000)
                return false;
        *out_seconds = (int64_t)(hours * 3600);
        return true;
}

static bool is_letter(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* POSIX: a name of letters, <anything> or none, and how far its clocks are behind Greenwich's. */
static bool is_posix(Str text, int64_t *out_seconds) {
        int64_t west;
        size_t name = 0;
        if (text.size > 0 && text.data[0] == '<') {
                name = str_find_byte(text, '>') + 1;
        } else {
                while (name < text.size && is_letter(text.data[name]))
                        name++;
        }
        if (name >= text.size || !timezone_seconds(str_slice(text, name, text.size), &west))
                return false;
        *out_seconds = -west;
        return true;
}

/* ---- names ---- */

/* Not localtime, which is another zone on every machine, nor right/, whose seconds are not UTC's. */
static bool is_good_name(Str name) {
        bool after_slash = true;
        for (size_t i = 0; i < name.size; i++) {
                char c = name.data[i];
                bool word = is_letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '+' || c == '-';
                if (!word && (c != '/' || after_slash))
                        return false;
                after_slash = c == '/';
        }
        static const char *const others[] = { "localtime", "posixrules", "right", "posix" };
        Str first, rest;
        str_cut(name, '/', &first, &rest);
        for (size_t i = 0; i < COUNT_OF(others); i++)
                if (str_equal_nocase(first, str_of(others[i])))
                        return false;
        return name.size > 0 && name.size < 60 && !after_slash;
}

/* The part as the folder's files spell it. */
static bool spell(const char *folder, Str part, Arena *arena, Str *out) {
        DirEntry *entries;
        size_t count;
        Error ignored = { 0 };
        if (dir_list(folder, arena, &entries, &count, &ignored) != STATUS_OK)
                return false;
        for (size_t i = 0; i < count; i++) {
                if (!str_equal_nocase(entries[i].name, part))
                        continue;
                *out = entries[i].name;
                return true;
        }
        return false;
}

static bool read_zone(Str name, Arena *arena, Str *out) {
        Error ignored = { 0 };
        const Zone *zone;
        return file_read(arena_printf(arena, ZONES "/%.*s", STR_ARG(name)), ZONE_FILE_MAX, arena, out, &ignored) == STATUS_OK &&
               zone_parse(*out, arena, &zone, &ignored) == STATUS_OK;
}

static bool is_named(Str text, Arena *arena, Str *out_name, Str *out_bytes) {
        const char *folder = ZONES;
        Str rest = text, part, spelled, name = STR_NONE;
        if (!is_good_name(text))
                return false;
        if (read_zone(text, arena, out_bytes)) {
                *out_name = text;
                return true;
        }
        while (rest.size > 0) {
                if (!str_cut(rest, '/', &part, &rest))
                        rest = STR_NONE;
                if (!spell(folder, part, arena, &spelled))
                        return false;
                name = name.size > 0 ? arena_strf(arena, "%.*s/%.*s", STR_ARG(name), STR_ARG(spelled)) : spelled;
                folder = arena_printf(arena, "%s/%.*s", folder, STR_ARG(spelled));
        }
        *out_name = name;
        return read_zone(name, arena, out_bytes);
}

Status timezone_read(Str text, Arena *arena, Str *out_value, TimeZone *zone, Error *err) {
        TimeZone ignored;
        Str name, bytes;
        int64_t seconds;
        zone = zone ? zone : &ignored;
        *zone = (TimeZone){ 0 };
        *out_value = STR("UTC");
        if (str_equal_nocase(text, STR("utc"))) /* also where there is no tz database */
                return STATUS_OK;
        if (is_hours(text, &seconds)) {
                *out_value = timezone_fixed_name(arena, seconds);
                return use_fixed(text, seconds, arena, zone, err);
        }
        if (is_named(text, arena, &name, &bytes)) {
                *out_value = arena_str(arena, name);
                *zone = (TimeZone){ .name = *out_value, .bytes = bytes };
                return STATUS_OK;
        }
        *out_value = arena_str(arena, text);
        if (is_posix(text, &seconds))
                return use_fixed(text, seconds, arena, zone, err);
        return no_zone(text, "", err);
}
