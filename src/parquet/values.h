/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * ParquetRuns and ParquetDecoder: levels and values of a page, a part at a time, so that no count in a file asks for
 * memory. Everything read is bounded by the bytes given. Internal to this room.
 *
 * Encodings: PLAIN, dictionary (both numbers), RLE of booleans, DELTA_BINARY_PACKED, DELTA_LENGTH_BYTE_ARRAY,
 * DELTA_BYTE_ARRAY, BYTE_STREAM_SPLIT. Spec: parquet-format, Encodings.md.
 */
#include "parquet/footer.h"

/* The hybrid of runs and bit-packed groups of eight, and the old bit-packed levels. */
typedef struct ParquetRuns {
        Cursor in;
        int width;       /* bits of a value, at most 32 */
        bool old;        /* bit-packed alone, highest bit first */
        uint64_t left;   /* values of the run */
        bool packed;
        uint32_t value;  /* of a run that is not packed */
        Str bits;        /* of one that is */
        uint64_t at;     /* bit in it; of width 0, values read so far */
        bool odd;        /* a run of nothing, or one that its bytes do not fill */
} ParquetRuns;

void parquet_runs_start(ParquetRuns *runs, Str bytes, int width);
void parquet_runs_start_old(ParquetRuns *runs, Str bytes, int width);
/* False when there are fewer. */
bool parquet_runs_read(ParquetRuns *runs, uint32_t *out, size_t count);
/* Whether there is no more than what was read, but for what fills a packed run: to eight values, and with some writers to 256. */
bool parquet_runs_are_exact(const ParquetRuns *runs);

typedef struct ParquetDelta {
        Cursor in;
        uint64_t block, minis, per_mini, total, read;
        uint64_t last, least;
        const uint8_t *widths;
        uint64_t mini, in_mini; /* the miniblock, and how many of it were read */
        Str bits;
} ParquetDelta;

bool parquet_delta_start(ParquetDelta *delta, Str bytes);
bool parquet_delta_read(ParquetDelta *delta, int64_t *out, size_t count);
/* The bytes behind it; all of it must have been read. */
Str parquet_delta_rest(const ParquetDelta *delta);

/* Which of the arrays of a column a physical type fills. */
typedef enum ParquetForm { PARQUET_FORM_INTS, PARQUET_FORM_NUMBERS, PARQUET_FORM_BYTES } ParquetForm;
ParquetForm parquet_form(ParquetPhysical physical);

/* Values: room for them is the caller's. */
typedef struct ParquetArray {
        int64_t *ints;   /* booleans and integers */
        double *numbers; /* floats too */
        Str *bytes;      /* INT96 and fixed too */
} ParquetArray;

typedef struct ParquetDecoder {
        ParquetPhysical physical;
        int type_length;
        int encoding;
        Cursor in;
        uint64_t bit;       /* booleans: of the byte at in.at */
        ParquetRuns runs;   /* booleans, ids */
        ParquetDelta delta;
        const ParquetArray *dictionary;
        uint32_t dictionary_count;
        bool *used; /* of each of its values: whether it was met */
        int64_t *lengths, *prefixes; /* of all of the page's values */
        uint64_t count, done;
        Str last;
        Arena *arena; /* of the page */
        size_t made;  /* bytes put together from prefixes */
        uint32_t streams; /* BYTE_STREAM_SPLIT: values in all */
} ParquetDecoder;

typedef enum ParquetDecoded { PARQUET_DECODED, PARQUET_BROKEN, PARQUET_NOT_READ, PARQUET_TOO_BIG } ParquetDecoded;

/* `left`: values that may follow, nulls included. The dictionary is borrowed. */
ParquetDecoded parquet_decoder_start(ParquetDecoder *decoder, const ParquetNode *node, int encoding, Str bytes, uint32_t left, Arena *arena);
ParquetDecoded parquet_decoder_read(ParquetDecoder *decoder, const ParquetArray *out, size_t count);
/* The same of a page's values, where they are plain or of a dictionary. */
bool parquet_decoder_is_exact(const ParquetDecoder *decoder);
