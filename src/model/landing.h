/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Landing: zone.landing.SOURCE as SQL: every record that landed, as text, before any typing: the source's columns, and
 * `_file`, `_row` and `_raw`. A record that is malformed is a row with its raw text alone. There is no second copy: a worker
 * frames the landed files for each statement that asks, into files of its own that go with it.
 *
 * Who may ask is decided where a stage `landing` is: the zone's owner and engineers, and they alone (model/grant.h).
 */
#include "engine/worker.h"
#include "govern/bind.h"
#include "lake/lake.h"

#define LANDING_BYTES_MAX (4ll << 30) /* landed bytes that one statement may frame */

typedef struct Landing {
        Lake *lake;
        Worker *worker;
        CatalogAt at;
        BindSource below; /* everything else is its */
} Landing;

/* A source of relations that knows landing as well. It points to landing, which must outlive it. */
BindSource landing_source(Landing *landing, BindSource below);
