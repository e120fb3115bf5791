/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the JSON of json_serialize_sql(), DuckDB 2.0.0. For each class of node there is a list of its keys; a key that
 * is not on it refuses the statement, and so does a value that a key marked KEY_NONE may not have. What a key means
 * is then read by one function per class.
 *
 * A node that the parser made itself (the cast in `INTERVAL 3 DAY`) has the location 2^64 - 1, which the JSON reader
 * of ours refuses as too big, so it is rewritten to -1 beforehand.
 */
#include "sql/tree.h"

#include "base/vec.h"

#define NO_LOCATION "18446744073709551615"

typedef struct Reader {
        SqlTree *tree;
        Arena *arena;
        SqlPlace place; /* of the innermost node that has one, for errors */
        bool in_cte;    /* the next query is a CTE's own: the only place for a recursive one */
        int depth;
} Reader;

/* ---- keys ---- */

typedef enum KeyRule {
        KEY_READ, /* its reader looks at it, or it says nothing about meaning */
        KEY_NONE, /* only null, false, "" and [] are reviewed */
} KeyRule;

typedef struct Key {
        const char *name;
        KeyRule rule;
} Key;

#define EXPR_KEYS { "class", KEY_READ }, { "type", KEY_READ }, { "alias", KEY_READ }, PLACE_KEYS
#define PLACE_KEYS                                \
        { "query_location", KEY_READ }, {         \
                "query_location_length", KEY_READ \
        }
#define FROM_KEYS { "type", KEY_READ }, { "alias", KEY_READ }, { "sample", KEY_READ }, PLACE_KEYS
#define QUERY_KEYS                                         \
        { "type", KEY_READ }, { "modifiers", KEY_READ }, { \
                "cte_map", KEY_READ                        \
        }
#define NAME_KEYS(catalog, schema, name)                                   \
        { catalog, KEY_READ }, { schema, KEY_READ }, { name, KEY_READ }, { \
                "qualified_name", KEY_READ                                 \
        }

static bool json_is_none(const Json *value) {
        switch (value->kind) {
        case JSON_NULL:
        case JSON_FALSE:
                return true;
        case JSON_STRING:
                return value->string.size == 0;
        case JSON_ARRAY:
                return value->array.count == 0;
        default:
                return false;
        }
}

static Status refuse(Reader *reader, Error *err, const char *what, Str word) {
        error_set(err, STATUS_SQL_REFUSED, "%s '%.*s' is not among the forms of SQL that Lode has reviewed", what,
                  STR_ARG(word));
        return sql_error_place(err, reader->tree, reader->place);
}

static Status broken(Error *err, const char *what) {
        return error_set(err, STATUS_CORRUPT, "the engine's syntax tree is broken: %s", what);
}

static const Key *key_find(const Key *keys, size_t count, Str name) {
        for (size_t i = 0; i < count; i++)
                if (str_is(name, keys[i].name))
                        return &keys[i];
        return NULL;
}

static Status check_keys(Reader *reader, const Json *node, const Key *keys, size_t count, const char *what,
                         Error *err) {
        if (!node || node->kind != JSON_OBJECT)
                return broken(err, what);
        for (size_t i = 0; i < node->object.count; i++) {
                const Key *key = key_find(keys, count, node->object.keys[i]);
                if (!key)
                        return refuse(reader, err, arena_printf(reader->arena, "the property of %s", what),
                                      node->object.keys[i]);
                if (key->rule == KEY_NONE && !json_is_none(node->object.values[i]))
                        return refuse(reader, err, arena_printf(reader->arena, "%s with", what), node->object.keys[i]);
        }
        return STATUS_OK;
}

#define CHECK_KEYS(node, keys, what) TRY(check_keys(reader, node, keys, COUNT_OF(keys), what, err))

/* ---- leaves ---- */

/* The index of the key's word in a list; an unknown word refuses. */
static Status read_word(Reader *reader, const Json *node, const char *key, const char *const *words, size_t count,
                        const char *what, int *out, Error *err) {
        const Json *value = json_get(node, key);
        *out = 0;
        if (!value || value->kind != JSON_STRING)
                return broken(err, key);
        for (size_t i = 0; i < count; i++) {
                if (words[i] && str_is(value->string, words[i])) {
                        *out = (int)i;
                        return STATUS_OK;
                }
        }
        return refuse(reader, err, what, value->string);
}

#define READ_WORD(node, key, words, what, out) TRY(read_word(reader, node, key, words, COUNT_OF(words), what, out, err))

static Status read_text(const Json *node, const char *key, Str *out, Error *err) {
        const Json *value = json_get(node, key);
        if (!value || value->kind != JSON_STRING)
                return broken(err, key);
        *out = value->string;
        return STATUS_OK;
}

static Status read_flag(const Json *node, const char *key, bool *out, Error *err) {
        const Json *value = json_get(node, key);
        if (!value || (value->kind != JSON_TRUE && value->kind != JSON_FALSE))
                return broken(err, key);
        *out = value->kind == JSON_TRUE;
        return STATUS_OK;
}

static Status want_array(const Json *node, const char *key, const Json **out, Error *err) {
        const Json *value = json_get(node, key);
        if (!value || value->kind != JSON_ARRAY)
                return broken(err, key);
        *out = value;
        return STATUS_OK;
}

static Status read_names(Reader *reader, const Json *node, const char *key, SqlNames *out, Error *err) {
        const Json *array;
        TRY(want_array(node, key, &array, err));
        SqlNames names = { .count = json_count(array) };
        names.items = ARENA_ARRAY(reader->arena, Str, names.count);
        for (size_t i = 0; i < names.count; i++) {
                const Json *item = json_at(array, i);
                if (item->kind != JSON_STRING)
                        return broken(err, key);
                names.items[i] = item->string;
        }
        *out = names;
        return STATUS_OK;
}

/* shop.canonical.order.files: somebody else's catalog has such. */
static Status too_many_parts(Reader *reader, const SqlNames *path, Error *err) {
        error_set(err, STATUS_SQL_SYNTAX, "a name of %zu parts, '%.*s.%.*s ...'", path->count, STR_ARG(path->items[0]), STR_ARG(path->items[1]));
        error_hint(err, "a table's name has three parts: zone.stage.table");
        return sql_error_place(err, reader->tree, reader->place);
}

/* The path, which the other three keys must repeat: what we print is the path, so nothing may hide in the others. */
static Status read_path(Reader *reader, const Json *node, const char *catalog, const char *schema, const char *name,
                        SqlNames *out, Error *err) {
        static const Key keys[] = { { "path", KEY_READ } };
        const Json *qualified = json_get(node, "qualified_name");
        CHECK_KEYS(qualified, keys, "a qualified name");
        TRY(read_names(reader, qualified, "path", out, err));
        if (out->count < 1)
                return broken(err, "a qualified name");
        if (out->count > 3)
                return too_many_parts(reader, out, err);

        const char *const others[] = { name, schema, catalog };
        for (size_t i = 0; i < COUNT_OF(others); i++) {
                Str wanted = i < out->count ? out->items[out->count - 1 - i] : STR_NONE;
                if (!str_equal(json_string(json_get(node, others[i])), wanted))
                        return broken(err, "a name and its path differ");
        }
        return STATUS_OK;
}

static void read_place(Reader *reader, const Json *node, SqlPlace *out) {
        int64_t offset = json_integer(json_get(node, "query_location"), -1);
        int64_t length = json_integer(json_get(node, "query_location_length"), 0);
        int64_t size = (int64_t)reader->tree->text.size;
        *out = (SqlPlace){ SQL_NOWHERE, 0 };
        if (offset < 0 || offset > size)
                return;
        *out = (SqlPlace){ (uint32_t)offset, (uint32_t)(length < 0 || length > size - offset ? 0 : length) };
        reader->place = *out;
}

static Status descend(Reader *reader, Error *err) {
        if (++reader->depth <= SQL_DEPTH_MAX)
                return STATUS_OK;
        error_set(err, STATUS_LIMIT, "the statement is nested more than %d levels deep", SQL_DEPTH_MAX);
        return sql_error_place(err, reader->tree, reader->place);
}

/* ---- expressions ---- */

static Status read_expr(Reader *reader, const Json *node, SqlExpr **out, Error *err);
static Status read_query(Reader *reader, const Json *node, SqlQuery **out, Error *err);
static Status read_from(Reader *reader, const Json *node, SqlFrom **out, Error *err);

