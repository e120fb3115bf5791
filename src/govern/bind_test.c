/* SPDX-License-Identifier: Apache-2.0 */
#include "govern/test_world.h"

TEST(names_stars_and_hidden_columns_mean_what_people_expect) {
        CLEANUP(world_deinit) World world = { 0 };
        CHECK_OK(world_open(t, &world));
        static const struct {
                const char *sql, *answer;
        } cases[] = {
                { "select * from shop.staging.orders where id = 1", "id|customer|amount|day: 1|c1|1.50|2026-01-02" },
                { "select *, _row from SHOP.Staging.ORDERS where id = 1",
                  "id|customer|amount|day|_row: 1|c1|1.50|2026-01-02|2" },
                { "select _file, _row, id from shop.staging.orders where id = 3", "_file|_row|id: 77|4|3" },
                { "select count(*) from shop.staging.orders", "count_star(): 10" },
                { "select o.* from shop.staging.orders o where o._row = 2",
                  "id|customer|amount|day: 1|c1|1.50|2026-01-02" },
                { "select * from shop.staging.orders o join shop.staging.customers c on o.customer = c.name where "
                  "c._row = 3 and o.id = 2",
                  "id|customer|amount|day|name|region: 2|c2|3.00|2026-01-03|c2|US" },
                { "select o.*, c.* exclude (region) from shop.staging.orders o join shop.staging.customers c on name = "
                  "customer and o._row = 3 where c._file = 78",
                  "id|customer|amount|day|name: 2|c2|3.00|2026-01-03|c2" },
                { "select a.id from shop.staging.orders a join shop.staging.orders b using (_file, _row) where b.id = "
                  "4",
                  "id: 4" },
                { "select * from shop.staging.customers a join shop.staging.customers b using (_file, _row) where "
                  "a.name = 'c0'",
                  "name|region|name|region: c0|EU|c0|EU" },
                { "select shop.staging.orders.id, staging.orders.amount, orders.day from shop.staging.orders where id "
                  "= 0",
                  "id|amount|day: 0|0.00|2026-01-01" },
                { "select c from shop.staging.customers c where _row = 1",
                  "c: {\"name\": \"c0\", \"region\": \"EU\"}" },
                { "select columns(*) from shop.staging.customers where _row = 2", "name|region: c1|EU" },
                { "select columns(* exclude (name)) from shop.staging.customers where _row = 2", "region: EU" },
                { "select columns('^n') from shop.staging.customers where name = 'c2'", "name: c2" },
                { "with c as (select * from shop.staging.customers) select * from c where name = 'c0'",
                  "name|region: c0|EU" },
                { "with c as (select *, _row from shop.staging.customers) select * from c where name = 'c0'",
                  "name|region|_row: c0|EU|1" },
                { "select * from (select name, _file from shop.staging.customers where _row = 1) q",
                  "name|_file: c0|78" },
                { "with orders as (select 1 as one) select * from orders", "one: 1" },
                { "with a as (with a as (select name from shop.staging.customers where name = 'c1') select * from a) "
                  "select * from a",
                  "name: c1" },
                { "select name from shop.staging.customers where _row = 1 union by name select region as name from "
                  "shop.staging.customers where _row = 1 order by 1",
                  "name: EU c0" },
                { "select * from shop.staging.customers order by _row desc limit 1", "name|region: c2|US" },
                { "select distinct on (region) * from shop.staging.customers order by region, _row desc",
                  "name|region: c1|EU c2|US" },
                { "select count(t.*) from shop.staging.customers t where _row > 0 having count(*) = 3", NULL },
                { "select * from shop.staging.empty", "id|customer|amount|day: " },
                { "select count(*), max(day) from shop.staging.empty", "count_star()|max(\"day\"): 0|NULL" },
                { "select * from shop.canonical.big where id > 8", "id|amount: 9|13.50" },
                { "select canonical.big.id, shop.canonical.big.amount from shop.canonical.big where id = 7",
                  "id|amount: 7|10.50" },
                { "select b.id, c.name from shop.canonical.big b, shop.staging.customers c where c.name = 'c' || (b.id "
                  "% 3) and b.id = 7",
                  "id|name: 7|c1" },
                { "select current_user, user as u, upper(session_user)",
                  "current_user|u|upper(session_user): local:ann|local:ann|LOCAL:ANN" },
                { "select current_user as current_user, user as \"user\"", "current_user|user: local:ann|local:ann" },
                { "select count(current_date) as current_date, current_date = today() as d", "current_date|d: 1|t" },
                { "select list_transform(['a'], lambda user: user || '!') as l, user as u", "l|u: [\"a!\"]|local:ann" },
                { "select user from (select 'x' as user) t", "user: x" },
                { "select region as user from shop.staging.customers where name = 'c2' order by user", "user: US" },
                { "select (select max(_row) from shop.staging.orders) as m, (select  min(id)\nfrom "
                  "shop.staging.orders)",
                  "m|(select min(id) from shop.staging.orders): 10|0" },
                { "select name from shop.staging.customers c where exists (select 1 from shop.staging.orders o where "
                  "o.customer = c.name and o.id = 7)",
                  "name: c1" },
                { "select n, id from shop.staging.orders, lateral (select id * 2 as n) where id = 3", "n|id: 6|3" },
                { "select x.a, x.b from shop.staging.orders x(a, b) where x.a = 5", "a|b: 5|c2" },
                { "from shop.staging.customers select region where name = 'c2'", "region: US" },
                { "select region from shop.staging.customers group by all order by all", "region: EU US" },
                { "pivot shop.staging.customers on region in ('EU', 'US') using count(*) group by name", NULL },
                { "select * from (unpivot shop.staging.customers on name, region into name n value v) where v = 'US'",
                  "n|v: region|US" },
                { "select list_transform([1, 2], x -> x + 1) as l, list_filter([1, 2], lambda user: user > 1) as m",
                  "l|m: [2, 3]|[2]" },
                { "select '{\"a\": 1}'::json ->> 'a' as a", "a: 1" },
                { "with recursive r(n) as (select 1 union all select n + 1 from r, shop.staging.empty right join "
                  "(select 1) q on true where n < 3) select max(n) as n from r",
                  "n: 3" },
                { "select o.id from shop.staging.orders o positional join shop.staging.customers c where o.id = 2 and "
                  "c.region = 'US'",
                  "id: 2" },
                { "select a.id from shop.staging.orders a, crm.staging.orders b where a.id = b.id and a.id = 6",
                  "id: 6" },
                { "select orders.id from shop.staging.orders asof join shop.staging.customers on orders.id >= "
                  "customers._row where orders.id = 1",
                  "id: 1" },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                BoundStatement bound;
                Str answer = STR_NONE;
                if (world_ask(&world, cases[i].sql, &bound, &answer) != STATUS_OK)
                        test_fail(t, __FILE__, __LINE__, "%s: %s: %s", cases[i].sql, status_name(t->err.status),
                                  t->err.message);
                else if (cases[i].answer && !str_is(answer, cases[i].answer))
                        test_fail(t, __FILE__, __LINE__, "%s gives '%.*s', wanted '%s'", cases[i].sql, STR_ARG(answer),
                                  cases[i].answer);
        }
}

