/* SPDX-License-Identifier: Apache-2.0 */
#include "server/known.h"

#include "base/json.h"
#include "sql/allow.h"
#include "system/system.h"

static Str lower(Arena *arena, Str name) {
        char *text = arena_cstr(arena, name);
        for (char *at = text; *at; at++)
                *at = char_lower(*at);
        return (Str){ text, name.size };
}

static void add(KnownNames *known, Str name) {
        map_put(&known->names, lower(&known->arena, name), known);
}

/* canonical.order: the stage and the table. */
static void add_parts(KnownNames *known, Str name) {
        Str part;
        bool more = name.size > 0;
        while (more) {
                more = str_cut(name, '.', &part, &name);
                add(known, part);
        }
}

/* Of a table or a source its columns; what cannot be read has none. */
static void add_columns(KnownNames *known, Str body, Arena *scratch) {
        Json *root;
        Error ignored;
        if (json_parse(body, "the catalog", scratch, &root, &ignored) != STATUS_OK)
                return;
        const Json *columns = json_get(root, "columns");
        for (size_t i = 0; i < json_count(columns); i++)
                add(known, json_string(json_get(json_at(columns, i), "name")));
}

Status known_load(KnownNames *known, Catalog *catalog, Error *err) {
        static const char *const kinds[] = { "zone", "source", "table", "view", "quarantine", "model" };
        static const char *const always[] = { "staging", "landing", "quarantine", "rows", "public", "lode", "postgres", "main" };
        int64_t generation;
        TRY(catalog_generation(catalog, &generation, err));
        if (known->loaded && generation == known->generation)
                return STATUS_OK;
        arena_reset(&known->arena);
        map_init(&known->names, &known->arena);
        known->loaded = false;
        for (size_t i = 0; i < COUNT_OF(always); i++)
                add(known, str_of(always[i]));
        for (size_t k = 0; k < COUNT_OF(kinds); k++) {
                CLEANUP(arena_deinit) Arena scratch = { 0 };
                CatalogObject *objects;
                size_t count;
                TRY(catalog_list(catalog, (CatalogAt){ 0 }, str_of(kinds[k]), STR(""), &scratch, &objects, &count, err));
                for (size_t i = 0; i < count; i++) {
                        add_parts(known, objects[i].name);
                        add(known, objects[i].zone);
                        add_columns(known, objects[i].body, &scratch);
                }
        }
        known->loaded = true;
        known->generation = generation;
        return STATUS_OK;
}

bool known_name(const KnownNames *known, Str name) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        return (known->loaded && map_has(&known->names, lower(&arena, name))) || sql_function_is_allowed(name) || system_has_name(name);
}
