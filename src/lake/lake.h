/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Lake: an open store: its folder, its catalog, and what was decoded from it. What every verb begins with.
 *
 * One thread at a time (its Catalog is one connection); any number of processes may have the same store open. Lives
 * until lake_free(); everything read through it is copied into the caller's arena.
 */
#include "catalog/catalog.h"
#include "storage/layout.h"

#define LAKE_KEY_HASH "key_sha256" /* catalog meta: SHA-256 of the store's key file, in hex */

typedef struct ManifestCache ManifestCache;

typedef struct Lake {
        Store *store;
        Catalog *catalog;
        ManifestCache *manifests; /* decoded manifests by path; they are immutable */
} Lake;

/* Makes a store (folders, key, catalog) and opens it. EXISTS when one is there. */
Status lake_create(const char *root, Lake **out, Error *err);
/* NO_STORE, STORE_FORMAT, STORE_MOVED, CORRUPT. */
Status lake_open(const char *root, Lake **out, Error *err);
void lake_free(Lake *lake);
void lake_freep(Lake **lake);
