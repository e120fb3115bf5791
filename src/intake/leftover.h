/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Leftovers of landing: half-copied files of runs that died. They have names of their own (.N.tmp), so what is landed is
 * never among them; and whoever copies holds a claim (intake/land.c), so with no claim held nobody needs one.
 */
#include "lake/lake.h"

/* Removes them, or only counts. While anybody lands, nothing: the next call will do it. */
Status land_sweep(Lake *lake, bool dry_run, int64_t *out_files, int64_t *out_bytes, Error *err);
/* Forgets files outside of ingress that were looked at before and are gone, though their folder is there (so that a disk
 * that is not mounted is no reason). At most `most`; they are known again by their bytes, should they come back. */
Status seen_sweep(Lake *lake, int64_t before_us, size_t most, bool dry_run, int64_t *out_files, Error *err);