/* NULL when the key holds null. */
static Status read_optional(Reader *reader, const Json *node, const char *key, SqlExpr **out, Error *err) {
        const Json *value = json_get(node, key);
        if (json_is_null(value)) {
                *out = NULL;
                return STATUS_OK;
        }
        return read_expr(reader, value, out, err);
}

static Status read_exprs_of(Reader *reader, const Json *array, SqlExprs *out, Error *err) {
        SqlExprs exprs = { .count = json_count(array) };
        exprs.items = ARENA_ARRAY(reader->arena, SqlExpr *, exprs.count);
        for (size_t i = 0; i < exprs.count; i++)
                TRY(read_expr(reader, json_at(array, i), &exprs.items[i], err));
        *out = exprs;
        return STATUS_OK;
}

static Status read_exprs(Reader *reader, const Json *node, const char *key, SqlExprs *out, Error *err) {
        const Json *array;
        TRY(want_array(node, key, &array, err));
        return read_exprs_of(reader, array, out, err);
}

static Status read_orders(Reader *reader, const Json *array, SqlOrders *out, Error *err) {
        static const Key keys[] = { { "type", KEY_READ }, { "null_order", KEY_READ }, { "expression", KEY_READ } };
        static const char *const types[] = { "ORDER_DEFAULT", "ASCENDING", "DESCENDING" };
        static const char *const nulls[] = { "ORDER_DEFAULT", "NULLS FIRST", "NULLS LAST" };
        if (!array || array->kind != JSON_ARRAY)
                return broken(err, "orders");
        SqlOrders orders = { .count = json_count(array) };
        orders.items = ARENA_ARRAY(reader->arena, SqlOrder, orders.count);
        for (size_t i = 0; i < orders.count; i++) {
                const Json *node = json_at(array, i);
                CHECK_KEYS(node, keys, "an order");
                int type, null_order;
                READ_WORD(node, "type", types, "the order", &type);
                READ_WORD(node, "null_order", nulls, "the order of nulls", &null_order);
                orders.items[i].type = (SqlOrderType)type;
                orders.items[i].nulls = (SqlNullOrder)null_order;
                TRY(read_expr(reader, json_get(node, "expression"), &orders.items[i].expr, err));
        }
        *out = orders;
        return STATUS_OK;
}

static Status read_arguments(Reader *reader, const Json *node, SqlArguments *out, Error *err) {
        static const Key keys[] = { { "name", KEY_READ }, { "expression", KEY_READ } };
        const Json *array;
        TRY(want_array(node, "arguments", &array, err));
        SqlArguments arguments = { .count = json_count(array) };
        arguments.items = ARENA_ARRAY(reader->arena, SqlArgument, arguments.count);
        for (size_t i = 0; i < arguments.count; i++) {
                const Json *item = json_at(array, i);
                CHECK_KEYS(item, keys, "an argument");
                TRY(read_text(item, "name", &arguments.items[i].name, err));
                TRY(read_expr(reader, json_get(item, "expression"), &arguments.items[i].expr, err));
                if (arguments.items[i].name.size > 0)
                        arguments.items[i].expr->alias = STR_NONE; /* the parser repeats the name there, or not */
        }
        *out = arguments;
        return STATUS_OK;
}

/* Whether the text is made of these bytes alone, so that it may be printed as it is. */
static bool made_of(Str text, const char *bytes) {
        for (size_t i = 0; i < text.size; i++)
                if (!char_is_one_of(text.data[i], bytes))
                        return false;
        return text.size > 0;
}

/* A number: digits and what may stand between them, a sign only in front or after an exponent's e. */
static bool is_number(Str text, const char *bytes) {
        if (text.size > 0 && text.data[0] == '-')
                text = str_slice(text, 1, text.size);
        for (size_t i = 0; i < text.size; i++) {
                char c = text.data[i];
                bool signs = c == '-' || c == '+';
                if (signs && (i == 0 || (text.data[i - 1] != 'e' && text.data[i - 1] != 'E')))
                        return false;
        }
        return made_of(text, bytes);
}

static bool literal_is_sound(SqlLiteral kind, Str text) {
        switch (kind) {
        case SQL_INTEGER:
                return is_number(text, "0123456789_");
        case SQL_NUMERIC:
                return is_number(text, "0123456789_.eE+-");
        case SQL_BOOLEAN:
                return str_is(text, "true") || str_is(text, "false");
        case SQL_HEX:
                return text.size == 0 || made_of(text, "0123456789abcdefABCDEF");
        case SQL_STRING:
                return utf8_valid(text);
        case SQL_NULL:
                return true;
        }
        return false;
}

static Status read_constant(Reader *reader, const Json *node, SqlExpr *expr, Error *err) {
        static const Key keys[] = { { "kind", KEY_READ }, { "text", KEY_READ } };
        static const char *const kinds[] = { "INTEGER", "NUMERIC", "STRING", "BOOLEAN", "NULL_LITERAL", "HEX" };
        const Json *literal = json_get(node, "literal");
        CHECK_KEYS(literal, keys, "a literal");
        int kind;
        READ_WORD(literal, "kind", kinds, "the literal", &kind);
        expr->constant.literal = (SqlLiteral)kind;
        TRY(read_text(literal, "text", &expr->constant.text, err));
        if (!literal_is_sound(expr->constant.literal, expr->constant.text))
                return refuse(reader, err, "the literal", expr->constant.text);
        return STATUS_OK;
}

static Status read_column_ref(Reader *reader, const Json *node, SqlExpr *expr, Error *err) {
        TRY(read_names(reader, node, "column_names", &expr->column, err));
        return expr->column.count > 0 ? STATUS_OK : broken(err, "column_names");
}

static Status read_function(Reader *reader, const Json *node, SqlExpr *expr, Error *err) {
        static const Key order_keys[] = { { "type", KEY_READ }, { "orders", KEY_READ } };
        TRY(read_path(reader, node, "catalog", "schema", "function_name", &expr->function.path, err));
        TRY(read_arguments(reader, node, &expr->function.arguments, err));
        TRY(read_flag(node, "is_operator", &expr->function.is_operator, err));
        TRY(read_flag(node, "distinct", &expr->function.distinct, err));
        TRY(read_optional(reader, node, "filter", &expr->function.filter, err));
        const Json *order_bys = json_get(node, "order_bys");
        if (json_is_null(order_bys))
                return STATUS_OK;
        CHECK_KEYS(order_bys, order_keys, "an aggregate's order");
        return read_orders(reader, json_get(order_bys, "orders"), &expr->function.orders, err);
}

/* What the printer takes for granted. */
static Status check_operator(Reader *reader, const SqlExpr *expr, Error *err) {
        const SqlExprs *children = &expr->op.children;
        if (expr->op.op == SQL_OP_STRUCT_EXTRACT &&
            (children->items[1]->kind != SQL_CONSTANT || children->items[1]->constant.literal != SQL_STRING))
                return refuse(reader, err, "a struct's field by", STR("expression"));
        if (expr->op.op == SQL_OP_UNPACK && (children->items[0]->kind != SQL_STAR || !children->items[0]->star.columns))
                return refuse(reader, err, "unpacking of", STR("expression"));
        return STATUS_OK;
}

static Status read_operator(Reader *reader, const Json *node, SqlExpr *expr, Error *err) {
        static const struct {
                const char *word;
                size_t least, most;
        } rows[] = {
                [SQL_OP_NOT] = { "OPERATOR_NOT", 1, 1 },
                [SQL_OP_IS_NULL] = { "OPERATOR_IS_NULL", 1, 1 },
                [SQL_OP_IS_NOT_NULL] = { "OPERATOR_IS_NOT_NULL", 1, 1 },
                [SQL_OP_IN] = { "COMPARE_IN", 2, SIZE_MAX },
                [SQL_OP_NOT_IN] = { "COMPARE_NOT_IN", 2, SIZE_MAX },
                [SQL_OP_COALESCE] = { "OPERATOR_COALESCE", 1, SIZE_MAX },
                [SQL_OP_TRY] = { "OPERATOR_TRY", 1, 1 },
                [SQL_OP_ARRAY_EXTRACT] = { "ARRAY_EXTRACT", 2, 2 },
                [SQL_OP_ARRAY_SLICE] = { "ARRAY_SLICE", 3, 4 },
                [SQL_OP_STRUCT_EXTRACT] = { "STRUCT_EXTRACT", 2, 2 },
                [SQL_OP_ARRAY_CONSTRUCTOR] = { "ARRAY_CONSTRUCTOR", 0, SIZE_MAX },
                [SQL_OP_GROUPING] = { "GROUPING_FUNCTION", 1, SIZE_MAX },
                [SQL_OP_UNPACK] = { "OPERATOR_UNPACK", 1, 1 },
        };
        Str word;
        TRY(read_text(node, "type", &word, err));
        for (size_t i = 0; i < COUNT_OF(rows); i++) {
                if (!str_is(word, rows[i].word))
                        continue;
                expr->op.op = (SqlOperator)i;
                TRY(read_exprs(reader, node, "children", &expr->op.children, err));
                size_t count = expr->op.children.count;
                if (count < rows[i].least || count > rows[i].most)
                        return broken(err, "an operator's children");
                return check_operator(reader, expr, err);
        }
        return refuse(reader, err, "the operator", word);
}

