/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What PostgreSQL 15 says of itself, as data: its system relations with their columns, and the rows of those tables
 * that are the same in every database (types, casts, the procedures that types name ...). pg15_data.c is written by
 * pg15_generate.py from a running server.
 *
 * Schema "-" holds what is no relation in PostgreSQL: what its functions know (keywords,
 * names of types).
 */
#include "base/cleanup.h"
#include "base/str.h"

/* What clients are told that they are connected to. */
#define PG15_VERSION "15.8"
#define PG15_VERSION_NUMBER "150008"

typedef struct Pg15Relation {
        uint32_t oid, row_type;
        char kind; /* relkind: r, v; f for what a function gives */
        const char *schema, *name;
        const char *columns;     /* "oid oid!,relname name!": names and types, ! = not null */
        const char *const *rows; /* fields between tabs, \N for NULL, arrays as [1, 2]; ends with NULL; or no rows */
} Pg15Relation;

extern const Pg15Relation PG15_RELATIONS[];
extern const size_t PG15_RELATION_COUNT;
extern const uint32_t PG15_INFORMATION_SCHEMA; /* number of that schema */

/* NULL if there is none. Names as PostgreSQL has them, in lower case. */
const Pg15Relation *pg15_relation(Str schema, Str name);

/* How a type of PostgreSQL's is kept in a file, and what it is to the engine. */
typedef struct Pg15Storage {
        const char *name;
        char stored;        /* b boolean, i 32 bits, l 64 bits, f float, d double, t text, z timestamptz */
        const char *engine; /* to be cast to when read; NULL = as it is */
} Pg15Storage;

const Pg15Storage *pg15_storage(Str type); /* never NULL: texts are the rest */

/* One row of pg_type, as far as others need it. */
typedef struct Pg15Type {
        uint32_t oid, collation;
        int length;
        bool by_value;
        char align, storage;
} Pg15Type;

/* A row of PG15_RELATIONS' pg_type. */
void pg15_type_of_row(const char *row, Str *out_name, Pg15Type *out);

/* Field i of a row above; data NULL for NULL. */
Str pg15_field(const char *row, size_t index);
int64_t pg15_number(const char *row, size_t index); /* 0 for what is none */
