/* SPDX-License-Identifier: Apache-2.0 */
#include "govern/test_world.h"
#include "model/grant_parts.h"

/* A world whose text says who sees what; the worker parses it and answers. */
typedef struct Place {
        World world;
        Grants *grants;
        Account account;
        Viewer viewer;
        Sight sight;
        BindSource source, now;
        bool fresh; /* main's orders have lost `amount`, and `day` is another column of that name */
} Place;

static void place_deinit(Place *place) {
        world_deinit(&place->world);
}

static Status place_parse(void *context, Str sql, Arena *arena, const SqlTree **out, Error *err) {
        const World *world = context;
        Str json;
        SqlTree *tree;
        TRY(worker_parse(world->worker, sql, arena, &json, err));
        TRY(sql_tree_read(json, sql, STR_NONE, arena, &tree, err));
        *out = tree;
        return STATUS_OK;
}

/* As it is now, which need not be as it is read. */
static Status resolve_now(void *context, Str zone, Str stage, Str name, Arena *arena, Relation **out, Error *err) {
        Place *place = context; /* the world is its first member */
        TRY(world_resolve(&place->world, zone, stage, name, arena, out, err));
        if (!place->fresh || *out != &place->world.relations[0])
                return STATUS_OK;
        Relation *now = ARENA_NEW(arena, Relation);
        *now = **out;
        now->columns = ARENA_ARRAY(arena, RelationColumn, 3);
        now->column_count = 3;
        now->columns[0] = (*out)->columns[0];
        now->columns[1] = (*out)->columns[1];
        now->columns[2] = (*out)->columns[3];
        now->columns[2].field_id = 17;
        *out = now;
        return STATUS_OK;
}

static Status place_open(Test *t, Place *place) {
        TRY(world_open(t, &place->world));
        place->now = (BindSource){ .context = &place->world, .resolve = resolve_now, .files = world_files };
        place->source = (BindSource){ .context = &place->world, .resolve = world_resolve, .files = world_files, .names = world_names,
                                      .sight = &place->sight, .now = &place->now, .parse = place_parse };
        return STATUS_OK;
}

/* The text in force, and who asks. tagged: "orders.customer pii", or NULL. */
static void place_rules(Place *place, const char *access, const char *policies, const char *tagged) {
        Arena *arena = &place->world.test->arena;
        Grants *grants = ARENA_NEW(arena, Grants);
        *grants = (Grants){ .arena = arena, .problems.arena = arena };
        grants->zones = ARENA_ARRAY(arena, GrantZone, 2);
        grants->zone_count = 2;
        grants->zones[0] = (GrantZone){ .name = STR("shop"), .owner = STR("oz") };
        grants->zones[1] = (GrantZone){ .name = STR("crm"), .owner = STR("eve") };
        access_parse(arena, "zones/shop/access.yml", str_of(access), &grants->problems, &grants->zones[0].access);
        if (policies)
                policies_parse(arena, "policies.yml", str_of(policies), &grants->problems, &grants->policies);
        Str where, tag, table, column;
        if (tagged && str_cut(str_of(tagged), ' ', &where, &tag) && str_cut(where, '.', &table, &column))
                vec_push(arena, &grants->tagged, ((Tagged){ STR("shop"), STR("staging"), table, column, tag }));
        for (size_t i = 0; i < grants->problems.errors.count; i++)
                test_fail(place->world.test, __FILE__, __LINE__, "%s: %s", access, grants->problems.errors.items[i]->message);
        place->grants = grants;
        place->viewer = (Viewer){ .grants = grants, .account = &place->account };
        place->sight = viewer_sight(&place->viewer);
}

static Status place_ask(Place *place, const char *sql, Str *out) {
        World *world = &place->world;
        BoundStatement bound;
        SqlTree *tree;
        world->test->err = (Error){ 0 };
        TRY(world_parse(world, sql, &tree));
        BindRequest request = { .principal = { .name = place->account.name }, .source = &place->source };
        TRY(bind_statement(tree, &request, &world->test->arena, &bound, &world->test->err));
        if (bound.hashes)
                TRY(worker_define_hash(world->worker, STR("key"), &world->test->err));
        Status status = world_run(world, &bound, out);
        const Failure *failure = status == STATUS_OK ? NULL : worker_failure(world->worker);
        if (failure && failure->position >= 0)
                bind_error_place(&world->test->err, tree, &bound, (size_t)failure->position);
        worker_revoke_all(world->worker);
        return status;
}

