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
        CHECK_OK(group_files(files, COUNT_OF(files), GROUP_BY_SHAPE, &t->arena, &groups, &count, &t->err));
        CHECK_INT(count, 4);
        CHECK_INT(groups[0].file_count, 2);
        CHECK_INT(groups[0].records, 20);
        CHECK_INT(groups[0].sniffed.columns[0].column.type.kind, TYPE_BIGINT);
        CHECK_STR(groups[0].name, STR("orders"));
        CHECK_STR(group_pattern(&t->arena, test_folder(t), STR("shop"), &groups[0]), STR("orders_*.csv"));
        CHECK_STR(group_pattern(&t->arena, "/elsewhere", STR("shop"), &groups[1]), arena_strf(&t->arena, "%s/stock.csv", test_folder(t)));
        CHECK_OK(group_files(files, COUNT_OF(files), GROUP_EACH, &t->arena, &groups, &count, &t->err));
        CHECK_INT(count, 5);
        CHECK_OK(group_files(files, 3, GROUP_ONE, &t->arena, &groups, &count, &t->err));
        CHECK_INT(count, 1);
}

TEST(a_pattern_never_catches_a_file_of_another_group) {
        SniffedFile files[] = { sniffed(t, "data_1.csv", true, "a", "int"), sniffed(t, "data_2.csv", true, "b", "int") };
        FileGroup *groups;
        size_t count;
        CHECK_OK(group_files(files, COUNT_OF(files), GROUP_BY_SHAPE, &t->arena, &groups, &count, &t->err));
        CHECK_INT(count, 2);
        CHECK_STR(group_pattern(&t->arena, test_folder(t), STR("shop"), &groups[0]), STR("data_1.csv"));
        CHECK_INT(groups[0].sniffed.doubt_count, 1);
        CHECK_STR(groups[0].sniffed.doubts[0].what, STR("from: data_*.csv would also take data_2.csv, which is not of these files"));
}

TEST(digits_inside_a_word_are_part_of_the_name_unless_the_files_say_otherwise) {
        static const struct {
                const char *first, *second, *pattern;
        } cases[] = {
                { "sap_fbl3n.txt", NULL, "sap_fbl3n.txt" },
                { "mb52x_2026-01-31.txt", NULL, "mb52x_*.txt" },
                { "week05.csv", NULL, "week*.csv" },
                { "sales2026q1.csv", NULL, "sales*q*.csv" },
                { "q1fy.csv", "q2fy.csv", "q*fy.csv" },
                { "20260131T0930Z.csv", NULL, "*T*Z.csv" },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                SniffedFile files[] = { sniffed(t, cases[i].first, true, "a", "int"), sniffed(t, cases[i].second ? cases[i].second : cases[i].first, true, "a", "int") };
                FileGroup *groups;
                size_t count;
                CHECK_OK(group_files(files, cases[i].second ? 2 : 1, GROUP_BY_SHAPE, &t->arena, &groups, &count, &t->err));
                CHECK_STR(group_pattern(&t->arena, test_folder(t), STR("shop"), &groups[0]), str_of(cases[i].pattern));
                CHECK_INT(groups[0].sniffed.doubt_count, 0);
        }
}

TEST(columns_in_another_order_are_one_feed_where_files_are_read_by_name) {
        SniffedFile files[] = { sniffed(t, "a_1.csv", true, "x", "int"), sniffed(t, "a_2.csv", true, "x", "int") };
        for (size_t i = 0; i < COUNT_OF(files); i++) {
                SniffColumn *columns = ARENA_ARRAY(&t->arena, SniffColumn, 2);
                columns[i].column = (SourceColumn){ .name = STR("x"), .type = type("int") };
                columns[!i].column = (SourceColumn){ .name = STR("y"), .type = type("date") };
                files[i].sniffed.columns = columns;
                files[i].sniffed.column_count = 2;
        }
        FileGroup *groups;
        size_t count;
        CHECK_OK(group_files(files, COUNT_OF(files), GROUP_BY_SHAPE, &t->arena, &groups, &count, &t->err));
        CHECK_INT(count, 1);
        CHECK_INT(groups[0].sniffed.columns[0].column.type.kind, TYPE_INT);
        for (size_t i = 0; i < COUNT_OF(files); i++)
                files[i].sniffed.format.header = false;
        CHECK_OK(group_files(files, COUNT_OF(files), GROUP_BY_SHAPE, &t->arena, &groups, &count, &t->err));
        CHECK_INT(count, 2);
}

/* How one of two files reads its column. */
typedef struct Way {
        const char *type, *dates; /* one pattern, or NULL */
        char decimal, thousands;
        bool unsure;
} Way;

static SniffedFile read_so(Test *t, const char *name, const Way *way) {
        SniffedFile file = sniffed(t, name, true, "c", way->type);
        SniffColumn *column = &file.sniffed.columns[0];
        if (way->dates) {
                Str *pattern = ARENA_NEW(&t->arena, Str);
                *pattern = str_of(way->dates);
                column->reads = file.sniffed.format.dates = (StrList){ pattern, 1 };
        }
        column->decimal = way->decimal;
        column->thousands = way->thousands;
        column->unsure = way->unsure;
        file.sniffed.format.decimal = way->decimal ? way->decimal : '.';
        file.sniffed.format.thousands = way->thousands;
        return file;
}

