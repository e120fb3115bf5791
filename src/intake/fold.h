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
        const Str *old_files;               /* ... and the table's as they were */
        size_t old_count;
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
/* Gives the table's columns, by their names. */
void fold_print(Buf *sql, const FoldSpec *spec, Arena *arena);
