/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever the bytes: an archive is refused with words or gives as many bytes as its members have, each under a name of its
 * own that is a safe one.
 */
#include "base/buf.h"
#include "base/map.h"
#include "frame/unpack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition, const char *what) {
        if (!condition)
                panic("%s", what);
}

static Status read_at(void *context, uint64_t offset, void *into, size_t size, size_t *out_got, Error *err) {
        const Str *bytes = context;
        (void)err;
        Str part = str_slice(*bytes, offset < bytes->size ? (size_t)offset : bytes->size, bytes->size);
        *out_got = part.size < size ? part.size : size;
        if (*out_got > 0)
                memcpy(into, part.data, *out_got);
        return STATUS_OK;
}

/* Both ways to the same bytes. */
typedef struct Both {
        Str whole, left;
} Both;

static Status both_read(void *context, void *into, size_t size, size_t *out_got, Error *err) {
        Both *both = context;
        Source source = source_of_bytes(&both->left);
        return source.read(source.context, into, size, out_got, err);
}

static Status both_read_at(void *context, uint64_t offset, void *into, size_t size, size_t *out_got, Error *err) {
        return read_at(&((Both *)context)->whole, offset, into, size, out_got, err);
}

static Status count(void *context, Str bytes, Error *err) {
        (void)err;
        *(uint64_t *)context += bytes.size;
        return STATUS_OK;
}

static void check(const Archive *archive, uint64_t written, Arena *arena) {
        Map names;
        map_init(&names, arena);
        uint64_t sum = 0;
        for (size_t i = 0; i < archive->count; i++) {
                Str name = archive->members[i].name, again;
                Error err;
                require(archive_name(name, arena, &again, &err) == STATUS_OK && str_equal(name, again), "a name is not safe");
                require(!map_has(&names, name), "two members of one name");
                map_put(&names, name, arena);
                sum += archive->members[i].size;
        }
        require(sum == written, "what was written is not what the members have");
        require(archive->is_one || archive->count + archive->dropped + written == 0, "something came of no archive");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        Both both = { { (const char *)data, size }, { (const char *)data, size } };
        Source source = { .read = both_read, .context = &both, .read_at = both_read_at, .size = size };
        uint64_t written = 0;
        Archive archive;
        Error err = { 0 };
        Status status = archive_unpack(source, (ArchiveSink){ count, &written }, &arena, &archive, &err);
        require(status == STATUS_OK || err.message[0], "refused without a word");
        if (status == STATUS_OK)
                check(&archive, written, &arena);
        return 0;
}
