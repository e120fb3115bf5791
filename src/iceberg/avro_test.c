/* SPDX-License-Identifier: Apache-2.0 */
#include "iceberg/avro.h"

#include <zlib.h>
#include <zstd.h>

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

/* A container of one block of one record, an int, packed by somebody else. */
static Str packed_container(Test *t, const char *codec, Str packed) {
        CLEANUP(avro_writer_deinit) AvroWriter writer = { 0 };
        Str sync = STR("0123456789abcdef");
        avro_put_raw(&writer, STR("Obj\x01"));
        avro_put_long(&writer, 2);
        avro_put_bytes(&writer, STR("avro.codec"));
        avro_put_bytes(&writer, str_of(codec));
        avro_put_bytes(&writer, STR("avro.schema"));
        avro_put_bytes(&writer, STR("\"bytes\""));
        avro_put_long(&writer, 0);
        avro_put_raw(&writer, sync);
        avro_put_long(&writer, 1);
        avro_put_bytes(&writer, packed);
        avro_put_raw(&writer, sync);
        return buf_dup(&writer.block, &t->arena);
}

static Status read_one(Test *t, Str file, Str *out) {
        AvroReader reader;
        Cursor cursor;
        int64_t count;
        TRY(avro_open(file, "test", &t->arena, &reader, &t->err));
        TRY(avro_next_block(&reader, &cursor, &count, &t->err));
        *out = avro_bytes(&cursor);
        return cursor.failed || count != 1 ? STATUS_CORRUPT : STATUS_OK;
}

TEST(zstandard_blocks_of_others_are_read) {
        Str plain = STR("\x14" "aaaaaaaaaa");
        char packed[100];
        size_t size = ZSTD_compress(packed, sizeof(packed), plain.data, plain.size, 3);
        CHECK(!ZSTD_isError(size));
        Str got;
        CHECK_OK(read_one(t, packed_container(t, "zstandard", (Str){ packed, size }), &got));
        CHECK_STR(got, STR("aaaaaaaaaa"));
        CHECK_STATUS(read_one(t, packed_container(t, "zstandard", (Str){ packed, size - 1 }), &got), STATUS_CORRUPT);
        CHECK_STATUS(read_one(t, packed_container(t, "lzma", (Str){ packed, size }), &got), STATUS_CORRUPT);
}

TEST(snappy_blocks_of_others_are_read) {
        /* 11 bytes: a literal of 2, then a copy of 9 from one byte back; and the CRC of all. */
        Str plain = STR("\x14" "aaaaaaaaaa"), elements = STR("\x0b\x04\x14" "a" "\x15\x01");
        CLEANUP(buf_deinit) Buf packed = { 0 };
        buf_append(&packed, elements);
        uint32_t check = (uint32_t)crc32(0, (const Bytef *)plain.data, (uInt)plain.size);
        for (int shift = 24; shift >= 0; shift -= 8)
                buf_u8(&packed, (uint8_t)(check >> shift));
        Str got;
        CHECK_OK(read_one(t, packed_container(t, "snappy", buf_view(&packed)), &got));
        CHECK_STR(got, STR("aaaaaaaaaa"));
        for (size_t i = 0; i < packed.size; i++) { /* any changed byte is noticed */
                packed.data[i] ^= 1;
                CHECK_STATUS(read_one(t, packed_container(t, "snappy", buf_view(&packed)), &got), STATUS_CORRUPT);
                packed.data[i] ^= 1;
        }
}

TEST(a_block_that_unpacks_to_too_much_is_refused) {
        size_t size = AVRO_BLOCK_MAX + 1;
        CLEANUP(freep) char *zeroes = calloc(1, size);
        size_t room = ZSTD_compressBound(size);
        CLEANUP(freep) char *packed = malloc(room);
        CHECK(zeroes && packed);
        size_t packed_size = ZSTD_compress(packed, room, zeroes, size, 1);
        CHECK(!ZSTD_isError(packed_size) && packed_size < size / 1000);
        Str got;
        CHECK_STATUS(read_one(t, packed_container(t, "zstandard", (Str){ packed, packed_size }), &got), STATUS_LIMIT);
}
