/* SPDX-License-Identifier: Apache-2.0 */
/*
 * information_schema: the world in the words of the SQL standard. It lists what the principal may read, and of
 * PostgreSQL's own relations nothing: clients look for tables here, not for the catalog.
 */
#include "system/world_keys.h"
#include "system/parts.h"

#define OWNER STR("lode")

static Status make_catalog_name(System *system, RowFile *file, Error *err) {
        return ROW(file, err, TEXT(system->spec.session.database));
}

static Status make_character_sets(System *system, RowFile *file, Error *err) {
        Str database = system->spec.session.database;
        return ROW(file, err, NOTHING, NOTHING, WORD("UTF8"), WORD("UCS"), WORD("UTF8"), TEXT(database),
                   WORD("pg_catalog"), WORD("C.UTF-8"));
}

static Status schema_row(System *system, RowFile *file, Str name, Error *err) {
        return ROW(file, err, TEXT(system->spec.session.database), TEXT(name), TEXT(OWNER), NOTHING, NOTHING, NOTHING, NOTHING);
}

static Status make_schemata(System *system, RowFile *file, Error *err) {
        const World *world;
        TRY(system_world(system, &world, err));
        static const char *const own[] = { "information_schema", "pg_catalog", "public" };
        for (size_t i = 0; i < COUNT_OF(own); i++)
                TRY(schema_row(system, file, str_of(own[i]), err));
        for (size_t i = 0; i < world->schema_count; i++)
                TRY(schema_row(system, file, world->schemas[i].name, err));
        return STATUS_OK;
}

static Status make_tables(System *system, RowFile *file, Error *err) {
        const World *world;
        TRY(system_world(system, &world, err));
        for (size_t i = 0; i < world->table_count; i++) {
                const WorldTable *table = &world->tables[i];
                TRY(ROW(file, err, TEXT(system->spec.session.database), TEXT(table->schema_name), TEXT(table->name),
                        TEXT(table->kind == 'v' ? STR("VIEW") : STR("BASE TABLE")), NOTHING, NOTHING, NOTHING, NOTHING,
                        NOTHING, WORD("NO"), WORD("NO"), NOTHING));
        }
        return STATUS_OK;
}

static Status make_views(System *system, RowFile *file, Error *err) {
        const World *world;
        TRY(system_world(system, &world, err));
        for (size_t i = 0; i < world->table_count; i++) {
                const WorldTable *table = &world->tables[i];
                if (table->kind == 'v')
                        TRY(ROW(file, err, TEXT(system->spec.session.database), TEXT(table->schema_name), TEXT(table->name),
                                TEXT(table->sql), WORD("NONE"), WORD("NO"), WORD("NO"), WORD("NO"), WORD("NO"), WORD("NO")));
        }
        return STATUS_OK;
}

/* ---- columns ---- */

/* What the standard says of a type of ours. -1 = NULL. */
typedef struct TypeWords {
        uint32_t oid;
        const char *name, *udt;
        int bits, radix, scale, time_digits, bytes;
} TypeWords;

static const TypeWords TYPES[] = {
        { 16, "boolean", "bool", -1, -1, -1, -1, -1 },
        { 17, "bytea", "bytea", -1, -1, -1, -1, -1 },
        { 20, "bigint", "int8", 64, 2, 0, -1, -1 },
        { 23, "integer", "int4", 32, 2, 0, -1, -1 },
        { 25, "text", "text", -1, -1, -1, -1, 1073741824 },
        { 114, "json", "json", -1, -1, -1, -1, -1 },
        { 700, "real", "float4", 24, 2, -1, -1, -1 },
        { 701, "double precision", "float8", 53, 2, -1, -1, -1 },
        { 1043, "character varying", "varchar", -1, -1, -1, -1, 1073741824 },
        { 1082, "date", "date", -1, -1, -1, 0, -1 },
        { 1083, "time without time zone", "time", -1, -1, -1, 6, -1 },
        { 1114, "timestamp without time zone", "timestamp", -1, -1, -1, 6, -1 },
        { 1184, "timestamp with time zone", "timestamptz", -1, -1, -1, 6, -1 },
        { 1700, "numeric", "numeric", -1, 10, -1, -1, -1 },
        { 2950, "uuid", "uuid", -1, -1, -1, -1, -1 },
};

