/* SPDX-License-Identifier: Apache-2.0 */
#include "iceberg/metadata.h"

#include <inttypes.h>
#include <limits.h>
#include <zlib.h>

#include "base/hash.h"
#include "base/vec.h"

#define VERSION_READ_MAX 3
#define LAST_PARTITION_ID_NONE 999 /* partition fields are numbered from 1000 */

/* What every table of ours is created with. */
static const struct {
        const char *key, *value;
} own_properties[] = {
        { "gc.enabled", "false" }, /* files belong to the catalog's history, also after a snapshot has gone */
        { "write.format.default", "parquet" },
        { "write.parquet.compression-codec", "zstd" },
        { "write.delete.mode", "copy-on-write" },
        { "write.update.mode", "copy-on-write" },
        { "write.merge.mode", "copy-on-write" },
        { "write.metadata.previous-versions-max", "100" },
        { "write.metadata.delete-after-commit.enabled", "false" },
};

/* ---- reading ---- */

typedef struct Reader {
        Arena *arena;
        Error *err;
        TableMetadata *metadata;
} Reader;

static Status read_int(const Json *json, const char *key, int *out, Error *err) {
        int64_t value;
        TRY(json_want_integer(json, key, &value, err));
        if (value < INT_MIN || value > INT_MAX)
                return error_set(err, STATUS_CORRUPT, "'%s' is %lld, which is out of range", key, (long long)value);
        *out = (int)value;
        return STATUS_OK;
}

static void read_properties(const Json *json, const char *without, Arena *arena, Property **out, size_t *out_count) {
        if (!json || json->kind != JSON_OBJECT)
                return;
        Property *properties = ARENA_ARRAY(arena, Property, json->object.count);
        size_t count = 0;
        for (size_t i = 0; i < json->object.count; i++) {
                const Json *value = json->object.values[i];
                if (value->kind != JSON_STRING || (without && str_is(json->object.keys[i], without)))
                        continue;
                properties[count++] = (Property){ json->object.keys[i], value->string };
        }
        *out = properties;
        *out_count = count;
}

static Status read_spec_fields(const Json *list, Arena *arena, PartitionSpec *spec, Error *err) {
        spec->field_count = json_count(list);
        spec->fields = ARENA_ARRAY(arena, PartitionField, spec->field_count);
        for (size_t i = 0; i < spec->field_count; i++) {
                const Json *json = json_at(list, i);
                PartitionField *field = &spec->fields[i];
                Str transform;
                TRY(json_want_string(json, "name", &field->name, err));
                TRY(json_want_string(json, "transform", &transform, err));
                field->transform = transform_parse(transform);
                /* Version 3 has source-ids for transforms of several columns, which none of ours is. */
                field->source_id = (int)json_integer(json_get(json, "source-id"), -1);
                field->field_id = (int)json_integer(json_get(json, "field-id"),
                                                    LAST_PARTITION_ID_NONE + 1 + (int64_t)i);
                if (field->source_id < 0)
                        field->transform = (Transform){ .kind = TRANSFORM_UNKNOWN, .text = transform };
        }
        return STATUS_OK;
}

static Status read_specs(const Json *json, Reader *reader) {
        TableMetadata *m = reader->metadata;
        const Json *list = json_get(json, "partition-specs");
        if (m->format_version > 1)
                TRY(json_want_array(json, "partition-specs", &list, reader->err));
        m->spec_count = list ? json_count(list) : 1;
        m->specs = ARENA_ARRAY(reader->arena, PartitionSpec, m->spec_count);
        m->default_spec_id = (int)json_integer(json_get(json, "default-spec-id"), 0);
        m->last_partition_id = LAST_PARTITION_ID_NONE;
        if (!list)
                TRY(read_spec_fields(json_get(json, "partition-spec"), reader->arena, &m->specs[0], reader->err));
        for (size_t i = 0; i < json_count(list); i++) {
                TRY(read_int(json_at(list, i), "spec-id", &m->specs[i].id, reader->err));
                TRY(read_spec_fields(json_get(json_at(list, i), "fields"), reader->arena, &m->specs[i], reader->err));
        }
        for (size_t i = 0; i < m->spec_count; i++)
                for (size_t j = 0; j < m->specs[i].field_count; j++)
                        if (m->specs[i].fields[j].field_id > m->last_partition_id)
                                m->last_partition_id = m->specs[i].fields[j].field_id;
        m->last_partition_id = (int)json_integer(json_get(json, "last-partition-id"), m->last_partition_id);
        if (m->format_version > 1) {
                TRY(read_int(json, "default-spec-id", &m->default_spec_id, reader->err));
                TRY(read_int(json, "last-partition-id", &m->last_partition_id, reader->err));
        }
        if (!metadata_spec(m, m->default_spec_id))
                return error_set(reader->err, STATUS_CORRUPT, "the default partition spec %d is not among the specs",
                                 m->default_spec_id);
        return STATUS_OK;
}

