/* SPDX-License-Identifier: Apache-2.0 */
#include "server/infer.h"

#include "engine/client_type.h"
#include "server/parameter.h"

#define SIBLING_NODES_MAX 100   /* of an expression that is asked for its type: it is copied */
#define COPIED_NODES_MAX 20000 /* of all of a statement's */

/* The number of a parameter that has one; 0 for every other expression. */
static size_t number_of(const Inferred *inferred, const SqlExpr *expr) {
        uint64_t number;
        bool is = expr && expr->kind == SQL_PARAMETER && str_to_uint64(expr->parameter, &number) && number >= 1 && number <= inferred->count;
        return is ? (size_t)number : 0;
}

static Str last_of(const SqlNames *path) {
        return path->count > 0 ? path->items[path->count - 1] : STR_NONE;
}

/* ---- what is written ---- */

/* OID of a type as it is written; of a list the array's. 0: not known here. */
static uint32_t oid_of_type(const SqlExpr *type) {
        if (type->kind != SQL_TYPE || type->type.path.count == 0)
                return 0;
        Str name = last_of(&type->type.path);
        if (str_is(name, "list") && type->type.children.count == 1)
                return parameter_array_of(oid_of_type(type->type.children.items[0]));
        bool array = name.size > 1 && name.data[0] == '_';
        uint32_t oid = parameter_oid_of_word(str_slice(name, array, name.size));
        if (array || oid != 0)
                return array ? parameter_array_of(oid) : oid;
        char upper[32] = "";
        for (size_t i = 0; i < name.size && i + 1 < sizeof(upper); i++)
                upper[i] = (char)(name.data[i] >= 'a' && name.data[i] <= 'z' ? name.data[i] - 'a' + 'A' : name.data[i]);
        return client_type_of(str_of(upper)).oid;
}

static void take_written(Inferred *inferred, const SqlExpr *expr, uint32_t oid) {
        size_t number = number_of(inferred, expr);
        if (number > 0 && inferred->types[number - 1] == 0)
                inferred->types[number - 1] = oid;
}

/* Of ARRAY[$1, $2]::int[] the elements. */
static void take_cast(Inferred *inferred, const SqlExpr *cast) {
        uint32_t oid = oid_of_type(cast->cast.type);
        const SqlExpr *child = cast->cast.child;
        take_written(inferred, child, oid);
        bool is_array = child->kind == SQL_OPERATOR && child->op.op == SQL_OP_ARRAY_CONSTRUCTOR;
        for (size_t i = 0; is_array && i < child->op.children.count; i++)
                take_written(inferred, child->op.children.items[i], client_type_element(oid));
}

/* What PostgreSQL's functions take where the engine's take more, or others stand in their place. */
static uint32_t oid_of_argument(Str name, size_t index, size_t count) {
        static const struct {
                const char *function;
                size_t count, index; /* of arguments, from 0 */
                uint32_t oid;
        } takes[] = {
                { "pg_sleep", 1, 0, OID_FLOAT8 },     { "pg_cancel_backend", 1, 0, OID_INT4 },{ "pg_terminate_backend", 1, 0, OID_INT4 },
                { "round", 1, 0, OID_FLOAT8 },        { "round", 2, 0, OID_NUMERIC },       { "round", 2, 1, OID_INT4 },
                { "trunc", 2, 0, OID_NUMERIC },       { "trunc", 2, 1, OID_INT4 },          { "abs", 1, 0, OID_FLOAT8 },
                { "@", 1, 0, OID_FLOAT8 },            { "+", 1, 0, OID_FLOAT8 },            { "floor", 1, 0, OID_FLOAT8 },        { "ceil", 1, 0, OID_FLOAT8 },
                { "ceiling", 1, 0, OID_FLOAT8 },      { "sign", 1, 0, OID_FLOAT8 },         { "substr", 2, 1, OID_INT4 },
                { "substring", 3, 1, OID_INT4 },      { "substring", 3, 2, OID_INT4 },      { "left", 2, 1, OID_INT4 },
                { "substr", 3, 1, OID_INT4 },         { "substr", 3, 2, OID_INT4 },         { "right", 2, 1, OID_INT4 },
                { "repeat", 2, 0, OID_TEXT },         { "repeat", 2, 1, OID_INT4 },         { "lpad", 3, 1, OID_INT4 },
                { "rpad", 3, 1, OID_INT4 },           { "split_part", 3, 2, OID_INT4 },     { "chr", 1, 0, OID_INT4 },
                { "make_date", 3, 0, OID_INT4 },      { "make_date", 3, 1, OID_INT4 },      { "make_date", 3, 2, OID_INT4 },
                { "lag", 2, 1, OID_INT4 },            { "lead", 2, 1, OID_INT4 },           { "ntile", 1, 0, OID_INT4 },
                { "nth_value", 2, 1, OID_INT4 },
        };
        for (size_t i = 0; i < COUNT_OF(takes); i++)
                if (takes[i].count == count && takes[i].index == index && str_equal_nocase(name, str_of(takes[i].function)))
                        return takes[i].oid;
        return 0;
}

