/* SPDX-License-Identifier: Apache-2.0 */
/* Questions: prepared, described, run, and their rows passed on. */
#include <endian.h>
#include <inttypes.h>

#include "base/time.h"
#include "base/vec.h"
#include "engine/client_type.h"
#include "server/infer.h"
#include "server/session_parts.h"
#include "sql/literal.h"
#include "sql/output.h"
#include "sql/redact.h"

#define WORKER_TRIES 3 /* the one that was idle, and the one that stood by for it, may both have been killed */
#define COPY_BINARY_HEADER "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0"
#define COPY_BINARY_HEADER_SIZE (sizeof(COPY_BINARY_HEADER) - 1)
#define COPY_BINARY_TRAILER "\377\377"
#define MESSAGE_HEAD_SIZE 5 /* type and length */

/* ---- prepared statements ---- */

static MetricsOutcome outcome_of(Status status, MetricsOutcome otherwise) {
        return status == STATUS_INTERRUPTED || status == STATUS_TIMEOUT ? METRICS_CANCELLED : otherwise;
}

bool command_asks(const Command *command) {
        return command->kind == COMMAND_QUERY || command->kind == COMMAND_COPY_OUT || command->kind == COMMAND_DECLARE ||
               command->kind == COMMAND_EXPLAIN;
}

bool command_is_literal(const Command *command) {
        return command->literal_count > 0;
}

Prepared *prepared_hold(Prepared *prepared) {
        prepared->holders++;
        return prepared;
}

void prepared_release(Prepared *prepared) {
        if (!prepared || --prepared->holders > 0)
                return;
        Arena arena = prepared->arena;
        arena_deinit(&arena);
}

static void prepared_releasep(Prepared **prepared) {
        prepared_release(*prepared);
}

static Prepared *prepared_new(Str sql, const Command *command) {
        Arena arena = { 0 };
        Prepared *prepared = ARENA_NEW(&arena, Prepared);
        *prepared = (Prepared){ .holders = 1, .arena = arena };
        prepared->sql = arena_str(&prepared->arena, sql);
        prepared->command = (Command){ .text = str_slice(prepared->sql, command->offset, command->offset + command->text.size),
                                       .offset = command->offset };
        return prepared;
}

static Status spec_of(Session *session, Worker *worker, CatalogAt at, Arena *arena, StatementSpec *out, Error *err) {
        SystemSession *system = ARENA_NEW(arena, SystemSession);
        *out = (StatementSpec){ .lake = session->thread->lake, .worker = worker, .at = at, .principal = session->principal,
                                .default_zone = session->zone, .session = system, .sight = &session->sight, .parameters = true, .client = true };
        return session_describe(session, arena, system, &out->zone, err);
}

static bool is_integer(uint32_t oid) {
        return oid == OID_INT2 || oid == OID_INT4 || oid == OID_INT8;
}

/* A NULL of each parameter's type, or a 1: round(x, NULL) has no meaning to the engine. Those that have no type stay, or become a
 * NULL without one. */
static SqlValue *empty_values(Prepared *prepared, bool keep_open) {
        SqlValue *values = ARENA_ARRAY(&prepared->arena, SqlValue, prepared->type_count);
        for (size_t i = 0; i < prepared->type_count; i++) {
                WireParameter empty = { .null = !is_integer(prepared->types[i]), .bytes = STR("1") };
                Error ignored;
                parameter_read(i + 1, prepared->types[i], 0, &empty, &prepared->arena, &values[i], &ignored);
                values[i].open = keep_open && prepared->types[i] == 0;
        }
        return values;
}

/* asked: what the parameters that have no type are, is to be found out; NULL: only what it answers with. */
static Status describe_with(Session *session, Worker *worker, CatalogAt at, Prepared *prepared, Inferred *asked, Statement *out,
                            Error *err) {
        SqlTree *tree = ARENA_NEW(&prepared->arena, SqlTree);
        *tree = *prepared->tree;
        tree->query = sql_query_copy(&prepared->arena, prepared->tree->query);
        Str *names = ARENA_ARRAY(&prepared->arena, Str, tree->parameters.count);
        if (tree->parameters.count > 0)
                memcpy(names, tree->parameters.items, tree->parameters.count * sizeof(Str));
        tree->parameters.items = names;
        TRY(sql_fill_parameters(tree, empty_values(prepared, asked != NULL), prepared->type_count, &prepared->arena, err));
        if (asked)
                TRY(infer_ask(tree, asked, &prepared->arena, err));
        TRY(session_fill_settings(session, tree, false, &prepared->arena, err));
        StatementSpec spec;
        TRY(spec_of(session, worker, at, &prepared->arena, &spec, err));
        spec.describing = true;
        return statement_bind(&spec, tree, &prepared->arena, out, err);
}

static void take_inferred(Inferred *inferred, const WorkerColumns *columns) {
        for (size_t i = 0; i < columns->parameter_count; i++) {
                uint64_t number;
                const WorkerParameter *parameter = &columns->parameters[i];
                if (str_to_uint64(parameter->name, &number) && number >= 1)
                        infer_take(inferred, number - 1, parameter_oid(parameter->engine_type));
        }
}

