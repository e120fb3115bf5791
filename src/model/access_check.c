/* SPDX-License-Identifier: Apache-2.0 */
#include "model/access_check.h"

#include "base/map.h"
#include "base/vec.h"
#include "model/access_names.h"
#include "model/decide.h"
#include "model/grant.h"
#include "sql/lexer.h"
#include "sql/printer.h"

typedef VEC(const Node *) Nodes;

/* Whether an expression fits a table. */
typedef struct Fit {
        Status status;
} Fit;

/* One rule or policy, and the tables it is on. */
typedef struct Ruling {
        const AccessCheck *check;
        const AccessRule *rule; /* NULL of a policy and of a test */
        const char *path;
        Str text;
        int line;
        Nodes tables;
        Str zone; /* whose rule it is; empty of policies.yml */
        Map *fits; /* Fit, by fit_key() */
        bool central; /* of policies.yml */
        bool several; /* named by a pattern, or by a tag */
} Ruling;

static Error *place(const Ruling *ruling, const char *key, Str word, Error *err) {
        access_place(err, ruling->path, ruling->text, ruling->line, key, word);
        return err;
}

static void withhold(const Ruling *ruling, const Node *node) {
        AccessMisfits *misfits = ruling->check->misfits;
        Arena *arena = ruling->check->arena;
        if (misfits && ruling->rule)
                vec_push(arena, &misfits->tables, ((AccessMisfit){ .object = node->name, .rule = access_rule_print(arena, ruling->rule) }));
}

/* ---- which tables ---- */

static bool has_text(const Str *items, size_t count, Str wanted) {
        for (size_t i = 0; i < count; i++)
                if (str_equal(items[i], wanted))
                        return true;
        return false;
}

static bool has_tag(const Node *node, Str tag) {
        const Model *model = node->model;
        bool found = model && has_text(model->tags, model->tag_count, tag);
        for (size_t i = 0; node->source && i < node->source->column_count; i++)
                found |= has_text(node->source->column_texts[i].tags, node->source->column_texts[i].tag_count, tag);
        for (size_t i = 0; model && i < model->column_count; i++)
                found |= has_text(model->columns[i].tags, model->columns[i].tag_count, tag);
        return found;
}

static bool is_on(const AccessObject *object, const Node *node) {
        if (object->is_tag)
                return has_tag(node, object->table);
        return str_equal(object->stage, node->stage) && (str_is(object->table, "*") || str_equal(object->table, node->table));
}

static void unknown_object(const Ruling *ruling, Str zone, const AccessObject *object) {
        const Graph *graph = ruling->check->graph;
        Arena *arena = ruling->check->arena;
        VEC(Str) names = { 0 };
        for (size_t i = 0; i < graph->count; i++)
                if (str_equal(graph->nodes[i]->zone, zone))
                        vec_push(arena, &names, arena_strf(arena, "%.*s.%.*s", STR_ARG(graph->nodes[i]->stage), STR_ARG(graph->nodes[i]->table)));
        Str written = arena_strf(arena, "%.*s.%.*s", STR_ARG(object->stage), STR_ARG(object->table));
        Error *err = place(ruling, "on", written,
                           problems_add(ruling->check->problems, STATUS_NO_TABLE, "`on` names %.*s, which zone %.*s does not have",
                                        STR_ARG(written), STR_ARG(zone)));
        Str near = str_nearest(written, names.items, names.count);
        if (near.size)
                error_hint(err, "did you mean %.*s?", STR_ARG(near));
}

/* Tables that are wrong themselves are told of already. */
static void add_tables(Ruling *ruling, Str zone, const AccessObject *object) {
        const AccessCheck *check = ruling->check;
        bool found = false;
        for (size_t i = 0; i < check->graph->count; i++) {
                const Node *node = check->graph->nodes[i];
                if ((zone.size && !str_equal(node->zone, zone)) || !is_on(object, node))
                        continue;
                found = true;
                if (check->tables[i].known)
                        vec_push(check->arena, &ruling->tables, node);
        }
        bool named = !object->is_tag && !str_is(object->table, "*");
        ruling->several |= !named;
        if (named && !found && !str_is(object->stage, "landing"))
                unknown_object(ruling, zone, object);
}

