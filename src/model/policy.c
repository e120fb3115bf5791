/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the rules that hold to the one Policy that a guarded scan obeys. First what policies.yml makes of each column (its
 * base), then the rules over it: so a zone sees, masks and unites what the central policies have left.
 */
#include "model/grant_parts.h"

#include "base/hash.h"
#include "govern/entitle.h"
#include "sql/lexer.h"

/* A column as somebody reads it. */
typedef struct Value {
        SqlExpr *expr;
        Type type;
        bool masked;
} Value;

/* A rule that holds, ready to be united. */
typedef struct Granted {
        const AccessRule *rule; /* NULL: all of it, as for an owner */
        SqlExpr *rows;          /* NULL = all */
} Granted;

typedef struct Making {
        const Viewer *viewer; /* NULL: nobody in particular */
        const Grants *grants;
        const Account *account; /* whose attributes and rules count: the viewer's, or for a while its owner's */
        const Relation *relation;
        const Relation *now; /* as it is on main; NULL: it is not there */
        const BindSource *source;
        Arena *arena;
        GrantTable table;
        bool *known;  /* per column: main's newest table has it */
        Value *bases; /* per column: after the central policies */
        Entitle own, central;
        VEC(Granted) granted;
        SqlExpr *central_rows;
        Policy *policy;
} Making;

/* ---- text to expression ---- */

static Status parse(const Making *making, Str text, Arena *arena, const SqlExpr **out, Error *err) {
        static const char head[] = "SELECT (\n";
        Str sql = arena_strf(arena, "%s%.*s\n)", head, STR_ARG(text));
        const SqlTree *tree;
        TRY(sql_expression(sql, sizeof(head) - 1, text.size, err));
        if (!making->source->parse)
                return error_set(err, STATUS_DENIED, "policies cannot be read here");
        TRY(making->source->parse(making->source->context, sql, arena, &tree, err));
        const SqlQuery *query = tree->query;
        if (query->kind != SQL_SELECT_NODE || query->select.list.count != 1 || query->select.from->kind != SQL_FROM_EMPTY ||
            query->select.where || tree->parameters.count > 0)
                return error_set(err, STATUS_DENIED, "it is more than one expression");
        *out = query->select.list.items[0];
        return STATUS_OK;
}

/* A copy of one's own; what was parsed by another's worker is not used, since that may have made it up. */
static Status expression(const Making *making, Str text, SqlExpr **out, Error *err) {
        const SqlExpr *parsed = NULL;
        const Viewer *viewer = making->viewer;
        Str worker = viewer->worker.size > 0 ? viewer->worker : viewer->account->name;
        Str key = arena_strf(making->arena, "%.*s\n%.*s", STR_ARG(worker), STR_ARG(text));
        if (viewer->trees)
                parsed = map_get(viewer->trees, key);
        if (!parsed) {
                TRY(parse(making, text, viewer->trees ? viewer->trees->arena : making->arena, &parsed, err));
                if (viewer->trees)
                        map_put(viewer->trees, key, (void *)(uintptr_t)parsed);
        }
        *out = sql_expr_copy(making->arena, parsed);
        return STATUS_OK;
}

/* ---- principal.NAME ---- */

static bool is_attribute(const SqlExpr *expr) {
        return expr->kind == SQL_COLUMN_REF && expr->column.count == 2 && str_equal_nocase(expr->column.items[0], STR("principal"));
}

static void values_of(const Making *making, Str name, const Str **out, size_t *out_count) {
        static const Str some = { "", 0 };
        const Account *account = making->account;
        *out = account ? &account->name : &some; /* nobody in particular has one value of everything */
        if (!account) {
                *out_count = 1;
                return;
        }
        *out_count = str_equal_nocase(name, STR("name"));
        for (size_t i = 0; *out_count == 0 && i < account->attribute_count; i++) {
                if (!str_equal(account->attributes[i].name, name))
                        continue;
                *out = account->attributes[i].values;
                *out_count = account->attributes[i].value_count;
                return;
        }
}

static SqlExpr *node(Arena *arena, SqlExpr made) {
        SqlExpr *expr = ARENA_NEW(arena, SqlExpr);
        *expr = made;
        expr->at = (SqlPlace){ SQL_NOWHERE, 0 };
        return expr;
}

static SqlExpr *null_of(Arena *arena) {
        return sql_make_constant(arena, SQL_NULL, STR("NULL"));
}

static SqlExpr *joined(Arena *arena, bool is_or, SqlExpr **items, size_t count) {
        if (count == 1)
                return items[0];
        return node(arena, (SqlExpr){ .kind = SQL_CONJUNCTION, .conjunction = { is_or, { items, count } } });
}

