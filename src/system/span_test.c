/* SPDX-License-Identifier: Apache-2.0 */
#include "system/span.h"

#include "base/test.h"
#include "base/time.h"

#define DAY ((int64_t)86400 * 1000000)

static SqlExpr *made(Test *t, SqlExpr expr) {
        SqlExpr *out = ARENA_NEW(&t->arena, SqlExpr);
        *out = expr;
        return out;
}

static SqlExpr *call(Test *t, const char *name, SqlExpr *first, SqlExpr *second) {
        SqlExpr *out = made(t, (SqlExpr){ .kind = SQL_FUNCTION });
        out->function.path.items = ARENA_NEW(&t->arena, Str);
        out->function.path.items[0] = str_of(name);
        out->function.path.count = 1;
        out->function.arguments.items = ARENA_ARRAY(&t->arena, SqlArgument, 2);
        out->function.arguments.items[0].expr = first;
        out->function.arguments.items[1].expr = second;
        out->function.arguments.count = (first != NULL) + (second != NULL);
        return out;
}

static SqlExpr *cast(Test *t, SqlExpr *child, const char *name) {
        SqlExpr *type = made(t, (SqlExpr){ .kind = SQL_TYPE }), *out = made(t, (SqlExpr){ .kind = SQL_CAST });
        type->type.path.items = ARENA_NEW(&t->arena, Str);
        type->type.path.items[0] = str_of(name);
        type->type.path.count = 1;
        out->cast.child = child;
        out->cast.type = type;
        return out;
}

static SqlExpr *column(Test *t, const char *name) {
        Str text = str_of(name);
        return sql_make_column(&t->arena, 1, &text);
}

static SqlExpr *compare(Test *t, SqlExpr *left, SqlCompare op, SqlExpr *right) {
        SqlExpr *out = made(t, (SqlExpr){ .kind = SQL_COMPARISON });
        out->compare.left = left;
        out->compare.right = right;
        out->compare.op = op;
        return out;
}

static SqlExpr *text(Test *t, const char *words) {
        return sql_make_string(&t->arena, str_of(words));
}

static int64_t at(const char *words) {
        int64_t us = 0;
        return time_parse_us(str_of(words), &us) ? us : -1;
}

TEST(a_time_that_is_written_out_bounds_what_is_read) {
        Span span = SPAN_ALL;
        int64_t noon = at("2026-11-01T12:00:00Z");
        CHECK(span_of_condition(compare(t, column(t, "time"), SQL_GREATER, text(t, "2026-11-01T12:00:00Z")), STR("time"), 0, &span));
        CHECK_INT(span.from_us, noon);
        CHECK(span.to_us == INT64_MAX);
        CHECK(span_of_condition(compare(t, text(t, "2026-11-05 00:00:00+02:00"), SQL_GREATER_EQUAL, column(t, "time")), STR("time"), 0, &span));
        CHECK_INT(span.to_us, at("2026-11-04T22:00:00Z") + 1);
        span = SPAN_ALL; /* without an offset it is of a session somewhere in the world */
        CHECK(span_of_condition(compare(t, column(t, "time"), SQL_EQUAL, cast(t, text(t, "2026-11-01"), "timestamptz")), STR("time"), 0, &span));
        CHECK(span.from_us <= at("2026-10-31T10:00:00Z") && span.from_us >= at("2026-10-28T00:00:00Z"));
        CHECK(span.to_us >= at("2026-11-01T12:00:00Z") && span.to_us <= at("2026-11-05T00:00:00Z"));
}

TEST(an_interval_before_now_bounds_from_below_only_as_far_as_it_is_certain) {
        int64_t now = at("2026-11-26T12:00:00Z");
        static const struct {
                const char *interval;
                int64_t least, most; /* how long before now it may begin, in hours; 0 = says nothing */
        } cases[] = { { "1 hour", 1, 1 },        { "90 minutes", 1, 2 },   { "7 days", 7 * 24 + 14, 10 * 24 }, { "0 months 7 days 0 microseconds", 7 * 24 + 14, 10 * 24 },
                      { "1 month", 31 * 24, 34 * 24 }, { "2 years", 732 * 24, 735 * 24 }, { "-1 hour", 0, 0 },  { "1 fortnight", 0, 0 },
                      { "", 0, 0 },              { "1:00", 0, 0 },         { "99999999999999 years", 0, 0 } };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Span span = SPAN_ALL;
                SqlExpr *value = call(t, "-", call(t, "now", NULL, NULL), cast(t, text(t, cases[i].interval), "INTERVAL"));
                bool says = span_of_condition(compare(t, column(t, "time"), SQL_GREATER_EQUAL, value), STR("time"), now, &span);
                CHECK_INT(says, cases[i].least > 0);
                if (!says)
                        continue;
                int64_t hour = DAY / 24;
                CHECK(span.from_us <= now - cases[i].least * hour && span.from_us >= now - cases[i].most * hour);
        }
        Span span = SPAN_ALL; /* INTERVAL 7 DAY */
        SqlExpr *days = call(t, "to_days", cast(t, sql_make_constant(&t->arena, SQL_INTEGER, STR("7")), "INTEGER"), NULL);
        CHECK(span_of_condition(compare(t, column(t, "time"), SQL_GREATER, call(t, "-", call(t, "get_current_timestamp", NULL, NULL), days)), STR("time"), now, &span));
        CHECK(span.from_us <= now - 7 * DAY && span.from_us >= now - 10 * DAY);
        span = SPAN_ALL; /* the engine's now() is later than ours */
        CHECK(span_of_condition(compare(t, column(t, "time"), SQL_LESS, call(t, "now", NULL, NULL)), STR("time"), now, &span));
        CHECK(span.to_us > now + DAY);
}

TEST(other_conditions_say_nothing) {
        Span span = SPAN_ALL;
        SqlExpr *cases[] = {
                compare(t, column(t, "sequence"), SQL_GREATER, text(t, "2026-11-01T12:00:00Z")),
                compare(t, column(t, "time"), SQL_NOT_EQUAL, text(t, "2026-11-01T12:00:00Z")),
                compare(t, column(t, "time"), SQL_DISTINCT_FROM, text(t, "2026-11-01T12:00:00Z")),
                compare(t, column(t, "time"), SQL_GREATER, text(t, "yesterday")),
                compare(t, column(t, "time"), SQL_GREATER, call(t, "+", call(t, "now", NULL, NULL), cast(t, text(t, "1 day"), "INTERVAL"))),
                compare(t, column(t, "time"), SQL_GREATER, call(t, "f", text(t, "2026-11-01T12:00:00Z"), NULL)),
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++)
                CHECK(!span_of_condition(cases[i], STR("time"), 0, &span));
        CHECK(span.from_us == INT64_MIN && span.to_us == INT64_MAX);
        Str name = STR("before");
        CHECK(!span_equals(compare(t, column(t, "principal"), SQL_NOT_EQUAL, text(t, "bo")), STR("principal"), &name));
        CHECK(!span_equals(compare(t, column(t, "via"), SQL_EQUAL, text(t, "bo")), STR("principal"), &name));
        CHECK_STR(name, STR("before"));
        CHECK(span_equals(compare(t, text(t, "bo"), SQL_EQUAL, column(t, "principal")), STR("principal"), &name));
        CHECK_STR(name, STR("bo"));
}
