/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What PostgreSQL itself makes of its catalog: pg_tables, pg_views, pg_roles, pg_settings; and in schema "-" what its
 * functions look up (govern/dialect_functions.c): names of numbers, numbers of names, definitions, sizes.
 */
#include "base/vec.h"
#include "system/world_keys.h"
#include "system/parts.h"

#define OWNER STR("lode")

/* ---- pg_tables, pg_views ---- */

static Status make_tables(System *system, RowFile *file, Error *err) {
        const World *world;
        TRY(system_world(system, &world, err));
        for (size_t i = 0; i < PG15_RELATION_COUNT; i++)
                if (PG15_RELATIONS[i].kind == 'r')
                        TRY(ROW(file, err, TEXT(str_of(PG15_RELATIONS[i].schema)), TEXT(str_of(PG15_RELATIONS[i].name)),
                                TEXT(OWNER), NOTHING, BOOL(false), BOOL(false), BOOL(false), BOOL(false)));
        for (size_t i = 0; i < world->table_count; i++)
                if (world->tables[i].kind == 'r')
                        TRY(ROW(file, err, TEXT(world->tables[i].schema_name), TEXT(world->tables[i].name), TEXT(OWNER),
                                NOTHING, BOOL(world_table_has_key(world, &world->tables[i], false)), BOOL(false),
                                BOOL(world_table_has_key(world, &world->tables[i], true)), BOOL(false)));
        return STATUS_OK;
}

static Status make_views(System *system, RowFile *file, Error *err) {
        const World *world;
        TRY(system_world(system, &world, err));
        for (size_t i = 0; i < PG15_RELATION_COUNT; i++)
                if (PG15_RELATIONS[i].kind == 'v')
                        TRY(ROW(file, err, TEXT(str_of(PG15_RELATIONS[i].schema)), TEXT(str_of(PG15_RELATIONS[i].name)),
                                TEXT(OWNER), NOTHING));
        for (size_t i = 0; i < world->table_count; i++)
                if (world->tables[i].kind == 'v')
                        TRY(ROW(file, err, TEXT(world->tables[i].schema_name), TEXT(world->tables[i].name), TEXT(OWNER),
                                TEXT(world->tables[i].sql)));
        return STATUS_OK;
}

/* ---- roles ---- */

typedef struct Role {
        int64_t oid;
        Str name;
        bool super, owner; /* the owner alone may all that a role can be given */
} Role;

static void two_roles(const System *system, Role out[2]) {
        const Principal *principal = &system->spec.principal;
        out[0] = (Role){ OID_OWNER, OWNER, true, true };
        out[1] = (Role){ OID_USER, principal->name, principal->administrator, false };
}

static Status make_roles(System *system, RowFile *file, Error *err) {
        Role roles[2];
        two_roles(system, roles);
        for (size_t i = 0; i < 2; i++)
                TRY(ROW(file, err, TEXT(roles[i].name), BOOL(roles[i].super), BOOL(true), BOOL(roles[i].owner),
                        BOOL(roles[i].owner), BOOL(true), BOOL(roles[i].owner), NUMBER(-1), WORD("********"), NOTHING,
                        BOOL(roles[i].owner), NOTHING, NUMBER(roles[i].oid)));
        return STATUS_OK;
}

static Status make_authid(System *system, RowFile *file, Error *err) {
        Role roles[2];
        two_roles(system, roles);
        for (size_t i = 0; i < 2; i++)
                TRY(ROW(file, err, NUMBER(roles[i].oid), TEXT(roles[i].name), BOOL(roles[i].super), BOOL(true),
                        BOOL(roles[i].owner), BOOL(roles[i].owner), BOOL(true), BOOL(roles[i].owner),
                        BOOL(roles[i].owner), NUMBER(-1), NOTHING, NOTHING));
        return STATUS_OK;
}

static Status make_users(System *system, RowFile *file, Error *err) {
        Role roles[2];
        two_roles(system, roles);
        return ROW(file, err, TEXT(roles[1].name), NUMBER(roles[1].oid), BOOL(false), BOOL(roles[1].super), BOOL(false),
                   BOOL(false), WORD("********"), NOTHING, NOTHING);
}

/* ---- settings ---- */

