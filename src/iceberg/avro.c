/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An object container file:
 *
 *   "Obj" 0x01 | header: map of string to bytes, with avro.schema and avro.codec | sync, 16 bytes
 *   block*: count of records (long) | size in bytes (long) | the records, packed by the codec | sync
 *
 * int and long are zigzag varints; bytes and strings a long and that many bytes; a union the index of its branch and
 * the branch; arrays and maps are blocks of (count, items) ended by a count of 0, and a negative count is followed by
 * the size of its block in bytes; a record is its fields, one after the other, with nothing between.
 */
#include "iceberg/avro.h"

#include <zlib.h>
#include <zstd.h>

#include "base/hash.h"
#include "base/map.h"
#include "base/snappy.h"
#include "base/vec.h"

#define HEADER_ENTRIES_MAX 1000
#define BLOCK_TARGET ((size_t)64 << 10) /* a block of records is closed when it has this many bytes */
#define DEFLATE_LEVEL 4
#define MAGIC STR("Obj\x01")
#define SYNC_SIZE 16

/* ---- values ---- */

static void cursor_fail(Cursor *cursor) {
        cursor->failed = true;
        cursor->at = cursor->end;
}

int64_t avro_long(Cursor *cursor) {
        uint64_t zigzag = 0;
        for (int shift = 0; shift < 64 && cursor->at < cursor->end; shift += 7) {
                uint8_t byte = *cursor->at++;
                zigzag |= (uint64_t)(byte & 0x7f) << shift;
                if (!(byte & 0x80))
                        return (int64_t)(zigzag >> 1) ^ -(int64_t)(zigzag & 1);
        }
        cursor_fail(cursor);
        return 0;
}

Str avro_bytes(Cursor *cursor) {
        int64_t size = avro_long(cursor);
        if (size < 0 || (uint64_t)size > cursor_left(cursor)) {
                cursor_fail(cursor);
                return STR_NONE;
        }
        return cursor_bytes(cursor, (size_t)size);
}

int64_t avro_items(Cursor *cursor) {
        int64_t count = avro_long(cursor);
        if (count < 0) {
                avro_long(cursor); /* the size in bytes, for those who skip */
                count = count == INT64_MIN ? INT64_MAX : -count;
        }
        /* Each item that anybody decodes takes a byte or more. */
        if ((uint64_t)count > cursor_left(cursor)) {
                cursor_fail(cursor);
                return 0;
        }
        return cursor->failed ? 0 : count;
}

const AvroNode *avro_branch(const AvroNode *node, Cursor *cursor) {
        static const AvroNode null_node = { .kind = AVRO_NULL, .empty = true };
        /* A union holds no union, so this is not a loop. */
        if (node->kind != AVRO_UNION)
                return node;
        int64_t branch = avro_long(cursor);
        if (branch < 0 || (uint64_t)branch >= node->count) {
                cursor_fail(cursor);
                return &null_node;
        }
        return node->branches[branch];
}

bool avro_integer(const AvroNode *node, Cursor *cursor, int64_t *out) {
        if (node->kind == AVRO_INT || node->kind == AVRO_LONG) {
                *out = avro_long(cursor);
                return true;
        }
        if (node->kind == AVRO_BOOLEAN) {
                *out = cursor_u8(cursor) != 0;
                return true;
        }
        avro_skip(node, cursor);
        return false;
}

static void skip(const AvroNode *node, Cursor *cursor, int depth);

/* An item of a map has a key before it. */
static void skip_blocks(const AvroNode *node, Cursor *cursor, int depth) {
        while (!cursor->failed) {
                int64_t count = avro_long(cursor);
                if (count == 0)
                        return;
                if (count < 0) {
                        int64_t size = avro_long(cursor);
                        if (size < 0 || (uint64_t)size > cursor_left(cursor))
                                cursor_fail(cursor);
                        else
                                cursor_bytes(cursor, (size_t)size);
                        continue;
                }
                if (node->kind == AVRO_ARRAY && node->branches[0]->empty)
                        continue;
                for (int64_t i = 0; i < count && !cursor->failed; i++) {
                        if (node->kind == AVRO_MAP)
                                avro_bytes(cursor);
                        skip(node->branches[0], cursor, depth + 1);
                }
        }
}

