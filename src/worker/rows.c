/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/rows.h"

#include <sched.h>
#include <time.h>

#include "worker/copy_row.h"

#define FLUSH_AT (MESSAGE_ROWS_MAX * 3 / 4)

typedef struct Encoder {
        RowsSink *sink;
        RowWriter writer;
        WriteRow write;
        Buf rows; /* whole messages, not yet sent */
} Encoder;

static void encoder_deinit(Encoder *encoder) {
        buf_deinit(&encoder->rows);
        buf_deinit(&encoder->writer.field);
}

static void pending_deinit(duckdb_pending_result *pending) {
        duckdb_destroy_pending(pending);
}

static void chunk_deinit(duckdb_data_chunk *chunk) {
        if (*chunk)
                duckdb_destroy_data_chunk(chunk);
}

bool rows_can_send(duckdb_prepared_statement prepared, Arena *arena, Failure *failure) {
        idx_t count = duckdb_prepared_statement_column_count(prepared);
        for (idx_t i = 0; i < count; i++) {
                CLEANUP(engine_type_deinit)
                duckdb_logical_type type = duckdb_prepared_statement_column_logical_type(prepared, i);
                if (cell_can_print(type))
                        continue;
                *failure = (Failure){ .kind = FAILURE_NOT_SUPPORTED,
                                      .position = -1,
                                      .detail = arena_strf(arena, "a result column of type %.*s",
                                                           STR_ARG(engine_type_name(type, arena))) };
                return false;
        }
        return true;
}

static bool flush(Encoder *encoder, Failure *failure) {
        Str left = buf_view(&encoder->rows);
        while (left.size > 0) {
                Error err = { 0 };
                Str frame = str_slice(left, 0, MESSAGE_ROWS_MAX);
                if (message_send(encoder->sink->socket, MESSAGE_ROWS, 0, encoder->sink->statement, frame, NULL, 0,
                                 &err) != STATUS_OK) {
                        *failure = (Failure){ .kind = FAILURE_OTHER, .position = -1 };
                        return false;
                }
                encoder->sink->frames++;
                left = str_slice(left, frame.size, left.size);
        }
        buf_clear(&encoder->rows);
        return true;
}

static bool row_too_long(Arena *arena, Failure *failure) {
        *failure = (Failure){ .kind = FAILURE_ROW_SIZE,
                              .position = -1,
                              .arguments = { arena_strf(arena, "%u", MESSAGE_ROW_MAX) } };
        return false;
}

static bool send_chunk(void *context, duckdb_data_chunk chunk, Arena *arena, Failure *failure) {
        Encoder *encoder = context;
        for (size_t i = 0; i < encoder->writer.column_count; i++)
                column_bind(&encoder->writer.columns[i], duckdb_data_chunk_get_vector(chunk, i));
        idx_t count = duckdb_data_chunk_get_size(chunk);
        for (idx_t row = 0; row < count; row++) {
                size_t before = encoder->rows.size;
                encoder->write(&encoder->writer, &encoder->rows, row);
                if (encoder->rows.failed || encoder->writer.field.failed || encoder->rows.size - before > MESSAGE_ROW_MAX)
                        return row_too_long(arena, failure);
                if (encoder->rows.size >= FLUSH_AT && !flush(encoder, failure))
                        return false;
        }
        encoder->sink->rows += count;
        return true;
}

static bool is_interrupted(const Engine *engine) {
        return atomic_load(engine->interrupted) == engine->statement;
}

static bool interrupted(Failure *failure) {
        *failure = (Failure){ .kind = FAILURE_INTERRUPTED, .position = -1 };
        return false;
}

static bool take_all(const Engine *engine, duckdb_result *result, const ChunkSink *sink, Arena *arena, Failure *failure) {
        for (;;) {
                if (is_interrupted(engine))
                        return interrupted(failure);
                CLEANUP(chunk_deinit) duckdb_data_chunk chunk = duckdb_fetch_chunk(*result);
                if (!chunk) {
                        const char *error = duckdb_result_error(result);
                        if (error && *error) {
                                *failure = engine_failure(error, arena);
                                return false;
                        }
                        return true;
                }
                if (!sink->take(sink->context, chunk, arena, failure))
                        return false;
        }
}

