/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pg_namespace, pg_class, pg_attribute, pg_type and pg_database: PostgreSQL's own relations first, then the world's.
 * What no Parquet table has (defaults, triggers, rules, storage parameters) is what PostgreSQL says of a plain table.
 */
#include "system/world_keys.h"
#include "system/parts.h"

#define SCHEMA_CATALOG STR("pg_catalog")
#define ACCESS_HEAP 2
#define ACCESS_BTREE 403
#define TOAST_SCHEMA 99
#define TABLESPACE_DEFAULT 1663
#define ENCODING_UTF8 6
/* Procedures of row types and of arrays. */
#define RECORD_IN 2290
#define RECORD_OUT 2291
#define RECORD_RECEIVE 2402
#define RECORD_SEND 2403
#define ARRAY_IN 750
#define ARRAY_OUT 751
#define ARRAY_RECEIVE 2400
#define ARRAY_SEND 2401
#define ARRAY_ANALYZE 3816
#define ARRAY_SUBSCRIPT 6179

static int64_t schema_of(const Pg15Relation *relation) {
        return str_is(str_of(relation->schema), "pg_catalog") ? OID_CATALOG_SCHEMA : PG15_INFORMATION_SCHEMA;
}

static bool is_relation(const Pg15Relation *relation) {
        return relation->kind != 'f';
}

/* ---- pg_namespace, pg_database ---- */

static Status namespace_row(RowFile *file, int64_t oid, Str name, Error *err) {
        return ROW(file, err, NUMBER(oid), TEXT(name), NUMBER(OID_OWNER), NOTHING);
}

static Status make_namespaces(System *system, RowFile *file, Error *err) {
        const World *world;
        TRY(system_world(system, &world, err));
        TRY(namespace_row(file, TOAST_SCHEMA, STR("pg_toast"), err));
        TRY(namespace_row(file, OID_CATALOG_SCHEMA, SCHEMA_CATALOG, err));
        TRY(namespace_row(file, OID_PUBLIC, STR("public"), err));
        TRY(namespace_row(file, PG15_INFORMATION_SCHEMA, STR("information_schema"), err));
        for (size_t i = 0; i < world->schema_count; i++)
                TRY(namespace_row(file, world->schemas[i].oid, world->schemas[i].name, err));
        return STATUS_OK;
}

static Status make_databases(System *system, RowFile *file, Error *err) {
        const World *world;
        TRY(system_world(system, &world, err));
        for (size_t i = 0; i < world->database_count; i++)
                TRY(ROW(file, err, NUMBER(world->databases[i].oid), TEXT(world->databases[i].name), NUMBER(OID_OWNER),
                        NUMBER(ENCODING_UTF8), WORD("c"), BOOL(false), BOOL(true), NUMBER(-1), NUMBER(0), NUMBER(0),
                        NUMBER(TABLESPACE_DEFAULT), WORD("C.UTF-8"), WORD("C.UTF-8"), NOTHING, NOTHING, NOTHING));
        return STATUS_OK;
}

/* ---- pg_class ---- */

typedef struct ClassRow {
        int64_t oid, schema, row_type;
        Str name;
        char kind;
        size_t columns;
        int64_t rows; /* -1 = unknown */
        int64_t bytes;
        bool has_index, has_trigger; /* PostgreSQL keeps a reference by triggers, and clients look for it where there are some */
} ClassRow;

static Status class_row(RowFile *file, const ClassRow *row, Error *err) {
        bool table = row->kind == 'r', index = row->kind == 'i';
        return ROW(file, err, NUMBER(row->oid), TEXT(row->name), NUMBER(row->schema), NUMBER(row->row_type), NUMBER(0),
                   NUMBER(OID_OWNER), NUMBER(table ? ACCESS_HEAP : index ? ACCESS_BTREE : 0), NUMBER(table || index ? row->oid : 0), NUMBER(0),
                   NUMBER(row->bytes / 8192), REAL((double)row->rows), NUMBER(0), NUMBER(0), BOOL(row->has_index), BOOL(false),
                   WORD("p"), TEXT(((Str){ &row->kind, 1 })), NUMBER(row->columns), NUMBER(0), BOOL(!table && !index),
                   BOOL(row->has_trigger), BOOL(false), BOOL(false), BOOL(false), BOOL(true), TEXT(table ? STR("d") : STR("n")),
                   BOOL(false), NUMBER(0), NUMBER(0), NUMBER(0), NOTHING, NOTHING, NOTHING);
}

