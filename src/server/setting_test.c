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
                { "client_encoding", "sql_ascii", "SQL_ASCII" },
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

TEST(settings_follow_savepoints) {
        static const struct {
                const char *steps, *inside, *committed, *rolled_back; /* S, R1, U1: levels; =x, lx: set, set local; r: reset */
        } cases[] = {
                { "=a S =b U1", "a", "a", "" },       { "=a S =b R1", "b", "b", "" },       { "S =b S =c U1", "", "", "" },
                { "=a S =b S =c R2 U1", "a", "a", "" }, { "=a S lb R1", "b", "a", "" },     { "=a S r U1", "a", "a", "" },
                { "=a S =b U1 =c R1", "c", "c", "" },  { "=a S =b S =c U2", "b", "b", "" }, { "=a S S =b R2 S =c R2 U1", "a", "a", "" },
                { "=a S =b U0", "", "", "" },
        };
        for (size_t i = 0; i < 2 * COUNT_OF(cases); i++) {
                CLEANUP(settings_freep) Settings *settings = settings_new();
                Str name = STR("application_name"), rest = str_of(cases[i / 2].steps), step;
                bool more = true, commits = i % 2;
                settings_begin_transaction(settings);
                while (more) {
                        more = str_cut(rest, ' ', &step, &rest);
                        Str value = str_slice(step, 1, step.size);
                        size_t level = value.size > 0 ? (size_t)(value.data[0] - '0') : 0;
                        if (step.data[0] == 'S')
                                settings_savepoint(settings);
                        else if (step.data[0] == 'R')
                                settings_release(settings, level);
                        else if (step.data[0] == 'U')
                                settings_undo(settings, level);
                        else if (step.data[0] == 'r')
                                CHECK_OK(settings_reset(settings, name, &t->err));
                        else
                                CHECK_OK(settings_set(settings, name, value, step.data[0] == 'l', &t->err));
                }
                CHECK_STR(settings_get(settings, name), str_of(cases[i / 2].inside));
                settings_end_transaction(settings, commits);
                CHECK_STR(settings_get(settings, name), str_of(commits ? cases[i / 2].committed : cases[i / 2].rolled_back));
                CHECK_INT((int64_t)settings_level(settings), 0);
        }
}

TEST(a_client_is_told_what_is_not_what_it_knows) {
        CLEANUP(settings_freep) Settings *settings = settings_new();
        Str value;
        while (settings_next_report(settings, &value))
                ;
        settings_begin_transaction(settings);
        CHECK_OK(settings_set(settings, STR("application_name"), STR("x"), false, &t->err));
        settings_end_transaction(settings, false);
        CHECK(settings_next_report(settings, &value) == NULL);
        CHECK_OK(settings_set(settings, STR("application_name"), STR("y"), false, &t->err));
        CHECK_STR(str_of(settings_next_report(settings, &value)), STR("application_name"));
        CHECK_STR(value, STR("y"));
        CHECK(settings_next_report(settings, &value) == NULL);
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
