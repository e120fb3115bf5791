/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chunks are going to lie one behind the other, in order of group and column, and nothing between them: some readers tell which
 * part of a file a group belongs to by where its first chunk is. In most files they lie so, and then they are copied in one
 * piece. So each is described when its group was read, and `_file` and `_row`, which depend on the number of rows alone, are
 * written when all is known to be good.
 */
#include "parquet/adopt.h"

#include "base/file.h"
#include "base/vec.h"
#include "parquet/column.h"
#include "parquet/describe.h"
#include "parquet/memory.h"

#define GROUP_ROWS_MAX (4u << 20) /* `_row` of a group is held in memory */
#define GROUPS_MANY 16u           /* of so many, */
#define GROUP_BYTES_MIN (1 << 20) /* each should have so many bytes on average */
#define PLAIN_BYTES_MAX (1 << 20) /* of a chunk that is not packed */
#define DECIMAL_BYTES_MAX 16

/* Of the file; or if there are bytes, those. */
typedef struct Piece {
        int64_t from, size;
        Str bytes;
} Piece;

typedef struct Group {
        ParquetGroupInfo info;
        Str chunks; /* what describes those of the file */
} Group;

struct ParquetAdoption {
        Arena arena; /* of one file */
        const ParquetFooter *footer;
        ParquetColumnSpec *specs; /* with `_file` and `_row` behind them, and so the next */
        ParquetColumnInfo *infos;
        const ParquetNode **nodes;
        size_t count; /* of columns of the file */
        int64_t at;   /* where the next chunk, or what follows the last, begins */
        VEC(Piece) pieces;
        VEC(Group) groups;
        ParquetEncoder *encoder;
        ParquetColumn numbers; /* of `_file`, then of `_row` */
};

ParquetAdoption *parquet_adoption_new(void) {
        ParquetAdoption *adoption = must_alloc(calloc(1, sizeof(*adoption)));
        adoption->encoder = parquet_encoder_new();
        return adoption;
}

void parquet_adoption_free(ParquetAdoption *adoption) {
        if (!adoption)
                return;
        parquet_encoder_free(adoption->encoder);
        parquet_column_deinit(&adoption->numbers);
        arena_deinit(&adoption->arena);
        free(adoption);
}

/* ---- what can be taken ---- */

static bool is_plain_integer(const ParquetNode *node, ParquetPhysical physical) {
        bool narrow = node->bit_width < (physical == PARQUET_INT64 ? 64 : 32); /* unsigned, but no value is beyond the sign */
        return node->physical == physical && node->duration == 0 &&
               (node->logical == PARQUET_LOGICAL_NONE || (node->logical == PARQUET_LOGICAL_INTEGER && (node->is_signed || narrow)));
}

static bool is_of_micros(const ParquetNode *node, ParquetLogical logical) {
        return node->physical == PARQUET_INT64 && node->logical == logical && node->unit == PARQUET_MICROS && node->duration == 0;
}

static bool is_decimal(const ParquetNode *node, Type type) {
        if (node->logical != PARQUET_LOGICAL_DECIMAL || node->precision != type.precision || node->scale != type.scale)
                return false;
        return (node->physical == PARQUET_INT32 && type.precision <= 9) || (node->physical == PARQUET_INT64 && type.precision <= 18) ||
               (node->physical == PARQUET_FIXED && node->type_length >= parquet_decimal_length(type.precision) && node->type_length <= DECIMAL_BYTES_MAX);
}

static bool is_text(const ParquetNode *node) {
        return node->physical == PARQUET_BYTE_ARRAY && (node->logical == PARQUET_LOGICAL_STRING || node->logical == PARQUET_LOGICAL_ENUM ||
                                                        node->logical == PARQUET_LOGICAL_JSON || node->logical == PARQUET_LOGICAL_NONE);
}

