/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * SqlTree: one SELECT as data. It is read from the JSON that DuckDB 2.0.0's json_serialize_sql() gives (a worker
 * sends it, so it is not trusted), and it can hold only what was reviewed here: a node class, a key of a node, an
 * enum's word that this reader does not know ends as SQL_REFUSED, placed in the user's text. So INSERT, UPDATE,
 * DELETE and COPY inside a CTE, SHOW, and whatever a later engine adds have no form in this tree, and what has no
 * form cannot be printed and cannot run. Names (tables, functions, types) are not judged here: functions, types and
 * collations by allow.h, relations by govern/bind.h.
 *
 * Everything lives in the arena given to sql_tree_read(). The binder changes trees in place; sql_query_copy() makes
 * a tree of one's own. Plain data: any thread, one at a time.
 *
 * The JSON has no version field: this reader is tied to DuckDB 2.0.0, and whoever starts a worker compares the
 * version string that it reports.
 */
#include "base/error.h"
#include "base/json.h"

#define SQL_TEXT_MAX (1u << 20)  /* bytes of a statement */
#define SQL_TREE_MAX (16u << 20) /* bytes of its JSON */
#define SQL_DEPTH_MAX 200        /* nesting of expressions, queries and relations together */

typedef struct SqlExpr SqlExpr;
typedef struct SqlQuery SqlQuery;
typedef struct SqlFrom SqlFrom;

/* Where a node stands in the user's text, in bytes. offset is SQL_NOWHERE for nodes that the parser made itself. */
#define SQL_NOWHERE UINT32_MAX
typedef struct SqlPlace {
        uint32_t offset, length;
} SqlPlace;

typedef struct SqlNames {
        Str *items;
        size_t count;
} SqlNames;

typedef struct SqlExprs {
        SqlExpr **items;
        size_t count;
} SqlExprs;

/* Expressions, the engine's word for their class. */
#define SQL_EXPR_TABLE(X)       \
        X(CONSTANT)             \
        X(COLUMN_REF)           \
        X(FUNCTION)             \
        X(OPERATOR)             \
        X(COMPARISON)           \
        X(CONJUNCTION)          \
        X(BETWEEN)              \
        X(CASE)                 \
        X(CAST)                 \
        X(SUBQUERY)             \
        X(WINDOW)               \
        X(STAR)                 \
        X(LAMBDA)               \
        X(COLLATE)              \
        X(PARAMETER)            \
        X(POSITIONAL_REFERENCE) \
        X(TYPE)

typedef enum SqlExprKind {
#define X(name) SQL_##name,
        SQL_EXPR_TABLE(X)
#undef X
        SQL_TEMPLATE, /* put in by the binder: text of ours around expressions; never read from JSON */
} SqlExprKind;

typedef enum SqlLiteral { SQL_INTEGER, SQL_NUMERIC, SQL_STRING, SQL_BOOLEAN, SQL_NULL, SQL_HEX } SqlLiteral;

/* COMPARISON, and how a SUBQUERY of kind ANY compares. */
typedef enum SqlCompare {
        SQL_EQUAL,
        SQL_NOT_EQUAL,
        SQL_LESS,
        SQL_LESS_EQUAL,
        SQL_GREATER,
        SQL_GREATER_EQUAL,
        SQL_DISTINCT_FROM,
        SQL_NOT_DISTINCT_FROM,
} SqlCompare;

typedef enum SqlOperator {
        SQL_OP_NOT,
        SQL_OP_IS_NULL,
        SQL_OP_IS_NOT_NULL,
        SQL_OP_IN,
        SQL_OP_NOT_IN,
        SQL_OP_COALESCE,
        SQL_OP_TRY,
        SQL_OP_ARRAY_EXTRACT,
        SQL_OP_ARRAY_SLICE,
        SQL_OP_STRUCT_EXTRACT,
        SQL_OP_ARRAY_CONSTRUCTOR,
        SQL_OP_GROUPING,
        SQL_OP_UNPACK,
} SqlOperator;

typedef enum SqlSubqueryKind {
        SQL_SUBQUERY_SCALAR,
        SQL_SUBQUERY_EXISTS,
        SQL_SUBQUERY_NOT_EXISTS,
        SQL_SUBQUERY_ANY
} SqlSubqueryKind;

typedef enum SqlOrderType { SQL_ORDER_DEFAULT, SQL_ORDER_ASCENDING, SQL_ORDER_DESCENDING } SqlOrderType;
typedef enum SqlNullOrder { SQL_NULLS_DEFAULT, SQL_NULLS_FIRST, SQL_NULLS_LAST } SqlNullOrder;

