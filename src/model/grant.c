/* SPDX-License-Identifier: Apache-2.0 */
#include "model/grant_parts.h"

#include "base/json.h"
#include "base/map.h"
#include "lake/view.h"

/* ---- loading ---- */

GrantZone *grant_zone(const Grants *grants, Str name) {
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

static size_t problem_count(const Grants *grants) {
        return grants->problems.errors.count + grants->problems.dropped;
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
                zone->text = text;
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
                GrantZone *zone = grant_zone(grants, objects[i].zone);
                Json *root;
                const char *path;
                Str text;
                TRY(body_of(&objects[i], grants->arena, &root, &path, &text, err));
                size_t before = problem_count(grants);
                if (zone)
                        access_parse(grants->arena, path, text, &grants->problems, &zone->access);
                if (zone && problem_count(grants) > before)
                        zone->access.rule_count = 0; /* half of a rule may grant more than the whole */
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
                size_t before = problem_count(grants);
                policies_parse(grants->arena, path, text, &grants->problems, &grants->policies);
                grants->policies_unread |= problem_count(grants) > before;
        }
        return STATUS_OK;
}

static void add_tag(Grants *grants, const Model *model, Str stage, Str column, Str tag) {
        Tagged tagged = { model->zone, stage, model->name, column, tag };
        vec_push(grants->arena, &grants->tagged, tagged);
}

static void tag_model(Grants *grants, const Model *model, Str stage) {
        for (size_t i = 0; i < model->tag_count; i++)
                add_tag(grants, model, stage, STR_NONE, model->tags[i]);
        for (size_t i = 0; i < model->column_count; i++) {
                for (size_t j = 0; j < model->columns[i].tag_count; j++)
                        add_tag(grants, model, stage, model->columns[i].name, model->columns[i].tags[j]);
                for (size_t j = 0; j < model->columns[i].untag_count; j++)
                        vec_push(grants->arena, &grants->untagged,
                                 ((Tagged){ model->zone, stage, model->name, model->columns[i].name, model->columns[i].untags[j] }));
        }
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
                size_t before = problem_count(grants);
                const Model *model = model_parse(grants->arena, objects[i].zone, stage, name, path, text, &grants->problems);
                tag_model(grants, model, stage_text);
                for (size_t k = 0; problem_count(grants) > before && k < grants->policies.count; k++)
                        add_tag(grants, model, stage_text, STR_NONE, grants->policies.items[k].tag); /* any may be its own */
        }
        return STATUS_OK;
}

static void add_source_tag(Grants *grants, Str zone, Str name, Str column, Str tag) {
        vec_push(grants->arena, &grants->tagged, ((Tagged){ zone, STR("staging"), name, column, tag }));
}

static Status load_source_tags(Grants *grants, Catalog *catalog, Error *err) {
        CatalogObject *objects;
        size_t count;
        TRY(catalog_list(catalog, (CatalogAt){ 0 }, STR("source"), STR(""), grants->arena, &objects, &count, err));
        for (size_t i = 0; i < count; i++) {
                Json *root;
                TRY(json_parse(objects[i].body, "the catalog", grants->arena, &root, err));
                const Json *columns = json_get(root, "columns");
                for (size_t k = 0; k < json_count(columns); k++) {
                        const Json *tags = json_get(json_at(columns, k), "tags");
                        Str column = json_string(json_get(json_at(columns, k), "name"));
                        for (size_t n = 0; n < json_count(tags); n++)
                                add_source_tag(grants, objects[i].zone, objects[i].name, column, json_string(json_at(tags, n)));
                }
        }
        return STATUS_OK;
}

/* ---- tags that are inherited ---- */

/* A column of a table or view that was made by a model, and where its values come from. */
typedef struct Made {
        Str zone, stage, name;
        LakeLineage line;
} Made;

typedef VEC(Made) MadeVec;

/* The tags that a column has, or (column empty) that its whole table has. */
typedef struct TagList {
        struct TagList *next;
        Str tag;
} TagList;

static Str tag_key(Arena *arena, Str table, Str column) {
        char *key = arena_printf(arena, "%.*s%c%.*s", STR_ARG(table), '\n', STR_ARG(column));
        for (char *at = key + table.size; *at; at++)
                *at = char_lower(*at);
        return str_of(key);
}

