/* SPDX-License-Identifier: Apache-2.0 */
#include "frame/typing.h"

#include "base/file.h"
#include "base/test.h"
#include "frame/scan.h"

typedef struct Case {
        const char *type, *field, *wanted; /* what typing_print gives, "NULL", or "! rule" */
} Case;

/* The whole-column way must say what the single-value way says; both are asked. */
static Str column_answer(Test *t, const Typing *typing, const Format *format, Str field) {
        Str text = arena_strf(&t->arena, "%.*s%c\n", STR_ARG(field), format->delimiter);
        char *padded = arena_alloc(&t->arena, text.size + SCAN_PADDING);
        memcpy(padded, text.data, text.size);
        uint32_t start = 0, ends[] = { (uint32_t)field.size, (uint32_t)field.size + 1 };
        int64_t record = 1;
        RecordBatch batch = { .text = padded,
                              .rows = 1,
                              .width = 2,
                              .starts = &start,
                              .ends = ends,
                              .quoted = true,
                              .records = &record };
        CLEANUP(vector_deinit) Vector vector = { .room = 0 };
        CLEANUP(typing_failures_deinit) TypingFailures failures = { .count = 0 };
        typing_column(typing, &batch, 0, 0, &t->arena, &vector, &failures);
        if (failures.count > 0)
                return arena_strf(&t->arena, "! %s", rule_name(failures.items[0].rule));
        if (vector.nulls[0])
                return STR("NULL");
        Value value = { .int64 = vector.int64s[0] };
        if (typing->type.kind == TYPE_BOOLEAN)
                value.boolean = vector.int64s[0] != 0;
        else if (typing->type.kind == TYPE_INT || typing->type.kind == TYPE_DATE)
                value.int32 = (int32_t)vector.int64s[0];
        else if (typing->type.kind == TYPE_TEXT)
                value.text = vector.texts[0];
        else if (typing->type.kind == TYPE_UUID)
                memcpy(value.uuid, vector.uuids[0], 16);
        else if (typing->type.kind == TYPE_DECIMAL)
                value.decimal = typing_is_wide(typing->type) ? vector.decimals[0] : vector.int64s[0];
        return typing_print(typing, value, &t->arena);
}

static Str value_answer(Test *t, const Typing *typing, Str field) {
        Value value;
        bool null;
        Rule rule = typing_value(typing, field, &t->arena, &value, &null);
        if (rule != RULE_NONE)
                return arena_strf(&t->arena, "! %s", rule_name(rule));
        return null ? STR("NULL") : typing_print(typing, value, &t->arena);
}

static void check_cases(Test *t, const Format *format, const SourceColumn *like, const Case *cases, size_t count) {
        TypingRules rules;
        CHECK_OK(format_check(format, &t->err));
        CHECK_OK(typing_rules_init(&rules, format, &t->arena, &t->err));
        for (size_t i = 0; i < count; i++) {
                SourceColumn column = *like;
                Typing typing;
                column.name = STR("c");
                CHECK_OK(type_parse(str_of(cases[i].type), &column.type, &t->err));
                CHECK_OK(typing_init(&typing, &rules, &column, &t->arena, &t->err));
                Str field = str_of(cases[i].field), one = value_answer(t, &typing, field),
                    other = column_answer(t, &typing, format, field);
                if (!str_is(one, cases[i].wanted) || !str_equal(one, other))
                        test_fail(t, __FILE__, __LINE__, "%s '%s' gives '%.*s' and in a column '%.*s', wanted '%s'",
                                  cases[i].type, cases[i].field, STR_ARG(one), STR_ARG(other), cases[i].wanted);
        }
}

