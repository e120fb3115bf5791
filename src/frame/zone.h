/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Zone: a time zone from the bytes of its TZif file (RFC 8536, versions 1 to 4), for turning local times into UTC and
 * back. A boxed worker sees no tz database, so the bytes come with the job.
 */
#include "base/arena.h"
#include "base/error.h"

typedef struct Zone Zone;

#define ZONE_FILE_MAX (256u << 10)

/* BAD_VALUE if the bytes are no TZif file. The zone lies in the arena. */
Status zone_parse(Str bytes, Arena *arena, const Zone **out, Error *err);
/* Microseconds of local time to UTC. How many times it occurs: 0, the clocks skipped it; 2, they went back, and it is the
 * first of both. */
int zone_to_utc(const Zone *zone, int64_t local, int64_t *out);
/* Seconds east of Greenwich that the zone's clocks show at this second since 1970, UTC. */
int32_t zone_offset(const Zone *zone, int64_t utc);
/* A zone that is always so many seconds east of Greenwich. */
const Zone *zone_fixed(Arena *arena, int32_t offset);