/* round(x, $1) has as many digits as its integer says. */
static bool has_number(const Prepared *prepared) {
        for (size_t i = 0; i < prepared->type_count; i++)
                if (prepared->types[i] == OID_NUMERIC || is_integer(prepared->types[i]) || client_type_element(prepared->types[i]) == OID_NUMERIC)
                        return true;
        return false;
}

/* Each value of a numeric parameter has its own digits, so what is computed with it has a scale that nobody knows yet; drivers
 * round to one that they are told. */
static bool has_own_scale(const Prepared *prepared, size_t column) {
        const SqlQuery *query = prepared->tree->query;
        if (query->kind != SQL_SELECT_NODE || query->select.list.count != prepared->column_count)
                return false;
        return query->select.list.items[column]->kind == SQL_COLUMN_REF;
}

static void take_columns(Prepared *prepared, const WorkerColumns *columns) {
        Str *names = ARENA_ARRAY(&prepared->arena, Str, columns->count);
        for (size_t i = 0; i < columns->count; i++)
                names[i] = columns->items[i].name;
        sql_output_names(prepared->tree, names, columns->count);
        prepared->columns = ARENA_ARRAY(&prepared->arena, ReplyColumn, columns->count);
        prepared->column_count = columns->count;
        prepared->has_rows = true;
        for (size_t i = 0; i < columns->count; i++) {
                ClientType type = client_type_of(columns->items[i].engine_type);
                bool open = type.modifier >= 0 && has_number(prepared) && !has_own_scale(prepared, i);
                prepared->columns[i] = (ReplyColumn){ .name = names[i], .oid = type.oid, .size = type.size, .modifier = open ? -1 : type.modifier };
        }
}

/* First with the parameters open, so that the engine says what it takes them for; where it cannot, without types. */
static Status describe(Session *session, Worker *worker, Prepared *prepared, Error *err) {
        CatalogAt at;
        Statement statement;
        bool open = false;
        TRY(session_refresh(session, err));
        TRY(session_at(session, &at, err));
        for (size_t i = 0; i < prepared->type_count; i++)
                open |= prepared->types[i] == 0;
        Inferred inferred = { .types = prepared->types, .operators = open ? arena_alloc(&prepared->arena, prepared->type_count) : NULL, .count = prepared->type_count };
        Status status = describe_with(session, worker, at, prepared, open ? &inferred : NULL, &statement, err);
        if (open && status == STATUS_OK)
                take_inferred(&inferred, &statement.columns);
        if (open && status != STATUS_WORKER_LOST && status != STATUS_INTERRUPTED)
                status = describe_with(session, worker, at, prepared, NULL, &statement, err);
        TRY(status);
        take_columns(prepared, &statement.columns);
        return STATUS_OK;
}

static int64_t statement_time(const Session *session) {
        int64_t own = session_time(session, "statement_timeout", LIMIT_STATEMENT_TIME), all = session->host->statement_us;
        return own == 0 || (all > 0 && all < own) ? all : own;
}

/* A worker of this principal with as much memory as it may have. */
static Status lease(Session *session, Worker **out, Error *err) {
        WorkerWish wish = { .principal = session_worker_name(session), .memory = (uint64_t)session->limits.value[LIMIT_MEMORY] };
        TRY(worker_lease_for(session->host->pool, &wish, out, err));
        worker_allow(*out, session_began(session), statement_time(session));
        return STATUS_OK;
}

/* Types that the client declared for parameters which the text does not have are declared all the same. */
static void keep_types(Prepared *prepared, size_t count, const uint32_t *types, size_t type_count) {
        prepared->type_count = count > type_count ? count : type_count;
        prepared->types = ARENA_ARRAY(&prepared->arena, uint32_t, prepared->type_count);
        for (size_t i = 0; i < type_count; i++)
                prepared->types[i] = types[i] == OID_UNKNOWN ? 0 : types[i];
}

static Status take_types(Prepared *prepared, const uint32_t *types, size_t type_count, Error *err) {
        size_t count;
        TRY(sql_parameter_count(prepared->tree, &count, err));
        keep_types(prepared, count, types, type_count);
        Inferred written = { .types = prepared->types, .count = prepared->type_count };
        return infer_written(prepared->tree, &written, err);
}

/* *out_again: the worker had died before it was asked, as it seems, and nothing is lost by asking another. */
static Status prepare_once(Session *session, Prepared *prepared, const uint32_t *types, size_t type_count, bool *out_again, Error *err) {
        CLEANUP(worker_releasep) Worker *worker = NULL;
        TRY(lease(session, &worker, err));
        TRY(session_work_with(session, worker, err));
        Status status = statement_parse_client(worker, prepared->command.inner, STR(""), &prepared->arena, &prepared->tree, err);
        *out_again = status == STATUS_WORKER_LOST;
        if (status == STATUS_OK)
                status = literal_read_casts(prepared->tree, &prepared->arena, err);
        if (status == STATUS_OK)
                status = take_types(prepared, types, type_count, err);
        if (status == STATUS_OK && !prepared->at_once)
                status = describe(session, worker, prepared, err);
        session_work_done(session);
        return status;
}

static Status prepare_question(Session *session, Prepared *prepared, const uint32_t *types, size_t type_count, Error *err) {
        Status status = STATUS_OK;
        bool again = true;
        for (int i = 0; again && i < WORKER_TRIES; i++) {
                again = false;
                status = prepare_once(session, prepared, types, type_count, &again, err);
        }
        return status;
}

