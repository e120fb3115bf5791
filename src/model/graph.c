/* SPDX-License-Identifier: Apache-2.0 */
#include "model/graph.h"

Graph *graph_new(Arena *arena) {
        Graph *graph = ARENA_NEW(arena, Graph);
        graph->arena = arena;
        map_init(&graph->by_name, arena);
        return graph;
}

static Node *add_node(Graph *graph, NodeKind kind, Str zone, const char *stage, Str table) {
        Node *node = ARENA_NEW(graph->arena, Node);
        node->kind = kind;
        node->zone = zone;
        node->stage = str_of(stage);
        node->table = table;
        node->name = arena_strf(graph->arena, "%.*s.%s.%.*s", STR_ARG(zone), stage, STR_ARG(table));
        VEC(Node *) nodes = { graph->nodes, graph->count, graph->capacity };
        vec_push(graph->arena, &nodes, node);
        graph->nodes = nodes.items;
        graph->count = nodes.count;
        graph->capacity = nodes.capacity;
        map_put(&graph->by_name, node->name, node);
        return node;
}

static void hash_into(Buf *buf, Sha256 hash) {
        buf_append(buf, (Str){ (const char *)hash.bytes, SHA256_SIZE });
}

Node *graph_add_source(Graph *graph, const Source *source) {
        Node *node = add_node(graph, NODE_SOURCE, source->zone, "staging", source->name);
        node->source = source;
        node->own = source_reading_hash(source);
        return node;
}

Node *graph_add_model(Graph *graph, const Model *model, const GraphRelation *relations, size_t count, Sha256 tree) {
        Node *node = add_node(graph, NODE_MODEL, model->zone, stage_name(model->stage), model->name);
        node->model = model;
        node->relations = ARENA_ARRAY(graph->arena, GraphRelation, count + 1);
        if (count > 0)
                memcpy(node->relations, relations, count * sizeof(*relations));
        node->relation_count = count;

        CLEANUP(buf_deinit) Buf buf = { 0 };
        hash_into(&buf, tree);
        hash_into(&buf, model_settings_hash(model));
        node->own = sha256_of(buf_view(&buf));
        return node;
}

Node *graph_node(const Graph *graph, Str full_name) {
        return map_get(&graph->by_name, full_name);
}

/* ---- what a relation means ---- */

static void place_relation(Error *err, const Node *node, const GraphRelation *relation) {
        error_place(err, node->model->path, node->model->text, relation->offset);
}

/* As it would be written from inside the zone: stage.table, or with the zone for another's. */
static Str spelled(Arena *arena, const Node *from, const Node *to) {
        if (str_equal(from->zone, to->zone))
                return arena_strf(arena, "%.*s.%.*s", STR_ARG(to->stage), STR_ARG(to->table));
        return to->name;
}

/* Whole: a model has no attributes and reads as it is built, for whoever will see what it makes. *out_part: a rule with rows,
 * columns or masks names the product. */
static bool grants_zone(const Access *access, Str zone, Str product, bool *out_part) {
        *out_part = false;
        for (size_t i = 0; i < access->rule_count; i++) {
                const AccessRule *rule = &access->rules[i];
                bool who = false, on = false;
                for (size_t k = 0; k < rule->who_count; k++)
                        who = who || rule->who[k].kind == WHO_EVERYONE ||
                              (rule->who[k].kind == WHO_ZONE && str_equal(rule->who[k].name, zone));
                for (size_t k = 0; k < rule->on_count; k++)
                        on = on || (str_is(rule->on[k].stage, "egress") &&
                                    (str_is(rule->on[k].table, "*") || str_equal(rule->on[k].table, product)));
                if (who && on && access_rule_is_whole(rule))
                        return true;
                *out_part |= who && on;
        }
        return false;
}

/* Whether the text of one zone may know of a table of another's. */
static bool is_told(const Graph *graph, const Project *project, Str zone, const Node *other) {
        bool part;
        if (str_equal(other->zone, zone))
                return true;
        const Zone *owner = graph->discreet && project ? project_zone(project, other->zone) : NULL;
        return str_is(other->stage, "egress") && (!owner || grants_zone(&owner->access, zone, other->table, &part) || part);
}