static const struct {
        const char *name, *value, *kind;
} SETTINGS[] = {
        { "application_name", "", "string" },
        { "block_size", "8192", "integer" },
        { "bytea_output", "hex", "enum" },
        { "client_encoding", "UTF8", "string" },
        { "DateStyle", "ISO, MDY", "string" },
        { "default_transaction_isolation", "read committed", "enum" },
        { "default_transaction_read_only", "off", "bool" },
        { "extra_float_digits", "1", "integer" },
        { "in_hot_standby", "off", "bool" },
        { "integer_datetimes", "on", "bool" },
        { "IntervalStyle", "postgres", "enum" },
        { "lc_collate", "C.UTF-8", "string" },
        { "lc_ctype", "C.UTF-8", "string" },
        { "max_identifier_length", "63", "integer" },
        { "max_index_keys", "32", "integer" },
        { "server_encoding", "UTF8", "string" },
        { "server_version", PG15_VERSION, "string" },
        { "server_version_num", PG15_VERSION_NUMBER, "integer" },
        { "standard_conforming_strings", "on", "bool" },
        { "statement_timeout", "0", "integer" },
        { "TimeZone", "UTC", "string" },
        { "transaction_isolation", "read committed", "enum" },
        { "transaction_read_only", "off", "bool" },
};

static Status setting_row(RowFile *file, Str name, Str value, Str kind, Error *err) {
        return ROW(file, err, TEXT(name), TEXT(value), NOTHING, WORD("Lode"), WORD(""), NOTHING, WORD("user"), TEXT(kind),
                   WORD("default"), NOTHING, NOTHING, NOTHING, TEXT(value), TEXT(value), NOTHING, NOTHING, BOOL(false));
}

static bool session_has(const SystemSession *session, Str name) {
        for (size_t i = 0; i < session->setting_count; i++)
                if (str_equal_nocase(session->settings[i].name, name))
                        return true;
        return false;
}

static Status make_settings(System *system, RowFile *file, Error *err) {
        const SystemSession *session = &system->spec.session;
        for (size_t i = 0; i < session->setting_count; i++)
                TRY(setting_row(file, session->settings[i].name, session->settings[i].value, STR("string"), err));
        for (size_t i = 0; i < COUNT_OF(SETTINGS); i++)
                if (!session_has(session, str_of(SETTINGS[i].name)))
                        TRY(setting_row(file, str_of(SETTINGS[i].name), str_of(SETTINGS[i].value), str_of(SETTINGS[i].kind), err));
        if (session_has(session, STR("search_path")))
                return STATUS_OK;
        return setting_row(file, STR("search_path"), session->path[0], STR("string"), err);
}

/* ---- names and numbers ---- */

static const WorldTable *table_in(const World *world, Str schema, Str name) {
        for (size_t i = 0; i < world->table_count; i++)
                if (str_equal(world->tables[i].schema_name, schema) && str_equal(world->tables[i].name, name))
                        return &world->tables[i];
        return NULL;
}

/* Whether a name alone finds the relation of this schema: the first on the path that has one of that name. */
static bool found_alone(const System *system, Str schema, Str name) {
        const SystemSession *session = &system->spec.session;
        if (pg15_relation(STR("pg_catalog"), name))
                return str_is(schema, "pg_catalog");
        for (size_t i = 0; i < session->path_count; i++) {
                if (str_equal(session->path[i], schema))
                        return true;
                if (pg15_relation(session->path[i], name) || table_in(&system->world, session->path[i], name))
                        return false;
        }
        return false;
}

/* As PostgreSQL writes a relation: with its schema unless it is found without. */
static Str written(const System *system, Arena *arena, Str schema, Str name) {
        CLEANUP(buf_deinit) Buf out = { 0 };
        if (!found_alone(system, schema, name)) {
                world_put_name(&out, schema);
                buf_append_byte(&out, '.');
        }
        world_put_name(&out, name);
        return buf_dup(&out, arena);
}

/* Calls for each relation that there is, PostgreSQL's own first. */
typedef Status (*RelationSink)(System *system, RowFile *file, int64_t oid, Str schema, Str name, Error *err);

static Status each_relation(System *system, RowFile *file, RelationSink sink, Error *err) {
        const World *world;
        TRY(system_world(system, &world, err));
        for (size_t i = 0; i < PG15_RELATION_COUNT; i++)
                if (PG15_RELATIONS[i].kind != 'f')
                        TRY(sink(system, file, PG15_RELATIONS[i].oid, str_of(PG15_RELATIONS[i].schema),
                                 str_of(PG15_RELATIONS[i].name), err));
        for (size_t i = 0; i < world->table_count; i++)
                TRY(sink(system, file, world->tables[i].oid, world->tables[i].schema_name, world->tables[i].name, err));
        for (size_t i = 0; i < world->key_count; i++)
                if (world->keys[i]->kind != 'f')
                        TRY(sink(system, file, world->keys[i]->index, world->keys[i]->table->schema_name, world->keys[i]->name, err));
        return STATUS_OK;
}

