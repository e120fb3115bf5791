/* SPDX-License-Identifier: Apache-2.0 */
#include "frame/csv.h"

#include <zlib.h>

#include "base/test.h"

/*
 * What a reader makes of a text, as one line per record:
 *
 *      record@line offset+length: field|field      a good one; quoted fields as they stand
 *      record@line offset+length! rule: raw        a bad one
 *
 * and at the end the skipped ones: h(eader) b(lank) c(omment) p(reamble) f(ooter).
 */
static void tell_row(Buf *out, RecordBatch *batch, size_t row) {
        RecordOrigin origin = record_origin(batch, row);
        buf_printf(out, "%lld@%lld %llu+%llu: ", (long long)batch->records[row], (long long)origin.line,
                   (unsigned long long)origin.offset, (unsigned long long)origin.length);
        for (size_t i = 0; i < batch->width; i++) {
                if (i > 0)
                        buf_append_byte(out, '|');
                buf_append(out, record_field(batch, row, i));
        }
        buf_append_byte(out, '\n');
}

static void tell_bad(Buf *out, const BadRecord *bad) {
        buf_printf(out, "%lld@%lld %llu+%llu! %s: ", (long long)bad->record, (long long)bad->line,
                   (unsigned long long)bad->offset, (unsigned long long)bad->length, rule_name(bad->rule));
        buf_append(out, bad->raw);
        buf_append_byte(out, '\n');
}

static void tell_batch(Buf *out, RecordBatch *batch) {
        size_t row = 0, bad = 0;
        while (row < batch->rows || bad < batch->bad_count) {
                if (bad == batch->bad_count || (row < batch->rows && batch->records[row] < batch->bad[bad].record))
                        tell_row(out, batch, row++);
                else
                        tell_bad(out, &batch->bad[bad++]);
        }
}

static void tell_counts(Buf *out, const RecordCounts *counts) {
        const struct {
                char letter;
                int64_t count;
        } skipped[] = { { 'h', counts->headers },
                        { 'b', counts->blanks },
                        { 'c', counts->comments },
                        { 'p', counts->preamble },
                        { 'f', counts->footers } };
        int64_t sum = counts->good + counts->bad;
        for (size_t i = 0; i < COUNT_OF(skipped); i++) {
                sum += skipped[i].count;
                for (int64_t n = 0; n < skipped[i].count; n++)
                        buf_append_byte(out, skipped[i].letter);
        }
        if (sum != counts->records)
                buf_append_cstr(out, " (the counts do not add up)");
}

static Status tell(Test *t, const Format *format, Str text, size_t width, Str *out) {
        CLEANUP(csv_freep) CsvReader *reader = csv_new();
        CLEANUP(buf_deinit) Buf told = { 0 };
        TRY(csv_start(reader, format, source_of_bytes(&text), width, 0, &t->err));
        while (true) {
                RecordBatch batch;
                bool end;
                TRY(csv_next(reader, &batch, &end, &t->err));
                if (end)
                        break;
                tell_batch(&told, &batch);
        }
        tell_counts(&told, csv_counts(reader));
        *out = buf_dup(&told, &t->arena);
        return STATUS_OK;
}

typedef struct Case {
        const char *name, *text, *told;
} Case;

static void check_cases(Test *t, const Format *format, size_t width, const Case *cases, size_t count) {
        for (size_t i = 0; i < count; i++) {
                Str got;
                if (tell(t, format, str_of(cases[i].text), width, &got) != STATUS_OK) {
                        test_fail(t, __FILE__, __LINE__, "%s: %s", cases[i].name, t->err.message);
                        return;
                }
                if (!str_is(got, cases[i].told)) {
                        test_fail(t, __FILE__, __LINE__, "%s: told\n%.*s\nwanted\n%s", cases[i].name, STR_ARG(got),
                                  cases[i].told);
                        return;
                }
        }
}

