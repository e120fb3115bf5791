/* SPDX-License-Identifier: Apache-2.0 */
#include "server/tar.h"

#include "base/map.h"
#include "base/vec.h"

#define BLOCK 512u
#define EXTENDED_MAX (64u << 10) /* bytes of an extended header */
#define PATH_BYTES_MAX 1024
#define PART_BYTES_MAX 255
#define PARTS_MAX 16

/* Fields of a header block: offset and size. */
typedef struct Field {
        size_t at, size;
} Field;

static const Field NAME = { 0, 100 }, SIZE = { 124, 12 }, CHECKSUM = { 148, 8 }, KIND = { 156, 1 }, MAGIC = { 257, 6 }, PREFIX = { 345, 155 };

typedef struct Reader {
        Str bytes;
        size_t at;
        const TarLimits *limits;
        Arena *arena;
        Str next_path;  /* by an extended header, for the entry behind it */
        bool has_size;
        uint64_t next_size;
        Str comment;
        Map seen;
        VEC(TarFile) files;
} Reader;

static Str block_field(Str block, Field field) {
        return str_slice(block, field.at, field.at + field.size);
}

/* Up to its first NUL. */
static Str text_field(Str block, Field field) {
        Str text = block_field(block, field);
        return str_slice(text, 0, str_find_byte(text, '\0'));
}

static bool is_zero(Str block) {
        for (size_t i = 0; i < block.size; i++)
                if (block.data[i])
                        return false;
        return true;
}

/* Octal digits with blanks before and a blank or NUL behind. GNU's binary form for 8 GB and more is refused with them. */
static bool read_octal(Str text, uint64_t *out) {
        size_t at = 0;
        uint64_t value = 0;
        while (at < text.size && text.data[at] == ' ')
                at++;
        size_t first = at;
        for (; at < text.size && text.data[at] >= '0' && text.data[at] <= '7'; at++)
                value = value * 8 + (uint64_t)(text.data[at] - '0'); /* 12 digits are 36 bits */
        *out = value;
        if (at == first)
                return false;
        for (; at < text.size; at++)
                if (text.data[at] != ' ' && text.data[at] != '\0')
                        return false;
        return true;
}

/* The sum of all bytes, those of the sum itself counted as blanks. */
static bool checksum_fits(Str block) {
        uint64_t wanted, sum = 0;
        for (size_t i = 0; i < BLOCK; i++)
                sum += i >= CHECKSUM.at && i < CHECKSUM.at + CHECKSUM.size ? ' ' : (unsigned char)block.data[i];
        return read_octal(block_field(block, CHECKSUM), &wanted) && wanted == sum;
}

/* ---- paths ---- */

static Status bad_path(Str path, const char *why, Error *err) {
        return error_set(err, STATUS_BAD_VALUE, "'%.*s' in the archive %s", STR_ARG(path), why);
}

/* Without "./" before it and "/" behind it; empty for the folder itself. */
static Status clean_path(Str path, Str *out, Error *err) {
        Str whole = path, part;
        size_t parts = 0;
        bool more = true;
        for (size_t i = 0; i < path.size; i++)
                if ((unsigned char)path.data[i] < ' ' || path.data[i] == 0x7f)
                        return error_set(err, STATUS_BAD_VALUE, "a name in the archive has a control character");
        if (!utf8_valid(path))
                return error_set(err, STATUS_BAD_VALUE, "a name in the archive is not UTF-8");
        if (path.size > PATH_BYTES_MAX)
                return error_set(err, STATUS_LIMIT, "a name in the archive is longer than %u bytes", PATH_BYTES_MAX);
        if (path.size > 0 && path.data[0] == '/')
                return bad_path(whole, "is an absolute path", err);
        while (str_starts_with(path, STR("./")))
                path = str_slice(path, 2, path.size);
        if (str_is(path, "."))
                path = STR("");
        while (path.size > 0 && path.data[path.size - 1] == '/')
                path.size--;
        *out = path;
        while (path.size > 0 && more) {
                more = str_cut(path, '/', &part, &path);
                if (str_is(part, "..") || str_is(part, ".") || part.size == 0)
                        return bad_path(whole, "has a part that is '.', '..' or nothing", err);
                if (part.size > PART_BYTES_MAX || ++parts > PARTS_MAX)
                        return bad_path(whole, "is too long or too deep", err);
        }
        return STATUS_OK;
}

static Str header_path(Reader *reader, Str block) {
        Str name = text_field(block, NAME), prefix = text_field(block, PREFIX);
        if (reader->next_path.data)
                return reader->next_path;
        bool has_prefix = memcmp(block.data + MAGIC.at, "ustar\0", MAGIC.size) == 0 && prefix.size > 0; /* GNU's own has times there */
        return has_prefix ? arena_strf(reader->arena, "%.*s/%.*s", STR_ARG(prefix), STR_ARG(name)) : name;
}

/* ---- extended headers ---- */

static Status bad_extended(Error *err) {
        return error_set(err, STATUS_BAD_VALUE, "an extended header of the archive cannot be read");
}