/* A tag that nothing carries gives nobody anything. */
static void want_tag(const Ruling *ruling, const char *key, Str tag) {
        const Graph *graph = ruling->check->graph;
        Arena *arena = ruling->check->arena;
        VEC(Str) tags = { 0 };
        for (size_t i = 0; i < graph->count; i++) {
                const Model *model = graph->nodes[i]->model;
                const Source *source = graph->nodes[i]->source;
                for (size_t c = 0; source && c < source->column_count; c++)
                        for (size_t k = 0; k < source->column_texts[c].tag_count; k++)
                                vec_push(arena, &tags, source->column_texts[c].tags[k]);
                for (size_t k = 0; model && k < model->tag_count; k++)
                        vec_push(arena, &tags, model->tags[k]);
                for (size_t c = 0; model && c < model->column_count; c++)
                        for (size_t k = 0; k < model->columns[c].tag_count; k++)
                                vec_push(arena, &tags, model->columns[c].tags[k]);
        }
        if (has_text(tags.items, tags.count, tag))
                return;
        Str written = str_is(str_of(key), "on") ? arena_strf(arena, "tag:%.*s", STR_ARG(tag)) : tag;
        Error *err = place(ruling, key, written, problems_add(ruling->check->warnings, STATUS_NOT_FOUND, "nothing carries the tag '%.*s'", STR_ARG(tag)));
        Str near = str_nearest(tag, tags.items, tags.count);
        if (near.size)
                error_hint(err, "did you mean %.*s?", STR_ARG(near));
}

/* ---- columns ---- */

static bool has_column(const AccessCheck *check, const Node *node, Str name) {
        const DryTable *table = &check->tables[node->index];
        for (size_t i = 0; i < table->column_count; i++)
                if (str_equal_nocase(table->columns[i].name, name))
                        return true;
        return false;
}

/* Whatever table it is on has to have it: one that has not is withheld by the rule. */
static void want_column(const Ruling *ruling, const char *key, Str name) {
        const AccessCheck *check = ruling->check;
        const Node *lacking = NULL;
        bool some = false;
        for (size_t i = 0; i < ruling->tables.count; i++) {
                bool has = has_column(check, ruling->tables.items[i], name);
                some |= has;
                if (!has)
                        withhold(ruling, ruling->tables.items[i]);
                if (!has && !lacking)
                        lacking = ruling->tables.items[i];
        }
        if (!lacking)
                return;
        Error *err = place(ruling, key, name, problems_add(check->problems, STATUS_NO_COLUMN, "`%s` names '%.*s', which %.*s does not have", key,
                                                           STR_ARG(name), STR_ARG(lacking->name)));
        const DryTable *table = &check->tables[lacking->index];
        Str *names = ARENA_ARRAY(check->arena, Str, table->column_count);
        for (size_t i = 0; i < table->column_count; i++)
                names[i] = table->columns[i].name;
        Str near = str_nearest(name, names, table->column_count);
        if (some)
                error_hint(err, "the rule would withhold the table: put those that have the column into a rule of their own");
        else if (near.size)
                error_hint(err, "did you mean `%.*s`?", STR_ARG(near));
}

/* ---- SQL ---- */

/* What the principal brings is not known here: any value. */
static Status see_principal(void *context, SqlExpr **place, Error *err UNUSED) {
        SqlExpr *expr = *place;
        if (expr->kind != SQL_COLUMN_REF || expr->column.count != 2 || !str_equal_nocase(expr->column.items[0], STR("principal")))
                return STATUS_OK;
        SqlExpr *value = sql_make_string(context, STR(""));
        value->constant.literal = SQL_NULL;
        value->at = expr->at;
        *place = value;
        return STATUS_OK;
}

