/* SPDX-License-Identifier: Apache-2.0 */
#include "iceberg/schema.h"

#include <string.h>

#include "base/vec.h"

#define SCHEMA_DEPTH 100
#define FIELD_ID_MAX 2147483447 /* above are the ids that the format reserves for itself */

/* ---- reading ---- */

static Status parse_type(const Json *json, int depth, Arena *arena, Type *out, Error *err);

static Status parse_id(const Json *json, const char *key, int *out, Error *err) {
        int64_t id;
        TRY(json_want_integer(json, key, &id, err));
        if (id < 0 || id > FIELD_ID_MAX)
                return error_set(err, STATUS_CORRUPT, "'%s' is %lld, which is no field id", key, (long long)id);
        *out = (int)id;
        return STATUS_OK;
}

/* The one child of a list, or one of the two of a map, whose parts are members of the same object. */
static Status parse_child(const Json *json, const char *name, const char *required_key, int depth, Arena *arena,
                          TypeField *out, Error *err) {
        *out = (TypeField){ .name = str_of(name), .required = !required_key };
        TRY(parse_id(json, arena_printf(arena, "%s-id", name), &out->id, err));
        if (required_key)
                out->required = json_bool(json_get(json, required_key), false);
        return parse_type(json_get(json, name), depth + 1, arena, &out->type, err);
}

static Status parse_struct(const Json *json, int depth, Arena *arena, TypeField **out, size_t *out_count, Error *err) {
        const Json *list;
        TRY(json_want_array(json, "fields", &list, err));
        size_t count = json_count(list);
        TypeField *fields = ARENA_ARRAY(arena, TypeField, count);
        for (size_t i = 0; i < count; i++) {
                const Json *field = json_at(list, i);
                TRY(json_want_string(field, "name", &fields[i].name, err));
                TRY(parse_id(field, "id", &fields[i].id, err));
                fields[i].required = json_bool(json_get(field, "required"), false);
                if (parse_type(json_get(field, "type"), depth + 1, arena, &fields[i].type, err) != STATUS_OK)
                        return error_context(err, "column '%.*s'", STR_ARG(str_slice(fields[i].name, 0, 80)));
        }
        *out = fields;
        *out_count = count;
        return STATUS_OK;
}

static Status parse_flat(Str text, Type *out, Error *err) {
        if (type_parse_iceberg(text, out))
                return STATUS_OK;
        if (str_starts_with(text, STR("fixed["))) {
                *out = (Type){ .kind = TYPE_BINARY };
                return STATUS_OK;
        }
        return error_set(err, STATUS_SQL_REFUSED, "type '%.*s' is not supported", STR_ARG(str_slice(text, 0, 80)));
}

static Status parse_type(const Json *json, int depth, Arena *arena, Type *out, Error *err) {
        if (depth > SCHEMA_DEPTH)
                return error_set(err, STATUS_LIMIT, "types are nested more than %d deep", SCHEMA_DEPTH);
        if (json && json->kind == JSON_STRING)
                return parse_flat(json->string, out, err);

        Type type = { 0 };
        Str kind = json_string(json_get(json, "type"));
        if (str_is(kind, "struct")) {
                type.kind = TYPE_STRUCT;
                TRY(parse_struct(json, depth, arena, &type.fields, &type.field_count, err));
        } else if (str_is(kind, "list")) {
                type.kind = TYPE_LIST;
                type.field_count = 1;
                type.fields = ARENA_ARRAY(arena, TypeField, 1);
                TRY(parse_child(json, "element", "element-required", depth, arena, &type.fields[0], err));
        } else if (str_is(kind, "map")) {
                type.kind = TYPE_MAP;
                type.field_count = 2;
                type.fields = ARENA_ARRAY(arena, TypeField, 2);
                TRY(parse_child(json, "key", NULL, depth, arena, &type.fields[0], err));
                TRY(parse_child(json, "value", "value-required", depth, arena, &type.fields[1], err));
        } else {
                return error_set(err, STATUS_CORRUPT, "a type is neither a name nor a struct, list or map");
        }
        *out = type;
        return STATUS_OK;
}

Status schema_parse(const Json *json, Arena *arena, Schema *out, Error *err) {
        if (!json || json->kind != JSON_OBJECT)
                return error_set(err, STATUS_CORRUPT, "a schema is not an object");
        if (!str_is(json_string(json_get(json, "type")), "struct"))
                return error_set(err, STATUS_CORRUPT, "a schema is not of type struct");
        Schema schema = { .source = json };
        int64_t id = json_integer(json_get(json, "schema-id"), 0); /* version 1 leaves it out */
        if (id < 0 || id > INT32_MAX)
                return error_set(err, STATUS_CORRUPT, "'schema-id' is %lld", (long long)id);
        schema.id = (int)id;
        TRY(parse_struct(json, 0, arena, &schema.fields, &schema.field_count, err));

        const Json *identifiers = json_get(json, "identifier-field-ids");
        schema.identifier_count = json_count(identifiers);
        schema.identifier_ids = ARENA_ARRAY(arena, int, schema.identifier_count);
        for (size_t i = 0; i < schema.identifier_count; i++)
                schema.identifier_ids[i] = (int)json_integer(json_at(identifiers, i), 0);
        *out = schema;
        return STATUS_OK;
}

