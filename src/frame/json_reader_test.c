/* SPDX-License-Identifier: Apache-2.0 */
#include "frame/json_reader.h"

#include "base/test.h"
#include "frame/json_text.h"
#include "frame/json_tree.h"
#include "frame/misfit.h"

/*
 * What a reader makes of a text, as text: a line for each record,
 *
 *      record@line offset+length: key=field|key=field      a good one; fields that are NULL are left out
 *      record@line offset+length! sentence                 a bad one
 *
 * and at the end the number of blank lines as so many b.
 */
static void tell_row(Buf *out, const RecordReader *reader, RecordBatch *batch, size_t row) {
        RecordOrigin origin = record_origin(batch, row);
        buf_printf(out, "%lld@%lld %llu+%llu: ", (long long)batch->records[row], (long long)origin.line,
                   (unsigned long long)origin.offset, (unsigned long long)origin.length);
        bool some = false;
        for (size_t i = 0; i < batch->width; i++) {
                Str field = record_field(batch, row, i);
                if (field.size == 0)
                        continue;
                buf_printf(out, "%s%.*s=%.*s", some ? "|" : "", STR_ARG(reader_key(reader, i)), STR_ARG(field));
                some = true;
        }
        buf_append_byte(out, '\n');
}

static void tell_bad(Buf *out, const BadRecord *bad, Arena *arena) {
        Misfit misfit = { .rule = bad->rule, .width = (int64_t)bad->width, .wanted = (int64_t)bad->wanted };
        if (bad->rule == RULE_INVALID_UTF8)
                misfit.width = (int64_t)bad->wrong_at;
        buf_printf(out, "%lld@%lld %llu+%llu! %.*s\n", (long long)bad->record, (long long)bad->line,
                   (unsigned long long)bad->offset, (unsigned long long)bad->length, STR_ARG(misfit_words(&misfit, arena)));
}

static Status tell(Test *t, const ReaderOptions *options, Str text, Str *out) {
        CLEANUP(reader_freep) RecordReader *reader = reader_new();
        CLEANUP(buf_deinit) Buf told = { 0 };
        TRY(reader_start(reader, options, source_of_bytes(&text), &t->err));
        for (bool end = false; !end;) {
                RecordBatch batch;
                TRY(reader_next(reader, &batch, &end, &t->err));
                size_t row = 0, bad = 0;
                while (row < batch.rows || bad < batch.bad_count) {
                        if (bad == batch.bad_count || (row < batch.rows && batch.records[row] < batch.bad[bad].record))
                                tell_row(&told, reader, &batch, row++);
                        else
                                tell_bad(&told, &batch.bad[bad++], &t->arena);
                }
        }
        const RecordCounts *counts = reader_counts(reader);
        for (int64_t i = 0; i < counts->blanks; i++)
                buf_append_byte(&told, 'b');
        if (counts->records != counts->good + counts->bad + counts->blanks)
                buf_append_cstr(&told, " (the counts do not add up)");
        *out = buf_dup(&told, &t->arena);
        return STATUS_OK;
}

typedef struct Case {
        const char *text, *wanted;
        const char *records; /* the path */
} Case;

static bool check_cases(Test *t, FormatKind kind, const Case *cases, size_t count) {
        for (size_t i = 0; i < count; i++) {
                Format format = format_default();
                format.kind = kind;
                format.records = cases[i].records ? str_of(cases[i].records) : STR_NONE;
                ReaderOptions options = { .format = &format };
                Str told = STR("");
                if (tell(t, &options, str_of(cases[i].text), &told) != STATUS_OK)
                        told = arena_strf(&t->arena, "HELD %s", t->err.message);
                if (!str_is(told, cases[i].wanted)) {
                        printf("# %s\n# gave %.*s\n# not  %s\n", cases[i].text, STR_ARG(told), cases[i].wanted);
                        return false;
                }
        }
        return true;
}

#define BAD "the record is not JSON that can be read: "

