/* SPDX-License-Identifier: Apache-2.0 */
#include "sql/lineage.h"

#include "base/map.h"
#include "base/vec.h"

/* ---- sets of sources, by number ---- */

typedef struct Set {
        uint32_t *items; /* rising */
        size_t count;
} Set;

typedef struct Out {
        Str name;
        Set set;
        bool open;
        bool merged; /* of the right side of a USING: not in `*` again */
} Out;

typedef struct Outs {
        Out *items;
        size_t count, capacity;
} Outs;

typedef struct Binding {
        Str alias;
        Outs outs;
} Binding;

typedef struct Cte {
        const struct Cte *outer;
        Str name;
        Outs outs;
        Set decides; /* which rows it has: of whoever names it */
} Cte;

/* What can be named in a SELECT. */
typedef struct Scope {
        const struct Scope *outer;
        const Cte *ctes;
        VEC(Binding) bindings;
        const Outs *list; /* before the one that is being read: later expressions may name earlier ones */
} Scope;

typedef struct Walk {
        const LineageTables *tables;
        Arena *arena;
        Map numbers; /* of a source: table, NUL, column in lower case; value: number + 1 */
        VEC(LineageSource) sources;
        VEC(Str) parameters; /* of the lambdas around */
        Set decides;         /* what says which rows there are, of the query that is walked: the statement, or one inside an expression */
        int depth;
} Walk;

static Status query_outs(Walk *walk, const SqlQuery *query, const Cte *ctes, const Scope *outer, Outs *out, Error *err);

static void unite(Walk *walk, Set *into, Set other) {
        if (other.count == 0)
                return;
        uint32_t *all = ARENA_ARRAY(walk->arena, uint32_t, into->count + other.count);
        size_t count = 0, a = 0, b = 0;
        while (a < into->count || b < other.count) {
                bool left = b == other.count || (a < into->count && into->items[a] <= other.items[b]);
                uint32_t next = left ? into->items[a++] : other.items[b++];
                if (count == 0 || all[count - 1] != next)
                        all[count++] = next;
        }
        *into = (Set){ all, count };
}

static void unite_all(Walk *walk, Set *into, const Outs *outs) {
        for (size_t i = 0; i < outs->count; i++)
                unite(walk, into, outs->items[i].set);
}

static Set set_of(Walk *walk, Str table, Str column) {
        char *key = arena_printf(walk->arena, "%.*s %.*s", STR_ARG(table), STR_ARG(column));
        for (char *at = key + table.size; *at; at++)
                *at = char_lower(*at);
        void **number = map_at(&walk->numbers, str_of(key));
        if (!*number) {
                vec_push(walk->arena, &walk->sources, (LineageSource){ table, column });
                *number = (void *)(uintptr_t)walk->sources.count;
        }
        uint32_t *item = ARENA_NEW(walk->arena, uint32_t);
        *item = (uint32_t)((uintptr_t)*number - 1);
        return (Set){ item, 1 };
}

static void push(Walk *walk, Outs *outs, Str name, Set set, bool open) {
        vec_push(walk->arena, outs, ((Out){ .name = name, .set = set, .open = open }));
}

static Outs copy_outs(Walk *walk, const Outs *outs) {
        Outs copy = { 0 };
        for (size_t i = 0; i < outs->count; i++)
                vec_push(walk->arena, &copy, outs->items[i]);
        return copy;
}

static bool has_open(const Outs *outs) {
        for (size_t i = 0; i < outs->count; i++)
                if (outs->items[i].open)
                        return true;
        return false;
}

/* Nobody knows which is which any more: one that may be any. */
static void open_all(Walk *walk, Outs *outs) {
        Set all = { 0 };
        unite_all(walk, &all, outs);
        outs->count = 0;
        push(walk, outs, STR(""), all, true);
}

static void rename_outs(Outs *outs, const SqlNames *aliases) {
        for (size_t i = 0; i < aliases->count && i < outs->count; i++)
                outs->items[i].name = aliases->items[i];
}

/* ---- names ---- */

