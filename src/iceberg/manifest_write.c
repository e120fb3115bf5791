/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing manifests and manifest lists, format version 2. The Avro schemas are printed from tables; names of records
 * and fields are those of the specification, since some readers go by name and not by id.
 */
#include "base/vec.h"
#include "iceberg/avro.h"
#include "iceberg/manifest.h"

#define FORMAT_VERSION STR("2")

/* ---- schemas ---- */

#define PAIR_MAP(key_id, value_id, value_type)                                                                  \
        "{\"type\":\"array\",\"logicalType\":\"map\",\"items\":{\"type\":\"record\",\"name\":\"k" #key_id       \
        "_v" #value_id "\",\"fields\":[{\"name\":\"key\",\"type\":\"int\",\"field-id\":" #key_id                \
        "},{\"name\":\"value\",\"type\":\"" value_type "\",\"field-id\":" #value_id "}]}}"
#define LIST_OF(element_id, type) "{\"type\":\"array\",\"items\":" type ",\"element-id\":" #element_id "}"

typedef struct FieldText {
        int id;
        const char *name;
        const char *type; /* NULL = given by the caller */
        bool optional;
} FieldText;

static const FieldText file_fields[] = {
        { 134, "content", "\"int\"", false },
        { 100, "file_path", "\"string\"", false },
        { 101, "file_format", "\"string\"", false },
        { 102, "partition", NULL, false },
        { 103, "record_count", "\"long\"", false },
        { 104, "file_size_in_bytes", "\"long\"", false },
        { 108, "column_sizes", PAIR_MAP(117, 118, "long"), true },
        { 109, "value_counts", PAIR_MAP(119, 120, "long"), true },
        { 110, "null_value_counts", PAIR_MAP(121, 122, "long"), true },
        { 137, "nan_value_counts", PAIR_MAP(138, 139, "long"), true },
        { 125, "lower_bounds", PAIR_MAP(126, 127, "bytes"), true },
        { 128, "upper_bounds", PAIR_MAP(129, 130, "bytes"), true },
        { 131, "key_metadata", "\"bytes\"", true },
        { 132, "split_offsets", LIST_OF(133, "\"long\""), true },
        { 135, "equality_ids", LIST_OF(136, "\"int\""), true },
        { 140, "sort_order_id", "\"int\"", true },
        { 143, "referenced_data_file", "\"string\"", true },
};

static const FieldText entry_fields[] = {
        { 0, "status", "\"int\"", false },
        { 1, "snapshot_id", "\"long\"", true },
        { 3, "sequence_number", "\"long\"", true },
        { 4, "file_sequence_number", "\"long\"", true },
        { 2, "data_file", NULL, false },
};

static const FieldText list_fields[] = {
        { 500, "manifest_path", "\"string\"", false },
        { 501, "manifest_length", "\"long\"", false },
        { 502, "partition_spec_id", "\"int\"", false },
        { 517, "content", "\"int\"", false },
        { 515, "sequence_number", "\"long\"", false },
        { 516, "min_sequence_number", "\"long\"", false },
        { 503, "added_snapshot_id", "\"long\"", false },
        { 504, "added_files_count", "\"int\"", false },
        { 505, "existing_files_count", "\"int\"", false },
        { 506, "deleted_files_count", "\"int\"", false },
        { 512, "added_rows_count", "\"long\"", false },
        { 513, "existing_rows_count", "\"long\"", false },
        { 514, "deleted_rows_count", "\"long\"", false },
        { 507, "partitions", NULL, true },
        { 519, "key_metadata", "\"bytes\"", true },
};

static const FieldText summary_fields[] = {
        { 509, "contains_null", "\"boolean\"", false },
        { 518, "contains_nan", "\"boolean\"", true },
        { 510, "lower_bound", "\"bytes\"", true },
        { 511, "upper_bound", "\"bytes\"", true },
};

