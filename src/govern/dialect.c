/* SPDX-License-Identifier: Apache-2.0 */
#include "govern/dialect.h"

#include "base/buf.h"
#include "base/vec.h"
#include "sql/allow.h"
#include "sql/client.h"
#include "sql/lexer.h"

typedef struct Dialect {
        const SqlTree *tree;
        Arena *arena;
        bool client; /* see dialect_apply() */
        bool about_catalog; /* the text names PostgreSQL's catalog, so it is written in PostgreSQL's SQL */
        const SqlExpr *in_from; /* the call that FROM is going over */
} Dialect;

static Str last_of(SqlNames path) {
        return path.count > 0 ? path.items[path.count - 1] : STR_NONE;
}

static bool is_system_schema(Str name) {
        return str_equal_nocase(name, STR("pg_catalog")) || str_equal_nocase(name, STR("information_schema"));
}

/* pg_catalog.name and information_schema.name: what is left is the name. */
static void strip_schema(SqlNames *path) {
        if (path->count == 2 && is_system_schema(path->items[0]))
                *path = (SqlNames){ path->items + 1, 1 };
}

static bool is_text(const SqlExpr *expr) {
        return expr->kind == SQL_CONSTANT && expr->constant.literal == SQL_STRING;
}

/* ---- nodes ---- */

static SqlExpr *make_like(const Dialect *dialect, const SqlExpr *old, SqlExprKind kind) {
        SqlExpr *expr = ARENA_NEW(dialect->arena, SqlExpr);
        *expr = (SqlExpr){ .kind = kind, .at = old->at, .alias = old->alias };
        return expr;
}

static SqlExprs list_of(const Dialect *dialect, size_t count, SqlExpr *const *items) {
        SqlExprs list = { ARENA_ARRAY(dialect->arena, SqlExpr *, count), count };
        if (count > 0)
                memcpy(list.items, items, count * sizeof(*items));
        return list;
}

static SqlExpr *make_template(const Dialect *dialect, const SqlExpr *old, const char *text, size_t count,
                              SqlExpr *const *arguments) {
        SqlExpr *expr = make_like(dialect, old, SQL_TEMPLATE);
        expr->template.text = str_of(text);
        expr->template.arguments = list_of(dialect, count, arguments);
        return expr;
}

static SqlNames one_name(const Dialect *dialect, Str name) {
        Str *item = ARENA_NEW(dialect->arena, Str);
        *item = name;
        return (SqlNames){ item, 1 };
}

SqlExpr *dialect_number(Arena *arena, int64_t number, SqlPlace at) {
        SqlExpr *expr = ARENA_NEW(arena, SqlExpr);
        *expr = (SqlExpr){ .kind = SQL_CONSTANT, .at = at };
        expr->constant.literal = SQL_INTEGER;
        expr->constant.text = arena_strf(arena, "%lld", (long long)number);
        return expr;
}

/* ---- array literals ---- */

static bool is_array_text(const SqlExpr *expr) {
        Str text = is_text(expr) ? str_trim(expr->constant.text) : STR_NONE;
        return text.size >= 2 && text.data[0] == '{' && text.data[text.size - 1] == '}';
}

/* The next element of {a,"b c",NULL}; *rest is moved behind it. */
static SqlExpr *take_element(const Dialect *dialect, Str *rest) {
        char *text = arena_alloc(dialect->arena, rest->size + 1);
        size_t size = 0, at = 0;
        bool quoted = false, was_quoted = false;
        for (; at < rest->size && (quoted || rest->data[at] != ','); at++) {
                char c = rest->data[at];
                if (c == '"') {
                        quoted = !quoted;
                        was_quoted = true;
                } else {
                        at += c == '\\' && at + 1 < rest->size;
                        text[size++] = rest->data[at];
                }
        }
        *rest = str_slice(*rest, at + 1, rest->size);
        Str value = was_quoted ? (Str){ text, size } : str_trim((Str){ text, size });
        SqlExpr *element = sql_make_string(dialect->arena, value);
        if (!was_quoted && str_equal_nocase(value, STR("NULL")))
                element->constant.literal = SQL_NULL;
        return element;
}

static SqlExprs elements_of(const Dialect *dialect, const SqlExpr *literal) {
        Str text = str_trim(literal->constant.text);
        Str rest = str_slice(text, 1, text.size - 1);
        VEC(SqlExpr *) elements = { 0 };
        while (str_trim(rest).size > 0)
                vec_push(dialect->arena, &elements, take_element(dialect, &rest));
        return (SqlExprs){ elements.items, elements.count };
}

static SqlExpr *array_of(const Dialect *dialect, const SqlExpr *literal) {
        SqlExpr *array = make_like(dialect, literal, SQL_OPERATOR);
        array->op.op = SQL_OP_ARRAY_CONSTRUCTOR;
        array->op.children = elements_of(dialect, literal);
        return array;
}

/* ---- int2vector and oidvector: by the name of the column, since only the catalog has them ---- */

static const struct {
        const char *relation, *column, *type;
} VECTORS[] = {
        { "pg_index", "indkey", "pg_int2vector" },         { "pg_index", "indclass", "pg_oidvector" },
        { "pg_index", "indoption", "pg_int2vector" },      { "pg_index", "indcollation", "pg_oidvector" },
        { "pg_proc", "proargtypes", "pg_oidvector" },      { "pg_trigger", "tgattr", "pg_int2vector" },
        { "pg_publication_rel", "prattrs", "pg_int2vector" }, { "pg_statistic_ext", "stxkeys", "pg_int2vector" },
        { "pg_partitioned_table", "partattrs", "pg_int2vector" }, { "pg_partitioned_table", "partclass", "pg_oidvector" },
        { "pg_partitioned_table", "partcollation", "pg_oidvector" },
};

/* The type's name; NULL where it is none. */
static const char *vector_type(const SqlExpr *expr) {
        if (expr->kind == SQL_CAST)
                return vector_type(expr->cast.child);
        for (size_t i = 0; expr->kind == SQL_COLUMN_REF && i < COUNT_OF(VECTORS); i++)
                if (str_equal_nocase(last_of(expr->column), str_of(VECTORS[i].column)))
                        return VECTORS[i].type;
        return NULL;
}

static bool is_vector(const SqlExpr *expr) {
        return vector_type(expr) != NULL;
}

