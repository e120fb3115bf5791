/* SPDX-License-Identifier: Apache-2.0 */
#include "parquet/dictionary.h"

#include <assert.h>

#include "base/hash.h"
#include "parquet/memory.h"

#define TEXTS_MAX 32768u /* that there is room for: the limit is passed by a text or two, no more */
#define SLACK 8          /* bytes that may be read behind the last text */
#define SLOTS_MIN 1024u
#define SLOTS_MAX (2 * TEXTS_MAX)
#define PROOF_COUNT 2048u /* values to see before giving up for too many distinct ones */

ParquetDictionary *parquet_dictionary_new(uint32_t id_max) {
        ParquetDictionary *dictionary = must_alloc(calloc(1, sizeof(*dictionary)));
        dictionary->id_max = id_max;
        dictionary->ids = must_alloc(malloc(id_max * sizeof(*dictionary->ids)));
        dictionary->offsets = must_alloc(malloc(TEXTS_MAX * sizeof(*dictionary->offsets)));
        dictionary->slots = must_alloc(malloc(SLOTS_MAX * sizeof(*dictionary->slots)));
        dictionary->seed = random_u64();
        dictionary->mask = SLOTS_MIN - 1;
        parquet_dictionary_clear(dictionary);
        return dictionary;
}

void parquet_dictionary_free(ParquetDictionary *dictionary) {
        if (!dictionary)
                return;
        free(dictionary->ids);
        free(dictionary->data);
        free(dictionary->offsets);
        free(dictionary->slots);
        free(dictionary);
}

void parquet_dictionary_clear(ParquetDictionary *dictionary) {
        if (dictionary->capacity > 4 * PARQUET_DICTIONARY_BYTES) { /* one huge text */
                free(dictionary->data);
                dictionary->data = NULL;
                dictionary->capacity = 0;
        }
        dictionary->mask = SLOTS_MIN - 1;
        memset(dictionary->slots, 0, SLOTS_MIN * sizeof(*dictionary->slots));
        dictionary->count = 0;
        dictionary->size = 0;
        dictionary->newest_at = UINT32_MAX;
}

static inline uint64_t load64(const char *data) {
        uint64_t value;
        memcpy(&value, data, sizeof(value));
        return value;
}

static inline uint64_t load32(const char *data) {
        uint32_t value;
        memcpy(&value, data, sizeof(value));
        return value;
}

