/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A column chunk: [dictionary page] data page ...; each page: a Thrift header, then the body, compressed alone.
 *
 * Body of a data page, version 1: definition levels (u32 size, then runs of one bit per row: 1 = a value, 0 =
 * null; in a nested column repetition levels before them, and more bits), then the values that are not null. Plain values lie as they are in memory; texts are a u32 size and bytes;
 * booleans are bits. Dictionary-encoded values are a byte with the bit width, then runs of ids.
 *
 * Runs (hybrid encoding): varint(count << 1) and one value, or varint(groups << 1 | 1) and groups of 8 packed
 * values, lowest bit first.
 */
#include "parquet/encode.h"

#include <zstd.h>

#include "parquet/dictionary.h"
#include "parquet/memory.h"
#include "parquet/page.h"
#include "parquet/thrift.h"

#define ZSTD_LEVEL 1
#define HEADER_MAX 64            /* bytes of a page header */
#define COMPRESS_MIN 512         /* bytes of a chunk; less is left as it is */
#define SAMPLE_BYTES (64u << 10) /* to see whether compressing is worth it */
#define SCRATCH_KEPT (16u << 20) /* bytes of a scratch buffer that are kept between chunks */
#define RETRY_AFTER 15           /* row groups after a dictionary or compression failed */
#define TABLE_RANGE (1u << 17)   /* numbers so close together get their ids from a table */
#define SLOT_COUNT (1u << 16)    /* others by hashing */
#define NUMBER_MAX 24576u        /* distinct numbers that hashing takes */
#define PROBE_COUNT 2048u        /* values looked at before hashing all */
#define PROBE_FUTILE 2016u       /* of them distinct: a dictionary of all would be too large */

struct ParquetEncoder {
        ZSTD_CCtx *zstd;
        Buf page;        /* the body of the page being made */
        Buf plain;       /* values that had to be converted */
        Buf dictionary;  /* the body of the dictionary page of numbers */
        uint16_t *ids;   /* PARQUET_GROUP_ROWS */
        uint16_t *table; /* TABLE_RANGE: number - smallest -> id; or SLOT_COUNT slots: 0 = free, else 1 + id */
};

/* The chunk being made: the values in the form in which pages take them. */
typedef struct Chunk {
        const ParquetColumn *column;
        Str dictionary;      /* body of its page */
        uint32_t distinct;   /* texts or numbers in it */
        const uint16_t *ids; /* NULL = plain */
        int id_width;        /* bits */
        const uint8_t *plain;
        size_t plain_size;
        uint32_t plain_width; /* bytes; 0 = texts; for booleans 1, though 8 share a byte */
        uint32_t page_rows;   /* of pages of fixed width */
} Chunk;

/* Where the next page begins, and what it takes. */
typedef struct PageRange {
        uint32_t row, row_count;
        uint32_t value, value_count;
        size_t byte, byte_count; /* of plain values */
} PageRange;

ParquetEncoder *parquet_encoder_new(void) {
        ParquetEncoder *encoder = must_alloc(calloc(1, sizeof(*encoder)));
        encoder->zstd = must_alloc(ZSTD_createCCtx());
        encoder->ids = must_alloc(malloc(PARQUET_GROUP_ROWS * sizeof(*encoder->ids)));
        encoder->table = must_alloc(malloc(TABLE_RANGE * sizeof(*encoder->table)));
        return encoder;
}

void parquet_encoder_free(ParquetEncoder *encoder) {
        if (!encoder)
                return;
        ZSTD_freeCCtx(encoder->zstd);
        buf_deinit(&encoder->page);
        buf_deinit(&encoder->plain);
        buf_deinit(&encoder->dictionary);
        free(encoder->ids);
        free(encoder->table);
        free(encoder);
}

void parquet_encoded_deinit(ParquetEncoded *encoded) {
        buf_deinit(&encoded->pages);
}

/* ---- runs ---- */

