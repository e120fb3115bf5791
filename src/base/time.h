/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Time: instants as microseconds since 1970-01-01T00:00:00Z (int64), days since then (int32), proleptic Gregorian
 * calendar, years 0001 to 9999. No time zones here; no locale.
 */
#include <time.h>

#include "base/arena.h"

/* What stat() tells of a file, in nanoseconds. */
static inline int64_t time_of_file_ns(struct timespec t) {
        return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t time_now_us(void);       /* wall clock */
int64_t time_monotonic_us(void); /* for durations */

/* civil date <-> days */
int32_t days_from_civil(int year, int month, int day);
void civil_from_days(int32_t days, int *year, int *month, int *day);
bool civil_valid(int year, int month, int day); /* year 1..9999 */

/* 2026-11-26T02:13:44.123456Z (six digits always) */
Str time_print_us(Arena *arena, int64_t us);
/* As users write it: date, or date and time with 'T' or a space, fraction up to six digits, 'Z' or +hh:mm (none = UTC). */
bool time_parse_us(Str text, int64_t *out);
Str date_print(Arena *arena, int32_t days); /* 2026-11-26 */
/* "0.4 s", "2 m 03 s": for people */
Str duration_print(Arena *arena, int64_t us);
/* "1.2 MB": for people, powers of 1000 */
Str bytes_print(Arena *arena, uint64_t bytes);
/* "18,204" */
Str count_print(Arena *arena, int64_t count);
