/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Rows: an answer as it streams out of a worker, printed as text, JSON or CSV. Memory stays flat for JSON and CSV; text
 * looks at the first ROWS_LOOKED_AT rows to align its columns, and goes on with their widths.
 */
#include "cli/output.h"
#include "engine/worker.h"

#define ROWS_LOOKED_AT 2000

typedef struct RowPrinter RowPrinter;

/* Lives in the arena, but for its buffer, which row_printer_freep releases. The columns and the output must outlive it. */
RowPrinter *row_printer_new(Arena *arena, const WorkerColumns *columns, const Output *output);
void row_printer_freep(RowPrinter **printer);
/* A WorkerRowSink; the context is the printer. */
Status row_printer_sink(void *printer, Str data_row, Error *err);
/* What is left, and the end of the document. IO when stdout is gone. */
Status row_printer_finish(RowPrinter *printer, Error *err);