static void skip(const AvroNode *node, Cursor *cursor, int depth) {
        if (depth > AVRO_DEPTH * 2) {
                cursor_fail(cursor);
                return;
        }
        if (node->empty || cursor->failed)
                return;
        switch (node->kind) {
        case AVRO_NULL:
                return;
        case AVRO_BOOLEAN:
                cursor_bytes(cursor, 1);
                return;
        case AVRO_INT:
        case AVRO_LONG:
        case AVRO_ENUM:
                avro_long(cursor);
                return;
        case AVRO_FLOAT:
                cursor_bytes(cursor, 4);
                return;
        case AVRO_DOUBLE:
                cursor_bytes(cursor, 8);
                return;
        case AVRO_BYTES:
        case AVRO_STRING:
                avro_bytes(cursor);
                return;
        case AVRO_FIXED:
                cursor_bytes(cursor, (size_t)node->size);
                return;
        case AVRO_RECORD:
                for (size_t i = 0; i < node->count && !cursor->failed; i++)
                        skip(node->fields[i].type, cursor, depth + 1);
                return;
        case AVRO_ARRAY:
        case AVRO_MAP:
                skip_blocks(node, cursor, depth);
                return;
        case AVRO_UNION:
                skip(avro_branch(node, cursor), cursor, depth + 1);
                return;
        }
}

void avro_skip(const AvroNode *node, Cursor *cursor) {
        skip(node, cursor, 0);
}

/* ---- schema ---- */

typedef struct SchemaParser {
        Arena *arena;
        Map named, simple; /* AvroNode by its name with namespace; and without, the first of that name */
        Str space;         /* the namespace that holds where we are */
        size_t nodes;
} SchemaParser;

static const struct {
        const char *name;
        AvroKind kind;
} kind_names[] = {
        { "null", AVRO_NULL },     { "boolean", AVRO_BOOLEAN }, { "int", AVRO_INT },     { "long", AVRO_LONG },
        { "float", AVRO_FLOAT },   { "double", AVRO_DOUBLE },   { "bytes", AVRO_BYTES }, { "string", AVRO_STRING },
        { "fixed", AVRO_FIXED },   { "enum", AVRO_ENUM },       { "error", AVRO_RECORD }, { "record", AVRO_RECORD },
        { "array", AVRO_ARRAY },   { "map", AVRO_MAP },
};

static Str without_namespace(Str name) {
        for (size_t i = name.size; i > 0; i--)
                if (name.data[i - 1] == '.')
                        return str_slice(name, i, name.size);
        return name;
}

static Str with_namespace(const SchemaParser *parser, Str name) {
        bool whole = str_find_byte(name, '.') < name.size || parser->space.size == 0;
        return whole ? name : arena_strf(parser->arena, "%.*s.%.*s", STR_ARG(parser->space), STR_ARG(name));
}

/* By its whole name; files that are careless with namespaces mean the one type of that name. */
static AvroNode *find_named(SchemaParser *parser, Str name) {
        AvroNode *node = map_get(&parser->named, with_namespace(parser, name));
        return node ? node : map_get(&parser->simple, without_namespace(name));
}

/* Known before its fields are read: they may name it. */
static void add_named(SchemaParser *parser, const Json *json, AvroNode *node) {
        Str own = json_string(json_get(json, "namespace"));
        Str written = node->name, simple = without_namespace(written);
        if (simple.size < written.size)
                parser->space = str_slice(written, 0, written.size - simple.size - 1);
        else if (own.size > 0)
                parser->space = own;
        map_put(&parser->named, with_namespace(parser, written), node);
        if (!map_has(&parser->simple, simple))
                map_put(&parser->simple, simple, node);
}

static Status parse_node(SchemaParser *parser, const Json *json, int depth, AvroNode **out, Error *err);