/* Kept as they are: nothing here sorts. */
static Status read_sort_orders(const Json *json, Reader *reader) {
        TableMetadata *m = reader->metadata;
        m->sort_orders = json_get(json, "sort-orders");
        m->default_sort_order_id = (int)json_integer(json_get(json, "default-sort-order-id"), 0);
        if (m->format_version == 1)
                return STATUS_OK;
        TRY(json_want_array(json, "sort-orders", &m->sort_orders, reader->err));
        return read_int(json, "default-sort-order-id", &m->default_sort_order_id, reader->err);
}

static Status read_schemas(const Json *json, Reader *reader) {
        TableMetadata *m = reader->metadata;
        const Json *list = json_get(json, "schemas");
        if (m->format_version > 1)
                TRY(json_want_array(json, "schemas", &list, reader->err));
        m->schema_count = list ? json_count(list) : 1;
        m->schemas = ARENA_ARRAY(reader->arena, Schema, m->schema_count);
        if (!list)
                TRY(schema_parse(json_get(json, "schema"), reader->arena, &m->schemas[0], reader->err));
        for (size_t i = 0; i < json_count(list); i++)
                TRY(schema_parse(json_at(list, i), reader->arena, &m->schemas[i], reader->err));
        if (list)
                TRY(read_int(json, "current-schema-id", &m->current_schema_id, reader->err));
        else
                m->current_schema_id = m->schemas[0].id;
        if (!metadata_schema(m, m->current_schema_id))
                return error_set(reader->err, STATUS_CORRUPT, "the current schema %d is not among the schemas",
                                 m->current_schema_id);
        return STATUS_OK;
}

static Status read_snapshot(const Json *json, Reader *reader, Snapshot *out) {
        Snapshot snapshot = {
                .parent_id = json_integer(json_get(json, "parent-snapshot-id"), SNAPSHOT_NONE),
                .sequence_number = json_integer(json_get(json, "sequence-number"), 0),
                .manifest_list = json_string(json_get(json, "manifest-list")),
                .schema_id = (int)json_integer(json_get(json, "schema-id"), -1),
                .first_row_id = json_integer(json_get(json, "first-row-id"), -1),
                .added_rows = json_integer(json_get(json, "added-rows"), -1),
        };
        TRY(json_want_integer(json, "snapshot-id", &snapshot.id, reader->err));
        TRY(json_want_integer(json, "timestamp-ms", &snapshot.timestamp_ms, reader->err));
        if (snapshot.manifest_list.size == 0) {
                const Json *manifests;
                TRY(json_want_array(json, reader->metadata->format_version > 1 ? "manifest-list" : "manifests",
                                    &manifests, reader->err));
                snapshot.manifest_count = json_count(manifests);
                snapshot.manifests = ARENA_ARRAY(reader->arena, Str, snapshot.manifest_count);
                for (size_t i = 0; i < snapshot.manifest_count; i++)
                        snapshot.manifests[i] = json_string(json_at(manifests, i));
        }
        const Json *summary = json_get(json, "summary");
        snapshot.operation = json_string(json_get(summary, "operation"));
        read_properties(summary, "operation", reader->arena, &snapshot.summary, &snapshot.summary_count);
        *out = snapshot;
        return STATUS_OK;
}