typedef struct SqlOrder {
        SqlOrderType type;
        SqlNullOrder nulls;
        SqlExpr *expr;
} SqlOrder;

typedef struct SqlOrders {
        SqlOrder *items;
        size_t count;
} SqlOrders;

typedef struct SqlArgument {
        Str name; /* `name := expr`; empty = by position */
        SqlExpr *expr;
} SqlArgument;

typedef struct SqlArguments {
        SqlArgument *items;
        size_t count;
} SqlArguments;

typedef enum SqlFrame { /* an end of a window's frame */
                        SQL_FRAME_UNBOUNDED_PRECEDING,
                        SQL_FRAME_UNBOUNDED_FOLLOWING,
                        SQL_FRAME_CURRENT_ROW_RANGE,
                        SQL_FRAME_CURRENT_ROW_ROWS,
                        SQL_FRAME_CURRENT_ROW_GROUPS,
                        SQL_FRAME_PRECEDING_ROWS,
                        SQL_FRAME_FOLLOWING_ROWS,
                        SQL_FRAME_PRECEDING_RANGE,
                        SQL_FRAME_FOLLOWING_RANGE,
                        SQL_FRAME_PRECEDING_GROUPS,
                        SQL_FRAME_FOLLOWING_GROUPS,
} SqlFrame;

typedef enum SqlExclude {
        SQL_EXCLUDE_NOTHING,
        SQL_EXCLUDE_CURRENT_ROW,
        SQL_EXCLUDE_GROUP,
        SQL_EXCLUDE_TIES
} SqlExclude;

typedef struct SqlWhen {
        SqlExpr *when, *then;
} SqlWhen;

typedef struct SqlStarName { /* an excluded or renamed column of a star: column, or table.column */
        Str table, column;
        Str as; /* RENAME only */
} SqlStarName;

typedef struct SqlStarReplace {
        Str column;
        SqlExpr *expr;
} SqlStarReplace;

struct SqlExpr {
        SqlExprKind kind;
        SqlPlace at;
        Str alias; /* output name; also the name of a struct type's field */
        union {
                struct {
                        SqlLiteral literal;
                        Str text; /* as written, without quotes and with escapes resolved */
                } constant;
                SqlNames column; /* one to many parts, undecided: [table.]column[.field...] and longer */
                struct {
                        SqlNames path; /* [catalog.][schema.]name; the schema may be a column: x.upper() */
                        SqlArguments arguments;
                        bool is_operator, distinct;
                        SqlExpr *filter; /* or NULL */
                        SqlOrders orders;
                } function;
                struct {
                        SqlOperator op;
                        SqlExprs children;
                } op;
                struct {
                        SqlCompare op;
                        SqlExpr *left, *right;
                } compare;
                struct {
                        bool is_or;
                        SqlExprs children; /* two or more */
                } conjunction;
                struct {
                        SqlExpr *input, *lower, *upper;
                } between;
                struct {
                        SqlWhen *whens;
                        size_t when_count;
                        SqlExpr *otherwise; /* never NULL */
                } when;
                struct {
                        SqlExpr *child;
                        SqlExpr *type; /* kind SQL_TYPE */
                        bool try_cast;
                } cast;
                struct {
                        SqlSubqueryKind kind;
                        SqlQuery *query;
                        SqlExpr *child; /* ANY only: what is compared */
                        SqlCompare compare;
                } subquery;
                struct {
                        Str type; /* the engine's word: WINDOW_AGGREGATE, WINDOW_RANK ... */
                        SqlNames path;
                        SqlArguments arguments;
                        SqlExprs partitions;
                        SqlOrders orders, argument_orders;
                        SqlFrame start, end;
                        SqlExpr *start_expr, *end_expr; /* or NULL */
                        SqlExclude exclude;
                        SqlExpr *filter; /* or NULL */
                        bool distinct, ignore_nulls, has_ignore_nulls;
                } window;
                struct {
                        Str relation;  /* t.*; empty = all */
                        bool columns;  /* COLUMNS(...) */
                        SqlExpr *expr; /* COLUMNS('regex') or COLUMNS(lambda): pattern, or NULL */
                        SqlStarName *excludes, *renames;
                        size_t exclude_count, rename_count;
                        SqlStarReplace *replaces;
                        size_t replace_count;
                } star;
                struct {
                        SqlExpr *
                                parameters; /* a COLUMN_REF, or FUNCTION row(...) of them; for `->` possibly no lambda at all (JSON) */
                        SqlExpr *body;
                        bool arrow; /* written with -> */
                } lambda;
                struct {
                        SqlExpr *child;
                        Str collation;
                } collate;
                struct {
                        Str text; /* $1 to $9 stand for the arguments, each any number of times */
                        SqlExprs arguments;
                        Str tail;   /* after the text; nothing in it stands for anything else, such as in a type with names of fields */
                        bool whole; /* nor in the text */
                } template;
                Str parameter;    /* identifier: "1" for $1, "name" for $name */
                int64_t position; /* #1 */
                struct {
                        SqlNames path; /* INTEGER, DECIMAL, list, STRUCT ... */
                        SqlExprs
                                children; /* SQL_TYPE (list, map, array, struct and union fields: their alias) or SQL_CONSTANT */
                } type;
        };
};