static void shift_index(const Dialect *dialect, SqlExpr *expr) {
        if (expr->op.op == SQL_OP_ARRAY_EXTRACT && expr->op.children.count == 2 && is_vector(expr->op.children.items[0]))
                expr->op.children.items[1] = make_template(dialect, expr->op.children.items[1], "$1 + 1", 1,
                                                           &expr->op.children.items[1]);
}

/* || takes NULL for an empty array. That it is an array is known of these columns. */
static bool is_array_column(const SqlExpr *expr) {
        static const char *const names[] = { "reloptions", "relacl", "datacl", "nspacl", "attacl", "proacl" };
        for (size_t i = 0; expr->kind == SQL_COLUMN_REF && i < COUNT_OF(names); i++)
                if (str_equal_nocase(last_of(expr->column), str_of(names[i])))
                        return true;
        return false;
}

/* ---- types ---- */

static const struct {
        const char *name, *ours;
} TYPES[] = {
        { "oid", "pg_oid" },           { "xid", "pg_oid" },         { "cid", "pg_oid" },          { "xid8", "pg_oid" },
        { "name", "pg_name" },         { "sql_identifier", "pg_name" }, { "cardinal_number", "integer" },
        { "character_data", "varchar" }, { "yes_or_no", "varchar" }, { "time_stamp", "timestamptz" },
        { "jsonb", "json" },           { "aclitem", "varchar" },    { "cstring", "varchar" },     { "unknown", "varchar" },
        { "regoperator", "pg_oid" },   { "regoper", "pg_oid" },     { "regconfig", "pg_oid" },    { "regdictionary", "pg_oid" },
        { "pg_node_tree", "varchar" }, { "bpchar", "varchar" },     { "citext", "varchar" },
        { "int2vector", "pg_int2vector" }, { "oidvector", "pg_oidvector" },
};

static const struct {
        const char *name;
        ObjectKind kind;
        const char *name_of; /* template: the text of a number */
        const char *word;
} OBJECTS[] = {
#define TEXT_OF(relation) "CASE WHEN $1 = 0 THEN '-' ELSE coalesce((SELECT map(list(oid), list(name)) FROM {-." relation "})[$1], CAST($1 AS VARCHAR)) END"
        { "regclass", OBJECT_RELATION, TEXT_OF("relation_texts"), "relation" },
        { "regtype", OBJECT_TYPE, TEXT_OF("typenames"), "type" },
        { "regproc", OBJECT_PROCEDURE, TEXT_OF("procedure_texts"), "function" },
        { "regprocedure", OBJECT_PROCEDURE, TEXT_OF("procedure_texts"), "function" },
        { "regnamespace", OBJECT_SCHEMA, TEXT_OF("schema_texts"), "schema" },
        { "regrole", OBJECT_ROLE, TEXT_OF("role_texts"), "role" },
#undef TEXT_OF
};

static const char *const NUMBER_OF[] = { "to_regclass", "to_regtype", "to_regproc", "to_regnamespace", "to_regrole" };

static size_t find_object(const SqlExpr *type) {
        for (size_t i = 0; i < COUNT_OF(OBJECTS); i++)
                if (type->kind == SQL_TYPE && type->type.path.count <= 2 &&
                    str_equal_nocase(last_of(type->type.path), str_of(OBJECTS[i].name)))
                        return i;
        return COUNT_OF(OBJECTS);
}

bool dialect_object_kind(const SqlExpr *type, ObjectKind *out) {
        size_t i = find_object(type);
        if (i < COUNT_OF(OBJECTS))
                *out = OBJECTS[i].kind;
        return i < COUNT_OF(OBJECTS);
}

const char *dialect_object_word(ObjectKind kind) {
        for (size_t i = 0; i < COUNT_OF(OBJECTS); i++)
                if (OBJECTS[i].kind == kind)
                        return OBJECTS[i].word;
        return "object";
}

/* "char" is a type of its own; char is text of length 1. The tree does not tell them apart, the text does. */
static bool is_quoted_char(const Dialect *dialect, const SqlExpr *type) {
        SqlPlace at = type->at;
        Str written = at.offset == SQL_NOWHERE ? STR_NONE
                                               : str_slice(dialect->tree->text, at.offset, (size_t)at.offset + at.length);
        return str_find(written, STR("\"char\"")) < written.size;
}

static void change_type(const Dialect *dialect, SqlExpr *type) {
        strip_schema(&type->type.path);
        Str name = last_of(type->type.path);
        if (str_equal_nocase(name, STR("char")) && is_quoted_char(dialect, type))
                type->type.path = one_name(dialect, STR("pg_char"));
        for (size_t i = 0; i < COUNT_OF(TYPES); i++)
                if (str_equal_nocase(name, str_of(TYPES[i].name)))
                        type->type.path = one_name(dialect, str_of(TYPES[i].ours));
}

/* ---- casts ---- */

static bool is_text_type(const SqlExpr *type) {
        Str name = type->kind == SQL_TYPE ? last_of(type->type.path) : STR_NONE;
        return str_equal_nocase(name, STR("text")) || str_equal_nocase(name, STR("varchar")) ||
               str_equal_nocase(name, STR("name"));
}

static bool gives_text(const SqlExpr *expr) {
        static const char *const names[] = { "pg_get_serial_sequence", "quote_ident", "format", "concat", "lower", "||" };
        if (expr->kind == SQL_PARAMETER || (expr->kind == SQL_CAST && is_text_type(expr->cast.type)))
                return true;
        for (size_t i = 0; expr->kind == SQL_FUNCTION && i < COUNT_OF(names); i++)
                if (str_equal_nocase(last_of(expr->function.path), str_of(names[i])))
                        return true;
        return false;
}

/* To regclass and its like: constants are the binder's, texts are looked up, the rest is a number already. */
static void cast_to_object(const Dialect *dialect, SqlExpr **place, size_t object) {
        SqlExpr *cast = *place, *child = cast->cast.child;
        if (child->kind == SQL_CAST && is_text_type(child->cast.type) && is_text(child->cast.child))
                child = cast->cast.child = child->cast.child; /* a parameter's value */
        int64_t number;
        if (child->kind == SQL_CAST && is_text_type(child->cast.type) && is_text(child->cast.child)) /* a parameter's value */
                child = cast->cast.child = child->cast.child;
        if (is_text(child) && !str_to_int64(child->constant.text, &number)) {
                strip_schema(&cast->cast.type->type.path);
                return;
        }
        if (gives_text(child)) {
                const char *text = dialect_template(str_of(NUMBER_OF[OBJECTS[object].kind]), 1);
                SqlExpr *as_text = make_template(dialect, child, "CAST($1 AS VARCHAR)", 1, &child);
                *place = make_template(dialect, cast, text, 1, &as_text);
                return;
        }
        cast->cast.type->type.path = one_name(dialect, STR("pg_oid"));
}

