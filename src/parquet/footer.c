/* SPDX-License-Identifier: Apache-2.0 */
/*
 * At the end of the file: footer (Thrift), its length (u32), "PAR1". The footer (FileMetaData of parquet.thrift):
 * 1 version, 2 schema (the tree's nodes, each before its children, with the count of them), 3 rows, 4 row groups
 * (each with one column chunk per leaf, in order), 5 key-value pairs, 6 who wrote it.
 */
#include "parquet/footer.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "parquet/arrow_schema.h"
#include "parquet/format.h"
#include "parquet/thrift.h"

/* Bytes that the smallest thing of its kind takes: bounds what a count can ask for. */
#define NODE_SIZE_MIN 4
#define GROUP_SIZE_MIN 6
#define CHUNK_SIZE_MIN 12
#define PAIR_SIZE_MIN 3

typedef struct Parser {
        Cursor cursor;
        Arena *arena;
        const char *name;
        ParquetFooter *footer;
        ParquetNode *nodes;
        uint32_t *child_counts; /* as the nodes say */
        size_t node_count;
        Str arrow_schema; /* in base64 */
        Status problem; /* with the reason in err, if it is not just malformed Thrift */
        Error *err;
} Parser;

static void fail(Parser *parser, Status status, const char *reason) {
        if (parser->problem == STATUS_OK)
                parser->problem = error_set(parser->err, status, "the Parquet footer of '%s' %s", parser->name, reason);
        parser->cursor.failed = true;
}

static int read_int32(Parser *parser, const ThriftField *field) {
        int64_t value = thrift_read_int(&parser->cursor, field);
        if (value < INT32_MIN || value > INT32_MAX)
                parser->cursor.failed = true;
        return (int)value;
}

static int64_t read_count(Parser *parser, const ThriftField *field) {
        int64_t value = thrift_read_int(&parser->cursor, field);
        if (value < 0)
                fail(parser, STATUS_CORRUPT, "has a negative size or count");
        return value;
}

/* ---- schema ---- */

static void read_time_unit(Parser *parser, ParquetNode *node) {
        ThriftField field = { 0 };
        while (thrift_next(&parser->cursor, &field)) {
                if (field.id >= 1 && field.id <= 3)
                        node->unit = (ParquetUnit)(field.id - 1);
                thrift_skip(&parser->cursor, &field);
        }
}

static void read_time_type(Parser *parser, ParquetNode *node) {
        ThriftField field = { 0 };
        while (thrift_next(&parser->cursor, &field)) {
                if (field.id == 1)
                        node->adjusted_to_utc = thrift_read_bool(&parser->cursor, &field);
                else if (field.id == 2 && thrift_read_struct(&parser->cursor, &field))
                        read_time_unit(parser, node);
                else
                        thrift_skip(&parser->cursor, &field);
        }
}

static void read_decimal_type(Parser *parser, ParquetNode *node) {
        ThriftField field = { 0 };
        while (thrift_next(&parser->cursor, &field)) {
                if (field.id == 1)
                        node->scale = read_int32(parser, &field);
                else if (field.id == 2)
                        node->precision = read_int32(parser, &field);
                else
                        thrift_skip(&parser->cursor, &field);
        }
}

static void read_integer_type(Parser *parser, ParquetNode *node) {
        ThriftField field = { 0 };
        while (thrift_next(&parser->cursor, &field)) {
                if (field.id == 1)
                        node->bit_width = read_int32(parser, &field);
                else if (field.id == 2)
                        node->is_signed = thrift_read_bool(&parser->cursor, &field);
                else
                        thrift_skip(&parser->cursor, &field);
        }
}