static const struct {
        uint32_t oid;
        const char *udt;
} ARRAYS[] = {
        { 1000, "_bool" }, { 1001, "_bytea" },     { 1007, "_int4" },        { 1015, "_varchar" }, { 1016, "_int8" },
        { 1021, "_float4" }, { 1022, "_float8" },  { 1115, "_timestamp" },   { 1182, "_date" },    { 1183, "_time" },
        { 1185, "_timestamptz" }, { 1231, "_numeric" }, { 2951, "_uuid" },
};

static TypeWords words_of(const WorldColumn *column) {
        for (size_t i = 0; i < COUNT_OF(TYPES); i++) {
                TypeWords words = TYPES[i];
                if (words.oid != column->type)
                        continue;
                if (column->modifier >= 4 && column->dimensions == 0) {
                        words.bits = (column->modifier - 4) >> 16;
                        words.scale = (column->modifier - 4) & 0xFFFF;
                }
                return words;
        }
        TypeWords array = { column->type, "ARRAY", "_text", -1, -1, -1, -1, -1 };
        for (size_t i = 0; i < COUNT_OF(ARRAYS); i++)
                if (ARRAYS[i].oid == column->type)
                        array.udt = ARRAYS[i].udt;
        return array;
}

static Cell number_or_null(int value) {
        return value < 0 ? NOTHING : NUMBER(value);
}

static Status column_row(System *system, RowFile *file, const WorldTable *table, size_t index, Error *err) {
        const WorldColumn *column = &table->columns[index];
        TypeWords words = words_of(column);
        Str database = system->spec.session.database;
        Str number = arena_strf(&system->arena, "%zu", index + 1);
        return ROW(file, err, TEXT(database), TEXT(table->schema_name), TEXT(table->name), TEXT(column->name),
                   NUMBER(index + 1), NOTHING, TEXT(column->required ? STR("NO") : STR("YES")), TEXT(str_of(words.name)),
                   NOTHING, number_or_null(words.bytes), number_or_null(words.bits), number_or_null(words.radix),
                   number_or_null(words.scale), number_or_null(words.time_digits), NOTHING, NOTHING, NOTHING, NOTHING,
                   NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, TEXT(database), WORD("pg_catalog"),
                   TEXT(str_of(words.udt)), NOTHING, NOTHING, NOTHING, NOTHING, TEXT(number), WORD("NO"), WORD("NO"),
                   NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, WORD("NO"), WORD("NEVER"), NOTHING, WORD("NO"));
}

static Status make_columns(System *system, RowFile *file, Error *err) {
        const World *world;
        TRY(system_world(system, &world, err));
        for (size_t i = 0; i < world->table_count; i++)
                for (size_t k = 0; k < world->tables[i].column_count; k++)
                        TRY(column_row(system, file, &world->tables[i], k, err));
        return STATUS_OK;
}

/* ---- privileges: what is listed may be read ---- */

static Status make_table_privileges(System *system, RowFile *file, Error *err) {
        const World *world;
        TRY(system_world(system, &world, err));
        for (size_t i = 0; i < world->table_count; i++) {
                const WorldTable *table = &world->tables[i];
                TRY(ROW(file, err, TEXT(OWNER), TEXT(system->spec.principal.name), TEXT(system->spec.session.database),
                        TEXT(table->schema_name), TEXT(table->name), WORD("SELECT"), WORD("NO"), WORD("YES")));
        }
        return STATUS_OK;
}

static Status make_column_privileges(System *system, RowFile *file, Error *err) {
        const World *world;
        TRY(system_world(system, &world, err));
        for (size_t i = 0; i < world->table_count; i++) {
                const WorldTable *table = &world->tables[i];
                for (size_t k = 0; k < table->column_count; k++)
                        TRY(ROW(file, err, TEXT(OWNER), TEXT(system->spec.principal.name), TEXT(system->spec.session.database),
                                TEXT(table->schema_name), TEXT(table->name), TEXT(table->columns[k].name), WORD("SELECT"), WORD("NO")));
        }
        return STATUS_OK;
}