TEST(a_text_becomes_its_value_or_names_the_rule_it_breaks) {
        static const Case cases[] = {
                { "int", "0", "0" },
                { "int", "-0", "0" },
                { "int", "007", "7" },
                { "int", "+5", "5" },
                { "int", " 12 ", "12" },
                { "int", "2147483647", "2147483647" },
                { "int", "-2147483648", "-2147483648" },
                { "int", "2147483648", "! out_of_range" },
                { "int", "-2147483649", "! out_of_range" },
                { "int", "99999999999999999999999999", "! out_of_range" },
                { "int", "000000000000000000000000001", "1" },
                { "int", "1.0", "! not_an_integer" },
                { "int", "1e3", "! not_an_integer" },
                { "int", "12a", "! not_a_number" },
                { "int", "a", "! not_a_number" },
                { "int", "-", "! not_a_number" },
                { "int", "--1", "! not_a_number" },
                { "int", "1 2", "! not_a_number" },
                { "int", "", "NULL" },
                { "int", "  ", "NULL" },
                { "int", "\"\"", "! empty_quoted" },
                { "int", "\"12\"", "12" },
                { "int", "\" 12\"", "12" },
                { "int", "12345678", "12345678" },
                { "int", "/", "! not_a_number" },
                { "int", ":", "! not_a_number" },
                { "int", "1234567:", "! not_a_number" },
                { "bigint", "9223372036854775807", "9223372036854775807" },
                { "bigint", "-9223372036854775808", "-9223372036854775808" },
                { "bigint", "9223372036854775808", "! out_of_range" },
                { "bigint", "1234567890123456", "1234567890123456" },
                { "bigint", "12345678901234567", "12345678901234567" },
                { "bigint", "123456789", "123456789" },
                { "decimal(5,2)", "1.5", "1.50" },
                { "decimal(5,2)", "-1.05", "-1.05" },
                { "decimal(5,2)", "999.99", "999.99" },
                { "decimal(5,2)", "1000", "! out_of_range" },
                { "decimal(5,2)", "1.005", "! too_many_digits" },
                { "decimal(5,2)", "1.500", "1.50" },
                { "decimal(5,2)", "1.5e1", "15.00" },
                { "decimal(5,2)", "150e-2", "1.50" },
                { "decimal(5,2)", ".5", "0.50" },
                { "decimal(5,2)", "5.", "5.00" },
                { "decimal(5,2)", ".", "! not_a_number" },
                { "decimal(5,2)", "1e999999999", "! out_of_range" },
                { "decimal(5,2)", "1e-999999999", "! too_many_digits" },
                { "decimal(5,2)", "0e999999999", "0.00" },
                { "decimal(5,2)", "1,5", "! not_a_number" },
                { "decimal(5,2)", "1.2.3", "! not_a_number" },
                { "decimal(5,2)", "-0.00", "0.00" },
                { "decimal(5,5)", "0.12345", "0.12345" },
                { "decimal(18,2)", "1234567890123456.78", "1234567890123456.78" },
                { "decimal(18,0)", "123456789012345678", "123456789012345678" },
                { "decimal(38,0)", "12345678901234567890", "12345678901234567890" },
                { "decimal(38,10)", "1234567890123456789012345678.0123456789",
                  "1234567890123456789012345678.0123456789" },
                { "decimal(38,0)", "99999999999999999999999999999999999999", "99999999999999999999999999999999999999" },
                { "decimal(38,0)", "100000000000000000000000000000000000000", "! out_of_range" },
                { "double", "1.5", "1.5" },
                { "double", "-0.1", "-0.1" },
                { "double", "0.1", "0.1" },
                { "double", "1e3", "1000" },
                { "double", "123456789012345678", "1.2345678901234568e+17" },
                { "double", "-6.081689834590001", "-6.081689834590001" },
                { "double", "1.7976931348623157e308", "1.7976931348623157e+308" },
                { "double", "1e309", "! out_of_range" },
                { "double", "4.9e-324", "4.94065645841247e-324" },
                { "double", "NaN", "nan" },
                { "double", "-Infinity", "-inf" },
                { "double", "0x10", "! not_a_number" },
                { "double", "9007199254740993", "9007199254740992" },
                { "double", "1.", "1" },
                { "double", "0.000001", "1e-06" },
                { "double", "123456.789012345", "123456.789012345" },
                { "double", "1.5f", "! not_a_number" },
                { "boolean", "true", "true" },
                { "boolean", "F", "false" },
                { "boolean", "YES", "true" },
                { "boolean", "0", "false" },
                { "boolean", "2", "! not_a_boolean" },
                { "boolean", "\"on\"", "true" },
                { "date", "2024-02-29", "2024-02-29" },
                { "date", "2023-02-29", "! not_a_date" },
                { "date", "2024-13-01", "! not_a_date" },
                { "date", "0001-01-01", "0001-01-01" },
                { "date", "9999-12-31", "9999-12-31" },
                { "date", "0000-01-01", "! not_a_date" },
                { "date", "2024-1-1", "! not_a_date" },
                { "date", "01/02/2024", "! not_a_date" },
                { "date", "2024-02-03 10:00", "! not_a_date" },
                { "date", "\"2024-02-03\"", "2024-02-03" },
                { "time", "10:11", "10:11:00" },
                { "time", "23:59:59.999999", "23:59:59.999999" },
                { "time", "24:00", "! not_a_time" },
                { "time", "10:11:12.5", "10:11:12.5" },
                { "time", "10:11:12.1234567", "! not_a_time" },
                { "time", "10:11:12.1234560", "10:11:12.123456" },
                { "timestamp", "2024-02-03 04:05:06", "2024-02-03 04:05:06" },
                { "timestamp", "2024-02-03T04:05:06.7", "2024-02-03 04:05:06.7" },
                { "timestamp", "2024-02-03", "2024-02-03 00:00:00" },
                { "timestamp", "2024-02-03 04:05:06Z", "! not_a_timestamp" },
                { "timestamp", "1969-12-31 23:59:59.5", "1969-12-31 23:59:59.5" },
                { "timestamptz", "2024-02-03T04:05:06Z", "2024-02-03 04:05:06+00" },
                { "timestamptz", "2024-02-03 04:05:06+02:30", "2024-02-03 01:35:06+00" },
                { "timestamptz", "2024-02-03 04:05:06 -0500", "2024-02-03 09:05:06+00" },
                { "timestamptz", "2024-02-03 04:05:06", "! no_offset" },
                { "timestamptz", "2024-02-03 04:05:06+99:00", "! not_a_timestamp" },
                { "uuid", "123e4567-E89B-12d3-a456-426614174000", "123e4567-e89b-12d3-a456-426614174000" },
                { "uuid", "123e4567e89b12d3a456426614174000", "! not_a_uuid" },
                { "uuid", "123e4567-e89b-12d3-a456-42661417400g", "! not_a_uuid" },
                { "text", "abc", "abc" },
                { "text", " abc ", " abc " },
                { "text", "\"\"", "" },
                { "text", "", "NULL" },
                { "text", "\"a\"\"b\"", "a\"b" },
                { "text", "\"\"\"\"", "\"" },
                { "text", "\"x\"", "x" },
                { "text", "NULL", "NULL" },
        };
        Format format = format_default();
        SourceColumn like = { .required = false };
        check_cases(t, &format, &like, cases, COUNT_OF(cases));
}

