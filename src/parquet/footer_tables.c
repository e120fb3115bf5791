/* SPDX-License-Identifier: Apache-2.0 */
/* What a footer means in our terms: its columns as types, its statistics as Iceberg wants them. */
#include "parquet/bounds.h"
#include "parquet/footer.h"

#define DECIMAL_BYTES_MAX 16

/* ---- types ---- */

static bool integer_type(const ParquetNode *node, Type *out) {
        bool wide = node->physical == PARQUET_INT64;
        out->kind = wide ? TYPE_BIGINT : TYPE_INT;
        if (node->logical == PARQUET_LOGICAL_NONE || node->is_signed)
                return true;
        if (node->bit_width == 32)
                out->kind = TYPE_BIGINT;
        return !wide; /* unsigned 64 bits fit no type of ours */
}

static bool time_type(const ParquetNode *node, Type *out) {
        if (node->physical == PARQUET_INT32 ? node->unit != PARQUET_MILLIS : node->unit == PARQUET_NANOS)
                return false;
        if (node->logical == PARQUET_LOGICAL_TIME)
                out->kind = TYPE_TIME;
        else
                out->kind = node->adjusted_to_utc ? TYPE_TIMESTAMPTZ : TYPE_TIMESTAMP;
        return node->logical == PARQUET_LOGICAL_TIME || node->physical == PARQUET_INT64;
}

static bool decimal_type(const ParquetNode *node, Type *out) {
        *out = (Type){ .kind = TYPE_DECIMAL, .precision = node->precision, .scale = node->scale };
        return node->precision >= 1 && node->precision <= 38 && node->scale >= 0 && node->scale <= node->precision;
}

static bool number_type(const ParquetNode *node, Type *out) {
        switch (node->logical) {
        case PARQUET_LOGICAL_NONE:
        case PARQUET_LOGICAL_INTEGER:
                return integer_type(node, out);
        case PARQUET_LOGICAL_DECIMAL:
                return decimal_type(node, out);
        case PARQUET_LOGICAL_DATE:
                out->kind = TYPE_DATE;
                return node->physical == PARQUET_INT32;
        case PARQUET_LOGICAL_TIME:
        case PARQUET_LOGICAL_TIMESTAMP:
                return time_type(node, out);
        default:
                return false;
        }
}

static bool bytes_type(const ParquetNode *node, Type *out) {
        switch (node->logical) {
        case PARQUET_LOGICAL_NONE:
        case PARQUET_LOGICAL_BSON:
                out->kind = TYPE_BINARY;
                return true;
        case PARQUET_LOGICAL_DECIMAL:
                return decimal_type(node, out);
        case PARQUET_LOGICAL_UUID:
                out->kind = TYPE_UUID;
                return node->physical == PARQUET_FIXED && node->type_length == 16;
        case PARQUET_LOGICAL_STRING:
        case PARQUET_LOGICAL_ENUM:
        case PARQUET_LOGICAL_JSON:
                out->kind = TYPE_TEXT;
                return node->physical == PARQUET_BYTE_ARRAY;
        default:
                return false;
        }
}

/* False where no type of ours holds all its values: nanoseconds, unsigned 64 bits, INT96, and what is unknown. */
static bool leaf_type(const ParquetNode *node, Type *out) {
        *out = (Type){ 0 };
        switch (node->physical) {
        case PARQUET_BOOLEAN:
                out->kind = TYPE_BOOLEAN;
                return true;
        case PARQUET_FLOAT:
                out->kind = TYPE_FLOAT;
                return node->logical == PARQUET_LOGICAL_NONE;
        case PARQUET_DOUBLE:
                out->kind = TYPE_DOUBLE;
                return node->logical == PARQUET_LOGICAL_NONE;
        case PARQUET_INT32:
        case PARQUET_INT64:
                return number_type(node, out);
        case PARQUET_BYTE_ARRAY:
        case PARQUET_FIXED:
                return bytes_type(node, out);
        case PARQUET_INT96:
        default:
                return false;
        }
}

static Status node_type(const ParquetNode *node, Arena *arena, Type *out, Error *err);

static Status unknown_type(const ParquetNode *node, Error *err) {
        return error_set(err, STATUS_SQL_TYPE,
                         "the Parquet column '%.*s' is of a type that Lode has no counterpart for",
                         STR_ARG(node->name));
}

static Status node_field(const ParquetNode *node, Arena *arena, TypeField *out, Error *err) {
        *out = (TypeField){ .name = node->name,
                            .id = node->field_id,
                            .required = node->repetition == PARQUET_REQUIRED };
        return node_type(node, arena, &out->type, err);
}

static Status fields_of(ParquetNode *const *nodes, size_t count, Arena *arena, TypeField **out, Error *err) {
        TypeField *fields = ARENA_ARRAY(arena, TypeField, count);
        for (size_t i = 0; i < count; i++)
                TRY(node_field(nodes[i], arena, &fields[i], err));
        *out = fields;
        return STATUS_OK;
}