/* By whom it is asked: a service that asks in another's place is named beside. */
static AuditRecord record_of(Session *session, Str principal, const Prepared *prepared) {
        static const char *const actions[] = { [COMMAND_COPY_OUT] = "copy", [COMMAND_EXPLAIN] = "explain" };
        CommandKind kind = prepared->command.kind;
        const char *action = kind < COUNT_OF(actions) && actions[kind] ? actions[kind] : "query";
        return (AuditRecord){ .principal = principal, .service = str_equal(principal, session->login) ? STR_NONE : session->login,
                              .via = session_via(session), .action = str_of(action), .rows = -1, .bytes = -1, .sql = prepared->command.text };
}

static bool knows(void *context, Str name) {
        Session *session = context;
        return known_name(session->thread->known, name) || settings_get(session->settings, name).data;
}

/* What failed may have values in the wrong quotes. */
static Str redact_failed(Session *session, Str sql, Arena *arena) {
        Error ignored;
        (void)known_load(session->thread->known, session->thread->lake->catalog, &ignored); /* else nothing is known */
        return sql_redact_failed(sql, knows, session, arena);
}

/* What was refused before there was a portal. That it cannot be recorded changes nothing: nothing was read. */
static void tell_refused(Session *session, Prepared *prepared, bool stopped) {
        Error ignored;
        AuditRecord record = record_of(session, session->principal.name, prepared);
        record.denied = !stopped;
        record.stopped = stopped;
        if (!command_asks(&prepared->command)) { /* it may be about a password */
                record.statement = redact_failed(session, prepared->command.text, &prepared->arena);
                record.sql = STR_NONE;
        } else {
                record.redacted = redact_failed(session, prepared->command.text, &prepared->arena);
        }
        statement_audit_names(prepared->tree, session->zone, &prepared->arena, &record);
        (void)session->host->audit(session->host->context, &record, false, &ignored);
}

void session_tell_unread(Session *session, Str sql) {
        CLEANUP(prepared_releasep) Prepared *prepared = prepared_new(sql, &(Command){ .text = sql });
        tell_refused(session, prepared, false);
}

static void describe_literals(Prepared *prepared, const uint32_t *types, size_t type_count) {
        const Command *command = &prepared->command;
        keep_types(prepared, 0, types, type_count);
        prepared->columns = ARENA_ARRAY(&prepared->arena, ReplyColumn, command->literal_count);
        prepared->column_count = command->literal_count;
        prepared->has_rows = true;
        for (size_t i = 0; i < command->literal_count; i++) {
                const Literal *literal = &command->literals[i];
                prepared->columns[i] = (ReplyColumn){ .name = literal->name, .oid = OID_TEXT, .size = -1, .modifier = -1 };
                if (literal->is_integer) {
                        prepared->columns[i].oid = OID_INT4;
                        prepared->columns[i].size = sizeof(literal->integer);
                }
        }
}

static Status make(Session *session, Str sql, const Command *command, const uint32_t *types, size_t type_count, bool at_once, Prepared **out,
                   Error *err) {
        CLEANUP(prepared_releasep) Prepared *prepared = prepared_new(sql, command);
        int64_t began = time_monotonic_us();
        Status status = command_read(prepared->sql, &prepared->command, &prepared->arena, err);
        if (session->http) /* its rows come from a worker */
                prepared->command.literal_count = 0;
        bool literal = command_is_literal(&prepared->command);
        bool asks = status == STATUS_OK && command_asks(&prepared->command) && !literal;
        prepared->at_once = at_once && prepared->command.kind == COMMAND_QUERY && !literal;
        if (literal)
                describe_literals(prepared, types, type_count);
        if (asks)
                status = prepare_question(session, prepared, types, type_count, err);
        if (asks && status != STATUS_OK)
                metrics_statement(session->host->metrics, session->http != NULL, outcome_of(status, METRICS_REFUSED), time_monotonic_us() - began);
        if (status != STATUS_OK)
                tell_refused(session, prepared, asks && outcome_of(status, METRICS_REFUSED) == METRICS_CANCELLED);
        TRY(status);
        if (prepared->command.kind != COMMAND_QUERY)
                TRY(perform_describe(session, prepared, err));
        *out = TAKE_PTR(prepared);
        return STATUS_OK;
}

Status prepared_make(Session *session, Str sql, const Command *command, const uint32_t *types, size_t type_count, Prepared **out,
                     Error *err) {
        return make(session, sql, command, types, type_count, false, out, err);
}

Status prepared_make_at_once(Session *session, Str sql, const Command *command, Prepared **out, Error *err) {
        return make(session, sql, command, NULL, 0, true, out, err);
}

/* ---- portals ---- */

Portal *portal_new(Prepared *prepared) {
        Arena arena = { 0 };
        Portal *portal = ARENA_NEW(&arena, Portal);
        *portal = (Portal){ .arena = arena, .prepared = prepared_hold(prepared) };
        portal->formats = ARENA_ARRAY(&portal->arena, uint16_t, prepared->column_count);
        return portal;
}