/* Columns that are numbers of procedures and read as their names. */
static bool is_procedure(const SqlExpr *expr) {
        static const char *const names[] = { "typinput", "typoutput", "typreceive", "typsend", "typmodin", "typmodout",
                                             "typanalyze", "typsubscript", "amhandler" };
        for (size_t i = 0; expr->kind == SQL_COLUMN_REF && i < COUNT_OF(names); i++)
                if (str_equal_nocase(last_of(expr->column), str_of(names[i])))
                        return true;
        return false;
}

/* x::varchar(3) is cut to three characters; to the engine the number says nothing. */
static bool change_length(const Dialect *dialect, SqlExpr **place) {
        const SqlExpr *type = (*place)->cast.type;
        if (!is_text_type(type) || type->type.children.count != 1 || type->type.children.items[0]->kind != SQL_CONSTANT)
                return false;
        SqlExpr *both[] = { (*place)->cast.child, type->type.children.items[0] };
        *place = make_template(dialect, *place, "left(CAST($1 AS VARCHAR), $2)", 2, both);
        return true;
}

/* numeric without a size holds anything in PostgreSQL and three digits behind the point in the engine. A literal needs no
 * cast; of all else ten digits are kept, and more than 28 before the point are an error. */
static bool change_numeric(const Dialect *dialect, SqlExpr **place) {
        SqlExpr *cast = *place, *child = cast->cast.child, *type = cast->cast.type;
        if (type->kind != SQL_TYPE || type->type.children.count != 0 || !str_equal_nocase(last_of(type->type.path), STR("decimal")))
                return false;
        if (child->kind == SQL_CONSTANT && child->constant.literal == SQL_NUMERIC && str_find_byte(child->constant.text, '.') < child->constant.text.size &&
            str_find_byte(child->constant.text, 'e') == child->constant.text.size && str_find_byte(child->constant.text, 'E') == child->constant.text.size) {
                if (child->alias.size == 0)
                        child->alias = cast->alias;
                *place = child;
                return true;
        }
        SqlExpr *sizes[] = { dialect_number(dialect->arena, 38, type->at), dialect_number(dialect->arena, 10, type->at) };
        type->type.children = list_of(dialect, 2, sizes);
        return false;
}

static const char *object_text(ObjectKind kind) {
        for (size_t i = 0; i < COUNT_OF(OBJECTS); i++)
                if (OBJECTS[i].kind == kind)
                        return OBJECTS[i].name_of;
        return NULL;
}

static void change_cast(const Dialect *dialect, SqlExpr **place) {
        SqlExpr *cast = *place, *child = cast->cast.child, *type = cast->cast.type;
        size_t object = find_object(type);
        if (object < COUNT_OF(OBJECTS)) {
                cast_to_object(dialect, place, object);
                return;
        }
        size_t inner = child->kind == SQL_CAST ? find_object(child->cast.type) : COUNT_OF(OBJECTS);
        if (inner < COUNT_OF(OBJECTS) && is_text_type(type)) {
                bool by_name = is_text(child->cast.child) || gives_text(child->cast.child);
                *place = make_template(dialect, cast, OBJECTS[inner].name_of, 1, by_name ? &child : &child->cast.child);
                return;
        }
        if (is_text_type(type) && is_procedure(child)) {
                *place = make_template(dialect, cast, object_text(OBJECT_PROCEDURE), 1, &child);
                return;
        }
        if (dialect->client && (change_length(dialect, place) || change_numeric(dialect, place)))
                return;
        bool list = type->kind == SQL_TYPE && str_equal_nocase(last_of(type->type.path), STR("list"));
        if (list && is_array_text(child))
                cast->cast.child = array_of(dialect, child);
        else if (is_text_type(type) && is_vector(child))
                *place = make_template(dialect, cast, "array_to_string($1, ' ')", 1, &child);
}

/* ---- functions and operators ---- */

static SqlExpr *compare(const Dialect *dialect, const SqlExpr *old, SqlCompare op, SqlExpr *left, SqlExpr *right) {
        SqlExpr *expr = make_like(dialect, old, SQL_COMPARISON);
        expr->compare.op = op;
        expr->compare.left = left;
        expr->compare.right = right;
        return expr;
}

static const struct {
        const char *name;
        SqlCompare op;
} COMPARISONS[] = {
        { "=", SQL_EQUAL },       { "<>", SQL_NOT_EQUAL },    { "!=", SQL_NOT_EQUAL },
        { "<", SQL_LESS },        { "<=", SQL_LESS_EQUAL },   { ">", SQL_GREATER },
        { ">=", SQL_GREATER_EQUAL },
};

/* As the engine's parser makes them of the bare operators. */
static const struct {
        const char *name, *text;
} MATCHES[] = {
        { "~", "regexp_matches($1, $2)" },
        { "!~", "NOT regexp_matches($1, $2)" },
        { "~*", "regexp_matches($1, $2, 'i')" },
        { "!~*", "NOT regexp_matches($1, $2, 'i')" },
};

/* a OPERATOR(pg_catalog.op) b */
static void change_operator(const Dialect *dialect, SqlExpr **place) {
        SqlExpr *expr = *place;
        const SqlArguments *arguments = &expr->function.arguments;
        Str name = last_of(expr->function.path);
        strip_schema(&expr->function.path);
        if (arguments->count != 2)
                return;
        SqlExpr *sides[] = { arguments->items[0].expr, arguments->items[1].expr };
        for (size_t i = 0; i < COUNT_OF(COMPARISONS); i++)
                if (str_is(name, COMPARISONS[i].name))
                        *place = compare(dialect, expr, COMPARISONS[i].op, sides[0], sides[1]);
        for (size_t i = 0; i < COUNT_OF(MATCHES); i++)
                if (str_is(name, MATCHES[i].name))
                        *place = make_template(dialect, expr, MATCHES[i].text, 2, sides);
}

