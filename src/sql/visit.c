/* SPDX-License-Identifier: Apache-2.0 */
/* Walking a tree and copying it. The two go over the same members in the same order; a member that one forgets is a
 * hole in the walk, so both live here, and the round trip test compares a copy's text with the original's. */
#include "sql/tree.h"

/* ---- visiting ---- */

static Status visit_exprs(SqlExprs *exprs, const SqlVisitor *visitor, Error *err) {
        for (size_t i = 0; i < exprs->count; i++)
                TRY(sql_visit_expr(&exprs->items[i], visitor, err));
        return STATUS_OK;
}

static Status visit_orders(SqlOrders *orders, const SqlVisitor *visitor, Error *err) {
        for (size_t i = 0; i < orders->count; i++)
                TRY(sql_visit_expr(&orders->items[i].expr, visitor, err));
        return STATUS_OK;
}

static Status visit_arguments(SqlArguments *arguments, const SqlVisitor *visitor, Error *err) {
        for (size_t i = 0; i < arguments->count; i++)
                TRY(sql_visit_expr(&arguments->items[i].expr, visitor, err));
        return STATUS_OK;
}

static Status visit_case(SqlExpr *expr, const SqlVisitor *visitor, Error *err) {
        for (size_t i = 0; i < expr->when.when_count; i++) {
                TRY(sql_visit_expr(&expr->when.whens[i].when, visitor, err));
                TRY(sql_visit_expr(&expr->when.whens[i].then, visitor, err));
        }
        return sql_visit_expr(&expr->when.otherwise, visitor, err);
}

static Status visit_window(SqlExpr *expr, const SqlVisitor *visitor, Error *err) {
        TRY(visit_arguments(&expr->window.arguments, visitor, err));
        TRY(visit_orders(&expr->window.argument_orders, visitor, err));
        TRY(sql_visit_expr(&expr->window.filter, visitor, err));
        TRY(visit_exprs(&expr->window.partitions, visitor, err));
        TRY(visit_orders(&expr->window.orders, visitor, err));
        TRY(sql_visit_expr(&expr->window.start_expr, visitor, err));
        return sql_visit_expr(&expr->window.end_expr, visitor, err);
}

static Status visit_star(SqlExpr *expr, const SqlVisitor *visitor, Error *err) {
        for (size_t i = 0; i < expr->star.replace_count; i++)
                TRY(sql_visit_expr(&expr->star.replaces[i].expr, visitor, err));
        return sql_visit_expr(&expr->star.expr, visitor, err);
}

Status sql_visit_expr(SqlExpr **place, const SqlVisitor *visitor, Error *err) {
        if (!*place)
                return STATUS_OK;
        if (visitor->expr)
                TRY(visitor->expr(visitor->context, place, err));
        SqlExpr *expr = *place;
        switch (expr->kind) {
        case SQL_CONSTANT:
        case SQL_COLUMN_REF:
        case SQL_PARAMETER:
        case SQL_POSITIONAL_REFERENCE:
                return STATUS_OK;
        case SQL_FUNCTION:
                TRY(visit_arguments(&expr->function.arguments, visitor, err));
                TRY(sql_visit_expr(&expr->function.filter, visitor, err));
                return visit_orders(&expr->function.orders, visitor, err);
        case SQL_OPERATOR:
                return visit_exprs(&expr->op.children, visitor, err);
        case SQL_COMPARISON:
                TRY(sql_visit_expr(&expr->compare.left, visitor, err));
                return sql_visit_expr(&expr->compare.right, visitor, err);
        case SQL_CONJUNCTION:
                return visit_exprs(&expr->conjunction.children, visitor, err);
        case SQL_BETWEEN:
                TRY(sql_visit_expr(&expr->between.input, visitor, err));
                TRY(sql_visit_expr(&expr->between.lower, visitor, err));
                return sql_visit_expr(&expr->between.upper, visitor, err);
        case SQL_CASE:
                return visit_case(expr, visitor, err);
        case SQL_CAST:
                TRY(sql_visit_expr(&expr->cast.child, visitor, err));
                return sql_visit_expr(&expr->cast.type, visitor, err);
        case SQL_SUBQUERY:
                TRY(sql_visit_expr(&expr->subquery.child, visitor, err));
                return sql_visit_query(expr->subquery.query, visitor, err);
        case SQL_WINDOW:
                return visit_window(expr, visitor, err);
        case SQL_STAR:
                return visit_star(expr, visitor, err);
        case SQL_LAMBDA:
                TRY(sql_visit_expr(&expr->lambda.parameters, visitor, err));
                return sql_visit_expr(&expr->lambda.body, visitor, err);
        case SQL_COLLATE:
                return sql_visit_expr(&expr->collate.child, visitor, err);
        case SQL_TYPE:
                return visit_exprs(&expr->type.children, visitor, err);
        case SQL_TEMPLATE:
                return visit_exprs(&expr->template.arguments, visitor, err);
        }
        return STATUS_OK;
}