static void take_arguments(Inferred *inferred, const SqlNames *path, const SqlArguments *arguments) {
        for (size_t i = 0; i < arguments->count && arguments->count <= 3; i++)
                take_written(inferred, arguments->items[i].expr, oid_of_argument(last_of(path), i, arguments->count));
}

/* Of a value whose text or cast says it; 0: another's. */
static uint32_t oid_of_value(const Inferred *inferred, const SqlExpr *expr) {
        size_t number = number_of(inferred, expr);
        int64_t integer;
        if (number > 0)
                return inferred->types[number - 1];
        if (expr->kind == SQL_CAST)
                return oid_of_type(expr->cast.type);
        if (expr->kind != SQL_CONSTANT)
                return 0;
        if (expr->constant.literal == SQL_INTEGER)
                return str_to_int64(expr->constant.text, &integer) && integer <= INT32_MAX ? OID_INT4 : OID_INT8;
        return expr->constant.literal == SQL_NUMERIC ? OID_NUMERIC : 0;
}

/* generate_series(from, to, step): numbers of one type, or moments and an interval. Of what stands in FROM the engine says nothing. */
static void take_series(Inferred *inferred, const SqlArguments *arguments) {
        uint32_t oid = 0;
        for (size_t i = 0; i < arguments->count && i < 3; i++) {
                uint32_t other = oid_of_value(inferred, arguments->items[i].expr);
                if (i < 2 || other != OID_INTERVAL)
                        oid = other == OID_INT8 || other == OID_NUMERIC || oid == 0 ? other : oid;
        }
        bool moments = oid == OID_DATE || oid == OID_TIMESTAMP || oid == OID_TIMESTAMPTZ;
        for (size_t i = 0; oid != 0 && i < arguments->count && i < 3; i++)
                take_written(inferred, arguments->items[i].expr, moments && i == 2 ? OID_INTERVAL : oid == OID_DATE ? OID_TIMESTAMPTZ : oid);
}

static Status see_written(void *context, SqlExpr **place, Error *err UNUSED) {
        Inferred *inferred = context;
        const SqlExpr *expr = *place;
        if (expr->kind == SQL_CAST)
                take_cast(inferred, expr);
        else if (expr->kind == SQL_FUNCTION && str_equal_nocase(last_of(&expr->function.path), STR("generate_series")))
                take_series(inferred, &expr->function.arguments);
        else if (expr->kind == SQL_FUNCTION)
                take_arguments(inferred, &expr->function.path, &expr->function.arguments);
        else if (expr->kind == SQL_WINDOW)
                take_arguments(inferred, &expr->window.path, &expr->window.arguments);
        return STATUS_OK;
}

Status infer_written(const SqlTree *tree, Inferred *inferred, Error *err) {
        SqlVisitor visitor = { .expr = see_written, .context = inferred };
        return inferred->count > 0 ? sql_visit_query(tree->query, &visitor, err) : STATUS_OK;
}

/* ---- what is asked ---- */

typedef struct Asking {
        Inferred *inferred;
        Arena *arena;
        size_t copied; /* nodes, so far */
} Asking;

static Status count_node(void *context, SqlExpr **place UNUSED, Error *err) {
        size_t *nodes = context;
        return ++*nodes > SIBLING_NODES_MAX ? error_set(err, STATUS_LIMIT, "not to be copied") : STATUS_OK;
}

/* A statement of a thousand values beside one large one would become a thousand times as large. */
static bool may_copy(Asking *asking, SqlExpr *expr, SqlQuery *query) {
        size_t nodes = 0;
        SqlVisitor visitor = { .expr = count_node, .context = &nodes };
        Error ignored;
        Status status = expr ? sql_visit_expr(&expr, &visitor, &ignored) : sql_visit_query(query, &visitor, &ignored);
        if (status != STATUS_OK || asking->copied + nodes > COPIED_NODES_MAX)
                return false;
        asking->copied += nodes;
        return true;
}