TEST(errors_stand_at_the_users_words) {
        CLEANUP(world_deinit) World world = { 0 };
        CHECK_OK(world_open(t, &world));
        static const struct {
                const char *sql;
                Status wanted;
                int column;
                const char *hint; /* part of it, or NULL */
        } cases[] = {
                { "select * from shop.staging.order", STATUS_NO_TABLE, 15, "shop.staging.orders" },
                { "select * from staging.orders", STATUS_NO_TABLE, 15, "shop.staging.orders" },
                { "select 1, (select 2 from orders)", STATUS_NO_TABLE, 26, "shop.staging.orders" },
                { "select * from 'x.parquet'", STATUS_SQL_REFUSED, 15, "lode add" },
                { "select * from \"/etc/passwd\"", STATUS_SQL_REFUSED, 15, "lode add" },
                { "select * from read_csv('/etc/passwd')", STATUS_SQL_REFUSED, 15, "lode add" },
                { "select * from query_table('x')", STATUS_SQL_REFUSED, 15, "write the query itself" },
                { "select * from duckdb_settings()", STATUS_SQL_REFUSED, 15, "lode show" },
                { "select 1 + getenv('HOME')::int", STATUS_SQL_REFUSED, 12, "parameters" },
                { "select json_execute_serialized_sql('x')", STATUS_SQL_REFUSED, 8, NULL },
                { "select x.getenv() from shop.staging.orders x", STATUS_SQL_REFUSED, 8, NULL },
                { "select list_aggregate([1], 'bitstring_agg')", STATUS_SQL_REFUSED, 8, NULL },
                { "select id.list_aggregate('stats', 'sum') from shop.staging.orders", STATUS_SQL_REFUSED, 8, NULL },
                { "select main.list_aggregate([1], 'sum')", STATUS_SQL_REFUSED, 8, NULL },
                { "select list_aggregate([1], concat('s', 'um'))", STATUS_SQL_REFUSED, 8, NULL },
                { "select sum_no_overflow(id) over () from shop.staging.orders", STATUS_SQL_REFUSED, 8, NULL },
                { "select '1.1.1.1'::inet", STATUS_SQL_REFUSED, 19, NULL },
                { "select id from shop.staging.orders order by customer collate de", STATUS_SQL_REFUSED, 45, "nocase" },
                { "select current_schema", STATUS_SQL_REFUSED, 8, NULL },
                { "select $1", STATUS_SQL_REFUSED, 8, "value" },
                { "select * from information_schema.tables", STATUS_NO_TABLE, 15, NULL },
                { "select * from sqlite_master", STATUS_NO_TABLE, 15, NULL },
                { "with v as (select * from v) select * from v", STATUS_NO_TABLE, 26, NULL },
                { "(with v as (select 1) select * from v) union all select * from v", STATUS_NO_TABLE, 64, NULL },
                { "with x as (copy (select 1) to '/tmp/x.csv') select 1", STATUS_SQL_REFUSED, 1, NULL },
                { "with x as (insert into t values (1)) select 1", STATUS_SQL_REFUSED, 1, NULL },
                { "select * from (describe shop.staging.orders)", STATUS_SQL_REFUSED, 15, "lode show" },
                { "select * from shop.staging.orders natural join shop.staging.customers where _row = 1",
                  STATUS_SQL_REFUSED, 35, NULL },
                { "select columns('.*') from shop.staging.orders where _row = 1", STATUS_SQL_REFUSED, 8, "EXCLUDE" },
                { "select * from shop.staging.orders, crm.staging.orders", STATUS_AMBIGUOUS, 36, "alias" },
                { "select custmer from shop.staging.orders", STATUS_NO_COLUMN, 8, "customer" },
                { "select id from shop.staging.orders o where o.amuont > 1", STATUS_NO_COLUMN, 44, "amount" },
                { "select zz from shop.canonical.big", STATUS_NO_COLUMN, 8, "columns: id, amount" },
                { "select rowid from shop.staging.orders", STATUS_NO_COLUMN, 8, NULL },
                { "select filename from shop.staging.orders", STATUS_NO_COLUMN, 8, NULL },
                { "select file_row_number from shop.staging.orders", STATUS_NO_COLUMN, 8, NULL },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                BoundStatement bound;
                Str answer;
                Status got = world_ask(&world, cases[i].sql, &bound, &answer);
                if (got != cases[i].wanted || t->err.column != cases[i].column ||
                    (cases[i].hint && !strstr(t->err.hint, cases[i].hint)))
                        test_fail(t, __FILE__, __LINE__, "%s: %s at column %d: %s (%s)", cases[i].sql, status_name(got),
                                  t->err.column, t->err.message, t->err.hint);
        }
}