static bool add_named(Walk *walk, const Outs *outs, Str name, Set *into) {
        bool found = false;
        for (size_t i = 0; i < outs->count; i++) {
                if (!outs->items[i].open && !str_equal_nocase(outs->items[i].name, name))
                        continue;
                unite(walk, into, outs->items[i].set);
                found = true;
        }
        return found;
}

static const Binding *find_binding(const Scope *scope, Str alias) {
        for (size_t i = 0; i < scope->bindings.count; i++)
                if (str_equal_nocase(scope->bindings.items[i].alias, alias))
                        return &scope->bindings.items[i];
        return NULL;
}

static void add_scope(Walk *walk, const Scope *scope, Set *into) {
        for (size_t i = 0; i < scope->bindings.count; i++)
                unite_all(walk, into, &scope->bindings.items[i].outs);
}

/* table.column, with any number of names before and fields behind. */
static bool add_qualified(Walk *walk, const Scope *scope, const SqlNames *parts, Set *into) {
        for (size_t i = 0; i + 1 < parts->count; i++) {
                const Binding *binding = find_binding(scope, parts->items[i]);
                if (binding && add_named(walk, &binding->outs, parts->items[i + 1], into))
                        return true;
        }
        return false;
}

static bool add_from_scope(Walk *walk, const Scope *scope, const SqlNames *parts, Set *into) {
        if (add_qualified(walk, scope, parts, into))
                return true;
        bool found = false;
        for (size_t i = 0; i < scope->bindings.count; i++)
                found |= add_named(walk, &scope->bindings.items[i].outs, parts->items[0], into);
        if (found)
                return true;
        const Binding *row = find_binding(scope, parts->items[0]);
        if (row) {
                unite_all(walk, into, &row->outs); /* the whole row as a struct */
                return true;
        }
        return scope->list && add_named(walk, scope->list, parts->items[0], into);
}

static bool is_lambdas(const Walk *walk, Str name) {
        for (size_t i = 0; i < walk->parameters.count; i++)
                if (str_equal_nocase(walk->parameters.items[i], name))
                        return true;
        return false;
}

/* What nobody knows may be anything. */
static void add_column(Walk *walk, const Scope *scope, const SqlNames *parts, Set *into) {
        if (parts->count == 0 || is_lambdas(walk, parts->items[0]))
                return;
        for (const Scope *at = scope; at; at = at->outer)
                if (add_from_scope(walk, at, parts, into))
                        return;
        for (const Scope *at = scope; at; at = at->outer)
                add_scope(walk, at, into);
}

/* ---- expressions ---- */

static Status add_expr(Walk *walk, const SqlExpr *expr, const Scope *scope, Set *into, Error *err);

static Status add_exprs(Walk *walk, const SqlExprs *exprs, const Scope *scope, Set *into, Error *err) {
        for (size_t i = 0; i < exprs->count; i++)
                TRY(add_expr(walk, exprs->items[i], scope, into, err));
        return STATUS_OK;
}

static Status add_optional(Walk *walk, const SqlExpr *expr, const Scope *scope, Set *into, Error *err) {
        return expr ? add_expr(walk, expr, scope, into, err) : STATUS_OK;
}

static Status add_orders(Walk *walk, const SqlOrders *orders, const Scope *scope, Set *into, Error *err) {
        for (size_t i = 0; i < orders->count; i++)
                TRY(add_expr(walk, orders->items[i].expr, scope, into, err));
        return STATUS_OK;
}

static Status add_call(Walk *walk, const SqlNames *path, const SqlArguments *arguments, const Scope *scope, Set *into, Error *err) {
        SqlNames before = { path->items, path->count ? path->count - 1 : 0 }; /* email.lower() */
        for (const Scope *at = scope; before.count > 0 && at; at = at->outer)
                if (add_from_scope(walk, at, &before, into))
                        break;
        for (size_t i = 0; i < arguments->count; i++)
                TRY(add_expr(walk, arguments->items[i].expr, scope, into, err));
        return STATUS_OK;
}

