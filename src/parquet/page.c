/* SPDX-License-Identifier: Apache-2.0 */
#include "parquet/page.h"

#include <zlib.h>
#include <zstd.h>

#include "base/reason.h"
#include "base/snappy.h"
#include "parquet/format.h"
#include "parquet/thrift.h"

#define HEADER_STEP (64u << 10)
#define HEADER_MAX (16u << 20)
#define UNCOUNTED_MAX 100u /* bytes by which old writers make a chunk shorter than it is: its dictionary's header (PARQUET-816) */

/* PageHeader of parquet.thrift */
typedef struct Header {
        size_t size; /* of the header itself */
        int64_t type, unpacked, packed;
        bool has_crc;
        uint32_t crc;
        int64_t values, encoding, definition_encoding, repetition_encoding;
        int64_t definition_size, repetition_size; /* version 2 */
        bool is_packed;                           /* version 2 */
        bool odd;    /* there is more in it than what its kind of page has, or less, or something twice, or of another type */
        bool claims; /* it has statistics */
} Header;

enum { PAGE_INDEX = 1, PAGE_DATA_2 = 3 };

void parquet_pages_deinit(ParquetPages *pages) {
        buf_deinit(&pages->raw);
        buf_deinit(&pages->list);
        *pages = (ParquetPages){ 0 };
}

void parquet_pages_start(ParquetPages *pages, ParquetBytes bytes, const ParquetChunk *chunk) {
        pages->bytes = bytes;
        pages->chunk = chunk;
        pages->at = (uint64_t)chunk->offset;
        pages->end = (uint64_t)(chunk->offset + chunk->compressed);
        pages->spare = bytes.size - pages->end < UNCOUNTED_MAX ? bytes.size - pages->end : UNCOUNTED_MAX;
        buf_clear(&pages->raw);
        pages->raw_at = 0;
        pages->seen = (ParquetChunkSeen){ 0 };
        buf_clear(&pages->list);
}

void parquet_page_free(ParquetPage *page) {
        if (!page)
                return;
        arena_deinit(&page->arena);
        free(page);
}

static Status damaged(Error *err) {
        return error_reason(err, PARQUET_DAMAGED);
}

static Str held(const ParquetPages *pages) {
        return str_slice(buf_view(&pages->raw), pages->raw_at, pages->raw.size);
}

/* So many bytes of the chunk, unless it ends before. */
static Status fill(ParquetPages *pages, size_t wanted, Error *err) {
        if (held(pages).size >= wanted)
                return STATUS_OK;
        if (pages->raw_at > 0)
                memmove(pages->raw.data, pages->raw.data + pages->raw_at, held(pages).size);
        pages->raw.size -= pages->raw_at;
        pages->raw_at = 0;
        uint64_t end = pages->end + pages->spare;
        while (pages->raw.size < wanted && pages->at < end) {
                size_t left = wanted - pages->raw.size, step = left < HEADER_STEP ? HEADER_STEP : left, got;
                step = step > end - pages->at ? (size_t)(end - pages->at) : step;
                TRY(pages->bytes.read_at(pages->bytes.context, pages->at, buf_reserve(&pages->raw, step), step, &got, err));
                if (got == 0)
                        return damaged(err);
                buf_added(&pages->raw, got);
                pages->at += got;
        }
        return STATUS_OK;
}

/* --- the header --- */

/* A number of a header. Readers that are made from the format's own description pass over what comes twice or is of another type. */
static int64_t read_number(Cursor *cursor, const ThriftField *field, Header *out) {
        out->odd |= field->type != THRIFT_I32;
        return thrift_read_int(cursor, field);
}

static void note_field(Header *out, uint32_t *met, int id, int most) {
        out->odd |= id < 1 || id > most || (*met >> id & 1);
        *met |= id >= 1 && id <= most ? (uint32_t)1 << id : 0;
}

static void read_part(Cursor *cursor, const ThriftField *part, Header *out) {
        ThriftField field = { 0 };
        bool second = part->id == 8;
        uint32_t met = 0;
        if (!thrift_read_struct(cursor, part))
                return;
        while (thrift_next(cursor, &field)) {
                note_field(out, &met, field.id, part->id == 5 ? 5 : part->id == 7 ? 3 : 8);
                out->claims |= part->id == 5 && field.id == 5;
                if (field.id == 1)
                        out->values = read_number(cursor, &field, out);
                else if (field.id == (second ? 4 : 2))
                        out->encoding = read_number(cursor, &field, out);
                else if (part->id == 5 && field.id == 3)
                        out->definition_encoding = read_number(cursor, &field, out);
                else if (part->id == 5 && field.id == 4)
                        out->repetition_encoding = read_number(cursor, &field, out);
                else if (second && field.id == 5)
                        out->definition_size = read_number(cursor, &field, out);
                else if (second && field.id == 6)
                        out->repetition_size = read_number(cursor, &field, out);
                else if (second && field.id == 7)
                        out->is_packed = thrift_read_bool(cursor, &field);
                else
                        thrift_skip(cursor, &field);
        }
        uint32_t needed = part->id == 7 ? 6 : 30; /* fields 1 and 2; to 4 */
        out->odd |= (met & needed) != needed;
}