TEST(records_are_cut_where_rfc_4180_says) {
        static const Case cases[] = {
                { "plain", "a,b\n1,2\n3,4\n", "2@2 4+3: 1|2\n3@3 8+3: 3|4\nh" },
                { "crlf", "a,b\r\n1,2\r\n3,4\r\n", "2@2 5+3: 1|2\n3@3 10+3: 3|4\nh" },
                { "no newline at the end", "a,b\n1,2", "2@2 4+3: 1|2\nh" },
                { "a cr at the end", "a,b\r\n1,2\r", "2@2 5+3: 1|2\nh" },
                { "lines that end with cr", "a,b\r1,2\r3,4", "2@2 4+3: 1|2\n3@3 8+3: 3|4\nh" },
                { "a cr among lf", "a,b\n1,2\r3,4\n5,6\r", "2@2 4+3: 1|2\n3@3 8+3: 3|4\n4@4 12+3: 5|6\nh" },
                { "a cr in quotes", "a,b\r\"1\r\",\"2\"\r3,4\r\n", "2@2 4+8: \"1\r\"|\"2\"\n3@4 13+3: 3|4\nh" },
                { "two cr", "a,b\r\r1,2\r\r\n", "3@3 5+3: 1|2\nhbb" },
                { "empty fields", "a,b\n,2\n1,\n", "2@2 4+2: |2\n3@3 7+2: 1|\nh" },
                { "quoted", "a,b\n\"1\",\"2,\n3\"\nx,y\n", "2@2 4+10: \"1\"|\"2,\n3\"\n3@4 15+3: x|y\nh" },
                { "quoted, crlf inside and after", "a,b\r\n\"1\r\n\",\"2\"\r\n", "2@2 5+9: \"1\r\n\"|\"2\"\nh" },
                { "doubled quotes", "a,b\n\"\"\"\",\"x\"\"y\"\n", "2@2 4+11: \"\"\"\"|\"x\"\"y\"\nh" },
                { "empty quoted", "a,b\n\"\",\"\"\n", "2@2 4+5: \"\"|\"\"\nh" },
                { "a byte order mark",
                  "\xef\xbb\xbf"
                  "a,b\n1,2\n",
                  "2@2 7+3: 1|2\nh" },
                { "a byte order mark inside", "a,b\n1,2\n\xef\xbb\xbf" "3,4\n", "2@2 4+3: 1|2\n3@3 11+3: 3|4\nh" },
                { "a byte order mark before a quote", "a,b\n1,2\n\xef\xbb\xbf\"3\",4\n5,6", "2@2 4+3: 1|2\n3@3 11+5: \"3\"|4\n4@4 17+3: 5|6\nh" },
                { "a byte order mark at the end", "a,b\n1,2\n\xef\xbb\xbf", "2@2 4+3: 1|2\nh" },
                { "a header of one column", "a\n1\n2\n", "2@2 2+1: 1\n3@3 4+1: 2\nh" },
                { "a quoted header with a newline", "\"a\nb\",c\n1,2\n", "2@3 8+3: 1|2\nh" },
                { "nothing", "", "" },
                { "only a header", "a,b\n", "h" },
        };
        Format format = format_default();
        check_cases(t, &format, 0, cases, COUNT_OF(cases));
}

TEST(a_stray_quote_costs_one_line) {
        static const Case cases[] = {
                { "inside a field", "a,b\n1,x\"y\n3,4\n", "2@2 4+5! bad_quote: 1,x\"y\n3@3 10+3: 3|4\nh" },
                { "after a closing quote", "a,b\n\"1\"x,2\n3,4\n", "2@2 4+6! bad_quote: \"1\"x,2\n3@3 11+3: 3|4\nh" },
                { "after a blank", "a,b\n1, \"2\"\n3,4\n", "2@2 4+6! bad_quote: 1, \"2\"\n3@3 11+3: 3|4\nh" },
                { "never closed", "a,b\n1,\"2\n3,4\n5,6\n",
                  "2@2 4+4! bad_quote: 1,\"2\n3@3 9+3: 3|4\n4@4 13+3: 5|6\nh" },
                { "never closed on the last line", "a,b\n1,2\n3,\"4", "2@2 4+3: 1|2\n3@3 8+4! bad_quote: 3,\"4\nh" },
                { "closed in a wrong place lines later", "a,b\n1,\"2\n3,4\n5,\"6\"\n",
                  "2@2 4+4! bad_quote: 1,\"2\n3@3 9+3: 3|4\n4@4 13+5: 5|\"6\"\nh" },
                { "two in a row", "a,b\nx\"\ny\"\n1,2\n",
                  "2@2 4+2! bad_quote: x\"\n3@3 7+2! bad_quote: y\"\n4@4 10+3: 1|2\nh" },
                { "crlf", "a,b\r\n1,x\"y\r\n3,4\r\n", "2@2 5+5! bad_quote: 1,x\"y\n3@3 12+3: 3|4\nh" },
                { "on the first line after much", "a,b\n1,2\n3,4\n\"\"\"\n5,6\n",
                  "2@2 4+3: 1|2\n3@3 8+3: 3|4\n4@4 12+3! bad_quote: \"\"\"\n5@5 16+3: 5|6\nh" },
        };
        Format format = format_default();
        check_cases(t, &format, 0, cases, COUNT_OF(cases));
}