static Status visit_pivot(SqlFrom *from, const SqlVisitor *visitor, Error *err) {
        TRY(sql_visit_from(&from->pivot.source, visitor, err));
        TRY(visit_exprs(&from->pivot.aggregates, visitor, err));
        for (size_t i = 0; i < from->pivot.column_count; i++) {
                SqlPivotColumn *column = &from->pivot.columns[i];
                TRY(visit_exprs(&column->expressions, visitor, err));
                for (size_t k = 0; k < column->entry_count; k++)
                        TRY(sql_visit_expr(&column->entries[k].expr, visitor, err));
        }
        return STATUS_OK;
}

Status sql_visit_from(SqlFrom **place, const SqlVisitor *visitor, Error *err) {
        if (!*place)
                return STATUS_OK;
        if (visitor->from)
                TRY(visitor->from(visitor->context, place, err));
        SqlFrom *from = *place;
        switch (from->kind) {
        case SQL_FROM_EMPTY:
        case SQL_FROM_PRINTED:
                return STATUS_OK;
        case SQL_FROM_TABLE:
                return sql_visit_expr(&from->table.at, visitor, err);
        case SQL_FROM_SUBQUERY:
                return sql_visit_query(from->subquery, visitor, err);
        case SQL_FROM_JOIN:
                TRY(sql_visit_from(&from->join.left, visitor, err));
                TRY(sql_visit_from(&from->join.right, visitor, err));
                return sql_visit_expr(&from->join.condition, visitor, err);
        case SQL_FROM_FUNCTION:
                TRY(sql_visit_expr(&from->function.call, visitor, err));
                if (from->function.call->kind == SQL_FUNCTION)
                        return STATUS_OK;
                return error_set(err, STATUS_SQL_REFUSED, "what stands in FROM is no table function"); /* since the visitor made it a value */
        case SQL_FROM_VALUES:
                for (size_t i = 0; i < from->values.row_count; i++)
                        TRY(visit_exprs(&from->values.rows[i], visitor, err));
                return STATUS_OK;
        case SQL_FROM_PIVOT:
                return visit_pivot(from, visitor, err);
        }
        return STATUS_OK;
}

static Status visit_select(SqlQuery *query, const SqlVisitor *visitor, Error *err) {
        TRY(visit_exprs(&query->select.list, visitor, err));
        TRY(sql_visit_from(&query->select.from, visitor, err));
        TRY(sql_visit_expr(&query->select.where, visitor, err));
        TRY(visit_exprs(&query->select.groups, visitor, err));
        TRY(sql_visit_expr(&query->select.having, visitor, err));
        return sql_visit_expr(&query->select.qualify, visitor, err);
}

Status sql_visit_query_parts(SqlQuery *query, const SqlVisitor *visitor, Error *err) {
        if (query->kind == SQL_SELECT_NODE)
                TRY(visit_select(query, visitor, err));
        if (query->kind == SQL_RECURSIVE_CTE_NODE)
                TRY(visit_exprs(&query->recursive.keys, visitor, err));
        for (size_t i = 0; i < query->modifier_count; i++) {
                SqlModifier *modifier = &query->modifiers[i];
                TRY(visit_exprs(&modifier->distinct_on, visitor, err));
                TRY(visit_orders(&modifier->orders, visitor, err));
                TRY(sql_visit_expr(&modifier->limit, visitor, err));
                TRY(sql_visit_expr(&modifier->offset, visitor, err));
        }
        return STATUS_OK;
}