/* Functions that take a relation's number take its name too. */
static bool takes_relation(Str name) {
        static const char *const names[] = { "pg_relation_size", "pg_table_size", "pg_total_relation_size", "pg_indexes_size", "pg_get_viewdef",
                                             "has_table_privilege", "has_any_column_privilege", "has_column_privilege" };
        for (size_t i = 0; i < COUNT_OF(names); i++)
                if (str_equal_nocase(name, str_of(names[i])))
                        return true;
        return false;
}

/* Of privileges, a user may be named before it. */
static size_t relation_argument(Str name, size_t count) {
        size_t least = str_equal_nocase(name, STR("has_column_privilege")) ? 3 : 2;
        return str_starts_with(name, STR("has_")) && count > least ? 1 : 0;
}

static SqlExpr *as_relation(const Dialect *dialect, SqlExpr *expr) {
        if (!is_text(expr) && !gives_text(expr))
                return expr;
        SqlExpr *cast = make_like(dialect, expr, SQL_CAST), *type = make_like(dialect, expr, SQL_TYPE);
        type->type.path = one_name(dialect, STR("regclass"));
        cast->cast.child = expr;
        cast->cast.type = type;
        return cast;
}

/* Bounds of int2vector count from 0. */
static const char *vector_bound(Str name, const SqlArguments *arguments) {
        if (arguments->count != 2 || !is_vector(arguments->items[0].expr))
                return NULL;
        return str_equal_nocase(name, STR("array_upper"))   ? "len($1) - 1"
               : str_equal_nocase(name, STR("array_lower")) ? "0"
                                                            : NULL;
}

/* Under another name, and the same in all else: also as aggregates and over windows. */
static const char *const RENAMED[][2] = {
        { "every", "bool_and" },
        { "json_agg", "json_group_array" }, /* over windows; else see change_json_agg() */
        { "jsonb_agg", "json_group_array" },
        { "json_object_agg", "json_group_object" },
        { "jsonb_object_agg", "json_group_object" },
        { "json_build_object", "json_object" },
        { "jsonb_build_object", "json_object" },
        { "json_build_array", "json_array" },
        { "jsonb_build_array", "json_array" },
        { "jsonb_array_length", "json_array_length" },
};

static void rename_function(const Dialect *dialect, SqlNames *path) {
        strip_schema(path);
        for (size_t i = 0; path->count == 1 && i < COUNT_OF(RENAMED); i++)
                if (str_equal_nocase(path->items[0], str_of(RENAMED[i][0])))
                        *path = one_name(dialect, str_of(RENAMED[i][1]));
}

/* a LIKE b: in PostgreSQL a backslash makes the next character plain, in the engine none does unless ESCAPE says so. */
static bool change_like(const Dialect *dialect, SqlExpr *expr) {
        static const char *const names[][2] = { { "~~", "like_escape" }, { "!~~", "not_like_escape" }, { "~~*", "ilike_escape" }, { "!~~*", "not_ilike_escape" } };
        SqlArguments *arguments = &expr->function.arguments;
        if (!dialect->client || !expr->function.is_operator || arguments->count != 2)
                return false;
        const SqlExpr *pattern = arguments->items[1].expr;
        if (is_text(pattern) && str_find_byte(pattern->constant.text, '\\') == pattern->constant.text.size)
                return false;
        for (size_t i = 0; i < COUNT_OF(names); i++) {
                if (!str_is(last_of(expr->function.path), names[i][0]))
                        continue;
                SqlArgument *three = ARENA_ARRAY(dialect->arena, SqlArgument, 3);
                memcpy(three, arguments->items, 2 * sizeof(*three));
                three[2].expr = sql_make_string(dialect->arena, STR("\\"));
                *arguments = (SqlArguments){ three, 3 };
                expr->function.path = one_name(dialect, str_of(names[i][1]));
                expr->function.is_operator = false;
                return true;
        }
        return false;
}

/* to_char(t, 'YYYY-MM') and its like, where the pattern stands there and says the same in the engine's words. */
static bool change_format(const Dialect *dialect, SqlExpr **place) {
        static const struct {
                const char *name, *text;
        } functions[] = {
                { "to_char", "strftime($1, $2)" },
                { "to_date", "CAST(strptime($1, $2) AS DATE)" },
                { "to_timestamp", "CAST(strptime($1, $2) AS TIMESTAMPTZ)" },
        };
        const SqlArguments *arguments = &(*place)->function.arguments;
        Str format = STR_NONE;
        if (arguments->count != 2)
                return false;
        const SqlExpr *written = arguments->items[1].expr;
        if (written->kind == SQL_CAST && is_text_type(written->cast.type))
                written = written->cast.child;
        bool open = written->kind == SQL_PARAMETER || (written->kind == SQL_CONSTANT && written->constant.literal == SQL_NULL); /* no value yet, or none */
        if (!open && (!is_text(written) || !dialect_time_format(written->constant.text, dialect->arena, &format)))
                return false;
        SqlExpr *both[] = { arguments->items[0].expr, open ? arguments->items[1].expr : sql_make_string(dialect->arena, format) };
        for (size_t i = 0; i < COUNT_OF(functions); i++) {
                if (!str_equal_nocase(last_of((*place)->function.path), str_of(functions[i].name)))
                        continue;
                *place = make_template(dialect, *place, functions[i].text, 2, both);
                return true;
        }
        return false;
}

static Status see_column(void *context, SqlExpr **place, Error *err UNUSED) {
        *(bool *)context |= (*place)->kind == SQL_COLUMN_REF || (*place)->kind == SQL_POSITIONAL_REFERENCE;
        return STATUS_OK;
}

/* The part of a NULL that is written there, as a parameter is when it is described, is a double to the engine; of a day it is whole. */
static bool change_whole_part(const Dialect *dialect, SqlExpr **place) {
        static const char *const parts[] = { "year", "month", "day", "hour", "minute", "decade", "century", "millennium", "quarter", "week", "dow", "isodow", "doy", "isoyear", "microseconds" };
        SqlArgument *arguments = (*place)->function.arguments.items;
        bool has_column = false;
        SqlVisitor visitor = { .expr = see_column, .context = &has_column };
        Error ignored;
        sql_visit_expr(&arguments[1].expr, &visitor, &ignored);
        for (size_t i = 0; !has_column && i < COUNT_OF(parts); i++) {
                if (!str_equal_nocase(arguments[0].expr->constant.text, str_of(parts[i])))
                        continue;
                *place = make_template(dialect, *place, arena_printf(dialect->arena, "CAST(date_part('%s', $1) AS BIGINT)", parts[i]), 1, &arguments[1].expr);
                return true;
        }
        return false;
}

