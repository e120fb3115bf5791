/* SPDX-License-Identifier: Apache-2.0 */
/* What the connection's database and the session's settings mean for its questions. */
#include <inttypes.h>

#include "base/vec.h"
#include "server/session_parts.h"

#define USUAL_PATH "\"$user\", public" /* search_path, as long as nobody sets it */

/* ---- databases ---- */

static bool shows_all(Str database) {
        return str_is(database, "lode") || str_is(database, "postgres");
}

/* A service enters where somebody may whom it serves. */
static Status others_may_enter(Session *session, const Grants *grants, Str database, bool *out, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        Account *accounts;
        size_t count;
        TRY(account_list(session->thread->lake->catalog, &arena, &accounts, &count, err));
        for (size_t i = 0; i < count && !*out; i++)
                *out = account_may_act_as(&session->account, &accounts[i]) && grants_may_enter(grants, &accounts[i], database);
        return STATUS_OK;
}

/* A client that is told no database asks for one of its user's name: that is `lode`, unless a zone is called so. */
Status session_choose_database(Session *session, Error *err) {
        Str database = session->database;
        session->zone = STR("");
        if (shows_all(database))
                return STATUS_OK;
        const Grants *grants;
        TRY(grants_now(session->thread->grants, session->thread->lake->catalog, &grants, err));
        bool enters = grants_may_enter(grants, &session->account, database);
        if (!enters && session->account.may_act_as_count > 0)
                TRY(others_may_enter(session, grants, database, &enters, err));
        if (enters) { /* a zone of which it sees nothing is not there */
                session->zone = database;
                return STATUS_OK;
        }
        if (!str_equal(database, session->account.name) && !str_is(database, TOKEN_USER))
                return session_refuse(session, "3D000", STATUS_NOT_FOUND, err, "database \"%.*s\" does not exist", STR_ARG(database));
        session->database = STR("lode");
        return STATUS_OK;
}

/* ---- settings that name something in the catalog ---- */

static Status no_value(Session *session, Str name, Str value, Error *err) {
        if (err->status != STATUS_NOT_FOUND && err->status != STATUS_BAD_VALUE && err->status != STATUS_AMBIGUOUS)
                return err->status;
        Error why = *err;
        session_refuse(session, "22023", STATUS_BAD_VALUE, err, "invalid value for parameter \"%.*s\": \"%.*s\"", STR_ARG(name), STR_ARG(value));
        return error_hint(err, "%s", why.message);
}

/* That somebody asks in another's place, and that somebody tried to in one that is not for it, is worth a line. */
static Status tell_role(Session *session, Str name, Str role, bool denied, Arena *arena, Error *err) {
        AuditRecord record = { .principal = session->login, .via = session_via(session), .action = STR("set role"), .rows = -1, .bytes = -1, .denied = denied };
        record.statement = arena_strf(arena, "%.*s \"%.*s\"", STR_ARG(name), STR_ARG(role));
        return session->host->audit(session->host->context, &record, false, err);
}

static Status check_role(Session *session, Str name, Str role, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        Error ignored;
        Status status = session_may_act_as(session, role, &arena, err);
        if (status == STATUS_DENIED)
                (void)tell_role(session, name, role, true, &arena, &ignored); /* that it cannot be written changes nothing */
        return status == STATUS_OK ? tell_role(session, name, role, false, &arena, err) : status;
}

/* In whose place a connection begins. One that it may not take is refused statement by statement, as when it is taken back later. */
static void check_begun_as(Session *session, Str name) {
        Error ignored;
        Str value = settings_get(session->settings, name);
        if (value.size > 0 && !str_is(value, "none") && !str_equal(value, session->login))
                (void)check_role(session, name, value, &ignored);
}

static Status check_value(Session *session, Str name, Str value, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        bool role = str_equal_nocase(name, STR("role")), authorization = str_equal_nocase(name, STR("session_authorization"));
        if ((authorization || (role && !str_is(value, "none"))) && !str_equal(value, session->login))
                return check_role(session, name, value, err);
        Catalog *catalog = session->thread->lake->catalog;
        CatalogCommit commit;
        Str branch = settings_get(session->settings, STR("lode.branch"));
        if (str_equal_nocase(name, STR("lode.branch")) && catalog_head(catalog, value, &arena, &commit, err) != STATUS_OK)
                return no_value(session, name, value, err);
        if (str_equal_nocase(name, STR("lode.as_of")) && value.size > 0 && catalog_find(catalog, branch, value, &arena, &commit, err) != STATUS_OK)
                return no_value(session, name, value, err);
        return STATUS_OK;
}

