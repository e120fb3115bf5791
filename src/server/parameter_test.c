/* SPDX-License-Identifier: Apache-2.0 */
#include "server/parameter.h"

#include "base/hash.h"
#include "base/test.h"

#define BINARY 1

/* What a value becomes, in one line: type(precision,scale) text, or a list of texts. */
static Str said(Test *t, const SqlValue *value) {
        if (value->null)
                return STR("NULL");
        if (!value->is_list)
                return value->precision ? arena_strf(&t->arena, "%.*s(%d,%d) %.*s", STR_ARG(value->type), value->precision, value->scale, STR_ARG(value->text))
                                        : arena_strf(&t->arena, "%.*s %.*s", STR_ARG(value->type), STR_ARG(value->text));
        Str all = arena_strf(&t->arena, "%.*s[]", STR_ARG(value->type));
        for (size_t i = 0; i < value->item_count; i++)
                all = arena_strf(&t->arena, "%.*s <%.*s>", STR_ARG(all), STR_ARG(value->items[i].null ? STR("NULL") : value->items[i].text));
        return all;
}

TEST(values_of_every_type_are_read_in_both_formats) {
        static const struct {
                uint32_t oid;
                uint16_t format;
                const char *bytes; /* binary: in hexadecimal */
                const char *wanted;
        } cases[] = {
                { 0, 0, "1970-01-01 +00", " 1970-01-01 +00" },
                { 705, 0, "x", " x" },
                { 23, 0, "42", "INTEGER 42" },
                { 23, BINARY, "ffffffff", "INTEGER -1" },
                { 21, BINARY, "7fff", "SMALLINT 32767" },
                { 21, 0, " -32768 ", "SMALLINT  -32768 " },
                { 23, PARAMETER_LITERAL, "2.5", "INTEGER 2.5" },
                { 20, 0, "+9223372036854775807", "BIGINT +9223372036854775807" },
                { 20, BINARY, "8000000000000000", "BIGINT -9223372036854775808" },
                { 26, BINARY, "ffffffff", "BIGINT 4294967295" },
                { 16, BINARY, "01", "BOOLEAN true" },
                { 25, BINARY, "c3a9", "VARCHAR \xc3\xa9" },
                { 25, BINARY, "", "VARCHAR " },
                { 701, BINARY, "3fb999999999999a", "DOUBLE 0.10000000000000001" },
                { 700, BINARY, "3fc00000", "FLOAT 1.5" },
                { 1700, 0, "-12.340", "DECIMAL(5,3) -12.340" },
                { 1700, 0, "1e5", "DECIMAL(6,0) 100000" },
                { 1700, BINARY, "0000000000000002", "DECIMAL(3,2) 0.00" },
                { 1700, BINARY,
                  "0002000040000001"
                  "00011388",
                  "DECIMAL(2,1) -1.5" },
                { 1700, BINARY,
                  "0001000100000000"
                  "0001",
                  "DECIMAL(5,0) 10000" },
                { 1700, BINARY,
                  "0001fffe00000008"
                  "04d2",
                  "DECIMAL(9,8) 0.00001234" },
                { 1700, BINARY, "00000000c0000000", "DOUBLE NaN" },
                { 1082, 0, "2030-01-01 +00", "DATE 2030-01-01" },
                { 1082, 0, "0044-03-15 BC", "DATE 0044-03-15 (BC)" },
                { 1082, BINARY, "00000001", "DATE 2000-01-02" },
                { 1082, BINARY, "80000000", "DATE -infinity" },
                { 1114, BINARY, "ffffffffffffffff", "TIMESTAMP 1999-12-31 23:59:59.999999" },
                { 1184, BINARY, "00000000000f4240", "TIMESTAMPTZ 2000-01-01 00:00:01.000000+00" },
                { 1083, BINARY, "0000000000000001", "TIME 00:00:00.000001" },
                { 1266, BINARY, "0000000000000000ffffb2a8", "TIMETZ 00:00:00.000000+05:30:00" },
                { 1186, BINARY, "00000000000000030000000200000001", "INTERVAL 1 months 2 days 3 microseconds" },
                { 2950, BINARY, "00112233445566778899aabbccddeeff", "UUID 00112233445566778899aabbccddeeff" },
                { 17, 0, "\\x00ff", "BLOB \\x00\\xFF" },
                { 17, 0, "a\\\\\\001", "BLOB \\x61\\x5C\\x01" },
                { 1114, BINARY, "ff1af9e8fb46d000", "TIMESTAMP 0044-03-15 (BC) 12:00:00.000000" },
                { 1562, BINARY, "00000005b0", "BIT 10110" },
                { 1560, BINARY, "00000000", "BIT " },
                { 17, BINARY, "00ff", "BLOB \\x00\\xFF" },
                { 3802, BINARY, "017b7d", "VARCHAR {}" },
                { 1007, 0, "{1, NULL ,3}", "INTEGER[] <1> <NULL> <3>" },
                { 1007, 0, " { } ", "INTEGER[]" },
                { 1009, 0, "{\"a,b\",\"null\",c\\}d,\"\"}", "VARCHAR[] <a,b> <null> <c}d> <>" },
                { 1007, BINARY,
                  "0000000100000001000000170000000200000001"
                  "0000000400000007"
                  "ffffffff",
                  "INTEGER[] <7> <NULL>" },
                { 1007, BINARY, "000000000000000000000017", "INTEGER[]" },
        };
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                WireParameter parameter = { .bytes = str_of(cases[i].bytes) };
                if (cases[i].format == BINARY)
                        hex_decode(&t->arena, str_of(cases[i].bytes), &parameter.bytes);
                SqlValue value;
                CHECK_OK(parameter_read(1, cases[i].oid, cases[i].format, &parameter, &t->arena, &value, &t->err));
                CHECK_STR(said(t, &value), str_of(cases[i].wanted));
        }
}

