/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * ParquetWriter: typed values in, a Parquet file out, with what Iceberg wants to know of it.
 *
 * The file is written from its beginning to its end through one descriptor, never seeking, and is not synced
 * here. All columns are optional, and so are the fields of structs and the elements of lists; every one carries its field
 * id and its logical type. Pages are version 1, dictionary-encoded where that pays and plain where it does not,
 * compressed by zstd level 1.
 *
 *   CLEANUP(parquet_writer_freep) ParquetWriter *writer = parquet_writer_new();
 *   TRY(parquet_writer_start(writer, fd, columns, column_count, NULL, err));
 *   for each record:
 *           parquet_column_int64(parquet_column(writer, 0), 42);   each column exactly once, in any order,
 *           parquet_column_null(parquet_column(writer, 1));        or parquet_row_cancel() half way
 *           TRY(parquet_row_end(writer, err));
 *   TRY(parquet_writer_finish(writer, arena, &statistics, err));
 *
 * Or column by column: up to parquet_rows_room() values to each, then parquet_rows_end() with their number. A batch
 * should be some thousand rows at most: a row group can only end between two.
 *
 * A column of a nested type is several ParquetColumns, one for each leaf in order: parquet_column() gives the first, the
 * others follow it. Each row gives each leaf its entries, one or more, with parquet_leaf_entry(); the levels are the
 * caller's to get right (worker/nested.h does). Nested leaves are plain, and cannot be taken back.
 *
 * One thread calls. With threads > 1 the writer has helpers of its own, which encode a finished row group while the
 * caller fills the next one; the caller lends a hand when it gets ahead. Memory is two row groups then, else one.
 *
 * A writer is meant to be kept: start() after finish() or abort() reuses buffers, compressors and helpers, which
 * for small files is most of the work saved.
 */
#include <assert.h>

#include "base/type.h"
#include "base/value.h"

#define PARQUET_GROUP_ROWS 122880u /* rows of a row group, unless told otherwise */
#define PARQUET_GROUP_BYTES \
        (24u << 20)                   /* of texts after which a row group ends early, and of numbers that it may hold */
#define PARQUET_VALUE_MAX (64u << 20) /* bytes of one text or binary value; the caller has checked */
#define PARQUET_COLUMNS_MAX (4096u + 16u) /* of a source or a model, and those that Lode adds */

typedef struct ParquetColumnSpec {
        Str name;
        Type type;    /* maps are refused with SQL_TYPE; nested fields have ids too */
        int field_id; /* from 1 */
} ParquetColumnSpec;

typedef struct ParquetPair {
        Str key, value;
} ParquetPair;

/* A zeroed one is the default of everything. */
typedef struct ParquetOptions {
        const char *name;            /* of the file, for errors; borrowed until finish */
        int threads;                 /* that may work at once, the caller's included: 1 to 8; 0 = 1 */
        uint32_t group_rows;         /* a multiple of 8 up to PARQUET_GROUP_ROWS; 0 = that, fewer for wide rows */
        size_t group_bytes;          /* 0 = PARQUET_GROUP_BYTES */
        const ParquetPair *metadata; /* key-value metadata of the file; copied */
        size_t metadata_count;
        int64_t told_rows;           /* that the footer speaks of beyond those there are; see govern/outline.h */
} ParquetOptions;

typedef struct ParquetDictionary ParquetDictionary;
typedef struct ParquetWriterState ParquetWriterState;

/* The column being filled. Visible only for the inline calls below; its address holds until the next start(). */
typedef struct ParquetColumn {
        uint8_t *values;    /* those that are not null, one after the other, as wide as they are stored in memory */
        uint8_t *null_bits; /* one bit per row, set where null */
        uint32_t row;       /* that the next value belongs to */
        uint32_t row_max;
        uint32_t count; /* of values */
        uint8_t width;  /* bytes of a value; 0 for text and binary */
        uint8_t kind;   /* TypeKind */

        /* a leaf of a nested column: row counts its values alone, and entries say where there is one */
        uint8_t definition_max, repetition_max; /* the first is 0 in a flat column */
        uint8_t *levels;                        /* definition and repetition of each entry */
        uint32_t entries, entry_room;
        uint32_t records;                       /* entries that begin a row */

        /* text and binary: ids in the dictionary, or if plain a length (u32) and bytes each in values */
        bool plain;
        uint8_t plain_for;     /* row groups to go without a dictionary, since one failed */
        size_t size, capacity; /* bytes in values */
        size_t last;           /* where the newest value begins, to take it back */
        size_t bytes;          /* what the values take if plain */
        ParquetDictionary *dictionary;
        struct ParquetWriter *writer;
} ParquetColumn;