static Status audit_portal(Session *session, Portal *portal, MetricsOutcome outcome, Error *err) {
        Str principal = portal->principal.size > 0 ? portal->principal : session->principal.name;
        AuditRecord record = record_of(session, principal, portal->prepared);
        bool is_new = portal->state == PORTAL_NEW;
        record.stopped = outcome == METRICS_CANCELLED;
        record.denied = outcome == METRICS_REFUSED || (is_new && !record.stopped);
        if (record.denied || record.stopped || outcome == METRICS_FAILED)
                record.redacted = redact_failed(session, record.sql, &portal->arena);
        if (record.denied || is_new) {
                statement_audit_names(portal->prepared->tree, session->zone, &portal->arena, &record);
        } else {
                record.rows = portal->taken;
                record.bytes = portal->taken_bytes;
                statement_audit(&portal->statement, &portal->arena, &record);
        }
        return session->host->audit(session->host->context, &record, false, err);
}

Status portal_announce(Session *session, Portal *portal, Error *err) {
        if (portal->announced || portal->told)
                return STATUS_OK;
        portal->announced = true;
        AuditRecord record = record_of(session, portal->principal, portal->prepared);
        record.action = arena_strf(&portal->arena, "%.*s begun", STR_ARG(record.action));
        statement_audit(&portal->statement, &portal->arena, &record);
        return session->host->audit(session->host->context, &record, false, err);
}

/* Once for each portal that was opened, or was tried to be: what it read, or that it was refused. */
static Status tell(Session *session, Portal *portal, MetricsOutcome outcome, Error *err) {
        Metrics *metrics = session->host->metrics;
        portal->told = true;
        metrics_statement(metrics, session->http != NULL, outcome, time_monotonic_us() - portal->began_us);
        if (outcome != METRICS_REFUSED) {
                metrics_add(metrics, METRICS_ROWS, (uint64_t)portal->taken);
                metrics_add(metrics, METRICS_SCANNED, (uint64_t)portal->scanned);
        }
        if (outcome == METRICS_REFUSED && portal->announced) /* what went out before it was refused */
                TRY(audit_portal(session, portal, METRICS_OK, err));
        return audit_portal(session, portal, outcome, err);
}

/* Gives the worker back; what it has not sent is stopped. One that is left before its end was read all the same. */
static void portal_stop(Session *session, Portal *portal) {
        Error ignored;
        if (portal->state == PORTAL_OPEN && !portal->told)
                (void)tell(session, portal, METRICS_OK, &ignored);
        if (portal->held)
                admission_release(session->host->admission, session->party);
        portal->held = false;
        worker_rows_end(portal->rows);
        worker_release(portal->worker);
        portal->rows = NULL;
        portal->worker = NULL;
        portal->state = PORTAL_DONE;
}

void portal_free(Session *session, Portal *portal) {
        if (!portal)
                return;
        portal->doomed = portal->running;
        if (portal->running)
                return; /* it ends itself: COMMIT, CLOSE ALL, DISCARD ALL; whoever runs it frees it then */
        portal_stop(session, portal);
        portal_free(session, portal->inner);
        prepared_release(portal->prepared);
        buf_deinit(&portal->own);
        Arena arena = portal->arena;
        arena_deinit(&arena);
}

void portal_reply_columns(Session *session, Portal *portal) {
        const Prepared *prepared = portal->prepared;
        ReplyColumn *columns = ARENA_ARRAY(&portal->arena, ReplyColumn, prepared->column_count);
        for (size_t i = 0; i < prepared->column_count; i++) {
                columns[i] = prepared->columns[i];
                columns[i].format = portal->formats[i];
        }
        reply_columns(&session->out, columns, prepared->column_count);
}

/* ---- running ---- */

static ExecuteSpec execute_spec(Portal *portal) {
        const Prepared *prepared = portal->prepared;
        ExecuteSpec spec = { .sql = portal->statement.bound.sql, .answer = ROWS_FORMATS, .formats = portal->formats,
                             .format_count = prepared->column_count };
        if (portal->sink)
                spec.answer = ROWS_PLAIN;
        if (prepared->command.kind != COMMAND_COPY_OUT)
                return spec;
        static const RowsAnswer answers[] = { [COPY_TEXT] = ROWS_COPY_TEXT, [COPY_CSV] = ROWS_COPY_CSV, [COPY_BINARY] = ROWS_COPY_BINARY };
        const CopyOptions *copy = &prepared->command.copy;
        spec.answer = answers[copy->kind];
        spec.copy = (CopyFormat){ copy->delimiter, copy->quote, copy->escape, copy->null };
        for (size_t i = 0; i < prepared->column_count; i++) {
                portal->formats[i] = copy->quote_all;
                for (size_t j = 0; j < copy->quote_count; j++)
                        portal->formats[i] |= str_equal(copy->quote_columns[j], prepared->columns[i].name);
        }
        return spec;
}

static bool is_column(const BoundStatement *bound, Str name) {
        for (size_t i = 0; i < bound->columns.count; i++)
                if (str_equal_nocase(bound->columns.items[i], name))
                        return true;
        return false;
}

/* A numeric that is NaN or infinite: the engine has those as doubles. */
static bool has_no_number(const Portal *portal) {
        const Prepared *prepared = portal->prepared;
        for (size_t i = 0; i < prepared->type_count; i++)
                if (prepared->types[i] == OID_NUMERIC && str_is(portal->values[i].type, "DOUBLE"))
                        return true;
        return false;
}

