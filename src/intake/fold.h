/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Fold: what a merge or a history source makes of its log, as SQL of Lode's own over granted files (lake/files.h).
 *
 * Rows of one key are ordered by (order_by, as_of, file name, content, _row), never by arrival, and deletions are rows
 * like any other. So the result is a function of the log's rows: equal for every order in which they came.
 *
 *   merge     the last row of each key, unless it says that the key is gone.
 *   history   a row says how its key was from its time on: the snapshot's as_of, or the first column of `order_by`. Of
 *             several of one time the last holds. It ends where the next of its key begins; in snapshots with
 *             `absent: delete`, at the next snapshot of the source. Rows that follow upon each other and differ only
 *             in their times are one. `_valid_to` is NULL while nothing ended it.
 *
 * Witnesses. A record that does not fit is in quarantine, and yet its key was there: in the log of snapshots that end keys it
 * has a row with its key alone (`_witness`, engine/stage_message.h). Such a row ends nothing and begins nothing: the version
 * before it goes on to the next snapshot. A record whose key cannot be read may be of any key, so its snapshot ends none.
 *
 * Copy on write. The rows that a load makes anew stand in place of some of the table's, and most of them are equal to those.
 * A row of the table is one of the log, so `_file` and `_row` name it (and its two times, in a history); what has them in
 * common is one row. So files all of whose rows stay are kept, and of the others the rows that stay are written again
 * beside those that are new, in the order of (_file, _row): what changes often comes to lie together, in young files.
 */
#include "intake/order.h"
#include "lake/table.h"

typedef struct FoldSpec {
        const Feed *feed;
        const Table *log, *table;           /* as the change set will leave them: columns with ids */
        const OrderedDelivery *deliveries;  /* whose rows are in the log, or with follows the new ones; in order */
        size_t delivery_count;
        const Str *log_files;               /* granted, as all of these */
        size_t log_count;
        const Str *new_files;               /* with touched_only or follows: of the log, what came now ... */
        size_t new_count;
        const Str *old_files;               /* ... and the table's as they were: of both, and of a table that stays in part */
        size_t old_count;
        bool witnessed;                     /* the log may have rows that are no records but say which keys were there */
        bool touched_only;                  /* keys that are not among the new rows keep the rows that they have */
        bool follows;                       /* snapshots later than all before, so that versions which ended stay as they are and
                                             * the open ones of old_files say how the last was: the log is not read */
        int64_t last_us;                    /* ... and when that last one was */
} FoldSpec;

/* A key that no new row names can have changed as well: everything is made anew. */
bool fold_needs_all(const Feed *feed);
/*
 * Records whose key comes again in the same file, or in the same snapshot, and nothing but their place says which of the
 * two is newer: the last counts, and nobody would know. Of those that one of `of` has a part in: the delivery (of
 * `of`), the record that does not count and its file, the one that does and its file, how many such records the delivery
 * has, the key as text. FOLD_REPEATS_MAX rows for each delivery, in order.
 */
#define FOLD_REPEATS_MAX 3
void fold_repeats_print(Buf *sql, const FoldSpec *spec, const int64_t *of, size_t of_count, Arena *arena);
/* The rows that the load makes: all of the table, or with touched_only and follows those that stand for the table's old rows
 * of fold_gone_print(). Gives the table's columns, by their names. */
void fold_print(Buf *sql, const FoldSpec *spec, Arena *arena);

/* Names a row. */
typedef struct FoldPlace {
        int64_t file, row;
} FoldPlace;

/* Files of a worker's, as it names them in SQL. */
typedef struct FoldParts {
        Str made;             /* what fold_print() gave */
        Str gone;             /* what fold_gone_print() gave, of made */
        Str fresh;            /* what fold_fresh_print() gave, of made */
        const Str *rewritten; /* of old_files: those that have a row that is gone, and whatever else is to be written again */
        size_t rewritten_count;
        const FoldPlace *from, *until; /* only rows from this one on and before that one; NULL = no end */
} FoldParts;

/* `_file` and `_row` of the table's rows that are in the table no more. */
void fold_gone_print(Buf *sql, const FoldSpec *spec, const FoldParts *parts, Arena *arena);
/* The rows made that the table does not have yet. */
void fold_fresh_print(Buf *sql, const FoldSpec *spec, const FoldParts *parts, Arena *arena);
/* Which of the old files have a row that is gone. */
void fold_touched_print(Buf *sql, const FoldSpec *spec, const FoldParts *parts);
/* The rows to write in place of the rewritten files: those of them that stay, and the fresh ones; in order. */
void fold_rows_print(Buf *sql, const FoldSpec *spec, const FoldParts *parts, Arena *arena);
/* The places of each n-th of them, in order, but the first. */
void fold_cuts_print(Buf *sql, const FoldSpec *spec, const FoldParts *parts, int64_t n, Arena *arena);
