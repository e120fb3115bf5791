/* SPDX-License-Identifier: Apache-2.0 */
#include "lake/intent.h"

#define MAGIC "LODEINT1"

/* ---- writing ---- */

static void write_name(Buf *out, CatalogName name) {
        buf_lstr(out, name.kind);
        buf_lstr(out, name.zone);
        buf_lstr(out, name.name);
}

static void write_table(Buf *out, const Store *store, const IntentTable *table) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        write_name(out, table->name);
        buf_lstr(out, table->base_hash);
        buf_u64(out, (uint64_t)table->base_rows);
        buf_u8(out, (uint8_t)table->write);
        buf_u8(out, table->model);
        buf_u8(out, table->unchanged);
        buf_u8(out, table->partial);
        buf_lstr(out, table_body_print(store, &arena, &table->body));
        buf_u32(out, (uint32_t)table->file_count);
        for (size_t i = 0; i < table->file_count; i++) {
                buf_lstr(out, str_of(table->files[i].path));
                file_statistics_write(out, &table->files[i].statistics);
                buf_lstr(out, table->files[i].sha256);
                buf_u64(out, (uint64_t)table->files[i].bytes);
        }
        buf_u32(out, (uint32_t)table->removed_count);
        for (size_t i = 0; i < table->removed_count; i++)
                buf_lstr(out, table->removed[i]);
        buf_u64(out, (uint64_t)table->keep_from_ms);
}

static void write_object(Buf *out, const IntentObject *object) {
        write_name(out, object->name);
        buf_lstr(out, object->base_hash);
        buf_u8(out, object->body.data != NULL);
        buf_lstr(out, object->body);
}

/* Ledger rows as lists of their fields, so that reading and writing cannot differ in order. */
#define DELIVERY_STRINGS(X) \
        X(zone) X(source) X(name) X(sha256) X(as_of) X(landing) X(state) X(message) X(spec) X(detail)
#define DELIVERY_NUMBERS(X) X(id) X(bytes) X(landed_us) X(records) X(accepted) X(quarantined) X(skipped) X(expect)
#define FILE_STRINGS(X) X(zone) X(source) X(place) X(sha256) X(state) X(message)
#define FILE_NUMBERS(X) X(device) X(inode) X(size) X(mtime_ns) X(ctime_ns) X(looked_us) X(delivery)

static void write_delivery(Buf *out, const Delivery *row) {
#define X(field) buf_lstr(out, row->field);
        DELIVERY_STRINGS(X)
#undef X
#define X(field) buf_u64(out, (uint64_t)row->field);
        DELIVERY_NUMBERS(X)
#undef X
}

static void write_file(Buf *out, const FileSeen *row) {
#define X(field) buf_lstr(out, row->field);
        FILE_STRINGS(X)
#undef X
#define X(field) buf_u64(out, (uint64_t)row->field);
        FILE_NUMBERS(X)
#undef X
}

#define INTENT_STRINGS(X) X(id) X(branch) X(author) X(via) X(message) X(git) X(audit)

void intent_write(const Store *store, const Intent *intent, Buf *out) {
        buf_append_cstr(out, MAGIC);
#define X(field) buf_lstr(out, intent->field);
        INTENT_STRINGS(X)
#undef X
        buf_u32(out, (uint32_t)intent->table_count);
        for (size_t i = 0; i < intent->table_count; i++)
                write_table(out, store, &intent->tables[i]);
        buf_u32(out, (uint32_t)intent->object_count);
        for (size_t i = 0; i < intent->object_count; i++)
                write_object(out, &intent->objects[i]);
        buf_u32(out, (uint32_t)intent->delivery_count);
        for (size_t i = 0; i < intent->delivery_count; i++)
                write_delivery(out, &intent->deliveries[i]);
        buf_u32(out, (uint32_t)intent->file_count);
        for (size_t i = 0; i < intent->file_count; i++)
                write_file(out, &intent->files[i]);
        Sha256 sum = sha256_of(buf_view(out));
        buf_append(out, (Str){ (const char *)sum.bytes, sizeof(sum.bytes) });
}

/* ---- reading ---- */

static Str read_str(Cursor *cursor, Arena *arena) {
        return arena_str(arena, cursor_str(cursor));
}

static CatalogName read_name(Cursor *cursor, Arena *arena) {
        CatalogName name;
        name.kind = read_str(cursor, arena);
        name.zone = read_str(cursor, arena);
        name.name = read_str(cursor, arena);
        return name;
}

