/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One walk over the tree, query by query. In each SELECT the relations come first: each becomes a Seen in the query's
 * scope (a guarded scan with known columns, or something else under an alias). Then the conditions are known that allow
 * leaving files out, and the scans are made. Then every expression is gone over: names with zone and stage are cut to
 * what they are inside, stars lose the hidden columns, current_user becomes the principal.
 */
#include "govern/bind.h"

#include <pwd.h>

#include "govern/dialect.h"
#include "govern/flat.h"
#include "govern/guard.h"
#include "govern/names.h"
#include "govern/predicate.h"
#include "sql/allow.h"
#include "sql/depend.h"

#define VIEW_DEPTH_MAX 16
#define RELATION_MAX 1000      /* uses of relations in a statement, those of its views included */
#define PRINTED_MAX (7u << 20) /* bytes of the printed statement; a message to a worker holds 8 MB */
#define OUTPUT_NAME_MAX 64     /* bytes of an output's name taken from the text */
#define HOISTED "_lode_scan_"  /* and a number: no CTE of the user's is called so */

/* A relation in a FROM. */
typedef struct Seen {
        Str alias;                /* by which the query names it; empty = it cannot */
        const Relation *scan;     /* NULL: a CTE, a subquery, a view, a function: columns unknown here */
        const Relation *relation; /* the same, and of a view too; NULL where the name is none of the catalog's */
        const Policy *policy;
        SqlFrom *from;  /* the node that becomes the scan */
        bool unaliased; /* the alias is the relation's own name, so zone.stage.name.column may be written */
        bool *carried;  /* scan: per column */
        bool nullable;  /* on the side of an outer join that can be filled with NULL */
        bool whole;     /* files may not be left out: positions, nearest rows and samples depend on all rows */
        const SqlExpr **moved; /* the statement's conditions that are computed in the scan, and nowhere else */
        size_t moved_count;
} Seen;

typedef struct Scope Scope;
struct Scope {
        const Scope *outer;
        SqlScope ctes; /* for sql_scope_has(); its outer is the outer scope's */
        VEC(Seen *) seen;
        bool in_list; /* what is bound stands in the SELECT list */
};

/* One text: the statement, or a view inside it, with whose rights it is read. */
typedef struct Text {
        const SqlTree *tree;
        Str zone, stage; /* defaults for short names */
        const Principal *principal;
        uint32_t source;
        int view_depth;
        bool own;   /* a view of the system's own */
        bool client; /* see BindRequest */
        const void *moment; /* the view stands under AT (...): so does all in it; or NULL */
        bool nests;  /* it or a text around it has subqueries, see hoist() */
        bool veiled; /* see GuardedUse */
        Mentioned mentioned;
} Text;

/* A scan of the statement's own text: printed when all of it has been seen. */
typedef struct Pending {
        Seen *seen;
        GuardedUse use;
        size_t relation; /* in Bind.relations */
} Pending;

typedef struct Bind {
        const BindRequest *request;
        Arena *arena;
        BoundStatement *out;
        VEC(BoundRelation) relations;
        VEC(Type) functions;
        VEC(Str) columns;
        size_t relation_uses;
        bool filtered; /* a row filter stands somewhere in the statement */
        bool blind;    /* of a veiled table there is no outline: nothing is known of its rows */
        Flat flat;
        VEC(Pending) pending;
        VEC(SqlCte) hoisted; /* in the order in which they may name each other */
} Bind;

/* What the surroundings of a relation in FROM say about it. */
typedef struct Place {
        bool nullable, whole, bare; /* bare: hidden columns must not be carried */
} Place;

static Status bind_query(Bind *bind, const Text *text, const Scope *outer, SqlQuery *query, Error *err);
static Status bind_expr(Bind *bind, const Text *text, Scope *scope, SqlExpr **place, Error *err);

static Status place_error(const Text *text, SqlPlace at, Error *err) {
        return sql_error_place(err, text->tree, at);
}

Principal principal_local(Arena *arena) {
        char buffer[4096];
        struct passwd entry, *found = NULL;
        if (getpwuid_r(geteuid(), &entry, buffer, sizeof(buffer), &found) == 0 && found)
                return (Principal){ .name = arena_strf(arena, "local:%s", found->pw_name), .administrator = true };
        return (Principal){ .name = arena_strf(arena, "local:%u", (unsigned)geteuid()), .administrator = true };
}

/* ---- names of relations ---- */

static Str name_of_path(SqlNames path) {
        return path.items[path.count - 1];
}

/* How well a full name fits what was written short: its zone stands there too; quarantine is seldom meant. */
static int fitness(Str full, SqlNames path) {
        Str zone, rest;
        str_cut(full, '.', &zone, &rest);
        return 2 * str_equal_nocase(zone, path.items[0]) + !str_starts_with(rest, STR("quarantine."));
}

/* Names that this principal may know, moved to the front; gives their number. */
static size_t keep_seen(const Bind *bind, Str *names, size_t count) {
        size_t kept = 0;
        for (size_t i = 0; i < count; i++) {
                Str zone, stage, name, rest;
                bool whole = str_cut(names[i], '.', &zone, &rest) && str_cut(rest, '.', &stage, &name);
                if (whole && sight_allows(bind->request->source->sight, &bind->request->principal, zone, stage, name))
                        names[kept++] = names[i];
        }
        return kept;
}

/* A guess among what may be seen: the same last name elsewhere, else the nearest spelling. */
static Str guess_relation(Bind *bind, Str written, SqlNames path) {
        Str name = name_of_path(path);
        const BindSource *source = bind->request->source;
        Str *names;
        size_t count;
        Error unused = { 0 }; /* no guess, then */
        if (!source->names || source->names(source->context, bind->arena, &names, &count, &unused) != STATUS_OK)
                return STR_NONE;
        count = keep_seen(bind, names, count);
        Str suffix = arena_strf(bind->arena, ".%.*s", STR_ARG(name)), best = STR_NONE;
        for (size_t i = 0; i < count; i++)
                if (names[i].size >= suffix.size &&
                    str_equal_nocase(str_slice(names[i], names[i].size - suffix.size, names[i].size), suffix) &&
                    (best.size == 0 || fitness(names[i], path) > fitness(best, path)))
                        best = names[i];
        return best.size > 0 ? best : str_nearest(written, names, count);
}

static bool looks_like_file(Str name) {
        return str_find_byte(name, '/') < name.size || str_find_byte(name, '.') < name.size ||
               str_find(name, STR("://")) < name.size;
}

static bool is_there(Bind *bind, const Text *text, Str full);

static Status no_relation(Bind *bind, const Text *text, const SqlFrom *from, Error *err) {
        SqlNames path = from->table.path;
        Str name = name_of_path(path);
        if (path.count == 1 && looks_like_file(name)) {
                error_set(err, STATUS_SQL_REFUSED, "'%.*s' is a file, and SQL reads tables only", STR_ARG(name));
                error_hint(err, "files enter through a source: lode add ZONE %.*s", STR_ARG(name));
                return place_error(text, from->at, err);
        }
        Str written = path.count == 3 ? arena_strf(bind->arena, "%.*s.%.*s.%.*s", STR_ARG(path.items[0]),
                                                   STR_ARG(path.items[1]), STR_ARG(path.items[2]))
                      : path.count == 2
                              ? arena_strf(bind->arena, "%.*s.%.*s", STR_ARG(path.items[0]), STR_ARG(path.items[1]))
                              : name;
        error_set(err, STATUS_NO_TABLE, "no table '%.*s'", STR_ARG(written));
        Str guess = guess_relation(bind, written, path);
        if (guess.size > 0 && is_there(bind, text, guess))
                error_hint(err, "did you mean %.*s?", STR_ARG(guess));
        else
                error_hint(err, "%s%s lists the tables there are", path.count < 3 && text->zone.size == 0 ? "tables are named zone.stage.table; " : "",
                           bind->request->source->system ? "select * from lode.tables" : "lode show table");
        return place_error(text, from->at, err);
}

/* The system relations, for what the user typed: a view's text is its zone's. */
static const BindSystem *system_of(const Bind *bind, const Text *text) {
        return text->source == 0 || text->own ? bind->request->source->system : NULL;
}

/* pg_catalog.x, information_schema.x, lode.x, and pg_x alone. */
static Status resolve_system(Bind *bind, const Text *text, SqlNames path, Relation **out, Error *err) {
        const BindSystem *system = system_of(bind, text);
        if (!system || path.count > 2)
                return STATUS_OK;
        Str name = arena_lower(bind->arena, name_of_path(path));
        if (path.count == 1 && !str_starts_with(name, STR("pg_")))
                return STATUS_OK;
        Str schema = path.count == 2 ? arena_lower(bind->arena, path.items[0]) : STR("pg_catalog");
        return system->find(system->context, schema, name, bind->arena, out, err);
}

/* In the databases that hold every zone a schema is called zone.stage: "shop.canonical".client. */
static SqlNames split_schema(Bind *bind, SqlNames path) {
        Str zone, stage;
        if (path.count != 2 || !str_cut(path.items[0], '.', &zone, &stage))
                return path;
        Str *parts = ARENA_ARRAY(bind->arena, Str, 3);
        parts[0] = zone;
        parts[1] = stage;
        parts[2] = path.items[1];
        return (SqlNames){ parts, 3 };
}

static bool has_capitals(Str name) {
        for (size_t i = 0; i < name.size; i++)
                if (name.data[i] >= 'A' && name.data[i] <= 'Z')
                        return true;
        return false;
}

/* Where words were folded, a name with capitals was quoted, and means what is spelled so. */
static bool is_meant(const Text *text, Str written, Str name) {
        return !text->client || !has_capitals(written) || str_equal(written, name);
}