static size_t count_columns(const char *columns) {
        size_t count = *columns != '\0';
        for (const char *at = columns; *at; at++)
                count += *at == ',';
        return count;
}

static Status own_classes(System *system UNUSED, RowFile *file, Error *err) {
        for (size_t i = 0; i < PG15_RELATION_COUNT; i++) {
                const Pg15Relation *own = &PG15_RELATIONS[i];
                if (!is_relation(own))
                        continue;
                ClassRow row = { own->oid, schema_of(own), own->row_type, str_of(own->name), own->kind,
                                 count_columns(own->columns), -1, 0 };
                TRY(class_row(file, &row, err));
        }
        return STATUS_OK;
}

static Status make_classes(System *system, RowFile *file, Error *err) {
        const World *world;
        TRY(system_world(system, &world, err));
        for (size_t i = 0; i < world->table_count; i++) {
                const WorldTable *table = &world->tables[i];
                ClassRow row = { table->oid, table->schema, table->oid + OID_ROW_TYPE, table->name, table->kind,
                                 table->column_count, table->kind == 'r' && table->whole ? table->rows : -1, table->bytes };
                row.has_index = world_table_has_key(world, table, false);
                row.has_trigger = world_table_has_key(world, table, true);
                TRY(class_row(file, &row, err));
        }
        for (size_t i = 0; i < world->key_count; i++) {
                const WorldKey *key = world->keys[i];
                ClassRow row = { key->index, key->table->schema, 0, key->name, 'i', key->count, 0, 0 };
                if (key->kind != 'f')
                        TRY(class_row(file, &row, err));
        }
        return STATUS_OK;
}

/* ---- pg_attribute ---- */

typedef struct AttributeRow {
        int64_t relation;
        Str name;
        size_t number; /* from 1 */
        int32_t modifier;
        int dimensions;
        bool required;
} AttributeRow;

static Status attribute_row(RowFile *file, const AttributeRow *row, const Pg15Type *type, Error *err) {
        return ROW(file, err, NUMBER(row->relation), TEXT(row->name), NUMBER(type->oid), NUMBER(-1),
                   NUMBER(type->length), NUMBER(row->number), NUMBER(row->dimensions), NUMBER(-1),
                   NUMBER(row->modifier), BOOL(type->by_value), TEXT(((Str){ &type->align, 1 })),
                   TEXT(((Str){ &type->storage, 1 })), WORD(""), BOOL(row->required), BOOL(false), BOOL(false),
                   WORD(""), WORD(""), BOOL(false), BOOL(true), NUMBER(0), NUMBER(type->collation), NOTHING, NOTHING,
                   NOTHING, NOTHING);
}

/* Types by number or by name, read from their rows once. */
typedef struct TypeIndex {
        Map by_name, by_oid;
} TypeIndex;

static void index_types(TypeIndex *index, Arena *arena) {
        map_init(&index->by_name, arena);
        map_init(&index->by_oid, arena);
        const Pg15Relation *types = pg15_relation(SCHEMA_CATALOG, STR("pg_type"));
        for (const char *const *row = types->rows; *row; row++) {
                Pg15Type *type = ARENA_NEW(arena, Pg15Type);
                Str name;
                pg15_type_of_row(*row, &name, type);
                map_put(&index->by_name, name, type);
                map_put(&index->by_oid, arena_strf(arena, "%u", type->oid), type);
        }
}

static bool is_array(Str type) {
        return type.data[0] == '_' || str_ends_with(type, STR("vector"));
}

