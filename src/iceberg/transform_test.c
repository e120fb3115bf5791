/* SPDX-License-Identifier: Apache-2.0 */
#include "iceberg/transform.h"

#include "base/test.h"
#include "base/hash.h"

#define DAY_2017_11_16 17486
#define NOON_ISH_2017 INT64_C(1510871468000000) /* 2017-11-16T22:31:08 */

static Str bytes_of(Test *t, const char *hex) {
        Str out = STR_NONE;
        hex_decode(&t->arena, str_of(hex), &out);
        return out;
}

TEST(bucket_hashes_are_those_of_the_specification) {
        Arena *a = &t->arena;
        const struct {
                TypeKind kind;
                Str value;
                int32_t hash;
        } rows[] = {
                { TYPE_INT, value_int32(a, 34), 2017239379 },
                { TYPE_BIGINT, value_int64(a, 34), 2017239379 },
                { TYPE_DECIMAL, value_decimal(a, 1420), -500754589 },
                { TYPE_DATE, value_int32(a, DAY_2017_11_16), -653330422 },
                { TYPE_TIME, value_int64(a, INT64_C(81068000000)), -662762989 },
                { TYPE_TIMESTAMP, value_int64(a, NOON_ISH_2017), -2047944441 },
                { TYPE_TIMESTAMPTZ, value_int64(a, NOON_ISH_2017), -2047944441 },
                { TYPE_TIMESTAMP, value_int64(a, NOON_ISH_2017 + 1), -1207196810 },
                { TYPE_TEXT, STR("iceberg"), 1210000089 },
                { TYPE_TEXT, STR("34"), -427558391 },
                { TYPE_UUID, bytes_of(t, "f79c3e09677c4bbda4793f349cb785e7"), 1488055340 },
                { TYPE_BINARY, bytes_of(t, "00010203"), -188683207 },
        };
        for (size_t i = 0; i < COUNT_OF(rows); i++) {
                int32_t hash;
                CHECK(transform_hash((Type){ .kind = rows[i].kind }, rows[i].value, &hash));
                CHECK_INT(hash, rows[i].hash);
        }
        int32_t none;
        CHECK(!transform_hash((Type){ .kind = TYPE_DOUBLE }, value_double(a, 1), &none));
        CHECK(!transform_hash((Type){ .kind = TYPE_BOOLEAN }, STR("\x01"), &none));
}

TEST(names_are_parsed_and_printed_as_they_were) {
        const struct {
                const char *text;
                TransformKind kind;
                int width;
        } rows[] = {
                { "identity", TRANSFORM_IDENTITY, 0 },
                { "bucket[16]", TRANSFORM_BUCKET, 16 },
                { "truncate[4]", TRANSFORM_TRUNCATE, 4 },
                { "year", TRANSFORM_YEAR, 0 },
                { "month", TRANSFORM_MONTH, 0 },
                { "day", TRANSFORM_DAY, 0 },
                { "hour", TRANSFORM_HOUR, 0 },
                { "void", TRANSFORM_VOID, 0 },
                { "zorder", TRANSFORM_UNKNOWN, 0 },
                { "bucket[0]", TRANSFORM_UNKNOWN, 0 },
                { "bucket[]", TRANSFORM_UNKNOWN, 0 },
                { "bucket[9", TRANSFORM_UNKNOWN, 0 },
        };
        for (size_t i = 0; i < COUNT_OF(rows); i++) {
                Transform transform = transform_parse(str_of(rows[i].text));
                CHECK_INT(transform.kind, rows[i].kind);
                CHECK_INT(transform.width, rows[i].width);
                CHECK_STR(transform_print(&t->arena, transform), str_of(rows[i].text));
        }
}

TEST(times_are_rounded_down_by_the_calendar_in_utc) {
        const struct {
                const char *transform;
                TypeKind kind;
                int64_t value;
                int32_t result;
        } rows[] = {
                { "day", TYPE_DATE, -1, -1 },
                { "month", TYPE_DATE, -1, -1 },
                { "year", TYPE_DATE, -1, -1 },
                { "month", TYPE_DATE, DAY_2017_11_16, 574 }, /* not days / 30 */
                { "year", TYPE_DATE, DAY_2017_11_16, 47 },
                { "day", TYPE_TIMESTAMP, NOON_ISH_2017, DAY_2017_11_16 },
                { "day", TYPE_TIMESTAMPTZ, -1, -1 },
                { "hour", TYPE_TIMESTAMPTZ, -1, -1 },
                { "hour", TYPE_TIMESTAMP, NOON_ISH_2017, 419686 },
                { "hour", TYPE_TIMESTAMP, 0, 0 },
        };
        for (size_t i = 0; i < COUNT_OF(rows); i++) {
                Type type = { .kind = rows[i].kind };
                Str value = type.kind == TYPE_DATE ? value_int32(&t->arena, (int32_t)rows[i].value)
                                                   : value_int64(&t->arena, rows[i].value);
                Str out;
                int64_t got;
                CHECK(transform_apply(transform_parse(str_of(rows[i].transform)), type, value, &t->arena, &out));
                CHECK(value_read_int64(out, &got));
                CHECK_INT(got, rows[i].result);
        }
}

TEST(truncation_rounds_down_and_counts_code_points) {
        Arena *a = &t->arena;
        Transform ten = transform_parse(STR("truncate[10]")), fifty = transform_parse(STR("truncate[50]")),
                  two = transform_parse(STR("truncate[2]"));
        Str out;
        CHECK(transform_apply(ten, (Type){ .kind = TYPE_INT }, value_int32(a, -1), a, &out));
        CHECK_STR(out, value_int32(a, -10));
        CHECK(transform_apply(ten, (Type){ .kind = TYPE_BIGINT }, value_int64(a, 19), a, &out));
        CHECK_STR(out, value_int64(a, 10));
        CHECK(transform_apply(fifty, (Type){ .kind = TYPE_DECIMAL, .precision = 9, .scale = 2 }, value_decimal(a, 1065),
                              a, &out));
        CHECK_STR(out, value_decimal(a, 1050));
        CHECK(transform_apply(two, (Type){ .kind = TYPE_TEXT }, STR("äöü"), a, &out));
        CHECK_STR(out, STR("äö"));
        CHECK(transform_apply(two, (Type){ .kind = TYPE_BINARY }, STR("\xff\xfe\xfd"), a, &out));
        CHECK_STR(out, STR("\xff\xfe"));
        CHECK(!transform_apply(ten, (Type){ .kind = TYPE_INT }, value_int32(a, INT32_MIN), a, &out));
        CHECK(!transform_apply(ten, (Type){ .kind = TYPE_DOUBLE }, value_double(a, 1), a, &out));
}
