/* SPDX-License-Identifier: Apache-2.0 */
/* A store of two zones, asked through a worker as any statement is. */
#include "system/system.h"

#include "base/test.h"
#include "engine/data_row.h"
#include "engine/worker.h"
#include "lake/view.h"
#include "system/parts.h"

typedef struct Shop {
        Test *test;
        Lake *lake;
        WorkerPool *pool;
        Worker *worker;
        SystemSession session;
        const Sight *sight;
        Buf answer; /* fields by |, rows by ; */
} Shop;

static void shop_deinit(Shop *shop) {
        buf_deinit(&shop->answer);
        worker_release(shop->worker);
        worker_pool_close(shop->pool);
        lake_free(shop->lake);
}

static CatalogPut put_table(const Shop *shop, const char *kind, const char *zone, const char *name, const char *about) {
        Test *t = shop->test;
        LakeColumn *columns = ARENA_ARRAY(&t->arena, LakeColumn, 3);
        columns[0] = (LakeColumn){ .name = STR("Id"), .id = 1, .type = { .kind = TYPE_BIGINT }, .about = STR("its number") };
        columns[1] = (LakeColumn){ .name = STR("amount"), .id = 2, .type = { .kind = TYPE_DECIMAL, .precision = 9, .scale = 2 } };
        columns[2] = (LakeColumn){ .name = STR("_file"), .id = 3, .type = { .kind = TYPE_BIGINT }, .hidden = true };
        TableBody body = { .kind = STR("model"), .uuid = STR("u"), .location = STR("/x"), .metadata_location = STR("/x/m"),
                           .columns = columns, .column_count = 3, .rows = 7, .files = 1, .bytes = 4096, .about = str_of(about) };
        return (CatalogPut){ str_of(kind), str_of(zone), str_of(name), table_body_print(shop->lake->store, &t->arena, &body) };
}

static CatalogPut put_view(Test *t, const char *zone, const char *name, const char *input) {
        Str names[] = { STR("n") };
        Type types[] = { { .kind = TYPE_TEXT } };
        ViewBody body = { .sql = STR("select 'x' as n"), .path = STR("v.sql"), .fingerprint = STR("f"),
                          .column_names = names, .column_types = types, .column_count = 1,
                          .inputs = ARENA_NEW(&t->arena, LakeInput), .input_count = 1 };
        body.inputs[0].table = str_of(input);
        return (CatalogPut){ STR("view"), str_of(zone), str_of(name), view_body_print(&t->arena, &body) };
}

static Status shop_start(Test *t, Shop *shop) {
        shop->test = t;
        shop->session.database = STR("lode");
        TRY(lake_create(arena_printf(&t->arena, "%s/store", test_folder(t)), &shop->lake, &t->err));
        CatalogPut puts[] = {
                { STR("zone"), STR("shop"), STR("shop"), STR("owner: ann") },
                { STR("zone"), STR("secret"), STR("secret"), STR("owner: eve") },
                put_table(shop, "table", "shop", "canonical.order", "what was ordered"),
                put_table(shop, "table", "shop", "staging.Orders", ""),
                put_table(shop, "quarantine", "shop", "staging.Orders", ""),
                put_view(t, "shop", "canonical.names", "shop.staging.Orders"),
                put_view(t, "shop", "canonical.joined", "secret.egress.heist_out"),
                put_table(shop, "table", "secret", "canonical.heist", "eves"),
                put_table(shop, "table", "secret", "egress.heist_out", ""),
                put_view(t, "secret", "canonical.heist_view", "secret.canonical.heist"),
        };
        CatalogCommit commit;
        CatalogChange change = { .author = STR("local:ann"), .via = STR("test"), .message = STR("m"), .puts = puts,
                                 .put_count = COUNT_OF(puts) };
        TRY(catalog_commit(shop->lake->catalog, &change, &t->arena, &commit, &t->err));
        WorkerOptions options = { .run_folder = arena_printf(&t->arena, "%s/run", test_folder(t)), .threads = 1 };
        TRY(worker_pool_open(&options, &shop->pool, &t->err));
        return worker_lease(shop->pool, STR("ann"), &shop->worker, &t->err);
}

static Status new_file(void *context, Arena *arena, int *out_fd, Str *out_name, Error *err) {
        const char *path;
        TRY(worker_new_file(context, arena, out_fd, &path, err));
        *out_name = str_of(path);
        return STATUS_OK;
}

static Status nothing_there(void *context UNUSED, Str zone UNUSED, Str stage UNUSED, Str name UNUSED, Arena *arena UNUSED,
                            Relation **out, Error *err UNUSED) {
        *out = NULL;
        return STATUS_OK;
}

