/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Audit: who read or changed what, as lines that cannot be edited or taken out unseen.
 *
 * STORE/audit/YYYY-MM-DD-WRITER.jsonl, one JSON object a line, appended under a kernel lock, so any number of processes may
 * share a writer's name ("cli"); a server takes a name of its own. A day's file that has become large is followed by
 * YYYY-MM-DD-WRITER-2.jsonl. Each line ends with
 *     "hash": SHA-256 over the hash of the line before it and its own bytes up to there
 * and a file's first line chains to the SHA-256 of the file's name. Times never go back in a file, whatever the clock does.
 * The head (name, sequence, hash of the last line)
 * goes into commits and otherwise into the catalog (lake/audit_heads.h), so that a cut tail shows as well.
 *
 * A line is written whole, or, where the machine died, in part at the very end: the next writer cuts that off. Lines are
 * made durable by audit_sync(): before the reply for privileged acts, else in batches (audit_close() syncs).
 *
 * One Audit: one thread at a time.
 */
#include "base/error.h"
#include "base/hash.h"

#define AUDIT_FILE_END ".jsonl"
#define AUDIT_FILE_MOST (256u << 20) /* bytes; a file that has them gets no more lines */
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
        bool denied;         /* before it began */
        bool stopped;        /* before its end: its time was over, it was cancelled, its client hung up */
        Str redacted;  /* the SQL as it is kept where literals are not, of what failed; empty: as sql_redact() has it */
        Str sql;       /* as the principal wrote it; kept as the log's AuditText says */
        Str statement; /* in words of ours, where there is no SQL */
} AuditRecord;

/* allow, deny or stopped */
Str audit_decision(bool denied, bool stopped);

/* What the log keeps of a statement's SQL: its shape with ? for each literal (sql/redact.h), all of it, or nothing. */
typedef enum AuditText { AUDIT_TEXT_REDACTED, AUDIT_TEXT_WHOLE, AUDIT_TEXT_NONE } AuditText;

typedef struct AuditHead {
        Str file;         /* without folder */
        int64_t sequence; /* of the last line, from 1; 0 = none yet */
        Sha256 hash;
} AuditHead;

/* Opens or makes nothing yet: the file is made with the first record. writer: letters, digits, '-'. */
Audit *audit_open(const char *folder, const char *writer);
void audit_close(Audit *audit); /* syncs; NULL is fine */
void audit_closep(Audit **audit);
void audit_set_text(Audit *audit, AuditText text); /* other than AUDIT_TEXT_REDACTED */
void audit_set_file_most(Audit *audit, size_t bytes); /* other than AUDIT_FILE_MOST */

/* Appends. out_head (may be NULL) gets the head after it; its file name lives in the arena. IO, DISK_FULL. */
Status audit_record(Audit *audit, const AuditRecord *record, Arena *arena, AuditHead *out_head, Error *err);
/* What was appended is on disk when this returns. */
void audit_sync(Audit *audit);
/* The same in two steps, for who holds a lock that others wait for: a descriptor of the caller's to sync, after which all
 * that was appended before is on disk; -1: it is already. */
int audit_take_unsynced(Audit *audit);
/* The head now, other writers' lines of the same file included. */
Status audit_head(Audit *audit, Arena *arena, AuditHead *out, Error *err);

/*
 * Checks one file's chain from its first line. CORRUPT with file, and line, which is the record's sequence, where it breaks.
 * The wanted heads, all of this file and by rising sequence, must each be among the lines: CORRUPT if one is not (lines were
 * cut off, and maybe others written since). out (may be NULL) gets its head. out_torn (may be NULL): bytes behind the last
 * whole line, which a writer that died left.
 */
Status audit_verify(const char *path, const AuditHead *wanted, size_t wanted_count, AuditHead *out, size_t *out_torn, Arena *arena,
                    Error *err);

/* What became of one file. */
typedef struct AuditFile {
        Str name;         /* without folder */
        Status status;    /* OK; CORRUPT; NOT_FOUND: a head names it and it is gone; or why it could not be read */
        int64_t sequence; /* OK: of the last record; CORRUPT: of the first that is not as it was written */
        Str what;         /* in words, where it is not OK */
        size_t torn;      /* as above */
        bool known;       /* one of the wanted heads is of it */
} AuditFile;

/* All files of a folder and those that the wanted heads name, in any order. Files of days before `since` ("2026-01-31"; empty =
 * none) were retired and may be gone. OK whatever is found; IO where the folder cannot be read. */
Status audit_check(const char *folder, const AuditHead *wanted, size_t wanted_count, Str since, Arena *arena, AuditFile **out,
                   size_t *out_count, Error *err);

/* Whether the file has this record, as it stands there; the chain is not looked at. */
bool audit_has(const char *path, const AuditHead *head);

/* "FILE:SEQUENCE:HASH", as commits carry a head. */
Str audit_head_print(const AuditHead *head, Arena *arena);
bool audit_head_parse(Str text, AuditHead *out); /* its file lies in the text */