/* ---- printing ---- */

static void print_type(JsonWriter *writer, Type type);

static void print_fields(JsonWriter *writer, const TypeField *fields, size_t count) {
        json_key(writer, "fields");
        json_array(writer);
        for (size_t i = 0; i < count; i++) {
                json_object(writer);
                json_member_int(writer, "id", fields[i].id);
                json_member_str(writer, "name", fields[i].name);
                json_member_bool(writer, "required", fields[i].required);
                json_key(writer, "type");
                print_type(writer, fields[i].type);
                json_end(writer);
        }
        json_end(writer);
}

static void print_flat(JsonWriter *writer, Type type) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        json_put_str(writer, type_print_iceberg(&arena, type));
}

static void print_type(JsonWriter *writer, Type type) {
        if (!type_is_nested(type)) {
                print_flat(writer, type);
                return;
        }
        json_object(writer);
        if (type.kind == TYPE_STRUCT) {
                json_member_str(writer, "type", STR("struct"));
                print_fields(writer, type.fields, type.field_count);
        } else if (type.kind == TYPE_LIST) {
                json_member_str(writer, "type", STR("list"));
                json_member_int(writer, "element-id", type.fields[0].id);
                json_key(writer, "element");
                print_type(writer, type.fields[0].type);
                json_member_bool(writer, "element-required", type.fields[0].required);
        } else {
                json_member_str(writer, "type", STR("map"));
                json_member_int(writer, "key-id", type.fields[0].id);
                json_key(writer, "key");
                print_type(writer, type.fields[0].type);
                json_member_int(writer, "value-id", type.fields[1].id);
                json_key(writer, "value");
                print_type(writer, type.fields[1].type);
                json_member_bool(writer, "value-required", type.fields[1].required);
        }
        json_end(writer);
}

void schema_print(JsonWriter *writer, const Schema *schema) {
        json_object(writer);
        json_member_str(writer, "type", STR("struct"));
        json_member_int(writer, "schema-id", schema->id);
        if (schema->source) {
                /* Docs, defaults and whatever later versions add. */
                for (size_t i = 0; i < schema->source->object.count; i++) {
                        Str key = schema->source->object.keys[i];
                        if (str_is(key, "type") || str_is(key, "schema-id"))
                                continue;
                        json_key_str(writer, key);
                        json_put_tree(writer, schema->source->object.values[i]);
                }
                json_end(writer);
                return;
        }
        if (schema->identifier_count > 0) {
                json_key(writer, "identifier-field-ids");
                json_array(writer);
                for (size_t i = 0; i < schema->identifier_count; i++)
                        json_put_int(writer, schema->identifier_ids[i]);
                json_end(writer);
        }
        print_fields(writer, schema->fields, schema->field_count);
        json_end(writer);
}

Str schema_json(Arena *arena, const Schema *schema) {
        CLEANUP(buf_deinit) Buf text = { 0 };
        JsonWriter writer = json_writer(&text, false);
        schema_print(&writer, schema);
        return buf_dup(&text, arena);
}

/* ---- looking ---- */

static const TypeField *find_field(const TypeField *fields, size_t count, int id) {
        for (size_t i = 0; i < count; i++) {
                if (fields[i].id == id)
                        return &fields[i];
                const TypeField *child = find_field(fields[i].type.fields, fields[i].type.field_count, id);
                if (child)
                        return child;
        }
        return NULL;
}

const TypeField *schema_field(const Schema *schema, int id) {
        return find_field(schema->fields, schema->field_count, id);
}

static const TypeField *find_name(const TypeField *fields, size_t count, Str name) {
        for (size_t i = 0; i < count; i++)
                if (str_equal(fields[i].name, name))
                        return &fields[i];
        return NULL;
}

const TypeField *schema_column(const Schema *schema, Str name) {
        return find_name(schema->fields, schema->field_count, name);
}

/* Unlike type_equal it looks at `required` of children too. */
static bool fields_equal(const TypeField *a, size_t a_count, const TypeField *b, size_t b_count) {
        if (a_count != b_count)
                return false;
        for (size_t i = 0; i < a_count; i++) {
                if (a[i].id != b[i].id || a[i].required != b[i].required || !str_equal(a[i].name, b[i].name) ||
                    a[i].type.kind != b[i].type.kind)
                        return false;
                if (a[i].type.kind == TYPE_DECIMAL &&
                    (a[i].type.precision != b[i].type.precision || a[i].type.scale != b[i].type.scale))
                        return false;
                if (!fields_equal(a[i].type.fields, a[i].type.field_count, b[i].type.fields, b[i].type.field_count))
                        return false;
        }
        return true;
}

bool schema_equal(const Schema *a, const Schema *b) {
        return fields_equal(a->fields, a->field_count, b->fields, b->field_count) &&
               a->identifier_count == b->identifier_count &&
               (a->identifier_count == 0 ||
                memcmp(a->identifier_ids, b->identifier_ids, a->identifier_count * sizeof(int)) == 0);
}

