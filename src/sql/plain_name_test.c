/* SPDX-License-Identifier: Apache-2.0 */
#include "sql/plain_name.h"

#include "base/test.h"

#define AT "\xCD\xB8"
#define BY "\xCD\xB9"

TEST(words_of_the_engine_stand_as_names_where_postgresql_takes_names) {
        static const struct {
                const char *text, *named; /* NULL: none stands as a name */
        } cases[] = {
                { "select at, kind from t", "select " AT ", kind from t" },
                { "select AT from t where At > 'at' order by at desc", "select " AT " from t where " AT " > 'at' order by " AT " desc" },
                { "select t.at at time zone 'UTC', at at local from t", "select t." AT " at time zone 'UTC', " AT " at local from t" },
                { "select by, count(*) from t group by by order by by", "select " BY ", count(*) from t group by " BY " order by " BY },
                { "select sum(a) over (partition by by)", "select sum(a) over (partition by " BY ")" },
                { "select 1 as show, semi from a semi join b using (semi)", "select 1 as " AT "ow, " AT "mi from a semi join b using (" AT "mi)" },
                { "from a asof left join b on a.asof >= b.asof", "from a asof left join b on a." AT "of >= b." AT "of" },
                { "select glob from t where glob glob 'x*'", "select " AT "ob from t where " AT "ob glob 'x*'" },
                { "select qualify from t qualify qualify = 1", "select " AT "alify from t qualify qualify = 1" },
                { "select pivot, unpivot, pivot_longer from t", "select " AT "vot, " AT "pivot, " AT "vot_longer from t" },
                { "from t at (version => 3) where at = 1", "from t at (version => 3) where " AT " = 1" },
                { "from t at (version => 3)", NULL },
                { "select a from t order by a", NULL },
                { "select 'at', \"at\", $$by$$ /* show */ from t", NULL },
                { "describe t", NULL },
                { "select at, '" AT "' from t", NULL },
                { "select at, 'open", "select " AT ", 'open" },
                { "", NULL },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Str out = STR(""), text = str_of(cases[i].text);
                bool any = sql_plain_names(text, &t->arena, &out);
                if (any != (cases[i].named != NULL) || (any && (!str_is(out, cases[i].named) || out.size != text.size)))
                        test_fail(t, __FILE__, __LINE__, "%s became |%.*s|", cases[i].text, STR_ARG(out));
        }
}

TEST(every_such_word_comes_back) {
        static const char *const words[] = { "anti", "asof", "at", "by", "describe", "glob", "lambda", "pivot", "pivot_longer", "pivot_wider",
                                             "positional", "qualify", "semi", "show", "summarize", "unpack", "unpivot" };
        for (size_t i = 0; i < COUNT_OF(words); i++) {
                Str text = arena_strf(&t->arena, "select %s, t.%s as %s from t", words[i], words[i], words[i]), named;
                bool any = sql_plain_names(text, &t->arena, &named);
                CHECK(any && !str_equal(text, named));
                if (any)
                        CHECK_STR(sql_plain_names_back(named, &t->arena), text);
        }
        CHECK_STR(sql_plain_names_back(STR("[\"" AT "x\", \"\xCD"), &t->arena), STR("[\"atx\", \"\xCD"));
}
