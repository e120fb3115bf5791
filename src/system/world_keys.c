/* SPDX-License-Identifier: Apache-2.0 */
#include "system/world_keys.h"

#include "base/hash.h"
#include "base/json.h"
#include "base/vec.h"

/* Above all numbers that are made of objects. */
#define OID_KEYS 0x40000000
#define OID_INDEXES 0x60000000
#define OID_ROOM 0x1fffffff

typedef struct Reading {
        Arena *arena;
        World *world;
        VEC(WorldKey *) keys;
} Reading;

/* ---- names ---- */

static bool is_plain(Str name) {
        bool plain = name.size > 0 && !(name.data[0] >= '0' && name.data[0] <= '9');
        for (size_t i = 0; i < name.size; i++)
                plain &= (name.data[i] >= 'a' && name.data[i] <= 'z') || (name.data[i] >= '0' && name.data[i] <= '9') || name.data[i] == '_';
        return plain;
}

void world_put_name(Buf *out, Str name) {
        if (is_plain(name))
                buf_append(out, name);
        else
                buf_append_quoted(out, name, '"');
}

static void put_columns(Buf *out, const WorldKey *key) {
        buf_append_byte(out, '(');
        for (size_t i = 0; i < key->count; i++) {
                buf_append_cstr(out, i ? ", " : "");
                world_put_name(out, key->table->columns[key->columns[i] - 1].name);
        }
        buf_append_byte(out, ')');
}

static void put_table(Buf *out, const WorldTable *table) {
        world_put_name(out, table->schema_name);
        buf_append_byte(out, '.');
        world_put_name(out, table->name);
}

Str world_key_definition(const WorldKey *key, Arena *arena) {
        CLEANUP(buf_deinit) Buf out = { 0 };
        buf_append_cstr(&out, key->kind == 'p' ? "PRIMARY KEY " : key->kind == 'f' ? "FOREIGN KEY " : key->nulls_equal ? "UNIQUE NULLS NOT DISTINCT " : "UNIQUE ");
        put_columns(&out, key);
        if (key->target) {
                buf_append_cstr(&out, " REFERENCES ");
                put_table(&out, key->target->table);
                put_columns(&out, key->target);
                buf_append_cstr(&out, " NOT VALID");
        }
        return buf_dup(&out, arena);
}

Str world_key_index_definition(const WorldKey *key, Arena *arena) {
        CLEANUP(buf_deinit) Buf out = { 0 };
        buf_append_cstr(&out, "CREATE UNIQUE INDEX ");
        world_put_name(&out, key->name);
        buf_append_cstr(&out, " ON ");
        put_table(&out, key->table);
        buf_append_cstr(&out, " USING btree ");
        put_columns(&out, key);
        buf_append_cstr(&out, key->nulls_equal ? " NULLS NOT DISTINCT" : "");
        return buf_dup(&out, arena);
}

Str world_key_columns(const WorldKey *key, Arena *arena) {
        CLEANUP(buf_deinit) Buf out = { 0 };
        for (size_t i = 0; i < key->count; i++)
                buf_printf(&out, "%s%d", i ? ", " : "[", key->columns[i]);
        buf_append_byte(&out, ']');
        return buf_dup(&out, arena);
}

bool world_table_has_key(const World *world, const WorldTable *table, bool reference) {
        for (size_t i = 0; i < world->key_count; i++) {
                const WorldKey *key = world->keys[i];
                bool is_its = key->table == table || (reference && key->target && key->target->table == table);
                if (is_its && (key->kind == 'f') == reference)
                        return true;
        }
        return false;
}

/* ---- finding ---- */

/* Of a table that is not seen whole nothing is promised: a mask makes equal what was not, and empty what was required. */
static WorldTable *find_table(World *world, Str zone, Str stage, Str name) {
        for (size_t i = 0; i < world->table_count; i++) {
                WorldTable *table = &world->tables[i];
                if (table->kind == 'r' && table->whole && str_equal(table->zone, zone) && str_equal(table->stage, stage) && str_equal(table->name, name))
                        return table;
        }
        return NULL;
}

/* From 1; 0 = none. */
static int find_column(const WorldTable *table, Str name) {
        for (size_t i = 0; i < table->column_count; i++)
                if (str_equal_nocase(table->columns[i].name, name))
                        return (int)i + 1;
        return 0;
}

static const WorldKey *find_key(const Reading *reading, const WorldTable *table, int column) {
        for (size_t i = 0; i < reading->keys.count; i++) {
                const WorldKey *key = reading->keys.items[i];
                if (key->table == table && key->kind != 'f' && key->count == 1 && key->columns[0] == column)
                        return key;
        }
        return NULL;
}

/* ---- making ---- */

static WorldKey *add_key(Reading *reading, const WorldTable *table, char kind, Str name, int *columns, size_t count) {
        WorldKey *key = ARENA_NEW(reading->arena, WorldKey);
        uint64_t hash = hash64_stable(arena_strf(reading->arena, "%lld %.*s", (long long)table->oid, STR_ARG(name)));
        int64_t number = (int64_t)(hash & OID_ROOM);
        *key = (WorldKey){ .oid = OID_KEYS + number, .index = OID_INDEXES + number, .kind = kind, .name = name, .table = table, .columns = columns, .count = count };
        vec_push(reading->arena, &reading->keys, key);
        return key;
}

