/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * ParquetEncoder: turns the filled column of a row group into the bytes of its column chunk: pages with their
 * headers, and what the footer says of them. Internal to this room.
 *
 * One encoder per thread; it owns scratch memory and a compressor and keeps them between chunks. The column is
 * only read. A ParquetChunkMemory is what one column remembers from its earlier row groups; one chunk of a column
 * is encoded at a time.
 */
#include "base/buf.h"
#include "parquet/bounds.h"
#include "parquet/format.h"

#define PARQUET_PAGE_BYTES (1u << 20)

typedef struct ParquetEncoder ParquetEncoder;

typedef struct ParquetChunkMemory {
        uint8_t plain_for; /* row groups to go without trying a dictionary */
        uint8_t raw_for;   /* row groups to go without trying to compress */
        bool in_doubt;     /* compression did little last time: try on a sample first */
} ParquetChunkMemory;

typedef struct ParquetEncoded {
        Buf pages;
        int64_t rows;         /* that the chunk belongs to */
        int64_t values;       /* entries: as many as rows, or in a nested column more */
        int64_t nulls, nans;  /* of the entries */
        int64_t uncompressed;   /* bytes, headers included */
        size_t dictionary_size; /* bytes of the dictionary page; 0 = there is none */
        int dictionary_encoding;
        int data_pages[PARQUET_ENCODING_COUNT]; /* by the encoding of their values */
        int codec;
        ParquetBounds bounds;
} ParquetEncoded;

ParquetEncoder *parquet_encoder_new(void);
void parquet_encoder_free(ParquetEncoder *encoder);
/* fixed_length: bytes of a value where the column is stored as FIXED_LEN_BYTE_ARRAY, else 0. */
void parquet_encode(ParquetEncoder *encoder, const ParquetColumn *column, int fixed_length, ParquetChunkMemory *memory,
                    ParquetEncoded *out);
void parquet_encoded_deinit(ParquetEncoded *encoded);
