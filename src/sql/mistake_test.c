/* SPDX-License-Identifier: Apache-2.0 */
#include "sql/mistake.h"

#include "base/test.h"

TEST(what_was_meant_is_guessed_from_the_words_around) {
        static const struct {
                const char *text;
                size_t offset;
                const char *part; /* of the hint; NULL: there is none */
        } cases[] = {
                { "select a from t limit 10, 20", 24, "OFFSET" },
                { "select top 10 a from t", 11, "LIMIT 10 at the end" },
                { "select a form t", 14, "did you mean from instead of 'form'?" },
                { "selct 1", 0, "select" },
                { "select a from t were a = 1", 21, "where" },
                { "select a from t order a", 22, "ORDER BY" },
                { "select a from t for update", 16, "locked" },
                { "select a into b from t", 9, "models" },
                { "select a from t where a is 'x'", 27, "IS takes" },
                { "select 1)", 8, NULL },
                { "select a from t x y", 18, NULL },
                { "", 0, NULL },
                { "select", 100, NULL },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Str hint = sql_mistake(str_of(cases[i].text), cases[i].offset, &t->arena);
                if (cases[i].part ? str_find(hint, str_of(cases[i].part)) == hint.size : hint.size > 0)
                        test_fail(t, __FILE__, __LINE__, "%s: %.*s", cases[i].text, STR_ARG(hint));
        }
}

TEST(the_last_token_is_known) {
        CHECK(sql_is_last(STR("select 1 + "), 9));
        CHECK(sql_is_last(STR("select 1 + -- more"), 9));
        CHECK(!sql_is_last(STR("select 1 + 2"), 9));
        CHECK(!sql_is_last(STR("select 1 +"), 8));
        CHECK(!sql_is_last(STR(""), 0));
}
