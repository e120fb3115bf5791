/* SPDX-License-Identifier: Apache-2.0 */
#include "iceberg/avro.h"

#include "base/test.h"

#define SCHEMA                                                                                                    \
        "{\"type\":\"record\",\"name\":\"row\",\"fields\":["                                                      \
        "{\"name\":\"a\",\"type\":\"long\",\"field-id\":1},"                                                      \
        "{\"name\":\"b\",\"type\":[\"null\",\"string\"],\"default\":null,\"field-id\":2},"                        \
        "{\"name\":\"c\",\"type\":{\"type\":\"array\",\"items\":\"int\",\"element-id\":4},\"field-id\":3},"       \
        "{\"name\":\"d\",\"type\":{\"type\":\"map\",\"values\":\"double\"}},"                                     \
        "{\"name\":\"e\",\"type\":{\"type\":\"fixed\",\"name\":\"four\",\"size\":4,\"logicalType\":\"decimal\"}}," \
        "{\"name\":\"f\",\"type\":[\"null\",\"four\"]},"                                                          \
        "{\"name\":\"z\",\"type\":\"long\",\"field-id\":9}]}"

/* A row takes every kind that we read; its last value shows that all before it was read to the byte. */
static void put_row(AvroWriter *writer, int64_t number) {
        avro_put_long(writer, number);
        avro_put_long(writer, number % 2);
        if (number % 2)
                avro_put_bytes(writer, STR("odd"));
        avro_put_long(writer, -2); /* a negative count has the size in bytes behind it */
        avro_put_long(writer, 2);
        avro_put_long(writer, 1);
        avro_put_long(writer, -1);
        avro_put_long(writer, 0);
        avro_put_long(writer, 1);
        avro_put_bytes(writer, STR("key"));
        avro_put_raw(writer, STR("\0\0\0\0\0\0\xf0\x3f"));
        avro_put_long(writer, 0);
        avro_put_raw(writer, STR("four"));
        avro_put_long(writer, 1);
        avro_put_raw(writer, STR("FOUR"));
        avro_put_long(writer, -number);
        avro_record_end(writer);
}

static Str container(Test *t, AvroCodec codec, int64_t rows) {
        CLEANUP(buf_deinit) Buf out = { 0 };
        CLEANUP(avro_writer_deinit) AvroWriter writer = { 0 };
        const AvroHeader header[] = { { "schema-id", STR("7") }, { "bytes", STR("\0\1") } };
        avro_writer_init(&writer, &out, STR(SCHEMA), codec, header, COUNT_OF(header));
        for (int64_t i = 0; i < rows; i++)
                put_row(&writer, i);
        avro_finish(&writer);
        return buf_dup(&out, &t->arena);
}

TEST(a_container_reads_back_by_either_codec) {
        const AvroCodec codecs[] = { AVRO_CODEC_NULL, AVRO_CODEC_DEFLATE };
        for (size_t c = 0; c < COUNT_OF(codecs); c++) {
                AvroReader reader;
                CHECK_OK(avro_open(container(t, codecs[c], 20000), "test", &t->arena, &reader, &t->err));
                CHECK_STR(avro_header(&reader, "schema-id"), STR("7"));
                CHECK_STR(avro_header(&reader, "bytes"), STR("\0\1"));
                CHECK(!avro_header(&reader, "none").data);
                CHECK_INT(reader.schema->count, 7);
                CHECK_INT(reader.schema->fields[2].type->element_id, 4);
                CHECK_INT(reader.schema->fields[3].id, -1);
                CHECK_STR(reader.schema->fields[4].type->logical, STR("decimal"));
                CHECK(reader.schema->fields[5].type->branches[1] == reader.schema->fields[4].type);

                int64_t next = 0, count, blocks = 0;
                Cursor cursor;
                do {
                        CHECK_OK(avro_next_block(&reader, &cursor, &count, &t->err));
                        for (int64_t i = 0; i < count; i++, next++) {
                                CHECK_INT(avro_long(&cursor), next);
                                for (size_t f = 1; f < 6; f++)
                                        avro_skip(reader.schema->fields[f].type, &cursor);
                                CHECK_INT(avro_long(&cursor), -next);
                        }
                        CHECK(!cursor.failed && (count == 0 || cursor_left(&cursor) == 0));
                        blocks++;
                } while (count > 0);
                CHECK_INT(next, 20000);
                CHECK(blocks > 2);
        }
}

