/* SPDX-License-Identifier: Apache-2.0 */
#include "model/scope.h"

#include "base/vec.h"
#include "intake/stage.h"
#include "model/select.h"

/* Unsaid: what replaces anyway is replaced, and each snapshot that has a time of its own counts. */
static FeedRedelivery redelivery_of(const Source *source) {
        static const FeedRedelivery said[] = { [REDELIVERY_REJECT] = FEED_REJECT,
                                               [REDELIVERY_REPLACE] = FEED_REDELIVERY_REPLACE,
                                               [REDELIVERY_APPEND] = FEED_REDELIVERY_APPEND };
        if (source->redelivery_said)
                return said[source->redelivery];
        if (source->load == LOAD_REPLACE)
                return FEED_REDELIVERY_REPLACE;
        bool dated = source->load == LOAD_HISTORY && source->order_by.count == 0 && source->as_of.kind != AS_OF_NAME;
        return dated ? FEED_REDELIVERY_APPEND : FEED_REJECT;
}

/* What names a row and what orders it must be there: a record without it could be put nowhere. */
static SourceColumn *columns_of(Arena *arena, const Source *source) {
        SourceColumn *columns = ARENA_ARRAY(arena, SourceColumn, source->column_count);
        for (size_t i = 0; i < source->column_count; i++) {
                columns[i] = source->columns[i];
                bool dates = source->as_of.kind == AS_OF_COLUMN && str_equal_nocase(columns[i].name, source->as_of.text);
                columns[i].required |= str_is_in_nocase(columns[i].name, source->key.items, source->key.count) || str_is_in_nocase(columns[i].name, source->order_by.items, source->order_by.count) || dates;
        }
        return columns;
}

Feed *feed_of_source(Arena *arena, const Source *source) {
        static const FeedLoad loads[] = { [LOAD_APPEND] = FEED_APPEND,
                                          [LOAD_REPLACE] = FEED_REPLACE,
                                          [LOAD_MERGE] = FEED_MERGE,
                                          [LOAD_HISTORY] = FEED_HISTORY };
        static const FeedEvolve evolves[] = { [EVOLVE_COLUMNS] = FEED_EVOLVE_COLUMNS,
                                              [EVOLVE_FREEZE] = FEED_EVOLVE_FREEZE,
                                              [EVOLVE_RESCUE] = FEED_EVOLVE_RESCUE,
                                              [EVOLVE_WIDEN] = FEED_EVOLVE_WIDEN };
        Feed *feed = ARENA_NEW(arena, Feed);
        *feed = (Feed){
                .zone = source->zone,
                .name = source->name,
                .about = source->about,
                .patterns = source->from,
                .pattern_count = source->from_count,
                .format = source->format,
                .columns = columns_of(arena, source),
                .column_count = source->column_count,
                .ignore = source->ignore,
                .load = loads[source->load],
                .key = source->key,
                .order_by = source->order_by,
                .gone = source->gone,
                .absent = source->absent,
                .as_of = source->as_of,
                .evolve = evolves[source->evolve],
                .redelivery = redelivery_of(source),
                .settle_us = source->settle_us,
                .tolerate_rows = source->tolerate.set ? source->tolerate.rows : -1,
                .tolerate_per_million = source->tolerate.set ? source->tolerate.per_million : -1,
                .reading = sha256_hex(arena, source_reading_hash(source)),
        };
        return feed;
}

static Str source_object(const ProjectText *text, const Source *source) {
        for (size_t i = 0; i < text->object_count; i++) {
                const ProjectObject *object = &text->objects[i];
                if (str_is(object->kind, "source") && str_equal(object->zone, source->zone) && str_equal(object->name, source->name))
                        return object->body;
        }
        return STR("");
}

static void add_zone(Scope *scope, Str zone) {
        for (size_t i = 0; i < scope->zone_count; i++)
                if (str_equal(scope->zones[i], zone))
                        return;
        scope->zones[scope->zone_count++] = zone;
}

