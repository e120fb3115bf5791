/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * ClientType: how a type of the engine's looks to a PostgreSQL client: OID, size, modifier. Both programs use it: the
 * worker to write arrays, `lode` to describe columns. OIDs are those of PostgreSQL's pg_type. What PostgreSQL has no
 * type for comes as the nearest that holds every value: unsigned and 128-bit integers as numeric or the next larger
 * integer, enums as text, structs, maps, unions and lists of lists as JSON.
 */
#include "base/arena.h"
#include "base/str.h"

#define OID_BOOL 16
#define OID_BYTEA 17
#define OID_CHAR 18
#define OID_NAME 19
#define OID_INT8 20
#define OID_INT2 21
#define OID_INT2VECTOR 22
#define OID_INT4 23
#define OID_REGPROC 24
#define OID_TEXT 25
#define OID_OID 26
#define OID_OIDVECTOR 30
#define OID_JSON 114
#define OID_FLOAT4 700
#define OID_FLOAT8 701
#define OID_UNKNOWN 705
#define OID_BPCHAR 1042
#define OID_VARCHAR 1043
#define OID_DATE 1082
#define OID_TIME 1083
#define OID_TIMESTAMP 1114
#define OID_TIMESTAMPTZ 1184
#define OID_INTERVAL 1186
#define OID_TIMETZ 1266
#define OID_BIT 1560
#define OID_VARBIT 1562
#define OID_NUMERIC 1700
#define OID_UUID 2950
#define OID_JSONB 3802

typedef struct ClientType {
        uint32_t oid;
        uint32_t array;   /* OID of its array type; 0 = it has none for us */
        int16_t size;     /* bytes, -1 where it varies */
        int32_t modifier; /* -1 = none */
} ClientType;

/* From the engine's spelling: "DECIMAL(12,2)", "INTEGER[]", "STRUCT(...)". What is not known is text. */
ClientType client_type_of(Str engine_type);
/* Elements' type of int2vector and oidvector, which are written 1 2 and count from 0; 0 for what is none. */
uint32_t client_type_vector(uint32_t oid);
/* Of one array: its elements' type, oid 0 when `oid` is none of these arrays. */
uint32_t client_type_element(uint32_t array);
