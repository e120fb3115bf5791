/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading manifests and manifest lists. Records are decoded by field id: each record type has a table of the ids that
 * are wanted; at the start of a file the table is laid over the writer's schema, and everything else is skipped.
 */
#include "iceberg/manifest.h"

#include "base/vec.h"
#include "iceberg/avro.h"

#define EXPECTED_MAX 65536                    /* entries for which room is made before they are read */
#define MANIFEST_MEMORY_MAX ((size_t)2 << 30) /* of one file, decoded */

typedef struct Decoder Decoder;
typedef struct Column Column;

/* What to do with the field of an id; at is an offset into the record, or whatever read makes of it. */
struct Column {
        int id;
        void (*read)(Decoder *decoder, const AvroNode *node, Cursor *cursor, void *record, size_t at);
        size_t at;
};

/* A table of columns laid over one record type of the writer's schema. */
typedef struct Layout {
        const AvroNode *node;   /* the record, or NULL if the writer has none */
        const Column **columns; /* for each of its fields; NULL = skip */
} Layout;

typedef struct ColumnSlot {
        uint32_t stamp, index;
} ColumnSlot;

struct Decoder {
        Arena *arena;
        bool broken; /* a value that cannot be */
        Layout entry, file, summary;
        /* statistics of the entry that is being read; slots find one by field id where the order does not help */
        VEC(ColumnStatistics) statistics;
        size_t last;
        ColumnSlot *slots;
        size_t slot_count;
        uint32_t stamp;
};

/* The record in a type: itself, or the branch of a union, or the item of an array. */
static const AvroNode *record_in(const AvroNode *node) {
        if (!node || node->kind == AVRO_RECORD)
                return node;
        if (node->kind == AVRO_ARRAY)
                return record_in(node->branches[0]);
        for (size_t i = 0; node->kind == AVRO_UNION && i < node->count; i++)
                if (node->branches[i]->kind == AVRO_RECORD || node->branches[i]->kind == AVRO_ARRAY)
                        return record_in(node->branches[i]);
        return NULL;
}

static const AvroNode *field_type(const AvroNode *record, int id) {
        for (size_t i = 0; record && i < record->count; i++)
                if (record->fields[i].id == id)
                        return record->fields[i].type;
        return NULL;
}

static Layout lay(Arena *arena, const AvroNode *node, const Column *table, size_t count) {
        Layout layout = { .node = node };
        if (!node)
                return layout;
        layout.columns = ARENA_ARRAY(arena, const Column *, node->count);
        for (size_t i = 0; i < node->count; i++)
                for (size_t c = 0; c < count; c++)
                        if (node->fields[i].id == table[c].id)
                                layout.columns[i] = &table[c];
        return layout;
}

static void read_record(Decoder *decoder, const Layout *layout, Cursor *cursor, void *record) {
        for (size_t i = 0; i < layout->node->count && !cursor->failed; i++) {
                const AvroNode *type = layout->node->fields[i].type;
                const Column *column = layout->columns[i];
                if (!column) {
                        avro_skip(type, cursor);
                        continue;
                }
                type = avro_branch(type, cursor);
                if (type->kind != AVRO_NULL)
                        column->read(decoder, type, cursor, record, column->at);
        }
}

/* ---- values ---- */

static void read_int64(Decoder *decoder UNUSED, const AvroNode *node, Cursor *cursor, void *record, size_t at) {
        int64_t value;
        if (avro_integer(node, cursor, &value))
                *(int64_t *)((char *)record + at) = value;
}

static void read_int32(Decoder *decoder, const AvroNode *node, Cursor *cursor, void *record, size_t at) {
        int64_t value;
        if (!avro_integer(node, cursor, &value))
                return;
        if (value < INT32_MIN || value > INT32_MAX)
                decoder->broken = true;
        else
                *(int *)((char *)record + at) = (int)value;
}

static void read_flag(Decoder *decoder UNUSED, const AvroNode *node, Cursor *cursor, void *record, size_t at) {
        int64_t value;
        if (avro_integer(node, cursor, &value))
                *(bool *)((char *)record + at) = value != 0;
}