/* Any of the values will do; of none nothing is known, so that NOT of it is no match either. */
static Status compare_attribute(const Making *making, SqlExpr **place, Error *err) {
        SqlExpr *expr = *place;
        bool left = is_attribute(expr->compare.left);
        const SqlExpr *attribute = left ? expr->compare.left : expr->compare.right;
        const Str *values;
        size_t count;
        values_of(making, attribute->column.items[1], &values, &count);
        bool ordered = expr->compare.op == SQL_LESS || expr->compare.op == SQL_LESS_EQUAL || expr->compare.op == SQL_GREATER ||
                       expr->compare.op == SQL_GREATER_EQUAL;
        if (expr->compare.op != SQL_EQUAL && !ordered && !str_equal_nocase(attribute->column.items[1], STR("name")))
                return error_set(err, STATUS_DENIED, "principal.%.*s is a list, which can be compared by =, <, > and IN only",
                                 STR_ARG(attribute->column.items[1]));
        if (count == 0) { /* x = NULL: unknown as NULL is, and x has to be there all the same */
                *(left ? &expr->compare.left : &expr->compare.right) = null_of(making->arena);
                return STATUS_OK;
        }
        SqlExpr **any = ARENA_ARRAY(making->arena, SqlExpr *, count);
        for (size_t i = 0; i < count; i++) {
                any[i] = sql_expr_copy(making->arena, expr);
                *(left ? &any[i]->compare.left : &any[i]->compare.right) = sql_make_string(making->arena, values[i]);
        }
        *place = joined(making->arena, true, any, count);
        return STATUS_OK;
}

/* x IN (a, principal.regions, b): its values in its place. */
static void spread_attributes(const Making *making, SqlExpr *in) {
        VEC(SqlExpr *) items = { 0 };
        vec_push(making->arena, &items, in->op.children.items[0]);
        for (size_t i = 1; i < in->op.children.count; i++) {
                SqlExpr *item = in->op.children.items[i];
                const Str *values;
                size_t count;
                if (!is_attribute(item)) {
                        vec_push(making->arena, &items, item);
                        continue;
                }
                values_of(making, item->column.items[1], &values, &count);
                for (size_t k = 0; k < count; k++)
                        vec_push(making->arena, &items, sql_make_string(making->arena, values[k]));
        }
        if (items.count == 1) /* of nothing but absent attributes */
                vec_push(making->arena, &items, null_of(making->arena));
        in->op.children = (SqlExprs){ items.items, items.count };
}

static Status put_attribute(void *context, SqlExpr **place, Error *err) {
        const Making *making = context;
        SqlExpr *expr = *place;
        if (expr->kind == SQL_COMPARISON && is_attribute(expr->compare.left) != is_attribute(expr->compare.right))
                return compare_attribute(making, place, err);
        if (expr->kind == SQL_OPERATOR && (expr->op.op == SQL_OP_IN || expr->op.op == SQL_OP_NOT_IN))
                spread_attributes(making, expr);
        if (!is_attribute(expr))
                return STATUS_OK;
        if (!str_equal_nocase(expr->column.items[1], STR("name")))
                return error_set(err, STATUS_DENIED, "principal.%.*s is a list, which can be compared by =, <, > and IN only",
                                 STR_ARG(expr->column.items[1]));
        *place = sql_make_string(making->arena, making->account ? making->account->name : STR(""));
        return STATUS_OK;
}

static Status put_attributes(Making *making, SqlExpr **expr, Error *err) {
        SqlVisitor visitor = { .expr = put_attribute, .context = making };
        return sql_visit_expr(expr, &visitor, err);
}

/* ---- masks ---- */

/* $1 is the value. */
static SqlExpr *template_of(const Making *making, Str text, SqlExpr *value) {
        SqlExpr *made = node(making->arena, (SqlExpr){ .kind = SQL_TEMPLATE });
        SqlExpr **arguments = ARENA_NEW(making->arena, SqlExpr *);
        arguments[0] = value;
        made->template.text = text;
        made->template.arguments = (SqlExprs){ arguments, 1 };
        return made;
}

/* A struct's fields may have any name, "$1" too. */
static SqlExpr *cast_of(const Making *making, const char *head, SqlExpr *value, Type type) {
        SqlExpr *made = template_of(making, str_of(head), value);
        made->template.tail = arena_strf(making->arena, "%.*s)", STR_ARG(type_print_duckdb(making->arena, type)));
        return made;
}

static bool is_whole_number(Type type) {
        return type.kind == TYPE_INT || type.kind == TYPE_BIGINT;
}

/* Below zero too: the multiple below -1 of 10 is -10. What does not fit the type any more is NULL. */
static Value bucket(const Making *making, Value value, int64_t number) {
        Str type = type_print_duckdb(making->arena, value.type), text;
        long long n = number;
        if (is_whole_number(value.type))
                text = arena_strf(making->arena, "TRY_CAST(CAST($1 AS HUGEINT) - ((CAST($1 AS HUGEINT) %% %lld) + %lld) %% %lld AS %.*s)", n, n, n,
                                  STR_ARG(type));
        else if (value.type.kind == TYPE_DECIMAL)
                text = arena_strf(making->arena, "TRY(CAST($1 - (($1 %% %lld) + %lld) %% %lld AS %.*s))", n, n, n, STR_ARG(type));
        else if (value.type.kind == TYPE_FLOAT || value.type.kind == TYPE_DOUBLE)
                text = arena_strf(making->arena, "TRY(CAST(floor($1 / %lld) * %lld AS %.*s))", n, n, STR_ARG(type));
        else
                return (Value){ null_of(making->arena), value.type, true };
        return (Value){ template_of(making, text, value.expr), value.type, true };
}

/* Which of these columns an expression names, wherever in it: a query inside may be of another table, and is looked at alike. */
typedef struct Naming {
        const Str *columns;
        size_t count;
        Str found; /* the first */
} Naming;