static int bit_width_of(uint32_t distinct) {
        return distinct <= 2 ? 1 : 32 - __builtin_clz(distinct - 1);
}

/* Eight ids of up to 16 bits into as many bytes as the width has bits; writes up to 16 bytes. */
static inline void pack_eight(uint8_t *out, const uint16_t *ids, int width) {
        uint64_t low = 0, high = 0;
        for (int i = 0; i < 4; i++) {
                low |= (uint64_t)ids[i] << (i * width);
                high |= (uint64_t)ids[i + 4] << (i * width);
        }
        unsigned __int128 all = low | (unsigned __int128)high << (4 * width);
        memcpy(out, &all, sizeof(all));
}

static void write_id_runs(Buf *buf, const uint16_t *ids, uint32_t count, int width) {
        size_t groups = (count + 7) / 8;
        thrift_varint(buf, groups << 1 | 1);
        uint8_t *out = buf_reserve(buf, groups * (size_t)width + 16);
        uint32_t at = 0;
        for (; at + 8 <= count; at += 8, out += width)
                pack_eight(out, ids + at, width);
        if (at < count) {
                uint16_t rest[8] = { 0 };
                memcpy(rest, ids + at, (count - at) * sizeof(*ids));
                pack_eight(out, rest, width);
        }
        buf_added(buf, groups * (size_t)width);
}

static void write_one_run(Buf *buf, uint32_t count, uint8_t value) {
        thrift_varint(buf, (uint64_t)count << 1);
        buf_u8(buf, value);
}

static uint32_t count_nulls(const ParquetColumn *column, uint32_t row, uint32_t row_count) {
        if (column->row == column->count)
                return 0;
        uint32_t nulls = 0;
        for (uint32_t i = row / 8; i < (row + row_count + 7) / 8; i++)
                nulls += (uint32_t)__builtin_popcount(column->null_bits[i]);
        return nulls;
}

/* Pages begin at rows that 8 divides, so the bits of a page are whole bytes of the column's. */
static void write_levels(Buf *buf, const ParquetColumn *column, const PageRange *range) {
        size_t size_at = buf->size;
        buf_u32(buf, 0);
        if (range->value_count == range->row_count || range->value_count == 0) {
                write_one_run(buf, range->row_count, range->value_count > 0);
        } else {
                size_t bytes = (range->row_count + 7) / 8;
                thrift_varint(buf, bytes << 1 | 1);
                uint8_t *out = buf_reserve(buf, bytes);
                for (size_t i = 0; i < bytes; i++)
                        out[i] = (uint8_t)~column->null_bits[range->row / 8 + i];
                buf_added(buf, bytes);
        }
        buf_patch_u32(buf, size_at, (uint32_t)(buf->size - size_at - 4));
}

/* ---- dictionaries of numbers ---- */

static inline uint64_t number_at(const uint8_t *values, size_t index, unsigned width) {
        if (width == 4) {
                uint32_t number;
                memcpy(&number, values + index * 4, 4);
                return number;
        }
        uint64_t number;
        memcpy(&number, values + index * 8, 8);
        return number;
}

/* Numbers within a small range: a table says which occur, and then which id each has. Ids rise with the numbers. */
static inline __attribute__((always_inline)) uint32_t ids_by_table(ParquetEncoder *encoder, const ParquetColumn *column,
                                                                   uint64_t min, uint32_t range, unsigned width) {
        uint16_t *table = encoder->table;
        memset(table, 0, (range + 1) * sizeof(*table));
        for (uint32_t i = 0; i < column->count; i++)
                table[(uint32_t)(number_at(column->values, i, width) - min)] = 1;

        uint8_t *out = buf_reserve(&encoder->dictionary, ((size_t)range + 1) * width);
        uint32_t distinct = 0;
        for (uint32_t i = 0; i <= range; i++) {
                if (!table[i])
                        continue;
                uint64_t number = min + i;
                memcpy(out + (size_t)distinct * width, &number, width);
                table[i] = (uint16_t)distinct++;
        }
        buf_added(&encoder->dictionary, (size_t)distinct * width);
        if (distinct > column->count / 3 || distinct > UINT16_MAX)
                return 0;

        for (uint32_t i = 0; i < column->count; i++)
                encoder->ids[i] = table[(uint32_t)(number_at(column->values, i, width) - min)];
        return distinct;
}

