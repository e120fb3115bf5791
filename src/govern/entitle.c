/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One walk with scopes of our own. A scope is the FROM of one subquery; the outermost is the row that the policy judges,
 * whose columns stay bare for guard.c to pin. Every other table gets an alias that no text of a user's can hold.
 */
#include "govern/entitle.h"

#include "base/vec.h"
#include "govern/guard.h"
#include "govern/predicate.h"
#include "sql/allow.h"

#define DEPTH_MAX 8 /* of subqueries inside each other */

typedef struct Entitled {
        Str alias;   /* as the policy names it */
        Str printed; /* as we do; empty for the row itself */
        const Relation *relation;
        const bool *known; /* NULL = all columns */
        bool *carried;
        SqlFrom *from;
} Entitled;

typedef struct Level Level;
struct Level {
        Entitle *entitle;
        const Level *outer;
        size_t depth;
        VEC(Entitled) tables;
};

static Status bind_at(Level *level, SqlExpr **expr, Error *err);

static Status refuse(const char *what, Error *err) {
        return error_set(err, STATUS_SQL_REFUSED, "%s cannot stand in a policy", what);
}

/* ---- names ---- */

static size_t column_of(const Entitled *table, Str name) {
        for (size_t i = 0; i < table->relation->column_count; i++)
                if ((!table->known || table->known[i]) && str_equal_nocase(table->relation->columns[i].name, name))
                        return i;
        return SIZE_MAX;
}

static void take_column(const Level *level, const Entitled *table, size_t index, SqlNames *parts, size_t qualifier) {
        size_t rest = parts->count - qualifier - 1, own = table->printed.size > 0;
        Str *named = ARENA_ARRAY(level->entitle->arena, Str, own + 1 + rest);
        if (own)
                named[0] = table->printed;
        named[own] = table->relation->columns[index].name;
        for (size_t i = 0; i < rest; i++)
                named[own + 1 + i] = parts->items[qualifier + 1 + i];
        *parts = (SqlNames){ named, own + 1 + rest };
        if (table->carried)
                table->carried[index] = true;
}

/* In one scope: table.column, else a column that only one of its tables has. */
static Status find_in_level(const Level *level, SqlNames *parts, bool *found, Error *err) {
        const Entitled *hit = NULL;
        size_t index = SIZE_MAX, qualifier = 0;
        for (size_t i = 0; i < level->tables.count && parts->count > 1 && !hit; i++) {
                const Entitled *table = &level->tables.items[i];
                index = str_equal_nocase(table->alias, parts->items[0]) ? column_of(table, parts->items[1]) : SIZE_MAX;
                hit = index != SIZE_MAX ? table : NULL;
                qualifier = 1;
        }
        for (size_t i = 0; i < level->tables.count && (!hit || qualifier == 0); i++) {
                const Entitled *table = &level->tables.items[i];
                size_t at = column_of(table, parts->items[0]);
                if (at == SIZE_MAX)
                        continue;
                if (hit)
                        return refuse( "a name that two of its tables have", err);
                hit = table;
                index = at;
                qualifier = 0;
        }
        *found = hit != NULL;
        if (hit)
                take_column(level, hit, index, parts, qualifier);
        return STATUS_OK;
}

/* Whose text is told of: a zone's own, or policies.yml. */
static const char *written_in(const Entitle *entitle) {
        return entitle->zone.size > 0 ? "a rule of access.yml" : "a policy of policies.yml";
}

static Status bind_column(const Level *level, SqlExpr *expr, Error *err) {
        bool found = false;
        for (const Level *at = level; at && !found; at = at->outer)
                TRY(find_in_level(at, &expr->column, &found, err));
        if (found)
                return STATUS_OK;
        return error_set(err, STATUS_DENIED, "%s names '%.*s', which is not there", written_in(level->entitle),
                         STR_ARG(expr->column.items[0]));
}

/* Other answers at every call: TRY() does not take them, and a policy is no die. */
static bool is_volatile(Str name) {
        static const char *const names[] = { "random", "uuid", "gen_random_uuid", "uuidv4", "uuidv7", "unnest", "nextval" };
        for (size_t i = 0; i < COUNT_OF(names); i++)
                if (str_equal_nocase(name, str_of(names[i])))
                        return true;
        return false;
}

static Status bind_function(const SqlExpr *expr, Error *err) {
        Str name = expr->function.path.items[expr->function.path.count - 1];
        if (expr->function.path.count > 1)
                return refuse( "a function called as x.f()", err);
        if (sql_function_is_aggregate(name) || expr->function.filter || expr->function.distinct || expr->function.orders.count > 0)
                return refuse( "an aggregate", err);
        return is_volatile(name) ? refuse( "a function that gives another value at every call", err) : STATUS_OK;
}

/* ---- subqueries ---- */