TEST(what_does_not_fit_is_bad_as_the_record_it_is) {
        static const Case cases[] = {
                { "too few", "a,b\n1\n3,4\n", "2@2 4+1! wrong_width: 1\n3@3 6+3: 3|4\nh" },
                { "too many", "a,b\n1,2,3\n3,4\n", "2@2 4+5! wrong_width: 1,2,3\n3@3 10+3: 3|4\nh" },
                { "an empty field too many", "a,b\n1,2,\n3,4\n", "2@2 4+4! wrong_width: 1,2,\n3@3 9+3: 3|4\nh" },
                { "one too few, one too many", "a,b\n1\n2,3,4\n5,6\n",
                  "2@2 4+1! wrong_width: 1\n3@3 6+5! wrong_width: 2,3,4\n4@4 12+3: 5|6\nh" },
                { "a quoted one over two lines", "a,b\n\"x\ny\"\n3,4\n",
                  "2@2 4+5! wrong_width: \"x\ny\"\n3@4 10+3: 3|4\nh" },
                { "not UTF-8", "a,b\n1,\xff\n\xc3\xa4,4\n", "2@2 4+3! invalid_utf8: 1,\xff\n3@3 8+4: \xc3\xa4|4\nh" },
                { "the last one not UTF-8", "a,b\n1,2\n3,\xff", "2@2 4+3: 1|2\n3@3 8+3! invalid_utf8: 3,\xff\nh" },
        };
        Format format = format_default();
        check_cases(t, &format, 0, cases, COUNT_OF(cases));
}

TEST(nul_bytes_do_not_fit) {
        Format format = format_default();
        Str got;
        CHECK_OK(tell(t, &format, (Str){ "a,b\n1,\0\n3,4\n", 12 }, 0, &got));
        CHECK_STR(got, ((Str){ "2@2 4+3! nul_byte: 1,\0\n3@3 8+3: 3|4\nh", 37 }));
}

TEST(blank_records_are_skipped) {
        static const Case cases[] = {
                { "empty lines", "a,b\n\n1,2\n\n\n3,4\n", "3@3 5+3: 1|2\n6@6 11+3: 3|4\nhbbb" },
                { "crlf", "a,b\r\n\r\n1,2\r\n", "3@3 7+3: 1|2\nhb" },
                { "delimiters alone", "a,b\n,\n,,,\n1,2\n", "4@4 10+3: 1|2\nhbb" },
                { "blanks", "a,b\n  \n1,2\n", "3@3 7+3: 1|2\nhb" },
                { "before the header", "\n\na,b\n1,2\n", "4@4 6+3: 1|2\nhbb" },
        };
        Format format = format_default();
        check_cases(t, &format, 0, cases, COUNT_OF(cases));
}

TEST(comments_preamble_and_footer_are_skipped) {
        static const Case cases[] = {
                { "comments, with a quote in one", "p1,\"\np2\n# c\na,b\n1,2\n# don\"t\n3,4\nTotal,2\n",
                  "5@5 16+3: 1|2\n7@7 28+3: 3|4\nhccppf" },
                { "a comment with a field in quotes over two lines", "p\np\na,b\n#,\"x\n1\",2\n3,4\n",
                  "5@5 13+4! bad_quote: 1\",2\n6@6 18+3: 3|4\nhcpp" },
                { "a footer of another width, with a quote", "p\np\na,b\n1,2\nTotal \"all\n", "4@4 8+3: 1|2\nhppf" },
                { "a comment that never ends", "p\np\na,b\n1,2\n#\"", "4@4 8+3: 1|2\nhcpp" },
        };
        Format format = format_default();
        format.skip = 2;
        format.comment = STR("#");
        format.footer = STR("^Total");
        check_cases(t, &format, 0, cases, COUNT_OF(cases));
}