static Status read_snapshots(const Json *json, Reader *reader) {
        TableMetadata *m = reader->metadata;
        const Json *list = json_get(json, "snapshots");
        m->snapshot_count = json_count(list);
        m->snapshots = ARENA_ARRAY(reader->arena, Snapshot, m->snapshot_count);
        for (size_t i = 0; i < m->snapshot_count; i++)
                TRY(read_snapshot(json_at(list, i), reader, &m->snapshots[i]));
        return STATUS_OK;
}

/* Java writes -1 for "none"; others leave the key out or say null. */
static Status read_current_snapshot(const Json *json, Reader *reader) {
        TableMetadata *m = reader->metadata;
        m->current_snapshot_id = json_integer(json_get(json, "current-snapshot-id"), SNAPSHOT_NONE);
        const Json *main_ref = json_get(json_get(json, "refs"), "main");
        if (m->current_snapshot_id == SNAPSHOT_NONE)
                m->current_snapshot_id = json_integer(json_get(main_ref, "snapshot-id"), SNAPSHOT_NONE);
        if (m->current_snapshot_id != SNAPSHOT_NONE && !metadata_snapshot(m, m->current_snapshot_id))
                return error_set(reader->err, STATUS_CORRUPT, "the current snapshot %lld is not among the snapshots",
                                 (long long)m->current_snapshot_id);
        return STATUS_OK;
}

static Status read_logs(const Json *json, Reader *reader) {
        TableMetadata *m = reader->metadata;
        const Json *list = json_get(json, "snapshot-log");
        m->snapshot_log_count = json_count(list);
        m->snapshot_log = ARENA_ARRAY(reader->arena, SnapshotLogEntry, m->snapshot_log_count);
        for (size_t i = 0; i < m->snapshot_log_count; i++) {
                TRY(json_want_integer(json_at(list, i), "snapshot-id", &m->snapshot_log[i].snapshot_id, reader->err));
                TRY(json_want_integer(json_at(list, i), "timestamp-ms", &m->snapshot_log[i].timestamp_ms, reader->err));
        }
        list = json_get(json, "metadata-log");
        m->metadata_log_count = json_count(list);
        m->metadata_log = ARENA_ARRAY(reader->arena, MetadataLogEntry, m->metadata_log_count);
        for (size_t i = 0; i < m->metadata_log_count; i++) {
                TRY(json_want_string(json_at(list, i), "metadata-file", &m->metadata_log[i].file, reader->err));
                TRY(json_want_integer(json_at(list, i), "timestamp-ms", &m->metadata_log[i].timestamp_ms, reader->err));
        }
        return STATUS_OK;
}

static Status read_refs(const Json *json, Reader *reader) {
        TableMetadata *m = reader->metadata;
        const Json *refs = json_get(json, "refs");
        size_t count = refs && refs->kind == JSON_OBJECT ? refs->object.count : 0;
        m->refs = ARENA_ARRAY(reader->arena, SnapshotRef, count);
        for (size_t i = 0; i < count; i++) {
                const Json *value = refs->object.values[i];
                SnapshotRef ref = {
                        .name = refs->object.keys[i],
                        .is_tag = str_is(json_string(json_get(value, "type")), "tag"),
                        .min_snapshots = json_integer(json_get(value, "min-snapshots-to-keep"), -1),
                        .max_snapshot_age_ms = json_integer(json_get(value, "max-snapshot-age-ms"), -1),
                        .max_ref_age_ms = json_integer(json_get(value, "max-ref-age-ms"), -1),
                };
                TRY(json_want_integer(value, "snapshot-id", &ref.snapshot_id, reader->err));
                if (str_is(ref.name, "main"))
                        m->main = ref;
                else
                        m->refs[m->ref_count++] = ref;
        }
        return STATUS_OK;
}

