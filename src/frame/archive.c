/* SPDX-License-Identifier: Apache-2.0 */
#include "frame/unpack.h"

#include "base/reason.h"
#include "frame/archive_parts.h"
#include "frame/decompress.h"

#define TAR_BLOCK 512u
#define TAR_LONG_MAX (64u << 10) /* bytes of a long name or a pax header */
#define BOMB_BYTES (1ull << 30)
#define BOMB_RATIO 1000u

/* --- names --- */

static bool is_dropped(Str part) {
        static const char *const own[] = { "__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini" };
        for (size_t i = 0; i < COUNT_OF(own); i++) {
                if (str_is(part, own[i]))
                        return true;
        }
        return false;
}

static bool is_clean(Str name) {
        for (size_t i = 0; i < name.size; i++) {
                if ((uint8_t)name.data[i] < 0x20 || name.data[i] == 0x7f)
                        return false;
        }
        return name.size > 0 && name.size <= ARCHIVE_NAME_MAX && utf8_valid(name);
}

/* Names that discovery takes for half-written files are told apart from them. */
static Str seen_part(Str part, Arena *arena) {
        static const char *const endings[] = { ".tmp", ".part", ".filepart" };
        if (part.data[0] == '.')
                part = arena_strf(arena, "_%.*s", STR_ARG(part));
        for (size_t i = 0; i < COUNT_OF(endings); i++) {
                if (str_ends_with(part, str_of(endings[i])))
                        return arena_strf(arena, "%.*s_", STR_ARG(part));
        }
        return part;
}

Status archive_name(Str as_written, Arena *arena, Str *out, Error *err) {
        *out = STR("");
        if (!is_clean(as_written))
                return error_reason(err, ARCHIVE_NAME, reason_text(as_written));
        char *copy = arena_cstr(arena, as_written);
        for (size_t i = 0; i < as_written.size; i++) {
                if (copy[i] == '\\')
                        copy[i] = '/';
        }
        if (copy[0] == '/' || (as_written.size > 1 && copy[1] == ':'))
                return error_reason(err, ARCHIVE_OUTSIDE, reason_text(as_written));
        Str rest = { copy, as_written.size }, part, name = STR("");
        for (int depth = 0; rest.size > 0;) {
                str_cut(rest, '/', &part, &rest);
                if (part.size == 0 || str_is(part, "."))
                        continue;
                if (str_is(part, ".."))
                        return error_reason(err, ARCHIVE_OUTSIDE, reason_text(as_written));
                if (is_dropped(part)) {
                        *out = STR("");
                        return STATUS_OK;
                }
                if (++depth > ARCHIVE_DEPTH_MAX || part.size > 200)
                        return error_reason(err, ARCHIVE_NAME, reason_text(as_written));
                part = seen_part(part, arena);
                name = name.size ? arena_strf(arena, "%.*s/%.*s", STR_ARG(name), STR_ARG(part)) : part;
        }
        if (name.size == 0)
                return error_reason(err, ARCHIVE_NAME, reason_text(as_written));
        *out = name;
        return STATUS_OK;
}

/* --- members --- */

Status unpacking_member(Unpacking *unpacking, Str as_written, uint64_t size, bool *out_dropped) {
        Str name;
        TRY(archive_name(as_written, unpacking->arena, &name, unpacking->err));
        *out_dropped = name.size == 0;
        if (*out_dropped) {
                unpacking->dropped++;
                return STATUS_OK;
        }
        if (unpacking->members.count == ARCHIVE_MEMBERS_MAX)
                return error_reason(unpacking->err, ARCHIVE_MEMBERS, reason_number(ARCHIVE_MEMBERS_MAX));
        if (map_has(&unpacking->names, name))
                return error_reason(unpacking->err, ARCHIVE_TWICE, reason_text(name));
        map_put(&unpacking->names, name, unpacking);
        vec_push(unpacking->arena, &unpacking->members, (ArchiveMember){ arena_str(unpacking->arena, name), size });
        unpacking->bytes += size;
        return STATUS_OK;
}

Status unpacking_check_size(const Unpacking *unpacking, uint64_t archive_size) {
        if (unpacking->bytes > BOMB_BYTES && unpacking->bytes / BOMB_RATIO > archive_size)
                return error_reason(unpacking->err, PACKED_BOMB, reason_number(BOMB_RATIO), reason_number(BOMB_BYTES >> 30));
        return STATUS_OK;
}

