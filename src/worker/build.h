/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Build: the answer of a SELECT as a Parquet file in out/, with what its footer says. The runner thread's. */
#include "base/value.h"
#include "worker/engine.h"

typedef struct BuildColumn {
        Str name, engine_type; /* a column of the select; what it is cast to */
} BuildColumn;

typedef struct BuildSpec {
        Str select, field_ids; /* field_ids: the text of COPY's option */
        BuildColumn *columns;
        size_t column_count;
        uint64_t number; /* names the file */
} BuildSpec;

typedef struct BuildFile {
        Str name;
        FileStatistics statistics;
} BuildFile;

bool build_spec_read(Str payload, Arena *arena, BuildSpec *out);
/* A select without rows gives a file without rows. */
bool build_run(Engine *engine, const char *folder, const BuildSpec *spec, Arena *arena, BuildFile *out,
               Failure *failure);