/* The id of a number, a new one if it was not there. */
static inline __attribute__((always_inline)) uint32_t id_by_hash(ParquetEncoder *encoder, uint64_t number,
                                                                 uint32_t *distinct, uint8_t *numbers, unsigned width) {
        uint32_t at = (uint32_t)((number * 0x9e3779b97f4a7c15u) >> 48);
        for (uint32_t slot; (slot = encoder->table[at]) != 0; at = (at + 1) & (SLOT_COUNT - 1))
                if (number_at(numbers, slot - 1, width) == number)
                        return slot - 1;
        memcpy(numbers + (size_t)*distinct * width, &number, width);
        *distinct += 1;
        encoder->table[at] = (uint16_t)*distinct;
        return *distinct - 1;
}

static inline __attribute__((always_inline)) uint32_t ids_by_hash(ParquetEncoder *encoder, const ParquetColumn *column,
                                                                  unsigned width) {
        uint8_t *numbers = buf_reserve(&encoder->dictionary, (size_t)(NUMBER_MAX + 1) * width);
        uint32_t distinct = 0, limit = column->count / 3 < NUMBER_MAX ? column->count / 3 : NUMBER_MAX;
        if (column->count >= 2 * PROBE_COUNT) {
                memset(encoder->table, 0, SLOT_COUNT * sizeof(*encoder->table));
                for (uint32_t i = 0; i < PROBE_COUNT; i++)
                        id_by_hash(encoder, number_at(column->values, (size_t)i * (column->count / PROBE_COUNT), width),
                                   &distinct, numbers, width);
                if (distinct > PROBE_FUTILE)
                        return 0;
        }

        memset(encoder->table, 0, SLOT_COUNT * sizeof(*encoder->table));
        distinct = 0;
        for (uint32_t i = 0; i < column->count; i++) {
                encoder->ids[i] = (uint16_t)id_by_hash(encoder, number_at(column->values, i, width), &distinct, numbers,
                                                       width);
                if (distinct > limit)
                        return 0;
        }
        buf_added(&encoder->dictionary, (size_t)distinct * width);
        return distinct;
}

/* Distinct numbers, with their ids and the dictionary's body in the encoder; 0 = no dictionary. */
static uint32_t number_dictionary(ParquetEncoder *encoder, const ParquetColumn *column, const ParquetBounds *bounds) {
        buf_clear(&encoder->dictionary);
        bool real = column->kind == TYPE_FLOAT || column->kind == TYPE_DOUBLE;
        uint64_t range = real || !bounds->known ? UINT64_MAX : (uint64_t)(bounds->max - bounds->min);
        if (range < TABLE_RANGE && range < 8 * (uint64_t)column->count + 4096) {
                uint64_t min = (uint64_t)bounds->min;
                if (column->width == 4)
                        return ids_by_table(encoder, column, (uint32_t)min, (uint32_t)range, 4);
                return ids_by_table(encoder, column, min, (uint32_t)range, 8);
        }
        return column->width == 4 ? ids_by_hash(encoder, column, 4) : ids_by_hash(encoder, column, 8);
}

/* ---- the values, as pages take them ---- */

static void use_dictionary(Chunk *chunk, Str body, uint32_t distinct, const uint16_t *ids) {
        chunk->dictionary = body;
        chunk->distinct = distinct;
        chunk->ids = ids;
        chunk->id_width = bit_width_of(distinct);
        chunk->page_rows = PARQUET_PAGE_BYTES / 2;
}

