/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What the parts of verify share; private to verify*.c. */
#include "base/map.h"
#include "base/vec.h"
#include "lake/store_files.h"
#include "lake/table.h"
#include "lake/verify.h"

/* One file that some commit added, by the hash of its path: paths themselves would take most of the memory. */
typedef struct KnownFile {
        uint64_t key;
        int64_t bytes, added; /* now, and when it was added */
        int64_t seq;          /* the commit that added it */
        bool gone, seen; /* seen: its footer was looked at */
} KnownFile;

typedef VEC(VerifyDamage) DamageVec;

typedef struct Verify {
        const VerifySpec *spec;
        Arena *arena;
        Store store;        /* as the catalog knows it: for a backup another place than spec->folder */
        Catalog *catalog;
        VEC(KnownFile) known; /* sorted by key once all are there */
        int64_t until;        /* the newest commit of which they are all there: what is published meanwhile is not looked at */
        DamageVec damages;
        Map by_file;        /* path below the root: index + 1 into damages, as a pointer's number */
        Map names;          /* uuid: Str, the table's name for people */
        Map current;        /* kind, zone, name: int64_t, the seq that main shows */
        Map manifests;      /* path: ManifestFacts */
        Map lengths;        /* root, newline, path: int64_t, of manifests at roots where neither they were made nor lie now */
        CatalogMove *moves; /* oldest first */
        size_t move_count;
        VEC(VerifyUnknown) unknown;
        int64_t started_us, done, total;
        VerifyReport report;
} Verify;

/* Makes a damage; message as printf. A second one of the same file gives the first. */
VerifyDamage *verify_damage(Verify *v, const char *kind, Str file, const char *what, const char *format, ...)
        PRINTF_LIKE(5, 6);
/* Where a path of the store (absolute, or below the root) lies here. */
const char *verify_place(const Verify *v, Arena *arena, Str path);
KnownFile *verify_known(Verify *v, Str relative); /* NULL if no commit added it */
VerifyDamage *verify_damage_of(Verify *v, Str relative); /* NULL if it is whole, as far as is known */
Status verify_interrupted(const Verify *v, Error *err);
bool verify_wants(const Verify *v, Str kind, Str zone, Str name);
/* "shop.staging.orders", "shop.quarantine.orders" */
Str verify_name(Arena *arena, Str kind, Str zone, Str name);

/* verify_tables.c. Fills names and current; NOT_FOUND for a name that was asked for and never was. */
Status verify_table_names(Verify *v, Error *err);
/* Versions of tables, Iceberg with itself and with the catalog; tells damages whom they affect. */
Status verify_tables(Verify *v, Error *err);