TEST(of_two_readings_of_one_feed_none_is_taken_silently) {
        static const struct {
                Way a, b;
                const char *told; /* type, decimal, thousands, dates, doubts */
        } cases[] = {
                { { "date", "dd/MM/yyyy", 0, 0, false }, { "date", "MM/dd/yyyy", 0, 0, false },
                  "text. | its dates are dd/MM/yyyy in a.csv and MM/dd/yyyy in b.csv, and one text would be two days" },
                { { "date", "dd/MM/yyyy", 0, 0, true }, { "date", "MM/dd/yyyy", 0, 0, false },
                  "date. MM/dd/yyyy | nothing in a.csv tells whether the day or the month is first" },
                { { "date", "dd/MM/yyyy", 0, 0, false }, { "date", NULL, 0, 0, false },
                  "date. dd/MM/yyyy yyyy-MM-dd | its dates are dd/MM/yyyy in a.csv and yyyy-MM-dd in b.csv" },
                { { "date", NULL, 0, 0, false }, { "date", NULL, 0, 0, false }, "date." },
                { { "date", "dd.MM.yyyy", 0, 0, false }, { "date", "dd.MM.yyyy", 0, 0, false }, "date. dd.MM.yyyy" },
                { { "decimal(18,2)", NULL, '.', 0, false }, { "decimal(18,2)", NULL, ',', '.', false },
                  "text. | its numbers have ',' as the decimal point and '.' between thousands in b.csv, and the numbers of a.csv have '.' as the decimal point" },
                { { "decimal(18,2)", NULL, '.', 0, false }, { "decimal(18,4)", NULL, '.', ',', false }, "decimal(20,4).," },
                { { "decimal(18,2)", NULL, '.', ',', false }, { "decimal(18,2)", NULL, '.', '\'', false },
                  "text., | its numbers have '.' as the decimal point and ''' between thousands in b.csv, and the numbers of a.csv have '.' as the decimal "
                  "point and ',' between thousands" },
                { { "decimal(18,4)", NULL, '.', 0, true }, { "decimal(18,2)", NULL, ',', '.', false },
                  "decimal(20,4),. | nothing in a.csv tells whether '.' is the decimal point or sets off thousands" },
                { { "int", NULL, 0, 0, false }, { "decimal(18,2)", NULL, ',', 0, false }, "decimal(18,2)," },
                { { "int", NULL, 0, 0, false }, { "text", NULL, 0, 0, false }, "text. | it is int in a.csv and text in b.csv" },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                SniffedFile files[] = { read_so(t, "a.csv", &cases[i].a), read_so(t, "b.csv", &cases[i].b) };
                FileGroup *groups;
                size_t count;
                CHECK_OK(group_files(files, 2, GROUP_ONE, &t->arena, &groups, &count, &t->err));
                const SniffResult *r = &groups[0].sniffed;
                CLEANUP(buf_deinit) Buf told = { 0 };
                buf_printf(&told, "%.*s%c", STR_ARG(type_print(&t->arena, r->columns[0].column.type)), r->format.decimal);
                if (r->format.thousands)
                        buf_append_byte(&told, r->format.thousands);
                for (size_t k = 0; k < r->format.dates.count; k++)
                        buf_printf(&told, " %.*s", STR_ARG(r->format.dates.items[k]));
                for (size_t k = 0; k < r->doubt_count; k++)
                        buf_printf(&told, " | %.*s", STR_ARG(r->doubts[k].what));
                if (!str_is(buf_view(&told), cases[i].told))
                        test_fail(t, __FILE__, __LINE__, "%zu: told\n%.*s\nwanted\n%s", i, STR_ARG(buf_view(&told)), cases[i].told);
        }
}

TEST(files_that_differ_as_a_whole_are_no_feed) {
        const char *const words[] = { "the delimiter is ',' in the one and ';' in the other", "the encoding is utf-8 in the one and windows-1252 in the other",
                                      "the number of lines before the table is 0 in the one and 3 in the other", "the header is the first record in the one and missing in the other" };
        for (size_t i = 0; i < COUNT_OF(words); i++) {
                SniffedFile files[] = { sniffed(t, "a.csv", true, "c", "int"), sniffed(t, "b.csv", true, "c", "int") };
                Format *format = &files[1].sniffed.format;
                format->delimiter = i == 0 ? ';' : ',';
                format->encoding = i == 1 ? STR("windows-1252") : STR("");
                format->skip = i == 2 ? 3 : 0;
                format->header = i != 3;
                FileGroup *groups;
                size_t count;
                CHECK_STATUS(group_files(files, 2, GROUP_ONE, &t->arena, &groups, &count, &t->err), STATUS_USAGE);
                CHECK(strstr(t->err.message, words[i]) && strstr(t->err.message, "a.csv and b.csv"));
                CHECK_OK(group_files(files, 2, GROUP_BY_SHAPE, &t->arena, &groups, &count, &t->err));
                CHECK_INT(count, 2);
                files[0].sniffed.ascii = i == 1;
                if (i == 1) {
                        CHECK_OK(group_files(files, 2, GROUP_ONE, &t->arena, &groups, &count, &t->err));
                        CHECK_STR(groups[0].sniffed.format.encoding, STR("windows-1252"));
                }
        }
}