static void use_plain(Chunk *chunk, const uint8_t *values, size_t size, uint32_t width) {
        chunk->plain = values;
        chunk->plain_size = size;
        chunk->plain_width = width;
        chunk->page_rows = width == 0 ? 0 : PARQUET_PAGE_BYTES / width / 8 * 8;
}

static void prepare_texts(ParquetEncoder *encoder, Chunk *chunk) {
        const ParquetColumn *column = chunk->column;
        if (column->plain) {
                use_plain(chunk, column->values, column->size, 0);
                return;
        }

        const ParquetDictionary *dictionary = column->dictionary;
        size_t packed = (size_t)column->count * (size_t)bit_width_of(dictionary->count) / 8;
        if (dictionary->size + packed < column->bytes) {
                use_dictionary(chunk, (Str){ (const char *)dictionary->data, dictionary->size }, dictionary->count,
                               dictionary->ids);
                return;
        }

        buf_clear(&encoder->plain);
        for (uint32_t i = 0; i < column->count; i++) {
                Str text = parquet_dictionary_text(dictionary, dictionary->ids[i]);
                buf_append(&encoder->plain, (Str){ text.data - sizeof(uint32_t), text.size + sizeof(uint32_t) });
        }
        buf_reserve(&encoder->plain, sizeof(uint64_t)); /* the walk over texts reads ahead */
        use_plain(chunk, (const uint8_t *)encoder->plain.data, encoder->plain.size, 0);
}

static void prepare_booleans(ParquetEncoder *encoder, Chunk *chunk) {
        const ParquetColumn *column = chunk->column;
        size_t bytes = (column->count + 7) / 8;
        buf_clear(&encoder->plain);
        uint8_t *out = buf_reserve(&encoder->plain, bytes + 1);
        memset(out, 0, bytes);
        for (uint32_t i = 0; i < column->count; i++)
                out[i >> 3] |= (uint8_t)(column->values[i] << (i & 7));
        use_plain(chunk, out, bytes, 1);
}

static void prepare_long_decimals(ParquetEncoder *encoder, Chunk *chunk, int length) {
        const ParquetColumn *column = chunk->column;
        size_t bytes = (size_t)column->count * (size_t)length;
        buf_clear(&encoder->plain);
        uint8_t *out = buf_reserve(&encoder->plain, bytes + 1);
        for (uint32_t i = 0; i < column->count; i++) {
                Int128 value;
                memcpy(&value, column->values + (size_t)i * sizeof(value), sizeof(value));
                parquet_decimal_bytes(value, length, out + (size_t)i * (size_t)length);
        }
        use_plain(chunk, out, bytes, (uint32_t)length);
}

static void prepare_numbers(ParquetEncoder *encoder, Chunk *chunk, const ParquetBounds *bounds,
                            ParquetChunkMemory *memory) {
        const ParquetColumn *column = chunk->column;
        uint32_t distinct = 0;
        if (memory->plain_for > 0)
                memory->plain_for--;
        else if (column->count > 0) {
                distinct = number_dictionary(encoder, column, bounds);
                if (distinct == 0)
                        memory->plain_for = RETRY_AFTER;
        }

        if (distinct > 0)
                use_dictionary(chunk, buf_view(&encoder->dictionary), distinct, encoder->ids);
        else
                use_plain(chunk, column->values, (size_t)column->count * column->width, column->width);
}

static void prepare_values(ParquetEncoder *encoder, Chunk *chunk, int fixed_length, ParquetChunkMemory *memory,
                           ParquetEncoded *out) {
        const ParquetColumn *column = chunk->column;
        if (column->width == 0) {
                prepare_texts(encoder, chunk);
                for (uint32_t i = 0; i < chunk->distinct; i++) {
                        Str text = parquet_dictionary_text(column->dictionary, i);
                        parquet_bounds_add_text(&out->bounds, text.data, text.size);
                }
                return;
        }
        out->nans = parquet_bounds_of(&out->bounds, column);
        if (column->width == 1 && column->definition_max > 0)
                use_plain(chunk, column->values, column->count, 1); /* made bits page by page */
        else if (column->width == 1)
                prepare_booleans(encoder, chunk);
        else if (column->width == 16 && column->kind == TYPE_DECIMAL)
                prepare_long_decimals(encoder, chunk, fixed_length);
        else if (column->width == 16)
                use_plain(chunk, column->values, (size_t)column->count * 16, 16);
        else if (column->definition_max > 0)
                use_plain(chunk, column->values, (size_t)column->count * column->width, column->width);
        else
                prepare_numbers(encoder, chunk, &out->bounds, memory);
}

