/* SPDX-License-Identifier: Apache-2.0 */
#include "server/reply.h"

#include <inttypes.h>

#include "server/scram.h"

/* Numbers of the authentication messages, which share the type 'R'. */
enum { LOGIN_OK = 0, LOGIN_PASSWORD = 3, LOGIN_SASL = 10, LOGIN_SASL_CONTINUE = 11, LOGIN_SASL_FINAL = 12 };

/* Type and room for the length; the mark goes to end(). */
static size_t begin(Buf *buf, char type) {
        buf_append_byte(buf, type);
        size_t mark = buf->size;
        buf_be32(buf, 0);
        return mark;
}

static void end(Buf *buf, size_t mark) {
        if (!buf->failed)
                buf_patch_be32(buf, mark, (uint32_t)(buf->size - mark));
}

static void login(Buf *buf, uint32_t number, Str data) {
        size_t mark = begin(buf, 'R');
        buf_be32(buf, number);
        buf_append(buf, data);
        end(buf, mark);
}

void reply_login_mechanisms(Buf *buf, bool plus) {
        size_t mark = begin(buf, 'R');
        buf_be32(buf, LOGIN_SASL);
        if (plus) /* the stronger first: clients take the first they know */
                buf_cstr(buf, STR(SCRAM_MECHANISM_PLUS));
        buf_cstr(buf, STR(SCRAM_MECHANISM));
        buf_append_byte(buf, '\0');
        end(buf, mark);
}

void reply_login_continue(Buf *buf, Str data) {
        login(buf, LOGIN_SASL_CONTINUE, data);
}

void reply_login_final(Buf *buf, Str data) {
        login(buf, LOGIN_SASL_FINAL, data);
}

void reply_login_password(Buf *buf) {
        login(buf, LOGIN_PASSWORD, STR_NONE);
}

void reply_login_ok(Buf *buf) {
        login(buf, LOGIN_OK, STR_NONE);
}

void reply_protocol(Buf *buf, uint16_t minor, const Str *unknown, size_t count) {
        size_t mark = begin(buf, 'v');
        buf_be32(buf, 3u << 16 | minor);
        buf_be32(buf, (uint32_t)count);
        for (size_t i = 0; i < count; i++)
                buf_cstr(buf, unknown[i]);
        end(buf, mark);
}

void reply_setting(Buf *buf, Str name, Str value) {
        size_t mark = begin(buf, 'S');
        buf_cstr(buf, name);
        buf_cstr(buf, value);
        end(buf, mark);
}

void reply_cancel_key(Buf *buf, uint32_t process, Str key) {
        size_t mark = begin(buf, 'K');
        buf_be32(buf, process);
        buf_append(buf, key);
        end(buf, mark);
}

void reply_ready(Buf *buf, ReplyState state) {
        size_t mark = begin(buf, 'Z');
        buf_append_byte(buf, (char)state);
        end(buf, mark);
}

void reply_mark(Buf *buf, ReplyMark mark) {
        end(buf, begin(buf, (char)mark));
}

void reply_columns(Buf *buf, const ReplyColumn *columns, size_t count) {
        size_t mark = begin(buf, 'T');
        buf_be16(buf, (uint16_t)count);
        for (size_t i = 0; i < count; i++) {
                buf_cstr(buf, columns[i].name);
                buf_be32(buf, 0); /* no table and no column of it: clients would ask for more, and it tells base names */
                buf_be16(buf, 0);
                buf_be32(buf, columns[i].oid);
                buf_be16(buf, (uint16_t)columns[i].size);
                buf_be32(buf, (uint32_t)columns[i].modifier);
                buf_be16(buf, columns[i].format);
        }
        end(buf, mark);
}

void reply_parameters(Buf *buf, const uint32_t *oids, size_t count) {
        size_t mark = begin(buf, 't');
        buf_be16(buf, (uint16_t)count);
        for (size_t i = 0; i < count; i++)
                buf_be32(buf, oids[i]);
        end(buf, mark);
}

void reply_complete(Buf *buf, Str tag) {
        size_t mark = begin(buf, 'C');
        buf_cstr(buf, tag);
        end(buf, mark);
}

void reply_copy_out(Buf *buf, uint16_t format, size_t column_count) {
        size_t mark = begin(buf, 'H');
        buf_u8(buf, (uint8_t)format);
        buf_be16(buf, (uint16_t)column_count);
        for (size_t i = 0; i < column_count; i++)
                buf_be16(buf, format);
        end(buf, mark);
}

size_t reply_row_begin(Buf *buf, size_t column_count) {
        size_t mark = begin(buf, 'D');
        buf_be16(buf, (uint16_t)column_count);
        return mark;
}

void reply_row_value(Buf *buf, Str value) {
        buf_be32(buf, (uint32_t)value.size);
        buf_append(buf, value);
}

void reply_row_end(Buf *buf, size_t mark) {
        end(buf, mark);
}

static void field(Buf *buf, char code, Str text) {
        if (text.size == 0)
                return;
        buf_append_byte(buf, code);
        buf_cstr(buf, text);
}

void reply_error(Buf *buf, const ReplyError *error) {
        static const char *const words[] = { "NOTICE", "WARNING", "ERROR", "FATAL" };
        Str severity = str_of(words[error->severity]);
        char position[24] = "";
        if (error->position > 0)
                snprintf(position, sizeof(position), "%" PRId64, error->position);
        size_t mark = begin(buf, error->severity < REPLY_ERROR ? 'N' : 'E');
        field(buf, 'S', severity);
        field(buf, 'V', severity); /* never translated */
        field(buf, 'C', error->sqlstate);
        field(buf, 'M', error->message);
        field(buf, 'D', error->detail);
        field(buf, 'H', error->hint);
        field(buf, 'P', str_of(position));
        buf_append_byte(buf, '\0');
        end(buf, mark);
}