typedef enum SqlSampleMethod { SQL_SAMPLE_SYSTEM, SQL_SAMPLE_BERNOULLI, SQL_SAMPLE_RESERVOIR } SqlSampleMethod;

typedef struct SqlSample {
        Str size; /* a number as text */
        bool percent, repeatable;
        SqlSampleMethod method;
        int64_t seed; /* -1 = none */
} SqlSample;

typedef enum SqlFromKind {
        SQL_FROM_EMPTY, /* no FROM */
        SQL_FROM_TABLE, /* BASE_TABLE: a relation or a CTE, by name */
        SQL_FROM_SUBQUERY,
        SQL_FROM_JOIN,
        SQL_FROM_FUNCTION, /* TABLE_FUNCTION */
        SQL_FROM_VALUES,   /* EXPRESSION_LIST */
        SQL_FROM_PIVOT,    /* and UNPIVOT */
        SQL_FROM_PRINTED,  /* put in by the binder: text of ours; never read from JSON */
} SqlFromKind;

typedef enum SqlJoinType {
        SQL_JOIN_INNER,
        SQL_JOIN_LEFT,
        SQL_JOIN_RIGHT,
        SQL_JOIN_FULL,
        SQL_JOIN_SEMI,
        SQL_JOIN_ANTI
} SqlJoinType;
typedef enum SqlJoinRef {
        SQL_REF_REGULAR,
        SQL_REF_NATURAL,
        SQL_REF_CROSS,
        SQL_REF_POSITIONAL,
        SQL_REF_ASOF
} SqlJoinRef;

typedef struct SqlPivotEntry {
        SqlExpr *expr; /* a value, or for UNPIVOT a column, a row of columns or a star */
        Str alias;
} SqlPivotEntry;

typedef struct SqlPivotColumn {
        SqlExprs expressions;   /* PIVOT: what is pivoted */
        SqlNames unpivot_names; /* UNPIVOT: name of the name column */
        SqlPivotEntry *entries;
        size_t entry_count;
} SqlPivotColumn;

struct SqlFrom {
        SqlFromKind kind;
        SqlPlace at;
        Str alias;
        SqlNames column_aliases;
        SqlSample *sample; /* or NULL */
        uint32_t source; /* a view that the binder put in (SUBQUERY): the text its places count in; 0 = as around it */
        union {
                struct {
                        SqlNames path;       /* 1 to 3 parts: zone, stage, name from the right */
                        SqlExpr *at;         /* AT (VERSION => at): as it was then; or NULL */
                        bool at_timestamp;   /* AT (TIMESTAMP => at) */
                } table;
                SqlQuery *subquery;
                struct {
                        SqlFrom *left, *right;
                        SqlJoinType type;
                        SqlJoinRef ref;
                        bool comma;         /* written as a list; prints so */
                        SqlExpr *condition; /* or NULL */
                        SqlNames using_columns;
                } join;
                struct {
                        SqlExpr *call; /* kind SQL_FUNCTION */
                        bool ordinality;
                } function;
                struct {
                        SqlExprs *rows;
                        size_t row_count;
                } values;
                struct {
                        SqlFrom *source;
                        SqlExprs aggregates;    /* PIVOT */
                        SqlNames unpivot_names; /* UNPIVOT: names of the value columns */
                        SqlPivotColumn *columns;
                        size_t column_count;
                        SqlNames groups;
                        bool include_nulls;
                } pivot;
                Str printed; /* a whole "(SELECT ...)" without alias */
        };
};

typedef enum SqlQueryKind { SQL_SELECT_NODE, SQL_SET_OPERATION_NODE, SQL_RECURSIVE_CTE_NODE } SqlQueryKind;
typedef enum SqlSetOp { SQL_UNION, SQL_UNION_BY_NAME, SQL_INTERSECT, SQL_EXCEPT } SqlSetOp;
typedef enum SqlMaterialize { SQL_MATERIALIZE_DEFAULT, SQL_MATERIALIZE_ALWAYS, SQL_MATERIALIZE_NEVER } SqlMaterialize;

