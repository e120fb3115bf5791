/* SPDX-License-Identifier: Apache-2.0 */
#include "govern/guard.h"

#include "engine/functions.h"
#include "govern/outline.h"
#include "sql/allow.h"

/* Names inside the scan. They are the innermost ones there, so no name of the statement around can stand before them. */
#define ROWS_ALIAS "_lode_rows"
#define NUMBER_ALIAS "_lode_number"

typedef struct Guard {
        const GuardedUse *use;
        Arena *arena;
        Buf *out;
        VEC(Type) types;
} Guard;

bool policy_withholds(const Policy *policy, Str column) {
        for (size_t i = 0; policy && i < policy->withheld.count; i++)
                if (str_equal_nocase(policy->withheld.items[i], column))
                        return true;
        return false;
}

const PolicyMask *policy_mask(const Policy *policy, Str column) {
        for (size_t i = 0; policy && i < policy->mask_count; i++)
                if (str_equal_nocase(policy->masks[i].column, column))
                        return &policy->masks[i];
        return NULL;
}

static const RelationColumn *column_find(const Relation *relation, Str name) {
        for (size_t i = 0; i < relation->column_count; i++)
                if (str_equal_nocase(relation->columns[i].name, name))
                        return &relation->columns[i];
        return NULL;
}

/* ---- expressions of policies ---- */

/* Pins each name to this scan's own rows, so that no name around it can be caught instead. */
static Status pin_column(void *context, SqlExpr **place, Error *err) {
        Guard *guard = context;
        SqlExpr *expr = *place;
        if (expr->kind == SQL_STAR || expr->kind == SQL_LAMBDA || expr->kind == SQL_WINDOW || expr->kind == SQL_PARAMETER)
                return error_set(err, STATUS_DENIED, "a policy of '%.*s' is not made of columns and literals alone",
                                 STR_ARG(guard->use->relation->name));
        if (expr->kind == SQL_COLUMN_REF && expr->column.count > 1 && str_starts_with(expr->column.items[0], STR(GUARD_ENTITLED)))
                return STATUS_OK; /* of a subquery, which entitle_bind() left no other names in */
        if (expr->kind != SQL_COLUMN_REF)
                return STATUS_OK;
        const RelationColumn *column = column_find(guard->use->relation, expr->column.items[0]);
        if (!column)
                return error_set(err, STATUS_DENIED, "a policy of '%.*s' names the column '%.*s', which is not there",
                                 STR_ARG(guard->use->relation->name), STR_ARG(expr->column.items[0]));
        Str *parts = ARENA_ARRAY(guard->arena, Str, expr->column.count + 1);
        parts[0] = STR(ROWS_ALIAS);
        parts[1] = column->name;
        memcpy(parts + 2, expr->column.items + 1, (expr->column.count - 1) * sizeof(Str));
        expr->column.items = parts;
        expr->column.count++;
        return STATUS_OK;
}

/* A table that is still a name would be anybody's to be. */
static Status want_printed(void *context, SqlFrom **place, Error *err) {
        const Guard *guard = context;
        SqlFromKind kind = (*place)->kind;
        if (kind == SQL_FROM_PRINTED || kind == SQL_FROM_JOIN)
                return STATUS_OK;
        return error_set(err, STATUS_DENIED, "a policy of '%.*s' reads what it may not", STR_ARG(guard->use->relation->name));
}

static Status put_pinned(Guard *guard, const SqlExpr *expr, Error *err) {
        SqlTree nowhere = { 0 };
        SqlExpr *copy = sql_expr_copy(guard->arena, expr);
        SqlVisitor visitor = { .expr = pin_column, .from = want_printed, .context = guard };
        TRY(sql_allow_expr(&nowhere, copy, err));
        TRY(sql_visit_expr(&copy, &visitor, err));
        SqlPrinter printer = { .out = guard->out };
        sql_print_expr(&printer, copy);
        return STATUS_OK;
}

/* ---- the source of rows ---- */

static bool needs_column(const GuardedUse *use, size_t index);

/* Collects whether an expression mentions a column. */
typedef struct Mention {
        Str column;
        bool found;
} Mention;

static Status see_column(void *context, SqlExpr **place, Error *err UNUSED) {
        Mention *mention = context;
        if ((*place)->kind == SQL_COLUMN_REF && str_equal_nocase((*place)->column.items[0], mention->column))
                mention->found = true;
        return STATUS_OK;
}

