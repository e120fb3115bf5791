/* SPDX-License-Identifier: Apache-2.0 */
#include "frame/sniff_log.h"

#include "base/vec.h"

#define HEAD_LINES 20 /* before the first record */
#define LINES_LOOKED_AT 200
#define LINES_LEAST 3

typedef VEC(Str) Names;

static bool next_line(Str *text, Str *out) {
        if (text->size == 0)
                return false;
        str_cut(*text, '\n', out, text);
        *out = str_trim(*out);
        return true;
}

static void take_names(Str line, Arena *arena, Names *out) {
        for (size_t at = 0; at < line.size;) {
                size_t start = at;
                while (at < line.size && line.data[at] != ' ' && line.data[at] != '\t')
                        at++;
                if (at > start)
                        vec_push(arena, out, str_slice(line, start, at));
                at++;
        }
}

/* The line that names the fields, if it is the only one: a log that changes them on its way is several tables. */
static bool find_fields(Str text, Str *out_names, Str *out_record) {
        Str line, found = STR(""), record = STR("");
        for (size_t lines = 0; next_line(&text, &line); lines++) {
                if (line.size == 0)
                        continue;
                if (line.data[0] != '#') {
                        if (lines > HEAD_LINES && found.size == 0)
                                return false;
                        record = record.size > 0 ? record : line;
                        continue;
                }
                if (!str_starts_with(line, STR("#Fields:")))
                        continue;
                Str names = str_trim(str_slice(line, 8, line.size));
                if (found.size > 0 && !str_equal(found, names))
                        return false;
                found = names;
        }
        *out_names = found;
        *out_record = record;
        return found.size > 0 && record.size > 0;
}

static size_t count_byte(Str text, char byte) {
        size_t count = 0;
        for (size_t i = 0; i < text.size; i++)
                count += text.data[i] == byte;
        return count;
}

static bool is_named_log(Str text, Arena *arena, Format *format, SniffedLog *out) {
        Str fields, record;
        Names names = { 0 };
        if (!str_starts_with(text, STR("#")) || !find_fields(text, &fields, &record))
                return false;
        char delimiter = count_byte(record, '\t') > 0 ? '\t' : ' ';
        bool quoted = str_find(record, delimiter == ' ' ? STR(" \"") : STR("\t\"")) < record.size;
        take_names(fields, arena, &names);
        if (names.count < 2 || (!quoted && count_byte(record, delimiter) + 1 != names.count))
                return false;
        format->delimiter = delimiter;
        format->quote = quoted ? '"' : 0;
        format->comment = STR("#");
        *out = (SniffedLog){ .what = "a log, in which the line #Fields: names what follows", .names = names.items, .name_count = names.count };
        return true;
}

static bool is_digit(char c) {
        return c >= '0' && c <= '9';
}

/* 10/Oct/2000:13:55:36 -0700] and what follows it: a blank and a quote. */
static bool is_stamp(Str text) {
        static const char shape[] = "99/aaa/9999:99:99:99 ";
        if (text.size < sizeof(shape) + 6)
                return false;
        for (size_t i = 0; i < sizeof(shape) - 1; i++) {
                char c = text.data[i];
                bool fits = shape[i] == '9' ? is_digit(c) : shape[i] == 'a' ? (c | 0x20) >= 'a' && (c | 0x20) <= 'z' : c == shape[i];
                if (!fits)
                        return false;
        }
        size_t end = str_find_byte(text, ']');
        return end < sizeof(shape) + 6 && str_starts_with(str_slice(text, end, text.size), STR("] \""));
}

/* Host, identity, user, time in brackets, a request in quotes. */
static bool is_request(Str line) {
        size_t at = str_find(line, STR(" ["));
        return at < line.size && count_byte(str_slice(line, 0, at), ' ') == 2 && is_stamp(str_slice(line, at + 2, line.size));
}

static bool is_request_log(Str text, Arena *arena, Format *format, SniffedLog *out) {
        static const char *const known[] = { "host", "identity", "user", "time", "zone", "request", "status", "bytes", "referer", "agent" };
        size_t lines = 0, requests = 0;
        for (Str line; lines < LINES_LOOKED_AT && next_line(&text, &line);) {
                lines += line.size > 0;
                requests += is_request(line);
        }
        if (requests < LINES_LEAST || requests * 10 < lines * 9)
                return false;
        Str *names = ARENA_ARRAY(arena, Str, COUNT_OF(known));
        for (size_t i = 0; i < COUNT_OF(known); i++)
                names[i] = str_of(known[i]);
        format->delimiter = ' ';
        format->quote = '"';
        format->escape = '\\';
        *out = (SniffedLog){ .what = "a web server's log", .names = names, .name_count = COUNT_OF(known) };
        return true;
}

bool sniff_log(Str text, Arena *arena, Format *format, SniffedLog *out) {
        return is_named_log(text, arena, format, out) || is_request_log(text, arena, format, out);
}