/* A client may put the database that it is in before everything. */
static SqlNames without_database(const Bind *bind, const Text *text, SqlNames path) {
        const BindSystem *system = system_of(bind, text);
        if (!system || text->own || path.count != 3 || !str_equal_nocase(path.items[0], system->database) ||
            !is_meant(text, path.items[0], system->database)) /* our own texts say the zone, which may be called the same */
                return path;
        return (SqlNames){ path.items + 1, 2 };
}

Status sight_policy(const Sight *sight, const Principal *principal, const Relation *relation, const BindSource *source,
                    Arena *arena, const Policy **out, Error *err) {
        static const Policy nothing = { .nothing = true };
        *out = NULL;
        if (!sight)
                return STATUS_OK;
        *out = &nothing;
        if (!sight_allows(sight, principal, relation->zone, relation->stage, relation->name) || !sight->policy)
                return STATUS_OK;
        return sight->policy(sight->context, principal, relation, source, arena, out, err);
}

/* A relation of the catalog, by a path of two or three parts; NULL if there is none, or none that may be seen. */
static Status resolve_path(Bind *bind, const Text *text, SqlNames path, const void *moment, Relation **out, const Policy **out_policy,
                           Error *err) {
        const BindSource *source = bind->request->source;
        Str zone = path.count == 3 ? path.items[0] : text->zone;
        Str stage = path.count >= 2 ? path.items[path.count - 2] : text->stage;
        Str name = name_of_path(path);
        if (zone.size == 0 || stage.size == 0)
                return STATUS_OK;
        /* Before anything is read: what is not granted takes as long as what is not there. All names are lower case. */
        if (!sight_allows(source->sight, text->principal, arena_lower(bind->arena, zone), arena_lower(bind->arena, stage), arena_lower(bind->arena, name)))
                return STATUS_OK;
        if (moment)
                TRY(source->resolve_at(source->context, moment, zone, stage, name, bind->arena, out, err));
        else
                TRY(source->resolve(source->context, zone, stage, name, bind->arena, out, err));
        Relation *found = *out;
        *out = NULL;
        if (!found || !is_meant(text, name, found->name) || !is_meant(text, stage, found->stage) || !is_meant(text, zone, found->zone))
                return STATUS_OK;
        TRY(sight_policy(source->sight, text->principal, found, source, bind->arena, out_policy, err));
        if (*out_policy && (*out_policy)->nothing)
                *out_policy = NULL;
        else
                *out = found;
        return STATUS_OK;
}

/* Whether a name that may be known of is one that can be read: a rule that does not fit its table withholds it. */
static bool is_there(Bind *bind, const Text *text, Str full) {
        Str parts[3] = { 0 }, rest = full;
        Relation *found = NULL;
        const Policy *policy = NULL;
        Error ignored = { 0 };
        for (size_t i = 0; i < 3; i++)
                str_cut(rest, '.', &parts[i], &rest);
        return resolve_path(bind, text, (SqlNames){ parts, 3 }, NULL, &found, &policy, &ignored) == STATUS_OK && found;
}

/* A name alone, along the session's search path. */
static Status resolve_along_path(Bind *bind, const Text *text, Str name, const void *moment, Relation **out, const Policy **out_policy,
                                 Error *err) {
        const BindSystem *system = system_of(bind, text);
        for (size_t i = 0; system && i < system->path_count && !*out; i++) {
                Str *parts = ARENA_ARRAY(bind->arena, Str, 2);
                parts[0] = system->path[i];
                parts[1] = name;
                SqlNames path = { parts, 2 };
                if (!moment)
                        TRY(resolve_system(bind, text, path, out, err));
                if (!*out)
                        TRY(resolve_path(bind, text, split_schema(bind, path), moment, out, out_policy, err));
        }
        return STATUS_OK;
}

/* The text of a commit or a time: 'a1b2c3', 1234, '2026-01-01', TIMESTAMP '2026-01-01 12:00'. */
static bool moment_text(const SqlExpr *expr, Str *out) {
        if (expr->kind == SQL_CAST)
                expr = expr->cast.child;
        bool is_text = expr->kind == SQL_CONSTANT && (expr->constant.literal == SQL_STRING || expr->constant.literal == SQL_INTEGER);
        *out = is_text ? expr->constant.text : STR_NONE;
        return is_text;
}

/* A parameter that has no value yet. */
static bool is_open(const SqlExpr *expr) {
        if (expr->kind == SQL_CAST)
                expr = expr->cast.child;
        return expr->kind == SQL_PARAMETER || (expr->kind == SQL_CONSTANT && expr->constant.literal == SQL_NULL);
}

/* *out: what AT (...) asks for, or what the view that this stands in was asked for; NULL: what the statement reads. */
static Status moment_of(Bind *bind, const Text *text, const SqlFrom *from, const void **out, Error *err) {
        const BindSource *source = bind->request->source;
        const SqlExpr *at = from->table.at;
        Str when;
        *out = text->moment;
        if (!at)
                return STATUS_OK;
        if (!source->moment || !source->resolve_at) {
                error_set(err, STATUS_SQL_REFUSED, "AT (VERSION or TIMESTAMP) is for questions, not for models and views");
                error_hint(err, "what is built reads what there is when it is built");
                return place_error(text, from->at, err);
        }
        if (bind->request->describing && is_open(at)) /* whatever moment it will be: what is there now describes it */
                return STATUS_OK;
        if (!moment_text(at, &when)) {
                error_set(err, STATUS_SQL_REFUSED, "AT takes a commit or a time, written out");
                error_hint(err, "AT (VERSION => 'COMMIT') or AT (TIMESTAMP => '2026-01-01 12:00')");
                return place_error(text, from->at, err);
        }
        if (source->moment(source->context, when, bind->arena, out, err) != STATUS_OK)
                return place_error(text, at->at.offset == SQL_NOWHERE ? from->at : at->at, err);
        return STATUS_OK;
}

/* What there is under the name, what of it for this principal, and as of when. */
static Status resolve(Bind *bind, const Text *text, const SqlFrom *from, Relation **out, const Policy **out_policy, const void **out_moment,
                      Error *err) {
        SqlNames path = without_database(bind, text, from->table.path);
        *out = NULL;
        *out_policy = NULL;
        TRY(moment_of(bind, text, from, out_moment, err));
        if (!from->table.at)
                TRY(resolve_system(bind, text, path, out, err));
        if (*out)
                return STATUS_OK;
        if (path.count == 1)
                TRY(resolve_along_path(bind, text, path.items[0], *out_moment, out, out_policy, err));
        if (!*out)
                TRY(resolve_path(bind, text, system_of(bind, text) ? split_schema(bind, path) : path, *out_moment, out, out_policy, err));
        return *out ? STATUS_OK : no_relation(bind, text, from, err);
}

/* ---- what a scan carries ---- */

static bool is_hidden_from(const Text *text, const RelationColumn *column, Place where) {
        return column->hidden && (where.bare || !mentioned_has(&text->mentioned.names, column->name));
}

static void choose_columns(Bind *bind, const Text *text, Seen *seen, Place where) {
        const Relation *relation = seen->scan;
        bool everything = text->mentioned.everything || mentioned_has(&text->mentioned.singles, seen->alias);
        size_t count = 0, first = SIZE_MAX;
        seen->carried = ARENA_ARRAY(bind->arena, bool, relation->column_count);
        for (size_t i = 0; i < relation->column_count; i++) {
                const RelationColumn *column = &relation->columns[i];
                if (policy_withholds(seen->policy, column->name) || is_hidden_from(text, column, where))
                        continue;
                if (text->source == 0)
                        vec_push(bind->arena, &bind->columns, column->name);
                if (first == SIZE_MAX && !column->hidden)
                        first = i;
                seen->carried[i] = everything || mentioned_has(&text->mentioned.names, column->name);
                count += seen->carried[i];
        }
        if (count == 0 && first != SIZE_MAX)
                seen->carried[first] = true; /* count(*) needs a column to count */
}

static bool carries_hidden(const Seen *seen) {
        for (size_t i = 0; seen->scan && i < seen->scan->column_count; i++)
                if (seen->carried[i] && seen->scan->columns[i].hidden)
                        return true;
        return false;
}

static void note_relation(Bind *bind, const Text *text, const Relation *relation, const Policy *policy, Str scan,
                          const bool *carried, size_t file_count) {
        BoundRelation bound = {
                .zone = relation->zone,
                .stage = relation->stage,
                .name = relation->name,
                .kind = relation->kind,
                .file_count = file_count,
                .by_view = text->source != 0 && !text->own,
                .policy = policy ? policy->name : STR_NONE,
                .scan = policy ? scan : STR_NONE,
        };
        bound.columns.items = ARENA_ARRAY(bind->arena, Str, relation->column_count);
        for (size_t i = 0; carried && i < relation->column_count; i++)
                if (carried[i])
                        bound.columns.items[bound.columns.count++] = relation->columns[i].name;
        vec_push(bind->arena, &bind->relations, bound);
}

/* ---- FROM ---- */

static Status see(Bind *bind, Scope *scope, Seen seen, Seen **out) {
        Seen *copy = ARENA_NEW(bind->arena, Seen);
        *copy = seen;
        vec_push(bind->arena, &scope->seen, copy);
        if (out)
                *out = copy;
        return STATUS_OK;
}

static Status add_types(Bind *bind, const Type *types, size_t count) {
        for (size_t i = 0; i < count; i++)
                vec_push(bind->arena, &bind->functions, types[i]);
        return STATUS_OK;
}

static SqlQuery *select_all(Bind *bind, Str printed) {
        SqlQuery *query = ARENA_NEW(bind->arena, SqlQuery);
        SqlFrom *from = ARENA_NEW(bind->arena, SqlFrom);
        SqlExpr *star = ARENA_NEW(bind->arena, SqlExpr), **list = ARENA_NEW(bind->arena, SqlExpr *);
        *star = (SqlExpr){ .kind = SQL_STAR, .at = { SQL_NOWHERE, 0 } };
        *list = star;
        *from = (SqlFrom){ .kind = SQL_FROM_PRINTED, .printed = printed };
        *query = (SqlQuery){ .kind = SQL_SELECT_NODE };
        query->select.list = (SqlExprs){ list, 1 };
        query->select.from = from;
        return query;
}

