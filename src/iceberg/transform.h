/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Transform: how a partition value comes from a column (spec, "Partition Transforms"). Values are single values as
 * bytes (base/value.h). NULL gives NULL and is not handed in here.
 */
#include "base/type.h"
#include "base/value.h"

typedef enum TransformKind {
        TRANSFORM_IDENTITY,
        TRANSFORM_BUCKET,
        TRANSFORM_TRUNCATE,
        TRANSFORM_YEAR,
        TRANSFORM_MONTH,
        TRANSFORM_DAY,
        TRANSFORM_HOUR,
        TRANSFORM_VOID,
        TRANSFORM_UNKNOWN, /* of a later version: kept by its text, never prunes */
} TransformKind;

typedef struct Transform {
        TransformKind kind;
        int width; /* buckets, or the width of truncate */
        Str text;  /* unknown only: as written */
} Transform;

Transform transform_parse(Str text);
Str transform_print(Arena *arena, Transform transform);
bool transform_takes(Transform transform, TypeKind source);
/* The type of the result for a column of that type. */
Type transform_result(Transform transform, Type source);
/* False where there is no value: void, unknown, a type it does not take, a malformed value. */
bool transform_apply(Transform transform, Type source, Str value, Arena *arena, Str *out);
/* Whether a <= b implies apply(a) <= apply(b): then bounds may be transformed for pruning. */
bool transform_keeps_order(Transform transform);

/* MurmurHash3 x86 32 bit with seed 0, and the hash that bucket uses for a value of a type (spec, appendix B). */
uint32_t murmur3_32(Str bytes);
bool transform_hash(Type type, Str value, int32_t *out);

typedef struct PartitionField {
        int source_id; /* column */
        int field_id;  /* of the partition value; from 1000 */
        Str name;
        Transform transform;
} PartitionField;

typedef struct PartitionSpec {
        int id;
        PartitionField *fields;
        size_t field_count; /* 0 = unpartitioned */
} PartitionSpec;
