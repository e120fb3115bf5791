/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef struct StatusRow {
        const char *name, *code, *sqlstate;
        int http, exit_code;
        const char *words;
} StatusRow;

static const StatusRow status_rows[STATUS_COUNT] = {
#define X(name, code, sqlstate, http, exit, words) { #name, code, sqlstate, http, exit, words },
        STATUS_TABLE(X)
#undef X
};

static const StatusRow *row(Status status) {
        return &status_rows[(unsigned)status < STATUS_COUNT ? status : STATUS_INTERNAL];
}

const char *status_code(Status status) {
        return row(status)->code;
}

const char *status_sqlstate(Status status) {
        return row(status)->sqlstate;
}

int status_http(Status status) {
        return row(status)->http;
}

int status_exit(Status status) {
        return row(status)->exit_code;
}

const char *status_words(Status status) {
        return row(status)->words;
}

const char *status_name(Status status) {
        return row(status)->name;
}

/* vsnprintf that never leaves half a UTF-8 character at the end. */
static void format_whole(char *out, size_t capacity, const char *format, va_list args) {
        int wanted = vsnprintf(out, capacity, format, args);
        if (wanted < 0) {
                out[0] = '\0';
                return;
        }
        if ((size_t)wanted < capacity)
                return;
        size_t size = capacity - 1;
        while (size > 0 && ((unsigned char)out[size] & 0xC0) == 0x80)
                size--;
        out[size] = '\0';
}

static void format_copy(char *out, size_t capacity, const char *format, ...) PRINTF_LIKE(3, 4);
static void format_copy(char *out, size_t capacity, const char *format, ...) {
        va_list args;
        va_start(args, format);
        format_whole(out, capacity, format, args);
        va_end(args);
}

static void begin(Error *err, Status status, const char *file, int line) {
        *err = (Error){ .status = status, .raised_file = file, .raised_line = line };
}

Status error_set_at(Error *err, Status status, const char *file, int line, const char *format, ...) {
        begin(err, status, file, line);
        va_list args;
        va_start(args, format);
        format_whole(err->message, sizeof(err->message), format, args);
        va_end(args);
        return status;
}

Status error_sqlstate(Error *err, const char *sqlstate) {
        err->sqlstate = sqlstate;
        return err->status;
}

const char *error_state(const Error *err) {
        return err->sqlstate ? err->sqlstate : status_sqlstate(err->status);
}

Status error_errno_at(Error *err, int errnum, const char *file, int line, const char *format, ...) {
        Status status = errnum == ENOSPC || errnum == EDQUOT || errnum == EFBIG ? STATUS_DISK_FULL : STATUS_IO;
        begin(err, status, file, line);
        err->number = errnum;
        char what[400];
        va_list args;
        va_start(args, format);
        format_whole(what, sizeof(what), format, args);
        va_end(args);
        char words[128];
        format_copy(err->message, sizeof(err->message), "%s: %s", what, strerror_r(errnum, words, sizeof(words)));
        if (errnum == EROFS)
                format_copy(err->hint, sizeof(err->hint), "the disk is mounted for reading only: mount it for writing");
        return status;
}

Status (error_hint)(Error *err, const char *format, ...) {
        va_list args;
        va_start(args, format);
        format_whole(err->hint, sizeof(err->hint), format, args);
        va_end(args);
        return err->status;
}

Status (error_context)(Error *err, const char *format, ...) {
        char inner[sizeof(err->message)];
        memcpy(inner, err->message, sizeof(inner));
        char doing[256];
        va_list args;
        va_start(args, format);
        format_whole(doing, sizeof(doing), format, args);
        va_end(args);
        format_copy(err->message, sizeof(err->message), "%s: %s", doing, inner);
        return err->status;
}

static Str line_at(Str text, size_t start) {
        Str rest = str_slice(text, start, text.size);
        size_t end = str_find_byte(rest, '\n');
        if (end > 0 && end <= rest.size && rest.data[end - 1] == '\r')
                end--;
        return str_slice(rest, 0, end);
}

/* A long line is shown around the place; the column stays that of the whole line, so a cut line has no caret. */
static void set_excerpt(Error *err, Str line) {
        if (line.size >= sizeof(err->excerpt))
                line = str_slice(line, 0, utf8_prefix(str_slice(line, 0, sizeof(err->excerpt) - 4), SIZE_MAX));
        size_t size = 0;
        for (size_t i = 0; i < line.size; i++)
                err->excerpt[size++] = line.data[i] == '\0' ? ' ' : line.data[i];
        err->excerpt[size] = '\0';
}

Status (error_place)(Error *err, const char *name, Str text, size_t offset) {
        if (offset > text.size)
                offset = text.size;
        size_t start = 0;
        int line = 1;
        for (size_t i = 0; i < offset; i++) {
                if (text.data[i] == '\n') {
                        line++;
                        start = i + 1;
                }
        }
        format_copy(err->file, sizeof(err->file), "%s", name ? name : "");
        err->line = line;
        err->column = (int)utf8_length(str_slice(text, start, offset)) + 1;
        set_excerpt(err, line_at(text, start));
        return err->status;
}

Status (error_place_line)(Error *err, const char *name, Str text, int line, int column) {
        format_copy(err->file, sizeof(err->file), "%s", name ? name : "");
        err->line = line;
        err->column = column;
        size_t start = 0;
        for (int at = 1; at < line && start < text.size; at++) {
                size_t next = str_find_byte(str_slice(text, start, text.size), '\n');
                start += next + 1;
        }
        if (start < text.size)
                set_excerpt(err, line_at(text, start));
        return err->status;
}

void panic(const char *format, ...) {
        va_list args;
        va_start(args, format);
        fputs("lode: panic: ", stderr);
        vfprintf(stderr, format, args);
        fputc('\n', stderr);
        va_end(args);
        abort();
}

static void tell_plainly(const Error *err) {
        fprintf(stderr, "error[%s] %s%s%s\n", status_code(err->status), err->message, err->hint[0] ? "\n      " : "", err->hint);
}

static void (*teller)(const Error *err) = tell_plainly;

void process_end_teller(void (*tell)(const Error *err)) {
        teller = tell;
}

void process_end(const Error *err) {
        void (*tell)(const Error *) = teller;
        teller = tell_plainly; /* what tells may need memory itself */
        tell(err);
        _exit(EXIT_SURROUNDINGS);
}

void out_of_memory(void) {
        Error err = { 0 };
        error_set(&err, STATUS_MEMORY, "no memory is left for this process, so it ends here");
        error_hint(&err, "nothing of it was acknowledged; ulimit -v and free tell how much there is; run again");
        process_end(&err);
}