/* Keys that this file reads and prints; all others are kept as they are. */
static const char *const known_keys[] = {
        "format-version", "table-uuid", "location", "last-sequence-number", "last-updated-ms", "last-column-id",
        "schema", "schemas", "current-schema-id", "partition-spec", "partition-specs", "default-spec-id",
        "last-partition-id", "sort-orders", "default-sort-order-id", "properties", "current-snapshot-id", "snapshots",
        "snapshot-log", "metadata-log", "refs", "next-row-id",
};

static void read_others(const Json *json, Reader *reader) {
        VEC(Verbatim) others = { 0 };
        for (size_t i = 0; i < json->object.count; i++) {
                size_t k = 0;
                while (k < COUNT_OF(known_keys) && !str_is(json->object.keys[i], known_keys[k]))
                        k++;
                if (k == COUNT_OF(known_keys))
                        vec_push(reader->arena, &others, (Verbatim){ json->object.keys[i], json->object.values[i] });
        }
        reader->metadata->others = others.items;
        reader->metadata->other_count = others.count;
}

static Str without_slash(Str location) {
        while (location.size > 1 && location.data[location.size - 1] == '/')
                location.size--;
        return location;
}

static Status read_scalars(const Json *json, Reader *reader) {
        TableMetadata *m = reader->metadata;
        Error *err = reader->err;
        TRY(read_int(json, "format-version", &m->format_version, err));
        if (m->format_version < 1 || m->format_version > VERSION_READ_MAX)
                return error_set(err, STATUS_SQL_REFUSED, "Iceberg format version %d is not known (1 to %d are)",
                                 m->format_version, VERSION_READ_MAX);
        TRY(json_want_string(json, "location", &m->location, err));
        m->location = without_slash(m->location);
        TRY(json_want_integer(json, "last-updated-ms", &m->last_updated_ms, err));
        TRY(read_int(json, "last-column-id", &m->last_column_id, err));
        m->uuid = json_string(json_get(json, "table-uuid"));
        if (m->format_version > 1) {
                TRY(json_want_string(json, "table-uuid", &m->uuid, err));
                TRY(json_want_integer(json, "last-sequence-number", &m->last_sequence_number, err));
        }
        m->next_row_id = -1;
        if (m->format_version > 2)
                TRY(json_want_integer(json, "next-row-id", &m->next_row_id, err));
        if (m->format_version > 2 && m->next_row_id < 0)
                return error_set(err, STATUS_CORRUPT, "next-row-id is %" PRId64 ", and row ids begin at 0", m->next_row_id);
        read_properties(json_get(json, "properties"), NULL, reader->arena, &m->properties, &m->property_count);
        return STATUS_OK;
}

static Status read_metadata(const Json *json, Reader *reader) {
        if (json->kind != JSON_OBJECT)
                return error_set(reader->err, STATUS_CORRUPT, "table metadata is not an object");
        TRY(read_scalars(json, reader));
        TRY(read_schemas(json, reader));
        TRY(read_specs(json, reader));
        TRY(read_sort_orders(json, reader));
        TRY(read_snapshots(json, reader));
        TRY(read_current_snapshot(json, reader));
        TRY(read_logs(json, reader));
        TRY(read_refs(json, reader));
        read_others(json, reader);
        return STATUS_OK;
}

static void gunzip_endp(z_stream *stream) {
        inflateEnd(stream);
}

static Status gunzip(Str bytes, const char *name, Arena *arena, Str *out, Error *err) {
        union {
                const char *from;
                Bytef *to;
        } input = { .from = bytes.data };
        CLEANUP(gunzip_endp) z_stream stream = { .next_in = input.to, .avail_in = (uInt)bytes.size };
        if (inflateInit2(&stream, MAX_WBITS + 16) != Z_OK)
                panic("zlib cannot start");
        CLEANUP(buf_deinit) Buf text = { .limit = METADATA_SIZE_MAX };
        for (;;) {
                size_t room = (size_t)1 << 16;
                stream.next_out = buf_reserve(&text, room);
                stream.avail_out = (uInt)room;
                if (!stream.next_out)
                        return error_set(err, STATUS_LIMIT, "%s: unpacks to more than %zu bytes", name,
                                         METADATA_SIZE_MAX);
                int state = inflate(&stream, Z_NO_FLUSH);
                buf_added(&text, room - stream.avail_out);
                if (state == Z_STREAM_END)
                        break;
                if (state != Z_OK || (stream.avail_in == 0 && stream.avail_out > 0))
                        return error_set(err, STATUS_CORRUPT, "%s: the gzip stream is broken", name);
        }
        *out = buf_dup(&text, arena);
        return STATUS_OK;
}