/* A table of the same name in another stage or zone is the best guess, then the nearest spelling. */
static Str guess_for(const Graph *graph, const Project *project, const Node *node, const GraphRelation *relation, Str wanted) {
        for (size_t i = 0; i < graph->count; i++)
                if (graph->nodes[i] != node && str_equal_nocase(graph->nodes[i]->table, relation->name) &&
                    str_equal(graph->nodes[i]->zone, node->zone))
                        return spelled(graph->arena, node, graph->nodes[i]);

        Str *names = ARENA_ARRAY(graph->arena, Str, graph->count + 1);
        size_t count = 0;
        for (size_t i = 0; i < graph->count; i++) {
                const Node *other = graph->nodes[i];
                if (other != node && is_told(graph, project, node->zone, other))
                        names[count++] = other->name;
        }
        Str whole = relation->zone.size ? wanted
                                        : arena_strf(graph->arena, "%.*s.%.*s", STR_ARG(node->zone), STR_ARG(wanted));
        Str near = str_nearest(whole, names, count);
        Node *found = near.size ? graph_node(graph, near) : NULL;
        return found ? spelled(graph->arena, node, found) : STR_NONE;
}

static void unknown_table(const Graph *graph, const Project *project, const Node *node, const GraphRelation *relation, Str wanted,
                          Problems *problems) {
        Str guess = guess_for(graph, project, node, relation, wanted);
        bool elsewhere = graph->discreet && relation->zone.size > 0 && !str_equal_nocase(relation->zone, node->zone);
        Error *err = problems_add(problems, STATUS_NO_TABLE, "no table `%.*s`%s", STR_ARG(wanted),
                                  elsewhere ? ", or its zone does not grant it to this one" : "");
        place_relation(err, node, relation);
        if (relation->stage.size == 0)
                error_hint(err,
                           guess.size ? "a table has at least two parts: %.*s"
                                      : "a table has at least two parts: STAGE.TABLE%.*s",
                           STR_ARG(guess));
        else if (guess.size > 0)
                error_hint(err, "did you mean `%.*s`?", STR_ARG(guess));
        else
                error_hint(err, "a model reads staging.SOURCE, and models of its zone; lode show table lists them");
}

/* A rule on the product for a zone that there is not: this one, written wrong. The rule's line, else 0. */
static int misspelt_zone(const Project *project, const Access *access, Str zone, Str product, Str *out) {
        for (size_t i = 0; i < access->rule_count; i++) {
                const AccessRule *rule = &access->rules[i];
                bool on = false;
                for (size_t k = 0; k < rule->on_count; k++)
                        on |= str_is(rule->on[k].stage, "egress") && (str_is(rule->on[k].table, "*") || str_equal(rule->on[k].table, product));
                for (size_t k = 0; on && k < rule->who_count; k++) {
                        *out = rule->who[k].name;
                        if (rule->who[k].kind == WHO_ZONE && !project_zone(project, *out) && str_nearest(*out, &zone, 1).size > 0)
                                return rule->line;
                }
        }
        return 0;
}

/* Another zone gives its products, to whom a rule of its access.yml names, and nothing else. */
static bool may_read(const Graph *graph, const Node *node, const Node *other, const GraphRelation *relation, const Project *project,
                     Problems *problems) {
        if (str_equal(node->zone, other->zone))
                return true;
        if (!str_is(other->stage, "egress")) {
                Error *err = problems_add(
                        problems, STATUS_DENIED,
                        "`%.*s` is of another zone, and only what stands in its egress/ is given to others",
                        STR_ARG(other->name));
                place_relation(err, node, relation);
                error_hint(err, "make zones/%.*s/egress/%.*s.sql and grant it to [zone %.*s]", STR_ARG(other->zone),
                           STR_ARG(other->table), STR_ARG(node->zone));
                return false;
        }
        const Zone *owner = project ? project_zone(project, other->zone) : NULL;
        bool part;
        Str written;
        if (!owner || grants_zone(&owner->access, node->zone, other->table, &part))
                return true;
        int line = misspelt_zone(project, &owner->access, node->zone, other->table, &written);
        Error *err = problems_add(problems, STATUS_DENIED, "`%.*s` is not granted to zone `%.*s`%s", STR_ARG(other->name),
                                  STR_ARG(node->zone), part ? " whole, and a model reads all of a product" : "");
        place_relation(err, node, relation);
        if (graph->discreet)
                error_hint(err, "ask the owner of `%.*s`", STR_ARG(other->zone));
        else if (line)
                error_hint(err, "%s:%d grants it to the zone '%.*s', which is not there; did you mean %.*s?", owner->access.path, line, STR_ARG(written),
                           STR_ARG(node->zone));
        else
                error_hint(err, "in zones/%.*s/access.yml, under `rules:`\n- who: [zone %.*s]\n  on: [egress.%.*s]", STR_ARG(other->zone),
                           STR_ARG(node->zone), STR_ARG(other->table));
        return false;
}

