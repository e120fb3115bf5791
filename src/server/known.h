/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Known: which names a statement could mean: zones, stages, tables and columns of main, those of the system's relations,
 * functions. What else somebody put into double quotes, in a statement that failed, may be a value in the wrong quotes.
 */
#include "base/map.h"
#include "catalog/catalog.h"

/* Loaded when it is asked for and the catalog changed; for one thread, with a catalog of its own. */
typedef struct KnownNames {
        Arena arena;
        Map names; /* in lower case */
        int64_t generation;
        bool loaded;
} KnownNames;

Status known_load(KnownNames *known, Catalog *catalog, Error *err);
/* Without regard to case. */
bool known_name(const KnownNames *known, Str name);
