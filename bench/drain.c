/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The peer of questions through the wire: the engine's library, the same file that lode-worker links, in a process that lives
 * on, set as the worker sets it. Reads statements, each its size on a line and its bytes; runs it, streams its rows and throws
 * them away; answers "SECONDS ROWS" on a line. The first that fails ends it. usage: drain THREADS MEMORY
 */
#include <duckdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static void fail(const char *what) {
        fprintf(stderr, "drain: %s\n", what ? what : "no words for it");
        exit(1);
}

static double now(void) {
        struct timespec time;
        clock_gettime(CLOCK_MONOTONIC, &time);
        return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* The engine keeps the order of rows, as it does unless told otherwise: else an ORDER BY does not hold (worker/engine.c). */
static duckdb_connection open_engine(const char *threads, const char *memory) {
        const char *const settings[][2] = { { "threads", threads }, { "memory_limit", memory } };
        duckdb_config config;
        duckdb_database database;
        duckdb_connection connection;
        duckdb_create_config(&config);
        for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
                if (duckdb_set_config(config, settings[i][0], settings[i][1]) != DuckDBSuccess)
                        fail(settings[i][0]);
        if (duckdb_open_ext(NULL, &database, config, NULL) != DuckDBSuccess || duckdb_connect(database, &connection) != DuckDBSuccess)
                fail("cannot open");
        return connection;
}

static duckdb_result run(duckdb_prepared_statement prepared) {
        duckdb_pending_result pending;
        duckdb_result result;
        if (duckdb_pending_prepared_streaming(prepared, &pending) != DuckDBSuccess)
                fail(duckdb_pending_error(pending));
        if (duckdb_execute_pending(pending, &result) != DuckDBSuccess)
                fail(duckdb_result_error(&result));
        duckdb_destroy_pending(&pending);
        return result;
}

static unsigned long long drain(duckdb_connection connection, const char *sql) {
        duckdb_prepared_statement prepared;
        unsigned long long rows = 0;
        if (duckdb_prepare(connection, sql, &prepared) != DuckDBSuccess)
                fail(duckdb_prepare_error(prepared));
        duckdb_result result = run(prepared);
        for (duckdb_data_chunk chunk; (chunk = duckdb_fetch_chunk(result)) != NULL; duckdb_destroy_data_chunk(&chunk))
                rows += duckdb_data_chunk_get_size(chunk);
        if (duckdb_result_error(&result))
                fail(duckdb_result_error(&result));
        duckdb_destroy_result(&result);
        duckdb_destroy_prepare(&prepared);
        return rows;
}

int main(int argc, char **argv) {
        size_t size;
        if (argc != 3)
                fail("usage: drain THREADS MEMORY");
        duckdb_connection connection = open_engine(argv[1], argv[2]);
        while (scanf("%zu", &size) == 1) {
                char *sql = calloc(1, size + 1);
                if (!sql || getchar() != '\n' || fread(sql, 1, size, stdin) != size)
                        fail("half a statement");
                double began = now();
                unsigned long long rows = drain(connection, sql);
                printf("%.6f %llu\n", now() - began, rows);
                fflush(stdout);
                free(sql);
        }
        return 0;
}
