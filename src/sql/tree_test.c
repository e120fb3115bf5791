/* SPDX-License-Identifier: Apache-2.0 */
/* The reader against JSON by hand: what the engine would never send, and what it sends when it is another engine. What
 * it does send is in govern/roundtrip_test.c, through a worker. */
#include "sql/tree.h"

#include "base/test.h"
#include "sql/allow.h"
#include "sql/printer.h"

#define ONE                                                                                        \
        "{\"class\":\"CONSTANT\",\"type\":\"VALUE_CONSTANT\",\"alias\":\"\",\"query_location\":7," \
        "\"query_location_length\":1,\"literal\":{\"kind\":\"INTEGER\",\"text\":\"1\"}}"
#define EMPTY_FROM                                                                                                     \
        "{\"type\":\"EMPTY\",\"alias\":\"\",\"sample\":null,\"query_location\":18446744073709551615,\"query_location_" \
        "length\":0}"
#define SELECT(list, more)                                                                                \
        "{\"type\":\"SELECT_NODE\",\"modifiers\":[],\"cte_map\":{\"map\":[]},\"select_list\":[" list "]," \
        "\"from_table\":" EMPTY_FROM ",\"where_clause\":null,\"group_expressions\":[],\"group_sets\":[]," \
        "\"aggregate_handling\":\"STANDARD_HANDLING\",\"having\":null,\"sample\":null,\"qualify\":null" more "}"
#define DOCUMENT(node) "{\"error\":false,\"statements\":[{\"node\":" node ",\"named_param_map\":[]}]}"

static Status read_json(Test *t, const char *json, SqlTree **out) {
        t->err = (Error){ 0 };
        return sql_tree_read(str_of(json), STR("select 1"), STR("q.sql"), &t->arena, out, &t->err);
}

TEST(a_small_tree_is_read_and_printed) {
        SqlTree *tree;
        CHECK_OK(read_json(t, DOCUMENT(SELECT(ONE, "")), &tree));
        CHECK_STR(sql_print(&t->arena, tree->query), STR("SELECT 1"));
}

TEST(what_was_not_reviewed_is_refused_at_its_place) {
        static const struct {
                const char *json;
                Status wanted;
        } cases[] = {
                /* another node class, another key, another word */
                { DOCUMENT("{\"type\":\"INSERT_QUERY_NODE\",\"modifiers\":[]}"), STATUS_SQL_REFUSED },
                { DOCUMENT("{\"type\":\"COPY_QUERY_NODE\"}"), STATUS_SQL_REFUSED },
                { DOCUMENT("{\"type\":\"TELEPORT_NODE\"}"), STATUS_SQL_REFUSED },
                { DOCUMENT(SELECT(ONE, ",\"side_effect\":null")), STATUS_SQL_REFUSED },
                { DOCUMENT(SELECT("{\"class\":\"DEFAULT\",\"type\":\"VALUE_DEFAULT\",\"alias\":\"\"}", "")),
                  STATUS_SQL_REFUSED },
                { DOCUMENT(SELECT("{\"class\":\"CONSTANT\",\"type\":\"VALUE_CONSTANT\",\"alias\":\"\",\"value\":1}",
                                  "")),
                  STATUS_SQL_REFUSED },
                { DOCUMENT(SELECT("{\"class\":\"CONSTANT\",\"type\":\"X\",\"alias\":\"\",\"literal\":{\"kind\":"
                                  "\"INTEGER\",\"text\":\"1; drop\"}}",
                                  "")),
                  STATUS_SQL_REFUSED },
                { DOCUMENT(SELECT("{\"class\":\"CONSTANT\",\"type\":\"X\",\"alias\":\"\",\"literal\":{\"kind\":"
                                  "\"NUMERIC\",\"text\":\"1--2\"}}",
                                  "")),
                  STATUS_SQL_REFUSED },
                { DOCUMENT(SELECT("{\"class\":\"PARAMETER\",\"type\":\"VALUE_PARAMETER\",\"alias\":\"\",\"identifier\":"
                                  "\"1 or 1=1\"}",
                                  "")),
                  STATUS_SQL_REFUSED },
                /* a name beside a path that says otherwise */
                { DOCUMENT(SELECT("{\"class\":\"FUNCTION\",\"type\":\"FUNCTION\",\"alias\":\"\",\"function_name\":"
                                  "\"lower\",\"schema\":\"\",\"catalog\":\"\","
                                  "\"qualified_name\":{\"path\":[\"getenv\"]},\"arguments\":[],\"filter\":null,\"order_"
                                  "bys\":null,"
                                  "\"distinct\":false,\"is_operator\":false,\"export_state\":false}",
                                  "")),
                  STATUS_CORRUPT },
                /* broken */
                { "", STATUS_CORRUPT },
                { "[]", STATUS_CORRUPT },
                { "{\"error\":false,\"statements\":{}}", STATUS_CORRUPT },
                { DOCUMENT("null"), STATUS_CORRUPT },
                { DOCUMENT(SELECT("", "")), STATUS_CORRUPT },
                { DOCUMENT(SELECT("7", "")), STATUS_CORRUPT },
                { "{\"error\":false,\"statements\":[]}", STATUS_SQL_REFUSED },
                /* the engine's own failures */
                { "{\"error\":true,\"error_type\":\"parser\",\"error_message\":\"syntax error\",\"position\":\"3\"}",
                  STATUS_SQL_SYNTAX },
                { "{\"error\":true,\"error_type\":\"parser\",\"error_message\":\"x\",\"position\":\"-"
                  "99999999999999999999\"}",
                  STATUS_SQL_SYNTAX },
                { "{\"error\":true,\"error_type\":\"not implemented\"}", STATUS_SQL_REFUSED },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                SqlTree *tree;
                Status got = read_json(t, cases[i].json, &tree);
                if (got != cases[i].wanted)
                        test_fail(t, __FILE__, __LINE__, "row %zu gives %s: %s", i, status_name(got), t->err.message);
        }
}