TEST(what_is_skipped_and_as_full_as_a_record_is_counted) {
        static const struct {
                const char *footer, *comment, *text;
                int64_t full, line;
        } cases[] = {
                { "^Total", "", "n,v\nx,1\nTotal Energies,2\nTotal,3\n", 1, 3 },
                { "^Total", "", "n,v\nx,1\nTotal,3\n", 0, 0 },
                { "^Total", "", "n,v,w\nx,1,2\nTotal Energies,,3\n", 0, 0 },
                { "^n,v$", "", "n,v\nx,y\nn,v\nz,w\n", 0, 0 },
                { "", "#", "n,v\n#1 Motors,2\nx,3\n#2 Motors,2\n", 2, 2 },
                { "", "#", "n,v\n# made by X, and Y\nx,3\n#,,\n", 0, 0 },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                CLEANUP(csv_freep) CsvReader *reader = csv_new();
                Format format = format_default();
                format.footer = str_of(cases[i].footer);
                format.comment = str_of(cases[i].comment);
                Str text = str_of(cases[i].text);
                CHECK_OK(csv_start(reader, &format, source_of_bytes(&text), 0, 0, &t->err));
                RecordBatch batch;
                for (bool end = false; !end;)
                        CHECK_OK(csv_next(reader, &batch, &end, &t->err));
                CHECK_INT(csv_counts(reader)->full, cases[i].full);
                CHECK_INT(csv_counts(reader)->full_line, cases[i].line);
        }
}

TEST(dialects_are_taken_as_they_are) {
        Format format = format_default();
        format.header = false;
        format.delimiter = ';';
        format.quote = '\'';
        format.escape = '\\';
        static const Case escaped[] = {
                { "escapes", "'a\\'b';2\nx;'\\\\'\n", "1@1 0+8: 'a\\'b'|2\n2@2 9+6: x|'\\\\'\n" },
                { "an escape at the end", "1;'2\\\n", "1@1 0+5! bad_quote: 1;'2\\\n" },
        };
        check_cases(t, &format, 2, escaped, COUNT_OF(escaped));
        format.quote = format.escape = 0;
        static const Case plain[] = {
                { "no quotes", "\"a;b\nc';'d\n", "1@1 0+4: \"a|b\n2@2 5+5: c'|'d\n" },
        };
        check_cases(t, &format, 2, plain, COUNT_OF(plain));
        static const Case guessed[] = {
                { "the first record gives the width", "1;2;3\n4;5;6\n7;8\n",
                  "1@1 0+5: 1|2|3\n2@2 6+5: 4|5|6\n3@3 12+3! wrong_width: 7;8\n" },
        };
        check_cases(t, &format, 0, guessed, COUNT_OF(guessed));
}

TEST(a_record_over_the_limit_costs_itself) {
        Format format = format_default();
        format.record_limit = 8;
        static const Case cases[] = {
                { "a long record", "a,b\n1,2345678\n3,4\n", "2@2 4+9! record_too_long: 1,2345678\n3@3 14+3: 3|4\nh" },
                { "a long quoted one", "a,b\n1,\"2\n345678\"\n3,4\n",
                  "2@2 4+12! record_too_long: 1,\"2\n345678\"\n3@4 17+3: 3|4\nh" },
        };
        check_cases(t, &format, 0, cases, COUNT_OF(cases));
}

