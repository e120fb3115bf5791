/* SPDX-License-Identifier: Apache-2.0 */
#include "parquet/values.h"

#include "parquet/format.h"

#define LENGTHS_MAX (1u << 23)          /* values of a page whose lengths come first */
#define MADE_MAX ((size_t)1 << 30)      /* bytes that prefixes make of a page */
#define IDS_AT_ONCE 1024
#define RUN_FILLING 256

/* --- bits --- */

/* `width` bits, at most 64, lowest bit first; zeros behind the end. */
static uint64_t bits_at(Str bytes, uint64_t bit, int width) {
        size_t at = (size_t)(bit / 8);
        int shift = (int)(bit % 8);
        uint64_t low = 0;
        size_t left = at < bytes.size ? bytes.size - at : 0;
        memcpy(&low, bytes.data + (left ? at : 0), left < 8 ? left : 8);
        uint64_t value = le64toh(low) >> shift;
        if (shift + width > 64 && left > 8)
                value |= (uint64_t)(uint8_t)bytes.data[at + 8] << (64 - shift);
        return width == 64 ? value : value & ((1ull << width) - 1);
}

static uint64_t read_varint(Cursor *in) {
        uint64_t value = 0;
        for (int shift = 0; shift < 64; shift += 7) {
                uint8_t byte = cursor_u8(in);
                value |= (uint64_t)(byte & 0x7f) << shift;
                if (!(byte & 0x80))
                        return value;
        }
        in->failed = true;
        return 0;
}

