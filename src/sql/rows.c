/* SPDX-License-Identifier: Apache-2.0 */
#include "sql/rows.h"

#include "sql/allow.h"

#define FILE_COLUMN "_file"
#define ROW_COLUMN "_row"
#define MODEL_ALIAS "model"

/* The way from a query to the relation that its rows are of, one step per query. */
typedef struct Step Step;
struct Step {
        Step *outer; /* whose CTEs are in sight too */
        Step *inner; /* the query that this one's source is, or NULL at the relation */
        SqlQuery *query;
        SqlFrom *source; /* leftmost in its FROM */
};

typedef struct Search {
        Arena *arena;
        const char *why;
} Search;

static bool fail(Search *search, const char *why) {
        search->why = why;
        return false;
}

/* ---- conditions ---- */

/* Aggregates and unnest outside of subqueries; the walk is shallow, so it sees no others. */
static Status see_call(void *context, SqlExpr **place, Error *err UNUSED) {
        const SqlExpr *expr = *place;
        if (expr->kind != SQL_FUNCTION)
                return STATUS_OK;
        Str name = expr->function.path.items[expr->function.path.count - 1];
        if (sql_function_is_aggregate(name))
                *(const char **)context = "it aggregates";
        if (str_equal_nocase(name, STR("unnest")))
                *(const char **)context = "it unnests";
        return STATUS_OK;
}

static const char *item_that_mixes_rows(SqlExpr *item) {
        const char *why = NULL;
        SqlVisitor visitor = { .expr = see_call, .context = &why, .shallow = true };
        Error unused = { 0 };
        sql_visit_expr(&item, &visitor, &unused);
        return why;
}

static const char *call_that_mixes_rows(const SqlQuery *query) {
        const char *why = NULL;
        for (size_t i = 0; i < query->select.list.count && !why; i++)
                why = item_that_mixes_rows(query->select.list.items[i]);
        return why;
}

static bool preserves(Search *search, const SqlQuery *query) {
        if (query->kind == SQL_SET_OPERATION_NODE)
                return fail(search, "it is a set operation (UNION and the like)");
        if (query->kind == SQL_RECURSIVE_CTE_NODE)
                return fail(search, "it is recursive");
        if (query->select.groups.count > 0 || query->select.group_set_count > 0 || query->select.group_all ||
            query->select.having)
                return fail(search, "it groups rows");
        for (size_t i = 0; i < query->modifier_count; i++) {
                if (query->modifiers[i].kind == SQL_MODIFY_DISTINCT)
                        return fail(search, "it takes DISTINCT rows");
                if (query->modifiers[i].kind == SQL_MODIFY_LIMIT)
                        return fail(search, "it has a LIMIT");
        }
        if (query->select.sample)
                return fail(search, "it takes a sample");
        const char *why = call_that_mixes_rows(query);
        return why ? fail(search, why) : true;
}

/* ---- the source ---- */

static Status see_use(void *context, SqlFrom **place, Error *err UNUSED) {
        struct {
                Str name;
                size_t count;
        } *uses = context;
        const SqlFrom *from = *place;
        if (from->kind == SQL_FROM_TABLE && from->table.path.count == 1 &&
            str_equal_nocase(from->table.path.items[0], uses->name))
                uses->count++;
        return STATUS_OK;
}

static size_t count_uses(const SqlQuery *query, Str cte) {
        struct {
                Str name;
                size_t count;
        } uses = { cte, 0 };
        SqlVisitor visitor = { .from = see_use, .context = &uses };
        Error unused = { 0 };
        sql_visit_query((SqlQuery *)(uintptr_t)query, &visitor, &unused); /* replaces nothing */
        return uses.count;
}

static SqlFrom *leftmost(Search *search, SqlFrom *from) {
        while (from->kind == SQL_FROM_JOIN) {
                if (from->join.type == SQL_JOIN_RIGHT || from->join.type == SQL_JOIN_FULL) {
                        fail(search, "a RIGHT or FULL JOIN makes rows of its own");
                        return NULL;
                }
                if (from->join.ref != SQL_REF_REGULAR && from->join.ref != SQL_REF_ASOF) {
                        fail(search, "a CROSS, NATURAL or POSITIONAL JOIN has no leading relation");
                        return NULL;
                }
                from = from->join.left;
        }
        return from;
}