/* Much text: records cross the ends of windows, the buffer grows, and lines too long to keep are passed over. */
TEST(windows_do_not_show) {
        CLEANUP(buf_deinit) Buf text = { 0 };
        buf_append_cstr(&text, "a,b\n");
        size_t good = 0, bad = 0;
        for (size_t i = 0; text.size < (5u << 20); i++) {
                if (i % 1000 == 999) {
                        buf_append_cstr(&text, "x\"y,\n");
                        bad++;
                } else if (i == 20000) {
                        for (size_t n = 0; n < (3u << 20); n++)
                                buf_append_byte(&text, 'z');
                        buf_append_byte(&text, '\n');
                        bad++;
                } else {
                        buf_printf(&text, "%zu,\"some \"\"text\"\" number\n%zu\"\n", i, i);
                        good++;
                }
        }
        Format format = format_default();
        format.record_limit = 1u << 20;
        Str left = buf_view(&text);
        CLEANUP(csv_freep) CsvReader *reader = csv_new();
        CHECK_OK(csv_start(reader, &format, source_of_bytes(&left), 0, 0, &t->err));
        uint64_t next = 4;
        int64_t record = 2;
        size_t lines = 2;
        bool end = false;
        while (!end) {
                RecordBatch batch;
                CHECK_OK(csv_next(reader, &batch, &end, &t->err));
                size_t row = 0, wrong = 0;
                while (row < batch.rows || wrong < batch.bad_count) {
                        bool is_row = wrong == batch.bad_count ||
                                      (row < batch.rows && batch.records[row] < batch.bad[wrong].record);
                        RecordOrigin origin = is_row ? record_origin(&batch, row) : (RecordOrigin){ 0 };
                        uint64_t offset = is_row ? origin.offset : batch.bad[wrong].offset;
                        uint64_t length = is_row ? origin.length : batch.bad[wrong].length;
                        int64_t line = is_row ? origin.line : batch.bad[wrong].line;
                        CHECK_INT(offset, next);
                        CHECK_INT(is_row ? batch.records[row] : batch.bad[wrong].record, record);
                        CHECK_INT(line, lines);
                        next += length + 1;
                        record++;
                        lines += is_row ? 2 : 1;
                        if (is_row)
                                row++;
                        else
                                wrong++;
                }
        }
        CHECK_INT(next, text.size);
        CHECK_INT(csv_counts(reader)->good, good);
        CHECK_INT(csv_counts(reader)->bad, bad);
        CHECK_INT(csv_counts(reader)->bytes, text.size);
}

TEST(the_wide_scan_finds_what_the_plain_one_finds) {
        static const char alphabet[] = "a,\n\"\r;x\"\n,";
        uint64_t seed = 12345;
        for (int round = 0; round < 20000; round++) {
                char text[200 + SCAN_PADDING];
                size_t size = 1 + (size_t)(seed >> 33) % 200;
                for (size_t i = 0; i < size; i++) {
                        seed = seed * 6364136223846793005ull + 1442695040888963407ull;
                        text[i] = alphabet[(seed >> 40) % (round % 2 ? 4 : 10)];
                }
                memset(text + size, ',', SCAN_PADDING);
                ScanDialect dialect = { .delimiter = ',', .quote = '"' };
                uint32_t plain_ends[400], wide_ends[400];
                Scan plain, wide;
                size_t from = round % 7 < (int)size ? (size_t)(round % 7) : 0;
                scan_bytes(&dialect, text, from, size, plain_ends, &plain);
                scan_choose (&dialect)(&dialect, text, from, size, wide_ends, &wide);
                CHECK_INT(wide.stop, plain.stop);
                CHECK_INT(wide.wrong, plain.wrong);
                CHECK_INT(wide.open, plain.open);
                CHECK_INT(wide.count, plain.count);
                CHECK_INT(wide.newlines, plain.newlines);
                for (size_t i = 0; i < plain.count; i++)
                        CHECK_INT(wide_ends[i], plain_ends[i]);
        }
}

TEST(a_header_that_cannot_be_read_holds_the_file) {
        static const struct {
                const char *text, *words;
        } cases[] = {
                { "a,\"b\n1,2\n", "the header on line 1 has a quote" },
                { "a,b\"\n1,2\n", "the header on line 1 has a quote" },
                { "a,\xff\n1,2\n", "the header on line 1 is not text" },
                { "PK\x03\x04zip", "zip archive" },
                { "PK\x03\x04..........................[Content_Types].xml", "workbook" },
                { "PK\x03\x04..........................docProps/app.xml", "workbook" },
                { "\x28\xb5\x2f\xfd", "cut short" },
                { "BZh91AY&SYxx", "cut short" },
                { "\xfd"
                  "7zXZ",
                  "cut short" },
                { "\x1f\x8b\x08", "cut short" },
                { "\x1f\x8b\x08\xff", "damaged" },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Format format = format_default();
                Str got;
                CHECK_STATUS(tell(t, &format, str_of(cases[i].text), 0, &got), STATUS_HELD);
                if (str_find(str_of(t->err.message), str_of(cases[i].words)) == strlen(t->err.message))
                        test_fail(t, __FILE__, __LINE__, "case %zu says: %s", i, t->err.message);
        }
}

