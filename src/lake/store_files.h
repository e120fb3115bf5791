/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Iceberg's own files of our tables, read from the store; private to this room. */
#include "iceberg/snapshot.h"
#include "lake/lake.h"

/* Reads absolute paths from the local disk. */
IcebergSource lake_iceberg_source(void);
/* metadata.json at a location, through source. */
Status lake_metadata(Str location, const IcebergSource *source, Arena *arena, TableMetadata **out, Error *err);
