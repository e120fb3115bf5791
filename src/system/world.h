/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * World: the zones, tables and views of one branch and commit that one principal may see, as a PostgreSQL client finds
 * them in the database it is connected to: what may not be seen is not in it, so that nothing made from it can leak.
 *
 * Databases: one per zone, whose schemas are its stages (and `other.egress` for products that other zones granted);
 * and `lode` and `postgres`, whose schemas are called zone.stage. Numbers (OIDs) are made of the catalog's object ids,
 * so they stay the same for as long as the object lives. Lives in the arena; read-only once made.
 */
#include "lake/table.h"
#include "lake/view.h"
#include "system/system.h"

/* An object has eight numbers: itself, and what hangs on it. */
enum { OID_SELF, OID_ROW_TYPE, OID_ARRAY_TYPE, OID_KEY };
#define OIDS_EACH 8
#define OID_FIRST 16384
#define OID_PUBLIC 2200
#define OID_OWNER 10 /* the role that owns everything */
#define OID_USER 16383
#define OID_CATALOG_SCHEMA 11

typedef struct WorldColumn {
        Str name;
        uint32_t type; /* PostgreSQL's number of it */
        int32_t modifier; /* -1 = none */
        int dimensions;
        bool required;
        Str words; /* its type in the project's words */
        Str about;
} WorldColumn;

typedef struct WorldTable {
        int64_t oid;
        int64_t schema; /* its oid */
        Str schema_name, zone, stage, name, about, kind_word; /* table | view | quarantine, as the catalog has it */
        char kind;      /* relkind: r or v */
        WorldColumn *columns; /* those that `*` gives */
        size_t column_count;
        bool own;   /* of the schema lode: it is no zone's, and lode.tables does not list it */
        bool whole; /* this principal sees all of it: only then what follows is told */
        int64_t rows, files, bytes;
        Str sql; /* of a view, if all that it reads may be seen */
        Str commit;
        int64_t changed_us;
} WorldTable;

typedef struct WorldSchema {
        int64_t oid;
        Str name, zone, stage;
} WorldSchema;

typedef struct WorldDatabase {
        int64_t oid;
        Str name;
} WorldDatabase;

typedef struct World {
        WorldDatabase *databases;
        size_t database_count;
        WorldSchema *schemas;
        size_t schema_count;
        WorldTable *tables; /* by schema and name */
        size_t table_count;
        int64_t database; /* the session's own */
        struct WorldKey **keys; /* system/world_keys.h */
        size_t key_count;
} World;

/* own: tables that are there besides, all of one schema. */
Status world_read(const SystemSpec *spec, const WorldTable *own, size_t own_count, Arena *arena, World *out, Error *err);
/* The type that clients are told for one of ours. */
uint32_t world_type(Type type, int32_t *out_modifier, int *out_dimensions);