static bool read_bytes(const AvroNode *node, Cursor *cursor, Str *out) {
        if (node->kind == AVRO_BYTES || node->kind == AVRO_STRING) {
                *out = avro_bytes(cursor);
                return true;
        }
        if (node->kind == AVRO_FIXED) {
                *out = cursor_bytes(cursor, (size_t)node->size);
                return true;
        }
        avro_skip(node, cursor);
        return false;
}

static void read_str(Decoder *decoder UNUSED, const AvroNode *node, Cursor *cursor, void *record, size_t at) {
        read_bytes(node, cursor, (Str *)(void *)((char *)record + at));
}

/* ---- manifest list ---- */

static void read_lower(Decoder *decoder UNUSED, const AvroNode *node, Cursor *cursor, void *record, size_t at UNUSED) {
        PartitionSummary *summary = record;
        summary->has_lower = read_bytes(node, cursor, &summary->lower);
}

static void read_upper(Decoder *decoder UNUSED, const AvroNode *node, Cursor *cursor, void *record, size_t at UNUSED) {
        PartitionSummary *summary = record;
        summary->has_upper = read_bytes(node, cursor, &summary->upper);
}

static const Column summary_columns[] = {
        { 509, read_flag, offsetof(PartitionSummary, contains_null) },
        { 518, read_int32, offsetof(PartitionSummary, contains_nan) },
        { 510, read_lower, 0 },
        { 511, read_upper, 0 },
};

static void read_summaries(Decoder *decoder, const AvroNode *node, Cursor *cursor, void *record, size_t at UNUSED) {
        ManifestFile *file = record;
        if (node->kind != AVRO_ARRAY || node->branches[0] != decoder->summary.node || node->branches[0]->empty) {
                avro_skip(node, cursor);
                return;
        }
        VEC(PartitionSummary) summaries = { 0 };
        for (int64_t left = avro_items(cursor); left > 0; left = avro_items(cursor)) {
                for (; left > 0 && !cursor->failed; left--) {
                        PartitionSummary summary = { .contains_null = true, .contains_nan = -1 };
                        read_record(decoder, &decoder->summary, cursor, &summary);
                        vec_push(decoder->arena, &summaries, summary);
                }
        }
        file->partitions = summaries.items;
        file->partition_count = summaries.count;
}

static const Column list_columns[] = {
        { 500, read_str, offsetof(ManifestFile, path) },
        { 501, read_int64, offsetof(ManifestFile, length) },
        { 502, read_int32, offsetof(ManifestFile, spec_id) },
        { 517, read_flag, offsetof(ManifestFile, is_deletes) },
        { 515, read_int64, offsetof(ManifestFile, sequence_number) },
        { 516, read_int64, offsetof(ManifestFile, min_sequence_number) },
        { 503, read_int64, offsetof(ManifestFile, added_snapshot_id) },
        { 504, read_int64, offsetof(ManifestFile, added_files) },
        { 505, read_int64, offsetof(ManifestFile, existing_files) },
        { 506, read_int64, offsetof(ManifestFile, deleted_files) },
        { 512, read_int64, offsetof(ManifestFile, added_rows) },
        { 513, read_int64, offsetof(ManifestFile, existing_rows) },
        { 514, read_int64, offsetof(ManifestFile, deleted_rows) },
        { 507, read_summaries, 0 },
};

/* Between blocks and records: one word for all that can be wrong. */
static Status check_state(const Decoder *decoder, const Cursor *cursor, const char *name, size_t start, Error *err) {
        if (cursor->failed || decoder->broken)
                return error_set(err, STATUS_CORRUPT, "%s: a record is cut or holds an impossible value", name);
        if (decoder->arena->total - start > MANIFEST_MEMORY_MAX)
                return error_set(err, STATUS_LIMIT, "%s: decodes to more than %zu bytes", name, MANIFEST_MEMORY_MAX);
        return STATUS_OK;
}

