/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One function per class. Whatever could bind differently beside its neighbours stands in brackets, which leave no
 * trace in a tree. Where the parser itself makes a function out of syntax (LIKE ... ESCAPE, `[1:]`), the syntax is
 * printed only if the function form would not come back as the same tree.
 */
#include "sql/printer.h"

static void put(SqlPrinter *printer, const char *text) {
        buf_append_cstr(printer->out, text);
}

static void put_name(SqlPrinter *printer, Str name) {
        sql_quote_name(printer->out, name);
}

static void note(SqlPrinter *printer, SqlPlace at) {
        if (!printer->map || at.offset == SQL_NOWHERE)
                return;
        vec_push(printer->map->arena, &printer->map->entries,
                 (SqlMapEntry){ (uint32_t)printer->out->size, printer->source, at });
}

void sql_quote_name(Buf *out, Str name) {
        buf_append_quoted(out, name, '"');
}

void sql_quote_text(Buf *out, Str text) {
        if (str_find_byte(text, '\0') == text.size) {
                buf_append_quoted(out, text, '\'');
                return;
        }
        Str head, tail = text;
        buf_append_byte(out, '(');
        while (str_cut(tail, '\0', &head, &tail)) {
                buf_append_quoted(out, head, '\'');
                buf_append_cstr(out, " || \"chr\"(0) || ");
        }
        buf_append_quoted(out, head, '\'');
        buf_append_byte(out, ')');
}

/* ---- lists ---- */

static void put_names(SqlPrinter *printer, SqlNames names) {
        for (size_t i = 0; i < names.count; i++) {
                put(printer, i ? ", " : "");
                put_name(printer, names.items[i]);
        }
}

static void put_path(SqlPrinter *printer, SqlNames path) {
        for (size_t i = 0; i < path.count; i++) {
                put(printer, i ? "." : "");
                put_name(printer, path.items[i]);
        }
}

static void put_aliased(SqlPrinter *printer, const SqlExpr *expr) {
        sql_print_expr(printer, expr);
        if (expr->alias.size == 0)
                return;
        put(printer, " AS ");
        put_name(printer, expr->alias);
}

static void put_exprs(SqlPrinter *printer, SqlExprs exprs) {
        for (size_t i = 0; i < exprs.count; i++) {
                put(printer, i ? ", " : "");
                sql_print_expr(printer, exprs.items[i]);
        }
}

static void put_aliased_list(SqlPrinter *printer, SqlExprs exprs) {
        for (size_t i = 0; i < exprs.count; i++) {
                put(printer, i ? ", " : "");
                put_aliased(printer, exprs.items[i]);
        }
}

static bool is_order_by_all(const SqlExpr *expr) {
        return expr->kind == SQL_STAR && expr->star.columns && !expr->star.expr && expr->star.relation.size == 0 &&
               expr->star.exclude_count == 0 && expr->star.replace_count == 0 && expr->star.rename_count == 0;
}

static void put_orders(SqlPrinter *printer, SqlOrders orders) {
        static const char *const types[] = { "", " ASC", " DESC" };
        static const char *const nulls[] = { "", " NULLS FIRST", " NULLS LAST" };
        for (size_t i = 0; i < orders.count; i++) {
                const SqlOrder *order = &orders.items[i];
                put(printer, i ? ", " : "");
                if (is_order_by_all(order->expr))
                        put(printer, "ALL");
                else
                        sql_print_expr(printer, order->expr);
                put(printer, types[order->type]);
                put(printer, nulls[order->nulls]);
        }
}

static void put_arguments(SqlPrinter *printer, SqlArguments arguments) {
        for (size_t i = 0; i < arguments.count; i++) {
                const SqlArgument *argument = &arguments.items[i];
                put(printer, i ? ", " : "");
                if (argument->name.size > 0) {
                        put_name(printer, argument->name);
                        put(printer, " := ");
                        sql_print_expr(printer, argument->expr);
                } else {
                        put_aliased(printer, argument->expr);
                }
        }
}

/* ---- expressions ---- */

static void print_constant(SqlPrinter *printer, const SqlExpr *expr) {
        Str text = expr->constant.text;
        switch (expr->constant.literal) {
        case SQL_INTEGER:
        case SQL_NUMERIC:
                buf_printf(printer->out, text.size && text.data[0] == '-' ? "(%.*s)" : "%.*s", STR_ARG(text));
                break;
        case SQL_STRING:
                sql_quote_text(printer->out, text);
                break;
        case SQL_BOOLEAN:
                put(printer, str_is(text, "true") ? "true" : "false");
                break;
        case SQL_NULL:
                put(printer, "NULL");
                break;
        case SQL_HEX:
                buf_printf(printer->out, "x'%.*s'", STR_ARG(text));
                break;
        }
}

