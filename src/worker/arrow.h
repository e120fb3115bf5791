/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Arrow: an answer as an Arrow IPC stream (a schema message, a record batch a chunk, the end mark), for any Arrow reader.
 *
 * What comes in is the Arrow C data interface, which the engine gives; what goes out are encapsulated messages whose
 * metadata are flatbuffers. Sources: Arrow's columnar format specification 1.5, "Serialization and Interprocess
 * Communication" and "The Arrow C data interface"; Schema.fbs and Message.fbs; FlatBuffers internals.
 *
 * Written are the types that a table of ours may have; anything else is refused, never guessed. Any thread; buffers are the
 * caller's, and a stream's bytes must be appended to one buffer or file in order, from a multiple of eight on.
 */
#include <stdint.h>

#include "base/buf.h"

/* The C data interface's two structures: an ABI, so these are their fields and no others. */
struct ArrowSchema {
        const char *format, *name, *metadata;
        int64_t flags;
        int64_t n_children;
        struct ArrowSchema **children;
        struct ArrowSchema *dictionary;
        void (*release)(struct ArrowSchema *);
        void *private_data;
};

struct ArrowArray {
        int64_t length, null_count, offset, n_buffers, n_children;
        const void **buffers;
        struct ArrowArray **children;
        struct ArrowArray *dictionary;
        void (*release)(struct ArrowArray *);
        void *private_data;
};

/* schema: a struct ("+s") whose children are the columns. False, and nothing is written, when a type is none of ours:
 * *out_format is its format then. */
bool arrow_write_schema(Buf *out, const struct ArrowSchema *schema, const char **out_format);
/* batch: of that schema, which was written. False when it is not what the schema says. */
bool arrow_write_batch(Buf *out, const struct ArrowSchema *schema, const struct ArrowArray *batch);
void arrow_write_end(Buf *out);