/* inner is the type of the one field that has none in the table. */
static Str record_text(Arena *arena, const char *name, const FieldText *fields, size_t count, Str inner) {
        CLEANUP(buf_deinit) Buf text = { 0 };
        buf_printf(&text, "{\"type\":\"record\",\"name\":\"%s\",\"fields\":[", name);
        for (size_t i = 0; i < count; i++) {
                Str type = fields[i].type ? str_of(fields[i].type) : inner;
                buf_printf(&text, "%s{\"name\":\"%s\",\"type\":", i ? "," : "", fields[i].name);
                buf_append_cstr(&text, fields[i].optional ? "[\"null\"," : "");
                buf_append(&text, type);
                buf_append_cstr(&text, fields[i].optional ? "],\"default\":null" : "");
                buf_printf(&text, ",\"field-id\":%d}", fields[i].id);
        }
        buf_append_cstr(&text, "]}");
        return buf_dup(&text, arena);
}

/* The fewest bytes that hold any decimal of so many digits. */
static int decimal_size(int precision) {
        static const unsigned char sizes[39] = { 0,  1,  1,  2,  2,  3,  3,  4,  4,  4,  5,  5,  6,
                                                 6,  6,  7,  7,  8,  8,  9,  9,  9,  10, 10, 11, 11,
                                                 11, 12, 12, 13, 13, 13, 14, 14, 15, 15, 16, 16, 16 };
        return precision >= 1 && precision <= 38 ? sizes[precision] : 16;
}

static void partition_type_text(Buf *out, Type type, int field_id) {
        static const char *const texts[] = {
                [TYPE_BOOLEAN] = "\"boolean\"",
                [TYPE_INT] = "\"int\"",
                [TYPE_BIGINT] = "\"long\"",
                [TYPE_FLOAT] = "\"float\"",
                [TYPE_DOUBLE] = "\"double\"",
                [TYPE_DATE] = "{\"type\":\"int\",\"logicalType\":\"date\"}",
                [TYPE_TIME] = "{\"type\":\"long\",\"logicalType\":\"time-micros\"}",
                [TYPE_TIMESTAMP] = "{\"type\":\"long\",\"logicalType\":\"timestamp-micros\",\"adjust-to-utc\":false}",
                [TYPE_TIMESTAMPTZ] = "{\"type\":\"long\",\"logicalType\":\"timestamp-micros\",\"adjust-to-utc\":true}",
                [TYPE_TEXT] = "\"string\"",
                [TYPE_BINARY] = "\"bytes\"",
                [TYPE_MAP] = NULL,
        };
        if (type.kind == TYPE_DECIMAL)
                buf_printf(
                        out,
                        "{\"type\":\"fixed\",\"name\":\"decimal_%d_%d_of_%d\",\"size\":%d,\"logicalType\":\"decimal\","
                        "\"precision\":%d,\"scale\":%d}",
                        type.precision, type.scale, field_id, decimal_size(type.precision), type.precision, type.scale);
        else if (type.kind == TYPE_UUID)
                buf_printf(out, "{\"type\":\"fixed\",\"name\":\"uuid_of_%d\",\"size\":16,\"logicalType\":\"uuid\"}",
                           field_id);
        else
                buf_append_cstr(out, texts[type.kind]);
}

/* Avro names are letters, digits and _, and begin with no digit. */
static void sanitize(Buf *out, Str name) {
        for (size_t at = 0, size; at < name.size; at += size) {
                uint32_t code;
                size = utf8_decode(name, at, &code);
                bool is_digit = code >= '0' && code <= '9';
                bool is_letter = (code >= 'a' && code <= 'z') || (code >= 'A' && code <= 'Z') || code == '_';
                if (is_digit && at == 0)
                        buf_printf(out, "_%c", (char)code);
                else if (is_digit || is_letter)
                        buf_append_byte(out, (char)code);
                else
                        buf_printf(out, "_x%X", code);
        }
}

static Type partition_type(const TableMetadata *metadata, const PartitionField *field) {
        const TypeField *source = schema_field(metadata_current_schema(metadata), field->source_id);
        for (size_t i = 0; !source && i < metadata->schema_count; i++)
                source = schema_field(&metadata->schemas[i], field->source_id); /* dropped since */
        const Type text = { .kind = TYPE_TEXT }; /* where no type can be known */
        Type type = source ? transform_result(field->transform, source->type) : text;
        if (type_is_nested(type))
                return text;
        return type;
}