TEST(a_bad_line_is_bad_alone) {
        static const Case cases[] = {
                { "", "" },
                { "\n  \n", "bb" },
                { "{\"a\":1}", "1@1 0+7: a=1\n" },
                { "\xef\xbb\xbf{\"a\":1}\r\n{\"a\":2}\n", "1@1 3+7: a=1\n2@2 12+7: a=2\n" },
                { "{\"a\":1}{\"a\":2} {\"b\":true}\n", "1@1 0+7: a=1\n2@1 7+7: a=2\n3@1 15+10: b=true\n" },
                { "{\"a\":1}\n{\"a\":\n{\"a\":3}\n",
                  "1@1 0+7: a=1\n2@2 8+5! " BAD "the line ends inside a value, at its byte 6\n3@3 14+7: a=3\n" },
                { "{\"a\":1}\n{\"a\":2", "1@1 0+7: a=1\n2@2 8+6! " BAD "the text ends inside a value, at its byte 7\n" },
                { "{\"a\":1},\n{\"a\":2}\n", "1@1 0+8! " BAD "more text behind the value, at its byte 8\n2@2 9+7: a=2\n" },
                { "{\"a\":1,}\n", "1@1 0+8! " BAD "a comma before a closing bracket, at its byte 8\n" },
                { "{\"a\":01}\n", "1@1 0+8! " BAD "a number that JSON does not write so, at its byte 8\n" },
                { "{\"a\":1, \"a\":2}\n{\"b\":1}\n",
                  "1@1 0+14! " BAD "a key that its object has twice, at its byte 9\n2@2 15+7: b=1\n" },
                { "{\"a\":\"\\ud800\"}\n", "1@1 0+14! " BAD "half a surrogate pair, at its byte 7\n" },
                { "{\"a\":\"\\u0000\"}\n", "1@1 0+14! the record holds a NUL byte\n" },
                { "{\"a\":\"\xff\"}\n{\"\xff\":1}\n",
                  "1@1 0+9! the record holds bytes that are not UTF-8, the first at byte 6 of the delivery\n"
                  "2@2 10+7! the record holds bytes that are not UTF-8, the first at byte 12 of the delivery\n" },
                { "{'a':1}\n", "1@1 0+7! " BAD "a key in double quotes is missing, at its byte 2\n" },
                { "{\"a\":NaN}\nnul\n", "1@1 0+9! " BAD "a word that is none of true, false and null, at its byte 6\n"
                                        "2@2 10+3! " BAD "a word that is none of true, false and null, at its byte 1\n" },
                { "{\"a\":\"x\ty\"}\n", "1@1 0+11! " BAD "a control character inside a text, at its byte 8\n" },
                { "{\"a\":\"\\x\"}\n", "1@1 0+10! " BAD "an escape that JSON does not have, at its byte 7\n" },
        };
        CHECK(check_cases(t, FORMAT_JSONL, cases, COUNT_OF(cases)));
}

TEST(values_keep_what_they_are) {
        static const Case cases[] = {
                { "{\"a\":\"\",\"b\":null,\"c\":[],\"d\":{}}\n", "1@1 0+31: a=\"\"|c=\"[]\"\n" },
                { "{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00\"}", "1@1 0+42: a=\"\"\"\\/\b\f\n\r\t\xc3\xa9\xf0\x9f\x98\x80\"\n" },
                { "{\"a\":123456789012345678901234567890,\"b\":-0.10e+5}", "1@1 0+49: a=123456789012345678901234567890|b=-0.10e+5\n" },
                { "{\"a\":[1, {\"b\" : \"x \\\" y\"} ]}", "1@1 0+28: a=\"[1,{\"\"b\"\":\"\"x \\\"\" y\"\"}]\"\n" },
                { "{\"a\":{\"b\":{\"c\":1},\"d\":2},\"x.y\":3,\"\":4}", "1@1 0+38: a.b.c=1|a.d=2|x\\.y=3|\\e=4\n" },
                { "{\"a\":{\"b\":1}}\n{\"a\":2}\n{\"b\":3,\"a\":{\"b\":4}}\n",
                  "1@1 0+13: a.b=1\n2@2 14+7: a=2\n3@3 22+19: a.b=4|b=3\n" },
                { "7\n\"x\"\n[1,2]\nnull\n", "1@1 0+1: value=7\n2@2 2+3: value=\"x\"\n3@3 6+5: value=\"[1,2]\"\n4@4 12+4: \n" },
                { "{\"\\u0061\":1}\n{\"a\":2}\n", "1@1 0+12: a=1\n2@2 13+7: a=2\n" },
        };
        CHECK(check_cases(t, FORMAT_JSONL, cases, COUNT_OF(cases)));
}