/* ---- edges ---- */

typedef VEC(Node *) NodeList;

static void add_once(Arena *arena, NodeList *list, Node *node) {
        for (size_t i = 0; i < list->count; i++)
                if (list->items[i] == node)
                        return;
        vec_push(arena, list, node);
}

static int by_name(const void *a, const void *b) {
        const Node *const *one = a, *const *two = b;
        return str_compare((*one)->name, (*two)->name);
}

static void sort_nodes(Node **nodes, size_t count, int (*compare)(const void *, const void *)) {
        if (count > 1)
                qsort(nodes, count, sizeof(*nodes), compare);
}

static Node *resolve(const Graph *graph, const Node *node, const GraphRelation *relation, Str *out_wanted) {
        Str zone = relation->zone.size ? relation->zone : node->zone;
        Arena *arena = graph->arena;
        Str written = relation->stage.size
                              ? arena_strf(arena, "%.*s.%.*s", STR_ARG(relation->stage), STR_ARG(relation->name))
                              : relation->name;
        *out_wanted = relation->zone.size ? arena_strf(arena, "%.*s.%.*s", STR_ARG(relation->zone), STR_ARG(written))
                                          : written;
        if (relation->stage.size == 0)
                return NULL;
        return graph_node(graph, arena_lower(arena, arena_strf(arena, "%.*s.%.*s", STR_ARG(zone), STR_ARG(written))));
}

static void link_node(Graph *graph, Node *node, const Project *project, Problems *problems) {
        NodeList needs = { 0 };
        for (size_t i = 0; i < node->relation_count; i++) {
                const GraphRelation *relation = &node->relations[i];
                Str wanted;
                Node *other = resolve(graph, node, relation, &wanted);
                if (!other)
                        unknown_table(graph, project, node, relation, wanted, problems);
                else if (graph->discreet && !is_told(graph, project, node->zone, other))
                        unknown_table(graph, project, node, relation, wanted, problems);
                else if (may_read(graph, node, other, relation, project, problems))
                        add_once(graph->arena, &needs, other);
        }
        sort_nodes(needs.items, needs.count, by_name);
        node->needs = needs.items;
        node->need_count = needs.count;
}

static void link_back(Graph *graph) {
        for (size_t i = 0; i < graph->count; i++)
                for (size_t k = 0; k < graph->nodes[i]->need_count; k++)
                        graph->nodes[i]->needs[k]->needed_by_count++;
        for (size_t i = 0; i < graph->count; i++) {
                Node *node = graph->nodes[i];
                node->needed_by = ARENA_ARRAY(graph->arena, Node *, node->needed_by_count + 1);
                node->needed_by_count = 0;
        }
        /* the nodes are sorted by name here, so these lists are too */
        for (size_t i = 0; i < graph->count; i++)
                for (size_t k = 0; k < graph->nodes[i]->need_count; k++) {
                        Node *need = graph->nodes[i]->needs[k];
                        need->needed_by[need->needed_by_count++] = graph->nodes[i];
                }
}

/* ---- order ---- */

static int stage_rank(Str stage) {
        ModelStage parsed;
        return stage_parse(stage, &parsed) ? 1 + (int)parsed : 0;
}