static bool read_header(Cursor *cursor, Header *out) {
        ThriftField field = { 0 };
        uint32_t met = 0;
        *out = (Header){ .is_packed = true };
        while (thrift_next(cursor, &field)) {
                note_field(out, &met, field.id, 8);
                if (field.id == 1) {
                        out->type = read_number(cursor, &field, out);
                } else if (field.id == 2) {
                        out->unpacked = read_number(cursor, &field, out);
                } else if (field.id == 3) {
                        out->packed = read_number(cursor, &field, out);
                } else if (field.id == 4) {
                        out->has_crc = true;
                        out->crc = (uint32_t)read_number(cursor, &field, out);
                } else if (field.id == 5 || field.id == 7 || field.id == 8) {
                        read_part(cursor, &field, out);
                } else {
                        thrift_skip(cursor, &field);
                }
        }
        out->odd |= (met & 14) != 14; /* fields 1 to 3 */
        uint32_t parts = met & (1u << 5 | 1u << 6 | 1u << 7 | 1u << 8);
        out->odd |= parts != (out->type == PARQUET_PAGE_DICTIONARY ? 1u << 7 : 1u << 5);
        return !cursor->failed;
}

static Status take_header(ParquetPages *pages, Header *out, Error *err) {
        for (size_t wanted = HEADER_STEP;; wanted *= 2) {
                TRY(fill(pages, wanted, err));
                Cursor cursor = cursor_of(held(pages));
                if (read_header(&cursor, out)) {
                        out->size = held(pages).size - cursor_left(&cursor);
                        pages->raw_at += out->size;
                        return STATUS_OK;
                }
                if (held(pages).size < wanted || wanted > HEADER_MAX)
                        return damaged(err);
        }
}

/* --- codecs --- */

static bool unpack_gzip(Str packed, char *into, size_t size) {
        union {
                const char *from;
                Bytef *to;
        } input = { .from = packed.data };
        z_stream stream = { .next_in = input.to, .avail_in = (uInt)packed.size, .next_out = (Bytef *)into, .avail_out = (uInt)size };
        if (inflateInit2(&stream, MAX_WBITS + 32) != Z_OK)
                out_of_memory();
        int state;
        do { /* one member after the other */
                state = inflate(&stream, Z_FINISH);
        } while (state == Z_STREAM_END && stream.avail_in > 0 && inflateReset(&stream) == Z_OK);
        inflateEnd(&stream);
        return state == Z_STREAM_END && stream.avail_in == 0 && stream.avail_out == 0;
}

static bool unpack_zstd(Str packed, char *into, size_t size) {
        return ZSTD_decompress(into, size, packed.data, packed.size) == size;
}

/* A length goes on in further bytes while these are 255. */
static bool lz4_length(Cursor *in, size_t *length) {
        if (*length != 15)
                return true;
        uint8_t more;
        do {
                more = cursor_u8(in);
                *length += more;
        } while (more == 255 && !in->failed);
        return !in->failed;
}

/* One LZ4 block (lz4_Block_format.md): literals, then a copy of what is there already, until the block ends. */
static bool unpack_lz4(Str packed, char *into, size_t size) {
        Cursor in = cursor_of(packed);
        size_t done = 0;
        while (cursor_left(&in) > 0) {
                uint8_t token = cursor_u8(&in);
                size_t literals = token >> 4, copy = token & 15;
                if (!lz4_length(&in, &literals) || literals > size - done)
                        return false;
                Str text = cursor_bytes(&in, literals);
                if (in.failed)
                        return false;
                if (literals > 0)
                        memcpy(into + done, text.data, literals);
                done += literals;
                if (cursor_left(&in) == 0)
                        break;
                size_t offset = cursor_u16(&in);
                if (in.failed || !lz4_length(&in, &copy))
                        return false;
                copy += 4;
                if (offset == 0 || offset > done || copy > size - done)
                        return false;
                for (size_t i = 0; i < copy; i++, done++)
                        into[done] = into[done - offset];
        }
        return done == size;
}

