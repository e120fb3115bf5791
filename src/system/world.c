/* SPDX-License-Identifier: Apache-2.0 */
#include "system/world.h"
#include "system/world_keys.h"

#include "base/map.h"
#include "base/vec.h"
#include "govern/guard.h"

/* Stages in the order in which data passes them; each zone's schemas are numbered by it. */
static const char *const STAGES[] = { "landing", "staging", "quarantine", "canonical", "analytical", "egress" };

/* ---- types ---- */

static const struct {
        TypeKind kind;
        uint32_t oid, array;
} TYPES[] = {
        { TYPE_BOOLEAN, 16, 1000 },     { TYPE_INT, 23, 1007 },         { TYPE_BIGINT, 20, 1016 },
        { TYPE_FLOAT, 700, 1021 },      { TYPE_DOUBLE, 701, 1022 },     { TYPE_DECIMAL, 1700, 1231 },
        { TYPE_DATE, 1082, 1182 },      { TYPE_TIME, 1083, 1183 },      { TYPE_TIMESTAMP, 1114, 1115 },
        { TYPE_TIMESTAMPTZ, 1184, 1185 }, { TYPE_UUID, 2950, 2951 },    { TYPE_TEXT, 1043, 1015 },
        { TYPE_BINARY, 17, 1001 },
};

#define OID_JSON 114

uint32_t world_type(Type type, int32_t *out_modifier, int *out_dimensions) {
        *out_modifier = -1;
        *out_dimensions = 0;
        const Type *element = type.kind == TYPE_LIST ? &type.fields[0].type : &type;
        for (size_t i = 0; i < COUNT_OF(TYPES); i++) {
                if (TYPES[i].kind != element->kind)
                        continue;
                if (element->kind == TYPE_DECIMAL)
                        *out_modifier = (int32_t)((uint32_t)element->precision << 16 | (uint32_t)element->scale) + 4;
                *out_dimensions = type.kind == TYPE_LIST;
                return type.kind == TYPE_LIST ? TYPES[i].array : TYPES[i].oid;
        }
        return OID_JSON; /* structs, maps, lists of lists */
}

/* ---- numbers ---- */

static int64_t oid_of(int64_t object, int part) {
        return OID_FIRST + OIDS_EACH * object + part;
}

static int stage_number(Str stage) {
        for (size_t i = 0; i < COUNT_OF(STAGES); i++)
                if (str_is(stage, STAGES[i]))
                        return (int)i;
        return (int)COUNT_OF(STAGES);
}

/* ---- reading ---- */

typedef struct Reading {
        const SystemSpec *spec;
        Arena *arena;
        World *out;
        BindSource source, now; /* for policies; no rows are wanted of what they read */
        Map zones; /* name to WorldDatabase: those with something to see */
        VEC(WorldDatabase) databases;
        VEC(WorldSchema) schemas;
        VEC(WorldTable) tables;
} Reading;

static bool is_whole(const SystemSpec *spec) {
        return str_is(spec->session.database, "lode") || str_is(spec->session.database, "postgres");
}

/* How the session's database calls this schema; no data when it is not in it. */
static Str schema_name(const Reading *reading, Str zone, Str stage) {
        if (is_whole(reading->spec))
                return arena_strf(reading->arena, "%.*s.%.*s", STR_ARG(zone), STR_ARG(stage));
        if (str_equal(zone, reading->spec->session.database))
                return stage;
        if (str_is(stage, "egress"))
                return arena_strf(reading->arena, "%.*s.egress", STR_ARG(zone));
        return STR_NONE;
}

static int64_t zone_number(const Reading *reading, Str zone) {
        for (size_t i = 0; i < reading->databases.count; i++)
                if (str_equal(reading->databases.items[i].name, zone))
                        return reading->databases.items[i].oid;
        return 0;
}

static int64_t use_schema(Reading *reading, Str name, Str zone, Str stage) {
        for (size_t i = 0; i < reading->schemas.count; i++)
                if (str_equal(reading->schemas.items[i].name, name))
                        return reading->schemas.items[i].oid;
        int64_t oid = zone_number(reading, zone) + 1 + stage_number(stage);
        vec_push(reading->arena, &reading->schemas, (WorldSchema){ oid, name, zone, stage });
        return oid;
}

/* Where an object stands; false for what the text of access alone keeps from this principal. */
static bool place(const Reading *reading, Str kind, Str zone, Str full_name, WorldTable *out) {
        if (!str_cut(full_name, '.', &out->stage, &out->name))
                return false;
        if (str_is(kind, "quarantine"))
                out->stage = STR("quarantine");
        out->zone = zone;
        out->kind_word = kind;
        return sight_allows(reading->spec->sight, &reading->spec->principal, zone, out->stage, out->name);
}