static Status bind_table(Level *level, SqlFrom *from, Error *err) {
        Entitle *entitle = level->entitle;
        const BindSource *now = entitle->source ? entitle->source->now : NULL;
        SqlNames path = from->table.path;
        Relation *relation = NULL;
        Str zone = path.count == 3 ? path.items[0] : entitle->zone;
        if (!now || from->sample || from->table.at || from->column_aliases.count > 0)
                return refuse( "a table in a form that policies do not have", err);
        if (path.count >= 2 && zone.size > 0)
                TRY(now->resolve(now->context, zone, path.items[path.count - 2], path.items[path.count - 1], entitle->arena, &relation, err));
        bool own = relation && (entitle->zone.size == 0 || str_equal(relation->zone, entitle->zone));
        if (!own || relation->kind != RELATION_TABLE)
                return error_set(err, STATUS_DENIED, "%s reads '%.*s', which is no table of its zone", written_in(entitle),
                                 STR_ARG(path.items[path.count - 1]));
        Entitled table = { .alias = from->alias.size > 0 ? from->alias : path.items[path.count - 1],
                           .printed = arena_strf(entitle->arena, GUARD_ENTITLED "%zu", entitle->tables++),
                           .relation = relation,
                           .carried = ARENA_ARRAY(entitle->arena, bool, relation->column_count),
                           .from = from };
        vec_push(entitle->arena, &level->tables, table);
        return STATUS_OK;
}

static Status bind_tables(Level *level, SqlFrom *from, Error *err) {
        if (from->kind == SQL_FROM_TABLE)
                return bind_table(level, from, err);
        bool plain = from->kind == SQL_FROM_JOIN && (from->join.type == SQL_JOIN_INNER || from->join.type == SQL_JOIN_LEFT) &&
                     (from->join.ref == SQL_REF_REGULAR || from->join.ref == SQL_REF_CROSS) && from->join.using_columns.count == 0;
        if (!plain)
                return refuse( "a FROM that is not made of tables joined by ON", err);
        TRY(bind_tables(level, from->join.left, err));
        return bind_tables(level, from->join.right, err);
}

static Status condition_at(Level *level, SqlExpr **expr, Error *err);

static Status bind_joins(Level *level, SqlFrom *from, Error *err) {
        if (from->kind != SQL_FROM_JOIN)
                return STATUS_OK;
        TRY(bind_joins(level, from->join.left, err));
        TRY(bind_joins(level, from->join.right, err));
        return from->join.condition ? condition_at(level, &from->join.condition, err) : STATUS_OK;
}

/* Once all names are known it is known which columns are wanted. */
static Status print_tables(Level *level, Error *err) {
        const BindSource *now = level->entitle->source->now;
        for (size_t i = 0; i < level->tables.count; i++) {
                Entitled *table = &level->tables.items[i];
                BindFiles files = { 0 };
                GuardedUse use = { .relation = table->relation, .carried = table->carried, .veiled = true };
                if (now->files)
                        TRY(now->files(now->context, table->relation, NULL, 0, level->entitle->arena, &files, err));
                use.paths = files.paths;
                use.path_count = files.count;
                TRY(guard_outline(&use, now, files.rows, level->entitle->arena, err));
                Str text;
                TRY(guard_scan(&use, level->entitle->arena, &text, NULL, NULL, err));
                table->from->kind = SQL_FROM_PRINTED;
                table->from->printed = text;
                table->from->alias = table->printed;
        }
        return STATUS_OK;
}

static bool is_simple(const SqlQuery *query) {
        return query->kind == SQL_SELECT_NODE && query->cte_count == 0 && query->modifier_count == 0 && !query->select.having &&
               !query->select.qualify && query->select.groups.count == 0 && query->select.group_set_count == 0 &&
               !query->select.group_all && !query->select.sample && query->select.list.count == 1;
}

static Status bind_subquery(Level *outer, SqlExpr *expr, Level *level, Error *err) {
        SqlQuery *query = expr->subquery.query;
        if (!is_simple(query))
                return refuse( "a subquery that is more than SELECT, FROM and WHERE", err);
        if (outer->depth + 1 > DEPTH_MAX)
                return refuse( "subqueries too deep inside each other", err);
        TRY(bind_tables(level, query->select.from, err));
        TRY(bind_joins(level, query->select.from, err));
        return query->select.where ? condition_at(level, &query->select.where, err) : STATUS_OK;
}

/* ---- types, as far as they can be told without the engine ---- */

