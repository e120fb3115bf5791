/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/data_row.h"

static uint32_t big_endian(Str bytes) {
        uint32_t value = 0;
        for (size_t i = 0; i < bytes.size; i++)
                value = value << 8 | (uint8_t)bytes.data[i];
        return value;
}

bool data_row_open(Str message, DataRow *out) {
        Cursor cursor = cursor_of(message);
        Str kind = cursor_bytes(&cursor, 1);
        uint32_t length = big_endian(cursor_bytes(&cursor, 4));
        uint32_t columns = big_endian(cursor_bytes(&cursor, 2));
        if (cursor.failed || kind.data[0] != 'D' || length != message.size - 1 || columns > cursor_left(&cursor) / 4)
                return false;
        *out = (DataRow){ .cursor = cursor, .column_count = columns };
        for (DataRow walk = *out; walk.at < columns;) {
                Str value;
                bool null;
                if (!data_row_next(&walk, &value, &null))
                        return false;
                if (walk.at == columns && cursor_left(&walk.cursor) != 0)
                        return false;
        }
        return columns > 0 || cursor_left(&cursor) == 0;
}

bool data_row_next(DataRow *row, Str *out_value, bool *out_null) {
        if (row->at == row->column_count)
                return false;
        uint32_t size = big_endian(cursor_bytes(&row->cursor, 4));
        if (row->cursor.failed)
                return false;
        bool null = size == UINT32_MAX;
        Str value = null ? STR_NONE : cursor_bytes(&row->cursor, size);
        if (row->cursor.failed)
                return false;
        row->at++;
        *out_value = value;
        *out_null = null;
        return true;
}