/* Blocks with both their sizes before each, most significant byte first; some writers leave these out. */
static bool unpack_lz4_hadoop(Str packed, char *into, size_t size) {
        Cursor in = cursor_of(packed);
        size_t done = 0;
        while (cursor_left(&in) > 0) {
                uint32_t unpacked = cursor_be32(&in), bytes = cursor_be32(&in);
                Str block = cursor_bytes(&in, bytes);
                if (in.failed || unpacked > size - done || !unpack_lz4(block, into + done, unpacked))
                        return unpack_lz4(packed, into, size);
                done += unpacked;
        }
        return done == size;
}

static bool unpack_none(Str packed, char *into, size_t size) {
        if (packed.size != size)
                return false;
        if (size > 0)
                memcpy(into, packed.data, size);
        return true;
}

static const struct {
        const char *name;
        bool (*unpack)(Str packed, char *into, size_t size);
} codecs[] = {
        { "none", unpack_none }, { "snappy", snappy_unpack }, { "gzip", unpack_gzip }, { "lzo", NULL },
        { "brotli", NULL },      { "lz4", unpack_lz4_hadoop }, { "zstd", unpack_zstd }, { "lz4_raw", unpack_lz4 },
};

static Status unpack(ParquetPages *pages, Str packed, char *into, size_t size, Error *err) {
        int codec = pages->chunk->codec;
        if (codec < 0 || codec >= (int)COUNT_OF(codecs) || !codecs[codec].unpack)
                return error_reason(err, PARQUET_CODEC, reason_text(codec >= 0 && codec < (int)COUNT_OF(codecs) ? str_of(codecs[codec].name) : STR("?")));
        if (size == 0) { /* some writers pack nothing into nothing, or into something that is none */
                pages->seen.odd |= !codecs[codec].unpack(packed, into, size);
                return STATUS_OK;
        }
        return codecs[codec].unpack(packed, into, size) ? STATUS_OK : damaged(err);
}

/* --- pages --- */

static bool is_sane(const Header *header) {
        int64_t levels = header->definition_size + header->repetition_size;
        return header->unpacked >= 0 && header->packed >= 0 && header->values >= 0 && header->definition_size >= 0 && header->repetition_size >= 0 &&
               header->definition_size <= PARQUET_PAGE_SIZE_MAX && header->repetition_size <= PARQUET_PAGE_SIZE_MAX &&
               (header->type != PAGE_DATA_2 || (levels <= header->packed && levels <= header->unpacked));
}

/* Some unpack gzip by hand, and know no more than its plain header. */
static bool is_odd_gzip(const ParquetPages *pages, Str packed) {
        return pages->chunk->codec == PARQUET_CODEC_GZIP && packed.size > 0 && !str_starts_with(packed, STR("\x1f\x8b\x08\0"));
}

/* Version 1: levels are packed with the values. Version 2: they stand before them as they are. */
static Status unpack_page(ParquetPages *pages, const Header *header, Str packed, ParquetPage *page, Error *err) {
        bool second = header->type == PAGE_DATA_2;
        size_t levels = second ? (size_t)(header->definition_size + header->repetition_size) : 0;
        size_t size = (size_t)header->unpacked;
        char *bytes = arena_alloc_raw(&page->arena, size + 16);
        memcpy(bytes, packed.data, levels);
        Str rest = str_slice(packed, levels, packed.size);
        if (second && !header->is_packed) {
                if (rest.size != size - levels)
                        return damaged(err);
                memcpy(bytes + levels, rest.data, rest.size);
        } else {
                TRY(unpack(pages, rest, bytes + levels, size - levels, err));
        }
        page->body = (Str){ bytes + levels, size - levels };
        page->has_levels = header->type == PARQUET_PAGE_DATA;
        page->repetitions = (Str){ bytes, second ? (size_t)header->repetition_size : 0 };
        page->definitions = (Str){ bytes + page->repetitions.size, second ? (size_t)header->definition_size : 0 };
        return STATUS_OK;
}

static Status take_page(ParquetPages *pages, const Header *header, ParquetPage **out, Error *err) {
        Str packed = str_slice(held(pages), 0, (size_t)header->packed);
        pages->seen.odd |= is_odd_gzip(pages, packed);
        if (header->has_crc && (uint32_t)crc32(0, (const Bytef *)packed.data, (uInt)packed.size) != header->crc)
                return damaged(err);
        ParquetPage *page = calloc(1, sizeof(*page));
        if (!page)
                out_of_memory();
        page->is_dictionary = header->type == PARQUET_PAGE_DICTIONARY;
        page->values = (uint32_t)header->values;
        page->encoding = (int)header->encoding;
        page->definition_encoding = (int)header->definition_encoding;
        page->repetition_encoding = (int)header->repetition_encoding;
        Status status = unpack_page(pages, header, packed, page, err);
        if (status != STATUS_OK) {
                parquet_page_free(page);
                return status;
        }
        pages->raw_at += packed.size;
        *out = page;
        return STATUS_OK;
}

