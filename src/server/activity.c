/* SPDX-License-Identifier: Apache-2.0 */
/* What sessions say of each other: pg_stat_activity, lode.sessions, lode.access, lode.entitlements. One's own rows; all for administrators. */
#include "base/vec.h"
#include "server/session_parts.h"
#include "system/rows.h"

/* ---- sessions ---- */

typedef struct Seen {
        const Session *session;
        Arena arena;
        VEC(SessionView) views;
} Seen;

static void see(void *context, const SessionView *view) {
        Seen *seen = context;
        if (seen->session->principal.administrator || str_is(session_answerable(seen->session), view->principal))
                vec_push(&seen->arena, &seen->views, *view);
}

static Cell text_or_null(const char *text) {
        return text[0] ? TEXT(str_of(text)) : NOTHING;
}

static Cell time_or_null(int64_t us) {
        return us ? NUMBER(us) : NOTHING;
}

static const char *state_words(SessionState state) {
        static const char *const words[] = { [SESSION_STARTING] = "starting", [SESSION_IDLE] = "idle", [SESSION_ACTIVE] = "active", [SESSION_WAITING] = "active",
                                             [SESSION_IN_TRANSACTION] = "idle in transaction", [SESSION_FAILED] = "idle in transaction (aborted)" };
        return words[state];
}

/* What it waits for, in PostgreSQL's kinds; NULL while it works. */
static Cell wait_kind(SessionState state) {
        return state == SESSION_ACTIVE ? NOTHING : state == SESSION_WAITING ? WORD("Extension") : WORD("Client");
}

static Cell wait_words(SessionState state) {
        return state == SESSION_ACTIVE ? NOTHING : state == SESSION_WAITING ? WORD("StatementLine") : WORD("ClientRead");
}

static Status add_activity(RowFile *file, const SessionView *view, Error *err) {
        return ROW(file, err, NOTHING, TEXT(str_of(view->database)), NUMBER(view->process), NOTHING, NUMBER(10), TEXT(str_of(view->principal)),
                   TEXT(str_of(view->application)), text_or_null(view->address), NOTHING, NUMBER(view->port), NUMBER(view->began_us),
                   time_or_null(view->transaction_us), time_or_null(view->statement_us), NUMBER(view->changed_us), wait_kind(view->state),
                   wait_words(view->state), TEXT(str_of(state_words(view->state))), NOTHING, NOTHING, NOTHING, TEXT(str_of(view->statement)),
                   WORD("client backend"));
}

static Status add_session(RowFile *file, const SessionView *view, Error *err) {
        const char *state = view->state == SESSION_WAITING ? "waiting" : state_words(view->state);
        return ROW(file, err, NUMBER(view->process), TEXT(str_of(view->principal)), TEXT(str_of(view->via)), TEXT(str_of(view->database)),
                   text_or_null(view->application), text_or_null(view->address), TEXT(str_of(state)), NUMBER(view->began_us),
                   time_or_null(view->statement_us), NUMBER(view->statements), NUMBER(view->rows), text_or_null(view->statement));
}

static Status add_all(const Session *session, RowFile *file, Status (*add)(RowFile *file, const SessionView *view, Error *err), Error *err) {
        Seen seen = { .session = session };
        session->host->each(session->host->context, see, &seen);
        Status status = STATUS_OK;
        for (size_t i = 0; i < seen.views.count && status == STATUS_OK; i++)
                status = add(file, &seen.views.items[i], err);
        arena_deinit(&seen.arena);
        return status;
}

static Status make_activity(void *context, const BindSource *source UNUSED, RowFile *file, Error *err) {
        return add_all(context, file, add_activity, err);
}

static Status make_sessions(void *context, const BindSource *source UNUSED, RowFile *file, Error *err) {
        return add_all(context, file, add_session, err);
}

/* ---- access ---- */

/* One table or view, and where it is found. */
typedef struct Asked {
        Session *session;
        const BindSource *source;
        Str zone, stage, name;
        Relation *relation; /* once it was needed */
        Arena *arena;
} Asked;

