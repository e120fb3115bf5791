/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * ObjectStore: immutable bytes under keys, behind a struct of functions: a local folder now, S3 later.
 *
 * Keys are relative paths ("tables/UUID/data/x.parquet"): no empty, '.' or '..' part, no leading slash; others are
 * BAD_VALUE. A put is durable when it returns and never replaces: the second put of a key is EXISTS. Functions may
 * be called from any thread.
 */
#include "base/error.h"
#include "base/arena.h"

typedef struct ObjectStore ObjectStore;

typedef struct ObjectInfo {
        Str key;
        uint64_t size;
} ObjectInfo;

typedef struct ObjectStoreFunctions {
        Status (*put_if_absent)(ObjectStore *store, Str key, Str bytes, Error *err);
        Status (*get_range)(ObjectStore *store, Str key, uint64_t offset, size_t size, Arena *arena, Str *out, Error *err);
        Status (*get)(ObjectStore *store, Str key, size_t limit, Arena *arena, Str *out, Error *err);
        Status (*list)(ObjectStore *store, Str prefix, Arena *arena, ObjectInfo **out, size_t *out_count, Error *err);
        Status (*remove)(ObjectStore *store, Str key, Error *err);
        void (*free)(ObjectStore *store);
} ObjectStoreFunctions;

struct ObjectStore {
        const ObjectStoreFunctions *functions;
};

/* A folder that exists. Owns a copy of the path. */
Status object_store_folder(const char *root, ObjectStore **out, Error *err);
void object_store_freep(ObjectStore **store);

/* EXISTS, IO, DISK_FULL */
Status object_put_if_absent(ObjectStore *store, Str key, Str bytes, Error *err);
/* NOT_FOUND, LIMIT, IO */
Status object_get(ObjectStore *store, Str key, size_t limit, Arena *arena, Str *out, Error *err);
/* Fewer bytes than asked only at the end of the object. */
Status object_get_range(ObjectStore *store, Str key, uint64_t offset, size_t size, Arena *arena, Str *out, Error *err);
/* All keys that begin with prefix (which ends at a folder: "tables/UUID/data/" or empty), sorted bytewise. */
Status object_list(ObjectStore *store, Str prefix, Arena *arena, ObjectInfo **out, size_t *out_count, Error *err);
/* An absent key is fine. */
Status object_remove(ObjectStore *store, Str key, Error *err);
