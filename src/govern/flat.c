/* SPDX-License-Identifier: Apache-2.0 */
#include "govern/flat.h"

#include "govern/names.h"

typedef struct Walk {
        Flat *flat;
        const FlatScope *scope;
} Walk;

void flat_init(Flat *flat, Arena *arena) {
        *flat = (Flat){ .arena = arena };
        map_init(&flat->touched, arena);
}

static void touch(Flat *flat, Str name) {
        map_put(&flat->touched, arena_lower(flat->arena, name), flat);
}

static void touch_all(Flat *flat, SqlNames parts) {
        for (size_t i = 0; i < parts.count; i++)
                touch(flat, parts.items[i]);
}

static Str last_of(SqlNames parts) {
        return parts.items[parts.count - 1];
}

static void pair(Flat *flat, Str one, Str other) {
        Str *names = ARENA_ARRAY(flat->arena, Str, 2);
        names[0] = one;
        names[1] = other;
        vec_push(flat->arena, &flat->aliases, ((SqlNames){ names, 2 }));
}

/* ---- expressions ---- */

static void visit(const Walk *walk, const SqlExpr *expr, bool bare);

static void visit_all(const Walk *walk, const SqlExprs *exprs, bool bare) {
        for (size_t i = 0; i < exprs->count; i++)
                visit(walk, exprs->items[i], bare);
}

static void visit_orders(const Walk *walk, const SqlOrders *orders) {
        for (size_t i = 0; i < orders->count; i++)
                visit(walk, orders->items[i].expr, true);
}

/* column, or table.column; a field of a struct is an expression, and a whole row is made of all columns. */
static void visit_column(const Walk *walk, SqlNames parts, bool bare) {
        bool qualified = parts.count == 2 && walk->scope->is_alias(walk->scope->context, parts.items[0]);
        if (parts.count == 1 && walk->scope->is_alias(walk->scope->context, parts.items[0]))
                walk->flat->everything = true;
        if (!bare || (parts.count > 1 && !qualified))
                touch_all(walk->flat, parts);
}

/* Of these a lone column is as good as an output. */
static bool takes_bare(const SqlNames *path, const SqlArguments *arguments) {
        static const char *const words[] = { "count", "count_star", "sum", "min", "max", "avg", "first", "last", "list" };
        return path->count == 1 && arguments->count <= 1 && str_is_one_of_nocase(path->items[0], words, COUNT_OF(words));
}

/* What it gives depends on which row comes first. */
static bool is_ordered(const SqlNames *path) {
        static const char *const words[] = { "first", "last", "any_value", "arbitrary", "list", "array_agg", "string_agg", "group_concat", "listagg", "row_number",
                                             "lag", "lead", "first_value", "last_value", "nth_value", "ntile" };
        return path->count > 0 && str_is_one_of_nocase(last_of(*path), words, COUNT_OF(words));
}

static void visit_call(const Walk *walk, const SqlNames *path, const SqlArguments *arguments, const SqlOrders *orders, const SqlExpr *filter) {
        bool bare = takes_bare(path, arguments);
        walk->flat->unordered |= is_ordered(path) && orders->count == 0;
        for (size_t i = 0; i + 1 < path->count; i++)
                touch(walk->flat, path->items[i]); /* x.upper() */
        for (size_t i = 0; i < arguments->count; i++)
                visit(walk, arguments->items[i].expr, bare);
        visit_orders(walk, orders);
        if (filter)
                visit(walk, filter, false);
}

static void visit_window(const Walk *walk, const SqlExpr *expr) {
        visit_call(walk, &expr->window.path, &expr->window.arguments, &expr->window.orders, expr->window.filter);
        visit_all(walk, &expr->window.partitions, true);
        visit_orders(walk, &expr->window.argument_orders);
        if (expr->window.start_expr)
                visit(walk, expr->window.start_expr, false);
        if (expr->window.end_expr)
                visit(walk, expr->window.end_expr, false);
}