/* Zones in which anything is chosen; with no words all, also those that hold nothing but an ingress folder. */
static void collect_zones(Scope *scope, Arena *arena) {
        const Project *project = scope->project;
        const Graph *graph = scope->text->graph;
        scope->zones = ARENA_ARRAY(arena, Str, project->zone_count);
        for (size_t i = 0; i < graph->count; i++)
                if (scope->chosen[i])
                        add_zone(scope, graph->nodes[i]->zone);
        for (size_t i = 0; i < project->zone_count && scope->whole; i++)
                add_zone(scope, project->zones[i]->name);
}

static void collect_feeds(Scope *scope, Arena *arena) {
        const Graph *graph = scope->text->graph;
        scope->feeds = ARENA_ARRAY(arena, Feed *, graph->count);
        scope->feed_chosen = ARENA_ARRAY(arena, bool, graph->count);
        for (size_t i = 0; i < graph->count; i++) {
                const Node *node = graph->nodes[i];
                if (node->kind != NODE_SOURCE)
                        continue;
                Feed *feed = feed_of_source(arena, node->source);
                feed->object = source_object(scope->text, node->source);
                scope->feed_chosen[scope->feed_count] = scope->chosen[i];
                scope->feeds[scope->feed_count++] = feed;
        }
}

Status scope_new(const Project *project, const ProjectText *text, const char **words, size_t word_count, Arena *arena, Scope *out, Error *err) {
        *out = (Scope){ .text = text, .project = project, .whole = word_count == 0 };
        Str *texts = ARENA_ARRAY(arena, Str, word_count);
        for (size_t i = 0; i < word_count; i++)
                texts[i] = str_of(words[i]);
        out->chosen = ARENA_ARRAY(arena, bool, text->graph->count);
        TRY(select_nodes(text->graph, texts, word_count, out->chosen, err));
        collect_zones(out, arena);
        collect_feeds(out, arena);
        return STATUS_OK;
}

Status scope_gone_zones(const Scope *scope, Catalog *catalog, CatalogAt at, Arena *arena, Str **out, size_t *out_count, Error *err) {
        static const char *const kinds[] = { "table", "view" };
        VEC(Str) gone = { 0 };
        for (size_t k = 0; k < COUNT_OF(kinds) && scope->whole; k++) {
                CatalogObject *objects;
                size_t count;
                TRY(catalog_list(catalog, at, str_of(kinds[k]), STR(""), arena, &objects, &count, err));
                for (size_t i = 0; i < count; i++)
                        if (!project_zone(scope->project, objects[i].zone) && !str_is_in(objects[i].zone, gone.items, gone.count))
                                vec_push(arena, &gone, objects[i].zone);
        }
        *out = gone.items;
        *out_count = gone.count;
        return STATUS_OK;
}

bool scope_has_feed(const Scope *scope, const Feed *feed) {
        for (size_t i = 0; i < scope->feed_count; i++)
                if (scope->feeds[i] == feed)
                        return scope->feed_chosen[i];
        return false;
}

Status scope_discover(const Scope *scope, const Store *store, const char *looked, Arena *arena, FoundFile **out, size_t *out_count, Error *err) {
        DiscoverSpec spec = {
                .project_root = scope->project->root,
                .feeds = (const Feed *const *)scope->feeds,
                .feed_count = scope->feed_count,
                .zones = scope->zones,
                .zone_count = scope->zone_count,
                .strays = scope->whole,
                .unpacked = { store ? store->unpacked_dir : NULL, looked },
        };
        return discover_files(&spec, arena, out, out_count, err);
}

