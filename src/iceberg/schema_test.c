/* SPDX-License-Identifier: Apache-2.0 */
#include "iceberg/schema.h"

#include "base/test.h"

#define NESTED                                                                                                        \
        "{\"type\":\"struct\",\"schema-id\":3,\"identifier-field-ids\":[1],\"fields\":["                              \
        "{\"id\":1,\"name\":\"id\",\"required\":true,\"type\":\"long\",\"doc\":\"the key\"},"                         \
        "{\"id\":2,\"name\":\"price\",\"required\":false,\"type\":\"decimal(9, 2)\"},"                                \
        "{\"id\":3,\"name\":\"tags\",\"required\":false,\"type\":{\"type\":\"list\",\"element-id\":5,"                \
        "\"element\":\"string\",\"element-required\":false}},"                                                        \
        "{\"id\":4,\"name\":\"at\",\"required\":false,\"type\":{\"type\":\"map\",\"key-id\":6,\"key\":\"string\","    \
        "\"value-id\":7,\"value\":{\"type\":\"struct\",\"fields\":[{\"id\":8,\"name\":\"x\",\"required\":false,"      \
        "\"type\":\"double\"}]},\"value-required\":true}}]}"

static Status parse(Test *t, const char *text, Schema *out) {
        Json *json;
        TRY(json_parse(str_of(text), "schema", &t->arena, &json, &t->err));
        return schema_parse(json, &t->arena, out, &t->err);
}

static TypeField column(const char *name, TypeKind kind) {
        return (TypeField){ .name = str_of(name), .type = { .kind = kind } };
}

TEST(a_nested_schema_is_read_and_written_back_with_its_docs) {
        Schema schema, again;
        CHECK_OK(parse(t, NESTED, &schema));
        CHECK_INT(schema.id, 3);
        CHECK_INT(schema.field_count, 4);
        CHECK(schema.fields[0].required && schema.identifier_count == 1);
        CHECK_INT(schema_column(&schema, STR("price"))->type.scale, 2);
        CHECK_STR(schema_field(&schema, 8)->name, STR("x"));
        CHECK_STR(schema_field(&schema, 7)->name, STR("value"));
        CHECK(!schema_field(&schema, 9) && !schema_column(&schema, STR("Price")));

        Str text = schema_json(&t->arena, &schema);
        CHECK(str_find(text, STR("the key")) < text.size);
        CHECK_OK(parse(t, text.data, &again));
        CHECK(schema_equal(&schema, &again));
        again.source = NULL; /* as one of ours is printed */
        CHECK_OK(parse(t, schema_json(&t->arena, &again).data, &again));
        CHECK(schema_equal(&schema, &again));
        CHECK_INT(again.id, 3);
}

TEST(broken_schemas_say_what_is_wrong) {
        const struct {
                const char *text;
                Status status;
        } rows[] = {
                { "[]", STATUS_CORRUPT },
                { "{\"type\":\"struct\"}", STATUS_CORRUPT },
                { "{\"fields\":[]}", STATUS_CORRUPT },
                { "{\"type\":\"struct\",\"fields\":[{\"id\":1,\"name\":\"a\",\"required\":false}]}", STATUS_CORRUPT },
                { "{\"type\":\"struct\",\"fields\":[{\"id\":-1,\"name\":\"a\",\"type\":\"int\"}]}", STATUS_CORRUPT },
                { "{\"type\":\"struct\",\"fields\":[{\"id\":2147483546,\"name\":\"a\",\"type\":\"int\"}]}",
                  STATUS_CORRUPT },
                { "{\"type\":\"struct\",\"fields\":[{\"id\":1,\"name\":\"a\",\"type\":\"variant\"}]}",
                  STATUS_SQL_REFUSED },
                { "{\"type\":\"struct\",\"fields\":[{\"id\":1,\"name\":\"a\",\"type\":\"fixed[4]\"}]}", STATUS_OK },
        };
        for (size_t i = 0; i < COUNT_OF(rows); i++) {
                Schema schema;
                Error clean = { 0 };
                t->err = clean;
                CHECK_STATUS(parse(t, rows[i].text, &schema), rows[i].status);
                CHECK(rows[i].status == STATUS_OK || t->err.message[0]);
        }
}

TEST(fresh_ids_number_a_level_before_its_children) {
        TypeField inner[] = { column("x", TYPE_INT), column("y", TYPE_INT) };
        TypeField fields[] = { column("a", TYPE_STRUCT), column("b", TYPE_TEXT) };
        fields[0].type.fields = inner;
        fields[0].type.field_count = 2;
        Schema schema;
        int last = 0;
        CHECK_OK(schema_evolve(NULL, fields, 2, SCHEMA_REPLACE, &last, &t->arena, &schema, &t->err));
        CHECK_INT(schema.fields[0].id, 1);
        CHECK_INT(schema.fields[1].id, 2);
        CHECK_INT(schema.fields[0].type.fields[0].id, 3);
        CHECK_INT(schema.fields[0].type.fields[1].id, 4);
        CHECK_INT(last, 4);
        CHECK_INT(inner[0].id, 0); /* what came in is as it was */
}

