/* SPDX-License-Identifier: Apache-2.0 */
/* What other rooms have promised and not brought yet; goes when they do. */
#include "worker/sniff.h"
#include "worker/stage.h"

#define PENDING(err) error_set(err, STATUS_INTERNAL, "%s is not built yet", __func__)

Stager *stager_new(void) { return NULL; }
Status stage_run(Stager *stager UNUSED, const StageSpec *spec UNUSED, StageFiles files UNUSED, StageProgress progress UNUSED,
                 Arena *arena UNUSED, StageResult *out UNUSED, Error *err) { return PENDING(err); }
Status sniff_run(const SniffSpec *spec UNUSED, int fd UNUSED, Arena *arena UNUSED, SniffResult *out UNUSED, Error *err) { return PENDING(err); }
Status stage_spec_read(Str bytes UNUSED, Arena *arena UNUSED, StageSpec *out UNUSED, Error *err) { return PENDING(err); }
void stage_result_write(Buf *out UNUSED, const StageResult *result UNUSED) {}
Status sniff_spec_read(Str bytes UNUSED, Arena *arena UNUSED, SniffSpec *out UNUSED, Error *err) { return PENDING(err); }
void sniff_result_write(Buf *out UNUSED, const SniffResult *result UNUSED) {}
