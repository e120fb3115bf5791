/* SPDX-License-Identifier: Apache-2.0 */
#include "sql/fill.h"

#define PARAMETERS_MAX 65535 /* as many as a message can carry */

typedef struct Filling {
        const SqlTree *tree;
        const SqlValue *values;
        size_t count;
        Arena *arena;
} Filling;

static SqlExpr *make(Arena *arena, SqlExprKind kind) {
        SqlExpr *expr = ARENA_NEW(arena, SqlExpr);
        expr->kind = kind;
        expr->at.offset = SQL_NOWHERE;
        return expr;
}

static SqlNames one_name(Arena *arena, Str name) {
        Str *items = ARENA_NEW(arena, Str);
        *items = name;
        return (SqlNames){ items, 1 };
}

static SqlExpr *make_type(Arena *arena, const SqlValue *value) {
        SqlExpr *type = make(arena, SQL_TYPE);
        type->type.path = one_name(arena, value->type);
        if (value->precision == 0)
                return type;
        SqlExpr **sizes = ARENA_ARRAY(arena, SqlExpr *, 2);
        sizes[0] = sql_make_constant(arena, SQL_INTEGER, arena_strf(arena, "%d", value->precision));
        sizes[1] = sql_make_constant(arena, SQL_INTEGER, arena_strf(arena, "%d", value->scale));
        type->type.children = (SqlExprs){ sizes, 2 };
        return type;
}

static SqlExpr *make_list_type(Arena *arena, SqlExpr *element) {
        SqlExpr *type = make(arena, SQL_TYPE);
        type->type.path = one_name(arena, STR("list"));
        SqlExpr **children = ARENA_NEW(arena, SqlExpr *);
        children[0] = element;
        type->type.children = (SqlExprs){ children, 1 };
        return type;
}

static SqlExpr *make_cast(Arena *arena, SqlExpr *child, SqlExpr *type) {
        SqlExpr *cast = make(arena, SQL_CAST);
        cast->cast.child = child;
        cast->cast.type = type;
        return cast;
}

static SqlExpr *make_plain(Arena *arena, const SqlValue *value) {
        return value->null ? sql_make_constant(arena, SQL_NULL, STR("")) : sql_make_constant(arena, SQL_STRING, value->text);
}

static SqlExpr *make_list(Arena *arena, const SqlValue *value) {
        SqlExpr *list = make(arena, SQL_FUNCTION);
        list->function.path = one_name(arena, STR("list_value"));
        SqlArgument *items = ARENA_ARRAY(arena, SqlArgument, value->item_count);
        for (size_t i = 0; i < value->item_count; i++)
                items[i].expr = make_plain(arena, &value->items[i]);
        list->function.arguments = (SqlArguments){ items, value->item_count };
        return list;
}

SqlExpr *sql_value_expr(Arena *arena, const SqlValue *value) {
        if (value->is_list)
                return make_cast(arena, value->null ? make_plain(arena, value) : make_list(arena, value), make_list_type(arena, make_type(arena, value)));
        SqlExpr *plain = make_plain(arena, value);
        return value->type.size > 0 ? make_cast(arena, plain, make_type(arena, value)) : plain;
}

static bool number_of(Str parameter, size_t *out) {
        uint64_t number;
        if (!str_to_uint64(parameter, &number) || number == 0 || number > PARAMETERS_MAX)
                return false;
        *out = (size_t)number;
        return true;
}

static bool is_bare_decimal(const SqlExpr *type) {
        const SqlNames *path = &type->type.path;
        return type->kind == SQL_TYPE && type->type.children.count == 0 && path->count > 0 &&
               str_equal_nocase(path->items[path->count - 1], STR("decimal"));
}

static bool is_bare_decimal_list(const SqlExpr *type) {
        return type->kind == SQL_TYPE && type->type.path.count == 1 && str_is(type->type.path.items[0], "list") &&
               type->type.children.count == 1 && is_bare_decimal(type->type.children.items[0]);
}

/* $1::numeric of a parameter that is numeric: the value as it is. The engine would make a DECIMAL(18,3) of it. */
static bool is_numeric_cast(const Filling *filling, const SqlExpr *expr) {
        size_t number;
        if (expr->kind != SQL_CAST || expr->cast.child->kind != SQL_PARAMETER ||
            !number_of(expr->cast.child->parameter, &number) || number > filling->count)
                return false;
        const SqlValue *value = &filling->values[number - 1];
        bool numeric = !value->open && (value->precision > 0 || str_is(value->type, "DOUBLE"));
        return numeric && (value->is_list ? is_bare_decimal_list : is_bare_decimal)(expr->cast.type);
}

static Status fill(void *context, SqlExpr **place, Error *err) {
        const Filling *filling = context;
        SqlExpr *expr = *place;
        size_t number;
        if (is_numeric_cast(filling, expr)) {
                Str alias = expr->alias;
                expr = expr->cast.child;
                expr->alias = alias;
        }
        if (expr->kind != SQL_PARAMETER)
                return STATUS_OK;
        if (!number_of(expr->parameter, &number) || number > filling->count) {
                error_set(err, STATUS_NOT_FOUND, "there is no parameter $%.*s", STR_ARG(expr->parameter));
                return sql_error_place(err, filling->tree, expr->at);
        }
        const SqlValue *value = &filling->values[number - 1];
        if (value->open)
                return STATUS_OK;
        SqlExpr *literal = sql_value_expr(filling->arena, value);
        literal->alias = expr->alias;
        literal->at = expr->at;
        *place = literal;
        return STATUS_OK;
}

Status sql_fill_parameters(SqlTree *tree, const SqlValue *values, size_t count, Arena *arena, Error *err) {
        Filling filling = { tree, values, count, arena };
        SqlVisitor visitor = { .expr = fill, .context = &filling };
        TRY(sql_visit_query(tree->query, &visitor, err));
        size_t left = 0;
        for (size_t i = 0, number; i < tree->parameters.count; i++)
                if (number_of(tree->parameters.items[i], &number) && values[number - 1].open)
                        tree->parameters.items[left++] = tree->parameters.items[i];
        tree->parameters.count = left;
        return STATUS_OK;
}

Status sql_parameter_count(const SqlTree *tree, size_t *out, Error *err) {
        size_t most = 0, number;
        for (size_t i = 0; i < tree->parameters.count; i++) {
                if (!number_of(tree->parameters.items[i], &number))
                        return error_set(err, STATUS_NOT_FOUND, "there is no parameter $%.*s", STR_ARG(tree->parameters.items[i]));
                most = number > most ? number : most;
        }
        *out = most;
        return STATUS_OK;
}
