/* SPDX-License-Identifier: Apache-2.0 */
/* The time zone of a column: a boxed worker sees no tz database, so its bytes are read here and travel with the job. */
#include "model/source_zone.h"
#include "base/file.h"
#include "frame/zone.h"

#define ZONES "/usr/share/zoneinfo"

/* Area/City: letters, digits, _ + - and slashes between; nothing that could climb. */
static bool zone_name_good(Str name) {
        bool after_slash = true;
        for (size_t i = 0; i < name.size; i++) {
                char c = name.data[i];
                bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
                            c == '+' || c == '-';
                if (!word && (c != '/' || after_slash))
                        return false;
                after_slash = c == '/';
        }
        return name.size > 0 && name.size < 64 && !after_slash;
}

/* The nearest name in the same folder of the database, as Area/City. */
static Str zone_guess(Arena *arena, Str name) {
        const char *path = arena_printf(arena, ZONES "/%.*s", STR_ARG(name));
        const char *folder = path_dir(arena, path);
        DirEntry *entries;
        size_t count;
        Error ignored = { 0 };
        if (dir_list(folder, arena, &entries, &count, &ignored) != STATUS_OK)
                return STR_NONE;
        Str *names = ARENA_ARRAY(arena, Str, count + 1);
        for (size_t i = 0; i < count; i++)
                names[i] = entries[i].name;
        Str near = str_nearest(str_of(path_base(path)), names, count);
        if (near.size == 0)
                return STR_NONE;
        size_t area = name.size - strlen(path_base(path));
        return arena_strf(arena, "%.*s%.*s", (int)area, name.data, STR_ARG(near));
}

Status source_zone_load(Arena *arena, Str name, Str *out, Error *err) {
        Str bytes;
        const Zone *zone;
        if (zone_name_good(name) &&
            file_read(arena_printf(arena, ZONES "/%.*s", STR_ARG(name)), ZONE_FILE_MAX, arena, &bytes, err) ==
                    STATUS_OK &&
            zone_parse(bytes, arena, &zone, err) == STATUS_OK) {
                *out = bytes;
                return STATUS_OK;
        }
        *err = (Error){ 0 };
        error_set(err, STATUS_BAD_VALUE, "there is no time zone \"%.*s\"", STR_ARG(name));
        if (!file_exists(ZONES "/UTC"))
                return error_hint(err, "the time zone database is missing: install the package tzdata");
        Str near = zone_name_good(name) ? zone_guess(arena, name) : STR_NONE;
        if (near.size > 0)
                return error_hint(err, "did you mean `%.*s`?", STR_ARG(near));
        return error_hint(err, "names are those of the tz database: Europe/Copenhagen, America/New_York, UTC");
}
