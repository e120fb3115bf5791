/* SPDX-License-Identifier: Apache-2.0 */
#include "sql/depend.h"

#include "base/vec.h"
#include "sql/printer.h"

bool sql_scope_has(const SqlScope *scope, Str name) {
        for (; scope; scope = scope->outer)
                for (size_t i = 0; i < scope->visible; i++)
                        if (str_equal_nocase(scope->query->ctes[i].name, name))
                                return true;
        return false;
}

typedef struct Walk {
        Arena *arena;
        VEC(SqlDependency) found;
        const SqlScope *scope;
} Walk;

static void walk_query(Walk *walk, SqlQuery *query);

static void note_table(Walk *walk, const SqlFrom *from) {
        SqlNames path = from->table.path;
        Str name = path.items[path.count - 1];
        if (path.count == 1 && sql_scope_has(walk->scope, name))
                return;
        SqlDependency found = {
                .zone = path.count > 2 ? path.items[0] : STR_NONE,
                .stage = path.count > 1 ? path.items[path.count - 2] : STR_NONE,
                .name = name,
                .at = from->at,
        };
        for (size_t i = 0; i < walk->found.count; i++) {
                const SqlDependency *known = &walk->found.items[i];
                if (str_equal_nocase(known->zone, found.zone) && str_equal_nocase(known->stage, found.stage) &&
                    str_equal_nocase(known->name, found.name))
                        return;
        }
        vec_push(walk->arena, &walk->found, found);
}

/* The visitor goes into queries by itself, without scopes; so queries are walked here and their parts handed to it,
 * with every query inside cut out by these two. */
static Status visit_expr(void *context, SqlExpr **place, Error *err UNUSED) {
        if ((*place)->kind == SQL_SUBQUERY)
                walk_query(context, (*place)->subquery.query);
        return STATUS_OK;
}

static Status visit_from(void *context, SqlFrom **place, Error *err UNUSED) {
        if ((*place)->kind == SQL_FROM_TABLE)
                note_table(context, *place);
        if ((*place)->kind == SQL_FROM_SUBQUERY)
                walk_query(context, (*place)->subquery);
        return STATUS_OK;
}

static void walk_parts(Walk *walk, SqlQuery *query) {
        SqlVisitor visitor = { .expr = visit_expr, .from = visit_from, .context = walk, .shallow = true };
        Error unused = { 0 }; /* our visitors do not fail */
        for (size_t i = 0; query->kind == SQL_SET_OPERATION_NODE && i < query->set.child_count; i++)
                walk_query(walk, query->set.children[i]);
        if (query->kind == SQL_RECURSIVE_CTE_NODE) {
                walk_query(walk, query->recursive.left);
                walk_query(walk, query->recursive.right);
        }
        sql_visit_query_parts(query, &visitor, &unused);
}

static void walk_query(Walk *walk, SqlQuery *query) {
        SqlScope scope = { .outer = walk->scope, .query = query };
        walk->scope = &scope;
        for (size_t i = 0; i < query->cte_count; i++) {
                scope.visible = i + (query->ctes[i].query->kind == SQL_RECURSIVE_CTE_NODE);
                walk_query(walk, query->ctes[i].query);
        }
        scope.visible = query->cte_count;
        walk_parts(walk, query);
        walk->scope = scope.outer;
}

void sql_dependencies(const SqlQuery *query, Arena *arena, SqlDependency **out, size_t *out_count) {
        Walk walk = { .arena = arena };
        walk_query(&walk, (SqlQuery *)(uintptr_t)query); /* replaces nothing */
        *out = walk.found.items;
        *out_count = walk.found.count;
}

Sha256 sql_fingerprint(Arena *arena, const SqlQuery *query) {
        return sha256_of(sql_print(arena, query));
}