static const RelationColumn *column_named(const Level *level, const SqlExpr *expr) {
        if (expr->kind != SQL_COLUMN_REF || expr->column.count > 2)
                return NULL;
        bool own = str_starts_with(expr->column.items[0], STR(GUARD_ENTITLED));
        if (own != (expr->column.count == 2))
                return NULL; /* a field of a struct */
        for (; level; level = level->outer)
                for (size_t i = 0; i < level->tables.count; i++) {
                        const Entitled *table = &level->tables.items[i];
                        if (own ? !str_equal(table->printed, expr->column.items[0]) : table->printed.size > 0)
                                continue;
                        size_t index = column_of(table, expr->column.items[expr->column.count - 1]);
                        return index == SIZE_MAX ? NULL : &table->relation->columns[index];
                }
        return NULL;
}

static bool same_cast(const SqlExpr *a, const SqlExpr *b) {
        CLEANUP(buf_deinit) Buf left = { 0 }, right = { 0 };
        sql_print_expr(&(SqlPrinter){ .out = &left }, a->cast.type);
        sql_print_expr(&(SqlPrinter){ .out = &right }, b->cast.type);
        return str_equal_nocase(buf_view(&left), buf_view(&right));
}

/* Nothing has to be converted to compare the two. */
static bool is_one_type(const Level *level, const SqlExpr *a, const SqlExpr *b) {
        const RelationColumn *left = column_named(level, a), *right = column_named(level, b);
        if (left && right)
                return type_equal(left->type, right->type);
        if (a->kind == SQL_CAST && b->kind == SQL_CAST)
                return same_cast(a, b);
        const RelationColumn *column = left ? left : right;
        const SqlExpr *other = left ? b : a;
        return column && column->type.kind == TYPE_TEXT && other->kind == SQL_CONSTANT && other->constant.literal == SQL_STRING;
}

static bool is_small_literal(const SqlExpr *expr, bool zero_too) {
        int64_t number;
        return expr->kind == SQL_CONSTANT && expr->constant.literal == SQL_INTEGER && str_to_int64(expr->constant.text, &number) && number >= 0 &&
               number <= INT32_MAX && (zero_too || number > 0);
}

/* A whole number that can be computed of any row: a column, a literal, a remainder by a literal. What cannot fail needs no
 * TRY, which the engine computes one row after the other and cannot plan by. */
static bool is_whole(const Level *level, const SqlExpr *expr) {
        if (is_small_literal(expr, true))
                return true;
        const RelationColumn *column = column_named(level, expr);
        if (column)
                return column->type.kind == TYPE_INT || column->type.kind == TYPE_BIGINT;
        if (expr->kind != SQL_FUNCTION || expr->function.path.count != 1 || expr->function.arguments.count != 2)
                return false;
        Str name = expr->function.path.items[0];
        return (str_is(name, "%") || str_equal_nocase(name, STR("mod"))) && is_whole(level, expr->function.arguments.items[0].expr) &&
               is_small_literal(expr->function.arguments.items[1].expr, false);
}

static bool never_fails(const Level *level, const SqlExpr *expr) {
        Predicate made[2];
        const SqlExpr *reference = predicate_column(expr);
        const RelationColumn *column = reference ? column_named(level, reference) : NULL;
        if (column && predicate_make(expr, 1, column->type, level->entitle->arena, made) > 0)
                return true;
        if (expr->kind == SQL_COMPARISON)
                return is_one_type(level, expr->compare.left, expr->compare.right) ||
                       (is_whole(level, expr->compare.left) && is_whole(level, expr->compare.right));
        if (expr->kind == SQL_OPERATOR && (expr->op.op == SQL_OP_IS_NULL || expr->op.op == SQL_OP_IS_NOT_NULL))
                return column_named(level, expr->op.children.items[0]) != NULL;
        column = column_named(level, expr);
        return expr->kind == SQL_CONSTANT || (column && column->type.kind == TYPE_BOOLEAN);
}

/* ---- nothing throws ---- */

static void try_it(const Level *level, SqlExpr **expr) {
        SqlExpr *tried = ARENA_NEW(level->entitle->arena, SqlExpr), **child = ARENA_NEW(level->entitle->arena, SqlExpr *);
        *child = *expr;
        *tried = (SqlExpr){ .kind = SQL_OPERATOR, .at = { SQL_NOWHERE, 0 }, .op = { SQL_OP_TRY, { child, 1 } } };
        *expr = tried;
}

static Status see_subquery(void *context, SqlExpr **place, Error *err UNUSED) {
        if ((*place)->kind == SQL_SUBQUERY)
                *(bool *)context = true;
        return STATUS_OK;
}

static bool has_subquery(SqlExpr *expr) {
        bool found = false;
        SqlVisitor visitor = { .expr = see_subquery, .context = &found, .shallow = true };
        Error unused;
        sql_visit_expr(&expr, &visitor, &unused);
        return found;
}