#define RULE(text) "rules:\n- who: bo\n  on: [staging.orders]\n" text
#define PII "- tag: pii\n  who: everyone except [role dpo]\n  mask: "

/* Rows of orders: id 0 to 9, customer 'c' || id % 3, amount id * 1.5; of customers: c0 EU, c1 EU, c2 US. */
TEST(what_a_rule_says_is_what_is_read) {
        static Str regions[] = { STR("c0"), STR("c2") }, limits[] = { STR("4") }, quoted[] = { STR("c1' OR '1' = '1") };
        static Attribute attributes[] = { { STR("customers"), regions, 2 }, { STR("limit"), limits, 1 }, { STR("odd"), quoted, 1 } };
        static const struct {
                const char *who, *access, *policies, *tagged, *sql, *answer; /* NULL: no such table; "?": no such column */
        } cases[] = {
                /* rows */
                { "bo", RULE("  rows: id < 3\n"), 0, 0, "select id from shop.staging.orders order by 1", "id: 0 1 2" },
                { "al", RULE("  rows: id < 3\n"), 0, 0, "select id from shop.staging.orders", NULL },
                { "oz", RULE("  rows: id < 3\n"), 0, 0, "select count(*) as n from shop.staging.orders", "n: 10" },
                { "bo", RULE("  rows: customer = principal.customers\n"), 0, 0, "select count(*) as n from shop.staging.orders", "n: 7" },
                { "bo", RULE("  rows: principal.customers = customer\n"), 0, 0, "select count(*) as n from shop.staging.orders", "n: 7" },
                { "bo", RULE("  rows: customer in (principal.customers, 'c1')\n"), 0, 0, "select count(*) as n from shop.staging.orders", "n: 10" },
                { "bo", RULE("  rows: customer = principal.nothing\n"), 0, 0, "select count(*) as n from shop.staging.orders", "n: 0" },
                { "bo", RULE("  rows: not (customer = principal.nothing)\n"), 0, 0, "select count(*) as n from shop.staging.orders", "n: 0" },
                { "bo", RULE("  rows: customer not in (principal.nothing)\n"), 0, 0, "select count(*) as n from shop.staging.orders", "n: 0" },
                { "bo", RULE("  rows: customer = principal.nothing or id = 1\n"), 0, 0, "select count(*) as n from shop.staging.orders", "n: 1" },
                { "bo", RULE("  rows: id < principal.limit\n"), 0, 0, "select count(*) as n from shop.staging.orders", "n: 4" },
                { "bo", RULE("  rows: customer = principal.odd\n"), 0, 0, "select count(*) as n from shop.staging.orders", "n: 0" },
                { "bo", RULE("  rows: \"'bo' = principal.name and id = 1\"\n"), 0, 0, "select id from shop.staging.orders", "id: 1" },
                { "bo", RULE("  rows: customer <> principal.customers\n"), 0, 0, "select id from shop.staging.orders", NULL },
                { "bo", RULE("  rows: lower(principal.customers) = customer\n"), 0, 0, "select id from shop.staging.orders", NULL },
                { "bo", RULE("  rows: 1 // (id - 5) = 1\n"), 0, 0, "select id from shop.staging.orders", "id: 6" },
                { "bo", RULE("  rows: cast(customer as int) = 1\n"), 0, 0, "select id from shop.staging.orders", "id: " },
                { "bo", RULE("  rows: id = 'x'\n"), 0, 0, "select id from shop.staging.orders", "id: " },
                { "bo", RULE("  rows: nothing = 1\n"), 0, 0, "select id from shop.staging.orders", NULL },
                { "bo", RULE("  rows: random() < 2\n"), 0, 0, "select id from shop.staging.orders", NULL },
                { "bo", RULE("  rows: count(*) > 0\n"), 0, 0, "select id from shop.staging.orders", NULL },
                { "bo", RULE("  rows: row_number() over () < 3\n"), 0, 0, "select id from shop.staging.orders", NULL },
                { "bo", RULE("  rows: id = 1) or (true\n"), 0, 0, "select id from shop.staging.orders", NULL },
                { "bo", RULE("  rows: getvariable('x') = 'y'\n"), 0, 0, "select id from shop.staging.orders", NULL },
                /* entitlements */
                { "bo", RULE("  rows: customer in (select name from staging.customers where region = 'US')\n"), 0, 0, "select id from shop.staging.orders order by 1", "id: 2 5 8" },
                { "bo", RULE("  rows: exists (select * from staging.customers c where c.name = customer and c.region = 'US')\n"), 0, 0, "select count(*) as n from shop.staging.orders", "n: 3" },
                { "bo", RULE("  rows: not exists (select 1 from staging.customers c where c.name = orders.customer and c.region = 'US')\n"), 0, 0, "select count(*) as n from shop.staging.orders", "n: 7" },
                { "bo", RULE("  rows: customer in (select a.name from staging.customers a join staging.customers b on a.region = b.region where b.name = 'c0')\n"), 0, 0, "select count(*) as n from shop.staging.orders", "n: 7" },
                { "bo", RULE("  rows: customer in (select name from staging.customers where region = 'US')\n"), 0, 0, "with customers as (select 'c0' as name, 'US' as region) select count(*) as n from shop.staging.orders, customers", "n: 3" },
                { "bo", RULE("  rows: customer in (select name from staging.customers where region = 'US')\n"), 0, 0, "select (select count(*) from shop.staging.orders) as n from (select 'EU' as region, 'c0' as name) _lode_entitled_0", "n: 3" },
                { "bo", RULE("  rows: id in (select customer from crm.staging.orders)\n"), 0, 0, "select id from shop.staging.orders", NULL },
                { "bo", RULE("  rows: id in (select name from staging.customers)\n"), 0, 0, "select id from shop.staging.orders", NULL },
                { "bo", RULE("  rows: id = (select count(*) from staging.customers)\n"), 0, 0, "select id from shop.staging.orders", NULL },
                { "bo", RULE("  rows: customer in (select name from staging.customers limit 1)\n"), 0, 0, "select id from shop.staging.orders", NULL },
                { "bo", RULE("  rows: customer in (select region from canonical.big)\n"), 0, 0, "select id from shop.staging.orders", NULL },
                { "bo", RULE("  rows: customer in (select name from staging.customers)\n"), 0, 0, "select name from shop.staging.customers", NULL },
                /* columns and masks */
                { "bo", RULE("  columns: [id, day]\n"), 0, 0, "select * from shop.staging.orders where id = 1", "id|day: 1|2026-01-02" },
                { "bo", RULE("  columns: all except [amount, day]\n"), 0, 0, "select * from shop.staging.orders where id = 1", "id|customer: 1|c1" },
                { "bo", RULE("  columns: all except [amount]\n"), 0, 0, "select amount from shop.staging.orders", "?" },
                { "bo", RULE("  columns: all except [amount]\n"), 0, 0, "select _file from shop.staging.orders", "?" },
                { "bo", RULE("  columns: all except [amount]\n  rows: amount > 12\n"), 0, 0, "select id from shop.staging.orders", "id: 9" },
                { "bo", RULE("  columns: all except [amuont]\n"), 0, 0, "select id from shop.staging.orders", NULL },
                { "bo", RULE("  mask:\n    custommer: hash\n"), 0, 0, "select id from shop.staging.orders", NULL },
                { "bo", RULE("  mask:\n    customer: partial 1\n    amount: bucket 5\n    id: null\n"), 0, 0, "select id, customer, amount from shop.staging.orders order by day limit 1 offset 7", "id|customer|amount: NULL|c***|10.00" },
                { "bo", RULE("  mask:\n    amount: \"amount * 2\"\n"), 0, 0, "select max(amount) as a from shop.staging.orders", "a: 27.00" },
                { "bo", RULE("  mask:\n    id: \"1 // (id - 1)\"\n"), 0, 0, "select id from shop.staging.orders order by day limit 3", "id: -1 NULL 1" },
                { "bo", RULE("  mask:\n    id: \"(select 1)\"\n"), 0, 0, "select id from shop.staging.orders", NULL },
                { "bo", RULE("  mask:\n    day: bucket 5\n"), 0, 0, "select count(day) as n from shop.staging.orders", "n: 0" },
                { "bo", RULE("  mask:\n    customer: hash\n"), 0, 0, "select customer from shop.staging.orders where id = 0", "customer: 9e2a015904fdd3b788e3e4dae7630d4ff0e7cf42f9dab29f27dd8e63a24d4ea9" },
                /* central policies */
                { "oz", RULE(""), PII "partial 1\n", "orders.customer pii", "select distinct customer from shop.staging.orders", "customer: c***" },
                { "bo", RULE(""), PII "partial 1\n", "orders.customer pii", "select distinct customer from shop.staging.orders", "customer: c***" },
                { "bo", RULE("  mask:\n    amount: \"case when customer = 'c1' then 1 else 0 end\"\n"), PII "null\n", "orders.customer pii", "select sum(amount) as s from shop.staging.orders", "s: NULL" },
                { "bo", RULE("  rows: customer = 'c1'\n"), PII "null\n", "orders.customer pii", "select id from shop.staging.orders", NULL },
                { "bo", RULE("  mask:\n    customer: \"'x'\"\n"), PII "partial 1\n", "orders.customer pii", "select distinct customer from shop.staging.orders", "customer: x" },
                { "bo", RULE("  mask:\n    customer: partial 9\n"), PII "partial 1\n", "orders.customer pii", "select distinct customer from shop.staging.orders", "customer: c******" },
                { "bo", RULE("  rows: id < 5\n"), "- tag: pii\n  who: [bo]\n  rows: id > 2\n", "orders. pii", "select id from shop.staging.orders order by 1", "id: 3 4" },
                { "oz", RULE(""), "- tag: pii\n  who: everyone\n  rows: nothing > 2\n", "orders. pii", "select id from shop.staging.orders", NULL },
                { "oz", RULE(""), "- tag: pii\n  who: everyone\n  mask: null\n", "orders. pii", "select count(id) as n, count(day) as m from shop.staging.orders", "n|m: 0|0" },
                /* a view is guarded as itself, and reads as its zone */
                { "bo", "rules:\n- who: bo\n  on: [canonical.big]\n  rows: id < 8\n  columns: [id]\n", 0, 0, "select * from shop.canonical.big", "id: 7" },
                { "bo", "rules:\n- who: bo\n  on: [canonical.big]\n", 0, 0, "select id from shop.staging.orders", NULL },
        };
        CLEANUP(place_deinit) Place place = { 0 };
        CHECK_OK(place_open(t, &place));
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Str answer = STR_NONE;
                place.account = (Account){ .name = str_of(cases[i].who), .attributes = attributes, .attribute_count = COUNT_OF(attributes) };
                place_rules(&place, cases[i].access, cases[i].policies, cases[i].tagged);
                Status status = place_ask(&place, cases[i].sql, &answer);
                Status wanted = !cases[i].answer ? STATUS_NO_TABLE : strcmp(cases[i].answer, "?") == 0 ? STATUS_NO_COLUMN : STATUS_OK;
                if (status != wanted || (wanted == STATUS_OK && !str_is(answer, cases[i].answer)))
                        test_fail(t, __FILE__, __LINE__, "row %zu, %s as %s: '%.*s', wanted %s: %s", i, cases[i].sql, cases[i].who, STR_ARG(answer),
                                  cases[i].answer ? cases[i].answer : "no such table", t->err.message);
        }
}