static Status own_attributes(System *system UNUSED, RowFile *file, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        TypeIndex index;
        index_types(&index, &arena);
        for (size_t i = 0; i < PG15_RELATION_COUNT; i++) {
                const Pg15Relation *own = &PG15_RELATIONS[i];
                size_t count;
                if (!is_relation(own))
                        continue;
                const SystemColumn *columns = system_columns(&arena, own->columns, &count);
                for (size_t k = 0; k < count; k++) {
                        AttributeRow row = { own->oid, columns[k].name, k + 1, -1,
                                             own->kind == 'r' && is_array(columns[k].type), columns[k].not_null };
                        TRY(attribute_row(file, &row, map_get(&index.by_name, columns[k].type), err));
                }
        }
        return STATUS_OK;
}

/* An index has columns of its own, of the table's types. */
static Status index_attributes(RowFile *file, const WorldKey *key, TypeIndex *index, Arena *arena, Error *err) {
        for (size_t k = 0; k < key->count; k++) {
                const WorldColumn *column = &key->table->columns[key->columns[k] - 1];
                AttributeRow row = { key->index, column->name, k + 1, column->modifier, column->dimensions, false };
                TRY(attribute_row(file, &row, map_get(&index->by_oid, arena_strf(arena, "%u", column->type)), err));
        }
        return STATUS_OK;
}

static Status make_attributes(System *system, RowFile *file, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        const World *world;
        TypeIndex index;
        TRY(system_world(system, &world, err));
        index_types(&index, &arena);
        for (size_t i = 0; i < world->table_count; i++) {
                const WorldTable *table = &world->tables[i];
                for (size_t k = 0; k < table->column_count; k++) {
                        const WorldColumn *column = &table->columns[k];
                        AttributeRow row = { table->oid, column->name, k + 1, column->modifier, column->dimensions,
                                             column->required };
                        Str oid = arena_strf(&arena, "%u", column->type);
                        TRY(attribute_row(file, &row, map_get(&index.by_oid, oid), err));
                }
        }
        for (size_t i = 0; i < world->key_count; i++)
                if (world->keys[i]->kind != 'f')
                        TRY(index_attributes(file, world->keys[i], &index, &arena, err));
        return STATUS_OK;
}

/* ---- pg_type ---- */

static Status row_type(RowFile *file, const WorldTable *table, Error *err) {
        return ROW(file, err, NUMBER(table->oid + OID_ROW_TYPE), TEXT(table->name), NUMBER(table->schema),
                   NUMBER(OID_OWNER), NUMBER(-1), BOOL(false), WORD("c"), WORD("C"), BOOL(false), BOOL(true), WORD(","),
                   NUMBER(table->oid), NUMBER(0), NUMBER(0), NUMBER(table->oid + OID_ARRAY_TYPE), NUMBER(RECORD_IN),
                   NUMBER(RECORD_OUT), NUMBER(RECORD_RECEIVE), NUMBER(RECORD_SEND), NUMBER(0), NUMBER(0), NUMBER(0),
                   WORD("d"), WORD("x"), BOOL(false), NUMBER(0), NUMBER(-1), NUMBER(0), NUMBER(0), NOTHING, NOTHING,
                   NOTHING);
}

static Status array_type(RowFile *file, const WorldTable *table, Str name, Error *err) {
        return ROW(file, err, NUMBER(table->oid + OID_ARRAY_TYPE), TEXT(name), NUMBER(table->schema), NUMBER(OID_OWNER),
                   NUMBER(-1), BOOL(false), WORD("b"), WORD("A"), BOOL(false), BOOL(true), WORD(","), NUMBER(0),
                   NUMBER(ARRAY_SUBSCRIPT), NUMBER(table->oid + OID_ROW_TYPE), NUMBER(0), NUMBER(ARRAY_IN),
                   NUMBER(ARRAY_OUT), NUMBER(ARRAY_RECEIVE), NUMBER(ARRAY_SEND), NUMBER(0), NUMBER(0),
                   NUMBER(ARRAY_ANALYZE), WORD("d"), WORD("x"), BOOL(false), NUMBER(0), NUMBER(-1), NUMBER(0),
                   NUMBER(0), NOTHING, NOTHING, NOTHING);
}

