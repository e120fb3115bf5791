/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Trial: a delivery typed by its source's text and by other settings, to tell which of them would help. */
#include "engine/trial_message.h"

/* Reads fd from its current place to the end. HELD: the file is at fault; BAD_VALUE: the spec is. */
Status trial_run(const TrialSpec *spec, int fd, Arena *arena, TrialResult *out, Error *err);
