/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Check: what must hold for the rows of a table. A row for which the condition is false is counted; NULL holds, as in
 * SQL's own CHECK. `this` is the whole table inside the condition. A check is bound with the zone's rights, like its model.
 *
 * A condition that asks in brackets and names no column of a row, as in (select count(*) from this) > 0, is about the table:
 * it is asked once, of a table without rows too. What fails is the table: one finding, that says how many rows it had. Where
 * it quarantines it is false of every row, and all leave.
 *
 * Promises are checks too: `required`, `unique` and `key` of the text become conditions that stop, named required(C),
 * unique(C) and key(C, D). A build asks in two steps: first those that quarantine, over all rows that were made; the rows
 * that fail leave, and the others are asked of what stays, which is what would be published.
 */
#include "model/model_file.h"
#include "model/source.h"
#include "model/statement.h"

typedef enum CheckState { CHECK_STATE_OK, CHECK_STATE_WARN, CHECK_STATE_FAILED } CheckState;

/* Whose rows are asked, and the text that its errors point into. */
typedef struct CheckSubject {
        Str zone, stage, table;
        Str *hidden; /* columns that a star leaves out and that rows keep all the same */
        size_t hidden_count;
        const char *path;
        Str text;
} CheckSubject;

typedef struct CheckReport {
        const ModelCheck *check;
        CheckState state; /* WARN: told and published all the same (what quarantines too: its rows have left) */
        int64_t rows;     /* for which it does not hold; 1 where it does not hold for the table */
        bool of_table;    /* it is about the table, not about a row */
        bool asked;
        const BoundRelation *reads; /* its own table too */
        size_t read_count;
} CheckReport;

const char *check_state_name(CheckState state);

CheckSubject check_subject_of_model(const Model *model);
CheckSubject check_subject_of_source(const Source *source);
/* The model's promises, then its own checks in the order of the text. In the arena. */
void checks_of_model(const Model *model, Arena *arena, ModelCheck **out, size_t *out_count);
/*
 * The references of its columns (`-> ZONE.STAGE.TABLE.COLUMN`) as checks named references(COLUMN): every value stands there.
 * They are documentation for a build, and asked by `lode check --data`.
 */
void checks_of_references(const Model *model, Arena *arena, ModelCheck **out, size_t *out_count);
/* The parts of a reference; the zone may be left out. False when it has another form. */
bool reference_parts(const Model *model, Str reference, Str *zone, Str *stage, Str *table, Str *column);
/* A source's promises: of staged tables they are looked at by `lode check --data` only, a source waits for no check. */
void checks_of_source(const Source *source, Arena *arena, ModelCheck **out, size_t *out_count);

/*
 * One check, over what the change set in spec holds. Fails when it cannot be asked (SQL errors, SQL_TYPE for what is no
 * condition, with their place in the text); that rows do not hold is in the report.
 */
Status check_ask(const StatementSpec *spec, const CheckSubject *of, const ModelCheck *check, Arena *arena, CheckReport *out, Error *err);
/* Whether a model's checks can be asked, without asking: what is wrong goes to problems, with its place. */
Status checks_bind(const StatementSpec *spec, const Model *model, Arena *arena, Problems *problems, Error *err);
/* The statement by which checks are parsed for what they read: the condition alone, `this` being no relation. *out_shift is
 * where the condition begins in it. */
Str check_reading_sql(const ModelCheck *check, Arena *arena, size_t *out_shift);
/* The rows, whole with what is hidden, for which a check does not hold; of_table: how many rows there are, if it does not. */
Str check_failing_sql(const CheckSubject *of, const ModelCheck *check, bool of_table, Arena *arena);
/*
 * All rows, and for each check that quarantines a column that is false where it does not hold: check_verdict(its index). Each
 * row is judged once: a condition with random() or now() must not let a row out of both the table and the findings.
 */
Str check_judging_sql(const CheckSubject *of, const ModelCheck *checks, size_t count, Arena *arena);
Str check_verdict(size_t index, Arena *arena);
/* The first that stops a publication, as CHECK_FAILED with its place; OK if there is none. */
Status checks_verdict(const CheckSubject *of, const CheckReport *reports, size_t count, Error *err);
/* "check positive does not hold for 3 rows", "the promise unique(id) does not hold for 2 rows", "... for the table" */
Str check_words(const CheckReport *report, Arena *arena);
/* How many rows it does not hold for, and what follows of that. */
void check_counted(CheckReport *report, int64_t rows);
/* Where the check stands in its text; of an error about a statement of the above, the place inside the condition. */
Status check_place(const CheckSubject *of, const ModelCheck *check, Error *err);
Status check_error(const CheckSubject *of, const ModelCheck *check, Error *err);
