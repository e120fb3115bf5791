/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/sniff.h"


#include "base/reason.h"
#include "base/vec.h"
#include "frame/encoding_guess.h"
#include "frame/scan.h"
#include "frame/sniff.h"
#include "frame/typed_sniff.h"
#include "frame/xlsx_sniff.h"
#include "worker/fd_source.h"

#define SAMPLE_DEFAULT (8u << 20)
#define SAMPLE_MAX (64u << 20)
#define TEXT_SHOWN_MAX 200

/* UTF-8 and not too long, for eyes. */
static Str shown(Arena *arena, Str text) {
        if (text.data == NULL)
                return text;
        VEC(char) out = { 0 };
        size_t at = 0;
        while (at < text.size && at < TEXT_SHOWN_MAX) {
                uint32_t point;
                char bytes[4];
                at += utf8_decode(text, at, &point);
                size_t size = utf8_encode(point ? point : 0xfffd, bytes);
                for (size_t i = 0; i < size; i++)
                        vec_push(arena, &out, bytes[i]);
        }
        Str short_text = arena_str(arena, (Str){ out.items, out.count });
        return at < text.size ? arena_strf(arena, "%.*s...", STR_ARG(short_text)) : short_text;
}

static void take_columns(const Sniffed *sniffed, Arena *arena, SniffResult *out) {
        out->column_count = sniffed->column_count;
        out->columns = ARENA_ARRAY(arena, SniffColumn, sniffed->column_count);
        for (size_t i = 0; i < sniffed->column_count; i++) {
                const SniffedColumn *column = &sniffed->columns[i];
                out->columns[i] = (SniffColumn){
                        .column = { .name = column->name, .from = column->key.size > 0 ? column->key : column->name, .type = column->guess.type, .dates = column->dates },
                        .nulls = column->guess.nulls,
                        .example = shown(arena, column->guess.example),
                        .decimal = column->guess.decimal,
                        .thousands = column->guess.thousands,
                        .unsure = column->guess.unsure,
                };
                StrList *reads = &out->columns[i].reads;
                *reads = (StrList){ ARENA_ARRAY(arena, Str, column->guess.date_count + 1), column->guess.date_count };
                memcpy(reads->items, column->guess.dates, reads->count * sizeof(Str));
        }
}

static void take_doubts(const Sniffed *sniffed, const EncodingGuess *encoding, Arena *arena, SniffResult *out) {
        out->doubts = ARENA_ARRAY(arena, Doubt, sniffed->doubt_count + 1);
        if (encoding->what.size > 0)
                out->doubts[out->doubt_count++] = (Doubt){ STR(""), shown(arena, encoding->what), encoding->assumed };
        for (size_t i = 0; i < sniffed->doubt_count; i++) {
                const SniffedDoubt *doubt = &sniffed->doubts[i];
                out->doubts[out->doubt_count++] = (Doubt){ doubt->column, shown(arena, doubt->what), shown(arena, doubt->assumed) };
        }
}

static void take_rows(const SniffedRows *rows, Arena *arena, SniffResult *out) {
        size_t values = rows->preview_count * out->column_count;
        out->preview_count = rows->preview_count;
        out->preview = ARENA_ARRAY(arena, Str, values);
        for (size_t i = 0; i < values; i++)
                out->preview[i] = shown(arena, rows->preview[i]);
        out->records = rows->counts.records;
        out->accepted = rows->accepted;
        out->quarantined = rows->quarantined;
        out->skipped = rows->counts.records - rows->accepted - rows->quarantined;
}

/* The sample as UTF-8, and what it was. */
static void decode(Buf *sample, bool whole, Arena *arena, EncodingGuess *out) {
        encoding_guess(buf_view(sample), whole, arena, out);
        if (encoding_is_utf8(out->encoding))
                return;
        Str raw = buf_view(sample);
        Buf text = { 0 };
        char *into = buf_reserve(&text, raw.size * ENCODING_GROWTH);
        size_t size;
        encoding_decode(encoding_of_text(out->encoding, raw), raw, whole, into, &size);
        buf_added(&text, size);
        buf_deinit(sample);
        *sample = text;
}

static void take_sheets(const XlsxBook *book, Arena *arena, SniffResult *out) {
        out->sheet_count = xlsx_sheet_count(book);
        out->sheets = ARENA_ARRAY(arena, SniffSheet, out->sheet_count);
        for (size_t i = 0; i < out->sheet_count; i++)
                out->sheets[i] = (SniffSheet){ shown(arena, xlsx_sheet(book, i)->name), xlsx_sheet(book, i)->hidden };
}

/* A sheet that holds nothing has no columns. */
static Status sniff_workbook(const SniffSpec *spec, XlsxBook *book, Source source, size_t sample, Arena *arena,
                             SniffResult *out, Error *err) {
        static const EncodingGuess plain = { 0 };
        Sniffed sniffed;
        SniffedRows rows;
        take_sheets(book, arena, out);
        if (spec->sheet >= out->sheet_count)
                return error_reason(err, REFUSED);
        XlsxSniffSpec wanted = { .book = book, .sheet = spec->sheet, .sample_bytes = sample };
        TRY(xlsx_sniff(&wanted, arena, &sniffed, &out->whole, err));
        out->format = sniffed.format;
        if (sniffed.column_count == 0)
                return STATUS_OK;
        TRY(sniff_rows(&sniffed, source, SNIFF_PREVIEW_ROWS, arena, &rows, err));
        out->whole = true; /* all of it was counted */
        take_columns(&sniffed, arena, out);
        take_doubts(&sniffed, &plain, arena, out);
        take_rows(&rows, arena, out);
        return STATUS_OK;
}