/* SELECT (expression) FROM the table: what is bound; the expression stands on the second line. */
static Status bind_one(const Ruling *ruling, const Node *node, Str expression, bool condition, WorkerColumns *out, Error *err) {
        const AccessCheck *check = ruling->check;
        const BindSource *source = check->spec->source;
        StatementSpec spec = *check->spec;
        Relation *relation = NULL;
        CLEANUP(buf_deinit) Buf sql = { 0 };
        buf_printf(&sql, "SELECT (\n%.*s\n) FROM ", STR_ARG(expression));
        const Str path[] = { node->zone, node->stage, node->table };
        for (size_t i = 0; i < COUNT_OF(path); i++) {
                buf_append_cstr(&sql, i ? "." : "");
                sql_quote_name(&sql, path[i]);
        }
        SqlTree *tree;
        TRY(sql_expression(buf_view(&sql), sizeof("SELECT (\n") - 1, expression.size, err));
        TRY(statement_parse(check->spec->worker, buf_dup(&sql, check->arena), STR(""), check->arena, &tree, err));
        SqlVisitor visitor = { .expr = see_principal, .context = check->arena };
        TRY(sql_visit_query(tree->query, &visitor, err));
        Statement *statement = ARENA_NEW(check->arena, Statement);
        spec.default_zone = node->zone;
        TRY(statement_bind(&spec, tree, check->arena, statement, err));
        *out = statement->columns;
        TRY(source->resolve(source->context, node->zone, node->stage, node->table, check->arena, &relation, err));
        return relation ? policy_fits(source, relation, ruling->central ? STR_NONE : node->zone, expression, condition, check->arena, err) : STATUS_OK;
}

static bool is_condition(const WorkerColumns *columns) {
        return columns->count == 1 && (!columns->items[0].has_type || columns->items[0].type.kind == TYPE_BOOLEAN);
}

static Status fit_one(const Ruling *ruling, const Node *node, Str expression, bool condition, Error *err) {
        WorkerColumns columns;
        TRY(bind_one(ruling, node, expression, condition, &columns, err));
        if (!condition || is_condition(&columns))
                return STATUS_OK;
        return error_set(err, STATUS_SQL_TYPE, "it is no condition: it gives %.*s where true or false is wanted", STR_ARG(columns.items[0].engine_type));
}

static Str unquoted(Str name, Arena *arena) {
        CLEANUP(buf_deinit) Buf out = { 0 };
        for (size_t i = 1; i + 1 < name.size; i += name.data[i] == '"' ? 2 : 1)
                buf_append_byte(&out, name.data[i]);
        return buf_dup(&out, arena);
}

/* The names in an expression, as far as its tokens tell: more than there are, never fewer. */
static void words_of(Str expression, Arena *arena, SqlNames *out) {
        VEC(Str) words = { 0 };
        SqlLexer lexer = { .text = expression };
        for (SqlToken token = sql_lex(&lexer); token.kind != SQL_TOKEN_END; token = sql_lex(&lexer)) {
                if (token.kind == SQL_TOKEN_WORD)
                        vec_push(arena, &words, token.text);
                else if (token.kind == SQL_TOKEN_NAME)
                        vec_push(arena, &words, unquoted(token.text, arena));
        }
        *out = (SqlNames){ words.items, words.count };
}

/* What decides whether the expression fits: zone and kind of the table and those of its columns that are named; all of them, and
 * its own name, where that is named too. */