Status manifest_list_read(Str bytes, const char *name, Arena *arena, ManifestList *out, Error *err) {
        size_t start = arena->total;
        AvroReader reader;
        TRY(avro_open(bytes, name, arena, &reader, err));
        Decoder decoder = { .arena = arena };
        const AvroNode *root = record_in(reader.schema);
        if (!root || root != reader.schema || root->empty)
                return error_set(err, STATUS_CORRUPT, "%s: not a list of manifests", name);
        decoder.entry = lay(arena, root, list_columns, COUNT_OF(list_columns));
        decoder.summary = lay(arena, record_in(field_type(root, 507)), summary_columns, COUNT_OF(summary_columns));

        VEC(ManifestFile) manifests = { 0 };
        for (;;) {
                Cursor cursor;
                int64_t count;
                TRY(avro_next_block(&reader, &cursor, &count, err));
                if (count == 0)
                        break;
                for (; count > 0; count--) {
                        ManifestFile file = { .added_files = -1, .existing_files = -1, .deleted_files = -1,
                                              .added_rows = -1, .existing_rows = -1, .deleted_rows = -1,
                                              .added_snapshot_id = SNAPSHOT_NONE };
                        read_record(&decoder, &decoder.entry, &cursor, &file);
                        TRY(check_state(&decoder, &cursor, name, start, err));
                        if (file.path.size == 0)
                                return error_set(err, STATUS_CORRUPT, "%s: a manifest has no path", name);
                        vec_push(arena, &manifests, file);
                }
        }
        *out = (ManifestList){ manifests.items, manifests.count };
        return STATUS_OK;
}

/* ---- column statistics ---- */

typedef enum StatisticKind {
        STATISTIC_BYTES, STATISTIC_VALUES, STATISTIC_NULLS, STATISTIC_NANS, STATISTIC_LOWER, STATISTIC_UPPER,
} StatisticKind;

static size_t first_slot(const Decoder *decoder, int id) {
        return ((uint32_t)id * 2654435761u) & (decoder->slot_count - 1);
}

/* The slot of id, or the free one where it belongs. */
static ColumnSlot *slot_of(Decoder *decoder, int id) {
        size_t at = first_slot(decoder, id);
        while (decoder->slots[at].stamp == decoder->stamp &&
               decoder->statistics.items[decoder->slots[at].index].field_id != id)
                at = (at + 1) & (decoder->slot_count - 1);
        return &decoder->slots[at];
}

static void grow_slots(Decoder *decoder) {
        decoder->slot_count = decoder->slot_count ? decoder->slot_count * 2 : 64;
        decoder->slots = ARENA_ARRAY(decoder->arena, ColumnSlot, decoder->slot_count);
        for (size_t i = 0; i < decoder->statistics.count; i++)
                *slot_of(decoder, decoder->statistics.items[i].field_id) = (ColumnSlot){ decoder->stamp, (uint32_t)i };
}

/* Writers keep one order in all maps of an entry, so the next one is nearly always the right one. */
static ColumnStatistics *statistics_of(Decoder *decoder, int id) {
        size_t next = decoder->last + 1;
        if (next < decoder->statistics.count && decoder->statistics.items[next].field_id == id) {
                decoder->last = next;
                return &decoder->statistics.items[next];
        }
        if ((decoder->statistics.count + 1) * 2 > decoder->slot_count)
                grow_slots(decoder);
        ColumnSlot *slot = slot_of(decoder, id);
        if (slot->stamp != decoder->stamp) {
                *slot = (ColumnSlot){ decoder->stamp, (uint32_t)decoder->statistics.count };
                vec_push(decoder->arena, &decoder->statistics,
                         (ColumnStatistics){ .field_id = id, .values = -1, .nulls = -1, .nans = -1, .bytes = -1 });
        }
        decoder->last = slot->index;
        return &decoder->statistics.items[slot->index];
}

static void read_statistic(Decoder *decoder, StatisticKind kind, int id, const AvroNode *node, Cursor *cursor) {
        node = avro_branch(node, cursor);
        ColumnStatistics *statistics = statistics_of(decoder, id);
        if (kind == STATISTIC_LOWER) {
                statistics->has_lower = read_bytes(node, cursor, &statistics->lower);
                return;
        }
        if (kind == STATISTIC_UPPER) {
                statistics->has_upper = read_bytes(node, cursor, &statistics->upper);
                return;
        }
        int64_t value;
        if (!avro_integer(node, cursor, &value) || value < 0)
                value = -1; /* nonsense is unknown, never 0 */
        if (kind == STATISTIC_BYTES)
                statistics->bytes = value;
        else if (kind == STATISTIC_VALUES)
                statistics->values = value;
        else if (kind == STATISTIC_NULLS)
                statistics->nulls = value;
        else
                statistics->nans = value;
}

