/* SPDX-License-Identifier: Apache-2.0 */
#include "parquet/thrift.h"

#include <assert.h>

void thrift_varint(Buf *buf, uint64_t value) {
        uint8_t *at = buf_reserve(buf, 10);
        if (!at)
                return;
        size_t size = 0;
        for (; value > 127; value >>= 7)
                at[size++] = (uint8_t)(value | 128);
        at[size++] = (uint8_t)value;
        buf_added(buf, size);
}

static void write_zigzag(Buf *buf, int64_t value) {
        thrift_varint(buf, ((uint64_t)value << 1) ^ (value < 0 ? UINT64_MAX : 0));
}

static void write_header(ThriftWriter *writer, int field, ThriftType type) {
        int distance = field - writer->last[writer->depth];
        assert(distance > 0 && distance <= 15);
        writer->last[writer->depth] = field;
        buf_u8(writer->buf, (uint8_t)(distance << 4 | (int)type));
}

void thrift_i16(ThriftWriter *writer, int field, int16_t value) {
        write_header(writer, field, THRIFT_I16);
        write_zigzag(writer->buf, value);
}

void thrift_i32(ThriftWriter *writer, int field, int32_t value) {
        write_header(writer, field, THRIFT_I32);
        write_zigzag(writer->buf, value);
}

void thrift_i64(ThriftWriter *writer, int field, int64_t value) {
        write_header(writer, field, THRIFT_I64);
        write_zigzag(writer->buf, value);
}

void thrift_bool(ThriftWriter *writer, int field, bool value) {
        write_header(writer, field, value ? THRIFT_TRUE : THRIFT_FALSE);
}

void thrift_bytes(ThriftWriter *writer, int field, Str value) {
        write_header(writer, field, THRIFT_BINARY);
        thrift_item_bytes(writer, value);
}

void thrift_list(ThriftWriter *writer, int field, ThriftType type, size_t count) {
        write_header(writer, field, THRIFT_LIST);
        if (count < 15) {
                buf_u8(writer->buf, (uint8_t)(count << 4 | type));
                return;
        }
        buf_u8(writer->buf, (uint8_t)(0xf0 | type));
        thrift_varint(writer->buf, count);
}

void thrift_item_i32(ThriftWriter *writer, int32_t value) {
        write_zigzag(writer->buf, value);
}

void thrift_item_bytes(ThriftWriter *writer, Str value) {
        thrift_varint(writer->buf, value.size);
        buf_append(writer->buf, value);
}

void thrift_begin(ThriftWriter *writer, int field) {
        write_header(writer, field, THRIFT_STRUCT);
        thrift_begin_item(writer);
}

void thrift_begin_item(ThriftWriter *writer) {
        assert(writer->depth + 1 < THRIFT_DEPTH_MAX);
        writer->last[++writer->depth] = 0;
}

void thrift_end(ThriftWriter *writer) {
        buf_u8(writer->buf, THRIFT_STOP);
        writer->depth--;
}

static uint64_t read_varint(Cursor *reader) {
        uint64_t value = 0;
        for (int shift = 0; shift < 64; shift += 7) {
                uint8_t byte = cursor_u8(reader);
                value |= (uint64_t)(byte & 127) << shift;
                if (byte < 128)
                        return reader->failed ? 0 : value;
        }
        reader->failed = true;
        return 0;
}

