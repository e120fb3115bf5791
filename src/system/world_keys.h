/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Keys: what models and sources promise of their columns (key, unique, required, ->), as the constraints that clients of
 * PostgreSQL look for. A key is a primary key where all its columns are required, and else unique with equal NULLs, which
 * is what is checked. A reference is a foreign key where what it leads to may be seen and is a key there. Each key and
 * unique column has an index by name, since clients look keys up there; there is none in fact.
 *
 * They are the promises of the text in force; the last build held them, or its table was not published. References are looked at
 * by `lode check --data` alone and hold nothing back: they are NOT VALID. Tables that are not seen whole have none.
 */
#include "system/world.h"

typedef struct WorldKey {
        int64_t oid, index; /* numbers made of the table's and the name; index is the target's of a reference */
        char kind;          /* contype: p, u or f */
        bool nulls_equal;
        Str name;
        const WorldTable *table;
        int *columns;       /* numbers from 1 */
        size_t count;
        const struct WorldKey *target; /* of a reference, else NULL; only one column */
} WorldKey;

/* Reads the promises for the tables that the world has: sets its keys, and which columns are required. */
Status world_keys_read(const SystemSpec *spec, Arena *arena, World *world, Error *err);
/* Whether the table has a key; or, if asked for references, one of those, in either direction. */
bool world_table_has_key(const World *world, const WorldTable *table, bool reference);
/* PRIMARY KEY (a, b) */
Str world_key_definition(const WorldKey *key, Arena *arena);
/* CREATE UNIQUE INDEX name ON schema.t USING btree (a, b) */
Str world_key_index_definition(const WorldKey *key, Arena *arena);
/* [1, 2], as the engine reads an array. */
Str world_key_columns(const WorldKey *key, Arena *arena);
/* A name as SQL writes it: quoted where it is not plain. */
void world_put_name(Buf *out, Str name);