/* A client reads rows by the description that it got once: what was built since must fit that. Names that the engine makes of
 * an expression differ with its parameters, so only those of tables count. */
static bool fits_description(const Prepared *prepared, const Statement *statement, Arena *arena) {
        const WorkerColumns *columns = &statement->columns;
        if (columns->count != prepared->column_count)
                return false;
        Str *names = ARENA_ARRAY(arena, Str, columns->count);
        for (size_t i = 0; i < columns->count; i++)
                names[i] = columns->items[i].name;
        sql_output_names(prepared->tree, names, columns->count);
        for (size_t i = 0; i < columns->count; i++) {
                const ReplyColumn *described = &prepared->columns[i];
                if (client_type_of(columns->items[i].engine_type).oid != described->oid ||
                    (is_column(&statement->bound, names[i]) && !str_equal(names[i], described->name)))
                        return false;
        }
        return true;
}

/* Of what limits this principal on it. */
static Str version_of(Session *session, const BoundRelation *relation, Arena *arena) {
        if (relation->kind == RELATION_SYSTEM || session->account.is_admin)
                return STR_NONE;
        return grants_version(&session->viewer, relation->zone, relation->stage, relation->name, arena);
}

/* Whether this principal may know of it: what a view reads as its zone need not be granted. */
static bool may_know(const Session *session, const BoundRelation *relation) {
        return sight_allows(&session->sight, &session->principal, relation->zone, relation->stage, relation->name);
}

/* Else which files its conditions leave, and whether that is too much, would tell of rows that are hidden. */
static bool reads_whole(const Session *session, const BoundStatement *bound) {
        for (size_t i = 0; i < bound->relation_count; i++) {
                const BoundRelation *relation = &bound->relations[i];
                if (relation->kind != RELATION_SYSTEM &&
                    (!may_know(session, relation) || !sight_is_whole(&session->sight, &session->principal, relation->zone, relation->stage, relation->name)))
                        return false;
        }
        return true;
}

static Status bind_and_begin(Session *session, Portal *portal, Error *err) {
        Prepared *prepared = portal->prepared;
        CatalogAt at;
        TRY(session_refresh(session, err));
        TRY(session_at(session, &at, err));
        SqlTree *tree = ARENA_NEW(&portal->arena, SqlTree);
        *tree = *prepared->tree;
        tree->query = sql_query_copy(&portal->arena, prepared->tree->query);
        tree->parameters.items = ARENA_ARRAY(&portal->arena, Str, prepared->tree->parameters.count);
        if (tree->parameters.count > 0)
                memcpy(tree->parameters.items, prepared->tree->parameters.items, tree->parameters.count * sizeof(Str));
        TRY(sql_fill_parameters(tree, portal->values, prepared->type_count, &portal->arena, err));
        TRY(session_fill_settings(session, tree, prepared->command.kind != COMMAND_EXPLAIN, &portal->arena, err));
        StatementSpec spec;
        TRY(spec_of(session, portal->worker, at, &portal->arena, &spec, err));
        TRY(statement_bind(&spec, tree, &portal->arena, &portal->statement, err));
        const BoundStatement *bound = &portal->statement.bound;
        portal->principal = session->principal.name;
        portal->versions = ARENA_ARRAY(&portal->arena, Str, bound->relation_count);
        for (size_t i = 0; i < bound->relation_count; i++)
                portal->versions[i] = version_of(session, &bound->relations[i], &portal->arena);
        const LakeSource *source = &portal->statement.source;
        portal->scanned = reads_whole(session, bound) ? source->bytes : source->total_bytes;
        TRY(limit_check(&session->limits, LIMIT_SCAN, portal->scanned, err));
        if (prepared->command.kind == COMMAND_EXPLAIN)
                return STATUS_OK; /* its columns are not the question's, and it runs nothing */
        if (prepared->at_once && !prepared->has_rows) {
                take_columns(prepared, &portal->statement.columns);
                portal->formats = ARENA_ARRAY(&portal->arena, uint16_t, prepared->column_count);
        }
        if (!fits_description(prepared, &portal->statement, &portal->arena)) {
                if (has_no_number(portal))
                        return error_set(err, STATUS_SQL_REFUSED, "a numeric is no NaN and no infinity here: cast the parameter to float8");
                error_set(err, STATUS_SQL_REFUSED, "cached plan must not change result type");
                return error_hint(err, "the tables have other columns than when the statement was prepared: prepare it again");
        }
        ExecuteSpec execute = execute_spec(portal);
        TRY(worker_rows_begin(portal->worker, &execute, &portal->rows, err));
        return STATUS_OK;
}

/* A portal that is read in parts keeps its worker while its client thinks; were there as many as workers, nobody else would
 * be answered. */
static Status hold(Session *session, Portal *portal, Error *err) {
        TRY(admission_hold(session->host->admission, session->party, &session->limits, err));
        portal->held = true;
        return STATUS_OK;
}

static Status begin(Session *session, Portal *portal, Error *err) {
        TRY(lease(session, &portal->worker, err));
        TRY(session_work_with(session, portal->worker, err));
        Status status = bind_and_begin(session, portal, err);
        session_work_done(session);
        return status;
}