Status metadata_parse(Str bytes, const char *name, Arena *arena, TableMetadata **out, Error *err) {
        if (bytes.size > METADATA_SIZE_MAX)
                return error_set(err, STATUS_LIMIT, "%s: more than %zu bytes", name, METADATA_SIZE_MAX);
        if (str_starts_with(bytes, STR("\x1f\x8b")))
                TRY(gunzip(bytes, name, arena, &bytes, err));
        Json *json;
        TRY(json_parse(bytes, name, arena, &json, err));
        TableMetadata *metadata = ARENA_NEW(arena, TableMetadata);
        Reader reader = { arena, err, metadata };
        if (read_metadata(json, &reader) != STATUS_OK)
                return error_context(err, "%s", name);
        *out = metadata;
        return STATUS_OK;
}

/* ---- printing ---- */

static void print_properties(JsonWriter *w, const Property *properties, size_t count) {
        for (size_t i = 0; i < count; i++) {
                json_key_str(w, properties[i].key);
                json_put_str(w, properties[i].value);
        }
}

static void print_specs(JsonWriter *w, const TableMetadata *m) {
        json_key(w, "partition-specs");
        json_array(w);
        for (size_t i = 0; i < m->spec_count; i++) {
                json_object(w);
                json_member_int(w, "spec-id", m->specs[i].id);
                json_key(w, "fields");
                partition_spec_print(w, &m->specs[i]);
                json_end(w);
        }
        json_end(w);
        json_member_int(w, "default-spec-id", m->default_spec_id);
        json_member_int(w, "last-partition-id", m->last_partition_id);
}

void partition_spec_print(JsonWriter *writer, const PartitionSpec *spec) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        json_array(writer);
        for (size_t i = 0; i < spec->field_count; i++) {
                const PartitionField *field = &spec->fields[i];
                json_object(writer);
                json_member_int(writer, "source-id", field->source_id);
                json_member_int(writer, "field-id", field->field_id);
                json_member_str(writer, "name", field->name);
                json_member_str(writer, "transform", transform_print(&arena, field->transform));
                json_end(writer);
        }
        json_end(writer);
}

static void print_sort_orders(JsonWriter *w, const TableMetadata *m) {
        json_key(w, "sort-orders");
        if (m->sort_orders) {
                json_put_tree(w, m->sort_orders);
        } else {
                json_array(w);
                json_object(w);
                json_member_int(w, "order-id", 0);
                json_key(w, "fields");
                json_array(w);
                json_end(w);
                json_end(w);
                json_end(w);
        }
        json_member_int(w, "default-sort-order-id", m->default_sort_order_id);
}

static void print_snapshot(JsonWriter *w, const Snapshot *s, int format_version) {
        json_object(w);
        json_member_int(w, "snapshot-id", s->id);
        if (s->parent_id != SNAPSHOT_NONE)
                json_member_int(w, "parent-snapshot-id", s->parent_id);
        if (format_version > 1)
                json_member_int(w, "sequence-number", s->sequence_number);
        json_member_int(w, "timestamp-ms", s->timestamp_ms);
        if (s->manifest_list.size > 0) {
                json_member_str(w, "manifest-list", s->manifest_list);
        } else {
                json_key(w, "manifests");
                json_array(w);
                for (size_t i = 0; i < s->manifest_count; i++)
                        json_put_str(w, s->manifests[i]);
                json_end(w);
        }
        if (s->operation.size > 0) {
                json_key(w, "summary");
                json_object(w);
                json_member_str(w, "operation", s->operation);
                print_properties(w, s->summary, s->summary_count);
                json_end(w);
        }
        if (s->schema_id >= 0)
                json_member_int(w, "schema-id", s->schema_id);
        if (s->first_row_id >= 0)
                json_member_int(w, "first-row-id", s->first_row_id);
        if (s->added_rows >= 0)
                json_member_int(w, "added-rows", s->added_rows);
        json_end(w);
}

