/* SPDX-License-Identifier: Apache-2.0 */
#include "frame/fixed.h"

#include "base/test.h"
#include "frame/misfit.h"
#include "frame/sniff.h"

/* A line a record, as json_reader_test.c has them, fields with bars between; then h b c p f for what was skipped. */
static Status tell(Test *t, const ReaderOptions *options, Str text, Str *out) {
        CLEANUP(reader_freep) RecordReader *reader = reader_new();
        CLEANUP(buf_deinit) Buf told = { 0 };
        TRY(reader_start(reader, options, source_of_bytes(&text), &t->err));
        for (bool end = false; !end;) {
                RecordBatch batch;
                TRY(reader_next(reader, &batch, &end, &t->err));
                for (size_t row = 0; row < batch.rows; row++) {
                        RecordOrigin origin = record_origin(&batch, row);
                        buf_printf(&told, "%lld@%lld %llu+%llu: ", (long long)batch.records[row], (long long)origin.line,
                                   (unsigned long long)origin.offset, (unsigned long long)origin.length);
                        for (size_t i = 0; i < batch.width; i++)
                                buf_printf(&told, "%s%.*s", i ? "|" : "", STR_ARG(record_field(&batch, row, i)));
                        buf_append_byte(&told, '\n');
                }
                for (size_t i = 0; i < batch.bad_count; i++)
                        buf_printf(&told, "%lld@%lld %llu+%llu! %s\n", (long long)batch.bad[i].record, (long long)batch.bad[i].line,
                                   (unsigned long long)batch.bad[i].offset, (unsigned long long)batch.bad[i].length,
                                   rule_name(batch.bad[i].rule));
        }
        const RecordCounts *counts = reader_counts(reader);
        const struct {
                char letter;
                int64_t count;
        } skipped[] = { { 'h', counts->headers }, { 'b', counts->blanks }, { 'c', counts->comments }, { 'p', counts->preamble },
                        { 'f', counts->footers } };
        int64_t sum = counts->good + counts->bad;
        for (size_t i = 0; i < COUNT_OF(skipped); i++) {
                sum += skipped[i].count;
                for (int64_t n = 0; n < skipped[i].count; n++)
                        buf_append_byte(&told, skipped[i].letter);
        }
        if (sum != counts->records)
                buf_append_cstr(&told, " (the counts do not add up)");
        *out = buf_dup(&told, &t->arena);
        return STATUS_OK;
}

TEST(lines_are_cut_where_the_source_says) {
        static Str places[] = { STR("1-4"), STR("5-7"), STR("9-12") };
        static const struct {
                const char *text, *wanted;
                bool header;
        } cases[] = {
                { "", "" },
                { "ann  42 x y \n  bo  7 zzzz\r\n", "1@1 0+12: ann|42|x y\n2@2 13+12: bo|7|zzzz\n" },
                { "ann  42 x\nbo    7\n\n    \n", "1@1 0+9: ann|42|x\n2@2 10+7! wrong_length\nbb" },
                { "ann  42 x yz\nann  42-x yz\nann  42 x yz  \nann  42 x yz1\n",
                  "1@1 0+12: ann|42|x yz\n3@3 26+14: ann|42|x yz\n2@2 13+12! text_outside\n4@4 41+13! text_outside\n" },
                { "name num note\n#x\nann  42 x yz\nTotal 1\n", "3@3 17+12: ann|42|x yz\nhcf", true },
                { "\xc3\xa9n\xe2\x82\xac  42 \xc3\xa9 yz\n", "1@1 0+16: \xc3\xa9n\xe2\x82\xac|42|\xc3\xa9 yz\n" },
                { "a\xffn  42 x yz\n\"n\"  42 \"   \n", "2@2 13+12: \"\"\"n\"\"\"|42|\"\"\"\"\n1@1 0+12! invalid_utf8\n" },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Format format = format_default();
                format.kind = FORMAT_FIXED;
                format.header = cases[i].header;
                format.comment = STR("#");
                format.footer = STR("^Total");
                ReaderOptions options = { .format = &format, .names = { places, COUNT_OF(places) }, .needed = COUNT_OF(places) };
                Str told;
                CHECK_OK(tell(t, &options, str_of(cases[i].text), &told));
                if (!str_is(told, cases[i].wanted))
                        test_fail(t, __FILE__, __LINE__, "%s gave\n%.*snot\n%s", cases[i].text, STR_ARG(told), cases[i].wanted);
        }
}

