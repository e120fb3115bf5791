/* SPDX-License-Identifier: Apache-2.0 */
#include "frame/xlsx_sniff.h"

#include "base/test.h"
#include "frame/xlsx_pack.h"

TEST(number_formats_tell_dates_from_quantities) {
        static const struct {
                const char *code;
                XlsxKind kind;
        } cases[] = {
                { "General", XLSX_NUMBER },
                { "0.00", XLSX_NUMBER },
                { "#,##0.00 [$\xe2\x82\xac-407]", XLSX_NUMBER },
                { "0.00E+00", XLSX_NUMBER },
                { "\"days: \"0", XLSX_NUMBER },
                { "0\\d", XLSX_NUMBER },
                { "[Red]0;[Blue]-0", XLSX_NUMBER },
                { "@", XLSX_NUMBER },
                { "0%", XLSX_PERCENT },
                { "yyyy-mm-dd", XLSX_DATE },
                { "[$-409]d\\-mmm\\-yy;@", XLSX_DATE },
                { "mmm", XLSX_DATE },
                { "YYYY\"\xe5\xb9\xb4\"", XLSX_DATE },
                { "dd/mm/yyyy hh:mm", XLSX_MOMENT },
                { "m/d/yy h:mm AM/PM", XLSX_MOMENT },
                { "h:mm", XLSX_TIME },
                { "mm:ss.0", XLSX_TIME },
                { "h:mm AM/PM", XLSX_TIME },
                { "[h]:mm:ss", XLSX_DURATION },
                { "[mm]:ss", XLSX_DURATION },
                { "0;yyyy", XLSX_NUMBER },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++)
                if (xlsx_kind_of_code(str_of(cases[i].code)) != cases[i].kind)
                        test_fail(t, __FILE__, __LINE__, "'%s' is of kind %d", cases[i].code, xlsx_kind_of_code(str_of(cases[i].code)));
}

TEST(numbers_keep_what_they_say) {
        static const struct {
                const char *text, *wanted; /* NULL: it is no number */
        } cases[] = {
                { "0", "0" },
                { "-0", "0" },
                { "5.0", "5" },
                { "007", "7" },
                { "+1.50", "1.5" },
                { "12345678901234567890", "12345678901234567890" },
                { "1.2345678901234568E+16", "12345678901234568" },
                { "1E-5", "0.00001" },
                { "1e300", "1e300" },
                { "-1.5e-300", "-1.5e-300" },
                { "0.30000000000000004", "0.30000000000000004" },
                { "0.10000000000000001", "0.1" },
                { "19.989999999999998", "19.99" },
                { "123456789012345.6", "123456789012345.6" },
                { ".5", "0.5" },
                { "", NULL },
                { "-", NULL },
                { "1e", NULL },
                { "0x10", NULL },
                { "nan", NULL },
                { "1 2", NULL },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                CLEANUP(buf_deinit) Buf out = { 0 };
                CHECK_INT(xlsx_number(&out, str_of(cases[i].text)), cases[i].wanted != NULL);
                if (cases[i].wanted)
                        CHECK_STR(buf_view(&out), str_of(cases[i].wanted));
        }
}

TEST(days_are_what_the_spreadsheet_shows) {
        static const struct {
                const char *text;
                XlsxKind kind;
                bool from_1904;
                const char *wanted;
        } cases[] = {
                { "1", XLSX_DATE, false, "1900-01-01" },
                { "59", XLSX_DATE, false, "1900-02-28" },
                { "60", XLSX_DATE, false, "1900-02-29" },
                { "61", XLSX_DATE, false, "1900-03-01" },
                { "0", XLSX_DATE, false, "1900-01-00" },
                { "45000", XLSX_DATE, false, "2023-03-15" },
                { "45000", XLSX_MOMENT, false, "2023-03-15 00:00:00" },
                { "45000.25", XLSX_DATE, false, "2023-03-15 06:00:00" },
                { "45000.9999999999", XLSX_MOMENT, false, "2023-03-16 00:00:00" },
                { "45000.000011574", XLSX_MOMENT, false, "2023-03-15 00:00:01" },
                { "2958465", XLSX_DATE, false, "9999-12-31" },
                { "2958466", XLSX_DATE, false, "2958466" },
                { "-1", XLSX_DATE, false, "-1" },
                { "0", XLSX_DATE, true, "1904-01-01" },
                { "2957003", XLSX_DATE, true, "9999-12-31" },
                { "2957004", XLSX_DATE, true, "2957004" },
                { "0.5", XLSX_TIME, false, "12:00:00" },
                { "1.5", XLSX_TIME, false, "1900-01-01 12:00:00" },
                { "1.5", XLSX_DURATION, false, "36:00:00" },
                { "0.00001", XLSX_DURATION, false, "00:00:00.864" },
                { "100.25", XLSX_DURATION, false, "2406:00:00" },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                CLEANUP(buf_deinit) Buf out = { 0 };
                CHECK(xlsx_days(&out, str_of(cases[i].text), cases[i].kind, cases[i].from_1904));
                CHECK_STR(buf_view(&out), str_of(cases[i].wanted));
        }
}

