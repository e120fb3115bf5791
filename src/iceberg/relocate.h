/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Relocate: Iceberg's own files for a table whose files lie elsewhere now. Paths in them are absolute (specification,
 * "File System Operations" knows no others), so they are written anew with another beginning; nothing else changes.
 *
 * What relocates from A to B relocates back from B to A to the very same bytes: blocks, sync marks and order are kept.
 * (Avro's are packed again, so by the same version of the library.) That is how a file that was moved is still held to
 * the hash of the file that was published.
 */
#include "iceberg/manifest.h"

typedef struct Relocation {
        Str from, to;  /* folders, absolute, without a slash at the end: only what lies below `from` changes */
        /* How long a manifest, by its new path, is there: lists say so. -1: as the list has it. May be NULL. */
        int64_t (*manifest_length)(void *context, Str path);
        void *context;
} Relocation;

/* metadata.json, not gzipped. */
Status relocate_metadata(Str bytes, const Relocation *relocation, Arena *arena, Str *out, Error *err);
/* A manifest or a manifest list. CORRUPT, LIMIT, SQL_REFUSED for a codec that is not written. */
Status relocate_manifest(Str bytes, const char *name, const Relocation *relocation, Arena *arena, Str *out, Error *err);
/* By file name. */
Status relocate_file(Str path, Str bytes, const Relocation *relocation, Arena *arena, Str *out, Error *err);
