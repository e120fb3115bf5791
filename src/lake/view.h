/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A view as the catalog keeps it (object kind "view"): JSON both ways. Everything lies in the arena given; reading
 * checks all of it (CORRUPT).
 */
#include "lake/table.h"

typedef struct ViewBody {
        Str sql, path, about, fingerprint;
        Str contract; /* of a product (model/product.h), else empty */
        Str *column_names;
        Type *column_types;
        size_t column_count;
        LakeInput *inputs;
        size_t input_count;
        LakeLineage *lineage;
        size_t lineage_count;
} ViewBody;

Str view_body_print(Arena *arena, const ViewBody *view);
Status view_body_parse(Str json, Arena *arena, ViewBody *out, Error *err);
