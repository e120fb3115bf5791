/* SPDX-License-Identifier: Apache-2.0 */
#include "sql/mistake.h"

#include "sql/lexer.h"

typedef struct Around { /* tokens before the one that is wrong, it, and the one behind it */
        SqlToken third, second, before, at, behind;
} Around;

static Around tokens_around(Str text, size_t offset) {
        SqlLexer lexer = { .text = text };
        Around around = { 0 };
        while ((around.at = sql_lex(&lexer)).kind != SQL_TOKEN_END && around.at.offset < offset) {
                around.third = around.second;
                around.second = around.before;
                around.before = around.at;
        }
        around.behind = sql_lex(&lexer);
        return around;
}

static bool is(SqlToken token, const char *text) {
        return token.kind != SQL_TOKEN_END && str_equal_nocase(token.text, str_of(text));
}

/* What is wrong, by the word before the place or at it, and what is written instead. */
static const struct {
        const char *third, *second, *before, *at, *hint; /* NULL: anything */
} KNOWN[] = {
        { NULL, "limit", NULL, ",", "how many, and how many to leave out: LIMIT 20 OFFSET 10" },
        { NULL, "select", "top", NULL, "TOP 10 is LIMIT 10 at the end of the statement" },
        { NULL, NULL, NULL, "for", "nothing is locked: a transaction sees one commit, whole" },
        { NULL, NULL, NULL, "into", "tables are written by sources and models: zones/ZONE/canonical/NAME.sql" },
        { NULL, NULL, "order", NULL, "ORDER BY" },
        { NULL, NULL, "group", NULL, "GROUP BY" },
        { NULL, NULL, NULL, "=", "one = compares, <> is its opposite" },
        { NULL, NULL, "is", NULL, "IS takes NULL, TRUE, FALSE or DISTINCT FROM; = compares values" },
};

static bool fits(const char *wanted, SqlToken token) {
        return !wanted || is(token, wanted);
}

/* A keyword that the word is nearly. */
static Str keyword_near(SqlToken token) {
        static const char *const words[] = { "select", "from",  "where",  "group",   "order", "having", "limit", "offset", "join",
                                             "inner",  "outer", "union",  "between", "ilike", "values", "over",  "partition", "distinct",
                                             "like",   "left",  "right",  "with",    "when",  "then",   "else",  "case",   "null",
                                             "true",   "desc",  "using",  "cross" };
        Str known[COUNT_OF(words)];
        if (token.kind != SQL_TOKEN_WORD || token.text.size < 4)
                return STR_NONE;
        for (size_t i = 0; i < COUNT_OF(words); i++) {
                known[i] = str_of(words[i]);
                if (str_equal_nocase(token.text, known[i]))
                        return STR_NONE;
        }
        return str_nearest(token.text, known, COUNT_OF(words));
}

Str sql_mistake(Str text, size_t offset, Arena *arena) {
        Around around = tokens_around(text, offset);
        for (size_t i = 0; i < COUNT_OF(KNOWN); i++)
                if (fits(KNOWN[i].third, around.third) && fits(KNOWN[i].second, around.second) && fits(KNOWN[i].before, around.before) &&
                    fits(KNOWN[i].at, around.at))
                        return str_of(KNOWN[i].hint);
        const SqlToken nearby[] = { around.at, around.before, around.second, around.behind };
        for (size_t i = 0; i < COUNT_OF(nearby); i++) {
                Str guess = keyword_near(nearby[i]);
                if (guess.size > 0)
                        return arena_strf(arena, "did you mean %.*s instead of '%.*s'?", STR_ARG(guess), STR_ARG(nearby[i].text));
        }
        return STR_NONE;
}

bool sql_is_last(Str text, size_t offset) {
        Around around = tokens_around(text, offset);
        return around.at.kind != SQL_TOKEN_END && around.at.offset == offset && around.behind.kind == SQL_TOKEN_END;
}
