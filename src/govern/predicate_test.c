/* SPDX-License-Identifier: Apache-2.0 */
#include "govern/predicate.h"

#include "base/test.h"
#include "base/value.h"

static SqlExpr *constant(Test *t, SqlLiteral kind, const char *text) {
        SqlExpr *expr = ARENA_NEW(&t->arena, SqlExpr);
        *expr = (SqlExpr){ .kind = SQL_CONSTANT, .constant = { kind, str_of(text) } };
        return expr;
}

static SqlExpr *compare(Test *t, SqlCompare op, SqlExpr *right) {
        Str name = STR("c");
        SqlExpr *expr = ARENA_NEW(&t->arena, SqlExpr);
        *expr = (SqlExpr){ .kind = SQL_COMPARISON, .compare = { op, sql_make_column(&t->arena, 1, &name), right } };
        return expr;
}

TEST(literals_become_values_only_where_nothing_is_lost) {
        static const Type int_type = { TYPE_INT, 0, 0, NULL, 0 }, big = { TYPE_BIGINT, 0, 0, NULL, 0 },
                          money = { TYPE_DECIMAL, 6, 2, NULL, 0 }, text = { TYPE_TEXT, 0, 0, NULL, 0 },
                          day = { TYPE_DATE, 0, 0, NULL, 0 }, instant = { TYPE_TIMESTAMP, 0, 0, NULL, 0 },
                          real = { TYPE_DOUBLE, 0, 0, NULL, 0 }, flag = { TYPE_BOOLEAN, 0, 0, NULL, 0 };
        const struct {
                Type type;
                SqlLiteral kind;
                const char *literal, *wanted; /* as value_print gives it; NULL: no predicate */
        } cases[] = {
                { int_type, SQL_INTEGER, "7", "7" },
                { int_type, SQL_INTEGER, "-2147483648", "-2147483648" },
                { int_type, SQL_INTEGER, "2147483648", NULL },
                { int_type, SQL_NUMERIC, "7.0", NULL },
                { int_type, SQL_STRING, "7", NULL },
                { big, SQL_INTEGER, "9223372036854775807", "9223372036854775807" },
                { big, SQL_INTEGER, "9223372036854775808", NULL },
                { big, SQL_INTEGER, "1_000", NULL },
                { money, SQL_NUMERIC, "12.5", "12.50" },
                { money, SQL_INTEGER, "-3", "-3.00" },
                { money, SQL_NUMERIC, "12.555", NULL },
                { money, SQL_NUMERIC, "99999.99", NULL },
                { money, SQL_NUMERIC, "1e2", NULL },
                { text, SQL_STRING, "it's", "it's" },
                { text, SQL_INTEGER, "1", NULL },
                { day, SQL_STRING, "2026-11-26", "2026-11-26" },
                { day, SQL_STRING, "2026-11-6", NULL },
                { day, SQL_STRING, "2026-02-30", NULL },
                { day, SQL_STRING, "infinity", NULL },
                { instant, SQL_STRING, "2026-11-26 02:13:44", "2026-11-26T02:13:44" },
                { instant, SQL_STRING, "2026-11-26 25:13:44", NULL },
                { instant, SQL_STRING, "2026-11-26 02:13:44+01", NULL },
                { real, SQL_NUMERIC, "1.5", NULL },
                { flag, SQL_BOOLEAN, "true", "true" },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Predicate made[2];
                SqlExpr *expr = compare(t, SQL_LESS, constant(t, cases[i].kind, cases[i].literal));
                CHECK(predicate_column(expr) != NULL);
                size_t count = predicate_make(expr, 5, cases[i].type, &t->arena, made);
                Str got = count ? value_print(&t->arena, cases[i].type, made[0].values[0]) : STR_NONE;
                if (count != (cases[i].wanted != NULL) || (count && !str_starts_with(got, str_of(cases[i].wanted))))
                        test_fail(t, __FILE__, __LINE__, "row %zu: '%s' gives '%.*s'", i, cases[i].literal,
                                  STR_ARG(got));
        }
}