bool parquet_can_adopt(const ParquetNode *node, Type type) {
        if (!node->is_leaf || parquet_definition_of(node) > 1 || parquet_repetition_of(node) > 0)
                return false;
        switch (type.kind) {
        case TYPE_BOOLEAN:
                return node->physical == PARQUET_BOOLEAN && node->logical == PARQUET_LOGICAL_NONE;
        case TYPE_INT:
                return is_plain_integer(node, PARQUET_INT32);
        case TYPE_BIGINT:
                return is_plain_integer(node, PARQUET_INT64);
        case TYPE_FLOAT:
        case TYPE_DOUBLE:
                return node->physical == (type.kind == TYPE_FLOAT ? PARQUET_FLOAT : PARQUET_DOUBLE);
        case TYPE_DECIMAL:
                return is_decimal(node, type);
        case TYPE_DATE:
                return node->physical == PARQUET_INT32 && node->logical == PARQUET_LOGICAL_DATE;
        case TYPE_TIME:
                return is_of_micros(node, PARQUET_LOGICAL_TIME);
        case TYPE_TIMESTAMP:
        case TYPE_TIMESTAMPTZ:
                return is_of_micros(node, PARQUET_LOGICAL_TIMESTAMP) && node->adjusted_to_utc == (type.kind == TYPE_TIMESTAMPTZ);
        case TYPE_UUID:
                return node->physical == PARQUET_FIXED && node->type_length == 16 && node->logical == PARQUET_LOGICAL_UUID;
        case TYPE_TEXT:
                return is_text(node);
        case TYPE_BINARY:
                return node->physical == PARQUET_BYTE_ARRAY && (node->logical == PARQUET_LOGICAL_NONE || node->logical == PARQUET_LOGICAL_BSON);
        default:
                return false;
        }
}

/* Encodings of version 1 alone: what reads Iceberg's files by vectors takes no others. */
bool parquet_is_odd(const ParquetChunkSeen *seen) {
        static const bool usual[PARQUET_ENCODING_COUNT] = {
                [PARQUET_ENCODING_PLAIN] = true, [PARQUET_ENCODING_PLAIN_DICTIONARY] = true, [PARQUET_ENCODING_RLE_DICTIONARY] = true
        };
        bool odd = seen->odd || (seen->dictionary > 0 && (seen->dictionary_encoding < 0 || seen->dictionary_encoding >= PARQUET_ENCODING_COUNT));
        for (int i = 0; i < PARQUET_ENCODING_COUNT && !odd; i++)
                odd = seen->data_pages[i] > 0 && !usual[i];
        return odd;
}

/* ---- the start ---- */

static const ParquetChunk *chunk_of(const ParquetAdoption *adoption, size_t group, size_t column) {
        return &adoption->footer->groups[group].chunks[adoption->nodes[column]->leaf];
}

/* Bytes of all pages; -1 where they are more than the file has, for chunks lie over each other. */
static int64_t extent_of(const ParquetAdoption *adoption) {
        int64_t sum = 0;
        for (size_t g = 0; g < adoption->footer->group_count; g++) {
                for (size_t i = 0; i < adoption->count; i++) {
                        sum += chunk_of(adoption, g, i)->compressed;
                        if (sum > adoption->footer->file_size)
                                return -1;
                }
        }
        return sum;
}

static void start_column(ParquetAdoption *adoption, size_t index, const ParquetAdopted *column) {
        Arena *arena = &adoption->arena;
        ParquetColumnInfo *info = &adoption->infos[index];
        const ParquetNode *node = column->node;
        Str *path = ARENA_NEW(arena, Str);
        *path = arena_str(arena, column->name);
        adoption->specs[index] = (ParquetColumnSpec){ *path, type_copy(arena, column->type), column->field_id };
        adoption->nodes[index] = node;
        parquet_column_info_start(info, adoption->specs[index].type, column->field_id, path, 1);
        if (!node)
                return;
        int length = node->physical == PARQUET_FIXED ? node->type_length : 0;
        info->has_bounds = info->physical == node->physical && info->fixed_length == length;
        info->physical = node->physical;
        info->fixed_length = length;
        info->is_required = parquet_definition_of(node) == 0;
}

