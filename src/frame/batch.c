/* SPDX-License-Identifier: Apache-2.0 */
#include "frame/batch.h"

#include <assert.h>

#include "frame/scan.h"

RecordOrigin record_origin(RecordBatch *batch, size_t row) {
        if (batch->origins)
                return batch->origins[row];
        size_t start = batch->starts[row];
        assert(start >= batch->line_at);
        batch->line += (int64_t)scan_count_lines(batch->text, batch->line_at, start);
        batch->offset += encoding_raw_size(batch->sizes, (Str){ batch->text + batch->line_at, start - batch->line_at });
        batch->line_at = start;
        Str raw = record_text(batch, row);
        return (RecordOrigin){ .offset = batch->offset,
                               .length = encoding_raw_size(batch->sizes, raw),
                               .line = batch->line,
                               .raw = raw };
}

bool field_is_quoted(const Format *format, Str field) {
        return format->quote && field.size >= 2 && field.data[0] == format->quote;
}

Str field_unquote(const Format *format, Str field, Arena *arena) {
        if (!field_is_quoted(format, field))
                return field;
        Str inner = str_slice(field, 1, field.size - 1);
        char escape = format->escape ? format->escape : format->quote;
        if (!memchr(inner.data, escape, inner.size))
                return inner;
        char *text = arena_alloc_raw(arena, inner.size + 1);
        size_t size = 0;
        for (size_t i = 0; i < inner.size; i++) {
                if (inner.data[i] == escape && i + 1 < inner.size)
                        i++;
                text[size++] = inner.data[i];
        }
        text[size] = 0;
        return (Str){ text, size };
}