/* A map with whole numbers as keys: an array of records of key and value. */
static void read_statistics(Decoder *decoder, const AvroNode *node, Cursor *cursor, void *record UNUSED, size_t kind) {
        const AvroNode *pair = node->kind == AVRO_ARRAY ? node->branches[0] : NULL;
        if (!pair || pair->kind != AVRO_RECORD || pair->count != 2 || pair->empty) {
                avro_skip(node, cursor);
                return;
        }
        decoder->last = SIZE_MAX;
        for (int64_t left = avro_items(cursor); left > 0; left = avro_items(cursor)) {
                for (; left > 0 && !cursor->failed; left--) {
                        int64_t id;
                        if (!avro_integer(pair->fields[0].type, cursor, &id) || id < 0 || id > INT32_MAX) {
                                decoder->broken = true;
                                return;
                        }
                        read_statistic(decoder, (StatisticKind)kind, (int)id, pair->fields[1].type, cursor);
                }
        }
}

/* ---- manifest ---- */

/* A partition value becomes a single value, as bounds are. */
static PartitionValue read_partition_value(Decoder *decoder, const AvroNode *node, Cursor *cursor) {
        PartitionValue value = { 0 };
        int64_t number;
        node = avro_branch(node, cursor);
        switch (node->kind) {
        case AVRO_BOOLEAN:
                value.bytes = cursor_bytes(cursor, 1);
                return value;
        case AVRO_INT:
                number = avro_long(cursor);
                value.bytes = value_int32(decoder->arena, (int32_t)number);
                decoder->broken = decoder->broken || number != (int32_t)number;
                return value;
        case AVRO_LONG:
                value.bytes = value_int64(decoder->arena, avro_long(cursor));
                return value;
        case AVRO_FLOAT:
                value.bytes = cursor_bytes(cursor, 4);
                return value;
        case AVRO_DOUBLE:
                value.bytes = cursor_bytes(cursor, 8);
                return value;
        case AVRO_BYTES:
        case AVRO_STRING:
        case AVRO_FIXED:
                read_bytes(node, cursor, &value.bytes);
                break;
        case AVRO_NULL:
        case AVRO_ENUM:
        case AVRO_RECORD:
        case AVRO_ARRAY:
        case AVRO_MAP:
        case AVRO_UNION:
                avro_skip(node, cursor);
                value.is_null = true;
                return value;
        }
        Int128 unscaled;
        if (str_is(node->logical, "decimal") && value_read_decimal(value.bytes, &unscaled))
                value.bytes = value_decimal(decoder->arena, unscaled); /* fixed ones are padded; bounds are not */
        return value;
}

static void read_partition(Decoder *decoder, const AvroNode *node, Cursor *cursor, void *record, size_t at UNUSED) {
        DataFile *file = record;
        if (node->kind != AVRO_RECORD) {
                avro_skip(node, cursor);
                return;
        }
        file->partition = ARENA_ARRAY(decoder->arena, PartitionValue, node->count);
        file->partition_count = node->count;
        for (size_t i = 0; i < node->count && !cursor->failed; i++)
                file->partition[i] = read_partition_value(decoder, node->fields[i].type, cursor);
}

typedef VEC(int64_t) Integers;

static void read_integers(Decoder *decoder, const AvroNode *node, Cursor *cursor, Integers *out) {
        for (int64_t left = avro_items(cursor); left > 0; left = avro_items(cursor)) {
                for (; left > 0 && !cursor->failed; left--) {
                        int64_t value = 0;
                        avro_integer(node->branches[0], cursor, &value);
                        vec_push(decoder->arena, out, value);
                }
        }
}

/* An array that holds something; any other is passed over. */
static bool is_filled_array(const AvroNode *node, Cursor *cursor) {
        if (node->kind == AVRO_ARRAY && !node->branches[0]->empty)
                return true;
        avro_skip(node, cursor);
        return false;
}

static void read_split_offsets(Decoder *decoder, const AvroNode *node, Cursor *cursor, void *record, size_t at UNUSED) {
        DataFile *file = record;
        Integers offsets = { 0 };
        if (!is_filled_array(node, cursor))
                return;
        read_integers(decoder, node, cursor, &offsets);
        file->statistics.split_offsets = offsets.items;
        file->statistics.split_count = offsets.count;
}

