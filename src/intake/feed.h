/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Feed: what intake needs to know of one source: where its files are, how they are read, and what becomes of new,
 * repeated and bad ones. Plain data that the caller made from the source's applied text; borrowed, never changed.
 */
#include "base/hash.h"
#include "frame/format.h"

typedef enum FeedLoad { FEED_APPEND, FEED_REPLACE } FeedLoad;
/* A column that the text does not know: becomes a text column, or holds the delivery. */
typedef enum FeedEvolve { FEED_EVOLVE_COLUMNS, FEED_EVOLVE_FREEZE } FeedEvolve;
/* The same file name with other bytes. */
typedef enum FeedRedelivery { FEED_REJECT, FEED_REDELIVERY_REPLACE, FEED_REDELIVERY_APPEND } FeedRedelivery;

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
        FeedEvolve evolve;
        FeedRedelivery redelivery;
        int64_t settle_us;
        int64_t tolerate_rows;        /* more quarantined than this holds the delivery; -1 = not said */
        int64_t tolerate_per_million; /* likewise, of the records; -1 = not said */
        Str object;                   /* the body of its object (kind source) in the catalog, which must be so when it is staged */
        Str reading;                  /* hex hash of all that decides what landed bytes become */
} Feed;