static Status make_enabled_roles(System *system, RowFile *file, Error *err) {
        return ROW(file, err, TEXT(system->spec.principal.name));
}

/* ---- keys ---- */

static Status make_table_constraints(System *system, RowFile *file, Error *err) {
        const World *world;
        TRY(system_world(system, &world, err));
        Str database = system->spec.session.database;
        for (size_t i = 0; i < world->key_count; i++) {
                const WorldKey *key = world->keys[i];
                Str type = key->kind == 'p' ? STR("PRIMARY KEY") : key->kind == 'u' ? STR("UNIQUE") : STR("FOREIGN KEY");
                Cell distinct = key->kind == 'u' ? TEXT(key->nulls_equal ? STR("NO") : STR("YES")) : NOTHING;
                TRY(ROW(file, err, TEXT(database), TEXT(key->table->schema_name), TEXT(key->name), TEXT(database), TEXT(key->table->schema_name),
                        TEXT(key->table->name), TEXT(type), WORD("NO"), WORD("NO"), WORD("YES"), distinct));
        }
        return STATUS_OK;
}

static Status make_key_columns(System *system, RowFile *file, Error *err) {
        const World *world;
        TRY(system_world(system, &world, err));
        Str database = system->spec.session.database;
        for (size_t i = 0; i < world->key_count; i++) {
                const WorldKey *key = world->keys[i];
                for (size_t k = 0; k < key->count; k++)
                        TRY(ROW(file, err, TEXT(database), TEXT(key->table->schema_name), TEXT(key->name), TEXT(database),
                                TEXT(key->table->schema_name), TEXT(key->table->name), TEXT(key->table->columns[key->columns[k] - 1].name),
                                NUMBER(k + 1), key->target ? NUMBER(k + 1) : NOTHING));
        }
        return STATUS_OK;
}

static Status make_references(System *system, RowFile *file, Error *err) {
        const World *world;
        TRY(system_world(system, &world, err));
        Str database = system->spec.session.database;
        for (size_t i = 0; i < world->key_count; i++) {
                const WorldKey *key = world->keys[i];
                if (key->target)
                        TRY(ROW(file, err, TEXT(database), TEXT(key->table->schema_name), TEXT(key->name), TEXT(database),
                                TEXT(key->target->table->schema_name), TEXT(key->target->name), WORD("NONE"), WORD("NO ACTION"), WORD("NO ACTION")));
        }
        return STATUS_OK;
}

/* Of a reference, what it leads to. */
static Status make_constraint_columns(System *system, RowFile *file, Error *err) {
        const World *world;
        TRY(system_world(system, &world, err));
        Str database = system->spec.session.database;
        for (size_t i = 0; i < world->key_count; i++) {
                const WorldKey *key = world->keys[i], *used = key->target ? key->target : key;
                for (size_t k = 0; k < used->count; k++)
                        TRY(ROW(file, err, TEXT(database), TEXT(used->table->schema_name), TEXT(used->table->name),
                                TEXT(used->table->columns[used->columns[k] - 1].name), TEXT(database), TEXT(key->table->schema_name), TEXT(key->name)));
        }
        return STATUS_OK;
}

const MadeRelation INFORMATION_SCHEMA_RELATIONS[] = {
        { "information_schema", "information_schema_catalog_name", NULL, make_catalog_name },
        { "information_schema", "character_sets", NULL, make_character_sets },
        { "information_schema", "schemata", NULL, make_schemata },
        { "information_schema", "tables", NULL, make_tables },
        { "information_schema", "views", NULL, make_views },
        { "information_schema", "columns", NULL, make_columns },
        { "information_schema", "table_privileges", NULL, make_table_privileges },
        { "information_schema", "role_table_grants", NULL, make_table_privileges },
        { "information_schema", "column_privileges", NULL, make_column_privileges },
        { "information_schema", "role_column_grants", NULL, make_column_privileges },
        { "information_schema", "enabled_roles", NULL, make_enabled_roles },
        { "information_schema", "table_constraints", NULL, make_table_constraints },
        { "information_schema", "key_column_usage", NULL, make_key_columns },
        { "information_schema", "referential_constraints", NULL, make_references },
        { "information_schema", "constraint_column_usage", NULL, make_constraint_columns },
        { 0 },
};