/* A worker that died since it was last asked is found out here; nothing is lost by asking another. */
static Status portal_open(Session *session, Portal *portal, Error *err) {
        bool held = portal->held;
        portal->began_us = time_monotonic_us();
        Status status = begin(session, portal, err);
        if (status == STATUS_WORKER_LOST && portal->worker && !worker_is_new(portal->worker)) {
                portal->held = false;
                portal_stop(session, portal);
                portal->held = held;
                portal->state = PORTAL_NEW;
                status = begin(session, portal, err);
        }
        if (status == STATUS_OK) {
                portal->state = PORTAL_OPEN;
                return STATUS_OK;
        }
        Error ignored;
        (void)tell(session, portal, outcome_of(status, METRICS_REFUSED), &ignored);
        portal_stop(session, portal);
        return status;
}

/* In the middle of its rows, by a failure of this status. */
static Status portal_ends(Session *session, Portal *portal, Status status) {
        Error ignored;
        (void)tell(session, portal, outcome_of(status, METRICS_FAILED), &ignored);
        portal_stop(session, portal);
        return status;
}

/* An error of the engine about the printed text, at its place in the client's. */
static Status portal_failed(Session *session, Portal *portal, Error *err) {
        if (portal->revoked)
                return portal_ends(session, portal, err->status);
        return portal_ends(session, portal, statement_error(&portal->statement, err));
}

/* The header of a binary COPY belongs into the message of its first row: readers of the driver ADBC take nothing else. Returns
 * what is left of the messages. */
static Str pass_ahead(Session *session, Portal *portal, Str messages) {
        if (!portal->copy_ahead || messages.size <= MESSAGE_HEAD_SIZE)
                return messages;
        Cursor cursor = cursor_of(str_slice(messages, 1, MESSAGE_HEAD_SIZE));
        uint32_t size = cursor_be32(&cursor);
        portal->copy_ahead = false;
        buf_append_byte(&session->out, 'd');
        buf_be32(&session->out, size + COPY_BINARY_HEADER_SIZE);
        buf_append(&session->out, (Str){ COPY_BINARY_HEADER, COPY_BINARY_HEADER_SIZE });
        return str_slice(messages, MESSAGE_HEAD_SIZE, messages.size);
}

/* What cannot be recorded is not answered, and nobody can be told how it ended either. */
static Status not_recorded(Session *session, Portal *portal, Status status) {
        portal->told = true;
        portal_stop(session, portal);
        return status;
}

/* Passes on at most `most` rows. *out_done: there are no more. */
static Status pass_rows(Session *session, Portal *portal, int64_t most, bool silent, int64_t *out_count, bool *out_done, Error *err) {
        *out_count = 0;
        *out_done = false;
        while (!*out_done && (most == 0 || *out_count < most)) {
                Str messages;
                int64_t count;
                if (worker_rows_next(portal->rows, most == 0 ? 0 : most - *out_count, &messages, &count, out_done, err) != STATUS_OK)
                        return portal_failed(session, portal, err);
                *out_count += count;
                portal->taken += count;
                portal->taken_bytes += (int64_t)messages.size;
                session->row_total += count;
                if (limit_check(&session->limits, LIMIT_ROWS, portal->taken, err) != STATUS_OK ||
                    limit_check(&session->limits, LIMIT_BYTES, portal->taken_bytes, err) != STATUS_OK)
                        return portal_ends(session, portal, err->status);
                bool leaves = !silent && !portal->sink && session->out.size + messages.size >= FLUSH_SIZE;
                Status recorded = *out_done ? tell(session, portal, METRICS_OK, err) : leaves ? portal_announce(session, portal, err) : STATUS_OK;
                if (recorded != STATUS_OK)
                        return not_recorded(session, portal, recorded);
                if (silent)
                        continue;
                if (portal->sink) {
                        TRY(portal->sink(portal->sink_context, messages, err));
                        continue;
                }
                buf_append(&session->out, pass_ahead(session, portal, messages));
                TRY(session_flush_some(session, err));
        }
        if (!*out_done) {
                Status recorded = portal_announce(session, portal, err); /* a part of it leaves, and nobody knows when the rest does */
                return recorded == STATUS_OK ? recorded : not_recorded(session, portal, recorded);
        }
        portal_stop(session, portal);
        return STATUS_OK;
}

/* What is granted now holds for the rows that are still to come, too. */
static Status check_granted(Session *session, Portal *portal, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 }; /* there may be as many parts as rows */
        const BoundStatement *bound = &portal->statement.bound;
        TRY(session_refresh(session, err));
        if (!str_equal(portal->principal, session->principal.name))
                return session_refuse(session, "42501", STATUS_DENIED, err, "this cursor was opened in the place of another user");
        for (size_t i = 0; i < bound->relation_count; i++) {
                const BoundRelation *relation = &bound->relations[i];
                bool same = str_equal(portal->versions[i], version_of(session, relation, &arena));
                if (!relation->by_view && (!may_know(session, relation) || !same))
                        return error_set(err, STATUS_NO_TABLE, "no table '%.*s.%.*s.%.*s'", STR_ARG(relation->zone), STR_ARG(relation->stage),
                                         STR_ARG(relation->name));
        }
        return STATUS_OK;
}

#define GRANTED_US 500000 /* how often it is looked whether what runs is still granted */

typedef struct Watched {
        Session *session;
        Portal *portal;
} Watched;

