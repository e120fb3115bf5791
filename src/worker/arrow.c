/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/arrow.h"

#include <stdlib.h>
#include <string.h>

#include "base/vec.h"

#define CONTINUATION 0xFFFFFFFFu
#define METADATA_V5 4
#define NULLABLE 2 /* ARROW_FLAG_NULLABLE */
#define DEPTH_MAX 64

enum { MESSAGE_SCHEMA = 1, MESSAGE_RECORD_BATCH = 3 }; /* the union MessageHeader */

/* ---- flatbuffers, written forwards ---- */

/*
 * Everything is placed behind what refers to it, as offsets to tables, strings and vectors are unsigned; a table's vtable may
 * stand anywhere, so it comes just before it. Positions count from the buffer's start, which is a multiple of eight.
 */

static void align(Buf *out, size_t to, size_t rest) {
        while (!out->failed && out->size % to != rest)
                buf_u8(out, 0);
}

enum { FIELDS_MAX = 8 };

typedef struct Table {
        size_t at;
        size_t fields[FIELDS_MAX]; /* where each stands; 0 = it is not there */
} Table;

/* sizes: of the fields in the order of their slots, 0 where one is left out. They are zero until they are set. */
static Table write_table(Buf *out, const uint8_t *sizes, size_t count) {
        Table table = { 0 };
        uint16_t offsets[FIELDS_MAX] = { 0 }, end = 4;
        for (int size = 8; size > 0; size /= 2)
                for (size_t i = 0; i < count; i++)
                        if (sizes[i] == size) {
                                offsets[i] = end;
                                end = (uint16_t)(end + size);
                        }
        align(out, 2, 0);
        size_t vtable = out->size;
        buf_u16(out, (uint16_t)(4 + 2 * count));
        buf_u16(out, end);
        for (size_t i = 0; i < count; i++)
                buf_u16(out, offsets[i]);
        align(out, 8, 4); /* so that what is behind the four bytes may be eight long */
        table.at = out->size;
        buf_u32(out, (uint32_t)(table.at - vtable));
        for (size_t i = 4; i < end; i++)
                buf_u8(out, 0);
        for (size_t i = 0; i < count; i++)
                table.fields[i] = offsets[i] ? table.at + offsets[i] : 0;
        return table;
}

static void set(Buf *out, size_t at, const void *value, size_t size) {
        if (!out->failed)
                memcpy(out->data + at, value, size);
}

static void set_u8(Buf *out, size_t at, uint8_t value) {
        set(out, at, &value, sizeof(value));
}

static void set_u16(Buf *out, size_t at, uint16_t value) {
        value = htole16(value);
        set(out, at, &value, sizeof(value));
}

static void set_u32(Buf *out, size_t at, uint32_t value) {
        value = htole32(value);
        set(out, at, &value, sizeof(value));
}

static void set_u64(Buf *out, size_t at, uint64_t value) {
        value = htole64(value);
        set(out, at, &value, sizeof(value));
}

static void refer(Buf *out, size_t at, size_t to) {
        set_u32(out, at, (uint32_t)(to - at));
}

static size_t write_string(Buf *out, const char *text) {
        align(out, 4, 0);
        size_t at = out->size;
        buf_lstr(out, str_of(text));
        buf_u8(out, 0);
        return at;
}

/* Of so many places for offsets. */
static size_t write_references(Buf *out, size_t count) {
        align(out, 4, 0);
        size_t at = out->size;
        buf_u32(out, (uint32_t)count);
        for (size_t i = 0; i < count; i++)
                buf_u32(out, 0);
        return at;
}

/* ---- types ---- */

typedef enum Layout { FIXED, BITS, TEXT, LIST, STRUCT } Layout;

/* kind: in the union Type of Schema.fbs. sizes: of that table's fields, with the values to set; width in bytes. */
typedef struct ArrowKind {
        const char *format; /* ... or how it begins */
        bool begins;
        uint8_t kind;
        Layout layout;
        uint8_t width;
        uint8_t sizes[3];
        uint32_t values[3];
} ArrowKind;

enum { KIND_MAP = 17 };