TEST(only_conditions_that_hold_for_every_row_leave_files_out) {
        CLEANUP(world_deinit) World world = { 0 };
        CHECK_OK(world_open(t, &world));
        static const struct {
                const char *sql;
                size_t predicates;
        } cases[] = {
                { "select id from shop.staging.orders where id = 3 and amount > 2.5 and day >= date '2026-01-03' and "
                  "customer in ('a', 'b')",
                  4 },
                { "select id from shop.staging.orders where id between 2 and 8 and customer is not null", 3 },
                { "select id from shop.staging.orders where 3 < id and day = '2026-01-02'", 2 },
                { "select id from shop.staging.orders where id = 3 or id = 4", 0 },
                { "select id from shop.staging.orders where not id = 3", 0 },
                { "select id from shop.staging.orders where id = 3.5 and id + 1 = 2 and amount = 1.234 and day > "
                  "'2026-1-2'",
                  0 },
                { "select id from shop.staging.orders where upper(customer) = 'C1' and customer like 'c%'", 0 },
                { "select o.id from shop.staging.orders o left join shop.staging.customers c on o.customer = c.name "
                  "where c.region is null and o.id = 1",
                  1 },
                { "select o.id from shop.staging.orders o left join shop.staging.customers c on o.customer = c.name "
                  "where c.region = 'EU'",
                  1 },
                { "select o.id from shop.staging.orders o positional join shop.staging.customers c where o.id = 1", 0 },
                { "select o.id from shop.staging.orders o asof join shop.staging.customers c on o.id >= c._row where "
                  "o.id = 1 and c.region = 'EU'",
                  1 },
                { "select id from shop.staging.orders tablesample 10% where id = 1", 0 },
                { "select id from shop.staging.orders where id = 1 using sample 3", 0 },
                { "select id from shop.staging.orders, (select 1 as id) q where id = 1", 0 },
                { "select o.id from shop.staging.orders o, (select 1 as id) q where o.id = 1", 1 },
                { "select a.id from shop.staging.orders a, shop.staging.orders b where a.id = 1", 1 },
                { "select id from shop.canonical.big", 1 },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                SqlTree *tree;
                BoundStatement bound;
                CHECK_OK(world_parse(&world, cases[i].sql, &tree));
                Status got = world_bind(&world, tree, "", &bound);
                worker_revoke_all(world.worker);
                if (got != STATUS_OK || world.predicate_count != cases[i].predicates)
                        test_fail(t, __FILE__, __LINE__, "%s: %zu predicates, wanted %zu (%s)", cases[i].sql,
                                  world.predicate_count, cases[i].predicates, t->err.message);
        }
}