#define HELD "HELD the document is not JSON from "

TEST(a_document_gives_its_records_or_says_where_it_breaks) {
        static const Case cases[] = {
                { "[]", "" },
                { "[{\"a\":1},\n {\"a\":2}]\n", "1@1 1+7: a=1\n2@2 11+7: a=2\n" },
                { "{\"a\":1,\n\"b\":[1]}", "1@1 0+16: a=1|b=\"[1]\"\n" },
                { "{\n\"a\":1\n}\n{\"a\":2}", "1@1 0+9: a=1\n2@4 10+7: a=2\n" },
                { "[1,\"x\"]", "1@1 1+1: value=1\n2@1 3+3: value=\"x\"\n" },
                { "{\"n\":2,\"d\":{\"i\":[{\"a\":1},{\"a\":2}]},\"z\":[3]}", "1@1 17+7: a=1\n2@1 25+7: a=2\n", "d.i" },
                { "{\"d\":[{\"i\":[1]},{\"i\":[2,3]},{}]}", "1@1 12+1: value=1\n2@1 22+1: value=2\n3@1 24+1: value=3\n", "$.d.i" },
                { "{\"d\":{\"a\":1}}", "1@1 5+7: a=1\n", "d" },
                { "{\"d\":1}", "HELD the document has nothing at the path 'x' of its records", "x" },
                { "[{\"a\":1,\"a\":2},{\"a\":3}]", "1@1 1+13! " BAD "a key that its object has twice, at its byte 8\n2@1 15+7: a=3\n" },
                { "", "HELD the file is empty: nothing but blanks is in it" },
                { " \n\n", "HELD the file is empty: nothing but blanks is in it" },
                { "[{\"a\":1},\n", HELD "line 2, column 1 on: the text ends inside a value" },
                { "[1,\n2,]", HELD "line 2, column 3 on: a comma before a closing bracket" },
                { "[1 2]", HELD "line 1, column 4 on: a comma or a closing bracket is missing" },
                { "[1]\n x", HELD "line 2, column 2 on: more text behind the value" },
                { "[][]", HELD "line 1, column 3 on: more text behind the value" },
                { "{\"a\" 1}", HELD "line 1, column 6 on: a colon is missing" },
                { "[,1]", HELD "line 1, column 2 on: a value is missing" },
                { "[\"\xc3\xa9\",\n\"\n\"]", HELD "line 2, column 2 on: a control character inside a text" },
        };
        CHECK(check_cases(t, FORMAT_JSON, cases, COUNT_OF(cases)));
}

TEST(an_object_with_a_columns_own_key_stays_text) {
        Str names[] = { STR("a"), STR("b"), STR("b.c") };
        Format format = format_default();
        format.kind = FORMAT_JSONL;
        ReaderOptions options = { .format = &format, .names = { names, COUNT_OF(names) } };
        Str told;
        CHECK_OK(tell(t, &options, STR("{\"a\":{\"x\": 1},\"b\":{\"c\":2}}"), &told));
        CHECK_STR(told, STR("1@1 0+26: a=\"{\"\"x\"\":1}\"|b.c=2\n"));
}

TEST(a_sample_may_end_anywhere) {
        static const char text[] = "[{\"a\":\"\\ud83d\\ude00\",\"b\":-1.5e3},{\"a\":true,\"b\":[1,{\"c\":null}]}, null ]";
        for (size_t size = 0; size < sizeof(text); size++) {
                Format format = format_default();
                format.kind = FORMAT_JSON;
                ReaderOptions options = { .format = &format, .sample = true };
                Str told;
                CHECK_OK(tell(t, &options, (Str){ text, size }, &told));
        }
}