/* Other threads have the tasks there are. Asking again at once would take the processor from them; a sleep is a tenth of a millisecond. */
static void wait_for_tasks(int *times) {
        if ((*times)++ < 8)
                sched_yield();
        else
                nanosleep(&(struct timespec){ .tv_nsec = 50000 }, NULL);
}

/* The only use of the streaming call, which API v1 marks deprecated without another in its place. */
static bool begin(Engine *engine, duckdb_pending_result *pending, duckdb_result *result, Arena *arena,
                  Failure *failure) {
        if (duckdb_pending_prepared_streaming(engine->prepared, pending) != DuckDBSuccess) {
                *failure = engine_failure(duckdb_pending_error(*pending), arena);
                return false;
        }
        duckdb_pending_state state;
        int idle = 0;
        do {
                if (is_interrupted(engine))
                        return interrupted(failure);
                state = duckdb_pending_execute_task(*pending);
                if (state == DUCKDB_PENDING_NO_TASKS_AVAILABLE)
                        wait_for_tasks(&idle);
                else
                        idle = 0;
        } while (!duckdb_pending_execution_is_finished(state) && state != DUCKDB_PENDING_ERROR);
        if (state == DUCKDB_PENDING_ERROR) {
                *failure = engine_failure(duckdb_pending_error(*pending), arena);
                return false;
        }
        if (duckdb_execute_pending(*pending, result) != DuckDBSuccess) {
                *failure = engine_failure(duckdb_result_error(result), arena);
                return false;
        }
        return true;
}

/* Which column is written how. Arrays for a client are PostgreSQL's, for our own programs JSON. */
static bool encoder_columns(void *context, duckdb_result *result, Arena *arena, Failure *failure UNUSED) {
        Encoder *encoder = context;
        const ExecuteSpec *spec = encoder->writer.spec;
        size_t count = duckdb_column_count(result);
        Column *columns = ARENA_ARRAY(arena, Column, count);
        for (size_t i = 0; i < count; i++) {
                CLEANUP(engine_type_deinit) duckdb_logical_type type = duckdb_column_logical_type(result, i);
                column_of_type(type, arena, &columns[i]);
                bool binary = (spec->answer == ROWS_FORMATS || spec->answer == ROWS_COPY_BINARY) && row_format(spec, i) == 1;
                if (spec->answer != ROWS_PLAIN)
                        column_for_client(&columns[i], type, binary, arena);
        }
        encoder->writer.columns = columns;
        encoder->writer.column_count = count;
        return true;
}

bool rows_each_chunk(Engine *engine, uint64_t statement, const atomic_ullong *interrupted, const ChunkSink *sink, Arena *arena, Failure *failure) {
        CLEANUP(pending_deinit) duckdb_pending_result pending = NULL;
        CLEANUP(engine_result_deinit) duckdb_result result = { 0 };
        engine->statement = statement;
        engine->interrupted = interrupted;
        return begin(engine, &pending, &result, arena, failure) && sink->begin(sink->context, &result, arena, failure) &&
               take_all(engine, &result, sink, arena, failure);
}

bool rows_send(Engine *engine, const ExecuteSpec *spec, RowsSink *sink, Arena *arena, Failure *failure) {
        CLEANUP(encoder_deinit)
        Encoder encoder = { .sink = sink,
                            .writer = { .spec = spec, .field = { .limit = MESSAGE_ROW_MAX } },
                            .write = row_writer(spec->answer),
                            .rows = { .limit = MESSAGE_ROW_MAX + MESSAGE_ROWS_MAX } };
        ChunkSink chunks = { encoder_columns, send_chunk, &encoder };
        return rows_each_chunk(engine, sink->statement, sink->interrupted, &chunks, arena, failure) && flush(&encoder, failure);
}