/* What may stand as an operator between or before operands; anything else is printed as a call of that name. */
static bool is_operator_symbol(Str name) {
        static const char *const symbols[] = {
                "+",  "-",   "*",   "/",    "//",  "%",  "**",  "^",   "<<",  ">>", "&",  "|",  "~",  "@",  "||",
                "~~", "!~~", "~~*", "!~~*", "~~~", "^@", "->>", "<->", "<=>", "&&", "@>", "<@", "!~", "~*", "!~*",
        };
        for (size_t i = 0; i < COUNT_OF(symbols); i++)
                if (str_is(name, symbols[i]))
                        return true;
        return false;
}

static const char *escape_keyword(Str name) {
        static const struct {
                const char *function, *keyword;
        } rows[] = {
                { "like_escape", " LIKE " },
                { "not_like_escape", " NOT LIKE " },
                { "ilike_escape", " ILIKE " },
                { "not_ilike_escape", " NOT ILIKE " },
        };
        for (size_t i = 0; i < COUNT_OF(rows); i++)
                if (str_is(name, rows[i].function))
                        return rows[i].keyword;
        return NULL;
}

/* False when this is not a form of operators that we know. */
static bool print_operator_call(SqlPrinter *printer, const SqlExpr *expr) {
        Str name = expr->function.path.items[0];
        const SqlArgument *arguments = expr->function.arguments.items;
        size_t count = expr->function.arguments.count;
        const char *keyword = escape_keyword(name);
        if (expr->function.path.count != 1)
                return false;
        if (keyword && count == 3) {
                put(printer, "(");
                sql_print_expr(printer, arguments[0].expr);
                note(printer, expr->at);
                put(printer, keyword);
                sql_print_expr(printer, arguments[1].expr);
                put(printer, " ESCAPE ");
                sql_print_expr(printer, arguments[2].expr);
                put(printer, ")");
                return true;
        }
        if (!is_operator_symbol(name) || (count != 1 && count != 2))
                return false;
        put(printer, "(");
        if (count == 2) {
                sql_print_expr(printer, arguments[0].expr);
                put(printer, " ");
        }
        note(printer, expr->at);
        buf_append(printer->out, name);
        put(printer, " ");
        sql_print_expr(printer, arguments[count - 1].expr);
        put(printer, ")");
        return true;
}

static void print_function(SqlPrinter *printer, const SqlExpr *expr) {
        if (expr->function.is_operator && print_operator_call(printer, expr))
                return;
        put_path(printer, expr->function.path);
        put(printer, expr->function.distinct ? "(DISTINCT " : "(");
        put_arguments(printer, expr->function.arguments);
        if (expr->function.orders.count > 0) {
                put(printer, " ORDER BY ");
                put_orders(printer, expr->function.orders);
        }
        put(printer, ")");
        if (expr->function.filter) {
                put(printer, " FILTER (WHERE ");
                sql_print_expr(printer, expr->function.filter);
                put(printer, ")");
        }
}

static void print_call_of(SqlPrinter *printer, const char *name, SqlExprs children) {
        put(printer, name);
        put_exprs(printer, children);
        put(printer, ")");
}

static void print_slice(SqlPrinter *printer, const SqlExprs *children) {
        put(printer, "(");
        sql_print_expr(printer, children->items[0]);
        put(printer, ")[");
        for (size_t i = 1; i < children->count; i++) {
                put(printer, i > 1 ? ":" : "");
                sql_print_expr(printer, children->items[i]);
        }
        put(printer, "]");
}

static void print_in(SqlPrinter *printer, const SqlExpr *expr, const char *keyword) {
        const SqlExprs *children = &expr->op.children;
        put(printer, "(");
        sql_print_expr(printer, children->items[0]);
        note(printer, expr->at);
        put(printer, keyword);
        put_exprs(printer, (SqlExprs){ children->items + 1, children->count - 1 });
        put(printer, "))");
}

static void print_operator(SqlPrinter *printer, const SqlExpr *expr) {
        static const struct {
                const char *before, *after;
        } around[] = {
                [SQL_OP_NOT] = { "(NOT ", ")" },
                [SQL_OP_IS_NULL] = { "(", " IS NULL)" },
                [SQL_OP_IS_NOT_NULL] = { "(", " IS NOT NULL)" },
                [SQL_OP_TRY] = { "TRY(", ")" },
                [SQL_OP_UNPACK] = { "*", "" },
        };
        const SqlExprs *children = &expr->op.children;
        switch (expr->op.op) {
        case SQL_OP_NOT:
        case SQL_OP_IS_NULL:
        case SQL_OP_IS_NOT_NULL:
        case SQL_OP_TRY:
        case SQL_OP_UNPACK:
                put(printer, around[expr->op.op].before);
                sql_print_expr(printer, children->items[0]);
                put(printer, around[expr->op.op].after);
                break;
        case SQL_OP_IN:
                print_in(printer, expr, " IN (");
                break;
        case SQL_OP_NOT_IN:
                print_in(printer, expr, " NOT IN (");
                break;
        case SQL_OP_COALESCE:
                print_call_of(printer, "COALESCE(", *children);
                break;
        case SQL_OP_GROUPING:
                print_call_of(printer, "GROUPING(", *children);
                break;
        case SQL_OP_ARRAY_CONSTRUCTOR:
                put(printer, "ARRAY[");
                put_exprs(printer, *children);
                put(printer, "]");
                break;
        case SQL_OP_ARRAY_EXTRACT:
        case SQL_OP_ARRAY_SLICE:
                print_slice(printer, children);
                break;
        case SQL_OP_STRUCT_EXTRACT:
                put(printer, "(");
                sql_print_expr(printer, children->items[0]);
                put(printer, ").");
                put_name(printer, children->items[1]->constant.text);
                break;
        }
}

