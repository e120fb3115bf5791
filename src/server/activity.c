/* SPDX-License-Identifier: Apache-2.0 */
/* What sessions say of each other: pg_stat_activity, lode.sessions, lode.access. One's own rows; all for administrators. */
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
        if (seen->session->principal.administrator || str_is(seen->session->principal.name, view->principal))
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

static Status make_activity(void *context, RowFile *file, Error *err) {
        return add_all(context, file, add_activity, err);
}

static Status make_sessions(void *context, RowFile *file, Error *err) {
        return add_all(context, file, add_session, err);
}

/* ---- access ---- */

static Status add_access(Session *session, const Account *account, const CatalogObject *object, RowFile *file, Arena *arena, Error *err) {
        Str stage, name;
        if (!str_cut(object->name, '.', &stage, &name) || !grants_may_see(session->grants, account, object->zone, stage, name))
                return STATUS_OK;
        Str object_name = arena_strf(arena, "%.*s.%.*s", STR_ARG(object->zone), STR_ARG(object->name));
        return ROW(file, err, TEXT(account->name), TEXT(object_name), BOOL(true), BOOL(grants_see_whole(session->grants, account, object->zone, stage, name)));
}

/* Each principal, and each table and view of which it sees something; whole: all rows and columns, as they are. */
static Status make_access(void *context, RowFile *file, Error *err) {
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
                for (size_t i = 0; i < account_count; i++)
                        for (size_t j = 0; j < count; j++)
                                TRY(add_access(session, &accounts[i], &objects[j], file, &arena, err));
        }
        return STATUS_OK;
}

void session_extras(Session *session) {
        session->extras[0] = (SystemExtra){ "pg_catalog", "pg_stat_activity", NULL, make_activity, session };
        session->extras[1] = (SystemExtra){ "lode", "sessions",
                                            "pid int4,principal text,via text,database text,application text,address text,state text,"
                                            "began_at timestamptz,statement_at timestamptz,statements int8,rows int8,statement text",
                                            make_sessions, session };
        session->extras[2] = (SystemExtra){ "lode", "access", "principal text,object text,granted bool,whole bool", make_access, session };
}