static ParquetLogical logical_of_union(int field) {
        static const uint8_t kinds[] = {
                [PARQUET_UNION_STRING] = PARQUET_LOGICAL_STRING,
                [PARQUET_UNION_MAP] = PARQUET_LOGICAL_MAP,
                [PARQUET_UNION_LIST] = PARQUET_LOGICAL_LIST,
                [PARQUET_UNION_ENUM] = PARQUET_LOGICAL_ENUM,
                [PARQUET_UNION_DECIMAL] = PARQUET_LOGICAL_DECIMAL,
                [PARQUET_UNION_DATE] = PARQUET_LOGICAL_DATE,
                [PARQUET_UNION_TIME] = PARQUET_LOGICAL_TIME,
                [PARQUET_UNION_TIMESTAMP] = PARQUET_LOGICAL_TIMESTAMP,
                [PARQUET_UNION_INTEGER] = PARQUET_LOGICAL_INTEGER,
                [PARQUET_UNION_JSON] = PARQUET_LOGICAL_JSON,
                [PARQUET_UNION_BSON] = PARQUET_LOGICAL_BSON,
                [PARQUET_UNION_UUID] = PARQUET_LOGICAL_UUID,
                [PARQUET_UNION_NULL] = PARQUET_LOGICAL_NULL,
                [PARQUET_UNION_FLOAT16] = PARQUET_LOGICAL_FLOAT16,
        };
        if (field < 1 || field >= (int)COUNT_OF(kinds) || kinds[field] == PARQUET_LOGICAL_NONE)
                return PARQUET_LOGICAL_OTHER;
        return (ParquetLogical)kinds[field];
}

static void read_logical_type(Parser *parser, ParquetNode *node) {
        ThriftField field = { 0 };
        while (thrift_next(&parser->cursor, &field)) {
                node->logical = logical_of_union(field.id);
                if (!thrift_read_struct(&parser->cursor, &field))
                        return;
                if (node->logical == PARQUET_LOGICAL_DECIMAL)
                        read_decimal_type(parser, node);
                else if (node->logical == PARQUET_LOGICAL_TIME || node->logical == PARQUET_LOGICAL_TIMESTAMP)
                        read_time_type(parser, node);
                else if (node->logical == PARQUET_LOGICAL_INTEGER)
                        read_integer_type(parser, node);
                else
                        thrift_skip(&parser->cursor, &field);
        }
}

/* The older annotation, where the newer one is absent. */
static void apply_converted_type(ParquetNode *node, int converted) {
        static const struct {
                uint8_t logical, unit;
        } kinds[] = {
                [PARQUET_CONVERTED_UTF8] = { PARQUET_LOGICAL_STRING, 0 },
                [PARQUET_CONVERTED_MAP] = { PARQUET_LOGICAL_MAP, 0 },
                [PARQUET_CONVERTED_MAP_KEY_VALUE] = { PARQUET_LOGICAL_MAP, 0 },
                [PARQUET_CONVERTED_LIST] = { PARQUET_LOGICAL_LIST, 0 },
                [PARQUET_CONVERTED_ENUM] = { PARQUET_LOGICAL_ENUM, 0 },
                [PARQUET_CONVERTED_DECIMAL] = { PARQUET_LOGICAL_DECIMAL, 0 },
                [PARQUET_CONVERTED_DATE] = { PARQUET_LOGICAL_DATE, 0 },
                [PARQUET_CONVERTED_TIME_MILLIS] = { PARQUET_LOGICAL_TIME, PARQUET_MILLIS },
                [PARQUET_CONVERTED_TIME_MICROS] = { PARQUET_LOGICAL_TIME, PARQUET_MICROS },
                [PARQUET_CONVERTED_TIMESTAMP_MILLIS] = { PARQUET_LOGICAL_TIMESTAMP, PARQUET_MILLIS },
                [PARQUET_CONVERTED_TIMESTAMP_MICROS] = { PARQUET_LOGICAL_TIMESTAMP, PARQUET_MICROS },
                [PARQUET_CONVERTED_JSON] = { PARQUET_LOGICAL_JSON, 0 },
                [PARQUET_CONVERTED_BSON] = { PARQUET_LOGICAL_BSON, 0 },
                [PARQUET_CONVERTED_INTERVAL] = { PARQUET_LOGICAL_INTERVAL, 0 },
        };
        if (converted >= PARQUET_CONVERTED_UINT_8 && converted <= PARQUET_CONVERTED_INT_64) {
                node->logical = PARQUET_LOGICAL_INTEGER;
                node->is_signed = converted >= PARQUET_CONVERTED_INT_8;
                node->bit_width = 8 << ((converted - PARQUET_CONVERTED_UINT_8) & 3);
        } else if (converted >= 0 && converted < (int)COUNT_OF(kinds)) {
                node->logical = (ParquetLogical)kinds[converted].logical;
                node->unit = (ParquetUnit)kinds[converted].unit;
                node->adjusted_to_utc = node->logical == PARQUET_LOGICAL_TIMESTAMP ||
                                        node->logical == PARQUET_LOGICAL_TIME;
        } else if (converted != PARQUET_CONVERTED_NONE) {
                node->logical = PARQUET_LOGICAL_OTHER;
        }
}