static Status see_named(void *context, SqlExpr **place, Error *err UNUSED) {
        Naming *naming = context;
        for (size_t i = 0; (*place)->kind == SQL_COLUMN_REF && i < naming->count; i++)
                for (size_t k = 0; k < (*place)->column.count && k < 2 && naming->found.size == 0; k++)
                        if (str_equal_nocase(naming->columns[i], (*place)->column.items[k]))
                                naming->found = naming->columns[i];
        return STATUS_OK;
}

static Str first_named(SqlExpr *expr, const Str *columns, size_t count) {
        Naming naming = { columns, count, STR_NONE };
        SqlVisitor visitor = { .expr = see_named, .context = &naming };
        Error unused;
        sql_visit_expr(&expr, &visitor, &unused);
        return naming.found;
}

typedef VEC(const Relation *) Relations;

/* The tables that the queries inside an expression read, as far as there are such. */
typedef struct Reading {
        const BindSource *now;
        Str zone; /* whose rule it is */
        Arena *arena;
        Relations found;
} Reading;

static Status see_table(void *context, SqlFrom **place, Error *err) {
        Reading *reading = context;
        const SqlNames *path = &(*place)->table.path;
        if ((*place)->kind != SQL_FROM_TABLE || path->count < 2)
                return STATUS_OK;
        Relation *relation = NULL;
        Str zone = path->count == 2 ? reading->zone : path->items[path->count - 3];
        TRY(reading->now->resolve(reading->now->context, zone, path->items[path->count - 2], path->items[path->count - 1], reading->arena, &relation, err));
        if (relation)
                vec_push(reading->arena, &reading->found, relation);
        return STATUS_OK;
}

static Status tables_inside(const BindSource *now, Str zone, SqlExpr *expr, Arena *arena, Relations *out, Error *err) {
        Reading reading = { .now = now, .zone = zone, .arena = arena };
        SqlVisitor visitor = { .from = see_table, .context = &reading };
        TRY(sql_visit_expr(&expr, &visitor, err));
        *out = reading.found;
        return STATUS_OK;
}

/* For the account, or for the owner who looks with its eyes. */
static bool is_masked_centrally(const Making *making, const Relation *relation, Str column) {
        const Grants *grants = making->grants;
        const Account *within = making->viewer->within;
        GrantTable table = { grant_zone(grants, relation->zone), relation->stage, relation->name };
        for (size_t i = 0; table.zone && i < grants->policies.count; i++) {
                const CentralPolicy *policy = &grants->policies.items[i];
                if (policy->mask.size > 0 && grant_has_tag(grants, &table, column, policy->tag, true) &&
                    (grant_policy_binds(grants, making->account, policy) || (within && grant_policy_binds(grants, within, policy))))
                        return true;
        }
        return false;
}

/* Whether the expression names a column that policies.yml masks for this account: of the table itself, or of one that a query in it
 * reads. */
static Status names_masked(const Making *making, SqlExpr *expr, bool *out, Error *err) {
        Relations inside;
        VEC(Str) masked = { 0 };
        TRY(tables_inside(making->source->now, making->table.zone->name, expr, making->arena, &inside, err));
        for (size_t i = 0; i < making->relation->column_count; i++)
                if (making->bases[i].masked)
                        vec_push(making->arena, &masked, making->relation->columns[i].name);
        for (size_t i = 0; i < inside.count; i++)
                for (size_t c = 0; c < inside.items[i]->column_count; c++)
                        if (is_masked_centrally(making, inside.items[i], inside.items[i]->columns[c].name))
                                vec_push(making->arena, &masked, inside.items[i]->columns[c].name);
        *out = first_named(expr, masked.items, masked.count).size > 0;
        return STATUS_OK;
}

static Status sql_mask(Making *making, bool central, Str text, Type type, Value *out, Error *err) {
        SqlExpr *expr;
        TRY(expression(making, text, &expr, err));
        TRY(put_attributes(making, &expr, err));
        *out = (Value){ null_of(making->arena), type, true };
        bool masked;
        TRY(names_masked(making, expr, &masked, err));
        if (masked)
                return STATUS_OK;
        TRY(entitle_value(central ? &making->central : &making->own, &expr, err));
        out->expr = cast_of(making, "TRY_CAST($1 AS ", expr, type);
        return STATUS_OK;
}

/* The value under a mask, as access.yml and policies.yml write it. */
static Status mask(Making *making, bool central, Str text, Type column, Value value, Value *out, Error *err) {
        static const Type as_text = { .kind = TYPE_TEXT };
        Str word, rest;
        int64_t n = 0;
        str_cut(text, ' ', &word, &rest);
        if (str_is(text, "null")) {
                *out = (Value){ null_of(making->arena), value.type, true };
        } else if (str_is(text, "hash")) {
                making->policy->hashes = true;
                *out = (Value){ template_of(making, STR(GUARD_HASH "(CAST($1 AS VARCHAR))"), value.expr), as_text, true };
        } else if (str_is(word, "partial") && str_to_int64(str_trim(rest), &n)) {
                Str cut = arena_strf(making->arena, "left(CAST($1 AS VARCHAR), %lld) || '***'", (long long)n);
                *out = (Value){ template_of(making, cut, value.expr), as_text, true };
        } else if (str_is(word, "bucket") && str_to_int64(str_trim(rest), &n)) {
                *out = bucket(making, value, n);
        } else {
                return sql_mask(making, central, text, column, out, err);
        }
        return STATUS_OK;
}