static const ArrowKind kinds[] = {
        { "b", false, 6, BITS, 0, { 0 }, { 0 } },
        { "c", false, 2, FIXED, 1, { 4, 1 }, { 8, 1 } },
        { "s", false, 2, FIXED, 2, { 4, 1 }, { 16, 1 } },
        { "i", false, 2, FIXED, 4, { 4, 1 }, { 32, 1 } },
        { "l", false, 2, FIXED, 8, { 4, 1 }, { 64, 1 } },
        { "f", false, 3, FIXED, 4, { 2 }, { 1 } },
        { "g", false, 3, FIXED, 8, { 2 }, { 2 } },
        { "u", false, 5, TEXT, 4, { 0 }, { 0 } },
        { "z", false, 4, TEXT, 4, { 0 }, { 0 } },
        { "d:", true, 7, FIXED, 16, { 4, 4, 4 }, { 0, 0, 128 } }, /* precision and scale are in the format */
        { "tdD", false, 8, FIXED, 4, { 2 }, { 0 } },
        { "ttu", false, 9, FIXED, 8, { 2, 4 }, { 2, 64 } },
        { "tsu:", true, 10, FIXED, 8, { 2, 4 }, { 2, 0 } }, /* the zone is in the format */
        { "+l", false, 12, LIST, 4, { 0 }, { 0 } },
        { "+m", false, KIND_MAP, LIST, 4, { 1 }, { 0 } }, /* keys in no order */
        { "+s", false, 13, STRUCT, 0, { 0 }, { 0 } },
};

static const ArrowKind *kind_of(const struct ArrowSchema *schema) {
        for (size_t i = 0; i < COUNT_OF(kinds) && !schema->dictionary; i++)
                if (kinds[i].begins ? strncmp(schema->format, kinds[i].format, strlen(kinds[i].format)) == 0
                                    : strcmp(schema->format, kinds[i].format) == 0)
                        return &kinds[i];
        return NULL;
}

/* "d:18,3": of 128 bits, unless a third number says otherwise. */
static bool read_decimal(const char *format, uint32_t *precision, uint32_t *scale) {
        char *end;
        *precision = (uint32_t)strtoul(format + 2, &end, 10);
        if (*end != ',')
                return false;
        *scale = (uint32_t)strtoul(end + 1, &end, 10);
        return *end == 0 || strcmp(end, ",128") == 0;
}

static bool is_known(const struct ArrowSchema *schema, int depth, const char **out_format) {
        const ArrowKind *kind = kind_of(schema);
        uint32_t precision, scale;
        *out_format = schema->format;
        if (!kind || depth > DEPTH_MAX || (kind->kind == 7 && !read_decimal(schema->format, &precision, &scale)))
                return false;
        for (int64_t i = 0; i < schema->n_children; i++)
                if (!is_known(schema->children[i], depth + 1, out_format))
                        return false;
        const struct ArrowSchema *inside = schema->n_children == 1 ? schema->children[0] : NULL;
        return kind->layout != LIST || (inside && (kind->kind != KIND_MAP || (kind_of(inside)->layout == STRUCT && inside->n_children == 2)));
}

static size_t write_type(Buf *out, const struct ArrowSchema *schema, const ArrowKind *kind) {
        uint32_t values[3];
        memcpy(values, kind->values, sizeof(values));
        uint8_t sizes[3];
        memcpy(sizes, kind->sizes, sizeof(sizes));
        const char *zone = kind->kind == 10 ? schema->format + 4 : "";
        if (kind->kind == 7)
                read_decimal(schema->format, &values[0], &values[1]);
        if (kind->kind == 10 && !*zone)
                sizes[1] = 0;
        Table table = write_table(out, sizes, COUNT_OF(sizes));
        for (size_t i = 0; i < COUNT_OF(sizes); i++) {
                if (sizes[i] == 1)
                        set_u8(out, table.fields[i], (uint8_t)values[i]);
                else if (sizes[i] == 2)
                        set_u16(out, table.fields[i], (uint16_t)values[i]);
                else if (sizes[i] == 4)
                        set_u32(out, table.fields[i], values[i]);
        }
        if (*zone)
                refer(out, table.fields[1], write_string(out, zone));
        return table.at;
}

/* What is inside of a map: its entries, structs of which none is NULL, and in them a key that never is. */
typedef enum Inside { OF_NO_MAP, OF_MAP, OF_ENTRIES } Inside;

static size_t write_field(Buf *out, const struct ArrowSchema *schema, Inside inside, bool nullable);

static size_t write_fields(Buf *out, const struct ArrowSchema *schema, Inside inside) {
        size_t list = write_references(out, (size_t)schema->n_children);
        for (int64_t i = 0; i < schema->n_children; i++) {
                const struct ArrowSchema *child = schema->children[i];
                bool never = inside == OF_MAP || (inside == OF_ENTRIES && i == 0);
                refer(out, list + 4 + 4 * (size_t)i, write_field(out, child, inside == OF_MAP ? OF_ENTRIES : OF_NO_MAP, !never && (child->flags & NULLABLE)));
        }
        return list;
}

