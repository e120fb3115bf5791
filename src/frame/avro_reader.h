/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Avro object container files as records with types (Avro 1.11). The file's own schema says the columns:
 *
 *   records inside each other   columns, with a path as JSON's keys have (json_tree.h); one that holds itself is JSON text
 *   null in a union             NULL
 *   arrays, maps                JSON text
 *   unions of several kinds     of numbers the wider one; else text: a scalar as it is written, the rest JSON
 *   bytes, fixed                binary, or what their logical type says; a duration is ISO 8601 text
 *   enum                        text
 *
 * A value that its type cannot hold (a nanosecond, a year beyond 9999, a NUL in a text) makes its record bad. What breaks
 * the file's frame makes it HELD, with the block and its place in the file.
 */
#include "frame/reader.h"

#define AVRO_MAGIC STR("Obj\x01")

extern const ReaderKind avro_kind;