/* Seconds have a fraction in PostgreSQL, the engine's parts are whole; centuries begin with the year 1, not 0. */
static bool change_part(const Dialect *dialect, SqlExpr **place) {
        static const struct {
                const char *function, *part, *text;
        } parts[] = {
                { "date_part", "second", "date_part('microseconds', $1) / 1000000.0" },
                { "date_part", "seconds", "date_part('microseconds', $1) / 1000000.0" },
                { "date_part", "milliseconds", "date_part('microseconds', $1) / 1000.0" },
                { "date_trunc", "century", "date_trunc('century', $1 - INTERVAL 1 YEAR) + INTERVAL 1 YEAR" },
                { "date_trunc", "millennium", "date_trunc('millennium', $1 - INTERVAL 1 YEAR) + INTERVAL 1 YEAR" },
        };
        const SqlArguments *arguments = &(*place)->function.arguments;
        Str name = last_of((*place)->function.path);
        if (!dialect->client || arguments->count != 2 || !is_text(arguments->items[0].expr))
                return false;
        for (size_t i = 0; i < COUNT_OF(parts); i++) {
                if (!str_equal_nocase(name, str_of(parts[i].function)) || !str_equal_nocase(arguments->items[0].expr->constant.text, str_of(parts[i].part)))
                        continue;
                *place = make_template(dialect, *place, parts[i].text, 1, &arguments->items[1].expr);
                return true;
        }
        return str_equal_nocase(name, STR("date_part")) && change_whole_part(dialect, place);
}

/* The engine's own is a macro, which knows no ORDER BY, FILTER or DISTINCT; a list does. */
static bool change_json_agg(const Dialect *dialect, SqlExpr **place) {
        SqlExpr *expr = *place;
        Str name = last_of(expr->function.path);
        if (expr->function.path.count != 1 || expr->function.arguments.count != 1 ||
            (!str_equal_nocase(name, STR("json_agg")) && !str_equal_nocase(name, STR("jsonb_agg"))))
                return false;
        SqlExpr *list = make_like(dialect, expr, SQL_FUNCTION);
        list->alias = STR("");
        list->function = expr->function;
        list->function.path = one_name(dialect, STR("list"));
        *place = make_template(dialect, expr, "to_json($1)", 1, &list);
        return true;
}

/* What one of format()'s marks gives, of argument $N. */
static const char *mark_text(char mark) {
        switch (mark) {
        case 's':
                return "coalesce(CAST($N AS VARCHAR), '')";
        case 'L':
                return "CASE WHEN $N IS NULL THEN 'NULL' ELSE '''' || replace(CAST($N AS VARCHAR), '''', '''''') || '''' END";
        case 'I':
                return "CASE WHEN regexp_full_match($N, '[a-z_][a-z0-9_$]*') THEN $N ELSE '\"' || replace($N, '\"', '\"\"') || '\"' END";
        default:
                return NULL;
        }
}

/* format('%s of %I', a, b), where the format stands there: to the engine {} are the marks, and %s is text. Other marks than %s, %I
 * and %L are left, and so are formats without any. */
static bool change_printf(const Dialect *dialect, SqlExpr **place) {
        CLEANUP(buf_deinit) Buf text = { 0 };
        const SqlArguments *arguments = &(*place)->function.arguments;
        SqlExpr *items[9];
        size_t count = 0, next = 1;
        if (!dialect->client || !str_equal_nocase(last_of((*place)->function.path), STR("format")) || arguments->count < 2 || arguments->count > 5 ||
            !is_text(arguments->items[0].expr))
                return false;
        Str rest = arguments->items[0].expr->constant.text, head;
        while (str_cut(rest, '%', &head, &rest)) {
                const char *mark = rest.size > 0 ? mark_text(rest.data[0]) : NULL;
                if (!mark || next == arguments->count)
                        return false;
                items[count++] = sql_make_string(dialect->arena, head);
                items[count++] = arguments->items[next++].expr;
                buf_printf(&text, "$%zu || ", count - 1);
                for (const char *at = mark; *at; at++)
                        buf_append_byte(&text, *at == 'N' && at > mark && at[-1] == '$' ? (char)('0' + count) : *at);
                buf_append_cstr(&text, " || ");
                rest = str_slice(rest, 1, rest.size);
        }
        if (next != arguments->count)
                return false;
        items[count++] = sql_make_string(dialect->arena, head);
        buf_printf(&text, "$%zu", count);
        *place = make_template(dialect, *place, arena_cstr(dialect->arena, buf_view(&text)), count, items);
        return true;
}

static void change_function(const Dialect *dialect, SqlExpr **place) {
        SqlExpr *expr = *place;
        const SqlArguments *arguments = &expr->function.arguments;
        if (expr->function.is_operator && expr->function.path.count == 2) {
                change_operator(dialect, place);
                return;
        }
        strip_schema(&expr->function.path);
        if (change_json_agg(dialect, place))
                return;
        rename_function(dialect, &expr->function.path);
        Str name = last_of(expr->function.path);
        if (expr->function.path.count != 1 || change_like(dialect, expr) || change_format(dialect, place) || change_part(dialect, place) ||
            change_printf(dialect, place))
                return;
        if (str_is(name, "||") && arguments->count == 2 && is_array_column(arguments->items[0].expr))
                expr->function.path = one_name(dialect, STR("list_concat"));
        /* Rows in PostgreSQL, a list in the engine. */
        if (dialect->about_catalog && expr != dialect->in_from && str_equal_nocase(name, STR("generate_series")) && arguments->count == 2) {
                SqlExpr *ends[] = { arguments->items[0].expr, arguments->items[1].expr };
                *place = make_template(dialect, expr, "unnest(generate_series($1, $2))", 2, ends);
                return;
        }
        const char *text = vector_bound(name, arguments);
        if (!text)
                text = dialect_template(name, arguments->count);
        if (!text)
                return;
        SqlExpr *items[4];
        for (size_t i = 0; i < arguments->count; i++)
                items[i] = arguments->items[i].expr;
        size_t relation = relation_argument(name, arguments->count);
        if (takes_relation(name) && relation < arguments->count)
                items[relation] = as_relation(dialect, items[relation]);
        *place = make_template(dialect, expr, text, arguments->count, items);
}