static const char *const compare_words[] = {
        [SQL_EQUAL] = "COMPARE_EQUAL",
        [SQL_NOT_EQUAL] = "COMPARE_NOTEQUAL",
        [SQL_LESS] = "COMPARE_LESSTHAN",
        [SQL_LESS_EQUAL] = "COMPARE_LESSTHANOREQUALTO",
        [SQL_GREATER] = "COMPARE_GREATERTHAN",
        [SQL_GREATER_EQUAL] = "COMPARE_GREATERTHANOREQUALTO",
        [SQL_DISTINCT_FROM] = "COMPARE_DISTINCT_FROM",
        [SQL_NOT_DISTINCT_FROM] = "COMPARE_NOT_DISTINCT_FROM",
};

static Status read_comparison(Reader *reader, const Json *node, SqlExpr *expr, Error *err) {
        int op;
        READ_WORD(node, "type", compare_words, "the comparison", &op);
        expr->compare.op = (SqlCompare)op;
        TRY(read_expr(reader, json_get(node, "left"), &expr->compare.left, err));
        return read_expr(reader, json_get(node, "right"), &expr->compare.right, err);
}

static Status read_conjunction(Reader *reader, const Json *node, SqlExpr *expr, Error *err) {
        static const char *const words[] = { "CONJUNCTION_AND", "CONJUNCTION_OR" };
        int word;
        READ_WORD(node, "type", words, "the conjunction", &word);
        expr->conjunction.is_or = word == 1;
        TRY(read_exprs(reader, node, "children", &expr->conjunction.children, err));
        return expr->conjunction.children.count >= 2 ? STATUS_OK : broken(err, "a conjunction");
}

static Status read_between(Reader *reader, const Json *node, SqlExpr *expr, Error *err) {
        static const char *const words[] = { "COMPARE_BETWEEN" };
        int word;
        READ_WORD(node, "type", words, "the comparison", &word);
        TRY(read_expr(reader, json_get(node, "input"), &expr->between.input, err));
        TRY(read_expr(reader, json_get(node, "lower"), &expr->between.lower, err));
        return read_expr(reader, json_get(node, "upper"), &expr->between.upper, err);
}

static Status read_case(Reader *reader, const Json *node, SqlExpr *expr, Error *err) {
        static const Key keys[] = { { "when_expr", KEY_READ }, { "then_expr", KEY_READ } };
        const Json *array;
        TRY(want_array(node, "case_checks", &array, err));
        size_t count = json_count(array);
        if (count == 0)
                return broken(err, "case_checks");
        expr->when.whens = ARENA_ARRAY(reader->arena, SqlWhen, count);
        expr->when.when_count = count;
        for (size_t i = 0; i < count; i++) {
                const Json *item = json_at(array, i);
                CHECK_KEYS(item, keys, "CASE");
                TRY(read_expr(reader, json_get(item, "when_expr"), &expr->when.whens[i].when, err));
                TRY(read_expr(reader, json_get(item, "then_expr"), &expr->when.whens[i].then, err));
        }
        return read_expr(reader, json_get(node, "else_expr"), &expr->when.otherwise, err);
}

static Status read_cast(Reader *reader, const Json *node, SqlExpr *expr, Error *err) {
        TRY(read_expr(reader, json_get(node, "child"), &expr->cast.child, err));
        TRY(read_expr(reader, json_get(node, "type_expr"), &expr->cast.type, err));
        TRY(read_flag(node, "try_cast", &expr->cast.try_cast, err));
        return expr->cast.type->kind == SQL_TYPE ? STATUS_OK : refuse(reader, err, "a cast to", STR("an expression"));
}

/* {node, named_param_map}: a statement inside a statement. */
static Status read_inner(Reader *reader, const Json *node, SqlQuery **out, Error *err) {
        static const Key keys[] = { { "node", KEY_READ }, { "named_param_map", KEY_READ } };
        CHECK_KEYS(node, keys, "a subquery");
        return read_query(reader, json_get(node, "node"), out, err);
}

static Status read_subquery(Reader *reader, const Json *node, SqlExpr *expr, Error *err) {
        static const char *const kinds[] = { "SCALAR", "EXISTS", "NOT_EXISTS", "ANY" };
        int kind, compare;
        READ_WORD(node, "subquery_type", kinds, "the subquery", &kind);
        expr->subquery.kind = (SqlSubqueryKind)kind;
        TRY(read_inner(reader, json_get(node, "subquery"), &expr->subquery.query, err));
        if (kind != SQL_SUBQUERY_ANY)
                return json_is_null(json_get(node, "child")) ? STATUS_OK : broken(err, "a subquery's child");
        READ_WORD(node, "comparison_type", compare_words, "the comparison", &compare);
        expr->subquery.compare = (SqlCompare)compare;
        return read_expr(reader, json_get(node, "child"), &expr->subquery.child, err);
}

static const char *const window_types[] = {
        "WINDOW_AGGREGATE", "WINDOW_RANK",       "WINDOW_RANK_DENSE",  "WINDOW_NTILE",      "WINDOW_PERCENT_RANK",
        "WINDOW_CUME_DIST", "WINDOW_ROW_NUMBER", "WINDOW_FIRST_VALUE", "WINDOW_LAST_VALUE", "WINDOW_LEAD",
        "WINDOW_LAG",       "WINDOW_NTH_VALUE",  "WINDOW_FILL",
};

static const char *const frame_words[] = {
        [SQL_FRAME_UNBOUNDED_PRECEDING] = "UNBOUNDED_PRECEDING",
        [SQL_FRAME_UNBOUNDED_FOLLOWING] = "UNBOUNDED_FOLLOWING",
        [SQL_FRAME_CURRENT_ROW_RANGE] = "CURRENT_ROW_RANGE",
        [SQL_FRAME_CURRENT_ROW_ROWS] = "CURRENT_ROW_ROWS",
        [SQL_FRAME_CURRENT_ROW_GROUPS] = "CURRENT_ROW_GROUPS",
        [SQL_FRAME_PRECEDING_ROWS] = "EXPR_PRECEDING_ROWS",
        [SQL_FRAME_FOLLOWING_ROWS] = "EXPR_FOLLOWING_ROWS",
        [SQL_FRAME_PRECEDING_RANGE] = "EXPR_PRECEDING_RANGE",
        [SQL_FRAME_FOLLOWING_RANGE] = "EXPR_FOLLOWING_RANGE",
        [SQL_FRAME_PRECEDING_GROUPS] = "EXPR_PRECEDING_GROUPS",
        [SQL_FRAME_FOLLOWING_GROUPS] = "EXPR_FOLLOWING_GROUPS",
};

static bool frame_has_expr(SqlFrame frame) {
        return frame >= SQL_FRAME_PRECEDING_ROWS;
}

static Status read_frame(Reader *reader, const Json *node, SqlExpr *expr, Error *err) {
        static const char *const excludes[] = { "NO_OTHER", "CURRENT_ROW", "GROUP", "TIES" };
        int start, end, exclude;
        READ_WORD(node, "start", frame_words, "the window frame", &start);
        READ_WORD(node, "end", frame_words, "the window frame", &end);
        READ_WORD(node, "exclude_clause", excludes, "the window frame", &exclude);
        expr->window.start = (SqlFrame)start;
        expr->window.end = (SqlFrame)end;
        expr->window.exclude = (SqlExclude)exclude;
        TRY(read_optional(reader, node, "start_expr", &expr->window.start_expr, err));
        TRY(read_optional(reader, node, "end_expr", &expr->window.end_expr, err));
        if (frame_has_expr(expr->window.start) != (expr->window.start_expr != NULL) ||
            frame_has_expr(expr->window.end) != (expr->window.end_expr != NULL))
                return broken(err, "a window's frame");
        return STATUS_OK;
}

