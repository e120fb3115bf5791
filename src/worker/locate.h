/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The locating job: frames a delivery again, as it was framed when it was staged, up to the last record asked for. */
#include "engine/locate_message.h"

/* HELD, IO, as staging; LIMIT when the raw texts together are over what a message holds. */
Status locate_run(const LocateSpec *spec, int fd, Arena *arena, LocateResult *out, Error *err);