static void print_ref(JsonWriter *w, const SnapshotRef *ref) {
        json_key_str(w, ref->name);
        json_object(w);
        json_member_int(w, "snapshot-id", ref->snapshot_id);
        json_member_str(w, "type", ref->is_tag ? STR("tag") : STR("branch"));
        if (ref->min_snapshots >= 0)
                json_member_int(w, "min-snapshots-to-keep", ref->min_snapshots);
        if (ref->max_snapshot_age_ms >= 0)
                json_member_int(w, "max-snapshot-age-ms", ref->max_snapshot_age_ms);
        if (ref->max_ref_age_ms >= 0)
                json_member_int(w, "max-ref-age-ms", ref->max_ref_age_ms);
        json_end(w);
}

static void print_refs(JsonWriter *w, const TableMetadata *m) {
        json_key(w, "refs");
        json_object(w);
        if (m->current_snapshot_id != SNAPSHOT_NONE) {
                SnapshotRef head = m->main;
                if (head.name.size == 0)
                        head = (SnapshotRef){ .name = STR("main"), .min_snapshots = -1, .max_snapshot_age_ms = -1,
                                              .max_ref_age_ms = -1 };
                head.snapshot_id = m->current_snapshot_id;
                print_ref(w, &head);
        }
        for (size_t i = 0; i < m->ref_count; i++)
                print_ref(w, &m->refs[i]);
        json_end(w);
}

static void print_history(JsonWriter *w, const TableMetadata *m) {
        if (m->current_snapshot_id != SNAPSHOT_NONE)
                json_member_int(w, "current-snapshot-id", m->current_snapshot_id);
        print_refs(w, m);
        json_key(w, "snapshots");
        json_array(w);
        for (size_t i = 0; i < m->snapshot_count; i++)
                print_snapshot(w, &m->snapshots[i], m->format_version);
        json_end(w);
        json_key(w, "snapshot-log");
        json_array(w);
        for (size_t i = 0; i < m->snapshot_log_count; i++) {
                json_object(w);
                json_member_int(w, "snapshot-id", m->snapshot_log[i].snapshot_id);
                json_member_int(w, "timestamp-ms", m->snapshot_log[i].timestamp_ms);
                json_end(w);
        }
        json_end(w);
        json_key(w, "metadata-log");
        json_array(w);
        for (size_t i = 0; i < m->metadata_log_count; i++) {
                json_object(w);
                json_member_str(w, "metadata-file", m->metadata_log[i].file);
                json_member_int(w, "timestamp-ms", m->metadata_log[i].timestamp_ms);
                json_end(w);
        }
        json_end(w);
}

void metadata_print(const TableMetadata *m, Buf *out) {
        JsonWriter writer = json_writer(out, false), *w = &writer;
        json_object(w);
        json_member_int(w, "format-version", m->format_version);
        if (m->uuid.size > 0)
                json_member_str(w, "table-uuid", m->uuid);
        json_member_str(w, "location", m->location);
        if (m->format_version > 1)
                json_member_int(w, "last-sequence-number", m->last_sequence_number);
        json_member_int(w, "last-updated-ms", m->last_updated_ms);
        json_member_int(w, "last-column-id", m->last_column_id);
        if (m->format_version == 1) {
                json_key(w, "schema");
                schema_print(w, metadata_current_schema(m));
                json_key(w, "partition-spec");
                partition_spec_print(w, metadata_spec(m, m->default_spec_id));
        }
        json_member_int(w, "current-schema-id", m->current_schema_id);
        json_key(w, "schemas");
        json_array(w);
        for (size_t i = 0; i < m->schema_count; i++)
                schema_print(w, &m->schemas[i]);
        json_end(w);
        print_specs(w, m);
        print_sort_orders(w, m);
        json_key(w, "properties");
        json_object(w);
        print_properties(w, m->properties, m->property_count);
        json_end(w);
        print_history(w, m);
        if (m->next_row_id >= 0)
                json_member_int(w, "next-row-id", m->next_row_id);
        for (size_t i = 0; i < m->other_count; i++) {
                json_key_str(w, m->others[i].key);
                json_put_tree(w, m->others[i].value);
        }
        json_end(w);
}

