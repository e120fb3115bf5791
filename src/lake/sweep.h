/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Sweep: a bounded tidy of what the dead left: intents that nobody will ever finish, with the files they wrote.
 * A file goes only when its writer's lock is free and neither a published version nor a kept build needs it.
 */
#include "lake/lake.h"

typedef struct SweepResult {
        size_t intents; /* settled */
        size_t files;   /* removed */
        int64_t bytes;
} SweepResult;

/* At most max_intents are looked at (0 = all). Takes the commit lock: queued intents of the dead are completed first. */
Status lake_sweep(Lake *lake, size_t max_intents, SweepResult *out, Error *err);
