/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What Arrow's writers say beside a Parquet schema: under the key `ARROW:schema`, in base64, an IPC message (Schema.fbs,
 * a flatbuffer) with the types that Parquet has no name for. Durations alone are taken from it: to Parquet they are
 * integers without a unit. Every offset is compared with what is there; what cannot be followed says nothing.
 */
#include "parquet/footer.h"

/* Sets `duration` of those nodes that it names. */
void arrow_schema_apply(Str base64, Arena *arena, ParquetNode *root);