/* ---- which columns there are ---- */

static const RelationColumn *column_now(const Making *making, Str name) {
        for (size_t i = 0; making->now && i < making->now->column_count; i++)
                if (str_equal_nocase(making->now->columns[i].name, name))
                        return &making->now->columns[i];
        return NULL;
}

/* Whether all that is inside one type is inside the other: what was taken out of a struct is no more there than a column that was. */
static bool has_inside(Type now, Type then) {
        for (size_t i = 0; i < then.field_count; i++) {
                const TypeField *was = &then.fields[i], *is = NULL;
                for (size_t k = 0; k < now.field_count && !is; k++)
                        if (now.fields[k].id == was->id && str_equal(now.fields[k].name, was->name))
                                is = &now.fields[k];
                if (!is || !has_inside(is->type, was->type))
                        return false;
        }
        return true;
}

static void know_columns(Making *making) {
        const Relation *relation = making->relation;
        making->known = ARENA_ARRAY(making->arena, bool, relation->column_count);
        for (size_t i = 0; i < relation->column_count; i++) {
                const RelationColumn *now = column_now(making, relation->columns[i].name);
                making->known[i] = now && now->field_id == relation->columns[i].field_id && has_inside(now->type, relation->columns[i].type);
        }
}

/* Every column that a rule names has to be there now. The first that is not, else empty. */
static Str lacking_now(const Making *making, const AccessRule *rule) {
        for (size_t i = 0; i < rule->column_count; i++)
                if (!column_now(making, rule->columns[i]))
                        return rule->columns[i];
        for (size_t i = 0; i < rule->mask_count; i++)
                if (!column_now(making, rule->masks[i].column))
                        return rule->masks[i].column;
        return STR_NONE;
}

static bool shows(const AccessRule *rule, Str column) {
        if (!rule || rule->columns_kind == COLUMNS_ALL)
                return true;
        return str_is_in_nocase(column, rule->columns, rule->column_count) == (rule->columns_kind == COLUMNS_LIST);
}

static const AccessMask *mask_of(const AccessRule *rule, Str column) {
        for (size_t i = 0; rule && i < rule->mask_count; i++)
                if (str_equal_nocase(rule->masks[i].column, column))
                        return &rule->masks[i];
        return NULL;
}

/* ---- what holds ---- */

static Status condition(Making *making, bool central, Str text, SqlExpr **out, Error *err) {
        TRY(expression(making, text, out, err));
        TRY(put_attributes(making, out, err));
        bool masked = false;
        if (!central)
                TRY(names_masked(making, *out, &masked, err));
        if (masked)
                return error_set(err, STATUS_DENIED, "`rows` of a zone names a column that policies.yml masks");
        return entitle_condition(central ? &making->central : &making->own, out, err);
}

typedef VEC(SqlExpr *) Conditions;

/* Whether a mask that binds two is the same for both: their attributes make it another. */
static bool is_same_for_both(const Making *making, const CentralPolicy *policy, const Account *other) {
        Str mask = arena_lower(making->arena, policy->mask);
        return other && grant_policy_binds(making->grants, other, policy) && str_find(mask, STR("principal")) == mask.size;
}

/* `masked`: whose masks are there already; NULL: nobody's. */
static Status use_central_of(Making *making, const Account *masked, Conditions *all, Error *err) {
        for (size_t p = 0; p < making->grants->policies.count; p++) {
                const CentralPolicy *policy = &making->grants->policies.items[p];
                if (!grant_has_tag(making->grants, &making->table, STR_NONE, policy->tag, true) ||
                    !grant_policy_binds(making->grants, making->account, policy))
                        continue;
                if (policy->rows.size > 0 && grant_has_tag(making->grants, &making->table, STR_NONE, policy->tag, false)) {
                        SqlExpr *rows;
                        TRY(condition(making, true, policy->rows, &rows, err));
                        vec_push(making->arena, all, rows);
                }
                bool is_masked = is_same_for_both(making, policy, masked);
                for (size_t i = 0; policy->mask.size > 0 && !is_masked && i < making->relation->column_count; i++) {
                        const RelationColumn *column = &making->relation->columns[i];
                        if (making->known[i] && grant_has_tag(making->grants, &making->table, column->name, policy->tag, true))
                                TRY(mask(making, true, policy->mask, column->type, making->bases[i], &making->bases[i], err));
                }
        }
        return STATUS_OK;
}

/* What is kept from an owner does not come back by another's eyes. Twice the same would be a mask over a mask. */
static Status use_central(Making *making, Error *err) {
        Conditions all = { 0 };
        const Account *owner = making->viewer->within;
        TRY(use_central_of(making, NULL, &all, err));
        if (owner) {
                making->account = owner;
                Status status = use_central_of(making, making->viewer->account, &all, err);
                making->account = making->viewer->account;
                TRY(status);
        }
        making->central_rows = all.count > 0 ? joined(making->arena, false, all.items, all.count) : NULL;
        return STATUS_OK;
}

