/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Zip by its directory, which lies at the end: members are what the directory says, each read once, from its own bytes.
 * Sizes are checked before anything is unpacked, and what comes of a member is compared with its size and its sum.
 */
#include <zlib.h>

#include "base/reason.h"
#include "frame/archive_parts.h"

#define END_SIZE 22u
#define COMMENT_MAX 65535u
#define ENTRY_SIZE 46u
#define LOCAL_SIZE 30u
#define DIRECTORY_MAX (16u << 20)
#define UNIX 3
#define FLAG_ENCRYPTED 1u
#define FLAG_UTF8 0x800u
#define STORED 0
#define DEFLATED 8

typedef struct Entry {
        Str name;
        uint16_t flags, method;
        uint32_t crc;
        uint64_t packed, size, local; /* local: where its own header lies */
        bool is_folder, is_file;
} Entry;

typedef struct Zip {
        Unpacking *unpacking;
        Buf directory;
        VEC(Entry) entries;
        uint8_t *in, *out;
} Zip;

static uint64_t little(const char *data, size_t at, size_t size) {
        uint64_t value = 0;
        for (size_t i = size; i > 0; i--)
                value = value << 8 | (uint8_t)data[at + i - 1];
        return value;
}

static Status damaged(const Zip *zip) {
        return error_reason(zip->unpacking->err, ARCHIVE_DAMAGED);
}

bool archive_is_zip(Str head) {
        return str_starts_with(head, STR("PK\x03\x04")) || str_starts_with(head, STR("PK\x05\x06"));
}

static Status read_exactly(const Zip *zip, uint64_t at, void *into, size_t size) {
        const Source *source = &zip->unpacking->source;
        for (size_t done = 0; done < size;) {
                size_t got;
                if (at > source->size || size > source->size - at)
                        return damaged(zip);
                TRY(source->read_at(source->context, at + done, (char *)into + done, size - done, &got, zip->unpacking->err));
                if (got == 0)
                        return damaged(zip);
                done += got;
        }
        return STATUS_OK;
}

/* --- the directory --- */

typedef struct Place {
        uint64_t count, size, offset;
} Place;

/* Where an archive has more than the usual record can say, another lies before it. */
static Status find_large(const Zip *zip, uint64_t end, Place *place) {
        char locator[20], record[56];
        if (end < sizeof(locator))
                return STATUS_OK;
        TRY(read_exactly(zip, end - sizeof(locator), locator, sizeof(locator)));
        if (memcmp(locator, "PK\x06\x07", 4) != 0)
                return STATUS_OK;
        TRY(read_exactly(zip, little(locator, 8, 8), record, sizeof(record)));
        if (memcmp(record, "PK\x06\x06", 4) != 0)
                return damaged(zip);
        *place = (Place){ little(record, 32, 8), little(record, 40, 8), little(record, 48, 8) };
        return STATUS_OK;
}

static Status find_directory(const Zip *zip, Place *out) {
        uint64_t size = zip->unpacking->source.size;
        size_t most = END_SIZE + COMMENT_MAX, tail = size < most ? (size_t)size : most;
        CLEANUP(freep) char *bytes = malloc(tail + 1);
        if (!bytes)
                out_of_memory();
        TRY(read_exactly(zip, size - tail, bytes, tail));
        for (size_t at = tail >= END_SIZE ? tail - END_SIZE + 1 : 0; at-- > 0;) {
                if (memcmp(bytes + at, "PK\x05\x06", 4) != 0 || little(bytes, at + 20, 2) != tail - at - END_SIZE)
                        continue;
                *out = (Place){ little(bytes, at + 10, 2), little(bytes, at + 12, 4), little(bytes, at + 16, 4) };
                return find_large(zip, size - tail + at, out);
        }
        return damaged(zip);
}

/* Sizes and places over 4 GB stand in a field of their own, only those that the entry has no room for. */
static bool take_large(Str extra, Entry *entry) {
        while (extra.size >= 4) {
                size_t kind = (size_t)little(extra.data, 0, 2), size = (size_t)little(extra.data, 2, 2);
                if (size > extra.size - 4)
                        return false;
                Str data = str_slice(extra, 4, 4 + size);
                extra = str_slice(extra, 4 + size, extra.size);
                if (kind != 1)
                        continue;
                uint64_t *const values[] = { &entry->size, &entry->packed, &entry->local };
                for (size_t i = 0, at = 0; i < COUNT_OF(values); i++) {
                        if (*values[i] != UINT32_MAX)
                                continue;
                        if (data.size < at + 8)
                                return false;
                        *values[i] = little(data.data, at, 8);
                        at += 8;
                }
        }
        return true;
}