/*
 * The engine plans a correlated subquery with a volatile column in it as a cross product. So where the statement has
 * subqueries, a scan with flattened columns stands before it all, as a CTE that the engine puts back in its place, but after
 * it has made joins of subqueries. What is hoisted depends on nothing around it: its names are its own.
 */
static Str hoist(Bind *bind, const Text *text, Str printed, size_t type_count) {
        if (!text->nests || type_count == 0)
                return printed;
        Str name = arena_strf(bind->arena, "\"" HOISTED "%zu\"", bind->hoisted.count);
        SqlCte cte = { .name = str_slice(name, 1, name.size - 1), .materialize = SQL_MATERIALIZE_NEVER, .query = select_all(bind, printed) };
        vec_push(bind->arena, &bind->hoisted, cte);
        return name;
}

/* A scan's text for itself, with what it names of the hoisted. */
static Str alone(Bind *bind, Str printed) {
        if (bind->hoisted.count == 0)
                return printed;
        SqlQuery *query = select_all(bind, printed);
        query->ctes = bind->hoisted.items;
        query->cte_count = bind->hoisted.count;
        return arena_strf(bind->arena, "(%.*s)", STR_ARG(sql_print(bind->arena, query)));
}

/* A view that policy limits: its own text, bound and printed, becomes the source of a guarded scan. */
static Status guard_view(Bind *bind, const Text *text, SqlFrom *from, const Relation *relation, const Policy *policy,
                         const SqlQuery *query, Str *out_scan, Error *err) {
        bool *carried = ARENA_ARRAY(bind->arena, bool, relation->column_count);
        for (size_t i = 0; i < relation->column_count; i++)
                carried[i] = !policy_withholds(policy, relation->columns[i].name);
        if (relation->column_count == 0)
                return error_set(err, STATUS_DENIED,
                                 "the columns of view '%.*s' are not known, so its policy cannot hold",
                                 STR_ARG(relation->name));
        GuardedUse use = {
                .relation = relation,
                .carried = carried,
                .policy = policy,
                .source = arena_strf(bind->arena, "(%.*s)", STR_ARG(sql_print(bind->arena, query))),
        };
        Type *types;
        size_t count;
        TRY(guard_scan(&use, bind->arena, out_scan, &types, &count, err));
        from->kind = SQL_FROM_PRINTED;
        from->printed = hoist(bind, text, *out_scan, count);
        return add_types(bind, types, count);
}

/* Whether the view's rows are those of one table, all of them. */
static bool shows_every_row(const SqlQuery *query) {
        if (query->kind != SQL_SELECT_NODE || query->cte_count > 0)
                return false;
        for (size_t i = 0; i < query->modifier_count; i++)
                if (query->modifiers[i].kind != SQL_MODIFY_ORDER)
                        return false;
        return query->select.from->kind == SQL_FROM_TABLE && !query->select.where && !query->select.having && !query->select.qualify &&
               !query->select.sample && query->select.groups.count == 0 && query->select.group_set_count == 0 && !query->select.group_all;
}

/*
 * What holds for a view as for a table's row filter: conditions of whoever asks are not computed on rows that its joins and
 * conditions leave out, for an error would tell of them. Not for those of its zone, who read all that it reads.
 */
static bool is_trusted(const Bind *bind, const Text *text, const Relation *view) {
        const Sight *sight = bind->request->source->sight;
        const Principal *principal = text->principal;
        return view->own || !sight || principal->administrator || principal->zone.size > 0 ||
               sight_is_whole(sight, principal, view->zone, STR("landing"), view->name);
}

static const Policy *behind_barrier(Bind *bind, const Text *text, const Relation *view, const Policy *policy) {
        if (is_trusted(bind, text, view) || (policy && policy->row_filter) || view->column_count == 0 || shows_every_row(view->view->query))
                return policy;
        Policy *guard = ARENA_NEW(bind->arena, Policy);
        if (policy)
                *guard = *policy;
        guard->row_filter = sql_make_constant(bind->arena, SQL_BOOLEAN, STR("true"));
        return guard;
}

/* Binds the view's text as its zone and puts it in the relation's place. */
static Status inline_view(Bind *bind, const Text *text, SqlFrom *from, const Relation *relation, const void *moment,
                          const Policy *policy, Error *err) {
        if (text->view_depth >= VIEW_DEPTH_MAX) {
                error_set(err, STATUS_CYCLE, "views stand inside each other more than %d deep", VIEW_DEPTH_MAX);
                return place_error(text, from->at, err);
        }
        SqlMap *map = &bind->out->map;
        vec_push(bind->arena, &map->texts, (SqlMapText){ relation->view->name, relation->view->text });
        Principal *zone = ARENA_NEW(bind->arena, Principal);
        *zone = (Principal){ .name = text->principal->name, .zone = relation->zone };
        Text inner = {
                .tree = relation->view,
                .zone = relation->zone,
                .principal = relation->own ? text->principal : zone,
                .own = relation->own,
                .source = (uint32_t)map->texts.count,
                .view_depth = text->view_depth + 1,
                .moment = moment,
                .nests = text->nests,
                .veiled = text->veiled || !is_trusted(bind, text, relation),
        };
        SqlQuery *query = sql_query_copy(bind->arena, relation->view->query);
        mentioned_collect(query, bind->arena, &inner.mentioned);
        inner.nests |= inner.mentioned.subqueries;
        TRY(sql_allow_query(relation->view, query, err));
        TRY(bind_query(bind, &inner, NULL, query, err));
        for (size_t i = 0; text->source == 0 && i < relation->column_count; i++)
                if (!policy_withholds(policy, relation->columns[i].name))
                        vec_push(bind->arena, &bind->columns, relation->columns[i].name);

        const Policy *guard = behind_barrier(bind, text, relation, policy);
        bind->filtered |= guard && guard->row_filter;
        Str scan = STR_NONE;
        if (guard)
                TRY(guard_view(bind, text, from, relation, guard, query, &scan, err));
        if (!relation->own)
                note_relation(bind, text, relation, policy, policy ? alone(bind, scan) : STR_NONE, NULL, 0);
        if (guard)
                return STATUS_OK;
        from->kind = SQL_FROM_SUBQUERY;
        from->subquery = query;
        from->source = inner.source;
        return STATUS_OK;
}

static bool same_relation(const Relation *a, const Relation *b) {
        return a && str_equal(a->zone, b->zone) && str_equal(a->stage, b->stage) && str_equal(a->name, b->name);
}

/* Two unaliased relations of one name in one FROM, from different places: no name could tell them apart any more. */
static Status check_clash(const Text *text, const Scope *scope, const SqlFrom *from, Str alias,
                          const Relation *relation, Error *err) {
        for (size_t i = 0; i < scope->seen.count; i++) {
                const Seen *other = scope->seen.items[i];
                if (!other->unaliased || same_relation(other->relation, relation) ||
                    !str_equal_nocase(other->alias, alias))
                        continue;
                error_set(err, STATUS_AMBIGUOUS, "two tables named '%.*s' stand in one FROM", STR_ARG(alias));
                error_hint(err, "give one of them an alias: ... AS %.*s_2", STR_ARG(alias));
                return place_error(text, from->at, err);
        }
        return STATUS_OK;
}

/* Views that use views twice grow like 2^depth. */
static Status count_relation(Bind *bind, const Text *text, const SqlFrom *from, Error *err) {
        if (bind->relation_uses++ < RELATION_MAX)
                return STATUS_OK;
        error_set(err, STATUS_LIMIT, "the statement reads more than %d relations, those inside views counted",
                  RELATION_MAX);
        return place_error(text, from->at, err);
}

static Status see_relation(Bind *bind, const Text *text, Scope *scope, SqlFrom *from, Place where, Error *err) {
        Relation *relation;
        const Policy *policy;
        const void *moment;
        bool unaliased = from->alias.size == 0;
        Str alias = unaliased ? name_of_path(from->table.path) : from->alias;
        TRY(count_relation(bind, text, from, err));
        TRY(resolve(bind, text, from, &relation, &policy, &moment, err));
        if (unaliased)
                TRY(check_clash(text, scope, from, alias, relation, err));
        from->alias = alias;
        Seen seen = { .alias = alias,
                      .from = from,
                      .relation = relation,
                      .policy = policy,
                      .unaliased = unaliased,
                      .nullable = where.nullable,
                      .whole = where.whole || from->sample || from->column_aliases.count > 0 };
        Seen *kept;
        bind->filtered |= policy && policy->row_filter;
        bind->out->hashes |= policy && policy->hashes;
        if (relation->kind == RELATION_VIEW) {
                TRY(inline_view(bind, text, from, relation, moment, seen.policy, err));
                return see(bind, scope, seen, &kept);
        }
        seen.scan = relation;
        see(bind, scope, seen, &kept);
        choose_columns(bind, text, kept, where);
        return STATUS_OK;
}

static Status see_from(Bind *bind, const Text *text, Scope *scope, SqlFrom *from, Place where, Error *err);

