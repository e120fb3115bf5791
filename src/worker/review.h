/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Review: each record of a delivery against what its source's text makes of it. */
#include "engine/review_message.h"

/* Reads `in` to its end and writes entries to `out`. HELD: the file is at fault; BAD_VALUE: the spec is; IO, DISK_FULL. */
Status review_run(const ReviewSpec *spec, int in, int out, Arena *arena, ReviewResult *result, Error *err);
