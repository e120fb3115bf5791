/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Fill: parameters of a tree become literals. A value is text that is cast to its type, never text that is read as SQL, so
 * that what a client sends stays a value; and since the tree then holds constants, files can be left out by them and
 * policies see them, as if they had been written.
 */
#include "sql/tree.h"

typedef struct SqlValue {
        bool open;         /* has no value yet: the parameter stays */
        bool null;
        Str type;          /* the engine's word: INTEGER, DECIMAL, TIMESTAMPTZ ...; empty: a literal whose place gives it its type */
        int precision, scale; /* of DECIMAL */
        bool is_list;      /* of that type; items in place of text */
        Str text;
        struct SqlValue *items;
        size_t item_count;
} SqlValue;

/* A value as an expression: its text, or its items', cast to its type. */
SqlExpr *sql_value_expr(Arena *arena, const SqlValue *value);
/* values[i] is that of $i+1. The tree is changed in place; NOT_FOUND with the place of a parameter that has none. */
Status sql_fill_parameters(SqlTree *tree, const SqlValue *values, size_t count, Arena *arena, Error *err);
/* How many values the statement needs: the highest number in it. NOT_FOUND for a parameter that has a name. */
Status sql_parameter_count(const SqlTree *tree, size_t *out, Error *err);