TEST(varints_keep_all_64_bits) {
        const int64_t values[] = { 0, -1, 1, 63, 64, -64, -65, INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN };
        CLEANUP(buf_deinit) Buf out = { 0 };
        CLEANUP(avro_writer_deinit) AvroWriter writer = { .out = &out };
        for (size_t i = 0; i < COUNT_OF(values); i++)
                avro_put_long(&writer, values[i]);
        Cursor cursor = cursor_of(buf_view(&writer.block));
        for (size_t i = 0; i < COUNT_OF(values); i++)
                CHECK_INT(avro_long(&cursor), values[i]);
        CHECK(!cursor.failed);
        avro_long(&cursor);
        CHECK(cursor.failed);
}

/* Reads all there is, as a decoder would. */
static Status read_all(Test *t, Str bytes) {
        AvroReader reader;
        Error err = { 0 };
        TRY(avro_open(bytes, "test", &t->arena, &reader, &err));
        for (;;) {
                Cursor cursor;
                int64_t count;
                TRY(avro_next_block(&reader, &cursor, &count, &err));
                if (count == 0)
                        return STATUS_OK;
                for (; count > 0; count--)
                        avro_skip(reader.schema, &cursor);
                if (cursor.failed)
                        return STATUS_CORRUPT;
        }
}

TEST(a_cut_file_is_an_error_at_every_byte) {
        Str whole = container(t, AVRO_CODEC_DEFLATE, 3);
        CHECK_INT(read_all(t, whole), STATUS_OK);
        size_t header_end = 0;
        for (size_t size = 0; size < whole.size; size++) {
                if (read_all(t, str_slice(whole, 0, size)) == STATUS_OK) {
                        CHECK_INT(header_end, 0); /* only there where the header ends and no block has begun */
                        header_end = size;
                }
        }
        CHECK(header_end > sizeof(SCHEMA));
}

TEST(hostile_schemas_are_refused_or_bounded) {
        const struct {
                const char *schema;
                Status status;
        } rows[] = {
                { "", STATUS_CORRUPT },
                { "7", STATUS_CORRUPT },
                { "\"wide\"", STATUS_CORRUPT },
                { "{\"type\":\"fixed\",\"name\":\"f\",\"size\":-1}", STATUS_CORRUPT },
                { "[[\"null\"]]", STATUS_CORRUPT },
                { "{\"type\":\"record\",\"name\":\"r\"}", STATUS_CORRUPT },
                { "{\"type\":\"array\"}", STATUS_CORRUPT },
                { "{\"type\":\"record\",\"name\":\"r\",\"fields\":[{\"name\":\"r\",\"type\":\"r\"}]}", STATUS_CORRUPT },
                { "{\"type\":\"array\",\"items\":\"null\"}", STATUS_CORRUPT },
        };
        for (size_t i = 0; i < COUNT_OF(rows); i++) {
                CLEANUP(buf_deinit) Buf out = { 0 };
                CLEANUP(avro_writer_deinit) AvroWriter writer = { 0 };
                avro_writer_init(&writer, &out, str_of(rows[i].schema), AVRO_CODEC_NULL, NULL, 0);
                for (int k = 0; k < 9; k++)
                        avro_put_raw(&writer, STR("\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01")); /* INT64_MAX items */
                avro_record_end(&writer);
                avro_finish(&writer);
                CHECK_STATUS(read_all(t, buf_dup(&out, &t->arena)), rows[i].status);
        }
}

TEST(a_deep_schema_is_refused) {
        CLEANUP(buf_deinit) Buf schema = { 0 };
        for (int i = 0; i < AVRO_DEPTH + 2; i++)
                buf_append_cstr(&schema, "{\"type\":\"array\",\"items\":");
        buf_append_cstr(&schema, "\"int\"");
        for (int i = 0; i < AVRO_DEPTH + 2; i++)
                buf_append_byte(&schema, '}');
        CLEANUP(buf_deinit) Buf out = { 0 };
        CLEANUP(avro_writer_deinit) AvroWriter writer = { 0 };
        avro_writer_init(&writer, &out, buf_view(&schema), AVRO_CODEC_NULL, NULL, 0);
        CHECK_STATUS(read_all(t, buf_dup(&out, &t->arena)), STATUS_LIMIT);
}