/* So is that it asks for itself again, or for whom it did before. */
static Status tell_return(Session *session, Str name, Str before, Arena *arena, Error *err) {
        Str now = session_stands_for(session);
        if (str_equal(now, before))
                return STATUS_OK;
        return tell_role(session, name, str_is(name, "role") && str_equal(now, session->login) ? STR("none") : now, false, arena, err);
}

Status session_set(Session *session, Str name, Str value, bool local, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        Str before = arena_str(&arena, session_stands_for(session));
        TRY(check_value(session, name, value, err));
        if (str_equal_nocase(name, STR("session_authorization"))) /* which SET ROLE before it does not outlive */
                TRY(settings_set(session->settings, STR("role"), STR("none"), local, err));
        TRY(settings_set(session->settings, name, value, local, err));
        bool told = !str_is(value, "none") && !str_equal(value, session->login); /* by check_value() */
        return told ? STATUS_OK : tell_return(session, name, before, &arena, err);
}

Status session_reset(Session *session, Str name, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        Str before = arena_str(&arena, session_stands_for(session));
        if (str_is(name, "session_authorization"))
                TRY(settings_reset(session->settings, STR("role"), err));
        TRY(settings_reset(session->settings, name, err));
        return tell_return(session, name, before, &arena, err);
}

/* Nobody asked for it: that it cannot be written changes nothing. */
static void tell_undone(Session *session, Str role, Str before, Arena *arena) {
        Error ignored;
        bool by_role = !str_equal(role, settings_get(session->settings, STR("role")));
        (void)tell_return(session, by_role ? STR("role") : STR("session_authorization"), before, arena, &ignored);
}

/* With a transaction ends what was taken or given up in it and was rolled back, and what was taken for it alone. */
void session_end_settings(Session *session, bool committed) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        Str role = arena_str(&arena, settings_get(session->settings, STR("role"))), before = arena_str(&arena, session_stands_for(session));
        settings_end_transaction(session->settings, committed);
        tell_undone(session, role, before, &arena);
}

void session_undo_settings(Session *session, size_t level) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        Str role = arena_str(&arena, settings_get(session->settings, STR("role"))), before = arena_str(&arena, session_stands_for(session));
        settings_undo(session->settings, level);
        tell_undone(session, role, before, &arena);
}

Status session_check_start(Session *session, Error *err) {
        static const Str names[] = { { "lode.branch", 11 }, { "lode.as_of", 10 } };
        for (size_t i = 0; i < COUNT_OF(names); i++)
                TRY(check_value(session, names[i], settings_get(session->settings, names[i]), err));
        check_begun_as(session, STR("session_authorization"));
        check_begun_as(session, STR("role"));
        return STATUS_OK;
}

/* ---- what a question sees of its session ---- */

static void take_path(Session *session, Arena *arena, SystemSession *out) {
        Str value = settings_get(session->settings, STR("search_path")), *names;
        size_t count;
        if (str_is(value, USUAL_PATH) || !setting_path(arena_str(arena, value), arena, &names, &count))
                return;
        for (size_t i = 0; i < count; i++)
                if (str_is(names[i], "$user"))
                        names[i] = session->account.name;
        static const Str nothing[] = { { "", 0 } };
        out->path = count > 0 ? names : nothing; /* SET search_path = '' leaves no schema at all */
        out->path_count = count > 0 ? count : COUNT_OF(nothing);
}

static void take_settings(const Session *session, Arena *arena, SystemSession *out) {
        VEC(SystemSetting) settings = { 0 };
        Str name, value, words;
        for (size_t i = 0; settings_at(session->settings, i, &name, &value, &words); i++)
                vec_push(arena, &settings, ((SystemSetting){ arena_str(arena, name), arena_str(arena, value) }));
        out->settings = settings.items;
        out->setting_count = settings.count;
}