/* --- tar --- */

typedef struct Tar {
        Unpacking *unpacking;
        Input *input;
        char header[TAR_BLOCK];
        char *block;
        Str long_name;    /* of the member that follows; empty: its own */
        bool has_size;    /* a pax header says it */
        uint64_t size;
} Tar;

static Status cut_short(const Tar *tar) {
        return error_reason(tar->unpacking->err, ARCHIVE_CUT);
}

static Status read_block(Tar *tar) {
        size_t got;
        TRY(input_read(tar->input, tar->header, TAR_BLOCK, &got, tar->unpacking->err));
        return got == TAR_BLOCK ? STATUS_OK : cut_short(tar);
}

static Str field_of(const Tar *tar, size_t at, size_t size) {
        return (Str){ tar->header + at, strnlen(tar->header + at, size) };
}

/* Octal digits between blanks, or a number in base 256 that begins with a set bit. */
static bool number_at(const Tar *tar, size_t at, size_t size, uint64_t *out) {
        const uint8_t *bytes = (const uint8_t *)tar->header + at;
        uint64_t value = 0;
        size_t i = 0;
        if (bytes[0] & 0x80) {
                for (value = bytes[0] & 0x7f, i = 1; i < size; i++) {
                        if (value >> 55)
                                return false;
                        value = value << 8 | bytes[i];
                }
                *out = value;
                return true;
        }
        while (i < size && bytes[i] == ' ')
                i++;
        for (; i < size && bytes[i] >= '0' && bytes[i] <= '7'; i++)
                value = value << 3 | (bytes[i] - '0');
        *out = value;
        return i == size || bytes[i] == 0 || bytes[i] == ' ';
}

/* The sum of the header's bytes, its own place counted as blanks; old programs summed signed bytes. */
static bool sum_is_right(const Tar *tar) {
        uint64_t wanted;
        int64_t sum = 0, signed_sum = 0;
        for (size_t i = 0; i < TAR_BLOCK; i++) {
                bool own = i >= 148 && i < 156;
                sum += own ? ' ' : (uint8_t)tar->header[i];
                signed_sum += own ? ' ' : (signed char)tar->header[i];
        }
        return number_at(tar, 148, 8, &wanted) && ((int64_t)wanted == sum || (int64_t)wanted == signed_sum);
}

static bool is_end(const Tar *tar) {
        for (size_t i = 0; i < TAR_BLOCK; i++) {
                if (tar->header[i])
                        return false;
        }
        return true;
}

