/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * ParquetDictionary: the distinct texts of one column in one row group, in order of arrival, as the plain bytes
 * of the dictionary page, with the id of each value. Filled by the thread that appends. Internal to this room.
 *
 * Ids take 16 bits. Eight bytes behind the last text may be read. The hash is seeded by random bytes, so that
 * nobody can prepare texts that collide.
 */
#include "base/str.h"

#define PARQUET_DICTIONARY_TEXTS 24576u /* more distinct texts than that are not worth it */
#define PARQUET_DICTIONARY_BYTES (1u << 20)

typedef struct ParquetDictionary {
        uint16_t *ids;   /* one per value that is not null */
        uint32_t id_max; /* room in ids */
        uint8_t *data;   /* a length (u32) and bytes each */
        size_t size, capacity;
        uint32_t *offsets;  /* where each text begins in data */
        uint32_t *slots;    /* 0 = free, else the hash's upper 16 bits and 1 + id */
        uint32_t mask;      /* slots in use - 1 */
        uint32_t count;     /* of texts */
        uint32_t newest_at; /* which value brought the newest text */
        uint64_t seed;
} ParquetDictionary;

/* id_max: values that a row group may have. */
ParquetDictionary *parquet_dictionary_new(uint32_t id_max);
void parquet_dictionary_free(ParquetDictionary *dictionary);
void parquet_dictionary_clear(ParquetDictionary *dictionary);
/* Sets ids[index]. index is the number of values before this one. */
void parquet_dictionary_add(ParquetDictionary *dictionary, uint32_t index, const char *data, size_t size);
/* Takes back the value added last, which has that index. */
void parquet_dictionary_cancel(ParquetDictionary *dictionary, uint32_t index);
/* Whether it is past its limits, or so many values show that most are distinct. */
bool parquet_dictionary_is_futile(const ParquetDictionary *dictionary, uint32_t value_count);

static inline Str parquet_dictionary_text(const ParquetDictionary *dictionary, uint32_t id) {
        const uint8_t *at = dictionary->data + dictionary->offsets[id];
        uint32_t size;
        memcpy(&size, at, sizeof(size));
        return (Str){ (const char *)at + sizeof(size), size };
}
