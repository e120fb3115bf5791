/* SPDX-License-Identifier: Apache-2.0 */
/* Functions of FROM that stand side by side: unnest(a, b), ROWS FROM (f(x), g(y)), and one that the engine has as a value
 * only, WITH ORDINALITY. They become one SELECT of unnest()s, which the engine fills up with NULLs as PostgreSQL does. */
#include "govern/dialect.h"
#include "sql/allow.h"
#include "sql/client.h"

#define LISTS_MAX 8 /* $1 to $9 are all that a template has */

typedef struct Lists {
        const SqlTree *tree;
        Arena *arena;
        SqlExpr *items[LISTS_MAX];
        Str names[LISTS_MAX];
        size_t count;
} Lists;

/* Functions that give rows, as lists. */
static const struct {
        const char *name;
        size_t arguments;
        const char *text;
} LISTED[] = {
        { "generate_series", 2, "generate_series($1, $2)" },
        { "generate_series", 3, "generate_series($1, $2, $3)" },
        { "generate_subscripts", 2, "generate_series(1, len($1))" },
        { "range", 1, "range($1)" },
        { "range", 2, "range($1, $2)" },
        { "range", 3, "range($1, $2, $3)" },
        { "regexp_split_to_table", 2, "string_split_regex($1, $2)" },
};

static Str name_of(const SqlExpr *call) {
        return call->function.path.items[call->function.path.count - 1];
}

static SqlExpr *template_of(Arena *arena, SqlPlace at, Str text, size_t count, SqlExpr *const *arguments) {
        SqlExpr *expr = ARENA_NEW(arena, SqlExpr);
        *expr = (SqlExpr){ .kind = SQL_TEMPLATE, .at = at };
        expr->template.text = text;
        expr->template.arguments = (SqlExprs){ ARENA_ARRAY(arena, SqlExpr *, count), count };
        memcpy(expr->template.arguments.items, arguments, count * sizeof(*arguments));
        return expr;
}

static Status refuse(const Lists *lists, const SqlExpr *call, const char *why, Error *err) {
        error_set(err, STATUS_SQL_REFUSED, "%s", why);
        error_hint(err, "name it in FROM by itself, and join");
        return sql_error_place(err, lists->tree, call->at);
}

static Status add(Lists *lists, const SqlExpr *call, SqlExpr *list, Error *err) {
        if (lists->count == LISTS_MAX)
                return refuse(lists, call, "at most eight functions stand side by side", err);
        lists->names[lists->count] = name_of(call);
        lists->items[lists->count++] = list;
        return STATUS_OK;
}

static Status add_call(Lists *lists, SqlExpr *call, Error *err) {
        SqlExpr *arguments[3];
        SqlArguments given = call->kind == SQL_FUNCTION ? call->function.arguments : (SqlArguments){ 0 };
        if (call->kind != SQL_FUNCTION || call->function.is_operator) {
                error_set(err, STATUS_SQL_SYNTAX, "ROWS FROM takes calls of functions");
                return sql_error_place(err, lists->tree, call->at);
        }
        for (size_t i = 0; i < given.count && str_equal_nocase(name_of(call), STR("unnest")); i++)
                TRY(add(lists, call, given.items[i].expr, err));
        if (given.count > 0 && str_equal_nocase(name_of(call), STR("unnest")))
                return STATUS_OK;
        for (size_t i = 0; i < given.count && i < COUNT_OF(arguments); i++)
                arguments[i] = given.items[i].expr;
        for (size_t i = 0; i < COUNT_OF(LISTED); i++)
                if (given.count == LISTED[i].arguments && str_equal_nocase(name_of(call), str_of(LISTED[i].name)))
                        return add(lists, call, template_of(lists->arena, call->at, str_of(LISTED[i].text), given.count, arguments), err);
        if (sql_table_function_is_allowed(name_of(call)))
                return refuse(lists, call, "this function gives more than one column and cannot stand beside others", err);
        return add(lists, call, template_of(lists->arena, call->at, STR("[$1]"), 1, &call), err);
}

/* 1, 2, 3 ... as far as the longest goes. */
static SqlExpr *ordinality_of(const Lists *lists, SqlPlace at) {
        SqlExpr *copies[LISTS_MAX];
        Str text = STR("unnest(generate_series(1, greatest(0");
        for (size_t i = 0; i < lists->count; i++) {
                copies[i] = sql_expr_copy(lists->arena, lists->items[i]);
                text = arena_strf(lists->arena, "%.*s, len($%zu)", STR_ARG(text), i + 1);
        }
        text = arena_strf(lists->arena, "%.*s)))", STR_ARG(text));
        SqlExpr *expr = template_of(lists->arena, at, text, lists->count, copies);
        expr->alias = STR("ordinality");
        return expr;
}

static void make_query(const Lists *lists, SqlFrom *from) {
        SqlPlace at = from->function.call->at;
        bool ordinality = from->function.ordinality;
        SqlQuery *query = ARENA_NEW(lists->arena, SqlQuery);
        *query = (SqlQuery){ .kind = SQL_SELECT_NODE };
        query->select.from = ARENA_NEW(lists->arena, SqlFrom);
        *query->select.from = (SqlFrom){ .kind = SQL_FROM_EMPTY, .at = { SQL_NOWHERE, 0 } };
        query->select.list.items = ARENA_ARRAY(lists->arena, SqlExpr *, lists->count + 1);
        for (size_t i = 0; i < lists->count; i++) {
                SqlExpr *column = template_of(lists->arena, at, STR("unnest($1)"), 1, &lists->items[i]);
                column->alias = lists->count == 1 && from->alias.size > 0 ? from->alias : lists->names[i];
                query->select.list.items[query->select.list.count++] = column;
        }
        if (ordinality)
                query->select.list.items[query->select.list.count++] = ordinality_of(lists, at);
        if (from->alias.size == 0)
                from->alias = lists->names[0];
        from->kind = SQL_FROM_SUBQUERY;
        from->subquery = query;
}

Status dialect_rows(const SqlTree *tree, SqlFrom *from, Arena *arena, Error *err) {
        SqlExpr *call = from->function.call;
        Lists lists = { .tree = tree, .arena = arena };
        if (str_is(name_of(call), SQL_ROWS_FROM))
                for (size_t i = 0; i < call->function.arguments.count; i++)
                        TRY(add_call(&lists, call->function.arguments.items[i].expr, err));
        else
                TRY(add_call(&lists, call, err));
        if (lists.count > 0)
                make_query(&lists, from);
        return STATUS_OK;
}