static Status add_function(Walk *walk, const SqlExpr *expr, const Scope *scope, Set *into, Error *err) {
        TRY(add_call(walk, &expr->function.path, &expr->function.arguments, scope, into, err));
        TRY(add_optional(walk, expr->function.filter, scope, into, err));
        return add_orders(walk, &expr->function.orders, scope, into, err);
}

static Status add_window(Walk *walk, const SqlExpr *expr, const Scope *scope, Set *into, Error *err) {
        TRY(add_call(walk, &expr->window.path, &expr->window.arguments, scope, into, err));
        TRY(add_exprs(walk, &expr->window.partitions, scope, into, err));
        TRY(add_orders(walk, &expr->window.orders, scope, into, err));
        TRY(add_orders(walk, &expr->window.argument_orders, scope, into, err));
        TRY(add_optional(walk, expr->window.start_expr, scope, into, err));
        TRY(add_optional(walk, expr->window.end_expr, scope, into, err));
        return add_optional(walk, expr->window.filter, scope, into, err);
}

/* A query inside an expression: which rows it finds is a part of the value. */
static Status add_subquery(Walk *walk, const SqlExpr *expr, const Scope *scope, Set *into, Error *err) {
        bool exists = expr->subquery.kind == SQL_SUBQUERY_EXISTS || expr->subquery.kind == SQL_SUBQUERY_NOT_EXISTS;
        Outs outs = { 0 };
        Set around = walk->decides;
        walk->decides = (Set){ 0 };
        TRY(query_outs(walk, expr->subquery.query, scope->ctes, scope, &outs, err));
        unite(walk, into, walk->decides);
        walk->decides = around;
        if (!exists)
                unite_all(walk, into, &outs);
        return add_optional(walk, expr->subquery.child, scope, into, err);
}

static Status add_case(Walk *walk, const SqlExpr *expr, const Scope *scope, Set *into, Error *err) {
        for (size_t i = 0; i < expr->when.when_count; i++) {
                TRY(add_expr(walk, expr->when.whens[i].when, scope, into, err));
                TRY(add_expr(walk, expr->when.whens[i].then, scope, into, err));
        }
        return add_expr(walk, expr->when.otherwise, scope, into, err);
}

static void push_parameters(Walk *walk, const SqlExpr *expr) {
        if (expr->kind == SQL_COLUMN_REF && expr->column.count > 0)
                vec_push(walk->arena, &walk->parameters, expr->column.items[0]);
        for (size_t i = 0; expr->kind == SQL_FUNCTION && i < expr->function.arguments.count; i++)
                push_parameters(walk, expr->function.arguments.items[i].expr);
}

static Status add_lambda(Walk *walk, const SqlExpr *expr, const Scope *scope, Set *into, Error *err) {
        size_t before = walk->parameters.count;
        push_parameters(walk, expr->lambda.parameters);
        Status status = add_expr(walk, expr->lambda.body, scope, into, err);
        walk->parameters.count = before;
        if (status == STATUS_OK && expr->lambda.arrow) /* it may be JSON's -> */
                status = add_expr(walk, expr->lambda.parameters, scope, into, err);
        return status;
}

