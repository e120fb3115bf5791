/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * For the tests of this room: a worker (build/lode-worker, one folder above the test) and a small catalog of two staged
 * tables, an empty one and a view, whose files the worker wrote itself. Included once per test.
 */
#include "base/file.h"
#include "base/test.h"
#include "engine/data_row.h"
#include "engine/worker.h"
#include "govern/bind.h"
#include "govern/guard.h"
#include "govern/outline.h"

typedef struct World {
        Test *test;
        WorkerPool *pool;
        Worker *worker;
        Relation relations[6];
        const char *files[6];      /* of each relation; NULL = none */
        const Policy *policies[6]; /* for principals that are no zone */
        size_t predicate_count;    /* of the last statement, over all its scans */
} World;

static inline void world_deinit(World *world) {
        worker_release(world->worker);
        worker_pool_close(world->pool);
}

static inline const char *world_program(Test *t) {
        if (getenv("LODE_WORKER"))
                return getenv("LODE_WORKER");
        char self[4096];
        ssize_t size = readlink("/proc/self/exe", self, sizeof(self) - 1);
        self[size > 0 ? size : 0] = '\0';
        return arena_printf(&t->arena, "%s/../lode-worker", path_dir(&t->arena, self));
}

/* Only the worker. */
static inline Status world_start(Test *t, World *world) {
        world->test = t;
        WorkerOptions options = { .run_folder = arena_printf(&t->arena, "%s/run", test_folder(t)),
                                  .program = world_program(t),
                                  .memory_limit = 256u << 20,
                                  .threads = 1 };
        TRY(worker_pool_open(&options, &world->pool, &t->err));
        return worker_lease(world->pool, STR("local:ann"), &world->worker, &t->err);
}

static inline Status world_parse(World *world, const char *sql, SqlTree **out) {
        Str json;
        TRY(worker_parse(world->worker, str_of(sql), &world->test->arena, &json, &world->test->err));
        return sql_tree_read(json, str_of(sql), STR_NONE, &world->test->arena, out, &world->test->err);
}

static inline Status world_table(World *world, size_t index, const char *zone, const char *name, const char *select,
                                 RelationColumn *columns, size_t count) {
        Test *t = world->test;
        world->relations[index] = (Relation){ .kind = RELATION_TABLE,
                                              .zone = str_of(zone),
                                              .stage = STR("staging"),
                                              .name = str_of(name),
                                              .columns = columns,
                                              .column_count = count,
                                              .handle = &world->files[index] };
        if (!select)
                return STATUS_OK;
        WorkerBuildColumn *build = ARENA_ARRAY(&t->arena, WorkerBuildColumn, count);
        for (size_t i = 0; i < count; i++)
                build[i] = (WorkerBuildColumn){ columns[i].name, columns[i].field_id, columns[i].type };
        WorkerFile *files;
        size_t file_count;
        TRY(worker_build(world->worker, str_of(select), build, count, &t->arena, &files, &file_count, &t->err));
        world->files[index] = arena_printf(&t->arena, "%s/%zu.parquet", test_folder(t), index);
        if (file_count != 1 || rename(files[0].path, world->files[index]) != 0)
                return error_set(&t->err, STATUS_INTERNAL, "%zu files built", file_count);
        return STATUS_OK;
}

/* shop.staging.orders (ten rows), shop.staging.customers (three), crm.staging.orders (the same ten), shop.staging.empty,
 * and the view shop.canonical.big over the first. */
static inline Status world_fill(World *world) {
        static RelationColumn orders[] = {
                { STR("id"), { TYPE_BIGINT }, 1, false },
                { STR("customer"), { TYPE_TEXT }, 2, false },
                { STR("amount"), { TYPE_DECIMAL, 10, 2 }, 3, false },
                { STR("day"), { TYPE_DATE }, 4, false },
                { STR("_file"), { TYPE_BIGINT }, 8, true },
                { STR("_row"), { TYPE_BIGINT }, 9, true },
        };
        static RelationColumn customers[] = {
                { STR("name"), { TYPE_TEXT }, 1, false },
                { STR("region"), { TYPE_TEXT }, 2, false },
                { STR("_file"), { TYPE_BIGINT }, 8, true },
                { STR("_row"), { TYPE_BIGINT }, 9, true },
        };
        static RelationColumn big[] = { { STR("id"), { TYPE_BIGINT }, 0, false },
                                        { STR("amount"), { TYPE_DECIMAL, 10, 2 }, 0, false } };
        static const char orders_rows[] =
                "SELECT i AS id, 'c' || (i % 3) AS customer, CAST(i * 1.5 AS DECIMAL(10, 2)) AS amount,"
                " CAST(DATE '2026-01-01' + CAST(i AS INTEGER) AS DATE) AS day, 77 AS _file, i + 1 AS _row FROM "
                "range(10) t(i)";
        static const char customers_rows[] =
                "SELECT 'c' || i AS name, CASE WHEN i < 2 THEN 'EU' ELSE 'US' END AS region, 78 AS _file, i + 1 AS _row"
                " FROM range(3) t(i)";
        TRY(world_table(world, 0, "shop", "orders", orders_rows, orders, COUNT_OF(orders)));
        TRY(world_table(world, 1, "shop", "customers", customers_rows, customers, COUNT_OF(customers)));
        TRY(world_table(world, 2, "crm", "orders", orders_rows, orders, COUNT_OF(orders)));
        TRY(world_table(world, 3, "shop", "empty", NULL, orders, COUNT_OF(orders)));
        world->relations[4] = (Relation){ .kind = RELATION_VIEW,
                                          .zone = STR("shop"),
                                          .stage = STR("canonical"),
                                          .name = STR("big"),
                                          .columns = big,
                                          .column_count = COUNT_OF(big) };
        SqlTree *view;
        TRY(world_parse(world, "select id, amount from staging.orders where amount > 10", &view));
        view->name = STR("zones/shop/canonical/big.sql");
        world->relations[4].view = view;
        return STATUS_OK;
}

