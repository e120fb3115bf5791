/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Row text: values of an answer, as a worker wrote them (PostgreSQL's text form, nested ones as JSON), as JSON and CSV: for
 * the command line and HTTP alike. Pure.
 */
#include "base/json.h"
#include "engine/worker.h"

/* Names for JSON keys: duplicates get _1, _2. */
Str *column_keys(Arena *arena, const WorkerColumns *columns);
/* Whether its values are numbers in JSON; NaN and infinities are texts all the same. */
bool column_is_number(const WorkerColumn *column);
/* Integers and decimals as numbers, times in ISO 8601, binary as base64. */
void json_put_value(JsonWriter *writer, const WorkerColumn *column, Str value, bool is_null);
/* As people read it: booleans are true and false, which a worker writes as t and f; all else as it is. */
Str readable_value(const WorkerColumn *column, Str value, bool is_null);
/* One CSV field: quoted where it must be; NULL is nothing and an empty text is "". */
void csv_put(Buf *out, Str value, bool is_null);