static Str fit_key(const Ruling *ruling, const Node *node, Str expression, bool condition, const SqlNames *words) {
        Arena *arena = ruling->check->arena;
        const DryTable *table = &ruling->check->tables[node->index];
        bool itself = str_is_in_nocase(node->table, words->items, words->count);
        bool view = node->kind == NODE_MODEL && node->model->kind == MODEL_VIEW;
        CLEANUP(buf_deinit) Buf key = { 0 };
        buf_printf(&key, "%d%d%d %.*s\n%.*s\n%.*s\n", condition, ruling->central, view, STR_ARG(node->zone), STR_ARG(itself ? node->name : STR_NONE),
                   STR_ARG(expression));
        for (size_t i = 0; i < table->column_count; i++)
                if (itself || str_is_in_nocase(table->columns[i].name, words->items, words->count))
                        buf_printf(&key, "%.*s %.*s\n", STR_ARG(table->columns[i].name), STR_ARG(type_print(arena, table->columns[i].type)));
        return buf_dup(&key, arena);
}

/* Tables that are alike are looked at once: a pattern may be on thousands. Why it does not fit is wanted of one alone. */
static Status fits(const Ruling *ruling, const Node *node, Str expression, bool condition, const SqlNames *words, bool told, Error *err) {
        Str key = fit_key(ruling, node, expression, condition, words);
        const Fit *known = map_get(ruling->fits, key);
        if (known && (known->status == STATUS_OK || told))
                return known->status;
        Fit *fit = ARENA_NEW(ruling->check->arena, Fit);
        fit->status = fit_one(ruling, node, expression, condition, err);
        if (fit->status == STATUS_OK || status_exit(fit->status) == 2)
                map_put(ruling->fits, key, fit);
        return fit->status;
}

/* The expression over each of the rule's tables; the first that does not fit is told. */
static Status look_at_sql(const Ruling *ruling, const char *key, Str expression, bool condition, Error *err) {
        bool told = false;
        SqlNames words;
        words_of(expression, ruling->check->arena, &words);
        for (size_t i = 0; i < ruling->tables.count && (!told || ruling->check->misfits); i++) {
                const Node *node = ruling->tables.items[i];
                Status status = fits(ruling, node, expression, condition, &words, told, err);
                if (status == STATUS_OK)
                        continue;
                if (status_exit(status) != 2)
                        return status;
                withhold(ruling, node);
                if (told)
                        continue;
                told = true;
                Error *problem = place(ruling, key, expression, problems_add(ruling->check->problems, status, "`%s: %.*s` does not fit %.*s: %s", key, STR_ARG(expression), STR_ARG(node->name), err->message));
                Str near = condition ? STR_NONE : access_mask_near(expression);
                if (!condition && access_mask_is_word(expression) && near.size > 0)
                        error_hint(problem, "did you mean %.*s? " ACCESS_MASKS, STR_ARG(near));
                else if (!condition && access_mask_is_word(expression))
                        error_hint(problem, "%s", ACCESS_MASKS);
                else if (err->hint[0])
                        error_hint(problem, "%s", err->hint);
        }
        return STATUS_OK;
}

/* null, hash, partial N and bucket N are words of ours. */
static bool is_sql_mask(Str mask) {
        Str word, rest;
        str_cut(mask, ' ', &word, &rest);
        return !str_is(mask, "null") && !str_is(mask, "hash") && !str_is(word, "partial") && !str_is(word, "bucket");
}

static void keep_tables_with(const Ruling *ruling, Str column, Ruling *out) {
        *out = *ruling;
        out->tables = (Nodes){ 0 };
        for (size_t i = 0; i < ruling->tables.count; i++)
                if (has_column(ruling->check, ruling->tables.items[i], column))
                        vec_push(ruling->check->arena, &out->tables, ruling->tables.items[i]);
}

/* ---- rules and policies ---- */

static bool is_among(const Who *who, const Who *list, size_t count) {
        for (size_t i = 0; i < count; i++)
                if (list[i].kind == WHO_EVERYONE || (list[i].kind == who->kind && str_equal(list[i].name, who->name)))
                        return true;
        return false;
}

