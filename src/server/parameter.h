/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Parameter: the values that a client binds, in PostgreSQL's text and binary formats (its *recv functions), as values that
 * the binder puts into the statement (sql/fill.h). Pure; bytes are anybody's.
 */
#include "server/wire.h"
#include "sql/fill.h"

/* OID of what the engine inferred ("INTEGER", "DECIMAL(18,3)"); 0 when it could not. */
uint32_t parameter_oid(Str engine_type);

/* Of the words that people write for types, as in CAST($1 AS int) and PREPARE p (int); 0 for others. */
uint32_t parameter_oid_of_word(Str word);
/* Of the array of a type; 0 when it has none here. */
uint32_t parameter_array_of(uint32_t oid);

#define PARAMETER_LITERAL 2 /* in place of a format: written in SQL, so that 2.5 may be an integer */

/* BAD_VALUE (22P02, 22P03 to a client) for a value that its format or type cannot have, LIMIT (22003) for an integer that is too large. index is from 1, for the message. */
Status parameter_read(size_t index, uint32_t oid, uint16_t format, const WireParameter *parameter, Arena *arena, SqlValue *out,
                      Error *err);