bool parquet_adoption_start(ParquetAdoption *adoption, const ParquetFooter *footer, const ParquetAdopted *columns, size_t count) {
        arena_reset(&adoption->arena);
        memset(&adoption->pieces, 0, sizeof(adoption->pieces));
        memset(&adoption->groups, 0, sizeof(adoption->groups));
        adoption->footer = footer;
        adoption->count = count;
        adoption->specs = ARENA_ARRAY(&adoption->arena, ParquetColumnSpec, count + 2);
        adoption->infos = ARENA_ARRAY(&adoption->arena, ParquetColumnInfo, count + 2);
        adoption->nodes = ARENA_ARRAY(&adoption->arena, const ParquetNode *, count + 2);
        for (size_t i = 0; i < count; i++)
                start_column(adoption, i, &columns[i]);
        int64_t extent = extent_of(adoption);
        if (count == 0 || extent < 0 || (footer->group_count >= GROUPS_MANY && extent / GROUP_BYTES_MIN < (int64_t)footer->group_count))
                return false;
        adoption->at = (int64_t)PARQUET_MAGIC.size;
        return true;
}

/* ---- values ---- */

/* Pages leave room behind them, so the last text can be looked at eight bytes at a time. */
static bool bounds_of_bytes(ParquetBounds *part, Type type, const Str *values, size_t count) {
        if (type.kind != TYPE_DECIMAL) {
                for (size_t i = 0; i < count; i++)
                        parquet_bounds_add_text(part, values[i].data, values[i].size);
                return true;
        }
        for (size_t i = 0; i < count; i++) {
                Int128 value;
                if (!value_read_decimal(values[i], &value))
                        return false;
                part->min = !part->known || value < part->min ? value : part->min;
                part->max = !part->known || value > part->max ? value : part->max;
                part->known = true;
        }
        return true;
}

bool parquet_adoption_values(ParquetAdoption *adoption, size_t column, const ParquetValues *values) {
        ParquetColumnInfo *info = &adoption->infos[column];
        ParquetEncoded *chunk = &info->encoded;
        chunk->values += (int64_t)values->entries;
        chunk->nulls += (int64_t)(values->entries - values->count);
        if (values->count == 0)
                return true;
        ParquetBounds part = { .known = false };
        ParquetForm form = parquet_form(info->physical);
        if (form == PARQUET_FORM_INTS)
                parquet_bounds_of_int64s(&part, values->values.ints, values->count);
        else if (form == PARQUET_FORM_NUMBERS)
                chunk->nans += parquet_bounds_of_doubles(&part, values->values.numbers, values->count);
        else if (!bounds_of_bytes(&part, info->type, values->values.bytes, values->count))
                return false;
        parquet_bounds_merge(&chunk->bounds, &part);
        return true;
}

/* ---- the end of a group ---- */

static bool is_usual(const ParquetNode *node, const ParquetChunk *chunk, const ParquetEncoded *encoded, const ParquetChunkSeen *seen, int64_t rows) {
        bool packed = chunk->codec == PARQUET_CODEC_SNAPPY || chunk->codec == PARQUET_CODEC_GZIP || chunk->codec == PARQUET_CODEC_ZSTD;
        if (node->physical == PARQUET_BOOLEAN && seen->dictionary > 0)
                return false; /* which hardly a reader has */
        return !parquet_is_odd(seen) && seen->packed == chunk->compressed && seen->values == rows && chunk->values == rows && encoded->values == rows &&
               (packed || (chunk->codec == PARQUET_CODEC_NONE && chunk->compressed <= PLAIN_BYTES_MAX));
}

static void put_piece(ParquetAdoption *adoption, int64_t from, int64_t size) {
        Piece *last = adoption->pieces.count > 0 ? &adoption->pieces.items[adoption->pieces.count - 1] : NULL;
        if (last && last->bytes.size == 0 && last->from + last->size == from)
                last->size += size;
        else
                vec_push(&adoption->arena, &adoption->pieces, ((Piece){ .from = from, .size = size }));
        adoption->at += size;
}

static void put_page(ParquetAdoption *adoption, const ParquetPageSeen *page) {
        CLEANUP(buf_deinit) Buf header = { 0 };
        parquet_page_header(&header, page);
        vec_push(&adoption->arena, &adoption->pieces, ((Piece){ .bytes = buf_dup(&header, &adoption->arena) }));
        adoption->at += (int64_t)header.size;
        put_piece(adoption, page->body, page->packed);
}

/* The chunk's pages as they are; where their headers claim something, behind headers of our own. Its bytes, and those of a page
 * with the dictionary, are what they are then. */
