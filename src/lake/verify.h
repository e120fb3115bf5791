/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Verify: whether a store, or a backup of one, still is what was written, byte for byte; and if not, what is damaged,
 * whom that affects and what helps. Reads everything, changes nothing, and may run beside anybody else.
 *
 * What is compared with what:
 *   catalog.sqlite    every page with its checksum, SQLite's own integrity check
 *   history           every commit's id, its parent, its root of files, every body's hash
 *   tables/           each file that a commit added: there, its size, its SHA-256; and Iceberg with itself and with the
 *                     catalog: uuid, location, schema, snapshot, lengths and counts of manifests, rows and bytes of data
 *                     files (their Parquet footers too), totals of the table
 *   landing/          each landed file: there, its size, its SHA-256
 *   audit/            each file's chain, and the newest head of it that the catalog has
 *   key               its SHA-256
 * Quick leaves out what takes time: the bytes of landed files and of data files (their sizes and footers are looked at).
 *
 * What cannot be seen: ledger rows or secrets that somebody changed who also made the page's checksum anew; lines of the
 * audit log behind the newest head that the catalog has (see lake/audit_heads.h); the loss of the newest commits together with their files.
 * Files that nobody knows are told, not damage.
 */
#include <signal.h>

#include "lake/lake.h"

typedef struct VerifyDamage {
        Str kind;            /* catalog | history | key | audit | landing | data | manifest | metadata | table */
        Str file;            /* below the root; empty where it is no file */
        Str what;            /* altered | missing | unreadable | inconsistent */
        Str message;         /* one sentence */
        Str sha256;          /* what the file should have; empty where that is not known */
        int64_t seq;         /* the commit that added the file; 0 = none */
        Str *tables;         /* that need it, as people name them */
        size_t table_count;
        Str *deliveries;
        size_t delivery_count;
        Str *commits;        /* ids, the oldest few, of the versions that need it */
        size_t commit_count;
        int64_t versions;    /* how many versions of tables need it */
        bool current;        /* one of them is what main shows now */
        Str fix;             /* what to do */
} VerifyDamage;

typedef struct VerifyUnknown {
        Str file; /* below the root */
        int64_t bytes;
} VerifyUnknown;

typedef struct VerifyReport {
        VerifyDamage *damages;
        size_t damage_count;
        VerifyUnknown *unknown;
        size_t unknown_count;
        int64_t files, bytes; /* looked at, and read whole */
        int64_t landed, data, metadata; /* files, by kind */
        int64_t commits, versions, pages, audit_lines;
        int64_t unproven;     /* files written anew for another place that cannot be proven: the library packs otherwise now */
        bool incomplete;      /* the catalog is so damaged that the rest could not be looked at */
} VerifyReport;

typedef struct VerifySpec {
        const char *folder;       /* the store's root, or a backup's folder */
        const char *catalog_path;
        bool is_backup;           /* paths in it are those of the store that it is of; its files lie below `folder` */
        bool is_whole;            /* of a backup: its backup.json is */
        Str catalog_sha256;       /* of a backup */
        bool quick;
        const Str *names;         /* zones and tables ("shop", "shop.staging.orders") whose files are looked at; none = all */
        size_t name_count;
        void (*progress)(void *context, int64_t done, int64_t total); /* bytes; may be NULL */
        void *context;
        const volatile sig_atomic_t *interrupted; /* may be NULL */
} VerifySpec;

/* OK whatever it found. NO_STORE, STORE_MOVED, STORE_FORMAT, NOT_FOUND (a name that is no zone and no table), INTERRUPTED,
 * IO where a folder cannot be read. */
Status lake_verify(const VerifySpec *spec, Arena *arena, VerifyReport *out, Error *err);