static bool mentions(const SqlExpr *expr, Str column) {
        Mention mention = { .column = column };
        SqlVisitor visitor = { .expr = see_column, .context = &mention };
        SqlExpr *place = (SqlExpr *)(uintptr_t)expr; /* replaces nothing */
        Error unused = { 0 };
        sql_visit_expr(&place, &visitor, &unused);
        return mention.found;
}

/* Carried, or needed by the policy although it is not. */
static bool needs_column(const GuardedUse *use, size_t index) {
        Str name = use->relation->columns[index].name;
        if (use->carried[index])
                return true;
        const Policy *policy = use->policy;
        if (policy && policy->row_filter && mentions(policy->row_filter, name))
                return true;
        for (size_t i = 0; policy && i < use->relation->column_count; i++) {
                const PolicyMask *mask = use->carried[i] ? policy_mask(policy, use->relation->columns[i].name) : NULL;
                if (mask && mentions(mask->expr, name))
                        return true;
        }
        for (size_t i = 0; i < use->conjunct_count; i++)
                if (mentions(use->conjuncts[i], name))
                        return true;
        return false;
}

static void put_paths(Guard *guard) {
        const char *before = "[";
        if (guard->use->outline.size > 0) {
                buf_append_cstr(guard->out, before);
                sql_quote_text(guard->out, guard->use->outline);
                before = ", ";
        }
        for (size_t i = 0; i < guard->use->path_count; i++) {
                buf_append_cstr(guard->out, i ? ", " : before);
                sql_quote_text(guard->out, guard->use->paths[i]);
        }
        buf_append_cstr(guard->out, "]");
}

static void put_schema_column(Guard *guard, const RelationColumn *column) {
        buf_printf(guard->out, "%d: {name: ", column->field_id);
        sql_quote_text(guard->out, column->name);
        buf_append_cstr(guard->out, ", type: ");
        sql_quote_text(guard->out, type_print_duckdb(guard->arena, column->type));
        buf_append_cstr(guard->out, ", default_value: NULL}");
}

bool guard_is_veiled(const GuardedUse *use) {
        return use->veiled || (use->policy && use->policy->row_filter);
}

/* Veiled: what the engine knows of hidden rows, and what it plans by it, shows in which of two failing conditions fails first.
 * Of files that are not alike: an outline has the table's columns as they are now, and no statistics of other types. */
static bool needs_outline(const GuardedUse *use) {
        return guard_is_veiled(use) || !use->relation->uniform;
}

/*
 * With a schema of its own the engine knows nothing of how many rows there are, and joins in a bad order; so tables are read by
 * name: the columns of one table are renamed or left out only when all of its files are written anew (lake/changeset.h).
 */
bool guard_is_named(const GuardedUse *use) {
        if (use->by_id || use->relation->renamed || use->path_count == 0 || (needs_outline(use) && use->outline.size == 0))
                return false;
        for (size_t i = 0; i < use->relation->column_count; i++)
                if (needs_column(use, i))
                        return true;
        return false;
}

Status guard_outline(GuardedUse *use, const BindSource *source, int64_t rows, Arena *arena, Error *err) {
        if (!source->outline || rows < 0 || use->by_id || use->relation->renamed || use->path_count == 0 || !needs_outline(use))
                return STATUS_OK;
        bool *wanted = ARENA_ARRAY(arena, bool, use->relation->column_count);
        for (size_t i = 0; i < use->relation->column_count; i++)
                wanted[i] = needs_column(use, i);
        int64_t told = outline_rows(rows, use->policy && use->policy->strict);
        return source->outline(source->outline_context, use->relation, wanted, told - rows, arena, &use->outline, err);
}

/* union_by_name: the engine then takes for the table's the rows that all files say they have, statistics only of what all have
 * some of, and of each column and field the widest type and NULL where a file lacks it. */
static void put_by_name(Guard *guard) {
        const GuardedUse *use = guard->use;
        const char *before = "(SELECT ";
        for (size_t i = 0; i < use->relation->column_count; i++) {
                const RelationColumn *column = &use->relation->columns[i];
                if (!needs_column(use, i))
                        continue;
                buf_append_cstr(guard->out, before);
                buf_append_cstr(guard->out, "CAST(");
                sql_quote_name(guard->out, column->name);
                buf_append_cstr(guard->out, " AS ");
                buf_append(guard->out, type_print_duckdb(guard->arena, column->type));
                buf_append_cstr(guard->out, ") AS ");
                sql_quote_name(guard->out, column->name);
                before = ", ";
        }
        buf_append_cstr(guard->out, " FROM read_parquet(");
        put_paths(guard);
        buf_append_cstr(guard->out, use->outline.size > 0 ? ", union_by_name=true, hive_partitioning=false))" : ", hive_partitioning=false))");
}

