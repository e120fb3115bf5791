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

TEST(what_was_redacted_has_nothing_left_to_redact) {
        static const char *const cases[] = { "select 'a' || \"b\" /*c*/ || $d$e$d$", "'", "\"", "$$", "/*", "--", "select 1.2.3 e''" };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Str once = sql_redact(str_of(cases[i]), &t->arena);
                CHECK_STR(sql_redact(once, &t->arena), once);
        }
}
