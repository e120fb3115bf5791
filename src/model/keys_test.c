/* SPDX-License-Identifier: Apache-2.0 */
#include "model/keys.h"

#include "base/test.h"

TEST(durations_have_a_unit) {
        static const struct {
                const char *text;
                int64_t us; /* -1 = refused */
        } cases[] = {
                { "5s", 5000000 },
                { "5 s", 5000000 },
                { "250ms", 250000 },
                { "15m", 900000000 },
                { "24h", 86400000000 },
                { "7d", 604800000000 },
                { "0s", 0 },
                { "5", -1 },
                { "s", -1 },
                { "", -1 },
                { "5 weeks", -1 },
                { "-5s", -1 },
                { "1.5h", -1 },
                { "9223372036854775807d", -1 },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                int64_t us = -1;
                bool good = duration_parse(str_of(cases[i].text), &us);
                if (good != (cases[i].us >= 0) || us != cases[i].us)
                        test_fail(t, __FILE__, __LINE__, "'%s' gives %lld", cases[i].text, (long long)us);
        }
}

TEST(sizes_are_powers_of_a_thousand_unless_written_with_an_i) {
        static const struct {
                const char *text;
                int64_t bytes;
        } cases[] = {
                { "10 GB", 10000000000 }, { "16MB", 16000000 }, { "16 MiB", 16 << 20 }, { "12", 12 },    { "12 B", 12 },
                { "1 kb", 1000 },         { "1.5 GB", -1 },     { "GB", -1 },           { "12 XB", -1 },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                int64_t bytes = -1;
                size_parse(str_of(cases[i].text), &bytes);
                if (bytes != cases[i].bytes)
                        test_fail(t, __FILE__, __LINE__, "'%s' gives %lld", cases[i].text, (long long)bytes);
        }
}

TEST(problems_are_sorted_and_counted_beyond_the_limit) {
        Problems problems = { .arena = &t->arena };
        for (int i = 0; i < PROBLEMS_MAX + 5; i++)
                error_place_line(problems_add(&problems, STATUS_BAD_VALUE, "number %d", i), i % 2 ? "b.yml" : "a.yml",
                                 STR_NONE, 1000 - i, 1);
        CHECK_INT(problems.errors.count, PROBLEMS_MAX);
        CHECK_INT(problems.dropped, 5);

        problems_sort(&problems);
        for (size_t i = 1; i < problems.errors.count; i++) {
                const Error *a = problems.errors.items[i - 1], *b = problems.errors.items[i];
                int files = strcmp(a->file, b->file);
                CHECK(files < 0 || (files == 0 && a->line <= b->line));
        }
}
