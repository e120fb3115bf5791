/* SPDX-License-Identifier: Apache-2.0 */
#include "govern/names.h"

typedef struct Collect {
        Mentioned *out;
        Arena *arena;
} Collect;

static void put(Collect *collect, Map *names, Str name) {
        if (name.size > 0)
                map_put(names, arena_lower(collect->arena, name), collect->out);
}

static void put_all(Collect *collect, Map *names, SqlNames list, size_t count) {
        for (size_t i = 0; i < count && i < list.count; i++)
                put(collect, names, list.items[i]);
}

static void collect_column(Collect *collect, SqlNames parts) {
        put_all(collect, &collect->out->names, parts, parts.count);
        if (parts.count == 1)
                put_all(collect, &collect->out->singles, parts, 1);
}

static void collect_lambda(Collect *collect, const SqlExpr *parameters) {
        if (parameters->kind == SQL_COLUMN_REF)
                put_all(collect, &collect->out->parameters, parameters->column, parameters->column.count);
        for (size_t i = 0; parameters->kind == SQL_FUNCTION && i < parameters->function.arguments.count; i++)
                collect_lambda(collect, parameters->function.arguments.items[i].expr);
}

typedef struct Body {
        Collect *collect;
        const SqlExpr *parameters;
} Body;

static bool is_parameter(const SqlExpr *parameters, Str name) {
        if (parameters->kind == SQL_COLUMN_REF)
                return parameters->column.count == 1 && str_equal_nocase(parameters->column.items[0], name);
        for (size_t i = 0; parameters->kind == SQL_FUNCTION && i < parameters->function.arguments.count; i++)
                if (is_parameter(parameters->function.arguments.items[i].expr, name))
                        return true;
        return false;
}

static Str address_of(const SqlExpr *const *expr) {
        return (Str){ (const char *)expr, sizeof(*expr) };
}

static Status collect_use(void *context, SqlExpr **place, Error *err UNUSED) {
        Body *body = context;
        const SqlExpr *expr = *place;
        if (expr->kind == SQL_COLUMN_REF && expr->column.count == 1 && is_parameter(body->parameters, expr->column.items[0]))
                map_put(&body->collect->out->uses, arena_str(body->collect->arena, address_of(&expr)), body->collect->out);
        return STATUS_OK;
}

/* The parameters themselves, and where the body means them. */
static void collect_uses(Collect *collect, const SqlExpr *lambda) {
        Body body = { collect, lambda->lambda.parameters };
        SqlVisitor visitor = { .expr = collect_use, .context = &body };
        SqlExpr *whole = (SqlExpr *)(uintptr_t)lambda;
        Error unused = { 0 }; /* the visitor does not fail, nor replace anything */
        sql_visit_expr(&whole, &visitor, &unused);
}

static Status collect_expr(void *context, SqlExpr **place, Error *err UNUSED) {
        Collect *collect = context;
        const SqlExpr *expr = *place;
        Mentioned *out = collect->out;
        put(collect, &out->outputs, expr->alias);
        switch (expr->kind) {
        case SQL_COLUMN_REF:
                collect_column(collect, expr->column);
                break;
        case SQL_FUNCTION: /* x.upper() */
                collect_column(collect, (SqlNames){ expr->function.path.items, expr->function.path.count - 1 });
                break;
        case SQL_WINDOW:
                collect_column(collect, (SqlNames){ expr->window.path.items, expr->window.path.count - 1 });
                break;
        case SQL_STAR:
        case SQL_POSITIONAL_REFERENCE:
                out->everything = true;
                break;
        case SQL_SUBQUERY:
                out->subqueries = true;
                break;
        case SQL_LAMBDA:
                collect_lambda(collect, expr->lambda.parameters);
                collect_uses(collect, expr);
                break;
        case SQL_CONSTANT:
        case SQL_OPERATOR:
        case SQL_COMPARISON:
        case SQL_CONJUNCTION:
        case SQL_BETWEEN:
        case SQL_CASE:
        case SQL_CAST:
        case SQL_COLLATE:
        case SQL_PARAMETER:
        case SQL_TYPE:
        case SQL_TEMPLATE:
                break;
        }
        return STATUS_OK;
}

static Status collect_from(void *context, SqlFrom **place, Error *err UNUSED) {
        Collect *collect = context;
        const SqlFrom *from = *place;
        put_all(collect, &collect->out->outputs, from->column_aliases, from->column_aliases.count);
        if (from->column_aliases.count > 0 || from->kind == SQL_FROM_PIVOT)
                collect->out->everything = true;
        if (from->kind == SQL_FROM_PIVOT)
                put_all(collect, &collect->out->names, from->pivot.groups, from->pivot.groups.count);
        if (from->kind != SQL_FROM_JOIN)
                return STATUS_OK;
        if (from->join.ref == SQL_REF_NATURAL)
                collect->out->everything = true;
        if (from->join.right->kind == SQL_FROM_SUBQUERY)
                collect->out->subqueries = true;
        put_all(collect, &collect->out->names, from->join.using_columns, from->join.using_columns.count);
        return STATUS_OK;
}

static Status collect_query(void *context, SqlQuery *query, Error *err UNUSED) {
        Collect *collect = context;
        for (size_t i = 0; i < query->cte_count; i++)
                put_all(collect, &collect->out->outputs, query->ctes[i].aliases, query->ctes[i].aliases.count);
        return STATUS_OK;
}

void mentioned_collect(const SqlQuery *query, Arena *arena, Mentioned *out) {
        *out = (Mentioned){ 0 };
        map_init(&out->names, arena);
        map_init(&out->singles, arena);
        map_init(&out->parameters, arena);
        map_init(&out->outputs, arena);
        map_init(&out->uses, arena);
        Collect collect = { .out = out, .arena = arena };
        SqlVisitor visitor = {
                .expr = collect_expr, .from = collect_from, .query = collect_query, .context = &collect
        };
        Error unused = { 0 };                                             /* these visitors do not fail */
        sql_visit_query((SqlQuery *)(uintptr_t)query, &visitor, &unused); /* nor replace anything */
}

bool mentioned_has(const Map *names, Str name) {
        char folded[256];
        if (name.size > sizeof(folded))
                return true; /* longer than anything that matters: counts as mentioned */
        for (size_t i = 0; i < name.size; i++) {
                char c = name.data[i];
                folded[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
        }
        return map_has(names, (Str){ folded, name.size });
}

bool mentioned_is_parameter(const Mentioned *mentioned, const SqlExpr *column) {
        return map_has(&mentioned->uses, address_of(&column));
}
