/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The peer of `lode query`: the engine's library alone, in a process of its own. Opens an instance in memory, runs
 * one statement with so many threads, prints its first value. usage: bare THREADS SQL
 */
#include <duckdb.h>
#include <stdio.h>
#include <stdlib.h>

static int fail(const char *what) {
        fprintf(stderr, "bare: %s\n", what);
        return 1;
}

int main(int argc, char **argv) {
        if (argc != 3)
                return fail("usage: bare THREADS SQL");

        duckdb_config config;
        duckdb_database database;
        duckdb_connection connection;
        if (duckdb_create_config(&config) != DuckDBSuccess || duckdb_set_config(config, "threads", argv[1]) != DuckDBSuccess)
                return fail("cannot set threads");
        if (duckdb_open_ext(NULL, &database, config, NULL) != DuckDBSuccess ||
            duckdb_connect(database, &connection) != DuckDBSuccess)
                return fail("cannot open");

        duckdb_result result;
        if (duckdb_query(connection, argv[2], &result) != DuckDBSuccess)
                return fail(duckdb_result_error(&result));
        char *text = duckdb_value_varchar(&result, 0, 0);
        printf("%s\n", text ? text : "NULL");

        duckdb_free(text);
        duckdb_destroy_result(&result);
        duckdb_disconnect(&connection);
        duckdb_close(&database);
        duckdb_destroy_config(&config);
        return 0;
}
