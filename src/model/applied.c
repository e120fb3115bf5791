/* SPDX-License-Identifier: Apache-2.0 */
#include "model/applied.h"

#include "base/json.h"

Status applied_source(Lake *lake, CatalogAt at, Str zone, Str name, Arena *arena, Source **out, Error *err) {
        CatalogObject object;
        CatalogName wanted = { STR("source"), zone, name };
        TRY(catalog_get(lake->catalog, at, wanted, arena, &object, err));
        Json *body;
        Str text;
        TRY(json_parse(object.body, "a source's body", arena, &body, err));
        TRY(json_want_string(body, "text", &text, err));
        Problems problems = { .arena = arena };
        *out = source_parse(arena, zone, name, "a source's text", text, &problems);
        return STATUS_OK;
}