static const char *const compare_symbols[] = {
        [SQL_EQUAL] = " = ",
        [SQL_NOT_EQUAL] = " <> ",
        [SQL_LESS] = " < ",
        [SQL_LESS_EQUAL] = " <= ",
        [SQL_GREATER] = " > ",
        [SQL_GREATER_EQUAL] = " >= ",
        [SQL_DISTINCT_FROM] = " IS DISTINCT FROM ",
        [SQL_NOT_DISTINCT_FROM] = " IS NOT DISTINCT FROM ",
};

static void print_comparison(SqlPrinter *printer, const SqlExpr *expr) {
        put(printer, "(");
        sql_print_expr(printer, expr->compare.left);
        note(printer, expr->at);
        put(printer, compare_symbols[expr->compare.op]);
        sql_print_expr(printer, expr->compare.right);
        put(printer, ")");
}

static void print_conjunction(SqlPrinter *printer, const SqlExpr *expr) {
        put(printer, "(");
        for (size_t i = 0; i < expr->conjunction.children.count; i++) {
                if (i > 0)
                        put(printer, expr->conjunction.is_or ? " OR " : " AND ");
                sql_print_expr(printer, expr->conjunction.children.items[i]);
        }
        put(printer, ")");
}

static void print_between(SqlPrinter *printer, const SqlExpr *expr) {
        put(printer, "(");
        sql_print_expr(printer, expr->between.input);
        note(printer, expr->at);
        put(printer, " BETWEEN ");
        sql_print_expr(printer, expr->between.lower);
        put(printer, " AND ");
        sql_print_expr(printer, expr->between.upper);
        put(printer, ")");
}

static void print_case(SqlPrinter *printer, const SqlExpr *expr) {
        put(printer, "CASE");
        for (size_t i = 0; i < expr->when.when_count; i++) {
                put(printer, " WHEN ");
                sql_print_expr(printer, expr->when.whens[i].when);
                put(printer, " THEN ");
                sql_print_expr(printer, expr->when.whens[i].then);
        }
        put(printer, " ELSE ");
        sql_print_expr(printer, expr->when.otherwise);
        put(printer, " END");
}

static void print_cast(SqlPrinter *printer, const SqlExpr *expr) {
        put(printer, expr->cast.try_cast ? "TRY_CAST(" : "CAST(");
        sql_print_expr(printer, expr->cast.child);
        put(printer, " AS ");
        sql_print_expr(printer, expr->cast.type);
        put(printer, ")");
}

static void print_subquery(SqlPrinter *printer, const SqlExpr *expr) {
        static const char *const heads[] = { "(", "EXISTS (", "NOT EXISTS (", "(" };
        put(printer, heads[expr->subquery.kind]);
        if (expr->subquery.kind == SQL_SUBQUERY_ANY) {
                sql_print_expr(printer, expr->subquery.child);
                note(printer, expr->at);
                put(printer, compare_symbols[expr->subquery.compare]);
                put(printer, "ANY (");
        }
        sql_print_query(printer, expr->subquery.query);
        put(printer, expr->subquery.kind == SQL_SUBQUERY_ANY ? "))" : ")");
}

/* ---- windows ---- */

static const char *frame_unit(SqlFrame frame) {
        switch (frame) {
        case SQL_FRAME_CURRENT_ROW_ROWS:
        case SQL_FRAME_PRECEDING_ROWS:
        case SQL_FRAME_FOLLOWING_ROWS:
                return "ROWS";
        case SQL_FRAME_CURRENT_ROW_GROUPS:
        case SQL_FRAME_PRECEDING_GROUPS:
        case SQL_FRAME_FOLLOWING_GROUPS:
                return "GROUPS";
        case SQL_FRAME_CURRENT_ROW_RANGE:
        case SQL_FRAME_PRECEDING_RANGE:
        case SQL_FRAME_FOLLOWING_RANGE:
                return "RANGE";
        case SQL_FRAME_UNBOUNDED_PRECEDING:
        case SQL_FRAME_UNBOUNDED_FOLLOWING:
                return NULL;
        }
        return NULL;
}

