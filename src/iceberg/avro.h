/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Avro: object container files (Avro 1.11 specification, "Object Container Files"): those of Iceberg whole, and the parts
 * that `frame` reads deliveries with, which may be of any size: schema, codecs, values.
 *
 * Own, because the common library drops field ids and header keys, both ways. The reader gives the writer's schema as
 * a tree and each block's bytes; whoever decodes walks the tree beside a Cursor, takes what it knows by field id and
 * skips the rest. Codecs: null, deflate, zstandard and snappy are read; null and deflate are written.
 *
 * All input is taken as hostile: any size is compared with a limit here before memory is had, recursion is bounded,
 * and a Cursor fails instead of running over its end.
 */
#include "base/json.h"

#define AVRO_DEPTH 64
#define AVRO_NODES_MAX 20000                  /* of one schema */
#define AVRO_BLOCK_MAX ((size_t)256 << 20)    /* of one block, inflated */
#define AVRO_FILE_MAX ((size_t)1 << 30)       /* of all blocks, inflated */

typedef enum AvroKind {
        AVRO_NULL, AVRO_BOOLEAN, AVRO_INT, AVRO_LONG, AVRO_FLOAT, AVRO_DOUBLE, AVRO_BYTES, AVRO_STRING,
        AVRO_FIXED, AVRO_ENUM, AVRO_RECORD, AVRO_ARRAY, AVRO_MAP, AVRO_UNION,
} AvroKind;

typedef struct AvroNode AvroNode;

typedef struct AvroField {
        Str name;
        int id; /* field-id, -1 if absent */
        AvroNode *type;
} AvroField;

struct AvroNode {
        AvroKind kind;
        Str name;              /* record, fixed, enum */
        Str logical;           /* logicalType, or empty */
        int size;              /* fixed: bytes */
        int precision, scale;  /* decimal; 0 where it does not say */
        Str *symbols;          /* enum; count of them */
        int element_id;        /* array: element-id, -1 if absent */
        AvroField *fields;     /* record */
        AvroNode **branches;   /* union; array and map: one, the item */
        size_t count;          /* of fields, branches or symbols */
        bool empty;            /* a value takes no byte at all */
};

typedef struct AvroReader {
        const char *name; /* for errors */
        Arena *arena;
        Str *header_keys, *header_values;
        size_t header_count;
        AvroNode *schema;
        Str codec;
        Str sync;
        Cursor rest;
        size_t inflated; /* so far */
} AvroReader;

/* bytes must live as long as what is read from them. CORRUPT, LIMIT. */
Status avro_open(Str bytes, const char *name, Arena *arena, AvroReader *out, Error *err);
Str avro_header(const AvroReader *reader, const char *key); /* STR_NONE if absent */
/* The next block's records as bytes, inflated into the arena (or borrowed from the file): *count of them, 0 = end. */
Status avro_next_block(AvroReader *reader, Cursor *out, int64_t *count, Error *err);

/* The schema of a header, as JSON text. A type may name itself, so the tree may lead back: who walks it counts. */
Status avro_schema_parse(Str text, const char *name, Arena *arena, AvroNode **out, Error *err);

typedef enum AvroUnpacked { AVRO_UNPACKED, AVRO_BROKEN, AVRO_TOO_BIG, AVRO_NO_CODEC } AvroUnpacked;
/* The bytes of one block, in the arena or borrowed from `packed`. */
AvroUnpacked avro_unpack(Str codec, Str packed, size_t limit, Arena *arena, Str *out);

/* Values, by the writer's schema. A wrong one fails the cursor. */
int64_t avro_long(Cursor *cursor);
Str avro_bytes(Cursor *cursor); /* bytes and strings; borrowed */
void avro_skip(const AvroNode *node, Cursor *cursor);
/* Resolves a union to the branch that follows; any other node is itself. */
const AvroNode *avro_branch(const AvroNode *node, Cursor *cursor);
/* Blocks of an array or map: the count of items that follow; 0 = end. Negative counts are handled. */
int64_t avro_items(Cursor *cursor);
/* Whole numbers from int, long, boolean; false (and skipped) for anything else. */
bool avro_integer(const AvroNode *node, Cursor *cursor, int64_t *out);

typedef enum AvroCodec { AVRO_CODEC_NULL, AVRO_CODEC_DEFLATE } AvroCodec;

/* Writes one container file onto out. Values go to `block`, in the order of the schema. */
typedef struct AvroWriter {
        Buf *out;
        Buf block; /* owned: avro_writer_deinit */
        int64_t count;
        AvroCodec codec;
        char sync[16];
} AvroWriter;

typedef struct AvroHeader {
        const char *key;
        Str value;
} AvroHeader;

void avro_writer_init(AvroWriter *writer, Buf *out, Str schema_json, AvroCodec codec, const AvroHeader *header,
                      size_t header_count);
/* Goes on behind the header of a file that was opened: the same schema, keys and sync, so that what is put the same way
 * gives the same bytes. SQL_REFUSED for a codec that is not written. */
Status avro_writer_like(AvroWriter *writer, Buf *out, const AvroReader *reader, Str bytes, Error *err);
void avro_writer_deinit(AvroWriter *writer);
void avro_put_long(AvroWriter *writer, int64_t value); /* int, long, array counts, union branches */
void avro_put_bytes(AvroWriter *writer, Str value);    /* bytes, string */
void avro_put_raw(AvroWriter *writer, Str value);      /* fixed, float, double, boolean */
void avro_record_end(AvroWriter *writer);              /* after each record of the file */
void avro_block_end(AvroWriter *writer, int64_t records); /* what was put since the last one is a block of so many */
void avro_finish(AvroWriter *writer);
const char *avro_codec_version(void); /* another version of the library may pack the same records to other bytes */
