/* SPDX-License-Identifier: Apache-2.0 */
#include "sql/redact.h"

#include "base/test.h"

TEST(literals_and_comments_go_and_the_shape_stays) {
        static const struct {
                const char *sql, *wanted;
        } cases[] = {
                { "select 1", "select ?" },
                { "  select\n\ta,  b from \"x y\".z where name = 'O''Brien' and n > 1.5e3;", "select a, b from \"x y\".z where name = ? and n > ?;" },
                { "select e'\\'secret', E'x' , $$secret$$, $t$ secret $$ $t$, x'AB', U&'secret'", "select ?, ? , ?, ?, x?, U&?" },
                { "select a -- secret\n, b /* secret /* nested */ secret */ from t", "select a , b from t" },
                { "select $1, ?, $name from t limit 10", "select $1, ?, $name from t limit ?" },
                { "select decimal '1.5', date '2026-01-01', interval 1 day", "select decimal ?, date ?, interval ? day" },
                { "select 'secret", "select ?" },
                { "select \"secret", "select ?" },
                { "select $$secret", "select ?" },
                { "select 1 /* secret", "select ?" },
                { "alter role bo password 'secret'", "alter role bo password ?" },
                { "select -5, .5, a.\"b\"", "select -?, .?, a.\"b\"" },
                { "", "" },
                { "-- secret", "" },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++)
                CHECK_STR(sql_redact(str_of(cases[i].sql), &t->arena), str_of(cases[i].wanted));
}

static bool knows(void *context, Str name) {
        return str_equal_nocase(str_of(context), name);
}

TEST(of_what_failed_quoted_names_that_nothing_answers_to_go_too) {
        static const struct {
                const char *sql, *wanted;
        } cases[] = {
                { "select \"note\", \"Note\" from t where note = \"secret@x.org\"", "select \"note\", \"Note\" from t where note = ?" },
                { "select 1 as \"a\"\"b\", \"unclosed", "select ? as ?, ?" },
                { "select * from t where x = \u2018secret word\u2019 and y = 1", "select * from t where x = ? and y = ?" },
                { "select \u201cit's secret\u201d, \u201esecret\u201c, x\u00absecret\u00bby", "select ?, ?, x?y" },
                { "select \u201csecret", "select ?" },
                { "select `secret`, note", "select ?, note" },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++)
                CHECK_STR(sql_redact_failed(str_of(cases[i].sql), knows, "note", &t->arena), str_of(cases[i].wanted));
        CHECK_STR(sql_redact(STR("select \"secret\""), &t->arena), STR("select \"secret\""));
}

TEST(what_was_redacted_has_nothing_left_to_redact) {
        static const char *const cases[] = { "select 'a' || \"b\" /*c*/ || $d$e$d$", "'", "\"", "$$", "/*", "--", "select 1.2.3 e''" };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Str once = sql_redact(str_of(cases[i]), &t->arena);
                CHECK_STR(sql_redact(once, &t->arena), once);
        }
}