/* Its own names are visited when it is bound; here only what it is used for. */
static void visit_subquery(const Walk *walk, const SqlExpr *expr) {
        FlatConsumed use = { .query = expr->subquery.query };
        const SqlExpr *child = expr->subquery.child;
        use.ignored = expr->subquery.kind == SQL_SUBQUERY_EXISTS || expr->subquery.kind == SQL_SUBQUERY_NOT_EXISTS;
        bool equal = expr->subquery.kind == SQL_SUBQUERY_ANY && expr->subquery.compare == SQL_EQUAL && child->kind == SQL_COLUMN_REF;
        if (equal)
                use.equals = walk->scope->column(walk->scope->context, child->column);
        if (child)
                visit(walk, child, use.equals != NULL);
        vec_push(walk->flat->arena, &walk->flat->consumed, use);
}

static Status visit_child(void *context, SqlExpr **place, Error *err UNUSED) {
        const Walk *walk = context;
        if ((*place)->kind == SQL_COLUMN_REF)
                visit_column(walk, (*place)->column, false);
        return STATUS_OK;
}

/* Everything below, for kinds of which no part is bare. */
static void visit_below(const Walk *walk, const SqlExpr *expr) {
        SqlExpr *root = (SqlExpr *)(uintptr_t)expr; /* nothing is replaced */
        Error unused;
        (void)sql_visit_expr(&root, &(SqlVisitor){ .expr = visit_child, .context = (void *)(uintptr_t)walk, .shallow = true }, &unused);
}

static void visit_whens(const Walk *walk, const SqlExpr *expr) {
        for (size_t i = 0; i < expr->when.when_count; i++) {
                visit(walk, expr->when.whens[i].when, false);
                visit(walk, expr->when.whens[i].then, false);
        }
        visit(walk, expr->when.otherwise, false);
}

static void visit_star(const Walk *walk, const SqlExpr *expr) {
        walk->flat->everything |= expr->star.columns;
        for (size_t i = 0; i < expr->star.replace_count; i++)
                visit(walk, expr->star.replaces[i].expr, false);
        for (size_t i = 0; i < expr->star.rename_count; i++)
                pair(walk->flat, expr->star.renames[i].as, expr->star.renames[i].column);
}

static void visit(const Walk *walk, const SqlExpr *expr, bool bare) {
        switch (expr->kind) {
        case SQL_COLUMN_REF:
                visit_column(walk, expr->column, bare);
                break;
        case SQL_FUNCTION:
                visit_call(walk, &expr->function.path, &expr->function.arguments, &expr->function.orders, expr->function.filter);
                break;
        case SQL_WINDOW:
                visit_window(walk, expr);
                break;
        case SQL_SUBQUERY:
                visit_subquery(walk, expr);
                break;
        case SQL_STAR:
                visit_star(walk, expr);
                break;
        case SQL_OPERATOR:
                visit_all(walk, &expr->op.children, false);
                break;
        case SQL_COMPARISON:
                visit(walk, expr->compare.left, false);
                visit(walk, expr->compare.right, false);
                break;
        case SQL_CONJUNCTION:
                visit_all(walk, &expr->conjunction.children, false);
                break;
        case SQL_BETWEEN:
                visit(walk, expr->between.input, false);
                visit(walk, expr->between.lower, false);
                visit(walk, expr->between.upper, false);
                break;
        case SQL_CASE:
                visit_whens(walk, expr);
                break;
        case SQL_CAST:
                visit(walk, expr->cast.child, false);
                break;
        case SQL_COLLATE:
                visit(walk, expr->collate.child, false);
                break;
        case SQL_POSITIONAL_REFERENCE:
                walk->flat->everything = true;
                break;
        case SQL_LAMBDA:
        case SQL_TEMPLATE:
                visit_below(walk, expr);
                walk->flat->everything |= expr->kind == SQL_TEMPLATE;
                break;
        case SQL_CONSTANT:
        case SQL_PARAMETER:
        case SQL_TYPE:
                break;
        }
}

/* ---- conditions ---- */

static Status see_column(void *context, SqlExpr **place, Error *err UNUSED) {
        if ((*place)->kind == SQL_COLUMN_REF)
                *(bool *)context = true;
        return STATUS_OK;
}