static Status add_expr(Walk *walk, const SqlExpr *expr, const Scope *scope, Set *into, Error *err) {
        switch (expr->kind) {
        case SQL_CONSTANT:
        case SQL_PARAMETER:
        case SQL_TYPE:
                return STATUS_OK;
        case SQL_COLUMN_REF:
                add_column(walk, scope, &expr->column, into);
                return STATUS_OK;
        case SQL_FUNCTION:
                return add_function(walk, expr, scope, into, err);
        case SQL_WINDOW:
                return add_window(walk, expr, scope, into, err);
        case SQL_OPERATOR:
                if (expr->op.op == SQL_OP_GROUPING) /* of which set the row is */
                        return STATUS_OK;
                return add_exprs(walk, &expr->op.children, scope, into, err);
        case SQL_COMPARISON:
                TRY(add_expr(walk, expr->compare.left, scope, into, err));
                return add_expr(walk, expr->compare.right, scope, into, err);
        case SQL_CONJUNCTION:
                return add_exprs(walk, &expr->conjunction.children, scope, into, err);
        case SQL_BETWEEN:
                TRY(add_expr(walk, expr->between.input, scope, into, err));
                TRY(add_expr(walk, expr->between.lower, scope, into, err));
                return add_expr(walk, expr->between.upper, scope, into, err);
        case SQL_CASE:
                return add_case(walk, expr, scope, into, err);
        case SQL_CAST:
                return add_expr(walk, expr->cast.child, scope, into, err);
        case SQL_SUBQUERY:
                return add_subquery(walk, expr, scope, into, err);
        case SQL_LAMBDA:
                return add_lambda(walk, expr, scope, into, err);
        case SQL_COLLATE:
                return add_expr(walk, expr->collate.child, scope, into, err);
        case SQL_TEMPLATE:
                return add_exprs(walk, &expr->template.arguments, scope, into, err);
        case SQL_STAR:
        case SQL_POSITIONAL_REFERENCE:
                add_scope(walk, scope, into);
                return STATUS_OK;
        }
        return STATUS_OK;
}

/* ---- what decides ---- */

static Status decide(Walk *walk, const SqlExpr *expr, const Scope *scope, Error *err) {
        Set set = { 0 }; /* queries inside have a `decides` of their own */
        TRY(add_optional(walk, expr, scope, &set, err));
        unite(walk, &walk->decides, set);
        return STATUS_OK;
}

static Status decide_all(Walk *walk, const SqlExprs *exprs, const Scope *scope, Error *err) {
        for (size_t i = 0; i < exprs->count; i++)
                TRY(decide(walk, exprs->items[i], scope, err));
        return STATUS_OK;
}

/* GROUP BY 1: a number is a place in the list. */
static void decide_place(Walk *walk, const SqlExpr *expr, const Outs *list) {
        int64_t place;
        if (expr->kind == SQL_CONSTANT && expr->constant.literal == SQL_INTEGER && str_to_int64(expr->constant.text, &place) && place > 0 &&
            (size_t)place <= list->count)
                unite(walk, &walk->decides, list->items[place - 1].set);
}

static Status makes_rows(void *context, SqlExpr **expr, Error *err UNUSED) {
        if ((*expr)->kind != SQL_FUNCTION || (*expr)->function.path.count == 0)
                return STATUS_OK;
        Str name = (*expr)->function.path.items[(*expr)->function.path.count - 1];
        if (str_equal_nocase(name, STR("unnest")) || str_equal_nocase(name, STR("unlist")))
                *(bool *)context = true;
        return STATUS_OK;
}

/* ---- relations ---- */

static void bind(Walk *walk, Scope *scope, const SqlFrom *from, Str name, Outs outs) {
        rename_outs(&outs, &from->column_aliases);
        vec_push(walk->arena, &scope->bindings, ((Binding){ from->alias.size ? from->alias : name, outs }));
}

static Status bind_table(Walk *walk, const SqlFrom *from, Scope *scope, Error *err) {
        const SqlNames *path = &from->table.path;
        Str last = path->items[path->count - 1];
        for (const Cte *cte = scope->ctes; path->count == 1 && cte; cte = cte->outer) {
                if (!str_equal_nocase(cte->name, last))
                        continue;
                bind(walk, scope, from, last, copy_outs(walk, &cte->outs));
                unite(walk, &walk->decides, cte->decides);
                return STATUS_OK;
        }
        LineageTable table = { 0 };
        Outs outs = { 0 };
        TRY(walk->tables->find(walk->tables->context, path, walk->arena, &table, err));
        for (size_t i = 0; i < table.column_count; i++)
                push(walk, &outs, table.columns[i], set_of(walk, table.name, table.columns[i]), false);
        bind(walk, scope, from, last, outs);
        return STATUS_OK;
}