typedef struct ParquetWriter {
        ParquetColumn *columns;   /* leaves */
        size_t column_count;
        uint32_t *firsts;         /* of each column, its first leaf */
        uint32_t rows_max;        /* of a row group */
        uint32_t rows;     /* ended rows of the row group being filled */
        uint32_t rows_due; /* the row group ends when rows reaches it */
        size_t bytes;      /* of plain texts in the row group */
        size_t bytes_due;  /* the row group ends with the row in which bytes, or those of one column, pass it */
        ParquetWriterState *state;
} ParquetWriter;

ParquetWriter *parquet_writer_new(void);
void parquet_writer_free(ParquetWriter *writer);   /* aborts what is under way; NULL is fine */
void parquet_writer_freep(ParquetWriter **writer); /* for CLEANUP */

/* fd is at position 0; the writer keeps a duplicate until finish() or abort(). Names are copied.
 * SQL_TYPE, LIMIT, BAD_VALUE (no columns, ids twice or under 1). */
Status parquet_writer_start(ParquetWriter *writer, int fd, const ParquetColumnSpec *columns, size_t column_count,
                            const ParquetOptions *options, Error *err);
/* Writes what is left and the footer. No row may be half appended. The statistics lie in the arena; columns are in
 * the order of start(), zero rows give a valid file. IO, DISK_FULL. After an error the file is worthless. */
Status parquet_writer_finish(ParquetWriter *writer, Arena *arena, FileStatistics *out, Error *err);
/* Drops everything not yet written; the file is then worthless. Fine at any time. */
void parquet_writer_abort(ParquetWriter *writer);

Status parquet_writer_flush(ParquetWriter *writer, Error *err); /* ends the row group; the row ends call it */
/* Takes back what was appended since the last row end: one value per column at most. Not with nested columns. */
void parquet_row_cancel(ParquetWriter *writer);

/* Rows that may be appended before the next row end; at least one. */
static inline size_t parquet_rows_room(const ParquetWriter *writer) {
        return writer->rows_max - writer->rows;
}

/* So many values were appended to each column. IO, DISK_FULL, perhaps from an earlier row group. */
static inline Status parquet_rows_end(ParquetWriter *writer, size_t count, Error *err) {
        writer->rows += (uint32_t)count;
        if (__builtin_expect(writer->rows < writer->rows_due, 1))
                return STATUS_OK;
        return parquet_writer_flush(writer, err);
}

static inline Status parquet_row_end(ParquetWriter *writer, Error *err) {
        return parquet_rows_end(writer, 1, err);
}

static inline ParquetColumn *parquet_column(ParquetWriter *writer, size_t index) {
        return &writer->columns[writer->firsts[index]];
}

/*
 * One entry of a nested leaf. Where definition is the leaf's definition_max, its value is appended next, by the calls below,
 * and is not null.
 */
void parquet_leaf_entry(ParquetColumn *column, unsigned definition, unsigned repetition);

static inline void parquet_column_null(ParquetColumn *column) {
        assert(column->row < column->row_max);
        column->null_bits[column->row >> 3] |= (uint8_t)(1u << (column->row & 7));
        column->row++;
}

static inline void *parquet_column_place_(ParquetColumn *column, uint8_t width) {
        assert(column->row < column->row_max && column->width == width);
        column->row++;
        return column->values + (size_t)column->count++ * width;
}

static inline void parquet_column_bool(ParquetColumn *column, bool value) {
        *(uint8_t *)parquet_column_place_(column, 1) = value;
}

/* INT, DATE (days), DECIMAL up to 9 digits (unscaled) */
static inline void parquet_column_int32(ParquetColumn *column, int32_t value) {
        memcpy(parquet_column_place_(column, 4), &value, 4);
}

/* DECIMAL of any precision (unscaled); the value fits it */
static inline void parquet_column_int128(ParquetColumn *column, Int128 value) {
        assert(column->width >= 4);
        memcpy(parquet_column_place_(column, column->width), &value, column->width);
}

/* BIGINT, TIME, TIMESTAMP, TIMESTAMPTZ (microseconds), DECIMAL; also all that parquet_column_int32() takes, if it fits */
static inline void parquet_column_int64(ParquetColumn *column, int64_t value) {
        assert(column->width >= 4);
        if (__builtin_expect(column->width <= 8, 1))
                memcpy(parquet_column_place_(column, column->width), &value, column->width == 4 ? 4 : 8);
        else
                parquet_column_int128(column, value);
}

static inline void parquet_column_float(ParquetColumn *column, float value) {
        memcpy(parquet_column_place_(column, 4), &value, 4);
}

static inline void parquet_column_double(ParquetColumn *column, double value) {
        memcpy(parquet_column_place_(column, 8), &value, 8);
}

/* The 16 bytes in the order they are read */
static inline void parquet_column_uuid(ParquetColumn *column, const uint8_t bytes[16]) {
        memcpy(parquet_column_place_(column, 16), bytes, 16);
}

/* TEXT (valid UTF-8: the caller has checked) and BINARY; at most PARQUET_VALUE_MAX bytes, copied */
void parquet_column_bytes(ParquetColumn *column, const char *data, size_t size);