TEST(a_source_says_how_numbers_dates_and_nulls_are_written) {
        static const Case cases[] = {
                { "decimal(9,2)", "1.234,5", "1234.50" },
                { "decimal(9,2)", "1234,5", "1234.50" },
                { "decimal(9,2)", "1.23,5", "! not_a_number" },
                { "decimal(9,2)", "1.5", "! not_a_number" },
                { "decimal(9,2)", "12.34", "! not_a_number" },
                { "int", "1.234.567", "1234567" },
                { "int", "1.2345", "! not_a_number" },
                { "int", ".123", "! not_a_number" },
                { "double", "1.234,5", "1234.5" },
                { "double", "0,5", "0.5" },
                { "date", "03/02/2024", "2024-02-03" },
                { "date", "3/2/2024", "! not_a_date" },
                { "date", "2024-02-03", "2024-02-03" },
                { "date", "3 Feb 24", "2024-02-03" },
                { "date", "31/02/2024", "! not_a_date" },
                { "date", "02/13/2024", "! not_a_date" },
                { "timestamp", "03/02/2024 10:11", "2024-02-03 10:11:00" },
                { "timestamp", "03.02.2024 1:05 pm", "2024-02-03 13:05:00" },
                { "timestamp", "03.02.2024 12:05 am", "2024-02-03 00:05:00" },
                { "timestamp", "03.02.2024 13:05 am", "! not_a_timestamp" },
                { "int", "NA", "NULL" },
                { "int", "\"NA\"", "NULL" },
                { "text", "NA", "NULL" },
                { "text", "\"NA\"", "NA" },
                { "int", "\"\"", "NULL" },
                { "text", "\"\"", "" },
                { "boolean", "ja", "true" },
                { "boolean", "yes", "! not_a_boolean" },
                { "boolean", "false", "false" },
        };
        static Str dates[] = {
                { "dd/MM/yyyy", 10 }, { "yyyy-MM-dd", 10 }, { "d MMM yy", 8 }, { "dd.MM.yyyy h:mm a", 17 }
        };
        static Str nulls[] = { { "NA", 2 }, { "", 0 } }, yes[] = { { "ja", 2 } };
        Format format = format_default();
        format.delimiter = ';';
        format.decimal = ',';
        format.thousands = '.';
        format.dates = (StrList){ dates, COUNT_OF(dates) };
        format.nulls = (StrList){ nulls, COUNT_OF(nulls) };
        format.true_words = (StrList){ yes, 1 };
        SourceColumn like = { .required = false };
        check_cases(t, &format, &like, cases, COUNT_OF(cases));
}

