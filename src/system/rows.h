/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * RowFile: the rows of one system relation on their way into a Parquet file, in the order of the relation's columns.
 *
 *   TRY(row_file_start(&file, fd, columns, count, err));
 *   TRY(row_add(&file, (Cell[]){ NUMBER(oid), TEXT(name), NOTHING }, 3, err));
 *   TRY(row_file_finish(&file, err));
 *
 * One thread; the descriptor stays the caller's.
 */
#include "parquet/writer.h"
#include "system/pg15.h"

typedef struct SystemColumn {
        Str name, type; /* PostgreSQL's: "oid", "_text" */
        bool not_null;
} SystemColumn;

/* The columns of "oid oid!,relname name!". */
SystemColumn *system_columns(Arena *arena, const char *text, size_t *out_count);
Type system_stored_type(const SystemColumn *column);

typedef struct RowFile {
        ParquetWriter *writer;
        const SystemColumn *columns;
        size_t column_count;
        int64_t rows;
        const bool *carried; /* by column; others are written as NULL. NULL: all. Set after row_file_start() */
        Arena arena;
} RowFile;

typedef enum CellKind { CELL_NOTHING, CELL_NUMBER, CELL_REAL, CELL_BOOL, CELL_TEXT } CellKind;

typedef struct Cell {
        CellKind kind;
        int64_t number; /* also time: microseconds */
        double real;
        Str text; /* data NULL: NULL */
} Cell;

#define NOTHING ((Cell){ 0 })
#define NUMBER(value) ((Cell){ .kind = CELL_NUMBER, .number = (int64_t)(value) })
#define REAL(value) ((Cell){ .kind = CELL_REAL, .real = (value) })
#define BOOL(value) ((Cell){ .kind = CELL_BOOL, .number = (value) })
#define TEXT(value) ((Cell){ .kind = CELL_TEXT, .text = (value) })
#define WORD(literal) TEXT(STR(literal))

void row_file_free(RowFile *file); /* for CLEANUP */
Status row_file_start(RowFile *file, int fd, const SystemColumn *columns, size_t column_count, Error *err);
/* INTERNAL when the cells are not what the columns want: our mistake. */
Status row_add(RowFile *file, const Cell *cells, size_t count, Error *err);
/* Fields between tabs, as pg15.h has them. */
Status row_add_text(RowFile *file, const char *row, Error *err);
Status row_file_finish(RowFile *file, Error *err);

#define ROW(file, err, ...) row_add(file, (Cell[]){ __VA_ARGS__ }, sizeof((Cell[]){ __VA_ARGS__ }) / sizeof(Cell), err)