static int small_int(const Json *json, int fallback) {
        int64_t value = json_integer(json, fallback);
        return value >= INT32_MIN && value <= INT32_MAX ? (int)value : fallback;
}

static Status parse_record(SchemaParser *parser, const Json *json, int depth, AvroNode *node, Error *err) {
        const Json *fields;
        TRY(json_want_array(json, "fields", &fields, err));
        size_t count = json_count(fields);
        AvroField *items = ARENA_ARRAY(parser->arena, AvroField, count);
        bool empty = true;
        for (size_t i = 0; i < count; i++) {
                const Json *field = json_at(fields, i);
                TRY(json_want_string(field, "name", &items[i].name, err));
                items[i].id = small_int(json_get(field, "field-id"), -1);
                TRY(parse_node(parser, json_get(field, "type"), depth + 1, &items[i].type, err));
                empty = empty && items[i].type->empty;
        }
        node->fields = items;
        node->count = count;
        node->empty = empty;
        return STATUS_OK;
}

static Status parse_branches(SchemaParser *parser, const Json *json, int depth, AvroNode *node, Error *err) {
        node->kind = AVRO_UNION;
        node->count = json_count(json);
        node->branches = ARENA_ARRAY(parser->arena, AvroNode *, node->count);
        for (size_t i = 0; i < node->count; i++) {
                TRY(parse_node(parser, json_at(json, i), depth + 1, &node->branches[i], err));
                if (node->branches[i]->kind == AVRO_UNION)
                        return error_set(err, STATUS_CORRUPT, "the Avro schema has a union inside a union");
        }
        return STATUS_OK;
}

static Status parse_item(SchemaParser *parser, const Json *json, int depth, AvroNode *node, Error *err) {
        node->branches = ARENA_ARRAY(parser->arena, AvroNode *, 1);
        node->count = 1;
        const char *key = node->kind == AVRO_ARRAY ? "items" : "values";
        return parse_node(parser, json_get(json, key), depth + 1, &node->branches[0], err);
}

static Status parse_symbols(SchemaParser *parser, const Json *json, AvroNode *node, Error *err) {
        const Json *symbols;
        TRY(json_want_array(json, "symbols", &symbols, err));
        node->count = json_count(symbols);
        node->symbols = ARENA_ARRAY(parser->arena, Str, node->count + 1);
        for (size_t i = 0; i < node->count; i++)
                node->symbols[i] = json_string(json_at(symbols, i));
        return STATUS_OK;
}

/* A name: a primitive type, or one that was defined before. */
static Status parse_name(SchemaParser *parser, Str name, AvroNode *node, AvroNode **out, Error *err) {
        AvroNode *named = find_named(parser, name);
        if (named) {
                *out = named;
                return STATUS_OK;
        }
        for (size_t i = 0; i < COUNT_OF(kind_names) && kind_names[i].kind <= AVRO_STRING; i++) {
                if (!str_is(name, kind_names[i].name))
                        continue;
                node->kind = kind_names[i].kind;
                node->empty = node->kind == AVRO_NULL;
                *out = node;
                return STATUS_OK;
        }
        return error_set(err, STATUS_CORRUPT, "the Avro schema has an unknown type '%.*s'",
                         STR_ARG(str_slice(name, 0, 80)));
}