static bool is_level_encoding(int64_t encoding) {
        return encoding == PARQUET_ENCODING_RLE || encoding == PARQUET_ENCODING_BIT_PACKED; /* the latter also where there are none */
}

static void note_page(ParquetPages *pages, const Header *header) {
        ParquetPageSeen page = { .body = (int64_t)(pages->at - held(pages).size),
                                 .packed = header->packed,
                                 .unpacked = header->unpacked,
                                 .values = header->values,
                                 .type = (int)header->type,
                                 .encoding = (int)header->encoding,
                                 .definition_encoding = (int)header->definition_encoding,
                                 .repetition_encoding = (int)header->repetition_encoding,
                                 .has_crc = header->has_crc,
                                 .crc = header->crc };
        buf_append(&pages->list, (Str){ (const char *)&page, sizeof(page) });
        pages->seen.pages = (const ParquetPageSeen *)pages->list.data;
        pages->seen.page_count++;
}

/* Its header was taken, and is sane. */
static void note_seen(ParquetPages *pages, const Header *header) {
        ParquetChunkSeen *seen = &pages->seen;
        bool is_first = seen->packed == 0;
        note_page(pages, header);
        seen->packed += (int64_t)header->size + header->packed;
        seen->unpacked += (int64_t)header->size + header->unpacked;
        seen->odd |= header->odd;
        seen->claims |= header->claims;
        if (header->type == PARQUET_PAGE_DICTIONARY && is_first) {
                seen->dictionary = seen->packed;
                seen->dictionary_encoding = (int)header->encoding;
        } else if (header->type == PARQUET_PAGE_DATA && header->encoding >= 0 && header->encoding < PARQUET_ENCODING_COUNT) {
                seen->data_pages[header->encoding]++;
                seen->values += header->values;
                seen->odd |= !is_level_encoding(header->definition_encoding) || !is_level_encoding(header->repetition_encoding);
        } else {
                seen->values += header->type == PAGE_DATA_2 || header->type == PARQUET_PAGE_DATA ? header->values : 0;
                seen->odd = true;
        }
}

void parquet_page_header(Buf *out, const ParquetPageSeen *page) {
        bool is_data = page->type == PARQUET_PAGE_DATA;
        ThriftWriter header = { .buf = out };
        thrift_i32(&header, 1, page->type);
        thrift_i32(&header, 2, (int32_t)page->unpacked);
        thrift_i32(&header, 3, (int32_t)page->packed);
        if (page->has_crc)
                thrift_i32(&header, 4, (int32_t)page->crc);
        thrift_begin(&header, is_data ? 5 : 7);
        thrift_i32(&header, 1, (int32_t)page->values);
        thrift_i32(&header, 2, page->encoding);
        if (is_data) {
                thrift_i32(&header, 3, page->definition_encoding);
                thrift_i32(&header, 4, page->repetition_encoding);
        }
        thrift_end(&header);
        thrift_end(&header);
}

Status parquet_pages_next(ParquetPages *pages, ParquetPage **out, Error *err) {
        *out = NULL;
        while (pages->seen.values < pages->chunk->values && (held(pages).size > 0 || pages->at < pages->end)) {
                Header header;
                TRY(take_header(pages, &header, err));
                if (!is_sane(&header))
                        return damaged(err);
                if (header.unpacked > PARQUET_PAGE_SIZE_MAX || header.packed > PARQUET_PAGE_SIZE_MAX || header.values > PARQUET_PAGE_VALUES_MAX)
                        return error_reason(err, PARQUET_PAGE_SIZE, reason_number(PARQUET_PAGE_SIZE_MAX >> 20), reason_number(PARQUET_PAGE_VALUES_MAX));
                TRY(fill(pages, (size_t)header.packed, err));
                if (held(pages).size < (size_t)header.packed)
                        return damaged(err);
                note_seen(pages, &header);
                if (header.type == PARQUET_PAGE_DATA || header.type == PAGE_DATA_2 || header.type == PARQUET_PAGE_DICTIONARY)
                        return take_page(pages, &header, out, err);
                pages->raw_at += (size_t)header.packed; /* an index, or what is not known */
        }
        return STATUS_OK;
}
