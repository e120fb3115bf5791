/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Retain: removing files that nobody needs any more. A file below tables/ goes when no version that is kept, no kept
 * build and no change set of the living needs it (lake/needed.h); age alone removes nothing.
 *
 *   expired   files of versions that no branch shows, that no branch begins from, and that were replaced longer ago than
 *             the rule of their stage says. That they are is recorded before any file goes (catalog_expire()): reading
 *             them answers EXPIRED from then on, with the rule. Their rows of the history stay, chain and all.
 *   stray     files that no version ever had and whose writer is dead
 *
 * Killed or stopped anywhere, the next call does the rest: what a commit once added and no version needs any more was
 * going, and goes, whatever rule or scope the next call has. Runs, queries and other calls may go on beside it. A reader
 * that took a version just before it expired gets EXPIRED, never other rows; a few seconds are left for those who read
 * what was replaced a moment ago.
 */
#include "lake/changeset.h"

#define RETAIN_FOREVER INT64_MAX
#define RETAIN_READERS_US (INT64_C(5) * 1000000)

typedef struct RetainRule {
        int64_t keep_us;  /* after a version was replaced; RETAIN_FOREVER */
        Str words;        /* for people: "`staging: 30d` in zones/shop/zone.yml" */
} RetainRule;

typedef struct RetainSpec {
        /* What holds for a table (kind, zone, "stage.table"). Words must last as long as the call. */
        Status (*rule)(void *context, CatalogName name, RetainRule *out, Error *err);
        void *context;
        ChangeSetSpec commit;     /* of the metadata files that old snapshots leave; the message is made here */
        int64_t now_us;
        int64_t readers_us;       /* at least so long after it was replaced */
        bool strays;              /* those too */
        bool dry_run;
} RetainSpec;

typedef struct RetainTable {
        CatalogName name;
        Str rule;
        int64_t versions;
        int64_t files, bytes;
} RetainTable;

typedef struct RetainResult {
        RetainTable *tables;      /* with expired versions */
        size_t table_count;
        int64_t stray_files, stray_bytes;
        int64_t files, bytes;     /* all that was removed, or would be */
} RetainResult;

Status lake_retain(Lake *lake, const RetainSpec *spec, Arena *arena, RetainResult *out, Error *err);