TEST(a_line_without_end_is_bad_by_itself) {
        static Str places[] = { STR("1-4") };
        Format format = format_default();
        format.kind = FORMAT_FIXED;
        format.header = false;
        format.record_limit = 100;
        ReaderOptions options = { .format = &format, .names = { places, 1 } };
        char *text = arena_alloc(&t->arena, 3000010);
        memset(text, 'x', 3000000);
        memcpy(text + 3000000, "\nann\n", 6);
        Str told;
        CHECK_OK(tell(t, &options, str_of(text), &told));
        CHECK_STR(told, STR("2@2 3000001+3: ann\n1@1 0+3000000! record_too_long\n"));
}

TEST(cuts_are_guessed_where_no_line_has_text) {
        static const struct {
                const char *text, *wanted;
        } cases[] = {
                { "id   name      amount\n1    Ann Lee     1.50\n2    Bo          2.25\n10   Cy Grant  103.00\n11   Di          7.00\n",
                  "header id 1-5 int, name 6-13 text, amount 15-21 decimal(18,2)" },
                { "code  day         n\n----- ---------- --\nA1    2024-01-31  7\nB22   2024-02-01 12\nC3    2024-02-02  1\n",
                  "header comment ----- code 1-5 text, day 7-16 date, n 18-19 int" },
                { "0001  5 x\n0002 12 y\n0003  7 z\n0004  1 w\n", "column_1 1-4 text, column_2 6-8 int, column_3 9-9 text" },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Sniffed sniffed;
                CHECK_OK(sniff_format(str_of(cases[i].text), true, &t->arena, &sniffed, &t->err));
                CHECK_INT(sniffed.format.kind, FORMAT_FIXED);
                CLEANUP(buf_deinit) Buf told = { 0 };
                buf_append_cstr(&told, sniffed.format.header ? "header " : "");
                if (sniffed.format.comment.size > 0)
                        buf_printf(&told, "comment %.*s ", STR_ARG(sniffed.format.comment));
                for (size_t k = 0; k < sniffed.column_count; k++)
                        buf_printf(&told, "%s%.*s %.*s %.*s", k ? ", " : "", STR_ARG(sniffed.columns[k].name), STR_ARG(sniffed.columns[k].key),
                                   STR_ARG(type_print(&t->arena, sniffed.columns[k].guess.type)));
                if (!str_is(buf_view(&told), cases[i].wanted))
                        test_fail(t, __FILE__, __LINE__, "told\n%.*s\nwanted\n%s", STR_ARG(buf_view(&told)), cases[i].wanted);
                SniffedRows rows;
                Str left = str_of(cases[i].text);
                CHECK_OK(sniff_rows(&sniffed, source_of_bytes(&left), 2, &t->arena, &rows, &t->err));
                CHECK_INT(rows.quarantined, 0);
                CHECK_INT(rows.preview_count, 2);
        }
        static const char *const others[] = { "a note of somebody\nwho wrote a few lines\nthat are no table at all,\nas people do\nall day\n",
                                              "one\ntwo\nthree\nfour\nfive\n" };
        for (size_t i = 0; i < COUNT_OF(others); i++) {
                Sniffed sniffed;
                CHECK_OK(sniff_format(str_of(others[i]), true, &t->arena, &sniffed, &t->err));
                CHECK_INT(sniffed.format.kind, FORMAT_CSV);
        }
}