/* ---- evolving ---- */

bool schema_type_widens(Type from, Type to) {
        if (from.kind == TYPE_DECIMAL && to.kind == TYPE_DECIMAL)
                return to.scale == from.scale && to.precision >= from.precision;
        return from.kind == to.kind || (from.kind == TYPE_INT && to.kind == TYPE_BIGINT) ||
               (from.kind == TYPE_FLOAT && to.kind == TYPE_DOUBLE);
}

typedef struct Evolution {
        SchemaChange change;
        int *last_column_id;
        Arena *arena;
} Evolution;

/* The field that becomes of a new one: under an old id where the types fit, else with id 0. */
static Status match_field(const Evolution *evolution, const TypeField *old, const TypeField *new, TypeField *out,
                          Error *err) {
        *out = (TypeField){ .name = arena_str(evolution->arena, new->name), .type = new->type };
        if (!old)
                return STATUS_OK;
        out->required = old->required && evolution->change == SCHEMA_EXTEND;
        if (schema_type_widens(old->type, new->type)) {
                out->id = old->id;
                return STATUS_OK;
        }
        if (evolution->change != SCHEMA_EXTEND)
                return STATUS_OK;
        if (schema_type_widens(new->type, old->type)) {
                out->id = old->id;
                out->type = old->type;
                return STATUS_OK;
        }
        Str was = type_print(evolution->arena, old->type), is = type_print(evolution->arena, new->type);
        error_set(err, STATUS_SQL_TYPE, "column '%.*s' holds %.*s, and %.*s cannot be added to it",
                  STR_ARG(str_slice(new->name, 0, 80)), STR_ARG(str_slice(was, 0, 80)), STR_ARG(str_slice(is, 0, 80)));
        return error_hint(err, "give the values the type that the column has, or replace the whole table");
}

/* The old field that becomes this one: of its name, or the one that is renamed. */
static const TypeField *find_before(const Evolution *evolution, const TypeField *old, size_t old_count, const TypeField *new) {
        const TypeField *before = find_name(old, old_count, new->name);
        for (size_t i = 0; i < old_count && !before && new->id && evolution->change == SCHEMA_RENAME; i++)
                if (old[i].id == new->id)
                        return &old[i];
        return before;
}

static Status evolve_level(const Evolution *evolution, const TypeField *old, size_t old_count, const TypeField *new,
                           size_t new_count, TypeField **out, size_t *out_count, Error *err) {
        TypeField *fields = ARENA_ARRAY(evolution->arena, TypeField, old_count + new_count);
        size_t count = 0;
        if (evolution->change == SCHEMA_EXTEND)
                for (; count < old_count; count++)
                        fields[count] = old[count];
        size_t kept = count;
        for (size_t i = 0; i < new_count; i++) {
                const TypeField *before = find_before(evolution, old, old_count, &new[i]);
                TypeField field;
                TRY(match_field(evolution, before, &new[i], &field, err));
                if (before && kept > 0)
                        fields[before - old] = field;
                else
                        fields[count++] = field;
        }
        for (size_t i = 0; i < count; i++)
                if (fields[i].id == 0)
                        fields[i].id = ++*evolution->last_column_id;

        for (size_t i = 0; i < count; i++) {
                const TypeField *source = find_name(new, new_count, fields[i].name);
                if (!source || source->type.field_count == 0)
                        continue;
                const TypeField *before = find_name(old, old_count, fields[i].name);
                if (before && before->id != fields[i].id)
                        before = NULL; /* another field of the same name */
                TRY(evolve_level(evolution, before ? before->type.fields : NULL, before ? before->type.field_count : 0,
                                 source->type.fields, source->type.field_count, &fields[i].type.fields,
                                 &fields[i].type.field_count, err));
        }
        *out = fields;
        *out_count = count;
        return STATUS_OK;
}

Status schema_evolve(const Schema *old, const TypeField *fields, size_t field_count, SchemaChange change,
                     int *last_column_id, Arena *arena, Schema *out, Error *err) {
        for (size_t i = 0; i < field_count; i++)
                if (find_name(fields, i, fields[i].name))
                        return error_set(err, STATUS_AMBIGUOUS, "two columns are called '%.*s'",
                                         STR_ARG(str_slice(fields[i].name, 0, 80)));
        int last = *last_column_id;
        Evolution evolution = { change, &last, arena };
        Schema schema = { .id = old ? old->id : 0 };
        TRY(evolve_level(&evolution, old ? old->fields : NULL, old ? old->field_count : 0, fields, field_count,
                         &schema.fields, &schema.field_count, err));
        /* Identifier fields stay as long as each of them does. */
        for (size_t i = 0; old && i < old->identifier_count; i++) {
                if (!schema_field(&schema, old->identifier_ids[i]))
                        break;
                if (i + 1 == old->identifier_count) {
                        schema.identifier_ids = old->identifier_ids;
                        schema.identifier_count = old->identifier_count;
                }
        }
        *last_column_id = last;
        *out = schema;
        return STATUS_OK;
}
