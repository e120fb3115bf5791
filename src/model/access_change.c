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

typedef VEC(AccessChange) GrantVec; /* gains holds what is granted, or what is taken away if loses says "hides" */

/* One side of the comparison: what there is and who may. */
typedef struct Side {
        Arena *arena;
        bool hides; /* what is added now is what a policy takes away */
        const CentralPolicy *policy; /* that policy, and whether its rows or its mask; NULL: lines as they came */
        bool rows;
        VEC(Named) tables;
        Map granted; /* principal, object, what: Grant */
        GrantVec grants;
} Side;

static Str grant_key(Arena *arena, const AccessChange *grant) {
        return arena_strf(arena, "%.*s\n%.*s\n%.*s\n%.*s", STR_ARG(grant->principal), STR_ARG(grant->object), STR_ARG(grant->gains),
                          STR_ARG(grant->loses));
}

static void add_grant(Side *side, Str principal, Str object, Str what) {
        AccessChange grant = { principal, object, what, side->hides ? STR("hides") : STR(""), STR(""), STR(""), side->rows };
        if (side->policy) {
                grant.tag = side->policy->tag;
                grant.hidden = side->rows ? side->policy->rows : side->policy->mask;
        }
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
                for (size_t t = 0; t < side->tables.count; t++) {
                        const Named *table = &side->tables.items[t];
                        if (!str_equal(table->zone, zone) || !access_rule_means(rule, table->stage, table->table, table->tags, table->tag_count))
                                continue;
                        Str object = arena_strf(side->arena, "%.*s.%.*s.%.*s", STR_ARG(table->zone), STR_ARG(table->stage), STR_ARG(table->table));
                        for (size_t w = 0; w < rule->who_count; w++)
                                add_grant(side, who_print(side->arena, &rule->who[w]), object, access_rule_print(side->arena, rule));
                }
        }
}

static void add_people(Side *side, const Zone *zone) {
        if (zone->owner.size)
                add_grant(side, zone->owner, zone->name, STR("owner"));
        for (size_t i = 0; i < zone->engineer_count; i++)
                add_grant(side, who_print(side->arena, &zone->engineers[i]), zone->name, STR("engineer"));
        for (size_t i = 0; i < zone->member_count; i++)
                add_grant(side, who_print(side->arena, &zone->members[i]), zone->name, STR("member"));
}

static Str bound_print(Arena *arena, const CentralPolicy *policy, size_t index) {
        Str out = who_print(arena, &policy->who[index]);
        for (size_t i = 0; i < policy->except_count; i++)
                out = arena_strf(arena, "%.*s%s%.*s", STR_ARG(out), i ? ", " : " except ", STR_ARG(who_print(arena, &policy->except[i])));
        return out;
}

/* Lines as they came cannot be masked: what is put aside of a source, and of a zone's checks, is kept from its people too. */
static void add_raw(Side *side, const CentralPolicy *policy, size_t who, const Named *table) {
        Arena *arena = side->arena;
        Str bound = bound_print(arena, policy, who), head, tail;
        Str people = arena_strf(arena, "owner and engineers of %.*s", STR_ARG(table->zone));
        if (policy->who[who].kind != WHO_EVERYONE)
                people = arena_strf(arena, "%.*s who are %.*s", STR_ARG(people), STR_ARG(bound));
        else if (str_cut(bound, ' ', &head, &tail))
                people = arena_strf(arena, "%.*s %.*s", STR_ARG(people), STR_ARG(tail));
        side->policy = NULL;
        if (str_is(table->stage, "staging"))
                add_grant(side, people, arena_strf(arena, "%.*s.quarantine.%.*s", STR_ARG(table->zone), STR_ARG(table->table)),
                          arena_strf(arena, "all of it and of landing (tag %.*s)", STR_ARG(policy->tag)));
        add_grant(side, people, arena_strf(arena, "%.*s.quarantine.rows", STR_ARG(table->zone)), arena_strf(arena, "all of it (tag %.*s)", STR_ARG(policy->tag)));
}

static void add_policies(Side *side, const CentralPolicies *policies) {
        side->hides = true;
        for (size_t p = 0; p < policies->count; p++) {
                const CentralPolicy *policy = &policies->items[p];
                for (size_t t = 0; t < side->tables.count; t++) {
                        const Named *table = &side->tables.items[t];
                        bool tagged = false;
                        for (size_t i = 0; i < table->tag_count; i++)
                                tagged |= str_equal(table->tags[i], policy->tag);
                        if (!tagged)
                                continue;
                        Str object = arena_strf(side->arena, "%.*s.%.*s.%.*s", STR_ARG(table->zone), STR_ARG(table->stage), STR_ARG(table->table));
                        for (size_t w = 0; w < policy->who_count; w++) {
                                Str who = bound_print(side->arena, policy, w);
                                side->policy = policy;
                                side->rows = true;
                                if (policy->rows.size)
                                        add_grant(side, who, object, arena_strf(side->arena, "%.*s: rows other than %.*s", STR_ARG(policy->tag), STR_ARG(policy->rows)));
                                side->rows = false;
                                if (policy->mask.size)
                                        add_grant(side, who, object, arena_strf(side->arena, "%.*s: %.*s", STR_ARG(policy->tag), STR_ARG(policy->mask)));
                                add_raw(side, policy, w, table);
                        }
                }
        }
        side->hides = false;
}

/* ---- the project's side ---- */

/* Those of its columns too. */
static void take_tags(Side *side, Named *table, const Model *model) {
        VEC(Str) tags = { 0 };
        for (size_t i = 0; i < model->tag_count; i++)
                vec_push(side->arena, &tags, model->tags[i]);
        for (size_t i = 0; i < model->column_count; i++)
                for (size_t k = 0; k < model->columns[i].tag_count; k++)
                        vec_push(side->arena, &tags, model->columns[i].tags[k]);
        table->tags = tags.items;
        table->tag_count = tags.count;
}