static void read_equality_ids(Decoder *decoder, const AvroNode *node, Cursor *cursor, void *record, size_t at UNUSED) {
        DataFile *file = record;
        Integers ids = { 0 };
        if (!is_filled_array(node, cursor))
                return;
        read_integers(decoder, node, cursor, &ids);
        file->equality_ids = ARENA_ARRAY(decoder->arena, int, ids.count);
        for (size_t i = 0; i < ids.count; i++)
                file->equality_ids[i] = (int)ids.items[i];
        file->equality_count = ids.count;
}

static void read_content(Decoder *decoder, const AvroNode *node, Cursor *cursor, void *record, size_t at UNUSED) {
        int64_t value;
        if (!avro_integer(node, cursor, &value))
                return;
        if (value < CONTENT_DATA || value > CONTENT_EQUALITY_DELETES)
                decoder->broken = true;
        else
                ((DataFile *)record)->content = (FileContent)value;
}

static void read_sort_order(Decoder *decoder, const AvroNode *node, Cursor *cursor, void *record, size_t at UNUSED) {
        DataFile *file = record;
        read_int32(decoder, node, cursor, record, offsetof(DataFile, sort_order_id));
        file->has_sort_order = true;
}

static const Column file_columns[] = {
        { 134, read_content, 0 },
        { 100, read_str, offsetof(DataFile, path) },
        { 101, read_str, offsetof(DataFile, format) },
        { 102, read_partition, 0 },
        { 103, read_int64, offsetof(DataFile, statistics.rows) },
        { 104, read_int64, offsetof(DataFile, statistics.bytes) },
        { 108, read_statistics, STATISTIC_BYTES },
        { 109, read_statistics, STATISTIC_VALUES },
        { 110, read_statistics, STATISTIC_NULLS },
        { 137, read_statistics, STATISTIC_NANS },
        { 125, read_statistics, STATISTIC_LOWER },
        { 128, read_statistics, STATISTIC_UPPER },
        { 132, read_split_offsets, 0 },
        { 135, read_equality_ids, 0 },
        { 140, read_sort_order, 0 },
        { 143, read_str, offsetof(DataFile, referenced_data_file) },
        { 144, read_int64, offsetof(DataFile, content_offset) },
        { 145, read_int64, offsetof(DataFile, content_bytes) },
};

static void read_data_file(Decoder *decoder, const AvroNode *node, Cursor *cursor, void *record, size_t at UNUSED) {
        DataFile *file = &((ManifestEntry *)record)->file;
        if (node != decoder->file.node) {
                avro_skip(node, cursor);
                return;
        }
        decoder->statistics.count = 0;
        decoder->stamp++;
        read_record(decoder, &decoder->file, cursor, file);
        size_t size = decoder->statistics.count * sizeof(ColumnStatistics);
        file->statistics.columns = arena_alloc_raw(decoder->arena, size + 1);
        if (size > 0)
                memcpy(file->statistics.columns, decoder->statistics.items, size);
        file->statistics.column_count = decoder->statistics.count;
}

static void read_status(Decoder *decoder, const AvroNode *node, Cursor *cursor, void *record, size_t at UNUSED) {
        int64_t value;
        if (!avro_integer(node, cursor, &value))
                return;
        if (value < ENTRY_EXISTING || value > ENTRY_DELETED)
                decoder->broken = true;
        else
                ((ManifestEntry *)record)->status = (EntryStatus)value;
}

static const Column entry_columns[] = {
        { 0, read_status, 0 },
        { 1, read_int64, offsetof(ManifestEntry, snapshot_id) },
        { 3, read_int64, offsetof(ManifestEntry, sequence_number) },
        { 4, read_int64, offsetof(ManifestEntry, file_sequence_number) },
        { 2, read_data_file, 0 },
};

/* What is not written is the manifest's own (spec, "Sequence Number Inheritance"). */
static void inherit(ManifestEntry *entry, const ManifestFile *from) {
        if (entry->snapshot_id == SNAPSHOT_NONE)
                entry->snapshot_id = from->added_snapshot_id;
        if (entry->sequence_number < 0)
                entry->sequence_number = from->sequence_number;
        if (entry->file_sequence_number < 0)
                entry->file_sequence_number = from->sequence_number;
}

