/* SPDX-License-Identifier: Apache-2.0 */
#include "frame/decompress.h"

#include <bzlib.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include "base/error.h"

#define ZSTD_WINDOW_LOG 27 /* CODEC_MEMORY */
#define ZSTD_HEAD 18 /* bytes of a frame's header at the most (RFC 8878 3.1.1.1) */
#define GZIP_WINDOW (MAX_WBITS + 16) /* zlib: a gzip header and nothing else */

_Static_assert(CODEC_MEMORY == 1u << ZSTD_WINDOW_LOG, "one limit for all");

static void *state_new(size_t size) {
        void *state = calloc(1, size);
        if (!state)
                out_of_memory();
        return state;
}

/* zlib and libbz2 count in unsigned. */
static unsigned piece(size_t size) {
        return size < UINT32_MAX ? (unsigned)size : UINT32_MAX;
}

static void moved(CodecBytes *bytes, size_t in, size_t out) {
        bytes->in += in;
        bytes->in_size -= in;
        bytes->out += out;
        bytes->out_size -= out;
}

/* --- gzip --- */

static bool gzip_start(void **state) {
        if (*state)
                return inflateReset(*state) == Z_OK;
        z_stream *stream = state_new(sizeof(*stream));
        *state = stream;
        return inflateInit2(stream, GZIP_WINDOW) == Z_OK;
}

static CodecStep gzip_step(void *state, CodecBytes *bytes) {
        z_stream *stream = state;
        unsigned in = piece(bytes->in_size), out = piece(bytes->out_size);
        stream->next_in = (Bytef *)(uintptr_t)bytes->in;
        stream->avail_in = in;
        stream->next_out = bytes->out;
        stream->avail_out = out;
        int code = inflate(stream, Z_NO_FLUSH);
        moved(bytes, in - stream->avail_in, out - stream->avail_out);
        if (code == Z_STREAM_END)
                return CODEC_END;
        return code == Z_OK || code == Z_BUF_ERROR ? CODEC_MORE : CODEC_DAMAGED;
}

static void gzip_free(void *state) {
        inflateEnd(state);
        free(state);
}

/* --- zstd --- */

/* The library compares a frame's size with the one that its header says, but not where an empty block ends it and the frame comes in
 * pieces. A frame that lies before it whole it decodes in another way, which takes blocks that this one refuses. So a frame's first
 * bytes come singly, and what a file is does not depend on how it is read. */
typedef struct ZstdState {
        ZSTD_DStream *stream;
        uint8_t head[ZSTD_HEAD];
        size_t head_size;
        uint64_t produced; /* of the frame */
} ZstdState;

static bool zstd_start(void **state) {
        ZstdState *zstd = *state ? *state : state_new(sizeof(*zstd));
        *state = zstd;
        zstd->head_size = 0;
        zstd->produced = 0;
        if (!zstd->stream)
                zstd->stream = ZSTD_createDStream();
        return zstd->stream && !ZSTD_isError(ZSTD_DCtx_reset(zstd->stream, ZSTD_reset_session_only)) &&
               !ZSTD_isError(ZSTD_DCtx_setParameter(zstd->stream, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG));
}

static bool zstd_is_whole(const ZstdState *zstd) {
        unsigned long long size = ZSTD_getFrameContentSize(zstd->head, zstd->head_size);
        return size == ZSTD_CONTENTSIZE_UNKNOWN || size == ZSTD_CONTENTSIZE_ERROR || size == zstd->produced;
}

static CodecStep zstd_step(void *state, CodecBytes *bytes) {
        ZstdState *zstd = state;
        ZSTD_inBuffer in = { bytes->in, bytes->in_size > 0 && zstd->head_size < ZSTD_HEAD ? 1 : bytes->in_size, 0 };
        ZSTD_outBuffer out = { bytes->out, bytes->out_size, 0 };
        size_t code = ZSTD_decompressStream(zstd->stream, &out, &in);
        if (in.pos > 0 && zstd->head_size < ZSTD_HEAD)
                zstd->head[zstd->head_size++] = bytes->in[0];
        zstd->produced += out.pos;
        moved(bytes, in.pos, out.pos);
        if (!ZSTD_isError(code))
                return code != 0 ? CODEC_MORE : zstd_is_whole(zstd) ? CODEC_END : CODEC_DAMAGED;
        /* the name of this error's code is no stable part of the library; its words are */
        return strstr(ZSTD_getErrorName(code), "memory") ? CODEC_TOO_LARGE : CODEC_DAMAGED;
}

