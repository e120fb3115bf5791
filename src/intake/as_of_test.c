/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/as_of.h"

#include "base/test.h"
#include "base/time.h"

TEST(a_name_says_its_date_whatever_stands_between_the_digits) {
        static const struct {
                const char *as_of, *name, *time; /* NULL: none is found */
        } cases[] = {
                { "name \"runways_(\\d{4}-\\d{2}-\\d{2})\"", "runways_2021-11-02.csv.gz", "2021-11-02T00:00:00.000000Z" },
                { "name \"runways_(\\\\d{4}-\\\\d{2}-\\\\d{2})\"", "runways_2021-11-02.csv.gz", "2021-11-02T00:00:00.000000Z" },
                { "name '([0-9]+)'", "a20240229.csv", "2024-02-29T00:00:00.000000Z" },
                { "name \\d+", "a20240229133005.csv", "2024-02-29T13:30:05.000000Z" },
                { "name \"[\\d_]+\"", "x-2024_02-y", "2024-02-01T00:00:00.000000Z" },
                { "name \"([^.]*)[.]csv\"", "2024-05-01T13-30.csv", "2024-05-01T13:30:00.000000Z" },
                { "name \"(\\d{4})\"", "2024.csv", "2024-01-01T00:00:00.000000Z" },
                { "name \"(\\d+)\"", "20230229.csv", NULL },
                { "name \"(\\d+)\"", "2023022.csv", NULL },
                { "name \"(\\d+)\"", "20230228133005123.csv", NULL },
                { "name \"(\\d+)\"", "a.csv", NULL },
                { "name \"a(\\d*)\"", "a.csv", NULL },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                AsOf as_of;
                int64_t us = 0;
                CHECK_OK(as_of_parse(str_of(cases[i].as_of), &t->arena, &as_of, &t->err));
                CHECK_INT(as_of.kind, AS_OF_NAME);
                CLEANUP(as_of_reader_freep) AsOfReader *reader = as_of_reader_new(&as_of);
                bool found = as_of_read(reader, str_of(cases[i].name), &us);
                CHECK_INT(found, cases[i].time != NULL);
                if (found)
                        CHECK_STR(time_print_us(&t->arena, us), str_of(cases[i].time));
                AsOf again;
                CHECK_OK(as_of_parse(as_of_print(&as_of, &t->arena), &t->arena, &again, &t->err));
                CHECK_STR(again.text, as_of.text);
        }
}

TEST(what_is_none_of_the_three_is_refused) {
        static const struct {
                const char *text;
                Status expected;
                AsOfKind kind;
        } cases[] = {
                { "landed", STATUS_OK, AS_OF_LANDED },          { "column day", STATUS_OK, AS_OF_COLUMN },
                { "column \"the day\"", STATUS_OK, AS_OF_COLUMN }, { "name", STATUS_BAD_VALUE, 0 },
                { "name \"(\"", STATUS_BAD_VALUE, 0 },          { "name \"\"", STATUS_BAD_VALUE, 0 },
                { "column", STATUS_BAD_VALUE, 0 },              { "yesterday", STATUS_BAD_VALUE, 0 },
                { "", STATUS_BAD_VALUE, 0 },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                AsOf as_of = { .kind = AS_OF_UNSAID };
                CHECK_STATUS(as_of_parse(str_of(cases[i].text), &t->arena, &as_of, &t->err), cases[i].expected);
                if (cases[i].expected == STATUS_OK)
                        CHECK_INT(as_of.kind, cases[i].kind);
        }
}
