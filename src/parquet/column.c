/* SPDX-License-Identifier: Apache-2.0 */
#include "parquet/column.h"

#include "parquet/dictionary.h"
#include "parquet/memory.h"

#define PLAIN_AFTER_FAILURE 15 /* row groups */
#define SLACK 16               /* bytes that may be read behind the last value */
#define TEXT_MIN (64u << 10)   /* of a text buffer */
#define KEPT_BYTES (8u << 20)  /* of a text buffer that is kept though its next row group may not need it */

void parquet_column_deinit(ParquetColumn *column) {
        free(column->values);
        free(column->null_bits);
        free(column->levels);
        parquet_dictionary_free(column->dictionary);
}

void parquet_column_prepare(ParquetColumn *column, uint32_t group_rows) {
        size_t needed = (size_t)group_rows * column->width + SLACK;
        if (column->capacity < needed) {
                free(column->values);
                column->values = must_alloc(malloc(needed));
                column->capacity = needed;
        }
        if (!column->null_bits)
                column->null_bits = must_alloc(calloc(1, PARQUET_GROUP_ROWS / 8));
        if (column->definition_max > 0) {
                column->row_max = group_rows;
                return;
        }
        if (column->width == 0 && (!column->dictionary || column->dictionary->id_max < group_rows)) {
                parquet_dictionary_free(column->dictionary);
                column->dictionary = parquet_dictionary_new(group_rows);
        }
        column->row_max = group_rows;
}

/* A text buffer that grew for an unusual row group does not stay so for ever. */
static void column_trim(ParquetColumn *column) {
        if (column->width > 0 || column->capacity <= KEPT_BYTES || column->size > column->capacity / 4)
                return;
        column->capacity = KEPT_BYTES;
        column->values = must_alloc(realloc(column->values, column->capacity));
}

void parquet_column_clear(ParquetColumn *column) {
        column_trim(column);
        if (column->row > column->count)
                memset(column->null_bits, 0, (column->row + 7) / 8);
        column->row = 0;
        column->count = 0;
        column->size = 0;
        column->bytes = 0;
        column->entries = 0;
        column->records = 0;
        if (column->definition_max > 0) {
                column->plain = true;
        } else if (column->width == 0) {
                column->plain = column->plain_for > 0;
                parquet_dictionary_clear(column->dictionary);
        }
}

/* ---- nested ---- */

static void grow_leaf(ParquetColumn *column) {
        if (column->entries == column->entry_room) {
                column->entry_room = column->entry_room ? column->entry_room * 2 : 4096;
                column->levels = must_alloc(realloc(column->levels, (size_t)column->entry_room * 2));
        }
        if (column->row < column->row_max)
                return;
        column->row_max *= 2;
        size_t needed = (size_t)column->row_max * column->width + SLACK;
        if (needed > column->capacity) {
                column->values = must_alloc(realloc(column->values, needed));
                column->capacity = needed;
        }
}

void parquet_leaf_entry(ParquetColumn *column, unsigned definition, unsigned repetition) {
        assert(definition <= column->definition_max && repetition <= column->repetition_max);
        grow_leaf(column);
        column->levels[2 * (size_t)column->entries] = (uint8_t)definition;
        column->levels[2 * (size_t)column->entries + 1] = (uint8_t)repetition;
        column->entries++;
        column->records += repetition == 0;
        column->writer->bytes += 2u + column->width;
        if (column->writer->bytes > column->writer->bytes_due)
                column->writer->rows_due = 0;
}

/* ---- text ---- */

static void plain_reserve(ParquetColumn *column, size_t size) {
        size_t needed = column->size + sizeof(uint32_t) + size + SLACK;
        if (needed <= column->capacity)
                return;
        column->capacity = needed + needed / 2 > TEXT_MIN ? needed + needed / 2 : TEXT_MIN;
        column->values = must_alloc(realloc(column->values, column->capacity));
}

static inline void plain_append(ParquetColumn *column, const char *data, size_t size) {
        uint32_t length = (uint32_t)size;
        plain_reserve(column, size);
        uint8_t *at = column->values + column->size;
        memcpy(at, &length, sizeof(length));
        if (size > 0)
                memcpy(at + sizeof(length), data, size);
        column->last = column->size;
        column->size += sizeof(length) + size;
}

static void count_plain(ParquetWriter *writer, size_t size) {
        writer->bytes += size;
        if (writer->bytes > writer->bytes_due)
                writer->rows_due = 0;
}

/* The dictionary does not pay: writes out its values, which are not too many bytes, or the row group had ended. */
static void give_up_dictionary(ParquetColumn *column) {
        column->plain_for = PLAIN_AFTER_FAILURE + 1; /* this row group counts as the first */
        for (uint32_t i = 0; i < column->count; i++) {
                Str text = parquet_dictionary_text(column->dictionary, column->dictionary->ids[i]);
                plain_append(column, text.data, text.size);
        }
        column->plain = true;
        count_plain(column->writer, column->bytes);
}

void parquet_column_bytes(ParquetColumn *column, const char *data, size_t size) {
        assert(column->row < column->row_max && column->width == 0 && size <= PARQUET_VALUE_MAX);
        uint32_t index = column->count++;
        column->row++;
        column->bytes += sizeof(uint32_t) + size;
        if (column->plain) {
                plain_append(column, data, size);
                count_plain(column->writer, sizeof(uint32_t) + size);
                return;
        }
        parquet_dictionary_add(column->dictionary, index, data, size);
        if (column->dictionary->newest_at == index && parquet_dictionary_is_futile(column->dictionary, column->count))
                give_up_dictionary(column);
        else if (column->bytes > column->writer->bytes_due)
                column->writer->rows_due = 0;
}

static void take_back_text(ParquetColumn *column) {
        size_t size = column->size - column->last;
        if (column->plain) {
                column->size = column->last;
                column->writer->bytes -= size;
        } else {
                uint32_t id = column->dictionary->ids[column->count];
                size = sizeof(uint32_t) + parquet_dictionary_text(column->dictionary, id).size;
                parquet_dictionary_cancel(column->dictionary, column->count);
        }
        column->bytes -= size;
}

void parquet_column_take_back(ParquetColumn *column) {
        column->row--;
        uint8_t bit = (uint8_t)(1u << (column->row & 7));
        if (column->null_bits[column->row >> 3] & bit) {
                column->null_bits[column->row >> 3] &= (uint8_t)~bit;
                return;
        }
        column->count--;
        if (column->width == 0)
                take_back_text(column);
}
