/* SPDX-License-Identifier: Apache-2.0 */
#include "sql/output.h"

/* PostgreSQL's own names for types that the engine spells otherwise. */
static const struct {
        const char *engine, *name;
} TYPE_NAMES[] = {
        { "INTEGER", "int4" },     { "INT", "int4" },        { "INT4", "int4" },     { "BIGINT", "int8" },       { "INT8", "int8" },
        { "SMALLINT", "int2" },    { "INT2", "int2" },       { "VARCHAR", "varchar" }, { "TEXT", "text" },       { "STRING", "text" },
        { "BOOLEAN", "bool" },     { "BOOL", "bool" },       { "DOUBLE", "float8" }, { "FLOAT8", "float8" },     { "FLOAT", "float4" },
        { "REAL", "float4" },      { "FLOAT4", "float4" },   { "DECIMAL", "numeric" }, { "NUMERIC", "numeric" }, { "BLOB", "bytea" },
        { "BYTEA", "bytea" },      { "DATE", "date" },       { "TIME", "time" },     { "TIMESTAMP", "timestamp" },
        { "TIMESTAMPTZ", "timestamptz" }, { "TIMESTAMP WITH TIME ZONE", "timestamptz" }, { "INTERVAL", "interval" },
        { "UUID", "uuid" },        { "JSON", "json" },
};

static const Str NOBODY = { "?column?", 8 };

static Str name_of(Str text, const SqlExpr *expr);

static bool begins(Str text, const SqlExpr *expr, const char *words) {
        Str here = expr->at.offset == SQL_NOWHERE ? STR_NONE : str_slice(text, expr->at.offset, text.size);
        return str_equal_nocase(str_slice(here, 0, strlen(words)), str_of(words));
}

/* char(3): the parser makes varchar of it. */
static bool is_char(Str text, const SqlExpr *type) {
        return begins(text, type, "char") && !begins(text, type, "character varying") && !begins(text, type, "char varying");
}

static Str type_name(Str text, const SqlExpr *type) {
        if (type->type.path.count == 0)
                return NOBODY;
        Str name = type->type.path.items[type->type.path.count - 1];
        if (str_equal_nocase(name, STR("varchar")) && is_char(text, type))
                return STR("bpchar");
        if (str_equal_nocase(name, STR("list")) && type->type.children.count == 1 && type->type.children.items[0]->kind == SQL_TYPE)
                return type_name(text, type->type.children.items[0]); /* int[] */
        for (size_t i = 0; i < COUNT_OF(TYPE_NAMES); i++)
                if (str_equal_nocase(name, str_of(TYPE_NAMES[i].engine)))
                        return str_of(TYPE_NAMES[i].name);
        return name;
}

/* What a cast around it may give another name: constants, CASE, and casts of those. */
static bool is_weak(const SqlExpr *expr) {
        while (expr->kind == SQL_CAST)
                expr = expr->cast.child;
        bool made = expr->kind == SQL_FUNCTION && str_is(expr->function.path.items[expr->function.path.count - 1], "list_value"); /* of '{1,2}' */
        return expr->kind == SQL_CONSTANT || expr->kind == SQL_CASE || made;
}

/* A cast keeps the name of what it casts, if that has one. */
static Str cast_name(Str text, const SqlExpr *expr) {
        Str inner = is_weak(expr->cast.child) ? NOBODY : name_of(text, expr->cast.child);
        return str_equal(inner, NOBODY) ? type_name(text, expr->cast.type) : inner;
}

static const SqlExpr *first_column(const SqlQuery *query) {
        while (query->kind == SQL_SET_OPERATION_NODE && query->set.child_count > 0)
                query = query->set.children[0];
        return query->kind == SQL_SELECT_NODE && query->select.list.count == 1 ? query->select.list.items[0] : NULL;
}

static Str subquery_name(Str text, const SqlExpr *expr) {
        if (expr->subquery.kind == SQL_SUBQUERY_EXISTS)
                return STR("exists");
        const SqlExpr *column = expr->subquery.kind == SQL_SUBQUERY_SCALAR ? first_column(expr->subquery.query) : NULL;
        if (!column)
                return NOBODY;
        return column->alias.size ? column->alias : name_of(text, column);
}

