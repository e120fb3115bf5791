/* SPDX-License-Identifier: Apache-2.0 */
#include "iceberg/relocate.h"

#include "iceberg/avro.h"

#define MANIFEST_PATH 500
#define MANIFEST_LENGTH 501

/* ---- metadata.json: every string that begins with the folder ---- */

/* "FROM/ as it stands in JSON, without the closing quote. */
static Str json_beginning(Arena *arena, Str folder) {
        CLEANUP(buf_deinit) Buf buf = { 0 };
        json_quote(&buf, arena_strf(arena, "%.*s/", STR_ARG(folder)));
        buf.size--;
        return buf_dup(&buf, arena);
}

/* A quote that opens a string is the only one that a beginning can follow: inside of strings quotes are escaped, and a
 * closing one is followed by a comma, a colon or a bracket, never by a slash. */
Status relocate_metadata(Str bytes, const Relocation *relocation, Arena *arena, Str *out, Error *err) {
        (void)err;
        Str from = json_beginning(arena, relocation->from), to = json_beginning(arena, relocation->to);
        CLEANUP(buf_deinit) Buf buf = { 0 };
        while (bytes.size > 0) {
                size_t at = str_find(bytes, from);
                bool escaped = at > 0 && at < bytes.size && bytes.data[at - 1] == '\\';
                buf_append(&buf, str_slice(bytes, 0, at));
                if (at >= bytes.size)
                        break;
                buf_append(&buf, escaped ? from : to);
                bytes = str_slice(bytes, at + from.size, bytes.size);
        }
        *out = buf_dup(&buf, arena);
        return STATUS_OK;
}

/* ---- Avro: every string that begins with the folder, and the lengths of manifests ---- */

typedef struct Copy {
        const Relocation *relocation;
        Arena *arena;
        AvroWriter writer;
        Cursor *from;
        Str manifest; /* the new path that was written last in field 500 */
} Copy;

static void copy_value(Copy *copy, const AvroNode *node, int id, int depth);

static Str moved(const Copy *copy, Str path) {
        Str from = copy->relocation->from;
        if (path.size <= from.size || !str_starts_with(path, from) || path.data[from.size] != '/')
                return path;
        return arena_strf(copy->arena, "%.*s%.*s", STR_ARG(copy->relocation->to),
                          STR_ARG(str_slice(path, from.size, path.size)));
}

static void copy_string(Copy *copy, int id) {
        Str value = moved(copy, avro_bytes(copy->from));
        if (id == MANIFEST_PATH)
                copy->manifest = value;
        avro_put_bytes(&copy->writer, value);
}

static void copy_long(Copy *copy, int id) {
        const Relocation *relocation = copy->relocation;
        int64_t value = avro_long(copy->from);
        if (id == MANIFEST_LENGTH && relocation->manifest_length) {
                int64_t length = relocation->manifest_length(relocation->context, copy->manifest);
                value = length >= 0 ? length : value;
        }
        avro_put_long(&copy->writer, value);
}

static void copy_items(Copy *copy, const AvroNode *node, int depth) {
        for (;;) {
                int64_t count = avro_items(copy->from);
                avro_put_long(&copy->writer, count);
                if (count == 0)
                        return;
                for (int64_t i = 0; i < count && !copy->from->failed; i++) {
                        if (node->kind == AVRO_MAP)
                                avro_put_bytes(&copy->writer, avro_bytes(copy->from));
                        copy_value(copy, node->branches[0], -1, depth + 1);
                }
        }
}

static void copy_union(Copy *copy, const AvroNode *node, int id, int depth) {
        int64_t branch = avro_long(copy->from);
        if (branch < 0 || (uint64_t)branch >= node->count) {
                copy->from->failed = true;
                return;
        }
        avro_put_long(&copy->writer, branch);
        copy_value(copy, node->branches[branch], id, depth + 1);
}

static void copy_value(Copy *copy, const AvroNode *node, int id, int depth) {
        if (depth > AVRO_DEPTH * 2)
                copy->from->failed = true;
        if (copy->from->failed)
                return;
        switch (node->kind) {
        case AVRO_NULL:
                return;
        case AVRO_BOOLEAN:
                avro_put_raw(&copy->writer, cursor_bytes(copy->from, 1));
                return;
        case AVRO_FLOAT:
                avro_put_raw(&copy->writer, cursor_bytes(copy->from, 4));
                return;
        case AVRO_DOUBLE:
                avro_put_raw(&copy->writer, cursor_bytes(copy->from, 8));
                return;
        case AVRO_FIXED:
                avro_put_raw(&copy->writer, cursor_bytes(copy->from, (size_t)node->size));
                return;
        case AVRO_INT:
        case AVRO_LONG:
        case AVRO_ENUM:
                copy_long(copy, id);
                return;
        case AVRO_BYTES:
                avro_put_bytes(&copy->writer, avro_bytes(copy->from));
                return;
        case AVRO_STRING:
                copy_string(copy, id);
                return;
        case AVRO_RECORD:
                for (size_t i = 0; i < node->count && !copy->from->failed; i++)
                        copy_value(copy, node->fields[i].type, node->fields[i].id, depth + 1);
                return;
        case AVRO_ARRAY:
        case AVRO_MAP:
                copy_items(copy, node, depth);
                return;
        case AVRO_UNION:
                copy_union(copy, node, id, depth);
                return;
        }
}

static Status copy_blocks(Copy *copy, AvroReader *reader, Error *err) {
        for (;;) {
                Cursor block;
                int64_t records = 0;
                TRY(avro_next_block(reader, &block, &records, err));
                if (records == 0)
                        return STATUS_OK;
                copy->from = &block;
                for (int64_t i = 0; i < records && !block.failed; i++)
                        copy_value(copy, reader->schema, -1, 0);
                if (block.failed || cursor_left(&block) != 0)
                        return error_set(err, STATUS_CORRUPT, "%s: an Avro block does not fit its schema", reader->name);
                avro_block_end(&copy->writer, records);
        }
}

static void copy_deinit(Copy *copy) {
        avro_writer_deinit(&copy->writer);
}

Status relocate_manifest(Str bytes, const char *name, const Relocation *relocation, Arena *arena, Str *out, Error *err) {
        CLEANUP(arena_deinit) Arena scratch = { 0 };
        CLEANUP(buf_deinit) Buf buf = { 0 };
        CLEANUP(copy_deinit) Copy copy = { .relocation = relocation, .arena = &scratch };
        AvroReader reader;
        TRY(avro_open(bytes, name, &scratch, &reader, err));
        TRY(avro_writer_like(&copy.writer, &buf, &reader, bytes, err));
        TRY(copy_blocks(&copy, &reader, err));
        *out = buf_dup(&buf, arena);
        return STATUS_OK;
}

Status relocate_file(Str path, Str bytes, const Relocation *relocation, Arena *arena, Str *out, Error *err) {
        if (str_ends_with(path, STR(".json")))
                return relocate_metadata(bytes, relocation, arena, out, err);
        return relocate_manifest(bytes, arena_cstr(arena, path), relocation, arena, out, err);
}