static Status read_window(Reader *reader, const Json *node, SqlExpr *expr, Error *err) {
        int type;
        READ_WORD(node, "type", window_types, "the window function", &type);
        expr->window.type = str_of(window_types[type]);
        TRY(read_path(reader, node, "catalog", "schema", "function_name", &expr->window.path, err));
        TRY(read_arguments(reader, node, &expr->window.arguments, err));
        TRY(read_exprs(reader, node, "partitions", &expr->window.partitions, err));
        TRY(read_orders(reader, json_get(node, "orders"), &expr->window.orders, err));
        TRY(read_orders(reader, json_get(node, "arg_orders"), &expr->window.argument_orders, err));
        TRY(read_frame(reader, node, expr, err));
        TRY(read_optional(reader, node, "filter_expr", &expr->window.filter, err));
        TRY(read_flag(node, "distinct", &expr->window.distinct, err));
        TRY(read_flag(node, "ignore_nulls", &expr->window.ignore_nulls, err));
        return read_flag(node, "has_ignore_nulls", &expr->window.has_ignore_nulls, err);
}

/* {catalog, schema, table, column}: only the last two may be there. */
static Status read_star_name(Reader *reader, const Json *node, SqlStarName *out, Error *err) {
        static const Key keys[] = {
                { "catalog", KEY_NONE },
                { "schema", KEY_NONE },
                { "table", KEY_READ },
                { "column", KEY_READ },
        };
        CHECK_KEYS(node, keys, "a star's column");
        TRY(read_text(node, "table", &out->table, err));
        return read_text(node, "column", &out->column, err);
}

static Status read_star_excludes(Reader *reader, const Json *node, SqlExpr *expr, Error *err) {
        SqlNames plain;
        const Json *qualified;
        TRY(read_names(reader, node, "exclude_list", &plain, err));
        TRY(want_array(node, "qualified_exclude_list", &qualified, err));
        size_t count = plain.count + json_count(qualified);
        expr->star.excludes = ARENA_ARRAY(reader->arena, SqlStarName, count);
        expr->star.exclude_count = count;
        for (size_t i = 0; i < plain.count; i++)
                expr->star.excludes[i].column = plain.items[i];
        for (size_t i = plain.count; i < count; i++)
                TRY(read_star_name(reader, json_at(qualified, i - plain.count), &expr->star.excludes[i], err));
        return STATUS_OK;
}

static Status read_star_lists(Reader *reader, const Json *node, SqlExpr *expr, Error *err) {
        static const Key keys[] = { { "key", KEY_READ }, { "value", KEY_READ } };
        const Json *replaces, *renames;
        TRY(want_array(node, "replace_list", &replaces, err));
        TRY(want_array(node, "rename_list", &renames, err));
        expr->star.replace_count = json_count(replaces);
        expr->star.rename_count = json_count(renames);
        expr->star.replaces = ARENA_ARRAY(reader->arena, SqlStarReplace, expr->star.replace_count);
        expr->star.renames = ARENA_ARRAY(reader->arena, SqlStarName, expr->star.rename_count);
        for (size_t i = 0; i < expr->star.replace_count; i++) {
                const Json *item = json_at(replaces, i);
                CHECK_KEYS(item, keys, "REPLACE");
                TRY(read_text(item, "key", &expr->star.replaces[i].column, err));
                TRY(read_expr(reader, json_get(item, "value"), &expr->star.replaces[i].expr, err));
        }
        for (size_t i = 0; i < expr->star.rename_count; i++) {
                const Json *item = json_at(renames, i);
                CHECK_KEYS(item, keys, "RENAME");
                TRY(read_star_name(reader, json_get(item, "key"), &expr->star.renames[i], err));
                TRY(read_text(item, "value", &expr->star.renames[i].as, err));
        }
        return STATUS_OK;
}

static Status read_star(Reader *reader, const Json *node, SqlExpr *expr, Error *err) {
        TRY(read_text(node, "relation_name", &expr->star.relation, err));
        TRY(read_flag(node, "columns", &expr->star.columns, err));
        TRY(read_optional(reader, node, "expr", &expr->star.expr, err));
        TRY(read_star_excludes(reader, node, expr, err));
        return read_star_lists(reader, node, expr, err);
}

static Status read_lambda(Reader *reader, const Json *node, SqlExpr *expr, Error *err) {
        static const char *const syntaxes[] = { "LAMBDA_KEYWORD", "SINGLE_ARROW" };
        int syntax;
        READ_WORD(node, "syntax_type", syntaxes, "the lambda", &syntax);
        expr->lambda.arrow = syntax == 1;
        TRY(read_expr(reader, json_get(node, "lhs"), &expr->lambda.parameters, err));
        return read_expr(reader, json_get(node, "expr"), &expr->lambda.body, err);
}

static Status read_collate(Reader *reader, const Json *node, SqlExpr *expr, Error *err) {
        TRY(read_expr(reader, json_get(node, "child"), &expr->collate.child, err));
        return read_text(node, "collation", &expr->collate.collation, err);
}

static bool is_identifier(Str word) {
        for (size_t i = 0; i < word.size; i++) {
                char c = word.data[i];
                bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
                if (!letter && !(c >= '0' && c <= '9'))
                        return false;
        }
        return word.size > 0;
}

static Status note_parameter(Reader *reader, Str name) {
        SqlNames *known = &reader->tree->parameters;
        for (size_t i = 0; i < known->count; i++)
                if (str_equal(known->items[i], name))
                        return STATUS_OK;
        size_t size = known->count * sizeof(Str);
        known->items = arena_grow(reader->arena, known->items, size, size + sizeof(Str));
        known->items[known->count++] = name;
        return STATUS_OK;
}

/* Printed after '$' as it is, so it must be a plain word. */
static Status read_parameter(Reader *reader, const Json *node, SqlExpr *expr, Error *err) {
        TRY(read_text(node, "identifier", &expr->parameter, err));
        if (!is_identifier(expr->parameter))
                return refuse(reader, err, "the parameter", expr->parameter);
        return note_parameter(reader, expr->parameter);
}

static Status read_positional(Reader *reader, const Json *node, SqlExpr *expr, Error *err) {
        expr->position = json_integer(json_get(node, "index"), 0);
        return expr->position >= 1 ? STATUS_OK : refuse(reader, err, "the position", STR("#0"));
}

static Status read_type(Reader *reader, const Json *node, SqlExpr *expr, Error *err) {
        TRY(read_path(reader, node, "catalog", "schema", "type_name", &expr->type.path, err));
        TRY(read_exprs(reader, node, "children", &expr->type.children, err));
        for (size_t i = 0; i < expr->type.children.count; i++) {
                SqlExprKind kind = expr->type.children.items[i]->kind;
                if (kind != SQL_TYPE && kind != SQL_CONSTANT)
                        return refuse(reader, err, "the type", expr->type.path.items[expr->type.path.count - 1]);
        }
        return STATUS_OK;
}

typedef struct ExprClass {
        const Key *keys;
        size_t key_count;
        Status (*read)(Reader *reader, const Json *node, SqlExpr *expr, Error *err);
} ExprClass;

#define CLASS(function, ...)                                                                    \
        {                                                                                       \
                (const Key[]){ EXPR_KEYS, __VA_ARGS__ },                                        \
                        sizeof((const Key[]){ EXPR_KEYS, __VA_ARGS__ }) / sizeof(Key), function \
        }