TEST(a_column_that_is_not_main_s_any_more_is_hidden_in_older_commits) {
        CLEANUP(place_deinit) Place place = { .fresh = true };
        CHECK_OK(place_open(t, &place));
        static const struct {
                const char *who, *access, *policies, *sql, *answer;
        } cases[] = {
                { "bo", RULE(""), 0, "select * from shop.staging.orders where id = 1", "id|customer: 1|c1" },
                { "bo", RULE("  columns: all except [day]\n"), 0, "select * from shop.staging.orders where id = 1", "id|customer: 1|c1" },
                { "bo", RULE("  rows: day > date '2026-01-01'\n"), 0, "select id from shop.staging.orders", NULL },
                { "bo", RULE("  columns: [id, amount]\n"), 0, "select id from shop.staging.orders", NULL },
                { "oz", RULE(""), 0, "select * from shop.staging.orders where id = 1", "id|customer|amount|day: 1|c1|1.50|2026-01-02" },
                { "oz", RULE(""), PII "hash\n", "select * from shop.staging.orders where id = 1", "id|customer: 1|c1" },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Str answer = STR_NONE;
                place.account = (Account){ .name = str_of(cases[i].who) };
                place_rules(&place, cases[i].access, cases[i].policies, NULL);
                Status status = place_ask(&place, cases[i].sql, &answer);
                if (status != (cases[i].answer ? STATUS_OK : STATUS_NO_TABLE) || (cases[i].answer && !str_is(answer, cases[i].answer)))
                        test_fail(t, __FILE__, __LINE__, "row %zu, %s: '%.*s' %s", i, cases[i].sql, STR_ARG(answer), t->err.message);
        }
}