TEST(depth_is_bounded) {
        CLEANUP(buf_deinit) Buf json = { 0 };
        buf_append_cstr(&json, "{\"error\":false,\"statements\":[{\"named_param_map\":[],\"node\":");
        Str head = STR("{\"type\":\"SELECT_NODE\",\"modifiers\":[],\"cte_map\":{\"map\":[]},\"select_list\":[");
        buf_append(&json, head);
        for (int i = 0; i < 290; i++)
                buf_append_cstr(&json,
                                "{\"class\":\"OPERATOR\",\"type\":\"OPERATOR_NOT\",\"alias\":\"\",\"children\":[");
        buf_append_cstr(&json, ONE);
        for (int i = 0; i < 290; i++)
                buf_append_cstr(&json, "]}");
        buf_append_cstr(
                &json,
                "],\"from_table\":" EMPTY_FROM ",\"where_clause\":null,\"group_expressions\":[],\"group_sets\":[],"
                "\"aggregate_handling\":\"STANDARD_HANDLING\",\"having\":null,\"sample\":null,\"qualify\":null}}]}");
        SqlTree *tree;
        CHECK_STATUS(sql_tree_read(buf_view(&json), STR("select 1"), STR_NONE, &t->arena, &tree, &t->err),
                     STATUS_LIMIT);
}

TEST(names_and_texts_cannot_leave_their_quotes) {
        CLEANUP(buf_deinit) Buf out = { 0 };
        sql_quote_name(&out, STR("a\"; drop table x; --"));
        CHECK_STR(buf_view(&out), STR("\"a\"\"; drop table x; --\""));
        buf_clear(&out);
        sql_quote_text(&out, STR("'; drop '"));
        CHECK_STR(buf_view(&out), STR("'''; drop '''"));
        buf_clear(&out);
        sql_quote_text(&out, (Str){ "a\0'b", 4 });
        CHECK_STR(buf_view(&out), STR("('a' || \"chr\"(0) || '''b')"));
}

TEST(the_lists_hold_what_they_should) {
        static const char *const allowed[] = { "SUM", "lower", "list_transform", "date_trunc",
                                               "~~",  "->>",   "count_star",     "row_number" };
        static const char *const refused[] = {
                "getenv",
                "current_setting",
                "read_csv",
                "query_table",
                "stats",
                "vector_type",
                "sum_no_overflow",
                "error",
                "sleep_ms",
                "write_log",
                "json_execute_serialized_sql",
                "json_serialize_plan",
                "nextval",
                "getvariable",
                "create_sort_key",
                "txid_current",
                "current_query",
                "version",
                "lode_v_bigint",
                "duckdb_settings",
                "invoke",
                "__internal_decompress_string",
                "pg_get_viewdef",
                "combine",
                "finalize",
                "",
                " ",
                "sum lower",
                "st_geomfromwkb",
        };
        for (size_t i = 0; i < COUNT_OF(allowed); i++)
                CHECK(sql_function_is_allowed(str_of(allowed[i])));
        for (size_t i = 0; i < COUNT_OF(refused); i++)
                CHECK(!sql_function_is_allowed(str_of(refused[i])));
        CHECK(sql_table_function_is_allowed(STR("range")) && !sql_table_function_is_allowed(STR("read_csv")));
        CHECK(sql_type_is_allowed(STR("Timestamp With Time Zone")) && !sql_type_is_allowed(STR("inet")));
        CHECK(sql_collation_is_allowed(STR("NOCASE.noaccent")) && !sql_collation_is_allowed(STR("nocase.")) &&
              !sql_collation_is_allowed(STR("de")));
}