int64_t thrift_read_zigzag(Cursor *reader) {
        uint64_t value = read_varint(reader);
        return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

static Str read_bytes(Cursor *reader) {
        uint64_t size = read_varint(reader);
        if (size > cursor_left(reader)) {
                reader->failed = true;
                return STR_NONE;
        }
        return cursor_bytes(reader, (size_t)size);
}

bool thrift_next(Cursor *reader, ThriftField *field) {
        uint8_t header = cursor_u8(reader);
        if (reader->failed || (header & 15) == THRIFT_STOP)
                return false;

        int64_t id = header >> 4 ? field->id + (header >> 4) : thrift_read_zigzag(reader);
        if (reader->failed || id < 0 || id > INT16_MAX) {
                reader->failed = true;
                return false;
        }
        field->id = (int)id;
        field->type = (ThriftType)(header & 15);
        return true;
}

int64_t thrift_read_int(Cursor *reader, const ThriftField *field) {
        if (field->type == THRIFT_I8)
                return (int8_t)cursor_u8(reader);
        if (field->type >= THRIFT_I16 && field->type <= THRIFT_I64)
                return thrift_read_zigzag(reader);
        reader->failed = true;
        return 0;
}

bool thrift_read_bool(Cursor *reader, const ThriftField *field) {
        if (field->type != THRIFT_TRUE && field->type != THRIFT_FALSE)
                reader->failed = true;
        return field->type == THRIFT_TRUE;
}

Str thrift_read_bytes(Cursor *reader, const ThriftField *field) {
        if (field->type == THRIFT_BINARY)
                return read_bytes(reader);
        reader->failed = true;
        return STR_NONE;
}

bool thrift_read_struct(Cursor *reader, const ThriftField *field) {
        if (field->type != THRIFT_STRUCT)
                reader->failed = true;
        return !reader->failed;
}

static size_t read_list(Cursor *reader, ThriftType *type) {
        uint8_t header = cursor_u8(reader);
        *type = (ThriftType)(header & 15);
        uint64_t count = header >> 4 == 15 ? read_varint(reader) : header >> 4;
        if (count > cursor_left(reader)) /* every item takes a byte at least */
                reader->failed = true;
        return reader->failed ? 0 : (size_t)count;
}

size_t thrift_read_list(Cursor *reader, const ThriftField *field, ThriftType type, size_t min_size) {
        ThriftType found = THRIFT_STOP;
        size_t count = field->type == THRIFT_LIST ? read_list(reader, &found) : 0;
        if (field->type != THRIFT_LIST || (count > 0 && found != type) || count > cursor_left(reader) / min_size)
                reader->failed = true;
        return reader->failed ? 0 : count;
}

static void skip_value(Cursor *reader, ThriftType type, bool in_list, int depth);

static void skip_items(Cursor *reader, ThriftType type, size_t count, int depth) {
        for (size_t i = 0; i < count && !reader->failed; i++)
                skip_value(reader, type, true, depth);
}

static void skip_map(Cursor *reader, int depth) {
        uint64_t count = read_varint(reader);
        if (count == 0)
                return;
        uint8_t types = cursor_u8(reader);
        if (count > cursor_left(reader) / 2)
                reader->failed = true;
        for (uint64_t i = 0; i < count && !reader->failed; i++) {
                skip_value(reader, (ThriftType)(types >> 4), true, depth);
                skip_value(reader, (ThriftType)(types & 15), true, depth);
        }
}

static void skip_struct(Cursor *reader, int depth) {
        ThriftField field = { 0 };
        while (thrift_next(reader, &field))
                skip_value(reader, field.type, false, depth);
}

static void skip_value(Cursor *reader, ThriftType type, bool in_list, int depth) {
        if (depth > THRIFT_DEPTH_MAX) {
                reader->failed = true;
                return;
        }
        switch (type) {
        case THRIFT_TRUE:
        case THRIFT_FALSE:
                if (in_list)
                        cursor_u8(reader);
                return;
        case THRIFT_I8:
                cursor_u8(reader);
                return;
        case THRIFT_I16:
        case THRIFT_I32:
        case THRIFT_I64:
                read_varint(reader);
                return;
        case THRIFT_DOUBLE:
                cursor_bytes(reader, 8);
                return;
        case THRIFT_UUID:
                cursor_bytes(reader, 16);
                return;
        case THRIFT_BINARY:
                read_bytes(reader);
                return;
        case THRIFT_LIST:
        case THRIFT_SET: {
                ThriftType item;
                size_t count = read_list(reader, &item);
                skip_items(reader, item, count, depth + 1);
                return;
        }
        case THRIFT_MAP:
                skip_map(reader, depth + 1);
                return;
        case THRIFT_STRUCT:
                skip_struct(reader, depth + 1);
                return;
        case THRIFT_STOP:
        default:
                reader->failed = true;
        }
}

void thrift_skip(Cursor *reader, const ThriftField *field) {
        skip_value(reader, field->type, false, 0);
}
