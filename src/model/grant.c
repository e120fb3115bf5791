/* SPDX-License-Identifier: Apache-2.0 */
#include "model/grant.h"

#include "base/json.h"
#include "base/vec.h"

/* What a table is tagged with, its columns' tags included. */
typedef struct Tagged {
        Str zone, stage, name;
        Str *tags;
        size_t tag_count;
} Tagged;

typedef struct GrantZone {
        Str name, owner;
        Who *engineers, *members;
        size_t engineer_count, member_count;
        Access access;
} GrantZone;

struct Grants {
        Arena *arena;
        GrantZone *zones;
        size_t zone_count;
        CentralPolicies policies;
        VEC(Tagged) tagged;
        Problems problems;
};

/* ---- loading ---- */

static GrantZone *find_zone(const Grants *grants, Str name) {
        for (size_t i = 0; i < grants->zone_count; i++)
                if (str_equal(grants->zones[i].name, name))
                        return &grants->zones[i];
        return NULL;
}

static void read_people(Grants *grants, const Json *list, Who **out, size_t *out_count) {
        size_t count = json_count(list);
        *out = ARENA_ARRAY(grants->arena, Who, count);
        for (size_t i = 0; i < count; i++) {
                Error err;
                if (who_parse(json_string(json_at(list, i)), &(*out)[*out_count], &err) == STATUS_OK)
                        ++*out_count;
                else
                        problems_take(&grants->problems, &err);
        }
}

static Status body_of(const CatalogObject *object, Arena *arena, Json **out, const char **out_path, Str *out_text, Error *err) {
        Str path;
        TRY(json_parse(object->body, "the catalog", arena, out, err));
        TRY(json_want_string(*out, "path", &path, err));
        TRY(json_want_string(*out, "text", out_text, err));
        *out_path = arena_cstr(arena, path);
        return STATUS_OK;
}

static Status load_zones(Grants *grants, Catalog *catalog, Error *err) {
        CatalogObject *objects;
        TRY(catalog_list(catalog, (CatalogAt){ 0 }, STR("zone"), STR(""), grants->arena, &objects, &grants->zone_count, err));
        grants->zones = ARENA_ARRAY(grants->arena, GrantZone, grants->zone_count);
        for (size_t i = 0; i < grants->zone_count; i++) {
                GrantZone *zone = &grants->zones[i];
                Json *root;
                const char *path;
                Str text;
                TRY(body_of(&objects[i], grants->arena, &root, &path, &text, err));
                zone->name = objects[i].name;
                zone->owner = json_string(json_get(root, "owner"));
                read_people(grants, json_get(root, "engineers"), &zone->engineers, &zone->engineer_count);
                read_people(grants, json_get(root, "members"), &zone->members, &zone->member_count);
        }
        return STATUS_OK;
}

static Status load_access(Grants *grants, Catalog *catalog, Error *err) {
        CatalogObject *objects;
        size_t count;
        TRY(catalog_list(catalog, (CatalogAt){ 0 }, STR("access"), STR(""), grants->arena, &objects, &count, err));
        for (size_t i = 0; i < count; i++) {
                GrantZone *zone = find_zone(grants, objects[i].zone);
                Json *root;
                const char *path;
                Str text;
                TRY(body_of(&objects[i], grants->arena, &root, &path, &text, err));
                if (zone)
                        access_parse(grants->arena, path, text, &grants->problems, &zone->access);
        }
        return STATUS_OK;
}

static Status load_policies(Grants *grants, Catalog *catalog, Error *err) {
        CatalogObject *objects;
        size_t count;
        TRY(catalog_list(catalog, (CatalogAt){ 0 }, STR("policies"), STR(""), grants->arena, &objects, &count, err));
        for (size_t i = 0; i < count; i++) {
                Json *root;
                const char *path;
                Str text;
                TRY(body_of(&objects[i], grants->arena, &root, &path, &text, err));
                policies_parse(grants->arena, path, text, &grants->problems, &grants->policies);
        }
        return STATUS_OK;
}