/* ---- uniting, against what cli.md says in so many words ---- */

static const char *const some_rows[] = { "", "  rows: customer = 'c1'\n", "  rows: id < 4\n" };
static const char *const some_columns[] = { "", "  columns: [id, amount]\n", "  columns: all except [amount]\n" };
static const char *const some_masks[] = { "", "  mask:\n    customer: partial 1\n", "  mask:\n    customer: \"'*'\"\n" };
#define KINDS 27

static bool gives_row(size_t kind, int id) {
        return kind % 3 == 0 || (kind % 3 == 1 ? id % 3 == 1 : id < 4);
}

/* 0 hidden, 1 as it is, 2 under its mask */
static int gives_customer(size_t kind) {
        return kind / 3 % 3 == 1 ? 0 : kind / 9 == 0 ? 1 : 2;
}

static bool gives_amount(size_t kind) {
        return kind / 3 % 3 != 2;
}

static void expect_row(Buf *out, const size_t *kinds, size_t count, int id) {
        const char *customer = NULL;
        bool customers = false, amounts = false, amount = false, row = false;
        for (size_t i = 0; i < count; i++) {
                row |= gives_row(kinds[i], id);
                customers |= gives_customer(kinds[i]) != 0;
                amounts |= gives_amount(kinds[i]);
                amount |= gives_amount(kinds[i]) && gives_row(kinds[i], id);
        }
        for (int way = 1; way <= 2 && !customer; way++)
                for (size_t i = 0; i < count && !customer; i++)
                        if (gives_row(kinds[i], id) && gives_customer(kinds[i]) == way)
                                customer = way == 1 ? "raw" : kinds[i] / 9 == 1 ? "c***" : "*";
        if (!row)
                return;
        buf_printf(out, "%s%d", out->size ? " " : "", id);
        if (customers && customer && strcmp(customer, "raw") == 0)
                buf_printf(out, "|c%d", id % 3);
        else if (customers)
                buf_printf(out, "|%s", customer ? customer : "NULL");
        if (amounts && amount)
                buf_printf(out, "|%d.%d0", id * 3 / 2, id % 2 * 5);
        else if (amounts)
                buf_append_cstr(out, "|NULL");
}

