/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Levels of the page that is read come in small parts; each part's values are decoded right behind it. Pages whose bytes
 * values point into are kept until the next call.
 */
#include "parquet/leaf.h"

#include "base/reason.h"
#include "parquet/format.h"

#define LEVELS_AT_ONCE 1024u

struct ParquetLeaf {
        const ParquetNode *node;
        ParquetBytes bytes;
        ParquetPages pages;
        const ParquetChunk *chunk;
        uint8_t most_definition, most_repetition;
        ParquetPage *page, *older, *dictionary_page; /* older: a list */
        ParquetArray dictionary;
        uint32_t left; /* entries of the page whose levels are not read */
        ParquetRuns definition_runs, repetition_runs;
        uint32_t definition_part[LEVELS_AT_ONCE], repetition_part[LEVELS_AT_ONCE];
        size_t part_at, part_size; /* levels that are read and not yet handed out */
        ParquetDecoder decoder;
        uint8_t *definitions, *repetitions;
        ParquetArray values;
        size_t entries, count, entry_room, value_room;
};

uint8_t parquet_definition_of(const ParquetNode *node) {
        uint8_t level = 0;
        for (; node->parent; node = node->parent)
                level += node->repetition != PARQUET_REQUIRED;
        return level;
}

uint8_t parquet_repetition_of(const ParquetNode *node) {
        uint8_t level = 0;
        for (; node->parent; node = node->parent)
                level += node->repetition == PARQUET_REPEATED;
        return level;
}

ParquetLeaf *parquet_leaf_new(void) {
        ParquetLeaf *leaf = calloc(1, sizeof(*leaf));
        if (!leaf)
                out_of_memory();
        return leaf;
}

const ParquetChunkSeen *parquet_leaf_seen(const ParquetLeaf *leaf) {
        return &leaf->pages.seen;
}

static void free_older(ParquetLeaf *leaf) {
        while (leaf->older) {
                ParquetPage *page = leaf->older;
                leaf->older = page->next;
                parquet_page_free(page);
        }
}

static void drop_pages(ParquetLeaf *leaf) {
        free_older(leaf);
        parquet_page_free(leaf->page);
        parquet_page_free(leaf->dictionary_page);
        leaf->page = leaf->dictionary_page = NULL;
        leaf->left = 0;
        leaf->part_at = leaf->part_size = 0;
        leaf->decoder.dictionary = NULL;
        leaf->decoder.dictionary_count = 0;
        leaf->decoder.used = NULL;
}

void parquet_leaf_free(ParquetLeaf *leaf) {
        if (!leaf)
                return;
        drop_pages(leaf);
        parquet_pages_deinit(&leaf->pages);
        free(leaf->definitions);
        free(leaf->repetitions);
        free(leaf->values.ints);
        free(leaf->values.numbers);
        free(leaf->values.bytes);
        free(leaf);
}

void parquet_leaf_start(ParquetLeaf *leaf, const ParquetNode *node, ParquetBytes bytes) {
        drop_pages(leaf);
        leaf->node = node;
        leaf->bytes = bytes;
        leaf->most_definition = parquet_definition_of(node);
        leaf->most_repetition = parquet_repetition_of(node);
        leaf->value_room = 0; /* another kind of values */
}

void parquet_leaf_chunk(ParquetLeaf *leaf, const ParquetChunk *chunk) {
        drop_pages(leaf);
        leaf->chunk = chunk;
        parquet_pages_start(&leaf->pages, leaf->bytes, chunk);
}

static Status broken(const ParquetLeaf *leaf, Error *err) {
        return error_reason(err, PARQUET_PAGE, reason_text(str_slice(leaf->node->name, 0, 60)), reason_number(leaf->chunk->offset));
}

static Status decoded(const ParquetLeaf *leaf, ParquetDecoded how, Error *err) {
        if (how == PARQUET_DECODED)
                return STATUS_OK;
        if (how == PARQUET_NOT_READ)
                return error_reason(err, PARQUET_ENCODING, reason_text(str_slice(leaf->node->name, 0, 60)), reason_number(leaf->decoder.encoding));
        return how == PARQUET_TOO_BIG ? error_reason(err, PARQUET_VALUES, reason_text(str_slice(leaf->node->name, 0, 60))) : broken(leaf, err);
}

/* --- pages --- */

static void *more(void *old, size_t count, size_t size) {
        void *made = reallocarray(old, count, size);
        if (!made)
                out_of_memory();
        return made;
}

static int bits_of(uint8_t most) {
        int bits = 0;
        for (; most > 0; most >>= 1)
                bits++;
        return bits;
}

