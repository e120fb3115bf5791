/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Fixes: single records that people corrected or gave up, and whole deliveries that they withdrew. They are part of what a staged table is a function of: deliveries,
 * the source's text, and these. The landed bytes are never touched.
 *
 * All fixes of a source are one object of the history (kind "fix"), so that each change of them is a commit with an author,
 * and staging, which compares by what a table was made, reads again after one: a crash between the two loses nothing, and
 * nothing is ever applied twice, since a table is made from what landed and not from what it was.
 */
#include "engine/stage_message.h"
#include "lake/lake.h"

typedef struct RecordFix {
        int64_t delivery, record, line; /* as it was read when it was fixed; place and text decide (StageFix) */
        uint64_t offset, length; /* of a sheet, where there are none, its row */
        Str name;  /* of the delivery */
        Str raw;   /* as the quarantine shows it */
        bool drop, whole;
        Str text;
        StrList columns, values;
        Str column, rule, message; /* why it was in quarantine */
        Str author;
        int64_t time_us;
} RecordFix;

/* A delivery of which nothing counts: its bytes stay landed, and it can be taken back. */
typedef struct Withdrawal {
        int64_t delivery;
        Str name;
        Str reason, author;
        int64_t time_us;
} Withdrawal;

typedef struct FixList {
        RecordFix *items; /* by delivery and offset */
        size_t count;
        Withdrawal *withdrawn;
        size_t withdrawn_count;
        Str body; /* of the object; empty where there is none */
} FixList;

CatalogName fixes_name(Str zone, Str source);
/* Those of a source at a commit; none is no error. */
Status fixes_load(Catalog *catalog, CatalogAt at, Str zone, Str source, Arena *arena, FixList *out, Error *err);
/* The list with one more, or with another for the record that it has one for already; the very same changes nothing. */
void fixes_put(FixList *list, const RecordFix *fix, Arena *arena);
/* Takes back the fix of a record; false when there is none. */
bool fixes_remove(FixList *list, int64_t delivery, uint64_t offset, Arena *arena);
/* One more, or another reason for one that is withdrawn already. */
void fixes_withdraw(FixList *list, const Withdrawal *withdrawal, Arena *arena);
/* False when the delivery is not withdrawn. */
bool fixes_take_back(FixList *list, int64_t delivery, Arena *arena);
const Withdrawal *fixes_withdrawn(const FixList *list, int64_t delivery); /* NULL: it is not */
const RecordFix *fixes_find(const FixList *list, int64_t delivery, uint64_t offset);

/*
 * A file that takes the place of an earlier one of its name takes over that one's fixes, where it has none of its own: the very
 * record may be in it again, at the same place. rows: the source's deliveries. replacing: that the later of two takes the
 * earlier's place holds for all of them, not only for those that the ledger says it of. The object is not changed by it.
 */
void fixes_hand_on(FixList *list, const Delivery *rows, size_t count, bool replacing, Arena *arena);

/* Those of one delivery as a worker wants them. LIMIT above STAGE_FIXES_MAX. */
Status fixes_of_delivery(const FixList *list, int64_t delivery, Arena *arena, StageFix **out, size_t *out_count, Error *err);
/* What decides how a delivery is read: the text's hash, and its fixes' where it has any. delivery 0: all of the source. */
Str fixes_reading(const FixList *list, Str reading, int64_t delivery, Arena *arena);