/* list (LIST) > repeated group > element, or in old files list (LIST) > repeated element. */
static Status list_type(const ParquetNode *node, Arena *arena, Type *out, Error *err) {
        if (node->child_count != 1 || node->children[0]->repetition != PARQUET_REPEATED)
                return unknown_type(node, err);
        const ParquetNode *repeated = node->children[0];
        bool is_wrapper = !repeated->is_leaf && repeated->child_count == 1 && !str_is(repeated->name, "array") &&
                          !str_ends_with(repeated->name, STR("_tuple"));
        TypeField *element = ARENA_NEW(arena, TypeField);
        TRY(node_field(is_wrapper ? repeated->children[0] : repeated, arena, element, err));
        element->name = STR("element");
        element->required = !is_wrapper || element->required;
        *out = (Type){ .kind = TYPE_LIST, .fields = element, .field_count = 1 };
        return STATUS_OK;
}

/* map (MAP) > repeated group > key, value */
static Status map_type(const ParquetNode *node, Arena *arena, Type *out, Error *err) {
        if (node->child_count != 1 || node->children[0]->repetition != PARQUET_REPEATED ||
            node->children[0]->child_count != 2)
                return unknown_type(node, err);
        TypeField *fields;
        TRY(fields_of(node->children[0]->children, 2, arena, &fields, err));
        fields[0].name = STR("key");
        fields[1].name = STR("value");
        *out = (Type){ .kind = TYPE_MAP, .fields = fields, .field_count = 2 };
        return STATUS_OK;
}

static Status node_type(const ParquetNode *node, Arena *arena, Type *out, Error *err) {
        bool in_list = node->parent && node->parent->logical == PARQUET_LOGICAL_LIST;
        if (node->repetition == PARQUET_REPEATED && !in_list)
                return unknown_type(node, err);
        if (node->is_leaf)
                return leaf_type(node, out) ? STATUS_OK : unknown_type(node, err);
        if (node->logical == PARQUET_LOGICAL_LIST)
                return list_type(node, arena, out, err);
        if (node->logical == PARQUET_LOGICAL_MAP)
                return map_type(node, arena, out, err);

        TypeField *fields;
        TRY(fields_of(node->children, node->child_count, arena, &fields, err));
        *out = (Type){ .kind = TYPE_STRUCT, .fields = fields, .field_count = node->child_count };
        return STATUS_OK;
}

Status parquet_footer_fields(const ParquetFooter *footer, Arena *arena, TypeField **out, size_t *out_count,
                             Error *err) {
        TRY(fields_of(footer->root->children, footer->root->child_count, arena, out, err));
        *out_count = footer->root->child_count;
        return STATUS_OK;
}

/* ---- statistics ---- */

static bool read_whole(const ParquetNode *node, Str raw, int64_t *out) {
        if (raw.size != (node->physical == PARQUET_INT32 ? 4 : 8))
                return false;
        if (raw.size == 8) {
                memcpy(out, raw.data, 8);
                return true;
        }
        int32_t value;
        memcpy(&value, raw.data, 4);
        bool is_unsigned = node->logical == PARQUET_LOGICAL_INTEGER && !node->is_signed;
        *out = is_unsigned ? (int64_t)(uint32_t)value : value;
        return true;
}

static bool read_decimal(const ParquetNode *node, Str raw, Int128 *out) {
        int64_t whole;
        if (node->physical == PARQUET_INT32 || node->physical == PARQUET_INT64) {
                if (!read_whole(node, raw, &whole))
                        return false;
                *out = whole;
                return true;
        }
        if (raw.size == 0 || raw.size > DECIMAL_BYTES_MAX)
                return false;
        unsigned __int128 value = (int8_t)raw.data[0] < 0 ? ~(unsigned __int128)0 : 0;
        for (size_t i = 0; i < raw.size; i++)
                value = value << 8 | (uint8_t)raw.data[i];
        *out = (Int128)value;
        return true;
}

static bool whole_single(const ParquetNode *node, Type type, Str raw, Arena *arena, Str *out) {
        int64_t whole;
        if (!read_whole(node, raw, &whole))
                return false;
        bool is_time = node->logical == PARQUET_LOGICAL_TIME || node->logical == PARQUET_LOGICAL_TIMESTAMP;
        if (is_time && node->unit == PARQUET_MILLIS && __builtin_mul_overflow(whole, 1000, &whole))
                return false;
        *out = type.kind == TYPE_INT || type.kind == TYPE_DATE ? value_int32(arena, (int32_t)whole)
                                                               : value_int64(arena, whole);
        return true;
}

/* A stored bound as a single value, uncut; false if it is malformed or NaN. */
static bool single_value(const ParquetNode *node, Type type, Str raw, Arena *arena, Str *out) {
        double real;
        Int128 unscaled;
        switch (type.kind) {
        case TYPE_BOOLEAN:
                *out = raw;
                return raw.size == 1 && (raw.data[0] == 0 || raw.data[0] == 1);
        case TYPE_FLOAT:
        case TYPE_DOUBLE:
                *out = raw;
                return raw.size == (type.kind == TYPE_FLOAT ? 4 : 8) && value_read_double(raw, &real) && real == real;
        case TYPE_DECIMAL:
                if (!read_decimal(node, raw, &unscaled))
                        return false;
                *out = value_decimal(arena, unscaled);
                return true;
        case TYPE_UUID:
                *out = raw;
                return raw.size == 16;
        case TYPE_TEXT:
                *out = raw;
                return utf8_valid(raw);
        case TYPE_BINARY:
                *out = raw;
                return true;
        default:
                return whole_single(node, type, raw, arena, out);
        }
}

