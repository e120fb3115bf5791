/* SPDX-License-Identifier: Apache-2.0 */
#include "base/test.h"
#include "frame/zone.h"
#include "server/setting.h"
#include "server/timezone.h"

static void settings_freep(Settings **settings) {
        settings_free(*settings);
}

TEST(what_a_setting_takes_it_keeps_and_what_it_cannot_keep_it_refuses) {
        static const struct {
                const char *name, *value, *shown; /* NULL: refused */
        } cases[] = {
                { "datestyle", "iso", "ISO, MDY" },
                { "datestyle", "ISO, DMY", "ISO, DMY" },
                { "datestyle", "ymd", "ISO, YMD" },
                { "datestyle", "German", NULL },
                { "datestyle", "ISO, DMY, MDY", NULL },
                { "intervalstyle", "postgres", "postgres" },
                { "intervalstyle", "iso_8601", NULL },
                { "bytea_output", "hex", "hex" },
                { "bytea_output", "escape", NULL },
                { "extra_float_digits", "3", "3" },
                { "extra_float_digits", "0", NULL },
                { "extra_float_digits", "-15", NULL },
                { "client_encoding", "'utf-8'", "UTF8" },
                { "client_encoding", "LATIN1", NULL },
                { "standard_conforming_strings", "off", NULL },
                { "transaction_isolation", "Serializable", "serializable" },
                { "transaction_isolation", "chaos", NULL },
                { "row_security", "off", NULL },
                { "lc_numeric", "de_DE", NULL },
                { "escape_string_warning", "false", "off" },
                { "timezone", "europe/berlin", "Europe/Berlin" },
                { "timezone", "+02", "<+02>-02" },
                { "timezone", "-5.5", "<-05:30>+05:30" },
                { "timezone", "+02:00", "+02:00" },
                { "timezone", "UTC+3", "UTC+3" },
                { "timezone", "utc", "UTC" },
                { "timezone", "CET-1CEST", NULL },
                { "timezone", "Europe/Nowhere", NULL },
                { "timezone", "../../etc/passwd", NULL },
                { "timezone", "localtime", NULL },
                { "timezone", "+25", NULL },
                { "timezone", "", NULL },
                { "search_path", "a, \"B c\"", "a, \"B c\"" },
                { "search_path", "", "" },
                { "search_path", "a,", NULL },
                { "search_path", "\"a", NULL },
                { "server_version", "16", NULL },
                { "nothing_such", "1", NULL },
                { "mine.own", "1", "1" },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                CLEANUP(settings_freep) Settings *settings = settings_new();
                Str name = str_of(cases[i].name);
                Str before = arena_str(&t->arena, settings_get(settings, name));
                Status status = settings_set(settings, name, str_of(cases[i].value), false, &t->err);
                Str shown = settings_get(settings, name);
                if ((status == STATUS_OK) != (cases[i].shown != NULL) || !str_equal(shown, cases[i].shown ? str_of(cases[i].shown) : before))
                        test_fail(t, __FILE__, __LINE__, "%s = '%s' is shown as '%.*s'", cases[i].name, cases[i].value, STR_ARG(shown));
        }
}

TEST(a_zone_is_as_far_from_greenwich_as_postgresql_says) {
        static const struct {
                const char *text;
                int32_t offset;
                bool named;
        } cases[] = {
                { "+02", 7200, false },     { "2", 7200, false },       { "-5.5", -19800, false }, { "+02:00", -7200, false },
                { "UTC+3", -10800, false }, { "<+03>-3", 10800, false }, { "GMT", 0, true },       { "Etc/GMT-2", 0, true },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                TimeZone zone;
                Str value;
                CHECK_OK(timezone_read(str_of(cases[i].text), &t->arena, &value, &zone, &t->err));
                CHECK_INT(zone.offset, cases[i].offset);
                CHECK(cases[i].named == (zone.bytes.size > 0));
        }
}

TEST(a_zones_offset_follows_its_clocks) {
        static const struct {
                const char *name;
                int64_t utc;
                int32_t offset;
        } cases[] = {
                { "Europe/Berlin", 1782907200, 7200 },    /* 2026-07-01 12:00 */
                { "Europe/Berlin", 1767268800, 3600 },    /* 2026-01-01 12:00 */
                { "Europe/Berlin", 1774745999, 3600 },    /* the second before summer 2026 */
                { "Europe/Berlin", 1774746000, 7200 },
                { "Europe/Berlin", 4102488000, 3600 },    /* 2100, by rule */
                { "America/New_York", 1782907200, -14400 },
                { "Asia/Kolkata", 1782907200, 19800 },
                { "Europe/Berlin", -2208988800, 3600 },   /* 1900 */
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                TimeZone zone;
                Str value;
                const Zone *parsed;
                CHECK_OK(timezone_read(str_of(cases[i].name), &t->arena, &value, &zone, &t->err));
                CHECK_OK(zone_parse(zone.bytes, &t->arena, &parsed, &t->err));
                CHECK_INT(zone_offset(parsed, cases[i].utc), cases[i].offset);
        }
        CHECK_INT(zone_offset(zone_fixed(&t->arena, -19800), 0), -19800);
}

TEST(a_search_path_is_a_list_of_names) {
        static const struct {
                const char *text, *names; /* joined by | */
        } cases[] = {
                { "", "" },
                { "A, b", "a|b" },
                { "\"$user\", public", "$user|public" },
                { "\"a \"\"b\"\"\" , \"\"", "a \"b\"|" },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Str *names, all = STR("");
                size_t count;
                CHECK(setting_path(str_of(cases[i].text), &t->arena, &names, &count));
                for (size_t k = 0; k < count; k++)
                        all = arena_strf(&t->arena, "%.*s%s%.*s", STR_ARG(all), k ? "|" : "", STR_ARG(names[k]));
                CHECK_STR(all, str_of(cases[i].names));
        }
}