static Status use_rules(Making *making, Error *err) {
        const Access *access = &making->table.zone->access;
        if (grant_is_of_zone(making->account, making->table.zone)) {
                vec_push(making->arena, &making->granted, (Granted){ 0 });
                return STATUS_OK;
        }
        for (size_t i = 0; i < access->rule_count; i++) {
                Granted granted = { .rule = &access->rules[i] };
                if (!grant_rule_holds(making->grants, making->account, &making->table, granted.rule))
                        continue;
                Str lacking = lacking_now(making, granted.rule);
                if (lacking.size > 0)
                        return error_set(err, STATUS_DENIED, "a rule of access.yml names '%.*s', which is not there", STR_ARG(lacking));
                if (granted.rule->rows.size > 0)
                        TRY(condition(making, false, granted.rule->rows, &granted.rows, err));
                vec_push(making->arena, &making->granted, granted);
        }
        return making->granted.count > 0 ? STATUS_OK : error_set(err, STATUS_DENIED, "no rule");
}

/* ---- uniting ---- */

/* The rows that any rule gives; NULL = all. */
static SqlExpr *rows_of(const Making *making) {
        VEC(SqlExpr *) any = { 0 };
        for (size_t i = 0; i < making->granted.count; i++) {
                if (!making->granted.items[i].rows)
                        return NULL;
                vec_push(making->arena, &any, making->granted.items[i].rows);
        }
        return joined(making->arena, true, any.items, any.count);
}

typedef struct Part {
        SqlExpr *rows; /* NULL = all */
        Value value;
} Part;

/* Rules that show the column as it is first, then those that mask it, as they stand in the text. */
static Status parts_of(Making *making, size_t index, Part *parts, size_t *out_count, Error *err) {
        const RelationColumn *column = &making->relation->columns[index];
        *out_count = 0;
        for (int masked = 0; masked < 2; masked++)
                for (size_t i = 0; i < making->granted.count; i++) {
                        const Granted *granted = &making->granted.items[i];
                        const AccessMask *by = mask_of(granted->rule, column->name);
                        if (!shows(granted->rule, column->name) || (by != NULL) != masked)
                                continue;
                        Part part = { granted->rows, making->bases[index] };
                        if (by)
                                TRY(mask(making, false, by->mask, column->type, making->bases[index], &part.value, err));
                        parts[(*out_count)++] = part;
                }
        return STATUS_OK;
}

static SqlExpr *as_type(const Making *making, Value value, Type type) {
        if (type_equal(value.type, type))
                return value.expr;
        return cast_of(making, "CAST($1 AS ", value.expr, type);
}

/* CASE WHEN rows of the first THEN its value WHEN ... END; text where the values differ in type. */
static Value choose(const Making *making, const Part *parts, size_t count) {
        Type type = parts[0].value.type;
        for (size_t i = 1; i < count; i++)
                if (!type_equal(parts[i].value.type, type))
                        type = (Type){ .kind = TYPE_TEXT };
        SqlWhen *whens = ARENA_ARRAY(making->arena, SqlWhen, count);
        for (size_t i = 0; i < count; i++)
                whens[i] = (SqlWhen){ parts[i].rows ? sql_expr_copy(making->arena, parts[i].rows) : sql_make_constant(making->arena, SQL_BOOLEAN, STR("true")),
                                      as_type(making, parts[i].value, type) };
        SqlExpr *chosen = node(making->arena, (SqlExpr){ .kind = SQL_CASE });
        chosen->when.whens = whens;
        chosen->when.when_count = count;
        chosen->when.otherwise = null_of(making->arena);
        return (Value){ chosen, type, true };
}

static Status unite_column(Making *making, size_t index, Value *out, bool *there, Error *err) {
        size_t count;
        Part *parts = ARENA_ARRAY(making->arena, Part, making->granted.count);
        TRY(parts_of(making, index, parts, &count, err));
        *there = count > 0;
        if (count == 0)
                return STATUS_OK;
        /* Every row that is seen at all is one of a rule that shows it so. */
        bool one = making->granted.count == 1 || (!parts[0].rows && !parts[0].value.masked);
        size_t raw = 0;
        for (size_t i = 0; i < making->granted.count; i++)
                raw += shows(making->granted.items[i].rule, making->relation->columns[index].name) &&
                       !mask_of(making->granted.items[i].rule, making->relation->columns[index].name);
        one |= raw == making->granted.count;
        *out = one ? parts[0].value : choose(making, parts, count);
        return STATUS_OK;
}

/* What nobody declared, nobody could withhold (_extra); a delivery's hash and a record's number tell of the rows beside it. */
static bool tells_of_all(Str name) {
        return str_equal_nocase(name, STR("_extra")) || str_equal_nocase(name, STR("_file")) || str_equal_nocase(name, STR("_row"));
}