/* What of it there is for this principal; false: nothing. */
static Status look(const Reading *reading, const WorldTable *table, const Relation *relation, const Policy **out, bool *there, Error *err) {
        Relation placed = *relation;
        placed.zone = table->zone;
        placed.stage = table->stage;
        placed.name = table->name;
        TRY(sight_policy(reading->spec->sight, &reading->spec->principal, &placed, &reading->source, reading->arena, out, err));
        *there = !*out || !(*out)->nothing;
        return STATUS_OK;
}

/* False for what is not for this database. */
static bool settle(Reading *reading, WorldTable *table) {
        map_put(&reading->zones, table->zone, reading);
        table->schema_name = schema_name(reading, table->zone, table->stage);
        if (!table->schema_name.data)
                return false;
        table->whole = sight_is_whole(reading->spec->sight, &reading->spec->principal, table->zone, table->stage, table->name);
        return true;
}

static void take_column(const Reading *reading, WorldColumn *out, Str name, Type type, Str about) {
        *out = (WorldColumn){ .name = name, .about = about, .words = type_print(reading->arena, type) };
        out->type = world_type(type, &out->modifier, &out->dimensions);
}

static void take_columns(Reading *reading, WorldTable *taken, const Relation *relation, const Str *abouts, const Policy *policy) {
        taken->columns = ARENA_ARRAY(reading->arena, WorldColumn, relation->column_count);
        for (size_t i = 0; i < relation->column_count; i++) {
                const RelationColumn *column = &relation->columns[i];
                const PolicyMask *mask = policy_mask(policy, column->name);
                if (column->hidden || policy_withholds(policy, column->name))
                        continue;
                take_column(reading, &taken->columns[taken->column_count++], column->name, mask ? mask->type : column->type,
                            abouts ? abouts[i] : STR_NONE);
        }
        taken->schema = use_schema(reading, taken->schema_name, taken->zone, taken->stage);
        vec_push(reading->arena, &reading->tables, *taken);
}

/* How many rows there are, and when that changed, is told of a table that is seen whole. */
static Status take_table(Reading *reading, const Table *table, Error *err) {
        const TableBody *body = &table->body;
        WorldTable taken = { .oid = oid_of(table->oid, OID_SELF), .kind = 'r', .about = body->about };
        Relation relation = { .kind = RELATION_TABLE, .column_count = body->column_count };
        if (!place(reading, table->kind, table->zone, table->name, &taken))
                return STATUS_OK;
        Str *abouts = ARENA_ARRAY(reading->arena, Str, body->column_count);
        relation.columns = ARENA_ARRAY(reading->arena, RelationColumn, body->column_count);
        for (size_t i = 0; i < body->column_count; i++) {
                abouts[i] = body->columns[i].about;
                relation.columns[i] = (RelationColumn){ body->columns[i].name, body->columns[i].type, body->columns[i].id, body->columns[i].hidden, STR_NONE };
        }
        const Policy *policy;
        bool there;
        TRY(look(reading, &taken, &relation, &policy, &there, err));
        if (!there || !settle(reading, &taken))
                return STATUS_OK;
        if (taken.whole) {
                taken.rows = body->rows;
                taken.files = body->files;
                taken.bytes = body->bytes;
                taken.commit = table->commit;
                taken.changed_us = table->changed_us;
        }
        take_columns(reading, &taken, &relation, abouts, policy);
        return STATUS_OK;
}

/* A view's text names what it reads, so it is for those who may see all of that. */
static bool sees_inputs(const SystemSpec *spec, const ViewBody *body) {
        for (size_t i = 0; i < body->input_count; i++) {
                Str zone, stage, name, rest;
                bool whole = str_cut(body->inputs[i].table, '.', &zone, &rest) && str_cut(rest, '.', &stage, &name);
                if (!whole || !sight_is_whole(spec->sight, &spec->principal, zone, stage, name))
                        return false;
        }
        return true;
}