/* The CTE that a name is, of the nearest query that has one so named; *out_owner is that query. */
static const SqlCte *cte_of(const Step *step, const SqlFrom *from, const SqlQuery **out_owner) {
        if (from->kind != SQL_FROM_TABLE || from->table.path.count != 1)
                return NULL;
        for (; step; step = step->outer)
                for (size_t i = 0; i < step->query->cte_count; i++)
                        if (str_equal_nocase(step->query->ctes[i].name, from->table.path.items[0])) {
                                *out_owner = step->query;
                                return &step->query->ctes[i];
                        }
        return NULL;
}

static bool find(Search *search, SqlQuery *query, Step *outer, Step **out);

static bool find_inner(Search *search, Step *step, SqlQuery *query) {
        if (step->source->column_aliases.count > 0)
                return fail(search, "its source has its columns renamed by a list");
        return find(search, query, step, &step->inner);
}

static bool find(Search *search, SqlQuery *query, Step *outer, Step **out) {
        if (!preserves(search, query))
                return false;
        Step *step = ARENA_NEW(search->arena, Step);
        step->query = query;
        step->outer = outer;
        step->source = leftmost(search, query->select.from);
        *out = step;
        if (!step->source)
                return false;
        if (step->source->sample)
                return fail(search, "it takes a sample");
        const SqlQuery *owner;
        const SqlCte *cte = cte_of(step, step->source, &owner);
        if (cte && (cte->aliases.count > 0 || count_uses(owner, cte->name) > 1))
                return fail(search, "it reads a WITH query that has a list of columns or is used more than once");
        if (cte)
                return find_inner(search, step, cte->query);
        if (step->source->kind == SQL_FROM_SUBQUERY)
                return find_inner(search, step, step->source->subquery);
        if (step->source->kind != SQL_FROM_TABLE)
                return fail(search, "its rows are of no relation");
        if (step->source->table.at)
                return fail(search, "it reads a table as it was");
        return true;
}

bool sql_row_source(const SqlTree *tree, SqlDependency *out, const char **out_why) {
        CLEANUP(arena_deinit) Arena scratch = { 0 };
        Search search = { .arena = &scratch };
        Step *step;
        bool found = find(&search, tree->query, NULL, &step);
        if (out_why)
                *out_why = search.why;
        if (!found)
                return false;
        while (step->inner)
                step = step->inner;
        SqlNames path = step->source->table.path;
        *out = (SqlDependency){
                .zone = path.count > 2 ? path.items[0] : STR_NONE,
                .stage = path.count > 1 ? path.items[path.count - 2] : STR_NONE,
                .name = path.items[path.count - 1],
                .at = step->source->at,
        };
        return true;
}

/* ---- below groups and models ---- */

/* Which groups there are, or which of their rows are one, is decided by more than the keys. */
static bool groups_by_keys_alone(const SqlQuery *query) {
        if (query->kind != SQL_SELECT_NODE || query->select.having || query->select.qualify || query->select.group_set_count > 1)
                return false;
        for (size_t i = 0; i < query->modifier_count; i++)
                if (query->modifiers[i].kind == SQL_MODIFY_LIMIT || query->modifiers[i].distinct_on.count > 0)
                        return false;
        return true;
}

static bool is_grouped(const SqlQuery *query) {
        bool out = query->select.groups.count > 0 || query->select.group_all || call_that_mixes_rows(query);
        for (size_t i = 0; i < query->modifier_count; i++)
                out |= query->modifiers[i].kind == SQL_MODIFY_DISTINCT;
        return out;
}

bool sql_ungroup(const SqlTree *model, Arena *arena, SqlTree **out) {
        if (!groups_by_keys_alone(model->query) || !is_grouped(model->query))
                return false;
        SqlQuery *query = sql_query_copy(arena, model->query);
        SqlExprs *list = &query->select.list, keys = { ARENA_ARRAY(arena, SqlExpr *, list->count + 1), 0 };
        for (size_t i = 0; i < list->count; i++)
                if (!item_that_mixes_rows(list->items[i]))
                        keys.items[keys.count++] = list->items[i];
        *list = keys;
        query->select.groups = (SqlExprs){ 0 };
        query->select.group_set_count = 0;
        query->select.group_all = false;
        query->modifier_count = 0;
        *out = ARENA_NEW(arena, SqlTree);
        **out = *model;
        (*out)->query = query;
        return true;
}

/* ---- carrying _file and _row through ---- */

static Str source_alias(const SqlFrom *source) {
        if (source->alias.size > 0 || source->kind != SQL_FROM_TABLE)
                return source->alias;
        return source->table.path.items[source->table.path.count - 1];
}

