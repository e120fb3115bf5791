/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The parts that the JSON documents of several verbs share. */
#include "base/json.h"
#include "catalog/catalog.h"
#include "model/run.h"

/* Null where there is nothing. */
void shape_text(JsonWriter *writer, const char *key, Str text);
void shape_count(JsonWriter *writer, const char *key, int64_t count); /* negative = not known */
/* A delivery's members, without its braces: id 0 and empty texts are null. */
void shape_delivery(JsonWriter *writer, const Delivery *delivery);
/* "files": the six counts. */
void shape_files(JsonWriter *writer, const RunFiles *files);