/* Names are UTF-8, or what the first such program had: the letters of its computer. */
static Str decode_name(Str raw, uint16_t flags, Arena *arena) {
        if ((flags & FLAG_UTF8) || utf8_valid(raw))
                return raw;
        char *text = arena_alloc_raw(arena, raw.size * ENCODING_GROWTH + 1);
        size_t size;
        encoding_decode(encoding_find(STR("cp437")), raw, true, text, &size);
        return (Str){ text, size };
}

static Status read_entry(Zip *zip, Str *rest) {
        const char *data = rest->data;
        if (rest->size < ENTRY_SIZE || memcmp(data, "PK\x01\x02", 4) != 0)
                return damaged(zip);
        size_t name = (size_t)little(data, 28, 2), extra = (size_t)little(data, 30, 2), comment = (size_t)little(data, 32, 2);
        if (rest->size < ENTRY_SIZE + name + extra + comment)
                return damaged(zip);
        Entry entry = { .flags = (uint16_t)little(data, 8, 2),
                        .method = (uint16_t)little(data, 10, 2),
                        .crc = (uint32_t)little(data, 16, 4),
                        .packed = little(data, 20, 4),
                        .size = little(data, 24, 4),
                        .local = little(data, 42, 4) };
        entry.name = decode_name(str_slice(*rest, ENTRY_SIZE, ENTRY_SIZE + name), entry.flags, zip->unpacking->arena);
        if (!take_large(str_slice(*rest, ENTRY_SIZE + name, ENTRY_SIZE + name + extra), &entry))
                return damaged(zip);
        uint32_t mode = data[5] == UNIX ? (uint32_t)little(data, 40, 2) : 0;
        entry.is_folder = str_ends_with(entry.name, STR("/"));
        entry.is_file = (mode & 0170000) == 0 || (mode & 0170000) == 0100000;
        vec_push(zip->unpacking->arena, &zip->entries, entry);
        *rest = str_slice(*rest, ENTRY_SIZE + name + extra + comment, rest->size);
        return STATUS_OK;
}

static Status read_directory(Zip *zip) {
        Place place;
        TRY(find_directory(zip, &place));
        if (place.count > 2 * ARCHIVE_MEMBERS_MAX || place.size > DIRECTORY_MAX)
                return error_reason(zip->unpacking->err, ARCHIVE_MEMBERS, reason_number(ARCHIVE_MEMBERS_MAX));
        char *bytes = buf_reserve(&zip->directory, (size_t)place.size);
        TRY(read_exactly(zip, place.offset, bytes, (size_t)place.size));
        buf_added(&zip->directory, (size_t)place.size);
        Str rest = buf_view(&zip->directory);
        for (uint64_t i = 0; i < place.count; i++)
                TRY(read_entry(zip, &rest));
        return STATUS_OK;
}

/* Office programs' files have their list of parts, or their kind, as a member of a fixed name. */
static bool is_document(const Zip *zip) {
        for (size_t i = 0; i < zip->entries.count; i++) {
                Str name = zip->entries.items[i].name;
                if (str_equal_nocase(name, STR("[Content_Types].xml")) || (i == 0 && str_is(name, "mimetype")))
                        return true;
        }
        return false;
}

/* --- members --- */

/* Members that share bytes are a way to make much of little. */
static Status check_entries(const Zip *zip) {
        uint64_t packed = 0;
        for (size_t i = 0; i < zip->entries.count; i++) {
                const Entry *entry = &zip->entries.items[i];
                Error *err = zip->unpacking->err;
                if (entry->flags & FLAG_ENCRYPTED)
                        return error_reason(err, ARCHIVE_ENCRYPTED, reason_text(entry->name));
                if (!entry->is_folder && !entry->is_file)
                        return error_reason(err, ARCHIVE_KIND, reason_text(entry->name));
                if (!entry->is_folder && entry->method != STORED && entry->method != DEFLATED)
                        return error_reason(err, ARCHIVE_METHOD, reason_text(entry->name), reason_number(entry->method));
                packed += entry->packed;
                if (entry->packed > zip->unpacking->source.size || packed > zip->unpacking->source.size)
                        return damaged(zip);
        }
        return STATUS_OK;
}

static Status put(const Zip *zip, const uint8_t *bytes, size_t size, uint32_t *crc, bool dropped) {
        *crc = (uint32_t)crc32(*crc, bytes, (uInt)size);
        if (dropped || size == 0)
                return STATUS_OK;
        return zip->unpacking->sink.write(zip->unpacking->sink.context, (Str){ (const char *)bytes, size }, zip->unpacking->err);
}

