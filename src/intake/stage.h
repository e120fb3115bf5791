/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Stage: deliveries of one feed become rows of its staged table and of its quarantine, with their ledger rows, in one
 * commit; so nothing can be staged twice, and a restart finds either all of it or none.
 *
 * Of a merge or history source all rows go into a log, a table that no name in SQL leads to (kind "log" in the catalog),
 * and the staged table is what fold.h makes of it: for the keys that came, or where a snapshot may have ended others for
 * all. Both move in the same commit, and an equal table makes no new version.
 *
 * A staged table is a function of its deliveries and its feed's text. What the ledger says decides what is read:
 *   landed                                    read, and added
 *   staged, by the text as it is              left alone
 *   staged, by another text                   the whole table is read again from landing
 *   held or failed                            read again when the text changed, or when asked to
 * A delivery that is in the table does not leave it because it would be held now: one wrong word in a text must not empty what
 * everybody reads. Then the table stays as it was, by the text that it was made by, until the text is right or the delivery
 * given up. Nor does a file leave because a newer one of its name came and is held.
 * A worker reads: this process never looks into a delivery. A worker that dies of a delivery holds that delivery.
 */
#include "engine/stage_message.h"
#include "engine/worker.h"
#include "intake/feed.h"
#include "lake/changeset.h"

typedef struct DeliveryReport {
        Delivery delivery;   /* as it is in the ledger now; commit set when staged */
        StageRule *rules;    /* what was quarantined and why, most frequent first */
        size_t rule_count;
        StrList missing;     /* columns that this file lacks */
        StrList added;       /* columns that it has and the text does not know */
        bool reread;         /* it was in the table before */
} DeliveryReport;

typedef struct StageContext {
        Lake *lake;
        WorkerPool *pool;
        Str principal;              /* whom a worker serves: the zone */
        ChangeSetSpec commit;       /* branch, author, via, git; the message is made here */
        bool again;                 /* read everything again */
        bool replay;                /* read held ones again, and those with open quarantine, although the text is the same */
        bool reread_allowed;        /* --yes: however many bytes */
        int64_t reread_limit;       /* bytes of landed files that may be read again without being asked; 0 = any */
        uint32_t threads;
        void *context; /* of on_progress, which may be NULL */
        void (*on_progress)(void *context, const Feed *feed, Str name, int64_t done, int64_t total);
} StageContext;

typedef struct StageReport {
        DeliveryReport *items;  /* every delivery that was read */
        size_t count;
        bool superseded;        /* another put another text of the feed into the history meanwhile: nothing was done */
        bool withheld;          /* by its text as it is now, deliveries that are in the table would be held: nothing was done, items
                                 * are these and why, and whatever landed since waits with them */
        bool changed;           /* a commit was made */
        CatalogCommit commit;
} StageReport;

/*
 * Reads and publishes what is to be read. What is wrong with one delivery is in its report; fails when the store,
 * the catalog or all workers do, or CONFLICT after several tries against other runs.
 */
Status stage_feed(const StageContext *context, const Feed *feed, Arena *arena, StageReport *out, Error *err);

/* In the message of a delivery that may be a file which came before by another way. */
#define FEED_NAMESAKE "counts as another file than one of the same base name:"

#define FEED_INPUT_LIMIT (1ull << 42) /* decoded bytes of one delivery: beyond it lies a compression bomb */

/*
 * Where records have keys: which key's values a column has that does not say so itself. A path that once gave a column its
 * values keeps it, wherever it stands in a file and whatever else would give the same name. Kept with the table.
 */
typedef struct KeyName {
        Str path, name;
} KeyName;

/*
 * The columns by which a delivery is read into a table: the feed's, as wide as the table has them, then those that the table
 * has beyond the text; with the table's ids. Whoever reads a delivery again (diff --raw) reads it by these. names NULL: those
 * that are kept with the table.
 */
SourceColumn *feed_read_columns(const Feed *feed, const TableBody *table, const KeyName *names, size_t name_count, Arena *arena, size_t *out_count);
/* Those that are kept with a table. */
void feed_key_names(const TableBody *table, Arena *arena, KeyName **out, size_t *out_count);
/*
 * The delivery that a replace source's table is, by the text as it is: the last of those that could be read. NULL: none was.
 */
const Delivery *feed_in_force(const Feed *feed, const Delivery *rows, size_t count, Arena *arena);
/* Of the table with the rows as they were read: the staged one, or the log that it is made of. */
CatalogName feed_rows_name(Arena *arena, const Feed *feed);

/* Of `_valid_from` and `_valid_to` in a history. */
Type feed_time_type(const Feed *feed);

/* What stage_feed() would read, were these deliveries landed too, newest first. Of the context, lake (NULL = an empty store),
 * commit.branch, again and replay count. */
typedef struct StagePlan {
        bool rebuild;      /* the table would be made anew ... */
        bool is_new;       /* ... for the first time */
        bool other_text;   /* ... because the text by which it was read is another */
        size_t deliveries; /* to be read, those read before included */
        int64_t bytes;     /* of them */
        int64_t reread;    /* bytes of those that are in the table already: beyond `reread_limit` a run wants --yes */
        int64_t records;   /* -1 when any was never read, so that nobody knows */
} StagePlan;

Status stage_plan(const StageContext *context, const Feed *feed, const Delivery *arriving, size_t arriving_count, Arena *arena, StagePlan *out,
                  Error *err);
