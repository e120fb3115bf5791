/* SPDX-License-Identifier: Apache-2.0 */
#include "model/statement.h"

#include "base/hash.h"
#include "base/json.h"
#include "govern/outline.h"
#include "lake/blame.h"
#include "sql/client.h"
#include "sql/lexer.h"
#include "sql/mistake.h"
#include "sql/plain_name.h"

/* Where the engine stops at the last token, the text may only end too early: with one more behind it would stop there. */
static bool ends_early(Worker *worker, Str parsed, size_t position, Arena *arena) {
        Str json;
        Error ignored;
        if (!sql_is_last(parsed, position))
                return false;
        if (worker_parse(worker, arena_strf(arena, "%.*s x", STR_ARG(parsed)), arena, &json, &ignored) == STATUS_OK)
                return true;
        const Failure *failure = worker_failure(worker);
        return failure && failure->position >= 0 && (size_t)failure->position >= parsed.size;
}

/* What the engine says of a text that it cannot parse, made fit to be read. */
static Status explain_syntax(Worker *worker, Str parsed, Str text, Arena *arena, Error *err) {
        const Failure *failure = worker_failure(worker);
        if (err->status != STATUS_SQL_SYNTAX || !failure || failure->position < 0 || (size_t)failure->position > text.size)
                return err->status;
        size_t position = (size_t)failure->position;
        Str hint = sql_mistake(text, position, arena);
        Error early = { 0 };
        if (ends_early(worker, parsed, position, arena)) {
                error_set(&early, STATUS_SQL_SYNTAX, "the SQL ends too early: more is wanted behind it");
                error_place(&early, "", text, text.size);
                *err = early;
        }
        return hint.size > 0 ? error_hint(err, "%.*s", STR_ARG(hint)) : err->status;
}

/* Once more, with what are names to PostgreSQL and words to the engine taken as names. */
static bool parse_plain_names(Worker *worker, Str parsed, Arena *arena, Str *json) {
        Str named;
        Error untold = { 0 };
        if (!sql_plain_names(parsed, arena, &named) || worker_parse(worker, named, arena, json, &untold) != STATUS_OK)
                return false;
        *json = sql_plain_names_back(*json, arena);
        return true;
}

/* parsed: the text as the engine is to read it, place for place the user's. */
static Status parse_as(Worker *worker, Str parsed, Str text, Str name, Arena *arena, SqlTree **out, Error *err) {
        TRY(sql_classify(text, name, err));
        Str json;
        Status status = worker_parse(worker, parsed, arena, &json, err);
        if (status != STATUS_OK) {
                status = explain_syntax(worker, parsed, text, arena, err);
                if (status == STATUS_SQL_SYNTAX && parse_plain_names(worker, parsed, arena, &json))
                        return sql_tree_read(json, text, name, arena, out, err);
                if (name.size && status == STATUS_SQL_SYNTAX && err->line == 0) /* the engine names no place for some of its refusals */
                        error_place(err, "", text, 0);
                if (name.size && err->line > 0)
                        snprintf(err->file, sizeof(err->file), "%.*s", STR_ARG(name));
                return status;
        }
        return sql_tree_read(json, text, name, arena, out, err);
}

Status statement_parse(Worker *worker, Str text, Str name, Arena *arena, SqlTree **out, Error *err) {
        return parse_as(worker, text, text, name, arena, out, err);
}

Status statement_parse_client(Worker *worker, Str text, Str name, Arena *arena, SqlTree **out, Error *err) {
        Str parsed;
        TRY(sql_client_text(text, arena, &parsed, err));
        return parse_as(worker, parsed, text, name, arena, out, err);
}

static Status grant(void *context, const char *path, Arena *arena, Str *out, Error *err) {
        Statement *statement = context;
        const char *granted;
        TRY(lake_grant(statement->spec.lake, statement->spec.worker, path, arena, &granted, err));
        vec_push(arena, &statement->granted, arena_str(arena, str_of(path)));
        *out = str_of(granted);
        return STATUS_OK;
}

static Status outline(void *context, const Relation *relation, const bool *wanted, int64_t rows, Arena *arena, Str *out, Error *err) {
        const Statement *statement = context;
        return outline_grant(statement->spec.worker, relation, wanted, rows, arena, out, err);
}

static Status view_tree(void *context, const CatalogObject *object, Arena *arena, const SqlTree **out, Error *err) {
        const Statement *statement = context;
        ViewBody view;
        TRY(view_body_parse(object->body, arena, &view, err));
        SqlTree *tree;
        TRY(statement_parse(statement->spec.worker, view.sql, view.path, arena, &tree, err));
        *out = tree;
        return STATUS_OK;
}

/* A literal that a cast at this place is about. */
typedef struct LiteralSearch {
        uint32_t offset;
        const SqlExpr *cast;
} LiteralSearch;

static Status see_literal_cast(void *context, SqlExpr **place, Error *err UNUSED) {
        LiteralSearch *search = context;
        const SqlExpr *expr = *place;
        bool literal = expr->kind == SQL_CAST && expr->cast.child->kind == SQL_CONSTANT && expr->cast.child->constant.literal == SQL_STRING;
        if (literal && expr->at.offset == search->offset)
                search->cast = expr;
        return STATUS_OK;
}

