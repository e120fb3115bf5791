/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Feed: what intake needs to know of one source: where its files are, how they are read, and what becomes of new,
 * repeated and bad ones. Plain data that the caller made from the source's applied text; borrowed, never changed.
 */
#include "base/hash.h"
#include "frame/format.h"
#include "intake/as_of.h"

/*
 * What a delivery does to the table. Append: its rows are added. Replace: the newest is the table. Merge: the newest row of
 * each key. History: a row for each time in which a key was as it was. Merge and history keep all rows in a log that nobody
 * reads (stage.h), of which the table is made (fold.h).
 */
typedef enum FeedLoad { FEED_APPEND, FEED_REPLACE, FEED_MERGE, FEED_HISTORY } FeedLoad;
/* What it means that a snapshot lacks a key: it is gone, or nothing. */
typedef enum FeedAbsent { FEED_ABSENT_DELETE, FEED_ABSENT_KEEP } FeedAbsent;
/* A column that the text does not know: becomes a text column, holds the delivery, or goes into `_extra`. Widen: columns, and
 * a number that its column's type cannot hold makes the type wider. */
typedef enum FeedEvolve { FEED_EVOLVE_COLUMNS, FEED_EVOLVE_FREEZE, FEED_EVOLVE_RESCUE, FEED_EVOLVE_WIDEN } FeedEvolve;
/* The same file name with other bytes. */
typedef enum FeedRedelivery { FEED_REJECT, FEED_REDELIVERY_REPLACE, FEED_REDELIVERY_APPEND } FeedRedelivery;

/* Which records say that their key is gone. */
typedef enum FeedGoneTest { FEED_GONE_NEVER, FEED_GONE_IN, FEED_GONE_IS_NULL, FEED_GONE_IS_NOT_NULL } FeedGoneTest;
typedef struct FeedGone {
        FeedGoneTest test;
        Str column;
        StrList values; /* IN: texts that the column's type can hold */
} FeedGone;

typedef struct Feed {
        Str zone, name;
        Str about;
        Str *patterns;         /* "ingress/orders_*.csv" is the zone's own ingress; else below the project, or absolute */
        size_t pattern_count;
        Format format;
        SourceColumn *columns;
        size_t column_count;
        StrList ignore;
        FeedLoad load;
        StrList key, order_by; /* of merge and history: names of columns. Order: what stands first counts first */
        FeedGone gone;
        FeedAbsent absent;
        AsOf as_of;
        FeedEvolve evolve;
        FeedRedelivery redelivery;
        int64_t settle_us;
        int64_t tolerate_rows;        /* more quarantined than this holds the delivery; -1 = not said */
        int64_t tolerate_per_million; /* likewise, of the records; -1 = not said */
        Str object;                   /* the body of its object (kind source) in the catalog, which must be so when it is staged */
        Str reading;                  /* hex hash of all that decides what landed bytes become */
} Feed;

/* Whether the table is made of a log. */
static inline bool feed_folds(const Feed *feed) {
        return feed->load == FEED_MERGE || feed->load == FEED_HISTORY;
}

/* Whether each delivery is the whole as of a time, so that the same bytes at another time are another delivery. */
static inline bool feed_is_snapshots(const Feed *feed) {
        return feed->load == FEED_REPLACE || (feed->load == FEED_HISTORY && feed->order_by.count == 0);
}
