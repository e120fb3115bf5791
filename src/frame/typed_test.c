/* SPDX-License-Identifier: Apache-2.0 */
#include "frame/typed.h"

#include "base/test.h"
#include "frame/avro_reader.h"
#include "frame/typed_sniff.h"
#include "iceberg/avro.h"

#define SCHEMA                                                                                          \
        "{\"type\":\"record\",\"name\":\"r\",\"fields\":["                                              \
        "{\"name\":\"id\",\"type\":\"long\"},"                                                          \
        "{\"name\":\"at\",\"type\":[\"null\",{\"type\":\"long\",\"logicalType\":\"timestamp-nanos\"}]}," \
        "{\"name\":\"in\",\"type\":{\"type\":\"record\",\"name\":\"s\",\"fields\":["                    \
        "{\"name\":\"note\",\"type\":\"string\"},{\"name\":\"list\",\"type\":{\"type\":\"array\",\"items\":\"int\"}}]}}]}"

static Str container(Test *t, size_t rows) {
        CLEANUP(buf_deinit) Buf out = { 0 };
        CLEANUP(avro_writer_deinit) AvroWriter writer = { 0 };
        avro_writer_init(&writer, &out, STR(SCHEMA), AVRO_CODEC_DEFLATE, NULL, 0);
        for (size_t i = 0; i < rows; i++) {
                avro_put_long(&writer, (int64_t)i);
                avro_put_long(&writer, i % 2);
                if (i % 2) /* every tenth has a part that is finer than a microsecond */
                        avro_put_long(&writer, (int64_t)i * 1000 + (i % 10 == 3));
                avro_put_bytes(&writer, i == 4 ? STR("\xff") : STR("a \"b\", c"));
                avro_put_long(&writer, 2);
                avro_put_long(&writer, -1);
                avro_put_long(&writer, (int64_t)i);
                avro_put_long(&writer, 0);
                avro_record_end(&writer);
        }
        avro_finish(&writer);
        return buf_dup(&out, &t->arena);
}

static Format avro_format(void) {
        Format format = format_default();
        format.kind = FORMAT_AVRO;
        return format;
}

TEST(records_with_a_value_that_cannot_be_are_bad_and_the_others_keep_their_ordinals) {
        CLEANUP(reader_freep) RecordReader *reader = reader_new();
        Str bytes = container(t, 10);
        Format format = avro_format();
        ReaderOptions options = { .format = &format };
        CHECK_OK(reader_start(reader, &options, source_of_bytes(&bytes), &t->err));
        CHECK(reader_is_typed(reader) && reader_is_keyed(reader));
        CHECK_INT(reader_width(reader), 4);
        CHECK_STR(reader_key(reader, 2), STR("in.note"));
        RecordBatch batch;
        bool end;
        CHECK_OK(reader_next(reader, &batch, &end, &t->err));
        CHECK_INT(batch.rows, 8);
        CHECK_INT(batch.bad_count, 2);
        CHECK_INT(batch.bad[0].rule, RULE_TOO_MANY_DIGITS);
        CHECK_INT(batch.bad[0].record, 4);
        CHECK_STR(batch.bad[0].value, STR("1970-01-01 00:00:00.000003001+00"));
        CHECK_STR(batch.bad[0].raw, STR("3,1970-01-01 00:00:00.000003001+00,\"a \"\"b\"\", c\",\"[-1,3]\""));
        CHECK_INT(batch.bad[1].rule, RULE_INVALID_UTF8);
        CHECK_INT(batch.bad[1].record, 5);
        CHECK_INT(batch.bad[1].field, 2);
        CHECK_INT(batch.records[2], 3);
        CHECK_INT(batch.records[3], 6);
        CHECK_INT(batch.typed->columns[0].values.int64s[3], 5);
        CHECK_STR(record_text(&batch, 1), STR("1,1970-01-01 00:00:00.000001+00,\"a \"\"b\"\", c\",\"[-1,1]\""));
        CHECK_STR(record_text(&batch, 2), STR("2,,\"a \"\"b\"\", c\",\"[-1,2]\""));
        CHECK_OK(reader_next(reader, &batch, &end, &t->err));
        CHECK(end);
        const RecordCounts *counts = reader_counts(reader);
        CHECK_INT(counts->records, 10);
        CHECK_INT(counts->good, 8);
        CHECK_INT(counts->bad, 2);
}