static size_t write_field(Buf *out, const struct ArrowSchema *schema, Inside inside, bool nullable) {
        enum { NAME, IS_NULLABLE, TYPE_KIND, TYPE, DICTIONARY, CHILDREN };
        static const uint8_t sizes[] = { [NAME] = 4, [IS_NULLABLE] = 1, [TYPE_KIND] = 1, [TYPE] = 4, [DICTIONARY] = 0, [CHILDREN] = 4 };
        const ArrowKind *kind = kind_of(schema);
        Table field = write_table(out, sizes, COUNT_OF(sizes));
        set_u8(out, field.fields[IS_NULLABLE], nullable);
        set_u8(out, field.fields[TYPE_KIND], kind->kind);
        refer(out, field.fields[NAME], write_string(out, schema->name ? schema->name : ""));
        refer(out, field.fields[TYPE], write_type(out, schema, kind));
        refer(out, field.fields[CHILDREN], write_fields(out, schema, kind->kind == KIND_MAP ? OF_MAP : inside));
        return field.at;
}

/* ---- messages ---- */

/* The Message table; returns where the offset of its header stands. *start is where the metadata begin. */
static size_t begin_message(Buf *out, uint8_t header, uint64_t body_size, size_t *start) {
        static const uint8_t sizes[] = { 2, 1, 4, 8 };
        buf_u32(out, CONTINUATION);
        buf_u32(out, 0); /* their size, known at their end */
        *start = out->size;
        buf_u32(out, 0);
        Table message = write_table(out, sizes, COUNT_OF(sizes));
        refer(out, *start, message.at);
        set_u16(out, message.fields[0], METADATA_V5);
        set_u8(out, message.fields[1], header);
        set_u64(out, message.fields[3], body_size);
        return message.fields[2];
}

static void end_metadata(Buf *out, size_t start) {
        align(out, 8, 0);
        set_u32(out, start - 4, (uint32_t)(out->size - start));
}

bool arrow_write_schema(Buf *out, const struct ArrowSchema *schema, const char **out_format) {
        static const uint8_t sizes[] = { 2, 4 }; /* endianness (0: little), fields */
        size_t start;
        if (!is_known(schema, 0, out_format))
                return false;
        size_t header = begin_message(out, MESSAGE_SCHEMA, 0, &start);
        Table table = write_table(out, sizes, COUNT_OF(sizes));
        refer(out, header, table.at);
        refer(out, table.fields[1], write_fields(out, schema, OF_NO_MAP));
        end_metadata(out, start);
        return true;
}

typedef struct Part {
        const void *data;
        size_t size;
} Part;

/* A batch taken apart, depth first, as its metadata list it. */
typedef struct Parts {
        Arena arena;
        VEC(int64_t) nodes; /* length and nulls of each */
        VEC(Part) buffers;
        uint64_t size;      /* of the body */
} Parts;

static void add_buffer(Parts *parts, const void *data, size_t size) {
        vec_push(&parts->arena, &parts->buffers, (Part){ data, data ? size : 0 });
        parts->size += data ? (size + 7) / 8 * 8 : 0;
}

static int64_t count_nulls(const struct ArrowArray *array) {
        const uint8_t *valid = array->n_buffers > 0 ? array->buffers[0] : NULL;
        int64_t nulls = 0;
        for (int64_t i = 0; i < array->length && valid && array->null_count < 0; i++)
                nulls += !(valid[i / 8] >> (i % 8) & 1);
        return array->null_count < 0 ? nulls : array->null_count;
}

static bool is_valid(const uint8_t *valid, size_t at) {
        return !valid || (valid[at / 8] >> (at % 8) & 1);
}

/* NULL: all are there. A field of a struct is there where the struct is too. */
static const uint8_t *both_valid(Parts *parts, const uint8_t *a, const uint8_t *b, size_t count) {
        if (!a || !b)
                return a ? a : b;
        uint8_t *both = ARENA_ARRAY(&parts->arena, uint8_t, (count + 7) / 8);
        for (size_t i = 0; i < (count + 7) / 8; i++)
                both[i] = a[i] & b[i];
        return both;
}

/* The engine leaves in the places of NULLs, and behind the last bit, whatever was there: it may be what a mask or a row filter
 * took away. That is not given out. */
