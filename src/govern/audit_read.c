/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line:  {"sequence":1,"time":"2026-11-26T02:13:44.123456Z","principal":"ann","via":"pg","action":"query",
 *           "objects":["shop.staging.orders"],"columns":[],"policy":"","rows":3,"bytes":120,"decision":"allow",
 *           "statement":"select ?","hash":"64 digits"}
 * always with these members in this order, so that reading one takes no tree. A text that is not there is null, a number
 * -1; "service" may follow the principal, "statement_bytes" a statement.
 */
#include "govern/audit_read.h"

#include <errno.h>

#include "base/file.h"
#include "base/time.h"
#include "base/vec.h"
#include "govern/audit.h"

#define PIECE ((size_t)1 << 18)
#define DAY_US ((int64_t)86400 * 1000000)

/* ---- one line ---- */

static bool take(Str *rest, const char *words) {
        Str expected = str_of(words);
        if (!str_starts_with(*rest, expected))
                return false;
        *rest = str_slice(*rest, expected.size, rest->size);
        return true;
}

static bool take_number(Str *rest, int64_t *out) {
        size_t size = 0;
        while (size < rest->size && ((rest->data[size] >= '0' && rest->data[size] <= '9') || (size == 0 && rest->data[0] == '-')))
                size++;
        if (!str_to_int64(str_slice(*rest, 0, size), out))
                return false;
        *rest = str_slice(*rest, size, rest->size);
        return true;
}

static bool take_hex4(Str text, size_t at, uint32_t *out) {
        *out = 0;
        for (size_t i = at; i < at + 4; i++) {
                char c = i < text.size ? text.data[i] : '\0';
                uint32_t digit = c >= '0' && c <= '9' ? (uint32_t)(c - '0') : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10) : 16;
                if (digit == 16)
                        return false;
                *out = *out * 16 + digit;
        }
        return true;
}

/* The escapes of base/json: \" \\ \b \f \n \r \t, and \u00xx for other control characters. */
static bool unescape(Str text, Arena *arena, Str *out) {
        static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
        char *bytes = arena_alloc_raw(arena, text.size + 1);
        size_t size = 0;
        for (size_t i = 0; i < text.size; i++) {
                if (text.data[i] != '\\') {
                        bytes[size++] = text.data[i];
                        continue;
                }
                char c = ++i < text.size ? text.data[i] : '\0';
                const char *place = c ? strchr(from, c) : NULL;
                uint32_t point;
                if (place) {
                        bytes[size++] = to[place - from];
                } else if (c == 'u' && take_hex4(text, i + 1, &point) && (point < 0xD800 || point > 0xDFFF)) {
                        size += utf8_encode(point, bytes + size); /* six bytes of text become at most three */
                        i += 4;
                } else {
                        return false;
                }
        }
        *out = (Str){ bytes, size };
        return true;
}

/* null is an empty text. */
static bool take_text(Str *rest, Arena *arena, Str *out) {
        bool escaped = false;
        *out = STR_NONE;
        if (take(rest, "null"))
                return true;
        if (rest->size == 0 || rest->data[0] != '"')
                return false;
        size_t end = 1;
        while (end < rest->size && rest->data[end] != '"') {
                escaped |= rest->data[end] == '\\';
                end += rest->data[end] == '\\' ? 2 : 1;
        }
        if (end >= rest->size)
                return false;
        *out = str_slice(*rest, 1, end);
        *rest = str_slice(*rest, end + 1, rest->size);
        return !escaped || unescape(*out, arena, out);
}

static bool take_list(Str *rest, Arena *arena, Str **out, size_t *out_count) {
        VEC(Str) items = { 0 };
        if (!take(rest, "["))
                return false;
        for (Str item; !take(rest, "]");) {
                if ((items.count > 0 && !take(rest, ",")) || !take_text(rest, arena, &item))
                        return false;
                vec_push(arena, &items, item);
        }
        *out = items.items;
        *out_count = items.count;
        return true;
}

