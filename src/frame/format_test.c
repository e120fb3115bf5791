/* SPDX-License-Identifier: Apache-2.0 */
#include "frame/format.h"

#include "base/test.h"

TEST(a_format_that_cannot_be_meant_is_refused_in_words) {
        static Str clash[] = { { "dd/MM/yyyy", 10 }, { "MM/dd/yyyy", 10 } }, half[] = { { "dd/MM", 5 } },
                   letters[] = { { "dd/mm/YYYY", 10 } }, open[] = { { "dd'x", 4 } },
                   loose[] = { { "d/M/yyyy", 8 }, { "MM/dd/yyyy", 10 } },
                   endless[] = { { "yyyy-MM-dd SHHmm", 16 } }, two_ways[] = { { "dMyyyy", 6 } },
                   fine[] = { { "dd/MM/yyyy", 10 }, { "yyyy-MM-dd", 10 }, { "dd.MM.yy", 8 }, { "d MMM yyyy", 10 } };
        const struct {
                Format format;
                const char *words;
        } cases[] = {
                { { .delimiter = 0 }, "delimiter" },
                { { .delimiter = ';', .quote = ';' }, "both ';'" },
                { { .delimiter = '\n' }, "line end" },
                { { .delimiter = ',', .escape = '\\' }, "escape" },
                { { .delimiter = ',', .escape = '\\', .quote = '"', .escapes = ESCAPES_MYSQL }, "keep one of them" },
                { { .delimiter = '\\', .escapes = ESCAPES_MYSQL }, "neither" },
                { { .delimiter = ',', .quote = '"', .escapes = ESCAPES_POSTGRES }, "quote: none" },
                { { .kind = FORMAT_JSON, .delimiter = ',', .quote = '"', .header = true, .escapes = ESCAPES_MYSQL }, "format: csv" },
                { { .delimiter = ',', .decimal = '.', .thousands = '.' }, "both '.'" },
                { { .delimiter = ',', .decimal = ';' }, "decimal" },
                { { .delimiter = ',', .thousands = 'x' }, "thousands" },
                { { .delimiter = ',', .encoding = STR("latn1") }, "'latn1'" },
                { { .delimiter = ',', .footer = STR("(a") }, "regular expression" },
                { { .delimiter = ',', .dates = { clash, 2 } }, "different days" },
                { { .delimiter = ',', .dates = { loose, 2 } }, "different days" },
                { { .delimiter = ',', .dates = { half, 1 } }, "needs year, month and day" },
                { { .delimiter = ',', .dates = { letters, 1 } }, "'YYYY' means nothing" },
                { { .delimiter = ',', .dates = { open, 1 } }, "not closed" },
                { { .delimiter = ',', .dates = { endless, 1 } }, "'S', so nothing says where it ends" },
                { { .delimiter = ',', .dates = { two_ways, 1 } }, "'d', so nothing says where it ends" },
                { { .delimiter = ',' }, "limits.record" },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                CHECK_STATUS(format_check(&cases[i].format, &t->err), STATUS_BAD_VALUE);
                CHECK(strstr(t->err.message, cases[i].words) != NULL);
        }
        Format format = format_default();
        format.dates = (StrList){ fine, COUNT_OF(fine) };
        format.encoding = STR("UTF-8");
        CHECK_OK(format_check(&format, &t->err));
}

TEST(a_format_and_columns_cross_a_message_unchanged) {
        static Str dates[] = { { "dd/MM/yyyy", 10 } }, nulls[] = { { "NA", 2 }, { "", 0 } };
        Format format = format_default();
        format.dates = (StrList){ dates, 1 };
        format.nulls = (StrList){ nulls, 2 };
        format.footer = STR("^Total");
        format.skip = 3;
        SourceColumn columns[] = {
                { .name = STR("a"),
                  .from = STR("A"),
                  .type = { .kind = TYPE_DECIMAL, .precision = 12, .scale = 2 },
                  .required = true,
                  .field_id = 7 },
                { .name = STR("b"), .type = { .kind = TYPE_TEXT }, .zone = STR("Z"), .zone_file = STR("TZif") }
        };
        CLEANUP(buf_deinit) Buf message = { 0 };
        format_write(&message, &format);
        source_columns_write(&message, columns, COUNT_OF(columns));
        Cursor cursor = cursor_of(buf_view(&message));
        Format got;
        SourceColumn *got_columns;
        size_t count;
        CHECK_OK(format_read(&cursor, &t->arena, &got, &t->err));
        CHECK_OK(source_columns_read(&cursor, &t->arena, &got_columns, &count, &t->err));
        CHECK_INT(cursor_left(&cursor), 0);
        CHECK_INT(count, 2);
        CHECK_STR(got.dates.items[0], dates[0]);
        CHECK_INT(got.nulls.count, 2);
        CHECK_STR(got.footer, format.footer);
        CHECK_INT(got.skip, 3);
        CHECK(type_equal(got_columns[0].type, columns[0].type));
        CHECK(got_columns[0].required);
        CHECK_STR(got_columns[1].zone_file, STR("TZif"));
        for (size_t cut = 0; cut < message.size; cut++) {
                cursor = cursor_of(str_slice(buf_view(&message), 0, cut));
                CHECK(format_read(&cursor, &t->arena, &got, &t->err) != STATUS_OK ||
                      source_columns_read(&cursor, &t->arena, &got_columns, &count, &t->err) != STATUS_OK);
        }
}
