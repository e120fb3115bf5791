/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Check: what must hold for the rows of a model, looked at after it was built and before its zone is published. A row
 * for which the condition is false is counted; NULL holds, as in SQL's own CHECK. `this` is the whole table inside the
 * condition. A check is bound with the zone's rights, like its model.
 */
#include "model/model_file.h"
#include "model/statement.h"

typedef enum CheckState { CHECK_STATE_OK, CHECK_STATE_WARN, CHECK_STATE_FAILED } CheckState;

typedef struct CheckReport {
        const ModelCheck *check;
        CheckState state;
        int64_t rows; /* for which it does not hold */
} CheckReport;

const char *check_state_name(CheckState state);
/* All checks of a model, over what the change set in spec holds. Fails when a condition cannot be asked (SQL errors, with
 * their place in the model's file); that rows do not hold is in the reports. */
Status checks_run(const StatementSpec *spec, const Model *model, Arena *arena, CheckReport **out, size_t *out_count, Error *err);
/* Whether they can be asked, without asking: what is wrong goes to problems, with its place. */
Status checks_bind(const StatementSpec *spec, const Model *model, Arena *arena, Problems *problems, Error *err);
/* The first that stops a publication, as CHECK_FAILED with its place; OK if there is none. */
Status checks_verdict(const Model *model, const CheckReport *reports, size_t count, Error *err);