static Status parse_object(SchemaParser *parser, const Json *json, int depth, AvroNode *node, AvroNode **out,
                           Error *err) {
        const Json *type = json_get(json, "type");
        if (!type || type->kind != JSON_STRING) /* {"type": {...}}: an envelope */
                return parse_node(parser, type, depth + 1, out, err);

        size_t i = 0;
        while (i < COUNT_OF(kind_names) && !str_is(type->string, kind_names[i].name))
                i++;
        if (i == COUNT_OF(kind_names))
                return parse_name(parser, type->string, node, out, err);

        node->kind = kind_names[i].kind;
        node->logical = json_string(json_get(json, "logicalType"));
        node->element_id = small_int(json_get(json, "element-id"), -1);
        node->empty = node->kind == AVRO_NULL;
        *out = node;
        node->precision = small_int(json_get(json, "precision"), 0);
        node->scale = small_int(json_get(json, "scale"), 0);
        Str space = parser->space;
        if (node->kind == AVRO_RECORD || node->kind == AVRO_FIXED || node->kind == AVRO_ENUM) {
                TRY(json_want_string(json, "name", &node->name, err));
                add_named(parser, json, node);
        }
        if (node->kind == AVRO_RECORD)
                TRY(parse_record(parser, json, depth, node, err));
        parser->space = space;
        if (node->kind == AVRO_ENUM)
                return parse_symbols(parser, json, node, err);
        if (node->kind == AVRO_ARRAY || node->kind == AVRO_MAP)
                return parse_item(parser, json, depth, node, err);
        if (node->kind == AVRO_FIXED) {
                node->size = small_int(json_get(json, "size"), -1);
                if (node->size < 0)
                        return error_set(err, STATUS_CORRUPT, "the Avro schema has a fixed type of no size");
                node->empty = node->size == 0;
        }
        return STATUS_OK;
}

static Status parse_node(SchemaParser *parser, const Json *json, int depth, AvroNode **out, Error *err) {
        if (depth > AVRO_DEPTH)
                return error_set(err, STATUS_LIMIT, "the Avro schema is nested more than %d deep", AVRO_DEPTH);
        if (++parser->nodes > AVRO_NODES_MAX)
                return error_set(err, STATUS_LIMIT, "the Avro schema has more than %d types", AVRO_NODES_MAX);
        AvroNode *node = ARENA_NEW(parser->arena, AvroNode);
        node->element_id = -1;
        *out = node;
        if (json && json->kind == JSON_STRING)
                return parse_name(parser, json->string, node, out, err);
        if (json && json->kind == JSON_ARRAY)
                return parse_branches(parser, json, depth, node, err);
        if (json && json->kind == JSON_OBJECT)
                return parse_object(parser, json, depth, node, out, err);
        return error_set(err, STATUS_CORRUPT, "the Avro schema lacks a type");
}

Status avro_schema_parse(Str text, const char *name, Arena *arena, AvroNode **out, Error *err) {
        Json *json;
        TRY(json_parse(text, name, arena, &json, err));
        SchemaParser parser = { .arena = arena };
        map_init(&parser.named, arena);
        map_init(&parser.simple, arena);
        return parse_node(&parser, json, 0, out, err);
}

/* ---- reading a container ---- */

static Status broken(const AvroReader *reader, Error *err, const char *what) {
        return error_set(err, STATUS_CORRUPT, "%s: %s", reader->name, what);
}

static Status read_header(AvroReader *reader, Error *err) {
        VEC(Str) keys = { 0 };
        VEC(Str) values = { 0 };
        for (int64_t left = avro_items(&reader->rest); left > 0; left = avro_items(&reader->rest)) {
                for (; left > 0 && !reader->rest.failed; left--) {
                        if (keys.count == HEADER_ENTRIES_MAX)
                                return error_set(err, STATUS_LIMIT, "%s: more than %d entries in the Avro header",
                                                 reader->name, HEADER_ENTRIES_MAX);
                        vec_push(reader->arena, &keys, avro_bytes(&reader->rest));
                        vec_push(reader->arena, &values, avro_bytes(&reader->rest));
                }
        }
        reader->header_keys = keys.items;
        reader->header_values = values.items;
        reader->header_count = keys.count;
        reader->sync = cursor_bytes(&reader->rest, SYNC_SIZE);
        if (reader->rest.failed)
                return broken(reader, err, "the Avro header is cut");
        return STATUS_OK;
}

Status avro_open(Str bytes, const char *name, Arena *arena, AvroReader *out, Error *err) {
        AvroReader reader = { .name = name, .arena = arena, .rest = cursor_of(bytes) };
        if (!str_equal(cursor_bytes(&reader.rest, MAGIC.size), MAGIC))
                return broken(&reader, err, "not an Avro file");
        TRY(read_header(&reader, err));
        if (avro_schema_parse(avro_header(&reader, "avro.schema"), NULL, arena, &reader.schema, err) != STATUS_OK)
                return error_context(err, "%s: schema in the Avro header", name);
        reader.codec = avro_header(&reader, "avro.codec");
        *out = reader;
        return STATUS_OK;
}

