/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Snappy's raw format (format_description.txt of google/snappy), unpacked only: a length as a varint, then literals and
 * copies of what is there already. Avro blocks and Parquet pages are packed so. Trusts nothing; no state: any thread.
 */
#include "base/buf.h"

/* How many bytes it says that it holds; false if that cannot be read. */
bool snappy_size(Str packed, uint64_t *out);
/* Exactly so many bytes; false if broken. */
bool snappy_unpack(Str packed, char *into, size_t size);