/* ---- making ---- */

static bool has_property(const Property *properties, size_t count, const char *key) {
        for (size_t i = 0; i < count; i++)
                if (str_is(properties[i].key, key))
                        return true;
        return false;
}

static void new_properties(TableMetadata *m, const Property *properties, size_t count, Arena *arena) {
        m->properties = ARENA_ARRAY(arena, Property, COUNT_OF(own_properties) + count);
        for (size_t i = 0; i < COUNT_OF(own_properties); i++)
                if (!has_property(properties, count, own_properties[i].key))
                        m->properties[m->property_count++] =
                                (Property){ str_of(own_properties[i].key), str_of(own_properties[i].value) };
        for (size_t i = 0; i < count; i++)
                m->properties[m->property_count++] =
                        (Property){ arena_str(arena, properties[i].key), arena_str(arena, properties[i].value) };
}

Status metadata_new(Str location, const TypeField *fields, size_t field_count, const Property *properties,
                    size_t property_count, int64_t now_ms, Arena *arena, TableMetadata **out, Error *err) {
        TableMetadata *m = ARENA_NEW(arena, TableMetadata);
        *m = (TableMetadata){
                .format_version = 2,
                .uuid = uuid_new(arena),
                .location = without_slash(arena_str(arena, location)),
                .last_updated_ms = now_ms,
                .schemas = ARENA_NEW(arena, Schema),
                .schema_count = 1,
                .specs = ARENA_NEW(arena, PartitionSpec),
                .spec_count = 1,
                .last_partition_id = LAST_PARTITION_ID_NONE,
                .current_snapshot_id = SNAPSHOT_NONE,
                .next_row_id = -1,
        };
        TRY(schema_evolve(NULL, fields, field_count, SCHEMA_REPLACE, &m->last_column_id, arena, &m->schemas[0], err));
        new_properties(m, properties, property_count, arena);
        *out = m;
        return STATUS_OK;
}

Status metadata_with_schema(const TableMetadata *base, const TypeField *fields, size_t field_count,
                            SchemaChange change, Arena *arena, const TableMetadata **out, Error *err) {
        Schema schema;
        int last_column_id = base->last_column_id;
        TRY(schema_evolve(metadata_current_schema(base), fields, field_count, change, &last_column_id, arena, &schema,
                          err));
        if (schema_equal(&schema, metadata_current_schema(base))) {
                *out = base;
                return STATUS_OK;
        }
        TableMetadata *m = ARENA_NEW(arena, TableMetadata);
        *m = *base;
        *out = m;
        int max_id = 0;
        for (size_t i = 0; i < base->schema_count; i++) {
                if (schema_equal(&schema, &base->schemas[i])) {
                        m->current_schema_id = base->schemas[i].id;
                        return STATUS_OK;
                }
                max_id = base->schemas[i].id > max_id ? base->schemas[i].id : max_id;
        }
        schema.id = max_id + 1;
        m->schemas = ARENA_ARRAY(arena, Schema, base->schema_count + 1);
        memcpy(m->schemas, base->schemas, base->schema_count * sizeof(Schema));
        m->schemas[m->schema_count++] = schema;
        m->current_schema_id = schema.id;
        m->last_column_id = last_column_id;
        return STATUS_OK;
}

/* 00012-<uuid>.metadata.json and v12.metadata.json have number 12; other names -1. */
static int64_t version_number(Str location) {
        Str name = location;
        for (size_t i = location.size; i > 0; i--) {
                if (location.data[i - 1] == '/') {
                        name = str_slice(location, i, location.size);
                        break;
                }
        }
        if (name.size > 0 && name.data[0] == 'v')
                name = str_slice(name, 1, name.size);
        size_t digits = 0;
        while (digits < name.size && name.data[digits] >= '0' && name.data[digits] <= '9')
                digits++;
        int64_t number;
        return str_to_int64(str_slice(name, 0, digits), &number) ? number : -1;
}

