/* SPDX-License-Identifier: Apache-2.0 */
#include "frame/input.h"

#include "base/reason.h"
#include "frame/decompress.h"

#define INPUT_BUFFER (256u << 10)
#define INPUT_HEAD 512u /* bytes that tell what a file is */
#define TEXT_BUFFER (64u << 10)
#define TEXT_HEAD 4096u /* bytes that tell the order of UTF-16 without a mark */

/* Text that is not UTF-8 on its way to be. Made for the first delivery that needs it. */
typedef struct TextBuffer {
        size_t raw_size;   /* bytes not yet decoded, at the front */
        size_t at, size;   /* what is decoded and not yet taken */
        bool ended;        /* nothing follows the raw bytes */
        char raw[TEXT_BUFFER];
        char text[TEXT_BUFFER * ENCODING_GROWTH];
} TextBuffer;

struct Input {
        Source source;
        uint64_t raw, decoded, limit;
        bool ended; /* the source has no more */
        const Codec *codec;  /* NULL: plain */
        bool inside;         /* a member has begun and not ended */
        bool takes_all;      /* whatever the bytes are */
        void *states[CODEC_COUNT];
        size_t at, size; /* what is in the buffer and not yet taken */
        uint8_t buffer[INPUT_BUFFER];
        const Encoding *encoding; /* NULL: bytes are handed on as they are */
        TextBuffer *text;
        EncodingSizes *sizes;
        const Encoding *sizes_of;
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

static Status bytes_read_at(void *context, uint64_t offset, void *into, size_t size, size_t *out_got, Error *err) {
        (void)err;
        const Str *bytes = context;
        Str part = offset < bytes->size ? str_slice(*bytes, (size_t)offset, (size_t)offset + size) : STR("");
        if (part.size > 0)
                memcpy(into, part.data, part.size);
        *out_got = part.size;
        return STATUS_OK;
}

Source source_of_bytes(Str *bytes) {
        return (Source){ bytes_read, bytes, bytes_read_at, bytes->size };
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
        for (size_t i = 0; i < CODEC_COUNT; i++) {
                if (input->states[i])
                        codecs[i].free(input->states[i]);
        }
        free(input->text);
        encoding_sizes_free(input->sizes);
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
        const char *what; /* for IS_NO_TABLE */
} refused[] = {
        { "PK\x03\x04", 4, REASON_IS_ZIP },
        { "PAR1", 4, REASON_IS_PARQUET },
        { "Obj\x01", 4, REASON_IS_AVRO },
        { "\xd0\xcf\x11\xe0", 4, REASON_IS_OFFICE },
        { "%PDF-", 5, REASON_IS_PDF },
        { "ustar", 5, REASON_IS_TAR, 257 },
        { "\x89PNG\r\n", 6, REASON_IS_NO_TABLE, 0, "a picture (PNG)" },
        { "\xff\xd8\xff", 3, REASON_IS_NO_TABLE, 0, "a picture (JPEG)" },
        { "GIF87a", 6, REASON_IS_NO_TABLE, 0, "a picture (GIF)" },
        { "GIF89a", 6, REASON_IS_NO_TABLE, 0, "a picture (GIF)" },
        { "\x7f" "ELF", 4, REASON_IS_NO_TABLE, 0, "a program" },
        { "SQLite format 3", 16, REASON_IS_NO_TABLE, 0, "a database (SQLite)" },
        { "7z\xbc\xaf\x27\x1c", 6, REASON_IS_NO_TABLE, 0, "an archive of 7-Zip" },
        { "Rar!\x1a\x07", 6, REASON_IS_NO_TABLE, 0, "an archive of RAR" },
        { "\x04\x22\x4d\x18", 4, REASON_IS_NO_TABLE, 0, "compressed by lz4" },
        { "\xff\x06\0\0sNaPpY", 10, REASON_IS_NO_TABLE, 0, "compressed by snappy" },
        { "LZIP\x01", 5, REASON_IS_NO_TABLE, 0, "compressed by lzip" },
        { "\x1f\x9d\x90", 3, REASON_IS_NO_TABLE, 0, "compressed by compress (.Z)" },
        { "ARROW1\0\0", 8, REASON_IS_NO_TABLE, 0, "an Arrow or Feather file" },
        { "ORC\x0a", 4, REASON_IS_NO_TABLE, 0, "an ORC file" },
        { "\x89HDF\r\n\x1a\n", 8, REASON_IS_NO_TABLE, 0, "an HDF5 file" },
        { "{\\rtf1", 6, REASON_IS_NO_TABLE, 0, "a document (RTF)" },
};

/* The first member of a zip archive that is an office document, as the programs that write them begin. */
static bool is_office(Str head) {
        static const char *const first[] = { "[Content_Types].xml", "_rels/", "docProps/", "xl/", "customXml/", "theme/" };
        Str name = str_slice(head, 30, head.size); /* behind a local file header: APPNOTE 4.3.7 */
        bool office = false;
        for (size_t i = 0; i < COUNT_OF(first); i++)
                office |= str_starts_with(name, str_of(first[i]));
        return office;
}

/* An OpenDocument's first member says so, and is not compressed: OpenDocument 1.3, part 2, 3.3. */
static bool is_open_document(Str head) {
        return str_starts_with(str_slice(head, 30, head.size), STR("mimetypeapplication/vnd.oasis.opendocument"));
}

static Status refuse_magic(Str head, Error *err) {
        if (str_starts_with(head, STR("PK\x03\x04")) && is_open_document(head))
                return error_reason(err, IS_OPEN_DOCUMENT);
        if (str_starts_with(head, STR("PK\x03\x04")) && is_office(head))
                return error_reason(err, IS_WORKBOOK);
        for (size_t i = 0; i < COUNT_OF(refused); i++)
                if (str_starts_with(str_slice(head, refused[i].offset, head.size),
                                    (Str){ refused[i].magic, refused[i].size }))
                        return refused[i].what ? error_reason_of(err, refused[i].reason, reason_text(str_of(refused[i].what)))
                                               : error_reason_of(err, refused[i].reason);
        return STATUS_OK;
}

/* Several members are one text; each begins anew. */
static Status start_member(Input *input, Error *err) {
        size_t place = (size_t)(input->codec - codecs);
        if (!input->codec->start(&input->states[place]))
                return error_reason(err, PACKED_START, reason_text(str_of(input->codec->name)));
        return STATUS_OK;
}

static Status start(Input *input, Source source, bool plain, uint64_t limit, Error *err) {
        input->source = source;
        input->raw = input->decoded = 0;
        input->limit = limit;
        input->inside = false;
        input->encoding = NULL;
        if (input->text)
                input->text->raw_size = input->text->size = input->text->at = 0;
        TRY(fill_head(input, err));
        input->codec = plain ? NULL : codec_of((Str){ (const char *)input->buffer, input->size });
        return STATUS_OK;
}

Status input_start_bytes(Input *input, Source source, uint64_t limit, Error *err) {
        input->takes_all = true;
        return start(input, source, false, limit, err);
}

Status input_start(Input *input, Source source, FormatCompression compression, uint64_t limit, Error *err) {
        input->takes_all = false;
        TRY(start(input, source, compression == FORMAT_PLAIN, limit, err));
        return input->codec ? STATUS_OK : refuse_magic((Str){ (const char *)input->buffer, input->size }, err);
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

static ReasonArgument place_of(const Input *input) {
        return reason_number((int64_t)(input->raw - (input->size - input->at)));
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
        if (!codec_goes_on(input->codec, input->buffer[input->at]))
                return error_reason(err, PACKED_TAIL, reason_text(str_of(input->codec->name)), place_of(input));
        *out_more = true;
        return start_member(input, err);
}

static Status take_step(Input *input, CodecBytes *bytes, Error *err) {
        const Codec *codec = input->codec;
        ReasonArgument name = reason_text(str_of(codec->name));
        bytes->in = input->buffer + input->at;
        bytes->in_size = input->size - input->at;
        CodecStep step = codec->step(input->states[codec - codecs], bytes);
        input->at = input->size - bytes->in_size;
        if (step == CODEC_DAMAGED)
                return error_reason(err, PACKED_DAMAGED, name, place_of(input));
        if (step == CODEC_TOO_LARGE)
                return error_reason(err, PACKED_MEMORY, name, reason_number(CODEC_MEMORY_MB));
        if (step == CODEC_END)
                input->inside = false;
        return STATUS_OK;
}

static Status read_packed(Input *input, uint8_t *into, size_t size, size_t *out_got, Error *err) {
        CodecBytes bytes = { .out = into, .out_size = size };
        while (bytes.out_size > 0) {
                if (!input->inside) {
                        bool more;
                        TRY(between_members(input, &more, err));
                        if (!more)
                                break;
                        input->inside = true;
                }
                size_t left = bytes.out_size;
                if (input->at < input->size || input->ended)
                        TRY(take_step(input, &bytes, err));
                /* at the end of the file a decoder may still hold something */
                if (!input->inside || bytes.out_size < left || input->at < input->size)
                        continue;
                if (input->ended)
                        return error_reason(err, PACKED_CUT, reason_text(str_of(input->codec->name)));
                TRY(refill(input, err));
        }
        *out_got = size - bytes.out_size;
        return STATUS_OK;
}

/* A text may be all alike; that a small file holds gigabytes of it is no delivery but an attack, or a mistake. */
static Status check_size(const Input *input, Error *err) {
        if (input->limit > 0 && input->decoded > input->limit)
                return error_reason(err, INFLATED, reason_number((int64_t)input->limit));
        if (input->codec && input_is_bomb(input->raw, input->decoded))
                return error_reason(err, PACKED_BOMB, reason_number(INPUT_BOMB_RATIO), reason_number(INPUT_BOMB_BYTES >> 30));
        return STATUS_OK;
}

static Status refuse_inside(Str head, Error *err) {
        const Codec *again = codec_of(head);
        if (again)
                return error_reason(err, PACKED_TWICE, reason_text(str_of(again->name)));
        return refuse_magic(head, err);
}

static Status read_decompressed(Input *input, void *into, size_t size, size_t *out_got, Error *err) {
        size_t got = 0;
        if (size > (1u << 30))
                size = 1u << 30;
        TRY(input->codec ? read_packed(input, into, size, &got, err) : read_plain(input, into, size, &got, err));
        if (input->codec && input->decoded == 0 && !input->takes_all)
                TRY(refuse_inside((Str){ into, got }, err));
        input->decoded += got;
        TRY(check_size(input, err));
        *out_got = got;
        return STATUS_OK;
}

/* --- letters --- */

static Status fill_raw(TextBuffer *text, Input *input, size_t size, Error *err) {
        size_t got, room = size - text->raw_size;
        TRY(read_decompressed(input, text->raw + text->raw_size, room, &got, err));
        text->raw_size += got;
        text->ended = got < room;
        return STATUS_OK;
}

static void set_encoding(Input *input, const Encoding *encoding) {
        input->encoding = encoding;
        if (input->sizes_of == encoding)
                return;
        encoding_sizes_free(input->sizes);
        input->sizes = encoding_sizes_new(encoding);
        input->sizes_of = encoding;
}

/* ---- a sender who went over to UTF-8 ---- */

typedef struct SecondLook {
        Source of;
        uint64_t at;
} SecondLook;

static Status look_again(void *context, void *into, size_t size, size_t *out_got, Error *err) {
        SecondLook *look = context;
        TRY(look->of.read_at(look->of.context, look->at, into, size, out_got, err));
        look->at += *out_got;
        return STATUS_OK;
}

/* How many bytes of a letter lack at the end of a part: it is valid but for the beginning of one. */
static size_t unfinished_letter(Str part) {
        size_t back = 0;
        while (back < 3 && back < part.size && ((uint8_t)part.data[part.size - 1 - back] & 0xc0) == 0x80)
                back++;
        uint8_t lead = back < part.size ? (uint8_t)part.data[part.size - 1 - back] : 0;
        size_t letter = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
        return letter > back + 1 ? back + 1 : 0;
}

/* Whole, and not ASCII alone. Ends at the first byte that is none; what cannot be read is told by who reads it. */
static bool is_all_utf8(Source source, FormatCompression compression, uint64_t limit) {
        if (!source.read_at)
                return false;
        SecondLook look = { source, 0 };
        CLEANUP(input_freep) Input *input = input_new();
        char part[TEXT_HEAD];
        size_t kept = 0, got = 1;
        bool letters = false;
        Error ignored;
        if (input_start(input, (Source){ .read = look_again, .context = &look }, compression, limit, &ignored) != STATUS_OK)
                return false;
        while (got > 0) {
                if (read_decompressed(input, part + kept, sizeof(part) - kept, &got, &ignored) != STATUS_OK)
                        return false;
                Str text = { part, kept + got };
                kept = got > 0 ? unfinished_letter(text) : 0;
                text.size -= kept;
                letters |= !str_is_ascii(text);
                if (!utf8_valid(text))
                        return false;
                memmove(part, part + text.size, kept);
        }
        return letters;
}

Status input_start_text(Input *input, Source source, const Format *format, uint64_t limit, Error *err) {
        const Encoding *said = encoding_find(format->encoding);
        if (!said)
                return error_reason(err, REFUSED);
        TRY(input_start(input, source, format->compression, limit, err));
        if (!input->text)
                input->text = calloc(1, sizeof(*input->text));
        if (!input->text)
                out_of_memory();
        TextBuffer *text = input->text;
        TRY(fill_raw(text, input, TEXT_HEAD, err));
        if (encoding_is_single(said) && is_all_utf8(source, format->compression, limit))
                said = encoding_find(STR("utf-8"));
        set_encoding(input, encoding_of_text(said, (Str){ text->raw, text->raw_size }));
        if (!encoding_is_utf8(input->encoding))
                return STATUS_OK;
        memcpy(text->text, text->raw, text->raw_size); /* the head, and then the rest without a stop here */
        text->size = text->raw_size;
        text->raw_size = 0;
        return STATUS_OK;
}

static size_t take_text(TextBuffer *text, char *into, size_t size) {
        size_t part = text->size - text->at < size ? text->size - text->at : size;
        memcpy(into, text->text + text->at, part);
        text->at += part;
        return part;
}

static Status refill_text(Input *input, Error *err) {
        TextBuffer *text = input->text;
        if (!text->ended)
                TRY(fill_raw(text, input, sizeof(text->raw), err));
        text->at = 0;
        size_t used = encoding_decode(input->encoding, (Str){ text->raw, text->raw_size }, text->ended, text->text, &text->size);
        memmove(text->raw, text->raw + used, text->raw_size - used);
        text->raw_size -= used;
        return STATUS_OK;
}

static Status read_text(Input *input, char *into, size_t size, size_t *out_got, Error *err) {
        TextBuffer *text = input->text;
        size_t got = take_text(text, into, size);
        while (got < size && !(text->ended && text->raw_size == 0)) {
                TRY(refill_text(input, err));
                got += take_text(text, into + got, size - got);
        }
        *out_got = got;
        return STATUS_OK;
}

/* UTF-8 needs no decoding: after the head it comes as it is read. */
static Status read_utf8(Input *input, char *into, size_t size, size_t *out_got, Error *err) {
        size_t head = take_text(input->text, into, size), got = 0;
        if (head < size && !input->text->ended)
                TRY(read_decompressed(input, into + head, size - head, &got, err));
        *out_got = head + got;
        return STATUS_OK;
}

Status input_read(Input *input, void *into, size_t size, size_t *out_got, Error *err) {
        if (!input->encoding)
                return read_decompressed(input, into, size, out_got, err);
        if (encoding_is_utf8(input->encoding))
                return read_utf8(input, into, size, out_got, err);
        return read_text(input, into, size, out_got, err);
}

uint64_t input_read_raw(const Input *input) {
        return input->raw;
}

uint64_t input_read_decoded(const Input *input) {
        return input->decoded - (input->text ? input->text->raw_size : 0);
}

const EncodingSizes *input_sizes(const Input *input) {
        return input->encoding ? input->sizes : NULL;
}