bool audit_entry_read(Str line, Arena *arena, AuditEntry *out) {
        AuditEntry entry = { 0 };
        Str decision;
        int64_t whole;
        bool good = utf8_valid(line) && take(&line, "{\"sequence\":") && take_number(&line, &entry.sequence) &&
                    take(&line, ",\"time\":") && take_text(&line, arena, &entry.time) &&
                    take(&line, ",\"principal\":") && take_text(&line, arena, &entry.principal) &&
                    (!take(&line, ",\"service\":") || take_text(&line, arena, &entry.service)) &&
                    take(&line, ",\"via\":") && take_text(&line, arena, &entry.via) &&
                    take(&line, ",\"action\":") && take_text(&line, arena, &entry.action) &&
                    take(&line, ",\"objects\":") && take_list(&line, arena, &entry.objects, &entry.object_count) &&
                    take(&line, ",\"columns\":") && take_list(&line, arena, &entry.columns, &entry.column_count) &&
                    take(&line, ",\"policy\":") && take_text(&line, arena, &entry.policy) &&
                    take(&line, ",\"rows\":") && take_number(&line, &entry.rows) &&
                    take(&line, ",\"bytes\":") && take_number(&line, &entry.bytes) &&
                    take(&line, ",\"decision\":") && take_text(&line, arena, &decision) &&
                    take(&line, ",\"statement\":") && take_text(&line, arena, &entry.statement) &&
                    (!take(&line, ",\"statement_bytes\":") || take_number(&line, &whole)) &&
                    take(&line, ",\"hash\":") && take_text(&line, arena, &entry.hash) && str_is(line, "}");
        if (!good || !time_parse_us(entry.time, &entry.time_us) || (!str_is(decision, "allow") && !str_is(decision, "deny") && !str_is(decision, "stopped")))
                return false;
        entry.denied = str_is(decision, "deny");
        entry.stopped = str_is(decision, "stopped");
        *out = entry;
        return true;
}

bool audit_line_time(Str line, int64_t *out) {
        int64_t sequence;
        if (!take(&line, "{\"sequence\":") || !take_number(&line, &sequence) || !take(&line, ",\"time\":\""))
                return false;
        return time_parse_us(str_slice(line, 0, str_find_byte(line, '"')), out);
}

/* ---- the lines of a file ---- */

Status audit_lines_open(const char *path, AuditLines *out, Error *err) {
        AuditLines lines = { .fd = -1, .path = path, .block = { .limit = AUDIT_LINE_MAX + PIECE + 1 } };
        TRY(file_open(path, &lines.fd, err));
        *out = lines;
        return STATUS_OK;
}

void audit_lines_close(AuditLines *lines) {
        close_fdp(&lines->fd);
        buf_deinit(&lines->block);
}

/* What was given out makes room, and more is read behind what is left. */
static Status read_more(AuditLines *lines, Error *err) {
        Buf *block = &lines->block;
        if (lines->at > 0)
                memmove(block->data, block->data + lines->at, block->size - lines->at);
        block->size -= lines->at;
        lines->at = 0;
        char *room = buf_reserve(block, PIECE);
        if (!room) {
                error_set(err, STATUS_CORRUPT, "the audit log is broken: a line has more than %u bytes", AUDIT_LINE_MAX);
                return error_place_line(err, lines->path, STR_NONE, 0, 0);
        }
        ssize_t got = read(lines->fd, room, PIECE);
        if (got < 0 && errno != EINTR)
                return error_errno(err, errno, "cannot read '%s'", lines->path);
        lines->ended = got == 0;
        if (got > 0)
                buf_added(block, (size_t)got);
        return STATUS_OK;
}

Status audit_lines_next(AuditLines *lines, Str *out, bool *out_more, Error *err) {
        size_t looked = 0;
        for (;;) {
                Str rest = str_slice(buf_view(&lines->block), lines->at, lines->block.size);
                size_t end = looked + str_find_byte(str_slice(rest, looked, rest.size), '\n');
                *out_more = end < rest.size;
                if (*out_more || lines->ended) {
                        *out = str_slice(rest, 0, end);
                        lines->at += end + *out_more;
                        return STATUS_OK;
                }
                looked = rest.size;
                TRY(read_more(lines, err));
        }
}

#define HEAD_SIZE ((size_t)96) /* of a line: sequence and time */

/* Where the first line that begins behind `at` begins, and when it was written; false: there is none before `end`, or it has no time. */
static Status look_behind(const AuditLines *lines, int64_t at, int64_t end, int64_t *out_begin, int64_t *out_us, bool *out, Error *err) {
        char bytes[(size_t)16 << 10];
        *out = false;
        for (int64_t from = at; from < end;) {
                ssize_t got = pread(lines->fd, bytes, sizeof(bytes), from);
                if (got < 0)
                        return error_errno(err, errno, "cannot read '%s'", lines->path);
                Str block = { bytes, (size_t)got };
                size_t newline = str_find_byte(block, '\n');
                if (got == 0 || (newline == block.size && block.size < sizeof(bytes)))
                        return STATUS_OK;
                *out_begin = from + (int64_t)newline + 1;
                if (newline < block.size && block.size - newline > HEAD_SIZE) {
                        *out = *out_begin < end && audit_line_time(str_slice(block, newline + 1, block.size), out_us);
                        return STATUS_OK;
                }
                from += newline > 0 ? (int64_t)newline : (int64_t)block.size;
                if (newline < block.size && block.size < sizeof(bytes))
                        return STATUS_OK; /* the last line, and it is short */
        }
        return STATUS_OK;
}