/* Other zip archives are left to those who know them; a container of old Office files is told apart. */
static Status try_workbook(Source source, XlsxBook **out, Error *err) {
        Error why = { 0 };
        Status status = xlsx_source_check(source, &why);
        if (status == STATUS_OK)
                status = xlsx_book_open(source, out, &why);
        if (status == STATUS_OK || error_is_reason(&why, REASON_WORKBOOK_NOT))
                return STATUS_OK;
        *err = why;
        return status;
}

/* By its first bytes, behind the compression if it has one. */
static Status find_typed(const SniffSpec *spec, int fd, FormatKind *out, Error *err) {
        CLEANUP(input_freep) Input *input = input_new();
        FdPlace place = { .fd = fd };
        char head[8];
        size_t got = 0;
        *out = FORMAT_KIND_COUNT;
        if (!source_of_fd(&fd).read_at)
                return STATUS_OK;
        TRY(input_start_bytes(input, source_of_place(&place), spec->input_limit, err));
        Error why = { 0 }; /* what is damaged is told below, or it is none of these */
        if (input_read(input, head, sizeof(head), &got, &why) == STATUS_OK)
                *out = typed_kind_of((Str){ head, got });
        return STATUS_OK;
}

static Status sniff_typed(FormatKind kind, int fd, size_t sample, Arena *arena, SniffResult *out, Error *err) {
        static const EncodingGuess plain = { 0 };
        FdPlace place = { .fd = fd };
        Sniffed sniffed;
        SniffedRows rows;
        TRY(typed_sniff(kind, source_of_place(&place), sample, SNIFF_PREVIEW_ROWS, arena, &sniffed, &rows, err));
        SniffResult result = { .format = sniffed.format, .whole = sniffed.whole };
        take_columns(&sniffed, arena, &result);
        take_doubts(&sniffed, &plain, arena, &result);
        take_rows(&rows, arena, &result);
        *out = result;
        return STATUS_OK;
}

Status sniff_run(const SniffSpec *spec, int fd, Arena *arena, SniffResult *out, Error *err) {
        size_t sample_max = spec->sample_bytes
                                    ? (size_t)(spec->sample_bytes < SAMPLE_MAX ? spec->sample_bytes : SAMPLE_MAX)
                                    : SAMPLE_DEFAULT;
        CLEANUP(xlsx_book_freep) XlsxBook *book = NULL;
        TRY(try_workbook(source_of_fd(&fd), &book, err));
        if (book) {
                SniffResult workbook = { 0 };
                TRY(sniff_workbook(spec, book, source_of_fd(&fd), sample_max, arena, &workbook, err));
                *out = workbook;
                return STATUS_OK;
        }
        FormatKind kind;
        TRY(find_typed(spec, fd, &kind, err));
        if (kind != FORMAT_KIND_COUNT)
                return sniff_typed(kind, fd, sample_max, arena, out, err);
        CLEANUP(input_freep) Input *input = input_new();
        CLEANUP(buf_deinit) Buf sample = { 0 };
        void *into = buf_reserve(&sample, sample_max);
        size_t got;
        TRY(input_start(input, source_of_fd(&fd), FORMAT_COMPRESSION_AUTO, spec->input_limit, err));
        TRY(input_read(input, into, sample_max, &got, err));
        buf_added(&sample, got);

        SniffResult result = { .whole = got < sample_max };
        Sniffed sniffed;
        SniffedRows rows;
        EncodingGuess encoding;
        if (encoding_is_ebcdic(buf_view(&sample)))
                return error_reason(err, IS_EBCDIC);
        decode(&sample, result.whole, arena, &encoding);
        Status status = sniff_format(buf_view(&sample), result.whole, arena, &sniffed, err);
        if (status != STATUS_OK && error_is_reason(err, REASON_TEXT_UTF8) && encoding.unsure[0].size > 0)
                return error_reason(err, TEXT_UNSURE, reason_text(encoding.unsure[0]), reason_text(encoding.unsure[1]), reason_text(encoding.unsure[2]),
                                    reason_text(encoding.unsure[3]));
        TRY(status);
        Str text = buf_view(&sample);
        if (!result.whole && sniffed.format.kind == FORMAT_CSV)
                while (text.size > 0 && !scan_is_newline(text.data[text.size - 1]))
                        text.size--;
        TRY(sniff_rows(&sniffed, source_of_bytes(&text), SNIFF_PREVIEW_ROWS, arena, &rows, err));
        result.format = sniffed.format;
        result.ascii = encoding_is_utf8(encoding.encoding) && str_is_ascii(buf_view(&sample));
        if (!encoding_is_utf8(encoding.encoding))
                result.format.encoding = encoding_name(encoding.encoding);
        take_columns(&sniffed, arena, &result);
        take_doubts(&sniffed, &encoding, arena, &result);
        take_rows(&rows, arena, &result);
        *out = result;
        return STATUS_OK;
}
