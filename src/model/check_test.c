/* SPDX-License-Identifier: Apache-2.0 */
#include "model/check.h"

#include "base/test.h"

static Model *parse(Test *t, const char *text) {
        Problems *problems = ARENA_NEW(&t->arena, Problems);
        problems->arena = &t->arena;
        return model_parse(&t->arena, STR("shop"), STAGE_CANONICAL, STR("order"), "order.sql", str_of(text), problems);
}

TEST(promises_come_before_checks_and_a_key_of_a_unique_column_is_asked_once) {
        static const struct {
                const char *head, *names;
        } cases[] = {
                { "", "" },
                { "-- check a: x > 0, else warn\n", "a" },
                { "-- key: x\n", "key(x)" },
                { "-- key: x, y\n-- column x: int unique\n", "key(x, y) unique(x)" },
                { "-- key: X\n-- column x: int required unique\n-- check a: x > 0, else stop\n", "required(x) unique(x) a" },
                { "-- column x: required\n-- column y: text -> canonical.z.y\n", "required(x)" },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                ModelCheck *checks;
                size_t count;
                checks_of_model(parse(t, arena_printf(&t->arena, "%sselect 1 as x, 2 as y", cases[i].head)), &t->arena, &checks, &count);
                CLEANUP(buf_deinit) Buf names = { 0 };
                for (size_t k = 0; k < count; k++)
                        buf_printf(&names, "%s%.*s", k ? " " : "", STR_ARG(checks[k].name));
                CHECK_STR(buf_dup(&names, &t->arena), str_of(cases[i].names));
        }
}

TEST(promises_stop_and_quote_their_columns) {
        ModelCheck *checks;
        size_t count;
        checks_of_model(parse(t, "-- column a\"b: int required\nselect 1"), &t->arena, &checks, &count);
        CHECK_INT(count, 1);
        CHECK_INT(checks[0].severity, CHECK_STOP);
        CHECK_STR(checks[0].expression, STR("\"a\"\"b\" IS NOT NULL"));
        CHECK_STR(checks[0].promise, STR("a\"b is never empty"));
}

TEST(a_reference_has_three_or_four_parts) {
        static const struct {
                const char *text, *parts;
        } cases[] = {
                { "crm.canonical.client.no", "crm canonical client no" },
                { "canonical.client.no", "shop canonical client no" },
                { "client.no", "" }, { "a.b.c.d.e", "" }, { "a..b.c", "" }, { ".a.b.c", "" }, { "a.b.c.", "" }, { "", "" },
        };
        Model *model = parse(t, "select 1");
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Str zone, stage, table, column, got = STR("");
                if (reference_parts(model, str_of(cases[i].text), &zone, &stage, &table, &column))
                        got = arena_strf(&t->arena, "%.*s %.*s %.*s %.*s", STR_ARG(zone), STR_ARG(stage), STR_ARG(table), STR_ARG(column));
                CHECK_STR(got, str_of(cases[i].parts));
        }
}

TEST(only_what_quarantines_takes_rows_out) {
        const Model *model = parse(t, "-- check a: x > 0, else quarantine\n-- check b: y > 0, else warn\n-- check c: z > 0, else quarantine\nselect 1");
        CheckSubject of = check_subject_of_model(model);
        Str hidden[] = { STR("_file") };
        of.hidden = hidden;
        of.hidden_count = 1;
        CHECK_STR(check_judging_sql(&of, model->checks, model->check_count, &t->arena),
                  STR("WITH this AS (SELECT *, \"_file\" FROM \"shop\".canonical.\"order\") SELECT *, coalesce((\nx > 0\n), true) AS "
                      "\"verdict of check 0\", coalesce((\nz > 0\n), true) AS \"verdict of check 2\" FROM this"));
}

TEST(what_fails_is_a_row_or_the_table) {
        const Model *model = parse(t, "-- check a: (select count(*) from this) > 0, else stop\nselect 1");
        CheckSubject of = check_subject_of_model(model);
        CheckReport report = { .check = &model->checks[0], .state = CHECK_STATE_FAILED, .rows = 1, .of_table = true };
        CHECK_STR(check_failing_sql(&of, report.check, true, &t->arena),
                  STR("WITH this AS (SELECT * FROM \"shop\".canonical.\"order\") SELECT (SELECT count(*) FROM this) AS \"rows\" WHERE NOT "
                      "coalesce((\n(select count(*) from this) > 0\n), true)"));
        CHECK_STR(check_words(&report, &t->arena), STR("check a does not hold for the table"));
        report.of_table = false;
        CHECK_STR(check_words(&report, &t->arena), STR("check a does not hold for 1 row"));
}

TEST(the_first_that_stops_is_the_verdict) {
        const Model *model = parse(t, "-- check a: x > 0, else warn\n-- check b: y > 0, else stop\n-- check c: z > 0, else stop\nselect 1");
        CheckSubject of = check_subject_of_model(model);
        CheckReport reports[] = {
                { .check = &model->checks[0], .state = CHECK_STATE_WARN, .rows = 5 },
                { .check = &model->checks[1], .state = CHECK_STATE_OK },
        };
        CHECK_OK(checks_verdict(&of, reports, COUNT_OF(reports), &t->err));
        reports[1] = (CheckReport){ .check = &model->checks[1], .state = CHECK_STATE_FAILED, .rows = 1 };
        CHECK_STATUS(checks_verdict(&of, reports, COUNT_OF(reports), &t->err), STATUS_CHECK_FAILED);
        CHECK_STR(str_of(t->err.message), STR("check b does not hold for 1 row: the zone keeps the tables it had"));
        CHECK_INT(t->err.line, 2);
        CHECK_INT(t->err.column, 13);
}