static void read_node(Parser *parser, ParquetNode *node, uint32_t *child_count) {
        Cursor *cursor = &parser->cursor;
        ThriftField field = { 0 };
        int converted = PARQUET_CONVERTED_NONE, physical = -1, repetition = PARQUET_REQUIRED, children = 0;
        while (thrift_next(cursor, &field)) {
                switch (field.id) {
                case 1:
                        physical = read_int32(parser, &field);
                        break;
                case 2:
                        node->type_length = read_int32(parser, &field);
                        break;
                case 3:
                        repetition = read_int32(parser, &field);
                        break;
                case 4:
                        node->name = thrift_read_bytes(cursor, &field);
                        break;
                case 5:
                        children = read_int32(parser, &field);
                        break;
                case 6:
                        converted = read_int32(parser, &field);
                        break;
                case 7:
                        node->scale = read_int32(parser, &field);
                        break;
                case 8:
                        node->precision = read_int32(parser, &field);
                        break;
                case 9:
                        node->field_id = read_int32(parser, &field);
                        break;
                case 10:
                        if (thrift_read_struct(cursor, &field))
                                read_logical_type(parser, node);
                        break;
                default:
                        thrift_skip(cursor, &field);
                }
        }
        if (node->logical == PARQUET_LOGICAL_NONE)
                apply_converted_type(node, converted);
        *child_count = children < 0 ? 0 : (uint32_t)children;
        node->is_leaf = physical >= 0;
        node->physical = (ParquetPhysical)physical;
        node->repetition = (ParquetRepetition)repetition;
        if (physical > PARQUET_FIXED || repetition < 0 || repetition > PARQUET_REPEATED || node->type_length < 0 ||
            children < 0 || (node->is_leaf && children > 0))
                fail(parser, STATUS_CORRUPT, "has a column of no known kind");
}

/* Takes the node at *at and, after it, its children. */
static ParquetNode *link_node(Parser *parser, size_t *at, const ParquetNode *parent, int depth) {
        size_t index = (*at)++;
        ParquetNode *node = &parser->nodes[index];
        uint32_t child_count = parser->child_counts[index];
        node->parent = parent;
        node->repeated = (parent && parent->repeated) || node->repetition == PARQUET_REPEATED;
        if (node->is_leaf) {
                node->leaf = parser->footer->leaf_count;
                parser->footer->leaves[parser->footer->leaf_count++] = node;
                return node;
        }
        if (depth >= PARQUET_FOOTER_DEPTH_MAX) {
                fail(parser, STATUS_LIMIT, "nests its columns too deeply");
                return node;
        }
        if (child_count > parser->node_count - *at) {
                fail(parser, STATUS_CORRUPT, "names fewer columns than it counts");
                return node;
        }
        node->children = ARENA_ARRAY(parser->arena, ParquetNode *, child_count);
        for (; node->child_count < child_count && *at < parser->node_count && !parser->cursor.failed;
             node->child_count++)
                node->children[node->child_count] = link_node(parser, at, node, depth + 1);
        if (node->child_count < child_count)
                fail(parser, STATUS_CORRUPT, "names fewer columns than it counts");
        return node;
}

static void read_schema(Parser *parser, const ThriftField *field) {
        size_t count = thrift_read_list(&parser->cursor, field, THRIFT_STRUCT, NODE_SIZE_MIN);
        if (parser->cursor.failed)
                return;
        if (count > PARQUET_FOOTER_NODES_MAX)
                fail(parser, STATUS_LIMIT, "has too many columns");
        if (count == 0 || parser->nodes)
                fail(parser, STATUS_CORRUPT, "has no columns, or has them twice");
        if (parser->cursor.failed)
                return;

        parser->nodes = ARENA_ARRAY(parser->arena, ParquetNode, count);
        parser->child_counts = ARENA_ARRAY(parser->arena, uint32_t, count);
        parser->node_count = count;
        parser->footer->leaves = ARENA_ARRAY(parser->arena, ParquetNode *, count);
        for (size_t i = 0; i < count && !parser->cursor.failed; i++)
                read_node(parser, &parser->nodes[i], &parser->child_counts[i]);
        if (parser->cursor.failed)
                return;

        parser->nodes[0].repetition = PARQUET_REQUIRED; /* of the root it says nothing */
        size_t at = 0;
        parser->footer->root = link_node(parser, &at, NULL, 0);
        if (at != count || parser->footer->root->is_leaf)
                fail(parser, STATUS_CORRUPT, "names more columns than it counts");
}