/* Levels of version 1 stand before the values, with their size but for the old encoding. False: cut. */
static bool take_levels(ParquetRuns *runs, Cursor *body, uint8_t most, int encoding, uint32_t values) {
        int width = bits_of(most);
        if (encoding == PARQUET_ENCODING_BIT_PACKED) {
                parquet_runs_start_old(runs, cursor_bytes(body, ((size_t)values * (size_t)width + 7) / 8), width);
                return !body->failed;
        }
        parquet_runs_start(runs, cursor_str(body), width);
        return !body->failed && encoding == PARQUET_ENCODING_RLE;
}

static Status start_page(ParquetLeaf *leaf, ParquetPage *page, Error *err) {
        Cursor body = cursor_of(page->body);
        parquet_runs_start(&leaf->repetition_runs, page->repetitions, bits_of(leaf->most_repetition));
        parquet_runs_start(&leaf->definition_runs, page->definitions, bits_of(leaf->most_definition));
        bool good = true;
        if (page->has_levels && leaf->most_repetition > 0)
                good = take_levels(&leaf->repetition_runs, &body, leaf->most_repetition, page->repetition_encoding, page->values);
        if (page->has_levels && leaf->most_definition > 0)
                good = good && take_levels(&leaf->definition_runs, &body, leaf->most_definition, page->definition_encoding, page->values);
        leaf->page = page;
        if (!good)
                return broken(leaf, err);
        leaf->left = page->values;
        bool old_levels = page->has_levels && leaf->most_definition > 0 && page->definition_encoding != PARQUET_ENCODING_RLE;
        leaf->pages.seen.odd |= page->values == 0 || old_levels;
        Str values = { (const char *)body.at, cursor_left(&body) };
        leaf->pages.seen.odd |= values.size == 0 && page->encoding != PARQUET_ENCODING_PLAIN; /* not even the width of ids, though all are NULL */
        return decoded(leaf, parquet_decoder_start(&leaf->decoder, leaf->node, page->encoding, values, page->values, &page->arena), err);
}

static Status take_dictionary(ParquetLeaf *leaf, ParquetPage *page, Error *err) {
        bool plain = page->encoding == PARQUET_ENCODING_PLAIN || page->encoding == PARQUET_ENCODING_PLAIN_DICTIONARY;
        bool repeated = leaf->dictionary_page != NULL;
        parquet_page_free(leaf->dictionary_page);
        leaf->dictionary_page = page;
        /* each takes a bit of the page or more, or the count is a lie */
        if (!plain || repeated || page->values > page->body.size * 8)
                return broken(leaf, err);
        ParquetForm form = parquet_form(leaf->node->physical);
        size_t count = page->values;
        leaf->dictionary = (ParquetArray){ 0 };
        if (form == PARQUET_FORM_INTS)
                leaf->dictionary.ints = ARENA_ARRAY(&page->arena, int64_t, count + 1);
        else if (form == PARQUET_FORM_NUMBERS)
                leaf->dictionary.numbers = ARENA_ARRAY(&page->arena, double, count + 1);
        else
                leaf->dictionary.bytes = ARENA_ARRAY(&page->arena, Str, count + 1);
        ParquetDecoder decoder = { 0 };
        ParquetDecoded how = parquet_decoder_start(&decoder, leaf->node, PARQUET_ENCODING_PLAIN, page->body, page->values, &page->arena);
        if (how == PARQUET_DECODED)
                how = parquet_decoder_read(&decoder, &leaf->dictionary, count);
        leaf->pages.seen.odd |= !parquet_decoder_is_exact(&decoder);
        leaf->decoder.dictionary = &leaf->dictionary;
        leaf->decoder.dictionary_count = (uint32_t)count;
        leaf->decoder.used = ARENA_ARRAY(&page->arena, bool, count + 1);
        return decoded(leaf, how, err);
}

/* The next page of data; *out_end when the chunk has none. */
static Status next_page(ParquetLeaf *leaf, bool *out_end, Error *err) {
        *out_end = false;
        if (leaf->page) {
                leaf->page->next = leaf->older;
                leaf->older = leaf->page;
                leaf->page = NULL;
        }
        while (!leaf->page) {
                ParquetPage *page;
                Status status = parquet_pages_next(&leaf->pages, &page, err);
                if (status != STATUS_OK)
                        return error_is_reason(err, REASON_PARQUET_DAMAGED) ? broken(leaf, err) : status;
                *out_end = page == NULL;
                if (!page)
                        return STATUS_OK;
                TRY(page->is_dictionary ? take_dictionary(leaf, page, err) : start_page(leaf, page, err));
        }
        return STATUS_OK;
}

/* --- records --- */

/* All levels and values of the page were read. */
static void end_page(ParquetLeaf *leaf) {
        bool exact = parquet_runs_are_exact(&leaf->definition_runs) && parquet_runs_are_exact(&leaf->repetition_runs) &&
                     parquet_decoder_is_exact(&leaf->decoder);
        bool last = leaf->pages.seen.values == leaf->chunk->values;
        leaf->pages.seen.odd |= !exact || (last && leaf->decoder.dictionary && memchr(leaf->decoder.used, false, leaf->decoder.dictionary_count));
}