static Status collect(void *context, Str data_row, Error *err) {
        Shop *shop = context;
        DataRow row;
        Str field;
        bool is_null;
        if (!data_row_open(data_row, &row))
                return error_set(err, STATUS_INTERNAL, "no row");
        for (size_t i = 0; data_row_next(&row, &field, &is_null); i++) {
                buf_append_cstr(&shop->answer, i ? "|" : shop->answer.size > 0 ? ";" : "");
                buf_append(&shop->answer, is_null ? STR("NULL") : field);
        }
        return STATUS_OK;
}

static Status parse(void *context, Str sql, Arena *arena, const SqlTree **out, Error *err) {
        SqlTree *tree;
        Str json;
        TRY(worker_parse(context, sql, arena, &json, err));
        TRY(sql_tree_read(json, sql, STR_NONE, arena, &tree, err));
        *out = tree;
        return STATUS_OK;
}

static Status two_sessions(void *context, const BindSource *source UNUSED, RowFile *file, Error *err) {
        TRY(ROW(file, err, NUMBER(1), TEXT(str_of(context))));
        return ROW(file, err, NUMBER(2), NOTHING);
}

/* The rows as text; data NULL when it fails, the error being in the test. */
static Str ask(Shop *shop, const char *sql) {
        Test *t = shop->test;
        CLEANUP(system_closep) System *system = NULL;
        SystemSpec spec = { .lake = shop->lake, .principal = { .name = STR("ann"), .auditor = shop->sight == NULL }, .session = shop->session,
                            .sight = shop->sight, .new_file = new_file, .parse = parse, .context = shop->worker };
        SqlTree *tree;
        Str json;
        WorkerColumns columns;
        int64_t rows;
        buf_clear(&shop->answer);
        t->err = (Error){ 0 };
        if (worker_parse(shop->worker, str_of(sql), &t->arena, &json, &t->err) != STATUS_OK ||
            sql_tree_read(json, str_of(sql), STR_NONE, &t->arena, &tree, &t->err) != STATUS_OK ||
            system_open(&spec, &system, &t->err) != STATUS_OK)
                return STR_NONE;
        BindSource source = { .resolve = nothing_there, .sight = shop->sight, .system = system_bind(system) };
        BindRequest request = { .principal = spec.principal, .source = &source };
        BoundStatement bound;
        if (bind_statement(tree, &request, &t->arena, &bound, &t->err) != STATUS_OK ||
            worker_prepare(shop->worker, bound.sql, &t->arena, &columns, &t->err) != STATUS_OK ||
            worker_execute(shop->worker, bound.sql, collect, shop, &rows, &t->err) != STATUS_OK)
                return STR_NONE;
        return buf_dup(&shop->answer, &t->arena);
}

typedef struct Asked {
        const char *sql, *answer; /* NULL: fails */
} Asked;

static void check_all(Shop *shop, const Asked *cases, size_t count) {
        Test *t = shop->test;
        for (size_t i = 0; i < count; i++) {
                Str answer = ask(shop, cases[i].sql);
                if (!cases[i].answer ? answer.data != NULL : !str_is(answer, cases[i].answer))
                        test_fail(t, __FILE__, __LINE__, "%s\n  gives %.*s (%s)", cases[i].sql, STR_ARG(answer), t->err.message);
        }
}