/* ---- row groups ---- */

static void read_statistics(Parser *parser, ParquetChunk *chunk) {
        ThriftField field = { 0 };
        while (thrift_next(&parser->cursor, &field)) {
                switch (field.id) {
                case 3:
                        chunk->nulls = read_count(parser, &field);
                        break;
                case 5:
                        chunk->max = thrift_read_bytes(&parser->cursor, &field);
                        chunk->has_max = true;
                        break;
                case 6:
                        chunk->min = thrift_read_bytes(&parser->cursor, &field);
                        chunk->has_min = true;
                        break;
                default:
                        thrift_skip(&parser->cursor, &field);
                }
        }
}

static void read_chunk_metadata(Parser *parser, ParquetChunk *chunk, int *physical) {
        ThriftField field = { 0 };
        int64_t data_page = 0, dictionary_page = 0;
        while (thrift_next(&parser->cursor, &field)) {
                switch (field.id) {
                case 1:
                        *physical = read_int32(parser, &field);
                        break;
                case 4:
                        chunk->codec = read_int32(parser, &field);
                        break;
                case 5:
                        chunk->values = read_count(parser, &field);
                        break;
                case 6:
                        chunk->uncompressed = read_count(parser, &field);
                        break;
                case 7:
                        chunk->compressed = read_count(parser, &field);
                        break;
                case 9:
                        data_page = read_count(parser, &field);
                        break;
                case 11:
                        dictionary_page = read_count(parser, &field);
                        break;
                case 12:
                        if (thrift_read_struct(&parser->cursor, &field))
                                read_statistics(parser, chunk);
                        break;
                default:
                        thrift_skip(&parser->cursor, &field);
                }
        }
        /* some writers say 0 where there is no dictionary */
        chunk->offset = dictionary_page > 0 && dictionary_page < data_page ? dictionary_page : data_page;
}

static void check_chunk(Parser *parser, const ParquetChunk *chunk, int physical, const ParquetNode *leaf) {
        if (parser->cursor.failed)
                return;
        if (physical != (int)leaf->physical)
                fail(parser, STATUS_CORRUPT, "has a column chunk of another type than its column");
        else if (chunk->compressed > parser->footer->file_size ||
                 chunk->offset > parser->footer->file_size - chunk->compressed)
                fail(parser, STATUS_CORRUPT, "places a column chunk outside the file");
        else if (chunk->nulls > chunk->values)
                fail(parser, STATUS_CORRUPT, "counts more nulls than values");
}

static void read_chunk(Parser *parser, ParquetChunk *chunk, const ParquetNode *leaf) {
        ThriftField field = { 0 };
        int physical = -1;
        chunk->nulls = -1;
        while (thrift_next(&parser->cursor, &field)) {
                if (field.id == 1)
                        fail(parser, STATUS_CORRUPT, "points to another file");
                else if (field.id == 3 && thrift_read_struct(&parser->cursor, &field))
                        read_chunk_metadata(parser, chunk, &physical);
                else
                        thrift_skip(&parser->cursor, &field);
                chunk->encrypted |= field.id == 8; /* how it is, is of no use */
        }
        check_chunk(parser, chunk, physical, leaf);
}

static void read_chunks(Parser *parser, const ThriftField *field, ParquetGroup *group) {
        size_t count = thrift_read_list(&parser->cursor, field, THRIFT_STRUCT, CHUNK_SIZE_MIN);
        if (parser->cursor.failed)
                return;
        if (count != parser->footer->leaf_count || group->chunks) {
                fail(parser, STATUS_CORRUPT, "has a row group with more or fewer columns than the schema");
                return;
        }
        group->chunks = ARENA_ARRAY(parser->arena, ParquetChunk, count);
        for (size_t i = 0; i < count && !parser->cursor.failed; i++)
                read_chunk(parser, &group->chunks[i], parser->footer->leaves[i]);
}

