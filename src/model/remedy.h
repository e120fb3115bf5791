/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Remedy: the one setting of a source's text that would let in every record that one rule struck in one column. It is
 * proved by trying, not guessed: workers type the landed records again with each candidate, and a remedy is only what reads
 * all of the misfits while every field that fits, in whatever record, reads the same. So one that serves several columns is
 * named only where these agree; where they do not, the column says for itself how it is written. Where one record is beyond
 * help, and only text would let it in, what reads most of the others is named beside that.
 */
#include "catalog/catalog.h"
#include "engine/trial_message.h"
#include "engine/worker.h"
#include "lake/lake.h"
#include "model/source.h"

/* Landed bytes that are read again to prove one. Beyond it no remedy is named: what is not proved is not said. */
#define REMEDY_BYTES_MAX (1ll << 30)

typedef struct Remedy {
        Str column;
        Rule rule;
        Str most;         /* when `setting` is text: one that reads most of the records, `fit` of them, as what they are. Or empty */
        int64_t fit;
        Str setting;      /* as it stands in the source's text: `decimal: ","`, `amount: decimal(18,4)` */
        Str other;        /* a second that reads all of them too, as other values; only a person can tell. Or empty */
        Str refused;      /* one for all columns, which would make fields of others read otherwise. Or empty */
        bool header;      /* what struck is the header, which stands again in the file: no setting of the column is a remedy */
        bool is_date;     /* what `other` reads is another day */
        int64_t misfits;  /* records that it was tried on */
        int64_t left;     /* of these, records that another field keeps out still */
        int64_t accepted; /* and of the others, which read the same */
} Remedy;

typedef struct RemedySpec {
        Lake *lake;
        WorkerPool *pool;
        Str principal;             /* whom a worker serves: the zone */
        const Delivery *deliveries; /* of which those of this source that are staged count */
        size_t delivery_count;
} RemedySpec;

/* For each pair of column and rule that the deliveries' ledger rows name, where there is one. source: the applied text. */
Status remedies_find(const RemedySpec *spec, const Source *source, Arena *arena, Remedy **out, size_t *out_count, Error *err);