static bool note_tag(Map *tags, Arena *arena, Str key, Str tag) {
        TagList *list = map_get(tags, key);
        for (TagList *at = list; at; at = at->next)
                if (str_equal(at->tag, tag))
                        return false;
        TagList *first = ARENA_NEW(arena, TagList);
        *first = (TagList){ list, tag };
        map_put(tags, key, first);
        return true;
}

/* Taken off by the model that makes the column, and by policies.yml that rules on the tag. */
static bool is_lifted(const Grants *grants, const Made *made, Str tag) {
        bool wished = false;
        for (size_t i = 0; i < grants->untagged.count && !wished; i++) {
                const Tagged *wish = &grants->untagged.items[i];
                wished = str_equal(wish->tag, tag) && str_equal(wish->zone, made->zone) && str_equal(wish->stage, made->stage) &&
                         str_equal(wish->name, made->name) && str_equal_nocase(wish->column, made->line.column);
        }
        return wished && policies_let_go(&grants->policies, tag, made->zone, made->stage, made->name, made->line.column);
}

/* The columns that read a column, or (column empty) anything of a table. */
typedef struct Reader {
        struct Reader *next;
        const Made *made;
} Reader;

static void note_reader(Map *readers, Str key, const Made *made) {
        Reader *first = ARENA_NEW(readers->arena, Reader);
        *first = (Reader){ map_get(readers, key), made };
        map_put(readers, key, first);
}

static void note_readers(Map *readers, const MadeVec *all) {
        for (size_t i = 0; i < all->count; i++) {
                const LakeLineage *line = &all->items[i].line;
                for (size_t k = 0; k < line->source_count; k++) {
                        note_reader(readers, tag_key(readers->arena, line->sources[k].table, line->sources[k].column), &all->items[i]);
                        note_reader(readers, tag_key(readers->arena, line->sources[k].table, STR("")), &all->items[i]);
                }
        }
}

static Str tagged_key(Arena *arena, Str zone, Str stage, Str name, Str column) {
        return tag_key(arena, arena_strf(arena, "%.*s.%.*s.%.*s", STR_ARG(zone), STR_ARG(stage), STR_ARG(name)), column);
}

/* What a column has that any of its values comes from, it has. */
static void hand_on(Grants *grants, Map *tags, const Map *readers, Tagged from) {
        for (const Reader *at = map_get(readers, tagged_key(grants->arena, from.zone, from.stage, from.name, from.column)); at; at = at->next) {
                const Made *made = at->made;
                Str key = tagged_key(grants->arena, made->zone, made->stage, made->name, made->line.column);
                if (!is_lifted(grants, made, from.tag) && note_tag(tags, grants->arena, key, from.tag))
                        vec_push(grants->arena, &grants->tagged, ((Tagged){ made->zone, made->stage, made->name, made->line.column, from.tag, true }));
        }
}

static Status load_made(const Grants *grants, Catalog *catalog, MadeVec *all, Error *err) {
        static const char *const kinds[] = { "table", "view" };
        for (size_t k = 0; k < COUNT_OF(kinds); k++) {
                CatalogObject *objects;
                size_t count;
                TRY(catalog_list(catalog, (CatalogAt){ 0 }, str_of(kinds[k]), STR(""), grants->arena, &objects, &count, err));
                for (size_t i = 0; i < count; i++) {
                        Json *root;
                        LakeLineage *lines;
                        size_t line_count;
                        Made made = { .zone = objects[i].zone };
                        TRY(json_parse(objects[i].body, "the catalog", grants->arena, &root, err));
                        lineage_parse(json_get(root, "lineage"), grants->arena, &lines, &line_count);
                        for (size_t n = 0; n < line_count && str_cut(objects[i].name, '.', &made.stage, &made.name); n++) {
                                made.line = lines[n];
                                vec_push(grants->arena, all, made);
                        }
                }
        }
        return STATUS_OK;
}

