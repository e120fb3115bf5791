/* SPDX-License-Identifier: Apache-2.0 */
#include "frame/gunzip.h"

#include <zlib.h>

#define BLOCK (64u << 10)
#define GZIP_WINDOW (16 + MAX_WBITS) /* zlib: a gzip header and nothing else */

bool gunzip_is(Str bytes) {
        return str_starts_with(bytes, STR("\x1f\x8b"));
}

static Status inflate_all(z_stream *stream, Buf *out, Error *err) {
        for (int result = Z_OK; result != Z_STREAM_END;) {
                char block[BLOCK];
                stream->next_out = (Bytef *)block;
                stream->avail_out = sizeof(block);
                result = inflate(stream, Z_NO_FLUSH);
                if (result != Z_OK && result != Z_STREAM_END)
                        return error_set(err, STATUS_BAD_VALUE, "it is no gzip file, or is damaged or cut short");
                buf_append(out, (Str){ block, sizeof(block) - stream->avail_out });
                if (out->failed)
                        return error_set(err, STATUS_LIMIT, "it unpacks to more than %zu bytes", out->limit);
        }
        return stream->avail_in == 0 ? STATUS_OK : error_set(err, STATUS_BAD_VALUE, "something lies behind its end");
}

Status gunzip(Str bytes, Buf *out, Error *err) {
        z_stream stream = { 0 };
        if (inflateInit2(&stream, GZIP_WINDOW) != Z_OK)
                out_of_memory();
        stream.next_in = (Bytef *)(uintptr_t)bytes.data;
        stream.avail_in = (uInt)bytes.size; /* bodies are far below 4 GB */
        Status status = bytes.size > UINT32_MAX ? error_set(err, STATUS_LIMIT, "it is larger than 4 GB") : inflate_all(&stream, out, err);
        inflateEnd(&stream);
        return status;
}