static Status unite(Making *making, Error *err) {
        const Relation *relation = making->relation;
        Policy *policy = making->policy;
        VEC(PolicyMask) masks = { 0 };
        VEC(Str) withheld = { 0 };
        bool shown = false;
        policy->row_filter = rows_of(making);
        if (making->central_rows) {
                SqlExpr **both = ARENA_ARRAY(making->arena, SqlExpr *, 2);
                both[0] = making->central_rows;
                both[1] = (SqlExpr *)(uintptr_t)policy->row_filter;
                policy->row_filter = joined(making->arena, false, both, policy->row_filter ? 2 : 1);
        }
        for (size_t i = 0; i < relation->column_count; i++) {
                Value value;
                bool there = making->known[i];
                if (there)
                        TRY(unite_column(making, i, &value, &there, err));
                if (!there)
                        vec_push(making->arena, &withheld, relation->columns[i].name);
                else if (value.masked)
                        vec_push(making->arena, &masks, ((PolicyMask){ relation->columns[i].name, value.expr, value.type }));
                shown |= there && !relation->columns[i].hidden;
        }
        bool limited = policy->row_filter || masks.count > 0 || withheld.count > 0;
        for (size_t i = 0; limited && i < relation->column_count; i++)
                if (tells_of_all(relation->columns[i].name))
                        vec_push(making->arena, &withheld, relation->columns[i].name);
        policy->masks = masks.items;
        policy->mask_count = masks.count;
        policy->withheld = (SqlNames){ withheld.items, withheld.count };
        policy->nothing = !shown;
        return STATUS_OK;
}

Status policy_fits(const BindSource *source, const Relation *relation, Str zone, Str text, bool condition, Arena *arena, Error *err) {
        Making making = { .relation = relation, .source = source, .arena = arena };
        Entitle entitle = { .relation = relation, .source = source, .zone = zone, .arena = arena };
        const SqlExpr *parsed;
        TRY(parse(&making, text, arena, &parsed, err));
        SqlExpr *expr = sql_expr_copy(arena, parsed);
        TRY(put_attributes(&making, &expr, err));
        return condition ? entitle_condition(&entitle, &expr, err) : entitle_value(&entitle, &expr, err);
}

Status policy_names(const BindSource *source, Str text, const Str *columns, size_t count, Arena *arena, Str *out, Error *err) {
        Making making = { .source = source, .arena = arena };
        const SqlExpr *parsed;
        TRY(parse(&making, text, arena, &parsed, err));
        *out = first_named(sql_expr_copy(arena, parsed), columns, count);
        return STATUS_OK;
}

Status policy_reads(const BindSource *source, Str zone, Str text, Arena *arena, Str **out, size_t *out_count, Error *err) {
        Making making = { .source = source, .arena = arena };
        const SqlExpr *parsed;
        Relations inside;
        TRY(parse(&making, text, arena, &parsed, err));
        TRY(tables_inside(source->now, zone, sql_expr_copy(arena, parsed), arena, &inside, err));
        *out = ARENA_ARRAY(arena, Str, inside.count);
        *out_count = inside.count;
        for (size_t i = 0; i < inside.count; i++)
                (*out)[i] = arena_strf(arena, "%.*s.%.*s.%.*s", STR_ARG(inside.items[i]->zone), STR_ARG(inside.items[i]->stage), STR_ARG(inside.items[i]->name));
        return STATUS_OK;
}

/* ---- the whole ---- */

static Status find_now(Making *making, Error *err) {
        const BindSource *now = making->source->now;
        Relation *found = NULL;
        if (!now)
                return error_set(err, STATUS_DENIED, "policies cannot be read here");
        TRY(now->resolve(now->context, making->relation->zone, making->relation->stage, making->relation->name, making->arena, &found, err));
        making->now = found;
        return found ? STATUS_OK : error_set(err, STATUS_DENIED, "main has no such table");
}

static Status make(Making *making, Error *err) {
        TRY(find_now(making, err));
        know_columns(making);
        making->own = (Entitle){ .relation = making->relation, .known = making->known, .source = making->source,
                                 .zone = making->table.zone->name, .arena = making->arena };
        making->central = making->own;
        making->central.zone = STR_NONE;
        making->central.tables = 1u << 20; /* aliases of their own */
        making->bases = ARENA_ARRAY(making->arena, Value, making->relation->column_count);
        for (size_t i = 0; i < making->relation->column_count; i++) {
                const RelationColumn *column = &making->relation->columns[i];
                making->bases[i] = (Value){ sql_make_column(making->arena, 1, &column->name), column->type, false };
        }
        TRY(use_central(making, err));
        TRY(use_rules(making, err));
        return unite(making, err);
}

/* Nothing can limit those who own the zone, where no central policy binds them. */
static bool is_free(const Grants *grants, const Account *account, const GrantTable *table) {
        bool bound = false;
        for (size_t i = 0; i < grants->policies.count; i++)
                bound |= grant_policy_binds(grants, account, &grants->policies.items[i]);
        return !bound && grant_is_of_zone(account, table->zone);
}

/* An owner who looks with another's eyes sees zones that are its own. */
static bool is_within(const Viewer *viewer, Str zone) {
        return !viewer->within || grants_role(viewer->grants, viewer->within, zone) == ZONE_ROLE_OWNER;
}

static bool viewer_may_see(const Viewer *viewer, Str zone, Str stage, Str name) {
        const Account *owner = viewer->within;
        return is_within(viewer, zone) && grants_may_see(viewer->grants, viewer->account, zone, stage, name) &&
               (!owner || grants_may_see(viewer->grants, owner, zone, stage, name));
}

