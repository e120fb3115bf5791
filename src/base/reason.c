/* SPDX-License-Identifier: Apache-2.0 */
#include "base/reason.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define ERRNO_MAX 4095 /* what a Linux call can say */

typedef struct ReasonRow {
        Status status;
        const char *types, *words, *remedy;
} ReasonRow;

static const ReasonRow rows[REASON_COUNT] = {
#define X(name, status, types, words, remedy) { STATUS_##status, types, words, remedy },
        REASON_TABLE(X)
#undef X
};

Status reason_status(Reason reason) {
        return rows[reason].status;
}

const char *reason_words(Reason reason) {
        return rows[reason].words;
}

const char *reason_types(Reason reason) {
        return rows[reason].types;
}

/* Whatever a terminal would act on, and what is no UTF-8, is shown as its bytes. */
static void append_escaped(Buf *out, Str text) {
        for (size_t at = 0; at < text.size;) {
                uint32_t point;
                size_t step = utf8_decode(text, at, &point);
                if (step == 0)
                        return;
                bool plain = point >= 0x20 && point != 0x7f && !(point >= 0x80 && point < 0xa0) && point != 0xfffd;
                plain = plain && !(point >= 0x200b && point <= 0x200f) && !(point >= 0x2028 && point <= 0x202e) &&
                        !(point >= 0x2066 && point <= 0x2069) && point != 0xfeff; /* these hide or turn what follows */
                if (plain)
                        buf_append(out, str_slice(text, at, at + step));
                for (size_t i = at; i < at + step && !plain; i++)
                        buf_printf(out, "\\x%02x", (unsigned char)text.data[i]);
                at += step;
        }
}

static void append_argument(Buf *out, const ReasonArgument *argument) {
        char words[128];
        if (argument->type == 'n')
                buf_printf(out, "%lld", (long long)argument->number);
        else if (argument->type == 'e')
                buf_append_cstr(out, strerror_r((int)argument->number, words, sizeof(words)));
        else
                append_escaped(out, argument->text);
}

static void compose(Error *err, Reason reason, const ReasonArgument *arguments, const char *file, int line) {
        CLEANUP(buf_deinit) Buf text = { 0 };
        for (const char *at = rows[reason].words; *at; at++) {
                if (*at != '%') {
                        buf_append_byte(&text, *at);
                        continue;
                }
                at++;
                append_argument(&text, &arguments[*at - '1']);
        }
        error_set_at(err, rows[reason].status, file, line, "%.*s", STR_ARG(buf_view(&text)));
        if (rows[reason].remedy[0])
                (error_hint)(err, "%s", rows[reason].remedy);
}

/* Keeps of the failure what another program needs to make it anew. */
static void pack(Error *err, Reason reason, const ReasonArgument *arguments, size_t count) {
        CLEANUP(buf_deinit) Buf packed = { 0 };
        buf_u16(&packed, (uint16_t)reason);
        buf_u8(&packed, (uint8_t)count);
        for (size_t i = 0; i < count; i++) {
                buf_u8(&packed, (uint8_t)arguments[i].type);
                if (arguments[i].type == 't')
                        buf_lstr(&packed, arguments[i].text);
                else
                        buf_u64(&packed, (uint64_t)arguments[i].number);
        }
        if (packed.size > sizeof(err->reason))
                panic("reason %d has more arguments than an error holds", (int)reason);
        memcpy(err->reason, packed.data, packed.size);
        err->reason_size = (uint16_t)packed.size;
}

static void check_types(Reason reason, const ReasonArgument *arguments, size_t count) {
        const char *types = rows[reason].types;
        bool good = strlen(types) == count;
        for (size_t i = 0; good && i < count; i++)
                good = types[i] == arguments[i].type;
        if (!good)
                panic("reason %d is raised with other arguments than it has", (int)reason);
}

Status error_reason_at(Error *err, Reason reason, const ReasonArgument *arguments, size_t count, const char *file, int line) {
        ReasonArgument cut[REASON_ARGUMENTS_MAX] = { 0 };
        check_types(reason, arguments + 1, count - 1);
        for (size_t i = 0; i + 1 < count; i++) {
                cut[i] = arguments[i + 1];
                if (cut[i].text.size > REASON_TEXT_MAX)
                        cut[i].text = str_slice(cut[i].text, 0, utf8_prefix(str_slice(cut[i].text, 0, REASON_TEXT_MAX), SIZE_MAX));
        }
        compose(err, reason, cut, file, line);
        pack(err, reason, cut, count - 1);
        return err->status;
}

bool error_is_reason(const Error *err, Reason reason) {
        Cursor cursor = cursor_of((Str){ err->reason, err->reason_size });
        return cursor_u16(&cursor) == (uint16_t)reason && !cursor.failed;
}

/* What is told of an error that has no reason of its own: a system call's number at most. */
static Error told_of(const Error *err) {
        Error told;
        if (err->number != 0 && err->status == STATUS_DISK_FULL)
                (void)error_reason(&told, FULL, reason_errno(err->number));
        else if (err->number != 0)
                (void)error_reason(&told, WRITE, reason_errno(err->number));
        else if (err->status == STATUS_MEMORY)
                (void)error_reason(&told, MEMORY);
        else if (err->status == STATUS_LIMIT)
                (void)error_reason(&told, TOO_MUCH);
        else if (err->status == STATUS_BAD_VALUE)
                (void)error_reason(&told, REFUSED);
        else
                (void)error_reason(&told, UNEXPLAINED);
        return told;
}

void reason_write(Buf *out, const Error *err) {
        Error told;
        if (err->reason_size == 0) {
                told = told_of(err);
                err = &told;
        }
        buf_append(out, (Str){ err->reason, err->reason_size });
}

static bool read_argument(Cursor *cursor, char type, ReasonArgument *out) {
        *out = (ReasonArgument){ .type = (char)cursor_u8(cursor) };
        if (out->type != type)
                return false;
        if (type == 't')
                out->text = cursor_str(cursor);
        else
                out->number = (int64_t)cursor_u64(cursor);
        if (type == 'e' && (out->number < 0 || out->number > ERRNO_MAX))
                return false;
        return !cursor->failed && out->text.size <= REASON_TEXT_MAX;
}

Status reason_read(Cursor *cursor, Error *out, Error *err) {
        uint16_t reason = cursor_u16(cursor);
        uint8_t count = cursor_u8(cursor);
        if (cursor->failed || reason >= REASON_COUNT)
                return error_set(err, STATUS_CORRUPT, "a reason that does not exist");
        const char *types = rows[reason].types;
        if (count != strlen(types))
                return error_set(err, STATUS_CORRUPT, "a reason with more or fewer arguments than it has");
        ReasonArgument arguments[REASON_ARGUMENTS_MAX] = { 0 };
        for (size_t i = 0; i < count; i++)
                if (!read_argument(cursor, types[i], &arguments[i]))
                        return error_set(err, STATUS_CORRUPT, "a reason with an argument that it cannot have");
        compose(out, (Reason)reason, arguments, __FILE__, __LINE__);
        pack(out, (Reason)reason, arguments, count);
        return STATUS_OK;
}