static Status see_join(Bind *bind, const Text *text, Scope *scope, SqlFrom *from, Place where, Error *err) {
        SqlJoinType type = from->join.type;
        Place left = where, right = where;
        left.nullable |= type == SQL_JOIN_RIGHT || type == SQL_JOIN_FULL;
        right.nullable |= type == SQL_JOIN_LEFT || type == SQL_JOIN_FULL;
        left.whole |= from->join.ref == SQL_REF_POSITIONAL;
        right.whole |= from->join.ref == SQL_REF_POSITIONAL || from->join.ref == SQL_REF_ASOF ||
                       type == SQL_JOIN_SEMI || type == SQL_JOIN_ANTI;
        size_t before = scope->seen.count;
        TRY(see_from(bind, text, scope, from->join.left, left, err));
        TRY(see_from(bind, text, scope, from->join.right, right, err));
        for (size_t i = before; from->join.ref == SQL_REF_NATURAL && i < scope->seen.count; i++) {
                if (!carries_hidden(scope->seen.items[i]))
                        continue;
                error_set(err, STATUS_SQL_REFUSED,
                          "NATURAL JOIN would also join on _file and _row, which this statement names");
                error_hint(err, "name the columns to join on: JOIN ... USING (...)");
                return place_error(text, from->at, err);
        }
        return STATUS_OK;
}

/* What is pivoted is a scope of its own: its expressions see the source only, and outside it has one alias. */
static Status see_pivot(Bind *bind, const Text *text, Scope *scope, SqlFrom *from, Error *err);

static Status see_from(Bind *bind, const Text *text, Scope *scope, SqlFrom *from, Place where, Error *err) {
        switch (from->kind) {
        case SQL_FROM_EMPTY:
        case SQL_FROM_PRINTED:
                return STATUS_OK;
        case SQL_FROM_TABLE:
                if (from->table.path.count == 1 && !from->table.at && sql_scope_has(&scope->ctes, from->table.path.items[0]))
                        return see(bind, scope,
                                   (Seen){ .alias = from->alias.size ? from->alias : from->table.path.items[0] }, NULL);
                return see_relation(bind, text, scope, from, where, err);
        case SQL_FROM_SUBQUERY:
                TRY(bind_query(bind, text, scope, from->subquery, err));
                return see(bind, scope, (Seen){ .alias = from->alias }, NULL);
        case SQL_FROM_JOIN:
                return see_join(bind, text, scope, from, where, err);
        case SQL_FROM_FUNCTION:
                TRY(bind_expr(bind, text, scope, &from->function.call, err));
                return see(bind, scope,
                           (Seen){ .alias = from->alias.size ? from->alias
                                                             : name_of_path(from->function.call->function.path) },
                           NULL);
        case SQL_FROM_VALUES:
                for (size_t i = 0; i < from->values.row_count; i++)
                        for (size_t k = 0; k < from->values.rows[i].count; k++)
                                TRY(bind_expr(bind, text, scope, &from->values.rows[i].items[k], err));
                return see(bind, scope, (Seen){ .alias = from->alias }, NULL);
        case SQL_FROM_PIVOT:
                return see_pivot(bind, text, scope, from, err);
        }
        return STATUS_OK;
}

/* ---- conditions that let files be left out ---- */

/* The one scan of this FROM that a column reference can mean, and its column; NULL when that is not certain. */
static const RelationColumn *column_certain(const Scope *scope, SqlNames parts, Seen **out_seen) {
        const RelationColumn *found = NULL;
        if (parts.count > 2)
                return NULL;
        for (size_t i = 0; i < scope->seen.count; i++) {
                Seen *seen = scope->seen.items[i];
                if (parts.count == 2 && !str_equal_nocase(seen->alias, parts.items[0]))
                        continue;
                if (!seen->scan)
                        return NULL;
                for (size_t k = 0; k < seen->scan->column_count; k++) {
                        const RelationColumn *column = &seen->scan->columns[k];
                        if (!seen->carried[k] || !str_equal_nocase(column->name, name_of_path(parts)))
                                continue;
                        if (found)
                                return NULL;
                        found = column;
                        *out_seen = seen;
                }
        }
        return found;
}

typedef struct Conjuncts {
        VEC(Predicate) predicates;
        VEC(const SqlExpr *) exprs;
} Conjuncts;

/* The condition with its column as the table calls it, for behind the barrier. */
static const SqlExpr *conjunct_for(Bind *bind, const SqlExpr *condition, const RelationColumn *column) {
        SqlExpr *copy = sql_expr_copy(bind->arena, condition);
        SqlExpr *reference = (SqlExpr *)(uintptr_t)predicate_column(copy); /* inside our own copy */
        reference->column.items = ARENA_NEW(bind->arena, Str);
        reference->column.items[0] = column->name;
        reference->column.count = 1;
        return copy;
}

static void use_condition(Bind *bind, const Scope *scope, const Seen *wanted, const SqlExpr *condition,
                          Conjuncts *out) {
        const SqlExpr *reference = predicate_column(condition);
        Seen *seen = NULL;
        const RelationColumn *column = reference ? column_certain(scope, reference->column, &seen) : NULL;
        if (!column || seen != wanted || policy_mask(seen->policy, column->name))
                return;
        if (seen->nullable && condition->kind == SQL_OPERATOR && condition->op.op == SQL_OP_IS_NULL)
                return; /* the outer join makes such rows itself */
        Predicate made[2];
        size_t count = predicate_make(condition, column->field_id, column->type, bind->arena, made);
        for (size_t i = 0; i < count; i++)
                vec_push(bind->arena, &out->predicates, made[i]);
        if (count > 0 || seen->scan->kind == RELATION_SYSTEM)
                vec_push(bind->arena, &out->exprs, conjunct_for(bind, condition, column));
}

static void use_conditions(Bind *bind, const Scope *scope, const Seen *wanted, const SqlExpr *where, Conjuncts *out) {
        if (!where)
                return;
        if (where->kind == SQL_CONJUNCTION && !where->conjunction.is_or) {
                for (size_t i = 0; i < where->conjunction.children.count; i++)
                        use_conditions(bind, scope, wanted, where->conjunction.children.items[i], out);
                return;
        }
        use_condition(bind, scope, wanted, where, out);
}

static bool hides_rows(const Seen *seen) {
        return seen->policy && seen->policy->row_filter;
}

/* The scan that can compute the condition itself, behind its policy: then nobody else has to. */
static Seen *mover_of(Bind *bind, const Scope *scope, const SqlExpr *condition) {
        const SqlExpr *reference = predicate_column(condition);
        Seen *seen = NULL;
        const RelationColumn *column = reference ? column_certain(scope, reference->column, &seen) : NULL;
        Predicate made[2];
        if (!column || !hides_rows(seen) || seen->whole || seen->nullable || seen->policy->strict || policy_mask(seen->policy, column->name) ||
            predicate_make(condition, column->field_id, column->type, bind->arena, made) == 0)
                return NULL;
        const SqlExpr **more = ARENA_ARRAY(bind->arena, const SqlExpr *, seen->moved_count + 1);
        if (seen->moved_count > 0)
                memcpy(more, seen->moved, seen->moved_count * sizeof(*more));
        more[seen->moved_count++] = conjunct_for(bind, condition, column);
        seen->moved = more;
        return seen;
}

/* Beside other relations a condition is copied and not moved: by how many conditions there are on each, the engine chooses
 * which to begin with, and it does not count those inside. */
static bool stands_alone(const Text *text, const Scope *scope) {
        return !text->nests && scope->seen.count == 1 && !scope->outer;
}

/* Moves what it can of a WHERE; *where is what is left, or NULL. */
static void move_conditions(Bind *bind, const Scope *scope, SqlExpr **where) {
        SqlExpr *all = *where;
        if (!all)
                return;
        if (all->kind != SQL_CONJUNCTION || all->conjunction.is_or) {
                if (mover_of(bind, scope, all))
                        *where = NULL;
                return;
        }
        SqlExprs *children = &all->conjunction.children;
        size_t left = 0;
        for (size_t i = 0; i < children->count; i++) {
                SqlExpr *child = children->items[i];
                move_conditions(bind, scope, &child);
                if (child)
                        children->items[left++] = child;
        }
        children->count = left;
        if (left < 2)
                *where = left == 1 ? children->items[0] : NULL;
}

static Status make_system_scan(Bind *bind, const Relation *relation, const SystemUse *asked, Str *out, SqlFromKind *out_kind, Error *err) {
        const BindSystem *system = bind->request->source->system;
        Str *paths;
        size_t count;
        TRY(system->files(system->context, relation, asked, bind->arena, &paths, &count, err));
        GuardedUse use = { .relation = relation, .carried = asked->carried, .paths = paths, .path_count = count };
        *out_kind = SQL_FROM_PRINTED;
        return guard_scan(&use, bind->arena, out, NULL, NULL, err);
}

static Status make_scan(Bind *bind, const Text *text, const Scope *scope, Seen *seen, const SqlExpr *where,
                        Error *err) {
        const BindSource *source = bind->request->source;
        Conjuncts conjuncts = { 0 };
        if (!seen->whole)
                use_conditions(bind, scope, seen, where, &conjuncts);
        for (size_t i = 0; i < seen->moved_count; i++)
                vec_push(bind->arena, &conjuncts.exprs, seen->moved[i]);
        GuardedUse use = {
                .relation = seen->scan,
                .carried = seen->carried,
                .policy = seen->policy,
                .conjuncts = conjuncts.exprs.items,
                .conjunct_count = conjuncts.exprs.count,
                .veiled = text->veiled,
        };
        SystemUse asked = { conjuncts.exprs.items, conjuncts.exprs.count, seen->carried };
        if (seen->scan->kind == RELATION_SYSTEM)
                return make_system_scan(bind, seen->scan, &asked, &seen->from->printed, &seen->from->kind, err);
        /* Which files a condition leaves out tells of all their rows: how many bytes were read is counted and limited. */
        bool hides = hides_rows(seen);
        BindFiles files;
        TRY(source->files(source->context, seen->scan, conjuncts.predicates.items, hides ? 0 : conjuncts.predicates.count,
                          bind->arena, &files, err));
        use.paths = files.paths;
        use.path_count = files.count;
        TRY(guard_outline(&use, source, files.rows, bind->arena, err));
        if (text->source == 0) {
                bind->blind |= files.count > 0 && guard_is_veiled(&use) && !guard_is_named(&use);
                vec_push(bind->arena, &bind->pending, ((Pending){ seen, use, bind->relations.count }));
                note_relation(bind, text, seen->scan, seen->policy, STR_NONE, seen->carried, use.path_count);
                return STATUS_OK;
        }
        Type *types;
        size_t type_count;
        Str scan;
        TRY(guard_scan(&use, bind->arena, &scan, &types, &type_count, err));
        seen->from->kind = SQL_FROM_PRINTED;
        seen->from->printed = hoist(bind, text, scan, type_count);
        note_relation(bind, text, seen->scan, seen->policy, scan, seen->carried, use.path_count);
        return add_types(bind, types, type_count);
}