static void set_partition_ids(Manifest *manifest, const AvroNode *file, Arena *arena) {
        const AvroNode *partition = record_in(field_type(file, 102));
        if (!partition)
                return;
        int *ids = ARENA_ARRAY(arena, int, partition->count);
        for (size_t i = 0; i < partition->count; i++)
                ids[i] = partition->fields[i].id;
        manifest->partition_ids = ids;
        manifest->partition_count = partition->count;
}

static Status read_entry(Decoder *decoder, Cursor *cursor, const ManifestFile *from, const char *name, size_t start,
                         ManifestEntry *out, Error *err) {
        *out = (ManifestEntry){
                .snapshot_id = SNAPSHOT_NONE,
                .sequence_number = -1,
                .file_sequence_number = -1,
                .file = { .content = CONTENT_DATA, .statistics = { .rows = -1, .bytes = -1 } },
        };
        read_record(decoder, &decoder->entry, cursor, out);
        TRY(check_state(decoder, cursor, name, start, err));
        if (out->file.path.size == 0 || out->file.statistics.rows < 0 || out->file.statistics.bytes < 0)
                return error_set(err, STATUS_CORRUPT, "%s: an entry lacks the path, rows or size of its file", name);
        inherit(out, from);
        return STATUS_OK;
}

Status manifest_read(Str bytes, const ManifestFile *from, Arena *arena, Manifest *out, Error *err) {
        const char *name = arena_cstr(arena, from->path);
        size_t start = arena->total;
        AvroReader reader;
        TRY(avro_open(bytes, name, arena, &reader, err));
        const AvroNode *root = record_in(reader.schema);
        const AvroNode *file = root == reader.schema ? record_in(field_type(root, 2)) : NULL;
        if (!file || file->empty)
                return error_set(err, STATUS_CORRUPT, "%s: not a manifest", name);
        Decoder decoder = { .arena = arena };
        decoder.entry = lay(arena, root, entry_columns, COUNT_OF(entry_columns));
        decoder.file = lay(arena, file, file_columns, COUNT_OF(file_columns));

        /* The list says it too; version 1 without a list has only the header. */
        int64_t spec_id = from->spec_id;
        str_to_int64(avro_header(&reader, "partition-spec-id"), &spec_id);
        Manifest manifest = { .spec_id = (int)spec_id, .is_deletes = from->is_deletes };
        set_partition_ids(&manifest, file, arena);

        VEC(ManifestEntry) entries = { 0 };
        int64_t expected = from->added_files + from->existing_files + from->deleted_files;
        if (expected > 0 && expected <= EXPECTED_MAX) /* what the list says is only a hint */
                vec_reserve(arena, &entries, (size_t)expected);
        for (;;) {
                Cursor cursor;
                int64_t count;
                TRY(avro_next_block(&reader, &cursor, &count, err));
                if (count == 0)
                        break;
                for (; count > 0; count--) {
                        ManifestEntry entry;
                        TRY(read_entry(&decoder, &cursor, from, name, start, &entry, err));
                        vec_push(arena, &entries, entry);
                }
        }
        manifest.entries = entries.items;
        manifest.entry_count = entries.count;
        *out = manifest;
        return STATUS_OK;
}

/* ---- cache ---- */

typedef struct CachedFile {
        Arena arena;
        Manifest manifest;
        ManifestList list;
} CachedFile;

static void forget_all(Map *map) {
        for (size_t i = 0; i < map->count; i++) {
                CachedFile *cached = map->entries[i].value;
                arena_deinit(&cached->arena);
                free(cached);
        }
        *map = (Map){ 0 };
}

void manifest_cache_deinit(ManifestCache *cache) {
        forget_all(&cache->manifests);
        forget_all(&cache->lists);
        arena_deinit(&cache->keys);
        *cache = (ManifestCache){ 0 };
}

void manifest_cache_trim(ManifestCache *cache, size_t limit) {
        if (cache->bytes > limit)
                manifest_cache_deinit(cache);
}

static void cached_freep(CachedFile **cached) {
        if (*cached) {
                arena_deinit(&(*cached)->arena);
                free(*cached);
        }
}