static void tag_model(Grants *grants, const Model *model, Str stage) {
        VEC(Str) tags = { 0 };
        for (size_t i = 0; i < model->tag_count; i++)
                vec_push(grants->arena, &tags, model->tags[i]);
        for (size_t i = 0; i < model->column_count; i++)
                for (size_t j = 0; j < model->columns[i].tag_count; j++)
                        vec_push(grants->arena, &tags, model->columns[i].tags[j]);
        if (tags.count > 0)
                vec_push(grants->arena, &grants->tagged, ((Tagged){ model->zone, stage, model->name, tags.items, tags.count }));
}

static Status load_tags(Grants *grants, Catalog *catalog, Error *err) {
        CatalogObject *objects;
        size_t count;
        TRY(catalog_list(catalog, (CatalogAt){ 0 }, STR("model"), STR(""), grants->arena, &objects, &count, err));
        for (size_t i = 0; i < count; i++) {
                Json *root;
                const char *path;
                Str text, stage_text, name;
                ModelStage stage;
                TRY(body_of(&objects[i], grants->arena, &root, &path, &text, err));
                if (!str_cut(objects[i].name, '.', &stage_text, &name) || !stage_parse(stage_text, &stage))
                        continue;
                tag_model(grants, model_parse(grants->arena, objects[i].zone, stage, name, path, text, &grants->problems), stage_text);
        }
        return STATUS_OK;
}

Status grants_load(Catalog *catalog, Arena *arena, Grants **out, Error *err) {
        Grants *grants = ARENA_NEW(arena, Grants);
        grants->arena = arena;
        grants->problems.arena = arena;
        TRY(load_zones(grants, catalog, err));
        TRY(load_access(grants, catalog, err));
        TRY(load_policies(grants, catalog, err));
        TRY(load_tags(grants, catalog, err));
        *out = grants;
        return STATUS_OK;
}

Status grants_now(GrantCache *cache, Catalog *catalog, const Grants **out, Error *err) {
        int64_t generation;
        TRY(catalog_generation(catalog, &generation, err));
        if (!cache->grants || generation != cache->generation) {
                cache->grants = NULL;
                arena_reset(&cache->arena);
                TRY(grants_load(catalog, &cache->arena, &cache->grants, err));
                cache->generation = generation;
        }
        *out = cache->grants;
        return STATUS_OK;
}

const Problems *grants_problems(const Grants *grants) {
        return &grants->problems;
}

/* ---- asking ---- */

/* A zone in a list of people means its members; one level only, so that nothing can go round in circles. */
static bool is_among(const Grants *grants, const Account *account, const Who *who, size_t count, bool zones, bool *out_by_zone) {
        for (size_t i = 0; i < count; i++) {
                const GrantZone *zone;
                bool ignored;
                switch (who[i].kind) {
                case WHO_EVERYONE:
                        return true;
                case WHO_USER:
                        if (str_equal(who[i].name, account->name))
                                return true;
                        break;
                case WHO_ROLE:
                        if (account_has_role(account, who[i].name))
                                return true;
                        break;
                case WHO_ZONE:
                        zone = zones ? find_zone(grants, who[i].name) : NULL;
                        if (zone && (str_equal(zone->owner, account->name) ||
                                     is_among(grants, account, zone->members, zone->member_count, false, &ignored))) {
                                *out_by_zone = true;
                                return true;
                        }
                        break;
                }
        }
        return false;
}

static bool has_tag(const Grants *grants, Str zone, Str stage, Str name, Str tag) {
        for (size_t i = 0; i < grants->tagged.count; i++) {
                const Tagged *tagged = &grants->tagged.items[i];
                if (!str_equal(tagged->zone, zone) || !str_equal(tagged->stage, stage) || !str_equal(tagged->name, name))
                        continue;
                for (size_t j = 0; j < tagged->tag_count; j++)
                        if (str_equal(tagged->tags[j], tag))
                                return true;
        }
        return false;
}