/* customer = 'c1', and the customer shown as stars. */
static Policy policy_of(Test *t, bool filter, bool mask) {
        Policy policy = { 0 };
        Str customer = STR("customer");
        if (filter) {
                SqlExpr *equal = ARENA_NEW(&t->arena, SqlExpr);
                *equal = (SqlExpr){ .kind = SQL_COMPARISON, .at = { SQL_NOWHERE, 0 } };
                equal->compare.op = SQL_EQUAL;
                equal->compare.left = sql_make_column(&t->arena, 1, &customer);
                equal->compare.right = sql_make_string(&t->arena, STR("c1"));
                policy.row_filter = equal;
        }
        if (mask) {
                policy.masks = ARENA_NEW(&t->arena, PolicyMask);
                policy.masks[0] =
                        (PolicyMask){ customer, sql_make_string(&t->arena, STR("***")), { TYPE_TEXT, 0, 0, NULL, 0 } };
                policy.mask_count = 1;
        }
        return policy;
}

TEST(a_policy_holds_on_every_way_to_its_table) {
        CLEANUP(world_deinit) World world = { 0 };
        CHECK_OK(world_open(t, &world));
        Policy filter = policy_of(t, true, false), mask = policy_of(t, false, true), both = policy_of(t, true, true);
        Policy less = { .withheld = { (Str[]){ STR("amount"), STR("_row") }, 2 } };
        static const char sum[] = "select count(*) as n, sum(id) as s, max(customer) as c from shop.staging.orders";
        const struct {
                const Policy *policy;
                const char *sql, *answer, *holds; /* the answer, and what the text must have */
        } cases[] = {
                { &filter, sum, "n|s|c: 3|12|c1", "SELECT \"id\" AS \"id\"" },
                { &mask, sum, "n|s|c: 10|45|***", "lode_v_varchar(CAST(" },
                { &both, sum, "n|s|c: 3|12|***", "lode_v_varchar(\"customer\")" },
                { &filter, "select count(*) as n from shop.staging.orders", "n: 3", NULL },
                { &filter, "select count(*) as n from shop.staging.orders where 1 + 1 = 2", "n: 3", "OFFSET 0" },
                { &filter, "select sum(id + 1) as s from shop.staging.orders", "s: 15", "lode_v_bigint(\"id\")" },
                { &filter, "select id from shop.staging.orders where customer = 'c2'", "id: ", NULL },
                { &both, "select id from shop.staging.orders where customer = 'c1'", "id: ", NULL },
                { &both, "select customer from shop.staging.orders where id = 4", "customer: ***", NULL },
                { &filter,
                  "select max(o.id) as m from shop.staging.orders o where exists (select 1 from shop.staging.orders i "
                  "where i.id = o.id + 3)",
                  "m: 4", "\"_lode_scan_1\" AS NOT MATERIALIZED (SELECT * FROM (SELECT lode_v_bigint(\"id\")" },
                { &filter,
                  "with customer as (select 'x' as customer) select count(*) as n from shop.staging.orders, customer",
                  "n: 3", NULL },
                { &filter, "select count(*) as n from (select 'c1' as customer) _lode_rows, shop.staging.orders",
                  "n: 3", NULL },
                { &filter, "select count(*) as n from shop.staging.orders tablesample system(100%)", "n: 3",
                  "BERNOULLI" },
                { &filter, "select count(*) as n from (select id + 1 from shop.staging.orders) using sample 100%",
                  "n: 3", "BERNOULLI" },
                { &filter, "select count(*) as n from shop.canonical.big", "n: 3", NULL },
                { &less, "select * from shop.staging.orders where id = 1", "id|customer|day: 1|c1|2026-01-02", NULL },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                BoundStatement bound;
                Str answer = STR_NONE;
                world.policies[0] = cases[i].policy;
                if (world_ask(&world, cases[i].sql, &bound, &answer) != STATUS_OK)
                        test_fail(t, __FILE__, __LINE__, "%s: %s", cases[i].sql, t->err.message);
                else if (!str_is(answer, cases[i].answer) ||
                         (cases[i].holds && str_find(bound.sql, str_of(cases[i].holds)) == bound.sql.size))
                        test_fail(t, __FILE__, __LINE__, "row %zu: %s gives '%.*s' by %.*s", i, cases[i].sql,
                                  STR_ARG(answer), STR_ARG(bound.sql));
        }
        BoundStatement bound;
        Str answer;
        world.policies[0] = &less;
        CHECK_STATUS(world_ask(&world, "select amount from shop.staging.orders", &bound, &answer), STATUS_NO_COLUMN);
        CHECK(!strstr(t->err.hint, "amount"));
        CHECK_STATUS(world_ask(&world, "select _row from shop.staging.orders", &bound, &answer), STATUS_NO_COLUMN);
}