static Status relation_text(System *system, RowFile *file, int64_t oid, Str schema, Str name, Error *err) {
        return ROW(file, err, NUMBER(oid), TEXT(written(system, &system->arena, schema, name)));
}

static Status make_relation_texts(System *system, RowFile *file, Error *err) {
        return each_relation(system, file, relation_text, err);
}

static Str quoted(Arena *arena, Str name) {
        CLEANUP(buf_deinit) Buf out = { 0 };
        buf_append_quoted(&out, name, '"');
        return buf_dup(&out, arena);
}

/* The database before it: tools put together what they read in information_schema, quoted where it must be or always. */
static Status whole_names(System *system, RowFile *file, int64_t oid, Str schema, Str name, Error *err) {
        Arena *arena = &system->arena;
        Str parts[] = { system->spec.session.database, schema, name };
        CLEANUP(buf_deinit) Buf needed = { 0 };
        CLEANUP(buf_deinit) Buf always = { 0 };
        for (size_t i = 0; i < COUNT_OF(parts); i++) {
                buf_append_cstr(&needed, i > 0 ? "." : "");
                world_put_name(&needed, parts[i]);
                buf_append_cstr(&always, i > 0 ? "." : "");
                buf_append_quoted(&always, parts[i], '"');
        }
        TRY(ROW(file, err, TEXT(buf_dup(&needed, arena)), NUMBER(oid)));
        return ROW(file, err, TEXT(buf_dup(&always, arena)), NUMBER(oid));
}

/* Ways to write a relation: with its schema always, alone where that is enough; each part as it is, and between quotes. */
static Status relation_names(System *system, RowFile *file, int64_t oid, Str schema, Str name, Error *err) {
        Arena *arena = &system->arena;
        Str names[] = { name, quoted(arena, name) }, schemas[] = { schema, quoted(arena, schema) };
        for (size_t i = 0; i < COUNT_OF(names); i++) {
                if (found_alone(system, schema, name))
                        TRY(ROW(file, err, TEXT(names[i]), NUMBER(oid)));
                for (size_t k = 0; k < COUNT_OF(schemas); k++)
                        TRY(ROW(file, err, TEXT(arena_strf(arena, "%.*s.%.*s", STR_ARG(schemas[k]), STR_ARG(names[i]))), NUMBER(oid)));
        }
        return whole_names(system, file, oid, schema, name, err);
}

static Status make_relation_names(System *system, RowFile *file, Error *err) {
        return each_relation(system, file, relation_names, err);
}

/* What a client lists without being asked for a schema: what its search path finds, and PostgreSQL's own. While it set none, all
 * tables of its database, but for quarantine, which has the names of what it is the quarantine of, and the schema lode. */
static Status make_visible(System *system, RowFile *file, Error *err) {
        const World *world;
        TRY(system_world(system, &world, err));
        for (size_t i = 0; i < PG15_RELATION_COUNT; i++)
                if (str_is(str_of(PG15_RELATIONS[i].schema), "pg_catalog"))
                        TRY(ROW(file, err, NUMBER(PG15_RELATIONS[i].oid)));
        for (size_t i = 0; i < world->table_count; i++)
                if (system->usual_path && !world->tables[i].own ? !str_is(world->tables[i].stage, "quarantine")
                                       : found_alone(system, world->tables[i].schema_name, world->tables[i].name))
                        TRY(ROW(file, err, NUMBER(world->tables[i].oid)));
        for (size_t i = 0; i < world->key_count; i++) {
                const WorldKey *key = world->keys[i];
                if (key->kind != 'f' && (system->usual_path || found_alone(system, key->table->schema_name, key->name)))
                        TRY(ROW(file, err, NUMBER(key->index)));
        }
        return STATUS_OK;
}

#define TYPE_SCHEMA 2 /* typnamespace in a row of pg_type */

static Status make_hidden_types(System *system UNUSED, RowFile *file, Error *err) {
        const Pg15Relation *types = pg15_relation(STR("pg_catalog"), STR("pg_type"));
        for (const char *const *row = types->rows; *row; row++)
                if (pg15_number(*row, TYPE_SCHEMA) != OID_CATALOG_SCHEMA)
                        TRY(ROW(file, err, NUMBER(pg15_number(*row, 0))));
        return STATUS_OK;
}

