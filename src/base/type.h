/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Type: what a column holds, the same in project text, staging, Iceberg, Parquet and SQL.
 * Plain data, copied freely; nested types point to children in whatever arena made them.
 */
#include "base/arena.h"
#include "base/error.h"

/* kind, word in the project's text, Iceberg's name, DuckDB's name (decimal, list, struct, map are spelled by code) */
#define TYPE_TABLE(X)                                                      \
        X(BOOLEAN,     "boolean",     "boolean",     "BOOLEAN")            \
        X(INT,         "int",         "int",         "INTEGER")            \
        X(BIGINT,      "bigint",      "long",        "BIGINT")             \
        X(FLOAT,       "float",       "float",       "FLOAT")              \
        X(DOUBLE,      "double",      "double",      "DOUBLE")             \
        X(DECIMAL,     "decimal",     "decimal",     "DECIMAL")            \
        X(DATE,        "date",        "date",        "DATE")               \
        X(TIME,        "time",        "time",        "TIME")               \
        X(TIMESTAMP,   "timestamp",   "timestamp",   "TIMESTAMP")          \
        X(TIMESTAMPTZ, "timestamptz", "timestamptz", "TIMESTAMP WITH TIME ZONE") \
        X(UUID,        "uuid",        "uuid",        "UUID")               \
        X(TEXT,        "text",        "string",      "VARCHAR")            \
        X(BINARY,      "binary",      "binary",      "BLOB")               \
        X(LIST,        "list",        "list",        "LIST")               \
        X(STRUCT,      "struct",      "struct",      "STRUCT")             \
        X(MAP,         "map",         "map",         "MAP")

typedef enum TypeKind {
#define X(name, text, iceberg, duckdb) TYPE_##name,
        TYPE_TABLE(X)
#undef X
} TypeKind;

typedef struct TypeField TypeField;

typedef struct Type {
        TypeKind kind;
        int precision, scale; /* decimal: 1 <= precision <= 38, 0 <= scale <= precision */
        TypeField *fields;    /* list: one, "element"; map: "key", "value"; struct: its fields */
        size_t field_count;
} Type;

struct TypeField {
        Str name;
        int id; /* Iceberg field id, 0 = none yet */
        bool required;
        Type type;
};

#define TYPE_NESTED_DEPTH_MAX 8    /* lists and structs inside each other, in the project's text */
#define TYPE_STRUCT_FIELDS_MAX 1000

/* "decimal(12,2)": the words of the project's text. BAD_VALUE with the words that exist. Flat types only. */
Status type_parse(Str text, Type *out, Error *err);
/* ... and list<T>, struct<name T, "other name" T>, in each other. Names of a struct differ without case. */
Status type_parse_nested(Arena *arena, Str text, Type *out, Error *err);
/* How much of the text, which begins with a type, is that type: up to the blank behind it. */
size_t type_text_size(Str text);
Str type_print(Arena *arena, Type type);         /* project words; nested as list<int>, struct<a int>, map<text, int> */
Str type_print_iceberg(Arena *arena, Type type); /* flat types only */
bool type_parse_iceberg(Str text, Type *out);    /* flat types only; accepts `decimal(P, S)`; false if unknown */
Str type_print_duckdb(Arena *arena, Type type);  /* DECIMAL(12,2), STRUCT("a" INTEGER), INTEGER[], MAP(VARCHAR, INTEGER) */
/* As the engine prints it (DESCRIBE and the like); false for types that no table of ours can hold. */
bool type_parse_duckdb(Arena *arena, Str text, Type *out);
bool type_equal(Type a, Type b); /* ids and names of nested fields included */
bool type_same(Type a, Type b);  /* but for ids and `required` of nested fields */
bool type_is_nested(Type type);
Type type_copy(Arena *arena, Type type); /* with all that it points to */