/* Which columns of a filtered orders go through the flattening function, and whether its filter is fenced. */
TEST(columns_stay_bare_only_where_no_expression_meets_them) {
        CLEANUP(world_deinit) World world = { 0 };
        CHECK_OK(world_open(t, &world));
        Policy filter = policy_of(t, true, false);
        static const struct {
                const char *sql, *flat;
                bool fenced;
        } cases[] = {
                { "select * from {o}", "", false },
                { "select id, customer as c from {o} order by c", "", false },
                { "select distinct customer from {o}", "", false },
                { "select customer, count(id), max(day), list(id order by id) from {o} group by customer order by 2", "", false },
                { "select id + 1 from {o}", "id", false },
                { "select id from {o} where customer = 'c1'", "", false },
                { "select id from {o} where customer = 'c1' or id = 3", "id,customer", false },
                { "select id from {o} where customer is null", "", false },
                { "select max(day) from {o} having count(id) > 1", "", false },
                { "select max(id + 1) from {o} group by customer having max(day) > date '2020-01-01'", "id", false },
                { "select sum(id) filter (where customer = 'c1') from {o}", "customer", false },
                { "select row_number() over (partition by customer order by id) from {o}", "", false },
                { "select lag(id, 1) over (order by day) from {o}", "id", false },
                { "select c || 'x' from (select customer as c, id from {o}) q", "customer", false },
                { "with q as (select id as i, customer from {o}) select customer from q where i > 1", "id", false },
                { "select customer as c, c || 'x' from {o}", "customer", false },
                { "select case when id > 1 then customer end from {o}", "id,customer", false },
                { "select a.id from {o} a join {o} b on a.id = b.id", "", false },
                { "select a.id from {o} a join {o} b on a.id = b.id where b.id > 1", "id", false },
                { "select a.id from {o} a left join {o} b on a.id = b.id where b.id > 1", "id", false },
                { "select a.customer from {o} a, {o} b where a.id = b.id and a.customer = b.customer", "", false },
                { "select a.id from {o} a join {o} b on a.id = b.id join {o} c on c.id = b.id and c.id < 9", "id", false },
                { "select a.day from {o} a join {o} b on a.customer = b.id::text", "id,customer", false },
                { "select a.id from {o} a left join {o} b on a.id = b.id and b.customer = 'c2'", "customer", false },
                { "select a.customer from {o} a join {o} b using (id)", "id", false },
                { "select o from {o} o", "id,customer,amount,day", false },
                { "select columns('.*d') from {o}", "id,customer,amount,day", false },
                { "select id from {o} union all select amount from {o}", "id,amount", false },
                { "select id from {o} limit 3", "", false },
                { "select customer, count(id) from {o} group by customer limit 1", "customer", false },
                { "select customer, count(id) from {o} group by customer order by 2 limit 1", "", false },
                { "select first(c) from (select customer as c from {o} group by customer) q", "customer", false },
                { "select id from {o} where random() < 2", "", true },
                { "select id from {o} where 1 // 1 = 1 and customer = 'c1'", "", true },
                { "select id from {o} tablesample 50%", "id", false },
                { "select id from {o} where id in (select id from {o})", "", false },
                { "select customer from {o} where id in (select id from {o} where id > 1)", "id", false },
                { "select customer from {o} where id > (select max(id) from {o})", "id", false },
                { "select customer from {o} where 1 // (select 1) = 1", "", true },
                { "select customer from {o} where not exists (select 1 from {o} where id = 77)", "id", false },
                { "select customer from {o} a where exists (select 1 from {o} b where b.id = a.id and b.day > date '2020-01-01')", "day", false },
        };
        world.policies[0] = &filter;
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                CLEANUP(buf_deinit) Buf sql = { 0 }, flat = { 0 };
                BoundStatement bound;
                Str answer, rest = str_of(cases[i].sql);
                for (size_t at; (at = str_find(rest, STR("{o}"))) < rest.size; rest = str_slice(rest, at + 3, rest.size)) {
                        buf_append(&sql, str_slice(rest, 0, at));
                        buf_append_cstr(&sql, "shop.staging.orders");
                }
                buf_append(&sql, rest);
                if (world_ask(&world, arena_cstr(&t->arena, buf_view(&sql)), &bound, &answer) != STATUS_OK) {
                        test_fail(t, __FILE__, __LINE__, "%s: %s", cases[i].sql, t->err.message);
                        continue;
                }
                static const char *const columns[] = { "id", "customer", "amount", "day" };
                for (size_t k = 0; k < COUNT_OF(columns); k++) {
                        bool open = str_find(bound.sql, str_of(arena_printf(&t->arena, "(\"%s\") AS \"%s\"", columns[k], columns[k]))) < bound.sql.size;
                        if (open)
                                buf_printf(&flat, "%s%s", flat.size ? "," : "", columns[k]);
                }
                bool fenced = str_find(bound.sql, STR(" OFFSET 0")) < bound.sql.size;
                if (!str_is(buf_view(&flat), cases[i].flat) || fenced != cases[i].fenced)
                        test_fail(t, __FILE__, __LINE__, "%s: flat are %.*s%s: %.*s", cases[i].sql, STR_ARG(buf_view(&flat)), fenced ? ", fenced" : "", STR_ARG(bound.sql));
        }
}

