/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Thrift's compact protocol, as much as Parquet's headers and footers use: structs of numbered fields, integers
 * as zigzag varints, bytes, lists. Internal to this room.
 *
 * Fields go as the distance to the field before and a type, so writer and reader keep the last number per struct.
 * Spec: thrift-compact-protocol.md of Apache Thrift.
 */
#include "base/buf.h"

typedef enum ThriftType {
        THRIFT_STOP = 0,
        THRIFT_TRUE = 1, /* in a field header; a list of booleans has a byte per item */
        THRIFT_FALSE = 2,
        THRIFT_I8 = 3,
        THRIFT_I16 = 4,
        THRIFT_I32 = 5,
        THRIFT_I64 = 6,
        THRIFT_DOUBLE = 7,
        THRIFT_BINARY = 8,
        THRIFT_LIST = 9,
        THRIFT_SET = 10,
        THRIFT_MAP = 11,
        THRIFT_STRUCT = 12,
        THRIFT_UUID = 13,
} ThriftType;

#define THRIFT_DEPTH_MAX 16

/* Writing. { .buf = ... } stands at the start of a struct; fields go in rising order. */
typedef struct ThriftWriter {
        Buf *buf;
        int last[THRIFT_DEPTH_MAX]; /* field number, per open struct */
        int depth;
} ThriftWriter;

void thrift_varint(Buf *buf, uint64_t value);
void thrift_i16(ThriftWriter *writer, int field, int16_t value);
void thrift_i32(ThriftWriter *writer, int field, int32_t value);
void thrift_i64(ThriftWriter *writer, int field, int64_t value);
void thrift_bool(ThriftWriter *writer, int field, bool value);
void thrift_bytes(ThriftWriter *writer, int field, Str value);
/* Then so many items follow: thrift_item_*() or thrift_begin_item(). */
void thrift_list(ThriftWriter *writer, int field, ThriftType type, size_t count);
void thrift_item_i32(ThriftWriter *writer, int32_t value);
void thrift_item_bytes(ThriftWriter *writer, Str value);
void thrift_begin(ThriftWriter *writer, int field); /* a struct as a field */
void thrift_begin_item(ThriftWriter *writer);       /* a struct in a list */
void thrift_end(ThriftWriter *writer);              /* also ends the outermost */

/*
 * Reading, bounded by the bytes given; a failure sticks, and every read after it gives zero or nothing.
 *
 *   ThriftField field = { 0 };
 *   while (thrift_next(reader, &field))
 *           switch (field.id) {
 *           case 1: rows = thrift_read_int(reader, &field); break;
 *           default: thrift_skip(reader, &field);
 *           }
 */
typedef struct ThriftField {
        int id;
        ThriftType type;
} ThriftField;

/* The next field of the struct; false at its end, or after a failure. */
bool thrift_next(Cursor *reader, ThriftField *field);
/* Each takes the value of the field just read, and fails if it is of another type. */
int64_t thrift_read_int(Cursor *reader, const ThriftField *field);
bool thrift_read_bool(Cursor *reader, const ThriftField *field);
Str thrift_read_bytes(Cursor *reader, const ThriftField *field);   /* borrowed */
bool thrift_read_struct(Cursor *reader, const ThriftField *field); /* checks the type; its fields follow */
/* The count of items, each of type and of at least min_size bytes: more than can follow is a failure. */
size_t thrift_read_list(Cursor *reader, const ThriftField *field, ThriftType type, size_t min_size);
void thrift_skip(Cursor *reader, const ThriftField *field);
int64_t thrift_read_zigzag(Cursor *reader); /* an integer in a list */