Status audit_lines_seek(AuditLines *lines, int64_t from_us, Error *err) {
        int64_t low = 0, high = lseek(lines->fd, 0, SEEK_END); /* what is wanted begins at low or later, and before high */
        while (high - low > (int64_t)PIECE) {
                int64_t middle = low + (high - low) / 2, begin = 0, us = 0;
                bool found;
                TRY(look_behind(lines, middle, high, &begin, &us, &found, err));
                if (found && us < from_us)
                        low = begin;
                else
                        high = middle;
        }
        return lseek(lines->fd, low, SEEK_SET) < 0 ? error_errno(err, errno, "cannot read '%s'", lines->path) : STATUS_OK;
}

/* ---- searching ---- */

/* name is `on`, or lies in it. */
static bool is_on(Str name, Str on) {
        return str_starts_with(name, on) && (name.size == on.size || name.data[on.size] == '.');
}

static bool any_is_on(const Str *names, size_t count, Str on) {
        for (size_t i = 0; i < count; i++)
                if (is_on(names[i], on))
                        return true;
        return false;
}

static bool fits(const AuditFilter *filter, const AuditEntry *entry) {
        if (entry->denied ? filter->no_deny : entry->stopped ? filter->no_stopped : filter->no_allow)
                return false;
        if (entry->time_us < filter->from_us || (filter->to_us && entry->time_us >= filter->to_us))
                return false;
        if (filter->principal.size && !str_equal(entry->principal, filter->principal) && !str_equal(entry->service, filter->principal))
                return false;
        return filter->on.size == 0 || any_is_on(entry->objects, entry->object_count, filter->on) ||
               any_is_on(entry->columns, entry->column_count, filter->on);
}

/* A file's name begins with its day; a line may be some moments younger than its file's day. */
static bool may_hold(const AuditFilter *filter, Str name) {
        int64_t day;
        if (!time_parse_us(str_slice(name, 0, sizeof("2026-11-26") - 1), &day))
                return true;
        return day + 2 * DAY_US > filter->from_us && (!filter->to_us || day < filter->to_us);
}

/* Whether the line may be of this principal, by its bytes: most are not, and need not be taken apart. */
static bool may_be_of(Str line, Str principal) {
        CLEANUP(buf_deinit) Buf text = { 0 };
        for (size_t i = 0; i < principal.size; i++)
                if (principal.data[i] <= 0x20 || principal.data[i] == 0x7f || principal.data[i] == '"' || principal.data[i] == '\\')
                        return true; /* it is written in another way */
        buf_printf(&text, ":\"%.*s\"", STR_ARG(principal));
        Str begin = str_slice(line, 0, 512 + 2 * principal.size); /* both names stand there, in front of all that is long */
        return str_find(begin, buf_view(&text)) < begin.size;
}

static Status search_file(const char *path, const AuditFilter *filter, AuditSee see, void *context, int64_t *unreadable, Error *err) {
        CLEANUP(arena_deinit) Arena scratch = { 0 };
        CLEANUP(audit_lines_close) AuditLines lines = { .fd = -1 };
        TRY(audit_lines_open(path, &lines, err));
        if (filter->from_us > 0)
                TRY(audit_lines_seek(&lines, filter->from_us, err));
        Str line;
        bool more;
        for (;;) {
                AuditEntry entry;
                int64_t us;
                TRY(audit_lines_next(&lines, &line, &more, err));
                if (!more || (filter->to_us && audit_line_time(line, &us) && us >= filter->to_us))
                        return STATUS_OK;
                if (filter->principal.size > 0 && !may_be_of(line, filter->principal))
                        continue;
                arena_reset(&scratch);
                if (!audit_entry_read(line, &scratch, &entry))
                        ++*unreadable;
                else if (fits(filter, &entry))
                        TRY(see(context, path_base(path), &entry, err));
        }
}

Status audit_search(const char *folder, const AuditFilter *filter, AuditSee see, void *context, int64_t *out_unreadable, Error *err) {
        CLEANUP(arena_deinit) Arena arena = { 0 };
        DirEntry *entries = NULL;
        size_t count = 0;
        *out_unreadable = 0;
        Status status = dir_list(folder, &arena, &entries, &count, err);
        if (status == STATUS_NOT_FOUND)
                return STATUS_OK;
        TRY(status);
        for (size_t i = 0; i < count; i++) {
                if (!entries[i].is_file || !str_ends_with(entries[i].name, STR(AUDIT_FILE_END)) || !may_hold(filter, entries[i].name))
                        continue;
                TRY(search_file(path_join(&arena, folder, arena_cstr(&arena, entries[i].name)), filter, see, context, out_unreadable, err));
        }
        return STATUS_OK;
}