static const ExprClass expr_classes[] = {
        [SQL_CONSTANT] = CLASS(read_constant, { "literal", KEY_READ }),
        [SQL_COLUMN_REF] = CLASS(read_column_ref, { "column_names", KEY_READ }),
        [SQL_FUNCTION] = CLASS(read_function, NAME_KEYS("catalog", "schema", "function_name"),
                               { "arguments", KEY_READ }, { "filter", KEY_READ }, { "order_bys", KEY_READ },
                               { "distinct", KEY_READ }, { "is_operator", KEY_READ }, { "export_state", KEY_NONE }),
        [SQL_OPERATOR] = CLASS(read_operator, { "children", KEY_READ }),
        [SQL_COMPARISON] = CLASS(read_comparison, { "left", KEY_READ }, { "right", KEY_READ }),
        [SQL_CONJUNCTION] = CLASS(read_conjunction, { "children", KEY_READ }),
        [SQL_BETWEEN] = CLASS(read_between, { "input", KEY_READ }, { "lower", KEY_READ }, { "upper", KEY_READ }),
        [SQL_CASE] = CLASS(read_case, { "case_checks", KEY_READ }, { "else_expr", KEY_READ }),
        [SQL_CAST] = CLASS(read_cast, { "child", KEY_READ }, { "try_cast", KEY_READ }, { "type_expr", KEY_READ }),
        [SQL_SUBQUERY] = CLASS(read_subquery, { "subquery_type", KEY_READ }, { "subquery", KEY_READ },
                               { "child", KEY_READ }, { "comparison_type", KEY_READ }),
        [SQL_WINDOW] = CLASS(read_window, NAME_KEYS("catalog", "schema", "function_name"), { "arguments", KEY_READ },
                             { "partitions", KEY_READ }, { "orders", KEY_READ }, { "arg_orders", KEY_READ },
                             { "start", KEY_READ }, { "end", KEY_READ }, { "start_expr", KEY_READ },
                             { "end_expr", KEY_READ }, { "exclude_clause", KEY_READ }, { "filter_expr", KEY_READ },
                             { "distinct", KEY_READ }, { "ignore_nulls", KEY_READ }, { "has_ignore_nulls", KEY_READ },
                             { "offset_expr", KEY_NONE }, { "default_expr", KEY_NONE }),
        [SQL_STAR] = CLASS(read_star, { "relation_name", KEY_READ }, { "columns", KEY_READ }, { "expr", KEY_READ },
                           { "exclude_list", KEY_READ }, { "qualified_exclude_list", KEY_READ },
                           { "replace_list", KEY_READ }, { "rename_list", KEY_READ }),
        [SQL_LAMBDA] = CLASS(read_lambda, { "lhs", KEY_READ }, { "expr", KEY_READ }, { "syntax_type", KEY_READ }),
        [SQL_COLLATE] = CLASS(read_collate, { "child", KEY_READ }, { "collation", KEY_READ }),
        [SQL_PARAMETER] = CLASS(read_parameter, { "identifier", KEY_READ }),
        [SQL_POSITIONAL_REFERENCE] = CLASS(read_positional, { "index", KEY_READ }),
        [SQL_TYPE] = CLASS(read_type, NAME_KEYS("catalog", "schema", "type_name"), { "children", KEY_READ }),
};

static const char *const expr_words[] = {
#define X(name) [SQL_##name] = #name,
        SQL_EXPR_TABLE(X)
#undef X
};

static Status read_expr(Reader *reader, const Json *node, SqlExpr **out, Error *err) {
        if (!node || node->kind != JSON_OBJECT)
                return broken(err, "an expression");
        SqlPlace outer = reader->place;
        SqlExpr *expr = ARENA_NEW(reader->arena, SqlExpr);
        TRY(descend(reader, err));
        read_place(reader, node, &expr->at);
        int kind;
        READ_WORD(node, "class", expr_words, "the expression", &kind);
        expr->kind = (SqlExprKind)kind;
        const ExprClass *class = &expr_classes[kind];
        TRY(check_keys(reader, node, class->keys, class->key_count, expr_words[kind], err));
        TRY(read_text(node, "alias", &expr->alias, err));
        TRY(class->read(reader, node, expr, err));
        reader->depth--;
        reader->place = outer;
        *out = expr;
        return STATUS_OK;
}

/* ---- relations ---- */

static Status read_sample(Reader *reader, const Json *node, const char *key, SqlSample **out, Error *err) {
        static const Key keys[] = {
                { "sample_size", KEY_READ }, { "is_percentage", KEY_READ }, { "method", KEY_READ },
                { "seed", KEY_READ },        { "repeatable", KEY_READ },    { "sample_rate", KEY_READ },
        };
        static const Key size_keys[] = { { "type", KEY_READ }, { "is_null", KEY_NONE }, { "value", KEY_READ } };
        static const char *const methods[] = { "System", "Bernoulli", "Reservoir" };
        const Json *sample = json_get(node, key);
        *out = NULL;
        if (json_is_null(sample))
                return STATUS_OK;
        CHECK_KEYS(sample, keys, "a sample");
        const Json *size = json_get(sample, "sample_size");
        CHECK_KEYS(size, size_keys, "a sample's size");

        SqlSample *result = ARENA_NEW(reader->arena, SqlSample);
        const Json *value = json_get(size, "value");
        if (value && value->kind == JSON_INTEGER)
                result->size = arena_strf(reader->arena, "%lld", (long long)value->integer);
        else if (value && value->kind == JSON_REAL)
                result->size = arena_strf(reader->arena, "%.17g", value->real);
        else
                return broken(err, "a sample's size");
        int method;
        READ_WORD(sample, "method", methods, "the sample method", &method);
        result->method = (SqlSampleMethod)method;
        result->seed = json_integer(json_get(sample, "seed"), -1);
        TRY(read_flag(sample, "is_percentage", &result->percent, err));
        TRY(read_flag(sample, "repeatable", &result->repeatable, err));
        *out = result;
        return STATUS_OK;
}

static Status read_from_empty(Reader *reader UNUSED, const Json *node UNUSED, SqlFrom *from UNUSED, Error *err UNUSED) {
        return STATUS_OK;
}

static Status read_at(Reader *reader, const Json *at, SqlFrom *from, Error *err) {
        static const char *const units[] = { "VERSION", "TIMESTAMP" };
        int unit;
        READ_WORD(at, "unit", units, "AT", &unit);
        from->table.at_timestamp = unit == 1;
        return read_expr(reader, json_get(at, "expr"), &from->table.at, err);
}

static Status read_from_table(Reader *reader, const Json *node, SqlFrom *from, Error *err) {
        const Json *at = json_get(node, "at_clause");
        if (!json_is_null(at))
                TRY(read_at(reader, at, from, err));
        TRY(read_names(reader, node, "column_name_alias", &from->column_aliases, err));
        return read_path(reader, node, "catalog_name", "schema_name", "table_name", &from->table.path, err);
}

static Status read_from_subquery(Reader *reader, const Json *node, SqlFrom *from, Error *err) {
        TRY(read_names(reader, node, "column_name_alias", &from->column_aliases, err));
        return read_inner(reader, json_get(node, "subquery"), &from->subquery, err);
}

static Status read_from_join(Reader *reader, const Json *node, SqlFrom *from, Error *err) {
        static const char *const types[] = { "INNER", "LEFT", "RIGHT", "FULL", "SEMI", "ANTI" };
        static const char *const refs[] = { "REGULAR", "NATURAL", "CROSS", "POSITIONAL", "ASOF" };
        int type, ref;
        READ_WORD(node, "join_type", types, "the join", &type);
        READ_WORD(node, "ref_type", refs, "the join", &ref);
        from->join.type = (SqlJoinType)type;
        from->join.ref = (SqlJoinRef)ref;
        TRY(read_flag(node, "is_implicit", &from->join.comma, err));
        TRY(read_from(reader, json_get(node, "left"), &from->join.left, err));
        TRY(read_from(reader, json_get(node, "right"), &from->join.right, err));
        TRY(read_optional(reader, node, "condition", &from->join.condition, err));
        return read_names(reader, node, "using_columns", &from->join.using_columns, err);
}

static Status read_from_function(Reader *reader, const Json *node, SqlFrom *from, Error *err) {
        static const char *const ordinalities[] = { "WITHOUT_ORDINALITY", "WITH_ORDINALITY" };
        int ordinality;
        READ_WORD(node, "with_ordinality", ordinalities, "the table function", &ordinality);
        from->function.ordinality = ordinality == 1;
        TRY(read_names(reader, node, "column_name_alias", &from->column_aliases, err));
        TRY(read_expr(reader, json_get(node, "function"), &from->function.call, err));
        if (from->function.call->kind != SQL_FUNCTION)
                return refuse(reader, err, "the table function", STR("without a name"));
        return STATUS_OK;
}