/* Of one that runs: only when the catalog changed there is something to ask. */
static Status still_granted(void *context, Error *err) {
        const Watched *watched = context;
        int64_t generation;
        TRY(catalog_generation(watched->session->thread->lake->catalog, &generation, err));
        if (generation == watched->portal->generation)
                return STATUS_OK;
        watched->portal->generation = generation;
        Status status = check_granted(watched->session, watched->portal, err);
        watched->portal->revoked = status != STATUS_OK;
        return status;
}

/* Of a portal that is open already. */
static Status go_on(Session *session, Portal *portal, Error *err) {
        Error ignored;
        Status status = check_granted(session, portal, err);
        if (status == STATUS_OK)
                return STATUS_OK;
        (void)tell(session, portal, METRICS_REFUSED, &ignored);
        portal_stop(session, portal);
        return status;
}

static Status run_rows(Session *session, Portal *portal, int64_t most, bool silent, int64_t *out_count, bool *out_done, Error *err) {
        *out_count = 0;
        *out_done = portal->state == PORTAL_DONE;
        portal->at_end |= *out_done;
        if (*out_done)
                return STATUS_OK;
        if (portal->state == PORTAL_NEW && most > 0)
                TRY(hold(session, portal, err));
        if (portal->state == PORTAL_NEW) {
                Status status = portal_open(session, portal, err);
                if (status != STATUS_OK && portal->held)
                        portal_stop(session, portal); /* refused before it had a worker */
                TRY(status);
                if (portal->columns_ahead)
                        portal_reply_columns(session, portal);
        } else {
                TRY(go_on(session, portal, err));
        }
        worker_rows_allow(portal->rows, session_began(session), statement_time(session));
        TRY(session_work_with(session, portal->worker, err));
        Watched watched = { session, portal };
        portal->generation = session->thread->grants->generation;
        worker_rows_watch(portal->rows, GRANTED_US, still_granted, &watched);
        Status status = pass_rows(session, portal, most, silent, out_count, out_done, err);
        if (portal->rows)
                worker_rows_watch(portal->rows, 0, NULL, NULL);
        session_work_done(session);
        portal->at_end |= most == 0 || *out_count < most;
        return status;
}

Status portal_settle(Session *session, Portal *cursor, Error *err) {
        int64_t owed = cursor->owed, count;
        cursor->owed = cursor->owed_to = 0;
        return portal_fetch(session, cursor, owed, true, &count, err);
}

/* ---- literals ---- */

static void literal_row(Session *session, const Portal *portal) {
        const Command *command = &portal->prepared->command;
        size_t mark = reply_row_begin(&session->out, command->literal_count);
        for (size_t i = 0; i < command->literal_count; i++) {
                const Literal *literal = &command->literals[i];
                char digits[12];
                uint32_t binary = htobe32((uint32_t)literal->integer);
                Str value = literal->text;
                if (literal->is_integer && portal->formats[i] == 1)
                        value = (Str){ (const char *)&binary, sizeof(binary) };
                else if (literal->is_integer)
                        value = (Str){ digits, (size_t)snprintf(digits, sizeof(digits), "%" PRId32, literal->integer) };
                reply_row_value(&session->out, value);
        }
        reply_row_end(&session->out, mark);
}

/* Nobody's data, but a question like any other: of an account that still is one, at a commit, with a record. */
static Status answer_literals(Session *session, Portal *portal, Error *err) {
        CatalogAt at;
        portal->began_us = time_monotonic_us();
        TRY(session_refresh(session, err));
        TRY(session_at(session, &at, err));
        size_t before = session->out.size;
        literal_row(session, portal);
        portal->principal = session->principal.name;
        portal->taken = 1;
        portal->taken_bytes = (int64_t)(session->out.size - before);
        session->row_total++;
        Status status = limit_check(&session->limits, LIMIT_BYTES, portal->taken_bytes, err);
        portal->state = status == STATUS_OK ? PORTAL_OPEN : PORTAL_NEW;
        return status == STATUS_OK ? tell(session, portal, METRICS_OK, err) : status;
}

/* As run_rows(). */
static Status run_literals(Session *session, Portal *portal, int64_t most, bool silent, int64_t *out_count, bool *out_done, Error *err) {
        *out_count = 0;
        *out_done = true;
        portal->at_end |= portal->state == PORTAL_DONE;
        if (portal->at_end)
                return STATUS_OK;
        size_t before = session->out.size;
        Status status = answer_literals(session, portal, err);
        if (silent || status != STATUS_OK)
                session->out.size = before;
        if (status != STATUS_OK && !portal->told) {
                Error ignored;
                (void)tell(session, portal, METRICS_REFUSED, &ignored);
        }
        portal->told = true;
        portal->state = PORTAL_DONE;
        *out_count = status == STATUS_OK;
        *out_done = most != 1; /* whether there are more than were asked for is not looked at */
        portal->at_end = *out_done && status == STATUS_OK;
        return status;
}

static Status run_question(Session *session, Portal *portal, int64_t most, bool silent, int64_t *out_count, bool *out_done, Error *err) {
        if (command_is_literal(&portal->prepared->command))
                return run_literals(session, portal, most, silent, out_count, out_done, err);
        return run_rows(session, portal, most, silent, out_count, out_done, err);
}