static void add_unique(Reading *reading, WorldTable *table, int column) {
        int *columns = ARENA_NEW(reading->arena, int);
        columns[0] = column;
        if (column > 0 && !find_key(reading, table, column))
                add_key(reading, table, 'u', arena_strf(reading->arena, "%.*s_%.*s_key", STR_ARG(table->name), STR_ARG(table->columns[column - 1].name)), columns, 1);
}

static void add_main(Reading *reading, const WorldTable *table, const Json *names) {
        size_t count = json_count(names);
        int *columns = ARENA_ARRAY(reading->arena, int, count);
        bool required = true;
        for (size_t i = 0; i < count; i++) {
                columns[i] = find_column(table, json_string(json_at(names, i)));
                if (columns[i] == 0)
                        return;
                required &= table->columns[columns[i] - 1].required;
        }
        if (count == 0)
                return;
        WorldKey *key = add_key(reading, table, required ? 'p' : 'u', arena_strf(reading->arena, "%.*s_%s", STR_ARG(table->name), required ? "pkey" : "key"), columns, count);
        key->nulls_equal = !required;
}

static void require(WorldTable *table, Str name) {
        int column = find_column(table, name);
        if (column > 0)
                table->columns[column - 1].required = true;
}

static void take_model(Reading *reading, WorldTable *table, const Json *body) {
        const Json *required = json_get(body, "required"), *unique = json_get(body, "unique");
        for (size_t i = 0; i < json_count(required); i++)
                require(table, json_string(json_at(required, i)));
        add_main(reading, table, json_get(body, "key"));
        for (size_t i = 0; i < json_count(unique); i++)
                add_unique(reading, table, find_column(table, json_string(json_at(unique, i))));
}

static void take_source(Reading *reading, WorldTable *table, const Json *body) {
        const Json *columns = json_get(body, "columns");
        for (size_t i = 0; i < json_count(columns); i++) {
                const Json *column = json_at(columns, i);
                if (json_bool(json_get(column, "required"), false))
                        require(table, json_string(json_get(column, "name")));
                if (json_bool(json_get(column, "unique"), false))
                        add_unique(reading, table, find_column(table, json_string(json_get(column, "name"))));
        }
}

/* [zone.]stage.table.column: the key of what it leads to. */
static const WorldKey *find_target(const Reading *reading, const WorldTable *from, Str path) {
        Str parts[4] = { 0 };
        size_t count = 0;
        for (bool more = true; more && count < COUNT_OF(parts); count++)
                more = str_cut(path, '.', &parts[count], &path);
        if (count < 3)
                return NULL;
        Str zone = count == 4 ? parts[0] : from->zone;
        const WorldTable *table = find_table(reading->world, zone, parts[count - 3], parts[count - 2]);
        return table ? find_key(reading, table, find_column(table, parts[count - 1])) : NULL;
}

/* Once all keys are known. */
static void take_references(Reading *reading, WorldTable *table, const Json *body) {
        const Json *references = json_get(body, "references");
        for (size_t i = 0; i < json_count(references); i++) {
                int *columns = ARENA_NEW(reading->arena, int);
                columns[0] = find_column(table, json_string(json_get(json_at(references, i), "column")));
                const WorldKey *target = find_target(reading, table, json_string(json_get(json_at(references, i), "to")));
                if (columns[0] == 0 || !target)
                        continue;
                WorldKey *key = add_key(reading, table, 'f', arena_strf(reading->arena, "%.*s_%.*s_fkey", STR_ARG(table->name), STR_ARG(table->columns[columns[0] - 1].name)), columns, 1);
                key->target = target;
                key->index = target->index;
        }
}

typedef void (*Take)(Reading *reading, WorldTable *table, const Json *body);

/* The table of a model ("canonical.order") or of a source ("orders"). */
static WorldTable *table_of(Reading *reading, const CatalogObject *object) {
        Str stage, name;
        if (str_is(object->kind, "source"))
                return find_table(reading->world, object->zone, STR("staging"), object->name);
        return str_cut(object->name, '.', &stage, &name) ? find_table(reading->world, object->zone, stage, name) : NULL;
}

static Status take_all(Reading *reading, const SystemSpec *spec, Str kind, Take take, Take then, Error *err) {
        CatalogObject *objects;
        size_t count;
        TRY(catalog_list(spec->lake->catalog, spec->at, kind, STR_NONE, reading->arena, &objects, &count, err));
        const Json **bodies = ARENA_ARRAY(reading->arena, const Json *, count);
        for (size_t i = 0; i < count; i++) {
                WorldTable *table = table_of(reading, &objects[i]);
                Json *body;
                if (!table)
                        continue;
                TRY(json_parse(objects[i].body, NULL, reading->arena, &body, err));
                bodies[i] = body;
                take(reading, table, body);
        }
        for (size_t i = 0; then && i < count; i++)
                if (bodies[i])
                        then(reading, table_of(reading, &objects[i]), bodies[i]);
        return STATUS_OK;
}

Status world_keys_read(const SystemSpec *spec, Arena *arena, World *world, Error *err) {
        Reading reading = { .arena = arena, .world = world };
        TRY(take_all(&reading, spec, STR("source"), take_source, NULL, err));
        TRY(take_all(&reading, spec, STR("model"), take_model, take_references, err));
        world->keys = reading.keys.items;
        world->key_count = reading.keys.count;
        return STATUS_OK;
}