static char operator_of(const SqlExpr *expr) {
        static const char operators[] = "+-*/%";
        Str name = expr->kind == SQL_FUNCTION ? last_of(&expr->function.path) : STR_NONE;
        bool is = name.size == 1 && char_is_one_of(name.data[0], operators) && expr->function.arguments.count == 2;
        return is ? name.data[0] : '\0';
}

/* What gives an expression its type: of x + $1 that is x. A difference is of a type of its own. */
static SqlExpr *deciding(const Inferred *inferred, SqlExpr *expr) {
        while (operator_of(expr) && operator_of(expr) != '-') {
                const SqlArgument *sides = expr->function.arguments.items;
                size_t left = number_of(inferred, sides[0].expr), right = number_of(inferred, sides[1].expr);
                if ((left > 0) == (right > 0))
                        break;
                expr = left > 0 ? sides[1].expr : sides[0].expr;
        }
        return expr;
}

static void become_null(Asking *asking, SqlExpr **place) {
        if (number_of(asking->inferred, *place) > 0)
                *place = sql_make_constant(asking->arena, SQL_NULL, STR(""));
}

static SqlExpr *make_operator(Asking *asking, SqlOperator op, size_t count) {
        SqlExpr *expr = ARENA_NEW(asking->arena, SqlExpr);
        *expr = (SqlExpr){ .kind = SQL_OPERATOR, .at = { .offset = SQL_NOWHERE } };
        expr->op.op = op;
        expr->op.children = (SqlExprs){ ARENA_ARRAY(asking->arena, SqlExpr *, count), count };
        return expr;
}

/* $1 is as `other`: coalesce($1, other), or a NULL if that has no type of its own. Whether it is. */
static bool become_like(Asking *asking, SqlExpr **place, SqlExpr *other, char operator) {
        size_t number = number_of(asking->inferred, *place);
        if (number == 0)
                return false;
        if (!other || !may_copy(asking, other, NULL)) {
                become_null(asking, place);
                return false;
        }
        SqlExpr *coalesce = make_operator(asking, SQL_OP_COALESCE, 2);
        coalesce->alias = (*place)->alias;
        coalesce->op.children.items[0] = *place;
        coalesce->op.children.items[1] = sql_expr_copy(asking->arena, other);
        *place = coalesce;
        asking->inferred->operators[number - 1] = operator;
        return true;
}

/* Of two operands, or arguments, each is as the other. Whether one is now. */
static bool ask_pair(Asking *asking, SqlExpr **left, SqlExpr **right, char operator) {
        bool is_left = number_of(asking->inferred, *left) > 0, is_right = number_of(asking->inferred, *right) > 0;
        if (is_left && is_right)
                become_null(asking, right); /* PostgreSQL does not know either; of the left one the engine may */
        else if (is_left)
                return become_like(asking, left, deciding(asking->inferred, *right), operator);
        else if (is_right)
                return become_like(asking, right, deciding(asking->inferred, *left), operator);
        return false;
}

/* (x, y) beside ($1, $2) */
static void ask_rows(Asking *asking, SqlExpr *left, SqlExpr *right) {
        bool rows = left->kind == SQL_FUNCTION && right->kind == SQL_FUNCTION && str_is(last_of(&left->function.path), "row") &&
                    str_is(last_of(&right->function.path), "row") && left->function.arguments.count == right->function.arguments.count;
        for (size_t i = 0; rows && i < left->function.arguments.count; i++)
                ask_pair(asking, &left->function.arguments.items[i].expr, &right->function.arguments.items[i].expr, '\0');
}

/* x > ALL ($1), which is a question over unnest($1): it is an array of what x is. */
static void ask_array(Asking *asking, SqlExpr *any) {
        const SqlQuery *query = any->subquery.query;
        bool one = any->subquery.kind == SQL_SUBQUERY_ANY && any->subquery.compare != SQL_EQUAL && query->kind == SQL_SELECT_NODE &&
                   query->select.list.count == 1; /* of = ANY ($1) the engine tells */
        SqlExpr *call = one ? query->select.list.items[0] : NULL;
        if (!call || call->kind != SQL_FUNCTION || call->function.arguments.count != 1 || !str_is(last_of(&call->function.path), "unnest") ||
            number_of(asking->inferred, call->function.arguments.items[0].expr) == 0 || number_of(asking->inferred, any->subquery.child) > 0)
                return;
        SqlExpr *array = make_operator(asking, SQL_OP_ARRAY_CONSTRUCTOR, 1);
        array->op.children.items[0] = any->subquery.child;
        become_like(asking, &call->function.arguments.items[0].expr, array, '\0');
}