Status portal_run(Session *session, Portal *portal, int64_t most, Error *err) {
        int64_t count;
        bool done;
        TRY(portal_settle(session, portal, err));
        TRY(run_question(session, portal, most, false, &count, &done, err));
        char tag[40];
        snprintf(tag, sizeof(tag), "SELECT %" PRId64, count);
        if (done)
                reply_complete(&session->out, str_of(tag));
        else
                reply_mark(&session->out, REPLY_SUSPENDED);
        return STATUS_OK;
}

Status portal_fetch(Session *session, Portal *portal, int64_t most, bool silent, int64_t *out_count, Error *err) {
        bool done;
        *out_count = 0;
        if (portal->failed)
                return session_refuse(session, "55000", STATUS_SQL_REFUSED, err, "this cursor failed before its end; what is left of it cannot be read");
        if (most == 0)
                return STATUS_OK;
        Status status = run_question(session, portal, most == FETCH_ALL ? 0 : most, silent, out_count, &done, err);
        portal->failed |= status != STATUS_OK && portal->state == PORTAL_DONE;
        return status;
}

Status portal_pour(Session *session, Portal *portal, RowsSink sink, void *context, Error *err) {
        int64_t count;
        bool done;
        portal->sink = sink;
        portal->sink_context = context;
        return run_rows(session, portal, 0, false, &count, &done, err);
}

/* ---- EXPLAIN ---- */

static void explain_line(Portal *portal, Str text) {
        size_t mark = reply_row_begin(&portal->own, 1);
        reply_row_value(&portal->own, text);
        reply_row_end(&portal->own, mark);
}

/* Our own words: the engine's plan would show policies, paths and rows that are not the reader's. */
Status portal_explain(Session *session, Portal *portal, Error *err) {
        TRY(portal_open(session, portal, err));
        const LakeSource *source = &portal->statement.source;
        const BoundStatement *bound = &portal->statement.bound;
        bool whole = true; /* how many files a condition leaves tells of rows that are hidden */
        for (size_t i = 0; i < bound->relation_count; i++) {
                const BoundRelation *relation = &bound->relations[i];
                if (!may_know(session, relation)) {
                        whole = false;
                        continue;
                }
                if (!sight_is_whole(&session->sight, &session->principal, relation->zone, relation->stage, relation->name)) {
                        explain_line(portal, arena_strf(&portal->arena, "read %.*s.%.*s.%.*s: %zu columns, as far as they are granted", STR_ARG(relation->zone),
                                                        STR_ARG(relation->stage), STR_ARG(relation->name), relation->columns.count));
                        whole = false;
                        continue;
                }
                explain_line(portal, arena_strf(&portal->arena, "read %.*s.%.*s.%.*s: %zu columns of %zu files", STR_ARG(relation->zone),
                                                STR_ARG(relation->stage), STR_ARG(relation->name), relation->columns.count, relation->file_count));
        }
        if (whole)
                explain_line(portal, arena_strf(&portal->arena, "in all %" PRId64 " files of %" PRId64 ", %" PRId64 " bytes", source->files,
                                        source->total_files, source->bytes));
        portal_stop(session, portal);
        return STATUS_OK;
}

/* ---- COPY ---- */

static void copy_data(Session *session, Str bytes) {
        buf_append_byte(&session->out, 'd');
        buf_be32(&session->out, (uint32_t)(bytes.size + sizeof(uint32_t)));
        buf_append(&session->out, bytes);
}

static void copy_header(Session *session, const Portal *portal) {
        const CopyOptions *copy = &portal->prepared->command.copy;
        CLEANUP(buf_deinit) Buf line = { 0 };
        for (size_t i = 0; i < portal->prepared->column_count; i++) {
                Str name = portal->prepared->columns[i].name;
                bool plain = copy->kind != COPY_CSV || (str_find_byte(name, copy->delimiter) == name.size && str_find_byte(name, copy->quote) == name.size);
                if (i > 0)
                        buf_append_byte(&line, copy->delimiter);
                if (plain)
                        buf_append(&line, name);
                else
                        buf_append_quoted(&line, name, copy->quote);
        }
        buf_append_byte(&line, '\n');
        copy_data(session, buf_view(&line));
}

Status portal_copy(Session *session, Portal *portal, Error *err) {
        const CopyOptions *copy = &portal->prepared->command.copy;
        bool binary = copy->kind == COPY_BINARY, done;
        int64_t count = 0;
        if (portal->state == PORTAL_NEW)
                TRY(portal_open(session, portal, err));
        reply_copy_out(&session->out, binary, portal->prepared->column_count);
        portal->copy_ahead = binary;
        if (!binary && copy->header)
                copy_header(session, portal);
        TRY(run_rows(session, portal, 0, false, &count, &done, err));
        if (binary && portal->copy_ahead) /* no row took it along */
                copy_data(session, (Str){ COPY_BINARY_HEADER COPY_BINARY_TRAILER, COPY_BINARY_HEADER_SIZE + sizeof(COPY_BINARY_TRAILER) - 1 });
        else if (binary)
                copy_data(session, (Str){ COPY_BINARY_TRAILER, sizeof(COPY_BINARY_TRAILER) - 1 });
        char tag[40];
        snprintf(tag, sizeof(tag), "COPY %" PRId64, count);
        reply_mark(&session->out, REPLY_COPY_DONE);
        reply_complete(&session->out, str_of(tag));
        return STATUS_OK;
}