/* What the engine may know of a table's files when it plans: of hidden rows no more than roughly how many. */
TEST(a_table_is_planned_by_its_files_or_by_an_outline) {
        CLEANUP(world_deinit) World world = { 0 };
        CHECK_OK(world_open(t, &world));
        Policy filter = policy_of(t, true, false), mask = policy_of(t, false, true);
        static const char sql[] = "select count(*) as n, max(c.region) as r from shop.staging.orders o join shop.staging.customers c on c.name = o.customer";
        world.relations[0].uniform = world.relations[1].uniform = true;
        const struct {
                const Policy *policy;
                bool grown, renamed; /* its files are not all alike; */
                const char *answer;
                bool outline, by_name, by_id;
        } cases[] = {
                { NULL, false, false, "n|r: 10|US", false, true, false },  { &mask, false, false, "n|r: 0|NULL", false, true, false },
                { &filter, false, false, "n|r: 3|EU", true, true, false }, { &filter, true, false, "n|r: 3|EU", true, true, false },
                { &mask, true, false, "n|r: 0|NULL", true, true, false },  { NULL, true, false, "n|r: 10|US", true, true, false },
                { NULL, true, true, "n|r: 10|US", false, true, true },     { &filter, true, true, "n|r: 3|EU", false, false, true },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                BoundStatement bound;
                Str answer = STR_NONE;
                world.policies[0] = cases[i].policy;
                world.relations[0].uniform = !cases[i].grown;
                world.relations[0].renamed = cases[i].renamed;
                CHECK_OK(world_ask(&world, sql, &bound, &answer));
                bool outline = str_find(bound.sql, STR("union_by_name=true")) < bound.sql.size;
                bool by_name = str_find(bound.sql, STR("parquet'], hive_partitioning")) < bound.sql.size || outline;
                bool by_id = str_find(bound.sql, STR("schema=MAP")) < bound.sql.size;
                if (!str_is(answer, cases[i].answer) || outline != cases[i].outline || by_name != cases[i].by_name || by_id != cases[i].by_id)
                        test_fail(t, __FILE__, __LINE__, "row %zu gives '%.*s' by %.*s", i, STR_ARG(answer), STR_ARG(bound.sql));
        }
        static const struct {
                int64_t rows, told, strictly;
        } counts[] = { { 0, 1, 1 }, { 1, 1, 1 }, { 2, 4, 256 }, { 1000, 1024, 65536 }, { 1024, 1024, 65536 }, { 1025, 4096, 65536 } };
        for (size_t i = 0; i < COUNT_OF(counts); i++) {
                CHECK_INT(outline_rows(counts[i].rows, false), counts[i].told);
                CHECK_INT(outline_rows(counts[i].rows, true), counts[i].strictly);
        }
}