static Status make_types(System *system, RowFile *file, Error *err) {
        const World *world;
        TRY(system_world(system, &world, err));
        for (size_t i = 0; i < world->table_count; i++) {
                const WorldTable *table = &world->tables[i];
                TRY(row_type(file, table, err));
                TRY(array_type(file, table, arena_strf(&system->arena, "_%.*s", STR_ARG(table->name)), err));
        }
        return STATUS_OK;
}

/* ---- pg_description ---- */

#define CLASS_OF_RELATIONS 1259

static Status make_descriptions(System *system, RowFile *file, Error *err) {
        const World *world;
        TRY(system_world(system, &world, err));
        for (size_t i = 0; i < world->table_count; i++) {
                const WorldTable *table = &world->tables[i];
                if (table->about.size > 0)
                        TRY(ROW(file, err, NUMBER(table->oid), NUMBER(CLASS_OF_RELATIONS), NUMBER(0), TEXT(table->about)));
                for (size_t k = 0; k < table->column_count; k++)
                        if (table->columns[k].about.size > 0)
                                TRY(ROW(file, err, NUMBER(table->oid), NUMBER(CLASS_OF_RELATIONS), NUMBER(k + 1),
                                        TEXT(table->columns[k].about)));
        }
        return STATUS_OK;
}

/* ---- pg_constraint, pg_index ---- */

static Status make_constraints(System *system, RowFile *file, Error *err) {
        const World *world;
        TRY(system_world(system, &world, err));
        for (size_t i = 0; i < world->key_count; i++) {
                const WorldKey *key = world->keys[i];
                bool reference = key->kind == 'f';
                Str action = reference ? STR("a") : STR(" "), match = reference ? STR("s") : STR(" ");
                Cell target = reference ? TEXT(world_key_columns(key->target, &system->arena)) : NOTHING;
                TRY(ROW(file, err, NUMBER(key->oid), TEXT(key->name), NUMBER(key->table->schema), TEXT(((Str){ &key->kind, 1 })), BOOL(false),
                        BOOL(false), BOOL(!reference), NUMBER(key->table->oid), NUMBER(0), NUMBER(key->index), NUMBER(0),
                        NUMBER(reference ? key->target->table->oid : 0), TEXT(action), TEXT(action), TEXT(match), BOOL(true), NUMBER(0),
                        BOOL(true), TEXT(world_key_columns(key, &system->arena)), target, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING));
        }
        return STATUS_OK;
}

/* [0, 0] */
static Str zeros(const WorldKey *key, Arena *arena) {
        WorldKey none = *key;
        none.columns = ARENA_ARRAY(arena, int, key->count);
        return world_key_columns(&none, arena);
}

static Status make_indexes(System *system, RowFile *file, Error *err) {
        const World *world;
        TRY(system_world(system, &world, err));
        for (size_t i = 0; i < world->key_count; i++) {
                const WorldKey *key = world->keys[i];
                Str none = zeros(key, &system->arena);
                if (key->kind != 'f')
                        TRY(ROW(file, err, NUMBER(key->index), NUMBER(key->table->oid), NUMBER(key->count), NUMBER(key->count), BOOL(true),
                                BOOL(key->nulls_equal), BOOL(key->kind == 'p'), BOOL(false), BOOL(true), BOOL(false), BOOL(true), BOOL(false),
                                BOOL(true), BOOL(true), BOOL(false), TEXT(world_key_columns(key, &system->arena)), TEXT(none), TEXT(none), TEXT(none),
                                NOTHING, NOTHING));
        }
        return STATUS_OK;
}

const MadeRelation PG_CATALOG_RELATIONS[] = {
        { "pg_catalog", "pg_namespace", NULL, make_namespaces },
        { "pg_catalog", "pg_database", NULL, make_databases },
        { "pg_catalog", "pg_class", NULL, make_classes, own_classes },
        { "pg_catalog", "pg_attribute", NULL, make_attributes, own_attributes },
        { "pg_catalog", "pg_type", NULL, make_types },
        { "pg_catalog", "pg_description", NULL, make_descriptions },
        { "pg_catalog", "pg_constraint", NULL, make_constraints },
        { "pg_catalog", "pg_index", NULL, make_indexes },
        { 0 },
};