static void print_frame_end(SqlPrinter *printer, SqlFrame frame, const SqlExpr *expr) {
        switch (frame) {
        case SQL_FRAME_UNBOUNDED_PRECEDING:
                put(printer, "UNBOUNDED PRECEDING");
                break;
        case SQL_FRAME_UNBOUNDED_FOLLOWING:
                put(printer, "UNBOUNDED FOLLOWING");
                break;
        case SQL_FRAME_CURRENT_ROW_RANGE:
        case SQL_FRAME_CURRENT_ROW_ROWS:
        case SQL_FRAME_CURRENT_ROW_GROUPS:
                put(printer, "CURRENT ROW");
                break;
        case SQL_FRAME_PRECEDING_ROWS:
        case SQL_FRAME_PRECEDING_RANGE:
        case SQL_FRAME_PRECEDING_GROUPS:
                sql_print_expr(printer, expr);
                put(printer, " PRECEDING");
                break;
        case SQL_FRAME_FOLLOWING_ROWS:
        case SQL_FRAME_FOLLOWING_RANGE:
        case SQL_FRAME_FOLLOWING_GROUPS:
                sql_print_expr(printer, expr);
                put(printer, " FOLLOWING");
                break;
        }
}

static void print_frame(SqlPrinter *printer, const SqlExpr *expr) {
        static const char *const excludes[] = { "", " EXCLUDE CURRENT ROW", " EXCLUDE GROUP", " EXCLUDE TIES" };
        SqlFrame start = expr->window.start, end = expr->window.end;
        if (start == SQL_FRAME_UNBOUNDED_PRECEDING && end == SQL_FRAME_CURRENT_ROW_RANGE &&
            expr->window.exclude == SQL_EXCLUDE_NOTHING)
                return;
        const char *unit = frame_unit(start) ? frame_unit(start) : frame_unit(end) ? frame_unit(end) : "RANGE";
        buf_printf(printer->out, " %s BETWEEN ", unit);
        print_frame_end(printer, start, expr->window.start_expr);
        put(printer, " AND ");
        print_frame_end(printer, end, expr->window.end_expr);
        put(printer, excludes[expr->window.exclude]);
}

static void print_window(SqlPrinter *printer, const SqlExpr *expr) {
        put_path(printer, expr->window.path);
        put(printer, expr->window.distinct ? "(DISTINCT " : "(");
        put_arguments(printer, expr->window.arguments);
        if (expr->window.argument_orders.count > 0) {
                put(printer, " ORDER BY ");
                put_orders(printer, expr->window.argument_orders);
        }
        if (expr->window.has_ignore_nulls)
                put(printer, expr->window.ignore_nulls ? " IGNORE NULLS" : " RESPECT NULLS");
        put(printer, ")");
        if (expr->window.filter) {
                put(printer, " FILTER (WHERE ");
                sql_print_expr(printer, expr->window.filter);
                put(printer, ")");
        }
        put(printer, " OVER (");
        if (expr->window.partitions.count > 0) {
                put(printer, "PARTITION BY ");
                put_exprs(printer, expr->window.partitions);
        }
        if (expr->window.orders.count > 0) {
                put(printer, expr->window.partitions.count ? " ORDER BY " : "ORDER BY ");
                put_orders(printer, expr->window.orders);
        }
        print_frame(printer, expr);
        put(printer, ")");
}

/* ---- stars, lambdas, types ---- */

static void put_star_name(SqlPrinter *printer, const SqlStarName *name) {
        if (name->table.size > 0) {
                put_name(printer, name->table);
                put(printer, ".");
        }
        put_name(printer, name->column);
}

static void print_star_lists(SqlPrinter *printer, const SqlExpr *expr) {
        for (size_t i = 0; i < expr->star.exclude_count; i++) {
                put(printer, i ? ", " : " EXCLUDE (");
                put_star_name(printer, &expr->star.excludes[i]);
        }
        put(printer, expr->star.exclude_count ? ")" : "");
        for (size_t i = 0; i < expr->star.replace_count; i++) {
                put(printer, i ? ", " : " REPLACE (");
                sql_print_expr(printer, expr->star.replaces[i].expr);
                put(printer, " AS ");
                put_name(printer, expr->star.replaces[i].column);
        }
        put(printer, expr->star.replace_count ? ")" : "");
        for (size_t i = 0; i < expr->star.rename_count; i++) {
                put(printer, i ? ", " : " RENAME (");
                put_star_name(printer, &expr->star.renames[i]);
                put(printer, " AS ");
                put_name(printer, expr->star.renames[i].as);
        }
        put(printer, expr->star.rename_count ? ")" : "");
}

/* COLUMNS(x -> ...) is read as COLUMNS(list_filter(*, x -> ...)); printed as it was written. */
static const SqlExpr *columns_lambda(const SqlExpr *expr) {
        if (expr->kind != SQL_FUNCTION || expr->function.path.count != 1 || expr->function.arguments.count != 2 ||
            !str_is(expr->function.path.items[0], "list_filter"))
                return expr;
        const SqlExpr *list = expr->function.arguments.items[0].expr, *lambda = expr->function.arguments.items[1].expr;
        return list->kind == SQL_STAR && lambda->kind == SQL_LAMBDA ? lambda : expr;
}

