/* SPDX-License-Identifier: Apache-2.0 */
/* The schema lode as clients find it in a catalog: a table of the world for each relation that this principal has. */
#include "base/vec.h"
#include "system/parts.h"

/* Above the numbers that are made of objects, below those of keys (world_keys.c). */
#define OID_OWN 0x3f000000

typedef struct Own {
        System *system;
        VEC(WorldTable) tables;
        int64_t next; /* the number of the next relation, listed or not: so that all sessions have the same */
} Own;

static uint32_t number_of_type(Str name) {
        const Pg15Relation *types = pg15_relation(STR("pg_catalog"), STR("pg_type"));
        for (const char *const *row = types->rows; *row; row++)
                if (str_equal(pg15_field(*row, 1), name))
                        return (uint32_t)pg15_number(*row, 0);
        return 0;
}

static void add(Own *own, const char *schema, const char *name, const char *columns, bool listed) {
        Arena *arena = &own->system->arena;
        WorldTable table = { .oid = own->next, .schema = OID_OWN, .schema_name = STR("lode"), .name = str_of(name), .kind_word = STR("own"), .kind = 'r', .own = true };
        if (strcmp(schema, "lode") != 0)
                return;
        own->next += OIDS_EACH;
        if (!listed)
                return;
        const SystemColumn *described = system_columns(arena, columns, &table.column_count);
        table.columns = ARENA_ARRAY(arena, WorldColumn, table.column_count);
        for (size_t i = 0; i < table.column_count; i++)
                table.columns[i] = (WorldColumn){ .name = described[i].name, .type = number_of_type(described[i].type), .modifier = -1,
                                                  .dimensions = described[i].type.data[0] == '_' };
        vec_push(arena, &own->tables, table);
}

void system_own_tables(System *system, WorldTable **out, size_t *out_count) {
        Own own = { .system = system, .next = OID_OWN + OIDS_EACH };
        const SystemSession *session = &system->spec.session;
        for (const ViewRelation *view = LODE_VIEWS; view->name; view++)
                add(&own, view->schema, view->name, view->columns, system->spec.parse != NULL);
        for (const MadeRelation *made = LODE_RELATIONS; made->name; made++)
                add(&own, made->schema, made->name, made->columns, !made->is_for || made->is_for(&system->spec.principal));
        for (size_t i = 0; i < session->extra_count; i++)
                add(&own, session->extras[i].schema, session->extras[i].name, session->extras[i].columns, true);
        *out = own.tables.items;
        *out_count = own.tables.count;
}
