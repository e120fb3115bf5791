/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Lexer: a statement's tokens, enough to tell what kind of statement it is and to say so well, before any engine sees it.
 * It decides nothing about safety: what passes here is parsed by the engine and read by tree.h.
 */
#include "base/arena.h"
#include "base/error.h"

#define SQL_NAME_PARTS_MAX 8 /* zone.stage.table.column, and fields inside of it */
#define SQL_BRACKETS_MAX 1000 /* of all kinds, in each other */

typedef enum SqlTokenKind {
        SQL_TOKEN_END,
        SQL_TOKEN_WORD,   /* keyword or plain name */
        SQL_TOKEN_NAME,   /* "quoted name" */
        SQL_TOKEN_STRING, /* 'text', E'text', $$text$$ */
        SQL_TOKEN_NUMBER,
        SQL_TOKEN_PARAMETER, /* ? $1 $name */
        SQL_TOKEN_SYMBOL,    /* one byte */
} SqlTokenKind;

typedef struct SqlToken {
        SqlTokenKind kind;
        Str text; /* as written, quotes included */
        size_t offset;
} SqlToken;

typedef struct SqlLexer {
        Str text;
        size_t at;
        bool unclosed; /* the last token, or a comment, is not closed, */
        size_t unclosed_at; /* ... which begins here */
} SqlLexer;

/* Skips white space and comments. At the end again and again SQL_TOKEN_END. */
SqlToken sql_lex(SqlLexer *lexer);

/*
 * OK for exactly one statement that asks for rows (SELECT, WITH, FROM, VALUES, TABLE, PIVOT, UNPIVOT, or a bracket).
 * SQL_REFUSED for others (SET, COPY, ATTACH, INSERT ...) and for several;
 * SQL_SYNTAX for none, for a quote that is not closed and for a name of more than SQL_NAME_PARTS_MAX parts; LIMIT for more
 * than SQL_BRACKETS_MAX brackets in each other. Each with its place; name is the file, or empty.
 */
Status sql_classify(Str text, Str name, Error *err);

/* SQL_SYNTAX, with its place in text, when the part of it that somebody wrote as one expression closes a bracket that it has
 * not opened: inside of another statement it would be more than one. */
Status sql_expression(Str text, size_t offset, size_t size, Error *err);
