/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Skipped: what an expression or the beginning of a comment skips and is as full as a record of the table may be one all the
 * same ("Total Energies,2"). Readers count such lines, and staging tells people.
 */
#include "frame/batch.h"

/* A field of what is skipped, as it stands there, speaks for a record: it is not empty and does not say that it is a total. */
bool skipped_is_value(Str field, char quote);

static inline void skipped_note_full(RecordCounts *counts, int64_t line) {
        if (counts->full++ == 0)
                counts->full_line = line;
}