static Status load_inherited(Grants *grants, Catalog *catalog, Error *err) {
        MadeVec all = { 0 };
        Map tags, readers;
        if (grants->tagged.count == 0)
                return STATUS_OK;
        TRY(load_made(grants, catalog, &all, err));
        map_init(&tags, grants->arena);
        map_init(&readers, grants->arena);
        note_readers(&readers, &all);
        for (size_t i = 0; i < grants->tagged.count; i++) {
                const Tagged *tagged = &grants->tagged.items[i];
                note_tag(&tags, grants->arena, tagged_key(grants->arena, tagged->zone, tagged->stage, tagged->name, tagged->column), tagged->tag);
        }
        for (size_t i = 0; i < grants->tagged.count; i++) /* it grows by what is handed on */
                hand_on(grants, &tags, &readers, grants->tagged.items[i]);
        return STATUS_OK;
}

/* ---- tags by their table ---- */

static int compare_table(const Tagged *a, Str zone, Str stage, Str name) {
        int order = str_compare(a->zone, zone);
        if (order == 0)
                order = str_compare(a->stage, stage);
        return order == 0 ? str_compare(a->name, name) : order;
}

static int compare_tagged(const void *left, const void *right) {
        const Tagged *a = left, *b = right;
        int order = compare_table(a, b->zone, b->stage, b->name);
        return order == 0 ? (a->at > b->at) - (a->at < b->at) : order;
}

/* Those of one table stand together, in the order in which they were found. */
static void order_tags(Grants *grants) {
        for (size_t i = 0; i < grants->tagged.count; i++)
                grants->tagged.items[i].at = i;
        if (grants->tagged.count > 0)
                qsort(grants->tagged.items, grants->tagged.count, sizeof(Tagged), compare_tagged);
}

Status grants_load(Catalog *catalog, Arena *arena, Grants **out, Error *err) {
        Grants *grants = ARENA_NEW(arena, Grants);
        grants->arena = arena;
        grants->problems.arena = arena;
        TRY(load_zones(grants, catalog, err));
        TRY(load_access(grants, catalog, err));
        TRY(load_policies(grants, catalog, err));
        TRY(load_tags(grants, catalog, err));
        TRY(load_source_tags(grants, catalog, err));
        TRY(load_inherited(grants, catalog, err));
        order_tags(grants);
        *out = grants;
        return STATUS_OK;
}

static void tag_source(Grants *grants, const Source *source) {
        for (size_t i = 0; i < source->column_count; i++)
                for (size_t k = 0; k < source->column_texts[i].tag_count; k++)
                        add_source_tag(grants, source->zone, source->name, source->columns[i].name, source->column_texts[i].tags[k]);
}

Grants *grants_of_project(const Project *project, Arena *arena) {
        Grants *grants = ARENA_NEW(arena, Grants);
        grants->arena = arena;
        grants->problems.arena = arena;
        grants->policies = project->policies;
        grants->zones = ARENA_ARRAY(arena, GrantZone, project->zone_count);
        for (size_t i = 0; i < project->zone_count; i++) {
                const Zone *zone = project->zones[i];
                for (size_t k = 0; k < zone->source_count; k++)
                        tag_source(grants, zone->sources[k]);
                grants->zones[grants->zone_count++] = (GrantZone){ .name = zone->name, .owner = zone->owner, .engineers = zone->engineers,
                                                                   .engineer_count = zone->engineer_count, .members = zone->members,
                                                                   .member_count = zone->member_count, .access = zone->access };
                for (size_t k = 0; k < zone->model_count; k++)
                        tag_model(grants, zone->models[k], str_of(stage_name(zone->models[k]->stage)));
        }
        order_tags(grants);
        return grants;
}