/* The columns of these names that both sides have become one. */
static void merge_sides(Walk *walk, Scope *scope, size_t right, const SqlNames *names) {
        for (size_t b = right; b < scope->bindings.count; b++) {
                Outs *outs = &scope->bindings.items[b].outs;
                for (size_t i = 0; i < outs->count; i++) {
                        bool wanted = names == NULL;
                        for (size_t k = 0; !wanted && k < names->count; k++)
                                wanted = str_equal_nocase(names->items[k], outs->items[i].name);
                        for (size_t a = 0; wanted && !outs->items[i].open && a < right; a++) {
                                Outs *left = &scope->bindings.items[a].outs;
                                for (size_t k = 0; k < left->count; k++) {
                                        if (left->items[k].open || !str_equal_nocase(left->items[k].name, outs->items[i].name))
                                                continue;
                                        unite(walk, &left->items[k].set, outs->items[i].set);
                                        unite(walk, &walk->decides, left->items[k].set);
                                        outs->items[i].merged = true;
                                }
                        }
                }
        }
}

static Status bind_from(Walk *walk, const SqlFrom *from, Scope *scope, Error *err);

static Status bind_join(Walk *walk, const SqlFrom *from, Scope *scope, Error *err) {
        size_t first = scope->bindings.count;
        TRY(bind_from(walk, from->join.left, scope, err));
        size_t right = scope->bindings.count;
        TRY(bind_from(walk, from->join.right, scope, err));
        TRY(decide(walk, from->join.condition, scope, err));
        Scope sides = { 0 }; /* names of relations further left are none of this join's */
        for (size_t i = first; i < scope->bindings.count; i++)
                vec_push(walk->arena, &sides.bindings, scope->bindings.items[i]);
        if (from->join.ref == SQL_REF_NATURAL)
                merge_sides(walk, &sides, right - first, NULL);
        else if (from->join.using_columns.count > 0)
                merge_sides(walk, &sides, right - first, &from->join.using_columns);
        if (from->join.type == SQL_JOIN_SEMI || from->join.type == SQL_JOIN_ANTI)
                scope->bindings.count = right;
        return STATUS_OK;
}

static Status bind_values(Walk *walk, const SqlFrom *from, Scope *scope, Error *err) {
        Outs outs = { 0 };
        for (size_t r = 0; r < from->values.row_count; r++) {
                const SqlExprs *row = &from->values.rows[r];
                for (size_t i = 0; i < row->count; i++) {
                        if (i == outs.count)
                                push(walk, &outs, arena_strf(walk->arena, "col%zu", i), (Set){ 0 }, false);
                        TRY(add_expr(walk, row->items[i], scope, &outs.items[i].set, err));
                }
        }
        bind(walk, scope, from, STR("valueslist"), outs);
        return STATUS_OK;
}

/* Which columns it makes depends on the data. */
static Status bind_pivot(Walk *walk, const SqlFrom *from, Scope *scope, Error *err) {
        Scope inner = { .outer = scope->outer, .ctes = scope->ctes };
        Outs outs = { 0 };
        Set all = { 0 };
        TRY(bind_from(walk, from->pivot.source, &inner, err));
        add_scope(walk, &inner, &all);
        TRY(add_exprs(walk, &from->pivot.aggregates, &inner, &all, err));
        unite(walk, &walk->decides, all);
        push(walk, &outs, STR(""), all, true);
        bind(walk, scope, from, STR(""), outs);
        return STATUS_OK;
}

static Status bind_function(Walk *walk, const SqlFrom *from, Scope *scope, Error *err) {
        Outs outs = { 0 };
        Set all = { 0 };
        TRY(add_expr(walk, from->function.call, scope, &all, err));
        unite(walk, &walk->decides, all); /* how many rows it makes */
        push(walk, &outs, STR(""), all, true);
        bind(walk, scope, from, STR(""), outs);
        return STATUS_OK;
}

