/* SPDX-License-Identifier: Apache-2.0 */
#include "model/text_files.h"

#include "base/file.h"
#include "base/json.h"
#include "base/vec.h"

typedef VEC(TextFile) FileVec;

/* access.yml brings its tests along; a zone without a zone.yml has an object without text. */
static Status add_object(const CatalogObject *object, Arena *arena, FileVec *files, Error *err) {
        Json *root;
        TextFile file;
        TRY(json_parse(object->body, "the catalog", arena, &root, err));
        TRY(json_want_string(root, "path", &file.path, err));
        TRY(json_want_string(root, "text", &file.text, err));
        if (file.text.size > 0 || !str_is(object->kind, "zone"))
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
