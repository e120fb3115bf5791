/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Printer: the only maker of SQL text that an engine ever sees. Identifiers are always quoted, strings always escaped,
 * every operator in brackets, so that nothing in the result depends on what a user chose as a name; the engine's
 * parser reads it back into the same tree (tests/sql/corpus.sql), but for places.
 *
 * While it prints it notes where each node came from, so that an error of the engine, which counts in our text, can be
 * shown in the user's.
 */
#include "base/buf.h"
#include "base/vec.h"
#include "sql/tree.h"

typedef struct SqlMapEntry {
        uint32_t printed; /* offset in our text where the node begins */
        uint32_t source;  /* which text: 0 = the user's statement, else 1 + index of SqlMap.texts */
        SqlPlace place;
} SqlMapEntry;

typedef struct SqlMapText { /* a view's text that was inlined */
        Str name, text;
} SqlMapText;

typedef struct SqlMap {
        Arena *arena;
        VEC(SqlMapEntry) entries; /* ascending by printed */
        VEC(SqlMapText) texts;
} SqlMap;

typedef struct SqlPrinter {
        Buf *out;
        SqlMap *map;     /* or NULL */
        uint32_t source; /* what is noted for each entry */
} SqlPrinter;

void sql_print_query(SqlPrinter *printer, const SqlQuery *query); /* without brackets around it */
void sql_print_expr(SqlPrinter *printer, const SqlExpr *expr);    /* with its alias left out */
void sql_print_from(SqlPrinter *printer, const SqlFrom *from);
/* The whole statement in the arena. */
Str sql_print(Arena *arena, const SqlQuery *query);

void sql_quote_name(Buf *out, Str name); /* "a ""b""" */
void sql_quote_text(Buf *out, Str text); /* 'it''s'; bytes that a literal cannot hold go through chr() */

/* The node that printed what lies at this offset of our text: the user's place, and which text it is in. False if
 * nothing before it has one. */
bool sql_map_find(const SqlMap *map, size_t printed, uint32_t *out_source, SqlPlace *out);