TEST(places_are_of_the_delivery_whatever_its_letters_are_in) {
        static const struct {
                const char *encoding;
                Str text;
                const char *told;
        } cases[] = {
                { "cp1252", STR("a,b\nZo\xeb,\x80\nx,\x81\nJo\xeb,1\n"),
                  "2@2 4+5: Zo\u00eb|\u20ac\n3@3 10+3! invalid_bytes: x,\xff\n4@4 14+5: Jo\u00eb|1\nh" },
                { "sjis", STR("a,b\n\x83\x5c,\xb1\n1,2,\x83\x7c\n\x83\x7c,2\n"),
                  "2@2 4+4: \u30bd|\uff71\n3@3 9+6! wrong_width: 1,2,\u30dd\n4@4 16+4: \u30dd|2\nh" },
                { "utf-8", STR("\xff\xfe"
                               "a\0\n\0\xe9\0\n\0\0\xd8\n\0x\0\n\0"),
                  "2@2 6+2: \u00e9\n3@3 10+2! invalid_bytes: \xff\xff\n4@4 14+2: x\nh" },
                { "utf-16", STR("\0a\0\n\xd8\x3d\xde\0\0\n\0z"), "2@2 4+4: \U0001f600\n3@3 10+2: z\nh" },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Format format = format_default();
                Str got;
                format.encoding = str_of(cases[i].encoding);
                CHECK_OK(tell(t, &format, cases[i].text, 0, &got));
                CHECK_STR(got, str_of(cases[i].told));
        }
}

static void add_gzip(Buf *out, Str text) {
        z_stream stream = { 0 };
        deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
        void *into = buf_reserve(out, 1000);
        stream.next_in = (Bytef *)(uintptr_t)text.data;
        stream.avail_in = (uInt)text.size;
        stream.next_out = into;
        stream.avail_out = 1000;
        deflate(&stream, Z_FINISH);
        buf_added(out, 1000 - stream.avail_out);
        deflateEnd(&stream);
}

TEST(gzip_members_follow_each_other) {
        CLEANUP(buf_deinit) Buf file = { 0 };
        add_gzip(&file, STR("a,b\n1,2\n3,"));
        add_gzip(&file, STR("4\n"));
        Format format = format_default();
        Str got;
        CHECK_OK(tell(t, &format, buf_view(&file), 0, &got));
        CHECK_STR(got, STR("2@2 4+3: 1|2\n3@3 8+3: 3|4\nh"));
        buf_append(&file, ((Str){ "\0\0", 2 }));
        CHECK_OK(tell(t, &format, buf_view(&file), 0, &got));
        for (size_t cut = 3; cut < file.size - 2; cut++) {
                Status status = tell(t, &format, str_slice(buf_view(&file), 0, cut), 0, &got);
                CHECK(status == STATUS_HELD || str_ends_with(got, STR("1|2\n3@3 8+2: 3|\nh")));
        }
        buf_append_cstr(&file, "more");
        CHECK_STATUS(tell(t, &format, buf_view(&file), 0, &got), STATUS_HELD);
}

TEST(names_are_the_header_trimmed_and_told_apart) {
        static const struct {
                const char *fields[6];
                const char *names[6];
        } cases[] = {
                { { "a", " b ", "C" }, { "a", "b", "C" } },
                { { "a", "A", "a" }, { "a", "A_2", "a_3" } },
                { { "", "x", " " }, { "column_1", "x", "column_3" } },
                { { "_file", "_ROW", "_extra" }, { "_file_2", "_ROW_2", "_extra_2" } },
                { { "a", "a_2", "a" }, { "a", "a_2", "a_3" } },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Str fields[6], names[6];
                size_t count = 0;
                while (count < 6 && cases[i].fields[count]) {
                        fields[count] = str_of(cases[i].fields[count]);
                        count++;
                }
                names_of_header(fields, count, &t->arena, names, NULL);
                for (size_t j = 0; j < count; j++)
                        CHECK_STR(names[j], str_of(cases[i].names[j]));
        }
        Str nul = { "c\0e", 3 }, name; /* which no SQL could say */
        names_of_header(&nul, 1, &t->arena, &name, NULL);
        CHECK_STR(name, STR("column_1"));
}
