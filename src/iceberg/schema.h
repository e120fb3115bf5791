/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Schema: the columns of an Iceberg table with the ids that files, statistics and history refer to. A name may
 * change, an id never does and is never used twice (spec, "Schemas and Data Types" and "Schema Evolution").
 *
 * Everything lives in the arena that made it; a Schema is not changed once made.
 */
#include "base/json.h"
#include "base/type.h"

typedef struct Schema {
        int id;
        TypeField *fields; /* every field and child has its id */
        size_t field_count;
        int *identifier_ids;
        size_t identifier_count;
        /* As it was read, docs and defaults included, so that it is written back as it was; NULL if made by us. */
        const Json *source;
} Schema;

/* CORRUPT, or SQL_REFUSED for a type that Lode has no columns for. fixed[L] reads as binary. */
Status schema_parse(const Json *json, Arena *arena, Schema *out, Error *err);
void schema_print(JsonWriter *writer, const Schema *schema);
/* The same as one text, for headers of manifests. */
Str schema_json(Arena *arena, const Schema *schema);

/* By id at any depth; NULL if absent. */
const TypeField *schema_field(const Schema *schema, int id);
/* Top level, by exact name; NULL if absent. */
const TypeField *schema_column(const Schema *schema, Str name);
/* Whether the fields are equal: ids, names, types, required. Schema ids and docs do not count. */
bool schema_equal(const Schema *a, const Schema *b);

/* What may happen to the columns that a table has. */
typedef enum SchemaChange {
        SCHEMA_EXTEND,  /* for appends: columns of old that are missing stay; types only widen as the spec allows */
        SCHEMA_REPLACE, /* for whole new content: exactly the new columns; other types under an old name get new ids */
        SCHEMA_RENAME,  /* the same, and a field with the id of an old one whose name is gone is that one under a new name */
} SchemaChange;

/*
 * Columns as a writer has them, given ids: those of old by name and compatible type, else fresh ones above
 * *last_column_id, which is raised: first a level, then its children. Ids in fields are ignored, but by RENAME, and what
 * is new is optional. old may be NULL. The result has old's schema id: metadata_with_schema gives another where they
 * differ. SQL_TYPE if EXTEND meets a type that old's cannot become, AMBIGUOUS for two columns of one name.
 */
Status schema_evolve(const Schema *old, const TypeField *fields, size_t field_count, SchemaChange change,
                     int *last_column_id, Arena *arena, Schema *out, Error *err);

/* Whether a column of one type may become the other with its old files in place: int to bigint, float to double,
 * decimal to more digits of the same scale, and equal types. */
bool schema_type_widens(Type from, Type to);
