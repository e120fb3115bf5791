/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * ParquetFooter: what a Parquet file says about itself: schema, row groups, statistics. Of any writer.
 *
 * Reading is bounded and trusts nothing: every length, count, depth and offset is compared with what is there and
 * with the limits below before it is used. Nothing of the data itself is read. All results lie in the arena given;
 * texts may point into the bytes given. No state: any thread.
 *
 * Errors: CORRUPT (not Parquet, cut, or contradicting itself), LIMIT, IO; SQL_TYPE where a column's type has no
 * counterpart in base/type.h.
 */
#include "base/type.h"
#include "base/value.h"

#define PARQUET_FOOTER_SIZE_MAX (64u << 20)
#define PARQUET_FOOTER_NODES_MAX 65536u /* columns and groups of columns */
#define PARQUET_FOOTER_DEPTH_MAX 32

/* As the format numbers them */
typedef enum ParquetPhysical {
        PARQUET_BOOLEAN = 0,
        PARQUET_INT32 = 1,
        PARQUET_INT64 = 2,
        PARQUET_INT96 = 3,
        PARQUET_FLOAT = 4,
        PARQUET_DOUBLE = 5,
        PARQUET_BYTE_ARRAY = 6,
        PARQUET_FIXED = 7,
} ParquetPhysical;

typedef enum ParquetRepetition { PARQUET_REQUIRED = 0, PARQUET_OPTIONAL = 1, PARQUET_REPEATED = 2 } ParquetRepetition;

/* What the annotation of a node means; LogicalType, or ConvertedType where that is all there is. */
typedef enum ParquetLogical {
        PARQUET_LOGICAL_NONE,
        PARQUET_LOGICAL_STRING,
        PARQUET_LOGICAL_MAP,
        PARQUET_LOGICAL_LIST,
        PARQUET_LOGICAL_ENUM,
        PARQUET_LOGICAL_DECIMAL,
        PARQUET_LOGICAL_DATE,
        PARQUET_LOGICAL_TIME,
        PARQUET_LOGICAL_TIMESTAMP,
        PARQUET_LOGICAL_INTEGER,
        PARQUET_LOGICAL_JSON,
        PARQUET_LOGICAL_BSON,
        PARQUET_LOGICAL_UUID,
        PARQUET_LOGICAL_FLOAT16,
        PARQUET_LOGICAL_INTERVAL, /* months, days, milliseconds */
        PARQUET_LOGICAL_NULL,     /* no value at all */
        PARQUET_LOGICAL_OTHER, /* known to somebody, not to us */
} ParquetLogical;

typedef enum ParquetUnit { PARQUET_MILLIS, PARQUET_MICROS, PARQUET_NANOS } ParquetUnit;

typedef struct ParquetNode ParquetNode;
struct ParquetNode {
        Str name;
        const ParquetNode *parent; /* NULL for the root */
        ParquetNode **children;    /* of a group */
        size_t child_count;
        bool is_leaf;
        size_t leaf; /* which column chunk of each row group is its */
        ParquetPhysical physical;
        ParquetRepetition repetition;
        ParquetLogical logical;
        int type_length;      /* of PARQUET_FIXED */
        int precision, scale; /* of decimals */
        ParquetUnit unit;     /* of times */
        bool adjusted_to_utc; /* of times */
        int bit_width;        /* of integers */
        bool is_signed;       /* of integers */
        int64_t duration;     /* of integers: a duration of Arrow's, so many in a second; 0 = it is none */
        int field_id;         /* 0 = none */
        bool repeated;        /* it or an ancestor repeats: below a list or a map */
};

typedef struct ParquetChunk {
        int64_t values;                   /* nulls included */
        int64_t nulls;                    /* -1 = not said */
        int64_t compressed, uncompressed; /* bytes */
        int64_t offset;                   /* of its first page, dictionary included */
        bool encrypted;
        int codec;                        /* as the format numbers them: 0 none, 1 snappy, 2 gzip, 6 zstd, 7 lz4_raw */
        bool has_min, has_max;            /* min_value and max_value; the ill-defined old min and max are not read */
        Str min, max;                     /* as the format stores them plain */
} ParquetChunk;

typedef struct ParquetGroup {
        int64_t rows;
        int64_t offset;       /* of its first page */
        ParquetChunk *chunks; /* one per leaf */
} ParquetGroup;

typedef struct ParquetFooter {
        int64_t rows;
        int64_t file_size;
        ParquetNode *root;
        ParquetNode **leaves; /* in order */
        size_t leaf_count;
        ParquetGroup *groups;
        size_t group_count;
        Str created_by;
} ParquetFooter;

/* Bytes of a file at any place; *out_got == 0: there are none. */
typedef struct ParquetBytes {
        Status (*read_at)(void *context, uint64_t offset, void *into, size_t size, size_t *out_got, Error *err);
        void *context;
        uint64_t size;
} ParquetBytes;

Status parquet_footer_read_from(ParquetBytes bytes, const char *name, Arena *arena, ParquetFooter *out, Error *err);
/* Reads with pread only; the file's position stays. name is for errors. */
Status parquet_footer_read(int fd, const char *name, Arena *arena, ParquetFooter *out, Error *err);
/* bytes: the footer alone, without its length and the magic. */
Status parquet_footer_parse(Str bytes, int64_t file_size, const char *name, Arena *arena, ParquetFooter *out,
                            Error *err);

/* The columns as types of ours, with field ids where the file has them. */
Status parquet_footer_fields(const ParquetFooter *footer, Arena *arena, TypeField **out, size_t *out_count, Error *err);

/*
 * What Iceberg wants to know of the file: one entry per leaf that has a field id, in order. A bound is left out if
 * any row group does not give it, for leaves below lists and maps, for NaN, and for types that no table of ours
 * holds. NaNs are unknown, except that columns which cannot hold one have none. Nulls are -1 where unknown.
 */
Status parquet_footer_statistics(const ParquetFooter *footer, Arena *arena, FileStatistics *out, Error *err);
/* parquet_footer_read() and parquet_footer_statistics(). */
Status parquet_file_statistics(int fd, const char *name, Arena *arena, FileStatistics *out, Error *err);