static void print_star(SqlPrinter *printer, const SqlExpr *expr) {
        put(printer, expr->star.columns ? "COLUMNS(" : "");
        if (expr->star.expr) {
                sql_print_expr(printer, columns_lambda(expr->star.expr));
        } else {
                if (expr->star.relation.size > 0) {
                        put_name(printer, expr->star.relation);
                        put(printer, ".");
                }
                put(printer, "*");
                print_star_lists(printer, expr);
        }
        put(printer, expr->star.columns ? ")" : "");
}

static void print_lambda(SqlPrinter *printer, const SqlExpr *expr) {
        const SqlExpr *parameters = expr->lambda.parameters;
        put(printer, expr->lambda.arrow ? "(" : "(LAMBDA ");
        if (!expr->lambda.arrow && parameters->kind == SQL_FUNCTION)
                put_arguments(printer, parameters->function.arguments);
        else
                sql_print_expr(printer, parameters);
        put(printer, expr->lambda.arrow ? " -> " : ": ");
        sql_print_expr(printer, expr->lambda.body);
        put(printer, ")");
}

static void print_struct_type(SqlPrinter *printer, const char *keyword, const SqlExprs *fields) {
        put(printer, keyword);
        for (size_t i = 0; i < fields->count; i++) {
                put(printer, i ? ", " : "(");
                put_name(printer, fields->items[i]->alias);
                put(printer, " ");
                sql_print_expr(printer, fields->items[i]);
        }
        put(printer, fields->count ? ")" : "");
}

static void print_type(SqlPrinter *printer, const SqlExpr *expr) {
        const SqlExprs *children = &expr->type.children;
        Str name = expr->type.path.items[expr->type.path.count - 1];
        if (str_equal_nocase(name, STR("list")) && children->count == 1) {
                sql_print_expr(printer, children->items[0]);
                put(printer, "[]");
        } else if (str_equal_nocase(name, STR("array")) && children->count == 2) {
                sql_print_expr(printer, children->items[0]);
                put(printer, "[");
                sql_print_expr(printer, children->items[1]);
                put(printer, "]");
        } else if (str_equal_nocase(name, STR("struct"))) {
                print_struct_type(printer, "STRUCT", children);
        } else if (str_equal_nocase(name, STR("union"))) {
                print_struct_type(printer, "UNION", children);
        } else if (str_equal_nocase(name, STR("map")) && children->count == 2) {
                print_call_of(printer, "MAP(", *children);
        } else {
                put_path(printer, expr->type.path);
                if (children->count > 0)
                        print_call_of(printer, "(", *children);
        }
}

static void print_column_ref(SqlPrinter *printer, const SqlExpr *expr) {
        put_path(printer, expr->column);
}

static void print_collate(SqlPrinter *printer, const SqlExpr *expr) {
        put(printer, "(");
        sql_print_expr(printer, expr->collate.child);
        put(printer, " COLLATE ");
        put_name(printer, expr->collate.collation);
        put(printer, ")");
}

static void print_parameter(SqlPrinter *printer, const SqlExpr *expr) {
        buf_printf(printer->out, "$%.*s", STR_ARG(expr->parameter));
}

static void print_position(SqlPrinter *printer, const SqlExpr *expr) {
        buf_printf(printer->out, "#%lld", (long long)expr->position);
}

typedef void (*PrintExpr)(SqlPrinter *printer, const SqlExpr *expr);

/* Arguments that stand several times, inside each other, grow like a power: a full buffer ends that. */
static void print_template(SqlPrinter *printer, const SqlExpr *expr) {
        Str text = expr->template.text;
        if (printer->out->failed)
                return;
        put(printer, "(");
        for (size_t i = 0; i < text.size; i++) {
                bool marked = !expr->template.whole && i + 1 < text.size && text.data[i] == '$';
                size_t which = marked ? (size_t)(text.data[i + 1] - '1') : SIZE_MAX;
                if (which >= expr->template.arguments.count) {
                        buf_append_byte(printer->out, text.data[i]);
                        continue;
                }
                put(printer, "(");
                sql_print_expr(printer, expr->template.arguments.items[which]);
                put(printer, ")");
                i++;
        }
        buf_append(printer->out, expr->template.tail);
        put(printer, ")");
}

static const PrintExpr expr_printers[] = {
        [SQL_CONSTANT] = print_constant,
        [SQL_COLUMN_REF] = print_column_ref,
        [SQL_FUNCTION] = print_function,
        [SQL_OPERATOR] = print_operator,
        [SQL_COMPARISON] = print_comparison,
        [SQL_CONJUNCTION] = print_conjunction,
        [SQL_BETWEEN] = print_between,
        [SQL_CASE] = print_case,
        [SQL_CAST] = print_cast,
        [SQL_SUBQUERY] = print_subquery,
        [SQL_WINDOW] = print_window,
        [SQL_STAR] = print_star,
        [SQL_LAMBDA] = print_lambda,
        [SQL_COLLATE] = print_collate,
        [SQL_PARAMETER] = print_parameter,
        [SQL_POSITIONAL_REFERENCE] = print_position,
        [SQL_TYPE] = print_type,
        [SQL_TEMPLATE] = print_template,
};