static Str partition_text(Arena *arena, const PartitionSpec *spec, const Type *types) {
        CLEANUP(buf_deinit) Buf text = { 0 };
        buf_append_cstr(&text, "{\"type\":\"record\",\"name\":\"r102\",\"fields\":[");
        for (size_t i = 0; i < spec->field_count; i++) {
                const PartitionField *field = &spec->fields[i];
                CLEANUP(buf_deinit) Buf name = { 0 };
                sanitize(&name, field->name);
                buf_append_cstr(&text, i ? ",{\"name\":" : "{\"name\":");
                json_quote(&text, buf_view(&name));
                buf_append_cstr(&text, ",\"type\":[\"null\",");
                partition_type_text(&text, types[i], field->field_id);
                buf_printf(&text, "],\"default\":null,\"field-id\":%d", field->field_id);
                if (!str_equal(buf_view(&name), field->name)) {
                        buf_append_cstr(&text, ",\"iceberg-field-name\":");
                        json_quote(&text, field->name);
                }
                buf_append_byte(&text, '}');
        }
        buf_append_cstr(&text, "]}");
        return buf_dup(&text, arena);
}

/* ---- values ---- */

static void put_optional_long(AvroWriter *writer, int64_t value, bool present) {
        avro_put_long(writer, present);
        if (present)
                avro_put_long(writer, value);
}

static void put_optional_bytes(AvroWriter *writer, Str value, bool present) {
        avro_put_long(writer, present);
        if (present)
                avro_put_bytes(writer, value);
}

typedef enum CountKind { COUNT_BYTES, COUNT_VALUES, COUNT_NULLS, COUNT_NANS } CountKind;

static int64_t count_of(const ColumnStatistics *column, CountKind kind) {
        switch (kind) {
        case COUNT_BYTES:
                return column->bytes;
        case COUNT_VALUES:
                return column->values;
        case COUNT_NULLS:
                return column->nulls;
        case COUNT_NANS:
                return column->nans;
        }
        return -1;
}

/* Unknown ones are left out, never 0; a map of none is NULL. */
static void put_counts(AvroWriter *writer, const FileStatistics *statistics, CountKind kind) {
        int64_t known = 0;
        for (size_t i = 0; i < statistics->column_count; i++)
                known += count_of(&statistics->columns[i], kind) >= 0;
        avro_put_long(writer, known > 0);
        if (known == 0)
                return;
        avro_put_long(writer, known);
        for (size_t i = 0; i < statistics->column_count; i++) {
                int64_t count = count_of(&statistics->columns[i], kind);
                if (count < 0)
                        continue;
                avro_put_long(writer, statistics->columns[i].field_id);
                avro_put_long(writer, count);
        }
        avro_put_long(writer, 0);
}

static void put_bounds(AvroWriter *writer, const FileStatistics *statistics, bool upper) {
        int64_t known = 0;
        for (size_t i = 0; i < statistics->column_count; i++)
                known += upper ? statistics->columns[i].has_upper : statistics->columns[i].has_lower;
        avro_put_long(writer, known > 0);
        if (known == 0)
                return;
        avro_put_long(writer, known);
        for (size_t i = 0; i < statistics->column_count; i++) {
                const ColumnStatistics *column = &statistics->columns[i];
                if (!(upper ? column->has_upper : column->has_lower))
                        continue;
                avro_put_long(writer, column->field_id);
                avro_put_bytes(writer, upper ? column->upper : column->lower);
        }
        avro_put_long(writer, 0);
}

static void put_offsets(AvroWriter *writer, const FileStatistics *statistics) {
        avro_put_long(writer, statistics->split_count > 0);
        if (statistics->split_count == 0)
                return;
        avro_put_long(writer, (int64_t)statistics->split_count);
        for (size_t i = 0; i < statistics->split_count; i++)
                avro_put_long(writer, statistics->split_offsets[i]);
        avro_put_long(writer, 0);
}

