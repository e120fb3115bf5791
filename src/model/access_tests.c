/* SPDX-License-Identifier: Apache-2.0 */
#include "model/access_tests.h"

#include "base/map.h"
#include "engine/data_row.h"
#include "model/statement.h"
#include "sql/printer.h"

typedef struct Asking {
        Workspace *workspace;
        const Grants *grants;
        Problems *problems;
        Arena *arena;
        Worker *worker;
        const Zone *zone;
        const AccessTest *test;
} Asking;

static void fail(const Asking *asking, const char *what, Str key) {
        Str who = who_print(asking->arena, &asking->test->who[0]);
        Error *problem = problems_add(asking->problems, STATUS_CHECK_FAILED, "%.*s %s '%.*s' of %.*s.%.*s", STR_ARG(who), what, STR_ARG(key),
                                      STR_ARG(asking->zone->name), STR_ARG(asking->test->table));
        error_place_line(problem, arena_printf(asking->arena, "zones/%.*s/access.test.yml", STR_ARG(asking->zone->name)),
                         asking->zone->access_test_text, asking->test->line, 1);
        error_hint(problem, "lode why %s %.*s.%.*s tells by which rule",
                   asking->test->who[0].kind == WHO_USER ? arena_cstr(asking->arena, who) : "USER", STR_ARG(asking->zone->name), STR_ARG(asking->test->table));
}

static Status account_of(const Asking *asking, Account *out, bool *there, Error *err) {
        const Who *who = &asking->test->who[0];
        *out = (Account){ .name = who_print(asking->arena, who) };
        *there = true;
        if (who->kind == WHO_ROLE) {
                out->roles = ARENA_NEW(asking->arena, Str);
                out->roles[out->role_count++] = who->name;
        }
        if (who->kind != WHO_USER)
                return STATUS_OK;
        Error absent;
        Status status = account_load(asking->workspace->lake->catalog, who->name, asking->arena, out, &absent);
        *there = status == STATUS_OK;
        if (status == STATUS_OK || status == STATUS_NOT_FOUND)
                return STATUS_OK;
        *err = absent;
        return status;
}

static Status keep_key(void *context, Str message, Error *err) {
        Map *seen = context;
        DataRow row;
        Str value;
        bool null;
        if (!data_row_open(message, &row) || !data_row_next(&row, &value, &null))
                return error_set(err, STATUS_CORRUPT, "an answer that is no row");
        if (!null)
                map_put(seen, value, seen);
        return STATUS_OK;
}

static void put_keys(Buf *sql, const Str *keys, size_t count, bool *first) {
        for (size_t i = 0; i < count; i++) {
                buf_append_cstr(sql, *first ? "" : ", ");
                sql_quote_text(sql, keys[i]);
                *first = false;
        }
}

/* Those of the test's keys that there are for them. */
static Str question(const Asking *asking) {
        const AccessTest *test = asking->test;
        CLEANUP(buf_deinit) Buf sql = { 0 };
        Str stage, table;
        bool first = true;
        str_cut(test->table, '.', &stage, &table);
        buf_append_cstr(&sql, "SELECT DISTINCT CAST(");
        sql_quote_name(&sql, test->key);
        buf_append_cstr(&sql, " AS VARCHAR) FROM ");
        const Str path[] = { asking->zone->name, stage, table };
        for (size_t i = 0; i < COUNT_OF(path); i++) {
                buf_append_cstr(&sql, i ? "." : "");
                sql_quote_name(&sql, path[i]);
        }
        buf_append_cstr(&sql, " WHERE CAST(");
        sql_quote_name(&sql, test->key);
        buf_append_cstr(&sql, " AS VARCHAR) IN (");
        put_keys(&sql, test->sees, test->see_count, &first);
        put_keys(&sql, test->hides, test->hide_count, &first);
        buf_append_cstr(&sql, first ? "NULL)" : ")");
        return buf_dup(&sql, asking->arena);
}

static Status seen_keys(const Asking *asking, const Account *account, Map *seen, Error *err) {
        Viewer viewer = { .grants = asking->grants, .account = account };
        Sight sight = viewer_sight(&viewer);
        StatementSpec spec = { .lake = asking->workspace->lake, .worker = asking->worker,
                               .principal = { .name = account->name, .administrator = account->is_admin }, .sight = &sight };
        Statement *statement = ARENA_NEW(asking->arena, Statement);
        Error why;
        Status status = statement_open(&spec, question(asking), STR(""), asking->arena, statement, &why);
        if (status == STATUS_OK)
                status = statement_execute(statement, keep_key, seen, NULL, &why);
        if (status == STATUS_OK || status == STATUS_NO_TABLE || status == STATUS_NO_COLUMN)
                return STATUS_OK;
        *err = why;
        return status;
}

static Status ask(const Asking *asking, Error *err) {
        const AccessTest *test = asking->test;
        Account account;
        Map seen;
        bool there;
        if (test->key.size == 0 || test->who_count != 1) {
                fail(asking, "is tested without one name and one key, so nothing is known", STR("keys"));
                return STATUS_OK;
        }
        map_init(&seen, asking->arena);
        TRY(account_of(asking, &account, &there, err));
        if (there)
                TRY(seen_keys(asking, &account, &seen, err));
        for (size_t i = 0; i < test->see_count; i++)
                if (!map_has(&seen, test->sees[i]))
                        fail(asking, "does not see", test->sees[i]);
        for (size_t i = 0; i < test->hide_count; i++)
                if (map_has(&seen, test->hides[i]))
                        fail(asking, "sees", test->hides[i]);
        return STATUS_OK;
}

Status access_tests_run(Workspace *workspace, const Grants *grants, Problems *problems, Arena *arena, size_t *out_count, Error *err) {
        const Project *project = workspace->project;
        Asking asking = { .workspace = workspace, .grants = grants, .problems = problems, .arena = arena };
        CLEANUP(worker_releasep) Worker *worker = NULL;
        *out_count = 0;
        for (size_t z = 0; z < project->zone_count; z++) {
                asking.zone = project->zones[z];
                for (size_t i = 0; i < asking.zone->access_test_count; i++) {
                        if (!worker)
                                TRY(worker_lease(workspace->pool, workspace->principal.name, &worker, err));
                        asking.worker = worker;
                        asking.test = &asking.zone->access_tests[i];
                        TRY(ask(&asking, err));
                        worker_revoke_all(worker);
                        ++*out_count;
                }
        }
        return STATUS_OK;
}