Status sql_visit_query(SqlQuery *query, const SqlVisitor *visitor, Error *err) {
        if (!query || visitor->shallow)
                return STATUS_OK;
        if (visitor->query)
                TRY(visitor->query(visitor->context, query, err));
        for (size_t i = 0; i < query->cte_count; i++) {
                TRY(visit_exprs(&query->ctes[i].keys, visitor, err));
                TRY(sql_visit_query(query->ctes[i].query, visitor, err));
        }
        for (size_t i = 0; query->kind == SQL_SET_OPERATION_NODE && i < query->set.child_count; i++)
                TRY(sql_visit_query(query->set.children[i], visitor, err));
        if (query->kind == SQL_RECURSIVE_CTE_NODE) {
                TRY(sql_visit_query(query->recursive.left, visitor, err));
                TRY(sql_visit_query(query->recursive.right, visitor, err));
        }
        return sql_visit_query_parts(query, visitor, err);
}

/* ---- copying ---- */

static void *copy_bytes(Arena *arena, const void *bytes, size_t size) {
        void *copy = arena_alloc_raw(arena, size ? size : 1);
        if (size)
                memcpy(copy, bytes, size);
        return copy;
}

#define COPY_ARRAY(arena, items, count) copy_bytes(arena, items, (count) * sizeof(*(items)))

static SqlFrom *copy_from(Arena *arena, const SqlFrom *from);

static SqlExprs copy_exprs(Arena *arena, SqlExprs exprs) {
        exprs.items = COPY_ARRAY(arena, exprs.items, exprs.count);
        for (size_t i = 0; i < exprs.count; i++)
                exprs.items[i] = sql_expr_copy(arena, exprs.items[i]);
        return exprs;
}

static SqlOrders copy_orders(Arena *arena, SqlOrders orders) {
        orders.items = COPY_ARRAY(arena, orders.items, orders.count);
        for (size_t i = 0; i < orders.count; i++)
                orders.items[i].expr = sql_expr_copy(arena, orders.items[i].expr);
        return orders;
}

static SqlArguments copy_arguments(Arena *arena, SqlArguments arguments) {
        arguments.items = COPY_ARRAY(arena, arguments.items, arguments.count);
        for (size_t i = 0; i < arguments.count; i++)
                arguments.items[i].expr = sql_expr_copy(arena, arguments.items[i].expr);
        return arguments;
}

static void copy_case(Arena *arena, SqlExpr *copy) {
        copy->when.whens = COPY_ARRAY(arena, copy->when.whens, copy->when.when_count);
        for (size_t i = 0; i < copy->when.when_count; i++) {
                copy->when.whens[i].when = sql_expr_copy(arena, copy->when.whens[i].when);
                copy->when.whens[i].then = sql_expr_copy(arena, copy->when.whens[i].then);
        }
        copy->when.otherwise = sql_expr_copy(arena, copy->when.otherwise);
}

static void copy_window(Arena *arena, SqlExpr *copy) {
        copy->window.arguments = copy_arguments(arena, copy->window.arguments);
        copy->window.partitions = copy_exprs(arena, copy->window.partitions);
        copy->window.orders = copy_orders(arena, copy->window.orders);
        copy->window.argument_orders = copy_orders(arena, copy->window.argument_orders);
        copy->window.start_expr = sql_expr_copy(arena, copy->window.start_expr);
        copy->window.end_expr = sql_expr_copy(arena, copy->window.end_expr);
        copy->window.filter = sql_expr_copy(arena, copy->window.filter);
}