static void put_equality_ids(AvroWriter *writer, const DataFile *file) {
        avro_put_long(writer, file->equality_count > 0);
        if (file->equality_count == 0)
                return;
        avro_put_long(writer, (int64_t)file->equality_count);
        for (size_t i = 0; i < file->equality_count; i++)
                avro_put_long(writer, file->equality_ids[i]);
        avro_put_long(writer, 0);
}

static bool put_integer(AvroWriter *writer, Str bytes) {
        int64_t number;
        if (!value_read_int64(bytes, &number))
                return false;
        avro_put_long(writer, number);
        return true;
}

static bool put_decimal(AvroWriter *writer, int precision, Str bytes) {
        char fixed[16];
        Int128 unscaled;
        if (!value_read_decimal(bytes, &unscaled))
                return false;
        for (int i = (int)sizeof(fixed) - 1; i >= 0; i--, unscaled >>= 8)
                fixed[i] = (char)unscaled;
        size_t size = (size_t)decimal_size(precision);
        if (bytes.size > size)
                return false;
        avro_put_raw(writer, (Str){ fixed + sizeof(fixed) - size, size });
        return true;
}

static bool put_fixed(AvroWriter *writer, size_t size, Str bytes) {
        if (bytes.size != size)
                return false;
        avro_put_raw(writer, bytes);
        return true;
}

/* Single value bytes back to Avro. False if they are not a value of the type. */
static bool put_partition_value(AvroWriter *writer, Type type, Str bytes) {
        switch (type.kind) {
        case TYPE_INT:
        case TYPE_BIGINT:
        case TYPE_DATE:
        case TYPE_TIME:
        case TYPE_TIMESTAMP:
        case TYPE_TIMESTAMPTZ:
                return put_integer(writer, bytes);
        case TYPE_DECIMAL:
                return put_decimal(writer, type.precision, bytes);
        case TYPE_BOOLEAN:
                return put_fixed(writer, 1, bytes);
        case TYPE_FLOAT:
                return put_fixed(writer, 4, bytes);
        case TYPE_DOUBLE:
                return put_fixed(writer, 8, bytes);
        case TYPE_UUID:
                return put_fixed(writer, 16, bytes);
        case TYPE_TEXT:
        case TYPE_BINARY:
        case TYPE_LIST:
        case TYPE_STRUCT:
        case TYPE_MAP:
                avro_put_bytes(writer, bytes);
                return true;
        }
        return false;
}

static Status put_partition(AvroWriter *writer, const PartitionSpec *spec, const Type *types, const DataFile *file,
                            Error *err) {
        if (file->partition_count != spec->field_count)
                return error_set(err, STATUS_INTERNAL, "%.*s has %zu partition values, and the spec %zu",
                                 STR_ARG(file->path), file->partition_count, spec->field_count);
        for (size_t i = 0; i < spec->field_count; i++) {
                avro_put_long(writer, !file->partition[i].is_null);
                if (!file->partition[i].is_null && !put_partition_value(writer, types[i], file->partition[i].bytes))
                        return error_set(err, STATUS_INTERNAL, "%.*s: partition value '%.*s' is not of its type",
                                         STR_ARG(file->path), STR_ARG(spec->fields[i].name));
        }
        return STATUS_OK;
}

static Status put_entry(AvroWriter *writer, const PartitionSpec *spec, const Type *types, const ManifestEntry *entry,
                        Error *err) {
        const DataFile *file = &entry->file;
        avro_put_long(writer, entry->status);
        put_optional_long(writer, entry->snapshot_id, entry->snapshot_id != SNAPSHOT_NONE);
        put_optional_long(writer, entry->sequence_number, entry->sequence_number >= 0);
        put_optional_long(writer, entry->file_sequence_number, entry->file_sequence_number >= 0);
        avro_put_long(writer, file->content);
        avro_put_bytes(writer, file->path);
        avro_put_bytes(writer, file->format.size > 0 ? file->format : STR("PARQUET"));
        TRY(put_partition(writer, spec, types, file, err));
        avro_put_long(writer, file->statistics.rows);
        avro_put_long(writer, file->statistics.bytes);
        put_counts(writer, &file->statistics, COUNT_BYTES);
        put_counts(writer, &file->statistics, COUNT_VALUES);
        put_counts(writer, &file->statistics, COUNT_NULLS);
        put_counts(writer, &file->statistics, COUNT_NANS);
        put_bounds(writer, &file->statistics, false);
        put_bounds(writer, &file->statistics, true);
        put_optional_bytes(writer, STR_NONE, false); /* key_metadata */
        put_offsets(writer, &file->statistics);
        put_equality_ids(writer, file);
        put_optional_long(writer, file->sort_order_id, file->has_sort_order);
        put_optional_bytes(writer, file->referenced_data_file, file->referenced_data_file.size > 0);
        avro_record_end(writer);
        return STATUS_OK;
}