static Status read_from_values(Reader *reader, const Json *node, SqlFrom *from, Error *err) {
        const Json *rows;
        TRY(want_array(node, "values", &rows, err));
        from->values.row_count = json_count(rows);
        from->values.rows = ARENA_ARRAY(reader->arena, SqlExprs, from->values.row_count);
        if (from->values.row_count == 0)
                return broken(err, "values");
        for (size_t i = 0; i < from->values.row_count; i++) {
                const Json *row = json_at(rows, i);
                if (row->kind != JSON_ARRAY || json_count(row) == 0)
                        return broken(err, "values");
                TRY(read_exprs_of(reader, row, &from->values.rows[i], err));
        }
        return STATUS_OK;
}

static Status read_pivot_column(Reader *reader, const Json *node, SqlPivotColumn *out, Error *err) {
        static const Key keys[] = {
                { "pivot_expressions", KEY_READ },
                { "unpivot_names", KEY_READ },
                { "entries", KEY_READ },
                { "pivot_enum", KEY_NONE },
        };
        static const Key entry_keys[] = { { "values", KEY_NONE }, { "star_expr", KEY_READ }, { "alias", KEY_READ } };
        CHECK_KEYS(node, keys, "PIVOT");
        TRY(read_exprs(reader, node, "pivot_expressions", &out->expressions, err));
        for (size_t i = 0; i < out->expressions.count; i++) {
                if (out->expressions.items[i]->kind == SQL_COLUMN_REF)
                        continue;
                error_set(err, STATUS_SQL_REFUSED, "PIVOT ON takes columns, not expressions");
                error_hint(err, "name the expression in a subquery and pivot that");
                return sql_error_place(err, reader->tree, out->expressions.items[i]->at);
        }
        TRY(read_names(reader, node, "unpivot_names", &out->unpivot_names, err));
        const Json *entries;
        TRY(want_array(node, "entries", &entries, err));
        out->entry_count = json_count(entries);
        out->entries = ARENA_ARRAY(reader->arena, SqlPivotEntry, out->entry_count);
        for (size_t i = 0; i < out->entry_count; i++) {
                const Json *entry = json_at(entries, i);
                CHECK_KEYS(entry, entry_keys, "PIVOT's IN");
                TRY(read_expr(reader, json_get(entry, "star_expr"), &out->entries[i].expr, err));
                TRY(read_text(entry, "alias", &out->entries[i].alias, err));
        }
        return STATUS_OK;
}

static Status read_from_pivot(Reader *reader, const Json *node, SqlFrom *from, Error *err) {
        TRY(read_from(reader, json_get(node, "source"), &from->pivot.source, err));
        TRY(read_exprs(reader, node, "aggregates", &from->pivot.aggregates, err));
        TRY(read_names(reader, node, "unpivot_names", &from->pivot.unpivot_names, err));
        TRY(read_names(reader, node, "groups", &from->pivot.groups, err));
        TRY(read_names(reader, node, "column_name_alias", &from->column_aliases, err));
        TRY(read_flag(node, "include_nulls", &from->pivot.include_nulls, err));
        const Json *pivots;
        TRY(want_array(node, "pivots", &pivots, err));
        from->pivot.column_count = json_count(pivots);
        from->pivot.columns = ARENA_ARRAY(reader->arena, SqlPivotColumn, from->pivot.column_count);
        for (size_t i = 0; i < from->pivot.column_count; i++)
                TRY(read_pivot_column(reader, json_at(pivots, i), &from->pivot.columns[i], err));
        return STATUS_OK;
}

typedef struct FromClass {
        const char *word;
        SqlFromKind kind;
        const Key *keys;
        size_t key_count;
        Status (*read)(Reader *reader, const Json *node, SqlFrom *from, Error *err);
} FromClass;

#define FROM(word, kind, function, ...)                                                         \
        {                                                                                       \
                word, kind, (const Key[]){ FROM_KEYS, __VA_ARGS__ },                            \
                        sizeof((const Key[]){ FROM_KEYS, __VA_ARGS__ }) / sizeof(Key), function \
        }

static const FromClass from_classes[] = {
        FROM("EMPTY", SQL_FROM_EMPTY, read_from_empty),
        FROM("BASE_TABLE", SQL_FROM_TABLE, read_from_table, NAME_KEYS("catalog_name", "schema_name", "table_name"),
             { "column_name_alias", KEY_READ }, { "at_clause", KEY_READ }),
        FROM("SUBQUERY", SQL_FROM_SUBQUERY, read_from_subquery, { "subquery", KEY_READ },
             { "column_name_alias", KEY_READ }),
        FROM("JOIN", SQL_FROM_JOIN, read_from_join, { "left", KEY_READ }, { "right", KEY_READ },
             { "condition", KEY_READ }, { "join_type", KEY_READ }, { "ref_type", KEY_READ },
             { "using_columns", KEY_READ }, { "is_implicit", KEY_READ }, { "delim_flipped", KEY_NONE },
             { "duplicate_eliminated_columns", KEY_NONE }, { "ranking_expression", KEY_NONE },
             { "nearest_count", KEY_READ }, { "nearest_order_type", KEY_READ }, { "nearest_approx", KEY_NONE }),
        FROM("TABLE_FUNCTION", SQL_FROM_FUNCTION, read_from_function, { "function", KEY_READ },
             { "column_name_alias", KEY_READ }, { "with_ordinality", KEY_READ }),
        FROM("EXPRESSION_LIST", SQL_FROM_VALUES, read_from_values, { "values", KEY_READ },
             { "expected_names", KEY_NONE }, { "expected_types", KEY_NONE }),
        FROM("PIVOT", SQL_FROM_PIVOT, read_from_pivot, { "source", KEY_READ }, { "aggregates", KEY_READ },
             { "unpivot_names", KEY_READ }, { "pivots", KEY_READ }, { "groups", KEY_READ },
             { "column_name_alias", KEY_READ }, { "include_nulls", KEY_READ }),
};

static Status refuse_from(Reader *reader, Str word, Error *err) {
        if (!str_is(word, "SHOW_REF"))
                return refuse(reader, err, "the relation", word);
        error_set(err, STATUS_SQL_REFUSED, "SHOW, DESCRIBE and SUMMARIZE are not answered by Lode's SQL");
        error_hint(err, "lode show TABLE describes a table");
        return sql_error_place(err, reader->tree, reader->place);
}

static Status read_from(Reader *reader, const Json *node, SqlFrom **out, Error *err) {
        if (!node || node->kind != JSON_OBJECT)
                return broken(err, "a relation");
        SqlPlace outer = reader->place;
        TRY(descend(reader, err));
        SqlFrom *from = ARENA_NEW(reader->arena, SqlFrom);
        read_place(reader, node, &from->at);
        Str word;
        TRY(read_text(node, "type", &word, err));
        const FromClass *class = NULL;
        for (size_t i = 0; i < COUNT_OF(from_classes) && !class; i++)
                if (str_is(word, from_classes[i].word))
                        class = &from_classes[i];
        if (!class)
                return refuse_from(reader, word, err);
        TRY(check_keys(reader, node, class->keys, class->key_count, class->word, err));
        from->kind = class->kind;
        TRY(read_text(node, "alias", &from->alias, err));
        TRY(read_sample(reader, node, "sample", &from->sample, err));
        TRY(class->read(reader, node, from, err));
        reader->depth--;
        reader->place = outer;
        *out = from;
        return STATUS_OK;
}

/* ---- queries ---- */