static Status copy_stored(const Zip *zip, const Entry *entry, uint64_t at, uint32_t *crc, bool dropped) {
        if (entry->packed != entry->size)
                return damaged(zip);
        for (uint64_t done = 0; done < entry->size;) {
                size_t part = entry->size - done < ARCHIVE_BLOCK ? (size_t)(entry->size - done) : ARCHIVE_BLOCK;
                TRY(read_exactly(zip, at + done, zip->in, part));
                TRY(put(zip, zip->in, part, crc, dropped));
                done += part;
        }
        return STATUS_OK;
}

static Status inflate_all(const Zip *zip, const Entry *entry, uint64_t at, z_stream *stream, uint32_t *crc, bool dropped) {
        uint64_t left = entry->packed, made = 0;
        for (int code = Z_OK; code != Z_STREAM_END;) {
                if (stream->avail_in == 0 && left > 0) {
                        size_t part = left < ARCHIVE_BLOCK ? (size_t)left : ARCHIVE_BLOCK;
                        TRY(read_exactly(zip, at + (entry->packed - left), zip->in, part));
                        left -= part;
                        stream->next_in = zip->in;
                        stream->avail_in = (uInt)part;
                }
                stream->next_out = zip->out;
                stream->avail_out = ARCHIVE_BLOCK;
                code = inflate(stream, Z_NO_FLUSH);
                size_t got = ARCHIVE_BLOCK - stream->avail_out;
                bool goes_on = code == Z_OK && (got > 0 || stream->avail_in > 0 || left > 0);
                made += got;
                if ((code != Z_STREAM_END && !goes_on) || made > entry->size)
                        return damaged(zip);
                TRY(put(zip, zip->out, got, crc, dropped));
        }
        return made == entry->size && left == 0 && stream->avail_in == 0 ? STATUS_OK : damaged(zip);
}

static Status inflate_entry(const Zip *zip, const Entry *entry, uint64_t at, uint32_t *crc, bool dropped) {
        z_stream stream = { 0 };
        if (inflateInit2(&stream, -MAX_WBITS) != Z_OK)
                out_of_memory();
        Status status = inflate_all(zip, entry, at, &stream, crc, dropped);
        inflateEnd(&stream);
        return status;
}

static Status take_entry(const Zip *zip, const Entry *entry) {
        char local[LOCAL_SIZE];
        bool dropped;
        uint32_t crc = 0;
        TRY(unpacking_member(zip->unpacking, entry->name, entry->size, &dropped));
        TRY(read_exactly(zip, entry->local, local, sizeof(local)));
        if (memcmp(local, "PK\x03\x04", 4) != 0)
                return damaged(zip);
        uint64_t at = entry->local + LOCAL_SIZE + little(local, 26, 2) + little(local, 28, 2);
        TRY(entry->method == STORED ? copy_stored(zip, entry, at, &crc, dropped) : inflate_entry(zip, entry, at, &crc, dropped));
        return crc == entry->crc ? STATUS_OK : damaged(zip);
}

static Status check_sizes(const Zip *zip) {
        Unpacking sum = *zip->unpacking;
        for (size_t i = 0; i < zip->entries.count; i++) {
                uint64_t size = zip->entries.items[i].size;
                sum.bytes = size > UINT64_MAX - sum.bytes ? UINT64_MAX : sum.bytes + size;
        }
        return unpacking_check_size(&sum, zip->unpacking->source.size);
}

static Status unzip(Zip *zip, bool *out_is_one) {
        TRY(read_directory(zip));
        *out_is_one = !is_document(zip);
        if (!*out_is_one)
                return STATUS_OK;
        TRY(check_entries(zip));
        TRY(check_sizes(zip));
        for (size_t i = 0; i < zip->entries.count; i++) {
                if (!zip->entries.items[i].is_folder)
                        TRY(take_entry(zip, &zip->entries.items[i]));
        }
        return STATUS_OK;
}

Status archive_unzip(Unpacking *unpacking, bool *out_is_one) {
        CLEANUP(freep) uint8_t *blocks = malloc(2 * ARCHIVE_BLOCK);
        if (!blocks)
                out_of_memory();
        Zip zip = { .unpacking = unpacking, .in = blocks, .out = blocks + ARCHIVE_BLOCK };
        Status status = unzip(&zip, out_is_one);
        buf_deinit(&zip.directory);
        return status;
}
