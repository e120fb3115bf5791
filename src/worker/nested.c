/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/nested.h"

/* The levels above a value: all that is there, the repetition that it begins with, and the lists it lies in. */
typedef struct Levels {
        unsigned definition, repetition, lists;
} Levels;

static void put_leaf(ParquetColumn *column, TypeKind kind, const Value *value) {
        switch (kind) {
        case TYPE_BOOLEAN:
                parquet_column_bool(column, value->boolean);
                return;
        case TYPE_INT:
        case TYPE_DATE:
                parquet_column_int32(column, value->int32);
                return;
        case TYPE_FLOAT:
                parquet_column_float(column, (float)value->number);
                return;
        case TYPE_DOUBLE:
                parquet_column_double(column, value->number);
                return;
        case TYPE_DECIMAL:
                parquet_column_int128(column, value->decimal);
                return;
        case TYPE_UUID:
                parquet_column_uuid(column, value->uuid);
                return;
        case TYPE_TEXT:
                parquet_column_bytes(column, value->text.data, value->text.size);
                return;
        default:
                parquet_column_int64(column, value->int64);
        }
}

/* Nothing of it is there: one entry in each leaf. Gives the leaf behind. */
static ParquetColumn *put_absent(ParquetColumn *column, const Type *type, Levels at) {
        if (!type_is_nested(*type)) {
                parquet_leaf_entry(column, at.definition, at.repetition);
                return column + 1;
        }
        for (size_t i = 0; i < type->field_count; i++)
                column = put_absent(column, &type->fields[i].type, at);
        return column;
}

static ParquetColumn *put_value(ParquetColumn *column, const Type *type, const Nested *value, Levels at);

static ParquetColumn *put_list(ParquetColumn *column, const Type *type, const Nested *value, Levels at) {
        const Type *element = &type->fields[0].type;
        if (value->count == 0)
                return put_absent(column, element, at);
        ParquetColumn *next = column;
        at.definition++;
        at.lists++;
        for (uint32_t i = 0; i < value->count; i++) {
                next = put_value(column, element, &value->items[i], at);
                at.repetition = at.lists;
        }
        return next;
}

static ParquetColumn *put_value(ParquetColumn *column, const Type *type, const Nested *value, Levels at) {
        if (!value || value->null)
                return put_absent(column, type, at);
        at.definition++;
        if (type->kind == TYPE_LIST)
                return put_list(column, type, value, at);
        if (type->kind == TYPE_STRUCT) {
                for (size_t i = 0; i < type->field_count; i++)
                        column = put_value(column, &type->fields[i].type, &value->items[i], at);
                return column;
        }
        parquet_leaf_entry(column, at.definition, at.repetition);
        put_leaf(column, type->kind, &value->value);
        return column + 1;
}

void nested_put(ParquetColumn *column, const Type *type, const Nested *value) {
        put_value(column, type, value, (Levels){ 0 });
}