static CachedFile *cached_new(void) {
        CachedFile *cached = calloc(1, sizeof(*cached));
        if (!cached)
                panic("no memory for a manifest");
        return cached;
}

static CachedFile *cache_get(ManifestCache *cache, Map *map, Str path) {
        if (!map->arena)
                map_init(map, &cache->keys);
        CachedFile *cached = map_get(map, path);
        *(cached ? &cache->hits : &cache->misses) += 1;
        return cached;
}

static void cache_put(ManifestCache *cache, Map *map, Str path, CachedFile *cached) {
        map_put(map, path, cached);
        cache->bytes += cached->arena.total;
}

static Status fetch(const IcebergSource *source, Str path, Arena *arena, Str *out, Error *err) {
        TRY(source->read(source->context, path, arena, out, err));
        if (out->size > MANIFEST_SIZE_MAX)
                return error_set(err, STATUS_LIMIT, "%.*s: more than %zu bytes", STR_ARG(path), MANIFEST_SIZE_MAX);
        return STATUS_OK;
}

static Status load_manifest(const IcebergSource *source, const ManifestFile *from, Arena *arena, Manifest *out,
                            Error *err) {
        /* The entries point into their manifest's path and bytes, so both live where they do. */
        ManifestFile copy = *from;
        copy.path = arena_str(arena, from->path);
        Str bytes;
        TRY(fetch(source, copy.path, arena, &bytes, err));
        return manifest_read(bytes, &copy, arena, out, err);
}

Status manifest_load(const IcebergSource *source, ManifestCache *cache, const ManifestFile *from, Arena *arena,
                     const Manifest **out, Error *err) {
        if (!cache) {
                Manifest *manifest = ARENA_NEW(arena, Manifest);
                TRY(load_manifest(source, from, arena, manifest, err));
                *out = manifest;
                return STATUS_OK;
        }
        CachedFile *known = cache_get(cache, &cache->manifests, from->path);
        if (!known) {
                CLEANUP(cached_freep) CachedFile *cached = cached_new();
                TRY(load_manifest(source, from, &cached->arena, &cached->manifest, err));
                cache_put(cache, &cache->manifests, from->path, cached);
                known = TAKE_PTR(cached);
        }
        *out = &known->manifest;
        return STATUS_OK;
}

static Status load_list(const IcebergSource *source, Str path, Arena *arena, ManifestList *out, Error *err) {
        Str bytes;
        TRY(fetch(source, path, arena, &bytes, err));
        return manifest_list_read(bytes, arena_cstr(arena, path), arena, out, err);
}

/* Version 1 may name manifests in the metadata; what a list would say of them is unknown. */
static ManifestList *list_of_names(const Snapshot *snapshot, Arena *arena) {
        ManifestList *list = ARENA_NEW(arena, ManifestList);
        if (!snapshot)
                return list;
        list->count = snapshot->manifest_count;
        list->manifests = ARENA_ARRAY(arena, ManifestFile, list->count);
        for (size_t i = 0; i < list->count; i++)
                list->manifests[i] = (ManifestFile){ .path = snapshot->manifests[i], .added_snapshot_id = snapshot->id,
                                                     .added_files = -1, .existing_files = -1, .deleted_files = -1,
                                                     .added_rows = -1, .existing_rows = -1, .deleted_rows = -1 };
        return list;
}

Status manifest_list_load(const IcebergSource *source, ManifestCache *cache, const Snapshot *snapshot, Arena *arena,
                          const ManifestList **out, Error *err) {
        if (!snapshot || snapshot->manifest_list.size == 0) {
                *out = list_of_names(snapshot, arena);
                return STATUS_OK;
        }
        if (!cache) {
                ManifestList *list = ARENA_NEW(arena, ManifestList);
                TRY(load_list(source, snapshot->manifest_list, arena, list, err));
                *out = list;
                return STATUS_OK;
        }
        CachedFile *known = cache_get(cache, &cache->lists, snapshot->manifest_list);
        if (!known) {
                CLEANUP(cached_freep) CachedFile *cached = cached_new();
                TRY(load_list(source, snapshot->manifest_list, &cached->arena, &cached->list, err));
                cache_put(cache, &cache->lists, snapshot->manifest_list, cached);
                known = TAKE_PTR(cached);
        }
        *out = &known->list;
        return STATUS_OK;
}
