/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What SET TimeZone takes, as PostgreSQL 15 takes it: a name of the tz database in any case; hours east of Greenwich
 * ("2", "-5.5"); and POSIX's "UTC+3", "<+03>-3", "+02:00", which count west. POSIX rules with summer time are refused.
 * Reads this machine's tz database.
 */
#include "engine/worker.h"

/* value: as SHOW says it. zone (may be NULL) lives in the arena too. BAD_VALUE. */
Status timezone_read(Str text, Arena *arena, Str *out_value, TimeZone *zone, Error *err);
/* A zone that is always so many seconds east of Greenwich, as SHOW says it: <+05:30>-05:30. */
Str timezone_fixed_name(Arena *arena, int64_t seconds);
/* Seconds of "[+-]h[:mm[:ss]]", the whole text. */
bool timezone_seconds(Str text, int64_t *out);