Str avro_header(const AvroReader *reader, const char *key) {
        for (size_t i = 0; i < reader->header_count; i++)
                if (str_is(reader->header_keys[i], key))
                        return reader->header_values[i];
        return STR_NONE;
}

/* Where unpacked bytes go: the newest piece of the arena, so that it grows in place. */
typedef struct Sink {
        Arena *arena;
        char *data;
        size_t size, capacity, limit;
        size_t guess; /* of the unpacked size */
} Sink;

/* False at the limit. */
static bool sink_grow(Sink *sink) {
        if (sink->capacity >= sink->limit)
                return false;
        size_t wanted = sink->capacity > 0 ? sink->capacity * 2 : sink->guess;
        if (wanted > sink->limit)
                wanted = sink->limit;
        sink->data = arena_grow(sink->arena, sink->data, sink->capacity, wanted);
        sink->capacity = wanted;
        return true;
}

static AvroUnpacked unpack_null(Str packed, Sink *sink) {
        /* Borrowed from the file, whose bytes outlive the result. */
        union {
                const char *from;
                char *to;
        } view = { .from = packed.data };
        if (packed.size > sink->limit)
                return AVRO_TOO_BIG;
        sink->data = view.to;
        sink->size = packed.size;
        return AVRO_UNPACKED;
}

static void inflate_endp(z_stream *stream) {
        inflateEnd(stream);
}

static AvroUnpacked unpack_deflate(Str packed, Sink *sink) {
        union {
                const char *from;
                Bytef *to;
        } input = { .from = packed.data };
        CLEANUP(inflate_endp) z_stream stream = { .next_in = input.to, .avail_in = (uInt)packed.size };
        if (inflateInit2(&stream, -MAX_WBITS) != Z_OK)
                panic("zlib cannot start");
        for (;;) {
                if (sink->size == sink->capacity && !sink_grow(sink))
                        return AVRO_TOO_BIG;
                stream.next_out = (Bytef *)sink->data + sink->size;
                stream.avail_out = (uInt)(sink->capacity - sink->size);
                int state = inflate(&stream, Z_NO_FLUSH);
                sink->size = sink->capacity - stream.avail_out;
                if (state == Z_STREAM_END)
                        return AVRO_UNPACKED;
                if (state != Z_OK || (stream.avail_in == 0 && stream.avail_out > 0))
                        return AVRO_BROKEN;
        }
}

static void zstd_freep(ZSTD_DCtx **context) {
        ZSTD_freeDCtx(*context);
}

static AvroUnpacked unpack_zstd(Str packed, Sink *sink) {
        CLEANUP(zstd_freep) ZSTD_DCtx *context = ZSTD_createDCtx();
        if (!context)
                panic("zstd cannot start");
        ZSTD_inBuffer in = { packed.data, packed.size, 0 };
        for (;;) {
                if (sink->size == sink->capacity && !sink_grow(sink))
                        return AVRO_TOO_BIG;
                ZSTD_outBuffer out = { sink->data, sink->capacity, sink->size };
                size_t left = ZSTD_decompressStream(context, &out, &in);
                sink->size = out.pos;
                if (ZSTD_isError(left))
                        return AVRO_BROKEN;
                if (left == 0 && in.pos == in.size)
                        return AVRO_UNPACKED;
                if (in.pos == in.size && out.pos < out.size)
                        return AVRO_BROKEN;
        }
}