/* x = ANY (array), which the parser makes a subquery with unnest(); NULL if it is no such thing. */
static SqlExpr *any_array(const SqlExpr *expr) {
        const SqlQuery *query = expr->subquery.query;
        if (expr->subquery.kind != SQL_SUBQUERY_ANY || expr->subquery.compare != SQL_EQUAL ||
            query->kind != SQL_SELECT_NODE || query->select.from->kind != SQL_FROM_EMPTY || query->select.list.count != 1)
                return NULL;
        const SqlExpr *item = query->select.list.items[0];
        bool unnest = item->kind == SQL_FUNCTION && item->at.offset == SQL_NOWHERE &&
                      str_is(last_of(item->function.path), "unnest") && item->function.arguments.count == 1;
        return unnest ? item->function.arguments.items[0].expr : NULL;
}

static SqlExpr *in_list(const Dialect *dialect, const SqlExpr *old, SqlExpr *child, SqlExprs elements) {
        SqlExpr *in = make_like(dialect, old, SQL_OPERATOR);
        in->op.op = SQL_OP_IN;
        in->op.children = (SqlExprs){ ARENA_ARRAY(dialect->arena, SqlExpr *, elements.count + 1), elements.count + 1 };
        in->op.children.items[0] = child;
        memcpy(in->op.children.items + 1, elements.items, elements.count * sizeof(SqlExpr *));
        return in;
}

/* ARRAY(SELECT ...) in the place of a query, which the parser makes an aggregate of that SELECT; NULL if it is no such thing. */
static SqlQuery *array_query(const SqlQuery *query) {
        if (query->kind != SQL_SELECT_NODE || query->select.list.count != 1 || query->select.from->kind != SQL_FROM_SUBQUERY)
                return NULL;
        const SqlExpr *item = query->select.list.items[0], *list = item->kind == SQL_CASE ? item->when.otherwise : item;
        bool aggregate = list->kind == SQL_FUNCTION && str_is(last_of(list->function.path), "array_agg") && list->function.arguments.count == 1 &&
                         list->function.arguments.items[0].expr->kind == SQL_POSITIONAL_REFERENCE;
        return aggregate && list != item ? query->select.from->subquery : NULL;
}

static void change_any(const Dialect *dialect, SqlExpr **place) {
        SqlQuery *rows = (*place)->subquery.kind == SQL_SUBQUERY_ANY ? array_query((*place)->subquery.query) : NULL;
        if (rows) /* x = ANY (ARRAY(SELECT ...)) asks what x = ANY (SELECT ...) asks */
                (*place)->subquery.query = rows;
        SqlExpr *expr = *place, *array = any_array(expr);
        if (!array)
                return;
        const SqlExpr *literal = array->kind == SQL_CAST ? array->cast.child : array;
        if (is_array_text(literal)) {
                SqlExprs elements = elements_of(dialect, literal);
                if (elements.count > 0)
                        *place = in_list(dialect, expr, expr->subquery.child, elements);
                return;
        }
        if (array->kind == SQL_OPERATOR && array->op.op == SQL_OP_ARRAY_CONSTRUCTOR && array->op.children.count > 0) {
                *place = in_list(dialect, expr, expr->subquery.child, array->op.children);
                return;
        }
        /* Not in a list that holds a NULL: nobody knows. A parameter has no value yet, and would pass for a text to len(). */
        SqlExpr *arguments[] = { array, expr->subquery.child };
        bool open = literal->kind == SQL_PARAMETER;
        *place = make_template(dialect, expr, open ? "list_contains($1, $2)" : "list_contains($1, $2) OR nullif(list_count($1) < len($1), true)", 2,
                               arguments);
}

/* polroles = '{0}'; coalesce(names, '{}') */
static void change_array_texts(const Dialect *dialect, SqlExpr *expr) {
        if (expr->kind == SQL_COMPARISON) {
                const SqlExpr *left = expr->compare.left;
                if (left->kind == SQL_COLUMN_REF && str_equal_nocase(last_of(left->column), STR("polroles")) &&
                    is_array_text(expr->compare.right))
                        expr->compare.right = array_of(dialect, expr->compare.right);
                return;
        }
        for (size_t i = 0; expr->op.op == SQL_OP_COALESCE && i < expr->op.children.count; i++)
                if (is_text(expr->op.children.items[i]) && str_is(expr->op.children.items[i]->constant.text, "{}"))
                        expr->op.children.items[i] = array_of(dialect, expr->op.children.items[i]);
}

static void change_collation(SqlExpr **place) {
        Str name = (*place)->collate.collation, schema, rest;
        if (str_cut(name, '.', &schema, &rest) && is_system_schema(schema))
                name = rest;
        if (!str_equal_nocase(name, STR("default")) && !str_equal_nocase(name, STR("C")) &&
            !str_equal_nocase(name, STR("POSIX")))
                return;
        SqlExpr *child = (*place)->collate.child;
        if (child->alias.size == 0)
                child->alias = (*place)->alias;
        *place = child;
}

/* From the greatest down, NULLs come first in PostgreSQL. */
static void change_orders(const Dialect *dialect, SqlOrders orders) {
        for (size_t i = 0; dialect->client && i < orders.count; i++)
                if (orders.items[i].type == SQL_ORDER_DESCENDING && orders.items[i].nulls == SQL_NULLS_DEFAULT && orders.items[i].expr->kind != SQL_STAR)
                        orders.items[i].nulls = SQL_NULLS_FIRST;
}

/* Quantiles leave NULLs out, and take no word about them. */
static bool orders_values(const SqlExpr *call) {
        Str name = last_of(call->function.path);
        return !str_starts_with(name, STR("quantile")) && !str_is(name, "mode");
}

static Status change_query(void *context, SqlQuery *query, Error *err UNUSED) {
        for (size_t i = 0; i < query->modifier_count; i++)
                change_orders(context, query->modifiers[i].orders);
        return STATUS_OK;
}