/* ---- pages ---- */

/* Takes rows by eights until the page is full; looks at every text for the bounds as it goes. */
static void fill_text_range(const Chunk *chunk, ParquetBounds *bounds, PageRange *range) {
        const ParquetColumn *column = chunk->column;
        const uint8_t *at = chunk->plain + range->byte;
        while (range->row + range->row_count < column->row && range->byte_count < PARQUET_PAGE_BYTES) {
                uint32_t row = range->row + range->row_count;
                uint32_t rows = column->row - row < 8 ? column->row - row : 8;
                uint32_t values = rows - count_nulls(column, row, rows);
                for (uint32_t i = 0; i < values; i++) {
                        uint32_t size;
                        memcpy(&size, at, sizeof(size));
                        parquet_bounds_add_text(bounds, (const char *)at + sizeof(size), size);
                        at += sizeof(size) + size;
                }
                range->row_count += rows;
                range->value_count += values;
                range->byte_count = (size_t)(at - chunk->plain) - range->byte;
        }
}

/* From where the page before ended to where the next one ends. */
static void next_range(const Chunk *chunk, ParquetBounds *bounds, PageRange *range) {
        const ParquetColumn *column = chunk->column;
        *range = (PageRange){ .row = range->row + range->row_count,
                              .value = range->value + range->value_count,
                              .byte = range->byte + range->byte_count };
        if (chunk->page_rows == 0) {
                fill_text_range(chunk, bounds, range);
                return;
        }
        uint32_t left = column->row - range->row;
        range->row_count = left < chunk->page_rows ? left : chunk->page_rows;
        range->value_count = range->row_count - count_nulls(column, range->row, range->row_count);
        if (!chunk->ids)
                range->byte_count = column->kind == TYPE_BOOLEAN ? chunk->plain_size
                                                                 : (size_t)range->value_count * chunk->plain_width;
}

static void write_body(Buf *page, const Chunk *chunk, const PageRange *range) {
        buf_clear(page);
        write_levels(page, chunk->column, range);
        if (!chunk->ids) {
                buf_append(page, (Str){ (const char *)chunk->plain + range->byte, range->byte_count });
                return;
        }
        buf_u8(page, (uint8_t)chunk->id_width);
        if (range->value_count == 0)
                return;
        if (chunk->distinct == 1)
                write_one_run(page, range->value_count, 0);
        else
                write_id_runs(page, chunk->ids + range->value, range->value_count, chunk->id_width);
}

/* ---- pages of nested columns ---- */

/* Entries of whole rows until the page is full; row and row_count count entries here. */
static void next_entries(const Chunk *chunk, ParquetBounds *bounds, PageRange *range) {
        const ParquetColumn *column = chunk->column;
        *range = (PageRange){ .row = range->row + range->row_count,
                              .value = range->value + range->value_count,
                              .byte = range->byte + range->byte_count };
        uint32_t at = range->row;
        for (size_t size = 0; at < column->entries; at++) {
                const uint8_t *levels = column->levels + 2 * (size_t)at;
                if (size >= PARQUET_PAGE_BYTES && levels[1] == 0)
                        break;
                size += 1;
                if (levels[0] < column->definition_max)
                        continue;
                uint32_t bytes = chunk->plain_width;
                if (chunk->plain_width == 0) {
                        const char *text = (const char *)chunk->plain + range->byte + range->byte_count;
                        memcpy(&bytes, text, sizeof(bytes));
                        if (column->repetition_max == 0)
                                parquet_bounds_add_text(bounds, text + sizeof(bytes), bytes);
                        bytes += (uint32_t)sizeof(bytes);
                }
                range->value_count++;
                range->byte_count += bytes;
                size += bytes;
        }
        range->row_count = at - range->row;
}