static int64_t read_zigzag(Cursor *in) {
        uint64_t value = read_varint(in);
        return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

/* --- runs --- */

void parquet_runs_start(ParquetRuns *runs, Str bytes, int width) {
        *runs = (ParquetRuns){ .in = cursor_of(bytes), .width = width };
}

void parquet_runs_start_old(ParquetRuns *runs, Str bytes, int width) {
        *runs = (ParquetRuns){ .width = width, .old = true, .bits = bytes, .left = width ? bytes.size * 8 / (uint64_t)width : 0 };
}

/* Longer heads, and larger ones, are refused elsewhere. */
static uint64_t read_head(Cursor *in, bool *odd) {
        size_t before = cursor_left(in);
        uint64_t head = read_varint(in);
        *odd |= before - cursor_left(in) > 5 || head > UINT32_MAX;
        return head;
}

static bool next_run(ParquetRuns *runs) {
        uint64_t head = read_head(&runs->in, &runs->odd);
        runs->packed = head & 1;
        if (runs->packed) {
                uint64_t groups = head >> 1, bytes = groups * (uint64_t)runs->width;
                if (groups > UINT32_MAX || runs->in.failed)
                        return false;
                if (bytes > cursor_left(&runs->in))
                        bytes = cursor_left(&runs->in); /* the last group may be cut; who asks for more gets nothing */
                runs->odd |= bytes < groups * (uint64_t)runs->width || groups == 0;
                runs->bits = cursor_bytes(&runs->in, (size_t)bytes);
                runs->left = runs->width ? bytes * 8 / (uint64_t)runs->width : 0;
                runs->at = 0;
        } else {
                runs->left = head >> 1;
                runs->odd |= runs->left == 0;
                runs->value = 0;
                for (int i = 0; i < (runs->width + 7) / 8; i++)
                        runs->value |= (uint32_t)cursor_u8(&runs->in) << (8 * i);
                runs->odd |= runs->width < 32 && runs->value >> runs->width != 0;
        }
        return !runs->in.failed;
}

static uint32_t old_value(ParquetRuns *runs) {
        uint32_t value = 0;
        for (int i = 0; i < runs->width; i++, runs->at++)
                value = value << 1 | ((uint8_t)runs->bits.data[runs->at / 8] >> (7 - runs->at % 8) & 1);
        return value;
}

/* At most 32 bits each, so eight bytes hold one wherever it begins; only near the end there are fewer. */
static void take_packed(ParquetRuns *runs, uint32_t *out, size_t count) {
        const uint64_t width = (uint64_t)runs->width, mask = ((uint64_t)1 << width) - 1;
        size_t i = 0;
        for (; i < count && runs->at / 8 + 8 <= runs->bits.size; i++, runs->at += width) {
                uint64_t eight;
                memcpy(&eight, runs->bits.data + runs->at / 8, sizeof(eight));
                out[i] = (uint32_t)(le64toh(eight) >> runs->at % 8 & mask);
        }
        for (; i < count; i++, runs->at += width)
                out[i] = (uint32_t)bits_at(runs->bits, runs->at, runs->width);
}

bool parquet_runs_read(ParquetRuns *runs, uint32_t *out, size_t count) {
        if (runs->width == 0) {
                memset(out, 0, count * sizeof(*out));
                runs->at += count;
                return true;
        }
        while (count > 0) {
                if (runs->left == 0 && (runs->old || cursor_left(&runs->in) == 0 || !next_run(runs)))
                        return false;
                size_t part = runs->left < count ? (size_t)runs->left : count;
                if (runs->old)
                        for (size_t i = 0; i < part; i++)
                                out[i] = old_value(runs);
                else if (runs->packed)
                        take_packed(runs, out, part);
                else
                        for (size_t i = 0; i < part; i++)
                                out[i] = runs->value;
                out += part;
                count -= part;
                runs->left -= part;
        }
        return true;
}

bool parquet_runs_are_exact(const ParquetRuns *runs) {
        return runs->width == 0 || (!runs->odd && cursor_left(&runs->in) == 0 && runs->left < (runs->packed ? RUN_FILLING : 1));
}

/* Ids that take no bits: of what their runs say only the length is to be told. */
static bool zeros_are_exact(const ParquetRuns *runs) {
        ParquetRuns said = { .in = runs->in };
        uint64_t count = 0;
        while (cursor_left(&said.in) > 0 && count <= runs->at + RUN_FILLING) {
                uint64_t head = read_head(&said.in, &said.odd), run = head & 1 ? (head >> 1) * 8 : head >> 1;
                if (said.in.failed || said.odd || run == 0)
                        return false;
                said.packed = head & 1;
                count += run;
        }
        return cursor_left(&said.in) == 0 && count >= runs->at && count - runs->at < (said.packed ? RUN_FILLING : 1);
}

/* --- deltas --- */

bool parquet_delta_start(ParquetDelta *delta, Str bytes) {
        *delta = (ParquetDelta){ .in = cursor_of(bytes) };
        delta->block = read_varint(&delta->in);
        delta->minis = read_varint(&delta->in);
        delta->total = read_varint(&delta->in);
        delta->last = (uint64_t)read_zigzag(&delta->in);
        if (delta->in.failed || delta->minis == 0 || delta->minis > 65536 || delta->block > (1u << 24) || delta->block % delta->minis != 0)
                return false;
        delta->per_mini = delta->block / delta->minis;
        delta->mini = delta->minis; /* a block begins */
        return delta->per_mini > 0 && delta->per_mini % 8 == 0;
}

static bool next_mini(ParquetDelta *delta) {
        if (++delta->mini >= delta->minis) {
                delta->least = (uint64_t)read_zigzag(&delta->in);
                delta->widths = (const uint8_t *)cursor_bytes(&delta->in, (size_t)delta->minis).data;
                delta->mini = 0;
        }
        if (delta->in.failed || delta->widths[delta->mini] > 64)
                return false;
        size_t bytes = (size_t)(delta->per_mini * delta->widths[delta->mini] / 8);
        /* the last one may be cut behind its last value */
        delta->bits = cursor_bytes(&delta->in, bytes < cursor_left(&delta->in) ? bytes : cursor_left(&delta->in));
        delta->in_mini = 0;
        return true;
}

bool parquet_delta_read(ParquetDelta *delta, int64_t *out, size_t count) {
        if (count > delta->total - delta->read)
                return false;
        for (size_t i = 0; i < count; i++, delta->read++) {
                if (delta->read > 0) {
                        bool over = delta->mini == delta->minis || delta->in_mini == delta->per_mini;
                        if (over && !next_mini(delta))
                                return false;
                        int width = delta->widths[delta->mini];
                        uint64_t end = (delta->in_mini + 1) * (uint64_t)width;
                        if (end > delta->bits.size * 8)
                                return false;
                        delta->last += delta->least + (width ? bits_at(delta->bits, end - (uint64_t)width, width) : 0);
                        delta->in_mini++;
                }
                out[i] = (int64_t)delta->last;
        }
        return true;
}

/* A block's miniblocks behind the last value have no bytes, whatever widths they have. */
Str parquet_delta_rest(const ParquetDelta *delta) {
        return (Str){ (const char *)delta->in.at, cursor_left(&delta->in) };
}

/* --- values --- */

ParquetForm parquet_form(ParquetPhysical physical) {
        if (physical == PARQUET_FLOAT || physical == PARQUET_DOUBLE)
                return PARQUET_FORM_NUMBERS;
        return physical <= PARQUET_INT64 ? PARQUET_FORM_INTS : PARQUET_FORM_BYTES;
}

static size_t size_of(const ParquetDecoder *decoder) {
        static const uint8_t sizes[] = { [PARQUET_INT32] = 4, [PARQUET_INT64] = 8, [PARQUET_INT96] = 12, [PARQUET_FLOAT] = 4, [PARQUET_DOUBLE] = 8 };
        return decoder->physical == PARQUET_FIXED ? (size_t)decoder->type_length : sizes[decoder->physical];
}

/* One value whose bytes stand together. */
static void put_plain(const ParquetDecoder *decoder, const char *at, const ParquetArray *out, size_t i) {
        int32_t int32;
        int64_t int64;
        float single;
        switch (decoder->physical) {
        case PARQUET_INT32:
                memcpy(&int32, at, sizeof(int32));
                out->ints[i] = int32;
                return;
        case PARQUET_INT64:
                memcpy(&int64, at, sizeof(int64));
                out->ints[i] = int64;
                return;
        case PARQUET_FLOAT:
                memcpy(&single, at, sizeof(single));
                out->numbers[i] = (double)single;
                return;
        case PARQUET_DOUBLE:
                memcpy(&out->numbers[i], at, sizeof(double));
                return;
        default:
                out->bytes[i] = (Str){ at, size_of(decoder) };
        }
}

static ParquetDecoded read_plain(ParquetDecoder *decoder, const ParquetArray *out, size_t count) {
        if (decoder->physical == PARQUET_BOOLEAN) {
                Str bytes = { (const char *)decoder->in.at, cursor_left(&decoder->in) };
                if (decoder->bit + count > bytes.size * 8)
                        return PARQUET_BROKEN;
                for (size_t i = 0; i < count; i++, decoder->bit++)
                        out->ints[i] = (int64_t)bits_at(bytes, decoder->bit, 1);
                return PARQUET_DECODED;
        }
        if (decoder->physical == PARQUET_BYTE_ARRAY) {
                for (size_t i = 0; i < count; i++)
                        out->bytes[i] = cursor_str(&decoder->in);
                return decoder->in.failed ? PARQUET_BROKEN : PARQUET_DECODED;
        }
        size_t size = size_of(decoder);
        Str bytes = cursor_bytes(&decoder->in, size * count);
        if (decoder->in.failed)
                return PARQUET_BROKEN;
        if (decoder->physical == PARQUET_INT64 && count > 0) {
                memcpy(out->ints, bytes.data, bytes.size);
                return PARQUET_DECODED;
        }
        for (size_t i = 0; i < count; i++)
                put_plain(decoder, bytes.data + i * size, out, i);
        return PARQUET_DECODED;
}

static ParquetDecoded read_ids(ParquetDecoder *decoder, const ParquetArray *out, size_t count) {
        uint32_t ids[IDS_AT_ONCE];
        ParquetForm form = parquet_form(decoder->physical);
        for (size_t done = 0; done < count;) {
                size_t part = count - done < IDS_AT_ONCE ? count - done : IDS_AT_ONCE;
                if (!parquet_runs_read(&decoder->runs, ids, part))
                        return PARQUET_BROKEN;
                for (size_t i = 0; i < part; i++, done++) {
                        if (ids[i] >= decoder->dictionary_count)
                                return PARQUET_BROKEN;
                        decoder->used[ids[i]] = true;
                        if (form == PARQUET_FORM_INTS)
                                out->ints[done] = decoder->dictionary->ints[ids[i]];
                        else if (form == PARQUET_FORM_NUMBERS)
                                out->numbers[done] = decoder->dictionary->numbers[ids[i]];
                        else
                                out->bytes[done] = decoder->dictionary->bytes[ids[i]];
                }
        }
        return PARQUET_DECODED;
}

static ParquetDecoded read_boolean_runs(ParquetDecoder *decoder, const ParquetArray *out, size_t count) {
        uint32_t bits[IDS_AT_ONCE];
        for (size_t done = 0; done < count;) {
                size_t part = count - done < IDS_AT_ONCE ? count - done : IDS_AT_ONCE;
                if (!parquet_runs_read(&decoder->runs, bits, part))
                        return PARQUET_BROKEN;
                for (size_t i = 0; i < part; i++)
                        out->ints[done++] = bits[i] & 1;
        }
        return PARQUET_DECODED;
}

static ParquetDecoded read_delta(ParquetDecoder *decoder, const ParquetArray *out, size_t count) {
        if (!parquet_delta_read(&decoder->delta, out->ints, count))
                return PARQUET_BROKEN;
        for (size_t i = 0; i < count && decoder->physical == PARQUET_INT32; i++)
                out->ints[i] = (int32_t)out->ints[i]; /* sums wrap at the type's width */
        return PARQUET_DECODED;
}

static ParquetDecoded read_lengths(ParquetDecoder *decoder, const ParquetArray *out, size_t count) {
        if (count > decoder->count - decoder->done)
                return PARQUET_BROKEN;
        for (size_t i = 0; i < count; i++, decoder->done++) {
                int64_t length = decoder->lengths[decoder->done], prefix = decoder->prefixes ? decoder->prefixes[decoder->done] : 0;
                if (length < 0 || prefix < 0 || (uint64_t)prefix > decoder->last.size || (uint64_t)length > cursor_left(&decoder->in))
                        return PARQUET_BROKEN;
                Str suffix = cursor_bytes(&decoder->in, (size_t)length);
                if (prefix > 0) {
                        size_t size = (size_t)prefix + suffix.size;
                        if ((decoder->made += size) > MADE_MAX)
                                return PARQUET_TOO_BIG;
                        char *whole = arena_alloc_raw(decoder->arena, size + 1);
                        memcpy(whole, decoder->last.data, (size_t)prefix);
                        if (suffix.size > 0)
                                memcpy(whole + prefix, suffix.data, suffix.size);
                        suffix = (Str){ whole, size };
                }
                if (decoder->physical == PARQUET_FIXED && suffix.size != (size_t)decoder->type_length)
                        return PARQUET_BROKEN;
                out->bytes[i] = decoder->last = suffix;
        }
        return PARQUET_DECODED;
}

/* The first bytes of all values, then their second ones, and so on. */
static ParquetDecoded read_split(ParquetDecoder *decoder, const ParquetArray *out, size_t count) {
        size_t size = size_of(decoder);
        if (count > decoder->streams - decoder->done)
                return PARQUET_BROKEN;
        bool keeps = parquet_form(decoder->physical) == PARQUET_FORM_BYTES;
        char *room = keeps ? arena_alloc_raw(decoder->arena, size * count + 1) : NULL;
        for (size_t i = 0; i < count; i++, decoder->done++) {
                char one[8];
                char *value = keeps ? room + i * size : one;
                for (size_t k = 0; k < size; k++)
                        value[k] = (char)decoder->in.at[k * decoder->streams + decoder->done];
                put_plain(decoder, value, out, i);
        }
        return PARQUET_DECODED;
}

/* --- starting --- */

static bool take_lengths(ParquetDecoder *decoder, Str *bytes, int64_t **out, uint64_t most) {
        ParquetDelta delta;
        if (!parquet_delta_start(&delta, *bytes) || delta.total > most)
                return false;
        decoder->count = delta.total;
        *out = ARENA_ARRAY(decoder->arena, int64_t, (size_t)delta.total + 1);
        if (!parquet_delta_read(&delta, *out, (size_t)delta.total))
                return false;
        *bytes = parquet_delta_rest(&delta);
        return true;
}

static ParquetDecoded start_lengths(ParquetDecoder *decoder, Str bytes, uint32_t left) {
        if (left > LENGTHS_MAX)
                return PARQUET_TOO_BIG;
        bool prefixed = decoder->encoding == PARQUET_ENCODING_DELTA_BYTE_ARRAY;
        if (prefixed && !take_lengths(decoder, &bytes, &decoder->prefixes, left))
                return PARQUET_BROKEN;
        uint64_t count = decoder->count;
        if (!take_lengths(decoder, &bytes, &decoder->lengths, left) || (prefixed && decoder->count != count))
                return PARQUET_BROKEN;
        decoder->in = cursor_of(bytes);
        return PARQUET_DECODED;
}

static ParquetDecoded start_ids(ParquetDecoder *decoder, Str bytes) {
        if (bytes.size == 0) { /* a page of nulls */
                parquet_runs_start(&decoder->runs, bytes, 1);
                return PARQUET_DECODED;
        }
        int width = (uint8_t)bytes.data[0];
        parquet_runs_start(&decoder->runs, str_slice(bytes, 1, bytes.size), width);
        return width <= 32 ? PARQUET_DECODED : PARQUET_BROKEN;
}

static ParquetDecoded start_split(ParquetDecoder *decoder, Str bytes) {
        size_t size = decoder->physical == PARQUET_BOOLEAN || decoder->physical == PARQUET_BYTE_ARRAY ? 0 : size_of(decoder);
        if (size == 0)
                return PARQUET_NOT_READ;
        decoder->streams = (uint32_t)(bytes.size / size);
        return bytes.size % size == 0 ? PARQUET_DECODED : PARQUET_BROKEN;
}

ParquetDecoded parquet_decoder_start(ParquetDecoder *decoder, const ParquetNode *node, int encoding, Str bytes, uint32_t left, Arena *arena) {
        const ParquetArray *dictionary = decoder->dictionary;
        uint32_t count = decoder->dictionary_count;
        bool *used = decoder->used;
        *decoder = (ParquetDecoder){ .physical = node->physical, .type_length = node->type_length, .encoding = encoding, .in = cursor_of(bytes),
                                     .dictionary = dictionary, .dictionary_count = count, .used = used, .arena = arena, .last = STR("") };
        bool is_int = node->physical == PARQUET_INT32 || node->physical == PARQUET_INT64;
        bool is_bytes = node->physical == PARQUET_BYTE_ARRAY || node->physical == PARQUET_FIXED;
        switch (encoding) {
        case PARQUET_ENCODING_PLAIN:
                return PARQUET_DECODED;
        case PARQUET_ENCODING_PLAIN_DICTIONARY:
        case PARQUET_ENCODING_RLE_DICTIONARY:
                return dictionary ? start_ids(decoder, bytes) : PARQUET_BROKEN;
        case PARQUET_ENCODING_RLE: {
                Cursor in = cursor_of(bytes);
                if (node->physical != PARQUET_BOOLEAN)
                        return PARQUET_NOT_READ;
                parquet_runs_start(&decoder->runs, cursor_str(&in), 1);
                return in.failed && bytes.size > 0 ? PARQUET_BROKEN : PARQUET_DECODED;
        }
        case PARQUET_ENCODING_DELTA_BINARY_PACKED:
                if (!is_int)
                        return PARQUET_NOT_READ;
                return bytes.size == 0 || parquet_delta_start(&decoder->delta, bytes) ? PARQUET_DECODED : PARQUET_BROKEN;
        case PARQUET_ENCODING_DELTA_LENGTH_BYTE_ARRAY:
        case PARQUET_ENCODING_DELTA_BYTE_ARRAY:
                if (!is_bytes)
                        return PARQUET_NOT_READ;
                return bytes.size == 0 ? PARQUET_DECODED : start_lengths(decoder, bytes, left);
        case PARQUET_ENCODING_BYTE_STREAM_SPLIT:
                return start_split(decoder, bytes);
        default:
                return PARQUET_NOT_READ;
        }
}

ParquetDecoded parquet_decoder_read(ParquetDecoder *decoder, const ParquetArray *out, size_t count) {
        switch (decoder->encoding) {
        case PARQUET_ENCODING_PLAIN:
                return read_plain(decoder, out, count);
        case PARQUET_ENCODING_RLE:
                return read_boolean_runs(decoder, out, count);
        case PARQUET_ENCODING_DELTA_BINARY_PACKED:
                return read_delta(decoder, out, count);
        case PARQUET_ENCODING_DELTA_LENGTH_BYTE_ARRAY:
        case PARQUET_ENCODING_DELTA_BYTE_ARRAY:
                return read_lengths(decoder, out, count);
        case PARQUET_ENCODING_BYTE_STREAM_SPLIT:
                return read_split(decoder, out, count);
        default:
                return read_ids(decoder, out, count);
        }
}

bool parquet_decoder_is_exact(const ParquetDecoder *decoder) {
        bool plain = decoder->encoding == PARQUET_ENCODING_PLAIN;
        if (plain && decoder->physical == PARQUET_BOOLEAN)
                return cursor_left(&decoder->in) * 8 - decoder->bit < 8;
        if (plain)
                return cursor_left(&decoder->in) == 0;
        return decoder->runs.width == 0 ? zeros_are_exact(&decoder->runs) : parquet_runs_are_exact(&decoder->runs);
}