Status session_describe(Session *session, Arena *arena, SystemSession *out, TimeZone *zone, Error *err) {
        Str ignored;
        Str authorization = settings_get(session->settings, STR("session_authorization"));
        *out = (SystemSession){ .database = session->database, .user = arena_str(arena, authorization.size > 0 ? authorization : session->login), .extras = session->extras, .extra_count = COUNT_OF(session->extras) };
        take_path(session, arena, out);
        take_settings(session, arena, out);
        return timezone_read(arena_str(arena, settings_get(session->settings, STR("timezone"))), arena, &ignored, zone, err);
}

/* ---- functions that only the session can answer ---- */

typedef struct Filling {
        Session *session;
        const SqlTree *tree;
        bool now;
        Arena *arena;
} Filling;

static bool is_interval(const SqlExpr *type) {
        return type->kind == SQL_TYPE && type->type.path.count > 0 &&
               str_equal_nocase(type->type.path.items[type->type.path.count - 1], STR("interval"));
}

/* A literal, also one that a parameter became. */
static const SqlExpr *literal_of(const SqlExpr *expr) {
        while (expr->kind == SQL_CAST)
                expr = expr->cast.child;
        return expr->kind == SQL_CONSTANT ? expr : NULL;
}

static void become_text(const Filling *filling, SqlExpr **place, Str text) {
        SqlExpr *value = sql_make_string(filling->arena, text);
        value->at = (*place)->at;
        value->alias = (*place)->alias;
        *place = value;
}

static Status fill_set_config(const Filling *filling, SqlExpr **place, Error *err) {
        const SqlArguments *arguments = &(*place)->function.arguments;
        const SqlExpr *values[3];
        for (size_t i = 0; i < COUNT_OF(values); i++) {
                values[i] = literal_of(arguments->items[i].expr);
                if (!values[i] && filling->now) {
                        error_set(err, STATUS_SQL_REFUSED, "set_config() takes values that are written out, not columns");
                        return sql_error_place(err, filling->tree, (*place)->at);
                }
        }
        Str name = values[0] ? values[0]->constant.text : STR_NONE;
        bool local = values[2] && (str_equal_nocase(values[2]->constant.text, STR("true")) || str_is(values[2]->constant.text, "t"));
        if (filling->now)
                TRY(session_set(filling->session, name, values[1]->constant.text, local, err));
        become_text(filling, place, arena_str(filling->arena, settings_get(filling->session->settings, name)));
        return STATUS_OK;
}

static Status fill_current_setting(const Filling *filling, SqlExpr **place, Error *err) {
        const SqlArguments *arguments = &(*place)->function.arguments;
        const SqlExpr *name = literal_of(arguments->items[0].expr), *missing = arguments->count > 1 ? literal_of(arguments->items[1].expr) : NULL;
        if (!name || name->constant.literal != SQL_STRING)
                return STATUS_OK; /* looked up in pg_settings, row by row */
        Str value = settings_get(filling->session->settings, name->constant.text);
        bool may_miss = missing && (str_equal_nocase(missing->constant.text, STR("true")) || str_is(missing->constant.text, "t"));
        if (!value.data && !may_miss) {
                error_set(err, STATUS_NOT_FOUND, "unrecognized configuration parameter \"%.*s\"", STR_ARG(name->constant.text));
                return sql_error_place(err, filling->tree, (*place)->at);
        }
        become_text(filling, place, arena_str(filling->arena, value));
        if (!value.data)
                (*place)->constant.literal = SQL_NULL;
        return STATUS_OK;
}

static Status fill_call(void *context, SqlExpr **place, Error *err);

/* x AT TIME ZONE 'name', which the parser makes timezone('name', x): the engine takes other words for zones, or takes them otherwise. */
static Status fill_zone(const Filling *filling, SqlExpr **place, Error *err) {
        SqlExpr **first = &(*place)->function.arguments.items[0].expr;
        TimeZone zone;
        Str ignored;
        TRY(fill_call((void *)(uintptr_t)filling, first, err)); /* current_setting('timezone') */
        const SqlExpr *name = literal_of(*first);
        if (!name || name->constant.literal != SQL_STRING || ((*first)->kind == SQL_CAST && is_interval((*first)->cast.type)))
                return STATUS_OK;
        if (timezone_read(name->constant.text, filling->arena, &ignored, &zone, err) != STATUS_OK) {
                error_set(err, STATUS_BAD_VALUE, "time zone \"%.*s\" not recognized", STR_ARG(name->constant.text));
                return sql_error_place(err, filling->tree, (*first)->at.offset == SQL_NOWHERE ? (*place)->at : (*first)->at);
        }
        become_text(filling, first, zone.name.size > 0 ? zone.name : STR("UTC"));
        return STATUS_OK;
}