static bool is_one_level(const uint8_t *levels, uint32_t count) {
        for (uint32_t i = 1; i < count; i++)
                if (levels[2 * (size_t)i] != levels[0])
                        return false;
        return true;
}

/* Of the two levels of each entry, the one at which `levels` points first. */
static void write_entry_levels(Buf *buf, const uint8_t *levels, uint32_t count, unsigned most) {
        size_t size_at = buf->size;
        int width = bit_width_of(most + 1);
        buf_u32(buf, 0);
        if (is_one_level(levels, count)) {
                write_one_run(buf, count, levels[0]);
        } else {
                size_t groups = ((size_t)count + 7) / 8;
                thrift_varint(buf, groups << 1 | 1);
                uint8_t *out = buf_reserve(buf, groups * (size_t)width + 16);
                for (uint32_t at = 0; at < count; at += 8, out += width) {
                        uint16_t eight[8] = { 0 };
                        for (uint32_t i = 0; i < 8 && at + i < count; i++)
                                eight[i] = levels[2 * (size_t)(at + i)];
                        pack_eight(out, eight, width);
                }
                buf_added(buf, groups * (size_t)width);
        }
        buf_patch_u32(buf, size_at, (uint32_t)(buf->size - size_at - 4));
}

static void write_bits(Buf *page, const uint8_t *values, uint32_t count) {
        size_t bytes = ((size_t)count + 7) / 8;
        uint8_t *out = buf_reserve(page, bytes + 1);
        memset(out, 0, bytes);
        for (uint32_t i = 0; i < count; i++)
                out[i >> 3] |= (uint8_t)(values[i] << (i & 7));
        buf_added(page, bytes);
}

static void write_nested_body(Buf *page, const Chunk *chunk, const PageRange *range) {
        const ParquetColumn *column = chunk->column;
        const uint8_t *levels = column->levels + 2 * (size_t)range->row;
        buf_clear(page);
        if (column->repetition_max > 0)
                write_entry_levels(page, levels + 1, range->row_count, column->repetition_max);
        write_entry_levels(page, levels, range->row_count, column->definition_max);
        if (column->width == 1)
                write_bits(page, chunk->plain + range->byte, range->value_count);
        else
                buf_append(page, (Str){ (const char *)chunk->plain + range->byte, range->byte_count });
}

static size_t compress(ParquetEncoder *encoder, void *out, size_t room, Str bytes) {
        size_t size = ZSTD_compressCCtx(encoder->zstd, out, room, bytes.data, bytes.size, ZSTD_LEVEL);
        if (ZSTD_isError(size))
                panic("zstd: %s", ZSTD_getErrorName(size)); /* there is room, so only memory can be missing */
        return size;
}

/* Whether compressing saves a twentieth at least. Data that did not compress in the last row group is tried on a
 * sample; a column that fails is left alone for a while. */
static bool is_worth_compressing(ParquetEncoder *encoder, ParquetChunkMemory *memory, Str body, Buf *scratch) {
        if (memory->raw_for > 0) {
                memory->raw_for--;
                return false;
        }
        if (!memory->in_doubt)
                return true;

        Str sample = str_slice(body, (body.size - (body.size < SAMPLE_BYTES ? body.size : SAMPLE_BYTES)) / 2,
                               body.size);
        sample = str_slice(sample, 0, SAMPLE_BYTES);
        size_t room = ZSTD_compressBound(sample.size);
        size_t size = compress(encoder, buf_reserve(scratch, room), room, sample);
        if (size < sample.size - sample.size / 20)
                return true;
        memory->raw_for = RETRY_AFTER;
        return false;
}