typedef struct SqlCte {
        Str name;
        SqlNames aliases;
        SqlMaterialize materialize;
        SqlExprs keys; /* USING KEY */
        SqlQuery *query;
} SqlCte;

typedef enum SqlModifierKind { SQL_MODIFY_DISTINCT, SQL_MODIFY_ORDER, SQL_MODIFY_LIMIT } SqlModifierKind;

typedef struct SqlModifier {
        SqlModifierKind kind;
        SqlExprs distinct_on; /* DISTINCT; none = plain */
        SqlOrders orders;
        SqlExpr *limit, *offset; /* or NULL */
        bool percent;
} SqlModifier;

typedef struct SqlGroupSet {
        uint32_t *items; /* indexes into group expressions */
        size_t count;
} SqlGroupSet;

struct SqlQuery {
        SqlQueryKind kind;
        SqlCte *ctes;
        size_t cte_count;
        SqlModifier *modifiers;
        size_t modifier_count;
        union {
                struct {
                        SqlExprs list;
                        SqlFrom *from;                     /* never NULL */
                        SqlExpr *where, *having, *qualify; /* or NULL */
                        SqlExprs groups;
                        SqlGroupSet *group_sets;
                        size_t group_set_count;
                        bool group_all;    /* GROUP BY ALL */
                        SqlSample *sample; /* or NULL */
                } select;
                struct {
                        SqlSetOp op;
                        bool all;
                        SqlQuery **children;
                        size_t child_count;
                } set;
                struct {
                        Str name; /* the CTE it is the body of */
                        bool all;
                        SqlQuery *left, *right;
                        SqlNames aliases;
                        SqlExprs keys;
                } recursive;
        };
};

typedef struct SqlTree {
        Str text; /* the user's statement; places count its bytes */
        Str name; /* file that holds it, for errors; empty = typed */
        SqlQuery *query;
        SqlNames parameters; /* identifiers, each once */
} SqlTree;

/*
 * Reads the worker's JSON for `text`. SQL_SYNTAX with the user's place when the engine could not parse; SQL_REFUSED
 * for what has no form here (and for anything but exactly one statement); CORRUPT when the JSON is not what
 * json_serialize_sql() gives; LIMIT beyond the sizes above. text and name must outlive the tree.
 */
Status sql_tree_read(Str json, Str text, Str name, Arena *arena, SqlTree **out, Error *err);

SqlQuery *sql_query_copy(Arena *arena, const SqlQuery *query); /* deep; texts are shared */
SqlExpr *sql_expr_copy(Arena *arena, const SqlExpr *expr);

/* Calls visit for every expression, relation and query below (any of them may be NULL), parents first, in the order of
 * the text; each pointer may be replaced through its address. Visits subqueries too. Stops at the first failure. */
typedef struct SqlVisitor {
        Status (*expr)(void *context, SqlExpr **expr, Error *err);
        Status (*from)(void *context, SqlFrom **from, Error *err);
        Status (*query)(void *context, SqlQuery *query, Error *err);
        void *context;
        bool shallow; /* does not go into queries: for walkers that keep scopes and do that themselves */
} SqlVisitor;
Status sql_visit_query(SqlQuery *query, const SqlVisitor *visitor, Error *err);
Status sql_visit_expr(SqlExpr **expr, const SqlVisitor *visitor, Error *err);
Status sql_visit_from(SqlFrom **from, const SqlVisitor *visitor, Error *err);
/* What hangs on the query itself: list, FROM, WHERE ... and modifiers; not its CTEs, not its set operation's children,
 * and not the `query` call for itself. */
Status sql_visit_query_parts(SqlQuery *query, const SqlVisitor *visitor, Error *err);

/* Records a place of the tree's text in err and returns its status. */
Status sql_error_place(Error *err, const SqlTree *tree, SqlPlace at);

/* FROM f(x), where f gives one value: PostgreSQL takes it for a relation of one row, called and its column as the function or the
 * alias. Becomes (SELECT f(x) AS name). */
void sql_make_row(Arena *arena, SqlFrom *from);

/* Nodes made by us: no place. */
SqlExpr *sql_make_constant(Arena *arena, SqlLiteral literal, Str text);
SqlExpr *sql_make_string(Arena *arena, Str text);
SqlExpr *sql_make_column(Arena *arena, size_t count, const Str *parts);
