/* SPDX-License-Identifier: Apache-2.0 */
#include "model/access_change.h"

#include "base/json.h"
#include "base/map.h"
#include "base/vec.h"

/* A table that rules can mean. */
typedef struct Named {
        Str zone, stage, table;
        Str *tags;
        size_t tag_count;
} Named;

typedef VEC(AccessChange) GrantVec; /* gains holds what is granted */

/* One side of the comparison: what there is and who may. */
typedef struct Side {
        Arena *arena;
        VEC(Named) tables;
        Map granted; /* principal, object, what: Grant */
        GrantVec grants;
} Side;

static Str grant_key(Arena *arena, const AccessChange *grant) {
        return arena_strf(arena, "%.*s\n%.*s\n%.*s", STR_ARG(grant->principal), STR_ARG(grant->object), STR_ARG(grant->gains));
}

static void add_grant(Side *side, Str principal, Str object, const char *what) {
        AccessChange grant = { principal, object, str_of(what), STR("") };
        Str key = grant_key(side->arena, &grant);
        if (map_has(&side->granted, key))
                return;
        map_put(&side->granted, key, side);
        vec_push(side->arena, &side->grants, grant);
}

/* ---- what a text grants ---- */

static void add_rules(Side *side, Str zone, const Access *access) {
        for (size_t r = 0; r < access->rule_count; r++) {
                const AccessRule *rule = &access->rules[r];
                if (!access_rule_is_whole(rule)) /* grants nothing yet: model/grant.h */
                        continue;
                for (size_t t = 0; t < side->tables.count; t++) {
                        const Named *table = &side->tables.items[t];
                        if (!str_equal(table->zone, zone) || !access_rule_means(rule, table->stage, table->table, table->tags, table->tag_count))
                                continue;
                        Str object = arena_strf(side->arena, "%.*s.%.*s.%.*s", STR_ARG(table->zone), STR_ARG(table->stage), STR_ARG(table->table));
                        for (size_t w = 0; w < rule->who_count; w++)
                                add_grant(side, who_print(side->arena, &rule->who[w]), object, rule->can == ACCESS_WRITE ? "write" : "read");
                }
        }
}

static void add_people(Side *side, const Zone *zone) {
        if (zone->owner.size)
                add_grant(side, zone->owner, zone->name, "owner");
        for (size_t i = 0; i < zone->engineer_count; i++)
                add_grant(side, who_print(side->arena, &zone->engineers[i]), zone->name, "engineer");
        for (size_t i = 0; i < zone->member_count; i++)
                add_grant(side, who_print(side->arena, &zone->members[i]), zone->name, "member");
}

/* ---- the project's side ---- */

static void add_project(Side *side, const Project *project) {
        for (size_t z = 0; z < project->zone_count; z++) {
                const Zone *zone = project->zones[z];
                for (size_t i = 0; i < zone->source_count; i++)
                        vec_push(side->arena, &side->tables, (Named){ zone->name, STR("staging"), zone->sources[i]->name, NULL, 0 });
                for (size_t i = 0; i < zone->model_count; i++) {
                        const Model *model = zone->models[i];
                        vec_push(side->arena, &side->tables, (Named){ zone->name, str_of(stage_name(model->stage)), model->name, model->tags, model->tag_count });
                }
        }
        for (size_t z = 0; z < project->zone_count; z++) {
                add_people(side, project->zones[z]);
                add_rules(side, project->zones[z]->name, &project->zones[z]->access);
        }
}

/* ---- the history's side ---- */

static void add_applied_table(Side *side, const CatalogObject *object, const Json *body) {
        Named table = { .zone = object->zone, .stage = STR("staging"), .table = object->name };
        if (str_is(object->kind, "model") && !str_cut(object->name, '.', &table.stage, &table.table))
                return;
        const Json *tags = json_get(body, "tags");
        table.tags = ARENA_ARRAY(side->arena, Str, json_count(tags));
        for (size_t i = 0; i < json_count(tags); i++)
                table.tags[table.tag_count++] = json_string(json_at(tags, i));
        vec_push(side->arena, &side->tables, table);
}

/* The text was checked when it was applied; what a newer program no longer reads grants nothing. */
static void add_applied_rules(Side *side, const CatalogObject *object, const Json *body) {
        Problems problems = { .arena = side->arena };
        const char *path = arena_cstr(side->arena, json_string(json_get(body, "path")));
        Str text = json_string(json_get(body, "text"));
        if (str_is(object->kind, "zone")) {
                Zone zone = { .name = object->zone };
                zone_text_parse(side->arena, path, text, &problems, &zone);
                add_people(side, &zone);
        } else if (str_is(object->kind, "access")) {
                Access access = { 0 };
                access_parse(side->arena, path, text, &problems, &access);
                add_rules(side, object->zone, &access);
        }
}

static Status add_applied(Side *side, Lake *lake, CatalogAt at, Error *err) {
        CatalogObject *objects;
        size_t count;
        TRY(catalog_list(lake->catalog, at, STR(""), STR(""), side->arena, &objects, &count, err));
        Json **bodies = ARENA_ARRAY(side->arena, Json *, count);
        for (size_t i = 0; i < count; i++) {
                bool is_table = str_is(objects[i].kind, "source") || str_is(objects[i].kind, "model");
                if (!is_table && !str_is(objects[i].kind, "zone") && !str_is(objects[i].kind, "access"))
                        continue;
                TRY(json_parse(objects[i].body, "an object of the history", side->arena, &bodies[i], err));
                if (is_table)
                        add_applied_table(side, &objects[i], bodies[i]);
        }
        for (size_t i = 0; i < count; i++)
                if (bodies[i])
                        add_applied_rules(side, &objects[i], bodies[i]);
        return STATUS_OK;
}

/* ---- the difference ---- */

static void add_missing(const Side *from, const Side *in, bool gained, GrantVec *out) {
        for (size_t i = 0; i < from->grants.count; i++) {
                AccessChange change = from->grants.items[i];
                if (map_has(&in->granted, grant_key(from->arena, &change)))
                        continue;
                if (!gained)
                        change = (AccessChange){ change.principal, change.object, STR(""), change.gains };
                vec_push(from->arena, out, change);
        }
}

static int compare_changes(const void *a, const void *b) {
        const AccessChange *x = a, *y = b;
        int order = str_compare(x->principal, y->principal);
        return order ? order : str_compare(x->object, y->object);
}

Status access_changes(const Project *project, Lake *lake, CatalogAt at, Arena *arena, AccessChange **out, size_t *out_count, Error *err) {
        Side now = { .arena = arena }, before = { .arena = arena };
        map_init(&now.granted, arena);
        map_init(&before.granted, arena);
        add_project(&now, project);
        if (lake)
                TRY(add_applied(&before, lake, at, err));
        GrantVec changes = { 0 };
        add_missing(&now, &before, true, &changes);
        add_missing(&before, &now, false, &changes);
        if (changes.count)
                qsort(changes.items, changes.count, sizeof(*changes.items), compare_changes);
        *out = changes.items;
        *out_count = changes.count;
        return STATUS_OK;
}
