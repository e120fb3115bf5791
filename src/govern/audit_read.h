/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The audit log, read: lines of its files one after the other, taken apart, and searched. Says nothing of whether they
 * are whole: that is audit_check()'s. Memory is that of one line, however large the files are.
 *
 * Readers hold no lock: what a writer has not ended with a newline yet is left out.
 */
#include "base/buf.h"
#include "base/error.h"

/* One line. Texts lie in the line or in the arena given. */
typedef struct AuditEntry {
        int64_t sequence; /* in its file, from 1 */
        int64_t time_us;
        Str time;         /* as it is written */
        Str principal, via, action;
        Str service;      /* that asked in the principal's place; may be empty */
        Str *objects, *columns;
        size_t object_count, column_count;
        Str policy;          /* may be empty */
        int64_t rows, bytes; /* -1 = not known */
        bool denied, stopped; /* neither: allowed, and answered as far as rows says */
        Str statement;       /* may be empty */
        Str hash;            /* hex */
} AuditEntry;

/* False when it is no line as audit.c writes them. */
bool audit_entry_read(Str line, Arena *arena, AuditEntry *out);

/* When it was written, without looking at the rest. */
bool audit_line_time(Str line, int64_t *out);

/* The whole lines of a file, without their newlines. */
typedef struct AuditLines {
        int fd;
        const char *path;
        Buf block;
        size_t at;   /* of the block: what comes next */
        bool ended;  /* nothing more to read */
} AuditLines;

/* NOT_FOUND, IO (also what is no plain file). path is borrowed. */
Status audit_lines_open(const char *path, AuditLines *out, Error *err);
void audit_lines_close(AuditLines *lines); /* for CLEANUP */
/* Passes over lines that were written before then, as far as that costs less than reading them. */
Status audit_lines_seek(AuditLines *lines, int64_t from_us, Error *err);
/* *out_more false: there is none; *out is then what stands behind the last newline. A line lives until the next call.
 * CORRUPT: longer than any that was written. */
Status audit_lines_next(AuditLines *lines, Str *out, bool *out_more, Error *err);

typedef struct AuditFilter {
        Str on;                  /* an object, a column, or what begins their names: shop, shop.staging, shop.staging.orders */
        Str principal;           /* or the service that asked in another's place */
        int64_t from_us, to_us;  /* from <= time < to; to_us 0 = no end */
        bool no_allow, no_deny, no_stopped; /* leave these out */
} AuditFilter;

/* The entry and what is in it live during the call. file: its name, which lives as long as the search. */
typedef Status (*AuditSee)(void *context, const char *file, const AuditEntry *entry, Error *err);

/*
 * File by file in the order of their names, each in its own order; times of several writers interleave. Of files whose days
 * are not asked for nothing is read, and of the others not much more than the time that is: lines stand in the order of their
 * times. Lines that are read and cannot be understood are counted (audit_check tells what became of them). A folder that is
 * not there has no lines.
 */
Status audit_search(const char *folder, const AuditFilter *filter, AuditSee see, void *context, int64_t *out_unreadable, Error *err);