static Status bind_from(Walk *walk, const SqlFrom *from, Scope *scope, Error *err) {
        Outs outs = { 0 };
        switch (from->kind) {
        case SQL_FROM_EMPTY:
        case SQL_FROM_PRINTED:
                return STATUS_OK;
        case SQL_FROM_TABLE:
                return bind_table(walk, from, scope, err);
        case SQL_FROM_SUBQUERY:
                TRY(query_outs(walk, from->subquery, scope->ctes, scope, &outs, err));
                bind(walk, scope, from, STR(""), outs);
                return STATUS_OK;
        case SQL_FROM_JOIN:
                return bind_join(walk, from, scope, err);
        case SQL_FROM_FUNCTION:
                return bind_function(walk, from, scope, err);
        case SQL_FROM_VALUES:
                return bind_values(walk, from, scope, err);
        case SQL_FROM_PIVOT:
                return bind_pivot(walk, from, scope, err);
        }
        return STATUS_OK;
}

/* ---- stars ---- */

static bool is_excluded(const SqlExpr *star, Str name) {
        for (size_t i = 0; i < star->star.exclude_count; i++)
                if (str_equal_nocase(star->star.excludes[i].column, name))
                        return true;
        return false;
}

static Status add_star_column(Walk *walk, const SqlExpr *star, const Out *column, const Scope *scope, Outs *list, Error *err) {
        Out out = { .name = column->name, .set = column->set, .open = column->open };
        for (size_t i = 0; i < star->star.replace_count; i++) {
                if (!str_equal_nocase(star->star.replaces[i].column, out.name))
                        continue;
                out.set = (Set){ 0 };
                TRY(add_expr(walk, star->star.replaces[i].expr, scope, &out.set, err));
        }
        for (size_t i = 0; i < star->star.rename_count; i++)
                if (str_equal_nocase(star->star.renames[i].column, out.name))
                        out.name = star->star.renames[i].as;
        vec_push(walk->arena, list, out);
        return STATUS_OK;
}

static Status add_star(Walk *walk, const SqlExpr *star, const Scope *scope, Outs *list, Error *err) {
        if (star->star.columns) { /* COLUMNS(...): by a pattern or a lambda */
                Set all = { 0 };
                add_scope(walk, scope, &all);
                push(walk, list, STR(""), all, true);
                return STATUS_OK;
        }
        for (size_t b = 0; b < scope->bindings.count; b++) {
                const Binding *binding = &scope->bindings.items[b];
                bool one = star->star.relation.size > 0;
                if (one && !str_equal_nocase(binding->alias, star->star.relation))
                        continue;
                for (size_t i = 0; i < binding->outs.count; i++)
                        if ((one || !binding->outs.items[i].merged) && !is_excluded(star, binding->outs.items[i].name))
                                TRY(add_star_column(walk, star, &binding->outs.items[i], scope, list, err));
        }
        return STATUS_OK;
}

static Status has_columns_call(void *context, SqlExpr **expr, Error *err UNUSED) {
        if ((*expr)->kind == SQL_STAR && (*expr)->star.columns)
                *(bool *)context = true;
        return STATUS_OK;
}

/* ---- queries ---- */

static Str name_of(const SqlExpr *expr) {
        if (expr->alias.size > 0)
                return expr->alias;
        return expr->kind == SQL_COLUMN_REF && expr->column.count > 0 ? expr->column.items[expr->column.count - 1] : STR("");
}

static Status list_outs(Walk *walk, const SqlQuery *query, const Scope *scope, Outs *out, Error *err) {
        for (size_t i = 0; i < query->select.list.count; i++) {
                SqlExpr *expr = query->select.list.items[i];
                bool many = false, unnests = false; /* COLUMNS(...) inside an expression makes as many */
                TRY(sql_visit_expr(&expr, &(SqlVisitor){ .expr = has_columns_call, .context = &many, .shallow = true }, err));
                TRY(sql_visit_expr(&expr, &(SqlVisitor){ .expr = makes_rows, .context = &unnests, .shallow = true }, err));
                if (expr->kind == SQL_STAR) {
                        TRY(add_star(walk, expr, scope, out, err));
                        continue;
                }
                Set set = { 0 };
                TRY(add_expr(walk, expr, scope, &set, err));
                if (unnests)
                        unite(walk, &walk->decides, set);
                push(walk, out, name_of(expr), set, many);
        }
        return STATUS_OK;
}

