/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Fix: single records of a source's quarantine, corrected or given up, and whole deliveries, withdrawn. What is asked is looked up in the quarantine as it is
 * on main, checked against the applied source, and put into the history as one commit (intake/fixes.h). Staging, which
 * follows, is the caller's.
 */
#include "intake/fixes.h"
#include "model/workspace.h"

typedef struct FixRequest {
        Str file;       /* the delivery's name, or its last part */
        int64_t delivery; /* 0: the name alone says which */
        int64_t line;   /* 0: `record` says which */
        int64_t record; /* 0: `line` does */
        Str seen;       /* the record's text when it was asked; STR_NONE: not known. Another text now is a CONFLICT */
        bool drop, undo;
        bool whole;     /* `text` takes the record's place */
        Str text;
        StrList columns, values;
} FixRequest;

/* A record of the quarantine as it is on main, whatever its state. */
typedef struct KeptRecord {
        int64_t delivery, record, line;
        uint64_t offset, length;
        Str name, column, rule, message, raw, state;
} KeptRecord;

typedef struct FixSpec {
        Workspace *workspace; /* with a store and workers */
        Str zone, source;
} FixSpec;

/* All of them, by delivery and record. */
Status fix_quarantine(const FixSpec *spec, Arena *arena, KeptRecord **out, size_t *out_count, Error *err);
/*
 * One commit with all of the requests, or none. out: the record of each, as it was. NOT_FOUND where nothing in quarantine
 * stands there; AMBIGUOUS where several do; NO_COLUMN; BAD_VALUE where a malformed record is to be corrected by column.
 * *out_commit is empty when all of it was so already.
 */
Status fix_records(const FixSpec *spec, const FixRequest *requests, size_t count, Arena *arena, KeptRecord *out, Str *out_commit, Error *err);

/*
 * A whole delivery withdrawn, or with undo taken back: one commit. *out: its row in the ledger, which staging moves.
 * NOT_FOUND, and AMBIGUOUS where several are called so and `delivery` does not say which. *out_commit is empty when it was so
 * already.
 */
typedef struct WithdrawRequest {
        Str name;         /* or its last part */
        int64_t delivery; /* 0: the name alone says which */
        Str reason;
        bool undo;
} WithdrawRequest;
Status fix_withdraw(const FixSpec *spec, const WithdrawRequest *request, Arena *arena, Delivery *out, Str *out_commit, Error *err);