static bool has_column(const SqlExpr *expr) {
        SqlExpr *root = (SqlExpr *)(uintptr_t)expr;
        bool found = false;
        Error unused;
        (void)sql_visit_expr(&root, &(SqlVisitor){ .expr = see_column, .context = &found, .shallow = true }, &unused);
        return found;
}

static bool is_same_type(const RelationColumn *a, const RelationColumn *b) {
        return a && b && a->engine_type.size == 0 && b->engine_type.size == 0 && type_equal(a->type, b->type);
}

/* [NOT] EXISTS (SELECT ...): a join, of which nothing is computed on one row alone. */
static bool is_existence(const SqlExpr *expr) {
        if (expr->kind == SQL_OPERATOR && expr->op.op == SQL_OP_NOT)
                expr = expr->op.children.items[0];
        return expr->kind == SQL_SUBQUERY && (expr->subquery.kind == SQL_SUBQUERY_EXISTS || expr->subquery.kind == SQL_SUBQUERY_NOT_EXISTS);
}

/* a.x = b.y, both of one type. */
static bool is_equality(const Walk *walk, const SqlExpr *expr) {
        if (expr->kind != SQL_COMPARISON || expr->compare.op != SQL_EQUAL || expr->compare.left->kind != SQL_COLUMN_REF ||
            expr->compare.right->kind != SQL_COLUMN_REF)
                return false;
        const FlatScope *scope = walk->scope;
        return is_same_type(scope->column(scope->context, expr->compare.left->column), scope->column(scope->context, expr->compare.right->column));
}

/* What is known of one side the engine takes for the other's, too. */
static void pair_sides(Flat *flat, SqlNames left, SqlNames right) {
        pair(flat, last_of(left), last_of(right));
        pair(flat, last_of(right), last_of(left));
}

static void visit_condition(const Walk *walk, const SqlExpr *expr) {
        if (!expr)
                return;
        if (expr->kind == SQL_CONJUNCTION && !expr->conjunction.is_or) {
                for (size_t i = 0; i < expr->conjunction.children.count; i++)
                        visit_condition(walk, expr->conjunction.children.items[i]);
                return;
        }
        walk->flat->throwing |= expr->kind != SQL_CONSTANT && !is_existence(expr) && !has_column(expr);
        bool equality = is_equality(walk, expr);
        visit(walk, equality ? expr->compare.left : expr, equality);
        if (!equality)
                return;
        visit(walk, expr->compare.right, true);
        pair_sides(walk->flat, expr->compare.left->column, expr->compare.right->column);
}

/* ---- queries ---- */

/* Of USING: whatever scans have the name, it is one type; the caller knows no other way to be sure. */
static void visit_using(const Walk *walk, const SqlFrom *from) {
        for (size_t i = 0; i < from->join.using_columns.count; i++)
                touch(walk->flat, from->join.using_columns.items[i]);
        if (from->join.ref == SQL_REF_NATURAL || from->join.ref == SQL_REF_POSITIONAL || from->join.ref == SQL_REF_ASOF)
                walk->flat->everything = true;
}

static void visit_from(const Walk *walk, const SqlFrom *from) {
        bool odd = from->kind == SQL_FROM_PIVOT || from->kind == SQL_FROM_FUNCTION || from->kind == SQL_FROM_VALUES;
        walk->flat->everything |= odd || from->column_aliases.count > 0 || from->sample != NULL;
        if (from->kind != SQL_FROM_JOIN)
                return;
        visit_from(walk, from->join.left);
        visit_from(walk, from->join.right);
        visit_using(walk, from);
        visit_condition(walk, from->join.condition);
}

static const FlatConsumed *consumer_of(const Flat *flat, const SqlQuery *query) {
        for (size_t i = 0; i < flat->consumed.count; i++)
                if (flat->consumed.items[i].query == query)
                        return &flat->consumed.items[i];
        return NULL;
}