/* Once everything that the statement does with its columns is known. */
static Status print_pending(Bind *bind, const Text *text, Error *err) {
        flat_settle(&bind->flat);
        for (size_t i = 0; i < bind->pending.count; i++) {
                Pending *pending = &bind->pending.items[i];
                const Relation *relation = pending->seen->scan;
                bool *flat = ARENA_ARRAY(bind->arena, bool, relation->column_count);
                for (size_t k = 0; k < relation->column_count; k++)
                        flat[k] = flat_must(&bind->flat, &relation->columns[k]);
                pending->use.flat = pending->use.policy && pending->use.policy->strict ? NULL : flat;
                pending->use.by_id = bind->blind; /* between what it knows nothing of and what it knows, the engine joins worst */
                pending->use.open = !bind->flat.throwing;
                Type *types;
                size_t type_count;
                SqlFrom *from = pending->seen->from;
                Str scan;
                TRY(guard_scan(&pending->use, bind->arena, &scan, &types, &type_count, err));
                from->kind = SQL_FROM_PRINTED;
                from->printed = hoist(bind, text, scan, type_count);
                bind->relations.items[pending->relation].scan = pending->use.policy ? scan : STR_NONE;
                TRY(add_types(bind, types, type_count));
        }
        return STATUS_OK;
}

static Status make_scans(Bind *bind, const Text *text, const Scope *scope, const SqlExpr *where, Error *err) {
        for (size_t i = 0; i < scope->seen.count; i++)
                if (scope->seen.items[i]->scan)
                        TRY(make_scan(bind, text, scope, scope->seen.items[i], where, err));
        return STATUS_OK;
}

/* ---- expressions ---- */

static const Seen *seen_by_alias(const Scope *scope, Str alias) {
        for (; scope; scope = scope->outer)
                for (size_t i = 0; i < scope->seen.count; i++)
                        if (str_equal_nocase(scope->seen.items[i]->alias, alias))
                                return scope->seen.items[i];
        return NULL;
}

/* A schema as a client may have written it: the stage, or "zone.stage" as one name. */
static bool is_schema_of(const Relation *relation, Str name) {
        Str zone, stage;
        if (str_equal_nocase(name, relation->stage))
                return true;
        return str_cut(name, '.', &zone, &stage) && str_equal_nocase(zone, relation->zone) &&
               str_equal_nocase(stage, relation->stage);
}

/* zone.stage.name.column and stage.name.column, where that relation stands in FROM without an alias. */
static size_t qualifier_length(const Bind *bind, const Scope *scope, SqlNames parts) {
        const BindSystem *system = bind->request->source->system;
        if (parts.count < 3 || seen_by_alias(scope, parts.items[0]))
                return 0;
        for (; scope; scope = scope->outer) {
                for (size_t i = 0; i < scope->seen.count; i++) {
                        const Seen *seen = scope->seen.items[i];
                        const Relation *relation = seen->relation;
                        if (!seen->unaliased || !relation)
                                continue;
                        bool zoned = str_equal_nocase(parts.items[0], relation->zone) ||
                                     (system && str_equal_nocase(parts.items[0], system->database));
                        if (parts.count >= 4 && zoned && is_schema_of(relation, parts.items[1]) &&
                            str_equal_nocase(parts.items[2], seen->alias))
                                return 2;
                        if (is_schema_of(relation, parts.items[0]) && str_equal_nocase(parts.items[1], seen->alias))
                                return 1;
                }
        }
        return 0;
}

/* A whole row as a value, without its hidden columns: {'a': t.a, ...}. */
static SqlExpr *row_of(Bind *bind, const Seen *seen) {
        SqlExpr *row = ARENA_NEW(bind->arena, SqlExpr);
        Str *name = ARENA_NEW(bind->arena, Str);
        *name = STR("struct_pack");
        *row = (SqlExpr){ .kind = SQL_FUNCTION, .at = { SQL_NOWHERE, 0 }, .function.path = { name, 1 } };
        row->function.arguments.items = ARENA_ARRAY(bind->arena, SqlArgument, seen->scan->column_count);
        for (size_t i = 0; i < seen->scan->column_count; i++) {
                if (!seen->carried[i] || seen->scan->columns[i].hidden)
                        continue;
                Str parts[2] = { seen->alias, seen->scan->columns[i].name };
                row->function.arguments.items[row->function.arguments.count++] =
                        (SqlArgument){ .name = parts[1], .expr = sql_make_column(bind->arena, 2, parts) };
        }
        return row;
}

/* Words without brackets that SQL reserves and the engine would answer for itself. */
static const char *const PRINCIPALS[] = { "current_user", "session_user", "user", "current_role" };
static const char *const PLACES[] = { "current_catalog", "current_schema" };
static const char *const CLOCKS[][2] = {
        { "current_date", "current_date" },
        { "current_time", "get_current_time" },
        { "current_timestamp", "get_current_timestamp" },
        { "localtime", "current_localtime" },
        { "localtimestamp", "current_localtimestamp" },
};

/* The engine's function for a word of time; NULL for any other. */
static const char *clock_of(Str word) {
        for (size_t i = 0; i < COUNT_OF(CLOCKS); i++)
                if (str_equal_nocase(word, str_of(CLOCKS[i][0])))
                        return CLOCKS[i][1];
        return NULL;
}

static bool names_who_or_where(Str word) {
        return str_is_one_of_nocase(word, PRINCIPALS, COUNT_OF(PRINCIPALS)) || str_is_one_of_nocase(word, PLACES, COUNT_OF(PLACES));
}

static bool is_quoted(const Text *text, const SqlExpr *expr) {
        return expr->at.offset < text->tree->text.size && text->tree->text.data[expr->at.offset] == '"';
}

/* Whether something stands in FROM whose columns are not known here. */
static bool sees_unknown(const Scope *scope) {
        for (; scope; scope = scope->outer)
                for (size_t i = 0; i < scope->seen.count; i++)
                        if (!scope->seen.items[i]->scan)
                                return true;
        return false;
}

/* Whether an alias that stands somewhere in the text may be what is meant. A reserved word never means one to a client who
 * does not quote it, and never one of the SELECT list that it stands in itself. */
static bool is_output_somewhere(const Text *text, const Scope *scope, const SqlExpr *expr, Str name) {
        if (!mentioned_has(&text->mentioned.outputs, name))
                return false;
        if (!names_who_or_where(name) && !clock_of(name))
                return true;
        if (text->client && !is_quoted(text, expr))
                return false;
        return !scope->in_list || sees_unknown(scope);
}

static bool is_column_of_scan(const Scope *scope, Str name) {
        for (; scope; scope = scope->outer)
                for (size_t i = 0; i < scope->seen.count; i++)
                        for (size_t k = 0; scope->seen.items[i]->scan && k < scope->seen.items[i]->scan->column_count;
                             k++)
                                if (str_equal_nocase(scope->seen.items[i]->scan->columns[k].name, name) &&
                                    !policy_withholds(scope->seen.items[i]->policy, name))
                                        return true;
        return false;
}

/* {schema.name} in a template's text: a scan of that system relation. */
static Status template_scan(Bind *bind, Str full_name, Str *out, Error *err) {
        const BindSystem *system = bind->request->source->system;
        Relation *relation;
        Str schema, name;
        SqlFromKind unused;
        str_cut(full_name, '.', &schema, &name);
        TRY(system->find(system->context, schema, name, bind->arena, &relation, err));
        if (!relation)
                return error_set(err, STATUS_INTERNAL, "there is no system relation '%.*s'", STR_ARG(full_name));
        bool *carried = ARENA_ARRAY(bind->arena, bool, relation->column_count);
        memset(carried, true, relation->column_count);
        return make_system_scan(bind, relation, &(SystemUse){ .carried = carried }, out, &unused, err);
}

/* current_schema(): NULL where none of the path is there. */
static Status current_schema(Bind *bind, SqlExpr **out, Error *err) {
        const BindSystem *system = bind->request->source->system;
        Str *schemas;
        size_t count;
        TRY(system->schemas(system->context, bind->arena, &schemas, &count, err));
        *out = sql_make_string(bind->arena, count > 0 ? schemas[0] : STR_NONE);
        if (count == 0)
                (*out)->constant.literal = SQL_NULL;
        return STATUS_OK;
}

/* The list of current_schemas(): with pg_catalog, which is looked in first unless the path names it. */
static Status current_schemas(Bind *bind, bool implicit, SqlExpr **out, Error *err) {
        const BindSystem *system = bind->request->source->system;
        Str *schemas;
        size_t count;
        TRY(system->schemas(system->context, bind->arena, &schemas, &count, err));
        for (size_t i = 0; i < count; i++)
                implicit &= !str_is(schemas[i], "pg_catalog");
        SqlExpr *list = ARENA_NEW(bind->arena, SqlExpr);
        *list = (SqlExpr){ .kind = SQL_OPERATOR, .at = { SQL_NOWHERE, 0 } };
        list->op.op = SQL_OP_ARRAY_CONSTRUCTOR;
        list->op.children = (SqlExprs){ ARENA_ARRAY(bind->arena, SqlExpr *, count + 1), 0 };
        if (implicit)
                list->op.children.items[list->op.children.count++] = sql_make_string(bind->arena, STR("pg_catalog"));
        for (size_t i = 0; i < count; i++)
                list->op.children.items[list->op.children.count++] = sql_make_string(bind->arena, schemas[i]);
        *out = list;
        return STATUS_OK;
}