/* "LENGTH KEY=VALUE\n", the length being that of the whole record. */
static Status read_record(Reader *reader, Str *rest, bool global, Error *err) {
        Str number, key, value;
        uint64_t size;
        if (!str_cut(*rest, ' ', &number, &value) || !str_to_uint64(number, &size) || size > rest->size || size < number.size + 3 ||
            rest->data[size - 1] != '\n')
                return bad_extended(err);
        if (!str_cut(str_slice(*rest, number.size + 1, size - 1), '=', &key, &value))
                return bad_extended(err);
        if (str_is(key, "comment") && global)
                reader->comment = value;
        if (str_is(key, "path") && !global)
                reader->next_path = value;
        if (str_is(key, "size") && !global) {
                if (!str_to_uint64(value, &reader->next_size))
                        return bad_extended(err);
                reader->has_size = true;
        }
        if (str_starts_with(key, STR("GNU.sparse")))
                return error_set(err, STATUS_BAD_VALUE, "the archive holds a sparse file");
        *rest = str_slice(*rest, size, rest->size);
        return STATUS_OK;
}

static Status read_extended(Reader *reader, Str bytes, bool global, Error *err) {
        while (bytes.size > 0)
                TRY(read_record(reader, &bytes, global, err));
        return STATUS_OK;
}

/* ---- entries ---- */

static const char *kind_words(char kind) {
        static const struct {
                char kind;
                const char *words;
        } kinds[] = { { '1', "a link" }, { '2', "a symbolic link" }, { '3', "a device" }, { '4', "a device" }, { '6', "a pipe" }, { 'S', "a sparse file" } };
        for (size_t i = 0; i < COUNT_OF(kinds); i++)
                if (kinds[i].kind == kind)
                        return kinds[i].words;
        return "an entry of a kind that is not taken";
}

static Status add_file(Reader *reader, Str path, Str bytes, Error *err) {
        if (path.size == 0)
                return error_set(err, STATUS_BAD_VALUE, "a file in the archive has no name");
        if (map_has(&reader->seen, path))
                return bad_path(path, "is there twice", err);
        if (reader->files.count >= reader->limits->files)
                return error_set(err, STATUS_LIMIT, "the archive has more than %zu files", reader->limits->files);
        map_put(&reader->seen, path, reader);
        vec_push(reader->arena, &reader->files, ((TarFile){ path, bytes }));
        return STATUS_OK;
}

static Status content(Reader *reader, uint64_t size, uint64_t most, const char *what, Str *out, Error *err) {
        size_t left = reader->bytes.size - reader->at;
        if (size > most)
                return error_set(err, STATUS_LIMIT, "%s in the archive is larger than %llu bytes", what, (unsigned long long)most);
        size_t padded = (size_t)((size + BLOCK - 1) / BLOCK * BLOCK);
        if (padded > left)
                return error_set(err, STATUS_BAD_VALUE, "the archive ends in the middle of an entry");
        *out = str_slice(reader->bytes, reader->at, reader->at + (size_t)size);
        reader->at += padded;
        return STATUS_OK;
}

static Status read_plain(Reader *reader, Str block, char kind, uint64_t size, Error *err) {
        Str path = header_path(reader, block), bytes, written = path;
        TRY(clean_path(path, &path, err));
        size = reader->has_size ? reader->next_size : size;
        reader->has_size = false;
        reader->next_path = STR_NONE;
        bool folder = kind == '5' || (kind == '\0' && size == 0); /* of the oldest tar, by the slash alone */
        if (!folder && str_ends_with(written, STR("/")))
                return bad_path(written, "is a file with a folder's name", err);
        const char *what = arena_printf(reader->arena, "'%.*s'", STR_ARG(path));
        TRY(content(reader, kind == '5' ? 0 : size, reader->limits->file_bytes, what, &bytes, err));
        return kind == '5' ? STATUS_OK : add_file(reader, path, bytes, err);
}

static Status read_entry(Reader *reader, Str block, Error *err) {
        uint64_t size;
        Str bytes;
        char kind = block.data[KIND.at];
        if (!checksum_fits(block) || !read_octal(block_field(block, SIZE), &size))
                return error_set(err, STATUS_BAD_VALUE, "the archive is no tar file, or is damaged");
        switch (kind) {
        case '0':
        case '\0':
        case '5':
                return read_plain(reader, block, kind, size, err);
        case 'x':
        case 'g':
                TRY(content(reader, size, EXTENDED_MAX, "an extended header", &bytes, err));
                return read_extended(reader, bytes, kind == 'g', err);
        case 'L': /* GNU: the next entry's name */
                TRY(content(reader, size, EXTENDED_MAX, "a name", &bytes, err));
                reader->next_path = str_slice(bytes, 0, str_find_byte(bytes, '\0'));
                return STATUS_OK;
        default:
                bytes = header_path(reader, block);
                return error_set(err, STATUS_BAD_VALUE, "'%.*s' in the archive is %s: only files and folders are taken", STR_ARG(bytes), kind_words(kind));
        }
}

Status tar_read(Str bytes, const TarLimits *limits, Arena *arena, TarFile **out, size_t *out_count, Str *out_comment, Error *err) {
        Reader reader = { .bytes = bytes, .limits = limits, .arena = arena, .comment = STR("") };
        map_init(&reader.seen, arena);
        for (;;) {
                Str block;
                TRY(content(&reader, BLOCK, BLOCK, "a header", &block, err));
                if (is_zero(block))
                        break;
                TRY(read_entry(&reader, block, err));
        }
        if (!is_zero(str_slice(bytes, reader.at, bytes.size)))
                return error_set(err, STATUS_BAD_VALUE, "something lies behind the archive's end");
        *out = reader.files.items;
        *out_count = reader.files.count;
        *out_comment = reader.comment;
        return STATUS_OK;
}