/* Avro adds the CRC32 of the unpacked bytes, big-endian, at the end. */
static AvroUnpacked unpack_snappy(Str packed, Sink *sink) {
        if (packed.size < 5)
                return AVRO_BROKEN;
        Str raw = str_slice(packed, 0, packed.size - 4);
        uint64_t size;
        if (!snappy_size(raw, &size))
                return AVRO_BROKEN;
        if (size > sink->limit)
                return AVRO_TOO_BIG;
        sink->data = arena_alloc_raw(sink->arena, (size_t)size + 1);
        sink->capacity = sink->size = (size_t)size;
        if (!snappy_unpack(raw, sink->data, sink->size))
                return AVRO_BROKEN;
        const uint8_t *check = (const uint8_t *)packed.data + packed.size - 4;
        uint32_t wanted = (uint32_t)check[0] << 24 | (uint32_t)check[1] << 16 | (uint32_t)check[2] << 8 | check[3];
        uint32_t got = (uint32_t)crc32(0, (const Bytef *)sink->data, (uInt)sink->size);
        return got == wanted ? AVRO_UNPACKED : AVRO_BROKEN;
}

static const struct {
        const char *name;
        AvroUnpacked (*unpack)(Str packed, Sink *sink);
} codecs[] = {
        { "", unpack_null }, /* the key may be left out */
        { "null", unpack_null },
        { "deflate", unpack_deflate },
        { "zstandard", unpack_zstd },
        { "snappy", unpack_snappy },
};

AvroUnpacked avro_unpack(Str codec, Str packed, size_t limit, Arena *arena, Str *out) {
        Sink sink = { .arena = arena, .limit = limit };
        /* All writers close a block a little after 64 KB, unless the file ends. */
        sink.guess = packed.size < 2048 ? 8192 : packed.size < BLOCK_TARGET ? BLOCK_TARGET + 4096 : packed.size * 4;
        size_t i = 0;
        while (i < COUNT_OF(codecs) && !str_is(codec, codecs[i].name))
                i++;
        if (i == COUNT_OF(codecs))
                return AVRO_NO_CODEC;
        AvroUnpacked unpacked = codecs[i].unpack(packed, &sink);
        *out = (Str){ sink.data, sink.size };
        return unpacked;
}

static Status unpack(AvroReader *reader, Str packed, Str *out, Error *err) {
        size_t left = AVRO_FILE_MAX - reader->inflated;
        size_t limit = left < AVRO_BLOCK_MAX ? left : AVRO_BLOCK_MAX;
        switch (avro_unpack(reader->codec, packed, limit, reader->arena, out)) {
        case AVRO_UNPACKED:
                break;
        case AVRO_NO_CODEC:
                return error_set(err, STATUS_CORRUPT, "%s: Avro codec '%.*s' is not known", reader->name,
                                 STR_ARG(str_slice(reader->codec, 0, 40)));
        case AVRO_BROKEN:
                return broken(reader, err, "a packed Avro block is broken");
        case AVRO_TOO_BIG:
                return error_set(err, STATUS_LIMIT, "%s: an Avro block is bigger than %zu bytes", reader->name, limit);
        }
        reader->inflated += out->size;
        return STATUS_OK;
}

Status avro_next_block(AvroReader *reader, Cursor *out, int64_t *count, Error *err) {
        for (;;) {
                if (cursor_left(&reader->rest) == 0) {
                        *count = 0;
                        return STATUS_OK;
                }
                int64_t records = avro_long(&reader->rest);
                Str packed = avro_bytes(&reader->rest);
                Str sync = cursor_bytes(&reader->rest, SYNC_SIZE);
                if (reader->rest.failed || records < 0 || !str_equal(sync, reader->sync))
                        return broken(reader, err, "an Avro block is cut or broken");
                if (records == 0)
                        continue;
                Str block;
                TRY(unpack(reader, packed, &block, err));
                /* Records of an Iceberg file take a byte or more each. */
                if ((uint64_t)records > block.size)
                        return broken(reader, err, "an Avro block counts more records than it holds");
                *out = cursor_of(block);
                *count = records;
                return STATUS_OK;
        }
}

/* ---- writing a container ---- */

static void put_long(Buf *out, int64_t value) {
        uint64_t zigzag = ((uint64_t)value << 1) ^ (value < 0 ? UINT64_MAX : 0);
        while (zigzag > 0x7f) {
                buf_append_byte(out, (char)(zigzag | 0x80));
                zigzag >>= 7;
        }
        buf_append_byte(out, (char)zigzag);
}

