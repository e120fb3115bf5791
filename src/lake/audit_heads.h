/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the catalog says of the audit log: how far each file had come at least. A commit carries the head of the line that
 * tells of it; besides, each writer leaves a head of its file when it ends, and a server while it runs. So that a tail which
 * is cut, and a file which is gone, show.
 */
#include "catalog/catalog.h"
#include "govern/audit.h"

/* All of them, in no order. */
Status lake_audit_heads(Catalog *catalog, Arena *arena, AuditHead **out, size_t *out_count, Error *err);
/*
 * Leaves this head of its file. What it covers must be on disk. The file's older one gives way to it, but not where it is
 * gone from the file, or comes later: what was cut off stays known. folder: where the file lies; NULL where the caller wrote
 * all of the file, and knows. Makes no commit.
 */
Status lake_audit_anchor(Catalog *catalog, const char *folder, const AuditHead *head, Error *err);

/* Checks all of the log below a store's root, or a backup's folder, against these heads. As audit_check(). */
Status lake_audit_check(Catalog *catalog, const char *folder, Arena *arena, AuditFile **out, size_t *out_count, Error *err);

/* What is wrong with a file, with the line where it is altered. */
Str lake_audit_words(Arena *arena, const AuditFile *file);

/* What lake_audit_retire() took. */
typedef struct AuditRetired {
        int64_t files, bytes;
} AuditRetired;

/*
 * Removes the files of days before `since` ("2026-01-31"), once the catalog knows that they may be gone. dry_run: counts only.
 * In the middle of it nothing is lost that was to stay, and the next call goes on.
 */
Status lake_audit_retire(Catalog *catalog, const char *audit_dir, Str since, bool dry_run, AuditRetired *out, Error *err);