static Status make_schema_texts(System *system, RowFile *file, Error *err) {
        const World *world;
        TRY(system_world(system, &world, err));
        TRY(ROW(file, err, NUMBER(OID_CATALOG_SCHEMA), WORD("pg_catalog")));
        TRY(ROW(file, err, NUMBER(OID_PUBLIC), WORD("public")));
        TRY(ROW(file, err, NUMBER(PG15_INFORMATION_SCHEMA), WORD("information_schema")));
        for (size_t i = 0; i < world->schema_count; i++)
                TRY(ROW(file, err, NUMBER(world->schemas[i].oid), TEXT(world->schemas[i].name)));
        return STATUS_OK;
}

static Status make_role_texts(System *system, RowFile *file, Error *err) {
        Role roles[2];
        two_roles(system, roles);
        for (size_t i = 0; i < 2; i++)
                TRY(ROW(file, err, NUMBER(roles[i].oid), TEXT(roles[i].name)));
        return STATUS_OK;
}

static Status make_procedure_texts(System *system UNUSED, RowFile *file, Error *err) {
        const Pg15Relation *procedures = pg15_relation(STR("pg_catalog"), STR("pg_proc"));
        for (const char *const *row = procedures->rows; *row; row++)
                TRY(ROW(file, err, NUMBER(pg15_number(*row, 0)), TEXT(pg15_field(*row, 1))));
        return STATUS_OK;
}

/* Names to numbers; of procedures of one name the first. */
static Status names_of_rows(RowFile *file, const char *const *rows, Arena *arena, Error *err) {
        Map seen;
        map_init(&seen, arena);
        for (const char *const *row = rows; *row; row++) {
                Str name = pg15_field(*row, 1);
                if (map_has(&seen, name))
                        continue;
                map_put(&seen, name, file);
                TRY(ROW(file, err, TEXT(name), NUMBER(pg15_number(*row, 0))));
        }
        return STATUS_OK;
}

static Status make_procedure_names(System *system, RowFile *file, Error *err) {
        return names_of_rows(file, pg15_relation(STR("pg_catalog"), STR("pg_proc"))->rows, &system->arena, err);
}

/* By typname and by the name that SQL writes. */
static Status make_type_names(System *system, RowFile *file, Error *err) {
        Map seen;
        map_init(&seen, &system->arena);
        static const char *const relations[][2] = { { "pg_catalog", "pg_type" }, { "-", "typenames" } };
        for (size_t i = 0; i < COUNT_OF(relations); i++) {
                const Pg15Relation *types = pg15_relation(str_of(relations[i][0]), str_of(relations[i][1]));
                for (const char *const *row = types->rows; *row; row++) {
                        Str name = pg15_field(*row, 1);
                        if (map_has(&seen, name))
                                continue;
                        map_put(&seen, name, system);
                        TRY(ROW(file, err, TEXT(name), NUMBER(pg15_number(*row, 0))));
                }
        }
        return STATUS_OK;
}

static Status make_row_type_names(System *system, RowFile *file, Error *err) {
        const World *world;
        TRY(system_world(system, &world, err));
        for (size_t i = 0; i < world->table_count; i++) {
                const WorldTable *table = &world->tables[i];
                Str name = written(system, &system->arena, table->schema_name, table->name);
                TRY(ROW(file, err, NUMBER(table->oid + OID_ROW_TYPE), TEXT(name)));
                TRY(ROW(file, err, NUMBER(table->oid + OID_ARRAY_TYPE), TEXT(arena_strf(&system->arena, "%.*s[]", STR_ARG(name)))));
        }
        return STATUS_OK;
}

static Status make_schema_names(System *system, RowFile *file, Error *err) {
        const World *world;
        TRY(system_world(system, &world, err));
        TRY(ROW(file, err, WORD("pg_catalog"), NUMBER(OID_CATALOG_SCHEMA)));
        TRY(ROW(file, err, WORD("public"), NUMBER(OID_PUBLIC)));
        TRY(ROW(file, err, WORD("information_schema"), NUMBER(PG15_INFORMATION_SCHEMA)));
        for (size_t i = 0; i < world->schema_count; i++)
                TRY(ROW(file, err, TEXT(world->schemas[i].name), NUMBER(world->schemas[i].oid)));
        return STATUS_OK;
}

