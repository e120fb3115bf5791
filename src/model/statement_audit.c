/* SPDX-License-Identifier: Apache-2.0 */
/* What the audit log says of a statement. */
#include "base/vec.h"
#include "model/statement.h"
#include "sql/depend.h"

typedef VEC(Str) Names;

static void add_once(Arena *arena, Names *names, Str name) {
        for (size_t i = 0; i < names->count; i++)
                if (str_equal(names->items[i], name))
                        return;
        vec_push(arena, names, name);
}

/* zone.stage.name, with as many parts as are known. */
static Str full_name(Arena *arena, Str zone, Str stage, Str name) {
        const Str parts[] = { zone, stage };
        for (size_t i = COUNT_OF(parts); i > 0; i--)
                if (parts[i - 1].size > 0)
                        name = arena_strf(arena, "%.*s.%.*s", STR_ARG(parts[i - 1]), STR_ARG(name));
        return name;
}

/* What every PostgreSQL has holds nothing of anybody's; clients read dozens of its columns before each question. */
static bool is_plain_catalog(const BoundRelation *relation) {
        return relation->kind == RELATION_SYSTEM && !str_is(relation->stage, "lode");
}

/* The versions of what limited the answer, each once. */
static Str policies_of(const BoundStatement *bound, Arena *arena) {
        Str out = STR_NONE;
        for (size_t i = 0; i < bound->relation_count; i++) {
                Str policy = bound->relations[i].policy;
                if (policy.size > 0 && str_find(out, policy) == out.size)
                        out = out.size ? arena_strf(arena, "%.*s %.*s", STR_ARG(out), STR_ARG(policy)) : policy;
        }
        return out;
}

void statement_audit(const Statement *statement, Arena *arena, AuditRecord *record) {
        const BoundStatement *bound = &statement->bound;
        Names objects = { 0 }, columns = { 0 };
        for (size_t i = 0; i < bound->relation_count; i++) {
                const BoundRelation *relation = &bound->relations[i];
                if (relation->kind == RELATION_SYSTEM && str_is(relation->stage, "-"))
                        continue; /* what only functions read */
                Str object = full_name(arena, relation->zone, relation->stage, relation->name);
                add_once(arena, &objects, object);
                for (size_t k = 0; k < relation->columns.count && !is_plain_catalog(relation); k++)
                        add_once(arena, &columns, full_name(arena, STR_NONE, object, relation->columns.items[k]));
        }
        record->objects = objects.items;
        record->object_count = objects.count;
        record->columns = columns.items;
        record->column_count = columns.count;
        record->policy = policies_of(bound, arena);
}

/* Schemas that are in every database and no zone's, where the name in a statement leads whatever zone it was asked in. */
static bool is_of_no_zone(Str stage) {
        static const char *const schemas[] = { "lode", "pg_catalog", "information_schema" };
        for (size_t i = 0; i < COUNT_OF(schemas); i++)
                if (str_equal_nocase(stage, str_of(schemas[i])))
                        return true;
        return false;
}

void statement_audit_names(const SqlTree *tree, Str default_zone, Arena *arena, AuditRecord *record) {
        SqlDependency *found = NULL;
        size_t count = 0;
        Names objects = { 0 };
        if (tree)
                sql_dependencies(tree->query, arena, &found, &count);
        for (size_t i = 0; i < count; i++) {
                Str zone = found[i].zone.size == 0 && found[i].stage.size > 0 && !is_of_no_zone(found[i].stage) ? default_zone : found[i].zone;
                add_once(arena, &objects, full_name(arena, zone, found[i].stage, found[i].name));
        }
        record->objects = objects.items;
        record->object_count = objects.count;
}
