/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Backup: a store as of one commit, in a folder of its own, and the way back.
 *
 *   DIR/backup.json               what is here: store, commit, the catalog's file, sizes, and its own SHA-256
 *   DIR/catalog-ID.sqlite         the catalog, copied as of one moment
 *   DIR/key                       the store's key, mode 0600
 *   DIR/landing, tables, audit    files under the names that they have in the store
 *   DIR/unfinished                there while a backup is written
 *   DIR/lock                      held by whoever writes it
 *
 * Files of a store never change, so a second backup into the same folder copies what is new. backup.json is replaced
 * last, by rename, after all else is on the disk: whatever dies, the folder is the old backup or the new one, whole, and
 * the next backup goes on from there. What the store dropped since (retention, removed branches) goes from the folder
 * after that. Every file is hashed while it is copied; one that is not what the catalog says is not taken, and an older
 * good copy of it stays. Runs may go on meanwhile: the catalog is copied first, what it names is immutable.
 *
 * The folder holds all secrets of the store (the key, and the catalog's verifiers and encrypted keys): it is made for
 * its owner alone (0700).
 *
 * Restoring. Iceberg's paths are absolute, so its metadata files are written anew for another place
 * (iceberg/relocate.h); data and landed files stay byte for byte. The history does not change, commit ids included: its
 * bodies have paths below the root, and it goes on standing for the files that were added. The catalog notes beside each
 * file what it has now, and verify proves that writing it back for the old place gives what was added.
 */
#include "lake/verify.h"

typedef struct Backup {
        const char *folder;        /* absolute, links resolved */
        const char *catalog_path;
        bool is_whole;             /* backup.json is there and as it was written */
        Str root;                  /* of the store that it is of */
        Str commit;                /* newest on main; empty = none */
        Str at;                    /* when, as text */
        Str catalog_sha256;
        int64_t files, bytes;
} Backup;

/* NOT_FOUND when there is no backup, or one that was never finished; a damaged backup.json gives what can be told without it, is_whole false. */
Status backup_read(const char *folder, Arena *arena, Backup *out, Error *err);
/* Before it is read: until the descriptor is closed nothing of it goes, although it may be backed up into meanwhile. Waits for a
 * backup that is just removing what is old. -1 where there is nothing to hold. */
Status backup_hold(const char *folder, int *out_fd, Error *err);

typedef struct BackupDamage {
        Str file; /* below the store's root */
        Str message;
} BackupDamage;

typedef struct BackupResult {
        Backup backup;
        int64_t copied_files, copied_bytes, removed_files;
        BackupDamage *damages;     /* files that are not as they were written, and of which no good copy is here */
        size_t damage_count;
} BackupResult;

typedef struct BackupSpec {
        void (*progress)(void *context, int64_t done, int64_t total); /* bytes; may be NULL */
        void *context;
        const volatile sig_atomic_t *interrupted; /* may be NULL */
} BackupSpec;

/* BAD_VALUE for a folder that is no place for it (in the store, not empty, another store's), CONFLICT when another
 * backup is written there now, CORRUPT for a damaged catalog or key, IO, DISK_FULL, INTERRUPTED. */
Status lake_backup(Lake *lake, const char *folder, const BackupSpec *spec, Arena *arena, BackupResult *out, Error *err);

typedef struct RestoreSpec {
        bool damaged_too;          /* go on where a file of the backup is damaged or gone; they are told */
        void (*progress)(void *context, int64_t done, int64_t total);
        void *context;
        const volatile sig_atomic_t *interrupted;
} RestoreSpec;

typedef struct RestoreResult {
        const char *root;
        int64_t files, bytes, rewritten;
        BackupDamage *damages;
        size_t damage_count;
} RestoreResult;

/*
 * A new store at `root`, which must not exist or be an empty folder (EXISTS). It is there whole or not at all: it is
 * made beside, in ROOT.restoring, and renamed. CORRUPT, with the file's name, where the backup is damaged.
 */
Status lake_restore(const Backup *backup, const char *root, const RestoreSpec *spec, Arena *arena, RestoreResult *out,
                    Error *err);
/* Puts files that verify found damaged or missing back from a backup, each if it is what the catalog wants; nothing else
 * changes. out: those that were put back. */
Status lake_put_back(const char *folder, const Backup *backup, const VerifyDamage *damages, size_t count, Arena *arena,
                     Str **out, size_t *out_count, Error *err);