Status grants_policy(const Viewer *viewer, const Relation *relation, const BindSource *source, Arena *arena, const Policy **out, Error *err) {
        Policy *policy = ARENA_NEW(arena, Policy);
        const Grants *grants = viewer->grants;
        const Account *account = viewer->account, *owner = viewer->within;
        Making making = { .viewer = viewer, .grants = grants, .account = account, .relation = relation, .source = source, .arena = arena,
                          .table = { grant_zone(grants, relation->zone), relation->stage, relation->name }, .policy = policy };
        *out = NULL;
        if (account->is_admin && !owner)
                return STATUS_OK;
        *out = policy;
        policy->nothing = !viewer_may_see(viewer, relation->zone, relation->stage, relation->name);
        if (policy->nothing)
                return STATUS_OK;
        bool raw = str_is(relation->stage, "quarantine") || str_is(relation->stage, "landing");
        if (raw || (is_free(grants, account, &making.table) && (!owner || is_free(grants, owner, &making.table)))) {
                *out = NULL;
                return STATUS_OK;
        }
        Error why;
        Status status = make(&making, &why);
        if (status != STATUS_OK && status_exit(status) != 2) {
                *err = why;
                return status;
        }
        *policy = status == STATUS_OK ? *policy : (Policy){ .nothing = true, .why = arena_str(arena, str_of(why.message)) };
        policy->name = grants_version(viewer, relation->zone, relation->stage, relation->name, arena);
        bool limited = policy->nothing || policy->row_filter || policy->mask_count > 0 || policy->withheld.count > 0;
        *out = limited ? policy : NULL;
        return STATUS_OK;
}

/* ---- why ---- */

typedef VEC(GrantReason) Reasons;

/* The line on which the key of a zone.yml stands; 0 where that is not known. */
static int line_of(Str text, Str key) {
        Str line, rest = text;
        bool more = text.size > 0;
        for (int number = 1; more; number++) {
                more = str_cut(rest, '\n', &line, &rest);
                if (str_starts_with(line, key))
                        return number;
        }
        return 0;
}

static void add_zone_reason(Reasons *reasons, const GrantZone *zone, const Account *account, Arena *arena) {
        bool owner = zone->owner.size > 0 && str_equal(zone->owner, account->name);
        GrantReason reason = { .file = arena_strf(arena, "zones/%.*s/zone.yml", STR_ARG(zone->name)),
                               .line = line_of(zone->text, owner ? STR("owner:") : STR("engineers:")),
                               .grants = owner ? STR("all, as owner") : STR("all, as engineer") };
        vec_push(arena, reasons, reason);
}

static void add_rule_reason(Reasons *reasons, const Access *access, const AccessRule *rule, Arena *arena) {
        const char *word = rule->can == ACCESS_WRITE ? "write" : "read";
        GrantReason reason = { .file = str_of(access->path), .line = rule->line, .grants = str_of(word), .rows = rule->rows };
        if (rule->columns_kind != COLUMNS_ALL)
                reason.grants = arena_strf(arena, "%s %s %.*s", word, rule->columns_kind == COLUMNS_EXCEPT ? "all columns except" : "columns",
                                           STR_ARG(arena_join(arena, rule->columns, rule->column_count, ", ")));
        for (size_t i = 0; i < rule->mask_count; i++)
                reason.mask = arena_strf(arena, "%.*s%s%.*s: %.*s", STR_ARG(reason.mask), i ? ", " : "", STR_ARG(rule->masks[i].column),
                                         STR_ARG(rule->masks[i].mask));
        vec_push(arena, reasons, reason);
}

/* Which columns have the tag, or none where the table itself has it. */
static Str tagged_columns(const Grants *grants, const GrantTable *table, Str tag, Arena *arena) {
        VEC(Str) names = { 0 };
        size_t count;
        const Tagged *items = grant_tagged(grants, table, &count);
        for (size_t i = 0; i < count; i++) {
                if (!str_equal(items[i].tag, tag))
                        continue;
                if (items[i].column.size == 0)
                        return STR("");
                if (!str_is_in_nocase(items[i].column, names.items, names.count))
                        vec_push(arena, &names, items[i].column);
        }
        return names.count > 0 ? arena_strf(arena, " of %.*s", STR_ARG(arena_join(arena, names.items, names.count, ", "))) : STR("");
}

static void add_policy_reasons(Reasons *reasons, const Grants *grants, const Account *account, const GrantTable *table, Arena *arena) {
        for (size_t i = 0; i < grants->policies.count; i++) {
                const CentralPolicy *policy = &grants->policies.items[i];
                if (!grant_touches(grants, table, policy->tag) || !grant_policy_binds(grants, account, policy))
                        continue;
                if (str_is(table->stage, "quarantine") || str_is(table->stage, "landing")) {
                        Str all = arena_strf(arena, "takes it away, for the tag %.*s: lines as they came cannot be masked", STR_ARG(policy->tag));
                        vec_push(arena, reasons, ((GrantReason){ .file = str_of(grants->policies.path), .line = policy->line, .grants = all, .takes = true }));
                        continue;
                }
                GrantReason reason = { .file = str_of(grants->policies.path), .line = policy->line, .rows = policy->rows, .mask = policy->mask,
                                       .takes = true };
                Str columns = tagged_columns(grants, table, policy->tag, arena);
                reason.grants = arena_strf(arena, "less, for the tag %.*s%.*s", STR_ARG(policy->tag), STR_ARG(columns));
                vec_push(arena, reasons, reason);
        }
}