static SqlExpr *column_of(Arena *arena, Str alias, Str column) {
        Str parts[2] = { alias, column };
        SqlExpr *expr = sql_make_column(arena, 2, parts);
        expr->alias = column;
        return expr;
}

static bool has_output(const SqlQuery *query, Str name) {
        for (size_t i = 0; i < query->select.list.count; i++) {
                const SqlExpr *item = query->select.list.items[i];
                if (str_equal_nocase(item->alias, name))
                        return true;
                if (item->alias.size == 0 && item->kind == SQL_COLUMN_REF &&
                    str_equal_nocase(item->column.items[item->column.count - 1], name))
                        return true;
        }
        return false;
}

/* A star over a source that now has the two would give them again. Over a relation they are hidden anyway. */
static void leave_out(Arena *arena, SqlQuery *query, Str alias, Str column) {
        for (size_t i = 0; i < query->select.list.count; i++) {
                SqlExpr *item = query->select.list.items[i];
                if (item->kind != SQL_STAR ||
                    (item->star.relation.size > 0 && !str_equal_nocase(item->star.relation, alias)))
                        continue;
                SqlStarName *names = ARENA_ARRAY(arena, SqlStarName, item->star.exclude_count + 1);
                if (item->star.exclude_count > 0)
                        memcpy(names, item->star.excludes, item->star.exclude_count * sizeof(*names));
                names[item->star.exclude_count] = (SqlStarName){ .table = item->star.relation.size ? STR_NONE : alias,
                                                                 .column = column };
                item->star.excludes = names;
                item->star.exclude_count++;
        }
}

static void carry_column(Arena *arena, Step *step, Str alias, Str column) {
        SqlExprs *list = &step->query->select.list;
        if (step->inner)
                leave_out(arena, step->query, alias, column);
        if (has_output(step->query, column))
                return;
        SqlExpr **items = ARENA_ARRAY(arena, SqlExpr *, list->count + 1);
        items[0] = column_of(arena, alias, column);
        memcpy(items + 1, list->items, list->count * sizeof(*items));
        *list = (SqlExprs){ items, list->count + 1 };
}

/* Innermost first; each level gives the two on under their names. */
static void carry(Arena *arena, Step *step) {
        if (step->inner)
                carry(arena, step->inner);
        if (step->inner && step->source->alias.size == 0 && step->source->kind == SQL_FROM_SUBQUERY)
                step->source->alias = STR("_lode_source");
        Str alias = source_alias(step->source);
        carry_column(arena, step, alias, STR(ROW_COLUMN));
        carry_column(arena, step, alias, STR(FILE_COLUMN));
}

/* ---- conditions of users ---- */

static Status see_subquery(void *context, SqlExpr **place, Error *err) {
        const SqlTree *tree = context;
        const uint32_t prefix = sizeof(SQL_PREDICATE_PREFIX) - 1;
        SqlExpr *expr = *place;
        if (expr->at.offset != SQL_NOWHERE)
                expr->at.offset = expr->at.offset >= prefix ? expr->at.offset - prefix : 0;
        if (expr->kind != SQL_SUBQUERY)
                return STATUS_OK;
        error_set(err, STATUS_SQL_REFUSED, "a condition on rows cannot hold a query");
        return sql_error_place(err, tree, expr->at);
}

static bool is_bare_select(const SqlQuery *query) {
        return query->kind == SQL_SELECT_NODE && query->cte_count == 0 && query->modifier_count == 0 &&
               query->select.list.count == 1 && query->select.list.items[0]->kind == SQL_STAR &&
               query->select.from->kind == SQL_FROM_TABLE && query->select.where && query->select.groups.count == 0 &&
               query->select.group_set_count == 0 && !query->select.group_all && !query->select.having &&
               !query->select.qualify && !query->select.sample;
}

Status sql_predicate_of(const SqlTree *wrapped, Arena *arena, SqlExpr **out, Str *out_text, Error *err) {
        const size_t prefix = sizeof(SQL_PREDICATE_PREFIX) - 1, suffix = sizeof(SQL_PREDICATE_SUFFIX) - 1;
        if (!is_bare_select(wrapped->query) || wrapped->text.size < prefix + suffix)
                return error_set(err, STATUS_SQL_REFUSED, "this is not a condition on rows");
        Str text = str_slice(wrapped->text, prefix, wrapped->text.size - suffix);
        SqlTree own = { .text = text, .name = wrapped->name };
        SqlExpr *expr = sql_expr_copy(arena, wrapped->query->select.where);
        SqlVisitor visitor = { .expr = see_subquery, .context = &own };
        TRY(sql_visit_expr(&expr, &visitor, err));
        *out = expr;
        *out_text = text;
        return STATUS_OK;
}

