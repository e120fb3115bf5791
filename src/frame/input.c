/* SPDX-License-Identifier: Apache-2.0 */
#include "frame/input.h"

#include <zlib.h>

#include "base/reason.h"

#define INPUT_BUFFER (256u << 10)
#define INPUT_HEAD 512u /* bytes that tell what a file is */

struct Input {
        Source source;
        uint64_t raw, decoded, limit;
        bool ended; /* the source has no more */
        bool gzip;
        bool inside; /* a gzip member has begun and not ended */
        z_stream stream;
        bool stream_made;
        size_t at, size; /* what is in the buffer and not yet taken */
        uint8_t buffer[INPUT_BUFFER];
};

static Status bytes_read(void *context, void *into, size_t size, size_t *out_got, Error *err) {
        (void)err;
        Str *left = context;
        size_t got = left->size < size ? left->size : size;
        if (got > 0)
                memcpy(into, left->data, got);
        *left = str_slice(*left, got, left->size);
        *out_got = got;
        return STATUS_OK;
}

Source source_of_bytes(Str *bytes) {
        return (Source){ bytes_read, bytes };
}

Input *input_new(void) {
        Input *input = calloc(1, sizeof(*input));
        if (!input)
                out_of_memory();
        return input;
}

void input_free(Input *input) {
        if (!input)
                return;
        if (input->stream_made)
                inflateEnd(&input->stream);
        free(input);
}

void input_freep(Input **input) {
        input_free(*input);
        *input = NULL;
}

static Status refill(Input *input, Error *err) {
        size_t got;
        TRY(input->source.read(input->source.context, input->buffer, sizeof(input->buffer), &got, err));
        input->at = 0;
        input->size = got;
        input->raw += got;
        input->ended = got == 0;
        return STATUS_OK;
}

/* The first bytes, all that are looked at, from a source that may give few at a time. */
static Status fill_head(Input *input, Error *err) {
        TRY(refill(input, err));
        for (size_t got = input->size; got > 0 && input->size < INPUT_HEAD;) {
                TRY(input->source.read(input->source.context, input->buffer + input->size,
                                       sizeof(input->buffer) - input->size, &got, err));
                input->size += got;
                input->raw += got;
        }
        return STATUS_OK;
}

/* What cannot be read, told by its first bytes, so that the error names it. */
static const struct {
        const char *magic;
        size_t size;
        Reason reason;
        size_t offset;
} refused[] = {
        { "\x28\xb5\x2f\xfd", 4, REASON_IS_ZSTD },
        { "BZh", 3, REASON_IS_BZIP2 },
        { "\xfd"
          "7zXZ",
          5, REASON_IS_XZ },
        { "PK\x03\x04", 4, REASON_IS_ZIP },
        { "PAR1", 4, REASON_IS_PARQUET },
        { "\xff\xfe", 2, REASON_IS_UTF16 },
        { "\xfe\xff", 2, REASON_IS_UTF16 },
        { "\xd0\xcf\x11\xe0", 4, REASON_IS_OFFICE },
        { "%PDF-", 5, REASON_IS_PDF },
        { "ustar", 5, REASON_IS_TAR, 257 },
};

static Status refuse_magic(Str head, Error *err) {
        for (size_t i = 0; i < COUNT_OF(refused); i++)
                if (str_starts_with(str_slice(head, refused[i].offset, head.size),
                                    (Str){ refused[i].magic, refused[i].size }))
                        return error_reason_of(err, refused[i].reason);
        return STATUS_OK;
}

static Status start_gzip(Input *input, Error *err) {
        /* 15 window bits, 16 = a gzip wrapper */
        int code = input->stream_made ? inflateReset(&input->stream) : inflateInit2(&input->stream, 15 + 16);
        if (code != Z_OK)
                return error_reason(err, GZIP_START, reason_number(code));
        input->stream_made = true;
        return STATUS_OK;
}

Status input_start(Input *input, Source source, FormatCompression compression, uint64_t limit, Error *err) {
        input->source = source;
        input->raw = input->decoded = 0;
        input->limit = limit;
        input->inside = false;
        TRY(fill_head(input, err));
        bool magic = input->size >= 2 && input->buffer[0] == 0x1f && input->buffer[1] == 0x8b;
        input->gzip = compression == FORMAT_GZIP || (compression == FORMAT_COMPRESSION_AUTO && magic);
        if (compression == FORMAT_GZIP && !magic && input->size > 0)
                return error_reason(err, GZIP_NOT);
        if (input->gzip)
                return start_gzip(input, err);
        return refuse_magic((Str){ (const char *)input->buffer, input->size }, err);
}

static Status read_plain(Input *input, uint8_t *into, size_t size, size_t *out_got, Error *err) {
        size_t got = 0;
        while (got < size) {
                if (input->at == input->size && !input->ended)
                        TRY(refill(input, err));
                if (input->ended)
                        break;
                size_t part = input->size - input->at < size - got ? input->size - input->at : size - got;
                memcpy(into + got, input->buffer + input->at, part);
                input->at += part;
                got += part;
        }
        *out_got = got;
        return STATUS_OK;
}

static Status damaged(const Input *input, Error *err) {
        return error_reason(err, GZIP_DAMAGED, reason_number((int64_t)(input->raw - (input->size - input->at))));
}

/* After a member: another one, padding by zeros, or the end. */
static Status between_members(Input *input, bool *out_more, Error *err) {
        *out_more = false;
        while (true) {
                while (input->at < input->size && input->buffer[input->at] == 0)
                        input->at++;
                if (input->at < input->size)
                        break;
                if (input->ended)
                        return STATUS_OK;
                TRY(refill(input, err));
        }
        if (input->buffer[input->at] != 0x1f)
                return error_reason(err, GZIP_TAIL, reason_number((int64_t)(input->raw - (input->size - input->at))));
        *out_more = true;
        return start_gzip(input, err);
}

static Status read_gzip(Input *input, uint8_t *into, size_t size, size_t *out_got, Error *err) {
        z_stream *stream = &input->stream;
        stream->next_out = into;
        stream->avail_out = (uInt)size;
        while (stream->avail_out > 0) {
                if (!input->inside) {
                        bool more;
                        TRY(between_members(input, &more, err));
                        if (!more)
                                break;
                        input->inside = true;
                }
                if (input->at == input->size) {
                        TRY(refill(input, err));
                        if (input->ended)
                                return error_reason(err, GZIP_CUT);
                }
                stream->next_in = input->buffer + input->at;
                stream->avail_in = (uInt)(input->size - input->at);
                int code = inflate(stream, Z_NO_FLUSH);
                input->at = input->size - stream->avail_in;
                if (code == Z_STREAM_END)
                        input->inside = false;
                else if (code != Z_OK && code != Z_BUF_ERROR)
                        return damaged(input, err);
        }
        *out_got = size - stream->avail_out;
        return STATUS_OK;
}

Status input_read(Input *input, void *into, size_t size, size_t *out_got, Error *err) {
        size_t got = 0;
        if (size > (1u << 30))
                size = 1u << 30;
        TRY(input->gzip ? read_gzip(input, into, size, &got, err) : read_plain(input, into, size, &got, err));
        if (input->gzip && input->decoded == 0)
                TRY(refuse_magic((Str){ into, got }, err));
        input->decoded += got;
        if (input->limit > 0 && input->decoded > input->limit)
                return error_reason(err, INFLATED, reason_number((int64_t)input->limit));
        *out_got = got;
        return STATUS_OK;
}

uint64_t input_read_raw(const Input *input) {
        return input->raw;
}