/* Whether something is left of it: a rule that does not fit its table withholds it. */
static Status is_there(Asked *asked, const Account *account, bool *out, Error *err) {
        const Policy *policy;
        *out = false;
        if (!asked->source)
                return STATUS_OK;
        if (!asked->relation)
                TRY(asked->source->resolve(asked->source->context, asked->zone, asked->stage, asked->name, asked->arena, &asked->relation, err));
        if (!asked->relation)
                return STATUS_OK;
        Viewer viewer = { .grants = asked->session->grants, .account = account, .within = asked->session->within };
        TRY(grants_policy(&viewer, asked->relation, asked->source, asked->arena, &policy, err));
        *out = !policy || !policy->nothing;
        return STATUS_OK;
}

static Status add_access(Asked *asked, const Account *account, RowFile *file, Error *err) {
        Viewer viewer = { .grants = asked->session->grants, .account = account, .within = asked->session->within };
        Sight sight = viewer_sight(&viewer);
        Principal principal = { .name = account->name };
        if (!sight_allows(&sight, &principal, asked->zone, asked->stage, asked->name))
                return STATUS_OK;
        bool whole = sight_is_whole(&sight, &principal, asked->zone, asked->stage, asked->name), there = whole;
        if (!whole)
                TRY(is_there(asked, account, &there, err));
        if (!there)
                return STATUS_OK;
        Str object = arena_strf(asked->arena, "%.*s.%.*s.%.*s", STR_ARG(asked->zone), STR_ARG(asked->stage), STR_ARG(asked->name));
        return ROW(file, err, TEXT(account->name), TEXT(object), BOOL(true), BOOL(whole));
}

static Status add_object(Asked asked, Str name, const Account *accounts, size_t count, RowFile *file, Error *err) {
        if (!str_cut(name, '.', &asked.stage, &asked.name))
                return STATUS_OK;
        for (size_t i = 0; i < count; i++)
                TRY(add_access(&asked, &accounts[i], file, err));
        return STATUS_OK;
}

/* Each principal, and each table and view of which it sees something; whole: all rows and columns, as they are. */
static Status make_access(void *context, const BindSource *source, RowFile *file, Error *err) {
        static const char *const kinds[] = { "table", "view" };
        CLEANUP(arena_deinit) Arena arena = { 0 };
        Session *session = context;
        Catalog *catalog = session->thread->lake->catalog;
        Account *accounts = &session->account;
        size_t account_count = 1;
        if (session->principal.administrator)
                TRY(account_list(catalog, &arena, &accounts, &account_count, err));
        for (size_t k = 0; k < COUNT_OF(kinds); k++) {
                CatalogObject *objects;
                size_t count;
                TRY(catalog_list(catalog, (CatalogAt){ 0 }, str_of(kinds[k]), STR(""), &arena, &objects, &count, err));
                for (size_t i = 0; i < count; i++)
                        TRY(add_object((Asked){ .session = session, .source = source, .zone = objects[i].zone, .arena = &arena }, objects[i].name,
                                       accounts, account_count, file, err));
        }
        return STATUS_OK;
}

/* The attributes of each principal, one row a value: for tools that filter rows by themselves. */
static Status make_entitlements(void *context, const BindSource *source UNUSED, RowFile *file, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        Session *session = context;
        Account *accounts = &session->account;
        size_t count = session->within == NULL; /* what somebody is elsewhere is not for the owner of one zone */
        if (session->principal.administrator)
                TRY(account_list(session->thread->lake->catalog, &arena, &accounts, &count, err));
        for (size_t i = 0; i < count; i++)
                for (size_t j = 0; j < accounts[i].attribute_count; j++)
                        for (size_t k = 0; k < accounts[i].attributes[j].value_count; k++)
                                TRY(ROW(file, err, TEXT(accounts[i].name), TEXT(accounts[i].attributes[j].name), TEXT(accounts[i].attributes[j].values[k])));
        return STATUS_OK;
}

void session_extras(Session *session) {
        session->extras[0] = (SystemExtra){ "pg_catalog", "pg_stat_activity", NULL, make_activity, session };
        session->extras[1] = (SystemExtra){ "lode", "sessions",
                                            "pid int4,principal text,via text,database text,application text,address text,state text,"
                                            "began_at timestamptz,statement_at timestamptz,statements int8,rows int8,statement text",
                                            make_sessions, session };
        session->extras[2] = (SystemExtra){ "lode", "access", "principal text,object text,granted bool,whole bool", make_access, session };
        session->extras[3] = (SystemExtra){ "lode", "entitlements", "principal text,attribute text,value text", make_entitlements, session };
}
