/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Products for people: `show product`, and those that are late for `status`. */
#include "cli/cli.h"
#include "model/workspace.h"

typedef struct LateProduct {
        Str product; /* "shop.egress.sales" */
        int64_t age_us, fresh_us;
} LateProduct;

/* Published products that are older than their `fresh`. */
Status late_products(Workspace *workspace, Arena *arena, LateProduct **out, size_t *out_count, Error *err);
const char *late_product_words(Arena *arena, const LateProduct *late);

/* All products, those of a zone, or ZONE.egress.NAME whole. */
Status show_product(Cli *cli, Workspace *workspace, CatalogAt at, Str name, Error *err);
