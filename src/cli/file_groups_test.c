/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/file_groups.h"

#include "base/file.h"
#include "base/test.h"

static Type type(const char *text) {
        Type out;
        Error err;
        if (type_parse(str_of(text), &out, &err) != STATUS_OK)
                panic("%s", err.message);
        return out;
}

TEST(types_unify_without_losing_a_digit) {
        static const struct {
                const char *a, *b, *expected; /* NULL: nothing holds both */
        } cases[] = {
                { "int", "int", "int" },
                { "int", "bigint", "bigint" },
                { "int", "decimal(4,2)", "decimal(12,2)" },
                { "decimal(10,2)", "decimal(6,4)", "decimal(12,4)" },
                { "bigint", "decimal(38,30)", NULL },
                { "int", "double", "double" },
                { "date", "text", NULL },
                { "boolean", "int", NULL },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Type out;
                bool unified = types_unify(type(cases[i].a), type(cases[i].b), &out) && types_unify(type(cases[i].b), type(cases[i].a), &out);
                CHECK(unified == (cases[i].expected != NULL));
                if (unified)
                        CHECK_STR(type_print(&t->arena, out), str_of(cases[i].expected));
        }
}

static SniffedFile sniffed(Test *t, const char *name, bool header, const char *column, const char *kind) {
        SniffedFile file = { .shown = name, .path = path_join(&t->arena, test_folder(t), name) };
        if (file_write_text(file.path, STR("x"), &t->err) != STATUS_OK)
                panic("%s", t->err.message);
        file.sniffed.format = format_default();
        file.sniffed.format.header = header;
        file.sniffed.columns = ARENA_ARRAY(&t->arena, SniffColumn, 1);
        file.sniffed.columns[0].column = (SourceColumn){ .name = str_of(column), .type = type(kind) };
        file.sniffed.column_count = 1;
        file.sniffed.accepted = file.sniffed.records = 10;
        return file;
}

TEST(files_group_by_header_and_types_and_headerless_ones_by_name_too) {
        SniffedFile files[] = {
                sniffed(t, "orders_2026-01.csv", true, "no", "int"),      sniffed(t, "orders_2026-02.csv", true, "no", "bigint"),
                sniffed(t, "stock.csv", true, "item", "text"),            sniffed(t, "planes.dat", false, "column_1", "text"),
                sniffed(t, "countries.dat", false, "column_1", "text"),
        };
        FileGroup *groups;
        size_t count;
        group_files(files, COUNT_OF(files), GROUP_BY_SHAPE, &t->arena, &groups, &count);
        CHECK_INT(count, 4);
        CHECK_INT(groups[0].file_count, 2);
        CHECK_INT(groups[0].records, 20);
        CHECK_INT(groups[0].sniffed.columns[0].column.type.kind, TYPE_BIGINT);
        CHECK_STR(groups[0].name, STR("orders"));
        CHECK_STR(group_pattern(&t->arena, test_folder(t), STR("shop"), &groups[0]), STR("orders_*.csv"));
        CHECK_STR(group_pattern(&t->arena, "/elsewhere", STR("shop"), &groups[1]), arena_strf(&t->arena, "%s/stock.csv", test_folder(t)));
        group_files(files, COUNT_OF(files), GROUP_EACH, &t->arena, &groups, &count);
        CHECK_INT(count, 5);
        group_files(files, COUNT_OF(files), GROUP_ONE, &t->arena, &groups, &count);
        CHECK_INT(count, 1);
}

TEST(a_pattern_never_catches_a_file_of_another_group) {
        SniffedFile files[] = { sniffed(t, "data_1.csv", true, "a", "int"), sniffed(t, "data_2.csv", true, "b", "int") };
        FileGroup *groups;
        size_t count;
        group_files(files, COUNT_OF(files), GROUP_BY_SHAPE, &t->arena, &groups, &count);
        CHECK_INT(count, 2);
        CHECK_STR(group_pattern(&t->arena, test_folder(t), STR("shop"), &groups[0]), STR("data_1.csv"));
}