TEST(ranges_are_read) {
        static const struct {
                const char *text;
                uint32_t left, right;
                int64_t top, bottom;
        } good[] = {
                { "B3:F200", 1, 5, 3, 200 },
                { "b3:f", 1, 5, 3, XLSX_ROWS_MAX },
                { "AA:AB", 26, 27, 1, XLSX_ROWS_MAX },
                { "C5", 2, XLSX_COLUMNS_MAX - 1, 5, XLSX_ROWS_MAX },
                { "", 0, XLSX_COLUMNS_MAX - 1, 1, XLSX_ROWS_MAX },
        };
        static const char *const bad[] = { "3:4", "A0", "XFE1", "A1:B2:C3", "A+1", "B2:A1", "A9:B1", "A1:", "-", "AAAA" };
        XlsxRange range;
        for (size_t i = 0; i < COUNT_OF(good); i++) {
                CHECK_OK(xlsx_range_parse(str_of(good[i].text), &range, &t->err));
                CHECK(range.first_column == good[i].left && range.last_column == good[i].right);
                CHECK(range.first_row == good[i].top && range.last_row == good[i].bottom);
        }
        for (size_t i = 0; i < COUNT_OF(bad); i++)
                CHECK_STATUS(xlsx_range_parse(str_of(bad[i]), &range, &t->err), STATUS_BAD_VALUE);
        CHECK_STR(xlsx_cells_print(&t->arena, 25, 3, 7), STR("Z7:AB7"));
        CHECK_STR(xlsx_cells_print(&t->arena, XLSX_COLUMNS_MAX - 1, 1, 1), STR("XFD1"));
}

TEST(escapes_become_what_they_stand_for) {
        static const struct {
                const char *text, *wanted;
        } cases[] = { { "a_x000D_b", "a\rb" },       { "_x005F_x000D_", "_x000D_" }, { "_x20AC_", "\xe2\x82\xac" },
                      { "_x00_", "_x00_" },          { "_xD800_", "_xD800_" },       { "_x0000_", "_x0000_" },
                      { "no_escape", "no_escape" },  { "_x000", "_x000" } };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                char *text = arena_cstr(&t->arena, str_of(cases[i].text));
                CHECK_STR(((Str){ text, xlsx_unescape(text, strlen(text)) }), str_of(cases[i].wanted));
        }
}

/* Two thousand rows, so that several batches come, one of them with a long text; read back as they were written. */
TEST(records_are_counted_and_come_whole) {
        CLEANUP(buf_deinit) Buf sheet = { 0 };
        CLEANUP(buf_deinit) Buf bytes = { 0 };
        Str long_text = { memset(arena_alloc(&t->arena, 3000), 'x', 3000), 3000 };
        buf_append_cstr(&sheet, "<worksheet><sheetData><row><c t='s'><v>0</v></c><c t='s'><v>1</v></c></row>");
        for (int i = 0; i < 2000; i++)
                buf_printf(&sheet, "<row r='%d'><c><v>%d</v></c><c t='s'><v>2</v></c></row>", 2 * i + 3, i);
        buf_append_cstr(&sheet, "</sheetData></worksheet>");
        Str texts = arena_strf(&t->arena, "<sst><si><t>n</t></si><si><t>\"t</t></si><si><t>%.*s\"</t></si></sst>", STR_ARG(long_text));
        XlsxPack pack = xlsx_pack_sheet(buf_view(&sheet), texts, STR("<styleSheet/>"));
        xlsx_pack_write(&pack, &bytes);

        Format format = format_default();
        format.kind = FORMAT_XLSX;
        Str view = buf_view(&bytes);
        ReaderOptions options = { .format = &format };
        CLEANUP(reader_freep) RecordReader *reader = reader_new();
        CHECK_OK(reader_start(reader, &options, source_of_bytes(&view), &t->err));
        Str *names;
        size_t count, batches = 0;
        reader_header(reader, &t->arena, &names, &count);
        CHECK_INT(count, 2);
        CHECK_STR(names[1], STR("\"t"));
        int64_t next = 0;
        while (true) {
                RecordBatch batch;
                bool end;
                CHECK_OK(reader_next(reader, &batch, &end, &t->err));
                if (end)
                        break;
                batches++;
                for (size_t row = 0; row < batch.rows; row++, next++) {
                        CHECK_INT(batch.records[row], 2 * next + 3);
                        CHECK_STR(record_field(&batch, row, 0), arena_strf(&t->arena, "%lld", (long long)next));
                        Str text = field_unquote(&format, record_field(&batch, row, 1), &t->arena);
                        CHECK_INT(text.size, 3001);
                        RecordOrigin origin = record_origin(&batch, row);
                        CHECK_STR(origin.sheet, STR("s"));
                        CHECK_INT(origin.line, batch.records[row]);
                }
        }
        const RecordCounts *counts = reader_counts(reader);
        CHECK_INT(next, 2000);
        CHECK(batches > 3);
        CHECK_INT(counts->records, 4001);
        CHECK_INT(counts->good, 2000);
        CHECK_INT(counts->blanks, 2000);
        CHECK_INT(counts->headers, 1);
}

TEST(a_code_of_zeros_says_how_many_digits_are_shown) {
        static const struct {
                const char *code;
                int zeros;
        } cases[] = { { "00000", 5 }, { "00000;@", 5 }, { "00", 2 }, { "0", 0 }, { "", 0 }, { "0.00", 0 }, { "000-00", 0 }, { "#,##0", 0 } };
        for (size_t i = 0; i < COUNT_OF(cases); i++)
                CHECK_INT(xlsx_zeros_of_code(str_of(cases[i].code)), cases[i].zeros);
}