/* Who logged in, where that is not who is asked for. */
static Str session_user(const BindSystem *system, const Principal *principal) {
        return system && system->user.size > 0 ? system->user : principal->name;
}

static Status template_part(Bind *bind, Str name, SqlExpr **out, Error *err) {
        const BindSystem *system = bind->request->source->system;
        if (str_is(name, "user"))
                *out = sql_make_string(bind->arena, bind->request->principal.name);
        else if (str_is(name, "session_user"))
                *out = sql_make_string(bind->arena, session_user(system, &bind->request->principal));
        else if (str_is(name, "database"))
                *out = sql_make_string(bind->arena, system->database);
        else if (str_is(name, "schema"))
                return current_schema(bind, out, err);
        else if (str_is(name, "schemas"))
                return current_schemas(bind, false, out, err);
        else if (str_is(name, "all_schemas"))
                return current_schemas(bind, true, out, err);
        else {
                SqlExpr *scan = ARENA_NEW(bind->arena, SqlExpr);
                *scan = (SqlExpr){ .kind = SQL_TEMPLATE, .at = { SQL_NOWHERE, 0 } };
                scan->template.whole = true;
                TRY(template_scan(bind, name, &scan->template.text, err));
                *out = scan;
        }
        return STATUS_OK;
}

/* What stands in {} becomes one more argument: nothing of a name or a path is read as template. */
static Status bind_template(Bind *bind, SqlExpr *expr, Error *err) {
        CLEANUP(buf_deinit) Buf out = { 0 };
        VEC(SqlExpr *) arguments = { 0 };
        for (size_t i = 0; i < expr->template.arguments.count; i++)
                vec_push(bind->arena, &arguments, expr->template.arguments.items[i]);
        Str head, rest = expr->template.text, name;
        if (expr->template.whole)
                return STATUS_OK;
        while (str_cut(rest, '{', &head, &rest)) {
                SqlExpr *part;
                str_cut(rest, '}', &name, &rest);
                TRY(template_part(bind, name, &part, err));
                vec_push(bind->arena, &arguments, part);
                buf_printf(&out, "%.*s$%zu", STR_ARG(head), arguments.count);
        }
        buf_append(&out, head);
        expr->template.text = buf_dup(&out, bind->arena);
        expr->template.arguments = (SqlExprs){ arguments.items, arguments.count };
        return STATUS_OK;
}

/* 'pg_class'::regclass: the number of what is named, or a mistake of the user's. */
static Status bind_named_number(Bind *bind, const Text *text, SqlExpr **place, Error *err) {
        const BindSystem *system = system_of(bind, text);
        const SqlExpr *child = (*place)->cast.child;
        ObjectKind kind;
        if (!system || child->kind != SQL_CONSTANT || child->constant.literal != SQL_STRING ||
            !dialect_object_kind((*place)->cast.type, &kind))
                return STATUS_OK;
        int64_t number;
        TRY(system->number(system->context, kind, child->constant.text, &number, err));
        if (number == 0) {
                error_set(err, STATUS_NO_TABLE, "there is no %s '%.*s'", dialect_object_word(kind),
                          STR_ARG(child->constant.text));
                return place_error(text, child->at, err);
        }
        *place = dialect_number(bind->arena, number, (*place)->at);
        return STATUS_OK;
}

static Status put_text(Bind *bind, SqlExpr **place, Str value) {
        SqlExpr *text = sql_make_string(bind->arena, value);
        text->at = (*place)->at;
        text->alias = (*place)->alias;
        *place = text;
        return STATUS_OK;
}

/* Words that the engine would answer for itself. */
static Status bind_word(Bind *bind, const Text *text, SqlExpr **place, Str word, Error *err) {
        static const char *const refused[] = { "current_catalog", "current_schema", "current_database" };
        SqlExpr *expr = *place;
        const BindSystem *system = system_of(bind, text);
        if (str_is_one_of_nocase(word, refused, COUNT_OF(refused)) && system) {
                SqlExpr *schema;
                if (!str_equal_nocase(word, STR("current_schema")))
                        return put_text(bind, place, system->database);
                TRY(current_schema(bind, &schema, err));
                schema->alias = expr->alias;
                *place = schema;
                return STATUS_OK;
        }
        if (str_is_one_of_nocase(word, refused, COUNT_OF(refused))) {
                error_set(err, STATUS_SQL_REFUSED, "%.*s is not allowed", STR_ARG(word));
                error_hint(err, "tables are named zone.stage.table");
                return place_error(text, expr->at, err);
        }
        if (clock_of(word) && mentioned_has(&text->mentioned.outputs, word)) { /* the engine would take the alias */
                Str *name = ARENA_NEW(bind->arena, Str);
                SqlExpr *call = ARENA_NEW(bind->arena, SqlExpr);
                *name = str_of(clock_of(word));
                *call = (SqlExpr){ .kind = SQL_FUNCTION, .at = expr->at, .alias = expr->alias, .function.path = { name, 1 } };
                *place = call;
                return STATUS_OK;
        }
        if (!str_is_one_of_nocase(word, PRINCIPALS, COUNT_OF(PRINCIPALS)))
                return STATUS_OK;
        bool session = str_equal_nocase(word, STR("session_user"));
        return put_text(bind, place, session ? session_user(system, text->principal) : text->principal->name);
}

static Status bind_column(Bind *bind, const Text *text, Scope *scope, SqlExpr **place, Error *err) {
        SqlExpr *expr = *place;
        SqlNames *parts = &expr->column;
        if (parts->count > 1) {
                size_t cut = qualifier_length(bind, scope, *parts);
                *parts = (SqlNames){ parts->items + cut, parts->count - cut };
                return STATUS_OK;
        }
        Str word = parts->items[0];
        if (is_column_of_scan(scope, word))
                return STATUS_OK;
        if (names_who_or_where(word) ? mentioned_is_parameter(&text->mentioned, expr) : mentioned_has(&text->mentioned.parameters, word))
                return STATUS_OK;
        if (is_output_somewhere(text, scope, expr, word))
                return STATUS_OK;
        const Seen *seen = seen_by_alias(scope, word);
        if (seen && seen->scan && carries_hidden(seen)) {
                SqlExpr *row = row_of(bind, seen);
                row->at = expr->at;
                row->alias = expr->alias;
                *place = row;
                return STATUS_OK;
        }
        return seen ? STATUS_OK : bind_word(bind, text, place, word, err);
}

static void exclude(Bind *bind, SqlExpr *star, Str table, Str column) {
        size_t size = star->star.exclude_count * sizeof(SqlStarName);
        SqlStarName *more = arena_alloc(bind->arena, size + sizeof(SqlStarName));
        if (size > 0)
                memcpy(more, star->star.excludes, size);
        more[star->star.exclude_count] = (SqlStarName){ .table = table, .column = column };
        star->star.excludes = more;
        star->star.exclude_count++;
}

/* Whether it is excluded already: twice is an error to the engine. */
static bool star_excludes(const SqlExpr *star, Str table, Str column) {
        for (size_t i = 0; i < star->star.exclude_count; i++) {
                const SqlStarName *name = &star->star.excludes[i];
                if (str_equal_nocase(name->column, column) &&
                    (name->table.size == 0 || str_equal_nocase(name->table, table)))
                        return true;
        }
        return false;
}

static Status bind_star(Bind *bind, const Text *text, const Scope *scope, SqlExpr *star, Error *err) {
        Str relation = star->star.relation;
        for (size_t i = 0; i < scope->seen.count; i++) {
                const Seen *seen = scope->seen.items[i];
                if (!carries_hidden(seen) || (relation.size > 0 && !str_equal_nocase(relation, seen->alias)))
                        continue;
                if (star->star.columns && star->star.expr) {
                        error_set(err, STATUS_SQL_REFUSED, "COLUMNS with a pattern cannot stand beside _file or _row");
                        error_hint(err, "COLUMNS(* EXCLUDE (...)) can, and so can the columns by name");
                        return place_error(text, star->at, err);
                }
                for (size_t k = 0; k < seen->scan->column_count; k++) {
                        Str name = seen->scan->columns[k].name;
                        if (seen->carried[k] && seen->scan->columns[k].hidden &&
                            !star_excludes(star, seen->alias, name))
                                exclude(bind, star, relation.size > 0 ? STR_NONE : seen->alias, name);
                }
        }
        return STATUS_OK;
}

static bool takes_lambda(Str name) {
        static const char *const names[] = {
                "apply",  "array_apply", "array_transform", "list_apply",  "list_transform", "array_filter",
                "filter", "list_filter", "array_reduce",    "list_reduce", "reduce",
        };
        return str_is_one_of_nocase(name, names, COUNT_OF(names));
}

/*
 * Arguments that the engine takes in one form only: `x -> y` is a lambda by the function it is given to, and the engine
 * wants it written `lambda x: y`; `t.*` cannot leave out hidden columns, so it becomes the row as a value.
 */
static Status bind_call(Bind *bind, const Scope *scope, SqlExpr *call) {
        for (size_t i = 0; i < call->function.arguments.count; i++) {
                SqlExpr **argument = &call->function.arguments.items[i].expr;
                if ((*argument)->kind == SQL_LAMBDA && takes_lambda(name_of_path(call->function.path)))
                        (*argument)->lambda.arrow = false;
                if ((*argument)->kind != SQL_STAR || (*argument)->star.columns)
                        continue;
                const Seen *seen = seen_by_alias(scope, (*argument)->star.relation);
                if (seen && carries_hidden(seen))
                        *argument = row_of(bind, seen);
        }
        return STATUS_OK;
}

