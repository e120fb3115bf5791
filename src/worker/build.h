/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Build: the answer of a SELECT as a file in out/: Parquet, with what its footer says, or an Arrow stream. The runner thread's. */
#include <stdatomic.h>

#include "base/value.h"
#include "worker/engine.h"

typedef struct BuildColumn {
        Str name, engine_type; /* a column of the select; what it is cast to */
} BuildColumn;

typedef struct BuildSpec {
        Str select, field_ids; /* field_ids: the text of COPY's option, or empty */
        BuildColumn *columns;
        size_t column_count;
        bool arrow;
        uint64_t number; /* of the statement; names the file */
        const atomic_ullong *interrupted; /* see rows_each_chunk() */
} BuildSpec;

typedef struct BuildFile {
        Str name;
        FileStatistics statistics;
} BuildFile;

bool build_spec_read(Str payload, Arena *arena, BuildSpec *out);
/* A select without rows gives a file without rows. */
bool build_run(Engine *engine, const char *folder, const BuildSpec *spec, Arena *arena, BuildFile *out,
               Failure *failure);