static int by_depth(const void *a, const void *b) {
        const Node *one = *(Node *const *)a, *two = *(Node *const *)b;
        if (one->depth != two->depth)
                return one->depth < two->depth ? -1 : 1;
        int stages = stage_rank(one->stage) - stage_rank(two->stage);
        return stages != 0 ? stages : str_compare(one->name, two->name);
}

static void fingerprint(Node *node) {
        CLEANUP(buf_deinit) Buf buf = { 0 };
        hash_into(&buf, node->own);
        for (size_t i = 0; i < node->need_count; i++)
                hash_into(&buf, node->needs[i]->fingerprint);
        node->fingerprint = sha256_of(buf_view(&buf));
}

/* Takes nodes whose needs are all done, round by round; returns how many remain, which stand in or behind a circle. */
static size_t order_nodes(Graph *graph, bool *done) {
        size_t left = graph->count;
        for (size_t round = 0;; round++) {
                NodeList ready = { 0 };
                for (size_t i = 0; i < graph->count; i++) {
                        const Node *node = graph->nodes[i];
                        bool open = done[i];
                        for (size_t k = 0; k < node->need_count && !open; k++)
                                open = !done[node->needs[k]->index];
                        if (!open)
                                vec_push(graph->arena, &ready, graph->nodes[i]);
                }
                if (ready.count == 0)
                        return left;
                for (size_t i = 0; i < ready.count; i++) {
                        done[ready.items[i]->index] = true;
                        ready.items[i]->depth = round;
                        fingerprint(ready.items[i]);
                }
                left -= ready.count;
        }
}

/* From any node left, each step goes to a need that is left too: it must come round. */
static void report_circle(Graph *graph, const bool *done, Problems *problems) {
        size_t *step = ARENA_ARRAY(graph->arena, size_t, graph->count);
        Node *node = NULL;
        for (size_t i = 0; i < graph->count && !node; i++)
                node = done[i] ? NULL : graph->nodes[i];
        NodeList path = { 0 };
        while (step[node->index] == 0) {
                vec_push(graph->arena, &path, node);
                step[node->index] = path.count;
                Node *next = NULL;
                for (size_t k = 0; k < node->need_count && !next; k++)
                        next = done[node->needs[k]->index] ? NULL : node->needs[k];
                node = next;
        }

        CLEANUP(buf_deinit) Buf words = { .limit = 480 };
        for (size_t i = step[node->index] - 1; i < path.count; i++)
                if (!graph->discreet || str_equal(path.items[i]->zone, node->zone))
                        buf_printf(&words, "%s needs ", path.items[i]->model->path);
                else if (i == 0 || str_equal(path.items[i - 1]->zone, node->zone))
                        buf_printf(&words, "what another zone makes needs ");
        buf_printf(&words, "%s", node->model->path);
        Error *err = problems_add(problems, STATUS_CYCLE, "models need each other in a circle: %.*s",
                                  STR_ARG(buf_view(&words)));
        for (size_t i = 0; i < node->relation_count; i++) {
                Str wanted;
                Node *to = resolve(graph, node, &node->relations[i], &wanted);
                if (to && !done[to->index] && step[to->index] >= step[node->index]) {
                        place_relation(err, node, &node->relations[i]);
                        break;
                }
        }
        error_hint(err, "let one of them read what the other is made of");
}

bool graph_link(Graph *graph, const Project *project, Problems *problems) {
        size_t before = problems->errors.count + problems->dropped;
        sort_nodes(graph->nodes, graph->count, by_name);
        for (size_t i = 0; i < graph->count; i++)
                graph->nodes[i]->index = i;
        for (size_t i = 0; i < graph->count; i++)
                link_node(graph, graph->nodes[i], project, problems);
        link_back(graph);

        bool *done = ARENA_ARRAY(graph->arena, bool, graph->count + 1);
        if (order_nodes(graph, done) > 0) {
                report_circle(graph, done, problems);
                return false;
        }
        sort_nodes(graph->nodes, graph->count, by_depth);
        for (size_t i = 0; i < graph->count; i++)
                graph->nodes[i]->index = i;
        return problems->errors.count + problems->dropped == before;
}