TEST(names_of_hoisted_scans_are_nobody_elses) {
        CLEANUP(world_deinit) World world = { 0 };
        CHECK_OK(world_open(t, &world));
        BoundStatement bound;
        Str answer;
        CHECK_STATUS(world_ask(&world, "with _LODE_scan_0 as (select 1) select * from shop.staging.orders", &bound, &answer), STATUS_SQL_REFUSED);
        CHECK_STATUS(world_ask(&world, "select * from _lode_scan_0", &bound, &answer), STATUS_NO_TABLE);
}

/* Half the rows are hidden, and every value in them makes an expression fail; few values, so that files hold dictionaries. */
TEST(nothing_is_computed_on_rows_that_a_filter_hides) {
        CLEANUP(world_deinit) World world = { 0 };
        CHECK_OK(world_start(t, &world));
        static TypeField element = { STR("element"), 6, false, { TYPE_DOUBLE, 0, 0, NULL, 0 } };
        static RelationColumn columns[] = {
                { STR("owner"), { TYPE_TEXT, 0, 0, NULL, 0 }, 1, false },
                { STR("n"), { TYPE_TEXT, 0, 0, NULL, 0 }, 2, false },
                { STR("day"), { TYPE_DATE, 0, 0, NULL, 0 }, 3, false },
                { STR("k"), { TYPE_BIGINT, 0, 0, NULL, 0 }, 4, false },
                { STR("l"), { TYPE_LIST, 0, 0, &element, 1 }, 5, false },
        };
        CHECK_OK(world_table(&world, 0, "shop", "mixed",
                             "SELECT CASE WHEN i % 2 = 0 THEN 'c1' ELSE 'c2' END AS owner,"
                             " CASE WHEN i % 2 = 0 THEN '7' ELSE 'HIDDEN' END AS n,"
                             " CASE WHEN i % 2 = 0 THEN DATE '2026-01-01' ELSE DATE '9999-01-01' END AS day,"
                             " CASE WHEN i % 2 = 0 THEN 2 ELSE 0 END AS k,"
                             " CASE WHEN i % 2 = 0 THEN [1.0, 2.0] ELSE [NULL, 2.0] END AS l FROM range(4000) t(i)",
                             columns, COUNT_OF(columns)));
        SqlExpr *equal = ARENA_NEW(&t->arena, SqlExpr);
        Str owner = STR("owner");
        *equal = (SqlExpr){ .kind = SQL_COMPARISON, .at = { SQL_NOWHERE, 0 } };
        equal->compare.op = SQL_EQUAL;
        equal->compare.left = sql_make_column(&t->arena, 1, &owner);
        equal->compare.right = sql_make_string(&t->arena, STR("c1"));
        Policy policy = { .row_filter = equal };
        world.policies[0] = &policy;
        static const struct {
                const char *sql, *answer;
        } cases[] = {
                { "select sum(cast(n as int)) as s from shop.staging.mixed", "s: 14000" },
                { "select sum(cast(m.n as int)) as s from shop.staging.mixed m where exists (select 1 from "
                  "shop.staging.mixed o where o.k = m.k and cast(o.n as int) = 7)",
                  "s: 14000" },
                { "select max(epoch_ns(day)) > 0 as b from shop.staging.mixed", "b: t" },
                { "select sum(6 // k) as s from shop.staging.mixed", "s: 6000" },
                { "select sum(list_inner_product(l, l)) as s from shop.staging.mixed", "s: 10000" },
                { "select count(*) as n from shop.staging.mixed where k >= 1 or 1 // k = 1", "n: 2000" },
                { "select count(*) as n from shop.staging.mixed where cast(n as int) > 0 and k = 2", "n: 2000" },
                { "select n, count(*) as c from shop.staging.mixed group by n order by n", "n|c: 7|2000" },
                { "select count(*) as n from shop.staging.mixed where owner = 'c2' or owner is null", "n: 0" },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                BoundStatement bound;
                Str answer = STR_NONE;
                Status got = world_ask(&world, cases[i].sql, &bound, &answer);
                if (got != STATUS_OK || !str_is(answer, cases[i].answer))
                        test_fail(t, __FILE__, __LINE__, "%s gives '%.*s': %s", cases[i].sql, STR_ARG(answer),
                                  t->err.message);
        }
}