/* As far as the text can tell: what roles a user has is not in it. */
static bool binds(const CentralPolicy *policy, const Who *who) {
        return is_among(who, policy->who, policy->who_count) && !is_among(who, policy->except, policy->except_count);
}

/* What of the masked columns the rows name, if it is of their table; and all tables that the queries inside of them read. */
typedef struct NamedMasks {
        VEC(const Masked *) items; /* by node */
        Str *reads;
        size_t read_count;
} NamedMasks;

static Status find_named(const Ruling *ruling, const Masked *masked, size_t count, NamedMasks *out, Error *err) {
        const AccessCheck *check = ruling->check;
        Map named; /* by column: whether it is */
        static const bool yes = true, no = false;
        map_init(&named, check->arena);
        *out = (NamedMasks){ 0 };
        TRY(policy_reads(check->spec->source, ruling->zone, ruling->rule->rows, check->arena, &out->reads, &out->read_count, err));
        for (size_t i = 0; i < count; i++) {
                Str found;
                const bool *is = map_get(&named, masked[i].column);
                if (!is) {
                        TRY(policy_names(check->spec->source, ruling->rule->rows, &masked[i].column, 1, check->arena, &found, err));
                        is = found.size ? &yes : &no;
                        map_put(&named, masked[i].column, (void *)(uintptr_t)is);
                }
                if (*is)
                        vec_push(check->arena, &out->items, &masked[i]);
        }
        return STATUS_OK;
}

/* The first that the policy masks for them, of the table or of one that is read inside. */
static const Masked *find_masked(const NamedMasks *named, const Node *node, const Who *who) {
        for (size_t i = 0; i < named->items.count; i++) {
                const Masked *masked = named->items.items[i];
                if ((masked->node == node || str_is_in_nocase(masked->node->name, named->reads, named->read_count)) && binds(masked->policy, who))
                        return masked;
        }
        return NULL;
}

static void warn_of_masked(const Ruling *ruling, const Masked *masked, const Node *node, Str who) {
        const AccessCheck *check = ruling->check;
        Problems *to = check->misfits ? &check->misfits->problems : check->warnings;
        Error *err = place(ruling, "rows", ruling->rule->rows,
                           problems_add(to, STATUS_DENIED, "the rule gives %.*s nothing of %.*s: `rows` names '%.*s', which %s:%d masks for the tag %.*s",
                                        STR_ARG(who), STR_ARG(node->name), STR_ARG(masked->column), check->project->policies.path,
                                        masked->policy->line, STR_ARG(masked->tag)));
        if (check->misfits)
                check->misfits->masked++;
        error_hint(err, "name a column that is not masked, in the query inside too: let the model bring one, such as a region%s",
                   masked->policy->except_count ? "; whom the policy excepts has its rows" : "");
}

/* What a zone says of masked values could be asked out of them, so that such a rule is as none. Told once for each of whom it names. */
static Status look_at_masked(const Ruling *ruling, const Masked *masked, size_t count, Error *err) {
        const AccessRule *rule = ruling->rule;
        Arena *arena = ruling->check->arena;
        NamedMasks named;
        Status status = rule->rows.size && count ? find_named(ruling, masked, count, &named, err) : STATUS_OK;
        if (status_exit(status) == 2 || !rule->rows.size || !count)
                return STATUS_OK; /* what cannot be read is told of */
        TRY(status);
        for (size_t w = 0; w < rule->who_count && named.items.count; w++) {
                Str who = who_print(arena, &rule->who[w]);
                bool told = false;
                for (size_t i = 0; i < ruling->tables.count; i++) {
                        const Node *node = ruling->tables.items[i];
                        const Masked *found = find_masked(&named, node, &rule->who[w]);
                        if (!found)
                                continue;
                        if (ruling->check->misfits)
                                vec_push(arena, &ruling->check->misfits->tables, ((AccessMisfit){ node->name, access_rule_print(arena, rule), who }));
                        if (!told)
                                warn_of_masked(ruling, found, node, who);
                        told = true;
                }
        }
        return STATUS_OK;
}

