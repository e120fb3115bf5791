/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Graph: sources and models as nodes, what each reads as edges, in the order in which they can be built.
 *
 * The graph parses no SQL: whoever had a model's body parsed hands in its tree, or the relations that it names. graph_link resolves
 * them (a name inside a zone may leave the zone out), finds circles and gives every node its fingerprint: the hash
 * of its own meaning and of the fingerprints of what it reads. Equal fingerprints mean equal definitions, so a
 * finished table may be kept. Lives in one arena; one thread while it is built, read-only afterwards.
 */
#include "base/map.h"
#include "model/project.h"
#include "sql/depend.h"

/* As written in the SQL: "order", "canonical.order" or "crm.canonical.order"; case does not count. */
typedef struct GraphRelation {
        Str zone, stage, name; /* "" where not written */
        size_t offset;         /* in the model's text, for errors */
} GraphRelation;

typedef enum NodeKind { NODE_SOURCE, NODE_MODEL } NodeKind;

typedef struct Node Node;
struct Node {
        NodeKind kind;
        Str name; /* zone.stage.name; a source is zone.staging.name */
        Str zone, stage, table;
        const Source *source; /* one of the two */
        const Model *model;
        GraphRelation *relations;
        size_t relation_count;
        Node **needs, **needed_by; /* each once, sorted by name */
        size_t need_count, needed_by_count;
        size_t index; /* in graph->nodes */
        size_t depth; /* 0 = needs nothing */
        Sha256 own, fingerprint;
        bool changed, failed; /* set by the caller before select_nodes: what those two words choose */
};

typedef struct Graph {
        Arena *arena;
        Node **nodes; /* after graph_link: in build order (by depth, then stage, then name) */
        size_t count;
        size_t capacity;
        Map by_name;
        bool discreet; /* set before graph_link: of other zones nothing is told but what they grant to the model's own */
} Graph;

Graph *graph_new(Arena *arena);
Node *graph_add_source(Graph *graph, const Source *source);
/* tree: the hash of the parsed statement, so that white space and comments change nothing. */
Node *graph_add_model(Graph *graph, const Model *model, const GraphRelation *relations, size_t count, Sha256 tree);
/*
 * Resolves, orders and fingerprints. NO_TABLE (with a guess), DENIED (another zone's table that is no product of
 * it, or not granted to this zone), CYCLE (naming the circle with its files): all of them in problems. True if the
 * graph is whole. In a discreet graph what another zone does not grant and what is not there are the same NO_TABLE, word
 * for word. project gives the zones' rules; NULL = grants are not looked at.
 */
bool graph_link(Graph *graph, const Project *project, Problems *problems);
Node *graph_node(const Graph *graph, Str full_name); /* NULL if absent */
