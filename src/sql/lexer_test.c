/* SPDX-License-Identifier: Apache-2.0 */
#include "sql/lexer.h"

#include "base/buf.h"
#include "base/test.h"

TEST(a_statement_is_told_by_its_first_word) {
        static const struct {
                const char *sql;
                Status wanted;
                int column; /* of the place, 0 = none */
        } cases[] = {
                { "select 1", STATUS_OK, 0 },
                { "  /* a /* nested */ comment */ -- and a line\n WITH x as (select 1) select * from x ; ", STATUS_OK,
                  0 },
                { "from t", STATUS_OK, 0 },
                { "((values (1)))", STATUS_OK, 0 },
                { "select ';', \";\", $$;$$, $x$ $$ ; $x$, e'\\';', 'it''s;' -- ; no\n", STATUS_OK, 0 },
                { "select attach, \"copy\" from set_", STATUS_OK, 0 },
                { "\xEF\xBB\xBFselect\xC2\xA0"
                  "1 ",
                  STATUS_OK, 0 }, /* a byte order mark, a no-break space */
                { "copy t to 'x'", STATUS_SQL_REFUSED, 1 },
                { "  ATTACH 'x'", STATUS_SQL_REFUSED, 3 },
                { "Set threads = 1", STATUS_SQL_REFUSED, 1 },
                { "-- hi\npragma x", STATUS_SQL_REFUSED, 1 },
                { "insert into t values (1)", STATUS_SQL_REFUSED, 1 },
                { "explain select 1", STATUS_SQL_REFUSED, 1 },
                { "select 1; select 2", STATUS_SQL_REFUSED, 11 },
                { "select * from t at (version => 1)", STATUS_OK, 0 },
                { "select * from t AT /* x */ ( TIMESTAMP => now())", STATUS_OK, 0 },
                { "", STATUS_SQL_SYNTAX, 1 },
                { " -- nothing", STATUS_SQL_SYNTAX, 12 },
                { ";", STATUS_SQL_SYNTAX, 1 },
                { "selec 1", STATUS_SQL_SYNTAX, 1 },
                { "'select'", STATUS_SQL_SYNTAX, 1 },
                { "select 'open", STATUS_SQL_SYNTAX, 8 },
                { "select \"open", STATUS_SQL_SYNTAX, 8 },
                { "select $a$ open $b$", STATUS_SQL_SYNTAX, 8 },
                { "select 1 /* open", STATUS_SQL_SYNTAX, 10 },
                { "select a.b.c.d.e.f.g.\"h\", a.b.c.d from a.b.c", STATUS_OK, 0 },
                { "select a.b.c.d.e.f.g.h.i", STATUS_SQL_SYNTAX, 24 },
                { "select a . b.c.d.e.f.g.\"h\" /* */ . i", STATUS_SQL_SYNTAX, 36 },
                { "select a.f().g().h().i().j().k().l().m().n()", STATUS_OK, 0 },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Error err = { 0 };
                Status got = sql_classify(str_of(cases[i].sql), STR("q.sql"), &err);
                if (got != cases[i].wanted || err.column != cases[i].column)
                        test_fail(t, __FILE__, __LINE__, "'%s' gives %s at column %d: %s", cases[i].sql,
                                  status_name(got), err.column, err.message);
        }
}

TEST(tokens_end_where_they_should) {
        SqlLexer lexer = { .text = STR("a1.\"b\"\"c\"<='x''y' $1 ?$n 1.5e3 é") };
        static const struct {
                SqlTokenKind kind;
                const char *text;
        } wanted[] = {
                { SQL_TOKEN_WORD, "a1" },      { SQL_TOKEN_SYMBOL, "." },      { SQL_TOKEN_NAME, "\"b\"\"c\"" },
                { SQL_TOKEN_SYMBOL, "<" },     { SQL_TOKEN_SYMBOL, "=" },      { SQL_TOKEN_STRING, "'x''y'" },
                { SQL_TOKEN_PARAMETER, "$1" }, { SQL_TOKEN_PARAMETER, "?$n" }, { SQL_TOKEN_NUMBER, "1.5e3" },
                { SQL_TOKEN_WORD, "é" },       { SQL_TOKEN_END, "" },          { SQL_TOKEN_END, "" },
        };
        for (size_t i = 0; i < COUNT_OF(wanted); i++) {
                SqlToken token = sql_lex(&lexer);
                CHECK_INT(token.kind, wanted[i].kind);
                CHECK_STR(token.text, str_of(wanted[i].text));
        }
}

/* What costs an engine more than its length is refused before an engine sees it. */
TEST(long_names_and_deep_brackets_end_here) {
        static const struct {
                const char *head, *part;
                int count;
                Status wanted;
                int column;
        } cases[] = {
                { "select a", ".b", SQL_NAME_PARTS_MAX - 1, STATUS_OK, 0 },
                { "select a", ".b", SQL_NAME_PARTS_MAX, STATUS_SQL_SYNTAX, 24 },
                { "select ", "(", SQL_BRACKETS_MAX, STATUS_OK, 0 },
                { "select ", "(", SQL_BRACKETS_MAX + 1, STATUS_LIMIT, 8 + SQL_BRACKETS_MAX },
                { "select ", "[{'", 1, STATUS_SQL_SYNTAX, 10 },
                { "select ", "[{a:", SQL_BRACKETS_MAX, STATUS_LIMIT, 8 + SQL_BRACKETS_MAX / 2 * 4 },
                { "select 1", " + (2)", 2 * SQL_BRACKETS_MAX, STATUS_OK, 0 },
                { "select 1", " + '((('", SQL_BRACKETS_MAX, STATUS_OK, 0 },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                CLEANUP(buf_deinit) Buf text = { 0 };
                Error err = { 0 };
                buf_printf(&text, "%s", cases[i].head);
                for (int k = 0; k < cases[i].count; k++)
                        buf_printf(&text, "%s", cases[i].part);
                CHECK_STATUS(sql_classify(buf_view(&text), STR(""), &err), cases[i].wanted);
                CHECK_INT(err.column, cases[i].column);
        }
}

TEST(an_expression_closes_only_what_it_opens) {
        static const struct {
                const char *text;
                int column; /* of the bracket; 0 = none */
        } cases[] = {
                { "a > 1", 0 },
                { "(a > 1) or (b > 2)", 0 },
                { "a in (1, (2))", 0 },
                { "a > 1) or (1 = 1", 6 },
                { "(a))", 4 },
                { "')' = a and \")\" > 1 -- )", 0 },
                { "$$)$$ = a /* ) */", 0 },
                { "", 0 },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Error err = { 0 };
                Str text = arena_strf(&t->arena, "SELECT (\n%s\n)", cases[i].text);
                Status status = sql_expression(text, 9, strlen(cases[i].text), &err);
                CHECK_INT(status, cases[i].column ? STATUS_SQL_SYNTAX : STATUS_OK);
                CHECK_INT(err.column, cases[i].column);
                CHECK_INT(err.line, cases[i].column ? 2 : 0);
        }
}