static void visit_item(const Walk *walk, const SqlExpr *expr, const FlatConsumed *consumer) {
        Flat *flat = walk->flat;
        bool column = expr->kind == SQL_COLUMN_REF && expr->column.count > 0;
        bool bare = !consumer || consumer->ignored ||
                    (consumer->equals && column && is_same_type(consumer->equals, walk->scope->column(walk->scope->context, expr->column)));
        visit(walk, expr, bare);
        if (consumer && consumer->equals && !bare)
                touch(flat, consumer->equals->name);
        if (consumer && consumer->equals && bare)
                pair_sides(flat, (SqlNames){ (Str[]){ consumer->equals->name }, 1 }, expr->column);
        if (!column || expr->alias.size == 0 || str_equal_nocase(expr->alias, last_of(expr->column)))
                return;
        pair(flat, expr->alias, last_of(expr->column));
}

static void visit_key(const Walk *walk, const SqlExpr *expr) {
        visit(walk, expr, true);
        if (expr->kind == SQL_COLUMN_REF && expr->column.count > 0)
                vec_push(walk->flat->arena, &walk->flat->keys, last_of(expr->column));
}

static void visit_keys(const Walk *walk, const SqlExprs *exprs) {
        for (size_t i = 0; i < exprs->count; i++)
                visit_key(walk, exprs->items[i]);
}

/* GROUP BY ALL and a plain DISTINCT: by all of the list. */
static void visit_list_keys(const Walk *walk, const SqlQuery *query) {
        if (query->kind == SQL_SELECT_NODE)
                visit_keys(walk, &query->select.list);
        for (size_t i = 0; query->kind == SQL_SELECT_NODE && i < query->select.list.count; i++)
                walk->flat->everything |= query->select.list.items[i]->kind == SQL_STAR;
}

static void visit_modifiers(const Walk *walk, const SqlQuery *query) {
        bool limited = false, ordered = false;
        for (size_t i = 0; i < query->modifier_count; i++) {
                const SqlModifier *modifier = &query->modifiers[i];
                limited |= modifier->kind == SQL_MODIFY_LIMIT;
                ordered |= modifier->kind == SQL_MODIFY_ORDER;
                if (modifier->kind == SQL_MODIFY_DISTINCT && modifier->distinct_on.count == 0)
                        visit_list_keys(walk, query);
                visit_keys(walk, &modifier->distinct_on);
                visit_orders(walk, &modifier->orders);
                if (modifier->limit)
                        visit(walk, modifier->limit, false);
                if (modifier->offset)
                        visit(walk, modifier->offset, false);
        }
        walk->flat->unordered |= limited && !ordered;
}

static void visit_select(const Walk *walk, const SqlQuery *query) {
        const FlatConsumed *consumer = consumer_of(walk->flat, query);
        visit_from(walk, query->select.from);
        for (size_t i = 0; i < query->select.list.count; i++)
                visit_item(walk, query->select.list.items[i], consumer);
        visit_condition(walk, query->select.where);
        visit_keys(walk, &query->select.groups);
        if (query->select.group_all)
                visit_list_keys(walk, query);
        visit_condition(walk, query->select.having);
        visit_condition(walk, query->select.qualify);
        walk->flat->everything |= query->select.sample != NULL;
}

void flat_query(Flat *flat, const SqlQuery *query, const FlatScope *scope) {
        Walk walk = { flat, scope };
        if (query->kind == SQL_SELECT_NODE)
                visit_select(&walk, query);
        else
                flat->everything = true; /* names of one side stand for columns of the others */
        for (size_t i = 0; i < query->cte_count; i++)
                flat->everything |= query->ctes[i].aliases.count > 0;
        visit_modifiers(&walk, query);
}

void flat_settle(Flat *flat) {
        for (size_t i = 0; flat->unordered && i < flat->keys.count; i++)
                touch(flat, flat->keys.items[i]);
        for (bool more = true; more;) {
                more = false;
                for (size_t i = 0; i < flat->aliases.count; i++) {
                        SqlNames pair = flat->aliases.items[i];
                        if (!mentioned_has(&flat->touched, pair.items[0]) || mentioned_has(&flat->touched, pair.items[1]))
                                continue;
                        touch(flat, pair.items[1]);
                        more = true;
                }
        }
}

bool flat_must(const Flat *flat, const RelationColumn *column) {
        return flat->everything || type_is_nested(column->type) || mentioned_has(&flat->touched, column->name);
}