static void zstd_free(void *state) {
        ZSTD_freeDStream(((ZstdState *)state)->stream);
        free(state);
}

/* --- bzip2 --- */

static bool bzip2_start(void **state) {
        if (*state)
                BZ2_bzDecompressEnd(*state);
        else
                *state = state_new(sizeof(bz_stream));
        return BZ2_bzDecompressInit(*state, 0, 0) == BZ_OK;
}

static CodecStep bzip2_step(void *state, CodecBytes *bytes) {
        bz_stream *stream = state;
        unsigned in = piece(bytes->in_size), out = piece(bytes->out_size);
        stream->next_in = (char *)(uintptr_t)bytes->in;
        stream->avail_in = in;
        stream->next_out = (char *)bytes->out;
        stream->avail_out = out;
        int code = BZ2_bzDecompress(stream);
        moved(bytes, in - stream->avail_in, out - stream->avail_out);
        if (code == BZ_STREAM_END)
                return CODEC_END;
        return code == BZ_OK ? CODEC_MORE : CODEC_DAMAGED;
}

static void bzip2_free(void *state) {
        BZ2_bzDecompressEnd(state);
        free(state);
}

/* --- xz --- */

static bool xz_start(void **state) {
        if (!*state)
                *state = state_new(sizeof(lzma_stream));
        return lzma_stream_decoder(*state, CODEC_MEMORY, 0) == LZMA_OK;
}

static CodecStep xz_step(void *state, CodecBytes *bytes) {
        lzma_stream *stream = state;
        size_t in = bytes->in_size, out = bytes->out_size;
        stream->next_in = bytes->in;
        stream->avail_in = in;
        stream->next_out = bytes->out;
        stream->avail_out = out;
        lzma_ret code = lzma_code(stream, LZMA_RUN);
        moved(bytes, in - stream->avail_in, out - stream->avail_out);
        if (code == LZMA_STREAM_END)
                return CODEC_END;
        if (code == LZMA_MEMLIMIT_ERROR)
                return CODEC_TOO_LARGE;
        return code == LZMA_OK || code == LZMA_BUF_ERROR ? CODEC_MORE : CODEC_DAMAGED;
}

static void xz_free(void *state) {
        lzma_end(state);
        free(state);
}

/* --- all --- */

#define MAGIC(text) text, sizeof(text) - 1

const Codec codecs[CODEC_COUNT] = {
        { "gzip", MAGIC("\x1f\x8b"), gzip_start, gzip_step, gzip_free },
        { "zstd", MAGIC("\x28\xb5\x2f\xfd"), zstd_start, zstd_step, zstd_free },
        { "bzip2", MAGIC("BZh"), bzip2_start, bzip2_step, bzip2_free },
        { "xz", MAGIC("\xfd\x37zXZ"), xz_start, xz_step, xz_free },
};

/* zstd has frames that hold no data; pzstd begins a file with one. */
#define SKIPPABLE_REST "\x2a\x4d\x18"

static bool is_skippable(uint8_t first) {
        return first >= 0x50 && first <= 0x5f;
}

/* Letters alone would make a text that begins with BZh a damaged file: a level and the magic of a block follow. */
static bool is_bzip2(Str head) {
        static const char block[] = "\x31\x41\x59\x26\x53\x59", end[] = "\x17\x72\x45\x38\x50\x90";
        if (head.size < 10)
                return head.size == 3 || (head.data[3] >= '1' && head.data[3] <= '9');
        return head.data[3] >= '1' && head.data[3] <= '9' && (memcmp(head.data + 4, block, 6) == 0 || memcmp(head.data + 4, end, 6) == 0);
}

const Codec *codec_of(Str head) {
        for (size_t i = 0; i < CODEC_COUNT; i++) {
                if (!str_starts_with(head, (Str){ codecs[i].magic, codecs[i].magic_size }))
                        continue;
                bool is_letters = codecs[i].step == bzip2_step;
                return is_letters && !is_bzip2(head) ? NULL : &codecs[i];
        }
        bool skippable = head.size > 3 && is_skippable((uint8_t)head.data[0]) && str_starts_with(str_slice(head, 1, head.size), STR(SKIPPABLE_REST));
        return skippable ? &codecs[1] : NULL;
}

bool codec_goes_on(const Codec *codec, uint8_t first) {
        return first == (uint8_t)codec->magic[0] || (codec->step == zstd_step && is_skippable(first));
}