static bool read_part(ParquetLeaf *leaf) {
        size_t size = leaf->left < LEVELS_AT_ONCE ? leaf->left : LEVELS_AT_ONCE;
        leaf->part_at = 0;
        leaf->part_size = size;
        leaf->left -= (uint32_t)size;
        return parquet_runs_read(&leaf->repetition_runs, leaf->repetition_part, size) &&
               parquet_runs_read(&leaf->definition_runs, leaf->definition_part, size);
}

static void reserve(ParquetLeaf *leaf, size_t entries, size_t values) {
        if (entries > leaf->entry_room) {
                leaf->entry_room = entries + entries / 2 + LEVELS_AT_ONCE;
                leaf->definitions = more(leaf->definitions, leaf->entry_room, 1);
                leaf->repetitions = more(leaf->repetitions, leaf->entry_room, 1);
        }
        if (values <= leaf->value_room)
                return;
        leaf->value_room = values + values / 2 + LEVELS_AT_ONCE;
        ParquetForm form = parquet_form(leaf->node->physical);
        if (form == PARQUET_FORM_INTS)
                leaf->values.ints = more(leaf->values.ints, leaf->value_room, sizeof(*leaf->values.ints));
        else if (form == PARQUET_FORM_NUMBERS)
                leaf->values.numbers = more(leaf->values.numbers, leaf->value_room, sizeof(*leaf->values.numbers));
        else
                leaf->values.bytes = more(leaf->values.bytes, leaf->value_room, sizeof(*leaf->values.bytes));
}

/* How many of the part's entries belong to the records that are still wanted; counts these down. */
static size_t entries_of(ParquetLeaf *leaf, size_t *records) {
        size_t at = leaf->part_at;
        for (; at < leaf->part_size; at++) {
                if (leaf->repetition_part[at] != 0)
                        continue;
                if (*records == 0)
                        break;
                (*records)--;
        }
        return at - leaf->part_at;
}

static Status take_entries(ParquetLeaf *leaf, size_t entries, Error *err) {
        size_t values = 0;
        reserve(leaf, leaf->entries + entries, leaf->count + entries);
        for (size_t i = 0; i < entries; i++) {
                uint32_t definition = leaf->definition_part[leaf->part_at + i], repetition = leaf->repetition_part[leaf->part_at + i];
                if (definition > leaf->most_definition || repetition > leaf->most_repetition || (leaf->entries + i == 0 && repetition != 0))
                        return broken(leaf, err);
                leaf->definitions[leaf->entries + i] = (uint8_t)definition;
                leaf->repetitions[leaf->entries + i] = (uint8_t)repetition;
                values += definition == leaf->most_definition;
        }
        ParquetArray at = { leaf->values.ints ? leaf->values.ints + leaf->count : NULL, leaf->values.numbers ? leaf->values.numbers + leaf->count : NULL,
                            leaf->values.bytes ? leaf->values.bytes + leaf->count : NULL };
        leaf->part_at += entries;
        leaf->entries += entries;
        leaf->count += values;
        return decoded(leaf, values > 0 ? parquet_decoder_read(&leaf->decoder, &at, values) : PARQUET_DECODED, err);
}

Status parquet_leaf_read(ParquetLeaf *leaf, size_t records, ParquetValues *out, Error *err) {
        free_older(leaf);
        leaf->entries = leaf->count = 0;
        bool end = false;
        while (!end) {
                if (leaf->part_at == leaf->part_size && leaf->left > 0 && !read_part(leaf))
                        return broken(leaf, err);
                if (leaf->part_at == leaf->part_size) {
                        if (records == 0 && leaf->most_repetition == 0)
                                break; /* the next page cannot go on with the last record */
                        TRY(next_page(leaf, &end, err));
                        continue;
                }
                size_t entries = entries_of(leaf, &records);
                if (entries > 0)
                        TRY(take_entries(leaf, entries, err));
                if (entries > 0 && leaf->part_at == leaf->part_size && leaf->left == 0)
                        end_page(leaf);
                if (leaf->part_at < leaf->part_size)
                        break;
                if (leaf->entries > PARQUET_RECORD_ENTRIES_MAX)
                        return error_reason(err, PARQUET_VALUES, reason_text(str_slice(leaf->node->name, 0, 60)));
        }
        if (records > 0)
                return broken(leaf, err);
        *out = (ParquetValues){ leaf->entries, leaf->count, leaf->definitions, leaf->repetitions, leaf->most_definition, leaf->values };
        return STATUS_OK;
}