/* ---- manifests ---- */

static bool is_nan(Type type, Str bytes) {
        double number;
        return (type.kind == TYPE_FLOAT || type.kind == TYPE_DOUBLE) && value_read_double(bytes, &number) &&
               number != number;
}

static void summarize(PartitionSummary *summary, Type type, const PartitionValue *value) {
        if (value->is_null) {
                summary->contains_null = true;
                return;
        }
        if (is_nan(type, value->bytes)) {
                summary->contains_nan = 1;
                return;
        }
        if (!summary->has_lower || value_compare(type, value->bytes, summary->lower) < 0)
                summary->lower = value->bytes;
        if (!summary->has_upper || value_compare(type, value->bytes, summary->upper) > 0)
                summary->upper = value->bytes;
        summary->has_lower = summary->has_upper = true;
}

static void count_entry(ManifestFile *out, const ManifestEntry *entry) {
        int64_t *const files[] = { &out->existing_files, &out->added_files, &out->deleted_files };
        int64_t *const rows[] = { &out->existing_rows, &out->added_rows, &out->deleted_rows };
        *files[entry->status] += 1;
        *rows[entry->status] += entry->file.statistics.rows;
        if (entry->status != ENTRY_DELETED && entry->sequence_number >= 0 &&
            entry->sequence_number < out->min_sequence_number)
                out->min_sequence_number = entry->sequence_number;
}

static void start_counts(ManifestFile *out, const PartitionSpec *spec, bool is_deletes, Arena *arena) {
        *out = (ManifestFile){
                .path = out->path,
                .spec_id = spec->id,
                .is_deletes = is_deletes,
                .sequence_number = out->sequence_number,
                .min_sequence_number = out->sequence_number,
                .added_snapshot_id = out->added_snapshot_id,
                .partitions = ARENA_ARRAY(arena, PartitionSummary, spec->field_count),
                .partition_count = spec->field_count,
        };
}

Status manifest_write(const TableMetadata *metadata, int spec_id, const ManifestEntry *entries, size_t entry_count,
                      Arena *arena, ManifestFile *out, Str *out_bytes, Error *err) {
        const PartitionSpec *spec = metadata_spec(metadata, spec_id);
        if (!spec)
                return error_set(err, STATUS_CORRUPT, "partition spec %d is not among the table's", spec_id);
        Type *types = ARENA_ARRAY(arena, Type, spec->field_count);
        for (size_t i = 0; i < spec->field_count; i++)
                types[i] = partition_type(metadata, &spec->fields[i]);
        bool is_deletes = entry_count > 0 && entries[0].file.content != CONTENT_DATA;

        Str file_text = record_text(arena, "r2", file_fields, COUNT_OF(file_fields),
                                    partition_text(arena, spec, types));
        Str schema = record_text(arena, "manifest_entry", entry_fields, COUNT_OF(entry_fields), file_text);
        CLEANUP(buf_deinit) Buf spec_text = { 0 };
        JsonWriter spec_writer = json_writer(&spec_text, false);
        partition_spec_print(&spec_writer, spec);
        const AvroHeader header[] = {
                /* of the table, not of this file */
                { "schema", schema_json(arena, metadata_current_schema(metadata)) },
                { "schema-id", arena_strf(arena, "%d", metadata->current_schema_id) },
                { "partition-spec", buf_view(&spec_text) },
                { "partition-spec-id", arena_strf(arena, "%d", spec_id) },
                { "format-version", FORMAT_VERSION },
                { "content", is_deletes ? STR("deletes") : STR("data") },
        };
        CLEANUP(buf_deinit) Buf bytes = { 0 };
        CLEANUP(avro_writer_deinit) AvroWriter writer = { 0 };
        avro_writer_init(&writer, &bytes, schema, AVRO_CODEC_DEFLATE, header, COUNT_OF(header));
        start_counts(out, spec, is_deletes, arena);
        for (size_t i = 0; i < entry_count; i++) {
                TRY(put_entry(&writer, spec, types, &entries[i], err));
                count_entry(out, &entries[i]);
                for (size_t f = 0; f < spec->field_count; f++)
                        summarize(&out->partitions[f], types[f], &entries[i].file.partition[f]);
        }
        avro_finish(&writer);
        *out_bytes = buf_dup(&bytes, arena);
        out->length = (int64_t)out_bytes->size;
        return STATUS_OK;
}