static Status look_at_rule(const AccessCheck *check, Map *fits, const Masked *masked, size_t masked_count, const Zone *zone, const AccessRule *rule,
                           Error *err) {
        Ruling ruling = { .check = check, .fits = fits, .zone = zone->name, .rule = rule, .path = zone->access.path, .text = zone->access.text, .line = rule->line };
        for (size_t i = 0; i < rule->on_count; i++) {
                add_tables(&ruling, zone->name, &rule->on[i]);
                if (rule->on[i].is_tag)
                        want_tag(&ruling, "on", rule->on[i].table);
        }
        if (ruling.tables.count == 0)
                return STATUS_OK;
        for (size_t i = 0; i < rule->column_count; i++)
                want_column(&ruling, "columns", rule->columns[i]);
        if (rule->rows.size)
                TRY(look_at_sql(&ruling, "rows", rule->rows, true, err));
        for (size_t i = 0; i < rule->mask_count; i++) {
                Ruling with;
                want_column(&ruling, "mask", rule->masks[i].column);
                keep_tables_with(&ruling, rule->masks[i].column, &with);
                if (is_sql_mask(rule->masks[i].mask))
                        TRY(look_at_sql(&with, "mask", rule->masks[i].mask, false, err));
        }
        return look_at_masked(&ruling, masked, masked_count, err);
}

static Status look_at_policy(const AccessCheck *check, Map *fits, const CentralPolicies *policies, const CentralPolicy *policy, Error *err) {
        Ruling ruling = { .check = check, .fits = fits, .path = policies->path, .text = policies->text, .line = policy->line, .central = true };
        AccessObject tagged = { .is_tag = true, .table = policy->tag };
        add_tables(&ruling, STR(""), &tagged);
        want_tag(&ruling, "tag", policy->tag);
        if (policy->rows.size)
                TRY(look_at_sql(&ruling, "rows", policy->rows, true, err));
        return policy->mask.size && is_sql_mask(policy->mask) ? look_at_sql(&ruling, "mask", policy->mask, false, err) : STATUS_OK;
}

/* `on` is a table of the zone and `key` one of its columns. */
static void look_at_test(const AccessCheck *check, const Zone *zone, const AccessTest *test) {
        Ruling ruling = { .check = check, .path = arena_printf(check->arena, "zones/%.*s/access.test.yml", STR_ARG(zone->name)),
                          .text = zone->access_test_text, .line = test->line };
        AccessObject object = { 0 };
        if (!str_cut(test->table, '.', &object.stage, &object.table))
                object = (AccessObject){ .stage = test->table };
        add_tables(&ruling, zone->name, &object);
        if (ruling.tables.count && test->key.size)
                want_column(&ruling, "key", test->key);
}

Status access_check(const AccessCheck *check, Error *err) {
        const Project *project = check->project;
        Masked *masked;
        size_t masked_count;
        Map fits;
        map_init(&fits, check->arena);
        TRY(decide_masked(project, check->graph, check->trees, check->arena, &masked, &masked_count, err));
        for (size_t z = 0; z < project->zone_count; z++)
                for (size_t i = 0; i < project->zones[z]->access.rule_count; i++)
                        TRY(look_at_rule(check, &fits, masked, masked_count, project->zones[z], &project->zones[z]->access.rules[i], err));
        for (size_t z = 0; z < project->zone_count; z++)
                for (size_t i = 0; i < project->zones[z]->access_test_count; i++)
                        look_at_test(check, project->zones[z], &project->zones[z]->access_tests[i]);
        for (size_t i = 0; i < project->policies.count; i++)
                TRY(look_at_policy(check, &fits, &project->policies, &project->policies.items[i], err));
        return STATUS_OK;
}