static void copy_star(Arena *arena, SqlExpr *copy) {
        copy->star.expr = sql_expr_copy(arena, copy->star.expr);
        copy->star.excludes = COPY_ARRAY(arena, copy->star.excludes, copy->star.exclude_count);
        copy->star.replaces = COPY_ARRAY(arena, copy->star.replaces, copy->star.replace_count);
        for (size_t i = 0; i < copy->star.replace_count; i++)
                copy->star.replaces[i].expr = sql_expr_copy(arena, copy->star.replaces[i].expr);
}

SqlExpr *sql_expr_copy(Arena *arena, const SqlExpr *expr) {
        if (!expr)
                return NULL;
        SqlExpr *copy = copy_bytes(arena, expr, sizeof(*expr));
        switch (copy->kind) {
        case SQL_CONSTANT:
        case SQL_PARAMETER:
        case SQL_POSITIONAL_REFERENCE:
                break;
        case SQL_COLUMN_REF:
                copy->column.items = COPY_ARRAY(arena, copy->column.items, copy->column.count);
                break;
        case SQL_FUNCTION:
                copy->function.path.items = COPY_ARRAY(arena, copy->function.path.items, copy->function.path.count);
                copy->function.arguments = copy_arguments(arena, copy->function.arguments);
                copy->function.filter = sql_expr_copy(arena, copy->function.filter);
                copy->function.orders = copy_orders(arena, copy->function.orders);
                break;
        case SQL_OPERATOR:
                copy->op.children = copy_exprs(arena, copy->op.children);
                break;
        case SQL_COMPARISON:
                copy->compare.left = sql_expr_copy(arena, copy->compare.left);
                copy->compare.right = sql_expr_copy(arena, copy->compare.right);
                break;
        case SQL_CONJUNCTION:
                copy->conjunction.children = copy_exprs(arena, copy->conjunction.children);
                break;
        case SQL_BETWEEN:
                copy->between.input = sql_expr_copy(arena, copy->between.input);
                copy->between.lower = sql_expr_copy(arena, copy->between.lower);
                copy->between.upper = sql_expr_copy(arena, copy->between.upper);
                break;
        case SQL_CASE:
                copy_case(arena, copy);
                break;
        case SQL_CAST:
                copy->cast.child = sql_expr_copy(arena, copy->cast.child);
                copy->cast.type = sql_expr_copy(arena, copy->cast.type);
                break;
        case SQL_SUBQUERY:
                copy->subquery.child = sql_expr_copy(arena, copy->subquery.child);
                copy->subquery.query = sql_query_copy(arena, copy->subquery.query);
                break;
        case SQL_WINDOW:
                copy_window(arena, copy);
                break;
        case SQL_STAR:
                copy_star(arena, copy);
                break;
        case SQL_LAMBDA:
                copy->lambda.parameters = sql_expr_copy(arena, copy->lambda.parameters);
                copy->lambda.body = sql_expr_copy(arena, copy->lambda.body);
                break;
        case SQL_COLLATE:
                copy->collate.child = sql_expr_copy(arena, copy->collate.child);
                break;
        case SQL_TYPE:
                copy->type.children = copy_exprs(arena, copy->type.children);
                break;
        case SQL_TEMPLATE:
                copy->template.arguments = copy_exprs(arena, copy->template.arguments);
                break;
        }
        return copy;
}

static void copy_pivot(Arena *arena, SqlFrom *copy) {
        copy->pivot.source = copy_from(arena, copy->pivot.source);
        copy->pivot.aggregates = copy_exprs(arena, copy->pivot.aggregates);
        copy->pivot.columns = COPY_ARRAY(arena, copy->pivot.columns, copy->pivot.column_count);
        for (size_t i = 0; i < copy->pivot.column_count; i++) {
                SqlPivotColumn *column = &copy->pivot.columns[i];
                column->expressions = copy_exprs(arena, column->expressions);
                column->entries = COPY_ARRAY(arena, column->entries, column->entry_count);
                for (size_t k = 0; k < column->entry_count; k++)
                        column->entries[k].expr = sql_expr_copy(arena, column->entries[k].expr);
        }
}