static Status select_outs(Walk *walk, const SqlQuery *query, const Cte *ctes, const Scope *outer, Outs *out, Error *err) {
        Scope scope = { .outer = outer, .ctes = ctes };
        TRY(bind_from(walk, query->select.from, &scope, err));
        scope.list = out;
        TRY(list_outs(walk, query, &scope, out, err));
        TRY(decide(walk, query->select.where, &scope, err));
        TRY(decide(walk, query->select.having, &scope, err));
        TRY(decide(walk, query->select.qualify, &scope, err));
        TRY(decide_all(walk, &query->select.groups, &scope, err));
        for (size_t i = 0; i < query->select.groups.count; i++)
                decide_place(walk, query->select.groups.items[i], out);
        if (query->select.group_all)
                unite_all(walk, &walk->decides, out);
        bool limited = false;
        for (size_t i = 0; i < query->modifier_count; i++)
                limited |= query->modifiers[i].kind == SQL_MODIFY_LIMIT || query->modifiers[i].distinct_on.count > 0;
        for (size_t i = 0; i < query->modifier_count; i++) {
                const SqlModifier *modifier = &query->modifiers[i];
                if (modifier->kind == SQL_MODIFY_DISTINCT && modifier->distinct_on.count == 0)
                        unite_all(walk, &walk->decides, out);
                TRY(decide_all(walk, &modifier->distinct_on, &scope, err));
                TRY(decide(walk, modifier->limit, &scope, err));
                TRY(decide(walk, modifier->offset, &scope, err));
                for (size_t k = 0; limited && k < modifier->orders.count; k++) { /* an order alone leaves all rows */
                        TRY(decide(walk, modifier->orders.items[k].expr, &scope, err));
                        decide_place(walk, modifier->orders.items[k].expr, out);
                }
        }
        return STATUS_OK;
}

static void unite_by_place(Walk *walk, Outs *into, Outs *other) {
        if (has_open(into) || has_open(other) || into->count != other->count) {
                for (size_t i = 0; i < other->count; i++)
                        vec_push(walk->arena, into, other->items[i]);
                open_all(walk, into);
                return;
        }
        for (size_t i = 0; i < into->count; i++)
                unite(walk, &into->items[i].set, other->items[i].set);
}

static void unite_by_name(Walk *walk, Outs *into, const Outs *other) {
        for (size_t i = 0; i < other->count; i++) {
                size_t k = 0;
                while (k < into->count && (other->items[i].open || into->items[k].open || !str_equal_nocase(into->items[k].name, other->items[i].name)))
                        k++;
                if (k < into->count)
                        unite(walk, &into->items[k].set, other->items[i].set);
                else
                        vec_push(walk->arena, into, other->items[i]);
        }
}

static Status limit_set(Walk *walk, const SqlQuery *query, const Cte *ctes, const Scope *outer, Outs *out, Error *err) {
        Scope scope = { .outer = outer, .ctes = ctes, .list = out };
        for (size_t i = 0; i < query->modifier_count; i++) {
                if (query->modifiers[i].kind == SQL_MODIFY_ORDER)
                        continue;
                unite_all(walk, &walk->decides, out); /* some of the rows, in whatever order */
                TRY(decide(walk, query->modifiers[i].limit, &scope, err));
                TRY(decide(walk, query->modifiers[i].offset, &scope, err));
        }
        return STATUS_OK;
}

static Status set_outs(Walk *walk, const SqlQuery *query, const Cte *ctes, const Scope *outer, Outs *out, Error *err) {
        for (size_t i = 0; i < query->set.child_count; i++) {
                Outs child = { 0 };
                TRY(query_outs(walk, query->set.children[i], ctes, outer, &child, err));
                if (!query->set.all || query->set.op == SQL_INTERSECT || query->set.op == SQL_EXCEPT)
                        unite_all(walk, &walk->decides, &child); /* which rows are equal */
                if (i == 0)
                        *out = child;
                else if (query->set.op == SQL_EXCEPT)
                        continue; /* which rows, not what is in them */
                else if (query->set.op == SQL_UNION_BY_NAME)
                        unite_by_name(walk, out, &child);
                else
                        unite_by_place(walk, out, &child);
        }
        return limit_set(walk, query, ctes, outer, out, err);
}