TEST(a_policy_that_does_not_fit_withholds_the_table) {
        CLEANUP(world_deinit) World world = { 0 };
        CHECK_OK(world_open(t, &world));
        Policy filter = policy_of(t, true, false);
        world.policies[1] = &filter; /* customers has no column `customer` */
        BoundStatement bound;
        Str answer;
        CHECK_STATUS(world_ask(&world, "select customer from (select 'c1' as customer) o, shop.staging.customers",
                               &bound, &answer),
                     STATUS_DENIED);
}

TEST(a_view_with_a_policy_is_guarded_as_itself) {
        CLEANUP(world_deinit) World world = { 0 };
        CHECK_OK(world_open(t, &world));
        Policy policy = { 0 };
        SqlExpr *less = ARENA_NEW(&t->arena, SqlExpr);
        Str id = STR("id");
        *less = (SqlExpr){ .kind = SQL_COMPARISON, .at = { SQL_NOWHERE, 0 } };
        less->compare.op = SQL_LESS;
        less->compare.left = sql_make_column(&t->arena, 1, &id);
        less->compare.right = ARENA_NEW(&t->arena, SqlExpr);
        *less->compare.right = (SqlExpr){ .kind = SQL_CONSTANT, .constant = { SQL_INTEGER, STR("8") } };
        policy.row_filter = less;
        world.policies[4] = &policy;
        BoundStatement bound;
        Str answer;
        CHECK_OK(world_ask(&world, "select * from shop.canonical.big", &bound, &answer));
        CHECK_STR(answer, STR("id|amount: 7|10.50"));
}
