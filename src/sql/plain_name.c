/* SPDX-License-Identifier: Apache-2.0 */
#include "sql/plain_name.h"

#include "sql/lexer.h"

typedef enum Place {
        ALWAYS,       /* a name wherever it stands, but before a bracket */
        NOT_AS_ZONE,  /* AT TIME ZONE, AT LOCAL */
        NOT_AS_ORDER, /* ORDER BY, GROUP BY, PARTITION BY */
        NOT_AS_JOIN,  /* SEMI JOIN, ASOF LEFT JOIN */
        NOT_AS_OPERATOR, /* a GLOB b, FROM t QUALIFY a */
} Place;

/* What duckdb_keywords() of DuckDB 2.0.0 has as reserved or of functions and types only, and pg_get_keywords() of PostgreSQL 15 has
 * not, or as unreserved; tests/test_plain_names.py compares. The longer before those that they begin with. */
static const struct {
        const char *word;
        Place place;
} WORDS[] = {
        { "pivot_longer", ALWAYS },    { "pivot_wider", ALWAYS },      { "positional", NOT_AS_JOIN }, { "summarize", ALWAYS },
        { "describe", ALWAYS },        { "unpivot", ALWAYS },          { "qualify", NOT_AS_OPERATOR }, { "lambda", ALWAYS },
        { "unpack", ALWAYS },          { "pivot", ALWAYS },            { "anti", NOT_AS_JOIN },       { "asof", NOT_AS_JOIN },
        { "glob", NOT_AS_OPERATOR },   { "semi", NOT_AS_JOIN },        { "show", ALWAYS },            { "at", NOT_AS_ZONE },
        { "by", NOT_AS_ORDER },
};

#define STAND_IN "\xCD\xB8"    /* U+0378, which is no character, for the first two bytes */
#define STAND_IN_BY "\xCD\xB9" /* U+0379: nothing is left of `at` and `by` */

static const char *stand_in(size_t word) {
        return strcmp(WORDS[word].word, "by") == 0 ? STAND_IN_BY : STAND_IN;
}

static bool is_one_of(SqlToken token, const char *const *words, size_t count) {
        for (size_t i = 0; token.kind == SQL_TOKEN_WORD && i < count; i++)
                if (str_equal_nocase(token.text, str_of(words[i])))
                        return true;
        return false;
}

static bool is_symbol(SqlToken token, char symbol) {
        return token.kind == SQL_TOKEN_SYMBOL && token.text.data[0] == symbol;
}

/* Whether a value may have ended here, so that an operator could follow. */
static bool ends_value(SqlToken token) {
        static const char *const before[] = { "select", "distinct", "all", "where", "and", "or", "not", "by", "on", "as", "having", "when", "then",
                                              "else", "case", "between", "in", "from", "join", "is", "like", "ilike", "using" };
        if (token.kind == SQL_TOKEN_SYMBOL)
                return is_symbol(token, ')') || is_symbol(token, ']');
        return token.kind != SQL_TOKEN_END && !is_one_of(token, before, COUNT_OF(before));
}

static bool is_name(Place place, SqlToken before, SqlToken next) {
        static const char *const zones[] = { "time", "local" }, *const orders[] = { "order", "group", "partition" };
        static const char *const joins[] = { "join", "left", "right", "full", "inner", "outer" };
        if (is_symbol(before, '.') || is_symbol(next, '.'))
                return true;
        if (before.kind == SQL_TOKEN_END || is_symbol(next, '('))
                return false; /* it begins the statement, or is called */
        switch (place) {
        case NOT_AS_ZONE:
                return !is_one_of(next, zones, COUNT_OF(zones));
        case NOT_AS_ORDER:
                return !is_one_of(before, orders, COUNT_OF(orders));
        case NOT_AS_JOIN:
                return !is_one_of(next, joins, COUNT_OF(joins));
        case NOT_AS_OPERATOR:
                return !ends_value(before);
        case ALWAYS:
                break;
        }
        return true;
}

bool sql_plain_names(Str text, Arena *arena, Str *out) {
        SqlLexer lexer = { .text = text };
        SqlToken before = { 0 }, token;
        bool any = false;
        if (str_find(text, STR(STAND_IN)) < text.size || str_find(text, STR(STAND_IN_BY)) < text.size)
                return false;
        char *copy = arena_cstr(arena, text);
        for (token = sql_lex(&lexer); token.kind != SQL_TOKEN_END && !lexer.unclosed; before = token, token = sql_lex(&lexer)) {
                for (size_t i = 0; i < COUNT_OF(WORDS) && token.kind == SQL_TOKEN_WORD; i++) {
                        SqlLexer ahead = lexer;
                        if (!str_equal_nocase(token.text, str_of(WORDS[i].word)) || !is_name(WORDS[i].place, before, sql_lex(&ahead)))
                                continue;
                        memcpy(copy + token.offset, WORDS[i].word, token.text.size);
                        memcpy(copy + token.offset, stand_in(i), sizeof(STAND_IN) - 1);
                        any = true;
                }
        }
        *out = (Str){ copy, text.size };
        return any;
}

/* The word whose stand-in begins here; NULL: none. */
static const char *word_at(Str json, size_t at) {
        for (size_t i = 0; i < COUNT_OF(WORDS); i++) {
                Str word = str_of(WORDS[i].word);
                if (at + word.size <= json.size && memcmp(json.data + at, stand_in(i), 2) == 0 &&
                    memcmp(json.data + at + 2, word.data + 2, word.size - 2) == 0)
                        return WORDS[i].word;
        }
        return NULL;
}

Str sql_plain_names_back(Str json, Arena *arena) {
        char *copy = arena_cstr(arena, json);
        for (size_t i = 0; i + 1 < json.size; i++) {
                const char *word = json.data[i] == STAND_IN[0] ? word_at(json, i) : NULL;
                if (word)
                        memcpy(copy + i, word, strlen(word));
        }
        return (Str){ copy, json.size };
}
