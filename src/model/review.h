/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Review: raw against staged. Every record of the landed files of a source, with what the source's applied text and its
 * fixes made of it: the same, changed (which fields, by which rule), quarantined, or skipped. The files are read again by a
 * worker; nothing is kept.
 */
#include "engine/review_message.h"
#include "model/fix.h"
#include "model/source.h"
#include "model/workspace.h"

#define REVIEW_BYTES_MAX (512u << 20) /* what a worker may tell of one delivery */

/* What of a delivery the table still has. */
typedef enum ReviewKept {
        KEPT_ALL,
        KEPT_NONE,   /* of a replace source, and a newer one is the table */
        KEPT_NEWEST, /* of a merge: a record that a later one of its key superseded is in no row */
        KEPT_TIMES,  /* of a history: likewise one that changed nothing, or of a moment that another took */
} ReviewKept;

/* What became of a record by hand. */
typedef struct ReviewedFix {
        const RecordFix *fix;   /* what somebody made of it instead; NULL: nothing */
        const KeptRecord *open; /* and that does not fit, or was not read yet: its row in quarantine */
} ReviewedFix;

typedef struct SourceReview {
        Workspace *workspace; /* with a store and workers */
        Str zone, source;
        Str file;   /* only deliveries of this name; empty: all that are in the table */
        bool brief; /* only records that are not the same */
        void *context;
        /* Before the records of a delivery. */
        Status (*on_delivery)(void *context, const Delivery *delivery, ReviewKept kept, Error *err);
        /* source: its columns are the table's. entry's texts live until the return. */
        Status (*on_record)(void *context, const Source *source, const ReviewEntry *entry, ReviewedFix fix, Error *err);
        /* After them: the sums, as the delivery's ledger row has them. */
        Status (*on_end)(void *context, const Delivery *delivery, const ReviewResult *result, Error *err);
} SourceReview;

/* NOT_FOUND where there is no such source, or no delivery of that name in its table. */
Status review_source(const SourceReview *spec, Arena *arena, Error *err);