/* The bytes of a member and the zeros that fill its last block; kept in `into` if that is not NULL, else written out. */
static Status take_data(Tar *tar, uint64_t size, Buf *into, bool write) {
        Unpacking *unpacking = tar->unpacking;
        uint64_t left = (size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK, data = size;
        while (left > 0) {
                size_t want = left < ARCHIVE_BLOCK ? (size_t)left : ARCHIVE_BLOCK, got;
                TRY(input_read(tar->input, tar->block, want, &got, unpacking->err));
                if (got < want)
                        return cut_short(tar);
                Str bytes = { tar->block, data < want ? (size_t)data : want };
                if (into)
                        buf_append(into, bytes);
                else if (write && bytes.size > 0)
                        TRY(unpacking->sink.write(unpacking->sink.context, bytes, unpacking->err));
                data -= bytes.size;
                left -= want;
        }
        return STATUS_OK;
}

/* Lines of `LENGTH KEY=VALUE`; of them the name and the size are heeded. */
static Status read_pax(Tar *tar, Str text) {
        while (text.size > 0) {
                Str count, rest, line, key, value;
                uint64_t size;
                if (!str_cut(text, ' ', &count, &rest) || !str_to_uint64(count, &size) || size <= count.size + 1 || size > text.size)
                        return error_reason(tar->unpacking->err, ARCHIVE_DAMAGED);
                line = str_slice(text, count.size + 1, (size_t)size - 1);
                text = str_slice(text, (size_t)size, text.size);
                if (!str_cut(line, '=', &key, &value))
                        return error_reason(tar->unpacking->err, ARCHIVE_DAMAGED);
                if (str_is(key, "path"))
                        tar->long_name = arena_str(tar->unpacking->arena, value);
                if (str_is(key, "size")) {
                        tar->has_size = str_to_uint64(value, &tar->size);
                        if (!tar->has_size)
                                return error_reason(tar->unpacking->err, ARCHIVE_DAMAGED);
                }
        }
        return STATUS_OK;
}

/* A header that is about the member after it. */
static Status take_about_next(Tar *tar, char kind, uint64_t size) {
        CLEANUP(buf_deinit) Buf text = { 0 };
        if (size > TAR_LONG_MAX)
                return error_reason(tar->unpacking->err, ARCHIVE_DAMAGED);
        TRY(take_data(tar, size, &text, false));
        if (kind == 'x')
                return read_pax(tar, buf_view(&text));
        if (kind == 'L')
                tar->long_name = arena_str(tar->unpacking->arena, (Str){ text.data, strnlen(text.data ? text.data : "", text.size) });
        return STATUS_OK;
}

static Str name_of(const Tar *tar) {
        if (tar->long_name.size > 0)
                return tar->long_name;
        Str name = field_of(tar, 0, 100), prefix = field_of(tar, 345, 155);
        bool posix = memcmp(tar->header + 257, "ustar\0", 6) == 0;
        return posix && prefix.size > 0 ? arena_strf(tar->unpacking->arena, "%.*s/%.*s", STR_ARG(prefix), STR_ARG(name)) : name;
}

static Status take_member(Tar *tar) {
        Unpacking *unpacking = tar->unpacking;
        uint64_t size;
        char kind = tar->header[156];
        if (!sum_is_right(tar) || !number_at(tar, 124, 12, &size))
                return error_reason(unpacking->err, ARCHIVE_DAMAGED);
        if (kind == 'x' || kind == 'L' || kind == 'g' || kind == 'K')
                return take_about_next(tar, kind, size);
        Str name = name_of(tar);
        if (tar->has_size)
                size = tar->size;
        tar->long_name = STR_NONE;
        tar->has_size = false;
        bool is_folder = kind == '5' || (kind != '0' && str_ends_with(name, STR("/")));
        if (is_folder)
                return take_data(tar, size, NULL, false);
        if (kind != '0' && kind != 0 && kind != '7')
                return error_reason(unpacking->err, ARCHIVE_KIND, reason_text(name));
        bool dropped;
        TRY(unpacking_member(unpacking, name, size, &dropped));
        TRY(unpacking_check_size(unpacking, unpacking->source.size));
        return take_data(tar, size, NULL, !dropped);
}

static Status untar(Unpacking *unpacking, Input *input, const char *first) {
        CLEANUP(freep) char *block = malloc(ARCHIVE_BLOCK);
        if (!block)
                out_of_memory();
        Tar tar = { .unpacking = unpacking, .input = input, .block = block };
        memcpy(tar.header, first, TAR_BLOCK);
        while (!is_end(&tar)) {
                TRY(take_member(&tar));
                TRY(read_block(&tar));
        }
        return STATUS_OK;
}

/* --- what it is --- */

static bool is_tar(const char *head, size_t size) {
        return size == TAR_BLOCK && memcmp(head + 257, "ustar", 5) == 0;
}

bool archive_may_be(Str head) {
        return archive_is_zip(head) || is_tar(head.data, head.size) || codec_of(head);
}

static Status unpack(Unpacking *unpacking, bool *out_is_one) {
        Error *err = unpacking->err;
        char head[TAR_BLOCK];
        size_t got;
        *out_is_one = false;
        TRY(unpacking->source.read_at(unpacking->source.context, 0, head, sizeof(head), &got, err));
        if (archive_is_zip((Str){ head, got }))
                return archive_unzip(unpacking, out_is_one);
        CLEANUP(input_freep) Input *input = input_new();
        TRY(input_start_bytes(input, unpacking->source, 0, err));
        Status status = input_read(input, head, sizeof(head), &got, err);
        if (status == STATUS_HELD)
                return STATUS_OK; /* damaged from the start on: whoever reads it as a file says so */
        TRY(status);
        *out_is_one = is_tar(head, got);
        return *out_is_one ? untar(unpacking, input, head) : STATUS_OK;
}

Status archive_unpack(Source source, ArchiveSink sink, Arena *arena, Archive *out, Error *err) {
        Unpacking unpacking = { .source = source, .sink = sink, .arena = arena, .err = err };
        map_init(&unpacking.names, arena);
        bool is_one;
        TRY(unpack(&unpacking, &is_one));
        *out = (Archive){ is_one, unpacking.members.items, unpacking.members.count, unpacking.dropped };
        return STATUS_OK;
}