/* Of 'x'::int the reader sees which text is meant: it is their own, and stands at its own place. */
static void name_literal(const Statement *statement, const Failure *failure, Error *err) {
        uint32_t source;
        SqlPlace at;
        Error ignored;
        bool about_text = failure->kind == FAILURE_CAST || failure->kind == FAILURE_NO_DATE || failure->kind == FAILURE_DATE_RANGE;
        if (!about_text || !sql_map_find(&statement->bound.map, (size_t)failure->position, &source, &at) || source != 0)
                return;
        LiteralSearch search = { .offset = at.offset };
        SqlVisitor visitor = { .expr = see_literal_cast, .context = &search };
        sql_visit_query(statement->tree->query, &visitor, &ignored);
        if (!search.cast || search.cast->cast.child->at.offset == SQL_NOWHERE)
                return;
        const SqlExpr *literal = search.cast->cast.child;
        Error named = *err;
        Str text = str_slice(literal->constant.text, 0, 60);
        while (text.size < literal->constant.text.size && text.size > 0 && ((unsigned char)text.data[text.size] & 0xc0) == 0x80)
                text.size--; /* no half characters */
        error_set(&named, err->status, "%s: '%.*s'%s", err->message, STR_ARG(text), text.size < literal->constant.text.size ? " ..." : "");
        named.sqlstate = err->sqlstate;
        if (err->hint[0])
                error_hint(&named, "%s", err->hint);
        *err = named;
        sql_error_place(err, statement->tree, literal->at);
}

Status statement_error(const Statement *statement, Error *err) {
        if (statement->spec.lake && lake_blame(statement->spec.lake, statement->spec.worker, statement->granted.items, statement->granted.count, err) == STATUS_CORRUPT)
                return err->status;
        const Failure *failure = worker_failure(statement->spec.worker);
        if (!failure || failure->position < 0)
                return err->status;
        bind_error_place(err, statement->tree, &statement->bound, (size_t)failure->position);
        name_literal(statement, failure, err);
        return err->status;
}

static Status new_file(void *context, Arena *arena, int *out_fd, Str *out_name, Error *err) {
        const Statement *statement = context;
        const char *path;
        TRY(worker_new_file(statement->spec.worker, arena, out_fd, &path, err));
        *out_name = str_of(path);
        return STATUS_OK;
}

static Status parse_policy(void *context, Str sql, Arena *arena, const SqlTree **out, Error *err) {
        const LakeSource *source = context;
        const Statement *statement = source->context;
        SqlTree *tree;
        TRY(statement_parse(statement->spec.worker, sql, STR(""), arena, &tree, err));
        *out = tree;
        return STATUS_OK;
}

static Status parse_own(void *context, Str sql, Arena *arena, const SqlTree **out, Error *err) {
        const Statement *statement = context;
        SqlTree *tree;
        TRY(statement_parse(statement->spec.worker, sql, STR(""), arena, &tree, err));
        *out = tree;
        return STATUS_OK;
}

/* The store's key for the mask `hash`: made when it is first needed, never shown to anybody. */
static Status mask_key(Catalog *catalog, Arena *arena, Str *out, Error *err) {
        Error absent;
        Status status = catalog_secret(catalog, STR("mask key"), arena, out, &absent);
        if (status == STATUS_NOT_FOUND) {
                char bytes[SHA256_SIZE];
                random_bytes(bytes, sizeof(bytes));
                TRY(catalog_put_secret(catalog, STR("mask key"), (Str){ bytes, sizeof(bytes) }, err));
                return catalog_secret(catalog, STR("mask key"), arena, out, err);
        }
        if (status != STATUS_OK)
                *err = absent;
        return status;
}

static Status define(const StatementSpec *spec, const BoundStatement *bound, Arena *arena, Error *err) {
        TRY(worker_define(spec->worker, bound->functions, bound->function_count, err));
        if (!bound->hashes)
                return STATUS_OK;
        Str key;
        TRY(mask_key(spec->lake->catalog, arena, &key, err));
        return worker_define_hash(spec->worker, key, err);
}

/* A policy that the engine refuses withholds its table, in the words for one that is not there. */
static Status error_of_policy(const Statement *statement, Error *err) {
        const BoundStatement *bound = &statement->bound;
        CLEANUP(arena_deinit) Arena arena = { 0 };
        Status status = statement_error(statement, err);
        for (size_t i = 0; i < bound->relation_count && status_exit(status) == 2; i++) {
                const BoundRelation *relation = &bound->relations[i];
                WorkerColumns ignored;
                Error own;
                if (relation->scan.size == 0 ||
                    worker_prepare(statement->spec.worker, arena_strf(&arena, "SELECT * FROM %.*s AS t", STR_ARG(relation->scan)), &arena, &ignored, &own) == STATUS_OK)
                        continue;
                return error_set(err, STATUS_NO_TABLE, "no table '%.*s.%.*s.%.*s'", STR_ARG(relation->zone), STR_ARG(relation->stage),
                                 STR_ARG(relation->name));
        }
        return status;
}

