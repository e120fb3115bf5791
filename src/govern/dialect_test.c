/* SPDX-License-Identifier: Apache-2.0 */
#include "govern/dialect.h"

#include "govern/test_world.h"

/* What the dialect makes of a SELECT, printed; the marks of templates still stand in it. */
static Str changed(World *world, const char *sql) {
        Test *t = world->test;
        SqlTree *tree;
        if (world_parse(world, sql, &tree) != STATUS_OK || dialect_apply(tree, tree->query, true, &t->arena, &t->err) != STATUS_OK)
                return str_of(t->err.message);
        return sql_print(&t->arena, tree->query);
}

TEST(postgresql_becomes_what_the_engine_says) {
        CLEANUP(world_deinit) World world = { 0 };
        CHECK_OK(world_start(t, &world));
        static const struct {
                const char *sql, *part; /* of what is printed */
        } cases[] = {
                { "select pg_catalog.lower(x) from t", "\"lower\"(\"x\")" },
                { "select x::pg_catalog.text from t", "CAST(\"x\" AS \"text\")" },
                { "select x::information_schema.cardinal_number from t", "CAST(\"x\" AS \"integer\")" },
                { "select x::oid, y::name, z::\"char\", w::char from t", "AS \"pg_char\"), CAST(\"w\" AS \"VARCHAR\")" },
                { "select a operator(pg_catalog.~) 'b' from t", "(regexp_matches((\"a\"), ('b')))" },
                { "select a operator(pg_catalog.!~*) 'b' from t", "(NOT regexp_matches((\"a\"), ('b'), 'i'))" },
                { "select a operator(pg_catalog.=) b from t", "(\"a\" = \"b\")" },
                { "select a collate pg_catalog.default from t", "SELECT \"a\" FROM" },
                { "select a collate nocase from t", "COLLATE" },
                { "select a = any ('{x,\"y z\",NULL}') from t", "(\"a\" IN ('x', 'y z', NULL))" },
                { "select a = any ('{}'::text[]) from t", "ARRAY[]" },
                { "select a = any (b) from t", "(list_contains((\"b\"), (\"a\")) OR nullif(list_count((\"b\")) < len((\"b\")), true))" },
                { "select a = any (select 1) from t", "ANY" },
                { "select '{1,2}'::int[]", "['1', '2']" },
                { "select '{1,2}'", "SELECT '{1,2}'" },
                { "select indkey[n], conkey[n] from t", "(\"indkey\")[((\"n\") + 1)], (\"conkey\")[\"n\"]" },
                { "select indkey, conkey from pg_index", "CAST(CAST((\"indkey\") AS VARCHAR) AS pg_int2vector)) AS \"indkey\", \"conkey\"" },
                { "select i.*, 1 from pg_class c join pg_catalog.pg_index i on true", "\"i\".* REPLACE ((CAST(CAST((\"i\".\"indkey\") AS VARCHAR) AS pg_int2vector)) AS \"indkey\"" },
                { "select * from pg_proc", "AS pg_oidvector)) AS \"proargtypes\"" },
                { "select indkey::text, conkey::text from t", "array_to_string((\"indkey\"), ' ')), CAST(\"conkey\"" },
                { "select x::regclass from t", "CAST(\"x\" AS \"pg_oid\")" },
                { "select 'x'::regclass", "CAST('x' AS \"regclass\")" },
                { "select x::pg_catalog.regclass::pg_catalog.text from t", "{-.relation_texts})[(\"x\")]" },
                { "select lower(x)::regclass from t", "{-.relation_names})[((CAST((\"lower\"(\"x\")) AS VARCHAR)))]" },
                { "select current_schema(), version()", "{schema}" },
                { "select pg_get_userbyid(c.relowner) from t c", "{pg_catalog.pg_roles})[(\"c\".\"relowner\")]" },
                { "select generate_series(1, 2), pg_is_in_recovery()", "unnest(generate_series((1), (2)))" },
                { "select generate_series(1, 2)", "unnest(generate_series((1), (2)))" },
                { "select len(generate_series(1, 2))", "\"len\"(\"generate_series\"(1, 2))" },
                { "select * from pg_catalog.generate_series(1, 2), pg_class", "\"generate_series\"(1, 2)" },
                { "select word from pg_get_keywords()", "FROM \"-\".\"keywords\" AS \"pg_get_keywords\"" },
                { "select reloptions || array['x'] from t", "\"list_concat\"(\"reloptions\"" },
                { "select a like b from t", "like_escape\"(\"a\", \"b\", '\\')" },
                { "select a not ilike 'x\\_' from t", "not_ilike_escape" },
                { "select a like 'x%' from t", "~~" },
                { "select x::varchar(3) from t", "(left(CAST((\"x\") AS VARCHAR), (3)))" },
                { "select x::varchar, y::numeric(4, 1) from t", "CAST(\"x\" AS \"VARCHAR\"), CAST(\"y\" AS \"DECIMAL\"(4, 1))" },
                { "select x::numeric from t", "(38, 10)" },
                { "select 1.50::numeric", "SELECT 1.50" },
                { "select a from t order by a desc, b asc, c desc nulls last", "DESC NULLS FIRST, \"b\" ASC, \"c\" DESC NULLS LAST" },
                { "select every(a) over () from t", "bool_and" },
                { "select to_char(a, 'YYYY-MM') from t", "(strftime((\"a\"), ('%Y-%m')))" },
                { "select to_char(a, '999') from t", "to_char" },
                { "select extract(second from a) from t", "date_part('microseconds', (\"a\"))" },
                { "select extract(year from cast(null as date)) from t", "CAST(date_part('year', (CAST(NULL AS \"date\"))) AS BIGINT)" },
                { "select extract(year from a) from t", "\"date_part\"('YEAR', \"a\")" },
                { "select format('%s is %%', a) from t", "\"format\"('%s is %%'" },
                { "select format('%s-%I', a, b) from t", "coalesce(CAST((\"a\") AS VARCHAR), '')" },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Str printed = changed(&world, cases[i].sql);
                if (str_find(printed, str_of(cases[i].part)) == printed.size)
                        test_fail(t, __FILE__, __LINE__, "%s\n  becomes %.*s\n  without %s", cases[i].sql, STR_ARG(printed), cases[i].part);
        }
}