static SqlSample *copy_sample(Arena *arena, const SqlSample *sample) {
        return sample ? copy_bytes(arena, sample, sizeof(*sample)) : NULL;
}

static SqlFrom *copy_from(Arena *arena, const SqlFrom *from) {
        if (!from)
                return NULL;
        SqlFrom *copy = copy_bytes(arena, from, sizeof(*from));
        copy->sample = copy_sample(arena, copy->sample);
        switch (copy->kind) {
        case SQL_FROM_EMPTY:
        case SQL_FROM_PRINTED:
                break;
        case SQL_FROM_TABLE:
                copy->table.at = sql_expr_copy(arena, copy->table.at);
                break;
        case SQL_FROM_SUBQUERY:
                copy->subquery = sql_query_copy(arena, copy->subquery);
                break;
        case SQL_FROM_JOIN:
                copy->join.left = copy_from(arena, copy->join.left);
                copy->join.right = copy_from(arena, copy->join.right);
                copy->join.condition = sql_expr_copy(arena, copy->join.condition);
                break;
        case SQL_FROM_FUNCTION:
                copy->function.call = sql_expr_copy(arena, copy->function.call);
                break;
        case SQL_FROM_VALUES:
                copy->values.rows = COPY_ARRAY(arena, copy->values.rows, copy->values.row_count);
                for (size_t i = 0; i < copy->values.row_count; i++)
                        copy->values.rows[i] = copy_exprs(arena, copy->values.rows[i]);
                break;
        case SQL_FROM_PIVOT:
                copy_pivot(arena, copy);
                break;
        }
        return copy;
}

static void copy_select(Arena *arena, SqlQuery *copy) {
        copy->select.list = copy_exprs(arena, copy->select.list);
        copy->select.from = copy_from(arena, copy->select.from);
        copy->select.where = sql_expr_copy(arena, copy->select.where);
        copy->select.groups = copy_exprs(arena, copy->select.groups);
        copy->select.having = sql_expr_copy(arena, copy->select.having);
        copy->select.qualify = sql_expr_copy(arena, copy->select.qualify);
        copy->select.sample = copy_sample(arena, copy->select.sample);
}

static void copy_body(Arena *arena, SqlQuery *copy) {
        switch (copy->kind) {
        case SQL_SELECT_NODE:
                copy_select(arena, copy);
                break;
        case SQL_SET_OPERATION_NODE:
                copy->set.children = COPY_ARRAY(arena, copy->set.children, copy->set.child_count);
                for (size_t i = 0; i < copy->set.child_count; i++)
                        copy->set.children[i] = sql_query_copy(arena, copy->set.children[i]);
                break;
        case SQL_RECURSIVE_CTE_NODE:
                copy->recursive.keys = copy_exprs(arena, copy->recursive.keys);
                copy->recursive.left = sql_query_copy(arena, copy->recursive.left);
                copy->recursive.right = sql_query_copy(arena, copy->recursive.right);
                break;
        }
}

SqlQuery *sql_query_copy(Arena *arena, const SqlQuery *query) {
        if (!query)
                return NULL;
        SqlQuery *copy = copy_bytes(arena, query, sizeof(*query));
        copy->ctes = COPY_ARRAY(arena, copy->ctes, copy->cte_count);
        for (size_t i = 0; i < copy->cte_count; i++) {
                copy->ctes[i].keys = copy_exprs(arena, copy->ctes[i].keys);
                copy->ctes[i].query = sql_query_copy(arena, copy->ctes[i].query);
        }
        copy_body(arena, copy);
        copy->modifiers = COPY_ARRAY(arena, copy->modifiers, copy->modifier_count);
        for (size_t i = 0; i < copy->modifier_count; i++) {
                SqlModifier *modifier = &copy->modifiers[i];
                modifier->distinct_on = copy_exprs(arena, modifier->distinct_on);
                modifier->orders = copy_orders(arena, modifier->orders);
                modifier->limit = sql_expr_copy(arena, modifier->limit);
                modifier->offset = sql_expr_copy(arena, modifier->offset);
        }
        return copy;
}