/* The catalog's own number of the relation that a row is of. It leads to descriptions, which nothing has but tables. */
static void change_column(const Dialect *dialect, SqlExpr **place) {
        SqlExpr *column = *place;
        if (!dialect->about_catalog || !str_equal_nocase(last_of(column->column), STR("tableoid")))
                return;
        *place = make_template(dialect, column, "CAST(NULL AS pg_oid)", 0, NULL);
        if (column->alias.size == 0)
                (*place)->alias = STR("tableoid");
}

/* The engine's parser makes regexp_full_match() of it: the text tells it from a call. */
static bool is_similar(const Dialect *dialect, const SqlExpr *call) {
        Str text = dialect->tree->text, word = STR("similar");
        return dialect->client && str_is(last_of(call->function.path), "regexp_full_match") && call->function.arguments.count >= 2 &&
               call->at.offset < text.size && str_equal_nocase(str_slice(text, call->at.offset, call->at.offset + word.size), word);
}

/* A text that is written out, or the value of a parameter. */
static bool literal_text(const SqlExpr *expr, Str *out) {
        if (expr->kind == SQL_CAST && is_text_type(expr->cast.type))
                expr = expr->cast.child;
        *out = is_text(expr) ? expr->constant.text : STR_NONE;
        return is_text(expr);
}

static Status refuse_similar(const Dialect *dialect, const SqlExpr *call, Error *err) {
        error_set(err, STATUS_SQL_REFUSED, "SIMILAR TO takes a pattern that is written out, and one character as its escape");
        error_hint(err, "x ~ y takes a regular expression that is computed");
        return sql_error_place(err, dialect->tree, call->at);
}

static Status change_similar(const Dialect *dialect, SqlExpr *call, Error *err) {
        SqlArguments *arguments = &call->function.arguments;
        const SqlExpr *written = arguments->items[1].expr;
        if (written->kind == SQL_CAST && is_text_type(written->cast.type))
                written = written->cast.child;
        Str pattern, escape = STR("\\"), regex;
        bool open = written->kind == SQL_PARAMETER || (written->kind == SQL_CONSTANT && written->constant.literal == SQL_NULL);
        if (open && arguments->count == 2) /* no value yet, or none */
                return STATUS_OK;
        if (!literal_text(written, &pattern) || (arguments->count > 2 && !literal_text(arguments->items[2].expr, &escape)))
                return refuse_similar(dialect, call, err);
        uint32_t point;
        if ((escape.size > 0 && utf8_decode(escape, 0, &point) != escape.size) || !dialect_similar(pattern, escape, dialect->arena, &regex))
                return refuse_similar(dialect, call, err);
        SqlExpr *text = make_like(dialect, written, SQL_CONSTANT);
        text->constant.literal = SQL_STRING;
        text->constant.text = regex;
        arguments->items[1].expr = text;
        arguments->count = 2;
        return STATUS_OK;
}

static Status change_expr(void *context, SqlExpr **place, Error *err) {
        const Dialect *dialect = context;
        if ((*place)->kind == SQL_COLLATE)
                change_collation(place);
        switch ((*place)->kind) {
        case SQL_COLUMN_REF:
                change_column(dialect, place);
                break;
        case SQL_FUNCTION:
                if (is_similar(dialect, *place))
                        TRY(change_similar(dialect, *place, err));
                if (orders_values(*place))
                        change_orders(dialect, (*place)->function.orders);
                change_function(dialect, place);
                break;
        case SQL_WINDOW:
                change_orders(dialect, (*place)->window.orders);
                change_orders(dialect, (*place)->window.argument_orders);
                rename_function(dialect, &(*place)->window.path);
                break;
        case SQL_CAST:
                change_cast(dialect, place);
                break;
        case SQL_TYPE:
                change_type(dialect, *place);
                break;
        case SQL_SUBQUERY:
                change_any(dialect, place);
                break;
        case SQL_OPERATOR:
                shift_index(dialect, *place);
                change_array_texts(dialect, *place);
                break;
        case SQL_COMPARISON:
                change_array_texts(dialect, *place);
                break;
        default:
                break;
        }
        return STATUS_OK;
}

static bool is_value(const SqlExpr *call, Str name) {
        return !sql_table_function_is_allowed(name) && (sql_function_is_allowed(name) || dialect_template(name, call->function.arguments.count));
}

/* Whether it becomes a SELECT of unnest()s. The engine's own WITH ORDINALITY over a list knows no t.*. */
static bool is_several(const SqlFrom *from, const SqlExpr *call, Str name) {
        bool list = str_equal_nocase(name, STR("unnest")) || str_equal_nocase(name, STR("generate_series")) || is_value(call, name);
        return str_is(name, SQL_ROWS_FROM) || (list && from->function.ordinality) ||
               (str_equal_nocase(name, STR("unnest")) && call->function.arguments.count > 1);
}

/* VALUES are called column1, column2 ... where nobody calls them otherwise; to the engine they are col0, col1. */
static void name_values(const Dialect *dialect, SqlFrom *from) {
        size_t count = from->values.row_count > 0 ? from->values.rows[0].count : 0;
        if (from->column_aliases.count > 0)
                return;
        Str *names = ARENA_ARRAY(dialect->arena, Str, count);
        for (size_t i = 0; i < count; i++)
                names[i] = arena_strf(dialect->arena, "column%zu", i + 1);
        from->column_aliases = (SqlNames){ names, count };
        if (from->alias.size == 0)
                from->alias = STR("valueslist");
}