TEST(array_literals_of_any_form_are_read_to_their_end) {
        CLEANUP(world_deinit) World world = { 0 };
        CHECK_OK(world_start(t, &world));
        static const char *const literals[] = { "{", "}", "{}", "{,}", "{\"}", "{\\}", "{a\\}", "{\"a\\\"b\"}", "{{1,2},{3}}", " { 1 , 2 } ", "{\"\"}" };
        for (size_t i = 0; i < COUNT_OF(literals); i++) {
                const char *sql = arena_printf(&t->arena, "select x = any ('%s'), '%s'::text[] from t", literals[i], literals[i]);
                Str printed = changed(&world, sql);
                SqlTree *again;
                if (world_parse(&world, arena_cstr(&t->arena, printed), &again) != STATUS_OK)
                        test_fail(t, __FILE__, __LINE__, "%s becomes %.*s: %s", sql, STR_ARG(printed), t->err.message);
        }
}

TEST(only_words_make_a_statement_be_about_the_catalog) {
        static const struct {
                const char *sql;
                bool about;
        } cases[] = {
                { "select * from pg_class", true },       { "select * from PG_CATALOG.x", true },  { "select \"pg_x\"", true },
                { "select 1 from information_schema.tables", true }, { "select 'pg_class'", false },  { "select 1 -- pg_class", false },
                { "select apg_class", false },            { "", false },                           { "select p, pg", false },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++)
                if (dialect_is_about_catalog(str_of(cases[i].sql)) != cases[i].about)
                        test_fail(t, __FILE__, __LINE__, "%s", cases[i].sql);
}

TEST(patterns_of_times_mean_the_same_or_are_none) {
        static const struct {
                const char *pattern, *ours; /* NULL: none */
        } cases[] = {
                { "YYYY-MM-DD HH24:MI:SS", "%Y-%m-%d %H:%M:%S" }, { "yyyymmdd", "%Y%m%d" },  { "FMDD Mon YYYY", "%-d %b %Y" },
                { "HH12:MI AM", "%I:%M %p" },                      { "SS.MS", "%S.%g" },       { "SS.US", "%S.%f" },
                { "IYYY-\"W\"IW-ID", "%G-W%V-%u" },                { "100%", NULL },          { "%", "%%" },
                { "Month", NULL },                                  { "MON", NULL },          { "am", NULL },
                { "Q", NULL },                                      { "9,999", NULL },        { "\"open", NULL },
                { "", "" },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Str ours = STR("none");
                bool is = dialect_time_format(str_of(cases[i].pattern), &t->arena, &ours);
                if (is != (cases[i].ours != NULL) || (is && !str_is(ours, cases[i].ours)))
                        test_fail(t, __FILE__, __LINE__, "%s becomes %.*s", cases[i].pattern, STR_ARG(ours));
        }
}
