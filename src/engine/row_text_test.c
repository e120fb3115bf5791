/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/row_text.h"

#include "base/test.h"

TEST(booleans_are_words_to_people) {
        static const struct {
                const char *type, *value, *shown;
        } cases[] = { { "BOOLEAN", "t", "true" }, { "BOOLEAN", "f", "false" }, { "VARCHAR", "t", "t" }, { "BOOLEAN[]", "[t]", "[t]" } };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                WorkerColumn column = { .engine_type = str_of(cases[i].type) };
                CHECK_STR(readable_value(&column, str_of(cases[i].value), false), str_of(cases[i].shown));
        }
}

TEST(values_become_json_without_losing_anything) {
        static const struct {
                const char *type, *value, *json;
        } cases[] = {
                { "BIGINT", "9007199254740993", "9007199254740993" },
                { "HUGEINT", "170141183460469231731687303715884105727", "170141183460469231731687303715884105727" },
                { "DECIMAL(38,10)", "-0.0000000001", "-0.0000000001" },
                { "DOUBLE", "NaN", "\"NaN\"" },
                { "DOUBLE", "-Infinity", "\"-Infinity\"" },
                { "DOUBLE", "1e+300", "1e+300" },
                { "BOOLEAN", "t", "true" },
                { "DATE", "2026-01-02", "\"2026-01-02\"" },
                { "TIMESTAMP", "2026-01-02 03:04:05.5", "\"2026-01-02T03:04:05.5\"" },
                { "TIMESTAMP WITH TIME ZONE", "2026-01-02 03:04:05+00", "\"2026-01-02T03:04:05+00:00\"" },
                { "BLOB", "\\x6c6f6465", "\"bG9kZQ==\"" },
                { "VARCHAR", "a\"b\n", "\"a\\\"b\\n\"" },
                { "INTEGER[]", "[1, 2]", "\"[1, 2]\"" },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                CLEANUP(buf_deinit) Buf out = { 0 };
                JsonWriter writer = json_writer(&out, false);
                WorkerColumn column = { .name = STR("c"), .engine_type = str_of(cases[i].type) };
                json_put_value(&writer, &column, str_of(cases[i].value), false);
                CHECK_STR(buf_view(&out), str_of(cases[i].json));
        }
}

TEST(csv_quotes_what_must_be_and_tells_null_from_nothing) {
        static const struct {
                const char *value, *csv; /* value NULL: NULL */
        } cases[] = { { "a", "a" }, { NULL, "" }, { "", "\"\"" }, { "a,b", "\"a,b\"" }, { "say \"hi\"", "\"say \"\"hi\"\"\"" }, { "a\nb", "\"a\nb\"" } };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                CLEANUP(buf_deinit) Buf out = { 0 };
                csv_put(&out, str_of(cases[i].value), cases[i].value == NULL);
                CHECK_STR(buf_view(&out), str_of(cases[i].csv));
        }
}

TEST(duplicate_columns_get_numbers_in_json) {
        WorkerColumn items[] = { { .name = STR("a") }, { .name = STR("a") }, { .name = STR("a_1") }, { .name = STR("a") } };
        WorkerColumns columns = { items, COUNT_OF(items) };
        Str *keys = column_keys(&t->arena, &columns);
        CHECK_STR(keys[0], STR("a"));
        CHECK_STR(keys[1], STR("a_1"));
        CHECK_STR(keys[2], STR("a_1_1"));
        CHECK_STR(keys[3], STR("a_2"));
}