/* Functions in FROM: of what they give there are relations, or nothing. */
static Status change_from(void *context, SqlFrom **place, Error *err) {
        Dialect *dialect = context;
        SqlFrom *from = *place;
        if (from->kind == SQL_FROM_VALUES && dialect->client)
                name_values(dialect, from);
        if (from->kind != SQL_FROM_FUNCTION)
                return STATUS_OK;
        SqlExpr *call = from->function.call;
        strip_schema(&call->function.path);
        dialect->in_from = call;
        Str name = last_of(call->function.path);
        if (str_equal_nocase(name, STR("pg_get_keywords"))) {
                Str *path = ARENA_ARRAY(dialect->arena, Str, 2);
                path[0] = STR("-");
                path[1] = STR("keywords");
                if (from->alias.size == 0)
                        from->alias = name;
                from->kind = SQL_FROM_TABLE;
                from->table.at = NULL;
                from->table.path = (SqlNames){ path, 2 };
        } else if (str_equal_nocase(name, STR("pg_partition_ancestors"))) {
                SqlExpr *nothing = make_template(dialect, call, "CAST([] AS BIGINT[])", 0, NULL);
                call->function.path = one_name(dialect, STR("unnest"));
                call->function.arguments.items[0].expr = nothing;
                call->function.arguments.count = 1;
                if (from->function.ordinality)
                        return dialect_rows(dialect->tree, from, dialect->arena, err);
        } else if (is_several(from, call, name)) {
                dialect->in_from = NULL;
                return dialect_rows(dialect->tree, from, dialect->arena, err);
        } else if (is_value(call, name)) {
                dialect->in_from = NULL;
                sql_make_row(dialect->arena, from);
        }
        return STATUS_OK;
}

/* Among the columns of an answer it is rows in PostgreSQL, a list in the engine. */
static bool change_series(const Dialect *dialect, SqlExpr **item) {
        static const char *const texts[] = {
                [2] = "unnest(generate_series($1, $2))", [3] = "unnest(generate_series($1, $2, $3))"
        };
        SqlExpr *call = *item;
        if (call->kind != SQL_FUNCTION || !str_equal_nocase(last_of(call->function.path), STR("generate_series")))
                return false;
        const SqlArguments *arguments = &call->function.arguments;
        if (arguments->count >= COUNT_OF(texts) || !texts[arguments->count])
                return false;
        SqlExpr *ends[3];
        for (size_t i = 0; i < arguments->count; i++)
                ends[i] = arguments->items[i].expr;
        *item = make_template(dialect, call, texts[arguments->count], arguments->count, ends);
        return true;
}

/* The engine finds no function for a list under another name, so only what goes out has it. */
static const char *vector_text(const Dialect *dialect, const char *type) {
        return arena_printf(dialect->arena, "CAST(CAST($1 AS VARCHAR) AS %s)", type);
}

static bool is_in_from(const SqlFrom *from, const char *name, Str alias) {
        if (from->kind == SQL_FROM_JOIN)
                return is_in_from(from->join.left, name, alias) || is_in_from(from->join.right, name, alias);
        if (from->kind != SQL_FROM_TABLE || !str_equal_nocase(last_of(from->table.path), str_of(name)))
                return false;
        return alias.size == 0 || str_equal_nocase(alias, from->alias.size > 0 ? from->alias : last_of(from->table.path));
}

/* Vectors among the columns of * and t.*: * REPLACE (...). */
static void change_star(const Dialect *dialect, const SqlFrom *from, SqlExpr *star) {
        SqlStarReplace *replaces = ARENA_ARRAY(dialect->arena, SqlStarReplace, COUNT_OF(VECTORS));
        size_t count = 0;
        if (!dialect->about_catalog || star->star.columns || star->star.exclude_count + star->star.replace_count + star->star.rename_count > 0)
                return;
        for (size_t i = 0; i < COUNT_OF(VECTORS); i++) {
                if (!is_in_from(from, VECTORS[i].relation, star->star.relation))
                        continue;
                Str parts[2] = { star->star.relation, str_of(VECTORS[i].column) };
                bool whole = star->star.relation.size == 0;
                SqlExpr *column = sql_make_column(dialect->arena, whole ? 1 : 2, whole ? parts + 1 : parts);
                replaces[count++] = (SqlStarReplace){ parts[1], make_template(dialect, star, vector_text(dialect, VECTORS[i].type), 1, &column) };
        }
        star->star.replaces = replaces;
        star->star.replace_count = count;
}

/* A vector that is itself a column of the answer has PostgreSQL's type, and a number of an object reads as its name. */
static void change_outputs(const Dialect *dialect, SqlQuery *query) {
        for (size_t i = 0; query->kind == SQL_SELECT_NODE && i < query->select.list.count; i++) {
                SqlExpr **item = &query->select.list.items[i];
                if ((*item)->kind == SQL_STAR)
                        change_star(dialect, query->select.from, *item);
                if ((*item)->kind == SQL_STAR || change_series(dialect, item))
                        continue;
                size_t object = (*item)->kind == SQL_CAST ? find_object((*item)->cast.type) : COUNT_OF(OBJECTS);
                if (object < COUNT_OF(OBJECTS)) {
                        Str alias = (*item)->alias.size > 0 ? (*item)->alias : str_of(OBJECTS[object].name);
                        *item = make_template(dialect, *item, OBJECTS[object].name_of, 1, item);
                        (*item)->alias = alias;
                }
                bool column = dialect->about_catalog && (*item)->kind == SQL_COLUMN_REF;
                const char *text = column && is_vector(*item)      ? vector_text(dialect, vector_type(*item))
                                   : column && is_procedure(*item) ? object_text(OBJECT_PROCEDURE)
                                                                   : NULL;
                if (!text)
                        continue;
                Str name = (*item)->alias.size > 0 ? (*item)->alias : last_of((*item)->column);
                *item = make_template(dialect, *item, text, 1, item);
                (*item)->alias = name;
        }
}

bool dialect_is_about_catalog(Str sql) {
        SqlLexer lexer = { .text = sql };
        for (SqlToken token = sql_lex(&lexer); token.kind != SQL_TOKEN_END; token = sql_lex(&lexer)) {
                bool word = token.kind == SQL_TOKEN_WORD || token.kind == SQL_TOKEN_NAME;
                Str begin = str_slice(token.text, token.kind == SQL_TOKEN_NAME, token.kind == SQL_TOKEN_NAME ? 4 : 3);
                if (word && (str_equal_nocase(begin, STR("pg_")) || str_equal_nocase(token.text, STR("information_schema"))))
                        return true;
        }
        return false;
}

Status dialect_apply(const SqlTree *tree, SqlQuery *query, bool client, Arena *arena, Error *err) {
        Dialect dialect = { .tree = tree, .arena = arena, .client = client, .about_catalog = dialect_is_about_catalog(tree->text) };
        SqlVisitor visitor = { .expr = change_expr, .from = change_from, .query = change_query, .context = &dialect };
        change_outputs(&dialect, query);
        return sql_visit_query(query, &visitor, err);
}
