/* SPDX-License-Identifier: Apache-2.0 */
#include "model/text_files.h"

#include "base/file.h"
#include "base/json.h"
#include "base/vec.h"

typedef VEC(TextFile) FileVec;

/* access.yml brings its tests along. A zone without a zone.yml has an object without text: an empty file says the same. */
static Status add_object(const CatalogObject *object, Arena *arena, FileVec *files, Error *err) {
        Json *root;
        TextFile file;
        TRY(json_parse(object->body, "the catalog", arena, &root, err));
        TRY(json_want_string(root, "path", &file.path, err));
        TRY(json_want_string(root, "text", &file.text, err));
        vec_push(arena, files, file);
        Str tests = json_string(json_get(root, "tests"));
        if (str_is(object->kind, "access") && tests.size > 0)
                vec_push(arena, files, ((TextFile){ arena_strf(arena, "zones/%.*s/access.test.yml", STR_ARG(object->zone)), tests }));
        return STATUS_OK;
}

Status text_files(Catalog *catalog, CatalogAt at, Arena *arena, TextFile **out, size_t *out_count, Error *err) {
        static const char *const kinds[] = { "project", "policies", "zone", "access", "terms", "source", "model" };
        FileVec files = { 0 };
        for (size_t k = 0; k < COUNT_OF(kinds); k++) {
                CatalogObject *objects;
                size_t count;
                TRY(catalog_list(catalog, at, str_of(kinds[k]), STR(""), arena, &objects, &count, err));
                for (size_t i = 0; i < count; i++)
                        TRY(add_object(&objects[i], arena, &files, err));
        }
        *out = files.items;
        *out_count = files.count;
        return STATUS_OK;
}

Status text_files_write(const char *folder, const TextFile *files, size_t count, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        for (size_t i = 0; i < count; i++) {
                const char *path = path_join(&arena, folder, arena_cstr(&arena, files[i].path));
                TRY(dir_make(path_dir(&arena, path), err));
                TRY(file_create(path, files[i].text, false, err));
        }
        return STATUS_OK;
}

Str text_file_zone(Str path) {
        Str head, rest, zone, tail;
        if (!str_cut(path, '/', &head, &rest) || !str_is(head, "zones") || !str_cut(rest, '/', &zone, &tail))
                return STR("");
        return zone;
}

/* ---- which paths are text ---- */

static bool is_among(Str name, const char *const *names, size_t count) {
        for (size_t i = 0; i < count; i++)
                if (str_is(name, names[i]))
                        return true;
        return false;
}

static bool ends_as_text(Str name) {
        static const char *const endings[] = { ".yml", ".yaml", ".sql" };
        for (size_t i = 0; i < COUNT_OF(endings); i++) {
                Str ending = str_of(endings[i]);
                if (name.size > ending.size && str_equal_nocase(str_slice(name, name.size - ending.size, name.size), ending))
                        return true;
        }
        return false;
}

/* rest: behind zones/ZONE/. As model/project.c reads a zone's folder. */
static TextPath path_in_zone(Str rest) {
        static const char *const files[] = { "zone.yml", "access.yml", "access.test.yml", "terms.yml" };
        static const char *const stages[] = { "canonical", "analytical", "egress" };
        Str folder, name;
        if (!str_cut(rest, '/', &folder, &name))
                return is_among(rest, files, COUNT_OF(files)) ? TEXT_READ : ends_as_text(rest) ? TEXT_STRAY : TEXT_NONE;
        bool sources = str_is(folder, "sources"), stage = is_among(folder, stages, COUNT_OF(stages));
        if (!sources && !stage)
                return str_is(folder, "tests") ? TEXT_NONE : TEXT_STRAY;
        Str ending = sources ? STR(".yml") : STR(".sql");
        if (str_find_byte(name, '/') < name.size)
                return TEXT_NONE;
        return str_ends_with(name, ending) && name.size > ending.size ? TEXT_READ : ends_as_text(name) ? TEXT_STRAY : TEXT_NONE;
}

TextPath text_file_path(Str path) {
        Str zone = text_file_zone(path);
        if (str_is(path, "lode.yml") || str_is(path, "policies.yml"))
                return TEXT_READ;
        if (zone.size == 0 || str_find(path, STR("/.")) < path.size)
                return TEXT_NONE;
        return path_in_zone(str_slice(path, sizeof("zones/") + zone.size, path.size));
}

/* One that a reader does not see: ASCII's, no-break and wide ones, those of no width; and dots. */
static size_t blank_at(Str text, size_t at, bool dots) {
        static const char *const blanks[] = { " ", "\u00a0", "\u3000", "\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u2009", "\u202f" };
        for (size_t i = 0; i < COUNT_OF(blanks); i++)
                if (str_starts_with(str_slice(text, at, text.size), str_of(blanks[i])))
                        return strlen(blanks[i]);
        return dots && text.data[at] == '.' ? 1 : 0;
}

static Str bare_name(Str name) {
        for (size_t size; name.size > 0 && (size = blank_at(name, 0, false)) > 0;)
                name = str_slice(name, size, name.size);
        for (bool more = true; more && name.size > 0;) {
                more = false;
                for (size_t size = 1; size <= 3 && size <= name.size && !more; size++)
                        if (blank_at(name, name.size - size, true) == size) {
                                name.size -= size;
                                more = true;
                        }
        }
        return name;
}

Str text_file_near(Str path, Arena *arena) {
        CLEANUP(buf_deinit) Buf out = { 0 };
        Str part, rest = path;
        bool more = path.size > 0;
        while (more) {
                more = str_cut(rest, '/', &part, &rest);
                buf_append(&out, bare_name(part));
                if (more)
                        buf_append_byte(&out, '/');
        }
        Str exact = buf_dup(&out, arena);
        if (text_file_path(exact) != TEXT_READ) /* then by its case, too */
                for (size_t i = 0; i < out.size; i++)
                        out.data[i] = char_lower(out.data[i]);
        Str near = buf_dup(&out, arena);
        return text_file_path(path) != TEXT_READ && text_file_path(near) == TEXT_READ ? near : STR("");
}
