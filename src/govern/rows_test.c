/* SPDX-License-Identifier: Apache-2.0 */
#include "sql/rows.h"

#include "govern/test_world.h"

TEST(a_statement_knows_whose_rows_it_gives) {
        CLEANUP(world_deinit) World world = { 0 };
        CHECK_OK(world_start(t, &world));
        static const struct {
                const char *sql, *source; /* NULL: it does not preserve rows */
        } cases[] = {
                { "select a, upper(b) as c from staging.orders where a > 1", "staging.orders" },
                { "select o.a, c.b from shop.staging.orders o left join staging.customers c on o.c = c.c",
                  "shop.staging.orders" },
                { "select * from staging.orders o join staging.customers c using (x) anti join staging.bad b using (y)",
                  "staging.orders" },
                { "select a, sum(b) over (partition by c) from staging.orders order by a", "staging.orders" },
                { "select a from staging.orders qualify row_number() over (partition by b order by c) = 1",
                  "staging.orders" },
                { "with o as (select a from staging.orders) select * from o where a > 1", "staging.orders" },
                { "select * from (select a from staging.orders) q", "staging.orders" },
                { "select a, (select max(b) from staging.customers) from staging.orders", "staging.orders" },
                { "select a, sum(b) from staging.orders group by a", NULL },
                { "select count(*) from staging.orders", NULL },
                { "select distinct a from staging.orders", NULL },
                { "select a from staging.orders union all select a from staging.orders", NULL },
                { "select a from staging.orders limit 3", NULL },
                { "select unnest(a) from staging.orders", NULL },
                { "select * from staging.orders, staging.customers", NULL },
                { "select * from staging.orders right join staging.customers using (x)", NULL },
                { "with o as (select a from staging.orders) select * from o join o p using (a)", NULL },
                { "select * from range(3)", NULL },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                SqlTree *tree;
                SqlDependency source;
                const char *why = NULL;
                CHECK_OK(world_parse(&world, cases[i].sql, &tree));
                bool found = sql_row_source(tree, &source, &why);
                Str name = !found ? STR_NONE
                           : source.zone.size
                                   ? arena_strf(&t->arena, "%.*s.%.*s.%.*s", STR_ARG(source.zone),
                                                STR_ARG(source.stage), STR_ARG(source.name))
                                   : arena_strf(&t->arena, "%.*s.%.*s", STR_ARG(source.stage), STR_ARG(source.name));
                if (found != (cases[i].source != NULL) || (found && !str_is(name, cases[i].source)) || (!found && !why))
                        test_fail(t, __FILE__, __LINE__, "%s: '%.*s' (%s)", cases[i].sql, STR_ARG(name),
                                  why ? why : "");
        }
}

static Status wrapped(World *world, const char *predicate, SqlTree **out) {
        return world_parse(world,
                           arena_printf(&world->test->arena, SQL_PREDICATE_PREFIX "%s" SQL_PREDICATE_SUFFIX, predicate),
                           out);
}

TEST(a_models_rows_lead_back_to_their_records) {
        CLEANUP(world_deinit) World world = { 0 };
        CHECK_OK(world_open(t, &world));
        static const struct {
                const char *model, *predicate, *answer;
        } cases[] = {
                { "select id as order_id, upper(customer) as who from staging.orders where amount > 3", "order_id = 5",
                  "_file|_row|order_id|who: 77|6|5|C2" },
                { "select o.id, c.region from staging.orders o left join staging.customers c on o.customer = c.name",
                  "region = 'US' and id < 4", "_file|_row|id|region: 77|3|2|US" },
                { "select * from staging.customers", "name = 'c1'", "_file|_row|name|region: 78|2|c1|EU" },
                { "with o as (select *, amount * 2 as twice from staging.orders) select id, twice from o", "id = 1",
                  "_file|_row|id|twice: 77|2|1|3.00" },
                { "select * from (select name, region as r from staging.customers) q", "r = 'US'",
                  "_file|_row|name|r: 78|3|c2|US" },
                { "select *, row_number() over (order by _row desc) as n from staging.customers", "n = 1",
                  "_file|_row|name|region|n: 78|3|c2|US|1" },
                { "select _row as line, name from staging.customers", "line = 2", "_file|_row|line|name: 78|2|2|c1" },
                { "select name, _row, _file from staging.customers", "name = 'c0'", "name|_row|_file: c0|1|78" },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                SqlTree *model, *predicate, *trace;
                BoundStatement bound;
                Str answer = STR_NONE;
                CHECK_OK(world_parse(&world, cases[i].model, &model));
                CHECK_OK(wrapped(&world, cases[i].predicate, &predicate));
                CHECK_OK(sql_trace_model(model, predicate, &t->arena, &trace, &t->err));
                CHECK_OK(world_bind(&world, trace, "shop", &bound));
                CHECK_OK(world_run(&world, &bound, &answer));
                CHECK_STR(answer, str_of(cases[i].answer));
        }
}

TEST(a_staged_tables_rows_name_their_records) {
        CLEANUP(world_deinit) World world = { 0 };
        CHECK_OK(world_open(t, &world));
        SqlDependency table = { STR("shop"), STR("staging"), STR("customers"), { SQL_NOWHERE, 0 } };
        SqlTree *predicate, *trace;
        BoundStatement bound;
        Str answer;
        CHECK_OK(wrapped(&world, "region = 'US' -- the far ones", &predicate));
        CHECK_OK(sql_trace_table(&table, predicate, &t->arena, &trace, &t->err));
        CHECK_OK(world_bind(&world, trace, "", &bound));
        CHECK_OK(world_run(&world, &bound, &answer));
        CHECK_STR(answer, STR("_file|_row|name|region: 78|3|c2|US"));
}

TEST(a_condition_is_nothing_but_a_condition) {
        CLEANUP(world_deinit) World world = { 0 };
        CHECK_OK(world_start(t, &world));
        static const struct {
                const char *predicate;
                bool refused;
        } cases[] = {
                { "a = 1", false },
                { "a = 1 or b in ('x', 'y') -- comment", false },
                { "1 = 1) or (2 = 2", false }, /* ugly, and still a condition */
                { "true) union all select * from secret where (true", true },
                { "true) order by (1", true },
                { "true) limit (1", true },
                { "true) group by (a", true },
                { "a in (select 1)", true },
                { "exists (from secret)", true },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                SqlTree *tree;
                SqlExpr *expr;
                Str text;
                CHECK_OK(wrapped(&world, cases[i].predicate, &tree));
                Status got = sql_predicate_of(tree, &t->arena, &expr, &text, &t->err);
                if ((got != STATUS_OK) != cases[i].refused || (got == STATUS_OK && !str_is(text, cases[i].predicate)))
                        test_fail(t, __FILE__, __LINE__, "%s: %s", cases[i].predicate, status_name(got));
        }
}