TEST(the_catalog_answers_as_a_client_asks) {
        CLEANUP(shop_deinit) Shop shop = { 0 };
        CHECK_OK(shop_start(t, &shop));
        static const Asked cases[] = {
                { "select nspname from pg_namespace where nspname like 'shop.%' order by 1", "shop.canonical;shop.quarantine;shop.staging" },
                { "select relname, relkind from pg_catalog.pg_class c join pg_namespace n on n.oid = relnamespace where nspname = 'shop.canonical' order by 1",
                  "joined|v;names|v;order|r" },
                { "select attname, format_type(atttypid, atttypmod), attnum from pg_attribute where attrelid = '\"shop.canonical\".\"order\"'::regclass order by attnum",
                  "Id|bigint|1;amount|numeric(9,2)|2" },
                { "select datname from pg_database order by 1", "lode;postgres;secret;shop" },
                { "select obj_description('shop.canonical.order'::regclass, 'pg_class'), col_description('shop.canonical.order'::regclass, 1)",
                  "what was ordered|its number" },
                { "select '\"shop.staging\".\"Orders\"'::regclass = c.oid, c.oid::regclass::text from pg_class c where relname = 'Orders' and pg_table_is_visible(oid)",
                  "t|\"shop.staging\".\"Orders\"" },
                { "select table_schema, table_name, table_type from information_schema.tables where table_schema like 'shop.c%' order by 2",
                  "shop.canonical|joined|VIEW;shop.canonical|names|VIEW;shop.canonical|order|BASE TABLE" },
                { "select column_name, data_type, numeric_precision, numeric_scale from information_schema.columns where table_name = 'order' order by ordinal_position",
                  "Id|bigint|64|0;amount|numeric|9|2" },
                { "select zone, stage, \"table\", rows from lode.tables where zone = 'shop' and stage = 'canonical' order by 3",
                  "shop|canonical|joined|NULL;shop|canonical|names|NULL;shop|canonical|order|7" },
                { "select name, type, about from lode.columns where \"table\" = 'order' order by position", "Id|bigint|its number;amount|decimal(9,2)|NULL" },
                { "select message, len(changes::json[]) from lode.commits", "m|10" },
                { "select proargtypes[0], len(proargtypes), proargtypes from pg_proc where proname = 'int4in'", "2275|1|[2275]" },
                { "select count(*) from lode.deliveries", "0" },
                { "select count(*) from lode.runs", "0" },
                { "select relname, relkind from pg_class c join pg_namespace n on n.oid = relnamespace where nspname = 'lode' order by 1",
                  "audit|r;columns|r;commits|r;deliveries|r;quarantine|r;runs|r;tables|r" },
                { "select attname, format_type(atttypid, atttypmod) from pg_attribute where attrelid = 'lode.audit'::regclass and attnum between 6 and 7",
                  "action|text;objects|text[]" },
                { "select oid::regclass::text, pg_table_is_visible(oid) from pg_class where oid = 'lode.tables'::regclass", "lode.tables|f" },
                { "select data_type, udt_name from information_schema.columns where table_schema = 'lode' and table_name = 'runs' and column_name in ('run', 'state')"
                  " order by 1", "bigint|int8;text|text" },
                { "select count(*) from lode.tables where zone is null or zone = ''", "0" },
                { "select count(*) from lode.columns where zone is null or zone = ''", "0" },
                { "select string_agg(a.attname, ',' order by a.attnum) from pg_attribute a where a.attrelid = 'lode.quarantine'::regclass",
                  "zone,source,delivery,name,record,line,offset,length,sheet,cell,column,rule,message,raw,state" },
                { "select pg_get_viewdef(oid) from pg_class where relname = 'names'", "select 'x' as n" },
                { "select count(*) from pg_catalog.pg_get_keywords() where word = 'select'", "1" },
                { "select current_schema(), current_database(), current_schemas(true), current_user", "public|lode|[\"pg_catalog\", \"public\"]|ann" },
                { "select split_part(version(), ' ', 1) || split_part(current_setting('server_version'), '.', 1)", "PostgreSQL15" },
                { "select 'nobody'::regclass", NULL },
                { "select 1 from pg_nothing", NULL },
        };
        check_all(&shop, cases, COUNT_OF(cases));
}

TEST(calls_inside_each_other_are_too_long_and_not_endless) {
        CLEANUP(shop_deinit) Shop shop = { 0 };
        CHECK_OK(shop_start(t, &shop));
        CLEANUP(buf_deinit) Buf sql = { 0 };
        buf_append_cstr(&sql, "select ");
        for (int i = 0; i < 60; i++)
                buf_append_cstr(&sql, "pg_size_pretty(");
        buf_append_cstr(&sql, "1");
        for (int i = 0; i < 60; i++)
                buf_append_cstr(&sql, ")");
        CHECK(!ask(&shop, arena_cstr(&t->arena, buf_view(&sql))).data);
        CHECK_INT(t->err.status, STATUS_LIMIT);
}

TEST(what_the_server_knows_stands_beside_and_before_ours) {
        CLEANUP(shop_deinit) Shop shop = { 0 };
        CHECK_OK(shop_start(t, &shop));
        char who[] = "bo";
        SystemExtra extras[] = {
                { "lode", "sessions", "pid int4,principal text", two_sessions, who },
                { "pg_catalog", "pg_language", "oid oid,lanname name", two_sessions, who },
        };
        shop.session.extras = extras;
        shop.session.extra_count = 2;
        static const Asked cases[] = {
                { "select attname from pg_attribute where attrelid = 'lode.sessions'::regclass order by attnum", "pid;principal" },
                { "select pid, principal from lode.sessions order by 1", "1|bo;2|NULL" },
                { "select lanname from pg_language order by oid", "bo;NULL" },
        };
        check_all(&shop, cases, COUNT_OF(cases));
}