static void put_bytes(Buf *out, Str value) {
        put_long(out, (int64_t)value.size);
        buf_append(out, value);
}

void avro_writer_init(AvroWriter *writer, Buf *out, Str schema_json, AvroCodec codec, const AvroHeader *header,
                      size_t header_count) {
        *writer = (AvroWriter){ .out = out, .codec = codec };
        random_bytes(writer->sync, sizeof(writer->sync));
        buf_append(out, MAGIC);
        put_long(out, (int64_t)header_count + 2);
        put_bytes(out, STR("avro.schema"));
        put_bytes(out, schema_json);
        put_bytes(out, STR("avro.codec"));
        put_bytes(out, codec == AVRO_CODEC_DEFLATE ? STR("deflate") : STR("null"));
        for (size_t i = 0; i < header_count; i++) {
                put_bytes(out, str_of(header[i].key));
                put_bytes(out, header[i].value);
        }
        put_long(out, 0);
        buf_append(out, (Str){ writer->sync, sizeof(writer->sync) });
}

Status avro_writer_like(AvroWriter *writer, Buf *out, const AvroReader *reader, Str bytes, Error *err) {
        bool plain = reader->codec.size == 0 || str_is(reader->codec, "null");
        if (!plain && !str_is(reader->codec, "deflate"))
                return error_set(err, STATUS_SQL_REFUSED, "%s: Avro codec '%.*s' is read, not written", reader->name,
                                 STR_ARG(str_slice(reader->codec, 0, 40)));
        *writer = (AvroWriter){ .out = out, .codec = plain ? AVRO_CODEC_NULL : AVRO_CODEC_DEFLATE };
        memcpy(writer->sync, reader->sync.data, sizeof(writer->sync));
        buf_append(out, (Str){ bytes.data, (size_t)((const char *)reader->rest.at - bytes.data) });
        return STATUS_OK;
}

void avro_writer_deinit(AvroWriter *writer) {
        buf_deinit(&writer->block);
}

void avro_put_long(AvroWriter *writer, int64_t value) {
        put_long(&writer->block, value);
}

void avro_put_bytes(AvroWriter *writer, Str value) {
        put_bytes(&writer->block, value);
}

void avro_put_raw(AvroWriter *writer, Str value) {
        buf_append(&writer->block, value);
}

static void pack_deflate(AvroWriter *writer) {
        z_stream stream = { 0 };
        if (deflateInit2(&stream, DEFLATE_LEVEL, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK)
                panic("zlib cannot start");
        CLEANUP(buf_deinit) Buf packed = { 0 };
        size_t room = deflateBound(&stream, (uLong)writer->block.size);
        stream.next_in = (Bytef *)writer->block.data;
        stream.avail_in = (uInt)writer->block.size;
        stream.next_out = buf_reserve(&packed, room);
        stream.avail_out = (uInt)room;
        int state = deflate(&stream, Z_FINISH);
        buf_added(&packed, room - stream.avail_out);
        deflateEnd(&stream);
        if (state != Z_STREAM_END)
                panic("zlib cannot pack %zu bytes", writer->block.size);
        put_bytes(writer->out, buf_view(&packed));
}

static void close_block(AvroWriter *writer) {
        if (writer->count == 0)
                return;
        put_long(writer->out, writer->count);
        if (writer->codec == AVRO_CODEC_DEFLATE)
                pack_deflate(writer);
        else
                put_bytes(writer->out, buf_view(&writer->block));
        buf_append(writer->out, (Str){ writer->sync, sizeof(writer->sync) });
        writer->count = 0;
        buf_clear(&writer->block);
}

void avro_record_end(AvroWriter *writer) {
        writer->count++;
        if (writer->block.size >= BLOCK_TARGET)
                close_block(writer);
}

void avro_block_end(AvroWriter *writer, int64_t records) {
        writer->count = records;
        close_block(writer);
}

const char *avro_codec_version(void) {
        return zlibVersion();
}

void avro_finish(AvroWriter *writer) {
        close_block(writer);
}