/* out stands where it will be used: the sources point into it. */
static BindSource open_source(const StatementSpec *spec, Statement *out) {
        out->source = (LakeSource){
                .lake = spec->lake, .at = spec->at, .overlay = spec->overlay, .grant = grant, .view = view_tree, .context = out,
        };
        out->now_lake = (LakeSource){ .lake = spec->lake, .grant = grant, .view = view_tree, .context = out };
        out->now = lake_bind_source(&out->now_lake);
        out->now.outline = outline;
        out->now.outline_context = out;
        BindSource source = spec->source ? *spec->source : lake_bind_source(&out->source);
        source.sight = spec->sight;
        source.outline = outline;
        source.outline_context = out;
        if (!spec->session)
                source.moment = NULL; /* what is built does not depend on when it was asked */
        if (!spec->source) {
                source.now = &out->now;
                source.parse = parse_policy;
        }
        if (spec->source || spec->overlay)
                return source; /* what is built is built of what is staged */
        out->landing = (Landing){ .lake = spec->lake, .worker = spec->worker, .at = spec->at };
        return landing_source(&out->landing, source);
}

Status statement_policy(const StatementSpec *spec, Str zone, Str stage, Str name, Arena *arena, Relation **out, const Policy **out_policy,
                        Error *err) {
        Statement *statement = ARENA_NEW(arena, Statement);
        statement->spec = *spec;
        BindSource source = open_source(spec, statement);
        *out_policy = NULL;
        TRY(source.resolve(source.context, zone, stage, name, arena, out, err));
        return *out ? sight_policy(spec->sight, &spec->principal, *out, &source, arena, out_policy, err) : STATUS_OK;
}

typedef struct Finding {
        const StatementSpec *spec;
        const BindSource *source;
} Finding;

static Status find_table(void *context, const SqlNames *path, Arena *arena, LineageTable *out, Error *err) {
        const Finding *finding = context;
        Relation *relation = NULL;
        Str zone = path->count > 2 ? path->items[path->count - 3] : finding->spec->default_zone;
        if (path->count >= 2)
                TRY(finding->source->resolve(finding->source->context, zone, path->items[path->count - 2], path->items[path->count - 1], arena, &relation, err));
        if (!relation)
                return STATUS_OK;
        out->name = arena_strf(arena, "%.*s.%.*s.%.*s", STR_ARG(relation->zone), STR_ARG(relation->stage), STR_ARG(relation->name));
        out->columns = ARENA_ARRAY(arena, Str, relation->column_count);
        for (size_t i = 0; i < relation->column_count; i++)
                if (!relation->columns[i].hidden)
                        out->columns[out->column_count++] = relation->columns[i].name;
        return STATUS_OK;
}

Status statement_lineage(const StatementSpec *spec, const SqlTree *tree, Arena *arena, Lineage *out, Error *err) {
        Statement *statement = ARENA_NEW(arena, Statement);
        statement->spec = *spec;
        BindSource source = open_source(spec, statement);
        Finding finding = { spec, &source };
        return sql_lineage(tree, &(LineageTables){ &finding, find_table }, arena, out, err);
}

Status statement_bind(const StatementSpec *spec, SqlTree *tree, Arena *arena, Statement *out, Error *err) {
        *out = (Statement){ .spec = *spec, .tree = tree };
        CLEANUP(system_closep) System *system = NULL;
        BindSource source = open_source(spec, out);
        if (spec->session) {
                SystemSpec system_spec = { .lake = spec->lake, .at = spec->at, .principal = spec->principal, .source = &source,
                                           .session = *spec->session, .sight = spec->sight, .describing = spec->describing, .new_file = new_file, .parse = parse_own,
                                           .context = out };
                TRY(system_open(&system_spec, &system, err));
                source.system = system_bind(system);
        }
        BindRequest request = { .principal = spec->principal, .default_zone = spec->default_zone, .source = &source,
                                .parameters = spec->parameters, .client = spec->client, .describing = spec->describing };
        TRY(bind_statement(tree, &request, arena, &out->bound, err));
        TRY(worker_zone(spec->worker, &spec->zone, err));
        TRY(define(spec, &out->bound, arena, err));
        if (worker_prepare(spec->worker, out->bound.sql, arena, &out->columns, err) != STATUS_OK)
                return error_of_policy(out, err);
        return STATUS_OK;
}

Status statement_open(const StatementSpec *spec, Str text, Str name, Arena *arena, Statement *out, Error *err) {
        SqlTree *tree;
        TRY(statement_parse(spec->worker, text, name, arena, &tree, err));
        return statement_bind(spec, tree, arena, out, err);
}

Status statement_execute(Statement *statement, WorkerRowSink sink, void *context, int64_t *out_rows, Error *err) {
        Status status = worker_execute(statement->spec.worker, statement->bound.sql, sink, context, out_rows, err);
        return status == STATUS_OK ? status : statement_error(statement, err);
}