void sql_print_expr(SqlPrinter *printer, const SqlExpr *expr) {
        note(printer, expr->at);
        expr_printers[expr->kind](printer, expr);
}

/* ---- relations ---- */

static void put_sample(SqlPrinter *printer, const char *keyword, const SqlSample *sample) {
        static const char *const methods[] = { "SYSTEM", "BERNOULLI", "RESERVOIR" };
        if (!sample)
                return;
        buf_printf(printer->out, " %s %s(%.*s %s)", keyword, methods[sample->method], STR_ARG(sample->size),
                   sample->percent ? "PERCENT" : "ROWS");
        if (sample->repeatable)
                buf_printf(printer->out, " REPEATABLE (%lld)", (long long)sample->seed);
}

/* A relation as an operand: what is itself made of relations goes into brackets. */
static void print_operand(SqlPrinter *printer, const SqlFrom *from) {
        bool brackets = from->kind == SQL_FROM_JOIN && from->alias.size == 0;
        put(printer, brackets ? "(" : "");
        sql_print_from(printer, from);
        put(printer, brackets ? ")" : "");
}

static void print_join(SqlPrinter *printer, const SqlFrom *from) {
        static const char *const types[] = { "INNER", "LEFT", "RIGHT", "FULL", "SEMI", "ANTI" };
        static const char *const refs[] = { "", "NATURAL ", "", "", "ASOF " };
        sql_print_from(printer, from->join.left);
        note(printer, from->at);
        if (from->join.ref == SQL_REF_CROSS)
                put(printer, from->join.comma ? ", " : " CROSS JOIN ");
        else if (from->join.ref == SQL_REF_POSITIONAL)
                put(printer, " POSITIONAL JOIN ");
        else
                buf_printf(printer->out, " %s%s JOIN ", refs[from->join.ref], types[from->join.type]);
        print_operand(printer, from->join.right);
        if (from->join.condition) {
                put(printer, " ON ");
                sql_print_expr(printer, from->join.condition);
        } else if (from->join.using_columns.count > 0) {
                put(printer, " USING (");
                put_names(printer, from->join.using_columns);
                put(printer, ")");
        }
}

static void print_values(SqlPrinter *printer, const SqlFrom *from) {
        for (size_t i = 0; i < from->values.row_count; i++) {
                put(printer, i ? ", (" : "VALUES (");
                put_exprs(printer, from->values.rows[i]);
                put(printer, ")");
        }
}

static void print_pivot_columns(SqlPrinter *printer, const SqlFrom *from, bool unpivot) {
        for (size_t i = 0; i < from->pivot.column_count; i++) {
                const SqlPivotColumn *column = &from->pivot.columns[i];
                put(printer, i ? " " : " FOR ");
                put(printer, !unpivot && column->expressions.count > 1 ? "(" : "");
                if (unpivot)
                        put_names(printer, column->unpivot_names);
                else
                        put_exprs(printer, column->expressions);
                put(printer, !unpivot && column->expressions.count > 1 ? ")" : "");
                put(printer, " IN (");
                for (size_t k = 0; k < column->entry_count; k++) {
                        put(printer, k ? ", " : "");
                        sql_print_expr(printer, column->entries[k].expr);
                        if (column->entries[k].alias.size > 0) {
                                put(printer, " AS ");
                                put_name(printer, column->entries[k].alias);
                        }
                }
                put(printer, ")");
        }
}

static void print_pivot(SqlPrinter *printer, const SqlFrom *from) {
        bool unpivot = from->pivot.unpivot_names.count > 0;
        print_operand(printer, from->pivot.source);
        if (unpivot) {
                bool many = from->pivot.unpivot_names.count > 1;
                put(printer, from->pivot.include_nulls ? " UNPIVOT INCLUDE NULLS (" : " UNPIVOT (");
                put(printer, many ? "(" : "");
                put_names(printer, from->pivot.unpivot_names);
                put(printer, many ? ")" : "");
        } else {
                put(printer, " PIVOT (");
                put_aliased_list(printer, from->pivot.aggregates);
        }
        print_pivot_columns(printer, from, unpivot);
        if (from->pivot.groups.count > 0) {
                put(printer, " GROUP BY ");
                put_names(printer, from->pivot.groups);
        }
        put(printer, ")");
}

static void print_from_subquery(SqlPrinter *printer, const SqlFrom *from) {
        uint32_t outer = printer->source;
        if (from->source)
                printer->source = from->source;
        put(printer, "(");
        sql_print_query(printer, from->subquery);
        put(printer, ")");
        printer->source = outer;
}

