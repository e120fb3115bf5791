/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Cell: one value of a result vector as text, as PostgreSQL prints it (DateStyle ISO, IntervalStyle postgres, bytea
 * hex). Nested values are JSON. A Column is a vector with what its printer needs, worked out once per chunk.
 */
#include <duckdb.h>

#include "base/buf.h"
#include "frame/zone.h"

typedef struct Column Column;
typedef enum ColumnShape { COLUMN_FLAT, COLUMN_LIST, COLUMN_ARRAY, COLUMN_STRUCT, COLUMN_MAP } ColumnShape;
typedef void (*CellPrinter)(Buf *out, const Column *column, idx_t row);

struct Column {
        const void *data;
        uint64_t *validity; /* NULL: no NULLs */
        CellPrinter print;
        ColumnShape shape;
        bool quoted;      /* inside JSON the text is a JSON string */
        uint32_t element; /* arrays for a client: OID of the elements */
        int scale;        /* decimals: digits after the point; timestamps: units per second as a power of ten */
        int width;        /* decimals: bytes stored; enums: bytes of the index; arrays: elements */
        const Str *names; /* enums: the dictionary; structs: the fields' */
        Column *children; /* list, array: one; map: key and value; struct: the fields */
        size_t child_count;
};

/* The zone in which timestamps with a zone are printed from now on; NULL: UTC. It must outlive its use. Only the thread that
 * runs statements may call it: there is one at a time. */
void cell_use_zone(const Zone *zone);
/* Whether a value of this type can be printed. */
bool cell_can_print(duckdb_logical_type type);
/* The column's fixed part (printer, scale, names), in the arena; the type must be printable. */
void column_of_type(duckdb_logical_type type, Arena *arena, Column *out);
/* How a PostgreSQL client wants it: format 0 text, 1 binary (engine/client_type.h). After column_of_type(). */
void column_for_client(Column *column, duckdb_logical_type type, uint16_t format, Arena *arena);
/* Points it at a chunk's vector. */
void column_bind(Column *column, duckdb_vector vector);

/* Texts and bytes as the engine holds them; valid while the chunk is. */
static inline Str cell_string(const Column *column, idx_t row) {
        duckdb_string_t *text = (duckdb_string_t *)(uintptr_t)column->data + row;
        return (Str){ duckdb_string_t_data(text), duckdb_string_t_length(*text) };
}

static inline bool cell_is_null(const Column *column, idx_t row) {
        return column->validity && !(column->validity[row >> 6] >> (row & 63) & 1);
}