static void check_group(Parser *parser, const ParquetGroup *group) {
        if (parser->cursor.failed)
                return;
        if (!group->chunks) {
                fail(parser, STATUS_CORRUPT, "has a row group without columns");
                return;
        }
        for (size_t i = 0; i < parser->footer->leaf_count; i++)
                if (!parser->footer->leaves[i]->repeated && group->chunks[i].values != group->rows)
                        fail(parser, STATUS_CORRUPT, "has a column with more or fewer values than rows");
}

static void read_group(Parser *parser, ParquetGroup *group) {
        ThriftField field = { 0 };
        while (thrift_next(&parser->cursor, &field)) {
                if (field.id == 1)
                        read_chunks(parser, &field, group);
                else if (field.id == 3)
                        group->rows = read_count(parser, &field);
                else
                        thrift_skip(&parser->cursor, &field);
        }
        check_group(parser, group);
        if (!parser->cursor.failed)
                group->offset = group->chunks[0].offset;
}

static void read_groups(Parser *parser, const ThriftField *field) {
        size_t count = thrift_read_list(&parser->cursor, field, THRIFT_STRUCT, GROUP_SIZE_MIN);
        if (parser->cursor.failed)
                return;
        if (!parser->nodes || parser->footer->leaf_count == 0 || parser->footer->groups)
                fail(parser, STATUS_CORRUPT, "has row groups before columns, or twice");
        if (parser->cursor.failed || count == 0)
                return;
        parser->footer->groups = ARENA_ARRAY(parser->arena, ParquetGroup, count);
        parser->footer->group_count = count;
        for (size_t i = 0; i < count && !parser->cursor.failed; i++)
                read_group(parser, &parser->footer->groups[i]);
}

/* ---- what writers say beside it ---- */

static void read_pair(Parser *parser) {
        ThriftField field = { 0 };
        Str key = STR(""), value = STR("");
        while (thrift_next(&parser->cursor, &field)) {
                if (field.id == 1 && field.type == THRIFT_BINARY)
                        key = thrift_read_bytes(&parser->cursor, &field);
                else if (field.id == 2 && field.type == THRIFT_BINARY)
                        value = thrift_read_bytes(&parser->cursor, &field);
                else
                        thrift_skip(&parser->cursor, &field);
        }
        if (str_is(key, "ARROW:schema"))
                parser->arrow_schema = value;
}

static void read_pairs(Parser *parser, const ThriftField *field) {
        size_t count = thrift_read_list(&parser->cursor, field, THRIFT_STRUCT, PAIR_SIZE_MIN);
        for (size_t i = 0; i < count && !parser->cursor.failed; i++)
                read_pair(parser);
}

/* ---- the whole ---- */

static void read_footer(Parser *parser) {
        ParquetFooter *footer = parser->footer;
        ThriftField field = { 0 };
        bool has_rows = false;
        while (thrift_next(&parser->cursor, &field)) {
                switch (field.id) {
                case 2:
                        read_schema(parser, &field);
                        break;
                case 3:
                        footer->rows = read_count(parser, &field);
                        has_rows = true;
                        break;
                case 4:
                        read_groups(parser, &field);
                        break;
                case 5:
                        read_pairs(parser, &field);
                        break;
                case 6:
                        footer->created_by = thrift_read_bytes(&parser->cursor, &field);
                        break;
                default:
                        thrift_skip(&parser->cursor, &field);
                }
        }
        if (!parser->cursor.failed && (!footer->root || !has_rows))
                fail(parser, STATUS_CORRUPT, "lacks columns or a count of rows");

        int64_t rows = 0;
        for (size_t i = 0; i < footer->group_count && !parser->cursor.failed; i++)
                if (__builtin_add_overflow(rows, footer->groups[i].rows, &rows))
                        fail(parser, STATUS_CORRUPT, "counts too many rows");
        if (!parser->cursor.failed && rows != footer->rows)
                fail(parser, STATUS_CORRUPT, "counts other rows than its row groups");
        if (!parser->cursor.failed && parser->arrow_schema.size > 0)
                arrow_schema_apply(parser->arrow_schema, parser->arena, footer->root);
}

