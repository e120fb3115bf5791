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
/* What is done with an answer: begun with the result, whose columns are known then, and given its chunks in order. False ends
 * it, and *failure says why. */
typedef struct ChunkSink {
        bool (*begin)(void *context, duckdb_result *result, Arena *arena, Failure *failure);
        bool (*take)(void *context, duckdb_data_chunk chunk, Arena *arena, Failure *failure);
        void *context;
} ChunkSink;

/* Runs engine->prepared to its end, as long as *interrupted is not this statement's number. */
bool rows_each_chunk(Engine *engine, uint64_t statement, const atomic_ullong *interrupted, const ChunkSink *sink, Arena *arena, Failure *failure);
/* The same, sent. */
bool rows_send(Engine *engine, const ExecuteSpec *spec, RowsSink *sink, Arena *arena, Failure *failure);
