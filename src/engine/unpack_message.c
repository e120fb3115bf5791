/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/unpack_message.h"

void archive_write(Buf *out, const Archive *archive) {
        buf_u8(out, archive->is_one);
        buf_u32(out, (uint32_t)archive->dropped);
        buf_u32(out, (uint32_t)archive->count);
        for (size_t i = 0; i < archive->count; i++) {
                buf_lstr(out, archive->members[i].name);
                buf_u64(out, archive->members[i].size);
        }
}

static bool is_safe(Str name, Arena *arena) {
        Str again;
        Error ignored;
        return archive_name(name, arena, &again, &ignored) == STATUS_OK && name.size > 0 && str_equal(name, again);
}

Status archive_read(Str bytes, Arena *arena, Archive *out, Error *err) {
        Cursor cursor = cursor_of(bytes);
        Archive archive = { .is_one = cursor_u8(&cursor) == 1 };
        archive.dropped = cursor_u32(&cursor);
        archive.count = cursor_count(&cursor, 12);
        archive.members = ARENA_ARRAY(arena, ArchiveMember, archive.count);
        bool safe = archive.count <= ARCHIVE_MEMBERS_MAX && (archive.is_one || archive.count + archive.dropped == 0);
        for (size_t i = 0; i < archive.count && safe; i++) {
                archive.members[i].name = arena_str(arena, cursor_str(&cursor));
                archive.members[i].size = (uint64_t)cursor_tally(&cursor);
                safe = is_safe(archive.members[i].name, arena);
        }
        if (cursor.failed || !safe || cursor_left(&cursor) > 0)
                return error_set(err, STATUS_CORRUPT, "a message about an archive breaks its format");
        *out = archive;
        return STATUS_OK;
}