static inline Status world_open(Test *t, World *world) {
        TRY(world_start(t, world));
        return world_fill(world);
}

/* ---- the catalog ---- */

static inline Status world_resolve(void *context, Str zone, Str stage, Str name, Arena *arena UNUSED, Relation **out,
                                   Error *err UNUSED) {
        World *world = context;
        *out = NULL;
        for (size_t i = 0; i < COUNT_OF(world->relations); i++) {
                Relation *relation = &world->relations[i];
                if (relation->name.size > 0 && str_equal_nocase(relation->zone, zone) &&
                    str_equal_nocase(relation->stage, stage) && str_equal_nocase(relation->name, name))
                        *out = relation;
        }
        return STATUS_OK;
}

static inline Status world_files(void *context, const Relation *relation, const Predicate *predicates UNUSED,
                                 size_t predicate_count, Arena *arena, BindFiles *out, Error *err) {
        World *world = context;
        const char *file = *(const char **)relation->handle, *granted;
        world->predicate_count += predicate_count;
        *out = (BindFiles){ ARENA_NEW(arena, Str), file != NULL, 10 };
        if (!file)
                return STATUS_OK;
        TRY(worker_grant(world->worker, file, arena, &granted, err));
        *out->paths = str_of(granted);
        return STATUS_OK;
}

static inline Status world_outline(void *context, const Relation *relation, const bool *wanted, int64_t rows, Arena *arena, Str *out, Error *err) {
        const World *world = context;
        return outline_grant(world->worker, relation, wanted, rows, arena, out, err);
}

static inline Status world_names(void *context, Arena *arena, Str **out, size_t *out_count, Error *err UNUSED) {
        World *world = context;
        *out = ARENA_ARRAY(arena, Str, COUNT_OF(world->relations));
        *out_count = 0;
        for (size_t i = 0; i < COUNT_OF(world->relations); i++) {
                const Relation *relation = &world->relations[i];
                if (relation->name.size > 0)
                        (*out)[(*out_count)++] = arena_strf(arena, "%.*s.%.*s.%.*s", STR_ARG(relation->zone),
                                                            STR_ARG(relation->stage), STR_ARG(relation->name));
        }
        return STATUS_OK;
}

static inline bool world_may_see(void *context UNUSED, const Principal *principal UNUSED, Str zone UNUSED, Str stage UNUSED, Str name UNUSED) {
        return true;
}

static inline Status world_policy(void *context, const Principal *principal, const Relation *relation,
                                  const BindSource *source UNUSED, Arena *arena UNUSED, const Policy **out, Error *err UNUSED) {
        World *world = context;
        *out = principal->zone.size > 0 ? NULL : world->policies[relation - world->relations];
        return STATUS_OK;
}

/* Binds a tree. zone: the default one, may be "". */
static inline Status world_bind(World *world, const SqlTree *tree, const char *zone, BoundStatement *out) {
        Sight sight = { .may_see = world_may_see, .policy = world_policy, .context = world };
        BindSource source = { .context = world, .resolve = world_resolve, .files = world_files, .names = world_names, .sight = &sight,
                              .outline = world_outline, .outline_context = world };
        BindRequest request = { .principal = { .name = STR("local:ann"), .administrator = true },
                                .default_zone = str_of(zone),
                                .source = &source };
        world->predicate_count = 0;
        return bind_statement(tree, &request, &world->test->arena, out, &world->test->err);
}

static inline Status world_collect(void *context, Str message, Error *err) {
        Buf *out = context;
        DataRow row;
        Str value;
        bool null;
        if (!data_row_open(message, &row))
                return error_set(err, STATUS_CORRUPT, "not a row");
        buf_append_cstr(out, out->size ? " " : "");
        for (size_t i = 0; data_row_next(&row, &value, &null); i++) {
                buf_append_cstr(out, i ? "|" : "");
                buf_append(out, null ? STR("NULL") : value);
        }
        return STATUS_OK;
}

/* Prepares and runs: "name|name: value|value value|value". */
static inline Status world_run(World *world, const BoundStatement *bound, Str *out) {
        Test *t = world->test;
        WorkerColumns columns;
        CLEANUP(buf_deinit) Buf rows = { 0 }, head = { 0 };
        TRY(worker_define(world->worker, bound->functions, bound->function_count, &t->err));
        TRY(worker_prepare(world->worker, bound->sql, &t->arena, &columns, &t->err));
        for (size_t i = 0; i < columns.count; i++) {
                buf_append_cstr(&head, i ? "|" : "");
                buf_append(&head, columns.items[i].name);
        }
        TRY(worker_execute(world->worker, bound->sql, world_collect, &rows, NULL, &t->err));
        *out = arena_strf(&t->arena, "%.*s: %.*s", STR_ARG(buf_view(&head)), STR_ARG(buf_view(&rows)));
        return STATUS_OK;
}

static inline Status world_ask(World *world, const char *sql, BoundStatement *bound, Str *out) {
        SqlTree *tree;
        world->test->err = (Error){ 0 };
        TRY(world_parse(world, sql, &tree));
        TRY(world_bind(world, tree, "", bound));
        Status status = world_run(world, bound, out);
        const Failure *failure = status == STATUS_OK ? NULL : worker_failure(world->worker);
        if (failure && failure->position >= 0)
                bind_error_place(&world->test->err, tree, bound, (size_t)failure->position);
        worker_revoke_all(world->worker);
        return status;
}
