/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Fix: the record that somebody's correction makes of one that was read, to be typed like any other. */
#include "engine/stage_message.h"
#include "worker/fields.h"

/* What there is instead of the record: one row of the header's width, or a rule that the new text breaks. */
typedef struct FixedRecord {
        RecordBatch batch; /* one row, with the old record's ordinal */
        Rule rule;         /* RULE_NONE: it is well formed */
        size_t width, wanted; /* as in BadRecord */
        Fields *fields;    /* its own, where fields are found by key; NULL: the file's */
} FixedRecord;

/*
 * width: fields of a good record; places: of each of the fix's columns, its place in it, NO_FIELD where the file has none.
 * `batch` and `row`: the record as it was framed; batch NULL where that was malformed, which only a whole text mends. reader
 * is the caller's, for this alone. All lies in the arena, or in the reader until its next use. INTERNAL and IO alone.
 */
typedef struct FixPlace {
        const Format *format;
        size_t width;
        const size_t *places;
        const StageSpec *spec;
        const RecordBatch *batch;
        size_t row;
        int64_t record;
} FixPlace;

Status fix_record(const StageFix *fix, const FixPlace *at, RecordReader *reader, Arena *arena, FixedRecord *out, Error *err);
