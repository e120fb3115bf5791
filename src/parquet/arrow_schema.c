/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A flatbuffer is bytes with offsets. A table begins with the distance back to its vtable, which says where in the table
 * each field is; a vector and a string begin with their length. 0 stands for a place that is none.
 */
#include "parquet/arrow_schema.h"

#include <endian.h>

#include "base/hash.h"

/* Fields of the tables of Message.fbs and Schema.fbs, by their order there. */
enum { MESSAGE_HEADER_TYPE = 1, MESSAGE_HEADER = 2 };
enum { SCHEMA_FIELDS = 1 };
enum { FIELD_NAME = 0, FIELD_TYPE_TYPE = 2, FIELD_TYPE = 3, FIELD_CHILDREN = 5 };
enum { DURATION_UNIT = 0 };
enum { HEADER_SCHEMA = 1, TYPE_IS_STRUCT = 13, TYPE_IS_DURATION = 18 };

#define UNIT_MILLIS 1 /* what an absent field means */
#define PREFIX_SIZE 8 /* four bytes of ones, and the message's size */

static uint32_t u32_at(Str bytes, uint64_t at) {
        uint32_t value = 0;
        if (at <= bytes.size && bytes.size - at >= sizeof(value))
                memcpy(&value, bytes.data + at, sizeof(value));
        return le32toh(value);
}

static uint16_t u16_at(Str bytes, uint64_t at) {
        uint16_t value = 0;
        if (at <= bytes.size && bytes.size - at >= sizeof(value))
                memcpy(&value, bytes.data + at, sizeof(value));
        return le16toh(value);
}

static uint8_t u8_at(Str bytes, uint64_t at) {
        return at < bytes.size ? (uint8_t)bytes.data[at] : 0;
}

/* Where the field of a table lies. */
static uint64_t field_at(Str bytes, uint64_t table, int field) {
        int64_t vtable = (int64_t)table - (int32_t)u32_at(bytes, table);
        uint64_t slot = 4 + 2 * (uint64_t)field;
        if (table == 0 || vtable <= 0 || u16_at(bytes, (uint64_t)vtable) < slot + 2)
                return 0;
        uint16_t offset = u16_at(bytes, (uint64_t)vtable + slot);
        return offset ? table + offset : 0;
}

/* Where the table, vector or string is that lies elsewhere. */
static uint64_t followed(Str bytes, uint64_t at) {
        uint32_t offset = at ? u32_at(bytes, at) : 0;
        return offset && at + offset < bytes.size ? at + offset : 0;
}

static Str text_at(Str bytes, uint64_t at) {
        uint32_t size = at ? u32_at(bytes, at) : 0;
        return at && at + 4 + size <= bytes.size ? str_slice(bytes, at + 4, at + 4 + size) : STR("");
}

static int64_t duration_of(Str bytes, uint64_t field) {
        static const int64_t units[] = { 1, 1000, 1000000, 1000000000 };
        uint64_t unit = field_at(bytes, followed(bytes, field_at(bytes, field, FIELD_TYPE)), DURATION_UNIT);
        uint16_t which = unit ? u16_at(bytes, unit) : UNIT_MILLIS;
        return which < COUNT_OF(units) ? units[which] : 0;
}

/* Both name the same columns in the same order, or nothing is told. */
static void apply_fields(Str bytes, uint64_t vector, ParquetNode *group, int depth) {
        if (vector == 0 || depth > PARQUET_FOOTER_DEPTH_MAX || u32_at(bytes, vector) != group->child_count)
                return;
        for (size_t i = 0; i < group->child_count; i++) {
                ParquetNode *node = group->children[i];
                uint64_t field = followed(bytes, vector + 4 + 4 * i), type = field_at(bytes, field, FIELD_TYPE_TYPE);
                if (!str_equal(text_at(bytes, followed(bytes, field_at(bytes, field, FIELD_NAME))), node->name))
                        return;
                uint8_t kind = type ? u8_at(bytes, type) : 0;
                if (kind == TYPE_IS_DURATION && node->is_leaf && node->physical == PARQUET_INT64 && node->logical == PARQUET_LOGICAL_NONE)
                        node->duration = duration_of(bytes, field);
                else if (kind == TYPE_IS_STRUCT && !node->is_leaf)
                        apply_fields(bytes, followed(bytes, field_at(bytes, field, FIELD_CHILDREN)), node, depth + 1);
        }
}

void arrow_schema_apply(Str base64, Arena *arena, ParquetNode *root) {
        Str bytes;
        if (!base64_decode(arena, base64, &bytes) || bytes.size <= PREFIX_SIZE || u32_at(bytes, 0) != UINT32_MAX)
                return;
        bytes = str_slice(bytes, PREFIX_SIZE, bytes.size);
        uint64_t message = u32_at(bytes, 0), type = field_at(bytes, message, MESSAGE_HEADER_TYPE);
        if (type == 0 || u8_at(bytes, type) != HEADER_SCHEMA)
                return;
        uint64_t schema = followed(bytes, field_at(bytes, message, MESSAGE_HEADER));
        apply_fields(bytes, followed(bytes, field_at(bytes, schema, SCHEMA_FIELDS)), root, 0);
}