TEST(extending_keeps_ids_and_adds_at_the_end) {
        TypeField fields[] = { column("a", TYPE_INT), column("b", TYPE_TEXT) };
        Schema old, new;
        int last = 0;
        CHECK_OK(schema_evolve(NULL, fields, 2, SCHEMA_REPLACE, &last, &t->arena, &old, &t->err));
        TypeField more[] = { column("c", TYPE_DATE), column("a", TYPE_BIGINT) };
        CHECK_OK(schema_evolve(&old, more, 2, SCHEMA_EXTEND, &last, &t->arena, &new, &t->err));
        CHECK_INT(new.field_count, 3);
        CHECK_STR(new.fields[0].name, STR("a"));
        CHECK_INT(new.fields[0].type.kind, TYPE_BIGINT);
        CHECK_INT(new.fields[0].id, 1);
        CHECK_STR(new.fields[1].name, STR("b"));
        CHECK_STR(new.fields[2].name, STR("c"));
        CHECK_INT(new.fields[2].id, 3);

        /* A narrower type fits into the wider column that is there. */
        Schema same;
        CHECK_OK(schema_evolve(&new, fields, 2, SCHEMA_EXTEND, &last, &t->arena, &same, &t->err));
        CHECK(schema_equal(&same, &new));
        CHECK_INT(last, 3);

        TypeField other[] = { column("a", TYPE_TEXT) };
        CHECK_STATUS(schema_evolve(&old, other, 1, SCHEMA_EXTEND, &last, &t->arena, &new, &t->err), STATUS_SQL_TYPE);
        CHECK_INT(last, 3);
        CHECK(t->err.hint[0]);
}

TEST(replacing_gives_new_ids_where_the_type_is_another) {
        TypeField fields[] = { column("a", TYPE_BIGINT), column("b", TYPE_TEXT), column("c", TYPE_DATE) };
        Schema old, new;
        int last = 0;
        CHECK_OK(schema_evolve(NULL, fields, 3, SCHEMA_REPLACE, &last, &t->arena, &old, &t->err));
        TypeField now[] = { column("c", TYPE_DATE), column("a", TYPE_INT), column("b", TYPE_TEXT) };
        CHECK_OK(schema_evolve(&old, now, 3, SCHEMA_REPLACE, &last, &t->arena, &new, &t->err));
        CHECK_INT(new.field_count, 3);
        CHECK_INT(new.fields[0].id, 3);
        CHECK_INT(new.fields[1].id, 4); /* a bigint does not become an int under its id */
        CHECK_INT(new.fields[2].id, 2);
        TypeField twice[] = { column("a", TYPE_INT), column("a", TYPE_TEXT) };
        CHECK_STATUS(schema_evolve(&old, twice, 2, SCHEMA_REPLACE, &last, &t->arena, &new, &t->err), STATUS_AMBIGUOUS);
}

TEST(a_renamed_column_keeps_its_id_if_its_old_name_is_gone_and_its_type_fits) {
        TypeField fields[] = { column("a", TYPE_INT), column("b", TYPE_TEXT), column("c", TYPE_DATE) };
        Schema old, new;
        int last = 0;
        CHECK_OK(schema_evolve(NULL, fields, 3, SCHEMA_REPLACE, &last, &t->arena, &old, &t->err));
        static const struct {
                const char *name;
                TypeKind kind;
                int id, expected;
                SchemaChange change;
        } cases[] = {
                { "x", TYPE_BIGINT, 1, 1, SCHEMA_RENAME }, { "x", TYPE_TEXT, 1, 4, SCHEMA_RENAME }, { "x", TYPE_INT, 0, 4, SCHEMA_RENAME },
                { "b", TYPE_TEXT, 1, 2, SCHEMA_RENAME },   { "x", TYPE_INT, 9, 4, SCHEMA_RENAME },  { "x", TYPE_INT, 1, 4, SCHEMA_REPLACE },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                TypeField now = column(cases[i].name, cases[i].kind);
                now.id = cases[i].id;
                last = 3;
                CHECK_OK(schema_evolve(&old, &now, 1, cases[i].change, &last, &t->arena, &new, &t->err));
                CHECK_INT(new.fields[0].id, cases[i].expected);
                CHECK_STR(new.fields[0].name, str_of(cases[i].name));
        }
}

TEST(only_widenings_of_the_specification_are_allowed) {
        const Type int_type = { .kind = TYPE_INT }, bigint = { .kind = TYPE_BIGINT }, real = { .kind = TYPE_FLOAT },
                   wide = { .kind = TYPE_DOUBLE }, money = { .kind = TYPE_DECIMAL, .precision = 9, .scale = 2 },
                   more = { .kind = TYPE_DECIMAL, .precision = 12, .scale = 2 },
                   finer = { .kind = TYPE_DECIMAL, .precision = 12, .scale = 3 };
        CHECK(schema_type_widens(int_type, bigint) && !schema_type_widens(bigint, int_type));
        CHECK(schema_type_widens(real, wide) && !schema_type_widens(wide, real));
        CHECK(schema_type_widens(money, more) && !schema_type_widens(more, money) && !schema_type_widens(money, finer));
        CHECK(!schema_type_widens(int_type, wide) && schema_type_widens(wide, wide));
}