static bool names_table(const Grants *grants, const AccessRule *rule, Str zone, Str stage, Str name) {
        for (size_t i = 0; i < rule->on_count; i++) {
                const AccessObject *on = &rule->on[i];
                bool fits = on->is_tag ? has_tag(grants, zone, stage, name, on->table)
                                       : str_equal(on->stage, stage) && (str_is(on->table, "*") || str_equal(on->table, name));
                if (fits)
                        return true;
        }
        return false;
}

static bool rule_grants(const Grants *grants, const Account *account, const GrantZone *zone, Str stage, Str name) {
        if (str_is(stage, "quarantine"))
                return false;
        for (size_t i = 0; i < zone->access.rule_count; i++) {
                const AccessRule *rule = &zone->access.rules[i];
                bool by_zone = false;
                if (!access_rule_is_whole(rule) || !names_table(grants, rule, zone->name, stage, name) ||
                    !is_among(grants, account, rule->who, rule->who_count, true, &by_zone))
                        continue;
                if (!by_zone || str_is(stage, "egress")) /* between zones there are products, and nothing else */
                        return true;
        }
        return false;
}

/* policies.yml binds owners and engineers too; what it would mask or filter is withheld whole until it can. */
static bool is_withheld(const Grants *grants, const Account *account, Str zone, Str stage, Str name) {
        for (size_t i = 0; i < grants->policies.count; i++) {
                const CentralPolicy *policy = &grants->policies.items[i];
                bool by_zone = false;
                if (has_tag(grants, zone, stage, name, policy->tag) && is_among(grants, account, policy->who, policy->who_count, true, &by_zone) &&
                    !is_among(grants, account, policy->except, policy->except_count, true, &by_zone))
                        return true;
        }
        return false;
}

static bool is_of_zone(const Grants *grants, const Account *account, const GrantZone *zone) {
        bool ignored;
        return (zone->owner.size > 0 && str_equal(zone->owner, account->name)) ||
               is_among(grants, account, zone->engineers, zone->engineer_count, false, &ignored);
}

ZoneRole grants_role(const Grants *grants, const Account *account, Str zone_name) {
        const GrantZone *zone = find_zone(grants, zone_name);
        if (!zone || !is_of_zone(grants, account, zone))
                return ZONE_ROLE_NONE;
        return zone->owner.size > 0 && str_equal(zone->owner, account->name) ? ZONE_ROLE_OWNER : ZONE_ROLE_ENGINEER;
}

bool grants_may_apply(const Grants *grants, const Account *account) {
        bool may = account->is_admin;
        for (size_t i = 0; i < grants->zone_count && !may; i++)
                may = is_of_zone(grants, account, &grants->zones[i]);
        return may;
}

bool grants_may_read(const Grants *grants, const Account *account, Str zone_name, Str stage, Str name) {
        const GrantZone *zone = find_zone(grants, zone_name);
        if (account->is_admin)
                return true;
        if (!zone || is_withheld(grants, account, zone_name, stage, name))
                return false;
        return is_of_zone(grants, account, zone) || rule_grants(grants, account, zone, stage, name);
}

bool grants_may_enter(const Grants *grants, const Account *account, Str zone_name) {
        const GrantZone *zone = find_zone(grants, zone_name);
        if (!zone)
                return false;
        if (account->is_admin || is_of_zone(grants, account, zone))
                return true;
        for (size_t i = 0; i < zone->access.rule_count; i++) {
                bool by_zone;
                if (access_rule_is_whole(&zone->access.rules[i]) && is_among(grants, account, zone->access.rules[i].who, zone->access.rules[i].who_count, true, &by_zone))
                        return true;
        }
        return false;
}
