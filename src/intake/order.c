/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/order.h"

/* Rows that say themselves which is newer need no time of landing, unless the text asks for it. */
static bool landing_counts(const Feed *feed) {
        return feed->as_of.kind == AS_OF_LANDED || (feed->as_of.kind == AS_OF_UNSAID && feed->order_by.count == 0);
}

void order_look(const Feed *feed, const Delivery *rows, size_t count, OrderedDelivery *out) {
        CLEANUP(as_of_reader_freep) AsOfReader *reader = feed->as_of.kind == AS_OF_NAME ? as_of_reader_new(&feed->as_of) : NULL;
        bool by_landing = landing_counts(feed);
        for (size_t i = 0; i < count; i++) {
                out[i] = (OrderedDelivery){ &rows[i], by_landing ? rows[i].landed_us : 0, true };
                if (reader)
                        out[i].known = as_of_read(reader, rows[i].name, &out[i].at_us);
        }
}

int order_compare(const void *a, const void *b) {
        const OrderedDelivery *x = a, *y = b;
        if (x->at_us != y->at_us)
                return x->at_us < y->at_us ? -1 : 1;
        int order = str_compare(x->delivery->name, y->delivery->name);
        if (order == 0)
                order = str_compare(x->delivery->sha256, y->delivery->sha256);
        if (order == 0 && x->delivery->id != y->delivery->id)
                order = x->delivery->id < y->delivery->id ? -1 : 1;
        return order;
}