TEST(a_zone_is_a_database_and_its_stages_are_schemas) {
        CLEANUP(shop_deinit) Shop shop = { 0 };
        CHECK_OK(shop_start(t, &shop));
        static const Str canonical = { "canonical", 9 };
        shop.session = (SystemSession){ .database = STR("shop"), .path = &canonical, .path_count = 1 };
        static const Asked cases[] = {
                { "select nspname from pg_namespace where oid > 16383 order by 1", "canonical;lode;quarantine;secret.egress;staging" },
                { "select 'order'::regclass::text", "order" },
                { "select oid::regclass::text from pg_class where relname = 'heist_out'", "\"secret.egress\".heist_out" },
                { "select relname from pg_class where relname = 'heist'", "" },
                { "select table_catalog from information_schema.tables where table_name = 'order'", "shop" },
        };
        check_all(&shop, cases, COUNT_OF(cases));
}

/* ---- who may not see it finds no trace ---- */

static bool shop_only(void *context, const Principal *principal, Str zone, Str stage UNUSED, Str name UNUSED) {
        ++*(int *)context;
        return str_is(principal->name, "ann") && str_is(zone, "shop");
}

static Status no_policy(void *context UNUSED, const Principal *principal UNUSED, const Relation *relation UNUSED,
                        const BindSource *source UNUSED, Arena *arena UNUSED, const Policy **out, Error *err UNUSED) {
        *out = NULL;
        return STATUS_OK;
}

static const char *const traces[] = { "secret", "heist", "eves" };

/* Every cell of a relation, as text. */
static Str whole(Shop *shop, const char *schema, const char *name) {
        Test *t = shop->test;
        return ask(shop, arena_printf(&t->arena, "select r::varchar from \"%s\".\"%s\" r", schema, name));
}

static size_t find_traces(Shop *shop, const char *schema, const char *name) {
        Test *t = shop->test;
        size_t found = 0;
        Str rows = whole(shop, schema, name);
        if (!rows.data)
                test_fail(t, __FILE__, __LINE__, "%s.%s: %s", schema, name, t->err.message);
        for (size_t i = 0; i < COUNT_OF(traces); i++)
                found += str_find(rows, str_of(traces[i])) < rows.size;
        return found;
}

static size_t traces_in(Shop *shop, const MadeRelation *made) {
        Test *t = shop->test;
        size_t found = 0;
        for (; made->name; made++)
                if (made->is_for && shop->sight) /* not there, for who is limited */
                        found += whole(shop, made->schema, made->name).data || t->err.status != STATUS_NO_TABLE;
                else if (strcmp(made->name, "pg_proc") != 0)
                        found += find_traces(shop, made->schema, made->name);
        return found;
}

TEST(what_may_not_be_seen_has_no_row_anywhere) {
        CLEANUP(shop_deinit) Shop shop = { 0 };
        CHECK_OK(shop_start(t, &shop));
        const MadeRelation *const all[] = { PG_CATALOG_RELATIONS, PG_VIEW_RELATIONS, INFORMATION_SCHEMA_RELATIONS, LODE_RELATIONS };
        size_t before = 0, after = 0;
        for (size_t i = 0; i < COUNT_OF(all); i++)
                before += traces_in(&shop, all[i]);
        CHECK(before > 20); /* who may see everything finds it: the search is not blind */
        int asked = 0;
        shop.sight = &(Sight){ .may_see = shop_only, .sees_whole = shop_only, .policy = no_policy, .context = &asked };
        for (size_t i = 0; i < COUNT_OF(all); i++)
                after += traces_in(&shop, all[i]);
        CHECK_INT(after, 0);
        CHECK(asked > 0);
        static const Asked cases[] = {
                { "select datname from pg_database order by 1", "lode;postgres;shop" },
                { "select table_name from information_schema.tables where table_schema = 'lode' order by 1", "columns;commits;deliveries;quarantine;runs;tables" },
                { "select to_regclass('lode.audit')", "NULL" },
                { "select '\"secret.canonical\".heist'::regclass", NULL },
                { "select to_regclass('secret.canonical.heist')", "NULL" },
                { "select relname from pg_class where relname in ('heist', 'order')", "order" },
                { "select viewname, definition from pg_views where schemaname = 'shop.canonical' order by 1", "joined|NULL;names|select 'x' as n" },
        };
        check_all(&shop, cases, COUNT_OF(cases));
}

TEST(every_relation_of_postgresql_can_be_read) {
        CLEANUP(shop_deinit) Shop shop = { 0 };
        CHECK_OK(shop_start(t, &shop));
        size_t read = 0;
        for (size_t i = 0; i < PG15_RELATION_COUNT; i++) {
                const Pg15Relation *relation = &PG15_RELATIONS[i];
                Str answer = ask(&shop, arena_printf(&t->arena, "select * from \"%s\".\"%s\" limit 3", relation->schema, relation->name));
                if (!answer.data)
                        test_fail(t, __FILE__, __LINE__, "%s.%s: %s", relation->schema, relation->name, t->err.message);
                read++;
        }
        CHECK(read > 180);
}