static Status read_table(const Store *store, Cursor *cursor, Arena *arena, IntentTable *out, Error *err) {
        out->name = read_name(cursor, arena);
        out->base_hash = read_str(cursor, arena);
        out->base_rows = (int64_t)cursor_u64(cursor);
        uint8_t write = cursor_u8(cursor);
        if (write > TABLE_COMPACT)
                return error_set(err, STATUS_CORRUPT, "a change set in the queue is not well-formed");
        out->write = (TableWrite)write;
        out->model = cursor_u8(cursor);
        out->unchanged = cursor_u8(cursor);
        out->partial = cursor_u8(cursor);
        TRY(table_body_parse(store, cursor_str(cursor), arena, &out->body, err));
        out->file_count = cursor_count(cursor, 16);
        out->files = ARENA_ARRAY(arena, LakeFile, out->file_count);
        for (size_t i = 0; i < out->file_count; i++) {
                out->files[i].path = arena_cstr(arena, cursor_str(cursor));
                TRY(file_statistics_read(cursor, arena, &out->files[i].statistics, err));
                out->files[i].sha256 = read_str(cursor, arena);
                out->files[i].bytes = (int64_t)cursor_u64(cursor);
        }
        out->removed_count = cursor_count(cursor, 4);
        out->removed = ARENA_ARRAY(arena, Str, out->removed_count);
        for (size_t i = 0; i < out->removed_count; i++)
                out->removed[i] = read_str(cursor, arena);
        out->keep_from_ms = (int64_t)cursor_u64(cursor);
        return STATUS_OK;
}

static void read_object(Cursor *cursor, Arena *arena, IntentObject *out) {
        out->name = read_name(cursor, arena);
        out->base_hash = read_str(cursor, arena);
        bool has_body = cursor_u8(cursor);
        Str body = read_str(cursor, arena);
        out->body = has_body ? body : STR_NONE;
}

static void read_delivery(Cursor *cursor, Arena *arena, Delivery *row) {
#define X(field) row->field = read_str(cursor, arena);
        DELIVERY_STRINGS(X)
#undef X
#define X(field) row->field = (int64_t)cursor_u64(cursor);
        DELIVERY_NUMBERS(X)
#undef X
}

static void read_file(Cursor *cursor, Arena *arena, FileSeen *row) {
#define X(field) row->field = read_str(cursor, arena);
        FILE_STRINGS(X)
#undef X
#define X(field) row->field = (int64_t)cursor_u64(cursor);
        FILE_NUMBERS(X)
#undef X
}

static Status check_whole(Str bytes, Str *out, Error *err) {
        Str magic = STR(MAGIC);
        if (bytes.size >= magic.size + SHA256_SIZE && str_starts_with(bytes, magic)) {
                Str content = str_slice(bytes, 0, bytes.size - SHA256_SIZE);
                Sha256 sum = sha256_of(content);
                if (memcmp(sum.bytes, bytes.data + content.size, SHA256_SIZE) == 0) {
                        *out = str_slice(content, magic.size, content.size);
                        return STATUS_OK;
                }
        }
        return error_set(err, STATUS_CORRUPT, "a change set in the queue is cut short");
}

Status intent_read(const Store *store, Str bytes, Arena *arena, Intent *out, Error *err) {
        Str content = STR_NONE;
        TRY(check_whole(bytes, &content, err));
        Cursor at = cursor_of(content), *cursor = &at;
        Intent intent = { 0 };
#define X(field) intent.field = read_str(cursor, arena);
        INTENT_STRINGS(X)
#undef X
        intent.table_count = cursor_count(cursor, 16);
        intent.tables = ARENA_ARRAY(arena, IntentTable, intent.table_count);
        for (size_t i = 0; i < intent.table_count; i++)
                TRY(read_table(store, cursor, arena, &intent.tables[i], err));
        intent.object_count = cursor_count(cursor, 16);
        intent.objects = ARENA_ARRAY(arena, IntentObject, intent.object_count);
        for (size_t i = 0; i < intent.object_count; i++)
                read_object(cursor, arena, &intent.objects[i]);
        intent.delivery_count = cursor_count(cursor, 64);
        intent.deliveries = ARENA_ARRAY(arena, Delivery, intent.delivery_count);
        for (size_t i = 0; i < intent.delivery_count; i++)
                read_delivery(cursor, arena, &intent.deliveries[i]);
        intent.file_count = cursor_count(cursor, 64);
        intent.files = ARENA_ARRAY(arena, FileSeen, intent.file_count);
        for (size_t i = 0; i < intent.file_count; i++)
                read_file(cursor, arena, &intent.files[i]);
        if (cursor->failed || cursor_left(cursor) != 0)
                return error_set(err, STATUS_CORRUPT, "a change set in the queue is not well-formed");
        *out = intent;
        return STATUS_OK;
}