static inline uint64_t mix(uint64_t a, uint64_t b) {
        unsigned __int128 product = (unsigned __int128)a * b;
        return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Multiply and fold, 16 bytes a step; the ends overlap, so nothing beyond the text is read. */
static inline uint64_t hash_text(const char *data, size_t size, uint64_t seed) {
        static const uint64_t odd = 0x9e3779b97f4a7c15u, other = 0xd6e8feb86659fd93u;
        uint64_t hash = seed ^ size * odd;
        if (size > 16) {
                const char *last = data + size - 16;
                for (; data < last; data += 16)
                        hash = mix(load64(data) ^ hash, load64(data + 8) ^ other);
                return mix(load64(last) ^ hash, load64(last + 8) ^ odd);
        }
        if (size >= 8)
                return mix(load64(data) ^ hash, load64(data + size - 8) ^ other);
        if (size >= 4)
                return mix((load32(data) << 32 | load32(data + size - 4)) ^ hash, other);
        if (size > 0) {
                uint64_t ends = (uint64_t)(uint8_t)data[0] << 8 | (uint8_t)data[size - 1];
                return mix((ends << 8 | (uint8_t)data[size / 2]) ^ hash, other);
        }
        return mix(hash, other);
}

static inline bool same_bytes(const char *a, const char *b, size_t size) {
        if (size > 16)
                return memcmp(a, b, size) == 0;
        if (size >= 8)
                return load64(a) == load64(b) && load64(a + size - 8) == load64(b + size - 8);
        if (size >= 4)
                return load32(a) == load32(b) && load32(a + size - 4) == load32(b + size - 4);
        for (size_t i = 0; i < size; i++)
                if (a[i] != b[i])
                        return false;
        return true;
}

static inline uint32_t slot_tag(uint64_t hash) {
        return (uint32_t)(hash >> 48) << 16;
}

static void place_id(ParquetDictionary *dictionary, uint64_t hash, uint32_t id) {
        uint32_t at = (uint32_t)hash & dictionary->mask;
        while (dictionary->slots[at])
                at = (at + 1) & dictionary->mask;
        dictionary->slots[at] = slot_tag(hash) | (id + 1);
}

static void grow_slots(ParquetDictionary *dictionary) {
        dictionary->mask = dictionary->mask * 2 + 1;
        memset(dictionary->slots, 0, ((size_t)dictionary->mask + 1) * sizeof(*dictionary->slots));
        for (uint32_t id = 0; id < dictionary->count; id++) {
                Str text = parquet_dictionary_text(dictionary, id);
                place_id(dictionary, hash_text(text.data, text.size, dictionary->seed), id);
        }
}

static void store_text(ParquetDictionary *dictionary, const char *data, size_t size) {
        size_t needed = dictionary->size + sizeof(uint32_t) + size;
        if (needed + SLACK > dictionary->capacity) {
                dictionary->capacity = needed * 2 > 4096 ? needed * 2 : 4096;
                dictionary->data = must_alloc(realloc(dictionary->data, dictionary->capacity));
        }
        uint32_t length = (uint32_t)size;
        uint8_t *at = dictionary->data + dictionary->size;
        memcpy(at, &length, sizeof(length));
        if (size > 0)
                memcpy(at + sizeof(length), data, size);
        dictionary->offsets[dictionary->count++] = (uint32_t)dictionary->size;
        dictionary->size = needed;
}

void parquet_dictionary_add(ParquetDictionary *dictionary, uint32_t index, const char *data, size_t size) {
        uint64_t hash = hash_text(data, size, dictionary->seed);
        uint32_t tag = slot_tag(hash);
        uint32_t at = (uint32_t)hash & dictionary->mask;
        for (uint32_t slot; (slot = dictionary->slots[at]) != 0; at = (at + 1) & dictionary->mask) {
                if ((slot ^ tag) >> 16)
                        continue;
                uint32_t id = (slot & 0xffff) - 1;
                Str text = parquet_dictionary_text(dictionary, id);
                if (text.size == size && same_bytes(text.data, data, size)) {
                        dictionary->ids[index] = (uint16_t)id;
                        return;
                }
        }

        assert(dictionary->count < TEXTS_MAX);
        uint32_t id = dictionary->count;
        store_text(dictionary, data, size);
        dictionary->newest_at = index;
        dictionary->ids[index] = (uint16_t)id;
        if (dictionary->count * 2 > dictionary->mask && dictionary->mask + 1 < SLOTS_MAX)
                grow_slots(dictionary);
        else
                dictionary->slots[at] = tag | (id + 1);
}

void parquet_dictionary_cancel(ParquetDictionary *dictionary, uint32_t index) {
        if (dictionary->newest_at != index)
                return;

        /* the newest text: no other was ever placed past its slot, so that can simply be freed */
        uint32_t id = dictionary->count - 1;
        Str text = parquet_dictionary_text(dictionary, id);
        uint64_t hash = hash_text(text.data, text.size, dictionary->seed);
        uint32_t at = (uint32_t)hash & dictionary->mask;
        while ((dictionary->slots[at] & 0xffff) != id + 1)
                at = (at + 1) & dictionary->mask;
        dictionary->slots[at] = 0;
        dictionary->count--;
        dictionary->size = dictionary->offsets[id];
        dictionary->newest_at = UINT32_MAX;
}

bool parquet_dictionary_is_futile(const ParquetDictionary *dictionary, uint32_t value_count) {
        return dictionary->count > PARQUET_DICTIONARY_TEXTS || dictionary->size > PARQUET_DICTIONARY_BYTES ||
               (value_count >= PROOF_COUNT && dictionary->count > value_count / 4 * 3);
}