TEST(rules_are_united_row_by_row_and_cell_by_cell) {
        CLEANUP(place_deinit) Place place = { 0 };
        CHECK_OK(place_open(t, &place));
        place.account = (Account){ .name = STR("bo") };
        for (size_t pair = 0; pair < KINDS * KINDS; pair += 4) {
                size_t kinds[] = { pair / KINDS, pair % KINDS };
                CLEANUP(buf_deinit) Buf access = { 0 }, wanted = { 0 };
                buf_append_cstr(&access, "rules:\n");
                for (size_t i = 0; i < 2; i++)
                        buf_printf(&access, "- who: bo\n  on: [staging.orders]\n%s%s%s", some_rows[kinds[i] % 3], some_columns[kinds[i] / 3 % 3],
                                   some_masks[kinds[i] / 9]);
                for (int id = 0; id < 10; id++)
                        expect_row(&wanted, kinds, 2, id);
                place_rules(&place, arena_cstr(&t->arena, buf_view(&access)), NULL, NULL);
                Str answer = STR_NONE, names, rows;
                bool customer = gives_customer(kinds[0]) || gives_customer(kinds[1]), amount = gives_amount(kinds[0]) || gives_amount(kinds[1]);
                const char *sql = arena_printf(&t->arena, "select id%s%s from shop.staging.orders order by id", customer ? ", customer" : "",
                                               amount ? ", amount" : "");
                Status status = place_ask(&place, sql, &answer);
                str_cut(answer, ':', &names, &rows);
                if (status != STATUS_OK || !str_equal(str_trim(rows), buf_view(&wanted)))
                        test_fail(t, __FILE__, __LINE__, "%.*s: '%.*s', wanted '%.*s' %s", STR_ARG(buf_view(&access)), STR_ARG(answer),
                                  STR_ARG(buf_view(&wanted)), t->err.message);
        }
}