/* The header says how long the stored body is, so the body is made first, a little further on, and moved. */
static void write_page(ParquetEncoder *encoder, ParquetEncoded *out, int type, Str body, uint32_t values,
                       int encoding) {
        Buf *pages = &out->pages;
        size_t room = ZSTD_compressBound(body.size);
        char *place = (char *)buf_reserve(pages, HEADER_MAX + room) + HEADER_MAX;
        size_t stored = body.size;
        if (out->codec == PARQUET_CODEC_ZSTD)
                stored = compress(encoder, place, room, body);

        size_t header_at = pages->size;
        parquet_page_header(pages, &(ParquetPageSeen){ .type = type,
                                                       .unpacked = (int64_t)body.size,
                                                       .packed = (int64_t)stored,
                                                       .values = values,
                                                       .encoding = encoding,
                                                       .definition_encoding = PARQUET_ENCODING_RLE,
                                                       .repetition_encoding = PARQUET_ENCODING_RLE });
        size_t header_size = pages->size - header_at;
        assert(header_size <= HEADER_MAX);
        memmove(pages->data + pages->size, out->codec == PARQUET_CODEC_ZSTD ? place : body.data, stored);
        buf_added(pages, stored);
        out->uncompressed += (int64_t)(header_size + body.size);
}

static void write_dictionary_page(ParquetEncoder *encoder, const Chunk *chunk, ParquetEncoded *out) {
        if (!chunk->ids)
                return;
        write_page(encoder, out, PARQUET_PAGE_DICTIONARY, chunk->dictionary, chunk->distinct, PARQUET_ENCODING_PLAIN);
        out->dictionary_size = out->pages.size;
}

/* Scratch that one unusual chunk needed does not stay. */
static void trim(Buf *buf) {
        if (buf->capacity > SCRATCH_KEPT)
                buf_deinit(buf);
}

void parquet_encode(ParquetEncoder *encoder, const ParquetColumn *column, int fixed_length, ParquetChunkMemory *memory,
                    ParquetEncoded *out) {
        trim(&out->pages);
        buf_clear(&out->pages);
        bool nested = column->definition_max > 0;
        uint32_t entries = nested ? column->entries : column->row;
        *out = (ParquetEncoded){ .pages = out->pages, .rows = nested ? column->records : column->row, .values = entries, .nulls = entries - column->count };
        Chunk chunk = { .column = column };
        prepare_values(encoder, &chunk, fixed_length, memory, out);
        int encoding = chunk.ids ? PARQUET_ENCODING_RLE_DICTIONARY : PARQUET_ENCODING_PLAIN;

        PageRange range = { 0 };
        do {
                if (nested) {
                        next_entries(&chunk, &out->bounds, &range);
                        write_nested_body(&encoder->page, &chunk, &range);
                } else {
                        next_range(&chunk, &out->bounds, &range);
                        write_body(&encoder->page, &chunk, &range);
                }
                Str body = buf_view(&encoder->page);
                if (out->data_pages[encoding] == 0) {
                        bool worth = chunk.dictionary.size + body.size >= COMPRESS_MIN &&
                                     is_worth_compressing(encoder, memory, body, &out->pages);
                        out->codec = worth ? PARQUET_CODEC_ZSTD : PARQUET_CODEC_NONE;
                        write_dictionary_page(encoder, &chunk, out);
                }
                write_page(encoder, out, PARQUET_PAGE_DATA, body, range.row_count, encoding);
                out->data_pages[encoding]++;
        } while (range.row + range.row_count < entries);
        if (column->repetition_max > 0)
                out->bounds = (ParquetBounds){ 0 }; /* of a list's elements nobody asks, and Iceberg has none */
        trim(&encoder->page);
        trim(&encoder->plain);
        memory->in_doubt = out->codec == PARQUET_CODEC_NONE || (int64_t)out->pages.size > out->uncompressed / 10 * 9;
}
