/* SPDX-License-Identifier: Apache-2.0 */
#include "sql/client.h"

#include "base/test.h"

TEST(names_without_quotes_fold_and_nothing_else_does) {
        static const struct {
                const char *text, *folded;
        } cases[] = {
                { "SELECT A.B AS C", "select a.b as c" },
                { "select \"A\", 'B', $$E$$, $T$F$T$", "select \"A\", 'B', $$E$$, $T$F$T$" },
                { "select $Name, 1E5 -- C\n, X /* Y */", "select $Name, 1E5 -- C\n, x /* Y */" },
                { "SELECT \xC3\x84x", "select \xC3\x84x" },
                { "'open A", "'open A" },
                { "E'open A", "E'open A" },
                { "", "" },
                { "FROM ONLY a.B, only (C), x JOIN Only D", "from      a.b,       c , x join      d" },
                { "from (only a), only (select 1)", "from (     a), only (select 1)" },
                { "select 1 only, a.only, \"only\" from ONLY", "select 1 only, a.only, \"only\" from only" },
                { "fetch first 1 row only", "fetch first 1 row only" },
                { "select * FROM Rows From (F(1), g())", "select * from \"rows of\" (f(1), g())" },
                { "from ROWS /* FROM */ FROM(f())", "from \"rows of\"           (f())" },
                { "select rows from (select 1 as rows) t", "select rows from (select 1 as rows) t" },
                { "select a, rows from (select 1) t", "select a, rows from (select 1) t" },
                { "from t, lateral rows from (s.f(t.a)) u, rows from (f())", "from t, lateral \"rows of\" (s.f(t.a)) u, \"rows of\" (f())" },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Str out;
                CHECK_OK(sql_client_text(str_of(cases[i].text), &t->arena, &out, &t->err));
                CHECK_STR(out, str_of(cases[i].folded));
        }
}

TEST(escapes_become_what_they_stand_for_in_the_same_place) {
        static const struct {
                const char *text, *plain; /* NULL: refused */
        } cases[] = {
                { "select E'a\\nb', X", "select 'a\nb'  , x" },
                { "E'it\\'s'", "'it''s' " },
                { "e'it''s'", "'it''s' " },
                { "E'\\x41\\u00e9\\101\\q'", "'A\xC3\xA9" "Aq'            " },
                { "E'\\uD83D\\uDE00'", "'\xF0\x9F\x98\x80'         " },
                { "E'\\U0001F600'", "'\xF0\x9F\x98\x80'       " },
                { "E'\\x27\\47'", "''''''    " },
                { "E'\\\\'", "'\\'  " },
                { "E'\\xc3\\xa9'", "'\xC3\xA9'       " },
                { "U&'d\\0061t\\+000061\\\\'", "'data\\'              " },
                { "u&'\\D83D\\DE00'", "'\xF0\x9F\x98\x80'        " },
                { "col_u&'a'", "col_u&'a'" },
                { "E'\\0'", NULL },
                { "E'\\x00'", NULL },
                { "E'\\xff'", NULL },
                { "E'\\uD83D'", NULL },
                { "E'\\uDE00'", NULL },
                { "E'\\u12'", NULL },
                { "U&'\\12'", NULL },
                { "select X'1F'", NULL },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Str out = STR(""), text = str_of(cases[i].text);
                Status status = sql_client_text(text, &t->arena, &out, &t->err);
                if (cases[i].plain ? status != STATUS_OK || !str_is(out, cases[i].plain) || out.size != text.size : status == STATUS_OK)
                        test_fail(t, __FILE__, __LINE__, "%s became |%.*s|", cases[i].text, STR_ARG(out));
        }
}