void grants_why(const Grants *grants, const Account *account, Str zone, Str stage, Str name, Arena *arena, GrantReason **out, size_t *out_count) {
        GrantTable table = { grant_zone(grants, zone), stage, name };
        Reasons reasons = { 0 };
        if (account->is_admin)
                vec_push(arena, &reasons, ((GrantReason){ .grants = STR("all, as administrator") }));
        else if (table.zone && grant_is_of_zone(account, table.zone))
                add_zone_reason(&reasons, table.zone, account, arena);
        for (size_t i = 0; table.zone && !account->is_admin && i < table.zone->access.rule_count; i++)
                if (grant_rule_holds(grants, account, &table, &table.zone->access.rules[i]))
                        add_rule_reason(&reasons, &table.zone->access, &table.zone->access.rules[i], arena);
        if (table.zone && !account->is_admin)
                add_policy_reasons(&reasons, grants, account, &table, arena);
        *out = reasons.items;
        *out_count = reasons.count;
}

/* ---- its version ---- */

static void add_texts(Buf *out, const Str *items, size_t count) {
        buf_u32(out, (uint32_t)count);
        for (size_t i = 0; i < count; i++)
                buf_lstr(out, items[i]);
}

static void add_rule(Buf *out, const AccessRule *rule) {
        buf_lstr(out, rule->rows);
        buf_u32(out, (uint32_t)rule->columns_kind);
        add_texts(out, rule->columns, rule->column_count);
        buf_u32(out, (uint32_t)rule->mask_count);
        for (size_t i = 0; i < rule->mask_count; i++) {
                buf_lstr(out, rule->masks[i].column);
                buf_lstr(out, rule->masks[i].mask);
        }
}

static void add_tags(Buf *out, const Grants *grants, const GrantTable *table) {
        size_t count;
        const Tagged *items = grant_tagged(grants, table, &count);
        for (size_t i = 0; i < count; i++) {
                buf_lstr(out, items[i].column);
                buf_lstr(out, items[i].tag);
        }
}

static Str version_of(const Grants *grants, const Account *account, const GrantTable *table, Arena *arena) {
        CLEANUP(buf_deinit) Buf text = { 0 };
        buf_u32(&text, grant_is_of_zone(account, table->zone));
        for (size_t i = 0; i < table->zone->access.rule_count; i++)
                if (grant_rule_holds(grants, account, table, &table->zone->access.rules[i]))
                        add_rule(&text, &table->zone->access.rules[i]);
        for (size_t i = 0; i < grants->policies.count; i++) {
                const CentralPolicy *policy = &grants->policies.items[i];
                if (!grant_has_tag(grants, table, STR_NONE, policy->tag, true) || !grant_policy_binds(grants, account, policy))
                        continue;
                buf_lstr(&text, policy->tag);
                buf_lstr(&text, policy->rows);
                buf_lstr(&text, policy->mask);
        }
        add_tags(&text, grants, table);
        for (size_t i = 0; i < account->attribute_count; i++) {
                buf_lstr(&text, account->attributes[i].name);
                add_texts(&text, account->attributes[i].values, account->attributes[i].value_count);
        }
        return str_slice(sha256_hex(arena, sha256_of(buf_view(&text))), 0, 16);
}

Str grants_version(const Viewer *viewer, Str zone, Str stage, Str name, Arena *arena) {
        GrantTable table = { grant_zone(viewer->grants, zone), stage, name };
        if (!table.zone)
                return STR_NONE;
        Str own = version_of(viewer->grants, viewer->account, &table, arena);
        if (!viewer->within)
                return own;
        Str both = arena_strf(arena, "%.*s%.*s", STR_ARG(own), STR_ARG(version_of(viewer->grants, viewer->within, &table, arena)));
        return str_slice(sha256_hex(arena, sha256_of(both)), 0, 16);
}

/* ---- as binding asks ---- */

/* A view is bound as its zone: its own stages whole, of others what they publish. */
static bool is_zones(const Principal *principal) {
        return principal->zone.size > 0;
}

static bool may_see(void *context, const Principal *principal, Str zone, Str stage, Str name) {
        const Viewer *viewer = context;
        if (is_zones(principal))
                return str_equal(principal->zone, zone) || str_is(stage, "egress");
        return viewer_may_see(viewer, zone, stage, name);
}

static bool sees_whole(void *context, const Principal *principal, Str zone, Str stage, Str name) {
        const Viewer *viewer = context;
        return !is_zones(principal) && is_within(viewer, zone) && grants_see_whole(viewer->grants, viewer->account, zone, stage, name) &&
               (!viewer->within || grants_see_whole(viewer->grants, viewer->within, zone, stage, name));
}

static Status policy_for(void *context, const Principal *principal, const Relation *relation, const BindSource *source, Arena *arena,
                         const Policy **out, Error *err) {
        const Viewer *viewer = context;
        *out = NULL;
        if (is_zones(principal))
                return STATUS_OK;
        return grants_policy(viewer, relation, source, arena, out, err);
}

Sight viewer_sight(const Viewer *viewer) {
        return (Sight){ .may_see = may_see, .sees_whole = sees_whole, .policy = policy_for, .context = (void *)(uintptr_t)viewer };
}