/* Records of all lengths, so that the window's end falls everywhere in them. */
TEST(the_end_of_the_window_cuts_nothing) {
        CLEANUP(buf_deinit) Buf text = { 0 };
        int64_t rows = 0;
        for (size_t i = 0; text.size < 5u << 20; i++, rows++) {
                buf_printf(&text, "%s{\"i\":%zu,\"t\":\"\\u00e9\\ud83d\\ude00", i ? ",\n" : "[", i);
                for (size_t n = 0; n < i % 1000; n++)
                        buf_append_cstr(&text, "\\n");
                buf_append_cstr(&text, "\",\"l\":[ [ ], true ]}");
        }
        buf_append_byte(&text, ']');
        Format format = format_default();
        format.kind = FORMAT_JSON;
        ReaderOptions options = { .format = &format };
        CLEANUP(reader_freep) RecordReader *reader = reader_new();
        Str left = buf_view(&text);
        CHECK_OK(reader_start(reader, &options, source_of_bytes(&left), &t->err));
        int64_t seen = 0;
        for (bool end = false; !end;) {
                RecordBatch batch;
                CHECK_OK(reader_next(reader, &batch, &end, &t->err));
                CHECK_INT(batch.bad_count, 0);
                for (size_t row = 0; row < batch.rows; row++, seen++) {
                        Str number = record_field(&batch, row, 0), list = record_field(&batch, row, 2);
                        int64_t value = -1;
                        CHECK(str_to_int64(number, &value));
                        CHECK_INT(value, seen);
                        CHECK_INT(record_field(&batch, row, 1).size, 2 + 6 + seen % 1000);
                        CHECK_STR(list, STR("\"[[],true]\""));
                        RecordOrigin origin = record_origin(&batch, row);
                        CHECK_INT(origin.line, seen + 1);
                        CHECK(text.data[origin.offset] == '{' && text.data[origin.offset + origin.length - 1] == '}');
                }
        }
        CHECK_INT(seen, rows);
}

static Str repeated(Arena *arena, const char *part, size_t times) {
        size_t size = strlen(part);
        char *text = arena_alloc_raw(arena, size * times + 1);
        for (size_t i = 0; i < times; i++)
                memcpy(text + i * size, part, size);
        return (Str){ text, size * times };
}

TEST(depth_and_length_have_limits_with_names) {
        Str deep = repeated(&t->arena, "[", 1000000), shut = repeated(&t->arena, "]", 1000000);
        Format format = format_default();
        format.kind = FORMAT_JSONL;
        ReaderOptions options = { .format = &format };
        Str told;
        CHECK_OK(tell(t, &options, arena_strf(&t->arena, "%.*s%.*s\n{\"a\":1}\n", STR_ARG(deep), STR_ARG(shut)), &told));
        CHECK_STR(told, STR("1@1 0+2000000! " BAD "more than 512 values inside each other, at its byte 513\n2@2 2000001+7: a=1\n"));
        format.record_limit = 100;
        Str text = arena_strf(&t->arena, "\"%.*s\"\n1\n", STR_ARG(repeated(&t->arena, "x", 3000000)));
        CHECK_OK(tell(t, &options, text, &told));
        CHECK_STR(told, STR("1@1 0+3000002! the record is longer than a record may be\n2@2 3000003+1: value=1\n"));
        format.kind = FORMAT_JSON;
        CHECK_STATUS(tell(t, &options, text, &told), STATUS_HELD);
        CHECK(strstr(t->err.message, "limit of 100 bytes") != NULL);
}

TEST(more_keys_than_columns_hold_the_file) {
        CLEANUP(buf_deinit) Buf text = { 0 };
        for (size_t i = 0; i <= FORMAT_COLUMNS_MAX; i++)
                buf_printf(&text, "{\"k%zu\":1}\n", i);
        Format format = format_default();
        format.kind = FORMAT_JSONL;
        ReaderOptions options = { .format = &format };
        Str told;
        CHECK_STATUS(tell(t, &options, buf_view(&text), &told), STATUS_HELD);
        CHECK(strstr(t->err.message, "line 4097") != NULL);
}

TEST(paths_become_names) {
        static const char *const cases[][2] = { { "a", "a" },     { "a.b", "a_b" },   { "a\\.b.c", "a.b_c" },
                                                { "\\e", "" },    { "a.\\e", "a_" },  { "a\\\\.b", "a\\_b" },
                                                { " a .b", "a _b" } };
        for (size_t i = 0; i < COUNT_OF(cases); i++)
                CHECK_STR(json_path_name(str_of(cases[i][0]), &t->arena), str_of(cases[i][1]));
}