/* A struct's field that some files lack: the engine fails inside when it is to read that field alone. */
static bool has_structs_of_ages(const GuardedUse *use) {
        bool any = false;
        for (size_t i = 0; i < use->relation->column_count && use->path_count > 1; i++)
                any |= needs_column(use, i) && use->relation->columns[i].type.kind == TYPE_STRUCT;
        return any && !use->relation->uniform;
}

/* So structs are read whole: what is taken out of this is not pushed down into the files. Ends before what is read. */
static void put_whole_structs(Guard *guard) {
        const GuardedUse *use = guard->use;
        const char *before = "(SELECT * REPLACE (";
        for (size_t i = 0; i < use->relation->column_count; i++) {
                const RelationColumn *column = &use->relation->columns[i];
                if (!needs_column(use, i) || column->type.kind != TYPE_STRUCT)
                        continue;
                buf_append_cstr(guard->out, before);
                buf_append_cstr(guard->out, "coalesce(");
                sql_quote_name(guard->out, column->name);
                buf_append_cstr(guard->out, ", NULL) AS ");
                sql_quote_name(guard->out, column->name);
                before = ", ";
        }
        buf_append_cstr(guard->out, ") FROM ");
}

static void put_source(Guard *guard) {
        const GuardedUse *use = guard->use;
        if (use->source.size > 0) {
                buf_append(guard->out, use->source);
                return;
        }
        if (guard_is_named(use)) {
                put_by_name(guard);
                return;
        }
        bool whole = has_structs_of_ages(use);
        if (whole)
                put_whole_structs(guard);
        buf_append_cstr(guard->out, "read_parquet(");
        put_paths(guard);
        buf_append_cstr(guard->out, ", schema=MAP {");
        bool first = true;
        for (size_t i = 0; i < use->relation->column_count; i++) {
                if (!needs_column(use, i))
                        continue;
                buf_append_cstr(guard->out, first ? "" : ", ");
                put_schema_column(guard, &use->relation->columns[i]);
                first = false;
        }
        buf_append_cstr(guard->out, "}, hive_partitioning=false)");
        buf_append_cstr(guard->out, whole ? ")" : "");
}

/* ---- the three forms ---- */

static void put_column_name(Guard *guard, Str name) {
        buf_append_cstr(guard->out, "\"" ROWS_ALIAS "\".");
        sql_quote_name(guard->out, name);
}

/* The column as the principal may read it: itself, or its mask cast to the type that the policy promised. */
static Status put_value(Guard *guard, const RelationColumn *column, Error *err) {
        const PolicyMask *mask = policy_mask(guard->use->policy, column->name);
        if (column->engine_type.size > 0) {
                buf_append_cstr(guard->out, "CAST(");
                put_column_name(guard, column->name);
                buf_printf(guard->out, " AS %.*s)", STR_ARG(column->engine_type));
                return STATUS_OK;
        }
        if (!mask) {
                put_column_name(guard, column->name);
                return STATUS_OK;
        }
        buf_append_cstr(guard->out, "CAST(");
        TRY(put_pinned(guard, mask->expr, err));
        buf_append_cstr(guard->out, " AS ");
        buf_append(guard->out, type_print_duckdb(guard->arena, mask->type));
        buf_append_cstr(guard->out, ")");
        return STATUS_OK;
}

static Type value_type(const Guard *guard, const RelationColumn *column) {
        const PolicyMask *mask = policy_mask(guard->use->policy, column->name);
        return mask ? mask->type : column->type;
}

static void put_function(Guard *guard, Type type) {
        buf_append(guard->out, function_name(guard->arena, type));
        for (size_t i = 0; i < guard->types.count; i++)
                if (type_equal(guard->types.items[i], type))
                        return;
        vec_push(guard->arena, &guard->types, type);
}

static Status put_plain(Guard *guard, Error *err) {
        const GuardedUse *use = guard->use;
        bool first = true;
        buf_append_cstr(guard->out, "(SELECT ");
        for (size_t i = 0; i < use->relation->column_count; i++) {
                const RelationColumn *column = &use->relation->columns[i];
                if (!use->carried[i])
                        continue;
                buf_append_cstr(guard->out, first ? "" : ", ");
                first = false;
                bool masked = policy_mask(use->policy, column->name) != NULL;
                if (masked) {
                        put_function(guard, value_type(guard, column));
                        buf_append_cstr(guard->out, "(");
                }
                TRY(put_value(guard, column, err));
                buf_append_cstr(guard->out, masked ? ") AS " : " AS ");
                sql_quote_name(guard->out, column->name);
        }
        buf_append_cstr(guard->out, first ? "NULL AS \"" NUMBER_ALIAS "\" FROM " : " FROM ");
        put_source(guard);
        buf_append_cstr(guard->out, " AS \"" ROWS_ALIAS "\")");
        return STATUS_OK;
}