TEST(a_word_for_null_may_look_like_a_value) {
        static const Case cases[] = {
                { "int", "-1", "NULL" },    { "int", "\"-1\"", "NULL" },      { "int", "1", "1" },
                { "bigint", "-1", "NULL" }, { "decimal(5,2)", "-1", "NULL" }, { "decimal(5,2)", "-1.0", "-1.00" },
                { "double", "-1", "NULL" }, { "date", "1900-01-01", "NULL" }, { "timestamp", "1900-01-01", "NULL" },
                { "text", "-1", "NULL" },   { "text", "\"-1\"", "-1" },
        };
        static Str nulls[] = { { "-1", 2 }, { "1900-01-01", 10 } };
        Format format = format_default();
        format.nulls = (StrList){ nulls, COUNT_OF(nulls) };
        SourceColumn like = { .required = false };
        check_cases(t, &format, &like, cases, COUNT_OF(cases));
}

TEST(a_required_column_takes_no_null) {
        static const Case cases[] = { { "int", "", "! required_missing" },
                                      { "text", "", "! required_missing" },
                                      { "text", "\"\"", "" } };
        Format format = format_default();
        SourceColumn like = { .required = true };
        check_cases(t, &format, &like, cases, COUNT_OF(cases));
}

TEST(local_times_become_utc_by_their_zone) {
        static const Case cases[] = {
                { "timestamptz", "2024-01-15 12:00:00", "2024-01-15 11:00:00+00" },
                { "timestamptz", "2024-07-15 12:00:00", "2024-07-15 10:00:00+00" },
                { "timestamptz", "2024-03-31 01:59:59", "2024-03-31 00:59:59+00" },
                { "timestamptz", "2024-03-31 02:30:00", "! no_such_time" },
                { "timestamptz", "2024-03-31 03:00:00", "2024-03-31 01:00:00+00" },
                { "timestamptz", "2024-10-27 02:30:00", "2024-10-27 00:30:00+00" },
                { "timestamptz", "2024-10-27 03:00:00", "2024-10-27 02:00:00+00" },
                { "timestamptz", "2099-07-15 12:00:00", "2099-07-15 10:00:00+00" },
                { "timestamptz", "2099-01-15 12:00:00", "2099-01-15 11:00:00+00" },
                { "timestamptz", "1890-01-01 00:00:00", "1889-12-31 23:06:32+00" },
                { "timestamptz", "2024-07-15 12:00:00Z", "2024-07-15 12:00:00+00" },
        };
        SourceColumn like = { .zone = STR("Europe/Berlin") };
        if (file_read("/usr/share/zoneinfo/Europe/Berlin", ZONE_FILE_MAX, &t->arena, &like.zone_file, &t->err) !=
            STATUS_OK) {
                test_skip(t, "no tz database here");
                return;
        }
        Format format = format_default();
        check_cases(t, &format, &like, cases, COUNT_OF(cases));
        for (size_t cut = 0; cut < like.zone_file.size; cut += 7) {
                const Zone *zone;
                zone_parse(str_slice(like.zone_file, 0, cut), &t->arena, &zone, &t->err);
        }
}