static void print_from_body(SqlPrinter *printer, const SqlFrom *from) {
        switch (from->kind) {
        case SQL_FROM_EMPTY:
                break;
        case SQL_FROM_TABLE:
                put_path(printer, from->table.path);
                break;
        case SQL_FROM_SUBQUERY:
                print_from_subquery(printer, from);
                break;
        case SQL_FROM_JOIN:
                put(printer, from->alias.size ? "(" : "");
                print_join(printer, from);
                put(printer, from->alias.size ? ")" : "");
                break;
        case SQL_FROM_FUNCTION:
                sql_print_expr(printer, from->function.call);
                put(printer, from->function.ordinality ? " WITH ORDINALITY" : "");
                break;
        case SQL_FROM_VALUES:
                put(printer, "(");
                print_values(printer, from);
                put(printer, ")");
                break;
        case SQL_FROM_PIVOT:
                print_pivot(printer, from);
                break;
        case SQL_FROM_PRINTED:
                buf_append(printer->out, from->printed);
                break;
        }
}

void sql_print_from(SqlPrinter *printer, const SqlFrom *from) {
        note(printer, from->at);
        print_from_body(printer, from);
        if (from->alias.size > 0) {
                put(printer, " AS ");
                put_name(printer, from->alias);
        }
        if (from->column_aliases.count > 0) {
                put(printer, "(");
                put_names(printer, from->column_aliases);
                put(printer, ")");
        }
        if (from->kind == SQL_FROM_TABLE && from->table.at) {
                put(printer, from->table.at_timestamp ? " AT (TIMESTAMP => " : " AT (VERSION => ");
                sql_print_expr(printer, from->table.at);
                put(printer, ")");
        }
        put_sample(printer, "TABLESAMPLE", from->sample);
}

/* ---- queries ---- */

static void print_ctes(SqlPrinter *printer, const SqlQuery *query) {
        static const char *const materialize[] = { " AS (", " AS MATERIALIZED (", " AS NOT MATERIALIZED (" };
        bool recursive = false;
        for (size_t i = 0; i < query->cte_count; i++)
                recursive |= query->ctes[i].query->kind == SQL_RECURSIVE_CTE_NODE;
        for (size_t i = 0; i < query->cte_count; i++) {
                const SqlCte *cte = &query->ctes[i];
                put(printer, i ? ", " : recursive ? "WITH RECURSIVE " : "WITH ");
                put_name(printer, cte->name);
                if (cte->aliases.count > 0) {
                        put(printer, "(");
                        put_names(printer, cte->aliases);
                        put(printer, ")");
                }
                if (cte->keys.count > 0) {
                        put(printer, " USING KEY (");
                        put_exprs(printer, cte->keys);
                        put(printer, ")");
                }
                put(printer, materialize[cte->materialize]);
                sql_print_query(printer, cte->query);
                put(printer, ")");
        }
        put(printer, query->cte_count ? " " : "");
}

static bool is_plain_group(const SqlQuery *query) {
        if (query->select.group_set_count != 1 || query->select.group_sets[0].count != query->select.groups.count)
                return query->select.group_set_count == 0;
        for (size_t i = 0; i < query->select.groups.count; i++)
                if (query->select.group_sets[0].items[i] != i)
                        return false;
        return query->select.groups.count > 0;
}

static void print_groups(SqlPrinter *printer, const SqlQuery *query) {
        if (query->select.group_all) {
                put(printer, " GROUP BY ALL");
                return;
        }
        if (is_plain_group(query)) {
                put(printer, query->select.groups.count ? " GROUP BY " : "");
                put_exprs(printer, query->select.groups);
                return;
        }
        put(printer, " GROUP BY GROUPING SETS (");
        for (size_t i = 0; i < query->select.group_set_count; i++) {
                const SqlGroupSet *set = &query->select.group_sets[i];
                put(printer, i ? ", (" : "(");
                for (size_t k = 0; k < set->count; k++) {
                        put(printer, k ? ", " : "");
                        sql_print_expr(printer, query->select.groups.items[set->items[k]]);
                }
                put(printer, ")");
        }
        put(printer, ")");
}

static const SqlModifier *distinct_of(const SqlQuery *query) {
        if (query->modifier_count > 0 && query->modifiers[0].kind == SQL_MODIFY_DISTINCT)
                return &query->modifiers[0];
        return NULL;
}

/* `VALUES (1), (2)` alone is read as `SELECT * FROM (VALUES ...) AS valueslist`, which is no text of its own. */
static bool is_values(const SqlQuery *query) {
        const SqlExpr *item = query->select.list.items[0];
        return query->select.from->kind == SQL_FROM_VALUES && str_is(query->select.from->alias, "valueslist") &&
               query->select.from->column_aliases.count == 0 && !query->select.from->sample &&
               query->select.list.count == 1 && item->kind == SQL_STAR && item->alias.size == 0 &&
               !item->star.columns && item->star.relation.size == 0 && item->star.exclude_count == 0 &&
               item->star.replace_count == 0 && item->star.rename_count == 0 && !query->select.where &&
               !query->select.having && !query->select.qualify && query->select.groups.count == 0 &&
               query->select.group_set_count == 0 && !query->select.group_all && !query->select.sample &&
               !distinct_of(query);
}

