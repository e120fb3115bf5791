/* SPDX-License-Identifier: Apache-2.0 */
#include "parquet/describe.h"

#include "base/vec.h"
#include "parquet/format.h"
#include "parquet/thrift.h"

#define CREATED_BY STR("lode version 0.1.0")

/* How each kind is stored: physical type, bytes in memory, ConvertedType. Decimals by precision, see below. */
static const struct {
        ParquetPhysical physical;
        uint8_t width;
        int converted;
} storages[] = {
        [TYPE_BOOLEAN] = { PARQUET_BOOLEAN, 1, PARQUET_CONVERTED_NONE },
        [TYPE_INT] = { PARQUET_INT32, 4, PARQUET_CONVERTED_NONE },
        [TYPE_BIGINT] = { PARQUET_INT64, 8, PARQUET_CONVERTED_NONE },
        [TYPE_FLOAT] = { PARQUET_FLOAT, 4, PARQUET_CONVERTED_NONE },
        [TYPE_DOUBLE] = { PARQUET_DOUBLE, 8, PARQUET_CONVERTED_NONE },
        [TYPE_DECIMAL] = { PARQUET_FIXED, 16, PARQUET_CONVERTED_DECIMAL },
        [TYPE_DATE] = { PARQUET_INT32, 4, PARQUET_CONVERTED_DATE },
        [TYPE_TIME] = { PARQUET_INT64, 8, PARQUET_CONVERTED_TIME_MICROS },
        [TYPE_TIMESTAMP] = { PARQUET_INT64, 8, PARQUET_CONVERTED_TIMESTAMP_MICROS },
        [TYPE_TIMESTAMPTZ] = { PARQUET_INT64, 8, PARQUET_CONVERTED_TIMESTAMP_MICROS },
        [TYPE_UUID] = { PARQUET_FIXED, 16, PARQUET_CONVERTED_NONE },
        [TYPE_TEXT] = { PARQUET_BYTE_ARRAY, 0, PARQUET_CONVERTED_UTF8 },
        [TYPE_BINARY] = { PARQUET_BYTE_ARRAY, 0, PARQUET_CONVERTED_NONE },
};

uint8_t parquet_width_of(Type type) {
        if (type.kind == TYPE_DECIMAL && type.precision <= 18)
                return type.precision <= 9 ? 4 : 8;
        return storages[type.kind].width;
}

static ParquetPhysical physical_of(Type type) {
        if (type.kind == TYPE_DECIMAL && type.precision <= 18)
                return type.precision <= 9 ? PARQUET_INT32 : PARQUET_INT64;
        return storages[type.kind].physical;
}

void parquet_column_info_start(ParquetColumnInfo *info, Type type, int field_id, const Str *path, size_t path_count) {
        ParquetEncoded kept = { .pages = info->encoded.pages };
        *info = (ParquetColumnInfo){ .path = path,
                                     .path_count = path_count,
                                     .type = type,
                                     .field_id = field_id,
                                     .physical = physical_of(type),
                                     .converted = storages[type.kind].converted,
                                     .has_bounds = true,
                                     .encoded = kept };
        if (info->physical == PARQUET_FIXED)
                info->fixed_length = type.kind == TYPE_UUID ? 16 : parquet_decimal_length(type.precision);
}

/* ---- leaves ---- */

typedef struct Walk {
        Arena *arena;
        Str path[PARQUET_FOOTER_DEPTH_MAX];
        size_t depth;
        unsigned definition, repetition;
        VEC(ParquetLeaf) leaves;
} Walk;

static void walk_field(Walk *walk, Str name, int id, Type type) {
        assert(walk->depth < PARQUET_FOOTER_DEPTH_MAX - 1);
        walk->path[walk->depth++] = name;
        walk->definition++;
        if (!type_is_nested(type)) {
                Str *path = ARENA_ARRAY(walk->arena, Str, walk->depth);
                for (size_t i = 0; i < walk->depth; i++)
                        path[i] = arena_str(walk->arena, walk->path[i]);
                vec_push(walk->arena, &walk->leaves, ((ParquetLeaf){ type, id, path, walk->depth, walk->definition, walk->repetition, walk->depth == 1 }));
        } else if (type.kind == TYPE_LIST) {
                walk->path[walk->depth++] = STR("list");
                walk->definition++;
                walk->repetition++;
                walk_field(walk, STR("element"), type.fields[0].id, type.fields[0].type);
                walk->repetition--;
                walk->definition--;
                walk->depth--;
        } else {
                for (size_t i = 0; i < type.field_count; i++)
                        walk_field(walk, type.fields[i].name, type.fields[i].id, type.fields[i].type);
        }
        walk->definition--;
        walk->depth--;
}