static size_t total(const Outs *outs, const Set *decides) {
        size_t all = outs->count + decides->count;
        for (size_t i = 0; i < outs->count; i++)
                all += outs->items[i].set.count;
        return all;
}

/* Until a round brings nothing new: sets only grow, and there are so many sources. */
static Status recursive_outs(Walk *walk, const SqlQuery *query, const Cte *ctes, const Scope *outer, Outs *out, Error *err) {
        TRY(query_outs(walk, query->recursive.left, ctes, outer, out, err));
        rename_outs(out, &query->recursive.aliases);
        if (!query->recursive.all || query->recursive.keys.count > 0)
                unite_all(walk, &walk->decides, out);
        for (size_t before = SIZE_MAX; before != total(out, &walk->decides);) {
                before = total(out, &walk->decides);
                Cte self = { ctes, query->recursive.name, *out, walk->decides };
                Outs right = { 0 };
                TRY(query_outs(walk, query->recursive.right, &self, outer, &right, err));
                *out = copy_outs(walk, out);
                unite_by_place(walk, out, &right);
                if (!query->recursive.all || query->recursive.keys.count > 0)
                        unite_all(walk, &walk->decides, out);
        }
        return STATUS_OK;
}

static Status query_outs(Walk *walk, const SqlQuery *query, const Cte *ctes, const Scope *outer, Outs *out, Error *err) {
        if (walk->depth > SQL_DEPTH_MAX)
                return error_set(err, STATUS_LIMIT, "queries lie deeper than %d in each other", SQL_DEPTH_MAX);
        walk->depth++;
        for (size_t i = 0; i < query->cte_count; i++) {
                Cte *cte = ARENA_NEW(walk->arena, Cte);
                *cte = (Cte){ .outer = ctes, .name = query->ctes[i].name };
                Set around = walk->decides;
                walk->decides = (Set){ 0 };
                TRY(query_outs(walk, query->ctes[i].query, ctes, outer, &cte->outs, err));
                cte->decides = walk->decides;
                walk->decides = around;
                rename_outs(&cte->outs, &query->ctes[i].aliases);
                ctes = cte;
        }
        static Status (*const kinds[])(Walk *, const SqlQuery *, const Cte *, const Scope *, Outs *, Error *) = {
                [SQL_SELECT_NODE] = select_outs, [SQL_SET_OPERATION_NODE] = set_outs, [SQL_RECURSIVE_CTE_NODE] = recursive_outs
        };
        TRY(kinds[query->kind](walk, query, ctes, outer, out, err));
        walk->depth--;
        return STATUS_OK;
}

static LineageSource *sources_of(const Walk *walk, Set set) {
        LineageSource *sources = ARENA_ARRAY(walk->arena, LineageSource, set.count);
        for (size_t i = 0; i < set.count; i++)
                sources[i] = walk->sources.items[set.items[i]];
        return sources;
}

Status sql_lineage(const SqlTree *tree, const LineageTables *tables, Arena *arena, Lineage *out, Error *err) {
        Walk walk = { .tables = tables, .arena = arena };
        Outs outs = { 0 };
        map_init(&walk.numbers, arena);
        TRY(query_outs(&walk, tree->query, NULL, NULL, &outs, err));
        *out = (Lineage){ ARENA_ARRAY(arena, LineageColumn, outs.count), outs.count, sources_of(&walk, walk.decides), walk.decides.count };
        for (size_t i = 0; i < outs.count; i++)
                out->columns[i] = (LineageColumn){ .name = outs.items[i].name, .open = outs.items[i].open, .source_count = outs.items[i].set.count,
                                                   .sources = sources_of(&walk, outs.items[i].set) };
        return STATUS_OK;
}
