/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * ParquetPages: the pages of one column chunk, one after the other, unpacked. A page lives until it is released, so that
 * values may point into it. All sizes are compared with limits and with what is there before memory is had; a page's
 * checksum is compared where it has one. One thread. Internal to this room.
 *
 * Codecs: none, snappy, gzip, zstd, lz4_raw, and lz4 as Hadoop frames it. Spec: parquet-format, parquet.thrift and
 * Compression.md.
 */
#include "parquet/footer.h"
#include "parquet/format.h"

#define PARQUET_PAGE_SIZE_MAX (256u << 20)
#define PARQUET_PAGE_VALUES_MAX (1u << 26)

typedef struct ParquetPage {
        Arena arena; /* of the page's bytes and of what is made of them */
        struct ParquetPage *next;
        bool is_dictionary;
        uint32_t values; /* nulls included */
        int encoding;
        Str repetitions, definitions; /* levels, as runs; of version 2, else empty */
        Str body;        /* values */
        bool has_levels; /* version 1: levels stand first in the body */
        int definition_encoding, repetition_encoding; /* of those */
} ParquetPage;

/* A page as its header says it. */
typedef struct ParquetPageSeen {
        int64_t body;             /* where it begins in the file, behind its header */
        int64_t packed, unpacked; /* bytes of it */
        int64_t values;
        int type, encoding, definition_encoding, repetition_encoding;
        bool has_crc;
        uint32_t crc;
} ParquetPageSeen;

/* What was met of a chunk so far. */
typedef struct ParquetChunkSeen {
        int64_t packed, unpacked; /* bytes, headers of pages included */
        int64_t dictionary;       /* packed bytes of a page with the dictionary, the first one; 0 = there is none */
        int dictionary_encoding;
        int64_t values;           /* nulls included */
        int data_pages[PARQUET_ENCODING_COUNT]; /* by the encoding of their values */
        /* Something that another reader may refuse or read otherwise: pages of version 2, of levels in the old encoding, of an
         * index, or of what is not known; headers with more than their fields; levels and values that do not fill their pages;
         * a dictionary with what no row has. */
        bool odd;
        bool claims;                  /* a header says something of its values, which engines may leave the page out by */
        const ParquetPageSeen *pages; /* all of them */
        size_t page_count;
} ParquetChunkSeen;

typedef struct ParquetPages {
        ParquetBytes bytes;
        const ParquetChunk *chunk;
        uint64_t at, end;   /* of the chunk in the file: what is not yet in `raw` begins at `at` */
        uint64_t spare;     /* bytes behind it that may be its */
        Buf raw;
        size_t raw_at;
        ParquetChunkSeen seen;
        Buf list; /* of ParquetPageSeen */
} ParquetPages;

void parquet_pages_deinit(ParquetPages *pages);
void parquet_pages_start(ParquetPages *pages, ParquetBytes bytes, const ParquetChunk *chunk);
/* The next page of data or dictionary; NULL at the end. Whoever gets it frees it. */
Status parquet_pages_next(ParquetPages *pages, ParquetPage **out, Error *err);
void parquet_page_free(ParquetPage *page);
/* The header of a page of version 1 or with a dictionary, with what it needs and no more; where the body lies does not matter. */
void parquet_page_header(Buf *out, const ParquetPageSeen *page);