static Status read_ctes(Reader *reader, const Json *node, SqlQuery *query, Error *err) {
        static const Key map_keys[] = { { "map", KEY_READ } };
        static const Key pair_keys[] = { { "key", KEY_READ }, { "value", KEY_READ } };
        static const Key keys[] = {
                { "aliases", KEY_READ },     { "materialized", KEY_READ },
                { "key_targets", KEY_READ }, { "payload_aggregates", KEY_NONE },
                { "query_node", KEY_READ },
        };
        static const char *const materialize[] = {
                "CTE_MATERIALIZE_DEFAULT",
                "CTE_MATERIALIZE_ALWAYS",
                "CTE_MATERIALIZE_NEVER",
        };
        const Json *map = json_get(node, "cte_map"), *pairs;
        CHECK_KEYS(map, map_keys, "WITH");
        TRY(want_array(map, "map", &pairs, err));
        query->cte_count = json_count(pairs);
        query->ctes = ARENA_ARRAY(reader->arena, SqlCte, query->cte_count);
        for (size_t i = 0; i < query->cte_count; i++) {
                SqlCte *cte = &query->ctes[i];
                const Json *pair = json_at(pairs, i), *value = json_get(pair, "value");
                CHECK_KEYS(pair, pair_keys, "WITH");
                CHECK_KEYS(value, keys, "WITH");
                TRY(read_text(pair, "key", &cte->name, err));
                int word;
                READ_WORD(value, "materialized", materialize, "WITH", &word);
                cte->materialize = (SqlMaterialize)word;
                TRY(read_names(reader, value, "aliases", &cte->aliases, err));
                TRY(read_exprs(reader, value, "key_targets", &cte->keys, err));
                reader->in_cte = true;
                TRY(read_query(reader, json_get(value, "query_node"), &cte->query, err));
        }
        return STATUS_OK;
}

static Status read_modifier(Reader *reader, const Json *node, SqlModifier *out, Error *err) {
        static const char *const words[] = {
                [SQL_MODIFY_DISTINCT] = "DISTINCT_MODIFIER",
                [SQL_MODIFY_ORDER] = "ORDER_MODIFIER",
                [SQL_MODIFY_LIMIT] = "LIMIT_MODIFIER",
        };
        static const Key distinct_keys[] = { { "type", KEY_READ }, { "distinct_on_targets", KEY_READ } };
        static const Key order_keys[] = { { "type", KEY_READ }, { "orders", KEY_READ } };
        static const Key limit_keys[] = {
                { "type", KEY_READ },
                { "limit", KEY_READ },
                { "offset", KEY_READ },
                { "limit_type", KEY_READ },
        };
        static const char *const limit_types[] = { "ROW_COUNT", "PERCENTAGE" };
        int word;
        READ_WORD(node, "type", words, "the clause", &word);
        out->kind = (SqlModifierKind)word;
        if (out->kind == SQL_MODIFY_DISTINCT) {
                CHECK_KEYS(node, distinct_keys, "DISTINCT");
                return read_exprs(reader, node, "distinct_on_targets", &out->distinct_on, err);
        }
        if (out->kind == SQL_MODIFY_ORDER) {
                CHECK_KEYS(node, order_keys, "ORDER BY");
                return read_orders(reader, json_get(node, "orders"), &out->orders, err);
        }
        CHECK_KEYS(node, limit_keys, "LIMIT");
        READ_WORD(node, "limit_type", limit_types, "LIMIT", &word);
        out->percent = word == 1;
        TRY(read_optional(reader, node, "limit", &out->limit, err));
        return read_optional(reader, node, "offset", &out->offset, err);
}

static Status read_modifiers(Reader *reader, const Json *node, SqlQuery *query, Error *err) {
        const Json *array;
        TRY(want_array(node, "modifiers", &array, err));
        query->modifier_count = json_count(array);
        query->modifiers = ARENA_ARRAY(reader->arena, SqlModifier, query->modifier_count);
        for (size_t i = 0; i < query->modifier_count; i++)
                TRY(read_modifier(reader, json_at(array, i), &query->modifiers[i], err));
        for (size_t i = 0; i < query->modifier_count; i++)
                if (query->modifiers[i].kind == SQL_MODIFY_DISTINCT && (i > 0 || query->kind != SQL_SELECT_NODE))
                        return refuse(reader, err, "the clause", STR("DISTINCT"));
        return STATUS_OK;
}

static Status read_group_sets(Reader *reader, const Json *node, SqlQuery *query, Error *err) {
        const Json *sets;
        TRY(want_array(node, "group_sets", &sets, err));
        query->select.group_set_count = json_count(sets);
        query->select.group_sets = ARENA_ARRAY(reader->arena, SqlGroupSet, query->select.group_set_count);
        for (size_t i = 0; i < query->select.group_set_count; i++) {
                const Json *set = json_at(sets, i);
                SqlGroupSet *out = &query->select.group_sets[i];
                if (set->kind != JSON_ARRAY)
                        return broken(err, "group_sets");
                out->count = json_count(set);
                out->items = ARENA_ARRAY(reader->arena, uint32_t, out->count);
                for (size_t k = 0; k < out->count; k++) {
                        int64_t index = json_integer(json_at(set, k), -1);
                        if (index < 0 || (size_t)index >= query->select.groups.count)
                                return broken(err, "group_sets");
                        out->items[k] = (uint32_t)index;
                }
        }
        return STATUS_OK;
}

static Status read_select(Reader *reader, const Json *node, SqlQuery *query, Error *err) {
        static const char *const handlings[] = { "STANDARD_HANDLING", "FORCE_AGGREGATES" };
        int handling;
        READ_WORD(node, "aggregate_handling", handlings, "GROUP BY", &handling);
        query->select.group_all = handling == 1;
        TRY(read_exprs(reader, node, "select_list", &query->select.list, err));
        if (query->select.list.count == 0)
                return broken(err, "select_list");
        TRY(read_from(reader, json_get(node, "from_table"), &query->select.from, err));
        TRY(read_optional(reader, node, "where_clause", &query->select.where, err));
        TRY(read_exprs(reader, node, "group_expressions", &query->select.groups, err));
        TRY(read_group_sets(reader, node, query, err));
        TRY(read_optional(reader, node, "having", &query->select.having, err));
        TRY(read_optional(reader, node, "qualify", &query->select.qualify, err));
        return read_sample(reader, node, "sample", &query->select.sample, err);
}

static Status read_set_operation(Reader *reader, const Json *node, SqlQuery *query, Error *err) {
        static const char *const ops[] = { "UNION", "UNION_BY_NAME", "INTERSECT", "EXCEPT" };
        int op;
        READ_WORD(node, "setop_type", ops, "the set operation", &op);
        query->set.op = (SqlSetOp)op;
        TRY(read_flag(node, "setop_all", &query->set.all, err));
        const Json *children;
        TRY(want_array(node, "children", &children, err));
        query->set.child_count = json_count(children);
        query->set.children = ARENA_ARRAY(reader->arena, SqlQuery *, query->set.child_count);
        if (query->set.child_count < 2)
                return broken(err, "a set operation");
        for (size_t i = 0; i < query->set.child_count; i++)
                TRY(read_query(reader, json_at(children, i), &query->set.children[i], err));
        return STATUS_OK;
}

static Status read_recursive(Reader *reader, const Json *node, SqlQuery *query, Error *err) {
        TRY(read_text(node, "cte_name", &query->recursive.name, err));
        TRY(read_flag(node, "union_all", &query->recursive.all, err));
        TRY(read_names(reader, node, "aliases", &query->recursive.aliases, err));
        TRY(read_exprs(reader, node, "key_targets", &query->recursive.keys, err));
        TRY(read_query(reader, json_get(node, "left"), &query->recursive.left, err));
        return read_query(reader, json_get(node, "right"), &query->recursive.right, err);
}

typedef struct QueryClass {
        const char *word;
        const Key *keys;
        size_t key_count;
        Status (*read)(Reader *reader, const Json *node, SqlQuery *query, Error *err);
} QueryClass;

#define QUERY(word, function, ...)                                                               \
        {                                                                                        \
                word, (const Key[]){ QUERY_KEYS, __VA_ARGS__ },                                  \
                        sizeof((const Key[]){ QUERY_KEYS, __VA_ARGS__ }) / sizeof(Key), function \
        }

static const QueryClass query_classes[] = {
        [SQL_SELECT_NODE] = QUERY("SELECT_NODE", read_select, { "select_list", KEY_READ }, { "from_table", KEY_READ },
                                  { "where_clause", KEY_READ }, { "group_expressions", KEY_READ },
                                  { "group_sets", KEY_READ }, { "aggregate_handling", KEY_READ },
                                  { "having", KEY_READ }, { "sample", KEY_READ }, { "qualify", KEY_READ }),
        [SQL_SET_OPERATION_NODE] = QUERY("SET_OPERATION_NODE", read_set_operation, { "setop_type", KEY_READ },
                                         { "setop_all", KEY_READ }, { "children", KEY_READ }, { "left", KEY_NONE },
                                         { "right", KEY_NONE }),
        [SQL_RECURSIVE_CTE_NODE] = QUERY("RECURSIVE_CTE_NODE", read_recursive, { "cte_name", KEY_READ },
                                         { "union_all", KEY_READ }, { "left", KEY_READ }, { "right", KEY_READ },
                                         { "aliases", KEY_READ }, { "key_targets", KEY_READ }),
};

