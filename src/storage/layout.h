/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Layout: where things lie in a store's folder. Every path into a store is made here and nowhere else.
 *
 *   STORE/catalog.sqlite                               the versioned truth (room catalog)
 *   STORE/key                                          32 random bytes, mode 0600: the store's own key
 *   STORE/commit/lock                                  whoever publishes holds it (OFD lock)
 *   STORE/commit/claims                                a byte for each file that is being landed, locked (OFD)
 *   STORE/commit/arriving/                             bytes on their way to landing/, each file locked by its writer (OFD)
 *   STORE/commit/unpacked/ZONE/ID.N/ARCHIVE/MEMBER     what came in archives and is not landed yet (room intake)
 *   STORE/commit/queue/ID.lock, ID.files, ID.intent    a change set: its lock, what it wrote, what it wants published
 *   STORE/landing/ZONE/SOURCE/YYYY-MM/SHA256           received bytes, immutable
 *   STORE/tables/UUID/{data,metadata}/                 Iceberg tables, under names that say nothing
 *   STORE/built/ZONE.STAGE.TABLE/                      what a build made that is not published yet (room lake): a cache
 *   STORE/run/                                         per process and worker: grants, spill; swept by lock
 *   STORE/audit/                                       append-only audit files
 *
 * A Store is one heap object; its strings live in its arena. After it is made it is read-only, so any thread may
 * use it. Iceberg paths are absolute, so a store that was moved does not open: catalog's meta records the root and
 * store_check() compares.
 */
#include "base/error.h"
#include "base/hash.h"

/* The store's format number, in catalog meta. Another number is refused with a sentence. */
#define STORE_FORMAT 1

typedef struct Store {
        Arena arena;
        const char *root;          /* absolute, links resolved, no trailing slash */
        const char *catalog_path;  /* STORE/catalog.sqlite */
        const char *key_path;
        const char *queue_dir;     /* STORE/commit/queue */
        const char *lock_path;     /* STORE/commit/lock */
        const char *claims_path;   /* STORE/commit/claims */
        const char *tables_dir;
        const char *landing_dir;
        const char *built_dir;
        const char *arriving_dir;  /* STORE/commit/arriving */
        const char *unpacked_dir;  /* STORE/commit/unpacked */
        const char *run_dir;
        const char *audit_dir;
} Store;

/* Makes the folders (the root for its owner only, if it is new) and the key; the catalog is made by lake_create(). EXISTS if a
 * store is there already; CORRUPT where data of a store is, and no catalog. */
Status store_create(const char *root, Store **out, Error *err);
/* NO_STORE when nothing is there, with a hint; CORRUPT as above. Does not open the catalog. */
Status store_open(const char *root, Store **out, Error *err);
void store_free(Store *store);
void store_freep(Store **store);

/* Compares what the catalog recorded with what is here: STORE_FORMAT or STORE_MOVED, each in one sentence. */
Status store_check(const Store *store, int64_t recorded_format, Str recorded_root, Error *err);

/* Removes NAME.RANDOM.new from the root, what a dead process left when it made NAME. Only for the holder of STORE/commit/lock,
 * under which the key and the catalog are made. */
void store_remove_unfinished(const Store *store, const char *name);

/* DISK_FULL if so many bytes more would leave less than the reserve: a part of the file system that only the catalog may
 * use, so that what was received can still be recorded, and a full disk be put in order. */
Status store_check_reserve(const Store *store, uint64_t bytes, Error *err);

/* landing/ZONE/SOURCE/YYYY-MM (the month of landed_at_us, UTC), not made. BAD_VALUE for a name that is no safe
 * folder name (letters, digits, '_', '-', '.', not first a dot; at most 128 bytes). */
Status store_landing_dir(const Store *store, Arena *arena, Str zone, Str source, int64_t landed_at_us, char **out,
                         Error *err);
/* tables/UUID, tables/UUID/data, tables/UUID/metadata */
char *store_table_dir(const Store *store, Arena *arena, Str uuid);
char *store_table_data_dir(const Store *store, Arena *arena, Str uuid);
char *store_table_metadata_dir(const Store *store, Arena *arena, Str uuid);
/* commit/queue/ID.SUFFIX */
char *store_queue_path(const Store *store, Arena *arena, Str id, const char *suffix);
/* The part of an absolute path below the root, for error messages and ledger rows ("landing/shop/..."); the whole
 * path when it does not lie in the store. And back: an absolute path from a relative one. */
Str store_relative(const Store *store, Str path);
char *store_absolute(const Store *store, Arena *arena, Str relative);
/* Whether one name may be a folder of the store: see store_landing_dir. */
bool store_name_valid(Str name);
/* The 32 bytes of STORE/key; IO, CORRUPT. */
Status store_key(const Store *store, Sha256 *out, Error *err);