TEST(an_integer_that_is_too_large_is_told_as_that) {
        static const struct {
                uint32_t oid;
                const char *text;
        } cases[] = { { 21, "32768" }, { 21, "-32769" }, { 23, "2147483648" }, { 20, "9223372036854775808" }, { 20, "-99999999999999999999999" } };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                WireParameter parameter = { .bytes = str_of(cases[i].text) };
                SqlValue value;
                CHECK_INT(parameter_read(1, cases[i].oid, 0, &parameter, &t->arena, &value, &t->err), STATUS_LIMIT);
        }
}

TEST(values_that_are_none_are_refused) {
        static const struct {
                uint32_t oid;
                uint16_t format;
                const char *bytes;
        } cases[] = {
                { 25, 0, "\xff" },
                { 25, BINARY, "6100" },
                { 23, BINARY, "00" },
                { 23, BINARY, "0000000000" },
                { 20, BINARY, "" },
                { 23, 0, "1.5" },
                { 23, 0, "0x10" },
                { 20, 0, "-" },
                { 21, 0, "" },
                { 1700, BINARY, "00" },
                { 1700, BINARY, "7fff7fff00000000" },
                { 1700, BINARY, "00017fff000000000001" },
                { 1700, BINARY,
                  "0001000000000000"
                  "2710" },
                { 1083, BINARY, "7fffffffffffffff" },
                { 17, 0, "\\xgg" },
                { 17, 0, "a\\" },
                { 1007, 0, "1,2" },
                { 1007, 0, "{1" },
                { 1007, 0, "{{1}}" },
                { 1007, 0, "{1}x" },
                { 1007, 0, "{\"1" },
                { 1007, BINARY, "00000002" },
                { 1007, BINARY,
                  "00000001000000000000001770000000"
                  "00000001" },
                { 3802, BINARY, "02" },
                { 1082, BINARY, "7ffffffe" },
                { 1562, BINARY, "00000009b0" },
                { 1562, BINARY, "ffffffff" },
        };
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                WireParameter parameter = { .bytes = str_of(cases[i].bytes) };
                if (cases[i].format == BINARY)
                        hex_decode(&t->arena, str_of(cases[i].bytes), &parameter.bytes);
                SqlValue value;
                Status status = parameter_read(1, cases[i].oid, cases[i].format, &parameter, &t->arena, &value, &t->err);
                if (status != STATUS_BAD_VALUE)
                        test_fail(t, __FILE__, __LINE__, "%u %s: %s", cases[i].oid, cases[i].bytes, status_name(status));
        }
}