typedef struct ExprWalk {
        Bind *bind;
        const Text *text;
        Scope *scope;
} ExprWalk;

static Status visit_expr(void *context, SqlExpr **place, Error *err) {
        ExprWalk *walk = context;
        switch ((*place)->kind) {
        case SQL_COLUMN_REF:
                return bind_column(walk->bind, walk->text, walk->scope, place, err);
        case SQL_STAR:
                return bind_star(walk->bind, walk->text, walk->scope, *place, err);
        case SQL_SUBQUERY:
                return bind_query(walk->bind, walk->text, walk->scope, (*place)->subquery.query, err);
        case SQL_FUNCTION:
                return bind_call(walk->bind, walk->scope, *place);
        case SQL_CONSTANT:
        case SQL_OPERATOR:
        case SQL_COMPARISON:
        case SQL_CONJUNCTION:
        case SQL_BETWEEN:
        case SQL_CASE:
        case SQL_WINDOW:
        case SQL_LAMBDA:
        case SQL_COLLATE:
        case SQL_PARAMETER:
        case SQL_POSITIONAL_REFERENCE:
        case SQL_TYPE:
                return STATUS_OK;
        case SQL_CAST:
                return bind_named_number(walk->bind, walk->text, place, err);
        case SQL_TEMPLATE:
                return bind_template(walk->bind, *place, err);
        }
        return STATUS_OK;
}

static Status bind_expr(Bind *bind, const Text *text, Scope *scope, SqlExpr **place, Error *err) {
        ExprWalk walk = { bind, text, scope };
        SqlVisitor visitor = { .expr = visit_expr, .context = &walk, .shallow = true };
        return sql_visit_expr(place, &visitor, err);
}

static Status bind_exprs(Bind *bind, const Text *text, Scope *scope, SqlExprs exprs, Error *err) {
        for (size_t i = 0; i < exprs.count; i++)
                TRY(bind_expr(bind, text, scope, &exprs.items[i], err));
        return STATUS_OK;
}

/* ---- queries ---- */

static Status see_pivot(Bind *bind, const Text *text, Scope *scope, SqlFrom *from, Error *err) {
        Scope inner = { .outer = scope->outer, .ctes = scope->ctes };
        TRY(see_from(bind, text, &inner, from->pivot.source, (Place){ .bare = true, .whole = true }, err));
        TRY(make_scans(bind, text, &inner, NULL, err));
        TRY(bind_exprs(bind, text, &inner, from->pivot.aggregates, err));
        for (size_t i = 0; i < from->pivot.column_count; i++) {
                TRY(bind_exprs(bind, text, &inner, from->pivot.columns[i].expressions, err));
                for (size_t k = 0; k < from->pivot.columns[i].entry_count; k++)
                        TRY(bind_expr(bind, text, &inner, &from->pivot.columns[i].entries[k].expr, err));
        }
        return see(bind, scope, (Seen){ .alias = from->alias }, NULL);
}

static Status bind_conditions(Bind *bind, const Text *text, Scope *scope, SqlFrom *from, Error *err) {
        if (from->kind != SQL_FROM_JOIN)
                return STATUS_OK;
        TRY(bind_conditions(bind, text, scope, from->join.left, err));
        TRY(bind_conditions(bind, text, scope, from->join.right, err));
        return bind_expr(bind, text, scope, &from->join.condition, err);
}

/* From the first to the last byte of what the expression is made of: operators have no place of their own. */
static Status widen(void *context, SqlExpr **place, Error *err UNUSED) {
        SqlPlace *span = context, at = (*place)->at;
        if (at.offset == SQL_NOWHERE)
                return STATUS_OK;
        uint32_t from = span->offset == SQL_NOWHERE || at.offset < span->offset ? at.offset : span->offset;
        uint32_t end = span->offset == SQL_NOWHERE ? 0 : span->offset + span->length;
        if (at.offset + at.length > end)
                end = at.offset + at.length;
        *span = (SqlPlace){ from, end - from };
        return STATUS_OK;
}

static SqlPlace span_of(SqlExpr *expr) {
        SqlPlace span = { SQL_NOWHERE, 0 };
        SqlVisitor visitor = { .expr = widen, .context = &span, .shallow = true };
        Error unused = { 0 };
        sql_visit_expr(&expr, &visitor, &unused);
        return span;
}

/* As the user wrote it, blanks collapsed; what is too long is cut. */
static Str written(Bind *bind, const Text *text, SqlPlace at) {
        if (at.offset == SQL_NOWHERE || at.length == 0)
                return STR("expression");
        Str source = str_slice(text->tree->text, at.offset, (size_t)at.offset + at.length);
        char *name = arena_alloc(bind->arena, OUTPUT_NAME_MAX + 1);
        size_t size = 0;
        for (size_t i = 0; i < source.size && size < OUTPUT_NAME_MAX; i++) {
                char c = source.data[i];
                bool blank = c == ' ' || (c >= '\t' && c <= '\r');
                if (!blank || (size > 0 && name[size - 1] != ' '))
                        name[size++] = blank ? ' ' : c;
        }
        while (size > 0 && !utf8_valid((Str){ name, size }))
                size--; /* not inside a character */
        return str_trim((Str){ name, size });
}

static Str print_item(Bind *bind, const SqlExpr *expr) {
        CLEANUP(buf_deinit) Buf out = { .limit = PRINTED_MAX };
        SqlPrinter printer = { .out = &out };
        sql_print_expr(&printer, expr);
        return buf_dup(&out, bind->arena);
}

static Status see_star(void *context, SqlExpr **place, Error *err UNUSED) {
        if ((*place)->kind == SQL_STAR)
                *(bool *)context = true;
        return STATUS_OK;
}

/* The engine names an output after its text. What was put into the text (paths, policies) is not for the reader: an
 * item that changed keeps the name that the user gave it by writing it. */
static Status bind_item(Bind *bind, const Text *text, Scope *scope, SqlExpr **item, Error *err) {
        SqlExpr *before = *item;
        Str name = before->kind == SQL_COLUMN_REF ? name_of_path(before->column) : STR_NONE;
        Str printed = print_item(bind, before);
        SqlPlace span = span_of(before);
        bool has_star = false;
        SqlVisitor stars = { .expr = see_star, .context = &has_star, .shallow = true };
        TRY(sql_visit_expr(item, &stars, err));
        TRY(bind_expr(bind, text, scope, item, err));
        bool names_itself = has_star || (*item)->kind == SQL_COLUMN_REF;
        if ((*item)->alias.size > 0 || names_itself || str_equal(printed, print_item(bind, *item)))
                return STATUS_OK;
        (*item)->alias = name.size > 0 ? name : written(bind, text, span);
        return STATUS_OK;
}

static Status bind_list(Bind *bind, const Text *text, Scope *scope, SqlExprs list, Error *err) {
        scope->in_list = true;
        for (size_t i = 0; i < list.count; i++)
                TRY(bind_item(bind, text, scope, &list.items[i], err));
        scope->in_list = false;
        return STATUS_OK;
}

/* No relation here has the name, so that it means something further out. */
static bool is_absent(const Scope *scope, SqlNames parts) {
        if (parts.count > 1)
                return true; /* by its table's name: here there is no such table, or no such column */
        for (size_t i = 0; i < scope->seen.count; i++) {
                const Relation *relation = scope->seen.items[i]->scan;
                for (size_t k = 0; relation && k < relation->column_count; k++)
                        if (str_equal_nocase(relation->columns[k].name, parts.items[0]))
                                return false;
                if (!relation)
                        return false; /* nobody knows */
        }
        return true;
}

static const RelationColumn *flat_column(const void *context, SqlNames parts) {
        Seen *seen;
        for (const Scope *scope = context; scope; scope = scope->outer) {
                const RelationColumn *column = column_certain(scope, parts, &seen);
                if (column || !is_absent(scope, parts))
                        return column;
        }
        return NULL;
}

static bool flat_is_alias(const void *context, Str name) {
        return seen_by_alias(context, name) != NULL;
}

static void look_flat(Bind *bind, const Text *text, const Scope *scope, const SqlQuery *query) {
        if (text->source == 0)
                flat_query(&bind->flat, query, &(FlatScope){ scope, flat_column, flat_is_alias });
}

static Status bind_select(Bind *bind, const Text *text, Scope *scope, SqlQuery *query, Error *err) {
        Place where = { .whole = query->select.sample != NULL };
        TRY(see_from(bind, text, scope, query->select.from, where, err));
        if (stands_alone(text, scope))
                move_conditions(bind, scope, &query->select.where);
        look_flat(bind, text, scope, query);
        TRY(make_scans(bind, text, scope, query->select.where, err));
        TRY(bind_conditions(bind, text, scope, query->select.from, err));
        TRY(bind_list(bind, text, scope, query->select.list, err));
        TRY(bind_expr(bind, text, scope, &query->select.where, err));
        TRY(bind_exprs(bind, text, scope, query->select.groups, err));
        TRY(bind_expr(bind, text, scope, &query->select.having, err));
        return bind_expr(bind, text, scope, &query->select.qualify, err);
}

static bool is_order_by_all(const SqlExpr *expr) {
        return expr->kind == SQL_STAR && expr->star.columns && !expr->star.expr && expr->star.relation.size == 0;
}

static Status bind_modifiers(Bind *bind, const Text *text, Scope *scope, SqlQuery *query, Error *err) {
        for (size_t i = 0; i < query->modifier_count; i++) {
                SqlModifier *modifier = &query->modifiers[i];
                TRY(bind_exprs(bind, text, scope, modifier->distinct_on, err));
                for (size_t k = 0; k < modifier->orders.count; k++)
                        if (!is_order_by_all(modifier->orders.items[k].expr))
                                TRY(bind_expr(bind, text, scope, &modifier->orders.items[k].expr, err));
                TRY(bind_expr(bind, text, scope, &modifier->limit, err));
                TRY(bind_expr(bind, text, scope, &modifier->offset, err));
        }
        return STATUS_OK;
}