static void put_summaries(AvroWriter *writer, const ManifestFile *file) {
        avro_put_long(writer, 1); /* an empty list where there is no partition, as others write it */
        if (file->partition_count > 0)
                avro_put_long(writer, (int64_t)file->partition_count);
        for (size_t i = 0; i < file->partition_count; i++) {
                const PartitionSummary *summary = &file->partitions[i];
                avro_put_raw(writer, summary->contains_null ? STR("\x01") : STR("\0"));
                avro_put_long(writer, summary->contains_nan >= 0);
                if (summary->contains_nan >= 0)
                        avro_put_raw(writer, summary->contains_nan ? STR("\x01") : STR("\0"));
                put_optional_bytes(writer, summary->lower, summary->has_lower);
                put_optional_bytes(writer, summary->upper, summary->has_upper);
        }
        avro_put_long(writer, 0);
}

static void put_manifest_file(AvroWriter *writer, const ManifestFile *file) {
        avro_put_bytes(writer, file->path);
        avro_put_long(writer, file->length);
        avro_put_long(writer, file->spec_id);
        avro_put_long(writer, file->is_deletes);
        avro_put_long(writer, file->sequence_number);
        avro_put_long(writer, file->min_sequence_number);
        avro_put_long(writer, file->added_snapshot_id);
        avro_put_long(writer, file->added_files);
        avro_put_long(writer, file->existing_files);
        avro_put_long(writer, file->deleted_files);
        avro_put_long(writer, file->added_rows);
        avro_put_long(writer, file->existing_rows);
        avro_put_long(writer, file->deleted_rows);
        put_summaries(writer, file);
        put_optional_bytes(writer, STR_NONE, false); /* key_metadata */
        avro_record_end(writer);
}

Str manifest_list_write(const ManifestList *list, const Snapshot *snapshot, Arena *arena) {
        Str summary = record_text(arena, "r508", summary_fields, COUNT_OF(summary_fields), STR_NONE);
        Str partitions = arena_strf(arena, "{\"type\":\"array\",\"items\":%.*s,\"element-id\":508}", STR_ARG(summary));
        Str schema = record_text(arena, "manifest_file", list_fields, COUNT_OF(list_fields), partitions);
        const AvroHeader header[] = {
                { "snapshot-id", arena_strf(arena, "%lld", (long long)snapshot->id) },
                { "parent-snapshot-id", snapshot->parent_id == SNAPSHOT_NONE
                                                ? STR("null")
                                                : arena_strf(arena, "%lld", (long long)snapshot->parent_id) },
                { "sequence-number", arena_strf(arena, "%lld", (long long)snapshot->sequence_number) },
                { "format-version", FORMAT_VERSION },
        };
        CLEANUP(buf_deinit) Buf bytes = { 0 };
        CLEANUP(avro_writer_deinit) AvroWriter writer = { 0 };
        avro_writer_init(&writer, &bytes, schema, AVRO_CODEC_DEFLATE, header, COUNT_OF(header));
        for (size_t i = 0; i < list->count; i++)
                put_manifest_file(&writer, &list->manifests[i]);
        avro_finish(&writer);
        return buf_dup(&bytes, arena);
}