static void place_chunk(ParquetAdoption *adoption, const ParquetChunk *chunk, const ParquetChunkSeen *seen, ParquetEncoded *encoded) {
        encoded->uncompressed = seen->unpacked;
        encoded->dictionary_size = (size_t)seen->dictionary;
        if (!seen->claims) {
                put_piece(adoption, chunk->offset, chunk->compressed);
                return;
        }
        int64_t start = adoption->at, unpacked = 0, packed = 0;
        for (size_t i = 0; i < seen->page_count; i++) {
                put_page(adoption, &seen->pages[i]);
                packed += seen->pages[i].packed;
                unpacked += seen->pages[i].unpacked;
                if (i == 0 && seen->dictionary > 0)
                        encoded->dictionary_size = (size_t)(adoption->at - start);
        }
        encoded->uncompressed = adoption->at - start - packed + unpacked;
}

bool parquet_adoption_group(ParquetAdoption *adoption, size_t index, const ParquetChunkSeen *const *seen) {
        CLEANUP(buf_deinit) Buf chunks = { 0 };
        CLEANUP(arena_deinit) Arena scratch = { 0 };
        Group group = { .info = { .rows = adoption->footer->groups[index].rows, .start = adoption->at } };
        if (group.info.rows > GROUP_ROWS_MAX)
                return false;
        for (size_t i = 0; i < adoption->count; i++) {
                ParquetColumnInfo *info = &adoption->infos[i];
                ParquetEncoded *encoded = &info->encoded;
                const ParquetChunk *chunk = chunk_of(adoption, index, i);
                if (!is_usual(adoption->nodes[i], chunk, encoded, seen[i], group.info.rows))
                        return false;
                int64_t place = adoption->at;
                place_chunk(adoption, chunk, seen[i], encoded);
                int64_t size = adoption->at - place;
                encoded->rows = group.info.rows;
                encoded->dictionary_encoding = seen[i]->dictionary_encoding;
                memcpy(encoded->data_pages, seen[i]->data_pages, sizeof(encoded->data_pages));
                encoded->codec = chunk->codec;
                parquet_describe_chunk(&chunks, info, place, size, &scratch);
                parquet_column_info_count(info, size);
                group.info.stored += size;
                group.info.unpacked += encoded->uncompressed;
                *encoded = (ParquetEncoded){ 0 };
        }
        group.chunks = buf_dup(&chunks, &adoption->arena);
        vec_push(&adoption->arena, &adoption->groups, group);
        return true;
}

/* ---- the file ---- */

/* From its first byte on, where the pages follow it: what begins at a block's beginning can be shared. */
static Status copy_pages(ParquetAdoption *adoption, int in, int out, const char *name, Error *err) {
        const int64_t begin = (int64_t)PARQUET_MAGIC.size;
        Piece *first = adoption->pieces.items;
        if (adoption->pieces.count > 0 && first->bytes.size == 0 && first->from == begin)
                *first = (Piece){ .from = 0, .size = first->size + begin };
        else
                TRY(fd_write_all(out, PARQUET_MAGIC, name, err));
        for (size_t i = 0; i < adoption->pieces.count; i++) {
                const Piece *piece = &adoption->pieces.items[i];
                TRY(fd_write_all(out, piece->bytes, name, err));
                TRY(fd_copy(in, piece->from, piece->size, out, name, err));
        }
        return STATUS_OK;
}

static void fill(ParquetColumn *column, int64_t first, int64_t step, int64_t rows) {
        parquet_column_clear(column);
        for (int64_t i = 0; i < rows; i++)
                parquet_column_int64(column, first + i * step);
}

/* One of the two columns of a group. */
static void put_numbers(ParquetAdoption *adoption, Group *group, size_t column, Buf *out, Buf *chunks) {
        CLEANUP(arena_deinit) Arena scratch = { 0 };
        ParquetColumnInfo *info = &adoption->infos[column];
        ParquetChunkMemory plain = { .plain_for = 1 }; /* a dictionary has no room for so many rows */
        parquet_encode(adoption->encoder, &adoption->numbers, 0, &plain, &info->encoded);
        Str pages = buf_view(&info->encoded.pages);
        parquet_describe_chunk(chunks, info, adoption->at + (int64_t)out->size, (int64_t)pages.size, &scratch);
        parquet_column_info_count(info, (int64_t)pages.size);
        group->info.stored += (int64_t)pages.size;
        group->info.unpacked += info->encoded.uncompressed;
        buf_append(out, pages);
}

