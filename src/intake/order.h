/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Order: which of a source's deliveries comes before which, whenever they came: by the time they speak of (as_of), then
 * by name, then by content. What a source's text says of `as_of` now holds for all of its deliveries, landed under
 * another text or not.
 */
#include "catalog/catalog.h"
#include "intake/feed.h"

typedef struct OrderedDelivery {
        const Delivery *delivery;
        int64_t at_us; /* 0 where time does not count: the rows say it, or their name and content alone */
        bool known;    /* false: `as_of: name` finds no date in the name */
} OrderedDelivery;

/* out[i] is of rows[i]. */
void order_look(const Feed *feed, const Delivery *rows, size_t count, OrderedDelivery *out);
/* For qsort: the oldest first. */
int order_compare(const void *a, const void *b);