static void become(const Filling *filling, SqlExpr **place, SqlLiteral literal, Str text) {
        become_text(filling, place, text);
        (*place)->constant.literal = literal;
}

/* Of one's own sessions; for administrators, of all. */
static Status signal_session(const Filling *filling, SqlExpr **place, bool end, Error *err) {
        Session *session = filling->session;
        const SqlExpr *number = literal_of((*place)->function.arguments.items[0].expr);
        int64_t process = 0;
        bool found = false;
        if (filling->now && (!number || !str_to_int64(number->constant.text, &process))) {
                error_set(err, STATUS_SQL_REFUSED, "%s takes a number that is written out, not a column", end ? "pg_terminate_backend()" : "pg_cancel_backend()");
                sql_error_place(err, filling->tree, (*place)->at);
                return error_hint(err, "SELECT pid FROM pg_stat_activity first, then one call for each");
        }
        if (filling->now) {
                AuditRecord record = { .principal = session->principal.name, .service = session_service(session), .via = STR("pg"), .action = end ? STR("terminate") : STR("cancel"), .rows = -1, .bytes = -1,
                                       .statement = arena_strf(filling->arena, "session %" PRId64, process) };
                if (process > 0 && process <= UINT32_MAX)
                        found = session->host->signal(session->host->context, (uint32_t)process, session_answerable(session), session->principal.administrator, end);
                record.denied = !found;
                TRY(session->host->audit(session->host->context, &record, found, err));
                if (!found)
                        session_warn(session, "01000", arena_printf(filling->arena, "PID %" PRId64 " is not a session of yours", process));
        }
        become(filling, place, SQL_BOOLEAN, found ? STR("true") : STR("false"));
        return STATUS_OK;
}

static Status fill_cancel(const Filling *filling, SqlExpr **place, Error *err) {
        return signal_session(filling, place, false, err);
}

static Status fill_terminate(const Filling *filling, SqlExpr **place, Error *err) {
        return signal_session(filling, place, true, err);
}

static Status fill_process(const Filling *filling, SqlExpr **place, Error *err UNUSED) {
        become(filling, place, SQL_INTEGER, arena_strf(filling->arena, "%u", session_process(filling->session)));
        return STATUS_OK;
}

typedef struct Filler {
        const char *name;
        size_t least, most; /* arguments */
        Status (*fill)(const Filling *filling, SqlExpr **place, Error *err);
} Filler;

static const Filler *filler_of(const SqlExpr *call) {
        static const Filler fillers[] = {
                { "pg_cancel_backend",    1, 1, fill_cancel },
                { "pg_terminate_backend", 1, 1, fill_terminate },
                { "pg_backend_pid",       0, 0, fill_process },
                { "set_config",           3, 3, fill_set_config },
                { "timezone",             2, 2, fill_zone },
                { "current_setting",      1, 2, fill_current_setting },
        };
        const SqlNames *path = &call->function.path;
        for (size_t i = 0; path->count > 0 && i < COUNT_OF(fillers); i++)
                if (str_is(path->items[path->count - 1], fillers[i].name))
                        return &fillers[i];
        return NULL;
}

static Status fill_call(void *context, SqlExpr **place, Error *err) {
        const Filler *filler = (*place)->kind == SQL_FUNCTION ? filler_of(*place) : NULL;
        size_t count = filler ? (*place)->function.arguments.count : 0;
        return filler && count >= filler->least && count <= filler->most ? filler->fill(context, place, err) : STATUS_OK;
}

/* A value in FROM is a row. */
static Status fill_row(void *context, SqlFrom **place, Error *err UNUSED) {
        const Filling *filling = context;
        if ((*place)->kind == SQL_FROM_FUNCTION && filler_of((*place)->function.call))
                sql_make_row(filling->arena, *place);
        return STATUS_OK;
}

Status session_fill_settings(Session *session, SqlTree *tree, bool now, Arena *arena, Error *err) {
        Filling filling = { session, tree, now, arena };
        SqlVisitor visitor = { .expr = fill_call, .from = fill_row, .context = &filling };
        return sql_visit_query(tree->query, &visitor, err);
}