TEST(text_comes_when_it_is_asked_for) {
        CLEANUP(reader_freep) RecordReader *reader = reader_new();
        Str bytes = container(t, 3);
        Format format = avro_format();
        Str names[] = { STR("in") };
        ReaderOptions options = { .format = &format, .names = { names, 1 }, .values = true };
        CHECK_OK(reader_start(reader, &options, source_of_bytes(&bytes), &t->err));
        CHECK_INT(reader_width(reader), 3); /* an object that a column names stays whole */
        RecordBatch batch;
        bool end;
        CHECK_OK(reader_next(reader, &batch, &end, &t->err));
        CHECK(!batch.text && batch.rows == 3);
        CHECK_OK(reader_text(reader, &batch, &t->err));
        CHECK_STR(record_field(&batch, 0, 2), STR("\"{\"\"note\"\":\"\"a \\\"\"b\\\"\", c\"\",\"\"list\"\":[-1,0]}\""));
}

TEST(a_container_that_is_cut_is_held_wherever_it_is) {
        CLEANUP(reader_freep) RecordReader *reader = reader_new();
        Str whole = container(t, 2);
        Format format = avro_format();
        ReaderOptions options = { .format = &format };
        for (size_t size = 4; size < whole.size; size++) {
                Str bytes = str_slice(whole, 0, size);
                Status status = reader_start(reader, &options, source_of_bytes(&bytes), &t->err);
                RecordBatch batch;
                for (bool end = false; status == STATUS_OK && !end;)
                        status = reader_next(reader, &batch, &end, &t->err);
                bool no_block = size == whole.size - 16 - 1; /* never: a block has a sync behind it */
                CHECK(status == STATUS_HELD || no_block || reader_counts(reader)->records == 0);
        }
}

TEST(numbers_become_values_or_say_which_rule_they_break) {
        Int128 room = 0;
        bool null = true;
        Vector one = { .decimals = &room, .nulls = &null, .room = 1 };
        const struct {
                int64_t value, per_second;
                Rule rule;
                int64_t micros;
        } moments[] = {
                { 1, 1000, RULE_NONE, 1000 },
                { -1, 1000000, RULE_NONE, -1 },
                { -1000, 1000000000, RULE_NONE, -1 },
                { -1001, 1000000000, RULE_TOO_MANY_DIGITS, 0 },
                { 253402300799999, 1000, RULE_NONE, 253402300799999000 },
                { 253402300800000, 1000, RULE_OUT_OF_RANGE, 0 },
                { -62135596800000, 1000, RULE_NONE, -62135596800000000 },
                { -62135596800001, 1000, RULE_OUT_OF_RANGE, 0 },
                { INT64_MAX, 1000, RULE_OUT_OF_RANGE, 0 },
                { INT64_MIN, 1000000, RULE_OUT_OF_RANGE, 0 },
        };
        for (size_t i = 0; i < COUNT_OF(moments); i++) {
                CHECK_INT(typed_moment(moments[i].value, moments[i].per_second, &one, 0), moments[i].rule);
                if (moments[i].rule == RULE_NONE)
                        CHECK_INT(one.int64s[0], moments[i].micros);
        }
        const Type narrow = { .kind = TYPE_DECIMAL, .precision = 4, .scale = 2 };
        CHECK_INT(typed_decimal(STR("\xff\xff\xd8\xf1"), narrow, &one, 0), RULE_NONE); /* -9999, with bytes to spare */
        CHECK_INT(one.int64s[0], -9999);
        CHECK_INT(typed_decimal(STR("\x27\x10"), narrow, &one, 0), RULE_OUT_OF_RANGE);
        CHECK_STR(typed_print_decimal(&t->arena, STR("\x27\x10"), 2), STR("100.00"));
        CHECK_INT(typed_time(86400000, 1000, &one, 0), RULE_NOT_A_TIME);
        CHECK_INT(typed_date(2932897, &one, 0), RULE_OUT_OF_RANGE);
        CHECK_INT(typed_text_value(STR("a\0b"), 9, &one, 0), RULE_NUL_BYTE);
        CHECK_INT(typed_text_value(STR("abc"), 2, &one, 0), RULE_RECORD_TOO_LONG);
}

TEST(types_that_do_not_go_together_are_told_apart) {
        const struct {
                const char *from, *to;
                bool zone, fits;
        } cases[] = {
                { "int", "bigint", false, true },      { "double", "decimal(9,2)", false, true }, { "int", "date", false, false },
                { "text", "date", false, true },       { "date", "text", false, true },           { "date", "timestamp", false, true },
                { "timestamp", "date", false, true },  { "timestamp", "timestamptz", false, false }, { "timestamp", "timestamptz", true, true },
                { "timestamptz", "timestamp", false, false }, { "boolean", "int", false, false }, { "uuid", "binary", false, false },
                { "time", "timestamp", false, false },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Type from, to;
                CHECK_OK(type_parse(str_of(cases[i].from), &from, &t->err));
                CHECK_OK(type_parse(str_of(cases[i].to), &to, &t->err));
                CHECK(typed_fits(from, to, cases[i].zone) == cases[i].fits);
        }
}
