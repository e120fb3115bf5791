/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Backoff: how long a login waits because others failed before it, by address and user, and by address alone for those who
 * try many names. The first few failures cost nothing; then the wait doubles up to BACKOFF_MOST_US. It only ever delays: the
 * right password gets in after at most that, and what failed is forgotten after BACKOFF_FORGET_US, or when the login succeeds.
 *
 * A table of fixed size: where all places are taken, the one that failed longest ago makes room. Any thread.
 */
#include "base/arena.h"
#include "base/error.h"

#define BACKOFF_MOST_US 5000000
#define BACKOFF_FORGET_US 600000000

typedef struct Backoff Backoff;

Backoff *backoff_new(void);
void backoff_free(Backoff *backoff); /* NULL is fine */
/* When an attempt that came at now_us may be looked at: now_us, or later by at most BACKOFF_MOST_US. */
int64_t backoff_until(Backoff *backoff, Str address, Str user, int64_t now_us);
/* Another failure; *out_count: how many in a row for this address and user. */
void backoff_failed(Backoff *backoff, Str address, Str user, int64_t now_us, int *out_count);
void backoff_succeeded(Backoff *backoff, Str address, Str user);
