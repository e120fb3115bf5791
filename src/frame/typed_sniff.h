/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What a file that says its columns and types is made of: nothing is guessed. Its first records are read for a preview
 * and for what is NULL in them.
 */
#include "frame/sniff.h"

/* AVRO or PARQUET where a file begins as one of these; FORMAT_KIND_COUNT where it does not. */
FormatKind typed_kind_of(Str head);

/* HELD: it cannot be read. out->whole: all of it was, within sample_bytes of values; else rows->counts are of a part. */
Status typed_sniff(FormatKind kind, Source source, size_t sample_bytes, size_t preview_max, Arena *arena, Sniffed *out, SniffedRows *rows,
                   Error *err);