static Status take_view(Reading *reading, const CatalogObject *object, Error *err) {
        WorldTable taken = { .oid = oid_of(object->oid, OID_SELF), .kind = 'v' };
        if (!place(reading, object->kind, object->zone, object->name, &taken))
                return STATUS_OK;
        ViewBody body;
        TRY(view_body_parse(object->body, reading->arena, &body, err));
        Relation relation = { .kind = RELATION_VIEW, .column_count = body.column_count };
        relation.columns = ARENA_ARRAY(reading->arena, RelationColumn, body.column_count);
        for (size_t i = 0; i < body.column_count; i++)
                relation.columns[i] = (RelationColumn){ .name = body.column_names[i], .type = body.column_types[i] };
        const Policy *policy;
        bool there;
        TRY(look(reading, &taken, &relation, &policy, &there, err));
        if (!there || !settle(reading, &taken))
                return STATUS_OK;
        taken.about = body.about;
        if (taken.whole) {
                taken.commit = object->commit;
                taken.changed_us = object->changed_us;
                taken.sql = sees_inputs(reading->spec, &body) ? body.sql : STR_NONE;
        }
        take_columns(reading, &taken, &relation, NULL, policy);
        return STATUS_OK;
}

static Status take_kind(Reading *reading, Str kind, Error *err) {
        Table *tables;
        size_t count;
        TRY(lake_tables(reading->spec->lake, reading->spec->at, kind, STR_NONE, reading->arena, &tables, &count, err));
        for (size_t i = 0; i < count; i++)
                TRY(take_table(reading, &tables[i], err));
        return STATUS_OK;
}

/* The zones there are, seen or not: their numbers are needed first. */
static Status number_zones(Reading *reading, Error *err) {
        CatalogObject *zones;
        size_t count;
        TRY(catalog_list(reading->spec->lake->catalog, reading->spec->at, STR("zone"), STR_NONE, reading->arena, &zones,
                         &count, err));
        for (size_t i = 0; i < count; i++) {
                Str name = zones[i].zone.size > 0 ? zones[i].zone : zones[i].name;
                vec_push(reading->arena, &reading->databases, (WorldDatabase){ oid_of(zones[i].oid, OID_SELF), name });
        }
        return STATUS_OK;
}

/* Databases that have something for this principal; the two for everybody come first. */
static void keep_databases(Reading *reading) {
        World *out = reading->out;
        out->databases = ARENA_ARRAY(reading->arena, WorldDatabase, reading->databases.count + 2);
        out->databases[out->database_count++] = (WorldDatabase){ 5, STR("postgres") };
        out->databases[out->database_count++] = (WorldDatabase){ 6, STR("lode") };
        for (size_t i = 0; i < reading->databases.count; i++)
                if (map_has(&reading->zones, reading->databases.items[i].name))
                        out->databases[out->database_count++] = reading->databases.items[i];
        for (size_t i = 0; i < out->database_count; i++)
                if (str_equal(out->databases[i].name, reading->spec->session.database))
                        out->database = out->databases[i].oid;
}

static int by_place(const void *a, const void *b) {
        const WorldTable *left = a, *right = b;
        int order = str_compare(left->schema_name, right->schema_name);
        return order != 0 ? order : str_compare(left->name, right->name);
}

static void take_own(Reading *reading, const WorldTable *own, size_t count) {
        if (count > 0)
                vec_push(reading->arena, &reading->schemas, (WorldSchema){ .oid = own->schema, .name = own->schema_name });
        for (size_t i = 0; i < count; i++)
                vec_push(reading->arena, &reading->tables, own[i]);
}

Status world_read(const SystemSpec *spec, const WorldTable *own, size_t own_count, Arena *arena, World *out, Error *err) {
        *out = (World){ 0 };
        Reading reading = { .spec = spec, .arena = arena, .out = out };
        if (spec->source) {
                reading.source = *spec->source;
                if (spec->source->now) {
                        reading.now = *spec->source->now;
                        reading.now.files = NULL;
                        reading.source.now = &reading.now;
                }
        }
        map_init(&reading.zones, arena);
        TRY(number_zones(&reading, err));
        TRY(take_kind(&reading, STR("table"), err));
        TRY(take_kind(&reading, STR("quarantine"), err));
        CatalogObject *views;
        size_t count;
        TRY(catalog_list(spec->lake->catalog, spec->at, STR("view"), STR_NONE, arena, &views, &count, err));
        for (size_t i = 0; i < count; i++)
                TRY(take_view(&reading, &views[i], err));
        take_own(&reading, own, own_count);
        keep_databases(&reading);
        out->schemas = reading.schemas.items;
        out->schema_count = reading.schemas.count;
        out->tables = reading.tables.items;
        out->table_count = reading.tables.count;
        if (out->table_count > 0)
                qsort(out->tables, out->table_count, sizeof(*out->tables), by_place);
        return world_keys_read(spec, arena, out, err);
}
