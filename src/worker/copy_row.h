/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Rows as messages to a client: a DataRow, or a CopyData that holds one row as COPY ... TO STDOUT writes it. Each call
 * appends one whole message.
 */
#include "engine/rows.h"
#include "worker/cell.h"

typedef struct RowWriter {
        const ExecuteSpec *spec;
        Column *columns;
        size_t column_count;
        Buf field; /* one value before it is escaped */
} RowWriter;

typedef void (*WriteRow)(RowWriter *writer, Buf *out, idx_t row);
WriteRow row_writer(RowsAnswer answer);
/* The format that the spec gives a column: 0 text, 1 binary. */
uint16_t row_format(const ExecuteSpec *spec, size_t column);