/* x IN (SELECT y ...), EXISTS (SELECT ...) */
static Status subquery_at(Level *outer, SqlExpr *expr, Error *err) {
        Level level = { .entitle = outer->entitle, .outer = outer, .depth = outer->depth + 1 };
        SqlExpr **list = expr->subquery.query->kind == SQL_SELECT_NODE ? expr->subquery.query->select.list.items : NULL;
        TRY(bind_subquery(outer, expr, &level, err));
        if (expr->subquery.kind != SQL_SUBQUERY_ANY) {
                list[0] = sql_make_string(outer->entitle->arena, STR("")); /* only whether there is a row */
                return print_tables(&level, err);
        }
        if (expr->subquery.compare != SQL_EQUAL)
                return refuse( "a comparison with a subquery other than IN", err);
        TRY(bind_at(outer, &expr->subquery.child, err));
        TRY(bind_at(&level, &list[0], err));
        list[0]->alias = STR_NONE;
        if (has_subquery(expr->subquery.child) || has_subquery(list[0]))
                return refuse( "a subquery beside IN", err);
        if (!is_one_type(&level, expr->subquery.child, list[0])) {
                refuse( "an IN (SELECT ...) whose two sides are not of one type", err);
                return error_hint(err, "cast both sides: CAST(a AS text) IN (SELECT CAST(b AS text) ...)");
        }
        if (expr->subquery.child->kind == SQL_CAST)
                try_it(outer, &expr->subquery.child);
        if (list[0]->kind == SQL_CAST)
                try_it(&level, &list[0]);
        return print_tables(&level, err);
}

/* What is true or false: AND, OR and NOT are gone through, each part of them is one that cannot fail or is tried. */
static Status condition_at(Level *level, SqlExpr **expr, Error *err) {
        SqlExpr *node = *expr;
        if (node->kind == SQL_CONJUNCTION) {
                for (size_t i = 0; i < node->conjunction.children.count; i++)
                        TRY(condition_at(level, &node->conjunction.children.items[i], err));
                return STATUS_OK;
        }
        if (node->kind == SQL_OPERATOR && node->op.op == SQL_OP_NOT)
                return condition_at(level, &node->op.children.items[0], err);
        if (node->kind == SQL_SUBQUERY && node->subquery.kind != SQL_SUBQUERY_SCALAR)
                return subquery_at(level, node, err);
        TRY(bind_at(level, expr, err));
        if (has_subquery(*expr))
                return refuse( "a subquery elsewhere than after IN or EXISTS", err);
        if (!never_fails(level, *expr))
                try_it(level, expr);
        return STATUS_OK;
}

static Status bind_node(void *context, SqlExpr **place, Error *err) {
        const Level *level = context;
        switch ((*place)->kind) {
        case SQL_COLUMN_REF:
                return bind_column(level, *place, err);
        case SQL_FUNCTION:
                return bind_function(*place, err);
        case SQL_CONSTANT:
        case SQL_OPERATOR:
        case SQL_COMPARISON:
        case SQL_CONJUNCTION:
        case SQL_BETWEEN:
        case SQL_CASE:
        case SQL_CAST:
        case SQL_COLLATE:
        case SQL_TYPE:
        case SQL_SUBQUERY: /* refused by whoever asked */
        case SQL_TEMPLATE:
                return STATUS_OK;
        case SQL_WINDOW:
        case SQL_STAR:
        case SQL_LAMBDA:
        case SQL_PARAMETER:
        case SQL_POSITIONAL_REFERENCE:
                return refuse( "what is more than columns, literals and functions", err);
        }
        return STATUS_OK;
}

static Status bind_at(Level *level, SqlExpr **expr, Error *err) {
        SqlVisitor visitor = { .expr = bind_node, .context = level, .shallow = true };
        return sql_visit_expr(expr, &visitor, err);
}

/* ---- from outside ---- */

static Level *row_level(Entitle *entitle) {
        Level *level = ARENA_NEW(entitle->arena, Level);
        *level = (Level){ .entitle = entitle };
        Entitled row = { .alias = entitle->relation->name, .relation = entitle->relation, .known = entitle->known };
        vec_push(entitle->arena, &level->tables, row);
        return level;
}

static Status allow(const SqlExpr *expr, Error *err) {
        SqlTree nowhere = { 0 };
        return sql_allow_expr(&nowhere, expr, err);
}

Status entitle_condition(Entitle *entitle, SqlExpr **expr, Error *err) {
        TRY(allow(*expr, err));
        return condition_at(row_level(entitle), expr, err);
}

Status entitle_value(Entitle *entitle, SqlExpr **expr, Error *err) {
        Level *level = row_level(entitle);
        TRY(allow(*expr, err));
        TRY(bind_at(level, expr, err));
        if (has_subquery(*expr))
                return refuse( "a subquery in a mask", err);
        if (!column_named(level, *expr) && (*expr)->kind != SQL_CONSTANT)
                try_it(level, expr);
        return STATUS_OK;
}
