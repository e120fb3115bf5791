/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * PostgreSQL's catalog functions, casts and operators in the engine's words. Clients ask the system relations in
 * PostgreSQL's SQL; the engine parses nearly all of it but does not know what it means. dialect_apply() changes a tree
 * before its names are judged:
 *
 *   pg_catalog.lower(x), x::pg_catalog.text         names without their schema
 *   a OPERATOR(pg_catalog.~) b                      the operator itself
 *   format_type(t, m), pg_get_userbyid(o) ...       templates (SQL_TEMPLATE) over system relations
 *   x::regclass, x::regclass::text                  a number; the name that belongs to it
 *   x = ANY ('{a,b}'), '{1,2}'::int[]               array literals
 *   indkey[n]                                       int2vector counts from 0
 *   to_char(t, 'YYYY-MM'), btrim(x) ...             functions that the engine has under another name
 *   unnest(a, b), ROWS FROM (f(x), g(y))            (in FROM) one SELECT of unnest()s
 *   a SIMILAR TO 'x%'                               (of clients) the regular expression that PostgreSQL means
 *   a LIKE 'x\_%', varchar(3), numeric, DESC        (of clients) what PostgreSQL takes them for
 *
 * In a template's text {schema.name} stands for the rows of a system relation, {database}, {schema}, {user} and {session_user} for the
 * session's, $1 to $9 for the arguments. Subqueries in it are never correlated: an argument stands outside of them,
 * so no alias of ours can catch a name of the statement's. Only called where there are system relations.
 */
#include "govern/bind.h"

/* Nothing here fails but for what the arena cannot give, a SIMILAR TO whose pattern is not written out, and functions that
 * cannot stand in ROWS FROM; what is not known is left for others to refuse. client: the text is a PostgreSQL client's, and
 * means what it means there also where the engine takes it for something else. */
Status dialect_apply(const SqlTree *tree, SqlQuery *query, bool client, Arena *arena, Error *err);
/* A pattern of to_char() as the engine's strftime() takes it; false for what that cannot say the same way. */
bool dialect_time_format(Str format, Arena *arena, Str *out);
/* A pattern of SIMILAR TO as a regular expression for whole texts; escape: one character, or empty. False for what has none. */
bool dialect_similar(Str text, Str escape, Arena *arena, Str *out);
/* A call of FROM as a SELECT of a row for each element: ROWS FROM, unnest() of several, or a value. SQL_REFUSED. */
Status dialect_rows(const SqlTree *tree, SqlFrom *from, Arena *arena, Error *err);

/* Whether a word of the text is pg_something or information_schema. */
bool dialect_is_about_catalog(Str sql);
/* A cast to regclass, regtype ... */
bool dialect_object_kind(const SqlExpr *type, ObjectKind *out);
const char *dialect_object_word(ObjectKind kind); /* "relation" */
SqlExpr *dialect_number(Arena *arena, int64_t number, SqlPlace at);

/* What a function of PostgreSQL's is here; NULL if there is none of that name and number of arguments. */
const char *dialect_template(Str name, size_t argument_count);