/* x + $1 becomes what $1 is asked as: what is wanted may be of another type, as in now() + $1, and the operator none of two alike.
 * Parameters of the other operand are asked in a condition, whose value is of no type that matters. */
static void take_place(Asking *asking, SqlExpr **place, SqlExpr *asked, SqlExpr *other) {
        SqlExpr *is_null = make_operator(asking, SQL_OP_IS_NULL, 1), *when = ARENA_NEW(asking->arena, SqlExpr);
        is_null->op.children.items[0] = other;
        *when = (SqlExpr){ .kind = SQL_CASE, .at = { .offset = SQL_NOWHERE }, .alias = (*place)->alias };
        when->when.whens = ARENA_NEW(asking->arena, SqlWhen);
        *when->when.whens = (SqlWhen){ is_null, asked };
        when->when.when_count = 1;
        when->when.otherwise = sql_make_constant(asking->arena, SQL_NULL, STR(""));
        *place = when;
}

static void ask_function(Asking *asking, SqlExpr **place) {
        SqlExpr *call = *place;
        static const char *const alike[] = { "mod", "generate_series", "nullif" };
        SqlArguments *arguments = &call->function.arguments;
        Str name = last_of(&call->function.path);
        char operator = operator_of(call);
        bool pair = operator != '\0';
        for (size_t i = 0; i < COUNT_OF(alike); i++)
                pair |= arguments->count >= 2 && str_equal_nocase(name, str_of(alike[i]));
        bool left = pair && number_of(asking->inferred, arguments->items[0].expr) > 0;
        bool asked = pair && ask_pair(asking, &arguments->items[0].expr, &arguments->items[1].expr, operator);
        if (asked && operator && operator != '-')
                take_place(asking, place, arguments->items[!left].expr, arguments->items[left].expr);
        if (pair && arguments->count == 3)
                become_like(asking, &arguments->items[2].expr, arguments->items[0].expr, '\0');
        if (arguments->count == 1 && str_is(name, "-"))
                become_null(asking, &arguments->items[0].expr);
}

/* The whole child as one value: SELECT x, y FROM t, asked for y, is (SELECT y FROM t). */
static SqlExpr *value_of(Asking *asking, const SqlQuery *query, size_t index) {
        SqlQuery *copy = sql_query_copy(asking->arena, query);
        copy->select.list = (SqlExprs){ &copy->select.list.items[index], 1 };
        copy->modifier_count = 0;
        SqlExpr *value = ARENA_NEW(asking->arena, SqlExpr);
        *value = (SqlExpr){ .kind = SQL_SUBQUERY, .at = { .offset = SQL_NOWHERE } };
        value->subquery.kind = SQL_SUBQUERY_SCALAR;
        value->subquery.query = copy;
        return value;
}

static bool has_column(const SqlQuery *query, size_t index) {
        if (query->kind != SQL_SELECT_NODE || index >= query->select.list.count)
                return false;
        for (size_t i = 0; i <= index; i++)
                if (query->select.list.items[i]->kind == SQL_STAR)
                        return false;
        return true;
}

/* A column of the children of a UNION. */
static void ask_column(Asking *asking, const SqlQuery *set, size_t index) {
        SqlExpr *value = NULL;
        for (size_t i = 0; i < set->set.child_count && !value; i++) {
                SqlQuery *child = set->set.children[i];
                if (has_column(child, index) && number_of(asking->inferred, child->select.list.items[index]) == 0 && may_copy(asking, NULL, child))
                        value = value_of(asking, child, index);
        }
        for (size_t i = 0; i < set->set.child_count; i++)
                if (has_column(set->set.children[i], index))
                        become_like(asking, &set->set.children[i]->select.list.items[index], value, '\0');
}

static Status ask_query(void *context, SqlQuery *query, Error *err UNUSED) {
        Asking *asking = context;
        if (query->kind == SQL_SET_OPERATION_NODE)
                for (size_t i = 0; query->set.child_count > 0 && has_column(query->set.children[0], i); i++)
                        ask_column(asking, query, i);
        else if (query->kind == SQL_SELECT_NODE)
                for (size_t i = 0; i < query->select.list.count; i++)
                        become_null(asking, &query->select.list.items[i]);
        return STATUS_OK;
}