static void log_previous(TableMetadata *m, Str previous_location, int64_t previous_updated_ms, Arena *arena) {
        size_t keep = m->metadata_log_count;
        if (keep > METADATA_LOG_MAX - 1)
                keep = METADATA_LOG_MAX - 1;
        MetadataLogEntry *log = ARENA_ARRAY(arena, MetadataLogEntry, keep + 1);
        for (size_t i = 0; i < keep; i++)
                log[i] = m->metadata_log[m->metadata_log_count - keep + i];
        log[keep] = (MetadataLogEntry){ arena_str(arena, previous_location), previous_updated_ms };
        m->metadata_log = log;
        m->metadata_log_count = keep + 1;
}

IcebergFile metadata_file(const TableMetadata **metadata, Str previous_location, int64_t previous_updated_ms,
                          Arena *arena) {
        int64_t number = 0;
        TableMetadata *m = ARENA_NEW(arena, TableMetadata);
        *m = **metadata;
        if (previous_location.size > 0) {
                number = version_number(previous_location) + 1;
                log_previous(m, previous_location, previous_updated_ms, arena);
        }
        *metadata = m;
        CLEANUP(buf_deinit) Buf text = { 0 };
        metadata_print(m, &text);
        Str uuid = uuid_new(arena);
        return (IcebergFile){
                .path = arena_strf(arena, "%.*s/metadata/%05lld-%.*s.metadata.json", STR_ARG(m->location),
                                   (long long)number, STR_ARG(uuid)),
                .bytes = buf_dup(&text, arena),
        };
}

/* ---- looking ---- */

const Schema *metadata_schema(const TableMetadata *metadata, int schema_id) {
        for (size_t i = 0; i < metadata->schema_count; i++)
                if (metadata->schemas[i].id == schema_id)
                        return &metadata->schemas[i];
        return NULL;
}

const Schema *metadata_current_schema(const TableMetadata *metadata) {
        return metadata_schema(metadata, metadata->current_schema_id);
}

const Schema *metadata_snapshot_schema(const TableMetadata *metadata, const Snapshot *snapshot) {
        const Schema *schema = snapshot ? metadata_schema(metadata, snapshot->schema_id) : NULL;
        return schema ? schema : metadata_current_schema(metadata);
}

const PartitionSpec *metadata_spec(const TableMetadata *metadata, int spec_id) {
        for (size_t i = 0; i < metadata->spec_count; i++)
                if (metadata->specs[i].id == spec_id)
                        return &metadata->specs[i];
        return NULL;
}

const Snapshot *metadata_snapshot(const TableMetadata *metadata, int64_t snapshot_id) {
        for (size_t i = metadata->snapshot_count; i > 0; i--)
                if (metadata->snapshots[i - 1].id == snapshot_id)
                        return &metadata->snapshots[i - 1];
        return NULL;
}

const Snapshot *metadata_current_snapshot(const TableMetadata *metadata) {
        if (metadata->current_snapshot_id == SNAPSHOT_NONE)
                return NULL;
        return metadata_snapshot(metadata, metadata->current_snapshot_id);
}

Str metadata_property(const TableMetadata *metadata, const char *key) {
        for (size_t i = 0; i < metadata->property_count; i++)
                if (str_is(metadata->properties[i].key, key))
                        return metadata->properties[i].value;
        return STR_NONE;
}

Str snapshot_summary(const Snapshot *snapshot, const char *key) {
        for (size_t i = 0; i < snapshot->summary_count; i++)
                if (str_is(snapshot->summary[i].key, key))
                        return snapshot->summary[i].value;
        return STR_NONE;
}

int64_t snapshot_summary_integer(const Snapshot *snapshot, const char *key) {
        int64_t value;
        return str_to_int64(snapshot_summary(snapshot, key), &value) && value >= 0 ? value : -1;
}