size_t parquet_leaves(const ParquetColumnSpec *columns, size_t count, Arena *arena, ParquetLeaf **out, uint32_t *firsts) {
        Walk walk = { .arena = arena };
        for (size_t i = 0; i < count; i++) {
                firsts[i] = (uint32_t)walk.leaves.count;
                walk_field(&walk, columns[i].name, columns[i].field_id, columns[i].type);
        }
        *out = walk.leaves.items;
        return walk.leaves.count;
}

/* ---- row groups ---- */

static void describe_statistics(ThriftWriter *footer, const ParquetColumnInfo *info, Arena *arena) {
        ParquetBound min, max;
        thrift_begin(footer, 12);
        thrift_i64(footer, 3, info->encoded.nulls);
        bool bounded = info->has_bounds && info->encoded.nans == 0; /* NaN is above all, and engines take the largest for the largest of all */
        if (bounded && parquet_bounds_stored(&info->encoded.bounds, info->type, arena, &min, &max)) {
                thrift_bytes(footer, 5, max.bytes);
                thrift_bytes(footer, 6, min.bytes);
                thrift_bool(footer, 7, max.is_exact);
                thrift_bool(footer, 8, min.is_exact);
        }
        thrift_end(footer);
}

static void describe_pages(ThriftWriter *footer, int type, int encoding, int count) {
        thrift_begin_item(footer);
        thrift_i32(footer, 1, type);
        thrift_i32(footer, 2, encoding);
        thrift_i32(footer, 3, count);
        thrift_end(footer);
}

static size_t count_encodings(const ParquetEncoded *encoded) {
        size_t count = 0;
        for (int i = 0; i < PARQUET_ENCODING_COUNT; i++)
                count += encoded->data_pages[i] > 0;
        return count;
}

static void describe_page_encodings(ThriftWriter *footer, const ParquetEncoded *encoded) {
        bool has_dictionary = encoded->dictionary_size > 0;
        thrift_list(footer, 13, THRIFT_STRUCT, has_dictionary + count_encodings(encoded));
        if (has_dictionary)
                describe_pages(footer, PARQUET_PAGE_DICTIONARY, encoded->dictionary_encoding, 1);
        for (int i = 0; i < PARQUET_ENCODING_COUNT; i++)
                if (encoded->data_pages[i] > 0)
                        describe_pages(footer, PARQUET_PAGE_DATA, i, encoded->data_pages[i]);
}

/* Of all that the chunk has: the dictionary, the levels, the values. */
static void describe_encodings(ThriftWriter *footer, const ParquetEncoded *encoded) {
        bool used[PARQUET_ENCODING_COUNT] = { [PARQUET_ENCODING_RLE] = true };
        size_t count = 0;
        if (encoded->dictionary_size > 0)
                used[encoded->dictionary_encoding] = true;
        for (int i = 0; i < PARQUET_ENCODING_COUNT; i++) {
                used[i] |= encoded->data_pages[i] > 0;
                count += used[i];
        }
        thrift_list(footer, 2, THRIFT_I32, count);
        for (int i = 0; i < PARQUET_ENCODING_COUNT; i++)
                if (used[i])
                        thrift_item_i32(footer, i);
}

void parquet_describe_chunk(Buf *out, const ParquetColumnInfo *info, int64_t offset, int64_t size, Arena *scratch) {
        ThriftWriter chunk = { .buf = out }, *footer = &chunk;
        const ParquetEncoded *encoded = &info->encoded;
        thrift_begin_item(footer);
        thrift_i64(footer, 2, offset);
        thrift_begin(footer, 3);
        thrift_i32(footer, 1, info->physical);
        describe_encodings(footer, encoded);
        thrift_list(footer, 3, THRIFT_BINARY, info->path_count);
        for (size_t i = 0; i < info->path_count; i++)
                thrift_item_bytes(footer, info->path[i]);
        thrift_i32(footer, 4, encoded->codec);
        thrift_i64(footer, 5, encoded->values);
        thrift_i64(footer, 6, encoded->uncompressed);
        thrift_i64(footer, 7, size);
        thrift_i64(footer, 9, offset + (int64_t)encoded->dictionary_size);
        if (encoded->dictionary_size > 0)
                thrift_i64(footer, 11, offset);
        describe_statistics(footer, info, scratch);
        describe_page_encodings(footer, encoded);
        thrift_end(footer);
        thrift_end(footer);
}