/* Functions that the parser makes of what was written with other words, told by the words that stand there. */
static const struct {
        const char *written, *name;
} WRITTEN[] = {
        { "extract", "extract" }, { "percentile_cont", "percentile_cont" }, { "percentile_disc", "percentile_disc" },
        { "trim", "btrim" },      { "similar", "?column?" },                { "not similar", "?column?" },
};

static Str function_name(Str text, const SqlExpr *expr, SqlNames path) {
        Str name = path.items[path.count - 1];
        if (expr->kind == SQL_FUNCTION && expr->function.is_operator)
                return NOBODY;
        for (size_t i = 0; i < COUNT_OF(WRITTEN); i++)
                if (begins(text, expr, WRITTEN[i].written))
                        return str_of(WRITTEN[i].name);
        if (begins(text, expr, "~") || begins(text, expr, "!")) /* a ~ b */
                return NOBODY;
        return str_is(name, "count_star") ? STR("count") : str_is(name, "list_value") ? STR("array") : name;
}

static Str operator_name(Str text, const SqlExpr *expr) {
        switch (expr->op.op) {
        case SQL_OP_COALESCE:
                return STR("coalesce");
        case SQL_OP_GROUPING:
                return STR("grouping");
        case SQL_OP_ARRAY_CONSTRUCTOR:
                return STR("array");
        case SQL_OP_ARRAY_EXTRACT:
        case SQL_OP_ARRAY_SLICE:
                return expr->op.children.count > 0 ? name_of(text, expr->op.children.items[0]) : NOBODY;
        default:
                return NOBODY;
        }
}

static Str constant_name(const SqlExpr *expr) {
        return expr->constant.literal == SQL_BOOLEAN ? STR("bool") : NOBODY;
}

static Str name_of(Str text, const SqlExpr *expr) {
        switch (expr->kind) {
        case SQL_COLUMN_REF:
                return expr->column.items[expr->column.count - 1];
        case SQL_FUNCTION:
                return function_name(text, expr, expr->function.path);
        case SQL_WINDOW:
                return function_name(text, expr, expr->window.path);
        case SQL_CASE:
                return STR("case");
        case SQL_CAST:
                return cast_name(text, expr);
        case SQL_SUBQUERY:
                return subquery_name(text, expr);
        case SQL_OPERATOR:
                return operator_name(text, expr);
        case SQL_COLLATE:
                return name_of(text, expr->collate.child);
        case SQL_CONSTANT:
                return constant_name(expr);
        default:
                return NOBODY;
        }
}

static bool spreads(const SqlExpr *expr) {
        return expr->kind == SQL_STAR || (expr->kind == SQL_OPERATOR && expr->op.op == SQL_OP_UNPACK);
}

static bool is_named(const SqlExpr *expr) {
        return expr->alias.size > 0 || expr->kind == SQL_COLUMN_REF; /* the engine has these right */
}

void sql_output_names(const SqlTree *tree, Str *names, size_t count) {
        const SqlQuery *query = tree->query;
        while (query->kind == SQL_SET_OPERATION_NODE && query->set.child_count > 0)
                query = query->set.children[0];
        if (query->kind != SQL_SELECT_NODE)
                return;
        const SqlExprs *list = &query->select.list;
        size_t first = 0, last = list->count;
        while (first < list->count && !spreads(list->items[first]))
                first++;
        while (last > first && !spreads(list->items[last - 1]))
                last--;
        size_t behind = list->count - last;
        if (first == list->count ? count != list->count : count < first + behind)
                return; /* not this list's columns */
        for (size_t i = 0; i < first; i++)
                if (!is_named(list->items[i]))
                        names[i] = name_of(tree->text, list->items[i]);
        for (size_t i = 0; i < behind && first < list->count; i++)
                if (!is_named(list->items[last + i]))
                        names[count - behind + i] = name_of(tree->text, list->items[last + i]);
}
