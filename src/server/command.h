/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Command: what kind of statement a client sent, told by its first words. What is the session's own (settings,
 * transactions, cursors, prepared statements, COPY) is read whole here and never reaches an engine, nor does SELECT 1, by which
 * pools of connections ask whether theirs still lives; any other question goes on as text, to be parsed by a worker and bound;
 * all else is refused. Pure.
 *
 * Names are folded as PostgreSQL folds them: lower case unless they stand in double quotes.
 */
#include "base/arena.h"
#include "base/error.h"

typedef enum CommandKind {
        COMMAND_EMPTY,
        COMMAND_QUERY,       /* SELECT, WITH, VALUES, TABLE, FROM ... */
        COMMAND_EXPLAIN,     /* inner; analyze */
        COMMAND_BEGIN,
        COMMAND_COMMIT,
        COMMAND_ROLLBACK,
        COMMAND_SAVEPOINT,   /* name */
        COMMAND_RELEASE,     /* name */
        COMMAND_ROLLBACK_TO, /* name */
        COMMAND_SET,         /* name = values; local */
        COMMAND_SET_NOTHING, /* SET TRANSACTION, SET CONSTRAINTS, SET SESSION CHARACTERISTICS: taken, without effect */
        COMMAND_RESET,       /* name or all */
        COMMAND_SHOW,        /* name or all */
        COMMAND_DISCARD,     /* all, or a part of the session's caches */
        COMMAND_DEALLOCATE,  /* name or all */
        COMMAND_PREPARE,     /* name, types, inner */
        COMMAND_EXECUTE,     /* name, values as SQL */
        COMMAND_DECLARE,     /* name, inner, hold, binary */
        COMMAND_FETCH,       /* name, direction, count; move: MOVE */
        COMMAND_CLOSE,       /* name or all */
        COMMAND_COPY_OUT,    /* inner, copy */
        COMMAND_UNLISTEN,    /* taken: nobody listens */
        COMMAND_PASSWORD,    /* name (empty: the session's user), values[0] */
} CommandKind;

typedef enum CopyKind { COPY_TEXT, COPY_CSV, COPY_BINARY } CopyKind;

typedef struct CopyOptions {
        CopyKind kind;
        char delimiter, quote, escape;
        Str null;
        bool header;
        bool quote_all;    /* FORCE_QUOTE * */
        Str *quote_columns; /* FORCE_QUOTE (a, b) */
        size_t quote_count;
} CopyOptions;

/* A value written out in the list of a SELECT. */
typedef struct Literal {
        Str name;        /* of its column */
        bool is_integer; /* int4, else text */
        int32_t integer;
        Str text;
} Literal;

#define FETCH_ALL INT64_MAX

/* FIRST, LAST, NEXT and PRIOR are one of these; FORWARD and BACKWARD have a count of 0 or more. */
typedef enum FetchDirection { FETCH_FORWARD, FETCH_BACKWARD, FETCH_ABSOLUTE, FETCH_RELATIVE } FetchDirection;

typedef struct Command {
        CommandKind kind;
        Literal *literals;   /* of a QUERY that is SELECT of nothing else, else NULL: it wants no engine */
        size_t literal_count;
        Str text;            /* the statement, without its semicolon */
        size_t offset;       /* of text in what the client sent */
        Str name;
        bool all;
        Str *values;         /* unquoted; of EXECUTE and PREPARE's types as written */
        size_t value_count;
        bool local, to_default; /* of SET */
        bool chain;          /* COMMIT, ROLLBACK: another transaction begins at once */
        Str inner;           /* a query inside; part of text, or made in the arena */
        size_t inner_offset; /* of inner in what the client sent */
        bool hold, binary, analyze, move;
        FetchDirection direction;
        int64_t count;       /* FETCH: rows, or which one */
        CopyOptions copy;
} Command;

#define COMMANDS_MAX 1000 /* statements in one message */

/* The statements of a simple query, cut at their semicolons. A text of blanks is no statement at all. SQL_SYNTAX, LIMIT. */
Status commands_split(Str sql, Arena *arena, Command **out, size_t *out_count, Error *err);
/* Reads command->text, which commands_split() cut, into the rest. SQL_SYNTAX, SQL_REFUSED, DENIED with places in the whole. */
Status command_read(Str sql, Command *command, Arena *arena, Error *err);