/* VALUES: a column is as its first value that has a type. */
static Status ask_from(void *context, SqlFrom **place, Error *err UNUSED) {
        Asking *asking = context;
        SqlFrom *from = *place;
        if (from->kind == SQL_FROM_FUNCTION)
                ask_function(asking, &from->function.call);
        for (size_t k = 0; from->kind == SQL_FROM_VALUES && from->values.row_count > 0 && k < from->values.rows[0].count; k++) {
                SqlExpr *typed = NULL;
                for (size_t i = 0; i < from->values.row_count && !typed; i++)
                        if (number_of(asking->inferred, from->values.rows[i].items[k]) == 0)
                                typed = from->values.rows[i].items[k];
                for (size_t i = 0; i < from->values.row_count; i++)
                        become_like(asking, &from->values.rows[i].items[k], typed, '\0');
        }
        return STATUS_OK;
}

static Status ask_expr(void *context, SqlExpr **place, Error *err UNUSED) {
        Asking *asking = context;
        SqlExpr *expr = *place;
        if (expr->kind == SQL_FUNCTION)
                ask_function(asking, place);
        else if (expr->kind == SQL_OPERATOR && (expr->op.op == SQL_OP_IS_NULL || expr->op.op == SQL_OP_IS_NOT_NULL) && expr->op.children.count == 1)
                become_null(asking, &expr->op.children.items[0]);
        else if (expr->kind == SQL_SUBQUERY)
                ask_array(asking, expr);
        else if (expr->kind == SQL_COMPARISON)
                ask_rows(asking, expr->compare.left, expr->compare.right);
        else if (expr->kind == SQL_OPERATOR && (expr->op.op == SQL_OP_IN || expr->op.op == SQL_OP_NOT_IN))
                for (size_t i = 1; i < expr->op.children.count; i++)
                        ask_rows(asking, expr->op.children.items[0], expr->op.children.items[i]);
        return STATUS_OK;
}

typedef struct Numbering {
        Inferred *inferred;
        size_t *numbers; /* new ones, by the old one less 1; 0: none yet */
        Arena *arena;
} Numbering;

static Status number_anew(void *context, SqlExpr **place, Error *err UNUSED) {
        const Numbering *numbering = context;
        Inferred *inferred = numbering->inferred;
        size_t old = number_of(inferred, *place);
        if (old == 0)
                return STATUS_OK;
        size_t *number = &numbering->numbers[old - 1];
        if (*number == 0) {
                inferred->asked[inferred->asked_count++] = old - 1;
                *number = inferred->asked_count;
        }
        (*place)->parameter = arena_strf(numbering->arena, "%zu", *number);
        return STATUS_OK;
}

Status infer_ask(SqlTree *tree, Inferred *inferred, Arena *arena, Error *err) {
        Asking asking = { .inferred = inferred, .arena = arena };
        SqlVisitor visitor = { .expr = ask_expr, .from = ask_from, .query = ask_query, .context = &asking };
        TRY(sql_visit_query(tree->query, &visitor, err));
        inferred->asked = ARENA_ARRAY(arena, size_t, inferred->count);
        inferred->asked_count = 0;
        Numbering numbering = { inferred, ARENA_ARRAY(arena, size_t, inferred->count), arena };
        visitor = (SqlVisitor){ .expr = number_anew, .context = &numbering };
        return sql_visit_query(tree->query, &visitor, err);
}

/* ---- what the engine said ---- */

static bool is_moment(uint32_t oid) {
        return oid == OID_TIMESTAMP || oid == OID_TIMESTAMPTZ || oid == OID_TIME || oid == OID_TIMETZ;
}

void infer_take(Inferred *inferred, size_t index, uint32_t oid) {
        if (index >= inferred->asked_count)
                return;
        index = inferred->asked[index];
        char operator = inferred->operators[index];
        if (inferred->types[index] != 0)
                return;
        if (operator == '+' && is_moment(oid))
                oid = OID_INTERVAL;
        else if (operator == '+' && oid == OID_DATE)
                oid = OID_INT4;
        else if ((operator == '*' || operator == '/') && oid == OID_INTERVAL)
                oid = OID_FLOAT8;
        inferred->types[index] = oid;
}