static void take_source_tags(Side *side, Named *table, const Source *source) {
        VEC(Str) tags = { 0 };
        for (size_t i = 0; i < source->column_count; i++)
                for (size_t k = 0; k < source->column_texts[i].tag_count; k++)
                        vec_push(side->arena, &tags, source->column_texts[i].tags[k]);
        table->tags = tags.items;
        table->tag_count = tags.count;
}

static void add_project(Side *side, const Project *project) {
        for (size_t z = 0; z < project->zone_count; z++) {
                const Zone *zone = project->zones[z];
                for (size_t i = 0; i < zone->source_count; i++) {
                        Named table = { .zone = zone->name, .stage = STR("staging"), .table = zone->sources[i]->name };
                        take_source_tags(side, &table, zone->sources[i]);
                        vec_push(side->arena, &side->tables, table);
                }
                for (size_t i = 0; i < zone->model_count; i++) {
                        const Model *model = zone->models[i];
                        Named table = { .zone = zone->name, .stage = str_of(stage_name(model->stage)), .table = model->name };
                        take_tags(side, &table, model);
                        vec_push(side->arena, &side->tables, table);
                }
        }
        for (size_t z = 0; z < project->zone_count; z++) {
                add_people(side, project->zones[z]);
                add_rules(side, project->zones[z]->name, &project->zones[z]->access);
        }
        add_policies(side, &project->policies);
}

/* ---- the history's side ---- */

static void add_applied_table(Side *side, const CatalogObject *object, const Json *body) {
        Named table = { .zone = object->zone, .stage = STR("staging"), .table = object->name };
        ModelStage stage;
        if (str_is(object->kind, "model")) {
                Problems problems = { .arena = side->arena };
                if (!str_cut(object->name, '.', &table.stage, &table.table) || !stage_parse(table.stage, &stage))
                        return;
                take_tags(side, &table, model_parse(side->arena, object->zone, stage, table.table, arena_cstr(side->arena, json_string(json_get(body, "path"))),
                                                    json_string(json_get(body, "text")), &problems));
        }
        if (str_is(object->kind, "source")) {
                Problems problems = { .arena = side->arena };
                take_source_tags(side, &table, source_parse(side->arena, object->zone, object->name, arena_cstr(side->arena, json_string(json_get(body, "path"))),
                                                            json_string(json_get(body, "text")), &problems));
        }
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
        } else if (str_is(object->kind, "policies")) {
                CentralPolicies policies = { 0 };
                policies_parse(side->arena, path, text, &problems, &policies);
                add_policies(side, &policies);
        }
}

static Status add_applied(Side *side, Lake *lake, CatalogAt at, Error *err) {
        CatalogObject *objects;
        size_t count;
        TRY(catalog_list(lake->catalog, at, STR(""), STR(""), side->arena, &objects, &count, err));
        Json **bodies = ARENA_ARRAY(side->arena, Json *, count);
        for (size_t i = 0; i < count; i++) {
                bool is_table = str_is(objects[i].kind, "source") || str_is(objects[i].kind, "model");
                if (!is_table && !str_is(objects[i].kind, "zone") && !str_is(objects[i].kind, "access") && !str_is(objects[i].kind, "policies"))
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

static bool has_table(const Side *side, Str object) {
        for (size_t i = 0; i < side->tables.count; i++) {
                const Named *table = &side->tables.items[i];
                if (str_equal(object, arena_strf(side->arena, "%.*s.%.*s.%.*s", STR_ARG(table->zone), STR_ARG(table->stage), STR_ARG(table->table))))
                        return true;
        }
        return false;
}

/* A table that goes is uncovered to nobody. */
static bool is_uncovered(const Side *in, const AccessChange *change) {
        Str zone, rest, stage, name;
        if (change->tag.size > 0 || !str_cut(change->object, '.', &zone, &rest) || !str_cut(rest, '.', &stage, &name))
                return has_table(in, change->object);
        return str_is(name, "rows") || has_table(in, arena_strf(in->arena, "%.*s.staging.%.*s", STR_ARG(zone), STR_ARG(name)));
}

static void add_missing(const Side *from, const Side *in, bool gained, GrantVec *out) {
        for (size_t i = 0; i < from->grants.count; i++) {
                AccessChange change = from->grants.items[i];
                if (map_has(&in->granted, grant_key(from->arena, &change)))
                        continue;
                bool hides = change.loses.size > 0;
                if (hides && !gained && !is_uncovered(in, &change))
                        continue;
                change.loses = STR("");
                if (gained == hides)
                        change = (AccessChange){ change.principal, change.object, STR(""), change.gains, change.tag, change.hidden, change.rows };
                vec_push(from->arena, out, change);
        }
}

static bool is_withheld(const AccessMisfits *misfits, const AccessChange *change) {
        for (size_t i = 0; i < misfits->tables.count; i++)
                if (str_equal(misfits->tables.items[i].object, change->object) && str_equal(misfits->tables.items[i].rule, change->gains) &&
                    (misfits->tables.items[i].principal.size == 0 || str_equal(misfits->tables.items[i].principal, change->principal)))
                        return true;
        return false;
}

void access_changes_fit(const AccessMisfits *misfits, AccessChange *changes, size_t *count) {
        size_t kept = 0;
        for (size_t i = 0; i < *count; i++)
                if (!is_withheld(misfits, &changes[i]))
                        changes[kept++] = changes[i];
        *count = kept;
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