static Status put_group(ParquetAdoption *adoption, Group *group, const ParquetAdopter *adopter, int64_t first, int out, Error *err) {
        CLEANUP(buf_deinit) Buf pages = { 0 };
        CLEANUP(buf_deinit) Buf chunks = { 0 };
        buf_append(&chunks, group->chunks);
        fill(&adoption->numbers, adopter->file, 0, group->info.rows);
        put_numbers(adoption, group, adoption->count, &pages, &chunks);
        fill(&adoption->numbers, first, 1, group->info.rows);
        put_numbers(adoption, group, adoption->count + 1, &pages, &chunks);
        group->chunks = buf_dup(&chunks, &adoption->arena);
        TRY(fd_write_all(out, buf_view(&pages), adopter->name, err));
        adoption->at += (int64_t)pages.size;
        return STATUS_OK;
}

static Status put_groups(ParquetAdoption *adoption, const ParquetAdopter *adopter, int out, Error *err) {
        int64_t most = 0, row = 1;
        for (size_t i = 0; i < adoption->groups.count; i++)
                most = adoption->groups.items[i].info.rows > most ? adoption->groups.items[i].info.rows : most;
        adoption->numbers.width = sizeof(int64_t);
        adoption->numbers.kind = TYPE_BIGINT;
        parquet_column_prepare(&adoption->numbers, (uint32_t)most);
        Status status = STATUS_OK;
        for (size_t i = 0; i < adoption->groups.count && status == STATUS_OK; i++) {
                status = put_group(adoption, &adoption->groups.items[i], adopter, row, out, err);
                row += adoption->groups.items[i].info.rows;
        }
        for (size_t i = 0; i < 2; i++)
                parquet_encoded_deinit(&adoption->infos[adoption->count + i].encoded);
        return status;
}

static Status put_footer(ParquetAdoption *adoption, int64_t rows, int out, const char *name, Error *err) {
        CLEANUP(buf_deinit) Buf groups = { 0 };
        CLEANUP(buf_deinit) Buf footer = { 0 };
        size_t columns = adoption->count + 2;
        for (size_t i = 0; i < adoption->groups.count; i++)
                parquet_describe_group(&groups, &adoption->groups.items[i].info, adoption->groups.items[i].chunks, columns, i);
        parquet_describe_file(&footer, adoption->specs, columns, adoption->infos, columns, rows, buf_view(&groups), adoption->groups.count, NULL, 0);
        TRY(fd_write_all(out, buf_view(&footer), name, err));
        adoption->at += (int64_t)footer.size;
        return STATUS_OK;
}

Status parquet_adoption_finish(ParquetAdoption *adoption, int in, int out, const ParquetAdopter *adopter, Arena *arena,
                               FileStatistics *statistics, Error *err) {
        const Type number = { .kind = TYPE_BIGINT };
        start_column(adoption, adoption->count, &(ParquetAdopted){ STR("_file"), number, adopter->file_field_id, NULL });
        start_column(adoption, adoption->count + 1, &(ParquetAdopted){ STR("_row"), number, adopter->row_field_id, NULL });
        TRY(copy_pages(adoption, in, out, adopter->name, err));
        TRY(put_groups(adoption, adopter, out, err));
        int64_t rows = 0;
        size_t count = adoption->groups.count;
        int64_t *splits = ARENA_ARRAY(arena, int64_t, count);
        for (size_t i = 0; i < count; i++) {
                rows += adoption->groups.items[i].info.rows;
                splits[i] = adoption->groups.items[i].info.start;
        }
        TRY(put_footer(adoption, rows, out, adopter->name, err));
        *statistics = (FileStatistics){ .rows = rows, .bytes = adoption->at, .split_offsets = splits, .split_count = count };
        parquet_tell_columns(adoption->infos, adoption->count + 2, arena, statistics);
        return STATUS_OK;
}