Status scope_unread(const Scope *scope, Lake *lake, Str branch, Problems *warnings, Arena *arena, Error *err) {
        StageContext context = { .lake = lake, .commit = { .branch = branch } };
        for (size_t i = 0; i < scope->feed_count; i++) {
                const Feed *feed = scope->feeds[i];
                StagePlan stage = { 0 };
                if (scope->feed_chosen[i])
                        TRY(stage_plan(&context, feed, NULL, 0, arena, &stage, err));
                if (!stage.is_new && !stage.other_text)
                        continue;
                Error *warning = problems_add(warnings, STATUS_HELD, "%.*s.%.*s is read on main only: %s", STR_ARG(feed->zone), STR_ARG(feed->name),
                                              stage.is_new ? "this branch has no table of it"
                                                           : "its text is another than its table on this branch was made by, and the table stays as it is");
                const Node *node = graph_node(scope->text->graph, arena_strf(arena, "%.*s.staging.%.*s", STR_ARG(feed->zone), STR_ARG(feed->name)));
                error_place_line(warning, node->source->path, node->source->text, 1, 1);
                error_hint(warning, "try its reading in another project's folder, or run it on main: what was staged stays in the history");
        }
        return STATUS_OK;
}

/* ---- sources that are gone ---- */

static bool takes_ingress(const Source *source) {
        Str rest;
        for (size_t i = 0; i < source->from_count; i++)
                if (source_is_ingress(source->from[i], &rest))
                        return true;
        return false;
}

/* The first of the zone's sources that reads what is dropped and has no table yet. */
static const Node *new_source(const Scope *scope, const CatalogObject *tables, size_t count, Str zone) {
        const Graph *graph = scope->text->graph;
        for (size_t n = 0; n < graph->count; n++) {
                const Node *node = graph->nodes[n];
                bool has_table = false;
                for (size_t i = 0; i < count && !has_table; i++)
                        has_table = str_equal(tables[i].zone, node->zone) && str_starts_with(tables[i].name, STR("staging.")) &&
                                    str_equal(str_slice(tables[i].name, strlen("staging."), tables[i].name.size), node->table);
                if (node->kind == NODE_SOURCE && str_equal(node->zone, zone) && !has_table && takes_ingress(node->source))
                        return node;
        }
        return NULL;
}

static Status warn_of_left(const CatalogObject *table, const Node *node, Lake *lake, Problems *warnings, Arena *arena, Error *err) {
        Delivery *deliveries;
        size_t count;
        int64_t rows = 0;
        Str name = str_slice(table->name, strlen("staging."), table->name.size);
        DeliveryQuery query = { .zone = table->zone, .source = name, .state = STR("staged") };
        TRY(catalog_deliveries(lake->catalog, &query, arena, &deliveries, &count, err));
        for (size_t i = 0; i < count; i++)
                rows += deliveries[i].accepted;
        if (count == 0)
                return STATUS_OK;
        Error *warning = problems_add(warnings, STATUS_NOT_FOUND, "source %.*s is gone from the text, and %.*s begins: files belong to the name that took them, so that the %zu "
                                      "of %.*s (%lld rows) stay with the old one", STR_ARG(name), STR_ARG(node->table), count, STR_ARG(name), (long long)rows);
        error_place_line(warning, node->source->path, node->source->text, 1, 1);
        error_hint(warning, "if it is the same source, call its file %.*s.yml again and give the new name to a model: select * from staging.%.*s; else drop the "
                   "files into ingress/ again", STR_ARG(name), STR_ARG(name));
        return STATUS_OK;
}

Status scope_left_behind(const Scope *scope, Lake *lake, CatalogAt at, Problems *warnings, Arena *arena, Error *err) {
        CatalogObject *tables;
        size_t count;
        TRY(catalog_list(lake->catalog, at, STR("table"), STR(""), arena, &tables, &count, err));
        for (size_t i = 0; i < count; i++) {
                const CatalogObject *table = &tables[i];
                bool staged = str_starts_with(table->name, STR("staging.")) && str_is_in(table->zone, scope->zones, scope->zone_count);
                if (!staged || graph_node(scope->text->graph, arena_strf(arena, "%.*s.%.*s", STR_ARG(table->zone), STR_ARG(table->name))))
                        continue;
                const Node *node = new_source(scope, tables, count, table->zone);
                if (node)
                        TRY(warn_of_left(table, node, lake, warnings, arena, err));
        }
        return STATUS_OK;
}