/* ---- trees of our own ---- */

static Status forget_place(void *context UNUSED, SqlExpr **place, Error *err UNUSED) {
        (*place)->at = (SqlPlace){ SQL_NOWHERE, 0 };
        return STATUS_OK;
}

static Status forget_from_place(void *context UNUSED, SqlFrom **place, Error *err UNUSED) {
        (*place)->at = (SqlPlace){ SQL_NOWHERE, 0 };
        return STATUS_OK;
}

static SqlExpr *make_star(Arena *arena) {
        SqlExpr *star = ARENA_NEW(arena, SqlExpr);
        *star = (SqlExpr){ .kind = SQL_STAR, .at = { SQL_NOWHERE, 0 } };
        return star;
}

static SqlTree *make_select(Arena *arena, SqlExpr **items, size_t count, SqlFrom *from) {
        SqlTree *tree = ARENA_NEW(arena, SqlTree);
        tree->query = ARENA_NEW(arena, SqlQuery);
        tree->query->select.list = (SqlExprs){ items, count };
        tree->query->select.from = from;
        return tree;
}

SqlTree *sql_inline(const SqlTree *model, const SqlTree *source, Arena *arena) {
        SqlTree *out = ARENA_NEW(arena, SqlTree);
        *out = *model;
        out->query = sql_query_copy(arena, model->query);
        Search search = { .arena = arena };
        Step *step;
        if (!find(&search, out->query, NULL, &step))
                return NULL;
        while (step->inner)
                step = step->inner;
        SqlFrom *from = step->source;
        Str alias = source_alias(from);
        from->kind = SQL_FROM_SUBQUERY;
        from->alias = alias;
        from->subquery = sql_query_copy(arena, source->query);
        return out;
}

static Status add_predicate(SqlTree *tree, const SqlTree *predicate, Arena *arena, Error *err) {
        if (!predicate)
                return STATUS_OK;
        tree->name = predicate->name;
        return sql_predicate_of(predicate, arena, &tree->query->select.where, &tree->text, err);
}

Status sql_trace_model(const SqlTree *model, const SqlTree *predicate, Arena *arena, SqlTree **out, Error *err) {
        SqlQuery *query = sql_query_copy(arena, model->query);
        Search search = { .arena = arena };
        Step *step;
        Error unused = { 0 };
        if (!find(&search, query, NULL, &step)) {
                error_set(err, STATUS_SQL_REFUSED, "its rows cannot be followed to single records: %s", search.why);
                return error_hint(err, "trace the tables that it reads");
        }
        SqlVisitor visitor = { .expr = forget_place, .from = forget_from_place };
        sql_visit_query(query, &visitor, &unused);
        carry(arena, step);

        SqlFrom *from = ARENA_NEW(arena, SqlFrom);
        *from = (SqlFrom){
                .kind = SQL_FROM_SUBQUERY, .at = { SQL_NOWHERE, 0 }, .alias = STR(MODEL_ALIAS), .subquery = query
        };
        SqlExpr **items = ARENA_NEW(arena, SqlExpr *);
        items[0] = make_star(arena);
        SqlTree *tree = make_select(arena, items, 1, from);
        TRY(add_predicate(tree, predicate, arena, err));
        *out = tree;
        return STATUS_OK;
}

Status sql_trace_table(const SqlDependency *table, const SqlTree *predicate, Arena *arena, SqlTree **out, Error *err) {
        Str parts[] = { table->zone, table->stage, table->name };
        SqlFrom *from = ARENA_NEW(arena, SqlFrom);
        *from = (SqlFrom){ .kind = SQL_FROM_TABLE, .at = { SQL_NOWHERE, 0 } };
        from->table.path.items = ARENA_ARRAY(arena, Str, COUNT_OF(parts));
        for (size_t i = 0; i < COUNT_OF(parts); i++)
                if (parts[i].size > 0)
                        from->table.path.items[from->table.path.count++] = parts[i];
        SqlExpr **items = ARENA_ARRAY(arena, SqlExpr *, 3);
        items[0] = sql_make_column(arena, 1, &STR(FILE_COLUMN));
        items[1] = sql_make_column(arena, 1, &STR(ROW_COLUMN));
        items[2] = make_star(arena);
        SqlTree *tree = make_select(arena, items, 3, from);
        TRY(add_predicate(tree, predicate, arena, err));
        *out = tree;
        return STATUS_OK;
}