void parquet_column_info_count(ParquetColumnInfo *info, int64_t size) {
        info->values += info->encoded.values;
        info->nulls += info->encoded.nulls;
        info->nans += info->encoded.nans;
        info->bytes += size;
        parquet_bounds_merge(&info->bounds, &info->encoded.bounds);
}

void parquet_describe_group(Buf *out, const ParquetGroupInfo *group, Str chunks, size_t column_count, size_t ordinal) {
        ThriftWriter footer = { .buf = out };
        thrift_list(&footer, 1, THRIFT_STRUCT, column_count);
        buf_append(out, chunks);
        thrift_i64(&footer, 2, group->unpacked);
        thrift_i64(&footer, 3, group->rows);
        thrift_i64(&footer, 5, group->start);
        thrift_i64(&footer, 6, group->stored);
        if (ordinal <= INT16_MAX)
                thrift_i16(&footer, 7, (int16_t)ordinal);
        thrift_end(&footer);
}

/* ---- the file ---- */

static void describe_time(ThriftWriter *footer, bool adjusted_to_utc) {
        thrift_bool(footer, 1, adjusted_to_utc);
        thrift_begin(footer, 2);
        thrift_begin(footer, 2); /* microseconds */
        thrift_end(footer);
        thrift_end(footer);
}

/* The union has one field per kind; most hold an empty struct. */
static void describe_logical_type(ThriftWriter *footer, Type type) {
        static const uint8_t fields[] = {
                [TYPE_DECIMAL] = PARQUET_UNION_DECIMAL,
                [TYPE_DATE] = PARQUET_UNION_DATE,
                [TYPE_TIME] = PARQUET_UNION_TIME,
                [TYPE_TIMESTAMP] = PARQUET_UNION_TIMESTAMP,
                [TYPE_TIMESTAMPTZ] = PARQUET_UNION_TIMESTAMP,
                [TYPE_UUID] = PARQUET_UNION_UUID,
                [TYPE_TEXT] = PARQUET_UNION_STRING,
                [TYPE_BINARY] = 0,
        };
        if (fields[type.kind] == 0)
                return;
        thrift_begin(footer, 10);
        thrift_begin(footer, fields[type.kind]);
        if (type.kind == TYPE_DECIMAL) {
                thrift_i32(footer, 1, type.scale);
                thrift_i32(footer, 2, type.precision);
        } else if (type.kind == TYPE_TIME || type.kind == TYPE_TIMESTAMP || type.kind == TYPE_TIMESTAMPTZ) {
                describe_time(footer, type.kind == TYPE_TIMESTAMPTZ);
        }
        thrift_end(footer);
        thrift_end(footer);
}

static void describe_leaf(ThriftWriter *footer, const ParquetColumnInfo *info) {
        thrift_begin_item(footer);
        thrift_i32(footer, 1, info->physical);
        if (info->fixed_length)
                thrift_i32(footer, 2, info->fixed_length);
        thrift_i32(footer, 3, info->is_required ? PARQUET_REQUIRED : PARQUET_OPTIONAL);
        thrift_bytes(footer, 4, info->path[info->path_count - 1]);
        if (info->converted != PARQUET_CONVERTED_NONE)
                thrift_i32(footer, 6, info->converted);
        if (info->type.kind == TYPE_DECIMAL) {
                thrift_i32(footer, 7, info->type.scale);
                thrift_i32(footer, 8, info->type.precision);
        }
        thrift_i32(footer, 9, info->field_id);
        describe_logical_type(footer, info->type);
        thrift_end(footer);
}

static size_t count_nodes(Type type) {
        size_t count = type.kind == TYPE_LIST ? 2 : 1;
        for (size_t i = 0; i < type.field_count; i++)
                count += count_nodes(type.fields[i].type);
        return count;
}