static const void *only_valid(Parts *parts, const ArrowKind *kind, const void *data, const uint8_t *valid, size_t count) {
        bool bits = kind->layout == BITS;
        size_t size = bits ? (count + 7) / 8 : count * kind->width;
        if (!data || size == 0 || (!valid && !bits))
                return data;
        uint8_t *copy = ARENA_ARRAY(&parts->arena, uint8_t, size);
        memcpy(copy, data, size);
        for (size_t i = 0; i < count; i++) {
                if (is_valid(valid, i))
                        continue;
                if (bits)
                        copy[i / 8] &= (uint8_t)~(1u << (i % 8));
                else
                        memset(copy + i * kind->width, 0, kind->width);
        }
        if (bits && count % 8)
                copy[size - 1] &= (uint8_t)((1u << (count % 8)) - 1);
        return copy;
}

static bool take_apart(Parts *parts, const struct ArrowSchema *schema, const struct ArrowArray *array, const uint8_t *around);

/* around: where there is a struct around it; NULL: everywhere. */
static bool take_children(Parts *parts, const struct ArrowSchema *schema, const struct ArrowArray *array, const uint8_t *around) {
        if (array->n_children != schema->n_children)
                return false;
        for (int64_t i = 0; i < array->n_children; i++)
                if (!take_apart(parts, schema->children[i], array->children[i], around))
                        return false;
        return true;
}

static bool take_apart(Parts *parts, const struct ArrowSchema *schema, const struct ArrowArray *array, const uint8_t *around) {
        static const int64_t buffers[] = { [FIXED] = 2, [BITS] = 2, [TEXT] = 3, [LIST] = 2, [STRUCT] = 1 };
        const ArrowKind *kind = kind_of(schema);
        size_t count = (size_t)array->length, bits = (count + 7) / 8;
        if (array->offset != 0 || array->length < 0 || array->n_buffers != buffers[kind->layout])
                return false;
        int64_t nulls = count_nulls(array);
        const uint8_t *own = nulls ? array->buffers[0] : NULL, *valid = both_valid(parts, own, around, count);
        vec_push(&parts->arena, &parts->nodes, array->length);
        vec_push(&parts->arena, &parts->nodes, nulls);
        add_buffer(parts, own, bits);
        if (kind->layout == FIXED || kind->layout == BITS)
                add_buffer(parts, only_valid(parts, kind, array->buffers[1], valid, count), kind->layout == BITS ? bits : count * kind->width);
        if (kind->layout == TEXT || kind->layout == LIST)
                add_buffer(parts, array->buffers[1], (count + 1) * 4);
        if (kind->layout == TEXT) {
                const int32_t *offsets = array->buffers[1];
                add_buffer(parts, array->buffers[2], offsets ? (size_t)offsets[count] : 0);
        }
        return take_children(parts, schema, array, kind->layout == STRUCT ? valid : NULL);
}

/* A vector of structs of two 64-bit numbers. */
static size_t begin_pairs(Buf *out, size_t count) {
        align(out, 8, 4);
        size_t at = out->size;
        buf_u32(out, (uint32_t)count);
        return at;
}

static void write_batch_header(Buf *out, const Parts *parts, int64_t rows, size_t header) {
        static const uint8_t sizes[] = { 8, 4, 4 };
        Table table = write_table(out, sizes, COUNT_OF(sizes));
        refer(out, header, table.at);
        set_u64(out, table.fields[0], (uint64_t)rows);
        refer(out, table.fields[1], begin_pairs(out, parts->nodes.count / 2));
        for (size_t i = 0; i < parts->nodes.count; i++)
                buf_u64(out, (uint64_t)parts->nodes.items[i]);
        refer(out, table.fields[2], begin_pairs(out, parts->buffers.count));
        uint64_t offset = 0;
        for (size_t i = 0; i < parts->buffers.count; i++) {
                buf_u64(out, offset);
                buf_u64(out, parts->buffers.items[i].size);
                offset += (parts->buffers.items[i].size + 7) / 8 * 8;
        }
}

static void parts_deinit(Parts *parts) {
        arena_deinit(&parts->arena);
}

bool arrow_write_batch(Buf *out, const struct ArrowSchema *schema, const struct ArrowArray *batch) {
        CLEANUP(parts_deinit) Parts parts = { 0 };
        size_t start;
        if (!take_children(&parts, schema, batch, NULL))
                return false;
        size_t header = begin_message(out, MESSAGE_RECORD_BATCH, parts.size, &start);
        write_batch_header(out, &parts, batch->length, header);
        end_metadata(out, start);
        for (size_t i = 0; i < parts.buffers.count; i++) {
                buf_append(out, (Str){ parts.buffers.items[i].data, parts.buffers.items[i].size });
                align(out, 8, 0);
        }
        return true;
}

void arrow_write_end(Buf *out) {
        buf_u32(out, CONTINUATION);
        buf_u32(out, 0);
}