Status grants_now(GrantCache *cache, Catalog *catalog, const Grants **out, Error *err) {
        int64_t generation;
        TRY(catalog_generation(catalog, &generation, err));
        if (!cache->grants || generation != cache->generation) {
                cache->grants = NULL;
                arena_reset(&cache->arena);
                map_init(&cache->trees, &cache->arena);
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

static bool is_named(const Account *account, const Who *who) {
        return who->kind == WHO_EVERYONE || (who->kind == WHO_USER && str_equal(who->name, account->name)) ||
               (who->kind == WHO_ROLE && account_has_role(account, who->name));
}

/* A zone in a list of people means its members; one level only, so that nothing can go round in circles. */
static bool is_of_named_zone(const Grants *grants, const Account *account, const Who *who) {
        const GrantZone *zone = who->kind == WHO_ZONE ? grant_zone(grants, who->name) : NULL;
        if (!zone)
                return false;
        bool member = zone->owner.size > 0 && str_equal(zone->owner, account->name);
        for (size_t i = 0; i < zone->member_count; i++)
                member |= is_named(account, &zone->members[i]);
        return member;
}

bool grant_is_among(const Grants *grants, const Account *account, const Who *who, size_t count, bool *out_by_zone) {
        bool by_zone = false;
        for (size_t i = 0; i < count; i++) {
                if (is_named(account, &who[i]))
                        return true;
                by_zone |= is_of_named_zone(grants, account, &who[i]);
        }
        *out_by_zone = by_zone;
        return by_zone;
}

const Tagged *grant_tagged(const Grants *grants, const GrantTable *table, size_t *out_count) {
        const Tagged *items = grants->tagged.items;
        size_t low = 0, high = grants->tagged.count;
        while (low < high) {
                size_t middle = low + (high - low) / 2;
                if (compare_table(&items[middle], table->zone->name, table->stage, table->name) < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        for (high = low; high < grants->tagged.count && compare_table(&items[high], table->zone->name, table->stage, table->name) == 0;)
                high++;
        *out_count = high - low;
        return high > low ? &items[low] : NULL;
}

static bool is_of_column(const Tagged *tagged, Str column) {
        return column.data == NULL || tagged->column.size == 0 || str_equal_nocase(tagged->column, column);
}

bool grant_has_tag(const Grants *grants, const GrantTable *table, Str column, Str tag, bool inherited) {
        size_t count;
        const Tagged *items = grant_tagged(grants, table, &count);
        for (size_t i = 0; i < count; i++)
                if ((inherited || !items[i].inherited) && str_equal(items[i].tag, tag) && is_of_column(&items[i], column))
                        return true;
        return false;
}

void grants_tags(const Grants *grants, Str zone, Str stage, Str name, Str column, Arena *arena, Str **out, size_t *out_count) {
        VEC(Str) tags = { 0 };
        GrantZone own = { .name = zone };
        size_t count;
        const Tagged *items = grant_tagged(grants, &(GrantTable){ &own, stage, name }, &count);
        for (size_t i = 0; i < count; i++) {
                bool again = !is_of_column(&items[i], column);
                for (size_t k = 0; k < tags.count && !again; k++)
                        again = str_equal(tags.items[k], items[i].tag);
                if (!again)
                        vec_push(arena, &tags, items[i].tag);
        }
        *out = tags.items;
        *out_count = tags.count;
}

static bool names_table(const Grants *grants, const AccessRule *rule, const GrantTable *table) {
        for (size_t i = 0; i < rule->on_count; i++) {
                const AccessObject *on = &rule->on[i];
                bool fits = on->is_tag ? grant_has_tag(grants, table, STR_NONE, on->table, false)
                                       : str_equal(on->stage, table->stage) && (str_is(on->table, "*") || str_equal(on->table, table->name));
                if (fits)
                        return true;
        }
        return false;
}

/* Landed bytes and what was refused are raw: for the zone's own people. */
static bool is_raw(Str stage) {
        return str_is(stage, "quarantine") || str_is(stage, "landing");
}

bool grant_rule_holds(const Grants *grants, const Account *account, const GrantTable *table, const AccessRule *rule) {
        bool by_zone = false;
        return !is_raw(table->stage) && names_table(grants, rule, table) &&
               grant_is_among(grants, account, rule->who, rule->who_count, &by_zone) &&
               (!by_zone || str_is(table->stage, "egress")); /* between zones there are products, and nothing else */
}

static bool has_rule(const Grants *grants, const Account *account, const GrantTable *table, bool whole) {
        for (size_t i = 0; i < table->zone->access.rule_count; i++) {
                const AccessRule *rule = &table->zone->access.rules[i];
                if ((!whole || access_rule_is_whole(rule)) && grant_rule_holds(grants, account, table, rule))
                        return true;
        }
        return false;
}

bool grant_policy_binds(const Grants *grants, const Account *account, const CentralPolicy *policy) {
        bool by_zone;
        return grant_is_among(grants, account, policy->who, policy->who_count, &by_zone) &&
               !grant_is_among(grants, account, policy->except, policy->except_count, &by_zone);
}

/* Raw lines of a source are what its staged table is made of; rows that checks put aside are of any table of the zone. */
bool grant_touches(const Grants *grants, const GrantTable *table, Str tag) {
        if (!is_raw(table->stage))
                return grant_has_tag(grants, table, STR_NONE, tag, true);
        if (!str_is(table->name, "rows"))
                return grant_has_tag(grants, &(GrantTable){ table->zone, STR("staging"), table->name }, STR_NONE, tag, true);
        bool found = false;
        for (size_t i = 0; i < grants->tagged.count; i++)
                found |= str_equal(grants->tagged.items[i].zone, table->zone->name) && str_equal(grants->tagged.items[i].tag, tag);
        return found;
}

static bool is_limited_centrally(const Grants *grants, const Account *account, const GrantTable *table) {
        for (size_t i = 0; i < grants->policies.count; i++) {
                const CentralPolicy *policy = &grants->policies.items[i];
                if (grant_touches(grants, table, policy->tag) && grant_policy_binds(grants, account, policy))
                        return true;
        }
        return false;
}

bool grant_is_of_zone(const Account *account, const GrantZone *zone) {
        bool is = zone->owner.size > 0 && str_equal(zone->owner, account->name);
        for (size_t i = 0; i < zone->engineer_count; i++)
                is |= is_named(account, &zone->engineers[i]);
        return is;
}

ZoneRole grants_role(const Grants *grants, const Account *account, Str zone_name) {
        const GrantZone *zone = grant_zone(grants, zone_name);
        if (!zone || !grant_is_of_zone(account, zone))
                return ZONE_ROLE_NONE;
        return zone->owner.size > 0 && str_equal(zone->owner, account->name) ? ZONE_ROLE_OWNER : ZONE_ROLE_ENGINEER;
}

bool grants_owns(const Grants *grants, const Account *account) {
        bool owns = false;
        for (size_t i = 0; i < grants->zone_count && !owns; i++)
                owns = grants->zones[i].owner.size > 0 && str_equal(grants->zones[i].owner, account->name);
        return owns;
}

bool grants_may_apply(const Grants *grants, const Account *account) {
        bool may = account->is_admin;
        for (size_t i = 0; i < grants->zone_count && !may; i++)
                may = grant_is_of_zone(account, &grants->zones[i]);
        return may;
}

static bool table_of(const Grants *grants, Str zone, Str stage, Str name, GrantTable *out) {
        *out = (GrantTable){ grant_zone(grants, zone), stage, name };
        return out->zone != NULL && !grants->policies_unread;
}

bool grants_may_see(const Grants *grants, const Account *account, Str zone, Str stage, Str name) {
        GrantTable table;
        if (account->is_admin)
                return true;
        if (!table_of(grants, zone, stage, name, &table))
                return false;
        if (is_raw(stage))
                return grants_see_whole(grants, account, zone, stage, name);
        return grant_is_of_zone(account, table.zone) || has_rule(grants, account, &table, false);
}

bool grants_see_whole(const Grants *grants, const Account *account, Str zone, Str stage, Str name) {
        GrantTable table;
        if (account->is_admin)
                return true;
        if (!table_of(grants, zone, stage, name, &table) || is_limited_centrally(grants, account, &table))
                return false;
        return grant_is_of_zone(account, table.zone) || has_rule(grants, account, &table, true);
}

bool grants_may_enter(const Grants *grants, const Account *account, Str zone_name) {
        const GrantZone *zone = grant_zone(grants, zone_name);
        if (!zone || (grants->policies_unread && !account->is_admin && !account->is_auditor))
                return false;
        if (account->is_admin || account->is_auditor || grant_is_of_zone(account, zone))
                return true;
        for (size_t i = 0; i < zone->access.rule_count; i++) {
                bool by_zone = false;
                if (grant_is_among(grants, account, zone->access.rules[i].who, zone->access.rules[i].who_count, &by_zone))
                        return true;
        }
        return false;
}
