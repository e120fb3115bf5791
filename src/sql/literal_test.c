/* SPDX-License-Identifier: Apache-2.0 */
#include "sql/literal.h"

#include "base/test.h"

/* What a value becomes, in one line: type(precision,scale) text, a list's items each in <>, or why it is none. */
static Str said(Test *t, const char *type, const char *text) {
        SqlValue value = { 0 };
        const char *why = NULL;
        bool list = text[0] == '{';
        if (!(list ? literal_read_array : literal_read)(str_of(type), str_of(text), &t->arena, &value, &why))
                return arena_strf(&t->arena, "no: %s", why);
        Str size = value.precision ? arena_strf(&t->arena, "(%d,%d)", value.precision, value.scale) : STR("");
        Str all = arena_strf(&t->arena, "%.*s%.*s%s", STR_ARG(value.type), STR_ARG(size), list ? "[]" : " ");
        if (!list)
                return arena_strf(&t->arena, "%.*s%.*s", STR_ARG(all), STR_ARG(value.text));
        for (size_t i = 0; i < value.item_count; i++)
                all = arena_strf(&t->arena, "%.*s <%.*s>", STR_ARG(all), STR_ARG(value.items[i].null ? STR("NULL") : value.items[i].text));
        return all;
}

TEST(texts_of_postgresql_become_those_of_the_engine) {
        static const struct {
                const char *type, *text, *wanted;
        } cases[] = {
                { "integer", " 7 ", "integer  7 " },
                { "bool", "off", "BOOLEAN false" },
                { "boolean", " Y ", "BOOLEAN true" },
                { "boolean", "o", "BOOLEAN o" },
                { "boolean", "", "BOOLEAN " },
                { "numeric", "-12.340", "DECIMAL(5,3) -12.340" },
                { "DECIMAL", "9999.9999", "DECIMAL(8,4) 9999.9999" },
                { "numeric", ".5", "DECIMAL(2,1) 0.5" },
                { "numeric", "5.", "DECIMAL(1,0) 5" },
                { "numeric", "007", "DECIMAL(1,0) 7" },
                { "numeric", "1e3", "DECIMAL(4,0) 1000" },
                { "numeric", "1e-3", "DECIMAL(4,3) 0.001" },
                { "numeric", "-12345.6789e2", "DECIMAL(9,2) -1234567.89" },
                { "numeric", "0e5", "DECIMAL(1,0) 0" },
                { "numeric", "0.00", "DECIMAL(3,2) 0.00" },
                { "numeric", "99999999999999999999999999999999999999", "DECIMAL(38,0) 99999999999999999999999999999999999999" },
                { "numeric", "999999999999999999999999999999999999999", "DOUBLE 999999999999999999999999999999999999999" },
                { "numeric", "0.00000000000000000000000000000000000001", "DECIMAL(38,38) 0.00000000000000000000000000000000000001" },
                { "numeric", "1e1001", "DOUBLE 1e1001" },
                { "numeric", "1e", "DOUBLE 1e" },
                { "numeric", "NaN", "DOUBLE NaN" },
                { "date", "2030-01-01 +00", "DATE 2030-01-01" },
                { "date", "0044-03-15 BC", "DATE 0044-03-15 (BC)" },
                { "date", "20260131", "DATE 2026-01-31" },
                { "date", "infinity", "DATE infinity" },
                { "timestamp", "0044-03-15 12:00:00 bc", "TIMESTAMP 0044-03-15 (BC) 12:00:00" },
                { "timestamp", "20260131T0102", "TIMESTAMP 2026-01-31 0102" },
                { "timestamp with time zone", "2026-11-26T08:00:00Z", "TIMESTAMPTZ 2026-11-26T08:00:00Z" },
                { "timestamp", "", "TIMESTAMP " },
                { "interval", "-1 year -2 mons +3 days -04:05:06", "INTERVAL -14 months 3 days -14706000000 microseconds" },
                { "interval", "P1Y2M3DT4H5M6.5S", "INTERVAL 14 months 3 days 14706500000 microseconds" },
                { "interval", "p-1w", "INTERVAL 0 months -7 days 0 microseconds" },
                { "interval", "1-2", "INTERVAL 14 months 0 days 0 microseconds" },
                { "interval", "1 2:03:04", "INTERVAL 0 months 1 days 7384000000 microseconds" },
                { "interval", "@ 1.5 months 2 hours ago", "INTERVAL -1 months -15 days -7200000000 microseconds" },
                { "interval", "1.5", "INTERVAL 0 months 0 days 1500000 microseconds" },
                { "interval", "-00:00:00.000001", "INTERVAL 0 months 0 days -1 microseconds" },
                { "interval", "1 fortnight", "INTERVAL 1 fortnight" },
                { "interval", "9223372036854775807 years", "no: an interval out of range" },
                { "interval", "-9223372036854775808 us ago", "INTERVAL -9223372036854775808 us ago" },
                { "bytea", "\\x00ff", "BLOB \\x00\\xFF" },
                { "bytea", "a\\\\\\001", "BLOB \\x61\\x5C\\x01" },
                { "bytea", "\\8", "no: a bytea with a lone backslash" },
                { "bytea", "\\x0", "no: a bytea whose hexadecimal digits are not" },
                { "integer", "{1, NULL ,3}", "integer[] <1> <NULL> <3>" },
                { "numeric", "{1.5,100,NULL}", "DECIMAL(4,1)[] <1.5> <100> <NULL>" },
                { "numeric", "{1.5,NaN}", "DOUBLE[] <1.5> <NaN>" },
                { "text", "{\"a,b\",\"null\",c\\}d,\"\"}", "text[] <a,b> <null> <c}d> <>" },
                { "text", "{{1}}", "no: an array of more than one dimension" },
                { "text", "{1", "no: an array that is not closed" },
                { "text", "{1}x", "no: something behind an array's }" },
                { "bytea", "{\"\\\\x00\"}", "BLOB[] <\\x00>" },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++)
                CHECK_STR(said(t, cases[i].type, cases[i].text), str_of(cases[i].wanted));
}
