/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Engine: the one DuckDB instance of this process, in memory and empty, with its configuration locked, and two
 * connections: one runs statements, the other parses (any call on a connection ends the stream that it has open).
 *
 * `run` belongs to the runner thread, `parse` to the reader thread; engine_interrupt() may come from any.
 * Failures are told as facts (engine/message.h); their texts live in the arena given.
 */
#include <duckdb.h>
#include <stdatomic.h>

#include "base/map.h"
#include "engine/message.h"

#define ENGINE_KEPT 16

/* A statement that was prepared on `run`, kept for when it is asked again: planning is what a small question costs most. */
typedef struct KeptStatement {
        duckdb_prepared_statement statement; /* NULL: a free place */
        char *sql;
        size_t size;
        uint64_t used; /* when, by counting */
} KeptStatement;

/* A setting that was interrupted may have been made or not. */
typedef enum EngineOrder { ENGINE_ORDER_LOOSE, ENGINE_ORDER_KEPT, ENGINE_ORDER_UNKNOWN } EngineOrder;

typedef struct Engine {
        duckdb_database database;
        duckdb_connection run, parse;
        duckdb_prepared_statement parser;   /* json_serialize_sql() of one parameter, on `parse` */
        duckdb_prepared_statement prepared; /* what engine_prepare() found or made last: one of those kept */
        KeptStatement kept[ENGINE_KEPT];
        uint64_t uses;
        EngineOrder order;                  /* whether rows keep their order */
        Arena memory;
        Map defined; /* engine types that have their flattening functions */
        uint64_t statement;               /* whose rows are being sent */
        const atomic_ullong *interrupted; /* the statement that is to stop */
} Engine;

typedef struct EngineOptions {
        const char *folder;    /* the worker's: g/, out/ and spill/ in it */
        uint64_t memory_limit; /* bytes */
        int threads;
} EngineOptions;

/* ENGINE when the library is of another version than the one that was reviewed, or does not open. */
Status engine_open(const EngineOptions *options, Engine *out, Error *err);
void engine_close(Engine *engine);
void engine_interrupt(Engine *engine);

/* Prepares sql on `run`, unless it is still prepared. Exactly one statement; false: *failure says why. */
bool engine_prepare(Engine *engine, Str sql, Arena *arena, Failure *failure);
/* Runs one statement whose answer nobody wants. */
bool engine_run(Engine *engine, duckdb_connection connection, Str sql, Arena *arena, Failure *failure);
/* Whether the failure ends the process: the engine's state is not to be trusted after it. */
bool engine_is_broken(const Failure *failure);

/* The facts in an engine error (the engine reports as JSON: errors_as_json). */
Failure engine_failure(const char *error, Arena *arena);
/* As the engine spells the type. */
Str engine_type_name(duckdb_logical_type type, Arena *arena);
/* Of a flat type without parameters; DUCKDB_TYPE_INVALID otherwise. */
duckdb_type engine_type_id(Str name);

void engine_result_deinit(duckdb_result *result);
void engine_type_deinit(duckdb_logical_type *type);