static Status refuse_query(Reader *reader, Str word, Error *err) {
        static const struct {
                const char *word, *verb;
        } writes[] = {
                { "INSERT_QUERY_NODE", "INSERT" }, { "UPDATE_QUERY_NODE", "UPDATE" }, { "DELETE_QUERY_NODE", "DELETE" },
                { "COPY_QUERY_NODE", "COPY" },     { "MERGE_QUERY_NODE", "MERGE" },
        };
        for (size_t i = 0; i < COUNT_OF(writes); i++) {
                if (!str_is(word, writes[i].word))
                        continue;
                error_set(err, STATUS_SQL_REFUSED, "%s inside a query is not allowed: a query reads", writes[i].verb);
                error_hint(err, "tables are written by sources and models; results go to files with lode query -o csv");
                return sql_error_place(err, reader->tree, reader->place);
        }
        return refuse(reader, err, "the query", word);
}

static Status read_query(Reader *reader, const Json *node, SqlQuery **out, Error *err) {
        if (!node || node->kind != JSON_OBJECT)
                return broken(err, "a query");
        TRY(descend(reader, err));
        bool in_cte = reader->in_cte;
        reader->in_cte = false;
        Str word;
        TRY(read_text(node, "type", &word, err));
        const QueryClass *class = NULL;
        SqlQuery *query = ARENA_NEW(reader->arena, SqlQuery);
        for (size_t i = 0; i < COUNT_OF(query_classes) && !class; i++) {
                if (!str_is(word, query_classes[i].word))
                        continue;
                class = &query_classes[i];
                query->kind = (SqlQueryKind)i;
        }
        if (!class)
                return refuse_query(reader, word, err);
        if (query->kind == SQL_RECURSIVE_CTE_NODE && !in_cte)
                return broken(err, "a recursive query outside of WITH");
        TRY(check_keys(reader, node, class->keys, class->key_count, class->word, err));
        TRY(read_ctes(reader, node, query, err));
        TRY(class->read(reader, node, query, err));
        TRY(read_modifiers(reader, node, query, err));
        reader->depth--;
        *out = query;
        return STATUS_OK;
}

/* ---- the document ---- */

/* NO_LOCATION outside of strings becomes -1, padded with blanks. */
static Str without_big_numbers(Arena *arena, Str json) {
        Str copy = arena_str(arena, json);
        char *bytes = (char *)(uintptr_t)copy.data; /* our own copy */
        size_t length = sizeof(NO_LOCATION) - 1;
        bool in_string = false;
        for (size_t i = 0; i < copy.size; i++) {
                if (in_string && bytes[i] == '\\') {
                        i++;
                } else if (bytes[i] == '"') {
                        in_string = !in_string;
                } else if (!in_string && bytes[i] == '1' && copy.size - i >= length &&
                           memcmp(bytes + i, NO_LOCATION, length) == 0) {
                        memset(bytes + i, ' ', length);
                        memcpy(bytes + i, "-1", 2);
                        i += length - 1;
                }
        }
        return copy;
}

static Status read_failure(const SqlTree *tree, const Json *document, Error *err) {
        if (!str_is(json_string(json_get(document, "error_type")), "parser")) {
                error_set(err, STATUS_SQL_REFUSED, "only SELECT can be asked here");
                return sql_error_place(err, tree, (SqlPlace){ 0, 0 });
        }
        int64_t position = -1;
        str_to_int64(json_string(json_get(document, "position")), &position);
        error_set(err, STATUS_SQL_SYNTAX, "the SQL cannot be parsed: %.*s",
                  STR_ARG(json_string(json_get(document, "error_message"))));
        if (position < 0 || position > (int64_t)tree->text.size)
                return err->status;
        return sql_error_place(err, tree, (SqlPlace){ (uint32_t)position, 0 });
}

static Status read_document(Reader *reader, const Json *document, Error *err) {
        static const Key keys[] = { { "error", KEY_NONE }, { "statements", KEY_READ } };
        if (document->kind != JSON_OBJECT)
                return broken(err, "not an object");
        if (json_bool(json_get(document, "error"), false))
                return read_failure(reader->tree, document, err);
        CHECK_KEYS(document, keys, "the document");
        const Json *statements;
        TRY(want_array(document, "statements", &statements, err));
        if (json_count(statements) != 1) {
                error_set(err, STATUS_SQL_REFUSED, "one statement at a time; this text has %zu",
                          json_count(statements));
                return sql_error_place(err, reader->tree, (SqlPlace){ 0, 0 });
        }
        return read_inner(reader, json_at(statements, 0), &reader->tree->query, err);
}

/* The reader's own words are about the engine's tree, which is not the user's text. */
static Status too_deep(Error *err) {
        *err = (Error){ 0 };
        error_set(err, STATUS_LIMIT, "the statement is nested too deeply");
        return error_hint(err, "many joins, subqueries or CTEs stand inside each other: make some of them a model");
}

Status sql_tree_read(Str json, Str text, Str name, Arena *arena, SqlTree **out, Error *err) {
        if (text.size > SQL_TEXT_MAX)
                return error_set(err, STATUS_LIMIT, "the statement has %zu bytes; at most %u are read", text.size,
                                 SQL_TEXT_MAX);
        if (json.size > SQL_TREE_MAX)
                return error_set(err, STATUS_LIMIT, "the statement's syntax tree has %zu bytes; at most %u are read",
                                 json.size, SQL_TREE_MAX);
        Json *document;
        Status status = json_parse(without_big_numbers(arena, json), "syntax tree", arena, &document, err);
        if (status == STATUS_LIMIT)
                return too_deep(err);
        TRY(status);
        SqlTree *tree = ARENA_NEW(arena, SqlTree);
        *tree = (SqlTree){ .text = text, .name = name };
        Reader reader = { .tree = tree, .arena = arena, .place = { 0, 0 } };
        TRY(read_document(&reader, document, err));
        *out = tree;
        return STATUS_OK;
}

Status sql_error_place(Error *err, const SqlTree *tree, SqlPlace at) {
        if (at.offset == SQL_NOWHERE || at.offset > tree->text.size)
                return err->status;
        char name[256];
        snprintf(name, sizeof(name), "%.*s", STR_ARG(tree->name));
        return error_place(err, name, tree->text, at.offset);
}

SqlExpr *sql_make_constant(Arena *arena, SqlLiteral literal, Str text) {
        SqlExpr *expr = ARENA_NEW(arena, SqlExpr);
        expr->kind = SQL_CONSTANT;
        expr->at = (SqlPlace){ SQL_NOWHERE, 0 };
        expr->constant.literal = literal;
        expr->constant.text = text;
        return expr;
}

SqlExpr *sql_make_string(Arena *arena, Str text) {
        return sql_make_constant(arena, SQL_STRING, text);
}

void sql_make_row(Arena *arena, SqlFrom *from) {
        SqlExpr *call = from->function.call;
        SqlQuery *query = ARENA_NEW(arena, SqlQuery);
        if (from->alias.size == 0)
                from->alias = call->function.path.items[call->function.path.count - 1];
        *query = (SqlQuery){ .kind = SQL_SELECT_NODE };
        query->select.from = ARENA_NEW(arena, SqlFrom);
        *query->select.from = (SqlFrom){ .kind = SQL_FROM_EMPTY, .at = { SQL_NOWHERE, 0 } };
        query->select.list.items = ARENA_NEW(arena, SqlExpr *);
        query->select.list.items[0] = call;
        query->select.list.count = 1;
        call->alias = from->alias;
        from->kind = SQL_FROM_SUBQUERY;
        from->subquery = query;
}

SqlExpr *sql_make_column(Arena *arena, size_t count, const Str *parts) {
        SqlExpr *expr = ARENA_NEW(arena, SqlExpr);
        expr->kind = SQL_COLUMN_REF;
        expr->at = (SqlPlace){ SQL_NOWHERE, 0 };
        expr->column.items = ARENA_ARRAY(arena, Str, count);
        expr->column.count = count;
        memcpy(expr->column.items, parts, count * sizeof(Str));
        return expr;
}
