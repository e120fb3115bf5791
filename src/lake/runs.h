/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Runs: what the last runs said, as the JSON of lode run, beside the history (a run that published nothing has no commit).
 * A server's refresh that found nothing to do is none of them. One that came to no end (a signal, a disk) is kept by its
 * number, and is not the last: what that one found still holds.
 * The last RUNS_KEPT are kept, of those but the last none over RUN_BYTES_MAX. Any thread; as the catalog.
 */
#include "catalog/catalog.h"

#define RUNS_KEPT 100
#define RUN_BYTES_MAX (256u << 10)

Status runs_keep(Catalog *catalog, Str json, bool ended, Error *err);
/* number 0: the last. NOT_FOUND where there is none, or it is kept no longer. */
Status runs_find(Catalog *catalog, int64_t number, Arena *arena, Str *out, Error *err);
/* Those that are kept, the newest first. */
Status runs_list(Catalog *catalog, Arena *arena, Str **out, size_t *out_count, Error *err);
