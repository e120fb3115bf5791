/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Rows: runs a prepared statement and sends its answer as PostgreSQL messages, as the request wants them
 * (engine/rows.h), in frames on the rows socket. Streams: what is held is one chunk of the engine's and one frame; a slow reader stops the engine.
 * The runner thread's.
 */
#include <stdatomic.h>

#include "engine/rows.h"
#include "worker/engine.h"

typedef struct RowsSink {
        int socket;
        uint64_t statement;
        const atomic_ullong *interrupted; /* the statement that is to stop */
        uint64_t rows, frames;            /* sent so far */
} RowsSink;

/* Whether every column can be sent. */
bool rows_can_send(duckdb_prepared_statement prepared, Arena *arena, Failure *failure);
/* Runs engine->prepared to its end. */
bool rows_send(Engine *engine, const ExecuteSpec *spec, RowsSink *sink, Arena *arena, Failure *failure);