/* A list is a group of the column's name, with one repeated group in it that holds the element. */
static const ParquetColumnInfo *describe_field(ThriftWriter *footer, Str name, int id, Type type, const ParquetColumnInfo *leaf) {
        if (!type_is_nested(type)) {
                describe_leaf(footer, leaf);
                return leaf + 1;
        }
        bool is_list = type.kind == TYPE_LIST;
        thrift_begin_item(footer);
        thrift_i32(footer, 3, PARQUET_OPTIONAL);
        thrift_bytes(footer, 4, name);
        thrift_i32(footer, 5, is_list ? 1 : (int32_t)type.field_count);
        if (is_list)
                thrift_i32(footer, 6, PARQUET_CONVERTED_LIST);
        thrift_i32(footer, 9, id);
        if (is_list) {
                thrift_begin(footer, 10);
                thrift_begin(footer, PARQUET_UNION_LIST);
                thrift_end(footer);
                thrift_end(footer);
        }
        thrift_end(footer);
        if (is_list) {
                thrift_begin_item(footer);
                thrift_i32(footer, 3, PARQUET_REPEATED);
                thrift_bytes(footer, 4, STR("list"));
                thrift_i32(footer, 5, 1);
                thrift_end(footer);
        }
        for (size_t i = 0; i < type.field_count; i++)
                leaf = describe_field(footer, type.fields[i].name, type.fields[i].id, type.fields[i].type, leaf);
        return leaf;
}

static void describe_schema(ThriftWriter *footer, const ParquetColumnSpec *specs, size_t spec_count, const ParquetColumnInfo *leaf) {
        size_t nodes = 1;
        for (size_t i = 0; i < spec_count; i++)
                nodes += count_nodes(specs[i].type);
        thrift_list(footer, 2, THRIFT_STRUCT, nodes);
        thrift_begin_item(footer);
        thrift_bytes(footer, 4, STR("table"));
        thrift_i32(footer, 5, (int32_t)spec_count);
        thrift_end(footer);
        for (size_t i = 0; i < spec_count; i++)
                leaf = describe_field(footer, specs[i].name, specs[i].field_id, specs[i].type, leaf);
}

static void describe_metadata(ThriftWriter *footer, const ParquetPair *pairs, size_t count) {
        if (count == 0)
                return;
        thrift_list(footer, 5, THRIFT_STRUCT, count);
        for (size_t i = 0; i < count; i++) {
                thrift_begin_item(footer);
                thrift_bytes(footer, 1, pairs[i].key);
                thrift_bytes(footer, 2, pairs[i].value);
                thrift_end(footer);
        }
}

void parquet_describe_file(Buf *out, const ParquetColumnSpec *specs, size_t spec_count, const ParquetColumnInfo *columns,
                           size_t column_count, int64_t rows, Str groups, size_t group_count, const ParquetPair *metadata, size_t metadata_count) {
        size_t start = out->size;
        ThriftWriter footer = { .buf = out };
        thrift_i32(&footer, 1, 1);
        describe_schema(&footer, specs, spec_count, columns);
        thrift_i64(&footer, 3, rows);
        thrift_list(&footer, 4, THRIFT_STRUCT, group_count);
        buf_append(out, groups);
        describe_metadata(&footer, metadata, metadata_count);
        thrift_bytes(&footer, 6, CREATED_BY);
        thrift_list(&footer, 7, THRIFT_STRUCT, column_count);
        for (size_t i = 0; i < column_count; i++) {
                thrift_begin_item(&footer); /* min and max by the type's own order */
                thrift_begin(&footer, 1);
                thrift_end(&footer);
                thrift_end(&footer);
        }
        thrift_end(&footer);
        buf_u32(out, (uint32_t)(out->size - start));
        buf_append(out, PARQUET_MAGIC);
}

void parquet_tell_columns(const ParquetColumnInfo *columns, size_t column_count, Arena *arena, FileStatistics *out) {
        out->columns = ARENA_ARRAY(arena, ColumnStatistics, column_count);
        out->column_count = column_count;
        for (size_t i = 0; i < column_count; i++) {
                const ParquetColumnInfo *info = &columns[i];
                out->columns[i] = (ColumnStatistics){ .field_id = info->field_id,
                                                      .values = info->values,
                                                      .nulls = info->nulls,
                                                      .nans = info->nans,
                                                      .bytes = info->bytes };
                parquet_bounds_told(&info->bounds, info->type, arena, &out->columns[i]);
        }
}