static Status make_role_names(System *system, RowFile *file, Error *err) {
        Role roles[2];
        two_roles(system, roles);
        for (size_t i = 0; i < 2; i++)
                TRY(ROW(file, err, TEXT(roles[i].name), NUMBER(roles[i].oid)));
        return STATUS_OK;
}

/* ---- definitions, sizes ---- */

static Status make_definitions(System *system, RowFile *file, Error *err) {
        const World *world;
        TRY(system_world(system, &world, err));
        for (size_t i = 0; i < world->table_count; i++)
                if (world->tables[i].kind == 'v')
                        TRY(ROW(file, err, NUMBER(world->tables[i].oid), TEXT(world->tables[i].sql)));
        return STATUS_OK;
}

static Status make_constraint_texts(System *system, RowFile *file, Error *err) {
        const World *world;
        TRY(system_world(system, &world, err));
        for (size_t i = 0; i < world->key_count; i++)
                TRY(ROW(file, err, NUMBER(world->keys[i]->oid), TEXT(world_key_definition(world->keys[i], &system->arena))));
        return STATUS_OK;
}

/* By the index's number, and of one of its columns by number.column. */
static Status make_index_texts(System *system, RowFile *file, Error *err) {
        const World *world;
        TRY(system_world(system, &world, err));
        for (size_t i = 0; i < world->key_count; i++) {
                const WorldKey *key = world->keys[i];
                if (key->kind == 'f')
                        continue;
                Str whole = arena_strf(&system->arena, "%lld.0", (long long)key->index);
                TRY(ROW(file, err, TEXT(whole), TEXT(world_key_index_definition(key, &system->arena))));
                for (size_t k = 0; k < key->count; k++) {
                        CLEANUP(buf_deinit) Buf name = { 0 };
                        world_put_name(&name, key->table->columns[key->columns[k] - 1].name);
                        Str column = arena_strf(&system->arena, "%lld.%zu", (long long)key->index, k + 1);
                        TRY(ROW(file, err, TEXT(column), TEXT(buf_view(&name))));
                }
        }
        return STATUS_OK;
}

static Status make_index_list(System *system, RowFile *file, Error *err) {
        const World *world;
        TRY(system_world(system, &world, err));
        for (size_t i = 0; i < world->key_count; i++) {
                const WorldKey *key = world->keys[i];
                if (key->kind != 'f')
                        TRY(ROW(file, err, TEXT(key->table->schema_name), TEXT(key->table->name), TEXT(key->name), NOTHING,
                                TEXT(world_key_index_definition(key, &system->arena))));
        }
        return STATUS_OK;
}

static Status make_sizes(System *system, RowFile *file, Error *err) {
        const World *world;
        TRY(system_world(system, &world, err));
        for (size_t i = 0; i < world->table_count; i++)
                TRY(ROW(file, err, NUMBER(world->tables[i].oid), NUMBER(world->tables[i].bytes)));
        return STATUS_OK;
}

const MadeRelation PG_VIEW_RELATIONS[] = {
        { "pg_catalog", "pg_tables", NULL, make_tables },
        { "pg_catalog", "pg_views", NULL, make_views },
        { "pg_catalog", "pg_roles", NULL, make_roles },
        { "pg_catalog", "pg_authid", NULL, make_authid },
        { "pg_catalog", "pg_user", NULL, make_users },
        { "pg_catalog", "pg_settings", NULL, make_settings },
        { "-", "relation_texts", "oid oid,name text", make_relation_texts },
        { "-", "relation_names", "name text,oid oid", make_relation_names },
        { "-", "visible", "oid oid", make_visible },
        { "-", "hidden_types", "oid oid", make_hidden_types },
        { "-", "schema_texts", "oid oid,name text", make_schema_texts },
        { "-", "schema_names", "name text,oid oid", make_schema_names },
        { "-", "role_texts", "oid oid,name text", make_role_texts },
        { "-", "role_names", "name text,oid oid", make_role_names },
        { "-", "procedure_texts", "oid oid,name text", make_procedure_texts },
        { "-", "procedure_names", "name text,oid oid", make_procedure_names },
        { "-", "typenames", NULL, make_row_type_names },
        { "-", "type_names", "name text,oid oid", make_type_names },
        { "-", "views", "oid oid,definition text", make_definitions },
        { "-", "constraint_texts", "oid oid,definition text", make_constraint_texts },
        { "-", "index_texts", "place text,definition text", make_index_texts },
        { "pg_catalog", "pg_indexes", NULL, make_index_list },
        { "-", "sizes", "oid oid,bytes int8", make_sizes },
        { 0 },
};
