/* SPDX-License-Identifier: Apache-2.0 */
#include "frame/batch.h"

#include <assert.h>

#include "frame/escapes.h"
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

bool field_is_null(const Format *format, Str field) {
        return format->escapes ? str_is(field, ESCAPES_NULL) : field.size == 0;
}

Rule field_text(const Format *format, Str field, Arena *arena, Str *out) {
        if (!format->escapes || field_is_null(format, field)) {
                *out = field_unquote(format, field, arena);
                return RULE_NONE;
        }
        Str inner = field_is_quoted(format, field) ? str_slice(field, 1, field.size - 1) : field;
        return escapes_read(format, inner, arena, out);
}

Str field_unquote(const Format *format, Str field, Arena *arena) {
        if (format->escapes && !field_is_null(format, field)) {
                Str text;
                (void)field_text(format, field, arena, &text);
                return text;
        }
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