Status parquet_footer_parse(Str bytes, int64_t file_size, const char *name, Arena *arena, ParquetFooter *out,
                            Error *err) {
        ParquetFooter footer = { .file_size = file_size };
        Parser parser = { .cursor = cursor_of(bytes), .arena = arena, .name = name, .footer = &footer, .err = err };
        if (bytes.size > PARQUET_FOOTER_SIZE_MAX)
                fail(&parser, STATUS_LIMIT, "is too large");
        else
                read_footer(&parser);
        if (parser.cursor.failed && parser.problem == STATUS_OK)
                fail(&parser, STATUS_CORRUPT, "cannot be read");
        if (parser.problem != STATUS_OK)
                return parser.problem;
        *out = footer;
        return STATUS_OK;
}

static Status read_at(ParquetBytes bytes, const char *name, uint64_t offset, size_t size, char *out, Error *err) {
        for (size_t done = 0, got; done < size; done += got) {
                TRY(bytes.read_at(bytes.context, offset + done, out + done, size - done, &got, err));
                if (got == 0)
                        return error_set(err, STATUS_CORRUPT, "'%s' became shorter while it was read", name);
        }
        return STATUS_OK;
}

static Status check_magic(const char *name, const char *bytes, Error *err) {
        Str magic = { bytes, PARQUET_MAGIC.size };
        if (str_equal(magic, PARQUET_MAGIC))
                return STATUS_OK;
        if (str_equal(magic, PARQUET_MAGIC_ENCRYPTED))
                return error_set(err, STATUS_CORRUPT, "'%s' is an encrypted Parquet file; Lode cannot read it", name);
        return error_set(err, STATUS_CORRUPT, "'%s' is not a Parquet file, or is cut", name);
}

Status parquet_footer_read_from(ParquetBytes bytes, const char *name, Arena *arena, ParquetFooter *out, Error *err) {
        char head[4], tail[PARQUET_TAIL_SIZE];
        int64_t file_size = (int64_t)bytes.size;
        if (file_size < (int64_t)(sizeof(head) + sizeof(tail)))
                return error_set(err, STATUS_CORRUPT, "'%s' is too short for a Parquet file", name);
        TRY(read_at(bytes, name, 0, sizeof(head), head, err));
        TRY(read_at(bytes, name, (uint64_t)file_size - PARQUET_TAIL_SIZE, sizeof(tail), tail, err));
        TRY(check_magic(name, tail + sizeof(uint32_t), err));
        TRY(check_magic(name, head, err));

        uint32_t size;
        memcpy(&size, tail, sizeof(size));
        if (size > file_size - (int64_t)(sizeof(head) + sizeof(tail)))
                return error_set(err, STATUS_CORRUPT, "the Parquet footer of '%s' is longer than the file", name);
        if (size > PARQUET_FOOTER_SIZE_MAX)
                return error_set(err, STATUS_LIMIT, "the Parquet footer of '%s' has %u bytes; at most %u are read",
                                 name, size, PARQUET_FOOTER_SIZE_MAX);
        char *footer = arena_alloc_raw(arena, size);
        TRY(read_at(bytes, name, (uint64_t)file_size - PARQUET_TAIL_SIZE - size, size, footer, err));
        return parquet_footer_parse((Str){ footer, size }, file_size, name, arena, out, err);
}

static Status read_file_at(void *context, uint64_t offset, void *into, size_t size, size_t *out_got, Error *err) {
        const int *fd = context;
        ssize_t got;
        do {
                got = pread(*fd, into, size, (off_t)offset);
        } while (got < 0 && errno == EINTR);
        if (got < 0)
                return error_errno(err, errno, "cannot read a Parquet file");
        *out_got = (size_t)got;
        return STATUS_OK;
}

Status parquet_footer_read(int fd, const char *name, Arena *arena, ParquetFooter *out, Error *err) {
        struct stat info;
        if (fstat(fd, &info) < 0)
                return error_errno(err, errno, "cannot look at '%s'", name);
        return parquet_footer_read_from((ParquetBytes){ read_file_at, &fd, (uint64_t)info.st_size }, name, arena, out, err);
}