static void put_outer_columns(Guard *guard) {
        const GuardedUse *use = guard->use;
        bool first = true;
        for (size_t i = 0; i < use->relation->column_count; i++) {
                const RelationColumn *column = &use->relation->columns[i];
                if (!use->carried[i])
                        continue;
                buf_append_cstr(guard->out, first ? "" : ", ");
                first = false;
                bool flat = !use->flat || use->flat[i] || policy_mask(use->policy, column->name);
                if (flat) {
                        put_function(guard, value_type(guard, column));
                        buf_append_cstr(guard->out, "(");
                }
                sql_quote_name(guard->out, column->name);
                buf_append_cstr(guard->out, flat ? ") AS " : " AS ");
                sql_quote_name(guard->out, column->name);
        }
        buf_append_cstr(guard->out, first ? "\"" NUMBER_ALIAS "\"" : "");
}

static Status put_inner_columns(Guard *guard, Error *err) {
        const GuardedUse *use = guard->use;
        for (size_t i = 0; i < use->relation->column_count; i++) {
                if (!use->carried[i])
                        continue;
                TRY(put_value(guard, &use->relation->columns[i], err));
                buf_append_cstr(guard->out, " AS ");
                sql_quote_name(guard->out, use->relation->columns[i].name);
                buf_append_cstr(guard->out, ", ");
        }
        buf_append_cstr(guard->out, "NULL AS \"" NUMBER_ALIAS "\"");
        return STATUS_OK;
}

static Status put_filtered(Guard *guard, Error *err) {
        const GuardedUse *use = guard->use;
        buf_append_cstr(guard->out, "(SELECT ");
        put_outer_columns(guard);
        buf_append_cstr(guard->out, " FROM (SELECT ");
        TRY(put_inner_columns(guard, err));
        buf_append_cstr(guard->out, " FROM ");
        put_source(guard);
        buf_append_cstr(guard->out, " AS \"" ROWS_ALIAS "\" WHERE (");
        TRY(put_pinned(guard, use->policy->row_filter, err));
        buf_append_cstr(guard->out, ")");
        for (size_t i = 0; i < use->conjunct_count && !use->policy->strict; i++) {
                buf_append_cstr(guard->out, " AND ");
                TRY(put_pinned(guard, use->conjuncts[i], err));
        }
        buf_append_cstr(guard->out, use->open && !use->policy->strict ? ")" : " OFFSET 0)");
        buf_append_cstr(guard->out, " AS \"" ROWS_ALIAS "\")");
        return STATUS_OK;
}

/* No files: the columns' types and no row. */
static void put_empty(Guard *guard) {
        const GuardedUse *use = guard->use;
        bool first = true;
        buf_append_cstr(guard->out, "(SELECT ");
        for (size_t i = 0; i < use->relation->column_count; i++) {
                const RelationColumn *column = &use->relation->columns[i];
                if (!use->carried[i])
                        continue;
                buf_append_cstr(guard->out, first ? "CAST(NULL AS " : ", CAST(NULL AS ");
                first = false;
                buf_append(guard->out, column->engine_type.size > 0
                                               ? column->engine_type
                                               : type_print_duckdb(guard->arena, value_type(guard, column)));
                buf_append_cstr(guard->out, ") AS ");
                sql_quote_name(guard->out, column->name);
        }
        buf_append_cstr(guard->out, first ? "NULL AS \"" NUMBER_ALIAS "\" WHERE false)" : " WHERE false)");
}

Status guard_scan(const GuardedUse *use, Arena *arena, Str *out, Type **out_types, size_t *out_type_count, Error *err) {
        CLEANUP(buf_deinit) Buf text = { 0 };
        Guard guard = { .use = use, .arena = arena, .out = &text };
        if (use->path_count == 0 && use->source.size == 0)
                put_empty(&guard);
        else if (use->policy && use->policy->row_filter)
                TRY(put_filtered(&guard, err));
        else
                TRY(put_plain(&guard, err));
        *out = buf_dup(&text, arena);
        if (out_types) {
                *out_types = guard.types.items;
                *out_type_count = guard.types.count;
        }
        return STATUS_OK;
}
