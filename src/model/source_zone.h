/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Time zones by name, from this machine's tz database. For this room only. */
#include "base/arena.h"
#include "base/error.h"

/* The TZif bytes of a zone; BAD_VALUE with a guess. */
Status source_zone_load(Arena *arena, Str name, Str *out, Error *err);
