/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/sleep.h"

#include <time.h>

#define NANOS_OF_SECOND 1000000000LL
#define STEP_NANOS 5000000LL /* between looks at whether it is to end */
#define SECONDS_MAX 1e8

static int64_t now_nanos(void) {
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        return now.tv_sec * NANOS_OF_SECOND + now.tv_nsec;
}

static bool is_interrupted(const Engine *engine) {
        return engine->interrupted && atomic_load(engine->interrupted) == engine->statement;
}

static bool sleep_for(const Engine *engine, double seconds) {
        if (!(seconds > 0))
                return true;
        int64_t end = now_nanos() + (int64_t)((seconds < SECONDS_MAX ? seconds : SECONDS_MAX) * (double)NANOS_OF_SECOND);
        for (int64_t left; (left = end - now_nanos()) > 0;) {
                if (is_interrupted(engine))
                        return false;
                struct timespec step = { .tv_nsec = left < STEP_NANOS ? left : STEP_NANOS };
                nanosleep(&step, NULL);
        }
        return true;
}

/* What it gives is void to PostgreSQL, which reads as an empty text. */
static void pg_sleep(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output) {
        const Engine *engine = duckdb_scalar_function_get_extra_info(info);
        duckdb_vector column = duckdb_data_chunk_get_vector(input, 0);
        const double *seconds = duckdb_vector_get_data(column);
        idx_t count = duckdb_data_chunk_get_size(input);
        for (idx_t row = 0; row < count; row++) {
                if (!sleep_for(engine, seconds[row])) {
                        duckdb_scalar_function_set_error(info, "interrupted");
                        return;
                }
                duckdb_vector_assign_string_element_len(output, row, "", 0);
        }
}

Status sleep_define(Engine *engine, Error *err) {
        CLEANUP(engine_type_deinit) duckdb_logical_type seconds = duckdb_create_logical_type(DUCKDB_TYPE_DOUBLE);
        CLEANUP(engine_type_deinit) duckdb_logical_type nothing = duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR);
        duckdb_scalar_function function = duckdb_create_scalar_function();
        duckdb_scalar_function_set_name(function, "pg_sleep");
        duckdb_scalar_function_add_parameter(function, seconds);
        duckdb_scalar_function_set_return_type(function, nothing);
        duckdb_scalar_function_set_volatile(function);
        duckdb_scalar_function_set_extra_info(function, engine, NULL);
        duckdb_scalar_function_set_function(function, pg_sleep);
        bool defined = duckdb_register_scalar_function(engine->run, function) == DuckDBSuccess;
        duckdb_destroy_scalar_function(&function);
        return defined ? STATUS_OK : error_set(err, STATUS_ENGINE, "the engine takes no function pg_sleep");
}
