/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Audit: who read or changed what, as lines that cannot be edited or taken out unseen.
 *
 * STORE/audit/YYYY-MM-DD-WRITER.jsonl, one JSON object a line, appended under a kernel lock, so any number of processes may
 * share a writer's name ("cli"); a server takes a name of its own. Each line ends with
 *     "hash": SHA-256 over the hash of the line before it and its own bytes up to there
 * and a file's first line chains to the SHA-256 of the file's name. The head (name, sequence, hash of the last line)
 * goes into commits, so that a cut tail shows as well.
 *
 * A line is written whole, or, where the machine died, in part at the very end: the next writer cuts that off. Lines are
 * made durable by audit_sync(): before the reply for privileged acts, else in batches (audit_close() syncs).
 *
 * One Audit: one thread at a time.
 */
#include "base/error.h"
#include "base/hash.h"

#define AUDIT_LINE_MAX (2u << 20) /* bytes of a line; a longer statement is cut, and says so */

typedef struct Audit Audit;

typedef struct AuditRecord {
        Str principal;      /* local:ann */
        Str service;        /* that asked in its place; empty = itself */
        Str via;            /* cli, pg, http, serve */
        Str action;         /* query, apply, run, trace, show ... */
        const Str *objects; /* zone.stage.table */
        size_t object_count;
        const Str *columns; /* zone.stage.table.column, or empty */
        size_t column_count;
        Str policy;          /* version of what limited it, or empty */
        int64_t rows, bytes; /* -1 = not known */
        bool denied;
        Str statement; /* as the principal wrote it */
} AuditRecord;

typedef struct AuditHead {
        Str file;         /* without folder */
        int64_t sequence; /* of the last line, from 1; 0 = none yet */
        Sha256 hash;
} AuditHead;

/* Opens or makes nothing yet: the file is made with the first record. writer: letters, digits, '-'. */
Audit *audit_open(const char *folder, const char *writer);
void audit_close(Audit *audit); /* syncs; NULL is fine */
void audit_closep(Audit **audit);

/* Appends. out_head (may be NULL) gets the head after it; its file name lives in the arena. IO, DISK_FULL. */
Status audit_record(Audit *audit, const AuditRecord *record, Arena *arena, AuditHead *out_head, Error *err);
/* What was appended is on disk when this returns. */
void audit_sync(Audit *audit);
/* The head now, other writers' lines of the same file included. */
Status audit_head(Audit *audit, Arena *arena, AuditHead *out, Error *err);

/*
 * Checks one file's chain from its first line. CORRUPT with file and line where it breaks. out (may be NULL) gets its
 * head. A wanted head (may be NULL) of this file must be among the lines: CORRUPT if it is not (lines were cut off).
 */
Status audit_verify(const char *path, const AuditHead *wanted, AuditHead *out, Arena *arena, Error *err);
/* All files of a folder; out_lines and out_files count what was checked. */
Status audit_verify_all(const char *folder, const AuditHead *wanted, size_t wanted_count, Arena *arena,
                        int64_t *out_lines, size_t *out_files, Error *err);