static void print_clause(SqlPrinter *printer, const char *keyword, const SqlExpr *expr) {
        if (!expr)
                return;
        put(printer, keyword);
        sql_print_expr(printer, expr);
}

static void print_select(SqlPrinter *printer, const SqlQuery *query) {
        if (is_values(query)) {
                print_values(printer, query->select.from);
                return;
        }
        const SqlModifier *distinct = distinct_of(query);
        put(printer, distinct ? "SELECT DISTINCT " : "SELECT ");
        if (distinct && distinct->distinct_on.count > 0) {
                put(printer, "ON (");
                put_exprs(printer, distinct->distinct_on);
                put(printer, ") ");
        }
        put_aliased_list(printer, query->select.list);
        if (query->select.from->kind != SQL_FROM_EMPTY) {
                put(printer, " FROM ");
                sql_print_from(printer, query->select.from);
        }
        print_clause(printer, " WHERE ", query->select.where);
        print_groups(printer, query);
        print_clause(printer, " HAVING ", query->select.having);
        print_clause(printer, " QUALIFY ", query->select.qualify);
        put_sample(printer, "USING SAMPLE", query->select.sample);
}

static void print_set_operation(SqlPrinter *printer, const SqlQuery *query) {
        static const char *const ops[][2] = {
                [SQL_UNION] = { " UNION ", " UNION ALL " },
                [SQL_UNION_BY_NAME] = { " UNION BY NAME ", " UNION ALL BY NAME " },
                [SQL_INTERSECT] = { " INTERSECT ", " INTERSECT ALL " },
                [SQL_EXCEPT] = { " EXCEPT ", " EXCEPT ALL " },
        };
        for (size_t i = 0; i < query->set.child_count; i++) {
                put(printer, i ? ops[query->set.op][query->set.all] : "");
                put(printer, "(");
                sql_print_query(printer, query->set.children[i]);
                put(printer, ")");
        }
}

static void print_recursive(SqlPrinter *printer, const SqlQuery *query) {
        put(printer, "(");
        sql_print_query(printer, query->recursive.left);
        put(printer, query->recursive.all ? ") UNION ALL (" : ") UNION (");
        sql_print_query(printer, query->recursive.right);
        put(printer, ")");
}

static void print_modifier(SqlPrinter *printer, const SqlModifier *modifier) {
        if (modifier->kind == SQL_MODIFY_ORDER) {
                put(printer, " ORDER BY ");
                put_orders(printer, modifier->orders);
                return;
        }
        if (modifier->limit) {
                put(printer, " LIMIT ");
                sql_print_expr(printer, modifier->limit);
                put(printer, modifier->percent ? " PERCENT" : "");
        }
        print_clause(printer, " OFFSET ", modifier->offset);
}

/* `(SELECT .. LIMIT 3) LIMIT 2` is one node with two limits: a modifier that cannot follow the one before it closes a
 * bracket, whose opening stands before the body. */
static bool needs_bracket(const SqlQuery *query, size_t index) {
        return index > 0 && query->modifiers[index].kind <= query->modifiers[index - 1].kind;
}

void sql_print_query(SqlPrinter *printer, const SqlQuery *query) {
        print_ctes(printer, query);
        for (size_t i = 0; i < query->modifier_count; i++)
                put(printer, needs_bracket(query, i) ? "(" : "");
        switch (query->kind) {
        case SQL_SELECT_NODE:
                print_select(printer, query);
                break;
        case SQL_SET_OPERATION_NODE:
                print_set_operation(printer, query);
                break;
        case SQL_RECURSIVE_CTE_NODE:
                print_recursive(printer, query);
                break;
        }
        for (size_t i = 0; i < query->modifier_count; i++) {
                put(printer, needs_bracket(query, i) ? ")" : "");
                if (query->modifiers[i].kind != SQL_MODIFY_DISTINCT)
                        print_modifier(printer, &query->modifiers[i]);
        }
}

Str sql_print(Arena *arena, const SqlQuery *query) {
        CLEANUP(buf_deinit) Buf out = { 0 };
        SqlPrinter printer = { .out = &out };
        sql_print_query(&printer, query);
        return buf_dup(&out, arena);
}

bool sql_map_find(const SqlMap *map, size_t printed, uint32_t *out_source, SqlPlace *out) {
        size_t low = 0, high = map->entries.count; /* the first entry beyond `printed` */
        while (low < high) {
                size_t middle = low + (high - low) / 2;
                if (map->entries.items[middle].printed <= printed)
                        low = middle + 1;
                else
                        high = middle;
        }
        if (low == 0)
                return false;
        *out_source = map->entries.items[low - 1].source;
        *out = map->entries.items[low - 1].place;
        return true;
}
