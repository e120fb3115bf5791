/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Stager: reads a delivery, types it, and writes what fits as one Parquet file and what does not as another. It
 * streams: memory is bounded by the record limit and one row group, whatever the file's size. Its buffers stay warm
 * from job to job, so a worker keeps one. One thread drives it; it may use spec->threads for encoding.
 *
 * It sees descriptors only. They stay the caller's: they are neither closed nor synced here. What a failed job wrote
 * to the two outputs means nothing and must be dropped.
 */
#include "engine/stage_message.h"

typedef struct Stager Stager;

typedef struct StageFiles {
        int in;               /* read from its current place to the end */
        int data, quarantine; /* written from offset 0 */
} StageFiles;

/* Called about every 16 MB of input with the compressed bytes read so far; false interrupts the job. */
typedef struct StageProgress {
        bool (*report)(void *context, uint64_t bytes_read);
        void *context;
} StageProgress;

Stager *stager_new(void);
void stager_free(Stager *stager);
void stager_freep(Stager **stager);

/*
 * HELD: the file itself is at fault (truncated or damaged compression, another encoding, a header that has none of
 * the columns, over the input limit). BAD_VALUE: the spec is. IO, DISK_FULL: a descriptor. INTERRUPTED.
 * The result's texts are in the arena. Records that do not fit are no error.
 */
Status stage_run(Stager *stager, const StageSpec *spec, StageFiles files, StageProgress progress, Arena *arena,
                 StageResult *out, Error *err);