typedef struct Extremes {
        bool has_min, has_max; /* in all row groups that have values */
        bool any;
        Str min, max;
} Extremes;

static void fold_chunk(Extremes *extremes, const ParquetNode *leaf, Type type, const ParquetChunk *chunk,
                       Arena *arena) {
        if (chunk->values == 0 || chunk->nulls == chunk->values)
                return;
        Str min, max;
        extremes->has_min = extremes->has_min && chunk->has_min && single_value(leaf, type, chunk->min, arena, &min);
        extremes->has_max = extremes->has_max && chunk->has_max && single_value(leaf, type, chunk->max, arena, &max);
        if (extremes->has_min && (!extremes->any || value_compare(type, min, extremes->min) < 0))
                extremes->min = min;
        if (extremes->has_max && (!extremes->any || value_compare(type, max, extremes->max) > 0))
                extremes->max = max;
        extremes->any = true;
}

static void settle_zero(Type type, Str *bound, bool is_upper, Arena *arena) {
        double value;
        if (!value_read_double(*bound, &value) || value != 0)
                return;
        double zero = is_upper ? 0.0 : -0.0;
        *bound = type.kind == TYPE_FLOAT ? value_float(arena, (float)zero) : value_double(arena, zero);
}

static void tell_bounds(const Extremes *extremes, Type type, Arena *arena, ColumnStatistics *out) {
        out->has_lower = extremes->any && extremes->has_min;
        out->has_upper = extremes->any && extremes->has_max;
        bool is_cut = type.kind == TYPE_TEXT || type.kind == TYPE_BINARY;
        bool is_real = type.kind == TYPE_FLOAT || type.kind == TYPE_DOUBLE;
        if (out->has_lower) {
                out->lower = is_cut ? parquet_cut_lower(arena, type, extremes->min) : arena_str(arena, extremes->min);
                if (is_real)
                        settle_zero(type, &out->lower, false, arena);
        }
        if (out->has_upper) {
                if (is_cut)
                        out->has_upper = parquet_cut_upper(arena, type, extremes->max, &out->upper);
                else
                        out->upper = arena_str(arena, extremes->max);
                if (is_real)
                        settle_zero(type, &out->upper, true, arena);
        }
}

static Status leaf_statistics(const ParquetFooter *footer, const ParquetNode *leaf, Arena *arena, ColumnStatistics *out,
                              Error *err) {
        bool is_real = leaf->physical == PARQUET_FLOAT || leaf->physical == PARQUET_DOUBLE;
        *out = (ColumnStatistics){ .field_id = leaf->field_id, .nans = is_real ? -1 : 0 };
        Extremes extremes = { .has_min = true, .has_max = true };
        Type type;
        bool has_bounds = !leaf->repeated && leaf_type(leaf, &type);
        for (size_t i = 0; i < footer->group_count; i++) {
                const ParquetChunk *chunk = &footer->groups[i].chunks[leaf->leaf];
                if (__builtin_add_overflow(out->values, chunk->values, &out->values) ||
                    __builtin_add_overflow(out->bytes, chunk->compressed, &out->bytes))
                        return error_set(err, STATUS_CORRUPT,
                                         "the Parquet footer counts more values or bytes than there can be");
                out->nulls = out->nulls < 0 || chunk->nulls < 0 ? -1 : out->nulls + chunk->nulls;
                if (has_bounds)
                        fold_chunk(&extremes, leaf, type, chunk, arena);
        }
        if (has_bounds)
                tell_bounds(&extremes, type, arena, out);
        return STATUS_OK;
}

Status parquet_footer_statistics(const ParquetFooter *footer, Arena *arena, FileStatistics *out, Error *err) {
        FileStatistics told = { .rows = footer->rows,
                                .bytes = footer->file_size,
                                .columns = ARENA_ARRAY(arena, ColumnStatistics, footer->leaf_count),
                                .split_offsets = ARENA_ARRAY(arena, int64_t, footer->group_count),
                                .split_count = footer->group_count };
        for (size_t i = 0; i < footer->leaf_count; i++)
                if (footer->leaves[i]->field_id > 0)
                        TRY(leaf_statistics(footer, footer->leaves[i], arena, &told.columns[told.column_count++], err));
        for (size_t i = 0; i < footer->group_count; i++)
                told.split_offsets[i] = footer->groups[i].offset;
        *out = told;
        return STATUS_OK;
}

Status parquet_file_statistics(int fd, const char *name, Arena *arena, FileStatistics *out, Error *err) {
        ParquetFooter footer;
        TRY(parquet_footer_read(fd, name, arena, &footer, err));
        return parquet_footer_statistics(&footer, arena, out, err);
}