/* Before the statement's own CTEs, which may name them. */
static void put_hoisted(Bind *bind, SqlQuery *query) {
        for (size_t i = 0; bind->hoisted.count > 0 && i < query->cte_count; i++)
                vec_push(bind->arena, &bind->hoisted, query->ctes[i]);
        if (bind->hoisted.count == 0)
                return;
        query->ctes = bind->hoisted.items;
        query->cte_count = bind->hoisted.count;
}

static Status refuse_cte_name(const Text *text, Str name, Error *err) {
        error_set(err, STATUS_SQL_REFUSED, "'%.*s' is a name of Lode's own", STR_ARG(name));
        error_hint(err, "call it something that does not begin with " HOISTED);
        return place_error(text, (SqlPlace){ SQL_NOWHERE, 0 }, err);
}

static Status bind_ctes(Bind *bind, const Text *text, Scope *scope, SqlQuery *query, Error *err) {
        for (size_t i = 0; i < query->cte_count; i++) {
                if (str_starts_with(arena_lower(bind->arena, query->ctes[i].name), STR(HOISTED)))
                        return refuse_cte_name(text, query->ctes[i].name, err);
                scope->ctes.visible = i + (query->ctes[i].query->kind == SQL_RECURSIVE_CTE_NODE);
                TRY(bind_query(bind, text, scope, query->ctes[i].query, err));
        }
        scope->ctes.visible = query->cte_count;
        return STATUS_OK;
}

static Status bind_query(Bind *bind, const Text *text, const Scope *outer, SqlQuery *query, Error *err) {
        Scope scope = { .outer = outer, .ctes = { .outer = outer ? &outer->ctes : NULL, .query = query } };
        TRY(bind_ctes(bind, text, &scope, query, err));
        switch (query->kind) {
        case SQL_SELECT_NODE:
                TRY(bind_select(bind, text, &scope, query, err));
                break;
        case SQL_SET_OPERATION_NODE:
                look_flat(bind, text, &scope, query);
                for (size_t i = 0; i < query->set.child_count; i++)
                        TRY(bind_query(bind, text, &scope, query->set.children[i], err));
                break;
        case SQL_RECURSIVE_CTE_NODE:
                look_flat(bind, text, &scope, query);
                TRY(bind_query(bind, text, &scope, query->recursive.left, err));
                TRY(bind_query(bind, text, &scope, query->recursive.right, err));
                break;
        }
        return bind_modifiers(bind, text, &scope, query, err);
}

/* SYSTEM takes or leaves whole blocks, whose borders depend on rows that a filter hides. */
static void sample_by_row(SqlSample *sample) {
        if (sample && sample->method == SQL_SAMPLE_SYSTEM)
                sample->method = sample->percent ? SQL_SAMPLE_BERNOULLI : SQL_SAMPLE_RESERVOIR;
}

static Status see_from_sample(void *context UNUSED, SqlFrom **place, Error *err UNUSED) {
        sample_by_row((*place)->sample);
        return STATUS_OK;
}

static Status see_query_sample(void *context UNUSED, SqlQuery *query, Error *err UNUSED) {
        if (query->kind == SQL_SELECT_NODE)
                sample_by_row(query->select.sample);
        return STATUS_OK;
}

static Status see_parameter(void *context, SqlExpr **place, Error *err UNUSED) {
        if ((*place)->kind == SQL_PARAMETER)
                *(SqlPlace *)context = (*place)->at;
        return STATUS_OK;
}

static Status no_parameters(const SqlTree *tree, Error *err) {
        SqlPlace at = { SQL_NOWHERE, 0 };
        SqlVisitor visitor = { .expr = see_parameter, .context = &at };
        Error unused = { 0 };
        sql_visit_query(tree->query, &visitor, &unused); /* replaces nothing */
        error_set(err, STATUS_SQL_REFUSED, "the statement has a parameter, and nothing here gives it a value");
        error_hint(err, "write the value itself");
        return sql_error_place(err, tree, at);
}

Status bind_statement(const SqlTree *tree, const BindRequest *request, Arena *arena, BoundStatement *out, Error *err) {
        BoundStatement bound = { .map.arena = arena, .parameter_count = tree->parameters.count };
        Bind bind = { .request = request, .arena = arena, .out = &bound };
        Text text = {
                .tree = tree,
                .zone = request->default_zone,
                .stage = request->default_stage,
                .principal = &request->principal,
                .client = request->client,
        };
        if (tree->parameters.count > 0 && !request->parameters)
                return no_parameters(tree, err);
        SqlQuery *query = sql_query_copy(arena, tree->query);
        if (request->source->system)
                TRY(dialect_apply(tree, query, request->client, arena, err));
        mentioned_collect(query, arena, &text.mentioned);
        text.nests = text.mentioned.subqueries;
        flat_init(&bind.flat, arena);
        TRY(sql_allow_query(tree, query, err));
        TRY(bind_query(&bind, &text, NULL, query, err));
        TRY(print_pending(&bind, &text, err));
        put_hoisted(&bind, query);

        SqlVisitor samples = { .from = see_from_sample, .query = see_query_sample };
        if (bind.filtered)
                TRY(sql_visit_query(query, &samples, err));
        CLEANUP(buf_deinit) Buf sql = { .limit = PRINTED_MAX };
        SqlPrinter printer = { .out = &sql, .map = &bound.map };
        sql_print_query(&printer, query);
        if (sql.failed)
                return error_set(err, STATUS_LIMIT, "the statement and the files it reads take more than %u bytes",
                                 PRINTED_MAX);
        bound.sql = buf_dup(&sql, arena);
        bound.relations = bind.relations.items;
        bound.relation_count = bind.relations.count;
        bound.functions = bind.functions.items;
        bound.function_count = bind.functions.count;
        bound.columns = (SqlNames){ bind.columns.items, bind.columns.count };
        *out = bound;
        return STATUS_OK;
}

/* The name that stands at a place: the last part of a.b.c. */
static Str name_at(Str text, SqlPlace at) {
        Str source = str_slice(text, at.offset, (size_t)at.offset + at.length), head, tail = source;
        while (str_cut(tail, '.', &head, &tail))
                ;
        if (head.size > 1 && head.data[0] == '"')
                head = str_slice(head, 1, head.size - 1);
        return head;
}

/* A name as it must be written in SQL: quoted where it is not plain. */
static const char *as_written(Str name, char *buffer, size_t size) {
        bool plain = name.size > 0 && !(name.data[0] >= '0' && name.data[0] <= '9');
        for (size_t i = 0; i < name.size; i++) {
                unsigned char c = (unsigned char)name.data[i];
                plain &= c == '_' || c >= 0x80 || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        }
        snprintf(buffer, size, plain ? "%.*s" : "\"%.*s\"", STR_ARG(name));
        return buffer;
}

/* A few of the columns there are, each once; before them what else may be wrong. */
static void list_columns(Error *err, const char *before, SqlNames columns) {
        char list[200];
        size_t size = 0, count = 0;
        for (size_t i = 0; i < columns.count && count < 8; i++) {
                bool again = false;
                for (size_t k = 0; k < i && !again; k++)
                        again = str_equal_nocase(columns.items[k], columns.items[i]);
                char name[160];
                if (again || columns.items[i].size + 8 > sizeof(list) - size || columns.items[i].size + 3 > sizeof(name))
                        continue;
                size += (size_t)snprintf(list + size, sizeof(list) - size, "%s%s", count++ ? ", " : "",
                                         as_written(columns.items[i], name, sizeof(name)));
        }
        if (count > 0)
                error_hint(err, "%scolumns: %s%s", before, list, columns.count > count ? " ..." : "");
}

/* In place of what the engine says, which knows only the columns that the scans carry. */
static void guess_column(Error *err, Str text, SqlPlace at, SqlNames columns) {
        if (err->status != STATUS_NO_COLUMN)
                return;
        char *detail = strstr(err->message, " (engine: ");
        if (detail)
                *detail = '\0';
        err->hint[0] = '\0';
        Str name = name_at(text, at), guess = str_nearest(name, columns.items, columns.count);
        bool quoted = at.offset < text.size && text.data[at.offset] == '"';
        char buffer[200], before[120] = "";
        if (name.size > 0 && str_starts_with(str_of(err->message), STR("no column '")))
                error_set(err, STATUS_NO_COLUMN, "no column '%.*s'", STR_ARG(name));
        if (quoted && name.size < 40)
                snprintf(before, sizeof(before), "if it is a text: '%.*s'; ", STR_ARG(name));
        if (guess.size > 0 && str_equal_nocase(guess, name))
                error_hint(err, "%sa table of the statement has it, but none that can be read from there", before);
        else if (guess.size > 0)
                error_hint(err, "%sdid you mean %s?", before, as_written(guess, buffer, sizeof(buffer)));
        else
                list_columns(err, before, columns);
}

Status bind_error_place(Error *err, const SqlTree *tree, const BoundStatement *bound, size_t offset) {
        uint32_t source;
        SqlPlace at;
        if (!sql_map_find(&bound->map, offset, &source, &at))
                return err->status;
        if (source == 0) {
                guess_column(err, tree->text, at, bound->columns);
                if (err->status == STATUS_NO_COLUMN && !err->hint[0] && tree->query->kind == SQL_SELECT_NODE && tree->query->select.from->kind == SQL_FROM_EMPTY)
                        error_hint(err, "the statement has no FROM, so there are no columns");
                return sql_error_place(err, tree, at);
        }
        const SqlMapText *text = &bound->map.texts.items[source - 1];
        SqlTree view = { .text = text->text, .name = text->name };
        return sql_error_place(err, &view, at);
}
